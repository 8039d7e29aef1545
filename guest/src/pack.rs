//! What the pack says of itself. The tables it is drawn from live in the core; nothing here decides anything.

mod connections;

use shift_access_core::catalogue;
use shift_access_core::event::Direction;

use crate::bindings::exports::shift_access::plugin::pack::{
    Description, EventField, JobInfo, Kind, ListenerInfo, PropertyInfo, Surface, Value,
};
use crate::convert;

/// The job that tries every link.
pub const TEST_CONNECTION: &str = "test-connection";

/// The job that reads every worker.
pub const BATCH: &str = "batch";

/// The option of the batch that lets a held run through.
pub const RELEASE_BRAKE: &str = "release-brake";

/// What a decision may be asked about: the places that Workspace ONE can restrict (facts/workspace-one.md §1.3).
const SURFACES: &[(&str, &str)] = &[
    ("custom", "Custom tab"),
    ("employee-self-service", "Employee Self-Service"),
    ("for-you", "For You"),
    ("people", "People"),
    ("digital-badge", "Digital Badge"),
    ("apps", "Apps"),
];

/// The description.
pub fn describe() -> Description {
    Description {
        title: "Kronos - Worker Status".into(),
        version: env!("CARGO_PKG_VERSION").into(),
        summary: "Reads from UKG Pro Workforce Management (Kronos) which workers are clocked in, and decides from it who may use \
                  their work apps."
            .into(),
        connections: vec![connections::kronos(), connections::workspace_one()],
        properties: convert::properties(),
        jobs: jobs(),
        listener: Some(ListenerInfo {
            process: "[Workspace ONE] Worker Status - Listener [Kronos]".into(),
            code_prefix: catalogue::LISTENER.into(),
            summary: "Reads one worker at once when an event names them or somebody asks.".into(),
            fields: event_fields(),
        }),
        surfaces: SURFACES.iter().map(|(name, title)| Surface { name: (*name).into(), title: (*title).into() }).collect(),
        code_prefix: catalogue::JOBS.into(),
        errors: convert::errors(),
        alert_property: Some("alert-email".into()),
    }
}

fn jobs() -> Vec<JobInfo> {
    vec![
        JobInfo {
            name: TEST_CONNECTION.into(),
            process: "[Kronos] Worker Status Test Connection".into(),
            summary: "Tries every link in turn and names the remedy for the first that fails.".into(),
            schedulable: false,
            interval_property: None,
            options: Vec::new(),
        },
        JobInfo {
            name: BATCH.into(),
            process: "[Kronos] Worker Status - Batch [Workspace ONE]".into(),
            summary: "Reads the working status of every worker in the configured groups and stores it.".into(),
            schedulable: true,
            interval_property: Some("interval-minutes".into()),
            options: vec![release_brake()],
        },
    ]
}

/// Design §7: the plain form of an event.
fn event_fields() -> Vec<EventField> {
    let field = |name: &str, summary: &str, words: &[&str]| EventField {
        name: name.into(),
        summary: summary.into(),
        words: words.iter().map(|word| (*word).into()).collect(),
    };
    let directions: Vec<&str> = Direction::ALL.iter().map(|direction| direction.word()).collect();
    vec![
        field("person_number", "The worker's person number in Kronos, as a text or a whole number.", &[]),
        field("user", "The worker's user name, where the person number is not known.", &[]),
        field("at", "When the punch was, such as 2026-11-20T08:00:00-05:00; without an offset it is local to `zone`.", &[]),
        field("zone", "The zone of `at`: an IANA name, or the name or number of a Kronos zone; absent, default-time-zone.", &[]),
        field("direction", "Which way the punch goes; absent where that is not known.", &directions),
    ]
}

fn release_brake() -> PropertyInfo {
    PropertyInfo {
        name: RELEASE_BRAKE.into(),
        title: "Release the brake".into(),
        summary: "Stores this run's result even where `brake-percent` would hold it.".into(),
        kind: Kind::Switch,
        default: Some(Value::Switch(false)),
        required: false,
        what_if: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listener;

    #[test]
    fn the_processes_have_the_names_the_history_shows() {
        let description = describe();
        let jobs: Vec<_> = description.jobs.iter().map(|job| (job.name.as_str(), job.process.as_str())).collect();
        assert_eq!(
            jobs,
            [("test-connection", "[Kronos] Worker Status Test Connection"), ("batch", "[Kronos] Worker Status - Batch [Workspace ONE]"),]
        );
        let listener = description.listener.map(|listener| (listener.process, listener.code_prefix));
        assert_eq!(listener, Some(("[Workspace ONE] Worker Status - Listener [Kronos]".into(), "HWKR-WS".into())));
    }

    #[test]
    fn the_properties_it_points_to_are_there() {
        let description = describe();
        let names: Vec<_> = description.properties.iter().map(|property| property.name.as_str()).collect();
        let intervals = description.jobs.iter().filter_map(|job| job.interval_property.as_deref());
        for name in intervals.chain(description.alert_property.as_deref()) {
            assert!(names.contains(&name), "{name}");
        }
    }

    #[test]
    fn the_fields_of_an_event_are_those_that_are_read() {
        let words = |field: &EventField| field.words.first().cloned().unwrap_or_else(|| "2026-11-20T08:00:00".to_owned());
        let fields = event_fields();
        let named: Vec<String> = fields.iter().map(|field| format!("\"{}\":\"{}\"", field.name, words(field))).collect();
        let event = listener::event::read(format!("{{\"data\":{{{}}}}}", named.join(",")).as_bytes()).unwrap();
        assert!(event.number.is_some() && event.user.is_some() && event.direction.is_some());
        for field in &fields {
            let event = format!("{{\"data\":{{\"{}\":[],\"user\":\"a\"}}}}", field.name);
            let wrong = listener::event::read(event.as_bytes()).unwrap_err();
            assert!(wrong.starts_with(&format!("`{}` ", field.name)), "{wrong}");
        }
    }

    #[test]
    fn every_number_has_two_digits() {
        assert!(describe().errors.iter().all(|error| error.number.len() == 2));
    }
}
