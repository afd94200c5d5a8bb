//! Webhooks: where nights of an account are told of in a chat, and which message there tells of which raid.
//!
//! Three invariants. An address is kept as the caller sealed it, and two are known to be one by their digests alone. That
//! a raid has something else to tell is a job, written in the transaction that changed what everybody sees of it, for each
//! raid one: it is done when nothing has changed since it was given to somebody. What takes a raid out of a night is a job of
//! those that are told with it, too. And a message is a raid's: it goes with
//! it, and that it is to go from the chat is a job, too. Deliberately not here: what is told, and to whom it may be.

pub use raidcast_shared::webhook::WebhookStop;

use crate::{AccountId, JobKey, Note, StoreFuture};

/// Raids of one night beside the one that is asked for, and pairs of their reports, that are looked up at once.
pub const NIGHT_PAIRS_MAX: u32 = 2_000;

/// A webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookRow {
    /// Whose nights it is told of.
    pub account: AccountId,
    /// SHA-256 of its address.
    pub digest: [u8; 32],
    /// Its address, sealed.
    pub sealed: Vec<u8>,
    /// Whose server it is.
    pub host: String,
    /// When it was set, Unix ms.
    pub set_at_ms: i64,
    /// When anything was sent there last, Unix ms.
    pub sent_at_ms: Option<i64>,
    /// Why nothing is sent any more, and since when, Unix ms.
    pub stopped: Option<(WebhookStop, i64)>,
}

/// A webhook that is to be set.
#[derive(Clone, Debug)]
pub struct NewWebhook {
    /// As in [`WebhookRow`].
    pub account: AccountId,
    /// As in [`WebhookRow`].
    pub digest: [u8; 32],
    /// As in [`WebhookRow`].
    pub sealed: Vec<u8>,
    /// As in [`WebhookRow`].
    pub host: String,
    /// What is noted of it, with the time at which it is set.
    pub note: Note,
}

/// A message that tells of a raid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookMessage {
    /// Of the webhook in which it stands.
    pub digest: [u8; 32],
    /// What the chat calls it.
    pub message: String,
    /// SHA-256 of what it says.
    pub shown: [u8; 32],
    /// When it was sent or edited last, Unix ms.
    pub sent_at_ms: i64,
}

/// A report of a raid, and another raid's report of the same fight, where both raids are told in one webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NightPair {
    /// The raid's own report.
    pub report_id: String,
    /// The other raid.
    pub other_raid: String,
    /// Its report.
    pub other_report: String,
}

/// What a job of a webhook says is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WebhookJob<'a> {
    /// To tell what is shown of the raid with this code.
    Raid(&'a str),
    /// To delete the message of a raid that is gone, by what the chat calls it.
    Gone(&'a str),
}

impl<'a> WebhookJob<'a> {
    /// As it stands in a job; `None` if that cannot be read. No raid's code has a colon.
    pub fn of(data: &'a [u8]) -> Option<Self> {
        let text = std::str::from_utf8(data).ok()?;
        Some(text.strip_prefix("gone:").map_or(Self::Raid(text), Self::Gone))
    }
}

/// Keeps webhooks.
pub trait Webhooks: Send + Sync {
    /// Sets an account's webhook in place of another, and notes it; `false` if there is no such account. What is to be told is
    /// due at once, with no tries.
    fn set_webhook<'a>(&'a self, new: &'a NewWebhook) -> StoreFuture<'a, bool>;

    /// An account's webhook.
    fn webhook(&self, account: AccountId) -> StoreFuture<'_, Option<WebhookRow>>;

    /// A webhook with this digest that has not stopped, if anybody has it: of several, that of the first account.
    fn webhook_with<'a>(&'a self, digest: &'a [u8; 32]) -> StoreFuture<'a, Option<WebhookRow>>;

    /// Removes an account's webhook and what is known of its messages, and notes it; `false` if there is none.
    fn remove_webhook(&self, account: AccountId, note: Note) -> StoreFuture<'_, bool>;

    /// Nothing is sent any more to a webhook with this digest, whoever has set it.
    fn stop_webhook<'a>(&'a self, digest: &'a [u8; 32], why: WebhookStop, now_ms: i64) -> StoreFuture<'a, ()>;

    /// The message that tells of a raid.
    fn webhook_message<'a>(&'a self, raid_code: &'a str) -> StoreFuture<'a, Option<WebhookMessage>>;

    /// Keeps which message tells of a raid, in place of another; if the raid is gone, that the message is to go is a job.
    fn keep_webhook_message<'a>(&'a self, raid_code: &'a str, message: &'a WebhookMessage) -> StoreFuture<'a, ()>;

    /// No message tells of a raid any more.
    fn drop_webhook_message<'a>(&'a self, raid_code: &'a str) -> StoreFuture<'a, ()>;

    /// Reports of a raid that others have too, whose accounts tell their nights in a webhook with this digest: the newest
    /// pairs, up to [`NIGHT_PAIRS_MAX`]. A raid that hides players has none, and is nobody's other.
    fn same_night<'a>(&'a self, raid_code: &'a str, digest: &'a [u8; 32]) -> StoreFuture<'a, Vec<NightPair>>;

    /// A job is done, unless it was written again since it was given to somebody (`created_at_ms`), or removed and written
    /// anew: then it is due.
    fn finish_webhook_job(&self, key: JobKey, created_at_ms: i64) -> StoreFuture<'_, ()>;
}
