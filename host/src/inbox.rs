//! Where events from outside come in: who may bring them, what they bring, and what becomes of it.
//!
//! The door looks at the raw bytes and the headers, the envelope turns what was brought into CloudEvents, and only then is
//! anything stored. What an event means is the plugin's affair.

mod door;
mod envelope;
