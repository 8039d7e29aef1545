//! The reference host of shift-access plugins: lends a WebAssembly component five capabilities (HTTP, storage, mail, a
//! journal, properties), runs its jobs, and keeps what it did.
//!
//! It knows HTTP, keys and values, mail and time; what the plugin is for it does not know.
#![forbid(unsafe_code)]

pub mod alert;
pub mod answer;
pub mod capability;
pub mod cli;
pub mod clock;
pub mod config;
pub mod connection;
pub mod description;
mod engine;
pub mod history;
mod host;
mod limits;
pub mod mail;
pub mod plugin;
mod runner;
pub mod secret;
mod site;
pub mod store;
mod tenant;

pub use engine::Engine;
pub use host::{BuildError, Host, HostBuilder};
pub use runner::{Order, OrderError, RunError};
pub use site::{Environment, Site, SiteError};
pub use tenant::Tenant;
