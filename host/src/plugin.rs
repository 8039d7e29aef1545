//! A pack: a component, loaded once and started afresh for each call from a pre-linked instance.
//!
//! Every call has limits outside the plugin, in time, memory and whatever else it could use up. After a trap, or over a limit,
//! the store is dropped with all that was in it.

mod bounds;
mod convert;
mod fit;
pub(crate) mod trial;
mod warm;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tracing::Instrument;
use wasmtime::Store;
use wasmtime::component::{Component, types::ComponentItem};

use crate::answer::{Comparisons, Decision, Disposition, Entry, Explanation, Identities, Listing, RosterChanges};
use crate::capability::{self, Lent, State};
use crate::description::{Description, Problem, PropertyValue};
use crate::engine::{Engine, Kind};
use crate::grant::Ungranted;
use crate::history::{Failure, Step, Warning};
use crate::limits::{Entry as EntryPoint, Exceeded, Gauge, metered};
use crate::tenant::Tenant;

pub(crate) mod bindings {
    wasmtime::component::bindgen!({ path: "../wit", world: "plugin", exports: { "shift-access:plugin/pack": async } });
}

use bindings::exports::shift_access::plugin as exports;
use bindings::{Plugin, PluginPre};
use bounds::{Bounds, Wall};

use trial::Trial;

pub use fit::Misfit;

/// The component that is part of this program.
pub const BUILT_IN: &[u8] = include_bytes!(env!("BUILT_IN_PACK"));

/// How long a question, a page or a description may take, unless the tenant's limits say otherwise.
const QUESTION_LIMIT: Wall = Wall::Usually(Duration::from_secs(30));

/// The same of reading one user anew: it calls other systems.
const LOOK_UP_LIMIT: Wall = Wall::Usually(Duration::from_secs(180));

/// The same of matching all users with all persons: it reads both systems.
const IDENTITIES_LIMIT: Wall = Wall::Usually(Duration::from_secs(30 * 60));

/// Why a component was not loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file was not read.
    #[error("the component {0} cannot be read: {1}")]
    Read(String, std::io::Error),
    /// It is not a component, or a broken one.
    #[error("this is not a WebAssembly component: {0}")]
    NotAComponent(String),
    /// The system did not give the memory to start it from.
    #[error("the component cannot be made ready: {0}")]
    NotReady(String),
    /// It imports what the host does not lend, or lacks an export.
    #[error("the component does not fit this host: it {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; it "))]
    DoesNotFit(Vec<Misfit>),
}

impl LoadError {
    /// Each thing that is wrong, in words of its own.
    pub fn problems(&self) -> Vec<String> {
        match self {
            Self::DoesNotFit(misfits) => misfits.iter().map(|misfit| format!("the component {misfit}")).collect(),
            other => vec![other.to_string()],
        }
    }
}

/// Why a call brought no answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The plugin trapped.
    #[error("the plugin failed: {0}")]
    Trap(String),
    /// It did not end in time.
    #[error("the plugin {0}")]
    Time(Exceeded),
    /// It kept a processor busy for too long.
    #[error("the plugin {0}")]
    Cpu(Exceeded),
    /// It wanted more memory or tables than it may have.
    #[error("the plugin {0}")]
    Memory(Exceeded),
    /// It handed over, asked for or held more than it may.
    #[error("the plugin {0}")]
    Data(Exceeded),
    /// It was not called: it would have what is not granted.
    #[error("the plugin was not called: {0}; grant the tenant what it needs, or give it another component")]
    Ungranted(Ungranted),
    /// It answered a failure.
    #[error("{}: {} {}", .0.code, .0.message, .0.remedy)]
    Failure(Box<Failure>),
}

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
    warm: Arc<warm::Warm>,
}

/// Makes one call in an instance that waits for this tenant, or in a fresh one that waits afterwards. For short questions,
/// which come often; see [`warm`]. The call is a span named after the entry point.
macro_rules! ask {
    ($pack:expr, $lent:expr, $entry:ident, $limit:expr, $name:literal, |$accessor:ident, $plugin:ident| $call:expr) => {{
        let span = tracing::debug_span!("plugin", otel.name = $name, tenant = %$lent.tenant, entry = $name);
        $pack.granted(&$lent)?;
        let lent = $lent.to(EntryPoint::$entry);
        let bounds = Bounds::of(&lent, $limit);
        let mut gauge = Arc::new(Gauge::default());
        let work = async {
            let _turn = $pack.inner.engine.turn(Kind::Question, &bounds.tenant, bounds.at_once).await;
            let work = async {
                let mut instance = match $pack.inner.warm.take(&lent) {
                    Some(instance) => {
                        gauge = instance.gauge.clone();
                        instance
                    }
                    None => {
                        let mut store = $pack.store(lent, &gauge);
                        let plugin = $pack.inner.pre.instantiate_async(&mut store).await?;
                        warm::Instance::new(store, plugin, gauge.clone())
                    }
                };
                let warm::Instance { store, plugin: $plugin, .. } = &mut instance;
                let answer = store.run_concurrent(async |$accessor| $call.await).await??;
                $pack.inner.warm.give_back(&bounds.tenant, instance);
                Ok(answer)
            };
            metered(work, bounds.cpu, bounds.processors.clone()).await
        };
        let answer = tokio::time::timeout(bounds.wall, work.instrument(span)).await;
        bounds.judge(answer, &gauge)
    }};
}

/// Starts a fresh instance, makes one call, and drops the instance. The call is a span named after the entry point.
macro_rules! call {
    ($pack:expr, $lent:expr, $entry:ident, $limit:expr, $name:literal, |$accessor:ident, $plugin:ident| $call:expr) => {{
        let span = tracing::debug_span!("plugin", otel.name = $name, tenant = %$lent.tenant, entry = $name);
        $pack.granted(&$lent)?;
        let lent = $lent.to(EntryPoint::$entry);
        let bounds = Bounds::of(&lent, $limit);
        let gauge = Arc::new(Gauge::default());
        let mut store = $pack.store(lent, &gauge);
        let work = async {
            let _turn = $pack.inner.engine.turn(Kind::Job, &bounds.tenant, bounds.at_once).await;
            let work = async {
                let $plugin = $pack.inner.pre.instantiate_async(&mut store).await?;
                store.run_concurrent(async |$accessor| $call.await).await?
            };
            metered(work, bounds.cpu, bounds.processors.clone()).await
        };
        let answer = tokio::time::timeout(bounds.wall, work.instrument(span)).await;
        bounds.judge(answer, &gauge).map(|answer| (answer, gauge.peak()))
    }};
}

impl Pack {
    /// The component that is part of this program.
    ///
    /// # Errors
    /// When it does not fit the host, which a test of the host rules out.
    pub fn built_in(engine: &Engine) -> Result<Self, LoadError> {
        Self::from_bytes(engine, BUILT_IN)
    }

    /// A component from a file.
    ///
    /// # Errors
    /// When the file cannot be read, is no component, or does not fit.
    pub fn from_file(engine: &Engine, path: &Path) -> Result<Self, LoadError> {
        Self::from_bytes(engine, &Self::read(path)?)
    }

    /// The bytes of a file.
    pub(crate) fn read(path: &Path) -> Result<Vec<u8>, LoadError> {
        std::fs::read(path).map_err(|error| LoadError::Read(path.display().to_string(), error))
    }

    /// Whether it is the same one, loaded once.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }

    /// A component from its bytes.
    ///
    /// # Errors
    /// When it is no component, or does not fit.
    pub fn from_bytes(engine: &Engine, bytes: &[u8]) -> Result<Self, LoadError> {
        if let Some(text) = fit::foreign(bytes) {
            return Err(LoadError::NotAComponent(text));
        }
        let component = engine.load(bytes).map_err(|error| LoadError::NotAComponent(fit::broken(bytes, &error)))?;
        let pre = fit::check(engine, &component).map_err(LoadError::DoesNotFit)?;
        image(&component).map_err(|error| LoadError::NotReady(brief(&error)))?;
        let imports = imports(engine, &component);
        let pre = PluginPre::new(pre).map_err(|error| LoadError::NotReady(brief(&error)))?;
        Ok(Self { inner: Arc::new(Inner { engine: engine.clone(), pre, imports, warm: Arc::default() }), trial: None })
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

    /// Runs a job to its end.
    ///
    /// # Errors
    /// When the plugin fails without a word of its own; a failure it explains is in the outcome.
    pub async fn run(
        &self,
        lent: Lent,
        limit: Duration,
        job: &str,
        run: &str,
        options: &[(String, PropertyValue)],
    ) -> Result<Outcome, CallError> {
        let options = options.iter().map(|(name, value)| capability::property(name, value)).collect();
        let job = exports::jobs::Job { name: job.to_owned(), run: run.to_owned(), options };
        let answer = call!(self, lent, Jobs, Wall::Exactly(limit), "jobs.run", |accessor, plugin| plugin
            .shift_access_plugin_jobs()
            .call_run(accessor, job));
        if let Some(trial) = &self.trial {
            trial.ran(&answer);
        }
        let (answer, memory_peak) = answer?;
        Ok(match answer {
            Ok(report) => Outcome { report: report.into(), failure: None, memory_peak },
            Err(failure) => {
                let (failure, report) = convert::failure(failure);
                Outcome { report, failure: Some(failure), memory_peak }
            }
        })
    }

    /// Reads one user anew and stores what is found.
    ///
    /// # Errors
    /// When the plugin fails or says why it could not.
    pub async fn look_up(&self, lent: Lent, user: &str) -> Result<Entry, CallError> {
        let Some(trial) = &self.trial else { return self.look_up_alone(lent, user).await };
        let answer = self.look_up_alone(lent.clone(), user).await;
        match trial.instead(&answer) {
            Some(before) => before.pack.look_up_alone(before.lent(lent), user).await,
            None => answer,
        }
    }

    async fn look_up_alone(&self, lent: Lent, user: &str) -> Result<Entry, CallError> {
        let tenant = lent.tenant.clone();
        let user = user.to_owned();
        let (answer, _) = call!(self, lent, Questions, LOOK_UP_LIMIT, "listener.look-up", |accessor, plugin| plugin
            .shift_access_plugin_listener()
            .call_look_up(accessor, user))?;
        Ok(convert::entry(&tenant, answer.map_err(explained)?))
    }

    /// Brings events, each an id and a CloudEvents document, for the run in hand; one disposition each, in order.
    ///
    /// # Errors
    /// When the plugin fails, or answers another number of dispositions.
    pub async fn handle(
        &self,
        lent: Lent,
        limit: Duration,
        run: &str,
        events: impl IntoIterator<Item = (&str, &[u8])> + Clone,
    ) -> Result<Vec<Disposition>, CallError> {
        let Some(trial) = &self.trial else { return self.handle_alone(lent, limit, run, events).await };
        let answer = self.handle_alone(lent.clone(), limit, run, events.clone()).await;
        match trial.instead(&answer) {
            Some(before) => before.pack.handle_alone(before.lent(lent), limit, run, events).await,
            None => answer,
        }
    }

    async fn handle_alone(
        &self,
        lent: Lent,
        limit: Duration,
        run: &str,
        events: impl IntoIterator<Item = (&str, &[u8])>,
    ) -> Result<Vec<Disposition>, CallError> {
        let event = |(id, body): (&str, &[u8])| exports::listener::Event { id: id.to_owned(), run: run.to_owned(), body: body.to_vec() };
        let brought: Vec<_> = events.into_iter().map(event).collect();
        let count = brought.len();
        let answer = ask!(self, lent, Listener, Wall::Exactly(limit), "listener.handle", |accessor, plugin| plugin
            .shift_access_plugin_listener()
            .call_handle(accessor, brought))?;
        if answer.len() != count {
            return Err(CallError::Trap(format!("it answered {} dispositions for {count} events", answer.len())));
        }
        Ok(answer.into_iter().map(convert::disposition).collect())
    }

    /// Answers questions, in order.
    ///
    /// # Errors
    /// When the plugin fails or says why it could not.
    pub async fn decide(&self, lent: Lent, questions: Vec<(String, Option<String>)>) -> Result<Vec<Decision>, CallError> {
        let Some(trial) = &self.trial else { return self.decide_alone(lent, questions).await };
        let answer = self.decide_alone(lent.clone(), questions.clone()).await;
        match trial.instead(&answer) {
            Some(before) => before.pack.decide_alone(before.lent(lent), questions).await,
            None => answer,
        }
    }

    async fn decide_alone(&self, lent: Lent, questions: Vec<(String, Option<String>)>) -> Result<Vec<Decision>, CallError> {
        let questions = questions.into_iter().map(|(user, surface)| exports::access::Question { user, surface }).collect();
        let answer = ask!(self, lent, Questions, QUESTION_LIMIT, "access.decide", |accessor, plugin| plugin
            .shift_access_plugin_access()
            .call_decide(accessor, questions))?;
        Ok(answer.map_err(explained)?.into_iter().map(Decision::from).collect())
    }

    /// Tells in plain sentences how a decision comes about, with what it rests on.
    ///
    /// # Errors
    /// When the plugin fails or says why it could not.
    pub async fn explain(&self, lent: Lent, user: &str, surface: Option<&str>) -> Result<Explanation, CallError> {
        let Some(trial) = &self.trial else { return self.explain_alone(lent, user, surface).await };
        let answer = self.explain_alone(lent.clone(), user, surface).await;
        match trial.instead(&answer) {
            Some(before) => before.pack.explain_alone(before.lent(lent), user, surface).await,
            None => answer,
        }
    }

    async fn explain_alone(&self, lent: Lent, user: &str, surface: Option<&str>) -> Result<Explanation, CallError> {
        let tenant = lent.tenant.clone();
        let question = exports::access::Question { user: user.to_owned(), surface: surface.map(str::to_owned) };
        let (answer, _) = call!(self, lent, Questions, QUESTION_LIMIT, "access.explain", |accessor, plugin| plugin
            .shift_access_plugin_access()
            .call_explain(accessor, question))?;
        Ok(convert::explanation(&tenant, answer.map_err(explained)?))
    }

    /// One page of decisions with some properties changed, beside those of today.
    ///
    /// # Errors
    /// When the plugin fails or says why it could not, as for a property whose effect stored records cannot show.
    pub async fn what_if(
        &self,
        lent: Lent,
        changed: &[(String, PropertyValue)],
        cursor: Option<String>,
        limit: u32,
    ) -> Result<Comparisons, CallError> {
        let changed = changed.iter().map(|(name, value)| capability::property(name, value)).collect();
        let (answer, _) = call!(self, lent, Questions, QUESTION_LIMIT, "access.what-if", |accessor, plugin| plugin
            .shift_access_plugin_access()
            .call_what_if(accessor, changed, cursor, limit))?;
        Ok(answer.map_err(explained)?.into())
    }

    /// One page of what is stored, of one status or of all.
    ///
    /// # Errors
    /// When the plugin fails or says why it could not.
    pub async fn page(&self, lent: Lent, status: Option<String>, cursor: Option<String>, limit: u32) -> Result<Listing, CallError> {
        let Some(trial) = &self.trial else { return self.page_alone(lent, status, cursor, limit).await };
        let answer = self.page_alone(lent.clone(), status.clone(), cursor.clone(), limit).await;
        match trial.instead(&answer) {
            Some(before) => before.pack.page_alone(before.lent(lent), status, cursor, limit).await,
            None => answer,
        }
    }

    async fn page_alone(&self, lent: Lent, status: Option<String>, cursor: Option<String>, limit: u32) -> Result<Listing, CallError> {
        let tenant = lent.tenant.clone();
        let (answer, _) = call!(self, lent, Questions, QUESTION_LIMIT, "roster.page", |accessor, plugin| plugin
            .shift_access_plugin_roster()
            .call_page(accessor, status, cursor, limit))?;
        let listing = answer.map_err(explained)?;
        let items = listing.entries.into_iter().map(|entry| convert::entry(&tenant, entry)).collect();
        Ok(Listing { items, next: listing.cursor })
    }

    /// What is stored for one user.
    ///
    /// # Errors
    /// When the plugin fails or says why it could not.
    pub async fn find(&self, lent: Lent, user: &str) -> Result<Option<Entry>, CallError> {
        let Some(trial) = &self.trial else { return self.find_alone(lent, user).await };
        let answer = self.find_alone(lent.clone(), user).await;
        match trial.instead(&answer) {
            Some(before) => before.pack.find_alone(before.lent(lent), user).await,
            None => answer,
        }
    }

    async fn find_alone(&self, lent: Lent, user: &str) -> Result<Option<Entry>, CallError> {
        let tenant = lent.tenant.clone();
        let user = user.to_owned();
        let (answer, _) = call!(self, lent, Questions, QUESTION_LIMIT, "roster.find", |accessor, plugin| plugin
            .shift_access_plugin_roster()
            .call_find(accessor, user))?;
        Ok(answer.map_err(explained)?.map(|entry| convert::entry(&tenant, entry)))
    }

    /// One page of how users and persons match. The first page, asked for without a cursor, reads both systems anew.
    ///
    /// # Errors
    /// When the plugin fails or says why it could not.
    pub async fn identities(&self, lent: Lent, cursor: Option<String>, limit: u32) -> Result<Identities, CallError> {
        let (answer, memory_peak) = call!(self, lent, Jobs, IDENTITIES_LIMIT, "roster.identities", |accessor, plugin| plugin
            .shift_access_plugin_roster()
            .call_identities(accessor, cursor, limit))?;
        tracing::debug!(memory_peak, "a page of identities");
        Ok(answer.map_err(explained)?.into())
    }

    /// The changes after this one, in order.
    ///
    /// # Errors
    /// When the plugin fails or says why it could not.
    pub async fn changes(&self, lent: Lent, after: u64, limit: u32) -> Result<RosterChanges, CallError> {
        let Some(trial) = &self.trial else { return self.changes_alone(lent, after, limit).await };
        let answer = self.changes_alone(lent.clone(), after, limit).await;
        match trial.instead(&answer) {
            Some(before) => before.pack.changes_alone(before.lent(lent), after, limit).await,
            None => answer,
        }
    }

    async fn changes_alone(&self, lent: Lent, after: u64, limit: u32) -> Result<RosterChanges, CallError> {
        let tenant = lent.tenant.clone();
        let (answer, _) = call!(self, lent, Questions, QUESTION_LIMIT, "roster.changes", |accessor, plugin| plugin
            .shift_access_plugin_roster()
            .call_changes(accessor, after, limit))?;
        Ok(convert::changes(&tenant, answer.map_err(explained)?))
    }

    /// How many users have each status.
    ///
    /// # Errors
    /// When the plugin fails or says why it could not.
    pub async fn counts(&self, lent: Lent) -> Result<Vec<(String, u64)>, CallError> {
        let (answer, _) = call!(self, lent, Questions, QUESTION_LIMIT, "roster.counts", |accessor, plugin| plugin
            .shift_access_plugin_roster()
            .call_counts(accessor))?;
        Ok(answer.map_err(explained)?.into_iter().map(|count| (count.name, count.value)).collect())
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

/// Makes the memory image that every instance begins with. While the machine is busy the system may refuse to seal it
/// (`EBUSY`), which passes; made by the first call instead, that call would fail.
fn image(component: &Component) -> wasmtime::Result<()> {
    const TRIES: u32 = 5;
    let mut tries = 1;
    loop {
        match component.initialize_copy_on_write_image() {
            Err(error) if tries < TRIES => {
                tracing::debug!(error = %chain(&error), "the memory image is tried again");
                std::thread::sleep(Duration::from_millis(20) * tries);
                tries += 1;
            }
            made => return made,
        }
    }
}

fn explained(failure: exports::jobs::Failure) -> CallError {
    CallError::Failure(Box::new(convert::failure(failure).0))
}

fn chain(error: &wasmtime::Error) -> String {
    error.chain().map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// The chain on one line of a bearable length: of a file that is no component, the library shows the bytes.
fn brief(error: &wasmtime::Error) -> String {
    const LONGEST: usize = 200;
    let whole = chain(error);
    let line = whole.lines().next().unwrap_or_default();
    let text: String = line.chars().take(LONGEST).collect();
    if text.len() == whole.trim_end().len() { text } else { format!("{}…", text.trim_end()) }
}

fn imports(engine: &Engine, component: &Component) -> Vec<String> {
    let ty = component.component_type();
    let instances = ty.imports(engine.inner()).filter(|(_, item)| !matches!(item.ty, ComponentItem::Type(_)));
    instances.map(|(name, _)| name.to_owned()).collect()
}
