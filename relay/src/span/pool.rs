//! Where fights are folded for who asks: as many at once as the machine has cores, large ones one at a time.
//!
//! One invariant: addresses have the pool in turn, so that who asks for much waits for itself. Its threads are its own:
//! where the machine has nothing to spare they give way to those that serve who fights.

use std::sync::Arc;

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

use super::error::SpanError;
use crate::context::Context;
use crate::edge::Address;
use crate::heavy::Heavy;
use crate::limits::FOLDS_WAITING_PER_ADDRESS;
use crate::turns::Turns;

/// See the module's page.
pub struct FoldPool {
    context: Arc<Context>,
    /// One place a thread.
    threads: Arc<Turns>,
    own: Threads,
    /// One place for all that unfold large ones: who waits for it takes nobody's place in the pool.
    large: Arc<Turns>,
}

impl FoldPool {
    /// A pool of `threads`, for which at most `waiting` wait.
    pub(super) fn new(context: Arc<Context>, threads: usize, waiting: usize) -> Self {
        let turns = |places| Arc::new(Turns::new(places, waiting, FOLDS_WAITING_PER_ADDRESS));
        Self { context, threads: turns(threads), large: turns(1), own: Threads::new(threads) }
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
    pub(super) async fn unfold<T: Send + 'static>(
        &self,
        who: Address,
        bytes: usize,
        fold: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, SpanError> {
        let large = match Heavy::is_large(bytes) {
            // In turn among those who look; then behind the fights that end.
            true => Some((self.large.turn(who).await?, self.context.heavy.enter(bytes).await)),
            false => None,
        };
        let running = self.threads.turn(who).await?;
        let folding = self.own.spawn(move || {
            // Held until it is done, also where nobody waits for it any more.
            let _held = (large, running);
            fold()
        });
        folding.await.map_err(|_| SpanError::Broken)
    }
}

/// The pool's own threads: none until there is something to fold, and none long after it.
struct Threads(Option<Runtime>);

impl Threads {
    /// So many at the most. Where the system gives none the runtime's own have to do.
    fn new(most: usize) -> Self {
        let mut builder = Builder::new_current_thread();
        builder.thread_name("fold").max_blocking_threads(most).on_thread_start(give_way);
        Self(builder.build().inspect_err(|error| tracing::warn!(%error, "folds have no threads of their own")).ok())
    }

    fn spawn<T: Send + 'static>(&self, fold: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
        match &self.0 {
            Some(runtime) => runtime.spawn_blocking(fold),
            None => tokio::task::spawn_blocking(fold),
        }
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        // It may be dropped where nobody may wait.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// The present thread runs behind all others from now on.
fn give_way() {
    // Elsewhere it would be the whole process.
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, 19) {
        tracing::debug!(%error, "a thread of folds does not give way");
    }
}
