//! What a state folder tells of its fights: read without the lock, while a client may be writing to it.
//!
//! One invariant: nothing is changed, and what cannot be read at the moment is left out, never an error. It says that
//! a fight is on the relay only where the relay said so.

use std::collections::HashMap;
use std::io::{self, Write};
use std::path::Path;

use raidcast_shared::text::clean;
use raidcast_shared::uplink::Outcome;
use serde::Serialize;

use crate::date;
use crate::spool::{Peek, Spool};
use crate::uploader::is_held;
use crate::uploader::record::{Finished, How, NAMELESS, Now, OnItsWay, Queued, Record};

/// Of the fights that are on the relay so many are listed, unless all are asked for.
const LISTED: usize = 20;
/// A longer title is cut, characters.
const TITLE_CHARS: usize = 32;

/// Where a fight stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stand {
    /// Its report is on the relay.
    OnRelay,
    /// It is on its way.
    Streaming,
    /// It is not, and will be.
    Waiting,
    /// The relay does not take it.
    Refused,
}

/// One fight.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// Names the fight.
    pub encounter: String,
    /// Its boss, else its scene.
    pub title: String,
    /// Unix ms.
    pub started_at_ms: i64,
    /// From its begin to its last event, ms; `None` where nothing of it was read yet.
    pub duration_ms: Option<u32>,
    /// Hits and deaths, as far as read.
    pub events: u64,
    /// How it went; `None` while it goes on.
    pub outcome: Option<Outcome>,
    /// Where it stands.
    pub state: Stand,
    /// Its report's page.
    pub url: Option<String>,
    /// Why it waits or is refused, or how far it has got.
    pub why: Option<String>,
}

/// The client that uses the folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Running {
    /// Its process.
    pub process: u32,
    /// Whether it uploads old fights; else it follows the meter.
    pub history: bool,
    /// Whether the relay answers.
    pub connected: bool,
    /// The relay's address.
    pub relay: String,
    /// The raid's page.
    pub raid_url: Option<String>,
    /// What keeps it from its work.
    pub trouble: Option<String>,
}

/// What is known of a folder's fights.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Overview {
    /// The client that uses the folder now, as far as it says.
    pub running: Option<Running>,
    /// The newest first.
    pub fights: Vec<Line>,
}

impl Overview {
    /// Looks into the folder.
    ///
    /// # Errors
    /// It is not there, or may not be read.
    pub fn read(state: &Path, unix_ms: i64) -> io::Result<Self> {
        std::fs::read_dir(state)?;
        let now = Now::load(state).unwrap_or_default();
        let is_running = now.is_running(is_held(state), unix_ms);
        let mut lines = HashMap::new();
        for fight in Record::load(state).fights {
            lines.entry(fight.encounter.clone()).or_insert_with(|| of_record(fight));
        }
        // An upload that makes sure of what is there already takes nothing back.
        let is_there = |lines: &HashMap<String, Line>, name: &str| {
            lines.get(name).is_some_and(|line| line.state == Stand::OnRelay)
        };
        for queued in &now.queue {
            if !is_there(&lines, &queued.encounter) {
                lines.insert(queued.encounter.clone(), of_queue(queued, &now, is_running));
            }
        }
        for (folder, history) in [("spool", false), ("history/spool", true)] {
            for entry in std::fs::read_dir(state.join(folder)).into_iter().flatten().flatten() {
                let path = entry.path();
                if path.extension().is_none_or(|end| end != "spool") {
                    continue;
                }
                // Gone since it was listed, or just being made: it stands elsewhere, or in the next look.
                let Ok(peek) = Spool::peek(&path) else { continue };
                let name = peek.head.encounter.to_string();
                let told = now.fights.iter().find(|told| told.encounter == name && now.history == history);
                // Done already, and only its spool not removed yet.
                if !(is_there(&lines, &name) && (history || told.is_none())) {
                    lines.insert(name, of_spool(&peek, told, &now, is_running, history));
                }
            }
        }
        let mut fights: Vec<_> = lines.into_values().collect();
        fights.sort_by(|a, b| (b.started_at_ms, &b.encounter).cmp(&(a.started_at_ms, &a.encounter)));
        let running = is_running.then_some(Running {
            process: now.process,
            history: now.history,
            connected: now.connected,
            relay: now.relay,
            raid_url: now.raid_url,
            trouble: now.trouble,
        });
        Ok(Self { running, fights })
    }

    /// Writes it for people; `all`: every fight that is on the relay, not the last ones alone.
    ///
    /// # Errors
    /// Whatever `out` says.
    pub fn write(&self, out: &mut impl Write, all: bool) -> io::Result<()> {
        match &self.running {
            Some(running) => {
                let what = if running.history { "uploading old fights" } else { "following the meter" };
                let relay = if running.connected { "connected to" } else { "not connected to" };
                let url = running.raid_url.as_deref().map(|url| format!("  {url}")).unwrap_or_default();
                writeln!(out, "{what} (process {}), {relay} {}{}", running.process, running.relay, shown(&url))?;
                if let Some(trouble) = &running.trouble {
                    writeln!(out, "  {}", shown(trouble))?;
                }
            }
            None if self.fights.is_empty() => {}
            None => writeln!(out, "Nothing is running with this folder.")?,
        }
        if self.fights.is_empty() {
            return writeln!(out, "Nothing has been streamed from here yet.");
        }
        let titles = self.fights.iter().map(|line| cut(&line.title).chars().count());
        let width = titles.max().unwrap_or(0);
        let (mut listed, mut left) = (0, 0);
        for line in &self.fights {
            if line.state == Stand::OnRelay {
                if listed == LISTED && !all {
                    left += 1;
                    continue;
                }
                listed += 1;
            }
            writeln!(out, "{}", line.text(width))?;
        }
        if left > 0 {
            writeln!(out, "and {left} earlier ones on the relay; --all lists them")?;
        }
        Ok(())
    }
}

impl Line {
    fn text(&self, width: usize) -> String {
        let state = match self.state {
            Stand::OnRelay => "on the relay",
            Stand::Streaming => "streaming",
            Stand::Waiting => "waiting",
            Stand::Refused => "refused",
        };
        let length = self.duration_ms.map(date::length).unwrap_or_default();
        let url = self.url.as_deref().filter(|_| self.state != Stand::Refused);
        let rest = [url, self.why.as_deref()].into_iter().flatten().map(shown).collect::<Vec<_>>().join("  ");
        let title = cut(&self.title);
        format!("{state:<12}  {}  {title:<width$}  {length:>7}  {rest}", date::shown(self.started_at_ms))
            .trim_end()
            .to_owned()
    }
}

/// Text as a terminal may show it.
fn shown(text: &str) -> String {
    clean(text, 500)
}

fn cut(title: &str) -> String {
    let title = shown(title);
    if title.chars().count() <= TITLE_CHARS {
        return title;
    }
    let mut short: String = title.chars().take(TITLE_CHARS - 1).collect();
    short.push('…');
    short
}

fn of_record(fight: Finished) -> Line {
    let why = match fight.result {
        How::Kept => Some("the relay holds more of it from elsewhere".to_owned()),
        _ => fight.why.clone(),
    };
    Line {
        state: if fight.is_on_relay() { Stand::OnRelay } else { Stand::Refused },
        encounter: fight.encounter,
        title: fight.title,
        started_at_ms: fight.started_at_ms,
        duration_ms: Some(fight.duration_ms),
        events: fight.events,
        outcome: Some(fight.outcome),
        url: fight.url,
        why,
    }
}

/// Who goes on with a fight when nobody does now.
fn nobody(history: bool) -> String {
    let command = if history { "upload" } else { "watch" };
    format!("`raidcast {command}` is not running: start it again, and it goes on")
}

fn of_queue(queued: &Queued, now: &Now, is_running: bool) -> Line {
    let why = if is_running { "its turn comes".to_owned() } else { nobody(now.history) };
    Line {
        encounter: queued.encounter.clone(),
        title: queued.scene.clone().unwrap_or_else(|| NAMELESS.to_owned()),
        started_at_ms: queued.started_at_ms,
        duration_ms: queued.duration_ms,
        events: 0,
        outcome: None,
        state: Stand::Waiting,
        url: None,
        why: Some(why),
    }
}

fn of_spool(peek: &Peek, told: Option<&OnItsWay>, now: &Now, is_running: bool, history: bool) -> Line {
    let acked = told.map_or(0, |told| told.acked.min(peek.seq));
    let (state, why) = match told {
        Some(told) if told.given_up => (Stand::Refused, told.why.clone()),
        Some(told) if is_running && told.why.is_some() => (Stand::Waiting, told.why.clone()),
        Some(told) if is_running && told.open && acked == peek.seq => {
            let ended = peek.ending.is_some();
            let arrived =
                if ended { "all of it has arrived; its report is being made" } else { "all of it has arrived" };
            (Stand::Streaming, Some(arrived.to_owned()))
        }
        Some(told) if is_running && told.open => {
            (Stand::Streaming, Some(format!("{acked} of {} parts have arrived", peek.seq)))
        }
        _ if is_running && now.history == history => {
            (Stand::Waiting, Some(now.trouble.clone().unwrap_or_else(|| "the relay has not answered yet".to_owned())))
        }
        _ => (Stand::Waiting, Some(nobody(history))),
    };
    let title = peek.boss.clone().or_else(|| peek.head.header.scene.clone());
    Line {
        encounter: peek.head.encounter.to_string(),
        title: title.unwrap_or_else(|| NAMELESS.to_owned()),
        started_at_ms: peek.head.header.started_at_ms,
        duration_ms: Some(peek.elapsed_ms),
        events: peek.events,
        outcome: peek.ending.as_ref().map(|ending| ending.outcome),
        state,
        url: told.and_then(|told| told.url.clone()),
        why,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(n: i64, state: Stand, why: Option<&str>) -> Line {
        Line {
            encounter: n.to_string(),
            title: if n == 0 { "Bo\u{1b}[2Jss".into() } else { "Hall".into() },
            started_at_ms: 1_790_000_000_000 + n,
            duration_ms: Some(302_000),
            events: 1,
            outcome: None,
            state,
            url: Some(format!("http://r/{n}")),
            why: why.map(str::to_owned),
        }
    }

    fn text(overview: &Overview, all: bool) -> String {
        let mut out = Vec::new();
        overview.write(&mut out, all).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn each_fight_is_a_line_and_old_ones_on_the_relay_are_counted() {
        let fights = vec![line(0, Stand::Waiting, Some("not connected")), line(1, Stand::Refused, Some("too long"))];
        let mut overview = Overview { running: None, fights };
        assert_eq!(
            text(&overview, false),
            "Nothing is running with this folder.\n\
             waiting       2026-09-21 14:13  Bo[2Jss     5:02  http://r/0  not connected\n\
             refused       2026-09-21 14:13  Hall        5:02  too long\n"
        );
        overview.fights.extend((0..25).map(|n| line(n + 2, Stand::OnRelay, None)));
        assert!(text(&overview, false).ends_with("and 5 earlier ones on the relay; --all lists them\n"));
        assert_eq!(text(&overview, true).lines().count(), 28);
        assert!(text(&Overview::default(), false).contains("Nothing has been streamed from here yet."));
    }

    #[test]
    fn a_folder_that_is_empty_half_written_or_damaged_is_no_error() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Overview::read(dir.path(), 0).unwrap(), Overview::default());
        std::fs::create_dir(dir.path().join("spool")).unwrap();
        for name in ["record.json", "now.json", "fights.json", "spool/a.spool", "spool/b.new"] {
            std::fs::write(dir.path().join(name), "{").unwrap();
        }
        assert_eq!(Overview::read(dir.path(), 0).unwrap(), Overview::default());
        assert!(Overview::read(&dir.path().join("nowhere"), 0).is_err());
    }
}
