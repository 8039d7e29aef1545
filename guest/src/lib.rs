//! The pack "Kronos - Worker Status": the plugin as one component.
//!
//! Here its exports meet the modules that do the work, and nothing else happens. The tower, each floor looking down only:
//! `jobs`, `listener`, `access`, `roster`, `pack` -> `gather`, `apply` -> `kronos`, `workspace_one`, `records` -> the
//! imports. `convert` is the one place where the words of the contract become those of the core.
#![cfg_attr(not(target_arch = "wasm32"), allow(dead_code, reason = "what the exports reach is unused without them"))]

mod access;
mod apply;
mod bindings;
mod call;
mod changes;
mod clock;
mod convert;
mod exempt;
#[cfg(feature = "fuzz")]
#[doc(hidden)]
pub mod fuzz;
mod gather;
mod identities;
mod jobs;
mod kronos;
mod listener;
mod notes;
mod numbers;
mod pack;
mod reach;
mod records;
mod report;
mod roster;
mod search;
mod staging;
mod store;
#[cfg(test)]
mod testing;
mod trouble;
mod workspace_one;

use bindings::exports::shift_access::plugin as exports;
use exports::{access as access_export, jobs as jobs_export, listener as listener_export, pack as pack_export, roster as roster_export};
use shift_access_core::catalogue;

use report::Report;

/// The plugin. It keeps no state: instances come and go.
struct WorkerStatus;

impl pack_export::Guest for WorkerStatus {
    fn describe() -> pack_export::Description {
        pack::describe()
    }

    fn check(properties: Vec<pack_export::Property>) -> Vec<pack_export::Problem> {
        convert::check(properties)
    }
}

impl jobs_export::Guest for WorkerStatus {
    async fn run(job: jobs_export::Job) -> Result<jobs_export::Report, jobs_export::Failure> {
        match jobs::run(&job.name, &job.run, convert::values(job.options)).await {
            Ok(report) => Ok(convert::report(catalogue::JOBS, report)),
            Err(failed) => Err(convert::failure(catalogue::JOBS, failed.trouble, failed.report)),
        }
    }
}

impl listener_export::Guest for WorkerStatus {
    async fn handle(events: Vec<listener_export::Event>) -> Vec<listener_export::Disposition> {
        let arrived = events.into_iter().map(|event| listener::Arrived { run: event.run, body: event.body }).collect();
        listener::handle(arrived).await.into_iter().map(convert::disposition).collect()
    }

    async fn look_up(user: String) -> Result<listener_export::Entry, listener_export::Failure> {
        let record = listener::look_up(&user).await.map_err(|trouble| convert::failure(catalogue::LISTENER, trouble, Report::default()))?;
        Ok(convert::entry(record, clock::now()))
    }
}

impl access_export::Guest for WorkerStatus {
    async fn decide(questions: Vec<access_export::Question>) -> Result<Vec<access_export::Decision>, access_export::Failure> {
        let users: Vec<String> = questions.iter().map(|question| question.user.clone()).collect();
        let settings = convert::settings().map_err(failure)?;
        let decisions = access::decide(&users, &settings).await.map_err(failure)?;
        Ok(questions.into_iter().zip(decisions).map(|(question, decision)| convert::decision(question, decision)).collect())
    }

    async fn explain(question: access_export::Question) -> Result<access_export::Explanation, access_export::Failure> {
        let settings = convert::settings().map_err(failure)?;
        let explained = access::explain(&question.user, &settings).await.map_err(failure)?;
        Ok(convert::explanation(question, explained))
    }

    async fn what_if(
        changed: Vec<access_export::Property>,
        cursor: Option<String>,
        limit: u32,
    ) -> Result<access_export::Comparisons, access_export::Failure> {
        let (today, then) = convert::settings_and(changed).map_err(failure)?;
        let compared = access::what_if(&today, &then, cursor, limit).await.map_err(failure)?;
        Ok(access_export::Comparisons { items: compared.items.into_iter().map(convert::comparison).collect(), cursor: compared.cursor })
    }
}

impl roster_export::Guest for WorkerStatus {
    async fn page(status: Option<String>, cursor: Option<String>, limit: u32) -> Result<roster_export::Listing, roster_export::Failure> {
        let listing = roster::page(status.as_deref(), cursor, limit).await.map_err(failure)?;
        let now = clock::now();
        let entries = listing.records.into_iter().map(|record| convert::entry(record, now)).collect();
        Ok(roster_export::Listing { entries, cursor: listing.cursor })
    }

    async fn search(
        text: String,
        status: Option<String>,
        cursor: Option<String>,
        limit: u32,
    ) -> Result<roster_export::Listing, roster_export::Failure> {
        // Whoever looks at what is stored may do so whatever the properties are.
        let pins = convert::settings().map(|settings| settings.identities.clone()).unwrap_or_default();
        let listing = search::search(&text, status.as_deref(), cursor, limit, &pins).await.map_err(failure)?;
        let now = clock::now();
        let entries = listing.records.into_iter().map(|record| convert::entry(record, now)).collect();
        Ok(roster_export::Listing { entries, cursor: listing.cursor })
    }

    async fn find(user: String) -> Result<Option<roster_export::Entry>, roster_export::Failure> {
        let record = roster::find(&user).await.map_err(failure)?;
        Ok(record.map(|record| convert::entry(record, clock::now())))
    }

    async fn counts() -> Result<Vec<roster_export::Count>, roster_export::Failure> {
        let counts = roster::counts().await.map_err(failure)?;
        Ok(counts.into_iter().map(|(name, value)| roster_export::Count { name: name.to_owned(), value }).collect())
    }

    async fn changes(after: u64, limit: u32) -> Result<roster_export::ChangeListing, roster_export::Failure> {
        let listing = roster::changes(after, limit).await.map_err(failure)?;
        Ok(convert::changes(listing, clock::now()))
    }

    async fn identities(cursor: Option<String>, limit: u32) -> Result<roster_export::IdentityListing, roster_export::Failure> {
        identities::page(cursor, limit).await.map(convert::identities).map_err(failure)
    }
}

fn failure(trouble: impl Into<trouble::Trouble>) -> jobs_export::Failure {
    convert::failure(catalogue::JOBS, trouble.into(), Report::default())
}

// The names of the exports mean nothing to a native linker; there, only the unit tests are built.
#[cfg(target_arch = "wasm32")]
bindings::export!(WorkerStatus with_types_in bindings);
