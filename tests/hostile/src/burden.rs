//! Weighs on the host: with very many small things, and with what it leaves behind when a call ends.

use futures::FutureExt;

use crate::Tries;
use crate::bindings::shift_access::plugin::storage::{Condition, Write, commit, get};
use crate::bindings::shift_access::plugin::{http, journal};

/// The most in one commit, and with it a million.
const WRITES: usize = 2_000;
const COMMITS: usize = 500;

/// A million small writes, each of a key of its own.
pub async fn writes(tries: &mut Tries) {
    let mut committed = 0;
    let mut refused = None;
    for number in 0..COMMITS {
        let write = |at| Write { key: format!("{number}/{at}"), value: Some(vec![b'x']), condition: Condition::Any };
        match commit((0..WRITES).map(write).collect()).await {
            Ok(_) => committed += WRITES,
            Err(error) => refused = Some(error),
        }
    }
    tries.add("committed", true, committed);
    tries.add("refused", true, refused);
}

/// Lists that are small here and large in the host: of very many empty texts.
pub fn counts() {
    journal::counts(&vec![(String::new(), 0); 2_000_000]);
}

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        std::process::abort();
    }
}

/// Ends with a call of the host under way, and goes off when that is dropped.
pub async fn dropped() {
    let mut asking = Box::pin(async {
        let _bomb = Bomb;
        let never = http::Request { path: "/never".to_owned(), ..crate::inject::request() };
        http::send(never).await
    });
    let _ = (&mut asking).now_or_never();
}

/// Goes off once the call has been answered.
pub fn after_the_answer() {
    wit_bindgen::spawn_local(async {
        let _bomb = Bomb;
        later().await;
    });
}

/// Begins, once the call has been answered, what does not end.
pub fn endless_after_the_answer() {
    wit_bindgen::spawn_local(async {
        later().await;
        loop {
            std::hint::spin_loop();
        }
    });
}

async fn later() {
    for _ in 0..3 {
        let _ = get(vec!["later".to_owned()]).await;
    }
}
