//! Simulators for Shift Access: UKG Pro WFM, Workspace ONE Access and a mail inbox, and the stage that puts the program among them.
//!
//! | module | is |
//! |---|---|
//! | [`world`] | the one truth both simulators answer from: people, punches, shifts, users, groups |
//! | [`ukg`] | UKG Pro Workforce Management, as strict as the fact sheet says it is |
//! | [`access`] | Workspace ONE Access: token and classic SCIM |
//! | [`feed`] | a feed of punches, for the example of an extension |
//! | [`inbox`] | a mail server that keeps what it gets |
//! | [`fault`] | what goes wrong, where, and from which call on |
//! | [`conformance`] | whether a platform keeps the promises of the contract |
//! | [`calls`] | what was asked, and how much at once |
//! | [`server`] | what the HTTP simulators stand on |
//! | [`stage`] | the whole system: simulators, a configuration, and the program |
//! | [`serving`] | the program while it serves |
//! | [`browser`] | a browser without a window, for the console |
//! | [`hook`] | the time system's side of a webhook |
//! | [`benchmark`] | what benchmarks do alike: arguments, the report, the verdict |
//! | [`hostile`] | components that attack, and the neighbour beside them |
//!
//! Everything goes over real TCP on loopback, every simulator has its own port, and dropping one stops it.
//!
//! ```
//! use shift_access_tests::access::AccessSim;
//! use shift_access_tests::fault::Fault;
//! use shift_access_tests::inbox::Inbox;
//! use shift_access_tests::ukg::{TIMECARD_PATH, UkgSim};
//! use shift_access_tests::world::{World, hours, minutes};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> anyhow::Result<()> {
//! let world = World::new(chrono::Utc::now());
//! world.person("adiaz").named("Ana Diaz").number("100007").in_group("Store 12 Hourly").clocked_in(hours(3));
//! let (ukg, access, inbox) = (UkgSim::start(world.clone()).await?, AccessSim::start(world.clone()).await?, Inbox::start().await?);
//!
//! ukg.faults().add(Fault::on(TIMECARD_PATH).status(500).after(3).times(1));
//! // … the program runs against ukg.url(), access.url() and inbox.port() …
//! world.person("adiaz").clocked_out(minutes(5));
//! // … and again …
//! assert!(ukg.calls().max_in_flight() <= 4);
//! assert_eq!((access.calls().total(), inbox.mails().len()), (0, 0));
//! # Ok(())
//! # }
//! ```

use std::path::PathBuf;
use std::sync::Once;

pub mod access;
pub mod benchmark;
pub mod browser;
pub mod calls;
pub mod conformance;
pub mod fault;
pub mod feed;
pub mod hook;
pub mod hostile;
pub mod inbox;
pub mod process;
pub mod server;
pub mod serving;
pub mod stage;
#[cfg(test)]
mod testing;
pub mod ukg;
pub mod world;

/// A guest that checks a platform's promises from inside; see `tests/probe`.
pub const PROBE: &[u8] = include_bytes!(env!("PROBE"));

/// Where the example of an extension lies, as a component; see `guest/extension`.
pub const EXTENSION: &str = env!("EXTENSION");

/// A guest that tries to get out of its sandbox, or to take it down; see `tests/hostile`.
pub const HOSTILE: &[u8] = include_bytes!(env!("HOSTILE"));

/// A plugin built against the contract as it was released in 0.1.0.
pub const SINCE_0_1_0: &[u8] = include_bytes!(env!("SINCE_0_1_0"));

/// Where compiled components lie, for all tests: to compile one without optimisation takes a second each time.
pub fn cache() -> PathBuf {
    std::env::temp_dir().join("shift-access-tests-cache")
}

/// Makes a provider of TLS the one of this process, without which there is no HTTP client. A stage and every simulator has done so.
pub fn tls() {
    static ONCE: Once = Once::new();
    // Where there is one already, it stays.
    ONCE.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
}
