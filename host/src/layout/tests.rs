use std::fs;

use chrono::DateTime;
use serde_json::{Value, json};

use super::*;
use crate::config::ComponentDigest;

const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";
const EXPORTS: [&str; 1] = ["shift-access:plugin/pack@0.1.0"];

/// A layout in a folder of its own.
struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn layout(&self) -> Layout {
        Layout::open_or_create(self.folder.path()).unwrap()
    }

    fn add(&self, component: &[u8], tag: &str) -> ComponentDigest {
        self.with(component, tag, &[])
    }

    fn with(&self, component: &[u8], tag: &str, documents: &[Document]) -> ComponentDigest {
        let exports = EXPORTS.map(str::to_owned);
        let artefact = Artefact {
            component,
            imports: &[],
            exports: &exports,
            target: Some("shift-access:plugin/plugin@0.1.0".to_owned()),
            title: "Pack",
            version: "0.1.0",
            created: DateTime::UNIX_EPOCH,
        };
        self.layout().add(&tag.parse().unwrap(), &artefact, documents).unwrap()
    }

    fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    fn blob(&self, digest: &str) -> PathBuf {
        self.path(BLOBS).join(digest.strip_prefix("sha256:").unwrap())
    }

    fn json(&self, file: &Path) -> Value {
        serde_json::from_slice(&fs::read(file).unwrap()).unwrap()
    }

    /// A blob with these bytes, and its digest.
    fn put(&self, bytes: &[u8]) -> ComponentDigest {
        let digest = ComponentDigest::of(bytes);
        fs::write(self.blob(&digest.to_string()), bytes).unwrap();
        digest
    }

    /// The manifest of a good component with something about it changed, under the digest that it has then.
    fn changed(&self, change: impl FnOnce(&mut Value)) -> ComponentDigest {
        let mut manifest = self.json(&self.blob(&self.add(COMPONENT, "good").to_string()));
        change(&mut manifest);
        self.put(manifest.to_string().as_bytes())
    }

    fn refuses(&self, digest: &ComponentDigest) -> String {
        self.layout().component(digest).unwrap_err().to_string()
    }

    fn tags(&self) -> Vec<(String, Option<String>)> {
        let entries = self.layout().entries().unwrap();
        entries.into_iter().map(|entry| (entry.digest.to_string(), entry.tag.map(|tag| tag.to_string()))).collect()
    }
}

#[test]
fn a_component_lies_as_the_guide_has_it_and_comes_back() {
    let bench = Bench::new();
    let digest = bench.add(COMPONENT, "0.1.0");
    assert_eq!(bench.layout().component(&digest).unwrap(), COMPONENT);

    assert_eq!(bench.json(&bench.path("oci-layout")), json!({ "imageLayoutVersion": "1.0.0" }));
    let index = bench.json(&bench.path("index.json"));
    let listed = &index["manifests"][0];
    assert_eq!((&index["schemaVersion"], &index["mediaType"]), (&json!(2), &json!("application/vnd.oci.image.index.v1+json")));
    assert_eq!(listed["digest"], digest.to_string());
    assert_eq!(listed["annotations"], json!({ "org.opencontainers.image.ref.name": "0.1.0" }));
    assert_eq!(listed["platform"], json!({ "architecture": "wasm", "os": "wasip2" }));

    let manifest = bench.json(&bench.blob(&digest.to_string()));
    let layer = ComponentDigest::of(COMPONENT).to_string();
    assert_eq!(manifest["mediaType"], "application/vnd.oci.image.manifest.v1+json");
    assert_eq!(manifest["config"]["mediaType"], "application/vnd.wasm.config.v0+json");
    assert_eq!(manifest["layers"], json!([{ "mediaType": "application/wasm", "digest": layer, "size": COMPONENT.len() }]));
    let config = bench.json(&bench.blob(manifest["config"]["digest"].as_str().unwrap()));
    let component = json!({ "exports": EXPORTS, "imports": [], "target": "shift-access:plugin/plugin@0.1.0" });
    let wanted = json!({
        "architecture": "wasm", "os": "wasip2", "created": "1970-01-01T00:00:00Z", "layerDigests": [layer], "component": component,
    });
    assert_eq!(config, wanted);
}

#[test]
fn the_same_component_gives_the_same_bytes_in_every_folder() {
    let files = |bench: &Bench| {
        let mut files = vec![bench.path("index.json"), bench.path("oci-layout")];
        files.extend(fs::read_dir(bench.path(BLOBS)).unwrap().map(|entry| entry.unwrap().path()));
        files.sort();
        let named = files.iter().map(|file| (file.strip_prefix(bench.folder.path()).unwrap().to_owned(), fs::read(file).unwrap()));
        named.collect::<Vec<_>>()
    };
    // The annotations of a manifest have an order of chance in memory: many tries find it if it is written.
    let benches = std::array::from_fn::<_, 8, _>(|_| Bench::new());
    for bench in &benches {
        bench.add(COMPONENT, "0.1.0");
        bench.add(COMPONENT, "0.1.0");
    }
    for bench in &benches {
        assert_eq!(files(bench), files(&benches[0]));
    }
    assert_eq!(files(&benches[0]).len(), 5, "three blobs, and nothing left of the writing");
}

#[test]
fn a_second_tag_keeps_the_first_and_a_tag_that_moves_loses_nothing() {
    let bench = Bench::new();
    let first = bench.add(COMPONENT, "0.1.0");
    let second = bench.add(b"another", "0.2.0");
    let name = |digest: &ComponentDigest, tag: &str| (digest.to_string(), Some(tag.to_owned()));
    assert_eq!(bench.tags(), [name(&first, "0.1.0"), name(&second, "0.2.0")]);
    bench.add(b"another", "latest");
    assert_eq!(bench.tags(), [name(&first, "0.1.0"), name(&second, "0.2.0"), name(&second, "latest")]);
    bench.add(COMPONENT, "latest");
    assert_eq!(bench.tags(), [name(&first, "0.1.0"), name(&second, "0.2.0"), name(&first, "latest")]);
    let third = bench.add(b"a third", "0.2.0");
    let untagged = (second.to_string(), None);
    assert_eq!(bench.tags(), [name(&first, "0.1.0"), untagged, name(&first, "latest"), name(&third, "0.2.0")]);
    assert_eq!(bench.layout().component(&second).unwrap(), b"another", "who named its digest has it still");
}

#[test]
fn documents_refer_to_the_component_and_are_none_themselves() {
    let bench = Bench::new();
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, document: &Value| {
        let file = folder.path().join(name);
        fs::write(&file, document.to_string()).unwrap();
        file
    };
    let wasm = ComponentDigest::of(COMPONENT);
    let hashes = |digits: String| json!({ "bomFormat": "CycloneDX", "metadata": { "component": { "hashes": [{ "alg": "SHA-256", "content": digits }] } } });
    let statement = |digits: String| json!({ "_type": "https://in-toto.io/Statement/v1", "subject": [{ "digest": { "sha256": digits } }] });
    let other = ComponentDigest::of(b"another").digits();

    let materials = Document::materials(&write("sbom.json", &hashes(wasm.digits())), &wasm).unwrap();
    let provenance = Document::provenance(&write("provenance.json", &statement(wasm.digits())), &wasm).unwrap();
    let spdx = Document::materials(&write("spdx.json", &json!({ "spdxVersion": "SPDX-2.3" })), &wasm).unwrap();
    let digest = bench.with(COMPONENT, "0.1.0", &[materials.clone(), provenance, spdx]);
    bench.with(COMPONENT, "again", &[materials]);
    assert_eq!(bench.tags().len(), 2, "documents are no components");

    let index = bench.json(&bench.path("index.json"));
    let listed: Vec<_> = index["manifests"].as_array().unwrap().iter().filter(|listed| listed["annotations"].is_null()).collect();
    let kinds: Vec<_> = listed.iter().map(|listed| listed["artifactType"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["application/vnd.cyclonedx+json", "application/vnd.in-toto+json", "application/spdx+json"]);
    for listed in listed {
        let manifest = bench.json(&bench.blob(listed["digest"].as_str().unwrap()));
        assert_eq!(manifest["subject"]["digest"], digest.to_string());
        assert_eq!((&manifest["artifactType"], &manifest["layers"][0]["mediaType"]), (&listed["artifactType"], &listed["artifactType"]));
        assert_eq!(manifest["config"]["mediaType"], "application/vnd.oci.empty.v1+json");
        assert!(bench.refuses(&listed["digest"].as_str().unwrap().parse().unwrap()).contains("its configuration is of the type"));
    }

    let said = |document: Result<Document, DocumentError>| document.unwrap_err().to_string();
    assert!(said(Document::materials(&write("a.json", &json!([])), &wasm)).contains("is not a bill of materials"));
    assert!(said(Document::materials(&write("a.json", &hashes(other.clone())), &wasm)).contains(&format!("it names sha256:{other}")));
    assert!(said(Document::provenance(&write("a.json", &json!({})), &wasm)).contains("is not a statement of in-toto"));
    assert!(said(Document::provenance(&write("a.json", &statement(other)), &wasm)).contains("is about another component"));
    let nameless = json!({ "_type": "https://in-toto.io/Statement/v1", "subject": [] });
    assert!(said(Document::provenance(&write("a.json", &nameless), &wasm)).contains("it names none by its SHA-256"));
    fs::write(folder.path().join("a.json"), "{").unwrap();
    assert!(said(Document::materials(&folder.path().join("a.json"), &wasm)).contains("is not JSON"));
    assert!(said(Document::materials(&folder.path().join("none.json"), &wasm)).contains("cannot be read"));
}

#[test]
fn what_is_no_layout_is_neither_read_nor_written_to() {
    let folder = tempfile::tempdir().unwrap();
    let said = |folder: &Path| Layout::open(folder).unwrap_err().to_string();
    assert!(said(&folder.path().join("nowhere")).contains("is no OCI image layout: it has no file oci-layout"));
    fs::write(folder.path().join("letter.txt"), "dear").unwrap();
    assert!(said(folder.path()).contains("it has no file oci-layout"));
    assert!(said(&folder.path().join("letter.txt")).contains("it has no file oci-layout"));
    assert!(Layout::open_or_create(folder.path()).unwrap_err().to_string().contains("is no OCI image layout"));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing was added to what lies there");

    fs::write(folder.path().join("oci-layout"), r#"{"imageLayoutVersion":"2.0.0"}"#).unwrap();
    assert!(said(folder.path()).contains("it is one of version 2.0.0, and 1.0.0 is read"));
    fs::write(folder.path().join("oci-layout"), "{").unwrap();
    assert!(said(folder.path()).contains("oci-layout is not what an OCI image layout has there"));
    fs::write(folder.path().join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
    let layout = Layout::open(folder.path()).unwrap();
    assert!(layout.entries().unwrap_err().to_string().contains("index.json cannot be read"));
    fs::write(folder.path().join("index.json"), "[]").unwrap();
    assert!(layout.entries().unwrap_err().to_string().contains("index.json is not what"));
}

#[test]
fn two_who_make_the_same_layout_at_once_both_put_their_component_in() {
    for _ in 0..20 {
        let bench = Bench::new();
        let together = std::sync::Barrier::new(2);
        std::thread::scope(|scope| {
            for tag in ["one", "two"] {
                let (bench, together) = (&bench, &together);
                scope.spawn(move || {
                    together.wait();
                    bench.add(COMPONENT, tag)
                });
            }
        });
        assert_eq!(bench.tags().len(), 2);
    }
}

#[test]
fn a_layout_that_was_begun_and_not_made_is_made() {
    let bench = Bench::new();
    fs::create_dir_all(bench.path(BLOBS)).unwrap();
    fs::write(bench.path(".0.writing"), "{").unwrap();
    bench.add(COMPONENT, "one");
    fs::remove_file(bench.path(MARK)).unwrap();
    bench.add(b"another", "two");
    assert_eq!(bench.tags().len(), 2, "what lay there stays");
}

#[test]
fn a_digest_that_is_not_there_is_told_with_those_that_are() {
    let bench = Bench::new();
    let nowhere = ComponentDigest::of(b"nowhere");
    bench.layout();
    assert!(bench.refuses(&nowhere).ends_with("it has no component"));
    let first = bench.add(COMPONENT, "0.1.0");
    let said = bench.refuses(&nowhere);
    assert!(said.contains(&format!("nothing of the digest {nowhere}; it has {first} (0.1.0)")), "{said}");
    for build in 0..5_u8 {
        bench.add(&[build], &build.to_string());
    }
    assert!(bench.refuses(&nowhere).ends_with("and more"));
    // The digest of the component itself, where that of its manifest is wanted.
    let said = bench.refuses(&ComponentDigest::of(COMPONENT));
    assert!(said.contains("is no manifest of a component: it cannot be read as one") && said.contains(&first.to_string()), "{said}");
}

#[test]
fn a_blob_that_was_changed_is_found_out_wherever_it_is() {
    for what in ["manifest", "config", "layer"] {
        let bench = Bench::new();
        let digest = bench.add(COMPONENT, "0.1.0");
        let manifest = bench.json(&bench.blob(&digest.to_string()));
        let blob = match what {
            "manifest" => bench.blob(&digest.to_string()),
            "config" => bench.blob(manifest["config"]["digest"].as_str().unwrap()),
            _ => bench.blob(manifest["layers"][0]["digest"].as_str().unwrap()),
        };
        let good = fs::read(&blob).unwrap();
        let mut bad = good.clone();
        *bad.last_mut().unwrap() ^= 1;
        fs::write(&blob, &bad).unwrap();
        let said = bench.refuses(&digest);
        assert!(said.contains("was changed: its bytes have sha256:"), "{what}: {said}");
        fs::write(&blob, [&good[..], b" "].concat()).unwrap();
        let said = bench.refuses(&digest);
        assert!(said.contains("was changed: it"), "{what}: {said}");
        fs::remove_file(&blob).unwrap();
        assert!(bench.layout().component(&digest).is_err(), "{what}");
        fs::write(&blob, &good).unwrap();
        assert_eq!(bench.layout().component(&digest).unwrap(), COMPONENT);
    }
}

#[test]
fn what_a_manifest_leads_to_must_be_a_component() {
    let bench = Bench::new();
    let index = bench.put(&serde_json::to_vec(&bench.layout().index().unwrap()).unwrap());
    assert!(bench.refuses(&index).contains("is no manifest of a component"), "an index of manifests is none");
    type Change = fn(&mut Value);
    let cases: [(Change, &str); 6] = [
        (|it| it["mediaType"] = json!("application/vnd.docker.distribution.manifest.v2+json"), "it is of the type application/vnd.docker"),
        (|it| it["config"]["mediaType"] = json!("application/vnd.oci.image.config.v1+json"), "its configuration is of the type"),
        (|it| it["layers"][0]["mediaType"] = json!("application/vnd.oci.image.layer.v1.tar"), "and application/wasm is wanted"),
        (|it| it["layers"] = json!([]), "it has 0 layers"),
        (|it| it["layers"] = json!([it["layers"][0], it["layers"][0]]), "it has 2 layers"),
        (|it| it["layers"][0]["size"] = json!(7), "it has 8 bytes, and 7 are said of it"),
    ];
    for (change, words) in cases {
        let said = bench.refuses(&bench.changed(change));
        assert!(said.contains(words), "no `{words}` in {said}");
    }
    let configs = [
        (json!({ "architecture": "amd64", "os": "linux", "layerDigests": [] }), "it is for amd64 and linux"),
        (
            json!({ "architecture": "wasm", "os": "wasip2", "layerDigests": ["sha256:0"] }),
            "its configuration is of other layers (sha256:0)",
        ),
        (json!({ "architecture": "wasm" }), "its configuration cannot be read"),
    ];
    for (config, words) in configs {
        let text = config.to_string();
        let digest = bench.put(text.as_bytes());
        let manifest = bench.changed(|manifest| {
            manifest["config"]["digest"] = json!(digest.to_string());
            manifest["config"]["size"] = json!(text.len());
        });
        let said = bench.refuses(&manifest);
        assert!(said.contains(words), "no `{words}` in {said}");
    }
}

#[test]
fn no_digest_leads_out_of_the_layout() {
    let bench = Bench::new();
    bench.layout();
    fs::write(bench.path("outside"), COMPONENT).unwrap();
    for digest in ["sha256:../../outside", "../../outside:0", "sha256:..", "sha512-../..:aa"] {
        let manifest = bench.changed(|manifest| manifest["layers"][0]["digest"] = json!(digest));
        let said = bench.refuses(&manifest);
        assert!(said.contains("it cannot be read as one"), "{digest}: {said}");
    }
    let long = format!("sha512:{}", "a".repeat(128));
    let manifest = bench.changed(|manifest| manifest["config"]["digest"] = json!(long));
    assert!(bench.refuses(&manifest).contains("only blobs below blobs/sha256 are read"));
    let mut index = bench.json(&bench.path("index.json"));
    index["manifests"][0]["digest"] = json!("sha256:../../outside");
    fs::write(bench.path("index.json"), index.to_string()).unwrap();
    assert!(bench.layout().entries().is_err());
}

#[test]
fn a_tag_is_not_enough_and_what_it_is_now_is_told() {
    let bench = Bench::new();
    let digest = bench.add(COMPONENT, "0.1.0");
    let said = |tag: Option<&str>| bench.layout().unpinned(tag.map(|tag| tag.parse().unwrap()).as_ref()).to_string();
    assert!(said(Some("0.1.0")).ends_with(&format!("0.1.0 is {digest} now")));
    assert!(said(Some("0.2.0")).ends_with(&format!("there is no tag 0.2.0, and it has {digest} (0.1.0)")));
    assert!(said(None).contains("is named without a digest") && said(None).contains(&digest.to_string()));
}

#[test]
fn tags_are_those_of_registries() {
    for good in ["latest", "0.1.0", "_a", "A-b_c.d", &"a".repeat(128)] {
        assert!(good.parse::<Tag>().is_ok(), "{good}");
    }
    for bad in ["", ".a", "-a", "a/b", "a b", "a+b", "é", &"a".repeat(129)] {
        assert_eq!(bad.parse::<Tag>(), Err(TagError), "{bad}");
    }
}
