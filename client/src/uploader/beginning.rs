//! From the database: fights of the queue go on their way.

use std::collections::VecDeque;

use raidcast_shared::id::StreamId;

use super::meter::Watching;
use super::stream::Stream;
use super::{Change, Uploader};
use crate::header::header_of;
use crate::source::{Fight, Source as _, SourceError};
use crate::spool::{Head, Spool};
use raidcast_shared::encode::Encoder;

/// Finished fights on their way at once: those that wait stay in the meter's database.
const BACKLOG: usize = 4;

impl<S: FnMut(Change) + Send> Uploader<S> {
    /// Begins fights of the queue: those that go on at once, of the others a few at a time.
    pub(super) fn begin_queued(&mut self, now_ms: u64) {
        if self.disk.is_stalled() || self.streams.queue().is_empty() {
            return;
        }
        let Some(mut watching) = self.meter.take() else { return };
        let mut queue = self.streams.take_queue();
        let mut waiting = VecDeque::new();
        let mut failed = None;
        while let Some(fight) = queue.pop_front() {
            let over = fight.end.is_some() || self.options.history.is_some();
            if over && self.streams.len() >= BACKLOG {
                waiting.push_back(fight);
                continue;
            }
            match watching.source.check(&fight) {
                Ok(()) => {}
                Err(SourceError::Unreadable { why, .. }) => {
                    self.leave_out(&fight, why);
                    continue;
                }
                Err(error) => {
                    waiting.push_back(fight);
                    failed = Some(error);
                    break;
                }
            }
            let head = self.head_of(&fight, &watching);
            match Spool::create(&self.disk.folder().spools(), head.clone()) {
                Ok(spool) => {
                    self.renew_raid();
                    self.streams.begin(Stream::new(spool, Encoder::new(head.header), Some(fight), now_ms));
                    self.fought(now_ms);
                    self.meter.read_at_once();
                }
                Err(error) => {
                    waiting.push_back(fight);
                    self.disk_failed(&error.into(), now_ms);
                    break;
                }
            }
        }
        waiting.append(&mut queue);
        self.streams.wait(waiting);
        self.meter.put(watching);
        if let Some(error) = failed {
            self.source_failed(&error, now_ms);
        }
    }

    /// What a new reading of a fight is the log of.
    pub(super) fn head_of(&self, fight: &Fight, watching: &Watching) -> Head {
        Head {
            db: watching.db.clone(),
            row: fight.row,
            encounter: fight.encounter,
            stream: StreamId(self.options.entropy.uuid()),
            generation: Some(watching.found.generation),
            header: header_of(fight, watching.source.knows()),
        }
    }

    /// A raid closes after hours without a fight: the fight that begins now is the first of a new one.
    fn renew_raid(&mut self) {
        if !self.session.goes_on(&self.options) {
            self.begin_raid();
        }
    }

    /// From now on fights go into another raid.
    pub(super) fn begin_raid(&mut self) {
        if self.session.begin_raid(&self.options, self.disk.folder()) {
            // Its Hello needs a connection of its own.
            self.streams.disconnect();
        }
    }
}
