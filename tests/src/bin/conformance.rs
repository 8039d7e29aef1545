//! Whether a platform keeps the promises of `wit/`, one line a promise:
//!
//! ```text
//! conformance [--only INTERFACE] COMMAND [ARGUMENT…]
//! conformance [--only INTERFACE] --reference
//! ```
//!
//! COMMAND runs one job of the probe on the platform. It is given two more arguments, the job's name and a file of JSON with
//! the component, the tenant, its connections, its properties, the mail server, and a folder to keep things in from one job
//! to the next; the last line it prints is the report as JSON: `{"steps": [{"title", "outcome", "detail"}]}`, or
//! `{"failure": …}`. `--reference` asks the reference host. Exits with 1 where a promise is broken.
#![expect(clippy::print_stdout, reason = "the lines are what it is for")]

use std::process::{ExitCode, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use shift_access::config::{ConnectionConfig, SettingValue};
use shift_access::connection::Connections;
use shift_access::description::PropertyValue;
use shift_access::history::{StepOutcome, Trigger};
use shift_access::limits::Limits;
use shift_access::mail::SmtpMailer;
use shift_access::plugin::Pack;
use shift_access::store::SqliteStore;
use shift_access::{Host, Order, Tenant};
use shift_access_tests::PROBE;
use shift_access_tests::conformance::{JOBS, Job, Kit, Line, MAIL_DOMAIN, Report, Step, VARIABLE};
use tokio::process::Command;

/// How long a job may take. The slowest call of the probe waits for as long as a connection may.
const BOUND: Duration = Duration::from_secs(90);

const USAGE: &str = "usage: conformance [--only INTERFACE] (--reference | COMMAND [ARGUMENT…])";

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    let only = (args.first().is_some_and(|first| first == "--only") && args.len() > 1).then(|| args.drain(..2).nth(1)).flatten();
    ensure!(!args.is_empty(), USAGE);
    let jobs: Vec<_> = JOBS.into_iter().filter(|job| only.as_ref().is_none_or(|only| only == job.interface)).collect();
    ensure!(!jobs.is_empty(), "no interface is called {only:?}; {USAGE}");
    let kit = Kit::start().await?;
    let mut whole = true;
    for job in jobs {
        let ran = async {
            match args.first().is_some_and(|first| first == "--reference") {
                true => reference(&kit, job).await,
                false => command(&kit, job, &args).await,
            }
        };
        let ran = tokio::time::timeout(BOUND, ran).await.context("the job does not end").flatten();
        let lines = ran.map(|report| kit.lines(job, &report)).unwrap_or_else(|error| vec![ended(job, &error)]);
        whole &= lines.iter().all(|line| line.broken.is_none());
        lines.iter().for_each(|line| println!("{line}"));
    }
    Ok(if whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The line of a job that has no report.
fn ended(job: Job, error: &anyhow::Error) -> Line {
    Line::ran(job, Some(format!("{error:#}").lines().collect::<Vec<_>>().join(" ")))
}

async fn command(kit: &Kit, job: Job, args: &[String]) -> Result<Report> {
    let (program, rest) = args.split_first().context(USAGE)?;
    let mut command = Command::new(program);
    command.args(rest).arg(job.name).arg(kit.settings(job)?).env(VARIABLE.0, VARIABLE.1);
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true).spawn();
    let output = child.with_context(|| format!("{program} does not start"))?.wait_with_output().await?;
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let last = out.lines().last().with_context(|| format!("{program} printed no report: {err}"))?;
    serde_json::from_str(last).with_context(|| format!("{program} printed what is no report: {last} {err}"))
}

/// The reference host, in this process; each job has a host of its own on one store, as after a restart.
async fn reference(kit: &Kit, job: Job) -> Result<Report> {
    let store = Arc::new(SqliteStore::open(kit.folder().join("reference.db"))?);
    let host = Host::builder().store(store).mailer(Arc::new(SmtpMailer::new(kit.inbox.smtp())?));
    let host = host.cache(shift_access_tests::cache()).build()?;
    let mut tenant = Tenant::new(job.tenant, Pack::from_bytes(host.engine(), PROBE)?).await?;
    tenant.limits = Arc::new(Limits { mail_domains: Some(vec![MAIL_DOMAIN.to_owned()]), ..Limits::default() });
    tenant.http = Arc::new(connections(kit, &tenant)?);
    // As the configuration would read them.
    tenant.set("text", PropertyValue::Text("a, b".to_owned()));
    tenant.set("switch", PropertyValue::Switch(true));
    tenant.set("items", PropertyValue::Items(vec!["Store 12, Hourly".to_owned(), "Store 14".to_owned()]));
    tenant.set("table", PropertyValue::Table([("a", "1"), ("b", "2")].map(|(name, text)| (name.to_owned(), text.to_owned())).to_vec()));
    let order = Order::new(&tenant, job.name, Trigger::Manual)?;
    let detail = host.run(&tenant, order, Default::default(), Default::default()).await?;
    let steps = detail.story.steps.into_iter().map(|step| Step {
        title: step.title,
        outcome: if step.outcome == StepOutcome::Passed { "passed" } else { "failed" }.to_owned(),
        detail: step.detail,
    });
    let failure = detail.run.failure.map(|failure| serde_json::to_value(&failure)).transpose()?;
    Ok(Report { steps: steps.collect(), failure })
}

fn connections(kit: &Kit, tenant: &Tenant) -> Result<Connections> {
    let known = kit.ukg.credentials();
    let configs = tenant.description.connections.iter().map(|described| {
        let password = if described.name == "refused" { "wrong" } else { known.password };
        let mut config = ConnectionConfig::new(&described.name, kit.ukg.url().parse()?);
        config.scheme = described.schemes.first().cloned();
        config.timeout = Duration::from_secs(20);
        for (name, value) in [("client-secret", known.client_secret), ("password", password)] {
            config.settings.insert(name.to_owned(), SettingValue::Secret(value.to_owned().into()));
        }
        for (name, value) in [("client-id", known.client_id), ("username", known.user_name)] {
            config.settings.insert(name.to_owned(), SettingValue::Plain(value.to_owned()));
        }
        Ok(config)
    });
    let configs = configs.collect::<Result<Vec<_>>>()?;
    Ok(Connections::new(&configs)?)
}
