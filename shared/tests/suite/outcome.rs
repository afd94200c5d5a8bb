//! How a fight went where its meter does not tell.

use raidcast_shared::event::{
    ActorFacts, ActorIx, ActorKind, AttemptReason, Event, Hit, HitFlags, HitKind, Knows, Rare, RareBody, SkillIx,
    SourceKey, TimedHit,
};
use raidcast_shared::fold::EncounterState;
use raidcast_shared::uplink::Outcome::{Kill, Reset, Unfinished, Unknown, Wipe};
use raidcast_shared::uplink::{Header, Outcome};
use raidcast_shared::view;

use crate::fights::{ending, fold_as, header, to_all};

/// Three players, a boss, another monster, and one of whom nobody says what it is.
const PLAYERS: [u16; 3] = [0, 3, 6];
const BOSS: u16 = 1;
const ADD: u16 = 4;
const STRANGER: u16 = 2;

fn hit(at_ms: u32, source: u16, target: u16) -> Event {
    let flags = HitFlags(if target == BOSS { HitFlags::BOSS } else { 0 });
    let (source, target, skill) = (ActorIx(source), ActorIx(target), SkillIx(0));
    let hit = Hit { source, target, skill, kind: HitKind::Damage, amount: 100, flags, shield: 0, overheal: 0 };
    Event::Hit(TimedHit { at_ms, hit })
}

fn rare(at_ms: u32, body: RareBody) -> Event {
    Event::Rare(Rare { at_ms, key: SourceKey::new(3, at_ms), body })
}

fn death(at_ms: u32, who: u16) -> Event {
    rare(at_ms, RareBody::Death { a: ActorIx(who), by: None, s: None })
}

fn began(n: u32, at_ms: u32, why: AttemptReason) -> Event {
    rare(at_ms, RareBody::AttemptBegan { n, why, hp: Some(17_000) })
}

fn facts(at_ms: u32, of: u16, facts: ActorFacts) -> Event {
    rare(at_ms, RareBody::Actor(ActorFacts { actor: ActorIx(of), ..facts }))
}

/// Some of the players hit the boss each second.
fn fought(seconds: std::ops::Range<u32>, players: &[u16]) -> Vec<Event> {
    seconds.flat_map(|second| players.iter().map(move |player| hit(second * 1000, *player, BOSS))).collect()
}

/// All hit the boss for 40 seconds, and die.
fn wiped() -> Vec<Event> {
    let deaths = PLAYERS.iter().enumerate().map(|(at, player)| death(40_000 + at as u32 * 100, *player));
    fought(0..40, &PLAYERS).into_iter().chain(deaths).collect()
}

fn nobody() -> ActorFacts {
    ActorFacts::of(ActorIx(0))
}

fn state_as(header: Header, events: Vec<Event>) -> EncounterState {
    fold_as(header, &[events])
}

fn outcome_of(events: Vec<Event>) -> Outcome {
    view::fight(to_all(&state_as(header(), events)), Some(&ending(Unknown))).outcome
}

fn with(mut events: Vec<Event>, more: impl IntoIterator<Item = Event>) -> Vec<Event> {
    events.extend(more);
    events
}

/// A wipe in which some events are left out.
fn without(events: Vec<Event>, leave: impl Fn(&Event) -> bool) -> Vec<Event> {
    events.into_iter().filter(|event| !leave(event)).collect()
}

fn is_of(event: &Event, player: u16, from_ms: u32) -> bool {
    match event {
        Event::Hit(hit) => hit.hit.source.0 == player && hit.at_ms >= from_ms,
        Event::Rare(rare) => matches!(&rare.body, RareBody::Death { a, .. } if a.0 == player),
    }
}

#[test]
fn all_down_with_a_boss_that_lives_is_a_wipe() {
    let state = state_as(header(), wiped());
    assert_eq!(outcome_of(wiped()), Wipe);
    // Not while the fight goes on, and never against what the meter tells.
    assert_eq!(view::fight(to_all(&state), None).outcome, Unknown);
    for told in [Kill, Wipe, Reset] {
        assert_eq!(view::fight(to_all(&state), Some(&ending(told))).outcome, told);
    }
    // Who reads on until everybody lies there has seen it, even if the meter never ended it.
    assert_eq!(view::fight(to_all(&state), Some(&ending(Unfinished))).outcome, Wipe);
    assert_eq!(
        view::outcome(to_all(&state_as(header(), fought(0..9, &PLAYERS))), Some(&ending(Unfinished))),
        Unfinished
    );
}

#[test]
fn who_stands_makes_it_no_wipe() {
    let survivor = without(wiped(), |event| is_of(event, 6, u32::MAX));
    assert_eq!(outcome_of(survivor.clone()), Unknown);
    // One who only healed, or was only healed or hit, stands as well.
    let healed = |at_ms: u32, source: u16, target: u16| match hit(at_ms, source, target) {
        Event::Hit(timed) => Event::Hit(TimedHit { hit: Hit { kind: HitKind::Heal, ..timed.hit }, ..timed }),
        Event::Rare(rare) => Event::Rare(rare),
    };
    let passive = without(survivor, |event| is_of(event, 6, 0));
    for event in [healed(39_000, 6, 3), healed(39_000, 3, 6), hit(39_000, BOSS, 6)] {
        assert_eq!(outcome_of(with(passive.clone(), [event])), Unknown);
    }
    // Who only stands in the list of players did not take part.
    assert_eq!(outcome_of(passive), Wipe);
}

#[test]
fn who_was_raised_stands_until_they_die_again() {
    let early = with(wiped(), [death(10_000, 3)]);
    assert_eq!(outcome_of(early), Wipe, "who died, was raised and died again is down");
    let raised = with(wiped(), fought(50..55, &[3]));
    assert_eq!(outcome_of(raised.clone()), Unknown, "who acts was raised");
    assert_eq!(outcome_of(with(raised, [death(56_000, 3)])), Wipe);
    assert_eq!(outcome_of(with(wiped(), [rare(41_000, RareBody::Revive { a: ActorIx(3) })])), Unknown);
}

#[test]
fn what_burns_on_after_a_death_raises_nobody() {
    let residue = [40_300, 41_000, 43_000, 45_000].map(|at_ms| hit(at_ms, 3, BOSS));
    assert_eq!(outcome_of(with(wiped(), residue)), Wipe);
}

#[test]
fn who_left_before_is_not_waited_for() {
    let left = |until_ms: u32| without(wiped(), |event| is_of(event, 6, until_ms));
    assert_eq!(outcome_of(left(10_000)), Wipe);
    assert_eq!(outcome_of(left(30_000)), Unknown, "who was there ten seconds ago may stand");
}

#[test]
fn a_boss_that_is_dead_makes_it_no_wipe() {
    for at_ms in [39_500, 40_200, 40_999, 60_000] {
        assert_eq!(outcome_of(with(wiped(), [death(at_ms, BOSS)])), Unknown, "{at_ms}");
        let defeated = ActorFacts { defeated: Some(true), ..nobody() };
        assert_eq!(outcome_of(with(wiped(), [facts(at_ms, BOSS, defeated)])), Unknown, "{at_ms}");
        let hp = RareBody::BossHealth { a: ActorIx(BOSS), hp: 0, max: Some(17_000) };
        assert_eq!(outcome_of(with(wiped(), [rare(at_ms, hp)])), Unknown, "{at_ms}");
    }
    // Of two one lives.
    let second = facts(0, ADD, ActorFacts { boss: Some(true), kind: Some(ActorKind::Monster), ..nobody() });
    let two = [second, hit(30_000, 0, ADD), death(35_000, BOSS)];
    assert_eq!(outcome_of(with(wiped(), two)), Wipe);
}

#[test]
fn without_a_boss_or_without_deaths_nothing_is_guessed() {
    let trash = wiped().into_iter().map(|event| match event {
        Event::Hit(timed) => hit(timed.at_ms, timed.hit.source.0, ADD),
        Event::Rare(rare) => Event::Rare(rare),
    });
    assert_eq!(outcome_of(trash.collect()), Unknown);
    let silent = Header { knows: Knows { no_deaths: true, ..header().knows }, ..header() };
    assert_eq!(view::outcome(to_all(&state_as(silent, wiped())), Some(&ending(Unknown))), Unknown);
    assert_eq!(outcome_of(fought(0..40, &PLAYERS)), Unknown);
    assert_eq!(outcome_of(Vec::new()), Unknown);
}

#[test]
fn pets_and_strangers_are_no_players() {
    let others = (0..60).flat_map(|second| [hit(second * 1000, STRANGER, BOSS), hit(second * 1000, ADD, BOSS)]);
    assert_eq!(outcome_of(with(wiped(), others)), Wipe);
    // That a monster dies says nothing of players.
    let add_died = with(fought(0..40, &PLAYERS), [death(39_000, ADD), death(39_500, STRANGER)]);
    assert_eq!(outcome_of(add_died), Unknown);
}

#[test]
fn of_several_attempts_the_last_one_counts() {
    let first = with(wiped(), [began(1, 0, AttemptReason::Initial)]);
    let again = with(first.clone(), [began(2, 60_000, AttemptReason::Rollback)]);
    let rows = |events: Vec<Event>, told: Outcome| {
        let fight = view::fight(to_all(&state_as(header(), events)), Some(&ending(told)));
        (fight.outcome, fight.attempts.iter().map(|row| row.outcome).collect::<Vec<_>>())
    };
    let outcomes = |events: Vec<Event>| rows(events, Unknown);
    assert_eq!(outcomes(first), (Wipe, vec![Wipe]));
    // The boss came back, and nobody went on: the wipe was the end.
    assert_eq!(outcomes(again.clone()), (Wipe, vec![Wipe, Unknown]));
    // They went on, and stand.
    let went_on = with(again, fought(70..100, &PLAYERS));
    assert_eq!(outcomes(went_on.clone()), (Unknown, vec![Wipe, Unknown]));
    assert_eq!(rows(went_on.clone(), Kill), (Kill, vec![Wipe, Kill]));
    // Also where they go on in the same second in which the attempt begins.
    let at_once = PLAYERS.map(|player| hit(60_750, player, BOSS));
    let mid_second = with(wiped(), [began(1, 0, AttemptReason::Initial), began(2, 60_707, AttemptReason::Rollback)]);
    assert_eq!(outcomes(with(mid_second, at_once)), (Unknown, vec![Wipe, Unknown]));
    // One of them was left behind.
    let two = without(with(went_on.clone(), [death(100_000, 0), death(100_200, 3)]), |event| is_of(event, 6, 60_000));
    assert_eq!(outcomes(with(two, [death(40_200, 6)])), (Wipe, vec![Wipe, Wipe]));
    let all = with(went_on, PLAYERS.map(|player| death(100_000 + u32::from(player), player)));
    assert_eq!(outcomes(all), (Wipe, vec![Wipe, Wipe]));
}

#[test]
fn an_attempt_says_how_it_went_by_what_is_told_of_it() {
    let attempts = |more: Vec<Event>| {
        let events = with(fought(0..120, &PLAYERS), [began(1, 0, AttemptReason::Initial)]);
        let fight = view::fight(to_all(&state_as(header(), with(events, more))), Some(&ending(Unknown)));
        fight.attempts.iter().map(|row| row.outcome).collect::<Vec<_>>()
    };
    let next = |why| vec![began(2, 60_000, why)];
    assert_eq!(attempts(next(AttemptReason::Wipe)), [Wipe, Unknown], "the meter says so");
    assert_eq!(attempts(next(AttemptReason::Rollback)), [Reset, Unknown], "the boss came back and all stand");
    assert_eq!(attempts(next(AttemptReason::Manual)), [Unknown, Unknown]);
    let ended = |hp| rare(59_000, RareBody::AttemptEnded { n: 1, hp });
    assert_eq!(attempts(with(next(AttemptReason::Other), [ended(Some(0))])), [Kill, Unknown]);
    assert_eq!(attempts(with(next(AttemptReason::Other), [ended(Some(5))])), [Unknown, Unknown]);
    assert_eq!(attempts(with(next(AttemptReason::Other), [death(58_000, BOSS)]))[0], Kill);
}

#[test]
fn a_part_of_a_fight_has_the_outcome_of_the_whole() {
    use raidcast_shared::columns::ColumnMap;
    use raidcast_shared::fold::{Gate, Span};
    let events = with(wiped(), [began(1, 0, AttemptReason::Initial), began(2, 39_000, AttemptReason::Wipe)]);
    let whole = view::fight(to_all(&state_as(header(), events.clone())), Some(&ending(Unknown)));
    let span = Span { from_ms: 10_000, to_ms: 39_500 };
    let mut part = EncounterState::of_span(header(), ColumnMap::own(), span);
    part.apply(
        &Gate::new(part.header())
            .expect("its columns are usable")
            .check(&crate::fights::delta(1, &events))
            .expect("it fits"),
    );
    let mut part = view::fight(to_all(&part), Some(&ending(Unknown)));
    assert_eq!((part.outcome, part.attempts[0].boss_damage), (Unknown, None), "it does not show by itself");
    view::went_as(&mut part, &whole);
    let facts = |fight: &raidcast_shared::report::Fight| {
        let row = |row: &raidcast_shared::report::AttemptRow| (row.index, row.outcome, row.boss_damage);
        (fight.outcome, fight.attempts.iter().map(row).collect::<Vec<_>>())
    };
    assert_eq!(facts(&part), facts(&whole));
    assert_eq!(whole.outcome, Wipe);
}
