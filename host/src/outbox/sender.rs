//! Sends what waits.
//!
//! One host at a time does so for a store. It remembers where letters are, not what they say. A look costs one short scan
//! as long as nobody has mail waiting.
//!
//! An address whose mail is not taken is left alone for a while that grows. Where that befalls several addresses in a row,
//! it is the server that is left alone. What the server refuses for good is tried for three days, since an address may be
//! mended; a server that is away is waited for.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::de::DeserializeOwned;

use super::pace::{Minute, Turn};
use super::told::Standing;
use super::{GROUP, Letter, MARK, MARKED, Outbox, PACE, Place, WAITING, as_found};
use crate::mail::{MailError, Postbox};
use crate::scheduler::Life;
use crate::store::records;
use crate::store::{Condition, Entry, Outcome, Scan, Space, StoreError, Write};

mod kept;
mod slip;
mod trouble;

pub(super) use kept::hash;
use kept::{Pace, pace_key};
use slip::Slip;
use trouble::Trouble;

/// How often it is looked for what other processes wrote.
const LOOK: Duration = Duration::from_secs(2);
/// How often every tenant that may have mail is looked at.
const ROUND: TimeDelta = TimeDelta::minutes(1);
/// A tenant is looked at each time for so long after it was marked: the mark comes before the mail.
const FRESH: TimeDelta = TimeDelta::seconds(30);
/// How long a store that fails is left alone, and a lock that another host holds.
const PAUSE: Duration = Duration::from_secs(5);

/// What was refused is tried again after this time.
const REFUSED_WAIT: TimeDelta = TimeDelta::hours(1);
/// What is still refused after this time is given up.
const REFUSED_FOR: TimeDelta = TimeDelta::days(3);
/// So many addresses in a row that cannot be served mean the server.
const SERVER_IS_AWAY: usize = 3;

/// Sends until the life stops, whenever no other host on this store does. What is under way then is sent to its end.
pub(crate) async fn keep(outbox: &Outbox, life: &Life) {
    let Some(post) = &outbox.post else { return };
    while !life.stop.is_cancelled() {
        match outbox.store.try_lock("", "outbox").await {
            Ok(Some(_alone)) => {
                let mut sender = Sender::new(outbox, post);
                while !life.stop.is_cancelled() {
                    sender.turn(life).await;
                }
                return;
            }
            Ok(None) => {}
            Err(error) => tracing::error!(%error, "the mails that wait cannot be looked for"),
        }
        life.stop.run_until_cancelled(tokio::time::sleep(PAUSE)).await;
    }
}

/// Sends what may be sent now, and says whether this host could: not while another one does.
pub(crate) async fn send_now(outbox: &Outbox) -> Result<bool, StoreError> {
    let Some(post) = &outbox.post else { return Ok(false) };
    let Some(_alone) = outbox.store.try_lock("", "outbox").await? else { return Ok(false) };
    let mut sender = Sender::new(outbox, post);
    sender.look().await?;
    sender.send(&Life::default()).await?;
    Ok(true)
}

/// A tenant that may have mail.
struct Marked {
    revision: String,
    seen: DateTime<Utc>,
}

struct Sender<'a> {
    outbox: &'a Outbox,
    post: &'a Postbox,
    /// Whether all is known that a process before this one left.
    begun: bool,
    rounded: Option<DateTime<Utc>>,
    marked: BTreeMap<String, Marked>,
    slips: BTreeMap<Place, Slip>,
    minutes: BTreeMap<String, Minute>,
    addresses: BTreeMap<String, Trouble>,
    server: Trouble,
    /// The addresses that were not served since the server last took or refused something.
    unserved: BTreeSet<String>,
}

impl<'a> Sender<'a> {
    fn new(outbox: &'a Outbox, post: &'a Postbox) -> Self {
        Self {
            outbox,
            post,
            begun: false,
            rounded: None,
            marked: BTreeMap::new(),
            slips: BTreeMap::new(),
            minutes: BTreeMap::new(),
            addresses: BTreeMap::new(),
            server: Trouble::default(),
            unserved: BTreeSet::new(),
        }
    }

    fn now(&self) -> DateTime<Utc> {
        self.outbox.clock.now()
    }

    /// Looks, sends, and waits until there may be something to do again.
    async fn turn(&mut self, life: &Life) {
        let done = async {
            self.look().await?;
            self.send(life).await
        };
        if let Err(error) = done.await {
            tracing::error!(%error, "the mails that wait could not be looked through");
            self.forget();
            life.stop.run_until_cancelled(tokio::time::sleep(PAUSE)).await;
            return;
        }
        let due = async {
            match self.next_due() {
                Some(due) => self.outbox.clock.sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = life.stop.cancelled() => {}
            () = self.outbox.written.notified() => {}
            () = tokio::time::sleep(LOOK) => {}
            () = due => {}
        }
    }

    /// After trouble with the store everything is looked at anew; what failed before is not tried any sooner for it.
    fn forget(&mut self) {
        self.begun = false;
        self.rounded = None;
    }

    /// Finds out what waits.
    async fn look(&mut self) -> Result<(), StoreError> {
        let now = self.now();
        if !self.begun {
            self.begin(now).await?;
            self.begun = true;
        }
        let whole_round = self.rounded.is_none_or(|last| now < last || now - last >= ROUND);
        let told = std::mem::take(&mut *self.outbox.told());
        let looked = self.look_at_marked(whole_round, &told, now).await;
        if looked.is_err() {
            self.outbox.told().extend(told);
        }
        looked?;
        if whole_round {
            self.rounded = Some(now);
            self.forget_quiet_addresses(now).await?;
        }
        self.count();
        Ok(())
    }

    /// Takes over what a process before this one left half done. Letters of a group are taken out of their tenants before
    /// any tenant is looked at, so none is seen twice.
    async fn begin(&mut self, now: DateTime<Utc>) -> Result<(), StoreError> {
        self.slips.retain(|place, _| !place.tenant.is_empty());
        let groups = self.all(&records::space(), GROUP).await?;
        for entry in groups {
            let Some(letter) = read::<Letter>(&entry) else { continue };
            self.take_out(&letter.members).await?;
            let slip = Slip { to: letter.to, created: letter.created, next: None, as_it_is: true };
            self.slips.insert(Place { tenant: String::new(), key: entry.key }, slip);
        }
        for entry in self.all(&records::space(), PACE).await? {
            match read::<Pace>(&entry).filter(|pace| pace.minute.is_on(now)) {
                Some(pace) => self.minutes.insert(pace.to, pace.minute).map(|_| ()),
                None => self.commit(&records::space(), vec![Write::remove(entry.key)]).await.map(|_| None)?,
            };
        }
        Ok(())
    }

    async fn look_at_marked(&mut self, whole_round: bool, told: &BTreeSet<String>, now: DateTime<Utc>) -> Result<(), StoreError> {
        let found = self.all(&records::space(), MARKED).await?;
        let found: BTreeMap<&str, &str> =
            found.iter().filter_map(|entry| Some((entry.key.strip_prefix(MARKED)?, entry.revision.as_str()))).collect();
        self.marked.retain(|tenant, _| found.contains_key(tenant.as_str()));
        for (tenant, revision) in found {
            let new = self.marked.get(tenant).is_none_or(|marked| marked.revision != revision);
            if new {
                self.marked.insert(tenant.to_owned(), Marked { revision: revision.to_owned(), seen: now });
            }
            let fresh = self.marked.get(tenant).is_some_and(|marked| now - marked.seen < FRESH);
            if whole_round || fresh || told.contains(tenant) {
                let waiting = self.look_at(tenant).await?;
                if waiting == 0 && !fresh {
                    self.unmark(tenant, revision).await?;
                }
            }
        }
        Ok(())
    }

    /// Finds the letters of one tenant, and says how many there are.
    async fn look_at(&mut self, tenant: &str) -> Result<usize, StoreError> {
        let space = Space::host(tenant);
        let mut known: BTreeMap<Place, Slip> = BTreeMap::new();
        let places: Vec<Place> = self.slips.keys().filter(|place| place.tenant == tenant && !tenant.is_empty()).cloned().collect();
        for place in places {
            known.extend(self.slips.remove_entry(&place));
        }
        let mut waiting = 0;
        for entry in self.all(&space, WAITING).await? {
            let Some(letter) = read::<Letter>(&entry) else {
                self.outbox.numbers.dropped.fetch_add(1, Ordering::Relaxed);
                self.commit(&space, vec![Write::remove(entry.key)]).await?;
                continue;
            };
            waiting += 1;
            let place = Place { tenant: tenant.to_owned(), key: entry.key };
            let (next, as_it_is) = known.get(&place).map_or((None, false), |slip| (slip.next, slip.as_it_is));
            self.slips.insert(place, Slip { to: letter.to, created: letter.created, next, as_it_is });
        }
        Ok(waiting)
    }

    /// Takes note that a tenant has no mail. Whoever writes one at this moment changes `outbox-mark` or the mark, and
    /// then nothing is removed; whoever comes later marks it anew, since its own commit needs `outbox-mark` as it found it.
    async fn unmark(&mut self, tenant: &str, revision: &str) -> Result<(), StoreError> {
        let space = Space::host(tenant);
        let touched = self.outbox.store.get(&space, &[MARK.to_owned()]).await?;
        if self.look_at(tenant).await? > 0 {
            return Ok(());
        }
        let touch = Write::put(MARK, []).when(as_found(touched.first().and_then(Option::as_ref)));
        if self.commit(&space, vec![touch]).await? == Outcome::Committed {
            let mark = Write::remove(format!("{MARKED}{tenant}")).when(Condition::Revision(revision.to_owned()));
            self.commit(&records::space(), vec![mark]).await?;
        }
        Ok(())
    }

    /// Nothing is kept of addresses to which nothing goes out any more.
    async fn forget_quiet_addresses(&mut self, now: DateTime<Utc>) -> Result<(), StoreError> {
        let waiting: BTreeSet<&str> = self.slips.values().map(|slip| slip.to.as_str()).collect();
        self.addresses.retain(|to, _| waiting.contains(to.as_str()));
        let quiet = self.minutes.iter().filter(|(to, minute)| !minute.is_on(now) && !waiting.contains(to.as_str()));
        let quiet: Vec<String> = quiet.map(|(to, _)| to.clone()).collect();
        for to in quiet {
            self.commit(&records::space(), vec![Write::remove(pace_key(&to))]).await?;
            self.minutes.remove(&to);
        }
        Ok(())
    }

    fn count(&self) {
        let numbers = &self.outbox.numbers;
        numbers.waiting.store(self.slips.len() as u64, Ordering::Relaxed);
        let oldest = self.slips.values().map(|slip| slip.created.timestamp()).min();
        numbers.oldest.store(oldest.unwrap_or(0), Ordering::Relaxed);
    }

    /// When something that waits may go out at the earliest.
    fn next_due(&self) -> Option<DateTime<Utc>> {
        let now = self.now();
        let due = |slip: &Slip| {
            let paced = self.minutes.get(&slip.to).filter(|_| !slip.as_it_is);
            let paced = match Minute::turn(paced.copied(), 1, slip.created, now) {
                Turn::Wait(until) => Some(until),
                Turn::Alone | Turn::Together => None,
            };
            let address = self.addresses.get(&slip.to).and_then(|trouble| trouble.until);
            [slip.next, paced, address, self.server.until].into_iter().flatten().max().unwrap_or(now)
        };
        self.slips.values().map(due).min()
    }

    /// Sends whatever may go out now, the oldest first.
    async fn send(&mut self, life: &Life) -> Result<(), StoreError> {
        let mut addresses: Vec<(DateTime<Utc>, &str)> = self.slips.values().map(|slip| (slip.created, slip.to.as_str())).collect();
        addresses.sort_unstable();
        let mut seen = BTreeSet::new();
        addresses.retain(|(_, to)| seen.insert(to.to_owned()));
        let addresses: Vec<String> = addresses.into_iter().map(|(_, to)| to.to_owned()).collect();
        for to in addresses {
            while !life.stop.is_cancelled()
                && let Some(place) = self.next_of(&to).await?
            {
                self.deliver(place).await?;
                self.count();
            }
        }
        Ok(())
    }

    /// What is to go out to an address now. Where it is many as one, that one is written first.
    async fn next_of(&mut self, to: &str) -> Result<Option<Place>, StoreError> {
        let now = self.now();
        let rests = |trouble: &Trouble| trouble.until.is_some_and(|until| until > now);
        if rests(&self.server) || self.addresses.get(to).is_some_and(rests) {
            return Ok(None);
        }
        let due = self.slips.iter().filter(|(_, slip)| slip.to == to && slip.next.is_none_or(|next| next <= now));
        let mut due: Vec<(&Place, &Slip)> = due.collect();
        due.sort_by_key(|(_, slip)| (!slip.as_it_is, slip.created));
        let Some((place, oldest)) = due.first() else { return Ok(None) };
        if oldest.as_it_is {
            return Ok(Some((*place).clone()));
        }
        match Minute::turn(self.minutes.get(to).copied(), due.len(), oldest.created, now) {
            Turn::Alone => Ok(Some((*place).clone())),
            Turn::Wait(_) => Ok(None),
            Turn::Together => self.put_together(to, now).await,
        }
    }

    /// Writes many letters as one, and takes them out of their tenants.
    async fn put_together(&mut self, to: &str, now: DateTime<Utc>) -> Result<Option<Place>, StoreError> {
        // While a slow server was written to, more may have come.
        self.look().await?;
        let due = self.slips.iter().filter(|(_, slip)| slip.to == to && !slip.as_it_is && slip.next.is_none_or(|next| next <= now));
        let mut due: Vec<(DateTime<Utc>, Place)> = due.map(|(place, slip)| (slip.created, place.clone())).collect();
        due.sort();
        let mut letters = Vec::new();
        for (_, place) in due {
            match self.read(&place).await? {
                Some(letter) => letters.push((place, letter)),
                None => drop(self.slips.remove(&place)),
            }
        }
        let Some(group) = super::together::together(letters, now) else { return Ok(None) };
        let place = Place { tenant: String::new(), key: format!("{GROUP}{}", hash(&group.key)) };
        // From here on the members go out with the group, also where this process ends before the next line.
        self.commit(&records::space(), vec![records::put(&place.key, &group)?]).await?;
        self.take_out(&group.members).await?;
        group.members.iter().for_each(|member| drop(self.slips.remove(member)));
        self.slips.insert(place.clone(), Slip { to: group.to, created: group.created, next: None, as_it_is: true });
        Ok(Some(place))
    }

    async fn take_out(&self, members: &[Place]) -> Result<(), StoreError> {
        for Place { tenant, key } in members {
            self.commit(&Space::host(tenant), vec![Write::remove(key)]).await?;
        }
        Ok(())
    }

    /// Hands one letter over, and takes note of what became of it.
    async fn deliver(&mut self, place: Place) -> Result<(), StoreError> {
        let Some(letter) = self.read(&place).await? else {
            self.slips.remove(&place);
            return Ok(());
        };
        let begun = self.now();
        let sent = self.post.send(&Space::host(&place.tenant), &letter.mail(), begun).await;
        let now = self.now();
        match sent {
            Ok(_) => self.taken(&place, &letter, begun).await,
            Err(MailError::Refused(_)) => self.refused(&place, letter, now).await,
            Err(MailError::Invalid(_)) => self.give_up(&place, &letter, "it has a form that cannot be sent").await,
            Err(error) => {
                self.not_reached(&letter, &error, now);
                self.slips.get_mut(&place).into_iter().for_each(|slip| slip.as_it_is = true);
                Ok(())
            }
        }
    }

    async fn taken(&mut self, place: &Place, letter: &Letter, begun: DateTime<Utc>) -> Result<(), StoreError> {
        self.outbox.tell(letter, Standing::Sent(begun), begun).await?;
        self.commit(&Space::host(&place.tenant), vec![Write::remove(&place.key)]).await?;
        self.slips.remove(place);
        self.outbox.numbers.sent.fetch_add(1, Ordering::Relaxed);
        if !self.unserved.is_empty() {
            tracing::info!("the mail server takes mail again");
        }
        self.server_answers();
        self.addresses.remove(&letter.to);
        let minute = match letter.members.is_empty() {
            true => Minute::after_one(self.minutes.get(&letter.to).copied(), begun),
            false => Minute::after_many(begun),
        };
        self.minutes.insert(letter.to.clone(), minute);
        let pace = Pace { to: letter.to.clone(), minute };
        self.commit(&records::space(), vec![records::put(pace_key(&pace.to), &pace)?]).await.map(|_| ())
    }

    async fn refused(&mut self, place: &Place, letter: Letter, now: DateTime<Utc>) -> Result<(), StoreError> {
        self.outbox.numbers.failed.fetch_add(1, Ordering::Relaxed);
        self.server_answers();
        // A moment to come is of a clock that was wrong.
        let first = letter.refused.filter(|first| *first <= now);
        if first.is_some_and(|first| now - first >= REFUSED_FOR) {
            return self.give_up(place, &letter, "the mail server has refused it for three days").await;
        }
        if let Some(slip) = self.slips.get_mut(place) {
            slip.next = Some(now + REFUSED_WAIT);
        }
        if first.is_none() {
            tracing::error!(tenant = letter.tenant, run = letter.run, "the mail server refuses an alert: is its address right?");
            let letter = Letter { refused: Some(now), ..letter };
            self.commit(&Space::host(&place.tenant), vec![records::put(&place.key, &letter)?]).await?;
        }
        Ok(())
    }

    async fn give_up(&mut self, place: &Place, letter: &Letter, why: &str) -> Result<(), StoreError> {
        tracing::error!(tenant = letter.tenant, job = letter.job, run = letter.run, "an alert is given up: {why}");
        self.outbox.numbers.dropped.fetch_add(1, Ordering::Relaxed);
        let now = self.now();
        self.outbox.tell(letter, Standing::GivenUp(now, why.to_owned()), now).await?;
        self.commit(&Space::host(&place.tenant), vec![Write::remove(&place.key)]).await?;
        self.slips.remove(place);
        Ok(())
    }

    /// The words of the error may quote an address, so the log has its kind only.
    fn not_reached(&mut self, letter: &Letter, error: &MailError, now: DateTime<Utc>) {
        self.outbox.numbers.failed.fetch_add(1, Ordering::Relaxed);
        self.addresses.entry(letter.to.clone()).or_default().failed(now);
        if self.unserved.is_empty() {
            let why = match error {
                MailError::NotLetIn(_) => "it refused the login",
                MailError::Unreachable(_) => "it was not reached, or asks to come back",
                _ => "it could not be spoken to",
            };
            tracing::error!(tenant = letter.tenant, run = letter.run, "the mail server took no alert, which waits: {why}");
        }
        self.unserved.insert(letter.to.clone());
        if self.unserved.len() >= SERVER_IS_AWAY {
            self.server.failed(now);
        }
    }

    fn server_answers(&mut self) {
        self.server = Trouble::default();
        self.unserved.clear();
    }

    async fn read(&self, place: &Place) -> Result<Option<Letter>, StoreError> {
        let found = self.outbox.store.get(&Space::host(&place.tenant), std::slice::from_ref(&place.key)).await?;
        Ok(found.first().and_then(Option::as_ref).and_then(read))
    }

    async fn all(&self, space: &Space, prefix: &str) -> Result<Vec<Entry>, StoreError> {
        let (mut found, mut cursor) = (Vec::new(), None);
        loop {
            let page = self.outbox.store.scan(space, &Scan::new(prefix, 500).from(cursor)).await?;
            found.extend(page.entries);
            cursor = page.cursor;
            if cursor.is_none() {
                return Ok(found);
            }
        }
    }

    async fn commit(&self, space: &Space, writes: Vec<Write>) -> Result<Outcome, StoreError> {
        self.outbox.store.commit(space, writes).await
    }
}

fn read<T: DeserializeOwned>(entry: &Entry) -> Option<T> {
    let read = serde_json::from_slice(&entry.value);
    read.inspect_err(|error| tracing::error!(key = entry.key, %error, "something in the outbox is damaged")).ok()
}

#[cfg(test)]
mod tests;
