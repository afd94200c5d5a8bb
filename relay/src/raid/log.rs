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
    /// Bytes of the full blocks up to each, it among them.
    closed_bytes: Vec<usize>,
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
            self.closed_bytes.push(self.bytes);
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

    /// So many of them from the first on. Cheap: whoever is behind asks for it, and nothing of the full blocks is looked at.
    pub fn first(&self, count: usize) -> Self {
        let blocks = (count / BLOCK_DELTAS).min(self.closed.len());
        let (closed, closed_bytes) = (self.closed[..blocks].to_vec(), self.closed_bytes[..blocks].to_vec());
        let mut first =
            Self { bytes: closed_bytes.last().copied().unwrap_or_default(), closed, closed_bytes, open: vec![] };
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_a_log_are_what_came_until_then_and_weigh_as_much() {
        let mut log = DeltaLog::default();
        let count = 5 * BLOCK_DELTAS + 7;
        for at in 0..count {
            log.push(HeldDelta { bytes: vec![0; at % 50].into(), received_ms: at as i64 });
        }
        for wanted in [0, 1, BLOCK_DELTAS - 1, BLOCK_DELTAS, 3 * BLOCK_DELTAS + 5, count, count + 9] {
            let first = log.first(wanted);
            let all: usize = (0..wanted.min(count)).map(|at| at % 50).sum();
            assert_eq!((first.count(), first.bytes), (wanted.min(count), all), "{wanted}");
            assert_eq!(first.last_ms(), wanted.min(count).checked_sub(1).map(|last| last as i64), "{wanted}");
            // And it goes on as any other.
            assert_eq!(first.first(wanted / 2).count(), (wanted / 2).min(count));
        }
        assert_eq!((log.until(-1), log.until(99), log.until(1 << 40)), (0, 100, count));
    }
}
