//! What players did to bosses in each attempt: exact, or not told.

use std::collections::BTreeMap;

use proptest::prelude::*;
use raidcast_shared::event::{Event, HitFlags, HitKind, Rare, RareBody, TimedHit};
use raidcast_shared::fold::EncounterState;
use raidcast_shared::uplink::Outcome;
use raidcast_shared::view;

use crate::fights::{attempts, ending, fold, to_all};

/// When players hit a boss, and how much.
fn boss_hits(state: &EncounterState, events: &[Event]) -> Vec<(u32, u64)> {
    let of = |event: &Event| match event {
        Event::Hit(TimedHit { at_ms, hit })
            if hit.kind == HitKind::Damage
                && hit.amount > 0
                && hit.flags.has(HitFlags::BOSS)
                && state.is_player(hit.source)
                && !state.is_player(hit.target) =>
        {
            Some((*at_ms, hit.amount))
        }
        _ => None,
    };
    events.iter().filter_map(of).collect()
}

fn is_sum(event: &Event) -> bool {
    matches!(event, Event::Rare(Rare { body: RareBody::Totals { .. }, .. }))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn an_attempts_boss_damage_is_that_of_its_hits_or_not_told(mut events in attempts()) {
        events.retain(|event| !is_sum(event));
        let state = fold(std::slice::from_ref(&events));
        let hits = boss_hits(&state, &events);
        for ended in [false, true] {
            let rows = view::attempts(to_all(&state), ended.then_some(Outcome::Unknown));
            for (at, row) in rows.iter().enumerate() {
                let goes_on = row.end_ms.is_none() && !ended;
                let (from_ms, to_ms) = (row.start_ms, row.end_ms.unwrap_or(u32::MAX));
                let sum: u64 = hits.iter().filter(|(at, _)| (from_ms..to_ms).contains(at)).map(|(_, sum)| sum).sum();
                // Hits of one second on both sides of a bound.
                let split = |bound: u32| {
                    let inside = |(at, _): &&(u32, u64)| at / 1000 == bound / 1000;
                    let sides = |before: bool| hits.iter().filter(inside).any(|(at, _)| (*at < bound) == before);
                    sides(true) && sides(false)
                };
                match row.boss_damage {
                    Some(told) => prop_assert_eq!((told, goes_on), (sum, false), "{:?}", row),
                    None => prop_assert!(
                        goes_on || (from_ms < to_ms && (split(from_ms) || split(to_ms))),
                        "{} {:?} of {:?}", at, row, hits
                    ),
                }
            }
        }
    }

    #[test]
    fn sums_count_in_the_attempt_in_which_they_were_told(events in attempts()) {
        let mut events = events;
        // No hits: what a row had come to by a time, of a target that is a boss.
        events.retain(|event| matches!(event, Event::Rare(_)));
        for event in &mut events {
            if let Event::Rare(Rare { body: RareBody::Totals { a, on, lump, .. }, .. }) = event {
                (a.0, on.0, *lump) = (0, 1, false);
            }
        }
        let boss = raidcast_shared::event::ActorFacts {
            boss: Some(true),
            ..raidcast_shared::event::ActorFacts::of(raidcast_shared::event::ActorIx(1))
        };
        let key = raidcast_shared::event::SourceKey::new(9, 0);
        events.retain(|event| !matches!(event, Event::Rare(Rare { body: RareBody::Actor(_) | RareBody::Header { .. }, .. })));
        events.push(Event::Rare(Rare { at_ms: 0, key, body: RareBody::Actor(boss) }));
        let state = fold(std::slice::from_ref(&events));
        // By row and time the greatest that was told until then.
        let mut told: BTreeMap<_, BTreeMap<u32, u64>> = BTreeMap::new();
        for event in &events {
            if let Event::Rare(Rare { at_ms, body: RareBody::Totals { s, kind: HitKind::Damage, amount, .. }, .. }) = event {
                let held = told.entry(*s).or_default().entry(*at_ms).or_default();
                *held = (*held).max(*amount);
            }
        }
        let until = |ms: u32| told.values().map(|row| row.range(..ms).map(|(_, sum)| *sum).max().unwrap_or(0)).sum::<u64>();
        for row in view::attempts(to_all(&state), Some(Outcome::Unknown)) {
            let (from_ms, to_ms) = (row.start_ms, row.end_ms.unwrap_or(u32::MAX));
            let expected = if from_ms < to_ms { until(to_ms) - until(from_ms) } else { 0 };
            prop_assert_eq!(row.boss_damage, Some(expected), "{:?}", row);
        }
    }
}

#[test]
fn attempts_share_the_damage_of_the_whole_fight_where_they_cover_it() {
    use raidcast_shared::event::{ActorIx, AttemptReason, Hit, SkillIx, SourceKey};
    let hit = |at_ms: u32| {
        let (source, target, skill) = (ActorIx(0), ActorIx(1), SkillIx(0));
        let flags = HitFlags(HitFlags::BOSS);
        let hit = Hit { source, target, skill, kind: HitKind::Damage, amount: 7, flags, shield: 0, overheal: 0 };
        Event::Hit(TimedHit { at_ms, hit })
    };
    let began = |n: u32, at_ms: u32, why| {
        let body = RareBody::AttemptBegan { n, why, hp: Some(100) };
        Event::Rare(Rare { at_ms, key: SourceKey::new(4, n), body })
    };
    let fought = (0..30).chain(60..75).chain(100..105).map(|second| hit(second * 1000 + 250));
    let attempts = [
        began(1, 0, AttemptReason::Initial),
        began(2, 45_000, AttemptReason::Rollback),
        began(3, 90_000, AttemptReason::Wipe),
    ];
    let state = fold(&[fought.chain(attempts).collect()]);
    let fight = view::fight(to_all(&state), Some(&ending(Outcome::Kill)));
    let rows: Vec<_> = fight.attempts.iter().map(|row| (row.outcome, row.boss_damage)).collect();
    let expected = [(Outcome::Reset, Some(210)), (Outcome::Wipe, Some(105)), (Outcome::Kill, Some(35))];
    assert_eq!(rows, expected);
    assert_eq!(fight.bosses[0].damage, 350);
    // While the last one goes on, nothing of it is told.
    let live = view::fight(to_all(&state), None).attempts.pop().map(|row| (row.outcome, row.boss_damage));
    assert_eq!(live, Some((Outcome::Unknown, None)));
}
