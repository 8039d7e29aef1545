//! The rules of shift-based access, on one page.
//!
//! **What a worker is at.** A punch has no direction. UKG puts punches together to shifts and spans of work; what those
//! say comes first, and punches it has not put together yet carry on from there: an "in", "out", "new shift" or break
//! rule that somebody set decides, a transfer keeps the state, anything else is the other way round. An out inside a
//! shift in progress is a break, elsewhere the end of work. A break that grows too long, and a shift that stays open too
//! long, count as off shift. Punches the system made, and such as are yet to come, are no evidence. See [`mod@derive`].
//!
//! **Local time.** Punches are local to a zone that UKG names in its own way. The name becomes an IANA zone or the
//! worker is unknown: an offset alone is not enough, as it says nothing about summer. See [`zone`].
//!
//! **Who.** The directory and the time system share the user name and nothing else. What is not one to one is unknown and
//! never guessed at. See [`identity`].
//!
//! **What is stored.** One record a worker. What was read later wins; an event never beats a later reading. Reading the
//! same again changes nothing but when it was observed. See [`plan`] and [`record`].
//!
//! **May the worker?** On shift: yes. On a break: as the tenant says. Off shift: no, but for a grace after the out punch.
//! Unknown, too old, or no record: no, unless the tenant says otherwise. In an exempt group: yes. See [`decide`].
//!
//! **Why?** The way from punches to a decision, in sentences for a clerk. See [`explain`].
//!
//! Everything here is pure: no clock, no environment, no input or output. Time is an argument, so the same arguments
//! give the same answer, in a test as in production.
//!
//! The modules are a tower whose floors only look down: `explain` on `decide`; `plan`, `decide` (and what they are made of, `derive` and
//! `identity`) on `record` and `status`, those on `timecard`, `settings` and `zone`, those on `ids` and `catalogue`.
#![forbid(unsafe_code)]

pub mod catalogue;
pub mod decide;
pub mod derive;
pub mod explain;
mod iana;
pub mod identity;
pub mod ids;
pub mod plan;
pub mod record;
pub mod settings;
pub mod status;
pub mod timecard;
pub mod what_if;
pub mod zone;
