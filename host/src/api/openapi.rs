//! The description of this API, for programs (OpenAPI 3.1). It is made from the code: each handler describes itself beside its
//! own lines, each type its own fields, and the routes are served and described by one call (`routes`).
//!
//! Here stands what is the same of many: the parts of a path, and what may go wrong. A handler names the status alone.

use std::sync::LazyLock;

use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use serde_json::{Map, Value, json};
use utoipa::OpenApi;
use utoipa::openapi::path::Paths;

use super::{changes, discovery, evaluation, health, hooks, jobs, problem, runs};
use crate::answer;
use crate::history;
use crate::inbox;

pub(super) const PATH: &str = "/api/openapi.json";

/// What the document says beside the routes. The types are those that a body of a request or an answer begins with; what is
/// inside them follows by itself.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Shift Access",
        description = "Who is clocked in, and so may use the work apps. Decisions read what is stored and cost no call to another system.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    components(schemas(
        answer::Listing,
        runs::Runs,
        history::RunDetail,
        jobs::Wanted,
        evaluation::Request,
        evaluation::Batch,
        evaluation::Answers,
        discovery::Metadata,
        health::Readiness,
        changes::Change,
        hooks::Received,
        inbox::DeadLetterPage,
        problem::Document,
    ))
)]
struct Described;

static DOCUMENT: LazyLock<String> = LazyLock::new(|| {
    let (_, paths) = super::routes().finish();
    document(paths).to_string()
});

/// This document.
#[utoipa::path(get, path = PATH, operation_id = "describe", tag = "host", security(()), responses(
    (status = 200, description = "This document.", content_type = "application/json", body = Object),
))]
pub(super) async fn show() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], DOCUMENT.as_str())
}

fn document(paths: Paths) -> Value {
    let mut described = Described::openapi();
    described.paths = paths;
    let mut document = json!(described);
    let bearer = json!({
        "type": "http",
        "scheme": "bearer",
        "description": "Made with: shift-access token create TENANT --scope read; what takes more says so."
    });
    if let Some(components) = document.get_mut("components").and_then(Value::as_object_mut) {
        components.insert("securitySchemes".to_owned(), json!({ "bearer": bearer }));
    }
    let paths = document.get_mut("paths").and_then(Value::as_object_mut);
    for (path, item) in paths.into_iter().flatten() {
        for operation in item.as_object_mut().into_iter().flat_map(Map::values_mut) {
            complete(path, operation);
        }
    }
    document
}

/// Adds to an operation what follows from its path and from the statuses it names.
fn complete(path: &str, operation: &mut Value) {
    let Some(operation) = operation.as_object_mut() else { return };
    let mut named: Vec<Value> = path.split(['{', '}']).skip(1).step_by(2).map(parameter).collect();
    if let Some(Value::Array(others)) = operation.remove("parameters") {
        named.extend(others);
    }
    operation.insert("parameters".to_owned(), Value::Array(named));
    let guarded = !operation.contains_key("security");
    if guarded {
        operation.insert("security".to_owned(), json!([{ "bearer": [] }]));
    }
    let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) else { return };
    for status in ["401", "403"].into_iter().filter(|_| guarded) {
        responses.entry(status).or_insert_with(|| json!({}));
    }
    for (status, response) in responses {
        let status = status.parse().ok().and_then(|status| StatusCode::from_u16(status).ok());
        if let Some(status) = status.filter(|status| status.as_u16() >= 400)
            && response.get("content").is_none()
        {
            *response = refusal(status);
        }
    }
}

/// A part of a path.
fn parameter(name: &str) -> Value {
    let (description, example) = match name {
        "tenant" => ("The tenant, as in the configuration.", "acme"),
        "user" => ("The user name, without regard to case.", "adiaz"),
        "run" => ("The id of a run.", "019526f3-bf60-7000-8000-0123456789ab"),
        "letter" => ("The id of a dead letter, or its beginning.", "0f3a9c"),
        "job" => ("A job of the tenant's pack.", "batch"),
        _ => ("", ""),
    };
    let schema = json!({ "type": "string", "minLength": 1 });
    json!({ "name": name, "in": "path", "required": true, "description": description, "schema": schema, "example": example })
}

/// What comes with a problem.
fn refusal(status: StatusCode) -> Value {
    let (description, detail) = match status.as_u16() {
        400 => ("The request is wrong; the detail says where.", "limit is 0; write a number from 1 to 1000"),
        401 => ("No token or proof, or one that is not good.", "show a token: Authorization: Bearer sat_…"),
        403 => ("The token is for another tenant, or its scope is not enough.", "the token is for another tenant"),
        404 => ("It is not there.", "there is no run x"),
        408 => ("The request came too slowly.", "the request did not come within 30 s"),
        409 => ("The job is running already.", "batch is running for the tenant acme already; wait until it has ended"),
        413 => ("The body has more than 1 MiB.", "the body has more than 1048576 bytes"),
        415 => ("The body is not said to be JSON.", "the body must be JSON: Content-Type: application/json"),
        500 => ("The plugin failed; code, detail and remedy say how.", "the plugin failed: unreachable"),
        502 => ("The plugin could not answer; code, detail and remedy say why.", "the time system did not answer"),
        503 => ("The store did not answer, there is too much at once, or the host is about to stop.", "the store did not answer"),
        504 => ("The plugin took too long.", "the plugin did not end within 30s"),
        _ => ("", ""),
    };
    let title = status.canonical_reason().unwrap_or_default();
    let example = json!({ "type": "about:blank", "title": title, "status": status.as_u16(), "detail": detail });
    let text = |description: &str| json!({ "description": description, "required": true, "schema": { "type": "string" } });
    let headers = match status.as_u16() {
        401 => json!({ "WWW-Authenticate": text("What is wanted (RFC 6750).") }),
        503 => json!({ "Retry-After": text("Seconds after which it is worth asking again.") }),
        _ => json!({}),
    };
    let schema = json!({ "$ref": "#/components/schemas/Problem" });
    let content = json!({ "application/problem+json": { "schema": schema, "example": example } });
    json!({ "description": description, "headers": headers, "content": content })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn described() -> Value {
        serde_json::from_str(&DOCUMENT).unwrap()
    }

    /// Every object in it.
    fn each<'a>(value: &'a Value, visit: &mut dyn FnMut(&'a Map<String, Value>)) {
        match value {
            Value::Object(object) => {
                visit(object);
                object.values().for_each(|value| each(value, visit));
            }
            Value::Array(items) => items.iter().for_each(|item| each(item, visit)),
            _ => {}
        }
    }

    #[test]
    fn every_reference_leads_somewhere_and_nothing_is_described_in_vain() {
        let document = described();
        let mut found = BTreeSet::new();
        each(&document, &mut |object| found.extend(object.get("$ref").and_then(Value::as_str)));
        for reference in &found {
            assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
        }
        for name in document["components"]["schemas"].as_object().unwrap().keys() {
            // The data of an event; the document has no way to say so of a stream.
            assert!(name == "Change" || found.contains(format!("#/components/schemas/{name}").as_str()), "nobody refers to {name}");
        }
    }

    #[test]
    fn every_operation_has_a_name_of_its_own_a_sentence_and_only_bodies_that_are_described() {
        let document = described();
        let mut names = BTreeSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let name = operation["operationId"].as_str().unwrap();
                assert!(names.insert(name.to_owned()), "{name} twice");
                assert!(operation["summary"].as_str().is_some_and(|summary| summary.ends_with('.')), "{method} {path}");
                for (status, response) in operation["responses"].as_object().unwrap() {
                    assert!(response["description"].as_str().is_some_and(|text| text.ends_with('.')), "{method} {path} {status}");
                    for (media, content) in response["content"].as_object().into_iter().flatten() {
                        assert!(content.get("schema").is_some(), "{method} {path} {status} {media}");
                    }
                }
                for parameter in operation["parameters"].as_array().unwrap() {
                    let told = parameter["description"].as_str().is_some_and(|text| !text.is_empty());
                    assert!(told && parameter.get("schema").is_some(), "{method} {path}: {parameter}");
                }
            }
        }
        assert!(names.len() > 10);
    }

    #[test]
    fn it_is_of_this_version() {
        let document = described();
        assert_eq!((&document["openapi"], &document["info"]["version"]), (&json!("3.1.0"), &json!(env!("CARGO_PKG_VERSION"))));
    }
}
