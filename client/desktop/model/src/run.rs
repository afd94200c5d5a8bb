//! Who follows the meter, as a task beside the model's: it is started, told what to do, and ended.
//!
//! One invariant: of two runs on a folder the next begins only when the one before has given everything back.

use std::sync::Arc;
use std::time::Duration;

use raidcast::uploader::{self, Change, FolderError, Options, Order, Seat, Summary, WatchError};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::hearing::Hearing;

/// What is waited before a run is tried again: longer each time.
const AGAIN: [Duration; 3] = [Duration::from_secs(10), Duration::from_mins(1), Duration::from_mins(5)];
/// A run that is told to end has ended by then: it syncs its files and says goodbye to the relay.
const END: Duration = Duration::from_secs(3);

/// Who follows the meter.
pub(crate) struct Run {
    orders: mpsc::Sender<Order>,
    shutdown: CancellationToken,
    task: JoinHandle<Result<Summary, WatchError>>,
}

/// How a run came to its end.
#[derive(Debug)]
pub(crate) enum RunEnd {
    /// As it says.
    Told(Result<Summary, WatchError>),
    /// By a mistake of the program.
    Fell,
}

impl Run {
    /// Starts it on a folder that is held; `hearing` hears of each change at once.
    pub(crate) fn start(seat: Arc<Seat>, options: Options, hearing: Arc<Hearing>) -> Self {
        let (orders, taken) = uploader::orders();
        let shutdown = CancellationToken::new();
        let (until, clock) = (shutdown.clone(), options.clock.clone());
        let sink = move |change: Change| hearing.hear(&change, clock.unix_ms());
        let task = tokio::spawn(uploader::run_on(seat, options, taken, until, sink));
        Self { orders, shutdown, task }
    }

    /// Gives an order; whether it is taken. One that stands still takes none.
    pub(crate) fn order(&self, order: Order) -> bool {
        self.orders.try_send(order).is_ok()
    }

    /// Waits until it comes to an end by itself. Not to be awaited again when it has.
    pub(crate) async fn ended(&mut self) -> RunEnd {
        match (&mut self.task).await {
            Ok(told) => RunEnd::Told(told),
            Err(_) => RunEnd::Fell,
        }
    }

    /// Ends it: everything that it read is on the disk then.
    pub(crate) async fn end(mut self) {
        self.shutdown.cancel();
        if timeout(END, &mut self.task).await.is_err() {
            tracing::warn!("the run did not end in time");
            self.task.abort();
            // It gives back what it holds also so.
            let _ = (&mut self.task).await;
        }
    }
}

/// Whether it may go well when it is tried again: everything may that somebody else can set right meanwhile.
pub(crate) fn may_pass(error: &WatchError) -> bool {
    match error {
        // Settings are read again when they are changed here.
        WatchError::Address(_) => false,
        WatchError::Folder(_)
        | WatchError::Spool(_)
        | WatchError::Unauthorized { .. }
        | WatchError::Forbidden { .. }
        | WatchError::Refused { .. }
        | WatchError::NoMeter { .. } => true,
    }
}

/// Whether the folder that is held is of no more use: another one is to be taken.
pub(crate) fn is_gone(error: &WatchError) -> bool {
    matches!(error, WatchError::Folder(FolderError::Deleted { .. }))
}

/// What is waited before the next try, behind so many that went wrong.
pub(crate) fn wait_after(tries: usize) -> Duration {
    AGAIN[tries.saturating_sub(1).min(AGAIN.len() - 1)]
}

#[cfg(test)]
mod tests {
    use raidcast::socket::AddressError;

    use super::*;

    #[test]
    fn what_may_pass_is_tried_again_at_greater_and_greater_intervals() {
        let seconds = |tries| wait_after(tries).as_secs();
        assert_eq!([seconds(0), seconds(1), seconds(2), seconds(3), seconds(99)], [10, 10, 60, 300, 300]);
        assert!(!may_pass(&WatchError::Address(AddressError::Key)));
        assert!(may_pass(&WatchError::Unauthorized { text: String::new() }));
        let deleted = WatchError::Folder(FolderError::Deleted { dir: "/s".into() });
        assert!(may_pass(&deleted) && is_gone(&deleted));
    }
}
