//! A provider of OpenID Connect: the authorization code flow with PKCE.

use std::sync::Arc;

use axum::http::HeaderValue;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::discovery::{ClientAuth, Discovery};
use super::naming;
use super::setting::ClientSecret;
use super::token::{self, Claims, Expected, TokenFault};
use super::trip::{Identity, ProviderFault, Trip};
use super::web::Web;
use crate::clock::Clock;

/// Who is to sign in anew did so at the provider within this, s.
const FRESH_S: i64 = 900;

/// See the module's page.
pub(super) struct OpenId {
    issuer: String,
    client_id: String,
    client_secret: ClientSecret,
    discovery: Discovery,
    web: Arc<Web>,
    clock: Clock,
}

/// What a code is good for.
#[derive(Deserialize)]
struct Tokens {
    id_token: String,
}

impl OpenId {
    pub(super) fn new(
        issuer: String,
        client_id: String,
        client_secret: ClientSecret,
        web: Arc<Web>,
        clock: Clock,
    ) -> Self {
        let discovery = Discovery::new(issuer.clone(), Arc::clone(&web), clock.clone());
        Self { issuer, client_id, client_secret, discovery, web, clock }
    }

    /// Whether it can be asked.
    pub(super) async fn look(&self) -> Result<(), ProviderFault> {
        self.discovery.keys().await.map(drop)
    }

    /// Whether what comes back from it names it.
    pub(super) async fn names_itself(&self) -> Result<bool, ProviderFault> {
        Ok(self.discovery.metadata().await?.authorization_response_iss_parameter_supported)
    }

    /// Where somebody is sent.
    pub(super) async fn address(&self, trip: &Trip<'_>) -> Result<String, ProviderFault> {
        let metadata = self.discovery.metadata().await?;
        let challenge = trip.challenge();
        let fresh_s = FRESH_S.to_string();
        let mut query = vec![
            ("response_type", "code"),
            ("client_id", &self.client_id),
            ("redirect_uri", trip.redirect_uri),
            ("scope", "openid profile"),
            ("state", trip.state),
            ("nonce", trip.nonce),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        if trip.fresh {
            query.push(("max_age", &fresh_s));
        }
        Ok(with_query(&metadata.authorization_endpoint, &query))
    }

    /// Who brings a code.
    pub(super) async fn identity(&self, trip: &Trip<'_>, code: &str) -> Result<Identity, ProviderFault> {
        let metadata = self.discovery.metadata().await?;
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", trip.redirect_uri),
            ("code_verifier", trip.verifier),
        ];
        let authorization = match metadata.client_auth()? {
            ClientAuth::Basic => Some(basic(&self.client_id, &self.client_secret)?),
            ClientAuth::Post => {
                form.extend([("client_id", self.client_id.as_str()), ("client_secret", self.client_secret.told())]);
                None
            }
        };
        let tokens: Tokens = self.web.post(&metadata.token_endpoint, &form, authorization).await?.for_code()?;
        let claims = self.claims(trip, &tokens.id_token).await?;
        let is_recent = claims.signed_in_since(self.clock.now_ms().div_euclid(1_000) - FRESH_S);
        Ok(Identity { name: naming::fitting(claims.names()), subject: claims.sub, is_recent })
    }

    async fn claims(&self, trip: &Trip<'_>, id_token: &str) -> Result<Claims, ProviderFault> {
        let expected = Expected {
            issuer: &self.issuer,
            client_id: &self.client_id,
            nonce: trip.nonce,
            signed_in_within_s: trip.fresh.then_some(FRESH_S),
            now_s: self.clock.now_ms().div_euclid(1_000),
        };
        let keys = self.discovery.keys().await?;
        let checked = match token::check(id_token, &keys, &expected) {
            // It may sign with another since.
            Err(TokenFault::UnknownKey) => token::check(id_token, &*self.discovery.newer_keys(&keys).await?, &expected),
            checked => checked,
        };
        checked.map_err(|fault| ProviderFault::Wrong(fault.to_string()))
    }
}

/// An address with more behind its `?`.
pub(super) fn with_query(address: &str, query: &[(&str, &str)]) -> String {
    let joint = if address.contains('?') { '&' } else { '?' };
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
    format!("{address}{joint}{query}")
}

/// The client's name and secret in a header, each written as in a form before (RFC 6749, 2.3.1).
fn basic(client_id: &str, secret: &ClientSecret) -> Result<HeaderValue, ProviderFault> {
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let both = format!("{}:{}", encoded(client_id), encoded(secret.told()));
    let mut value = HeaderValue::try_from(format!("Basic {}", STANDARD.encode(both)))
        .map_err(|_| ProviderFault::Wrong("its client_secret cannot be sent".into()))?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_headers_hold_what_was_meant() {
        let query = [("a", "b c&d"), ("e", "ü")];
        assert_eq!(with_query("https://sso.example/go", &query), "https://sso.example/go?a=b+c%26d&e=%C3%BC");
        assert_eq!(with_query("https://sso.example/go?x=y", &query[..0]), "https://sso.example/go?x=y&");
        let value = basic("a:b", &ClientSecret::new("c d%")).unwrap();
        assert!(value.is_sensitive());
        assert_eq!(STANDARD.decode(&value.as_bytes()[6..]).unwrap(), b"a%3Ab:c+d%25");
    }
}
