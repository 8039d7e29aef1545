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
