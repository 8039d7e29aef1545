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
    let until = now.saturating_add(u64::from(seconds).saturating_mul(1000));
    let mut changes = vec![Change::Claim(name.clone(), Claim { holder: holder.clone(), until })];
    journal.refresh()?;
    // What is long over goes along, so that the names do not grow without end.
    let over = journal.state.claims.iter().filter(|(other, claim)| **other != name && claim.until <= now);
    changes.extend(over.map(|(other, _)| Change::Claim(other.clone(), Claim { holder: String::new(), until: 0 })));
    journal.commit(changes, |state| match held(state, &name, now) {
        Some(other) if other != holder && Some(other) != instead.as_deref() => Err(other.to_owned()),
        _ => Ok(()),
    })
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
    fn names_whose_time_is_over_go() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(folder.path()).unwrap();
        for n in 0..10 {
            take(&mut journal, format!("mail/{n}"), "a".to_owned(), None, 0).unwrap().unwrap();
        }
        assert!(journal.state.claims.len() <= 2, "{:?}", journal.state.claims);
    }
}
