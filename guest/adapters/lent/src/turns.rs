//! So many at once, in the order in which they came.

use std::cell::RefCell;
use std::collections::VecDeque;

use futures::channel::oneshot;

/// Turns to be had, and who waits for one.
pub struct Turns(RefCell<State>);

struct State {
    free: u32,
    waiting: VecDeque<oneshot::Sender<()>>,
}

/// A turn, which is the next one's when it is dropped.
pub struct Turn<'t>(&'t Turns);

impl Turns {
    pub const fn new(free: u32) -> Self {
        Self(RefCell::new(State { free, waiting: VecDeque::new() }))
    }

    /// Waits for a turn.
    pub async fn next(&self) -> Turn<'_> {
        loop {
            let called = {
                let mut state = self.0.borrow_mut();
                if state.free > 0 {
                    state.free -= 1;
                    return Turn(self);
                }
                let (call, called) = oneshot::channel();
                state.waiting.push_back(call);
                called
            };
            // Whoever gives up waiting is passed over; whoever is called looks again.
            let _ = called.await;
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut state = self.0.0.borrow_mut();
        state.free += 1;
        while let Some(next) = state.waiting.pop_front() {
            if next.send(()).is_ok() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::pin::pin;

    use futures::future::{join_all, select};

    use super::*;

    #[tokio::test]
    async fn no_more_than_so_many_are_under_way_and_everybody_comes_to_it() {
        let (turns, under_way, most, done) = (Turns::new(2), Cell::new(0), Cell::new(0), Cell::new(0));
        join_all((0..9).map(|_| one(&turns, &under_way, &most, &done))).await;
        assert_eq!((most.get(), done.get()), (2, 9));
    }

    async fn one(turns: &Turns, under_way: &Cell<u32>, most: &Cell<u32>, done: &Cell<u32>) {
        let _turn = turns.next().await;
        under_way.set(under_way.get() + 1);
        most.set(most.get().max(under_way.get()));
        let mut again = true;
        std::future::poll_fn(|context| {
            context.waker().wake_by_ref();
            if std::mem::take(&mut again) { std::task::Poll::Pending } else { std::task::Poll::Ready(()) }
        })
        .await;
        under_way.set(under_way.get() - 1);
        done.set(done.get() + 1);
    }

    #[tokio::test]
    async fn who_gives_up_waiting_takes_no_turn_along() {
        let turns = Turns::new(1);
        let turn = turns.next().await;
        drop(select(pin!(turns.next()), pin!(std::future::ready(()))).await);
        drop(turn);
        drop(turns.next().await);
    }
}
