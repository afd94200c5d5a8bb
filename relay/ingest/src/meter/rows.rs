//! Entries of an encounter's lists, and the rows of hits as they are held until all their stamps are known.

use raidcast_shared::event::{HitKind, SourceKey};
use raidcast_shared::limits::ENCOUNTER_HITS_MAX;
use raidcast_shared::meter::course::{AttemptRow, DeathRow, SegmentRow};
use raidcast_shared::meter::details::{self, Entry, Number, Truth};
use raidcast_shared::meter::entry::stamp;
use raidcast_shared::meter::person::{self, Boss, Person, Stats};
use raidcast_shared::meter::prefix;
use raidcast_shared::meter::row::{HitRow, RowSums};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::fight::Fight;
use crate::json::{List, LongText, Loose, Text, object};

fn positive<T: TryFrom<i64>>(number: Loose<Number>) -> Option<T> {
    // Meters write 0 for what they do not know.
    number.0.0.filter(|value| *value > 0).and_then(|value| value.try_into().ok())
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct AttemptIn {
    attempt_index: Loose<Number>,
    started_at_ms: Loose<Number>,
    ended_at_ms: Loose<Number>,
    reason: Text,
    boss_hp_start: Loose<Number>,
    boss_hp_end: Loose<Number>,
}

impl AttemptIn {
    pub(super) fn row(&self) -> Option<AttemptRow<'_>> {
        Some(AttemptRow {
            n: u32::try_from(self.attempt_index.0.0?).ok()?,
            began: self.started_at_ms.0.0,
            ended: self.ended_at_ms.0.0,
            reason: self.reason.0.as_deref(),
            hp: [self.boss_hp_start.0.0, self.boss_hp_end.0.0],
        })
    }
}

/// Of meters up to 0.14.5.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct PhaseIn {
    phase_type: Text,
    start_time_ms: Loose<Number>,
    end_time_ms: Loose<Number>,
    outcome: Text,
}

impl PhaseIn {
    fn is_boss(&self) -> bool {
        self.phase_type.0.as_deref() == Some("boss")
    }

    /// Whether a boss won it; `None` of the way to one.
    pub(super) fn is_lost(&self) -> Option<bool> {
        self.is_boss().then(|| self.outcome.0.as_deref() == Some("wipe"))
    }

    pub(super) fn row(&self) -> SegmentRow {
        SegmentRow { boss: self.is_boss(), name: None, began: self.start_time_ms.0.0, ended: self.end_time_ms.0.0 }
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct SegmentIn {
    segment_type: Text,
    boss_name: Text,
    started_at_ms: Loose<Number>,
    ended_at_ms: Loose<Number>,
}

impl SegmentIn {
    pub(super) fn row(&self) -> SegmentRow {
        SegmentRow {
            boss: self.segment_type.0.as_deref() == Some("boss"),
            name: self.boss_name.0.as_deref().and_then(person::shown),
            began: self.started_at_ms.0.0,
            ended: self.ended_at_ms.0.0,
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct DeathIn {
    timestamp_ms: Loose<Number>,
    actor_id: Loose<Number>,
    killer_id: Loose<Number>,
    skill_id: Loose<Number>,
}

impl DeathIn {
    pub(super) fn row(&self) -> DeathRow {
        DeathRow {
            at: self.timestamp_ms.0.0,
            actor: self.actor_id.0.0,
            killer: self.killer_id.0.0,
            skill: self.skill_id.0.0,
        }
    }
}

/// An actor in the fight.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct StatsIn {
    pub(super) actor_id: Loose<Number>,
    is_player: Loose<Number>,
    name: Text,
    class_id: Loose<Number>,
    class_spec: Loose<Number>,
    ability_score: Loose<Number>,
    level: Loose<Number>,
}

impl StatsIn {
    pub(super) fn stats(&self) -> Stats {
        let Self { name, class_id, class_spec, ability_score, level, .. } = self;
        let person = person_of(name, [class_id, class_spec, ability_score, level]);
        Stats { is_player: self.is_player.0.0, person }
    }
}

/// A player as the meter knows them now, whether or not they were there.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct EntityIn {
    pub(super) entity_id: Loose<Number>,
    name: Text,
    class_id: Loose<Number>,
    class_spec: Loose<Number>,
    ability_score: Loose<Number>,
    level: Loose<Number>,
}

impl EntityIn {
    pub(super) fn person(&self) -> Person {
        let Self { name, class_id, class_spec, ability_score, level, .. } = self;
        person_of(name, [class_id, class_spec, ability_score, level])
    }
}

fn person_of(name: &Text, [class_id, spec, ability_score, level]: [&Loose<Number>; 4]) -> Person {
    Person {
        name: name.0.as_deref().and_then(person::shown),
        class_id: positive(*class_id),
        spec: positive(*spec),
        ability_score: positive(*ability_score),
        level: positive(*level),
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct BossIn {
    pub(super) monster_name: Text,
    max_hp: Loose<Number>,
    is_defeated: Loose<Truth>,
}

impl BossIn {
    pub(super) fn boss(&self) -> Boss {
        Boss { max_hp: positive(self.max_hp), defeated: self.is_defeated.0.0 }
    }
}

/// Somebody with buffs.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct BuffedIn<'a> {
    pub(super) entity_uid: Loose<Number>,
    #[serde(borrow)]
    pub(super) buffs: List<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct BuffIn<'a> {
    pub(super) buff_id: Loose<Number>,
    #[serde(borrow)]
    pub(super) events: List<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct SpanIn {
    pub(super) start_ms: Loose<Number>,
    pub(super) end_ms: Loose<Number>,
    pub(super) stack_count: Loose<Number>,
}

/// A row of damage or healing as it was sent; `D`: what is made of the text of its single hits.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default, bound(deserialize = "D: Deserialize<'de> + Default"))]
struct RowIn<D> {
    #[serde(alias = "healerId")]
    attacker_id: Loose<Number>,
    #[serde(alias = "targetId")]
    defender_id: Loose<Number>,
    skill_id: Loose<Number>,
    hits: Loose<Number>,
    total_value: Loose<Number>,
    crit_hits: Loose<Number>,
    lucky_hits: Loose<Number>,
    shield_loss_total: Loose<Number>,
    monster_name: Text,
    #[serde(alias = "healDetails")]
    hit_details: D,
}

/// A row of damage or healing.
#[derive(Debug)]
pub(super) struct SkillRow {
    pub(super) kind: HitKind,
    /// Of its list, from 1.
    pub(super) number: i64,
    pub(super) row: HitRow,
    /// As the meter counted.
    pub(super) hits: u64,
    /// As the meter summed up.
    pub(super) total: u64,
    /// `None` where no hits have such sums.
    pub(super) sums: Option<RowSums>,
    pub(super) entries: Vec<Kept>,
}

impl SkillRow {
    fn of<D>(told: RowIn<D>, kind: HitKind, place: usize, entries: Vec<Kept>) -> Self {
        let count = |number: Loose<Number>| number.0.0.and_then(|count| u64::try_from(count).ok()).unwrap_or(0);
        let parts = [told.hits, told.total_value, told.crit_hits, told.lucky_hits, told.shield_loss_total];
        Self {
            kind,
            number: place as i64 + 1,
            row: HitRow {
                source: told.attacker_id.0.0.unwrap_or(0),
                target: told.defender_id.0.0.unwrap_or(0),
                // What the meter itself makes of an unknown skill.
                skill: told.skill_id.0.0.unwrap_or(-1),
                // Nobody is a monster who was healed: there it is the name of a player.
                monster: told.monster_name.0.filter(|_| kind == HitKind::Damage),
            },
            hits: count(told.hits),
            total: count(told.total_value),
            sums: RowSums::of(parts.map(|part| part.0.0)),
            entries,
        }
    }

    pub(super) fn sums_key(&self) -> SourceKey {
        let prefix = match self.kind {
            HitKind::Damage => prefix::DAMAGE_SUMS,
            HitKind::Heal => prefix::HEAL_SUMS,
        };
        SourceKey::new(prefix.into(), self.number as u32)
    }

    pub(super) fn missing_key(&self) -> SourceKey {
        let prefix = match self.kind {
            HitKind::Damage => prefix::DAMAGE,
            HitKind::Heal => prefix::HEAL,
        };
        SourceKey::new((prefix::MISSING + prefix).into(), self.number as u32)
    }
}

/// A hit while its row is held. Its stamp stands elsewhere.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kept {
    /// -1, which no hit has, where it is not told.
    amount: i64,
    shield: i64,
    bits: u8,
}

impl Kept {
    const CRIT: u8 = 1;
    const LUCKY: u8 = 2;
    const BOSS: u8 = 4;
    const TIME: u8 = 8;

    fn of(entry: &Entry, has_time: bool) -> Self {
        let bits = [
            (Self::CRIT, entry.crit.0),
            (Self::LUCKY, entry.lucky.0),
            (Self::BOSS, entry.is_boss.0),
            (Self::TIME, has_time),
        ];
        Self {
            amount: entry.amount.0.unwrap_or(-1),
            shield: entry.shield_loss.0.unwrap_or(0),
            bits: bits.into_iter().filter(|(_, on)| *on).map(|(bit, _)| bit).sum(),
        }
    }

    pub(super) fn has_time(self) -> bool {
        self.bits & Self::TIME != 0
    }

    /// The entry, but for its times.
    pub(super) fn entry(self) -> Entry {
        let has = |bit| Truth(self.bits & bit != 0);
        Entry {
            amount: Number(Some(self.amount)),
            shield_loss: Number(Some(self.shield)),
            crit: has(Self::CRIT),
            lucky: has(Self::LUCKY),
            is_boss: has(Self::BOSS),
            ..Entry::default()
        }
    }
}

/// All rows of damage and healing.
#[derive(Debug, Default)]
pub(super) struct HitRows {
    pub(super) rows: Vec<SkillRow>,
    /// Of each row, the stamps of its entries that have one, ms since the fight began by the meter's clock.
    pub(super) times: Vec<Vec<i64>>,
    /// Rows that were sent, readable or not.
    pub(super) sent: u64,
}

impl HitRows {
    /// Reads both lists; `unread` is told of each how many rows were sent and read.
    pub(super) fn of(fight: &Fight, started_at_ms: i64, unread: &mut dyn FnMut(&'static str, u64, u64)) -> Self {
        let mut held = Self::default();
        // More than a fight has are not told: what a row lacks of them is told with the row.
        let mut room = usize::try_from(ENCOUNTER_HITS_MAX).unwrap_or(usize::MAX);
        let lists = [
            (HitKind::Damage, "rows of damage", &fight.damage_skill_stats),
            (HitKind::Heal, "rows of healing", &fight.heal_skill_stats),
        ];
        for (kind, what, list) in lists {
            let mut read = 0;
            for (place, entry) in list.entries() {
                let (row, times) = if let Ok(row) = object::<RowIn<LongText>>(entry.get()) {
                    let text = row.hit_details.0.as_bytes();
                    let ((kept, times), _) = details::fold(text, |(kept, times): &mut (Vec<_>, Vec<_>), entry| {
                        let Some(entry) = entry.filter(|_| kept.len() < room) else { return };
                        let stamp = stamp(&entry, started_at_ms);
                        kept.push(Kept::of(&entry, stamp.is_some()));
                        times.extend(stamp);
                    });
                    (SkillRow::of(row, kind, place, kept), times)
                } else if let Ok(row) = object::<RowIn<IgnoredAny>>(entry.get()) {
                    // Its single hits are no text at all: its sums are.
                    (SkillRow::of(row, kind, place, Vec::new()), Vec::new())
                } else {
                    continue;
                };
                room -= row.entries.len();
                read += 1;
                held.rows.push(row);
                held.times.push(times);
            }
            unread(what, list.sent, read);
            held.sent += list.sent;
        }
        held
    }
}
