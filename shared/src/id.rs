//! Identities that cross the wire, each its own type.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

/// The namespace of encounter ids (`UUIDv5`); frozen with protocol version 1.
const ENCOUNTER_NAMESPACE: Uuid = Uuid::from_u128(0x8f3a_1d52_6c0b_4e57_9a41_7d2e_50c3_b6f8);

/// One fight as the meter recorded it: the same for every fork, copy and generation of the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EncounterId(#[serde(with = "sixteen_bytes")] pub Uuid);

impl EncounterId {
    /// The id of the fight that `local_player` saw begin at `started_at_ms` (Unix ms).
    pub fn of_player(game: &str, local_player: u64, started_at_ms: i64) -> Self {
        Self(Uuid::new_v5(&ENCOUNTER_NAMESPACE, format!("{game}|player:{local_player}|{started_at_ms}").as_bytes()))
    }

    /// The id of a fight whose meter does not tell its player: `database` is a stable id of the database.
    pub fn of_database(game: &str, database: &str, started_at_ms: i64) -> Self {
        Self(Uuid::new_v5(&ENCOUNTER_NAMESPACE, format!("{game}|database:{database}|{started_at_ms}").as_bytes()))
    }
}

impl fmt::Display for EncounterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

/// A raid: what one uploader streams in one sitting. The client makes it before it sends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RaidId(#[serde(with = "sixteen_bytes")] pub Uuid);

/// One reading of an encounter: deltas of different streams are never mixed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StreamId(#[serde(with = "sixteen_bytes")] pub Uuid);

impl StreamId {
    /// The reading of an encounter that was uploaded whole: sent again it is the same. `form`: in which form it was
    /// told; `content`: what tells apart what it may come to.
    pub fn of_upload(encounter: EncounterId, form: &str, content: impl fmt::Display) -> Self {
        Self(Uuid::new_v5(&encounter.0, format!("upload|{form}|{content}").as_bytes()))
    }
}

/// Ids are read as bytes and as the list of 16 integers that they are in version 1; which of the two is written the
/// codec says ([`crate::codec::encode_for`]).
mod sixteen_bytes {
    use std::fmt;

    use serde::{Deserializer, Serialize as _, Serializer, de};
    use uuid::Uuid;

    pub(super) fn serialize<S: Serializer>(id: &Uuid, serializer: S) -> Result<S::Ok, S::Error> {
        id.as_bytes().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Uuid, D::Error> {
        deserializer.deserialize_bytes(Sixteen)
    }

    struct Sixteen;

    impl<'de> de::Visitor<'de> for Sixteen {
        type Value = Uuid;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an id of 16 bytes")
        }

        fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Uuid, E> {
            Uuid::from_slice(bytes).map_err(|_| de::Error::invalid_length(bytes.len(), &self))
        }

        fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Uuid, A::Error> {
            let mut bytes = [0; 16];
            for (at, byte) in bytes.iter_mut().enumerate() {
                *byte = list.next_element()?.ok_or_else(|| de::Error::invalid_length(at, &self))?;
            }
            match list.next_element::<de::IgnoredAny>()? {
                None => Ok(Uuid::from_bytes(bytes)),
                Some(_) => Err(de::Error::invalid_length(17, &self)),
            }
        }
    }
}

/// Who or what acts in a fight: 128 bits.
///
/// A client sends the game's id in the low 64 bits; the relay replaces it by a keyed hash before anything is stored.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActorId(pub [u8; 16]);

impl ActorId {
    /// The game's own id, as a client sends it.
    pub const fn clear(id: u64) -> Self {
        let mut bytes = [0; 16];
        let low = id.to_be_bytes();
        let mut i = 0;
        while i < 8 {
            bytes[8 + i] = low[i];
            i += 1;
        }
        Self(bytes)
    }

    /// What [`ActorId::to_hex`] gave; `None` of anything else.
    pub fn from_hex(text: &str) -> Option<Self> {
        from_hex(text)?.try_into().ok().map(Self)
    }

    /// Lower-case hex, as pages and the API name a player.
    pub fn to_hex(self) -> String {
        hex(&self.0)
    }
}

impl fmt::Debug for ActorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ActorId({})", self.to_hex())
    }
}

impl Serialize for ActorId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for ActorId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = serde_bytes::ByteBuf::deserialize(deserializer)?;
        let bytes: [u8; 16] = bytes.as_slice().try_into().map_err(|_| de::Error::custom("an actor id has 16 bytes"))?;
        Ok(Self(bytes))
    }
}

/// A skill: the base id that all meters share, and the meter's own finer id where it has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SkillId {
    /// The game's base skill.
    #[serde(rename = "b")]
    pub base: i64,
    /// The finer id (a damage id) of generation E and later; `None` where the meter has only the base.
    #[serde(rename = "v", default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<i64>,
}

/// Lower-case hex of any bytes.
pub fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        // Writing to a String cannot fail.
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// Bytes of lower- or upper-case hex; `None` if it is not hex.
pub fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let byte = |pair: &[u8]| match pair {
        [high, low] => Some((digit(high)? << 4 | digit(low)?) as u8),
        _ => None,
    };
    text.as_bytes().chunks(2).map(byte).collect()
}
