//! What operators are told: numbers that Prometheus reads, whether the relay is well, and whether it is ready.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::State;
use axum::response::IntoResponse as _;
use futures::future::join_all;
use raidcast_relay::api::health;
use raidcast_relay::database::Database;
use raidcast_relay::disk::Disk;
use raidcast_relay::edge::Network;
use raidcast_relay::limits::{EdgeLimits, READY_MS};
use raidcast_relay::readiness::Readiness;
use raidcast_shared::feed::SUBPROTOCOL;
use raidcast_shared::uplink::{Hello, Outcome, UplinkReply};
use raidcast_store::JobKind;
use serde_json::json;

use crate::exposition::Metrics;
use crate::raw::{Answer, HERE, ask, becomes, connect, to_the_end};
use crate::script::{KEY, Script, Spectator, TestRelay, Uploader, hello};
use crate::shaky::Shaky;
use crate::uploads::{fight, post, upload};

/// What a request for metrics is answered with, over the relay's address.
async fn scrape(relay: &TestRelay) -> (String, Metrics) {
    let answer = ask(relay, "GET /metrics", &[]).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let metrics = Metrics::parse(&answer.body).unwrap_or_else(|why| panic!("{why}: {}", answer.body));
    (answer.body, metrics)
}

/// A relay to which everything has happened that is counted, and what it tells then.
async fn after_a_night(relay: &TestRelay) -> (String, Metrics) {
    let mut uploader = Uploader::connect(relay).await;
    let script = Script::new(40, 2);
    let begun = uploader.begin(&script).await;
    let mut spectator = Spectator::join(relay, &uploader.welcome.raid, SUBPROTOCOL).await;
    uploader.deltas(begun.h, &script.deltas).await;
    uploader.acked(40).await;
    spectator.until("all damage", |seen| seen.damage == 40 * 3_000 + 820).await;
    // What is refused: a handle that was not given, an upload without fights, a wrong key.
    uploader.deltas(9, &script.deltas[..1]).await;
    assert!(matches!(uploader.reply().await, UplinkReply::Refused(_)));
    let (sums, hits) = (fight(1_000, false), fight(1_000, true));
    // And one that says of itself nothing that could be kept.
    for fights in [vec![sums], vec![hits.clone(), hits, json!({})], vec![]] {
        let answer = post(relay, "/api/v1/upload/", KEY, &[], &upload(&fights)).await;
        assert_eq!(answer.status, if fights.is_empty() { 400 } else { 200 }, "{answer:?}");
    }
    assert_eq!(ask(relay, "GET /api/v1/auth/check", &["X-API-Key: a-wrong-one"]).await.status, 401);
    // What is derived of these is made behind the answers.
    becomes("all to be derived", async || {
        relay.store.jobs(JobKind::Derive).await.unwrap().count == 0
            && scrape(relay).await.1.get("raidcast_jobs_waiting", &[("job", "derive")]) < 0.5
    })
    .await;
    let told = scrape(relay).await;
    drop((uploader, spectator));
    told
}

#[tokio::test]
async fn numbers_tell_what_happened_and_name_nobody() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let (text, metrics) = after_a_night(&relay).await;
    for (name, labels, value) in [
        ("raidcast_uplinks", &[][..], 1.0),
        ("raidcast_spectators", &[], 1.0),
        ("raidcast_store_up", &[], 1.0),
        ("raidcast_uplink_frames_total", &[("kind", "hello")], 1.0),
        ("raidcast_uplink_frames_total", &[("kind", "begin")], 1.0),
        ("raidcast_uplink_frames_total", &[("kind", "delta")], 41.0),
        ("raidcast_uplink_frames_total", &[("kind", "malformed")], 0.0),
        ("raidcast_refused_total", &[("code", "unknown_handle")], 1.0),
        ("raidcast_refused_total", &[("code", "fenced")], 0.0),
        ("raidcast_ack_seconds_count", &[], 40.0),
        ("raidcast_append_failures_total", &[], 0.0),
        ("raidcast_lag_seconds_count", &[("cause", "meter")], 40.0),
        // Rows are read 20 ms after their hits, says the script.
        ("raidcast_lag_seconds_sum", &[("cause", "meter")], 0.8),
        ("raidcast_lag_seconds_count", &[("cause", "uplink")], 40.0),
        ("raidcast_limits_hit_total", &[("limit", "keys")], 1.0),
        ("raidcast_limits_hit_total", &[("limit", "quota")], 0.0),
        ("raidcast_set_aside", &[("what", "fight")], 0.0),
        ("encounters_uploaded_total", &[("status", "created"), ("meter_version", "0.19.1")], 1.0),
        ("encounters_uploaded_total", &[("status", "replaced"), ("meter_version", "0.19.1")], 1.0),
        ("encounters_uploaded_total", &[("status", "known"), ("meter_version", "0.19.1")], 1.0),
        ("encounters_uploaded_total", &[("status", "stub"), ("meter_version", "0.19.1")], 1.0),
        ("encounters_uploaded_total", &[("status", "refused"), ("meter_version", "none")], 1.0),
        ("encounter_upload_duration_seconds_count", &[("status", "known")], 1.0),
        ("encounter_payload_size_bytes_count", &[], 3.0),
        ("raidcast_uploads_read", &[], 0.0),
        ("raidcast_jobs_waiting", &[("job", "reading")], 0.0),
        ("raidcast_jobs_waiting", &[("job", "derive")], 0.0),
        ("raidcast_uploads_waiting", &[], 0.0),
        ("raidcast_build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1.0),
        ("raidcast_http_answers_total", &[("status", "1xx")], 2.0),
        ("raidcast_http_answers_total", &[("status", "4xx")], 2.0),
        ("raidcast_http_answers_total", &[("status", "5xx")], 0.0),
    ] {
        let told = metrics.get(name, labels);
        assert!((told - value).abs() < 1e-6, "{name} {labels:?}: {told}, not {value}");
    }
    for (name, labels) in [
        ("raidcast_ticks_total", &[][..]),
        ("raidcast_fanout_writes_total", &[]),
        ("raidcast_fanout_bytes_total", &[]),
        ("raidcast_lag_seconds_count", &[("cause", "relay")]),
        ("raidcast_journal_commit_seconds_count", &[]),
        ("raidcast_journal_queue_max_bytes", &[("lane", "journal")]),
        ("raidcast_raids", &[]),
        ("raidcast_memory_bytes", &[]),
        ("raidcast_memory_max_bytes", &[]),
        ("raidcast_sockets_open", &[]),
        ("raidcast_sockets_max", &[]),
        ("raidcast_upload_bytes_total", &[("encoding", "identity")]),
    ] {
        assert!(metrics.get(name, labels) >= 1.0, "{name} {labels:?}");
    }
    #[cfg(target_os = "linux")]
    for name in ["process_resident_memory_bytes", "process_open_fds", "process_start_time_seconds", "process_threads"] {
        assert!(metrics.get(name, &[]) >= 1.0, "{name}");
    }
    // No label says what strangers send, nor who is who.
    let known = [
        "kind",
        "code",
        "cause",
        "limit",
        "lane",
        "what",
        "job",
        "status",
        "meter_version",
        "encoding",
        "version",
        "way",
        "outcome",
        "le",
    ];
    let labels = metrics.samples.values().flatten().flat_map(|(labels, _)| labels.keys());
    let unknown: BTreeSet<_> = labels.filter(|label| !known.contains(&label.as_str())).collect();
    assert_eq!(unknown, BTreeSet::new());
    for secret in [KEY, "a-wrong-one", "127.0.0.1", "Aeris", "Böreas", "Kartgriff", "Towering", "default"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    // Who has gone is not counted any more.
    becomes("everybody's going", async || {
        let (_, metrics) = scrape(&relay).await;
        metrics.get("raidcast_uplinks", &[]) == 0.0 && metrics.get("raidcast_spectators", &[]) == 0.0
    })
    .await;
    relay.stop().await;
}

#[cfg(unix)]
#[tokio::test]
async fn promtool_finds_nothing_wrong_with_the_numbers() {
    use std::io::Write as _;
    use std::process::{Command, Stdio};
    let Some(promtool) = crate::proxies::program("promtool", "prometheus") else { return };
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let (text, _) = after_a_night(&relay).await;
    relay.stop().await;
    let mut check = Command::new(promtool)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool starts");
    check.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let said = check.wait_with_output().unwrap();
    let words = [said.stdout, said.stderr].concat();
    assert!(said.status.success() && words.is_empty(), "{}{text}", String::from_utf8_lossy(&words));
}

#[tokio::test]
async fn numbers_are_for_this_machine_or_have_an_address_of_their_own() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let passed_on = ["X-Forwarded-For: 192.0.2.1"];
    let refused = ask(&relay, "GET /metrics", &passed_on).await;
    assert_eq!((refused.status, refused.code().as_str()), (404, "not_found"), "a proxy that nobody named");
    assert_eq!(ask(&relay, "GET /metrics", &["Forwarded: for=192.0.2.1"]).await.status, 404);
    assert_eq!(ask(&relay, "POST /metrics", &passed_on).await.status, 404);
    assert_eq!(ask(&relay, "POST /metrics", &[]).await.code(), "method_not_allowed");
    let told = ask(&relay, "GET /metrics", &[]).await;
    assert_eq!((told.status, told.header("access-control-allow-origin")), (200, None), "not for pages of other sites");
    relay.stop().await;

    let proxies: Vec<Network> = vec!["127.0.0.1".parse().unwrap()];
    let relay = TestRelay::start_as(&data.path().join("proxied"), None, EdgeLimits::default(), proxies).await;
    for lines in [&passed_on[..], &["X-Forwarded-For: 127.0.0.1"], &[]] {
        assert_eq!(ask(&relay, "GET /metrics", lines).await.status, 404, "whoever a proxy asks for: {lines:?}");
    }
    relay.stop().await;

    let own = "127.0.0.1:0".parse().unwrap();
    let relay = TestRelay::start_set(&data.path().join("own"), |config| config.metrics_listen = Some(own)).await;
    assert_eq!(ask(&relay, "GET /metrics", &[]).await.status, 404);
    let addr = relay.relay.as_ref().unwrap().metrics_addr().unwrap().to_string();
    let ask_own = async |path: &str| {
        let mut stream = connect(&addr, HERE).await;
        let request = format!("GET {path} HTTP/1.1\r\nHost: relay\r\nConnection: close\r\n\r\n");
        tokio::io::AsyncWriteExt::write_all(&mut stream, request.as_bytes()).await.unwrap();
        Answer::of(&to_the_end(&mut stream).await)
    };
    let told = ask_own("/metrics").await;
    assert!(told.status == 200 && Metrics::parse(&told.body).is_ok(), "{told:?}");
    for path in ["/health", "/ready"] {
        assert_eq!(ask_own(path).await.status, 200, "{path}");
    }
    for path in ["/", "/api/v1/reports", "/api/v1/uplink"] {
        assert_eq!(ask_own(path).await.status, 404, "{path}");
    }
    relay.stop().await;
}

#[tokio::test]
async fn how_ready_the_relay_is_is_looked_at_once_for_all_who_ask_and_its_health_asks_nobody() {
    let data = tempfile::tempdir().unwrap();
    let shaky = Shaky::open(data.path()).await;
    let relay = TestRelay::start_on_store(data.path(), shaky.clone()).await;
    let pings = || shaky.faults.pings.load(Ordering::SeqCst);
    let asked = join_all((0..50).map(|_| relay.get("/ready"))).await;
    assert!(asked.iter().all(|(status, told)| *status == 200 && told["status"] == "ready"), "{asked:?}");
    assert_eq!(asked[0].1["checks"], json!({"store": "ok", "disk": "ok", "queue": "ok", "draining": "ok"}));
    assert_eq!(pings(), 1);
    shaky.faults.writes.store(u32::MAX, Ordering::SeqCst);
    assert_eq!(relay.get("/ready").await.0, 200, "as it was a moment ago");
    assert_eq!((relay.get("/health").await.0, pings()), (200, 1));
    relay.pass_ms(READY_MS);
    let asked = join_all((0..50).map(|_| relay.get("/ready"))).await;
    assert!(asked.iter().all(|(status, told)| *status == 503 && told["status"] == "unready"), "{asked:?}");
    let (_, metrics) = scrape(&relay).await;
    assert_eq!(metrics.get("raidcast_store_up", &[]).to_string(), "0");
    assert_eq!(relay.get("/health").await.0, 503, "what is known by now");
    shaky.faults.mend();
    relay.pass_ms(READY_MS);
    assert_eq!((relay.get("/ready").await.0, relay.get("/health").await.0), (200, 200));
    relay.stop().await;
}

#[tokio::test]
async fn a_raids_task_that_falls_is_counted() {
    let data = tempfile::tempdir().unwrap();
    let shaky = Shaky::open(data.path()).await;
    let relay = TestRelay::start_on_store(data.path(), shaky.clone()).await;
    let mut uploader = Uploader::connect(&relay).await;
    let script = Script::new(1, 2);
    let begun = uploader.begin(&script).await;
    shaky.fall_once();
    uploader.deltas(begun.h, &script.deltas).await;
    assert!(matches!(uploader.reply().await, UplinkReply::Draining { .. }));
    let (_, metrics) = scrape(&relay).await;
    assert_eq!(metrics.get("raidcast_raid_falls_total", &[]).to_string(), "1");
    relay.stop().await;
}

#[tokio::test]
async fn a_database_that_is_back_is_noticed_though_nobody_asks_for_it() {
    let data = tempfile::tempdir().unwrap();
    let shaky = Shaky::open(data.path()).await;
    let relay = TestRelay::start_on_store(data.path(), shaky.clone()).await;
    shaky.faults.writes.store(u32::MAX, Ordering::SeqCst);
    assert_eq!((relay.get("/ready").await.0, relay.get("/health").await.0), (503, 503));
    shaky.faults.mend();
    relay.pass_ms(READY_MS);
    becomes("another look", async || relay.get("/health").await.0 == 200).await;
    relay.stop().await;
}

#[tokio::test]
async fn a_relay_that_is_about_to_stop_is_neither_ready_nor_healthy_at_once() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let context = Arc::clone(&relay.relay.as_ref().unwrap().registry().context);
    let disk = Disk::of(&Database::in_folder(data.path()));
    let readiness = Readiness::new(Arc::clone(&context), disk);
    let ready = async || health::ready(State(Arc::clone(&readiness))).await.into_response().status().as_u16();
    let well = async || health::health(State(Arc::clone(&readiness))).await.status().as_u16();
    assert_eq!((ready().await, well().await), (200, 200));
    context.draining.cancel();
    assert_eq!((ready().await, well().await), (503, 503), "though it was ready a moment ago");
    relay.stop().await;
}

#[tokio::test]
async fn what_is_not_stored_is_counted_and_what_is_late_is_no_old_fight() {
    let data = tempfile::tempdir().unwrap();
    let shaky = Shaky::open(data.path()).await;
    let relay = TestRelay::start_on_store(data.path(), shaky.clone()).await;
    let old = Hello { history: true, ..hello() };
    let mut uploader = Uploader::connect_as(&relay, KEY, old).await;
    let script = Script::new(3, 2);
    let begun = uploader.begin(&script).await;
    uploader.deltas(begun.h, &script.deltas[..1]).await;
    uploader.acked(1).await;
    shaky.faults.appends.store(1, Ordering::SeqCst);
    uploader.deltas(begun.h, &script.deltas[1..2]).await;
    assert!(matches!(uploader.reply().await, UplinkReply::Refused(_)));
    uploader.deltas(begun.h, &script.deltas[1..]).await;
    uploader.acked(3).await;
    assert!(matches!(uploader.end(begun.h, &script, Outcome::Kill).await, UplinkReply::Finalized { .. }));
    shaky.faults.writes.store(u32::MAX, Ordering::SeqCst);
    let whole = post(&relay, "/api/v1/upload/", KEY, &[], &upload(&[fight(1_000, true)])).await;
    assert_eq!(whole.status, 503, "{whole:?}");
    let (_, metrics) = scrape(&relay).await;
    for (name, labels, value) in [
        ("raidcast_append_failures_total", &[][..], 1.0),
        ("encounters_uploaded_total", &[("status", "failed"), ("meter_version", "none")], 1.0),
        ("encounter_upload_duration_seconds_count", &[("status", "failed")], 1.0),
        ("raidcast_refused_total", &[("code", "store_unavailable")], 1.0),
        ("raidcast_ack_seconds_count", &[], 3.0),
        ("raidcast_lag_seconds_count", &[("cause", "meter")], 0.0),
        ("raidcast_uplink_frames_total", &[("kind", "begin")], 1.0),
        ("raidcast_uplink_frames_total", &[("kind", "end")], 1.0),
    ] {
        assert!((metrics.get(name, labels) - value).abs() < 1e-6, "{name} {labels:?}");
    }
    relay.stop().await;
}
