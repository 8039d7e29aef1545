//! A guest that tries to get out of its sandbox, or to take it down: one job a way. What merely takes more than it may is in
//! the probe, under `greed`.
//!
//! Every try is a line of the report: what was tried, and what the platform answered. A line that failed is a way out.
#![cfg_attr(not(target_arch = "wasm32"), allow(dead_code, reason = "what the exports reach is unused without them"))]

mod bindings;
mod burden;
mod inject;
mod reach;

use bindings::exports::shift_access::plugin::{access, jobs, listener, pack, roster};
use bindings::shift_access::plugin::properties::Value;

struct Hostile;

/// The jobs, each named after what it tries.
const JOBS: [&str; 7] = ["keys", "cursor", "names", "inject-http", "inject-mail", "writes", "counts"];
/// More of them, which end the call.
const LAST_JOBS: [&str; 2] = ["drop", "drop-after"];

/// What was tried, as it comes.
#[derive(Default)]
struct Tries(Vec<jobs::Step>);

impl Tries {
    /// What was tried, and what came of it.
    fn add(&mut self, tried: impl Into<String>, is_held: bool, answer: impl std::fmt::Debug) {
        let outcome = if is_held { jobs::StepOutcome::Passed } else { jobs::StepOutcome::Failed };
        self.0.push(jobs::Step { title: tried.into(), outcome, detail: format!("{answer:?}") });
    }
}

impl jobs::Guest for Hostile {
    async fn run(job: jobs::Job) -> Result<jobs::Report, jobs::Failure> {
        let mut tries = Tries::default();
        match job.name.as_str() {
            "keys" => reach::keys(&mut tries).await,
            "cursor" => reach::cursors(&mut tries, &text(&job.options, "cursor")).await,
            "names" => reach::names(&mut tries).await,
            "inject-http" => inject::http(&mut tries).await,
            "inject-mail" => inject::mail(&mut tries).await,
            "writes" => burden::writes(&mut tries).await,
            "counts" => burden::counts(),
            "drop" => burden::dropped().await,
            "drop-after" => burden::after_the_answer(),
            other => return Err(failure(&format!("there is no job {other}"))),
        }
        Ok(jobs::Report { counts: Vec::new(), warnings: Vec::new(), steps: tries.0 })
    }
}

fn text(options: &[jobs::Property], name: &str) -> String {
    let found = options.iter().find(|option| option.name == name);
    match found.map(|option| &option.value) {
        Some(Value::Text(text)) => text.clone(),
        _ => String::new(),
    }
}

fn failure(message: &str) -> jobs::Failure {
    let report = jobs::Report { counts: Vec::new(), warnings: Vec::new(), steps: Vec::new() };
    jobs::Failure {
        code: "HOSTILE-01".to_owned(),
        title: "Hostile".to_owned(),
        message: message.to_owned(),
        remedy: "Ask for another job.".to_owned(),
        report,
    }
}

impl pack::Guest for Hostile {
    fn describe() -> pack::Description {
        let job = |name: &str| pack::JobInfo {
            name: name.to_owned(),
            process: format!("Attack by {name}"),
            summary: format!("Tries {name}."),
            schedulable: false,
            interval_property: None,
            options: if name == "cursor" { vec![cursor()] } else { Vec::new() },
        };
        pack::Description {
            title: "Hostile".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            summary: "Tries to get out of its sandbox, or to take it down.".to_owned(),
            connections: Vec::new(),
            properties: Vec::new(),
            jobs: JOBS.into_iter().chain(LAST_JOBS).map(job).collect(),
            listener: None,
            surfaces: Vec::new(),
            code_prefix: "HOSTILE-".to_owned(),
            errors: Vec::new(),
            alert_property: None,
        }
    }

    fn check(_properties: Vec<pack::Property>) -> Vec<pack::Problem> {
        Vec::new()
    }
}

/// A cursor that was given to somebody else.
fn cursor() -> pack::PropertyInfo {
    pack::PropertyInfo {
        name: "cursor".to_owned(),
        title: "Cursor".to_owned(),
        summary: "A cursor of another tenant.".to_owned(),
        kind: pack::Kind::Text,
        default: None,
        required: false,
        what_if: false,
    }
}

impl listener::Guest for Hostile {
    async fn handle(events: Vec<listener::Event>) -> Vec<listener::Disposition> {
        events.iter().map(|_| listener::Disposition::Done).collect()
    }

    async fn look_up(_user: String) -> Result<listener::Entry, listener::Failure> {
        Err(failure("nobody is known"))
    }
}

impl access::Guest for Hostile {
    /// The user `trap` leaves behind what traps after the answer, and `loop` what then never ends.
    async fn decide(questions: Vec<access::Question>) -> Result<Vec<access::Decision>, access::Failure> {
        for question in &questions {
            match question.user.as_str() {
                "trap" => burden::after_the_answer(),
                "loop" => burden::endless_after_the_answer(),
                _ => {}
            }
        }
        let decision = |question: access::Question| access::Decision {
            user: question.user,
            surface: question.surface,
            allow: true,
            reason: "hostile".to_owned(),
            status: "unknown".to_owned(),
            since: None,
            as_of: None,
            age_seconds: None,
            source: None,
        };
        Ok(questions.into_iter().map(decision).collect())
    }

    async fn explain(_question: access::Question) -> Result<access::Explanation, access::Failure> {
        Err(failure("nobody is known"))
    }

    async fn what_if(
        _changed: Vec<access::Property>,
        _cursor: Option<String>,
        _limit: u32,
    ) -> Result<access::Comparisons, access::Failure> {
        Ok(access::Comparisons { items: Vec::new(), cursor: None })
    }
}

impl roster::Guest for Hostile {
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

    async fn changes(_after: u64, _limit: u32) -> Result<roster::ChangeListing, roster::Failure> {
        Ok(roster::ChangeListing { items: Vec::new(), oldest: 1, latest: 0 })
    }

    async fn identities(_cursor: Option<String>, _limit: u32) -> Result<roster::IdentityListing, roster::Failure> {
        Ok(roster::IdentityListing { items: Vec::new(), states: Vec::new(), warnings: Vec::new(), cursor: None })
    }
}

// The names of the exports mean nothing to a native linker.
#[cfg(target_arch = "wasm32")]
bindings::export!(Hostile with_types_in bindings);
