use proptest::prelude::*;

use super::*;
use crate::log::Log;
use crate::testing::{any_event, header, hit, rare};
use crate::uplink::{DeltaFrame, Ending, Outcome, UplinkFrame};

fn kind(actor: u64, kind: ActorKind, key: u64) -> SourceEvent {
    let facts = ActorFacts { kind: Some(kind), ..ActorFacts::of(ActorId::clear(actor)) };
    rare(0, key, RareBody::Actor(facts))
}

/// What the relay makes of the deltas: it refuses nothing, and comes to the same checksum.
fn relayed(deltas: &[Delta]) -> EncounterState {
    let mut state = EncounterState::new(header(), ColumnMap::own());
    let mut gate = Gate::new(&header()).unwrap();
    for (at, delta) in deltas.iter().enumerate() {
        let bytes = codec::encode(&UplinkFrame::Delta(DeltaFrame { h: 7, delta: delta.clone() }));
        assert!(bytes.len() < 200 * 1024, "{} bytes", bytes.len());
        let UplinkFrame::Delta(frame) = codec::decode(&bytes, l::UPLINK_FRAME_BYTES_MAX).unwrap() else { panic!() };
        if at % 7 == 0 {
            // A relay that was started again has a gate of its journal: it lets the rest through, too.
            gate = Gate::new(&header()).unwrap();
            deltas[..at].iter().for_each(|held| drop(gate.restore(held).unwrap()));
        }
        let checked = gate.check(&frame.delta).unwrap();
        state.apply(&checked);
        assert_eq!(frame.delta.checksum.is_some(), delta.seq.is_multiple_of(l::CHECKSUM_EVERY));
        if let Some(checksum) = frame.delta.checksum {
            assert_eq!(checksum, state.checksum());
        }
    }
    state
}

fn missing(state: &EncounterState) -> Vec<(&str, u64, u64)> {
    state.missing().iter().map(|missing| (missing.what.as_str(), missing.expected, missing.read)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn the_relay_takes_everything_that_is_made(batches in proptest::collection::vec(proptest::collection::vec(any_event(), 0..60), 1..12)) {
        let mut encoder = Encoder::new(header());
        let mut deltas: Vec<_> = batches.into_iter().flat_map(|batch| encoder.encode(batch, 5)).collect();
        prop_assert!(!encoder.lost().events.contains_key(&Limit::Refused));
        deltas.extend(encoder.finish(6));
        prop_assert!(deltas.iter().zip(1..).all(|(delta, seq)| delta.seq == seq));
        let state = relayed(&deltas);
        prop_assert_eq!(state.checksum(), encoder.checksum());
        prop_assert!(encoder.finish(7).is_empty());
    }

    #[test]
    fn an_encoder_that_took_its_deltas_in_again_goes_on_as_the_old_one(
        before in proptest::collection::vec(proptest::collection::vec(any_event(), 0..40), 1..6),
        after in proptest::collection::vec(any_event(), 0..40),
    ) {
        let mut encoder = Encoder::new(header());
        let deltas: Vec<_> = before.into_iter().flat_map(|batch| encoder.encode(batch, 5)).collect();
        let mut again = Encoder::new(header());
        for delta in &deltas {
            again.replay(delta).unwrap();
        }
        again.replay_lost(encoder.lost().clone());
        prop_assert_eq!(again.encode(after.clone(), 9), encoder.encode(after, 9));
        prop_assert_eq!(again.finish(9), encoder.finish(9));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(60) })]

    /// However what happened is told to it, and however it is cut into deltas.
    #[test]
    fn an_encoders_log_is_that_of_its_deltas(
        batches in proptest::collection::vec(proptest::collection::vec(any_event(), 0..30), 1..60),
        row_by_row in any::<bool>(),
    ) {
        let (mut by_deltas, mut by_itself) = (Encoder::new(header()), LogEncoder::new(header()));
        let (mut gate, mut log) = (Gate::new(&header()).unwrap(), Log::new(header()));
        for (at, batch) in batches.iter().enumerate() {
            let mut deltas = by_deltas.encode(batch.clone(), 5);
            let mut batch = batch.clone();
            if row_by_row {
                // As the encoder sorts them, so that names come in the same order.
                batch.sort_by_key(|event| (event.at_ms(), matches!(event, Event::Hit(_))));
                for run in batch.chunk_by_mut(|a, b| row_of(a).is_some() && row_of(a) == row_of(b)) {
                    match row_of(&run[0]) {
                        Some((source, target, skill, kind)) => {
                            by_itself.hits(Row { source, target, skill, kind }, run.iter().map(row_hit));
                        }
                        None => by_itself.events(&mut run.to_vec()),
                    }
                }
            } else {
                by_itself.events(&mut batch);
                prop_assert!(batch.is_empty());
            }
            if at + 1 == batches.len() {
                deltas.extend(by_deltas.finish(6));
                by_itself.finish();
            }
            for delta in deltas {
                let checked = gate.check(&delta).unwrap();
                log.push(&ColumnMap::own(), &delta, checked);
            }
        }
        let ending = |encoder: &Encoder| Ending {
            last_seq: encoder.seq(),
            ended_at_ms: Some(7),
            outcome: Outcome::Unknown,
            checksum: encoder.checksum(),
            meter: None,
        };
        log.ending = Some(ending(&by_deltas));
        let ended = ending(by_itself.encoded());
        let (own, state) = by_itself.into_log(ended);
        prop_assert_eq!(state.checksum(), by_deltas.checksum());
        let [own, log] = [own, log].map(|log| Log::from_bytes(&log.into_bytes()).unwrap().content);
        // What somebody is the dictionary says as far as it was known when he was met.
        let ids = |actors: &[ActorEntry]| actors.iter().map(|actor| actor.id).collect::<Vec<_>>();
        prop_assert_eq!(ids(&own.actors), ids(&log.actors));
        prop_assert!(row_by_row || own.actors == log.actors);
        prop_assert_eq!(own.skills, log.skills);
        prop_assert_eq!((own.hits, own.rare), (log.hits, log.rare));
    }

    #[test]
    fn columns_are_as_long_as_they_are_said_to_be(batch in proptest::collection::vec(any_event(), 0..300)) {
        let mut encoder = Encoder::new(header());
        let deltas = encoder.encode(batch, 0);
        let checked = deltas.iter().map(|delta| Checked::decode(&ColumnMap::own(), delta).unwrap());
        let mut hits: Vec<_> = checked.flat_map(|checked| checked.hits).collect();
        hits.sort_by_key(|hit| hit.at_ms);
        prop_assert_eq!(columns::encoded_len(&hits), columns::encode(&hits).1.len());
        for hit in &mut hits {
            (hit.hit.shield, hit.hit.overheal, hit.hit.amount) = (0, 1, 1 << 40);
        }
        prop_assert_eq!(columns::encoded_len(&hits), columns::encode(&hits).1.len());
    }
}

fn row_of(event: &SourceEvent) -> Option<(ActorId, ActorId, SkillId, HitKind)> {
    match event {
        // The form whose hits are told by rows tells no overheal.
        Event::Hit(TimedHit { hit, .. }) if hit.overheal == 0 => Some((hit.source, hit.target, hit.skill, hit.kind)),
        _ => None,
    }
}

fn row_hit(event: &SourceEvent) -> RowHit {
    let Event::Hit(TimedHit { at_ms, hit }) = event else { unreachable!("a row has hits alone") };
    RowHit { at_ms: *at_ms, amount: hit.amount, flags: hit.flags, shield: hit.shield }
}

#[test]
fn a_fight_read_at_once_is_split_into_frames_that_fit() {
    let mut encoder = Encoder::new(header());
    // Amounts and times as large as they get, so that bytes and not hits are what fills a delta.
    let mut events: Vec<_> = (0..60_000u32)
        .map(|n| {
            let mut event =
                hit(n * 100, u64::from(n % 40), u64::from(n % 900) + 100, i64::from(n % 300), 1 << 36 | u64::from(n));
            if let Event::Hit(TimedHit { hit, .. }) = &mut event {
                (hit.shield, hit.overheal) = (hit.amount, hit.amount / 2);
            }
            event
        })
        .collect();
    events.extend((0..10_000).map(|n| rare(n, n.into(), RareBody::Revive { a: ActorId::clear(3) })));
    events.reverse();
    let mut deltas = encoder.encode(events, 0);
    assert!(deltas.len() > 8, "{}", deltas.len());
    deltas.extend(encoder.finish(0));
    let state = relayed(&deltas);
    assert_eq!(state.events(), 60_000);
    assert_eq!(deltas.iter().map(|delta| delta.rare.len()).sum::<usize>(), 10_000);
    assert!(state.missing().is_empty());
}

#[test]
fn names_and_kinds_stand_before_the_hits_of_their_bearers() {
    let mut encoder = Encoder::new(header());
    let named =
        ActorFacts { name: Some("Ana".into()), kind: Some(ActorKind::Player), ..ActorFacts::of(ActorId::clear(1)) };
    let deltas = encoder.encode(vec![hit(40, 1, 2, 9, 10), rare(0, 1, RareBody::Actor(named))], 50);
    assert_eq!(deltas.len(), 1);
    assert_eq!(deltas[0].actors[0].kind, ActorKind::Player);
    assert_eq!(deltas[0].actors[1].kind, ActorKind::Unknown);
    assert_eq!((deltas[0].base_ms, deltas[0].captured_ms, deltas[0].hits), (40, 50, 1));
    let beat = encoder.heartbeat(99);
    assert!(beat.is_heartbeat() && beat.seq == 1);
}

#[test]
fn players_beyond_the_limit_are_told_once_and_their_hits_kept() {
    let mut encoder = Encoder::new(header());
    let everyone = (0..60).flat_map(|n| [kind(n, ActorKind::Player, 1), hit(5, n, 100, 1, 10)]);
    let mut deltas = encoder.encode(everyone.collect(), 0);
    // Told again it is no more of them.
    deltas.extend(encoder.encode((0..60).map(|n| kind(n, ActorKind::Player, 2)).collect(), 0));
    deltas.extend(encoder.finish(0));
    let state = relayed(&deltas);
    assert_eq!(state.events(), 60);
    assert_eq!(missing(&state), [("players beyond the 50 of one fight", 60, 50)]);
}

#[test]
fn what_is_beyond_a_limit_is_left_out_and_told_at_the_end() {
    let mut encoder = Encoder::new(header());
    let mut deltas = encoder.encode((0..2_100).map(|n| hit(1, n, n, 1, 1)).collect(), 0);
    deltas.extend(encoder.encode((0..4_100).map(|n| hit(2, 1, 2, n, 1)).collect(), 0));
    deltas.extend(encoder.encode(vec![hit(3, 1, 2, 1, l::AMOUNT_MAX), hit(8_000_000, 1, 2, 1, 5)], 0));
    let deaths = (0..10_005).map(|n| rare(n, n.into(), RareBody::Death { a: ActorId::clear(1), by: None, s: None }));
    deltas.extend(encoder.encode(deaths.collect(), 0));
    let late = rare(9, 9, RareBody::AttemptEnded { n: 1_001, hp: None });
    deltas.extend(encoder.encode(vec![late], 0));
    deltas.extend(encoder.finish(0));
    let state = relayed(&deltas);
    assert_eq!(state.events(), 2_048 + 4_096 + 10_000);
    let told = missing(&state);
    assert_eq!(told.iter().map(|(_, left_out, read)| (*left_out, *read)).collect::<Vec<_>>().len(), 6, "{told:?}");
    for (word, left_out) in [("actors", 52), ("skills", 4), ("amounts", 1), ("2 h", 1), ("deaths", 5), ("attempts", 1)]
    {
        assert!(
            told.iter().any(|(what, expected, read)| what.contains(word) && (*expected, *read) == (left_out, 0)),
            "{word}: {told:?}"
        );
    }
}

#[test]
fn rare_events_end_before_there_is_no_room_to_say_so() {
    let mut encoder = Encoder::new(header());
    let mut deltas = Vec::new();
    for _ in 0..16 {
        let revives = (0..10_000).map(|n| rare(n, n.into(), RareBody::Revive { a: ActorId::clear(1) }));
        deltas.extend(encoder.encode(revives.collect(), 0));
    }
    deltas.extend(encoder.finish(0));
    let state = relayed(&deltas);
    assert_eq!(missing(&state).len(), 1);
    assert_eq!(missing(&state)[0].1, 160_000 - (l::RARE_EVENTS_MAX - RARE_RESERVED) as u64);
}
