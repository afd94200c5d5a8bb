//! What a provider says of itself, and the keys that it publishes: asked for when they are needed, and kept for a while.
//!
//! One invariant: strangers do not make the relay ask. What was refused is not asked again for some seconds, or for as long
//! as the provider wants to be left alone, and a token with a key that nobody knows fetches keys once a minute at the most.

use std::sync::Arc;

use serde::Deserialize;

use super::keys::{Keys, Published};
use super::setting::is_safe_address;
use super::trip::ProviderFault;
use super::web::Web;
use crate::clock::Clock;

/// What was answered is good for so long, ms.
const KEPT_MS: u64 = 3_600_000;
/// What was not answered is asked for again after so long, ms.
const AGAIN_MS: u64 = 5_000;
/// Keys that are not known are asked for again after so long, ms.
const KEYS_AGAIN_MS: u64 = 60_000;

/// What a provider says of itself.
#[derive(Debug, Deserialize)]
pub(super) struct Metadata {
    issuer: String,
    /// Where people say who they are.
    pub(super) authorization_endpoint: String,
    /// Where codes are brought.
    pub(super) token_endpoint: String,
    jwks_uri: String,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    /// Whether what comes back names the issuer.
    #[serde(default)]
    pub(super) authorization_response_iss_parameter_supported: bool,
}

/// How this relay proves that it is itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ClientAuth {
    /// In a header.
    Basic,
    /// In the form.
    Post,
}

impl Metadata {
    fn fits(&self, issuer: &str) -> Result<(), ProviderFault> {
        if self.issuer != issuer {
            // What it calls itself is the operator's to compare: it came over a safe connection from where he sent us.
            let named = raidcast_shared::text::clean(&self.issuer, 200);
            let text = format!(
                "it calls itself `{named}`, and the configuration calls it `{issuer}`: write its `issuer` as it does"
            );
            return Err(ProviderFault::Wrong(text));
        }
        let addresses = [&self.authorization_endpoint, &self.token_endpoint, &self.jwks_uri];
        let is_https = issuer.starts_with("https:");
        if !addresses.iter().all(|address| is_safe_address(address) && (!is_https || address.starts_with("https:"))) {
            return Err(ProviderFault::Wrong("it names addresses that are not safe (no https)".into()));
        }
        self.client_auth().map(drop)
    }

    /// How it wants to be shown the client's secret.
    pub(super) fn client_auth(&self) -> Result<ClientAuth, ProviderFault> {
        let Some(methods) = &self.token_endpoint_auth_methods_supported else { return Ok(ClientAuth::Basic) };
        let has = |name: &str| methods.iter().any(|method| method == name);
        match () {
            () if has("client_secret_basic") => Ok(ClientAuth::Basic),
            () if has("client_secret_post") => Ok(ClientAuth::Post),
            () => Err(ProviderFault::Wrong("it takes no client_secret, neither in a header nor in a form".into())),
        }
    }
}

/// Something that was fetched, or was not.
struct Fetched<T> {
    held: Option<Arc<T>>,
    /// When it came, Unix ms.
    at_ms: i64,
    /// When it was asked for last, Unix ms.
    asked_at_ms: i64,
    /// Why it did not come then.
    failed: Option<ProviderFault>,
}

impl<T> Default for Fetched<T> {
    fn default() -> Self {
        Self { held: None, at_ms: i64::MIN, asked_at_ms: i64::MIN, failed: None }
    }
}

impl<T> Fetched<T> {
    /// What is there, unless it is to be asked for: what was not answered is told as it was.
    fn there(&self, now_ms: i64) -> Option<Result<Arc<T>, ProviderFault>> {
        let again_ms = match self.failed {
            Some(ProviderFault::Busy(seconds)) => u64::from(seconds) * 1_000,
            _ => AGAIN_MS,
        };
        // Of a clock that was set back, too: what is of a time to come is not kept for ever.
        let since = |at_ms: i64| now_ms.abs_diff(at_ms);
        let (is_kept, was_just_asked) = (since(self.at_ms) < KEPT_MS, since(self.asked_at_ms) < again_ms);
        match (&self.held, &self.failed) {
            // What was there before is better than nothing.
            (Some(held), _) if is_kept || was_just_asked => Some(Ok(Arc::clone(held))),
            (None, Some(failed)) if was_just_asked => Some(Err(failed.clone())),
            _ => None,
        }
    }

    fn take(&mut self, fetched: Result<T, ProviderFault>, now_ms: i64) -> Result<Arc<T>, ProviderFault> {
        self.asked_at_ms = now_ms;
        match fetched {
            Ok(fetched) => {
                let held = Arc::new(fetched);
                (self.held, self.at_ms, self.failed) = (Some(Arc::clone(&held)), now_ms, None);
                Ok(held)
            }
            Err(failed) => {
                self.failed = Some(failed.clone());
                self.held.clone().ok_or(failed)
            }
        }
    }
}

/// See the module's page. Whoever needs what is being fetched waits for it, and nobody fetches it twice.
pub(super) struct Discovery {
    issuer: String,
    web: Arc<Web>,
    clock: Clock,
    metadata: tokio::sync::Mutex<Fetched<Metadata>>,
    keys: tokio::sync::Mutex<Fetched<Keys>>,
}

impl Discovery {
    pub(super) fn new(issuer: String, web: Arc<Web>, clock: Clock) -> Self {
        Self { issuer, web, clock, metadata: tokio::sync::Mutex::default(), keys: tokio::sync::Mutex::default() }
    }

    /// What it says of itself.
    pub(super) async fn metadata(&self) -> Result<Arc<Metadata>, ProviderFault> {
        let mut fetched = self.metadata.lock().await;
        if let Some(there) = fetched.there(self.clock.now_ms()) {
            return there;
        }
        let address = format!("{}/.well-known/openid-configuration", self.issuer.trim_end_matches('/'));
        let asked = async {
            let metadata: Metadata = self.web.get(&address, None).await?.read()?;
            metadata.fits(&self.issuer)?;
            Ok(metadata)
        };
        let asked = asked.await;
        fetched.take(asked, self.clock.now_ms())
    }

    /// Its keys.
    pub(super) async fn keys(&self) -> Result<Arc<Keys>, ProviderFault> {
        self.keys_as(Fetched::there).await
    }

    /// Its keys, asked for anew unless that was just done: a token names one that is not among `old`.
    pub(super) async fn newer_keys(&self, old: &Arc<Keys>) -> Result<Arc<Keys>, ProviderFault> {
        self.keys_as(|fetched, now_ms| {
            let held = fetched.held.as_ref()?;
            // Somebody else has fetched them meanwhile.
            let is_newer = !Arc::ptr_eq(held, old);
            let was_just_asked = now_ms.abs_diff(fetched.asked_at_ms) < KEYS_AGAIN_MS;
            (is_newer || was_just_asked).then(|| Ok(Arc::clone(held)))
        })
        .await
    }

    async fn keys_as(
        &self,
        there: impl FnOnce(&Fetched<Keys>, i64) -> Option<Result<Arc<Keys>, ProviderFault>>,
    ) -> Result<Arc<Keys>, ProviderFault> {
        let metadata = self.metadata().await?;
        let mut fetched = self.keys.lock().await;
        if let Some(there) = there(&fetched, self.clock.now_ms()) {
            return there;
        }
        let asked = async {
            let keys: Keys = self.web.get(&metadata.jwks_uri, None).await?.read::<Published>()?.into();
            match keys.is_empty() {
                true => Err(ProviderFault::Wrong("it publishes no key that signatures can be verified with".into())),
                false => Ok(keys),
            }
        };
        let asked = asked.await;
        fetched.take(asked, self.clock.now_ms())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(change: impl FnOnce(&mut serde_json::Value)) -> Result<(), ProviderFault> {
        let mut all = serde_json::json!({
            "issuer": "https://sso.example/a", "authorization_endpoint": "https://sso.example/a/go",
            "token_endpoint": "https://sso.example/a/token", "jwks_uri": "https://sso.example/a/keys",
        });
        change(&mut all);
        serde_json::from_value::<Metadata>(all).unwrap().fits("https://sso.example/a")
    }

    #[test]
    fn a_provider_calls_itself_as_it_is_called_and_has_safe_addresses() {
        assert_eq!(metadata(|_| ()), Ok(()));
        let error = metadata(|all| all["issuer"] = "https://sso.example/b".into()).unwrap_err().to_string();
        assert!(error.contains("`https://sso.example/b`") && error.contains("`https://sso.example/a`"), "{error}");
        for name in ["authorization_endpoint", "token_endpoint", "jwks_uri"] {
            for bad in ["http://sso.example/x", "http://127.0.0.1/x", "javascript:alert(1)", ""] {
                assert!(metadata(|all| all[name] = bad.into()).is_err(), "{name} {bad}");
            }
        }
        let methods =
            |methods: serde_json::Value| metadata(|all| all["token_endpoint_auth_methods_supported"] = methods);
        assert!(methods(serde_json::json!(["private_key_jwt", "client_secret_post"])).is_ok());
        assert!(methods(serde_json::json!(["private_key_jwt"])).is_err());
    }

    #[test]
    fn what_was_fetched_is_kept_for_a_while_and_what_failed_is_not_asked_at_once() {
        const AGAIN: i64 = AGAIN_MS.cast_signed();
        const KEPT: i64 = KEPT_MS.cast_signed();
        let down = || ProviderFault::Down("down".into());
        let mut fetched = Fetched::<u8>::default();
        assert!(fetched.there(0).is_none());
        assert_eq!(fetched.take(Err(down()), 0), Err(down()));
        assert_eq!(fetched.there(AGAIN - 1), Some(Err(down())));
        assert!(fetched.there(AGAIN).is_none());
        assert_eq!(fetched.take(Ok(7), AGAIN).as_deref(), Ok(&7));
        assert_eq!(fetched.there(KEPT).unwrap().as_deref(), Ok(&7));
        let over = AGAIN + KEPT;
        assert!(fetched.there(over).is_none());
        // It is not there any more: what it said before goes on.
        assert_eq!(fetched.take(Err(down()), over).as_deref(), Ok(&7));
        assert_eq!(fetched.there(over + 1).unwrap().as_deref(), Ok(&7));
        assert!(fetched.there(over + AGAIN).is_none());
    }

    #[test]
    fn a_clock_that_was_set_back_keeps_nothing_for_ever() {
        const DAY_MS: i64 = 86_400_000;
        let mut fetched = Fetched::<u8>::default();
        assert_eq!(fetched.take(Ok(7), DAY_MS).as_deref(), Ok(&7));
        assert_eq!(fetched.there(DAY_MS - 1_000).unwrap().as_deref(), Ok(&7));
        assert!(fetched.there(0).is_none(), "it is asked again, and then it is of now");
        assert_eq!(fetched.take(Ok(8), 0).as_deref(), Ok(&8));
        assert_eq!(fetched.there(1).unwrap().as_deref(), Ok(&8));
        let mut failed = Fetched::<u8>::default();
        assert!(failed.take(Err(ProviderFault::Down("down".into())), DAY_MS).is_err());
        assert!(failed.there(0).is_none());
    }

    #[test]
    fn a_provider_that_wants_to_be_left_alone_is() {
        let mut fetched = Fetched::<u8>::default();
        assert_eq!(fetched.take(Err(ProviderFault::Busy(60)), 0), Err(ProviderFault::Busy(60)));
        assert_eq!(fetched.there(59_999), Some(Err(ProviderFault::Busy(60))));
        assert!(fetched.there(60_000).is_none());
    }
}
