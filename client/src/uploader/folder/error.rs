//! Why the state folder cannot be used.

use std::io;
use std::path::PathBuf;

/// Why the state folder cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{self:?}")]
pub enum FolderError {
    /// Another client uses it.
    InUse {
        /// Which.
        dir: PathBuf,
        /// Its process, where it is known.
        process: Option<u32>,
    },
    /// It was deleted while it was in use, and cannot be used again.
    Deleted {
        /// Which.
        dir: PathBuf,
    },
    /// The file system says no.
    Io {
        /// Which file.
        path: PathBuf,
        /// In the system's words.
        error: io::Error,
    },
    /// A newer client has written to it, in a form that this one does not know. Nothing in it was touched.
    Newer {
        /// Which.
        dir: PathBuf,
        /// Who, as that one calls itself.
        by: String,
    },
    /// A file of it does not parse: never thrown away unasked, for it says what was sent.
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        why: Damage,
    },
}

/// What is wrong with a file of the state folder.
#[derive(Debug)]
pub enum Damage {
    /// It does not parse.
    Json(serde_json::Error),
    /// It holds a raid's secret that no client wrote: a relay would refuse it for ever.
    Secret,
}
