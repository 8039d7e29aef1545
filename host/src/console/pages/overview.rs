//! The overview: every tenant, how it stands, and how old its last good run is. What needs attention comes first.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::response::Response;
use chrono::{DateTime, Utc};
use futures::{StreamExt, TryStreamExt, stream};
use maud::{Markup, html};
use serde::Deserialize;

use super::super::frame::{Page, said};
use super::super::live::{self, Piece};
use super::super::moment::{length, moment};
use super::super::{Console, Problem, ROOT, link};
use super::watch;
use crate::history::{History, Status};
use crate::site::{ManagedState, ManagedTenant, TenantStatus};
use crate::store::StoreError;
use crate::tenant::Tenant;

/// Tenants a page.
const PAGE: usize = 100;
/// Tenants looked at at once.
const AT_ONCE: usize = 8;

#[derive(Debug, Default, Deserialize)]
pub(in super::super) struct Asked {
    /// The last tenant of the page before.
    #[serde(default)]
    after: Option<String>,
}

/// Where the page changes while somebody looks, and how often.
const LIVE: &str = "/console/live/overview";
const EVERY: Duration = Duration::from_secs(10);

/// A tenant as the page shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Card {
    tenant: String,
    /// `PROD` or `TEST`; `None` where the configuration does not name it, or a draft does not say it yet.
    environment: Option<String>,
    /// Whether it is served, so that there is something to watch.
    served: bool,
    state: &'static str,
    /// When everything stored of a removed tenant goes.
    delete_after: Option<DateTime<Utc>>,
    /// Its component was tried and failed.
    unfit: bool,
    jobs: Vec<Job>,
    /// How many users have each status, in the pack's words, as far as it is known by now.
    counts: Vec<(String, u64)>,
}

/// A tenant of the list.
enum Listed {
    Standing(TenantStatus),
    Kept(ManagedTenant),
}

impl Listed {
    fn name(&self) -> &str {
        match self {
            Self::Standing(status) => &status.tenant,
            Self::Kept(kept) => &kept.name,
        }
    }
}

/// The words for what is kept in the store and not served.
const DRAFT: &str = "draft";
const LEFT_OUT: &str = "left out";

/// A scheduled job.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Job {
    process: String,
    last: Option<Last>,
    /// When the last good run started.
    good: Option<DateTime<Utc>>,
    next: Option<DateTime<Utc>>,
}

/// How a run ended, or stands.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Last {
    status: Status,
    /// The code and the title of its failure.
    failure: Option<String>,
}

/// How much somebody should look. The most urgent is the least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Urgency {
    Failing,
    Odd,
    Resting,
    Fine,
}

/// `GET /console`
pub(in super::super) async fn show(State(console): State<Console>, Query(asked): Query<Asked>) -> Result<Page, Problem> {
    let live = link::with(LIVE, [("after", asked.after())]);
    let shown = now(&console, &asked).await?;
    Ok(Page::new("Overview", ROOT, html! { div data-live=(live) { (shown) } }))
}

/// `GET /console/live/overview`: the same, anew every few seconds.
pub(in super::super) async fn follow(State(console): State<Console>, Query(asked): Query<Asked>) -> Response {
    let state = (console.clone(), asked);
    let pieces = stream::unfold(state, |(console, asked)| async move {
        tokio::time::sleep(EVERY).await;
        // Where it fails the browser comes back, and asks again.
        let shown = now(&console, &asked).await.ok()?;
        Some((Piece::Shows(shown), (console, asked)))
    });
    live::stream(&console, pieces)
}

async fn now(console: &Console, asked: &Asked) -> Result<Markup, Problem> {
    let mut wanted = listed(console).await?.into_iter().filter(|listed| listed.name() > asked.after());
    let shown: Vec<_> = wanted.by_ref().take(PAGE).collect();
    let next = wanted.next().and(shown.last()).map(|last| last.name().to_owned());
    let cards = stream::iter(shown).map(|listed| card(console, listed)).buffered(AT_ONCE);
    let mut cards: Vec<Card> = cards.try_collect().await?;
    // By name within the same urgency, as they came.
    cards.sort_by_key(Card::urgency);
    Ok(content(&cards, next.as_deref(), console.now()))
}

impl Asked {
    fn after(&self) -> &str {
        self.after.as_deref().unwrap_or_default()
    }
}

/// Every tenant by its name: what has a standing, and what is only kept in the store, drafts and what is no good.
async fn listed(console: &Console) -> Result<Vec<Listed>, Problem> {
    let statuses: Vec<_> = console.site.status().await?.into_iter().filter(|status| status.state != "deleted").collect();
    let known: BTreeSet<_> = statuses.iter().map(|status| status.tenant.clone()).collect();
    let kept = console.site.managed().into_iter().filter(|managed| !known.contains(&managed.name)).map(Listed::Kept);
    let mut all: Vec<_> = statuses.into_iter().map(Listed::Standing).chain(kept).collect();
    all.sort_by(|one, other| one.name().cmp(other.name()));
    Ok(all)
}

async fn card(console: &Console, listed: Listed) -> Result<Card, StoreError> {
    let status = match listed {
        Listed::Standing(status) => status,
        Listed::Kept(kept) => return Ok(Card::of_kept(kept)),
    };
    let tenant = console.site.tenant(&status.tenant).ok();
    let jobs = match &tenant {
        Some(tenant) => jobs(console, tenant).await?,
        None => Vec::new(),
    };
    let counts = match &tenant {
        Some(tenant) if status.state == "serving" => console.counted.of(console, tenant).await,
        _ => None,
    };
    Ok(Card {
        counts: counts.map(|counted| counted.counts).unwrap_or_default(),
        served: tenant.is_some(),
        environment: tenant.map(|tenant| tenant.environment.to_string()),
        tenant: status.tenant,
        state: status.state,
        delete_after: status.delete_after,
        unfit: status.unfit.is_some(),
        jobs,
    })
}

async fn jobs(console: &Console, tenant: &Tenant) -> Result<Vec<Job>, StoreError> {
    let history = console.site.host().history();
    let infos: Vec<_> = tenant.description.jobs.iter().filter(|info| info.schedulable).collect();
    let names: Vec<_> = infos.iter().map(|info| info.name.as_str()).collect();
    let mut jobs = Vec::new();
    for (info, latest) in infos.into_iter().zip(history.latest(&tenant.name, &names).await?) {
        let next = tenant.agenda(info).next(console.now()).filter(|_| !tenant.paused);
        let last = match (latest.run, latest.status) {
            (Some(run), Some(status)) => Some(Last { status, failure: failure(history, &tenant.name, &run, status).await? }),
            _ => None,
        };
        jobs.push(Job { process: info.process.clone(), last, good: latest.good, next });
    }
    Ok(jobs)
}

/// Why a run failed; of one that did not nothing is read.
async fn failure(history: &History, tenant: &str, run: &str, status: Status) -> Result<Option<String>, StoreError> {
    if !matches!(status, Status::Error | Status::Aborted) {
        return Ok(None);
    }
    let failure = history.one(tenant, run).await?.and_then(|detail| detail.run.failure);
    Ok(failure.map(|failure| format!("{} {}", failure.code, failure.title)))
}

impl Card {
    fn of_kept(kept: ManagedTenant) -> Self {
        Self {
            tenant: kept.name,
            environment: kept.environment,
            served: false,
            state: if kept.state == ManagedState::Draft { DRAFT } else { LEFT_OUT },
            delete_after: None,
            unfit: false,
            jobs: Vec::new(),
            counts: Vec::new(),
        }
    }

    fn urgency(&self) -> Urgency {
        let bad = |job: &Job| job.last.as_ref().is_some_and(|last| matches!(last.status, Status::Error | Status::Aborted));
        let odd = |job: &Job| job.good.is_none() || job.last.as_ref().is_some_and(|last| last.status == Status::CompleteWarn);
        match self.state {
            "serving" if self.jobs.iter().any(bad) => Urgency::Failing,
            "serving" if self.unfit || self.jobs.iter().any(odd) => Urgency::Odd,
            "serving" => Urgency::Fine,
            LEFT_OUT => Urgency::Odd,
            _ => Urgency::Resting,
        }
    }
}

impl Urgency {
    /// The word, and the class of its colour.
    fn told(self, state: &'static str) -> (&'static str, &'static str) {
        match self {
            Self::Failing => ("failing", "bad"),
            Self::Odd => ("needs a look", "warn"),
            Self::Resting => (state, ""),
            Self::Fine => ("working", "good"),
        }
    }
}

fn content(cards: &[Card], next: Option<&str>, now: DateTime<Utc>) -> Markup {
    let troubled = cards.iter().filter(|card| card.urgency() <= Urgency::Odd).count();
    html! {
        h1 { "Overview" }
        @match (cards.len(), troubled) {
            (0, _) => p .lead { "There is no tenant yet." },
            (_, 0) => p .lead { "Nothing needs attention." },
            (_, 1) => p .lead { "One tenant needs attention." },
            (_, some) => p .lead { (some) " tenants need attention." },
        }
        ul .grid { @for card in cards { (tenant(card, now)) } }
        @if let Some(next) = next { p { a href=(link::with(ROOT, [("after", next)])) { "More tenants" } } }
        p .soft { "As of " (moment(now)) ". " a href=(ROOT) { "Refresh" } }
    }
}

fn tenant(card: &Card, now: DateTime<Utc>) -> Markup {
    let urgency = card.urgency();
    let (word, class) = urgency.told(card.state);
    html! {
        li .card .trouble[urgency == Urgency::Failing] .notice[urgency == Urgency::Odd] {
            h2 { a href=(link::tenant(&card.tenant, "")) { (said(&card.tenant)) } }
            p .row {
                @if let Some(environment) = &card.environment { span .tag { (environment) } }
                span class={ "tag " (class) } { (word) }
            }
            @if let Some(at) = card.delete_after { p { "All that is stored of it goes on " (moment(at)) "." } }
            @match card.state {
                DRAFT => p { "Setting up is not finished: nothing of it runs." },
                LEFT_OUT => p { "Something is wrong with it: nothing of it runs." },
                _ => {}
            }
            @if card.unfit { p { "A component was tried for it and failed." } }
            @if !card.counts.is_empty() {
                dl .counts { @for (status, number) in &card.counts { div { dt { (said(&watch::word(status))) } dd { (number) } } } }
            }
            @for job in &card.jobs { (about(job, now)) }
            @if card.served {
                p .row { @for (path, name) in watch::ways(&card.tenant) { a href=(path) { (name) } } }
            }
        }
    }
}

fn about(job: &Job, now: DateTime<Utc>) -> Markup {
    html! {
        h3 { (job.process) }
        @if let Some(last) = &job.last {
            p { "Last run: " (last.status) @if let Some(failure) = &last.failure { " – " (said(failure)) } }
        }
        dl {
            dt { "Last good run" }
            dd { @match job.good { Some(at) => { (length(now - at)) " ago" }, None => "none yet" } }
            dt { "Next run" }
            dd { @match job.next { Some(at) => { "in " (length(at - now)) }, None => "not scheduled" } }
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn now() -> DateTime<Utc> {
        "2026-03-01T05:45:00Z".parse().unwrap()
    }

    fn job(status: Status, good: bool) -> Job {
        let failure = (status == Status::Error).then(|| "X-10 <b>Gone</b>".to_owned());
        Job {
            process: "Sweep".to_owned(),
            last: Some(Last { status, failure }),
            good: good.then(|| now() - TimeDelta::minutes(90)),
            next: Some(now() + TimeDelta::seconds(42)),
        }
    }

    fn card(tenant: &str, state: &'static str, jobs: Vec<Job>) -> Card {
        Card {
            tenant: tenant.to_owned(),
            environment: Some("TEST".to_owned()),
            served: true,
            state,
            delete_after: None,
            unfit: false,
            jobs,
            counts: vec![("on-foot".to_owned(), 12)],
        }
    }

    #[test]
    fn what_needs_attention_is_told_apart() {
        let urgency = |state, status, good| card("a", state, vec![job(status, good)]).urgency();
        assert_eq!(urgency("serving", Status::Error, true), Urgency::Failing);
        assert_eq!(urgency("serving", Status::Aborted, false), Urgency::Failing);
        assert_eq!(urgency("serving", Status::InProcess, false), Urgency::Odd, "it never ended well");
        assert_eq!(urgency("serving", Status::CompleteWarn, true), Urgency::Odd);
        assert_eq!(urgency("serving", Status::Complete, true), Urgency::Fine);
        assert_eq!(urgency("paused", Status::Error, true), Urgency::Resting);
        let kept = |state| {
            let (name, by, environment) = ("d".to_owned(), String::new(), Some("TEST".to_owned()));
            Card::of_kept(ManagedTenant { name, version: 1, at: None, by, environment, state, problems: Vec::new() })
        };
        assert_eq!(kept(ManagedState::Draft).urgency(), Urgency::Resting);
        assert_eq!(kept(ManagedState::LeftOut).urgency(), Urgency::Odd);
        let shown = tenant(&kept(ManagedState::Draft), now()).0;
        assert!(shown.contains("draft") && shown.contains("not finished") && !shown.contains("/workers"), "{shown}");
        assert_eq!(Card { unfit: true, ..card("a", "serving", Vec::new()) }.urgency(), Urgency::Odd);
    }

    #[test]
    fn a_card_tells_by_words_how_the_tenant_stands() {
        let shown =
            content(&[card("acme", "serving", vec![job(Status::Error, true)]), card("b", "paused", Vec::new())], Some("b"), now()).0;
        for word in [
            "One tenant needs attention",
            "acme",
            "TEST",
            "failing",
            "ERROR",
            "1 h 30 min ago",
            "in 42 s",
            "paused",
            "?after=b",
            "on foot",
            ">12<",
        ] {
            assert!(shown.contains(word), "{word}: {shown}");
        }
        assert!(shown.contains("&lt;b&gt;Gone&lt;/b&gt;") && !shown.contains("<b>Gone"), "{shown}");
    }
}
