//! Who may change something: by a key, or signed in on a page of the relay.
//!
//! One invariant: what changes anything takes an [`Uploader`] or a [`Manager`], and nobody makes one up. What is somebody
//! else's is to him as what is nobody's.

use std::sync::Arc;

use axum::http::{HeaderMap, header};
use raidcast_shared::uplink::{NamesPolicy, Visibility};
use raidcast_store::{Account, AccountId, RaidRow};

use super::managed::{Managed, Manager, OwnFight, OwnRaid};
use super::visible::Visible;
use super::{Asker, Door, Until};
use crate::account::{Key, Scope, WhoseKey};
use crate::error::HttpError;
use crate::quota::UploadsPerDay;
use crate::signature::{Claim, Proof, SignatureFault};

/// Somebody whose key is known: what changes anything takes one.
///
/// Nobody makes one up:
///
/// ```compile_fail
/// use raidcast_relay::access::Uploader;
/// use raidcast_store::AccountId;
///
/// fn anybody() -> Uploader {
///     let (visibility, names) = Default::default();
///     let until = raidcast_relay::access::Until::of(Default::default());
///     Uploader { account: AccountId(1), visibility, names, reads: true, manages: true, uploads_per_day: None, until }
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Uploader {
    account: AccountId,
    visibility: Visibility,
    names: NamesPolicy,
    reads: bool,
    manages: bool,
    uploads_per_day: Option<UploadsPerDay>,
    /// What he has begun ends with his key.
    until: Until,
}

impl Uploader {
    /// Whose key it is.
    pub fn account(&self) -> AccountId {
        self.account
    }

    /// Who may see what this key uploads over HTTP, where the request does not say so.
    pub fn visibility(&self) -> Visibility {
        self.visibility
    }

    /// Which names those see of what it uploads over HTTP who are no members.
    pub fn names(&self) -> NamesPolicy {
        self.names
    }

    /// The same, for a request that says who may see what it uploads, or which names.
    #[must_use]
    pub fn showing(self, visibility: Option<Visibility>, names: Option<NamesPolicy>) -> Self {
        Self { visibility: visibility.unwrap_or(self.visibility), names: names.unwrap_or(self.names), ..self }
    }

    /// Whether he may see what his account keeps private: else he is not given a link that shows it.
    pub fn reads(&self) -> bool {
        self.reads
    }

    /// Whether he may delete what is his account's: else he throws away only what comes now.
    pub fn manages(&self) -> bool {
        self.manages
    }

    /// How many new fights this key may upload over HTTP within a day, if that is limited.
    pub fn uploads_per_day(&self) -> Option<UploadsPerDay> {
        self.uploads_per_day
    }

    /// When his key ends.
    pub fn until(&self) -> &Until {
        &self.until
    }
}

impl Door {
    pub(super) fn key(&self, headers: &HeaderMap) -> Option<Arc<Key>> {
        let key = headers.get("x-api-key").and_then(|value| value.to_str().ok()).unwrap_or_default();
        self.keys.key(key.trim())
    }

    pub(super) async fn account(&self, key: &Key) -> Result<AccountId, HttpError> {
        match &key.whose {
            WhoseKey::Kept(_, account) => Ok(*account),
            WhoseKey::Named(name) => {
                let channel = self.context.entropy.code(8);
                Ok(self.context.store.account(name, &channel).await?.id)
            }
        }
    }

    /// Who streams, and until when.
    ///
    /// # Errors
    /// As [`Door::uploader`].
    pub async fn streamer(&self, headers: &HeaderMap) -> Result<(Uploader, Until), HttpError> {
        let uploader = self.uploader(headers, Scope::Upload).await?;
        let until = uploader.until().clone();
        Ok((uploader, until))
    }

    /// Who asks for something that needs a key which may do this.
    ///
    /// # Errors
    /// `Unauthorized` without a key that is known, `Forbidden` where it may not.
    pub async fn uploader(&self, headers: &HeaderMap, scope: Scope) -> Result<Uploader, HttpError> {
        let key = self.key(headers).ok_or(HttpError::Unauthorized)?;
        if !key.scopes.has(scope) {
            return Err(HttpError::Forbidden(scope));
        }
        let (reads, manages) = (key.scopes.has(Scope::Read), key.scopes.has(Scope::Manage));
        let until = Until::of(key.ended().clone());
        let Key { visibility, uploads_per_day, .. } = *key;
        let names = NamesPolicy::Full;
        let account = self.account(&key).await?;
        Ok(Uploader { account, visibility, names, reads, manages, uploads_per_day, until })
    }

    /// Who asks to remove what is his.
    ///
    /// # Errors
    /// With a key as [`Door::uploader`]; without one `SignedOut`, or `ForeignPage` where no page of this relay asks.
    pub async fn manager(&self, headers: &HeaderMap) -> Result<Manager, HttpError> {
        if headers.contains_key("x-api-key") {
            let uploader = self.uploader(headers, Scope::Manage).await?;
            let key = self.key(headers).and_then(|key| match key.whose {
                WhoseKey::Kept(id, _) => Some(id),
                WhoseKey::Named(_) => None,
            });
            return Ok(Manager { accounts: vec![uploader.account()], by: None, key, reads: uploader.reads() });
        }
        if !headers.contains_key(header::COOKIE) {
            // Neither a key nor a page that is signed in: whoever writes a program is told what it needs.
            return Err(HttpError::Unauthorized);
        }
        let who = self.members.changing(headers).await?;
        Ok(Manager { accounts: self.members.accounts(&who).await?, by: Some(who.person()), key: None, reads: true })
    }

    /// Who asks to see what only he may see who manages it.
    ///
    /// # Errors
    /// As [`Door::manager`], but for `ForeignPage`: nothing is changed.
    pub async fn overseer(&self, headers: &HeaderMap) -> Result<Manager, HttpError> {
        if headers.contains_key("x-api-key") || !headers.contains_key(header::COOKIE) {
            return self.manager(headers).await;
        }
        let who = self.members.signed_in(headers).await?;
        Ok(Manager { accounts: self.members.accounts(&who).await?, by: Some(who.person()), key: None, reads: true })
    }

    /// An account of his, by its channel.
    ///
    /// # Errors
    /// `NotFound` if it is nobody's, or somebody else's.
    pub async fn managed_channel(&self, channel: &str, manager: &Manager) -> Result<Account, HttpError> {
        let account = self.context.store.account_by_channel(channel).await?;
        account.filter(|account| manager.holds(account.id)).ok_or(HttpError::NotFound)
    }

    /// A raid of his.
    ///
    /// # Errors
    /// `NotFound` if it is nobody's, or somebody else's.
    pub async fn managed_raid(&self, code: &str, manager: &Manager) -> Result<Managed<OwnRaid>, HttpError> {
        let account = self.context.store.owner_of(code).await?.filter(|account| manager.holds(*account));
        let account = account.ok_or(HttpError::NotFound)?;
        Ok(Managed::new(OwnRaid { account, code: code.to_owned() }))
    }

    /// A fight of his, by its report.
    ///
    /// # Errors
    /// `NotFound` if it is nobody's, or somebody else's.
    pub async fn managed_report(&self, report_id: &str, manager: &Manager) -> Result<Managed<OwnFight>, HttpError> {
        let found = self.context.store.fight_of(report_id).await?.filter(|(key, _)| manager.holds(key.account));
        let (key, _) = found.ok_or(HttpError::NotFound)?;
        Ok(Managed::new(OwnFight { key, report_id: report_id.to_owned() }))
    }

    /// What his request's signature is verified with, when its body comes; `None` if it has none.
    ///
    /// # Errors
    /// `Unsigned`: it cannot be read or verified, or is of another time.
    pub fn proof(&self, headers: &HeaderMap, uploader: &Uploader) -> Result<Option<Proof>, HttpError> {
        let Some(claim) = Claim::of(headers)? else { return Ok(None) };
        let key = self.key(headers);
        let secret = key.as_ref().and_then(|key| key.signing_secret.as_ref()).ok_or(SignatureFault::NoSecret)?;
        let now_ms = self.context.clock.now_ms();
        Ok(Some(self.context.signatures.verify(uploader.account(), claim, secret, now_ms)?))
    }

    /// A raid of his, as its members see it.
    ///
    /// # Errors
    /// `NotFound` if it is nobody's, or somebody else's.
    pub async fn own_raid(&self, code: &str, manager: &Manager) -> Result<Visible<RaidRow>, HttpError> {
        let asker = Asker { accounts: manager.accounts.clone(), ..Asker::default() };
        let raid = self.raid(code, &asker).await?;
        Some(raid).filter(|raid| manager.holds(raid.account)).ok_or(HttpError::NotFound)
    }
}
