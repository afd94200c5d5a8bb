//! Writes meter databases the way the meters do, from scripted fights: for tests, benches and the demo.
//!
//! [`Script`] makes a [`Fight`] from a seed, [`MeterWriter`] writes it in one of the storage [`Generation`]s, at
//! once, in steps or in real time. [`fault`] damages finished databases; [`upload`] makes the requests in which meters
//! upload fights themselves, and [`encounters`] those of programs that write the relay's own form.
//!
//! The one invariant: what a database holds in the end depends on the fight alone, never on the steps in which it
//! was written. Not here: reading, and any look at a clock; [`write_live`] alone waits, on Tokio's.

mod aggregate;
mod beside;
pub mod chunks;
pub mod encounters;
mod error;
pub mod fault;
mod fight;
mod json;
mod live;
mod name_files;
mod playhead;
mod random;
mod script;
pub mod summary;
pub mod upload;
mod writer;

pub use beside::beside;
pub use error::MeterkitError;
pub use fight::{Attempt, Cast, CastKind, Death, Fight, Hit, HitKind, Monster, Player, Revive, Segment, SegmentKind};
pub use live::{LIVE_TICK, write_all, write_live, write_night};
pub use name_files::write_name_files;
pub use script::{Names, Script};
pub use writer::{Generation, MeterWriter};
