//! Discord: OAuth 2 without a token that says who somebody is. That is asked for afterwards.

use std::sync::Arc;

use serde::Deserialize;

use super::naming;
use super::openid::with_query;
use super::setting::ClientSecret;
use super::trip::{Identity, ProviderFault, Trip};
use super::web::Web;

/// See the module's page.
pub(super) struct Discord {
    base_url: String,
    client_id: String,
    client_secret: ClientSecret,
    web: Arc<Web>,
}

/// What a code is good for.
#[derive(Deserialize)]
struct Tokens {
    access_token: String,
    token_type: String,
}

/// Who somebody is there.
#[derive(Deserialize)]
struct User {
    id: String,
    username: Option<String>,
    global_name: Option<String>,
}

impl Discord {
    pub(super) fn new(base_url: String, client_id: String, client_secret: ClientSecret, web: Arc<Web>) -> Self {
        Self { base_url, client_id, client_secret, web }
    }

    /// Whether it answers at all: it says nothing of itself.
    pub(super) async fn look(&self) -> Result<(), ProviderFault> {
        self.web.get(&format!("{}/api/v10/gateway", self.base_url), None).await.map(drop)
    }

    /// Where somebody is sent.
    pub(super) fn address(&self, trip: &Trip<'_>) -> String {
        let challenge = trip.challenge();
        let mut query = vec![
            ("response_type", "code"),
            ("client_id", self.client_id.as_str()),
            ("redirect_uri", trip.redirect_uri),
            ("scope", "identify"),
            ("state", trip.state),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        if trip.fresh {
            // It says nothing of when he signed in there; at least he is asked again.
            query.push(("prompt", "consent"));
        }
        with_query(&format!("{}/oauth2/authorize", self.base_url), &query)
    }

    /// Who brings a code.
    pub(super) async fn identity(&self, trip: &Trip<'_>, code: &str) -> Result<Identity, ProviderFault> {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", trip.redirect_uri),
            ("code_verifier", trip.verifier),
            ("client_id", &self.client_id),
            ("client_secret", self.client_secret.told()),
        ];
        let token = format!("{}/api/oauth2/token", self.base_url);
        let Tokens { access_token, token_type } = self.web.post(&token, &form, None).await?.for_code()?;
        if !token_type.eq_ignore_ascii_case("bearer") {
            return Err(ProviderFault::Wrong("it gave a token of a kind that is not known here".into()));
        }
        let me = format!("{}/api/v10/users/@me", self.base_url);
        let user: User = self.web.get(&me, Some(&format!("Bearer {access_token}"))).await?.read()?;
        if user.id.is_empty() || user.id.len() > 32 || !user.id.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(ProviderFault::Wrong("it names nobody".into()));
        }
        let names = [&user.global_name, &user.username].into_iter().filter_map(|name| name.as_deref());
        // It says nothing of when he signed in there.
        Ok(Identity { name: naming::fitting(names), subject: user.id, is_recent: false })
    }
}
