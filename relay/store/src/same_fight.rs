//! Whether two reports are of one fight, seen from two places.
//!
//! One invariant: it does not matter which of two is asked about first. Every threshold stands here with its reason, and
//! nothing else decides. Deliberately not here: how candidates are read, and who may see that they are the same. Pure.
//!
//! What two meters tell of one fight differs: clocks do, who came late or left early tells less, hits far away are seen by
//! one alone, and languages name a boss differently. Bytes never agree, and need not: a player cannot be in two fights at
//! one time, so the same players at the same time is nearly all that has to be shown. What players did is compared as well,
//! so that nobody hangs an invented fight onto another's by knowing who was there.

use std::collections::HashMap;

use serde::Serialize;

use crate::{Derived, Term};

/// Two machines' clocks are at most so far apart, ms. Those that are set over the network, as nearly all are, differ by
/// less than two seconds; a pull that is begun anew at once comes some 30 s later.
const CLOCKS_APART_MS: i64 = 30_000;
/// Who saw at least so much of the longer saw all of it, in percent: a meter begins with the first hit that it sees.
const WHOLE_PERCENT: i128 = 90;
/// At least so much of the shorter is of the time of the longer, in percent: pulls that follow each other are not one.
const OVERLAP_PERCENT: i128 = 50;
/// At least so many of the players whom the one with fewer tells are told by both, in percent: far away or late ones are
/// told by one alone.
const PLAYERS_PERCENT: u64 = 66;
/// At least so much of the damage of either is of players whom both tell, in percent.
const COMMON_DAMAGE_PERCENT: u64 = 80;
/// Shares of damage differ by so much at the most where both saw the whole, in thousandths of all of it: hits out of
/// sight are some percent.
const SHARES_APART: u64 = 100;
/// Where one saw a part, and shares of a part are others than those of the whole.
const SHARES_APART_IN_PART: u64 = 300;
/// All damage differs by so much at the most where both saw the whole, in percent of the greater.
const TOTALS_APART_PERCENT: u64 = 15;

/// Where one saw a part: its damage a second is at most so many times the other's, either way. Openings and last pushes are
/// some times the mean.
const RATES_TIMES: u128 = 4;

/// A fight, as far as it is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The first combat event, Unix ms.
    pub first_ms: i64,
    /// The last, Unix ms.
    pub last_ms: i64,
    /// The game's id of the place, where told.
    pub scene_id: Option<i64>,
    /// Bosses: type, where told, and name.
    pub bosses: Vec<(Option<i64>, String)>,
    /// Players' keys and damage; monsters' damage is no part of it.
    pub players: Vec<(String, u64)>,
}

impl Seen {
    /// Of what is derived of a report; `None` where that tells no time.
    pub fn of(derived: &Derived, scene_id: Option<i64>) -> Option<Self> {
        let time = derived.time?;
        Some(Self {
            first_ms: time.first_at_ms,
            last_ms: time.last_at_ms,
            scene_id,
            bosses: derived.bosses.iter().map(|boss| (boss.monster_id, boss.boss_name.clone())).collect(),
            players: derived
                .players
                .iter()
                .map(|player| (player.actor_id.clone(), player.damage_dealt.max(0).cast_unsigned()))
                .collect(),
        })
    }

    /// Where the other begins or ends if both are of one fight: within so much of this one's.
    pub fn reach(&self) -> Reach {
        let around = |ms: i64| (ms.saturating_sub(CLOCKS_APART_MS), ms.saturating_add(CLOCKS_APART_MS));
        let terms = self.players.iter().map(|(key, _)| Term::player(key)).collect();
        Reach {
            first_ms: self.first_ms,
            last_ms: self.last_ms,
            first: around(self.first_ms),
            last: around(self.last_ms),
            terms,
        }
    }
}

/// Which fights are compared with one: those that begin or end with it, by others, and have a player of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    /// When it began, Unix ms.
    pub first_ms: i64,
    /// When it ended, Unix ms.
    pub last_ms: i64,
    /// From and to: the other's first combat event.
    pub first: (i64, i64),
    /// Or its last.
    pub last: (i64, i64),
    /// Its players.
    pub terms: Vec<Term>,
}

/// Of one account's fights that begin or end with one, so many are compared with it, those whose edges are nearest: a
/// meter that split the fight has two.
pub const COMPARED_OF_ACCOUNT: i64 = 3;
/// And so many of all accounts: a raid of twenty, each with a meter of their own, and as many strangers.
pub const COMPARED_MAX: i64 = 3 * 40;

/// So many of a fight's other reports are told: more than a raid has meters.
pub const TOLD_MAX: i64 = 20;
/// So many of one account are candidates for that: the most alike that somebody may be led to is told, and an account's
/// nearest may hide its players from him, while another of its reports does not.
pub const CANDIDATES_OF_ACCOUNT: i64 = COMPARED_OF_ACCOUNT;
/// And so many of all accounts: however many one has, as many accounts have one as are told.
pub const CANDIDATES_MAX: i64 = TOLD_MAX * CANDIDATES_OF_ACCOUNT;

/// Another fight, as it is compared.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Its encounter.
    pub encounter: i64,
    /// What it is.
    pub seen: Seen,
}

/// A fight that is to be compared.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "columns are described in the migrations")]
pub struct NearColumns {
    pub encounter: i64,
    pub scene_id: Option<i64>,
    pub first_at_ms: i64,
    pub last_at_ms: i64,
}

/// A player of one.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "columns are described in the migrations")]
pub struct PlayerColumns {
    pub encounter: i64,
    pub actor_id: String,
    pub damage_dealt: i64,
}

/// A boss of one.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "columns are described in the migrations")]
pub struct BossColumns {
    pub encounter: i64,
    pub monster_id: Option<i64>,
    pub boss_name: String,
}

/// Fights with their players and bosses.
pub fn candidates(near: &[NearColumns], players: Vec<PlayerColumns>, bosses: Vec<BossColumns>) -> Vec<Candidate> {
    let seen = |near: &NearColumns| Seen {
        first_ms: near.first_at_ms,
        last_ms: near.last_at_ms,
        scene_id: near.scene_id,
        bosses: Vec::new(),
        players: Vec::new(),
    };
    let mut all: HashMap<i64, Seen> = near.iter().map(|near| (near.encounter, seen(near))).collect();
    for PlayerColumns { encounter, actor_id, damage_dealt } in players {
        if let Some(seen) = all.get_mut(&encounter) {
            seen.players.push((actor_id, damage_dealt.max(0).cast_unsigned()));
        }
    }
    for BossColumns { encounter, monster_id, boss_name } in bosses {
        if let Some(seen) = all.get_mut(&encounter) {
            seen.bosses.push((monster_id, boss_name));
        }
    }
    all.into_iter().map(|(encounter, seen)| Candidate { encounter, seen }).collect()
}

/// Two reports of one fight, one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "columns are described in the migrations")]
pub struct LinkRow {
    pub encounter: i64,
    pub other: i64,
    pub overlap_ms: i64,
    pub apart_ms: i64,
}

/// Those of the others that are of the same fight, both ways.
pub fn links(encounter: i64, seen: &Seen, others: &[Candidate]) -> Vec<LinkRow> {
    let like = |other: &Candidate| compare(seen, &other.seen).ok().map(|likeness| (other.encounter, likeness));
    let both = |(other, Likeness { overlap_ms, apart_ms, .. })| {
        [(encounter, other), (other, encounter)].map(|(encounter, other)| LinkRow {
            encounter,
            other,
            overlap_ms,
            apart_ms,
        })
    };
    others.iter().filter_map(like).flat_map(both).collect()
}

/// The others of an encounter's fight: those that were until now, and those that are by the pairs in their place. Each
/// once, in the order of their rows.
pub fn before_and_now(encounter: i64, before: Vec<i64>, now: &[LinkRow]) -> Vec<i64> {
    let mut others = before;
    others.extend(now.iter().filter(|link| link.encounter == encounter).map(|link| link.other));
    others.sort_unstable();
    others.dedup();
    others
}

/// Why two are not of one fight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Differ {
    /// One tells no players, or no time.
    Nothing,
    /// Not at one time.
    Time,
    /// Neither begins nor ends with the other.
    Edges,
    /// Different places.
    Scene,
    /// No boss in common.
    Bosses,
    /// Too few players in common, or they did too little.
    Players,
    /// Players did other things.
    Damage,
}

/// How alike two readings of one fight are: of several fights of one uploader the one whose edges are nearest, and of those
/// the one with the most time in common, is it. Not the longest: that would be for whoever invents one to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Likeness {
    /// Time in common, ms.
    pub overlap_ms: i64,
    /// How far the firsts and lasts are apart together, ms.
    pub apart_ms: i64,
    /// How far shares of damage are apart, in thousandths.
    pub shares_apart: u64,
}

/// How alike two are, if they are of one fight.
///
/// # Errors
/// What they differ in.
pub fn compare(one: &Seen, other: &Seen) -> Result<Likeness, Differ> {
    if one.players.is_empty()
        || other.players.is_empty()
        || one.last_ms < one.first_ms
        || other.last_ms < other.first_ms
    {
        return Err(Differ::Nothing);
    }
    let (begins_apart, ends_apart) = (one.first_ms.abs_diff(other.first_ms), one.last_ms.abs_diff(other.last_ms));
    let together = |ms: u64| ms <= CLOCKS_APART_MS.unsigned_abs();
    if !together(begins_apart) && !together(ends_apart) {
        return Err(if overlap(one, other) < 0 { Differ::Time } else { Differ::Edges });
    }
    let (shorter, longer) = match (length(one), length(other)) {
        (a, b) if a <= b => (a, b),
        (a, b) => (b, a),
    };
    let overlap_ms = overlap(one, other);
    // Of the shortest fights the clocks alone decide.
    if i128::from(overlap_ms) * 100 < i128::from(shorter) * OVERLAP_PERCENT
        && !(together(begins_apart) && together(ends_apart) && overlap_ms > 0)
    {
        return Err(Differ::Time);
    }
    if let (Some(here), Some(there)) = (one.scene_id, other.scene_id)
        && here != there
    {
        return Err(Differ::Scene);
    }
    if !one.bosses.is_empty() && !other.bosses.is_empty() && !has_common_boss(one, other) {
        return Err(Differ::Bosses);
    }
    let whole = i128::from(shorter) * 100 >= i128::from(longer) * WHOLE_PERCENT;
    let shares_apart = compare_players(one, other, whole)?;
    if !whole && !is_plausible_part(one, other) {
        return Err(Differ::Damage);
    }
    let apart_ms = i64::try_from(begins_apart.saturating_add(ends_apart)).unwrap_or(i64::MAX);
    Ok(Likeness { overlap_ms, apart_ms, shares_apart })
}

fn length(of: &Seen) -> i64 {
    of.last_ms.saturating_sub(of.first_ms)
}

fn overlap(one: &Seen, other: &Seen) -> i64 {
    one.last_ms.min(other.last_ms).saturating_sub(one.first_ms.max(other.first_ms))
}

fn has_common_boss(one: &Seen, other: &Seen) -> bool {
    one.bosses.iter().any(|(id, name)| {
        other.bosses.iter().any(|(other_id, other_name)| match (id, other_id) {
            // The same boss has another name in another language.
            (Some(id), Some(other_id)) => id == other_id,
            _ => name.trim().to_lowercase() == other_name.trim().to_lowercase(),
        })
    })
}

/// How far apart the shares of common players are, in thousandths.
fn compare_players(one: &Seen, other: &Seen, whole: bool) -> Result<u64, Differ> {
    let theirs: HashMap<&str, u64> = other.players.iter().map(|(key, damage)| (key.as_str(), *damage)).collect();
    let common: Vec<(u64, u64)> = one
        .players
        .iter()
        .filter_map(|(key, damage)| theirs.get(key.as_str()).map(|other| (*damage, *other)))
        .collect();
    let fewer = one.players.len().min(theirs.len()) as u64;
    let sums = common.iter().fold((0_u128, 0_u128), |(a, b), (x, y)| (a + u128::from(*x), b + u128::from(*y)));
    let all = (total(one), total(other));
    let enough = |part: u128, whole: u128, percent: u64| part * 100 >= whole * u128::from(percent);
    if !enough(common.len() as u128, u128::from(fewer), PLAYERS_PERCENT)
        || common.is_empty()
        || !enough(sums.0, all.0, COMMON_DAMAGE_PERCENT)
        || !enough(sums.1, all.1, COMMON_DAMAGE_PERCENT)
    {
        return Err(Differ::Players);
    }
    // Nobody dealt any: a fight of healers, or of sums that tell none.
    if sums.0 == 0 || sums.1 == 0 {
        return if sums == (0, 0) { Ok(0) } else { Err(Differ::Damage) };
    }
    let (less, more) = (all.0.min(all.1), all.0.max(all.1));
    let apart = whole && (more - less) * 100 > more * u128::from(TOTALS_APART_PERCENT);
    // Half the sum of differences: what would have to be given to others.
    let shares_apart = common
        .iter()
        .map(|(x, y)| (u128::from(*x) * 1000 / sums.0).abs_diff(u128::from(*y) * 1000 / sums.1))
        .sum::<u128>()
        .div_ceil(2);
    let shares_apart = u64::try_from(shares_apart).unwrap_or(u64::MAX);
    if apart || shares_apart > if whole { SHARES_APART } else { SHARES_APART_IN_PART } {
        return Err(Differ::Damage);
    }
    Ok(shares_apart)
}

/// Whether the shorter may be a part of the longer: it has no more damage, and not another rate altogether.
fn is_plausible_part(one: &Seen, other: &Seen) -> bool {
    let (part, all) = if length(one) <= length(other) { (one, other) } else { (other, one) };
    let (in_part, in_all) = (total(part), total(all));
    // Over at least a second. An i64 of ms by a sum of u64 of players stays below 2^128 for 2^64 of them.
    let ms = |of: &Seen| u128::from(length(of).max(1_000).unsigned_abs());
    let (fast, slow) = (in_part.saturating_mul(ms(all)), in_all.saturating_mul(ms(part)));
    let (less, more) = (fast.min(slow), fast.max(slow));
    in_part.saturating_mul(100) <= in_all.saturating_mul(100 + u128::from(TOTALS_APART_PERCENT))
        && more <= less.saturating_mul(RATES_TIMES)
}

fn total(of: &Seen) -> u128 {
    of.players.iter().map(|(_, damage)| u128::from(*damage)).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const START_MS: i64 = 1_764_000_000_000;

    /// Ten players, a boss, monsters, over so many seconds.
    fn fight(from_s: i64, to_s: i64) -> Seen {
        let damage = |at: u64| (20 - at) * 1_000 * u64::try_from(to_s - from_s).unwrap();
        Seen {
            first_ms: START_MS + from_s * 1_000,
            last_ms: START_MS + to_s * 1_000,
            scene_id: Some(40),
            bosses: vec![(Some(7), "Tina".into())],
            players: (0..10).map(|at| (format!("player{at}"), damage(at))).collect(),
        }
    }

    fn both(one: &Seen, other: &Seen) -> Result<Likeness, Differ> {
        let here = compare(one, other);
        assert_eq!(here, compare(other, one), "it matters which is asked about first");
        here
    }

    #[test]
    fn clocks_and_edges_of_buckets_do_not_matter() {
        for apart_ms in [0, 1, 29_999, 30_000] {
            // Just before and just behind any half minute.
            for begin_ms in [0, 29_999, 30_000] {
                let mut one = fight(0, 200);
                one.first_ms += begin_ms;
                one.last_ms += begin_ms;
                let mut other = one.clone();
                other.first_ms += apart_ms;
                other.last_ms += apart_ms;
                assert!(both(&one, &other).is_ok(), "{apart_ms} ms apart, begun at {begin_ms} ms");
            }
        }
        let mut later = fight(0, 200);
        later.first_ms += 30_001;
        later.last_ms += 30_001;
        assert_eq!(both(&fight(0, 200), &later), Err(Differ::Edges));
    }

    #[test]
    fn who_came_late_or_left_early_saw_the_same_fight() {
        for (from, to) in [(150, 300), (290, 300), (0, 150), (0, 20)] {
            assert!(both(&fight(0, 300), &fight(from, to)).is_ok(), "{from} s to {to} s");
        }
        // From the middle of it: nothing says that it is of this one.
        assert_eq!(both(&fight(0, 300), &fight(100, 200)), Err(Differ::Edges));
    }

    #[test]
    fn monsters_and_players_out_of_sight_do_not_matter() {
        let mut near = fight(0, 200);
        near.players.truncate(8);
        // The two who did least, and some hits of the others.
        near.players.iter_mut().for_each(|(_, damage)| *damage -= *damage / 50);
        let mut whole = fight(0, 200);
        whole.players[8].1 /= 4;
        whole.players[9].1 /= 4;
        assert!(both(&whole, &near).is_ok());
        let mut else_where = fight(0, 200);
        else_where.players.iter_mut().take(5).for_each(|(key, _)| key.push('x'));
        assert_eq!(both(&fight(0, 200), &else_where), Err(Differ::Players));
    }

    #[test]
    fn pulls_that_follow_each_other_are_not_one() {
        assert_eq!(both(&fight(0, 40), &fight(70, 110)), Err(Differ::Time));
        assert_eq!(both(&fight(0, 20), &fight(25, 45)), Err(Differ::Time));
    }

    #[test]
    fn another_boss_or_place_is_another_fight_and_another_language_is_not() {
        let named = |bosses: Vec<(Option<i64>, String)>| Seen { bosses, ..fight(0, 200) };
        let one = fight(0, 200);
        assert!(both(&one, &named(vec![(Some(7), "ティナ".into())])).is_ok());
        assert!(both(&one, &named(vec![(None, " tina ".into())])).is_ok());
        assert!(both(&one, &named(vec![])).is_ok());
        assert_eq!(both(&one, &named(vec![(Some(8), "Tina".into())])), Err(Differ::Bosses));
        assert_eq!(both(&one, &Seen { scene_id: Some(41), ..fight(0, 200) }), Err(Differ::Scene));
        assert!(both(&one, &Seen { scene_id: None, ..fight(0, 200) }).is_ok());
    }

    #[test]
    fn whoever_knows_the_players_alone_does_not_get_in() {
        let mut invented = fight(0, 200);
        invented.players.iter_mut().for_each(|(_, damage)| *damage *= 2);
        assert_eq!(both(&fight(0, 200), &invented), Err(Differ::Damage));
        // Nor does it help to be longer or shorter.
        let mut long = fight(0, 400);
        long.players.iter_mut().for_each(|(_, damage)| *damage *= 5);
        assert_eq!(both(&fight(0, 200), &long), Err(Differ::Damage));
        let mut short = fight(0, 150);
        short.players.iter_mut().for_each(|(_, damage)| *damage *= 3);
        assert_eq!(both(&fight(0, 200), &short), Err(Differ::Damage));
        let mut turned = fight(0, 200);
        let damages: Vec<u64> = turned.players.iter().rev().map(|(_, damage)| damage * damage).collect();
        turned.players.iter_mut().zip(damages).for_each(|((_, damage), other)| *damage = other);
        assert_eq!(both(&fight(0, 200), &turned), Err(Differ::Damage));
    }

    #[test]
    fn edges_of_numbers_are_no_trouble() {
        let most = Seen {
            first_ms: i64::MIN,
            last_ms: i64::MAX,
            scene_id: Some(i64::MIN),
            bosses: vec![],
            players: vec![("a".into(), u64::MAX), ("b".into(), u64::MAX)],
        };
        assert!(both(&most, &most).is_ok());
        let none = Seen { players: vec![], ..most.clone() };
        assert_eq!(both(&most, &none), Err(Differ::Nothing));
        let _ = both(&most, &fight(0, 10));
        let idle = Seen { players: vec![("a".into(), 0)], ..most.clone() };
        assert!(both(&idle, &idle).is_ok());
        let backwards = Seen { first_ms: 1, last_ms: 0, ..most };
        assert_eq!(both(&backwards, &backwards), Err(Differ::Nothing));
    }

    proptest! {
        /// A night as two raiders see it: each pull is found in the other's night, and no other is.
        #[test]
        fn each_pull_of_a_night_is_itself_and_no_other(
            pulls in prop::collection::vec((20_i64..500, 12_i64..200), 1..12),
            clock_ms in -2_000_i64..2_000,
            late_percent in 0_i64..90,
            lost_percent in 0_u64..5,
        ) {
            let mut at = 0;
            let mut night = Vec::new();
            for (long, pause) in pulls {
                night.push(fight(at, at + long));
                at += long + pause;
            }
            let others: Vec<Seen> = night.iter().map(|seen| {
                let mut other = seen.clone();
                // Whoever comes late sees as much less.
                let late = length(seen) * late_percent / 100;
                other.first_ms += clock_ms + late;
                other.last_ms += clock_ms;
                for (_, damage) in &mut other.players {
                    *damage = *damage * u64::try_from(100 - late_percent).unwrap() / 100;
                    *damage -= *damage * lost_percent / 100;
                }
                other
            }).collect();
            for (here, one) in night.iter().enumerate() {
                let same: Vec<usize> = (0..others.len()).filter(|there| both(one, &others[*there]).is_ok()).collect();
                prop_assert_eq!(same, vec![here]);
            }
        }
    }
}
