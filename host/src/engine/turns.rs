//! Room for so many calls at once, shared fairly: where it is used up, tenants take turns, however many calls each of them
//! has waiting.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// Room for so many calls. Clones share it.
#[derive(Clone)]
pub(crate) struct Turns {
    room: Arc<Mutex<Room>>,
}

struct Room {
    free: u32,
    shares: HashMap<Arc<str>, Share>,
    /// Tenants whose calls wait, each once, in the order in which they are next.
    ring: VecDeque<Arc<str>>,
}

#[derive(Default)]
struct Share {
    held: u32,
    waiting: VecDeque<(u32, oneshot::Sender<Turn>)>,
}

/// A call may be worked on until this is dropped.
pub(crate) struct Turn {
    turns: Turns,
    tenant: Arc<str>,
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.turns.give_back(&self.tenant);
    }
}

impl Turns {
    pub(super) fn new(room: u32) -> Self {
        Self { room: Arc::new(Mutex::new(Room { free: room, shares: HashMap::new(), ring: VecDeque::new() })) }
    }

    /// Waits until there is room for a call of this tenant, of which there may be at most so many at once.
    pub(super) async fn take(&self, tenant: &Arc<str>, most: u32) -> Option<Turn> {
        let waits = {
            let mut room = self.lock();
            if room.has_room_for(tenant, most) {
                room.hold(tenant);
                return Some(self.turn(tenant));
            }
            room.queue(tenant, most)
        };
        // Whoever gives room back never forgets who waits, so there is always an answer.
        waits.await.ok()
    }

    fn give_back(&self, tenant: &Arc<str>) {
        let called = {
            let mut room = self.lock();
            room.let_go(tenant);
            room.next()
        };
        // Not under the lock: one whose caller is gone comes back here.
        for (tenant, call) in called {
            let _ = call.send(self.turn(&tenant));
        }
    }

    fn turn(&self, tenant: &Arc<str>) -> Turn {
        Turn { turns: self.clone(), tenant: tenant.clone() }
    }

    fn lock(&self) -> MutexGuard<'_, Room> {
        self.room.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Room {
    fn has_room_for(&self, tenant: &str, most: u32) -> bool {
        let share = self.shares.get(tenant);
        self.free > 0 && share.is_none_or(|share| share.held < most && share.waiting.is_empty())
    }

    fn hold(&mut self, tenant: &Arc<str>) {
        self.free -= 1;
        self.shares.entry(tenant.clone()).or_default().held += 1;
    }

    fn let_go(&mut self, tenant: &str) {
        self.free += 1;
        if let Some(share) = self.shares.get_mut(tenant) {
            share.held -= 1;
            if share.held == 0 && share.waiting.is_empty() {
                self.shares.remove(tenant);
            }
        }
    }

    fn queue(&mut self, tenant: &Arc<str>, most: u32) -> oneshot::Receiver<Turn> {
        let (call, waits) = oneshot::channel();
        let share = self.shares.entry(tenant.clone()).or_default();
        if share.waiting.is_empty() {
            self.ring.push_back(tenant.clone());
        }
        share.waiting.push_back((most, call));
        waits
    }

    /// Whom there is room for now, tenant by tenant.
    fn next(&mut self) -> Vec<(Arc<str>, oneshot::Sender<Turn>)> {
        let mut called = Vec::new();
        // Once round: who has all it may have is passed over.
        for _ in 0..self.ring.len() {
            if self.free == 0 {
                break;
            }
            let Some(tenant) = self.ring.pop_front() else { break };
            let Some(share) = self.shares.get_mut(&tenant) else { continue };
            while share.waiting.front().is_some_and(|(_, call)| call.is_closed()) {
                share.waiting.pop_front();
            }
            if let Some((_, call)) = share.waiting.pop_front_if(|(most, _)| share.held < *most) {
                share.held += 1;
                self.free -= 1;
                called.push((tenant.clone(), call));
            }
            match (share.waiting.is_empty(), share.held) {
                (false, _) => self.ring.push_back(tenant),
                (true, 0) => drop(self.shares.remove(&tenant)),
                (true, _) => {}
            }
        }
        called
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    fn tenant(name: &str) -> Arc<str> {
        Arc::from(name)
    }

    #[tokio::test]
    async fn a_tenant_has_no_more_than_its_share() {
        let turns = Turns::new(10);
        let (acme, other) = (tenant("acme"), tenant("other"));
        let mut held: Vec<_> = (0..3).filter_map(|_| turns.take(&acme, 3).now_or_never()).collect();
        assert_eq!(held.len(), 3);
        assert!(turns.take(&acme, 3).now_or_never().is_none());
        assert!(turns.take(&other, 3).now_or_never().is_some());
        let mut fourth = Box::pin(turns.take(&acme, 3));
        assert!(fourth.as_mut().now_or_never().is_none());
        held.pop();
        assert!(fourth.await.is_some());
    }

    #[tokio::test]
    async fn who_has_one_call_waiting_is_next_after_one_of_who_has_many() {
        let turns = Turns::new(2);
        let (many, one) = (tenant("many"), tenant("one"));
        let mut held: Vec<_> = (0..2).filter_map(|_| turns.take(&many, 9).now_or_never()).collect();
        let mut waiting: Vec<_> = (0..50).map(|_| Box::pin(turns.take(&many, 9))).collect();
        assert!(waiting.iter_mut().all(|call| call.as_mut().now_or_never().is_none()));
        let mut last = Box::pin(turns.take(&one, 9));
        assert!(last.as_mut().now_or_never().is_none());
        held.pop();
        assert!(last.as_mut().now_or_never().is_none(), "the other one came first");
        held.pop();
        assert!(last.as_mut().now_or_never().is_some(), "then it is the turn of the next tenant");
    }

    #[tokio::test]
    async fn who_gave_up_waiting_keeps_nobody_from_a_turn_and_nothing_is_left() {
        let turns = Turns::new(1);
        let (acme, other) = (tenant("acme"), tenant("other"));
        let held = turns.take(&acme, 1).now_or_never();
        let mut gone: Vec<_> = (0..1_000).map(|_| Box::pin(turns.take(&acme, 1))).collect();
        assert!(gone.iter_mut().all(|call| call.as_mut().now_or_never().is_none()));
        let mut waits = Box::pin(turns.take(&other, 1));
        assert!(waits.as_mut().now_or_never().is_none());
        drop(gone);
        drop(held);
        drop(waits.await);
        let room = turns.lock();
        assert_eq!((room.free, room.shares.len(), room.ring.len()), (1, 0, 0));
    }
}
