//! Threads for work that can wait: folds of whole encounters, reports, bodies of uploads.
//!
//! One invariant: live work goes first. These threads have a lower priority than those that take deltas and feed
//! spectators, so that on a busy machine it is reports that come later. How much runs at once is bounded by who asks
//! ([`crate::heavy`], [`crate::span`], [`crate::ingest`]), not here.

use std::fmt;

use futures::TryFutureExt as _;
use futures::future::MapErr;
use tokio::runtime::{Builder, Runtime};
use tokio::task::{JoinError, JoinHandle, spawn_blocking};

/// By so much its threads are nicer: where both want to run, the scheduler gives them a tenth of what a live thread gets.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;

/// What ran in the background broke off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("work in the background broke off")]
pub struct Broken;

/// Work that was begun.
pub type Running<T> = MapErr<JoinHandle<T>, fn(JoinError) -> Broken>;

/// See the module's page.
pub struct Background {
    /// Only its threads for blocking work are used. `None` where the system gave it none: the work has threads of the
    /// relay's own then.
    runtime: Option<Runtime>,
}

impl Default for Background {
    fn default() -> Self {
        let runtime = Builder::new_current_thread().thread_name("background").on_thread_start(give_way).build();
        if let Err(error) = &runtime {
            tracing::warn!(%error, "work in the background is not behind live work");
        }
        Self { runtime: runtime.ok() }
    }
}

impl Background {
    /// Begins some work, which is done to its end also where nobody waits for it: gives what it comes to, or `Broken` if
    /// it panicked.
    pub fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Running<T> {
        // What it says in the log is said for who asked.
        let asker = tracing::Span::current();
        let work = move || asker.in_scope(work);
        let running = match &self.runtime {
            Some(runtime) => runtime.spawn_blocking(work),
            None => spawn_blocking(work),
        };
        running.map_err(|_| Broken)
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Who drops it may be a task, and a task must not wait for threads.
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for Background {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Background").finish_non_exhaustive()
    }
}

/// Puts the thread that calls it behind the others. On Linux a priority is a thread's own; elsewhere it is the whole
/// process's, and nothing is changed.
fn give_way() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::nice(NICENESS) {
        tracing::debug!(%error, "a background thread keeps its priority");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    #[cfg(target_os = "linux")]
    async fn its_threads_are_behind_the_others_and_no_other_thread_is() {
        let niceness = || rustix::process::getpriority_process(None).unwrap();
        let before = niceness();
        let background = Background::default();
        assert_eq!(background.run(niceness).await, Ok((before + NICENESS).min(19)));
        assert_eq!((niceness(), spawn_blocking(niceness).await.unwrap()), (before, before));
    }

    #[tokio::test]
    async fn what_panics_is_broken_and_the_next_runs() {
        let background = Background::default();
        assert_eq!(background.run(|| panic!("on purpose")).await, Err::<(), _>(Broken));
        assert_eq!(background.run(|| 7).await, Ok(7));
    }
}
