//! What is tried until the store takes it.

use std::time::Duration;

use raidcast_store::StoreError;

/// First and longest wait between two tries.
const RETRY: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(10));

/// Does something again and again, however long the store is not available.
///
/// # Errors
/// What else the store says.
pub async fn until_available<T, F>(what: &'static str, mut attempt: impl FnMut() -> F) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>>,
{
    let mut wait = RETRY.0;
    loop {
        match attempt().await {
            Err(StoreError::Unavailable(why)) => {
                tracing::warn!(why, "{what}");
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(RETRY.1);
            }
            done => return done,
        }
    }
}
