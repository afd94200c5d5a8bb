//! Frames of the feed, by direction. `PROTOCOL.md` is their text; both change in one commit.
//!
//! A keyframe is everything a spectator needs; ticks carry present totals of what changed since the tick before.
//! Rows are positional, by the columns that the keyframe names.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::event::is_default;
use crate::report::{AttemptRow, Boss, DeathRow, Place, ReportSummary, SkillRow, Totals};
use crate::uplink::{NamesPolicy, Outcome, ReportState};

/// The subprotocol with MessagePack frames.
pub const SUBPROTOCOL: &str = "raidcast.feed.v1";
/// The subprotocol with JSON frames.
pub const SUBPROTOCOL_JSON: &str = "raidcast.feed.v1.json";

/// Columns of a player's row, in order. `critHits` and `luckyHits` are -1 where the source cannot know.
pub const ROW_COLUMNS: [&str; 9] =
    ["damage", "bossDamage", "healing", "damageTaken", "hits", "healHits", "critHits", "luckyHits", "deaths"];

/// A frame from the relay to a spectator.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "t", rename_all = "lowercase")]
pub enum FeedFrame {
    /// All there is to know: sent first, after a change of epoch, and to who missed a tick.
    Keyframe(Keyframe),
    /// What changed since the tick before.
    Tick(Tick),
    /// Something happened; never skipped.
    Event(FeedEvent),
    /// Skill rows of a player that the spectator watches.
    Detail(Detail),
    /// The relay closes the socket.
    Bye(Bye),
    /// Answers Probe.
    Echo(Echo),
}

/// All that a spectator shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Keyframe {
    /// Changes when positions begin anew: resuming across epochs is not possible.
    pub epoch: String,
    /// The last tick that this contains.
    pub position: u64,
    /// The number of the last event that this contains.
    pub events: u64,
    /// Events owed to this spectator were more than the relay keeps.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub events_lost: bool,
    /// The raid.
    pub raid: FeedRaid,
    /// The current or last fight; `null` before the first.
    pub fight: Option<FeedFight>,
    /// When things happened.
    pub times: FrameTimes,
}

/// The raid around the fight.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct FeedRaid {
    /// Names it in URLs.
    pub code: String,
    /// What the uploader calls it.
    pub title: Option<String>,
    /// Which names those see who are no members; without it all.
    #[serde(default, skip_serializing_if = "is_default")]
    #[ts(as = "Option<NamesPolicy>", optional)]
    pub names: NamesPolicy,
    /// By how many seconds what is shown is behind; without it by none.
    #[serde(default, skip_serializing_if = "is_default")]
    #[ts(as = "Option<u32>", optional)]
    pub delay_s: u32,
    /// Whether its uploader is connected.
    pub connected: bool,
    /// Whether it goes on.
    pub open: bool,
    /// Its fights so far, oldest first; the current one too.
    pub fights: Vec<FeedFightRef>,
}

/// A fight of the raid.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct FeedFightRef {
    /// Its report.
    pub report_id: String,
    /// Where that stands.
    pub state: ReportState,
    /// How it went.
    pub outcome: Outcome,
    /// What it was called: the boss, else the scene.
    pub title: Option<String>,
    /// Unix ms.
    pub started_at_ms: i64,
    /// First to last combat event.
    pub duration_ms: u32,
}

impl From<ReportSummary> for FeedFightRef {
    /// As a raid's list has it.
    fn from(line: ReportSummary) -> Self {
        Self {
            report_id: line.report_id,
            state: line.state,
            outcome: line.outcome,
            title: line.bosses.into_iter().next().or(line.encounter.scene),
            started_at_ms: line.started_at_ms,
            duration_ms: line.duration_ms,
        }
    }
}

/// The current fight in full.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct FeedFight {
    /// Its report, live at the same URL.
    pub report_id: String,
    /// Checksum of the state shown.
    pub checksum: String,
    /// Unix ms.
    pub started_at_ms: i64,
    /// Where it is.
    pub encounter: Place,
    /// What changes with every tick.
    pub head: FightHead,
    /// Bosses, by damage.
    pub bosses: Vec<Boss>,
    /// Attempts, by number.
    pub attempts: Vec<AttemptRow>,
    /// Players' deaths, by time.
    pub deaths: Vec<DeathRow>,
    /// Players; a row's index is the place here, and never changes within an epoch.
    pub players: Vec<FeedPlayer>,
    /// Names of the columns of a row.
    pub columns: Vec<String>,
    /// One row a player.
    pub rows: Vec<Vec<i64>>,
    /// The last five minutes by second; earlier ones are had over HTTP.
    pub buckets: Vec<Bucket>,
}

/// What changes with every tick.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct FightHead {
    /// Where the report stands.
    pub state: ReportState,
    /// How it went, as far as known.
    pub outcome: Outcome,
    /// Which reading of the fight this is.
    pub revision: u32,
    /// First combat event, ms since the encounter began.
    pub first_ms: u32,
    /// Last combat event, ms since the encounter began.
    pub last_ms: u32,
    /// First and last damage that players dealt, ms since the encounter began: what DPS is taken over, as the report's
    /// `damageTime`. `null` where there is none, or some of it has no known time: then over first to last combat event.
    #[serde(default)]
    pub damage_ms: Option<(u32, u32)>,
    /// First and last healing that players did; likewise for HPS.
    #[serde(default)]
    pub healing_ms: Option<(u32, u32)>,
    /// Whether the uploader said that nothing happens at present.
    pub idle: bool,
    /// Sums over all players.
    pub totals: Totals,
}

/// Who a row belongs to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct FeedPlayer {
    /// Names the player in this relay.
    pub player_key: String,
    /// In the game.
    pub name: Option<String>,
    /// The game's class id.
    pub class_id: Option<u16>,
    /// Canonical spec id.
    pub spec_id: Option<u16>,
    /// The game's score.
    pub ability_score: Option<u32>,
    /// Whose meter it is.
    pub is_local: bool,
    /// Whether they are down.
    pub dead: bool,
}

/// One second of the timeline.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Bucket {
    /// Second since the encounter began.
    pub s: u32,
    /// Damage dealt: pairs of row index and amount, one behind the other.
    #[serde(default)]
    pub d: Vec<u64>,
    /// Healing done, likewise.
    #[serde(default)]
    pub h: Vec<u64>,
    /// Damage taken, likewise.
    #[serde(default)]
    pub x: Vec<u64>,
}

/// What changed since the tick before; whatever is absent did not.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Tick {
    /// Numbered without gaps in its view.
    #[serde(rename = "p")]
    pub position: u64,
    /// The header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub head: Option<FightHead>,
    /// Where the fight is, if more of that became known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub encounter: Option<Place>,
    /// Present totals of rows that changed: row index, bits of the columns that follow (bit 0 is the first), values;
    /// one row behind the other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[ts(as = "Option<Vec<i64>>", optional)]
    pub rows: Vec<i64>,
    /// Players that are new or known better, by row index.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[ts(as = "Option<Vec<(u32, FeedPlayer)>>", optional)]
    pub players: Vec<(u32, FeedPlayer)>,
    /// All bosses, if one changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub bosses: Option<Vec<Boss>>,
    /// All attempts, if one changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub attempts: Option<Vec<AttemptRow>>,
    /// All deaths, if there is a new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub deaths: Option<Vec<DeathRow>>,
    /// Seconds that closed, or changed after that: present sums.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[ts(as = "Option<Vec<Bucket>>", optional)]
    pub buckets: Vec<Bucket>,
    /// Checksum of the state shown; with ticks that follow a pause or an end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub checksum: Option<String>,
    /// When things happened.
    #[serde(rename = "ms")]
    pub times: FrameTimes,
}

/// When the newest event of a frame was read from the meter, received by the relay, and the frame encoded: Unix ms of
/// the client's clock, then twice of the relay's. Zero where there is no event yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct FrameTimes(pub i64, pub i64, pub i64);

/// Present skill rows of a watched player: sent when the watch begins, behind each keyframe, and with the tick in
/// which they changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Detail {
    /// The tick that it belongs to.
    pub position: u64,
    /// Which fight.
    pub report_id: String,
    /// Whose.
    pub player_key: String,
    /// By total.
    pub skills: Vec<SkillRow>,
}

/// Something that happened, numbered on its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct FeedEvent {
    /// Counts events of the raid since the relay took it up (the epoch's part before the dot), without gaps.
    pub n: u64,
    /// Which fight.
    pub report_id: String,
    /// What.
    pub what: FeedHappening,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum FeedHappening {
    /// A fight began.
    FightBegan {
        /// Unix ms.
        started_at_ms: i64,
    },
    /// A fight ended; its report is at the same URL.
    FightEnded {
        /// Where the report stands.
        state: ReportState,
        /// How it went.
        outcome: Outcome,
        /// Which reading it holds.
        revision: u32,
        /// Checksum of the report.
        checksum: String,
    },
    /// A player died.
    Death(DeathRow),
    /// An attempt began.
    AttemptBegan(AttemptRow),
    /// A boss is dead.
    BossDefeated {
        /// Its name.
        name: String,
    },
    /// Other reports of the fight tell something else now, or are others: its points of view are to be asked for again.
    ViewsChanged,
}

/// The relay closes the socket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Bye {
    /// Why, for people.
    pub reason: String,
    /// Come back after this many ms; `null`: do not.
    pub retry_ms: Option<u32>,
}

/// Answers Probe.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Echo {
    /// The clock that the probe carried.
    pub clock: f64,
    /// The relay's clock, Unix ms.
    pub relay_ms: i64,
    /// How many watch the raid, as of some seconds ago; absent where that is not told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub watching: Option<u32>,
}

/// A frame from a spectator to the relay: nothing else exists.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "t", rename_all = "lowercase")]
pub enum FeedRequest {
    /// Send skill rows of these players (at most four).
    Watch {
        /// Player keys.
        players: Vec<String>,
    },
    /// So many ticks a second: 1, 5 or 10.
    Pace {
        /// Ticks a second.
        ticks: u8,
    },
    /// A clock reading, answered with Echo.
    Probe {
        /// The sender's clock, any unit.
        clock: f64,
    },
}
