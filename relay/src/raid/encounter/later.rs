//! What is shown of an encounter, and when: on each screen as much as its spectators see by now.
//!
//! One invariant: those who are behind are shown what came until the time that they were brought up to, and nothing else.

use raidcast_shared::feed::FeedFightRef;
use raidcast_shared::fold::EncounterState;
use raidcast_shared::uplink::ReportState;
use raidcast_shared::view::{self, Audience, LiveFacts, Shown};

use super::{LiveEncounter, Screen};
use crate::access::nameless;
use crate::raid::behind::Behind;
use crate::raid::log::Standing;

/// Which of the screens is of those who are behind, where anybody is.
pub(super) const BEHIND: usize = 1;

/// What a screen shows.
pub struct Scenery<'a> {
    /// The fight.
    pub state: &'a EncounterState,
    /// When its newest event was read by the client and received here, Unix ms.
    pub times: (i64, i64),
    /// Its report.
    pub report_id: &'a str,
}

impl LiveEncounter {
    /// What one of its screens shows, as far as its spectators see the fight. All screens are told which seconds have
    /// changed; one that is new has seen nothing of the fight yet.
    pub fn screen(&mut self, at: usize) -> (&mut Screen, Scenery<'_>) {
        let changed = self.main.state.take_changed_seconds();
        let Self { screens, main, behind, row, .. } = self;
        let with_all = if behind.is_some() { BEHIND } else { usize::MAX };
        let views = screens.iter_mut().take(with_all).flat_map(|screen| &mut screen.views);
        views.for_each(|view| view.note(&changed));
        while screens.len() <= at {
            screens.push(Screen::of_all(&main.state));
        }
        let (state, times) = match behind {
            Some(behind) if at == BEHIND => {
                let changed = behind.state.take_changed_seconds();
                screens[at].views.iter_mut().for_each(|view| view.note(&changed));
                (&behind.state, behind.times)
            }
            _ => (&main.state, main.times),
        };
        (&mut screens[at], Scenery { state, times, report_id: &row.report_id })
    }

    /// What is known beside the fold to those who watch one of its screens.
    pub fn facts_on(&self, at: usize) -> LiveFacts {
        match self.behind.as_ref().filter(|_| at == BEHIND) {
            Some(behind) => behind.as_kept.unwrap_or(LiveFacts::of_one_that_goes_on(1)),
            None => self.facts(),
        }
    }

    /// What one of its screens holds now, with what it shows; `None` if it is not made yet.
    pub fn seen(&self, at: usize) -> Option<(&Screen, &EncounterState, (i64, i64))> {
        let screen = self.screens.get(at)?;
        Some(match &self.behind {
            Some(behind) if at == BEHIND => (screen, &behind.state, behind.times),
            _ => (screen, &self.main.state, self.main.times),
        })
    }

    /// Brings those who are behind up to a time, at or after which it began; true if they see it anew.
    pub fn follow(&mut self, until_ms: i64, audience: &Audience, budget: &mut u64) -> bool {
        if self.is_former_shown(until_ms) {
            return self.follow_former(until_ms, audience, budget);
        }
        if self.is_shown(until_ms) {
            let anew = self.behind.take().is_some();
            if anew {
                self.show_anew(audience);
            }
            return anew;
        }
        // Nothing tells of one that was read from its kept log how it stood then.
        if !self.has_deltas() {
            return self.behind.take().is_some();
        }
        let held = self.behind.take().filter(|behind| behind.is_of(&self.main));
        let anew = held.is_none();
        let Some(mut behind) = held.or_else(|| Behind::of(&self.main)) else { return anew };
        let was_caught_up = behind.caught_up;
        behind.as_kept = None;
        behind.caught_up |= behind.bring_up(&self.main.deltas, until_ms, budget);
        self.behind = Some(behind);
        self.weigh();
        if anew {
            self.show_anew(audience);
        } else if !was_caught_up && let Some((behind, screen)) = self.behind.as_ref().zip(self.screens.get_mut(BEHIND))
        {
            // A long one comes in parts: what is in them happened before.
            screen.happenings.step(Shown::to(audience, &behind.state));
        }
        anew
    }

    /// What they hold is of what they see from now on, and nothing of it is news.
    pub(super) fn show_anew(&mut self, audience: &Audience) {
        let state = self.behind.as_ref().map_or(&self.main.state, |behind| &behind.state);
        let mut screen = Screen::of_all(state);
        screen.happenings.step(Shown::to(audience, state));
        while self.screens.len() < BEHIND {
            self.screens.push(Screen::of_all(&self.main.state));
        }
        self.screens.truncate(BEHIND);
        self.screens.push(screen);
    }

    /// Nobody is behind any more.
    pub fn unfollow(&mut self) {
        self.screens.truncate(BEHIND);
        self.behind = None;
    }

    /// Whether it goes on for those who are behind.
    pub fn is_followed(&self) -> bool {
        self.behind.as_ref().is_some_and(|behind| behind.as_kept.is_none())
    }

    /// Whether there is something of it that they see.
    pub fn is_there(&self, until_ms: i64) -> bool {
        self.behind.is_some() || self.is_shown(until_ms)
    }

    /// Whether all of it, its report too, came until a time.
    pub fn is_shown(&self, until_ms: i64) -> bool {
        let is_then = |at_ms: Option<i64>| at_ms.is_none_or(|at_ms| at_ms <= until_ms);
        self.state != ReportState::Live
            && !self.is_former_shown(until_ms)
            && self.row.kept_at_ms.is_some_and(|kept_at_ms| kept_at_ms <= until_ms)
            && is_then(self.main.ended_ms)
            && is_then(self.main.deltas.last_ms())
    }

    /// Whether anything of it came after a time.
    pub fn is_ahead_of(&self, until_ms: i64) -> bool {
        let later = |at_ms: Option<i64>| at_ms.is_some_and(|at_ms| at_ms > until_ms);
        self.row.created_at_ms > until_ms
            || self.is_former_shown(until_ms)
            || later(self.main.ended_ms)
            || later(self.main.deltas.last_ms())
            || (self.state != ReportState::Live && later(self.row.kept_at_ms))
    }

    fn has_deltas(&self) -> bool {
        self.main.deltas.count() > 0 || self.main.state.seq() == 0
    }

    /// Where it stood at a time; `None` if nobody knows.
    pub fn standing_until(&self, until_ms: i64) -> Option<Standing> {
        if self.is_former_shown(until_ms) {
            return self.standing_then(until_ms);
        }
        if self.is_shown(until_ms) {
            return Some(self.standing());
        }
        if self.row.created_at_ms > until_ms || !self.has_deltas() {
            return None;
        }
        let log = self.main.log_until(self.revision, until_ms);
        let (row, state) = (self.row.clone(), ReportState::Live);
        Some(Standing { row, kept: false, state, revision: self.revision, log: Some(log) })
    }

    /// Its line among the raid's fights, for those who see what came until a time.
    pub fn line_until(&self, until_ms: i64) -> Option<FeedFightRef> {
        if self.is_shown(until_ms) {
            return Some(self.line());
        }
        let Behind { state, as_kept, .. } = self.behind.as_ref()?;
        let facts = as_kept.unwrap_or(LiveFacts::of_one_that_goes_on(1));
        Some(FeedFightRef {
            state: facts.state,
            outcome: facts.outcome,
            title: view::title(Shown::to(nameless(), state)),
            duration_ms: state.duration_ms(),
            ..self.line()
        })
    }
}
