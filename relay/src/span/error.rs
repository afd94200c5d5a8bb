//! Why a part of a fight, or all of it, could not be folded.

use raidcast_shared::columns::ColumnsError;
use raidcast_shared::fold::CheckError;
use raidcast_shared::log::LogError;
use raidcast_store::StoreError;

use crate::error::HttpError;
use crate::turns::Full;

/// Why a span was not folded.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SpanError {
    /// More wait for the pool than it takes.
    #[error("too many parts of fights are asked for at once: try again in a moment")]
    Busy,
    /// The report is gone.
    #[error("there is no such report")]
    NotFound,
    /// What is stored of the fight cannot be read: it is set aside.
    #[error("the fight is set aside")]
    SetAside,
    /// When anything happened in it is not known.
    #[error("when anything happened in this fight is not known")]
    NoTimes,
    /// It goes on: there is nothing to be saved yet.
    #[error("this fight goes on: save it when it has ended")]
    GoesOn,
    /// What the store says.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A fold broke off.
    #[error("a fold broke off")]
    Broken,
}

impl From<SpanError> for HttpError {
    fn from(error: SpanError) -> Self {
        match error {
            SpanError::Busy => Self::Unavailable { text: error.to_string(), retry_s: 1 },
            SpanError::NotFound => Self::NotFound,
            SpanError::SetAside => Self::SetAside,
            SpanError::NoTimes => Self::NoTimes,
            SpanError::GoesOn => Self::Conflict(error.to_string()),
            SpanError::Store(error) => error.into(),
            SpanError::Broken => Self::Internal,
        }
    }
}

impl From<Full> for SpanError {
    fn from(_: Full) -> Self {
        Self::Busy
    }
}

impl From<LogError> for SpanError {
    fn from(error: LogError) -> Self {
        Self::Store(StoreError::Damaged(error.to_string()))
    }
}

impl From<ColumnsError> for SpanError {
    fn from(error: ColumnsError) -> Self {
        Self::Store(StoreError::Damaged(error.to_string()))
    }
}

impl From<CheckError> for SpanError {
    fn from(error: CheckError) -> Self {
        Self::Store(StoreError::Damaged(error.to_string()))
    }
}
