//! Whether two readings of one name are of one fight. A name is made of a player and a begin, and now and then a meter has
//! several fights of both; PROTOCOL.md, section 1 says how those are named.
//!
//! One invariant: it does not matter which of two is asked about first. Every threshold stands here with its reason, and
//! nothing else decides. Where nothing shows that they are two they are one. Pure.

use std::collections::BTreeMap;

use raidcast_shared::event::{HitKind, TimedHit};
use raidcast_shared::fold::{EncounterState, Span};
use raidcast_shared::id::{ActorId, SkillId};
use raidcast_shared::log::Log;
use raidcast_shared::uplink::Outcome;

use crate::uploaded::Uploaded;

/// Two programs tell when a hit came at most so far apart, ms: some round to the second.
const ROUNDED_MS: u32 = 1_000;
/// So many of the single hits of the reading that has fewer are in the other where they are of one fight, in percent: all,
/// but for what one of them counts and the other does not. Of two fights next to none are, for amounts vary.
const HITS_PERCENT: usize = 90;
/// Of what is told as sums so much may be counted by one of them alone, in percent.
const COUNTED_PERCENT: u128 = 1;
/// A meter goes on with a fight at most so long after it told its end, ms. What goes on for longer is another fight, though
/// each of its players did more: in sums a long fight has all that a short one has.
const GOES_ON_MS: u64 = 10_000;
/// Unless each of at least so many sums grew, of every player with every skill: those of another fight are less here and
/// there.
const SUMS_COMPARED_MIN: usize = 10;

/// How like two readings of one name are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Likeness {
    /// They are of two fights.
    Other,
    /// They may be of one: what one tells is in what the other tells.
    Part,
    /// They are of one: they ended at one moment, or come to the same.
    Same,
}

impl Uploaded {
    /// How like what is held it is. Ids are keyed alike in both.
    ///
    /// Cost: where they did not end at one moment both are folded; where both tell single hits these are sorted, 40 bytes of
    /// each.
    pub fn likeness(&self, held: &Log) -> Likeness {
        let ends = [ended_ms(held), ended_ms(&self.log)];
        // Whatever each of them saw of it: fights begin together where a meter is started again, and end apart.
        if ends[0].is_some() && ends[0] == ends[1] {
            return Likeness::Same;
        }
        // What cannot be folded shows nothing.
        let Ok(state) = held.fold(Span::ALL) else { return Likeness::Part };
        Seen { log: held, state: &state }.likeness(&Seen { log: &self.log, state: &self.state }, ends)
    }
}

/// When it ended, ms since it began; `None` where it has not, or that is not told.
fn ended_ms(log: &Log) -> Option<i64> {
    let ending = log.ending.as_ref().filter(|ending| ending.outcome != Outcome::Unfinished)?;
    // Its begin may be kept as another than was told.
    Some(ending.ended_at_ms?.saturating_sub(log.header.started_at_ms))
}

/// What players did, with what: damage to others and healing.
type Did = BTreeMap<(ActorId, HitKind, SkillId), u64>;
/// A hit of a player, but for when it came, and that, ms since the begin.
type Single = ((ActorId, HitKind, u64), u32);

/// A reading, as far as it is compared.
struct Seen<'a> {
    log: &'a Log,
    /// Its fold.
    state: &'a EncounterState,
}

impl Seen<'_> {
    fn likeness(&self, other: &Self, ends: [Option<i64>; 2]) -> Likeness {
        if self.state.checksum() == other.state.checksum() {
            return Likeness::Same;
        }
        let did = [self.did(), other.did()];
        let singles = [self.singles(), other.singles()];
        let is_part = if did.iter().any(BTreeMap::is_empty) {
            true
        } else if singles.iter().any(Vec::is_empty) {
            is_part_in_sums(&did, ends)
        } else {
            !are_apart(&singles[0], &singles[1])
        };
        if is_part { Likeness::Part } else { Likeness::Other }
    }

    fn did(&self) -> Did {
        let mut did = Did::new();
        for row in self.state.rows().iter().filter(|row| row.amount > 0) {
            let (source, target, kind) = (row.key.source, row.key.target, row.key.kind);
            // What players do to each other not every form tells.
            let is_told = kind == HitKind::Heal || !self.state.is_player(target);
            if is_told && self.state.is_player(source) {
                let with = self.state.skill(row.key.skill).id;
                *did.entry((self.state.actor(source).id, kind, with)).or_default() += row.amount;
            }
        }
        did
    }

    /// Hits that did something; sorted.
    fn singles(&self) -> Vec<Single> {
        let mut singles = Vec::new();
        for TimedHit { at_ms, hit } in &self.log.content.hits {
            if hit.amount > 0 && self.state.is_player(hit.source) {
                singles.push(((self.state.actor(hit.source).id, hit.kind, hit.amount), *at_ms));
            }
        }
        singles.sort_unstable();
        singles
    }
}

/// Whether one of two tells nothing that the other does not, and may have come before it.
fn is_part_in_sums(did: &[Did; 2], ends: [Option<i64>; 2]) -> bool {
    // Not every form tells skills alike.
    let players = [by_player(&did[0]), by_player(&did[1])];
    let (one_in_two, two_in_one) = (is_within(&players[0], &players[1]), is_within(&players[1], &players[0]));
    let [Some(one), Some(two)] = ends else {
        // Which of them goes further is not told.
        return one_in_two || two_in_one;
    };
    let (earlier, later, is_within_later) =
        if one < two { (&did[0], &did[1], one_in_two) } else { (&did[1], &did[0], two_in_one) };
    let grew = || earlier.len() >= SUMS_COMPARED_MIN && is_within(earlier, later);
    (one_in_two && two_in_one) || (is_within_later && (one.abs_diff(two) <= GOES_ON_MS || grew()))
}

fn by_player(did: &Did) -> BTreeMap<(ActorId, HitKind), u64> {
    let mut all = BTreeMap::new();
    for ((who, kind, _), amount) in did {
        *all.entry((*who, *kind)).or_default() += *amount;
    }
    all
}

/// Whether one tells nothing that the other does not.
fn is_within<K: Ord>(one: &BTreeMap<K, u64>, other: &BTreeMap<K, u64>) -> bool {
    let all: u128 = one.values().map(|amount| u128::from(*amount)).sum();
    let beyond = |(what, amount): (&K, &u64)| u128::from(amount.saturating_sub(other.get(what).copied().unwrap_or(0)));
    one.iter().map(beyond).sum::<u128>() * 100 <= all * COUNTED_PERCENT
}

/// Whether two readings that both tell single hits tell others.
fn are_apart<K: Ord>(one: &[(K, u32)], other: &[(K, u32)]) -> bool {
    in_common(one, other) * 100 < one.len().min(other.len()) * HITS_PERCENT
}

/// How many hits both tell; both are sorted.
fn in_common<K: Ord>(one: &[(K, u32)], other: &[(K, u32)]) -> usize {
    let (mut here, mut there, mut common) = (0, 0, 0);
    while let (Some(hit), Some(like)) = (one.get(here), other.get(there)) {
        if hit.0 == like.0 && hit.1.abs_diff(like.1) <= ROUNDED_MS {
            (here, there, common) = (here + 1, there + 1, common + 1);
        } else if hit < like {
            here += 1;
        } else {
            there += 1;
        }
    }
    common
}
