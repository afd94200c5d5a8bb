//! What DPS and HPS are taken over: the time in which damage was dealt, and that in which anybody was healed.
//!
//! One rule for report, spans and feed. A fight's damage time goes from the first to the last damage that players
//! dealt, pauses between them included; likewise its healing time. Of a span it is what of that time lies in the span,
//! so a span over a pause counts the pause, and two spans that make the whole fight share its time. What deals nothing
//! (a hit of 0) is no damage.

use crate::event::{ActorIx, HitKind};
use crate::fold::{EncounterState, RowKey, Span};
use crate::report::ActiveTime;

/// What rates of a state are taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rates {
    /// `None` where players dealt no damage, or some of it at no known time.
    pub(super) damage: Option<ActiveTime>,
    /// Likewise for healing.
    pub(super) healing: Option<ActiveTime>,
    duration_ms: u32,
}

#[derive(Clone, Copy, Default)]
struct Extent(Option<(u32, u32)>);

impl Extent {
    fn widen(&mut self, (from, to): (u32, u32)) {
        self.0 = Some(self.0.map_or((from, to), |(first, last)| (first.min(from), last.max(to))));
    }

    fn within(self, span: Span) -> Option<ActiveTime> {
        let (first, last) = self.0?;
        let (first, last) = (first.max(span.from_ms), last.min(span.to_ms));
        (first <= last).then(|| ActiveTime { first_ms: first, last_ms: last, duration_ms: last - first })
    }
}

impl Rates {
    /// Cost: one pass over the pairs of the fold, and over the rows that are told as sums.
    pub(super) fn of(state: &EncounterState) -> Self {
        let players: Vec<bool> = (0..state.actors().len()).map(|at| state.is_player(ActorIx(at as u16))).collect();
        let is_player = |actor: ActorIx| players[usize::from(actor.0)];
        let counts = |source, target, kind| is_player(source) && (kind == HitKind::Heal || !is_player(target));
        let row_counts = |key: &RowKey| counts(key.source, key.target, key.kind);
        let (mut damage, mut healing) = (Extent::default(), Extent::default());
        let mut widen = |kind: HitKind, active: (u32, u32)| match kind {
            HitKind::Damage => damage.widen(active),
            HitKind::Heal => healing.widen(active),
        };
        for pair in state.pairs() {
            if let Some(active) = pair.active.filter(|_| counts(pair.source, pair.target, pair.kind)) {
                widen(pair.kind, active);
            }
        }
        for (key, active) in state.summed_active().filter(|(key, _)| row_counts(key)) {
            widen(key.kind, active);
        }
        if state.summed().untimed_amount > 0 {
            for (key, _) in state.growths().filter(|(key, growth)| growth.untimed > 0 && row_counts(key)) {
                match key.kind {
                    HitKind::Damage => damage = Extent(None),
                    HitKind::Heal => healing = Extent(None),
                }
            }
        }
        let span = state.span();
        Self { damage: damage.within(span), healing: healing.within(span), duration_ms: state.duration_ms() }
    }

    /// Seconds that DPS is taken over: at least one.
    pub(super) fn damage_seconds(&self) -> f64 {
        self.seconds(self.damage)
    }

    /// Seconds that HPS is taken over: at least one.
    pub(super) fn healing_seconds(&self) -> f64 {
        self.seconds(self.healing)
    }

    /// Where it is not known when, the time that the fight took stands in.
    fn seconds(&self, active: Option<ActiveTime>) -> f64 {
        let ms = active.map_or(self.duration_ms, |active| active.duration_ms);
        f64::from(ms.max(1000)) / 1000.0
    }
}
