//! The rules of shift-based access.
//!
//! Everything here is pure: no clock, no environment, no input or output. Time is an argument, so the same arguments
//! give the same answer, in a test as in production.
//!
//! The flow is [`mod@derive`] (punches to a status), [`plan`] (what was read to what is stored), [`mod@decide`] (a record to a
//! decision); [`identity`] says whose the punches are, [`zone`] when they were, [`what_if`] what other settings would say, and
//! [`explain`] tells the whole way in sentences for a clerk. Beside it stands [`event`]: what is stored of an event while the time
//! system cannot be asked. The modules are a tower whose floors only look down: `explain` on
//! `decide`; `plan`, `decide`, `event` (and what they are made of, `derive`, `identity` and `unmatched`) on `record` and `status`, those on
//! `timecard`, `settings` and `zone`, those on `ids` and `catalogue`.
//!
#![doc = include_str!("../RULES.md")]
#![forbid(unsafe_code)]

pub mod catalogue;
pub mod decide;
pub mod derive;
pub mod event;
pub mod explain;
mod iana;
pub mod identity;
pub mod ids;
pub mod plan;
pub mod record;
pub mod settings;
pub mod status;
pub mod timecard;
pub mod unmatched;
pub mod what_if;
pub mod zone;
