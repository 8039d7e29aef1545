//! Tenants that are kept in the store: set up, changed, run, served and moved, all through the program.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use shift_access::managed::{Change, Edit};
use shift_access::store::{Scan, Space, SqliteStore, Store, Write};
use shift_access::{ChangeError, Copy, ManagedState, Site};
use shift_access_tests::PROBE;
use shift_access_tests::hook::{HOOK_SECRET, listener};
use shift_access_tests::serving::Serving;
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
        let _ = rustls::crypto::ring::default_provider().install_default();
        let stage = demo().await.unwrap();
        stage.configure(GROUPS).unwrap();
        fs::write(stage.folder().join("secrets/hook"), HOOK_SECRET).unwrap();
        stage.configure_more(&listener().replace(&format!("{HOOK_SECRET:?}"), "{ file = \"secrets/hook\" }")).unwrap();
        let text = fs::read_to_string(stage.config()).unwrap();
        let (host, tenant) = text.split_at(text.find("[tenants.acme]").unwrap());
        fs::write(stage.folder().join("acme.toml"), tenant).unwrap();
        let shelf = Self { host: host.to_owned(), stage };
        // Any configuration will do to make a key.
        let key = shelf.run(&["key", "new"]).await;
        assert_eq!(key.code, Some(0), "{}", key.err);
        shelf.write("console.key", &key.out);
        shelf.configure("[console]\nkey = { file = \"console.key\" }\n");
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
        let cache = Some(std::env::temp_dir().join("shift-access-tests-cache"));
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

#[tokio::test]
async fn a_tenant_is_set_up_by_apply_runs_and_shows_no_secret_anywhere() {
    let shelf = Shelf::new().await;
    let mut shown = String::new();
    let dry = shelf.run(&["apply", &shelf.path("acme.toml"), "--dry-run"]).await;
    assert!(dry.code == Some(0) && dry.out.starts_with("acme: would be new\n"), "{} {}", dry.out, dry.err);
    assert!(dry.out.contains("  connections.kronos.client-secret: a secret, new\n"), "{}", dry.out);
    assert!(shelf.kept("tenant").await.is_empty(), "nothing was stored");
    for args in [
        &["apply", &shelf.path("acme.toml")][..],
        &["check"],
        &["run", "acme", "test-connection"],
        &["run", "acme", "batch", "--json"],
        &["worker", "acme", "adiaz"],
        &["export", "acme"],
        &["export", "acme", "--secrets", "encrypted"],
        &["tenant", "list"],
        &["key", "rotate"],
    ] {
        let ended = shelf.stage.run_logging(args).await.unwrap();
        assert_eq!(ended.code, Some(0), "{args:?}: {} {}", ended.out, ended.err);
        shown.extend([ended.out, ended.err]);
    }
    assert!(shown.contains("\"status\":\"COMPLETE"), "{shown}");
    shelf.none_in(&shown);

    let same = shelf.run(&["apply", &shelf.path("acme.toml")]).await;
    assert_eq!(same.out, "acme: nothing changed\n", "the same secrets are the same");
    assert_eq!(shelf.kept("tenant-version/acme/").await.len(), 1);
}

#[tokio::test]
async fn without_a_key_nothing_is_kept_and_it_is_said_what_to_do() {
    let shelf = Shelf::new().await;
    shelf.configure("[console]\n");
    let applied = shelf.run(&["apply", &shelf.path("acme.toml")]).await;
    assert_eq!(applied.code, Some(64));
    for said in ["key new", "[console]", "key = { file"] {
        assert!(applied.err.contains(said), "{}", applied.err);
    }
    assert_eq!(shelf.run(&["key", "rotate"]).await.code, Some(64));
    shelf.configure("");
    let checked = shelf.run(&["check"]).await;
    assert!(checked.code == Some(64) && checked.out.contains("no tenant is configured"), "{}", checked.out);
    shelf.write("short.key", "c2hvcnQ=");
    for (key, said) in [
        ("{ file = \"short.key\" }", "console.key: is no key: it must be 32 bytes in base64\n  `shift-access key new` makes one"),
        ("{ env = \"NOT_THERE\" }", "console.key: the environment variable NOT_THERE is not set"),
    ] {
        shelf.configure(&format!("[console]\nkey = {key}\n"));
        let checked = shelf.run(&["check"]).await;
        assert!(checked.code == Some(64) && checked.out.contains(said), "{}", checked.out);
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_file_is_told_by_its_line_and_nothing_is_stored() {
    let shelf = Shelf::new().await;
    for (from, to, said) in [
        (
            "environment = \"TEST\"",
            "environment = \"STAGE\"",
            "changed.toml:2: tenant acme (kept in the store), environment: `STAGE` is no environment",
        ),
        (GROUPS, "user-groups = \"\"", "(kept in the store), properties.user-groups: "),
        (GROUPS, "user-groups = \"x\"\nuser-group = \"x\"", "(kept in the store), properties.user-group: unknown property"),
        (
            "{ file = \"secrets/kronos-password\" }",
            "{ file = \"secrets/none\" }",
            "connections.kronos.password: the file secrets/none cannot be read",
        ),
        (
            "{ file = \"secrets/kronos-password\" }",
            "{ keep = true }",
            "connections.kronos.password: is to be kept, and no secret is kept here yet",
        ),
        (
            "{ file = \"secrets/kronos-password\" }",
            "{ sealed = \"x1.a.AAAA.AAAA\" }",
            "connections.kronos.password.sealed: the secret is sealed with the key a",
        ),
        ("[tenants.acme]", "[host]\nlisten = \"0.0.0.0:1\"\n[tenants.acme]", "changed.toml:1: host: unknown key"),
        ("environment = \"TEST\"", "environment = \"TEST\"\ncomponent = \"none.wasm\"", "component: "),
    ] {
        let applied = shelf.apply(from, to).await;
        assert!(applied.code == Some(64) && applied.err.contains(said), "{said}: {} {}", applied.out, applied.err);
        let errors = applied.err.lines().filter(|line| line.starts_with("error")).count();
        assert_eq!(errors, 1, "{}", applied.err);
    }
    assert!(shelf.kept("tenant").await.is_empty());
}

#[tokio::test]
async fn a_change_is_taken_over_by_a_server_and_the_other_tenant_notices_nothing() {
    let shelf = Shelf::with_acme().await;
    shelf.write("other.toml", &shelf.read("acme.toml").replace("[tenants.acme", "[tenants.other"));
    assert_eq!(shelf.run(&["apply", &shelf.path("other.toml")]).await.code, Some(0));
    let serving = Serving::start(&shelf.stage).await.unwrap();
    let ready = async || -> Value {
        let text = reqwest::get(format!("{}/readyz", serving.url())).await.unwrap().text().await.unwrap();
        serde_json::from_str(&text).unwrap()
    };
    let next = |ready: &Value, tenant: &str| {
        let jobs = ready["jobs"].as_array().unwrap();
        jobs.iter().find(|job| job["tenant"] == tenant).unwrap_or_else(|| panic!("{ready}"))["next_seconds"].as_i64().unwrap()
    };
    let before = ready().await;
    let passed = serving.said().len();
    let applied = shelf.apply(GROUPS, &format!("{GROUPS}\ninterval-minutes = 1000")).await;
    assert!(
        applied.out.starts_with("acme: changed, version 2\n  properties.interval-minutes: 1000, new\n"),
        "{} {}",
        applied.out,
        applied.err
    );
    let said = serving.says("tenants kept in the store: ", passed).await.unwrap();
    assert!(said.ends_with("changed: acme"), "{said}");
    let after = ready().await;
    assert!(next(&before, "acme") <= 1_800 && next(&after, "acme") > 3_600, "{before} {after}");
    assert!(next(&after, "other") <= next(&before, "other"), "{before} {after}");

    // One that comes while it serves, and one that goes.
    let passed = serving.said().len();
    shelf.write("third.toml", &shelf.read("acme.toml").replace("[tenants.acme", "[tenants.third"));
    assert_eq!(shelf.run(&["apply", &shelf.path("third.toml")]).await.code, Some(0));
    serving.says("tenants kept in the store: added: third", passed).await.unwrap();
    let passed = serving.said().len();
    assert_eq!(shelf.run(&["tenant", "forget", "third"]).await.code, Some(0));
    serving.says("tenants kept in the store: removed: third", passed).await.unwrap();

    // What is read of the file again leaves those of the store alone.
    let passed = serving.said().len();
    serving.signal("HUP").await.unwrap();
    assert!(serving.says("the configuration was read again", passed).await.unwrap().contains("no tenant changed"));
    assert!(next(&ready().await, "other") <= next(&before, "other"));
    shelf.none_in(&serving.said().join("\n"));
}

#[tokio::test]
async fn a_component_that_is_no_good_is_not_taken_over() {
    let shelf = Shelf::with_acme().await;
    assert_eq!(shelf.run(&["run", "acme", "batch"]).await.code, Some(0));
    let serving = Serving::start(&shelf.stage).await.unwrap();
    let passed = serving.said().len();
    // The very pack under another digest is good, and on trial.
    fs::write(shelf.stage.folder().join("again.wasm"), [shift_access::plugin::BUILT_IN, &[0, 6, 4], b"mark", &[1]].concat()).unwrap();
    let applied = shelf.apply("environment = \"TEST\"", "environment = \"TEST\"\ncomponent = \"again.wasm\"").await;
    assert_eq!(applied.code, Some(0), "{}", applied.err);
    serving.says("the component was tried dry, and is on trial", passed).await.unwrap();
    serving.says("tenants kept in the store: changed: acme", passed).await.unwrap();
    // And its file goes away: the version in force stays in force.
    let passed = serving.said().len();
    fs::remove_file(shelf.stage.folder().join("again.wasm")).unwrap();
    serving.signal("HUP").await.unwrap();
    let said = serving.says("the configuration was read again", passed).await.unwrap();
    assert!(said.contains("kept as before: acme"), "{said}");
    serving.says("tenant acme (kept in the store), component: ", passed).await.unwrap();
    let ready = reqwest::get(format!("{}/readyz", serving.url())).await.unwrap().text().await.unwrap();
    assert!(ready.contains("\"tenant\":\"acme\""), "{ready}");
}

#[tokio::test]
async fn a_component_that_fails_when_it_runs_dry_stays_out_and_the_one_before_goes_on() {
    let shelf = Shelf::new().await;
    let (ukg, credentials) = (shelf.stage.ukg.url(), shelf.stage.ukg.credentials().clone());
    let connection = |name: &str| {
        format!(
            "[tenants.acme.connections.{name}]\nurl = \"{ukg}\"\nclient-id = \"{}\"\nclient-secret = \"{}\"\nusername = \"{}\"\npassword = \"{}\"\n",
            credentials.client_id, credentials.client_secret, credentials.user_name, credentials.password
        )
    };
    let probe = async |build: u8, job: &str| {
        fs::write(shelf.stage.folder().join(format!("{build}.wasm")), [PROBE, &[0, 6, 4], b"mark", &[build]].concat()).unwrap();
        let schedule = format!("[[tenants.acme.schedules]]\njob = \"{job}\"\nevery-minutes = 1440\n");
        let tenant = format!("[tenants.acme]\nenvironment = \"TEST\"\ncomponent = \"{build}.wasm\"\n");
        shelf.write("probe.toml", &[&tenant, &*connection("main"), &connection("refused"), &schedule].concat());
        let applied = shelf.run(&["apply", &shelf.path("probe.toml")]).await;
        assert_eq!(applied.code, Some(0), "{} {}", applied.out, applied.err);
    };
    probe(1, "storage").await;
    let serving = Serving::start(&shelf.stage).await.unwrap();
    let passed = serving.said().len();
    probe(2, "trap").await;
    serving.says("tenants kept in the store: kept as before: acme", passed).await.unwrap();
    assert!(serving.said().iter().any(|line| line.contains("the component is no good, and the one before goes on")));
    let passed = serving.said().len();
    probe(3, "storage").await;
    serving.says("tenants kept in the store: changed: acme", passed).await.unwrap();
}

#[tokio::test]
async fn two_editors_at_once_lose_nothing() {
    let shelf = Shelf::with_acme().await;
    let site = shelf.site().await;
    let first = change(Some(1), vec![set("/properties/on-break", "deny"), set("/properties/alert-email", "a@acme.example")]);
    let made = site.change("acme", &first).await.unwrap();
    assert_eq!((made.version, made.changes.len()), (2, 2));

    let second = change(Some(1), vec![set("/properties/on-break", "allow"), Edit::Remove(path("/listener"))]);
    let Err(ChangeError::Conflict(conflict)) = site.change("acme", &second).await else { panic!("it was stored") };
    assert_eq!((conflict.version, conflict.by.as_str()), (2, "somebody"));
    assert_eq!(conflict.both, [path("/properties/on-break")]);
    assert_eq!(conflict.theirs.len(), 2);
    assert!(conflict.to_string().contains("both changed properties.on-break"), "{conflict}");
    assert_eq!(site.kept("acme").await.unwrap().unwrap().version, 2, "nothing is lost");

    let third = change(Some(1), vec![Edit::Secret(path("/connections/kronos/password"), "quite-another".into())]);
    let Err(ChangeError::Conflict(conflict)) = site.change("acme", &third).await else { panic!("it was stored") };
    assert!(conflict.both.is_empty() && conflict.to_string().contains("can be made again"), "{conflict}");
    let again = site.change("acme", &Change { base: Some(2), ..third }).await.unwrap();
    assert_eq!((again.version, again.changes[0].to_string().as_str()), (3, "connections.kronos.password: changed"));

    let Err(ChangeError::Conflict(_)) = site.change("acme", &change(None, first.edits)).await else { panic!("it is not new") };
    let Err(ChangeError::Site(_)) = site.change("nobody", &change(Some(1), Vec::new())).await else { panic!("it is not there") };
}

#[tokio::test]
async fn of_many_editors_at_the_same_moment_one_is_first() {
    let shelf = Shelf::with_acme().await;
    let site = Arc::new(shelf.site().await);
    let edits = (0..8).map(|number| {
        let site = site.clone();
        tokio::spawn(async move {
            let edit = Edit::Set(path("/properties/max-shift-hours"), shift_access::managed::Value::Number(number + 1));
            site.change("acme", &change(Some(1), vec![edit])).await
        })
    });
    let ended = futures_of(edits.collect()).await;
    assert_eq!(ended.iter().filter(|ended| ended.is_ok()).count(), 1, "{ended:?}");
    assert!(ended.iter().all(|ended| matches!(ended, Ok(_) | Err(ChangeError::Conflict(_)))), "{ended:?}");
    assert_eq!(site.versions("acme", 10, None).await.unwrap().items.len(), 2);
}

async fn futures_of<T>(tasks: Vec<tokio::task::JoinHandle<T>>) -> Vec<T> {
    let mut ended = Vec::new();
    for task in tasks {
        ended.push(task.await.unwrap());
    }
    ended
}

#[tokio::test]
async fn an_old_version_comes_back_with_its_secrets_and_the_oldest_go() {
    let shelf = Shelf::with_acme().await;
    let site = shelf.site().await;
    let wrong = Edit::Secret(path("/connections/kronos/password"), "not-the-password".into());
    site.change("acme", &change(Some(1), vec![wrong, set("/environment", "PROD")])).await.unwrap();
    let failed = shelf.run(&["run", "acme", "test-connection"]).await;
    assert_eq!(failed.code, Some(1), "{}", failed.out);
    let restored = site.restore_version("acme", 1, 2, "somebody", "").await.unwrap();
    assert_eq!(restored.version, 3);
    let told: Vec<_> = restored.changes.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["connections.kronos.password: changed", "environment: \"PROD\" -> \"TEST\""]);
    assert_eq!(shelf.run(&["run", "acme", "test-connection"]).await.code, Some(0));
    let version = site.version("acme", 3).await.unwrap();
    assert_eq!((version.by.as_str(), version.note.as_str()), ("somebody", "version 1 restored"));
    assert!(matches!(site.restore_version("acme", 1, 2, "somebody", "").await, Err(ChangeError::Conflict(_))));
    assert!(matches!(site.restore_version("acme", 9, 3, "somebody", "").await, Err(ChangeError::Site(_))));

    for base in 3..203 {
        let mail = format!("ops{base}@acme.example");
        site.change("acme", &change(Some(base), vec![set("/properties/alert-email", &mail)])).await.unwrap();
    }
    let page = site.versions("acme", 150, None).await.unwrap();
    assert_eq!((page.items[0].number, page.items.len()), (203, 150));
    let rest = site.versions("acme", 150, page.next).await.unwrap();
    assert_eq!((rest.items.last().unwrap().number, rest.items.len(), rest.next), (4, 50, None));
    assert!(site.version("acme", 3).await.is_err());
}

#[tokio::test]
async fn a_draft_is_kept_and_not_run_until_it_is_complete() {
    let shelf = Shelf::new().await;
    shelf.write(
        "draft.toml",
        "[tenants.acme]\nenvironment = \"TEST\"\n[tenants.acme.connections.kronos]\nurl = \"acme.prd\"\npassword = \"hush-hush-hush\"\n",
    );
    let refused = shelf.run(&["apply", &shelf.path("draft.toml")]).await;
    assert!(refused.code == Some(64) && refused.err.contains("connections.workspace-one: is missing"), "{}", refused.err);
    let kept = shelf.run(&["apply", &shelf.path("draft.toml"), "--draft"]).await;
    assert!(kept.code == Some(0) && kept.err.contains("connections.workspace-one: is missing"), "{} {}", kept.out, kept.err);
    let run = shelf.run(&["run", "acme", "batch"]).await;
    assert!(run.code == Some(64) && run.err.contains("the tenant \"acme\" is a draft"), "{}", run.err);
    let checked = shelf.run(&["check"]).await;
    assert!(checked.code == Some(0) && !checked.out.contains("workspace-one"), "{}", checked.out);
    let site = shelf.site().await;
    let managed = site.managed();
    assert_eq!((managed[0].state, managed[0].environment.as_deref()), (ManagedState::Draft, Some("TEST")));
    assert!(managed[0].problems.iter().any(|problem| problem.key == "connections.workspace-one"), "{:?}", managed[0].problems);
    assert!(!holds(&shelf.stage.store(), "hush-hush-hush") && !format!("{:?}", site.kept("acme").await).contains("hush-hush-hush"));

    let serving = Serving::start(&shelf.stage).await.unwrap();
    let passed = serving.said().len();
    assert_eq!(shelf.run(&["apply", &shelf.path("acme.toml")]).await.code, Some(0));
    serving.says("tenants kept in the store: added: acme", passed).await.unwrap();
    assert_eq!(shelf.run(&["run", "acme", "batch"]).await.code, Some(0));
    let passed = serving.said().len();
    assert_eq!(shelf.run(&["apply", &shelf.path("draft.toml"), "--draft"]).await.code, Some(0));
    serving.says("tenants kept in the store: removed: acme", passed).await.unwrap();
}

#[tokio::test]
async fn another_key_takes_the_place_of_the_first_also_when_the_rotation_is_killed() {
    let shelf = Shelf::with_acme().await;
    let site = shelf.site().await;
    for number in 0..30 {
        let name = format!("t{number:02}");
        let copy = Copy {
            from: "acme".to_owned(),
            to: name.clone(),
            base: None,
            environment: "TEST".to_owned(),
            paths: None,
            secrets: true,
            by: "somebody".to_owned(),
            note: String::new(),
        };
        assert_eq!(site.copy(&copy).await.unwrap().version, 1);
        for base in 1..20 {
            let mail = format!("ops{base}@acme.example");
            site.change(&name, &change(Some(base), vec![set("/properties/alert-email", &mail)])).await.unwrap();
        }
    }
    drop(site);
    shelf.write("new.key", &shelf.run(&["key", "new"]).await.out);

    // Killed as soon as it has begun, until it was in between: each tenant is sealed with one key or the other, whole, and opens.
    let (mut new, mut old) = ("new.key", "console.key");
    let mut in_between = false;
    for _ in 0..20 {
        shelf.configure(&format!("[console]\nkey = {{ file = \"{new}\" }}\nold-keys = [{{ file = \"{old}\" }}]\n"));
        let before = shelf.kept("tenant/").await;
        let mut child = shelf.stage.spawn(&["key", "rotate"]).unwrap();
        while shelf.kept("tenant/").await == before && child.try_wait().unwrap().is_none() {}
        child.kill().await.unwrap();
        let keys: BTreeSet<_> = shelf.sealed_with().await.into_values().collect();
        in_between = keys.len() == 2;
        assert_eq!(shelf.run(&["check"]).await.code, Some(0), "every secret opens");
        if in_between {
            break;
        }
        std::mem::swap(&mut new, &mut old);
    }
    assert!(in_between, "it was never killed in between");
    let rotated = shelf.run(&["key", "rotate"]).await;
    assert_eq!(rotated.code, Some(0), "{}", rotated.err);

    shelf.configure(&format!("[console]\nkey = {{ file = \"{new}\" }}\n"));
    assert_eq!(shelf.run(&["run", "acme", "test-connection"]).await.code, Some(0), "the old key is of no use any more");
    let versions = shelf.site().await.versions("t00", 100, None).await.unwrap();
    assert!(versions.items.iter().all(|version| version.number == 1 || version.changes.len() == 1));
    let site = shelf.site().await;
    let restored = site.restore_version("t00", 3, 20, "somebody", "").await.unwrap();
    assert_eq!(restored.changes.len(), 1, "no secret seems to be changed: {:?}", restored.changes);
    let nothing = shelf.run(&["key", "rotate"]).await;
    assert!(nothing.out.starts_with("0 secrets of 0 tenants"), "{}", nothing.out);
}

/// Every sealed secret in a kept tenant or version.
fn sealed(value: &Value) -> Vec<String> {
    value["document"]["secrets"].as_object().unwrap().values().map(|sealed| sealed.as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_wrong_key_and_a_changed_seal_stop_their_own_tenant_alone() {
    let shelf = Shelf::with_acme().await;
    for name in ["bad", "moved"] {
        shelf.write("more.toml", &shelf.read("acme.toml").replace("[tenants.acme", &format!("[tenants.{name}")));
        assert_eq!(shelf.run(&["apply", &shelf.path("more.toml")]).await.code, Some(0));
    }
    let at = "/connections/kronos/password";
    let acme = shelf.kept("tenant/acme").await[0].1.clone();
    let mut moved = shelf.kept("tenant/moved").await[0].1.clone();
    moved["document"]["secrets"][at] = acme["document"]["secrets"][at].clone();
    shelf.put("tenant/moved", &moved).await;
    let mut bad = shelf.kept("tenant/bad").await[0].1.clone();
    let seal = bad["document"]["secrets"][at].as_str().unwrap().to_owned();
    let letter = if seal.ends_with('A') { "B" } else { "A" };
    bad["document"]["secrets"][at] = json!(format!("{}{letter}{}", &seal[..60], &seal[61..]));
    assert_ne!(bad["document"]["secrets"][at], seal);
    shelf.put("tenant/bad", &bad).await;
    shelf.put("tenant/damaged", &json!("what is this")).await;

    let checked = shelf.run(&["check"]).await;
    assert_eq!(checked.code, Some(64));
    for (tenant, said) in [
        ("bad", "connections.kronos.password: the secret does not open: it was changed, or belongs to another tenant or place"),
        ("moved", "connections.kronos.password: the secret does not open"),
    ] {
        assert!(checked.out.contains(&format!("error: tenant {tenant} (kept in the store), {said}")), "{}", checked.out);
    }
    assert!(checked.out.contains("tenant damaged (kept in the store): cannot be read"), "{}", checked.out);
    assert_eq!(checked.out.lines().filter(|line| line.starts_with("error")).count(), 3, "{}", checked.out);
    assert_eq!(shelf.run(&["run", "acme", "batch"]).await.code, Some(0), "the others run");
    let run = shelf.run(&["run", "bad", "batch"]).await;
    assert!(run.code == Some(64) && run.err.contains("the tenant \"bad\" is left out"), "{}", run.err);
    let serving = Serving::start(&shelf.stage).await.unwrap();
    let ready = reqwest::get(format!("{}/readyz", serving.url())).await.unwrap().text().await.unwrap();
    assert!(ready.contains("\"tenant\":\"acme\"") && !ready.contains("\"tenant\":\"bad\""), "{ready}");
    assert!(serving.said().join("\n").contains("tenant bad (kept in the store), connections.kronos.password"));
    drop(serving);

    let other = shelf.run(&["key", "new"]).await.out;
    shelf.write("console.key", &other);
    let checked = shelf.run(&["check"]).await;
    assert!(
        checked
            .out
            .contains("tenant acme (kept in the store): the secrets at connections.kronos.app-key, connections.kronos.client-secret, "),
        "{}",
        checked.out
    );
    let rotated = shelf.run(&["key", "rotate"]).await;
    assert!(rotated.code == Some(1) && rotated.err.contains("name the key that is missing under old-keys"), "{}", rotated.err);
    shelf.configure("");
    shelf.stage.configure_more("[console]\n").unwrap();
    let checked = shelf.run(&["check"]).await;
    assert!(checked.out.contains("which is not at hand\n  write key = { file"), "{}", checked.out);
}

#[tokio::test]
async fn of_a_name_in_both_the_file_wins_and_a_tenant_moves_from_one_to_the_other() {
    let shelf = Shelf::new().await;
    shelf.configure(&format!("[console]\nkey = {{ file = \"console.key\" }}\n{}", shelf.read("acme.toml")));
    let exported = shelf.run(&["export", "acme"]).await;
    assert_eq!(exported.code, Some(0), "{}", exported.err);
    shelf.write("exported.toml", &exported.out);
    shelf.none_in(&exported.out);
    let serving = Serving::start(&shelf.stage).await.unwrap();
    let applied = shelf.run(&["apply", &shelf.path("exported.toml")]).await;
    assert!(applied.code == Some(0) && applied.err.contains("the configuration file has a tenant of this name too"), "{}", applied.err);
    assert!(applied.err.contains("tenant forget acme"), "{}", applied.err);
    serving.says("the configuration file has a tenant of this name too", 0).await.unwrap();
    assert_eq!(shelf.site().await.managed()[0].state, ManagedState::InFile);

    // The file lets go of it, and it goes on out of the store as the same tenant.
    let passed = serving.said().len();
    shelf.configure("[console]\nkey = { file = \"console.key\" }\n");
    serving.signal("HUP").await.unwrap();
    let said = serving.says("the configuration was read again", passed).await.unwrap();
    assert!(said.ends_with("changed: acme"), "{said}");
    assert_eq!(shelf.run(&["run", "acme", "batch"]).await.code, Some(0));
    assert_eq!(shelf.site().await.managed()[0].state, ManagedState::InForce);
    let again = shelf.run(&["export", "acme"]).await;
    shelf.write("again.toml", &again.out);
    let same = shelf.run(&["apply", &shelf.path("again.toml")]).await;
    assert_eq!(same.out, "acme: nothing changed\n", "{}", same.err);
    let sealed = shelf.run(&["export", "acme", "--secrets", "encrypted"]).await;
    assert!(sealed.out.contains("password = { sealed = \"x1."), "{}", sealed.out);
    shelf.none_in(&sealed.out);

    // And another store with the same key takes what was sealed, for that tenant only.
    shelf.write("sealed.toml", &sealed.out);
    assert_eq!(shelf.run(&["tenant", "forget", "acme"]).await.code, Some(0));
    assert_eq!(shelf.run(&["apply", &shelf.path("sealed.toml")]).await.code, Some(0));
    assert_eq!(shelf.run(&["run", "acme", "test-connection"]).await.code, Some(0));
    shelf.write("sealed.toml", &sealed.out.replace("[tenants.acme", "[tenants.other"));
    let refused = shelf.run(&["apply", &shelf.path("sealed.toml")]).await;
    assert!(refused.code == Some(64) && refused.err.contains("belongs to another tenant or place"), "{}", refused.err);
}

#[tokio::test]
async fn a_copy_takes_everything_but_the_secrets_and_tells_what_differs() {
    let shelf = Shelf::with_acme().await;
    let site = shelf.site().await;
    let mut copy = Copy {
        from: "acme".to_owned(),
        to: "acme-prod".to_owned(),
        base: None,
        environment: "PROD".to_owned(),
        paths: None,
        secrets: false,
        by: "somebody".to_owned(),
        note: "as tried".to_owned(),
    };
    let made = site.copy(&copy).await.unwrap();
    assert!(
        made.version == 1 && made.problems.iter().any(|problem| problem.is_error() && problem.key == "connections.kronos.password"),
        "{made:?}"
    );
    let kept = site.kept("acme-prod").await.unwrap().unwrap();
    assert!(kept.draft && kept.document.secrets().count() == 0);
    assert_eq!(kept.document.text(&path("/environment")), Some("PROD"));
    let differing: Vec<_> = site.differences("acme", "acme-prod").await.unwrap().iter().map(|one| one.path.pointer()).collect();
    assert_eq!(differing.len(), 6, "{differing:?}");
    assert!(differing.contains(&"/environment".to_owned()) && differing.contains(&"/listener/signature/secret".to_owned()));

    // Asked for, they come along, and are known to be the same.
    (copy.base, copy.secrets) = (Some(1), true);
    let made = site.copy(&copy).await.unwrap();
    assert_eq!((made.version, made.changes.len()), (2, 5));
    let differing: Vec<_> = site.differences("acme", "acme-prod").await.unwrap().iter().map(|one| one.path.pointer()).collect();
    assert_eq!(differing, ["/environment"]);
    assert_eq!(shelf.run(&["run", "acme-prod", "batch"]).await.code, Some(0));

    // One path alone.
    site.change("acme", &change(Some(1), vec![set("/properties/on-break", "deny"), set("/properties/alert-email", "x@acme.example")]))
        .await
        .unwrap();
    (copy.base, copy.paths) = (Some(2), Some(vec![path("/properties/on-break")]));
    let made = site.copy(&copy).await.unwrap();
    assert_eq!(made.changes.iter().map(|change| change.path.pointer()).collect::<Vec<_>>(), ["/properties/on-break"]);
}

#[tokio::test]
async fn whatever_is_typed_is_a_text_and_no_file_of_the_host_is_read() {
    let shelf = Shelf::with_acme().await;
    let site = shelf.site().await;
    let hostile = [
        "<script>alert(1)</script>",
        "\u{202e}gnp.exe",
        "'; drop table entries; --",
        "\"\"\"\n[tenants.evil]\n",
        "{ env = \"HOME\" }",
        "\\",
    ];
    let mut base = 1;
    for text in hostile.iter().map(|text| (*text).to_owned()).chain(["x".repeat(10_000)]) {
        let made = site.change("acme", &change(Some(base), vec![set("/properties/user-groups", &text)])).await.unwrap();
        base = made.version;
        assert_eq!(site.kept("acme").await.unwrap().unwrap().document.text(&path("/properties/user-groups")), Some(&*text));
        let exported = shelf.run(&["export", "acme"]).await.out;
        shelf.write("hostile.toml", &exported);
        let same = shelf.run(&["apply", &shelf.path("hostile.toml")]).await;
        assert_eq!(same.out, "acme: nothing changed\n", "{text:?}: {} {exported}", same.err);
        assert!(!exported.contains('\u{202e}'), "what turns the writing round is written as an escape");
    }
    let table = |key: &str, value: &str| shift_access::managed::Value::Table([(key.to_owned(), value.into())].into());
    for edit in [
        Edit::Set(path("/connections/kronos/password"), table("file", "/dev/zero")),
        Edit::Set(path("/connections/kronos/client-id"), table("env", "HOME")),
        Edit::Set(path("/listener/signature/secret"), table("file", "/etc/passwd")),
        set("/connections/kronos/url", "https://me:pw@acme.example"),
        set("/connections/kronos/url", "http://acme.example"),
        Edit::Secret(path("/properties/user-groups"), "hush-hush-hush".into()),
        Edit::Secret(path("/connections/kronos/password"), "two\nlines".into()),
        set("/properties/user-groups/a", "x"),
        set("/nothing", "x"),
        set("/properties/\u{0}", "x"),
    ] {
        let refused = site.change("acme", &change(Some(base), vec![edit.clone()])).await;
        assert!(matches!(&refused, Err(ChangeError::Invalid(problems)) if !problems.is_empty()), "{edit:?}: {refused:?}");
    }
    for name in ["", "a/b", "a b", "../x", "\u{202e}", &"x".repeat(65)] {
        assert!(matches!(site.change(name, &change(None, Vec::new())).await, Err(ChangeError::Name(_))), "{name}");
    }
    // A table that only looks like a reference: nothing is read to see whether it changed.
    let zones = change(Some(base), vec![Edit::Set(path("/properties/zones"), table("file", "/dev/zero"))]);
    let tried = tokio::time::timeout(std::time::Duration::from_secs(60), site.try_change("acme", &zones)).await;
    assert!(tried.is_ok(), "it was read");

    // Written behind the program's back it is refused, too.
    let mut kept = shelf.kept("tenant/acme").await[0].1.clone();
    kept["document"]["values"]["connections"]["kronos"]["client-id"] = json!({ "file": "secrets/kronos-password" });
    shelf.put("tenant/acme", &kept).await;
    let checked = shelf.run(&["check"]).await;
    assert!(
        checked.out.contains("tenant acme (kept in the store), connections.kronos.client-id: is a table, and is kept as a text"),
        "{}",
        checked.out
    );
}

#[tokio::test]
async fn what_is_removed_takes_its_configuration_along_and_the_name_is_free_again() {
    let shelf = Shelf::with_acme().await;
    assert_eq!(shelf.run(&["tenant", "remove", "acme"]).await.code, Some(0));
    let applied = shelf.run(&["apply", &shelf.path("acme.toml")]).await;
    assert_eq!(applied.out, "acme: nothing changed\n");
    assert_eq!(shelf.run(&["tenant", "restore", "acme"]).await.code, Some(0));
    assert_eq!(shelf.run(&["run", "acme", "batch"]).await.code, Some(0));
    assert_eq!(shelf.run(&["tenant", "remove", "acme", "--now"]).await.code, Some(0));
    assert!(shelf.kept("tenant/").await.is_empty() && shelf.kept("tenant-version/").await.is_empty());
    let applied = shelf.run(&["apply", &shelf.path("acme.toml")]).await;
    assert!(applied.out.starts_with("acme: new, version 1"), "{} {}", applied.out, applied.err);
    assert_eq!(shelf.run(&["run", "acme", "batch"]).await.code, Some(0));
}
