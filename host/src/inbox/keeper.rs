//! Keeps an inbox tidy: counts anew what other hosts changed, and removes what is kept no longer.

use std::time::Duration;

use super::dead_letters::DeadLetters;
use super::{Shared, seen};
use crate::store::StoreError;

/// How often it looks.
const EVERY: Duration = Duration::from_secs(60);

/// When it counts again if something came between.
const AGAIN: Duration = Duration::from_secs(1);

/// Pages of what is too old that are removed at a look: enough for hundreds of events a second, and nobody waits for long.
const PAGES: usize = 20;

/// Looks once a minute, until it is dropped.
pub(super) async fn keep(shared: &Shared) {
    let mut minutes = tokio::time::interval(EVERY);
    minutes.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        minutes.tick().await;
        let mut looked = look(shared).await;
        for _ in 0..EVERY.as_secs() / 2 {
            match looked {
                Ok(false) => {
                    tokio::time::sleep(AGAIN).await;
                    looked = count(shared).await;
                }
                Ok(true) | Err(_) => break,
            }
        }
        if let Err(error) = looked {
            tracing::warn!(tenant = shared.queue.space.tenant(), %error, "the inbox was not tidied");
        }
    }
}

/// Removes what is too old, and counts.
async fn look(shared: &Shared) -> Result<bool, StoreError> {
    let (queue, now) = (&shared.queue, shared.clock.now());
    let letters = DeadLetters::new(queue.store.clone(), queue.space.tenant());
    for _ in 0..PAGES {
        if !letters.prune(now).await? {
            break;
        }
    }
    for _ in 0..PAGES {
        if !seen::prune(&*queue.store, &queue.space, now).await? {
            break;
        }
    }
    count(shared).await
}

/// Counts what waits; tells whether nothing came between.
async fn count(shared: &Shared) -> Result<bool, StoreError> {
    let begun = shared.numbers.changes();
    let census = shared.queue.census().await?;
    let letters = DeadLetters::new(shared.queue.store.clone(), shared.queue.space.tenant()).count().await?;
    Ok(shared.numbers.counted(begun, census.events, census.oldest, letters))
}
