//! What is read of a fight, on its way into the spool.
//!
//! One invariant: what the disk did not take waits in order, and until it did the source is not read further.

use std::collections::VecDeque;
use std::io;

use raidcast_shared::checksum::Checksum;
use raidcast_shared::uplink::{Delta, Ending};

use super::super::finish::Finish;
use crate::source::{CursorDelta, Reading};
use crate::spool::Spool;
use raidcast_shared::encode::{Encoder, Lost};

/// What is to be written to the spool.
enum Step {
    Reading { deltas: Vec<Delta>, cursor: CursorDelta, lost: Lost },
    Note(CursorDelta),
    End(Ending),
}

/// A fight's spool, and what is made of what is read before it stands there.
pub(super) struct Intake {
    spool: Spool,
    /// `None` once the fight has ended.
    encoder: Option<Encoder>,
    steps: VecDeque<Step>,
    events: u64,
    elapsed_ms: u32,
    /// Its boss, as far as it was known when the encoder was there last.
    boss: Option<String>,
}

impl Intake {
    pub(super) fn new(spool: Spool, encoder: Encoder) -> Self {
        Self {
            events: encoder.state().events(),
            elapsed_ms: encoder.state().extent_ms().map_or(0, |(_, last)| last),
            boss: encoder.boss(),
            encoder: spool.ending().is_none().then_some(encoder),
            spool,
            steps: VecDeque::new(),
        }
    }

    pub(super) fn spool(&self) -> &Spool {
        &self.spool
    }

    pub(super) fn spool_mut(&mut self) -> &mut Spool {
        &mut self.spool
    }

    pub(super) fn into_spool(self) -> Spool {
        self.spool
    }

    /// Whether the end is read, if not yet written.
    pub(super) fn is_ended(&self) -> bool {
        self.encoder.is_none()
    }

    /// Whether the disk has taken all that was read.
    pub(super) fn is_spooled(&self) -> bool {
        self.steps.is_empty()
    }

    /// Deltas that the disk has not taken.
    pub(super) fn unwritten(&self) -> u64 {
        let waiting = self.steps.iter().map(|step| match step {
            Step::Reading { deltas, .. } => deltas.len() as u64,
            Step::Note(_) | Step::End(_) => 0,
        });
        waiting.sum()
    }

    /// Hits and deaths that were read.
    pub(super) fn events(&self) -> u64 {
        self.events
    }

    /// From the fight's begin to its last event, ms.
    pub(super) fn elapsed_ms(&self) -> u32 {
        self.elapsed_ms
    }

    /// The fight's boss, else its scene, if either is known by name.
    pub(super) fn title(&self) -> Option<String> {
        let boss = self.encoder.as_ref().and_then(Encoder::boss).or_else(|| self.boss.clone());
        let scene = || self.spool.head().header.scene.clone();
        boss.or_else(scene)
    }

    /// Events and checksum of all that was read; `None` while the end is read and not written.
    pub(super) fn fold(&self) -> Option<(u64, Checksum)> {
        match &self.encoder {
            Some(encoder) => Some((encoder.state().events(), encoder.checksum())),
            None => self.spool.ending().map(|ending| (self.events, ending.checksum)),
        }
    }

    /// Takes in a reading, to be written by [`Intake::flush`]. Whether there was any event in it; `None` if it moves
    /// nothing.
    pub(super) fn take(&mut self, reading: Reading, captured_ms: i64) -> Option<bool> {
        let encoder = self.encoder.as_mut()?;
        if reading.events.is_empty() && reading.cursor.is_empty() {
            return None;
        }
        let deltas = encoder.encode(reading.events, captured_ms);
        let any = !deltas.is_empty();
        self.steps.push_back(Step::Reading { deltas, cursor: reading.cursor, lost: encoder.lost().clone() });
        self.events = encoder.state().events();
        self.elapsed_ms = encoder.state().extent_ms().map_or(0, |(_, last)| last);
        Some(any)
    }

    /// Moves the cursor alone, by [`Intake::flush`].
    pub(super) fn note(&mut self, cursor: CursorDelta) {
        self.steps.push_back(Step::Note(cursor));
    }

    /// Ends the fight, to be written by [`Intake::flush`].
    pub(super) fn finish(&mut self, finish: &Finish, captured_ms: i64) {
        let Some(mut encoder) = self.encoder.take() else { return };
        let finish = finish.fit(self.spool.head().header.started_at_ms, self.elapsed_ms);
        self.boss = encoder.boss();
        let deltas = encoder.finish(captured_ms);
        self.steps.push_back(Step::Reading { deltas, cursor: CursorDelta::default(), lost: encoder.lost().clone() });
        self.steps.push_back(Step::End(Ending {
            last_seq: encoder.seq(),
            ended_at_ms: finish.ended_at_ms,
            outcome: finish.outcome,
            checksum: encoder.checksum(),
            meter: finish.meter,
        }));
    }

    /// Writes what waits to the spool.
    ///
    /// # Errors
    /// The disk does not take it: it still waits.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        while let Some(step) = self.steps.front() {
            match step {
                Step::Reading { deltas, cursor, lost } => self.spool.append(deltas, cursor, lost)?,
                Step::Note(cursor) => self.spool.note(cursor)?,
                Step::End(ending) => self.spool.end(ending.clone())?,
            }
            self.steps.pop_front();
        }
        Ok(())
    }

    /// A delta that says that the fight goes on, if it has any before it.
    pub(super) fn heartbeat(&self, captured_ms: i64) -> Option<Delta> {
        let encoder = self.encoder.as_ref().filter(|encoder| encoder.seq() > 0 && self.is_spooled())?;
        Some(encoder.heartbeat(captured_ms))
    }
}
