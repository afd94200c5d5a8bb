//! Raids, and which of their links are good.

use raidcast_shared::id::RaidId;
use raidcast_shared::uplink::{NamesPolicy, Visibility};

use crate::{AccountId, StoreFuture};

/// Which tickets of a raid are good: each renewal counts one on, and ends those before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tickets {
    /// The raid's own.
    pub raid: u32,
    /// Those of its account's channel.
    pub channel: u32,
}

/// A raid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RaidRow {
    /// As its client made it.
    pub id: RaidId,
    /// Whose.
    pub account: AccountId,
    /// Names it in URLs.
    pub code: String,
    /// SHA-256 of the secret that its client proves itself by.
    pub secret_digest: [u8; 32],
    /// What its uploader calls it.
    pub title: Option<String>,
    /// Who may see it.
    pub visibility: Visibility,
    /// Which names spectators see.
    pub names: NamesPolicy,
    /// Unix ms.
    pub created_at_ms: i64,
    /// When its last fight had its last event, or it began: Unix ms.
    pub active_at_ms: i64,
    /// Whether it has ended.
    pub closed: bool,
    /// Whether it is of fights that had ended when they came. That never changes.
    pub history: bool,
    /// Which tickets are good. A new raid has the first of its own, whatever stands here.
    pub tickets: Tickets,
}

/// Keeps raids.
pub trait Raids: Send + Sync {
    /// Keeps a new raid. One with its id or code must not exist: it is `Damaged` then. It is active now: raids of its
    /// account that claim to have been active later (a clock was ahead) were so before it.
    fn insert_raid<'a>(&'a self, raid: &'a RaidRow) -> StoreFuture<'a, ()>;

    /// Replaces what may change of a raid: title, visibility and names (of its reports too), whether it is closed.
    fn update_raid<'a>(&'a self, raid: &'a RaidRow) -> StoreFuture<'a, ()>;

    /// Says that a raid is active now, and changes nothing else of it; `Damaged` if there is no such raid. Raids of its
    /// account that claim to have been active later (a clock was ahead) were so before it.
    fn touch_raid<'a>(&'a self, code: &'a str, active_at_ms: i64) -> StoreFuture<'a, ()>;

    /// Ends all tickets of a raid and of its account's channel, and tells which are good from now on; `None` if there is
    /// no such raid.
    fn renew_tickets<'a>(&'a self, code: &'a str) -> StoreFuture<'a, Option<Tickets>>;

    /// The raid with the id that its client made, of any account.
    fn raid_by_id(&self, id: RaidId) -> StoreFuture<'_, Option<RaidRow>>;

    /// The raid with this code.
    fn raid_by_code<'a>(&'a self, code: &'a str) -> StoreFuture<'a, Option<RaidRow>>;

    /// An account's newest raid: the one that was active last, of old fights only where there is no other.
    fn newest_raid(&self, account: AccountId) -> StoreFuture<'_, Option<RaidRow>>;
}
