//! What gave way, and those still see who are behind: a reading in whose place another came, or a report that was
//! provisional before its fight went on.
//!
//! One invariant: what came in its place is shown to them when it has come for them, and not before; until then they see
//! what gave way as they would have without that. It stands in memory: after a restart the journal tells of readings, and
//! of a report that was provisional nothing.

use raidcast_shared::feed::FeedHappening;
use raidcast_shared::uplink::{Outcome, ReportState};
use raidcast_shared::view::{Audience, Shown};

use super::LiveEncounter;
use crate::raid::behind::Behind;
use crate::raid::encounter::later::BEHIND;
use crate::raid::former::Former;
use crate::raid::log::Standing;
use crate::raid::reading::Reading;

/// So many are held: of what changes more often than this within a delay, what came between is left out.
const FORMERS_MAX: usize = 4;

impl LiveEncounter {
    /// Another reading is shown from now on in place of this one.
    pub(super) fn gives_way(&mut self, before: Reading, outcome: Outcome) {
        // What made it better than the one before is what came last of it.
        match self.main.came_ms().filter(|_| self.row.delay.ms > 0) {
            Some(gave_way_ms) => self.push(Some(Box::new(before)), outcome, gave_way_ms),
            None => self.behind = None,
        }
    }

    /// A provisional report goes on.
    pub fn reopens(&mut self, now_ms: i64) {
        if self.row.delay.ms > 0 {
            self.push(None, self.outcome(), now_ms);
        }
        self.state = ReportState::Live;
        self.kept = None;
        self.changes += 1;
    }

    fn push(&mut self, reading: Option<Box<Reading>>, outcome: Outcome, gave_way_ms: i64) {
        let (state, revision, kept_at_ms) = (self.state, self.revision, self.row.kept_at_ms);
        // None gave way before the one before it, also where the clock was set back.
        let gave_way_ms = self.formers.last().map_or(gave_way_ms, |last| last.gave_way_ms.max(gave_way_ms));
        if self.formers.len() == FORMERS_MAX {
            // The one that is seen now stays; what it leads to is another.
            self.formers.remove(1);
        }
        self.formers.push(Former { gave_way_ms, reading, state, outcome, revision, kept_at_ms });
    }

    /// Lets go of what nobody sees any more.
    pub fn let_formers_go(&mut self, until_ms: Option<i64>) {
        self.formers.retain(|former| until_ms.is_some_and(|until_ms| former.gave_way_ms > until_ms));
    }

    /// What those see who see what came until a time, and its reading; `None`: what is shown to all.
    fn then(&self, until_ms: i64) -> Option<(&Former, &Reading)> {
        let at = self.formers.iter().position(|former| former.gave_way_ms > until_ms)?;
        let reading = self.formers[at..].iter().find_map(Former::own_reading);
        Some((&self.formers[at], reading.unwrap_or(&self.main)))
    }

    /// Whether they see what gave way.
    pub(super) fn is_former_shown(&self, until_ms: i64) -> bool {
        self.formers.iter().any(|former| former.gave_way_ms > until_ms)
    }

    /// Whether its report is not to be kept before a time has come for those who are behind: the store holds that of another
    /// reading, which they see until then, and which it would replace.
    pub fn would_take_away(&self, now_ms: i64) -> bool {
        // Of the raid on whose page it stands, which need not be the one that it comes by.
        let Some(until_ms) = self.row.delay.until_ms(now_ms) else { return false };
        // By a clock that was set back since nobody knows when it came.
        self.replaces_kept() && self.main.came_ms().is_some_and(|at_ms| at_ms > until_ms && at_ms <= now_ms)
    }

    /// Whether the store holds the report of another reading, which its own is to replace.
    fn replaces_kept(&self) -> bool {
        self.row.state == ReportState::Final && self.row.kept_stream != Some(self.main.stream)
    }

    /// When what its report tells came, where it replaces another's that those see who are behind: it was held back until
    /// that has come for them, and need not wait for that again.
    pub fn came_ms(&self, now_ms: i64) -> Option<i64> {
        let came_ms = self.main.came_ms().filter(|_| self.replaces_kept() && self.row.delay.ms > 0);
        came_ms.map(|at_ms| at_ms.min(now_ms))
    }

    /// Where it stood at a time at which they see what gave way; `None` where the store has that, or nobody.
    pub(super) fn standing_then(&self, until_ms: i64) -> Option<Standing> {
        let (former, main) = self.then(until_ms)?;
        if self.row.created_at_ms > until_ms || main.deltas.count() == 0 {
            return None;
        }
        let log = main.log_until(former.revision, until_ms);
        let state = if former.is_shown(main, until_ms) { former.state } else { ReportState::Live };
        let (row, revision) = (self.row.clone(), former.revision);
        Some(Standing { row, kept: false, state, revision, log: Some(log) })
    }

    /// Brings those who see what gave way up to a time; true if they see it anew.
    pub(super) fn follow_former(&mut self, until_ms: i64, audience: &Audience, budget: &mut u64) -> bool {
        let held = self.behind.take();
        let Some((former, main)) = self.then(until_ms) else { return held.is_some() };
        let held = held.filter(|behind| behind.is_of(main));
        let was_there = held.is_some();
        let has_deltas = main.deltas.count() > 0;
        let made = held.or_else(|| match (has_deltas, former.reading.is_some()) {
            (true, _) => Behind::of(main),
            (false, true) => Some(Behind::whole(main)),
            (false, false) => None,
        });
        let Some(mut behind) = made else { return was_there };
        let was_caught_up = behind.caught_up;
        if has_deltas {
            behind.caught_up |= behind.bring_up(&main.deltas, until_ms, budget);
        }
        behind.as_kept = former.is_shown(main, until_ms).then(|| former.facts());
        // Who saw all of it before sees the same.
        let is_same = behind.caught_up && behind.as_kept.is_some() && self.screens.len() > BEHIND;
        let (anew, caught_up) = (!was_there && !is_same, behind.caught_up);
        self.behind = Some(behind);
        self.weigh();
        if anew {
            self.show_anew(audience);
        } else if caught_up
            && !was_caught_up
            && let Some((behind, screen)) = self.behind.as_ref().zip(self.screens.get_mut(BEHIND))
        {
            screen.happenings.step(Shown::to(audience, &behind.state));
        }
        anew
    }

    /// When those who see what came until a time are told that it ended, and what.
    pub fn ended_then(&self, until_ms: i64) -> Option<(i64, FeedHappening)> {
        match self.then(until_ms) {
            Some((former, reading)) if former.is_shown(reading, until_ms) => {
                let Former { state, outcome, revision, .. } = *former;
                // The checksum of what came until then is that of the second fold.
                let checksum = self.behind.as_ref()?.state.checksum().to_string();
                Some((former.kept_at_ms?, FeedHappening::FightEnded { state, outcome, revision, checksum }))
            }
            None if self.is_shown(until_ms) => Some((self.row.kept_at_ms?, self.ended())),
            Some(_) | None => None,
        }
    }
}
