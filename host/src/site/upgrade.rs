//! Moves a tenant to another component: tried dry first, on trial then, and back by itself where that fails.
//!
//! A component failed when it trapped or went over a limit by itself, or when it cannot read what is stored. That another
//! system is away, or slow, is not its fault.

mod dry;

use std::sync::Arc;
use std::time::Instant;

use chrono::SubsecRound;

use super::{Installed, Site};
use crate::history::{Ending, Failure, Status, Trigger};
use crate::plugin::trial::Verdict;
use crate::standing::Unfit;
use crate::tenant::Tenant;

/// What going over to another component is called in the history.
pub(crate) const UPGRADE: &str = "upgrade";

/// The component is no good, which is said already.
pub(super) struct NotGood;

impl Site {
    /// Makes a changed tenant ready to take the place of the old one. One whose component is another goes on trial.
    pub(super) async fn upgrade(&self, old: &Installed, new: &mut Installed) -> Result<(), NotGood> {
        if old.component == new.component {
            if let Some(before) = &old.before {
                // The trial goes on, under other values.
                (new.tenant.pack, new.before) = (old.tenant.pack.clone(), Some(before.clone()));
            }
            return Ok(());
        }
        let name = &*new.tenant.name;
        let component = new.component_name();
        let unfit = self.standings.unfit().await.unwrap_or_default().remove(name);
        if let Some(unfit) = unfit.as_ref().filter(|unfit| unfit.component == component) {
            tell_again(name, unfit, "stays with the one before");
            return Err(NotGood);
        }
        tracing::info!(tenant = name, component, "another component is tried dry");
        if !self.rests(name)
            && let Err(why) = dry::run(self.host.runner(), &new.tenant).await
        {
            self.failed(&old.tenant, Trigger::Manual, &component, &why).await;
            return Err(NotGood);
        }
        if unfit.is_some() {
            let _ = self.standings.set_unfit(name, None).await;
        }
        tracing::info!(tenant = name, component, "the component was tried dry, and is on trial");
        let before = old.off_trial();
        new.tenant.pack = new.tenant.pack.clone().on_trial(before.tenant.clone());
        new.before = Some(Arc::new(before));
        Ok(())
    }

    /// Ends the trials that are decided: the component stays, or the tenant goes back to what it was before.
    pub(crate) async fn judge(&self) {
        for installed in self.configured().values() {
            let (Some(trial), Some(before)) = (installed.tenant.pack.trial(), &installed.before) else { continue };
            let component = installed.component_name();
            let tenant = &installed.tenant;
            match trial.verdict(Instant::now()) {
                Verdict::Open => {}
                Verdict::Good => {
                    self.exchange(installed, installed.off_trial());
                    tracing::info!(tenant = %tenant.name, component, "the component has proved good");
                    self.note(tenant, Trigger::Schedule, Ending::new(Status::Complete)).await;
                }
                Verdict::Bad(why) => {
                    self.exchange(installed, (**before).clone());
                    let why = format!("on trial: {why}");
                    self.failed(&before.tenant, Trigger::Schedule, &component, &why).await;
                }
            }
        }
    }

    /// Says of the tenants whose configuration names a component that failed, and that run with it for want of another.
    pub(crate) async fn tell_unfit(&self) {
        let unfit = self.standings.unfit().await.unwrap_or_default();
        for (name, installed) in self.configured().iter() {
            if let Some(unfit) = unfit.get(name).filter(|unfit| unfit.component == installed.component_name()) {
                tell_again(name, unfit, "runs with it, since the configuration names no other");
            }
        }
    }

    /// Remembers, logs and writes into the history that a component failed.
    async fn failed(&self, tenant: &Tenant, trigger: Trigger, component: &str, why: &str) {
        let name = &*tenant.name;
        tracing::error!(tenant = name, component, "the component is no good, and the one before goes on: {why}");
        let unfit = Unfit { component: component.to_owned(), why: why.to_owned(), at: self.host.now().trunc_subsecs(3) };
        if let Err(error) = self.standings.set_unfit(name, Some(&unfit)).await {
            tracing::error!(tenant = name, %error, "that the component failed is not remembered");
        }
        let failure = Failure {
            code: format!("{}50", tenant.description.code_prefix),
            title: "A new component is no good".to_owned(),
            message: format!("{component} was tried and failed, and the component before it goes on: {why}."),
            remedy: format!(
                "Name another component under [tenants.{name}], or the one before; `shift-access tenant resume {name}` and reading the \
                 configuration again try this one once more."
            ),
        };
        self.note(tenant, trigger, Ending { failure: Some(failure), ..Ending::new(Status::Error) }).await;
    }

    async fn note(&self, tenant: &Tenant, trigger: Trigger, ending: Ending) {
        if let Err(error) = self.host.runner().note(tenant, UPGRADE, trigger, ending).await {
            tracing::error!(tenant = %tenant.name, %error, "what became of a new component could not be written to the history");
        }
    }
}

impl Installed {
    /// The same, with its component as if it had never been on trial.
    fn off_trial(&self) -> Self {
        let pack = self.tenant.pack.clone().off_trial();
        Self { tenant: Tenant { pack, ..self.tenant.clone() }, before: None, ..self.clone() }
    }
}

fn tell_again(tenant: &str, unfit: &Unfit, and: &str) {
    let Unfit { component, why, at } = unfit;
    let remedy = format!("name another component, or let it be tried again with: shift-access tenant resume {tenant}");
    tracing::error!(tenant, component, "this component was tried at {at} and failed ({why}); the tenant {and}; {remedy}");
}
