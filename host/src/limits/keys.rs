//! Every limit by its key in the configuration: one table, from which the configuration is read and its page drawn.

use std::fmt::Write as _;

use super::{CallLimits, Entry, Limits};

/// A limit of one call: it may stand in the table of an entry point too.
pub(crate) struct OfCall {
    pub(crate) key: &'static str,
    pub(crate) least: u32,
    pub(crate) most: u32,
    pub(crate) set: fn(&mut CallLimits, u32),
    value: fn(&CallLimits) -> Option<u32>,
    help: &'static str,
}

/// A limit of a tenant as a whole.
pub(crate) struct OfTenant {
    pub(crate) key: &'static str,
    pub(crate) least: u32,
    pub(crate) most: u32,
    pub(crate) place: fn(&mut Limits) -> &mut u32,
    help: &'static str,
}

/// Limits of one call.
pub(crate) const OF_CALLS: [OfCall; 6] = [
    OfCall {
        key: "memory-mib",
        least: 2,
        most: 1_024,
        set: |limits, value| limits.memory_mib = value,
        value: |limits| Some(limits.memory_mib),
        help: "memory of the plugin; over it: code 52",
    },
    OfCall {
        key: "cpu-seconds",
        least: 1,
        most: 86_400,
        set: |limits, value| limits.cpu_seconds = value,
        value: |limits| Some(limits.cpu_seconds),
        help: "how long it may keep a processor busy; over it: code 51",
    },
    OfCall {
        key: "wall-seconds",
        least: 1,
        most: 86_400,
        set: |limits, value| limits.wall_seconds = Some(value),
        value: |limits| limits.wall_seconds,
        help: "how long a call may take in all; over it: code 51. Unless set: a job its interval and at least 600, events 300, a \
               question 30, a look-up 180, the report on identities 1,800",
    },
    OfCall {
        key: "hostcall-mib",
        least: 1,
        most: 1_024,
        set: |limits, value| limits.hostcall_mib = value,
        value: |limits| Some(limits.hostcall_mib),
        help: "what it may hand to the host at once; over it: code 50",
    },
    OfCall {
        key: "requests",
        least: 0,
        most: 10_000_000,
        set: |limits, value| limits.requests = value,
        value: |limits| Some(limits.requests),
        help: "calls to other systems in one call of the plugin; the next is refused",
    },
    OfCall {
        key: "notes",
        least: 0,
        most: 5_000,
        set: |limits, value| limits.notes = value,
        value: |limits| Some(limits.notes),
        help: "notes in the journal of a run; the rest is left out, and a warning tells how many",
    },
];

/// Limits of a tenant as a whole.
pub(crate) const OF_TENANTS: [OfTenant; 14] = [
    OfTenant {
        key: "calls-at-once",
        least: 1,
        most: 384,
        place: |limits| &mut limits.calls_at_once,
        help: "calls of the plugin at once, and as many for decisions and events; more wait, and tenants take turns",
    },
    OfTenant { key: "tables", least: 1, most: 8, place: |limits| &mut limits.tables, help: "tables of an instance; over it: code 52" },
    OfTenant {
        key: "table-elements",
        least: 1,
        most: 100_000,
        place: |limits| &mut limits.table_elements,
        help: "elements of its tables together; over it: code 52",
    },
    OfTenant {
        key: "instances",
        least: 1,
        most: 16,
        place: |limits| &mut limits.instances,
        help: "core modules of the component; over it: code 52",
    },
    OfTenant {
        key: "resources",
        least: 16,
        most: 100_000,
        place: |limits| &mut limits.resources,
        help: "handles of an instance, and its calls under way; over it: code 50",
    },
    OfTenant {
        key: "random-kib",
        least: 1,
        most: 16_384,
        place: |limits| &mut limits.random_kib,
        help: "random bytes at once; over it: code 50",
    },
    OfTenant {
        key: "requests-in-flight",
        least: 1,
        most: 10_000,
        place: |limits| &mut limits.requests_in_flight,
        help: "calls to other systems at once, those that wait for their connection included; the next is throttled",
    },
    OfTenant {
        key: "requests-a-minute",
        least: 1,
        most: 1_000_000,
        place: |limits| &mut limits.requests_a_minute,
        help: "calls to other systems within a minute; the next is throttled",
    },
    OfTenant {
        key: "request-kib",
        least: 1,
        most: 32_768,
        place: |limits| &mut limits.request_kib,
        help: "what a call to another system may send; a larger one is refused",
    },
    OfTenant {
        key: "answer-mib",
        least: 1,
        most: 256,
        place: |limits| &mut limits.answer_mib,
        help: "the body of an answer; a larger one is refused",
    },
    OfTenant {
        key: "mails-an-hour",
        least: 0,
        most: 10_000,
        place: |limits| &mut limits.mails_an_hour,
        help: "mails of the plugin, each recipient counted; the next is refused. Alerts are the host's own",
    },
    OfTenant {
        key: "storage-mib",
        least: 1,
        most: 1_048_576,
        place: |limits| &mut limits.storage_mib,
        help: "keys and values together; what would be more is refused",
    },
    OfTenant { key: "keys", least: 1, most: 100_000_000, place: |limits| &mut limits.keys, help: "keys; one more is refused" },
    OfTenant { key: "value-kib", least: 1, most: 1_024, place: |limits| &mut limits.value_kib, help: "one value; a larger one is refused" },
];

/// The key of the domains that may be mailed to: the one limit that is no number.
pub(crate) const MAIL_DOMAINS: &str = "mail-domains";

/// Every limit there is, with its default, as a table in Markdown.
pub fn markdown_table() -> String {
    let mut defaults = Limits::default();
    let mut table = "| key | default | bounds | what it limits |\n|---|---|---|---|\n".to_owned();
    let mut row = |key: &str, default: &str, bounds: &str, help: &str| {
        // Writing to a String cannot fail.
        let _ = writeln!(table, "| `{key} | {default} | {bounds} | {help} |");
    };
    for OfCall { key, least, most, value, help, .. } in OF_CALLS {
        row(&format!("{key}` *"), &of_calls(&defaults, value), &bounds(least, most), help);
    }
    for OfTenant { key, least, most, place, help } in OF_TENANTS {
        row(&format!("{key}`"), &grouped(*place(&mut defaults)), &bounds(least, most), help);
    }
    let help = "to whom the plugin may mail; `[\"*\"]`: to anybody, `[]`: to nobody";
    row(&format!("{MAIL_DOMAINS}`"), "the domain of the address for alerts", "", help);
    table
}

/// The default of each entry point, where they differ.
fn of_calls(defaults: &Limits, value: fn(&CallLimits) -> Option<u32>) -> String {
    let values = Entry::ALL.map(|entry| value(defaults.of(entry)));
    match values {
        [Some(one), Some(two), Some(three)] if one == two && two == three => grouped(one),
        [None, None, None] => "see right".to_owned(),
        _ => {
            let told = Entry::ALL.iter().zip(values).filter_map(|(entry, value)| Some(format!("{} {}", entry.name(), grouped(value?))));
            told.collect::<Vec<_>>().join(", ")
        }
    }
}

fn bounds(least: u32, most: u32) -> String {
    format!("{} to {}", grouped(least), grouped(most))
}

/// A number as people write it: `1,024`.
fn grouped(number: u32) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_is_within_its_bounds_and_every_key_sets_its_own_limit() {
        let mut limits = Limits::default();
        for OfTenant { key, least, most, place, .. } in OF_TENANTS {
            assert!((least..=most).contains(place(&mut limits)), "{key}");
            *place(&mut limits) = most;
        }
        for entry in Entry::ALL {
            for OfCall { key, least, most, set, value, .. } in OF_CALLS {
                assert!(value(limits.of(entry)).is_none_or(|value| (least..=most).contains(&value)), "{key}");
                set(limits.of_mut(entry), most);
            }
        }
        // Each has a place of its own, or one would have been set to the bound of another.
        assert!(OF_TENANTS.iter().all(|key| *(key.place)(&mut limits) == key.most));
        assert!(OF_CALLS.iter().all(|key| (key.value)(&limits.jobs) == Some(key.most)));
    }

    #[test]
    fn numbers_are_grouped() {
        assert_eq!([0, 999, 1_000, 1_048_576].map(grouped), ["0", "999", "1,000", "1,048,576"]);
    }
}
