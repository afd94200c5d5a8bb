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
    #[serde(rename = "journal")]
    Chunks,
}

impl Generation {
    /// Its name, as files and programs have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Counters => "counters",
            Self::Aggregate => "aggregate",
            Self::Summary => "summary",
            Self::Chunks => "journal",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generations_name_is_the_one_that_is_stored() {
        for generation in
            [Generation::Events, Generation::Counters, Generation::Aggregate, Generation::Summary, Generation::Chunks]
        {
            assert_eq!(serde_json::to_value(generation).unwrap(), generation.name());
        }
    }
}
