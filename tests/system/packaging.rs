//! Components in an OCI image layout: put there by the program, and taken from there by the digest of their manifest, wherever a
//! tenant is written.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};
use shift_access::config::ComponentDigest;
use shift_access::plugin::BUILT_IN;
use shift_access_tests::serving::Serving;
use shift_access_tests::stage::{Ended, Stage};

use crate::demo;

const GROUPS: &str = "user-groups = \"Store 12 Hourly, Store 14 Hourly\"";

/// A stage with a layout in the folder `released` beside its configuration.
struct Released {
    stage: Stage,
}

impl Released {
    async fn new() -> Self {
        let stage = demo().await.unwrap();
        stage.configure(GROUPS).unwrap();
        Self { stage }
    }

    fn path(&self, file: &str) -> PathBuf {
        self.stage.folder().join(file)
    }

    fn text(&self, file: &str) -> String {
        self.path(file).to_str().unwrap().to_owned()
    }

    async fn run(&self, args: &[&str]) -> Ended {
        self.stage.run(args).await.unwrap()
    }

    /// Packages with these arguments, into the layout.
    async fn package(&self, args: &[&str]) -> Value {
        let ended = self.run(&[&["package", "--json", "--to", &self.text("released")], args].concat()).await;
        assert_eq!(ended.code, Some(0), "{}", ended.err);
        ended.json().unwrap()
    }

    /// Packages another build of the built-in pack, with a mark nobody reads, and gives its manifest.
    async fn build(&self, build: u8) -> String {
        let file = self.text("build.wasm");
        fs::write(&file, [BUILT_IN, &[0, 6, 4], b"mark", &[build]].concat()).unwrap();
        self.package(&[&file, "--tag", &format!("build-{build}")]).await["manifest"].as_str().unwrap().to_owned()
    }

    /// Names a component in the configuration.
    fn name(&self, component: &str) {
        self.stage.configure(GROUPS).unwrap();
        let text = fs::read_to_string(self.stage.config()).unwrap();
        let named = text.replace("environment = \"TEST\"\n", &format!("environment = \"TEST\"\ncomponent = \"{component}\"\n"));
        fs::write(self.stage.config(), named).unwrap();
    }

    fn blob(&self, digest: &str) -> PathBuf {
        self.path("released/blobs/sha256").join(digest.strip_prefix("sha256:").unwrap())
    }

    fn json(&self, digest: &str) -> Value {
        serde_json::from_slice(&fs::read(self.blob(digest)).unwrap()).unwrap()
    }
}

#[tokio::test]
async fn the_built_in_pack_is_packaged_and_a_tenant_takes_it_by_its_digest() {
    let released = Released::new().await;
    let packaged = released.package(&[]).await;
    let manifest = packaged["manifest"].as_str().unwrap();
    assert_eq!(packaged["wasm"], ComponentDigest::of(BUILT_IN).to_string());
    assert_eq!(
        (&packaged["tag"], &packaged["component"]),
        (&json!("0.1.0"), &json!(format!("oci-layout:{}@{manifest}", released.text("released"))))
    );
    let manifest_json = released.json(manifest);
    assert_eq!(manifest_json["annotations"]["org.opencontainers.image.version"], "0.1.0");
    let config = released.json(manifest_json["config"]["digest"].as_str().unwrap());
    let names = |kind: &str| config["component"][kind].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect::<Vec<_>>();
    for wanted in ["http", "storage", "email", "journal", "properties"] {
        assert!(names("imports").contains(&&*format!("shift-access:plugin/{wanted}@0.1.0")), "{config}");
    }
    assert!(names("imports").iter().any(|name| name.starts_with("wasi:")), "{config}");
    for wanted in ["pack", "jobs", "listener", "access", "roster"] {
        assert!(names("exports").contains(&&*format!("shift-access:plugin/{wanted}@0.1.0")), "{config}");
    }
    assert_eq!(config["component"]["target"], "shift-access:plugin/plugin@0.1.0");

    released.name(&format!("oci-layout:released@{manifest}"));
    let checked = released.run(&["check"]).await;
    assert_eq!(checked.code, Some(0), "{}", checked.err);
    assert_eq!(released.stage.batch().await.unwrap()["status"], "COMPLETE_WARN");
    let described = released.run(&["describe", packaged["component"].as_str().unwrap()]).await;
    assert!(described.out.contains("connection workspace-one"), "{}", described.err);

    // From one layout into another, the digest stays what it is.
    let again = released.run(&["package", packaged["component"].as_str().unwrap(), "--to", &released.text("copied")]).await;
    assert_eq!(again.out.trim(), format!("oci-layout:{}@{manifest}", released.text("copied")));
}

#[tokio::test]
async fn a_host_that_serves_goes_from_one_manifest_to_the_next_and_stays_where_one_was_tampered_with() {
    let released = Released::new().await;
    let (first, second) = (released.build(1).await, released.build(2).await);
    released.name(&format!("oci-layout:released@{first}"));
    assert_eq!(released.stage.batch().await.unwrap()["status"], "COMPLETE_WARN");
    let serving = Serving::start(&released.stage).await.unwrap();
    let reload = async || {
        let passed = serving.said().len();
        serving.signal("HUP").await.unwrap();
        serving.says("the configuration was read again", passed).await.unwrap()
    };
    released.name(&format!("oci-layout:released@{second}"));
    let said = reload().await;
    assert!(said.contains("changed: acme"), "{said}\n{}", serving.said().join("\n"));
    let listed = released.run(&["tenant", "list", "--json"]).await.json().unwrap();
    let wasm = released.json(&second)["layers"][0]["digest"].clone();
    assert_eq!(listed["component"], wasm, "{listed}");

    // The second becomes the first under its digest: nobody takes it over.
    fs::copy(released.blob(&first), released.blob(&second)).unwrap();
    let passed = serving.said().len();
    serving.signal("HUP").await.unwrap();
    let said = serving.says("was changed: its bytes have", passed).await.unwrap();
    assert!(said.contains(&second) && said.contains(&first), "{said}");
    let checked = released.run(&["check"]).await;
    assert_eq!(checked.code, Some(64));
    assert!(checked.out.contains("copy the layout anew from where it came from"), "{}{}", checked.out, checked.err);
    let ready = reqwest::get(format!("{}/readyz", serving.url())).await.unwrap();
    assert!(ready.status().is_success(), "it goes on with the one it has");
}

#[tokio::test]
async fn a_tenant_kept_in_the_store_names_it_in_the_same_way() {
    let released = Released::new().await;
    let (first, second) = (released.build(1).await, released.build(2).await);
    let (host, tenant) = released.stage.parts().unwrap();
    let key = released.stage.make_key().await.unwrap();
    fs::write(released.stage.config(), format!("{host}{key}")).unwrap();
    let apply = async |component: &str| {
        let named = format!("environment = \"TEST\"\ncomponent = \"{component}\"\n");
        fs::write(released.path("acme.toml"), tenant.replace("environment = \"TEST\"\n", &named)).unwrap();
        released.run(&["apply", &released.text("acme.toml")]).await
    };
    let applied = apply(&format!("oci-layout:released@{first}")).await;
    assert_eq!(applied.code, Some(0), "{}", applied.err);
    assert_eq!(released.stage.batch().await.unwrap()["status"], "COMPLETE_WARN");
    let exported = released.run(&["export", "acme"]).await.out;
    assert!(exported.contains(&format!("oci-layout:released@{first}")), "{exported}");
    fs::write(released.path("exported.toml"), exported).unwrap();
    assert_eq!(released.run(&["apply", &released.text("exported.toml")]).await.out, "acme: nothing changed\n");

    let serving = Serving::start(&released.stage).await.unwrap();
    let passed = serving.said().len();
    assert_eq!(apply(&format!("oci-layout:released@{second}")).await.code, Some(0));
    serving.says("tenants kept in the store: changed: acme", passed).await.unwrap();
    let refused = apply("oci-layout:released:build-2").await;
    assert_eq!(refused.code, Some(64), "{}", refused.out);
    assert!(refused.err.contains(&format!("build-2 is {second} now")), "{}", refused.err);
}

#[tokio::test]
async fn what_cannot_be_packaged_is_told_and_leaves_nothing_behind() {
    let released = Released::new().await;
    let refused = async |args: &[&str], words: &str| {
        let ended = released.run(&[&["package"], args].concat()).await;
        assert!(ended.code == Some(64) && ended.err.contains(words) && ended.out.is_empty(), "{args:?}: {} {}", ended.out, ended.err);
    };
    let (to, layout, letter) = (released.text("to"), released.text("released"), released.text("letter.json"));
    fs::write(&letter, "{}").unwrap();
    fs::write(released.path("core.wasm"), b"\0asm\x01\0\0\0").unwrap();
    refused(&[&released.text("core.wasm"), "--to", &to], "this is not a WebAssembly component").await;
    refused(&[&released.text("none.wasm"), "--to", &to], "cannot be read").await;
    refused(&["--to", &to, "--tag", "a/b"], "is no tag").await;
    refused(&["--to", &to, "--sbom", &letter], "letter.json is not a bill of materials").await;
    refused(&["--to", &to, "--provenance", &letter], "letter.json is not a statement of in-toto").await;
    let other = json!({ "_type": "https://in-toto.io/Statement/v1", "subject": [{ "digest": { "sha256": "00" } }] });
    fs::write(&letter, other.to_string()).unwrap();
    refused(&["--to", &to, "--provenance", &letter], "is about another component: it names sha256:00").await;
    assert!(!released.path("to").exists());
    refused(&["--to", &released.text("secrets")], "is no OCI image layout").await;

    let manifest = released.build(1).await;
    refused(&[&format!("oci-layout:{layout}:build-1"), "--to", &to], &format!("build-1 is {manifest} now")).await;
    refused(&[&format!("{}@sha256:{}", released.text("build.wasm"), "0".repeat(64)), "--to", &to], "is wanted").await;
    refused(&["sha256:00", "--to", &to], "is no digest").await;
}
