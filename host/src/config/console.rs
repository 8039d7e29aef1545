//! What the console needs: the key that seals the secrets of tenants kept in the store.

use std::path::Path;

use secrecy::ExposeSecret;

use super::credential::{self, Environment};
use super::document::{Node, Place, Report, Section, Value};
use crate::seal::{Key, Keys};

/// The table `[console]`.
#[derive(Clone, Debug, Default)]
pub struct ConsoleConfig {
    /// The key that seals secrets in the store, with older ones that still open them. Without one no tenant is kept there.
    pub keys: Option<Keys>,
}

const REMEDY: &str = "`shift-access key new` makes one";

pub(super) fn read(mut section: Section<'_>, folder: &Path, env: Environment<'_>, report: &mut Report) -> ConsoleConfig {
    let current = section.get("key").and_then(|(node, place)| key(node, &place, folder, env, report));
    let old = section.get("old-keys").map(|(node, place)| (old_keys(node, &place, folder, env, report), place));
    if let Some((_, place)) = &old
        && section.get("key").is_none()
    {
        report.error(place, "stands without a key", "add key = { file = \"NAME\" }, which seals from now on");
    }
    section.finish("key", report);
    ConsoleConfig { keys: current.map(|key| Keys::new(key, old.map(|(keys, _)| keys).unwrap_or_default())) }
}

fn old_keys(node: &Node, place: &Place, folder: &Path, env: Environment<'_>, report: &mut Report) -> Vec<Key> {
    let Value::List(items) = &node.value else {
        report.wrong_type(place, node, "a list", "write old-keys = [{ file = \"NAME\" }]");
        return Vec::new();
    };
    items.iter().enumerate().filter_map(|(index, item)| key(item, &place.item(index, item.line), folder, env, report)).collect()
}

fn key(node: &Node, place: &Place, folder: &Path, env: Environment<'_>, report: &mut Report) -> Option<Key> {
    let text = credential::read(node, place, folder, env, report)?;
    match text.expose_secret().parse() {
        Ok(key) => Some(key),
        Err(error) => {
            report.error(place, error.to_string(), REMEDY);
            None
        }
    }
}
