//! Two editors at once: what the other one changed, and whether both can have their way.

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};

use super::version::Kept;
use super::{Difference, Document, Path, difference};

/// A change that was made from a version that is not the newest any more. Nothing was stored, and nothing is lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The version the change was made from; none for a tenant that was thought to be new.
    pub base: Option<u64>,
    /// The newest version.
    pub version: u64,
    /// Who made that.
    pub by: String,
    /// When.
    pub at: DateTime<Utc>,
    /// What the others changed since the base.
    pub theirs: Vec<Difference>,
    /// The paths that both changed, and not to the same. Where there is none, the same edits made from the newest version keep
    /// what everybody did.
    pub both: Vec<Path>,
}

impl Conflict {
    /// Between what somebody wants, and what is kept by now. A base that is forgotten leaves everything to be compared.
    pub(crate) fn of(base: Option<Document>, wanted: &Document, number: Option<u64>, kept: Kept) -> Self {
        let base = base.unwrap_or_default();
        let theirs = difference::between_versions(&base, &kept.document);
        let ours = difference::between_versions(&base, wanted);
        let met = |own: &&Difference| theirs.iter().any(|other| other.path.meets(&own.path) && !agree(own, other));
        let both = ours.iter().filter(met).map(|own| own.path.clone()).collect();
        Self { base: number, version: kept.version, by: kept.by, at: kept.at, theirs, both }
    }
}

/// Whether both did the same. Two secrets are never known to be the same.
fn agree(own: &Difference, other: &Difference) -> bool {
    own == other && own.after != super::Shown::Secret
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.at.to_rfc3339_opts(SecondsFormat::Secs, true);
        write!(f, "version {} was made by {} at {at}", self.version, self.by)?;
        match self.base {
            Some(base) => write!(f, ", after version {base} that this change was made from")?,
            None => f.write_str(", and this change was made for a tenant that is new")?,
        }
        let paths = self.both.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        match self.both.is_empty() {
            true => f.write_str("; it changed other things, so the same change can be made again from the newest version"),
            false => write!(f, "; both changed {paths}: look at the newest version, and make the change again"),
        }
    }
}
