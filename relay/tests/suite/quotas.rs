//! What a key and an address may upload in a day and an hour: told with each answer, and kept over a restart.

use std::sync::atomic::Ordering;

use raidcast_relay::account::Registration;
use raidcast_relay::database::Database;
use raidcast_relay::limits::EdgeLimits;
use raidcast_store::JobKind;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;

use crate::encounters::{PATH, encounter};
use crate::people::Browser;
use crate::raw::{Answer, HERE, THERE, ask, ask_from, becomes, connect, to_the_end};
use crate::script::{KEY, READ_KEY, SIGN_KEY, Script, TestRelay, UPLOAD_KEY, Uploader};
use crate::shaky::Shaky;
use crate::uploads::{fight, ids, post, upload};

const DAY_MS: i64 = 24 * 3_600_000;

async fn send(relay: &TestRelay, key: &str, local: i64) -> Answer {
    post(relay, PATH, key, &[], encounter(local, true).to_string().as_bytes()).await
}

/// Refused for now; after how many seconds it may come again.
fn limited(answer: &Answer, says: &str) -> i64 {
    assert_eq!((answer.status, answer.code().as_str()), (429, "too_many"), "{answer:?}");
    assert!(answer.body.contains(says), "{answer:?}");
    answer.header("retry-after").and_then(|seconds| seconds.parse().ok()).unwrap_or_else(|| panic!("{answer:?}"))
}

#[tokio::test]
async fn a_key_uploads_so_many_new_fights_a_day_and_a_restart_is_no_new_day() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start_set(data.path(), |config| {
        let meter = config.keys.iter_mut().find(|key| key.name == "meter").unwrap();
        meter.uploads_per_day = Some(2);
    })
    .await;
    for (local, left) in [(100, 1), (101, 0)] {
        let answer = send(&relay, UPLOAD_KEY, local).await;
        assert_eq!((answer.status, answer.header("ratelimit-policy")), (201, Some("\"day\";q=2;w=86400")));
        assert_eq!(answer.header("ratelimit"), Some(format!("\"day\";r={left};t=86400").as_str()));
    }
    relay.pass_ms(3_600_000);
    let refused = send(&relay, UPLOAD_KEY, 102).await;
    assert_eq!(limited(&refused, "uploads_per_day"), 23 * 3_600);
    assert_eq!(refused.header("ratelimit"), Some("\"day\";r=0;t=82800"));
    // What is known is no new fight, and another key of the account has its own.
    assert_eq!(send(&relay, UPLOAD_KEY, 100).await.status, 200);
    assert_eq!(send(&relay, KEY, 103).await.status, 201);
    let relay = relay.restart().await;
    assert_eq!(limited(&send(&relay, UPLOAD_KEY, 102).await, "uploads_per_day"), 23 * 3_600);
    relay.pass_ms(23 * 3_600_000);
    assert_eq!(send(&relay, UPLOAD_KEY, 102).await.status, 201);
    relay.stop().await;
}

#[tokio::test]
async fn bytes_of_a_day_are_counted_over_restarts_and_a_clock_that_is_set_back_locks_nobody_out() {
    let data = tempfile::tempdir().unwrap();
    let mut databases = vec![None];
    #[cfg(all(unix, feature = "postgres"))]
    databases
        .extend(raidcast_pgkit::shared().map(|cluster| Some(Database::Postgres(crate::migrated::database(cluster)))));
    for (at, database) in databases.into_iter().enumerate() {
        let limits = EdgeLimits { bytes_per_key_day: 2_000, ..EdgeLimits::default() };
        let folder = data.path().join(at.to_string());
        let mut relay = TestRelay::start_as(&folder, database, limits, Vec::new()).await;
        let (mut local, mut kept) = (100, 0);
        let refused = loop {
            let answer = send(&relay, KEY, local).await;
            if answer.status != 201 {
                break answer;
            }
            assert!(answer.header("ratelimit-policy").unwrap().ends_with(";qu=\"content-bytes\""), "{answer:?}");
            (local, kept) = (local + 1, kept + 1);
            assert!(kept < 50, "{answer:?}");
            // A restart after each is no new day.
            relay = relay.restart().await;
        };
        assert!(kept > 0);
        assert_eq!(limited(&refused, "bytes of fights"), 86_400);
        relay.pass_ms(-2 * DAY_MS);
        let mut relay = relay.restart().await;
        assert_eq!(send(&relay, KEY, local).await.status, 201, "its day lies ahead");
        relay.pass_ms(3 * DAY_MS);
        relay = relay.restart().await;
        assert_eq!(send(&relay, KEY, local + 1).await.status, 201, "its day is over");
        relay.stop().await;
    }
}

#[tokio::test]
async fn an_address_uploads_so_often_an_hour_and_others_do_not_wait_for_it() {
    let data = tempfile::tempdir().unwrap();
    let limits = EdgeLimits { uploads_per_address_hour: 2, ..EdgeLimits::default() };
    let relay = TestRelay::start_limited(data.path(), limits).await;
    assert_eq!(send(&relay, KEY, 100).await.status, 201);
    assert_eq!(send(&relay, "wrong", 100).await.status, 401, "who has no key has other limits");
    assert_eq!(send(&relay, SIGN_KEY, 100).await.status, 200);
    for path in [PATH, "/api/v1/upload/", "/api/v1/upload"] {
        let answer = post(&relay, path, KEY, &[], encounter(101, true).to_string().as_bytes()).await;
        assert!((1..=3_600).contains(&limited(&answer, "uploads_per_address_hour")), "{answer:?}");
    }
    // It may ask, and read.
    let checked = post(&relay, "/api/v1/upload/check", KEY, &[], br#"{"hashes":["0b"]}"#).await;
    assert_eq!((checked.status, relay.get("/api/v1/reports").await.0), (200, 200));
    let other = ask_from(&relay, THERE, &format!("POST {PATH}"), &[&format!("x-api-key: {KEY}")]).await;
    assert_eq!((other.status, other.code().as_str()), (400, "bad_request"));
    relay.stop().await;
}

#[tokio::test]
async fn an_hour_of_an_address_goes_on_after_a_restart_and_what_is_over_is_kept_nowhere() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("relay.limits");
    let limits = EdgeLimits { uploads_per_address_hour: 2, ..EdgeLimits::default() };
    let mut relay = TestRelay::start_limited(data.path(), limits).await;
    for local in [100, 101] {
        assert_eq!(send(&relay, KEY, local).await.status, 201);
    }
    for _ in 0..2 {
        relay = relay.restart().await;
        assert_eq!(limited(&send(&relay, KEY, 102).await, "uploads_per_address_hour"), 1_801);
    }
    let kept = std::fs::read(&file).unwrap();
    for address in [&b"127.0.0.1"[..], &[127, 0, 0, 1]] {
        assert!(!kept.windows(address.len()).any(|at| at == address), "{address:?}");
    }
    relay.pass_ms(3_600_000 / 2);
    assert_eq!(send(&relay, KEY, 102).await.status, 201);
    relay.pass_ms(3_600_000);
    let relay = relay.restart().await;
    assert!(!file.exists(), "it counts for nothing any more");
    assert_eq!(send(&relay, KEY, 103).await.status, 201);
    relay.stop().await;
}

#[tokio::test]
async fn every_answer_to_an_uploader_tells_what_is_left_of_its_day() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    relay.pass_ms(5_000);
    let mut wrong = encounter(100, true);
    wrong["durationMs"] = Value::from(0);
    let signed = ["x-raidcast-signature: t=1"];
    for (lines, body, status, left) in [
        (&[][..], wrong.to_string(), 400, 3_000),
        (&signed, encounter(100, true).to_string(), 401, 3_000),
        (&[], encounter(100, true).to_string(), 201, 2_999),
        (&[], encounter(100, true).to_string(), 200, 2_999),
        (&["content-encoding: br"], String::new(), 415, 2_999),
    ] {
        let answer = post(&relay, PATH, KEY, lines, body.as_bytes()).await;
        assert_eq!((answer.status, answer.header("ratelimit-policy")), (status, Some("\"day\";q=3000;w=86400")));
        assert_eq!(answer.header("ratelimit"), Some(format!("\"day\";r={left};t=86400").as_str()));
    }
    let stranger = send(&relay, "wrong", 100).await;
    assert_eq!((stranger.status, stranger.header("ratelimit")), (401, None), "nobody's day");
    relay.stop().await;
}

#[tokio::test]
async fn who_sends_at_once_gets_no_more_than_who_sends_in_turn() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start_set(data.path(), |config| {
        let meter = config.keys.iter_mut().find(|key| key.name == "meter").unwrap();
        meter.uploads_per_day = Some(2);
    })
    .await;
    let sent = futures::future::join_all((100..112).map(|local| send(&relay, UPLOAD_KEY, local))).await;
    let statuses = |status| sent.iter().filter(|answer| answer.status == status).count();
    assert_eq!((statuses(201), statuses(429)), (2, 10), "{sent:?}");
    relay.stop().await;
}

#[tokio::test]
async fn what_is_not_kept_costs_nothing_of_the_day() {
    let data = tempfile::tempdir().unwrap();
    let shaky = Shaky::open(data.path()).await;
    let limits = EdgeLimits { bytes_per_key_day: 4_000, ..EdgeLimits::default() };
    let relay = TestRelay::start_on_store_limited(data.path(), shaky.clone(), limits).await;
    let left = |answer: &Answer| answer.header("ratelimit").map(str::to_owned);
    assert_eq!(send(&relay, KEY, 100).await.status, 201);
    let before = left(&send(&relay, KEY, 100).await);
    // All of them: of a number of them, work that is derived may take one.
    shaky.faults.writes.store(u32::MAX, Ordering::SeqCst);
    for _ in 0..20 {
        let failed = send(&relay, KEY, 101).await;
        assert_eq!((failed.status, left(&failed)), (503, before.clone()), "{failed:?}");
    }
    shaky.faults.mend();
    assert_eq!(send(&relay, KEY, 101).await.status, 201);
    relay.stop().await;
}

#[tokio::test]
async fn an_upload_that_waits_for_its_stream_costs_its_bytes_once() {
    let data = tempfile::tempdir().unwrap();
    let limits = EdgeLimits { bytes_per_key_day: 20_000, ..EdgeLimits::default() };
    let relay = TestRelay::start_limited(data.path(), limits).await;
    let mut uploader = Uploader::connect(&relay).await;
    let script = Script::new(1, 2).told_as_sums();
    let begun = uploader.begin(&script).await;
    uploader.deltas(begun.h, &script.deltas).await;
    uploader.acked(1).await;
    assert_eq!(send(&relay, KEY, 100).await.status, 201);
    // What is known costs nothing, and tells what is left.
    let left = async || send(&relay, KEY, 100).await.header("ratelimit").map(str::to_owned);
    let before = left().await;
    let known = ids(&relay, KEY, &[fight(1, true)]).await;
    assert_eq!(relay.store.jobs(JobKind::Reading).await.unwrap().count, 1);
    let waits = left().await;
    assert_ne!(waits, before);
    for _ in 0..3 {
        assert_eq!((ids(&relay, KEY, &[fight(1, true)]).await, left().await), (known.clone(), waits.clone()));
    }
    relay.stop().await;
}

#[tokio::test]
async fn after_a_restart_the_time_of_a_day_is_told_as_before() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    assert_eq!(send(&relay, KEY, 100).await.status, 201);
    relay.pass_ms(3_600_000);
    let relay = relay.restart().await;
    for hours in [23, 22] {
        let told = send(&relay, KEY, 100).await;
        assert_eq!(told.header("ratelimit"), Some(format!("\"day\";r=2999;t={}", hours * 3_600).as_str()));
        relay.pass_ms(3_600_000);
    }
    relay.stop().await;
}

#[tokio::test]
async fn what_a_key_may_not_do_costs_its_address_nothing_and_each_call_has_its_own_measure() {
    let data = tempfile::tempdir().unwrap();
    let limits = EdgeLimits { uploads_per_address_hour: 1, ..EdgeLimits::default() };
    let relay = TestRelay::start_limited(data.path(), limits).await;
    for _ in 0..3 {
        let answer = send(&relay, READ_KEY, 100).await;
        assert_eq!((answer.status, answer.code().as_str()), (403, "forbidden"));
    }
    assert_eq!(send(&relay, KEY, 100).await.status, 201);
    let key = format!("x-api-key: {KEY}");
    for (path, most) in [
        (PATH, 64 << 20),
        ("/api/v1/upload/", 256 << 20),
        ("/api/v1/upload", 256 << 20),
        ("/api/v1/upload/check", 1 << 20),
        ("/api/v1/upload/player-data", 16 << 20),
    ] {
        let length = format!("content-length: {}", most + 1);
        let answer = ask_from(&relay, THERE, &format!("POST {path}"), &[&key, &length]).await;
        assert_eq!(answer.status, 413, "{path}: {answer:?}");
        assert!(answer.body.contains(&most.to_string()), "{path}: {answer:?}");
    }
    relay.stop().await;
}

/// From the moment at which that is answered.
#[tokio::test]
async fn an_upload_that_is_under_way_is_not_taken_by_a_key_that_is_revoked() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start_set(data.path(), |config| config.registration = Registration::Open).await;
    let mut ana = Browser::at(&relay, 1);
    assert_eq!(ana.join("Ana", None).await.status, 201);
    for path in [PATH, "/api/v1/upload/"] {
        let (id, key) = ana.make_key(&["upload"], None).await;
        let mut body =
            if path == PATH { encounter(100, true).to_string().into_bytes() } else { upload(&[fight(100, true)]) };
        // Small ones are read at once, and not counted.
        body.resize(body.len() + (1 << 20), b' ');
        let mut stream = connect(relay.url.trim_start_matches("http://"), HERE).await;
        let head = format!(
            "POST {path} HTTP/1.1\r\nx-api-key: {key}\r\ncontent-type: application/json\r\nhost: relay\r\n\
             content-length: {}\r\nconnection: close\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&body[..body.len() / 2]).await.unwrap();
        // It is let in, and is being read.
        becomes("its body is read", async || {
            ask(&relay, "GET /metrics", &[]).await.body.contains("\nraidcast_uploads_read 1\n")
        })
        .await;
        assert_eq!(ana.ask("DELETE", &format!("/api/v1/me/keys/{id}"), None).await.status, 204);
        stream.write_all(&body[body.len() / 2..]).await.unwrap();
        let answer = Answer::of(&to_the_end(&mut stream).await);
        assert_eq!((answer.status, answer.code().as_str()), (401, "unauthorized"), "{path}: {answer:?}");
        assert_eq!(ana.get("/api/v1/me/raids").await.body["raids"], json!([]), "{path}");
    }
    relay.stop().await;
}
