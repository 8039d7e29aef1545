//! Whether the store takes writes. A full disk lets everything be read, and so looks well to who only reads.
//!
//! It is found out by writing, since that is what the next event does. But a probe comes every few seconds from every load
//! balancer, so one write answers all of them for a while.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::store::{Space, Store, StoreError, Write};

/// How long an answer serves whoever asks again.
const SERVES: Duration = Duration::from_secs(5);

/// How long the store may take for it.
const PATIENCE: Duration = Duration::from_secs(5);

/// Bytes that are written: more than is left over in a file that cannot grow. They are removed at once.
const BYTES: usize = 16 << 10;

/// Where they are written, in the space of no tenant.
const KEY: &str = "writable";

/// What was found out, and when: nothing, or why the store takes no writes.
type Found = (Instant, Result<(), String>);

/// What was found out last. Clones share it.
#[derive(Clone, Default)]
pub(super) struct Writable {
    found: Arc<Mutex<Option<Found>>>,
}

impl Writable {
    /// Whether the store took a write just now, or a few seconds ago; otherwise why not.
    pub(super) async fn check(&self, store: &dyn Store) -> Result<(), String> {
        // Held while it is found out: who asks meanwhile waits for the same answer.
        let mut found = self.found.lock().await;
        if let Some((at, answer)) = &*found
            && at.elapsed() < SERVES
        {
            return answer.clone();
        }
        let answer = match tokio::time::timeout(PATIENCE, write(store)).await {
            Ok(written) => written.map_err(|error| format!("the store takes no writes: {error}")),
            Err(_) => Err(format!("the store takes no writes: it did not answer within {PATIENCE:?}")),
        };
        if let Err(trouble) = &answer {
            tracing::error!("{trouble}");
        }
        *found = Some((Instant::now(), answer.clone()));
        answer
    }
}

async fn write(store: &dyn Store) -> Result<(), StoreError> {
    let space = Space::host("");
    store.commit(&space, vec![Write::put(KEY, vec![0; BYTES])]).await?;
    store.commit(&space, vec![Write::remove(KEY)]).await.map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{MemoryStore, Scan};

    /// How often the store was written to shows in the revision of what is written next.
    async fn revision(store: &dyn Store) -> u64 {
        let space = Space::host("test");
        store.commit(&space, vec![Write::put("key", [])]).await.unwrap();
        store.get(&space, &["key".to_owned()]).await.unwrap().remove(0).unwrap().revision.parse().unwrap()
    }

    #[tokio::test]
    async fn one_write_answers_for_a_while_and_leaves_nothing() {
        let (store, writable) = (MemoryStore::default(), Writable::default());
        let before = revision(&store).await;
        for _ in 0..100 {
            writable.check(&store).await.unwrap();
        }
        assert_eq!(revision(&store).await, before + 3, "two writes for all, and the look itself");
        writable.found.lock().await.as_mut().unwrap().0 -= SERVES;
        writable.check(&store).await.unwrap();
        assert_eq!(revision(&store).await, before + 6);
        assert!(store.scan(&Space::host(""), &Scan::new("", 10)).await.unwrap().entries.is_empty());
    }
}
