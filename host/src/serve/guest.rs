//! Who is connected, and what they keep the server waiting for.
//!
//! A guest is a connection. What it is waited for is noted where the bytes pass, with two stores of a number; a sweep looks
//! at all of them once in a while and sends away whoever takes too long. So a thousand silent connections cost no timer.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::ServerLimits;

/// Whoever is slow, but at it, is not sent away to make room before this time has passed, in milliseconds.
const GRACE_MS: u64 = 1_000;

/// What a connection is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Its first request: nothing of it has come.
    Silent = 0,
    /// The rest of a request's head.
    Heading = 1,
    /// Nothing: a request is worked on, or answered.
    Busy = 2,
    /// The rest of a request's body.
    Receiving = 3,
    /// Its next request.
    Resting = 4,
    /// It was sent away.
    Leaving = 5,
}

/// Why a connection is sent away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// The head of a request did not come in time.
    Slow,
    /// Others need the room.
    Room,
    /// It asked for nothing for long, takes no answer, or the server ends.
    Over,
}

/// One connection.
pub(super) struct Guest {
    begun: Instant,
    /// The phase in the lowest three bits, and above them since when, in milliseconds.
    phase: AtomicU64,
    /// Since when it does not take what is sent, in milliseconds; 0 while it does.
    stuck: AtomicU64,
    /// Whether the body of the request in hand took too long.
    slow: AtomicBool,
    why: OnceLock<Why>,
    /// Tells its connection to look whether it is to leave, or to end after the answer in hand. Each has its own: one for all
    /// of them would be a lock that every request takes.
    nudge: Notify,
}

impl Guest {
    fn new(begun: Instant) -> Self {
        let guest = Self {
            begun,
            phase: AtomicU64::new(0),
            stuck: AtomicU64::new(0),
            slow: AtomicBool::new(false),
            why: OnceLock::new(),
            nudge: Notify::new(),
        };
        guest.phase.store(guest.mark(Phase::Silent), Ordering::Relaxed);
        guest
    }

    /// Bytes came.
    pub(super) fn heard(&self) {
        self.step(Phase::Heading, |phase| matches!(phase, Phase::Silent | Phase::Resting));
    }

    /// A whole head came: it is worked on, unless the guest was sent away meanwhile.
    pub(super) fn begins(&self) -> bool {
        self.slow.store(false, Ordering::Relaxed);
        self.step(Phase::Busy, |phase| phase != Phase::Leaving)
    }

    /// Its body is waited for.
    pub(super) fn receiving(&self) {
        self.step(Phase::Receiving, |phase| phase == Phase::Busy);
    }

    /// Its body, or another part of it, is there.
    pub(super) fn received(&self) {
        self.step(Phase::Busy, |phase| phase == Phase::Receiving);
    }

    /// The answer is written, as far as the server is concerned.
    pub(super) fn rests(&self) {
        self.step(Phase::Resting, |phase| phase != Phase::Leaving);
    }

    /// It did not take what was sent.
    pub(super) fn stuck(&self) {
        let _ = self.stuck.compare_exchange(0, self.now().max(1), Ordering::Relaxed, Ordering::Relaxed);
    }

    /// It took everything that was sent.
    pub(super) fn took(&self) {
        if self.stuck.load(Ordering::Relaxed) != 0 {
            self.stuck.store(0, Ordering::Relaxed);
        }
    }

    /// The body of the request in hand took too long.
    pub(super) fn too_slow(&self) {
        self.slow.store(true, Ordering::Relaxed);
    }

    /// Whether it did.
    pub(super) fn was_too_slow(&self) -> bool {
        self.slow.load(Ordering::Relaxed)
    }

    /// Waits until it is told to leave (true), or to end after the answer in hand.
    pub(super) async fn is_told_to_leave(&self) -> bool {
        self.nudge.notified().await;
        self.leaves()
    }

    fn leaves(&self) -> bool {
        phase(self.phase.load(Ordering::Acquire)) == Phase::Leaving
    }

    /// Why it was sent away, and whether that may be told: to somebody between two requests it would look like the answer
    /// to the next one, and to somebody in the middle of an answer like a part of it.
    pub(super) fn parting(&self) -> Option<Why> {
        self.why.get().copied().filter(|why| *why != Why::Over)
    }

    fn step(&self, to: Phase, from: impl Fn(Phase) -> bool) -> bool {
        let mut seen = self.phase.load(Ordering::Acquire);
        while from(phase(seen)) {
            match self.phase.compare_exchange_weak(seen, self.mark(to), Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return true,
                Err(other) => seen = other,
            }
        }
        false
    }

    /// Sends it away, unless it moved on since it was seen.
    fn send_away(&self, seen: u64, why: Why) -> bool {
        let moved = self.phase.compare_exchange(seen, self.mark(Phase::Leaving), Ordering::AcqRel, Ordering::Acquire).is_err();
        if !moved {
            let _ = self.why.set(why);
            self.nudge.notify_one();
        }
        !moved
    }

    /// Why it is to leave, if it kept the server waiting for too long.
    fn overdue(&self, seen: u64, limits: &ServerLimits) -> Option<Why> {
        let since = |then: u64| Duration::from_millis(self.now().saturating_sub(then));
        let stuck = self.stuck.load(Ordering::Relaxed);
        if stuck != 0 && since(stuck) > limits.answer {
            return Some(Why::Over);
        }
        let waited = since(seen >> 3);
        match phase(seen) {
            Phase::Silent | Phase::Heading => (waited > limits.head).then_some(Why::Slow),
            Phase::Resting => (waited > limits.rest && stuck == 0).then_some(Why::Over),
            Phase::Busy | Phase::Receiving | Phase::Leaving => None,
        }
    }

    fn mark(&self, phase: Phase) -> u64 {
        (self.now() << 3) | phase as u64
    }

    fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX >> 3)
    }
}

fn phase(state: u64) -> Phase {
    match state & 7 {
        0 => Phase::Silent,
        1 => Phase::Heading,
        2 => Phase::Busy,
        3 => Phase::Receiving,
        4 => Phase::Resting,
        _ => Phase::Leaving,
    }
}

/// Everybody who is connected.
pub(super) struct Guests {
    begun: Instant,
    most: usize,
    present: Mutex<Present>,
}

#[derive(Default)]
struct Present {
    next: u64,
    guests: HashMap<u64, Arc<Guest>>,
}

/// A place that is free again when it is dropped.
pub(super) struct Seat {
    guests: Arc<Guests>,
    number: u64,
    /// Who has it.
    pub(super) guest: Arc<Guest>,
}

impl Guests {
    /// Nobody yet, and at most so many.
    pub(super) fn new(most: usize) -> Self {
        Self { begun: Instant::now(), most, present: Mutex::default() }
    }

    /// A place for one more. Where none is free, whoever asks for nothing has to leave; where nobody can, there is none.
    pub(super) fn seat(self: &Arc<Self>) -> Option<Seat> {
        let mut present = self.present();
        if present.guests.len() >= self.most {
            present.make_room()?;
        }
        let (number, guest) = (present.next, Arc::new(Guest::new(self.begun)));
        present.next += 1;
        present.guests.insert(number, guest.clone());
        Some(Seat { guests: self.clone(), number, guest })
    }

    /// Sends away whoever kept the server waiting for too long.
    pub(super) fn sweep(&self, limits: &ServerLimits) {
        for guest in self.present().guests.values() {
            let seen = guest.phase.load(Ordering::Acquire);
            if let Some(why) = guest.overdue(seen, limits) {
                guest.send_away(seen, why);
            }
        }
    }

    /// Sends away whoever asks for nothing, and has the others end after the answer in hand.
    pub(super) fn dismiss(&self) {
        for guest in self.present().guests.values() {
            let seen = guest.phase.load(Ordering::Acquire);
            let taken = guest.stuck.load(Ordering::Relaxed) == 0;
            let idle = taken && matches!(phase(seen), Phase::Silent | Phase::Resting);
            if !(idle && guest.send_away(seen, Why::Over)) {
                guest.nudge.notify_one();
            }
        }
    }

    /// Sends everybody away.
    pub(super) fn close(&self) {
        for guest in self.present().guests.values() {
            guest.step(Phase::Leaving, |phase| phase != Phase::Leaving);
            guest.nudge.notify_one();
        }
    }

    /// Makes room for one more, if anybody can leave.
    pub(super) fn make_room(&self) {
        self.present().make_room();
    }

    fn present(&self) -> MutexGuard<'_, Present> {
        self.present.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Present {
    /// Sends away who can best be spared: first those whose request has not come, then those between two requests, then
    /// those whose body is waited for, then those who take no answer; of each the one that has been waited for longest.
    fn make_room(&mut self) -> Option<()> {
        loop {
            let spared = self.guests.iter().filter_map(|(number, guest)| {
                let (seen, stuck) = (guest.phase.load(Ordering::Acquire), guest.stuck.load(Ordering::Relaxed));
                let for_long = |since: u64| guest.now().saturating_sub(since) > GRACE_MS;
                let (rank, why) = match phase(seen) {
                    Phase::Leaving => return None,
                    _ if stuck != 0 => for_long(stuck).then_some((3, Why::Over))?,
                    Phase::Silent | Phase::Heading => (0, Why::Room),
                    Phase::Resting => (1, Why::Over),
                    Phase::Receiving => for_long(seen >> 3).then_some((2, Why::Room))?,
                    Phase::Busy => return None,
                };
                Some(((rank, seen >> 3), *number, seen, why))
            });
            let (_, number, seen, why) = spared.min_by_key(|(order, ..)| *order)?;
            if self.guests.get(&number).is_some_and(|guest| guest.send_away(seen, why)) {
                self.guests.remove(&number);
                return Some(());
            }
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.guests.present().guests.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(ms: u64) -> ServerLimits {
        let limit = Duration::from_millis(ms);
        ServerLimits { head: limit, rest: limit, answer: limit, ..ServerLimits::default() }
    }

    #[test]
    fn room_is_made_by_who_can_best_be_spared_and_by_nobody_who_is_worked_for() {
        let guests = Arc::new(Guests::new(3));
        let [working, resting, silent] = [(); 3].map(|()| guests.seat().unwrap());
        assert!(working.guest.begins() && resting.guest.begins());
        resting.guest.rests();
        let fourth = guests.seat().unwrap();
        assert_eq!((silent.guest.leaves(), silent.guest.parting()), (true, Some(Why::Room)));
        assert!(fourth.guest.begins());
        let fifth = guests.seat().unwrap();
        assert_eq!((resting.guest.leaves(), resting.guest.parting()), (true, None), "it would take it for an answer");
        assert!(fifth.guest.begins());
        assert!(guests.seat().is_none(), "all three are worked for");
        drop(fifth);
        assert!(guests.seat().is_some());
        assert!(!working.guest.leaves());
    }

    #[test]
    fn who_was_sent_away_begins_nothing() {
        let guests = Arc::new(Guests::new(1));
        let seat = guests.seat().unwrap();
        let _other = guests.seat().unwrap();
        assert!(!seat.guest.begins());
        seat.guest.rests();
        seat.guest.heard();
        assert!(!seat.guest.begins());
    }

    #[test]
    fn who_keeps_the_server_waiting_is_sent_away_and_who_waits_for_it_is_not() {
        let guests = Arc::new(Guests::new(9));
        let [silent, heading, working, receiving, resting, stuck] = [(); 6].map(|()| guests.seat().unwrap());
        heading.guest.heard();
        for seat in [&working, &receiving, &resting, &stuck] {
            assert!(seat.guest.begins());
        }
        receiving.guest.receiving();
        resting.guest.rests();
        stuck.guest.stuck();
        std::thread::sleep(Duration::from_millis(5));
        guests.sweep(&limits(10_000));
        guests.sweep(&limits(1));
        let partings = [&silent, &heading, &working, &receiving, &resting, &stuck].map(|seat| (seat.guest.leaves(), seat.guest.parting()));
        let slow = (true, Some(Why::Slow));
        assert_eq!(partings, [slow, slow, (false, None), (false, None), (true, None), (true, None)]);
    }
}
