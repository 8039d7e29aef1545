//! The promises of `journal`: what it keeps is checked from outside, on the run's history.

use crate::Promises;
use crate::bindings::shift_access::plugin::journal::{Level, Note, add, counts, progress};

pub fn probe(promises: &mut Promises) {
    progress(1, Some(2), "halves");
    progress(2, Some(2), "halves");
    counts(&[("halves".to_owned(), 2)]);
    let note =
        Note { level: Level::Warning, code: Some("PROBE-02".to_owned()), message: "A note.".to_owned(), subject: Some("it".to_owned()) };
    for _ in 0..20_000 {
        add(&note);
    }
    promises.check("notes and progress are taken without limit to the plugin", true, ());
}
