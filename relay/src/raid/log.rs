//! The log of an encounter while a raid's task owns it: handed out without being copied, to whoever folds it beside the
//! task.

use std::sync::Arc;

use bytes::Bytes;
use raidcast_shared::id::StreamId;
use raidcast_shared::uplink::{Ending, Header, ReportState};
use raidcast_store::EncounterRow;

use crate::limits::DELTA_HELD_BYTES;

/// Deltas of a live fight's block: about six seconds of one.
const BLOCK_DELTAS: usize = 64;

/// A delta of a reading.
#[derive(Clone, Debug)]
pub struct HeldDelta {
    /// As its journal has it.
    pub bytes: Bytes,
    /// When it came, Unix ms.
    pub received_ms: i64,
}

/// The deltas of a reading as they stand in its journal, in blocks so that a copy shares them.
#[derive(Clone, Debug, Default)]
pub struct DeltaLog {
    /// Full blocks.
    pub closed: Vec<Arc<[HeldDelta]>>,
    /// What came since.
    pub open: Vec<HeldDelta>,
    /// Of all of them.
    pub bytes: usize,
}

impl DeltaLog {
    /// What it takes up in memory, bytes.
    pub fn weight(&self) -> u64 {
        self.bytes as u64 + self.count() as u64 * DELTA_HELD_BYTES
    }

    /// Puts a delta's bytes behind the others.
    pub fn push(&mut self, mut delta: HeldDelta) {
        // Also where the clock was set back: none came before the one before it.
        delta.received_ms = self.last_ms().map_or(delta.received_ms, |last_ms| last_ms.max(delta.received_ms));
        self.bytes += delta.bytes.len();
        self.open.push(delta);
        if self.open.len() == BLOCK_DELTAS {
            self.closed.push(std::mem::take(&mut self.open).into());
        }
    }
}

impl DeltaLog {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.closed.len() * BLOCK_DELTAS + self.open.len()
    }

    /// The one that is so-manieth, from 0.
    pub fn get(&self, at: usize) -> Option<&HeldDelta> {
        match self.closed.get(at / BLOCK_DELTAS) {
            Some(block) => block.get(at % BLOCK_DELTAS),
            None => self.open.get(at - self.closed.len() * BLOCK_DELTAS),
        }
    }

    /// When the last one came, Unix ms.
    pub fn last_ms(&self) -> Option<i64> {
        let last = self.open.last().or_else(|| self.closed.last()?.last());
        last.map(|delta| delta.received_ms)
    }

    /// So many came until a time.
    pub fn until(&self, until_ms: i64) -> usize {
        let (mut from, mut to) = (0, self.count());
        while from < to {
            let middle = from.midpoint(to);
            match self.get(middle).is_some_and(|delta| delta.received_ms <= until_ms) {
                true => from = middle + 1,
                false => to = middle,
            }
        }
        from
    }

    /// So many of them from the first on.
    pub fn first(&self, count: usize) -> Self {
        let blocks = (count / BLOCK_DELTAS).min(self.closed.len());
        let mut first = Self { closed: self.closed[..blocks].to_vec(), ..Self::default() };
        first.bytes = first.closed.iter().flat_map(|block| block.iter()).map(|delta| delta.bytes.len()).sum();
        (blocks * BLOCK_DELTAS..count).map_while(|at| self.get(at)).for_each(|delta| first.push(delta.clone()));
        first
    }
}

/// What a raid's task knows of a running fight's log. Cheap to make: nothing of it is copied.
#[derive(Clone, Debug)]
pub struct LiveLog {
    /// Which reading.
    pub stream: StreamId,
    /// Which revision of the report it is.
    pub revision: u32,
    /// Seq of its newest delta.
    pub seq: u64,
    /// What was known before the first event.
    pub header: Header,
    /// How it ended, if it did.
    pub ending: Option<Ending>,
    /// Its deltas.
    pub deltas: DeltaLog,
    /// Whether these are not all that there are: they end where those are who are behind.
    pub cut: bool,
}

/// Where a fight stands now. Cheap to make: whoever wants its figures folds its log, beside the raid's task.
#[derive(Clone, Debug)]
pub struct Standing {
    /// Its row.
    pub row: EncounterRow,
    /// Whether its report as it stands is kept: then the store has it.
    pub kept: bool,
    /// Where the report stands.
    pub state: ReportState,
    /// Which reading it shows, from 1.
    pub revision: u32,
    /// Its log so far; `None` where the report is final: the store has its log.
    pub log: Option<LiveLog>,
}
