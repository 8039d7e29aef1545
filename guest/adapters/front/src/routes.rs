//! Which request goes where, and who may ask.

use serde_json::{Value, json};
use subtle::ConstantTimeEq;

use crate::bindings::wasi::http::types::Method;
use crate::message::{Answer, Asked, Problem};
use crate::ready::{self, Ready};
use crate::{evaluation, events, runs, workers};

/// Where a request goes.
#[derive(Debug, PartialEq, Eq)]
enum Route<'a> {
    Health,
    Job(&'a str),
    Events,
    Evaluation,
    Evaluations,
    Workers,
}

/// Does what is asked for.
pub async fn answer(asked: Asked) -> Result<Answer, Problem> {
    let route = route(&asked.method, &asked.path)?;
    let ready = ready::known();
    let admitted = admit(&ready, asked.authorization.as_deref());
    if route != Route::Health {
        admitted?;
        ready.check()?;
        return go(&ready, route, &asked).await;
    }
    match (ready.check(), admitted) {
        (Ok(()), _) => Ok(Answer::json(json!({ "status": "ok" }))),
        (Err(problem), Ok(())) => Err(problem),
        // A stranger is not told how this is set up.
        (Err(_), Err(_)) => Err(Problem::new(503, "the settings are wrong: standard error says how, and so does this page with the token")),
    }
}

async fn go(ready: &Ready, route: Route<'_>, asked: &Asked) -> Result<Answer, Problem> {
    match route {
        Route::Health => Ok(Answer::json(Value::Null)),
        Route::Job(name) => runs::run(ready, name, &asked.body).await,
        Route::Events => events::take(&asked.body).await,
        Route::Evaluation => evaluation::one(&asked.body).await,
        Route::Evaluations => evaluation::many(&asked.body).await,
        Route::Workers => workers::page(&asked.query).await,
    }
}

fn route<'a>(method: &Method, path: &'a str) -> Result<Route<'a>, Problem> {
    let (wanted, route) = match path {
        "/healthz" => (Method::Get, Route::Health),
        "/workers" => (Method::Get, Route::Workers),
        "/events" => (Method::Post, Route::Events),
        "/access/v1/evaluation" => (Method::Post, Route::Evaluation),
        "/access/v1/evaluations" => (Method::Post, Route::Evaluations),
        other => match other.strip_prefix("/jobs/").filter(|name| !name.is_empty() && !name.contains('/')) {
            Some(name) => (Method::Post, Route::Job(name)),
            None => return Err(Problem::new(404, format!("there is nothing at {path}"))),
        },
    };
    if *method == wanted { Ok(route) } else { Err(Problem::new(405, format!("{path} takes {wanted:?}, not {method:?}"))) }
}

/// Lets in who has the token.
fn admit(ready: &Ready, authorization: Option<&[u8]>) -> Result<(), Problem> {
    let Some(token) = &ready.token else {
        return Err(Problem::new(401, "no token is set, so nobody may ask; set api-token"));
    };
    let given = authorization.and_then(|header| header.strip_prefix(b"Bearer "));
    match given.is_some_and(|given| bool::from(given.ct_eq(token.as_bytes()))) {
        true => Ok(()),
        false => Err(Problem::new(401, "send the setting api-token as Authorization: Bearer")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::shift_access::plugin::pack;

    #[test]
    fn a_path_that_is_not_there_is_404_and_another_method_405() {
        assert_eq!(route(&Method::Post, "/jobs/batch").unwrap(), Route::Job("batch"));
        for path in ["/", "/jobs", "/jobs/", "/jobs/a/b", "/access/v1"] {
            assert_eq!(route(&Method::Post, path).unwrap_err().status, 404, "{path}");
        }
        assert_eq!(route(&Method::Get, "/events").unwrap_err().status, 405);
    }

    #[test]
    fn without_the_token_or_without_any_nobody_is_let_in() {
        let ready = |token: Option<&str>| Ready::of(pack_without_anything(), token);
        assert!(admit(&ready(Some("t")), Some(b"Bearer t")).is_ok());
        for given in [None, Some(b"Bearer".as_slice()), Some(b"Bearer "), Some(b"Bearer tt"), Some(b"t"), Some(b"Basic t")] {
            assert_eq!(admit(&ready(Some("t")), given).unwrap_err().status, 401);
        }
        assert_eq!(admit(&ready(None), Some(b"Bearer ")).unwrap_err().status, 401);
    }

    fn pack_without_anything() -> pack::Description {
        pack::Description {
            title: String::new(),
            version: String::new(),
            summary: String::new(),
            connections: Vec::new(),
            properties: Vec::new(),
            jobs: Vec::new(),
            listener: None,
            surfaces: Vec::new(),
            code_prefix: String::new(),
            errors: Vec::new(),
            alert_property: None,
        }
    }
}
