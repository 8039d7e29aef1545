//! What is said of a component beside it, `application/vnd.wasm.config.v0+json`: what it imports and exports, so that a platform
//! can refuse it unloaded. The crate `oci-wasm` has the same type, and brings a client of registries along.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub(super) const ARCHITECTURE: &str = "wasm";
/// The guide's word for "a component", whichever version of WASI it imports.
pub(super) const OS: &str = "wasip2";

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Config {
    /// Readers want one; a component made again must be the same.
    #[serde(default)]
    pub(super) created: DateTime<Utc>,
    pub(super) architecture: String,
    pub(super) os: String,
    pub(super) layer_digests: Vec<String>,
    pub(super) component: Option<Interfaces>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Interfaces {
    pub(super) exports: Vec<String>,
    pub(super) imports: Vec<String>,
    /// The world it was built for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) target: Option<String>,
}

impl Config {
    /// What speaks against it as the configuration of a component whose layer has this digest.
    pub(super) fn fault(&self, layer: &str) -> Option<String> {
        let Self { architecture, os, layer_digests, .. } = self;
        if (architecture.as_str(), os.as_str()) != (ARCHITECTURE, OS) {
            return Some(format!("it is for {architecture} and {os}, and {ARCHITECTURE} and {OS} are wanted"));
        }
        (layer_digests != &[layer]).then(|| format!("its configuration is of other layers ({})", layer_digests.join(", ")))
    }
}
