//! The conformance kit: whether a platform keeps the promises of `wit/`, one line a promise.
//!
//! Half of it is the probe (`tests/probe`), a guest that looks from inside the sandbox. The other half is looked at from
//! outside: what reached the simulators, and whether a plugin could see a secret. The platform may be anything that can run a
//! job of the probe with the settings it is given; nothing here knows which one it is.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use axum::Router;
use chrono::Utc;
use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::PROBE;
use crate::fault::{Fault, Kind};
use crate::inbox::Inbox;
use crate::server::{Manner, Server};
use crate::ukg::UkgSim;
use crate::world::World;

/// A variable of the environment that every platform is started with, and no plugin may see.
pub const VARIABLE: (&str, &str) = ("SHIFT_ACCESS_CONFORMANCE", "EnvK3p0Wn9Lq7Zt2Yc5B");

/// To whom the probe writes.
pub const MAIL_DOMAIN: &str = "acme.example";

/// One job of the probe, for one tenant.
#[derive(Debug, Clone, Copy)]
pub struct Job {
    /// The interface it is about.
    pub interface: &'static str,
    /// Its name.
    pub name: &'static str,
    /// For whom it runs.
    pub tenant: &'static str,
}

/// Every job, in order: each is to be run by an instance of its own, and `kept` looks for what `storage` stored.
pub const JOBS: [Job; 8] = [
    Job { interface: "storage", name: "storage", tenant: "probe" },
    Job { interface: "storage", name: "kept", tenant: "probe" },
    Job { interface: "storage", name: "apart", tenant: "other" },
    Job { interface: "http", name: "http", tenant: "probe" },
    Job { interface: "http", name: "secrets", tenant: "probe" },
    Job { interface: "email", name: "email", tenant: "probe" },
    Job { interface: "journal", name: "journal", tenant: "probe" },
    Job { interface: "properties", name: "properties", tenant: "probe" },
];

/// What a job of the probe reports, in the JSON of the reference host.
#[derive(Debug, Default, Deserialize)]
pub struct Report {
    /// One step a promise.
    #[serde(default)]
    pub steps: Vec<Step>,
    /// Why the job failed, where it did.
    #[serde(default)]
    pub failure: Option<Value>,
}

/// One promise, as the probe saw it.
#[derive(Debug, Deserialize)]
pub struct Step {
    /// The promise.
    pub title: String,
    /// `passed` where it is kept.
    pub outcome: String,
    /// What was seen instead.
    pub detail: String,
}

/// One line of the result.
#[derive(Debug)]
pub struct Line {
    /// The interface.
    pub interface: &'static str,
    /// The promise.
    pub promise: String,
    /// What was seen, where the promise is not kept.
    pub broken: Option<String>,
}

impl Line {
    /// Whether a job has a report, or why not.
    pub fn ran(job: Job, broken: Option<String>) -> Self {
        Self { interface: job.interface, promise: format!("the job `{}` runs to its end", job.name), broken }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { interface, promise, broken } = self;
        match broken {
            None => write!(f, "ok {interface}: {promise}"),
            Some(seen) => write!(f, "FAIL {interface}: {promise} ({seen})"),
        }
    }
}

/// What a platform is held against.
#[derive(Debug)]
pub struct Kit {
    /// What the connections `main` and `refused` lead to.
    pub ukg: UkgSim,
    /// Where a redirect leads that nobody may follow.
    stranger: Server,
    /// The mail server.
    pub inbox: Inbox,
    folder: TempDir,
}

impl Kit {
    /// Starts the simulators, each on a port of its own.
    ///
    /// # Errors
    /// When a port cannot be bound or a file cannot be written.
    pub async fn start() -> Result<Self> {
        let ukg = UkgSim::start(World::demo(Utc::now())).await?;
        let stranger = Server::start("127.0.0.1:0", Router::new(), Manner::default()).await?;
        faults(&ukg, &stranger.url());
        let folder = tempfile::Builder::new().prefix("shift-access-conformance-").tempdir()?;
        let kit = Self { ukg, stranger, inbox: Inbox::start().await?, folder };
        fs::write(kit.probe(), PROBE)?;
        Ok(kit)
    }

    /// A folder that is there until the kit goes, for whatever a platform keeps.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The probe, as a component.
    pub fn probe(&self) -> PathBuf {
        self.folder().join("platform_probe.wasm")
    }

    /// What a platform is to run a job with, as JSON in a file.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn settings(&self, job: Job) -> Result<PathBuf> {
        let known = self.ukg.credentials();
        let connection = |password: &str| {
            json!({
                "url": self.ukg.url(),
                "client-id": known.client_id,
                "client-secret": known.client_secret,
                "username": known.user_name,
                "password": password,
                "timeout-seconds": 20,
            })
        };
        let smtp = self.inbox.smtp();
        let settings = json!({
            "component": self.probe(),
            "tenant": job.tenant,
            "folder": self.folder(),
            "connections": { "main": connection(known.password), "refused": connection("wrong") },
            "properties": properties(),
            "mail": { "host": smtp.host, "port": smtp.port, "tls": "none", "sender": smtp.sender, "domains": [MAIL_DOMAIN] },
        });
        let file = self.folder().join(format!("{}.json", job.name));
        fs::write(&file, settings.to_string())?;
        Ok(file)
    }

    /// The lines of a job that ran: what the probe saw, and what is seen from here.
    pub fn lines(&self, job: Job, report: &Report) -> Vec<Line> {
        let inside = report.steps.iter().filter(|step| step.title != SEEN).map(|step| {
            let broken = (step.outcome != "passed").then(|| step.detail.clone());
            Line { interface: job.interface, promise: step.title.clone(), broken }
        });
        let nothing = report.steps.is_empty().then(|| "the report has no steps".to_owned());
        let ran = Line::ran(job, report.failure.as_ref().map(|failure| format!("seen: {failure}")).or(nothing));
        let outside = match job.name {
            "http" => self.calls(),
            "secrets" => self.secrets(report),
            "email" => self.mails(),
            _ => Vec::new(),
        };
        inside.chain([ran]).chain(outside.into_iter().map(|promise| promise.line(job.interface))).collect()
    }

    fn calls(&self) -> Vec<Promise> {
        let calls = self.ukg.calls();
        let (hang, throttled, cut, stumble) = (
            calls.count_to("/probe/hang"),
            calls.count_to("/probe/throttled"),
            calls.count_to("/probe/cut"),
            calls.count_to("/probe/stumble"),
        );
        let (strangers, tokens, most) = (self.stranger.calls().total(), self.ukg.issued_tokens().len(), calls.max_in_flight());
        vec![
            Promise::new("a call that timed out is not sent again", hang == 1, hang),
            Promise::new("a call is not sent again before the time that a 429 asks for", throttled == 1, throttled),
            Promise::new("a call that breaks and may be repeated is tried again, four times at most", (2..=4).contains(&cut), cut),
            Promise::new("a call that may not be repeated is sent once", stumble == 1, stumble),
            Promise::new("nothing is sent to where a redirect leads", strangers == 0, strangers),
            Promise::new("however many calls there are, one login does for them", tokens <= 2, tokens),
            Promise::new("no more calls are under way than the pack allows", most <= 4, most),
        ]
    }

    fn secrets(&self, report: &Report) -> Vec<Promise> {
        let seen: String = report.steps.iter().filter(|step| step.title == SEEN).map(|step| step.detail.as_str()).collect();
        let secrets = self.ukg.secrets();
        let found: Vec<_> = secrets.iter().filter(|secret| seen.contains(secret.as_str())).collect();
        vec![
            Promise::new("what a plugin sends is what the other side gets", seen.contains("probe-was-here"), &seen),
            Promise::new("no secret of a connection and no token is in what a plugin can see", found.is_empty(), &found),
            Promise::new("nothing of the platform's environment is in what a plugin can see", !seen.contains(VARIABLE.1), VARIABLE.0),
        ]
    }

    fn mails(&self) -> Vec<Promise> {
        let mails = self.inbox.mails();
        let mut subjects: Vec<_> = mails.iter().map(|mail| mail.subject()).collect();
        subjects.sort();
        let sender = self.inbox.smtp().sender;
        let text = mails.first().map(|mail| mail.text().replace("\r\n", "\n")).unwrap_or_default();
        vec![
            Promise::new("each message reaches the mail server exactly once", subjects == ["Probe: one", "Probe: two"], &subjects),
            Promise::new("the sender is the platform's", mails.iter().all(|mail| mail.from == sender), &mails),
            Promise::new("the text arrives as it was written", text.contains("A line.\n.\nA line after a lone dot."), &text),
        ]
    }
}

/// The title of the steps in which the probe tells all that a plugin can see.
const SEEN: &str = "what a plugin can see";

/// A promise, looked at from outside.
struct Promise {
    promise: &'static str,
    broken: Option<String>,
}

impl Promise {
    fn new(promise: &'static str, kept: bool, seen: impl fmt::Debug) -> Self {
        Self { promise, broken: (!kept).then(|| format!("seen: {seen:?}")) }
    }

    fn line(self, interface: &'static str) -> Line {
        Line { interface, promise: self.promise.to_owned(), broken: self.broken }
    }
}

/// What the probe calls of the simulator, beside the page that is there. `elsewhere` is where the redirect leads.
pub fn faults(ukg: &UkgSim, elsewhere: &str) {
    ukg.faults().add(Fault::on("/probe/redirect-elsewhere").redirect(&format!("{elsewhere}/")));
    ukg.faults().add(Fault::on("/probe/hang").hang());
    ukg.faults().add(Fault::on("/probe/throttled").retry_after(429, 3_600));
    ukg.faults().add(Fault::on("/probe/cut").cut());
    ukg.faults().add(Fault::on("/probe/stumble").status(500));
    ukg.faults().add(Fault::on("/probe/echo").kind(Kind::Echo));
}

/// The values that the probe looks for, as an administrator writes them.
pub fn properties() -> Value {
    json!({ "text": "a, b", "switch": true, "items": "Store 12\\, Hourly, Store 14", "table": { "b": "2", "a": "1" } })
}
