//! An adapter: `wasi:config` from a folder that the host opens at `/settings`, one file a setting, as orchestrators mount secrets.
//!
//! wasmtime 48 takes settings only on its command line, where everybody on the machine can read them, and ends each at a comma.
//! A host with a better way to give settings needs no such part.
#![cfg_attr(not(target_arch = "wasm32"), allow(dead_code, reason = "what the exports reach is unused without them"))]

mod bindings;

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use bindings::exports::wasi::config::store::{Error, Guest};

/// Where the host opens the folder.
const FOLDER: &str = "/settings";

struct Files;

impl Guest for Files {
    fn get(key: String) -> Result<Option<String>, Error> {
        read(Path::new(FOLDER), &key).map_err(io_error)
    }

    fn get_all() -> Result<Vec<(String, String)>, Error> {
        all(Path::new(FOLDER)).map_err(io_error)
    }
}

fn io_error(error: io::Error) -> Error {
    Error::Io(format!("the folder of the settings: {error} (the host opens it with --dir FOLDER::{FOLDER})"))
}

/// A setting; none where there is no such file, or the name is no name of one.
fn read(folder: &Path, key: &str) -> io::Result<Option<String>> {
    if !is_key(key) {
        return Ok(None);
    }
    match fs::read_to_string(folder.join(key)) {
        // An editor ends a file with a line break that nobody means.
        Ok(text) => Ok(Some(text.strip_suffix('\n').unwrap_or(&text).to_owned())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn all(folder: &Path) -> io::Result<Vec<(String, String)>> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let Some(key) = entry.file_name().to_str().filter(|key| is_key(key)).map(str::to_owned) else { continue };
        // A mounted secret is a link to a file.
        if fs::metadata(entry.path())?.is_file() {
            all.extend(read(folder, &key)?.map(|value| (key, value)));
        }
    }
    all.sort();
    Ok(all)
}

/// Names that begin with a dot are an editor's or an orchestrator's.
fn is_key(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\'])
}

// The names of the exports mean nothing to a native linker; there, only the unit tests are built.
#[cfg(target_arch = "wasm32")]
bindings::export!(Files with_types_in bindings);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_is_a_setting_and_nothing_outside_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let settings = folder.path().join("settings");
        fs::create_dir_all(settings.join("folder")).unwrap();
        fs::write(settings.join("b"), "two, three\n").unwrap();
        fs::write(settings.join("a.b"), "one").unwrap();
        fs::write(settings.join(".hidden"), "x").unwrap();
        fs::write(folder.path().join("outside"), "x").unwrap();
        let wanted = [("a.b", "one"), ("b", "two, three")].map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(all(&settings).unwrap(), wanted);
        assert_eq!(read(&settings, "b").unwrap().as_deref(), Some("two, three"));
        for key in ["c", "../outside", ".hidden", ""] {
            assert_eq!(read(&settings, key).unwrap(), None, "{key}");
        }
        assert!(all(&folder.path().join("none")).is_err());
    }
}
