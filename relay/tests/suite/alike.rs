//! What is not told apart: what is there and not for who asks, what is over, and what never was. The answers are the same to
//! the letter, heads too, and where that is said the database is asked the same for them.

use std::collections::BTreeMap;

use raidcast_relay::account::RelaySecret;
use raidcast_relay::config::KeySetting;
use raidcast_shared::id::{ActorId, RaidId};
use raidcast_shared::uplink::{Hello, Outcome, UplinkReply, Visibility};
use raidcast_store::JobKind;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::people::{self, Browser, begin_pairing, poll, secret_of};
use crate::raw::becomes;
use crate::script::{KEY, OTHER_KEY, Script, TestRelay, Uploader, Whole, hello};
use crate::shaky::Shaky;
use crate::uploads::{fight as uploaded_fight, ids};

/// All that an answer tells.
type Told = (Vec<String>, String);

fn all_of(answer: &Whole) -> Told {
    let (head, body) = answer.plain();
    (head.into_iter().map(str::to_owned).collect(), body.to_owned())
}

fn all_of_page(answer: &people::Answer) -> Told {
    let (head, body) = answer.plain();
    (head.into_iter().map(str::to_owned).collect(), body.to_string())
}

async fn nothing_waits(relay: &TestRelay, kinds: &[JobKind]) {
    for kind in kinds {
        becomes("what is to be done", async || relay.store.jobs(*kind).await.unwrap().count == 0).await;
    }
}

/// The name in a channel's link.
fn channel_of(url: &str) -> String {
    let page = url.split('?').next().unwrap_or_default();
    page.rsplit('/').next().unwrap_or_default().to_owned()
}

async fn finished(uploader: &mut Uploader, fight: &Script) -> String {
    let begun = uploader.begin(fight).await;
    uploader.deltas(begun.h, &fight.deltas).await;
    assert!(matches!(uploader.end(begun.h, fight, Outcome::Kill).await, UplinkReply::Finalized { .. }));
    begun.report
}

#[tokio::test]
async fn a_foreign_report_or_raid_is_answered_with_the_words_and_the_work_of_one_that_never_was() {
    let data = tempfile::tempdir().unwrap();
    let shaky = Shaky::open(data.path()).await;
    let hidden = "a-key-of-private-uploads";
    let relay = TestRelay::start_on_store_set(data.path(), shaky.clone(), |config| {
        let (name, visibility) = ("hidden".to_owned(), Visibility::Private);
        config.keys.push(KeySetting { name, visibility, ..KeySetting::of("default", hidden) });
    })
    .await;
    let private = Hello { visibility: Visibility::Private, ..hello() };
    let mut uploader = Uploader::connect_as(&relay, KEY, private.clone()).await;
    let own = finished(&mut uploader, &Script::new(10, 2).at(1_789_999_000_000)).await;
    let deleted = finished(&mut uploader, &Script::new(10, 4).at(1_789_999_100_000)).await;
    assert_eq!(relay.request("DELETE", &format!("/api/v1/reports/{deleted}"), Some(KEY)).await.0, 200);
    let fight = Script::new(10, 2);
    let begun = uploader.begin(&fight).await;
    uploader.deltas(begun.h, &fight.deltas[..5]).await;
    uploader.acked(5).await;
    let deleted_raid = async |number: u128, key: &str| {
        let hello = Hello { raid: RaidId(Uuid::from_u128(number)), ..private.clone() };
        let welcome = Uploader::connect_as(&relay, key, hello).await.welcome;
        assert_eq!(relay.request("DELETE", &format!("/api/v1/raids/{}", welcome.raid), Some(key)).await.0, 200);
        (welcome.raid, channel_of(&welcome.channel_url))
    };
    let (gone, _) = deleted_raid(2, KEY).await;
    let (_, empty) = deleted_raid(3, OTHER_KEY).await;
    let of_upload = ids(&relay, hidden, &[uploaded_fight(7, true)]).await[0].to_string();
    nothing_waits(&relay, &[JobKind::Derive, JobKind::Erase, JobKind::Wipe]).await;
    let raid = uploader.welcome.raid.clone();
    let never = "k3mvq8xw2nfe".to_owned();
    let of_reports = [
        "GET /api/v1/reports/ID",
        "GET /api/v1/reports/ID?from=0&to=1000",
        "GET /api/v1/reports/ID/timeline",
        "GET /api/v1/reports/ID/views",
        "GET /api/v1/reports/ID/feed",
        "GET /api/v1/encounters/ID",
        "GET /api/v1/encounters/ID?timelines=true",
        "GET /reports/ID",
    ];
    let of_raids = ["GET /api/v1/raids/ID", "GET /api/v1/raids/ID/night", "GET /api/v1/raids/ID/feed", "GET /raids/ID"];
    let of_channels = ["GET /api/v1/live/ID", "GET /api/v1/live/ID/feed"];
    let (channel, nobodys) = (channel_of(&uploader.welcome.channel_url), "123456789".to_owned());
    // A ticket that is none is looked up, however it is made.
    let (as_long, short) = (format!("ticket={}", "ab".repeat(32)), "ticket=none".to_owned());
    for (key, ticket) in [(None, None), (Some(OTHER_KEY), None), (None, Some(as_long)), (None, Some(short))] {
        // An account is made when its key is first used.
        assert_eq!(relay.get_with("/api/v1/reports/nothing", key).await.0, 404);
        let reports = of_reports.map(|request| (request, vec![&never, &own, &deleted, &begun.report]));
        let raids = of_raids.map(|request| (request, vec![&never, &raid, &gone]));
        let channels = of_channels.map(|request| (request, vec![&never, &channel, &empty]));
        let numbers = [("GET /encounter/ID", vec![&nobodys, &of_upload])];
        for (request, names) in reports.into_iter().chain(raids).chain(channels).chain(numbers) {
            let mut told: Vec<(Told, BTreeMap<&str, u32>)> = Vec::new();
            for name in names {
                let (method, path) = request.split_once(' ').unwrap();
                let sign = if path.contains('?') { '&' } else { '?' };
                let ticket = ticket.as_ref().map(|ticket| format!("{sign}{ticket}")).unwrap_or_default();
                drop(shaky.calls());
                let answer = relay.whole(method, &(path.replace("ID", name) + &ticket), key, None).await;
                assert_eq!(answer.status, 404, "{request} {name} {key:?} {ticket}: {answer:?}");
                told.push((all_of(&answer), shaky.calls()));
            }
            assert!(told.iter().all(|one| *one == told[0]), "{request} {key:?}: {told:#?}");
            assert!(!told[0].1.is_empty(), "{request}: nobody was asked");
        }
    }
    // To whoever may see it, it is there.
    assert_eq!(relay.get_with(&format!("/api/v1/reports/{own}"), Some(KEY)).await.0, 200);
    relay.stop().await;
}

#[tokio::test]
async fn a_wrong_sign_in_asks_the_database_the_same_whether_the_name_is_there() {
    let data = tempfile::tempdir().unwrap();
    let shaky = Shaky::open(data.path()).await;
    let relay = TestRelay::start_on_store_set(data.path(), shaky.clone(), |config| {
        config.registration = raidcast_relay::account::Registration::Open;
        config.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    })
    .await;
    assert_eq!(Browser::at(&relay, 1).join("Ana", None).await.status, 201);
    let mut told = Vec::new();
    for (number, name) in [(2, "Ana"), (3, "Nobody"), (4, "Ana"), (5, "nobody's")] {
        drop(shaky.calls());
        let answer = Browser::at(&relay, number).sign_in(name, "wrong horse battery").await;
        assert_eq!((answer.status, answer.code()), (401, "wrong_sign_in"), "{name}");
        told.push((all_of_page(&answer), shaky.calls()));
    }
    assert!(told.iter().all(|one| *one == told[0]) && !told[0].1.is_empty(), "{told:#?}");
    relay.stop().await;
}

#[tokio::test]
async fn a_ticket_that_is_none_is_answered_as_one_that_never_was() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let night =
        |number: u128| Hello { raid: RaidId(Uuid::from_u128(number)), visibility: Visibility::Private, ..hello() };
    let mut uploader = Uploader::connect_as(&relay, KEY, night(1)).await;
    let report = finished(&mut uploader, &Script::new(10, 2)).await;
    let raid = uploader.welcome.raid.clone();
    let other = Uploader::connect_as(&relay, OTHER_KEY, night(2)).await.welcome.raid;
    let link = async |raid: &str, key: &str, form: Value| {
        let (status, made) = relay.send("POST", &format!("/api/v1/raids/{raid}/links"), Some(key), Some(&form)).await;
        assert_eq!(status, 201, "{made}");
        let secret = made["url"].as_str().unwrap().split_once("?ticket=").unwrap().1.to_owned();
        (made["link"]["id"].as_i64().unwrap(), secret)
    };
    let feed_ticket = async |secret: &str| {
        let path = format!("/api/v1/raids/{raid}/feed-ticket");
        relay.whole("POST", &path, None, Some(&json!({"ticket": secret}))).await
    };
    let (_, over) = link(&raid, KEY, json!({"days": 1})).await;
    relay.pass_ms(24 * 3_600_000);
    let ((id, revoked), (_, good)) = (link(&raid, KEY, json!({})).await, link(&raid, KEY, json!({})).await);
    assert_eq!(relay.request("DELETE", &format!("/api/v1/raids/{raid}/links/{id}"), Some(KEY)).await.0, 204);
    let (_, of_another) = link(&other, OTHER_KEY, json!({})).await;
    let never = "ab".repeat(32);
    for path in [format!("raids/{raid}"), format!("reports/{report}"), format!("raids/{raid}/feed")] {
        let mut told = Vec::new();
        for secret in [&never, &revoked, &over, &of_another] {
            let answer = relay.whole("GET", &format!("/api/v1/{path}?ticket={secret}"), None, None).await;
            assert_eq!(answer.status, 404, "{path} {secret}: {answer:?}");
            told.push(all_of(&answer));
        }
        assert!(told.iter().all(|one| *one == told[0]), "{path}: {told:#?}");
    }
    let mut told = Vec::new();
    for secret in [&never, &revoked, &over, &of_another] {
        let answer = feed_ticket(secret).await;
        assert_eq!(answer.status, 404, "{secret}: {answer:?}");
        told.push(all_of(&answer));
    }
    assert!(told.iter().all(|one| *one == told[0]), "{told:#?}");
    // Tickets for feeds: one whose time is over, one that was used, and one that was never given.
    let given = async || {
        let answer = feed_ticket(&good).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json()["ticket"].as_str().unwrap().to_owned()
    };
    let late = given().await;
    relay.pass_ms(61_000);
    let used = given().await;
    let feed = async |ticket: &str| {
        let path = format!("/api/v1/raids/{raid}/feed?ticket={ticket}");
        relay.whole("GET", &path, None, None).await
    };
    assert_eq!(feed(&used).await.status, 426, "it is good once");
    let unknown = format!("feed-{never}");
    let mut told = Vec::new();
    for ticket in [&unknown, &late, &used] {
        let answer = feed(ticket).await;
        assert_eq!(answer.status, 404, "{ticket}: {answer:?}");
        told.push(all_of(&answer));
    }
    assert!(told.iter().all(|one| *one == told[0]), "{told:#?}");
    relay.stop().await;
}

#[tokio::test]
async fn a_programs_code_that_is_over_is_answered_as_one_that_never_was() {
    let data = tempfile::tempdir().unwrap();
    let relay = people::open(data.path()).await;
    let mut ana = Browser::at(&relay, 1);
    assert_eq!(ana.join("Ana", None).await.status, 201);
    let mut program = Browser::at(&relay, 2);
    program.page = "";
    let (over, over_code) = begin_pairing(&mut program, "client_id=raidcast").await;
    relay.pass_ms(10 * 60_000);
    let (taken, taken_code) = begin_pairing(&mut program, "client_id=raidcast").await;
    let (denied, denied_code) = begin_pairing(&mut program, "client_id=raidcast").await;
    for (code, own, approve, status) in [(&taken_code, &taken, true, 200), (&denied_code, &denied, false, 400)] {
        let decided = ana.ask("POST", &format!("/api/v1/pairings/{code}"), Some(json!({"approve": approve}))).await;
        assert_eq!(decided.status, 204, "{}", decided.body);
        assert_eq!(poll(&mut program, own).await.status, status);
    }
    let never = "ab".repeat(32);
    let mut told = Vec::new();
    for own in [&never, &over, &taken, &denied] {
        let answer = poll(&mut program, own).await;
        assert_eq!((answer.status, &answer.body["error"]), (400, &json!("expired_token")), "{own}");
        told.push(all_of_page(&answer));
    }
    assert!(told.iter().all(|one| *one == told[0]), "{told:#?}");
    // And the codes that people type: ten of somebody's are looked at.
    for (method, form) in [("GET", None), ("POST", Some(json!({"approve": true})))] {
        let mut told = Vec::new();
        for code in ["BCDF-GHJK", &over_code, &taken_code, &denied_code] {
            let answer = ana.ask(method, &format!("/api/v1/pairings/{code}"), form.clone()).await;
            assert_eq!(answer.status, 404, "{method} {code}: {}", answer.body);
            told.push(all_of_page(&answer));
        }
        assert!(told.iter().all(|one| *one == told[0]), "{method}: {told:#?}");
    }
    relay.stop().await;
}

/// Whatever else is asked with it.
#[tokio::test]
async fn a_search_for_who_is_hidden_is_answered_as_one_for_who_never_was() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut ana = Browser::at(&relay, 1);
    let link = secret_of(relay.first_link().expect("nobody administrates it"));
    assert_eq!(ana.join("Ana", Some(&link)).await.status, 201);
    let mut uploader = Uploader::connect_as(&relay, KEY, hello()).await;
    finished(&mut uploader, &Script::new(40, 2)).await;
    nothing_waits(&relay, &[JobKind::Derive]).await;
    let key = |id: u64| RelaySecret::new([7; 32]).actor(ActorId::clear(id)).to_hex();
    let (hidden, nobodys) = (key(2), key(77_777));
    // The player as he is asked for, and one who never was.
    let players = [
        ("playerName=B%C3%B6reas".to_owned(), "playerName=Nobodys".to_owned()),
        ("playerName=b%C3%B6r".to_owned(), "playerName=nob".to_owned()),
        (format!("playerId={hidden}"), format!("playerId={nobodys}")),
        (format!("playerId={hidden}&playerName=B%C3%B6reas"), format!("playerId={nobodys}&playerName=Nobodys")),
    ];
    // Beside what the fight has, and what it has not.
    let filters = [
        "",
        "&bossName=Kartgriff",
        "&bossName=Nothing",
        "&sceneName=Towering%20Ruin",
        "&sceneId=1021",
        "&sceneId=1",
        "&difficulty=3",
        "&outcome=kill",
        "&outcome=wipe",
        "&dateFrom=1&dateTo=9007199254740991",
        "&durationFrom=1&durationTo=4294967295",
        "&playersFrom=1&playersTo=40",
        "&orderBy=createdAt",
        "&orderBy=duration&sort=asc",
        "&orderBy=dps",
        "&limit=1&page=1",
        "&classId=1",
        "&classId=2&classSpec=1",
    ];
    let count = |answer: &Whole| answer.json()["encounters"].as_array().map(Vec::len);
    let mut found = 0;
    for (named, _) in &players {
        for filter in filters {
            let answer = relay.whole("GET", &format!("/api/v1/encounters?{named}{filter}"), None, None).await;
            assert_eq!(answer.status, 200, "{named}{filter}: {answer:?}");
            found += count(&answer).unwrap();
        }
    }
    assert!(found >= players.len() * 10, "most of these find him while he is shown: {found}");
    let form = json!({"player": "2", "hidden": true});
    assert_eq!(ana.ask("POST", "/api/v1/opt-outs", Some(form)).await.status, 204);
    for (named, unknown) in &players {
        for filter in filters {
            let [his, nobodys] = [named, unknown].map(|who| format!("/api/v1/encounters?{who}{filter}"));
            let his = relay.whole("GET", &his, None, None).await;
            let nobodys = relay.whole("GET", &nobodys, None, None).await;
            assert_eq!((his.status, count(&his)), (200, Some(0)), "{named}{filter}: {his:?}");
            assert_eq!(all_of(&his), all_of(&nobodys), "{named}{filter}");
        }
    }
    // Others are found as before.
    let (_, others) = relay.get("/api/v1/encounters?playerName=Aeris").await;
    assert_eq!(others["encounters"].as_array().map(Vec::len), Some(1), "{others}");
    relay.stop().await;
}
