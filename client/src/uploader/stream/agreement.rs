//! What the relay is known to hold of a reading, and whether it adds up to the same there.
//!
//! One invariant: no seq of a reading is sent twice with other content. So a spool that lost its tail, by a power cut,
//! is gone on with only when the relay has told that it holds nothing more.

use crate::source::{Cursor, CursorDelta, Mark};

/// Up to which delta the relay can hold nothing but what stands in the spool: (seq, [`UNSURE`] from the moment that
/// another start of the client goes on with the spool until the relay has told what it holds). What was sent before
/// that start and is not in the spool any more, a power cut took; so its seqs may be taken a second time.
const OPENED: Mark = Mark(1);
/// The relay has not told yet whether it holds more.
const UNSURE: u64 = 1;

/// What client and relay are known to agree on.
#[allow(clippy::struct_excessive_bools, reason = "each says one thing, and they combine freely")]
#[derive(Default)]
pub(super) struct Agreement {
    /// The last seq of this reading that the relay can hold as it stands in the spool; see [`OPENED`].
    sure: u64,
    /// The spool says that the relay may hold more.
    is_unsure: bool,
    /// Where the relay was last found to have the same sums.
    compared: u64,
    /// All was sent, and Begin was sent once more to hear what it adds up to there.
    asked_at_end: bool,
    /// The relay's sums were not ours once: a second time it costs a warning, for reading again does not heal it.
    doubted: bool,
}

impl Agreement {
    /// Of a spool of an earlier start with so many deltas; with what the spool is to note, if anything.
    pub(super) fn resumed(cursor: &Cursor, seq: u64, ended: bool) -> (Self, Option<CursorDelta>) {
        let opened = OPENED.get(cursor);
        let (sure, is_unsure) = match opened {
            Some((sure, UNSURE)) => (sure.min(seq), true),
            // Nothing is made of it any more.
            _ => (seq, !ended),
        };
        let is_noted = matches!(opened, Some((_, UNSURE)));
        let note = (is_unsure && !is_noted).then(|| vec![OPENED.set(seq, UNSURE)]);
        (Self { sure, is_unsure, ..Self::default() }, note)
    }

    /// The last seq that the relay can hold as it stands in the spool.
    pub(super) fn sure(&self) -> u64 {
        self.sure
    }

    /// Whether the relay can hold this delta of the reading only if another process sent it.
    pub(super) fn is_foreign(&self, seq: u64) -> bool {
        seq > self.sure
    }

    /// A delta was sent.
    pub(super) fn sent(&mut self, seq: u64) {
        self.sure = self.sure.max(seq);
    }

    /// Whether what both hold up to `seq` is to be compared: once after each start, and at the end.
    pub(super) fn is_to_be_compared(&self, seq: u64) -> bool {
        !self.doubted && seq <= self.sure && seq > self.compared
    }

    /// Whether another start may have left something on the relay that the deltas' own checksums do not tell of.
    pub(super) fn is_unsure(&self) -> bool {
        self.is_unsure
    }

    /// Both hold the same up to `seq`.
    pub(super) fn compared(&mut self, seq: u64) {
        self.compared = seq;
    }

    /// The relay has told what it holds of this reading, and it is what the spool holds, `seq` deltas: what is sent from
    /// now on is. What the spool is to note, if anything.
    pub(super) fn is_sure(&mut self, seq: u64) -> Option<CursorDelta> {
        std::mem::take(&mut self.is_unsure).then(|| vec![OPENED.set(seq, 0)])
    }

    /// Whether Begin is to be sent once more, for all `seq` deltas have arrived and were not compared.
    pub(super) fn asks_at_end(&mut self, seq: u64) -> bool {
        let asks = self.compared < seq && !(self.asked_at_end || self.doubted);
        self.asked_at_end |= asks;
        asks
    }

    /// The relay's sums are not ours; whether that is so for the first time.
    pub(super) fn doubt(&mut self) -> bool {
        !std::mem::replace(&mut self.doubted, true)
    }

    /// Another reading of the same fight is begun: whether it was doubted is kept.
    pub(super) fn anew(&self) -> Self {
        Self { doubted: self.doubted, ..Self::default() }
    }
}
