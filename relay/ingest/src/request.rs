//! The bodies of meters' calls, as far as they are about more than one fight.
//!
//! One invariant: of a body nothing is refused but what no meter sends: no JSON, no list where there must be one, or
//! more than any meter sends.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::json::{Text, object};
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

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
struct UploadBody<'a> {
    #[serde(default)]
    encounters: AtMost<&'a RawValue, ENCOUNTERS_MAX>,
    #[serde(default)]
    client_version: Text,
}

impl<'a> Upload<'a> {
    /// Takes a body apart.
    ///
    /// # Errors
    /// `Unreadable` for no JSON, `Empty` without encounters, `TooMany` with more than a thousand.
    pub fn parse(body: &'a str) -> Result<Self, NotAnUpload> {
        let body: UploadBody = object(body)?;
        let encounters = body.encounters.all("encounters")?;
        if encounters.is_empty() {
            return Err(NotAnUpload::Empty("encounters"));
        }
        Ok(Self { encounters, client_version: body.client_version.0 })
    }
}

/// A request that asks which fights are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// The fights' source hashes as they were sent; at most a thousand.
    pub hashes: Vec<String>,
}

#[derive(Deserialize)]
struct CheckBody {
    #[serde(default)]
    hashes: AtMost<String, HASHES_MAX>,
    #[serde(default, rename = "candidates")]
    _candidates: IgnoredAny,
}

impl Check {
    /// Takes a body apart; what meters since 0.18.3 tell of candidates is passed over.
    ///
    /// # Errors
    /// `Unreadable` for no JSON and hashes that are no text, `Empty` without any, `TooMany` with more than a thousand,
    /// `LongHash` for one of more than 128 characters.
    pub fn parse(body: &str) -> Result<Self, NotAnUpload> {
        let body: CheckBody = object(body)?;
        let hashes = body.hashes.all("hashes")?;
        if hashes.is_empty() {
            return Err(NotAnUpload::Empty("hashes"));
        }
        match hashes.iter().all(|hash| hash.chars().count() <= HASH_CHARS_MAX) {
            true => Ok(Self { hashes }),
            false => Err(NotAnUpload::LongHash),
        }
    }
}

/// A request that brings characters' profiles, of which nothing is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlayerData;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PlayerDataBody {
    #[serde(default)]
    player_data: AtMost<IgnoredAny, { usize::MAX }>,
}

impl PlayerData {
    /// How many profiles a body brings.
    ///
    /// # Errors
    /// `Unreadable` for no JSON and what is no list of profiles.
    pub fn count(body: &str) -> Result<usize, NotAnUpload> {
        let body: PlayerDataBody = object(body)?;
        Ok(body.player_data.held.len())
    }
}

/// A list of which no more than `MAX` are kept; null is an empty one.
pub(crate) struct AtMost<T, const MAX: usize> {
    held: Vec<T>,
    is_more: bool,
}

impl<T, const MAX: usize> Default for AtMost<T, MAX> {
    fn default() -> Self {
        Self { held: Vec::new(), is_more: false }
    }
}

impl<T, const MAX: usize> AtMost<T, MAX> {
    pub(crate) fn all(self, what: &'static str) -> Result<Vec<T>, NotAnUpload> {
        if self.is_more { Err(NotAnUpload::TooMany { what, max: MAX }) } else { Ok(self.held) }
    }
}

impl<'de, T: Deserialize<'de>, const MAX: usize> Deserialize<'de> for AtMost<T, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AtMostVisitor<T, const MAX: usize>(AtMost<T, MAX>);

        impl<'de, T: Deserialize<'de>, const MAX: usize> Visitor<'de> for AtMostVisitor<T, MAX> {
            type Value = AtMost<T, MAX>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(self.0)
            }

            fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<Self::Value, A::Error> {
                while self.0.held.len() < MAX {
                    let Some(entry) = list.next_element()? else { return Ok(self.0) };
                    self.0.held.push(entry);
                }
                while list.next_element::<IgnoredAny>()?.is_some() {
                    self.0.is_more = true;
                }
                Ok(self.0)
            }
        }
        deserializer.deserialize_any(AtMostVisitor(Self::default()))
    }
}
