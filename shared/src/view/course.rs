//! How a fight went: who was down when, and whether a boss lived. The one place where an outcome is decided that the
//! meter does not tell.
//!
//! A wipe is shown where the fight has ended, its source tells deaths, somebody died, nobody stood any more, and a boss
//! lived. Of several attempts the last one counts in which anybody did anything. Never guessed: where the source tells
//! too little, the outcome stays as it was told.

use std::collections::{BTreeMap, HashSet};

use super::seconds::Seconds;
use super::shown::Shown;
use crate::event::ActorIx;
use crate::fold::{EncounterState, Span};
use crate::uplink::{Ending, Outcome};

/// What comes of somebody so long after their death does not say that they stand, ms: summons, burns and bolts in the
/// air go on for a few seconds.
pub(super) const RESIDUE_MS: u32 = 5_000;
/// Who was neither seen to act nor was reached for so long before the last death had left, ms: in a boss fight somebody
/// who is there is hit, or healed, or does something.
const GONE_MS: u32 = 20_000;

/// How a fight went: as its meter tells, or a wipe where the fold shows one.
///
/// Cost: nothing where the meter tells; else one pass over seconds.
pub fn outcome(shown: Shown<'_>, ending: Option<&Ending>) -> Outcome {
    let state = shown.state();
    let told = ending.map_or(Outcome::Unknown, |ending| ending.outcome);
    let is_told = matches!(told, Outcome::Kill | Outcome::Wipe | Outcome::Reset);
    // A part of a fight does not show who stood at its end.
    if is_told || ending.is_none() || state.span() != Span::ALL || !tells_deaths(state) {
        return told;
    }
    let course = Course::of(state);
    let (from_ms, _) = course.last_acted(&starts(state)).unwrap_or_default();
    if course.is_wipe(from_ms, u32::MAX) { Outcome::Wipe } else { told }
}

/// When attempts began, by number.
pub(super) fn starts(state: &EncounterState) -> Vec<u32> {
    state.attempts().values().filter_map(|attempt| Some(attempt.began.stamp()?.at_ms)).collect()
}

/// Whether a death says something, and there is one.
pub(super) fn tells_deaths(state: &EncounterState) -> bool {
    !state.header().knows.no_deaths && state.deaths().iter().any(|death| state.is_player(death.actor))
}

/// What was seen of somebody, by the second.
#[derive(Debug, Default)]
struct Seen {
    /// In which they acted, and were not dead.
    acted: Seconds,
    /// In which something reached them.
    reached: Seconds,
    /// Their deaths, ms.
    deaths: Vec<u32>,
    /// They stood up then, ms.
    revived: Option<u32>,
}

impl Seen {
    fn died_before(&self, to_ms: u32) -> Option<u32> {
        self.deaths[..self.deaths.partition_point(|died| *died < to_ms)].last().copied()
    }

    /// What came soon after a death was on its way before.
    fn drop_residue(&mut self) {
        for died in &self.deaths {
            for second in died / 1000 + 1..=(died + RESIDUE_MS) / 1000 {
                self.acted.remove(second);
            }
        }
    }

    fn was_in(&self, from_ms: u32, to_ms: u32) -> bool {
        self.acted.last_in(from_ms, to_ms).or(self.reached.last_in(from_ms, to_ms)).is_some()
            || self.died_before(to_ms).is_some_and(|died| died >= from_ms)
    }

    /// Whether they lay dead then.
    fn is_down(&self, to_ms: u32) -> bool {
        self.died_before(to_ms).is_some_and(|died| {
            let acted = self.acted.last_in(died + 1, to_ms).is_some();
            let stood_up = self.revived.is_some_and(|at| (died..to_ms).contains(&at));
            !acted && !stood_up
        })
    }

    /// Until when they were seen, ms.
    fn last_seen(&self, to_ms: u32) -> u32 {
        let second = self.acted.last_in(0, to_ms).max(self.reached.last_in(0, to_ms));
        let revived = self.revived.filter(|at| *at < to_ms);
        second.map(|second| second * 1000 + 999).max(revived).unwrap_or(0)
    }
}

/// What was seen of a boss.
#[derive(Debug)]
struct BossSeen {
    /// In which it did or took something.
    there: Seconds,
    /// When it died, ms.
    died: Option<u32>,
}

/// Who was seen when, in a whole fight.
#[derive(Debug)]
pub(super) struct Course {
    players: BTreeMap<ActorIx, Seen>,
    bosses: BTreeMap<ActorIx, BossSeen>,
}

impl Course {
    pub(super) fn of(state: &EncounterState) -> Self {
        let mut players: BTreeMap<ActorIx, Seen> = BTreeMap::new();
        let mut bosses: BTreeMap<ActorIx, BossSeen> = BTreeMap::new();
        let flagged: HashSet<_> =
            state.rows().iter().filter(|row| row.boss_hits > 0).map(|row| row.key.target).collect();
        for (at, actor) in state.actors().iter().enumerate() {
            let ix = ActorIx(at as u16);
            if state.is_player(ix) {
                let revived = actor.alive.stamp().filter(|_| actor.alive.get() == Some(&true));
                players.insert(ix, Seen { revived: revived.map(|stamp| stamp.at_ms), ..Seen::default() });
            } else if actor.boss.get() == Some(&true) || flagged.contains(&ix) {
                let dead = [
                    actor.defeated.stamp().filter(|_| actor.defeated.get() == Some(&true)),
                    actor.alive.stamp().filter(|_| actor.alive.get() == Some(&false)),
                    actor.hp.stamp().filter(|_| actor.hp.get() == Some(&0)),
                ];
                let died = dead.into_iter().flatten().map(|stamp| stamp.at_ms).min();
                bosses.insert(ix, BossSeen { there: Seconds::default(), died });
            }
        }
        let mut see = |source: ActorIx, target: ActorIx, second: u32| {
            if let Some(player) = players.get_mut(&source) {
                player.acted.insert(second);
            }
            if let Some(player) = players.get_mut(&target) {
                player.reached.insert(second);
            }
            for boss in [source, target] {
                if let Some(boss) = bosses.get_mut(&boss) {
                    boss.there.insert(second);
                }
            }
        };
        for pair in state.pairs() {
            for held in pair.seconds.iter().filter(|held| held.amount > 0) {
                see(pair.source, pair.target, held.second);
            }
        }
        // What came at no known time may have come until it was told.
        if state.summed().untimed_amount > 0 {
            for (key, growth) in state.growths().filter(|(_, growth)| growth.untimed > 0) {
                see(key.source, key.target, growth.at_ms / 1000);
            }
        }
        for death in state.deaths() {
            if let Some(player) = players.get_mut(&death.actor) {
                player.deaths.push(death.stamp.at_ms);
            }
        }
        players.values_mut().for_each(Seen::drop_residue);
        Self { players, bosses }
    }

    /// The last of these stretches in which a player did something, each from one beginning to the fight's end: where
    /// it began, and its place.
    pub(super) fn last_acted(&self, starts: &[u32]) -> Option<(u32, usize)> {
        (0..starts.len()).rev().find_map(|at| {
            let acted = |seen: &Seen| seen.acted.last_in(starts[at], u32::MAX).is_some();
            self.players.values().any(acted).then_some((starts[at], at))
        })
    }

    /// Whether somebody died in this stretch, nobody stood at its end, and a boss lived.
    pub(super) fn is_wipe(&self, from_ms: u32, to_ms: u32) -> bool {
        let died = |seen: &Seen| seen.died_before(to_ms).filter(|died| *died >= from_ms);
        let Some(last_death) = self.players.values().filter_map(died).max() else { return false };
        let stands = |seen: &Seen| {
            seen.was_in(from_ms, to_ms)
                && !seen.is_down(to_ms)
                && seen.last_seen(to_ms) >= last_death.saturating_sub(GONE_MS)
        };
        !self.players.values().any(stands) && self.bosses_in(from_ms, to_ms).any(|died| died.is_none())
    }

    /// Who lay dead then of those who died in the stretch before it, in the order in which they died.
    pub(super) fn down_at(&self, from_ms: u32, at_ms: u32) -> Vec<ActorIx> {
        let died = |(&actor, seen): (&ActorIx, &Seen)| {
            let died = seen.died_before(at_ms).filter(|died| *died >= from_ms && seen.is_down(at_ms))?;
            Some((died, actor))
        };
        let mut down: Vec<_> = self.players.iter().filter_map(died).collect();
        down.sort_unstable();
        down.into_iter().map(|(_, actor)| actor).collect()
    }

    /// Whether every boss that was there in this stretch died in it.
    pub(super) fn is_kill(&self, from_ms: u32, to_ms: u32) -> bool {
        let mut bosses = self.bosses_in(from_ms, to_ms).peekable();
        bosses.peek().is_some() && bosses.all(|died| died.is_some_and(|died| died >= from_ms))
    }

    /// When bosses died, before the end of this stretch, that were seen in it.
    fn bosses_in(&self, from_ms: u32, to_ms: u32) -> impl Iterator<Item = Option<u32>> + '_ {
        let there = move |boss: &&BossSeen| boss.there.last_in(from_ms, to_ms).is_some();
        self.bosses.values().filter(there).map(move |boss| boss.died.filter(|died| *died < to_ms))
    }
}
