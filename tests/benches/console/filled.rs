//! A store with many workers, by a batch, and many runs.

use anyhow::{Result, ensure};
use chrono::{TimeDelta, Utc};
use shift_access::history::{Counts, Run, Status, Trigger, Warning};
use shift_access::store::{Space, SqliteStore, Store, Write};
use shift_access_tests::stage::{Stage, TENANT};
use shift_access_tests::world::World;
use uuid::{NoContext, Timestamp, Uuid};

const PROGRAM: &str = env!("CARGO_BIN_EXE_shift-access-tested");
/// The password of who looks.
pub(crate) const PASSWORD: &str = "correct horse battery";
/// Minutes between two runs.
const EVERY: i64 = 5;

pub(crate) async fn stage(workers: usize, runs: usize) -> Result<Stage> {
    let (world, _) = World::company_in(Utc::now(), workers, 7, &["Store 12 Hourly"]);
    let stage = Stage::new(world, PROGRAM).await?;
    stage.configure("user-groups = \"Store 12 Hourly\"")?;
    let added = stage.run_told(&["user", "add", "viewer", "--role", "viewer", "--password-stdin"], &format!("{PASSWORD}\n")).await?;
    ensure!(added.code == Some(0), "nobody was added: {}", added.err);
    wrote(&stage, workers, runs).await?;
    let batch = stage.batch().await?;
    ensure!(batch.get("failure").is_some_and(serde_json::Value::is_null), "the batch failed: {batch}");
    Ok(stage)
}

/// Writes runs into the history, the last of them just now.
async fn wrote(stage: &Stage, workers: usize, runs: usize) -> Result<()> {
    let store = SqliteStore::open(stage.store())?;
    let begin = Utc::now() - TimeDelta::minutes(EVERY * i64::try_from(runs)?);
    for number in 0..runs {
        let started = begin + TimeDelta::minutes(EVERY * i64::try_from(number)?);
        let share = |of: usize| u64::try_from(workers * ((number + of) % 7) / 28).unwrap_or_default();
        let counts = [("members", workers as u64), ("on_shift", share(0)), ("on_break", share(2)), ("off_shift", share(4)), ("unknown", 3)];
        let warning = Warning { code: "BWS-61".to_owned(), message: "Two have this name.".to_owned(), subject: Some("adiaz".to_owned()) };
        let run = Run {
            run: Uuid::new_v7(Timestamp::from_unix(NoContext, u64::try_from(started.timestamp())?, 0)).to_string(),
            tenant: TENANT.to_owned(),
            job: "batch".to_owned(),
            process: "[Kronos] Worker Status - Batch [Workspace ONE]".to_owned(),
            trigger: Trigger::Schedule,
            status: Status::CompleteWarn,
            started,
            duration_ms: Some(40_000),
            counts: Some(Counts(counts.map(|(name, count)| (name.to_owned(), count)).to_vec())),
            warnings: vec![warning; 5],
            failure: None,
        };
        let write = Write::put(format!("run/{}", run.run), serde_json::to_vec(&run)?);
        store.commit(&Space::host(TENANT), vec![write]).await?;
    }
    Ok(())
}
