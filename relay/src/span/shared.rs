//! What is made once for all who ask for it meanwhile, and kept for who asks later.

use std::hash::Hash;

use moka::future::Cache;

use super::error::SpanError;

/// What a cache holds, or what is made now for all who ask. It is made at the turn of the address that asked first: where
/// that had no room, who only joined asks for itself.
pub(super) async fn shared<K, V, F>(cache: &Cache<K, V>, key: K, make: impl Fn() -> F) -> Result<V, SpanError>
where
    F: Future<Output = Result<V, SpanError>>,
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    match cache.try_get_with(key.clone(), make()).await {
        Err(error) if matches!(*error, SpanError::Busy) => {
            cache.try_get_with(key, make()).await.map_err(|error| (*error).clone())
        }
        found => found.map_err(|error| (*error).clone()),
    }
}

/// So many bytes, as a cache counts them.
pub(super) fn cached_bytes(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
