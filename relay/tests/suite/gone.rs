//! What is deleted is gone: from answers, rooms, lists, rows and files, and everything else is as it was.

use std::path::Path;
use std::time::Duration;

use futures::TryStreamExt as _;
use raidcast_relay::account::RelaySecret;
use raidcast_relay::database::Database;
use raidcast_shared::feed::SUBPROTOCOL;
use raidcast_shared::id::{ActorId, RaidId};
use raidcast_shared::uplink::{Hello, Outcome, RAID_DELETED, RefusedCode, RefusedScope, UplinkReply};
use raidcast_store::transfer::{Row, Table, Transfer as _};
use raidcast_store::{
    AccountId, Audited, EncounterRow, Erasure, JobKind, Leaving, NewWebhook, Note, PersonId, WebhookMessage,
};
use serde_json::json;
use uuid::Uuid;

use crate::people::{Browser, open, secret_of};
use crate::raw::becomes;
use crate::script::{KEY, OTHER_KEY, Script, Spectator, TestRelay, UPLOAD_KEY, Uploader, hello};

const TITLE: &str = "Mumblefritz night";
/// In place of names of the script's, as long as those.
const NAMES: [(&str, &str); 2] = [("Aeris", "Qzxwv"), ("Kartgriff", "Zqxwvutsr")];
/// A meter's hash of a fight.
const HASH: [u8; 16] = *b"\xd7hash-of-a-fight";

/// A fight of other players, by names that are nobody else's.
fn marked(n: u64, stream: u128, at_ms: i64) -> Script {
    let mut fight = Script::new(n, stream).at(at_ms);
    for (actor, id) in fight.deltas[0].actors.iter_mut().zip(101..) {
        actor.id = ActorId::clear(id);
    }
    for rare in &mut fight.deltas[0].rare {
        let mut bytes = rare.to_vec();
        for (name, other) in NAMES {
            while let Some(at) = bytes.windows(name.len()).position(|at| at == name.as_bytes()) {
                bytes[at..at + name.len()].copy_from_slice(other.as_bytes());
            }
        }
        *rare = bytes.into();
    }
    fight
}

/// Streams a fight to its report.
async fn finished(uploader: &mut Uploader, fight: &Script) -> String {
    let begun = uploader.begin(fight).await;
    uploader.deltas(begun.h, &fight.deltas).await;
    assert!(matches!(uploader.end(begun.h, fight, Outcome::Kill).await, UplinkReply::Finalized { .. }));
    begun.report
}

async fn second_raid(relay: &TestRelay, key: &str) -> Uploader {
    let hello = Hello { raid: RaidId(Uuid::from_u128(0xfeed_0002)), title: Some(TITLE.into()), ..hello() };
    Uploader::connect_as(relay, key, hello).await
}

/// Waits until nothing of a kind is still to be done.
async fn done(relay: &TestRelay, kinds: &[JobKind]) {
    for kind in kinds {
        becomes("what is to be done", async || relay.store.jobs(*kind).await.unwrap().count == 0).await;
    }
}

/// All rows, but for notes of who changed what.
async fn rows(relay: &TestRelay) -> Vec<Row> {
    let mut export = relay.sqlite().export().await.unwrap();
    let mut rows = Vec::new();
    for table in Table::ALL.into_iter().filter(|table| *table != Table::Audit && *table != Table::Quota) {
        rows.extend(export.rows(table).try_collect::<Vec<_>>().await.unwrap());
    }
    rows
}

/// What of a fight would be found in files.
async fn needles_of(relay: &TestRelay, row: &EncounterRow) -> Vec<Vec<u8>> {
    let mut needles = vec![row.report_id.clone().into_bytes(), row.key.encounter.0.as_bytes().to_vec()];
    let journal = relay.store.read_journal(row.row).await.unwrap();
    needles.extend(journal.log.iter().map(|log| log[log.len() / 2..][..24].to_vec()));
    let entries = journal.streams.iter().flat_map(|(_, entries)| entries);
    needles.extend(entries.map(|entry| entry.data[..24.min(entry.data.len())].to_vec()));
    let (_, record) = relay.store.report(&row.report_id).await.unwrap().unwrap();
    needles.extend(record.iter().map(|record| record[record.len() / 2..][..24].to_vec()));
    needles
}

/// What of names, ids of players and a raid would be found in files.
fn needles(raid: &str) -> Vec<Vec<u8>> {
    let mut needles = vec![raid.as_bytes().to_vec(), TITLE.as_bytes().to_vec(), HASH.to_vec()];
    needles.push(Uuid::from_u128(0xfeed_0002).as_bytes().to_vec());
    for (_, name) in NAMES {
        needles.extend([name.as_bytes().to_vec(), name.to_lowercase().into_bytes()]);
    }
    for id in 101..105 {
        let id = RelaySecret::new([7; 32]).actor(ActorId::clear(id));
        needles.extend([id.0.to_vec(), id.to_hex().into_bytes()]);
    }
    needles
}

/// All files of a folder.
fn files(data: &Path) -> Vec<Vec<u8>> {
    std::fs::read_dir(data).unwrap().map(|entry| std::fs::read(entry.unwrap().path()).unwrap()).collect()
}

/// Without those that another fight has, too.
fn only_of(needles: Vec<Vec<u8>>, others: &[Vec<u8>]) -> Vec<Vec<u8>> {
    needles.into_iter().filter(|needle| !others.iter().any(|bytes| memchr(bytes, needle))).collect()
}

/// Which of these stand in any file of a folder, by their places.
fn found(data: &Path, needles: &[Vec<u8>]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(data).unwrap() {
        let path = entry.unwrap().path();
        assert!(path.is_file(), "a folder that nobody scans: {}", path.display());
        let bytes = std::fs::read(&path).unwrap();
        for needle in needles {
            let is_there = memchr(&bytes, needle);
            found.extend(is_there.then(|| format!("{}: {}", path.display(), String::from_utf8_lossy(needle))));
        }
    }
    found
}

fn memchr(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|at| at == needle)
}

#[tokio::test]
async fn nothing_of_a_deleted_raid_is_left_in_any_file_and_all_else_is_as_it_was() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect(&relay).await;
    let kept = finished(&mut uploader, &Script::new(40, 2)).await;
    let open_fight = Script::new(20, 4).at(1_790_000_100_000);
    let begun = uploader.begin(&open_fight).await;
    uploader.deltas(begun.h, &open_fight.deltas).await;
    uploader.acked(20).await;
    done(&relay, &[JobKind::Derive]).await;
    let (before, others) = (rows(&relay).await, files(data.path()));
    let (_, seen_before) = relay.get(&format!("/api/v1/reports/{kept}")).await;

    // One that is final, one that goes on, and one that was replaced.
    let mut other = second_raid(&relay, OTHER_KEY).await;
    let raid = other.welcome.raid.clone();
    let first = finished(&mut other, &marked(60, 6, 1_790_000_200_000)).await;
    let second = finished(&mut other, &marked(30, 8, 1_790_000_300_000)).await;
    let live = marked(25, 10, 1_790_000_400_000);
    let begun = other.begin(&live).await;
    other.deltas(begun.h, &live.deltas).await;
    other.acked(25).await;
    done(&relay, &[JobKind::Derive]).await;
    let mut needles = needles(&raid);
    for report in [&first, &second, &begun.report] {
        let (row, _) = relay.store.report(report).await.unwrap().unwrap();
        relay.store.know_upload(row.key, Some(HASH), 77).await.unwrap();
        let ids: Vec<_> = (101..105).map(|id| RelaySecret::new([7; 32]).actor(ActorId::clear(id))).collect();
        relay.store.number_players(&raid, &ids).await.unwrap();
        needles.extend(needles_of(&relay, &row).await);
    }
    let needles = only_of(needles, &others);
    assert!(found(data.path(), &needles).len() >= needles.len() - 4, "the scan finds what is there");
    for path in [&first, &begun.report] {
        for rest in ["", "/timeline", "/details", "/recaps", "?from=500&to=2000"] {
            assert_eq!(relay.get(&format!("/api/v1/reports/{path}{rest}")).await.0, 200);
        }
    }
    let mut spectator = Spectator::join(&relay, &raid, SUBPROTOCOL).await;
    spectator.hear().await.unwrap();

    // Whose it is not learns nothing, as where there is none.
    let path = format!("/api/v1/raids/{raid}");
    let strange = relay.request("DELETE", &path, Some(KEY)).await;
    assert_eq!(strange.0, 404);
    assert_eq!(relay.request("DELETE", "/api/v1/raids/nowhere", Some(KEY)).await, strange);
    assert_eq!(relay.request("DELETE", &path, None).await.0, 401, "neither a key nor a page of the relay");
    assert_eq!(relay.request("DELETE", &path, Some(OTHER_KEY)).await, (200, json!({"done": true})));

    // Who streams into it is told why he is let go, not that the relay stops.
    let told = loop {
        match other.reply().await {
            UplinkReply::Refused(refused) if refused.scope == RefusedScope::Connection => break refused,
            UplinkReply::Draining { .. } => panic!("the relay does not stop"),
            _ => {}
        }
    };
    assert_eq!((told.text.as_str(), told.retry_ms), (RAID_DELETED, Some(1_000)));
    while spectator.hear().await.is_some() {}
    assert_eq!(spectator.bye.as_ref().and_then(|bye| bye.retry_ms), None);
    assert_eq!(relay.get(&path).await.0, 404);
    assert_eq!(relay.request("DELETE", &path, Some(OTHER_KEY)).await.0, 404);
    for report in [&first, &second, &begun.report] {
        assert_eq!(relay.get(&format!("/api/v1/reports/{report}")).await.0, 404);
    }
    done(&relay, &[JobKind::Erase, JobKind::Wipe]).await;
    assert_eq!(found(data.path(), &needles), Vec::<String>::new());
    // Accounts are made when their keys are first used: it was not there before.
    let is_new = |row: &Row| matches!(row, Row::Account(account) if account.name == "other");
    let now: Vec<_> = rows(&relay).await.into_iter().filter(|row| !is_new(row)).collect();
    assert_eq!(now, before);
    assert_eq!(relay.get(&format!("/api/v1/reports/{kept}")).await.1, seen_before);
    let notes = relay.store.audit(None, 9).await.unwrap();
    assert_eq!(notes.len(), 1);
    // Nor after a restart; and the client that streamed it begins the raid anew.
    let relay = relay.restart().await;
    assert_eq!(found(data.path(), &needles), Vec::<String>::new());
    assert_eq!(relay.get(&format!("/api/v1/reports/{kept}")).await.1, seen_before);
    let again = second_raid(&relay, OTHER_KEY).await;
    assert_ne!(again.welcome.raid, raid);
    relay.stop().await;
}

#[tokio::test]
async fn a_deleted_fight_is_not_taken_again_while_it_is_streamed_and_leaves_its_raid_as_it_was() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = second_raid(&relay, KEY).await;
    let raid = uploader.welcome.raid.clone();
    let kept = finished(&mut uploader, &Script::new(40, 2)).await;
    done(&relay, &[JobKind::Derive]).await;
    let others = files(data.path());
    let gone = finished(&mut uploader, &marked(30, 4, 1_790_000_100_000)).await;
    let fight = marked(40, 6, 1_790_000_200_000);
    let begun = uploader.begin(&fight).await;
    uploader.deltas(begun.h, &fight.deltas[..30]).await;
    uploader.acked(30).await;
    done(&relay, &[JobKind::Derive]).await;
    let mut needles: Vec<_> = needles(&raid).split_off(4);
    for report in [&gone, &begun.report] {
        let (row, _) = relay.store.report(report).await.unwrap().unwrap();
        needles.extend(needles_of(&relay, &row).await);
    }
    let needles = only_of(needles, &others);
    assert!(needles.len() > 10 && !found(data.path(), &needles).is_empty());
    let mut spectator = Spectator::join(&relay, &raid, SUBPROTOCOL).await;
    spectator.hear().await.unwrap();
    let path = |report: &str| format!("/api/v1/reports/{report}");
    // A key that may only upload deletes nothing.
    assert_eq!(relay.request("DELETE", &path(&gone), Some(UPLOAD_KEY)).await.1["code"], "forbidden");
    let strange = relay.request("DELETE", &path(&gone), Some(OTHER_KEY)).await;
    assert_eq!(strange.0, 404);
    assert_eq!(relay.request("DELETE", &path("nowhere"), Some(OTHER_KEY)).await, strange);
    for report in [&gone, &begun.report] {
        assert_eq!(relay.request("DELETE", &path(report), Some(KEY)).await, (200, json!({"done": true})));
        assert_eq!(relay.get(&path(report)).await.0, 404);
    }
    // Who streams it is told, and told again if he begins it.
    let UplinkReply::Refused(refused) = uploader.reply().await else { panic!("not told") };
    assert_eq!((refused.code, refused.scope), (RefusedCode::NotSupported, RefusedScope::Encounter));
    uploader.deltas(begun.h, &fight.deltas[30..31]).await;
    let UplinkReply::Refused(refused) = uploader.reply().await else { panic!("it is taken") };
    assert_eq!(refused.code, RefusedCode::UnknownHandle);
    // Who watches sees the raid without it.
    spectator.echoes().await;
    let (_, page) = relay.get(&format!("/api/v1/raids/{raid}")).await;
    let listed: Vec<_> = page["reports"].as_array().unwrap().iter().map(|line| line["reportId"].clone()).collect();
    assert_eq!(listed, [json!(kept)]);
    done(&relay, &[JobKind::Wipe, JobKind::Derive]).await;
    assert_eq!(found(data.path(), &needles), Vec::<String>::new());
    relay.stop().await;
}

#[cfg(all(unix, feature = "postgres"))]
#[tokio::test]
async fn the_same_is_gone_from_postgres() {
    let Some(cluster) = raidcast_pgkit::shared() else { return };
    let data = tempfile::tempdir().unwrap();
    let database = Database::Postgres(crate::migrated::database(cluster));
    let relay = TestRelay::start_on(data.path(), Some(database)).await;
    let mut uploader = Uploader::connect(&relay).await;
    let kept = finished(&mut uploader, &Script::new(40, 2)).await;
    let mut other = second_raid(&relay, OTHER_KEY).await;
    let raid = other.welcome.raid.clone();
    let gone = finished(&mut other, &marked(30, 4, 1_790_000_100_000)).await;
    done(&relay, &[JobKind::Derive]).await;
    let deleted = relay.request("DELETE", &format!("/api/v1/raids/{raid}"), Some(OTHER_KEY)).await;
    assert_eq!(deleted, (200, json!({"done": true})));
    assert_eq!(relay.get(&format!("/api/v1/reports/{gone}")).await.0, 404);
    assert_eq!(relay.get(&format!("/api/v1/reports/{kept}")).await.0, 200);
    assert_eq!(relay.store.raid_by_code(&raid).await.unwrap(), None);
    done(&relay, &[JobKind::Erase, JobKind::Wipe]).await;
    relay.stop().await;
}

#[tokio::test]
async fn somebody_who_goes_takes_all_that_is_his_and_the_last_administrator_stays() {
    let data = tempfile::tempdir().unwrap();
    let relay = open(data.path()).await;
    let mut ana = Browser::at(&relay, 1);
    let first = secret_of(relay.first_link().unwrap());
    assert_eq!(ana.join("Ana", Some(&first)).await.status, 201);
    let before = rows(&relay).await;
    let mut bo = Browser::at(&relay, 2);
    assert_eq!(bo.join("Mumblefritz", None).await.status, 201);
    let (_, key) = bo.make_key(&["upload", "read", "manage"], None).await;
    let mut uploader = second_raid(&relay, &key).await;
    let raid = uploader.welcome.raid.clone();
    let report = finished(&mut uploader, &marked(30, 4, 1_790_000_100_000)).await;
    done(&relay, &[JobKind::Derive]).await;
    let mine = bo.get("/api/v1/me/raids").await.body;
    assert_eq!(
        (&mine["raids"][0]["code"], &mine["raids"][0]["fights"], &mine["next"]),
        (&json!(raid), &json!(1), &json!(null))
    );
    assert_eq!(ana.get("/api/v1/me/raids").await.body["raids"], json!([]));

    // Nobody but him, from a page of the relay, who has just shown who he is.
    let mut foreign = bo.clone();
    foreign.page = "Sec-Fetch-Site: cross-site\r\n";
    assert_eq!(foreign.ask("DELETE", "/api/v1/me", None).await.code(), "foreign_page");
    let people = ana.get("/api/v1/people").await.body;
    let id = people["people"][1]["id"].as_i64().unwrap();
    assert_eq!(people["people"][1]["name"], "Mumblefritz");
    assert_eq!(bo.ask("DELETE", &format!("/api/v1/people/{id}"), None).await.code(), "not_administrator");
    assert_eq!(ana.ask("DELETE", "/api/v1/me", None).await.code(), "conflict", "nobody else administrates");
    relay.pass_ms(16 * 60_000);
    assert_eq!(bo.ask("DELETE", "/api/v1/me", None).await.code(), "sign_in_again");
    assert_eq!(bo.sign_in("Mumblefritz", "correct horse battery").await.status, 200);
    let hook = NewWebhook {
        account: relay.store.accounts_of(PersonId(id)).await.unwrap()[0].id,
        digest: *b"the digest of a webhook's addres",
        sealed: b"an address that only the relay opens".to_vec(),
        host: "discord.com".into(),
        note: Note { by: None, key: None, what: Audited::WebhookSet, about: None, at_ms: 1 },
    };
    assert!(relay.store.set_webhook(&hook).await.unwrap());
    let message = WebhookMessage {
        digest: hook.digest,
        message: "998877665544332211".into(),
        shown: *b"the digest of what a message say",
        sent_at_ms: 1,
    };
    relay.store.keep_webhook_message(&raid, &message).await.unwrap();
    let mut needles = needles(&raid);
    needles.extend([hook.digest.to_vec(), hook.sealed, message.message.into_bytes(), message.shown.to_vec()]);
    needles.push(b"mumblefritz".to_vec());
    needles.extend(needles_of(&relay, &relay.store.report(&report).await.unwrap().unwrap().0).await);
    assert_eq!(relay.get_with("/api/v1/auth/check", Some(&key)).await, (200, json!({"valid": true})));
    let gone = bo.ask("DELETE", "/api/v1/me", None).await;
    assert_eq!((gone.status, gone.body), (200, json!({"done": true})));

    // All that was open has ended, and nothing lets him in.
    let UplinkReply::Refused(refused) = uploader.reply().await else { panic!("it goes on") };
    assert_eq!(refused.code, RefusedCode::Unauthorized);
    assert_eq!(bo.get("/api/v1/me").await.code(), "signed_out");
    assert_eq!(bo.sign_in("Mumblefritz", "correct horse battery").await.code(), "wrong_sign_in");
    assert_eq!(relay.get_with("/api/v1/auth/check", Some(&key)).await.0, 401);
    done(&relay, &[JobKind::Erase, JobKind::Wipe, JobKind::Derive]).await;
    assert_eq!(found(data.path(), &needles), Vec::<String>::new());
    let is_session = |row: &Row| matches!(row, Row::Session(_));
    let without = |rows: Vec<Row>| rows.into_iter().filter(|row| !is_session(row)).collect::<Vec<_>>();
    assert_eq!(without(rows(&relay).await), without(before));
    // Who he was stands in no line, only that somebody went.
    assert_eq!(ana.sign_in("Ana", "correct horse battery").await.status, 200);
    let audit = ana.get("/api/v1/audit").await.body;
    let line = &audit["lines"][0];
    assert_eq!((&line["what"], &line["by"], &line["byName"]), (&json!("person_left"), &json!(id), &json!(null)));
    assert_eq!((&line["about"], &line["aboutName"]), (&json!(id), &json!(null)));
    relay.stop().await;
}

#[tokio::test]
async fn an_archive_holds_all_that_is_held_about_somebody_and_nothing_of_others() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let data = tempfile::tempdir().unwrap();
    let relay = open(data.path()).await;
    let (mut ana, mut bo) = (Browser::at(&relay, 1), Browser::at(&relay, 2));
    assert_eq!(ana.join("Ana", None).await.status, 201);
    assert_eq!(bo.join("Mumblefritz", None).await.status, 201);
    let (_, key) = bo.make_key(&["upload", "manage"], None).await;
    let mut uploader = second_raid(&relay, &key).await;
    let raid = uploader.welcome.raid.clone();
    let report = finished(&mut uploader, &marked(30, 4, 1_790_000_100_000)).await;
    let live = marked(10, 6, 1_790_000_200_000);
    let begun = uploader.begin(&live).await;
    uploader.deltas(begun.h, &live.deltas).await;
    uploader.acked(10).await;
    let mut others = Uploader::connect(&relay).await;
    // What a key of his did is noted of him, what another's did is not.
    let others_raid = format!("/api/v1/raids/{}", others.welcome.raid);
    assert_eq!(relay.send("PUT", &format!("/api/v1/raids/{raid}/pin"), Some(&key), None).await.0, 204);
    let form = json!({"visibility": "private"});
    assert_eq!(relay.send("PATCH", &others_raid, Some(KEY), Some(&form)).await.0, 200);
    let others = finished(&mut others, &Script::new(20, 2)).await;

    let host = relay.url.trim_start_matches("http://").to_owned();
    let mut stream = tokio::net::TcpStream::connect(&host).await.unwrap();
    let cookie = bo.cookie.clone().unwrap();
    let request = format!(
        "GET /api/v1/me/export HTTP/1.0\r\nHost: {host}\r\nX-Forwarded-For: 192.0.2.2\r\n\
         Sec-Fetch-Site: same-origin\r\nCookie: {cookie}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let body = answer.windows(4).position(|at| at == b"\r\n\r\n").unwrap() + 4;
    assert!(answer.starts_with(b"HTTP/1.0 200"), "{}", String::from_utf8_lossy(&answer[..body]));
    let plain = zstd::stream::decode_all(&answer[body..]).unwrap();
    assert_eq!(plain.len() % 512, 0);
    let folder = format!("raids/{raid}");
    let names = [
        "README.txt".into(),
        "person.json".into(),
        "notes.json".into(),
        "links.json".into(),
        "webhooks.json".into(),
        format!("{folder}/raid.json"),
        format!("{folder}/{report}/report.json"),
        format!("{folder}/{report}/log.bin"),
        format!("{folder}/{}/journal-1.bin", begun.report),
    ];
    for name in names {
        assert!(memchr(&plain, format!("{name}\0").as_bytes()), "{name}");
    }
    for (_, name) in NAMES {
        assert!(memchr(&plain, name.as_bytes()), "{name}");
    }
    assert!(memchr(&plain, b"Mumblefritz") && !memchr(&plain, others.as_bytes()) && !memchr(&plain, b"\"Ana\""));
    assert!(!memchr(&plain, key.as_bytes()));
    assert!(memchr(&plain, b"raid_pinned") && !memchr(&plain, b"raid_shown"));
    // Nobody else's page, and nobody who signed in long ago.
    bo.page = "Sec-Fetch-Site: cross-site\r\n";
    assert_eq!(bo.get("/api/v1/me/export").await.code(), "foreign_page");
    bo.page = "Sec-Fetch-Site: same-origin\r\n";
    relay.pass_ms(16 * 60_000);
    assert_eq!(bo.get("/api/v1/me/export").await.code(), "sign_in_again");
    relay.stop().await;
}

#[tokio::test]
async fn an_administrator_removes_somebody_and_closes_requests() {
    let data = tempfile::tempdir().unwrap();
    let relay = open(data.path()).await;
    let mut ana = Browser::at(&relay, 1);
    let first = secret_of(relay.first_link().unwrap());
    assert_eq!(ana.join("Ana", Some(&first)).await.status, 201);
    let mut bo = Browser::at(&relay, 2);
    assert_eq!(bo.join("Bo", None).await.status, 201);
    let (_, key) = bo.make_key(&["upload"], None).await;

    // Anybody may ask, a few times.
    let form = json!({"player": "Qzxwv", "links": "https://relay/reports/x", "contact": "q@example.org"});
    let mut stranger = Browser::at(&relay, 3);
    assert_eq!(stranger.ask("POST", "/api/v1/removals", Some(json!({"player": " ", "links": ""}))).await.status, 400);
    let mut said = Vec::new();
    for _ in 0..4 {
        said.push(stranger.ask("POST", "/api/v1/removals", Some(form.clone())).await.status);
    }
    assert_eq!(said, [204, 204, 204, 429]);
    assert_eq!(bo.get("/api/v1/removals").await.code(), "not_administrator");
    assert_eq!(stranger.get("/api/v1/removals").await.code(), "signed_out");
    let open = ana.get("/api/v1/removals").await.body;
    assert_eq!(open["removals"].as_array().unwrap().len(), 3);
    assert_eq!(open["removals"][0]["contact"], "q@example.org");
    let id = open["removals"][0]["id"].as_i64().unwrap();
    let path = format!("/api/v1/removals/{id}");
    assert_eq!(bo.ask("DELETE", &path, None).await.code(), "not_administrator");
    assert_eq!(ana.ask("DELETE", &path, None).await.status, 204);
    assert_eq!(ana.ask("DELETE", &path, None).await.status, 404);

    let people = ana.get("/api/v1/people").await.body;
    let id = people["people"][1]["id"].as_i64().unwrap();
    assert_eq!(relay.get_with("/api/v1/auth/check", Some(&key)).await, (200, json!({"valid": true})));
    assert_eq!(ana.ask("DELETE", &format!("/api/v1/people/{id}"), None).await.status, 200);
    assert_eq!(ana.ask("DELETE", &format!("/api/v1/people/{id}"), None).await.status, 404);
    assert_eq!(bo.get("/api/v1/me").await.code(), "signed_out");
    assert_eq!(relay.get_with("/api/v1/auth/check", Some(&key)).await.0, 401);
    let audit = ana.get("/api/v1/audit").await.body;
    let whats: Vec<_> = audit["lines"].as_array().unwrap().iter().map(|line| line["what"].clone()).collect();
    assert_eq!(whats, [json!("person_removed"), json!("removal_closed"), json!("key_made")]);
    assert_eq!(audit["lines"][0]["byName"], "Ana");
    assert_eq!(bo.get("/api/v1/audit").await.code(), "signed_out");
    relay.stop().await;
}

#[tokio::test]
async fn what_a_crash_broke_off_is_deleted_at_the_next_start() {
    let data = tempfile::tempdir().unwrap();
    let relay = open(data.path()).await;
    let mut bo = Browser::at(&relay, 2);
    assert_eq!(bo.join("Mumblefritz", None).await.status, 201);
    let (_, key) = bo.make_key(&["upload"], None).await;
    let mut uploader = second_raid(&relay, &key).await;
    let raid = uploader.welcome.raid.clone();
    finished(&mut uploader, &marked(20, 4, 1_790_000_100_000)).await;
    drop(uploader);
    let mut other = Uploader::connect(&relay).await;
    let (kept, others) = (finished(&mut other, &Script::new(20, 2)).await, other.welcome.raid.clone());
    drop(other);
    // Written down, and nothing more: as where the relay died at that moment.
    let note = Note { by: None, key: None, what: Audited::RaidDeleted, about: None, at_ms: 1 };
    let person = relay.store.people(None, 1).await.unwrap()[0].id;
    let leaving = Erasure::Person(person).job(AccountId(0), 1, 1);
    assert_eq!(relay.store.begin_leaving(person, &leaving, note).await.unwrap(), Leaving::Begun);
    let relay = relay.restart().await;
    becomes("the end of it", async || relay.get(&format!("/api/v1/raids/{raid}")).await.0 == 404).await;
    done(&relay, &[JobKind::Erase, JobKind::Wipe]).await;
    assert_eq!(relay.store.people(None, 1).await.unwrap(), []);
    assert_eq!(found(data.path(), &needles(&raid)), Vec::<String>::new());
    assert_eq!(relay.get(&format!("/api/v1/reports/{kept}")).await.0, 200);
    let row = relay.store.raid_by_code(&others).await.unwrap().unwrap();
    relay.store.begin_erasing(&Erasure::Raid(others.clone()).job(row.account, 1, 1), note, None).await.unwrap();
    let relay = relay.restart().await;
    becomes("the end of it", async || relay.get(&format!("/api/v1/reports/{kept}")).await.0 == 404).await;
    done(&relay, &[JobKind::Erase]).await;
    relay.stop().await;
}

/// Time leaps for what sleeps in the relay, and for nothing else: no request is under way meanwhile.
async fn leaps(by: Duration) {
    tokio::time::pause();
    tokio::time::advance(by).await;
    tokio::time::resume();
}

/// Lets the relay look again and again, each time after so long, until something is so.
async fn looks_until(every: Duration, what: &str, is_so: impl AsyncFn() -> bool) {
    for _ in 0..20 {
        leaps(every).await;
        // A look takes some ms; it may have begun to sleep a moment after the leap.
        for _ in 0..25 {
            if is_so().await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    panic!("{what} did not happen");
}

/// By the relay's own looks, which nobody asks for.
#[tokio::test]
async fn old_raids_go_where_the_operator_says_so_and_pinned_ones_stay() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect(&relay).await;
    let pinned = uploader.welcome.raid.clone();
    let kept = finished(&mut uploader, &Script::new(20, 2)).await;
    let mut other = second_raid(&relay, KEY).await;
    let old = other.welcome.raid.clone();
    let gone = finished(&mut other, &marked(20, 4, 1_790_000_100_000)).await;
    drop((uploader, other));
    done(&relay, &[JobKind::Derive]).await;
    let pin = format!("/api/v1/raids/{pinned}/pin");
    assert_eq!(relay.request("PUT", &pin, Some(OTHER_KEY)).await.0, 404);
    assert_eq!(relay.request("PUT", &pin, Some(KEY)).await.0, 204);
    relay.pass_ms(40 * 24 * 3_600_000);
    let hello = Hello { raid: RaidId(Uuid::from_u128(3)), ..hello() };
    let new = Uploader::connect_as(&relay, KEY, hello).await.welcome.raid;
    let raid = |code: &str| format!("/api/v1/raids/{code}");
    let report = |id: &str| format!("/api/v1/reports/{id}");
    // Nothing goes where nobody said how old raids may get, and nothing by a day too early.
    leaps(Duration::from_mins(11)).await;
    let eraser = relay.relay.as_ref().unwrap().eraser();
    let retention = raidcast_relay::erase::Retention { keep_days: 41 };
    assert_eq!(eraser.remove_old(retention).await.unwrap(), 0);
    let all = [raid(&pinned), raid(&old), raid(&new), report(&kept), report(&gone)];
    for path in &all {
        assert_eq!(relay.get(path).await.0, 200, "{path}");
    }
    // Half a minute after a start it looks for the first time.
    let relay = relay.restart_set(|config| config.keep_days = Some(39)).await;
    for path in &all {
        assert_eq!(relay.get(path).await.0, 200, "{path}");
    }
    looks_until(Duration::from_secs(31), "its first look", async || relay.get(&raid(&old)).await.0 == 404).await;
    for (path, status) in all.iter().zip([200, 404, 200, 200, 404]) {
        assert_eq!(relay.get(path).await.0, status, "{path}");
    }
    done(&relay, &[JobKind::Erase]).await;
    let notes = relay.store.audit(None, 9).await.unwrap();
    let expired = notes.iter().filter(|row| row.note.what == Audited::RaidExpired).count();
    assert_eq!(expired, 1, "{notes:?}");
    // One that is pinned no more goes with one of the next looks, ten minutes apart.
    assert_eq!(relay.request("DELETE", &pin, Some(KEY)).await.0, 204);
    let is_gone = async || relay.get(&raid(&pinned)).await.0 == 404;
    looks_until(Duration::from_mins(10) + Duration::from_secs(1), "another look", is_gone).await;
    for (path, status) in all.iter().zip([404, 404, 200, 404, 404]) {
        assert_eq!(relay.get(path).await.0, status, "{path}");
    }
    relay.stop().await;
}
