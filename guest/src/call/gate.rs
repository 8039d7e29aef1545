//! At most so many calls at once, whoever makes them. UKG advises four (facts/ukg-pro-wfm.md §4).

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use futures::channel::oneshot;

/// Lets a fixed number pass at a time; the others wait their turn in order.
#[derive(Debug, Clone)]
pub struct Gate(Rc<Inner>);

#[derive(Debug)]
struct Inner {
    free: Cell<usize>,
    waiting: RefCell<VecDeque<oneshot::Sender<Pass>>>,
}

/// The right to be inside; dropping it lets the next one in.
#[derive(Debug)]
pub struct Pass(Rc<Inner>);

impl Gate {
    /// A gate for this many at once.
    pub fn new(width: usize) -> Self {
        Self(Rc::new(Inner { free: Cell::new(width), waiting: RefCell::default() }))
    }

    /// Waits for a turn.
    pub async fn enter(&self) -> Pass {
        loop {
            if let Some(free) = self.0.free.get().checked_sub(1) {
                self.0.free.set(free);
                return Pass(Rc::clone(&self.0));
            }
            let (sender, receiver) = oneshot::channel();
            self.0.waiting.borrow_mut().push_back(sender);
            if let Ok(pass) = receiver.await {
                return pass;
            }
        }
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let next = self.0.waiting.borrow_mut().pop_front();
        match next {
            // One who has given up waiting lets go of the pass it is sent, which comes back here for the next.
            Some(next) => drop(next.send(Pass(Rc::clone(&self.0)))),
            None => self.0.free.set(self.0.free.get().saturating_add(1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[test]
    fn the_fifth_waits_until_one_leaves() {
        let gate = Gate::new(4);
        let mut inside: Vec<_> = (0..4).map(|_| gate.enter().now_or_never().unwrap()).collect();
        let mut fifth = Box::pin(gate.enter());
        assert!((&mut fifth).now_or_never().is_none());
        drop(inside.pop());
        assert!((&mut fifth).now_or_never().is_some());
    }

    #[test]
    fn one_who_gives_up_holds_no_turn() {
        let gate = Gate::new(1);
        let inside = gate.enter().now_or_never().unwrap();
        let mut second = Box::pin(gate.enter());
        let mut third = Box::pin(gate.enter());
        assert!((&mut second).now_or_never().is_none() && (&mut third).now_or_never().is_none());
        drop(second);
        drop(inside);
        assert!((&mut third).now_or_never().is_some());
        assert_eq!(gate.0.free.get(), 1);
    }
}
