//! The seam between meters and the stream: yields the events of encounters from a meter's database.
//!
//! One invariant: a [`Reading`] and the cursor after it belong together. Whoever stores the one stores the other
//! in the same write, so that no event is read twice or left out, whenever the client ends.
//! Deliberately not here: what becomes of events (the encoder), and anything that waits (the uploader polls).

mod actor;
pub mod aggregate;
mod any;
mod clock;
pub mod counters;
mod course;
mod database;
mod details;
pub mod detect;
mod entry;
mod error;
pub mod events;
mod finished;
mod found;
pub mod journal;
mod missing;
pub mod names;
mod place;
mod reading;
mod roster;
mod seam;
pub mod summary;
mod table;

pub use any::AnySource;
pub(crate) use database::no_file;
pub use error::SourceError;
pub use found::{Found, Generation};
pub use reading::{Cursor, CursorDelta, CursorKey, CursorValue, Fight, FightEnd, Reading};
pub use seam::Source;
