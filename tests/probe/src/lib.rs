//! A guest that checks, from inside the sandbox, whether a platform keeps the promises of `wit/`.
//!
//! One job an interface or two; one line of the report a promise. It depends on nothing of this project but the contract, so
//! any platform can run it: `tests/platforms/PORTING.md` tells how. The `http` job wants three connections: `main` (a simulator with good credentials),
//! `refused` (the same with a wrong password) and `elsewhere` (not configured at all).
#![cfg_attr(not(target_arch = "wasm32"), allow(dead_code, reason = "what the exports reach is unused without them"))]

mod bindings;
mod changes;
mod email;
mod events;
mod greed;
mod http;
mod journal;
mod properties;
mod secrets;
mod storage;

use std::sync::atomic::{AtomicU32, Ordering};

use bindings::exports::shift_access::plugin::{access, jobs, listener, pack, roster};

struct Probe;

/// How many questions this instance has answered.
static ANSWERED: AtomicU32 = AtomicU32::new(0);

/// The lines of a report, as they come.
#[derive(Default)]
struct Promises(Vec<jobs::Step>);

impl Promises {
    /// Notes whether a promise was kept, and what was seen.
    fn check(&mut self, promise: &str, kept: bool, seen: impl std::fmt::Debug) {
        let outcome = if kept { jobs::StepOutcome::Passed } else { jobs::StepOutcome::Failed };
        let detail = if kept { String::new() } else { format!("seen: {seen:?}") };
        self.0.push(jobs::Step { title: promise.to_owned(), outcome, detail });
    }
}

impl jobs::Guest for Probe {
    async fn run(job: jobs::Job) -> Result<jobs::Report, jobs::Failure> {
        let mut promises = Promises::default();
        match job.name.as_str() {
            "storage" => storage::probe(&mut promises).await,
            "kept" => storage::kept(&mut promises).await,
            "apart" => storage::apart(&mut promises).await,
            "secrets" => promises.0.extend(secrets::seen().await),
            "http" => http::probe(&mut promises).await,
            "email" => email::probe(&mut promises, &job.run).await,
            "journal" => journal::probe(&mut promises),
            "properties" => properties::probe(&mut promises),
            "change" => changes::run(&job.options).await?,
            "trap" => std::process::abort(),
            "loop" => loop {
                std::hint::spin_loop();
            },
            "memory" => hog(),
            greed if greed::JOBS.contains(&greed) => return Ok(greed::run(greed, &job.options).await),
            other => return Err(failure(&format!("there is no job {other}"))),
        }
        Ok(jobs::Report { counts: Vec::new(), warnings: Vec::new(), steps: promises.0 })
    }
}

/// Takes memory until there is none left.
fn hog() {
    let mut hoard = Vec::new();
    loop {
        hoard.push(vec![1_u8; 1 << 20]);
        std::hint::black_box(&hoard);
    }
}

fn failure(message: &str) -> jobs::Failure {
    let report = jobs::Report { counts: Vec::new(), warnings: Vec::new(), steps: Vec::new() };
    jobs::Failure {
        code: "PROBE-01".to_owned(),
        title: "Probe".to_owned(),
        message: message.to_owned(),
        remedy: "Ask for another job.".to_owned(),
        report,
    }
}

impl pack::Guest for Probe {
    fn describe() -> pack::Description {
        let job = |name: &str| pack::JobInfo {
            name: name.to_owned(),
            process: format!("Probe of {name}"),
            summary: format!("Checks what the platform promises of {name}."),
            schedulable: true,
            interval_property: None,
            options: match name {
                "change" => changes::options(),
                greed if greed::JOBS.contains(&greed) => greed::options(),
                _ => Vec::new(),
            },
        };
        let jobs = ["storage", "kept", "apart", "http", "secrets", "email", "journal", "properties", "change", "trap", "loop", "memory"];
        pack::Description {
            title: "Platform probe".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            summary: "Checks the promises of the contract from inside.".to_owned(),
            connections: vec![http::connection("main"), http::connection("refused")],
            properties: properties::described(),
            jobs: jobs.into_iter().chain(greed::JOBS).map(job).collect(),
            listener: Some(events::described()),
            surfaces: Vec::new(),
            code_prefix: "PROBE-".to_owned(),
            errors: Vec::new(),
            alert_property: Some("alert".to_owned()),
        }
    }

    fn check(_properties: Vec<pack::Property>) -> Vec<pack::Problem> {
        Vec::new()
    }
}

impl listener::Guest for Probe {
    async fn handle(events: Vec<listener::Event>) -> Vec<listener::Disposition> {
        events::handle(&events).await
    }

    async fn look_up(user: String) -> Result<listener::Entry, listener::Failure> {
        Err(failure(&format!("the probe knows nobody, not even {user}")))
    }
}

impl access::Guest for Probe {
    /// The reason tells how many calls this very instance has answered; the user `trap` ends it, and `loop` never does.
    async fn decide(questions: Vec<access::Question>) -> Result<Vec<access::Decision>, access::Failure> {
        if questions.iter().any(|question| question.user == "loop") {
            loop {
                std::hint::spin_loop();
            }
        }
        if questions.iter().any(|question| question.user == "trap") {
            std::process::abort();
        }
        let answered = ANSWERED.fetch_add(1, Ordering::Relaxed) + 1;
        let decision = |question: access::Question| access::Decision {
            user: question.user,
            surface: question.surface,
            allow: false,
            reason: format!("call {answered}"),
            status: "unknown".to_owned(),
            since: None,
            as_of: None,
            age_seconds: None,
            source: None,
        };
        Ok(questions.into_iter().map(decision).collect())
    }

    async fn explain(question: access::Question) -> Result<access::Explanation, access::Failure> {
        Err(failure(&format!("the probe knows nobody, not even {}", question.user)))
    }

    async fn what_if(
        _changed: Vec<access::Property>,
        _cursor: Option<String>,
        _limit: u32,
    ) -> Result<access::Comparisons, access::Failure> {
        Ok(access::Comparisons { items: Vec::new(), cursor: None })
    }
}

impl roster::Guest for Probe {
    async fn page(_status: Option<String>, _cursor: Option<String>, _limit: u32) -> Result<roster::Listing, roster::Failure> {
        Ok(roster::Listing { entries: Vec::new(), cursor: None })
    }

    async fn search(
        _text: String,
        _status: Option<String>,
        _cursor: Option<String>,
        _limit: u32,
    ) -> Result<roster::Listing, roster::Failure> {
        Ok(roster::Listing { entries: Vec::new(), cursor: None })
    }

    async fn find(_user: String) -> Result<Option<roster::Entry>, roster::Failure> {
        Ok(None)
    }

    async fn counts() -> Result<Vec<roster::Count>, roster::Failure> {
        Ok(Vec::new())
    }

    async fn changes(after: u64, limit: u32) -> Result<roster::ChangeListing, roster::Failure> {
        changes::after(after, limit).await
    }

    async fn identities(_cursor: Option<String>, _limit: u32) -> Result<roster::IdentityListing, roster::Failure> {
        Ok(roster::IdentityListing { items: Vec::new(), states: Vec::new(), warnings: Vec::new(), cursor: None })
    }
}

// The names of the exports mean nothing to a native linker; there, only the unit tests are built.
#[cfg(target_arch = "wasm32")]
bindings::export!(Probe with_types_in bindings);
