//! The feed that plays the past: exact at any moment, equal to the report at its end, for who may see it.

use futures::{FutureExt, StreamExt};
use raidcast_relay::limits::EdgeLimits;
use raidcast_shared::event::{
    ActorEntry, ActorFacts, ActorIx, ActorKind, Hit, HitFlags, HitKind, Rare, RareBody, SkillIx, SourceKey, TimedHit,
};
use raidcast_shared::feed::{Bye, FeedFrame, SUBPROTOCOL, SUBPROTOCOL_JSON};
use raidcast_shared::fold::Span;
use raidcast_shared::id::{ActorId, RaidId, SkillId};
use raidcast_shared::limits::REPLAYS_MAX;
use raidcast_shared::report::Report;
use raidcast_shared::uplink::{Delta, Hello, Outcome, UplinkReply, Visibility};
use raidcast_shared::{codec, columns};
use uuid::Uuid;

use crate::heavy::hold_the_pool;
use crate::script::{KEY, OTHER_KEY, Script, Seen, Spectator, TestRelay, Uploader, hello, soon};
use crate::span::{eventful, plain};

/// Hears until the relay says goodbye.
async fn to_the_end(spectator: &mut Spectator) -> (Seen, Bye) {
    loop {
        if let FeedFrame::Bye(bye) = spectator.hear().await.expect("a goodbye comes first") {
            return (spectator.until("now", |_| true).await, bye);
        }
    }
}

/// Damage, healing and damage taken of each player, by key.
pub(crate) fn rows(report: &Report) -> Vec<(String, [u64; 3])> {
    let mut rows: Vec<_> = report
        .fight
        .players
        .iter()
        .map(|player| (player.player_key.clone(), [player.damage, player.healing, player.damage_taken.unwrap()]))
        .collect();
    rows.sort();
    rows
}

pub(crate) fn seen_rows(seen: &Seen) -> Vec<(String, [u64; 3])> {
    seen.rows.iter().map(|(key, row)| (key.clone(), [row[0], row[2], row[3]].map(i64::cast_unsigned))).collect()
}

#[tokio::test]
async fn a_replay_ends_as_the_report_and_a_moment_is_the_fold_until_then() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect(&relay).await;
    let raid = uploader.welcome.raid.clone();
    let fight = eventful(100);
    let begun = uploader.begin(&fight).await;
    uploader.deltas(begun.h, &fight.deltas).await;
    uploader.acked(100).await;

    // While it is live: to its present, and no further.
    let live = format!("{raid}/feed?report={}&at=2000&speed=20", begun.report);
    let mut spectator = Spectator::join(&relay, &live, SUBPROTOCOL_JSON).await;
    let (seen, bye) = to_the_end(&mut spectator).await;
    assert_eq!((seen.state.as_deref(), bye.retry_ms), (Some("Live"), Some(0)));
    assert_eq!(seen_rows(&seen), rows(&relay.report(&begun.report).await));

    assert!(matches!(uploader.end(begun.h, &fight, Outcome::Kill).await, UplinkReply::Finalized { .. }));
    let report = relay.report(&begun.report).await;
    for protocol in [SUBPROTOCOL, SUBPROTOCOL_JSON] {
        let mut spectator =
            Spectator::join(&relay, &format!("{raid}/feed?report={}&speed=20", begun.report), protocol).await;
        let (seen, bye) = to_the_end(&mut spectator).await;
        assert_eq!(seen.checksum.as_deref(), Some(report.fight.checksum.as_str()));
        assert_eq!((seen.state.as_deref(), seen.damage), (Some("Final"), report.fight.totals.damage));
        assert_eq!(seen_rows(&seen), rows(&report));
        assert!(bye.reason.contains("report") && bye.retry_ms.is_none(), "{bye:?}");
        assert!(spectator.keyframes == 1 && seen.position > 1, "it was played, not shown at once");
        let events: Vec<_> = (1..=spectator.events.len() as u64).collect();
        assert_eq!(spectator.events, events);
        assert!(spectator.hear().await.is_none());
    }
    for at in [0, 1, 3_450, 5_000, 60_000] {
        let moment = format!("{raid}/feed?report={}&at={at}&speed=0", begun.report);
        let (seen, _) = to_the_end(&mut Spectator::join(&relay, &moment, SUBPROTOCOL).await).await;
        let until = plain(&fight, 100, Span { from_ms: 0, to_ms: at });
        assert_eq!(seen.checksum.as_deref(), Some(until.checksum.as_str()), "at {at}");
        assert_eq!(seen.damage, until.totals.damage);
    }
    relay.stop().await;
}

#[tokio::test]
async fn more_replays_than_the_relay_plays_are_refused_and_a_place_is_free_again_after_one_left() {
    let data = tempfile::tempdir().unwrap();
    let limits = EdgeLimits { replays_per_address: REPLAYS_MAX as u32 + 1, ..EdgeLimits::default() };
    let relay = TestRelay::start_limited(data.path(), limits).await;
    let mut uploader = Uploader::connect(&relay).await;
    let fight = eventful(300);
    let begun = uploader.begin(&fight).await;
    uploader.deltas(begun.h, &fight.deltas).await;
    uploader.acked(300).await;
    let path = format!("api/v1/raids/{}/feed?report={}&speed=0.25", uploader.welcome.raid, begun.report);
    let url = format!("{}/{path}", relay.url.replace("http", "ws"));
    let mut held = Vec::new();
    for _ in 0..REPLAYS_MAX {
        held.push(tokio_tungstenite::connect_async(&url).await.unwrap());
    }
    match tokio_tungstenite::connect_async(&url).await {
        Err(tokio_tungstenite::tungstenite::Error::Http(answer)) => {
            assert_eq!(answer.status(), 503);
            assert!(answer.headers().contains_key("retry-after"));
        }
        other => panic!("instead of a refusal: {:?}", other.map(drop)),
    }
    drop(held.pop());
    let again = async {
        while tokio_tungstenite::connect_async(&url).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    soon("a free place", Box::pin(again)).await;
    relay.stop().await;
}

#[tokio::test]
async fn a_channel_plays_any_report_of_its_account_and_no_others() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut first = Uploader::connect(&relay).await;
    let fight = eventful(20);
    let begun = first.begin(&fight).await;
    first.deltas(begun.h, &fight.deltas).await;
    first.acked(20).await;
    assert!(matches!(first.end(begun.h, &fight, Outcome::Kill).await, UplinkReply::Finalized { .. }));
    // Its channel shows another raid by now.
    let other = Hello { raid: RaidId(Uuid::from_u128(2)), ..hello() };
    let second = Uploader::connect_as(&relay, KEY, other).await;
    assert_ne!(second.welcome.raid, first.welcome.raid);
    let of = |channel_url: &str| {
        let channel = channel_url.rsplit('/').next().unwrap();
        format!("{}/api/v1/live/{channel}/feed?report={}&speed=20", relay.url, begun.report)
    };
    let mut spectator = Spectator::join_at(&of(&second.welcome.channel_url), SUBPROTOCOL).await;
    let (seen, bye) = to_the_end(&mut spectator).await;
    let report = relay.report(&begun.report).await;
    assert_eq!((seen.checksum.as_deref(), bye.retry_ms), (Some(report.fight.checksum.as_str()), None));
    assert_eq!(seen_rows(&seen), rows(&report));
    let stranger = Hello { raid: RaidId(Uuid::from_u128(3)), ..hello() };
    let stranger = Uploader::connect_as(&relay, OTHER_KEY, stranger).await;
    let refused = tokio_tungstenite::connect_async(of(&stranger.welcome.channel_url).replace("http", "ws")).await;
    match refused {
        Err(tokio_tungstenite::tungstenite::Error::Http(answer)) => assert_eq!(answer.status(), 404),
        other => panic!("{other:?}"),
    }
    relay.stop().await;
}

#[tokio::test]
async fn a_replay_of_a_report_that_has_moved_to_another_raid_hears_who_may_see_that_one() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut first = Uploader::connect(&relay).await;
    let fight = eventful(100);
    let begun = first.begin(&fight).await;
    first.deltas(begun.h, &fight.deltas).await;
    first.acked(100).await;
    let path = format!("{}/feed?report={}&speed=0.25", first.welcome.raid, begun.report);
    let mut watching = Spectator::join(&relay, &path, SUBPROTOCOL).await;
    watching.hear().await.expect("a keyframe");
    // A client that lost its state goes on with the fight in a raid of its own.
    let other = Hello { raid: RaidId(Uuid::from_u128(2)), ..hello() };
    let mut second = Uploader::connect_as(&relay, KEY, other.clone()).await;
    let again = second.begin(&fight).await;
    assert_eq!(again.report, begun.report);
    let before = watching.ticks;
    while watching.ticks < before + 3 {
        watching.hear().await.expect("the replay goes on");
    }
    let private = Hello { visibility: Visibility::Private, ..other };
    let _third = Uploader::connect_as(&relay, KEY, private).await;
    let (_, bye) = to_the_end(&mut watching).await;
    assert!(bye.reason.contains("not for you any more") && bye.retry_ms.is_none(), "{bye:?}");
    relay.stop().await;
}

#[tokio::test]
async fn what_no_replay_can_be_is_refused_with_a_text() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let private = Hello { visibility: Visibility::Private, ..hello() };
    let mut uploader = Uploader::connect_as(&relay, KEY, private).await;
    let raid = uploader.welcome.raid.clone();
    let fight = eventful(10);
    let begun = uploader.begin(&fight).await;
    uploader.deltas(begun.h, &fight.deltas).await;
    uploader.acked(10).await;
    let (_, ticket) = begun.url.split_once("?ticket=").unwrap();
    let status = async |query: String| {
        let url = format!("{}/api/v1/raids/{raid}/feed?{query}", relay.url.replace("http", "ws"));
        match tokio_tungstenite::connect_async(url).await {
            Ok((mut socket, _)) => (101, socket.next().await.map(|_| String::new()).unwrap_or_default()),
            Err(tokio_tungstenite::tungstenite::Error::Http(answer)) => {
                let body = answer.body().clone().unwrap_or_default();
                (answer.status().as_u16(), String::from_utf8(body).unwrap())
            }
            Err(other) => panic!("{other}"),
        }
    };
    let report = &begun.report;
    for bad in ["at=-1", "at=x", "at=7200001", "speed=21", "speed=0.1", "speed=NaN", "speed=inf", "speed=-1"] {
        let (code, text) = status(format!("ticket={ticket}&report={report}&{bad}")).await;
        assert!(code == 400 && text.contains("must be a number"), "{bad}: {code} {text}");
    }
    assert_eq!(status(format!("ticket={ticket}&at=5")).await.0, 400, "at without a report");
    assert_eq!(status(format!("report={report}")).await.0, 404, "private");
    assert_eq!(status(format!("report={report}&ticket=00")).await.0, 404);
    assert_eq!(status(format!("ticket={ticket}&report=nothing")).await.0, 404);
    assert_eq!(status(format!("ticket={ticket}&report={report}&speed=0")).await.0, 101);
    relay.stop().await;
}

/// A fight in which the second player turns out to be a monster.
pub(crate) fn turning_out(n: u64, at: usize) -> Script {
    let mut fight = Script::new(n, 2);
    let facts = ActorFacts { kind: Some(ActorKind::Monster), ..ActorFacts::of(ActorIx(1)) };
    let delta = &mut fight.deltas[at];
    let event: Rare = Rare { at_ms: delta.seq as u32 * 100, key: SourceKey::new(3, 0), body: RareBody::Actor(facts) };
    delta.rare.push(codec::encode(&event).into());
    fight
}

/// Damage of its first player in all of it.
pub(crate) fn damage_of_first(fight: &Script) -> u64 {
    fight.deltas.iter().map(|delta| 1_000 + delta.seq).sum()
}

#[tokio::test]
async fn a_player_who_turns_out_to_be_a_monster_while_a_fight_is_played_leaves_the_replays_rows() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect(&relay).await;
    let raid = uploader.welcome.raid.clone();
    let fight = turning_out(40, 20);
    let begun = uploader.begin(&fight).await;
    uploader.deltas(begun.h, &fight.deltas[..20]).await;
    uploader.acked(20).await;
    let path = format!("{raid}/feed?report={}&at=1000&speed=20", begun.report);
    // Nothing is played to its end while time stands still.
    tokio::time::pause();
    let (go_on, still) = std::sync::mpsc::sync_channel::<()>(0);
    tokio::task::spawn_blocking(move || still.recv());
    let mut spectators = Vec::new();
    for protocol in [SUBPROTOCOL, SUBPROTOCOL_JSON] {
        let mut spectator = Spectator::join(&relay, &path, protocol).await;
        spectator.hear().await.expect("a keyframe");
        let before = spectator.until("now", |_| true).await;
        assert_eq!((before.rows.len(), spectator.keyframes), (3, 1));
        spectators.push((spectator, before));
    }
    uploader.deltas(begun.h, &fight.deltas[20..]).await;
    uploader.acked(40).await;
    drop(go_on);
    tokio::time::resume();
    let expected = (rows(&relay.report(&begun.report).await), damage_of_first(&fight));
    for (mut spectator, before) in spectators {
        let (seen, _) = to_the_end(&mut spectator).await;
        assert_eq!((seen_rows(&seen), seen.damage), expected);
        assert!(spectator.keyframes == 2 && seen.epoch != before.epoch, "a tick takes no row away");
    }
    // Who plays it from now on never sees them.
    assert!(matches!(uploader.end(begun.h, &fight, Outcome::Kill).await, UplinkReply::Finalized { .. }));
    let mut spectator = Spectator::join(&relay, &path, SUBPROTOCOL).await;
    spectator.hear().await.expect("a keyframe");
    assert_eq!(spectator.until("now", |_| true).await.rows.len(), 2);
    let (seen, _) = to_the_end(&mut spectator).await;
    assert_eq!((seen_rows(&seen), seen.damage), expected);
    assert_eq!(spectator.keyframes, 1);
    relay.stop().await;
}

/// Each of fifty players hits each of a hundred monsters once, in ten seconds: five thousand rows.
fn of_many_rows() -> Script {
    let mut fight = Script::new(0, 2);
    let hit = |at: u32| {
        let (source, target) = (ActorIx((at % 50) as u16), ActorIx(50 + (at / 50) as u16));
        let (skill, kind, amount, flags) = (SkillIx(0), HitKind::Damage, 1_000 + u64::from(at), HitFlags(0));
        TimedHit { at_ms: 2 * at, hit: Hit { source, target, skill, kind, amount, flags, shield: 0, overheal: 0 } }
    };
    let kind = |at| if at < 50 { ActorKind::Player } else { ActorKind::Monster };
    let actor = |at: u64| ActorEntry { id: ActorId::clear(1 + at), kind: kind(at), owner: None };
    for seq in 1..=5 {
        let hits: Vec<_> = (1_000 * (seq - 1)..1_000 * seq).map(hit).collect();
        let (base_ms, columns) = columns::encode(&hits);
        let delta = Delta { seq: seq.into(), base_ms, hits: 1_000, columns: columns.into(), ..Delta::default() };
        fight.deltas.push(delta);
    }
    fight.deltas[0].actors = (0..150).map(actor).collect();
    fight.deltas[0].skills = vec![SkillId { base: 1714, variant: None }];
    fight
}

#[tokio::test]
async fn large_steps_of_a_replay_wait_for_the_pool_and_small_ones_do_not() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect(&relay).await;
    let (large, small) = (of_many_rows(), eventful(100).at(1_790_001_000_000));
    let mut reports = Vec::new();
    for fight in [&large, &small] {
        let begun = uploader.begin(fight).await;
        uploader.deltas(begun.h, &fight.deltas).await;
        assert!(matches!(uploader.end(begun.h, fight, Outcome::Kill).await, UplinkReply::Finalized { .. }));
        reports.push(begun.report);
    }
    let raid = uploader.welcome.raid.clone();
    let play = async |report: &str, query: &str| {
        let path = format!("{raid}/feed?report={report}&{query}");
        let mut spectator = Spectator::join(&relay, &path, SUBPROTOCOL).await;
        spectator.hear().await.expect("a keyframe");
        spectator
    };
    let mut of_large = play(&reports[0], "at=9000&speed=0.5").await;
    let mut of_small = play(&reports[1], "speed=1").await;
    let held = hold_the_pool(&relay).await;
    let heard = |spectator: &mut Spectator| {
        while let Some(Some(_)) = spectator.hear().now_or_never() {}
        spectator.ticks
    };
    let before = heard(&mut of_large);
    let until = of_small.ticks + 6;
    while of_small.ticks < until {
        of_small.hear().await.expect("it goes on");
    }
    // One may have been under way.
    assert!(heard(&mut of_large) <= before + 1, "a large step was taken on a thread that serves others");
    assert!(of_large.bye.is_none());
    drop(held);
    let (seen, bye) = to_the_end(&mut of_large).await;
    let report = relay.report(&reports[0]).await;
    assert_eq!((seen.checksum.as_deref(), bye.retry_ms), (Some(report.fight.checksum.as_str()), None));
    assert_eq!(seen_rows(&seen), rows(&report));
    relay.stop().await;
}
