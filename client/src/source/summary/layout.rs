//! What a summary holds: zstd of MessagePack, a map from entity to a list of its attributes, sums and skills.
//!
//! Pure. The lists have no names and no version, so a summary is read by the first layout that fits all of it to its
//! last byte, and by none where none does. Layouts: resonance-logs-cn from 7 March to 2 August 2026 (the first of
//! them and the second are resonance-logs-global's, too); earlier ones counted skills otherwise.

use std::io::Read as _;

use super::super::error::Unreadable;
use super::reader::{Head, Reader, Unfit};

/// A summary packed: a fight's is some tens of kilobytes.
pub(super) const PACKED_BYTES_MAX: i64 = 16 * 1024 * 1024;
/// A summary unpacked.
const UNPACKED_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// One of the layouts that there were.
#[derive(Clone, Copy, Debug)]
struct Layout {
    /// Values of an entity.
    entity: usize,
    /// Ids are the game's 64-bit ids of entities, and an entity's own stands first.
    uuid: bool,
    /// The name of a monster as its packet tells it.
    packet_name: bool,
    /// Sums.
    stats: usize,
    /// Sums by skill and target.
    targets: usize,
    /// Deaths stand at the end.
    deaths: bool,
}

const LAYOUTS: [Layout; 6] = [
    // 7 March 2026.
    Layout { entity: 20, uuid: false, packet_name: true, stats: 6, targets: 9, deaths: false },
    // 29 March; resonance-logs-global of April.
    Layout { entity: 20, uuid: false, packet_name: true, stats: 7, targets: 10, deaths: false },
    // 19 April.
    Layout { entity: 21, uuid: false, packet_name: true, stats: 7, targets: 10, deaths: true },
    // 29 April.
    Layout { entity: 20, uuid: false, packet_name: false, stats: 7, targets: 10, deaths: true },
    // 20 May.
    Layout { entity: 21, uuid: true, packet_name: false, stats: 7, targets: 10, deaths: true },
    // 29 May.
    Layout { entity: 22, uuid: true, packet_name: false, stats: 10, targets: 11, deaths: true },
];

/// An entity of a fight.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Entity {
    pub(super) uid: i64,
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) class_id: i64,
    /// The spec's name in English.
    pub(super) spec: String,
    pub(super) ability_score: i64,
    pub(super) level: i64,
    pub(super) monster_id: Option<i64>,
    /// Hits and amount of all its damage.
    pub(super) damage: [Option<u64>; 2],
    /// Hits and amount of all its heals.
    pub(super) healing: [Option<u64>; 2],
    pub(super) dealt: Vec<Row>,
    pub(super) healed: Vec<Row>,
}

/// What kind of thing an entity is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Kind {
    Player,
    Monster,
    #[default]
    Other,
}

/// Sums of one skill on one target. A number that has more than 64 bits is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) skill: i64,
    pub(super) target: i64,
    pub(super) hits: Option<u64>,
    pub(super) amount: Option<u64>,
    pub(super) effective: Option<u64>,
    pub(super) crit: Option<u64>,
    pub(super) lucky: Option<u64>,
    pub(super) shield: Option<u64>,
    /// What the target is called, if the layout tells it.
    pub(super) target_name: Option<String>,
    /// The target's kind of monster, if the layout tells it.
    pub(super) target_monster: Option<i64>,
}

/// Reads a summary.
pub(super) fn decode(packed: &[u8]) -> Result<Vec<Entity>, Unreadable> {
    let mut bytes = Vec::new();
    let unpack = zstd::stream::read::Decoder::new(packed).map_err(|_| Unreadable::NotPacked)?;
    unpack.take(UNPACKED_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|_| Unreadable::NotPacked)?;
    if bytes.len() as u64 > UNPACKED_BYTES_MAX {
        return Err(Unreadable::TooLong { at_most: UNPACKED_BYTES_MAX });
    }
    LAYOUTS.iter().find_map(|layout| layout.read(&bytes).ok()).ok_or(Unreadable::UnknownLayout)
}

impl Layout {
    fn read(&self, bytes: &[u8]) -> Result<Vec<Entity>, Unfit> {
        let mut reader = Reader::new(bytes);
        let mut entities = Vec::new();
        for _ in 0..reader.map()? {
            let id = reader.int()?;
            let mut entity = self.entity(&mut reader)?;
            entity.uid = self.uid(id);
            entities.push(entity);
        }
        if reader.is_at_end() { Ok(entities) } else { Err(Unfit) }
    }

    /// Whether sums tell what of a heal was needed.
    fn is_effective(&self) -> bool {
        self.stats > 6
    }

    fn uid(&self, id: i64) -> i64 {
        if self.uuid { (id.cast_unsigned() >> 16).cast_signed() } else { id }
    }

    fn entity(&self, reader: &mut Reader<'_>) -> Result<Entity, Unfit> {
        reader.list_of(self.entity)?;
        if self.uuid {
            reader.int()?;
        }
        let mut entity = Entity { name: text(reader.text()?), kind: kind(reader.text()?), ..Entity::default() };
        entity.class_id = reader.int()?;
        entity.spec = text(reader.text()?);
        entity.ability_score = reader.int()?;
        entity.level = reader.int()?;
        if self.packet_name {
            let name = optional_text(reader)?;
            if entity.name.is_empty() {
                entity.name = name.unwrap_or_default();
            }
        }
        skip_map(reader)?; // Attributes that are kept no more.
        entity.damage = self.stats(reader)?;
        skip_map(reader)?; // Damage by skill.
        self.stats(reader)?; // Damage to bosses.
        entity.healing = self.stats(reader)?;
        skip_map(reader)?; // Healing by skill.
        self.stats(reader)?; // Damage taken.
        skip_map(reader)?; // The same by skill.
        if self.targets == 11 {
            skip_map(reader)?; // The same by source.
        }
        entity.monster_id = optional_int(reader)?;
        skip_map(reader)?; // Damage by target.
        entity.dealt = self.rows(reader)?;
        entity.healed = self.rows(reader)?;
        reader.int()?; // Season strength.
        if self.deaths {
            let deaths = reader.list()?;
            (0..deaths).try_for_each(|_| reader.skip())?;
        }
        Ok(entity)
    }

    /// Sums: their hits and amount.
    fn stats(&self, reader: &mut Reader<'_>) -> Result<[Option<u64>; 2], Unfit> {
        reader.list_of(self.stats)?;
        let amount = reader.wide()?;
        // The hits stand behind the sums of critical and lucky ones.
        let hits_at = if self.is_effective() { 6 } else { 5 };
        let mut hits = None;
        for at in 1..self.stats {
            let value = reader.wide()?;
            if at == hits_at {
                hits = value;
            }
        }
        Ok([hits, amount])
    }

    fn rows(&self, reader: &mut Reader<'_>) -> Result<Vec<Row>, Unfit> {
        let mut rows = Vec::new();
        for _ in 0..reader.map()? {
            reader.list_of(2)?;
            let (skill, target) = (reader.int()?, reader.int()?);
            reader.list_of(self.targets)?;
            let (hits, amount) = (reader.wide()?, reader.wide()?);
            let effective = if self.is_effective() { reader.wide()? } else { amount };
            let (crit, lucky) = (reader.wide()?, reader.wide()?);
            for _ in 0..3 {
                reader.wide()?; // Amounts of critical and lucky hits, lost hit points.
            }
            let shield = reader.wide()?;
            let mut row =
                Row { skill, target: self.uid(target), hits, amount, effective, crit, lucky, shield, ..Row::default() };
            if self.packet_name {
                row.target_name = optional_text(reader)?;
            } else {
                row.target_monster = optional_int(reader)?;
            }
            if self.targets == 11 {
                reader.wide()?;
            }
            rows.push(row);
        }
        Ok(rows)
    }
}

fn skip_map(reader: &mut Reader<'_>) -> Result<(), Unfit> {
    let pairs = reader.map()?;
    (0..pairs * 2).try_for_each(|_| reader.skip())
}

fn optional_text(reader: &mut Reader<'_>) -> Result<Option<String>, Unfit> {
    match reader.head()? {
        Head::Nil => Ok(None),
        Head::Text(bytes) => Ok(Some(text(bytes))),
        _ => Err(Unfit),
    }
}

fn optional_int(reader: &mut Reader<'_>) -> Result<Option<i64>, Unfit> {
    match reader.head()? {
        Head::Nil => Ok(None),
        Head::Int(value) => Ok(Some(value)),
        _ => Err(Unfit),
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn kind(name: &[u8]) -> Kind {
    match name {
        b"EntChar" => Kind::Player,
        b"EntMonster" => Kind::Monster,
        _ => Kind::Other,
    }
}
