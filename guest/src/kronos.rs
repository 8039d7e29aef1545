//! What is asked of UKG Pro WFM (Kronos): people by user name or number, everybody, time cards, the on-premise flag, time zones.
//!
//! A list is cut into pages within UKG's documented limits, and answers are handed on page by page: nothing here grows
//! with the number of workers beyond what the caller asked for at once. Whatever says more than one thing about one
//! worker says it about that worker only (facts/ukg-pro-wfm.md §3.7).

mod card;
mod entries;
mod everybody;
mod on_premise;
mod parts;
mod people;
mod timecards;
mod who;
mod zones;

use std::cell::Cell;

use chrono::NaiveDate;
use shift_access_core::identity::Person;
use shift_access_core::timecard::Timecard;
use shift_access_core::zone::KronosZone;

use crate::call::gate::Gate;
use crate::call::said::Said;
use crate::call::{Answer, Call, System, blame};
use crate::trouble::Trouble;
pub use entries::Ids;
pub use everybody::{Listed, Roll};
use parts::Stop;

/// People in one call, UKG's limit (facts/ukg-pro-wfm.md §2.1).
const PEOPLE_A_CALL: usize = 1000;
/// People by number in one call: the answer is heavy, and four of them are under way at once (facts/ukg-pro-wfm.md §2.1).
const NUMBERS_A_CALL: usize = 200;
/// People on one page of the list of everybody. UKG allows 10,000 (facts/ukg-pro-wfm.md §2.2); a page is held at once. It is a
/// power of two, so that half a page begins where a page began, however often it is halved: UKG counts pages, not people.
const LISTED_A_PAGE: usize = 1024;
/// Time cards in one call: UKG's advice (facts/ukg-pro-wfm.md §4), far below its limit of 500 (§3.3). A card is about six
/// kilobytes, four answers are here at once, and memory that was once taken is never given back.
const CARDS_A_CALL: usize = 25;
/// Time cards in one call where events ask: fewer calls and larger answers, as such calls come every few seconds.
const CARDS_A_CALL_FOR_EVENTS: usize = 100;
/// On-premise flags in one call, UKG's limit (facts/ukg-pro-wfm.md §3.1).
const FLAGS_A_CALL: usize = 500;
/// Calls at once, UKG's advice (facts/ukg-pro-wfm.md §4).
const CALLS_AT_ONCE: usize = 4;

/// The user the connection logs in as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurrentUser {
    /// The user name.
    pub user_name: String,
    /// The person number, where there is one.
    pub person_number: Option<String>,
    /// The text of the user's time zone.
    pub zone: Option<String>,
}

/// What UKG knows of some user names. A name in neither list is not in UKG, or hidden from the API user.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct People {
    /// Everybody found; two persons of one name are both here.
    pub found: Vec<Person>,
    /// The person numbers by UKG's own ids: an answer may name a person by the id alone.
    pub ids: Ids,
    /// Names for which UKG answered an error, with its words.
    pub failed: Vec<(String, String)>,
}

/// The client. One lives as long as one run, and remembers the page sizes that UKG could cope with.
#[derive(Debug)]
pub struct Kronos {
    gate: Gate,
    people: Cell<usize>,
    numbers: Cell<usize>,
    cards: Cell<usize>,
    flags: Cell<usize>,
    /// Known once UKG has found somebody under another spelling of the user name.
    case_blind: Cell<bool>,
}

impl Kronos {
    /// A client that has yet to learn what UKG can cope with.
    pub fn new() -> Self {
        Self {
            gate: Gate::new(CALLS_AT_ONCE),
            people: Cell::new(PEOPLE_A_CALL),
            numbers: Cell::new(NUMBERS_A_CALL),
            cards: Cell::new(CARDS_A_CALL),
            flags: Cell::new(FLAGS_A_CALL),
            case_blind: Cell::new(false),
        }
    }

    /// The same for what events ask: more in one call, since such a client lives for one handful of events.
    pub fn for_events() -> Self {
        Self { cards: Cell::new(CARDS_A_CALL_FOR_EVENTS), ..Self::new() }
    }

    /// Who the connection logs in as: the cheapest call that proves the login.
    pub async fn current_user(&self) -> Result<CurrentUser, Trouble> {
        let answer = self.read(Call::get("/api/v1/commons/persons/current_user_info")).await?;
        who::read(&answer.body).ok_or_else(|| puzzling(&answer, "the question who is logged in"))
    }

    /// Finds the persons with these user names, which are to be distinct.
    pub async fn people(&self, names: &[String]) -> Result<People, Trouble> {
        people::people(self, names).await
    }

    /// Finds the persons with these person numbers, which are to be distinct. User names are as UKG writes them, blanks
    /// around them included; a person without one has an empty one.
    pub async fn people_numbered(&self, numbers: &[String]) -> Result<People, Trouble> {
        people::numbered(self, numbers).await
    }

    /// Hands everybody the API user may see to `sink`, page by page, those who have left included. The sink answers how many
    /// of a page are new to it: somebody may come twice where the list moves while it is read.
    ///
    /// Numbers of the catalogue beside those of the connection: 14 if the API user may not list people.
    pub async fn everybody<F>(&self, sink: F) -> Result<Roll, Trouble>
    where
        F: AsyncFnMut(Vec<Listed>) -> Result<u64, Trouble>,
    {
        everybody::everybody(self, sink).await
    }

    /// The time cards of these person numbers, which are to be distinct, from the first day up to `until`, exclusive.
    /// One result for each number, in no particular order. `ids` as found with the people.
    pub async fn timecards(
        &self,
        numbers: &[String],
        ids: &Ids,
        from: NaiveDate,
        until: NaiveDate,
    ) -> Result<Vec<(String, Result<Timecard, String>)>, Trouble> {
        timecards::timecards(self, numbers, ids, from, until).await
    }

    /// Whether these persons are on the premises now, as UKG itself sees it. One result for each number.
    pub async fn on_premise(&self, numbers: &[String]) -> Result<Vec<(String, Result<bool, String>)>, Trouble> {
        on_premise::on_premise(self, numbers).await
    }

    /// The tenant's time zones.
    pub async fn zones(&self) -> Result<Vec<KronosZone>, Trouble> {
        let answer = self.read(Call::get("/api/v1/commons/setup/timezones")).await?;
        zones::read(&answer.body).ok_or_else(|| puzzling(&answer, "the list of time zones"))
    }

    async fn read(&self, call: Call) -> Result<Answer, Trouble> {
        let _pass = self.gate.enter().await;
        crate::call::read(System::Kronos, call).await
    }

    /// Sends a question about a list of persons, and tells a refusal that a shorter list can mend from one it cannot.
    async fn ask(&self, call: Call) -> Result<Answer, Stop> {
        let _pass = self.gate.enter().await;
        parts::judge(crate::call::send(System::Kronos, call).await)
    }
}

impl Default for Kronos {
    fn default() -> Self {
        Self::new()
    }
}

/// The readers of answers alone, each of which lets go of what it read.
#[cfg(feature = "fuzz")]
pub mod readers {
    pub use super::everybody::fuzz as everybody;
    pub use super::on_premise::fuzz as on_premise;
    pub use super::people::fuzz as people;
    pub use super::timecards::fuzz as timecards;
    pub use super::zones::fuzz as zones;

    /// Whom a fuzzed question is about.
    pub(super) fn asked() -> Vec<String> {
        ["1", "100007", "adiaz"].map(str::to_owned).to_vec()
    }
}

fn puzzling(answer: &Answer, what: &str) -> Trouble {
    blame::not_understood(System::Kronos, answer, what)
}

/// What UKG said of one worker, with the request id of the answer it stood in.
fn words(said: &Said, answer: &Answer) -> String {
    blame::with_request_id(System::Kronos, said.to_string(), answer.request_id.as_deref())
}
