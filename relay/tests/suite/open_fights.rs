//! What open fights may hold of the relay's memory, by a small budget: refused beyond it, and nothing is lost.

use std::collections::VecDeque;
use std::num::NonZero;

use raidcast_relay::limits::{EdgeLimits, FIGHT_BYTES, MEMORY_RETRY_MS, WATCHED_MS};
use raidcast_shared::feed::SUBPROTOCOL;
use raidcast_shared::id::RaidId;
use raidcast_shared::report::Report;
use raidcast_shared::uplink::{
    Begin, Begun, Hello, Outcome, Refused, RefusedCode, RefusedScope, ReportState, UplinkFrame, UplinkReply,
};
use uuid::Uuid;

use crate::script::{KEY, OTHER_KEY, Script, Spectator, TestRelay, Uploader, header, hello, soon};

/// Small fights of one key that fit.
const FIT: u64 = 6;
const DELTAS: u64 = 10;

fn limits(per_key: u64) -> EdgeLimits {
    let (memory_per_key, memory) = (per_key * FIGHT_BYTES, 3 * FIT * FIGHT_BYTES);
    EdgeLimits { memory_per_key, memory, ..EdgeLimits::default() }
}

fn fight(n: i64) -> Script {
    Script::new(DELTAS, 2).at(1_790_000_000_000 + n * 100_000)
}

fn bytes(relay: &TestRelay) -> u64 {
    relay.relay.as_ref().unwrap().registry().context.memory.bytes()
}

async fn begin(uploader: &mut Uploader, fight: &Script) -> Result<Begun, Refused> {
    let begin = Begin { enc: fight.enc, stream: fight.stream, header: header() };
    uploader.send(&UplinkFrame::Begin(begin)).await;
    match uploader.reply().await {
        UplinkReply::Begun(taken) => Ok(taken),
        UplinkReply::Refused(refused) => Err(refused),
        other => panic!("{other:?}"),
    }
}

/// Sends deltas until one is refused; gives how many are acknowledged.
async fn send(uploader: &mut Uploader, h: u32, fight: &Script) -> (usize, Option<Refused>) {
    for (at, delta) in fight.deltas.iter().enumerate() {
        uploader.deltas(h, std::slice::from_ref(delta)).await;
        match uploader.reply().await {
            UplinkReply::Ack { q, .. } => assert_eq!(q, at as u64 + 1),
            UplinkReply::Refused(refused) => return (at, Some(refused)),
            other => panic!("{other:?}"),
        }
    }
    (fight.deltas.len(), None)
}

fn is_full(refused: &Refused, scope: RefusedScope) {
    let told = (refused.code, refused.scope, refused.retry_ms);
    assert_eq!(told, (RefusedCode::LimitReached, scope, Some(MEMORY_RETRY_MS)), "{}", refused.text);
}

/// What was acknowledged of a fight.
struct Open {
    script: Script,
    report: String,
}

impl Open {
    fn is_that(&self, report: &Report, state: ReportState) {
        assert_eq!((report.state, &report.fight.checksum), (state, &self.script.checksum().to_string()));
        assert!(report.unverified.is_none());
    }

    async fn end(&self, relay: &TestRelay, uploader: &mut Uploader, h: u32) {
        let ended = uploader.end(h, &self.script, Outcome::Kill).await;
        assert!(matches!(ended, UplinkReply::Finalized { state: ReportState::Final, .. }), "{ended:?}");
        self.is_that(&relay.report(&self.report).await, ReportState::Final);
    }
}

#[tokio::test]
async fn fights_beyond_the_memory_of_a_key_wait_and_nothing_acknowledged_is_lost() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start_limited(data.path(), limits(FIT)).await;
    let raid = |n: u128| Hello { raid: RaidId(Uuid::from_u128(n)), ..hello() };
    let mut uploaders =
        [Uploader::connect_as(&relay, KEY, raid(1)).await, Uploader::connect_as(&relay, KEY, raid(2)).await];
    // Two raids of a key open more and more fights, until one is not taken.
    let mut open: Vec<(usize, u32, Open)> = Vec::new();
    let mut waits = None;
    for n in 0..12 {
        let (at, script) = (n as usize % 2, fight(n));
        let begun = match begin(&mut uploaders[at], &script).await {
            Ok(begun) => begun,
            Err(refused) => {
                is_full(&refused, RefusedScope::Encounter);
                waits = Some((at, script));
                break;
            }
        };
        let (acked, refused) = send(&mut uploaders[at], begun.h, &script).await;
        if let Some(refused) = &refused {
            is_full(refused, RefusedScope::Frame);
        }
        let deltas = script.deltas[..acked].to_vec();
        open.push((at, begun.h, Open { script: Script { deltas, ..script }, report: begun.report }));
    }
    let (waiting_at, waiting) = waits.expect("the key's memory is full");
    assert!((FIT as usize - 1..=FIT as usize).contains(&open.len()), "{}", open.len());
    assert!(bytes(&relay) < (FIT + 1) * FIGHT_BYTES, "{}", bytes(&relay));
    // What is open takes nothing more either; a heartbeat is none.
    let (at, h, first) = &open[0];
    let more = &Script::new(DELTAS + 1, 2).deltas[DELTAS as usize..];
    uploaders[*at].deltas(*h, more).await;
    let UplinkReply::Refused(refused) = uploaders[*at].reply().await else { panic!("it was taken") };
    is_full(&refused, RefusedScope::Frame);
    uploaders[*at].deltas(*h, &first.script.deltas[..1]).await;
    uploaders[*at].acked(DELTAS).await;
    // Another key does not notice.
    let other = Open { script: fight(0), report: String::new() };
    let mut uploader = Uploader::connect_as(&relay, OTHER_KEY, raid(3)).await;
    let begun = begin(&mut uploader, &other.script).await.unwrap();
    assert_eq!(send(&mut uploader, begun.h, &other.script).await, (DELTAS as usize, None));
    Open { report: begun.report, ..other }.end(&relay, &mut uploader, begun.h).await;
    // One ends, and makes room.
    first.end(&relay, &mut uploaders[*at], *h).await;
    begin(&mut uploaders[*at], &fight(20)).await.unwrap();
    for (_, h, open) in [&open[2], &open[4]] {
        open.end(&relay, &mut uploaders[*at], *h).await;
    }
    let begun = begin(&mut uploaders[waiting_at], &waiting).await.unwrap();
    // What the other raid does not need any more goes within a second.
    soon("room for its deltas", async {
        while send(&mut uploaders[waiting_at], begun.h, &waiting).await.0 < DELTAS as usize {}
    })
    .await;
    Open { script: waiting, report: begun.report }.end(&relay, &mut uploaders[waiting_at], begun.h).await;
    relay.stop().await;
}

#[tokio::test]
async fn a_start_takes_up_as_many_fights_as_fit_and_the_others_are_served_and_end_exactly() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut open = VecDeque::new();
    let mut uploader = Uploader::connect(&relay).await;
    for n in 0..7 {
        let script = fight(n);
        let begun = begin(&mut uploader, &script).await.unwrap();
        assert_eq!(send(&mut uploader, begun.h, &script).await.0, DELTAS as usize);
        open.push_back(Open { script, report: begun.report });
    }
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get) as u64;
    let relay = relay.restart_limited(limits(2)).await;
    let held = bytes(&relay);
    assert!((2 * FIGHT_BYTES..(2 + cores) * (FIGHT_BYTES + FIGHT_BYTES / 4)).contains(&held), "{held}");
    for fight in &open {
        fight.is_that(&relay.report(&fight.report).await, ReportState::Live);
    }
    let mut uploader = Uploader::connect(&relay).await;
    let (mut refusals, mut left) = (0, open);
    while let Some(fight) = left.pop_front() {
        match begin(&mut uploader, &fight.script).await {
            Ok(begun) => {
                assert_eq!(begun.held.map(|held| (held.seq, held.checksum)), Some((DELTAS, fight.script.checksum())));
                fight.end(&relay, &mut uploader, begun.h).await;
            }
            Err(refused) => {
                is_full(&refused, RefusedScope::Encounter);
                refusals += 1;
                assert!(refusals < 100, "there is never room");
                left.push_back(fight);
            }
        }
    }
    assert!(refusals > 0, "all were held");
    relay.stop().await;
}

#[tokio::test]
async fn who_goes_on_watching_a_raid_that_is_over_holds_no_memory_that_a_fight_needs() {
    let data = tempfile::tempdir().unwrap();
    // Two fights of a key fit, and none is provisional while this goes on.
    let relay = TestRelay::start_set(data.path(), |config| {
        (config.limits, config.grace_ms) = (limits(2), 2 * WATCHED_MS);
    });
    let relay = relay.await;
    let raid = |n: u128| Hello { raid: RaidId(Uuid::from_u128(n)), ..hello() };
    let mut uploader = Uploader::connect_as(&relay, KEY, raid(1)).await;
    let over = Open { script: fight(0), report: String::new() };
    let begun = begin(&mut uploader, &over.script).await.unwrap();
    assert_eq!(send(&mut uploader, begun.h, &over.script).await, (DELTAS as usize, None));
    Open { report: begun.report.clone(), ..over }.end(&relay, &mut uploader, begun.h).await;
    let mut watching = Spectator::join(&relay, &uploader.welcome.raid, SUBPROTOCOL).await;
    watching.until("the last fight", |seen| seen.state.as_deref() == Some("Final")).await;
    drop(uploader);
    // Between two fights whoever watches goes on seeing the last one: only one more fits beside it.
    let mut uploader = Uploader::connect_as(&relay, KEY, raid(2)).await;
    begin(&mut uploader, &fight(1)).await.unwrap();
    is_full(&begin(&mut uploader, &fight(2)).await.unwrap_err(), RefusedScope::Encounter);
    relay.pass_ms(WATCHED_MS);
    watching.until("its fight was let go of", |seen| seen.state.is_none()).await;
    begin(&mut uploader, &fight(2)).await.unwrap();
    assert_eq!(relay.report(&begun.report).await.state, ReportState::Final);
    relay.stop().await;
}
