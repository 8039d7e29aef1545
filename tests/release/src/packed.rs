//! Whether a package of WIT, which another tool packed, says what the folder says.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use wit_component::{DecodedWasm, WitPrinter, decode};
use wit_parser::{PackageId, Resolve};

/// The name of the package, where every word of it is the same.
pub(crate) fn compare(packed: &Path, folder: &Path) -> Result<String> {
    let bytes = fs::read(packed).with_context(|| format!("{} cannot be read", packed.display()))?;
    let DecodedWasm::WitPackage(resolve, package) = decode(&bytes)? else { bail!("{} is no package of WIT", packed.display()) };
    let told = print(&resolve, package)?;
    let mut source = Resolve::default();
    let (package, _) = source.push_dir(folder)?;
    // By way of the same encoding: what it does not keep, no package has.
    let DecodedWasm::WitPackage(again, package) = decode(&wit_component::encode(&source, package)?)? else {
        bail!("{} is no package of WIT", folder.display());
    };
    if told != print(&again, package)? {
        bail!("{} does not say what {} says: pack it anew", packed.display(), folder.display());
    }
    Ok(again.packages.get(package).context("the package has no name")?.name.to_string())
}

fn print(resolve: &Resolve, package: PackageId) -> Result<String> {
    let mut printer = WitPrinter::default();
    printer.print(resolve, package, &[])?;
    Ok(printer.output.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_that_says_something_else_is_found() {
        let (folder, wit) = (tempfile::tempdir().unwrap(), Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit"));
        let pack = |name: &str, change: fn(String) -> String| {
            let source = folder.path().join(name);
            fs::create_dir(&source).unwrap();
            for file in fs::read_dir(&wit).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file()) {
                fs::write(source.join(file.file_name().unwrap()), change(fs::read_to_string(&file).unwrap())).unwrap();
            }
            let mut resolve = Resolve::default();
            let (package, _) = resolve.push_dir(&source).unwrap();
            let packed = source.with_extension("wasm");
            fs::write(&packed, wit_component::encode(&resolve, package).unwrap()).unwrap();
            packed
        };
        assert_eq!(compare(&pack("same", |text| text), &wit).unwrap(), "shift-access:plugin@0.1.0");
        let other = pack("other", |text| text.replace("/// The name.", "/// Its name."));
        assert!(compare(&other, &wit).unwrap_err().to_string().contains("pack it anew"));
        fs::write(&other, "no package").unwrap();
        assert!(compare(&other, &wit).is_err());
    }
}
