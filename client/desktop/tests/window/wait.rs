//! Waiting for what no message tells: it is looked for again and again, and not for ever.

use std::fmt::Display;
use std::time::Duration;

/// So long something may take on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_mins(1);
/// From one look to the next.
const STEP: Duration = Duration::from_millis(30);

/// Waits until a look finds something; gives it.
pub(crate) async fn until<T>(what: impl Display, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let looking = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(STEP).await;
        }
    };
    let found = tokio::time::timeout(PATIENCE, looking).await;
    found.unwrap_or_else(|_| panic!("in {PATIENCE:?} it did not come to be that {what}"))
}

/// Waits until something is so.
pub(crate) async fn becomes(what: impl Display, mut so: impl AsyncFnMut() -> bool) {
    until(what, async || so().await.then_some(())).await;
}
