//! Frozen bytes: a change here is a change of the protocol, and stands in the changelog.

use raidcast_shared::codec;
use raidcast_shared::event::{
    ActorEntry, ActorFacts, ActorIx, ActorKind, Event, Hit, HitFlags, HitKind, PartSum, Rare, RareBody, SkillIx,
    SourceKey, TimedHit,
};
use raidcast_shared::id::{ActorId, EncounterId, RaidId, SkillId, StreamId, hex};
use raidcast_shared::uplink::{
    Agent, Begin, Begun, DamageBy, DeltaFrame, End, Ending, Held, Hello, MeterTotals, NamesPolicy, Outcome, Refused,
    RefusedCode, RefusedScope, ReportState, UplinkFrame, UplinkReply, Visibility, Welcome, WireLimits,
};
use uuid::Uuid;

use crate::fights::{delta, fold, header};

fn enc() -> EncounterId {
    EncounterId::of_player("bpsr", 100_005, 1_787_000_000_000)
}

fn stream() -> StreamId {
    StreamId(Uuid::from_u128(0x5555))
}

fn events() -> Vec<Event> {
    let hit = |at_ms, source, amount, flags| {
        let (source, target, skill) = (ActorIx(source), ActorIx(1), SkillIx(2));
        let hit = Hit {
            source,
            target,
            skill,
            kind: HitKind::Damage,
            amount,
            flags: HitFlags(flags),
            shield: 0,
            overheal: 0,
        };
        Event::Hit(TimedHit { at_ms, hit })
    };
    let body =
        RareBody::Actor(ActorFacts { name: Some("Kartgriff".into()), boss: Some(true), ..ActorFacts::of(ActorIx(1)) });
    vec![
        hit(1_000, 0, 13_153, 4),
        hit(1_050, 3, 700, 5),
        Event::Rare(Rare { at_ms: 1_000, key: SourceKey::new(1, 2), body }),
    ]
}

fn welcome(limits: WireLimits) -> Welcome {
    Welcome {
        v: 1,
        raid: "abc".into(),
        raid_url: "u".into(),
        channel_url: "c".into(),
        limits,
        names: None,
        delay_s: None,
    }
}

fn frames() -> Vec<(&'static str, Vec<u8>)> {
    let told = WireLimits::default();
    let checksum = fold(&[events()]).checksum();
    let up = |frame: UplinkFrame| codec::encode(&frame);
    let down = |reply: UplinkReply| codec::encode(&reply);
    let hello = Hello {
        v: (1, 1),
        client: Agent { name: "raidcast".into(), version: "0.1.0".into() },
        meter: Agent { name: "resonance-logs".into(), version: String::new() },
        raid: RaidId(Uuid::from_u128(7)),
        secret: vec![9; 16],
        title: None,
        visibility: Visibility::Unlisted,
        report_visibility: None,
        names: NamesPolicy::Full,
        delay_s: 0,
        history: false,
    };
    let mut first = delta(1, &events());
    first.actors = vec![ActorEntry { id: ActorId::clear(42), kind: ActorKind::Player, owner: Some(ActorIx(0)) }];
    first.skills = vec![SkillId { base: 1714, variant: Some(1_171_401) }];
    first.captured_ms = 1_123;
    first.checksum = Some(checksum);
    let ending = Ending {
        last_seq: 1,
        ended_at_ms: Some(1_787_000_148_944),
        outcome: Outcome::Kill,
        checksum,
        meter: Some(MeterTotals { damage: 13_853, healing: 0, damage_by: DamageBy::Everyone }),
    };
    let held = Held { stream: stream(), seq: 9, state: ReportState::Live, events: 3, checksum, sums: false };
    vec![
        ("hello", up(UplinkFrame::Hello(hello))),
        ("begin", up(UplinkFrame::Begin(Begin { enc: enc(), stream: stream(), header: header() }))),
        ("delta", up(UplinkFrame::Delta(DeltaFrame { h: 1, delta: first }))),
        (
            "heartbeat",
            up(UplinkFrame::Delta(DeltaFrame {
                h: 1,
                delta: raidcast_shared::uplink::Delta { seq: 1, ..Default::default() },
            })),
        ),
        ("idle", up(UplinkFrame::Idle { h: 1 })),
        ("end", up(UplinkFrame::End(End { h: 1, ending }))),
        ("discard", up(UplinkFrame::Discard { enc: enc() })),
        ("probe", up(UplinkFrame::Probe { clock: 5 })),
        ("welcome", down(UplinkReply::Welcome(welcome(WireLimits { hits: 0, rows: 0, encounter_bytes: 0, ..told })))),
        ("welcome_with_all", down(UplinkReply::Welcome(welcome(WireLimits::default())))),
        (
            "welcome_as_shown",
            down(UplinkReply::Welcome(Welcome {
                names: Some(NamesPolicy::Class),
                delay_s: Some(60),
                ..welcome(WireLimits::default())
            })),
        ),
        (
            "begun",
            down(UplinkReply::Begun(Begun { h: 1, enc: enc(), report: "r".into(), url: "u".into(), held: Some(held) })),
        ),
        ("ack", down(UplinkReply::Ack { h: 1, q: 2 })),
        ("rewind", down(UplinkReply::Rewind { h: 1, q: 2 })),
        (
            "finalized",
            down(UplinkReply::Finalized {
                enc: enc(),
                report: "r".into(),
                url: "u".into(),
                state: ReportState::Final,
                rev: 1,
            }),
        ),
        (
            "refused",
            down(UplinkReply::Refused(Refused {
                code: RefusedCode::BadColumns,
                text: "t".into(),
                scope: RefusedScope::Frame,
                retry_ms: None,
                h: Some(1),
                enc: None,
            })),
        ),
        ("draining", down(UplinkReply::Draining { retry_ms: 1000 })),
        ("echo", down(UplinkReply::Echo { clock: 5, relay_ms: 6 })),
        ("totals", codec::encode(&totals(0, false))),
        ("totals_with_all", codec::encode(&totals(7, true))),
        ("sums", codec::encode(&sums(None, None))),
        ("sums_with_all", codec::encode(&sums(Some(7), Some(PartSum { amount: 13_153, hits: Some(300) })))),
    ]
}

/// Frames with ids, as version 2 writes them.
fn frames_of_version_2() -> Vec<(&'static str, Vec<u8>)> {
    let up = |frame: UplinkFrame| codec::encode_for(2, &frame);
    let down = |reply: UplinkReply| codec::encode_for(2, &reply);
    let checksum = fold(&[events()]).checksum();
    let held = Held { stream: stream(), seq: 9, state: ReportState::Live, events: 3, checksum, sums: false };
    let (report, url) = ("r".to_owned(), "u".to_owned());
    let refused = Refused {
        code: RefusedCode::BadColumns,
        text: "t".into(),
        scope: RefusedScope::Encounter,
        retry_ms: None,
        h: None,
        enc: Some(enc()),
    };
    vec![
        ("begin_2", up(UplinkFrame::Begin(Begin { enc: enc(), stream: stream(), header: header() }))),
        ("discard_2", up(UplinkFrame::Discard { enc: enc() })),
        (
            "begun_2",
            down(UplinkReply::Begun(Begun {
                h: 1,
                enc: enc(),
                report: report.clone(),
                url: url.clone(),
                held: Some(held),
            })),
        ),
        ("finalized_2", down(UplinkReply::Finalized { enc: enc(), report, url, state: ReportState::Final, rev: 1 })),
        ("refused_2", down(UplinkReply::Refused(refused))),
    ]
}

fn totals(part: u64, lump: bool) -> Rare {
    let (a, on, s, kind) = (ActorIx(0), ActorIx(1), SkillIx(2), HitKind::Heal);
    let (hits, amount, crit, lucky, shield, overheal) = (300, 13_153, part, part, part, part);
    let body = RareBody::Totals { a, on, s, kind, hits, amount, crit, lucky, shield, overheal, lump };
    Rare { at_ms: 2_000, key: SourceKey::new(12, 3), body }
}

fn sums(hits: Option<u64>, to_bosses: Option<PartSum>) -> Rare {
    let body = RareBody::Sums { a: ActorIx(0), taken: Some(PartSum { amount: 1_000, hits }), to_bosses };
    Rare { at_ms: 2_000, key: SourceKey::new(12, 3), body }
}

#[test]
fn frames_have_the_bytes_they_always_had() {
    let lines: Vec<_> =
        frames().iter().chain(&frames_of_version_2()).map(|(name, bytes)| format!("{name} {}", hex(bytes))).collect();
    let text = lines.join("\n") + "\n";
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite/frozen.txt");
    if std::env::var_os("RAIDCAST_WRITE_FROZEN").is_some() {
        std::fs::write(&path, &text).expect("frozen bytes can be written");
    }
    assert_eq!(std::fs::read_to_string(path).expect("frozen.txt is there"), text);
}

#[test]
fn frozen_bytes_decode_to_frames_that_encode_to_them() {
    for (name, bytes) in frames() {
        let again = match name {
            "hello" | "begin" | "delta" | "heartbeat" | "idle" | "end" | "discard" | "probe" => {
                codec::encode(&codec::decode::<UplinkFrame>(&bytes, 10_000).expect(name))
            }
            "totals" | "totals_with_all" | "sums" | "sums_with_all" => {
                codec::encode(&codec::decode::<Rare>(&bytes, 10_000).expect(name))
            }
            _ => codec::encode(&codec::decode::<UplinkReply>(&bytes, 10_000).expect(name)),
        };
        assert_eq!(hex(&again), hex(&bytes), "{name}");
    }
}

/// In all that is written, by whoever, ids are read in both forms.
#[test]
fn ids_are_read_as_bytes_and_as_lists_of_integers() {
    for (frame, bytes) in frames_of_version_2() {
        if matches!(frame, "begin_2" | "discard_2") {
            let read = codec::decode::<UplinkFrame>(&bytes, 10_000).expect(frame);
            assert_eq!(hex(&codec::encode_for(2, &read)), hex(&bytes), "{frame}");
            assert_eq!(codec::decode::<UplinkFrame>(&codec::encode(&read), 10_000), Ok(read), "{frame}");
            continue;
        }
        let read = codec::decode::<UplinkReply>(&bytes, 10_000).expect(frame);
        assert_eq!(hex(&codec::encode_for(2, &read)), hex(&bytes), "{frame}");
        assert_eq!(codec::decode::<UplinkReply>(&codec::encode(&read), 10_000), Ok(read), "{frame}");
    }
    let (name, hello) = frames().into_iter().next().expect("there are frames");
    let UplinkFrame::Hello(hello) = codec::decode(&hello, 10_000).expect(name) else { panic!("{name}") };
    let bytes = codec::encode_for(2, &UplinkFrame::Hello(hello.clone()));
    assert_eq!(codec::decode::<UplinkFrame>(&bytes, 10_000), Ok(UplinkFrame::Hello(hello)));
    assert_eq!(bytes.windows(2).filter(|pair| *pair == [0xc4, 16]).count(), 2, "raid and secret are bytes");
}

/// Only in ids do the versions differ.
#[test]
fn frames_without_ids_are_the_same_in_both_versions() {
    for (name, bytes) in frames() {
        let again = match name {
            "delta" | "heartbeat" | "idle" | "end" | "probe" => {
                codec::encode_for(2, &codec::decode::<UplinkFrame>(&bytes, 10_000).expect(name))
            }
            "welcome" | "ack" | "rewind" | "refused" | "draining" | "echo" => {
                codec::encode_for(2, &codec::decode::<UplinkReply>(&bytes, 10_000).expect(name))
            }
            _ => continue,
        };
        assert_eq!(hex(&again), hex(&bytes), "{name}");
    }
}

#[test]
fn what_is_no_id_is_refused() {
    for (name, id) in [
        ("15 bytes", vec![0xc4, 15]),
        ("17 bytes", vec![0xc4, 17]),
        ("15 integers", vec![0xdc, 0, 15]),
        ("17 integers", vec![0xdc, 0, 17]),
        ("text", vec![0xb0]),
    ] {
        let count = if id[0] == 0xb0 { 16 } else { usize::from(*id.last().expect("a length")) };
        let mut frame = vec![0x82, 0xa1, b't', 0xa7];
        frame.extend_from_slice(b"discard");
        frame.extend_from_slice(&[0xa3, b'e', b'n', b'c']);
        frame.extend_from_slice(&id);
        frame.extend(std::iter::repeat_n(1, count));
        let read = codec::decode::<UplinkFrame>(&frame, 10_000);
        assert!(matches!(read, Err(codec::DecodeError::Shape { .. })), "{name}: {read:?}");
    }
}

#[test]
fn checksum_and_encounter_id_are_what_they_always_were() {
    assert_eq!(enc().to_string(), "eee96532-a9b0-5e02-b1ac-114606e73aee");
    assert_eq!(fold(&[events()]).checksum().to_string(), "v1:20366c1230fbbc462da0ed4fd9feec15");
}

#[test]
fn a_frame_or_event_of_a_later_version_is_known_as_unknown() {
    let later = codec::encode(&serde_json::json!({"t": "weather", "rain": [1, 2]}));
    assert_eq!(codec::decode::<UplinkFrame>(&later, 1000), Ok(UplinkFrame::Unknown));
    let more = codec::encode(&serde_json::json!({"t": "idle", "h": 3, "since": 4}));
    assert_eq!(codec::decode::<UplinkFrame>(&more, 1000), Ok(UplinkFrame::Idle { h: 3 }));
}
