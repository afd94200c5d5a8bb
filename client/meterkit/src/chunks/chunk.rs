//! A chunk's bytes: zstd around named `MessagePack`.

use serde::{Deserialize, Serialize};

use crate::error::MeterkitError;

/// The meter's zstd level.
const ZSTD_LEVEL: i32 = 3;

/// Type bits of a character's uuid: type 10 in bits 6 to 13.
pub const CHARACTER_BITS: i64 = 10 << 6;

/// Type bits of a monster's uuid: type 1.
pub const MONSTER_BITS: i64 = 1 << 6;

/// [`Hit::flags`]: a critical hit.
pub const FLAG_CRIT: u8 = 1;

/// [`Hit::flags`]: a lucky hit of the attacker's.
pub const FLAG_LUCKY: u8 = 4;

/// What a chunk holds; the three arrays are of one length.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Chunk {
    /// `combat`, `timeline` or `context`.
    pub stream_kind: String,
    /// One counter over all streams of an encounter, from 1.
    pub sequences: Vec<u64>,
    /// Ms since the encounter began.
    pub offsets_ms: Vec<u64>,
    /// What happened.
    pub events: Vec<Event>,
}

/// One event of any stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data", rename_all = "snake_case")]
pub enum Event {
    /// Of the stream `combat`.
    Hit(Hit),
    /// Of the stream `combat`.
    Death(Death),
    /// Of the stream `timeline`.
    SkillCast(SkillCast),
    /// Of the stream `context`.
    EntityContext(EntityContext),
}

/// What a hit counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// A player's.
    Damage,
    /// A player's.
    Healing,
    /// A monster's on a character; the actor is the one who takes it.
    DamageTaken,
}

/// A hit or heal; amounts are 16 bytes, most significant first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the meter's names, explained where a reader could err")]
pub struct Hit {
    /// Whose figures it moves: full uuid.
    pub actor_entity_id: i64,
    pub source_entity_id: Option<i64>,
    pub target_entity_id: i64,
    /// The damage id, not the base skill.
    pub skill_id: i64,
    pub base_skill_id: Option<i64>,
    pub metric: Metric,
    pub amount: u128,
    /// Without overheal.
    pub effective_amount: u128,
    pub has_loss_breakdown: bool,
    pub hp_loss: u128,
    pub shield_loss: u128,
    /// Bits, of which [`FLAG_CRIT`] and [`FLAG_LUCKY`] are written.
    pub flags: u8,
    pub target_is_boss: bool,
    pub target_monster_id: Option<i64>,
    pub source_monster_id: Option<i64>,
    pub property: Option<i64>,
    pub damage_mode: Option<i64>,
}

/// A death.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the meter's names, explained where a reader could err")]
pub struct Death {
    /// Full uuid, of which a boss's carries a character's type bits.
    pub entity_id: i64,
    pub source_entity_id: Option<i64>,
    /// The base skill.
    pub skill_id: Option<i64>,
    /// The last two seconds; never written here.
    pub replay: Option<()>,
}

/// A cast.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the meter's names, explained where a reader could err")]
pub struct SkillCast {
    pub caster_entity_id: i64,
    pub skill_id: i64,
    /// `boss_skill`, `fantasy` or `key_skill`.
    pub kind: String,
    pub remodel_level: Option<i64>,
}

/// Who an entity is; sequenced before its first hit, though its chunk may be committed later.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the meter's names, explained where a reader could err")]
pub struct EntityContext {
    pub entity_id: i64,
    pub display_uid: i64,
    pub name: Option<String>,
    pub class_id: Option<i64>,
    /// Never known to this meter.
    pub class_spec: Option<i64>,
    pub ability_score: Option<i64>,
    pub season_strength: Option<i64>,
    pub monster_id: Option<i64>,
}

impl Chunk {
    /// The bytes of the column `data`.
    ///
    /// # Errors
    /// `Encode` or `Compress`, neither of which these types give cause for.
    pub fn encode(&self) -> Result<Vec<u8>, MeterkitError> {
        let plain = rmp_serde::to_vec_named(self)?;
        Ok(zstd::encode_all(plain.as_slice(), ZSTD_LEVEL)?)
    }
}

/// The damage id that this meter makes of a base skill: damage type 1 before it, hit event 01 behind it.
pub fn damage_id(base_skill_id: i64) -> i64 {
    if base_skill_id < 0 {
        return base_skill_id;
    }
    let digits = base_skill_id.checked_ilog10().unwrap_or(0) + 1;
    (10_i64.pow(digits) + base_skill_id) * 100 + 1
}
