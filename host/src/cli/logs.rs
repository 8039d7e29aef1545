//! Where logs go: to stderr, as lines for people or as JSON for programs. No secret, body or token is ever logged.

use std::io::IsTerminal;

use tokio::runtime::Handle;
use tracing::Subscriber;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt};

use super::telemetry::{self, Telemetry};

/// The variable that says what is logged.
const VARIABLE: &str = "SHIFT_ACCESS_LOG";

/// How a line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// For people.
    Text,
    /// One JSON object a line: timestamp, level, target, message, the event's fields, and the spans around it.
    Json,
}

/// Begins to log, and to trace where the environment says so.
pub(super) fn start(format: Format, usual: &str, runtime: &Handle) -> Telemetry {
    let (filter, trouble) = filter(std::env::var(VARIABLE).ok().as_deref(), usual);
    let (traces, telemetry, untraced) = telemetry::start(&|name| std::env::var(name).ok(), runtime);
    let subscriber = tracing_subscriber::registry().with(traces).with(lines(format).with_filter(filter));
    // Whoever embeds the commands may log already.
    let _ = subscriber.try_init();
    for trouble in trouble.into_iter().chain(untraced) {
        tracing::warn!("{trouble}");
    }
    telemetry
}

fn lines<S: Subscriber + for<'a> LookupSpan<'a>>(format: Format) -> Box<dyn Layer<S> + Send + Sync> {
    match format {
        Format::Text => fmt::layer().with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal()).boxed(),
        Format::Json => fmt::layer().json().flatten_event(true).with_current_span(false).with_writer(std::io::stderr).boxed(),
    }
}

/// What is logged, and what is wrong with what was asked for.
fn filter(asked: Option<&str>, usual: &str) -> (EnvFilter, Option<String>) {
    let Some(asked) = asked.map(str::trim).filter(|asked| !asked.is_empty()) else { return (EnvFilter::new(usual), None) };
    match EnvFilter::builder().parse(asked) {
        Ok(filter) => (filter, None),
        Err(error) => {
            let trouble =
                format!("{VARIABLE} is not understood ({error}), so {usual} is logged; write for example warn,shift_access=debug");
            (EnvFilter::new(usual), Some(trouble))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_logged_and_what_is_not_understood_is_told() {
        assert_eq!(filter(None, "warn").0.to_string(), "warn");
        assert_eq!(filter(Some(" "), "warn").0.to_string(), "warn");
        assert_eq!(filter(Some("debug"), "warn").0.to_string(), "debug");
        let (filter, trouble) = filter(Some("shift_access=loud"), "warn");
        assert_eq!(filter.to_string(), "warn");
        assert!(trouble.unwrap().starts_with("SHIFT_ACCESS_LOG is not understood"));
    }
}
