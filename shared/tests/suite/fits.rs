//! What fits is one law: a gate that ran along, one that was taken back, and one that was made anew of the journal
//! give the same answer to whatever comes next, at every limit's edge.

use proptest::prelude::*;
use raidcast_shared::columns::encode;
use raidcast_shared::event::{
    ActorEntry, ActorFacts, ActorIx, ActorKind, AttemptReason, Hit, HitFlags, HitKind, Rare, RareBody, SkillIx,
    SourceKey, TimedHit,
};
use raidcast_shared::fold::{CheckError, Checked, Gate, Limit};
use raidcast_shared::id::{ActorId, SkillId};
use raidcast_shared::uplink::Delta;
use raidcast_shared::{codec, limits};

use crate::fights::{gate, header};

/// Actors and skills of the first delta.
const NAMED: u16 = 60;

fn hit(source: u16, target: u16, skill: u16, amount: u64) -> TimedHit {
    let (source, target, skill) = (ActorIx(source), ActorIx(target), SkillIx(skill));
    let (kind, flags, shield, overheal) = (HitKind::Damage, HitFlags(0), 0, 0);
    TimedHit { at_ms: 5, hit: Hit { source, target, skill, kind, amount, flags, shield, overheal } }
}

fn with_hits(hits: &[TimedHit]) -> Delta {
    let (base_ms, columns) = encode(hits);
    Delta { base_ms, hits: hits.len() as u32, columns: columns.into(), ..Delta::default() }
}

fn with_rare(bodies: impl IntoIterator<Item = RareBody>) -> Delta {
    let rare = bodies.into_iter().map(|body| {
        let event: Rare = Rare { at_ms: 7, key: SourceKey(0), body };
        codec::encode(&event).into()
    });
    Delta { rare: rare.collect(), ..Delta::default() }
}

fn actor(id: u64, kind: ActorKind) -> ActorEntry {
    ActorEntry { id: ActorId::clear(id), kind, owner: None }
}

fn called(actor: u16, kind: ActorKind) -> RareBody {
    RareBody::Actor(ActorFacts { kind: Some(kind), ..ActorFacts::of(ActorIx(actor)) })
}

fn totals(row: u16, hits: u64, amount: u64) -> RareBody {
    let (a, on, s, kind) = (ActorIx(row % NAMED), ActorIx(1), SkillIx(row / NAMED), HitKind::Heal);
    let (crit, lucky, shield, overheal, lump) = (0, 0, 0, 0, false);
    RareBody::Totals { a, on, s, kind, hits, amount, crit, lucky, shield, overheal, lump }
}

/// The dictionaries: sixty actors, of whom `players` are players, and sixty skills.
fn first(players: u16) -> Delta {
    let kind = |at: u16| if at < players { ActorKind::Player } else { ActorKind::Monster };
    let actors = (0..NAMED).map(|at| actor(1_000 + u64::from(at), kind(at))).collect();
    let skills = (0..NAMED).map(|at| SkillId { base: i64::from(at), variant: None }).collect();
    Delta { actors, skills, ..Delta::default() }
}

/// Deltas that bring an encounter near one of its limits, so that what follows is at its edge.
fn near_a_limit() -> impl Strategy<Value = Vec<Delta>> {
    let players = (44..=49_u16).prop_map(|players| vec![first(players)]);
    let actors = (0..4_u64).prop_map(|free| {
        let many = limits::ACTORS_MAX as u64 - u64::from(NAMED) - free;
        let actors = (0..many).map(|id| actor(5_000 + id, ActorKind::Unknown)).collect();
        vec![first(9), Delta { actors, ..Delta::default() }]
    });
    let skills = (0..4_i64).prop_map(|free| {
        let many = limits::SKILLS_MAX as i64 - i64::from(NAMED) - free;
        let skills = (0..many).map(|base| SkillId { base: 500 + base, variant: None }).collect();
        vec![first(9), Delta { skills, ..Delta::default() }]
    });
    let amount = (0..300_u64).prop_map(|free| vec![first(9), with_hits(&[hit(0, 1, 2, limits::AMOUNT_MAX - free)])]);
    let rows = (0..40_usize).prop_map(|free| {
        let row = |n: usize| {
            let (n, named) = (n as u16 as usize, usize::from(NAMED));
            hit((n % named) as u16, (n / named % named) as u16, (n / named / named) as u16, 1)
        };
        let hits: Vec<_> = (0..limits::ENCOUNTER_ROWS_MAX - free).map(row).collect();
        let mut deltas = vec![first(9)];
        deltas.extend(hits.chunks(limits::DELTA_HITS_MAX).map(with_hits));
        deltas
    });
    let hits = (0..40_u64).prop_map(|free| {
        let whole = vec![hit(0, 1, 2, 1); limits::DELTA_HITS_MAX];
        let left = (limits::ENCOUNTER_HITS_MAX - free) as usize;
        let mut deltas = vec![first(9)];
        deltas.extend((0..left / whole.len()).map(|_| with_hits(&whole)));
        deltas.push(with_hits(&whole[..left % whole.len()]));
        deltas
    });
    let many = |count: usize, body: fn() -> RareBody| {
        let mut deltas = vec![first(9)];
        let mut left = count;
        while left > 0 {
            let now = left.min(limits::DELTA_RARE_MAX);
            deltas.push(with_rare((0..now).map(|_| body())));
            left -= now;
        }
        deltas
    };
    let deaths = (0..6_usize)
        .prop_map(move |free| many(limits::DEATHS_MAX - free, || RareBody::Death { a: ActorIx(0), by: None, s: None }));
    let tellings =
        (0..6_usize).prop_map(move |free| many(limits::ROW_TELLINGS_MAX as usize - free, || totals(3, 1, 1)));
    prop_oneof![6 => players, 2 => actors, 2 => skills, 3 => amount, 1 => rows, 1 => hits, 1 => deaths, 1 => tellings]
}

/// A delta that may fit or not.
fn any_delta() -> impl Strategy<Value = Delta> {
    let kinds = || prop_oneof![Just(ActorKind::Player), Just(ActorKind::Monster), Just(ActorKind::Unknown)];
    let hits = prop::collection::vec((0..=NAMED, 0..NAMED, 0..NAMED, 0..60_u64), 0..12).prop_map(|hits| {
        with_hits(&hits.into_iter().map(|(a, b, s, amount)| hit(a, b, s, amount)).collect::<Vec<_>>())
    });
    let body = prop_oneof![
        4 => (0..=NAMED, kinds()).prop_map(|(at, kind)| called(at, kind)),
        2 => (0..200_u16, 0..50_u64, 0..90_u64).prop_map(|(row, hits, amount)| totals(row, hits, amount)),
        2 => (0..NAMED).prop_map(|at| RareBody::Death { a: ActorIx(at), by: None, s: None }),
        1 => (998..1_003_u32).prop_map(|n| RareBody::AttemptBegan { n, why: AttemptReason::Wipe, hp: None }),
        1 => (0..NAMED).prop_map(|at| RareBody::Header {
            scene_id: None,
            scene: None,
            difficulty: None,
            local: Some(ActorIx(at)),
        }),
    ];
    let rare = prop::collection::vec(body, 0..8).prop_map(with_rare);
    let actors = prop::collection::vec((0..30_u64, kinds()), 0..4).prop_map(|actors| {
        let actors = actors.into_iter().map(|(id, kind)| actor(90_000 + id, kind)).collect();
        Delta { actors, ..Delta::default() }
    });
    let skills = prop::collection::vec(9_000..9_030_i64, 0..3).prop_map(|bases| {
        let skills = bases.into_iter().map(|base| SkillId { base, variant: None }).collect();
        Delta { skills, ..Delta::default() }
    });
    prop_oneof![3 => hits, 5 => rare, 2 => actors, 1 => skills]
}

#[derive(Clone, Debug)]
enum Step {
    /// A delta comes.
    Delta(Box<Delta>),
    /// The oldest that is under way is durable.
    Settle,
    /// An append failed: none of those under way is.
    Fail,
    /// The relay is started again.
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => any_delta().prop_map(|delta| Step::Delta(Box::new(delta))),
        4 => Just(Step::Settle),
        1 => Just(Step::Fail),
        1 => Just(Step::Restart),
    ]
}

/// A gate of all that a journal holds, and what its deltas are.
fn restored(journal: &[Delta]) -> (Gate, Vec<Checked>) {
    let mut gate = gate();
    let read = journal.iter().map(|delta| gate.restore(delta).expect("what a gate let through is read again"));
    let read = read.collect();
    (gate, read)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn a_gate_gives_the_same_answer_by_whichever_way_it_came_to_where_it_is(
        near in near_a_limit(), steps in prop::collection::vec(step(), 1..40),
    ) {
        // The journal, what is on its way to it, and the gate of a relay that settles, fails and starts again.
        let (mut journal, mut under_way, mut gate) = (Vec::new(), Vec::new(), gate());
        for mut delta in near {
            delta.seq = gate.seq() + 1;
            gate.check(&delta).expect("it is just within the limit");
            gate.settle();
            journal.push(delta);
        }
        let near = journal.len();
        for step in steps {
            match step {
                Step::Delta(mut delta) => {
                    delta.seq = gate.seq() + 1;
                    // What another gate says that was made of the same deltas and nothing else.
                    let mut other = restored(&journal).0;
                    for sent in &under_way {
                        other.check(sent).expect("what was let through once is let through again");
                    }
                    let answer = gate.check(&delta);
                    prop_assert_eq!(&answer, &other.check(&delta));
                    if answer.is_ok() {
                        under_way.push(*delta);
                    }
                }
                Step::Settle if !under_way.is_empty() => {
                    gate.settle();
                    journal.push(under_way.remove(0));
                }
                Step::Settle => {}
                Step::Fail => {
                    gate.revert();
                    under_way.clear();
                    prop_assert_eq!(gate.seq(), journal.len() as u64);
                }
                Step::Restart => {
                    under_way.clear();
                    gate = restored(&journal).0;
                }
            }
        }
        // Nothing of the journal is left out, and it says what was let through.
        let read = restored(&journal[..]).1;
        prop_assert_eq!(read.len(), journal.len());
        for (delta, checked) in journal.iter().zip(&read).skip(near) {
            let columns = raidcast_shared::columns::ColumnMap::own();
            prop_assert_eq!(&Checked::decode(&columns, delta).expect("it is read"), checked);
        }
    }
}

fn limit_of(answer: &Result<Checked, CheckError>) -> Option<Limit> {
    match answer {
        Err(CheckError::Refused { limit, .. }) => *limit,
        _ => None,
    }
}

#[test]
fn what_deltas_unfold_to_is_bounded_before_it_is_unfolded() {
    let mut gate = gate();
    gate.check(&Delta { seq: 1, ..first(2) }).expect("it fits");
    let whole = with_hits(&vec![hit(0, 1, 2, 1); limits::DELTA_HITS_MAX]);
    assert!(whole.columns.len() < 40, "16,384 hits in so few bytes");
    let deltas = limits::ENCOUNTER_HITS_MAX / limits::DELTA_HITS_MAX as u64;
    for at in 0..deltas {
        assert!(gate.check(&Delta { seq: at + 2, ..whole.clone() }).is_ok());
        gate.settle();
    }
    let one_more = Delta { seq: deltas + 2, ..with_hits(&[hit(0, 1, 2, 1)]) };
    assert_eq!(limit_of(&gate.check(&one_more)), Some(Limit::Hits));
    // An event that this code does not know counts by its bytes, and as one.
    let later = codec::encode(&serde_json::json!({"k": "weather", "at": 0, "rain": "x".repeat(200_000)}));
    let large = Delta { rare: vec![later.into()], ..Delta::default() };
    let mut seq = deltas + 2;
    let refused = loop {
        let answer = gate.check(&Delta { seq, ..large.clone() });
        match answer {
            Ok(_) => seq += 1,
            refused => break limit_of(&refused),
        }
    };
    assert_eq!(refused, Some(Limit::Bytes));
    assert!(seq < 480, "{seq}");
}

#[test]
fn an_actor_that_was_once_called_a_player_counts_as_one_for_good() {
    let mut gate = Gate::new(&header()).expect("its columns are usable");
    gate.check(&Delta { seq: 1, ..first(48) }).expect("it fits");
    // Whose meter it is counts from the beginning: forty-eight and that one.
    for (at, kind) in [ActorKind::Player, ActorKind::Monster, ActorKind::Player].into_iter().enumerate() {
        let told = Delta { seq: at as u64 + 2, ..with_rare([called(55, kind)]) };
        assert!(gate.check(&told).is_ok(), "the same one again");
    }
    let one_more = Delta { seq: 5, ..with_rare([called(56, ActorKind::Player)]) };
    assert_eq!(limit_of(&gate.check(&one_more)), Some(Limit::Players));
    let local = Delta { seq: 5, actors: vec![actor(100, ActorKind::Player)], ..Delta::default() };
    assert!(gate.check(&local).is_ok(), "whose meter it is was counted");
}
