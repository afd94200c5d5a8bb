//! Folds of whole encounters, beside the runtime's threads: small ones as they come, large ones one at a time.
//!
//! One invariant: at most one large encounter is unfolded at any time, so that End, a start, a span and a timeline
//! together stay within the memory that one of the largest size takes (about 400 MB), however many ask. The suite's
//! `memory` gives a relay a gibibyte of address space more than an idle one has.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};

use crate::background::{Background, Broken};
use crate::limits::JOURNALS_AT_ONCE;

/// An encounter is large from so many stored bytes on: about 70,000 hits, which unfold to some ten megabytes.
const LARGE_BYTES: usize = 512 * 1024;

/// See the module's page.
#[derive(Debug)]
pub struct Heavy {
    background: Arc<Background>,
    large: Arc<Semaphore>,
    journals: Semaphore,
    looked_at: Semaphore,
}

impl Default for Heavy {
    fn default() -> Self {
        Self {
            background: Arc::default(),
            large: Arc::new(Semaphore::new(1)),
            journals: Semaphore::new(JOURNALS_AT_ONCE),
            looked_at: Semaphore::new(1),
        }
    }
}

impl Heavy {
    /// Where it folds, for work of other kinds that can wait as well.
    pub fn background(&self) -> &Arc<Background> {
        &self.background
    }

    /// Whether an encounter of so many stored bytes is a large one.
    pub fn is_large(bytes: usize) -> bool {
        bytes >= LARGE_BYTES
    }

    /// Waits until one more journal may be read, to be folded as a whole; what it gives is held until that is done. So
    /// that ends of many large fights, or a start, hold a few of them at a time.
    pub async fn journal(&self) -> Option<SemaphorePermit<'_>> {
        // It is never closed.
        self.journals.acquire().await.ok()
    }

    /// The same for who only looks, one at a time: fights that end, and a start, never wait for these.
    pub async fn journal_looked_at(&self) -> Option<SemaphorePermit<'_>> {
        // It is never closed.
        self.looked_at.acquire().await.ok()
    }

    /// Waits until an encounter of so many stored bytes may be unfolded: what it gives is held meanwhile, and is `None`
    /// where nobody need wait.
    pub async fn enter(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        if !Self::is_large(bytes) {
            return None;
        }
        // It is never closed.
        Arc::clone(&self.large).acquire_owned().await.ok()
    }

    /// Unfolds an encounter of so many stored bytes.
    ///
    /// # Errors
    /// `Broken` if it panicked: what is stored is not what the fold expects.
    pub async fn run<T: Send + 'static>(
        &self,
        bytes: usize,
        fold: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Broken> {
        let large = self.enter(bytes).await;
        let folding = self.background.run(move || {
            // Held until it is done, also where nobody waits for it any more.
            let _large = large;
            fold()
        });
        folding.await
    }
}
