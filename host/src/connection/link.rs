//! One connection: prepares a call, waits for its turn, logs in, sends, and cleans what comes back.

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, StatusCode};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tracing::field::Empty;
use tracing::{Instrument, Span};
use url::Url;

use super::ConnectionError;
use super::attempt::{Answer, Call};
use super::client::Network;
use super::log::{CallLog, CallRecord};
use super::login::{self, Grant, Login};
use super::message::{Field, HttpError, Refusal, Request, Response, Throttle};
use super::patience::{Patience, Trace, persist, throttled};
use super::secrets::Secrets;
use super::target;
use super::tokens::{Token, Tokens};
use crate::config::ConnectionConfig;

/// One resolved connection of a tenant.
pub(super) struct Connection {
    name: String,
    url: Url,
    headers: HeaderMap,
    request_id_header: Option<String>,
    timeout: Duration,
    limit: u64,
    client: Client,
    in_flight: Semaphore,
    login: Option<Login>,
    tokens: Tokens,
    secrets: Secrets,
}

impl Connection {
    /// Checks everything that can be checked before a call.
    pub(super) fn new(config: &ConnectionConfig, network: &Network) -> Result<Self, ConnectionError> {
        login::check_address(&config.url).map_err(|text| ConnectionError::Address { connection: config.name.clone(), text })?;
        let client = network.client(&config.url, config.private_network)?;
        let login = config.scheme.as_ref().map(|scheme| Login::of(scheme, config, network, &client)).transpose()?;
        Ok(Self {
            name: config.name.clone(),
            url: config.url.clone(),
            headers: login::fixed_headers(&config.headers, config)?,
            request_id_header: config.request_id_header.clone(),
            timeout: config.timeout,
            limit: config.max_response_bytes,
            client,
            in_flight: Semaphore::new(config.in_flight.clamp(1, Semaphore::MAX_PERMITS)),
            login,
            tokens: Tokens::default(),
            secrets: Secrets::of(config),
        })
    }

    /// Sends one request, with all its tries, and tells the log.
    pub(super) async fn send(&self, request: Request, log: &dyn CallLog) -> Result<Response, HttpError> {
        let call = self.prepare(&request).map_err(|error| self.clean(error))?;
        // Held while waiting for another try too: who is throttled shall not send more meanwhile.
        let _turn = self.in_flight.acquire().await.map_err(|error| HttpError::Other(error.to_string()))?;
        let (started, mut trace) = (Instant::now(), Trace::default());
        let span = self.span(call.method.as_str(), call.url.path());
        let result = self.exchange(call.clone(), request.repeat_safe, &mut trace, log).instrument(span.clone()).await;
        let result = result.map(|answer| self.hand_over(&answer)).map_err(|error| self.clean(error));
        let record = self.record(call.method.as_str(), call.url.path(), started, trace, result.as_ref().err());
        note(&span, &record);
        log.on_call(record);
        result
    }

    /// A span for a call with all its tries. As in the history the query is left out. The call itself carries no
    /// `traceparent`: whom it goes to is not part of the house.
    fn span(&self, method: &str, path: &str) -> Span {
        let span = tracing::debug_span!(
            "call",
            otel.name = Empty,
            otel.kind = "client",
            otel.status_code = Empty,
            connection = self.name,
            http.request.method = method,
            url.path = Empty,
            http.response.status_code = Empty,
            tries = Empty,
            error = Empty,
        );
        // Where nobody traces it costs nothing.
        if !span.is_disabled() {
            span.record("otel.name", format!("{method} {}", self.name));
            span.record("url.path", self.secrets.scrub().text(path));
        }
        span
    }

    fn prepare(&self, request: &Request) -> Result<Call, HttpError> {
        let timeout = request.timeout_ms.map(|ms| Duration::from_millis(u64::from(ms.max(1))));
        Ok(Call {
            client: self.client.clone(),
            method: target::method(&request.method)?,
            url: target::url(&self.url, &request.path, &request.query)?,
            headers: target::headers(&self.headers, &request.headers)?,
            body: request.body.clone(),
            timeout: timeout.map_or(self.timeout, |asked| asked.min(self.timeout)),
            limit: request.max_response_bytes.map_or(self.limit, |asked| asked.min(self.limit)),
            follow: true,
        })
    }

    async fn exchange(&self, mut call: Call, repeat_safe: bool, trace: &mut Trace, log: &dyn CallLog) -> Result<Answer, HttpError> {
        let mut patience = Patience::default();
        let mut renewed = false;
        loop {
            let token = self.authorize(&mut call, &mut patience, log).await?;
            let id = self.request_id_header.as_deref();
            let answer = persist(&call, repeat_safe, is_busy, id, &mut patience, trace).await?;
            match (answer.status, token) {
                // A refused call was not done: to repeat it is safe, whatever it is. Refused again it is handed over.
                (StatusCode::UNAUTHORIZED, Some(token)) if !renewed && trace.may_try() => {
                    renewed = true;
                    self.tokens.discard(&token).await;
                }
                (StatusCode::TOO_MANY_REQUESTS, _) => return Err(throttled(&answer, trace)),
                _ => return Ok(answer),
            }
        }
    }

    /// Puts the token on the call, where the connection has a login.
    async fn authorize(&self, call: &mut Call, patience: &mut Patience, log: &dyn CallLog) -> Result<Option<Token>, HttpError> {
        let Some(login) = &self.login else { return Ok(None) };
        let token = self.tokens.get(|| self.log_in(login, patience, log)).await?;
        if let Some(value) = token.bearer() {
            call.headers.insert(AUTHORIZATION, value);
        }
        Ok(Some(token))
    }

    async fn log_in(&self, login: &Login, patience: &mut Patience, log: &dyn CallLog) -> Result<Grant, HttpError> {
        let (started, mut trace) = (Instant::now(), Trace::default());
        let (span, scrub) = (self.span("POST", login.path()), self.secrets.scrub());
        let result = login.run(&scrub, patience, &mut trace).instrument(span.clone()).await;
        let result = result.map_err(|error| self.clean(error));
        let record = self.record("POST", login.path(), started, trace, result.as_ref().err());
        note(&span, &record);
        log.on_call(record);
        if let Ok(grant) = &result {
            self.secrets.learn(grant.token.clone());
        }
        result
    }

    fn record(&self, method: &str, path: &str, started: Instant, trace: Trace, error: Option<&HttpError>) -> CallRecord {
        let scrub = self.secrets.scrub();
        CallRecord {
            connection: self.name.clone(),
            method: method.to_owned(),
            path: scrub.text(path),
            status: trace.status,
            duration: started.elapsed(),
            request_id: trace.request_id.map(|id| scrub.text(&id)),
            tries: trace.tries,
            error: error.cloned(),
        }
    }

    /// An answer as the plugin may see it: no cookie, no secret that the server echoed.
    ///
    /// What a call brought is data, where a short secret could be any word: there only tokens and long secrets are
    /// looked for.
    fn hand_over(&self, answer: &Answer) -> Response {
        let scrub = self.secrets.scrub();
        let is_data = answer.status.is_success();
        let clean = |text: &str| if is_data { scrub.data_text(text) } else { scrub.text(text) };
        let body = if is_data { scrub.data_bytes(answer.body.clone()) } else { scrub.bytes(answer.body.clone()) };
        let changed = body.len() != answer.body.len();
        let kept = |name: &str| !(name.starts_with("set-cookie") || changed && name == CONTENT_LENGTH.as_str());
        let headers = answer.headers.iter().filter(|(name, _)| kept(name.as_str()));
        let field =
            |(name, value): (&HeaderName, &HeaderValue)| Field::new(name.as_str(), clean(&String::from_utf8_lossy(value.as_bytes())));
        Response { status: answer.status.as_u16(), headers: headers.map(field).collect(), body }
    }

    /// An error whose words hold no secret.
    fn clean(&self, error: HttpError) -> HttpError {
        let scrub = self.secrets.scrub();
        match error {
            HttpError::NotGranted(text) => HttpError::NotGranted(scrub.text(&text)),
            HttpError::Unreachable(text) => HttpError::Unreachable(scrub.text(&text)),
            HttpError::Other(text) => HttpError::Other(scrub.text(&text)),
            HttpError::CredentialsRefused(refusal) => HttpError::CredentialsRefused(Refusal {
                code: refusal.code.map(|code| scrub.text(&code)),
                text: scrub.text(&refusal.text),
                request_id: refusal.request_id.map(|id| scrub.text(&id)),
                ..refusal
            }),
            HttpError::Throttled(throttle) => {
                HttpError::Throttled(Throttle { request_id: throttle.request_id.map(|id| scrub.text(&id)), ..throttle })
            }
            HttpError::UnknownConnection | HttpError::Timeout | HttpError::TooLarge(_) => error,
        }
    }
}

/// How a call ended, on its span.
fn note(span: &Span, record: &CallRecord) {
    span.record("tries", record.tries);
    if let Some(status) = record.status {
        span.record("http.response.status_code", status);
    }
    if let Some(error) = &record.error {
        span.record("otel.status_code", "ERROR");
        span.record("error", tracing::field::display(error));
    }
}

/// Answers that mean "come back later". A 503 that does not say when is not repeated.
fn is_busy(answer: &Answer) -> bool {
    match answer.status {
        StatusCode::TOO_MANY_REQUESTS => true,
        StatusCode::SERVICE_UNAVAILABLE => answer.headers.contains_key("retry-after"),
        _ => false,
    }
}
