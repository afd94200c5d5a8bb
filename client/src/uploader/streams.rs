//! Fights that are to reach the relay: those on their way, and those whose turn has not come.
//!
//! One invariant: a fight is here once, on its way or in the queue.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::ops::{Index, IndexMut};

use raidcast_shared::id::EncounterId;

use super::stream::{Standing, Stream};
use crate::source::Fight;
use crate::spool::SpoolError;

/// A fight without an event for so long does not hurry the poll, ms.
const CALM_MS: u64 = 10_000;

/// Fights that are to reach the relay.
#[derive(Default)]
pub(super) struct Streams {
    list: Vec<Stream>,
    /// Fights that are to be streamed and not begun yet.
    queue: VecDeque<Fight>,
    /// Fights on their way that stand in the database that is watched now, too.
    moved: Vec<Fight>,
    /// How many were found to be streamed.
    found: u64,
}

impl Index<usize> for Streams {
    type Output = Stream;

    fn index(&self, at: usize) -> &Stream {
        &self.list[at]
    }
}

impl IndexMut<usize> for Streams {
    fn index_mut(&mut self, at: usize) -> &mut Stream {
        &mut self.list[at]
    }
}

impl Streams {
    /// Takes up a fight of an earlier start.
    pub(super) fn resume(&mut self, stream: Stream) {
        self.found += 1;
        self.list.push(stream);
    }

    /// A fight of the queue goes on its way.
    pub(super) fn begin(&mut self, stream: Stream) {
        self.list.push(stream);
    }

    /// Puts a fight that was found at the end of the queue.
    pub(super) fn enqueue(&mut self, fight: Fight) {
        self.found += 1;
        self.queue.push_back(fight);
    }

    /// The fights that wait, to be begun or given back with [`Streams::wait`].
    pub(super) fn take_queue(&mut self) -> VecDeque<Fight> {
        std::mem::take(&mut self.queue)
    }

    /// These go on waiting.
    pub(super) fn wait(&mut self, queue: VecDeque<Fight>) {
        self.queue = queue;
    }

    /// Another database is watched: what waits is of the one before, and the folder's list has it.
    pub(super) fn forget_queue(&mut self) {
        self.found -= self.queue.len() as u64;
        self.queue.clear();
    }

    /// A fight waits no more.
    pub(super) fn leave(&mut self, encounter: EncounterId) {
        let waiting = self.queue.len();
        self.queue.retain(|fight| fight.encounter != encounter);
        self.found -= (waiting - self.queue.len()) as u64;
    }

    /// The fights that wait.
    pub(super) fn queue(&self) -> &VecDeque<Fight> {
        &self.queue
    }

    /// A fight on its way stands in another database now.
    pub(super) fn note_moved(&mut self, fight: Fight) {
        self.moved.push(fight);
    }

    /// Where a fight stands now, if it moved; forgotten then.
    pub(super) fn take_moved(&mut self, encounter: EncounterId) -> Option<Fight> {
        let at = self.moved.iter().position(|fight| fight.encounter == encounter)?;
        Some(self.moved.remove(at))
    }

    /// Takes a fight out that is done with.
    pub(super) fn remove(&mut self, at: usize) -> Stream {
        self.list.remove(at)
    }

    /// Fights on their way.
    pub(super) fn iter(&self) -> std::slice::Iter<'_, Stream> {
        self.list.iter()
    }

    /// The same, to be changed.
    pub(super) fn iter_mut(&mut self) -> std::slice::IterMut<'_, Stream> {
        self.list.iter_mut()
    }

    /// How many are on their way.
    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// How many were found to be streamed.
    pub(super) fn found(&self) -> u64 {
        self.found
    }

    /// Where the fight is that the relay knows by this handle.
    pub(super) fn by_handle(&mut self, h: u32) -> Option<&mut Stream> {
        self.list.iter_mut().find(|stream| stream.standing == Standing::Open { h })
    }

    /// Where the first is that this is true of.
    pub(super) fn position(&self, is_it: impl Fn(&Stream) -> bool) -> Option<usize> {
        self.list.iter().position(is_it)
    }

    /// Whether the fight is on its way.
    pub(super) fn has(&self, encounter: EncounterId) -> bool {
        self.list.iter().any(|stream| stream.encounter() == encounter)
    }

    /// Whether the fight waits.
    pub(super) fn is_queued(&self, encounter: EncounterId) -> bool {
        self.queue.iter().any(|fight| fight.encounter == encounter)
    }

    /// Whether none is on its way.
    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Whether anything waits to be sent.
    pub(super) fn is_sending(&self) -> bool {
        self.list.iter().any(|stream| stream.next_frame().is_some())
    }

    /// Whether nothing is so urgent that a quarter of the polls would not do.
    pub(super) fn is_calm(&self, now_ms: u64) -> bool {
        let busy =
            |stream: &Stream| stream.next_frame().is_some() || stream.silent_ms(now_ms) < CALM_MS && !stream.is_ended();
        self.queue.is_empty() && !self.list.iter().any(busy)
    }

    /// The fight that is going on: the one that began last.
    pub(super) fn live(&self) -> Option<&Stream> {
        self.list.iter().filter(|stream| !stream.is_ended()).max_by_key(|stream| stream.started_at_ms())
    }

    /// Whether a fight that the meter never ended is over: a later one goes on, and it has been silent for so long, ms.
    pub(super) fn is_left_behind(&self, at: usize, silent_ms: u64, now_ms: u64) -> bool {
        let stream = &self.list[at];
        let later = |other: &Stream| other.started_at_ms() > stream.started_at_ms() && !other.is_ended();
        stream.silent_ms(now_ms) > silent_ms && self.list.iter().any(later)
    }

    /// Deltas of all fights that the relay has not acknowledged.
    pub(super) fn unacked(&self) -> u64 {
        self.list.iter().map(Stream::unacked).sum()
    }

    /// The same, without those of fights that the relay does not take: nothing of them is on its way.
    pub(super) fn on_their_way(&self) -> u64 {
        self.wanted().map(Stream::unacked).sum()
    }

    /// When the oldest was read that is on its way, Unix ms.
    pub(super) fn waiting_since_ms(&self) -> Option<i64> {
        self.wanted().filter_map(Stream::waiting_since_ms).min()
    }

    fn wanted(&self) -> impl Iterator<Item = &Stream> {
        self.list.iter().filter(|stream| stream.standing != Standing::GivenUp)
    }

    /// Frames and bytes sent and not acknowledged.
    pub(super) fn in_flight(&self) -> (usize, usize) {
        let each = self.list.iter().map(Stream::in_flight);
        each.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
    }

    /// The connection ended: what the fights had got to on it counts no more.
    pub(super) fn disconnect(&mut self) {
        self.list.iter_mut().for_each(Stream::disconnect);
    }

    /// Writes what waits to the spools; what the disk said last if it does not take all.
    pub(super) fn flush(&mut self) -> Option<io::Error> {
        self.list.iter_mut().filter_map(|stream| stream.flush().err()).last()
    }

    /// Writes the spools once more that were deleted; what the disk said last if it does not take all.
    pub(super) fn restore(&mut self) -> Option<SpoolError> {
        self.list.iter_mut().filter_map(|stream| stream.spool_mut().restore().err()).last()
    }

    /// Handles of the spools that are not durable yet.
    pub(super) fn take_unsynced(&mut self) -> Vec<File> {
        self.list.iter_mut().filter_map(|stream| stream.spool_mut().take_unsynced()).collect()
    }

    /// Makes all spools durable.
    pub(super) fn sync(&mut self) {
        for stream in &mut self.list {
            if let Err(error) = stream.spool_mut().sync() {
                tracing::warn!(%error, "could not sync a spool");
            }
        }
    }
}
