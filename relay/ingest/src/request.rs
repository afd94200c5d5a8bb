//! The bodies of meters' calls, as far as they are about more than one fight.
//!
//! One invariant: of a body nothing is refused but what no meter sends: no JSON, no list where there must be one, or
//! more than any meter sends. What stands behind the first entry that is one too many is not read.

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::json::Text;
use crate::limits::{ENCOUNTERS_MAX, HASH_CHARS_MAX, HASHES_MAX};

/// Why a body is not what its call takes. Words for who sent it.
#[derive(Debug, thiserror::Error)]
pub enum NotAnUpload {
    /// Not JSON, or not of the shape of this call.
    #[error("The request cannot be read: {0}. Send a JSON object as the API's page describes it.")]
    Unreadable(#[from] serde_json::Error),
    /// What it is about is not there.
    #[error("No {0} provided: send a JSON object with a list `{0}` of at least one.")]
    Empty(&'static str),
    /// More than one request may hold.
    #[error("A request has at most {max} {what}; send the rest in another one.")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// So many are taken.
        max: usize,
    },
    /// A hash is longer than any.
    #[error("A hash has at most {HASH_CHARS_MAX} characters.")]
    LongHash,
}

/// A request to upload fights, each of them unread.
#[derive(Clone, Debug)]
pub struct Upload<'a> {
    /// In the order in which they were sent; at least one.
    pub encounters: Vec<&'a RawValue>,
    /// What the meter says of itself: 0.15.1 and later do.
    pub client_version: Option<String>,
}

impl<'a> Upload<'a> {
    /// Takes a body apart.
    ///
    /// # Errors
    /// `Unreadable` for no JSON, `Empty` without encounters, `TooMany` with more than a thousand.
    pub fn parse(body: &'a str) -> Result<Self, NotAnUpload> {
        let list = AtMost::<&'a RawValue>::new("encounters", ENCOUNTERS_MAX);
        let (encounters, client_version) = list.in_object(body, Some("clientVersion"))?;
        let encounters = encounters.filter(|encounters| !encounters.is_empty());
        Ok(Self { encounters: encounters.ok_or(NotAnUpload::Empty("encounters"))?, client_version: client_version.0 })
    }
}

/// A request that asks which fights are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// The fights' source hashes as they were sent; at most a thousand.
    pub hashes: Vec<String>,
}

impl Check {
    /// Takes a body apart; what meters since 0.18.3 tell of candidates is passed over.
    ///
    /// # Errors
    /// `Unreadable` for no JSON and hashes that are no text, `Empty` without any, `TooMany` with more than a thousand,
    /// `LongHash` for one of more than 128 characters.
    pub fn parse(body: &str) -> Result<Self, NotAnUpload> {
        let (hashes, _) = AtMost::<String>::new("hashes", HASHES_MAX).in_object(body, None)?;
        let hashes = hashes.filter(|hashes| !hashes.is_empty()).ok_or(NotAnUpload::Empty("hashes"))?;
        match hashes.iter().all(|hash| hash.chars().count() <= HASH_CHARS_MAX) {
            true => Ok(Self { hashes }),
            false => Err(NotAnUpload::LongHash),
        }
    }
}

/// A request that brings characters' profiles, of which nothing is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlayerData;

impl PlayerData {
    /// How many profiles a body brings.
    ///
    /// # Errors
    /// `Unreadable` for no JSON and what is no list of profiles.
    pub fn count(body: &str) -> Result<usize, NotAnUpload> {
        let (profiles, _) = AtMost::<IgnoredAny>::new("playerData", usize::MAX).in_object(body, None)?;
        Ok(profiles.map_or(0, |profiles| profiles.len()))
    }
}

/// Reads a list of a body that has at most so many entries; null is an empty one.
pub(crate) struct AtMost<T> {
    /// What it holds: its name, where it stands in an object.
    what: &'static str,
    max: usize,
    /// It was not read to its end, for it has more.
    is_more: Cell<bool>,
    of: PhantomData<fn() -> T>,
}

impl<T> AtMost<T> {
    pub(crate) fn new(what: &'static str, max: usize) -> Self {
        Self { what, max, is_more: Cell::new(false), of: PhantomData }
    }

    /// Of a body that is the list.
    ///
    /// # Errors
    /// `Unreadable` if it is none, `TooMany`.
    pub(crate) fn alone<'de>(self, body: &'de str) -> Result<Vec<T>, NotAnUpload>
    where
        T: Deserialize<'de>,
    {
        let mut json = serde_json::Deserializer::from_str(body);
        let read = self.deserialize(&mut json).and_then(|list| json.end().map(|()| list));
        self.told(read)
    }

    /// Of a body that is an object, and what stands there as text under another name; no list where none has its name.
    ///
    /// # Errors
    /// `Unreadable` if it is none, or a name stands there twice; `TooMany`.
    pub(crate) fn in_object<'de>(
        self,
        body: &'de str,
        text: Option<&'static str>,
    ) -> Result<(Option<Vec<T>>, Text), NotAnUpload>
    where
        T: Deserialize<'de>,
    {
        let mut json = serde_json::Deserializer::from_str(body);
        let read = json.deserialize_map(ObjectWith { list: &self, text });
        let read = read.and_then(|found| json.end().map(|()| found));
        self.told(read)
    }

    fn told<R>(&self, read: serde_json::Result<R>) -> Result<R, NotAnUpload> {
        match self.is_more.get() {
            true => Err(NotAnUpload::TooMany { what: self.what, max: self.max }),
            false => Ok(read?),
        }
    }
}

impl<'de, T: Deserialize<'de>> DeserializeSeed<'de> for &AtMost<T> {
    type Value = Vec<T>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for &AtMost<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut held = Vec::new();
        while held.len() < self.max {
            let Some(entry) = list.next_element()? else { return Ok(held) };
            held.push(entry);
        }
        if list.next_element::<IgnoredAny>()?.is_none() {
            return Ok(held);
        }
        // What follows may be long, and changes nothing.
        self.is_more.set(true);
        Err(A::Error::custom("more entries than may be"))
    }
}

/// An object with a list, and with a text beside it.
struct ObjectWith<'s, T> {
    list: &'s AtMost<T>,
    text: Option<&'static str>,
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectWith<'_, T> {
    type Value = (Option<Vec<T>>, Text);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let names = OneOf([Some(self.list.what), self.text]);
        let (mut list, mut text) = (None, None);
        while let Some(name) = map.next_key_seed(names)? {
            let is_twice = match name {
                Some(0) => list.replace(map.next_value_seed(self.list)?).is_some(),
                Some(_) => text.replace(map.next_value()?).is_some(),
                None => map.next_value::<IgnoredAny>().map(|_| false)?,
            };
            if is_twice {
                let name = name.and_then(|at| names.0[at]).unwrap_or_default();
                return Err(A::Error::custom(format_args!("duplicate field `{name}`")));
            }
        }
        Ok((list, text.unwrap_or_default()))
    }
}

/// Which of these a name is.
#[derive(Clone, Copy)]
struct OneOf([Option<&'static str>; 2]);

impl<'de> DeserializeSeed<'de> for OneOf {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        // As bytes: half of a character that is spelt as two is no error then.
        deserializer.deserialize_bytes(self)
    }
}

impl Visitor<'_> for OneOf {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_bytes<E>(self, name: &[u8]) -> Result<Self::Value, E> {
        Ok(self.0.iter().position(|known| known.is_some_and(|known| known.as_bytes() == name)))
    }
}
