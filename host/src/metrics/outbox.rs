//! The numbers of the outbox, which counts itself.

use std::sync::atomic::Ordering;

use prometheus_client::metrics::counter::Counter;

use super::{Gauge, Metrics, signed};

/// The alerts that wait and were sent.
#[derive(Debug, Clone, Copy, Default)]
pub struct Outgoing {
    /// Mails that wait.
    pub waiting: u64,
    /// How long the oldest of them waits, in seconds.
    pub oldest_seconds: Option<i64>,
    /// Mails that the server took since this host started.
    pub sent: u64,
    /// Tries that failed since this host started.
    pub failed: u64,
    /// Mails given up since this host started.
    pub dropped: u64,
}

/// What the outbox counts itself.
#[derive(Debug, Default)]
pub(super) struct MailNumbers {
    waiting: Gauge,
    oldest: Gauge,
    sent: Counter,
    failed: Counter,
    dropped: Counter,
}

impl MailNumbers {
    pub(super) fn set(&self, looked: &Outgoing) {
        self.waiting.set(signed(looked.waiting));
        self.oldest.set(looked.oldest_seconds.unwrap_or(0));
        for (counter, count) in [(&self.sent, looked.sent), (&self.failed, looked.failed), (&self.dropped, looked.dropped)] {
            counter.inner().store(count, Ordering::Relaxed);
        }
    }
}

/// Lists them.
pub(super) fn register(metrics: &mut Metrics) {
    let MailNumbers { waiting, oldest, sent, failed, dropped } = &metrics.outbox;
    let (waiting, oldest, sent, failed, dropped) = (waiting.clone(), oldest.clone(), sent.clone(), failed.clone(), dropped.clone());
    metrics.add("shift_access_alerts_waiting", "", "Alerts that wait to be mailed, as the host that sends saw them last", waiting);
    metrics.add("shift_access_alerts_oldest_seconds", "", "How long the oldest of them waits; 0 where none does", oldest);
    metrics.add("shift_access_alerts_sent", "", "Alerts that the mail server took", sent);
    metrics.add("shift_access_alerts_failed_tries", "", "Tries to mail an alert that failed", failed);
    metrics.add("shift_access_alerts_dropped", "", "Alerts given up: refused for days, or of no form that can be sent", dropped);
}
