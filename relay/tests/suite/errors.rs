//! Whatever is asked for, an error has the one shape; and pages that show nothing have the status that says so.

use std::sync::atomic::Ordering;

use raidcast_relay::limits::{HEAD_BYTES_MAX, READY_MS};
use raidcast_shared::columns;
use raidcast_shared::event::{ActorIx, Hit, HitFlags, HitKind, SkillIx, TimedHit};
use raidcast_shared::id::SkillId;
use raidcast_shared::uplink::{Hello, Outcome, UplinkReply, Visibility};

use crate::raw::{Answer, UPGRADE, ask};
use crate::script::{KEY, Script, TestRelay, Uploader, hello};
use crate::shaky::Shaky;

#[tokio::test]
async fn every_error_of_the_api_has_one_shape() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let uploader = Uploader::connect(&relay).await;
    let raid = uploader.welcome.raid.clone();
    let feed = format!("GET /api/v1/raids/{raid}/feed");
    let key = format!("X-API-Key: {KEY}");
    let long = format!("Content-Length: {}", 1_u64 << 40);
    let old = ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 8", UPGRADE[3]];
    let spoken = [&UPGRADE[..], &["Sec-WebSocket-Protocol: chat"]].concat();
    let (keyed, too_long) = ([key.as_str()], [long.as_str()]);
    let keyed_old = [key.as_str(), old[0], old[1], old[2], old[3]];
    let asked: Vec<(&str, &[&str], u16, &str)> = vec![
        ("GET /api", &[], 404, "not_found"),
        ("GET /api/", &[], 404, "not_found"),
        ("GET /api/v1/nothing", &[], 404, "not_found"),
        ("POST /api/v2/reports", &[], 404, "not_found"),
        ("GET /api/v1/reports/", &[], 404, "not_found"),
        ("GET /api/v1/reports/nothing", &[], 404, "not_found"),
        ("GET /api/v1/reports/%ff", &[], 400, "bad_request"),
        ("GET /api/v1/raids/%c3%28", &[], 400, "bad_request"),
        ("GET /api/v1/live/%ff/feed", &UPGRADE, 400, "bad_request"),
        ("GET /api/v1/reports?limit=x", &[], 400, "bad_request"),
        ("GET /api/v1/reports?limit=1&limit=2", &[], 400, "bad_request"),
        ("GET /api/v1/reports?page=0", &[], 400, "bad_request"),
        ("POST /api/v1/reports", &[], 405, "method_not_allowed"),
        ("DELETE /api/v1/reports/nothing", &[], 401, "unauthorized"),
        ("PATCH /health", &[], 405, "method_not_allowed"),
        ("POST /ready", &[], 405, "method_not_allowed"),
        ("GET /api/v1/raids/nothing/ticket", &[], 405, "method_not_allowed"),
        ("DELETE /api/v1/raids/nothing/ticket", &[], 405, "method_not_allowed"),
        ("OPTIONS /api/v1/uplink", &[], 405, "method_not_allowed"),
        ("BREW /api/v1/uplink", &[], 405, "method_not_allowed"),
        ("GET /api/v1/uplink", &[], 401, "unauthorized"),
        ("GET /api/v1/uplink", &UPGRADE, 401, "unauthorized"),
        ("GET /api/v1/uplink", &["X-API-Key: \u{fc}"], 401, "unauthorized"),
        ("GET /api/v1/uplink", &keyed, 426, "upgrade_required"),
        ("GET /api/v1/uplink", &keyed_old, 426, "upgrade_required"),
        (&feed, &[], 426, "upgrade_required"),
        (&feed, &old, 426, "upgrade_required"),
        (&feed, &[UPGRADE[0], UPGRADE[1], UPGRADE[2]], 426, "upgrade_required"),
        (&feed, &spoken, 400, "bad_request"),
        ("POST /api/v1/reports", &too_long, 413, "too_large"),
        ("GET /api/v1/nothing", &too_long, 413, "too_large"),
    ];
    for (request, lines, status, code) in asked {
        let answer = ask(&relay, request, lines).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{request} {lines:?}: {answer:?}");
        if status == 405 {
            let methods = answer.header("allow").unwrap_or_else(|| panic!("{request}: no methods"));
            assert!(methods.split(',').all(|method| answer.body.contains(&method.trim().to_uppercase())), "{answer:?}");
        }
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "{request}: other sites read why");
    }
    let bad = ask(&relay, &format!("{feed}?position=many"), &UPGRADE).await;
    assert_eq!((bad.status, bad.code().as_str()), (400, "bad_request"), "{bad:?}");
    // HEAD is GET without its body.
    let head = ask(&relay, "HEAD /api/v1/nothing", &[]).await;
    assert_eq!((head.status, head.body.as_str()), (404, ""));
    assert_eq!(head.header("content-type"), Some("application/json"));
    relay.stop().await;
}

#[tokio::test]
async fn a_wrong_method_is_told_the_right_ones_and_a_page_tells_them_as_a_page() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let ticket = ask(&relay, "GET /api/v1/raids/nothing/ticket", &[]).await;
    assert!(ticket.body.contains("use POST") && !ticket.body.contains("GET"), "{ticket:?}");
    for page in ["/", "/reports/nothing", "/raids/nothing", "/live/nothing"] {
        for method in ["POST", "DELETE", "OPTIONS"] {
            let answer = ask(&relay, &format!("{method} {page}"), &[]).await;
            assert!(answer.status == 405 && is_page(&answer), "{method} {page}: {answer:?}");
            assert!(answer.header("allow").is_some() && answer.body.contains("use GET"), "{answer:?}");
        }
    }
    relay.stop().await;
}

#[tokio::test]
async fn a_head_is_as_long_as_it_may_be_and_no_longer() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let of_bytes = |bytes: usize| format!("A: {}", "a".repeat(bytes));
    assert_eq!(ask(&relay, "GET /health", &[&of_bytes(HEAD_BYTES_MAX - 200)]).await.status, 200);
    for more in [0, 8_000, 100_000] {
        let answer = ask(&relay, "GET /health", &[&of_bytes(HEAD_BYTES_MAX + more)]).await;
        assert_eq!(answer.status, 431, "{more} more: {answer:?}");
        // What is too long already before it is whole is refused without a body.
        assert!(answer.body.is_empty() || answer.code() == "too_large", "{answer:?}");
    }
    let long = format!("GET /api/v1/reports?a={}", "a".repeat(HEAD_BYTES_MAX));
    assert_eq!(ask(&relay, &long, &[]).await.status, 431);
    relay.stop().await;
}

fn is_page(answer: &Answer) -> bool {
    answer.header("content-type").is_some_and(|kind| kind.starts_with("text/html")) && answer.body.contains("<html")
}

#[tokio::test]
async fn a_page_that_shows_nothing_is_a_page_with_status_404() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect(&relay).await;
    let begun = uploader.begin(&Script::new(3, 2)).await;
    let channel = uploader.welcome.channel_url.rsplit('/').next().unwrap().to_owned();
    let there = [
        "/".to_owned(),
        "/search".to_owned(),
        format!("/reports/{}", begun.report),
        format!("/raids/{}", uploader.welcome.raid),
        format!("/live/{channel}"),
    ];
    for path in there {
        let answer = ask(&relay, &format!("GET {path}"), &[]).await;
        assert!(answer.status == 200 && is_page(&answer), "{path}: {answer:?}");
    }
    for path in ["/reports/nothing", "/raids/nothing", "/live/nothing", "/reports/%ff", "/nothing", "/a/b/c", "/x.js"] {
        let answer = ask(&relay, &format!("GET {path}"), &[]).await;
        assert!(answer.status == 404 && is_page(&answer), "{path}: {answer:?}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "what is missing may come");
        assert_eq!(ask(&relay, &format!("HEAD {path}"), &[]).await.status, 404);
    }
    // What lets an overlay in is not told to the relay with its page, so that says nothing of what it shows.
    for path in [format!("/overlay/live/{channel}"), "/overlay/live/nothing".into(), "/overlay/raids/nothing".into()] {
        let answer = ask(&relay, &format!("GET {path}"), &[]).await;
        assert!(answer.status == 200 && is_page(&answer), "{path}: {answer:?}");
    }
    for path in ["/overlay", "/overlay/nothing", "/overlay/reports/nothing"] {
        assert_eq!(ask(&relay, &format!("GET {path}"), &[]).await.status, 404, "{path}");
    }
    // A browser that has the page of another report has not been told that this one is there.
    let shown = ask(&relay, &format!("GET /reports/{}", begun.report), &[]).await;
    let has = format!("If-None-Match: {}", shown.header("etag").expect("pages have tags"));
    assert_eq!(ask(&relay, &format!("GET /reports/{}", begun.report), &[&has]).await.status, 304);
    assert_eq!(ask(&relay, "GET /reports/nothing", &[&has]).await.status, 404);
    relay.stop().await;
}

#[tokio::test]
async fn a_page_says_of_a_private_raid_what_it_says_of_none() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let private = Hello { visibility: Visibility::Private, ..hello() };
    let mut uploader = Uploader::connect_as(&relay, KEY, private).await;
    let begun = uploader.begin(&Script::new(3, 2)).await;
    let (_, ticket) = begun.url.split_once("?ticket=").expect("a private report's link has a ticket");
    let channel = uploader.welcome.channel_url.rsplit('/').next().unwrap().to_owned();
    let (channel, of_channel) = channel.split_once("?ticket=").expect("a private channel's link has a ticket");
    let raid = uploader.welcome.raid.as_str();
    for (kind, name, ticket) in
        [("reports", begun.report.as_str(), ticket), ("raids", raid, ticket), ("live", channel, of_channel)]
    {
        let page = format!("GET /{kind}/{name}");
        let (hidden, none) = (ask(&relay, &page, &[]).await, ask(&relay, &format!("GET /{kind}/nothing"), &[]).await);
        assert_eq!(hidden.plain(), none.plain(), "{kind}");
        assert_eq!(hidden.status, 404);
        assert_eq!(ask(&relay, &format!("{page}?ticket={ticket}"), &[]).await.status, 200, "{kind}");
        assert_eq!(ask(&relay, &format!("{page}?ticket=00"), &[]).await.status, 404, "{kind}");
    }
    relay.stop().await;
}

#[tokio::test]
async fn a_head_that_asks_for_an_upgrade_is_none() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect(&relay).await;
    let begun = uploader.begin(&Script::new(3, 2)).await;
    let feed = format!("HEAD /api/v1/raids/{}/feed", uploader.welcome.raid);
    for path in [feed.clone(), format!("{feed}?report={}&speed=0", begun.report)] {
        let answer = ask(&relay, &path, &UPGRADE).await;
        assert_eq!((answer.status, answer.body.as_str()), (426, ""), "{path}: {answer:?}");
    }
    relay.stop().await;
}

/// Every coding in which a body is taken, and whether brotli may be it.
const CODINGS: [(&str, bool); 10] = [
    ("br;q=0", false),
    ("br; q=0.000", false),
    ("br;Q=0", false),
    ("gzip, br;q=0", false),
    ("gzip", false),
    ("identity", false),
    ("br", true),
    ("BR", true),
    ("gzip;q=1, br;q=0.1", true),
    ("br ; q=1", true),
];

#[tokio::test]
async fn who_takes_no_brotli_gets_none_of_a_large_answer_either() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect(&relay).await;
    // As many skills as make an answer that is compressed once for all who ask.
    let mut fight = Script::new(1, 2);
    let hits: Vec<_> = (0..4_096)
        .map(|skill| {
            let (source, target, kind, flags) = (ActorIx(0), ActorIx(3), HitKind::Damage, HitFlags(0));
            let hit = Hit { source, target, skill: SkillIx(skill), kind, amount: 5, flags, shield: 0, overheal: 0 };
            TimedHit { at_ms: 100, hit }
        })
        .collect();
    let (base_ms, columns) = columns::encode(&hits);
    let delta = &mut fight.deltas[0];
    delta.skills = (1..=4_096).map(|base| SkillId { base, variant: None }).collect();
    (delta.base_ms, delta.columns, delta.hits) = (base_ms, columns.into(), hits.len() as u32);
    let begun = uploader.begin(&fight).await;
    uploader.deltas(begun.h, &fight.deltas).await;
    assert!(matches!(uploader.end(begun.h, &fight, Outcome::Kill).await, UplinkReply::Finalized { .. }));
    let path = format!("GET /api/v1/reports/{}", begun.report);
    let plain = ask(&relay, &path, &[]).await;
    assert!(plain.status == 200 && plain.body.len() > 256 * 1024, "{} bytes", plain.body.len());
    for (coding, brotli) in CODINGS {
        let answer = ask(&relay, &path, &[&format!("Accept-Encoding: {coding}")]).await;
        assert_eq!((answer.status, answer.header("content-encoding") == Some("br")), (200, brotli), "{coding}");
    }
    relay.stop().await;
}

#[tokio::test]
async fn readiness_of_a_relay_that_takes_nothing_is_an_error_as_any_other_and_says_when_to_look_again() {
    let data = tempfile::tempdir().unwrap();
    let shaky = Shaky::open(data.path()).await;
    let relay = TestRelay::start_on_store(data.path(), shaky.clone()).await;
    shaky.faults.writes.store(u32::MAX, Ordering::SeqCst);
    let asked = async |what: &str| {
        let answer = ask(&relay, what, &[]).await;
        let body: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
        (answer, body)
    };
    for (path, status, why) in [("/ready", "unready", "/checks/store"), ("/health", "unhealthy", "/reason")] {
        let (down, told) = asked(&format!("GET {path}")).await;
        assert_eq!((down.status, told["status"].as_str()), (503, Some(status)), "{down:?}");
        assert_eq!(told["code"], "unavailable");
        let why = told.pointer(why).and_then(|why| why.as_str()).expect("why");
        assert!(told["message"].as_str().is_some_and(|message| message.contains(why)), "{told}");
        let retry_s = down.header("retry-after").and_then(|after| after.parse::<u32>().ok());
        assert!(retry_s.is_some_and(|retry_s| retry_s > 0), "{down:?}");
    }
    shaky.faults.mend();
    relay.pass_ms(READY_MS);
    for (path, status) in [("/ready", "ready"), ("/health", "healthy")] {
        let (up, told) = asked(&format!("GET {path}")).await;
        assert_eq!((up.status, told["status"].as_str()), (200, Some(status)), "{up:?}");
        assert!(told.get("code").is_none() && told.get("message").is_none() && up.header("retry-after").is_none());
    }
    relay.stop().await;
}
