//! The fights of a raid side by side: an evening in pages, for whoever may see what of it.

use std::collections::BTreeSet;

use raidcast_shared::report::{Night, NightFight, Report};
use raidcast_shared::uplink::{Outcome, UplinkReply};
use serde_json::{Value, json};

use crate::raw::ask;
use crate::script::{KEY, Script, TestRelay, Uploader};

/// A page of an evening, as whoever has this key sees it.
async fn night(relay: &TestRelay, raid: &str, after: u32, key: Option<&str>) -> Night {
    let (status, told) = relay.get_with(&format!("/api/v1/raids/{raid}/night?after={after}"), key).await;
    assert_eq!(status, 200, "{told}");
    serde_json::from_value(told).unwrap()
}

fn reports(night: &Night) -> Vec<String> {
    night.fights.iter().map(|fight| fight.report.report_id.clone()).collect()
}

fn players(fight: &NightFight) -> BTreeSet<&str> {
    fight.players.iter().map(|player| player.player_key.as_str()).collect()
}

/// A raid with so many fights that are over, and one that goes on.
async fn evening(relay: &TestRelay, ended: i64) -> Uploader {
    let mut uploader = Uploader::connect(relay).await;
    for at in 0..=ended {
        let fight = Script::new(2, 2).at(1_790_000_000_000 + at * 100_000);
        let begun = uploader.begin(&fight).await;
        uploader.deltas(begun.h, &fight.deltas).await;
        uploader.acked(2).await;
        if at < ended {
            assert!(matches!(uploader.end(begun.h, &fight, Outcome::Kill).await, UplinkReply::Finalized { .. }));
        }
    }
    uploader
}

#[tokio::test]
async fn an_evening_is_told_ten_fights_at_a_time_the_oldest_first() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let uploader = evening(&relay, 12).await;
    let raid = uploader.welcome.raid.clone();
    let (_, page) = relay.get(&format!("/api/v1/raids/{raid}")).await;
    let over = |line: &&Value| line["state"] != "live";
    let listed = page["reports"].as_array().unwrap().iter().filter(over);
    let mut listed: Vec<_> = listed.map(|line| line["reportId"].as_str().unwrap().to_owned()).collect();
    listed.reverse();
    assert_eq!(listed.len(), 12);

    let (first, second) = (night(&relay, &raid, 0, None).await, night(&relay, &raid, 10, None).await);
    assert_eq!((first.code.as_str(), first.next, second.next), (raid.as_str(), Some(10), None));
    assert_eq!((reports(&first).as_slice(), reports(&second).as_slice()), (&listed[..10], &listed[10..]));
    assert_eq!((night(&relay, &raid, u32::MAX, None).await.fights, second.fights.len()), (vec![], 2));

    // Each is what its report tells.
    let (_, report) = relay.get(&format!("/api/v1/reports/{}", listed[11])).await;
    assert_eq!(second.fights[1], NightFight::from(&serde_json::from_value::<Report>(report).unwrap()));
    assert!(!second.fights[1].players.is_empty());

    let path = format!("GET /api/v1/raids/{raid}/night?after=10");
    let served = ask(&relay, &path, &[]).await;
    let has = format!("If-None-Match: {}", served.header("etag").expect("a name").replace("w/", "W/"));
    assert_eq!(ask(&relay, &path, &[&has]).await.status, 304);
    for after in ["-1", "x", "4294967296"] {
        let (status, error) = relay.get(&format!("/api/v1/raids/{raid}/night?after={after}")).await;
        assert_eq!((status, error["code"].as_str()), (400, Some("bad_request")), "{after}: {error}");
    }
    drop(uploader);
    relay.stop().await;
}

#[tokio::test]
async fn an_evening_tells_each_reader_what_he_may_see_of_it() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let uploader = evening(&relay, 2).await;
    let raid = uploader.welcome.raid.clone();
    let show = async |form: Value| {
        let (status, shown) = relay.send("PATCH", &format!("/api/v1/raids/{raid}"), Some(KEY), Some(&form)).await;
        assert_eq!(status, 200, "{shown}");
    };
    let own = night(&relay, &raid, 0, Some(KEY)).await;
    assert_eq!(own.fights.len(), 2);

    // A player has one key in all of it, which leads to nobody where names are hidden.
    show(json!({"names": "class"})).await;
    let hidden = night(&relay, &raid, 0, None).await;
    assert_eq!(reports(&hidden), reports(&own));
    assert_eq!(players(&hidden.fights[0]), players(&hidden.fights[1]));
    assert!(players(&hidden.fights[0]).is_disjoint(&players(&own.fights[0])));
    assert_eq!(players(&night(&relay, &raid, 0, Some(KEY)).await.fights[0]), players(&own.fights[0]));

    show(json!({"reportVisibility": "private"})).await;
    let none = night(&relay, &raid, 0, None).await;
    assert_eq!((none.fights, none.next), (vec![], None));
    assert_eq!(night(&relay, &raid, 0, Some(KEY)).await.fights.len(), 2);

    show(json!({"visibility": "private"})).await;
    let path = format!("/api/v1/raids/{raid}/night");
    assert_eq!(
        (relay.get(&path).await, relay.get_with(&path, Some(KEY)).await.0),
        (relay.get("/api/v1/raids/nothing").await, 200)
    );
    drop(uploader);
    relay.stop().await;
}
