//! The Execution History of a tenant: what ran, newest first, how it stands, how long it took, and the code of what went wrong.

use axum::extract::{Path, Query, State};
use maud::{Markup, html};
use serde::Deserialize;

use super::super::super::form::filled;
use super::super::super::frame::{Page, said};
use super::super::super::moment::moment;
use super::super::super::{Console, Problem, ROOT, link};
use super::super::shown_run;
use super::{head, tenant};
use crate::history::{Filter, Run, Status, Trigger};
use crate::inbox::LISTENER;
use crate::runner::LOOK_UP;
use crate::tenant::Tenant;

/// The end of the path.
pub(super) const PLACE: &str = "history";
/// Runs a page.
const PAGE: u32 = 50;
/// Runs looked at for one page where only some are wanted; whoever wants more goes on from there.
const LOOKED_AT: u32 = 2_000;

#[derive(Debug, Default, Deserialize)]
pub(in super::super::super) struct Asked {
    #[serde(default)]
    status: String,
    #[serde(default)]
    job: String,
    /// Where the page begins.
    #[serde(default)]
    from: Option<String>,
}

/// What the page shows.
struct View<'a> {
    tenant: &'a Tenant,
    asked: &'a Asked,
    /// Each job that may be asked for, with the name of its process.
    jobs: Vec<(&'a str, &'a str)>,
    runs: Vec<Run>,
    next: Option<String>,
}

/// `GET /console/tenants/{tenant}/history`
pub(in super::super::super) async fn show(
    State(console): State<Console>,
    Path(name): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Page, Problem> {
    let tenant = tenant(&console, &name)?;
    let filter = wanted(&asked)?;
    let found = console.site.host().history().list_among(&tenant.name, &filter, asked.from.clone(), PAGE, LOOKED_AT).await?;
    let view = View { tenant: &tenant, asked: &asked, jobs: jobs(&tenant), runs: found.items, next: found.next };
    Ok(Page::new(format!("Execution History of {}", tenant.name), ROOT, content(&view)))
}

/// What started a run, in words.
pub(super) fn trigger(trigger: Trigger) -> &'static str {
    match trigger {
        Trigger::Manual => "by hand",
        Trigger::Schedule => "by the schedule",
        Trigger::Event => "by an event",
    }
}

fn wanted(asked: &Asked) -> Result<Filter, Problem> {
    let wrong = |message: String| Problem::bad_request(message, "Choose a status of the list.");
    let status = filled(&asked.status).map(|status| status.parse::<Status>().map_err(wrong)).transpose()?;
    Ok(Filter { status, job: filled(&asked.job) })
}

/// The jobs of the pack, and what the history has beside them.
fn jobs(tenant: &Tenant) -> Vec<(&str, &str)> {
    let described = &tenant.description;
    let own = described.jobs.iter().map(|job| (job.name.as_str(), job.process.as_str()));
    let listener = described.listener.as_ref().map(|listener| listener.process.as_str());
    own.chain(listener.map(|process| (LISTENER, process))).chain([(LOOK_UP, "One looked up")]).collect()
}

fn content(view: &View<'_>) -> Markup {
    html! {
        (head(view.tenant, PLACE, &html! { "Execution History" }))
        (filter(view))
        @if view.runs.is_empty() {
            p { @if view.next.is_some() { "Nothing of this among these runs; there are older ones." } @else { "There is nothing of this." } }
        } @else { (table(&view.runs)) }
        @if let Some(next) = &view.next { p { a href=(older(view, next)) { "Older" } } }
    }
}

fn filter(view: &View<'_>) -> Markup {
    let path = link::tenant(&view.tenant.name, PLACE);
    html! {
        form .card method="get" action=(path) {
            div .row {
                div {
                    label for="status" { "Status" }
                    select #status name="status" {
                        option value="" { "Every status" }
                        @for status in Status::ALL {
                            option value=(status) selected[view.asked.status.eq_ignore_ascii_case(status.as_str())] { (status) }
                        }
                    }
                }
                div {
                    label for="job" { "Process" }
                    select #job name="job" {
                        option value="" { "Every process" }
                        @for (job, process) in &view.jobs { option value=(job) selected[view.asked.job == *job] { (process) } }
                    }
                }
                button type="submit" { "Show" }
                a href=(path) { "Show all" }
            }
        }
    }
}

fn table(runs: &[Run]) -> Markup {
    let longest = runs.iter().filter_map(|run| run.duration_ms).max().unwrap_or_default();
    html! {
        div .wide tabindex="0" role="region" aria-label="Runs" {
            table {
                thead {
                    tr {
                        th scope="col" { "Process" } th scope="col" { "Status" } th scope="col" { "Error" } th scope="col" { "Started" }
                        th scope="col" { "Began" } th scope="col" { "Duration" }
                    }
                }
                tbody { @for run in runs { (row(run, longest)) } }
            }
        }
    }
}

fn row(run: &Run, longest: u64) -> Markup {
    html! {
        tr {
            th scope="row" { a href=(shown_run::path(run)) { (said(&run.process)) } }
            td { (shown_run::status(run.status)) }
            td { @if let Some(failure) = &run.failure { a href=(shown_run::path(run)) { (said(&failure.code)) } } }
            td { (moment(run.started)) }
            td { (trigger(run.trigger)) }
            td .number { @if let Some(duration) = run.duration_ms { (shown_run::took(duration)) (bar(duration, longest)) } @else { "–" } }
        }
    }
}

/// How long this is beside the longest of the page; the number stands beside it.
fn bar(duration: u64, longest: u64) -> Markup {
    let width = (duration * 100).checked_div(longest).unwrap_or_default().clamp(1, 100);
    html! {
        svg .bar viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true" focusable="false" { rect width=(width) height="4"; }
    }
}

/// The next page of the same.
fn older(view: &View<'_>, next: &str) -> String {
    let (status, job) = (view.asked.status.as_str(), view.asked.job.as_str());
    link::with(&link::tenant(&view.tenant.name, PLACE), [("status", status), ("job", job), ("from", next)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_fills_its_bar_and_the_shortest_is_still_seen() {
        for (duration, longest, width) in [(10, 10, 100), (5, 10, 50), (0, 10, 1), (0, 0, 1), (1, 100_000, 1)] {
            assert!(bar(duration, longest).0.contains(&format!("width=\"{width}\"")), "{duration} of {longest}");
        }
    }

    #[test]
    fn a_status_that_is_none_is_refused() {
        let asked = |status: &str| wanted(&Asked { status: status.to_owned(), ..Asked::default() });
        assert_eq!(asked("error").unwrap().status, Some(Status::Error));
        assert_eq!(asked("").unwrap(), Filter::default());
        assert!(asked("FINE").is_err());
    }
}
