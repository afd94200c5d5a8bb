//! Chunks of a stream that were not there, or could not be read, when later ones were read.
//!
//! One invariant: a chunk below the next one is either read or in a gap, so it is read once, whenever it comes.

use std::collections::BTreeMap;

use super::super::{Cursor, CursorDelta, CursorKey, CursorValue};
use super::known::STREAMS;

/// Prefixes of cursor keys, by stream: the first chunk of a gap -> (the first one behind it, when that begins in ms).
const PREFIXES: [u8; STREAMS.len()] = [4, 5, 6];

/// Chunks that are looked for again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Gap {
    /// The first.
    pub(super) first: i64,
    /// The first one behind them.
    pub(super) end: i64,
    /// When what is behind them begins, ms since the encounter began.
    pub(super) at_ms: u32,
}

/// The gaps of one stream.
pub(super) struct Gaps {
    stream: usize,
    /// By their first chunk; those that are filled are empty.
    gaps: BTreeMap<i64, (i64, u32)>,
}

impl Gaps {
    /// As the cursor holds them.
    pub(super) fn of(cursor: &Cursor, stream: usize) -> Self {
        let held = cursor.of_prefix(PREFIXES[stream]);
        let gaps = held.map(|(first, CursorValue(end, at_ms))| (first, (end.cast_signed(), at_ms as u32)));
        Self { stream, gaps: gaps.collect() }
    }

    /// Those that are not filled.
    pub(super) fn open(&self) -> Vec<Gap> {
        let gaps = self.gaps.iter().map(|(first, (end, at_ms))| Gap { first: *first, end: *end, at_ms: *at_ms });
        gaps.filter(|gap| gap.first < gap.end).collect()
    }

    /// These chunks are not there, or cannot be read.
    pub(super) fn note(&mut self, Gap { first, end, at_ms }: Gap, moved: &mut CursorDelta) {
        self.gaps.insert(first, (end, at_ms));
        moved.push((CursorKey(PREFIXES[self.stream], first), CursorValue(end.cast_unsigned(), at_ms.into())));
    }

    /// A chunk of one was read.
    pub(super) fn fill(&mut self, chunk: i64, moved: &mut CursorDelta) {
        let Some((&first, &(end, at_ms))) = self.gaps.range(..=chunk).next_back() else { return };
        self.note(Gap { first, end: chunk, at_ms }, moved);
        if chunk + 1 < end {
            self.note(Gap { first: chunk + 1, end, at_ms }, moved);
        }
    }

    /// What is missing of a gap was told: it is looked for no more.
    pub(super) fn give_up(&mut self, gap: Gap, moved: &mut CursorDelta) {
        self.note(Gap { end: gap.first, ..gap }, moved);
    }
}
