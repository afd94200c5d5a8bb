//! What is happening, for people: one calm line on a terminal, a line for each change elsewhere.
//!
//! One invariant: it says `acknowledged` only of what the relay has acknowledged.

use super::words::{fit, line_of, links, status_line, summary_line};
use crate::uploader::{Change, Status, Summary};

/// Clears the line that is rewritten.
const WIPE: &str = "\r\u{1b}[2K";

/// Shows changes: makes the text that is to be printed.
#[derive(Debug)]
pub(super) struct Shown {
    /// Whether the last line may be rewritten.
    terminal: bool,
    status: Status,
    /// The connection was lost that there was.
    was_cut: bool,
}

impl Shown {
    /// `terminal`: one line is rewritten in place.
    pub(super) fn new(terminal: bool) -> Self {
        Self { terminal, status: Status::default(), was_cut: false }
    }

    /// Shows one change; empty where there is nothing to print.
    pub(super) fn show(&mut self, change: &Change) -> String {
        let mut text = String::new();
        match change {
            Change::Status(status) => self.status = status.clone(),
            Change::Connected { url, channel_url, shown_to, .. } => {
                if std::mem::take(&mut self.was_cut) {
                    text = self.line("Connected again.");
                }
                text.extend(links(url, channel_url, *shown_to).iter().map(|line| self.line(&fit(line))));
            }
            change => {
                self.was_cut |= matches!(change, Change::Disconnected { was_connected: true, .. });
                text.extend(line_of(change).map(|line| self.line(&fit(&line))));
            }
        }
        if self.terminal {
            text.push_str(WIPE);
            text.push_str(&fit(&status_line(&self.status)));
        }
        text
    }

    /// Shows the end.
    pub(super) fn finish(&self, summary: &Summary) -> String {
        self.line(&summary_line(summary))
    }

    /// A line, in place of the one that is rewritten.
    pub(super) fn line(&self, line: &str) -> String {
        format!("{}{line}\n", if self.terminal { WIPE } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use raidcast_shared::administration::ReportVisibility;
    use raidcast_shared::uplink::{NamesPolicy, Outcome, RefusedCode, RefusedScope, Visibility};

    use super::*;
    use crate::os_error::{OsError, OsErrorKind};
    use crate::socket::Outage;
    use crate::uploader::trouble::Stall;
    use crate::uploader::{LiveFight, ShownTo};

    fn live(unacknowledged: u64, connected: bool) -> Change {
        Change::Status(Status {
            watching: true,
            connected,
            live: Some(LiveFight { title: Some("Super \u{1b}[31mMech".into()), elapsed_ms: 192_000, events: 12_412 }),
            unacknowledged,
            url: Some("http://r/x".into()),
            unreadable: 0,
            delay: None,
        })
    }

    fn shown(terminal: bool, changes: &[Change]) -> String {
        let mut shown = Shown::new(terminal);
        changes.iter().map(|change| shown.show(change)).collect()
    }

    #[test]
    fn a_terminal_has_one_line_that_tells_the_truth() {
        let text = shown(true, &[live(0, true)]);
        assert_eq!(text, "\r\u{1b}[2Klive  Super [31mMech  3:12  12.4k hits sent, all has arrived  http://r/x");
        assert!(shown(true, &[live(3, true)]).contains("12.4k hits read, not all has arrived yet"));
        assert!(shown(true, &[live(3, false)]).contains("what has not arrived waits here for the relay"));
    }

    #[test]
    fn links_have_a_line_each_with_who_can_watch_also_after_an_outage() {
        let shown_as = |ticket: &str, shown_to: ShownTo| Change::Connected {
            raid: "c".into(),
            url: format!("http://r/raids/c{ticket}"),
            channel_url: format!("http://r/live/m{ticket}"),
            shown_to,
        };
        let unlisted = ShownTo { visibility: Some(Visibility::Unlisted), ..ShownTo::default() };
        let connected = |ticket: &str| shown_as(ticket, unlisted);
        let cut = Change::Disconnected { why: Outage::Cut, retry_ms: 0, was_connected: true };
        let links = "Share:          http://r/raids/c\nPermanent link: http://r/live/m\n\
                     Unlisted: everybody who has one of these links can watch. Names: all. Delay: none.\n";
        assert_eq!(shown(false, &[connected("")]), links);
        let told = shown(false, &[connected(""), cut, connected(""), connected("")]);
        assert!(told.ends_with(&format!("Nothing is lost.\nConnected again.\n{links}{links}")), "{told}");
        let seen = |ticket: &str, shown_to| {
            let told = shown(false, &[shown_as(ticket, shown_to)]);
            told.lines().last().map(str::to_owned).unwrap_or_default()
        };
        let secret = "Private: these links contain a secret, and whoever has one of them can watch.";
        // What the relay shows counts, whatever was asked for.
        assert_eq!(seen("?ticket=abc", unlisted), secret);
        let private = ShownTo { visibility: Some(Visibility::Private), ..ShownTo::default() };
        assert_eq!(seen("?ticket=abc", private), secret);
        assert_eq!(seen("", private), "Everybody who has one of these links can watch. Names: all. Delay: none.");
        let reports = Some(ReportVisibility::Public);
        let learning = ShownTo { report_visibility: reports, names: Some(NamesPolicy::Class), ..private };
        let told = format!("{secret} Reports: public. Names: class and number. Delay: none.");
        assert_eq!(seen("?ticket=abc", learning), told);
        let late = ShownTo {
            visibility: Some(Visibility::Public),
            report_visibility: reports,
            names: Some(NamesPolicy::Hidden),
            delay_s: Some(60),
        };
        let told =
            "Public: everybody can watch, and the relay lists it. Names: only of players who agreed. Delay: 60 s.";
        assert_eq!(seen("", late), told);
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
        let ended =
            Change::Ended { encounter: "x".into(), outcome: Outcome::Kill, events: 1, title: None, elapsed_ms: 61_000 };
        assert_eq!(shown(false, &[ended]), "Fight ended: fight  1:01 (kill), 1 event\n");
        let waiting = Change::Refused {
            code: RefusedCode::TooFast,
            text: "wait".into(),
            scope: RefusedScope::Encounter,
            encounter: None,
            retry_ms: Some(250),
        };
        assert_eq!(shown(false, &[waiting]), "Not taken: wait. Trying again soon.\n");
        let error = OsError { kind: OsErrorKind::NoRoom, code: None, text: "a\u{1b}[2Jb\nc".into() };
        let stalled = Change::Stalled { why: Stall::Unwritable { dir: "/s".into(), error } };
        let told =
            "Nothing can be written to /s (a[2Jbc). Make room there. Nothing is lost: the meter keeps its fights.\n";
        assert_eq!(shown(false, &[stalled]), told);
    }
}
