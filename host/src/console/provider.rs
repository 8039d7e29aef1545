//! A provider of identities that people sign in with (OpenID Connect Core 1.0): the authorization code flow with PKCE, a state and a
//! nonce. The crate `openidconnect` checks the signature, the issuer, the audience, the times and the nonce of what comes back.
//!
//! This module says who somebody is at the provider, and which values of the role claim they have. Whether that lets them in is
//! decided by who asks.

use std::time::Duration;

use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreAuthenticationFlow, CoreClientAuthMethod, CoreErrorResponseType, CoreGenderClaim, CoreJsonWebKey,
    CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm, CoreProviderMetadata, CoreRevocableToken, CoreRevocationErrorResponse,
    CoreTokenIntrospectionResponse, CoreTokenType,
};
use openidconnect::{
    AccessTokenHash, AdditionalClaims, AuthType, AuthorizationCode, Client, ClientId, ClientSecret, CsrfToken, EmptyExtraTokenFields,
    EndpointMaybeSet, EndpointNotSet, EndpointSet, IdTokenClaims, IdTokenFields, IssuerUrl, Nonce, OAuth2TokenResponse, PkceCodeChallenge,
    PkceCodeVerifier, RedirectUrl, RequestTokenError, Scope, StandardErrorResponse, StandardTokenResponse, TokenResponse, UserInfoClaims,
};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;

use super::people::{Identity, Role};
use crate::config::OidcConfig;

mod outside;

use outside::{Outside, OutsideError};

/// How long what a provider says of itself is taken for true by who is led there.
const HOLDS: Duration = Duration::from_secs(300);
/// How long it is not asked again after a failure.
const FAILS: Duration = Duration::from_secs(5);

/// What a provider says beside the standard.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Extra {
    #[serde(flatten)]
    claims: Map<String, Value>,
}

impl AdditionalClaims for Extra {}

type IdClaims = IdTokenClaims<Extra, CoreGenderClaim>;
type Tokens = StandardTokenResponse<
    IdTokenFields<Extra, EmptyExtraTokenFields, CoreGenderClaim, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm>,
    CoreTokenType,
>;
type OidcClient = Client<
    Extra,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    Tokens,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// Why nobody knows who somebody is.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum ProviderError {
    /// It cannot be asked. A later try can help.
    #[error("the provider cannot be asked: {0}")]
    Unreachable(String),
    /// It does not accept the code, or this host.
    #[error("the provider refuses: {0}")]
    Refused(String),
    /// What it answered is not what it should be.
    #[error("the provider's answer cannot be trusted: {0}")]
    Untrusted(String),
}

/// What ties the way there to the way back.
pub(super) struct Ties {
    /// Told to the provider, and told back by it.
    pub(super) state: String,
    /// Stands in what the provider signs.
    pub(super) nonce: String,
    /// Shown with the code; the provider knows its digest from the way there.
    pub(super) verifier: String,
}

/// Whom a provider vouches for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Vouched {
    pub(super) identity: Identity,
    /// Names to call the person by, the best one first.
    pub(super) names: Vec<String>,
    /// The values of the role claim.
    pub(super) values: Vec<String>,
}

/// The provider of the configuration.
#[derive(Default)]
pub(super) struct Provider {
    outside: Outside,
    known: Mutex<Option<Known>>,
}

struct Known {
    at: Instant,
    issuer: String,
    /// What it says of itself, or why it did not.
    metadata: Result<CoreProviderMetadata, ProviderError>,
}

impl Known {
    /// A failure is one for a moment only, so that strangers who ask again and again do not queue up.
    fn holds(&self, issuer: &str) -> bool {
        let time = if self.metadata.is_ok() { HOLDS } else { FAILS };
        self.issuer == issuer && self.at.elapsed() < time
    }
}

impl Provider {
    /// Where somebody is led to sign in.
    pub(super) async fn way_there(&self, config: &OidcConfig, back: &str, ties: &Ties) -> Result<Url, ProviderError> {
        let client = client(config, back, self.metadata(config, true).await?)?;
        let (state, nonce) = (CsrfToken::new(ties.state.clone()), Nonce::new(ties.nonce.clone()));
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&PkceCodeVerifier::new(ties.verifier.clone()));
        let scopes = ["profile", "email"].into_iter().chain(config.scopes.iter().map(String::as_str));
        let request = client.authorize_url(CoreAuthenticationFlow::AuthorizationCode, || state, || nonce);
        let (url, _, _) = request.add_scopes(scopes.map(|scope| Scope::new(scope.to_owned()))).set_pkce_challenge(challenge).url();
        Ok(url)
    }

    /// Who came back with this code.
    pub(super) async fn who_comes_back(&self, config: &OidcConfig, back: &str, code: &str, ties: Ties) -> Result<Vouched, ProviderError> {
        // Read anew: the provider may have changed the key it signs with.
        let client = client(config, back, self.metadata(config, false).await?)?;
        let http = self.outside.caller();
        let exchange = client.exchange_code(AuthorizationCode::new(code.to_owned())).map_err(untrusted)?;
        let tokens = exchange.set_pkce_verifier(PkceCodeVerifier::new(ties.verifier)).request_async(&http).await.map_err(not_given)?;
        let claims = checked(&client, &tokens, &Nonce::new(ties.nonce))?;
        let mut told = Value::Object(claims.additional_claims().claims.clone());
        let (mut preferred, mut email) =
            (claims.preferred_username().map(|name| name.to_string()), claims.email().map(|email| email.to_string()));
        // Many providers tell groups and names only to who asks for them.
        if (values(&told, &config.role_claim).is_empty() || preferred.is_none())
            && let Ok(request) = client.user_info(tokens.access_token().to_owned(), Some(claims.subject().clone()))
        {
            let more: UserInfoClaims<Extra, CoreGenderClaim> =
                request.request_async(&http).await.map_err(|error| ProviderError::Untrusted(causes(&error)))?;
            preferred = preferred.or_else(|| more.preferred_username().map(|name| name.to_string()));
            email = email.or_else(|| more.email().map(|email| email.to_string()));
            if values(&told, &config.role_claim).is_empty() {
                told = Value::Object(more.additional_claims().claims.clone());
            }
        }
        let subject = claims.subject().to_string();
        let short: String = super::people::digest(&subject).chars().filter(char::is_ascii_alphanumeric).take(12).collect();
        let names = [preferred, email].into_iter().flatten().chain([subject.clone(), format!("sso-{short}")]).collect();
        Ok(Vouched { identity: Identity { issuer: config.issuer.clone(), subject }, names, values: values(&told, &config.role_claim) })
    }

    /// What the provider says of itself; `lately` will do where nothing is checked with it.
    async fn metadata(&self, config: &OidcConfig, lately: bool) -> Result<CoreProviderMetadata, ProviderError> {
        let mut known = self.known.lock().await;
        if let Some(known) = known.as_ref().filter(|known| lately && known.holds(&config.issuer)) {
            return known.metadata.clone();
        }
        let issuer = IssuerUrl::new(config.issuer.clone()).map_err(untrusted)?;
        let http = self.outside.caller();
        let metadata = CoreProviderMetadata::discover_async(issuer, &http).await.map_err(|error| match &error {
            openidconnect::DiscoveryError::Request(_) => ProviderError::Unreachable(causes(&error)),
            _ => ProviderError::Untrusted(causes(&error)),
        });
        *known = Some(Known { at: Instant::now(), issuer: config.issuer.clone(), metadata: metadata.clone() });
        metadata
    }
}

/// The role that these values give: of several the one that may most.
pub(super) fn role(config: &OidcConfig, values: &[String]) -> Option<Role> {
    config.roles.iter().filter(|(value, _)| values.contains(value)).map(|(_, role)| *role).max()
}

fn client(config: &OidcConfig, back: &str, metadata: CoreProviderMetadata) -> Result<OidcClient, ProviderError> {
    let methods = metadata.token_endpoint_auth_methods_supported().cloned().unwrap_or_default();
    let in_body = methods.contains(&CoreClientAuthMethod::ClientSecretPost) && !methods.contains(&CoreClientAuthMethod::ClientSecretBasic);
    let secret = config.client_secret.as_ref().map(|secret| ClientSecret::new(secret.expose_secret().to_owned()));
    let client = OidcClient::from_provider_metadata(metadata, ClientId::new(config.client_id.clone()), secret);
    let client = client.set_redirect_uri(RedirectUrl::new(back.to_owned()).map_err(untrusted)?);
    Ok(if in_body { client.set_auth_type(AuthType::RequestBody) } else { client })
}

/// What the provider signed, once everything about it holds.
fn checked<'a>(client: &OidcClient, tokens: &'a Tokens, nonce: &Nonce) -> Result<&'a IdClaims, ProviderError> {
    let missing = || ProviderError::Untrusted("there is no ID token in it".to_owned());
    let (token, verifier) = (tokens.id_token().ok_or_else(missing)?, client.id_token_verifier());
    let claims = token.claims(&verifier, nonce).map_err(untrusted)?;
    if let Some(expected) = claims.access_token_hash() {
        let algorithm = token.signing_alg().map_err(untrusted)?;
        let key = token.signing_key(&verifier).map_err(untrusted)?;
        let actual = AccessTokenHash::from_token(tokens.access_token(), algorithm, key).map_err(untrusted)?;
        if actual != *expected {
            return Err(ProviderError::Untrusted("the access token is not the one that belongs to the ID token".to_owned()));
        }
    }
    Ok(claims)
}

/// The values of a claim: a text, or a list of them. A name with a dot leads into an object, unless a claim is called so.
fn values(claims: &Value, name: &str) -> Vec<String> {
    let nested = || name.split('.').try_fold(claims, |found, part| found.get(part));
    match claims.get(name).or_else(nested) {
        Some(Value::String(text)) => vec![text.clone()],
        Some(Value::Array(items)) => items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect(),
        _ => Vec::new(),
    }
}

fn not_given(error: RequestTokenError<OutsideError, StandardErrorResponse<CoreErrorResponseType>>) -> ProviderError {
    match &error {
        RequestTokenError::Request(_) => ProviderError::Unreachable(causes(&error)),
        RequestTokenError::ServerResponse(said) => ProviderError::Refused(said.to_string()),
        _ => ProviderError::Untrusted(causes(&error)),
    }
}

fn untrusted(error: impl std::error::Error) -> ProviderError {
    ProviderError::Untrusted(causes(&error))
}

/// An error with all that led to it.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_values_of_a_claim_are_a_text_or_a_list_and_may_lie_deeper() {
        let claims = json!({
            "groups": ["a", 7, "b c"], "role": "admin", "realm": { "roles": ["x"] }, "https://acme.example/groups": ["y"], "n": 5,
        });
        for (name, wanted) in [
            ("groups", vec!["a", "b c"]),
            ("role", vec!["admin"]),
            ("realm.roles", vec!["x"]),
            ("https://acme.example/groups", vec!["y"]),
            ("realm", vec![]),
            ("n", vec![]),
            ("none.at.all", vec![]),
        ] {
            assert_eq!(values(&claims, name), wanted, "{name}");
        }
    }

    #[test]
    fn of_several_roles_the_one_that_may_most_counts_and_without_any_there_is_none() {
        let config = OidcConfig {
            issuer: "https://id.acme.example".to_owned(),
            client_id: "c".to_owned(),
            client_secret: None,
            role_claim: "groups".to_owned(),
            roles: vec![("admins".to_owned(), Role::Administrator), ("desk".to_owned(), Role::Viewer)],
            scopes: Vec::new(),
            name: String::new(),
        };
        let given = |values: &[&str]| role(&config, &values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>());
        assert_eq!(given(&["desk", "other", "admins"]), Some(Role::Administrator));
        assert_eq!(given(&["desk"]), Some(Role::Viewer));
        assert_eq!((given(&[]), given(&["Desk", "des", "desk "])), (None, None));
    }
}
