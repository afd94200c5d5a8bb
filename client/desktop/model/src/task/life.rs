//! What is done now, and what becomes of it.

use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use crate::run::{Run, RunEnd};
use crate::settled::Settled;

/// What is done now.
pub(super) enum Life {
    /// Nothing, until somebody asks for it.
    Rests,
    /// Settings and keys are read.
    Settles(JoinHandle<Settled>),
    /// The meter is followed.
    Runs(Run),
    /// Nothing, until it is tried again.
    Waits {
        /// When.
        until: Instant,
    },
    /// Another client has the folder.
    Elsewhere {
        /// When is looked again.
        until: Instant,
    },
}

/// What became of that.
pub(super) enum Stage {
    /// Settings and keys were read; `None`: by a mistake of the program they were not.
    Settled(Option<Box<Settled>>),
    /// The run came to an end that nobody asked for.
    Ended(RunEnd),
    /// It is to be tried again.
    Again,
    /// It is to be looked whether the folder is free.
    Look,
}

impl Life {
    /// Waits for what becomes of it. Nothing is lost where it is not awaited to its end; what it gives is to be
    /// followed by another life.
    pub(super) async fn next(&mut self) -> Stage {
        match self {
            Self::Rests => std::future::pending().await,
            Self::Settles(task) => Stage::Settled(task.await.ok().map(Box::new)),
            Self::Runs(run) => Stage::Ended(run.ended().await),
            Self::Waits { until } => {
                sleep_until(*until).await;
                Stage::Again
            }
            Self::Elsewhere { until } => {
                sleep_until(*until).await;
                Stage::Look
            }
        }
    }
}
