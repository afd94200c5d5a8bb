//! `raidcast-desktop`: the desktop app.

#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

use std::process::ExitCode;

fn main() -> ExitCode {
    raidcast_desktop::run(std::env::args_os().skip(1).any(|argument| argument == raidcast_desktop::HIDDEN))
}
