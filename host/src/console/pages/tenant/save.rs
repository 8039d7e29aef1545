//! How a change that somebody typed is stored: checked as a whole, noted, and in force at once. Of two who change at the same time
//! the second is shown what the first did.

use std::time::Duration;

use axum::http::StatusCode;
use maud::{Markup, html};

use super::Subject;
use crate::config::Problem as Found;
use crate::console::form::{Posted, given};
use crate::console::frame::{Page, said};
use crate::console::moment::moment;
use crate::console::problem::sentence;
use crate::console::visitor::Visitor;
use crate::console::{Console, Problem};
use crate::managed::{Change, Conflict, Difference, Document, Edit, Path, Shown};
use crate::site::{ChangeError, Changed, ManagedState};

/// How long a page waits for a change to be in force.
const WAITS: Duration = Duration::from_secs(2);

/// What became of a change.
pub(in crate::console::pages) enum Stored {
    /// With why it is not in force, where it is not.
    Made(Changed, Option<String>),
    Refused(Vec<Found>),
    Late(Box<Conflict>),
}

/// The version that a form was made from.
pub(super) fn base(posted: &Posted) -> Result<u64, Problem> {
    let base = given(posted, "base").and_then(|text| text.parse().ok());
    base.ok_or_else(|| {
        Problem::bad_request("The form does not say which version it was made from.", "Go back, reload the page and send it again.")
    })
}

/// Why, if somebody said so.
pub(super) fn note(posted: &Posted) -> String {
    given(posted, "note").map(|text| text.trim().chars().take(500).collect()).unwrap_or_default()
}

/// The configuration of a version; of the newest where that one is forgotten.
pub(super) async fn document(console: &Console, subject: &Subject, base: u64) -> Result<Document, Problem> {
    let kept = subject.stored()?;
    if kept.version == base {
        return Ok(kept.document.clone());
    }
    Ok(console.site.version(&subject.name, base).await.map_or_else(|_| kept.document.clone(), |version| version.document))
}

/// Stores a change, noted with it, and has it in force.
pub(in crate::console::pages) async fn change(console: &Console, tenant: &str, change: &Change) -> Result<Stored, Problem> {
    let changed = console.site.change(tenant, change).await;
    settle(console, tenant, changed).await
}

/// What any way to change a tenant comes to.
pub(super) async fn settle(console: &Console, tenant: &str, changed: Result<Changed, ChangeError>) -> Result<Stored, Problem> {
    match changed {
        Ok(changed) => {
            take_over(console, tenant).await;
            let behind = not_in_force(console, tenant, changed.version);
            Ok(Stored::Made(changed, behind))
        }
        Err(ChangeError::Invalid(problems)) => Ok(Stored::Refused(problems)),
        Err(ChangeError::Conflict(conflict)) => Ok(Stored::Late(conflict)),
        Err(error) => Err(problem(error)),
    }
}

/// What was stored is in force on this host at once; the next look would do it too. Where it takes longer, as a component that is
/// tried first may, it goes on while the page says so.
pub(super) async fn take_over(console: &Console, tenant: &str) {
    let site = console.site.clone();
    let heeding = console.life.tracker.spawn(async move {
        if let Err(error) = site.heed().await {
            tracing::warn!(%error, "a change is not in force yet");
        }
    });
    let settled = async {
        let _ = heeding.await;
        console.site.tried(tenant).await;
    };
    let _ = tokio::time::timeout(WAITS, settled).await;
}

/// Why what was stored as this version is not in force; none where it is, or is a draft.
fn not_in_force(console: &Console, tenant: &str, version: u64) -> Option<String> {
    let managed = console.site.managed();
    let standing = managed.iter().find(|managed| managed.name == tenant && managed.version >= version).map(|managed| managed.state);
    let why = match standing {
        Some(ManagedState::InForce | ManagedState::Draft) => return None,
        Some(ManagedState::AsBefore) => "the version before goes on, since the component failed when it was tried: the history says why",
        Some(ManagedState::LeftOut) => "it is not run: something that it needs is not there",
        Some(ManagedState::InFile) => "the configuration file has a tenant of this name, which is in force instead",
        None if console.site.is_tried(tenant) => {
            "its component is tried first, and the version before goes on until that is done: the history says if it fails"
        }
        None => "it is not in force yet: the host goes on with it, and its log says why if that fails",
    };
    Some(format!("Saved, but {why}."))
}

pub(in crate::console::pages) fn problem(error: ChangeError) -> Problem {
    match error {
        ChangeError::NoKey => no_key(),
        ChangeError::Name(_) => Problem::bad_request(sentence(&error.to_string()), "Go back and choose another name."),
        ChangeError::Invalid(problems) => {
            let told = problems.iter().filter(|problem| problem.is_error()).map(|problem| format!("{} {}", problem.key, problem.message));
            Problem::conflict(told.collect::<Vec<_>>().join("; "), "Mend it under Settings, then try again.")
        }
        ChangeError::Conflict(conflict) => {
            Problem::conflict(sentence(&conflict.to_string()), "Look at the newest version, and do it again.")
        }
        ChangeError::Site(error) => error.into(),
    }
}

/// Nothing can be kept without a key.
pub(super) fn no_key() -> Problem {
    let text = "Tenants that are set up here are kept with their secrets sealed, and this host has no key for that.";
    let remedy = "Make one with `shift-access key new > console.key`, write key = { file = \"console.key\" } under [console] in the \
                  configuration file, and start the host again.";
    Problem::conflict(text, remedy)
}

/// What a visitor wants, as somebody who was late sees it again.
pub(super) struct Late<'a> {
    pub(super) edits: &'a [Edit],
    /// The fields to send again, those of secrets left out.
    pub(super) again: Posted,
    /// The fields of secrets, which have to be typed again: name and title.
    pub(super) secrets: Vec<String>,
    /// The form's own path.
    pub(super) action: String,
}

/// The page for who was late: theirs and yours beside each other, and what to do.
pub(super) fn conflict(subject: &Subject, visitor: &Visitor, conflict: &Conflict, late: &Late<'_>) -> Page {
    let rows = rows(conflict, late.edits);
    let content = html! {
        section .card .trouble role="alert" {
            h2 { "Somebody else was first" }
            p { "Version " (conflict.version) " was made by " (said(&conflict.by)) " on " (moment(conflict.at))
                @if let Some(base) = conflict.base { ", after version " (base) " that you looked at" } ". Nothing of yours is stored yet, and nothing is lost." }
        }
        div .wide tabindex="0" role="region" aria-label="Theirs and yours" {
            table {
                caption { @if conflict.both.is_empty() { "You changed different things." } @else { "Both changed what is marked." } }
                thead { tr { th scope="col" { "What" } th scope="col" { "Theirs" } th scope="col" { "Yours" } } }
                tbody {
                    @for (path, theirs, yours) in &rows {
                        tr {
                            th scope="row" .code { (said(&path.to_string())) @if conflict.both.contains(path) { " " span .tag .warn { "both" } } }
                            td { (said(theirs)) }
                            td { (said(yours)) }
                        }
                    }
                }
            }
        }
        h2 { "What to do" }
        div .card {
            @if late.again.is_empty() && late.secrets.is_empty() {
                p { "Look at the newest version, and make your change again if it is still needed." }
            } @else {
                p { "Your changes can be made on top of theirs; everything else stays as they left it." @if !conflict.both.is_empty() { " Where both changed the same, yours takes the place of theirs." } }
                form method="post" action=(late.action) data-busy="Saving" {
                    (visitor.form_token())
                    input type="hidden" name="base" value=(conflict.version);
                    @for (name, text) in &late.again { input type="hidden" name=(name) value=(text); }
                    @for (index, name) in late.secrets.iter().enumerate() {
                        div .field {
                            label for={ "secret-" (index) } { "Type again: " (said(&Path::try_from(name.clone()).map_or_else(|_| name.clone(), |path| path.to_string()))) }
                            input id={ "secret-" (index) } type="password" name=(name) value="" autocomplete="new-password";
                        }
                    }
                    button type="submit" { "Save mine on top" }
                }
            }
            p { a .button .plain href=(late.action) { "Keep theirs" } }
        }
    };
    subject.page("settings", "Changed meanwhile", content).with(StatusCode::CONFLICT)
}

/// Every path that either changed, with what both made of it.
fn rows(conflict: &Conflict, edits: &[Edit]) -> Vec<(Path, String, String)> {
    let mut rows: Vec<(Path, String, String)> =
        conflict.theirs.iter().map(|theirs| (theirs.path.clone(), their(theirs), "as it was".to_owned())).collect();
    for edit in edits {
        let (path, yours) = match edit {
            Edit::Set(path, value) => (path, value.to_string()),
            Edit::Secret(path, _) => (path, "a new secret".to_owned()),
            Edit::Remove(path) => (path, "nothing".to_owned()),
        };
        match rows.iter_mut().find(|(known, ..)| known == path) {
            Some(row) => row.2 = yours,
            None => rows.push((path.clone(), "as it was".to_owned(), yours)),
        }
    }
    rows
}

fn their(difference: &Difference) -> String {
    match (&difference.before, &difference.after) {
        (Shown::Secret, Shown::Secret) => "a new secret".to_owned(),
        (_, after) => after.to_string(),
    }
}

/// What changed, one a line, for a version or a copy.
pub(super) fn difference(difference: &Difference) -> Markup {
    html! {
        span .code { (said(&difference.path.to_string())) } ": "
        @match (&difference.before, &difference.after) {
            (Shown::Secret, Shown::Secret) => "changed",
            (Shown::Nothing, Shown::Secret) => "a secret, new",
            (Shown::Nothing, after) => { (said(&after.to_string())) ", new" },
            (before, Shown::Nothing) => { "removed, was " (said(&before.to_string())) },
            (before, after) => { (said(&before.to_string())) " → " (said(&after.to_string())) },
        }
    }
}
