//! An adapter: what the plugin is lent but storage, on a host that offers WASI and nothing else.
//!
//! `http` goes over the standard HTTP client, `email` over an HTTP mail API, `properties` and all settings come from
//! `wasi:config`, and `journal` is written to standard error. The settings pass through this component's memory, credentials
//! too; the plugin is another component with a memory of its own, and no export of this one gives a credential away.
//!
//! It must not know what the calls are for. It keeps what is the tenant's (settings, tokens), and nothing of a request.
#![cfg_attr(not(target_arch = "wasm32"), allow(dead_code, reason = "what the exports reach is unused without them"))]

mod address;
mod attempt;
mod bindings;
mod connection;
mod described;
mod email;
mod journal;
mod login;
mod patience;
mod properties;
mod secrets;
mod settings;
mod target;
mod tenant;
mod tokens;
mod turns;
#[path = "../../unique.rs"]
mod unique;

use bindings::exports::shift_access::adapters::setup;
use bindings::exports::shift_access::plugin::{email as email_export, http, journal as journal_export, properties as properties_export};

struct Lent;

impl setup::Guest for Lent {
    fn configure(description: String) -> Vec<String> {
        tenant::configure(&description)
    }
}

impl http::Guest for Lent {
    async fn send(request: http::Request) -> Result<http::Response, http::Error> {
        let tenant = tenant::ready().map_err(http::Error::Other)?;
        let connection = tenant.connections.get(&request.connection).ok_or(http::Error::UnknownConnection)?;
        connection.send(request).await
    }
}

impl email_export::Guest for Lent {
    async fn send(message: email_export::Message) -> Result<email_export::Receipt, email_export::Error> {
        tenant::ready().map_err(email_export::Error::Other)?.mail()?.send(&message).await
    }

    async fn reach() -> Result<(), email_export::Error> {
        tenant::ready().map_err(email_export::Error::Other)?.mail()?.reach().await
    }
}

impl journal_export::Guest for Lent {
    fn progress(done: u64, total: Option<u64>, label: String) {
        journal::progress(done, total, &label);
    }

    fn counts(counts: Vec<(String, u64)>) {
        journal::counts(&counts);
    }

    fn add(note: journal_export::Note) {
        journal::add(&note);
    }
}

impl properties_export::Guest for Lent {
    /// Settings are read once for each instance, so they never change under it.
    fn revision() -> u64 {
        1
    }

    fn all() -> Vec<properties_export::Property> {
        tenant::ready().map(|tenant| tenant.properties.clone()).unwrap_or_default()
    }
}

// The names of the exports mean nothing to a native linker; there, only the unit tests are built.
#[cfg(target_arch = "wasm32")]
bindings::export!(Lent with_types_in bindings);
