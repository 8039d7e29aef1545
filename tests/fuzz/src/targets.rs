//! Fuzz targets: every reader of what strangers send.
//!
//! A target takes bytes and checks what was read from them; it panics where something does not hold. Its seeds, one file each,
//! lie in `seeds/NAME`, and words worth trying in `words/NAME`. `tests/fuzz/run` runs them all; to add one, add a row to
//! `TARGETS` and a folder of seeds.
#![cfg(feature = "engine")]

pub mod json;

use worker_status_readers::fuzz as readers;

/// A target: its name, which is the folder of its seeds, and what it does with bytes.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: &[Target] = &[
    ("envelope", shift_access::fuzz::envelope),
    ("event", readers::event),
    ("everybody", readers::everybody),
    ("on-premise", readers::on_premise),
    ("people", readers::people),
    ("timecards", readers::timecards),
    ("zones", readers::zones),
];
