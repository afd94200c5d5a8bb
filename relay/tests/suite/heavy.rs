//! Looking at a large fight costs its raid and all others nothing but processor time: counted, not timed.

use std::net::Ipv4Addr;
use std::sync::{Arc, mpsc};

use futures::FutureExt as _;
use futures::future::{join, join_all, join3};
use raidcast_relay::access::Asker;
use raidcast_relay::edge::Address;
use raidcast_relay::limits::EdgeLimits;
use raidcast_shared::codec;
use raidcast_shared::event::{Rare, RareBody, SkillIx, SourceKey};
use raidcast_shared::fold::Span;
use raidcast_shared::id::RaidId;
use raidcast_shared::limits::NAME_CHARS_MAX;
use raidcast_shared::uplink::{Hello, Outcome, UplinkReply};
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::raw::{HERE, ask};
use crate::script::{KEY, Script, TestRelay, Uploader, hello, soon};

const VISITORS: usize = 50;

/// Makes a fight's deltas so long that folding it counts as a large one.
fn long(mut fight: Script) -> Script {
    for delta in &mut fight.deltas {
        let name = |n: u32| {
            let body: RareBody = RareBody::Skill { s: SkillIx((n % 4) as u16), name: "n".repeat(NAME_CHARS_MAX) };
            let event = Rare { at_ms: delta.seq as u32 * 100, key: SourceKey::new(3, n), body };
            bytes::Bytes::from(codec::encode(&event))
        };
        let from = delta.seq as u32 * 1_000;
        delta.rare.extend((from..from + 500).map(name));
    }
    fight
}

/// Holds all of a relay's pool until what this gives is dropped.
pub(crate) async fn hold_the_pool(relay: &TestRelay) -> Vec<mpsc::SyncSender<()>> {
    let spans = relay.relay.as_ref().unwrap().spans();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let held = (0..threads).map(async |_| {
        let (pool, (until, held), (taken, is_taken)) =
            (Arc::clone(&spans.pool), mpsc::sync_channel(0), oneshot::channel());
        tokio::spawn(async move {
            let folding = move || {
                let _ = taken.send(());
                held.recv()
            };
            pool.run(Address::of(Ipv4Addr::new(192, 0, 2, 1).into()), folding).await
        });
        is_taken.await.expect("nobody else is there");
        until
    });
    soon("the pool", join_all(held)).await
}

async fn ten_small_lists(relay: &TestRelay) {
    for _ in 0..10 {
        assert_eq!(relay.get("/api/v1/reports?limit=1").await.0, 200);
    }
}

/// All visitors come from one address.
fn crowded() -> EdgeLimits {
    EdgeLimits { answers_per_address: 1_000, requests_burst: 100_000, ..EdgeLimits::default() }
}

#[tokio::test]
async fn fifty_visitors_of_a_live_fight_have_its_report_made_once_a_delta() {
    const ROUNDS: usize = 12;
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start_limited(data.path(), crowded()).await;
    let mut uploader = Uploader::connect(&relay).await;
    let fight = Script::new(ROUNDS as u64, 2);
    let begun = uploader.begin(&fight).await;
    let answers = Arc::clone(relay.relay.as_ref().unwrap().answers());
    for round in 0..ROUNDS {
        uploader.deltas(begun.h, &fight.deltas[round..=round]).await;
        uploader.acked(round as u64 + 1).await;
        let asked = join_all((0..VISITORS).map(|_| relay.report(&begun.report))).await;
        // What was acknowledged is in what is answered.
        assert!(asked.iter().all(|report| report.fight.totals.hits == (round as u64 + 1) * 2));
    }
    assert_eq!(answers.made(), ROUNDS as u64);
    assert!(matches!(uploader.end(begun.h, &fight, Outcome::Kill).await, UplinkReply::Finalized { .. }));
    let report = relay.report(&begun.report).await;
    assert_eq!(report.fight.checksum, fight.checksum().to_string());
    relay.stop().await;
}

#[tokio::test]
async fn a_large_fight_that_is_being_folded_keeps_nobody_waiting_but_who_asked_for_it() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start_limited(data.path(), crowded()).await;
    let mut uploader = Uploader::connect(&relay).await;
    let fight = long(Script::new(24, 2));
    let begun = uploader.begin(&fight).await;
    uploader.deltas(begun.h, &fight.deltas[..20]).await;
    uploader.acked(20).await;
    let hello = Hello { raid: RaidId(Uuid::from_u128(9)), ..hello() };
    let mut innocent = Uploader::connect_as(&relay, KEY, hello).await;
    let small = Script::new(40, 2).at(1_790_001_000_000);
    let small_begun = innocent.begin(&small).await;

    // Another large fold is under way, for as long as this is held.
    let folding = relay.relay.as_ref().unwrap().registry().context.heavy.enter(usize::MAX).await;
    let path = format!("/api/v1/reports/{}", begun.report);
    let mut visitors = Box::pin(join_all((0..VISITORS).map(|_| relay.get(&path))));
    let others = async {
        for delta in &small.deltas {
            innocent.deltas(small_begun.h, std::slice::from_ref(delta)).await;
            innocent.acked(delta.seq).await;
        }
        assert_eq!(relay.report(&small_begun.report).await.fight.totals.hits, 80);
        // The raid that is looked at goes on too.
        uploader.deltas(begun.h, &fight.deltas[20..22]).await;
        uploader.acked(22).await;
        for path in ["/api/v1/reports".to_owned(), format!("/api/v1/raids/{}", uploader.welcome.raid)] {
            let (status, body) = relay.get(&path).await;
            assert_eq!(status, 200);
            assert!(body["reports"].as_array().unwrap().iter().any(|line| line["reportId"] == begun.report.as_str()));
        }
        assert!(matches!(innocent.end(small_begun.h, &small, Outcome::Kill).await, UplinkReply::Finalized { .. }));
    };
    tokio::select! {
        biased;
        _ = &mut visitors => panic!("a second large fight was folded beside the first"),
        () = others => {}
    }
    drop(folding);
    let answered = soon("the visitors' answers", visitors).await;
    assert!(answered.iter().all(|(status, _)| *status == 200));
    uploader.deltas(begun.h, &fight.deltas[22..]).await;
    uploader.acked(24).await;
    assert!(matches!(uploader.end(begun.h, &fight, Outcome::Kill).await, UplinkReply::Finalized { .. }));
    assert_eq!(relay.report(&begun.report).await.fight.checksum, fight.checksum().to_string());
    relay.stop().await;
}

#[tokio::test]
async fn a_span_is_made_on_the_pool_and_once_for_all_who_ask() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start_limited(data.path(), crowded()).await;
    let mut uploader = Uploader::connect(&relay).await;
    let fight = Script::new(60, 2);
    let begun = uploader.begin(&fight).await;
    uploader.deltas(begun.h, &fight.deltas).await;
    uploader.acked(60).await;
    assert!(matches!(uploader.end(begun.h, &fight, Outcome::Kill).await, UplinkReply::Finalized { .. }));
    let run = relay.relay.as_ref().unwrap();
    let (answers, who) = (Arc::clone(run.answers()), Address::of(HERE.into()));
    let (report, record) = run.door().report(&begun.report, &Asker::default()).await.unwrap();
    // The report is made, and the span is folded: what is left is to write it.
    relay.report(&begun.report).await;
    let span = Span { from_ms: 1_000, to_ms: 3_000 };
    run.spans().fight(who, &report, span).await.unwrap();
    let (made, path) = (answers.made(), format!("/api/v1/reports/{}?from=1000&to=3000", begun.report));

    let held = hold_the_pool(&relay).await;
    let ask = async || answers.span(who, &report, record.clone(), span).await.unwrap();
    let mut first = Box::pin(ask());
    tokio::select! {
        biased;
        _ = &mut first => panic!("a span was made elsewhere than on the pool"),
        () = ten_small_lists(&relay) => {}
    }
    let asked = join(join_all((0..VISITORS).map(|_| relay.get(&path))), join_all((0..VISITORS).map(|_| ask())));
    let (first, (visitors, asked), ()) = soon("the span", join3(first, asked, async { drop(held) })).await;
    assert!(asked.iter().all(|body| Arc::ptr_eq(body, &first)));
    assert!(visitors.iter().all(|answer| answer == &visitors[0] && answer.0 == 200), "{:?}", visitors[0]);
    assert_eq!(visitors[0].1["totals"]["hits"], 40);
    assert_eq!(answers.made(), made + 1);
    assert_eq!(relay.get(&path).await, visitors[0]);
    assert_eq!(answers.made(), made + 1, "it is kept");
    relay.stop().await;
}

#[tokio::test]
async fn a_raids_page_is_read_once_for_all_who_ask_meanwhile_written_on_the_pool_and_never_old() {
    const FIGHTS: u64 = 40;
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start_limited(data.path(), crowded()).await;
    let mut uploader = Uploader::connect(&relay).await;
    let mut end_one = async |n: u64| {
        let fight = Script::new(1, 2 + u128::from(n)).at(1_790_000_000_000 + 10_000 * n as i64);
        let begun = uploader.begin(&fight).await;
        uploader.deltas(begun.h, &fight.deltas).await;
        assert!(matches!(uploader.end(begun.h, &fight, Outcome::Kill).await, UplinkReply::Finalized { .. }));
        uploader.welcome.raid.clone()
    };
    let mut code = String::new();
    for n in 0..FIGHTS {
        code = end_one(n).await;
    }
    let run = relay.relay.as_ref().unwrap();
    let (lists, who) = (Arc::clone(run.lists()), Address::of(HERE.into()));
    let raid = run.door().raid(&code, &Asker::default()).await.unwrap();
    let made = lists.made();

    let held = hold_the_pool(&relay).await;
    let mut first = Box::pin(lists.raid(who, &raid, None));
    tokio::select! {
        biased;
        _ = &mut first => panic!("a large page was written elsewhere than on the pool"),
        () = ten_small_lists(&relay) => {}
    }
    let mut asked: Vec<_> = (0..VISITORS).map(|_| Box::pin(lists.raid(who, &raid, None))).collect();
    assert!(asked.iter_mut().all(|page| page.now_or_never().is_none()), "nothing can be made now");
    drop(held);
    let (first, asked) = soon("the page", join(first, join_all(asked))).await;
    let first = first.unwrap();
    assert!(asked.iter().all(|page| Arc::ptr_eq(page.as_ref().unwrap(), &first)), "what says the same is the same");
    assert_eq!(lists.made(), made + 10 + 2, "one was under way, and all others shared the next");

    // A fight that has ended is there at once.
    let path = format!("/api/v1/raids/{code}");
    for n in FIGHTS..FIGHTS + 3 {
        end_one(n).await;
        let (_, page) = relay.get(&path).await;
        assert_eq!(page["reports"].as_array().unwrap().len() as u64, n + 1);
    }
    let compressed = ask(&relay, &format!("GET {path}"), &["Accept-Encoding: br"]).await;
    assert_eq!((compressed.status, compressed.header("content-encoding")), (200, Some("br")));
    relay.stop().await;
}
