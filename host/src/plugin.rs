//! A pack: a component, loaded once and started afresh for each call from a pre-linked instance.
//!
//! Every call has limits outside the plugin, in time, memory and whatever else it could use up. After a trap, or over a limit,
//! the store is dropped with all that was in it.

mod bounds;
mod calls;
mod convert;
mod error;
mod fit;
mod load;
pub(crate) mod trial;
mod warm;

use std::sync::Arc;
use std::time::Duration;

use wasmtime::Store;

use crate::capability::{self, Lent, State};
use crate::description::{Description, Problem, PropertyValue};
use crate::engine::{Engine, Kind};
use crate::history::{Failure, Step, Warning};
use crate::limits::{Gauge, metered};
use crate::tenant::Tenant;

pub(crate) mod bindings {
    wasmtime::component::bindgen!({ path: "../wit", world: "plugin", exports: { "shift-access:plugin/pack": async } });
}

use bindings::{Plugin, PluginPre};
use bounds::{Bounds, Wall};
use trial::Trial;

pub use error::{CallError, LoadError};
pub use fit::Misfit;

/// The component that is part of this program.
pub const BUILT_IN: &[u8] = include_bytes!(env!("BUILT_IN_PACK"));

/// How long a question, a page or a description may take, unless the tenant's limits say otherwise.
const QUESTION_LIMIT: Wall = Wall::Usually(Duration::from_secs(30));

/// What a job did.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The counts, in the order to show.
    pub counts: Vec<(String, u64)>,
    /// The warnings.
    pub warnings: Vec<Warning>,
    /// The lines of a test.
    pub steps: Vec<Step>,
}

/// How a job ended, where the plugin itself could say so.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// What it did; of a failed job, until then.
    pub report: Report,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// The most memory the plugin had, in bytes.
    pub memory_peak: usize,
}

/// A loaded component with its description.
#[derive(Clone)]
pub struct Pack {
    inner: Arc<Inner>,
    /// While it is on trial in the place of another.
    trial: Option<Arc<Trial>>,
}

struct Inner {
    engine: Engine,
    pre: PluginPre<State>,
    imports: Vec<String>,
    exports: Vec<String>,
    warm: Arc<warm::Warm>,
}

impl Pack {
    /// Whether it is the same one, loaded once.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }

    /// The same component on trial: the tenant as it was before answers where this one fails by itself.
    pub(crate) fn on_trial(self, before: Tenant) -> Self {
        Self { trial: Some(Arc::new(Trial::new(before))), ..self }
    }

    /// The same component as if it had never been on trial.
    pub(crate) fn off_trial(self) -> Self {
        Self { trial: None, ..self }
    }

    /// The trial that it is on.
    pub(crate) fn trial(&self) -> Option<&Arc<Trial>> {
        self.trial.as_ref()
    }

    /// What the component imports, by name.
    pub fn imports(&self) -> &[String] {
        &self.inner.imports
    }

    /// What the component exports, by name.
    pub fn exports(&self) -> &[String] {
        &self.inner.exports
    }

    /// The world it was built for, which the version of its exports tells.
    pub(crate) fn target(&self) -> Option<String> {
        let version = self.exports().iter().find_map(|export| export.strip_prefix(capability::PACKAGE)?.strip_prefix("pack@"));
        version.map(|version| format!("{}plugin@{version}", capability::PACKAGE))
    }

    /// What the pack says of itself.
    ///
    /// # Errors
    /// When the plugin fails, or says what does not hold together.
    pub async fn describe(&self) -> Result<Description, CallError> {
        let (description, _) = self.pure(async |store, plugin| plugin.shift_access_plugin_pack().call_describe(store).await).await?;
        let description = Description::from(description);
        description.check().map(|()| description).map_err(|wrong| CallError::Trap(wrong.to_string()))
    }

    /// Every problem the pack finds with these properties.
    ///
    /// # Errors
    /// When the plugin fails.
    pub async fn check(&self, properties: &[(String, PropertyValue)]) -> Result<Vec<Problem>, CallError> {
        let properties: Vec<_> = properties.iter().map(|(name, value)| capability::property(name, value)).collect();
        let (problems, _) = self.pure(async |store, plugin| plugin.shift_access_plugin_pack().call_check(store, &properties).await).await?;
        Ok(problems.into_iter().map(Problem::from).collect())
    }

    /// Makes a call of a component that may be on trial: where it fails by itself, the tenant as it was before answers.
    async fn tried<A: Clone, R, F>(&self, lent: Lent, asked: A, call: impl Fn(Self, Lent, A) -> F) -> Result<R, CallError>
    where
        F: Future<Output = Result<R, CallError>>,
    {
        let standing_by = self.trial.as_ref().map(|trial| (trial, lent.clone(), asked.clone()));
        let answer = call(self.clone(), lent, asked).await;
        let Some((trial, lent, asked)) = standing_by else { return answer };
        match trial.instead(&answer) {
            Some(before) => Box::pin(call(before.pack.clone(), before.lent(lent), asked)).await,
            None => answer,
        }
    }

    /// Calls one of the pure functions: nothing is lent that could matter.
    async fn pure<R>(&self, call: impl AsyncFnOnce(&mut Store<State>, &Plugin) -> wasmtime::Result<R>) -> Result<(R, usize), CallError> {
        let gauge = Arc::new(Gauge::default());
        let lent = Lent::nothing();
        let bounds = Bounds::of(&lent, QUESTION_LIMIT);
        let mut store = self.store(lent, &gauge);
        let work = async {
            let _turn = self.inner.engine.turn(Kind::Question, &bounds.tenant, bounds.at_once).await;
            let work = async {
                let plugin = self.inner.pre.instantiate_async(&mut store).await?;
                call(&mut store, &plugin).await
            };
            metered(work, bounds.cpu, bounds.processors.clone()).await
        };
        let answer = tokio::time::timeout(bounds.wall, work).await;
        bounds.judge(answer, &gauge).map(|answer| (answer, gauge.peak()))
    }

    /// Whether the tenant is granted all that the component imports. The configuration is checked before; a tenant made in code
    /// is what it is when it is called.
    fn granted(&self, lent: &Lent) -> Result<(), CallError> {
        lent.grants.cover(&self.inner.imports).map_err(CallError::Ungranted)
    }

    fn store(&self, lent: Lent, gauge: &Arc<Gauge>) -> Store<State> {
        let mut store = Store::new(self.inner.engine.inner(), State::new(lent, gauge));
        store.limiter(|state| &mut state.growth);
        store.epoch_deadline_async_yield_and_update(1);
        bounds::arm(&mut store);
        store
    }
}
