//! What accounts have used of their limits: kept now and then, so that a restart gives nobody a new day.

use crate::{AccountId, StoreFuture};

/// How much of a limit was used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    /// Whose.
    pub account: AccountId,
    /// Of which limit; the caller's own name of it.
    pub what: String,
    /// Since when, Unix ms.
    pub since_ms: i64,
    /// How much.
    pub used: u64,
}

/// Keeps what was used.
pub trait Usage: Send + Sync {
    /// Keeps these, each in place of what was kept of its account and limit; the others stay. All of them, or none.
    fn keep_used<'a>(&'a self, used: &'a [Use]) -> StoreFuture<'a, ()>;

    /// All that is kept, by account and name.
    fn used(&self) -> StoreFuture<'_, Vec<Use>>;
}
