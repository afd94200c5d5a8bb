//! What stands beside the figures of a fight, and what led to deaths.

use proptest::collection::vec;
use proptest::prelude::*;
use raidcast_shared::event::{ActorIx, Event, Hit, HitFlags, HitKind, Rare, RareBody, SkillIx, SourceKey, TimedHit};
use raidcast_shared::fold::{EncounterState, FoldIndex, Span};
use raidcast_shared::id::ActorId;
use raidcast_shared::limits::{RECAP_HITS_MAX, RECAPS_MAX};
use raidcast_shared::report::{Details, Recaps, SkillKind};
use raidcast_shared::view;

use crate::fights::{deaths, delta, events, fold, gate, header, to_all};

/// Two players, and what is none.
const PLAYER: u16 = 0;
const HEALER: u16 = 3;
const BOSS: u16 = 1;

fn did(at_ms: u32, kind: HitKind, source: u16, target: u16, amount: u64) -> Event {
    let (source, target, skill) = (ActorIx(source), ActorIx(target), SkillIx(0));
    let hit = Hit { source, target, skill, kind, amount, flags: HitFlags(0), shield: 0, overheal: 0 };
    Event::Hit(TimedHit { at_ms, hit })
}

fn took(at_ms: u32, amount: u64) -> Event {
    did(at_ms, HitKind::Damage, BOSS, PLAYER, amount)
}

fn died(at_ms: u32, key: u32, player: u16) -> Event {
    let body = RareBody::Death { a: ActorIx(player), by: Some(ActorIx(BOSS)), s: Some(SkillIx(0)) };
    Event::Rare(Rare { at_ms, key: SourceKey::new(7, key), body })
}

fn index(deltas: &[Vec<Event>]) -> FoldIndex {
    let (mut index, mut gate) = (FoldIndex::new(header()).expect("our own columns are usable"), gate());
    for (at, part) in deltas.iter().enumerate() {
        index.push(gate.check(&delta(at as u64 + 1, part)).expect("it fits"));
    }
    index
}

fn details(state: &EncounterState) -> Details {
    view::details(to_all(state), "r".into(), 1)
}

fn recaps(events: &[Event], span: Span) -> Recaps {
    let index = index(&[events.to_vec()]);
    view::recaps(to_all(&index.fold(Span::ALL)), index.hits(), span, "r".into(), 1)
}

fn key(actor: u16) -> String {
    ActorId::clear(100 + u64::from(actor)).to_hex()
}

proptest! {
    #[test]
    fn what_stands_beside_the_figures_comes_to_them_in_any_part(
        deltas in vec(events(), 1..4),
        from_ms in 0..30_000_u32,
        long_ms in 1..30_000_u32,
    ) {
        let index = index(&deltas);
        for span in [Span::ALL, Span { from_ms, to_ms: from_ms + long_ms }] {
            let state = index.fold(span);
            let (fight, details) = (view::fight(to_all(&state), None), details(&state));
            prop_assert_eq!(details.span, fight.span);
            let (taken, targets) = (details.taken.unwrap_or_default(), details.targets.unwrap_or_default());
            let reached = details.reached.unwrap_or_default();
            for player in &fight.players {
                let is_his = |key: &String| *key == player.player_key;
                let took: u64 = taken.iter().filter(|row| is_his(&row.player_key)).map(|row| row.total).sum();
                prop_assert_eq!(Some(took), player.damage_taken);
                let dealt = targets.iter().flat_map(|row| &row.players).filter(|row| is_his(&row.player_key));
                prop_assert_eq!(dealt.map(|row| row.damage).sum::<u64>(), player.damage);
                let to_bosses = reached.iter().filter(|row| is_his(&row.player_key)).filter_map(|row| row.boss_total);
                prop_assert_eq!(Some(to_bosses.sum::<u64>()), player.boss_damage);
                for skill in &player.skills {
                    let id = (skill.kind, skill.skill_id, skill.variant_id);
                    let row = reached.iter().find(|row| {
                        is_his(&row.player_key) && (row.kind, row.skill_id, row.variant_id) == id
                    });
                    prop_assert!(row.is_some_and(|row| row.targets > 0), "{:?}", skill);
                }
            }
            let sum: u64 = targets.iter().map(|row| row.damage).sum();
            prop_assert_eq!(sum, fight.totals.damage);
        }
    }

    #[test]
    fn however_events_are_cut_the_same_stands_beside_the_figures(deltas in vec(events(), 1..4)) {
        prop_assert_eq!(details(&fold(&deltas)), details(&fold(&[deltas.concat()])));
    }

    #[test]
    fn each_death_has_what_led_to_it(fight in events(), deaths in deaths(), from_ms in 0..2_500_u32) {
        let events = [fight, deaths].concat();
        let whole = recaps(&events, Span::ALL);
        let shown = view::deaths(to_all(&fold(std::slice::from_ref(&events))));
        let told: Vec<_> = whole.deaths.iter().map(|recap| recap.death.clone()).collect();
        prop_assert_eq!(&told[..], &shown[..shown.len().min(RECAPS_MAX)]);
        for recap in &whole.deaths {
            let at_ms = recap.death.at_ms;
            prop_assert!(recap.hits.is_sorted_by_key(|hit| hit.at_ms));
            prop_assert!(recap.hits.iter().all(|hit| (at_ms.saturating_sub(10_000)..=at_ms).contains(&hit.at_ms)));
            prop_assert!(!recap.down.contains(&recap.death.player_key));
        }
        // A part of the fight has those of its deaths as they are.
        let part = recaps(&events, Span { from_ms, to_ms: u32::MAX });
        let late: Vec<_> = whole.deaths.into_iter().filter(|recap| recap.death.at_ms >= from_ms).collect();
        prop_assert_eq!(part.deaths, late);
    }
}

#[test]
fn ten_seconds_lead_to_a_death_but_not_beyond_the_one_before() {
    let events = vec![
        took(9_999, 1),
        took(10_000, 2),
        died(12_000, 1, HEALER),
        took(15_000, 3),
        did(16_000, HitKind::Heal, HEALER, PLAYER, 4),
        took(20_000, 5),
        died(20_000, 2, PLAYER),
        took(20_001, 6),
        died(22_000, 3, PLAYER),
    ];
    let told = recaps(&events, Span::ALL);
    assert!(told.singly);
    let amounts: Vec<Vec<u64>> =
        told.deaths.iter().map(|recap| recap.hits.iter().map(|hit| hit.amount).collect()).collect();
    assert_eq!(amounts, [vec![], vec![2, 3, 4, 5], vec![6]]);
    let [_, second, third] = told.deaths.as_slice() else { panic!("{told:?}") };
    assert_eq!((second.hits[2].kind, second.hits[2].by_player.clone()), (SkillKind::Healing, Some(key(HEALER))));
    assert_eq!((second.hits[3].by_player.clone(), second.death.skill_id), (None, Some(1700)));
    // What comes of somebody soon after his death does not say that he stands.
    assert_eq!((&second.down, &third.down), (&vec![key(HEALER)], &vec![key(HEALER)]));
}

#[test]
fn of_more_hits_than_are_told_the_last_are_and_how_many_were_left_out() {
    let mut events: Vec<_> = (1..=250).map(|at| took(1_000 + at, u64::from(at))).collect();
    events.push(died(2_000, 1, PLAYER));
    let told = recaps(&events, Span::ALL);
    let hits = &told.deaths[0].hits;
    assert_eq!((hits.len(), told.deaths[0].hits_left_out), (RECAP_HITS_MAX, 150));
    assert_eq!((hits[0].amount, hits[RECAP_HITS_MAX - 1].amount), (151, 250));
}

#[test]
fn of_more_deaths_than_are_told_it_says_how_many() {
    let events: Vec<_> = (0..210).map(|at| died(1_000 * at, at, PLAYER)).collect();
    let told = recaps(&events, Span::ALL);
    assert_eq!((told.deaths.len(), told.left_out), (RECAPS_MAX, 10));
}

#[test]
fn what_is_told_as_sums_leads_to_no_death_and_it_says_so() {
    let (a, on, s, kind) = (ActorIx(BOSS), ActorIx(PLAYER), SkillIx(0), HitKind::Damage);
    let (hits, amount, crit, lucky, shield, overheal, lump) = (1, 50, 0, 0, 0, 0, false);
    let body = RareBody::Totals { a, on, s, kind, hits, amount, crit, lucky, shield, overheal, lump };
    let sums = Event::Rare(Rare { at_ms: 1_000, key: SourceKey(0), body });
    let told = recaps(&[sums.clone(), died(2_000, 1, PLAYER)], Span::ALL);
    assert!(!told.singly && told.deaths[0].hits.is_empty());
    let taken = details(&fold(&[vec![sums]])).taken.unwrap_or_default();
    assert_eq!((taken[0].total, taken[0].max, taken[0].player_key.clone()), (50, None, key(PLAYER)));
}
