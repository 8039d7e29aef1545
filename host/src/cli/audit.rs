//! What a command did, for the audit list of the console.

use super::Exit;
use crate::audit::{COMMAND_LINE, note};
use crate::site::Site;
use crate::store::records::Records;

/// Writes down what was done: a sentence in the past without its subject, and no secret in it.
pub(super) async fn done(site: &Site, what: impl Into<String>, tenant: Option<&str>) -> Result<(), Exit> {
    let records = Records::new(site.host().runner().store.clone());
    let noted = note(&records, COMMAND_LINE, what, tenant, site.host().now()).await;
    noted.map_err(|error| Exit::Failed(format!("it is done, and could not be written down: {error}")))
}
