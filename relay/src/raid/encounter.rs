//! An encounter while a raid's task owns it: its readings, its report's state, its view.

use bytes::Bytes;
use raidcast_shared::columns::ColumnMap;
use raidcast_shared::feed::FeedFightRef;
use raidcast_shared::fold::{CheckError, Checked, Checksum, EncounterState, Gate, Span};
use raidcast_shared::id::StreamId;
use raidcast_shared::log::Log;
use raidcast_shared::report::Report;
use raidcast_shared::uplink::{Delta, Ending, Header, Held, Outcome, ReportState};
use raidcast_shared::view::{self, Happenings, LiveFacts, LiveView};
use raidcast_store::{EncounterRow, JournalEntry, OpenEncounter, StoreError, StoredStream};

use crate::fanout::Pace;
use crate::finalize;
use crate::span::{DeltaLog, LiveLog};

/// One reading of an encounter: the fold of one stream's deltas.
pub struct Reading {
    /// Which.
    pub stream: StreamId,
    /// What is durable, folded.
    pub state: EncounterState,
    /// Checks what comes next; runs ahead of the fold by what is on its way to the disk.
    gate: Gate,
    /// How it ended, once that is durable.
    pub ending: Option<Ending>,
    /// An End is on its way to the disk.
    pub ending_under_way: bool,
    /// Its deltas as the journal has them; empty where the report is final, for the store has its log.
    pub deltas: DeltaLog,
    /// Entries on their way to the disk.
    pub under_way: usize,
    /// One of them failed: nothing is taken until all are answered.
    pub failed: bool,
    /// The seq that a rewind asked for; one is enough.
    pub rewound_to: Option<u64>,
    /// When its newest event was read by the client and received here, Unix ms.
    pub times: (i64, i64),
}

/// What a delta becomes on its way.
pub enum Taken {
    /// To be appended.
    Append(Checked),
    /// Held already: acknowledge again.
    Held,
    /// Ask for this seq, unless that was done.
    Rewind(u64),
    /// An append failed and is not dealt with yet: the sender is told when it is.
    Dropped,
}

impl Reading {
    /// A reading without deltas.
    ///
    /// # Errors
    /// The header's column list is not usable.
    pub fn new(stream: StreamId, header: Header) -> Result<Self, raidcast_shared::columns::ColumnsError> {
        let columns = ColumnMap::new(&header.cols)?;
        Ok(Self::of(stream, EncounterState::new(header, columns), None))
    }

    fn of(stream: StreamId, state: EncounterState, ending: Option<Ending>) -> Self {
        Self {
            stream,
            gate: Gate::of(&state),
            state,
            ending,
            ending_under_way: false,
            deltas: DeltaLog::default(),
            under_way: 0,
            failed: false,
            rewound_to: None,
            times: (0, 0),
        }
    }

    /// Whether its source knows sums alone, no single hits.
    pub fn is_of_sums(&self) -> bool {
        !self.state.header().knows.hits
    }

    /// What a client is told of it.
    pub fn held(&self, report: ReportState) -> Held {
        Held {
            stream: self.stream,
            seq: self.state.seq(),
            state: report,
            events: self.state.events(),
            checksum: self.state.checksum(),
            sums: self.is_of_sums(),
        }
    }

    /// Whether it has ended, or is about to be.
    pub fn is_ended(&self) -> bool {
        self.ending.is_some() || self.ending_under_way
    }

    /// Seq of the last delta let through.
    pub fn gate_seq(&self) -> u64 {
        self.gate.seq()
    }

    /// Checks a delta. Nothing of the fold changes.
    ///
    /// # Errors
    /// It does not fit: refuse it.
    pub fn take(&mut self, delta: &Delta) -> Result<Taken, CheckError> {
        if self.failed {
            return Ok(Taken::Dropped);
        }
        match self.gate.check(delta) {
            Ok(checked) => {
                self.rewound_to = None;
                Ok(Taken::Append(checked))
            }
            Err(CheckError::Held { .. }) => Ok(Taken::Held),
            Err(CheckError::Gap { expected, .. }) => Ok(Taken::Rewind(expected)),
            Err(refused) => Err(refused),
        }
    }

    /// Folds what is durable now.
    pub fn apply(&mut self, checked: &Checked, delta: Bytes, captured_ms: i64, received_ms: i64) {
        self.state.apply(checked);
        self.deltas.push(delta);
        if checked.has_events() {
            self.times = (self.state.header().started_at_ms + captured_ms, received_ms);
        }
    }

    /// An append was answered; true if all are, after one of them failed: what was lost can be sent again.
    pub fn answered(&mut self, ok: bool) -> bool {
        self.under_way -= 1;
        self.failed |= !ok;
        let over = self.failed && self.under_way == 0;
        if over {
            self.failed = false;
            self.ending_under_way = false;
            self.gate = Gate::of(&self.state);
        }
        over
    }

    fn of_journal(stream: &StoredStream, entries: &[JournalEntry]) -> Option<Self> {
        let mut newest = (0, 0);
        let mut deltas = DeltaLog::default();
        let folded = finalize::replay(&stream.header, entries, |entry, delta, checked| {
            deltas.push(entry.data.clone());
            if checked.has_events() {
                newest = (delta.captured_ms, entry.received_at_ms);
            }
        });
        let (state, ending) = folded.inspect_err(|error| tracing::error!(%error, "a reading is left out")).ok()?;
        let (captured_ms, received_ms) = newest;
        let mut reading = Self::of(stream.stream, state, ending);
        reading.deltas = deltas;
        reading.times = (reading.state.header().started_at_ms + captured_ms, received_ms);
        Some(reading)
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
    /// The report is being kept.
    pub keeping: bool,
    /// Other readings whose first row is on its way to the disk.
    pub beginning: u32,
    /// What spectators hold, by pace.
    pub views: [LiveView; Pace::ALL.len()],
    /// What they were told that happened.
    pub happenings: Happenings,
    /// The report as it is kept.
    pub kept: Option<Report>,
    /// Counts changes, so that a snapshot is made once for each.
    pub changes: u64,
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
            keeping: false,
            beginning: 0,
            views: Default::default(),
            happenings: Happenings::default(),
            kept: None,
            changes: 0,
        }
    }

    /// An encounter as its journal, or its kept log, says.
    ///
    /// # Errors
    /// `Damaged` if nothing of it can be read.
    pub fn rebuild(open: &OpenEncounter, log: Option<&[u8]>, now_ms: i64) -> Result<Self, StoreError> {
        let damaged = |why: String| StoreError::Damaged(format!("report {}: {why}", open.encounter.report_id));
        let mut readings = Vec::new();
        if let (Some(log), Some(stream)) = (log, open.encounter.kept_stream) {
            let log = Log::from_bytes(log).map_err(|error| damaged(error.to_string()))?;
            let state = log.fold(Span::ALL).map_err(|error| damaged(error.to_string()))?;
            readings.push(Reading::of(stream, state, log.ending));
        }
        readings.extend(open.streams.iter().filter_map(|(stream, entries)| Reading::of_journal(stream, entries)));
        let last_event_ms = readings.iter().map(|reading| reading.times.1).max().filter(|at| *at > 0).unwrap_or(now_ms);
        let mut readings = readings.into_iter();
        let main = readings.next().ok_or_else(|| damaged("its journal cannot be read".into()))?;
        let mut encounter = Self::new(open.encounter.clone(), main, last_event_ms);
        if log.is_none() {
            // No revision was final yet: they count from the first stream.
            encounter.revision = 1;
        }
        for reading in readings {
            encounter.candidate = Some(reading);
            encounter.promote();
        }
        if encounter.revision == open.encounter.revision {
            encounter.state = open.encounter.state;
        }
        Ok(encounter)
    }

    /// The reading of a stream.
    pub fn reading(&mut self, stream: StreamId) -> Option<&mut Reading> {
        if self.main.stream == stream {
            return Some(&mut self.main);
        }
        self.candidate.as_mut().filter(|candidate| candidate.stream == stream)
    }

    /// Shows the other reading from now on, if it holds at least as much: as many events, and single hits where those
    /// are held. A report that is final gives way only to a
    /// reading that has ended too, and not to one that says the same. True if it happened: the view begins anew.
    pub fn promote(&mut self) -> bool {
        let fits = self.candidate.as_ref().is_some_and(|candidate| {
            let ready = match (&self.main.ending, &candidate.ending) {
                (None, _) => true,
                (Some(_), None) => false,
                // The same fight: known, unless only the other reading tells how it ended.
                (Some(held), Some(ending)) => {
                    candidate.state.checksum() != self.main.state.checksum()
                        || (held.outcome == Outcome::Unfinished && ending.outcome != Outcome::Unfinished)
                }
            };
            let as_much = candidate.state.events() >= self.main.state.events();
            ready && as_much && (self.main.is_of_sums() || !candidate.is_of_sums()) && candidate.state.seq() > 0
        });
        if !fits {
            return false;
        }
        let Some(candidate) = self.candidate.take() else { return false };
        self.main = candidate;
        self.revision += 1;
        self.state = ReportState::Live;
        self.kept = None;
        self.views = Default::default();
        // What another reading says again did not happen again.
        self.happenings.step(&self.main.state);
        self.changes += 1;
        true
    }

    /// What a client that begins a reading is told that is held: of that reading, else of the one that is shown.
    pub fn held(&self, stream: StreamId) -> Held {
        let candidate = self.candidate.as_ref().filter(|candidate| candidate.stream == stream);
        candidate.unwrap_or(&self.main).held(self.state)
    }

    /// How it went, as far as known.
    pub fn outcome(&self) -> Outcome {
        // What is kept was decided once: a raid's page asks of every fight.
        let kept = self.kept.as_ref().filter(|kept| kept.state == ReportState::Final);
        kept.map_or_else(|| view::outcome(&self.main.state, self.main.ending.as_ref()), |kept| kept.fight.outcome)
    }

    /// What the view needs beside the fold.
    pub fn facts(&self) -> LiveFacts {
        let ended = self.main.ending.is_some();
        LiveFacts { state: self.state, outcome: self.outcome(), ended, revision: self.revision, idle: self.idle }
    }

    /// The report as it stands.
    pub fn report(&self) -> Report {
        self.kept.clone().unwrap_or_else(|| {
            finalize::report(&self.row, &self.main.state, self.main.ending.as_ref(), self.state, self.revision)
        })
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
        })
    }

    /// Its line among the raid's fights.
    pub fn line(&self) -> FeedFightRef {
        FeedFightRef {
            report_id: self.row.report_id.clone(),
            state: self.state,
            outcome: self.outcome(),
            title: view::title(&self.main.state),
            started_at_ms: self.row.started_at_ms,
            duration_ms: self.main.state.duration_ms(),
        }
    }

    /// Checksum of what is shown.
    pub fn checksum(&self) -> Checksum {
        self.main.state.checksum()
    }

    /// Whether anything of it is on its way to the disk.
    pub fn is_busy(&self) -> bool {
        self.keeping
            || self.beginning > 0
            || self.main.under_way > 0
            || self.candidate.as_ref().is_some_and(|held| held.under_way > 0)
    }
}
