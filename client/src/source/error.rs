//! Why a meter's database cannot be read now.

use std::path::PathBuf;

use crate::words::sentence;

/// Why a meter database cannot be read now.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The file is not there (any more): wait for it.
    #[error("{path} is not there. It is read as soon as the meter writes it.")]
    Gone {
        /// Which.
        path: PathBuf,
    },
    /// It is there, but the meter has made no tables yet: wait for it.
    #[error("{path} has no tables yet. It is read as soon as the meter has made them.")]
    Empty {
        /// Which.
        path: PathBuf,
    },
    /// Another program holds it: try again.
    #[error("{path} is locked by another program. Trying again.")]
    Locked {
        /// Which.
        path: PathBuf,
    },
    /// It is no meter database, or of a generation that cannot be read (yet).
    #[error("{path} cannot be read: {}", sentence(why))]
    Unsupported {
        /// Which.
        path: PathBuf,
        /// What was looked at and what it showed.
        why: String,
    },
    /// The tables changed while it was open: detect its generation again.
    #[error("{path} was changed by another version of the meter. It is read anew.")]
    Upgraded {
        /// Which.
        path: PathBuf,
    },
    /// One fight cannot be read; the others can.
    #[error("the fight that began at {started_at_ms} (Unix ms) cannot be read: {}", sentence(why))]
    Unreadable {
        /// Which.
        started_at_ms: i64,
        /// Why, and what may help.
        why: String,
    },
    /// Anything else that SQLite says.
    #[error("{path} cannot be read: {}", sentence(why))]
    Database {
        /// Which.
        path: PathBuf,
        /// In SQLite's words.
        why: String,
    },
}
