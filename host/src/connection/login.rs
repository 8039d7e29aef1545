//! Logs in as a scheme says: one call to the token endpoint, made from data.

use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION};
use reqwest::{Client, Method, StatusCode};
use secrecy::SecretString;
use serde_json::{Map, Value};
use url::{Url, form_urlencoded};

use super::ConnectionError;
use super::attempt::{Answer, Call, host};
use super::client::Network;
use super::message::{HttpError, Refusal};
use super::patience::{Patience, Trace, persist, throttled};
use super::target;
use crate::config::{ConnectionConfig, SettingValue, is_loopback};
use crate::description::{Encoding, Parameter, Scheme, Source};
use crate::secret::{self, Scrub};

/// A token endpoint that does not say how long its token lives means at least this.
const UNSAID: Duration = Duration::from_secs(300);
/// No token endpoint has more to say.
const LIMIT: u64 = 1024 * 1024;
/// A sentence or two.
const WORDS: usize = 300;

/// A token and how long it lives from now.
pub(super) struct Grant {
    pub(super) token: SecretString,
    pub(super) lifetime: Duration,
}

/// The login of one connection, ready to be made any number of times.
pub(super) struct Login {
    call: Call,
    busy_code: Option<String>,
    request_id_header: Option<String>,
}

impl Login {
    /// Puts the call together; what cannot be sent is found here, before anything is.
    pub(super) fn of(scheme: &Scheme, config: &ConnectionConfig, network: &Network, own: &Client) -> Result<Self, ConnectionError> {
        let (content_type, body) = body(scheme, config)?;
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(CONTENT_TYPE, content_type);
        if let Some((name, password)) = &scheme.basic {
            let credentials = secret::basic(needed(config, name)?, needed(config, password)?);
            if let Some(value) = header_value(&format!("Basic {credentials}")) {
                headers.insert(AUTHORIZATION, value);
            }
        }
        headers.extend(fixed_headers(&scheme.headers, config)?);
        let url = endpoint(scheme, config)?;
        let call = Call {
            client: if url.host() == config.url.host() { own.clone() } else { network.client(&url, config.private_network)? },
            method: Method::POST,
            url,
            headers,
            body: body.into(),
            timeout: config.timeout,
            limit: LIMIT,
            follow: false,
        };
        Ok(Self { call, busy_code: scheme.busy_code.clone(), request_id_header: config.request_id_header.clone() })
    }

    /// The path of the token endpoint, for the history.
    pub(super) fn path(&self) -> &str {
        self.call.url.path()
    }

    /// Asks for a token. A login is safe to repeat: two tokens do no harm.
    ///
    /// `scrub` takes the credentials out of what a refusal says, before it is cut: a half would not be found again.
    pub(super) async fn run(&self, scrub: &Scrub, patience: &mut Patience, trace: &mut Trace) -> Result<Grant, HttpError> {
        let request_id = self.request_id_header.as_deref();
        let answer = persist(&self.call, true, |answer| self.is_busy(answer), request_id, patience, trace).await?;
        if self.is_busy(&answer) {
            return Err(throttled(&answer, trace));
        }
        self.judge(answer, scrub, trace)
    }

    fn is_busy(&self, answer: &Answer) -> bool {
        let status = answer.status;
        status == StatusCode::TOO_MANY_REQUESTS
            || (status == StatusCode::SERVICE_UNAVAILABLE && answer.headers.contains_key("retry-after"))
            || (!status.is_success() && self.busy_code.is_some() && Words::of(answer).code == self.busy_code)
    }

    fn judge(&self, answer: Answer, scrub: &Scrub, trace: &Trace) -> Result<Grant, HttpError> {
        if answer.status.is_success()
            && let Some(grant) = grant(&answer.body)
        {
            return Ok(grant);
        }
        let answer = Answer { body: scrub.bytes(answer.body), ..answer };
        let words = Words::of(&answer);
        if answer.status.is_server_error() {
            let (host, status) = (host(&self.call.url), answer.status.as_u16());
            let id = trace.request_id.as_ref().zip(self.request_id_header.as_ref()).map(|(id, name)| format!(" ({name} {id})"));
            let id = id.unwrap_or_default();
            return Err(HttpError::Unreachable(format!("{host} answered the login with status {status}: {}{id}", words.text)));
        }
        Err(HttpError::CredentialsRefused(Refusal {
            status: answer.status.as_u16(),
            code: words.code,
            not_json: words.json.is_none(),
            text: words.text,
            request_id: trace.request_id.clone(),
        }))
    }
}

fn grant(body: &[u8]) -> Option<Grant> {
    let json: Map<String, Value> = serde_json::from_slice(body).ok()?;
    let token = json.get("access_token")?.as_str().filter(|token| !token.is_empty() && HeaderValue::from_str(token).is_ok())?;
    let lifetime = json.get("expires_in").and_then(|value| match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    });
    // Some write -1 for "not known" and 0 for the same; a token that is in truth dead shows by a 401.
    let lifetime = lifetime.filter(|seconds| *seconds >= 1.0).and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    Some(Grant { token: SecretString::from(token), lifetime: lifetime.unwrap_or(UNSAID) })
}

/// What an answer says, as far as it can be read.
struct Words {
    json: Option<Map<String, Value>>,
    code: Option<String>,
    text: String,
}

impl Words {
    fn of(answer: &Answer) -> Self {
        let json: Option<Map<String, Value>> = serde_json::from_slice(&answer.body).ok();
        let (code, text) = match &json {
            Some(json) => {
                let find = |names: &[&str]| names.iter().find_map(|name| json.get(*name)?.as_str()).map(str::to_owned);
                let text = find(&["error_description", "message", "errorMessage", "errorDescription", "detail", "error", "errorCode"]);
                let text = text.unwrap_or_else(|| match answer.status.is_success() {
                    true => "the answer holds no access token".to_owned(),
                    false => "no reason given".to_owned(),
                });
                (find(&["error", "errorCode", "code"]), text)
            }
            None => (None, foreign(answer)),
        };
        Self { json, code, text: cut(&text) }
    }
}

/// An answer that is no JSON, in words.
fn foreign(answer: &Answer) -> String {
    if answer.status.is_redirection() {
        let target = answer.headers.get(LOCATION).and_then(|value| value.to_str().ok());
        let target = target.and_then(|text| Url::parse(text).ok()).map_or_else(|| "another page".to_owned(), |url| host(&url));
        return format!("the login redirects to {target} instead of answering");
    }
    let text = String::from_utf8_lossy(&answer.body);
    match text.trim() {
        "" => "the answer is empty".to_owned(),
        page if page.starts_with('<') => "the answer is a page, such as a sign-in page, and no JSON".to_owned(),
        text => text.to_owned(),
    }
}

/// The beginning of a text, on one line.
fn cut(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(WORDS) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line,
    }
}

fn endpoint(scheme: &Scheme, config: &ConnectionConfig) -> Result<Url, ConnectionError> {
    let unfit = |text: String| ConnectionError::Address { connection: config.name.clone(), text };
    match &scheme.token {
        Source::Literal(path) => target::url(&config.url, path, &[]).map_err(|error| unfit(error.to_string())),
        Source::Setting(name) => {
            let url = Url::parse(needed(config, name)?).map_err(|error| unfit(format!("{name} is no address: {error}")))?;
            check_address(&url).map_err(unfit)?;
            Ok(url)
        }
    }
}

/// Credentials travel encrypted, or not at all beyond this machine.
pub(super) fn check_address(url: &Url) -> Result<(), String> {
    match url.scheme() {
        _ if !url.username().is_empty() || url.password().is_some() => Err("holds a user name or password".to_owned()),
        "https" => Ok(()),
        "http" if is_loopback(url) => Ok(()),
        scheme => Err(format!("begins with `{scheme}:`; write https:, or http: to loopback")),
    }
}

/// The body and its type.
fn body(scheme: &Scheme, config: &ConnectionConfig) -> Result<(HeaderValue, String), ConnectionError> {
    let given: Vec<(&str, &str)> =
        scheme.parameters.iter().filter_map(|parameter| Some((parameter.name.as_str(), value(parameter, config)?))).collect();
    match scheme.encoding {
        Encoding::Form => {
            let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(given).finish();
            Ok((HeaderValue::from_static("application/x-www-form-urlencoded"), body))
        }
        Encoding::Json => {
            let object: Map<String, Value> = given.into_iter().map(|(name, value)| (name.to_owned(), Value::from(value))).collect();
            Ok((HeaderValue::from_static("application/json"), Value::from(object).to_string()))
        }
    }
}

/// Headers whose values are known before any call.
pub(super) fn fixed_headers(parameters: &[Parameter], config: &ConnectionConfig) -> Result<HeaderMap, ConnectionError> {
    let mut headers = HeaderMap::new();
    for parameter in parameters {
        let Some(value) = value(parameter, config) else { continue };
        let unfit = || ConnectionError::Header { connection: config.name.clone(), header: parameter.name.clone() };
        let name = HeaderName::from_bytes(parameter.name.as_bytes()).map_err(|_| unfit())?;
        headers.insert(name, header_value(value).ok_or_else(unfit)?);
    }
    Ok(headers)
}

/// A header's value that no log of the HTTP library shows.
pub(super) fn header_value(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// A parameter's value; none where its setting has none.
fn value<'c>(parameter: &'c Parameter, config: &'c ConnectionConfig) -> Option<&'c str> {
    match &parameter.value {
        Source::Literal(text) => Some(text),
        Source::Setting(name) => setting(config, name),
    }
}

fn setting<'c>(config: &'c ConnectionConfig, name: &str) -> Option<&'c str> {
    config.settings.get(name).map(SettingValue::expose).filter(|text| !text.is_empty())
}

fn needed<'c>(config: &'c ConnectionConfig, name: &str) -> Result<&'c str, ConnectionError> {
    let missing = || ConnectionError::Missing { connection: config.name.clone(), setting: name.to_owned() };
    setting(config, name).ok_or_else(missing)
}
