//! The host's numbers for a monitoring system, in the text format of OpenMetrics, which Prometheus reads.
//!
//! What happens is counted where it happens: a count costs a look into a small map and an atomic addition. What is known
//! only by looking (the age of the last good run, the memory in use) is looked up when somebody asks, see [`Looked`].
//!
//! Every label has few values: tenants and jobs come from the configuration, routes are templates and never paths, and nobody
//! is named. The table of all of them in docs/serving.md is printed from here; a number that is added here must be added there.

use std::fmt::Write as _;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use prometheus_client::encoding::{EncodeLabelSet, EncodeMetric, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::metrics::{MetricType, TypedMetric};
use prometheus_client::registry::{Metric, Registry};

use crate::answer::{Decision, Verdict};
use crate::connection::CallRecord;
use crate::history::Run;
use crate::inbox::Reading;
use crate::plugin::CallError;

mod inboxes;
mod outbox;

pub use outbox::Outgoing;

use inboxes::InboxNumbers;
use outbox::MailNumbers;

/// What the answer with the numbers says it is.
pub const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Upper bounds in seconds for what somebody waits for.
const SHORT: [f64; 12] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 10.0];
/// Upper bounds in seconds for work in the background.
const LONG: [f64; 10] = [0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 1_800.0, 3_600.0];

type Counters<L> = Family<L, Counter>;
type Gauges<L> = Family<L, Gauge>;
type Histograms<L> = Family<L, Histogram, fn() -> Histogram>;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfTenant {
    tenant: Arc<str>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfJob {
    tenant: String,
    job: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfRun {
    tenant: String,
    job: String,
    status: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfDecision {
    tenant: Arc<str>,
    verdict: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfRequest {
    route: Arc<str>,
    method: &'static str,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfRoute {
    route: Arc<str>,
    method: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfCall {
    tenant: Arc<str>,
    connection: String,
    status: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfFailure {
    tenant: Arc<str>,
    kind: &'static str,
}

/// The numbers of one host.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    listed: Vec<Listed>,
    runs: Counters<OfRun>,
    run_durations: Histograms<OfJob>,
    decisions: Counters<OfDecision>,
    decision_durations: Histograms<OfTenant>,
    requests: Counters<OfRequest>,
    request_durations: Histograms<OfRoute>,
    calls: Counters<OfCall>,
    plugin_failures: Counters<OfFailure>,
    streams: Gauges<OfTenant>,
    memory: Gauge,
    jobs: Mutex<JobGauges>,
    inboxes: InboxNumbers,
    outbox: MailNumbers,
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// What is set anew each time somebody asks; whoever sets holds the lock until it is written.
#[derive(Debug, Default)]
struct JobGauges {
    age: Gauges<OfJob>,
    next: Gauges<OfJob>,
    good: Gauges<OfJob>,
}

/// What is looked up when somebody asks. A part of the host that keeps its own count, as of what waits, adds a field here
/// and a gauge above.
#[derive(Debug, Default)]
pub struct Looked {
    /// The scheduled jobs.
    pub jobs: Vec<JobNumbers>,
    /// The inboxes, each with its tenant.
    pub inboxes: Vec<(Arc<str>, Reading)>,
    /// The outbox.
    pub outbox: Outgoing,
}

/// A scheduled job of a tenant.
#[derive(Debug, Clone, Default)]
pub struct JobNumbers {
    /// The tenant.
    pub tenant: String,
    /// The job.
    pub job: String,
    /// Whether its last run ended well.
    pub last_good: Option<bool>,
    /// How long ago the last good run started, in seconds.
    pub last_good_age_seconds: Option<i64>,
    /// How long until it is due again, in seconds.
    pub next_seconds: Option<i64>,
}

/// A number as the table shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Listed {
    name: String,
    kind: String,
    labels: &'static str,
    help: &'static str,
}

impl Default for Metrics {
    fn default() -> Self {
        let histograms = |bounds: fn() -> Histogram| bounds;
        let short = histograms(|| Histogram::new(SHORT));
        let long = histograms(|| Histogram::new(LONG));
        let mut metrics = Self {
            registry: Registry::default(),
            listed: Vec::new(),
            runs: Family::default(),
            run_durations: Family::new_with_constructor(long),
            decisions: Family::default(),
            decision_durations: Family::new_with_constructor(short),
            requests: Family::default(),
            request_durations: Family::new_with_constructor(short),
            calls: Family::default(),
            plugin_failures: Family::default(),
            streams: Family::default(),
            memory: Gauge::default(),
            jobs: Mutex::default(),
            inboxes: InboxNumbers::default(),
            outbox: MailNumbers::default(),
        };
        metrics.register();
        metrics
    }
}

impl Metrics {
    /// Every number there is, in the order of the table.
    fn register(&mut self) {
        let (age, next, good) = {
            let jobs = self.jobs.get_mut().unwrap_or_else(PoisonError::into_inner);
            (jobs.age.clone(), jobs.next.clone(), jobs.good.clone())
        };
        self.add("shift_access_last_good_run_age_seconds", "tenant, job", "Seconds since the last good run of a job started", age);
        self.add("shift_access_next_run_seconds", "tenant, job", "Seconds until a job is due again", next);
        self.add("shift_access_last_run_good", "tenant, job", "1 if the last run of a job ended well, 0 if it did not", good);
        self.add("shift_access_runs", "tenant, job, status", "Runs that ended in this process", self.runs.clone());
        self.add("shift_access_run_duration_seconds", "tenant, job", "How long runs took", self.run_durations.clone());
        self.add("shift_access_decisions", "tenant, verdict", "Decisions made", self.decisions.clone());
        let help = "How long a request for decisions took, a batch as one";
        self.add("shift_access_decision_duration_seconds", "tenant", help, self.decision_durations.clone());
        let help = "Requests answered, by the template of the route";
        self.add("shift_access_http_requests", "route, method, status", help, self.requests.clone());
        let help = "How long it took until an answer began";
        self.add("shift_access_http_request_duration_seconds", "route, method", help, self.request_durations.clone());
        let help = "Streams of changes that are open";
        self.add("shift_access_change_streams", "tenant", help, self.streams.clone());
        let help = "Calls to other systems, logins too, by the class of the last status; none where no answer came";
        self.add("shift_access_outgoing_calls", "tenant, connection, status", help, self.calls.clone());
        let help = "Calls of a plugin that ended in a trap, or over a limit: of time, of processor time, of memory, of data";
        self.add("shift_access_plugin_failures", "tenant, kind", help, self.plugin_failures.clone());
        inboxes::register(self);
        outbox::register(self);
        let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        self.add("shift_access_build", "version", "The version of this program", build);
        let started = Gauge::<f64, AtomicU64>::default();
        started.set(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64());
        self.add("process_start_time_seconds", "", "When the process started, in seconds since 1970", started);
        self.add("process_resident_memory_bytes", "", "The memory in use; 0 where the system does not tell", self.memory.clone());
    }

    fn add<M: Metric + EncodeMetric + TypedMetric>(&mut self, name: &'static str, labels: &'static str, help: &'static str, metric: M) {
        // What the format adds to a name.
        let ending = match M::TYPE {
            MetricType::Counter => "_total",
            MetricType::Info => "_info",
            _ => "",
        };
        self.listed.push(Listed { name: format!("{name}{ending}"), kind: M::TYPE.as_str().to_owned(), labels, help });
        self.registry.register(name, help, metric);
    }

    /// A run is over.
    pub(crate) fn run_ended(&self, run: &Run) {
        let job = OfJob { tenant: run.tenant.clone(), job: run.job.clone() };
        if let Some(took) = run.duration_ms {
            self.run_durations.get_or_create(&job).observe(Duration::from_millis(took).as_secs_f64());
        }
        let OfJob { tenant, job } = job;
        self.runs.get_or_create(&OfRun { tenant, job, status: run.status.as_str() }).inc();
    }

    /// Decisions were made, all at once.
    pub(crate) fn decided(&self, tenant: &Arc<str>, decisions: &[Decision], took: Duration) {
        self.decision_durations.get_or_create(&OfTenant { tenant: tenant.clone() }).observe(took.as_secs_f64());
        for (verdict, word) in [(Verdict::Allow, "allow"), (Verdict::Deny, "deny")] {
            let count = decisions.iter().filter(|decision| decision.decision == verdict).count();
            if count > 0 {
                let labels = OfDecision { tenant: tenant.clone(), verdict: word };
                self.decisions.get_or_create(&labels).inc_by(u64::try_from(count).unwrap_or(u64::MAX));
            }
        }
    }

    /// A request was answered; `route` is none where there is no such path.
    pub(crate) fn answered(&self, route: Option<Arc<str>>, method: &axum::http::Method, status: u16, took: Duration) {
        let of = OfRoute { route: route.unwrap_or_else(|| Arc::from("none")), method: word(method) };
        self.request_durations.get_or_create(&of).observe(took.as_secs_f64());
        let OfRoute { route, method } = of;
        self.requests.get_or_create(&OfRequest { route, method, status }).inc();
    }

    /// A call to another system is over.
    pub(crate) fn called(&self, tenant: &Arc<str>, record: &CallRecord) {
        let status = match record.status {
            None => "none",
            Some(..200) => "1xx",
            Some(..300) => "2xx",
            Some(..400) => "3xx",
            Some(..500) => "4xx",
            Some(_) => "5xx",
        };
        self.calls.get_or_create(&OfCall { tenant: tenant.clone(), connection: record.connection.clone(), status }).inc();
    }

    /// A plugin did not answer. One that explains why did.
    pub(crate) fn plugin_failed(&self, tenant: &Arc<str>, error: &CallError) {
        let kind = match error {
            CallError::Trap(_) => "trap",
            CallError::Time(_) => "time",
            CallError::Cpu(_) => "cpu",
            CallError::Memory(_) => "memory",
            CallError::Data(_) => "data",
            CallError::Ungranted(_) => "ungranted",
            CallError::Failure(_) => return,
        };
        self.plugin_failures.get_or_create(&OfFailure { tenant: tenant.clone(), kind }).inc();
    }

    /// A stream of changes is open until this is dropped.
    pub(crate) fn stream(&self, tenant: &Arc<str>) -> Open {
        let open = self.streams.get_or_create_owned(&OfTenant { tenant: tenant.clone() });
        open.inc();
        Open(open)
    }

    /// All of it as text.
    pub fn text(&self, looked: &Looked) -> String {
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        for family in [&jobs.age, &jobs.next, &jobs.good] {
            family.clear();
        }
        self.inboxes.set(&looked.inboxes);
        self.outbox.set(&looked.outbox);
        for found in &looked.jobs {
            let labels = OfJob { tenant: found.tenant.clone(), job: found.job.clone() };
            let good = found.last_good.map(i64::from);
            for (family, value) in [(&jobs.age, found.last_good_age_seconds), (&jobs.next, found.next_seconds), (&jobs.good, good)] {
                if let Some(value) = value {
                    family.get_or_create(&labels).set(value);
                }
            }
        }
        self.memory.set(resident_memory().unwrap_or_default());
        let mut text = String::new();
        if let Err(error) = text::encode(&mut text, &self.registry) {
            tracing::error!(%error, "the numbers could not be written");
        }
        text
    }
}

/// Something that is counted while it is there.
#[derive(Debug)]
pub(crate) struct Open(Gauge);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Every number there is, as a table in Markdown.
pub fn markdown_table() -> String {
    let mut table = "| name | kind | labels | what it tells |\n|---|---|---|---|\n".to_owned();
    for Listed { name, kind, labels, help } in Metrics::default().listed {
        let labels = labels.split(", ").filter(|label| !label.is_empty()).map(|label| format!("`{label}`")).collect::<Vec<_>>().join(", ");
        // Writing to a String cannot fail.
        let _ = writeln!(table, "| `{name}` | {kind} | {labels} | {help} |");
    }
    table
}

/// Methods as a label: what somebody makes up is one word.
fn word(method: &axum::http::Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

/// The memory of this process in bytes, where the system tells it as Linux does.
fn resident_memory() -> Option<i64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: i64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kibibytes * 1_024)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{Status, Trigger};

    fn job(tenant: &str, age: Option<i64>) -> JobNumbers {
        let last_good = age.map(|_| true);
        JobNumbers { tenant: tenant.to_owned(), job: "batch".to_owned(), last_good, last_good_age_seconds: age, next_seconds: Some(60) }
    }

    /// The lines that begin with this, in order.
    fn lines<'a>(text: &'a str, start: &str) -> Vec<&'a str> {
        let mut found: Vec<_> = text.lines().filter(|line| line.starts_with(start)).collect();
        found.sort_unstable();
        found
    }

    /// One of everything.
    fn busy() -> (Metrics, Open) {
        let metrics = Metrics::default();
        let acme: Arc<str> = Arc::from("acme");
        metrics.run_ended(&Run {
            run: "x".to_owned(),
            tenant: "acme".to_owned(),
            job: "batch".to_owned(),
            process: "Batch".to_owned(),
            trigger: Trigger::Schedule,
            status: Status::CompleteWarn,
            started: chrono::DateTime::UNIX_EPOCH,
            duration_ms: Some(2_000),
            counts: None,
            warnings: Vec::new(),
            failure: None,
        });
        let decision = |decision| Decision {
            user: "adiaz".to_owned(),
            surface: None,
            decision,
            reason: "because".to_owned(),
            status: "there".to_owned(),
            since: None,
            as_of: None,
            age_seconds: None,
            source: None,
        };
        metrics.decided(&acme, &[decision(Verdict::Allow), decision(Verdict::Deny), decision(Verdict::Allow)], Duration::from_millis(3));
        metrics.answered(Some(Arc::from("/api/{tenant}")), &axum::http::Method::GET, 200, Duration::from_millis(3));
        metrics.answered(None, &axum::http::Method::from_bytes(b"BREW").unwrap(), 404, Duration::ZERO);
        metrics.called(
            &acme,
            &CallRecord {
                connection: "main".to_owned(),
                method: "GET".to_owned(),
                path: "/".to_owned(),
                status: Some(503),
                duration: Duration::ZERO,
                request_id: None,
                tries: 4,
                error: None,
            },
        );
        metrics.plugin_failed(&acme, &CallError::Trap("unreachable".to_owned()));
        let open = metrics.stream(&acme);
        (metrics, open)
    }

    #[test]
    fn what_is_looked_up_is_of_now_and_what_is_not_known_is_left_out() {
        let metrics = Metrics::default();
        metrics.text(&Looked { jobs: vec![job("gone", Some(1))], ..Looked::default() });
        let text = metrics.text(&Looked { jobs: vec![job("acme", Some(90)), job("a\"b", None)], ..Looked::default() });
        let found = ["shift_access_last", "shift_access_next"].map(|start| lines(&text, start));
        assert_eq!(
            found.concat(),
            [
                "shift_access_last_good_run_age_seconds{tenant=\"acme\",job=\"batch\"} 90",
                "shift_access_last_run_good{tenant=\"acme\",job=\"batch\"} 1",
                "shift_access_next_run_seconds{tenant=\"a\\\"b\",job=\"batch\"} 60",
                "shift_access_next_run_seconds{tenant=\"acme\",job=\"batch\"} 60",
            ]
        );
    }

    #[test]
    fn what_happens_is_counted() {
        let (metrics, open) = busy();
        let text = metrics.text(&Looked::default());
        for line in [
            "shift_access_runs_total{tenant=\"acme\",job=\"batch\",status=\"COMPLETE_WARN\"} 1",
            "shift_access_run_duration_seconds_sum{tenant=\"acme\",job=\"batch\"} 2.0",
            "shift_access_decisions_total{tenant=\"acme\",verdict=\"allow\"} 2",
            "shift_access_decisions_total{tenant=\"acme\",verdict=\"deny\"} 1",
            "shift_access_decision_duration_seconds_bucket{le=\"0.0025\",tenant=\"acme\"} 0",
            "shift_access_decision_duration_seconds_bucket{le=\"0.005\",tenant=\"acme\"} 1",
            "shift_access_http_requests_total{route=\"/api/{tenant}\",method=\"GET\",status=\"200\"} 1",
            "shift_access_http_requests_total{route=\"none\",method=\"other\",status=\"404\"} 1",
            "shift_access_outgoing_calls_total{tenant=\"acme\",connection=\"main\",status=\"5xx\"} 1",
            "shift_access_plugin_failures_total{tenant=\"acme\",kind=\"trap\"} 1",
            "shift_access_change_streams{tenant=\"acme\"} 1",
            concat!("shift_access_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1"),
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
        drop(open);
        assert!(metrics.text(&Looked::default()).contains("shift_access_change_streams{tenant=\"acme\"} 0"));
        assert!(resident_memory().is_none_or(|bytes| bytes > 1 << 20));
    }

    #[test]
    fn the_table_has_every_number_with_its_labels() {
        let (metrics, _open) = busy();
        let inboxes = vec![(Arc::from("acme"), Reading { counted: true, ..Reading::default() })];
        let text = metrics.text(&Looked { jobs: vec![job("acme", Some(1))], inboxes, ..Looked::default() });
        let described = text.lines().filter(|line| line.starts_with("# TYPE")).count();
        assert_eq!(described, metrics.listed.len());
        for Listed { name, kind, labels, .. } in &metrics.listed {
            let name = if kind == "histogram" { format!("{name}_sum") } else { name.clone() };
            let line =
                text.lines().find(|line| line.split(['{', ' ']).next() == Some(name.as_str())).unwrap_or_else(|| panic!("no {name}"));
            let found = line.split_once('{').map_or(Vec::new(), |(_, rest)| {
                let (inside, _) = rest.rsplit_once('}').unwrap();
                inside.split(',').map(|pair| pair.split('=').next().unwrap()).collect()
            });
            assert_eq!(found.join(", "), *labels, "{name}");
        }
    }
}
