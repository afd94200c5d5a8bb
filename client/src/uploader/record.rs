//! What the state folder tells whoever looks into it: `record.json`, the last fights that are done with, and
//! `now.json`, what is under way.
//!
//! One invariant: nothing here decides anything. A file that is lost or damaged costs what it would have shown.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use raidcast_shared::uplink::{Outcome, RefusedCode};
use serde::{Deserialize, Deserializer, Serialize};
use uuid::Uuid;

use super::folder::{FolderError, load};
use super::seen_by::SeenBy;
use super::trouble::Trouble;
use crate::secret::{create_private, replace};
use crate::socket::Outage;
use crate::source::{Fight, Unreadable};

/// So many fights are remembered: a season of them, at 500 bytes each.
pub const FINISHED_MAX: usize = 2_000;
/// `now.json` is written at least this often while a client runs, ms: an older one is of a client that was killed.
pub const NOW_MS: u64 = 5_000;

/// How a fight came to be done with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// It was sent, and its report is final.
    New,
    /// The relay had the same fight already: nothing was sent.
    Known,
    /// The relay holds more of it from elsewhere: its report stays as it is.
    Kept,
    /// The relay does not take it, or it cannot be read.
    Refused,
    /// It is not there yet, and is sent again.
    Waiting,
}

/// Why a fight is not on the relay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum NotSent {
    /// The relay does not take it.
    Refused {
        /// Why, for programs.
        code: RefusedCode,
        /// In the relay's words.
        text: String,
    },
    /// The request that told all of it was answered so; the same is never taken.
    NotTaken {
        /// An HTTP status.
        status: u16,
        /// In the relay's words; `None` where something before the relay says so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        text: Option<String>,
        /// What is wrong and where, in the relay's words.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        details: Vec<String>,
    },
    /// The request that told all of it did not come through; the same may be taken later.
    NotNow {
        /// Why.
        why: Outage,
        /// The relay wants to be left alone for so long, seconds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_s: Option<u64>,
    },
    /// Requests that tell all of a fight cannot name it: its player saw another begin in the same ms.
    Nameless,
    /// The meter has removed it from its database before it was read.
    Removed,
    /// It cannot be read from the meter's database; tried again at the next start.
    Unreadable {
        /// Why.
        why: Unreadable,
    },
    /// In the words of an earlier version of this client.
    #[serde(untagged)]
    Said(String),
}

/// A fight that is done with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Finished {
    /// Names the fight.
    pub encounter: String,
    /// Its boss, else its scene; `None` where neither is known by name.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "title")]
    pub title: Option<String>,
    /// Unix ms.
    pub started_at_ms: i64,
    /// From its begin to its last event, ms.
    pub duration_ms: u32,
    /// Hits and deaths.
    pub events: u64,
    /// How it went, as far as is known.
    pub outcome: Outcome,
    /// Its report's name on the relay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report_id: Option<String>,
    /// The report's page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// How it came to be done with.
    pub result: How,
    /// Why it is not on the relay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<NotSent>,
    /// Which relay.
    pub relay: String,
    /// Who may see its report, as this client asked for last; `None` where it did not, for the relay had it, or is not known
    /// to. The relay's account page may say otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen_by: Option<SeenBy>,
    /// The raid that it was streamed into, by the name that the client gave it: all fights of a raid are seen by the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raid: Option<Uuid>,
}

/// What earlier versions called a fight of which neither boss nor scene was known.
const NAMELESS: &str = "fight";

fn title<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(Option::deserialize(deserializer)?.filter(|title| title != NAMELESS))
}

impl Finished {
    /// A fight of which nothing was read but its row, and that is not on the relay yet.
    pub fn unread(fight: &Fight, relay: &str) -> Self {
        let end = fight.end.as_ref();
        let duration_ms = end.and_then(|end| end.ended_at_ms.saturating_sub(fight.started_at_ms).try_into().ok());
        Self {
            encounter: fight.encounter.to_string(),
            title: fight.scene.clone(),
            started_at_ms: fight.started_at_ms,
            duration_ms: duration_ms.unwrap_or_default(),
            events: 0,
            outcome: end.map_or(Outcome::Unfinished, |end| end.outcome),
            report_id: None,
            url: None,
            result: How::Waiting,
            why: None,
            relay: relay.to_owned(),
            seen_by: None,
            raid: None,
        }
    }

    /// Whether the relay has it.
    pub fn is_on_relay(&self) -> bool {
        matches!(self.result, How::New | How::Known | How::Kept)
    }
}

/// The last fights that are done with, the newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// At most [`FINISHED_MAX`].
    pub fights: Vec<Finished>,
}

impl Record {
    /// What the folder remembers; nothing where the file is not there or not readable.
    pub fn load(dir: &Path) -> Self {
        let path = dir.join("record.json");
        match fs::read(&path).map(|bytes| serde_json::from_slice(&bytes)) {
            Ok(Ok(record)) => record,
            Ok(Err(error)) => {
                tracing::warn!(path = %path.display(), %error, "the record of finished fights is damaged; beginning anew");
                Self::default()
            }
            Err(_) => Self::default(),
        }
    }

    /// The same for who writes it from now on: what does not parse is put aside first.
    ///
    /// # Errors
    /// It is there and cannot be read: it would be written over. Or it cannot be put aside.
    pub(super) fn take(dir: &Path) -> Result<Self, FolderError> {
        match load::<Self>(dir.join("record.json")) {
            Ok(record) => Ok(record.unwrap_or_default()),
            Err(FolderError::Damaged { path, .. }) => {
                let aside = dir.join("record.damaged.json");
                fs::rename(&path, &aside).map_err(|error| FolderError::Io { path, error })?;
                tracing::warn!(path = %aside.display(), "the record of finished fights is damaged and was put aside");
                Ok(Self::default())
            }
            Err(error) => Err(error),
        }
    }

    /// Whether a relay has all of a fight that stands in a meter's database: one that was sent before its meter ended it
    /// may have more by now.
    pub fn is_there(&self, fight: &Fight, relay: &str) -> bool {
        self.on_relay(fight, relay).is_some()
    }

    /// The same, and what was noted of it.
    pub(crate) fn on_relay(&self, fight: &Fight, relay: &str) -> Option<&Finished> {
        let name = fight.encounter.to_string();
        let held = self.fights.iter().find(|held| held.encounter == name && held.relay == relay)?;
        let is_part = held.outcome == Outcome::Unfinished && fight.end.is_some();
        Some(held).filter(|held| held.is_on_relay() && !is_part)
    }

    /// Whether it has a fight of this name.
    pub(super) fn has(&self, encounter: &str) -> bool {
        self.fights.iter().any(|fight| fight.encounter == encounter)
    }

    /// Takes in a fight, in place of what was noted of it, and gives what stands now; beyond the bound the oldest is
    /// forgotten.
    pub fn note(&mut self, mut fight: Finished) -> Finished {
        let same = |held: &&Finished| held.encounter == fight.encounter && held.relay == fight.relay;
        let held = self.fights.iter().find(same);
        // A reading without the meter's files of names knows less than one with them.
        if let Some(held) = held.filter(|_| fight.title.is_none()) {
            fight.title.clone_from(&held.title);
        }
        // What the relay had already is seen by whom it was.
        if let Some(held) = held.filter(|held| fight.seen_by.is_none() && fight.is_on_relay() && held.is_on_relay()) {
            (fight.seen_by, fight.raid) = (held.seen_by, held.raid);
        }
        self.fights.retain(|held| held.encounter != fight.encounter || held.relay != fight.relay);
        let at = self.fights.partition_point(|held| held.started_at_ms > fight.started_at_ms);
        self.fights.insert(at, fight.clone());
        self.fights.truncate(FINISHED_MAX);
        fight
    }

    /// A raid is seen by others from now on; whether that is news of any fight.
    pub(super) fn show(&mut self, raid: Uuid, seen_by: SeenBy) -> bool {
        let of_it = self.fights.iter_mut().filter(|fight| fight.raid == Some(raid));
        let mut news = false;
        for fight in of_it {
            news |= fight.seen_by.replace(seen_by) != Some(seen_by);
        }
        news
    }

    /// Nobody knows any more who sees the fights of a raid; whether that is news of any.
    pub(super) fn doubt_who_sees(&mut self, raid: Uuid) -> bool {
        let of_it = self.fights.iter_mut().filter(|fight| fight.raid == Some(raid));
        let mut news = false;
        for fight in of_it {
            news |= fight.seen_by.take().is_some();
        }
        news
    }

    pub(super) fn save(&self, dir: &Path) -> io::Result<()> {
        replace(&dir.join("record.json"), &serde_json::to_vec(self).map_err(io::Error::other)?)
    }
}

/// What a client that runs (or was killed) says of itself, each kind of work in a file of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Now {
    /// When this was written, Unix ms.
    pub at_ms: i64,
    /// Whether the client went on after it.
    pub running: bool,
    /// Whether it uploads old fights; else it follows the meter.
    pub history: bool,
    /// Its process.
    pub process: u32,
    /// The relay's address.
    pub relay: String,
    /// Whether the relay answers.
    pub connected: bool,
    /// The raid's page.
    pub raid_url: Option<String>,
    /// What keeps it from reading, writing or sending, the worst first.
    pub trouble: Option<Trouble>,
    /// Fights on their way.
    pub fights: Vec<OnItsWay>,
    /// Fights whose turn has not come.
    pub queue: Vec<Queued>,
}

/// How far a fight has got.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OnItsWay {
    /// Names the fight.
    pub encounter: String,
    /// Deltas that the relay has acknowledged.
    pub acked: u64,
    /// The report's page.
    pub url: Option<String>,
    /// The relay has taken it up on the present connection.
    pub open: bool,
    /// The relay does not take it.
    pub given_up: bool,
    /// Why it waits, or is given up.
    pub why: Option<NotSent>,
}

/// A fight whose turn has not come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Queued {
    /// Names the fight.
    pub encounter: String,
    /// Where it was fought.
    pub scene: Option<String>,
    /// Unix ms.
    pub started_at_ms: i64,
    /// From its begin to its end as the meter says, ms.
    pub duration_ms: Option<u32>,
}

impl Now {
    /// What who follows the meter says in the state folder, or an upload in the folder `history` of it; `None` where none
    /// ever ran, or its file cannot be read.
    pub fn load(part: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(part.join("now.json")).ok()?).ok()
    }

    /// Whoever says there that it runs does not: nobody did who has not held the folder until now.
    pub(super) fn end(part: &Path) {
        let Some(now) = Self::load(part).filter(|now| now.running) else { return };
        if (Self { running: false, ..now }).save(part).is_err() {
            // A full disk has room for this.
            let _ = fs::remove_file(part.join("now.json"));
        }
    }

    /// Replaces the file, without waiting for the disk: after a power cut there is nothing under way to be shown. Where there
    /// is no room for another, it is written over: that the disk is full is what it has to tell.
    pub(super) fn save(&self, part: &Path) -> io::Result<()> {
        let (path, temporary) = (part.join("now.json"), part.join("now.json.new"));
        let text = serde_json::to_vec(self).map_err(io::Error::other)?;
        let _ = fs::remove_file(&temporary);
        let replaced = create_private(&temporary)
            .and_then(|mut file| file.write_all(&text))
            .and_then(|()| fs::rename(&temporary, &path));
        replaced.or_else(|error| {
            let _ = fs::remove_file(&temporary);
            write_over(&path, text).map_err(|_| error)
        })
    }

    /// Whether its client is running still: while the folder's lock is held; where that cannot be told (`None`), while
    /// its file is young.
    pub fn is_running(&self, is_held: Option<bool>, unix_ms: i64) -> bool {
        self.running && is_held.unwrap_or_else(|| unix_ms.saturating_sub(self.at_ms) < 4 * NOW_MS as i64)
    }
}

/// What a file takes on a disk at the least, bytes, and what it grows by.
const BLOCK: usize = 4_096;

/// Writes JSON over a file that is there, if it fits into the room that the file has on its disk. What is left of what
/// stood there is spaces, so that a look between finds the one or the other.
fn write_over(path: &Path, mut text: Vec<u8>) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).open(path)?;
    let held = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
    if text.len().div_ceil(BLOCK) > held.div_ceil(BLOCK) {
        return Err(io::ErrorKind::StorageFull.into());
    }
    text.resize(text.len().max(held), b' ');
    file.write_all(&text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os_error::OsError;
    use crate::socket::{Address, Certificate, Outage};
    use crate::source::{NoDatabase, SourceError, Unsupported};
    use crate::uploader::trouble::Stall;
    use raidcast_shared::uplink::Visibility;

    fn fight(n: i64) -> Finished {
        Finished {
            encounter: n.to_string(),
            title: Some("Boss".into()),
            started_at_ms: n,
            duration_ms: 1,
            events: 1,
            outcome: Outcome::Kill,
            report_id: None,
            url: None,
            result: How::New,
            why: None,
            relay: "http://a".into(),
            seen_by: None,
            raid: None,
        }
    }

    #[test]
    fn who_sees_a_fight_is_who_was_asked_for_last_for_its_raid() {
        let raid = |n| Some(Uuid::from_u128(n));
        let seen_by = |visibility| SeenBy { visibility: Some(visibility), names: None };
        let (public, private) = (seen_by(Visibility::Public), seen_by(Visibility::Private));
        let mut record = Record::default();
        for (n, raid) in [(1, raid(1)), (2, raid(1)), (3, raid(2)), (4, None)] {
            record.note(Finished { seen_by: raid.map(|_| public), raid, ..fight(n) });
        }
        assert!(record.show(raid(1).unwrap(), private) && !record.show(raid(1).unwrap(), private));
        let seen = |record: &Record| record.fights.iter().map(|fight| fight.seen_by).collect::<Vec<_>>();
        assert_eq!(seen(&record), [None, Some(public), Some(private), Some(private)]);
        // An upload that finds it there, or is not let in, has changed nothing; one that sends it has.
        record.note(Finished { result: How::Known, ..fight(2) });
        assert_eq!(seen(&record), [None, Some(public), Some(private), Some(private)]);
        assert!(record.show(raid(1).unwrap(), public));
        record.note(Finished { result: How::New, seen_by: Some(private), raid: raid(3), ..fight(2) });
        assert!(!record.show(raid(1).unwrap(), public));
        assert_eq!(seen(&record), [None, Some(public), Some(private), Some(public)]);
        let dir = tempfile::tempdir().unwrap();
        record.save(dir.path()).unwrap();
        assert_eq!(Record::load(dir.path()), record);
    }

    #[test]
    fn a_client_runs_while_it_holds_its_folder_and_where_that_is_unknown_while_its_file_is_young() {
        let now = |running| Now { at_ms: 1_000, running, ..Now::default() };
        let late = 1_000 + 4 * NOW_MS as i64;
        assert!(now(true).is_running(Some(true), late) && !now(true).is_running(Some(false), 1_000));
        assert!(now(true).is_running(None, late - 1) && !now(true).is_running(None, late));
        assert!(!now(false).is_running(Some(true), 1_000));
    }

    #[test]
    fn where_no_file_can_be_added_the_one_that_is_there_tells_how_things_stand() {
        let dir = tempfile::tempdir().unwrap();
        let full = OsError { kind: crate::os_error::OsErrorKind::NoRoom, code: Some(28), text: "no room".into() };
        let why = Stall::Unwritable { dir: dir.path().to_owned(), error: full };
        let stalled = Now { running: true, trouble: Some(Trouble::Stalled { why }), ..Now::default() };
        // As where there is no room: none can be made beside it.
        fs::create_dir_all(dir.path().join("now.json.new/in the way")).unwrap();
        assert!(stalled.save(dir.path()).is_err(), "there is none to be written over");
        let long = Now { relay: "r".repeat(200), running: true, ..Now::default() };
        fs::write(dir.path().join("now.json"), serde_json::to_vec(&long).unwrap()).unwrap();
        for now in [&stalled, &long, &stalled] {
            now.save(dir.path()).unwrap();
            assert_eq!(Now::load(dir.path()).as_ref(), Some(now));
        }
        // What needs more room than that has leaves it as it is.
        let longer = Now { relay: "r".repeat(BLOCK), ..Now::default() };
        assert!(longer.save(dir.path()).is_err());
        assert_eq!(Now::load(dir.path()).as_ref(), Some(&stalled));
    }

    #[test]
    fn what_was_written_in_words_is_read_as_such_and_reasons_are_read_as_they_were_written() {
        let dir = tempfile::tempdir().unwrap();
        // As version 0.1 wrote them.
        let old = r#"{"fights":[{"encounter":"e","title":"fight","startedAtMs":7,"durationMs":1,"events":1,
            "outcome":"unfinished","result":"refused","why":"not this one","relay":"http://a"},
            {"encounter":"f","title":"Boss","startedAtMs":6,"durationMs":1,"events":1,"outcome":"kill",
            "reportId":"f","url":"http://a/f","result":"new","relay":"http://a"}]}"#;
        fs::write(dir.path().join("record.json"), old).unwrap();
        let [refused, new] = &Record::load(dir.path()).fights[..] else { panic!("two fights") };
        assert_eq!((&refused.title, &refused.why), (&None, &Some(NotSent::Said("not this one".into()))));
        assert_eq!((new.title.as_deref(), &new.why), (Some("Boss"), &None));
        let old = r#"{"atMs":1,"running":true,"history":false,"process":7,"relay":"http://a","connected":false,
            "raidUrl":null,"trouble":"Not connected. The connection was cut.","fights":[{"encounter":"e","acked":1,
            "url":null,"open":false,"givenUp":true,"why":"not this one"}],"queue":[]}"#;
        fs::write(dir.path().join("now.json"), old).unwrap();
        let now = Now::load(dir.path()).unwrap();
        assert_eq!(now.trouble, Some(Trouble::Said("Not connected. The connection was cut.".into())));
        assert_eq!(now.fights[0].why, Some(NotSent::Said("not this one".into())));

        let refused = NotSent::Refused { code: RefusedCode::BadEvent, text: "not this one".into() };
        let error = OsError::from(&io::Error::from_raw_os_error(28));
        let at = Address { host: "a".into(), port: 80, tls: false };
        let path = std::path::PathBuf::from("/m.db");
        for trouble in [
            Trouble::Stalled { why: Stall::Unwritable { dir: path.clone(), error: error.clone() } },
            Trouble::Stalled { why: Stall::Deleted { dir: path.clone() } },
            Trouble::NotConnected { why: Outage::Restarting, was_connected: true },
            Trouble::NotConnected { why: Outage::Os { at: at.clone(), error }, was_connected: false },
            Trouble::NotConnected { why: Outage::Certificate { at, why: Certificate::Expired }, was_connected: false },
            Trouble::NoDatabase { why: NoDatabase::Nowhere { looked: vec![path.clone()], wine: true } },
            Trouble::NoDatabase { why: NoDatabase::silent(None) },
            Trouble::NoDatabase { why: NoDatabase::silent(Some(&path)) },
            Trouble::NoDatabase {
                why: SourceError::Unsupported { path: path.clone(), why: Unsupported::Folder }.into(),
            },
            Trouble::NoDatabase { why: SourceError::Database { path, code: 10, text: "disk".into() }.into() },
        ] {
            let not_taken = NotSent::NotTaken { status: 400, text: None, details: vec!["players: is missing".into()] };
            let not_now = NotSent::NotNow { why: Outage::Cut, retry_s: Some(7) };
            for why in
                [refused.clone(), not_taken, not_now, NotSent::Nameless, NotSent::Removed, NotSent::Said("so".into())]
            {
                let fights = vec![OnItsWay { why: Some(why), ..OnItsWay::default() }];
                let now = Now { trouble: Some(trouble.clone()), fights, ..Now::default() };
                now.save(dir.path()).unwrap();
                assert_eq!(Now::load(dir.path()), Some(now));
            }
        }
        let mut record = Record::default();
        record.note(Finished { why: Some(refused), title: None, ..fight(1) });
        record.save(dir.path()).unwrap();
        assert_eq!(Record::load(dir.path()), record);
    }

    #[test]
    fn the_record_has_each_fight_once_the_newest_first_and_a_bound() {
        let mut record = Record::default();
        for n in [5, 3, 9, 3] {
            record.note(fight(n));
        }
        let starts = |record: &Record| record.fights.iter().map(|fight| fight.started_at_ms).collect::<Vec<_>>();
        assert_eq!(starts(&record), [9, 5, 3]);
        for n in 100..100 + FINISHED_MAX as i64 {
            record.note(fight(n));
        }
        assert_eq!(record.fights.len(), FINISHED_MAX);
        assert_eq!(record.fights.last().map(|fight| fight.started_at_ms), Some(100));
        let noted = record.note(Finished { title: None, ..fight(100) });
        assert_eq!(noted.title.as_deref(), Some("Boss"));
        assert_eq!(record.fights.last().map(|fight| fight.title.as_deref()), Some(Some("Boss")));
        let dir = tempfile::tempdir().unwrap();
        record.save(dir.path()).unwrap();
        assert_eq!(Record::load(dir.path()), record);
        fs::write(dir.path().join("record.json"), "{").unwrap();
        assert_eq!(Record::load(dir.path()), Record::default());
    }
}
