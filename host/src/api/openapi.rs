//! The description of this API, for programs (OpenAPI 3.1). It stands beside this file; tests hold it to what is served.

use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;

pub(super) const PATH: &str = "/api/openapi.json";

const DOCUMENT: &str = include_str!("openapi.json");

pub(super) async fn document() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], DOCUMENT)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;
    use crate::api::{discovery, evaluation, jobs, runs, worker, workers};

    fn document() -> Value {
        serde_json::from_str(DOCUMENT).unwrap()
    }

    #[test]
    fn it_has_every_path() {
        let described: BTreeSet<String> = document()["paths"].as_object().unwrap().keys().cloned().collect();
        let served = [
            workers::PATH,
            worker::PATH,
            runs::PATH,
            runs::ONE_PATH,
            jobs::PATH,
            evaluation::PATH,
            evaluation::BATCH_PATH,
            discovery::PATH,
            discovery::TENANT_PATH,
            PATH,
            "/healthz",
            "/readyz",
            "/metrics",
        ];
        assert_eq!(described, served.into_iter().map(str::to_owned).collect());
    }

    #[test]
    fn every_reference_leads_somewhere() {
        fn references(value: &Value, found: &mut Vec<String>) {
            match value {
                Value::Object(object) => object.iter().for_each(|(key, value)| match value {
                    Value::String(text) if key == "$ref" => found.push(text.clone()),
                    value => references(value, found),
                }),
                Value::Array(items) => items.iter().for_each(|item| references(item, found)),
                _ => {}
            }
        }
        let document = document();
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(found.len() > 20);
        for reference in found {
            assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
        }
    }

    #[test]
    fn it_is_of_this_version() {
        assert_eq!(document()["info"]["version"], env!("CARGO_PKG_VERSION"));
    }
}
