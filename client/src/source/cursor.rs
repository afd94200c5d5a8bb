//! How far a fight was read: written and understood by its source alone, kept by everybody else as it is.
//!
//! One invariant: no part of it can be made or looked into outside of the sources; what the client itself remembers of a
//! fight stands beside it under a [`Mark`]. Spools keep it, so its stored form stays.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What is counted: its kind (a prefix that the source chooses), and which of them (a row's id).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CursorKey(pub(super) u8, pub(super) i64);

/// How far it was read: two counters that the source chooses (hits and bytes, an index, a hash of facts).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CursorValue(pub(super) u64, pub(super) u64);

/// How far one encounter was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor(BTreeMap<CursorKey, CursorValue>);

/// What a reading moved in a cursor.
pub type CursorDelta = Vec<(CursorKey, CursorValue)>;

impl Cursor {
    /// Moves on to where a reading ended.
    pub fn advance(&mut self, delta: &CursorDelta) {
        self.0.extend(delta.iter().copied());
    }

    /// Whether nothing was read.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How far it was read; `None` if never.
    pub(super) fn get(&self, key: CursorKey) -> Option<CursorValue> {
        self.0.get(&key).copied()
    }

    /// All that is counted under a prefix: which, and how far it was read.
    pub(super) fn of_prefix(&self, prefix: u8) -> impl Iterator<Item = (i64, CursorValue)> {
        let all = CursorKey(prefix, i64::MIN)..=CursorKey(prefix, i64::MAX);
        self.0.range(all).map(|(key, value)| (key.1, *value))
    }
}

/// What the client itself remembers of a fight beside a source's cursor: two numbers for each mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark(pub(crate) i64);

impl Mark {
    /// The prefix of marks in cursors and in source keys, which no source uses.
    pub(crate) const PREFIX: u8 = u8::MAX;

    /// What was remembered last; `None` if nothing was.
    pub(crate) fn get(self, cursor: &Cursor) -> Option<(u64, u64)> {
        cursor.get(CursorKey(Self::PREFIX, self.0)).map(|CursorValue(first, second)| (first, second))
    }

    /// A move of the cursor that remembers this.
    pub(crate) fn set(self, first: u64, second: u64) -> (CursorKey, CursorValue) {
        (CursorKey(Self::PREFIX, self.0), CursorValue(first, second))
    }
}
