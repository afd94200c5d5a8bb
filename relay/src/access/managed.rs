//! What somebody may remove, or keep for good: what is his, also where it cannot be read any more.
//!
//! One invariant: a [`Managed`] is made where it was asked whose it is (`owner.rs`), nowhere else.

use raidcast_shared::account::Audited;
use raidcast_store::{AccountId, EncounterKey, KeyId, Note, PersonId};

/// A fight that is somebody's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnFight {
    /// Names it.
    pub key: EncounterKey,
    /// Its report.
    pub report_id: String,
}

/// A raid that is somebody's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnRaid {
    /// Whose.
    pub account: AccountId,
    /// Names it.
    pub code: String,
}

/// What belongs to who asks.
///
/// Nobody makes one up:
///
/// ```compile_fail
/// use raidcast_relay::access::{Managed, OwnRaid};
/// use raidcast_store::AccountId;
///
/// fn mine() -> Managed<OwnRaid> {
///     Managed(OwnRaid { account: AccountId(1), code: "code".into() })
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Managed<T>(T);

impl<T> Managed<T> {
    pub(super) fn new(what: T) -> Self {
        Self(what)
    }

    /// What it is.
    pub fn into_inner(self) -> T {
        self.0
    }
}

/// Somebody who may remove what belongs to his accounts: by a key that manages, or signed in on a page of the relay.
///
/// Nobody makes one up:
///
/// ```compile_fail
/// use raidcast_relay::access::Manager;
/// use raidcast_store::AccountId;
///
/// fn anybody() -> Manager {
///     Manager { accounts: vec![AccountId(1)], by: None, key: None, reads: true }
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Manager {
    pub(super) accounts: Vec<AccountId>,
    pub(super) by: Option<PersonId>,
    pub(super) key: Option<KeyId>,
    pub(super) reads: bool,
}

impl Manager {
    /// Whether he may see what his accounts keep private: else he is not given a link that shows it.
    pub fn reads(&self) -> bool {
        self.reads
    }

    /// What is noted of what he does with something of an account.
    pub fn note(&self, what: Audited, account: AccountId, at_ms: i64) -> Note {
        Note { by: self.by, key: self.key, what, about: Some(account.0), at_ms }
    }

    pub(super) fn holds(&self, account: AccountId) -> bool {
        self.accounts.contains(&account)
    }
}
