//! What wakes the plugin from outside: events, and the wish to know one worker now. Both read the time system and store what
//! it says; an event is a reason to look, and what it says decides nothing that can be looked up.

pub mod event;
mod fields;
mod handle;
mod look_up;
mod reported;
mod strangers;
mod whom;

pub use handle::{Arrived, Outcome, handle};
pub use look_up::look_up;
pub use strangers::ALL as STRANGERS;
