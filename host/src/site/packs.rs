//! The components of a configuration: each read, compiled and asked for its description once, however many tenants have it and
//! wherever it lies.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::config::{ComponentDigest, ComponentSource};
use crate::description::Description;
use crate::engine::Engine;
use crate::layout::{Layout, LayoutError};
use crate::plugin::Pack;

mod seen;

use seen::Seen;

/// Components that are loaded.
pub(super) struct Packs {
    engine: Engine,
    loaded: BTreeMap<Key, Loaded>,
    /// What components say of themselves, those that are let go included: to be asked for it they are compiled.
    described: BTreeMap<Key, Arc<Description>>,
    seen: Seen,
    /// The component that a manifest names, and the layout where it was read and checked: what has that digest says so wherever it
    /// lies.
    manifests: BTreeMap<ComponentDigest, (PathBuf, ComponentDigest)>,
}

/// The bytes of a component, as a digest; none for the component that is part of this program.
type Key = Option<ComponentDigest>;

/// A component that is ready.
#[derive(Clone)]
pub(super) struct Loaded {
    pub(super) pack: Pack,
    pub(super) description: Arc<Description>,
    /// Of its bytes; none for the component that is part of this program.
    pub(super) digest: Key,
}

/// Why a component is not used, or one of the reasons.
#[derive(Clone, Debug)]
pub(super) struct Unloaded {
    pub(super) message: String,
    pub(super) remedy: String,
}

const REMEDY: &str = "name a component built for this host, or leave the key out for the built-in pack";

impl Packs {
    pub(super) fn new(engine: Engine) -> Self {
        Self { engine, loaded: BTreeMap::new(), described: BTreeMap::new(), seen: Seen::default(), manifests: BTreeMap::new() }
    }

    pub(super) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// How many components are loaded.
    #[cfg(test)]
    pub(super) fn loaded(&self) -> usize {
        self.loaded.len()
    }

    /// Drops those that are not among these.
    pub(super) fn keep(&mut self, used: &[Pack]) {
        self.loaded.retain(|_, loaded| used.iter().any(|used| used.is(&loaded.pack)));
        self.seen.prune();
        self.manifests.retain(|manifest, (folder, _)| Layout::has(folder, manifest));
        let (loaded, seen, manifests) = (&self.loaded, &self.seen, &self.manifests);
        let lies = |digest: &ComponentDigest| seen.has(digest) || manifests.values().any(|(_, named)| named == digest);
        self.described.retain(|key, _| loaded.contains_key(key) || key.is_none_or(|digest| lies(&digest)));
    }

    /// Begins to read a configuration: files are as they are from here on. `folder` has the components that are named by their
    /// digest.
    pub(super) fn read<'p>(&'p mut self, folder: Option<&'p Path>) -> Reading<'p> {
        Reading { packs: self, folder, files: BTreeMap::new(), seen: BTreeMap::new() }
    }

    /// The component with this digest, which these bytes have; the one that is part of this program without.
    async fn load(&mut self, key: Key, bytes: Option<Vec<u8>>) -> Result<Loaded, Vec<Unloaded>> {
        if let Some(loaded) = self.loaded.get(&key) {
            return Ok(loaded.clone());
        }
        let engine = self.engine.clone();
        let compiled = apart(move || match bytes {
            Some(bytes) => Pack::from_bytes(&engine, &bytes),
            None => Pack::built_in(&engine),
        });
        let pack =
            compiled.await?.map_err(|error| error.problems().into_iter().map(|message| unloaded(message, REMEDY)).collect::<Vec<_>>())?;
        let description = Arc::new(pack.describe().await.map_err(|error| vec![unloaded(error.to_string(), REMEDY)])?);
        let loaded = Loaded { pack, description: description.clone(), digest: key };
        self.loaded.insert(key, loaded.clone());
        self.described.insert(key, description);
        Ok(loaded)
    }
}

/// What takes its time, on a thread where nobody waits for anything else.
async fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Vec<Unloaded>> {
    tokio::task::spawn_blocking(work).await.map_err(|error| vec![unloaded(format!("cannot be read: {error}"), "try again")])
}

/// Where a component lies.
enum Place {
    /// A file, and the digest that it must have.
    File(PathBuf, Key),
    /// A layout, and the digest of the manifest: whenever it is to be run, everything there is checked.
    Layout(PathBuf, ComponentDigest),
}

/// One reading of a configuration. What many tenants name is looked at once.
pub(super) struct Reading<'p> {
    packs: &'p mut Packs,
    folder: Option<&'p Path>,
    /// The digest of each file that was read.
    files: BTreeMap<PathBuf, ComponentDigest>,
    /// What became of each way to name a component.
    seen: BTreeMap<Option<ComponentSource>, Result<Loaded, Vec<Unloaded>>>,
}

impl Reading<'_> {
    /// The component that a tenant names, or the one that is part of this program.
    pub(super) async fn load(&mut self, source: Option<&ComponentSource>) -> Result<Loaded, Vec<Unloaded>> {
        let source = source.cloned();
        if let Some(seen) = self.seen.get(&source) {
            return seen.clone();
        }
        let loaded = match &source {
            None => self.packs.load(None, None).await,
            Some(source) => self.find(source).await,
        };
        self.seen.insert(source, loaded.clone());
        loaded
    }

    /// What the component says of itself that a tenant names, or the one that is part of this program: known of one that was
    /// loaded before.
    pub(super) async fn describe(&mut self, source: Option<&ComponentSource>) -> Result<Arc<Description>, Vec<Unloaded>> {
        let key = match source {
            None => Some(None),
            Some(source) => match self.place(source)? {
                Place::File(file, pinned) => {
                    let known = self.packs.seen.unchanged(&file).filter(|found| pinned.is_none_or(|pinned| pinned == *found));
                    known.map(Some)
                }
                Place::Layout(_, manifest) => self.packs.manifests.get(&manifest).map(|(_, digest)| Some(*digest)),
            },
        };
        match key.and_then(|key| self.packs.described.get(&key)) {
            Some(description) => Ok(description.clone()),
            None => Ok(self.load(source).await?.description),
        }
    }

    async fn find(&mut self, source: &ComponentSource) -> Result<Loaded, Vec<Unloaded>> {
        let (file, pinned) = match self.place(source)? {
            Place::File(file, pinned) => (file, pinned),
            Place::Layout(folder, manifest) => {
                let from = folder.clone();
                let read = apart(move || {
                    let bytes = Layout::open(&from).and_then(|layout| layout.component(&manifest))?;
                    Ok((ComponentDigest::of(&bytes), bytes))
                });
                let (digest, bytes) = read.await?.map_err(unread)?;
                self.packs.manifests.insert(manifest, (folder, digest));
                return self.packs.load(Some(digest), Some(bytes)).await;
            }
        };
        // Read before, for another tenant: it is that component, whatever lies there by now.
        let known = self.files.get(&file).copied().or_else(|| self.packs.seen.unchanged(&file));
        let (digest, bytes) = match known.filter(|digest| self.packs.loaded.contains_key(&Some(*digest))) {
            Some(digest) => (digest, None),
            None => {
                let (digest, bytes) = self.read(&file).await?;
                (digest, Some(bytes))
            }
        };
        self.files.insert(file.clone(), digest);
        if let Some(pinned) = pinned.filter(|pinned| *pinned != digest) {
            return Err(vec![changed(&file, &pinned, &digest)]);
        }
        self.packs.load(Some(digest), bytes).await
    }

    async fn read(&mut self, file: &Path) -> Result<(ComponentDigest, Vec<u8>), Vec<Unloaded>> {
        let path = file.to_owned();
        let read = apart(move || seen::read(&path)).await?.map_err(|error| vec![unloaded(error.to_string(), REMEDY)])?;
        self.packs.seen.note(file, &read);
        Ok((read.digest, read.bytes))
    }

    fn place(&self, source: &ComponentSource) -> Result<Place, Vec<Unloaded>> {
        Ok(match source {
            ComponentSource::File(file, pinned) => Place::File(file.clone(), *pinned),
            ComponentSource::Digest(digest) => Place::File(self.in_folder(digest)?, Some(*digest)),
            ComponentSource::Layout(folder, manifest) => Place::Layout(folder.clone(), *manifest),
            ComponentSource::Unpinned(folder, tag) => {
                let layout = Layout::open(folder).map_err(unread)?;
                return Err(unread(layout.unpinned(tag.as_ref())));
            }
        })
    }

    /// The file of a digest.
    fn in_folder(&self, digest: &ComponentDigest) -> Result<PathBuf, Vec<Unloaded>> {
        let remedy = "add components = \"FOLDER\" under [host], with the file in it, or name the file itself";
        let folder = self.folder.ok_or_else(|| vec![unloaded("is a digest, and there is no folder to look in".to_owned(), remedy)])?;
        let name = format!("{}.wasm", digest.digits());
        let file = folder.join(&name);
        match file.exists() {
            true => Ok(file),
            false => {
                let message = format!("there is no file {name} in {}", folder.display());
                Err(vec![unloaded(message, "put the component there under this name; `sha256sum FILE` prints it")])
            }
        }
    }
}

fn changed(file: &Path, pinned: &ComponentDigest, found: &ComponentDigest) -> Unloaded {
    let message = format!("{} is not the component that is pinned: it has {found}, and {pinned} is wanted", file.display());
    unloaded(message, "bring the pinned file back; if the new one is meant, write its digest")
}

fn unread(error: LayoutError) -> Vec<Unloaded> {
    vec![unloaded(error.to_string(), error.remedy())]
}

fn unloaded(message: String, remedy: &str) -> Unloaded {
    Unloaded { message, remedy: remedy.to_owned() }
}
