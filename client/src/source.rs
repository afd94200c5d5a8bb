//! The seam between meters and the stream: yields the events of encounters from a meter's database.
//!
//! One invariant: a [`Reading`] and the cursor after it belong together. Whoever stores the one stores the other
//! in the same write, so that no event is read twice or left out, whenever the client ends.
//! Deliberately not here: what becomes of events (the encoder), and anything that waits (the uploader polls).

pub mod aggregate;
mod clock;
pub mod counters;
mod database;
pub mod detect;
pub mod events;
mod finished;
pub mod journal;
pub mod names;
mod roster;
pub mod summary;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use raidcast_shared::event::{Knows, SourceEvent};
use raidcast_shared::id::EncounterId;
use raidcast_shared::uplink::{MeterTotals, Outcome};
use serde::{Deserialize, Serialize};

pub(crate) use database::no_file;

use aggregate::Aggregate;
use counters::Counters;
use events::Events;
use journal::Journal;
use names::Names;
use summary::Summary;

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

/// Why a meter database cannot be read now.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The file is not there (any more): wait for it.
    #[error("{path} is not there. It is read as soon as the meter writes it")]
    Gone {
        /// Which.
        path: PathBuf,
    },
    /// It is there, but the meter has made no tables yet: wait for it.
    #[error("{path} has no tables yet. It is read as soon as the meter has made them")]
    Empty {
        /// Which.
        path: PathBuf,
    },
    /// Another program holds it: try again.
    #[error("{path} is locked by another program. Trying again")]
    Locked {
        /// Which.
        path: PathBuf,
    },
    /// It is no meter database, or of a generation that cannot be read (yet).
    #[error("{path} cannot be read: {why}")]
    Unsupported {
        /// Which.
        path: PathBuf,
        /// What was looked at and what it showed.
        why: String,
    },
    /// The tables changed while it was open: detect its generation again.
    #[error("{path} was changed by another version of the meter. It is read anew")]
    Upgraded {
        /// Which.
        path: PathBuf,
    },
    /// One fight cannot be read; the others can.
    #[error("the fight that began at {started_at_ms} (Unix ms) cannot be read: {why}")]
    Unreadable {
        /// Which.
        started_at_ms: i64,
        /// Why, and what may help.
        why: String,
    },
    /// Anything else that SQLite says.
    #[error("{path} cannot be read: {why}")]
    Database {
        /// Which.
        path: PathBuf,
        /// In SQLite's words.
        why: String,
    },
}

/// What the uploader asks of a source; one value per open database.
#[allow(async_fn_in_trait, reason = "used by name alone, never as a trait object")]
pub trait Source {
    /// What this kind of database can know of its fights.
    fn knows(&self) -> Knows;

    /// Whether anything was committed since the last call; the first call says yes. Cheap: no table is read.
    ///
    /// # Errors
    /// `Gone` and `Upgraded` when the file was taken away or altered under the connection.
    async fn changed(&mut self) -> Result<bool, SourceError>;

    /// Encounter rows with an id above `after`, and those in `open`, oldest first. Rows that vanished are left out.
    async fn fights(&mut self, after: i64, open: &[i64]) -> Result<Vec<Fight>, SourceError>;

    /// Whether the encounter can be read at all: asked once, before it is begun.
    ///
    /// # Errors
    /// `Unreadable`: leave it out, and say so.
    async fn check(&mut self, _fight: &Fight) -> Result<(), SourceError> {
        Ok(())
    }

    /// Everything that the encounter has beyond `cursor`, in one short read.
    ///
    /// `now_ms` is a monotonic clock in ms: large growing rows are read at most every 250 ms of it.
    async fn read(&mut self, fight: &Fight, cursor: &Cursor, now_ms: u64) -> Result<Reading, SourceError>;

    /// The last reading of an encounter that ended: everything beyond `cursor`, then each row against the meter's own
    /// counters. What still contradicts them after a second, full read becomes a `Missing` event.
    async fn read_last(&mut self, fight: &Fight, cursor: &Cursor) -> Result<Reading, SourceError>;

    /// The meter's own sums of the encounter as they stand now.
    async fn totals(&mut self, fight: &Fight) -> Result<Option<MeterTotals>, SourceError>;
}

/// A source of any generation.
#[derive(Debug)]
pub enum AnySource {
    /// Generation A.
    Events(Events),
    /// Generation B.
    Counters(Counters),
    /// Generation C.
    Aggregate(Aggregate),
    /// Generation D.
    Summary(Summary),
    /// Generation E.
    Journal(Journal),
}

/// The same call on whichever source it is.
macro_rules! each {
    ($any:expr, $source:ident => $call:expr) => {
        match $any {
            AnySource::Events($source) => $call,
            AnySource::Counters($source) => $call,
            AnySource::Aggregate($source) => $call,
            AnySource::Summary($source) => $call,
            AnySource::Journal($source) => $call,
        }
    };
}

impl AnySource {
    /// Opens the database that detection found.
    ///
    /// # Errors
    /// As [`detect::identify`].
    pub fn open(found: &Found, names: Arc<Names>) -> Result<Self, SourceError> {
        Ok(match found.generation {
            Generation::Events => Self::Events(Events::open(found, names)?),
            Generation::Counters => Self::Counters(Counters::open(found, names)?),
            Generation::Aggregate => Self::Aggregate(Aggregate::open(found, names)?),
            Generation::Summary => Self::Summary(Summary::open(found, names)?),
            Generation::Journal => Self::Journal(Journal::open(found, names)?),
        })
    }
}

impl Source for AnySource {
    fn knows(&self) -> Knows {
        each!(self, source => source.knows())
    }

    async fn changed(&mut self) -> Result<bool, SourceError> {
        each!(self, source => source.changed().await)
    }

    async fn fights(&mut self, after: i64, open: &[i64]) -> Result<Vec<Fight>, SourceError> {
        each!(self, source => source.fights(after, open).await)
    }

    async fn check(&mut self, fight: &Fight) -> Result<(), SourceError> {
        each!(self, source => source.check(fight).await)
    }

    async fn read(&mut self, fight: &Fight, cursor: &Cursor, now_ms: u64) -> Result<Reading, SourceError> {
        each!(self, source => source.read(fight, cursor, now_ms).await)
    }

    async fn read_last(&mut self, fight: &Fight, cursor: &Cursor) -> Result<Reading, SourceError> {
        each!(self, source => source.read_last(fight, cursor).await)
    }

    async fn totals(&mut self, fight: &Fight) -> Result<Option<MeterTotals>, SourceError> {
        each!(self, source => source.totals(fight).await)
    }
}
