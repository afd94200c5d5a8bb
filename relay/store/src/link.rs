//! Links that their owners made to raids and channels, each with an end or without.
//!
//! One invariant: a link's secret is kept nowhere, only its digest. A link goes with its raid, and with its account.

use crate::{AccountId, Note, StoreFuture};

/// A link's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub i64);

/// A link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkRow {
    /// Its row.
    pub id: LinkId,
    /// Whose raid or channel it opens.
    pub account: AccountId,
    /// The raid's code; `None`: it opens what the account's channel shows.
    pub raid_code: Option<String>,
    /// SHA-256 of its secret.
    pub digest: [u8; 32],
    /// What its owner calls it; may be empty.
    pub name: String,
    /// When it was made, Unix ms.
    pub created_at_ms: i64,
    /// From when it opens nothing, Unix ms, if that is known.
    pub ends_at_ms: Option<i64>,
    /// When it was used last, about, Unix ms.
    pub used_at_ms: Option<i64>,
}

impl LinkRow {
    /// Whether it is over at a time.
    pub fn is_over(&self, now_ms: i64) -> bool {
        self.ends_at_ms.is_some_and(|ends_at_ms| ends_at_ms <= now_ms)
    }
}

/// A link that is new.
#[derive(Clone, Debug)]
pub struct NewLink {
    /// As in [`LinkRow`].
    pub account: AccountId,
    /// As in [`LinkRow`].
    pub raid_code: Option<String>,
    /// SHA-256 of its secret.
    pub digest: [u8; 32],
    /// As in [`LinkRow`].
    pub name: String,
    /// As in [`LinkRow`].
    pub ends_at_ms: Option<i64>,
    /// What is noted of it.
    pub note: Note,
    /// Now, Unix ms.
    pub now_ms: i64,
}

impl NewLink {
    /// The row that is kept of it.
    pub fn kept(&self, id: LinkId) -> LinkRow {
        LinkRow {
            id,
            account: self.account,
            raid_code: self.raid_code.clone(),
            digest: self.digest,
            name: self.name.clone(),
            created_at_ms: self.now_ms,
            ends_at_ms: self.ends_at_ms,
            used_at_ms: None,
        }
    }
}

/// What became of a link that was to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Linked {
    /// It is kept.
    Kept(LinkRow),
    /// Its raid, or its account's channel, has [`LINKS_MAX`] that are not over now.
    Full,
    /// The account has no such raid, or there is none.
    NotThere,
}

/// Links that a raid may have at once, and a channel.
pub const LINKS_MAX: usize = 20;

/// Keeps links.
pub trait Links: Send + Sync {
    /// Keeps a link, and notes it.
    fn add_link<'a>(&'a self, link: &'a NewLink) -> StoreFuture<'a, Linked>;

    /// The link with a secret of this digest, also where it is over.
    fn link<'a>(&'a self, digest: &'a [u8; 32]) -> StoreFuture<'a, Option<LinkRow>>;

    /// The links of a raid, or of an account's channel, that are not over at a time, by row.
    fn links<'a>(
        &'a self,
        account: AccountId,
        raid_code: Option<&'a str>,
        now_ms: i64,
    ) -> StoreFuture<'a, Vec<LinkRow>>;

    /// Removes a link of a raid, or of an account's channel, and notes it; `None` if there is no such one.
    fn revoke_link<'a>(
        &'a self,
        account: AccountId,
        raid_code: Option<&'a str>,
        link: LinkId,
        note: Note,
    ) -> StoreFuture<'a, Option<LinkRow>>;

    /// These were used then, Unix ms. All are noted, or none.
    fn use_links<'a>(&'a self, used: &'a [(LinkId, i64)]) -> StoreFuture<'a, ()>;

    /// Removes links that were over at a time.
    fn drop_links(&self, now_ms: i64) -> StoreFuture<'_, ()>;
}
