//! Fights of a meter's database, what was read of one, and how far.

use std::collections::BTreeMap;

use raidcast_shared::event::SourceEvent;
use raidcast_shared::id::EncounterId;
use raidcast_shared::uplink::Outcome;
use serde::{Deserialize, Serialize};

/// What one place of the database held when it was read last: a row's table and id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CursorKey(pub u8, pub i64);

/// How far a place was read: two counters that the source chooses (hits and bytes, an index, a hash of facts).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CursorValue(pub u64, pub u64);

/// How far one encounter was read, place by place.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor(pub BTreeMap<CursorKey, CursorValue>);

/// The places of a cursor that a reading moved.
pub type CursorDelta = Vec<(CursorKey, CursorValue)>;

impl Cursor {
    /// Moves on to where a reading ended.
    pub fn advance(&mut self, delta: &CursorDelta) {
        self.0.extend(delta.iter().copied());
    }

    /// How far the place was read; `None` if never.
    pub fn get(&self, key: CursorKey) -> Option<CursorValue> {
        self.0.get(&key).copied()
    }
}

/// One encounter's row, as it stands in the database now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fight {
    /// The row's id: names the encounter in this database only.
    pub row: i64,
    /// Names the encounter everywhere.
    pub encounter: EncounterId,
    /// Unix ms.
    pub started_at_ms: i64,
    /// The game's scene.
    pub scene_id: Option<i64>,
    /// The scene's name, as the meter or its files tell it.
    pub scene: Option<String>,
    /// The game's difficulty, where the meter keeps it.
    pub difficulty: Option<i64>,
    /// Whose meter this is: the game's player id.
    pub local_player: Option<u64>,
    /// How it ended; `None` while it goes on (or after a crash of the meter).
    pub end: Option<FightEnd>,
}

/// How a fight ended, as the meter tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FightEnd {
    /// Unix ms.
    pub ended_at_ms: i64,
    /// As far as the meter knows.
    pub outcome: Outcome,
}

/// What was read of one encounter in one go.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// New events; hits in any order.
    pub events: Vec<SourceEvent>,
    /// Where the cursor stands after them.
    pub cursor: CursorDelta,
    /// More is waiting that this reading left for later (a large row read a moment ago).
    pub more: bool,
}
