//! Who wants to be hidden is named nowhere from that moment on; who agreed is named where only those are; and how somebody
//! proves that a character is his.

use std::collections::BTreeSet;

use raidcast_relay::account::{Registration, RelaySecret};
use raidcast_shared::character::ProofWay;
use raidcast_shared::codec;
use raidcast_shared::event::{ActorEntry, ActorFacts, ActorIx, ActorKind, Rare, RareBody, SourceKey};
use raidcast_shared::feed::{SUBPROTOCOL, SUBPROTOCOL_JSON};
use raidcast_shared::id::{ActorId, RaidId};
use raidcast_shared::uplink::{Begin, Header, Hello, NamesPolicy, Outcome, UplinkFrame, UplinkReply};
use raidcast_store::JobKind;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::encounters::encounter;
use crate::names::{NAMES, Recorder, keys, plays};
use crate::people::{Browser, secret_of};
use crate::raw::becomes;
use crate::same_fight::{as_the_other_saw_it, upload, views};
use crate::script::{KEY, OTHER_KEY, READ_KEY, Script, Spectator, TestRelay, Uploader, hello, soon};

/// The number in the game of the player who is hidden: the second one of a script.
const PLAYER: &str = "2";
const HIDDEN: usize = 1;

async fn open(data: &std::path::Path, ways: &[ProofWay]) -> TestRelay {
    TestRelay::start_set(data, |config| {
        config.registration = Registration::Open;
        config.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
        // Where a proxy is believed, nobody is told them by the address for everybody.
        config.metrics_listen = Some("127.0.0.1:0".parse().unwrap());
        config.character_proof = ways.to_vec();
    })
    .await
}

async fn joined(relay: &TestRelay, number: u8, name: &str, invitation: Option<&str>) -> Browser {
    let mut browser = Browser::at(relay, number);
    let answer = browser.join(name, invitation).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    browser
}

async fn administrator(relay: &TestRelay) -> Browser {
    let link = secret_of(relay.first_link().expect("nobody administrates it"));
    joined(relay, 1, "Ana", Some(&link)).await
}

async fn claims(browser: &mut Browser, player: &str, way: &str) -> Value {
    let form = json!({"player": player, "called": "Böreas der Zweite", "way": way});
    let claim = browser.ask("POST", "/api/v1/me/claims", Some(form)).await;
    assert_eq!(claim.status, 201, "{}", claim.body);
    claim.body
}

/// One's characters and claims.
async fn held(browser: &mut Browser) -> (Vec<Value>, Vec<Value>) {
    let answer = browser.get("/api/v1/me/characters").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let list = |name: &str| answer.body[name].as_array().expect("a list").clone();
    (list("characters"), list("claims"))
}

/// Somebody whose character the second player is, because an administrator says so; and the character's number.
async fn proved(relay: &TestRelay, ana: &mut Browser, number: u8) -> (Browser, i64) {
    let mut bo = joined(relay, number, &format!("Bo {number}"), None).await;
    let claim = claims(&mut bo, PLAYER, "administrator").await;
    let open = ana.get("/api/v1/claims").await.body;
    assert_eq!(open["claims"][0]["id"], claim["id"], "{open}");
    let path = format!("/api/v1/claims/{}", claim["id"]);
    let believes = json!({"held": null});
    assert_eq!(bo.ask("PUT", &path, Some(believes.clone())).await.code(), "not_administrator");
    assert_eq!(ana.ask("PUT", &path, Some(believes)).await.status, 204);
    let (characters, claims) = held(&mut bo).await;
    assert_eq!((characters.len(), claims.len()), (1, 0));
    (bo, characters[0]["id"].as_i64().unwrap())
}

async fn wishes(browser: &mut Browser, character: i64, form: Value) {
    let answer = browser.ask("PATCH", &format!("/api/v1/me/characters/{character}"), Some(form)).await;
    assert_eq!(answer.status, 204, "{}", answer.body);
}

async fn all_derived(relay: &TestRelay) {
    becomes("all is derived", async || relay.store.jobs(JobKind::Derive).await.unwrap().count == 0).await;
}

async fn finished(uploader: &mut Uploader, fight: &Script) -> String {
    let begun = uploader.begin(fight).await;
    uploader.deltas(begun.h, &fight.deltas).await;
    assert!(matches!(uploader.end(begun.h, fight, Outcome::Kill).await, UplinkReply::Finalized { .. }));
    begun.report
}

/// Everything that is asked of a report and its raid, by strangers and by members.
async fn asks_everything(recorder: &mut Recorder, relay: &TestRelay, raid: &str, reports: &[&str]) {
    let mut paths = vec![
        format!("/api/v1/raids/{raid}"),
        format!("/api/v1/raids/{raid}/night"),
        "/api/v1/reports".to_owned(),
        "/api/v1/encounters".to_owned(),
        "/api/v1/encounters?playerName=aeris".to_owned(),
        "/metrics".to_owned(),
        format!("/raids/{raid}"),
    ];
    for report in reports {
        paths.extend([
            format!("/api/v1/reports/{report}"),
            format!("/api/v1/reports/{report}?from=200&to=1500"),
            format!("/api/v1/reports/{report}/timeline"),
            format!("/api/v1/reports/{report}/views"),
            format!("/api/v1/encounters/{report}"),
            format!("/api/v1/encounters/{report}?timelines=true"),
            format!("/reports/{report}"),
        ]);
    }
    for path in paths {
        for key in [None, Some(READ_KEY)] {
            let (status, body) = recorder.asks_as(relay, &path, key).await;
            assert!(status == 200 || status == 404, "{path}: {status} {body}");
        }
    }
    recorder.asks_metrics(relay).await;
}

/// Or a report that somebody made up, with a number in it that he has guessed, would tell by what leads to it whether that is
/// who is hidden.
#[tokio::test]
async fn a_fight_in_which_somebody_is_hidden_leads_to_no_other_and_none_leads_to_it() {
    let data = tempfile::tempdir().unwrap();
    let relay = open(data.path(), &[ProofWay::Administrator]).await;
    let mut ana = administrator(&relay).await;
    let here = upload(&relay, KEY, "public", &encounter(100, true)).await;
    let there = upload(&relay, OTHER_KEY, "public", &as_the_other_saw_it()).await;
    all_derived(&relay).await;
    for (hidden, others) in [(false, 1), (true, 0), (false, 1)] {
        let form = json!({"player": "2000", "hidden": hidden});
        assert_eq!(ana.ask("POST", "/api/v1/opt-outs", Some(form)).await.status, 204);
        for (report, key) in [(&here, None), (&here, Some(KEY)), (&there, None), (&there, Some(OTHER_KEY))] {
            assert_eq!(views(&relay, report, key).await.views.len(), others, "{report} {key:?}");
        }
    }
    // Who is hidden and was not there changes nothing.
    let form = json!({"player": "77", "hidden": true});
    assert_eq!(ana.ask("POST", "/api/v1/opt-outs", Some(form)).await.status, 204);
    assert_eq!(views(&relay, &here, None).await.views.len(), 1);
    relay.stop().await;
}

/// How many fights each filter finds that leads to the player, and how many one that leads to another.
async fn found(relay: &TestRelay) -> (BTreeSet<usize>, usize) {
    let key = &keys()[HIDDEN];
    let count = async |question: &str| {
        let (status, body) = relay.get(&format!("/api/v1/encounters?{question}")).await;
        assert_eq!(status, 200, "{question}: {body}");
        let listed = body["encounters"].as_array().map_or(0, Vec::len);
        if listed == 0 {
            assert!(!body.to_string().contains("\"total\":1"), "{question}: {body}");
        }
        listed
    };
    let mut counts = BTreeSet::new();
    for question in [
        "playerName=B%C3%B6reas".to_owned(),
        "playerName=b%C3%B6r".to_owned(),
        format!("playerId={key}"),
        format!("playerId={key}&playerName=B%C3%B6reas"),
        format!("playerId={key}&bossName=Kartgriff"),
        "playerName=B%C3%B6reas&sceneId=1021&orderBy=duration".to_owned(),
    ] {
        counts.insert(count(&question).await);
    }
    (counts, count("playerName=Aeris").await)
}

fn known(recorder: &Recorder) -> BTreeSet<usize> {
    let all = NAMES.iter().zip(keys()).enumerate();
    all.filter(|(_, (name, key))| recorder.0.contains(*name) || recorder.0.contains(key.as_str()))
        .map(|(at, _)| at)
        .collect()
}

#[tokio::test]
async fn who_opts_out_is_named_to_nobody_from_then_on_and_all_others_are() {
    let data = tempfile::tempdir().unwrap();
    let mut relay = open(data.path(), &[ProofWay::Administrator]).await;
    let mut ana = administrator(&relay).await;
    let (mut bo, character) = proved(&relay, &mut ana, 2).await;
    let mut uploader = Uploader::connect_as(&relay, KEY, hello()).await;
    let raid = uploader.welcome.raid.clone();
    let old = finished(&mut uploader, &Script::new(10, 2).at(1_789_999_000_000)).await;
    all_derived(&relay).await;
    let fight = Script::new(40, 2);
    let begun = uploader.begin(&fight).await;
    let live = begun.report.clone();
    uploader.deltas(begun.h, &fight.deltas[..20]).await;
    uploader.acked(20).await;
    let feed = format!("{}/api/v1/raids/{raid}/feed", relay.url);
    let who = [(SUBPROTOCOL, None), (SUBPROTOCOL_JSON, None), (SUBPROTOCOL, Some(READ_KEY))];
    let mut watching = Vec::new();
    for (protocol, key) in who {
        let mut spectator = Spectator::join_as(&feed, protocol, key).await;
        let seen = spectator.until("the fight", |seen| seen.rows.len() == 3).await;
        assert!(seen.rows.contains_key(&keys()[HIDDEN]));
        watching.push(spectator);
    }
    let mut player = Spectator::join_at(&format!("{feed}?report={old}&speed=0.25"), SUBPROTOCOL).await;
    player.hear().await.expect("it plays");
    let mut before = Recorder::default();
    asks_everything(&mut before, &relay, &raid, &[&old, &live]).await;
    assert_eq!(known(&before), BTreeSet::from([0, 1, 2]));
    assert!(before.0.contains("\"isLocal\":true"));
    assert_eq!(found(&relay).await, (BTreeSet::from([1]), 1));

    wishes(&mut bo, character, json!({"hidden": true})).await;
    // It is answered when it is so: what is asked from now on names him nowhere.
    let mut recorder = Recorder::default();
    asks_everything(&mut recorder, &relay, &raid, &[&old, &live]).await;
    assert_eq!(found(&relay).await, (BTreeSet::from([0]), 1));
    // Who watched comes back, members as well.
    watching.push(player);
    for mut spectator in watching {
        while spectator.hear().await.is_some() {}
        assert_eq!(spectator.bye.as_ref().and_then(|bye| bye.retry_ms), Some(100));
    }
    let mut watching = Vec::new();
    for (protocol, key) in who {
        let mut spectator = Spectator::join_as(&feed, protocol, key).await;
        recorder.hears(&mut spectator).await;
        watching.push(spectator);
    }
    uploader.deltas(begun.h, &fight.deltas[20..]).await;
    uploader.acked(40).await;
    for spectator in &mut watching {
        recorder.hears(spectator).await;
    }
    assert!(matches!(uploader.end(begun.h, &fight, Outcome::Kill).await, UplinkReply::Finalized { .. }));
    for spectator in &mut watching {
        recorder.hears(spectator).await;
    }
    for protocol in [SUBPROTOCOL, SUBPROTOCOL_JSON] {
        plays(&mut recorder, &relay, &raid, &live, protocol).await;
    }
    all_derived(&relay).await;
    asks_everything(&mut recorder, &relay, &raid, &[&old, &live]).await;
    assert_eq!(found(&relay).await, (BTreeSet::from([0]), 2));
    drop((uploader, watching));
    relay = relay.restart().await;
    asks_everything(&mut recorder, &relay, &raid, &[&old, &live]).await;
    assert_eq!(found(&relay).await, (BTreeSet::from([0]), 2));
    assert_eq!(known(&recorder), BTreeSet::from([0, 2]), "{}", recorder.0);
    // Whose meter it was would be told of all but of him.
    assert!(!recorder.0.contains("\"isLocal\":true") && !recorder.0.contains("\"isCrit\":true"));
    let (of_old, of_live) = (relay.report(&old).await, relay.report(&live).await);
    let stands_for = |report: &raidcast_shared::report::Report| {
        let hidden =
            report.fight.players.iter().find(|player| !NAMES.iter().any(|name| player.name.as_deref() == Some(*name)));
        let hidden = hidden.expect("he is among them, by another name");
        (hidden.player_key.clone(), hidden.name.clone())
    };
    assert_eq!(stands_for(&of_old), stands_for(&of_live), "it is the same in all of the raid");
    assert!(stands_for(&of_old).1.is_some_and(|name| name.ends_with(" 1")));

    // Shown again, he is where he was.
    let mut bo = {
        let mut again = Browser::at(&relay, 9);
        again.cookie = bo.cookie.take();
        again
    };
    wishes(&mut bo, character, json!({"hidden": false})).await;
    let mut after = Recorder::default();
    asks_everything(&mut after, &relay, &raid, &[&old, &live]).await;
    assert_eq!(known(&after), BTreeSet::from([0, 1, 2]));
    assert_eq!(found(&relay).await, (BTreeSet::from([2]), 2));
    relay.stop().await;
}

#[tokio::test]
async fn where_only_those_are_named_who_agreed_a_wish_changes_that_at_once() {
    let data = tempfile::tempdir().unwrap();
    let relay = open(data.path(), &[ProofWay::Administrator]).await;
    let mut ana = administrator(&relay).await;
    let (mut bo, character) = proved(&relay, &mut ana, 2).await;
    let hello = Hello { names: NamesPolicy::Hidden, ..hello() };
    let mut uploader = Uploader::connect_as(&relay, KEY, hello).await;
    let raid = uploader.welcome.raid.clone();
    let old = finished(&mut uploader, &Script::new(10, 2).at(1_789_999_000_000)).await;
    all_derived(&relay).await;
    let fight = Script::new(40, 2);
    let begun = uploader.begin(&fight).await;
    uploader.deltas(begun.h, &fight.deltas[..20]).await;
    uploader.acked(20).await;
    let feed = format!("{}/api/v1/raids/{raid}/feed", relay.url);
    let sees = async |what: &[usize]| {
        let mut recorder = Recorder::default();
        for path in [format!("/api/v1/reports/{old}"), format!("/api/v1/reports/{}", begun.report)] {
            recorder.asks(&relay, &path).await;
        }
        let mut spectator = Spectator::join_at(&feed, SUBPROTOCOL_JSON).await;
        recorder.hears(&mut spectator).await;
        assert_eq!(known(&recorder), what.iter().copied().collect(), "{}", recorder.0);
        // No search leads to him, whatever he agreed to.
        assert_eq!(found(&relay).await, (BTreeSet::from([0]), 0));
        spectator
    };
    let mut watching = vec![sees(&[]).await];
    let mut member = Spectator::join_as(&feed, SUBPROTOCOL, Some(READ_KEY)).await;
    for (wish, named) in [
        (json!({"agrees": true}), &[HIDDEN][..]),
        (json!({"hidden": true}), &[]),
        (json!({"hidden": false}), &[HIDDEN]),
        (json!({"agrees": false}), &[]),
    ] {
        wishes(&mut bo, character, wish).await;
        watching.push(sees(named).await);
        let mut before = watching.remove(0);
        while before.hear().await.is_some() {}
        assert_eq!(before.bye.as_ref().and_then(|bye| bye.retry_ms), Some(100));
    }
    // Members are shown all but those who want to be hidden: one of them was let go, for he was.
    while member.hear().await.is_some() {}
    assert_eq!(member.bye.as_ref().and_then(|bye| bye.retry_ms), Some(100));
    let mut member = Spectator::join_as(&feed, SUBPROTOCOL, Some(READ_KEY)).await;
    wishes(&mut bo, character, json!({"agrees": true})).await;
    member.until("the fight", |seen| seen.rows.len() == 3).await;
    member.echoes().await;
    assert!(member.bye.is_none());
    // The raid's policy changes while he is hidden.
    wishes(&mut bo, character, json!({"hidden": true})).await;
    for names in [NamesPolicy::Full, NamesPolicy::Class, NamesPolicy::Full] {
        let _uploader = Uploader::connect_as(&relay, KEY, Hello { names, ..self::hello() }).await;
        let mut recorder = Recorder::default();
        asks_everything(&mut recorder, &relay, &raid, &[&old, &begun.report]).await;
        assert!(!known(&recorder).contains(&HIDDEN), "{names:?}: {}", recorder.0);
        assert_eq!(found(&relay).await.0, BTreeSet::from([0]));
    }
    relay.stop().await;
}

/// The same fight, of a player who is called so.
fn called(mut fight: Script, name: &str) -> Script {
    let facts = ActorFacts { name: Some(name.into()), ..ActorFacts::of(ActorIx(1)) };
    let event: Rare = Rare { at_ms: 100, key: SourceKey::new(7, 0), body: RareBody::Actor(facts) };
    fight.deltas[1].rare.push(codec::encode(&event).into());
    fight
}

async fn raid_of(relay: &TestRelay, key: &str, number: u128) -> Uploader {
    let hello = Hello { raid: RaidId(Uuid::from_u128(number)), ..hello() };
    Uploader::connect_as(relay, key, hello).await
}

/// Whose character it is hides it: from then on it is named nowhere, in a report, in lists, in a fight that goes on and in
/// search, whoever looks; and he shows it again.
async fn hides_indeed(
    relay: &TestRelay,
    (bo, character): (&mut Browser, i64),
    (owner, uploader): (&mut Browser, &mut Uploader),
    (old, called): (&str, &str),
) {
    let key = keys()[HIDDEN].clone();
    let asked = called.bytes().fold(String::new(), |asked, byte| asked + &format!("%{byte:02x}"));
    let questions = [format!("playerName={asked}"), format!("playerId={key}")];
    let finds = async || {
        let mut counts = Vec::new();
        for question in &questions {
            let (status, body) = relay.get(&format!("/api/v1/encounters?{question}")).await;
            assert_eq!(status, 200, "{question}: {body}");
            counts.push(body["encounters"].as_array().map_or(0, Vec::len));
        }
        counts
    };
    let named = |recorder: &Recorder| [called, &*key].map(|name| recorder.0.contains(name));
    let raid = uploader.welcome.raid.clone();
    let fight = Script::new(20, 2).at(1_790_000_700_000);
    let begun = uploader.begin(&fight).await;
    uploader.deltas(begun.h, &fight.deltas[..10]).await;
    uploader.acked(10).await;
    let feed = format!("{}/api/v1/raids/{raid}/feed", relay.url);
    let reports = [old, begun.report.as_str()];
    let mut watching = Vec::new();
    for protocol in [SUBPROTOCOL, SUBPROTOCOL_JSON] {
        let mut spectator = Spectator::join_at(&feed, protocol).await;
        spectator.until("the fight", |seen| seen.rows.len() == 3 && seen.rows.contains_key(&key)).await;
        watching.push(spectator);
    }
    let mut before = Recorder::default();
    asks_everything(&mut before, relay, &raid, &reports).await;
    assert_eq!(named(&before), [true; 2], "{}", before.0);
    assert!(finds().await.iter().all(|count| *count > 0));

    wishes(bo, character, json!({"hidden": true})).await;
    let mut after = Recorder::default();
    asks_everything(&mut after, relay, &raid, &reports).await;
    assert_eq!(finds().await, [0, 0]);
    for mut spectator in watching {
        while spectator.hear().await.is_some() {}
        assert_eq!(spectator.bye.as_ref().and_then(|bye| bye.retry_ms), Some(100));
    }
    let mut watching = Vec::new();
    for protocol in [SUBPROTOCOL, SUBPROTOCOL_JSON] {
        let mut spectator = Spectator::join_at(&feed, protocol).await;
        after.hears(&mut spectator).await;
        watching.push(spectator);
    }
    uploader.deltas(begun.h, &fight.deltas[10..]).await;
    uploader.acked(20).await;
    for spectator in &mut watching {
        after.hears(spectator).await;
    }
    assert!(matches!(uploader.end(begun.h, &fight, Outcome::Kill).await, UplinkReply::Finalized { .. }));
    for spectator in &mut watching {
        after.hears(spectator).await;
    }
    all_derived(relay).await;
    asks_everything(&mut after, relay, &raid, &reports).await;
    // Whose raid it is sees all that others see, and no more of him.
    for report in reports {
        let own = owner.get(&format!("/api/v1/reports/{report}")).await;
        assert_eq!(own.status, 200, "{}", own.body);
        after.note(&own.body.to_string());
    }
    assert_eq!(finds().await, [0, 0]);
    assert_eq!(named(&after), [false; 2], "{}", after.0);
    assert!(!after.0.contains(NAMES[HIDDEN]), "{}", after.0);
    assert!(after.0.contains(NAMES[0]) && after.0.contains(&keys()[0]), "all others are named");

    wishes(bo, character, json!({"hidden": false})).await;
    let mut again = Recorder::default();
    asks_everything(&mut again, relay, &raid, &reports).await;
    assert_eq!(named(&again), [true; 2], "{}", again.0);
    assert!(finds().await.iter().all(|count| *count > 0));
}

#[tokio::test]
async fn a_code_in_the_name_proves_a_character_where_somebody_else_uploads_it() {
    let data = tempfile::tempdir().unwrap();
    let relay = open(data.path(), &[ProofWay::Code]).await;
    let mut bo = joined(&relay, 2, "Bo", None).await;
    let claim = claims(&mut bo, PLAYER, "code").await;
    let code = claim["code"].as_str().unwrap().to_owned();
    assert_eq!(code.len(), 6);
    // Whoever uploads can have anybody called anything.
    let (_, own_key) = bo.make_key(&["upload"], None).await;
    let mut own = raid_of(&relay, &own_key, 0xb0).await;
    finished(&mut own, &called(Script::new(3, 2), &format!("Bö {code}"))).await;
    // Nobody knows whose an account is that nobody owns.
    let mut nobodys = raid_of(&relay, KEY, 0xc0).await;
    finished(&mut nobodys, &called(Script::new(3, 2), &format!("Bö {code}"))).await;
    let mut cy = joined(&relay, 3, "Cy", None).await;
    let (_, key_of_another) = cy.make_key(&["upload"], None).await;
    let mut uploader = raid_of(&relay, &key_of_another, 1).await;
    // Another's code, and the code on another player.
    finished(&mut uploader, &called(Script::new(3, 2).at(1_790_000_100_000), "Bö 00000")).await;
    let other = claims(&mut bo, "3", "code").await;
    let another_code = other["code"].as_str().unwrap().to_owned();
    assert_ne!(another_code, code);
    finished(&mut uploader, &called(Script::new(3, 2).at(1_790_000_200_000), &another_code)).await;
    all_derived(&relay).await;
    assert_eq!(held(&mut bo).await.0, Vec::<Value>::new());
    let name = format!("B {}", code.to_uppercase());
    let report = finished(&mut uploader, &called(Script::new(3, 2).at(1_790_000_300_000), &name)).await;
    all_derived(&relay).await;
    let (characters, left) = held(&mut bo).await;
    assert_eq!((characters.len(), left.len()), (1, 1));
    assert_eq!((&characters[0]["way"], &characters[0]["hidden"]), (&json!("code"), &json!(false)));
    let character = characters[0]["id"].as_i64().unwrap();
    hides_indeed(&relay, (&mut bo, character), (&mut cy, &mut uploader), (&report, &name)).await;
    // One that is over proves nothing.
    relay.pass_ms(9 * 24 * 3_600_000);
    assert_eq!(held(&mut bo).await.1, Vec::<Value>::new());
    relay.stop().await;
}

#[tokio::test]
async fn an_officer_confirms_those_who_played_in_his_raids_and_nobody_else() {
    let data = tempfile::tempdir().unwrap();
    let relay = open(data.path(), &[ProofWay::Officer]).await;
    let mut ana = administrator(&relay).await;
    let mut officer = joined(&relay, 2, "Officer", None).await;
    let (_, key) = officer.make_key(&["upload"], None).await;
    let report = finished(&mut raid_of(&relay, &key, 7).await, &Script::new(3, 2)).await;
    all_derived(&relay).await;
    let mut bo = joined(&relay, 3, "Bo", None).await;
    let (here, elsewhere) = (claims(&mut bo, PLAYER, "officer").await, claims(&mut bo, "77", "officer").await);
    // The same is answered whether there is such a character or not.
    let shape = |claim: &Value| claim.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(shape(&here), shape(&elsewhere));
    assert_eq!((here["code"].as_str().map(str::len), elsewhere["code"].as_str().map(str::len)), (Some(6), Some(6)));
    let own = claims(&mut officer, "1", "officer").await;
    let path = |claim: &Value| format!("/api/v1/me/confirmations/{}", claim["code"].as_str().expect("a code"));
    let seen = officer.get(&path(&here)).await;
    assert_eq!(seen.status, 200, "{}", seen.body);
    assert_eq!((&seen.body["by"], &seen.body["name"]), (&json!("Bo"), &json!("<b>Böreas</b>")));
    // Who has no code, or no such fight, is told nothing; nobody has a list.
    assert_eq!(officer.get("/api/v1/me/confirmations").await.status, 404);
    for other in [&mut ana, &mut bo] {
        assert_eq!(other.get(&path(&here)).await.status, 404);
        assert_eq!(other.ask("PUT", &path(&here), None).await.status, 404);
    }
    for claim in [&own, &elsewhere] {
        assert_eq!(officer.ask("PUT", &path(claim), None).await.status, 404);
    }
    officer.page = "Sec-Fetch-Site: cross-site\r\n";
    assert_ne!(officer.ask("PUT", &path(&here), None).await.status, 204);
    officer.page = "Sec-Fetch-Site: same-origin\r\n";
    assert_eq!(officer.ask("PUT", &path(&here), None).await.status, 204);
    assert_eq!(officer.ask("PUT", &path(&here), None).await.status, 404);
    let character = held(&mut bo).await.0.remove(0);
    assert_eq!(character["way"], "officer");
    // To be named where others are not takes more than his word.
    let agrees = format!("/api/v1/me/characters/{}", character["id"]);
    for form in [json!({"agrees": true}), json!({"agrees": true, "hidden": true})] {
        assert_eq!(bo.ask("PATCH", &agrees, Some(form)).await.code(), "conflict");
    }
    assert_eq!(held(&mut bo).await.0[0], character);
    // To be hidden takes no more.
    let (number, mut uploader) = (character["id"].as_i64().unwrap(), raid_of(&relay, &key, 7).await);
    hides_indeed(&relay, (&mut bo, number), (&mut officer, &mut uploader), (&report, NAMES[HIDDEN])).await;
    // Another does not get what is somebody's, and is told nothing.
    let mut cy = joined(&relay, 4, "Cy", None).await;
    let taken = claims(&mut cy, PLAYER, "officer").await;
    assert_eq!(shape(&taken), shape(&here));
    assert_eq!(officer.ask("PUT", &path(&taken), None).await.status, 404);
    // A fight that was uploaded once he was asked may be made for it.
    let late = claims(&mut cy, "3", "officer").await;
    relay.pass_ms(60_000);
    let mut dan = joined(&relay, 5, "Dan", None).await;
    let (_, key) = dan.make_key(&["upload"], None).await;
    finished(&mut raid_of(&relay, &key, 8).await, &Script::new(3, 2)).await;
    all_derived(&relay).await;
    assert_eq!(dan.get(&path(&late)).await.status, 404);
    let after = claims(&mut cy, "3", "officer").await;
    assert_eq!(dan.get(&path(&after)).await.status, 200);
    // Codes are not tried out.
    let mut statuses = BTreeSet::new();
    for _ in 0..12 {
        statuses.insert(dan.get("/api/v1/me/confirmations/aaaaaa").await.status);
    }
    assert_eq!(statuses, BTreeSet::from([404, 429]));
    relay.stop().await;
}

#[tokio::test]
async fn claims_have_limits_and_are_ones_own() {
    let data = tempfile::tempdir().unwrap();
    let relay = open(data.path(), &[ProofWay::Administrator]).await;
    let mut ana = administrator(&relay).await;
    let mut bo = joined(&relay, 2, "Bo", None).await;
    for (player, called, way) in [
        ("", "B", "administrator"),
        ("0", "B", "administrator"),
        ("x2", "B", "administrator"),
        ("2", "", "administrator"),
        ("2", "B", "code"),
        ("2", "B\u{202e}", "administrator"),
    ] {
        let form = json!({"player": player, "called": called, "way": way});
        assert_eq!(bo.ask("POST", "/api/v1/me/claims", Some(form)).await.status, 400, "{player} {called} {way}");
    }
    let mut statuses = Vec::new();
    for number in 1..=12 {
        let form = json!({"player": number.to_string(), "called": "B", "way": "administrator"});
        statuses.push(bo.ask("POST", "/api/v1/me/claims", Some(form)).await.status);
    }
    assert_eq!(statuses, [201, 201, 201, 201, 201, 409, 409, 409, 409, 409, 429, 429]);
    let id = held(&mut bo).await.1[0]["id"].clone();
    let path = format!("/api/v1/me/claims/{id}");
    assert_eq!(ana.ask("DELETE", &path, None).await.status, 404);
    assert_eq!(Browser::at(&relay, 5).ask("DELETE", &path, None).await.status, 401);
    assert_eq!(bo.ask("DELETE", &path, None).await.status, 204);
    assert_eq!(bo.ask("DELETE", &path, None).await.status, 404);
    let refused = held(&mut bo).await.1[0]["id"].clone();
    assert_eq!(bo.ask("DELETE", &format!("/api/v1/claims/{refused}"), None).await.code(), "not_administrator");
    assert_eq!(ana.ask("DELETE", &format!("/api/v1/claims/{refused}"), None).await.status, 204);
    assert_eq!(held(&mut bo).await.1.len(), 3);
    // What one player's number and key are, nobody learns from what becomes of his claims.
    let before = held(&mut bo).await.1.len();
    assert_eq!(before, 3);
    // A player who never signed up, by an administrator: by number, or by the key that reports have.
    let key = RelaySecret::new([7; 32]).actor(ActorId::clear(2)).to_hex();
    let hides = json!({"player": key, "hidden": true});
    assert_eq!(bo.ask("POST", "/api/v1/opt-outs", Some(hides.clone())).await.code(), "not_administrator");
    let report = finished(&mut Uploader::connect_as(&relay, KEY, hello()).await, &Script::new(3, 2)).await;
    all_derived(&relay).await;
    // He looks before, and sees afterwards whom he has hidden, without a name.
    let look = async |by: &mut Browser| by.ask("POST", "/api/v1/opt-outs/look", Some(json!({"player": PLAYER}))).await;
    let listed = async |by: &mut Browser| by.get("/api/v1/opt-outs").await;
    // Each look leaves a note, also at whom is hidden already.
    let noted = async |by: &mut Browser| {
        let lines = by.get("/api/v1/audit").await.body["lines"].as_array().unwrap().clone();
        let looks = lines.into_iter().filter(|line| line["what"] == "player_looked_at");
        looks.map(|line| line["byName"].clone()).collect::<Vec<_>>()
    };
    assert_eq!((look(&mut bo).await.code(), listed(&mut bo).await.code()), ("not_administrator", "not_administrator"));
    assert!(noted(&mut ana).await.is_empty());
    let looked = look(&mut ana).await.body;
    assert_eq!(noted(&mut ana).await, ["Ana"]);
    assert_eq!((&looked["player"], &looked["hidden"]), (&key.as_str().into(), &false.into()));
    let fights = looked["fights"].as_u64().unwrap();
    assert!(fights > 0 && looked["names"].to_string().contains("Böreas"), "{looked}");
    assert_eq!(listed(&mut ana).await.body, json!({"players": [], "next": null}));
    assert_eq!(ana.get("/api/v1/opt-outs?before=x").await.status, 400);
    assert_eq!(ana.ask("POST", "/api/v1/opt-outs", Some(hides.clone())).await.status, 204);
    let held = listed(&mut ana).await.body;
    assert_eq!(
        (held["players"].as_array().map(Vec::len), &held["players"][0]["player"]),
        (Some(1), &key.as_str().into())
    );
    let looked = look(&mut ana).await.body;
    let hidden = json!({
        "player": key, "hidden": true, "hiddenByAdministrator": true, "fights": fights, "names": []
    });
    assert_eq!((looked, noted(&mut ana).await.len()), (hidden, 2));
    for (form, named) in [(hides, false), (json!({"player": PLAYER, "hidden": false}), true)] {
        assert_eq!(ana.ask("POST", "/api/v1/opt-outs", Some(form)).await.status, 204);
        let (_, body) = relay.get(&format!("/api/v1/reports/{report}")).await;
        assert_eq!(body.to_string().contains("Böreas"), named, "{body}");
        assert_eq!(found(&relay).await.0, BTreeSet::from([usize::from(named)]));
    }
    relay.stop().await;
}

#[tokio::test]
async fn a_title_that_is_cleared_is_in_no_answer_and_does_not_come_back() {
    const TITLE: &str = "Mumblefritz and friends";
    let data = tempfile::tempdir().unwrap();
    let mut relay = open(data.path(), &[ProofWay::Administrator]).await;
    let titled = || Hello { title: Some(TITLE.into()), ..hello() };
    let mut uploader = Uploader::connect_as(&relay, KEY, titled()).await;
    let raid = uploader.welcome.raid.clone();
    let report = finished(&mut uploader, &Script::new(3, 2)).await;
    let feed = format!("{}/api/v1/raids/{raid}/feed", relay.url);
    let mut watching = Spectator::join_at(&feed, SUBPROTOCOL_JSON).await;
    let mut before = Recorder::default();
    before.hears(&mut watching).await;
    asks_everything(&mut before, &relay, &raid, &[&report]).await;
    assert!(before.0.contains(TITLE));
    let path = format!("/api/v1/raids/{raid}/title");
    for (key, status) in
        [(None, 401), (Some(READ_KEY), 403), (Some(OTHER_KEY), 404), (Some(KEY), 204), (Some(KEY), 204)]
    {
        assert_eq!(relay.request("DELETE", &path, key).await.0, status, "{key:?}");
    }
    let mut after = Recorder::default();
    let mut watching = Spectator::join_at(&feed, SUBPROTOCOL_JSON).await;
    after.hears(&mut watching).await;
    asks_everything(&mut after, &relay, &raid, &[&report]).await;
    // Who streams it says so again; and the relay starts anew.
    drop(uploader);
    let uploader = Uploader::connect_as(&relay, KEY, titled()).await;
    after.hears(&mut watching).await;
    asks_everything(&mut after, &relay, &raid, &[&report]).await;
    drop((uploader, watching));
    relay = relay.restart().await;
    let _uploader = Uploader::connect_as(&relay, KEY, titled()).await;
    asks_everything(&mut after, &relay, &raid, &[&report]).await;
    assert!(!after.0.contains(TITLE), "{}", after.0);
    relay.stop().await;
    let held = std::fs::read(data.path().join("raidcast.db")).unwrap();
    assert!(!held.windows(TITLE.len()).any(|bytes| bytes == TITLE.as_bytes()), "it is in the file");
}

/// Of a raid that hides names, and of one in which somebody is hidden, a report tells keys that are good there alone.
#[tokio::test]
async fn what_stands_for_a_player_hides_him_and_nobody_else() {
    let data = tempfile::tempdir().unwrap();
    let relay = open(data.path(), &[ProofWay::Administrator]).await;
    let mut ana = administrator(&relay).await;
    let mut full = raid_of(&relay, KEY, 1).await;
    let named = finished(&mut full, &Script::new(3, 2).at(1_789_999_000_000)).await;
    let of_class = Hello { names: NamesPolicy::Class, raid: RaidId(Uuid::from_u128(2)), ..hello() };
    let mut uploader = Uploader::connect_as(&relay, KEY, of_class).await;
    let raid = uploader.welcome.raid.clone();
    let report = finished(&mut uploader, &Script::new(3, 2)).await;
    all_derived(&relay).await;
    let stands_for = async |report: &str| relay.report(report).await.fight.players[HIDDEN].player_key.clone();
    let key = stands_for(&report).await;
    assert!(!keys().contains(&key), "it stands for one of them");
    let hides = async |ana: &mut Browser, player: &str, seen_in: Option<&str>, hidden: bool| {
        let mut form = json!({"player": player, "hidden": hidden});
        if let Some(seen_in) = seen_in {
            form["seenIn"] = json!(seen_in);
        }
        ana.ask("POST", "/api/v1/opt-outs", Some(form)).await
    };
    let shown = async || {
        let (_, body) = relay.get(&format!("/api/v1/reports/{named}")).await;
        let body = body.to_string();
        (0..3).filter(|at| body.contains(NAMES[*at])).collect::<Vec<_>>()
    };
    // A key by which nobody is known hides nobody: it is not answered as if it did.
    for seen_in in [None, Some(named.as_str()), Some("nothing"), Some("")] {
        let answer = hides(&mut ana, &key, seen_in, true).await;
        assert_eq!((answer.status, answer.code()), (404, "not_found"), "{seen_in:?}");
        assert!(answer.body["message"].as_str().unwrap().contains("number in the game"), "{}", answer.body);
    }
    assert_eq!(shown().await, [0, 1, 2]);
    for seen_in in [&report, &raid] {
        assert_eq!(hides(&mut ana, &key, Some(seen_in), true).await.status, 204);
        let left = shown().await;
        assert_eq!(left.len(), 2, "one is hidden, and nobody else");
        assert_eq!(hides(&mut ana, &key, Some(seen_in), false).await.status, 204);
        assert_eq!(shown().await, [0, 1, 2]);
    }
    // Hidden, he has another key in the raid that names all others: by that he is shown again.
    assert_eq!(hides(&mut ana, &keys()[HIDDEN], Some(&named), true).await.status, 204);
    let report_now = relay.report(&named).await;
    let hidden =
        report_now.fight.players.iter().find(|player| !keys().contains(&player.player_key)).expect("a key for him");
    assert_eq!(hides(&mut ana, &hidden.player_key, None, false).await.status, 404);
    assert_eq!(hides(&mut ana, &hidden.player_key, Some(&named), false).await.status, 204);
    assert_eq!(shown().await, [0, 1, 2]);
    // A number is always somebody's, also of whom no fight is here yet.
    assert_eq!(hides(&mut ana, "77777", None, true).await.status, 204);
    assert_eq!(hides(&mut ana, &key, Some(&"x".repeat(65)), true).await.status, 400);
    // What is claimed by such a key is he, and is answered as what is claimed by one that is nobody's.
    let mut bo = joined(&relay, 2, "Bo", None).await;
    let mut answers = Vec::new();
    for seen_in in [report.as_str(), "nothing"] {
        let form = json!({"player": key, "seenIn": seen_in, "called": "B", "way": "administrator"});
        let answer = bo.ask("POST", "/api/v1/me/claims", Some(form)).await;
        answers.push((answer.status, answer.body.as_object().unwrap().keys().cloned().collect::<Vec<_>>()));
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0].0, 201);
    let open = ana.get("/api/v1/claims").await.body;
    assert!(keys().contains(&open["claims"][0]["player"].as_str().unwrap().to_owned()), "{open}");
    assert_eq!(open["claims"][1]["player"], json!(key));
    relay.stop().await;
}

#[tokio::test]
async fn what_an_administrator_hid_its_holder_does_not_show() {
    let data = tempfile::tempdir().unwrap();
    let relay = open(data.path(), &[ProofWay::Administrator]).await;
    let mut ana = administrator(&relay).await;
    let (mut bo, character) = proved(&relay, &mut ana, 2).await;
    let report = finished(&mut Uploader::connect_as(&relay, KEY, hello()).await, &Script::new(3, 2)).await;
    all_derived(&relay).await;
    let hides = json!({"player": PLAYER, "hidden": true});
    assert_eq!(ana.ask("POST", "/api/v1/opt-outs", Some(hides)).await.status, 204);
    let path = format!("/api/v1/me/characters/{character}");
    let refused = bo.ask("PATCH", &path, Some(json!({"hidden": false}))).await;
    assert_eq!((refused.status, refused.code()), (409, "conflict"));
    assert!(refused.body["message"].as_str().unwrap().contains("administrator"), "{}", refused.body);
    let own = &held(&mut bo).await.0[0];
    assert_eq!((&own["hidden"], &own["hiddenByAdministrator"]), (&json!(true), &json!(true)));
    let named = async || relay.get(&format!("/api/v1/reports/{report}")).await.1.to_string().contains("Böreas");
    assert!(!named().await);
    // Who decides that it is his hands the say over, too.
    let claim = claims(&mut bo, PLAYER, "administrator").await;
    let open = ana.get("/api/v1/claims").await.body["claims"][0].clone();
    assert_eq!((&open["hiddenByAdministrator"], &open["names"]), (&json!(true), &json!([])));
    assert_eq!(open["holder"]["name"], "Bo 2");
    let path = format!("/api/v1/claims/{}", claim["id"]);
    assert_eq!(ana.ask("PUT", &path, Some(json!({}))).await.status, 400);
    assert_eq!(ana.ask("PUT", &path, Some(json!({"held": null}))).await.code(), "conflict");
    // Who was not told that it is hidden shows nobody by it.
    let (other, held_by) = (claims(&mut bo, PLAYER, "administrator").await, open["holder"]["id"].clone());
    let blind = format!("/api/v1/claims/{}", other["id"]);
    assert_eq!(ana.ask("PUT", &blind, Some(json!({"held": held_by}))).await.status, 204);
    assert_eq!(held(&mut bo).await.0[0]["hiddenByAdministrator"], json!(true));
    let claim = claims(&mut bo, PLAYER, "administrator").await;
    let path = format!("/api/v1/claims/{}", claim["id"]);
    let believes = json!({"held": held_by, "hiddenByAdministrator": true});
    assert_eq!(ana.ask("PUT", &path, Some(believes)).await.status, 204);
    let own = held(&mut bo).await.0.remove(0);
    assert_eq!((&own["hidden"], &own["hiddenByAdministrator"]), (&json!(true), &json!(false)));
    wishes(&mut bo, own["id"].as_i64().unwrap(), json!({"hidden": false})).await;
    assert!(named().await);
    relay.stop().await;
}

/// Two who work together would learn by what the one may confirm whom a key stands for that the other saw.
#[tokio::test]
async fn an_officer_is_not_told_who_a_key_is_where_names_are_hidden() {
    let data = tempfile::tempdir().unwrap();
    let relay = open(data.path(), &[ProofWay::Officer, ProofWay::Administrator]).await;
    let mut ana = administrator(&relay).await;
    let (mut eve, mut bo) = (joined(&relay, 2, "Eve", None).await, joined(&relay, 3, "Bo", None).await);
    let (_, key) = eve.make_key(&["upload"], None).await;
    finished(&mut raid_of(&relay, &key, 5).await, &Script::new(3, 2)).await;
    let hello = Hello { names: NamesPolicy::Class, ..hello() };
    let report = finished(&mut Uploader::connect_as(&relay, KEY, hello).await, &Script::new(3, 2)).await;
    all_derived(&relay).await;
    relay.pass_ms(1_000);
    let mut confirms = async |player: &str, seen_in: Option<&str>| {
        let mut form = json!({"player": player, "called": "B", "way": "officer"});
        if let Some(seen_in) = seen_in {
            form["seenIn"] = json!(seen_in);
        }
        let claim = bo.ask("POST", "/api/v1/me/claims", Some(form)).await;
        assert_eq!(claim.status, 201, "{}", claim.body);
        let path = format!("/api/v1/me/confirmations/{}", claim.body["code"].as_str().unwrap());
        eve.get(&path).await.status
    };
    assert_eq!(confirms(PLAYER, None).await, 200, "by his number an officer knows him");
    let stands_for = relay.report(&report).await.fight.players[HIDDEN].player_key.clone();
    assert_eq!(confirms(&stands_for, Some(&report)).await, 404);
    drop(ana.get("/api/v1/claims").await);
    relay.stop().await;
}

/// What of it has a name is a link: the relay's log has that.
#[tokio::test]
async fn administrators_are_told_limits_and_what_is_held_back_and_nobody_else() {
    let data = tempfile::tempdir().unwrap();
    let relay = open(data.path(), &[ProofWay::Administrator]).await;
    let mut ana = administrator(&relay).await;
    let mut bo = joined(&relay, 2, "Bo", None).await;
    assert_eq!(bo.get("/api/v1/limits").await.code(), "not_administrator");
    let told = ana.get("/api/v1/limits").await.body;
    let most = |name: &str| {
        let limits = told["limits"].as_array().unwrap();
        limits.iter().find(|limit| limit["name"] == name).unwrap()["most"].clone()
    };
    let in_force = raidcast_relay::limits::EdgeLimits::default();
    assert_eq!(most("fights_per_account_day"), json!(in_force.fights_per_key_day));
    assert_eq!(most("memory"), json!(in_force.memory));
    assert_eq!((&told["spent"], &told["setAside"], &told["refused"]), (&json!([]), &json!([]), &json!(0)));
    let works: Vec<_> = told["waiting"].as_array().unwrap().iter().map(|line| line["work"].clone()).collect();
    assert_eq!(works, [json!("uploads"), json!("derive"), json!("erase"), json!("wipe"), json!("webhooks")]);
    relay.stop().await;
}

/// What is made up in a log of one's own is not what others saw.
#[tokio::test]
async fn an_administrator_is_told_what_others_call_whom_somebody_claims() {
    let data = tempfile::tempdir().unwrap();
    let relay = open(data.path(), &[ProofWay::Administrator]).await;
    let mut ana = administrator(&relay).await;
    let mut bo = joined(&relay, 2, "Bo", None).await;
    let (_, own_key) = bo.make_key(&["upload"], None).await;
    let made_up = |name: &str| called(Script::new(3, 2).at(1_789_999_500_000), name);
    finished(&mut raid_of(&relay, &own_key, 5).await, &made_up("Böreas der Zweite")).await;
    for (key, number) in [(KEY, 6), (OTHER_KEY, 7)] {
        finished(&mut raid_of(&relay, key, number).await, &Script::new(3, 2).at(1_789_999_000_000)).await;
    }
    // Of a fight that is still to come nobody knows anything.
    let ahead = relay.clock()() + 100_000;
    let fight = called(Script::new(3, 2).at(ahead), "Böreas der Zweite");
    let mut uploader = raid_of(&relay, KEY, 8).await;
    let opening = Begin {
        enc: fight.enc,
        stream: fight.stream,
        header: Header { started_at_ms: ahead, ..crate::script::header() },
    };
    uploader.send(&UplinkFrame::Begin(opening)).await;
    let UplinkReply::Begun(begun) = uploader.reply().await else { panic!("it begins") };
    uploader.deltas(begun.h, &fight.deltas).await;
    assert!(matches!(uploader.end(begun.h, &fight, Outcome::Kill).await, UplinkReply::Finalized { .. }));
    all_derived(&relay).await;
    claims(&mut bo, PLAYER, "administrator").await;
    claims(&mut bo, "77", "administrator").await;
    let mut cy = joined(&relay, 3, "Cy", None).await;
    claims(&mut cy, "78", "administrator").await;
    let open = ana.get("/api/v1/claims").await.body;
    let by: Vec<_> = open["claims"].as_array().unwrap().iter().map(|claim| claim["by"].as_str().unwrap()).collect();
    assert_eq!(by, ["Bo", "Cy", "Bo"], "everybody's first comes before anybody's second");
    let claim = &open["claims"][0];
    assert_eq!((&claim["others"], &claim["calledSo"], &claim["holder"]), (&json!(2), &json!(0), &Value::Null));
    assert_eq!(claim["names"], json!([{"name": "<b>Böreas</b>", "accounts": 2}]));
    assert_eq!(claim["player"], json!(keys()[HIDDEN]));
    assert_eq!((&open["claims"][2]["others"], &open["claims"][2]["names"]), (&json!(0), &json!([])));
    relay.stop().await;
}

/// Or whoever asks for what he may not keeps the database busy.
#[tokio::test]
async fn what_was_refused_has_no_wishes_read() {
    let data = tempfile::tempdir().unwrap();
    let shaky = crate::shaky::Shaky::open(data.path()).await;
    let relay = TestRelay::start_on_store_set(data.path(), shaky.clone(), |config| {
        config.registration = Registration::Open;
        config.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
        config.character_proof = vec![ProofWay::Officer];
    })
    .await;
    let mut bo = joined(&relay, 2, "Bo", None).await;
    let read = || shaky.faults.wishes_read.load(std::sync::atomic::Ordering::SeqCst);
    let before = read();
    let claim = json!({"player": PLAYER, "called": "B", "way": "officer"});
    for (method, path, form) in [
        ("PUT", "/api/v1/me/confirmations/aaaaaa", None),
        ("PUT", "/api/v1/claims/1", Some(json!({"held": null}))),
        ("DELETE", "/api/v1/claims/1", None),
        ("POST", "/api/v1/opt-outs", Some(json!({"player": PLAYER, "hidden": true}))),
        ("POST", "/api/v1/me/claims", Some(json!({"player": "x", "called": "B", "way": "officer"}))),
        ("PATCH", "/api/v1/me/characters/1", Some(json!({"hidden": true}))),
    ] {
        for _ in 0..12 {
            let status = bo.ask(method, path, form.clone()).await.status;
            assert!((400..500).contains(&status), "{method} {path}: {status}");
        }
    }
    // Once a minute it is looked by itself.
    assert!(read() <= before + 1, "{before} {}", read());
    assert_eq!(bo.ask("POST", "/api/v1/me/claims", Some(claim)).await.status, 201);
    assert!(read() > before);
    relay.stop().await;
}

/// A fight in which a player is killed by one who did nothing else: of whom the meter says this, and his name.
fn killed_by(mut fight: Script, kind: ActorKind, is_boss: bool) -> Script {
    fight.deltas[1].actors.push(ActorEntry { id: ActorId::clear(KILLER), kind, owner: None });
    let boss = is_boss.then_some(true);
    let facts = ActorFacts { name: Some("Mörderin".into()), boss, ..ActorFacts::of(ActorIx(4)) };
    let death = RareBody::Death { a: ActorIx(1), by: Some(ActorIx(4)), s: None };
    for (at, body) in [RareBody::Actor(facts), death].into_iter().enumerate() {
        let event: Rare = Rare { at_ms: 150, key: SourceKey::new(8, at as u32), body };
        fight.deltas[1].rare.push(codec::encode(&event).into());
    }
    fight
}

const KILLER: u64 = 4_711;

/// In the kept record, in events that are told again, and as a boss in lists.
#[tokio::test]
async fn who_killed_somebody_and_did_nothing_else_is_hidden_as_others_are() {
    let data = tempfile::tempdir().unwrap();
    let relay = open(data.path(), &[ProofWay::Administrator]).await;
    let mut ana = administrator(&relay).await;
    let mut uploader = Uploader::connect_as(&relay, KEY, hello()).await;
    let raid = uploader.welcome.raid.clone();
    let unknown = killed_by(Script::new(3, 2).at(1_789_998_000_000), ActorKind::Unknown, true);
    let unknown = finished(&mut uploader, &unknown).await;
    let feed = format!("{}/api/v1/raids/{raid}/feed", relay.url);
    let mut watching = Spectator::join_at(&feed, SUBPROTOCOL_JSON).await;
    let fight = killed_by(Script::new(3, 2).at(1_789_999_000_000), ActorKind::Player, false);
    let begun = uploader.begin(&fight).await;
    uploader.deltas(begun.h, &fight.deltas).await;
    uploader.acked(3).await;
    let mut before = Recorder::default();
    before.hears(&mut watching).await;
    assert!(matches!(uploader.end(begun.h, &fight, Outcome::Kill).await, UplinkReply::Finalized { .. }));
    all_derived(&relay).await;
    asks_everything(&mut before, &relay, &raid, &[&unknown, &begun.report]).await;
    assert!(before.0.contains("Mörderin"));
    // Of whom it is not told what he is may be a player: lists have bosses' names, and hide nobody.
    let report = relay.report(&unknown).await;
    let bosses: Vec<_> = report.fight.bosses.iter().map(|boss| boss.name.as_str()).collect();
    assert_eq!(bosses, ["Kartgriff", "Unknown boss"]);
    let hides = json!({"player": KILLER.to_string(), "hidden": true});
    assert_eq!(ana.ask("POST", "/api/v1/opt-outs", Some(hides)).await.status, 204);
    while watching.hear().await.is_some() {}
    assert_eq!(watching.bye.as_ref().and_then(|bye| bye.retry_ms), Some(100));
    let mut after = Recorder::default();
    asks_everything(&mut after, &relay, &raid, &[&unknown, &begun.report]).await;
    for protocol in [SUBPROTOCOL, SUBPROTOCOL_JSON] {
        let mut spectator = Spectator::join_at(&feed, protocol).await;
        after.hears(&mut spectator).await;
    }
    assert!(!after.0.contains("Mörderin"), "{}", after.0);
    // All others are named as before.
    assert_eq!(known(&after), BTreeSet::from([0, 1, 2]));
    relay.stop().await;
}

#[tokio::test]
async fn a_title_that_is_cleared_while_somebody_says_it_does_not_come_back() {
    const TITLE: &str = "Mumblefritz and friends";
    let data = tempfile::tempdir().unwrap();
    let shaky = crate::shaky::Shaky::open(data.path()).await;
    let relay = TestRelay::start_on_store(data.path(), shaky.clone()).await;
    let first = Uploader::connect_as(&relay, KEY, hello()).await;
    let raid = first.welcome.raid.clone();
    let held = shaky.faults.raids.write().await;
    shaky.faults.raids_read_late.store(1, std::sync::atomic::Ordering::SeqCst);
    let titled = Hello { title: Some(TITLE.into()), ..hello() };
    let url = relay.url.clone();
    let saying = tokio::spawn(async move { Uploader::connect_at(&url, KEY, titled).await });
    // The raid's task was told the title, and has not heard it yet.
    soon("it is read", shaky.faults.raids_read.notified()).await;
    let cleared = relay.request("DELETE", &format!("/api/v1/raids/{raid}/title"), Some(KEY)).await;
    assert_eq!(cleared.0, 204);
    drop(held);
    let second = soon("the connection", saying).await.unwrap();
    let mut spectator = Spectator::join_at(&format!("{}/api/v1/raids/{raid}/feed", relay.url), SUBPROTOCOL_JSON).await;
    let mut recorder = Recorder::default();
    recorder.hears(&mut spectator).await;
    recorder.asks(&relay, &format!("/api/v1/raids/{raid}")).await;
    assert!(!recorder.0.contains(TITLE), "{}", recorder.0);
    drop((first, second, spectator));
    relay.stop().await;
}
