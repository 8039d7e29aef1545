//! `identities`: how the users of the directory and the persons of the time system match, and why where they do not.

use std::collections::BTreeMap;

use super::run::show_progress;
use super::{Exit, Place, json, open, print};
use crate::answer::{Identities, Identity};
use crate::history::Warning;
use crate::site::Site;
use crate::tenant::Tenant;

/// Identities a call for one page.
const PAGE: u32 = 500;

/// The states, in the order to count them up.
const STATES: [&str; 4] = [MATCHED, "only-directory", "only-kronos", "ambiguous"];
const MATCHED: &str = "matched";

/// Matches directory users with time system people, and tells the likely cause where they do not match.
///
/// It reads both systems anew, stores no record, and shows what needs a look: a user without a person, a person without a
/// user, names that fit several. What to pin by hand goes into the tenant's property `identities`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The tenant.
    tenant: String,
    /// Show those as well that need no look.
    #[arg(long)]
    all: bool,
    /// Print one JSON object a line, for every identity.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(place: &Place, args: Args) -> Result<(), Exit> {
    let site = open(place).await?;
    let tenant = site.tenant(&args.tenant)?;
    let mut page = first(&site, &tenant).await?;
    page.warnings.iter().for_each(|warning| eprintln!("{}", warned(warning)));
    let mut tally = Tally { unknown: unknown(&page.warnings), ..Tally::default() };
    loop {
        for identity in &page.items {
            let is_shown = args.all || needs_a_look(identity);
            if args.json {
                print([json(identity)?])?;
            } else if is_shown {
                print(head(&tally).into_iter().chain(lines(identity)))?;
            }
            tally.count(identity, is_shown);
        }
        let Some(next) = page.next.take() else { break };
        page = tenant.pack.identities(site.host().lend(&tenant), Some(next), PAGE).await?;
    }
    if args.json { Ok(()) } else { print(tally.summary()) }
}

/// The first page, on which the plugin does all the reading.
async fn first(site: &Site, tenant: &Tenant) -> Result<Identities, Exit> {
    let lent = site.host().lend(tenant);
    let bar = show_progress(format!("{} identities", tenant.name), lent.journal.watch());
    let page = tenant.pack.identities(lent, None, PAGE).await;
    bar.await;
    Ok(page?)
}

/// The states that a warning is about: of these nobody knows how many there are.
fn unknown(warnings: &[Warning]) -> Vec<&'static str> {
    STATES.into_iter().filter(|state| warnings.iter().any(|warning| warning.subject.as_deref() == Some(*state))).collect()
}

/// What is found by itself and has nothing to do is not worth a line.
fn needs_a_look(identity: &Identity) -> bool {
    identity.state != MATCHED || !identity.suggestion.is_empty()
}

/// How many there are of each state.
#[derive(Debug, Default)]
struct Tally {
    states: BTreeMap<String, u64>,
    pinned: u64,
    to_look_at: u64,
    shown: u64,
    /// States of which it is not known.
    unknown: Vec<&'static str>,
}

impl Tally {
    fn count(&mut self, identity: &Identity, is_shown: bool) {
        *self.states.entry(identity.state.clone()).or_default() += 1;
        self.pinned += u64::from(identity.pinned);
        self.to_look_at += u64::from(needs_a_look(identity));
        self.shown += u64::from(is_shown);
    }

    fn summary(&self) -> Vec<String> {
        let number = |state| match self.states.get(state) {
            None if self.unknown.contains(&state) => "not known".to_owned(),
            number => number.unwrap_or(&0).to_string(),
        };
        let states = STATES.map(|state| format!("{state} {}", number(state))).join(", ");
        let line = format!("{states}; pinned {}; {} to look at", self.pinned, self.to_look_at);
        if self.shown > 0 { vec![String::new(), line] } else { vec![line] }
    }
}

/// The head of the table, before its first row.
fn head(tally: &Tally) -> Option<String> {
    (tally.shown == 0).then(|| row("user", "state", "cause", "person"))
}

fn lines(identity: &Identity) -> Vec<String> {
    let user = identity.user.as_deref().unwrap_or("-");
    let mut person = identity.person_numbers.join(", ");
    if let Some(name) = &identity.person_user {
        person = if person.is_empty() { name.clone() } else { format!("{person} ({name})") };
    }
    let state = if identity.pinned { format!("{}, pinned", identity.state) } else { identity.state.clone() };
    let mut lines = vec![row(user, &state, identity.cause.as_deref().unwrap_or("-"), if person.is_empty() { "-" } else { &person })];
    let told = [&identity.explanation, &identity.suggestion];
    lines.extend(told.into_iter().filter(|text| !text.is_empty()).map(|text| format!("    {text}")));
    lines
}

fn row(user: &str, state: &str, cause: &str, person: &str) -> String {
    format!("{user:24}  {state:22}  {cause:16}  {person}")
}

fn warned(warning: &Warning) -> String {
    let subject = warning.subject.as_deref().map(|subject| format!(" [{subject}]")).unwrap_or_default();
    format!("warning {}  {}{subject}", warning.code, warning.message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(state: &str, suggestion: &str) -> Identity {
        Identity {
            state: state.to_owned(),
            user: Some("adiaz".to_owned()),
            person_numbers: vec!["7".to_owned()],
            person_user: Some("ana.diaz".to_owned()),
            pinned: true,
            cause: None,
            explanation: String::new(),
            suggestion: suggestion.to_owned(),
        }
    }

    #[test]
    fn a_plain_match_needs_no_look() {
        assert!(!needs_a_look(&identity(MATCHED, "")));
        assert!(needs_a_look(&identity(MATCHED, "Disable the user.")));
        assert!(needs_a_look(&identity("only-kronos", "")));
    }

    #[test]
    fn a_row_tells_who_and_what_to_do() {
        let lines = lines(&identity(MATCHED, "Disable the user."));
        assert!(lines[0].starts_with("adiaz ") && lines[0].ends_with("7 (ana.diaz)") && lines[0].contains("matched, pinned"), "{lines:?}");
        assert_eq!(lines[1..], ["    Disable the user."]);
    }

    #[test]
    fn what_a_warning_makes_unknown_is_no_zero() {
        let warning = |subject: Option<&str>| Warning { code: "X".to_owned(), message: String::new(), subject: subject.map(str::to_owned) };
        assert!(unknown(&[warning(None), warning(Some("Store 12"))]).is_empty());
        let tally = Tally { unknown: unknown(&[warning(Some("only-kronos"))]), ..Tally::default() };
        assert!(tally.summary()[0].contains("only-kronos not known, ambiguous 0"), "{:?}", tally.summary());
    }

    #[test]
    fn every_state_is_counted_also_where_there_is_none() {
        let mut tally = Tally::default();
        tally.count(&identity(MATCHED, ""), false);
        assert_eq!(tally.summary(), ["matched 1, only-directory 0, only-kronos 0, ambiguous 0; pinned 1; 0 to look at"]);
    }
}
