//! Fights that come whole, by the calls of meters: kept once, known when they come again, and nothing else is touched.

use std::io::Write as _;

use raidcast_relay::limits::EdgeLimits;
use raidcast_shared::id::{EncounterId, RaidId};
use raidcast_shared::report::Report;
use raidcast_shared::uplink::{Hello, Outcome, ReportState, UplinkFrame};
use raidcast_store::JobKind;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use uuid::Uuid;

use crate::raw::{Answer, HERE, ask, becomes, connect, to_the_end};
use crate::script::{KEY, OTHER_KEY, READ_KEY, Script, Spectator, TestRelay, Uploader, hello};
use crate::set_aside::{OF_REPORT, damage};

pub(crate) const BEGAN: i64 = 1_790_000_000_000;

/// One entry of a row's hits.
fn entry(at_ms: i64, damage: u64) -> Value {
    json!({"attempt_index": null, "crit": false, "damage": damage, "hp_loss": damage, "is_boss": true, "lucky": false,
        "ms_from_start": at_ms, "shield_loss": 0, "timestamp": BEGAN + at_ms})
}

/// A fight of two players against a boss, with its hits or without.
pub(crate) fn fight(local: i64, with_hits: bool) -> Value {
    let row = |attacker: i64, skill: i32, hits: &[(i64, u64)]| {
        let details = if with_hits { hits.iter().map(|(at, damage)| entry(*at, *damage)).collect() } else { vec![] };
        json!({"attackerId": attacker, "defenderId": 9_000, "skillId": skill, "hits": hits.len(),
            "totalValue": hits.iter().map(|(_, damage)| damage).sum::<u64>(), "critHits": 0, "luckyHits": 0,
            "critTotal": 0, "luckyTotal": 0, "hpLossTotal": 0, "shieldLossTotal": 0,
            "hitDetails": Value::from(details).to_string(), "monsterName": "Kartgriff"})
    };
    let player = |id: i64, name: &str| {
        json!({"actorId": id, "name": name, "classId": 2, "isPlayer": true, "isLocalPlayer": id == local,
            "damageDealt": 0, "healDealt": 0, "damageTaken": 0, "dps": 1.5, "duration": 10.0})
    };
    json!({
        "startedAtMs": BEGAN, "endedAtMs": BEGAN + 10_000, "localPlayerId": local, "totalDmg": 6_000, "totalHeal": 0,
        "sceneId": 1021, "sceneName": "Towering Ruin", "sourceHash": format!("{:064x}", local + 0xabc),
        "attempts": [{"attemptIndex": 1, "startedAtMs": BEGAN, "endedAtMs": BEGAN + 10_000, "reason": "initial",
            "bossHpStart": 6_000, "bossHpEnd": 0, "totalDeaths": 0}],
        "deathEvents": [],
        "actorEncounterStats": [player(local, "Aeris"), player(2_000, "<b>Böreas</b>")],
        "damageSkillStats": [row(local, 1714, &[(0, 1_000), (4_000, 2_000)]), row(2_000, 1734, &[(1_000, 3_000)])],
        "healSkillStats": [],
        "entities": [{"entityId": local, "name": "Aeris"}, {"entityId": 2_000, "name": "<b>Böreas</b>"}],
        "encounterBosses": [{"monsterName": "Kartgriff", "hits": 3, "totalDamage": 6_000, "maxHp": 6_000, "isDefeated": true}],
        "detailedPlayerdata": [], "dungeonSegments": [],
    })
}

/// The same with so many hits of ten; it ends when the scripts' does.
pub(crate) fn long(hits: u64) -> Value {
    let details: Vec<_> = (0..hits).map(|at| entry(at.cast_signed() * 10, 10)).collect();
    let mut whole = fight(1, true);
    whole["endedAtMs"] = (BEGAN + 60_000).into();
    whole["damageSkillStats"][0]["hits"] = hits.into();
    whole["damageSkillStats"][0]["totalValue"] = (10 * hits).into();
    whole["damageSkillStats"][0]["hitDetails"] = Value::from(details).to_string().into();
    whole
}

/// Another fight that the same player saw begin in the same ms: longer, and each player did more, by other hits.
fn twin(local: i64) -> Value {
    let mut other = fight(local, true);
    other["endedAtMs"] = (BEGAN + 25_000).into();
    other["sourceHash"] = format!("{:064x}", local + 0xdef).into();
    other["totalDmg"] = 9_000.into();
    let hits = [[(500, 1_700), (9_000, 2_300)], [(1_500, 4_100), (20_000, 900)]];
    for (row, hits) in other["damageSkillStats"].as_array_mut().unwrap().iter_mut().zip(hits) {
        let details: Vec<_> = hits.iter().map(|(at, damage)| entry(*at, *damage)).collect();
        row["hits"] = hits.len().into();
        row["totalValue"] = hits.iter().map(|(_, damage)| damage).sum::<u64>().into();
        row["hitDetails"] = Value::from(details).to_string().into();
    }
    other
}

/// Without its single hits.
fn in_sums(mut fight: Value) -> Value {
    for row in fight["damageSkillStats"].as_array_mut().unwrap() {
        row["hitDetails"] = "[]".into();
    }
    fight
}

/// The same at another time.
fn later(mut fight: Value, by_ms: i64) -> Value {
    let shift = |time: &mut Value| *time = (time.as_i64().unwrap() + by_ms).into();
    for at in ["startedAtMs", "endedAtMs"] {
        shift(&mut fight[at]);
        shift(&mut fight["attempts"][0][at]);
    }
    for row in fight["damageSkillStats"].as_array_mut().unwrap() {
        let mut details: Value = serde_json::from_str(row["hitDetails"].as_str().unwrap()).unwrap();
        for entry in details.as_array_mut().unwrap() {
            shift(&mut entry["timestamp"]);
        }
        row["hitDetails"] = details.to_string().into();
    }
    fight
}

pub(crate) fn upload(fights: &[Value]) -> Vec<u8> {
    json!({"encounters": fights, "clientVersion": "0.19.1"}).to_string().into_bytes()
}

/// A request as meters make it, on a connection of its own.
pub(crate) async fn post(relay: &TestRelay, path: &str, key: &str, lines: &[&str], body: &[u8]) -> Answer {
    let mut stream = connect(relay.url.trim_start_matches("http://"), HERE).await;
    let lines = lines.iter().fold(String::new(), |all, line| all + line + "\r\n");
    let head = format!(
        "POST {path} HTTP/1.1\r\nx-api-key: {key}\r\ncontent-type: application/json\r\naccept: */*\r\nhost: relay\r\n\
         content-length: {}\r\nconnection: close\r\n{lines}\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // What is refused by its length alone is not read to its end.
    let (mut reading, mut writing) = stream.split();
    let (_, answer) = tokio::join!(writing.write_all(body), to_the_end(&mut reading));
    Answer::of(&answer)
}

fn json_of(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{answer:?}");
    serde_json::from_str(&answer.body).unwrap()
}

/// What the meter is told of fights that it uploads.
pub(crate) async fn ids(relay: &TestRelay, key: &str, fights: &[Value]) -> Vec<i64> {
    let answer = json_of(&post(relay, "/api/v1/upload/", key, &[], &upload(fights)).await);
    let ids: Vec<i64> = serde_json::from_value(answer["ids"].clone()).unwrap();
    assert_eq!(answer["ingested"], ids.len());
    assert_eq!(ids.len(), fights.len());
    assert!(ids.iter().all(|id| (1..1 << 53).contains(id)), "{ids:?}");
    ids
}

/// The report that the meter opens.
pub(crate) async fn opened(relay: &TestRelay, id: i64) -> Report {
    let page = ask(relay, &format!("GET /encounter/{id}"), &[]).await;
    assert_eq!(page.status, 303, "{page:?}");
    relay.report(page.header("location").unwrap().strip_prefix("/reports/").unwrap()).await
}

/// Of the hits between the first and the last: sums tell none.
async fn damage_in_the_middle(relay: &TestRelay, report: &Report) -> u64 {
    let (status, span) = relay.get(&format!("/api/v1/reports/{}?from=500&to=2000", report.report_id)).await;
    assert_eq!(status, 200, "{span}");
    serde_json::from_value::<Report>(span).unwrap().fight.totals.damage
}

pub(crate) async fn on_every_database(test: impl AsyncFn(TestRelay)) {
    let data = tempfile::tempdir().unwrap();
    test(TestRelay::start(&data.path().join("sqlite")).await).await;
    #[cfg(all(unix, feature = "postgres"))]
    if let Some(cluster) = raidcast_pgkit::shared() {
        let database = raidcast_relay::database::Database::Postgres(crate::migrated::database(cluster));
        test(TestRelay::start_on(&data.path().join("postgres"), Some(database)).await).await;
    }
}

#[tokio::test]
async fn a_fight_is_kept_once_and_known_when_it_comes_again() {
    on_every_database(async |relay| {
        let valid = json_of(&ask(&relay, "GET /api/v1/auth/check", &[&format!("x-api-key: {KEY}")]).await);
        assert_eq!(valid, json!({"valid": true}));
        let hash = fight(100, true)["sourceHash"].as_str().unwrap().to_uppercase();
        let body = json!({"hashes": [hash, "0b"], "candidates": [{"sourceHash": hash}]}).to_string().into_bytes();
        let checked = json_of(&post(&relay, "/api/v1/upload/check", KEY, &[], &body).await);
        assert_eq!(checked, json!({"duplicates": [], "missing": [hash, "0b"]}));

        let first = ids(&relay, KEY, &[fight(100, true)]).await;
        let report = opened(&relay, first[0]).await;
        assert_eq!((report.state, report.revision), (ReportState::Final, 1));
        assert_eq!(report.fight.totals.damage, 6_000);
        assert_eq!((report.fight.outcome, report.fight.duration_ms), (Outcome::Kill, 4_000));
        assert_eq!(report.fight.players.iter().map(|player| player.damage).collect::<Vec<_>>(), [3_000, 3_000]);
        assert_eq!((report.unverified, report.meter_differs), (None, None));

        let checked = json_of(&post(&relay, "/api/v1/upload/check", KEY, &[], &body).await);
        assert_eq!(checked["duplicates"], json!([{"hash": hash, "encounterId": first[0]}]), "spelt as it was sent");
        assert_eq!(checked["missing"], json!(["0b"]));
        // The same again, twice in one request, and without the slash behind the path.
        assert_eq!(ids(&relay, KEY, &[fight(100, true), fight(100, true)]).await, [first[0]; 2]);
        assert_eq!(post(&relay, "/api/v1/upload", KEY, &[], &upload(&[fight(100, true)])).await.status, 200);
        assert_eq!(opened(&relay, first[0]).await.revision, 1);

        // After a restart, too.
        let relay = relay.restart().await;
        assert_eq!(ids(&relay, KEY, &[fight(100, true)]).await, first);
        // It is for who has the link, as all is that nobody says more of.
        assert_eq!(relay.get("/api/v1/reports").await.1["pagination"]["total"], 0);
        let (status, raid) = relay.get(&format!("/api/v1/raids/{}", report.raid)).await;
        assert_eq!((status, raid["reports"].as_array().unwrap().len()), (200, 1), "{raid}");
        relay.stop().await;
    })
    .await;
}

#[tokio::test]
async fn hits_take_the_place_of_sums_and_never_the_other_way() {
    on_every_database(async |relay| {
        let of_sums = ids(&relay, KEY, &[fight(100, false)]).await;
        let sums = opened(&relay, of_sums[0]).await;
        assert_eq!((sums.revision, sums.fight.totals.damage), (1, 6_000));
        let hits = ids(&relay, KEY, &[fight(100, true)]).await;
        assert_eq!(hits, of_sums, "it is the same fight");
        let report = opened(&relay, hits[0]).await;
        assert_eq!((report.revision, report.report_id.as_str()), (2, sums.report_id.as_str()));
        assert_eq!(report.fight.checksum, sums.fight.checksum);
        assert_eq!(damage_in_the_middle(&relay, &report).await, 3_000, "single hits are there");
        assert_eq!(ids(&relay, KEY, &[fight(100, false)]).await, hits);
        assert_eq!(opened(&relay, hits[0]).await.revision, 2);
        relay.stop().await;
    })
    .await;
}

#[tokio::test]
async fn an_upload_mends_a_report_whose_log_is_damaged() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let first = ids(&relay, KEY, &[fight(100, true)]).await;
    let report = opened(&relay, first[0]).await;
    relay.stop().await;
    damage(data.path(), &format!("UPDATE encounter_log SET log = X'' {OF_REPORT}"), &report.report_id).await;
    let relay = TestRelay::start(data.path()).await;
    let span = format!("/api/v1/reports/{}?from=500&to=2000", report.report_id);
    assert_eq!(relay.get(&span).await.0, 500, "it cannot be read");
    assert_eq!(ids(&relay, KEY, &[fight(100, true)]).await, first);
    let mended = opened(&relay, first[0]).await;
    assert_eq!((mended.report_id.as_str(), mended.revision), (report.report_id.as_str(), 2));
    assert_eq!(damage_in_the_middle(&relay, &mended).await, 3_000);
    relay.stop().await;
}

#[tokio::test]
async fn an_account_knows_its_own_uploads_alone() {
    on_every_database(async |relay| {
        let mine = ids(&relay, KEY, &[fight(100, true)]).await;
        let hash = fight(100, true)["sourceHash"].clone();
        let body = json!({"hashes": [hash]}).to_string().into_bytes();
        let checked = json_of(&post(&relay, "/api/v1/upload/check", OTHER_KEY, &[], &body).await);
        assert_eq!(checked["missing"], json!([hash]));
        let theirs = ids(&relay, OTHER_KEY, &[fight(100, true)]).await;
        assert_ne!(mine, theirs);
        let mine_id = mine[0];
        let (mine, theirs) = (opened(&relay, mine_id).await, opened(&relay, theirs[0]).await);
        assert_ne!(mine.report_id, theirs.report_id);
        assert_eq!(mine.fight.checksum, theirs.fight.checksum);
        for (ticket, passed_on) in [("abc123", true), ("%0d%0ax:%20y", false), ("%c3%bc", false), ("a%26b", false)] {
            let page = ask(&relay, &format!("GET /encounter/{mine_id}?ticket={ticket}"), &[]).await;
            assert_eq!(
                (page.status, page.header("location").unwrap().contains("ticket")),
                (303, passed_on),
                "{ticket}"
            );
        }
        // Guessed ones are nothing.
        for guess in ["1", "0", "-1", "9007199254740992", "99999999999999999999", "x", "1%00"] {
            assert_eq!(ask(&relay, &format!("GET /encounter/{guess}"), &[]).await.status, 404, "{guess}");
        }
        relay.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_fight_that_is_streamed_goes_on_and_its_end_is_its_own() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect(&relay).await;
    let script = Script::new(20, 2);
    let begun = uploader.begin(&script).await;
    uploader.deltas(begun.h, &script.deltas[..10]).await;
    uploader.acked(10).await;
    // Its meter's player is 1, and so is the stream's; it ends with it.
    let mut same = fight(1, true);
    same["endedAtMs"] = (BEGAN + 60_000).into();
    let known = ids(&relay, KEY, std::slice::from_ref(&same)).await;
    let live = opened(&relay, known[0]).await;
    assert_eq!((live.report_id.as_str(), live.state), (begun.report.as_str(), ReportState::Live));
    // Another fight of the same time, while that uploader is connected, is kept.
    ids(&relay, KEY, &[fight(2, true)]).await;
    uploader.deltas(begun.h, &script.deltas[10..]).await;
    uploader.acked(20).await;
    uploader.end(begun.h, &script, Outcome::Kill).await;
    // What tells less does not take its place, while its raid has it in memory and after.
    assert_eq!(ids(&relay, KEY, std::slice::from_ref(&same)).await, known);
    let ended = opened(&relay, known[0]).await;
    assert_eq!(ended.report_id, begun.report);
    assert_eq!((ended.state, ended.fight.checksum), (ReportState::Final, script.checksum().to_string()));
    let relay = relay.restart().await;
    assert_eq!(ids(&relay, KEY, std::slice::from_ref(&same)).await, known);
    assert_eq!(opened(&relay, known[0]).await.revision, 1);
    relay.stop().await;
}

/// Those who wait are asked for twice, and wait.
async fn waits_on(relay: &TestRelay, count: u64) {
    for _ in 0..2 {
        let before = relay.store.jobs(JobKind::Reading).await.unwrap();
        assert_eq!(before.count, count);
        relay.pass_ms(40_000);
        becomes("all are put off", async || {
            relay.store.jobs(JobKind::Reading).await.unwrap().due_at_ms > before.due_at_ms
        })
        .await;
    }
    assert_eq!(relay.store.jobs(JobKind::Reading).await.unwrap().count, count);
}

/// What was answered is not lost, though the stream tells less, or is thrown away.
#[tokio::test]
async fn a_reading_that_came_while_its_fight_was_streamed_is_looked_at_when_that_has_ended() {
    on_every_database(async |relay| {
        let mut uploader = Uploader::connect(&relay).await;
        let (script, other) = (Script::new(1, 2).told_as_sums(), Script::new(20, 3).at(BEGAN + 60_000));
        let (begun, thrown_away) = (uploader.begin(&script).await, uploader.begin(&other).await);
        uploader.deltas(begun.h, &script.deltas).await;
        uploader.deltas(thrown_away.h, &other.deltas[..1]).await;
        uploader.acked(1).await;
        uploader.acked(1).await;
        let long: Vec<_> = (0..200).map(|at| entry(at * 10, 10)).collect();
        let mut whole = fight(1, true);
        whole["damageSkillStats"][0]["hits"] = 200.into();
        whole["damageSkillStats"][0]["totalValue"] = 2_000.into();
        whole["damageSkillStats"][0]["hitDetails"] = Value::from(long).to_string().into();
        let mut second = fight(1, false);
        for at in ["startedAtMs", "endedAtMs"] {
            second[at] = (second[at].as_i64().unwrap() + 60_000).into();
        }
        let known = ids(&relay, KEY, &[whole.clone(), second.clone()]).await;
        // Twice is once.
        assert_eq!(ids(&relay, KEY, &[whole, second]).await, known);
        waits_on(&relay, 2).await;
        assert_eq!(opened(&relay, known[0]).await.state, ReportState::Live);
        let report_id = begun.report.clone();
        drop(uploader);
        // Nor over a restart, before their client is back.
        let relay = relay.restart().await;
        waits_on(&relay, 2).await;
        let mut uploader = Uploader::connect(&relay).await;
        let (begun, thrown_away) = (uploader.begin(&script).await, uploader.begin(&other).await);
        uploader.end(begun.h, &script, Outcome::Kill).await;
        uploader.send(&UplinkFrame::Discard { enc: other.enc }).await;
        becomes("nothing waits", async || {
            relay.pass_ms(1_000);
            relay.store.jobs(JobKind::Reading).await.unwrap().count == 0
        })
        .await;
        let report = opened(&relay, known[0]).await;
        assert_eq!((report.report_id, report.revision, report.state), (report_id, 2, ReportState::Final));
        assert_eq!(report.fight.players.iter().map(|player| player.damage).sum::<u64>(), 5_000);
        let report = opened(&relay, known[1]).await;
        assert_ne!(report.report_id, thrown_away.report);
        assert_eq!((report.revision, report.fight.totals.damage), (1, 6_000));
        relay.stop().await;
    })
    .await;
}

#[tokio::test]
async fn an_upload_that_may_not_wait_is_not_said_to_be_here() {
    let data = tempfile::tempdir().unwrap();
    let limits = EdgeLimits { bytes_per_key_day: 400, ..EdgeLimits::default() };
    let relay = TestRelay::start_limited(data.path(), limits).await;
    let mut uploader = Uploader::connect(&relay).await;
    let script = Script::new(20, 2);
    uploader.begin(&script).await;
    let refused = post(&relay, "/api/v1/upload/", KEY, &[], &upload(&[fight(1, true)])).await;
    assert_eq!(refused.status, 429, "{refused:?}");
    let hash = fight(1, true)["sourceHash"].clone();
    let body = json!({"hashes": [hash]}).to_string().into_bytes();
    let checked = json_of(&post(&relay, "/api/v1/upload/check", KEY, &[], &body).await);
    assert_eq!((&checked["missing"], relay.store.jobs(JobKind::Reading).await.unwrap().count), (&json!([hash]), 0));
    relay.stop().await;
}

#[tokio::test]
async fn a_fight_whose_stream_broke_off_is_kept_as_its_upload_tells_it() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect(&relay).await;
    let script = Script::new(20, 2);
    let begun = uploader.begin(&script).await;
    let mut first = script.deltas[..1].to_vec();
    first[0].hits = 0;
    first[0].columns = Vec::new().into();
    uploader.deltas(begun.h, &first).await;
    uploader.acked(1).await;
    let raid = uploader.welcome.raid.clone();
    drop(uploader);
    becomes("the uploader is gone", async || {
        relay.get(&format!("/api/v1/raids/{raid}")).await.1["connected"] != json!(true)
    })
    .await;
    let known = ids(&relay, KEY, &[fight(1, true)]).await;
    let report = opened(&relay, known[0]).await;
    assert_eq!((report.report_id.as_str(), report.state), (begun.report.as_str(), ReportState::Final));
    assert_eq!(report.fight.totals.damage, 6_000);
    // Its client comes back after all, and knows it.
    let mut uploader = Uploader::connect(&relay).await;
    let begun = uploader.begin(&script).await;
    assert_eq!(begun.held.map(|held| held.state), Some(ReportState::Final));
    relay.stop().await;
}

#[tokio::test]
async fn a_fight_that_comes_again_with_its_end_is_kept_with_it() {
    on_every_database(async |relay| {
        let mut open = fight(100, true);
        open["endedAtMs"] = Value::Null;
        let first = ids(&relay, KEY, &[open]).await;
        assert_eq!(opened(&relay, first[0]).await.fight.outcome, Outcome::Unfinished);
        assert_eq!(ids(&relay, KEY, &[fight(100, true)]).await, first);
        let report = opened(&relay, first[0]).await;
        assert_eq!((report.fight.outcome, report.revision), (Outcome::Kill, 2));
        // One of which nothing was told gives way to sums, too.
        let mut empty = fight(200, true);
        empty["damageSkillStats"] = json!([]);
        let first = ids(&relay, KEY, &[empty]).await;
        assert_eq!(ids(&relay, KEY, &[fight(200, false)]).await, first);
        assert_eq!(opened(&relay, first[0]).await.fight.totals.damage, 6_000);
        relay.stop().await;
    })
    .await;
}

/// Revision and damage of the reports behind what the meter is told.
async fn figures(relay: &TestRelay, ids: &[i64]) -> Vec<(u32, u64)> {
    let mut figures = Vec::new();
    for id in ids {
        let report = opened(relay, *id).await;
        figures.push((report.revision, report.fight.totals.damage));
    }
    figures
}

#[tokio::test]
async fn two_fights_of_one_player_that_began_in_the_same_ms_have_a_report_each() {
    on_every_database(async |relay| {
        for (local, at_once) in [(100, true), (200, false)] {
            let fights = [fight(local, true), twin(local)];
            let told = if at_once {
                ids(&relay, KEY, &fights).await
            } else {
                [ids(&relay, KEY, &fights[..1]).await, ids(&relay, KEY, &fights[1..]).await].concat()
            };
            assert_ne!(told[0], told[1]);
            assert_eq!(figures(&relay, &told).await, [(1, 6_000), (1, 9_000)]);
            // Each is known again, in whatever order and form.
            let [first, second] = fights;
            let again = [second.clone(), in_sums(first.clone()), in_sums(second), first];
            assert_eq!(ids(&relay, KEY, &again).await, [told[1], told[0], told[1], told[0]]);
            assert_eq!(figures(&relay, &told).await, [(1, 6_000), (1, 9_000)]);
        }
        // And each takes its own place with its hits.
        let (first, second) = (fight(300, true), twin(300));
        let sums_first = [in_sums(first.clone()), in_sums(second.clone()), second, first];
        let told = ids(&relay, KEY, &sums_first).await;
        assert_eq!(told[2..], [told[1], told[0]]);
        assert_eq!(figures(&relay, &told[..2]).await, [(2, 6_000), (2, 9_000)]);
        relay.stop().await;
    })
    .await;
}

#[tokio::test]
async fn of_two_fights_of_one_begin_that_come_at_once_neither_takes_the_others_place() {
    on_every_database(async |relay| {
        let fights: Vec<_> = [fight(100, true), twin(100)].into_iter().cycle().take(12).collect();
        let sending = fights.iter().map(|one| ids(&relay, KEY, std::slice::from_ref(one)));
        let told = futures::future::join_all(sending).await;
        assert_ne!(told[0], told[1]);
        for (at, ids) in told.iter().enumerate() {
            assert_eq!(ids, &told[at % 2]);
        }
        assert_eq!(figures(&relay, &told[..2].concat()).await, [(1, 6_000), (1, 9_000)]);
        relay.stop().await;
    })
    .await;
}

#[tokio::test]
async fn the_second_fight_of_a_begin_is_the_one_that_is_streamed_whichever_comes_first() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let second = || {
        let script = Script::new(20, 3);
        Script { enc: EncounterId(Uuid::new_v5(&script.enc.0, b"2")), ..script }
    };
    let told = ids(&relay, KEY, &[fight(1, true), twin(1)]).await;
    let mut uploader = Uploader::connect(&relay).await;
    for (id, script) in told.iter().zip([Script::new(20, 2), second()]) {
        assert_eq!(uploader.begin(&script).await.report, opened(&relay, *id).await.report_id);
    }
    // By another account, and the other way round: only the second was streamed.
    let other = Hello { raid: RaidId(Uuid::from_u128(2)), ..hello() };
    let mut uploader = Uploader::connect_as(&relay, OTHER_KEY, other).await;
    let script = second();
    let begun = uploader.begin(&script).await;
    uploader.deltas(begun.h, &script.deltas).await;
    uploader.acked(20).await;
    uploader.end(begun.h, &script, Outcome::Kill).await;
    let mut same = twin(1);
    same["endedAtMs"] = (BEGAN + 60_000).into();
    let told = ids(&relay, OTHER_KEY, &[same, fight(1, true)]).await;
    assert_eq!(opened(&relay, told[0]).await.report_id, begun.report);
    assert_ne!(opened(&relay, told[1]).await.report_id, begun.report);
    relay.stop().await;
}

#[tokio::test]
async fn however_many_fights_of_one_begin_there_are_none_takes_the_place_of_another() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let fights: Vec<Value> = (1..=12)
        .map(|number| {
            let mut other = twin(100);
            other["endedAtMs"] = (BEGAN + 25_000 + 20_000 * number).into();
            other["sourceHash"] = format!("{number:064x}").into();
            let hits = [entry(1_000 * number, 100 + number.unsigned_abs()), entry(1_700 * number, 5_000)];
            let row = &mut other["damageSkillStats"][0];
            row["totalValue"] = (5_100 + number).into();
            row["hitDetails"] = Value::from(hits.to_vec()).to_string().into();
            other["damageSkillStats"].as_array_mut().unwrap().truncate(1);
            other
        })
        .collect();
    let mut told = Vec::new();
    for fight in &fights {
        told.extend(ids(&relay, KEY, std::slice::from_ref(fight)).await);
    }
    assert_eq!(told.iter().collect::<std::collections::BTreeSet<_>>().len(), fights.len());
    let figures = figures(&relay, &told).await;
    assert_eq!(figures, (1..=12).map(|number| (1, 5_100 + number)).collect::<Vec<_>>());
    for (fight, id) in fights.iter().zip(&told) {
        assert_eq!(ids(&relay, KEY, std::slice::from_ref(fight)).await, [*id]);
    }
    relay.stop().await;
}

#[tokio::test]
async fn fights_without_a_begin_are_told_apart_by_what_they_come_to() {
    on_every_database(async |relay| {
        let mut fights = [fight(100, true), twin(100)];
        for fight in &mut fights {
            fight["startedAtMs"] = 0.into();
        }
        let told = ids(&relay, KEY, &fights).await;
        assert_ne!(told[0], told[1]);
        assert_eq!(figures(&relay, &told).await, [(1, 6_000), (1, 9_000)]);
        assert_eq!(ids(&relay, KEY, &fights.map(in_sums)).await, told);
        relay.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_meters_fight_from_the_future_is_kept_as_begun_when_it_came_and_known_when_it_comes_again() {
    on_every_database(async |relay| {
        let ahead = later(fight(100, true), 30 * 86_400_000);
        let told = ids(&relay, KEY, std::slice::from_ref(&ahead)).await;
        let kept = opened(&relay, told[0]).await;
        assert_eq!((kept.fight.started_at_ms, kept.fight.duration_ms), (BEGAN, 4_000));
        let missing = kept.fight.missing.iter().map(|row| (row.what.as_str(), row.expected, row.read));
        let what = "days that the fight began after it came, as its meter tells it; it is kept as begun when it came";
        assert_eq!(missing.collect::<Vec<_>>(), [(what, 30, 0)]);
        // A clock that is wrong by some days is believed.
        let soon = ids(&relay, KEY, &[later(fight(200, true), 6 * 86_400_000)]).await;
        assert_eq!(opened(&relay, soon[0]).await.fight.started_at_ms, BEGAN + 6 * 86_400_000);
        relay.pass_ms(3_600_000);
        // What began since stands before it, and it is still the fight that it was.
        let newer = ids(&relay, KEY, &[later(fight(300, true), 3_600_000), ahead]).await;
        assert_eq!(newer[1], told[0]);
        assert_eq!(figures(&relay, &told).await, [(1, 6_000)]);
        let (_, raid) = relay.get(&format!("/api/v1/raids/{}", kept.raid)).await;
        let listed: Vec<_> = raid["reports"].as_array().unwrap().iter().map(|line| line["reportId"].clone()).collect();
        assert_eq!(listed, [opened(&relay, newer[0]).await.report_id, kept.report_id]);
        relay.stop().await;
    })
    .await;
}

#[tokio::test]
async fn an_upload_takes_the_place_of_a_stream_that_told_less_and_its_raid_shows_it() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect(&relay).await;
    let script = Script::new(1, 2).told_as_sums();
    let begun = uploader.begin(&script).await;
    uploader.deltas(begun.h, &script.deltas).await;
    uploader.acked(1).await;
    uploader.end(begun.h, &script, Outcome::Kill).await;
    let raid = uploader.welcome.raid.clone();
    let mut spectator = Spectator::join(&relay, &raid, "raidcast.feed.v1").await;
    spectator.until("the fight", |seen| seen.checksum.is_some()).await;
    let known = ids(&relay, KEY, &[long(200)]).await;
    let report = opened(&relay, known[0]).await;
    assert_eq!(
        (report.report_id.as_str(), report.revision, report.state),
        (begun.report.as_str(), 2, ReportState::Final)
    );
    assert_eq!(report.raid, raid, "it stays where it is");
    let checksum = report.fight.checksum;
    spectator.until("the other reading", |seen| seen.checksum.as_ref() == Some(&checksum)).await;
    drop(uploader);
    relay.stop().await;
}

#[tokio::test]
async fn who_watches_the_raid_of_uploads_hears_of_those_that_come() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let first = ids(&relay, KEY, &[fight(100, true)]).await;
    let raid = opened(&relay, first[0]).await.raid;
    let mut spectator = Spectator::join(&relay, &raid, "raidcast.feed.v1").await;
    spectator.until("the first fight", |seen| seen.checksum.is_some()).await;
    let second = ids(&relay, KEY, &[fight(200, true)]).await;
    let second = opened(&relay, second[0]).await;
    assert_eq!(second.raid, raid, "of one day");
    becomes("both are listed", async || {
        let (_, listed) = relay.get(&format!("/api/v1/raids/{raid}")).await;
        listed["reports"].as_array().unwrap().len() == 2
    })
    .await;
    spectator.echoes().await;
    relay.stop().await;
}

#[tokio::test]
async fn keys_that_may_not_and_bodies_that_are_none_are_told_so_and_leave_nothing() {
    on_every_database(async |relay| {
        let good = upload(&[fight(100, true)]);
        // Ten wrong keys a minute are looked at.
        for (key, status, code) in [(READ_KEY, 403, "forbidden"), ("a-wrong-key-of-nobody", 401, "unauthorized")] {
            for path in ["/api/v1/upload/", "/api/v1/upload", "/api/v1/upload/check", "/api/v1/upload/player-data"] {
                let answer = post(&relay, path, key, &[], &good).await;
                assert_eq!((answer.status, answer.code().as_str()), (status, code), "{path} {key}");
            }
            let answer = ask(&relay, "GET /api/v1/auth/check", &[&format!("x-api-key: {key}")]).await;
            assert_eq!(answer.status, status, "{key}");
        }
        let none = ask(&relay, "POST /api/v1/upload/", &["content-length: 0"]).await;
        assert_eq!((none.status, none.code().as_str()), (401, "unauthorized"));
        let bad: [(&[u8], &str); 7] = [
            (b"", "JSON"),
            (b"{", "JSON"),
            (b"[]", ""),
            (b"{}", "encounters"),
            (br#"{"encounters":[]}"#, "encounters"),
            (br#"{"encounters":{}}"#, "a list"),
            (br#"{"encounters":[{}]"#, "JSON"),
        ];
        for (body, says) in bad {
            let answer = post(&relay, "/api/v1/upload/", KEY, &[], body).await;
            assert_eq!((answer.status, answer.code().as_str()), (400, "bad_request"), "{answer:?}");
            assert!(answer.body.contains(says), "{answer:?}");
        }
        let answer = post(&relay, "/api/v1/upload/", KEY, &["content-encoding: br"], &good).await;
        assert_eq!((answer.status, answer.code().as_str()), (415, "unsupported_media"));
        let answer = post(&relay, "/api/v1/upload/", KEY, &["content-encoding: gzip"], &good).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "bad_request"));
        let answer =
            ask(&relay, "POST /api/v1/upload/", &[&format!("x-api-key: {KEY}"), "content-length: 268435457"]).await;
        assert_eq!((answer.status, answer.code().as_str()), (413, "too_large"));
        assert_eq!(ask(&relay, "GET /api/v1/upload/", &[&format!("x-api-key: {KEY}")]).await.status, 405);
        // Nothing came of any of it: the first that is kept is a new one.
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(&good).unwrap();
        let packed = packed.finish().unwrap();
        let answer = json_of(&post(&relay, "/api/v1/upload/", KEY, &["content-encoding: gzip"], &packed).await);
        let report = opened(&relay, answer["ids"][0].as_i64().unwrap()).await;
        let (_, raid) = relay.get(&format!("/api/v1/raids/{}", report.raid)).await;
        assert_eq!((raid["reports"].as_array().unwrap().len(), report.revision), (1, 1));
        relay.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_fight_that_is_odd_fails_nobody_else_and_says_why() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let empty = json!({"startedAtMs": BEGAN + 60_000, "localPlayerId": 100});
    let absurd = json!({"startedAtMs": "yesterday", "damageSkillStats": 7});
    let fights = [fight(100, true), empty, absurd, fight(200, true)];
    let told = ids(&relay, KEY, &fights).await;
    assert_eq!(told.iter().collect::<std::collections::BTreeSet<_>>().len(), 4, "each has its own");
    for (id, damage) in [(told[0], 6_000), (told[3], 6_000), (told[1], 0), (told[2], 0)] {
        let report = opened(&relay, id).await;
        assert_eq!((report.state, report.fight.totals.damage), (ReportState::Final, damage));
    }
    let absurd = opened(&relay, told[2]).await;
    assert!(!absurd.fight.missing.is_empty(), "{absurd:?}");
    assert_eq!(ids(&relay, KEY, &fights).await, told, "the same again is known");
    relay.stop().await;
}

#[tokio::test]
async fn what_else_meters_send_is_taken_in_and_nothing_of_it_kept() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let profile = |id: i64| {
        json!({"playerId": id, "lastSeenMs": BEGAN, "charSerializeJson": "{\"secret\":\"of-a-player\"}",
            "professionListJson": null, "talentNodeIdsJson": null})
    };
    let body = json!({"playerData": [profile(100), profile(200)], "clientVersion": "0.19.1"}).to_string();
    let synced = json_of(&post(&relay, "/api/v1/upload/player-data", KEY, &[], body.as_bytes()).await);
    assert_eq!(synced, json!({"synced": 2, "updated": 0, "created": 0, "ids": [1, 2]}));
    let mut with_profile = fight(123_456_789, true);
    with_profile["detailedPlayerdata"] = json!([profile(123_456_789)]);
    with_profile["entities"].as_array_mut().unwrap().push(json!({"entityId": 7, "name": "NobodyOfThisFight"}));
    ids(&relay, KEY, &[with_profile.clone()]).await;
    let update = br#"{"clientId":"5c0c4a6e-0000-4000-8000-000000000000","version":"0.19.1","platform":"windows"}"#;
    assert_eq!(json_of(&post(&relay, "/api/v1/tracking/app-update", "", &[], update).await), json!({}));
    relay.stop().await;
    let hash = with_profile["sourceHash"].as_str().unwrap();
    for file in std::fs::read_dir(data.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        for clear in ["of-a-player", "NobodyOfThisFight", "5c0c4a6e", "123456789", hash, KEY] {
            let found = bytes.windows(clear.len()).any(|part| part == clear.as_bytes());
            assert!(!found, "{clear} lies in the data folder");
        }
        let id = 123_456_789_i64.to_le_bytes();
        assert!(!bytes.windows(8).any(|part| part == id || part == 123_456_789_i64.to_be_bytes()));
    }
}

#[tokio::test]
async fn of_many_at_once_of_one_fight_one_is_kept_and_all_are_told_the_same() {
    on_every_database(async |relay| {
        let fights: Vec<_> = [fight(100, false), fight(100, true)].into_iter().cycle().take(24).collect();
        let sending = fights.iter().map(|one| ids(&relay, KEY, std::slice::from_ref(one)));
        let told = futures::future::join_all(sending).await;
        assert!(told.iter().all(|ids| *ids == told[0]), "{told:?}");
        let report = opened(&relay, told[0][0]).await;
        assert!(report.revision <= 2);
        assert_eq!(damage_in_the_middle(&relay, &report).await, 3_000, "hits were kept in the end");
        let (_, raid) = relay.get(&format!("/api/v1/raids/{}", report.raid)).await;
        assert_eq!(raid["reports"].as_array().unwrap().len(), 1);
        relay.stop().await;
    })
    .await;
}

/// A request that a meter sent, byte for byte but for its key.
struct Recorded {
    /// `version/name.call`
    name: String,
    method: String,
    path: String,
    body: Vec<u8>,
}

/// By version, as a raider updates his meter.
fn recorded() -> Vec<Recorded> {
    let folder = raidcast_meterkit::beside().join("uploads");
    let mut heads = Vec::new();
    for version in std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
        for file in std::fs::read_dir(version).unwrap().map(|entry| entry.unwrap().path()) {
            let name = file.strip_prefix(&folder).unwrap().to_string_lossy().into_owned();
            if let Some(name) = name.strip_suffix(".headers.txt")
                && name.starts_with("0.")
            {
                heads.push((name.to_owned(), std::fs::read_to_string(file).unwrap()));
            }
        }
    }
    heads.sort();
    let request = |(name, head): (String, String)| {
        let mut words = head.split(' ').map(str::to_owned);
        let packed = std::fs::read(folder.join(format!("{name}.json.zst"))).unwrap_or_default();
        let body = zstd::decode_all(&packed[..]).unwrap_or_default();
        Recorded { name, method: words.next().unwrap(), path: words.next().unwrap(), body }
    };
    heads.into_iter().map(request).collect()
}

#[tokio::test]
#[ignore = "reads ../shared"]
async fn recorded_requests_are_answered_as_their_meters_need_them() {
    use std::collections::{BTreeMap, BTreeSet};
    on_every_database(async |relay| {
        let mut known: BTreeMap<(String, String), i64> = BTreeMap::new();
        let mut calls: BTreeMap<String, usize> = BTreeMap::new();
        for again in [false, true] {
            for Recorded { name, method, path, body } in recorded() {
                *calls.entry(path.clone()).or_default() += 1;
                if method == "GET" {
                    let answer = json_of(&ask(&relay, &format!("GET {path}"), &[&format!("x-api-key: {KEY}")]).await);
                    assert_eq!(answer, json!({"valid": true}), "{name}");
                    continue;
                }
                let answer = json_of(&post(&relay, &path, KEY, &[], &body).await);
                let sent: Value = serde_json::from_slice(&body).unwrap();
                let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
                match path.strip_prefix("/api/v1/").unwrap() {
                    "upload/" => {
                        let fights = list(&sent["encounters"]);
                        assert_eq!(
                            (&answer["ingested"], list(&answer["ids"]).len()),
                            (&json!(fights.len()), fights.len())
                        );
                        for (fight, id) in fights.iter().zip(list(&answer["ids"])) {
                            // Fights without a player are told apart by their begin here.
                            let fight = (fight["localPlayerId"].to_string(), fight["startedAtMs"].to_string());
                            let id = id.as_i64().unwrap();
                            assert_eq!(*known.entry(fight).or_insert(id), id, "{name}: one fight, one id");
                        }
                    }
                    "upload/check" => {
                        let duplicates = list(&answer["duplicates"]).into_iter().map(|one| one["hash"].clone());
                        let told: Vec<_> =
                            duplicates.chain(list(&answer["missing"])).map(|hash| hash.to_string()).collect();
                        let asked: BTreeSet<_> = list(&sent["hashes"]).iter().map(Value::to_string).collect();
                        assert_eq!(told.len(), asked.len(), "{name}");
                        assert_eq!(told.into_iter().collect::<BTreeSet<_>>(), asked, "{name}");
                        assert!(!again || list(&answer["missing"]).is_empty(), "{name}: {answer}");
                    }
                    "upload/player-data" => assert_eq!(answer["synced"], list(&sent["playerData"]).len(), "{name}"),
                    "tracking/app-update" => assert_eq!(answer, json!({}), "{name}"),
                    other => panic!("{name}: {other}"),
                }
            }
            assert_eq!(known.values().collect::<BTreeSet<_>>().len(), 20, "twenty fights");
            assert_eq!(known.len(), 20);
        }
        assert_eq!(calls.values().sum::<usize>(), 2 * 60, "{calls:?}");
        let mut revisions = BTreeMap::new();
        for ((local, _), id) in known {
            let report = opened(&relay, id).await;
            assert_eq!((report.state, report.unverified), (ReportState::Final, None));
            if local != "null" {
                revisions.insert((local, report.fight.started_at_ms), report.revision);
            }
        }
        // Sums came first, then their hits.
        assert_eq!(revisions.len(), 5);
        assert!(revisions.values().all(|revision| *revision == 2), "{revisions:?}");
        relay.stop().await;
    })
    .await;
}
