//! A request of this form: one encounter, or several.

use serde::de::Error as _;
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
        let list = AtMost::<&'a RawValue>::new(LIST, BATCH_MAX);
        let read = match body.starts_with('{') {
            true => list.in_object(body, None).map(|(list, _)| list),
            false => list.alone(body).map(Some),
        };
        let read = read.map_err(|error| match error {
            NotAnUpload::Unreadable(error) => NotAnUpload::Unreadable(with_field(&error, body)),
            error => error,
        });
        let Some(list) = read? else { return Ok(Self { encounters: vec![body], is_batch: false }) };
        let encounters: Vec<_> = list.into_iter().map(RawValue::get).collect();
        if encounters.is_empty() {
            return Err(NotAnUpload::Empty(LIST));
        }
        Ok(Self { encounters, is_batch: true })
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
