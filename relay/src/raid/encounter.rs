//! An encounter while a raid's task owns it: which of its readings is shown, its report's state, its view.
//!
//! One invariant: its revision never goes back, nor where it is read again from the store: each reading is stored with
//! the revision that it came after.

mod former;
mod later;

use std::sync::Arc;

use raidcast_shared::checksum::Checksum;
use raidcast_shared::feed::{FeedFightRef, FeedHappening};
use raidcast_shared::fold::{EncounterState, Gate, Span};
use raidcast_shared::id::StreamId;
use raidcast_shared::log::Log;
use raidcast_shared::report::Report;
use raidcast_shared::uplink::{Begin, Held, Outcome, ReportState};
use raidcast_shared::view::{self, Audience, Happenings, LiveFacts, LiveView, Shown};
use raidcast_store::{EncounterRow, OpenEncounter, StoreError};

pub(super) use self::later::Scenery;
use super::behind::Behind;
use super::former::Former;
use super::log::{LiveLog, Standing};
use super::precedence::Told;
use super::reading::{OtherColumns, Reading};
use crate::access::nameless;
use crate::fanout::Pace;
use crate::limits::{FIGHT_BYTES, SKILL_ROW_BYTES, WATCHED_MS};
use crate::memory::{Memory, Share};

/// What is done to an encounter's rows in the store, one at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Job {
    /// Its report is made and kept, of all up to this seq.
    Keeping {
        /// Of the reading's log.
        seq: u64,
    },
    /// Its provisional report is made live again.
    Reopening,
    /// Another reading of it begins.
    BeginningStream,
    /// A reading of it that was given up is removed.
    DroppingStream,
    /// It is read again from the store.
    Reloading,
}

/// A reading that gave way to another.
#[derive(Clone, Copy, Debug)]
pub struct GivenUp {
    stream: StreamId,
    /// Its entries on their way to the disk.
    under_way: usize,
    /// Its rows go when none is; else they stay until the report is final.
    drops: bool,
}

impl GivenUp {
    /// Whether it is this reading.
    pub fn is(&self, stream: StreamId) -> bool {
        self.stream == stream
    }
}

/// What those who watch one stage of a raid hold of a fight.
#[derive(Default)]
pub struct Screen {
    /// By pace.
    pub views: [LiveView; Pace::ALL.len()],
    /// What they were told that happened.
    pub happenings: Happenings,
}

impl Screen {
    /// Of who has seen nothing of a fight yet.
    fn of_all(state: &EncounterState) -> Self {
        Self { views: Pace::ALL.map(|_| LiveView::of_all(state)), happenings: Happenings::default() }
    }
}

/// An encounter that a raid's task owns.
pub struct LiveEncounter {
    /// Its row.
    pub row: EncounterRow,
    /// The reading that is shown.
    pub main: Reading,
    /// Another reading that has not caught up with it.
    pub candidate: Option<Reading>,
    /// Where the report stands.
    pub state: ReportState,
    /// Which reading `main` is, from 1.
    pub revision: u32,
    /// Whether the uploader said that nothing happens.
    pub idle: bool,
    /// When the last event came, Unix ms: grace runs from here.
    pub last_event_ms: i64,
    /// What is done to its rows now.
    pub job: Option<Job>,
    /// Readings whose rows are to go.
    pub given_up: Vec<GivenUp>,
    /// The store holds something else than is in memory: it is read again before it goes on.
    pub stale: bool,
    /// Its report cannot be made: it is not tried again.
    pub set_aside: bool,
    /// What spectators hold, by stage of its raid.
    pub screens: Vec<Screen>,
    /// As those see it who are behind, while there is something that they do not see yet.
    behind: Option<Behind>,
    /// What gave way and is still shown to those who are behind, in the order in which it did.
    formers: Vec<Former>,
    /// The report as it is kept.
    pub kept: Option<Arc<Report>>,
    /// Counts changes, so that a snapshot is made once for each.
    pub changes: u64,
    /// What it holds of the relay's memory.
    share: Option<Share>,
    /// What is on its way to the disk takes up so many bytes.
    under_way_bytes: u64,
}

impl LiveEncounter {
    /// A fight that begins.
    pub fn new(row: EncounterRow, main: Reading, now_ms: i64) -> Self {
        Self {
            state: row.state,
            revision: row.revision,
            row,
            main,
            candidate: None,
            idle: false,
            last_event_ms: now_ms,
            job: None,
            given_up: Vec::new(),
            stale: false,
            set_aside: false,
            screens: Vec::new(),
            behind: None,
            formers: Vec::new(),
            kept: None,
            changes: 0,
            share: None,
            under_way_bytes: 0,
        }
    }

    /// An encounter as its journal, or its kept log, says.
    ///
    /// # Errors
    /// `Damaged` if nothing of it can be read.
    pub fn rebuild(open: &OpenEncounter, log: Option<&[u8]>, now_ms: i64) -> Result<Self, StoreError> {
        let damaged = |why: String| StoreError::Damaged(format!("report {}: {why}", open.encounter.report_id));
        // Each with the revision that it came after.
        let mut readings = Vec::new();
        if let (Some(log), Some(stream)) = (log, open.encounter.kept_stream) {
            let log = Log::from_bytes(log).map_err(|error| damaged(error.to_string()))?;
            let state = log.fold(Span::ALL).map_err(|error| damaged(error.to_string()))?;
            // Nothing more of a reading that has ended is taken: its gate tells what is held.
            let mut gate = Gate::new(&log.header).map_err(|error| damaged(error.to_string()))?;
            gate.skip(state.seq());
            let before = open.encounter.revision.saturating_sub(1);
            readings.push((before, Reading::of(stream, state, gate, log.ending)));
        }
        let mut why = "it has no journal".to_owned();
        for (stream, entries) in &open.streams {
            match Reading::of_journal(stream, entries) {
                Ok(reading) => readings.push((stream.after_revision, reading)),
                Err(error) => {
                    tracing::error!(report = open.encounter.report_id, %error, "a reading is left out");
                    why = error.to_string();
                }
            }
        }
        let times = readings.iter().map(|(_, reading)| reading.times.1);
        let last_event_ms = times.max().filter(|at| *at > 0).unwrap_or(now_ms);
        // What a clock that was ahead says is of now: else grace would not pass before that time.
        let last_event_ms = last_event_ms.min(now_ms);
        let mut readings = readings.into_iter();
        let (before, main) = readings.next().ok_or_else(|| damaged(why))?;
        let mut encounter = Self::new(open.encounter.clone(), main, last_event_ms);
        encounter.revision = before + 1;
        for (before, reading) in readings {
            // Readings that were shown before it may be gone: their clients have begun anew.
            encounter.revision = encounter.revision.max(before);
            // One that was there before it, and told no more, goes.
            encounter.offer(reading);
            encounter.promote(std::iter::empty());
        }
        if let Some(kept) = open.encounter.kept_stream {
            // Another one than that which is kept came after it.
            let least = open.encounter.revision + u32::from(kept != encounter.main.stream);
            encounter.revision = encounter.revision.max(least);
        }
        if encounter.revision == open.encounter.revision {
            encounter.state = open.encounter.state;
        }
        Ok(encounter)
    }

    /// Counts for its key from now on.
    pub fn weigh_in(&mut self, memory: &Arc<Memory>) {
        self.share = Some(memory.share(self.row.key.account));
        self.weigh();
    }

    /// Tells what it holds now. Cheap: all of it is counted as it grows.
    pub fn weigh(&mut self) {
        let formers = self.formers.iter().filter_map(Former::own_reading);
        let readings = [Some(&self.main), self.candidate.as_ref()].into_iter().flatten().chain(formers);
        let readings: u64 = readings.map(|held| held.state.weight() + held.deltas.weight()).sum();
        let skills = |report: &Arc<Report>| report.fight.players.iter().map(|player| player.skills.len() as u64).sum();
        let behind = self.behind.as_ref().map_or(0, |behind| behind.state.weight());
        let kept: u64 = self.kept.as_ref().map_or(0, skills) * SKILL_ROW_BYTES;
        if let Some(share) = &mut self.share {
            share.set(FIGHT_BYTES + readings + behind + kept + self.under_way_bytes);
        }
    }

    /// Whether its report was kept a short time ago, so that those who watch may still look at it.
    pub fn was_kept_lately(&self, now_ms: i64) -> bool {
        let kept_at_ms = self.row.kept_at_ms.unwrap_or(self.row.created_at_ms);
        // Nor is it new for ever by a clock that was ahead.
        now_ms.abs_diff(kept_at_ms) < WATCHED_MS.unsigned_abs()
    }

    /// A delta goes on its way to the disk: what it takes up meanwhile is counted at once.
    pub fn sets_out(&mut self, bytes: u64) {
        self.under_way_bytes += bytes;
        self.weigh();
    }

    /// It was answered.
    pub fn arrived(&mut self, bytes: u64) {
        self.under_way_bytes = self.under_way_bytes.saturating_sub(bytes);
    }

    /// The revision that a reading which begins now comes after; one that replaces a reading of nothing takes its place.
    pub fn revision_before_next(&self) -> u32 {
        self.revision - u32::from(self.main.is_empty())
    }

    /// Takes another reading in beside the one that is shown; one that was there before it is given up.
    pub fn offer(&mut self, reading: Reading) {
        self.drop_candidate();
        self.candidate = Some(reading);
    }

    /// Shows a reading in place of one that holds nothing.
    pub fn replace_empty(&mut self, reading: Reading) {
        let before = std::mem::replace(&mut self.main, reading);
        self.give_up(&before, true);
    }

    /// Lets go of the other reading, if there is one.
    pub fn drop_candidate(&mut self) -> Option<StreamId> {
        let candidate = self.candidate.take()?;
        self.give_up(&candidate, true);
        Some(candidate.stream)
    }

    fn give_up(&mut self, reading: &Reading, drops: bool) {
        let (stream, under_way) = (reading.stream, reading.under_way);
        if drops || under_way > 0 {
            self.given_up.push(GivenUp { stream, under_way, drops });
        }
    }

    /// Whether a reading that was given up is still dealt with: until then it does not begin again.
    pub fn is_given_up(&self, stream: StreamId) -> bool {
        self.given_up.iter().any(|held| held.stream == stream)
    }

    /// An append of a reading that was given up was answered.
    pub fn answered_given_up(&mut self, stream: StreamId) {
        if let Some(held) = self.given_up.iter_mut().find(|held| held.stream == stream && held.under_way > 0) {
            held.under_way -= 1;
        }
        self.given_up.retain(|held| held.drops || held.under_way > 0);
    }

    /// A reading whose rows can go now.
    pub fn to_drop(&self) -> Option<StreamId> {
        self.given_up.iter().find(|held| held.drops && held.under_way == 0).map(|held| held.stream)
    }

    /// The reading of a stream.
    pub fn reading(&mut self, stream: StreamId) -> Option<&mut Reading> {
        if self.main.stream == stream {
            return Some(&mut self.main);
        }
        self.candidate.as_mut().filter(|candidate| candidate.stream == stream)
    }

    /// Shows the other reading from now on, if that [takes its place](Told::gives_way_to). True if it happened: the view
    /// begins anew. `audiences` are those of its screens.
    pub fn promote<'a>(&mut self, audiences: impl Iterator<Item = &'a Audience>) -> bool {
        let fits = self.candidate.as_ref().is_some_and(|candidate| {
            candidate.state.seq() > 0 && Told::from(&self.main).gives_way_to(&Told::from(candidate))
        });
        // While a report is kept its journal goes: whoever is shown then stays.
        if !fits || self.job.is_some() {
            return false;
        }
        let Some(candidate) = self.candidate.take() else { return false };
        let outcome = self.outcome();
        let before = std::mem::replace(&mut self.main, candidate);
        self.give_up(&before, false);
        self.gives_way(before, outcome);
        self.revision += 1;
        self.state = ReportState::Live;
        self.kept = None;
        for (screen, audience) in self.screens.iter_mut().zip(audiences).filter(|(_, whom)| !whom.is_behind()) {
            screen.views = Screen::of_all(&self.main.state).views;
            // What another reading says again did not happen again.
            screen.happenings.step(Shown::to(audience, &self.main.state));
        }
        self.changes += 1;
        true
    }

    /// What is held on one of its screens is made anew for another audience, and nothing of it is news.
    pub fn show_anew_on(&mut self, at: usize, audience: &Audience) {
        if let Some(screen) = self.screens.get_mut(at) {
            *screen = Screen::of_all(&self.main.state);
            screen.happenings.step(Shown::to(audience, &self.main.state));
        }
    }

    /// What a client that begins a reading is told that is held: of that reading, else of the one that is shown.
    ///
    /// # Errors
    /// The reading was begun with other columns.
    pub fn held(&mut self, begin: &Begin) -> Result<Held, OtherColumns> {
        let state = self.state;
        match self.reading(begin.stream) {
            Some(reading) => reading.require_columns(&begin.header.cols).map(|()| reading.held(state)),
            None => Ok(self.main.held(state)),
        }
    }

    /// As all see it, in what names nobody.
    pub fn shown(&self) -> Shown<'_> {
        Shown::to(nameless(), &self.main.state)
    }

    /// That its report was kept.
    pub fn ended(&self) -> FeedHappening {
        FeedHappening::FightEnded {
            state: self.state,
            outcome: self.outcome(),
            revision: self.revision,
            checksum: self.checksum().to_string(),
        }
    }

    /// How it went, as far as known.
    pub fn outcome(&self) -> Outcome {
        // What is kept was decided once: a raid's page asks of every fight.
        let kept = self.kept.as_ref().filter(|kept| kept.state == ReportState::Final);
        kept.map_or_else(|| view::outcome(self.shown(), self.main.ending.as_ref()), |kept| kept.fight.outcome)
    }

    /// What the view needs beside the fold.
    pub fn facts(&self) -> LiveFacts {
        let ended = self.main.ending.is_some();
        LiveFacts { state: self.state, outcome: self.outcome(), ended, revision: self.revision, idle: self.idle }
    }

    /// Where it stands, for whoever folds it beside the raid's task.
    pub fn standing(&self) -> Standing {
        Standing {
            row: self.row.clone(),
            kept: self.kept.is_some(),
            state: self.state,
            revision: self.revision,
            log: self.log(),
        }
    }

    /// Its log so far, unless the store has it whole.
    pub fn log(&self) -> Option<LiveLog> {
        let main = &self.main;
        (self.state != ReportState::Final).then(|| LiveLog {
            stream: main.stream,
            revision: self.revision,
            seq: main.state.seq(),
            header: main.state.header().clone(),
            ending: main.ending.clone(),
            deltas: main.deltas.clone(),
            cut: false,
        })
    }

    /// Its line among the raid's fights.
    pub fn line(&self) -> FeedFightRef {
        FeedFightRef {
            report_id: self.row.report_id.clone(),
            state: self.state,
            outcome: self.outcome(),
            title: view::title(self.shown()),
            started_at_ms: self.row.started_at_ms,
            duration_ms: self.main.state.duration_ms(),
        }
    }

    /// Checksum of what is shown.
    pub fn checksum(&self) -> Checksum {
        self.main.state.checksum()
    }

    /// Whether an entry of it is on its way to the disk.
    pub fn is_under_way(&self) -> bool {
        self.main.under_way > 0
            || self.candidate.as_ref().is_some_and(|held| held.under_way > 0)
            || self.given_up.iter().any(|held| held.under_way > 0)
    }

    /// Whether anything of it is on its way to the disk, or is to go from it.
    pub fn is_busy(&self) -> bool {
        self.job.is_some() || !self.given_up.is_empty() || self.is_under_way()
    }

    /// Whether its reading has ended and the report is not final yet.
    pub fn is_to_be_kept(&self) -> bool {
        self.main.ending.is_some() && self.state != ReportState::Final && !self.set_aside
    }
}
