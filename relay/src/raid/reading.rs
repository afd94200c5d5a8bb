//! One reading of an encounter: what is durable of it, folded, and what is on its way to the disk.
//!
//! One invariant: the gate runs ahead of the fold by exactly what is on its way; where an append fails it goes back to
//! the fold once all are answered. Deliberately not here: which of an encounter's readings is shown
//! ([`LiveEncounter`](super::LiveEncounter)).

use bytes::Bytes;
use raidcast_shared::checksum::Checksum;
use raidcast_shared::columns::ColumnMap;
use raidcast_shared::fold::{CheckError, Checked, EncounterState, Gate};
use raidcast_shared::id::StreamId;
use raidcast_shared::uplink::{Delta, Ending, Header, Held, ReportState};
use raidcast_store::{JournalEntry, JournalKind, StoreError, StoredStream};

use super::log::{DeltaLog, HeldDelta, LiveLog};
use crate::limits::{DELTA_HELD_BYTES, HIT_UNDER_WAY_BYTES};
use crate::refold::{Refolded, refold};

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
    /// When that came, Unix ms.
    pub ended_ms: Option<i64>,
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
    /// Its checksum after a seq: it costs a look at every row, and a Begin may come again and again.
    checksum: Option<(u64, Checksum)>,
}

/// What a delta takes up on its way to the disk, bytes: as it came, as it is stored, and unfolded.
pub(super) fn under_way_bytes(delta: &Delta, stored: usize) -> u64 {
    2 * stored as u64 + DELTA_HELD_BYTES + u64::from(delta.hits) * HIT_UNDER_WAY_BYTES
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

/// The columns of a reading are those that it was begun with: deltas of others are another reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OtherColumns;

impl Reading {
    /// When the newest of it came, its end too, Unix ms; `None` where its deltas are not held.
    pub fn came_ms(&self) -> Option<i64> {
        self.deltas.last_ms().max(self.ended_ms)
    }

    /// Its log as far as it had come by a time, as of a revision.
    pub(super) fn log_until(&self, revision: u32, until_ms: i64) -> LiveLog {
        let count = self.deltas.until(until_ms);
        LiveLog {
            stream: self.stream,
            revision,
            seq: count as u64,
            header: self.state.header().clone(),
            ending: self.ending.clone().filter(|_| self.ended_ms.is_some_and(|at_ms| at_ms <= until_ms)),
            deltas: self.deltas.first(count),
            cut: true,
        }
    }

    /// A reading without deltas.
    ///
    /// # Errors
    /// The header's column list is not usable.
    pub fn new(stream: StreamId, header: Header) -> Result<Self, raidcast_shared::columns::ColumnsError> {
        let columns = ColumnMap::new(&header.cols)?;
        let gate = Gate::new(&header)?;
        Ok(Self::of(stream, EncounterState::new(header, columns), gate, None))
    }

    pub(super) fn of(stream: StreamId, state: EncounterState, gate: Gate, ending: Option<Ending>) -> Self {
        Self {
            stream,
            gate,
            state,
            ending,
            ended_ms: None,
            ending_under_way: false,
            deltas: DeltaLog::default(),
            under_way: 0,
            failed: false,
            rewound_to: None,
            times: (0, 0),
            checksum: None,
        }
    }

    /// What checks what comes next.
    pub(super) fn gate(&self) -> &Gate {
        &self.gate
    }

    /// Whether its source knows sums alone, no single hits.
    pub fn is_of_sums(&self) -> bool {
        !self.state.header().knows.hits
    }

    /// What a client is told of it.
    pub fn held(&mut self, report: ReportState) -> Held {
        let seq = self.state.seq();
        let known = self.checksum.take().filter(|(at, _)| *at == seq);
        let (_, checksum) = known.unwrap_or_else(|| (seq, self.state.checksum()));
        self.checksum = Some((seq, checksum));
        Held { stream: self.stream, seq, state: report, events: self.state.events(), checksum, sums: self.is_of_sums() }
    }

    /// Whether a client may go on with it that has these columns.
    ///
    /// # Errors
    /// It was begun with others.
    pub fn require_columns(&self, cols: &[String]) -> Result<(), OtherColumns> {
        if self.state.header().cols == cols { Ok(()) } else { Err(OtherColumns) }
    }

    /// Whether nothing of it came yet, not even its end.
    pub fn is_empty(&self) -> bool {
        self.state.seq() == 0 && self.under_way == 0 && !self.is_ended()
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
        self.gate.settle();
        self.deltas.push(HeldDelta { bytes: delta, received_ms });
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
            // What came before the one that failed is settled: the gate stands where the state does.
            self.gate.revert();
        }
        over
    }

    /// A reading as its journal says.
    ///
    /// # Errors
    /// `Damaged` if it cannot be folded.
    pub(super) fn of_journal(stream: &StoredStream, entries: &[JournalEntry]) -> Result<Self, StoreError> {
        let mut newest = (0, 0);
        let mut deltas = DeltaLog::default();
        let Refolded { state, gate, ending } = refold(&stream.header, entries, |entry, delta, checked| {
            deltas.push(HeldDelta { bytes: entry.data.clone(), received_ms: entry.received_at_ms });
            if checked.has_events() {
                newest = (delta.captured_ms, entry.received_at_ms);
            }
        })?;
        let (captured_ms, received_ms) = newest;
        let mut reading = Self::of(stream.stream, state, gate, ending);
        let end = entries.iter().find(|entry| entry.kind == JournalKind::End);
        reading.ended_ms = end.map(|entry| entry.received_at_ms);
        reading.deltas = deltas;
        reading.times = (reading.state.header().started_at_ms + captured_ms, received_ms);
        Ok(reading)
    }
}
