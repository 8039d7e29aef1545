//! From the bytes of a component to one that can be called: whether it is one, whether it fits, and what every instance of it
//! begins with.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use wasmtime::component::{
    Component,
    types::{ComponentExtern, ComponentItem},
};

use super::bindings::PluginPre;
use super::error::{LoadError, brief, chain};
use super::{BUILT_IN, Inner, Pack, fit};
use crate::engine::Engine;

impl Pack {
    /// The component that is part of this program.
    ///
    /// # Errors
    /// When it does not fit the host, which a test of the host rules out.
    pub fn built_in(engine: &Engine) -> Result<Self, LoadError> {
        Self::from_bytes(engine, BUILT_IN)
    }

    /// A component from a file.
    ///
    /// # Errors
    /// When the file cannot be read, is no component, or does not fit.
    pub fn from_file(engine: &Engine, path: &Path) -> Result<Self, LoadError> {
        Self::from_bytes(engine, &Self::read(path)?)
    }

    /// The bytes of a file.
    pub(crate) fn read(path: &Path) -> Result<Vec<u8>, LoadError> {
        std::fs::read(path).map_err(|error| LoadError::Read(path.display().to_string(), error))
    }

    /// A component from its bytes.
    ///
    /// # Errors
    /// When it is no component, or does not fit.
    pub fn from_bytes(engine: &Engine, bytes: &[u8]) -> Result<Self, LoadError> {
        if let Some(text) = fit::foreign(bytes) {
            return Err(LoadError::NotAComponent(text));
        }
        let component = engine.load(bytes).map_err(|error| LoadError::NotAComponent(fit::broken(bytes, &error)))?;
        let pre = fit::check(engine, &component).map_err(LoadError::DoesNotFit)?;
        image(&component).map_err(|error| LoadError::NotReady(brief(&error)))?;
        let ty = component.component_type();
        let imports = instances(ty.imports(engine.inner()));
        let exports = instances(ty.exports(engine.inner()));
        let pre = PluginPre::new(pre).map_err(|error| LoadError::NotReady(brief(&error)))?;
        Ok(Self { inner: Arc::new(Inner { engine: engine.clone(), pre, imports, exports, warm: Arc::default() }), trial: None })
    }
}

/// Makes the memory image that every instance begins with. While the machine is busy the system may refuse to seal it
/// (`EBUSY`), which passes; made by the first call instead, that call would fail.
fn image(component: &Component) -> wasmtime::Result<()> {
    const TRIES: u32 = 5;
    let mut tries = 1;
    loop {
        match component.initialize_copy_on_write_image() {
            Err(error) if tries < TRIES => {
                tracing::debug!(error = %chain(&error), "the memory image is tried again");
                std::thread::sleep(Duration::from_millis(20) * tries);
                tries += 1;
            }
            made => return made,
        }
    }
}

/// The names of what a component imports or exports, types left out.
fn instances<'a>(items: impl Iterator<Item = (&'a str, ComponentExtern<'a>)>) -> Vec<String> {
    items.filter(|(_, item)| !matches!(item.ty, ComponentItem::Type(_))).map(|(name, _)| name.to_owned()).collect()
}
