//! Parts of a fight: exact, folded once for all who ask, refused where too many are asked for.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use futures::future::join_all;
use raidcast_relay::access::Asker;
use raidcast_relay::edge::Address;
use raidcast_relay::error::HttpError;
use raidcast_relay::limits::FOLDS_WAITING_PER_ADDRESS;
use raidcast_relay::span::{SpanError, Spans};
use raidcast_shared::codec;
use raidcast_shared::columns::ColumnMap;
use raidcast_shared::event::{ActorIx, Rare, RareBody, SkillIx, SourceKey};
use raidcast_shared::fold::{EncounterState, Gate, Span};
use raidcast_shared::report::{Fight, Report};
use raidcast_shared::uplink::{Outcome, UplinkReply};
use raidcast_shared::view;

use crate::raw::{HERE, THERE};
use crate::script::{Script, TestRelay, Uploader, header, soon, to_all};

/// A fight with deaths, revives and a boss whose health is told.
pub(crate) fn eventful(n: u64) -> Script {
    let mut fight = Script::new(n, 2);
    for delta in &mut fight.deltas {
        let seq = delta.seq;
        let at_ms = seq as u32 * 100;
        let body = match seq % 7 {
            2 => RareBody::Death { a: ActorIx((seq % 3) as u16), by: Some(ActorIx(3)), s: Some(SkillIx(2)) },
            4 => RareBody::Revive { a: ActorIx((seq % 3) as u16) },
            6 => RareBody::BossHealth { a: ActorIx(3), hp: 1_000_000 - seq * 100, max: None },
            _ => continue,
        };
        let event = Rare { at_ms, key: SourceKey::new(2, seq as u32), body };
        delta.rare.push(codec::encode(&event).into());
    }
    fight
}

/// What a plain fold of only the span's events says.
pub(crate) fn plain(fight: &Script, deltas: usize, span: Span) -> Fight {
    let mut state = EncounterState::of_span(header(), ColumnMap::own(), span);
    let mut gate = Gate::new(state.header()).expect("our own columns are usable");
    for delta in &fight.deltas[..deltas] {
        state.apply(&gate.check(delta).unwrap());
    }
    view::fight(to_all(&state), None)
}

/// Without what the plain fold cannot know: hashed ids, and how the fight ended.
fn comparable(fight: &Fight) -> Fight {
    let mut fight = fight.clone();
    for player in &mut fight.players {
        player.player_key.clear();
        // JSON readers round the last digit.
        player.dps = (player.dps * 1e6).round();
        player.hps = (player.hps * 1e6).round();
    }
    fight.deaths.iter_mut().for_each(|death| death.player_key.clear());
    fight.outcome = Outcome::Unknown;
    fight.ended_at_ms = None;
    fight
}

fn spans(count: u32, to_ms: u32) -> impl Iterator<Item = Span> {
    let mut state = 12_345_u32;
    let mut random = move |below: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) % below
    };
    (0..count).map(move |_| {
        let from_ms = random(to_ms);
        Span { from_ms, to_ms: from_ms + 1 + random(to_ms) }
    })
}

fn address(ip: Ipv4Addr) -> Address {
    Address::of(ip.into())
}

async fn span_of(relay: &TestRelay, report: &str, span: Span) -> Fight {
    let path = format!("/api/v1/reports/{report}?from={}&to={}", span.from_ms, span.to_ms);
    let (status, body) = relay.get(&path).await;
    assert_eq!(status, 200, "{body}");
    let report: Report = serde_json::from_value(body).unwrap();
    report.fight
}

/// A pool of one thread for a relay's spans, for which so many wait.
fn spans_of(relay: &TestRelay, waiting: usize) -> Spans {
    let registry = relay.relay.as_ref().unwrap().registry();
    Spans::with_pool(Arc::clone(&registry.context), Arc::clone(&registry.directory), 1, waiting)
}

#[tokio::test]
async fn a_span_of_a_live_and_of_a_finished_fight_is_the_fold_of_only_its_events() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect(&relay).await;
    let fight = eventful(300);
    let begun = uploader.begin(&fight).await;
    // Live: with closed blocks and without, and again when there is more.
    for (from, to) in [(0, 40), (40, 200), (200, 300)] {
        uploader.deltas(begun.h, &fight.deltas[from..to]).await;
        uploader.acked(to as u64).await;
        for span in spans(12, to as u32 * 100) {
            let live = span_of(&relay, &begun.report, span).await;
            assert_eq!(comparable(&live), comparable(&plain(&fight, to, span)), "{span:?} of {to}");
        }
    }
    assert!(matches!(uploader.end(begun.h, &fight, Outcome::Kill).await, UplinkReply::Finalized { .. }));
    for span in spans(24, 30_000) {
        let kept = span_of(&relay, &begun.report, span).await;
        assert_eq!(kept.outcome, Outcome::Kill);
        assert_eq!(comparable(&kept), comparable(&plain(&fight, 300, span)), "{span:?}");
    }
    // The whole fight as a span, after a restart too.
    let relay = relay.restart().await;
    let all = Span { from_ms: 0, to_ms: 40_000 };
    assert_eq!(comparable(&span_of(&relay, &begun.report, all).await), comparable(&plain(&fight, 300, all)));
    relay.stop().await;
}

#[tokio::test]
async fn a_span_asked_by_a_thousand_at_once_is_folded_once() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect(&relay).await;
    let fight = eventful(200);
    let begun = uploader.begin(&fight).await;
    uploader.deltas(begun.h, &fight.deltas).await;
    uploader.acked(200).await;
    let span = Span { from_ms: 1_234, to_ms: 15_678 };
    let spans = Arc::clone(relay.relay.as_ref().unwrap().spans());
    let mut folds = 0;
    for live in [true, false] {
        if !live {
            assert!(matches!(uploader.end(begun.h, &fight, Outcome::Kill).await, UplinkReply::Finalized { .. }));
        }
        let door = relay.relay.as_ref().unwrap().door();
        let (report, _) = door.report(&begun.report, &Asker::default()).await.unwrap();
        let asked =
            soon("a thousand answers", join_all((0..1_000).map(|_| spans.fight(address(HERE), &report, span)))).await;
        let first = Arc::clone(asked[0].as_ref().unwrap());
        assert!(asked.iter().all(|fight| Arc::ptr_eq(fight.as_ref().unwrap(), &first)));
        folds += 1;
        assert_eq!(spans.counts().folds, folds);
        // And over HTTP, later, it is still the same answer.
        let heard = join_all((0..20).map(|_| span_of(&relay, &begun.report, span))).await;
        assert!(heard.iter().all(|fight| *fight == *first));
        assert_eq!(spans.counts().folds, folds);
    }
    assert_eq!(spans.counts().logs, 1, "a stored log is read once");
    relay.stop().await;
}

#[tokio::test]
async fn more_spans_than_may_wait_are_refused_with_a_time_to_come_back() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let spans = spans_of(&relay, 1);
    let (go, held) = std::sync::mpsc::sync_channel::<()>(0);
    let here = address(HERE);
    let folding = spans.pool.run(here, move || held.recv().is_ok());
    let waiting = spans.pool.run(here, || true);
    let refused = async {
        // The other two are polled first.
        let error = spans.pool.run(here, || true).await.unwrap_err();
        assert!(matches!(error, SpanError::Busy));
        let answer = HttpError::from(error).into_response();
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(answer.headers()[header::RETRY_AFTER], "1");
        go.send(()).unwrap();
    };
    let (folded, waited, ()) = soon("all three", async { tokio::join!(biased; folding, waiting, refused) }).await;
    assert!(folded.unwrap() && waited.unwrap());
    relay.stop().await;
}

#[tokio::test]
async fn who_asks_for_many_folds_waits_for_itself_and_others_have_their_turn() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let spans = spans_of(&relay, 256);
    let (go, held) = std::sync::mpsc::sync_channel::<()>(0);
    let folding = spans.pool.run(address(HERE), move || held.recv().is_ok());
    let served = Arc::new(Mutex::new(Vec::new()));
    let ask = |who: Ipv4Addr| {
        let served = Arc::clone(&served);
        spans.pool.run(address(who), move || served.lock().unwrap().push(who))
    };
    // Of one address more than it may wait with, then one of another, and all hold still until they have asked.
    let many = join_all((0..100).map(|_| ask(HERE)));
    let other = ask(THERE);
    let all_asked = async {
        go.send(()).unwrap();
    };
    let (_, many, other, ()) = soon("all", async { tokio::join!(biased; folding, many, other, all_asked) }).await;
    other.unwrap();
    let refused = many.iter().filter(|asked| matches!(asked, Err(SpanError::Busy))).count();
    assert_eq!(refused, 100 - FOLDS_WAITING_PER_ADDRESS, "one address does not fill the line");
    let served = served.lock().unwrap().clone();
    assert_eq!(served.len(), FOLDS_WAITING_PER_ADDRESS + 1);
    assert_eq!(served.iter().position(|who| *who == THERE), Some(1), "after one of those that came before it");
    relay.stop().await;
}
