//! A sheet of fields: shown, filled in, checked and stored. Connections and properties are drawn with it.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};

use super::fields::{Field, Typed};
use super::save::{self, Late, Stored};
use super::{Subject, steps, told};
use crate::config::{Problem as Found, Severity};
use crate::console::form::Posted;
use crate::console::frame::{Done, Page};
use crate::console::visitor::Visitor;
use crate::console::{Console, Problem, link};
use crate::managed::{Change, Edit, View};

/// What is on a sheet.
pub(super) struct Sheet {
    /// The end of its path.
    pub(super) rest: String,
    pub(super) fields: Vec<Field>,
    /// Those that hardly anybody needs.
    pub(super) more: Vec<Field>,
}

/// What the address says of how a sheet is shown.
#[derive(Debug, Default, serde::Deserialize)]
pub(in crate::console) struct Asked {
    /// Of a draft: that what is wrong is to be told. It is not before somebody has sent the sheet.
    #[serde(default)]
    checked: Option<String>,
}

/// The query that has it told.
const CHECKED: [(&str, &str); 1] = [("checked", "yes")];

/// The sheet as it is.
pub(super) fn show(subject: &Subject, visitor: &Visitor, sheet: &Sheet, asked: &Asked) -> Page {
    let tells = !subject.is_draft() || asked.checked.is_some();
    let known = subject.managed.as_ref().map(|managed| managed.problems.clone()).unwrap_or_default();
    let problems = if tells { with_warnings(subject, &subject.view, known) } else { Vec::new() };
    page(subject, visitor, sheet, &subject.view, &problems, subject.version())
}

fn page(subject: &Subject, visitor: &Visitor, sheet: &Sheet, view: &View, problems: &[Found], base: Option<u64>) -> Page {
    let steps = steps::all(subject.description.as_deref());
    let title = steps.iter().find(|step| step.rest == sheet.rest).map(|step| step.title.clone()).unwrap_or_default();
    let here: Vec<Found> =
        steps.iter().filter(|step| step.rest == sheet.rest).flat_map(|step| steps::on(step, problems)).cloned().collect();
    let content = html! {
        (steps::tabs(subject, &steps, &sheet.rest))
        @if subject.is_editable(visitor) { (form(subject, visitor, sheet, view, &here, base)) }
        @else {
            @if !here.is_empty() { (told("To look at", &here)) }
            dl { @for field in sheet.fields.iter().chain(&sheet.more) { (field.show(view)) } }
        }
    };
    subject.page(steps::BASICS, &title, content)
}

fn form(subject: &Subject, visitor: &Visitor, sheet: &Sheet, view: &View, here: &[Found], base: Option<u64>) -> Markup {
    let all = || sheet.fields.iter().chain(&sheet.more);
    let apart: Vec<_> = here.iter().filter(|problem| !all().any(|field| field.is_meant(problem))).cloned().collect();
    html! {
        @if !apart.is_empty() { (told("To look at", &apart)) }
        form .card method="post" action=(subject.at(&sheet.rest)) data-busy="Saving" {
            (visitor.form_token())
            input type="hidden" name="base" value=(base.unwrap_or_default());
            @for field in &sheet.fields { (field.draw(view, here)) }
            @if !sheet.more.is_empty() {
                details open[sheet.more.iter().any(|field| here.iter().any(|problem| field.is_meant(problem)))] {
                    summary { "More" }
                    @for field in &sheet.more { (field.draw(view, here)) }
                }
            }
            @if !subject.is_draft() {
                div .field {
                    label for="note" { "Why" }
                    input #note name="note" maxlength="500" autocomplete="off" aria-describedby="note-hint";
                    span .hint #note-hint { "For the list of versions, if you like." }
                }
            }
            button type="submit" { (if subject.is_draft() { "Continue" } else { "Save" }) }
        }
    }
}

/// What was sent: stored, refused beside its field, or shown beside what somebody else did meanwhile.
pub(super) async fn save(
    console: &Console,
    visitor: &Visitor,
    subject: &Subject,
    sheet: &Sheet,
    posted: &Posted,
) -> Result<Response, Problem> {
    subject.stored()?;
    let base = save::base(posted)?;
    let before = save::document(console, subject, base).await?;
    let mut typed = Typed::default();
    sheet.fields.iter().chain(&sheet.more).for_each(|field| field.read(posted, &before, &mut typed));
    if typed.edits.is_empty() && !subject.is_draft() {
        return Ok(Done::to(subject.at(&sheet.rest)).saying("Nothing was changed.").into_response());
    }
    let change = Change {
        base: Some(base),
        edits: typed.edits.clone(),
        draft: subject.is_draft(),
        by: visitor.name.clone(),
        note: save::note(posted),
    };
    match store(console, subject, sheet, change).await? {
        Stored::Made(changed, behind) => {
            let mut view = before;
            overlay(&mut view, &typed.edits);
            let problems = with_warnings(subject, &View::of(&view), changed.problems);
            Ok(go_on(subject, sheet, &typed, &problems, behind).into_response())
        }
        Stored::Refused(problems) => {
            let mut view = before;
            overlay(&mut view, &typed.edits);
            let mut problems = problems;
            if typed.edits.iter().any(|edit| matches!(edit, Edit::Secret(..))) {
                problems.extend(sheet.fields.iter().filter(|field| field.is_secret()).filter_map(|field| retype(field, &typed.edits)));
            }
            Ok(page(subject, visitor, sheet, &View::of(&view), &problems, Some(base))
                .with(StatusCode::UNPROCESSABLE_ENTITY)
                .into_response())
        }
        Stored::Late(conflict) => {
            let all = || sheet.fields.iter().chain(&sheet.more);
            let touched = |name: &str| all().any(|field| field.has(name) && typed.edits.iter().any(|edit| path(edit) == &field.path));
            let secret = |name: &str| all().any(|field| field.is_secret() && field.name() == name);
            let again = posted.iter().filter(|(name, _)| touched(name) && !secret(name)).cloned().collect();
            let secrets = typed.edits.iter().filter(|edit| matches!(edit, Edit::Secret(..))).map(|edit| path(edit).pointer()).collect();
            let late = Late { edits: &typed.edits, again, secrets, action: subject.at(&sheet.rest) };
            Ok(save::conflict(subject, visitor, &conflict, &late).into_response())
        }
    }
}

/// The last sheet of a draft makes a tenant of it, if it is complete by then.
async fn store(console: &Console, subject: &Subject, sheet: &Sheet, mut change: Change) -> Result<Stored, Problem> {
    let steps = steps::all(subject.description.as_deref());
    if subject.is_draft() && steps::after(&steps, &sheet.rest).is_none() {
        change.draft = false;
        match save::change(console, &subject.name, &change).await? {
            Stored::Refused(_) => change.draft = true,
            other => return Ok(other),
        }
    }
    save::change(console, &subject.name, &change).await
}

/// Where one goes on after a sheet was stored.
fn go_on(subject: &Subject, sheet: &Sheet, typed: &Typed, problems: &[Found], behind: Option<String>) -> Done {
    let steps = steps::all(subject.description.as_deref());
    let here: Vec<_> = steps.iter().filter(|step| step.rest == sheet.rest).flat_map(|step| steps::on(step, problems)).collect();
    let warned =
        here.iter().filter(|problem| problem.severity == Severity::Warning).map(|problem| format!("{}: {}.", problem.key, problem.message));
    let said: Vec<String> = typed.said.iter().cloned().chain(warned).collect();
    let done = |rest: &str, text: &str| {
        let all = std::iter::once(text.to_owned()).chain(said.iter().cloned()).collect::<Vec<_>>().join(" ");
        if said.is_empty() { Done::to(subject.at(rest)).saying(all) } else { Done::to(subject.at(rest)).warning(all) }
    };
    if let Some(why) = behind {
        return Done::to(subject.at(&sheet.rest)).warning(why);
    }
    if !subject.is_draft() {
        return done(&sheet.rest, "Saved, and in force.");
    }
    if here.iter().any(|problem| problem.is_error()) {
        return Done::to(link::with(&subject.at(&sheet.rest), CHECKED))
            .warning(format!("Saved as a draft. Something is missing or wrong below. {}", typed.said.join(" ")));
    }
    match steps::after(&steps, &sheet.rest) {
        Some(next) => done(&next, "Saved."),
        None if problems.iter().any(Found::is_error) => {
            let first = steps::first_wrong(&steps, problems);
            Done::to(link::with(&subject.at(&first), CHECKED)).warning("Saved as a draft. Something is missing or wrong here.")
        }
        None => done("run", "The tenant is set up. Test the connection before you schedule when it runs."),
    }
}

/// What the platform adds to what the check finds: somebody should be told when a scheduled run fails.
fn with_warnings(subject: &Subject, view: &View, mut problems: Vec<Found>) -> Vec<Found> {
    let Some(name) = subject.description.as_ref().and_then(|description| description.alert_property.clone()) else { return problems };
    let path = crate::managed::Path::of(["properties", name.as_str()]);
    let empty = match view.get(&path) {
        Some(crate::managed::Value::Text(text)) => text.trim().is_empty(),
        Some(_) => false,
        None => true,
    };
    let key = path.to_string();
    if empty && !problems.iter().any(|problem| problem.key == key) {
        let (message, remedy) = ("nobody is told when a scheduled run fails", "write the address of a person or a list");
        problems.push(found(key, Severity::Warning, message, remedy));
    }
    problems
}

fn retype(field: &Field, edits: &[Edit]) -> Option<Found> {
    let typed = edits.iter().any(|edit| matches!(edit, Edit::Secret(path, _) if *path == field.path));
    let (message, remedy) = ("nothing was saved, so this secret has to be typed again", "");
    typed.then(|| found(field.path.to_string(), Severity::Note, message, remedy))
}

fn found(key: String, severity: Severity, message: &str, remedy: &str) -> Found {
    let (message, remedy) = (message.to_owned(), remedy.to_owned());
    Found { severity, file: None, kept: None, line: None, column: None, key, code: None, message, remedy }
}

fn path(edit: &Edit) -> &crate::managed::Path {
    match edit {
        Edit::Set(path, _) | Edit::Secret(path, _) | Edit::Remove(path) => path,
    }
}

/// What was typed, over what is kept: secrets left out, and addresses that may hold one.
fn overlay(document: &mut crate::managed::Document, edits: &[Edit]) {
    for edit in edits {
        match edit {
            Edit::Set(_, crate::managed::Value::Text(text))
                if text.contains('@') && path(edit).keys().first().is_some_and(|key| key == "connections") => {}
            Edit::Set(path, value) => drop(document.set(path, value.clone())),
            Edit::Remove(path) => document.remove(path),
            Edit::Secret(..) => {}
        }
    }
}
