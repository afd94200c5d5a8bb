//! Why a database did not do it, in the words that every store has for it.

use futures::future::BoxFuture;

/// What a call of the store gives.
pub type StoreFuture<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

/// Why the database did not do it.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// It takes no reads or writes now (full disk, lock, lost connection): try again later.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// What it holds is not what was written, or the schema is another version's.
    #[error("the database holds something unexpected: {0}")]
    Damaged(String),
}

impl StoreError {
    /// The store was closed.
    pub fn closed() -> Self {
        Self::Unavailable("it is closed".into())
    }

    /// The schema is of a relay that came after this one.
    pub fn later_schema(version: i64) -> Self {
        Self::Damaged(format!(
            "its schema has version {version}, which this relay does not know: run the newer relay, or restore a backup"
        ))
    }

    /// Rows are to be put into a store that has raids, fights, people or keys.
    pub fn not_empty() -> Self {
        Self::Damaged("it holds raids or people already: give a database without any".into())
    }
}
