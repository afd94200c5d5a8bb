//! Which figures a source tells at all: what it does not is unknown, never 0.
//!
//! One rule for report, list, span and feed: a figure is unknown if the fight's source says that it does not tell it
//! ([`Knows`](crate::event::Knows)), and nothing told it after all.

use super::shown::Shown;
use crate::fold::{EncounterState, Row, Span};
use crate::report::Totals;

/// Which figures of a fight are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Known {
    /// Whom each hit reached, so who took what, and what went to bosses.
    pub(super) targets: bool,
    pub(super) deaths: bool,
}

impl Known {
    pub(super) fn of(state: &EncounterState) -> Self {
        let knows = &state.header().knows;
        Self { targets: !knows.no_targets, deaths: !knows.no_deaths || !state.deaths().is_empty() }
    }

    /// The figures of somebody who did nothing yet.
    pub(super) fn nothing(self) -> Totals {
        Totals {
            boss_damage: self.targets.then_some(0),
            damage_taken: self.targets.then_some(0),
            deaths: self.deaths.then_some(0),
            ..Totals::default()
        }
    }
}

/// Adds to a figure, where that is known.
pub(super) fn add(figure: &mut Option<u64>, more: u64) {
    if let Some(sum) = figure {
        *sum += more;
    }
}

/// The greatest single hit of a row; unknown where some of it is told as sums alone.
pub(super) fn max_hit(row: &Row) -> Option<u64> {
    (row.summed_hits == 0 && row.summed_amount == 0).then_some(row.max)
}

/// Whether any of a fight's damage and healing came at a known time: else there is no timeline, and a part of the fight
/// holds nothing.
pub fn is_timed(shown: Shown<'_>) -> bool {
    let state = shown.state();
    let untimed = state.summed().untimed_amount;
    let all = state.rows().iter().map(|row| row.amount).sum::<u64>();
    untimed == 0 || untimed < all
}

/// Whether nothing of a fight could be taken: it holds nothing but what is missing.
pub(super) fn is_stub(state: &EncounterState) -> bool {
    let told = state.actors().iter().any(|actor| actor.told_taken.or(actor.told_to_bosses).is_some());
    // A part of a fight may be empty.
    let whole = state.span() == Span::ALL;
    whole && state.rows().is_empty() && state.deaths().is_empty() && !told && !state.missing().is_empty()
}

impl Totals {
    /// Sums over several; a figure that is unknown of one is unknown of all.
    #[must_use]
    pub(super) fn and(self, other: &Self) -> Self {
        let both = |a: Option<u64>, b: Option<u64>| Some(a? + b?);
        Self {
            damage: self.damage + other.damage,
            boss_damage: both(self.boss_damage, other.boss_damage),
            healing: self.healing + other.healing,
            damage_taken: both(self.damage_taken, other.damage_taken),
            hits: self.hits + other.hits,
            heal_hits: self.heal_hits + other.heal_hits,
            deaths: both(self.deaths, other.deaths),
        }
    }

    /// Whether nothing is known to have been done.
    pub(super) fn is_nothing(&self) -> bool {
        let Self { damage, boss_damage, healing, damage_taken, hits, heal_hits, deaths } = *self;
        let told = [boss_damage, damage_taken, deaths].map(Option::unwrap_or_default);
        [damage, healing, hits, heal_hits].iter().chain(&told).all(|figure| *figure == 0)
    }
}
