//! A configured host: from a configuration file to tenants that can be called.
//!
//! Everything that can be wrong is found before anything runs: the file, the components, the pack's own check. The same
//! holds when the file is read again: a new configuration is taken over whole, or not at all.

mod packs;
mod stand;
mod upgrade;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, PoisonError};

use sha2::{Digest, Sha256};
use tokio::sync::{Mutex, watch};

use crate::config::{self, ComponentDigest, Config, ConsoleConfig, Problem, Severity, SmtpConfig, SmtpTls, StorageConfig};
use crate::connection::{ConnectionError, Connections, Network};
use crate::description::{Description, Parameter, PropertyValue, Source};
use crate::engine::{Cache, Engine};
use crate::host::Host;
use crate::mail::{self, Exchangeable, SmtpMailer, Tls};
use crate::plugin::Pack;
use crate::standing::Standings;
use crate::store::{SqliteStore, StoreError};
use crate::tenant::Tenant;
use packs::{Loaded, Packs, Unloaded};
use stand::Known;

pub use stand::TenantStatus;
pub(crate) use upgrade::UPGRADE;

/// How a variable of the environment is looked up.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Why there is no site.
#[derive(Debug, thiserror::Error)]
pub enum SiteError {
    /// The configuration has errors; they are told apart from this.
    #[error("the configuration has errors")]
    Configuration,
    /// The configuration names no such tenant.
    #[error("{0}")]
    UnknownTenant(String),
    /// The store cannot be opened.
    #[error("{0}")]
    Store(String),
    /// The host itself cannot start.
    #[error("the host cannot start: {0}")]
    Host(String),
    /// What was changed cannot be changed while the host runs.
    #[error("restart the host to change {0}")]
    Restart(String),
}

/// A host with the tenants of a configuration file. Who they are may change while it runs.
pub struct Site {
    host: Host,
    listen: SocketAddr,
    storage: StorageConfig,
    proxy: bool,
    console: std::sync::Mutex<Arc<ConsoleConfig>>,
    mailer: Option<Arc<Exchangeable>>,
    /// Held while the configuration is read again: one at a time does so.
    packs: Mutex<Packs>,
    standings: Standings,
    /// What the configuration and the store say of tenants.
    known: std::sync::Mutex<Known>,
    /// Those there are, as comes of both.
    tenants: watch::Sender<Arc<Tenants>>,
}

/// Every tenant by name.
pub(crate) type Tenants = BTreeMap<String, Installed>;

/// A digest of all that was configured for a tenant, secrets and component included. Not to be shown: somebody who knows
/// the rest could try out the secrets.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity([u8; 32]);

/// A tenant as it is configured now.
#[derive(Clone)]
pub(crate) struct Installed {
    pub(crate) tenant: Tenant,
    pub(crate) identity: Identity,
    /// The digest of its component; `None` for the one that is part of this program.
    pub(crate) component: Option<ComponentDigest>,
    /// What it goes back to while its component is on trial.
    before: Option<Arc<Installed>>,
}

/// What another reading of the configuration changed: names of tenants.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Those that are new.
    pub added: Vec<String>,
    /// Those that run with other values from now on.
    pub changed: Vec<String>,
    /// Those that are gone. What is stored of them stays.
    pub removed: Vec<String>,
    /// Those that stay as they were, because the component that is named for them now is no good.
    pub kept: Vec<String>,
}

impl std::fmt::Display for Changes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kinds = [("added", &self.added), ("changed", &self.changed), ("removed", &self.removed), ("kept as before", &self.kept)];
        let told: Vec<_> =
            kinds.iter().filter(|(_, names)| !names.is_empty()).map(|(kind, names)| format!("{kind}: {}", names.join(", "))).collect();
        f.write_str(if told.is_empty() { "no tenant changed" } else { "" })?;
        f.write_str(&told.join("; "))
    }
}

impl Site {
    /// Reads the file and opens the store. The problems are all there are, also when there is a site.
    pub async fn open(path: &Path, env: Environment<'_>, cache: Option<impl Into<Cache>>) -> (Result<Self, SiteError>, Vec<Problem>) {
        let mut packs = match engine(cache) {
            Ok(engine) => Packs::new(engine),
            Err(error) => return (Err(error), Config::read(path, env).1),
        };
        let (plan, problems) = Plan::read(path, env, &mut packs).await;
        let site = match plan.and_then(|plan| plan.start(packs)) {
            Ok(site) => site.look().await.map_err(|error| SiteError::Store(format!("the store cannot be read: {error}"))).map(|()| site),
            Err(error) => Err(error),
        };
        (site, problems)
    }

    /// Reads the file again. What is wrong with it, or cannot be changed while the host runs, changes nothing; the problems
    /// are all there are. Tenants that are configured as before are not touched. For the others new requests and runs have the
    /// new configuration, and what is under way ends with the one it began with.
    ///
    /// # Errors
    /// Why nothing was taken over.
    pub async fn reload(&self, path: &Path, env: Environment<'_>) -> (Result<Changes, SiteError>, Vec<Problem>) {
        let mut packs = self.packs.lock().await;
        let (plan, problems) = Plan::read(path, env, &mut packs).await;
        let changes = match plan {
            Ok(plan) => self.take_over(plan).await,
            Err(error) => Err(error),
        };
        let used: Vec<_> = self.configured().values().map(|installed| installed.tenant.pack.clone()).collect();
        packs.keep(&used);
        (changes, problems)
    }

    async fn take_over(&self, plan: Plan) -> Result<Changes, SiteError> {
        let fixed = [
            ("host.listen", plan.listen != self.listen),
            ("host.storage", plan.storage != self.storage),
            ("host.proxy", plan.proxy != self.proxy),
            ("whether there is a table smtp", plan.mailer.is_some() != self.mailer.is_some()),
        ];
        let fixed: Vec<_> = fixed.into_iter().filter_map(|(key, differs)| differs.then_some(key)).collect();
        if !fixed.is_empty() {
            return Err(SiteError::Restart(fixed.join(" and ")));
        }
        let mut tenants = tenants(plan.tenants)?;
        let before = self.configured();
        let mut changes = Changes::default();
        for (name, new) in &mut tenants {
            match before.get(name) {
                // The one that is there has logged in, and knows who must wait.
                Some(old) if old.identity == new.identity => new.tenant = old.tenant.clone(),
                Some(old) => match self.upgrade(old, new).await {
                    Ok(()) => changes.changed.push(name.clone()),
                    Err(upgrade::NotGood) => {
                        *new = old.clone();
                        changes.kept.push(name.clone());
                    }
                },
                None => changes.added.push(name.clone()),
            }
        }
        changes.removed = before.keys().filter(|name| !tenants.contains_key(*name)).cloned().collect();
        if let (Some(mailer), Some(new)) = (&self.mailer, plan.mailer) {
            mailer.exchange(new);
        }
        *self.console.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(plan.console);
        self.configure(tenants);
        Ok(changes)
    }

    /// Reads the file and opens nothing: the tenants it names, and every problem.
    pub async fn check(path: &Path, env: Environment<'_>, cache: Option<impl Into<Cache>>) -> (Vec<String>, Vec<Problem>) {
        let plan = match engine(cache) {
            Ok(engine) => Plan::read(path, env, &mut Packs::new(engine)).await,
            Err(error) => (Err(error), Config::read(path, env).1),
        };
        match plan {
            (Ok(plan), problems) => (plan.tenants.keys().cloned().collect(), problems),
            (Err(error), mut problems) => {
                if !problems.iter().any(Problem::is_error) {
                    problems.push(problem(path, String::new(), error.to_string(), "see above"));
                }
                (Vec::new(), problems)
            }
        }
    }

    /// The host.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// Where it is to listen.
    pub fn listen(&self) -> SocketAddr {
        self.listen
    }

    /// What the configuration says of the console now.
    pub(crate) fn console(&self) -> Arc<ConsoleConfig> {
        self.console.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A tenant by name.
    ///
    /// # Errors
    /// When there is none; the error names those there are.
    pub fn tenant(&self, name: &str) -> Result<Tenant, SiteError> {
        let tenants = self.installed();
        tenants.get(name).map(|installed| installed.tenant.clone()).ok_or_else(|| {
            if self.configured().contains_key(name) {
                let remedy = format!("`shift-access tenant restore {name}` brings it back");
                return SiteError::UnknownTenant(format!("the tenant {name:?} was removed; {remedy}"));
            }
            let known = tenants.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            SiteError::UnknownTenant(format!("there is no tenant {name:?} in the configuration; write one of: {known}"))
        })
    }

    /// The tenants there are now.
    pub fn tenants(&self) -> impl Iterator<Item = Tenant> + use<> {
        let tenants: Vec<_> = self.installed().values().map(|installed| installed.tenant.clone()).collect();
        tenants.into_iter()
    }

    /// The tenants there are now, each with its identity.
    pub(crate) fn installed(&self) -> Arc<Tenants> {
        self.tenants.borrow().clone()
    }

    /// Tells whenever other tenants may have taken the place of those there are.
    pub(crate) fn changes(&self) -> watch::Receiver<Arc<Tenants>> {
        self.tenants.subscribe()
    }
}

/// A checked configuration, with nothing opened yet.
struct Plan {
    listen: SocketAddr,
    storage: StorageConfig,
    proxy: bool,
    console: ConsoleConfig,
    mailer: Option<SmtpMailer>,
    tenants: BTreeMap<String, Planned>,
}

/// A tenant that can be started, unless one of the problems is an error.
struct Planned {
    config: config::Tenant,
    identity: Identity,
    component: Option<ComponentDigest>,
    pack: Pack,
    description: Arc<Description>,
    connections: Option<Connections>,
}

impl Plan {
    /// The plan, unless one of the problems is an error.
    async fn read(path: &Path, env: Environment<'_>, packs: &mut Packs) -> (Result<Self, SiteError>, Vec<Problem>) {
        let (config, mut problems) = Config::read(path, env);
        // A table with a mistake in it is there all the same.
        let has_smtp = config.smtp.is_some() || problems.iter().any(|problem| problem.key.split('.').next() == Some("smtp"));
        let mailer = config.smtp.and_then(|smtp| match SmtpMailer::new(smtp_config(smtp)) {
            Ok(mailer) => Some(mailer),
            Err(error) => {
                problems.push(problem(path, "smtp".to_owned(), error.to_string(), "mend this table"));
                None
            }
        });
        problems.extend(proxy_note(path, config.host.proxy_of_environment, env));
        let network = Network::default().proxy_of_environment(config.host.proxy_of_environment);
        let mut tenants = BTreeMap::new();
        let mut reading = packs.read(config.host.components.as_deref());
        for raw in config.tenants.values() {
            let Loaded { pack, description, digest } = match reading.load(raw.component.as_ref()).await {
                Ok(loaded) => loaded,
                Err(found) => {
                    problems.extend(found.into_iter().map(|Unloaded { message, remedy }| raw.component_problem(message, remedy)));
                    continue;
                }
            };
            problems.extend(raw.grants.cover(pack.imports()).err().map(|ungranted| raw.grants_problem(&ungranted)));
            let (tenant, found) = raw.resolve(&description, env);
            let connections = match found.iter().any(Problem::is_error) {
                true => None,
                false => match Connections::over(&network, tenant.connections.values()) {
                    Ok(connections) => Some(connections),
                    Err(ConnectionError::Client(text)) => return (Err(SiteError::Host(text)), problems),
                    Err(error) => {
                        problems.push(connection_problem(path, &tenant, &description, &error));
                        None
                    }
                },
            };
            problems.extend(found);
            match pack.check(&tenant.properties).await {
                Ok(found) => Problem::add_from_pack(&mut problems, &tenant, found),
                Err(error) => problems.push(problem(path, format!("tenants.{}", raw.name), error.to_string(), "use another component")),
            }
            Problem::add_undescribed(&mut problems, &tenant, &description.properties);
            problems.extend(alert_problem(&tenant, &description).filter(|_| !has_smtp));
            // The limits are in part those of the host.
            let written = Sha256::new().chain_update(raw.fingerprint).chain_update(format!("{:?}", tenant.limits));
            let component_digest = digest.map_or([0; 32], |digest| *digest.bytes());
            let identity = Identity(written.chain_update(component_digest).finalize().into());
            tenants.insert(tenant.name.clone(), Planned { config: tenant, identity, component: digest, pack, description, connections });
        }
        if problems.iter().any(Problem::is_error) {
            return (Err(SiteError::Configuration), problems);
        }
        let (listen, storage, proxy) = (config.host.listen, config.host.storage, config.host.proxy_of_environment);
        (Ok(Self { listen, storage, proxy, console: config.console, mailer, tenants }), problems)
    }

    fn start(self, packs: Packs) -> Result<Site, SiteError> {
        let StorageConfig::Sqlite(path) = &self.storage;
        let store = Arc::new(SqliteStore::open(path).map_err(|error| self.store_trouble(&error))?);
        let mut builder = Host::builder().engine(packs.engine().clone()).store(store);
        let mailer = self.mailer.map(|mailer| Arc::new(Exchangeable::new(mailer)));
        if let Some(mailer) = &mailer {
            builder = builder.mailer(mailer.clone());
        }
        let host = builder.build().map_err(|error| SiteError::Host(error.to_string()))?;
        let standings = Standings::new(host.runner().store.clone());
        let site = Site {
            host,
            listen: self.listen,
            storage: self.storage,
            proxy: self.proxy,
            console: std::sync::Mutex::new(Arc::new(self.console)),
            mailer,
            packs: Mutex::new(packs),
            standings,
            known: std::sync::Mutex::default(),
            tenants: watch::Sender::default(),
        };
        site.configure(tenants(self.tenants)?);
        Ok(site)
    }
}

/// Tenants as they were planned.
fn tenants(planned: BTreeMap<String, Planned>) -> Result<Tenants, SiteError> {
    let installed = |(name, planned): (String, Planned)| {
        let Planned { config, identity, component, pack, description, connections } = planned;
        // Where there are none, there is a problem that says why.
        let connections = connections.ok_or(SiteError::Configuration)?;
        let tenant = Tenant {
            name: Arc::from(name.as_str()),
            environment: Arc::from(config.environment.to_string().as_str()),
            pack,
            description,
            http: Arc::new(connections),
            properties: Arc::new(config.properties),
            schedules: Arc::new(config.schedules),
            listener: config.listener.map(Arc::new),
            limits: Arc::new(config.limits),
            grants: Arc::new(config.grants),
            paused: false,
        };
        Ok((name, Installed { tenant, identity, component, before: None }))
    };
    planned.into_iter().map(installed).collect()
}

/// The number of the catalogue under which a pack explains trouble with storage.
const STORAGE_FAILED: &str = "30";

impl Plan {
    /// In the words of the first pack's catalogue, which knows what to do about it.
    fn store_trouble(&self, error: &StoreError) -> SiteError {
        let message = format!("the store cannot be opened: {error}");
        let described = self.tenants.values().map(|planned| &planned.description);
        let known = described.flat_map(|d| d.errors.iter().map(move |info| (d, info))).find(|(_, info)| info.number == STORAGE_FAILED);
        SiteError::Store(match known {
            Some((d, info)) => format!("{}{} {}\n  {message}\n  {}", d.code_prefix, info.number, info.title, info.remedy),
            None => message,
        })
    }
}

fn engine(cache: Option<impl Into<Cache>>) -> Result<Engine, SiteError> {
    Engine::new(cache).map_err(|error| SiteError::Host(error.to_string()))
}

/// Where a proxy was meant to be used and is not, calls fail in ways that do not show it.
fn proxy_note(path: &Path, used: bool, env: Environment<'_>) -> Option<Problem> {
    let names = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
    let set = names.into_iter().find(|name| env(name).is_some_and(|value| !value.is_empty())).filter(|_| !used)?;
    let remedy = "write proxy = \"environment\" under [host] if connections are to go through it";
    let note = problem(path, "host.proxy".to_owned(), format!("{set} is set and not used"), remedy);
    Some(Problem { severity: Severity::Note, ..note })
}

/// Who is to be told of failures must be reachable.
fn alert_problem(tenant: &config::Tenant, description: &Description) -> Option<Problem> {
    let property = description.alert_property.as_deref()?;
    let set = matches!(tenant.property(property)?, PropertyValue::Text(text) if !text.trim().is_empty());
    let remedy = "add a table [smtp] with host and sender, or leave this out";
    set.then(|| Problem::property_warning(tenant, property, "there is no table [smtp], so nothing is ever mailed there", remedy))
}

/// What is wrong with a connection whose settings are good one by one, at the setting that is to blame.
fn connection_problem(path: &Path, tenant: &config::Tenant, description: &Description, error: &ConnectionError) -> Problem {
    let (connection, setting) = match error {
        ConnectionError::Address { connection, .. } => (Some(connection), Some("url".to_owned())),
        ConnectionError::Missing { connection, setting } => (Some(connection), Some(setting.clone())),
        ConnectionError::Header { connection, header } => (Some(connection), setting_of(description, connection, header)),
        ConnectionError::Client(_) => (None, None),
    };
    let parts = ["tenants", &tenant.name]
        .into_iter()
        .chain(connection.into_iter().flat_map(|name| ["connections", name]))
        .chain(setting.as_deref());
    problem(path, parts.collect::<Vec<_>>().join("."), error.to_string(), "write another value")
}

/// The setting that a header is filled from.
fn setting_of(description: &Description, connection: &str, header: &str) -> Option<String> {
    let connection = description.connections.iter().find(|known| known.name == connection)?;
    let schemes = connection.schemes.iter().flat_map(|scheme| &scheme.headers);
    let mut settings = connection.headers.iter().chain(schemes).filter(|known| known.name == header);
    settings.find_map(|Parameter { value, .. }| match value {
        Source::Setting(name) => Some(name.clone()),
        Source::Literal(_) => None,
    })
}

fn problem(path: &Path, key: String, message: String, remedy: &str) -> Problem {
    Problem {
        severity: Severity::Error,
        file: Some(path.to_owned()),
        line: None,
        column: None,
        key,
        code: None,
        message,
        remedy: remedy.to_owned(),
    }
}

fn smtp_config(smtp: SmtpConfig) -> mail::SmtpConfig {
    let (username, password) = smtp.login.unzip();
    mail::SmtpConfig {
        host: smtp.host,
        port: smtp.port,
        tls: match smtp.tls {
            SmtpTls::None => Tls::None,
            SmtpTls::StartTls => Tls::StartTls,
            SmtpTls::Implicit => Tls::Implicit,
        },
        sender: smtp.sender,
        username,
        password,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::description::{Connection, Scheme};

    #[test]
    fn a_connection_that_cannot_be_made_is_told_at_the_setting_to_blame() {
        let app = Parameter { name: "x-app".to_owned(), value: Source::Setting("app-key".to_owned()) };
        let fixed = Parameter { name: "x-fixed".to_owned(), value: Source::Literal("a\nb".to_owned()) };
        let scheme = Scheme {
            name: "plain".to_owned(),
            summary: String::new(),
            token: Source::Literal("/token".to_owned()),
            encoding: crate::description::Encoding::Form,
            parameters: Vec::new(),
            headers: vec![app],
            basic: None,
            busy_code: None,
        };
        let alpha = Connection { name: "alpha".to_owned(), schemes: vec![scheme], headers: vec![fixed], ..Connection::default() };
        let description = Description { connections: vec![alpha], ..Description::default() };
        let tenant = config::Tenant { name: "acme".to_owned(), ..config::Tenant::default() };
        let name = || "alpha".to_owned();
        for (error, key) in [
            (ConnectionError::Header { connection: name(), header: "x-app".to_owned() }, ".app-key"),
            (ConnectionError::Header { connection: name(), header: "x-fixed".to_owned() }, ""),
            (ConnectionError::Missing { connection: name(), setting: "realm".to_owned() }, ".realm"),
            (ConnectionError::Address { connection: name(), text: "bad".to_owned() }, ".url"),
        ] {
            let problem = connection_problem(Path::new("a.toml"), &tenant, &description, &error);
            assert_eq!(problem.key, format!("tenants.acme.connections.alpha{key}"));
            assert!(problem.is_error() && problem.file.is_some());
        }
    }

    #[test]
    fn a_proxy_that_is_named_and_not_used_is_told_of() {
        let env = |name: &str| (name == "HTTPS_PROXY").then(|| "http://proxy.example:3128".to_owned());
        let note = proxy_note(Path::new("a.toml"), false, &env).unwrap().to_string();
        assert!(note.contains("host.proxy: HTTPS_PROXY is set and not used") && note.contains("proxy = \"environment\""), "{note}");
        assert!(!note.contains("3128"), "an address that may hold a password is not shown");
        assert!(proxy_note(Path::new("a.toml"), true, &env).is_none() && proxy_note(Path::new("a.toml"), false, &|_| None).is_none());
    }

    #[test]
    fn an_alert_without_a_mail_server_is_warned_of_where_there_is_an_address() {
        let description = Description { alert_property: Some("mail".to_owned()), ..Description::default() };
        for (address, warned) in [("ops@acme.example", true), (" ", false)] {
            let properties = vec![("mail".to_owned(), PropertyValue::Text(address.to_owned()))];
            let tenant = config::Tenant { name: "acme".to_owned(), properties, ..config::Tenant::default() };
            let problem = alert_problem(&tenant, &description);
            assert_eq!(problem.as_ref().map(|problem| problem.severity), warned.then_some(Severity::Warning));
            assert!(alert_problem(&tenant, &Description::default()).is_none());
        }
    }
}
