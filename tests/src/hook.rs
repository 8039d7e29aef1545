//! The time system's side of a webhook: makes events, signs them, and posts them until they are taken.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use chrono::{DateTime, SecondsFormat, Utc};
use hmac::{Hmac, Mac};
use reqwest::StatusCode;
use serde_json::{Value, json};
use sha2::Sha256;

use crate::stage::TENANT;

/// What the events of a stage are signed with.
pub const HOOK_SECRET: &str = "HkSx7Tq2Lm9Zr4Wv6Bn1";

/// The header of the signature.
pub const SIGNATURE: &str = "X-Signature";

/// How long an answer may take. A program that was killed never gives one.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often the program is asked what waits.
const LOOK: Duration = Duration::from_millis(250);

/// So many times nothing waits before it is believed.
const QUIET_LOOKS: usize = 12;

/// The listener's table for the configuration of a stage.
pub fn listener() -> String {
    format!(
        "[tenants.{TENANT}.listener]\n\
         signature = {{ header = \"{SIGNATURE}\", algorithm = \"hmac-sha256\", secret = \"{HOOK_SECRET}\" }}"
    )
}

/// A punch as an event in the plain form. Without a direction it only says that there was something.
pub fn event(id: &str, person_number: &str, at: DateTime<Utc>, direction: Option<&str>) -> Value {
    let mut data = json!({ "person_number": person_number, "at": at.to_rfc3339_opts(SecondsFormat::Secs, true) });
    if let (Some(direction), Some(data)) = (direction, data.as_object_mut()) {
        data.insert("direction".to_owned(), json!(direction));
    }
    json!({ "id": id, "type": "com.ukg.punch", "time": at.to_rfc3339_opts(SecondsFormat::Secs, true), "data": data })
}

/// The signature of a body, in hex.
pub fn signature(body: &[u8]) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(HOOK_SECRET.as_bytes()) else { return String::new() };
    mac.update(body);
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Posts events to a program that serves.
#[derive(Debug, Clone)]
pub struct Sender {
    client: reqwest::Client,
}

impl Sender {
    /// A sender with connections of its own.
    ///
    /// # Errors
    /// When there can be no client.
    pub fn new() -> Result<Self> {
        crate::tls();
        Ok(Self { client: reqwest::Client::builder().timeout(PATIENCE).build()? })
    }

    /// Posts what is signed as it should be, and gives the status.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn post(&self, url: &str, events: &Value) -> Result<StatusCode> {
        self.post_to(url, TENANT, events).await
    }

    async fn post_to(&self, url: &str, tenant: &str, events: &Value) -> Result<StatusCode> {
        let body = serde_json::to_vec(events)?;
        let post = self.client.post(format!("{url}/hooks/{tenant}")).header(SIGNATURE, signature(&body)).body(body);
        Ok(post.send().await.context("no answer")?.status())
    }

    /// The same, for what must be taken.
    ///
    /// # Errors
    /// When no answer comes, or another than 202.
    pub async fn deliver(&self, url: &str, events: &Value) -> Result<()> {
        self.deliver_to(url, TENANT, events).await
    }

    /// The same for another tenant, whose listener is configured alike.
    ///
    /// # Errors
    /// When no answer comes, or another than 202.
    pub async fn deliver_to(&self, url: &str, tenant: &str, events: &Value) -> Result<()> {
        match self.post_to(url, tenant, events).await? {
            StatusCode::ACCEPTED => Ok(()),
            status => bail!("the events were answered {status}"),
        }
    }
}

/// Waits until a program that serves has dealt with every event it took, the ones to be brought again too. It counts anew
/// within seconds after a start, so it is believed after a few; what is given is the moment from which nothing waited.
///
/// # Errors
/// When it takes longer than this, or the program does not answer.
pub async fn dealt_with(url: &str, at_most: Duration) -> Result<Instant> {
    let client = Sender::new()?.client;
    let looked = async {
        let (mut quiet, mut since) = (0, Instant::now());
        while quiet < QUIET_LOOKS {
            let metrics = client.get(format!("{url}/metrics")).send().await?.text().await?;
            let name = format!("shift_access_inbox_waiting_events{{tenant=\"{TENANT}\"}} ");
            let waiting = metrics.lines().find_map(|line| line.strip_prefix(&name));
            if waiting != Some("0") {
                (quiet, since) = (0, Instant::now());
            }
            quiet += usize::from(waiting == Some("0"));
            tokio::time::sleep(LOOK).await;
        }
        anyhow::Ok(since)
    };
    tokio::time::timeout(at_most, looked).await.context("events are still waiting")?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_the_one_that_openssl_makes() {
        // printf '[]' | openssl dgst -sha256 -hmac HkSx7Tq2Lm9Zr4Wv6Bn1
        assert_eq!(signature(b"[]"), "4418febe8fafa0cfc148c7df785952df10f2a7392106e583ff1980f050afd401");
    }
}
