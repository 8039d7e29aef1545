//! One run: how it stands, what it counted, what went wrong and what to do about it, the calls it made. While it is under way its
//! progress is shown live, and an operator can stop it.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;

use super::super::super::frame::{Done, Page, said};
use super::super::super::live::{self, Seen};
use super::super::super::moment::moment;
use super::super::super::visitor::Visitor;
use super::super::super::{Console, Problem, ROOT, link};
use super::super::shown_run::{self, took};
use super::history::{PLACE, trigger};
use super::{head, part_of, tenant, weight, word};
use crate::history::{Call, Counts, Level, Note, RunDetail, Status, Warning};
use crate::store::StoreError;
use crate::tenant::Tenant;

/// Lines of one kind in a page.
const MOST: usize = 100;
/// The bytes that lines of one kind may take in a page.
const BYTES: usize = 40_000;
/// How often it is looked whether a run goes on.
const EVERY: Duration = Duration::from_secs(1);

/// Where each kind of lines begins.
#[derive(Debug, Default, Deserialize)]
pub(in super::super::super) struct From {
    #[serde(default)]
    warnings: usize,
    #[serde(default)]
    calls: usize,
    #[serde(default)]
    notes: usize,
}

/// `GET /console/tenants/{tenant}/history/{run}`
pub(in super::super::super) async fn show(
    State(console): State<Console>,
    visitor: Visitor,
    Path((name, run)): Path<(String, String)>,
    Query(from): Query<From>,
) -> Result<Page, Problem> {
    let tenant = tenant(&console, &name)?;
    let detail = one(&console, &tenant, &run).await?;
    let goes = detail.run.status == Status::InProcess;
    let progress = goes.then(|| shown_run::progress(&console, &detail.run));
    Ok(Page::new(detail.run.process.clone(), ROOT, content(&visitor, &tenant, &detail, progress.as_ref(), &from)))
}

/// `GET /console/live/tenants/{tenant}/runs/{run}`: how far the run is, until it ends.
pub(in super::super::super) async fn follow(
    State(console): State<Console>,
    Path((name, run)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let tenant = tenant(&console, &name)?;
    one(&console, &tenant, &run).await?;
    let followed = Arc::new((console.clone(), tenant, run));
    let look = move || {
        let followed = followed.clone();
        async move {
            let (console, tenant, run) = &*followed;
            let run = one(console, tenant, run).await.ok()?.run;
            Some(match run.status {
                Status::InProcess => Seen::Goes(shown_run::progress(console, &run)),
                _ => Seen::Ended(None, shown_run::path(&run)),
            })
        }
    };
    Ok(live::follow(&console, EVERY, look))
}

/// `POST /console/tenants/{tenant}/history/{run}/stop`
pub(in super::super::super) async fn stop(
    State(console): State<Console>,
    visitor: Visitor,
    Path((name, run)): Path<(String, String)>,
) -> Result<Done, Problem> {
    let tenant = tenant(&console, &name)?;
    let detail = one(&console, &tenant, &run).await?;
    let page = shown_run::path(&detail.run);
    if detail.run.status != Status::InProcess {
        return Ok(Done::to(page).warning("It had ended already."));
    }
    if !console.site.host().runner().underway.stop(&tenant.name, &detail.run.run, &visitor.name) {
        let text = "This run is not worked on by this host, but by another process on the same store.";
        return Err(Problem::conflict(text, "Stop it there: on the command line with Ctrl-C, at another host in its console."));
    }
    console.note(&visitor, format!("stopped the run {} of {}", detail.run.run, detail.run.process), Some(&tenant.name)).await?;
    Ok(Done::to(page).saying("The run is being stopped. What it has stored until now stays."))
}

async fn one(console: &Console, tenant: &Tenant, run: &str) -> Result<RunDetail, Problem> {
    let found: Result<_, StoreError> = console.site.host().history().one(&tenant.name, run).await;
    found?.ok_or_else(|| Problem::not_found("There is no such run, or not any more: runs are kept for 90 days."))
}

fn content(visitor: &Visitor, tenant: &Tenant, detail: &RunDetail, going: Option<&Markup>, from: &From) -> Markup {
    let run = &detail.run;
    html! {
        (head(tenant, PLACE, &said(&run.process)))
        dl {
            dt { "Status" } dd { (shown_run::status(run.status)) }
            dt { "Started" } dd { (moment(run.started)) ", " (trigger(run.trigger)) }
            dt { "Duration" } dd { @match run.duration_ms { Some(duration) => (took(duration)), None => "it has no end yet, or nobody saw it" } }
            dt { "Run" } dd { code { (run.run) } }
        }
        @if let Some(going) = going { (live_part(visitor, detail, going)) }
        @if let Some(failure) = &run.failure { (shown_run::failure(failure)) }
        @if let Some(counts) = &run.counts { (counted(counts)) }
        @if !detail.story.steps.is_empty() { h2 { "Steps" } (shown_run::steps(&detail.story.steps, usize::MAX)) }
        (warnings(detail, from))
        (calls(tenant, detail, from))
        (notes(detail, from))
        p { a href=(link::tenant(&tenant.name, PLACE)) { "View Execution History" } }
    }
}

fn live_part(visitor: &Visitor, detail: &RunDetail, going: &Markup) -> Markup {
    let run = &detail.run;
    html! {
        section .card aria-label="Under way" {
            div data-live=(link::live(&run.tenant, &format!("runs/{}", run.run))) { (going) }
            div .row {
                a href=(shown_run::path(run)) { "Refresh" }
                (shown_run::stop_form(visitor, run))
            }
        }
    }
}

fn counted(counts: &Counts) -> Markup {
    html! {
        h2 { "Counts" }
        dl { @for (name, value) in &counts.0 { dt { (said(&word(name))) } dd { (value) } } }
    }
}

fn warnings(detail: &RunDetail, from: &From) -> Markup {
    let size = |warning: &Warning| 60 + weight(&warning.message) + weight(warning.subject.as_deref().unwrap_or_default());
    let (shown, next) = part_of(&detail.run.warnings, from.warnings, MOST, BYTES, size);
    let row = |warning: &Warning| {
        html! {
            tr {
                td { (said(&warning.code)) }
                td { (said(warning.subject.as_deref().unwrap_or_default())) }
                td { (said(&warning.message)) }
            }
        }
    };
    lines(detail, "Warnings", "warnings", &["Code", "About", "What happened"], shown, next, row)
}

fn calls(tenant: &Tenant, detail: &RunDetail, from: &From) -> Markup {
    let size = |call: &Call| 260 + weight(&call.path);
    let (shown, next) = part_of(&detail.story.calls, from.calls, MOST, BYTES, size);
    let title = |name: &str| {
        let found = tenant.description.connections.iter().find(|connection| connection.name == name);
        found.map_or(name.to_owned(), |connection| connection.title.clone())
    };
    let row = |call: &Call| {
        html! {
            tr {
                td { (said(&title(&call.connection))) }
                td { code { (call.method) " " (said(&call.path)) } }
                td { @match call.status { Some(status) => (status), None => "no answer" } @if call.tries > 1 { " after " (call.tries) " tries" } }
                td .number { (took(call.duration_ms)) }
            }
        }
    };
    lines(detail, "Calls", "calls", &["Connection", "Call", "Answer", "Duration"], shown, next, row)
}

fn notes(detail: &RunDetail, from: &From) -> Markup {
    let size = |note: &Note| 170 + weight(&note.message) + weight(note.subject.as_deref().unwrap_or_default());
    let (shown, next) = part_of(&detail.story.notes, from.notes, MOST, BYTES, size);
    let level = |level| match level {
        Level::Info => "info",
        Level::Warning => "warning",
        Level::Error => "error",
    };
    let row = |note: &Note| {
        html! {
            tr {
                td { (moment(note.at)) }
                td { (level(note.level)) @if let Some(code) = &note.code { " " (said(code)) } }
                td { (said(&note.message)) @if let Some(subject) = &note.subject { " (" (said(subject)) ")" } }
            }
        }
    };
    lines(detail, "Notes", "notes", &["When", "Level", "Note"], shown, next, row)
}

/// Lines of one kind as a table; nothing where there is none.
fn lines<T>(
    detail: &RunDetail,
    title: &str,
    kind: &str,
    columns: &[&str],
    shown: &[T],
    next: Option<usize>,
    row: impl Fn(&T) -> Markup,
) -> Markup {
    html! {
        @if !shown.is_empty() {
            h2 #(kind) { (title) }
            div .wide tabindex="0" role="region" aria-label=(title) {
                table {
                    thead { tr { @for column in columns { th scope="col" { (column) } } } }
                    tbody { @for line in shown { (row(line)) } }
                }
            }
            @if let Some(next) = next { p { a href={ (link::with(&shown_run::path(&detail.run), [(kind, next.to_string().as_str())])) "#" (kind) } { "More " (title.to_lowercase()) } } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{Failure, Run, Step, StepOutcome, Story, Trigger};

    const HOSTILE: &str = "\"><script>alert(1)</script>\u{202e}";

    fn detail(warnings: usize) -> RunDetail {
        let hostile = || HOSTILE.to_owned();
        let at = "2026-03-01T05:45:00Z".parse().unwrap();
        let run = Run {
            run: "019526f3-bf60-7000-8000-0123456789ab".to_owned(),
            tenant: "acme".to_owned(),
            job: "sweep".to_owned(),
            process: hostile(),
            trigger: Trigger::Manual,
            status: Status::Error,
            started: at,
            duration_ms: Some(1_500),
            counts: Some(Counts(vec![("seen_all".to_owned(), 7)])),
            warnings: vec![Warning { code: "X-1".to_owned(), message: HOSTILE.repeat(15), subject: Some(hostile()) }; warnings],
            failure: Some(Failure { code: "X-10".to_owned(), title: hostile(), message: hostile(), remedy: hostile() }),
        };
        let call = Call {
            connection: "there".to_owned(),
            method: "GET".to_owned(),
            path: HOSTILE.repeat(15),
            status: None,
            duration_ms: 12,
            request_id: None,
            tries: 4,
        };
        let step = Step { title: hostile(), outcome: StepOutcome::Failed, detail: hostile() };
        let note = Note { at, level: Level::Warning, code: None, message: HOSTILE.repeat(15), subject: Some(hostile()) };
        RunDetail { run, story: Story { notes: vec![note; 5_000], steps: vec![step], calls: vec![call; 5_000] } }
    }

    fn parts(detail: &RunDetail, from: &From) -> String {
        html! {
            (warnings(detail, from)) (notes(detail, from)) (shown_run::steps(&detail.story.steps, usize::MAX))
            @if let Some(failure) = &detail.run.failure { (shown_run::failure(failure)) }
            @if let Some(counts) = &detail.run.counts { (counted(counts)) }
        }
        .0
    }

    #[test]
    fn hostile_text_stays_text_and_a_page_stays_small_whatever_a_run_left() {
        let shown = parts(&detail(5_000), &From::default());
        assert!(!shown.contains("<script") && shown.contains("&lt;script&gt;") && shown.contains("seen all"), "{shown}");
        assert!(shown.len() < 130_000, "{}", shown.len());
        assert!(shown.contains("?warnings=") && shown.contains("?notes="), "there is a way to the rest");
    }

    #[test]
    fn the_rest_of_the_lines_is_on_the_pages_after() {
        let detail = detail(150);
        let (mut from, mut seen, mut pages) = (0, 0, 0);
        loop {
            let (shown, next) = part_of(&detail.run.warnings, from, MOST, BYTES, |warning| weight(&warning.message));
            (seen, pages) = (seen + shown.len(), pages + 1);
            let Some(next) = next else { break };
            from = next;
        }
        assert!(seen == 150 && pages > 1, "{seen} on {pages}");
    }
}
