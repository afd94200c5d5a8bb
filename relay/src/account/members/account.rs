//! The accounts that people hold, and those that nobody does.

use std::sync::Arc;

use raidcast_shared::account::MyAccount;
use raidcast_store::{Account, AccountId};

use super::{Members, SignedIn, invalid};
use crate::error::HttpError;

impl Members {
    pub(super) fn account_line(&self, Account { id, name, channel }: Account) -> MyAccount {
        let channel_url = format!("{}/live/{channel}", self.context.public_url);
        MyAccount { id: id.0, name: Some(name).filter(|name| !name.starts_with('@')), channel_url }
    }

    /// The accounts that nobody holds.
    ///
    /// # Errors
    /// `NotAdministrator`.
    pub async fn unclaimed(&self, who: &SignedIn) -> Result<Vec<MyAccount>, HttpError> {
        Self::administrates(who)?;
        let accounts = self.context.store.unclaimed().await?;
        Ok(accounts.into_iter().map(|account| self.account_line(account)).collect())
    }

    /// Takes an account over that nobody holds.
    ///
    /// # Errors
    /// `NotAdministrator`, `SignInAgain`, `NotFound` if there is none, or somebody holds it.
    pub async fn claim(self: &Arc<Self>, who: &SignedIn, account: i64) -> Result<(), HttpError> {
        Self::administrates(who)?;
        self.fresh(who)?;
        let (person, digest) = (who.person(), who.digest);
        self.whole(move |members| async move {
            // He may be leaving.
            members.still(&digest).await?;
            if !members.context.store.claim(AccountId(account), person, members.now_ms()).await? {
                return Err(HttpError::NotFound);
            }
            tracing::info!(account, person = person.0, "an account was taken over");
            Ok(())
        })
        .await
    }

    /// The accounts that somebody holds, his own first.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn accounts(&self, who: &SignedIn) -> Result<Vec<AccountId>, HttpError> {
        let accounts = self.context.store.accounts_of(who.person()).await?;
        Ok(accounts.into_iter().map(|account| account.id).collect())
    }

    /// One of his accounts: the one that is named, or his own.
    pub(super) async fn own_account(&self, who: &SignedIn, named: Option<i64>) -> Result<AccountId, HttpError> {
        let accounts = self.accounts(who).await?;
        let account = match named {
            None => accounts.first().copied(),
            Some(id) => accounts.iter().copied().find(|account| account.0 == id),
        };
        account.ok_or_else(|| invalid("`account` is none of yours: leave it out for your own"))
    }
}
