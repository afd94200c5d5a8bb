//! What is happening, for people: one calm line on a terminal, a line for each change elsewhere.
//!
//! One invariant: it says `acknowledged` only of what the relay has acknowledged.

pub mod overview;

use std::io::{self, Write};

use raidcast_shared::text::clean;
use raidcast_shared::uplink::{Outcome, RefusedCode, RefusedScope, ReportState};

use crate::date;
use crate::uploader::record::{Finished, How};
use crate::uploader::{Change, Status, Summary};
use crate::words::{again, count, sentence};

/// The longest line that is shown, characters.
const LINE_CHARS_MAX: usize = 1_000;

/// Shows changes.
#[derive(Debug)]
pub struct Shown<W> {
    out: W,
    /// Whether the last line may be rewritten.
    terminal: bool,
    status: Status,
}

impl<W: Write> Shown<W> {
    /// Shows on `out`; `terminal`: one line is rewritten in place.
    pub fn new(out: W, terminal: bool) -> Self {
        Self { out, terminal, status: Status::default() }
    }

    /// Shows one change.
    ///
    /// # Errors
    /// Whatever `out` says: there is nobody to show anything to any more.
    pub fn show(&mut self, change: &Change) -> io::Result<()> {
        if let Change::Status(status) = change {
            self.status = status.clone();
        } else if let Some(line) = line_of(change) {
            self.wipe()?;
            writeln!(self.out, "{}", fit(&line))?;
        }
        if self.terminal {
            self.wipe()?;
            write!(self.out, "{}", fit(&status_line(&self.status)))?;
        }
        self.out.flush()
    }

    /// Shows the end.
    ///
    /// # Errors
    /// As [`Shown::show`].
    pub fn finish(&mut self, summary: &Summary) -> io::Result<()> {
        self.wipe()?;
        writeln!(self.out, "{}", summary_line(summary))?;
        self.out.flush()
    }

    /// Clears the line that is rewritten.
    fn wipe(&mut self) -> io::Result<()> {
        if self.terminal { write!(self.out, "\r\u{1b}[2K") } else { Ok(()) }
    }
}

/// Text as a terminal may show it: names come from the game, and the relay's words from elsewhere.
fn fit(line: &str) -> String {
    clean(line, LINE_CHARS_MAX)
}

/// A line about a change of an upload; `None` for what only a fight that goes on is told by.
pub fn upload_line(change: &Change) -> Option<String> {
    let line = match change {
        Change::Uploaded { fight } | Change::Failed { fight } => finished_line(fight),
        // What is refused for good is told as a failure.
        Change::Begun { .. }
        | Change::Ended { .. }
        | Change::Finalized { .. }
        | Change::Kept { .. }
        | Change::Refused { encounter: Some(_), retry_ms: None, .. } => return None,
        Change::Connected { url, .. } => format!("Uploading to {url}"),
        Change::Watching { path, meter, .. } => format!("Reading {} ({meter})", path.display()),
        other => line_of(other)?,
    };
    Some(fit(&line))
}

fn finished_line(fight: &Finished) -> String {
    let what = format!("{}  {}  {}", date::shown(fight.started_at_ms), fight.title, date::length(fight.duration_ms));
    let url = fight.url.as_deref().unwrap_or_default();
    match fight.result {
        How::New => format!("new      {what}  {url}"),
        How::Known => format!("known    {what}  {url}"),
        How::Kept => format!("kept     {what}  {url} (the relay holds more of it from elsewhere)"),
        How::Refused => format!("refused  {what}  {}", fight.why.as_deref().unwrap_or_default()),
    }
}

fn line_of(change: &Change) -> Option<String> {
    Some(match change {
        Change::Waiting { why, .. } => format!("Waiting. {why}"),
        Change::Watching { path, meter, others, .. } => {
            let others = match others.len() {
                0 => String::new(),
                n => {
                    format!(". {} databases were found; this one was written last. Use --db for another.", n + 1)
                }
            };
            format!("Watching {} ({meter}){others}", path.display())
        }
        Change::History { fights: 1 } => "1 earlier fight is left alone. `raidcast upload` sends it.".to_owned(),
        Change::History { fights } => format!("{fights} earlier fights are left alone. `raidcast upload` sends them."),
        Change::Connected { url, channel_url, .. } => {
            format!("Share: {url} · permanent link: {channel_url}")
        }
        Change::Disconnected { why, retry_ms } => {
            format!("Not connected. {} {} Nothing is lost.", sentence(why), again(*retry_ms))
        }
        Change::Begun { url, scene, .. } => format!("Live: {} {url}", scene.as_deref().unwrap_or("a fight")),
        // Of a refusal the end of the command says the same.
        Change::Acked { .. }
        | Change::Status(_)
        | Change::Refused { scope: RefusedScope::Connection, retry_ms: None, .. } => return None,
        Change::Idle { encounter: Some(_), seconds } => format!("Nothing happened in the fight for {seconds} s."),
        Change::Idle { encounter: None, seconds } => {
            format!("Nothing happened for {seconds} s, and nothing is left to send. Ending.")
        }
        Change::Ended { outcome, events, .. } => {
            format!("Fight ended ({}): {}", word(*outcome), count(*events, "event"))
        }
        Change::Finalized { url, known: true, keeps_visibility: true, .. } => {
            format!("Report, on the relay already: {url} (If it is in another raid, --visibility does not change it.)")
        }
        Change::Finalized { url, known: true, .. } => format!("Report, on the relay already: {url}"),
        Change::Finalized { url, state: ReportState::Provisional, .. } => format!("Report for now: {url}"),
        Change::Finalized { url, .. } => format!("Report: {url}"),
        Change::Kept { url, .. } => {
            format!("The relay has more of this fight from another raidcast. Its report stays as it is: {url}")
        }
        Change::Refused { code: RefusedCode::UnknownHandle | RefusedCode::Fenced, text, .. } => text.clone(),
        Change::Refused { text, retry_ms: Some(ms), .. } => {
            format!("Not taken: {} {}", sentence(text), again(*ms))
        }
        Change::Refused { text, .. } => {
            format!("Not taken: {} It is tried again when you start raidcast again.", sentence(text))
        }
        Change::Unreadable { why, .. } => format!("A fight is left out: {}", sentence(why)),
        Change::Stalled { why } => why.clone(),
        Change::Resumed => "Writing again.".to_owned(),
        Change::Reread { why, .. } => {
            format!("Reading a fight again from its beginning: {}", sentence(why))
        }

        Change::Uploaded { fight } | Change::Failed { fight } => finished_line(fight),
        Change::Stopped { fights, why } => {
            let are = if *fights == 1 { "is" } else { "are" };
            format!("{} {are} left: {}", count(*fights, "fight"), sentence(why))
        }
    })
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Kill => "kill",
        Outcome::Wipe => "wipe",
        Outcome::Reset => "reset",
        Outcome::Unfinished => "unfinished",
        Outcome::Unknown => "outcome not known",
    }
}

fn status_line(status: &Status) -> String {
    match status.unreadable {
        0 => plain_status_line(status),
        n => format!("{}  {n} not readable", plain_status_line(status)),
    }
}

fn plain_status_line(status: &Status) -> String {
    let arrived = match (status.unacknowledged, status.connected) {
        (0, true) => "all has arrived".to_owned(),
        (0, false) => "all has arrived, not connected now".to_owned(),
        (1, true) => "1 part is on its way".to_owned(),
        (n, true) => format!("{n} parts are on their way"),
        (1, false) => "1 part waits here for the relay".to_owned(),
        (n, false) => format!("{n} parts wait here for the relay"),
    };
    match (&status.live, &status.url) {
        (Some(fight), url) => {
            let minutes = fight.elapsed_ms / 60_000;
            let seconds = fight.elapsed_ms / 1000 % 60;
            let sent = if status.unacknowledged == 0 { "sent" } else { "read" };
            let url = url.as_deref().unwrap_or_default();
            format!(
                "live  {}  {minutes}:{seconds:02}  {} hits {sent}, {arrived}  {url}",
                fight.title,
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

fn summary_line(summary: &Summary) -> String {
    let Summary { fights: left, finalized, unacknowledged, complete } = summary;
    let fights = left;
    let fights = if *fights == 1 { "1 fight".to_owned() } else { format!("{fights} fights") };
    if *complete && *left == 0 {
        "No fight was streamed.".to_owned()
    } else if *complete {
        format!("{fights}, {finalized} with a final report. All has arrived.")
    } else {
        let left = match *left - *finalized {
            0 if *unacknowledged == 0 => "Not all could be read.",
            0 | 1 => "The end of one fight has not reached the relay. Start raidcast again: it sends the rest.",
            n => {
                return format!(
                    "The ends of {n} fights have not reached the relay. Start raidcast again: it sends the rest."
                );
            }
        };
        format!("{fights}, {finalized} with a final report. {left}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::uploader::LiveFight;

    fn live(unacknowledged: u64, connected: bool) -> Change {
        Change::Status(Status {
            watching: true,
            connected,
            live: Some(LiveFight { title: "Super \u{1b}[31mMech".into(), elapsed_ms: 192_000, events: 12_412 }),
            unacknowledged,
            url: Some("http://r/x".into()),
            unreadable: 0,
        })
    }

    fn shown(terminal: bool, changes: &[Change]) -> String {
        let mut shown = Shown::new(Vec::new(), terminal);
        for change in changes {
            shown.show(change).unwrap();
        }
        String::from_utf8(shown.out).unwrap()
    }

    #[test]
    fn a_terminal_has_one_line_that_tells_the_truth() {
        let text = shown(true, &[live(0, true)]);
        assert_eq!(text, "\r\u{1b}[2Klive  Super [31mMech  3:12  12.4k hits sent, all has arrived  http://r/x");
        assert!(shown(true, &[live(3, true)]).contains("12.4k hits read, 3 parts are on their way"));
        assert!(shown(true, &[live(3, false)]).contains("3 parts wait here for the relay"));
    }

    #[test]
    fn elsewhere_there_is_a_line_for_each_change_and_none_for_the_status() {
        assert_eq!(shown(false, &[live(0, true), Change::Acked { encounter: "x".into(), seq: 1, of: 1 }]), "");
        assert_eq!(
            shown(false, &[Change::History { fights: 3 }]),
            "3 earlier fights are left alone. `raidcast upload` sends them.\n"
        );
        let watching = Change::Watching {
            path: "/m.db".into(),
            meter: "resonance-logs".into(),
            generation: "aggregate".into(),
            others: vec!["/n.db".into()],
        };
        let told = "Watching /m.db (resonance-logs). 2 databases were found; this one was written last. Use --db for another.\n";
        assert_eq!(shown(false, &[watching]), told);
        let ended = Change::Ended { encounter: "x".into(), outcome: Outcome::Kill, events: 1 };
        assert_eq!(shown(false, &[ended]), "Fight ended (kill): 1 event\n");
        let waiting = Change::Refused {
            code: RefusedCode::TooFast,
            text: "wait".into(),
            scope: RefusedScope::Encounter,
            encounter: None,
            retry_ms: Some(250),
        };
        assert_eq!(shown(false, &[waiting]), "Not taken: wait. Trying again soon.\n");
        let refused = Change::Stalled { why: "a\u{1b}[2Jb\nc".into() };
        assert_eq!(shown(false, &[refused]), "a[2Jbc\n");
    }
}
