//! A plugin of every generation of the contract that was released runs in today's host. What may be changed in the contract at all,
//! `tests/release` holds.

use std::fs;
use std::path::Path;

use serde_json::json;
use shift_access_tests::SINCE_0_1_0;
use shift_access_tests::feed::FeedSim;

use crate::demo;

/// Every generation that was released, with a plugin that was built against it.
const GENERATIONS: [(&str, &[u8]); 1] = [("since-0.1.0", SINCE_0_1_0)];

#[test]
fn every_generation_has_a_plugin() {
    let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit");
    let folders = fs::read_dir(wit).unwrap().map(|entry| entry.unwrap()).filter(|entry| entry.path().is_dir());
    let mut names: Vec<_> = folders.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, GENERATIONS.map(|(name, _)| name));
}

#[tokio::test]
async fn a_plugin_of_every_generation_loads_and_runs() {
    for (generation, plugin) in GENERATIONS {
        let (stage, feed) = (demo().await.unwrap(), FeedSim::start().await.unwrap());
        fs::write(stage.folder().join("old.wasm"), plugin).unwrap();
        let (host, _) = stage.parts().unwrap();
        let tenant =
            "[tenants.acme]\nenvironment = \"TEST\"\ncomponent = \"old.wasm\"\n[tenants.acme.limits]\nmail-domains = [\"acme.example\"]\n";
        let connection = format!("[tenants.acme.connections.main]\nurl = \"{}\"\n", feed.url());
        fs::write(stage.config(), [&host, tenant, &connection].concat()).unwrap();
        let checked = stage.run(&["check"]).await.unwrap();
        assert_eq!(checked.code, Some(0), "{generation}: {}{}", checked.out, checked.err);
        let run = stage.run(&["run", "acme", "use", "--json"]).await.unwrap();
        assert_eq!(run.json().unwrap()["status"], "COMPLETE", "{generation}: {}{}", run.out, run.err);
        let told = stage.run(&["run", "acme", "use"]).await.unwrap();
        for interface in ["http", "storage", "email", "journal", "properties"] {
            assert!(told.out.contains(&format!("ok       {interface}")), "{generation}: {}", told.out);
        }
        let decided = stage.run(&["decide", "acme", "adiaz", "--json"]).await.unwrap().json().unwrap();
        assert_eq!((&decided["decision"], &decided["reason"]), (&json!("allow"), &json!("kept")), "{generation}");
        let workers = stage.run(&["workers", "acme", "--json"]).await.unwrap().json_lines().unwrap();
        assert_eq!(workers[0]["person_number"], "1", "{generation}");
    }
}
