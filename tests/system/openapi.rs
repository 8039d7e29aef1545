//! The description of the API: what is really answered is as described, and every place guarded as it says.

use reqwest::Method;
use serde_json::{Map, Value, json};
use shift_access_tests::fault::Fault;

use crate::api::{Answer, Api, BATCH, EVALUATION, EVALUATIONS, RUNS, WORKERS, evaluation, send};

/// The document, to hold answers against. It knows the part of JSON Schema that the document uses, and stops at any other.
/// Of an object it wants more than the standard does: a key that is not described is wrong.
struct Described(Value);

impl Described {
    async fn by(api: &Api) -> Self {
        Self(send(api.request(Method::GET, "/api/openapi.json")).await.good())
    }

    /// An answer must be one that the document tells of.
    fn holds(&self, path: &str, method: &str, answer: &Answer) {
        let at = format!("{method} {path} {}", answer.status);
        let response = &self.0["paths"][path][method]["responses"][answer.status.to_string()];
        assert!(response.is_object(), "{at} is not described: {answer:?}");
        let media = answer.header("content-type").split(';').next().unwrap();
        for (name, header) in response["headers"].as_object().into_iter().flatten() {
            assert!(header["required"] != true || !answer.header(name).is_empty(), "{at}: no header {name}");
        }
        match response["content"].as_object() {
            None => assert_eq!((media, &answer.body), ("", &json!("")), "{at}"),
            Some(content) => {
                let content = content.get(media).unwrap_or_else(|| panic!("{at} has the type {media:?}"));
                self.fits(&content["schema"], &answer.body).unwrap_or_else(|wrong| panic!("{at}: {wrong}\n{}", answer.body));
            }
        }
    }

    fn resolve<'a>(&'a self, schema: &'a Value) -> &'a Value {
        match schema["$ref"].as_str() {
            Some(reference) => self.0.pointer(reference.trim_start_matches('#')).unwrap(),
            None => schema,
        }
    }

    /// Every key of an object that the schema describes.
    fn properties<'a>(&'a self, schema: &'a Value) -> Map<String, Value> {
        let schema = self.resolve(schema);
        let mut found = schema["properties"].as_object().cloned().unwrap_or_default();
        for part in schema["allOf"].as_array().into_iter().flatten() {
            found.extend(self.properties(part));
        }
        found
    }

    fn fits(&self, schema: &Value, value: &Value) -> Result<(), String> {
        let known = self.properties(schema);
        if let Some(object) = value.as_object().filter(|_| !known.is_empty())
            && let Some(other) = object.keys().find(|key| !known.contains_key(*key))
        {
            return Err(format!("the key {other} is not described"));
        }
        self.fits_so_far(schema, value)
    }

    fn fits_so_far(&self, schema: &Value, value: &Value) -> Result<(), String> {
        let no = |what: &str| Err(format!("{value} is not {what}: {schema}"));
        for (keyword, wanted) in schema.as_object().unwrap() {
            let parts = || wanted.as_array().unwrap().iter();
            match keyword.as_str() {
                "$ref" => self.fits_so_far(self.resolve(schema), value)?,
                "allOf" => parts().try_for_each(|part| self.fits_so_far(part, value))?,
                "oneOf" if parts().filter(|part| self.fits(part, value).is_ok()).count() != 1 => return no("one of these"),
                "anyOf" if !parts().any(|part| self.fits(part, value).is_ok()) => return no("any of these"),
                "enum" if !parts().any(|word| word == value) => return no("one of these words"),
                "type" if !wanted.as_str().map_or_else(|| parts().any(|kind| is(value, kind)), |kind| is(value, &json!(kind))) => {
                    return no("of this type");
                }
                "minimum" if value.as_f64().is_some_and(|number| number < wanted.as_f64().unwrap()) => return no("large enough"),
                "format"
                    if wanted == "date-time"
                        && value.as_str().is_some_and(|text| text.parse::<chrono::DateTime<chrono::Utc>>().is_err()) =>
                {
                    return no("a moment");
                }
                "required" => {
                    if let Some(missing) = parts().find(|key| value.is_object() && value.get(key.as_str().unwrap()).is_none()) {
                        return Err(format!("the key {missing} is missing in {value}"));
                    }
                }
                "properties" => {
                    for (key, schema) in wanted.as_object().unwrap() {
                        value.get(key).map_or(Ok(()), |value| self.fits(schema, value)).map_err(|wrong| format!("{key}: {wrong}"))?;
                    }
                }
                "additionalProperties" => {
                    value.as_object().into_iter().flatten().try_for_each(|(_, value)| self.fits(wanted, value))?;
                }
                "items" => value.as_array().into_iter().flatten().try_for_each(|item| self.fits(wanted, item))?,
                "oneOf" | "anyOf" | "enum" | "type" | "minimum" | "format" | "description" | "example" | "title" | "propertyNames" => {}
                other => panic!("this test does not know {other:?} of {schema}"),
            }
        }
        Ok(())
    }
}

fn is(value: &Value, kind: &Value) -> bool {
    match kind.as_str().unwrap() {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("{other} is no type"),
    }
}

#[tokio::test]
async fn what_is_answered_is_as_described() {
    let api = Api::after_a_batch().await;
    let described = Described::by(&api).await;
    let (tenant, worker, run) =
        ("/api/v1/tenants/{tenant}", "/api/v1/tenants/{tenant}/workers/{user}", "/api/v1/tenants/{tenant}/runs/{run}");
    let (workers, runs) = (format!("{tenant}/workers"), format!("{tenant}/runs"));
    let start = format!("{tenant}/jobs/{{job}}/runs");
    let test = api.post("/api/v1/tenants/acme/jobs/test-connection/runs", &json!({})).await;
    described.holds(&start, "post", &test);
    api.ended(test.header("location")).await;
    for run in api.get(RUNS).await.good()["items"].as_array().unwrap() {
        let path = format!("{RUNS}/{}", run["run"].as_str().unwrap());
        described.holds("/api/v1/tenants/{tenant}/runs/{run}", "get", &api.get(&path).await);
    }
    for (template, path) in [
        (workers.as_str(), WORKERS.to_owned()),
        (&workers, format!("{WORKERS}?limit=0")),
        (worker, format!("{WORKERS}/adiaz")),
        (worker, format!("{WORKERS}/nsaid")),
        (worker, format!("{WORKERS}/nobody")),
        (worker, format!("{WORKERS}/adiaz?refresh=true")),
        (&runs, RUNS.to_owned()),
        (&runs, format!("{RUNS}?status=DONE")),
        (run, format!("{RUNS}/x")),
        ("/.well-known/authzen-configuration", "/.well-known/authzen-configuration".to_owned()),
        ("/.well-known/authzen-configuration/tenants/{tenant}", "/.well-known/authzen-configuration/tenants/acme".to_owned()),
        ("/.well-known/authzen-configuration/tenants/{tenant}", "/.well-known/authzen-configuration/tenants/nobody".to_owned()),
        ("/api/openapi.json", "/api/openapi.json".to_owned()),
        ("/healthz", "/healthz".to_owned()),
        ("/readyz", "/readyz".to_owned()),
        ("/metrics", "/metrics".to_owned()),
    ] {
        described.holds(template, "get", &api.get(&path).await);
    }
    let tag = api.get(&format!("{WORKERS}/adiaz")).await.header("etag").to_owned();
    let held = api.request(Method::GET, &format!("{WORKERS}/adiaz")).bearer_auth(&api.read).header("if-none-match", tag);
    described.holds(worker, "get", &send(held).await);
    let mut partly = evaluation("adiaz");
    partly["evaluations"] = json!([{}, { "subject": { "type": "user", "id": "nobody" } }, { "subject": { "type": "user", "id": "" } }]);
    let (one, many) = ("/tenants/{tenant}/access/v1/evaluation", "/tenants/{tenant}/access/v1/evaluations");
    for (template, path, body) in [
        (one, EVALUATION, evaluation("adiaz")),
        (one, EVALUATION, evaluation("nobody")),
        (one, EVALUATION, json!({})),
        (many, EVALUATIONS, evaluation("adiaz")),
        (many, EVALUATIONS, partly),
        (&start, BATCH, json!({ "options": { "nothing": 1 } })),
    ] {
        described.holds(template, "post", &api.post(path, &body).await);
    }
    api.stage.ukg.faults().add(Fault::everywhere().status(500));
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    described.holds(worker, "get", &api.get(&format!("{WORKERS}/adiaz?refresh=true")).await);
}

#[tokio::test]
async fn every_example_is_as_described() {
    let api = Api::of(crate::empty().await.unwrap()).await;
    let described = Described::by(&api).await;
    let mut seen = 0;
    for (name, schema) in described.0["components"]["schemas"].as_object().unwrap() {
        // Words of what is asked for may be patterns, which answers have none of.
        let asked =
            ["Evaluation", "Evaluations", "Entity", "Action", "PartialEvaluation", "Options", "RunRequest"].contains(&name.as_str());
        if let Some(example) = schema.get("example").filter(|_| !asked) {
            described.fits(schema, example).unwrap_or_else(|wrong| panic!("{name}: {wrong}"));
            seen += 1;
        }
    }
    assert!(seen >= 4, "{seen} examples");
}

#[tokio::test]
async fn every_place_that_takes_a_token_refuses_whoever_has_none() {
    let api = Api::of(crate::empty().await.unwrap()).await;
    let described = Described::by(&api).await;
    for (template, methods) in described.0["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let path = template.replace("{tenant}", "acme").replace("{user}", "adiaz").replace("{job}", "batch").replace("{run}", "x");
            let answer = send(api.request(Method::from_bytes(method.to_uppercase().as_bytes()).unwrap(), &path)).await;
            let open = operation["security"].as_array().unwrap().contains(&json!({}));
            assert_eq!(answer.status == 401, !open, "{path}: {}", answer.status);
            described.holds(template, method, &answer);
        }
    }
}
