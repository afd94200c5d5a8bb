//! What waits for a disk, on a thread of its own and for some seconds: a folder on one that does not answer hangs whoever
//! looks at it.

use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// Looks for a meter are waited for so long.
pub(super) const LOOK: Duration = Duration::from_secs(10);
/// A page of the list of fights is waited for so long: mostly it takes some ms, of a database that is locked some seconds.
pub(super) const LIST: Duration = Duration::from_secs(30);

/// What came of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum InTime<T> {
    /// It is done.
    Done(T),
    /// The disk does not answer. The thread that waits for it is left behind.
    Silent,
    /// By a mistake of the program nothing came of it.
    Fell,
}

/// Does it on a thread of its own, and waits for so long.
pub(super) async fn in_time<T: Send + 'static>(
    patience: Duration,
    what: impl FnOnce() -> T + Send + 'static,
) -> InTime<T> {
    match timeout(patience, spawn_blocking(what)).await {
        Ok(Ok(done)) => InTime::Done(done),
        Ok(Err(_)) => InTime::Fell,
        Err(_) => InTime::Silent,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use super::*;

    #[tokio::test]
    async fn what_hangs_is_not_waited_for_and_what_falls_is_told() {
        let (go, hangs) = sync_channel::<()>(0);
        assert_eq!(in_time(Duration::from_millis(1), move || hangs.recv().is_ok()).await, InTime::Silent);
        drop(go);
        assert_eq!(in_time(LOOK, || 7).await, InTime::Done(7));
        assert_eq!(in_time(LOOK, || -> u8 { panic!("as it is to") }).await, InTime::Fell);
    }
}
