//! From a configuration to tenants that can be started: everything that can be wrong with them is found here.
//!
//! Those of the file and those kept in the store go the same way. Nothing is opened but components.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};
use tokio::sync::{Mutex, watch};

use super::kept::Shelf;
use super::packs::{Loaded, Packs, Reading, Unloaded};
use super::{Environment, Identity, Installed, MailServer, Site, SiteError, Tenants};
use crate::config::document::Report;
use crate::config::{
    self, ComponentDigest, ComponentSource, Config, ConsoleConfig, Problem, RawTenant, Severity, SmtpConfig, SmtpTls, StorageConfig,
};
use crate::connection::{ConnectionError, Connections, Network};
use crate::description::{Description, Parameter, PropertyValue, Source};
use crate::host::Host;
use crate::limits::Limits;
use crate::mail::{self, Exchangeable, SmtpMailer, Tls};
use crate::managed::{self, Document, Sealer};
use crate::plugin::Pack;
use crate::seal::Keys;
use crate::standing::Standings;
use crate::store::{SqliteStore, StoreError};
use crate::tenant::Tenant;

/// A checked configuration, with nothing opened yet.
pub(super) struct Plan {
    pub(super) listen: SocketAddr,
    pub(super) storage: StorageConfig,
    pub(super) console: ConsoleConfig,
    pub(super) mailer: Option<SmtpMailer>,
    pub(super) ground: Ground,
    pub(super) tenants: BTreeMap<String, Planned>,
}

/// What the file says for every tenant, wherever that one is written.
pub(super) struct Ground {
    /// The file itself.
    pub(super) file: PathBuf,
    limits: Limits,
    /// The folder with components that are named by their digest.
    pub(super) components: Option<PathBuf>,
    /// Whether connections go through the proxy of the environment.
    pub(super) proxy: bool,
    network: Network,
    has_smtp: bool,
    /// The mail server, as anybody may see it.
    pub(super) mail_server: Option<MailServer>,
    /// What seals and opens the secrets of tenants kept in the store.
    pub(super) keys: Option<Keys>,
    /// The tenants of the file.
    pub(super) names: BTreeSet<String>,
}

/// A tenant that can be started, unless one of the problems is an error.
pub(super) struct Planned {
    config: config::Tenant,
    pub(super) identity: Identity,
    pub(super) component: Option<ComponentDigest>,
    pack: Pack,
    description: Arc<Description>,
    connections: Connections,
}

impl Planned {
    /// Its component.
    pub(super) fn pack(&self) -> &Pack {
        &self.pack
    }
}

impl Plan {
    /// The plan, unless one of the problems is an error.
    pub(super) async fn read(path: &Path, env: Environment<'_>, packs: &Packs) -> (Result<Self, SiteError>, Vec<Problem>) {
        let (config, mut problems) = Config::read(path, env);
        // A table with a mistake in it is there all the same.
        let has_smtp = config.smtp.is_some() || problems.iter().any(|problem| problem.key.split('.').next() == Some("smtp"));
        let mail_server = config.smtp.as_ref().map(MailServer::of);
        let mailer = config.smtp.and_then(|smtp| match SmtpMailer::new(smtp_config(smtp)) {
            Ok(mailer) => Some(mailer),
            Err(error) => {
                problems.push(problem(path, "smtp".to_owned(), error.to_string(), "mend this table"));
                None
            }
        });
        problems.extend(proxy_note(path, config.host.proxy_of_environment, env));
        let ground = Ground {
            file: path.to_owned(),
            limits: config.host.limits,
            components: config.host.components,
            proxy: config.host.proxy_of_environment,
            network: Network::default().proxy_of_environment(config.host.proxy_of_environment),
            has_smtp,
            mail_server,
            keys: config.console.keys.clone(),
            names: config.tenants.keys().cloned().collect(),
        };
        let mut tenants = BTreeMap::new();
        let mut reading = packs.read(ground.components.as_deref());
        for raw in config.tenants.values() {
            match ground.tenant(raw, &mut reading, env, true).await {
                Ok((planned, found)) => {
                    problems.extend(found);
                    tenants.extend(planned.map(|planned| (raw.name.clone(), planned)));
                }
                Err(error) => return (Err(error), problems),
            }
        }
        if problems.iter().any(Problem::is_error) {
            return (Err(SiteError::Configuration), problems);
        }
        (Ok(Self { listen: config.host.listen, storage: config.host.storage, console: config.console, mailer, ground, tenants }), problems)
    }

    pub(super) fn start(self, packs: Packs) -> Result<Site, SiteError> {
        let store = Arc::new(self.open_store().map_err(|error| self.store_trouble(error))?);
        let mut builder = Host::builder().engine(packs.engine().clone()).store(store);
        let mailer = self.mailer.map(|mailer| Arc::new(Exchangeable::new(mailer)));
        if let Some(mailer) = &mailer {
            builder = builder.mailer(mailer.clone());
        }
        let host = builder.build().map_err(|error| SiteError::Host(error.to_string()))?;
        let store = host.runner().store.clone();
        let site = Site {
            host,
            listen: self.listen,
            storage: self.storage,
            console: std::sync::Mutex::new(Arc::new(self.console)),
            mailer,
            turn: Mutex::default(),
            packs,
            standings: Standings::new(store.clone()),
            shelf: Shelf::new(store, self.ground),
            known: std::sync::Mutex::default(),
            tenants: watch::Sender::default(),
        };
        site.configure(installed(self.tenants));
        Ok(site)
    }

    pub(super) fn open_store(&self) -> Result<SqliteStore, StoreError> {
        let StorageConfig::Sqlite(path) = &self.storage;
        SqliteStore::open(path)
    }

    /// In the words of the first pack's catalogue, which knows what to do about it.
    fn store_trouble(&self, source: StoreError) -> SiteError {
        let message = format!("the store cannot be opened: {source}");
        let described = self.tenants.values().map(|planned| &planned.description);
        let known = described.flat_map(|d| d.errors.iter().map(move |info| (d, info))).find(|(_, info)| info.number == STORAGE_FAILED);
        let told = match known {
            Some((d, info)) => format!("{}{} {}\n  {message}\n  {}", d.code_prefix, info.number, info.title, info.remedy),
            None => message,
        };
        SiteError::Store { told, source }
    }
}

impl Ground {
    /// Plans a tenant. There may be one although a problem is an error. Where it is known before that it is no good, nothing is
    /// said of connections that cannot be made.
    async fn tenant(
        &self,
        raw: &RawTenant,
        reading: &mut Reading<'_>,
        env: Environment<'_>,
        good: bool,
    ) -> Result<(Option<Planned>, Vec<Problem>), SiteError> {
        let path = &*self.file;
        let Loaded { pack, description, digest } = match reading.load(raw.component.as_ref()).await {
            Ok(loaded) => loaded,
            Err(found) => {
                let problems = found.into_iter().map(|Unloaded { message, remedy }| raw.component_problem(message, remedy)).collect();
                return Ok((None, problems));
            }
        };
        let mut problems: Vec<_> =
            raw.grants.cover(pack.imports()).err().map(|ungranted| raw.grants_problem(&ungranted)).into_iter().collect();
        let (tenant, found) = raw.resolve(&description, env);
        let connections = match !good || found.iter().any(Problem::is_error) {
            true => None,
            false => match Connections::over(&self.network, tenant.connections.values()) {
                Ok(connections) => Some(connections),
                Err(ConnectionError::Client(text)) => return Err(SiteError::Host(text)),
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
        problems.extend(alert_problem(&tenant, &description).filter(|_| !self.has_smtp));
        // The limits are in part those of the host.
        let written = Sha256::new().chain_update(raw.fingerprint).chain_update(format!("{:?}", tenant.limits));
        let component_digest = digest.map_or([0; 32], |digest| *digest.bytes());
        let identity = Identity(written.chain_update(component_digest).finalize().into());
        let planned = |connections| Planned { config: tenant, identity, component: digest, pack, description, connections };
        Ok((connections.map(planned), problems))
    }

    /// Plans a tenant that is kept in the store: there is none where one of the problems is an error.
    pub(super) async fn kept(
        &self,
        name: &str,
        document: &Document,
        reading: &mut Reading<'_>,
    ) -> Result<(Option<Planned>, Vec<Problem>), SiteError> {
        let mut report = Report::of(&self.file);
        let sealer = self.keys.as_ref().map(|keys| Sealer { keys, tenant: name });
        let node = managed::node_of(document, name, sealer, &mut report);
        let raw = config::read_kept(name, &node, &self.file, &self.limits, &mut report);
        let mut problems = report.into_problems();
        let mut planned = None;
        if let Some(raw) = raw {
            let good = !problems.iter().any(Problem::is_error);
            let (tenant, found) = self.tenant(&raw, reading, &|_| None, good).await?;
            planned = tenant;
            problems.extend(found);
        }
        let good = !problems.iter().any(Problem::is_error);
        Ok((planned.filter(|_| good), problems.into_iter().map(|problem| problem.of_kept(name)).collect()))
    }

    /// The description of the component that a kept tenant names; none where that is no good, which is told elsewhere.
    pub(super) async fn description(&self, component: Option<&str>, reading: &mut Reading<'_>) -> Option<Arc<Description>> {
        let source = match component {
            Some(text) => Some(text.trim().parse::<ComponentSource>().ok()?.within(self.folder())),
            None => None,
        };
        reading.describe(source.as_ref()).await.ok()
    }

    /// Where what a tenant names is looked for.
    pub(super) fn folder(&self) -> &Path {
        self.file.parent().unwrap_or(Path::new(""))
    }
}

/// Tenants as they were planned.
pub(super) fn installed(planned: BTreeMap<String, Planned>) -> Tenants {
    planned.into_iter().map(|(name, planned)| (name, planned.into())).collect()
}

impl From<Planned> for Installed {
    fn from(planned: Planned) -> Self {
        let Planned { config, identity, component, pack, description, connections } = planned;
        let tenant = Tenant {
            name: Arc::from(config.name.as_str()),
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
        Self { tenant, identity, component, before: None }
    }
}

/// The number of the catalogue under which a pack explains trouble with storage.
const STORAGE_FAILED: &str = "30";

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

pub(super) fn problem(path: &Path, key: String, message: String, remedy: &str) -> Problem {
    Problem {
        severity: Severity::Error,
        file: Some(path.to_owned()),
        kept: None,
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
