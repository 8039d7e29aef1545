//! Runs a component's jobs once without consequences: what it stores is thrown away, what it mails goes nowhere, and of calls
//! to other systems those are made that may be repeated.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::capability::{Lent, Scope};
use crate::connection::{HttpClient, HttpError, Request, Response};
use crate::limits::Account;
use crate::mail::{Mail, MailError, Mailer, Postbox};
use crate::plugin::trial::is_own_fault;
use crate::runner::Runner;
use crate::store::{Overlay, Store};
use crate::tenant::Tenant;

/// Whatever a job did until then was well.
const LASTS: Duration = Duration::from_secs(30);

/// What a job that runs dry is told to be called.
const RUN: &str = "dry-run";

/// The number of the catalogue under which a pack explains trouble with storage. Below it lies the store that it is to go on with.
const STORAGE_FAILED: &str = "30";

/// Runs every job that starts by itself, and tells what is wrong with the component.
pub(super) async fn run(runner: &Runner, tenant: &Tenant) -> Result<(), String> {
    let prefix = &tenant.description.code_prefix;
    for job in tenant.description.jobs.iter().filter(|job| job.schedulable && !tenant.agenda(job).is_empty()) {
        match tenant.pack.run(lend(runner, tenant), LASTS, &job.name, RUN, &[]).await {
            Err(error) if is_own_fault(&error) => return Err(format!("{} run dry: {error}", job.name)),
            Ok(outcome) => {
                let storage = outcome.failure.filter(|failure| failure.code.strip_prefix(&**prefix) == Some(STORAGE_FAILED));
                if let Some(failure) = storage {
                    return Err(format!("{} run dry: {} {}", job.name, failure.code, failure.message));
                }
            }
            Err(_) => {}
        }
    }
    Ok(())
}

/// What a dry run is lent: the tenant's own, without its consequences.
fn lend(runner: &Runner, tenant: &Tenant) -> Lent {
    let store: Arc<dyn Store> = Arc::new(Overlay::over(runner.store.clone()));
    let account = Arc::new(Account::new(tenant.limits.clone()));
    Lent {
        http: Arc::new(RepeatSafe(tenant.http.clone())),
        post: runner.post.as_ref().map(|_| Arc::new(Postbox::new(Arc::new(Nowhere), store.clone()))),
        commits: Arc::default(),
        store,
        scope: Scope::new(account, Some(tenant.description.clone())),
        ..runner.lend(tenant)
    }
}

/// Makes only calls that may be repeated.
struct RepeatSafe(Arc<dyn HttpClient>);

#[async_trait]
impl HttpClient for RepeatSafe {
    async fn send(&self, request: Request) -> Result<Response, HttpError> {
        match request.repeat_safe {
            true => self.0.send(request).await,
            false => Err(HttpError::Other("a dry run makes no call that must not be repeated".to_owned())),
        }
    }
}

/// Takes every mail, and sends none.
struct Nowhere;

#[async_trait]
impl Mailer for Nowhere {
    async fn send(&self, _mail: &Mail) -> Result<(), MailError> {
        Ok(())
    }

    async fn reach(&self) -> Result<(), MailError> {
        Ok(())
    }
}
