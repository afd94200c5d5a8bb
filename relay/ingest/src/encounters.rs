//! A fight as `POST /api/v1/encounters` takes it: players, of each their skills, of each the hits where they are known.
//!
//! A request is taken apart first ([`Request`]); then each encounter is read whole before anything is made of it, so
//! that all that is wrong with it is told at once ([`Refused`]), and becomes events, and by the one builder a log.
//! One invariant: an encounter is taken as it was sent, to the last figure, or it is refused; nothing is cut. Where its
//! figures contradict each other nothing is refused, and the log tells what differs.
//!
//! | file | idea |
//! |---|---|
//! | `request` | one encounter or many |
//! | `cursor` | JSON, byte by byte |
//! | `object`, `value` | fields by their two spellings; what each value may be |
//! | `form` | which fields there are |
//! | `fault` | what is wrong, and where |
//! | `checksum` | what was sent in 32 bytes |
//! | `events` | what it means |
//!
//! Deliberately not here: whose upload it is, how many a key may send, packing and signatures.

mod cursor;
mod events;
mod fault;
mod form;
mod object;
mod plain;
mod request;
mod value;

use raidcast_shared::id::ActorId;
use raidcast_shared::upload_checksum::Sum;

use crate::limits::{DETAILS_MAX, SCHEMA_VERSION, UPLOAD_BYTES_MAX};
use crate::uploaded::Uploaded;
use fault::Faults;
pub use form::ClientId;
#[cfg(test)]
pub(crate) use form::FIELDS;
use form::Head;
use request::LIST;
pub use request::Request;

/// Why an encounter is not taken. Words for who sent it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is too long.
    #[error(
        "An encounter has at most {UPLOAD_BYTES_MAX} bytes of JSON, and this one has {bytes}. Send it without the \
         timelines of some skills."
    )]
    TooLarge {
        /// So long it is.
        bytes: usize,
    },
    /// It is told in a form that is newer than this relay.
    #[error(
        "This relay reads encounters of schemaVersion {SCHEMA_VERSION}, and this one is of {version}. Send the older \
         form, or ask for a newer relay."
    )]
    UnsupportedVersion {
        /// As it was sent.
        version: i64,
    },
    /// Something in it is not as it must be.
    #[error(
        "The encounter cannot be taken: {count} of its values are not as they must be. Each of the details names one."
    )]
    Invalid {
        /// How many values.
        count: usize,
        /// Where each is and what it must be; the first 20.
        details: Vec<String>,
    },
}

/// An encounter that was read.
#[derive(Clone, Debug)]
pub struct Received {
    /// What is to be kept.
    pub uploaded: Uploaded,
    /// The uploader's number of it.
    pub client_id: ClientId,
    /// What the meter says of itself; at most 64 characters, fit to be shown.
    pub meter_version: Option<String>,
    /// The game's id of the player whose meter it is, in the clear.
    pub local_player_uid: Option<u64>,
    /// What vouches for the bytes.
    pub checksum: Checksums,
}

/// The checksum that came with an upload, and the one that it has. That they differ proves no mistake: clients make them
/// in ways of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checksums {
    /// As it was sent, in lower case; 64 hexadecimal digits.
    pub client: Option<String>,
    /// "raidcast upload v1", as the API's page defines it, alike.
    pub relay: String,
}

impl Checksums {
    /// Whether both are the same; `None` where none was sent.
    pub fn matches(&self) -> Option<bool> {
        self.client.as_ref().map(|client| *client == self.relay)
    }
}

/// Reads an encounter of a [`Request`]; `key_actor` makes of the game's ids what is stored, and is asked once for each.
///
/// Cost: linear in the bytes, which are looked at once more than [`Request`] does; what stands in a list at or behind
/// something odd, or beyond its limit, a few times more. Besides what the log takes it holds 40 bytes of each hit and
/// some 400 of each skill: 60 MB at most.
///
/// # Errors
/// See [`Refused`]: nothing of it was kept, and sending the same again gives the same.
pub fn read(encounter: &str, key_actor: &dyn Fn(ActorId) -> ActorId) -> Result<Received, Refused> {
    read_without(encounter, None, key_actor)
}

/// The same; what has a field of this `other` name is no encounter.
fn read_without(
    encounter: &str,
    other: Option<&str>,
    key_actor: &dyn Fn(ActorId) -> ActorId,
) -> Result<Received, Refused> {
    if encounter.len() > UPLOAD_BYTES_MAX {
        return Err(Refused::TooLarge { bytes: encounter.len() });
    }
    let mut faults = Faults::default();
    let Some(head) = Head::of(encounter, other, &mut faults) else { return Err(invalid(faults)) };
    let version = head.schema_version(&mut faults);
    if version > SCHEMA_VERSION {
        return Err(Refused::UnsupportedVersion { version });
    }
    let mut sum = Sum::new();
    let read = head.read(&mut sum, &mut faults);
    let Some(read) = read.filter(|_| faults.count == 0) else { return Err(invalid(faults)) };
    let uploaded = events::told_whole(&read, key_actor).map_err(|mut details| {
        let count = details.len();
        details.truncate(DETAILS_MAX);
        Refused::Invalid { count, details }
    })?;
    Ok(Received {
        uploaded,
        client_id: read.client_id,
        meter_version: read.meter_version,
        local_player_uid: read.local,
        checksum: Checksums { client: read.checksum, relay: sum.done() },
    })
}

/// Reads a body that is one encounter with nothing wrong in it; `None` where it is, or may be, anything else: then
/// [`Request::parse`] says what it is. Most bodies are such, and are spared a look at each of their bytes.
pub fn read_alone(body: &str, key_actor: &dyn Fn(ActorId) -> ActorId) -> Option<Received> {
    // A request that has such a list is several.
    read_without(body.trim(), Some(LIST), key_actor).ok()
}

fn invalid(faults: Faults) -> Refused {
    Refused::Invalid { count: faults.count, details: faults.lines }
}
