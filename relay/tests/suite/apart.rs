//! Who may see a raid while it is live, and who its reports: each by itself, and changed at any time.

use raidcast_shared::account::Audited;
use raidcast_shared::feed::{FeedFrame, SUBPROTOCOL_JSON};
use raidcast_shared::id::RaidId;
use raidcast_shared::uplink::{Hello, NamesPolicy, Outcome, UplinkReply, Visibility};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::encounters::{PATH, encounter};
use crate::people::{self, Browser};
use crate::script::{KEY, OTHER_KEY, Script, Spectator, TestRelay, UPLOAD_KEY, Uploader, hello};
use crate::shaky::Shaky;
use crate::uploads::post;

use Visibility::{Private, Public, Unlisted};

fn seen_by(live: Visibility, reports: Option<Visibility>) -> Hello {
    Hello { visibility: live, report_visibility: reports, ..hello() }
}

/// A fight of a raid that has ended, and one that goes on, of twenty deltas.
async fn evening(relay: &TestRelay, hello: Hello) -> (Uploader, [String; 2]) {
    let mut uploader = Uploader::connect_as(relay, KEY, hello).await;
    let ended = Script::new(10, 2);
    let begun = uploader.begin(&ended).await;
    uploader.deltas(begun.h, &ended.deltas).await;
    uploader.acked(10).await;
    assert!(matches!(uploader.end(begun.h, &ended, Outcome::Kill).await, UplinkReply::Finalized { .. }));
    let goes_on = Script::new(20, 3).at(1_790_000_100_000);
    let live = uploader.begin(&goes_on).await;
    uploader.deltas(live.h, &goes_on.deltas).await;
    uploader.acked(20).await;
    (uploader, [begun.report, live.report])
}

async fn show(relay: &TestRelay, raid: &str, form: Value) -> Value {
    let (status, shown) = relay.send("PATCH", &format!("/api/v1/raids/{raid}"), Some(KEY), Some(&form)).await;
    assert_eq!(status, 200, "{shown}");
    shown
}

/// The statuses of what anybody asks: the raid, its ended fight, its live one, their parts; and the reports in its list.
async fn seen(relay: &TestRelay, raid: &str, [ended, live]: &[String; 2]) -> ([u16; 5], Vec<String>) {
    let ids = |list: &Value| -> Vec<String> {
        let reports = list["reports"].as_array().cloned().unwrap_or_default();
        reports.iter().map(|line| line["reportId"].as_str().unwrap().to_owned()).collect()
    };
    let (page, list) = relay.get(&format!("/api/v1/raids/{raid}")).await;
    let mut statuses = [page, 0, 0, 0, 0];
    for (status, path) in statuses[1..].iter_mut().zip([
        format!("/api/v1/reports/{ended}"),
        format!("/api/v1/reports/{ended}/timeline"),
        format!("/api/v1/reports/{ended}?from=100&to=900"),
        format!("/api/v1/reports/{live}"),
    ]) {
        *status = relay.get(&path).await.0;
    }
    (statuses, ids(&list))
}

#[tokio::test]
async fn what_is_live_and_reports_are_shown_each_to_its_own() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let (uploader, reports) = evening(&relay, seen_by(Private, None)).await;
    let raid = uploader.welcome.raid.clone();
    let [ended, live] = reports.clone();
    let both = vec![live.clone(), ended.clone()];
    let public = async || {
        let (_, list) = relay.get("/api/v1/reports").await;
        let reports = list["reports"].as_array().unwrap();
        let codes: Vec<_> = reports.iter().map(|line| line["raid"].as_str().unwrap().to_owned()).collect();
        (list["pagination"]["total"].as_u64().unwrap(), codes)
    };
    assert_eq!(seen(&relay, &raid, &reports).await, ([404; 5], vec![]));
    // The night stays secret, what became of it does not, and leads nobody to the raid.
    let shown = show(&relay, &raid, json!({"reportVisibility": "public"})).await;
    let with = |seen_by: Value| json!({"names": "full", "delayS": 0, "visibility": seen_by[0], "reportVisibility": seen_by[1]});
    assert_eq!(shown, with(json!(["private", "public"])));
    assert_eq!(seen(&relay, &raid, &reports).await, ([404, 200, 200, 200, 404], vec![]));
    assert_eq!(public().await, (1, vec![String::new()]));
    let (_, report) = relay.get(&format!("/api/v1/reports/{ended}")).await;
    assert_eq!((&report["raid"], &report["visibility"]), (&"".into(), &"public".into()));
    let feed = format!("{}/api/v1/reports/{ended}/feed?speed=0", relay.url);
    let mut again = Spectator::join_at(&feed, SUBPROTOCOL_JSON).await;
    let Some(FeedFrame::Keyframe(keyframe)) = again.hear().await else { panic!("a keyframe") };
    assert_eq!((keyframe.raid.code.as_str(), keyframe.raid.title.is_none()), ("", true));
    assert_eq!(keyframe.fight.map(|fight| fight.report_id), Some(ended.clone()));
    // Its uploader knows.
    let (_, report) = relay.get_with(&format!("/api/v1/reports/{ended}"), Some(KEY)).await;
    assert_eq!(report["raid"], raid);
    // An unlisted raid is not found by its public reports either.
    show(&relay, &raid, json!({"visibility": "unlisted"})).await;
    assert_eq!(seen(&relay, &raid, &reports).await, ([200; 5], both.clone()));
    assert_eq!(public().await, (1, vec![String::new()]));
    // Everybody watches, and reports are for members alone.
    show(&relay, &raid, json!({"visibility": "public", "reportVisibility": "private"})).await;
    assert_eq!(seen(&relay, &raid, &reports).await, ([200, 404, 404, 404, 404], vec![live.clone()]));
    assert_eq!(public().await, (0, vec![]));
    let (_, list) = relay.get_with(&format!("/api/v1/raids/{raid}"), Some(KEY)).await;
    assert_eq!(list["reports"].as_array().unwrap().len(), 2);
    // As one again.
    let shown = show(&relay, &raid, json!({"reportVisibility": "live"})).await;
    assert_eq!(shown, with(json!(["public", null])));
    assert_eq!(seen(&relay, &raid, &reports).await, ([200; 5], both));
    assert_eq!(public().await, (2, vec![raid.clone(), raid.clone()]));
    drop(uploader);
    relay.stop().await;
}

/// How many fights the next keyframe lists. Events may come before it.
async fn listed(spectator: &mut Spectator) -> usize {
    loop {
        if let FeedFrame::Keyframe(keyframe) = spectator.hear().await.expect("a keyframe") {
            return keyframe.raid.fights.len();
        }
    }
}

#[tokio::test]
async fn a_change_in_mid_fight_is_in_force_with_the_next_byte() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let (mut uploader, [ended, _]) = evening(&relay, seen_by(Unlisted, None)).await;
    let raid = uploader.welcome.raid.clone();
    let join = async |rest: &str| {
        let url = format!("{}/api/v1/raids/{raid}/feed{rest}", relay.url);
        let mut spectator = Spectator::join_at(&url, SUBPROTOCOL_JSON).await;
        let fights = listed(&mut spectator).await;
        (spectator, fights)
    };
    let (mut watching, first) = join("").await;
    assert_eq!(first, 2);
    let (mut playing, _) = join(&format!("?report={ended}&speed=0.25")).await;
    // Reports alone: who watches comes back to a list without them, who has one played does not.
    show(&relay, &raid, json!({"reportVisibility": "private"})).await;
    while watching.hear().await.is_some() {}
    assert!(watching.bye.as_ref().is_some_and(|bye| bye.retry_ms.is_some()), "{:?}", watching.bye);
    while playing.hear().await.is_some() {}
    assert!(playing.bye.as_ref().is_some_and(|bye| bye.retry_ms.is_none()), "{:?}", playing.bye);
    let (mut watching, first) = join("").await;
    assert_eq!(first, 1);
    // A member sees both.
    let feed = format!("{}/api/v1/raids/{raid}/feed", relay.url);
    let mut member = Spectator::join_as(&feed, SUBPROTOCOL_JSON, Some(KEY)).await;
    assert_eq!(listed(&mut member).await, 2);
    // What is live: who may not see it is let go, and its uploader goes on.
    show(&relay, &raid, json!({"visibility": "private", "reportVisibility": "public"})).await;
    while watching.hear().await.is_some() {}
    assert!(watching.bye.as_ref().is_some_and(|bye| bye.retry_ms.is_none()), "{:?}", watching.bye);
    let next = Script::new(5, 4).at(1_790_000_200_000);
    let begun = uploader.begin(&next).await;
    uploader.deltas(begun.h, &next.deltas).await;
    uploader.acked(5).await;
    assert!(matches!(uploader.end(begun.h, &next, Outcome::Wipe).await, UplinkReply::Finalized { .. }));
    assert_eq!(relay.get(&format!("/api/v1/reports/{}", begun.report)).await.0, 200, "it has ended");
    relay.stop().await;
}

#[tokio::test]
async fn what_was_set_stays_until_the_client_says_something_else() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let uploader = Uploader::connect_as(&relay, KEY, seen_by(Unlisted, None)).await;
    let raid = uploader.welcome.raid.clone();
    let is = async |relay: &TestRelay, live: Visibility, reports: Option<Visibility>| {
        let row = relay.store.raid_by_code(&raid).await.unwrap().unwrap();
        assert_eq!((row.visibility, row.report_visibility), (live, reports));
    };
    show(&relay, &raid, json!({"visibility": "private"})).await;
    show(&relay, &raid, json!({"reportVisibility": "unlisted"})).await;
    is(&relay, Private, Some(Unlisted)).await;
    // It connects again as it is set up, also after a restart.
    let again = Uploader::connect_as(&relay, KEY, seen_by(Unlisted, None)).await;
    assert!(again.welcome.raid_url.contains("?ticket="));
    is(&relay, Private, Some(Unlisted)).await;
    drop((uploader, again));
    let relay = relay.restart().await;
    let _again = Uploader::connect_as(&relay, KEY, seen_by(Unlisted, None)).await;
    is(&relay, Private, Some(Unlisted)).await;
    // It is set up otherwise.
    let _again = Uploader::connect_as(&relay, KEY, seen_by(Public, Some(Private))).await;
    is(&relay, Public, Some(Private)).await;
    let _again = Uploader::connect_as(&relay, KEY, seen_by(Unlisted, None)).await;
    is(&relay, Unlisted, None).await;
    // Other words for the same are something else, too: so a client asks once more for what it asked for.
    show(&relay, &raid, json!({"visibility": "public"})).await;
    let _again = Uploader::connect_as(&relay, KEY, seen_by(Unlisted, None)).await;
    is(&relay, Public, None).await;
    let _again = Uploader::connect_as(&relay, KEY, seen_by(Unlisted, Some(Unlisted))).await;
    is(&relay, Unlisted, Some(Unlisted)).await;
    // A new raid is as its client says from the start.
    let next = Hello { raid: RaidId(Uuid::from_u128(2)), ..seen_by(Private, Some(Public)) };
    let other = Uploader::connect_as(&relay, KEY, next).await;
    let row = relay.store.raid_by_code(&other.welcome.raid).await.unwrap().unwrap();
    assert_eq!((row.visibility, row.report_visibility, row.said), (Private, Some(Public), None));
    relay.stop().await;
}

#[tokio::test]
async fn names_and_delay_are_changed_at_any_time_and_what_was_set_stays() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let (uploader, [ended, _]) = evening(&relay, seen_by(Unlisted, None)).await;
    let raid = uploader.welcome.raid.clone();
    let path = format!("/api/v1/reports/{ended}");
    let seen = async |relay: &TestRelay| {
        let ((_, report), (_, page)) = (relay.get(&path).await, relay.get(&format!("/api/v1/raids/{raid}")).await);
        (report.to_string().contains("Aeris"), page["delayS"].as_u64())
    };
    let is = async |relay: &TestRelay, names: NamesPolicy, delay_s: u32, connected: &Uploader| {
        let row = relay.store.raid_by_code(&raid).await.unwrap().unwrap();
        assert_eq!((row.names, row.delay.ms), (names, i64::from(delay_s) * 1_000));
        // Its client is told what is in force, whatever it asked for.
        assert_eq!((connected.welcome.names, connected.welcome.delay_s), (Some(names), Some(delay_s)));
    };
    assert_eq!(seen(&relay).await, (true, Some(0)));
    let shown = show(&relay, &raid, json!({"names": "class", "delayS": 60})).await;
    let now = json!({"visibility": "unlisted", "reportVisibility": null, "names": "class", "delayS": 60});
    assert_eq!((shown, seen(&relay).await), (now, (false, Some(60))));
    // It connects again as it is set up, also where the relay knows no more what it said before.
    let says = |names, delay_s| Hello { names, delay_s, ..seen_by(Unlisted, None) };
    let again = Uploader::connect_as(&relay, KEY, says(NamesPolicy::Full, 0)).await;
    is(&relay, NamesPolicy::Class, 60, &again).await;
    drop((uploader, again));
    let relay = relay.restart().await;
    let again = Uploader::connect_as(&relay, KEY, says(NamesPolicy::Full, 0)).await;
    is(&relay, NamesPolicy::Class, 60, &again).await;
    // It is set up otherwise: each by itself.
    let more = Uploader::connect_as(&relay, KEY, says(NamesPolicy::Hidden, 0)).await;
    is(&relay, NamesPolicy::Hidden, 60, &more).await;
    let last = Uploader::connect_as(&relay, KEY, says(NamesPolicy::Hidden, 10)).await;
    is(&relay, NamesPolicy::Hidden, 10, &last).await;
    // By hand, all of it is shown again, and at once.
    show(&relay, &raid, json!({"names": "full", "delayS": 0})).await;
    assert_eq!(seen(&relay).await, (true, Some(0)));
    let once_more = Uploader::connect_as(&relay, KEY, says(NamesPolicy::Hidden, 10)).await;
    is(&relay, NamesPolicy::Full, 0, &once_more).await;
    drop((again, more, last, once_more));
    relay.stop().await;
}

#[tokio::test]
async fn who_manages_a_raid_says_who_sees_it_and_nobody_else() {
    let data = tempfile::tempdir().unwrap();
    let relay = people::open(data.path()).await;
    let uploader = Uploader::connect_as(&relay, KEY, seen_by(Unlisted, None)).await;
    let raid = format!("/api/v1/raids/{}", uploader.welcome.raid);
    let form = json!({"visibility": "public"});
    for (key, status) in [(None, 401), (Some("nobody's key"), 401), (Some(UPLOAD_KEY), 403), (Some(OTHER_KEY), 404)] {
        assert_eq!(relay.send("PATCH", &raid, key, Some(&form)).await.0, status, "{key:?}");
    }
    for wrong in [
        json!({"visibility": "live"}),
        json!({"reportVisibility": "secret"}),
        json!({"names": "some"}),
        json!({"delayS": 601}),
        json!({"delayS": -1}),
        json!({"title": "x"}),
    ] {
        assert_eq!(relay.send("PATCH", &raid, Some(KEY), Some(&wrong)).await.0, 400, "{wrong}");
    }
    assert_eq!(relay.get(&raid).await.1["visibility"], "unlisted");
    let mut ana = Browser::at(&relay, 1);
    ana.join("Ana", None).await;
    let (_, key) = ana.make_key(&["upload"], None).await;
    let hers = Hello { raid: RaidId(Uuid::from_u128(2)), ..seen_by(Private, None) };
    let hers = Uploader::connect_as(&relay, &key, hers).await;
    // The link that her client shows, she replaces there, too.
    let renew = format!("/api/v1/raids/{}/ticket", hers.welcome.raid);
    let ticket = async |by: &mut Browser| {
        let renewed = by.ask("POST", &renew, None).await;
        assert_eq!(renewed.status, 200, "{}", renewed.body);
        renewed.body["raidUrl"].as_str().unwrap().to_owned()
    };
    let (first, second) = (ticket(&mut ana).await, ticket(&mut ana).await);
    assert!(first.contains("?ticket=") && first != second, "{first} {second}");
    assert_eq!(ana.ask("POST", &format!("{raid}/ticket"), None).await.status, 404);
    let shown = ana.ask("PATCH", &format!("/api/v1/raids/{}", hers.welcome.raid), Some(form.clone())).await;
    assert_eq!((shown.status, &shown.body["visibility"]), (200, &"public".into()));
    assert_eq!(ana.ask("PATCH", &raid, Some(form.clone())).await.status, 404);
    let raids = ana.get("/api/v1/me/raids").await.body;
    assert_eq!(raids["raids"][0]["visibility"], "public");
    ana.page = "Sec-Fetch-Site: cross-site\r\n";
    assert_eq!(ana.ask("POST", &renew, None).await.code(), "foreign_page");
    assert_eq!(
        ana.ask("PATCH", &format!("/api/v1/raids/{}", hers.welcome.raid), Some(form)).await.code(),
        "foreign_page"
    );
    relay.stop().await;
}

#[tokio::test]
async fn what_the_store_does_not_keep_has_not_changed() {
    let data = tempfile::tempdir().unwrap();
    let shaky = Shaky::open(data.path()).await;
    let relay = TestRelay::start_on_store(data.path(), shaky.clone()).await;
    let uploader = Uploader::connect_as(&relay, KEY, seen_by(Unlisted, None)).await;
    let raid = uploader.welcome.raid.clone();
    shaky.faults.writes.store(1, std::sync::atomic::Ordering::SeqCst);
    let path = format!("/api/v1/raids/{raid}");
    let (status, refused) = relay.send("PATCH", &path, Some(KEY), Some(&json!({"visibility": "private"}))).await;
    assert_eq!((status, &refused["code"]), (503, &"unavailable".into()), "{refused}");
    assert_eq!(relay.get(&path).await.0, 200);
    show(&relay, &raid, json!({"visibility": "private"})).await;
    assert_eq!(relay.get(&path).await.0, 404);
    relay.stop().await;
}

/// Its end is told as late as all else, and until then it goes on for those who are behind.
#[tokio::test]
async fn a_fight_whose_end_has_not_come_is_not_for_who_may_see_reports_alone() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let late = |live, reports| Hello { delay_s: 60, ..seen_by(live, reports) };
    let (uploader, reports) = evening(&relay, late(Private, Some(Public))).await;
    let (raid, [ended, live]) = (uploader.welcome.raid.clone(), reports.clone());
    let listed = async || relay.get("/api/v1/reports").await.1;
    let count = |list: &Value| (list["pagination"]["total"].as_u64(), list["reports"].as_array().map(Vec::len));
    for _ in 0..2 {
        assert_eq!(seen(&relay, &raid, &reports).await, ([404; 5], vec![]));
        assert_eq!(count(&listed().await), (Some(0), Some(0)));
        assert_eq!(relay.get("/api/v1/encounters").await.1["encounters"].as_array().map(Vec::len), Some(0));
        let feed = format!("/api/v1/reports/{ended}/feed?speed=0");
        assert_eq!(relay.get(&feed).await.0, 404);
        // It has begun, and come, by then.
        relay.pass_ms(29_000);
    }
    let (_, own) = relay.get_with(&format!("/api/v1/reports/{ended}"), Some(KEY)).await;
    assert_eq!(own["state"], "final");
    relay.pass_ms(5_000);
    assert_eq!(seen(&relay, &raid, &reports).await, ([404, 200, 200, 200, 404], vec![]));
    assert_eq!(count(&listed().await), (Some(1), Some(1)));
    // The other way round it is live for them, as the rest of the raid.
    show(&relay, &raid, json!({"visibility": "public", "reportVisibility": "private"})).await;
    assert_eq!(seen(&relay, &raid, &reports).await, ([200, 404, 404, 404, 404], vec![live]));
    relay.stop().await;
}

/// With who did it, where anything changes, and with the change.
#[tokio::test]
async fn who_said_who_sees_a_raid_is_noted() {
    let data = tempfile::tempdir().unwrap();
    let shaky = Shaky::open(data.path()).await;
    let relay = TestRelay::start_on_store(data.path(), shaky.clone()).await;
    let uploader = Uploader::connect_as(&relay, KEY, seen_by(Unlisted, None)).await;
    let raid = uploader.welcome.raid.clone();
    let account = relay.store.raid_by_code(&raid).await.unwrap().unwrap().account;
    let noted = async || {
        let rows = relay.store.audit(None, 9).await.unwrap().into_iter();
        rows.map(|row| (row.note.what, row.note.about)).collect::<Vec<_>>()
    };
    show(&relay, &raid, json!({"visibility": "unlisted"})).await;
    show(&relay, &raid, json!({})).await;
    assert_eq!(noted().await, []);
    shaky.faults.writes.store(1, std::sync::atomic::Ordering::SeqCst);
    let refused =
        relay.send("PATCH", &format!("/api/v1/raids/{raid}"), Some(KEY), Some(&json!({"visibility": "private"}))).await;
    assert_eq!((refused.0, noted().await), (503, vec![]));
    show(&relay, &raid, json!({"visibility": "private"})).await;
    let one = (Audited::RaidShown, Some(account.0));
    assert_eq!(noted().await, [one]);
    // What its client says is its own.
    let _again = Uploader::connect_as(&relay, KEY, seen_by(Public, None)).await;
    assert_eq!(noted().await, [one]);
    relay.stop().await;
}

/// However many ask for the same at one moment.
#[tokio::test]
async fn a_list_that_is_made_for_a_member_is_given_to_nobody_else() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let (uploader, _) = evening(&relay, seen_by(Public, Some(Private))).await;
    let path = format!("/api/v1/raids/{}", uploader.welcome.raid);
    for _ in 0..5 {
        let asked = [true, false, true, false].map(|is_member| {
            let (relay, path) = (&relay, &path);
            async move {
                let (status, list) = relay.get_with(path, is_member.then_some(KEY)).await;
                assert_eq!(status, 200, "{list}");
                (is_member, list["reports"].as_array().unwrap().len())
            }
        });
        for (is_member, fights) in futures::future::join_all(asked).await {
            assert_eq!(fights, if is_member { 2 } else { 1 });
        }
    }
    relay.stop().await;
}

/// Whatever became of the raid in which the day's uploads stand.
#[tokio::test]
async fn an_upload_is_shown_as_it_asks_though_the_raid_of_its_day_is_shown_to_others_since() {
    for (wished, since) in [("private", "public"), ("public", "private")] {
        let data = tempfile::tempdir().unwrap();
        let relay = TestRelay::start(data.path()).await;
        let upload = async |local: i64| {
            let path = format!("{PATH}?visibility={wished}");
            let answer = post(&relay, &path, KEY, &[], encounter(local, true).to_string().as_bytes()).await;
            assert_eq!(answer.status, 201, "{answer:?}");
            let receipt: Value = serde_json::from_str(&answer.body).unwrap();
            let report = receipt["reportId"].as_str().unwrap().to_owned();
            let (_, held) = relay.get_with(&format!("/api/v1/reports/{report}"), Some(KEY)).await;
            (report, held["raid"].as_str().unwrap().to_owned())
        };
        let is_seen = async |report: &str| relay.get(&format!("/api/v1/reports/{report}")).await.0 == 200;
        let (first, raid) = upload(100).await;
        assert_eq!(is_seen(&first).await, wished == "public");
        show(&relay, &raid, json!({"visibility": since})).await;
        let (second, other_raid) = upload(101).await;
        assert_eq!((is_seen(&first).await, is_seen(&second).await), (since == "public", wished == "public"));
        assert_ne!(raid, other_raid);
        let (third, its_raid) = upload(102).await;
        assert_eq!((is_seen(&third).await, its_raid), (wished == "public", other_raid.clone()));
        // Its reports alone, too.
        show(&relay, &other_raid, json!({"reportVisibility": since})).await;
        let (fourth, its_raid) = upload(103).await;
        assert!(its_raid != other_raid && is_seen(&fourth).await == (wished == "public"));
        relay.stop().await;
    }
}
