//! Brings what waits to the plugin: of all hosts that share a store, one does so for a tenant.
//!
//! Nothing leaves the queue before the plugin has answered for it and the answer is stored. A process that is killed at any
//! moment leaves the events where they were, and the next brings them again: at least once, as the contract says.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::minute::{self, Minute};
use super::queue::{Batch, CALL};
use super::settle::{self, Settlement, Terms};
use super::trial::{Trial, Verdict};
use super::{Shared, dead_letters, queue};
use crate::runner::Runner;
use crate::scheduler::Life;
use crate::store::{Outcome, StoreError};
use crate::tenant::Tenant;

/// What a run of the listener that sums up events is called.
pub(crate) const LISTENER: &str = "listener";

/// How long a host that waits for another one to be gone waits before it looks again.
const TAKE_OVER: Duration = Duration::from_secs(5);

/// How often the queue is looked at although nothing came here: another process may have put something in.
const LOOK: Duration = Duration::from_secs(2);

/// How long a store that fails is left alone before it is asked again.
const PAUSE: Duration = Duration::from_secs(2);

/// Waits until no other host does so, then brings events until the life stops. What is in hand then is settled, unless it
/// takes until the life is aborted.
pub(super) async fn keep(runner: &Runner, tenant: &Tenant, shared: &Shared, life: &Life) {
    let mut waits = false;
    while !life.stop.is_cancelled() {
        match runner.store.try_lock(&tenant.name, "inbox").await {
            Ok(Some(_alone)) => return Consumer { runner, tenant, shared, life, minute: None, busy: false, duplicates: 0 }.work().await,
            Ok(None) if !waits => tracing::info!(tenant = %tenant.name, "another host brings the events"),
            Ok(None) => {}
            Err(error) => tracing::error!(tenant = %tenant.name, %error, "the inbox waits for the store"),
        }
        waits = true;
        life.stop.run_until_cancelled(tokio::time::sleep(TAKE_OVER)).await;
    }
}

struct Consumer<'a> {
    runner: &'a Runner,
    tenant: &'a Tenant,
    shared: &'a Shared,
    life: &'a Life,
    minute: Option<Minute>,
    /// The last batch was full: the next waits for no company.
    busy: bool,
    /// Duplicates that the history tells of already.
    duplicates: u64,
}

impl Consumer<'_> {
    async fn work(mut self) {
        while let Some(batch) = self.gather().await {
            self.busy = batch.full;
            // In a place of its own: who waits for events has no need of the room that a call of the plugin takes.
            Box::pin(self.deal_with(batch)).await;
        }
        Box::pin(self.end_minute()).await;
    }

    /// The next batch, once there is one; none when the life stops.
    async fn gather(&mut self) -> Option<Batch> {
        loop {
            let over = self.minute.as_ref().map(Minute::over);
            if over.is_some_and(|over| over <= self.now()) {
                Box::pin(self.end_minute()).await;
                continue;
            }
            if self.life.stop.is_cancelled() {
                return None;
            }
            let (received, now) = (self.shared.numbers.received(), self.now());
            let front = match self.shared.queue.look(now).await {
                Ok(front) => front,
                Err(error) => {
                    self.pause(&error).await;
                    continue;
                }
            };
            self.shared.numbers.oldest(front.oldest());
            let (next, first) = (front.next, front.due.first().map(|due| due.at));
            let batch = front.batch();
            match first.map(|first| first + self.gathering()) {
                None => self.wait([next, over], 1, received).await,
                Some(ready) if ready <= now || self.busy || batch.full => return Some(batch),
                // A moment to come is of a clock that was wrong.
                Some(ready) if ready - now > self.gathering() => return Some(batch),
                Some(ready) => {
                    let missing = CALL.events.saturating_sub(batch.size.events) as u64;
                    self.wait([Some(ready), over], missing, received).await;
                }
            }
        }
    }

    /// Waits for one of these moments, for so many events to come, or for the stop. Where a moment is far, it looks up
    /// all the same.
    async fn wait(&self, moments: [Option<DateTime<Utc>>; 2], events: u64, received: u64) {
        let came = async {
            loop {
                self.shared.arrived.notified().await;
                // What was put back wakes too, and is not among those received.
                if events <= 1 || self.shared.numbers.received().saturating_sub(received) >= events {
                    return;
                }
            }
        };
        let moment = async {
            match moments.into_iter().flatten().min() {
                Some(moment) => self.runner.clock.sleep_until(moment).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = self.life.stop.cancelled() => {}
            () = came => {}
            () = moment => {}
            () = tokio::time::sleep(LOOK) => {}
        }
    }

    async fn deal_with(&mut self, batch: Batch) {
        let (segments, damaged) = match self.shared.queue.open(batch.due).await {
            Ok(open) => open,
            Err(error) => return self.pause(&error).await,
        };
        for (segment, bytes) in damaged {
            self.bury(&segment, &bytes).await;
        }
        let events: Vec<&queue::Waiting> = segments.iter().flat_map(|segment| &segment.events).collect();
        if events.is_empty() {
            return;
        }
        let Some(mut minute) = self.minute().await else { return };
        let wall = self.tenant.limits.listener.wall_seconds.map(|seconds| Duration::from_secs(seconds.into()));
        let limit = wall.unwrap_or(self.shared.rules.call_limit);
        let trial = Trial { runner: self.runner, tenant: self.tenant, life: self.life, limit };
        let verdicts = trial.hold(&mut minute, &events).await;
        if let Some(verdicts) = verdicts {
            for judged in settle::commits(segments, verdicts) {
                self.store(&mut minute, judged).await;
            }
        }
        self.minute = Some(minute);
    }

    /// The run in hand; begins one where there is none. None when the life stops before the history can be written.
    async fn minute(&mut self) -> Option<Minute> {
        loop {
            if let Some(minute) = self.minute.take() {
                return Some(minute);
            }
            match Minute::begin(self.runner, self.tenant).await {
                Ok(minute) => return Some(minute),
                Err(error) => self.pause(&error).await,
            }
            if self.life.stop.is_cancelled() {
                return None;
            }
        }
    }

    /// Stores what became of events, again and again until it is stored. What is not stored at the end of the life is
    /// brought again in the next.
    async fn store(&self, minute: &mut Minute, judged: Vec<(queue::Segment, Vec<Verdict>)>) {
        let terms = Terms { now: self.now(), give_up: self.shared.rules.give_up, prefix: minute::code_prefix(self.tenant) };
        let settlement = match settle::settle(judged, &terms) {
            Ok(settlement) => settlement,
            Err(error) => return tracing::error!(tenant = %self.tenant.name, %error, "what became of events cannot be written"),
        };
        if self.commit(&settlement).await {
            self.shared.numbers.dealt_with(settlement.gone, settlement.dead);
            minute.settled(settlement.tally, settlement.warnings);
        }
    }

    async fn commit(&self, settlement: &Settlement) -> bool {
        while !self.life.abort.is_cancelled() {
            match self.runner.store.commit(&self.shared.queue.space, settlement.writes.clone()).await {
                Ok(Outcome::Committed) => return true,
                Ok(Outcome::Conflict(_)) => {
                    tracing::error!(tenant = %self.tenant.name, "events were dealt with by another host at the same time");
                    return false;
                }
                Err(error) => self.pause(&error).await,
            }
        }
        false
    }

    /// Makes a dead letter of a segment that cannot be read: nobody can bring it, and it must not be lost.
    async fn bury(&self, segment: &queue::Segment, bytes: &[u8]) {
        tracing::error!(tenant = %self.tenant.name, "stored events cannot be read");
        let now = self.now();
        let event = queue::Waiting::new("unknown".to_owned(), String::from_utf8_lossy(bytes).into_owned(), now);
        let code = format!("{}30", minute::code_prefix(self.tenant));
        match dead_letters::put(&event, Some(&code), "what was stored of these events is damaged", now) {
            Ok(letter) => {
                let writes = segment.removal().into_iter().chain(letter).collect();
                self.commit(&Settlement { writes, ..Settlement::default() }).await;
            }
            Err(error) => tracing::error!(tenant = %self.tenant.name, %error, "a dead letter cannot be written"),
        }
    }

    async fn end_minute(&mut self) {
        if let Some(minute) = self.minute.take() {
            let duplicates = self.shared.numbers.duplicates();
            minute.end(self.runner, self.tenant, duplicates.saturating_sub(self.duplicates)).await;
            self.duplicates = duplicates;
        }
    }

    fn gathering(&self) -> TimeDelta {
        TimeDelta::from_std(self.shared.rules.gather).unwrap_or_default()
    }

    fn now(&self) -> DateTime<Utc> {
        self.runner.clock.now()
    }

    /// The inbox must not end because a disk was full for a minute.
    async fn pause(&self, error: &StoreError) {
        tracing::error!(tenant = %self.tenant.name, %error, "the inbox waits for the store");
        self.life.abort.run_until_cancelled(tokio::time::sleep(PAUSE)).await;
    }
}
