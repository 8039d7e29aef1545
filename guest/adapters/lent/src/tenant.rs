//! The tenant that this instance is for: made once, of the settings and the pack's description.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::bindings::exports::shift_access::plugin::email;
use crate::bindings::exports::shift_access::plugin::properties::Property;
use crate::bindings::wasi::config::store;
use crate::connection::Connection;
use crate::email::Mail;
use crate::settings;

/// All that the tenant's calls share.
pub struct Tenant {
    pub connections: BTreeMap<String, Connection>,
    pub properties: Vec<Property>,
    pub mail: Option<Mail>,
}

impl Tenant {
    /// Its mail API.
    ///
    /// # Errors
    /// Where none is set.
    pub fn mail(&self) -> Result<&Mail, email::Error> {
        self.mail.as_ref().ok_or_else(|| email::Error::NotGranted("no mail API is set; set mail.url and mail.sender".to_owned()))
    }
}

thread_local! {
    /// No state of a request, which another would see: an instance serves many, also at once.
    static TENANT: OnceCell<Result<Rc<Tenant>, Vec<String>>> = const { OnceCell::new() };
}

/// Makes the tenant, the first time; every problem with its settings.
pub fn configure(description: &str) -> Vec<String> {
    TENANT.with(|tenant| tenant.get_or_init(|| make(description).map(Rc::new)).as_ref().err().cloned().unwrap_or_default())
}

/// The tenant, where its settings are good.
pub fn ready() -> Result<Rc<Tenant>, String> {
    TENANT.with(|tenant| match tenant.get() {
        Some(Ok(tenant)) => Ok(tenant.clone()),
        Some(Err(problems)) => Err(format!("the settings are wrong: {}", problems.join("; "))),
        None => Err("the adapter was not made ready: `setup.configure` comes before any call".to_owned()),
    })
}

fn make(description: &str) -> Result<Tenant, Vec<String>> {
    let description = serde_json::from_str(description).map_err(|error| vec![format!("the pack's description: {error}")])?;
    let given = store::get_all().map_err(|error| vec![format!("the host's configuration cannot be read: {error}")])?;
    settings::read(&description, &given.into_iter().collect())
}
