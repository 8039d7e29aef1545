//! Who would gain and who would lose access under other properties, told from what is stored. It stores nothing, so it is a page to
//! look at, and its address can be passed on.

use axum::extract::{Path, Query, State};
use maud::{Markup, html};

use super::super::super::form::{Posted, given};
use super::super::super::frame::{Page, said};
use super::super::super::{Console, Problem, ROOT, link};
use super::workers::worker_path;
use super::{failed, head, tenant, word};
use crate::answer::{Change, Comparison, Decision, Verdict};
use crate::description::{self, Kind, PropertyInfo, PropertyValue, Severity};
use crate::plugin::CallError;
use crate::tenant::Tenant;

/// The end of the path.
const PLACE: &str = "what-if";
/// Before the name of a property in the query.
const SET: &str = "set.";
/// Users that the plugin compares in one call.
const CALL: u32 = 250;
/// Calls for one page, which ends before them once it has so many rows.
const CALLS: usize = 6;
const ROWS: usize = 100;

/// Properties with other values than they have.
type Changed = Vec<(String, PropertyValue)>;
/// Properties, each with what is wrong with it.
type Wrong = Vec<(String, String)>;

/// What came of it so far.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Tally {
    all: u64,
    gain: u64,
    lose: u64,
}

/// What the page shows.
#[derive(Default)]
struct Compared {
    rows: Vec<Comparison>,
    /// With those of the pages before.
    tally: Tally,
    next: Option<String>,
}

/// `GET /console/tenants/{tenant}/what-if`
pub(in super::super::super) async fn show(
    State(console): State<Console>,
    Path(name): Path<String>,
    Query(asked): Query<Posted>,
) -> Result<Page, Problem> {
    let tenant = tenant(&console, &name)?;
    let (changed, mut wrong) = changed(&tenant, &asked);
    let mut compared = None;
    if wrong.is_empty() && !changed.is_empty() {
        wrong = refused(&console, &tenant, &changed).await?;
        if wrong.is_empty() {
            compared = Some(compare(&console, &tenant, &asked, &changed).await?);
        }
    }
    Ok(Page::new(format!("What if, of {}", tenant.name), ROOT, content(&tenant, &asked, &changed, &wrong, compared.as_ref())))
}

/// The properties that can be tried out here, and the text of each as it is now.
fn offered(tenant: &Tenant) -> Vec<(&PropertyInfo, String)> {
    let single = |info: &&PropertyInfo| info.what_if && !matches!(info.kind, Kind::Items | Kind::Table);
    let now = |info: &PropertyInfo| tenant.property(&info.name).map(text).unwrap_or_default();
    tenant.description.properties.iter().filter(single).map(|info| (info, now(info))).collect()
}

fn text(value: &PropertyValue) -> String {
    match value {
        PropertyValue::Text(text) => text.clone(),
        PropertyValue::Number(number) => number.to_string(),
        PropertyValue::Switch(on) => on.to_string(),
        PropertyValue::Items(items) => items.join(", "),
        PropertyValue::Table(_) => String::new(),
    }
}

/// What is asked about a property.
fn asked_of<'a>(asked: &'a Posted, name: &str) -> Option<&'a str> {
    given(asked, &format!("{SET}{name}"))
}

/// The properties that are asked about otherwise than they are, and what is wrong with any: its name, and what to write.
fn changed(tenant: &Tenant, asked: &Posted) -> (Changed, Wrong) {
    let (mut changed, mut wrong) = (Vec::new(), Vec::new());
    for (info, now) in offered(tenant) {
        let Some(then) = asked_of(asked, &info.name).map(str::trim).filter(|then| *then != now) else { continue };
        match description::assignment(std::slice::from_ref(info), &format!("{}={then}", info.name)) {
            Ok(set) => changed.push(set),
            Err(message) => wrong.push((info.name.clone(), message)),
        }
    }
    (changed, wrong)
}

/// What the pack itself finds wrong with the whole of them.
async fn refused(console: &Console, tenant: &Tenant, changed: &[(String, PropertyValue)]) -> Result<Wrong, Problem> {
    let mut then = tenant.clone();
    changed.iter().for_each(|(name, value)| then.set(name, value.clone()));
    let problems = tenant.pack.check(&then.properties).await.map_err(|error| failed(console, tenant, &error))?;
    let errors = problems.into_iter().filter(|problem| problem.severity == Severity::Error);
    Ok(errors.map(|problem| (problem.key, format!("{} {}", problem.message, problem.remedy))).collect())
}

async fn compare(console: &Console, tenant: &Tenant, asked: &Posted, changed: &[(String, PropertyValue)]) -> Result<Compared, Problem> {
    let number = |name| given(asked, name).and_then(|value| value.parse().ok()).unwrap_or_default();
    let mut cursor = given(asked, "from").map(str::to_owned);
    let tally = match &cursor {
        Some(_) => Tally { all: number("all"), gain: number("gain"), lose: number("lose") },
        None => Tally::default(),
    };
    let mut compared = Compared { tally, ..Compared::default() };
    for _ in 0..CALLS {
        let page = tenant.pack.what_if(console.site.host().lend(tenant), changed, cursor.clone(), CALL).await;
        let page = page.map_err(|error| match (&error, &cursor) {
            (CallError::Failure(failure), Some(_)) => {
                Problem::bad_request(format!("The list has no such page: {}", failure.message), "Begin at the first page of the list.")
            }
            _ => failed(console, tenant, &error),
        })?;
        page.items.iter().for_each(|item| compared.tally.add(item.change));
        compared.rows.extend(page.items.into_iter().filter(|item| item.change != Change::None));
        cursor = page.next;
        if cursor.is_none() || compared.rows.len() >= ROWS {
            break;
        }
    }
    compared.next = cursor;
    Ok(compared)
}

impl Tally {
    fn add(&mut self, change: Change) {
        self.all = self.all.saturating_add(1);
        self.gain = self.gain.saturating_add(u64::from(change == Change::Gains));
        self.lose = self.lose.saturating_add(u64::from(change == Change::Loses));
    }
}

fn content(
    tenant: &Tenant,
    asked: &Posted,
    changed: &[(String, PropertyValue)],
    wrong: &[(String, String)],
    compared: Option<&Compared>,
) -> Markup {
    let offered = offered(tenant);
    let elsewhere = wrong.iter().filter(|(name, _)| !offered.iter().any(|(info, _)| info.name == *name));
    html! {
        (head(tenant, PLACE, &html! { "What if" }))
        p { "Change properties as they would be, and see who gains and who loses access. Nothing is stored." }
        @if offered.is_empty() { p { "The pack can show this of no property." } } @else {
            form .card method="get" action=(link::tenant(&tenant.name, PLACE)) {
                @for (name, message) in elsewhere { p .wrong { (said(name)) ": " (said(message)) } }
                @for (info, now) in &offered { (field(info, now, asked_of(asked, &info.name), wrong)) }
                button type="submit" { "Show who gains and who loses" }
            }
        }
        @match compared {
            Some(compared) => (result(tenant, asked, changed, compared)),
            None if wrong.is_empty() && asked.iter().any(|(name, _)| name.starts_with(SET)) => p { "All properties are as they are now: nobody gains and nobody loses." },
            None => {},
        }
    }
}

fn field(info: &PropertyInfo, now: &str, then: Option<&str>, wrong: &[(String, String)]) -> Markup {
    let (id, name, value) = (format!("set-{}", info.name), format!("{SET}{}", info.name), then.unwrap_or(now));
    let wrong = wrong.iter().find(|(of, _)| *of == info.name).map(|(_, message)| message);
    let hint = format!("{id}-hint");
    let options = match &info.kind {
        Kind::Switch => Some(vec!["true", "false"]),
        Kind::Choice(choices) => Some(choices.iter().map(String::as_str).collect()),
        _ => None,
    };
    html! {
        div .field {
            label for=(id) { (info.title) }
            @match (&options, &info.kind) {
                (Some(options), _) => select #(id) name=(name) aria-describedby=(hint) {
                    @for option in options { option value=(option) selected[*option == value] { (option) } }
                },
                (None, Kind::Number(least, most)) => {
                    input #(id) type="number" name=(name) value=(value) min=(least) max=(most) aria-describedby=(hint) aria-invalid=[wrong.map(|_| "true")];
                }
                _ => input #(id) name=(name) value=(value) aria-describedby=(hint) aria-invalid=[wrong.map(|_| "true")];,
            }
            span #(hint) .hint { (info.summary) " Now: " (said(if now.is_empty() { "nothing" } else { now })) "." }
            @if let Some(message) = wrong { span .wrong { (said(message)) } }
        }
    }
}

fn result(tenant: &Tenant, asked: &Posted, changed: &[(String, PropertyValue)], compared: &Compared) -> Markup {
    let Tally { all, gain, lose } = &compared.tally;
    html! {
        h2 { "Who gains and who loses" }
        p .lead { @if compared.next.is_some() { "Of the first " (all) " users" } @else { "Of all " (all) " users" } ", " (gain) " gain access and " (lose) " lose it." }
        p { "With " @for (at, (name, value)) in changed.iter().enumerate() { @if at > 0 { ", " } (said(name)) " = " (said(&text(value))) } "." }
        @if !compared.rows.is_empty() {
            div .wide tabindex="0" role="region" aria-label="Who gains and who loses" {
                table {
                    thead { tr { th scope="col" { "User" } th scope="col" { "Would" } th scope="col" { "Now" } th scope="col" { "Then" } } }
                    tbody { @for row in &compared.rows { (line(tenant, row)) } }
                }
            }
        }
        @if let Some(next) = &compared.next { p { a href=(more(tenant, asked, compared, next)) { "Look at more users" } } }
    }
}

fn line(tenant: &Tenant, row: &Comparison) -> Markup {
    let (told, class) = match row.change {
        Change::Gains => ("gain", "good"),
        Change::Loses => ("lose", "bad"),
        Change::None => ("keep", ""),
    };
    let decision = |decision: &Decision| {
        let verdict = match decision.decision {
            Verdict::Allow => "allow",
            Verdict::Deny => "deny",
        };
        html! { (verdict) ", " (said(&word(&decision.reason))) }
    };
    html! {
        tr {
            th scope="row" { a href=(worker_path(&tenant.name, &row.user)) { (said(&row.user)) } }
            td { span class={ "tag " (class) } { (told) } }
            td { (decision(&row.today)) }
            td { (decision(&row.then)) }
        }
    }
}

/// The next page of the same, with what is known by now.
fn more(tenant: &Tenant, asked: &Posted, compared: &Compared, next: &str) -> String {
    let Tally { all, gain, lose } = &compared.tally;
    let told = [("all", all), ("gain", gain), ("lose", lose)].map(|(name, value)| (name, value.to_string()));
    let set = asked.iter().filter(|(name, _)| name.starts_with(SET)).map(|(name, value)| (name.as_str(), value.as_str()));
    let told = told.iter().map(|(name, value)| (*name, value.as_str()));
    link::with_all(&link::tenant(&tenant.name, PLACE), set.chain(told).chain([("from", next)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_shows_what_was_typed_as_text_and_what_is_wrong_with_it() {
        let hostile = "\"><script>alert(1)</script>";
        let info = |kind| PropertyInfo {
            name: "most".to_owned(),
            title: "Most".to_owned(),
            summary: String::new(),
            kind,
            default: None,
            required: false,
            what_if: true,
        };
        let wrong = [("most".to_owned(), "write a number from 1 to 5".to_owned())];
        let shown = field(&info(Kind::Number(1, 5)), "3", Some(hostile), &wrong).0;
        assert!(!shown.contains("<script") && shown.contains("write a number") && shown.contains("aria-invalid=\"true\""), "{shown}");
        let shown = field(&info(Kind::Switch), "true", Some("false"), &[]).0;
        assert!(shown.contains("value=\"false\" selected") && !shown.contains("value=\"true\" selected"), "{shown}");
    }
}
