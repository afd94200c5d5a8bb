//! A fight's sums as the meter packs them.

use std::collections::BTreeMap;

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use crate::chunks::{CHARACTER_BITS, MONSTER_BITS, damage_id};
use crate::error::MeterkitError;
use crate::fight::{Hit, HitKind, Player};
use crate::playhead::Playhead;

/// What the meter compresses with.
const ZSTD_LEVEL: i32 = 3;

/// The meter's names of specs, by canonical id from 1.
const SPECS: [&str; 18] = [
    "Iaido",
    "Moonstrike",
    "Icicle",
    "Frostbeam",
    "Voidflame",
    "Blazecrimson",
    "Vanguard",
    "Skyward",
    "Smite",
    "Lifebind",
    "Earthfort",
    "Block",
    "Wildpack",
    "Falconry",
    "Recovery",
    "Shield",
    "Dissonance",
    "Concerto",
];

/// A version's order of values, by when it came (2026).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layout {
    /// 7 March.
    March,
    /// 29 March: heals tell what of them was needed. Also the international fork's of April.
    Effective,
    /// 19 April: deaths stand at an entity's end.
    Deaths,
    /// 29 April: monsters' kinds instead of their names.
    Kinds,
    /// 20 May: the game's 64-bit ids of entities.
    Uuids,
    /// 29 May: damage taken by source, blocked hits.
    Sources,
    /// None that ever was: one value more than the last.
    Unheard,
}

impl Layout {
    /// Every one that a meter had.
    pub const ALL: [Self; 6] = [Self::March, Self::Effective, Self::Deaths, Self::Kinds, Self::Uuids, Self::Sources];

    /// How an entity is named.
    pub(super) fn id_of(self, uid: i64, player: bool) -> i64 {
        match self {
            _ if self < Self::Uuids => uid,
            _ if player => uid << 16 | CHARACTER_BITS,
            _ => uid << 16 | MONSTER_BITS,
        }
    }
}

/// A value; its list's place says what it is.
enum Value {
    Nil,
    Int(i64),
    Wide(u128),
    Text(String),
    List(Vec<Value>),
    Map(Vec<(Value, Value)>),
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Nil => serializer.serialize_none(),
            Self::Int(value) => serializer.serialize_i64(*value),
            Self::Wide(value) => serializer.serialize_u128(*value),
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(values) => {
                let mut list = serializer.serialize_seq(Some(values.len()))?;
                values.iter().try_for_each(|value| list.serialize_element(value))?;
                list.end()
            }
            Self::Map(pairs) => {
                let mut map = serializer.serialize_map(Some(pairs.len()))?;
                pairs.iter().try_for_each(|(key, value)| map.serialize_entry(key, value))?;
                map.end()
            }
        }
    }
}

/// Sums of some hits.
#[derive(Clone, Copy, Default)]
struct Sums {
    hits: i64,
    total: i64,
    effective: i64,
    crit_hits: i64,
    crit_total: i64,
    lucky_hits: i64,
    lucky_total: i64,
    hp_loss: i64,
    shield_loss: i64,
}

impl Sums {
    fn add(&mut self, hit: &Hit) {
        self.hits += 1;
        self.total += hit.amount;
        // Of damage the meter counts none.
        self.effective += if hit.kind == HitKind::Heal { hit.amount - hit.overheal } else { 0 };
        self.crit_hits += i64::from(hit.crit);
        self.crit_total += if hit.crit { hit.amount } else { 0 };
        self.lucky_hits += i64::from(hit.lucky);
        self.lucky_total += if hit.lucky { hit.amount } else { 0 };
        self.hp_loss += hit.hp_loss;
        self.shield_loss += hit.shield_loss;
    }

    /// As of an entity or a skill.
    fn plain(self, layout: Layout) -> Value {
        let mut list = vec![self.total];
        list.extend((layout >= Layout::Effective).then_some(self.effective));
        list.extend([self.crit_total, self.crit_hits, self.lucky_total, self.lucky_hits, self.hits]);
        list.extend((layout >= Layout::Sources).then_some([0; 3]).into_iter().flatten());
        Value::List(list.into_iter().map(wide).collect())
    }

    /// As of a skill on a target.
    fn on_target(self, layout: Layout, name: Option<&str>, kind: Option<i64>) -> Value {
        let mut list = vec![self.hits, self.total];
        list.extend((layout >= Layout::Effective).then_some(self.effective));
        list.extend([
            self.crit_hits,
            self.lucky_hits,
            self.crit_total,
            self.lucky_total,
            self.hp_loss,
            self.shield_loss,
        ]);
        let mut list: Vec<_> = list.into_iter().map(wide).collect();
        list.push(if layout >= Layout::Kinds {
            kind.map_or(Value::Nil, Value::Int)
        } else {
            name.map_or(Value::Nil, |name| Value::Text(name.to_owned()))
        });
        list.extend((layout >= Layout::Sources).then_some(Value::Wide(0)));
        Value::List(list)
    }
}

fn wide(value: i64) -> Value {
    Value::Wide(u128::from(value.cast_unsigned()))
}

/// What one entity did and took.
#[derive(Default)]
struct Entity {
    damage: Sums,
    damage_by_skill: BTreeMap<i64, Sums>,
    boss: Sums,
    healing: Sums,
    healing_by_skill: BTreeMap<i64, Sums>,
    taken: Sums,
    taken_by_skill: BTreeMap<i64, Sums>,
    by_target: BTreeMap<i64, i64>,
    dealt: BTreeMap<(i64, i64), Sums>,
    healed: BTreeMap<(i64, i64), Sums>,
}

/// A packed fight, and its sums as the meter counts them.
pub(super) struct Summary {
    value: Value,
    /// By players.
    pub(super) damage_total: i64,
    pub(super) heal_total: i64,
}

impl Summary {
    pub(super) fn pack(&self) -> Result<Vec<u8>, MeterkitError> {
        Ok(zstd::encode_all(rmp_serde::to_vec(&self.value)?.as_slice(), ZSTD_LEVEL)?)
    }
}

/// Sums a fight up as far as its `hits` go.
pub(super) fn summary(layout: Layout, playhead: &Playhead, hits: &[Hit]) -> Summary {
    let mut entities: BTreeMap<i64, Entity> = BTreeMap::new();
    let (mut damage_total, mut heal_total) = (0, 0);
    for hit in hits {
        let skill = damage_id(hit.base_skill_id);
        let source = entities.entry(hit.source).or_default();
        if hit.kind == HitKind::Heal {
            heal_total += hit.amount;
            source.healing.add(hit);
            source.healing_by_skill.entry(skill).or_default().add(hit);
            source.healed.entry((skill, hit.target)).or_default().add(hit);
            continue;
        }
        source.damage.add(hit);
        source.damage_by_skill.entry(skill).or_default().add(hit);
        source.dealt.entry((skill, hit.target)).or_default().add(hit);
        *source.by_target.entry(hit.target).or_default() += hit.amount;
        if playhead.monster(hit.target).is_some_and(|monster| monster.is_boss) {
            source.boss.add(hit);
        }
        if playhead.player(hit.source).is_some() {
            damage_total += hit.amount;
        } else {
            let target = entities.entry(hit.target).or_default();
            target.taken.add(hit);
            target.taken_by_skill.entry(skill).or_default().add(hit);
        }
    }
    let fought = |entity: &Entity| entity.damage.hits + entity.healing.hits + entity.taken.hits > 0;
    let pairs = entities.iter().filter(|(_, entity)| fought(entity)).map(|(uid, entity)| {
        (Value::Int(layout.id_of(*uid, playhead.player(*uid).is_some())), entity.value(layout, *uid, playhead))
    });
    Summary { value: Value::Map(pairs.collect()), damage_total, heal_total }
}

impl Entity {
    fn value(&self, layout: Layout, uid: i64, playhead: &Playhead) -> Value {
        let (player, monster) = (playhead.player(uid), playhead.monster(uid));
        let id = |uid| Value::Int(layout.id_of(uid, playhead.player(uid).is_some()));
        let skills = |skills: &BTreeMap<i64, Sums>| {
            Value::Map(skills.iter().map(|(skill, sums)| (Value::Int(*skill), sums.plain(layout))).collect())
        };
        let targets = |rows: &BTreeMap<(i64, i64), Sums>| {
            let rows = rows.iter().map(|((skill, target), sums)| {
                let monster = playhead.monster(*target);
                let name = monster.map(|m| &m.name).or_else(|| playhead.player(*target).map(|p| &p.name));
                let key = Value::List(vec![Value::Int(*skill), id(*target)]);
                (key, sums.on_target(layout, name.map(String::as_str), monster.and_then(|m| m.type_id)))
            });
            Value::Map(rows.collect())
        };
        let text = |text: Option<&str>| Value::Text(text.unwrap_or_default().to_owned());
        let told = |of: fn(&Player) -> i64| Value::Int(player.map_or(0, of));
        let spec = player.and_then(|player| SPECS.get(usize::try_from(player.spec - 1).ok()?));
        let mut list = Vec::new();
        list.extend((layout >= Layout::Uuids).then(|| id(uid)));
        list.push(text(player.map(|player| player.name.as_str())));
        list.push(text(Some(if player.is_some() { "EntChar" } else { "EntMonster" })));
        list.push(told(|player| player.class_id));
        list.push(text(Some(spec.unwrap_or(&"Unknown"))));
        list.push(told(|player| player.ability_score));
        list.push(told(|player| player.level));
        if layout < Layout::Kinds {
            list.push(monster.map_or(Value::Nil, |monster| text(Some(&monster.name))));
        }
        list.push(Value::Map(vec![]));
        list.push(self.damage.plain(layout));
        list.push(skills(&self.damage_by_skill));
        list.push(self.boss.plain(layout));
        list.push(self.healing.plain(layout));
        list.push(skills(&self.healing_by_skill));
        list.push(self.taken.plain(layout));
        list.push(skills(&self.taken_by_skill));
        list.extend((layout >= Layout::Sources).then(|| Value::Map(vec![])));
        list.push(monster.and_then(|monster| monster.type_id).map_or(Value::Nil, Value::Int));
        list.push(Value::Map(self.by_target.iter().map(|(target, amount)| (id(*target), wide(*amount))).collect()));
        list.push(targets(&self.dealt));
        list.push(targets(&self.healed));
        list.push(Value::Int(0));
        list.extend((layout >= Layout::Deaths).then(|| Value::List(vec![])));
        list.extend((layout == Layout::Unheard).then_some(Value::Nil));
        Value::List(list)
    }
}
