//! Encounters are found, on both databases; what is private is not, and what was found says whether it changed.

use std::path::Path;

use raidcast_relay::database::Database;
use raidcast_relay::limits::SEARCHES_WAITING_PER_ADDRESS;
use raidcast_shared::uplink::{Hello, Outcome, ReportState, UplinkReply, Visibility};
use raidcast_store::JobKind;
use serde_json::{Value, json};

use crate::encounters::{PATH, encounter};
use crate::raw::{Answer, ask, becomes};
use crate::script::{KEY, Script, TestRelay, Uploader, hello};
use crate::uploads::post;

async fn is_all_derived(relay: &TestRelay) {
    becomes("all to be derived", async || relay.store.jobs(JobKind::Derive).await.unwrap().count == 0).await;
}

/// What is answered, as a page.
async fn found(relay: &TestRelay, query: &str) -> Value {
    let (status, answer) = relay.get(&format!("/api/v1/encounters{query}")).await;
    assert_eq!(status, 200, "{query}: {answer}");
    answer
}

fn reports(page: &Value) -> Vec<String> {
    let of = |line: &Value| line["reportId"].as_str().unwrap().to_owned();
    page["encounters"].as_array().unwrap().iter().map(of).collect()
}

async fn send(relay: &TestRelay, query: &str, body: &Value) -> (u16, Value) {
    let answer = post(relay, &format!("{PATH}{query}"), KEY, &[], body.to_string().as_bytes()).await;
    (answer.status, serde_json::from_str(&answer.body).unwrap_or_else(|_| panic!("{answer:?}")))
}

/// Uploads a fight of these players against a boss, and gives its report.
async fn upload(relay: &TestRelay, at_s: i64, boss: &str, players: &[&str], visibility: &str) -> String {
    let player = |(at, name): (usize, &&str)| {
        json!({"actorId": 1_000 + name.len() * 7 + name.chars().map(|c| c as usize).sum::<usize>(), "name": name,
               "classId": 1 + at, "damageDealt": 100 * (at + 1), "damageSkills": [
                   {"skillId": 1, "totalValue": 100 * (at + 1), "hits": 1}]})
    };
    let body = json!({
        "encounterId": at_s, "startedAtMs": 1_790_000_000_000_i64 + at_s * 1_000,
        "endedAtMs": 1_790_000_000_000_i64 + at_s * 1_000 + 10_000 * (at_s + 1), "durationMs": 10_000 * (at_s + 1),
        "bosses": [{"name": boss, "totalDamage": 1, "hits": 1}],
        "players": players.iter().enumerate().map(player).collect::<Vec<_>>(),
        "sceneName": "Tower of Ruin", "sceneId": 7,
    });
    let (status, answer) = send(relay, &format!("?visibility={visibility}"), &body).await;
    assert_eq!(status, 201, "{answer}");
    answer["reportId"].as_str().unwrap().to_owned()
}

async fn encounters_are_found(data: &Path, database: &Database) {
    let relay = TestRelay::start_on(data, Some(database.clone())).await;
    assert_eq!(reports(&found(&relay, "").await), Vec::<String>::new());
    let first = upload(&relay, 0, "Tempest Ogre", &["Anna", "张三"], "public").await;
    let second = upload(&relay, 5, "Frost Ogre", &["Annabel", "Igor", "李四"], "public").await;
    let third = upload(&relay, 2, "巨龙", &["Igor"], "public").await;
    let hidden = upload(&relay, 9, "Frost Ogre", &["Anna"], "private").await;
    let link = upload(&relay, 8, "Frost Ogre", &["Anna"], "unlisted").await;
    is_all_derived(&relay).await;
    let (report, all) = (relay.report(&second).await, [&second, &third, &first]);
    let key = report.fight.players.iter().find(|player| player.name.as_deref() == Some("Igor")).unwrap();
    let by_key = format!("?playerId={}", key.player_key);
    for (query, expected) in [
        ("", &all[..]),
        ("?sort=asc", &[&first, &third, &second]),
        ("?orderBy=duration&sort=desc", &all),
        ("?orderBy=dps", &[&first, &second, &third]),
        ("?orderBy=createdAt&sort=asc", &[&first, &second, &third]),
        ("?playerName=ann", &[&second, &first]),
        ("?playerName=%E5%BC%A0%E4%B8%89", &[&first]),
        ("?playerName=%E4%B8%89", &[]),
        ("?playerName=igorr", &[&second, &third]),
        ("?bossName=ogre", &[&second, &first]),
        ("?bossName=tempset%20ogre", &[&first]),
        ("?bossName=%E5%B7%A8%E9%BE%99", &[&third]),
        (by_key.as_str(), &[&second, &third]),
        ("?classId=3", &[&second]),
        ("?playerName=igor&classId=2", &[&second]),
        ("?playerName=igor&classId=1", &[&third]),
        ("?sceneName=TOWER%20of%20ruin", &all),
        ("?sceneName=tower", &[]),
        ("?sceneId=7&outcome=unknown", &all),
        ("?sceneId=8", &[]),
        ("?difficulty=1", &[]),
        ("?dateFrom=1790000001000&dateTo=1790000002000", &[&third]),
        ("?durationFrom=20000&durationTo=40000", &[&third]),
        ("?playersFrom=2&playersTo=2", &[&first]),
        ("?limit=1&page=2", &[&third]),
        ("?page=9", &[]),
    ] {
        let page = found(&relay, query).await;
        assert_eq!(reports(&page), expected.iter().map(ToString::to_string).collect::<Vec<_>>(), "{query}");
    }
    let page = found(&relay, "?limit=2").await;
    let pagination = &page["pagination"];
    assert_eq!(
        (&pagination["total"], &pagination["totalPages"], &pagination["page"], &pagination["totalIsAtLeast"]),
        (&json!(3), &json!(2), &json!(1), &json!(false))
    );
    let next = pagination["next"].as_str().unwrap();
    let rest = found(&relay, &format!("?limit=2&cursor={next}")).await;
    assert_eq!((reports(&rest), &rest["pagination"]["next"]), (vec![first.clone()], &Value::Null));
    assert_eq!(rest["pagination"]["total"], Value::Null);
    // The same place of another question is none.
    for bad in [format!("?sort=asc&cursor={next}"), format!("?cursor={next}0"), "?cursor=".to_owned()] {
        assert_eq!(relay.get(&format!("/api/v1/encounters{bad}")).await.0, 400, "{bad}");
    }
    let (_, whole) = relay.get(&format!("/api/v1/encounters/{second}")).await;
    assert_eq!((&whole["reportId"], &whole["players"][0]["damageDealt"]), (&json!(second), &json!(300)));
    for report in [&hidden, &link] {
        let status = relay.get(&format!("/api/v1/encounters/{report}")).await.0;
        assert_eq!(status, if report == &hidden { 404 } else { 200 });
        assert_eq!(relay.get_with(&format!("/api/v1/encounters/{report}"), Some(KEY)).await.0, 200);
    }
    relay.stop().await;

    // An older relay's data lack all of it: this one derives it by itself.
    let store = database.open().await.unwrap();
    assert_eq!(store.derive_again().await.unwrap(), 5);
    store.close().await.unwrap();
    let relay = TestRelay::start_on(data, Some(database.clone())).await;
    is_all_derived(&relay).await;
    assert_eq!(reports(&found(&relay, "").await), [second, third, first]);
    relay.stop().await;
}

#[tokio::test]
async fn encounters_are_found_by_what_is_in_them() {
    let data = tempfile::tempdir().unwrap();
    encounters_are_found(data.path(), &Database::in_folder(data.path())).await;
}

#[cfg(all(unix, feature = "postgres"))]
#[tokio::test]
async fn encounters_are_found_by_what_is_in_them_on_postgresql() {
    let Some(cluster) = raidcast_pgkit::shared() else { return };
    let data = tempfile::tempdir().unwrap();
    encounters_are_found(data.path(), &Database::Postgres(crate::migrated::database(cluster))).await;
}

#[tokio::test]
async fn a_fight_is_found_when_it_has_ended_and_as_long_as_its_raid_is_public() {
    use Visibility::{Private, Public, Unlisted};
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let seen_by = |visibility| Hello { visibility, ..hello() };
    let mut uploader = Uploader::connect_as(&relay, KEY, seen_by(Public)).await;
    let fight = Script::new(10, 2);
    let begun = uploader.begin(&fight).await;
    uploader.deltas(begun.h, &fight.deltas).await;
    uploader.acked(10).await;
    assert_eq!(reports(&found(&relay, "").await), Vec::<String>::new(), "it goes on");
    let ended = uploader.end(begun.h, &fight, Outcome::Kill).await;
    assert!(matches!(ended, UplinkReply::Finalized { state: ReportState::Final, .. }), "{ended:?}");
    is_all_derived(&relay).await;
    drop(uploader);
    for visibility in [Public, Unlisted, Public, Private, Public] {
        let connected = Uploader::connect_as(&relay, KEY, seen_by(visibility)).await;
        for _ in 0..2 {
            let listed = reports(&found(&relay, "?outcome=kill").await);
            assert_eq!(listed.len(), usize::from(visibility == Public), "{visibility:?}");
        }
        drop(connected);
    }
    // Whoever has the key finds no more of it.
    let uploader = Uploader::connect_as(&relay, KEY, seen_by(Private)).await;
    let (_, page) = relay.get_with("/api/v1/encounters", Some(KEY)).await;
    assert_eq!(reports(&page), Vec::<String>::new());
    drop(uploader);
    relay.stop().await;
}

#[tokio::test]
async fn what_is_asked_wrongly_is_told_so_in_the_shape_of_all_errors() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let long = format!("playerName={}", "x".repeat(65));
    for (query, says) in [
        ("nothing=1", "nothing"),
        ("page=1&page=2", "page"),
        ("playerName=a&playerName=b", "playerName"),
        ("player_name=a", "player_name"),
        ("playerName=", "playerName"),
        ("bossName=%20%20", "bossName"),
        (long.as_str(), "64 characters"),
        ("playerId=%27", "playerId"),
        ("classId=-1", "classId"),
        ("classId=65536", "classId"),
        ("sceneId=x", "sceneId"),
        ("outcome=won", "kill, wipe"),
        ("orderBy=dps;", "startedAt"),
        ("sort=up", "desc, asc"),
        ("dateFrom=-1", "dateFrom"),
        ("dateFrom=9007199254740992", "dateFrom"),
        ("dateFrom=2&dateTo=1", "dateTo"),
        ("playersFrom=3&playersTo=2", "playersTo"),
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("page=0", "page"),
        ("page=41", "cursor"),
        ("page=4294967295&limit=100", "cursor"),
        ("page=2&cursor=00", "not both"),
        ("cursor=00", "cursor"),
        ("cursor=%ff", "cursor"),
    ] {
        let (status, answer) = relay.get(&format!("/api/v1/encounters?{query}")).await;
        assert_eq!((status, &answer["code"]), (400, &json!("bad_request")), "{query}");
        assert!(answer["message"].as_str().unwrap().contains(says), "{query}: {answer}");
    }
    assert_eq!(relay.get("/api/v1/encounters?page=40").await.0, 200);
    for query in ["?timelines=1", "?timelines=true&timelines=true", "?hits=true"] {
        assert_eq!(relay.get(&format!("/api/v1/encounters/nothing{query}")).await.0, 400, "{query}");
    }
    assert_eq!(relay.get("/api/v1/encounters/nothing").await.0, 404);
    relay.stop().await;
}

/// The figures of a fight in the form of uploads are its report's, and its timelines add up to them.
#[tokio::test]
async fn an_encounter_is_read_in_the_form_in_which_it_is_uploaded() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let (status, answer) = send(&relay, "", &encounter(1_001, true)).await;
    assert_eq!(status, 201, "{answer}");
    let report = relay.report(answer["reportId"].as_str().unwrap()).await;
    let path = format!("/api/v1/encounters/{}", report.report_id);
    let (_, plain) = relay.get(&path).await;
    let (_, timed) = relay.get(&format!("{path}?timelines=true")).await;
    assert_eq!(plain["timelineHitsLeftOut"], Value::Null);
    assert_eq!(timed["timelineHitsLeftOut"], 0);
    let mut hits = 0;
    for whole in [&plain, &timed] {
        assert_eq!(whole["schemaVersion"], 1);
        assert_eq!(whole["totalDamage"], report.fight.totals.damage);
        let players = whole["players"].as_array().unwrap();
        assert_eq!(players.len(), report.fight.players.len());
        for (shown, player) in players.iter().zip(&report.fight.players) {
            assert_eq!(shown["actorId"], player.player_key);
            assert_eq!((&shown["damageDealt"], &shown["healDealt"]), (&json!(player.damage), &json!(player.healing)));
            for skill in shown["damageSkills"].as_array().unwrap().iter().chain(shown["healSkills"].as_array().unwrap())
            {
                let Some(timeline) = skill["timeline"].as_array() else { continue };
                hits += timeline.len() as u64;
                let sum: u64 = timeline.iter().map(|hit| hit["value"].as_u64().unwrap()).sum();
                assert!(sum <= skill["totalValue"].as_u64().unwrap(), "{skill}");
                assert!(timeline.is_sorted_by_key(|hit| hit["timestampMs"].as_u64()));
            }
        }
    }
    assert!(hits > 0);
    let (status, answer) = send(&relay, "", &encounter(1_002, false)).await;
    assert_eq!(status, 201, "{answer}");
    let untimed = answer["reportId"].as_str().unwrap();
    let (status, answer) = relay.get(&format!("/api/v1/encounters/{untimed}?timelines=true")).await;
    assert_eq!((status, &answer["code"]), (409, &json!("no_times")));
    relay.stop().await;
}

async fn get(relay: &TestRelay, path: &str, lines: &[&str]) -> Answer {
    ask(relay, &format!("GET {path}"), lines).await
}

#[tokio::test]
async fn who_has_an_answer_is_told_that_it_is_still_the_same() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let first = upload(&relay, 0, "Tempest Ogre", &["Anna"], "public").await;
    is_all_derived(&relay).await;
    let list = "/api/v1/encounters".to_owned();
    let paths = [list.clone(), format!("{list}/{first}"), format!("/api/v1/reports/{first}"), "/api/v1/reports".into()];
    let mut names = Vec::new();
    for path in &paths {
        let answer = get(&relay, path, &[]).await;
        assert_eq!((answer.status, answer.header("x-api-version")), (200, Some("1")), "{path}");
        assert_eq!(answer.header("cache-control"), Some("private, no-cache"));
        // The test's own reading makes small letters of it.
        let name = answer.header("etag").expect("a name").replacen("w/", "W/", 1);
        let small = name.to_ascii_lowercase();
        for (asked, status) in [(name.as_str(), 304), ("*", 304), ("\"x\"", 200)] {
            let again = get(&relay, path, &[&format!("If-None-Match: {asked}")]).await;
            assert_eq!((again.status, again.header("etag")), (status, Some(small.as_str())), "{path} {asked}");
            assert_eq!(again.header("access-control-allow-origin"), Some("*"));
        }
        let brotli = get(&relay, path, &["Accept-Encoding: br", "If-None-Match: \"a\", \"b\""]).await;
        assert_eq!(brotli.header("etag"), Some(small.as_str()));
        names.push(name);
    }
    // The same question is looked up again only where something changed.
    let second = upload(&relay, 1, "Frost Ogre", &["Anna"], "public").await;
    is_all_derived(&relay).await;
    let changed = get(&relay, &list, &[&format!("If-None-Match: {}", names[0])]).await;
    assert_eq!(changed.status, 200);
    assert_eq!(reports(&found(&relay, "").await), [second, first]);
    relay.stop().await;
}

#[tokio::test]
async fn many_who_ask_at_once_are_answered_or_told_to_come_back() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    upload(&relay, 0, "Tempest Ogre", &["Anna"], "public").await;
    is_all_derived(&relay).await;
    let asked = (0..SEARCHES_WAITING_PER_ADDRESS + 8).map(|at| {
        let relay = &relay;
        async move { relay.get(&format!("/api/v1/encounters?playerName=anna&dateFrom={at}")).await }
    });
    for (status, answer) in futures::future::join_all(asked).await {
        assert!(matches!(status, 200 | 503 | 429), "{answer}");
    }
    relay.stop().await;
}

#[tokio::test]
async fn pages_of_sites_that_are_not_listed_read_nothing() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start_set(data.path(), |config| {
        config.cors_origins = raidcast_relay::cors::Origins::listed(&["https://stats.example".to_owned()]).unwrap();
    })
    .await;
    for (origin, allowed) in [("https://stats.example", Some("https://stats.example")), ("https://other.example", None)]
    {
        for path in ["/api/v1/encounters", "/api/v1/reports/nothing", "/api/v1/reports"] {
            let answer = get(&relay, path, &[&format!("Origin: {origin}")]).await;
            assert_eq!(answer.header("access-control-allow-origin"), allowed, "{path} {origin}");
            assert!(answer.header("vary").is_some());
        }
        let lines = [&*format!("Origin: {origin}"), "Access-Control-Request-Method: GET"];
        let preflight = ask(&relay, "OPTIONS /api/v1/encounters", &lines).await;
        assert_eq!((preflight.status, preflight.header("access-control-allow-origin")), (204, allowed));
        assert_eq!(preflight.header("access-control-allow-methods"), Some("get"));
        // Browsers send a POST whatever methods are allowed: no key goes with it.
        for (method, may_send) in [("GET", allowed.is_some()), ("POST", false), ("PATCH", false)] {
            let lines = [format!("Origin: {origin}"), format!("Access-Control-Request-Method: {method}")];
            let lines: Vec<_> = lines.iter().map(String::as_str).collect();
            let answer = ask(&relay, "OPTIONS /api/v1/encounters", &lines).await;
            let headers = answer.header("access-control-allow-headers").unwrap_or_default();
            assert_eq!(headers.contains("x-api-key"), may_send, "{origin} {method}: {headers}");
        }
    }
    relay.stop().await;
}
