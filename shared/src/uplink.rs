//! Frames of the uplink, by direction. `PROTOCOL.md` is their text; both change in one commit.
//!
//! Envelopes are maps with one-letter names, tagged by `t`: fields can be added, and a delta's envelope costs
//! about 35 bytes. Unknown fields are skipped.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::checksum::Checksum;
use crate::event::{ActorEntry, Knows, is_default};
use crate::id::{ActorId, EncounterId, RaidId, SkillId, StreamId};

/// The subprotocol of the socket.
pub const SUBPROTOCOL: &str = "raidcast.uplink.v1";
/// The oldest and the newest version that this code speaks.
pub const VERSIONS: (u16, u16) = (1, 2);

/// A frame from the meter's client to the relay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "t")]
pub enum UplinkFrame {
    /// The first frame.
    #[serde(rename = "hello")]
    Hello(Hello),
    /// A fight begins, or goes on after a reconnect.
    #[serde(rename = "begin")]
    Begin(Begin),
    /// What happened since the delta before; without events a heartbeat.
    #[serde(rename = "d")]
    Delta(DeltaFrame),
    /// No event for two minutes: heartbeats stop.
    #[serde(rename = "idle")]
    Idle {
        /// The encounter's handle.
        h: u32,
    },
    /// The meter ended the fight.
    #[serde(rename = "end")]
    End(End),
    /// The user threw the fight away.
    #[serde(rename = "discard")]
    Discard {
        /// Which.
        enc: EncounterId,
    },
    /// A clock reading, answered with Echo.
    #[serde(rename = "probe")]
    Probe {
        /// The sender's clock, any unit.
        clock: i64,
    },
    /// A frame of a later version.
    #[serde(other)]
    Unknown,
}

/// Who speaks, and for which raid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The oldest and the newest protocol version that the client speaks.
    pub v: (u16, u16),
    /// The client.
    pub client: Agent,
    /// The meter it follows.
    pub meter: Agent,
    /// The raid; made and saved by the client before it sends it.
    pub raid: RaidId,
    /// Proves that a later connection is the same client's: 32 random bytes.
    #[serde(with = "serde_bytes")]
    pub secret: Vec<u8>,
    /// What the user calls the raid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Who may find and see it.
    #[serde(default)]
    pub visibility: Visibility,
    /// Who may find and see its reports, if that is not who may see it live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report_visibility: Option<Visibility>,
    /// Which names spectators see.
    #[serde(default)]
    pub names: NamesPolicy,
    /// How far behind spectators see it, seconds.
    #[serde(default)]
    pub delay_s: u32,
    /// Its fights ended before they were sent: a channel goes on showing the raid it shows.
    #[serde(default, skip_serializing_if = "is_default")]
    pub history: bool,
}

/// A program's name and version.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agent {
    /// Its name.
    pub name: String,
    /// Its version, in its own words.
    #[serde(default)]
    pub version: String,
}

/// Who may find and see a raid and its reports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Visibility {
    /// In lists.
    Public,
    /// For who has the link.
    #[default]
    Unlisted,
    /// For the uploader, and who has a ticket.
    Private,
}

/// Which names spectators see.
///
/// Members of a raid (its uploader, and who has a link with a ticket) see them as the game has them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum NamesPolicy {
    /// As the game has them.
    #[default]
    Full,
    /// Class and number.
    Class,
    /// None but of those who agreed: class and number for all others.
    Hidden,
}

/// The fight that the deltas after it belong to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begin {
    /// Names the fight for ever.
    pub enc: EncounterId,
    /// Names this reading of it.
    pub stream: StreamId,
    /// The facts that stand before its first event.
    #[serde(flatten)]
    pub header: Header,
}

/// What is known of a fight before its first event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Unix ms.
    pub started_at_ms: i64,
    /// The game's scene id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scene_id: Option<i64>,
    /// The scene's name, where the meter or its files tell it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scene: Option<String>,
    /// The game's difficulty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub difficulty: Option<i64>,
    /// Whose meter it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local: Option<ActorId>,
    /// What the source can know.
    #[serde(default)]
    pub knows: Knows,
    /// Names of the columns of its deltas, in order ([`crate::columns`]).
    pub cols: Vec<String>,
}

/// A span of events, or a heartbeat.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeltaFrame {
    /// The handle that Begun gave.
    pub h: u32,
    /// What happened.
    #[serde(flatten)]
    pub delta: Delta,
}

/// The events of a short span with the dictionary entries they are the first to use.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delta {
    /// From 1, without gaps. A heartbeat repeats the last one and has no events.
    #[serde(rename = "q")]
    pub seq: u64,
    /// Time of the first hit, ms since the encounter began: the column of times counts from it.
    #[serde(rename = "b", default, skip_serializing_if = "is_default")]
    pub base_ms: u32,
    /// When the client read the newest event, ms since the encounter began.
    #[serde(rename = "p", default, skip_serializing_if = "is_default")]
    pub captured_ms: i64,
    /// Actors that the encounter's dictionary gains.
    #[serde(rename = "a", default, skip_serializing_if = "Vec::is_empty")]
    pub actors: Vec<ActorEntry>,
    /// Skills that the encounter's dictionary gains.
    #[serde(rename = "s", default, skip_serializing_if = "Vec::is_empty")]
    pub skills: Vec<SkillId>,
    /// How many hits the columns hold.
    #[serde(rename = "n", default, skip_serializing_if = "is_default")]
    pub hits: u32,
    /// The columns, each behind its length in bytes ([`crate::columns`]).
    #[serde(rename = "c", default, skip_serializing_if = "Bytes::is_empty")]
    pub columns: Bytes,
    /// Events other than hits, each a MessagePack map of its own: unknown ones are kept and skipped.
    #[serde(rename = "e", default, skip_serializing_if = "Vec::is_empty")]
    pub rare: Vec<Bytes>,
    /// The sender's checksum after this delta.
    #[serde(rename = "k", default, skip_serializing_if = "Option::is_none")]
    pub checksum: Option<Checksum>,
}

impl Delta {
    /// Whether it carries nothing: a heartbeat.
    pub fn is_heartbeat(&self) -> bool {
        self.hits == 0
            && self.actors.is_empty()
            && self.skills.is_empty()
            && self.columns.is_empty()
            && self.rare.is_empty()
    }
}

/// The meter ended the fight.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// The encounter's handle.
    pub h: u32,
    /// How it went, and what the sender's fold and the meter say.
    #[serde(flatten)]
    pub ending: Ending,
}

/// How a fight ended: the last entry of its log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    /// Seq of the last delta.
    #[serde(rename = "q")]
    pub last_seq: u64,
    /// Unix ms, as the meter says; `None` where it never ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at_ms: Option<i64>,
    /// How it went.
    #[serde(default)]
    pub outcome: Outcome,
    /// The sender's checksum of the whole fight.
    #[serde(rename = "k")]
    pub checksum: Checksum,
    /// The meter's own sums.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meter: Option<MeterTotals>,
}

/// How a fight went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ts_rs::TS)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// The boss is dead.
    Kill,
    /// The raid is.
    Wipe,
    /// The user reset the meter; of an attempt also that the boss' health went back up.
    Reset,
    /// The meter or the client stopped in mid-fight.
    Unfinished,
    /// The meter does not tell.
    #[default]
    Unknown,
}

/// The meter's own sums of a fight, kept apart from ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeterTotals {
    /// Damage.
    pub damage: u64,
    /// Healing.
    pub healing: u64,
    /// Whose damage that is.
    pub damage_by: DamageBy,
}

/// Whose damage a meter's total holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DamageBy {
    /// Players' and monsters' (generation C).
    Everyone,
    /// Players' (generation E).
    Players,
}

/// A frame from the relay to the meter's client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "t")]
pub enum UplinkReply {
    /// Answers Hello.
    #[serde(rename = "welcome")]
    Welcome(Welcome),
    /// Answers Begin.
    #[serde(rename = "begun")]
    Begun(Begun),
    /// All deltas up to this one are on stable storage.
    #[serde(rename = "ack")]
    Ack {
        /// The encounter's handle.
        h: u32,
        /// Up to here.
        q: u64,
    },
    /// Send again from here.
    #[serde(rename = "rewind")]
    Rewind {
        /// The encounter's handle.
        h: u32,
        /// The seq to go on from.
        q: u64,
    },
    /// The encounter has its report.
    #[serde(rename = "finalized")]
    Finalized {
        /// Which fight.
        enc: EncounterId,
        /// Its report.
        report: String,
        /// The report's page.
        url: String,
        /// `provisional` or `final`.
        state: ReportState,
        /// Which reading of the fight it holds.
        rev: u32,
    },
    /// Something was not taken.
    #[serde(rename = "refused")]
    Refused(Refused),
    /// The relay is about to stop: come back after a while.
    #[serde(rename = "draining")]
    Draining {
        /// Ms to wait.
        retry_ms: u32,
    },
    /// Answers Probe.
    #[serde(rename = "echo")]
    Echo {
        /// The clock that the probe carried.
        clock: i64,
        /// The relay's clock, Unix ms.
        relay_ms: i64,
    },
    /// A frame of a later version.
    #[serde(other)]
    Unknown,
}

/// What a client must know before it sends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// The version that both speak.
    pub v: u16,
    /// The raid's code.
    pub raid: String,
    /// The raid's page.
    pub raid_url: String,
    /// The page that always shows this uploader's present raid.
    pub channel_url: String,
    /// Limits that a client must keep.
    pub limits: WireLimits,
    /// Which names those see who are no members, as it is in force; relays of before do not tell it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub names: Option<NamesPolicy>,
    /// How far behind those see it, as it is in force, seconds; likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay_s: Option<u32>,
}

/// The limits that a client must keep, from [`crate::limits`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WireLimits {
    /// Bytes of a frame.
    pub frame_bytes: u32,
    /// Bytes a second.
    pub bytes_per_s: u32,
    /// Frames without an Ack.
    pub unacked_frames: u32,
    /// Bytes without an Ack.
    pub unacked_bytes: u32,
    /// Players of an encounter.
    pub players: u32,
    /// Actors of an encounter.
    pub actors: u32,
    /// Skills of an encounter.
    pub skills: u32,
    /// Length of an encounter, ms.
    pub duration_ms: u32,
    /// Hits of an encounter; relays of before do not tell it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub hits: u32,
    /// Rows (source, target, skill, kind) of an encounter, likewise.
    #[serde(default, skip_serializing_if = "is_default")]
    pub rows: u32,
    /// What the deltas of an encounter may take up, bytes, likewise.
    #[serde(default, skip_serializing_if = "is_default")]
    pub encounter_bytes: u32,
}

impl Default for WireLimits {
    fn default() -> Self {
        use crate::limits as l;
        Self {
            frame_bytes: l::UPLINK_FRAME_BYTES_MAX as u32,
            bytes_per_s: l::UPLINK_BYTES_PER_S,
            unacked_frames: l::UNACKED_FRAMES_MAX as u32,
            unacked_bytes: l::UNACKED_BYTES_MAX as u32,
            players: l::PLAYERS_MAX as u32,
            actors: l::ACTORS_MAX as u32,
            skills: l::SKILLS_MAX as u32,
            duration_ms: l::ENCOUNTER_DURATION_MS_MAX,
            hits: l::ENCOUNTER_HITS_MAX as u32,
            rows: l::ENCOUNTER_ROWS_MAX as u32,
            encounter_bytes: l::ENCOUNTER_BYTES_MAX as u32,
        }
    }
}

/// Answers Begin: the handle for this connection, and what the relay holds of the fight.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begun {
    /// Names the encounter on this connection.
    pub h: u32,
    /// Which fight.
    pub enc: EncounterId,
    /// Its report, live from now on.
    pub report: String,
    /// The report's page.
    pub url: String,
    /// What is held; `None` for a fight that is new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<Held>,
}

/// What the relay holds of a fight.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// The reading that it holds, or is taking.
    pub stream: StreamId,
    /// Its last durable seq.
    pub seq: u64,
    /// Where its report stands.
    pub state: ReportState,
    /// Hits and deaths that it holds.
    pub events: u64,
    /// Its checksum.
    pub checksum: Checksum,
    /// It knows sums alone, so any reading with single hits tells more.
    #[serde(default, skip_serializing_if = "is_default")]
    pub sums: bool,
}

/// Where a report stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ts_rs::TS)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum ReportState {
    /// The fight goes on.
    Live,
    /// Ended by grace: nothing more came.
    Provisional,
    /// Ended by the meter.
    Final,
}

/// Why a connection is refused whose raid was deleted while it was streamed into. The client connects anew, and what goes on
/// it sends again: the relay has it no more.
pub const RAID_DELETED: &str = "this raid was deleted by its owner: a fight that goes on comes again, in a new raid";

/// Something was not taken, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// Why, for programs.
    pub code: RefusedCode,
    /// Why and what to do, for people.
    pub text: String,
    /// What it is about.
    #[serde(default)]
    pub scope: RefusedScope,
    /// Try again after this many ms; `None`: not at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_ms: Option<u32>,
    /// The encounter's handle, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub h: Option<u32>,
    /// The encounter, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enc: Option<EncounterId>,
}

/// What a refusal is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RefusedScope {
    /// This frame alone.
    #[default]
    Frame,
    /// The encounter: nothing more of it is taken on this connection.
    Encounter,
    /// The connection, which closes.
    Connection,
}

/// Why something was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusedCode {
    /// The key is not known.
    Unauthorized,
    /// No common protocol version.
    ProtocolUnsupported,
    /// A value that this relay does not serve (yet).
    NotSupported,
    /// No Hello in time, or something before it.
    HelloExpected,
    /// Hello came twice.
    HelloTwice,
    /// The raid exists under another secret or account.
    RaidForbidden,
    /// A newer connection speaks for the raid.
    Fenced,
    /// Not MessagePack, or not a frame's shape.
    Malformed,
    /// Longer than a frame may be.
    FrameTooLong,
    /// Nested deeper than a frame may be.
    TooDeep,
    /// Bytes after the frame.
    TrailingBytes,
    /// Text is not UTF-8.
    NotUtf8,
    /// A frame that this version does not know.
    UnknownFrame,
    /// The handle was not given on this connection.
    UnknownHandle,
    /// The fight has ended; only a new reading changes it.
    AfterEnd,
    /// An index beyond its dictionary.
    IndexOutOfRange,
    /// Columns do not hold what the delta says.
    BadColumns,
    /// An event that does not parse, or contradicts itself.
    BadEvent,
    /// A number beyond its limit.
    NumberTooLarge,
    /// Text too long, or with control characters, or markup where only plain text belongs.
    BadText,
    /// More actors, players, skills or events than an encounter may have.
    LimitReached,
    /// The sender's checksum is not the relay's.
    ChecksumDiffers,
    /// Too much in too short a time.
    TooFast,
    /// The database does not take writes now.
    StoreUnavailable,
    /// A code of a later version.
    #[serde(other)]
    Other,
}
