//! JSON as strangers send it: what is odd in one place costs that place alone.
//!
//! One invariant: however a value is spelt that is JSON, reading it here is no error; what it cannot be is left at its
//! default. Two names in one object are an error, for which of them counts is anyone's guess.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::limits::{LIST_MAX, TEXT_BYTES_MAX};

/// A body as text: a question mark stands for each byte that is none, so that somebody's odd name costs no fight. A mark
/// of the byte order before it is left out.
pub fn text(mut body: Vec<u8>) -> String {
    if body.starts_with(MARK.as_bytes()) {
        body.drain(..MARK.len());
    }
    let mut text = String::from_utf8(body);
    loop {
        let error = match text {
            Ok(text) => return text,
            Err(error) => error,
        };
        let mut body = error.into_bytes();
        let mut from = 0;
        while let Err(error) = str::from_utf8(&body[from..]) {
            let bad = from + error.valid_up_to();
            let end = error.error_len().map_or(body.len(), |length| bad + length);
            body[bad..end].fill(b'?');
            from = end;
        }
        text = String::from_utf8(body);
    }
}

/// Of the byte order.
const MARK: &str = "\u{feff}";

/// An object. Serde takes a list for one, too, entry by entry; meters send none.
pub(crate) fn object<'a, T: Deserialize<'a>>(text: &'a str) -> serde_json::Result<T> {
    match text.trim_start().starts_with('{') {
        true => serde_json::from_str(text),
        false => Err(Error::custom("no JSON object")),
    }
}

/// A value, or its default where something else stands.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Loose<T>(pub(crate) T);

impl<'de, T: Deserialize<'de> + Default> Deserialize<'de> for Loose<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        Ok(Self(serde_json::from_str(raw.get()).unwrap_or_default()))
    }
}

/// The first [`TEXT_BYTES_MAX`] bytes of a text; what is no character is replaced. `None` where no text stands.
#[derive(Clone, Debug, Default)]
pub(crate) struct Text(pub(crate) Option<String>);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        // As bytes: half of a character that is spelt as two is no error then.
        Ok(Self(serde_json::Deserializer::from_str(raw.get()).deserialize_bytes(TextVisitor).ok()))
    }
}

struct TextVisitor;

impl Visitor<'_> for TextVisitor {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text")
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<String, E> {
        Ok(String::from_utf8_lossy(&bytes[..bytes.len().min(TEXT_BYTES_MAX)]).into_owned())
    }
}

/// A text that is read where it stands, if nothing in it is spelt otherwise; empty where no text stands.
#[derive(Debug, Default)]
pub(crate) struct LongText<'a>(pub(crate) Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for LongText<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LongTextVisitor).map(Self)
    }
}

struct LongTextVisitor;

impl<'de> Visitor<'de> for LongTextVisitor {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(text.into())
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(text.to_owned().into())
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Cow::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Cow::default())
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Cow::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Cow::default())
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Cow::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Cow::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Cow::default())
    }
}

/// A list, its entries unread; empty where null stands.
#[derive(Clone, Debug, Default)]
pub(crate) struct List<'a> {
    /// At most [`LIST_MAX`].
    entries: Vec<&'a RawValue>,
    /// How many were sent; what is no list counts as one that cannot be read.
    pub(crate) sent: u64,
}

impl<'a> List<'a> {
    /// Reads each entry with its place; those that are no `T` are passed over. Gives how many were read.
    pub(crate) fn read<T: Deserialize<'a>>(&self, mut take: impl FnMut(usize, T)) -> u64 {
        let mut read = 0;
        for (place, entry) in self.entries.iter().enumerate() {
            if let Ok(entry) = object(entry.get()) {
                take(place, entry);
                read += 1;
            }
        }
        read
    }

    /// The entries, each with its place.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (usize, &'a RawValue)> {
        self.entries.iter().copied().enumerate()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for List<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ListVisitor)
    }
}

/// The same, however odd the value is that stands there; it takes a look more at each byte.
#[derive(Clone, Debug, Default)]
pub(crate) struct LooseList<'a>(List<'a>);

impl<'de: 'a, 'a> Deserialize<'de> for LooseList<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        Ok(Self(serde_json::from_str(raw.get()).unwrap_or(NO_LIST)))
    }
}

impl<'a> From<LooseList<'a>> for List<'a> {
    fn from(list: LooseList<'a>) -> Self {
        list.0
    }
}

const NO_LIST: List<'_> = List { entries: Vec::new(), sent: 1 };

struct ListVisitor;

impl<'de> Visitor<'de> for ListVisitor {
    type Value = List<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut held = List::default();
        while held.entries.len() < LIST_MAX {
            let Some(entry) = list.next_element()? else { break };
            held.entries.push(entry);
            held.sent += 1;
        }
        while list.next_element::<IgnoredAny>()?.is_some() {
            held.sent += 1;
        }
        Ok(held)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(List::default())
    }
}
