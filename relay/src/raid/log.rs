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

/// The deltas of a reading as they stand in its journal, in blocks so that a copy shares them.
#[derive(Clone, Debug, Default)]
pub struct DeltaLog {
    /// Full blocks.
    pub closed: Vec<Arc<[Bytes]>>,
    /// What came since.
    pub open: Vec<Bytes>,
    /// Of all of them.
    pub bytes: usize,
}

impl DeltaLog {
    /// What it takes up in memory, bytes.
    pub fn weight(&self) -> u64 {
        let deltas = self.closed.len() * BLOCK_DELTAS + self.open.len();
        self.bytes as u64 + deltas as u64 * DELTA_HELD_BYTES
    }

    /// Puts a delta's bytes behind the others.
    pub fn push(&mut self, delta: Bytes) {
        self.bytes += delta.len();
        self.open.push(delta);
        if self.open.len() == BLOCK_DELTAS {
            self.closed.push(std::mem::take(&mut self.open).into());
        }
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
