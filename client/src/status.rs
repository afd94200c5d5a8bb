//! What a state folder tells of its fights: read without the lock, while a client may be writing to it.
//!
//! One invariant: nothing is changed, and what cannot be read at the moment is left out, never an error. It says that
//! a fight is on the relay only where the relay said so.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use raidcast_shared::uplink::Outcome;
use serde::Serialize;

use crate::spool::{Peek, Spool};
use crate::uploader;
use crate::uploader::record::{Finished, How, NotSent, Now, OnItsWay, Queued, Record};
use crate::uploader::trouble::Trouble;
use crate::uploader::upload_part;
use crate::uploader::waiting::Waiting;

/// Where a fight stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stand {
    /// It was sent, and the relay has said that it has it. Whether it was deleted there since nobody here knows.
    OnRelay,
    /// It is on its way.
    Streaming,
    /// It is not, and will be.
    Waiting,
    /// The relay does not take it.
    Refused,
    /// It cannot be read from the meter's database; tried again at the next start.
    Unreadable,
}

/// One fight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Names the fight.
    pub encounter: String,
    /// Its boss, else its scene; `None` where neither is known by name.
    pub title: Option<String>,
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
    /// Why it waits or is refused, or how far it has got; `None` where it is on the relay and all is said.
    pub why: Option<Why>,
    /// Who follows the meter has its log, and can try it again. Else it is done with there, or an upload's.
    pub has_log: bool,
}

/// Why a fight stands where it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// The relay holds more of it from elsewhere.
    Kept,
    /// It was not taken.
    NotSent(NotSent),
    /// Others come before it.
    Queued,
    /// So many parts of it have arrived.
    Arrived {
        /// So many.
        parts: u64,
        /// Of so many that there are so far.
        of: u64,
    },
    /// All of it has arrived.
    ArrivedWhole {
        /// It is over, and its report is being made.
        ended: bool,
    },
    /// The relay has not answered yet.
    Unanswered,
    /// The client that runs is kept from its work.
    Trouble(Trouble),
    /// Nothing runs that goes on with it.
    NotRunning {
        /// An upload of old fights; else who follows the meter.
        history: bool,
    },
    /// It is to be sent whole, and no upload is running that does.
    NotPosted,
}

/// What is done in the folder now.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    pub trouble: Option<Trouble>,
}

/// What is known of a folder's fights.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overview {
    /// What is done in it now, as far as is said: who follows the meter, then an upload of old fights.
    pub running: Vec<Running>,
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
        let works = Works::read(state, unix_ms);
        let mut lines = HashMap::new();
        for fight in Record::load(state).fights {
            lines.entry(fight.encounter.clone()).or_insert_with(|| of_record(fight));
        }
        // An upload that makes sure of what is there already takes nothing back.
        let is_there = |lines: &HashMap<String, Line>, name: &str| {
            lines.get(name).is_some_and(|line| line.state == Stand::OnRelay)
        };
        for work in works.all() {
            for queued in &work.now.queue {
                if !is_there(&lines, &queued.encounter) {
                    lines.insert(queued.encounter.clone(), of_queue(queued, work));
                }
            }
        }
        for waits in Waiting::load(state).unwrap_or_default().fights {
            if !is_there(&lines, &waits.fight.encounter) {
                let line = of_record(waits.fight);
                let turn = if works.upload.is_running { Why::Queued } else { Why::NotPosted };
                let why = line.why.or(Some(turn));
                lines.insert(line.encounter.clone(), Line { why, ..line });
            }
        }
        for work in works.all() {
            for entry in std::fs::read_dir(work.part.join("spool")).into_iter().flatten().flatten() {
                let path = entry.path();
                if path.extension().is_none_or(|end| end != "spool") {
                    continue;
                }
                // Gone since it was listed, or just being made: it stands elsewhere, or in the next look.
                let Ok(peek) = Spool::peek(&path) else { continue };
                let name = peek.head.encounter.to_string();
                let told = work.now.fights.iter().find(|told| told.encounter == name);
                // Done already, and only its spool not removed yet.
                let is_done = is_there(&lines, &name) && (work.history || told.is_none());
                // An upload of what is being streamed adds nothing to that.
                let is_streamed = work.history && lines.get(&name).is_some_and(|line| line.state == Stand::Streaming);
                if !(is_done || is_streamed) {
                    lines.insert(name, of_spool(&peek, told, work));
                }
            }
        }
        let mut fights: Vec<_> = lines.into_values().collect();
        fights.sort_by(|a, b| (b.started_at_ms, &b.encounter).cmp(&(a.started_at_ms, &a.encounter)));
        let running = [works.follow, works.upload].into_iter().filter(|work| work.is_running);
        Ok(Self { running: running.map(Work::into_running).collect(), fights })
    }

    /// Who follows the meter, if that is done now.
    pub fn following(&self) -> Option<&Running> {
        self.running.iter().find(|running| !running.history)
    }

    /// The upload of old fights that is under way.
    pub fn uploading(&self) -> Option<&Running> {
        self.running.iter().find(|running| running.history)
    }
}

/// What a kind of work says of itself.
struct Work {
    /// Where in the folder it is done.
    part: PathBuf,
    /// An upload of old fights; else who follows the meter.
    history: bool,
    now: Now,
    is_running: bool,
}

impl Work {
    fn into_running(self) -> Running {
        let Self { history, now, .. } = self;
        Running {
            process: now.process,
            history,
            connected: now.connected,
            relay: now.relay,
            raid_url: now.raid_url,
            trouble: now.trouble,
        }
    }
}

/// What both kinds of work say of themselves.
struct Works {
    follow: Work,
    upload: Work,
}

impl Works {
    fn read(state: &Path, unix_ms: i64) -> Self {
        let (mut follow, mut upload) = (Now::load(state), Now::load(&upload_part(state)));
        if follow.as_ref().is_some_and(|now| now.history) {
            // Earlier clients had one file for both.
            upload = upload.or(follow.take());
        }
        let is_held = is_held(state);
        let work = |history, part, now: Option<Now>| {
            let now = now.unwrap_or_default();
            Work { part, history, is_running: now.is_running(is_held, unix_ms), now }
        };
        Self { follow: work(false, state.to_owned(), follow), upload: work(true, upload_part(state), upload) }
    }

    fn all(&self) -> [&Work; 2] {
        [&self.follow, &self.upload]
    }
}

/// Whether a client holds a state folder now; `None` where that cannot be told. One that only looks holds it for no longer
/// than a moment, and is taken for none.
pub fn is_held(state: &Path) -> Option<bool> {
    uploader::is_held(state)
}

fn of_record(fight: Finished) -> Line {
    let why = match fight.result {
        How::Kept => Some(Why::Kept),
        _ => fight.why.clone().map(Why::NotSent),
    };
    let state = match &fight.why {
        _ if fight.is_on_relay() => Stand::OnRelay,
        _ if fight.result == How::Waiting => Stand::Waiting,
        Some(NotSent::Unreadable { .. }) => Stand::Unreadable,
        _ => Stand::Refused,
    };
    Line {
        state,
        encounter: fight.encounter,
        title: fight.title,
        started_at_ms: fight.started_at_ms,
        duration_ms: Some(fight.duration_ms),
        events: fight.events,
        outcome: Some(fight.outcome),
        url: fight.url,
        why,
        has_log: false,
    }
}

fn of_queue(queued: &Queued, work: &Work) -> Line {
    let why = if work.is_running { Why::Queued } else { Why::NotRunning { history: work.history } };
    Line {
        encounter: queued.encounter.clone(),
        title: queued.scene.clone(),
        started_at_ms: queued.started_at_ms,
        duration_ms: queued.duration_ms,
        events: 0,
        outcome: None,
        state: Stand::Waiting,
        url: None,
        why: Some(why),
        has_log: false,
    }
}

fn of_spool(peek: &Peek, told: Option<&OnItsWay>, work: &Work) -> Line {
    let is_running = work.is_running;
    let acked = told.map_or(0, |told| told.acked.min(peek.seq));
    let (state, why) = match told {
        Some(told) if told.given_up => (Stand::Refused, told.why.clone().map(Why::NotSent)),
        Some(told) if is_running && told.why.is_some() => (Stand::Waiting, told.why.clone().map(Why::NotSent)),
        Some(told) if is_running && told.open && acked == peek.seq => {
            (Stand::Streaming, Some(Why::ArrivedWhole { ended: peek.ending.is_some() }))
        }
        Some(told) if is_running && told.open => (Stand::Streaming, Some(Why::Arrived { parts: acked, of: peek.seq })),
        _ if is_running => (Stand::Waiting, Some(work.now.trouble.clone().map_or(Why::Unanswered, Why::Trouble))),
        _ => (Stand::Waiting, Some(Why::NotRunning { history: work.history })),
    };
    Line {
        encounter: peek.head.encounter.to_string(),
        title: peek.boss.clone().or_else(|| peek.head.header.scene.clone()),
        started_at_ms: peek.head.header.started_at_ms,
        duration_ms: (peek.seq > 0).then_some(peek.elapsed_ms),
        events: peek.events,
        outcome: peek.ending.as_ref().map(|ending| ending.outcome),
        state,
        url: told.and_then(|told| told.url.clone()),
        why,
        has_log: !work.history,
    }
}

#[cfg(test)]
mod tests {
    use raidcast_shared::id::{EncounterId, StreamId};
    use raidcast_shared::testing::header;
    use uuid::Uuid;

    use super::*;
    use crate::spool::Head;
    use crate::uploader::Seat;

    #[test]
    fn a_folder_that_is_empty_half_written_or_damaged_is_no_error() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Overview::read(dir.path(), 0).unwrap(), Overview::default());
        std::fs::create_dir(dir.path().join("spool")).unwrap();
        std::fs::create_dir_all(dir.path().join("history/spool")).unwrap();
        for name in ["record.json", "now.json", "fights.json", "spool/a.spool", "spool/b.new"] {
            std::fs::write(dir.path().join(name), "{").unwrap();
            std::fs::write(dir.path().join("history").join(name), "{").unwrap();
        }
        assert_eq!(Overview::read(dir.path(), 0).unwrap(), Overview::default());
        assert!(Overview::read(&dir.path().join("nowhere"), 0).is_err());
    }

    #[test]
    fn a_fight_of_which_nothing_was_read_has_no_length() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("spool")).unwrap();
        let head = Head {
            db: "/meter.db".into(),
            row: 3,
            encounter: EncounterId(Uuid::from_u128(5)),
            stream: StreamId(Uuid::from_u128(6)),
            generation: None,
            header: header(),
        };
        Spool::create(&dir.path().join("spool"), head).unwrap();
        let fights = Overview::read(dir.path(), 0).unwrap().fights;
        let told: Vec<_> = fights.iter().map(|line| (line.duration_ms, line.state)).collect();
        assert_eq!(told, [(None, Stand::Waiting)]);
    }

    /// As who has the folder now writes it, and who had it before wrote it.
    #[test]
    fn an_upload_is_told_beside_who_follows_the_meter_and_one_of_an_earlier_client_as_what_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let history = dir.path().join("history");
        std::fs::create_dir(&history).unwrap();
        let _held = Seat::take(dir.path()).unwrap();
        let say = |part: &Path, history: bool, encounter: &str| {
            let queued = format!(r#"{{"encounter":"{encounter}","scene":null,"startedAtMs":7,"durationMs":null}}"#);
            let now = format!(
                r#"{{"atMs":1,"running":true,"history":{history},"process":7,"relay":"http://a","queue":[{queued}]}}"#
            );
            std::fs::write(part.join("now.json"), now).unwrap();
        };
        let told = || {
            let overview = Overview::read(dir.path(), 0).unwrap();
            let mut names: Vec<_> = overview.fights.into_iter().map(|line| line.encounter).collect();
            names.sort();
            (overview.running.iter().map(|running| running.history).collect::<Vec<_>>(), names)
        };
        say(dir.path(), true, "old");
        assert_eq!(told(), (vec![true], vec!["old".to_owned()]));
        // What a client of now says of its upload counts more.
        say(&history, true, "new");
        assert_eq!(told(), (vec![true], vec!["new".to_owned()]));
        say(dir.path(), false, "live");
        assert_eq!(told(), (vec![false, true], vec!["live".to_owned(), "new".to_owned()]));
    }
}
