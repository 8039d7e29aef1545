//! Mail by an HTTP API that takes one message as JSON: `email.wit`. The names of its fields are settings, since no two agree.
//!
//! A key that was accepted is remembered among the platform's claims for a day and an hour, and goes along in a header for an API
//! that knows such keys. If the instance dies between the API's acceptance and that note, a repeat goes out again, under the same key.

use std::time::Duration;

use futures::lock::Mutex;
use serde_json::{Map, Value};

use crate::address::Address;
use crate::attempt::{Answer, Call, attempt};
use crate::bindings::exports::shift_access::plugin::email::{Error, Message, Receipt};
use crate::bindings::exports::shift_access::plugin::http;
use crate::bindings::shift_access::adapters::claims::{Outcome, take};
use crate::login::Settings;
use crate::secrets::Secrets;
use crate::target::{is_header_name, is_header_value};
use crate::unique::unique;

const TIMEOUT: Duration = Duration::from_secs(30);
/// How long a message may be on its way before another instance may send it, in seconds.
const SENDING: u32 = 120;
/// How long a key is remembered, in seconds.
const SENT: u32 = 25 * 3600;
/// Characters of a subject.
const SUBJECT: usize = 250;
/// Who holds the name of a message that was accepted.
const DONE: &str = "sent";

/// The mail API.
pub struct Mail {
    address: Address,
    reach: Address,
    headers: Vec<(String, String)>,
    sender: String,
    /// Where mail may go; anywhere, if none is named.
    domains: Vec<String>,
    key_header: String,
    fields: [String; 5],
    secrets: Secrets,
    /// Of many sends with one key one is made, and the others see that it was.
    turn: Mutex<()>,
}

impl Mail {
    /// Its settings.
    pub const KEYS: [&str; 13] = [
        "url",
        "reach-url",
        "token",
        "token-header",
        "token-prefix",
        "sender",
        "domains",
        "key-header",
        "field-from",
        "field-to",
        "field-subject",
        "field-text",
        "field-html",
    ];

    /// Reads its settings; none where there are none.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn of(settings: &Settings) -> Result<Option<Self>, String> {
        if settings.is_empty() {
            return Ok(None);
        }
        let or = |key: &str, usual: &str| settings.get(key).map_or_else(|| usual.to_owned(), Clone::clone);
        let needed = |key: &str| settings.get(key).ok_or_else(|| format!("{key} must be given"));
        let address = Address::parse(needed("url")?).map_err(|why| format!("url {why}"))?;
        let reach = Address::parse(&or("reach-url", needed("url")?)).map_err(|why| format!("reach-url {why}"))?;
        let token = settings.get("token").map(|token| (or("token-header", "authorization"), or("token-prefix", "Bearer ") + token));
        let key_header = or("key-header", "idempotency-key");
        let unfit = token.as_ref().is_some_and(|(name, value)| !is_header_name(name) || !is_header_value(value));
        if unfit || !is_header_name(&key_header) {
            return Err("token, token-header or key-header does not make a header".to_owned());
        }
        Ok(Some(Self {
            address,
            reach,
            headers: token.into_iter().collect(),
            sender: needed("sender")?.clone(),
            domains: or("domains", "")
                .split(',')
                .map(|domain| domain.trim().to_ascii_lowercase())
                .filter(|domain| !domain.is_empty())
                .collect(),
            key_header,
            fields: [("from", "from"), ("to", "to"), ("subject", "subject"), ("text", "text"), ("html", "html")]
                .map(|(key, usual)| or(&format!("field-{key}"), usual)),
            secrets: Secrets::new(settings.get("token").cloned().into_iter().collect()),
            turn: Mutex::new(()),
        }))
    }

    /// Sends one message, unless it was sent.
    pub async fn send(&self, message: &Message) -> Result<Receipt, Error> {
        self.check(message)?;
        let _turn = self.turn.lock().await;
        let name = format!("mail/{}", message.idempotency_key);
        let holder = unique();
        let claim = |holder: String, instead: Option<String>, seconds| {
            let name = name.clone();
            async move { take(name, holder, instead, seconds).await.map_err(Error::Other) }
        };
        match claim(holder.clone(), None, SENDING).await? {
            Outcome::Taken => {}
            Outcome::Held(other) if other == DONE => return Ok(Receipt::Duplicate),
            Outcome::Held(_) => return Err(Error::Unreachable("the same message is being sent; ask again in two minutes".to_owned())),
        }
        match self.hand_over(message).await {
            Ok(()) => claim(DONE.to_owned(), Some(holder), SENT).await.map(|_| Receipt::Accepted),
            Err(error) => {
                // Its time is over in two minutes all the same, and why nothing was sent is what matters.
                let _ = claim(holder, None, 0).await;
                Err(error)
            }
        }
    }

    /// Asks the API for an answer, and sends nothing.
    pub async fn reach(&self) -> Result<(), Error> {
        let call = self.call("HEAD", &self.reach, Vec::new());
        let answer = attempt(&call).await.map_err(|failure| self.unreached(failure.error))?;
        match answer.status {
            401 | 403 => Err(self.said(&answer)),
            500.. => Err(Error::Unreachable(format!("{} answers with status {}", self.reach.authority, answer.status))),
            _ => Ok(()),
        }
    }

    async fn hand_over(&self, message: &Message) -> Result<(), Error> {
        let mut call = self.call("POST", &self.address, self.body(message).into_bytes());
        call.headers.push(("content-type".to_owned(), "application/json".to_owned()));
        call.headers.push((self.key_header.clone(), message.idempotency_key.clone()));
        let answer = attempt(&call).await.map_err(|failure| self.unreached(failure.error))?;
        match answer.status {
            200..300 => Ok(()),
            _ => Err(self.said(&answer)),
        }
    }

    fn call(&self, method: &str, address: &Address, body: Vec<u8>) -> Call {
        let headers = self.headers.clone();
        Call { method: method.to_owned(), address: address.clone(), headers, body, timeout: TIMEOUT, limit: 1 << 20 }
    }

    fn body(&self, message: &Message) -> String {
        let [from, to, subject, text, html] = &self.fields;
        let mut body = Map::new();
        body.insert(from.clone(), Value::from(self.sender.as_str()));
        body.insert(to.clone(), Value::from(message.to.clone()));
        body.insert(subject.clone(), Value::from(message.subject.as_str()));
        body.insert(text.clone(), Value::from(message.text.as_str()));
        if let Some(page) = &message.html {
            body.insert(html.clone(), Value::from(page.as_str()));
        }
        Value::from(body).to_string()
    }

    fn check(&self, message: &Message) -> Result<(), Error> {
        let invalid = |what: &str| Err(Error::Invalid(what.to_owned()));
        if message.to.is_empty() || message.to.len() > 50 || !message.to.iter().all(|address| is_address(address)) {
            return invalid("a recipient is no mail address, or there is none, or there are more than 50");
        }
        if message.subject.chars().any(char::is_control) || message.subject.chars().count() > SUBJECT {
            return Err(Error::Invalid(format!("the subject is not one line of at most {SUBJECT} characters")));
        }
        let key = &message.idempotency_key;
        if key.is_empty() || key.len() > 256 || !is_header_value(key) {
            return invalid("the key is not one line of 1 to 256 bytes");
        }
        if message.text.len().saturating_add(message.html.as_ref().map_or(0, String::len)) > 1 << 20 {
            return invalid("the text has more than 1 MiB");
        }
        let domain = |address: &String| address.rsplit('@').next().unwrap_or_default().trim_end_matches('>').to_ascii_lowercase();
        let stranger = message.to.iter().map(domain).find(|domain| !self.domains.is_empty() && !self.domains.contains(domain));
        stranger.map_or(Ok(()), |domain| Err(Error::NotGranted(format!("mail to {domain} is not granted; add it to mail.domains"))))
    }

    /// What an answer means that is no acceptance.
    fn said(&self, answer: &Answer) -> Error {
        let finders = self.secrets.finders();
        let [words, _] = &*finders;
        let body: String = words.text(&String::from_utf8_lossy(&answer.body)).chars().take(300).collect();
        let text = format!("{} answers with status {}: {body}", self.address.authority, answer.status);
        if answer.status == 429 || answer.status >= 500 { Error::Unreachable(text) } else { Error::Refused(text) }
    }

    fn unreached(&self, error: http::Error) -> Error {
        match self.secrets.clean(error) {
            http::Error::Unreachable(text) => Error::Unreachable(text),
            http::Error::NotGranted(text) => Error::NotGranted(text),
            http::Error::Timeout => Error::Unreachable(format!("{} does not answer", self.address.authority)),
            other => Error::Other(other.to_string()),
        }
    }
}

/// One address, bare or behind a name in front of it: something, an `@`, a domain.
fn is_address(text: &str) -> bool {
    let bare = match text.split_once('<') {
        Some((_, rest)) => rest.strip_suffix('>').unwrap_or_default(),
        None => text,
    };
    let odd = |letter: char| letter.is_control() || letter.is_whitespace() || "<>,;:\"".contains(letter);
    let named = !text.chars().any(|letter| letter.is_control() || ",;\"".contains(letter));
    named
        && bare
            .split_once('@')
            .is_some_and(|(user, domain)| !user.is_empty() && !domain.is_empty() && !bare.contains(odd) && !domain.contains('@'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(more: &[(&str, &str)]) -> Mail {
        let settings = [("url", "https://mail.example/send"), ("sender", "us@acme.example"), ("token", "hush-hush-hush")];
        let settings = settings.iter().chain(more).map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Mail::of(&settings).unwrap().unwrap()
    }

    fn message(to: &str, subject: &str) -> Message {
        Message { to: vec![to.to_owned()], subject: subject.to_owned(), text: "t".into(), html: None, idempotency_key: "k".into() }
    }

    #[test]
    fn fields_are_named_as_the_api_wants_them() {
        let mail = mail(&[("field-to", "recipients"), ("token-header", "x-token"), ("token-prefix", "")]);
        let body: Value = serde_json::from_str(&mail.body(&message("a@b.example", "s"))).unwrap();
        assert_eq!(body, serde_json::json!({ "from": "us@acme.example", "recipients": ["a@b.example"], "subject": "s", "text": "t" }));
        assert_eq!(mail.headers, [("x-token".to_owned(), "hush-hush-hush".to_owned())]);
    }

    #[test]
    fn what_is_no_address_no_line_or_not_granted_is_refused() {
        let mail = mail(&[("domains", "acme.example")]);
        assert!(mail.check(&message("Ops <ops@Acme.example>", "s")).is_ok());
        for to in ["not an address", "a@b@c", "@b", "a@", "a@b.example, c@d.example", "a@b\r\nBcc: c@d"] {
            assert!(matches!(mail.check(&message(to, "s")), Err(Error::Invalid(_))), "{to}");
        }
        assert!(matches!(mail.check(&message("a@acme.example", "s\nBcc: x")), Err(Error::Invalid(_))));
        assert!(matches!(mail.check(&message("a@evil.example", "s")), Err(Error::NotGranted(_))));
        assert!(mail.check(&message("a@acme.example", &"ü".repeat(SUBJECT))).is_ok(), "characters count, not bytes");
        assert!(matches!(mail.check(&message("a@acme.example", &"s".repeat(SUBJECT + 1))), Err(Error::Invalid(_))));
    }

    #[test]
    fn a_refusal_holds_no_token() {
        let answer = Answer { status: 422, headers: Vec::new(), body: b"bad token hush-hush-hush".to_vec() };
        let Error::Refused(text) = mail(&[]).said(&answer) else { panic!("it is a refusal") };
        assert!(text.ends_with("bad token [secret]"), "{text}");
    }
}
