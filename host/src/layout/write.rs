//! Writing into a layout: a component with its documents, under a tag. The same component always gives the same bytes, and what
//! lay there before stays.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use oci_spec::image::{
    ANNOTATION_REF_NAME, ANNOTATION_TITLE, ANNOTATION_VERSION, Arch, Descriptor, Digest, ImageManifest, ImageManifestBuilder, MediaType,
    Os, Platform,
};
use serde::Serialize;
use serde_json::json;

use super::config::{ARCHITECTURE, Config, Interfaces, OS};
use super::read::{digest_of, tag_of};
use super::{BLOBS, Document, INDEX, Layout, LayoutError, MARK, Tag, VERSION, WASM, config_type};
use crate::config::ComponentDigest;

/// Of indexes and manifests; there is no other.
const SCHEMA_VERSION: u32 = 2;

/// The file that whoever writes holds locked.
const LOCK: &str = ".lock";
/// The folder in which that of the blobs lies.
const BEGINNING: &str = "blobs";
/// The end of the name of a file that is being written.
const WRITING: &str = ".writing";

/// A component, and what is said of it.
#[derive(Clone, Debug)]
pub struct Artefact<'a> {
    /// The component itself.
    pub component: &'a [u8],
    /// What it imports, by name.
    pub imports: &'a [String],
    /// What it exports, by name.
    pub exports: &'a [String],
    /// The world it was built for, where that is known.
    pub target: Option<String>,
    /// Its title.
    pub title: &'a str,
    /// Its version.
    pub version: &'a str,
    /// When it was made, in UTC. It is part of the digest: a moment that is the same each time gives the same digest.
    pub created: DateTime<Utc>,
}

impl Layout {
    /// The layout in this folder; a new one where there is no such folder, nothing in it, or one that somebody began to make and did
    /// not end.
    ///
    /// # Errors
    /// When something else lies there, or it cannot be written.
    pub fn open_or_create(folder: &Path) -> Result<Self, LayoutError> {
        if !is_new(folder) {
            return Self::open(folder);
        }
        let _lock = locked(folder)?;
        // Somebody else may have made it by now.
        if !is_new(folder) {
            return Self::open(folder);
        }
        let layout = Self { folder: folder.to_owned() };
        if !folder.join(INDEX).exists() {
            layout.write(&folder.join(INDEX), &canonical(&new_index())?)?;
        }
        fs::create_dir_all(folder.join(BLOBS)).map_err(|error| LayoutError::Write(folder.to_owned(), error))?;
        // It is a layout from here on.
        layout.write(&folder.join(MARK), &canonical(&json!({ "imageLayoutVersion": VERSION }))?)?;
        Ok(layout)
    }

    /// Adds a component under a tag, with documents that refer to it, and returns the digest of its manifest. Who had the tag
    /// before keeps its place without it.
    ///
    /// # Errors
    /// When the layout cannot be read or written.
    pub fn add(&self, tag: &Tag, artefact: &Artefact<'_>, documents: &[Document]) -> Result<ComponentDigest, LayoutError> {
        let lock = locked(&self.folder)?;
        let mut index = self.index()?;
        let mut listed = index.manifests().clone();
        let manifest = self.put_json(MediaType::ImageManifest, &self.manifest(artefact)?)?;
        for document in documents {
            let beside = self.put_json(MediaType::ImageManifest, &self.referrer(document, &manifest)?)?;
            list(&mut listed, with_type(beside, MediaType::from(document.media_type())), None);
        }
        let digest = digest_of(&manifest)?;
        list(&mut listed, on_platform(with_type(manifest, config_type())), Some(tag));
        index.set_manifests(listed);
        self.write(&self.folder.join(INDEX), &canonical(&index)?)?;
        drop(lock);
        Ok(digest)
    }

    fn manifest(&self, artefact: &Artefact<'_>) -> Result<ImageManifest, LayoutError> {
        let layer = self.put(MediaType::from(WASM), artefact.component)?;
        let interfaces =
            Interfaces { exports: artefact.exports.to_vec(), imports: artefact.imports.to_vec(), target: artefact.target.clone() };
        let config = Config {
            created: artefact.created,
            architecture: ARCHITECTURE.to_owned(),
            os: OS.to_owned(),
            layer_digests: vec![layer.digest().to_string()],
            component: Some(interfaces),
        };
        let config = self.put_json(config_type(), &config)?;
        let said = [(ANNOTATION_TITLE, artefact.title), (ANNOTATION_VERSION, artefact.version)];
        let manifest = ImageManifestBuilder::default()
            .schema_version(SCHEMA_VERSION)
            .media_type(MediaType::ImageManifest)
            .config(config)
            .layers(vec![layer])
            .annotations(annotations(said));
        manifest.build().map_err(|error| self.unmade(&error))
    }

    /// The manifest of a document about another manifest, as the referrers of OCI 1.1 have it.
    fn referrer(&self, document: &Document, subject: &Descriptor) -> Result<ImageManifest, LayoutError> {
        let kind = MediaType::from(document.media_type());
        let mut layer = self.put(kind.clone(), document.bytes())?;
        layer.set_annotations(Some(annotations([(ANNOTATION_TITLE, document.name())])));
        let manifest = ImageManifestBuilder::default()
            .schema_version(SCHEMA_VERSION)
            .media_type(MediaType::ImageManifest)
            .artifact_type(kind)
            .config(self.put(MediaType::EmptyJSON, b"{}")?)
            .layers(vec![layer])
            .subject(subject.clone());
        manifest.build().map_err(|error| self.unmade(&error))
    }

    fn unmade(&self, error: &oci_spec::OciSpecError) -> LayoutError {
        LayoutError::Form(self.folder.clone(), error.to_string())
    }

    fn put_json(&self, media_type: MediaType, document: &impl Serialize) -> Result<Descriptor, LayoutError> {
        self.put(media_type, &canonical(document)?)
    }

    fn put(&self, media_type: MediaType, bytes: &[u8]) -> Result<Descriptor, LayoutError> {
        let digest = ComponentDigest::of(bytes);
        self.write(&self.blob(&digest.digits()), bytes)?;
        let digest: Digest = digest.to_string().parse().map_err(|error| self.unmade(&error))?;
        Ok(Descriptor::new(media_type, bytes.len() as u64, digest))
    }

    /// Written whole under another name first: a reader sees the old file or the new one.
    fn write(&self, file: &Path, bytes: &[u8]) -> Result<(), LayoutError> {
        let folder = file.parent().unwrap_or(&self.folder);
        let writing: PathBuf = folder.join(format!(".{}{WRITING}", uuid::Uuid::now_v7().simple()));
        let written = fs::create_dir_all(folder).and_then(|()| File::create_new(&writing)).and_then(|mut out| {
            out.write_all(bytes)?;
            out.sync_all()?;
            fs::rename(&writing, file)
        });
        written.map_err(|error| {
            let _ = fs::remove_file(&writing);
            LayoutError::Write(file.to_owned(), error)
        })
    }
}

/// Whether a layout may be made in this folder: there is nothing in it but what one begins with.
fn is_new(folder: &Path) -> bool {
    let begins = |name: &str| [BEGINNING, INDEX, LOCK].contains(&name) || (name.starts_with('.') && name.ends_with(WRITING));
    match fs::read_dir(folder) {
        Ok(entries) => entries.flatten().all(|entry| entry.file_name().to_str().is_some_and(begins)),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}

/// Holds off everybody else who would write into a layout, until it is dropped.
fn locked(folder: &Path) -> Result<File, LayoutError> {
    let lock = folder.join(LOCK);
    let opened = fs::create_dir_all(folder).and_then(|()| File::options().write(true).create(true).truncate(false).open(&lock));
    opened.and_then(|file| file.lock().map(|()| file)).map_err(|error| LayoutError::Write(lock, error))
}

/// Lists a manifest, under a tag where it gets one. Whoever had the tag stays listed without it.
fn list(manifests: &mut Vec<Descriptor>, mut listed: Descriptor, tag: Option<&Tag>) {
    let same = |other: &Descriptor, listed: &Descriptor| other.digest() == listed.digest();
    let Some(tag) = tag else {
        if !manifests.iter().any(|other| same(other, &listed)) {
            manifests.push(listed);
        }
        return;
    };
    listed.set_annotations(Some(annotations([(ANNOTATION_REF_NAME, &*tag.0)])));
    let held = manifests.iter_mut().find(|other| tag_of(other) == Some(&tag.0));
    match held {
        Some(other) if same(other, &listed) => *other = listed,
        Some(other) => {
            let mut left = other.annotations().clone().unwrap_or_default();
            left.remove(ANNOTATION_REF_NAME);
            other.set_annotations(Some(left).filter(|left| !left.is_empty()));
            manifests.push(listed);
        }
        None => manifests.push(listed),
    }
    let tagged: Vec<_> = manifests.iter().filter(|other| tag_of(other).is_some()).map(|other| other.digest().clone()).collect();
    manifests.retain(|other| tag_of(other).is_some() || !tagged.contains(other.digest()));
}

fn new_index() -> serde_json::Value {
    json!({ "schemaVersion": SCHEMA_VERSION, "mediaType": MediaType::ImageIndex.as_ref(), "manifests": [] })
}

fn with_type(mut listed: Descriptor, kind: MediaType) -> Descriptor {
    listed.set_artifact_type(Some(kind));
    listed
}

fn on_platform(mut listed: Descriptor) -> Descriptor {
    let mut platform = Platform::default();
    platform.set_architecture(Arch::from(ARCHITECTURE)).set_os(Os::from(OS));
    listed.set_platform(Some(platform));
    listed
}

fn annotations<'a>(said: impl IntoIterator<Item = (&'a str, &'a str)>) -> HashMap<String, String> {
    said.into_iter().map(|(name, text)| (name.to_owned(), text.to_owned())).collect()
}

/// JSON with its keys in order and nothing between them: the same document always has the same bytes. The types of the
/// specification keep annotations in no order, so it goes by way of a value, whose maps have one.
fn canonical(document: &impl Serialize) -> Result<Vec<u8>, LayoutError> {
    let bytes = serde_json::to_value(document).and_then(|value| serde_json::to_vec(&value));
    bytes.map_err(|error| LayoutError::Form(PathBuf::from(INDEX), error.to_string()))
}
