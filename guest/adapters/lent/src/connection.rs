//! One connection: prepares a call, waits for its turn, logs in, sends, and cleans what comes back.

use std::time::Duration;

use crate::address::Address;
use crate::attempt::{Answer, Call};
use crate::bindings::exports::shift_access::plugin::http::{Error, Field, Request, Response};
use crate::login::Login;
use crate::patience::{Patience, is_busy, may_try, persist, throttled};
use crate::secrets::Secrets;
use crate::target;
use crate::tokens::{Token, Tokens};
use crate::turns::Turns;

/// Bytes of an answer at most.
const LARGEST: u64 = 32 << 20;

/// One connection of the tenant, ready to be called.
pub struct Connection {
    pub base: Address,
    pub headers: Vec<(String, String)>,
    pub request_id: Option<String>,
    pub timeout: Duration,
    pub turns: Turns,
    pub login: Option<Login>,
    pub tokens: Tokens,
    pub secrets: Secrets,
}

impl Connection {
    /// Sends one request, with all its tries.
    pub async fn send(&self, request: Request) -> Result<Response, Error> {
        let repeat_safe = request.repeat_safe;
        let call = self.prepare(request).map_err(|error| self.secrets.clean(error))?;
        // Held while waiting for another try too: who is throttled shall not send more meanwhile.
        let _turn = self.turns.next().await;
        let answer = self.exchange(call, repeat_safe).await;
        answer.map(|answer| self.hand_over(answer)).map_err(|error| self.secrets.clean(error))
    }

    fn prepare(&self, request: Request) -> Result<Call, Error> {
        let timeout = request.timeout_ms.map(|ms| Duration::from_millis(u64::from(ms.max(1))));
        Ok(Call {
            method: target::method(&request.method)?,
            address: target::address(&self.base, &request.path, &request.query)?,
            headers: target::headers(&self.headers, &request.headers)?,
            body: request.body,
            timeout: timeout.map_or(self.timeout, |asked| asked.min(self.timeout)),
            limit: request.max_response_bytes.map_or(LARGEST, |asked| asked.min(LARGEST)),
        })
    }

    async fn exchange(&self, call: Call, repeat_safe: bool) -> Result<Answer, Error> {
        let (mut patience, mut tries, mut renewed) = (Patience::default(), 0, false);
        loop {
            let token = self.token(&mut patience).await?;
            let mut call = call.clone();
            call.headers.extend(token.iter().map(|token| ("authorization".to_owned(), format!("Bearer {}", token.value))));
            let request_id = self.request_id.as_deref();
            let answer = persist(&call, repeat_safe, is_busy, request_id, &mut patience, &mut tries).await?;
            match (answer.status, token) {
                // A refused call was not done: to repeat it is safe, whatever it is. Refused again it is handed over.
                (401, Some(token)) if !renewed && may_try(tries) => {
                    renewed = true;
                    self.tokens.discard(&token).await;
                }
                (429, _) => return Err(throttled(&answer, request_id)),
                _ => return Ok(answer),
            }
        }
    }

    async fn token(&self, patience: &mut Patience) -> Result<Option<Token>, Error> {
        let Some(login) = &self.login else { return Ok(None) };
        let log_in = || async move {
            let finders = self.secrets.finders();
            let [words, _] = &*finders;
            let grant = login.run(|body| words.bytes(body), patience).await.map_err(|error| self.secrets.clean(error))?;
            self.secrets.learn(grant.token.clone());
            Ok(grant)
        };
        self.tokens.get(log_in).await.map(Some)
    }

    /// An answer as the plugin may see it: no cookie, no secret that the server echoed.
    fn hand_over(&self, answer: Answer) -> Response {
        let finders = self.secrets.finders();
        let [words, data] = &*finders;
        let finder = if answer.is_success() { data } else { words };
        let length = answer.body.len();
        let body = finder.bytes(answer.body);
        let changed = body.len() != length;
        let kept = |name: &str| !(name.starts_with("set-cookie") || changed && name == "content-length");
        let headers = answer.headers.into_iter().filter(|(name, _)| kept(name));
        let headers = headers.map(|(name, value)| Field { name, value: finder.text(&value) }).collect();
        Response { status: answer.status, headers, body }
    }
}
