//! The record of a fight, as the API shows it and the store keeps it.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::uplink::{NamesPolicy, Outcome, ReportState, Visibility};

/// A report, live or kept: the fold of all of a fight, or of a span of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Names the report in URLs, for ever.
    pub report_id: String,
    /// The raid that it was streamed in; empty for who may see its report and not the raid.
    pub raid: String,
    /// Where it stands.
    pub state: ReportState,
    /// Which reading of the fight it holds; a new one replaces the old whole.
    pub revision: u32,
    /// Who may see it.
    pub visibility: Visibility,
    /// Which names those see who are no members of its raid.
    #[serde(default)]
    pub names: NamesPolicy,
    /// Why it is provisional or otherwise not plain, in words; `null` if there is nothing to say.
    pub note: Option<String>,
    /// Whether the reading that it holds was uploaded with a good signature.
    #[cfg_attr(feature = "openapi", schema(required))]
    #[serde(default)]
    pub verified: bool,
    /// Both checksums, where the sender's was not the relay's.
    pub unverified: Option<Unverified>,
    /// Both sums, where the meter's own were not the relay's.
    pub meter_differs: Option<MeterDiffers>,
    /// What the fight is.
    #[serde(flatten)]
    pub fight: Fight,
}

/// Two checksums that should have been one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Unverified {
    /// The client's.
    pub client: String,
    /// The relay's.
    pub relay: String,
}

/// The meter's own sums and the relay's, where they differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct MeterDiffers {
    /// The meter's.
    pub meter: MeterSums,
    /// The relay's, of the same.
    pub report: MeterSums,
}

/// Sums as a meter counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct MeterSums {
    /// Damage; of monsters too, where the meter counts so.
    pub damage: u64,
    /// Healing.
    pub healing: u64,
}

/// What a fold shows of a fight. Times named `…AtMs` are Unix ms; other times are ms since the encounter began.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Fight {
    /// Of the state that these figures are of.
    pub checksum: String,
    /// When the meter began it.
    pub started_at_ms: i64,
    /// When the meter ended it; `null` while it has not.
    pub ended_at_ms: Option<i64>,
    /// First to last combat event; of a span its length, as far as the fight reaches into it.
    pub duration_ms: u32,
    /// First combat event of the span.
    pub first_ms: u32,
    /// Last combat event of the span.
    pub last_ms: u32,
    /// When players dealt damage, which is what DPS is taken over; of a span what of it lies in the span. `null` where
    /// none was dealt, or some of it at no known time (then DPS is over `durationMs`), and in reports that an earlier
    /// relay kept.
    #[serde(default)]
    pub damage_time: Option<ActiveTime>,
    /// When players healed, which is what HPS is taken over; likewise.
    #[serde(default)]
    pub healing_time: Option<ActiveTime>,
    /// Whether nothing of it could be taken: what is `missing` says why.
    #[cfg_attr(feature = "openapi", schema(required))]
    #[serde(default)]
    pub stub: bool,
    /// Whether any damage or healing of it came at a known time. Where not, there is no timeline, no replay, and no span
    /// can be asked for (409 `no_times`).
    #[cfg_attr(feature = "openapi", schema(required))]
    #[serde(default = "always")]
    pub timed: bool,
    /// The span asked for; `null` for the whole fight.
    pub span: Option<FightSpan>,
    /// How it went: as the meter tells, or a wipe where all were down at the end and a boss lived.
    pub outcome: Outcome,
    /// Where it was.
    pub encounter: Place,
    /// Bosses, by damage.
    pub bosses: Vec<Boss>,
    /// Sums over all players.
    pub totals: Totals,
    /// Attempts, by number.
    pub attempts: Vec<AttemptRow>,
    /// Players' deaths, by time.
    pub deaths: Vec<DeathRow>,
    /// Players, by damage.
    pub players: Vec<Player>,
    /// What the meter counted and nobody could read.
    pub missing: Vec<MissingRow>,
}

/// What an earlier relay kept without saying so.
fn always() -> bool {
    true
}

/// From the first to the last of something, ms since the encounter began; pauses between them count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ActiveTime {
    /// The first.
    pub first_ms: u32,
    /// The last.
    pub last_ms: u32,
    /// From one to the other. A rate is taken over at least a second.
    pub duration_ms: u32,
}

/// A half-open span, ms since the encounter began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct FightSpan {
    /// From here.
    pub from_ms: u32,
    /// To before here.
    pub to_ms: u32,
}

/// Where a fight was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Place {
    /// Its name.
    pub scene: Option<String>,
    /// The game's id.
    pub scene_id: Option<i64>,
    /// The game's difficulty.
    pub difficulty: Option<i64>,
}

/// A boss and what players did to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Boss {
    /// Its name; "Monster 1110" where only the type is known.
    pub name: String,
    /// The game's type.
    pub monster_id: Option<i64>,
    /// Full health, where the source tells it.
    pub max_hp: Option<u64>,
    /// Health now, where the source tells it; never derived from damage.
    pub hp: Option<u64>,
    /// Players' damage to it, over all attempts: more than its health where it was begun anew.
    pub damage: u64,
    /// In so many hits.
    pub hits: u64,
    /// Whether it is dead; `null` where the source does not tell.
    pub defeated: Option<bool>,
}

/// Sums over all players.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Totals {
    /// To what is not a player.
    pub damage: u64,
    /// What of it was to bosses; `null` where that is not known.
    pub boss_damage: Option<u64>,
    /// By players.
    pub healing: u64,
    /// By anything, to players; `null` where that is not known.
    pub damage_taken: Option<u64>,
    /// Damage hits.
    pub hits: u64,
    /// Heals.
    pub heal_hits: u64,
    /// Players' deaths; `null` where the source tells none.
    pub deaths: Option<u64>,
}

/// One attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct AttemptRow {
    /// Its number, as the meter counts.
    pub index: u32,
    /// When it began.
    pub start_ms: u32,
    /// When it ended; `null` while it goes on.
    pub end_ms: Option<u32>,
    /// Why it began: initial, rollback, wipe, manual, other.
    pub reason: String,
    /// The boss' health when it began, where told.
    pub boss_hp_start: Option<u64>,
    /// The boss' health when it ended, where told.
    pub boss_hp_end: Option<u64>,
    /// Players' deaths in it.
    pub deaths: u64,
    /// How it went. `reset` where the boss' health went back up and not all were down. `unknown` while it goes on, where
    /// nothing tells, and of one in which nobody did anything.
    #[cfg_attr(feature = "openapi", schema(required))]
    #[serde(default)]
    pub outcome: Outcome,
    /// Players' damage to bosses in it. `null` while it goes on, and where it cannot be told exactly: amounts are kept
    /// by the second, so not if hits of one second lie on both sides of its beginning or end.
    #[serde(default)]
    pub boss_damage: Option<u64>,
}

/// One player's death.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct DeathRow {
    /// When.
    pub at_ms: u32,
    /// Who.
    pub player_key: String,
    /// Their name.
    pub name: Option<String>,
    /// By whom, by name.
    pub killer: Option<String>,
    /// With what.
    pub skill_id: Option<i64>,
    /// By name.
    pub skill: Option<String>,
}

/// One player's figures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Player {
    /// Names the player in this relay: a keyed hash, never the game's id.
    pub player_key: String,
    /// In the game; `null` where not told.
    pub name: Option<String>,
    /// The game's class id.
    pub class_id: Option<u16>,
    /// Canonical spec id.
    pub spec_id: Option<u16>,
    /// The game's score.
    pub ability_score: Option<u32>,
    /// Character level.
    pub level: Option<u32>,
    /// Whose meter it is.
    pub is_local: bool,
    /// To what is not a player.
    pub damage: u64,
    /// What of it was to bosses; `null` where that is not known.
    pub boss_damage: Option<u64>,
    /// To anyone.
    pub healing: u64,
    /// From anyone; `null` where that is not known.
    pub damage_taken: Option<u64>,
    /// Damage hits.
    pub hits: u64,
    /// Heals.
    pub heal_hits: u64,
    /// Critical damage hits; `null` where the source cannot know.
    pub crit_hits: Option<u64>,
    /// Lucky damage hits; `null` where the source cannot know.
    pub lucky_hits: Option<u64>,
    /// How often they died; `null` where the source tells no deaths.
    pub deaths: Option<u64>,
    /// Damage a second of the fight's damage time, at least one.
    pub dps: f64,
    /// Healing a second of the fight's healing time, at least one.
    pub hps: f64,
    /// By skill, by total.
    pub skills: Vec<SkillRow>,
}

/// One skill of one player.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct SkillRow {
    /// The game's base skill.
    pub skill_id: i64,
    /// The meter's finer id, where it has one.
    pub variant_id: Option<i64>,
    /// As the meter shows it.
    pub name: Option<String>,
    /// What its hits do.
    pub kind: SkillKind,
    /// Damage or healing.
    pub total: u64,
    /// In so many hits.
    pub hits: u64,
    /// Critical ones; `null` where the source cannot know.
    pub crit_hits: Option<u64>,
    /// Lucky ones; `null` where the source cannot know.
    pub lucky_hits: Option<u64>,
    /// The greatest single hit; `null` where sums are known alone.
    pub max: Option<u64>,
}

/// What a skill's hits do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum SkillKind {
    /// Damage.
    Damage,
    /// Healing.
    Healing,
}

/// Something that the meter counted and nobody could read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct MissingRow {
    /// What, in words.
    pub what: String,
    /// What the meter's counter says.
    pub expected: u64,
    /// What was read.
    pub read: u64,
}

/// Amounts by second, for charts: `GET /api/v1/reports/{reportId}/timeline`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Timeline {
    /// Which report.
    pub report_id: String,
    /// Which reading of it.
    pub revision: u32,
    /// Length of a bucket: 1000.
    pub bucket_ms: u32,
    /// Second of the first bucket, since the encounter began.
    pub first_second: u32,
    /// How many buckets.
    pub buckets: u32,
    /// One series a player, in the order of the report.
    pub players: Vec<TimelineSeries>,
}

/// One player's amounts by second.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct TimelineSeries {
    /// Who.
    pub player_key: String,
    /// Damage dealt.
    pub damage: Vec<u64>,
    /// Healing done.
    pub healing: Vec<u64>,
    /// Damage taken; `null` where that is not known.
    pub taken: Option<Vec<u64>>,
}

/// What stands beside the figures of a fight or a part of it: `GET /api/v1/reports/{reportId}/details`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Details {
    /// Which report.
    pub report_id: String,
    /// Which reading of it.
    pub revision: u32,
    /// The part that it is of; `null` for the whole fight.
    pub span: Option<FightSpan>,
    /// What players took, by who did it and with what, the greatest first; `null` where who was hit is not known.
    pub taken: Option<Vec<TakenRow>>,
    /// Whom players hit, the greatest first; `null` likewise.
    pub targets: Option<Vec<TargetRow>>,
    /// How many players' skills reached; `null` likewise.
    pub reached: Option<Vec<ReachedRow>>,
}

/// What one player took of one source with one skill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct TakenRow {
    /// Who took it.
    pub player_key: String,
    /// Who did it, where that is a player.
    pub by_player: Option<String>,
    /// By name; monsters of one name are one.
    pub by: Option<String>,
    /// With what: the game's base skill.
    pub skill_id: i64,
    /// The meter's finer id, where it has one.
    pub variant_id: Option<i64>,
    /// By name.
    pub skill: Option<String>,
    /// How much.
    pub total: u64,
    /// In so many hits.
    pub hits: u64,
    /// The greatest single hit; `null` where sums are known alone.
    pub max: Option<u64>,
}

/// What players dealt to one target. Those of one name are one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct TargetRow {
    /// By name.
    pub name: Option<String>,
    /// The game's type.
    pub monster_id: Option<i64>,
    /// Whether it is a boss.
    pub boss: bool,
    /// Players' damage to it.
    pub damage: u64,
    /// In so many hits.
    pub hits: u64,
    /// Who of them how much, the greatest first.
    pub players: Vec<TargetPlayer>,
}

/// What one player dealt to one target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct TargetPlayer {
    /// Who.
    pub player_key: String,
    /// Damage.
    pub damage: u64,
    /// In so many hits.
    pub hits: u64,
}

/// How many one skill of one player reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ReachedRow {
    /// Whose.
    pub player_key: String,
    /// The game's base skill.
    pub skill_id: i64,
    /// The meter's finer id, where it has one.
    pub variant_id: Option<i64>,
    /// What its hits do.
    pub kind: SkillKind,
    /// So many, each counted once.
    pub targets: u32,
    /// What of its damage was to bosses; `null` of healing.
    pub boss_total: Option<u64>,
}

/// What led to players' deaths: `GET /api/v1/reports/{reportId}/recaps`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Recaps {
    /// Which report.
    pub report_id: String,
    /// Which reading of it.
    pub revision: u32,
    /// Whether all hits of the fight are known singly: else more reached players than is told here.
    pub singly: bool,
    /// By time.
    pub deaths: Vec<Recap>,
    /// So many more of the part that was asked for are not told: ask for a part of it.
    pub left_out: u64,
}

/// What led to one player's death.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Recap {
    /// Which death: the killing blow is in it, where the source tells it.
    pub death: DeathRow,
    /// Players who were down already, of those who died in the attempt, in the order in which they died.
    pub down: Vec<String>,
    /// Damage and healing that reached the player in the ten seconds before, but not before the death before this one;
    /// by time.
    pub hits: Vec<RecapHit>,
    /// So many of these, the first, are not told.
    pub hits_left_out: u64,
}

/// One hit or heal that reached somebody who died soon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct RecapHit {
    /// When.
    pub at_ms: u32,
    /// Damage or healing.
    pub kind: SkillKind,
    /// How much.
    pub amount: u64,
    /// What of it a shield took; `null` where nothing of that is told.
    pub shield: Option<u64>,
    /// What of it healed nobody; `null` of damage, and where the source does not tell it.
    pub overheal: Option<u64>,
    /// By whom, where that is a player.
    pub by_player: Option<String>,
    /// By name.
    pub by: Option<String>,
    /// With what: the game's base skill.
    pub skill_id: i64,
    /// By name.
    pub skill: Option<String>,
}

/// Other uploaders' reports of a report's fight: `GET /api/v1/reports/{reportId}/views`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct PointsOfView {
    /// Which report.
    pub report_id: String,
    /// Of each other account the one that is most like it, the most alike first, twenty at the most: public ones, and those
    /// of whoever asks.
    pub views: Vec<PointOfView>,
}

/// The same fight, as another uploader's meter saw it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct PointOfView {
    /// Its report, as lists show it.
    pub report: ReportSummary,
    /// Its first combat event, ms since it began.
    pub first_ms: u32,
    /// Whose meter it is, as this meter knows them, with their hundred greatest skills: a game may tell critical hits to
    /// their own player alone. Empty where it does not tell whose it is.
    pub own: Vec<Player>,
    /// So many attempts it tells.
    pub attempts: u32,
}

/// Fights of a raid, as a page of its whole evening tells them: `GET /api/v1/raids/{code}/night`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Night {
    /// Which raid.
    pub code: String,
    /// Those that are over, the oldest first, ten at the most.
    pub fights: Vec<NightFight>,
    /// Leads on: `after` of the next request. `null` at the end.
    pub next: Option<u32>,
}

/// A fight of an evening.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct NightFight {
    /// Its report, as lists show it.
    pub report: ReportSummary,
    /// Its first combat event, ms since it began.
    pub first_ms: u32,
    /// The boss that took most; `null` where none is known.
    pub boss: Option<Boss>,
    /// Attempts, by number: the last hundred.
    pub attempts: Vec<AttemptRow>,
    /// Players, by damage: the first forty.
    pub players: Vec<NightPlayer>,
}

/// A player in a fight of an evening.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct NightPlayer {
    /// Names the player in this relay, or in this raid alone where it hides them.
    pub player_key: String,
    /// In the game, or class and number where names are hidden; `null` where not told.
    pub name: Option<String>,
    /// The game's class id.
    pub class_id: Option<u16>,
    /// Canonical spec id.
    pub spec_id: Option<u16>,
    /// To what is not a player.
    pub damage: u64,
    /// Damage a second of the fight's damage time, at least one.
    pub dps: f64,
    /// How often they died; `null` where the source tells no deaths.
    pub deaths: Option<u64>,
}

/// A report in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ReportSummary {
    /// Names the report.
    pub report_id: String,
    /// The raid that it was streamed in.
    pub raid: String,
    /// Where it stands.
    pub state: ReportState,
    /// Which reading it is.
    pub revision: u32,
    /// Unix ms.
    pub started_at_ms: i64,
    /// Unix ms, by the meter.
    pub ended_at_ms: Option<i64>,
    /// First to last combat event.
    pub duration_ms: u32,
    /// How long damage was dealt, first to last, ms: DPS is over this. `null` where that is not known (see
    /// `damageTime` of the report): then it is over `durationMs`.
    pub damage_ms: Option<u32>,
    /// How it went.
    pub outcome: Outcome,
    /// Where it was.
    pub encounter: Place,
    /// Names of its bosses, by damage.
    pub bosses: Vec<String>,
    /// How many players.
    pub players: u32,
    /// Sums over all players.
    pub totals: Totals,
    /// Whether nothing of it could be taken: its report says why.
    pub stub: bool,
    /// Whether the reading that its report holds was uploaded with a good signature.
    pub verified: bool,
}

/// Attempts of a fight that an evening tells at the most, the last ones.
const NIGHT_ATTEMPTS_MAX: usize = 100;
/// Players of a fight that an evening tells at the most: a raid has twenty.
const NIGHT_PLAYERS_MAX: usize = 40;

impl From<&Report> for NightFight {
    fn from(report: &Report) -> Self {
        let fight = &report.fight;
        let player = |player: &Player| NightPlayer {
            player_key: player.player_key.clone(),
            name: player.name.clone(),
            class_id: player.class_id,
            spec_id: player.spec_id,
            damage: player.damage,
            dps: player.dps,
            deaths: player.deaths,
        };
        let before = fight.attempts.len().saturating_sub(NIGHT_ATTEMPTS_MAX);
        Self {
            report: report.summary(),
            first_ms: fight.first_ms,
            boss: fight.bosses.first().cloned(),
            attempts: fight.attempts.iter().skip(before).cloned().collect(),
            players: fight.players.iter().take(NIGHT_PLAYERS_MAX).map(player).collect(),
        }
    }
}

/// Skills of a player that another point of view tells at the most, the greatest: a player has some fifty.
const OWN_SKILLS_MAX: usize = 100;

impl From<&Report> for PointOfView {
    fn from(report: &Report) -> Self {
        let own = |player: &Player| {
            let mut own = player.clone();
            own.skills.truncate(OWN_SKILLS_MAX);
            own
        };
        Self {
            report: report.summary(),
            first_ms: report.fight.first_ms,
            // A meter has one; who claims to have more has none more.
            own: report.fight.players.iter().find(|player| player.is_local).map(own).into_iter().collect(),
            attempts: u32::try_from(report.fight.attempts.len()).unwrap_or(u32::MAX),
        }
    }
}

impl Report {
    /// Its line in a list.
    pub fn summary(&self) -> ReportSummary {
        let fight = &self.fight;
        ReportSummary {
            report_id: self.report_id.clone(),
            raid: self.raid.clone(),
            state: self.state,
            revision: self.revision,
            started_at_ms: fight.started_at_ms,
            ended_at_ms: fight.ended_at_ms,
            duration_ms: fight.duration_ms,
            damage_ms: fight.damage_time.map(|time| time.duration_ms),
            outcome: fight.outcome,
            encounter: fight.encounter.clone(),
            bosses: fight.bosses.iter().map(|boss| boss.name.clone()).collect(),
            players: fight.players.len() as u32,
            totals: fight.totals,
            stub: fight.stub,
            verified: self.verified,
        }
    }
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ReportPage {
    /// The reports of this page, newest first.
    pub reports: Vec<ReportSummary>,
    /// Where in the list it is.
    pub pagination: Pagination,
}

/// Where in a list a page is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Pagination {
    /// From 1; `null` where a cursor was asked for.
    pub page: Option<u32>,
    /// Entries a page.
    pub limit: u32,
    /// Entries in all; `null` where a cursor was asked for.
    pub total: Option<u64>,
    /// Pages in all; likewise.
    pub total_pages: Option<u64>,
    /// Leads on: `cursor` of the next request. `null` at the end.
    pub next: Option<String>,
}

/// One page of encounters that were searched for: `GET /api/v1/encounters`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct EncounterPage {
    /// In the order that was asked for.
    pub encounters: Vec<ReportSummary>,
    /// Where in the list it is.
    pub pagination: EncounterPagination,
}

/// Where in what was found a page is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct EncounterPagination {
    /// From 1; `null` where a cursor was asked for.
    pub page: Option<u32>,
    /// Entries a page.
    pub limit: u32,
    /// Entries in all; `null` where a cursor was asked for.
    pub total: Option<u64>,
    /// Pages in all; likewise.
    pub total_pages: Option<u64>,
    /// Whether there may be more than `total`: not all was looked at.
    pub total_is_at_least: bool,
    /// Leads on: `cursor` of the next request. `null` at the end.
    pub next: Option<String>,
}

/// What a private raid is shared by from now on: `POST /api/v1/raids/{code}/ticket`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct RenewedTicket {
    /// Lets its holder see the raid while it is private.
    pub ticket: String,
    /// The raid's page, with the ticket where it is private.
    pub raid_url: String,
    /// The page that always shows the present raid, with its own ticket where that is private and the key may read.
    pub channel_url: String,
}

/// A raid and its fights: `GET /api/v1/raids/{code}` and `GET /api/v1/live/{channel}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct RaidPage {
    /// Names the raid in URLs.
    pub code: String,
    /// The uploader's channel, which always shows their present raid: told to who came by it, and to the uploader. Who
    /// has only this raid's link is not led to the raids after it.
    pub channel: Option<String>,
    /// What the uploader calls it.
    pub title: Option<String>,
    /// Who may see it.
    pub visibility: Visibility,
    /// Which names those see who are no members.
    pub names: NamesPolicy,
    /// By how many seconds what is shown of it is behind; 0 for members.
    pub delay_s: u32,
    /// Whether it goes on.
    pub open: bool,
    /// Whether its uploader is connected now.
    pub connected: bool,
    /// Whether it holds uploads and old fights, which come when they are over: it is never live.
    pub uploads: bool,
    /// When it began, Unix ms.
    pub created_at_ms: i64,
    /// Its fights, newest first.
    pub reports: Vec<ReportSummary>,
}

/// The body of every error answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ApiError {
    /// For programs.
    pub code: String,
    /// For people: what happened and what to do.
    pub message: String,
    /// What in the request, where that helps.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub details: Option<Vec<String>>,
}
