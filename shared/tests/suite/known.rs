//! What a source does not tell is unknown, in whatever it is shown; what is told beside the rows stands in for it.

use raidcast_shared::event::{
    ActorFacts, ActorIx, ActorKind, Event, Hit, HitFlags, HitKind, Knows, PartSum, Rare, RareBody, SkillIx, SourceKey,
    TimedHit,
};
use raidcast_shared::feed::ROW_COLUMNS;
use raidcast_shared::fold::{EncounterState, FoldIndex, Gate, Span};
use raidcast_shared::report::{Fight, SkillRow};
use raidcast_shared::uplink::{Header, Outcome, ReportState};
use raidcast_shared::view::{self, LiveFacts, LiveView};

use crate::fights::{delta, fold_as, header, to_all};

const ANA: ActorIx = ActorIx(0);
const BEN: ActorIx = ActorIx(3);
const BOSS: ActorIx = ActorIx(1);
/// Stands for all whom hits reached.
const ANYBODY: ActorIx = ActorIx(2);

fn rare(at_ms: u32, body: RareBody) -> Event {
    Event::Rare(Rare { at_ms, key: SourceKey(0), body })
}

fn is(actor: ActorIx, kind: ActorKind, boss: Option<bool>) -> Event {
    rare(0, RareBody::Actor(ActorFacts { kind: Some(kind), boss, ..ActorFacts::of(actor) }))
}

fn hit(at_ms: u32, source: ActorIx, amount: u64) -> Event {
    let hit = Hit {
        source,
        target: ANYBODY,
        skill: SkillIx(0),
        kind: HitKind::Damage,
        amount,
        flags: HitFlags(0),
        shield: 0,
        overheal: 0,
    };
    Event::Hit(TimedHit { at_ms, hit })
}

fn lump(at_ms: u32, source: ActorIx, amount: u64) -> Event {
    let (s, kind, hits) = (SkillIx(1), HitKind::Damage, 1);
    let body = RareBody::Totals {
        a: source,
        on: ANYBODY,
        s,
        kind,
        hits,
        amount,
        crit: 0,
        lucky: 0,
        shield: 0,
        overheal: 0,
        lump: true,
    };
    rare(at_ms, body)
}

#[expect(clippy::unnecessary_wraps, reason = "as the event takes it")]
fn sum(amount: u64, hits: Option<u64>) -> Option<PartSum> {
    Some(PartSum { amount, hits })
}

fn sums(a: ActorIx, taken: Option<PartSum>, to_bosses: Option<PartSum>) -> Event {
    rare(9_000, RareBody::Sums { a, taken, to_bosses })
}

fn people() -> Vec<Event> {
    vec![
        is(ANA, ActorKind::Player, None),
        is(BEN, ActorKind::Player, None),
        is(ANYBODY, ActorKind::Monster, None),
        is(BOSS, ActorKind::Monster, Some(true)),
    ]
}

fn of(knows: Knows) -> Header {
    Header { knows, ..header() }
}

fn untold() -> Header {
    of(Knows { no_targets: true, no_deaths: true, ..Knows::default() })
}

fn shown(state: &EncounterState) -> Fight {
    view::fight(to_all(state), None)
}

/// As a fight is told that came without targets.
fn told() -> Vec<Event> {
    let mut events = people();
    events.extend([hit(1_000, ANA, 700), hit(9_000, BEN, 300)]);
    events.extend([
        sums(ANA, sum(40, None), sum(600, None)),
        sums(BEN, sum(50, None), sum(0, None)),
        sums(BOSS, sum(900, Some(12)), None),
    ]);
    events
}

#[test]
fn what_is_told_beside_the_rows_stands_in_for_what_they_do_not_tell() {
    let state = fold_as(untold(), &[told()]);
    let fight = shown(&state);
    let figures = |at: usize| {
        let player = &fight.players[at];
        (player.damage, player.boss_damage, player.damage_taken, player.deaths)
    };
    assert_eq!((figures(0), figures(1)), ((700, Some(600), Some(40), None), (300, Some(0), Some(50), None)));
    let totals = &fight.totals;
    assert_eq!((totals.damage, totals.boss_damage, totals.damage_taken), (1_000, Some(600), Some(90)));
    assert_eq!(totals.deaths, None);
    assert_eq!((fight.bosses.len(), fight.bosses[0].damage, fight.bosses[0].hits), (1, 900, 12));
    let note = view::note(to_all(&state)).unwrap();
    assert!(note.contains("does not say who was hit, who died"), "{note}");
}

#[test]
fn a_figure_that_one_player_lacks_is_unknown_of_all_together() {
    let mut events = people();
    events.extend([hit(1_000, ANA, 700), hit(9_000, BEN, 300), sums(ANA, sum(40, None), sum(600, None))]);
    let fight = shown(&fold_as(untold(), &[events]));
    assert_eq!(fight.players.iter().map(|player| player.damage_taken).collect::<Vec<_>>(), [Some(40), None]);
    assert_eq!((fight.totals.boss_damage, fight.totals.damage_taken, fight.totals.damage), (None, None, 1_000));
}

#[test]
fn of_several_tellings_the_greatest_counts_figure_by_figure_in_any_order() {
    let told =
        [sums(BOSS, sum(900, Some(3)), None), sums(BOSS, sum(100, Some(12)), None), sums(BOSS, sum(500, None), None)];
    for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2]] {
        let events = people().into_iter().chain(order.map(|at| told[at].clone())).collect();
        let boss = &shown(&fold_as(untold(), &[events])).bosses[0];
        assert_eq!((boss.damage, boss.hits), (900, 12));
    }
}

/// They are of the whole fight.
#[test]
fn of_a_part_of_the_fight_they_say_nothing() {
    let header = untold();
    let mut gate = Gate::new(&header).unwrap();
    let mut index = FoldIndex::new(header).unwrap();
    index.push(gate.check(&delta(1, &told())).unwrap());
    let part = shown(&index.fold(Span { from_ms: 0, to_ms: 5_000 }));
    assert_eq!((part.totals.damage, part.totals.boss_damage, part.totals.damage_taken), (700, None, None));
    assert_eq!(part.bosses[0].damage, 0);
    assert_eq!(shown(&index.fold(Span::ALL)).totals.boss_damage, Some(600));
}

/// Rows say it all where they say it at all: what is told beside them counts nowhere twice.
#[test]
fn where_rows_tell_targets_sums_beside_them_change_nothing() {
    let knows = Knows { hits: true, ..Knows::default() };
    let with = shown(&fold_as(of(knows.clone()), &[told()]));
    let rows =
        told().into_iter().filter(|event| !matches!(event, Event::Rare(Rare { body: RareBody::Sums { .. }, .. })));
    let without = shown(&fold_as(of(knows), &[rows.collect()]));
    assert_eq!((with.totals, &with.bosses, &with.players), (without.totals, &without.bosses, &without.players));
    assert_eq!((with.totals.boss_damage, with.totals.deaths), (Some(0), Some(0)));
}

#[test]
fn deaths_that_are_told_after_all_are_known() {
    let knows = Knows { no_deaths: true, ..Knows::default() };
    let mut events = people();
    events.push(hit(1_000, ANA, 700));
    let untold = shown(&fold_as(of(knows.clone()), &[events.clone()]));
    assert_eq!((untold.totals.deaths, untold.players[0].deaths), (None, None));
    events.push(rare(2_000, RareBody::Death { a: ANA, by: None, s: None }));
    let told = shown(&fold_as(of(knows), &[events]));
    assert_eq!((told.totals.deaths, told.players[0].deaths), (Some(1), Some(1)));
}

#[test]
fn spectators_are_told_what_is_unknown_and_the_head_sums_up_as_a_report_does() {
    let state = fold_as(untold(), &[told()]);
    let facts =
        LiveFacts { state: ReportState::Final, outcome: Outcome::Unknown, ended: true, revision: 1, idle: false };
    let mut view = LiveView::default();
    view.step(to_all(&state), facts);
    let keyframe = view.keyframe(to_all(&state), "r".into()).unwrap();
    assert_eq!(keyframe.head.totals, shown(&state).totals);
    let deaths = ROW_COLUMNS.iter().position(|column| *column == "deaths").unwrap();
    assert!(!keyframe.rows.is_empty() && keyframe.rows.iter().all(|row| row[deaths] == -1), "{:?}", keyframe.rows);
    // Nobody came yet.
    let empty = fold_as(untold(), &[]);
    let mut view = LiveView::default();
    view.step(to_all(&empty), facts);
    assert_eq!(view.keyframe(to_all(&empty), "r".into()).unwrap().head.totals, shown(&empty).totals);
}

#[test]
fn the_greatest_hit_is_unknown_where_any_are_told_as_sums() {
    let max = |events: Vec<Event>| {
        let fight = shown(&fold_as(untold(), &[people().into_iter().chain(events).collect()]));
        fight.players[0].skills.iter().map(|SkillRow { max, .. }| *max).collect::<Vec<_>>()
    };
    assert_eq!(max(vec![hit(1_000, ANA, 700), hit(2_000, ANA, 800)]), [Some(800)]);
    assert_eq!(max(vec![lump(9_000, ANA, 700)]), [None]);
    assert_eq!(max(vec![hit(1_000, ANA, 800), lump(9_000, ANA, 700)]), [Some(800), None]);
}

#[test]
fn a_fight_without_any_time_says_so_and_one_with_some_does_not() {
    let timed = |events: Vec<Event>| {
        let header = untold();
        let events: Vec<Event> = people().into_iter().chain(events).collect();
        let mut gate = Gate::new(&header).unwrap();
        let mut index = FoldIndex::new(header).unwrap();
        index.push(gate.check(&delta(1, &events)).unwrap());
        let state = index.fold(Span::ALL);
        assert_eq!(shown(&state).timed, index.is_timed());
        assert_eq!(view::is_timed(to_all(&state)), index.is_timed());
        index.is_timed()
    };
    assert!(!timed(vec![lump(9_000, ANA, 700)]));
    assert!(timed(vec![lump(9_000, ANA, 700), hit(1_000, ANA, 1)]));
    assert!(timed(vec![]), "there is nothing that could have a time");
}

#[test]
fn a_fight_of_which_nothing_could_be_taken_is_a_stub_and_says_why() {
    let missing = || rare(0, RareBody::Missing { what: "This fight could not be taken".into(), expected: 1, read: 0 });
    let stub = fold_as(of(Knows::default()), &[vec![missing()]]);
    assert!(shown(&stub).stub);
    assert_eq!(view::note(to_all(&stub)).as_deref(), Some("This fight could not be taken."));
    for told in [hit(1_000, ANA, 1), sums(ANA, sum(1, None), None), lump(1_000, ANA, 1)] {
        let some = people().into_iter().chain([told, missing()]).collect();
        assert!(!shown(&fold_as(untold(), &[some])).stub);
    }
    assert!(!shown(&fold_as(of(Knows::default()), &[])).stub, "an empty fight is none");
    // Nor is an empty part of one of which something is missing.
    let mut gate = Gate::new(&header()).unwrap();
    let mut index = FoldIndex::new(header()).unwrap();
    let events: Vec<_> = people().into_iter().chain([hit(9_000, ANA, 1), missing()]).collect();
    index.push(gate.check(&delta(1, &events)).unwrap());
    assert!(!shown(&index.fold(Span { from_ms: 0, to_ms: 5_000 })).stub);
}
