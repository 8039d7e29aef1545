//! Tenants that are kept in the store: set up, changed, run, served and moved, all through the program.

mod applying;
mod keys;
mod moving;
mod taking_over;
mod typed;
mod versions;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::Value;
use shift_access::Site;
use shift_access::managed::{Change, Edit};
use shift_access::store::{Scan, Space, SqliteStore, Store, Write};
use shift_access_tests::hook::{HOOK_SECRET, listener};
use shift_access_tests::stage::{Ended, Stage};

use crate::demo;

const GROUPS: &str = "user-groups = \"Store 12 Hourly, Store 14 Hourly\"";

/// A stage whose configuration has a key and no tenant; what was the tenant's part stands in `acme.toml`.
struct Shelf {
    stage: Stage,
    /// The configuration without a tenant and without a key.
    host: String,
}

impl Shelf {
    async fn new() -> Self {
        let stage = demo().await.unwrap();
        stage.configure(GROUPS).unwrap();
        fs::write(stage.folder().join("secrets/hook"), HOOK_SECRET).unwrap();
        stage.configure_more(&listener().replace(&format!("{HOOK_SECRET:?}"), "{ file = \"secrets/hook\" }")).unwrap();
        let (host, tenant) = stage.parts().unwrap();
        fs::write(stage.folder().join("acme.toml"), tenant).unwrap();
        // Any configuration will do to make a key.
        let key = stage.make_key().await.unwrap();
        let shelf = Self { host, stage };
        shelf.configure(key);
        shelf
    }

    /// The same, with acme applied.
    async fn with_acme() -> Self {
        let shelf = Self::new().await;
        let applied = shelf.run(&["apply", &shelf.path("acme.toml")]).await;
        assert_eq!(applied.code, Some(0), "{}", applied.err);
        assert!(applied.out.starts_with("acme: new, version 1\n"), "{}", applied.out);
        shelf
    }

    fn configure(&self, more: &str) {
        fs::write(self.stage.config(), format!("{}{more}", self.host)).unwrap();
    }

    fn write(&self, file: &str, text: &str) {
        fs::write(self.stage.folder().join(file), text).unwrap();
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.stage.folder().join(file)).unwrap()
    }

    fn path(&self, file: &str) -> String {
        self.stage.folder().join(file).to_str().unwrap().to_owned()
    }

    async fn run(&self, args: &[&str]) -> Ended {
        self.stage.run(args).await.unwrap()
    }

    /// Applies the tenant's file with something in it replaced.
    async fn apply(&self, from: &str, to: &str) -> Ended {
        let text = self.read("acme.toml");
        assert!(text.contains(from), "{from}");
        self.write("changed.toml", &text.replace(from, to));
        self.run(&["apply", &self.path("changed.toml")]).await
    }

    async fn site(&self) -> Site {
        let cache = Some(shift_access_tests::cache());
        Site::open(&self.stage.config(), &|_| None, cache).await.0.unwrap()
    }

    /// What the host keeps of no tenant, under keys that begin so.
    async fn kept(&self, prefix: &str) -> Vec<(String, Value)> {
        let store = SqliteStore::open(self.stage.store()).unwrap();
        let page = store.scan(&Space::host(""), &Scan::new(prefix, 1_000)).await.unwrap();
        page.entries.into_iter().map(|entry| (entry.key, serde_json::from_slice(&entry.value).unwrap_or_default())).collect()
    }

    /// The id of the key that each tenant is sealed with: all of it, older versions included.
    async fn sealed_with(&self) -> BTreeMap<String, String> {
        let mut keys = BTreeMap::new();
        for (key, tenant) in self.kept("tenant/").await {
            let name = key.strip_prefix("tenant/").unwrap().to_owned();
            let versions = self.kept(&format!("tenant-version/{name}/")).await;
            let sealed = [tenant].iter().chain(versions.iter().map(|(_, version)| version)).flat_map(sealed).collect::<Vec<_>>();
            let ids: BTreeSet<_> = sealed.iter().map(|sealed| sealed.split('.').nth(1).unwrap().to_owned()).collect();
            assert_eq!(ids.len(), 1, "{name} is sealed with two keys");
            keys.insert(name, ids.into_iter().next().unwrap());
        }
        keys
    }

    /// Puts something into the store behind the program's back.
    async fn put(&self, key: &str, value: &Value) {
        let store = SqliteStore::open(self.stage.store()).unwrap();
        store.commit(&Space::host(""), vec![Write::put(key, value.to_string())]).await.unwrap();
    }

    /// Every secret of the tenant's file, in clear.
    fn secrets(&self) -> Vec<String> {
        let folder = self.stage.folder().join("secrets");
        let secrets: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap()).collect();
        assert!(secrets.len() >= 5 && secrets.iter().all(|secret| secret.len() >= 8), "{secrets:?}");
        secrets
    }

    /// None of the secrets stands in a text or in a file of the store.
    fn none_in(&self, shown: &str) {
        let files = fs::read_dir(self.stage.folder()).unwrap().map(|entry| entry.unwrap().path());
        let stored: Vec<_> = files.filter(|path| path.is_file() && path.to_string_lossy().contains("shift-access.db")).collect();
        assert!(!stored.is_empty());
        for secret in self.secrets() {
            assert!(!shown.contains(&secret), "an output shows {secret}: {shown}");
            stored.iter().for_each(|path| assert!(!holds(path, &secret), "{} holds {secret}", path.display()));
        }
    }
}

fn holds(path: &Path, wanted: &str) -> bool {
    fs::read(path).unwrap().windows(wanted.len()).any(|window| window == wanted.as_bytes())
}

fn path(text: &str) -> shift_access::managed::Path {
    text.parse().unwrap()
}

fn change(base: Option<u64>, edits: Vec<Edit>) -> Change {
    Change { base, edits, draft: false, by: "somebody".to_owned(), note: String::new() }
}

fn set(at: &str, value: &str) -> Edit {
    Edit::Set(path(at), value.into())
}

/// Every sealed secret in a kept tenant or version.
fn sealed(value: &Value) -> Vec<String> {
    value["document"]["secrets"].as_object().unwrap().values().map(|sealed| sealed.as_str().unwrap().to_owned()).collect()
}
