//! OCI image layouts: a folder in which components lie as artefacts, named by digest and by tag, as registries and their tools
//! keep them (<https://github.com/opencontainers/image-spec/blob/main/image-layout.md>). How a component lies in one is the guide
//! of the CNCF (<https://tag-runtime.cncf.io/wgs/wasm/deliverables/wasm-oci-artifact/>).
//!
//! Who can write into the folder must not choose what runs: a component is read by the digest of its manifest and by nothing
//! else, and every blob on the way is held against the digest and the size that are said of it. Nothing here goes to a network.

mod beside;
mod config;
mod read;
mod write;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use oci_spec::image::MediaType;
use serde::de::DeserializeOwned;

pub use beside::{Document, DocumentError};
pub use write::Artefact;

/// The file that makes a folder a layout, and the only version of it that there is.
const MARK: &str = "oci-layout";
const VERSION: &str = "1.0.0";
/// The file that lists what lies in the layout.
const INDEX: &str = "index.json";
/// Where blobs lie, each under the digits of its digest.
const BLOBS: &str = "blobs/sha256";

/// The media types of a component's configuration and of the component itself.
const CONFIG: &str = "application/vnd.wasm.config.v0+json";
const WASM: &str = "application/wasm";

/// A folder that is an OCI image layout.
#[derive(Clone, Debug)]
pub struct Layout {
    folder: PathBuf,
}

/// A name for a manifest that may come to mean another one: `1.2.0`, `latest`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tag(String);

/// Why a text is no tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no tag: write up to 128 of the letters a to z, digits, `_`, `-` and `.`, the last two not first")]
pub struct TagError;

/// Why a layout was not read, or not written to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LayoutError {
    /// The folder is something else.
    #[error("{} is no OCI image layout: {}", .0.display(), .1)]
    NoLayout(PathBuf, String),
    /// A file or folder was not read.
    #[error("{} cannot be read: {}", .0.display(), .1)]
    Read(PathBuf, io::Error),
    /// A file or folder was not written.
    #[error("{} cannot be written: {}", .0.display(), .1)]
    Write(PathBuf, io::Error),
    /// A file does not hold what it should.
    #[error("{} is not what an OCI image layout has there: {}", .0.display(), .1)]
    Form(PathBuf, String),
    /// There is no blob of this digest.
    #[error("{} has nothing of the digest {}; {}", .0.display(), .1, .2)]
    NoBlob(PathBuf, String, String),
    /// A blob does not have the digest that it is named by.
    #[error("the blob {0} was changed: its bytes have {1}")]
    Changed(String, String),
    /// A blob is longer or shorter than it should be.
    #[error("the blob {0} was changed: it has {1} bytes, and {2} are said of it")]
    Size(String, u64, u64),
    /// What the digest leads to is no component.
    #[error("{0} is no manifest of a component: {1}")]
    Foreign(String, String),
    /// Only a tag was named, or nothing but the layout.
    #[error("{} is named without a digest, and what lies there may change; {}", .0.display(), .1)]
    Unpinned(PathBuf, String),
}

impl LayoutError {
    /// What to do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::NoLayout(..) => {
                "name the folder with the files oci-layout and index.json, then @ and a digest: oci-layout:FOLDER@sha256:…"
            }
            Self::Read(..) | Self::Write(..) => "look whether it is there, and who may read and write it",
            Self::Form(..) | Self::Changed(..) | Self::Size(..) => "copy the layout anew from where it came from",
            Self::NoBlob(..) | Self::Foreign(..) => "write the digest of a component's manifest, as `shift-access package` prints it",
            Self::Unpinned(..) => "write it as oci-layout:FOLDER@sha256:…, so that nobody exchanges it unseen",
        }
    }
}

impl FromStr for Tag {
    type Err = TagError;

    /// As the distribution specification has it.
    fn from_str(text: &str) -> Result<Self, TagError> {
        let first = text.bytes().next().is_some_and(|letter| letter.is_ascii_alphanumeric() || letter == b'_');
        let all = text.bytes().all(|letter| letter.is_ascii_alphanumeric() || b"_.-".contains(&letter));
        if first && all && text.len() <= 128 { Ok(Self(text.to_owned())) } else { Err(TagError) }
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Layout {
    fn blob(&self, digits: &str) -> PathBuf {
        self.folder.join(BLOBS).join(digits)
    }
}

fn parse<T: DeserializeOwned>(file: &Path, bytes: &[u8]) -> Result<T, LayoutError> {
    serde_json::from_slice(bytes).map_err(|error| LayoutError::Form(file.to_owned(), error.to_string()))
}

/// The media type of a component's configuration, which is also the type of the artefact.
fn config_type() -> MediaType {
    MediaType::from(CONFIG)
}

#[cfg(test)]
mod tests;
