//! Logs in as a scheme of the pack's description says: one call to the token endpoint, made from data.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::utf8_percent_encode;
use serde_json::Value;

use crate::address::Address;
use crate::attempt::{Answer, Call};
use crate::bindings::exports::shift_access::plugin::http::{Error, Refusal};
use crate::described::{Encoding, Parameter, Scheme, Source};
use crate::patience::{Patience, is_busy, persist, throttled};
use crate::target::{VALUE, address, is_header_name, is_header_value};
use crate::tokens::Grant;

/// A token endpoint that does not say how long its token lives means at least this.
const UNSAID: Duration = Duration::from_secs(300);
/// No token endpoint has more to say.
const LIMIT: u64 = 1 << 20;
/// A sentence or two.
const WORDS: usize = 300;

/// What the administrator gave for a connection, by name.
pub type Settings = BTreeMap<String, String>;

/// The login of one connection, ready to be made any number of times.
pub struct Login {
    call: Call,
    busy_code: Option<String>,
    request_id: Option<String>,
    /// The Basic login, which is encoded.
    pub basic: Option<String>,
}

impl Login {
    /// Puts the call together; what cannot be sent is found here, before anything is.
    ///
    /// # Errors
    /// In words, about one setting.
    pub fn new(
        scheme: &Scheme,
        settings: &Settings,
        base: &Address,
        timeout: Duration,
        request_id: Option<String>,
    ) -> Result<Self, String> {
        let given = values(&scheme.parameters, settings);
        let (kind, body) = match scheme.encoding {
            Encoding::Form => ("application/x-www-form-urlencoded", form(&given)),
            Encoding::Json => ("application/json", Value::from_iter(given).to_string()),
        };
        let mut headers = vec![("accept".to_owned(), "application/json".to_owned()), ("content-type".to_owned(), kind.to_owned())];
        let basic = match &scheme.basic {
            Some((name, password)) => Some(STANDARD.encode(format!("{}:{}", needed(settings, name)?, needed(settings, password)?))),
            None => None,
        };
        headers.extend(basic.as_ref().map(|credentials| ("authorization".to_owned(), format!("Basic {credentials}"))));
        headers.extend(fixed_headers(&scheme.headers, settings)?);
        let call = Call {
            method: "POST".to_owned(),
            address: endpoint(&scheme.token, settings, base)?,
            headers,
            body: body.into_bytes(),
            timeout,
            limit: LIMIT,
        };
        Ok(Self { call, busy_code: scheme.busy_code.clone(), request_id, basic })
    }

    /// Asks for a token. A login is safe to repeat: two tokens do no harm. `clean` takes the credentials out of what a refusal
    /// says, before it is cut: a half would not be found again.
    pub async fn run(&self, clean: impl Fn(Vec<u8>) -> Vec<u8>, patience: &mut Patience) -> Result<Grant, Error> {
        let busy = |answer: &Answer| {
            is_busy(answer) || (!answer.is_success() && self.busy_code.is_some() && Words::of(&answer.body).code == self.busy_code)
        };
        let request_id = self.request_id.as_deref();
        let answer = persist(&self.call, true, busy, request_id, patience, &mut 0).await?;
        if busy(&answer) {
            return Err(throttled(&answer, request_id));
        }
        self.judge(answer, clean)
    }

    fn judge(&self, answer: Answer, clean: impl Fn(Vec<u8>) -> Vec<u8>) -> Result<Grant, Error> {
        if answer.is_success()
            && let Some(grant) = grant(&answer.body)
        {
            return Ok(grant);
        }
        let answer = Answer { body: clean(answer.body), ..answer };
        let words = Words::of(&answer.body);
        let none = match answer.header("location") {
            Some(_) => "it redirects instead of answering".to_owned(),
            None => format!("status {}, and no reason in JSON", answer.status),
        };
        let text: String = words.text.unwrap_or(none).chars().take(WORDS).collect();
        if answer.status >= 500 {
            let host = &self.call.address.authority;
            return Err(Error::Unreachable(format!("{host} answered the login with status {}: {text}", answer.status)));
        }
        let request_id = self.request_id.as_deref().and_then(|name| answer.header(name)).map(str::to_owned);
        Err(Error::CredentialsRefused(Refusal { status: answer.status, code: words.code, text, not_json: !words.is_json, request_id }))
    }
}

/// What an endpoint says, as far as it is JSON.
struct Words {
    is_json: bool,
    code: Option<String>,
    text: Option<String>,
}

impl Words {
    fn of(body: &[u8]) -> Self {
        let json: Option<Value> = serde_json::from_slice(body).ok();
        let find = |names: &[&str]| names.iter().find_map(|name| json.as_ref()?.get(name)?.as_str()).map(str::to_owned);
        let code = find(&["error", "errorCode", "code"]);
        let text = find(&["error_description", "message", "errorMessage", "errorDescription", "detail", "error", "errorCode"]);
        Self { is_json: json.is_some(), code, text }
    }
}

fn grant(body: &[u8]) -> Option<Grant> {
    let json: Value = serde_json::from_slice(body).ok()?;
    let token = json.get("access_token")?.as_str().filter(|token| !token.is_empty() && is_header_value(token))?.to_owned();
    let lifetime = json.get("expires_in");
    let seconds = lifetime.and_then(|life| life.as_u64().or_else(|| life.as_str()?.parse().ok()));
    Some(Grant { token, lifetime: seconds.filter(|seconds| *seconds > 0).map_or(UNSAID, Duration::from_secs) })
}

fn endpoint(token: &Source, settings: &Settings, base: &Address) -> Result<Address, String> {
    match token {
        Source::Literal(path) => address(base, path, &[]).map_err(|error| format!("the token endpoint {path} cannot be called: {error:?}")),
        Source::Setting(name) => Address::parse(needed(settings, name)?).map_err(|why| format!("{name} {why}")),
    }
}

fn form(given: &[(String, String)]) -> String {
    let value = |text| utf8_percent_encode(text, VALUE).to_string().replace("%20", "+");
    given.iter().map(|(name, text)| format!("{}={}", value(name), value(text))).collect::<Vec<_>>().join("&")
}

/// Parameters with their values, without those whose setting has none.
fn values(parameters: &[Parameter], settings: &Settings) -> Vec<(String, String)> {
    let value = |parameter: &Parameter| match &parameter.value {
        Source::Literal(text) => Some(text.clone()),
        Source::Setting(name) => setting(settings, name).map(str::to_owned),
    };
    parameters.iter().filter_map(|parameter| Some((parameter.name.clone(), value(parameter)?))).collect()
}

/// Headers whose values are known before any call.
///
/// # Errors
/// In words, about one header.
pub fn fixed_headers(parameters: &[Parameter], settings: &Settings) -> Result<Vec<(String, String)>, String> {
    let headers = values(parameters, settings);
    match headers.iter().find(|(name, value)| !is_header_name(name) || !is_header_value(value)) {
        Some((name, _)) => Err(format!("the value for the header {name} holds a line break or control character")),
        None => Ok(headers),
    }
}

fn setting<'s>(settings: &'s Settings, name: &str) -> Option<&'s str> {
    settings.get(name).map(String::as_str).filter(|text| !text.is_empty())
}

fn needed<'s>(settings: &'s Settings, name: &str) -> Result<&'s str, String> {
    setting(settings, name).ok_or_else(|| format!("{name} is missing; the login needs it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login(encoding: Encoding) -> Login {
        let from = |name: &str, key: &str| Parameter { name: name.to_owned(), value: Source::Setting(key.to_owned()) };
        let scheme = Scheme {
            name: "password".to_owned(),
            token: Source::Literal("/token".to_owned()),
            encoding,
            parameters: vec![from("client_id", "client-id"), from("password", "password"), from("realm", "realm")],
            headers: Vec::new(),
            basic: Some(("client-id".to_owned(), "password".to_owned())),
            busy_code: None,
        };
        let settings = [("client-id", "me & you"), ("password", "pa ss"), ("realm", "")];
        let settings = settings.into_iter().map(|(name, text)| (name.to_owned(), text.to_owned())).collect();
        let base = Address::parse("https://acme.example").unwrap();
        Login::new(&scheme, &settings, &base, Duration::from_secs(1), Some("x-id".to_owned())).unwrap()
    }

    #[test]
    fn a_parameter_without_a_value_is_left_out_and_each_travels_as_the_scheme_says() {
        assert_eq!(login(Encoding::Form).call.body, b"client_id=me+%26+you&password=pa+ss");
        assert_eq!(login(Encoding::Json).call.body, br#"{"client_id":"me & you","password":"pa ss"}"#);
        let call = login(Encoding::Form).call;
        assert!(call.headers.contains(&("authorization".to_owned(), "Basic bWUgJiB5b3U6cGEgc3M=".to_owned())));
    }

    #[test]
    fn a_refusal_says_what_the_endpoint_said() {
        let answer = |status, body: &str| Answer { status, headers: vec![("x-id".into(), "7".into())], body: body.into() };
        let judged = login(Encoding::Form).judge(answer(401, r#"{"error":"invalid_grant","error_description":"No."}"#), |body| body);
        let Err(Error::CredentialsRefused(refusal)) = judged else { panic!("it is a refusal") };
        assert_eq!((refusal.status, refusal.code.as_deref(), refusal.text.as_str()), (401, Some("invalid_grant"), "No."));
        assert_eq!((refusal.not_json, refusal.request_id.as_deref()), (false, Some("7")));
        let judged = login(Encoding::Form).judge(answer(200, "<html>"), |body| body);
        assert!(matches!(judged, Err(Error::CredentialsRefused(Refusal { not_json: true, .. }))));
        assert!(matches!(login(Encoding::Form).judge(answer(500, ""), |body| body), Err(Error::Unreachable(_))));
    }

    #[test]
    fn a_token_lives_as_long_as_it_says() {
        assert_eq!(grant(br#"{"access_token":"t","expires_in":"90"}"#).unwrap().lifetime, Duration::from_secs(90));
        assert_eq!(grant(br#"{"access_token":"t"}"#).unwrap().lifetime, UNSAID);
        assert!(grant(br#"{"access_token":"a\r\nb"}"#).is_none());
    }
}
