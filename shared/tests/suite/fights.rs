//! Fights for properties: any events that an encounter may have.

use proptest::collection::vec;
use proptest::prelude::*;
use raidcast_shared::columns::{self, ColumnMap};
use raidcast_shared::event::{
    ActorEntry, ActorFacts, ActorIx, ActorKind, AttemptReason, CritsKnown, Event, Hit, HitFlags, HitKind, Knows,
    PartSum, Rare, RareBody, SkillIx, SourceKey, TimedHit,
};
use raidcast_shared::fold::{EncounterState, Gate};
use raidcast_shared::id::{ActorId, SkillId};
use raidcast_shared::uplink::{Delta, Ending, Header, Outcome};
use raidcast_shared::view::{Audience, Shown};
use raidcast_shared::{codec, limits};

pub(crate) const ACTORS: u16 = 9;
pub(crate) const SKILLS: u16 = 7;

pub(crate) fn header() -> Header {
    Header {
        started_at_ms: 1_790_000_000_000,
        scene_id: Some(1021),
        scene: Some("Towering Ruin".into()),
        difficulty: Some(3),
        local: Some(ActorId::clear(100)),
        knows: Knows { crits: CritsKnown::Local, hits: true, overheal: true, lag_ms: 50, ..Knows::default() },
        cols: columns::own_columns(),
    }
}

/// How a fight ended, as its meter tells.
pub(crate) fn ending(outcome: Outcome) -> Ending {
    let checksum = EncounterState::new(header(), ColumnMap::own()).checksum();
    Ending { last_seq: 1, ended_at_ms: None, outcome, checksum, meter: None }
}

pub(crate) fn actors() -> Vec<ActorEntry> {
    let kind = |at| match at % 3 {
        0 => ActorKind::Player,
        1 => ActorKind::Monster,
        _ => ActorKind::Unknown,
    };
    (0..ACTORS).map(|at| ActorEntry { id: ActorId::clear(100 + u64::from(at)), kind: kind(at), owner: None }).collect()
}

pub(crate) fn skills() -> Vec<SkillId> {
    (0..SKILLS).map(|at| SkillId { base: 1700 + i64::from(at / 2), variant: Some(i64::from(at)) }).collect()
}

pub(crate) fn hit() -> impl Strategy<Value = Hit> {
    let parts = (0..ACTORS, 0..ACTORS, 0..SKILLS, any::<bool>(), 0..5_000_000_u64, 0..16_u8, 0..4_u64, 0..4_u64);
    parts.prop_map(|(source, target, skill, heal, amount, flags, shield, overheal)| Hit {
        source: ActorIx(source),
        target: ActorIx(target),
        skill: SkillIx(skill),
        kind: if heal { HitKind::Heal } else { HitKind::Damage },
        amount,
        flags: HitFlags(flags),
        shield: if shield == 0 { amount / 3 } else { 0 },
        overheal: if overheal == 0 { amount / 2 } else { 0 },
    })
}

fn rare() -> impl Strategy<Value = RareBody> {
    let actor = || (0..ACTORS).prop_map(ActorIx);
    let facts = (actor(), prop::option::of("[a-z]{1,6}"), prop::option::of(0..14_u16), prop::option::of(any::<bool>()));
    prop_oneof![
        facts.prop_map(|(actor, name, class_id, boss)| {
            let kind = boss.map(|boss| if boss { ActorKind::Monster } else { ActorKind::Player });
            RareBody::Actor(ActorFacts { name, class_id, boss, kind, ..ActorFacts::of(actor) })
        }),
        (actor(), actor()).prop_map(|(a, by)| RareBody::Death { a, by: Some(by), s: Some(SkillIx(0)) }),
        actor().prop_map(|a| RareBody::Revive { a }),
        (0..4_u32, 0..1000_u64).prop_map(|(n, hp)| RareBody::AttemptBegan {
            n,
            why: AttemptReason::Wipe,
            hp: Some(hp)
        }),
        (0..4_u32, 0..1000_u64).prop_map(|(n, hp)| RareBody::AttemptEnded { n, hp: Some(hp) }),
        (actor(), 0..9_u64).prop_map(|(a, hp)| RareBody::BossHealth { a, hp, max: Some(9) }),
        (prop::option::of("[a-z]{1,6}"), prop::option::of(actor())).prop_map(|(scene, local)| RareBody::Header {
            scene_id: Some(7),
            scene,
            difficulty: None,
            local
        }),
        ("[a-z ]{1,9}", 0..9_u64).prop_map(|(what, read)| RareBody::Missing { what, expected: 9, read }),
        (actor(), part_sum(), part_sum()).prop_map(|(a, taken, to_bosses)| RareBody::Sums { a, taken, to_bosses }),
    ]
}

fn part_sum() -> impl Strategy<Value = Option<PartSum>> {
    let sum = (0..5_000_u64, prop::option::of(0..40_u64)).prop_map(|(amount, hits)| PartSum { amount, hits });
    prop::option::of(sum)
}

/// What few rows have come to, so that each is told often.
fn totals() -> impl Strategy<Value = RareBody> {
    let row = (0..3_u16, 0..3_u16, 0..2_u16, any::<bool>());
    (row, 0..40_u64, 0..5_000_u64, 0..4_u64, any::<bool>()).prop_map(|((a, on, s, heal), hits, amount, part, lump)| {
        RareBody::Totals {
            a: ActorIx(a),
            on: ActorIx(on),
            s: SkillIx(s),
            kind: if heal { HitKind::Heal } else { HitKind::Damage },
            hits,
            amount,
            crit: hits / 2,
            lucky: hits / 3,
            shield: if part == 0 { amount / 3 } else { 0 },
            overheal: if part == 1 { amount / 2 } else { 0 },
            lump,
        }
    })
}

/// Players' damage of a boss fight in attempts: all hits on a monster say that it is a boss, so that what came of each
/// attempt can be known.
pub(crate) fn attempts() -> impl Strategy<Value = Vec<Event>> {
    let began = (0..5_u32, 0..30_000_u32, prop::option::of(0..30_000_u32));
    (events(), vec(began, 0..5)).prop_map(|(mut events, attempts)| {
        for event in &mut events {
            if let Event::Hit(TimedHit { hit, .. }) = event {
                hit.flags = HitFlags(hit.flags.0 & !HitFlags::BOSS).with(HitFlags::BOSS, hit.target.0 % 3 == 1);
            }
        }
        events.retain(|event| match event {
            Event::Rare(rare) => !matches!(rare.body, RareBody::AttemptBegan { .. } | RareBody::AttemptEnded { .. }),
            Event::Hit(_) => true,
        });
        for (at, (n, at_ms, end_ms)) in attempts.into_iter().enumerate() {
            let mut tell = |at_ms, body| {
                events.push(Event::Rare(Rare { at_ms, key: SourceKey::new(8, at as u32), body }));
            };
            tell(at_ms, RareBody::AttemptBegan { n, why: AttemptReason::Other, hp: Some(9) });
            if let Some(end_ms) = end_ms {
                tell(end_ms, RareBody::AttemptEnded { n, hp: Some(3) });
            }
        }
        events
    })
}

/// Any events, each with a key of its own as sources give them.
pub(crate) fn events() -> impl Strategy<Value = Vec<Event>> {
    let any_event = prop_oneof![
        8 => (0..30_000_u32, hit()).prop_map(|(at_ms, hit)| Event::Hit(TimedHit { at_ms, hit })),
        1 => (0..30_000_u32, totals()).prop_map(|(at_ms, body)| Event::Rare(Rare { at_ms, key: SourceKey(0), body })),
        1 => (0..30_000_u32, rare()).prop_map(|(at_ms, body)| Event::Rare(Rare { at_ms, key: SourceKey(0), body })),
    ];
    vec(any_event, 0..300).prop_map(|mut events| {
        for (at, event) in events.iter_mut().enumerate() {
            if let Event::Rare(rare) = event {
                rare.key = SourceKey::new(7, at as u32);
            }
        }
        events
    })
}

/// A player's hits on an actor that nobody knows, and on a monster; then one delta that calls the unknown one a player, and
/// has for each of its hits one of the same amount on the monster.
pub(crate) fn turns_out_a_player() -> impl Strategy<Value = [Vec<Event>; 2]> {
    let amount = (0..3_u64).prop_map(|hundreds| 100 * hundreds);
    vec((0..SKILLS, 1..3_u16, amount, 0..SKILLS), 1..6).prop_map(|hits| {
        let hit = |skill, target, amount| {
            let (source, target, skill) = (ActorIx(0), ActorIx(target), SkillIx(skill));
            let flags = HitFlags(0);
            let hit = Hit { source, target, skill, kind: HitKind::Damage, amount, flags, shield: 0, overheal: 0 };
            Event::Hit(TimedHit { at_ms: 100, hit })
        };
        let facts = ActorFacts { kind: Some(ActorKind::Player), ..ActorFacts::of(ActorIx(2)) };
        let is_player = Rare { at_ms: 200, key: SourceKey(5), body: RareBody::Actor(facts) };
        let before = hits.iter().map(|&(skill, target, amount, _)| hit(skill, target, amount));
        let again =
            hits.iter().filter(|(_, target, ..)| *target == 2).map(|&(.., amount, other)| hit(other, 1, amount));
        [before.collect(), again.chain([Event::Rare(is_player)]).collect()]
    })
}

/// Deaths of few at few moments, so that some have two at one moment.
pub(crate) fn deaths() -> impl Strategy<Value = Vec<Event>> {
    let death = (0..3_u32, 0..6_u16, 0..ACTORS, 0..SKILLS);
    vec(death, 0..12).prop_map(|deaths| {
        let death = |(at, (second, a, by, s)): (usize, (u32, u16, u16, u16))| {
            let body = RareBody::Death { a: ActorIx(a), by: Some(ActorIx(by)), s: Some(SkillIx(s)) };
            Event::Rare(Rare { at_ms: 1000 * second, key: SourceKey::new(7, at as u32), body })
        };
        deaths.into_iter().enumerate().map(death).collect()
    })
}

/// The gate before a fight's first delta.
pub(crate) fn gate() -> Gate {
    Gate::new(&header()).expect("our own columns are usable")
}

/// Events as one delta.
pub(crate) fn delta(seq: u64, events: &[Event]) -> Delta {
    let mut hits = Vec::new();
    let mut rare = Vec::new();
    for event in events {
        match event {
            Event::Hit(hit) => hits.push(*hit),
            Event::Rare(event) => rare.push(codec::encode(event).into()),
        }
    }
    hits.sort_by_key(|hit| hit.at_ms);
    let (base_ms, columns) = columns::encode(&hits);
    let (actors, skills) = if seq == 1 { (actors(), skills()) } else { (Vec::new(), Vec::new()) };
    Delta {
        seq,
        base_ms,
        captured_ms: 0,
        actors,
        skills,
        hits: hits.len() as u32,
        columns: columns.into(),
        rare,
        checksum: None,
    }
}

/// As all who may see a raid see it.
pub(crate) fn to_all(state: &EncounterState) -> Shown<'_> {
    Shown::to(everybody(), state)
}

/// All who may see a raid.
#[expect(clippy::disallowed_methods, reason = "who may see it is no question here")]
pub(crate) fn everybody() -> &'static Audience {
    Audience::of_everything()
}

/// Folds events that were cut into deltas, through the bytes of the wire.
pub(crate) fn fold(deltas: &[Vec<Event>]) -> EncounterState {
    fold_as(header(), deltas)
}

/// Likewise, of a source that knows what the header says.
pub(crate) fn fold_as(header: Header, deltas: &[Vec<Event>]) -> EncounterState {
    let mut gate = Gate::new(&header).expect("our own columns are usable");
    let mut state = EncounterState::new(header, ColumnMap::own());
    for (at, events) in deltas.iter().enumerate() {
        let bytes = codec::encode(&delta(at as u64 + 1, events));
        let delta: Delta = codec::decode(&bytes, limits::UPLINK_FRAME_BYTES_MAX).expect("what is encoded decodes");
        let checked = gate.check(&delta).expect("generated deltas fit");
        state.apply(&checked);
    }
    state
}
