//! Who somebody is, and where he is signed in.

use std::sync::Arc;

use raidcast_shared::account::{Me, SessionLine};
use raidcast_store::SessionId;

use super::{Members, SignedIn};
use crate::error::HttpError;

impl Members {
    /// Who somebody is.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn me(&self, who: &SignedIn) -> Result<Me, HttpError> {
        let person = self.context.store.person(who.person()).await?.ok_or(HttpError::SignedOut)?;
        let accounts = self.context.store.accounts_of(who.person()).await?;
        let accounts = accounts.into_iter().map(|account| self.account_line(account));
        Ok(Me {
            name: person.name,
            role: person.role,
            signed_in_at_ms: who.session.created_at_ms,
            fresh_until_ms: who.fresh_until_ms,
            accounts: accounts.collect(),
        })
    }

    /// Where somebody is signed in.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn sessions(&self, who: &SignedIn) -> Result<Vec<SessionLine>, HttpError> {
        let sessions = self.context.store.sessions(who.person(), self.ends()).await?;
        let lines = sessions.into_iter().map(|session| SessionLine {
            id: session.id.0,
            is_this: session.id == who.session.id,
            agent: session.agent,
            created_at_ms: session.created_at_ms,
            used_at_ms: session.used_at_ms,
        });
        Ok(lines.collect())
    }

    /// Ends one of his sessions.
    ///
    /// # Errors
    /// `NotFound` if he has no such one.
    pub async fn end_session(self: &Arc<Self>, who: &SignedIn, session: i64) -> Result<(), HttpError> {
        let (person, session) = (who.person(), SessionId(session));
        self.whole(move |members| async move {
            if !members.context.store.end_session(person, session).await? {
                return Err(HttpError::NotFound);
            }
            members.end_open(session);
            Ok(())
        })
        .await
    }

    /// Ends all of his sessions but this one.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn end_other_sessions(self: &Arc<Self>, who: &SignedIn) -> Result<(), HttpError> {
        let who = who.clone();
        self.whole(move |members| async move {
            members.context.store.end_other_sessions(who.person(), who.session.id).await?;
            members.end_open_others(&who);
            Ok(())
        })
        .await
    }
}
