//! What of a release its tests look at too. The program is in `main.rs`.
#![expect(clippy::indexing_slicing, reason = "the arenas of the contract's parser are indexed by what it gave out itself")]

pub mod page;
