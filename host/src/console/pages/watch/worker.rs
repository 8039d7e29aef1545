//! One user: the decision on each surface, and the way to it as a timeline, all in the pack's words. An operator can have the user
//! read anew.

use axum::extract::{Path, State};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use maud::{Markup, html};

use super::super::super::frame::{Done, Page, said};
use super::super::super::moment::{at_the_reader, moment, moment_in};
use super::super::super::people::Role;
use super::super::super::visitor::Visitor;
use super::super::super::{Console, Problem, ROOT, link};
use super::workers::{PLACE, old, worker_path};
use super::{failed, head, tenant, word};
use crate::answer::{Decision, Entry, Evidence, Explanation, Verdict};
use crate::plugin::CallError;
use crate::runner;
use crate::tenant::Tenant;

/// `GET /console/tenants/{tenant}/workers/{user}`
pub(in super::super::super) async fn show(
    State(console): State<Console>,
    visitor: Visitor,
    Path((name, user)): Path<(String, String)>,
) -> Result<Page, Problem> {
    let tenant = tenant(&console, &name)?;
    let lend = || console.site.host().lend(&tenant);
    let not_told = |error: CallError| failed(&console, &tenant, &error);
    let explanation = tenant.pack.explain(lend(), &user, None).await.map_err(not_told)?;
    let surfaces = &tenant.description.surfaces;
    let questions = surfaces.iter().map(|surface| (user.clone(), Some(surface.name.clone()))).collect();
    let decisions = if surfaces.is_empty() { Vec::new() } else { tenant.pack.decide(lend(), questions).await.map_err(not_told)? };
    Ok(Page::new(format!("{user} at {}", tenant.name), ROOT, content(&visitor, &tenant, &user, &explanation, &decisions)))
}

/// `POST /console/tenants/{tenant}/workers/{user}/ask`: has the user read anew.
pub(in super::super::super) async fn ask(
    State(console): State<Console>,
    visitor: Visitor,
    Path((name, user)): Path<(String, String)>,
) -> Result<Done, Problem> {
    let tenant = tenant(&console, &name)?;
    if tenant.paused {
        return Err(Problem::conflict("The tenant is paused, so nothing is read for it.", "Have an administrator resume it first."));
    }
    console.note(&visitor, format!("had the worker {user} read anew"), Some(&tenant.name)).await?;
    let done = Done::to(worker_path(&tenant.name, &user));
    match console.site.host().look_up_within(&tenant, &user, &console.life).await {
        Some(Ok(entry)) => Ok(done.saying(format!("{} was read anew: {}.", entry.user, word(&entry.status)))),
        Some(Err(error)) => {
            let failure = runner::failure(&tenant, &error);
            Ok(done.warning(format!("{} {}: {} {}", failure.code, failure.title, failure.message, failure.remedy)))
        }
        None => Ok(done.warning("The host is about to stop, so nobody was read anew.")),
    }
}

fn content(visitor: &Visitor, tenant: &Tenant, user: &str, explanation: &Explanation, decisions: &[Decision]) -> Markup {
    let name = explanation.entry.as_ref().map_or(user, |entry| &entry.user);
    html! {
        (head(tenant, PLACE, &said(name)))
        section .card .decision {
            h2 { "Decision" }
            @if decisions.is_empty() { p { (verdict(&explanation.decision)) } } @else { (surfaces(tenant, decisions)) }
        }
        @match &explanation.entry {
            Some(entry) => (known(tenant, entry)),
            None => p { "Nothing is stored of this user." },
        }
        (ask_form(visitor, tenant, user))
        (timeline(&explanation.steps))
        p { a href=(link::tenant(&tenant.name, PLACE)) { "To the workers" } }
    }
}

fn verdict(decision: &Decision) -> Markup {
    let (told, class) = match decision.decision {
        Verdict::Allow => ("allow", "good"),
        Verdict::Deny => ("deny", "bad"),
    };
    html! { span class={ "tag " (class) } { (told) } " " (said(&word(&decision.reason))) }
}

fn surfaces(tenant: &Tenant, decisions: &[Decision]) -> Markup {
    let title = |name: Option<&str>| {
        let found = tenant.description.surfaces.iter().find(|surface| Some(surface.name.as_str()) == name);
        found.map_or_else(|| name.unwrap_or_default().to_owned(), |surface| surface.title.clone())
    };
    html! { dl { @for decision in decisions { dt { (said(&title(decision.surface.as_deref()))) } dd { (verdict(decision)) } } } }
}

/// What is stored.
fn known(tenant: &Tenant, entry: &Entry) -> Markup {
    html! {
        dl {
            dt { "Status" } dd { span .tag { (said(&word(&entry.status))) } " " (said(&word(&entry.reason))) }
            @if let Some(since) = entry.since { dt { "Since" } dd { (moment(since)) } }
            @if let Some(number) = &entry.person_number { dt { "Person number" } dd { (said(number)) } }
            @if let Some(at) = entry.observed_at {
                dt { "Read" }
                dd { @if let Some(age) = entry.age_seconds { (old(age)) " ago, " } (moment(at)) }
            }
            @if let Some(source) = &entry.source {
                dt { "By" }
                dd {
                    (said(&word(&source.kind)))
                    @if let Some(run) = &source.run { ", " a href=(link::tenant(&tenant.name, &format!("history/{}", link::part(run)))) { "its run" } }
                }
            }
        }
    }
}

/// The way to have the user read anew: from the first of the pack's connections, where the knowledge comes from.
fn ask_form(visitor: &Visitor, tenant: &Tenant, user: &str) -> Markup {
    let connection = tenant.description.connections.first();
    html! {
        @if let Some(connection) = connection.filter(|_| visitor.is(Role::Operator) && !tenant.paused) {
            form method="post" action={ (worker_path(&tenant.name, user)) "/ask" } data-busy={ "Asking " (connection.title) } {
                (visitor.form_token())
                p { button type="submit" { "Ask " (connection.title) " now" } }
            }
        }
    }
}

/// The way to the decision. Where a step names a zone, it is the worker's; the reader's own is put in by the browser.
fn timeline(steps: &[Evidence]) -> Markup {
    let zone = steps.iter().rev().find_map(|step| named_zone(&step.what));
    html! {
        h2 { "How it comes about" }
        ol .timeline {
            @for step in steps {
                li {
                    @if let Some(at) = step.at { p .when { (moments(at, zone)) } }
                    p { (said(&step.what)) }
                }
            }
        }
    }
}

fn moments(at: DateTime<Utc>, zone: Option<Tz>) -> Markup {
    html! {
        @if let Some(zone) = zone { (moment_in(at, zone)) " (" (zone.name()) "), " }
        "for you " (at_the_reader(at))
    }
}

/// The last IANA zone that stands in brackets.
fn named_zone(text: &str) -> Option<Tz> {
    let names = text.rsplit('(').filter_map(|after| after.split_once(')')).map(|(name, _)| name);
    names.filter(|name| name.contains('/')).find_map(|name| name.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str = "\"><script>alert(1)</script>\u{202e}";

    fn at() -> DateTime<Utc> {
        "2026-03-01T05:45:00Z".parse().unwrap()
    }

    #[test]
    fn a_moment_is_told_in_the_zone_that_the_steps_name_and_for_the_reader() {
        let step = |at, what: &str| Evidence { at, what: what.to_owned() };
        let steps = [step(Some(at()), "In at 2026-03-01 00:45 EST (America/New_York)."), step(None, "A word (in brackets).")];
        let shown = timeline(&steps).0;
        assert!(shown.contains("2026-03-01 00:45:00 EST") && shown.contains("2026-03-01 05:45:00 UTC"), "{shown}");
        assert_eq!(named_zone("on (Europe/Nowhere) and (Europe/Berlin) (2/3)"), Some(chrono_tz::Europe::Berlin));
        assert_eq!(named_zone("no zone"), None);
    }

    #[test]
    fn hostile_text_stays_text() {
        let steps = [Evidence { at: Some(at()), what: HOSTILE.to_owned() }];
        let decision = Decision {
            user: HOSTILE.to_owned(),
            surface: None,
            decision: Verdict::Deny,
            reason: HOSTILE.to_owned(),
            status: HOSTILE.to_owned(),
            since: None,
            as_of: None,
            age_seconds: None,
            source: None,
        };
        let shown = html! { (timeline(&steps)) (verdict(&decision)) }.0;
        assert!(!shown.contains("<script") && shown.contains("&lt;script&gt;"), "{shown}");
    }
}
