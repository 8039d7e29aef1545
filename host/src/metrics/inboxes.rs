//! The numbers of the inboxes, which count themselves.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{Counters, Gauges, Metrics, OfTenant, signed};
use crate::inbox::Reading;

/// What the inboxes of tenants count themselves.
#[derive(Debug, Default)]
pub(super) struct InboxNumbers {
    waiting: Gauges<OfTenant>,
    oldest: Gauges<OfTenant>,
    dead: Gauges<OfTenant>,
    received: Counters<OfTenant>,
    duplicates: Counters<OfTenant>,
    refused: Counters<OfTenant>,
}

impl InboxNumbers {
    pub(super) fn set(&self, looked: &[(Arc<str>, Reading)]) {
        for gauge in [&self.waiting, &self.oldest, &self.dead] {
            gauge.clear();
        }
        for (tenant, reading) in looked {
            let of = OfTenant { tenant: tenant.clone() };
            if reading.counted {
                self.waiting.get_or_create(&of).set(signed(reading.waiting));
                self.oldest.get_or_create(&of).set(reading.oldest_waiting_seconds.unwrap_or(0));
                self.dead.get_or_create(&of).set(signed(reading.dead_letters));
            }
            let counts = [(&self.received, reading.received), (&self.duplicates, reading.duplicates), (&self.refused, reading.refused)];
            for (counter, count) in counts {
                counter.get_or_create(&of).inner().store(count, Ordering::Relaxed);
            }
        }
    }
}

/// Lists them.
pub(super) fn register(metrics: &mut Metrics) {
    let InboxNumbers { waiting, oldest, dead, received, duplicates, refused } = &metrics.inboxes;
    let gauges = [waiting, oldest, dead].map(Clone::clone);
    let counters = [received, duplicates, refused].map(Clone::clone);
    let named = [
        ("shift_access_inbox_waiting_events", "Events that wait, those to be brought again included"),
        ("shift_access_inbox_oldest_seconds", "How long ago the oldest event that waits came; 0 where none waits"),
        ("shift_access_inbox_dead_letters", "Events that are not brought again by themselves"),
    ];
    for ((name, help), gauge) in named.into_iter().zip(gauges) {
        metrics.add(name, "tenant", help, gauge);
    }
    let named = [
        ("shift_access_inbox_received_events", "Events that were stored"),
        ("shift_access_inbox_duplicate_events", "Events that had come before, and were left out"),
        ("shift_access_inbox_refused_posts", "Posts of events that were refused, for whatever reason"),
    ];
    for ((name, help), counter) in named.into_iter().zip(counters) {
        metrics.add(name, "tenant", help, counter);
    }
}
