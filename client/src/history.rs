//! Old fights: which of a meter's database would be uploaded, whether somebody has to agree to it, and what becomes of
//! them.
//!
//! One invariant: what is uploaded is what was agreed to, by the fights' names; a fight that the meter writes
//! meanwhile is not among them. How they are sent is the uploader's, and how somebody is asked is the face's.

mod upload;

use std::collections::{BTreeSet, HashSet};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use raidcast_shared::id::EncounterId;
use raidcast_shared::uplink::Visibility;
use uuid::Uuid;

pub use upload::{Upload, UploadEnd};

use crate::clock::Clock;
use crate::source::detect::{self, Places};
use crate::source::names::Names;
use crate::source::{AnySource, Fight, Found, NoDatabase, Source as _, SourceError};
use crate::uploader::record::{Finished, How, NotSent, Record};
use crate::uploader::seen_by::SeenBy;
use crate::uploader::waiting::Waiting;
use crate::uploader::{self, Change, FolderError, told};

/// A relay that confirms nothing is given up after so long.
pub const PATIENCE: Duration = Duration::from_mins(1);
/// Where a meter has written nothing for so long, its newest fight is over, though it has not ended it, unless that has
/// begun lately.
const LEFT_AFTER: Duration = Duration::from_mins(10);
/// It has begun lately if it began less than this ago, ms: hardly a fight goes on for so long.
const LEFT_BEGAN_MS: i64 = 3_600_000;
/// A database that another program holds is asked so often, a quarter of a second apart.
const LOCKED_TRIES: u32 = 20;

/// What an uploader is to send, then end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    /// The fights that were agreed to.
    pub fights: BTreeSet<EncounterId>,
    /// Those of them that nobody asks for now: they wait since an upload before, and are seen by whom was agreed to then.
    pub as_agreed: BTreeSet<EncounterId>,
    /// When to give up on a relay that confirms nothing, or a database that cannot be read.
    pub patience: Duration,
}

/// Why there is nothing to plan an upload of.
#[derive(Debug, thiserror::Error)]
#[error("{self:?}")]
pub enum PlanError {
    /// There is no database that can be read.
    Database(NoDatabase),
    /// The state folder cannot be used.
    Folder(#[from] FolderError),
}

impl From<SourceError> for PlanError {
    fn from(error: SourceError) -> Self {
        Self::Database(error.into())
    }
}

/// What an upload would send.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Of which database.
    pub found: Found,
    /// The fights, oldest first.
    pub fights: Vec<Fight>,
    /// Those of them that the meter never ended: their reports say `unfinished`.
    pub unfinished: usize,
    /// Fights that began before the time that was asked for.
    pub earlier: usize,
    /// Those of the fights that are among them only because they wait in the state folder: to be seen by those who were
    /// agreed to.
    pub as_agreed: BTreeSet<EncounterId>,
    /// The newest fight, if the meter has not ended it, and wrote within the last minutes: left out, for it may be going on.
    pub going_on: Option<Fight>,
}

impl Plan {
    /// Reads which finished fights a meter's database has, those that began at `since_ms` (Unix) or later. Those that
    /// this state folder knows keep their names.
    ///
    /// # Errors
    /// The database is not there or cannot be read.
    pub async fn make(
        db: Option<&Path>,
        places: &Places,
        state: &Path,
        since_ms: Option<i64>,
    ) -> Result<Self, PlanError> {
        Self::make_with(db, places, state, since_ms, &HashSet::new()).await
    }

    /// The same for an upload in whole fights: those that wait in the folder for this relay are among them, whenever they
    /// began.
    ///
    /// # Errors
    /// As [`Plan::make`]; or the list of those that wait cannot be read.
    pub async fn make_whole(
        db: Option<&Path>,
        places: &Places,
        state: &Path,
        relay: &str,
        since_ms: Option<i64>,
    ) -> Result<Self, PlanError> {
        let waiting = Waiting::load(state)?;
        let waiting = waiting.of(relay).map(|waits| waits.fight.encounter.clone()).collect();
        Self::make_with(db, places, state, since_ms, &waiting).await
    }

    async fn make_with(
        db: Option<&Path>,
        places: &Places,
        state: &Path,
        since_ms: Option<i64>,
        waiting: &HashSet<String>,
    ) -> Result<Self, PlanError> {
        let mut tries = 0;
        loop {
            match Self::try_make(db, places, state, since_ms, waiting) {
                Err(PlanError::Database(NoDatabase::Unread(SourceError::Locked { .. }))) if tries < LOCKED_TRIES => {
                    tries += 1;
                }
                made => return made,
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    }

    fn try_make(
        db: Option<&Path>,
        places: &Places,
        state: &Path,
        since_ms: Option<i64>,
        waiting: &HashSet<String>,
    ) -> Result<Self, PlanError> {
        let (found, written) = find(db, places)?;
        let mut source = AnySource::open(&found, Arc::new(Names::default()))?;
        let mut fights = source.all_fights()?;
        name_as_told(&mut fights, state);
        fights.sort_by_key(|fight| (fight.started_at_ms, fight.row));
        let mut seen = HashSet::new();
        fights.retain(|fight| seen.insert(fight.encounter));
        let going_on = fights.pop_if(|fight| is_going_on(fight, written));
        let all = fights.len();
        let is_late = |fight: &Fight| since_ms.is_none_or(|since_ms| fight.started_at_ms >= since_ms);
        fights.retain(|fight| is_late(fight) || waiting.contains(&fight.encounter.to_string()));
        let as_agreed = fights.iter().filter(|fight| !is_late(fight)).map(|fight| fight.encounter).collect();
        Ok(Self {
            earlier: all - fights.len(),
            unfinished: fights.iter().filter(|fight| fight.end.is_none()).count(),
            as_agreed,
            going_on,
            fights,
            found,
        })
    }

    /// What the uploader is to send.
    pub fn history(&self, patience: Duration) -> History {
        let fights = self.fights.iter().map(|fight| fight.encounter).collect();
        History { fights, as_agreed: self.as_agreed.clone(), patience }
    }

    /// What this state folder knows of the fights, now and for this key's account; `seen_by`: as it is asked for now.
    ///
    /// # Errors
    /// Its list cannot be read.
    pub fn before(
        &self,
        state: &Path,
        relay: &str,
        key: &str,
        unix_ms: i64,
        seen_by: SeenBy,
    ) -> Result<Before, PlanError> {
        let record = Record::load(state);
        let there = record.fights.into_iter().filter(|fight| fight.relay == relay && fight.is_on_relay());
        let there: HashSet<String> = there.map(|fight| fight.encounter).collect();
        let agreed: HashSet<String> = uploader::under_way(state, relay, key, unix_ms, seen_by)?.into_iter().collect();
        Ok(self.count_before(&there, &agreed))
    }

    /// The same for an upload in whole fights.
    ///
    /// # Errors
    /// As [`Plan::before`].
    pub fn before_whole(&self, state: &Path, relay: &str, seen_by: SeenBy) -> Result<Before, PlanError> {
        let record = Record::load(state);
        let there = self.fights.iter().filter(|fight| record.is_there(fight, relay));
        let there = there.map(|fight| fight.encounter.to_string()).collect();
        let waiting = Waiting::load(state)?;
        let as_asked = waiting.of(relay).filter(|waits| seen_by.is_met_by(&waits.seen_by()));
        let as_asked = as_asked.map(|waits| waits.fight.encounter.clone());
        let agreed = self.as_agreed.iter().map(ToString::to_string).chain(as_asked).collect();
        Ok(self.count_before(&there, &agreed))
    }

    /// What this state folder has noted of the fights, oldest first, if each of them is whole on this relay: then there is
    /// nothing to be sent, and no raid to be made. Else `None`.
    pub fn all_there(&self, state: &Path, relay: &str) -> Option<Vec<Finished>> {
        let record = Record::load(state);
        let known = |held: &Finished| Finished {
            result: if held.result == How::Kept { How::Kept } else { How::Known },
            ..held.clone()
        };
        self.fights.iter().map(|fight| record.on_relay(fight, relay).map(known)).collect()
    }

    fn count_before(&self, there: &HashSet<String>, agreed: &HashSet<String>) -> Before {
        let mut before = Before::default();
        for name in self.fights.iter().map(|fight| fight.encounter.to_string()) {
            if there.contains(&name) {
                before.there += 1;
            } else if agreed.contains(&name) {
                before.agreed += 1;
            }
        }
        before
    }
}

/// The database to read: the one that is named, else the one that a meter wrote last; and when it was written last, as it
/// was before it was opened here.
///
/// # Errors
/// There is none that can be read.
pub(crate) fn find(db: Option<&Path>, places: &Places) -> Result<(Found, Option<SystemTime>), PlanError> {
    let detection = detect::detect(db, places);
    let nothing = |error| PlanError::Database(detect::no_database(error, db, &detection.looked, places));
    let found = detection.found.map_err(nothing)?;
    let written = detection.looked.iter().find(|looked| looked.path == found.path).and_then(|looked| looked.written);
    Ok((found, written))
}

/// Whether the newest fight goes on, as far as its database tells, which was written last at that time: it has not been
/// ended, and the meter has written lately, or it has begun lately. Systems may tell late when an open file was written.
pub(crate) fn is_going_on(newest: &Fight, written: Option<SystemTime>) -> bool {
    let clock = Clock::system();
    let is_quiet = written.and_then(|at| clock.since(at)).is_some_and(|ago| ago >= LEFT_AFTER);
    let is_long_ago = clock.unix_ms().saturating_sub(newest.started_at_ms) >= LEFT_BEGAN_MS;
    newest.end.is_none() && !(is_quiet && is_long_ago)
}

/// Gives fights the names by which this state folder knows them.
pub(crate) fn name_as_told(fights: &mut [Fight], state: &Path) {
    let told = told(state);
    let is_told = |encounter: EncounterId| told.contains(&encounter.to_string());
    for fight in fights {
        // A watch has told it before the meter told its player.
        if let Some(first) = fight.before_player.filter(|first| !is_told(fight.encounter) && is_told(*first)) {
            fight.encounter = first;
        }
    }
}

/// Who will see what is uploaded now: as it is `asked` for, else as the upload's raid was seen that goes on.
pub fn visibility(state: &Path, relay: &str, key: &str, unix_ms: i64, asked: Option<Visibility>) -> Visibility {
    asked.or_else(|| uploader::seen_by(state, relay, key, unix_ms)).unwrap_or_default()
}

/// The fights of an upload to this relay, for this key's account, that did not come to its end: they were agreed to, to be
/// seen by those who would see them now, and are to be sent as [`History::fights`] says. Where nothing is asked for, those
/// are who see the upload's raid while it goes on; then who sees a new one. Read without the lock, while a client may be
/// writing.
///
/// # Errors
/// What the folder holds of it cannot be read.
pub fn under_way(
    state: &Path,
    relay: &str,
    key: &str,
    unix_ms: i64,
    seen_by: SeenBy,
) -> Result<BTreeSet<EncounterId>, FolderError> {
    let names = uploader::under_way(state, relay, key, unix_ms, seen_by)?;
    Ok(names.iter().filter_map(|name| Uuid::parse_str(name).ok()).map(EncounterId).collect())
}

/// What a state folder knows of the fights of a plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Before {
    /// So many are on the relay.
    pub there: usize,
    /// So many were agreed to for this relay and account, to be seen by the same people, and are not there yet.
    pub agreed: usize,
}

/// Whether somebody has to agree before the fights are uploaded: not each of them is on the relay, or was agreed to
/// before.
pub fn needs_consent(plan: &Plan, before: Before) -> bool {
    before.there + before.agreed != plan.fights.len()
}

/// What became of an upload's fights, as its changes tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Sent, and final.
    pub new: u64,
    /// Held by the relay already: nothing was sent.
    pub known: u64,
    /// The relay holds more of them from elsewhere.
    pub kept: u64,
    /// Not taken by the relay, not readable, or there no more.
    pub failed: u64,
    /// Not sent, for now.
    pub unsent: u64,
    /// Not begun in this run.
    pub stopped: u64,
    /// Why not, each reason once, with the number of fights.
    pub reasons: Vec<(NotSent, u64)>,
}

impl Tally {
    /// Takes in one change.
    pub fn count(&mut self, change: &Change) {
        match change {
            Change::Uploaded { fight } => match fight.result {
                How::New => self.new += 1,
                How::Known => self.known += 1,
                How::Kept => self.kept += 1,
                How::Refused | How::Waiting => {}
            },
            Change::Unsent { fight } => {
                self.unsent += 1;
                if let Some(why) = &fight.why {
                    self.reason(why, 1);
                }
            }
            Change::Failed { fight } => {
                self.failed += 1;
                if let Some(why) = &fight.why {
                    self.reason(why, 1);
                }
            }
            Change::Unreadable { why, .. } => {
                self.failed += 1;
                self.reason(&NotSent::Unreadable { why: *why }, 1);
            }
            Change::Stopped { fights, why } => {
                let fights = fights.len() as u64;
                match why {
                    // What is there no more waits for nothing.
                    NotSent::Removed => self.failed += fights,
                    _ => self.stopped += fights,
                }
                self.reason(why, fights);
            }
            _ => {}
        }
    }

    fn reason(&mut self, why: &NotSent, fights: u64) {
        match self.reasons.iter_mut().find(|(held, _)| held == why) {
            Some((_, count)) => *count += fights,
            None => self.reasons.push((why.clone(), fights)),
        }
    }

    /// Fights that are on the relay.
    pub fn on_relay(&self) -> u64 {
        self.new + self.known + self.kept
    }

    /// Fights that are done with, one way or the other.
    pub fn done(&self) -> u64 {
        self.on_relay() + self.failed + self.unsent + self.stopped
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Generation;

    #[test]
    fn what_was_agreed_to_is_not_asked_again() {
        let fight = Fight::bare(1);
        let found = Found { path: "m.db".into(), generation: Generation::Chunks, meter: "m".into() };
        let plan =
            Plan { found, fights: vec![fight], unfinished: 0, earlier: 0, as_agreed: BTreeSet::new(), going_on: None };
        assert!(needs_consent(&plan, Before::default()));
        for before in [Before { there: 1, agreed: 0 }, Before { there: 0, agreed: 1 }] {
            assert!(!needs_consent(&plan, before));
        }
    }
}
