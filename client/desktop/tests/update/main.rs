//! Updates end to end, without a window: a channel file and packages over HTTPS on this computer, with an authority and a
//! key of releases of the tests' own, into a program that is a file of theirs.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod app;
mod channel;
mod fight;
mod install;
#[allow(dead_code, reason = "the command line's tests use more of it")]
#[path = "../../../tests/suite/relay.rs"]
mod relay;
mod safe;
mod signer;
mod site;
#[allow(dead_code, reason = "the model's tests use more of it")]
#[path = "../../model/tests/suite/stage.rs"]
mod stage;
