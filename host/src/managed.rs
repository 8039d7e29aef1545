//! Tenants that are kept in the store, beside those of the configuration file.
//!
//! A kept tenant is a [`Document`]: the same keys as `[tenants.T]` in the file, with every secret sealed. It becomes a tenant on
//! the very way that the file's tenants do, so the same checks hold. Every change makes a [`Version`], and names the version
//! that it was made from: of two editors at once the second is told, and nothing is lost.
//!
//! Secrets go in and never come out: a document tells that there is one, and who runs the tenant opens it.

pub(crate) mod apply;
mod change;
mod conflict;
mod difference;
mod document;
pub(crate) mod export;
mod ledger;
mod node;
mod path;
mod places;
pub(crate) mod rotate;
mod version;
mod view;

pub use apply::Applied;
pub use change::{Change, Edit};
pub use conflict::Conflict;
pub use difference::{Difference, Shown};
pub use document::{Document, MAX_DOCUMENT_BYTES, PlaceError, Value};
pub use export::Secrets;
pub use path::{Path, PathError};
pub use rotate::Rotated;
pub use version::{Kept, VERSIONS, Version, Versions};
pub use view::{SecretAt, View};

pub(crate) use change::{EditError, Sealer, edited};
pub(crate) use difference::{between, between_versions, named};
pub(crate) use ledger::{Ledger, Next, Saved, Wanted};
pub(crate) use node::of as node_of;
pub(crate) use places::Places;
