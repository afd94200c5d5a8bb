//! How many watch a raid, as its spectators are told.
//!
//! One invariant: it is counted once in [`COUNTED_EVERY_MS`] at most, so it does not show who came or went at a moment.

use super::stage::Of;
use super::state::RaidTask;
use crate::access::hears_how_many_watch;

/// A count is told for so long, ms.
const COUNTED_EVERY_MS: i64 = 5_000;

impl RaidTask {
    /// How many watch, whatever they are shown, without overlays; `None` where those of a stage are not told.
    pub(super) fn watching(&mut self, of: Of) -> Option<u32> {
        if !hears_how_many_watch(&self.row, &self.stages.get(of).audience) {
            return None;
        }
        let now_ms = self.around.context.clock.now_ms();
        // A clock that was set back makes no count last.
        let is_fresh = |(_, at_ms): &(u32, i64)| (0..COUNTED_EVERY_MS).contains(&(now_ms - *at_ms));
        if let Some((count, _)) = self.watched.filter(is_fresh) {
            return Some(count);
        }
        let all: usize = self.stages.iter().map(|stage| stage.room.len()).sum();
        let count = u32::try_from(all.saturating_sub(self.overlays.count())).unwrap_or(u32::MAX);
        self.watched = Some((count, now_ms));
        Some(count)
    }
}
