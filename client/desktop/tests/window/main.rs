//! The app as it is used: its real window, its icon in a tray, a real relay, and a meter that writes while a game goes on.
//! (What a real relay does not do when it is wanted, a scripted one does.)
//!
//! Each scenario has a display, a session bus and a home of its own ([`stage`]). Nothing is built here: the binaries of
//! the client and the relay are those of `RAIDCAST_BIN_DIR`, or those that lie beside the app. `cargo xtask test` has a
//! part for these tests; by hand they are skipped, aloud, where a program is missing.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod authority;
mod bus;
mod disk;
mod driver;
mod elsewhere;
mod fights;
mod first;
mod generations;
mod http;
mod keyring;
mod keys;
mod kills;
mod meter;
mod odd;
mod process;
mod reader;
mod relay;
mod replayed;
mod safe;
mod screen;
#[allow(dead_code, reason = "the command line's tests use more of it")]
#[path = "../../../tests/suite/relay.rs"]
mod scripted;
mod shot;
mod sleep;
mod stage;
mod tray;
mod upgrade;
mod wait;
mod window;
mod world;
