//! A sealed chunk: zstd of MessagePack with names, `{streamKind, sequences, offsetsMs, events: [{type, data}]}`.
//!
//! Pure. The three arrays are as long as the row's `event_count`; amounts are 128-bit integers, which the meter's
//! encoder writes as 16 bytes, big end first. Unknown types of events are passed over.

use std::fmt;
use std::io::Read as _;

use serde::Deserialize;
use serde::de::{self, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A chunk unpacked: the meter seals at about 1 MiB of its own estimate, this is sixteen times that.
const UNPACKED_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// The row that a chunk stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Label {
    pub(super) stream: &'static str,
    pub(super) first_sequence: u64,
    pub(super) last_sequence: u64,
    pub(super) event_count: u64,
}

/// What a chunk holds.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Chunk {
    stream_kind: String,
    pub(super) sequences: Vec<u64>,
    pub(super) offsets_ms: Vec<Offset>,
    pub(super) events: Vec<ChunkEvent>,
}

/// One event of a chunk.
#[derive(Debug)]
pub(super) enum ChunkEvent {
    Hit(ChunkHit),
    Death(ChunkDeath),
    Cast(ChunkCast),
    Context(Context),
    /// Of a type that nobody knew when this was written.
    Other,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ChunkHit {
    pub(super) actor_entity_id: EntityId,
    #[serde(default, deserialize_with = "entity")]
    pub(super) source_entity_id: Option<EntityId>,
    #[serde(default, deserialize_with = "entity")]
    pub(super) target_entity_id: Option<EntityId>,
    #[serde(deserialize_with = "skill")]
    pub(super) skill_id: i64,
    #[serde(default, deserialize_with = "number")]
    pub(super) base_skill_id: Option<i64>,
    pub(super) metric: Metric,
    pub(super) amount: Amount,
    #[serde(default)]
    pub(super) effective_amount: Option<Amount>,
    #[serde(default, deserialize_with = "truth")]
    pub(super) has_loss_breakdown: bool,
    #[serde(default)]
    pub(super) shield_loss: Option<Amount>,
    #[serde(default, deserialize_with = "bits")]
    pub(super) flags: u8,
    #[serde(default, deserialize_with = "truth")]
    pub(super) target_is_boss: bool,
    #[serde(default, deserialize_with = "number")]
    pub(super) target_monster_id: Option<i64>,
    #[serde(default, deserialize_with = "number")]
    pub(super) source_monster_id: Option<i64>,
}

/// Bits of a chunk's hit.
pub(super) mod flag {
    pub(in super::super) const CRIT: u8 = 1;
    pub(in super::super) const BLOCKED: u8 = 2;
    pub(in super::super) const LUCKY: u8 = 4;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Metric {
    Damage,
    Healing,
    DamageTaken,
    #[serde(other)]
    Other,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "the meter's names")]
pub(super) struct ChunkDeath {
    pub(super) entity_id: EntityId,
    #[serde(default, deserialize_with = "entity")]
    pub(super) source_entity_id: Option<EntityId>,
    #[serde(default, deserialize_with = "number")]
    pub(super) skill_id: Option<i64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ChunkCast {
    pub(super) caster_entity_id: EntityId,
    #[serde(deserialize_with = "skill")]
    pub(super) skill_id: i64,
}

/// What became known of an entity.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Context {
    pub(super) entity_id: EntityId,
    #[serde(default)]
    pub(super) name: Option<String>,
    #[serde(default, deserialize_with = "number")]
    pub(super) class_id: Option<i64>,
    #[serde(default, deserialize_with = "number")]
    pub(super) class_spec: Option<i64>,
    #[serde(default, deserialize_with = "number")]
    pub(super) ability_score: Option<i64>,
    #[serde(default, deserialize_with = "number")]
    pub(super) monster_id: Option<i64>,
}

/// The game's 64-bit id of an entity: which one above, what type below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EntityId(pub(super) u64);

impl EntityId {
    /// Which one: what other generations store, and what players see as their id.
    pub(super) fn uid(self) -> u64 {
        self.0 >> 16
    }

    fn of(id: i128) -> Option<Self> {
        u64::try_from(id).or_else(|_| i64::try_from(id).map(i64::cast_unsigned)).ok().map(Self)
    }

    fn type_bits(self) -> u64 {
        self.0 >> 6 & 0xff
    }

    /// Whether its type is that of players' characters.
    pub(super) fn is_character(self) -> bool {
        self.type_bits() == 10
    }

    /// Whether its type is that of monsters.
    pub(super) fn is_monster(self) -> bool {
        self.type_bits() == 1
    }
}

/// When an event was, ms since the encounter began by the meter's clock; `None` if it is no number that 64 bits hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Offset(pub(super) Option<i64>);

/// An amount; `None` if it is no number of hit points that 64 bits hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Amount(pub(super) Option<u64>);

/// Whatever stands where a number belongs: one that is absurd costs itself, not the chunk.
struct AnyNumber;

/// What [`AnyNumber`] finds.
enum Found {
    Int(i128),
    Nothing,
}

impl<'de> Visitor<'de> for AnyNumber {
    type Value = Found;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number")
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Found, E> {
        Ok(Found::Int(value.into()))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Found, E> {
        Ok(Found::Int(value.into()))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Found, E> {
        Ok(Found::Int(value.into()))
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Found, E> {
        let wide = <[u8; 16]>::try_from(bytes).ok().and_then(|bytes| u128::from_be_bytes(bytes).try_into().ok());
        Ok(wide.map_or(Found::Nothing, Found::Int))
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Found, E> {
        Ok(Found::Nothing)
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<Found, E> {
        Ok(Found::Nothing)
    }

    fn visit_unit<E: de::Error>(self) -> Result<Found, E> {
        Ok(Found::Nothing)
    }

    fn visit_none<E: de::Error>(self) -> Result<Found, E> {
        Ok(Found::Nothing)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Found, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Found::Nothing)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Found, A::Error> {
        while values.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Found::Nothing)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut pairs: A) -> Result<Found, A::Error> {
        while pairs.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Found::Nothing)
    }
}

/// A number as `T`; `None` where there is none that it holds.
fn number<'de, D: Deserializer<'de>, T: TryFrom<i128>>(deserializer: D) -> Result<Option<T>, D::Error> {
    Ok(match deserializer.deserialize_any(AnyNumber)? {
        Found::Int(value) => T::try_from(value).ok(),
        Found::Nothing => None,
    })
}

/// A skill; what the meter itself makes of an unknown one where its number is none.
fn skill<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    Ok(number(deserializer)?.unwrap_or(-1))
}

fn bits<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u8, D::Error> {
    Ok(number(deserializer)?.unwrap_or(0))
}

fn truth<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(number::<D, i64>(deserializer)?.is_some_and(|value| value != 0))
}

/// An entity that may not be told.
fn entity<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<EntityId>, D::Error> {
    Ok(number::<D, i128>(deserializer)?.and_then(EntityId::of))
}

impl<'de> Deserialize<'de> for EntityId {
    /// An id that is none is nobody's.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(entity(deserializer)?.unwrap_or(Self(0)))
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        number(deserializer).map(Self)
    }
}

impl<'de> Deserialize<'de> for Offset {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        number(deserializer).map(Self)
    }
}

impl<'de> Deserialize<'de> for ChunkEvent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Tagged;
        impl<'de> Visitor<'de> for Tagged {
            type Value = ChunkEvent;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an event with its type before its data")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ChunkEvent, A::Error> {
                let (mut kind, mut event) = (String::new(), None);
                while let Some(key) = map.next_key::<String>()? {
                    match (key.as_str(), kind.as_str()) {
                        ("type", _) => kind = map.next_value()?,
                        ("data", "") => return Err(de::Error::missing_field("type")),
                        ("data", "hit") => event = Some(ChunkEvent::Hit(map.next_value()?)),
                        ("data", "death") => event = Some(ChunkEvent::Death(map.next_value()?)),
                        ("data", "skill_cast") => event = Some(ChunkEvent::Cast(map.next_value()?)),
                        ("data", "entity_context") => event = Some(ChunkEvent::Context(map.next_value()?)),
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(event.unwrap_or(ChunkEvent::Other))
            }
        }
        deserializer.deserialize_map(Tagged)
    }
}

/// Unpacks a chunk and holds it against its row.
///
/// # Errors
/// In words: why nothing of it may be used.
pub(super) fn decode(data: &[u8], label: Label) -> Result<Chunk, String> {
    let unpack = zstd::stream::read::Decoder::new(data).map_err(|error| error.to_string())?;
    let mut plain = Vec::new();
    unpack.take(UNPACKED_BYTES_MAX + 1).read_to_end(&mut plain).map_err(|error| error.to_string())?;
    if plain.len() as u64 > UNPACKED_BYTES_MAX {
        return Err("it unpacks to more than any chunk of a meter".into());
    }
    let chunk: Chunk = rmp_serde::from_slice(&plain).map_err(|error| error.to_string())?;
    let lengths = [chunk.sequences.len(), chunk.offsets_ms.len(), chunk.events.len()];
    if lengths.iter().any(|length| *length as u64 != label.event_count) {
        return Err(format!("its lists have {lengths:?} entries, its row says {}", label.event_count));
    }
    if chunk.stream_kind != label.stream {
        return Err(format!("it belongs to another stream than its row, {}", label.stream));
    }
    let ends = chunk.sequences.first().copied().zip(chunk.sequences.last().copied());
    let rising = chunk.sequences.is_sorted_by(|a, b| a < b);
    if !rising || ends.is_some_and(|ends| ends != (label.first_sequence, label.last_sequence)) {
        return Err("its sequences are not those of its row".into());
    }
    Ok(chunk)
}

/// The base skill within a damage id: a digit for its type, the skill, two digits for which hit of it.
pub(in crate::source) fn base_of_damage_id(damage_id: i64) -> i64 {
    let skill = damage_id / 100;
    match u32::try_from(skill).ok().and_then(u32::checked_ilog10) {
        Some(digits @ 1..) => skill % 10_i64.pow(digits),
        _ => damage_id,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Serialize;
    use serde_bytes::ByteBuf;

    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Packed<'a, E> {
        stream_kind: &'a str,
        sequences: Vec<u64>,
        offsets_ms: Vec<u64>,
        events: Vec<E>,
    }

    #[derive(Serialize)]
    struct Event<D> {
        r#type: &'static str,
        data: D,
    }

    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Hit<A> {
        actor_entity_id: u64,
        target_entity_id: Option<u64>,
        skill_id: i64,
        base_skill_id: Option<i64>,
        metric: &'static str,
        amount: A,
        novelty: [u8; 2],
    }

    fn packed<E: Serialize>(stream_kind: &str, sequences: Vec<u64>, events: Vec<E>) -> Vec<u8> {
        let offsets_ms = sequences.clone();
        let plain = rmp_serde::to_vec_named(&Packed { stream_kind, sequences, offsets_ms, events }).unwrap();
        zstd::encode_all(plain.as_slice(), 3).unwrap()
    }

    fn hit<A>(amount: A) -> Event<Hit<A>> {
        let data = Hit {
            actor_entity_id: 6_553_928_320,
            target_entity_id: None,
            skill_id: 1_240_601,
            base_skill_id: None,
            metric: "damage",
            amount,
            novelty: [1, 2],
        };
        Event { r#type: "hit", data }
    }

    const LABEL: Label = Label { stream: "combat", first_sequence: 4, last_sequence: 5, event_count: 2 };

    fn amount(chunk: &Chunk) -> Option<u64> {
        match &chunk.events[0] {
            ChunkEvent::Hit(hit) => hit.amount.0,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn amounts_are_sixteen_bytes_or_plain_integers() {
        let wide = |value: u128| ByteBuf::from(value.to_be_bytes());
        let chunk = decode(&packed("combat", vec![4, 5], vec![hit(wide(13_153)), hit(wide(1))]), LABEL).unwrap();
        assert_eq!(amount(&chunk), Some(13_153));
        let chunk = decode(&packed("combat", vec![4, 5], vec![hit(wide(u128::MAX)), hit(wide(1))]), LABEL).unwrap();
        assert_eq!(amount(&chunk), None);
        let chunk = decode(&packed("combat", vec![4, 5], vec![hit(77), hit(-1)]), LABEL).unwrap();
        assert_eq!(amount(&chunk), Some(77));
        // What is no number costs itself.
        let chunk = decode(&packed("combat", vec![4, 5], vec![hit("77"), hit("1")]), LABEL).unwrap();
        assert_eq!((amount(&chunk), chunk.events.len()), (None, 2));
        let chunk = decode(&packed("combat", vec![4, 5], vec![hit(1.5), hit(f64::NAN)]), LABEL).unwrap();
        assert_eq!(amount(&chunk), None);
        let chunk = decode(&packed("combat", vec![4, 5], vec![hit(vec![1]), hit(vec![])]), LABEL).unwrap();
        assert_eq!(amount(&chunk), None);
    }

    #[test]
    fn unknown_events_are_passed_over() {
        let events = vec![Event { r#type: "weather", data: 1 }, Event { r#type: "weather", data: 2 }];
        let chunk = decode(&packed("combat", vec![4, 5], events), LABEL).unwrap();
        assert!(matches!(chunk.events[..], [ChunkEvent::Other, ChunkEvent::Other]));
    }

    #[test]
    fn a_chunk_that_contradicts_its_row_is_refused() {
        let data = packed("combat", vec![4, 5], vec![hit(1), hit(1)]);
        assert!(decode(&data, LABEL).is_ok());
        for label in [
            Label { stream: "context", ..LABEL },
            Label { event_count: 3, ..LABEL },
            Label { first_sequence: 3, ..LABEL },
            Label { last_sequence: 6, ..LABEL },
        ] {
            assert!(decode(&data, label).is_err(), "{label:?}");
        }
        assert!(decode(&packed("combat", vec![5, 5], vec![hit(1), hit(1)]), LABEL).is_err());
        assert!(decode(&data[..data.len() - 4], LABEL).is_err());
        assert!(decode(b"not zstd", LABEL).is_err());
        let bomb = zstd::encode_all(vec![0u8; 32 << 20].as_slice(), 3).unwrap();
        assert!(decode(&bomb, LABEL).unwrap_err().contains("more than any"));
    }

    #[test]
    fn base_skills_stand_inside_damage_ids() {
        for (damage, base) in
            [(1_240_601, 2406), (15_540_401, 55404), (1_211_013_701, 2_110_137), (190_010_301, 900_103)]
        {
            assert_eq!(base_of_damage_id(damage), base);
        }
        for odd in [0, -1, 7, 123, i64::MAX] {
            base_of_damage_id(odd);
        }
        assert_eq!(base_of_damage_id(123), 123);
    }

    #[test]
    fn ids_tell_who_and_what() {
        let id = EntityId(6_554_648_640);
        assert_eq!((id.uid(), id.is_monster(), id.is_character()), (100_016, true, false));
        assert!(EntityId(6_553_928_320).is_character());
    }
}
