//! TLS in the process: everything goes through it, whatever a stranger does with a handshake has a limit, and a spectator
//! is sent each tick in one write.

use std::process::Command;
use std::time::Duration;

use futures::StreamExt as _;
use raidcast_relay::limits::EdgeLimits;
use raidcast_shared::feed::{SUBPROTOCOL, SUBPROTOCOL_JSON};
use raidcast_shared::uplink::{Outcome, UplinkReply};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_tungstenite::MaybeTlsStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use crate::process::{RELAY, Run};
use crate::raw::{Answer, HERE, becomes, connect, to_the_end};
use crate::script::{Script, Spectator, TestRelay, Uploader, hello, soon};
use crate::secure::{ask_secured, pair, secured, secured_for};

fn addr(relay: &TestRelay) -> &str {
    relay.url.trim_start_matches("https://")
}

/// A relay with a certificate.
async fn start(limits: EdgeLimits, data: &std::path::Path) -> TestRelay {
    TestRelay::start_set(data, |config| {
        config.limits = limits;
        config.tls = Some(pair("tls"));
    })
    .await
}

#[tokio::test]
async fn pages_the_api_uplinks_and_feeds_go_through_tls() {
    let data = tempfile::tempdir().unwrap();
    let relay = start(EdgeLimits::default(), data.path()).await;
    assert!(relay.url.starts_with("https://"), "{}", relay.url);
    assert!(relay.first_link().is_some_and(|link| link.starts_with(&relay.url)), "{:?}", relay.first_link());
    let page = ask_secured(addr(&relay), HERE, "GET /", &[], b"").await;
    assert!(page.status == 200 && page.body.contains("<html"), "{page:?}");
    let health = ask_secured(addr(&relay), HERE, "GET /health", &[], b"").await;
    assert!(health.status == 200 && health.body.contains("healthy"), "{health:?}");

    let mut uploader = Uploader::connect(&relay).await;
    assert!(uploader.welcome.channel_url.starts_with("https://"));
    let raid = uploader.welcome.raid.clone();
    let fight = Script::new(200, 2);
    let begun = uploader.begin(&fight).await;
    let mut spectators = Vec::new();
    for protocol in [SUBPROTOCOL, SUBPROTOCOL_JSON] {
        spectators.push(Spectator::join(&relay, &raid, protocol).await);
    }
    for part in fight.deltas.chunks(20) {
        uploader.deltas(begun.h, part).await;
        uploader.acked(part.last().unwrap().seq).await;
    }
    assert!(matches!(uploader.end(begun.h, &fight, Outcome::Kill).await, UplinkReply::Finalized { .. }));
    let past = format!("{raid}/feed?report={}&at=0&speed=20", begun.report);
    spectators.push(Spectator::join(&relay, &past, SUBPROTOCOL).await);
    // Over TLS, too, and more than one record.
    let report = ask_secured(addr(&relay), HERE, &format!("GET /api/v1/reports/{}", begun.report), &[], b"").await;
    let report: raidcast_shared::report::Report = serde_json::from_str(&report.body).unwrap();
    let is_over = |seen: &crate::script::Seen| seen.state.as_deref() == Some("Final") && seen.checksum.is_some();
    for mut spectator in spectators {
        let seen = spectator.until("the end", is_over).await;
        assert_eq!(seen.checksum.as_deref(), Some(&*report.fight.checksum));
        assert_eq!(seen.damage, report.fight.totals.damage);
    }
    relay.stop().await;
}

#[tokio::test]
async fn who_speaks_no_tls_is_told_so_and_who_speaks_another_version_of_http_speaks_ours() {
    let data = tempfile::tempdir().unwrap();
    let relay = start(EdgeLimits::default(), data.path()).await;
    let mut stream = connect(addr(&relay), HERE).await;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let answer = Answer::of(&to_the_end(&mut stream).await);
    assert_eq!((answer.status, answer.code().as_str()), (400, "bad_request"));
    assert!(answer.body.contains("https://"), "{answer:?}");
    let stream = secured_for(connect(addr(&relay), HERE).await, &["h2", "http/1.1"]).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    drop(stream);
    // What is no handshake though it begins as one ends at once.
    let mut stream = connect(addr(&relay), HERE).await;
    stream.write_all(&[22, 3, 1, 0, 4, 1, 0, 0, 0]).await.unwrap();
    to_the_end(&mut stream).await;
    drop(stream);
    let edge = relay.relay.as_ref().unwrap().edge();
    becomes("all sockets' end", async || edge.open() == 0).await;
    relay.stop().await;
}

#[tokio::test]
async fn a_handshake_has_its_time_and_counts_as_a_socket_that_waits() {
    let data = tempfile::tempdir().unwrap();
    let limits = EdgeLimits { connections_per_address: 3, head_ms: 1_500, ..EdgeLimits::default() };
    let relay = start(limits, data.path()).await;
    let edge = relay.relay.as_ref().unwrap().edge();
    let mut silent = Vec::new();
    for _ in 0..3 {
        silent.push(connect(addr(&relay), HERE).await);
    }
    becomes("three sockets", async || edge.open() == 3).await;
    // One of those makes room for who does something.
    let health = ask_secured(addr(&relay), HERE, "GET /health", &[], b"").await;
    assert_eq!(health.status, 200);
    to_the_end(&mut silent[0]).await;
    // The others go when their time is over, also who has begun.
    let _ = silent[1].write_all(&[22, 3, 1, 2, 0]).await;
    to_the_end(&mut silent[1]).await;
    to_the_end(&mut silent[2]).await;
    becomes("all sockets' end", async || edge.open() == 0).await;
    relay.stop().await;
}

#[tokio::test]
async fn another_certificate_is_served_to_who_comes_after_its_files_are_there() {
    let data = tempfile::tempdir().unwrap();
    let files = pair("tls");
    let mine = raidcast_relay::tls::TlsFiles {
        certificate: data.path().join("certificate.pem"),
        key: data.path().join("key.pem"),
    };
    std::fs::copy(&files.certificate, &mine.certificate).unwrap();
    std::fs::copy(&files.key, &mine.key).unwrap();
    let relay = TestRelay::start_set(data.path(), |config| config.tls = Some(mine.clone())).await;
    let served = async || {
        let stream = secured(connect(addr(&relay), HERE).await).await.unwrap();
        stream.get_ref().1.peer_certificates().unwrap()[0].to_vec()
    };
    let mut before = secured(connect(addr(&relay), HERE).await).await.unwrap();
    let first = served().await;
    let other = pair("other-tls");
    std::fs::copy(&other.certificate, &mine.certificate).unwrap();
    std::fs::copy(&other.key, &mine.key).unwrap();
    becomes("another certificate", async || served().await != first).await;
    // Who is connected stays so.
    before.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    soon("an answer", before.read_to_end(&mut answer)).await.unwrap();
    assert_eq!(Answer::of(&answer).status, 200);
    relay.stop().await;
}

#[tokio::test]
async fn a_spectator_over_tls_is_sent_each_tick_in_one_write() {
    if Command::new("strace").arg("--version").output().is_err() {
        assert!(std::env::var_os("RAIDCAST_TEST_ALL").is_none(), "strace is missing: apt-get install strace");
        println!("SKIPPED: strace is missing (apt-get install strace), so writes were not counted");
        return;
    }
    let run = Run::new(std::path::Path::new(""));
    let (log, files) = (run.path("strace.log"), pair("tls"));
    let mut strace = Command::new("strace");
    strace.args(["-D", "-f", "-q", "-yy", "-s", "0", "-e", "trace=write,writev,sendto,sendmsg", "-o"]);
    strace.arg(&log).arg(RELAY).arg("--tls-certificate").arg(&files.certificate).arg("--tls-key").arg(&files.key);
    let mut relay = run.relay_under(&mut strace);
    let at = format!("127.0.0.1:{}", run.port);
    becomes("the relay's start", async || tokio::net::TcpStream::connect(&at).await.is_ok()).await;
    let mut uploader = Uploader::connect_at(&format!("https://{at}"), crate::process::KEY, hello()).await;
    let fight = Script::new(400, 2);
    let begun = uploader.begin(&fight).await;
    let mut stream = secured(connect(&at, HERE).await).await.unwrap();
    let port = stream.get_ref().0.local_addr().unwrap().port();
    let writes = || {
        let told = std::fs::read_to_string(&log).unwrap_or_default();
        told.lines().filter(|line| line.contains(&format!("->127.0.0.1:{port}]"))).count()
    };
    // After one answer the handshake, and all that belongs to it, is over.
    stream.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut first = [0; 16];
    soon("an answer", stream.read_exact(&mut first)).await.unwrap();
    let mut rest = vec![0; 4_096];
    let _ = tokio::time::timeout(Duration::from_millis(300), stream.read(&mut rest)).await;
    let before = writes();
    assert!(before >= 2, "{before} writes for a handshake and an answer");
    let request = format!("wss://{at}/api/v1/raids/{}/feed", uploader.welcome.raid).into_client_request().unwrap();
    let stream = MaybeTlsStream::Rustls(stream);
    let (mut socket, _) = soon("the feed", Box::pin(tokio_tungstenite::client_async(request, stream))).await.unwrap();
    let listen = async {
        let mut frames = 0;
        while frames < 12 {
            let Some(Ok(message)) = socket.next().await else { panic!("the feed ended") };
            frames += usize::from(matches!(message, Message::Text(_)));
        }
    };
    let tell = async {
        for part in fight.deltas.chunks(10) {
            uploader.deltas(begun.h, part).await;
            uploader.acked(part.last().unwrap().seq).await;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    soon("twelve frames", async { tokio::join!(listen, tell) }).await;
    let asked = ask_secured(&at, HERE, "GET /metrics", &[], b"").await;
    let given = asked.body.lines().find_map(|line| line.strip_prefix("raidcast_fanout_writes_total "));
    let given: usize = given.unwrap_or_else(|| panic!("{asked:?}")).trim().parse().unwrap();
    relay.kill();
    // The answer to the upgrade is one more; a ping goes out every twenty seconds.
    let counted = writes() - before - 1;
    assert!(given >= 8 && (given..=given + 2).contains(&counted), "{counted} writes for {given} of the room");
}
