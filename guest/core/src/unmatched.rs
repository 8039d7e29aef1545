//! What a worker is found to be who is not exactly one person, in one sentence.
//!
//! A record has one reason for several of these and holds no more than the sentence, so the sentence tells them apart
//! again. It is made here and known again here, and nowhere else.

use crate::record::Record;
use crate::status::Reason;

const ABSENT: &str = "No person in Kronos has this user name, or the API user may not see the person.";
const PINNED: &str = "The property identities pins this user to person ";
const PERSONS: &str = "Several persons in Kronos have this user name: ";
const USERS: &str = "Several users of the directory have this name, in ";

/// Why a worker is not exactly one person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unmatched {
    /// Nobody, or nobody the API user may see.
    Absent,
    /// Pinned to a person number that is nobody's, or of nobody the API user may see.
    PinnedToNobody,
    /// Several persons of the time system.
    SeveralPersons,
    /// Several users of the directory, which no pin can tell apart: access is asked for by the name.
    SeveralUsers,
}

impl Unmatched {
    /// Which of them a record tells. None for a record of anything else, or without evidence.
    pub fn of(record: &Record) -> Option<Self> {
        let said = record.evidence.first()?.what.as_str();
        match record.reason {
            Reason::NotInKronos if said == ABSENT => Some(Self::Absent),
            Reason::NotInKronos if said.starts_with(PINNED) => Some(Self::PinnedToNobody),
            Reason::AmbiguousUser if said.starts_with(PERSONS) => Some(Self::SeveralPersons),
            Reason::AmbiguousUser if said.starts_with(USERS) => Some(Self::SeveralUsers),
            _ => None,
        }
    }
}

pub(crate) fn absent() -> String {
    ABSENT.to_owned()
}

pub(crate) fn pinned_to_nobody(number: &str) -> String {
    format!("{PINNED}{number}, who is not in Kronos, or whom the API user may not see.")
}

pub(crate) fn several_persons(numbers: &[String]) -> String {
    format!("{PERSONS}{}.", numbers.join(", "))
}

pub(crate) fn several_users(domains: &[String]) -> String {
    format!("{USERS}{}.", domains.join(", "))
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::record::{Evidence, Source};
    use crate::status::{SourceKind, Status};

    fn told(reason: Reason, what: String) -> Option<Unmatched> {
        Unmatched::of(&Record {
            user: "maria".into(),
            person_number: None,
            status: Status::Unknown,
            reason,
            since: None,
            zone: None,
            observed_at: DateTime::UNIX_EPOCH,
            source: Source { run: None, kind: SourceKind::Batch },
            evidence: vec![Evidence { at: None, what }],
        })
    }

    #[test]
    fn each_is_known_again_by_its_own_sentence() {
        let several = ["a".to_owned(), "b".to_owned()];
        for (reason, what, wanted) in [
            (Reason::NotInKronos, absent(), Unmatched::Absent),
            (Reason::NotInKronos, pinned_to_nobody("7"), Unmatched::PinnedToNobody),
            (Reason::AmbiguousUser, several_persons(&several), Unmatched::SeveralPersons),
            (Reason::AmbiguousUser, several_users(&several), Unmatched::SeveralUsers),
        ] {
            assert_eq!(told(reason, what), Some(wanted));
        }
    }

    #[test]
    fn other_words_and_the_words_of_the_time_system_are_none_of_them() {
        assert_eq!(told(Reason::NotInKronos, "Gone.".into()), None);
        assert_eq!(told(Reason::AmbiguousUser, "Two of them.".into()), None);
        assert_eq!(told(Reason::KronosError, absent()), None);
        assert_eq!(told(Reason::KronosError, several_users(&["a".to_owned()])), None);
    }
}
