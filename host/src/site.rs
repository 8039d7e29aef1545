//! A configured host: from a configuration file to tenants that can be called.
//!
//! Everything that can be wrong is found before anything runs: the file, the components, the pack's own check.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::config::{Config, Problem, Severity, SmtpConfig, SmtpTls, StorageConfig};
use crate::connection::Connections;
use crate::description::Description;
use crate::engine::Engine;
use crate::host::Host;
use crate::mail::{self, SmtpMailer, Tls};
use crate::plugin::Pack;
use crate::store::SqliteStore;
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
    #[error("the store cannot be opened: {0}")]
    Store(String),
    /// The host itself cannot start.
    #[error("the host cannot start: {0}")]
    Host(String),
}

/// A host with the tenants of a configuration file.
pub struct Site {
    host: Host,
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
    storage: StorageConfig,
    smtp: Option<SmtpConfig>,
    tenants: BTreeMap<String, (crate::config::Tenant, Pack, Arc<Description>)>,
}

impl Plan {
    async fn read(path: &Path, env: Environment<'_>, cache: Option<PathBuf>) -> (Result<Self, SiteError>, Vec<Problem>) {
        let (config, mut problems) = Config::read(path, env);
        let engine = match engine(cache) {
            Ok(engine) => engine,
            Err(error) => return (Err(error), problems),
        };
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
            problems.extend(found);
            match pack.check(&tenant.properties).await {
                Ok(found) => Problem::add_from_pack(&mut problems, &tenant, found),
                Err(error) => problems.push(problem(path, format!("tenants.{}", raw.name), error.to_string(), "use another component")),
            }
            tenants.insert(tenant.name.clone(), (tenant, pack, description));
        }
        (Ok(Self { engine, storage: config.host.storage, smtp: config.smtp, tenants }), problems)
    }

    fn start(self) -> Result<Site, SiteError> {
        let StorageConfig::Sqlite(path) = &self.storage;
        let store = Arc::new(SqliteStore::open(path).map_err(|error| SiteError::Store(error.to_string()))?);
        let mut builder = Host::builder().engine(self.engine).store(store);
        if let Some(smtp) = self.smtp {
            let mailer = SmtpMailer::new(smtp_config(smtp)).map_err(|error| SiteError::Host(error.to_string()))?;
            builder = builder.mailer(Arc::new(mailer));
        }
        let host = builder.build().map_err(|error| SiteError::Host(error.to_string()))?;
        let mut tenants = BTreeMap::new();
        for (name, (config, pack, description)) in self.tenants {
            let connections = Connections::new(config.connections.values()).map_err(|error| SiteError::Host(error.to_string()))?;
            let tenant = Tenant {
                name: Arc::from(name.as_str()),
                environment: Arc::from(config.environment.to_string().as_str()),
                pack,
                description,
                http: Arc::new(connections),
                properties: Arc::new(config.properties),
            };
            tenants.insert(name, tenant);
        }
        Ok(Site { host, tenants })
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
