//! The components of a configuration: each read, compiled and asked for its description once, however many tenants have it and
//! wherever it lies.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OnceCell;

use crate::config::{ComponentDigest, ComponentSource};
use crate::description::Description;
use crate::engine::Engine;
use crate::layout::{Layout, LayoutError};
use crate::plugin::Pack;

mod seen;

use seen::Seen;

/// Components that are loaded. Nobody waits for one that somebody else has compiled or asked for its description.
pub(super) struct Packs {
    engine: Engine,
    known: Mutex<Known>,
}

/// What is known of components. It is never held while anything is read, compiled or asked.
#[derive(Default)]
struct Known {
    /// Those that are loaded, or about to be.
    loaded: BTreeMap<Key, Arc<OnceCell<Loaded>>>,
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
        Self { engine, known: Mutex::default() }
    }

    pub(super) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// How many components are loaded.
    #[cfg(test)]
    pub(super) fn loaded(&self) -> usize {
        self.known().loaded.values().filter(|cell| cell.initialized()).count()
    }

    /// Drops those that are not among these.
    pub(super) async fn keep(&self, used: &[Pack]) {
        let (files, layouts) = {
            let known = self.known();
            let layouts: Vec<_> = known.manifests.iter().map(|(manifest, (folder, _))| (*manifest, folder.clone())).collect();
            (known.seen.all(), layouts)
        };
        let gone = apart(move || {
            let gone = layouts.into_iter().filter(|(manifest, folder)| !Layout::has(folder, manifest)).map(|(manifest, _)| manifest);
            (gone.collect::<Vec<_>>(), files.into_iter().filter(|(file, stamp)| !stamp.is_of(file)).collect::<Vec<_>>())
        });
        let (layouts, files) = gone.await.unwrap_or_default();
        let mut known = self.known();
        // Who is about to load one holds its cell.
        known.loaded.retain(|_, cell| match cell.get() {
            Some(loaded) => used.iter().any(|used| used.is(&loaded.pack)),
            None => Arc::strong_count(cell) > 1,
        });
        known.manifests.retain(|manifest, _| !layouts.contains(manifest));
        known.seen.forget(&files);
        let Known { loaded, described, seen, manifests } = &mut *known;
        let lies = |digest: &ComponentDigest| seen.has(digest) || manifests.values().any(|(_, named)| named == digest);
        described.retain(|key, _| loaded.contains_key(key) || key.is_none_or(|digest| lies(&digest)));
    }

    /// Begins to read a configuration: files are as they are from here on. `folder` has the components that are named by their
    /// digest.
    pub(super) fn read<'p>(&'p self, folder: Option<&'p Path>) -> Reading<'p> {
        Reading { packs: self, folder, files: BTreeMap::new(), seen: BTreeMap::new() }
    }

    /// The component with this digest, which these bytes have; the one that is part of this program without. Of many who want it
    /// one compiles it, and the others wait for that.
    async fn load(&self, key: Key, bytes: Option<Vec<u8>>) -> Result<Loaded, Vec<Unloaded>> {
        let cell = self.known().loaded.entry(key).or_default().clone();
        let loaded = cell.get_or_try_init(|| self.compiled(key, bytes)).await?;
        Ok(loaded.clone())
    }

    async fn compiled(&self, key: Key, bytes: Option<Vec<u8>>) -> Result<Loaded, Vec<Unloaded>> {
        let engine = self.engine.clone();
        let compiled = apart(move || match bytes {
            Some(bytes) => Pack::from_bytes(&engine, &bytes),
            None => Pack::built_in(&engine),
        });
        let pack =
            compiled.await?.map_err(|error| error.problems().into_iter().map(|message| unloaded(message, REMEDY)).collect::<Vec<_>>())?;
        let description = Arc::new(pack.describe().await.map_err(|error| vec![unloaded(error.to_string(), REMEDY)])?);
        self.known().described.insert(key, description.clone());
        Ok(Loaded { pack, description, digest: key })
    }

    /// What is loaded already.
    fn ready(&self, digest: ComponentDigest) -> Option<Loaded> {
        self.known().loaded.get(&Some(digest))?.get().cloned()
    }

    /// What lies in a file, if it is as it was when it was read.
    async fn unchanged(&self, file: &Path) -> Option<ComponentDigest> {
        let (stamp, digest) = self.known().seen.of(file)?;
        let file = file.to_owned();
        apart(move || stamp.is_of(&file)).await.ok()?.then_some(digest)
    }

    /// What a manifest names that was read before, if it still lies in this layout.
    async fn named(&self, folder: PathBuf, manifest: ComponentDigest) -> Option<ComponentDigest> {
        let (_, digest) = self.known().manifests.get(&manifest).cloned()?;
        apart(move || Layout::has(&folder, &manifest)).await.ok()?.then_some(digest)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
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
    packs: &'p Packs,
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
            Some(source) => match self.place(source).await? {
                Place::File(file, pinned) => {
                    let known = self.packs.unchanged(&file).await.filter(|found| pinned.is_none_or(|pinned| pinned == *found));
                    known.map(Some)
                }
                Place::Layout(folder, manifest) => self.packs.named(folder, manifest).await.map(Some),
            },
        };
        let known = key.and_then(|key| self.packs.known().described.get(&key).cloned());
        match known {
            Some(description) => Ok(description),
            None => Ok(self.load(source).await?.description),
        }
    }

    async fn find(&mut self, source: &ComponentSource) -> Result<Loaded, Vec<Unloaded>> {
        let (file, pinned) = match self.place(source).await? {
            Place::File(file, pinned) => (file, pinned),
            Place::Layout(folder, manifest) => return self.find_in(folder, manifest).await,
        };
        // Read before, for another tenant: it is that component, whatever lies there by now.
        let known = match self.files.get(&file) {
            Some(digest) => Some(*digest),
            None => self.packs.unchanged(&file).await,
        };
        let ready = known.and_then(|digest| self.packs.ready(digest));
        let (digest, bytes) = match known.filter(|_| ready.is_some()) {
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
        match ready {
            Some(loaded) => Ok(loaded),
            None => self.packs.load(Some(digest), bytes).await,
        }
    }

    async fn find_in(&self, folder: PathBuf, manifest: ComponentDigest) -> Result<Loaded, Vec<Unloaded>> {
        let from = folder.clone();
        let read = apart(move || {
            let bytes = Layout::open(&from).and_then(|layout| layout.component(&manifest))?;
            Ok((ComponentDigest::of(&bytes), bytes))
        });
        let (digest, bytes) = read.await?.map_err(unread)?;
        self.packs.known().manifests.insert(manifest, (folder, digest));
        self.packs.load(Some(digest), Some(bytes)).await
    }

    async fn read(&self, file: &Path) -> Result<(ComponentDigest, Vec<u8>), Vec<Unloaded>> {
        let path = file.to_owned();
        let read = apart(move || seen::read(&path)).await?.map_err(|error| vec![unloaded(error.to_string(), REMEDY)])?;
        self.packs.known().seen.note(file, &read);
        Ok((read.digest, read.bytes))
    }

    async fn place(&self, source: &ComponentSource) -> Result<Place, Vec<Unloaded>> {
        Ok(match source.clone() {
            ComponentSource::File(file, pinned) => Place::File(file, pinned),
            ComponentSource::Digest(digest) => Place::File(self.in_folder(&digest).await?, Some(digest)),
            ComponentSource::Layout(folder, manifest) => Place::Layout(folder, manifest),
            ComponentSource::Unpinned(folder, tag) => {
                let told = apart(move || Layout::open(&folder).map(|layout| layout.unpinned(tag.as_ref())));
                return Err(told.await?.map_or_else(unread, unread));
            }
        })
    }

    /// The file of a digest.
    async fn in_folder(&self, digest: &ComponentDigest) -> Result<PathBuf, Vec<Unloaded>> {
        let remedy = "add components = \"FOLDER\" under [host], with the file in it, or name the file itself";
        let folder = self.folder.ok_or_else(|| vec![unloaded("is a digest, and there is no folder to look in".to_owned(), remedy)])?;
        let name = format!("{}.wasm", digest.digits());
        let file = folder.join(&name);
        let looked = file.clone();
        match apart(move || looked.exists()).await? {
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

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    #[tokio::test]
    async fn a_component_that_never_gets_ready_holds_up_only_who_wants_that_one() {
        let cache = std::env::temp_dir().join("shift-access-tests-cache");
        let packs = Packs::new(Engine::new(Some(cache)).unwrap());
        let never = Some(ComponentDigest::of(b"never"));
        let cell = packs.known().loaded.entry(never).or_default().clone();
        let getting = tokio::spawn(async move { cell.get_or_init(pending::<Loaded>).await.digest });
        tokio::task::yield_now().await;
        let mut reading = packs.read(None);
        assert!(reading.load(None).await.is_ok() && reading.describe(None).await.is_ok());
        packs.keep(&[]).await;
        assert_eq!(packs.loaded(), 0);
        assert!(packs.known().loaded.contains_key(&never), "somebody waits for it");
        getting.abort();
    }
}
