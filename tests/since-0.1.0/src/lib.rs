//! A plugin of the first generation: built against `wit/since-0.1.0`, which nobody changes any more, and as little as this. It calls
//! every function there was to import and exports every one there was to export, so that a host which loads and runs it has
//! kept what 0.1.0 promised.
#![cfg_attr(not(target_arch = "wasm32"), allow(dead_code, reason = "what the exports reach is unused without them"))]

mod bindings;

use bindings::exports::shift_access::plugin::{access, jobs, listener, pack, roster};
use bindings::shift_access::plugin::{email, http, journal, properties, storage};

struct Plugin;

/// Where its one user is kept.
const KEY: &str = "user/adiaz";

fn failure(message: &str) -> jobs::Failure {
    jobs::Failure {
        code: "SINCE-01".to_owned(),
        title: "It is not as it was".to_owned(),
        message: message.to_owned(),
        remedy: "Give it what 0.1.0 gave.".to_owned(),
        report: report(Vec::new()),
    }
}

fn report(steps: Vec<jobs::Step>) -> jobs::Report {
    let counts = vec![jobs::Count { name: "steps".to_owned(), value: steps.len() as u64 }];
    jobs::Report { counts, warnings: Vec::new(), steps }
}

fn step(title: &str, kept: bool, detail: String) -> jobs::Step {
    let outcome = if kept { jobs::StepOutcome::Passed } else { jobs::StepOutcome::Failed };
    jobs::Step { title: title.to_owned(), outcome, detail }
}

/// Calls the connection `main`, which anybody may have answered however they like.
async fn call() -> jobs::Step {
    let request = http::Request {
        connection: "main".to_owned(),
        method: "GET".to_owned(),
        path: "/punches".to_owned(),
        query: vec![http::Field { name: "q".to_owned(), value: "1".to_owned() }],
        headers: Vec::new(),
        body: Vec::new(),
        timeout_ms: Some(5_000),
        max_response_bytes: None,
        repeat_safe: true,
    };
    match http::send(request).await {
        Ok(answer) => step("http", true, format!("answered {}", answer.status)),
        Err(error) => step("http", false, format!("{error:?}")),
    }
}

/// Writes, reads and lists what it wrote.
async fn keep() -> Result<jobs::Step, storage::Error> {
    let write = storage::Write { key: KEY.to_owned(), value: Some(b"on-shift".to_vec()), condition: storage::Condition::Any };
    let committed = matches!(storage::commit(vec![write]).await?, storage::Outcome::Committed);
    let read = storage::get(vec![KEY.to_owned()]).await?.into_iter().flatten().next();
    let listed = storage::scan("user/".to_owned(), None, 10).await?;
    let kept = committed && read.is_some_and(|entry| entry.value == b"on-shift") && listed.entries.len() == 1;
    Ok(step("storage", kept, String::new()))
}

async fn write(run: String) -> jobs::Step {
    let message = email::Message {
        to: vec!["ops@acme.example".to_owned()],
        subject: "Since 0.1.0".to_owned(),
        text: "It runs.".to_owned(),
        html: None,
        idempotency_key: run,
    };
    let reached = email::reach().await;
    let sent = email::send(message).await;
    step("email", reached.is_ok() && matches!(sent, Ok(email::Receipt::Accepted)), format!("{reached:?} {sent:?}"))
}

fn tell() -> jobs::Step {
    journal::progress(1, Some(2), "half way");
    journal::counts(&[("seen".to_owned(), 1)]);
    let note = journal::Note { level: journal::Level::Info, code: None, message: "It is told.".to_owned(), subject: None };
    journal::add(&note);
    step("journal", true, String::new())
}

fn know() -> jobs::Step {
    let (all, revision) = (properties::all(), properties::revision());
    let greeting = all.iter().find(|property| property.name == "greeting").map(|property| &property.value);
    let known = matches!(greeting, Some(properties::Value::Text(text)) if text == "hello");
    step("properties", known, format!("{all:?} of revision {revision}"))
}

impl pack::Guest for Plugin {
    fn describe() -> pack::Description {
        let address = pack::AddressRule { strip: None, domain: None, short_endings: Vec::new() };
        let connection = pack::Connection {
            name: "main".to_owned(),
            title: "Anything".to_owned(),
            address,
            settings: Vec::new(),
            schemes: Vec::new(),
            headers: Vec::new(),
            request_id_header: None,
            in_flight: 1,
        };
        let greeting = pack::PropertyInfo {
            name: "greeting".to_owned(),
            title: "Greeting".to_owned(),
            summary: "A text.".to_owned(),
            kind: pack::Kind::Text,
            default: Some(properties::Value::Text("hello".to_owned())),
            required: false,
            what_if: false,
        };
        let job = pack::JobInfo {
            name: "use".to_owned(),
            process: "Since 0.1.0".to_owned(),
            summary: "Uses everything there is.".to_owned(),
            schedulable: false,
            interval_property: None,
            options: Vec::new(),
        };
        pack::Description {
            title: "Since 0.1.0".to_owned(),
            version: "0.1.0".to_owned(),
            summary: "What was promised in 0.1.0.".to_owned(),
            connections: vec![connection],
            properties: vec![greeting],
            jobs: vec![job],
            listener: None,
            surfaces: Vec::new(),
            code_prefix: "SINCE-".to_owned(),
            errors: Vec::new(),
            alert_property: None,
        }
    }

    fn check(_properties: Vec<pack::Property>) -> Vec<pack::Problem> {
        Vec::new()
    }
}

impl jobs::Guest for Plugin {
    async fn run(job: jobs::Job) -> Result<jobs::Report, jobs::Failure> {
        let kept = keep().await.map_err(|error| failure(&format!("{error:?}")))?;
        Ok(report(vec![call().await, kept, write(job.run).await, tell(), know()]))
    }
}

impl listener::Guest for Plugin {
    async fn handle(events: Vec<listener::Event>) -> Vec<listener::Disposition> {
        events.iter().map(|_| listener::Disposition::Done).collect()
    }

    async fn look_up(user: String) -> Result<listener::Entry, listener::Failure> {
        <Self as roster::Guest>::find(user).await?.ok_or_else(|| failure("it knows one user only"))
    }
}

impl access::Guest for Plugin {
    async fn decide(questions: Vec<access::Question>) -> Result<Vec<access::Decision>, access::Failure> {
        let stored = storage::get(vec![KEY.to_owned()]).await.map_err(|error| failure(&format!("{error:?}")))?;
        let there = stored.iter().any(Option::is_some);
        let decision = |question: access::Question| access::Decision {
            allow: there,
            reason: if there { "kept" } else { "no-record" }.to_owned(),
            status: "on-shift".to_owned(),
            user: question.user,
            surface: question.surface,
            since: None,
            as_of: None,
            age_seconds: None,
            source: None,
        };
        Ok(questions.into_iter().map(decision).collect())
    }

    async fn explain(_question: access::Question) -> Result<access::Explanation, access::Failure> {
        Err(failure("there is nothing to explain"))
    }

    async fn what_if(
        _changed: Vec<access::Property>,
        _cursor: Option<String>,
        _limit: u32,
    ) -> Result<access::Comparisons, access::Failure> {
        Ok(access::Comparisons { items: Vec::new(), cursor: None })
    }
}

impl roster::Guest for Plugin {
    async fn page(_status: Option<String>, _cursor: Option<String>, _limit: u32) -> Result<roster::Listing, roster::Failure> {
        let entries = Self::find("adiaz".to_owned()).await?.into_iter().collect();
        Ok(roster::Listing { entries, cursor: None })
    }

    async fn search(_text: String, status: Option<String>, cursor: Option<String>, limit: u32) -> Result<roster::Listing, roster::Failure> {
        Self::page(status, cursor, limit).await
    }

    async fn find(user: String) -> Result<Option<roster::Entry>, roster::Failure> {
        let entry = roster::Entry {
            user: user.clone(),
            person_number: Some("1".to_owned()),
            status: "on-shift".to_owned(),
            reason: "kept".to_owned(),
            since: Some(0),
            observed_at: 0,
            age_seconds: 0,
            source: roster::Source { run: None, kind: "batch".to_owned() },
            evidence: vec![roster::Evidence { at: None, what: "It is kept.".to_owned() }],
        };
        Ok((user == "adiaz").then_some(entry))
    }

    async fn counts() -> Result<Vec<roster::Count>, roster::Failure> {
        Ok(vec![roster::Count { name: "on-shift".to_owned(), value: 1 }])
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
bindings::export!(Plugin with_types_in bindings);
