//! How a tenant's component is named: as a file, as a digest, as a file that must have a digest, or as the digest of a manifest in
//! an OCI image layout.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use sha2::{Digest as _, Sha256};

use crate::layout::Tag;

/// Where a component is to be found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ComponentSource {
    /// `worker-status.wasm`, or `worker-status.wasm@sha256:…`: this file, with this digest where one is given.
    File(PathBuf, Option<ComponentDigest>),
    /// `sha256:…`: the file of that name and the ending `.wasm` in the folder for components.
    Digest(ComponentDigest),
    /// `oci-layout:FOLDER@sha256:…`: the component of the manifest with this digest, in the OCI image layout in this folder.
    Layout(PathBuf, ComponentDigest),
    /// `oci-layout:FOLDER:TAG` or `oci-layout:FOLDER`: not enough to go by, since what lies there may change. To be refused with the
    /// digest that is meant now.
    Unpinned(PathBuf, Option<Tag>),
}

/// The SHA-256 of a component's bytes, or of the manifest that leads to one; written `sha256:` and 64 hexadecimal digits, as registries do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ComponentDigest([u8; 32]);

/// Why a text is no digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no digest: write sha256: and 64 hexadecimal digits, as `sha256sum FILE` prints them")]
pub struct DigestError;

const ALGORITHM: &str = "sha256:";

/// What the name of a component in an OCI image layout begins with.
const LAYOUT: &str = "oci-layout:";

impl ComponentDigest {
    /// Of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The digits alone.
    pub fn digits(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for ComponentDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{ALGORITHM}{}", self.digits())
    }
}

impl FromStr for ComponentDigest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let digits = text.strip_prefix(ALGORITHM).filter(|digits| digits.len() == 64 && digits.is_ascii()).ok_or(DigestError)?;
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.as_bytes().chunks(2)) {
            let pair = std::str::from_utf8(pair).ok().filter(|pair| pair.bytes().all(|digit| digit.is_ascii_hexdigit()));
            *byte = pair.and_then(|pair| u8::from_str_radix(pair, 16).ok()).ok_or(DigestError)?;
        }
        Ok(Self(bytes))
    }
}

impl FromStr for ComponentSource {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        if is_digest(text) {
            return Ok(Self::Digest(text.parse()?));
        }
        let pinned = |text: &str| {
            let (place, digest) = text.rsplit_once('@').filter(|(_, digest)| is_digest(digest))?;
            Some((PathBuf::from(place), digest.parse::<ComponentDigest>()))
        };
        if let Some(place) = text.strip_prefix(LAYOUT) {
            return match pinned(place) {
                Some((folder, digest)) => Ok(Self::Layout(folder, digest?)),
                None => Ok(unpinned(place)),
            };
        }
        match pinned(text) {
            Some((file, digest)) => Ok(Self::File(file, Some(digest?))),
            None => Ok(Self::File(text.into(), None)),
        }
    }
}

/// A folder, and what may be a tag: there is no slash in one.
fn unpinned(place: &str) -> ComponentSource {
    let tagged = place.rsplit_once(':').and_then(|(folder, tag)| Some((folder, tag.parse().ok()?)));
    match tagged {
        Some((folder, tag)) => ComponentSource::Unpinned(folder.into(), Some(tag)),
        None => ComponentSource::Unpinned(place.into(), None),
    }
}

/// Whether a text means to be a digest, of whatever kind.
fn is_digest(text: &str) -> bool {
    text.split_once(':').is_some_and(|(algorithm, _)| algorithm.to_ascii_lowercase().starts_with("sha"))
}

impl ComponentSource {
    /// With a file that is named from this folder.
    pub(crate) fn within(self, folder: &std::path::Path) -> Self {
        match self {
            Self::File(file, digest) => Self::File(folder.join(file), digest),
            Self::Layout(layout, digest) => Self::Layout(folder.join(layout), digest),
            Self::Unpinned(layout, tag) => Self::Unpinned(folder.join(layout), tag),
            Self::Digest(digest) => Self::Digest(digest),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_digests_are_told_apart() {
        let digest = ComponentDigest::of(b"abc");
        assert_eq!(digest.to_string(), "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(digest.to_string().parse(), Ok(digest));
        let upper = format!("sha256:{}", digest.digits().to_uppercase());
        for (text, source) in [
            (digest.to_string(), ComponentSource::Digest(digest)),
            (upper, ComponentSource::Digest(digest)),
            ("a.wasm".to_owned(), ComponentSource::File("a.wasm".into(), None)),
            (format!("b/a@1.wasm@{digest}"), ComponentSource::File("b/a@1.wasm".into(), Some(digest))),
            ("b/a@1.wasm".to_owned(), ComponentSource::File("b/a@1.wasm".into(), None)),
            ("C:\\a.wasm".to_owned(), ComponentSource::File("C:\\a.wasm".into(), None)),
            (format!("oci-layout:a@1/b:c@{digest}"), ComponentSource::Layout("a@1/b:c".into(), digest)),
            ("oci-layout:a/b:1.0".to_owned(), ComponentSource::Unpinned("a/b".into(), "1.0".parse().ok())),
            ("oci-layout:a:1/b".to_owned(), ComponentSource::Unpinned("a:1/b".into(), None)),
            ("oci-layout:a".to_owned(), ComponentSource::Unpinned("a".into(), None)),
        ] {
            assert_eq!(text.parse(), Ok(source), "{text}");
        }
        let digits = digest.digits();
        let (short, sign, wide) = (&digits[1..], format!("+{}", &digits[1..]), format!("é{}", &digits[2..]));
        for text in [short, &sign, &wide, ""] {
            assert_eq!(format!("sha256:{text}").parse::<ComponentSource>(), Err(DigestError), "{text}");
            assert_eq!(format!("a.wasm@sha256:{text}").parse::<ComponentSource>(), Err(DigestError), "{text}");
            assert_eq!(format!("oci-layout:a@sha256:{text}").parse::<ComponentSource>(), Err(DigestError), "{text}");
        }
        assert_eq!(format!("sha512:{digits}").parse::<ComponentSource>(), Err(DigestError));
        assert_eq!(format!("oci-layout:a@sha512:{digits}").parse::<ComponentSource>(), Err(DigestError));
        assert_eq!("oci-layout:a@sha256:../../../etc/passwd".parse::<ComponentSource>(), Err(DigestError));
        assert_eq!(format!("a.wasm@SHA256:{digits}").parse::<ComponentSource>(), Err(DigestError));
    }
}
