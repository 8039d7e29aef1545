//! How long a call keeps a processor busy, and how many calls of one tenant may do so at once.
//!
//! The engine's epoch makes running wasm give its thread back at every tick, so a call is worked on in pieces. What is
//! counted is the time those take: a call that waits for another system for an hour uses none of it.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Poll, ready};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio_util::sync::PollSemaphore;

/// A call that took no longer than this waits for nobody: next to all questions. One that goes on shares the processors that
/// its tenant may keep busy with the tenant's other calls, so that a hundred endless loops leave room for the neighbours.
const SHORT: Duration = Duration::from_millis(2);

/// The call kept a processor busy for too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Spent;

/// Works until it is done, or has used up its time; then it is to be dropped.
pub(crate) async fn metered<F: Future>(work: F, budget: Duration, processors: Arc<Semaphore>) -> Result<F::Output, Spent> {
    let mut work = pin!(work);
    let mut turns = PollSemaphore::new(processors);
    let mut spent = Duration::ZERO;
    poll_fn(move |context| {
        if spent >= budget {
            return Poll::Ready(Err(Spent));
        }
        let _turn = if spent > SHORT { ready!(turns.poll_acquire(context)) } else { None };
        let begun = Instant::now();
        let answer = work.as_mut().poll(context);
        spent += begun.elapsed();
        answer.map(Ok)
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keeps the processor busy for a while, and gives it back in between.
    async fn busy(pieces: u32, each: Duration) {
        for _ in 0..pieces {
            let begun = Instant::now();
            while begun.elapsed() < each {
                std::hint::spin_loop();
            }
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn who_waits_uses_nothing_up_and_who_works_does() {
        let one = Arc::new(Semaphore::new(1));
        let waits = metered(tokio::time::sleep(Duration::from_millis(50)), Duration::from_millis(20), one.clone());
        assert_eq!(waits.await, Ok(()));
        let works = metered(busy(1_000, Duration::from_millis(2)), Duration::from_millis(20), one.clone());
        assert_eq!(works.await, Err(Spent));
        assert_eq!(one.available_permits(), 1);
    }

    #[tokio::test]
    async fn long_work_waits_for_a_processor_of_its_tenant_and_short_work_does_not() {
        let none = Arc::new(Semaphore::new(0));
        let budget = Duration::from_secs(10);
        assert_eq!(metered(busy(1, Duration::from_millis(1)), budget, none.clone()).await, Ok(()));
        let mut long = pin!(metered(busy(5, Duration::from_millis(6)), budget, none.clone()));
        // It begins, and then stands still.
        for _ in 0..3 {
            assert!(futures::poll!(long.as_mut()).is_pending());
        }
        none.add_permits(1);
        assert_eq!(long.await, Ok(()));
    }
}
