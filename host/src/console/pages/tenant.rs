//! One tenant: how it stands, and the way to everything that can be set up, run and managed of it.
//!
//! What there is to fill in comes from the pack's description alone. A tenant of the configuration file is shown and not changed.

use std::sync::Arc;

use axum::extract::{Path as PathOf, State};
use maud::{Markup, html};

use super::bar::bar;
use crate::config::{Problem as Found, Severity};
use crate::console::frame::{Page, said};
use crate::console::moment::moment;
use crate::console::people::Role;
use crate::console::visitor::Visitor;
use crate::console::{Console, Problem, ROOT, link};
use crate::description::Description;
use crate::managed::{Kept, Path, View};
use crate::site::{ManagedState, ManagedTenant, Origin, TenantStatus};
use crate::tenant::Tenant;

pub(in crate::console) mod basics;
pub(in crate::console) mod connection;
pub(in crate::console) mod copy;
mod fields;
pub(in crate::console) mod install;
pub(in crate::console) mod mail_server;
pub(in crate::console) mod properties;
pub(in crate::console) mod run;
pub(in crate::console::pages) mod save;
pub(in crate::console) mod schedule;
mod sheet;
pub(in crate::console) mod standing;
mod steps;
pub(in crate::console) mod versions;

/// A tenant as the pages know it, wherever it is written.
struct Subject {
    name: String,
    /// Where it is written; none for one that was removed and has left the configuration.
    origin: Option<Origin>,
    view: View,
    status: Option<TenantStatus>,
    /// What is known of it as one that is kept in the store.
    managed: Option<ManagedTenant>,
    kept: Option<Kept>,
    /// The tenant that is served.
    tenant: Option<Tenant>,
    description: Option<Arc<Description>>,
}

impl Subject {
    async fn of(console: &Console, name: &str) -> Result<Self, Problem> {
        let site = &console.site;
        let status = site.status().await?.into_iter().find(|status| status.tenant == name && status.state != "deleted");
        let managed = site.managed().into_iter().find(|managed| managed.name == name);
        // What was stored a moment ago may not have been looked at yet.
        let kept = site.kept(name).await?;
        let origin = site.origin(name).or(kept.is_some().then_some(Origin::Store));
        if origin.is_none() && status.is_none() {
            return Err(Problem::not_found(format!("There is no tenant {name:?}.")));
        }
        let view = match origin {
            Some(_) => site.view(name).await?.1,
            None => View::default(),
        };
        let tenant = site.tenant(name).ok();
        let kept = kept.filter(|_| origin == Some(Origin::Store));
        let description = match &tenant {
            // What is kept may name another component than the one that is in force.
            Some(tenant) if kept.is_none() => Some(tenant.description.clone()),
            _ => site.describe(component(&view).as_deref()).await,
        };
        Ok(Self { name: name.to_owned(), origin, view, status, managed, kept, tenant, description })
    }

    fn at(&self, rest: &str) -> String {
        link::tenant(&self.name, rest)
    }

    fn is_draft(&self) -> bool {
        self.kept.as_ref().is_some_and(|kept| kept.draft)
    }

    /// The number of the version that is looked at; none where it is not kept in the store.
    fn version(&self) -> Option<u64> {
        self.kept.as_ref().map(|kept| kept.version)
    }

    /// Whether this visitor may change what is configured.
    fn is_editable(&self, visitor: &Visitor) -> bool {
        visitor.is(Role::Administrator) && self.kept.is_some()
    }

    /// Of a tenant that must be kept in the store to be worked on.
    fn stored(&self) -> Result<&Kept, Problem> {
        self.kept.as_ref().ok_or_else(|| {
            let text = format!("The tenant {} is set up in the configuration file, and is not changed here.", self.name);
            Problem::conflict(text, "Edit the file; or export the tenant, take it out of the file and apply what was exported.")
        })
    }

    fn described(&self) -> Result<&Description, Problem> {
        self.description.as_deref().ok_or_else(|| {
            let remedy = "Choose another pack under Settings, or bring its component back.";
            Problem::conflict(format!("The component of the tenant {} cannot be loaded.", self.name), remedy)
        })
    }

    fn environment(&self) -> Option<String> {
        self.view.text(&Path::of(["environment"])).map(str::to_owned)
    }

    /// How it stands: the word, and the class of its colour.
    fn state(&self) -> (&'static str, &'static str) {
        match (self.status.as_ref().map(|status| status.state), self.managed.as_ref().map(|managed| managed.state)) {
            (Some("removed"), _) => ("removed", "bad"),
            _ if self.is_draft() => ("draft", "warn"),
            (_, Some(ManagedState::LeftOut)) => ("left out", "bad"),
            (Some("paused"), _) => ("paused", "warn"),
            (_, Some(ManagedState::AsBefore)) => ("as before", "warn"),
            (Some(_), _) => ("serving", "good"),
            (None, _) => ("not served", "warn"),
        }
    }

    fn page(&self, tab: &str, title: &str, content: Markup) -> Page {
        let whole = html! { (head(self, tab, title)) (content) };
        Page::new(format!("{title} – {}", self.name), ROOT, whole)
    }
}

fn component(view: &View) -> Option<String> {
    view.text(&Path::of(["component"])).map(str::to_owned)
}

/// `GET /console/tenants/{tenant}`
pub(in crate::console) async fn show(
    State(console): State<Console>,
    visitor: Visitor,
    PathOf(name): PathOf<String>,
) -> Result<Page, Problem> {
    let subject = Subject::of(&console, &name).await?;
    let content = content(&console, &subject, &visitor);
    Ok(subject.page("", "Tenant", content))
}

fn head(subject: &Subject, tab: &str, title: &str) -> Markup {
    let (word, class) = subject.state();
    html! {
        h1 { (said(&subject.name)) ": " (title) }
        p .row {
            @if let Some(environment) = subject.environment() { span .tag { (said(&environment)) } }
            span class={ "tag " (class) } { (word) }
            @if subject.origin == Some(Origin::File) { span .tag { "from the file" } }
        }
        (bar(&subject.name, tab, subject.tenant.is_some()))
    }
}

fn content(console: &Console, subject: &Subject, visitor: &Visitor) -> Markup {
    let problems = subject.managed.as_ref().map(|managed| managed.problems.as_slice()).unwrap_or_default();
    html! {
        @if subject.is_draft() { (go_on(subject, visitor)) }
        @else if !problems.is_empty() { (told("What is wrong with it", problems)) }
        dl {
            @if let Some(description) = &subject.description {
                dt { "Pack" } dd { (said(&description.title)) " " (said(&description.version)) }
                dt { "What it does" } dd { (said(&description.summary)) }
            }
            @if let Some(component) = component(&subject.view) { dt { "Component" } dd .code { (said(&component)) } }
            dt { "Written" } dd { (written(console, subject)) }
            @if let Some(status) = &subject.status {
                @if let Some(since) = status.since { dt { "Since" } dd { (moment(since)) } }
                @if let Some(at) = status.delete_after { dt { "Deleted for good" } dd { (moment(at)) } }
                @if let Some(unfit) = &status.unfit { dt { "Failed when tried" } dd .code { (said(unfit)) } }
            }
            dt { "Alerts go to" } dd { (alerts(subject)) }
        }
        @if visitor.is(Role::Administrator) { (standing::forms(subject, visitor)) }
    }
}

fn go_on(subject: &Subject, visitor: &Visitor) -> Markup {
    html! {
        section .card .notice {
            h2 { "Setting up is not finished" }
            p { "What was filled in is kept. Nothing runs before everything that is needed is there." }
            @if visitor.is(Role::Administrator) { p { a .button href=(subject.at("settings")) { "Continue setting up" } } }
        }
    }
}

fn written(console: &Console, subject: &Subject) -> Markup {
    html! {
        @match (subject.origin, &subject.kept) {
            (Some(Origin::File), _) => { "from the file " span .code { (said(&console.site.file().display().to_string())) } ": it is changed there, and shown here" }
            (_, Some(kept)) => { "here, version " (kept.version) " by " (said(&kept.by)) " on " (moment(kept.at)) }
            _ => "nowhere any more"
        }
    }
}

/// Who is told of failures, as far as the pack says which property that is.
fn alerts(subject: &Subject) -> Markup {
    match subject.tenant.as_ref().and_then(|tenant| tenant.alert_address().map(str::to_owned)) {
        Some(address) => html! { (said(&address)) },
        None => html! { "nobody" },
    }
}

/// Problems as a list, each with what to do.
fn told(title: &str, problems: &[Found]) -> Markup {
    let bad = problems.iter().any(Found::is_error);
    html! {
        section .card .trouble[bad] .notice[!bad] role="alert" {
            h2 { (title) }
            ul { @for problem in problems { li { (problem_line(problem)) } } }
        }
    }
}

fn problem_line(problem: &Found) -> Markup {
    let word = match problem.severity {
        Severity::Error => "Error",
        Severity::Warning => "Warning",
        Severity::Note => "Note",
    };
    html! {
        strong { (word) @if let Some(code) = &problem.code { " " (code) } ": " }
        @if !problem.key.is_empty() { span .code { (said(&problem.key)) } " " }
        (said(&problem.message))
        @if !problem.remedy.is_empty() { "; " (said(&problem.remedy)) }
    }
}
