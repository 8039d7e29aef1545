//! Documents that go with a component: what it is made of, and how it was built. They are not made here, and not believed
//! without a look: each must be what it says, and about this very component where it names one.

use std::path::Path;

use serde_json::Value;

use crate::config::ComponentDigest;

/// A document about a component.
#[derive(Clone, Debug)]
pub struct Document {
    name: String,
    media_type: &'static str,
    bytes: Vec<u8>,
}

/// Why a document does not go with a component.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DocumentError {
    /// It was not read.
    #[error("cannot be read: {0}")]
    Read(#[from] std::io::Error),
    /// It is no JSON.
    #[error("is not JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// It is JSON of another kind.
    #[error("is not {0}")]
    Kind(&'static str),
    /// It is about something else.
    #[error("is about another component: it names {0}, and this one has {1}")]
    Other(String, ComponentDigest),
}

impl Document {
    /// What a component is made of: CycloneDX or SPDX, as JSON.
    ///
    /// # Errors
    /// When the file is neither.
    pub fn materials(file: &Path, component: &ComponentDigest) -> Result<Self, DocumentError> {
        let (bytes, document) = read(file)?;
        let media_type = match (text(&document, "/bomFormat"), text(&document, "/spdxVersion")) {
            (Some("CycloneDX"), _) => "application/vnd.cyclonedx+json",
            (_, Some(_)) => "application/spdx+json",
            _ => return Err(DocumentError::Kind("a bill of materials: CycloneDX or SPDX as JSON")),
        };
        let hashes = document.pointer("/metadata/component/hashes").and_then(Value::as_array);
        let named = hashes.into_iter().flatten().filter(|hash| text(hash, "/alg") == Some("SHA-256"));
        about(named.filter_map(|hash| text(hash, "/content")), component, false)?;
        Ok(Self { name: name(file), media_type, bytes })
    }

    /// How a component was built: a statement of in-toto, which must name it.
    ///
    /// # Errors
    /// When the file is none, or about another component.
    pub fn provenance(file: &Path, component: &ComponentDigest) -> Result<Self, DocumentError> {
        let (bytes, document) = read(file)?;
        if text(&document, "/_type") != Some("https://in-toto.io/Statement/v1") {
            return Err(DocumentError::Kind("a statement of in-toto, version 1"));
        }
        let subjects = document.pointer("/subject").and_then(Value::as_array);
        about(subjects.into_iter().flatten().filter_map(|subject| text(subject, "/digest/sha256")), component, true)?;
        Ok(Self { name: name(file), media_type: "application/vnd.in-toto+json", bytes })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn media_type(&self) -> &'static str {
        self.media_type
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

fn read(file: &Path) -> Result<(Vec<u8>, Value), DocumentError> {
    let bytes = std::fs::read(file)?;
    let document = serde_json::from_slice(&bytes)?;
    Ok((bytes, document))
}

/// Whether one of these digests is the component's; where none is named, `must` decides.
fn about<'d>(named: impl Iterator<Item = &'d str>, component: &ComponentDigest, must: bool) -> Result<(), DocumentError> {
    let (named, digits): (Vec<_>, _) = (named.collect(), component.digits());
    match named.iter().any(|name| name.eq_ignore_ascii_case(&digits)) || named.is_empty() && !must {
        true => Ok(()),
        false => {
            let named = if named.is_empty() { "none by its SHA-256".to_owned() } else { format!("sha256:{}", named.join(", sha256:")) };
            Err(DocumentError::Other(named, *component))
        }
    }
}

fn text<'d>(document: &'d Value, pointer: &str) -> Option<&'d str> {
    document.pointer(pointer).and_then(Value::as_str)
}

fn name(file: &Path) -> String {
    file.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
