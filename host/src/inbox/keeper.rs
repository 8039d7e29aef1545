//! Keeps an inbox tidy: counts anew what other hosts changed, and removes what is kept no longer.

use std::time::Duration;

use super::dead_letters::DeadLetters;
use super::{Shared, seen};
use crate::store::StoreError;

/// How often it looks.
const EVERY: Duration = Duration::from_secs(60);

/// Pages of what is too old that are removed at a look: enough for hundreds of events a second, and nobody waits for long.
const PAGES: usize = 20;

/// Looks once a minute, until it is dropped.
pub(super) async fn keep(shared: &Shared) {
    let mut minutes = tokio::time::interval(EVERY);
    minutes.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        minutes.tick().await;
        if let Err(error) = look(shared).await {
            tracing::warn!(tenant = shared.queue.space.tenant(), %error, "the inbox was not tidied");
        }
    }
}

async fn look(shared: &Shared) -> Result<(), StoreError> {
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
    let census = queue.census().await?;
    shared.numbers.counted(census.events, census.oldest, letters.count().await?);
    Ok(())
}
