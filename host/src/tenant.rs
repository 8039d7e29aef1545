//! One installed pack in one environment, ready to be called.

use std::sync::Arc;

use crate::config::{ListenerConfig, Schedule};
use crate::connection::{HttpClient, NoConnections};
use crate::description::{Description, JobInfo, PropertyValue};
use crate::grant::Grants;
use crate::limits::Limits;
use crate::plugin::{CallError, Pack};
use crate::scheduler::Agenda;

/// A tenant: its pack, its connections and its property values.
#[derive(Clone)]
pub struct Tenant {
    /// The name, as in the configuration.
    pub name: Arc<str>,
    /// `PROD` or `TEST`.
    pub environment: Arc<str>,
    /// The component.
    pub pack: Pack,
    /// What the pack says of itself.
    pub description: Arc<Description>,
    /// The connections.
    pub http: Arc<dyn HttpClient>,
    /// Every property that has a value, defaults included.
    pub properties: Arc<Vec<(String, PropertyValue)>>,
    /// When its jobs start by themselves; a job without one that has an interval starts by that.
    pub schedules: Arc<Vec<Schedule>>,
    /// How events from outside are accepted, where they are.
    pub listener: Option<Arc<ListenerConfig>>,
    /// How much its plugin may take.
    pub limits: Arc<Limits>,
    /// Which capabilities its plugin may have. A component that imports another is not called at all.
    pub grants: Arc<Grants>,
    /// Whether it rests: no job of it begins. What is stored of it answers questions all the same.
    pub paused: bool,
}

impl Tenant {
    /// A tenant made in code: no connections yet, the defaults of the pack's properties, the default limits, and
    /// all capabilities granted.
    ///
    /// # Errors
    /// When the pack cannot describe itself.
    pub async fn new(name: &str, pack: Pack) -> Result<Self, CallError> {
        let description = pack.describe().await?;
        let defaults = description.properties.iter().filter_map(|info| Some((info.name.clone(), info.default.clone()?)));
        Ok(Self {
            name: Arc::from(name),
            environment: Arc::from("TEST"),
            properties: Arc::new(defaults.collect()),
            description: Arc::new(description),
            http: Arc::new(NoConnections),
            schedules: Arc::default(),
            listener: None,
            limits: Arc::default(),
            grants: Arc::default(),
            paused: false,
            pack,
        })
    }

    /// Sets the value of a property.
    pub fn set(&mut self, name: &str, value: PropertyValue) {
        let properties = Arc::make_mut(&mut self.properties);
        properties.retain(|(known, _)| known != name);
        properties.push((name.to_owned(), value));
    }

    /// The job of this name.
    pub fn job(&self, name: &str) -> Option<&JobInfo> {
        self.description.jobs.iter().find(|job| job.name == name)
    }

    /// When a job starts by itself.
    pub fn agenda(&self, job: &JobInfo) -> Agenda {
        Agenda::new(&self.name, &job.name, &self.schedules, self.interval_minutes(job))
    }

    /// The value of a property.
    pub fn property(&self, name: &str) -> Option<&PropertyValue> {
        self.properties.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// Where failures of scheduled jobs are mailed to, if anywhere.
    pub fn alert_address(&self) -> Option<&str> {
        alert_address(&self.description, &self.properties)
    }

    /// The default interval of a job in minutes, where the pack names one.
    pub fn interval_minutes(&self, job: &JobInfo) -> Option<u64> {
        match self.property(job.interval_property.as_deref()?) {
            Some(PropertyValue::Number(minutes)) => u64::try_from(*minutes).ok(),
            _ => None,
        }
    }
}

/// The address that the properties name for alerts, if any.
pub(crate) fn alert_address<'a>(description: &Description, properties: &'a [(String, PropertyValue)]) -> Option<&'a str> {
    let name = description.alert_property.as_deref()?;
    match properties.iter().find(|(key, _)| key == name) {
        Some((_, PropertyValue::Text(address))) if !address.trim().is_empty() => Some(address.trim()),
        _ => None,
    }
}
