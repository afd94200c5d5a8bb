//! Who has proved a character, or administrates, is given all that is held about a player, and nothing of anybody else.

use std::collections::{BTreeMap, BTreeSet};

use raidcast_relay::account::{Registration, RelaySecret};
use raidcast_shared::character::ProofWay;
use raidcast_shared::id::{ActorId, RaidId};
use raidcast_shared::uplink::{Hello, NamesPolicy, Outcome, ReportState, UplinkReply, Visibility};
use raidcast_store::{Audited, JobKind};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use uuid::Uuid;

use crate::names::{NAMES, keys};
use crate::people::{Browser, open, secret_of};
use crate::raw::becomes;
use crate::script::{KEY, OTHER_KEY, Script, TestRelay, Uploader, hello, soon};
use crate::set_aside::{OF_REPORT, damage as damage_row};

const PASSWORD: &str = "correct horse battery";
/// The number in the game of the first player of a script.
const PLAYER: &str = "1";
/// As a raid is called that not everybody sees.
const TITLE: &str = "Mumblefritz night";
/// What is written to administrators.
const CONTACT: &str = "somebody@example.org";
/// What somebody else calls the character.
const WORDS: &str = "Cys own words";

async fn administrator(relay: &TestRelay) -> Browser {
    let link = secret_of(relay.first_link().expect("nobody administrates it"));
    joined(relay, 1, "Ana", Some(&link)).await
}

async fn joined(relay: &TestRelay, number: u8, name: &str, invitation: Option<&str>) -> Browser {
    let mut browser = Browser::at(relay, number);
    let answer = browser.join(name, invitation).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    browser
}

async fn claims(browser: &mut Browser, called: &str, way: &str) -> Value {
    let form = json!({"player": PLAYER, "called": called, "way": way});
    let claim = browser.ask("POST", "/api/v1/me/claims", Some(form)).await;
    assert_eq!(claim.status, 201, "{}", claim.body);
    claim.body
}

/// The number of the one character of somebody's.
async fn character(browser: &mut Browser) -> i64 {
    let held = browser.get("/api/v1/me/characters").await.body;
    held["characters"][0]["id"].as_i64().expect("a character")
}

/// Somebody whose character the player is, because an administrator says so; and the character's number.
async fn proved(relay: &TestRelay, ana: &mut Browser, number: u8, name: &str) -> (Browser, i64) {
    let mut bo = joined(relay, number, name, None).await;
    let claim = claims(&mut bo, NAMES[0], "administrator").await;
    let path = format!("/api/v1/claims/{}", claim["id"]);
    assert_eq!(ana.ask("PUT", &path, Some(json!({"held": null}))).await.status, 204);
    let character = character(&mut bo).await;
    (bo, character)
}

/// Streams a fight into a raid of its own, to its report: the raid's code, and the report.
async fn finished(relay: &TestRelay, key: &str, raid: u128, hello: Hello, fight: &Script) -> (String, String) {
    let mut uploader = Uploader::connect_as(relay, key, Hello { raid: RaidId(Uuid::from_u128(raid)), ..hello }).await;
    let begun = uploader.begin(fight).await;
    uploader.deltas(begun.h, &fight.deltas).await;
    assert!(matches!(uploader.end(begun.h, fight, Outcome::Kill).await, UplinkReply::Finalized { .. }));
    (uploader.welcome.raid.clone(), begun.report)
}

async fn all_derived(relay: &TestRelay) {
    becomes("all is derived", async || relay.store.jobs(JobKind::Derive).await.unwrap().count == 0).await;
}

/// An archive: its files by their names, and all of it.
struct Archive {
    files: BTreeMap<String, Vec<u8>>,
    plain: Vec<u8>,
}

impl Archive {
    fn names(&self) -> BTreeSet<&str> {
        self.files.keys().map(String::as_str).collect()
    }

    fn json(&self, name: &str) -> Value {
        serde_json::from_slice(&self.files[name]).unwrap()
    }

    fn fight(&self, number: u32) -> Value {
        self.json(&format!("fights/{number:05}/fight.json"))
    }

    /// The lines of a fight's log.
    fn log(&self, number: u32) -> Vec<Value> {
        let text = std::str::from_utf8(&self.files[&format!("fights/{number:05}/log-1.jsonl")]).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn holds(&self, needle: &[u8]) -> bool {
        self.plain.windows(needle.len()).any(|at| at == needle)
    }
}

/// Asks for one, which is given.
async fn archive(relay: &TestRelay, of: &Browser, method: &str, path: &str, form: Option<Value>) -> Archive {
    let host = relay.url.trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(&host).await.unwrap();
    let body = form.map(|form| form.to_string()).unwrap_or_default();
    let request = format!(
        "{method} {path} HTTP/1.0\r\nHost: {host}\r\nX-Forwarded-For: 192.0.2.9\r\nSec-Fetch-Site: same-origin\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\nCookie: {}\r\n\r\n{body}",
        body.len(),
        of.cookie.as_deref().unwrap(),
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    soon("an archive", stream.read_to_end(&mut answer)).await.unwrap();
    let begin = answer.windows(4).position(|at| at == b"\r\n\r\n").unwrap() + 4;
    let head = String::from_utf8_lossy(&answer[..begin]).to_lowercase();
    assert!(head.starts_with("http/1.0 200"), "{}", String::from_utf8_lossy(&answer));
    assert!(
        head.contains("filename=\"raidcast-player.tar.zst\"") && head.contains("cache-control: no-store"),
        "{head}"
    );
    let plain = zstd::stream::decode_all(&answer[begin..]).unwrap();
    let (mut files, mut at) = (BTreeMap::new(), 0);
    while plain[at] != 0 {
        let head = &plain[at..at + 512];
        let name = head[..100].split(|byte| *byte == 0).next().unwrap().to_vec();
        let length = usize::from_str_radix(std::str::from_utf8(&head[124..135]).unwrap(), 8).unwrap();
        files.insert(String::from_utf8(name).unwrap(), plain[at + 512..][..length].to_vec());
        at += 512 + length.div_ceil(512) * 512;
    }
    Archive { files, plain }
}

async fn own_archive(relay: &TestRelay, of: &Browser, character: i64) -> Archive {
    archive(relay, of, "GET", &format!("/api/v1/me/characters/{character}/export"), None).await
}

/// Damage of the first player in so many deltas of a script.
fn damage(deltas: u64) -> u64 {
    (1..=deltas).map(|seq| 1_000 + seq).sum()
}

#[tokio::test]
async fn who_has_proved_a_character_is_given_all_of_it_and_nothing_of_others() {
    let data = tempfile::tempdir().unwrap();
    let relay = open(data.path()).await;
    let mut ana = administrator(&relay).await;
    let (bo, character) = proved(&relay, &mut ana, 2, "Bo").await;
    let mut cy = joined(&relay, 3, "Cy", None).await;
    claims(&mut cy, WORDS, "administrator").await;
    for player in ["aeris", "Böreas"] {
        let form = json!({"player": player, "links": "https://elsewhere.example/x", "contact": CONTACT});
        assert_eq!(Browser::at(&relay, 4).ask("POST", "/api/v1/removals", Some(form)).await.status, 204);
    }
    let titled = || Hello { title: Some(TITLE.into()), ..hello() };
    let (public_raid, public) = finished(&relay, KEY, 1, hello(), &Script::new(10, 2)).await;
    let of_class = Hello { visibility: Visibility::Unlisted, names: NamesPolicy::Class, ..titled() };
    let (class_raid, unlisted) = finished(&relay, OTHER_KEY, 2, of_class, &Script::new(20, 2)).await;
    let of_few = Hello { visibility: Visibility::Private, ..titled() };
    let fight = Script::new(30, 3).at(1_790_000_100_000);
    let (private_raid, private) = finished(&relay, OTHER_KEY, 3, of_few, &fight).await;
    let apart = Hello { visibility: Visibility::Unlisted, report_visibility: Some(Visibility::Public), ..titled() };
    let fight = Script::new(40, 4).at(1_790_000_200_000);
    let (apart_raid, apart) = finished(&relay, OTHER_KEY, 4, apart, &fight).await;
    all_derived(&relay).await;

    let all = own_archive(&relay, &bo, character).await;
    let mut expected: BTreeSet<_> =
        ["README.txt", "player.json", "notes.json", "names.json", "removals.json", "end.json"]
            .map(str::to_owned)
            .into();
    for number in 1..=4 {
        expected.extend(["fight.json", "log-1.jsonl"].map(|name| format!("fights/{number:05}/{name}")));
    }
    assert_eq!(all.names(), expected.iter().map(String::as_str).collect());
    assert_eq!(all.json("end.json"), json!({"fights": 4, "isAll": true, "next": null}));
    let player = all.json("player.json");
    assert_eq!((&player["player"], &player["hidden"]), (&json!(keys()[0]), &Value::Null));
    assert_eq!((&player["character"]["isYours"], &player["character"]["called"]), (&json!(true), &json!(NAMES[0])));
    assert_eq!((&player["claims"][0]["isYours"], &player["claims"][0]["called"]), (&json!(false), &Value::Null));
    let names = all.json("names.json");
    assert_eq!(
        (names.as_array().unwrap().len(), &names[0]["name"], &names[0]["fights"]),
        (1, &json!(NAMES[0]), &json!(4))
    );
    let removals = all.json("removals.json");
    assert_eq!((removals.as_array().unwrap().len(), &removals[0]["player"]), (1, &json!("aeris")));
    let noted = all.json("notes.json").to_string();
    assert!(noted.contains("character_proved") && noted.contains("player_exported"), "{noted}");

    // The newest first: which report and raid it is, is told where all may see both, or the one.
    let leads: Vec<_> = (1..=4).map(|number| all.fight(number)).collect();
    let leads: Vec<_> = leads.iter().map(|fight| (fight["reportId"].as_str(), fight["raid"].as_str())).collect();
    assert_eq!(leads, [(Some(&*apart), None), (None, None), (None, None), (Some(&*public), Some(&*public_raid))]);
    for (number, deltas) in [(1, 40), (2, 30), (3, 20), (4, 10)] {
        let fight = all.fight(number);
        assert_eq!(fight["player"]["name"], NAMES[0]);
        assert_eq!((&fight["player"]["damage"], &fight["player"]["isLocal"]), (&json!(damage(deltas)), &json!(true)));
        assert_eq!(fight["derived"]["players"].as_array().unwrap().len(), 1);
        assert_eq!(fight["derived"]["players"][0]["damage_dealt"], json!(damage(deltas)));
        assert_eq!(fight["derived"]["skills"].as_array().unwrap().len(), 1);
        let places = (&fight["derived"]["players"][0]["number"], &fight["derived"]["skills"][0]["player"]);
        assert_eq!(places, (&Value::Null, &Value::Null), "that would say who did more");
        assert_eq!(fight["encounter"]["scene"], "Towering Ruin");
        assert_eq!(fight["bosses"][0]["name"], "Kartgriff");
        assert_eq!(fight["bosses"][0]["maxHp"], Value::Null, "that is what all did together to one that was defeated");
        assert_eq!((&fight["logFiles"], &fight["logUnreadable"]), (&json!(1), &json!(false)));
        // What one did, what a monster did to one, and what another healed: of that not with what.
        let log = all.log(number);
        let count = |by: &str, to: &str| {
            let hits = log.iter().filter(|line| line["what"] == "hit");
            hits.filter(|line| line["by"]["is"] == by && line["to"]["is"] == to).count() as u64
        };
        assert_eq!([count("you", "monster"), count("monster", "you"), count("another", "you")], [deltas; 3]);
        assert_eq!(log.iter().filter(|line| line["what"] == "hit").count() as u64, 3 * deltas);
        let mut by_another = log.iter().filter(|line| line["by"]["is"] == "another");
        assert!(by_another.all(|line| line["skill"].is_null()));
    }
    // Where names are hidden he is told what stands for him there.
    let stands_for =
        RelaySecret::new([7; 32]).pseudonym(&class_raid, NamesPolicy::Class, ActorId::from_hex(&keys()[0]).unwrap());
    let shown_as = all.fight(3)["shownAs"].clone();
    assert_eq!(shown_as["playerKey"], stands_for.to_hex());
    assert!(shown_as["number"].as_i64().is_some_and(|number| (1..=3).contains(&number)), "{shown_as}");
    assert_eq!(all.fight(4)["shownAs"], Value::Null);

    // Nobody else is in it, nor what leads to what not all may see.
    let mut needles: Vec<Vec<u8>> = Vec::new();
    for (name, key) in NAMES.iter().zip(keys()).skip(1) {
        needles.extend([name.as_bytes().to_vec(), name.to_lowercase().into_bytes()]);
        needles.extend([key.clone().into_bytes(), ActorId::from_hex(&key).unwrap().0.to_vec()]);
    }
    let texts = [TITLE, CONTACT, WORDS, "elsewhere.example", "Cy\"", "Ana\"", PASSWORD];
    needles.extend(texts.map(|text| text.as_bytes().to_vec()));
    let links = [&class_raid, &unlisted, &private_raid, &private, &apart_raid];
    needles.extend(links.map(|link| link.clone().into_bytes()));
    for needle in &needles {
        assert!(!all.holds(needle), "{}", String::from_utf8_lossy(needle));
    }
    for needle in [NAMES[0], &keys()[0], &public] {
        assert!(all.holds(needle.as_bytes()), "the scan finds what is there: {needle}");
    }
    let note = relay.store.audit(None, 1).await.unwrap().remove(0).note;
    assert_eq!((note.what, note.by.map(|by| by.0)), (Audited::PlayerExported, note.about));
    relay.stop().await;
}

#[tokio::test]
async fn whose_character_it_is_not_is_answered_as_where_there_is_none() {
    let data = tempfile::tempdir().unwrap();
    let relay = open(data.path()).await;
    let mut ana = administrator(&relay).await;
    let (mut bo, own) = proved(&relay, &mut ana, 2, "Bo").await;
    let mut cy = joined(&relay, 3, "Cy", None).await;
    finished(&relay, KEY, 1, hello(), &Script::new(10, 2)).await;
    all_derived(&relay).await;
    let path = |id: i64| format!("/api/v1/me/characters/{id}/export");
    let (others, nobodys) = (cy.get(&path(own)).await, cy.get(&path(999_999)).await);
    assert_eq!((others.status, &others.body), (404, &nobodys.body));
    assert_eq!((nobodys.status, nobodys.code()), (404, "not_found"));
    // An administrator has no more of his own than others have.
    assert_eq!(ana.get(&path(own)).await.status, 404);
    assert_eq!(Browser::at(&relay, 4).get(&path(own)).await.code(), "signed_out");
    let mut foreign = bo.clone();
    foreign.page = "Sec-Fetch-Site: cross-site\r\n";
    assert_eq!(foreign.get(&path(own)).await.code(), "foreign_page");
    assert_eq!(bo.get(&format!("{}?before=x", path(own))).await.status, 400);
    // From before the first fight on there is none.
    let end = archive(&relay, &bo, "GET", &format!("{}?before=1", path(own)), None).await.json("end.json");
    assert_eq!(end, json!({"fights": 0, "isAll": true, "next": null}));
    // What was given to another is his.
    let claim = claims(&mut cy, "mine", "administrator").await;
    let open = ana.get("/api/v1/claims").await.body;
    let believes = json!({"held": open["claims"][0]["holder"]["id"]});
    assert_eq!(ana.ask("PUT", &format!("/api/v1/claims/{}", claim["id"]), Some(believes)).await.status, 204);
    assert_eq!(bo.get(&path(own)).await.status, 404);
    let now_his = character(&mut cy).await;
    assert_eq!(own_archive(&relay, &cy, now_his).await.json("end.json")["fights"], 1);
    let noted = relay.store.audit(None, 99).await.unwrap();
    let exported = noted.iter().filter(|row| row.note.what == Audited::PlayerExported);
    assert_eq!(exported.count(), 2, "of what was refused nothing is noted");
    relay.pass_ms(16 * 60_000);
    assert_eq!(cy.get(&path(now_his)).await.code(), "sign_in_again");
    relay.stop().await;
}

/// Or two who work together would learn where anybody plays, and who he is where names are hidden.
#[tokio::test]
async fn a_friends_word_gives_nobody_an_archive() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start_set(data.path(), |config| {
        config.registration = Registration::Open;
        config.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
        config.character_proof = vec![ProofWay::Officer];
    })
    .await;
    let (mut officer, mut bo) = (joined(&relay, 2, "Officer", None).await, joined(&relay, 3, "Bo", None).await);
    let (_, key) = officer.make_key(&["upload"], None).await;
    finished(&relay, &key, 1, hello(), &Script::new(10, 2)).await;
    all_derived(&relay).await;
    let claim = claims(&mut bo, "my main", "officer").await;
    let confirms = format!("/api/v1/me/confirmations/{}", claim["code"].as_str().unwrap());
    assert_eq!(officer.ask("PUT", &confirms, None).await.status, 204);
    let character = character(&mut bo).await;
    let refused = bo.get(&format!("/api/v1/me/characters/{character}/export")).await;
    assert_eq!((refused.status, refused.code()), (409, "conflict"));
    assert!(refused.body["message"].as_str().unwrap().contains("administrator"), "{}", refused.body);
    assert!(relay.store.audit(None, 9).await.unwrap().iter().all(|row| row.note.what != Audited::PlayerExported));
    relay.stop().await;
}

#[tokio::test]
async fn an_administrator_is_given_what_is_held_of_any_player_and_that_is_noted() {
    const PATH: &str = "/api/v1/player-exports";
    let data = tempfile::tempdir().unwrap();
    let relay = open(data.path()).await;
    let mut ana = administrator(&relay).await;
    let (mut bo, _) = proved(&relay, &mut ana, 2, "Bo").await;
    let of_class = Hello { names: NamesPolicy::Class, ..hello() };
    let (_, report) = finished(&relay, KEY, 1, of_class, &Script::new(10, 2)).await;
    all_derived(&relay).await;
    let by_number = json!({"player": PLAYER});
    assert_eq!(bo.ask("POST", PATH, Some(by_number.clone())).await.code(), "not_administrator");
    assert_eq!(Browser::at(&relay, 4).ask("POST", PATH, Some(by_number.clone())).await.code(), "signed_out");
    let mut foreign = ana.clone();
    foreign.page = "Sec-Fetch-Site: cross-site\r\n";
    assert_eq!(foreign.ask("POST", PATH, Some(by_number.clone())).await.code(), "foreign_page");
    assert_eq!(ana.ask("POST", PATH, Some(json!({"player": "nobody"}))).await.status, 400);

    let (_, body) = relay.get(&format!("/api/v1/reports/{report}")).await;
    let stands_for = body["players"].as_array().unwrap().iter().find(|player| player["damage"] == damage(10));
    let stands_for = stands_for.expect("he is among them")["playerKey"].clone();
    // A key that stands for somebody there is good with where it was seen.
    assert_eq!(ana.ask("POST", PATH, Some(json!({"player": stands_for}))).await.code(), "not_found");
    for form in [by_number.clone(), json!({"player": keys()[0]}), json!({"player": stands_for, "seenIn": report})] {
        let all = archive(&relay, &ana, "POST", PATH, Some(form)).await;
        assert_eq!(
            (all.json("player.json")["player"].clone(), all.fight(1)["player"]["name"].clone()),
            (json!(keys()[0]), json!(NAMES[0]))
        );
        assert!(!all.names().contains("notes.json"));
        // Who holds the character may be another than who asked for this.
        let character = all.json("player.json")["character"].clone();
        assert_eq!((&character["isYours"], &character["called"]), (&json!(false), &Value::Null));
        for needle in [NAMES[1], NAMES[2], "my main", &keys()[1], &keys()[2]] {
            assert!(!all.holds(needle.as_bytes()), "{needle}");
        }
        let audit = ana.get("/api/v1/audit").await.body;
        let line = &audit["lines"][0];
        assert_eq!((&line["what"], &line["byName"]), (&json!("player_exported"), &json!("Ana")));
        assert!(line["about"].is_i64() && line["about"] != line["by"], "whose character it is: {line}");
        assert!(line["aboutName"].is_string() && line["aboutName"] != line["byName"], "{line}");
    }
    // Of whom nothing is known an archive says so.
    let nobody = archive(&relay, &ana, "POST", PATH, Some(json!({"player": "77"}))).await;
    assert_eq!(nobody.json("end.json"), json!({"fights": 0, "isAll": true, "next": null}));
    assert_eq!((nobody.json("player.json")["character"].clone(), nobody.json("names.json")), (Value::Null, json!([])));
    relay.pass_ms(16 * 60_000);
    assert_eq!(ana.ask("POST", PATH, Some(by_number)).await.code(), "sign_in_again");
    relay.stop().await;
}

#[tokio::test]
async fn who_is_hidden_is_given_his_own_and_nothing_that_his_raid_does_not_show_yet() {
    let data = tempfile::tempdir().unwrap();
    let mut relay = open(data.path()).await;
    let mut ana = administrator(&relay).await;
    let (mut bo, character) = proved(&relay, &mut ana, 2, "Bo").await;
    let (_, shown) = finished(&relay, KEY, 1, hello(), &Script::new(10, 2)).await;
    all_derived(&relay).await;
    let path = format!("/api/v1/me/characters/{character}");
    assert_eq!(bo.ask("PATCH", &path, Some(json!({"hidden": true}))).await.status, 204);
    assert!(!relay.get(&format!("/api/v1/reports/{shown}")).await.1.to_string().contains(NAMES[0]));
    let fight = Script::new(20, 4).at(1_790_000_100_000);
    finished(&relay, KEY, 2, Hello { delay_s: 60, ..hello() }, &fight).await;
    let all = own_archive(&relay, &bo, character).await;
    assert_eq!(all.json("player.json")["hidden"]["byAdministrator"], json!(false));
    assert_eq!(all.fight(1)["player"]["name"], NAMES[0]);
    assert_eq!(all.fight(1)["shownAs"]["number"], json!(1));
    assert_eq!(all.json("names.json")[0]["name"], NAMES[0]);
    assert_eq!(all.json("end.json")["fights"], json!(1), "what is behind is not told");
    relay.pass_ms(61_000);
    relay = relay.restart().await;
    all_derived(&relay).await;
    let mut bo = Browser::at(&relay, 2);
    assert_eq!(bo.sign_in("Bo", PASSWORD).await.status, 200);
    let all = own_archive(&relay, &bo, character).await;
    assert_eq!(all.json("end.json")["fights"], json!(2));
    assert_eq!(all.fight(1)["player"]["damage"], json!(damage(20)));
    relay.stop().await;
}

#[tokio::test]
async fn a_fight_that_nobody_ended_is_told_and_one_that_is_damaged_as_far_as_it_can_be_read() {
    let data = tempfile::tempdir().unwrap();
    let relay = open(data.path()).await;
    let mut ana = administrator(&relay).await;
    let (bo, character) = proved(&relay, &mut ana, 2, "Bo").await;
    let (_, damaged) = finished(&relay, OTHER_KEY, 9, hello(), &Script::new(10, 2)).await;
    all_derived(&relay).await;
    let mut uploader = Uploader::connect(&relay).await;
    let fight = Script::new(20, 2);
    let begun = uploader.begin(&fight).await;
    uploader.deltas(begun.h, &fight.deltas).await;
    uploader.acked(20).await;
    assert_eq!(own_archive(&relay, &bo, character).await.json("end.json")["fights"], json!(1), "the other goes on");
    relay.pass_ms(600_001);
    becomes("its end", async || relay.report(&begun.report).await.state == ReportState::Provisional).await;
    all_derived(&relay).await;
    let all = own_archive(&relay, &bo, character).await;
    assert_eq!((&all.fight(1)["state"], &all.fight(2)["state"]), (&json!("provisional"), &json!("final")));
    assert_eq!(all.fight(1)["player"]["damage"], json!(damage(20)));
    assert_eq!(all.log(1).iter().filter(|line| line["what"] == "hit").count(), 60);
    drop(uploader);
    relay.stop().await;
    let log = format!("UPDATE encounter_log SET log = X'00' {OF_REPORT}");
    damage_row(data.path(), &log, &damaged).await;
    let relay = open(data.path()).await;
    let mut bo = Browser::at(&relay, 2);
    assert_eq!(bo.sign_in("Bo", PASSWORD).await.status, 200);
    let all = own_archive(&relay, &bo, character).await;
    let fight = all.fight(2);
    assert_eq!((&fight["logUnreadable"], &fight["logFiles"]), (&json!(true), &json!(0)));
    assert_eq!(fight["player"]["damage"], json!(damage(10)));
    relay.stop().await;
}

/// Each is noted, and the list of who changed what has room for so many notes.
#[tokio::test]
async fn whoever_asks_for_one_archive_after_the_other_waits_and_pushes_nothing_out_of_the_list_of_changes() {
    const PATH: &str = "/api/v1/player-exports";
    let data = tempfile::tempdir().unwrap();
    let relay = open(data.path()).await;
    let mut ana = administrator(&relay).await;
    let (bo, character) = proved(&relay, &mut ana, 2, "Bo").await;
    let nobody = json!({"player": "77"});
    for _ in 0..10 {
        archive(&relay, &ana, "POST", PATH, Some(nobody.clone())).await;
    }
    let before = relay.store.audit(None, 99).await.unwrap().len();
    // Of himself he is given no more, either.
    for (method, path, form) in [("POST", PATH, Some(nobody)), ("GET", "/api/v1/me/export", None)] {
        let refused = ana.ask(method, path, form).await;
        assert_eq!((refused.status, refused.code()), (429, "too_many"), "{path}");
        let waits = refused.plain().0.iter().find_map(|line| line.strip_prefix("retry-after: "));
        let waits: u32 = waits.expect("it says when to come back").parse().unwrap();
        assert!((1..=15 * 60 / 10 + 1).contains(&waits), "{waits}");
    }
    assert_eq!(relay.store.audit(None, 99).await.unwrap().len(), before);
    // Nobody else waits for it.
    own_archive(&relay, &bo, character).await;
    relay.stop().await;
}
