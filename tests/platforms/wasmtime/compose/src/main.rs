//! ```text
//! compose plug OUT PLUGIN PART …                one component of the plugin and the adapters, which imports only WASI
//! compose fit COMPONENT NAME=FOLDER[#WORLD][+FOLDER…] …   what stands between a component and the worlds in a folder of WIT
//! ```

mod fit;
mod plug;

use std::fs;

use anyhow::{Context, Result, bail};

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["plug", out, plugin, parts @ ..] if !parts.is_empty() => {
            let parts = parts.iter().map(|path| Ok(((*path).to_owned(), read(path)?))).collect::<Result<_>>()?;
            let whole = plug::compose(read(plugin)?, parts)?;
            fs::write(out, &whole).with_context(|| format!("{out} cannot be written"))?;
            println!("{}", fit::Names::of(&whole)?);
        }
        ["fit", component, worlds @ ..] if !worlds.is_empty() => {
            let component = read(component)?;
            for world in worlds {
                let (name, folders) = world.split_once('=').context("write NAME=FOLDER")?;
                print!("{}", fit::told(name, &component, folders).with_context(|| name.to_owned())?);
            }
        }
        _ => bail!("usage: compose plug OUT PLUGIN PART … | compose fit COMPONENT NAME=FOLDER[#WORLD][+FOLDER…] …"),
    }
    Ok(())
}

fn read(path: &str) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("{path} cannot be read"))
}
