//! Whether two readings of one name are of one fight. A name is made of a player and a begin, and now and then a meter has
//! several fights of both; PROTOCOL.md, section 1 says how those are named.
//!
//! One invariant: it does not matter which of two is asked about first. Every threshold stands here with its reason, and
//! nothing else decides. Where nothing shows that they are two they are one. Pure.

use std::collections::BTreeMap;

use raidcast_shared::event::{HitKind, TimedHit};
use raidcast_shared::fold::{EncounterState, Span};
use raidcast_shared::id::ActorId;
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
    /// Cost: both are folded, and where both tell single hits these are sorted, 40 bytes of each.
    pub fn likeness(&self, held: &Log) -> Likeness {
        // What cannot be folded shows nothing.
        let Ok(state) = held.fold(Span::ALL) else { return Likeness::Part };
        Seen { log: held, state: &state }.likeness(&Seen { log: &self.log, state: &self.state })
    }
}

/// What players did: damage to others and healing.
type Did = BTreeMap<(ActorId, HitKind), u64>;
/// A hit of a player, but for when it came, and that, ms since the begin.
type Single = ((ActorId, HitKind, u64), u32);

/// A reading, as far as it is compared.
struct Seen<'a> {
    log: &'a Log,
    /// Its fold.
    state: &'a EncounterState,
}

impl Seen<'_> {
    fn likeness(&self, other: &Self) -> Likeness {
        let ends = [self.ended_ms(), other.ended_ms()];
        if (ends[0].is_some() && ends[0] == ends[1]) || self.state.checksum() == other.state.checksum() {
            return Likeness::Same;
        }
        let did = [self.did(), other.did()];
        let singles = [self.singles(), other.singles()];
        let is_part = if did.iter().any(BTreeMap::is_empty) {
            true
        } else if singles.iter().any(Vec::is_empty) {
            let (one_in_two, two_in_one) = (is_within(&did[0], &did[1]), is_within(&did[1], &did[0]));
            match ends {
                [Some(one), Some(two)] if one.abs_diff(two) > GOES_ON_MS => one_in_two && two_in_one,
                [Some(one), Some(two)] if one < two => one_in_two,
                [Some(_), Some(_)] => two_in_one,
                // Which of them goes further is not told.
                _ => one_in_two || two_in_one,
            }
        } else {
            let fewer = singles[0].len().min(singles[1].len());
            in_common(&singles[0], &singles[1]) * 100 >= fewer * HITS_PERCENT
        };
        if is_part { Likeness::Part } else { Likeness::Other }
    }

    /// When it ended, ms since it began; `None` where it has not, or that is not told.
    fn ended_ms(&self) -> Option<i64> {
        let ending = self.log.ending.as_ref().filter(|ending| ending.outcome != Outcome::Unfinished)?;
        // Its begin may be kept as another than was told.
        Some(ending.ended_at_ms?.saturating_sub(self.log.header.started_at_ms))
    }

    fn did(&self) -> Did {
        let mut did = Did::new();
        for row in self.state.rows().iter().filter(|row| row.amount > 0) {
            let (source, target, kind) = (row.key.source, row.key.target, row.key.kind);
            // What players do to each other not every form tells.
            let is_told = kind == HitKind::Heal || !self.state.is_player(target);
            if is_told && self.state.is_player(source) {
                *did.entry((self.state.actor(source).id, kind)).or_default() += row.amount;
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

/// Whether one tells nothing that the other does not.
fn is_within(one: &Did, other: &Did) -> bool {
    let all: u128 = one.values().map(|amount| u128::from(*amount)).sum();
    let beyond = |(who, amount): (&(ActorId, HitKind), &u64)| {
        u128::from(amount.saturating_sub(other.get(who).copied().unwrap_or(0)))
    };
    one.iter().map(beyond).sum::<u128>() * 100 <= all * COUNTED_PERCENT
}

/// How many hits both tell; both are sorted.
fn in_common(one: &[Single], other: &[Single]) -> usize {
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
