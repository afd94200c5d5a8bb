//! A request of this form: one encounter, or several.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::limits::{BATCH_MAX, FIELD_BYTES_MAX};
use crate::request::{AtMost, NotAnUpload};

/// Under this name stand the encounters of a request of several.
pub(super) const LIST: &str = "encounters";

/// What [`read`](super::read) takes, in the order in which it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// JSON of each encounter, unread; one at least, and 100 at most.
    pub encounters: Vec<&'a str>,
    /// Whether they were sent as a list, so that a list is the answer.
    pub is_batch: bool,
}

impl<'a> Request<'a> {
    /// Takes a body apart: an encounter, `{"encounters": [..]}` or a list of encounters. What stands beside `encounters`
    /// means nothing.
    ///
    /// # Errors
    /// `Unreadable` for no JSON, with the field where it breaks off; `Empty` for a list without encounters, `TooMany`
    /// for one with more than 100.
    pub fn parse(body: &'a str) -> Result<Self, NotAnUpload> {
        let body = body.trim();
        let named = |error: serde_json::Error| NotAnUpload::Unreadable(with_field(&error, body));
        let list: AtMost<&'a RawValue, BATCH_MAX> = if body.starts_with('{') {
            let Batch { list, is_twice } = serde_json::from_str(body).map_err(named)?;
            if is_twice {
                return Err(NotAnUpload::Unreadable(serde_json::Error::custom("`encounters` stands there twice")));
            }
            match list {
                None => return Ok(Self { encounters: vec![body], is_batch: false }),
                Some(list) => serde_json::from_str(list.get())?,
            }
        } else {
            serde_json::from_str(body).map_err(named)?
        };
        let encounters: Vec<_> = list.all(LIST)?.into_iter().map(RawValue::get).collect();
        if encounters.is_empty() {
            return Err(NotAnUpload::Empty(LIST));
        }
        Ok(Self { encounters, is_batch: true })
    }
}

/// An object, and what stands there as `encounters`.
#[derive(Clone, Copy, Debug, Default)]
struct Batch<'a> {
    list: Option<&'a RawValue>,
    /// Whether it stands there more than once.
    is_twice: bool,
}

impl<'de: 'a, 'a> Deserialize<'de> for Batch<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(BatchVisitor)
    }
}

struct BatchVisitor;

impl<'de> Visitor<'de> for BatchVisitor {
    type Value = Batch<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = Batch::default();
        while let Some(IsList(is_list)) = map.next_key()? {
            if is_list {
                found.is_twice |= found.list.replace(map.next_value()?).is_some();
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

/// Whether a name is that of the list.
struct IsList(bool);

impl<'de> Deserialize<'de> for IsList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // As bytes: half of a character that is spelt as two is no error then.
        deserializer.deserialize_bytes(Self(false))
    }
}

impl Visitor<'_> for IsList {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_bytes<E>(self, name: &[u8]) -> Result<Self, E> {
        Ok(Self(name == LIST.as_bytes()))
    }
}

/// The same error with the name of the field that it is about: some languages write NaN for a number, and a column of a
/// body of a megabyte says nothing.
fn with_field(error: &serde_json::Error, body: &str) -> serde_json::Error {
    match field_before(error, body) {
        Some(field) => serde_json::Error::custom(format_args!("{error}, in or behind the field {field}")),
        None => serde_json::Error::custom(error),
    }
}

fn field_before<'a>(error: &serde_json::Error, body: &'a str) -> Option<&'a str> {
    let line = error.line().checked_sub(1)?;
    let begin = body.split_inclusive('\n').take(line).map(str::len).sum::<usize>();
    let before = &body[..body.floor_char_boundary(begin + error.column())];
    // The last name: a quotation mark, the name, another one, a colon.
    let (name, _) = before.rsplit_once(':')?;
    let (_, name) = name.trim_end().strip_suffix('"')?.rsplit_once('"')?;
    let is_name =
        name.len() <= FIELD_BYTES_MAX && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    is_name.then_some(name)
}
