//! Reading a layout: what lies in it, and a component by the digest of its manifest.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use oci_spec::image::{ANNOTATION_REF_NAME, Descriptor, ImageIndex, ImageManifest, MediaType, OciLayout};

use super::config::Config;
use super::{BLOBS, CONFIG, INDEX, Layout, LayoutError, MARK, Tag, VERSION, WASM, config_type, parse};
use crate::config::ComponentDigest;

/// Manifests, configurations and indexes are no longer than this, as in registries.
const DOCUMENT: u64 = 4 << 20;
/// Manifests named in a message at most.
const NAMED: usize = 3;

/// A component that a layout lists.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// The digest of its manifest.
    pub digest: ComponentDigest,
    /// What it is called, where it is called anything.
    pub tag: Option<Tag>,
}

impl Layout {
    /// The layout in this folder.
    ///
    /// # Errors
    /// When there is none, or one of another version.
    pub fn open(folder: &Path) -> Result<Self, LayoutError> {
        let file = folder.join(MARK);
        let no_layout = |why: String| LayoutError::NoLayout(folder.to_owned(), why);
        let bytes = read(&file, DOCUMENT).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => no_layout(format!("it has no file {MARK}")),
            _ => LayoutError::Read(file.clone(), error),
        })?;
        let header: OciLayout = parse(&file, &bytes)?;
        match header.image_layout_version().as_str() {
            VERSION => Ok(Self { folder: folder.to_owned() }),
            other => Err(no_layout(format!("it is one of version {other}, and {VERSION} is read"))),
        }
    }

    /// Whether a manifest lies in this folder, unread.
    pub(crate) fn has(folder: &Path, manifest: &ComponentDigest) -> bool {
        folder.join(BLOBS).join(manifest.digits()).is_file()
    }

    /// The components it lists. What else it lists is passed over.
    ///
    /// # Errors
    /// When its index cannot be read.
    pub fn entries(&self) -> Result<Vec<Entry>, LayoutError> {
        let index = self.index()?;
        let entries = index.manifests().iter().filter(|listed| is_component(listed)).filter_map(|listed| {
            let tag = tag_of(listed).and_then(|tag| tag.parse().ok());
            Some(Entry { digest: digest_of(listed).ok()?, tag })
        });
        Ok(entries.collect())
    }

    /// The component of the manifest with this digest.
    ///
    /// # Errors
    /// When there is none, when it is something else, and when a blob on the way is not what its digest and size say.
    pub fn component(&self, digest: &ComponentDigest) -> Result<Vec<u8>, LayoutError> {
        let foreign = |why: String| LayoutError::Foreign(digest.to_string(), format!("{why}; {}", self.listed()));
        let bytes = self.named(digest)?;
        let manifest: ImageManifest =
            serde_json::from_slice(&bytes).map_err(|error| foreign(format!("it cannot be read as one: {error}")))?;
        let layer = layer(&manifest).map_err(foreign)?;
        let config = self.described(manifest.config(), DOCUMENT)?;
        let config: Config =
            serde_json::from_slice(&config).map_err(|error| foreign(format!("its configuration cannot be read: {error}")))?;
        match config.fault(layer.digest().as_ref()) {
            None => self.described(layer, u64::MAX),
            Some(fault) => Err(foreign(fault)),
        }
    }

    /// That only the layout was named, or a tag of it: with the digest that is meant now.
    pub(crate) fn unpinned(&self, tag: Option<&Tag>) -> LayoutError {
        let entries = self.entries().unwrap_or_default();
        let tagged = tag.map(|tag| (tag, entries.iter().find(|entry| entry.tag.as_ref() == Some(tag))));
        let now = match tagged {
            Some((tag, Some(entry))) => format!("{tag} is {} now", entry.digest),
            Some((tag, None)) => format!("there is no tag {tag}, and {}", self.listed()),
            None => self.listed(),
        };
        LayoutError::Unpinned(self.folder.clone(), now)
    }

    pub(super) fn index(&self) -> Result<ImageIndex, LayoutError> {
        let file = self.folder.join(INDEX);
        let bytes = read(&file, DOCUMENT).map_err(|error| LayoutError::Read(file.clone(), error))?;
        parse(&file, &bytes)
    }

    /// What it lists, for a message.
    fn listed(&self) -> String {
        let entries = self.entries().unwrap_or_default();
        let named = entries.iter().take(NAMED).map(|Entry { digest, tag }| match tag {
            Some(tag) => format!("{digest} ({tag})"),
            None => digest.to_string(),
        });
        let more = if entries.len() > NAMED { " and more" } else { "" };
        match entries.is_empty() {
            true => "it has no component".to_owned(),
            false => format!("it has {}{more}", named.collect::<Vec<_>>().join(", ")),
        }
    }

    /// The blob that somebody named.
    fn named(&self, digest: &ComponentDigest) -> Result<Vec<u8>, LayoutError> {
        let file = self.blob(&digest.digits());
        let bytes = read(&file, DOCUMENT).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => LayoutError::NoBlob(self.folder.clone(), digest.to_string(), self.listed()),
            io::ErrorKind::FileTooLarge => LayoutError::Foreign(digest.to_string(), format!("{error}; {}", self.listed())),
            _ => LayoutError::Read(file, error),
        })?;
        unchanged(digest, bytes)
    }

    /// The blob that a manifest describes.
    fn described(&self, descriptor: &Descriptor, most: u64) -> Result<Vec<u8>, LayoutError> {
        let digest = digest_of(descriptor)?;
        let file = self.blob(&digest.digits());
        let length = fs::metadata(&file).map_err(|error| LayoutError::Read(file.clone(), error))?.len();
        if length != descriptor.size() {
            return Err(LayoutError::Size(digest.to_string(), length, descriptor.size()));
        }
        let bytes = read(&file, most.min(length)).map_err(|error| LayoutError::Read(file, error))?;
        unchanged(&digest, bytes)
    }
}

/// A file whole, where it is not longer than this: it is not for its length to say how much memory is taken.
fn read(file: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut file = File::open(file)?.take(most.saturating_add(1));
    file.read_to_end(&mut bytes)?;
    match bytes.len() as u64 > most {
        true => Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it is longer than {most} bytes"))),
        false => Ok(bytes),
    }
}

fn unchanged(digest: &ComponentDigest, bytes: Vec<u8>) -> Result<Vec<u8>, LayoutError> {
    match ComponentDigest::of(&bytes) {
        found if found == *digest => Ok(bytes),
        found => Err(LayoutError::Changed(digest.to_string(), found.to_string())),
    }
}

/// The one layer of a component, or why it is none.
fn layer(manifest: &ImageManifest) -> Result<&Descriptor, String> {
    match manifest.media_type() {
        None | Some(MediaType::ImageManifest) => {}
        Some(other) => return Err(format!("it is of the type {other}")),
    }
    if *manifest.config().media_type() != config_type() {
        return Err(format!("its configuration is of the type {}, and {CONFIG} is wanted", manifest.config().media_type()));
    }
    let [layer] = manifest.layers().as_slice() else {
        return Err(format!("it has {} layers, and one is wanted", manifest.layers().len()));
    };
    match layer.media_type().as_ref() {
        WASM => Ok(layer),
        other => Err(format!("its layer is of the type {other}, and {WASM} is wanted")),
    }
}

/// A digest as it is read here. Only SHA-256 is, whose digits can be no path.
pub(super) fn digest_of(descriptor: &Descriptor) -> Result<ComponentDigest, LayoutError> {
    let digest = descriptor.digest();
    let unread = |_| LayoutError::Foreign(digest.to_string(), format!("only blobs below {BLOBS} are read"));
    digest.as_ref().parse().map_err(unread)
}

pub(super) fn tag_of(listed: &Descriptor) -> Option<&str> {
    listed.annotations().as_ref()?.get(ANNOTATION_REF_NAME).map(String::as_str)
}

/// Whether something listed may be a component. Tools differ in what they say of it; what says that it is another is none.
fn is_component(listed: &Descriptor) -> bool {
    *listed.media_type() == MediaType::ImageManifest && listed.artifact_type().as_ref().is_none_or(|kind| *kind == config_type())
}
