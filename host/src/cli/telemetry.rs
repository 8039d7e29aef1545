//! Traces by OpenTelemetry: off, unless the environment names who takes them.
//!
//! The usual variables say where to (`OTEL_EXPORTER_OTLP_ENDPOINT`), under which name (`OTEL_SERVICE_NAME`), how many
//! (`OTEL_TRACES_SAMPLER`), and whether at all (`OTEL_TRACES_EXPORTER`, `OTEL_SDK_DISABLED`). Spans go out as protobuf over
//! HTTP, some seconds at a time, and those that are left when the program ends.

use std::time::Duration;

use async_trait::async_trait;
use opentelemetry::trace::TracerProvider;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{SpanExporter, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tokio::runtime::Handle;
use tracing::{Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::registry::LookupSpan;

use crate::config::is_loopback;
use crate::connection::unguarded;

/// What spans are named after where nobody says: everything of this program, and of nobody else.
const TARGET: &str = env!("CARGO_CRATE_NAME");

/// How long a collector may take to answer, unless its variable says less.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long the last spans may take at the end of the program.
const LAST: Duration = Duration::from_secs(3);

/// What goes on while traces are taken.
pub(super) struct Telemetry(Option<SdkTracerProvider>);

impl Telemetry {
    /// Sends what is left. To be called outside the runtime, while that is there.
    pub(super) fn end(self) {
        if let Some(provider) = self.0
            && let Err(error) = provider.shutdown_with_timeout(LAST)
        {
            tracing::warn!(%error, "the last traces were not taken");
        }
    }
}

/// A layer that makes spans into traces.
type Traces<S> = Option<Box<dyn Layer<S> + Send + Sync>>;

/// Begins to trace, if the environment says so; and why not, if it says so and that cannot be done.
pub(super) fn start<S>(env: &dyn Fn(&str) -> Option<String>, runtime: &Handle) -> (Traces<S>, Telemetry, Option<String>)
where
    S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
{
    if !wanted(env) {
        return (None, Telemetry(None), None);
    }
    match provider(env, runtime) {
        Ok(provider) => {
            let ours = filter_fn(|about| {
                let level = if about.is_span() { Level::DEBUG } else { Level::WARN };
                about.target().starts_with(TARGET) && *about.level() <= level
            });
            let traces = tracing_opentelemetry::layer().with_tracer(provider.tracer(TARGET)).with_location(false).with_filter(ours);
            (Some(traces.boxed()), Telemetry(Some(provider)), None)
        }
        Err(error) => (None, Telemetry(None), Some(format!("nothing is traced: {error}"))),
    }
}

/// Whether the environment names somebody to send traces to, and nothing speaks against it.
fn wanted(env: &dyn Fn(&str) -> Option<String>) -> bool {
    let value = |name: &str| env(name).map(|value| value.trim().to_lowercase()).filter(|value| !value.is_empty());
    let endpoint = value("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT").or_else(|| value("OTEL_EXPORTER_OTLP_ENDPOINT"));
    let disabled = value("OTEL_SDK_DISABLED").is_some_and(|value| value == "true");
    let exported = value("OTEL_TRACES_EXPORTER").is_none_or(|exporters| exporters.split(',').any(|name| name.trim() == "otlp"));
    endpoint.is_some() && exported && !disabled
}

fn provider(env: &dyn Fn(&str) -> Option<String>, runtime: &Handle) -> Result<SdkTracerProvider, HttpError> {
    let sender = Sender { outside: unguarded(false)?, loopback: unguarded(true)?, runtime: runtime.clone() };
    let exporter = SpanExporter::builder().with_http().with_http_client(sender).build()?;
    let resource = Resource::builder();
    let named = env("OTEL_SERVICE_NAME").is_some() || env("OTEL_RESOURCE_ATTRIBUTES").is_some_and(|list| list.contains("service.name="));
    let resource = if named { resource } else { resource.with_service_name(env!("CARGO_PKG_NAME")) };
    Ok(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource.build()).build())
}

/// Sends spans with the TLS that every other call has too, to wherever the environment says, and through its proxy.
#[derive(Debug)]
struct Sender {
    outside: reqwest::Client,
    loopback: reqwest::Client,
    runtime: Handle,
}

#[async_trait]
impl HttpClient for Sender {
    /// Called on a thread of the exporter's own, so the runtime has to be told to do it.
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = if is_loopback(&request.uri().to_string().parse()?) { &self.loopback } else { &self.outside }.clone();
        let request = reqwest::Request::try_from(request)?;
        self.runtime.spawn(async { tokio::time::timeout(PATIENCE, exchange(client, request)).await }).await??
    }
}

async fn exchange(client: reqwest::Client, request: reqwest::Request) -> Result<Response<Bytes>, HttpError> {
    let answer = client.execute(request).await?;
    let status = answer.status();
    // What a collector has to say is short, and nobody reads it.
    Ok(Response::builder().status(status).body(Bytes::new())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wants(variables: &[(&str, &str)]) -> bool {
        wanted(&|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn nothing_is_traced_unless_somebody_is_named_and_nothing_speaks_against_it() {
        let to = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318");
        assert!(!wants(&[]));
        assert!(!wants(&[("OTEL_TRACES_EXPORTER", "otlp")]));
        assert!(!wants(&[("OTEL_EXPORTER_OTLP_ENDPOINT", " ")]));
        assert!(wants(&[to]));
        assert!(wants(&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://127.0.0.1:4318/v1/traces")]));
        assert!(wants(&[to, ("OTEL_TRACES_EXPORTER", "console, otlp")]));
        assert!(!wants(&[to, ("OTEL_TRACES_EXPORTER", "none")]));
        assert!(!wants(&[to, ("OTEL_SDK_DISABLED", "TRUE")]));
        assert!(wants(&[to, ("OTEL_SDK_DISABLED", "false")]));
    }
}
