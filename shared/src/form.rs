//! An encounter as it is read back in the form in which whole fights are uploaded: `GET /api/v1/encounters/{reportId}`.
//!
//! One invariant: every figure is the report's. Times are ms since the encounter began, but for those that end in `AtMs`.
//! What cannot be known is `null`. Deliberately not here: how uploads are read.

use std::collections::HashMap;

use serde::Serialize;

use crate::report::{Fight, Place, Player, Report, SkillKind, SkillRow};
use crate::uplink::{NamesPolicy, Outcome, ReportState, Visibility};

/// Hits of a skill in its timeline, as many as an upload may have.
pub const SKILL_HITS_MAX: usize = crate::limits::WHOLE_TIMELINE_MAX;
/// Hits in all timelines of an encounter: some 10 MiB of text. A fight of twenty players for half an hour has as many.
pub const ENCOUNTER_HITS_SHOWN: usize = 100_000;

/// An encounter.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct FormEncounter {
    /// The version of the form: 1.
    pub schema_version: u32,
    /// Names the report.
    pub report_id: String,
    /// The raid that it is of.
    pub raid: String,
    /// Where the report stands.
    pub state: ReportState,
    /// Which reading of the fight it holds.
    pub revision: u32,
    /// Who may see it.
    pub visibility: Visibility,
    /// Which names those see who are no members of its raid.
    pub names: NamesPolicy,
    /// Whether this reading was uploaded with a good signature.
    pub verified: bool,
    /// Unix ms.
    pub started_at_ms: i64,
    /// Unix ms, by the meter.
    pub ended_at_ms: Option<i64>,
    /// First to last combat event.
    pub duration_ms: u32,
    /// Damage of all players.
    pub total_damage: u64,
    /// Healing of all players.
    pub total_heal: u64,
    /// By damage.
    pub bosses: Vec<FormBoss>,
    /// By damage.
    pub players: Vec<FormPlayer>,
    /// Whose meter it is, by the player's key.
    pub local_player_uid: Option<String>,
    /// Of the relay's state of the fight.
    pub checksum: String,
    /// The game's id.
    pub scene_id: Option<i64>,
    /// The scene's name.
    pub scene_name: Option<String>,
    /// The game's difficulty.
    pub difficulty: Option<i64>,
    /// How it went.
    pub outcome: Outcome,
    /// Hits that no timeline shows, because there are too many; absent where no timelines were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub timeline_hits_left_out: Option<u64>,
}

/// A boss.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct FormBoss {
    /// Its name.
    pub name: String,
    /// What players dealt to it.
    pub total_damage: u64,
    /// In so many hits.
    pub hits: u64,
}

/// A player.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct FormPlayer {
    /// The player's key in this relay, never the game's id.
    pub actor_id: String,
    /// In the game.
    pub name: Option<String>,
    /// The game's class.
    pub class_id: Option<u16>,
    /// The spec.
    pub class_spec: Option<u16>,
    /// The game's score.
    pub ability_score: Option<u32>,
    /// Character level.
    pub level: Option<u32>,
    /// Damage.
    pub damage_dealt: u64,
    /// Healing.
    pub heal_dealt: u64,
    /// Damage from anyone.
    pub damage_taken: Option<u64>,
    /// Damage to bosses.
    pub boss_damage_dealt: Option<u64>,
    /// Hits of damage.
    pub hits_dealt: u64,
    /// Heals.
    pub hits_heal: u64,
    /// Critical hits of damage.
    pub crit_hits_dealt: Option<u64>,
    /// Lucky hits of damage.
    pub lucky_hits_dealt: Option<u64>,
    /// Damage a second.
    pub dps: f64,
    /// Healing a second.
    pub hps: f64,
    /// 0 to 1.
    pub crit_rate: Option<f64>,
    /// 0 to 1.
    pub lucky_rate: Option<f64>,
    /// Skills that do damage.
    pub damage_skills: Vec<FormSkill>,
    /// Skills that heal.
    pub heal_skills: Vec<FormSkill>,
}

/// A skill of a player.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct FormSkill {
    /// The game's base skill. One may have several entries, which add up.
    pub skill_id: i64,
    /// The meter's finer id, where it has one.
    pub variant_id: Option<i64>,
    /// As the meter shows it.
    pub skill_name: Option<String>,
    /// Damage or healing.
    pub total_value: u64,
    /// In so many hits.
    pub hits: u64,
    /// Critical ones.
    pub crit_hits: Option<u64>,
    /// Lucky ones.
    pub lucky_hits: Option<u64>,
    /// Its hits by time; absent where no timelines were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub timeline: Option<Vec<FormHit>>,
}

/// A hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct FormHit {
    /// Ms since the encounter began.
    pub timestamp_ms: u32,
    /// Hit points.
    pub value: u64,
    /// Whether it was critical.
    pub is_crit: bool,
    /// Whether it was lucky.
    pub is_lucky: bool,
    /// What of it health took, where a shield took some.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub hp_loss: Option<u64>,
    /// What of it a shield took, where one did.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub shield_loss: Option<u64>,
}

/// Which skill of whom: the player's key, the skill's base and variant, and what its hits do.
pub type SkillOf = (String, i64, Option<i64>, SkillKind);

/// Hits of skills.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timelines {
    /// [`SKILL_HITS_MAX`] of each at the most, in any order.
    pub by_skill: HashMap<SkillOf, Vec<FormHit>>,
    /// Hits that are not among them.
    pub left_out: u64,
}

impl FormEncounter {
    /// A report in this form, with these timelines, if they are asked for.
    pub fn of(report: &Report, mut timelines: Option<Timelines>) -> Self {
        let Fight { encounter: Place { scene, scene_id, difficulty }, .. } = &report.fight;
        let fight = &report.fight;
        let all: usize = timelines.iter().flat_map(|timelines| timelines.by_skill.values()).map(Vec::len).sum();
        let mut room = ENCOUNTER_HITS_SHOWN;
        let players =
            fight.players.iter().map(|player| FormPlayer::of(player, timelines.as_mut(), &mut room)).collect();
        Self {
            schema_version: 1,
            report_id: report.report_id.clone(),
            raid: report.raid.clone(),
            state: report.state,
            revision: report.revision,
            visibility: report.visibility,
            names: report.names,
            verified: report.verified,
            started_at_ms: fight.started_at_ms,
            ended_at_ms: fight.ended_at_ms,
            duration_ms: fight.duration_ms,
            total_damage: fight.totals.damage,
            total_heal: fight.totals.healing,
            bosses: fight
                .bosses
                .iter()
                .map(|boss| FormBoss { name: boss.name.clone(), total_damage: boss.damage, hits: boss.hits })
                .collect(),
            local_player_uid: fight
                .players
                .iter()
                .find(|player| player.is_local)
                .map(|player| player.player_key.clone()),
            checksum: fight.checksum.clone(),
            scene_id: *scene_id,
            scene_name: scene.clone(),
            difficulty: *difficulty,
            outcome: fight.outcome,
            timeline_hits_left_out: timelines
                .map(|timelines| timelines.left_out + (all + room - ENCOUNTER_HITS_SHOWN) as u64),
            players,
        }
    }
}

impl FormPlayer {
    fn of(player: &Player, mut timelines: Option<&mut Timelines>, room: &mut usize) -> Self {
        let mut skills = |kind| -> Vec<FormSkill> {
            let of_kind = player.skills.iter().filter(|skill| skill.kind == kind);
            of_kind.map(|skill| FormSkill::of(&player.player_key, skill, timelines.as_deref_mut(), room)).collect()
        };
        let (damage_skills, heal_skills) = (skills(SkillKind::Damage), skills(SkillKind::Healing));
        let rate = |hits: Option<u64>| (player.hits > 0).then(|| hits.map(|hits| hits as f64 / player.hits as f64))?;
        Self {
            actor_id: player.player_key.clone(),
            name: player.name.clone(),
            class_id: player.class_id,
            class_spec: player.spec_id,
            ability_score: player.ability_score,
            level: player.level,
            damage_dealt: player.damage,
            heal_dealt: player.healing,
            damage_taken: player.damage_taken,
            boss_damage_dealt: player.boss_damage,
            hits_dealt: player.hits,
            hits_heal: player.heal_hits,
            crit_hits_dealt: player.crit_hits,
            lucky_hits_dealt: player.lucky_hits,
            dps: player.dps,
            hps: player.hps,
            crit_rate: rate(player.crit_hits),
            lucky_rate: rate(player.lucky_hits),
            damage_skills,
            heal_skills,
        }
    }
}

impl FormSkill {
    fn of(player: &str, skill: &SkillRow, timelines: Option<&mut Timelines>, room: &mut usize) -> Self {
        let of = (player.to_owned(), skill.skill_id, skill.variant_id, skill.kind);
        let timeline = timelines.map(|timelines| {
            let mut hits = timelines.by_skill.remove(&of).unwrap_or_default();
            hits.sort_unstable();
            hits.truncate(*room);
            *room -= hits.len();
            hits
        });
        Self {
            skill_id: skill.skill_id,
            variant_id: skill.variant_id,
            skill_name: skill.name.clone(),
            total_value: skill.total,
            hits: skill.hits,
            crit_hits: skill.crit_hits,
            lucky_hits: skill.lucky_hits,
            timeline,
        }
    }
}
