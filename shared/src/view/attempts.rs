//! Attempts: when each was, how it went, and what players did to bosses in it.
//!
//! Exact or nothing: damage is kept by the second, with the first and the last hit in it, so what lies on which side of
//! an attempt's beginning is known unless one second has hits on both sides.

use std::collections::HashMap;

use super::course::{Course, tells_deaths};
use super::figures::is_players_damage;
use super::shown::Shown;
use crate::event::{ActorIx, AttemptReason, HitKind};
use crate::fold::{EncounterState, Pair, Span};
use crate::report::AttemptRow;
use crate::uplink::Outcome;

/// All attempts, by number, as far as they are told. Of one that the meter never ended the next one's beginning is the
/// end.
pub(super) fn begun(state: &EncounterState) -> Vec<AttemptRow> {
    let mut rows: Vec<AttemptRow> = state
        .attempts()
        .iter()
        .filter_map(|(index, attempt)| {
            let (reason, boss_hp_start) = *attempt.began.get()?;
            let reason = match reason {
                AttemptReason::Initial => "initial",
                AttemptReason::Rollback => "rollback",
                AttemptReason::Wipe => "wipe",
                AttemptReason::Manual => "manual",
                AttemptReason::Other => "other",
            };
            Some(AttemptRow {
                index: *index,
                start_ms: attempt.began.stamp().map_or(0, |stamp| stamp.at_ms),
                end_ms: attempt.ended.stamp().map(|stamp| stamp.at_ms),
                reason: reason.into(),
                boss_hp_start,
                boss_hp_end: attempt.ended.get().copied().flatten(),
                deaths: 0,
                outcome: Outcome::Unknown,
                boss_damage: None,
            })
        })
        .collect();
    let deaths = state.deaths();
    for at in 0..rows.len() {
        let next = rows.get(at + 1).map(|next| next.start_ms);
        rows[at].end_ms = rows[at].end_ms.or(next);
        let (from_ms, to_ms) = stretch(&rows[at]);
        let first = deaths.partition_point(|death| death.stamp.at_ms < from_ms);
        let inside = deaths[first..].iter().take_while(|death| death.stamp.at_ms < to_ms);
        rows[at].deaths = inside.filter(|death| state.is_player(death.actor)).count() as u64;
    }
    rows
}

/// All attempts, with how they went; `ended` is how the fight did, once it has.
///
/// Of a part of a fight only what it shows by itself: how an attempt went is a fact of the whole fight.
///
/// Cost: where an attempt is over, one pass over seconds.
pub fn attempts(shown: Shown<'_>, ended: Option<Outcome>) -> Vec<AttemptRow> {
    let state = shown.state();
    let mut rows = begun(state);
    let any_over = !rows.is_empty() && (ended.is_some() || rows.iter().any(|row| row.end_ms.is_some()));
    if state.span() != Span::ALL || !any_over {
        return rows;
    }
    let course = Course::of(state);
    let starts: Vec<_> = rows.iter().map(|row| row.start_ms).collect();
    // Behind it is what a meter began when the boss came back, and nobody went on.
    let deciding = course.last_acted(&starts).map_or(rows.len() - 1, |(_, at)| at);
    let damage = BossDamage::of(state);
    let deaths_tell = tells_deaths(state);
    for at in 0..rows.len() {
        let (from_ms, to_ms) = stretch(&rows[at]);
        let next = rows.get(at + 1).map(|next| next.reason.as_str());
        let row = &rows[at];
        let over = row.end_ms.is_some() || ended.is_some();
        let of_itself = || {
            if row.boss_hp_end == Some(0) || course.is_kill(from_ms, to_ms) {
                Outcome::Kill
            } else if next == Some("wipe") || (deaths_tell && course.is_wipe(from_ms, to_ms)) {
                Outcome::Wipe
            } else if next == Some("rollback") {
                Outcome::Reset
            } else {
                Outcome::Unknown
            }
        };
        let outcome = match ended {
            Some(outcome) if at == deciding && outcome != Outcome::Unknown => outcome,
            _ if at > deciding || !over => Outcome::Unknown,
            _ => of_itself(),
        };
        let boss_damage = damage.as_ref().filter(|_| over).and_then(|damage| damage.between(from_ms, to_ms));
        rows[at].outcome = outcome;
        rows[at].boss_damage = boss_damage;
    }
    rows
}

fn stretch(row: &AttemptRow) -> (u32, u32) {
    (row.start_ms, row.end_ms.unwrap_or(u32::MAX))
}

/// Amounts of one player's hits on one target: all, and of those that say it is a boss.
#[derive(Clone, Copy, Default)]
struct PairSums {
    hits: u64,
    of_them_boss: u64,
}

/// Players' damage to bosses, over time.
struct BossDamage {
    /// Of hits, by second: first and last, ms, and what came before this second.
    seconds: Vec<(u16, u16, u64)>,
    /// Of sums: when they were told, and what had come until then.
    summed: Vec<(u32, u64)>,
}

impl BossDamage {
    /// `None` where some of it has no time, or where of the hits of one player on one target only some say that it is
    /// a boss.
    fn of(state: &EncounterState) -> Option<Self> {
        let told_boss = |target: ActorIx| state.actor(target).boss.get() == Some(&true);
        let mut sums: HashMap<(ActorIx, ActorIx), PairSums> = HashMap::new();
        for row in state.rows().iter().filter(|row| is_players_damage(state, row)) {
            let held = sums.entry((row.key.source, row.key.target)).or_default();
            held.hits += row.amount - row.summed_amount;
            held.of_them_boss += row.boss_amount;
        }
        let is_boss_pair = |pair: &&Pair| {
            pair.kind == HitKind::Damage
                && sums.get(&(pair.source, pair.target)).is_some_and(|held| held.of_them_boss > 0)
        };
        if sums.values().any(|held| held.of_them_boss > 0 && held.of_them_boss < held.hits) {
            return None;
        }
        let mut seconds: Vec<(u16, u16, u64)> = Vec::new();
        for held in state.pairs().iter().filter(is_boss_pair).flat_map(|pair| &pair.seconds) {
            let at = held.second as usize;
            if at >= seconds.len() {
                seconds.resize(at + 1, (u16::MAX, 0, 0));
            }
            let (first, last, amount) = &mut seconds[at];
            (*first, *last) = ((*first).min(held.first_ms), (*last).max(held.last_ms));
            *amount += held.amount;
        }
        let mut summed: Vec<(u32, u64)> = Vec::new();
        for (key, growth) in state.growths().filter(|(key, _)| key.kind == HitKind::Damage) {
            let Some(held) = sums.get(&(key.source, key.target)) else { continue };
            if held.of_them_boss > 0 && growth.timed > 0 {
                // Seconds hold sums too.
                seconds[growth.at_ms as usize / 1000].2 -= growth.timed;
            }
            if told_boss(key.target) {
                if growth.untimed > 0 {
                    return None;
                }
                summed.push((growth.at_ms, growth.timed));
            }
        }
        let mut before = 0;
        for (_, _, amount) in &mut seconds {
            (*amount, before) = (before, before + *amount);
        }
        seconds.push((u16::MAX, 0, before));
        summed.sort_unstable();
        let mut sum = 0;
        for (_, amount) in &mut summed {
            sum += *amount;
            *amount = sum;
        }
        Some(Self { seconds, summed })
    }

    fn between(&self, from_ms: u32, to_ms: u32) -> Option<u64> {
        if to_ms <= from_ms {
            return Some(0);
        }
        Some(self.before(to_ms)? - self.before(from_ms)?)
    }

    /// What came before a time, unless the hits of its second lie on both sides.
    fn before(&self, ms: u32) -> Option<u64> {
        let summed = self.summed[..self.summed.partition_point(|(at, _)| *at < ms)].last().map_or(0, |(_, sum)| *sum);
        let last = self.seconds.len() - 1;
        let (second, into) = (ms as usize / 1000, (ms % 1000) as u16);
        let hits = match self.seconds.get(second).filter(|_| second < last) {
            None => self.seconds[last].2,
            Some((first, last, before)) if first > last || *first >= into => *before,
            Some((_, last, _)) if *last < into => self.seconds[second + 1].2,
            Some(_) => return None,
        };
        Some(hits + summed)
    }
}
