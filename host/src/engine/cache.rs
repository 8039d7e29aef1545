//! Compiled components, kept from one start to the next.
//!
//! What is kept is native code that runs inside the host: whoever could write it would be the host. So each entry carries a
//! tag (HMAC-SHA256) under a key that lies elsewhere, over what it was compiled from, by which engine, and the code itself.
//! An entry whose tag is not right is not looked at any further: the component is compiled anew, and the entry replaced.
//! What is checked is what is run: the bytes are read once, into memory, and never from the file again.
//!
//! Trouble with the folder or the key costs time, never a start.

mod key;

use std::fs;
use std::hash::{Hash, Hasher};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use wasmtime::component::Component;

use key::Key;

/// What an entry begins with.
const MARK: &[u8; 8] = b"SAcomp01";
/// Bytes of a tag.
const TAG: usize = 32;
/// No entry is larger: a file that is was not written here.
const LARGEST: u64 = 256 << 20;
/// All entries together; those used longest ago go first.
const ROOM: u64 = 512 << 20;
/// The end of an entry's name.
const ENDING: &str = ".compiled";
/// The end of the name of a file that is being written; one that was left behind goes after an hour.
const WRITING: &str = ".writing";
const LEFT_BEHIND: Duration = Duration::from_secs(3_600);

/// Where compiled components are kept, and the key that vouches for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cache {
    folder: PathBuf,
    key: PathBuf,
}

impl Cache {
    /// In this folder. The key lies beside it, in a file of its name with `.key` behind: who may write into the folder can
    /// then still not make an entry, unless they may write beside it too.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        let folder = folder.into();
        let mut name = folder.file_name().unwrap_or_default().to_owned();
        name.push(".key");
        Self { key: folder.with_file_name(name), folder }
    }

    /// With the key in this file, which is made where there is none. Nobody but the host may read or write it.
    #[must_use]
    pub fn key(self, file: impl Into<PathBuf>) -> Self {
        Self { key: file.into(), ..self }
    }
}

impl From<PathBuf> for Cache {
    fn from(folder: PathBuf) -> Self {
        Self::new(folder)
    }
}

impl From<&Path> for Cache {
    fn from(folder: &Path) -> Self {
        Self::new(folder)
    }
}

/// A cache whose key is at hand.
pub(super) struct Kept {
    folder: PathBuf,
    key: Key,
    /// Whether this engine can run what another one compiled.
    engine: [u8; 32],
}

/// Why an entry is not used.
#[derive(Debug, thiserror::Error)]
enum Unfit {
    #[error(transparent)]
    File(#[from] io::Error),
    #[error("it is no entry, or longer than any can be")]
    Form,
    #[error("its tag is not of this key and component: it was tampered with, damaged, or written under another key")]
    Tag,
    #[error("the engine does not take it: {0}")]
    Engine(String),
}

impl Kept {
    /// The folder and the key, made where they are missing.
    pub(super) fn open(cache: &Cache, engine: &wasmtime::Engine) -> io::Result<Self> {
        let key = Key::open(&cache.key)?;
        if let Err(error) = private_folder(&cache.folder) {
            tracing::warn!(folder = %cache.folder.display(), %error, "compiled components are not kept");
        }
        let mut digest = Feed(Sha256::new());
        engine.precompile_compatibility_hash().hash(&mut digest);
        Ok(Self { folder: cache.folder.clone(), key, engine: digest.0.finalize().into() })
    }

    /// The component: from its entry where that is good, else compiled, and then kept.
    pub(super) fn load(&self, engine: &wasmtime::Engine, wasm: &[u8]) -> wasmtime::Result<Component> {
        let identity = self.identity(wasm);
        let file = self.folder.join(format!("{}{ENDING}", hex(&identity)));
        match self.read(engine, &identity, &file) {
            Ok(component) => {
                // When it was used last: the oldest go first.
                let _ = fs::File::open(&file).and_then(|file| file.set_modified(SystemTime::now()));
                return Ok(component);
            }
            Err(Unfit::File(error)) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => tracing::warn!(file = %file.display(), %error, "a compiled component is not used and made anew"),
        }
        let component = Component::from_binary(engine, wasm)?;
        if let Err(error) = component.serialize().map_err(io::Error::other).and_then(|code| self.write(&identity, &file, &code)) {
            tracing::warn!(file = %file.display(), %error, "a compiled component is not kept");
        }
        Ok(component)
    }

    /// Of the component as it was given, and of all that decides what it is compiled to.
    fn identity(&self, wasm: &[u8]) -> [u8; 32] {
        Sha256::new().chain_update(self.engine).chain_update(Sha256::digest(wasm)).finalize().into()
    }

    fn tag(&self, identity: &[u8; 32], code: &[u8]) -> Hmac<Sha256> {
        self.key.mac().chain_update(MARK).chain_update(identity).chain_update(code)
    }

    fn read(&self, engine: &wasmtime::Engine, identity: &[u8; 32], file: &Path) -> Result<Component, Unfit> {
        let entry = whole(file)?;
        let (mark, rest) = entry.split_at_checked(MARK.len()).ok_or(Unfit::Form)?;
        let (tag, code) = rest.split_at_checked(TAG).filter(|_| mark == MARK).ok_or(Unfit::Form)?;
        self.tag(identity, code).verify_slice(tag).map_err(|_| Unfit::Tag)?;
        vouched(engine, code).map_err(|error| Unfit::Engine(error.to_string()))
    }

    /// Written whole under another name first: a reader sees the old entry or the new one, and so do two writers.
    fn write(&self, identity: &[u8; 32], file: &Path, code: &[u8]) -> io::Result<()> {
        let tag = self.tag(identity, code).finalize().into_bytes();
        let writing = self.folder.join(format!("{}{WRITING}", uuid::Uuid::now_v7().simple()));
        let written = private_file(&writing).and_then(|mut out| {
            [&MARK[..], tag.as_slice(), code].iter().try_for_each(|part| out.write_all(part))?;
            fs::rename(&writing, file)
        });
        if written.is_err() {
            let _ = fs::remove_file(&writing);
        }
        self.tidy(file);
        written
    }

    /// Makes room: what was used longest ago goes, but not what was just written. Other files are left alone.
    fn tidy(&self, latest: &Path) {
        let Ok(files) = fs::read_dir(&self.folder) else { return };
        let mut entries = Vec::new();
        for file in files.flatten() {
            let (path, name) = (file.path(), file.file_name().to_string_lossy().into_owned());
            let Ok(meta) = file.metadata() else { continue };
            let used = meta.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            if name.ends_with(WRITING) && used.elapsed().is_ok_and(|age| age > LEFT_BEHIND) {
                let _ = fs::remove_file(&path);
            } else if name.ends_with(ENDING) && path != latest {
                entries.push((used, meta.len(), path));
            }
        }
        let own = fs::metadata(latest).map_or(0, |meta| meta.len());
        for path in too_many(entries, ROOM.saturating_sub(own)) {
            let _ = fs::remove_file(path);
        }
    }
}

/// The entries, each with its time and length, that must go for the others to fit.
fn too_many(mut entries: Vec<(SystemTime, u64, PathBuf)>, room: u64) -> Vec<PathBuf> {
    entries.sort_by_key(|(used, ..)| std::cmp::Reverse(*used));
    let mut all = 0_u64;
    let beyond = entries.into_iter().filter(|(_, length, _)| {
        all = all.saturating_add(*length);
        all > room
    });
    beyond.map(|(_, _, path)| path).collect()
}

/// Code whose tag was found right.
#[expect(unsafe_code, reason = "native code can be taken up in no other way; that it is our own is what the tag shows")]
fn vouched(engine: &wasmtime::Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: the bytes are what `Component::serialize` gave to a host that holds the same key: the tag over them was verified
    // just before, and they lie in this process's own memory, where nobody changes them. `deserialize` copies them.
    unsafe { Component::deserialize(engine, code) }
}

/// A whole file, unless it is too long to be one of ours. What somebody else put in its place is not waited for.
fn whole(file: &Path) -> Result<Vec<u8>, Unfit> {
    let meta = fs::symlink_metadata(file)?;
    if !meta.is_file() || meta.len() > LARGEST {
        return Err(Unfit::Form);
    }
    let mut bytes = Vec::new();
    fs::File::open(file)?.take(LARGEST).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// A new file that nobody else may read or write.
fn private_file(file: &Path) -> io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Feeds what is hashed into a digest that nobody can aim at.
struct Feed(Sha256);

impl Hasher for Feed {
    fn finish(&self) -> u64 {
        0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }
}

#[cfg(test)]
mod tests;
