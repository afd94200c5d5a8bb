//! A fight as those see it who are some time behind: the reading that is shown, folded a second time.
//!
//! One invariant: nothing is in it that came after the time that it was brought up to.

use raidcast_shared::codec;
use raidcast_shared::columns::ColumnMap;
use raidcast_shared::fold::{EncounterState, Gate};
use raidcast_shared::id::StreamId;
use raidcast_shared::uplink::Delta;
use raidcast_shared::view::LiveFacts;

use super::log::DeltaLog;
use super::reading::Reading;

/// So many hits are folded at once, so that one who comes late to a long fight holds up nobody: the rest comes next.
pub(super) const HITS_AT_ONCE: u64 = 100_000;

/// See the module's page.
pub(super) struct Behind {
    stream: StreamId,
    /// What came until then, folded.
    pub(super) state: EncounterState,
    gate: Gate,
    /// So many deltas are in it.
    taken: usize,
    /// Whether all that may be in it was in it once: what comes then is news.
    pub(super) caught_up: bool,
    /// When its newest event was read by the client and received here, Unix ms.
    pub(super) times: (i64, i64),
    /// What is known beside the fold where all of it is shown: its report was kept, and something else came since.
    pub(super) as_kept: Option<LiveFacts>,
}

impl Behind {
    /// Nothing of a reading yet; `None` if it cannot be folded.
    pub(super) fn of(reading: &Reading) -> Option<Self> {
        let header = reading.state.header().clone();
        let (columns, gate) = (ColumnMap::new(&header.cols).ok()?, Gate::new(&header).ok()?);
        let state = EncounterState::new(header, columns);
        Some(Self { stream: reading.stream, state, gate, taken: 0, caught_up: false, times: (0, 0), as_kept: None })
    }

    /// All of a reading whose deltas are not held any more.
    pub(super) fn whole(reading: &Reading) -> Self {
        let (state, gate) = (reading.state.clone(), reading.gate().clone());
        Self { stream: reading.stream, state, gate, taken: 0, caught_up: true, times: reading.times, as_kept: None }
    }

    /// Whether it is of this reading, as far as it has come.
    pub(super) fn is_of(&self, reading: &Reading) -> bool {
        self.stream == reading.stream && self.taken <= reading.deltas.count()
    }

    /// Takes what came until a time, as far as there is a budget of hits; true if that is all.
    pub(super) fn bring_up(&mut self, deltas: &DeltaLog, until_ms: i64, budget: &mut u64) -> bool {
        while *budget > 0 {
            let Some(next) = deltas.get(self.taken).filter(|next| next.received_ms <= until_ms) else { return true };
            self.taken += 1;
            // It passed a gate when it came.
            let Ok(delta) = codec::decode::<Delta>(&next.bytes, usize::MAX) else { continue };
            // What a restart found damaged is not held.
            for seq in self.gate.seq() + 1..delta.seq {
                self.state.skip_damaged(seq);
                self.gate.skip(seq);
            }
            let Ok(checked) = self.gate.restore(&delta) else { continue };
            self.state.apply(&checked);
            *budget = budget.saturating_sub(u64::from(delta.hits).max(1));
            if checked.has_events() {
                self.times = (self.state.header().started_at_ms + delta.captured_ms, next.received_ms);
            }
        }
        false
    }
}
