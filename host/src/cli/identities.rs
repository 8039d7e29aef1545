//! `identities`: how the users of the directory and the persons of the time system match, and why where they do not.

use super::run::show_progress;
use super::{Exit, Place, json, open, print};
use crate::answer::{Identities, Identity};
use crate::history::Warning;
use crate::identities;
use crate::site::Site;
use crate::tenant::Tenant;

/// Identities a call for one page.
const PAGE: u32 = 500;

/// Matches directory users with time system people, and tells the likely cause where they do not match.
///
/// It reads both systems anew, stores no record, and shows what needs a look: a user without a person, a person without a
/// user, names that fit several; and what to do about each.
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
    let (mut tally, next) = (Tally::of(&page), page.next.take());
    let mut show = |page: Identities| page.items.iter().try_for_each(|identity| tally.show(identity, &args));
    show(page)?;
    let (site, tenant) = (&site, &tenant);
    let ask = |from| async move { Ok(tenant.pack.identities(site.host().lend(tenant), Some(from), PAGE).await?) };
    let ending = identities::pages(next, ask, show).await?;
    ending.warning().iter().for_each(|warning| eprintln!("{}", warned(warning)));
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

/// How many there are of each state.
#[derive(Debug, Default)]
struct Tally {
    /// Every state, in the order to show. The first needs no look.
    states: Vec<State>,
    pinned: u64,
    to_look_at: u64,
    shown: u64,
}

#[derive(Debug)]
struct State {
    name: String,
    number: u64,
    /// Whether a warning is about it: nobody knows then how many there are.
    is_unknown: bool,
}

impl Tally {
    fn of(first: &Identities) -> Self {
        let is_unknown = |state: &String| first.warnings.iter().any(|warning| warning.subject.as_ref() == Some(state));
        let state = |state: &String| State { name: state.clone(), number: 0, is_unknown: is_unknown(state) };
        Self { states: first.states.iter().map(state).collect(), ..Self::default() }
    }

    /// What is found by itself and has nothing to do is not worth a line.
    fn needs_a_look(&self, identity: &Identity) -> bool {
        self.states.first().is_none_or(|well| well.name != identity.state) || !identity.suggestion.is_empty()
    }

    fn show(&mut self, identity: &Identity, args: &Args) -> Result<(), Exit> {
        let needs_a_look = self.needs_a_look(identity);
        let is_shown = args.all || needs_a_look;
        if args.json {
            print([json(identity)?])?;
        } else if is_shown {
            print(head(self).into_iter().chain(lines(identity)))?;
        }
        self.count(identity, needs_a_look, is_shown);
        Ok(())
    }

    fn count(&mut self, identity: &Identity, needs_a_look: bool, is_shown: bool) {
        match self.states.iter_mut().find(|state| state.name == identity.state) {
            Some(state) => state.number += 1,
            // A pack should have named it.
            None => self.states.push(State { name: identity.state.clone(), number: 1, is_unknown: false }),
        }
        self.pinned += u64::from(identity.pinned);
        self.to_look_at += u64::from(needs_a_look);
        self.shown += u64::from(is_shown);
    }

    fn summary(&self) -> Vec<String> {
        let told = |state: &State| match state {
            State { name, number: 0, is_unknown: true } => format!("{name} not known"),
            State { name, number, .. } => format!("{name} {number}"),
        };
        let states = self.states.iter().map(|state| told(state) + ", ").collect::<String>();
        let states = states.strip_suffix(", ").map(|states| format!("{states}; ")).unwrap_or_default();
        let line = format!("{states}pinned {}; {} to look at", self.pinned, self.to_look_at);
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
    let code = if warning.code.is_empty() { String::new() } else { format!(" {} ", warning.code) };
    format!("warning{code} {}{subject}", warning.message)
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

    fn tally(about: &[Option<&str>]) -> Tally {
        let warning = |subject: &Option<&str>| Warning { code: "X".into(), message: String::new(), subject: subject.map(str::to_owned) };
        let states = ["found", "alone", "twice"].map(str::to_owned).to_vec();
        Tally::of(&Identities { items: Vec::new(), states, warnings: about.iter().map(warning).collect(), next: None })
    }

    #[test]
    fn what_is_found_needs_no_look() {
        let tally = tally(&[]);
        assert!(!tally.needs_a_look(&identity("found", "")));
        assert!(tally.needs_a_look(&identity("found", "Disable the user.")));
        assert!(tally.needs_a_look(&identity("alone", "")));
    }

    #[test]
    fn a_row_tells_who_and_what_to_do() {
        let lines = lines(&identity("matched", "Disable the user."));
        assert!(lines[0].starts_with("adiaz ") && lines[0].ends_with("7 (ana.diaz)") && lines[0].contains("matched, pinned"), "{lines:?}");
        assert_eq!(lines[1..], ["    Disable the user."]);
    }

    #[test]
    fn what_a_warning_makes_unknown_is_no_zero() {
        let mut tally = tally(&[None, Some("Store 12"), Some("twice")]);
        assert_eq!(tally.summary(), ["found 0, alone 0, twice not known; pinned 0; 0 to look at"]);
        tally.count(&identity("twice", ""), true, false);
        assert!(tally.summary()[0].contains("twice 1;"), "what came is counted all the same");
    }

    #[test]
    fn every_state_is_counted_also_where_there_is_none_and_one_that_no_pack_has_named() {
        let mut tally = tally(&[]);
        tally.count(&identity("found", ""), false, false);
        tally.count(&identity("else", ""), true, false);
        assert_eq!(tally.summary(), ["found 1, alone 0, twice 0, else 1; pinned 2; 1 to look at"]);
        assert_eq!(Tally::default().summary(), ["pinned 0; 0 to look at"]);
    }
}
