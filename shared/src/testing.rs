//! Events for tests of this crate and of those that build on it.

use proptest::prelude::*;

use crate::columns::own_columns;
use crate::event::{
    ActorFacts, ActorKind, AttemptReason, Event, Hit, HitFlags, HitKind, Knows, Rare, RareBody, SourceEvent, SourceKey,
    TimedHit,
};
use crate::id::{ActorId, SkillId};
use crate::limits;
use crate::uplink::Header;

/// The head of a fight.
pub fn header() -> Header {
    Header {
        started_at_ms: 1_790_000_000_000,
        scene_id: None,
        scene: Some("Arena".into()),
        difficulty: None,
        local: Some(ActorId::clear(1)),
        knows: Knows::default(),
        cols: own_columns(),
    }
}

/// A hit of damage.
pub fn hit(at_ms: u32, source: u64, target: u64, skill: i64, amount: u64) -> SourceEvent {
    Event::Hit(TimedHit {
        at_ms,
        hit: Hit {
            source: ActorId::clear(source),
            target: ActorId::clear(target),
            skill: SkillId { base: skill, variant: None },
            kind: HitKind::Damage,
            amount,
            flags: HitFlags::default(),
            shield: 0,
            overheal: 0,
        },
    })
}

/// A rare event.
pub fn rare(at_ms: u32, key: u64, body: RareBody<ActorId, SkillId>) -> SourceEvent {
    Event::Rare(Rare { at_ms, key: SourceKey(key), body })
}

/// Any event, also such as the encoder must clean or leave out.
pub fn any_event() -> impl Strategy<Value = SourceEvent> {
    let actor = || (0..70u64).prop_map(ActorId::clear);
    let skill = || (0..9i64, proptest::option::of(0..3i64)).prop_map(|(base, variant)| SkillId { base, variant });
    let number = || prop_oneof![8 => 0..100_000u64, 1 => limits::AMOUNT_MAX - 5..=limits::AMOUNT_MAX + 5];
    let at = || prop_oneof![20 => 0..60_000u32, 1 => limits::ENCOUNTER_DURATION_MS_MAX - 2..=limits::ENCOUNTER_DURATION_MS_MAX + 2];
    let kinds = prop_oneof![Just(ActorKind::Player), Just(ActorKind::Monster), Just(ActorKind::Unknown)];
    let name =
        prop_oneof![Just("Mika<3".to_owned()), Just("a\u{1b}b".to_owned()), Just("x".repeat(99)), Just(String::new())];
    let hits = (actor(), actor(), skill(), number(), number(), 0..16u8, any::<bool>()).prop_map(
        |(source, target, skill, amount, part, flags, heal)| {
            let kind = if heal { HitKind::Heal } else { HitKind::Damage };
            let flags = HitFlags(flags);
            Hit { source, target, skill, kind, amount, flags, shield: part, overheal: part / 2 }
        },
    );
    let bodies = prop_oneof![
        4 => (actor(), proptest::option::of(kinds), proptest::option::of(name.clone()), proptest::option::of(number())).prop_map(
            |(actor, kind, name, max_hp)| RareBody::Actor(ActorFacts { kind, name, max_hp, ..ActorFacts::of(actor) })
        ),
        1 => (skill(), name.clone()).prop_map(|(s, name)| RareBody::Skill { s, name }),
        1 => (actor(), proptest::option::of(actor()), proptest::option::of(skill())).prop_map(|(a, by, s)| RareBody::Death { a, by, s }),
        1 => (0..1_100u32, number()).prop_map(|(n, hp)| RareBody::AttemptBegan { n, why: AttemptReason::Wipe, hp: Some(hp) }),
        1 => (actor(), number(), number()).prop_map(|(a, hp, max)| RareBody::BossHealth { a, hp, max: Some(max) }),
        1 => (any::<bool>(), name, any::<u32>()).prop_map(|(boss, name, until)| RareBody::Segment { boss, name: Some(name), until: Some(until) }),
        1 => (actor(), any::<u32>()).prop_map(|(a, until)| RareBody::Buff { a, buff: 5, until, stacks: 1 }),
        // Of few rows, so that each is told again.
        2 => (0..3u64, number(), number(), any::<bool>()).prop_map(|(actor, hits, amount, lump)| {
            let (a, on, s) = (ActorId::clear(actor), ActorId::clear(2), SkillId { base: 1, variant: None });
            let (kind, crit, lucky, shield, overheal) = (HitKind::Damage, 0, amount, hits, 1);
            RareBody::Totals { a, on, s, kind, hits, amount, crit, lucky, shield, overheal, lump }
        }),
        1 => (number(), number()).prop_map(|(expected, read)| RareBody::Missing { what: "y\u{7}".repeat(150), expected, read }),
    ];
    prop_oneof![
        6 => (at(), hits).prop_map(|(at_ms, hit)| Event::Hit(TimedHit { at_ms, hit })),
        4 => (at(), 0..9u64, bodies).prop_map(|(at_ms, key, body)| rare(at_ms, key, body)),
    ]
}
