//! The seam between meters and the stream: yields the events of encounters from a meter's database.
//!
//! One invariant: a [`Reading`] and the cursor after it belong together. Whoever stores the one stores the other
//! in the same write, so that no event is read twice or left out, whenever the client ends.
//! Deliberately not here: what becomes of events (the encoder), and anything that waits (the uploader polls).

pub mod aggregate;
mod any;
pub mod chunks;
mod clock;
pub mod counters;
mod course;
mod cursor;
mod database;
pub mod detect;
mod error;
pub mod events;
mod fight_row;
mod finished;
mod found;
mod hit_row;
mod missing;
pub mod names;
mod prefix;
mod reading;
mod roster;
mod rows;
mod seam;
pub mod summary;
mod wine;

pub use any::AnySource;
pub(crate) use cursor::Mark;
pub use cursor::{Cursor, CursorDelta};
use cursor::{CursorKey, CursorValue};
pub(crate) use database::no_file;
pub use error::{NoDatabase, SourceError, Unreadable, Unsupported};
pub use found::{Found, Generation};
pub use reading::{Fight, FightEnd, Glance, Reading, RowBegin};
pub use seam::Source;
