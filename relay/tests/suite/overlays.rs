//! Overlays: which are connected, who is told, and what those hear that read `CombatData`; and how many watch beside them.

use futures::{SinkExt as _, StreamExt as _};
use raidcast_shared::feed::{FeedFrame, FeedRequest, SUBPROTOCOL, SUBPROTOCOL_JSON};
use raidcast_shared::id::RaidId;
use raidcast_shared::uplink::{Hello, NamesPolicy, Visibility};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{self, Message};
use uuid::Uuid;

use crate::script::{KEY, OTHER_KEY, READ_KEY, Script, Spectator, TestRelay, Uploader, hello, soon};

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
        let told = overlays[0].as_object().unwrap();
        assert_eq!(told.len(), 4, "it says nothing else: {told:?}");
        assert_eq!((&told["byChannel"], &told["member"]), (&json!(true), &json!(true)));
        assert!(told["heardAtMs"].as_i64() >= told["connectedAtMs"].as_i64(), "{told:?}");
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

/// What a spectator is told of how many watch.
async fn watching(spectator: &mut Spectator) -> Option<u32> {
    spectator.ask(&FeedRequest::Probe { clock: 0.5 }).await;
    loop {
        if let FeedFrame::Echo(echo) = spectator.hear().await.expect("an echo") {
            return echo.watching;
        }
    }
}

#[tokio::test]
async fn spectators_are_told_how_many_watch_but_not_of_what_is_private_and_not_who_is_behind() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let uploader = Uploader::connect(&relay).await;
    let raid = uploader.welcome.raid.clone();
    let joins = async |feed: &str| {
        let mut joins = Spectator::join(&relay, feed, SUBPROTOCOL).await;
        joins.hear().await.expect("a keyframe");
        joins
    };
    let (mut first, mut overlay) = (joins(&raid).await, joins(&format!("{raid}/feed?as=overlay")).await);
    let mut second = joins(&raid).await;
    assert_eq!((watching(&mut first).await, watching(&mut overlay).await), (Some(2), Some(2)));
    // It does not show who comes at a moment.
    let mut third = joins(&raid).await;
    assert_eq!(watching(&mut third).await, Some(2));
    relay.pass_ms(5_000);
    assert_eq!(watching(&mut second).await, Some(3));

    let behind = Hello { raid: RaidId(Uuid::from_u128(2)), delay_s: 60, ..hello() };
    let behind = Uploader::connect_as(&relay, KEY, behind).await;
    let mut stranger = joins(&behind.welcome.raid).await;
    let feed = |raid: &str| format!("{}/api/v1/raids/{raid}/feed", relay.url);
    let mut member = Spectator::join_as(&feed(&behind.welcome.raid), SUBPROTOCOL, Some(READ_KEY)).await;
    assert_eq!((watching(&mut stranger).await, watching(&mut member).await), (None, Some(2)));

    let private = Hello { raid: RaidId(Uuid::from_u128(3)), visibility: Visibility::Private, ..hello() };
    let private = Uploader::connect_as(&relay, KEY, private).await;
    let mut member = Spectator::join_as(&feed(&private.welcome.raid), SUBPROTOCOL, Some(READ_KEY)).await;
    assert_eq!(watching(&mut member).await, None);
    drop((uploader, behind, private));
    relay.stop().await;
}

/// An overlay that reads `CombatData`.
struct Reader(crate::script::Socket);

impl Reader {
    /// As overlays do: no subprotocol, no header.
    async fn open(relay: &TestRelay, path: &str) -> Self {
        let url = format!("{}/api/v1/{path}", relay.url.replace("http", "ws"));
        let request = url.into_client_request().expect("a URL");
        Self(crate::secure::websocket(request).await.expect("it opens"))
    }

    /// The next message; `None` at the end.
    async fn hear(&mut self) -> Option<Value> {
        loop {
            match soon("a message", self.0.next()).await {
                Some(Ok(Message::Text(text))) => return Some(serde_json::from_str(&text).expect("JSON")),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                Some(Ok(_)) => {}
            }
        }
    }

    async fn until(&mut self, what: &str, done: impl Fn(&Value) -> bool) -> Value {
        loop {
            let heard = self.hear().await.unwrap_or_else(|| panic!("it ended before {what}"));
            if done(&heard) {
                return heard;
            }
        }
    }

    async fn say(&mut self, text: &str) {
        self.0.send(Message::Text(text.into())).await.expect("it is sent");
    }
}

fn is_text(fields: &Value) -> bool {
    fields.as_object().is_some_and(|fields| fields.values().all(Value::is_string))
}

#[tokio::test]
async fn an_overlay_of_another_kind_hears_a_fight_whole_as_text_and_calls_for_nothing() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect(&relay).await;
    let fight = Script::new(40, 2);
    let begun = uploader.begin(&fight).await;
    uploader.deltas(begun.h, &fight.deltas[..20]).await;
    uploader.acked(20).await;
    let raid = uploader.welcome.raid.clone();
    let mut overlay = Reader::open(&relay, &format!("raids/{raid}/combat-data/ws")).await;
    let first = overlay.hear().await.expect("a message at once");
    assert_eq!((&first["type"], &first["isActive"]), (&json!("CombatData"), &json!("true")));
    assert!(is_text(&first["Encounter"]), "{first}");
    let players = first["Combatant"].as_object().unwrap();
    assert!(!players.is_empty() && players.iter().all(|(name, of)| is_text(of) && of["name"] == json!(name)));
    let damage = |said: &Value| said["Encounter"]["damage"].as_str().unwrap().parse::<u64>().unwrap();
    let of_deltas = |count: usize| fight.deltas[..count].iter().map(|delta| 3_000 + delta.seq).sum::<u64>();
    assert_eq!(damage(&first), of_deltas(20));

    // Whoever subscribes late is told where it stands; a call that waits is answered; others do nothing.
    overlay.say(r#"{"call":"subscribe","events":["CombatData"]}"#).await;
    let again = overlay.until("it stands", |said| said["type"] == json!("CombatData")).await;
    assert_eq!(damage(&again), of_deltas(20));
    overlay.say(r#"{"call":"say","text":"hello"}"#).await;
    overlay.say(r#"{"call":"getLanguage","rseq":7}"#).await;
    let answer = overlay.until("an answer", |said| said.get("rseq").is_some()).await;
    assert_eq!(answer, json!({"rseq": 7, "$isNull": true}));

    uploader.deltas(begun.h, &fight.deltas[20..]).await;
    uploader.acked(40).await;
    overlay.until("all of it", |said| said["type"] == json!("CombatData") && damage(said) == of_deltas(40)).await;
    let listed = listed(&relay, &format!("raids/{raid}"), 1).await;
    assert_eq!(listed[0]["member"], json!(false), "{listed:?}");
    drop(uploader);
    relay.stop().await;
}

#[tokio::test]
async fn an_overlay_of_the_older_contract_is_told_whose_meter_it_is_and_then_the_fight() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect(&relay).await;
    let fight = Script::new(10, 2);
    let begun = uploader.begin(&fight).await;
    uploader.deltas(begun.h, &fight.deltas).await;
    uploader.acked(10).await;
    let raid = uploader.welcome.raid.clone();
    let mut newer = Reader::open(&relay, &format!("raids/{raid}/combat-data/ws")).await;
    let wanted = newer.hear().await.expect("a message at once");
    // What such overlays add to an address that has a ticket lands behind it.
    let mut older = Reader::open(&relay, &format!("raids/{raid}/combat-data/MiniParse?x=/MiniParse")).await;
    let named = older.hear().await.expect("a name at once");
    assert_eq!((&named["type"], &named["msgtype"]), (&json!("broadcast"), &json!("SendCharName")));
    let own = named["msg"]["charName"].as_str().expect("a name").to_owned();
    let told = older.hear().await.expect("a message at once");
    assert_eq!((&told["type"], &told["msgtype"]), (&json!("broadcast"), &json!("CombatData")));
    assert_eq!((&told["msg"]["type"], &told["msg"]["Encounter"]), (&json!("CombatData"), &wanted["Encounter"]));
    let (told, mut wanted) = (told["msg"]["Combatant"].as_object().unwrap(), wanted["Combatant"].clone());
    assert_eq!(told.len(), wanted.as_object().unwrap().len());
    wanted[&own]["name"] = json!("YOU");
    for (name, of) in told {
        assert_eq!(*of, wanted[if name == "YOU" { &own } else { name }], "{name}");
    }
    assert!(told.contains_key("YOU") && !told.contains_key(&own), "{told:?}");

    // What they say means nothing here, and lets nobody go.
    for said in [".", r#"{"type":"set_id","id":"x"}"#, r#"{"type":"overlayAPI","msgtype":"RequestEnd"}"#] {
        older.say(said).await;
    }
    older.say(r#"{"call":"subscribe","events":["CombatData"]}"#).await;
    older.until("it stands", |said| said["msgtype"] == json!("CombatData")).await;
    let (status, _) = relay.get(&format!("/api/v1/raids/{raid}/combat-data/other")).await;
    assert_eq!(status, 404, "there is no third");
    drop(uploader);
    relay.stop().await;
}

#[tokio::test]
async fn an_overlay_of_another_kind_sees_what_its_link_lets_it_see_and_goes_with_it() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let hello = Hello { visibility: Visibility::Private, names: NamesPolicy::Class, ..hello() };
    let mut uploader = Uploader::connect_as(&relay, KEY, hello.clone()).await;
    let fight = Script::new(5, 2);
    let begun = uploader.begin(&fight).await;
    uploader.deltas(begun.h, &fight.deltas).await;
    uploader.acked(5).await;
    let raid = uploader.welcome.raid.clone();
    let path = format!("raids/{raid}/combat-data/ws");
    for wrong in [path.clone(), format!("{path}?ticket=00"), "live/nothing/combat-data/ws".to_owned()] {
        let url = format!("{}/api/v1/{wrong}", relay.url.replace("http", "ws"));
        match soon("an answer", Box::pin(tokio_tungstenite::connect_async(url))).await {
            Err(tungstenite::Error::Http(answer)) => assert_eq!(answer.status().as_u16(), 404, "{wrong}"),
            other => panic!("{wrong}: {other:?}"),
        }
    }
    let links = format!("/api/v1/raids/{raid}/links");
    let (status, link) = relay.send("POST", &links, Some(KEY), Some(&json!({"name": "overlay"}))).await;
    assert_eq!(status, 201, "{link}");
    let secret = link["url"].as_str().unwrap().split_once("?ticket=").unwrap().1;
    let mut member = Reader::open(&relay, &format!("{path}?ticket={secret}")).await;
    let seen = member.hear().await.expect("a message");
    let named: Vec<_> = seen["Combatant"].as_object().unwrap().keys().cloned().collect();
    let id = link["link"]["id"].as_i64().unwrap();
    assert_eq!(relay.send("DELETE", &format!("{links}/{id}"), Some(KEY), None).await.0, 204);
    while member.hear().await.is_some() {}

    // To others, of a raid that is not private any more, by class and number.
    drop(uploader);
    let uploader = Uploader::connect_as(&relay, KEY, Hello { visibility: Visibility::Unlisted, ..hello }).await;
    let mut anybody = Reader::open(&relay, &path).await;
    let seen = anybody.hear().await.expect("a message");
    let hidden = seen["Combatant"].as_object().unwrap();
    assert_eq!(hidden.len(), named.len());
    assert!(hidden.keys().all(|name| !named.contains(name)), "{hidden:?} and {named:?}");
    drop(uploader);
    relay.stop().await;
}
