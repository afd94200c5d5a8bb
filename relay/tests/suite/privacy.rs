//! What is private is private at once: who is told what, who is let go, and what leads where.

use raidcast_relay::account::Scope;
use raidcast_relay::config::KeySetting;
use raidcast_shared::codec;
use raidcast_shared::feed::{FeedFrame, SUBPROTOCOL, SUBPROTOCOL_JSON};
use raidcast_shared::id::RaidId;
use raidcast_shared::uplink::{Begin, Hello, Outcome, RefusedCode, UplinkFrame, UplinkReply, Visibility, Welcome};
use sqlx::{ConnectOptions, Connection};
use uuid::Uuid;

use crate::script::{
    KEY, OTHER_KEY, Script, Spectator, TestRelay, UPLOAD_KEY, Uploader, header, hello, reply, send_bytes, soon, uplink,
};

fn seen_by(visibility: Visibility) -> Hello {
    Hello { visibility, ..hello() }
}

/// The name and the ticket in a link.
fn parts(url: &str) -> (&str, Option<&str>) {
    let (page, ticket) = match url.split_once("?ticket=") {
        Some((page, ticket)) => (page, Some(ticket)),
        None => (url, None),
    };
    (page.rsplit('/').next().unwrap(), ticket)
}

/// Hears all until the feed says goodbye; that, and the frames after `from` was heard.
async fn let_go(spectator: &mut Spectator) -> Vec<FeedFrame> {
    let mut frames = Vec::new();
    while let Some(frame) = spectator.hear().await {
        frames.push(frame);
    }
    let bye = spectator.bye.as_ref().expect("a goodbye");
    assert_eq!(bye.retry_ms, None, "it may not come back: {bye:?}");
    assert!(bye.reason.contains("not for you any more"), "{bye:?}");
    frames
}

/// The status that a feed is answered with.
async fn feed_status(relay: &TestRelay, path: &str) -> u16 {
    let url = format!("{}/api/v1/{path}", relay.url.replace("http", "ws"));
    match soon("an answer", Box::pin(tokio_tungstenite::connect_async(url))).await {
        Ok(_) => 101,
        Err(tokio_tungstenite::tungstenite::Error::Http(answer)) => answer.status().as_u16(),
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_change_of_visibility_is_kept_before_its_welcome() {
    use Visibility::{Private, Public, Unlisted};
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect_as(&relay, KEY, seen_by(Public)).await;
    let raid = uploader.welcome.raid.clone();
    let fight = Script::new(10, 2);
    let begun = uploader.begin(&fight).await;
    uploader.deltas(begun.h, &fight.deltas).await;
    uploader.acked(10).await;
    for visibility in [Private, Unlisted, Private, Public, Unlisted, Public] {
        uploader = Uploader::connect_as(&relay, KEY, seen_by(visibility)).await;
        let (status, report) = relay.get(&format!("/api/v1/reports/{}", begun.report)).await;
        let (_, list) = relay.get("/api/v1/reports").await;
        let listed = list["reports"].as_array().unwrap().len();
        let expected = if visibility == Private { 404 } else { 200 };
        assert_eq!((status, listed), (expected, usize::from(visibility == Public)), "{visibility:?}: {report}");
        assert_eq!(relay.get(&format!("/api/v1/raids/{raid}")).await.0, expected);
        if visibility != Private {
            assert_eq!(report["visibility"], serde_json::to_value(visibility).unwrap());
        }
    }
    drop(uploader);
    relay.stop().await;
}

#[tokio::test]
async fn who_makes_a_raid_private_while_the_store_takes_nothing_is_told_so_and_nothing_has_changed() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect_as(&relay, KEY, seen_by(Visibility::Unlisted)).await;
    let raid = uploader.welcome.raid.clone();
    let page = format!("/api/v1/raids/{raid}");
    let mut spectator = Spectator::join(&relay, &raid, SUBPROTOCOL).await;
    spectator.hear().await.expect("a keyframe");
    // Another program holds the database.
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(data.path().join("raidcast.db"));
    let mut other = options.connect().await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let mut socket = uplink(&relay.url, KEY).await.unwrap();
    send_bytes(&mut socket, codec::encode(&UplinkFrame::Hello(seen_by(Visibility::Private)))).await;
    let Some(UplinkReply::Refused(refused)) = reply(&mut socket).await else { panic!("it was not kept") };
    assert_eq!((refused.code, refused.retry_ms.is_some()), (RefusedCode::StoreUnavailable, true));
    assert!(reply(&mut socket).await.is_none(), "the connection is closed");
    assert_eq!(relay.get(&page).await.0, 200);
    sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    other.close().await.unwrap();
    // The connection before it speaks for the raid still, and who watches was not sent away.
    let fight = Script::new(10, 2);
    let begun = uploader.begin(&fight).await;
    uploader.deltas(begun.h, &fight.deltas).await;
    uploader.acked(10).await;
    spectator.until("the fight", |seen| seen.damage > 0).await;
    let _again = Uploader::connect_as(&relay, KEY, seen_by(Visibility::Private)).await;
    assert_eq!(relay.get(&page).await.0, 404);
    let_go(&mut spectator).await;
    relay.stop().await;
}

#[tokio::test]
async fn a_key_that_may_not_read_is_given_its_raids_ticket_and_not_that_of_the_channel() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let own = Uploader::connect_as(&relay, KEY, seen_by(Visibility::Private)).await;
    let (channel, ticket) = parts(&own.welcome.channel_url);
    assert!(ticket.is_some(), "{}", own.welcome.channel_url);
    let meters = Uploader::connect_as(&relay, UPLOAD_KEY, seen_by(Visibility::Private)).await;
    assert!(parts(&meters.welcome.raid_url).1.is_some(), "{}", meters.welcome.raid_url);
    assert_eq!(parts(&meters.welcome.channel_url), (channel, None));
    relay.stop().await;
}

#[tokio::test]
async fn a_key_that_renews_tickets_and_does_not_read_is_told_none_of_the_channel() {
    let data = tempfile::tempdir().unwrap();
    let key = "a-key-that-only-manages";
    let scopes = [Scope::Manage].into_iter().collect();
    let manager = KeySetting { name: "manager".into(), scopes, ..KeySetting::of("default", key) };
    let relay = TestRelay::start_set(data.path(), |config| config.keys.push(manager)).await;
    let own = Uploader::connect_as(&relay, KEY, seen_by(Visibility::Private)).await;
    let path = format!("/api/v1/raids/{}/ticket", own.welcome.raid);
    let (channel, _) = parts(&own.welcome.channel_url);
    for (key, is_told) in [(key, false), (KEY, true)] {
        let (status, renewed) = relay.request("POST", &path, Some(key)).await;
        assert_eq!(status, 200, "{renewed}");
        assert!(parts(renewed["raidUrl"].as_str().unwrap()).1.is_some(), "{renewed}");
        let (page, ticket) = parts(renewed["channelUrl"].as_str().unwrap());
        assert_eq!((page, ticket.is_some()), (channel, is_told), "{renewed}");
    }
    relay.stop().await;
}

#[tokio::test]
async fn who_may_no_longer_see_a_raid_is_let_go_and_hears_nothing_more_of_it() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    // Private first, so that there is a ticket that somebody keeps.
    let uploader = Uploader::connect_as(&relay, KEY, seen_by(Visibility::Private)).await;
    let raid = uploader.welcome.raid.clone();
    let ticket = parts(&uploader.welcome.raid_url).1.unwrap().to_owned();
    let mut uploader = Uploader::connect_as(&relay, KEY, seen_by(Visibility::Unlisted)).await;
    let channel = parts(&uploader.welcome.channel_url).0.to_owned();
    let fight = Script::new(40, 2);
    let begun = uploader.begin(&fight).await;
    uploader.deltas(begun.h, &fight.deltas[..20]).await;
    uploader.acked(20).await;
    let report = &begun.report;
    let url = |path: String| format!("{}/api/v1/{path}", relay.url);
    let mut strangers = Vec::new();
    for (path, protocol) in [
        (format!("raids/{raid}/feed"), SUBPROTOCOL),
        (format!("raids/{raid}/feed"), SUBPROTOCOL_JSON),
        (format!("raids/{raid}/feed?ticket=0123"), SUBPROTOCOL),
        (format!("live/{channel}/feed"), SUBPROTOCOL),
        (format!("raids/{raid}/feed?report={report}&speed=0.25"), SUBPROTOCOL),
        (format!("live/{channel}/feed?report={report}&speed=0.25"), SUBPROTOCOL_JSON),
    ] {
        let mut spectator = Spectator::join_at(&url(path), protocol).await;
        spectator.hear().await.expect("a keyframe");
        strangers.push(spectator);
    }
    let mut by_ticket = Spectator::join_at(&url(format!("raids/{raid}/feed?ticket={ticket}")), SUBPROTOCOL).await;
    let mut by_key = Spectator::join_as(&url(format!("raids/{raid}/feed")), SUBPROTOCOL, Some(KEY)).await;
    let replayed = url(format!("raids/{raid}/feed?report={report}&speed=0.25&ticket={ticket}"));
    let mut replay_by_ticket = Spectator::join_at(&replayed, SUBPROTOCOL).await;

    let mut uploader = Uploader::connect_as(&relay, KEY, seen_by(Visibility::Private)).await;
    let begun = uploader.begin(&fight).await;
    uploader.deltas(begun.h, &fight.deltas[20..]).await;
    uploader.acked(40).await;
    let damage = fight.deltas.iter().map(|delta| 3_000 + delta.seq).sum::<u64>();
    for spectator in [&mut by_ticket, &mut by_key] {
        spectator.until("the rest of the fight", |seen| seen.damage == damage).await;
    }
    for spectator in &mut strangers {
        let_go(spectator).await;
        assert!(spectator.damage() <= damage_of(&fight, 20), "it saw what came after");
    }
    // The replay goes on for who has a ticket.
    let before = replay_by_ticket.ticks;
    while replay_by_ticket.ticks < before + 3 {
        replay_by_ticket.hear().await.expect("the replay goes on");
    }
    for path in [format!("raids/{raid}/feed"), format!("live/{channel}/feed")] {
        assert_eq!(feed_status(&relay, &path).await, 404);
    }
    for rest in ["", "/timeline", "/details", "/recaps", "?from=100&to=900"] {
        assert_eq!(relay.get(&format!("/api/v1/reports/{report}{rest}")).await.0, 404, "{rest}");
    }
    relay.stop().await;
}

fn damage_of(fight: &Script, deltas: usize) -> u64 {
    fight.deltas[..deltas].iter().map(|delta| 3_000 + delta.seq).sum()
}

#[tokio::test]
async fn renewed_tickets_end_those_before_and_who_watches_by_them() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect_as(&relay, KEY, seen_by(Visibility::Private)).await;
    let fight = Script::new(40, 2);
    let begun = uploader.begin(&fight).await;
    uploader.deltas(begun.h, &fight.deltas[..20]).await;
    uploader.acked(20).await;
    let Welcome { raid, raid_url, channel_url, .. } = uploader.welcome.clone();
    let (_, ticket) = parts(&raid_url);
    let (channel, channel_ticket) = parts(&channel_url);
    let (ticket, channel_ticket) = (ticket.unwrap(), channel_ticket.unwrap());
    assert_ne!(ticket, channel_ticket);
    let report = &begun.report;
    let paths = |ticket: &str, channel_ticket: &str| {
        [
            format!("raids/{raid}/feed?ticket={ticket}"),
            format!("live/{channel}/feed?ticket={channel_ticket}"),
            format!("raids/{raid}/feed?ticket={channel_ticket}"),
            format!("raids/{raid}/feed?report={report}&speed=0.25&ticket={ticket}"),
            format!("live/{channel}/feed?report={report}&speed=0.25&ticket={channel_ticket}"),
        ]
    };
    let mut by_old = Vec::new();
    for path in paths(ticket, channel_ticket) {
        let mut spectator = Spectator::join_at(&format!("{}/api/v1/{path}", relay.url), SUBPROTOCOL).await;
        spectator.hear().await.expect("a keyframe");
        by_old.push(spectator);
    }
    let feed = format!("{}/api/v1/raids/{raid}/feed", relay.url);
    let mut by_key = Spectator::join_as(&feed, SUBPROTOCOL, Some(KEY)).await;

    let renew = format!("/api/v1/raids/{raid}/ticket");
    assert_eq!(relay.request("POST", &renew, None).await.0, 401);
    assert_eq!(relay.request("POST", &renew, Some("nobody's key")).await.0, 401);
    assert_eq!(relay.request("POST", &renew, Some(OTHER_KEY)).await.0, 404, "somebody else's raid");
    assert_eq!(relay.request("POST", "/api/v1/raids/nothing/ticket", Some(KEY)).await.0, 404);
    assert_eq!(feed_status(&relay, &paths(ticket, channel_ticket)[0]).await, 101);

    let (status, renewed) = relay.request("POST", &renew, Some(KEY)).await;
    assert_eq!(status, 200, "{renewed}");
    let new_ticket = renewed["ticket"].as_str().unwrap();
    assert_eq!(renewed["raidUrl"], format!("{}/raids/{raid}?ticket={new_ticket}", relay.url));
    let (name, new_channel_ticket) = parts(renewed["channelUrl"].as_str().unwrap());
    let new_channel_ticket = new_channel_ticket.unwrap();
    assert_eq!(name, channel);
    for path in paths(ticket, channel_ticket) {
        assert_eq!(feed_status(&relay, &path).await, 404, "{path}");
    }
    for path in paths(new_ticket, new_channel_ticket) {
        assert_eq!(feed_status(&relay, &path).await, 101, "{path}");
    }
    uploader.deltas(begun.h, &fight.deltas[20..]).await;
    uploader.acked(40).await;
    by_key.until("the rest", |seen| seen.damage == damage_of(&fight, 40)).await;
    for spectator in &mut by_old {
        let_go(spectator).await;
        assert!(spectator.damage() <= damage_of(&fight, 20), "it saw what came after");
    }
    // Links that the uploader is told from now on hold the new one, also after a restart.
    let again = uploader.begin(&fight).await;
    assert_eq!(parts(&again.url), (report.as_str(), Some(new_ticket)));
    drop(uploader);
    let relay = relay.restart().await;
    let uploader = Uploader::connect_as(&relay, KEY, seen_by(Visibility::Private)).await;
    assert_eq!(parts(&uploader.welcome.raid_url).1, Some(new_ticket));
    assert_eq!(parts(&uploader.welcome.channel_url).1, Some(new_channel_ticket));
    relay.stop().await;
}

#[tokio::test]
async fn a_private_raid_is_seen_by_its_channels_ticket_while_the_channel_shows_it() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut first = Uploader::connect_as(&relay, KEY, seen_by(Visibility::Private)).await;
    let fight = Script::new(10, 2);
    let begun = first.begin(&fight).await;
    first.deltas(begun.h, &fight.deltas).await;
    first.acked(10).await;
    let (channel, ticket) = parts(&first.welcome.channel_url);
    let (channel, ticket) = (channel.to_owned(), ticket.unwrap().to_owned());
    let page = format!("/api/v1/live/{channel}?ticket={ticket}");
    let report = format!("/api/v1/reports/{}?ticket={ticket}", begun.report);
    let (status, seen) = relay.get(&page).await;
    assert_eq!((status, &seen["code"]), (200, &first.welcome.raid.clone().into()), "{seen}");
    assert_eq!(relay.get(&report).await.0, 200);
    assert_eq!(relay.get(&format!("/api/v1/live/{channel}")).await.0, 404);
    assert_eq!(relay.get(&format!("/api/v1/live/{channel}?ticket=00")).await.0, 404);
    let mut watching = Spectator::join_at(&format!("{}{}", relay.url, page.replace('?', "/feed?")), SUBPROTOCOL).await;
    watching.hear().await.expect("a keyframe");

    // The next night, private again: the same link shows it, and no longer the night before.
    relay.pass_ms(1_000);
    let next = Hello { raid: RaidId(Uuid::from_u128(2)), ..seen_by(Visibility::Private) };
    let mut second = Uploader::connect_as(&relay, KEY, next).await;
    assert_eq!(parts(&second.welcome.channel_url), (channel.as_str(), Some(ticket.as_str())));
    second.begin(&Script::new(10, 2).at(header().started_at_ms + 1_000_000)).await;
    while watching.hear().await.is_some() {}
    assert!(watching.bye.is_some_and(|bye| bye.retry_ms.is_some()), "it comes back to the channel");
    let (status, seen) = relay.get(&page).await;
    assert_eq!((status, &seen["code"]), (200, &second.welcome.raid.clone().into()), "{seen}");
    assert_eq!(relay.get(&report).await.0, 404);
    // Another account's channel ticket opens nothing here.
    let theirs = Hello { raid: RaidId(Uuid::from_u128(3)), ..seen_by(Visibility::Private) };
    let stranger = Uploader::connect_as(&relay, OTHER_KEY, theirs).await;
    let (_, stranger_ticket) = parts(&stranger.welcome.channel_url);
    let other = format!("/api/v1/live/{channel}?ticket={}", stranger_ticket.unwrap());
    assert_eq!(relay.get(&other).await.0, 404);
    relay.stop().await;
}

#[tokio::test]
async fn nothing_that_anybody_may_see_leads_to_the_uploaders_channel() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut public = Uploader::connect_as(&relay, KEY, seen_by(Visibility::Public)).await;
    let fight = Script::new(10, 2);
    let begun = public.begin(&fight).await;
    public.deltas(begun.h, &fight.deltas).await;
    public.acked(10).await;
    assert!(matches!(public.end(begun.h, &fight, Outcome::Kill).await, UplinkReply::Finalized { .. }));
    relay.pass_ms(1_000);
    let next = Hello { raid: RaidId(Uuid::from_u128(2)), ..seen_by(Visibility::Unlisted) };
    let mut unlisted = Uploader::connect_as(&relay, KEY, next).await;
    unlisted.begin(&Script::new(10, 2).at(header().started_at_ms + 1_000_000)).await;
    let (channel, _) = parts(&unlisted.welcome.channel_url);
    let (secret, raid) = (unlisted.welcome.raid.as_str(), public.welcome.raid.as_str());
    for path in [
        "/api/v1/reports".to_owned(),
        format!("/api/v1/reports/{}", begun.report),
        format!("/api/v1/reports/{}/timeline", begun.report),
        format!("/api/v1/reports/{}/details", begun.report),
        format!("/api/v1/reports/{}/recaps", begun.report),
        format!("/api/v1/raids/{raid}"),
    ] {
        let (status, answer) = relay.get(&path).await;
        assert_eq!(status, 200, "{path}");
        let text = answer.to_string();
        assert!(!text.contains(channel) && !text.contains(secret), "{path}: {text}");
    }
    let mut spectator = Spectator::join(&relay, raid, SUBPROTOCOL_JSON).await;
    let keyframe = serde_json::to_string(&spectator.hear().await.unwrap()).unwrap();
    assert!(!keyframe.contains(channel) && !keyframe.contains(secret), "{keyframe}");
    // Its own uploader, and who came by the channel, know it.
    let (_, page) = relay.get_with(&format!("/api/v1/raids/{raid}"), Some(KEY)).await;
    assert_eq!(page["channel"], channel);
    let (_, page) = relay.get(&format!("/api/v1/live/{channel}")).await;
    assert_eq!((&page["channel"], &page["code"]), (&channel.into(), &secret.into()));
    let (_, page) = relay.get_with(&format!("/api/v1/raids/{secret}"), Some(OTHER_KEY)).await;
    assert_eq!(page["channel"], serde_json::Value::Null);
    relay.stop().await;
}

/// An upload of old fights sends on what stands in a private raid: its own feed, which anybody may see, shows none of it.
#[tokio::test]
async fn a_raid_of_old_fights_shows_nothing_of_what_it_sends_for_a_private_one() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut private = Uploader::connect_as(&relay, KEY, seen_by(Visibility::Private)).await;
    let fight = Script::new(10, 2);
    let begun = private.begin(&fight).await;
    private.deltas(begun.h, &fight.deltas).await;
    private.acked(10).await;
    assert!(matches!(private.end(begun.h, &fight, Outcome::Kill).await, UplinkReply::Finalized { .. }));
    drop(private);
    let history = Hello { raid: RaidId(Uuid::from_u128(2)), history: true, ..seen_by(Visibility::Public) };
    let mut upload = Uploader::connect_as(&relay, KEY, history).await;
    let mut spectator = Spectator::join(&relay, &upload.welcome.raid, SUBPROTOCOL_JSON).await;
    let mut heard = vec![spectator.hear().await.unwrap()];
    // More of the private fight, and a fight of its own.
    let more = Script::new(15, 3);
    let again = upload.begin(&more).await;
    assert_eq!(again.report, begun.report);
    upload.deltas(again.h, &more.deltas).await;
    let UplinkReply::Rewind { h, .. } = upload.reply().await else { panic!("it is fetched from the raid") };
    upload.deltas(h, &more.deltas).await;
    loop {
        match upload.reply().await {
            UplinkReply::Ack { q: 15, .. } => break,
            UplinkReply::Ack { .. } | UplinkReply::Rewind { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    assert!(matches!(upload.end(h, &more, Outcome::Kill).await, UplinkReply::Finalized { rev: 2, .. }));
    let own = Script::new(5, 4).at(1_780_000_000_000);
    let own_begun = upload.begin(&own).await;
    upload.deltas(own_begun.h, &own.deltas).await;
    upload.acked(5).await;
    loop {
        let frame = spectator.hear().await.expect("its own fight");
        let shows_own = matches!(&frame, FeedFrame::Keyframe(shown)
            if shown.fight.as_ref().is_some_and(|fight| fight.report_id == own_begun.report));
        heard.push(frame);
        if shows_own {
            break;
        }
    }
    let heard = serde_json::to_string(&heard).unwrap();
    assert!(!heard.contains(&begun.report), "{heard}");
    relay.stop().await;
}

#[tokio::test]
async fn ids_on_the_uplink_are_bytes_for_who_speaks_version_2_and_lists_for_who_does_not() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let fight = Script::new(1, 2);
    let opening = UplinkFrame::Begin(Begin { enc: fight.enc, stream: fight.stream, header: header() });
    // What a client sends is read in both forms, whatever it speaks.
    for (newest, hello_as, frames_as) in [(1, 1, 1), (1, 2, 2), (2, 1, 2), (2, 2, 1), (9, 2, 2)] {
        let raid = RaidId(Uuid::from_u128(newest.into()));
        let hello = Hello { v: (1, newest), raid, ..hello() };
        let mut socket = uplink(&relay.url, KEY).await.unwrap();
        send_bytes(&mut socket, codec::encode_for(hello_as, &UplinkFrame::Hello(hello))).await;
        let Some(UplinkReply::Welcome(welcome)) = reply(&mut socket).await else { panic!("no welcome") };
        assert_eq!(welcome.v, newest.min(2));
        send_bytes(&mut socket, codec::encode_for(frames_as, &opening)).await;
        let bytes = raw_reply(&mut socket).await;
        let UplinkReply::Begun(begun) = codec::decode(&bytes, usize::MAX).unwrap() else { panic!("no Begun") };
        assert_eq!(begun.enc, fight.enc);
        assert_eq!(codec::encode_for(welcome.v, &UplinkReply::Begun(begun)), bytes);
        // Thrown away by the id that its client says.
        send_bytes(&mut socket, codec::encode_for(frames_as, &UplinkFrame::Discard { enc: fight.enc })).await;
        send_bytes(&mut socket, codec::encode(&UplinkFrame::Probe { clock: 1 })).await;
        assert!(matches!(reply(&mut socket).await, Some(UplinkReply::Echo { clock: 1, .. })));
    }
    relay.stop().await;
}

async fn raw_reply(socket: &mut crate::script::Socket) -> Vec<u8> {
    use futures::StreamExt as _;
    match soon("a reply", socket.next()).await {
        Some(Ok(tokio_tungstenite::tungstenite::Message::Binary(bytes))) => bytes.to_vec(),
        other => panic!("{other:?}"),
    }
}

/// Whatever the umask, and also what an earlier build has left open.
#[cfg(unix)]
#[tokio::test]
async fn a_data_folder_and_all_in_it_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;

    use crate::process::{RELAY, Run};

    let run = Run::new(std::path::Path::new("no client"));
    let data = run.path("data");
    let open_up = |left_by_an_earlier_build: &[&str]| {
        for name in left_by_an_earlier_build {
            let path = data.join(name);
            if !path.exists() {
                std::fs::write(&path, b"").unwrap();
            }
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        }
        std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o755)).unwrap();
    };
    open_up(&["relay.key", "raidcast.db.2026-11-24"]);
    for round in 0..2 {
        let mut wide_open = std::process::Command::new("sh");
        let mut relay = run.relay_under(wide_open.args(["-c", "umask 000; exec \"$0\" \"$@\"", RELAY]));
        run.ready().await;
        let mut names: Vec<_> = std::fs::read_dir(&data)
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
                assert_eq!(mode, 0o600, "{}", entry.path().display());
                entry.file_name().into_string().unwrap()
            })
            .collect();
        names.sort();
        for name in ["raidcast.db", "raidcast.db-owner", "raidcast.db-shm", "raidcast.db-wal", "relay.key"] {
            assert!(names.iter().any(|found| found == name), "{name} of {names:?}");
        }
        assert_eq!(std::fs::metadata(&data).unwrap().permissions().mode() & 0o777, 0o700, "round {round}");
        relay.kill();
        open_up(&["raidcast.db", "raidcast.db-wal", "raidcast.db-shm", "raidcast.db-owner", "relay.key"]);
    }
}

#[tokio::test]
async fn renewed_tickets_are_in_the_next_welcome_of_every_raid_of_the_account() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let hello_of = |n| Hello { raid: RaidId(Uuid::from_u128(n)), ..seen_by(Visibility::Private) };
    let first = Uploader::connect_as(&relay, KEY, hello_of(1)).await;
    relay.pass_ms(1_000);
    // The channel shows this one.
    let second = Uploader::connect_as(&relay, KEY, hello_of(2)).await;
    let renew = format!("/api/v1/raids/{}/ticket", second.welcome.raid);
    let (status, renewed) = relay.request("POST", &renew, Some(KEY)).await;
    assert_eq!(status, 200, "{renewed}");
    let links = [&renewed["raidUrl"], &renewed["channelUrl"]].map(|url| url.as_str().unwrap().to_owned());
    // The raid's own ticket has ended with no other's.
    for (n, before, raid_url) in [(1, first, None), (2, second, Some(&links[0]))] {
        assert_ne!(before.welcome.channel_url, links[1]);
        let again = Uploader::connect_as(&relay, KEY, hello_of(n)).await.welcome;
        assert_eq!(again.channel_url, links[1], "raid {n}");
        assert_eq!(&again.raid_url, raid_url.unwrap_or(&before.welcome.raid_url), "raid {n}");
        for url in [&again.channel_url, &again.raid_url] {
            let api = url.replace(&relay.url, "/api/v1");
            assert_eq!(relay.get(&api).await.0, 200, "{api}");
        }
    }
    relay.stop().await;
}

#[tokio::test]
async fn a_report_that_is_not_for_somebody_is_refused_as_one_that_never_was_and_stays_as_it_is() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect_as(&relay, KEY, seen_by(Visibility::Private)).await;
    let raid = uploader.welcome.raid.clone();
    let mut reports = Vec::new();
    for number in 0..2 {
        let fight = Script::new(10, 2).at(1_789_999_000_000 + number * 100_000);
        let begun = uploader.begin(&fight).await;
        uploader.deltas(begun.h, &fight.deltas).await;
        assert!(matches!(uploader.end(begun.h, &fight, Outcome::Kill).await, UplinkReply::Finalized { .. }));
        reports.push(begun.report);
    }
    let [private, deleted] = reports.try_into().unwrap();
    assert!(relay.request("DELETE", &format!("/api/v1/reports/{deleted}"), Some(KEY)).await.0 < 300);
    let never = "k3mvq8xw2nfe".to_owned();
    let before = relay.get_with(&format!("/api/v1/reports/{private}"), Some(crate::script::READ_KEY)).await;
    assert_eq!(before.0, 200);
    for key in [None, Some(OTHER_KEY)] {
        for (method, path) in [
            ("GET", "reports/ID"),
            ("GET", "reports/ID?from=0&to=1000"),
            ("GET", "reports/ID/timeline"),
            ("GET", "reports/ID/details"),
            ("GET", "reports/ID/recaps"),
            ("GET", "reports/ID/views"),
            ("GET", "encounters/ID"),
            ("GET", "encounters/ID?timelines=true"),
            ("GET", "reports/ID/feed?at=0"),
            ("GET", "raids/RAID/feed?report=ID&at=0"),
            ("DELETE", "reports/ID"),
        ] {
            let path = path.replace("RAID", &raid);
            let mut said = Vec::new();
            for id in [&never, &private, &deleted] {
                let path = format!("/api/v1/{}", path.replace("ID", id));
                said.push(relay.request(method, &path, key).await);
            }
            let expected = if method == "DELETE" && key.is_none() { 401 } else { 404 };
            assert!(said.iter().all(|answer| *answer == said[0] && answer.0 == expected), "{method} {path}: {said:?}");
        }
    }
    assert_eq!(relay.get_with(&format!("/api/v1/reports/{private}"), Some(crate::script::READ_KEY)).await, before);
    relay.stop().await;
}
