//! What a tenant uses at the moment, and has used of late. It lasts from call to call, as long as the host.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Limits;
use super::pace::Pace;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

/// One tenant's account with one host.
#[derive(Debug)]
pub(crate) struct Account {
    limits: Arc<Limits>,
    /// Processors that its longer calls may keep busy at once.
    pub(crate) processors: Arc<Semaphore>,
    flights: Arc<Semaphore>,
    requests: Mutex<Pace>,
    mails: Mutex<Pace>,
}

/// A call to another system is under way until this is dropped.
pub(crate) struct Flight {
    _room: OwnedSemaphorePermit,
}

/// Why there is to be no call to another system now: how long to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Throttled(pub(crate) Duration);

impl Account {
    pub(crate) fn new(limits: Arc<Limits>) -> Self {
        let now = Instant::now();
        Self {
            processors: Arc::new(Semaphore::new(processors())),
            flights: Arc::new(Semaphore::new(usize::try_from(limits.requests_in_flight).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS))),
            requests: Mutex::new(Pace::new(limits.requests_a_minute, MINUTE, now)),
            mails: Mutex::new(Pace::new(limits.mails_an_hour, HOUR, now)),
            limits,
        }
    }

    /// Begins a call to another system.
    pub(crate) fn fly(&self) -> Result<Flight, Throttled> {
        let room = self.flights.clone().try_acquire_owned().map_err(|_| Throttled(Duration::from_secs(1)))?;
        lock(&self.requests).take(1, Instant::now()).map_err(|wait| Throttled(wait.unwrap_or(MINUTE)))?;
        Ok(Flight { _room: room })
    }

    /// Counts a mail to so many people; `false` where these are too many for now.
    pub(crate) fn mail(&self, recipients: u32) -> bool {
        lock(&self.mails).take(recipients, Instant::now()).is_ok()
    }

    /// The mail did not go out.
    pub(crate) fn unmail(&self, recipients: u32) {
        lock(&self.mails).give_back(recipients);
    }

    fn is_at_rest(&self, now: Instant) -> bool {
        lock(&self.requests).is_at_rest(now) && lock(&self.mails).is_at_rest(now)
    }
}

/// Half of the processors there are, and at least one: so one tenant cannot have them all.
fn processors() -> usize {
    // The system tells it in files, which are too slow to be read for each tenant. It is a fact of the machine, and no host's.
    static THERE: OnceLock<usize> = OnceLock::new();
    (THERE.get_or_init(|| std::thread::available_parallelism().map_or(1, usize::from)) / 2).max(1)
}

/// The accounts of all tenants with one host.
#[derive(Debug, Default)]
pub(crate) struct Accounts {
    by_name: Mutex<HashMap<Arc<str>, Arc<Account>>>,
}

impl Accounts {
    /// The account of a tenant. With other limits it begins anew.
    pub(crate) fn of(&self, tenant: &Arc<str>, limits: &Arc<Limits>) -> Arc<Account> {
        let mut by_name = lock(&self.by_name);
        if let Some(account) = by_name.get(tenant)
            && (Arc::ptr_eq(&account.limits, limits) || account.limits == *limits)
        {
            return account.clone();
        }
        if by_name.len().is_power_of_two() {
            // Tenants come and go. Of those who used nothing of late nothing needs to be known.
            let now = Instant::now();
            by_name.retain(|_, account| Arc::strong_count(account) > 1 || !account.is_at_rest(now));
        }
        let account = Arc::new(Account::new(limits.clone()));
        by_name.insert(tenant.clone(), account.clone());
        account
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_keeps_its_account_while_its_limits_stay_the_same() {
        let accounts = Accounts::default();
        let (acme, other): (Arc<str>, Arc<str>) = ("acme".into(), "other".into());
        let limits = Arc::new(Limits { mails_an_hour: 1, ..Limits::default() });
        assert!(accounts.of(&acme, &limits).mail(1));
        assert!(!accounts.of(&acme, &Arc::new((*limits).clone())).mail(1));
        assert!(accounts.of(&other, &limits).mail(1));
        assert!(accounts.of(&acme, &Arc::new(Limits { mails_an_hour: 2, ..Limits::default() })).mail(2));
    }

    #[test]
    fn no_tenant_has_more_than_half_of_the_processors() {
        let there = std::thread::available_parallelism().unwrap().get();
        let account = Account::new(Arc::default());
        assert!((1..=(there / 2).max(1)).contains(&account.processors.available_permits()));
    }

    #[test]
    fn only_what_was_used_of_late_is_remembered() {
        let accounts = Accounts::default();
        let limits = Arc::new(Limits::default());
        assert!(accounts.of(&Arc::from("busy"), &limits).mail(1));
        for name in 0..1_000 {
            accounts.of(&Arc::from(name.to_string()), &limits);
        }
        let by_name = lock(&accounts.by_name);
        assert!(by_name.contains_key("busy"));
        assert!(by_name.len() < 100, "{}", by_name.len());
    }

    #[test]
    fn calls_are_throttled_by_their_number_at_once_and_within_a_minute() {
        let account = Account::new(Arc::new(Limits { requests_in_flight: 2, requests_a_minute: 3, ..Limits::default() }));
        let flights = [account.fly(), account.fly()];
        assert!(flights.iter().all(Result::is_ok));
        assert_eq!(account.fly().err(), Some(Throttled(Duration::from_secs(1))));
        drop(flights);
        assert!(account.fly().is_ok());
        assert!(account.fly().is_err_and(|Throttled(wait)| wait > Duration::from_secs(15)));
    }
}
