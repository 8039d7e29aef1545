//! The reference host of shift-access plugins: lends a WebAssembly component five capabilities (HTTP, storage, mail, a
//! journal, properties), runs its jobs, and keeps what it did.
//!
//! It knows HTTP, keys and values, mail and time; what the plugin is for it does not know. A platform that has its own
//! storage, mailer or clock lends those:
//!
//! ```
//! use std::sync::Arc;
//! use std::sync::atomic::{AtomicUsize, Ordering};
//!
//! use shift_access::config::{ConnectionConfig, SettingValue};
//! use shift_access::connection::Connections;
//! use shift_access::description::PropertyValue;
//! use shift_access::grant::Grants;
//! use shift_access::history::{Status, Trigger};
//! use shift_access::limits::Limits;
//! use shift_access::mail::{Mail, MailError, Mailer};
//! use shift_access::plugin::Pack;
//! use shift_access::store::{Entry, Guard, MemoryStore, Outcome, Page, Scan, Space, Store, StoreError, Write};
//! use shift_access::{Host, Order, Tenant};
//! # use shift_access_tests::{access::AccessSim, ukg::UkgSim, world::{World, hours}};
//!
//! /// The platform's storage: four calls. This one counts the commits.
//! #[derive(Default)]
//! struct OwnStore { kept: MemoryStore, commits: AtomicUsize }
//!
//! #[async_trait::async_trait]
//! impl Store for OwnStore {
//!     async fn get(&self, space: &Space, keys: &[String]) -> Result<Vec<Option<Entry>>, StoreError> {
//!         self.kept.get(space, keys).await
//!     }
//!     async fn commit(&self, space: &Space, writes: Vec<Write>) -> Result<Outcome, StoreError> {
//!         self.commits.fetch_add(1, Ordering::Relaxed);
//!         self.kept.commit(space, writes).await
//!     }
//!     async fn scan(&self, space: &Space, scan: &Scan) -> Result<Page, StoreError> {
//!         self.kept.scan(space, scan).await
//!     }
//!     async fn try_lock(&self, tenant: &str, name: &str) -> Result<Option<Guard>, StoreError> {
//!         self.kept.try_lock(tenant, name).await
//!     }
//! }
//!
//! /// The platform's mailer.
//! struct OwnMailer;
//!
//! #[async_trait::async_trait]
//! impl Mailer for OwnMailer {
//!     async fn send(&self, mail: &Mail) -> Result<(), MailError> { eprintln!("mail: {}", mail.subject); Ok(()) }
//!     async fn reach(&self) -> Result<(), MailError> { Ok(()) }
//! }
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let world = World::new(chrono::Utc::now());
//! # world.person("adiaz").in_group("Store 12 Hourly").clocked_in(hours(3));
//! # let (ukg, access) = (UkgSim::start(world.clone()).await?, AccessSim::start(world).await?);
//! # let (kronos_url, directory_url) = (ukg.url(), access.url());
//! # let (k, d) = (ukg.credentials(), access.credentials());
//! # let (client_id, client_secret, user, password) = (k.client_id, k.client_secret, k.user_name, k.password);
//! // The host, with what is lent.
//! let store = Arc::new(OwnStore::default());
//! let host = Host::builder().store(store.clone()).mailer(Arc::new(OwnMailer)).build()?;
//!
//! // The pack, and a tenant of it.
//! let mut tenant = Tenant::new("acme", Pack::built_in(host.engine())?).await?;
//! tenant.set("user-groups", PropertyValue::Items(vec!["Store 12 Hourly".to_owned()]));
//!
//! // How much its plugin may take: everything has a limit, and a default.
//! let mut limits = Limits { storage_mib: 64, mail_domains: Some(vec!["acme.example".to_owned()]), ..Limits::default() };
//! limits.questions.cpu_seconds = 2;
//! tenant.limits = Arc::new(limits);
//! // And which capabilities it may have at all. A pack that imports another is not called.
//! tenant.grants = Arc::new(Grants::default());
//!
//! // Its connections: the pack describes how each logs in, the platform holds the credentials.
//! let secret = |text: &str| SettingValue::Secret(text.to_owned().into());
//! let plain = |text: &str| SettingValue::Plain(text.to_owned());
//! let mut kronos = ConnectionConfig::described(&tenant.description.connections[0], kronos_url.parse()?);
//! kronos.settings.insert("client-id".to_owned(), plain(client_id));
//! kronos.settings.insert("client-secret".to_owned(), secret(client_secret));
//! kronos.settings.insert("username".to_owned(), plain(user));
//! kronos.settings.insert("password".to_owned(), secret(password));
//! let mut directory = ConnectionConfig::described(&tenant.description.connections[1], directory_url.parse()?);
//! directory.settings.insert("client-id".to_owned(), plain(&d.client_id));
//! directory.settings.insert("client-secret".to_owned(), secret(&d.client_secret));
//! tenant.http = Arc::new(Connections::new([&kronos, &directory])?);
//!
//! // The batch.
//! let order = Order::new(&tenant, "batch", Trigger::Manual)?;
//! let ended = host.run(&tenant, order, Default::default(), Default::default()).await?;
//! assert_eq!(ended.run.status, Status::Complete, "{:?}", ended.run.failure);
//!
//! // And what it is for.
//! let question = ("adiaz".to_owned(), Some("people".to_owned()));
//! let decisions = tenant.pack.decide(host.lend(&tenant), vec![question]).await?;
//! assert_eq!(decisions[0].reason, "clocked-in");
//! assert!(store.commits.load(Ordering::Relaxed) > 0);
//! # Ok(())
//! # }
//! ```
//!
//! # What is shared, and with whom
//!
//! Two hosts in one process share nothing, and nothing of this library is global: an [`Engine`] and a [`Pack`](plugin::Pack)
//! may be lent to several hosts, and still no tenant of one meets what the memory of an instance holds of another. The provider
//! of cryptography is given to each client by hand, so whoever embeds the host may install another one, or none; a `tracing`
//! subscriber is installed by the program alone. One thing belongs to the whole process, as wasmtime has it: its handlers of
//! the signals by which a plugin's trap shows, which pass every other signal on.
#![deny(missing_docs)]
#![deny(unsafe_code)]

mod alert;
pub mod answer;
mod api;
mod audit;
pub mod capability;
#[doc(hidden)]
pub mod cli;
pub mod clock;
pub mod config;
pub mod connection;
#[doc(hidden)]
pub mod console;
pub mod description;
mod engine;
#[cfg(feature = "fuzz")]
#[doc(hidden)]
pub mod fuzz;
pub mod grant;
pub mod history;
mod host;
mod identities;
pub mod inbox;
mod layout;
pub mod limits;
pub mod mail;
pub mod managed;
#[doc(hidden)]
pub mod metrics;
mod outbox;
pub mod plugin;
mod role;
mod runner;
pub mod scheduler;
pub mod seal;
mod secret;
mod serve;
mod site;
mod standing;
pub mod store;
mod tenant;
pub mod token;

pub use engine::{BuildError, Cache, Engine};
pub use host::{Host, HostBuilder};
pub use layout::{Tag, TagError};
pub use outbox::OutboxNumbers;
pub use runner::{Order, OrderError, RunError};
pub use serve::{Server, ServerLimits};
pub use site::{
    Apply, ChangeError, Changed, Changes, Copy, Environment, ManagedState, ManagedTenant, Origin, Restored, Site, SiteError, TenantStatus,
};
pub use tenant::Tenant;
