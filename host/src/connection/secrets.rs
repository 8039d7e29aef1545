//! What must not leave the platform: the secrets of one connection, and what finds them in a text.
//!
//! The finder is many times as large as the secrets, and only needed while calls are made. It is made when something is first
//! to be cleaned, and let go when nothing was for a while: a tenant that calls nobody pays nothing for it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;

use crate::config::{ConnectionConfig, SettingValue};
use crate::secret::{self, Scrub};

/// A finder that nobody asked for so long is let go.
const REST: Duration = Duration::from_secs(30);

/// Tokens that are looked for: a call that began with the last one may still be under way.
const TOKENS: usize = 2;

/// The secrets of one connection.
pub(super) struct Secrets {
    known: Arc<Mutex<Known>>,
}

struct Known {
    settings: Vec<SecretString>,
    tokens: Vec<SecretString>,
    finder: Option<Arc<Scrub>>,
    asked: Instant,
    /// Somebody looks whether the finder may go.
    swept: bool,
}

impl Secrets {
    /// The secrets among the settings, and the credentials of a Basic login, which are encoded.
    pub(super) fn of(config: &ConnectionConfig) -> Self {
        let secret = |value: &SettingValue| match value {
            SettingValue::Secret(secret) => Some(secret.clone()),
            SettingValue::Plain(_) => None,
        };
        let mut settings: Vec<SecretString> = config.settings.values().filter_map(secret).collect();
        let expose = |name: &str| config.settings.get(name).map(SettingValue::expose);
        if let Some((name, password)) = config.scheme.as_ref().and_then(|scheme| scheme.basic.as_ref())
            && let (Some(name), Some(password)) = (expose(name), expose(password))
        {
            settings.push(SecretString::from(secret::basic(name, password)));
        }
        let known = Known { settings, tokens: Vec::new(), finder: None, asked: Instant::now(), swept: false };
        Self { known: Arc::new(Mutex::new(known)) }
    }

    /// From now on this token is looked for too.
    pub(super) fn learn(&self, token: SecretString) {
        let mut known = lock(&self.known);
        known.tokens.push(token);
        if known.tokens.len() > TOKENS {
            known.tokens.remove(0);
        }
        known.finder = None;
    }

    /// What finds all of them. To be called from within a runtime.
    pub(super) fn scrub(&self) -> Arc<Scrub> {
        let mut known = lock(&self.known);
        known.asked = Instant::now();
        if !std::mem::replace(&mut known.swept, true) {
            tokio::spawn(sweep(Arc::downgrade(&self.known)));
        }
        known.finder()
    }
}

impl Known {
    fn finder(&mut self) -> Arc<Scrub> {
        let [settings, tokens] = [&self.settings, &self.tokens].map(|secrets| secrets.iter().map(ExposeSecret::expose_secret));
        self.finder.get_or_insert_with(|| Arc::new(Scrub::with_tokens(settings, tokens))).clone()
    }

    /// Lets the finder go if nobody asked of late; otherwise when to look again.
    fn rest(&mut self) -> Option<Instant> {
        let until = self.asked + REST;
        if Instant::now() < until {
            return Some(until);
        }
        self.finder = None;
        self.swept = false;
        None
    }
}

async fn sweep(known: Weak<Mutex<Known>>) {
    let mut until = Instant::now() + REST;
    loop {
        tokio::time::sleep_until(until).await;
        match known.upgrade().and_then(|known| lock(&known).rest()) {
            Some(later) => until = later,
            None => return,
        }
    }
}

fn lock(known: &Mutex<Known>) -> MutexGuard<'_, Known> {
    known.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets() -> Secrets {
        let mut config = ConnectionConfig::new("main", "http://127.0.0.1".parse().unwrap());
        config.settings.insert("key".to_owned(), SettingValue::Secret("hush-hush-hush".to_owned().into()));
        Secrets::of(&config)
    }

    /// What the look after so long a time comes to: whether the finder is still there.
    fn is_kept_after(secrets: &Secrets, rest: Duration) -> bool {
        let mut known = lock(&secrets.known);
        known.asked = known.asked.checked_sub(rest).unwrap();
        let again = known.rest().is_some();
        assert_eq!((known.finder.is_some(), known.swept), (again, again), "as long as it is there somebody looks after it");
        again
    }

    #[tokio::test]
    async fn the_finder_is_there_while_it_is_asked_for_and_made_anew_after_a_rest() {
        let secrets = secrets();
        assert!(lock(&secrets.known).finder.is_none());
        for _ in 0..2 {
            assert_eq!(secrets.scrub().text("hush-hush-hush"), secret::PLACEHOLDER);
            assert!(is_kept_after(&secrets, REST / 2));
            let first = secrets.scrub();
            assert!(is_kept_after(&secrets, REST / 2) && Arc::ptr_eq(&first, &secrets.scrub()), "it was asked for meanwhile");
            assert!(!is_kept_after(&secrets, REST));
        }
    }

    #[tokio::test]
    async fn the_last_two_tokens_are_looked_for_also_after_a_rest() {
        let secrets = secrets();
        for token in ["token-1", "token-2", "token-3"] {
            secrets.learn(token.to_owned().into());
        }
        let text = "token-1 token-2 token-3 hush-hush-hush";
        let cleaned = "token-1 [secret] [secret] [secret]";
        assert_eq!(secrets.scrub().text(text), cleaned);
        assert!(!is_kept_after(&secrets, REST));
        assert_eq!(secrets.scrub().text(text), cleaned);
    }
}
