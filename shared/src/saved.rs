//! A fight as it stands in a file of its own, which is read where no relay is: `GET /api/v1/reports/{reportId}/file`.
//!
//! One invariant: whoever adds up the entries of a part, row by row, comes to what the fold shows of that part. Which row
//! is whose, who is a player and what counts as a boss is decided here, by the view; a reader only adds. Who somebody is
//! (name, class, health in all) is of the whole fight, whatever part is looked at. Times are ms since the encounter began.

use serde::Serialize;

use crate::report::{Recaps, Report};

/// The version of what stands in a file.
pub const SAVED_VERSION: u32 = 1;

/// A fight, as the audience saw it for whom it was saved. Players have keys that are good in this file alone.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SavedFight {
    /// [`SAVED_VERSION`].
    pub version: u32,
    /// The report of the whole fight; of no raid.
    pub report: Report,
    /// What led to its deaths.
    pub recaps: Recaps,
    /// Whether its source tells whom hits reached.
    pub knows_targets: bool,
    /// Whether its source tells deaths.
    pub knows_deaths: bool,
    /// Who did something, or had it done to them: players first, in the order of the report.
    pub actors: Vec<SavedActor>,
    /// With what.
    pub skills: Vec<SavedSkill>,
    /// What is added up: places of source and target among the actors, that of the skill, and 1 where it heals.
    pub rows: Vec<[u32; 4]>,
    /// When the fight went on without a hit (deaths, revivals, sums that were told), by time.
    pub moments: Vec<u32>,
    /// Players' deaths, by time: when, and the player's place among the actors.
    pub falls: Vec<[u32; 2]>,
    /// When players stood up again, likewise.
    pub revivals: Vec<[u32; 2]>,
    /// Health of bosses, by time: when, the boss' place among the actors, and how much.
    pub health: Vec<[u64; 3]>,
    /// Hits and heals that are told one by one, by time.
    #[serde(skip)]
    pub hits: SavedHits,
    /// What is told as sums, by time.
    #[serde(skip)]
    pub sums: SavedSums,
    /// The same of what came at some time before it was told: it is in no part.
    #[serde(skip)]
    pub lumps: SavedSums,
}

/// Who did something, or had it done to them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SavedActor {
    /// Of a player, in this file.
    pub player_key: Option<String>,
    /// As it is shown beside the figures.
    pub name: Option<String>,
    /// The game's type.
    pub monster_id: Option<i64>,
    /// Whether it is told to be a boss.
    pub boss: bool,
    /// What it is called among bosses, if it is one in any part of the fight.
    pub boss_name: Option<String>,
}

/// A skill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SavedSkill {
    /// The game's base skill.
    pub skill_id: i64,
    /// The meter's finer id, where it has one.
    pub variant_id: Option<i64>,
    /// As the meter shows it.
    pub name: Option<String>,
}

/// Hits and heals, one an entry: the columns are as long as each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SavedHits {
    /// When.
    pub at_ms: Vec<u32>,
    /// Place of the row.
    pub row: Vec<u32>,
    /// How much.
    pub amount: Vec<u64>,
    /// [`HitFlags`](crate::event::HitFlags): critical and lucky where that is known of the source, and whether a boss was hit.
    pub flags: Vec<u8>,
    /// What of the amount a shield took.
    pub shield: Vec<u64>,
    /// What of the amount healed nobody.
    pub overheal: Vec<u64>,
}

/// What rows grew by when their sums were told, one growth an entry: the columns are as long as each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SavedSums {
    /// When.
    pub at_ms: Vec<u32>,
    /// Place of the row.
    pub row: Vec<u32>,
    /// By how many hits.
    pub hits: Vec<u64>,
    /// By how much.
    pub amount: Vec<u64>,
    /// How many of the hits were critical.
    pub crit: Vec<u64>,
    /// How many of them were lucky.
    pub lucky: Vec<u64>,
    /// What of the amount a shield took.
    pub shield: Vec<u64>,
    /// What of the amount healed nobody.
    pub overheal: Vec<u64>,
}
