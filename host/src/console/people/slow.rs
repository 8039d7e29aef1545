//! Slows down who tries passwords: by the name that is tried, and by the address it is tried from.
//!
//! The first tries are free. Each failure after them doubles the time until the next try is looked at, up to some minutes; who
//! then waits long enough begins anew. Nobody is locked out for good, since that would be a way to lock out somebody else. A
//! try counts as failed from its beginning, so many at once gain nothing. Kept in memory, by each process.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

/// Failures that cost nothing.
const FREE: u32 = 5;
/// The longest wait.
const LONGEST: Duration = Duration::from_secs(300);
/// After this time without a try everything is forgotten.
const FORGOTTEN: TimeDelta = TimeDelta::minutes(30);
/// Names and addresses remembered at most.
const MOST: usize = 20_000;

/// How long somebody has to wait before the next try is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wait(pub(crate) Duration);

/// Who or what is tried.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Subject {
    Name(String),
    Address(IpAddr),
}

#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    last: DateTime<Utc>,
}

/// What was tried in vain.
#[derive(Default)]
pub(crate) struct Slow {
    failures: Mutex<HashMap<Subject, Failures>>,
}

impl Slow {
    /// Before a password is looked at. The try counts as failed until [`Slow::succeeded`].
    ///
    /// # Errors
    /// How long to wait, where it is too early.
    pub(crate) fn attempt(&self, name: &str, address: IpAddr, now: DateTime<Utc>) -> Result<(), Wait> {
        let mut failures = self.failures();
        let subjects = subjects(name, address);
        let left = subjects.iter().filter_map(|subject| failures.get(subject)?.left(now)).max();
        if let Some(left) = left {
            return Err(Wait(left));
        }
        make_room(&mut failures, now);
        for subject in subjects {
            let found = failures.entry(subject).or_insert(Failures { count: 0, last: now });
            found.count = if now - found.last >= FORGOTTEN { 1 } else { found.count.saturating_add(1) };
            found.last = now;
        }
        Ok(())
    }

    /// The password was right: the name is free again, and this try does not count for the address.
    pub(crate) fn succeeded(&self, name: &str, address: IpAddr) {
        let mut failures = self.failures();
        let [name, address] = subjects(name, address);
        failures.remove(&name);
        if let Some(found) = failures.get_mut(&address) {
            found.count = found.count.saturating_sub(1);
        }
    }

    fn failures(&self) -> MutexGuard<'_, HashMap<Subject, Failures>> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Failures {
    /// How long until the next try; `None` where it may be now.
    fn left(&self, now: DateTime<Utc>) -> Option<Duration> {
        let wait = delay(self.count);
        let gone = (now - self.last).to_std().unwrap_or_default();
        wait.checked_sub(gone).filter(|left| !left.is_zero())
    }
}

/// After this many failures in a row.
fn delay(failures: u32) -> Duration {
    match failures.checked_sub(FREE) {
        None => Duration::ZERO,
        Some(over) => Duration::from_secs(1_u64.checked_shl(over.min(30)).unwrap_or(u64::MAX)).min(LONGEST),
    }
}

/// A name however it is written, cut so that it takes no room; of an address of version 6 the network, which is one customer's.
fn subjects(name: &str, address: IpAddr) -> [Subject; 2] {
    let name: String = name.chars().take(super::LONGEST_NAME).collect::<String>().to_lowercase();
    let address = match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() & !u128::from(u64::MAX)).into()),
        v4 => v4,
    };
    [Subject::Name(name), Subject::Address(address)]
}

/// Forgets what is old, and where that is not enough, whoever has failed least.
fn make_room(failures: &mut HashMap<Subject, Failures>, now: DateTime<Utc>) {
    if failures.len() < MOST {
        return;
    }
    failures.retain(|_, found| now - found.last < FORGOTTEN);
    let mut least = 1;
    while failures.len() >= MOST {
        failures.retain(|_, found| found.count > least);
        least = least.saturating_mul(2);
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::now;
    use super::*;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    /// How often somebody may try within a time, who tries whenever it is allowed.
    fn tries(slow: &Slow, name: &str, from: IpAddr, within: TimeDelta) -> u32 {
        let (mut at, mut tried) = (now(), 0);
        while at < now() + within {
            match slow.attempt(name, from, at) {
                Ok(()) => tried += 1,
                Err(Wait(left)) => at += left,
            }
        }
        tried
    }

    #[test]
    fn who_goes_on_failing_waits_longer_and_longer() {
        let slow = Slow::default();
        for _ in 0..FREE {
            slow.attempt("ana", address(1), now()).unwrap();
        }
        assert_eq!(slow.attempt("ana", address(1), now()), Err(Wait(Duration::from_secs(1))));
        slow.attempt("ana", address(1), now() + TimeDelta::seconds(1)).unwrap();
        assert_eq!(slow.attempt("ANA", address(9), now() + TimeDelta::seconds(1)), Err(Wait(Duration::from_secs(2))), "from elsewhere too");
        assert!(slow.attempt("bo", address(9), now() + TimeDelta::seconds(1)).is_ok());
        let day = tries(&Slow::default(), "ana", address(1), TimeDelta::days(1));
        assert!((100..320).contains(&day), "{day} tries a day");
    }

    #[test]
    fn one_address_cannot_try_many_names() {
        let slow = Slow::default();
        let taken = (0..100).filter(|number| slow.attempt(&format!("u{number}"), address(1), now()).is_ok()).count();
        assert_eq!(taken, FREE as usize);
        let network = |host: u16| IpAddr::from([0x2001, 0xdb8, 0, 7, 0, 0, 0, host]);
        let taken = (0..100).filter(|host| slow.attempt(&format!("v{host}"), network(*host), now()).is_ok()).count();
        assert_eq!(taken, FREE as usize, "a network of version 6 is one");
    }

    #[test]
    fn a_right_password_frees_the_name_and_takes_nothing_off_the_address() {
        let slow = Slow::default();
        for number in 0..FREE - 1 {
            slow.attempt(&format!("u{number}"), address(1), now()).unwrap();
        }
        slow.attempt("own", address(1), now()).unwrap();
        slow.succeeded("own", address(1));
        slow.attempt("bo", address(1), now()).unwrap();
        assert!(slow.attempt("cy", address(1), now()).is_err(), "an own account would make room to try others");
    }

    #[test]
    fn memory_does_not_grow_with_names_and_the_worst_are_kept() {
        let slow = Slow::default();
        for _ in 0..FREE {
            slow.attempt("ana", address(1), now()).unwrap();
        }
        for number in 0..MOST * 2 {
            let from = IpAddr::from(u32::try_from(number).unwrap().to_be_bytes());
            let _ = slow.attempt(&format!("u{number}"), from, now());
        }
        assert!(slow.failures().len() <= MOST + 1);
        assert!(slow.attempt("ana", address(2), now()).is_err());
        assert!(slow.attempt("ana", address(2), now() + FORGOTTEN).is_ok());
    }
}
