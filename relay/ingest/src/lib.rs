//! Fights that are uploaded whole: a request is taken apart, and each fight of it becomes a log through the one fold.
//!
//! Four ideas, each in files of its own: a request of a meter ([`Upload`], [`Check`], [`PlayerData`]); a form in which a
//! fight is told ([`meter`], [`encounters`]); the builder of a log, which knows no form; whether two readings of one name
//! are of one fight ([`Uploaded::likeness`]). One invariant: what is wrong with one fight costs no other. Meters send a
//! fight that is refused again and again, and none after it, so of their form none is: what cannot be taken of it the log
//! tells as missing, and of a fight of which nothing can be taken it tells that ([`Uploaded::stub`]). Who writes
//! [`encounters`] is told what is wrong with them instead. Pure: no network, no store, no clock, no keys; the caller says
//! when a fight came, how ids are keyed, and who owns the encounter.

mod builder;
pub mod encounters;
mod json;
mod limits;
pub mod meter;
mod request;
pub mod schema;
mod twin;
mod uploaded;

pub use json::text;
pub use limits::AHEAD_MS_MAX;
pub use request::{Check, NotAnUpload, PlayerData, Upload};
pub use twin::Likeness;
pub use uploaded::Uploaded;
