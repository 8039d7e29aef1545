//! The calls of a component, one a function of the contract's exports: what goes in, which limit in time it has, and what comes
//! out in the host's own words.

use std::sync::Arc;
use std::time::Duration;

use tracing::Instrument;

use super::bindings::exports::shift_access::plugin as exports;
use super::bounds::{Bounds, Wall};
use super::error::CallError;
use super::{Outcome, Pack, QUESTION_LIMIT, convert, warm};
use crate::answer::{Comparisons, Decision, Disposition, Entry, Explanation, Identities, Listing, RosterChanges};
use crate::capability::{self, Lent};
use crate::description::PropertyValue;
use crate::engine::Kind;
use crate::limits::{Entry as EntryPoint, Gauge, metered};

/// The same of reading one user anew: it calls other systems.
const LOOK_UP_LIMIT: Wall = Wall::Usually(Duration::from_secs(180));

/// The same of matching all users with all persons: it reads both systems.
const IDENTITIES_LIMIT: Wall = Wall::Usually(Duration::from_secs(30 * 60));

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
        self.tried(lent, user, |pack, lent, user| async move {
            let (tenant, user) = (lent.tenant.clone(), user.to_owned());
            let (answer, _) = call!(pack, lent, Questions, LOOK_UP_LIMIT, "listener.look-up", |accessor, plugin| plugin
                .shift_access_plugin_listener()
                .call_look_up(accessor, user))?;
            Ok(convert::entry(&tenant, answer.map_err(explained)?))
        })
        .await
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
        self.tried(lent, (limit, run, events), |pack, lent, (limit, run, events)| async move {
            let event =
                |(id, body): (&str, &[u8])| exports::listener::Event { id: id.to_owned(), run: run.to_owned(), body: body.to_vec() };
            let brought: Vec<_> = events.into_iter().map(event).collect();
            let count = brought.len();
            let answer = ask!(pack, lent, Listener, Wall::Exactly(limit), "listener.handle", |accessor, plugin| plugin
                .shift_access_plugin_listener()
                .call_handle(accessor, brought))?;
            if answer.len() != count {
                return Err(CallError::Trap(format!("it answered {} dispositions for {count} events", answer.len())));
            }
            Ok(answer.into_iter().map(convert::disposition).collect())
        })
        .await
    }

    /// Answers questions, in order.
    ///
    /// # Errors
    /// When the plugin fails or says why it could not.
    pub async fn decide(&self, lent: Lent, questions: Vec<(String, Option<String>)>) -> Result<Vec<Decision>, CallError> {
        self.tried(lent, questions, |pack, lent, questions| async move {
            let questions = questions.into_iter().map(|(user, surface)| exports::access::Question { user, surface }).collect();
            let answer = ask!(pack, lent, Questions, QUESTION_LIMIT, "access.decide", |accessor, plugin| plugin
                .shift_access_plugin_access()
                .call_decide(accessor, questions))?;
            Ok(answer.map_err(explained)?.into_iter().map(Decision::from).collect())
        })
        .await
    }

    /// Tells in plain sentences how a decision comes about, with what it rests on.
    ///
    /// # Errors
    /// When the plugin fails or says why it could not.
    pub async fn explain(&self, lent: Lent, user: &str, surface: Option<&str>) -> Result<Explanation, CallError> {
        self.tried(lent, (user, surface), |pack, lent, (user, surface)| async move {
            let tenant = lent.tenant.clone();
            let question = exports::access::Question { user: user.to_owned(), surface: surface.map(str::to_owned) };
            let (answer, _) = call!(pack, lent, Questions, QUESTION_LIMIT, "access.explain", |accessor, plugin| plugin
                .shift_access_plugin_access()
                .call_explain(accessor, question))?;
            Ok(convert::explanation(&tenant, answer.map_err(explained)?))
        })
        .await
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
        self.tried(lent, (status, cursor, limit), |pack, lent, (status, cursor, limit)| async move {
            let tenant = lent.tenant.clone();
            let (answer, _) = call!(pack, lent, Questions, QUESTION_LIMIT, "roster.page", |accessor, plugin| plugin
                .shift_access_plugin_roster()
                .call_page(accessor, status, cursor, limit))?;
            let listing = answer.map_err(explained)?;
            let items = listing.entries.into_iter().map(|entry| convert::entry(&tenant, entry)).collect();
            Ok(Listing { items, next: listing.cursor })
        })
        .await
    }

    /// One page of those whose user name or person number begins with this text, of one status or of all. It may have fewer than
    /// asked for although more follow.
    ///
    /// # Errors
    /// When the plugin fails or says why it could not.
    pub async fn search(
        &self,
        lent: Lent,
        text: &str,
        status: Option<String>,
        cursor: Option<String>,
        limit: u32,
    ) -> Result<Listing, CallError> {
        let asked = (text.to_owned(), status, cursor, limit);
        self.tried(lent, asked, |pack, lent, (text, status, cursor, limit)| async move {
            let tenant = lent.tenant.clone();
            let (answer, _) = call!(pack, lent, Questions, QUESTION_LIMIT, "roster.search", |accessor, plugin| plugin
                .shift_access_plugin_roster()
                .call_search(accessor, text, status, cursor, limit))?;
            let listing = answer.map_err(explained)?;
            let items = listing.entries.into_iter().map(|entry| convert::entry(&tenant, entry)).collect();
            Ok(Listing { items, next: listing.cursor })
        })
        .await
    }

    /// What is stored for one user.
    ///
    /// # Errors
    /// When the plugin fails or says why it could not.
    pub async fn find(&self, lent: Lent, user: &str) -> Result<Option<Entry>, CallError> {
        self.tried(lent, user, |pack, lent, user| async move {
            let (tenant, user) = (lent.tenant.clone(), user.to_owned());
            let (answer, _) = call!(pack, lent, Questions, QUESTION_LIMIT, "roster.find", |accessor, plugin| plugin
                .shift_access_plugin_roster()
                .call_find(accessor, user))?;
            Ok(answer.map_err(explained)?.map(|entry| convert::entry(&tenant, entry)))
        })
        .await
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
        self.tried(lent, (after, limit), |pack, lent, (after, limit)| async move {
            let tenant = lent.tenant.clone();
            let (answer, _) = call!(pack, lent, Questions, QUESTION_LIMIT, "roster.changes", |accessor, plugin| plugin
                .shift_access_plugin_roster()
                .call_changes(accessor, after, limit))?;
            Ok(convert::changes(&tenant, answer.map_err(explained)?))
        })
        .await
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
}

fn explained(failure: exports::jobs::Failure) -> CallError {
    CallError::Failure(Box::new(convert::failure(failure).0))
}
