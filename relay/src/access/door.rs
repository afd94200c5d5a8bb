//! The door: what belongs to a raid comes out of it as somebody may see it, or not at all.
//!
//! One invariant: who may not see something is told the same as where it does not exist.

use std::sync::Arc;

use axum::http::{HeaderMap, header};
use bytes::Bytes;
use raidcast_shared::uplink::{NamesPolicy, Visibility};
use raidcast_store::{AccountId, Delay, EncounterKey, EncounterRow, RaidRow, StoreError};

use super::behind::row_until;
use super::managed::{Managed, Manager, OwnFight, OwnRaid};
use super::visible::{Seen, Visible};
use super::{Admitted, Asker, Guarded, Until, members};
use crate::account::{Key, Keyring, Members, Scope, WhoseKey};
use crate::context::Context;
use crate::error::HttpError;
use crate::quota::UploadsPerDay;
use crate::raid::Channels;
use crate::signature::{Claim, Proof, SignatureFault};

/// What somebody is told who asked when it was changed what a raid shows.
const CHANGED: &str = "what this raid shows has just changed: ask again";

/// See the module's page.
#[derive(Clone)]
pub struct Door {
    pub(super) context: Arc<Context>,
    channels: Arc<Channels>,
    keys: Arc<Keyring>,
    members: Arc<Members>,
}

/// A report, and its record if it has one.
pub type Recorded = (Visible<EncounterRow>, Option<Bytes>);

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
///     Uploader { account: AccountId(1), visibility, names, reads: true, uploads_per_day: None }
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Uploader {
    account: AccountId,
    visibility: Visibility,
    names: NamesPolicy,
    reads: bool,
    uploads_per_day: Option<UploadsPerDay>,
}

impl Uploader {
    /// Whose key it is.
    pub fn account(self) -> AccountId {
        self.account
    }

    /// Who may see what this key uploads over HTTP, where the request does not say so.
    pub fn visibility(self) -> Visibility {
        self.visibility
    }

    /// Which names those see of what it uploads over HTTP who are no members.
    pub fn names(self) -> NamesPolicy {
        self.names
    }

    /// The same, for a request that says who may see what it uploads, or which names.
    #[must_use]
    pub fn showing(self, visibility: Option<Visibility>, names: Option<NamesPolicy>) -> Self {
        Self { visibility: visibility.unwrap_or(self.visibility), names: names.unwrap_or(self.names), ..self }
    }

    /// Whether he may see what his account keeps private: else he is not given a link that shows it.
    pub fn reads(self) -> bool {
        self.reads
    }

    /// How many new fights this key may upload over HTTP within a day, if that is limited.
    pub fn uploads_per_day(self) -> Option<UploadsPerDay> {
        self.uploads_per_day
    }

    /// Asks without a ticket.
    pub fn asker(self) -> Asker {
        Asker { accounts: vec![self.account], ..Asker::default() }
    }
}

impl Door {
    /// Lets in by these keys, by the sessions of these people, and by tickets.
    pub fn new(context: Arc<Context>, channels: Arc<Channels>, keys: Arc<Keyring>, members: Arc<Members>) -> Self {
        Self { context, channels, keys, members }
    }

    fn key(&self, headers: &HeaderMap) -> Option<Arc<Key>> {
        let key = headers.get("x-api-key").and_then(|value| value.to_str().ok()).unwrap_or_default();
        self.keys.key(key.trim())
    }

    async fn account(&self, key: &Key) -> Result<AccountId, HttpError> {
        match &key.whose {
            WhoseKey::Kept(_, account) => Ok(*account),
            WhoseKey::Named(name) => {
                let channel = self.context.entropy.code(8);
                Ok(self.context.store.account(name, &channel).await?.id)
            }
        }
    }

    /// Who asks: by the key in his headers, or by his cookie, and by his ticket.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn asker(&self, headers: &HeaderMap, ticket: Option<&str>) -> Result<Asker, HttpError> {
        let ticket = ticket.map(str::to_owned);
        if let Some(key) = self.key(headers).filter(|key| key.scopes.has(Scope::Read)) {
            let accounts = vec![self.account(&key).await?];
            return Ok(Asker { accounts, ticket, until: Some(Until(key.ended().clone())) });
        }
        Ok(match self.members.reading(headers).await? {
            Some((accounts, ended)) => Asker { accounts, ticket, until: Some(Until(ended)) },
            None => Asker { ticket, ..Asker::default() },
        })
    }

    /// Who streams, and until when.
    ///
    /// # Errors
    /// As [`Door::uploader`].
    pub async fn streamer(&self, headers: &HeaderMap) -> Result<(Uploader, Until), HttpError> {
        // The key first: what ends between the two is heard of.
        let until = Until(self.key(headers).ok_or(HttpError::Unauthorized)?.ended().clone());
        Ok((self.uploader(headers, Scope::Upload).await?, until))
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
        let reads = key.scopes.has(Scope::Read);
        let Key { visibility, uploads_per_day, .. } = *key;
        let names = NamesPolicy::Full;
        Ok(Uploader { account: self.account(&key).await?, visibility, names, reads, uploads_per_day })
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
            return Ok(Manager { accounts: vec![uploader.account()], by: None, key });
        }
        if !headers.contains_key(header::COOKIE) {
            // Neither a key nor a page that is signed in: whoever writes a program is told what it needs.
            return Err(HttpError::Unauthorized);
        }
        let who = self.members.changing(headers).await?;
        Ok(Manager { accounts: self.members.accounts(&who).await?, by: Some(who.person()), key: None })
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
    pub fn proof(&self, headers: &HeaderMap, uploader: Uploader) -> Result<Option<Proof>, HttpError> {
        let Some(claim) = Claim::of(headers)? else { return Ok(None) };
        let key = self.key(headers);
        let secret = key.as_ref().and_then(|key| key.signing_secret.as_ref()).ok_or(SignatureFault::NoSecret)?;
        let now_ms = self.context.clock.now_ms();
        Ok(Some(self.context.signatures.verify(uploader.account(), claim, secret, now_ms)?))
    }

    /// The raid with this code.
    ///
    /// # Errors
    /// `NotFound` if there is none that he may see.
    pub async fn raid(&self, code: &str, asker: &Asker) -> Result<Visible<RaidRow>, HttpError> {
        let raid = self.context.store.raid_by_code(code).await.map_err(|error| match error {
            StoreError::Damaged(why) => {
                self.context.set_aside.raid(code, &why);
                unreadable(asker)
            }
            error @ StoreError::Unavailable(_) => error.into(),
        });
        let raid = raid?.ok_or(HttpError::NotFound)?;
        let seen = self.admit(asker, (&raid).into()).await?;
        Ok(Visible::new(raid, seen))
    }

    /// A raid that somebody may see, as it is now: whether he still may is another question.
    ///
    /// # Errors
    /// `NotFound` if it is gone.
    pub async fn again(&self, raid: &Visible<RaidRow>) -> Result<Visible<RaidRow>, HttpError> {
        let now = self.context.store.raid_by_code(&raid.code).await?.ok_or(HttpError::NotFound)?;
        let seen = self.seen(raid.admitted(), (&now).into()).await?;
        Ok(Visible::new(now, seen))
    }

    /// A raid of his own.
    ///
    /// # Errors
    /// `NotFound` if it is nobody's, or somebody else's.
    pub async fn own_raid(&self, code: &str, uploader: Uploader) -> Result<Visible<RaidRow>, HttpError> {
        let raid = self.raid(code, &uploader.asker()).await?;
        Some(raid).filter(|raid| raid.account == uploader.account()).ok_or(HttpError::NotFound)
    }

    /// The raid that a channel shows.
    ///
    /// # Errors
    /// As [`Door::raid`].
    pub async fn channel(&self, channel: &str, asker: &Asker) -> Result<Visible<RaidRow>, HttpError> {
        let account = self.context.store.account_by_channel(channel).await?.ok_or(HttpError::NotFound)?;
        let raid = self.shown_by_channel(account.id, asker).await?.ok_or(HttpError::NotFound)?;
        let seen = self.admit(asker, (&raid).into()).await?;
        Ok(Visible::new(raid, seen))
    }

    /// The address of a raid's channel, for who may know it.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn channel_of(&self, raid: &Visible<RaidRow>) -> Result<Option<String>, HttpError> {
        if !raid.admitted().may_know_channel() {
            return Ok(None);
        }
        Ok(self.context.store.channel(raid.account).await?)
    }

    /// A report, and its record if it has one; what is damaged of it is set aside.
    ///
    /// # Errors
    /// `NotFound` if there is none that he may see.
    pub async fn report(&self, report_id: &str, asker: &Asker) -> Result<Recorded, HttpError> {
        let found = self.of_report(report_id, asker, self.context.store.report(report_id).await)?;
        let (row, record) = found.ok_or(HttpError::NotFound)?;
        let seen = self.admit(asker, (&row).into()).await?;
        let report = self.until_now(row, seen)?;
        // A record that he is not to see yet is none.
        let record = record.filter(|_| report.delay().is_none() || report.kept_at_ms.is_some());
        Ok((report, record))
    }

    /// Names of other accounts' reports of a report's fight: each is to be asked for by [`Door::view`].
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn same_fight(&self, report: &Visible<EncounterRow>, asker: &Asker) -> Result<Vec<String>, HttpError> {
        if !report.audience().sees_everything() {
            // Another report may name those whom this one hides.
            return Ok(Vec::new());
        }
        let store = &self.context.store;
        let mut reports = store.same_fight(report.row, asker.accounts.first().copied()).await?;
        for account in asker.accounts.iter().skip(1) {
            let more = store.same_fight(report.row, Some(*account)).await?;
            reports.extend(more.into_iter().filter(|report| !reports.contains(report)).collect::<Vec<_>>());
        }
        Ok(reports)
    }

    /// A report that he did not ask for by its name, and its record: one that anybody finds in lists, or his own. Nothing
    /// leads to one that is known by its link alone, nor to one that hides its players from him (that it is the same fight
    /// says who they are): `None`, as where it is gone or cannot be read.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn view(&self, report_id: &str, asker: &Asker) -> Result<Option<Recorded>, HttpError> {
        Self::led_to(self.report(report_id, asker).await, |(row, _)| row)
    }

    /// The same report, if he may still be led to it.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn still_view(
        &self,
        asker: &Asker,
        row: &Visible<EncounterRow>,
    ) -> Result<Option<Visible<EncounterRow>>, HttpError> {
        Self::led_to(self.still(asker, row).await, |row| row)
    }

    fn led_to<T>(
        asked: Result<T, HttpError>,
        row: impl Fn(&T) -> &Visible<EncounterRow>,
    ) -> Result<Option<T>, HttpError> {
        match asked {
            Ok(found) => {
                let row = row(&found);
                let leads = row.visibility == Visibility::Public || row.admitted() == Admitted::AsUploader;
                Ok((leads && row.audience().sees_everything()).then_some(found))
            }
            Err(HttpError::NotFound | HttpError::SetAside) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The report of a fight by what its meter was told when it uploaded it.
    ///
    /// # Errors
    /// As [`Door::report`].
    pub async fn report_of_remote(&self, remote_id: i64, asker: &Asker) -> Result<Visible<EncounterRow>, HttpError> {
        let report_id = self.context.store.report_of_remote(remote_id).await?.ok_or(HttpError::NotFound)?;
        Ok(self.report(&report_id, asker).await?.0)
    }

    /// Asks again, when an answer is ready that took a while: what somebody may see may have changed meanwhile, and the
    /// report may be another raid's by now.
    ///
    /// # Errors
    /// `NotFound` if he may no longer see the report; `Unavailable` if he may, but no longer as it was made for him.
    pub async fn still(
        &self,
        asker: &Asker,
        report: &Visible<EncounterRow>,
    ) -> Result<Visible<EncounterRow>, HttpError> {
        let EncounterKey { account, encounter } = report.key;
        let now = self.context.store.encounter(account, encounter).await;
        let now = self.of_report(&report.report_id, asker, now)?;
        let now = now.filter(|now| now.report_id == report.report_id).ok_or(HttpError::NotFound)?;
        let seen = self.admit(asker, (&now).into()).await?;
        let now = self.until_now(now, seen)?;
        if !report.shows_no_more_than(&now) {
            return Err(HttpError::Unavailable { text: CHANGED.into(), retry_s: 1 });
        }
        Ok(now)
    }

    /// A report as somebody sees it now, who may be behind.
    fn until_now(&self, row: EncounterRow, seen: Seen) -> Result<Visible<EncounterRow>, HttpError> {
        let until_ms = seen.delay.and_then(|delay| delay.until_ms(self.context.clock.now_ms()));
        let row = match until_ms {
            Some(until_ms) => row_until(row, until_ms).ok_or(HttpError::NotFound)?,
            None => row,
        };
        Ok(Visible::new(row, seen))
    }

    /// By what somebody may see what belongs to a raid, and as whom.
    async fn admit(&self, asker: &Asker, what: Guarded<'_>) -> Result<Seen, HttpError> {
        let admitted = self.admitted(asker, what).await?;
        self.seen(admitted, what).await
    }

    /// As whom somebody sees it.
    async fn seen(&self, admitted: Admitted, what: Guarded<'_>) -> Result<Seen, HttpError> {
        if admitted.is_member(what.tickets) {
            return Ok(Seen { admitted, audience: members().clone(), delay: None });
        }
        let audience = self.context.veils.audience(what.raid_code, what.names).await?;
        Ok(match what.delay {
            Delay { ms: 0, .. } => Seen { admitted, audience, delay: None },
            delay => Seen { admitted, audience: audience.some_time_behind(), delay: Some(delay) },
        })
    }

    /// By what somebody may see what belongs to a raid: private ones need the uploader's key or a ticket.
    async fn admitted(&self, asker: &Asker, what: Guarded<'_>) -> Result<Admitted, HttpError> {
        if asker.holds(what.account) {
            return Ok(Admitted::AsUploader);
        }
        if let Some(ticket) = &asker.ticket {
            let secret = &self.context.secret;
            if secret.is_ticket(what.raid_code, what.tickets.raid, ticket) {
                return Ok(Admitted::ByTicket(what.tickets.raid));
            }
            let channel = self.context.store.channel(what.account).await?.unwrap_or_default();
            // It shows what the channel shows, no other raid of the account.
            if secret.is_channel_ticket(&channel, what.tickets.channel, ticket)
                && let Some(shown) = self.shown_by_channel(what.account, asker).await?
                && shown.code == what.raid_code
            {
                return Ok(Admitted::ByChannelTicket(what.tickets.channel));
            }
        }
        match what.visibility {
            Visibility::Public | Visibility::Unlisted => Ok(Admitted::AsAnybody),
            Visibility::Private => Err(HttpError::NotFound),
        }
    }

    async fn shown_by_channel(&self, account: AccountId, asker: &Asker) -> Result<Option<RaidRow>, HttpError> {
        self.channels.raid(account).await.map_err(|error| match error {
            StoreError::Damaged(why) => {
                tracing::warn!(why, "a channel's raid cannot be read");
                unreadable(asker)
            }
            error @ StoreError::Unavailable(_) => error.into(),
        })
    }

    /// What was read of a report; where that is damaged, it is set aside.
    fn of_report<T>(&self, report_id: &str, asker: &Asker, read: Result<T, StoreError>) -> Result<T, HttpError> {
        read.map_err(|error| match self.context.set_aside.is_damaged(report_id, &error) {
            true => unreadable(asker),
            false => error.into(),
        })
    }
}

/// What is answered of what cannot be read: nothing tells any more whether a stranger may know that it exists.
fn unreadable(asker: &Asker) -> HttpError {
    if asker.accounts.is_empty() { HttpError::NotFound } else { HttpError::SetAside }
}
