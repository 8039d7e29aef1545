//! Whole-system tests: the real program against the simulators, over real sockets and a real store. One binary, so that
//! it is linked once; one file a theme.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that meets what it does not expect has failed")]

mod ageing;
mod alerts;
mod api;
mod batch;
mod changes;
mod commands;
mod components;
mod configuration;
mod connection_test;
mod console;
mod door;
mod egress;
mod embedding;
mod events;
mod extension;
mod faults;
mod flood;
mod formats;
mod generations;
mod hooks;
mod hostile;
mod identities;
mod kill;
mod kill_serving;
mod logs;
mod look_up;
mod mail;
mod managed;
mod metrics;
mod openapi;
mod packaging;
mod probes;
mod readme;
mod reload;
mod reported;
mod sandbox;
mod scale;
mod scarce;
mod schedules;
mod secrets;
mod serve;
mod take_over;
mod tenants;
mod traces;
mod upgrades;
mod what_if;

use anyhow::Result;
use chrono::Utc;
use serde_json::Value;
use shift_access_tests::stage::Stage;
use shift_access_tests::world::World;

/// The program under test.
const PROGRAM: &str = env!("CARGO_BIN_EXE_shift-access-tested");

/// A stage with the small company of the demo.
async fn demo() -> Result<Stage> {
    Stage::new(World::demo(Utc::now()), PROGRAM).await
}

/// A stage with an empty world, to be filled by the test.
async fn empty() -> Result<Stage> {
    Stage::new(World::new(Utc::now()), PROGRAM).await
}

/// The record of one user.
fn record<'a>(records: &'a [Value], user: &str) -> &'a Value {
    records.iter().find(|record| record["user"] == user).unwrap_or_else(|| panic!("no record of {user}"))
}

/// The sums that every report keeps.
fn assert_sums(counts: &Value) {
    let count = |name: &str| counts[name].as_u64().unwrap_or_else(|| panic!("no count {name} in {counts}"));
    let members = count("members");
    assert_eq!(members, count("matched") + count("unmatched"), "{counts}");
    assert_eq!(members, count("on_shift") + count("on_break") + count("off_shift") + count("unknown"), "{counts}");
    assert_eq!(members, count("changed") + count("unchanged"), "{counts}");
    assert!(count("failed") <= count("unknown"), "{counts}");
}

#[test]
fn no_file_of_these_tests_is_forgotten() {
    let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("system");
    let modules = listed(&here, &here.join("main.rs"));
    assert!(modules > 60, "{modules}");
}

/// Every file of a folder must be a module of the file that the folder belongs to; how many there are.
fn listed(folder: &std::path::Path, parent: &std::path::Path) -> usize {
    let text = std::fs::read_to_string(parent).unwrap();
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path != parent);
    paths
        .map(|path| {
            let module = path.file_stem().unwrap().to_str().unwrap();
            assert!(text.contains(&format!("mod {module};")), "{} is in no test binary", path.display());
            if path.is_dir() { listed(&path, &path.with_extension("rs")) } else { 1 }
        })
        .sum()
}
