//! SCHEDULE/RUN: every job of the pack, how its last run went, the way to run it now, and when it starts by itself.
//!
//! While one runs the page follows it: how far it is, and each line of a test as soon as it is there; at the end how long it took
//! and a schedule that suits that.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path as PathOf, State};
use axum::response::Response;
use chrono::TimeDelta;
use chrono_tz::Tz;
use maud::{Markup, html};
use tokio::sync::watch;

use super::super::shown_run;
use super::Subject;
use super::schedule::{ahead, proposed, short, told, understood};
use crate::config::Schedule;
use crate::console::form::{Fields, Posted};
use crate::console::frame::{Done, Page, said};
use crate::console::live::{self, Seen};
use crate::console::moment::moment;
use crate::console::people::Role;
use crate::console::problem::sentence;
use crate::console::visitor::Visitor;
use crate::console::{Console, Problem, link};
use crate::description::{JobInfo, Kind, PropertyInfo};
use crate::history::{Filter, Run, RunDetail, Status, Trigger};
use crate::managed::{Path, Value};
use crate::runner::{Order, RunError};
use crate::store::StoreError;
use crate::tenant::Tenant;

const PATH: &str = "run";
/// How often a page that follows a run looks again.
const EVERY: Duration = Duration::from_millis(500);
/// Runs of a job looked at for a good one, and runs looked at for one of the job.
const LOOKED_AT: u32 = 20;
const AMONG: u32 = 1_000;
/// Steps of a test shown here; all of them are in the history.
const STEPS: usize = 60;

/// `GET /console/tenants/{tenant}/run`
pub(in crate::console) async fn show(
    State(console): State<Console>,
    visitor: Visitor,
    PathOf(name): PathOf<String>,
) -> Result<Page, Problem> {
    let subject = Subject::of(&console, &name).await?;
    let Some(tenant) = &subject.tenant else {
        let content = html! {
            p .lead { "Nothing runs while the tenant is not served." }
            @if subject.is_draft() { p { a .button href=(subject.at("settings")) { "Continue setting up" } } }
        };
        return Ok(subject.page(PATH, "SCHEDULE/RUN", content));
    };
    let mut cards = Vec::new();
    for info in &tenant.description.jobs {
        cards.push(card(&console, &subject, &visitor, tenant, info).await?);
    }
    let content = html! {
        @if tenant.paused { p .card .notice { strong { "Note: " } "the tenant is paused: no job begins." } }
        @for card in &cards { (card) }
        @if let Some(listener) = &tenant.description.listener {
            section .card {
                h2 { (said(&listener.process)) }
                p { (said(&listener.summary)) }
                p { @if tenant.listener.is_some() { "It listens, and runs by itself when something comes in." } @else { "It is not turned on: nothing can come in." } }
            }
        }
        p { a href=(subject.at("history")) { "View Execution History" } }
    };
    Ok(subject.page(PATH, "SCHEDULE/RUN", content))
}

/// `POST /console/tenants/{tenant}/jobs/{job}/run`: RUN NOW.
pub(in crate::console) async fn start(
    State(console): State<Console>,
    visitor: Visitor,
    PathOf((name, job)): PathOf<(String, String)>,
    Fields(posted): Fields<Posted>,
) -> Result<Done, Problem> {
    let tenant = console.site.tenant(&name)?;
    let set: Vec<_> = posted
        .iter()
        .filter_map(|(key, text)| Some((key.strip_prefix("option:")?, text.trim())))
        .filter(|(_, text)| !text.is_empty())
        .map(|(name, text)| format!("{name}={text}"))
        .collect();
    let wrong = |error: crate::runner::OrderError| match error {
        crate::runner::OrderError::UnknownJob { .. } => Problem::not_found("The pack has no such job."),
        error @ crate::runner::OrderError::BadOption { .. } => {
            Problem::bad_request(sentence(&error.to_string()), "Go back and write another value.")
        }
    };
    let order = Order::new(&tenant, &job, Trigger::Manual).and_then(|order| order.with(&set)).map_err(wrong)?;
    if console.life.stop.is_cancelled() {
        return Err(Problem::conflict("The host is about to stop.", "Try again when it is back."));
    }
    let runner = console.site.host().runner().clone();
    let to = || Done::to(format!("{}#{job}", link::tenant(&name, PATH)));
    let begun = match runner.begin(&tenant, order).await {
        Ok(begun) => begun,
        Err(RunError::Busy { .. }) => return Ok(to().warning("It is running already.")),
        Err(RunError::Paused(_)) => return Ok(to().warning("The tenant is paused: no job begins.")),
        Err(RunError::Store(error)) => return Err(error.into()),
    };
    let run = begun.run().clone();
    let abort = console.life.abort.clone();
    console.life.tracker.spawn(async move {
        if let Err(error) = runner.complete(&tenant, begun, abort, watch::Sender::default()).await {
            tracing::error!(tenant = %tenant.name, %error, "a run that was asked for was not completed");
        }
    });
    console.note(&visitor, format!("ran {}, run {}", run.process, run.run), Some(&name)).await?;
    Ok(to().saying(format!("{} has begun.", run.process)))
}

/// `GET /console/live/tenants/{tenant}/jobs/{job}`: the newest run of a job, until it has ended.
pub(in crate::console) async fn follow(
    State(console): State<Console>,
    visitor: Visitor,
    PathOf((name, job)): PathOf<(String, String)>,
) -> Result<Response, Problem> {
    let subject = Subject::of(&console, &name).await?;
    let tenant = console.site.tenant(&name)?;
    let info = tenant.job(&job).cloned().ok_or_else(|| Problem::not_found("The pack has no such job."))?;
    let run = newest(&console, &name, &job).await?.map(|detail| detail.run.run);
    let followed = Arc::new((console.clone(), subject, visitor, info, run));
    let look = move || {
        let followed = followed.clone();
        async move {
            let (console, subject, visitor, info, run) = &*followed;
            let detail = match run {
                Some(run) => console.site.host().history().one(&subject.name, run).await.ok()?,
                None => None,
            };
            let goes = detail.as_ref().is_some_and(|detail| detail.run.status == Status::InProcess);
            let shown = latest(console, subject, visitor, info, detail.as_ref());
            Some(if goes { Seen::Goes(shown) } else { Seen::Ended(Some(shown), String::new()) })
        }
    };
    Ok(live::follow(&console, EVERY, look))
}

/// The newest run of a job, with its story once it has ended.
async fn newest(console: &Console, tenant: &str, job: &str) -> Result<Option<RunDetail>, StoreError> {
    let filter = Filter { status: None, job: Some(job.to_owned()) };
    let history = console.site.host().history();
    match history.list_among(tenant, &filter, None, 1, AMONG).await?.items.into_iter().next() {
        Some(run) => history.one(tenant, &run.run).await,
        None => Ok(None),
    }
}

/// How long the last good run of a job took.
pub(super) async fn last_good(console: &Console, subject: &Subject, info: &JobInfo) -> Result<Option<TimeDelta>, Problem> {
    let filter = Filter { status: None, job: Some(info.name.clone()) };
    let runs = console.site.host().history().list_among(&subject.name, &filter, None, LOOKED_AT, AMONG).await?.items;
    Ok(runs.iter().find(|run| run.status.is_good()).and_then(shown_run::duration))
}

async fn card(console: &Console, subject: &Subject, visitor: &Visitor, tenant: &Tenant, info: &JobInfo) -> Result<Markup, Problem> {
    let run = newest(console, &subject.name, &info.name).await?;
    let running = run.as_ref().is_some_and(|detail| detail.run.status == Status::InProcess);
    let good = last_good(console, subject, info).await?;
    let live = link::live(&subject.name, &format!("jobs/{}", link::part(&info.name)));
    Ok(html! {
        section .card id=(info.name) aria-label=(info.process) {
            h2 { (said(&info.process)) }
            p { (said(&info.summary)) }
            div data-live=[running.then_some(&live)] { (latest(console, subject, visitor, info, run.as_ref())) }
            @if visitor.is(Role::Operator) && !tenant.paused && !running { (run_now(subject, visitor, info)) }
            @if info.schedulable { (scheduled(console, subject, visitor, tenant, info, good)) }
        }
    })
}

/// The newest run: how far it is, or how it went.
fn latest(console: &Console, subject: &Subject, visitor: &Visitor, info: &JobInfo, detail: Option<&RunDetail>) -> Markup {
    let Some(detail) = detail else { return html! { p .soft { "It has not run lately." } } };
    let run = &detail.run;
    let at = shown_run::path(run);
    if run.status == Status::InProcess {
        return html! {
            (shown_run::progress(console, run))
            div .row {
                a href=(at) { "Look at the run" }
                a href=(subject.at(PATH)) { "Refresh" }
                (shown_run::stop_form(visitor, run))
            }
        };
    }
    html! {
        p {
            (shown_run::status(run.status)) " "
            a href=(at) { (moment(run.started)) }
            @if let Some(took) = run.duration_ms { ", took " (shown_run::took(took)) }
        }
        @if let Some(failure) = &run.failure { (shown_run::failure(failure)) }
        (shown_run::steps(&detail.story.steps, STEPS))
        @if !run.warnings.is_empty() { p { a href=(at) { (run.warnings.len()) " warnings" } } }
        @if info.schedulable && run.status.is_good() && detail.story.steps.is_empty() { (propose(subject, visitor, info, run)) }
    }
}

/// After a run that took so long: a schedule that suits it.
fn propose(subject: &Subject, visitor: &Visitor, info: &JobInfo, run: &Run) -> Markup {
    let (Some(took), Some(duration)) = (run.duration_ms, shown_run::duration(run)) else { return html! {} };
    let minutes = proposed(duration);
    html! {
        p { "It took " (shown_run::took(took)) ", so every " (minutes) " minutes suits it." }
        @if subject.is_editable(visitor) {
            form method="post" action=(subject.at("schedule")) data-busy="Saving" {
                (visitor.form_token())
                input type="hidden" name="base" value=(subject.version().unwrap_or_default());
                input type="hidden" name="job" value=(info.name);
                input type="hidden" name="kind" value="every";
                input type="hidden" name="minutes" value=(minutes);
                input type="hidden" name="zone" value="UTC";
                button .plain type="submit" { "Schedule every " (minutes) " minutes" }
            }
        }
    }
}

fn run_now(subject: &Subject, visitor: &Visitor, info: &JobInfo) -> Markup {
    html! {
        form method="post" action=(subject.at(&format!("jobs/{}/run", info.name))) data-busy="Beginning" {
            (visitor.form_token())
            @if !info.options.is_empty() {
                details {
                    summary { "Options for this one run" }
                    @for option in &info.options { (self::option(info, option)) }
                }
            }
            button type="submit" { "RUN NOW" }
        }
    }
}

fn option(info: &JobInfo, option: &PropertyInfo) -> Markup {
    let (id, name) = (format!("{}-{}", info.name, option.name), format!("option:{}", option.name));
    let title = if option.title.is_empty() { &option.name } else { &option.title };
    html! {
        div .field {
            label for=(id) { (said(title)) }
            @match &option.kind {
                Kind::Switch => select id=(id) name=(name) { option value="" { "Default" } option value="true" { "on" } option value="false" { "off" } },
                Kind::Choice(choices) => select id=(id) name=(name) { option value="" { "Default" } @for choice in choices { option value=(choice) { (choice) } } },
                Kind::Number(least, most) => input id=(id) name=(name) type="number" min=(least) max=(most);,
                Kind::Text | Kind::Items | Kind::Table => input id=(id) name=(name) autocomplete="off";,
            }
            span .hint { (said(&option.summary)) }
        }
    }
}

fn scheduled(console: &Console, subject: &Subject, visitor: &Visitor, tenant: &Tenant, info: &JobInfo, good: Option<TimeDelta>) -> Markup {
    let written = written(subject, &info.name);
    let agenda = tenant.agenda(info);
    let zone = written.iter().find_map(|(_, schedule)| Some(schedule.as_ref()?.zone)).unwrap_or(Tz::UTC);
    html! {
        h3 { "Schedule" }
        @if let (true, Some(minutes), Some(property)) = (written.is_empty(), tenant.interval_minutes(info), &info.interval_property) {
            p { "Every " (minutes) " minutes, by the property " a href=(subject.at("properties")) { (said(property)) } "." }
        }
        @if !written.is_empty() {
            ul { @for (index, schedule) in &written { li { (one(subject, visitor, *index, schedule.as_ref(), good)) } } }
        }
        @if agenda.is_empty() { p { "It does not start by itself." } } @else {
            details { summary { "The next five runs" } (ahead(&agenda, zone, console.now())) }
        }
        @if subject.is_editable(visitor) {
            p { a .button .plain href=(link::with(&subject.at("schedule"), [("job", info.name.as_str())])) { "Add a schedule" } }
        }
    }
}

fn one(subject: &Subject, visitor: &Visitor, index: usize, schedule: Option<&Schedule>, good: Option<TimeDelta>) -> Markup {
    html! {
        div .row {
            @match schedule { Some(schedule) => (told(schedule)), None => "a schedule that is not understood" }
            @if subject.is_editable(visitor) {
                a href=(link::with(&subject.at("schedule"), [("index", index.to_string().as_str())])) { "Edit" }
                form method="post" action=(subject.at("schedule/remove")) data-busy="" data-ask="Remove this schedule?" {
                    (visitor.form_token())
                    input type="hidden" name="base" value=(subject.version().unwrap_or_default());
                    input type="hidden" name="index" value=(index);
                    button .plain type="submit" { "Remove" }
                }
            }
        }
        @if let Some(short) = short(schedule, good) { p .notice { strong { "Warning: " } (short) } }
    }
}

/// The schedules of a job as they are written, each with its number among all.
fn written(subject: &Subject, job: &str) -> Vec<(usize, Option<Schedule>)> {
    let Some(Value::List(items)) = subject.view.get(&Path::of(["schedules"])) else { return Vec::new() };
    let is_of = |item: &Value| matches!(item, Value::Table(entries) if entries.get("job") == Some(&Value::Text(job.to_owned())));
    items.iter().enumerate().filter(|(_, item)| is_of(item)).map(|(index, item)| (index, understood(item))).collect()
}
