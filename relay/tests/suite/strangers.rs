//! What strangers, and keys, cannot hold: connections, requests, replays, keys that are wrong, raids, fights, bytes.

use std::net::Ipv4Addr;
use std::process::Command;
use std::sync::Arc;

use bytes::Bytes;
use futures::{SinkExt, StreamExt};
use raidcast_relay::edge::{Address, Refusal};
use raidcast_relay::limits::EdgeLimits;
use raidcast_shared::codec;
use raidcast_shared::event::{ActorIx, Rare, RareBody, SkillIx, SourceKey};
use raidcast_shared::feed::SUBPROTOCOL;
use raidcast_shared::id::RaidId;
use raidcast_shared::limits::SPECTATOR_SEND_BUFFER_BYTES;
use raidcast_shared::uplink::{Hello, Outcome, Refused, RefusedCode, RefusedScope, UplinkFrame, UplinkReply};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use uuid::Uuid;

use crate::process::{KEY as PROCESS_KEY, RELAY, Run};
use crate::raw::{Answer, HERE, THERE, UPGRADE, ask, ask_from, becomes, connect, stay, to_the_end};
use crate::script::{
    KEY, OTHER_KEY, Script, Spectator, TestRelay, UPLOAD_KEY, Uploader, hello, reply, send_bytes, soon, uplink,
};

fn addr(relay: &TestRelay) -> &str {
    relay.url.trim_start_matches("http://")
}

#[tokio::test]
async fn who_says_nothing_or_half_a_head_or_nothing_more_is_let_go() {
    let data = tempfile::tempdir().unwrap();
    let limits = EdgeLimits { head_ms: 500, ..EdgeLimits::default() };
    let relay = TestRelay::start_limited(data.path(), limits).await;
    let begun = ["", "GET /hea", "GET /health HTTP/1.1\r\nHost: x\r\nA: ", "GET / HTTP/1.1\r\nHost: x\r\n\r\n"];
    let mut held = Vec::new();
    for head in begun {
        let mut stream = connect(addr(&relay), HERE).await;
        stream.write_all(head.as_bytes()).await.unwrap();
        held.push(stream);
    }
    // One that sends a byte now and then gets no longer for it.
    let mut drips = connect(addr(&relay), HERE).await;
    drips.write_all(b"GET /health HTTP/1.1\r\nA: ").await.unwrap();
    soon("the end of who drips", async {
        while drips.write_all(b"x").await.is_ok() {
            // So slowly that its head is never whole.
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    })
    .await;
    for mut stream in held {
        to_the_end(&mut stream).await;
    }
    // What no head may be is not waited for.
    let mut long = connect(addr(&relay), HERE).await;
    let _ = long.write_all(format!("GET / HTTP/1.1\r\nA: {}", "a".repeat(100_000)).as_bytes()).await;
    to_the_end(&mut long).await;
    // A body that does not come is not waited for either.
    let mut body = connect(addr(&relay), HERE).await;
    body.write_all(b"POST /api/v1/reports HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nx").await.unwrap();
    let answer = String::from_utf8(to_the_end(&mut body).await).unwrap();
    assert!(answer.starts_with("HTTP/1.1 405"), "{answer}");
    let edge = relay.relay.as_ref().unwrap().edge();
    becomes("all sockets' end", async || edge.open() == 0).await;
    relay.stop().await;
}

#[tokio::test]
async fn who_does_not_take_an_answer_is_let_go() {
    let data = tempfile::tempdir().unwrap();
    let limits = EdgeLimits { write_window_ms: 300, ..EdgeLimits::default() };
    let relay = TestRelay::start_limited(data.path(), limits).await;
    let page = ask(&relay, "GET /", &[]).await.body;
    let mut largest = (0, String::new());
    for asset in page.split('"').filter(|part| part.starts_with("/assets/")) {
        let answer = ask(&relay, &format!("HEAD {asset}"), &[]).await;
        let bytes = answer.header("content-length").and_then(|length| length.parse::<usize>().ok()).unwrap_or(0);
        largest = largest.max((bytes, asset.to_owned()));
    }
    let (bytes, asset) = largest;
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let mut stream = socket.connect(addr(&relay).parse().unwrap()).await.unwrap();
    // Far more than the buffers between them hold.
    let asked = format!("GET {asset} HTTP/1.1\r\nHost: x\r\n\r\n").repeat(20_000_000 / bytes);
    stream.write_all(asked.as_bytes()).await.unwrap();
    let edge = relay.relay.as_ref().unwrap().edge();
    becomes("its end", async || edge.open() == 0).await;
    relay.stop().await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn an_address_has_so_many_connections_and_others_do_not_notice() {
    let data = tempfile::tempdir().unwrap();
    let limits = EdgeLimits { connections_per_address: 3, ..EdgeLimits::default() };
    let relay = TestRelay::start_limited(data.path(), limits).await;
    let uploader = Uploader::connect(&relay).await;
    let feed = format!("GET /api/v1/raids/{}/feed", uploader.welcome.raid);
    let watch = async || {
        let mut stream = connect(addr(&relay), HERE).await;
        let status = stay(&mut stream, &feed, &UPGRADE).await.status;
        (stream, status)
    };
    let (first, status) = watch().await;
    assert_eq!(status, 101);
    // Those that wait for nothing make room for each other.
    let mut idle = Vec::new();
    for _ in 0..20 {
        let mut stream = connect(addr(&relay), HERE).await;
        assert_eq!(stay(&mut stream, "GET /health", &[]).await.status, 200);
        idle.push(stream);
    }
    for stream in &mut idle[..19] {
        to_the_end(stream).await;
    }
    let (second, status) = watch().await;
    assert_eq!(status, 101);
    to_the_end(&mut idle[19]).await;
    // Those that are used do not.
    let refused = ask(&relay, "GET /health", &[]).await;
    assert_eq!((refused.status, refused.code().as_str()), (429, "too_many"));
    assert!(refused.header("retry-after").is_some());
    assert_eq!(ask_from(&relay, THERE, "GET /health", &[]).await.status, 200);
    // A spectator that leaves gives its place back, and so does an uplink.
    drop(first);
    becomes("a free place", async || ask(&relay, "GET /health", &[]).await.status == 200).await;
    let (third, status) = watch().await;
    assert_eq!((status, ask(&relay, "GET /health", &[]).await.status), (101, 429));
    drop(uploader);
    becomes("the uplink's place", async || ask(&relay, "GET /health", &[]).await.status == 200).await;
    assert!(relay.relay.as_ref().unwrap().edge().refusals.of(Refusal::Connections) > 0);
    drop((second, third));
    relay.stop().await;
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_descriptors_run_out_the_idle_go_and_uplinks_find_room() {
    let run = Run::new(std::path::Path::new(""));
    // 64 of them are for sockets, and 16 of those for uplinks.
    let _relay = run.relay_under(Command::new("prlimit").args(["--nofile=128:128", RELAY]));
    run.ready().await;
    let addr = format!("127.0.0.1:{}", run.port);
    let from = |at: u8| Ipv4Addr::new(127, 0, 1, 1 + at / 8);
    let mut idle = Vec::new();
    for at in 0..200 {
        idle.push(connect(&addr, from(at)).await);
    }
    assert!(run.get("/health").await.is_some(), "it answers");
    let url = format!("http://{addr}");
    let welcomed = async |raid: u128| {
        let mut socket = uplink(&url, PROCESS_KEY).await.expect("an uplink finds room");
        let hello = Hello { raid: RaidId(Uuid::from_u128(raid)), ..hello() };
        send_bytes(&mut socket, codec::encode(&UplinkFrame::Hello(hello))).await;
        let Some(UplinkReply::Welcome(welcome)) = reply(&mut socket).await else { panic!("no welcome") };
        (socket, welcome.raid)
    };
    let (_first, raid) = welcomed(1).await;
    // Spectators are not idle: of them some are refused, and uplinks still find room.
    let feed = format!("GET /api/v1/raids/{raid}/feed");
    let (mut watching, mut refused) = (Vec::new(), 0);
    for at in 0..100 {
        let mut stream = connect(&addr, from(at)).await;
        match stay(&mut stream, &feed, &UPGRADE).await.status {
            101 => watching.push(stream),
            503 => refused += 1,
            other => panic!("{other}"),
        }
    }
    assert!((30..=50).contains(&watching.len()) && refused >= 50, "{} watch, {refused} refused", watching.len());
    let (_second, _) = welcomed(2).await;
    drop(watching);
    becomes("room for spectators", async || {
        let mut stream = connect(&addr, HERE).await;
        stay(&mut stream, &feed, &UPGRADE).await.status == 101
    })
    .await;
}

/// What who asks again and again is told instead of the list.
#[cfg(target_os = "linux")]
async fn refused_at_last(relay: &TestRelay) -> Answer {
    for _ in 0..100 {
        let answer = ask(relay, "GET /api/v1/reports", &[]).await;
        if answer.status != 200 {
            return answer;
        }
    }
    panic!("a hundred within a moment are not refused");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn who_asks_too_fast_is_told_when_to_come_back_and_files_cost_nothing() {
    let data = tempfile::tempdir().unwrap();
    let limits =
        EdgeLimits { requests_burst: 5, requests_per_s: 1, connections_per_address: 5, ..EdgeLimits::default() };
    let relay = TestRelay::start_limited(data.path(), limits).await;
    let refused = refused_at_last(&relay).await;
    assert_eq!((refused.status, refused.code().as_str()), (429, "too_many"));
    assert!(
        refused.header("retry-after").is_some_and(|seconds| seconds.parse().is_ok_and(|s: u32| (1..=6).contains(&s)))
    );
    assert_eq!(refused.header("access-control-allow-origin"), Some("*"));
    for _ in 0..20 {
        assert_eq!(ask(&relay, "GET /", &[]).await.status, 200, "a file in memory");
    }
    assert_eq!(ask_from(&relay, THERE, "GET /api/v1/reports", &[]).await.status, 200);
    // Who has a key has other limits.
    for raid in 1..=8 {
        drop(Uploader::connect_as(&relay, KEY, Hello { raid: RaidId(Uuid::from_u128(raid)), ..hello() }).await);
    }
    relay.stop().await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn an_address_that_was_sent_much_waits_and_others_do_not() {
    let data = tempfile::tempdir().unwrap();
    // Any answer takes all that may come at once.
    let limits = EdgeLimits { sent_kib_burst: 1, sent_kib_per_s: 1, ..EdgeLimits::default() };
    let relay = TestRelay::start_limited(data.path(), limits).await;
    let refused = refused_at_last(&relay).await;
    assert_eq!((refused.status, refused.code().as_str()), (429, "too_many"));
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert!(relay.relay.as_ref().unwrap().edge().refusals.of(Refusal::Sent) >= 1);
    assert_eq!(ask_from(&relay, THERE, "GET /api/v1/reports", &[]).await.status, 200);
    assert_eq!(ask(&relay, "GET /", &[]).await.status, 200, "pages are there at any time");
    // Who comes to a feed and goes again was sent a keyframe, which is as large as a report.
    let mut uploader = Uploader::connect(&relay).await;
    let mut fight = Script::new(1, 1);
    let death =
        |n| Rare { at_ms: n, key: SourceKey::new(1, n), body: RareBody::Death { a: ActorIx(0), by: None, s: None } };
    fight.deltas[0].rare.extend((0..500).map(|n| codec::encode::<Rare>(&death(n)).into()));
    let begun = uploader.begin(&fight).await;
    uploader.deltas(begun.h, &fight.deltas).await;
    uploader.acked(1).await;
    let feed = format!("GET /api/v1/raids/{}/feed", uploader.welcome.raid);
    let mut statuses = Vec::new();
    while statuses.last() != Some(&429) && statuses.len() < 1_000 {
        let mut stream = connect(addr(&relay), THERE).await;
        statuses.push(stay(&mut stream, &feed, &UPGRADE).await.status);
        // Until some of its keyframe is there.
        let _ = stream.read(&mut [0; 4_096]).await;
    }
    assert!(statuses.contains(&101) && statuses.ends_with(&[429]), "{} times let in", statuses.len());
    relay.stop().await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn after_some_wrong_keys_of_an_address_the_next_wait_and_good_ones_and_others_do_not() {
    let data = tempfile::tempdir().unwrap();
    let limits = EdgeLimits { wrong_keys_per_minute: 3, ..EdgeLimits::default() };
    let relay = TestRelay::start_limited(data.path(), limits).await;
    let (wrong, right) = (["X-API-Key: guess"], [format!("X-API-Key: {KEY}")]);
    let right: Vec<&str> = right.iter().map(String::as_str).collect();
    let mut tries = Vec::new();
    for _ in 0..6 {
        tries.push(ask(&relay, "GET /api/v1/uplink", &wrong).await);
    }
    let statuses: Vec<_> = tries.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses[..3], [401; 3]);
    assert!(statuses[3..].contains(&429) && tries[5].header("retry-after").is_some(), "{statuses:?}");
    // Wherever it tries them.
    let refused = ask(&relay, "GET /api/v1/raids/nothing", &wrong).await;
    assert_eq!((refused.status, refused.code().as_str()), (429, "too_many"));
    // A good one that might be guessed is told apart from no wrong one now.
    assert_eq!(ask(&relay, "GET /api/v1/uplink", &[&format!("X-API-Key: {UPLOAD_KEY}")]).await.status, 429);
    // What is good is good, whoever shares the address, and makes no wrong one better.
    assert_eq!(ask(&relay, "GET /api/v1/uplink", &right).await.status, 426);
    assert_eq!(ask(&relay, "GET /api/v1/raids/nothing", &right).await.status, 404);
    drop(Uploader::connect(&relay).await);
    assert_eq!(ask(&relay, "GET /api/v1/uplink", &wrong).await.status, 429);
    assert_eq!(ask(&relay, "GET /api/v1/reports", &[]).await.status, 200, "without a key all is as before");
    assert_eq!(ask_from(&relay, THERE, "GET /api/v1/uplink", &wrong).await.status, 401);
    assert_eq!(ask_from(&relay, THERE, "GET /api/v1/uplink", &right).await.status, 426);
    relay.stop().await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn behind_a_proxy_that_is_trusted_each_counts_for_himself() {
    let data = tempfile::tempdir().unwrap();
    let limits =
        EdgeLimits { connections_per_address: 2, requests_burst: 6, requests_per_s: 1, ..EdgeLimits::default() };
    let proxies = vec!["127.0.0.1".parse().unwrap()];
    let relay = TestRelay::start_as(data.path(), None, limits, proxies).await;
    let uploader = Uploader::connect(&relay).await;
    let feed = format!("GET /api/v1/raids/{}/feed", uploader.welcome.raid);
    let (one, other) = ("X-Forwarded-For: 1.1.1.1, 203.0.113.9", "X-Forwarded-For: 203.0.113.10");
    let watch = async |who: &str| {
        let mut stream = connect(addr(&relay), HERE).await;
        let status = stay(&mut stream, &feed, &[&UPGRADE[..], &[who]].concat()).await.status;
        (stream, status)
    };
    // The proxy itself may have any number of connections.
    let mut watching = vec![watch(one).await, watch(one).await, watch(other).await];
    assert_eq!(watching.iter().map(|(_, status)| *status).collect::<Vec<_>>(), [101; 3]);
    assert_eq!(watch(one).await.1, 429);
    watching.remove(0);
    becomes("its place", async || {
        ask(&relay, "GET /health", &[other]).await.status == 200 && watch(one).await.1 == 101
    })
    .await;
    let mut refused = false;
    for _ in 0..50 {
        refused |= ask(&relay, "GET /api/v1/reports", &[one]).await.status == 429;
    }
    assert!(refused && ask(&relay, "GET /api/v1/reports", &["X-Forwarded-For: 203.0.113.11"]).await.status == 200);
    // Of anybody else it is not believed.
    let mut refused = false;
    for last in 0..50 {
        let forged = format!("X-Forwarded-For: 198.51.100.{last}");
        refused |= ask_from(&relay, THERE, "GET /api/v1/reports", &[&forged]).await.status == 429;
    }
    assert!(refused);
    relay.stop().await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn an_address_has_some_of_the_replays_and_a_moment_needs_no_place() {
    let data = tempfile::tempdir().unwrap();
    let limits = EdgeLimits { replays_per_address: 2, ..EdgeLimits::default() };
    let relay = TestRelay::start_limited(data.path(), limits).await;
    let mut uploader = Uploader::connect(&relay).await;
    let fight = Script::new(100, 2);
    let begun = uploader.begin(&fight).await;
    uploader.deltas(begun.h, &fight.deltas).await;
    uploader.acked(100).await;
    assert!(matches!(uploader.end(begun.h, &fight, Outcome::Kill).await, UplinkReply::Finalized { .. }));
    let past = format!("GET /api/v1/raids/{}/feed?report={}", uploader.welcome.raid, begun.report);
    let play = async |from: Ipv4Addr, how: &str| {
        let mut stream = connect(addr(&relay), from).await;
        let answer = stay(&mut stream, &format!("{past}{how}"), &UPGRADE).await;
        (stream, answer)
    };
    let mut held = Vec::new();
    for _ in 0..2 {
        let (stream, answer) = play(HERE, "&speed=0.25").await;
        assert_eq!(answer.status, 101);
        held.push(stream);
    }
    let (_, refused) = play(HERE, "&speed=1").await;
    assert!(refused.status == 429 && refused.header("retry-after").is_some(), "{refused:?}");
    for _ in 0..4 {
        assert_eq!(play(HERE, "&at=5000&speed=0").await.1.status, 101, "one moment");
    }
    assert_eq!(play(THERE, "&speed=1").await.1.status, 101);
    held.pop();
    becomes("a place", async || play(HERE, "&speed=0.25").await.1.status == 101).await;
    // One that is over gives its place back, though its last bytes are not read.
    drop(held);
    let over = [play(HERE, "&at=9900&speed=20").await, play(HERE, "&at=9900&speed=20").await];
    becomes("both places", async || play(HERE, "&speed=1").await.1.status == 101).await;
    drop(over);
    relay.stop().await;
}

/// A fight whose keyframe is more than the buffers between relay and spectator hold: everybody dies all the time.
fn deadly() -> Script {
    let mut fight = Script::new(20, 2);
    for delta in &mut fight.deltas {
        for n in 0..100 {
            let a = ActorIx((n % 3) as u16);
            for body in [RareBody::Death { a, by: Some(ActorIx(3)), s: Some(SkillIx(2)) }, RareBody::Revive { a }] {
                let key = SourceKey::new(2, delta.seq as u32 * 1_000 + delta.rare.len() as u32);
                let event = Rare { at_ms: delta.seq as u32 * 100, key, body };
                delta.rare.push(codec::encode(&event).into());
            }
        }
    }
    fight
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_moments_that_one_address_asks_for_most_are_refused_and_nothing_is_held_of_those_that_are_made() {
    const MOMENTS: usize = 250;
    let data = tempfile::tempdir().unwrap();
    let limits = EdgeLimits::default();
    let most = limits.answers_per_address as usize;
    let relay = TestRelay::start_limited(data.path(), limits).await;
    let mut uploader = Uploader::connect(&relay).await;
    let fight = deadly();
    let begun = uploader.begin(&fight).await;
    uploader.deltas(begun.h, &fight.deltas).await;
    uploader.acked(20).await;
    assert!(matches!(uploader.end(begun.h, &fight, Outcome::Kill).await, UplinkReply::Finalized { .. }));
    let spans = Arc::clone(relay.relay.as_ref().unwrap().spans());
    // Somebody folds on all cores.
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let (tells, heard) = std::sync::mpsc::sync_channel(cores);
    let folding: Vec<_> = (0..cores)
        .map(|_| {
            let ((go, held), tells) = (std::sync::mpsc::sync_channel::<()>(1), tells.clone());
            let spans = Arc::clone(&spans);
            let fold = move || {
                tells.send(()).unwrap();
                held.recv().is_ok()
            };
            (
                go,
                tokio::spawn(
                    async move { spans.pool.run(Address::of(Ipv4Addr::new(127, 0, 0, 3).into()), fold).await },
                ),
            )
        })
        .collect();
    let all_began = tokio::task::spawn_blocking(move || heard.iter().take(cores).count());
    assert_eq!(soon("all cores' folds", all_began).await.unwrap(), cores);

    let moment = format!("GET /api/v1/raids/{}/feed?report={}&at=1500&speed=0", uploader.welcome.raid, begun.report);
    let (mut taken, mut refused) = (Vec::new(), 0);
    for _ in 0..MOMENTS {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4_096).unwrap();
        socket.bind((THERE, 0).into()).unwrap();
        let mut stream = socket.connect(addr(&relay).parse().unwrap()).await.unwrap();
        let answer = stay(&mut stream, &moment, &UPGRADE).await;
        match answer.status {
            101 => taken.push(stream),
            429 => {
                assert!(answer.header("retry-after").is_some(), "{answer:?}");
                refused += 1;
            }
            other => panic!("{other}: {answer:?}"),
        }
    }
    assert_eq!((taken.len(), refused), (most, MOMENTS - most));
    let edge = relay.relay.as_ref().unwrap().edge();
    assert_eq!(edge.refusals.of(Refusal::Answers), (MOMENTS - most) as u64);
    // Somebody else's span is answered.
    let span = format!("GET /api/v1/reports/{}?from=0&to=1000", begun.report);
    let asked = ask(&relay, &span, &[]);
    let release = async {
        for (go, folding) in folding {
            go.send(()).unwrap();
            assert!(folding.await.unwrap().unwrap());
        }
    };
    let (answer, ()) = tokio::join!(asked, release);
    assert_eq!(answer.status, 200, "{answer:?}");
    // Nobody reads any of them: their bytes wait, and nothing else.
    becomes("all keyframes' making", async || spans.counts().held == 0 && spans.pool.waiting() == 0).await;
    becomes("a place for another", async || {
        let mut stream = connect(addr(&relay), THERE).await;
        stay(&mut stream, &moment, &UPGRADE).await.status == 101
    })
    .await;
    becomes("the last keyframe's making", async || spans.counts().held == 0).await;
    // Who reads gets all of it, and it is more than the kernel held of the others'.
    let mut reader = connect(addr(&relay), HERE).await;
    assert_eq!(stay(&mut reader, &moment, &UPGRADE).await.status, 101);
    let bytes = to_the_end(&mut reader).await;
    let buffers = 2 * SPECTATOR_SEND_BUFFER_BYTES + 16 * 1024;
    assert!(bytes.len() > buffers, "{}", bytes.len());
    assert!(bytes.windows(6).any(|part| part == b"moment"), "the goodbye too");
    drop(taken);
    relay.stop().await;
}

/// Opens the uplink and says Hello for a raid of its own.
async fn another_raid(relay: &TestRelay, key: &str, raid: u128) -> Option<UplinkReply> {
    let mut socket = uplink(&relay.url, key).await.unwrap();
    let hello = Hello { raid: RaidId(Uuid::from_u128(raid)), ..hello() };
    send_bytes(&mut socket, codec::encode(&UplinkFrame::Hello(hello))).await;
    reply(&mut socket).await
}

fn limit_of(reply: Option<UplinkReply>) -> (RefusedScope, Option<u32>) {
    match reply {
        Some(UplinkReply::Refused(Refused { code: RefusedCode::LimitReached, scope, retry_ms, .. })) => {
            (scope, retry_ms)
        }
        other => panic!("instead of a limit: {other:?}"),
    }
}

#[tokio::test]
async fn a_key_begins_so_many_raids_an_hour_and_has_so_many_connections() {
    let data = tempfile::tempdir().unwrap();
    let limits = EdgeLimits { raids_per_key_hour: 2, connections_per_key: 2, ..EdgeLimits::default() };
    let relay = TestRelay::start_limited(data.path(), limits).await;
    let held: Vec<_> = [uplink(&relay.url, KEY).await.unwrap(), uplink(&relay.url, KEY).await.unwrap()].into();
    match uplink(&relay.url, KEY).await {
        Err(tokio_tungstenite::tungstenite::Error::Http(answer)) => {
            assert_eq!(answer.status(), 429);
            assert!(answer.headers().contains_key("retry-after"));
        }
        other => panic!("a third connection: {:?}", other.map(drop)),
    }
    assert!(uplink(&relay.url, OTHER_KEY).await.is_ok());
    drop(held);
    becomes("room for the key", async || uplink(&relay.url, KEY).await.is_ok()).await;

    for raid in [1, 2, 2, 1] {
        let welcomed = async || matches!(another_raid(&relay, KEY, raid).await, Some(UplinkReply::Welcome(_)));
        becomes("a welcome", welcomed).await;
    }
    let (scope, retry_ms) = limit_of(another_raid(&relay, KEY, 3).await);
    assert!(scope == RefusedScope::Connection && retry_ms.is_some_and(|ms| ms <= 3_600_000), "{retry_ms:?}");
    assert!(matches!(another_raid(&relay, OTHER_KEY, 4).await, Some(UplinkReply::Welcome(_))));
    relay.pass_ms(3_600_000);
    assert!(matches!(another_raid(&relay, KEY, 3).await, Some(UplinkReply::Welcome(_))));
    relay.stop().await;
}

#[tokio::test]
async fn fights_that_are_discarded_again_count_as_begun() {
    let data = tempfile::tempdir().unwrap();
    let limits = EdgeLimits { fights_per_key_day: 3, ..EdgeLimits::default() };
    let relay = TestRelay::start_limited(data.path(), limits).await;
    let mut uploader = Uploader::connect(&relay).await;
    let fight = |n: i64| Script::new(2, 2).at(1_790_000_000_000 + n * 100_000);
    let refused = async |uploader: &mut Uploader, fight: &Script| {
        uploader.send(&begin(fight)).await;
        limit_of(Some(uploader.reply().await)).0
    };
    for n in 0..3 {
        let fight = fight(n);
        let begun = uploader.begin(&fight).await;
        uploader.deltas(begun.h, &fight.deltas).await;
        uploader.acked(2).await;
        uploader.send(&UplinkFrame::Discard { enc: fight.enc }).await;
        becomes("its discard", async || relay.get(&format!("/api/v1/reports/{}", begun.report)).await.0 == 404).await;
    }
    assert_eq!(refused(&mut uploader, &fight(3)).await, RefusedScope::Encounter);
    // The day goes by, and the raid is open.
    relay.pass_ms(86_400_000);
    uploader.begin(&fight(3)).await;
    relay.stop().await;
}

fn begin(fight: &Script) -> UplinkFrame {
    let header = crate::script::header();
    UplinkFrame::Begin(raidcast_shared::uplink::Begin { enc: fight.enc, stream: fight.stream, header })
}

#[tokio::test]
async fn fights_from_before_a_restart_count_until_they_are_a_day_old() {
    const HOUR_MS: i64 = 3_600_000;
    let data = tempfile::tempdir().unwrap();
    let limits = EdgeLimits { fights_per_key_day: 3, ..EdgeLimits::default() };
    let relay = TestRelay::start_limited(data.path(), limits).await;
    let fight = |n: i64| Script::new(2, 2).at(1_790_000_000_000 + n * 100_000);
    let mut uploader = Uploader::connect(&relay).await;
    uploader.begin(&fight(0)).await;
    uploader.begin(&fight(1)).await;
    relay.pass_ms(20 * HOUR_MS);
    uploader.begin(&fight(2)).await;
    relay.pass_ms(1_000);
    let relay = relay.restart().await;
    let mut uploader = Uploader::connect(&relay).await;
    uploader.send(&begin(&fight(3))).await;
    let (scope, retry_ms) = limit_of(Some(uploader.reply().await));
    assert_eq!(scope, RefusedScope::Encounter);
    // Four hours but for the second that passed.
    assert!(retry_ms.is_some_and(|ms| (4 * HOUR_MS - 5_000..4 * HOUR_MS).contains(&i64::from(ms))), "{retry_ms:?}");
    // The first two are a day old, the third is not: two more may begin.
    relay.pass_ms(4 * HOUR_MS);
    uploader.begin(&fight(3)).await;
    uploader.begin(&fight(4)).await;
    uploader.send(&begin(&fight(5))).await;
    limit_of(Some(uploader.reply().await));
    relay.pass_ms(20 * HOUR_MS);
    uploader.begin(&fight(5)).await;
    relay.stop().await;
}

#[tokio::test]
async fn an_upload_of_old_fights_leaves_room_for_the_nights_live_fight() {
    let data = tempfile::tempdir().unwrap();
    let limits = EdgeLimits { fights_per_key_day: 4, ..EdgeLimits::default() };
    let relay = TestRelay::start_limited(data.path(), limits).await;
    let fight = |n: i64| Script::new(2, 2).at(1_790_000_000_000 + n * 100_000);
    let old = Hello { history: true, raid: RaidId(Uuid::from_u128(7)), ..hello() };
    let mut upload = Uploader::connect_as(&relay, KEY, old).await;
    for n in 0..3 {
        upload.begin(&fight(n)).await;
    }
    upload.send(&begin(&fight(3))).await;
    let UplinkReply::Refused(refused) = upload.reply().await else { panic!("a refusal") };
    assert_eq!((refused.code, refused.retry_ms), (RefusedCode::LimitReached, Some(86_400_000)));
    assert_eq!(
        refused.text,
        "an upload of old fights has begun as many fights in a day as it may: go on after 1440 min"
    );
    // One that the relay knows costs nothing.
    upload.begin(&fight(0)).await;
    let mut live = Uploader::connect(&relay).await;
    live.begin(&fight(4)).await;
    relay.stop().await;
}

#[tokio::test]
async fn a_fight_that_is_begun_again_and_again_keeps_its_handle_and_then_waits() {
    let data = tempfile::tempdir().unwrap();
    let limits = EdgeLimits { begins_burst: 100, begins_per_key_minute: 60, ..EdgeLimits::default() };
    let relay = TestRelay::start_limited(data.path(), limits).await;
    let mut uploader = Uploader::connect(&relay).await;
    let fight = Script::new(6, 2);
    let first = uploader.begin(&fight).await;
    for _ in 1..100 {
        // What is on its way when it is begun again is taken and acknowledged under the same handle.
        uploader.deltas(first.h, &fight.deltas[..2]).await;
        uploader.send(&begin(&fight)).await;
        let mut begun = None;
        let mut acked = 0;
        while begun.is_none() || acked < 2 {
            match uploader.reply().await {
                UplinkReply::Ack { h, q } if h == first.h => acked = q,
                UplinkReply::Begun(again) => begun = Some(again.h),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(begun, Some(first.h));
    }
    for _ in 0..3 {
        uploader.send(&begin(&fight)).await;
        let UplinkReply::Refused(refused) = uploader.reply().await else { panic!("a refusal") };
        let told = (refused.code, refused.scope, refused.retry_ms, refused.enc);
        assert_eq!(told, (RefusedCode::TooFast, RefusedScope::Encounter, Some(1_000), Some(fight.enc)));
    }
    // Its deltas are taken meanwhile, and others begin.
    uploader.deltas(first.h, &fight.deltas[2..]).await;
    uploader.acked(6).await;
    let other = Hello { raid: RaidId(Uuid::from_u128(7)), ..hello() };
    Uploader::connect_as(&relay, OTHER_KEY, other).await.begin(&fight).await;
    relay.pass_ms(1_000);
    assert_eq!(uploader.begin(&fight).await.h, first.h);
    relay.stop().await;
}

#[tokio::test]
async fn a_key_sends_so_many_bytes_a_day_and_what_is_acknowledged_stays() {
    let data = tempfile::tempdir().unwrap();
    let limits = EdgeLimits { bytes_per_key_day: 4_000, ..EdgeLimits::default() };
    let relay = TestRelay::start_limited(data.path(), limits).await;
    let mut uploader = Uploader::connect(&relay).await;
    let fight = Script::new(200, 2);
    let begun = uploader.begin(&fight).await;
    let mut acked = 0;
    let refused = loop {
        let next = &fight.deltas[acked..=acked];
        uploader.deltas(begun.h, next).await;
        match uploader.reply().await {
            UplinkReply::Ack { q, .. } => acked = q as usize,
            UplinkReply::Refused(refused) => break refused,
            other => panic!("{other:?}"),
        }
    };
    assert!(acked > 2 && acked < 100, "{acked}");
    assert_eq!(
        (refused.code, refused.scope, refused.h),
        (RefusedCode::LimitReached, RefusedScope::Frame, Some(begun.h))
    );
    let retry_ms = i64::from(refused.retry_ms.expect("a time to come back"));
    let report = relay.report(&begun.report).await;
    let taken = Script { deltas: fight.deltas[..acked].to_vec(), ..Script::new(0, 2) };
    assert_eq!(report.fight.checksum, taken.checksum().to_string());
    // Tomorrow it goes on where it was.
    relay.pass_ms(retry_ms);
    uploader.deltas(begun.h, &fight.deltas[acked..acked + 3]).await;
    uploader.acked(acked as u64 + 3).await;
    relay.stop().await;
}

/// The next frame of a raw socket: opcode and payload; `None` at its end.
async fn frame(stream: &mut TcpStream) -> Option<(u8, Vec<u8>)> {
    let head = async {
        let (first, second) = (stream.read_u8().await.ok()?, stream.read_u8().await.ok()?);
        let length = match second {
            126 => u64::from(stream.read_u16().await.ok()?),
            127 => stream.read_u64().await.ok()?,
            length => length.into(),
        };
        let mut payload = vec![0; usize::try_from(length).ok()?];
        stream.read_exact(&mut payload).await.ok()?;
        Some((first & 0x0f, payload))
    };
    soon("a frame, or the end", head).await
}

/// What says nothing costs as much to read as what does.
#[tokio::test]
async fn pings_and_pongs_without_end_are_no_way_to_keep_a_relay_busy() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    for nothing in [Message::Ping(Bytes::new()), Message::Pong(Bytes::new())] {
        let mut uploader = Uploader::connect(&relay).await;
        let mut spectator = Spectator::join(&relay, &uploader.welcome.raid, SUBPROTOCOL).await;
        spectator.hear().await.unwrap();
        for n in 0..110 {
            uploader.socket.send(nothing.clone()).await.unwrap();
            if n < 25 {
                spectator.socket.send(nothing.clone()).await.unwrap();
            }
        }
        while spectator.hear().await.is_some() {}
        assert!(spectator.bye.is_some_and(|bye| bye.reason.contains("too many")), "a spectator's {nothing:?}");
        let refused = loop {
            match reply(&mut uploader.socket).await {
                Some(UplinkReply::Refused(refused)) => break refused,
                Some(_) => {}
                None => panic!("it ends without a word"),
            }
        };
        assert_eq!((refused.code, refused.scope), (RefusedCode::TooFast, RefusedScope::Connection));
    }
    relay.stop().await;
}

#[tokio::test]
async fn a_head_of_many_short_lines_is_answered_like_any() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let lines: Vec<_> = (0..1_000).map(|n| format!("a{n}: b")).collect();
    let lines: Vec<_> = lines.iter().map(String::as_str).collect();
    assert_eq!(ask(&relay, "GET /api/v1/reports", &lines).await.status, 200);
    relay.stop().await;
}

#[tokio::test]
async fn who_only_listens_hears_pings_and_who_answers_none_is_let_go() {
    let data = tempfile::tempdir().unwrap();
    let limits = EdgeLimits { ping_ms: 1_000, ..EdgeLimits::default() };
    let relay = TestRelay::start_limited(data.path(), limits).await;
    let mut uploader = Uploader::connect(&relay).await;
    let fight = Script::new(600, 2);
    let begun = uploader.begin(&fight).await;
    uploader.deltas(begun.h, &fight.deltas).await;
    uploader.acked(600).await;
    let raid = uploader.welcome.raid.clone();
    // They answer, without saying anything else.
    let mut listens = Spectator::join(&relay, &raid, SUBPROTOCOL).await;
    let heard = tokio::spawn(async move {
        let mut frames = 0;
        while listens.socket.next().await.is_some_and(|frame| frame.is_ok()) {
            frames += 1;
        }
        frames
    });
    let mut silent =
        Uploader::connect_as(&relay, OTHER_KEY, Hello { raid: RaidId(Uuid::from_u128(7)), ..hello() }).await;
    let silent = tokio::spawn(async move { while let Some(Ok(_)) = silent.socket.next().await {} });
    // These are gone, and nobody told the relay: the uploader too reads nothing from here on.
    let feed = format!("GET /api/v1/raids/{raid}/feed");
    let mut dead = [connect(addr(&relay), HERE).await, connect(addr(&relay), HERE).await];
    assert_eq!(stay(&mut dead[0], &feed, &UPGRADE).await.status, 101);
    let past = format!("{feed}?report={}&speed=0.25", begun.report);
    assert_eq!(stay(&mut dead[1], &past, &UPGRADE).await.status, 101);
    for stream in &mut dead {
        let mut pings = 0;
        while let Some((opcode, payload)) = frame(stream).await {
            pings += usize::from(opcode == 9 && payload.is_empty());
        }
        assert!((2..=5).contains(&pings), "{pings} pings before the end");
    }
    let edge = relay.relay.as_ref().unwrap().edge();
    becomes("the end of the dead", async || edge.open() == 2).await;
    assert!(!heard.is_finished() && !silent.is_finished(), "who answers stays");
    heard.abort();
    silent.abort();
    relay.stop().await;
}
