//! What the log says: which request a line is about, and never who somebody is or what lets him in.

use std::process::Command;

use raidcast_shared::id::hex;
use raidcast_shared::uplink::{Outcome, UplinkReply};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::process::{KEY, RELAY, Run};
use crate::raw::{Answer, UPGRADE, ask, becomes, to_the_end};
use crate::script::{Script, Spectator, TestRelay, hello, send_bytes};
use crate::uploads::{fight, upload};

#[tokio::test]
async fn every_answer_names_its_request_as_its_asker_does_or_by_a_name_of_its_own() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut own = Vec::new();
    for request in
        ["GET /", "GET /health", "GET /nothing", "GET /api/v1/nothing", "PATCH /api/v1/reports", "GET /metrics"]
    {
        let theirs = ask(&relay, request, &["X-Request-Id: Deploy-7f3A"]).await;
        assert!(theirs.head.contains("\r\nx-request-id: deploy-7f3a"), "{request}: {theirs:?}");
        for line in ["X-Other: 1", "X-Request-Id: <script>", "X-Request-Id: a b", "X-Request-Id: "] {
            let answer = ask(&relay, request, &[line]).await;
            let id = answer.header("x-request-id").unwrap_or_else(|| panic!("{request} {line}: {answer:?}"));
            assert!(id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{request} {line}: {id}");
            own.push(id.to_owned());
        }
    }
    let all = own.len();
    own.sort_unstable();
    own.dedup();
    assert_eq!(own.len(), all, "two requests have one name");
    let answer = ask(&relay, "GET /api/v1/reports", &[]).await;
    let exposed = answer.header("access-control-expose-headers").unwrap_or_default();
    assert!(exposed.contains("x-request-id") && exposed.contains("retry-after"), "{answer:?}");
    // A spectator's upgrade has its name, too.
    let raid = crate::script::Uploader::connect(&relay).await.welcome.raid;
    let lines = [&UPGRADE[..], &["X-Request-Id: feed-1"]].concat();
    let mut stream = crate::raw::connect(relay.url.trim_start_matches("http://"), crate::raw::HERE).await;
    let upgraded = crate::raw::stay(&mut stream, &format!("GET /api/v1/raids/{raid}/feed"), &lines).await;
    assert_eq!((upgraded.status, upgraded.header("x-request-id")), (101, Some("feed-1")), "{upgraded:?}");
    drop(stream);
    relay.stop().await;
}

/// One request to a relay of its own process.
async fn request(run: &Run, head: &str, body: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(("127.0.0.1", run.port)).await.unwrap();
    let length = body.len();
    let head = format!("{head}\r\nHost: relay\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    Answer::of(&to_the_end(&mut stream).await)
}

#[tokio::test]
async fn a_log_at_its_most_talkative_names_requests_and_nobody() {
    let run = Run::new(std::path::Path::new(""));
    let log = run.path("relay.log");
    let mut command = Command::new(RELAY);
    command.args(["--log-format", "json"]).env("RUST_LOG", "debug");
    let relay = run.relay_logging(&log, &mut command);
    // A fight that is streamed and watched to its end.
    let mut uploader = run.uploader(hello()).await;
    let script = Script::new(20, 2);
    let begun = uploader.begin(&script).await;
    let raid = uploader.welcome.raid.clone();
    let feed = format!("http://127.0.0.1:{}/api/v1/raids/{raid}/feed", run.port);
    let mut spectator = Spectator::join_at(&feed, raidcast_shared::feed::SUBPROTOCOL_JSON).await;
    uploader.deltas(begun.h, &script.deltas).await;
    uploader.acked(20).await;
    spectator.until("damage", |seen| seen.damage > 0).await;
    // Handles that were not given, and what is no frame.
    uploader.deltas(99, &script.deltas[..1]).await;
    assert!(matches!(uploader.reply().await, UplinkReply::Refused(_)));
    send_bytes(&mut uploader.socket, b"Aeris was here".to_vec()).await;
    assert!(matches!(uploader.reply().await, UplinkReply::Refused(_)));
    assert!(matches!(uploader.end(begun.h, &script, Outcome::Kill).await, UplinkReply::Finalized { .. }));
    // Of an uplink that says nothing that can be read, its request is named.
    let mut silent = crate::script::uplink(&format!("http://127.0.0.1:{}", run.port), KEY).await.unwrap();
    send_bytes(&mut silent, b"nothing".to_vec()).await;
    while crate::script::reply(&mut silent).await.is_some() {}
    // Fights that come whole, wrong keys, and a report that is looked at.
    let whole = upload(&[fight(1_000, true)]);
    let post = |path: &str, key: &str, id: &str| {
        format!("POST {path} HTTP/1.1\r\nX-API-Key: {key}\r\nX-Request-Id: {id}\r\nContent-Type: application/json")
    };
    assert_eq!(request(&run, &post("/api/v1/upload/", KEY, "whole-1"), &whole).await.status, 200);
    assert_eq!(request(&run, &post("/api/v1/upload/", "nobodys-key", "wrong-1"), &whole).await.status, 401);
    assert_eq!(request(&run, &post("/api/v1/upload/", KEY, "broken-1"), b"{\"Aeris\":").await.status, 400);
    let ticket = format!("GET /api/v1/reports/{}?ticket=a-secret-ticket HTTP/1.1", begun.report);
    assert_eq!(request(&run, &ticket, b"").await.status, 200);
    drop((uploader, spectator, silent));
    let said = || std::fs::read_to_string(&log).unwrap();
    becomes("the last answer's line", async || said().matches("a request was answered").count() >= 5).await;
    drop(relay);

    let text = said();
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"))).collect();
    let named = |message: &str| {
        let of = lines.iter().filter(|line| line["message"] == message);
        of.map(|line| line["span"]["id"].as_str().unwrap_or_default()).collect::<Vec<_>>()
    };
    assert_eq!(named("a key came that is none of this relay's"), ["wrong-1"], "{text}");
    assert!(named("an uplink was refused").iter().all(|id| id.len() == 16), "{text}");
    assert_eq!(named("an uplink was refused").len(), 1, "{text}");
    let answered = named("a request was answered");
    assert!(["whole-1", "wrong-1", "broken-1"].iter().all(|id| answered.contains(id)), "{answered:?}");
    let enc = script.enc.0;
    let secrets = [
        KEY.to_owned(),
        "nobodys-key".into(),
        "a-secret-ticket".into(),
        "Aeris".into(),
        "Böreas".into(),
        "はるか".into(),
        enc.simple().to_string(),
        enc.hyphenated().to_string(),
        script.stream.0.simple().to_string(),
        script.stream.0.hyphenated().to_string(),
        hex(&hello().secret),
        begun.report.clone(),
        // Of the fight that came whole: what its meter calls it.
        format!("{:064x}", 1_000 + 0xabc),
    ];
    for secret in secrets {
        assert!(!text.contains(&secret), "{secret}: {text}");
    }
    let with_address = lines.iter().filter(|line| line.to_string().contains("127.0.0.1"));
    let loud: Vec<_> = with_address.filter(|line| line["level"] != "DEBUG").collect();
    assert!(loud.is_empty(), "{loud:?}");
}
