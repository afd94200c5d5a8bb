//! `raidcast status`.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::common::{USAGE, print_error, print_line, state_folder};
use crate::clock::Clock;
use crate::status::overview::Overview;

/// Flags of `status`.
#[derive(Clone, Debug, Args)]
pub struct StatusFlags {
    /// Folder that `raidcast watch` or `upload` uses [default: raidcast in the user's data folder]
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// List every fight that the folder remembers
    #[arg(long)]
    all: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Says what the state folder knows; a client that runs is not disturbed.
pub(super) fn run(flags: StatusFlags) -> ExitCode {
    let StatusFlags { state, all, json } = flags;
    let state = match state_folder(state) {
        Ok(state) => state,
        Err(error) => {
            print_error(json, "settings", &error.to_string());
            return ExitCode::from(USAGE);
        }
    };
    let overview = match Overview::read(&state, Clock::system().unix_ms()) {
        Ok(overview) => overview,
        Err(error) => {
            let text = format!(
                "could not look into {} ({error}): name the folder that `raidcast watch` uses with --state",
                state.display()
            );
            print_error(json, "state", &text);
            return ExitCode::FAILURE;
        }
    };
    let told = if json {
        serde_json::to_string(&overview).map_err(io::Error::other).and_then(|line| print_line(&line))
    } else {
        overview.write(&mut io::stdout().lock(), all)
    };
    ExitCode::from(u8::from(told.is_err()))
}
