//! The bar that goes on while fights are uploaded, and the lines above it.

use std::io;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::common::print;
use crate::cli::words::percent;
use crate::history::Tally;
use crate::uploader::Change;

/// What is printed of an upload.
#[derive(Default)]
pub(super) struct Said {
    /// Lines.
    pub(super) text: String,
    /// Fights that are done with, for the bar.
    pub(super) done: u64,
    /// What stands beside the bar, where that changed.
    pub(super) message: Option<String>,
    /// Nothing more comes: the bar goes.
    pub(super) ends: bool,
}

/// A bar on a terminal, nothing elsewhere.
pub(super) fn bar(fights: u64, terminal: bool) -> ProgressBar {
    let target = if terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(Some(fights), target);
    if let Ok(style) = ProgressStyle::with_template("[{bar:30}] {pos}/{len} fights  {msg}") {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.enable_steady_tick(Duration::from_millis(250));
    bar
}

/// Prints what is said, above the bar.
pub(super) fn show(bar: &ProgressBar, said: Said) -> io::Result<()> {
    if said.ends {
        bar.finish_and_clear();
    }
    if !said.text.is_empty() {
        // The bar gives way to the line, and comes back below it.
        bar.suspend(|| print(io::stderr(), &said.text))?;
    }
    bar.set_position(said.done.max(bar.position()));
    if let Some(message) = said.message {
        bar.set_message(message);
    }
    Ok(())
}

/// What stands beside the bar from a change on, if it changes that.
pub(super) fn message(tally: &Tally, change: &Change) -> Option<String> {
    match change {
        Change::Acked { seq, of, .. } => Some(format!("{}, sending: {} %", in_short(tally), percent(*seq, *of))),
        Change::Disconnected { .. } => Some(format!("{}, not connected", in_short(tally))),
        Change::Uploaded { .. } | Change::Failed { .. } | Change::Unsent { .. } | Change::Connected { .. } => {
            Some(in_short(tally))
        }
        _ => None,
    }
}

fn in_short(tally: &Tally) -> String {
    let parts =
        [(tally.new, "new"), (tally.known + tally.kept, "known"), (tally.failed, "refused"), (tally.unsent, "waiting")];
    let parts: Vec<_> = parts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    parts.join(", ")
}
