//! How players are shown as they wish: what changes that, and that all who show somebody heed it.
//!
//! One invariant: when a change is answered, nothing is shown any more as it was before. What was begun is done to its end
//! also where nobody waits for it.

use std::sync::Arc;
use std::time::Duration;

use raidcast_shared::character::{BeliefForm, CharacterForm, ClaimForm, ClaimLine, OptOutForm};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::account::{Members, SignedIn};
use crate::error::HttpError;
use crate::raid::RaidRegistry;

/// So often it is looked what the store has: of a change that nobody learnt the end of, and of claims that are over.
const LOOK: Duration = Duration::from_mins(1);

/// See the module's page.
pub struct Wishing {
    registry: Arc<RaidRegistry>,
    members: Arc<Members>,
}

impl Wishing {
    /// Of these people, in these raids.
    pub fn new(registry: Arc<RaidRegistry>, members: Arc<Members>) -> Arc<Self> {
        Arc::new(Self { registry, members })
    }

    /// See [`Members::claim_character`].
    ///
    /// # Errors
    /// As there.
    pub async fn claim(self: &Arc<Self>, who: SignedIn, form: ClaimForm) -> Result<ClaimLine, HttpError> {
        self.whole(move |members| async move { members.claim_character(&who, &form).await }).await
    }

    /// See [`Members::confirm_claim`].
    ///
    /// # Errors
    /// As there.
    pub async fn confirm(self: &Arc<Self>, who: SignedIn, code: String) -> Result<(), HttpError> {
        self.whole(move |members| async move { members.confirm_claim(&who, &code).await }).await
    }

    /// See [`Members::believe_claim`].
    ///
    /// # Errors
    /// As there.
    pub async fn believe(self: &Arc<Self>, who: SignedIn, id: i64, form: BeliefForm) -> Result<(), HttpError> {
        self.whole(move |members| async move { members.believe_claim(&who, id, form).await }).await
    }

    /// See [`Members::refuse_claim`].
    ///
    /// # Errors
    /// As there.
    pub async fn refuse(self: &Arc<Self>, who: SignedIn, id: i64) -> Result<(), HttpError> {
        self.whole(move |members| async move { members.refuse_claim(&who, id).await }).await
    }

    /// See [`Members::wish`].
    ///
    /// # Errors
    /// As there.
    pub async fn wish(self: &Arc<Self>, who: SignedIn, id: i64, form: CharacterForm) -> Result<(), HttpError> {
        self.whole(move |members| async move { members.wish(&who, id, form).await }).await
    }

    /// See [`Members::opt_out`].
    ///
    /// # Errors
    /// As there.
    pub async fn opt_out(self: &Arc<Self>, who: SignedIn, form: OptOutForm) -> Result<(), HttpError> {
        self.whole(move |members| async move { members.opt_out(&who, &form).await }).await
    }

    async fn whole<T, F>(self: &Arc<Self>, work: impl FnOnce(Arc<Members>) -> F) -> Result<T, HttpError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, HttpError>> + Send + 'static,
    {
        let (registry, work) = (Arc::clone(&self.registry), work(Arc::clone(&self.members)));
        let working = tokio::spawn(async move {
            let done = work.await;
            // Also of what failed where its answer may have been lost on the way. What was refused changed nothing: nobody
            // has all wishes read again by asking for what he may not.
            if done.as_ref().err().is_none_or(may_have_changed) {
                registry.heed().await?;
            }
            done
        });
        working.await.unwrap_or(Err(HttpError::Internal))
    }

    /// Looks once a minute.
    pub async fn keep_looking(self: Arc<Self>, stop: CancellationToken) {
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while stop.run_until_cancelled(look.tick()).await.is_some() {
            if let Err(error) = self.registry.heed().await {
                tracing::warn!(%error, "could not read what players wish; trying again in a minute");
            }
        }
    }
}

/// Whether something may be otherwise although this was answered.
fn may_have_changed(error: &HttpError) -> bool {
    matches!(error, HttpError::Unavailable { .. } | HttpError::SetAside | HttpError::Internal)
}
