//! What DPS and HPS are taken over: the time in which damage was dealt, or anybody was healed.

use proptest::prelude::*;
use raidcast_shared::columns::ColumnMap;
use raidcast_shared::event::{ActorIx, Event, Hit, HitFlags, HitKind, Rare, RareBody, SkillIx, SourceKey, TimedHit};
use raidcast_shared::feed::FightHead;
use raidcast_shared::fold::{EncounterState, FoldIndex, Gate, Span};
use raidcast_shared::log::Log;
use raidcast_shared::report::{ActiveTime, Fight};
use raidcast_shared::uplink::{Outcome, ReportState};
use raidcast_shared::view::{self, LiveFacts, LiveView};

use crate::fights::{attempts, delta, ending, events, fold, header, to_all};

/// Two players and what is none.
const PLAYER: u16 = 0;
const HEALER: u16 = 3;
const BOSS: u16 = 1;

fn did(at_ms: u32, kind: HitKind, source: u16, target: u16, amount: u64) -> Event {
    let (source, target, skill) = (ActorIx(source), ActorIx(target), SkillIx(0));
    let flags = HitFlags(0);
    let hit = Hit { source, target, skill, kind, amount, flags, shield: 0, overheal: 0 };
    Event::Hit(TimedHit { at_ms, hit })
}

fn hit(at_ms: u32, amount: u64) -> Event {
    did(at_ms, HitKind::Damage, PLAYER, BOSS, amount)
}

fn heal(at_ms: u32, amount: u64) -> Event {
    did(at_ms, HitKind::Heal, HEALER, PLAYER, amount)
}

/// What a row has come to.
fn sum(at_ms: u32, kind: HitKind, amount: u64, lump: bool) -> Event {
    let (a, on, s) = (ActorIx(PLAYER), ActorIx(BOSS), SkillIx(1));
    let (hits, crit, lucky, shield, overheal) = (amount / 10, 0, 0, 0, 0);
    let body = RareBody::Totals { a, on, s, kind, hits, amount, crit, lucky, shield, overheal, lump };
    Event::Rare(Rare { at_ms, key: SourceKey(0), body })
}

fn shown(events: &[Event]) -> Fight {
    view::fight(to_all(&fold(&[events.to_vec()])), None)
}

#[expect(clippy::unnecessary_wraps, reason = "what reports are compared with")]
fn time(first_ms: u32, last_ms: u32) -> Option<ActiveTime> {
    Some(ActiveTime { first_ms, last_ms, duration_ms: last_ms - first_ms })
}

fn dps(fight: &Fight) -> f64 {
    fight.players.iter().map(|player| player.dps).sum()
}

/// A minute of damage, a thousand a second.
fn minute() -> Vec<Event> {
    (60..=120).map(|second| hit(second * 1000, 1_000)).collect()
}

#[test]
fn heals_before_and_after_the_damage_do_not_change_dps() {
    let alone = shown(&minute());
    assert_eq!((alone.damage_time, alone.healing_time), (time(60_000, 120_000), None));
    let before = [minute(), vec![heal(0, 5)]].concat();
    let after = [minute(), (6..30).map(|n| heal(n * 10_000, 5)).collect()].concat();
    for (events, healing, duration_ms) in [(before, time(0, 0), 120_000), (after, time(60_000, 290_000), 230_000)] {
        let fight = shown(&events);
        assert_eq!((fight.damage_time, fight.healing_time), (alone.damage_time, healing));
        assert_eq!((dps(&fight), fight.duration_ms), (dps(&alone), duration_ms));
    }
    assert_eq!(dps(&alone).round() as u64, 1_017);
}

#[test]
fn hps_is_over_the_time_in_which_was_healed() {
    let healed: Vec<_> = (10..=30).map(|second| heal(second * 1000, 500)).collect();
    let fight = shown(&[minute(), healed].concat());
    let player = fight.players.iter().find(|player| player.healing > 0).expect("one of them heals");
    assert_eq!((fight.healing_time, player.hps), (time(10_000, 30_000), 525.0));
    // A heal of 0 heals nobody.
    assert_eq!(shown(&[heal(0, 0), heal(5_000, 10), heal(6_000, 10)]).healing_time, time(5_000, 6_000));
}

#[test]
fn what_deals_no_damage_to_a_monster_is_not_damage_time() {
    let others = [
        hit(0, 0),
        did(1_000, HitKind::Damage, PLAYER, PLAYER, 70),
        did(2_000, HitKind::Damage, PLAYER, HEALER, 70),
        did(3_000, HitKind::Damage, BOSS, PLAYER, 70),
        did(200_000, HitKind::Damage, BOSS, 4, 70),
        hit(300_000, 0),
    ];
    assert_eq!(shown(&[minute(), others.to_vec()].concat()).damage_time, time(60_000, 120_000));
    assert_eq!(shown(&others).damage_time, None);
}

#[test]
fn one_hit_counts_as_a_second() {
    let fight = shown(&[hit(5_000, 123_456)]);
    assert_eq!((fight.damage_time, dps(&fight)), (time(5_000, 5_000), 123_456.0));
}

#[test]
fn a_pause_in_the_fight_counts_and_so_does_a_span_over_it() {
    let fought = |seconds: std::ops::Range<u32>| seconds.map(|second| hit(second * 1000, 1_000));
    let events: Vec<_> = fought(10..40).chain(fought(80..101)).chain([heal(0, 1), heal(200_000, 1)]).collect();
    let span = |from_ms, to_ms| {
        let mut state = EncounterState::of_span(header(), ColumnMap::own(), Span { from_ms, to_ms });
        state.apply(
            &Gate::new(state.header()).expect("its columns are usable").check(&delta(1, &events)).expect("it fits"),
        );
        view::fight(to_all(&state), None)
    };
    assert_eq!(shown(&events).damage_time, time(10_000, 100_000));
    // In the pause nothing is dealt, and the time goes on.
    assert_eq!((span(45_000, 75_000).damage_time, dps(&span(45_000, 75_000))), (time(45_000, 75_000), 0.0));
    // Half of it is a pause.
    assert_eq!((span(35_000, 45_000).damage_time, dps(&span(35_000, 45_000))), (time(35_000, 45_000), 500.0));
    // What is before the first damage and after the last does not count.
    assert_eq!(span(0, 20_000).damage_time, time(10_000, 20_000));
    assert_eq!(span(90_000, 180_000).damage_time, time(90_000, 100_000));
    assert_eq!(span(0, 500_000).damage_time, shown(&events).damage_time);
    assert_eq!(span(150_000, 180_000).damage_time, None);
}

#[test]
fn sums_have_the_time_at_which_they_grew_and_a_lump_has_none() {
    let grown: Vec<_> = (5..=15).map(|n| sum(n * 1_000, HitKind::Damage, u64::from(n) * 100, false)).collect();
    let fight = shown(&[grown.clone(), vec![heal(0, 1), heal(60_000, 1)]].concat());
    assert_eq!((fight.damage_time, dps(&fight)), (time(5_000, 15_000), 150.0));
    // Told again without growth.
    let again = sum(90_000, HitKind::Damage, 1_500, false);
    assert_eq!(shown(&[grown.clone(), vec![again]].concat()).damage_time, time(5_000, 15_000));
    // Who knows when it came: over all of the fight, as ever.
    let lump = shown(&[vec![sum(4_000, HitKind::Damage, 300, true)], grown].concat());
    assert_eq!((lump.damage_time, lump.duration_ms, dps(&lump)), (None, 15_000, 100.0));
    let healed = shown(&[minute(), vec![sum(130_000, HitKind::Heal, 300, true)]].concat());
    assert_eq!((healed.damage_time, healed.healing_time), (time(60_000, 120_000), None));
}

#[test]
fn a_report_that_was_kept_without_the_times_is_read() {
    let mut kept = serde_json::to_value(shown(&minute())).expect("a report is JSON");
    let fields = kept.as_object_mut().expect("a map");
    assert!(fields.remove("damageTime").is_some() && fields.remove("healingTime").is_some());
    let attempt = serde_json::json!({"index": 1, "startMs": 0, "endMs": null, "reason": "initial",
        "bossHpStart": 5, "bossHpEnd": null, "deaths": 0});
    fields.insert("attempts".into(), serde_json::json!([attempt]));
    let read: Fight = serde_json::from_value(kept).expect("an old report is read");
    assert_eq!((read.damage_time, read.healing_time, read.players[0].dps.round()), (None, None, 1_017.0));
    assert_eq!((read.attempts[0].outcome, read.attempts[0].boss_damage), (Outcome::Unknown, None));
}

/// First and last of some events, in so far as they are hits.
fn extent(events: &[Event], counts: impl Fn(&Hit) -> bool) -> Option<ActiveTime> {
    let times = || {
        events.iter().filter_map(|event| match event {
            Event::Hit(TimedHit { at_ms, hit }) if hit.amount > 0 && counts(hit) => Some(*at_ms),
            _ => None,
        })
    };
    time(times().min()?, times().max()?)
}

fn is_sum(event: &Event) -> bool {
    matches!(event, Event::Rare(Rare { body: RareBody::Totals { .. }, .. }))
}

fn last_head(
    state: &EncounterState,
    view: &mut LiveView,
    facts: LiveFacts,
) -> (FightHead, Vec<raidcast_shared::report::AttemptRow>) {
    view.step(to_all(state), facts);
    let fight = view.keyframe(to_all(state), "r".into()).expect("it was stepped");
    (fight.head, fight.attempts)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn damage_time_goes_from_the_first_to_the_last_damage_that_players_dealt(
        mut events in events(), from_ms in 0..30_000_u32, length in 1..30_000_u32,
    ) {
        events.retain(|event| !is_sum(event));
        let state = fold(std::slice::from_ref(&events));
        let fight = view::fight(to_all(&state), None);
        let damage = |hit: &Hit| {
            hit.kind == HitKind::Damage && state.is_player(hit.source) && !state.is_player(hit.target)
        };
        let healing = |hit: &Hit| hit.kind == HitKind::Heal && state.is_player(hit.source);
        let (damage, healing) = (extent(&events, damage), extent(&events, healing));
        prop_assert_eq!((fight.damage_time, fight.healing_time), (damage, healing));
        // Of a span it is what of it lies there, whatever the span holds.
        let span = Span { from_ms, to_ms: from_ms + length };
        let mut part = EncounterState::of_span(header(), ColumnMap::own(), span);
        part.apply(&Gate::new(part.header()).expect("its columns are usable").check(&delta(1, &events)).expect("it fits"));
        let part = view::fight(to_all(&part), None);
        for (part, whole) in [(part.damage_time, damage), (part.healing_time, healing)] {
            let within = whole.and_then(|whole| {
                let (first, last) = (whole.first_ms.max(span.from_ms), whole.last_ms.min(span.to_ms));
                (first <= last).then(|| time(first, last).expect("it is one"))
            });
            prop_assert_eq!(part, within);
        }
        let seconds = f64::from(damage.map_or(fight.duration_ms, |time| time.duration_ms).max(1000)) / 1000.0;
        prop_assert!((dps(&fight) - fight.totals.damage as f64 / seconds).abs() < 1e-3);
    }

    #[test]
    fn what_the_feed_shows_at_the_end_is_what_the_report_shows(
        events in attempts(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 1..9), told in 0..3_usize,
    ) {
        let outcome = [Outcome::Unknown, Outcome::Kill, Outcome::Unfinished][told];
        let ending = ending(outcome);
        let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(events.len() + 1)).collect();
        places.extend([0, events.len()]);
        places.sort_unstable();
        let mut state = EncounterState::new(header(), ColumnMap::own());
        let mut gate = Gate::new(state.header()).expect("its columns are usable");
        let mut view = LiveView::default();
        let facts = |state: &EncounterState, ended: bool| LiveFacts {
            state: ReportState::Live,
            outcome: view::outcome(to_all(state), ended.then_some(&ending)),
            ended,
            revision: 1,
            idle: false,
        };
        for (at, pair) in places.windows(2).enumerate() {
            let checked = gate.check(&delta(at as u64 + 1, &events[pair[0]..pair[1]])).expect("it fits");
            state.apply(&checked);
            view.note(&state.take_changed_seconds());
            let (head, attempts) = last_head(&state, &mut view, facts(&state, false));
            let fight = view::fight(to_all(&state), None);
            prop_assert_eq!(head.damage_ms, fight.damage_time.map(|time| (time.first_ms, time.last_ms)));
            prop_assert_eq!(attempts, fight.attempts);
        }
        let (head, attempts) = last_head(&state, &mut view, facts(&state, true));
        let fight = view::fight(to_all(&state), Some(&ending));
        prop_assert_eq!(head.damage_ms, fight.damage_time.map(|time| (time.first_ms, time.last_ms)));
        prop_assert_eq!(head.healing_ms, fight.healing_time.map(|time| (time.first_ms, time.last_ms)));
        prop_assert_eq!((head.outcome, attempts), (fight.outcome, fight.attempts));
    }

    #[test]
    fn a_span_of_an_index_has_the_times_of_the_plain_fold(
        events in attempts(), span in (0..30_000_u32, 1..30_000_u32), size in 1..40_usize,
    ) {
        let span = Span { from_ms: span.0, to_ms: span.0 + span.1 };
        let mut log = Log::new(header());
        let columns = ColumnMap::own();
        let mut gate = Gate::new(&header()).expect("its columns are usable");
        let mut index = FoldIndex::new(header()).expect("its columns are ours");
        let parts = events.chunks(size).map(<[Event]>::to_vec).chain([Vec::new()]);
        for (at, part) in parts.enumerate() {
            let delta = delta(at as u64 + 1, &part);
            let checked = gate.check(&delta).expect("it fits");
            index.push(checked.clone());
            log.push(&columns, &delta, checked);
        }
        for span in [span, Span::ALL] {
            let plain = log.fold(span).expect("its columns are ours");
            prop_assert_eq!(view::fight(to_all(&index.fold(span)), None), view::fight(to_all(&plain), None));
        }
    }
}
