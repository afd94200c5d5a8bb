//! The model by what it does: against real meter databases and a scripted relay, and its types in TypeScript.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod desk;
mod first;
#[allow(dead_code, reason = "the command line's tests use more of it")]
#[path = "../../../../tests/suite/relay.rs"]
mod relay;
mod stage;
mod types;
mod uploads;
