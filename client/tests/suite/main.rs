//! The client by what it does: commands, sources, and the whole of it against real meter databases and a scripted
//! relay.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod beside;
mod cli;
mod cuts;
mod listing;
mod orders;
mod place;
mod post;
mod questions;
mod recent;
mod relay;
mod sources;
mod upload;
mod watch;
mod web;
