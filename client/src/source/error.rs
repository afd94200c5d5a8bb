//! Why a meter's database cannot be read now: facts, which whoever shows them puts into words.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::path_text;

/// Why there is no database that can be read now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoDatabase {
    /// None was named, and none is where meters keep theirs.
    Nowhere {
        /// Every path that was looked at.
        #[serde(serialize_with = "path_text::paths")]
        looked: Vec<PathBuf>,
        /// Wine's and Proton's folders were searched, too.
        wine: bool,
    },
    /// The one that was named could not be looked at: its disk does not answer. It is read as soon as that does.
    Silent {
        /// Which.
        #[serde(serialize_with = "path_text::path")]
        path: PathBuf,
    },
    /// None was named, and not all folders in which meters keep theirs could be looked at: a disk does not answer.
    SilentFolders,
    /// One was named or found.
    Unread(SourceError),
}

impl NoDatabase {
    /// A disk does not answer; `named`: the database that was to be looked at.
    pub fn silent(named: Option<&Path>) -> Self {
        named.map_or(Self::SilentFolders, |path| Self::Silent { path: path.to_owned() })
    }
}

impl From<SourceError> for NoDatabase {
    fn from(error: SourceError) -> Self {
        Self::Unread(error)
    }
}

/// Why a meter database cannot be read now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{self:?}")]
#[serde(rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum SourceError {
    /// The file is not there (any more): wait for it.
    Gone {
        /// Which.
        #[serde(serialize_with = "path_text::path")]
        path: PathBuf,
    },
    /// It is there, but the meter has made no tables yet: wait for it.
    Empty {
        /// Which.
        #[serde(serialize_with = "path_text::path")]
        path: PathBuf,
    },
    /// Another program holds it: try again.
    Locked {
        /// Which.
        #[serde(serialize_with = "path_text::path")]
        path: PathBuf,
    },
    /// It is no meter database, or of a generation that cannot be read (yet).
    Unsupported {
        /// Which.
        #[serde(serialize_with = "path_text::path")]
        path: PathBuf,
        /// What it is instead.
        why: Unsupported,
    },
    /// The tables changed while it was open: detect its generation again.
    Upgraded {
        /// Which.
        #[serde(serialize_with = "path_text::path")]
        path: PathBuf,
    },
    /// One fight cannot be read; the others can.
    Unreadable {
        /// When it began, Unix ms.
        started_at_ms: i64,
        /// What is wrong with it.
        why: Unreadable,
    },
    /// It is damaged: the meter may mend it.
    Damaged {
        /// Which.
        #[serde(serialize_with = "path_text::path")]
        path: PathBuf,
    },
    /// Anything else that SQLite says.
    Database {
        /// Which.
        #[serde(serialize_with = "path_text::path")]
        path: PathBuf,
        /// SQLite's extended result code; 0 where the error is not SQLite's own.
        code: i32,
        /// In SQLite's words.
        text: String,
    },
}

/// Why a file cannot be read as a meter's database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unsupported {
    /// It is a folder.
    Folder,
    /// It is a pipe or a device.
    Device,
    /// This user may not read it.
    Forbidden,
    /// The meter's last changes stand in the log beside it, which this user may not use.
    LogOfAnother,
    /// The meter was ended while it wrote, and only the meter can take back what it wrote in part.
    Interrupted,
    /// Its tables are not those of any version of the meter that is known.
    UnknownTables,
    /// It is no SQLite database.
    NotSqlite,
    /// It has none of the tables of a known meter.
    NoTables,
}

/// Why a fight cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum Unreadable {
    /// The meter has left no summary of it.
    NoSummary,
    /// Its summary is too large as it is stored.
    TooLarge {
        /// Bytes that it has.
        bytes: i64,
        /// Bytes that are read.
        at_most: i64,
    },
    /// Its summary is no zstd frame.
    NotPacked,
    /// Its summary is too long once it is unpacked.
    TooLong {
        /// Bytes that are read.
        at_most: u64,
    },
    /// Its summary has a layout that is not known: another version of the meter wrote it.
    UnknownLayout,
}
