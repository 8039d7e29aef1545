//! The key that vouches for compiled components: 64 random bytes in a file that nobody but the host may touch.

use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;

use hmac::{Hmac, Mac};
use rand::TryRngCore;
use rand::rngs::OsRng;
use sha2::Sha256;

use super::{private_file, private_folder};

/// A block of the hash: a key as long as one is taken as it is.
const LENGTH: usize = 64;

/// A key. It has no debug form: it is in no log.
pub(super) struct Key([u8; LENGTH]);

impl Key {
    /// The key in this file. Where there is none, or only half of one, another is made: what the old one vouched for is then
    /// compiled anew.
    pub(super) fn open(file: &Path) -> io::Result<Self> {
        match read(file) {
            Ok(Some(key)) => return Ok(key),
            Ok(None) => {
                tracing::warn!(file = %file.display(), "the key of compiled components is damaged, and made anew");
                fs::remove_file(file)?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(named(file, &error)),
        }
        make(file).map_err(|error| named(file, &error))?;
        // Of two that make one at once the first wins, and both go by it.
        read(file).and_then(|key| key.ok_or_else(|| io::Error::other("it was damaged at once"))).map_err(|error| named(file, &error))
    }

    pub(super) fn mac(&self) -> Hmac<Sha256> {
        Hmac::new(&self.0.into())
    }
}

/// `None` where what lies there is no key.
fn read(file: &Path) -> io::Result<Option<Key>> {
    let meta = fs::symlink_metadata(file)?;
    if !meta.is_file() {
        return Err(io::Error::other("it is not a plain file"));
    }
    private(&meta)?;
    let mut bytes = Vec::new();
    fs::File::open(file)?.take(LENGTH as u64 + 1).read_to_end(&mut bytes)?;
    Ok(<[u8; LENGTH]>::try_from(bytes).ok().map(Key))
}

/// A key that others can read vouches for nothing.
#[cfg(unix)]
fn private(meta: &fs::Metadata) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mode = meta.permissions().mode() & 0o777;
    match mode & 0o077 {
        0 => Ok(()),
        _ => Err(io::Error::other(format!("others may read or write it (mode {mode:o}); remove it, and another is made"))),
    }
}

#[cfg(not(unix))]
fn private(_meta: &fs::Metadata) -> io::Result<()> {
    Ok(())
}

/// Written whole under another name, then put in place unless there is one by now.
fn make(file: &Path) -> io::Result<()> {
    let mut key = [0; LENGTH];
    OsRng.try_fill_bytes(&mut key).map_err(io::Error::other)?;
    let folder = file.parent().unwrap_or(Path::new(""));
    if !folder.as_os_str().is_empty() {
        private_folder(folder)?;
    }
    let writing = folder.join(format!(".{}.writing", uuid::Uuid::now_v7().simple()));
    let made = private_file(&writing).and_then(|mut out| {
        out.write_all(&key)?;
        out.sync_all()?;
        fs::hard_link(&writing, file)
    });
    let _ = fs::remove_file(&writing);
    match made {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made,
    }
}

fn named(file: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("the key {}: {error}", file.display()))
}
