//! Discord: OAuth 2 without a token that says who somebody is. That is asked for afterwards.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use serde::Deserialize;

use super::naming;
use super::openid::with_query;
use super::setting::ClientSecret;
use super::trip::{Identity, ProviderFault, Trip};
use super::web::Web;
use crate::clock::Clock;

/// See the module's page.
pub(super) struct Discord {
    base_url: String,
    client_id: String,
    client_secret: ClientSecret,
    web: Arc<Web>,
    clock: Clock,
    /// It wants to be left alone until then, Unix ms: who goes on asking is shut out.
    left_alone_until_ms: AtomicI64,
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
    pub(super) fn new(
        base_url: String,
        client_id: String,
        client_secret: ClientSecret,
        web: Arc<Web>,
        clock: Clock,
    ) -> Self {
        Self { base_url, client_id, client_secret, web, clock, left_alone_until_ms: AtomicI64::new(i64::MIN) }
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
        let wait_ms = self.left_alone_until_ms.load(Ordering::Relaxed).saturating_sub(self.clock.now_ms());
        if wait_ms > 0 {
            return Err(ProviderFault::Busy(u32::try_from(wait_ms / 1_000 + 1).unwrap_or(u32::MAX)));
        }
        let found = self.ask(trip, code).await;
        if let Err(ProviderFault::Busy(seconds)) = found {
            let until_ms = self.clock.now_ms().saturating_add(i64::from(seconds) * 1_000);
            self.left_alone_until_ms.fetch_max(until_ms, Ordering::Relaxed);
        }
        found
    }

    async fn ask(&self, trip: &Trip<'_>, code: &str) -> Result<Identity, ProviderFault> {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", trip.redirect_uri),
            ("code_verifier", trip.verifier),
            ("client_id", &self.client_id),
            ("client_secret", self.client_secret.told()),
        ];
        let token = format!("{}/api/oauth2/token", self.base_url);
        let Tokens { access_token, token_type } = self.web.post(&token, &form, None).await?.read()?;
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
