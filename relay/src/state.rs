//! What requests share, and who may see what.

use std::sync::Arc;

use axum::http::HeaderMap;
use bytes::Bytes;
use raidcast_shared::limits::REPLAYS_MAX;
use raidcast_shared::uplink::Visibility;
use raidcast_store::{AccountId, EncounterKey, EncounterRow, RaidRow, Store, StoreError};
use serde::Deserialize;
use tokio::sync::Semaphore;

use crate::access::{Admitted, Asker, Guarded};
use crate::account::Keyring;
use crate::answers::Answers;
use crate::context::Context;
use crate::error::HttpError;
use crate::raid::RaidRegistry;
use crate::span::Spans;

/// What requests share.
#[derive(Clone)]
pub struct AppState {
    /// Finds raids.
    pub registry: Arc<RaidRegistry>,
    /// Upload keys.
    pub keys: Arc<Keyring>,
    /// Folds spans.
    pub spans: Arc<Spans>,
    /// Makes answers of reports.
    pub answers: Arc<Answers>,
    /// One permit for each fight that is played.
    pub replays: Arc<Semaphore>,
}

/// `?ticket=…`, which lets its holder see a private raid.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct TicketQuery {
    /// The ticket.
    pub ticket: Option<String>,
}

impl AppState {
    /// State around a registry.
    pub fn new(registry: Arc<RaidRegistry>, keys: Keyring) -> Self {
        let spans = Arc::new(Spans::new(Arc::clone(&registry.context), Arc::clone(&registry.directory)));
        let answers = Arc::new(Answers::new(Arc::clone(&spans)));
        Self { registry, keys: Arc::new(keys), spans, answers, replays: Arc::new(Semaphore::new(REPLAYS_MAX)) }
    }

    /// What raids share too.
    pub fn context(&self) -> &Context {
        &self.registry.context
    }

    /// The database.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.registry.context.store
    }

    /// The account of the key in a request's headers; `None` without a key that is known.
    pub async fn account(&self, headers: &HeaderMap) -> Result<Option<AccountId>, HttpError> {
        let key = headers.get("x-api-key").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let Some(name) = self.keys.account(key.trim()) else { return Ok(None) };
        let channel = self.context().entropy.code(8);
        Ok(Some(self.store().account(name, &channel).await?.id))
    }

    /// Who asks.
    pub async fn asker(&self, headers: &HeaderMap, ticket: Option<&str>) -> Result<Asker, HttpError> {
        Ok(Asker { account: self.account(headers).await?, ticket: ticket.map(str::to_owned) })
    }

    /// A report's encounter and its kept record; what is damaged of it is set aside. Who asks is not admitted yet.
    ///
    /// # Errors
    /// `NotFound` if there is no such report.
    pub async fn report(&self, report_id: &str, asker: &Asker) -> Result<(EncounterRow, Option<Bytes>), HttpError> {
        let found = self.of_report(report_id, asker, self.store().report(report_id).await)?;
        found.ok_or(HttpError::NotFound)
    }

    /// What was read of a report; where that is damaged, it is set aside.
    fn of_report<T>(&self, report_id: &str, asker: &Asker, read: Result<T, StoreError>) -> Result<T, HttpError> {
        read.map_err(|error| match self.context().set_aside.is_damaged(report_id, &error) {
            true => unreadable(asker),
            false => error.into(),
        })
    }

    /// By what somebody may see what belongs to a raid: private ones need the uploader's key or a ticket.
    ///
    /// # Errors
    /// `NotFound` if he may not: that it exists is nothing for him either.
    pub async fn admit(&self, asker: &Asker, what: Guarded<'_>) -> Result<Admitted, HttpError> {
        if asker.account == Some(what.account) {
            return Ok(Admitted::AsUploader);
        }
        if let Some(ticket) = &asker.ticket {
            let secret = &self.context().secret;
            if secret.is_ticket(what.raid_code, what.tickets.raid, ticket) {
                return Ok(Admitted::ByTicket(what.tickets.raid));
            }
            let channel = self.store().channel(what.account).await?.unwrap_or_default();
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

    /// Asks again, when an answer is ready that took a while: what somebody may see may have changed meanwhile, and the
    /// report may be another raid's by now.
    ///
    /// # Errors
    /// `NotFound` if he may no longer see the report.
    pub async fn still_admitted(&self, asker: &Asker, report: &EncounterRow) -> Result<EncounterRow, HttpError> {
        let EncounterKey { account, encounter } = report.key;
        let now = self.of_report(&report.report_id, asker, self.store().encounter(account, encounter).await)?;
        let now = now.filter(|now| now.report_id == report.report_id).ok_or(HttpError::NotFound)?;
        self.admit(asker, (&now).into()).await?;
        Ok(now)
    }

    /// The raid with this code, and by what its asker may see it.
    pub async fn visible_raid(&self, code: &str, asker: &Asker) -> Result<(RaidRow, Admitted), HttpError> {
        let raid = self.store().raid_by_code(code).await.map_err(|error| match error {
            StoreError::Damaged(why) => {
                self.context().set_aside.raid(code, &why);
                unreadable(asker)
            }
            error @ StoreError::Unavailable(_) => error.into(),
        });
        let raid = raid?.ok_or(HttpError::NotFound)?;
        let admitted = self.admit(asker, (&raid).into()).await?;
        Ok((raid, admitted))
    }

    /// The raid that a channel shows, and by what its asker may see it.
    pub async fn channel_raid(&self, channel: &str, asker: &Asker) -> Result<(RaidRow, Admitted), HttpError> {
        let account = self.store().account_by_channel(channel).await?.ok_or(HttpError::NotFound)?;
        let raid = self.shown_by_channel(account.id, asker).await?.ok_or(HttpError::NotFound)?;
        let admitted = self.admit(asker, (&raid).into()).await?;
        Ok((raid, admitted))
    }

    async fn shown_by_channel(&self, account: AccountId, asker: &Asker) -> Result<Option<RaidRow>, HttpError> {
        self.registry.channels.raid(account).await.map_err(|error| match error {
            StoreError::Damaged(why) => {
                tracing::warn!(why, "a channel's raid cannot be read");
                unreadable(asker)
            }
            error @ StoreError::Unavailable(_) => error.into(),
        })
    }
}

/// What is answered of what cannot be read: nothing tells any more whether a stranger may know that it exists.
fn unreadable(asker: &Asker) -> HttpError {
    if asker.account.is_some() { HttpError::SetAside } else { HttpError::NotFound }
}
