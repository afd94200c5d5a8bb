//! Where fights are folded for who asks: as many at once as the machine has cores, large ones one at a time.
//!
//! One invariant: addresses have the pool in turn, so that who asks for much waits for itself.

use std::sync::Arc;

use super::error::SpanError;
use crate::background::Broken;
use crate::context::Context;
use crate::edge::Address;
use crate::heavy::Heavy;
use crate::limits::FOLDS_WAITING_PER_ADDRESS;
use crate::turns::Turns;

/// See the module's page.
pub struct FoldPool {
    context: Arc<Context>,
    /// One place a thread.
    threads: Arc<Turns<Address>>,
    /// One place for all that unfold large ones: who waits for it takes nobody's place in the pool.
    large: Arc<Turns<Address>>,
}

impl FoldPool {
    /// A pool of `threads`, for which at most `waiting` wait.
    pub(super) fn new(context: Arc<Context>, threads: usize, waiting: usize) -> Self {
        let turns = |places| Arc::new(Turns::new(places, places, waiting, FOLDS_WAITING_PER_ADDRESS));
        Self { context, threads: turns(threads), large: turns(1) }
    }

    /// How many folds wait for it.
    pub fn waiting(&self) -> usize {
        self.threads.waiting()
    }

    /// Runs a fold on the pool, when it is its address's turn.
    ///
    /// # Errors
    /// `Busy` if too many wait already, of all or of this address.
    pub async fn run<T: Send + 'static>(
        &self,
        who: Address,
        fold: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, SpanError> {
        self.unfold(who, 0, fold).await
    }

    /// Unfolds an encounter of so many stored bytes on the pool: large ones one at a time.
    pub(crate) async fn unfold<T: Send + 'static>(
        &self,
        who: Address,
        bytes: usize,
        fold: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, SpanError> {
        let large = match Heavy::is_large(bytes) {
            true => Some(self.large.turn(who).await?),
            false => None,
        };
        let running = self.threads.turn(who).await?;
        // Last, for fights that end wait for it, too: who looks has it while it folds, and not while it waits.
        let large = (large, self.context.heavy.enter(bytes).await);
        let folding = self.context.heavy.background().run(move || {
            // Held until it is done, also where nobody waits for it any more.
            let _held = (large, running);
            fold()
        });
        folding.await.map_err(|Broken| SpanError::Broken)
    }
}
