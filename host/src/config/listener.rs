//! How events from outside are accepted: what proves where they come from, and how another form of event is read.

mod mapping;
mod proof;

use std::path::Path;

use super::credential::Environment;
use super::document::{Place, Report, Section};
use crate::description::ListenerInfo;

pub use mapping::{Mapping, Pointer, PointerError};
pub use proof::{
    BasicConfig, Part, Proof, SharedConfig, SignatureAlgorithm, SignatureConfig, SignatureEncoding, SignedText, SignedTextError,
    StandardWebhooksConfig, TimestampConfig,
};

/// The listener of a tenant.
#[derive(Clone, Debug)]
pub struct ListenerConfig {
    /// How whoever brings events proves where they come from.
    pub proof: Proof,
    /// The moment of sending, where a header tells it. Standard Webhooks have one of their own.
    pub timestamp: Option<TimestampConfig>,
    /// How events of another form are read.
    pub mapping: Option<Mapping>,
}

/// A listener before the pack's fields are known.
#[derive(Clone)]
pub(super) struct RawListener {
    place: Place,
    config: ListenerConfig,
    mapping: mapping::Places,
}

/// Reads the listener's table.
pub(super) fn read(mut section: Section<'_>, folder: &Path, env: Environment<'_>, report: &mut Report) -> Option<RawListener> {
    let place = section.place.clone();
    let timestamp = section.get("timestamp");
    let proof = proof::read(&mut section, timestamp.is_some(), folder, env, report);
    let timestamped = timestamp.is_some();
    let timestamp = timestamp.and_then(|(node, place)| proof::timestamp(Section::open(node, place, report)?, proof.as_ref(), report));
    let (mapping, places) = mapping::read(&mut section, report);
    section.finish("key", report);
    if timestamped && timestamp.is_none() {
        return None;
    }
    Some(RawListener { place, config: ListenerConfig { proof: proof?, timestamp, mapping }, mapping: places })
}

impl RawListener {
    /// The second stage: what an event is mapped to must be a field of the pack.
    pub(super) fn resolve(&self, info: Option<&ListenerInfo>, report: &mut Report) -> ListenerConfig {
        match info {
            Some(info) => self.mapping.check(&info.fields, report),
            None => report.error(&self.place, "the pack has no listener", "leave this table out"),
        }
        self.config.clone()
    }
}
