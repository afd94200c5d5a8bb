//! The largest encounters that are let through, in a process that may use a gibibyte more than an idle one: address
//! space, which counts more than what is resident. What ends beyond it ends the process.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use futures::StreamExt as _;
use raidcast_shared::codec;
use raidcast_shared::columns;
use raidcast_shared::event::{
    ActorEntry, ActorFacts, ActorIx, ActorKind, Hit, HitFlags, HitKind, Rare, RareBody, SkillIx, SourceKey, TimedHit,
};
use raidcast_shared::id::{ActorId, EncounterId, SkillId, StreamId};
use raidcast_shared::limits::{DELTA_HITS_MAX, ENCOUNTER_DURATION_MS_MAX, ENCOUNTER_HITS_MAX, ENCOUNTER_ROWS_MAX};
use raidcast_shared::uplink::{
    Begin, Begun, Delta, DeltaFrame, End, Ending, Outcome, RefusedCode, RefusedScope, ReportState, UplinkFrame,
    UplinkReply,
};
use tokio_tungstenite::tungstenite::Message;
use uuid::Uuid;

use crate::process::{Process, RELAY, Run};
use crate::script::{Uploader, header, hello};

/// What the relay may use besides what it uses when nothing happens, bytes.
const ROOM_BYTES: u64 = 1 << 30;
/// A debug build on a busy machine folds two million hits in this time, easily.
const PATIENCE: Duration = Duration::from_mins(5);
/// Players and skills whose product is [`ENCOUNTER_ROWS_MAX`]: each row stands in the report.
const PLAYERS: usize = 32;
const SKILLS: usize = ENCOUNTER_ROWS_MAX / PLAYERS;

/// A figure of a process's status, KiB.
fn status(process: &Process, name: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.0.id())).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Large {
    /// As many hits as there may be, spread over two hours; columns say them in a few bytes.
    Hits,
    /// As many rows as there may be, all of players.
    Rows,
}

impl Large {
    fn hits(self) -> u64 {
        match self {
            Self::Hits => ENCOUNTER_HITS_MAX,
            Self::Rows => ENCOUNTER_ROWS_MAX as u64,
        }
    }

    fn enc(self, n: i64) -> EncounterId {
        EncounterId::of_player("bpsr", 1, header().started_at_ms + n * 10_000_000 + i64::from(self == Self::Rows))
    }

    fn last_seq(self) -> u64 {
        self.hits().div_ceil(DELTA_HITS_MAX as u64)
    }

    fn delta(self, seq: u64) -> Delta {
        let count = DELTA_HITS_MAX as u64;
        let first = (seq - 1) * count;
        let step = u64::from(ENCOUNTER_DURATION_MS_MAX) / ENCOUNTER_HITS_MAX;
        let hits: Vec<_> = (first..(first + count).min(self.hits()))
            .map(|n| match self {
                Self::Hits => hit((n * step) as u32, 0, 0),
                Self::Rows => hit(seq as u32, n as usize % PLAYERS, n as usize / PLAYERS),
            })
            .collect();
        let (base_ms, columns) = columns::encode(&hits);
        let mut delta = Delta {
            seq,
            base_ms,
            captured_ms: i64::from(base_ms),
            hits: hits.len() as u32,
            columns: columns.into(),
            ..Delta::default()
        };
        if seq == 1 {
            let kind = |actor: usize| if actor == PLAYERS { ActorKind::Monster } else { ActorKind::Player };
            let entry = |actor| ActorEntry { id: ActorId::clear(1 + actor as u64), kind: kind(actor), owner: None };
            delta.actors = (0..=PLAYERS).map(entry).collect();
            delta.skills = (0..SKILLS as i64).map(|base| SkillId { base: 1 + base, variant: None }).collect();
            let facts = ActorFacts { name: Some("Target".into()), boss: Some(true), ..ActorFacts::of(BOSS) };
            let named: Rare = Rare { at_ms: 0, key: SourceKey::new(1, 0), body: RareBody::Actor(facts) };
            delta.rare = vec![codec::encode(&named).into()];
        }
        delta
    }
}

const BOSS: ActorIx = ActorIx(PLAYERS as u16);

fn hit(at_ms: u32, player: usize, skill: usize) -> TimedHit {
    let hit = Hit {
        source: ActorIx(player as u16),
        target: BOSS,
        skill: SkillIx(skill as u16),
        kind: HitKind::Damage,
        amount: 7,
        flags: HitFlags(HitFlags::BOSS),
        shield: 0,
        overheal: 0,
    };
    TimedHit { at_ms, hit }
}

async fn reply(uploader: &mut Uploader) -> UplinkReply {
    let next = tokio::time::timeout(PATIENCE, async {
        loop {
            if let Message::Binary(bytes) = uploader.socket.next().await?.ok()? {
                return Some(codec::decode(&bytes, usize::MAX).expect("a reply"));
            }
        }
    });
    next.await.expect("a reply comes").expect("the relay is alive")
}

async fn begin(uploader: &mut Uploader, enc: EncounterId) -> Begun {
    let stream = StreamId(Uuid::from_u128(7));
    uploader.send(&UplinkFrame::Begin(Begin { enc, stream, header: header() })).await;
    match reply(uploader).await {
        UplinkReply::Begun(begun) => begun,
        other => panic!("instead of Begun: {other:?}"),
    }
}

/// Sends all that an encounter may have.
async fn fill(uploader: &mut Uploader, large: Large, n: i64) -> Begun {
    let begun = begin(uploader, large.enc(n)).await;
    let mut acked = 0;
    for seq in 1..=large.last_seq() {
        uploader.send(&UplinkFrame::Delta(DeltaFrame { h: begun.h, delta: large.delta(seq) })).await;
        while acked < if seq == large.last_seq() { seq } else { seq.saturating_sub(16) } {
            match reply(uploader).await {
                UplinkReply::Ack { q, .. } => acked = q,
                other => panic!("{large:?}, delta {seq}: {other:?}"),
            }
        }
    }
    begun
}

async fn get(run: &Run, path: &str) -> serde_json::Value {
    let answer = tokio::time::timeout(PATIENCE, run.get(path)).await.expect("an answer comes");
    answer.unwrap_or_else(|| panic!("{path}: no answer"))
}

/// Report, timeline, and a span that is a part.
async fn look(run: &Run, report: &str, large: Large, state: &str) {
    let path = format!("/api/v1/reports/{report}");
    let whole = get(run, &path).await;
    assert_eq!(whole["totals"]["hits"], large.hits(), "{large:?}, {state}: {}", whole["message"]);
    assert_eq!(whole["state"], state, "{large:?}");
    let timeline = get(run, &format!("{path}/timeline")).await;
    assert!(timeline["players"].is_array(), "{large:?}: {}", timeline["message"]);
    let part = get(run, &format!("{path}?from=0&to=2")).await;
    let hits = part["totals"]["hits"].as_u64().unwrap_or_else(|| panic!("{large:?}: {}", part["message"]));
    assert!(0 < hits && hits < large.hits(), "{large:?}: {hits}");
}

async fn end(uploader: &mut Uploader, begun: &Begun, large: Large) {
    // What the relay holds, as it says itself.
    let held = begin(uploader, begun.enc).await.held.expect("it is held");
    assert_eq!((held.seq, held.events >= large.hits()), (large.last_seq(), true));
    let (ended_at_ms, outcome, meter) = (None, Outcome::Kill, None);
    let ending = Ending { last_seq: held.seq, ended_at_ms, outcome, checksum: held.checksum, meter };
    uploader.send(&UplinkFrame::End(End { h: begun.h, ending })).await;
    loop {
        match reply(uploader).await {
            UplinkReply::Ack { .. } => {}
            UplinkReply::Finalized { state, .. } => {
                assert_eq!(state, ReportState::Final);
                return;
            }
            other => panic!("{large:?}: {other:?}"),
        }
    }
}

fn within(run: &Run, bytes: u64) -> Process {
    run.relay_under(Command::new("prlimit").arg(format!("--as={bytes}")).arg(RELAY))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_largest_encounters_take_a_gibibyte_at_most_at_their_end_when_looked_at_and_at_a_start() {
    let run = Run::new(Path::new(RELAY));
    let relay = run.relay();
    drop(run.uploader(hello()).await);
    let idle_bytes = status(&relay, "VmSize") * 1024;
    drop(relay);
    let limit = idle_bytes + ROOM_BYTES;

    let mut relay = within(&run, limit);
    let mut uploader = run.uploader(hello()).await;
    for large in [Large::Hits, Large::Rows] {
        let begun = fill(&mut uploader, large, 0).await;
        let one_more = Delta { seq: large.last_seq() + 1, ..more(large) };
        uploader.send(&UplinkFrame::Delta(DeltaFrame { h: begun.h, delta: one_more })).await;
        let UplinkReply::Refused(refused) = reply(&mut uploader).await else { panic!("{large:?}: it was taken") };
        assert_eq!((refused.code, refused.scope), (RefusedCode::LimitReached, RefusedScope::Frame), "{large:?}");
        look(&run, &begun.report, large, "live").await;
        end(&mut uploader, &begun, large).await;
        look(&run, &begun.report, large, "final").await;
        println!("{large:?}: at most {} MiB resident so far", status(&relay, "VmHWM") / 1024);
    }
    let mut open = Vec::new();
    for large in [Large::Hits, Large::Rows] {
        open.push((large, fill(&mut uploader, large, 1).await));
    }
    drop(uploader);
    relay.kill();
    let mut relay = within(&run, limit);
    let mut uploader = run.uploader(hello()).await;
    for (large, begun) in &open {
        look(&run, &begun.report, *large, "live").await;
        let again = begin(&mut uploader, begun.enc).await;
        assert_eq!(again.held.map(|held| held.seq), Some(large.last_seq()));
    }
    for (large, begun) in &open {
        let again = begin(&mut uploader, begun.enc).await;
        end(&mut uploader, &again, *large).await;
        look(&run, &begun.report, *large, "final").await;
    }
    println!(
        "after a start: at most {} MiB resident; idle {} MiB of addresses, limit {} MiB",
        status(&relay, "VmHWM") / 1024,
        idle_bytes >> 20,
        limit >> 20
    );
    assert_eq!(relay.0.try_wait().expect("it is asked"), None, "the relay ended");
}

/// One hit more, in a row of its own.
fn more(large: Large) -> Delta {
    let mut one = hit(ENCOUNTER_DURATION_MS_MAX, 0, 0);
    if large == Large::Rows {
        // The boss hits back.
        (one.hit.source, one.hit.target) = (BOSS, ActorIx(0));
    }
    let (base_ms, columns) = columns::encode(&[one]);
    Delta { base_ms, hits: 1, columns: columns.into(), ..Delta::default() }
}
