//! What keeps a client from its work: facts, which whoever shows them puts into words.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::os_error::OsError;
use crate::path_text;
use crate::socket::Outage;
use crate::source::NoDatabase;

/// What keeps a client from reading, writing or sending.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Trouble {
    /// The state folder takes nothing.
    Stalled {
        /// Why.
        why: Stall,
    },
    /// The relay cannot be reached.
    NotConnected {
        /// Why.
        why: Outage,
        /// It was, in this run.
        #[serde(default)]
        was_connected: bool,
    },
    /// No meter database can be read.
    NoDatabase {
        /// Why.
        why: NoDatabase,
    },
    /// In the words of an earlier version of this client.
    #[serde(untagged)]
    Said(String),
}

/// Why nothing can be written to the state folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stall {
    /// It was deleted.
    Deleted {
        /// Which.
        #[serde(serialize_with = "path_text::path")]
        dir: PathBuf,
    },
    /// The disk takes nothing.
    Unwritable {
        /// The folder.
        #[serde(serialize_with = "path_text::path")]
        dir: PathBuf,
        /// What the system says.
        error: OsError,
    },
    /// A fight's log in it was deleted, and what was open of it cannot be read any more.
    SpoolLost {
        /// Which file.
        #[serde(serialize_with = "path_text::path")]
        path: PathBuf,
    },
}
