//! A meter's database that was found, and which generation of meter wrote it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Where a meter database is, and what wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The file.
    pub path: PathBuf,
    /// How it stores fights.
    pub generation: Generation,
    /// Which meter, by its path and tables.
    pub meter: String,
}

/// The generations of meter databases (one file of this module each).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Generation {
    /// A: a row for each hit while the fight goes on.
    Events,
    /// B: counters that grow, no single hits.
    Counters,
    /// C: JSON arrays of hits that grow.
    Aggregate,
    /// D: one summary when the fight is over.
    Summary,
    /// E: sealed chunks of events.
    Journal,
}
