//! What bad input gets: its code and a text that helps, before anything is stored; the connection lives where it can.

use futures::SinkExt;
use raidcast_shared::codec;
use raidcast_shared::feed;
use raidcast_shared::uplink::{Agent, Delta, DeltaFrame, Hello, RefusedCode, RefusedScope, UplinkFrame, UplinkReply};
use tokio::io::AsyncWriteExt as _;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::script::{KEY, Script, Spectator, TestRelay, Uploader, hello, reply, send_bytes, uplink};

async fn hello_refused(relay: &TestRelay, bytes: Vec<u8>) -> (RefusedCode, RefusedScope) {
    let mut socket = uplink(&relay.url, KEY).await.unwrap();
    send_bytes(&mut socket, bytes).await;
    let Some(UplinkReply::Refused(refused)) = reply(&mut socket).await else { panic!("admitted") };
    assert!(refused.text.len() > 10, "a text that helps");
    assert_eq!(reply(&mut socket).await, None, "the connection ends");
    (refused.code, refused.scope)
}

#[tokio::test]
async fn a_hello_that_cannot_be_served_is_refused_by_code() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    match uplink(&relay.url, "wrong").await {
        Err(Error::Http(answer)) => assert_eq!(answer.status(), 401),
        other => panic!("a wrong key got {other:?}"),
    }
    let called = |name: &str| Agent { name: name.into(), version: String::new() };
    let hellos = [
        (Hello { v: (3, 9), ..hello() }, RefusedCode::ProtocolUnsupported),
        (Hello { delay_s: 601, ..hello() }, RefusedCode::NotSupported),
        (Hello { title: Some("<script>alert(1)</script>".into()), ..hello() }, RefusedCode::BadText),
        (Hello { title: Some("a\u{1b}[31mb".into()), ..hello() }, RefusedCode::BadText),
        (Hello { title: Some("x".repeat(101)), ..hello() }, RefusedCode::BadText),
        (Hello { client: called("rai\u{200b}dcast"), ..hello() }, RefusedCode::BadText),
        (Hello { meter: called("a\u{2066}b"), ..hello() }, RefusedCode::BadText),
        (Hello { meter: Agent { version: "1\u{feff}".into(), ..called("a") }, ..hello() }, RefusedCode::BadText),
        (Hello { secret: vec![1; 3], ..hello() }, RefusedCode::Malformed),
    ];
    for (hello, code) in hellos {
        let bytes = codec::encode(&UplinkFrame::Hello(hello));
        assert_eq!(hello_refused(&relay, bytes).await, (code, RefusedScope::Connection));
    }
    let idle = codec::encode(&UplinkFrame::Idle { h: 1 });
    assert_eq!(hello_refused(&relay, idle).await.0, RefusedCode::HelloExpected);
    assert_eq!(hello_refused(&relay, vec![0xc1]).await.0, RefusedCode::Malformed);
    // Who says nothing at all is told what was waited for.
    let mut silent = uplink(&relay.url, KEY).await.unwrap();
    let Some(UplinkReply::Refused(refused)) = reply(&mut silent).await else { panic!("admitted") };
    assert_eq!(refused.code, RefusedCode::HelloExpected);
    relay.stop().await;
}

#[tokio::test]
async fn a_name_behind_the_question_mark_that_nobody_knows_is_ignored_but_where_it_would_find_something_else() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect(&relay).await;
    let fight = Script::new(3, 2);
    let begun = uploader.begin(&fight).await;
    uploader.deltas(begun.h, &fight.deltas).await;
    uploader.acked(3).await;
    for (path, known) in [
        ("/api/v1/reports".to_owned(), "limit=1"),
        (format!("/api/v1/reports/{}", begun.report), "from=0&to=1000"),
        (format!("/api/v1/raids/{}", uploader.welcome.raid), "ticket=none"),
    ] {
        let (status, told) = relay.get(&format!("{path}?{known}")).await;
        assert_eq!(status, 200, "{told}");
        assert_eq!(relay.get(&format!("{path}?{known}&foo=1")).await, (200, told), "{path}");
    }
    for path in ["/api/v1/encounters".to_owned(), format!("/api/v1/encounters/{}", begun.report)] {
        let (status, told) = relay.get(&format!("{path}?foo=1")).await;
        assert_eq!((status, &told["code"]), (400, &"bad_request".into()), "{path}: {told}");
    }
    relay.stop().await;
}

#[tokio::test]
async fn frames_that_are_none_are_refused_and_the_connection_lives() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect(&relay).await;
    let fight = Script::new(3, 2);
    let begun = uploader.begin(&fight).await;
    let good = codec::encode(&UplinkFrame::Delta(DeltaFrame { h: begun.h, delta: fight.deltas[0].clone() }));
    let mut trailing = good.clone();
    trailing.push(0xc0);
    let mut broken_text = good.clone();
    let name = broken_text.windows(5).position(|window| window == b"Aeris").expect("a name is in it");
    broken_text[name] = 0xff;
    let frames: Vec<(Vec<u8>, RefusedCode)> = vec![
        (trailing, RefusedCode::TrailingBytes),
        (good[..good.len() / 2].to_vec(), RefusedCode::Malformed),
        (vec![0x91; 200], RefusedCode::TooDeep),
        (vec![0xdd, 0xff, 0xff, 0xff, 0xff], RefusedCode::Malformed),
        (vec![0; 300 * 1024], RefusedCode::FrameTooLong),
        (codec::encode(&serde_json::json!({"t": "weather"})), RefusedCode::UnknownFrame),
        (codec::encode(&serde_json::json!({"t": "idle"})), RefusedCode::Malformed),
        (codec::encode(&UplinkFrame::Idle { h: 99 }), RefusedCode::UnknownHandle),
        (codec::encode(&UplinkFrame::Hello(hello())), RefusedCode::HelloTwice),
    ];
    for (bytes, code) in frames {
        send_bytes(&mut uploader.socket, bytes).await;
        let UplinkReply::Refused(refused) = uploader.reply().await else { panic!("{code:?} was taken") };
        assert_eq!((refused.code, refused.scope), (code, RefusedScope::Frame));
    }
    // Text inside an event: its own frame is fine, the event is not.
    send_bytes(&mut uploader.socket, broken_text).await;
    let UplinkReply::Refused(refused) = uploader.reply().await else { panic!("broken text was taken") };
    assert_eq!(refused.code, RefusedCode::NotUtf8);
    // Nothing of it changed anything.
    uploader.deltas(begun.h, &fight.deltas).await;
    uploader.acked(3).await;
    assert_eq!(relay.report(&begun.report).await.fight.checksum, fight.checksum().to_string());
    relay.stop().await;
}

#[tokio::test]
async fn deltas_that_contradict_themselves_are_refused_before_anything_is_stored() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect(&relay).await;
    let fight = Script::new(3, 2);
    let begun = uploader.begin(&fight).await;
    uploader.deltas(begun.h, &fight.deltas[..1]).await;
    uploader.acked(1).await;
    let good = fight.deltas[1].clone();
    let event = |value: serde_json::Value| vec![codec::encode(&value).into()];
    let bad = [
        (Delta { hits: 99, ..good.clone() }, RefusedCode::BadColumns),
        (Delta { base_ms: u32::MAX, ..good.clone() }, RefusedCode::NumberTooLarge),
        (Delta { columns: vec![1, 200].into(), ..good.clone() }, RefusedCode::BadColumns),
        (
            Delta { rare: event(serde_json::json!({"k": "revive", "at": 0, "a": 60})), ..good.clone() },
            RefusedCode::IndexOutOfRange,
        ),
        (
            Delta { rare: event(serde_json::json!({"k": "revive", "at": 7_200_001, "a": 0})), ..good.clone() },
            RefusedCode::NumberTooLarge,
        ),
        (
            Delta {
                rare: event(serde_json::json!({"k": "skill", "at": 0, "s": 0, "name": "x".repeat(65)})),
                ..good.clone()
            },
            RefusedCode::BadText,
        ),
        (Delta { actors: fight.deltas[0].actors.clone(), ..good.clone() }, RefusedCode::BadEvent),
    ];
    for (delta, code) in bad {
        uploader.deltas(begun.h, &[delta]).await;
        let UplinkReply::Refused(refused) = uploader.reply().await else { panic!("{code:?} was taken") };
        assert_eq!((refused.code, refused.scope, refused.h), (code, RefusedScope::Frame, Some(begun.h)));
    }
    uploader.deltas(begun.h, &fight.deltas[1..]).await;
    uploader.acked(3).await;
    drop(uploader);
    let relay = relay.restart().await;
    assert_eq!(relay.report(&begun.report).await.fight.checksum, fight.checksum().to_string());
    relay.stop().await;
}

#[tokio::test]
async fn a_frame_beyond_all_measure_ends_the_connection_with_a_reason() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect(&relay).await;
    // Its head says enough. What came behind it unread would tear the connection, and the reason with it.
    let length = (3_u64 << 20).to_be_bytes();
    let head = [&[0x82, 0xff][..], &length, &[0; 4]].concat();
    uploader.socket.get_mut().write_all(&head).await.unwrap();
    let UplinkReply::Refused(refused) = uploader.reply().await else { panic!("taken") };
    assert_eq!((refused.code, refused.scope), (RefusedCode::FrameTooLong, RefusedScope::Connection));
    assert!(reply(&mut uploader.socket).await.is_none(), "it goes on");
    // Sent whole, it ends the connection too.
    let mut uploader = Uploader::connect(&relay).await;
    let _ = uploader.socket.send(Message::Binary(vec![0; 3 << 20].into())).await;
    while let Some(said) = reply(&mut uploader.socket).await {
        assert!(matches!(said, UplinkReply::Refused(_)), "taken: {said:?}");
    }
    // The relay is there for others.
    Uploader::connect(&relay).await;
    relay.stop().await;
}

#[tokio::test]
async fn a_spectator_may_only_ask_three_things() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let uploader = Uploader::connect(&relay).await;
    let mut spectator = Spectator::join(&relay, &uploader.welcome.raid, feed::SUBPROTOCOL_JSON).await;
    spectator.hear().await.expect("a keyframe");
    let probe = r#"{"t":"probe","clock":7.5}"#;
    spectator.socket.send(Message::Text(probe.into())).await.unwrap();
    loop {
        if let feed::FeedFrame::Echo(echo) = spectator.hear().await.expect("an echo") {
            assert!((echo.clock - 7.5).abs() < f64::EPSILON);
            break;
        }
    }
    // Nonsense is ignored within a rate, then the socket is closed with a reason.
    for _ in 0..60 {
        if spectator.socket.send(Message::Text("nonsense".into())).await.is_err() {
            break;
        }
    }
    let mut reason = None;
    while let Some(frame) = spectator.hear().await {
        if let feed::FeedFrame::Bye(bye) = frame {
            reason = Some(bye.reason);
        }
    }
    assert!(reason.is_some_and(|reason| reason.contains("too many")));
    relay.stop().await;
}
