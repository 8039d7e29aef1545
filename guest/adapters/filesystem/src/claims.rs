//! Who has a name, and until when: what the platform keeps for itself in the same folder.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::journal::{Journal, StoreError};
use crate::state::{Change, Claim, State};

/// Takes a name; inside, who has it instead.
pub fn take(
    journal: &mut Journal,
    name: String,
    holder: String,
    instead: Option<String>,
    seconds: u32,
) -> Result<Result<(), String>, StoreError> {
    let now = now();
    let until = if seconds == 0 { 0 } else { now.saturating_add(u64::from(seconds).saturating_mul(1000)) };
    // This name and no other: what another commit says of others meanwhile is not known yet.
    let changes = vec![Change::Claim(name.clone(), Claim { holder: holder.clone(), until })];
    journal.commit(changes, |state| match held(state, &name, now) {
        Some(other) if other != holder && Some(other) != instead.as_deref() => Err(other.to_owned()),
        _ => Ok(()),
    })
}

/// Forgets the names whose time is over, so that they do not grow without end.
pub fn forget_over(state: &mut State) {
    let now = now();
    state.claims.retain(|_, claim| claim.until > now);
}

fn held<'s>(state: &'s State, name: &str, now: u64) -> Option<&'s str> {
    state.claims.get(name).filter(|claim| claim.until > now).map(|claim| claim.holder.as_str())
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Record;

    fn take_(journal: &mut Journal, holder: &str, instead: Option<&str>, seconds: u32) -> Result<(), String> {
        take(journal, "job".to_owned(), holder.to_owned(), instead.map(str::to_owned), seconds).unwrap()
    }

    #[test]
    fn one_has_it_until_it_is_given_back_passed_on_or_over() {
        let folder = tempfile::tempdir().unwrap();
        let (mut one, mut other) = (Journal::open(folder.path()).unwrap(), Journal::open(folder.path()).unwrap());
        assert_eq!(take_(&mut one, "a", None, 60), Ok(()));
        assert_eq!(take_(&mut other, "b", None, 60), Err("a".to_owned()));
        assert_eq!(take_(&mut one, "a", None, 60), Ok(()), "its holder may take it again");
        assert_eq!(take_(&mut other, "b", Some("a"), 60), Ok(()), "it is passed on");
        assert_eq!(take_(&mut one, "a", None, 60), Err("b".to_owned()));
        assert_eq!(take_(&mut other, "b", None, 0), Ok(()), "it is given back");
        assert_eq!(take_(&mut one, "a", None, 60), Ok(()));
    }

    #[test]
    fn who_takes_a_name_says_nothing_of_another_that_somebody_may_take_meanwhile() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(folder.path()).unwrap();
        let over = Claim { holder: "before".to_owned(), until: 1 };
        journal.commit(vec![Change::Claim("job".to_owned(), over)], |_| Ok::<_, ()>(())).unwrap().unwrap();
        take(&mut journal, "mail/1".to_owned(), "a".to_owned(), None, 60).unwrap().unwrap();
        let stored = std::fs::read(folder.path().join(format!("{:010}/{:020}", 1, 2))).unwrap();
        let Some(Record::Commit(changes)) = Record::read(&stored) else { panic!("it is a commit") };
        let names: Vec<_> = changes.iter().map(|change| if let Change::Claim(name, _) = change { name.as_str() } else { "" }).collect();
        assert_eq!(names, ["mail/1"]);
    }

    #[test]
    fn names_that_are_given_back_or_over_go() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(folder.path()).unwrap();
        take_(&mut journal, "a", None, 60).unwrap();
        take_(&mut journal, "a", None, 0).unwrap();
        assert!(journal.state.claims.is_empty(), "{:?}", journal.state.claims);
        let names = |until| (0..9).map(move |n| Change::Claim(format!("mail/{until}/{n}"), Claim { holder: "a".to_owned(), until }));
        journal.state.apply(names(1).chain(names(u64::MAX)).collect());
        forget_over(&mut journal.state);
        assert_eq!(journal.state.claims.len(), 9);
    }
}
