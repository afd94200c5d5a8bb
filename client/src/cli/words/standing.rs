//! In words: how things stand, with the client that runs and with each fight.

use super::folder::stall;
use super::meter::no_database;
use super::relay::{not_sent, outage};
use super::text::{count, percent, title};
use crate::status::Why;
use crate::uploader::trouble::Trouble;
use crate::uploader::{Status, Summary};

/// The line that a terminal shows while nothing is told.
pub(in crate::cli) fn status_line(status: &Status) -> String {
    match status.unreadable {
        0 => plain_status_line(status),
        n => format!("{}  {n} not readable", plain_status_line(status)),
    }
}

fn plain_status_line(status: &Status) -> String {
    let arrived = match (status.unacknowledged, status.connected) {
        (0, true) => "all has arrived",
        (0, false) => "all has arrived, not connected now",
        (_, true) => "not all has arrived yet",
        (_, false) => "what has not arrived waits here for the relay",
    };
    match (&status.live, &status.url) {
        (Some(fight), url) => {
            let minutes = fight.elapsed_ms / 60_000;
            let seconds = fight.elapsed_ms / 1000 % 60;
            let sent = if status.unacknowledged == 0 { "sent" } else { "read" };
            let url = url.as_deref().unwrap_or_default();
            format!(
                "live  {}  {minutes}:{seconds:02}  {} hits {sent}, {arrived}  {url}",
                title(fight.title.as_deref()),
                short(fight.events)
            )
        }
        (None, _) if !status.watching => "waiting for a meter".to_owned(),
        (None, Some(url)) => format!("waiting for a fight  {arrived}  {url}"),
        (None, None) => "waiting for a fight".to_owned(),
    }
}

fn short(count: u64) -> String {
    match count {
        0..10_000 => count.to_string(),
        10_000..1_000_000 => format!("{:.1}k", count as f64 / 1e3),
        _ => format!("{:.2}M", count as f64 / 1e6),
    }
}

/// What became of the fights of a watch.
pub(in crate::cli) fn summary_line(summary: &Summary) -> String {
    let Summary { fights: found, finalized, unacknowledged, complete } = summary;
    let fights = count(*found, "fight");
    if *complete && *found == 0 {
        return "No fight was streamed.".to_owned();
    }
    if *complete {
        return format!("{fights}, {finalized} with a final report. All has arrived.");
    }
    let late = match found.saturating_sub(*finalized) {
        0 if *unacknowledged == 0 => {
            return format!("{fights}, {finalized} with a final report. Not all could be read.");
        }
        0 | 1 => "One fight has".to_owned(),
        n => format!("{n} fights have"),
    };
    format!(
        "{fights}, {finalized} with a final report. {late} not arrived in full. Start raidcast again: it sends \
         the rest."
    )
}

/// What keeps a client from its work.
pub(in crate::cli) fn trouble(trouble: &Trouble) -> String {
    match trouble {
        Trouble::Stalled { why } => stall(why),
        Trouble::NotConnected { why, was_connected } => {
            format!("Not connected. {}", outage(why, *was_connected))
        }
        Trouble::NoDatabase { why } => no_database(why),
        Trouble::Said(text) => text.clone(),
    }
}

/// Why a fight stands where it does.
pub(in crate::cli) fn why(why: &Why) -> String {
    match why {
        Why::Kept => "more of it was uploaded from elsewhere".to_owned(),
        Why::NotSent(why) => not_sent(why).into_owned(),
        Why::Queued => "its turn comes".to_owned(),
        Why::Arrived { parts, of } => format!("{} % of it has arrived", percent(*parts, *of)),
        Why::ArrivedWhole { ended: true } => "all of it has arrived; its report is being made".to_owned(),
        Why::ArrivedWhole { ended: false } => "all of it has arrived".to_owned(),
        Why::Unanswered => "the relay has not answered yet".to_owned(),
        Why::Trouble(what) => trouble(what),
        Why::NotPosted => "`raidcast upload --http` is not running: start it again, and it is sent".to_owned(),
        Why::NotRunning { history } => {
            let command = if *history { "upload" } else { "watch" };
            format!("`raidcast {command}` is not running: start it again, and it goes on")
        }
    }
}
