//! From the database: fights of the queue go on their way.

use std::collections::VecDeque;

use raidcast_shared::id::StreamId;

use super::meter::Watching;
use super::record::{Finished, How, NotSent};
use super::shown_to::ShownTo;
use super::stream::{Standing, Stream};
use super::{Change, Uploader};
use crate::header::header_of;
use crate::source::{AnySource, Fight, Source as _, SourceError, Unreadable};
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
            match is_not_begun(&mut watching.source, &fight) {
                Ok(None) => {}
                Ok(Some(NotBegun::Unreadable(why))) => {
                    self.leave_out(&fight, why);
                    continue;
                }
                Ok(Some(NotBegun::Removed)) => {
                    self.removed_in_queue(&watching.db, &fight);
                    continue;
                }
                Err(error) => {
                    waiting.push_back(fight);
                    failed = Some(error);
                    break;
                }
            }
            if !self.renew_raid(now_ms) {
                // It is not for those who see the raid before.
                waiting.push_back(fight);
                break;
            }
            let head = self.head_of(&fight, &watching);
            match Spool::create(&self.disk.folder().spools(), head.clone()) {
                Ok(spool) => {
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

    /// The meter has removed a fight before its turn came.
    fn removed_in_queue(&mut self, db: &str, fight: &Fight) {
        let name = fight.encounter.to_string();
        self.ledger.keep(db, |held| held != name);
        let bare = Finished::unread(fight, &self.options.relay);
        let gone = Finished { result: How::Refused, why: Some(NotSent::Removed), ..bare };
        let gone = self.ledger.note(gone);
        if self.options.history.is_some() {
            self.upload.left(std::iter::once(fight.encounter));
            self.announcer.tell(Change::Failed { fight: gone });
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

    /// A raid closes after hours without a fight: the fight that begins now is the first of a new one. False where that is
    /// needed, and the disk does not take it: it is tried again, and nothing that is for the new one comes into the old.
    pub(super) fn renew_raid(&mut self, now_ms: u64) -> bool {
        if self.session.goes_on(&self.options) {
            return true;
        }
        // Who may see old fights was agreed to for all of them; and who may see a raid in which nothing was fought yet
        // was said for this one.
        let has_begun = self.begin_raid(self.options.history.is_some() || self.session.is_unused(), now_ms);
        if !has_begun {
            self.session.show_next(ShownTo::default());
        }
        has_begun
    }

    /// From now on fights go into another raid; `as_before`: shown to those who see the present one. False where the disk
    /// does not take it.
    pub(super) fn begin_raid(&mut self, as_before: bool, now_ms: u64) -> bool {
        // One that the relay does not take may be so for ever: it counts for nothing.
        let unfinished = self.streams.iter().any(|stream| stream.standing != Standing::GivenUp);
        match self.session.begin_raid(as_before, unfinished, &self.options, self.disk.folder()) {
            Ok(shows_more) => {
                // Its Hello needs a connection of its own.
                self.streams.disconnect();
                if shows_more {
                    self.drop_given_up(now_ms);
                }
                true
            }
            Err(error) => {
                self.disk_failed(&error, now_ms);
                false
            }
        }
    }
}

/// Why a fight is not begun.
enum NotBegun {
    Unreadable(Unreadable),
    Removed,
}

/// Whether a fight cannot be begun.
fn is_not_begun(source: &mut AnySource, fight: &Fight) -> Result<Option<NotBegun>, SourceError> {
    match source.check(fight) {
        // Nor can what is there no more be read.
        Err(SourceError::Unreadable { why, .. }) => Ok(Some(match source.stands(fight, 0)? {
            true => NotBegun::Unreadable(why),
            false => NotBegun::Removed,
        })),
        checked => checked.map(|()| None),
    }
}
