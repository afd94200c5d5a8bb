//! The relay by named failure: real sockets, real SQLite, scripts for uploaders and spectators.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod bad_input;
mod crowd;
mod discards;
mod durability;
mod falls;
mod fan_out;
mod heavy;
mod history;
mod kills;
#[cfg(target_os = "linux")]
mod memory;
mod network;
mod old_fights;
#[cfg(all(unix, feature = "postgres"))]
mod postgres;
mod process;
mod replay;
mod report;
mod script;
mod set_aside;
mod span;
mod stream;
mod syscalls;
mod transfer;
mod views;
