//! A configured host: from a configuration file to tenants that can be called.
//!
//! Everything that can be wrong is found before anything runs: the file, the components, the pack's own check.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::config::{self, Config, Problem, Severity, SmtpConfig, SmtpTls, StorageConfig};
use crate::connection::{ConnectionError, Connections};
use crate::description::{Description, Parameter, PropertyValue, Source};
use crate::engine::Engine;
use crate::host::Host;
use crate::mail::{self, SmtpMailer, Tls};
use crate::plugin::Pack;
use crate::store::{SqliteStore, StoreError};
use crate::tenant::Tenant;

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
}

/// A host with the tenants of a configuration file.
pub struct Site {
    host: Host,
    listen: SocketAddr,
    tenants: BTreeMap<String, Tenant>,
}

impl Site {
    /// Reads the file and opens the store. The problems are all there are, also when there is a site.
    pub async fn open(path: &Path, env: Environment<'_>, cache: Option<PathBuf>) -> (Result<Self, SiteError>, Vec<Problem>) {
        let (plan, problems) = Plan::read(path, env, cache).await;
        if problems.iter().any(Problem::is_error) {
            return (Err(SiteError::Configuration), problems);
        }
        match plan {
            Ok(plan) => (plan.start(), problems),
            Err(error) => (Err(error), problems),
        }
    }

    /// Reads the file and opens nothing: the tenants it names, and every problem.
    pub async fn check(path: &Path, env: Environment<'_>, cache: Option<PathBuf>) -> (Vec<String>, Vec<Problem>) {
        let (plan, mut problems) = Plan::read(path, env, cache).await;
        match plan {
            Ok(plan) => (plan.tenants.keys().cloned().collect(), problems),
            Err(error) => {
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

    /// A tenant by name.
    ///
    /// # Errors
    /// When there is none; the error names those there are.
    pub fn tenant(&self, name: &str) -> Result<Tenant, SiteError> {
        self.tenants.get(name).cloned().ok_or_else(|| {
            let known = self.tenants.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            SiteError::UnknownTenant(format!("there is no tenant {name:?} in the configuration; write one of: {known}"))
        })
    }

    /// The tenants.
    pub fn tenants(&self) -> impl Iterator<Item = &Tenant> {
        self.tenants.values()
    }
}

/// A checked configuration, with nothing opened yet.
struct Plan {
    engine: Engine,
    listen: SocketAddr,
    storage: StorageConfig,
    mailer: Option<SmtpMailer>,
    tenants: BTreeMap<String, Planned>,
}

/// A tenant that can be started, unless one of the problems is an error.
struct Planned {
    config: config::Tenant,
    pack: Pack,
    description: Arc<Description>,
    connections: Option<Connections>,
}

impl Plan {
    async fn read(path: &Path, env: Environment<'_>, cache: Option<PathBuf>) -> (Result<Self, SiteError>, Vec<Problem>) {
        let (config, mut problems) = Config::read(path, env);
        let engine = match engine(cache) {
            Ok(engine) => engine,
            Err(error) => return (Err(error), problems),
        };
        // A table with a mistake in it is there all the same.
        let has_smtp = config.smtp.is_some() || problems.iter().any(|problem| problem.key.split('.').next() == Some("smtp"));
        let mailer = config.smtp.and_then(|smtp| match SmtpMailer::new(smtp_config(smtp)) {
            Ok(mailer) => Some(mailer),
            Err(error) => {
                problems.push(problem(path, "smtp".to_owned(), error.to_string(), "mend this table"));
                None
            }
        });
        let mut packs = Packs { engine: engine.clone(), loaded: BTreeMap::new() };
        let mut tenants = BTreeMap::new();
        for raw in config.tenants.values() {
            let loaded = packs.load(raw.component.as_deref()).await;
            let (pack, description) = match loaded {
                Ok(loaded) => loaded,
                Err(message) => {
                    let remedy = "name a component built for this host, or leave the key out for the built-in pack";
                    problems.push(raw.component_problem(message, remedy));
                    continue;
                }
            };
            let (tenant, found) = raw.resolve(&description, env);
            let connections = match found.iter().any(Problem::is_error) {
                true => None,
                false => match Connections::new(tenant.connections.values()) {
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
            problems.extend(alert_problem(&tenant, &description).filter(|_| !has_smtp));
            tenants.insert(tenant.name.clone(), Planned { config: tenant, pack, description, connections });
        }
        (Ok(Self { engine, listen: config.host.listen, storage: config.host.storage, mailer, tenants }), problems)
    }

    fn start(self) -> Result<Site, SiteError> {
        let StorageConfig::Sqlite(path) = &self.storage;
        let store = Arc::new(SqliteStore::open(path).map_err(|error| self.store_trouble(&error))?);
        let mut builder = Host::builder().engine(self.engine).store(store);
        if let Some(mailer) = self.mailer {
            builder = builder.mailer(Arc::new(mailer));
        }
        let host = builder.build().map_err(|error| SiteError::Host(error.to_string()))?;
        let mut tenants = BTreeMap::new();
        for (name, Planned { config, pack, description, connections }) in self.tenants {
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
            };
            tenants.insert(name, tenant);
        }
        Ok(Site { host, listen: self.listen, tenants })
    }
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

fn engine(cache: Option<PathBuf>) -> Result<Engine, SiteError> {
    // A cache folder that cannot be made costs a second, and must not keep anybody from working.
    let engine = Engine::new(cache).or_else(|error| {
        tracing::warn!(%error, "compiled components are not kept");
        Engine::new(None)
    });
    engine.map_err(|error| SiteError::Host(error.to_string()))
}

/// Components, each loaded and asked for its description once.
struct Packs {
    engine: Engine,
    loaded: BTreeMap<Option<PathBuf>, (Pack, Arc<Description>)>,
}

impl Packs {
    async fn load(&mut self, component: Option<&Path>) -> Result<(Pack, Arc<Description>), String> {
        let key = component.map(Path::to_owned);
        if let Some(known) = self.loaded.get(&key) {
            return Ok(known.clone());
        }
        let pack = match component {
            Some(path) => Pack::from_file(&self.engine, path),
            None => Pack::built_in(&self.engine),
        };
        let pack = pack.map_err(|error| error.to_string())?;
        let description = pack.describe().await.map_err(|error| error.to_string())?;
        let loaded = (pack, Arc::new(description));
        self.loaded.insert(key, loaded.clone());
        Ok(loaded)
    }
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
