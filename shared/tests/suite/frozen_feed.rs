//! Frozen frames of the feed, in both its encodings: who builds on it reads them as they are.

use raidcast_shared::codec;
use raidcast_shared::event::{
    ActorEntry, ActorFacts, ActorIx, ActorKind, AttemptReason, Event, Hit, HitFlags, HitKind, Rare, RareBody, SkillIx,
    SourceKey, TimedHit,
};
use raidcast_shared::feed::{
    Bye, Detail, Echo, FeedEvent, FeedFightRef, FeedFrame, FeedHappening, FeedRaid, FeedRequest, FrameTimes, Keyframe,
};
use raidcast_shared::id::{ActorId, SkillId, hex};
use raidcast_shared::uplink::{NamesPolicy, Outcome, ReportState};
use raidcast_shared::view::{self, Happenings, LiveFacts, LiveView};

use crate::fights::{delta, gate, header, to_all};
use raidcast_shared::columns::ColumnMap;
use raidcast_shared::fold::EncounterState;

fn hit(at_ms: u32, amount: u64, flags: u8) -> Event {
    let (source, target, skill, kind) = (ActorIx(0), ActorIx(1), SkillIx(0), HitKind::Damage);
    let hit = Hit { source, target, skill, kind, amount, flags: HitFlags(flags), shield: 0, overheal: 0 };
    Event::Hit(TimedHit { at_ms, hit })
}

fn rare(at_ms: u32, n: u32, body: RareBody) -> Event {
    Event::Rare(Rare { at_ms, key: SourceKey::new(1, n), body })
}

/// A player, a boss and a skill; a hit; then another, a death, and the boss' end.
fn played() -> (EncounterState, Vec<(LiveView, FeedFrame)>, Vec<FeedHappening>) {
    let facts =
        LiveFacts { state: ReportState::Live, outcome: Outcome::Unknown, ended: false, revision: 1, idle: false };
    let named = |actor, name: &str, boss| {
        let boss = Option::from(boss).filter(|boss| *boss);
        RareBody::Actor(ActorFacts { name: Some(name.into()), boss, ..ActorFacts::of(ActorIx(actor)) })
    };
    let mut first = delta(
        1,
        &[
            hit(1_000, 13_153, HitFlags::CRIT | HitFlags::BOSS),
            rare(0, 1, named(0, "Kartgriff", false)),
            rare(0, 2, named(1, "Frost Ogre", true)),
            rare(0, 3, RareBody::Skill { s: SkillIx(0), name: "Arc".into() }),
            rare(0, 4, RareBody::AttemptBegan { n: 1, why: AttemptReason::Initial, hp: Some(20_000) }),
        ],
    );
    first.actors = vec![
        ActorEntry { id: ActorId::clear(42), kind: ActorKind::Player, owner: None },
        ActorEntry { id: ActorId::clear(7), kind: ActorKind::Monster, owner: None },
    ];
    first.skills = vec![SkillId { base: 1_714, variant: None }];
    let fell = ActorFacts { defeated: Some(true), ..ActorFacts::of(ActorIx(1)) };
    let second = delta(
        2,
        &[
            hit(2_500, 700, HitFlags::BOSS),
            rare(2_600, 5, RareBody::Death { a: ActorIx(0), by: Some(ActorIx(1)), s: None }),
            rare(2_700, 6, RareBody::Actor(fell)),
        ],
    );
    let (mut gate, mut state) = (gate(), EncounterState::new(header(), ColumnMap::own()));
    let (mut view, mut happenings, mut happened) = (LiveView::default(), Happenings::default(), Vec::new());
    let mut frames = Vec::new();
    for (position, delta) in (1..).zip([first, second]) {
        state.apply(&gate.check(&delta).expect("it fits"));
        view.note(&state.take_changed_seconds());
        happened.extend(happenings.step(to_all(&state)));
        let mut tick = view.step(to_all(&state), facts).tick;
        (tick.position, tick.times) = (position, FrameTimes(1, 2, 3));
        frames.push((view.clone(), FeedFrame::Tick(tick)));
    }
    (state, frames, happened)
}

fn frames() -> Vec<(String, FeedFrame)> {
    let (state, ticks, happened) = played();
    let line = FeedFightRef {
        report_id: "r".into(),
        state: ReportState::Live,
        outcome: Outcome::Unknown,
        title: view::title(to_all(&state)),
        started_at_ms: header().started_at_ms,
        duration_ms: state.duration_ms(),
    };
    let raid = FeedRaid {
        code: "c".into(),
        title: None,
        names: NamesPolicy::Full,
        delay_s: 0,
        connected: true,
        open: true,
        fights: vec![line],
    };
    let key = state.actors()[0].id.to_hex();
    let skills = view::skills_of(to_all(&state), &[&key]).remove(0).1;
    let mut out = Vec::new();
    let keyframe = |fight| {
        FeedFrame::Keyframe(Keyframe {
            epoch: "1.10.1".into(),
            position: 2,
            events: 3,
            events_lost: false,
            raid: raid.clone(),
            fight,
            times: FrameTimes(1, 2, 3),
        })
    };
    out.push(("keyframe_before_a_fight".to_owned(), keyframe(None)));
    let view = &ticks.last().expect("two ticks").0;
    out.push(("keyframe".to_owned(), keyframe(view.keyframe(to_all(&state), "r".into()))));
    out.extend((1..).zip(ticks).map(|(n, (_, tick))| (format!("tick_{n}"), tick)));
    let ended = FeedHappening::FightEnded {
        state: ReportState::Final,
        outcome: Outcome::Kill,
        revision: 1,
        checksum: "v1:0".into(),
    };
    let all = [FeedHappening::FightBegan { started_at_ms: 5 }]
        .into_iter()
        .chain(happened)
        .chain([ended, FeedHappening::ViewsChanged]);
    for (n, what) in (1..).zip(all) {
        out.push((format!("event_{n}"), FeedFrame::Event(FeedEvent { n, report_id: "r".into(), what })));
    }
    let detail = Detail { position: 2, report_id: "r".into(), player_key: key, skills };
    out.push(("detail".to_owned(), FeedFrame::Detail(detail)));
    out.push(("bye".to_owned(), FeedFrame::Bye(Bye { reason: "why".into(), retry_ms: Some(1_000) })));
    out.push(("echo".to_owned(), FeedFrame::Echo(Echo { clock: 0.5, relay_ms: 6, watching: None })));
    out.push(("echo_watching".to_owned(), FeedFrame::Echo(Echo { clock: 0.5, relay_ms: 6, watching: Some(3) })));
    out
}

fn requests() -> Vec<(&'static str, FeedRequest)> {
    vec![
        ("watch", FeedRequest::Watch { players: vec!["key".into()] }),
        ("pace", FeedRequest::Pace { ticks: 5 }),
        ("probe", FeedRequest::Probe { clock: 0.5 }),
    ]
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("it is JSON")
}

#[test]
fn the_feed_has_the_words_and_bytes_it_always_had() {
    let mut lines = Vec::new();
    for (name, frame) in frames() {
        lines.push(format!("{name} {}", json(&frame)));
        lines.push(format!("{name} {}", hex(&codec::encode(&frame))));
    }
    for (name, request) in requests() {
        lines.push(format!("{name} {}", json(&request)));
        lines.push(format!("{name} {}", hex(&codec::encode(&request))));
    }
    let text = lines.join("\n") + "\n";
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite/frozen_feed.txt");
    if std::env::var_os("RAIDCAST_WRITE_FROZEN").is_some() {
        std::fs::write(&path, &text).expect("frozen bytes can be written");
    }
    let held = std::fs::read_to_string(path).expect("frozen_feed.txt is there");
    for (held, now) in held.lines().zip(text.lines()) {
        assert_eq!(held, now);
    }
    assert_eq!(held.len(), text.len());
}

#[test]
fn frozen_frames_of_the_feed_are_read_from_both_encodings() {
    for (name, frame) in frames() {
        let from_bytes: FeedFrame = codec::decode(&codec::encode(&frame), 100_000).expect("it is read");
        let text = serde_json::to_string(&frame).expect("it is JSON");
        let from_json: FeedFrame = serde_json::from_str(&text).expect("it is read");
        assert_eq!((&from_bytes, &from_json), (&frame, &frame), "{name}");
    }
}
