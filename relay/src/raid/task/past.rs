//! What a raid's task remembers of what was: kept fights that it does not hold, and when uploaders came and went.

use std::collections::VecDeque;

use raidcast_shared::feed::FeedFightRef;
use raidcast_store::ReportLine;

use crate::access::nameless;
use crate::raid::encounter::LiveEncounter;
use crate::record;

/// A kept fight that the task does not hold.
#[derive(Clone, Debug)]
pub(super) struct Earlier {
    pub(super) line: FeedFightRef,
    /// When its report was kept, Unix ms.
    pub(super) kept_at_ms: Option<i64>,
}

impl From<ReportLine> for Earlier {
    fn from(line: ReportLine) -> Self {
        let kept_at_ms = line.kept_at_ms;
        Self { line: record::summary(nameless(), line).into(), kept_at_ms }
    }
}

impl Earlier {
    /// Of one that was held until now.
    pub(super) fn of(held: &LiveEncounter) -> Self {
        Self { line: held.line(), kept_at_ms: held.row.kept_at_ms }
    }

    /// Whether it is shown to those who see what came until a time.
    pub(super) fn is_shown(&self, until_ms: Option<i64>) -> bool {
        until_ms.is_none_or(|until_ms| self.kept_at_ms.is_some_and(|kept_at_ms| kept_at_ms <= until_ms))
    }
}

/// Whether an uploader was connected, and since when.
#[derive(Clone, Debug, Default)]
pub(super) struct Connections(VecDeque<(i64, bool)>);

/// So many changes are remembered: of one who comes and goes more often, the last ones count.
const CONNECTIONS_MAX: usize = 64;

impl Connections {
    /// It is so from now on.
    pub(super) fn note(&mut self, now_ms: i64, connected: bool) {
        if self.0.back().is_some_and(|(_, before)| *before == connected) {
            return;
        }
        if self.0.len() == CONNECTIONS_MAX {
            self.0.pop_front();
        }
        self.0.push_back((now_ms, connected));
    }

    /// Whether one was connected at a time.
    pub(super) fn at(&self, at_ms: i64) -> bool {
        self.0.iter().rev().find(|(since_ms, _)| *since_ms <= at_ms).is_some_and(|(_, connected)| *connected)
    }

    /// When that changed last, Unix ms.
    pub(super) fn changed_ms(&self) -> Option<i64> {
        self.0.back().map(|(since_ms, _)| *since_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_connected_is_known_of_each_time() {
        let mut connections = Connections::default();
        assert!(!connections.at(5));
        connections.note(10, true);
        connections.note(12, true);
        connections.note(20, false);
        let at = [9, 10, 19, 20, 99].map(|at_ms| connections.at(at_ms));
        assert_eq!((at, connections.changed_ms()), ([false, true, true, false, false], Some(20)));
        (0..200).for_each(|at_ms| connections.note(100 + at_ms, at_ms % 2 == 0));
        assert_eq!((connections.0.len(), connections.at(299), connections.at(298)), (CONNECTIONS_MAX, false, true));
    }
}
