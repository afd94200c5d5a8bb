//! Who uploads.

use crate::{StoreError, StoreFuture};

/// An account's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(pub i64);

/// The row of a key that somebody made for an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub i64);

/// Who uploads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its row.
    pub id: AccountId,
    /// Its name: that of the key in the configuration, or `@` and the row of the person whose own it is.
    pub name: String,
    /// Names its channel in URLs.
    pub channel: String,
}

/// Why nothing begins in an account.
pub fn no_account(account: AccountId) -> StoreError {
    StoreError::Damaged(format!("no account {}, or it is being deleted", account.0))
}

/// Keeps accounts.
pub trait Accounts: Send + Sync {
    /// The account with this name, made if it is new. Its channel stays for ever.
    fn account<'a>(&'a self, name: &'a str, channel_if_new: &'a str) -> StoreFuture<'a, Account>;

    /// The account that a channel belongs to.
    fn account_by_channel<'a>(&'a self, channel: &'a str) -> StoreFuture<'a, Option<Account>>;

    /// The channel of an account.
    fn channel(&self, account: AccountId) -> StoreFuture<'_, Option<String>>;
}
