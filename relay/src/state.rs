//! What requests share, and who may see what.

use std::sync::Arc;

use axum::http::HeaderMap;
use raidcast_shared::limits::REPLAYS_MAX;
use raidcast_shared::uplink::Visibility;
use raidcast_store::{AccountId, RaidRow, Store};
use serde::Deserialize;
use tokio::sync::Semaphore;

use crate::account::Keyring;
use crate::answers::Answers;
use crate::error::HttpError;
use crate::raid::{RaidRegistry, Shared};
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
        let spans = Arc::new(Spans::new(Arc::clone(&registry)));
        let answers = Arc::new(Answers::new(Arc::clone(&spans)));
        Self { registry, keys: Arc::new(keys), spans, answers, replays: Arc::new(Semaphore::new(REPLAYS_MAX)) }
    }

    /// What raids share too.
    pub fn shared(&self) -> &Shared {
        &self.registry.shared
    }

    /// The database.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.registry.shared.store
    }

    /// The account of the key in a request's headers; `None` without a key that is known.
    pub async fn account(&self, headers: &HeaderMap) -> Result<Option<AccountId>, HttpError> {
        let key = headers.get("x-api-key").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let Some(name) = self.keys.account(key.trim()) else { return Ok(None) };
        let channel = self.shared().entropy.code(8);
        Ok(Some(self.store().account(name, &channel).await?.id))
    }

    /// Whether a request may see what belongs to a raid: private ones need the uploader's key or a ticket.
    pub async fn may_see(
        &self,
        owner: AccountId,
        raid_code: &str,
        visibility: Visibility,
        headers: &HeaderMap,
        ticket: Option<&str>,
    ) -> Result<bool, HttpError> {
        if visibility != Visibility::Private {
            return Ok(true);
        }
        if ticket.is_some_and(|ticket| self.shared().secret.is_ticket(raid_code, ticket)) {
            return Ok(true);
        }
        Ok(self.account(headers).await? == Some(owner))
    }

    /// The raid with this code, if the request may see it.
    pub async fn visible_raid(
        &self,
        code: &str,
        headers: &HeaderMap,
        ticket: Option<&str>,
    ) -> Result<RaidRow, HttpError> {
        let raid = self.store().raid_by_code(code).await?.ok_or(HttpError::NotFound)?;
        match self.may_see(raid.account, code, raid.visibility, headers, ticket).await? {
            true => Ok(raid),
            false => Err(HttpError::NotFound),
        }
    }

    /// The raid that a channel shows, if the request may see it.
    pub async fn channel_raid(
        &self,
        channel: &str,
        headers: &HeaderMap,
        ticket: Option<&str>,
    ) -> Result<RaidRow, HttpError> {
        let account = self.store().account_by_channel(channel).await?.ok_or(HttpError::NotFound)?;
        let raid = self.registry.channel_raid(account.id).await?.ok_or(HttpError::NotFound)?;
        match self.may_see(raid.account, &raid.code, raid.visibility, headers, ticket).await? {
            true => Ok(raid),
            false => Err(HttpError::NotFound),
        }
    }
}
