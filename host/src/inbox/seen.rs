//! Which events came already, by a hash of their id.
//!
//! An id is kept in the bucket of the week it came in. It is looked for in the bucket of this week and in the one before, so
//! it is remembered for a week at least; older buckets are removed whole. Looking is part of the commit that stores the
//! event: every key is written on condition that it is absent, so of two hosts that get one event at once one stores it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};

use crate::store::{Condition, Scan, Space, Store, StoreError, Write};

const KEYS: &str = "seen/";

/// A bucket's span in milliseconds: a week.
const SPAN: i64 = 7 * 24 * 60 * 60 * 1_000;

/// So near to the end of a bucket another host, whose clock is ahead, may write into the next.
const NEAR: i64 = 10 * 60 * 1_000;

/// Bytes of the hash that are kept: enough that no two ids of a tenant ever meet.
const HASH_BYTES: usize = 18;

/// What is known of an id.
pub(super) fn hash(id: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(id).get(..HASH_BYTES).unwrap_or_default())
}

/// The writes that note an id as seen, and fail where it was seen before.
pub(super) fn writes(hash: &str, now: DateTime<Utc>) -> impl Iterator<Item = Write> {
    let moment = super::millis(now);
    let bucket = moment / SPAN;
    let note = Write::put(key(bucket, hash), []);
    let before = Write::remove(key(bucket - 1, hash));
    let next = (moment % SPAN >= SPAN - NEAR).then(|| Write::remove(key(bucket + 1, hash)));
    [Some(note), Some(before), next].into_iter().flatten().map(|write| write.when(Condition::Absent))
}

/// The hash in the key of one of these writes.
pub(super) fn hash_of(key: &str) -> Option<&str> {
    key.strip_prefix(KEYS)?.split_once('/').map(|(_, hash)| hash)
}

/// Removes some of what is older than is looked for; false when nothing is left of it.
pub(super) async fn prune(store: &dyn Store, space: &Space, now: DateTime<Utc>) -> Result<bool, StoreError> {
    let page = store.scan(space, &Scan::new(KEYS, crate::store::MAX_SCAN)).await?;
    let oldest_kept = key(super::millis(now) / SPAN - 1, "");
    let old: Vec<_> = page.entries.into_iter().map(|entry| entry.key).take_while(|key| *key < oldest_kept).map(Write::remove).collect();
    if old.is_empty() {
        return Ok(false);
    }
    store.commit(space, old).await.map(|_| true)
}

fn key(bucket: i64, hash: &str) -> String {
    format!("{KEYS}{:06}/{hash}", bucket.max(0))
}
