//! Overlays: which are connected, and who is told.

use raidcast_shared::feed::SUBPROTOCOL_JSON;
use raidcast_shared::uplink::{Hello, Visibility};
use serde_json::{Value, json};

use crate::script::{KEY, OTHER_KEY, Script, Spectator, TestRelay, Uploader, hello, soon};

/// The overlays that are listed, once there are so many.
async fn listed(relay: &TestRelay, of: &str, count: usize) -> Vec<Value> {
    let asking = async {
        loop {
            let (status, list) = relay.get_with(&format!("/api/v1/{of}/overlays"), Some(KEY)).await;
            assert_eq!(status, 200, "{list}");
            let overlays = list["overlays"].as_array().unwrap().clone();
            if overlays.len() == count {
                return overlays;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    soon("so many overlays", Box::pin(asking)).await
}

#[tokio::test]
async fn who_manages_a_raid_is_told_of_its_overlays_and_nobody_else_is() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let private = Hello { visibility: Visibility::Private, ..hello() };
    let mut uploader = Uploader::connect_as(&relay, KEY, private).await;
    let fight = Script::new(3, 2);
    let begun = uploader.begin(&fight).await;
    uploader.deltas(begun.h, &fight.deltas).await;
    uploader.acked(3).await;
    let raid = format!("raids/{}", uploader.welcome.raid);
    let channel = uploader.welcome.channel_url.split('?').next().unwrap().rsplit('/').next().unwrap().to_owned();
    let channel = format!("live/{channel}");
    assert_eq!(listed(&relay, &raid, 0).await, Vec::<Value>::new());

    let form = json!({"name": "overlay"});
    let (status, link) = relay.send("POST", &format!("/api/v1/{channel}/links"), Some(KEY), Some(&form)).await;
    assert_eq!(status, 201, "{link}");
    let secret = link["url"].as_str().unwrap().split_once("?ticket=").unwrap().1.to_owned();
    let (status, given) =
        relay.send("POST", &format!("/api/v1/{channel}/feed-ticket"), None, Some(&json!({"ticket": secret}))).await;
    assert_eq!(status, 201, "{given}");
    let ticket = given["ticket"].as_str().unwrap();
    let feed = format!("{}/api/v1/{channel}/feed?as=overlay&ticket={ticket}", relay.url);
    let mut overlay = Spectator::join_at(&feed, SUBPROTOCOL_JSON).await;
    overlay.hear().await.expect("a keyframe");
    // One who watches, and says nothing of an overlay.
    let feed = format!("{}/api/v1/{channel}/feed?ticket={secret}", relay.url);
    let mut page = Spectator::join_at(&feed, SUBPROTOCOL_JSON).await;
    page.hear().await.expect("a keyframe");

    for of in [&raid, &channel] {
        let overlays = listed(&relay, of, 1).await;
        let line = overlays[0].as_object().unwrap();
        assert_eq!(line.len(), 4, "it says nothing else: {line:?}");
        assert_eq!((&line["byChannel"], &line["member"]), (&json!(true), &json!(true)));
        assert!(line["heardAtMs"].as_i64() >= line["connectedAtMs"].as_i64(), "{line:?}");
        let path = format!("/api/v1/{of}/overlays");
        assert_eq!(relay.get(&path).await.0, 401, "without a key");
        let (other, none) = (
            relay.get_with(&path, Some(OTHER_KEY)).await,
            relay.get_with("/api/v1/raids/nothing/overlays", Some(KEY)).await,
        );
        assert_eq!((other.0, none.0), (404, 404), "{other:?} {none:?}");
    }
    overlay.echoes().await;
    let heard = listed(&relay, &raid, 1).await[0].clone();
    assert!(heard["heardAtMs"].as_i64() >= heard["connectedAtMs"].as_i64());

    // With its link it goes, and is told no more.
    let id = link["link"]["id"].as_i64().unwrap();
    let (status, _) = relay.send("DELETE", &format!("/api/v1/{channel}/links/{id}"), Some(KEY), None).await;
    assert_eq!(status, 204);
    while overlay.hear().await.is_some() {}
    listed(&relay, &raid, 0).await;
    drop((page, uploader));
    relay.stop().await;
}

#[tokio::test]
async fn an_overlay_whose_socket_is_gone_is_told_no_more() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect(&relay).await;
    uploader.begin(&Script::new(3, 2)).await;
    let raid = uploader.welcome.raid.clone();
    let mut overlays = Vec::new();
    for _ in 0..3 {
        let mut overlay = Spectator::join(&relay, &format!("{raid}/feed?as=overlay"), SUBPROTOCOL_JSON).await;
        overlay.hear().await.expect("a keyframe");
        overlays.push(overlay);
    }
    let of = format!("raids/{raid}");
    let told = listed(&relay, &of, 3).await;
    assert!(told.iter().all(|line| line["member"] == json!(false) && line["byChannel"] == json!(false)), "{told:?}");
    overlays.pop();
    listed(&relay, &of, 2).await;
    drop((overlays, uploader));
    relay.stop().await;
}
