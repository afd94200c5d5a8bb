//! Fights of a meter's database, and what was read of one.

use raidcast_shared::event::SourceEvent;
use raidcast_shared::id::EncounterId;
use raidcast_shared::uplink::Outcome;
use serde::{Deserialize, Serialize};

use super::cursor::CursorDelta;

/// One encounter's row, as it stands in the database now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fight {
    /// The row's id: names the encounter in this database only.
    pub row: i64,
    /// Names the encounter everywhere.
    pub encounter: EncounterId,
    /// What it was called before the meter told its player, who names it since; `None` where the meter does not.
    pub before_player: Option<EncounterId>,
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

#[cfg(test)]
impl Fight {
    /// One of which nothing is known but which it is.
    pub(crate) fn bare(row: i64) -> Self {
        Self {
            row,
            encounter: EncounterId(uuid::Uuid::from_u128(row.unsigned_abs().into())),
            before_player: None,
            started_at_ms: 0,
            scene_id: None,
            scene: None,
            difficulty: None,
            local_player: None,
            end: None,
        }
    }
}

/// How a fight ended, as the meter tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FightEnd {
    /// Unix ms.
    pub ended_at_ms: i64,
    /// As far as the meter knows.
    pub outcome: Outcome,
}

/// An encounter's row, and when it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowBegin {
    /// As [`Fight::row`].
    pub row: i64,
    /// As [`Fight::started_at_ms`].
    pub started_at_ms: i64,
}

/// What tells a fight from others in a list, as it stands in the database now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Glance {
    /// What its boss is called, of several the one that was met last; `None` where none is known by name.
    pub boss: Option<String>,
    /// Its hits and heals; `None` where they cannot be counted without reading all of it.
    pub hits: Option<u64>,
    /// Bytes of it as the meter has packed them; `None` where it packs nothing.
    pub bytes: Option<u64>,
    /// How it went, if it has ended and nothing but its hits tells that; else its row does.
    pub outcome: Option<Outcome>,
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
    /// What was yielded up to the cursor is not what stands there now: all of it is to be read over. Told by a last
    /// reading alone.
    pub altered: bool,
}
