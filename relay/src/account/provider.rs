//! Providers: others who say who somebody is, by OpenID Connect or as Discord does.
//!
//! Two invariants. What a provider says counts only for who began here, in the same browser, a few minutes ago
//! ([`waiting`]), and only as far as it is signed and meant for this relay ([`token`]). And nobody who answers, or who asks,
//! makes the relay wait or hold more than has a limit ([`web`], [`waiting`]). Deliberately not here: what becomes of who was
//! found ([`super::members`]).

mod crypto;
mod discord;
mod discovery;
mod keys;
mod naming;
mod openid;
mod setting;
mod token;
mod trip;
mod waiting;
mod web;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use self::discord::Discord;
use self::openid::OpenId;
pub(super) use self::trip::{Identity, ProviderFault, Trip};
pub(crate) use self::waiting::{Bounds, Waiting};
pub(super) use self::waiting::{LASTS_MS, oldest_of_most};
use self::web::Web;
use crate::clock::Clock;
use crate::limits::{PROVIDER_ASKED_MAX, PROVIDER_LEFT_ALONE_S_MAX, PROVIDER_SIGN_IN_MS};
use crate::metrics::SignInWay;

pub(crate) use self::setting::is_safe_address;
pub use self::setting::{ClientSecret, ProviderKind, ProviderSetting};

enum Kind {
    OpenId(Box<OpenId>),
    Discord(Discord),
}

/// One who says who somebody is.
pub(super) struct Provider {
    /// Names it in addresses, and in the table of sign-ins.
    pub(super) id: String,
    /// What people call it.
    pub(super) title: String,
    /// The issuer that its answers may name.
    issuer: String,
    kind: Kind,
    /// One permit for each who is being looked up: where it is slow, others are not.
    pub(super) asking: tokio::sync::Semaphore,
    clock: Clock,
    /// It wants to be left alone until then, Unix ms: who goes on asking is shut out.
    left_alone_until_ms: AtomicI64,
}

impl Provider {
    /// For metrics.
    pub(super) fn way(&self) -> SignInWay {
        match self.kind {
            Kind::OpenId(_) => SignInWay::OpenId,
            Kind::Discord(_) => SignInWay::Discord,
        }
    }

    /// Where somebody is sent to say who he is.
    ///
    /// # Errors
    /// `Down`, `Wrong`: what the provider says of itself is not there, or not usable. `Busy`: it wants to be left alone.
    pub(super) async fn address(&self, trip: &Trip<'_>) -> Result<String, ProviderFault> {
        // Nobody is sent there for nothing.
        self.is_to_be_asked()?;
        match &self.kind {
            Kind::OpenId(openid) => openid.address(trip).await,
            Kind::Discord(discord) => Ok(discord.address(trip)),
        }
    }

    /// Who brings this code.
    ///
    /// # Errors
    /// See [`ProviderFault`].
    pub(super) async fn identity(&self, trip: &Trip<'_>, code: &str) -> Result<Identity, ProviderFault> {
        self.is_to_be_asked()?;
        let asking = async {
            match &self.kind {
                Kind::OpenId(openid) => openid.identity(trip, code).await,
                Kind::Discord(discord) => discord.identity(trip, code).await,
            }
        };
        let asked = tokio::time::timeout(Duration::from_millis(PROVIDER_SIGN_IN_MS), asking).await;
        let found =
            asked.unwrap_or_else(|_| Err(ProviderFault::Down("it takes too long for all that it is asked".into())));
        if let Err(ProviderFault::Busy(seconds)) = found {
            let until_ms = self.clock.now_ms().saturating_add(i64::from(seconds) * 1_000);
            self.left_alone_until_ms.store(until_ms, Ordering::Relaxed);
        }
        found
    }

    /// Whether it may be asked now.
    fn is_to_be_asked(&self) -> Result<(), ProviderFault> {
        let wait_ms = self.left_alone_until_ms.load(Ordering::Relaxed).saturating_sub(self.clock.now_ms());
        // What is longer than it can be is of a clock that was set back.
        if (1..=i64::from(PROVIDER_LEFT_ALONE_S_MAX) * 1_000).contains(&wait_ms) {
            return Err(ProviderFault::Busy(u32::try_from(wait_ms / 1_000 + 1).unwrap_or(PROVIDER_LEFT_ALONE_S_MAX)));
        }
        Ok(())
    }
}

/// Asks each of these what it says of itself, for who has no relay yet: by its name, whether people can sign in by it, or
/// why not.
pub async fn look_at_providers(
    settings: &[ProviderSetting],
    public_url: &str,
    clock: &Clock,
) -> Vec<(String, Result<(), String>)> {
    let providers = Providers::new(settings, public_url, clock);
    let looks = providers.all.iter().map(|provider| async {
        let looked = match &provider.kind {
            Kind::OpenId(openid) => openid.look().await,
            Kind::Discord(discord) => discord.look().await,
        };
        (provider.id.clone(), looked.map_err(|fault| fault.to_string()))
    });
    futures::future::join_all(looks).await
}

/// Those that the operator has set.
pub(super) struct Providers {
    all: Vec<Provider>,
}

impl Providers {
    pub(super) fn new(settings: &[ProviderSetting], public_url: &str, clock: &Clock) -> Self {
        let web = Arc::new(Web::new(public_url));
        let all = settings.iter().map(|setting| {
            let ProviderSetting { id, title, kind, client_id, client_secret } = setting.clone();
            let issuer = match &kind {
                ProviderKind::OpenId { issuer } => issuer.clone(),
                ProviderKind::Discord { base_url } => base_url.clone(),
            };
            let kind = match kind {
                ProviderKind::OpenId { issuer } => {
                    let openid = OpenId::new(issuer, client_id, client_secret, Arc::clone(&web), clock.clone());
                    Kind::OpenId(Box::new(openid))
                }
                ProviderKind::Discord { base_url } => {
                    Kind::Discord(Discord::new(base_url, client_id, client_secret, Arc::clone(&web)))
                }
            };
            let asking = tokio::sync::Semaphore::new(PROVIDER_ASKED_MAX);
            let (clock, left_alone_until_ms) = (clock.clone(), AtomicI64::new(i64::MIN));
            Provider { id, title, issuer, kind, asking, clock, left_alone_until_ms }
        });
        Self { all: all.collect() }
    }

    /// In the order in which they are shown.
    pub(super) fn all(&self) -> &[Provider] {
        &self.all
    }

    /// The one of this name.
    pub(super) fn find(&self, id: &str) -> Option<&Provider> {
        self.all.iter().find(|provider| provider.id == id)
    }

    /// Whether an answer that came back to a provider's address may be its own, by the issuer that it names (RFC 9207).
    ///
    /// # Errors
    /// `Down` where it is not known whether it must name one.
    pub(super) async fn is_from(&self, provider: &Provider, named: Option<&str>) -> Result<bool, ProviderFault> {
        Ok(match (named, &provider.kind) {
            (Some(named), Kind::OpenId(_)) => named == provider.issuer,
            (None, Kind::OpenId(openid)) => !openid.names_itself().await?,
            // It need not name itself. What another calls itself is another's.
            (Some(named), Kind::Discord(_)) => {
                self.all.iter().all(|other| other.id == provider.id || other.issuer != named)
            }
            (None, Kind::Discord(_)) => true,
        })
    }

    /// Asks each what it says of itself, so that an operator reads in the log at once what is not right.
    pub(super) async fn look(&self, redirect_uri: impl Fn(&Provider) -> String) {
        for provider in &self.all {
            let (name, redirect_uri) = (&provider.id, redirect_uri(provider));
            let looked = match &provider.kind {
                Kind::OpenId(openid) => openid.look().await,
                Kind::Discord(_) => Ok(()),
            };
            match looked {
                Ok(()) => tracing::info!(provider = name, redirect_uri, "people can sign in by a provider"),
                Err(why) => tracing::warn!(
                    provider = name,
                    redirect_uri,
                    %why,
                    "nobody can sign in by this provider now; it is asked again when somebody wants to"
                ),
            }
        }
    }
}
