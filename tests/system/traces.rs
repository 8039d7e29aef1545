//! Traces, taken by a collector of the test's own: from the request through the plugin to the calls it makes.

use std::collections::BTreeMap;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use shift_access_tests::serving::Serving;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::demo;

/// Takes traces, and keeps them.
struct Collector {
    url: String,
    taken: watch::Receiver<Vec<ExportTraceServiceRequest>>,
}

impl Collector {
    async fn start() -> Self {
        let (sender, taken) = watch::channel(Vec::new());
        let take = async |State(sender): State<watch::Sender<_>>, body: Bytes| {
            sender.send_modify(|taken: &mut Vec<_>| taken.push(ExportTraceServiceRequest::decode(body).unwrap()));
            StatusCode::OK
        };
        let router = Router::new().route("/v1/traces", post(take)).with_state(sender);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, taken }
    }

    fn service(&self) -> String {
        let taken = self.taken.borrow();
        let resource = taken[0].resource_spans[0].resource.as_ref().unwrap();
        text(&resource.attributes, "service.name")
    }

    fn spans(&self) -> Vec<Span> {
        let taken = self.taken.borrow();
        let scopes = taken.iter().flat_map(|taken| &taken.resource_spans).flat_map(|resource| &resource.scope_spans);
        scopes.flat_map(|scope| scope.spans.clone()).collect()
    }
}

fn text(attributes: &[opentelemetry_proto::tonic::common::v1::KeyValue], key: &str) -> String {
    let found = attributes.iter().find(|attribute| attribute.key == key).and_then(|attribute| attribute.value.as_ref()?.value.clone());
    match found {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        other => panic!("{key} is {other:?}"),
    }
}

#[tokio::test]
async fn a_trace_leads_from_the_callers_request_through_the_plugin_to_the_calls_it_makes() {
    let (stage, collector) = (demo().await.unwrap(), Collector::start().await);
    stage.batch().await.unwrap();
    let mut serving = Serving::start_with(&stage, &[], &[("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url)]).await.unwrap();
    let token = stage.run(&["token", "create", "acme", "--scope", "read"]).await.unwrap().out.trim().to_owned();
    let url = format!("{}/api/v1/tenants/acme/workers/adiaz?refresh=true", serving.url());
    let request = reqwest::Client::new().get(url).bearer_auth(&token);
    let request = request.header("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    assert_eq!(request.send().await.unwrap().status().as_u16(), 200);
    // What is left goes out when the program ends.
    serving.signal("TERM").await.unwrap();
    assert!(serving.child.wait().await.unwrap().success());

    assert_eq!(collector.service(), "shift-access");
    let spans: Vec<_> = collector.spans().into_iter().filter(|span| hex(&span.trace_id) == "0af7651916cd43dd8448eb211c80319c").collect();
    let by_id: BTreeMap<_, &Span> = spans.iter().map(|span| (span.span_id.clone(), span)).collect();
    let named = |name: &str| spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("{name} is not in {spans:#?}"));
    let request = named("GET /api/v1/tenants/{tenant}/workers/{user}");
    assert_eq!(hex(&request.parent_span_id), "b7ad6b7169203331");
    assert_eq!(text(&request.attributes, "http.response.status_code"), "200");
    let plugin = named("listener.look-up");
    assert_eq!(by_id[&plugin.parent_span_id].name, request.name);
    assert_eq!(text(&plugin.attributes, "tenant"), "acme");
    let calls: Vec<_> = spans.iter().filter(|span| span.name.ends_with(" kronos")).collect();
    assert!(calls.len() > 1, "a login and a question: {spans:#?}");
    for call in calls {
        let mut above = vec![call.name.as_str()];
        let mut span = call;
        while let Some(parent) = by_id.get(&span.parent_span_id) {
            above.push(parent.name.as_str());
            span = parent;
        }
        assert!(above.contains(&"listener.look-up") && above.contains(&request.name.as_str()), "{above:?}");
        assert!(!text(&call.attributes, "url.path").contains('?'));
        assert_eq!(text(&call.attributes, "connection"), "kronos");
        assert_eq!(text(&call.attributes, "http.response.status_code"), "200");
    }
    // What was taken holds no word of whom it was about, and no secret.
    let everything = format!("{spans:?}");
    for secret in ["adiaz", &token, stage.ukg.credentials().password] {
        assert!(!everything.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn a_run_by_hand_is_traced_when_it_has_ended_and_nothing_is_where_nobody_asks() {
    let (stage, collector) = (demo().await.unwrap(), Collector::start().await);
    stage.run(&["run", "acme", "batch"]).await.unwrap();
    let to = ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url.as_str());
    stage.run_with(&["run", "acme", "batch"], &[to, ("OTEL_TRACES_EXPORTER", "none")]).await.unwrap();
    stage.run_with(&["run", "acme", "batch"], &[to, ("OTEL_SDK_DISABLED", "true")]).await.unwrap();
    assert!(collector.spans().is_empty());
    stage.run_with(&["run", "acme", "batch"], &[to, ("OTEL_SERVICE_NAME", "shifts")]).await.unwrap();
    assert_eq!(collector.service(), "shifts");
    let spans = collector.spans();
    let run = spans.iter().find(|span| span.name == "run").unwrap();
    assert_eq!(text(&run.attributes, "job"), "batch");
    assert!(spans.iter().any(|span| span.name == "jobs.run" && span.parent_span_id == run.span_id));

    let nobody = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1");
    let ended = stage.run_with(&["run", "acme", "batch"], &[nobody]).await.unwrap();
    assert_eq!(ended.code, Some(0), "that nobody takes the traces changes nothing: {}", ended.err);
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
