//! A configuration of many tenants, and an event for each.

use std::fmt::Write as _;
use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use chrono::Utc;
use futures::{StreamExt, TryStreamExt, stream};
use shift_access_tests::hook::{HOOK_SECRET, SIGNATURE, event, signature};
use shift_access_tests::serving::Serving;
use shift_access_tests::stage::Stage;
use shift_access_tests::world::{World, hours};

const PROGRAM: &str = env!("CARGO_BIN_EXE_shift-access-tested");
/// Posts at once.
const POSTS: usize = 16;
/// How long all events may take.
const PATIENCE: Duration = Duration::from_secs(600);
const PERSON: &str = "400000";

/// The stage, with a configuration of its own.
pub(crate) struct Site {
    pub(crate) stage: Stage,
}

impl Site {
    pub(crate) async fn new(tenants: usize) -> Result<Self> {
        let world = World::new(Utc::now());
        world.person("adiaz").number(PERSON).in_group("Store 12 Hourly").clocked_in(hours(3));
        let stage = Stage::new(world, PROGRAM).await?;
        ensure!(tenants < 100_000, "so many tenants have no names");
        Ok(Self { stage })
    }

    /// Writes the configuration of so many tenants.
    pub(crate) fn configure(&self, tenants: usize) -> Result<()> {
        let mut text = "[host]\nlisten = \"127.0.0.1:0\"\nstorage = \"sqlite://shift-access.db\"\n".to_owned();
        (0..tenants).try_for_each(|tenant| self.write(&mut text, &name(tenant)))?;
        Ok(fs::write(self.stage.config(), text)?)
    }

    fn write(&self, text: &mut String, name: &str) -> Result<()> {
        let (ukg, access) = (self.stage.ukg.credentials(), self.stage.access.credentials());
        writeln!(
            text,
            r#"
[tenants.{name}]
environment = "TEST"
[tenants.{name}.connections.kronos]
url = "{}"
client-id = "{}"
client-secret = {{ file = "secrets/kronos-client-secret" }}
username = "{}"
password = {{ file = "secrets/kronos-password" }}
app-key = {{ file = "secrets/kronos-app-key" }}
[tenants.{name}.connections.workspace-one]
url = "{}"
client-id = "{}"
client-secret = {{ file = "secrets/workspace-one-secret" }}
[tenants.{name}.properties]
user-groups = "Store 12 Hourly"
[[tenants.{name}.schedules]]
job = "batch"
days = ["mon"]
times = ["03:15"]
zone = "America/New_York"
[tenants.{name}.listener]
signature = {{ header = "{SIGNATURE}", algorithm = "hmac-sha256", secret = "{HOOK_SECRET}" }}"#,
            self.stage.ukg.url(),
            ukg.client_id,
            ukg.user_name,
            self.stage.access.url(),
            access.client_id,
        )?;
        Ok(())
    }
}

fn name(tenant: usize) -> String {
    format!("t{tenant:05}")
}

/// Posts an event to each tenant, and waits until all are dealt with.
pub(crate) async fn posted(serving: &Serving, tenants: usize) -> Result<()> {
    let client = reqwest::Client::builder().timeout(Duration::from_secs(60)).build()?;
    let post = async |tenant: usize| {
        let body = event("e1", PERSON, Utc::now(), Some("in")).to_string().into_bytes();
        let url = format!("{}/hooks/{}", serving.url(), name(tenant));
        let answer = client.post(url).header(SIGNATURE, signature(&body)).body(body).send().await.context("no answer")?;
        ensure!(answer.status().as_u16() == 202, "an event was answered {}", answer.status());
        Ok(())
    };
    stream::iter(0..tenants).map(post).buffer_unordered(POSTS).try_collect::<()>().await?;
    tokio::time::timeout(PATIENCE, dealt_with(&client, serving, tenants)).await.context("events wait")?
}

async fn dealt_with(client: &reqwest::Client, serving: &Serving, tenants: usize) -> Result<()> {
    let url = format!("{}/metrics", serving.url());
    loop {
        let metrics = client.get(&url).send().await?.text().await?;
        let waiting = metrics.lines().filter_map(|line| line.strip_prefix("shift_access_inbox_waiting_events{"));
        let nothing = waiting.filter(|line| line.ends_with(" 0")).count();
        if nothing >= tenants {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}
