//! What the Raidcast client and relay must agree on: events, columns, frames, the fold, limits.
//!
//! Pure: no clock, socket, database or randomness. `PROTOCOL.md` beside this crate is the text of the wire.

pub mod account;
pub mod administration;
pub mod character;
pub mod checksum;
pub mod codec;
pub mod columns;
pub mod encode;
pub mod event;
pub mod feed;
pub mod fold;
pub mod form;
pub mod game;
pub mod id;
pub mod key;
pub mod limits;
pub mod link;
pub mod log;
pub mod meter;
pub mod overlay;
pub mod report;
pub mod saved;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod text;
pub mod uplink;
pub mod upload_checksum;
pub mod view;
pub mod webhook;
