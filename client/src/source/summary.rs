//! Generation D: a fight is written once, when it is over, as one packed summary.
//!
//! One invariant: a fight's row is named by when it began, for these meters renumber their rows at each start.
//! There are no single hits, no times within the fight and no deaths that could be placed. The layout has no version,
//! so a summary that no known layout fits is refused as a whole: nothing is guessed.
//! Meter: resonance-logs-cn from March to August 2026, resonance-logs-global.

mod layout;
mod reader;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use raidcast_shared::event::{ActorFacts, ActorKind, CritsKnown, HitKind, Knows, RareBody, SourceKey};
use raidcast_shared::game::SPECS;
use raidcast_shared::id::{ActorId, SkillId};
use raidcast_shared::limits::AMOUNT_MAX;
use raidcast_shared::meter::person::shown;
use raidcast_shared::meter::row::{actor_id, rare};
use raidcast_shared::uplink::{DamageBy, MeterTotals, Outcome};

use super::chunks::chunk::base_of_damage_id;
use super::clock::end_ms;
use super::database::{Database, DbRow, bytes, int, json_list, positive, raw_text, rows_of_list};
use super::fight_row::{FightRow, begins};
use super::missing::tell_missing;
use super::names::Names;
use super::{
    Cursor, CursorKey, CursorValue, Fight, Found, Glance, Reading, RowBegin, Source, SourceError, Unreadable, detect,
    roster,
};
use layout::{Entity, Kind, PACKED_BYTES_MAX, Row};

/// Prefixes of cursor keys and source keys.
mod prefix {
    /// The summary was read.
    pub(super) const READ: u8 = 41;
    /// Source keys of totals; of heals the next.
    pub(super) const TOTALS: u32 = 42;
    /// Sums that no hits have, in ids of missing things.
    pub(super) const ABSURD: i64 = 44;
    /// Sums of an actor that its rows do not come to: damage, and heals with the next.
    pub(super) const SUMS: i64 = 45;
}

const READ: CursorKey = CursorKey(prefix::READ, 0);
/// Player ids of the game are shorter; a longer one is the game's 64-bit id of an entity.
const PLAYER_ID_MAX: u64 = u32::MAX as u64;

/// A generation D database, open.
#[derive(Debug)]
pub struct Summary {
    db: Database,
    names: Arc<Names>,
    stable_id: String,
    encounters: String,
    data: String,
    /// How long that is, for which it is not read.
    data_bytes: String,
    totals: String,
    bosses: String,
}

impl Summary {
    /// Opens the database that detection found.
    ///
    /// # Errors
    /// As [`super::detect::identify`].
    pub fn open(found: &Found, names: Arc<Names>) -> Result<Self, SourceError> {
        let db = detect::open(found)?;
        let this = "WHERE started_at_ms = ?1 ORDER BY id LIMIT 1";
        Ok(Self {
            stable_id: db.stable_id()?,
            encounters: db.select(
                "encounters",
                &[
                    "started_at_ms",
                    "ended_at_ms",
                    "local_player_id",
                    "scene_id",
                    "scene_name",
                    "dungeon_difficulty",
                    "is_manually_reset",
                ],
                "WHERE started_at_ms > ?1 OR started_at_ms IN (SELECT value FROM json_each(?2)) ORDER BY started_at_ms",
            ),
            data: format!(
                "SELECT length(data) AS bytes, CASE WHEN length(data) <= {PACKED_BYTES_MAX} THEN data END AS data \
                 FROM encounter_data WHERE encounter_id = (SELECT id FROM encounters {this})"
            ),
            data_bytes: format!(
                "SELECT length(data) AS bytes FROM encounter_data WHERE encounter_id = (SELECT id FROM encounters {this})"
            ),
            totals: db.select("encounters", &["total_dmg", "total_heal"], this),
            bosses: db.select("encounters", &["boss_names", "boss_monster_ids"], this),
            db,
            names,
        })
    }

    fn entities(&mut self, fight: &Fight) -> Result<Vec<Entity>, SourceError> {
        let unreadable = |why| SourceError::Unreadable { started_at_ms: fight.started_at_ms, why };
        let read = self.db.rows(&self.data, &[fight.row])?;
        let Some(row) = read.first() else { return Err(unreadable(Unreadable::NoSummary)) };
        let Some(data) = bytes(row, "data") else {
            let bytes = int(row, "bytes").unwrap_or(0);
            return Err(unreadable(Unreadable::TooLarge { bytes, at_most: PACKED_BYTES_MAX }));
        };
        layout::decode(&data).map_err(unreadable)
    }

    /// Names and kinds of monsters that the meter counts as bosses of the fight.
    fn bosses(&mut self, fight: &Fight) -> Result<(BTreeSet<String>, BTreeSet<i64>), SourceError> {
        let read = self.db.rows(&self.bosses, &[fight.row])?;
        let list = |column| read.first().and_then(|row| bytes(row, column)).unwrap_or_default();
        let names: Vec<String> = serde_json::from_slice(&list("boss_names")).unwrap_or_default();
        let ids: Vec<i64> = serde_json::from_slice(&list("boss_monster_ids")).unwrap_or_default();
        Ok((names.into_iter().collect(), ids.into_iter().collect()))
    }
}

impl Source for Summary {
    fn knows(&self) -> Knows {
        Knows { crits: CritsKnown::Local, hits: false, overheal: true, lag_ms: 0, no_deaths: true, ..Knows::default() }
    }

    fn changed(&mut self) -> Result<bool, SourceError> {
        self.db.changed()
    }

    fn fights(&mut self, after: i64, open: &[i64]) -> Result<Vec<Fight>, SourceError> {
        let list = json_list(open.iter().copied());
        let read = rows_of_list(&self.db.conn, &self.encounters, &[after], &list);
        let read = read.map_err(|error| self.db.refused(&error))?;
        let mut fights: Vec<Fight> = Vec::new();
        for row in read {
            let Some(row) = FightRow::of(&row, "started_at_ms") else { continue };
            if fights.last().is_some_and(|before| before.row == row.id) {
                continue;
            }
            let local_player = row.local_player().map(player_id);
            fights.push(row.fight(local_player, &self.names, &self.stable_id, |_| Ok(Outcome::Unknown))?);
        }
        Ok(fights)
    }

    fn begins(&mut self) -> Result<Vec<RowBegin>, SourceError> {
        begins(&self.db, "started_at_ms")
    }

    fn glance(&mut self, fight: &Fight) -> Result<Glance, SourceError> {
        let read = self.db.rows(&self.bosses, &[fight.row])?;
        let list = |column| read.first().and_then(|row| bytes(row, column)).unwrap_or_default();
        let names: Vec<String> = serde_json::from_slice(&list("boss_names")).unwrap_or_default();
        let ids: Vec<i64> = serde_json::from_slice(&list("boss_monster_ids")).unwrap_or_default();
        // As in the report: the game's files have a kind's name, else the meter has it.
        let of_kind = ids.iter().filter_map(|id| self.names.monster(*id)).next_back().map(str::to_owned);
        let boss = of_kind.or_else(|| names.iter().filter_map(|name| shown(name)).next_back());
        let packed = self.db.rows(&self.data_bytes, &[fight.row])?;
        Ok(Glance { boss, bytes: packed.first().and_then(|row| positive(row, "bytes")), ..Glance::default() })
    }

    fn check(&mut self, fight: &Fight) -> Result<(), SourceError> {
        self.entities(fight).map(drop)
    }

    /// A row is named by when its fight began, and a clock may be set back.
    fn rows_ascend(&self) -> bool {
        false
    }

    fn read(&mut self, fight: &Fight, cursor: &Cursor, _now_ms: u64) -> Result<Reading, SourceError> {
        self.read_last(fight, cursor)
    }

    fn read_last(&mut self, fight: &Fight, cursor: &Cursor) -> Result<Reading, SourceError> {
        let mut reading = Reading::default();
        if cursor.get(READ).is_some() {
            return Ok(reading);
        }
        let entities = self.entities(fight)?;
        let bosses = self.bosses(fight)?;
        tell_people(&entities, &bosses, fight, &self.names, &mut reading);
        tell_sums(&entities, fight, &mut reading);
        roster::tell_skills(&self.names, cursor, &mut reading);
        reading.cursor.push((READ, CursorValue(1, 0)));
        Ok(reading)
    }

    fn totals(&mut self, fight: &Fight) -> Result<Option<MeterTotals>, SourceError> {
        let read = self.db.rows(&self.totals, &[fight.row])?;
        let sum = |row: &DbRow, column| {
            let exact = raw_text(row, column).and_then(|text| text.parse().ok());
            exact.or_else(|| int(row, column).map(|sum| sum.max(0).cast_unsigned()))
        };
        Ok(read.first().and_then(|row| {
            let (damage, healing) = (sum(row, "total_dmg")?, sum(row, "total_heal").unwrap_or(0));
            Some(MeterTotals { damage, healing, damage_by: DamageBy::Players })
        }))
    }
}

/// A player's id: later layouts have the game's 64-bit id of the entity, whose upper part it is.
fn player_id(id: u64) -> u64 {
    if id > PLAYER_ID_MAX { id >> 16 } else { id }
}

/// Yields what is known of each actor.
fn tell_people(
    entities: &[Entity],
    (boss_names, boss_ids): &(BTreeSet<String>, BTreeSet<i64>),
    fight: &Fight,
    names: &Names,
    reading: &mut Reading,
) {
    let mut people: BTreeMap<i64, ActorFacts<ActorId>> = BTreeMap::new();
    let monster = |facts: &mut ActorFacts<ActorId>, name: Option<&str>, id: Option<i64>| {
        facts.kind = facts.kind.or(Some(ActorKind::Monster));
        facts.monster_id = facts.monster_id.or(id);
        if facts.name.is_none() {
            facts.name = id.and_then(|id| names.monster(id)).map(str::to_owned).or_else(|| name.and_then(shown));
        }
        let is_boss = name.is_some_and(|name| boss_names.contains(name)) || id.is_some_and(|id| boss_ids.contains(&id));
        facts.boss = facts.boss.or(is_boss.then_some(true));
    };
    for entity in entities {
        let facts = people.entry(entity.uid).or_insert_with(|| ActorFacts::of(actor_id(entity.uid)));
        let is_local = fight.local_player.is_some_and(|id| id == entity.uid.cast_unsigned());
        if entity.kind == Kind::Player || is_local {
            let told = |value: i64| Some(value).filter(|value| *value > 0);
            facts.kind = Some(ActorKind::Player);
            facts.name = shown(&entity.name);
            facts.class_id = told(entity.class_id).and_then(|id| id.try_into().ok());
            let spec = SPECS.iter().find(|spec| spec.name == entity.spec);
            facts.spec_id = spec.filter(|spec| facts.class_id.is_none_or(|id| id == spec.class_id)).map(|spec| spec.id);
            facts.ability_score = told(entity.ability_score).and_then(|score| score.try_into().ok());
            facts.level = told(entity.level).and_then(|level| level.try_into().ok());
        } else if entity.kind == Kind::Monster {
            monster(facts, Some(entity.name.as_str()).filter(|name| !name.is_empty()), entity.monster_id);
        }
    }
    // Monsters that did nothing have no entity: what was done to them tells who they are.
    for row in entities.iter().filter(|entity| entity.kind == Kind::Player).flat_map(|entity| &entity.dealt) {
        let facts = people.entry(row.target).or_insert_with(|| ActorFacts::of(actor_id(row.target)));
        if facts.kind != Some(ActorKind::Player) {
            monster(facts, row.target_name.as_deref(), row.target_monster);
        }
    }
    for (id, facts) in people {
        roster::tell_actor(id, facts, &Cursor::default(), reading);
    }
}

/// Yields each actor's sums by skill and target, and what they contradict.
fn tell_sums(entities: &[Entity], fight: &Fight, reading: &mut Reading) {
    let at_ms = end_ms(fight);
    let mut absurd = 0;
    for (at, entity) in entities.iter().enumerate() {
        let kinds = [(HitKind::Damage, &entity.dealt, entity.damage), (HitKind::Heal, &entity.healed, entity.healing)];
        for (n, (kind, rows, whole)) in kinds.into_iter().enumerate() {
            let (mut hits, mut amount) = (0_u64, 0_u64);
            for (index, row) in rows.iter().enumerate() {
                let Some(sums) = sums_of(row, kind) else {
                    absurd += 1;
                    continue;
                };
                (hits, amount) = (hits.saturating_add(sums[0]), amount.saturating_add(sums[1]));
                let [row_hits, row_amount, crit, lucky, shield, overheal] = sums;
                let body = RareBody::Totals {
                    a: actor_id(entity.uid),
                    on: actor_id(row.target),
                    s: SkillId { base: base_of_damage_id(row.skill), variant: Some(row.skill) },
                    kind,
                    hits: row_hits,
                    amount: row_amount,
                    crit,
                    lucky,
                    shield,
                    overheal,
                    lump: true,
                };
                let index = (at as u32) << 12 | index as u32;
                reading.events.push(rare(at_ms, SourceKey::new(prefix::TOTALS + n as u32, index), body));
            }
            let word = ["damage", "healing"][n];
            let id = (prefix::SUMS + n as i64) << 56 | at as i64;
            let told = |whole: Option<u64>| whole.unwrap_or(u64::MAX).min(AMOUNT_MAX);
            let nobody = Cursor::default();
            if told(whole[0]) != hits {
                let what = format!("hits of an actor's {word}, actor {at} of the summary");
                tell_missing(&nobody, reading, at_ms, id, &what, told(whole[0]), hits);
            } else if told(whole[1]) != amount {
                let what = format!("amount of an actor's {word}, actor {at} of the summary");
                tell_missing(&nobody, reading, at_ms, id, &what, told(whole[1]), amount);
            }
        }
    }
    if absurd > 0 {
        let what = "rows of the summary with sums that no hits have";
        tell_missing(&Cursor::default(), reading, at_ms, prefix::ABSURD << 56, what, absurd, 0);
    }
}

/// Hits, amount, critical, lucky, shield, overheal; `None` where they contradict themselves.
fn sums_of(row: &Row, kind: HitKind) -> Option<[u64; 6]> {
    let (hits, amount, crit, lucky) = (row.hits?, row.amount?, row.crit?, row.lucky?);
    if hits.max(amount) > AMOUNT_MAX || crit.max(lucky) > hits {
        return None;
    }
    let (shield, overheal) = match kind {
        HitKind::Damage => (row.shield?.min(amount), 0),
        HitKind::Heal => (0, amount.checked_sub(row.effective?)?),
    };
    Some([hits, amount, crit, lucky, shield, overheal])
}
