//! The calls to a provider of identities: over TLS as every other call, without redirects, with an end in time and in size.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use openidconnect::{HttpRequest, HttpResponse};
use reqwest::Client;
use url::Url;

use crate::config::is_loopback;
use crate::connection::unguarded;

/// For the whole of one call.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest answer, in bytes.
const LONGEST: usize = 1 << 20;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum OutsideError {
    /// Anybody on the way could read along.
    #[error("{0} is not https")]
    Clear(String),
    /// It took too long.
    #[error("no answer within {} seconds", PATIENCE.as_secs())]
    Late,
    /// It is too long.
    #[error("the answer is longer than {LONGEST} bytes")]
    Long,
    /// Anything else.
    #[error("{0}")]
    Failed(String),
}

/// Who calls. The certificates of the machine are read when it is first needed.
#[derive(Clone, Default)]
pub(super) struct Outside {
    beyond: Arc<OnceLock<Client>>,
    here: Arc<OnceLock<Client>>,
}

/// The answer to come.
type Answer = BoxFuture<'static, Result<HttpResponse, OutsideError>>;

impl Outside {
    /// What calls, as the crate for OpenID Connect wants it.
    pub(super) fn caller(&self) -> impl Fn(HttpRequest) -> Answer + Send + Sync + use<> {
        let outside = self.clone();
        move |request| {
            let outside = outside.clone();
            async move { outside.fetch(request).await }.boxed()
        }
    }

    /// One call, to where the provider says that it has to go.
    async fn fetch(&self, request: HttpRequest) -> Result<HttpResponse, OutsideError> {
        match tokio::time::timeout(PATIENCE, self.exchange(request)).await {
            Ok(answered) => answered,
            Err(_) => Err(OutsideError::Late),
        }
    }

    async fn exchange(&self, request: HttpRequest) -> Result<HttpResponse, OutsideError> {
        let url: Url = request.uri().to_string().parse().map_err(failed)?;
        let here = is_loopback(&url);
        if url.scheme() != "https" && !here {
            return Err(OutsideError::Clear(url.to_string()));
        }
        let request = reqwest::Request::try_from(request).map_err(failed)?;
        let mut answer = self.client(here)?.execute(request).await.map_err(failed)?;
        let (status, headers) = (answer.status(), std::mem::take(answer.headers_mut()));
        let mut body = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(failed)? {
            if body.len() + piece.len() > LONGEST {
                return Err(OutsideError::Long);
            }
            body.extend_from_slice(&piece);
        }
        let mut response = HttpResponse::new(body);
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Ok(response)
    }

    fn client(&self, here: bool) -> Result<Client, OutsideError> {
        let kept = if here { &self.here } else { &self.beyond };
        if let Some(client) = kept.get() {
            return Ok(client.clone());
        }
        let client = unguarded(here).map_err(failed)?;
        Ok(kept.get_or_init(|| client).clone())
    }
}

/// With what led to it: reqwest alone does not say why a connection failed.
fn failed(error: impl std::error::Error) -> OutsideError {
    OutsideError::Failed(super::causes(&error))
}
