//! Tokens of callers of the API: each is good for one tenant, with a scope, until it expires or is revoked.
//!
//! A token reads `sat_ID_SECRET`. Under `token/ID` of the host's own space without a tenant stands whom it is for, and the
//! SHA-256 of its secret: the secret has 256 random bits, so nobody finds it by trying, and a slow hash would slow down
//! every request for nothing. All tokens stand in one place, so that the tenant is found by the id, and one write makes or
//! removes one.
//!
//! Every check reads the store. A token revoked by another process is refused from the next request on.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, SubsecRound, Utc};
use rand::TryRngCore;
use rand::rngs::OsRng;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::history::instant;
use crate::store::records::{self, Records};
use crate::store::{Condition, Scan, Store, StoreError, Write};

/// What every token begins with, so that one is known where it has been lost.
const MARK: &str = "sat_";
const ID_BYTES: usize = 8;
const SECRET_BYTES: usize = 32;
/// Tokens a read for a list.
const PAGE: u32 = 1_000;

/// What a token allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// To ask for decisions, records and the history.
    Read,
    /// To start jobs as well.
    Operate,
}

impl Scope {
    /// Whether whoever may do this may do that.
    pub fn includes(self, wanted: Self) -> bool {
        self >= wanted
    }

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Operate => "operate",
        }
    }
}

/// A token as it is listed, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenInfo {
    /// Its id: the part between the underscores, which is no secret.
    pub id: String,
    /// The tenant it is good for.
    pub tenant: String,
    /// What it allows.
    pub scope: Scope,
    /// When it was made.
    #[serde(with = "instant")]
    pub created: DateTime<Utc>,
    /// From when on it is refused; `None` for never.
    #[serde(with = "moment")]
    pub expires: Option<DateTime<Utc>>,
}

/// What the bearer of a good token may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// With which tenant.
    pub tenant: String,
    /// What.
    pub scope: Scope,
}

/// Why a token could not be made, read or removed.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The store's.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The machine gave no random numbers.
    #[error("the machine gives no random numbers: {0}")]
    Random(String),
}

/// What is stored of a token.
#[derive(Serialize, Deserialize)]
struct Kept {
    #[serde(flatten)]
    info: TokenInfo,
    sha256: String,
}

/// The tokens of every tenant.
#[derive(Clone)]
pub struct Tokens {
    records: Records,
}

impl Tokens {
    /// The tokens in this store.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { records: Records::new(store) }
    }

    /// Makes a token. Its text is told here and never again.
    ///
    /// # Errors
    /// The store's, and where the machine gives no random numbers.
    pub async fn create(
        &self,
        tenant: &str,
        scope: Scope,
        expires: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Result<(TokenInfo, SecretString), TokenError> {
        let id: String = random::<ID_BYTES>()?.iter().map(|byte| format!("{byte:02x}")).collect();
        let secret = URL_SAFE_NO_PAD.encode(random::<SECRET_BYTES>()?);
        let info = TokenInfo {
            id,
            tenant: tenant.to_owned(),
            scope,
            created: now.trunc_subsecs(3),
            expires: expires.map(|at| at.trunc_subsecs(3)),
        };
        let kept = Kept { info: info.clone(), sha256: URL_SAFE_NO_PAD.encode(Sha256::digest(&secret)) };
        if !self.records.commit(vec![records::put(key(&info.id), &kept)?.when(Condition::Absent)]).await? {
            return Err(StoreError::Other(format!("there is a token {} already", info.id)).into());
        }
        let text = SecretString::from(format!("{MARK}{}_{secret}", info.id));
        Ok((info, text))
    }

    /// The tokens of a tenant, oldest first; expired ones too.
    ///
    /// # Errors
    /// The store's.
    pub async fn list(&self, tenant: &str) -> Result<Vec<TokenInfo>, TokenError> {
        let mut found = Vec::new();
        let mut cursor = None;
        loop {
            let (kept, next) = self.records.scan::<Kept>(&Scan::new("token/", PAGE).from(cursor)).await?;
            found.extend(kept.into_iter().map(|kept| kept.value.info).filter(|info| info.tenant == tenant));
            cursor = next;
            if cursor.is_none() {
                break;
            }
        }
        found.sort_by(|a, b| (a.created, &a.id).cmp(&(b.created, &b.id)));
        Ok(found)
    }

    /// Removes a token of a tenant for good; says whether there was one.
    ///
    /// # Errors
    /// The store's.
    pub async fn revoke(&self, tenant: &str, id: &str) -> Result<bool, TokenError> {
        match self.kept(id).await? {
            Some(kept) if kept.info.tenant == tenant => {
                self.records.commit(vec![Write::remove(key(id))]).await?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// What the bearer of this text may do; `None` where it is no token, or no good one any more.
    ///
    /// # Errors
    /// The store's.
    pub async fn check(&self, text: &str, now: DateTime<Utc>) -> Result<Option<Grant>, TokenError> {
        let Some((id, secret)) = text.strip_prefix(MARK).and_then(|rest| rest.split_once('_')) else { return Ok(None) };
        let Some(kept) = self.kept(id).await? else { return Ok(None) };
        let wanted = URL_SAFE_NO_PAD.decode(&kept.sha256).unwrap_or_default();
        // Slices of other lengths are unequal; how far equal ones agree does not show in the time it takes.
        let genuine = bool::from(Sha256::digest(secret).as_slice().ct_eq(&wanted));
        let alive = kept.info.expires.is_none_or(|expires| now < expires);
        Ok((genuine && alive).then_some(Grant { tenant: kept.info.tenant, scope: kept.info.scope }))
    }

    async fn kept(&self, id: &str) -> Result<Option<Kept>, TokenError> {
        // What is no id cannot be there, and may be too long for a key.
        if id.len() != ID_BYTES * 2 || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(None);
        }
        Ok(self.records.get(&key(id)).await?.map(|kept| kept.value))
    }
}

fn key(id: &str) -> String {
    format!("token/{id}")
}

fn random<const N: usize>() -> Result<[u8; N], TokenError> {
    let mut bytes = [0; N];
    OsRng.try_fill_bytes(&mut bytes).map_err(|error| TokenError::Random(error.to_string()))?;
    Ok(bytes)
}

/// An instant or null.
mod moment {
    use chrono::{DateTime, Utc};
    use serde::{Deserialize, Deserializer, Serializer, de};

    use crate::history::instant;

    pub(super) fn serialize<S: Serializer>(moment: &Option<DateTime<Utc>>, serializer: S) -> Result<S::Ok, S::Error> {
        match moment {
            Some(moment) => instant::serialize(moment, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<DateTime<Utc>>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| DateTime::parse_from_rfc3339(&text).map(|at| at.to_utc()).map_err(de::Error::custom)).transpose()
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use secrecy::ExposeSecret;

    use super::*;
    use crate::store::{MemoryStore, Space};

    fn now() -> DateTime<Utc> {
        "2026-03-01T05:45:00Z".parse().unwrap()
    }

    fn tokens() -> (MemoryStore, Tokens) {
        let store = MemoryStore::default();
        (store.clone(), Tokens::new(Arc::new(store)))
    }

    async fn made(tokens: &Tokens, tenant: &str, scope: Scope, expires: Option<DateTime<Utc>>) -> (TokenInfo, String) {
        let (info, text) = tokens.create(tenant, scope, expires, now()).await.unwrap();
        (info, text.expose_secret().to_owned())
    }

    #[tokio::test]
    async fn a_token_grants_its_scope_for_its_tenant() {
        let (_, tokens) = tokens();
        let (info, text) = made(&tokens, "acme", Scope::Operate, None).await;
        assert!(text.starts_with(&format!("sat_{}_", info.id)) && text.len() == 4 + 16 + 1 + 43, "{text}");
        let grant = tokens.check(&text, now()).await.unwrap();
        assert_eq!(grant, Some(Grant { tenant: "acme".to_owned(), scope: Scope::Operate }));
        let (_, other) = made(&tokens, "acme", Scope::Operate, None).await;
        assert_ne!(text, other);
    }

    #[tokio::test]
    async fn anything_else_grants_nothing() {
        let (_, tokens) = tokens();
        let (info, text) = made(&tokens, "acme", Scope::Read, None).await;
        let (_, other) = made(&tokens, "acme", Scope::Read, None).await;
        let secret = other.rsplit_once(&format!("{}_", &other[4..20])).unwrap().1;
        let upper = format!("sat_{}_{}", info.id.to_uppercase(), &text[21..]);
        let long = format!("sat_{}_x", "a".repeat(10_000));
        let swapped = format!("sat_{}_{secret}", info.id);
        let cut = &text[..text.len() - 1];
        for wrong in ["", "sat_", "sat__", "sat_ab_cd", cut, &text[4..], &format!("{text}x"), &swapped, &long, &format!("sat_{}_", info.id)]
        {
            assert_eq!(tokens.check(wrong, now()).await.unwrap(), None, "{wrong}");
        }
        assert!(!info.id.bytes().any(|byte| byte.is_ascii_alphabetic()) || tokens.check(&upper, now()).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn a_token_ends_when_it_expires() {
        let (_, tokens) = tokens();
        let end = now() + TimeDelta::days(1);
        let (_, text) = made(&tokens, "acme", Scope::Read, Some(end)).await;
        assert!(tokens.check(&text, end - TimeDelta::milliseconds(1)).await.unwrap().is_some());
        assert!(tokens.check(&text, end).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn a_token_ends_at_once_when_another_process_revokes_it() {
        let (store, tokens) = tokens();
        let (info, text) = made(&tokens, "acme", Scope::Read, None).await;
        assert!(tokens.check(&text, now()).await.unwrap().is_some());
        let elsewhere = Tokens::new(Arc::new(store));
        assert!(!elsewhere.revoke("other", &info.id).await.unwrap(), "a token of another tenant");
        assert!(elsewhere.revoke("acme", &info.id).await.unwrap());
        assert!(tokens.check(&text, now()).await.unwrap().is_none());
        assert!(!elsewhere.revoke("acme", &info.id).await.unwrap());
    }

    #[tokio::test]
    async fn a_list_shows_the_tokens_of_one_tenant_and_no_secret() {
        let (_, tokens) = tokens();
        let (first, text) = made(&tokens, "acme", Scope::Read, Some(now())).await;
        made(&tokens, "other", Scope::Read, None).await;
        let listed = tokens.list("acme").await.unwrap();
        assert_eq!(listed, [first]);
        assert!(!serde_json::to_string(&listed).unwrap().contains(&text[21..]));
    }

    #[tokio::test]
    async fn the_store_never_sees_the_secret() {
        let (store, tokens) = tokens();
        let (_, text) = made(&tokens, "acme", Scope::Read, None).await;
        let page = store.scan(&Space::host(""), &Scan::new("", 10)).await.unwrap();
        assert_eq!(page.entries.len(), 1);
        assert!(!String::from_utf8_lossy(&page.entries[0].value).contains(&text[21..]));
    }

    #[test]
    fn operate_includes_read() {
        assert!(Scope::Operate.includes(Scope::Read) && Scope::Read.includes(Scope::Read) && !Scope::Read.includes(Scope::Operate));
    }
}
