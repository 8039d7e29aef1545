//! What a page about setting up may offer: the packs there are to choose from, and the mail server of the host.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Site;
use crate::config::{ComponentDigest, SmtpConfig, SmtpTls};
use crate::description::Description;
use crate::layout::Layout;

/// Components looked at in the folder at most: each is read and compiled once, to be described.
const MOST: usize = 50;

/// A pack that a tenant can have.
#[derive(Clone, Debug)]
pub(crate) struct Offer {
    /// How a tenant names it; none for the pack that is part of this program.
    pub(crate) component: Option<String>,
    /// What it says of itself; none where it cannot be loaded.
    pub(crate) description: Option<Arc<Description>>,
}

/// The mail server of the host, as anybody may see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MailServer {
    pub(crate) host: String,
    pub(crate) port: u16,
    /// How the way there is protected, in the configuration's own words.
    pub(crate) tls: &'static str,
    pub(crate) sender: String,
    /// Whom it logs in as, where it does.
    pub(crate) username: Option<String>,
}

impl MailServer {
    pub(super) fn of(smtp: &SmtpConfig) -> Self {
        let tls = match smtp.tls {
            SmtpTls::None => "none",
            SmtpTls::StartTls => "starttls",
            SmtpTls::Implicit => "implicit",
        };
        let username = smtp.login.as_ref().map(|(name, _)| name.clone());
        Self { host: smtp.host.clone(), port: smtp.port, tls, sender: smtp.sender.to_string(), username }
    }
}

impl Site {
    /// The packs to choose from: the one that is part of this program, and those of the folder that the configuration names.
    pub(crate) async fn offers(&self) -> Vec<Offer> {
        let folder = self.shelf.ground().components.clone();
        let found = match folder {
            Some(folder) => tokio::task::spawn_blocking(move || components(&folder)).await.unwrap_or_default(),
            None => Vec::new(),
        };
        let mut offers = Vec::new();
        for component in std::iter::once(None).chain(found.into_iter().map(Some)) {
            let description = self.describe(component.as_deref()).await;
            offers.push(Offer { component, description });
        }
        offers
    }

    /// The mail server, where the configuration names one.
    pub(crate) fn mail_server(&self) -> Option<MailServer> {
        self.shelf.ground().mail_server.clone()
    }

    /// The configuration file.
    pub(crate) fn file(&self) -> PathBuf {
        self.shelf.ground().file.clone()
    }
}

/// The components of a folder as a tenant names them, in the order of their names: by its digest where it lies under that, as the
/// file that it is, or by the digest of its manifest where it lies in an OCI image layout.
fn components(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut places: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    places.sort();
    let is_component = |path: &Path| path.extension().is_some_and(|ending| ending == "wasm") && path.is_file();
    let named = places.iter().flat_map(|place| match is_component(place) {
        true => named(place).into_iter().collect(),
        false => in_layout(place),
    });
    named.take(MOST).collect()
}

/// The components that a layout has a tag for; none where the folder is something else.
fn in_layout(folder: &Path) -> Vec<String> {
    let entries = Layout::open(folder).and_then(|layout| layout.entries()).unwrap_or_default();
    let Some(place) = std::path::absolute(folder).ok().and_then(|place| place.to_str().map(str::to_owned)) else { return Vec::new() };
    // One that has several tags is one component all the same.
    let digests: BTreeSet<_> = entries.iter().filter(|entry| entry.tag.is_some()).map(|entry| entry.digest).collect();
    digests.iter().map(|digest| format!("oci-layout:{place}@{digest}")).collect()
}

fn named(file: &Path) -> Option<String> {
    let digest = format!("sha256:{}", file.file_stem()?.to_str()?);
    match digest.parse::<ComponentDigest>() {
        Ok(digest) => Some(digest.to_string()),
        Err(_) => std::path::absolute(file).ok()?.to_str().map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::Artefact;

    #[test]
    fn components_are_named_by_their_digest_or_their_file_and_nothing_else_is_one() {
        let folder = tempfile::tempdir().unwrap();
        let digits = ComponentDigest::of(b"abc").digits();
        for name in [&format!("{digits}.wasm"), "feed.wasm", "readme.txt"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        std::fs::create_dir(folder.path().join("more.wasm")).unwrap();
        let file = std::path::absolute(folder.path().join("feed.wasm")).unwrap();
        assert_eq!(components(folder.path()), [format!("sha256:{digits}"), file.to_str().unwrap().to_owned()]);
        assert!(components(&folder.path().join("nowhere")).is_empty());
    }

    #[test]
    fn a_component_in_a_layout_is_named_by_its_manifest() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("released");
        let artefact = Artefact {
            component: b"component",
            imports: &[],
            exports: &[],
            target: None,
            title: "Pack",
            version: "1",
            created: chrono::DateTime::UNIX_EPOCH,
        };
        let layout = Layout::open_or_create(&place).unwrap();
        let digest = layout.add(&"1.0.0".parse().unwrap(), &artefact, &[]).unwrap();
        assert_eq!(layout.add(&"latest".parse().unwrap(), &artefact, &[]).unwrap(), digest);
        let named = format!("oci-layout:{}@{digest}", std::path::absolute(&place).unwrap().display());
        assert_eq!(components(folder.path()), [named]);
    }
}
