//! `POST /api/v1/encounters`: each encounter is kept once, known when it comes again, or refused with what is wrong.

use std::io::Write as _;

use raidcast_shared::report::Report;
use raidcast_shared::uplink::{Outcome, ReportState};
use serde_json::{Value, json};

use crate::raw::{Answer, ask};
use crate::script::{KEY, OTHER_KEY, READ_KEY, Script, Spectator, TestRelay, UPLOAD_KEY, Uploader};
use crate::uploads::{BEGAN, fight as as_its_meter_sends_it, ids, on_every_database, opened, post};

pub(crate) const PATH: &str = "/api/v1/encounters";

/// Two players against a boss, as in the meter's own form, but that heals and what the boss did are told, too.
pub(crate) fn encounter(local: i64, with_times: bool) -> Value {
    let skill = |id: i64, hits: &[(i64, u64)]| {
        let entry = |(at, value): &(i64, u64)| {
            json!({"timestampMs": BEGAN + at, "value": value, "isCrit": false, "isLucky": false, "hpLoss": value,
                "shieldLoss": 0})
        };
        let mut skill = json!({"skillId": id, "skillName": "Strike", "hits": hits.len(),
            "totalValue": hits.iter().map(|(_, value)| value).sum::<u64>(), "critHits": 0, "luckyHits": 0,
            "critTotal": 0, "luckyTotal": 0});
        if with_times {
            skill["timeline"] = hits.iter().map(entry).collect();
        }
        skill
    };
    let player = |id: i64, name: &str, skill: Value| {
        json!({"actorId": id, "name": name, "classId": 2, "damageDealt": 3_000, "healDealt": 0, "damageTaken": 70,
            "bossDamageDealt": 2_500, "hitsDealt": skill["hits"], "hitsHeal": 0, "critHitsDealt": 0, "luckyHitsDealt": 0,
            "dps": 300.0, "hps": 0.0, "critRate": 0.0, "luckyRate": 0.0, "damageSkills": [skill], "healSkills": []})
    };
    json!({
        "schemaVersion": 1, "encounterId": 7, "startedAtMs": BEGAN, "endedAtMs": BEGAN + 10_000, "durationMs": 10_000,
        "totalDamage": 6_000, "totalHeal": 0, "meterVersion": "0.19.1", "localPlayerUid": local,
        "bosses": [{"name": "Kartgriff", "totalDamage": 5_000, "hits": 3}],
        "players": [player(local, "Aeris", skill(1714, &[(0, 1_000), (4_000, 2_000)])),
            player(2_000, "<b>Böreas</b>'; DROP TABLE encounters; --", skill(1734, &[(1_000, 3_000)]))],
    })
}

async fn send(relay: &TestRelay, body: &Value) -> (u16, Value) {
    answer(&post(relay, PATH, KEY, &[], body.to_string().as_bytes()).await)
}

fn answer(answer: &Answer) -> (u16, Value) {
    (answer.status, serde_json::from_str(&answer.body).unwrap_or_else(|_| panic!("{answer:?}")))
}

async fn report_of(relay: &TestRelay, receipt: &Value) -> Report {
    relay.report(receipt["reportId"].as_str().unwrap()).await
}

#[tokio::test]
async fn an_encounter_is_kept_once_and_answered_the_same_when_it_comes_again() {
    on_every_database(async |relay| {
        let (status, receipt) = send(&relay, &encounter(100, true)).await;
        assert_eq!(status, 201, "{receipt}");
        assert_eq!((receipt["encounterId"].as_i64(), receipt["state"].as_str()), (Some(7), Some("ready")));
        assert_eq!(receipt["createdAt"].as_i64().unwrap() % 1_000, 0);
        assert_eq!(receipt["checksum"]["client"], Value::Null);
        let report_id = receipt["reportId"].as_str().unwrap();
        assert_eq!(report_id.len(), 12);
        assert_eq!(receipt["reportUrl"], json!(format!("{}/reports/{report_id}", relay.url)));

        let report = report_of(&relay, &receipt).await;
        assert_eq!((report.state, report.revision, report.fight.outcome), (ReportState::Final, 1, Outcome::Unknown));
        let totals = report.fight.totals;
        assert_eq!(
            (totals.damage, totals.boss_damage, totals.damage_taken, totals.deaths),
            (6_000, Some(5_000), Some(140), None)
        );
        assert_eq!((report.fight.bosses[0].damage, report.fight.bosses[0].hits), (5_000, 3));
        assert_eq!(report.fight.players[0].skills[0].max, Some(2_000));
        assert!(report.fight.timed && !report.fight.stub);
        assert_eq!((report.unverified, report.meter_differs), (None, None));

        // Again, and after a restart; another number of the meter's for it is not another fight.
        let (status, again) = send(&relay, &encounter(100, true)).await;
        assert_eq!((status, &again), (200, &receipt));
        let relay = relay.restart().await;
        let mut renumbered = encounter(100, true);
        renumbered["encounterId"] = json!("9007199254740993");
        let (status, again) = send(&relay, &renumbered).await;
        assert_eq!(
            (status, &again["reportId"], &again["createdAt"]),
            (200, &receipt["reportId"], &receipt["createdAt"])
        );
        assert_eq!(again["encounterId"], "9007199254740993", "as it was sent");
        // And another fight with the same number is one: a meter whose database is new counts from 1 again.
        let mut another = encounter(100, true);
        for at in ["startedAtMs", "endedAtMs"] {
            another[at] = json!(another[at].as_i64().unwrap() + 60_000);
        }
        for player in another["players"].as_array_mut().unwrap() {
            player["damageSkills"][0].as_object_mut().unwrap().remove("timeline");
        }
        let (status, another) = send(&relay, &another).await;
        assert_eq!(status, 201, "{another}");
        assert_ne!(another["reportId"], receipt["reportId"]);
        relay.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_part_of_a_fight_without_times_is_not_asked_for() {
    on_every_database(async |relay| {
        let (_, receipt) = send(&relay, &encounter(100, false)).await;
        let report = report_of(&relay, &receipt).await;
        assert!(!report.fight.timed);
        assert_eq!((report.fight.totals.damage, report.fight.players[0].skills[0].max), (6_000, None));
        for path in ["?from=0&to=2000", "/timeline"] {
            let (status, error) = relay.get(&format!("/api/v1/reports/{}{path}", report.report_id)).await;
            assert_eq!((status, error["code"].as_str()), (409, Some("no_times")), "{path}: {error}");
        }
        let feed = format!("{}/api/v1/raids/{}/feed?report={}&at=0", relay.url, report.raid, report.report_id);
        let mut spectator = Spectator::join_at(&feed.replace("http", "ws"), "raidcast.feed.v1.json").await;
        while spectator.hear().await.is_some() {}
        assert!(spectator.bye.as_ref().is_some_and(|bye| bye.reason.contains("not known")), "{:?}", spectator.bye);
        // With its times it takes their place, and a span of it is what lies in it.
        let (status, timed) = send(&relay, &encounter(100, true)).await;
        assert_eq!((status, &timed["reportId"]), (200, &receipt["reportId"]));
        let (status, span) = relay.get(&format!("/api/v1/reports/{}?from=500&to=2000", report.report_id)).await;
        let span = serde_json::from_value::<Report>(span).unwrap();
        assert_eq!((status, span.revision, span.fight.totals.damage), (200, 2, 3_000));
        assert_eq!((span.fight.totals.boss_damage, span.fight.totals.damage_taken), (None, None), "of a part not told");
        relay.stop().await;
    })
    .await;
}

#[tokio::test]
async fn each_of_several_has_a_result_of_its_own() {
    on_every_database(async |relay| {
        let (good, mut bad, mut newer) = (encounter(100, true), encounter(101, true), encounter(102, true));
        bad["durationMs"] = json!(0);
        bad["players"][1]["damageSkills"][0]["hits"] = json!("many");
        newer["schemaVersion"] = json!(2);
        for body in [json!({"encounters": [good, bad, newer, good]}), json!([good, bad, newer, good])] {
            let (status, results) = send(&relay, &body).await;
            assert_eq!(status, 200, "{results}");
            let results = results["results"].as_array().unwrap();
            let of_each: Vec<_> = results.iter().map(|result| result["status"].as_u64().unwrap()).collect();
            assert_eq!(of_each[1..], [400, 400, 200]);
            assert_eq!(results[0]["reportId"], results[3]["reportId"]);
            assert_eq!(results[1]["error"]["code"], "bad_request");
            let details: Vec<&str> =
                results[1]["error"]["details"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
            assert!(details.iter().any(|line| line.starts_with("durationMs: ")), "{details:?}");
            assert!(details.iter().any(|line| line.starts_with("players[1].damageSkills[0].hits: ")), "{details:?}");
            assert_eq!(results[2]["error"]["code"], "unsupported_version");
        }
        // Alone each is answered with its own status, in the shape of all errors.
        let (status, error) = send(&relay, &bad).await;
        assert_eq!((status, error["code"].as_str()), (400, Some("bad_request")));
        assert_eq!(error["details"].as_array().unwrap().len(), 2, "{error}");
        let (_, raids) = relay.get_with("/api/v1/reports", Some(KEY)).await;
        assert_eq!(raids["pagination"]["total"], 0, "nothing is public that nobody called so");
        relay.stop().await;
    })
    .await;
}

#[tokio::test]
async fn bodies_are_packed_or_not_and_what_is_none_is_told_so() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let body = encounter(100, true).to_string().into_bytes();
    let gzip = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let mut first = Value::Null;
    for (line, bytes, status) in [
        ("content-encoding: gzip", gzip(&body), 201),
        ("content-encoding: zstd", zstd::encode_all(&body[..], 3).unwrap(), 200),
        ("content-encoding: identity", body.clone(), 200),
    ] {
        let (came, receipt) = answer(&post(&relay, PATH, KEY, &[line], &bytes).await);
        assert_eq!(came, status, "{line}: {receipt}");
        first = if first.is_null() { receipt.clone() } else { first };
        assert_eq!(receipt, first);
    }
    let large = [&body[..body.len() - 1], b",\"notes\":\"", &vec![b'x'; 10 * 1024 * 1024], b"\"}"].concat();
    let bomb = gzip(&vec![b' '; 65 * 1024 * 1024]);
    for (key, lines, bytes, status, code) in [
        (KEY, &["content-encoding: br"][..], &body[..], 415, "unsupported_media"),
        (KEY, &["content-encoding: gzip"], &body, 400, "bad_request"),
        (KEY, &["content-encoding: gzip"], &bomb, 413, "too_large"),
        (KEY, &[], &large, 413, "too_large"),
        (KEY, &[], b"", 400, "bad_request"),
        (KEY, &[], b"not json", 400, "bad_request"),
        (KEY, &[], b"[]", 400, "bad_request"),
        (KEY, &[], br#"{"encounters":[]}"#, 400, "bad_request"),
        (KEY, &[], b"{}", 400, "bad_request"),
        ("wrong", &[], &body, 401, "unauthorized"),
        (READ_KEY, &[], &body, 403, "forbidden"),
    ] {
        let (came, error) = answer(&post(&relay, PATH, key, lines, bytes).await);
        assert_eq!((came, error["code"].as_str()), (status, Some(code)), "{lines:?} {error}");
    }
    let (status, error) = answer(&post(&relay, "/api/v1/encounters?visibility=everybody", KEY, &[], &body).await);
    assert_eq!((status, error["code"].as_str()), (400, Some("bad_request")), "{error}");
    let put = ask(&relay, &format!("PUT {PATH}"), &[]).await;
    assert_eq!(put.status, 405);
    assert!(put.header("allow").is_some_and(|allow| allow.contains("post")), "{put:?}");
    relay.stop().await;
}

#[tokio::test]
async fn a_boss_whose_name_says_nothing_is_a_boss_all_the_same() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    for (local, name) in [(100, ""), (101, "\u{0}"), (102, "\u{202e} ")] {
        let mut body = encounter(local, true);
        body["bosses"][0]["name"] = json!(name);
        let (status, receipt) = send(&relay, &body).await;
        assert_eq!(status, 201, "{receipt}");
        let bosses = report_of(&relay, &receipt).await.fight.bosses;
        assert_eq!((bosses[0].name.as_str(), bosses[0].damage), ("Unknown boss", 5_000));
    }
    for name in [None, Some(Value::Null), Some(json!(7))] {
        let mut body = encounter(103, true);
        match name {
            Some(name) => body["bosses"][0]["name"] = name,
            None => drop(body["bosses"][0].as_object_mut().unwrap().remove("name")),
        }
        let (status, error) = send(&relay, &body).await;
        assert_eq!(status, 400, "{error}");
        assert!(error["details"][0].as_str().unwrap().starts_with("bosses[0].name: "), "{error}");
    }
    relay.stop().await;
}

#[tokio::test]
async fn who_may_see_it_is_said_by_the_request_else_by_the_key() {
    on_every_database(async |relay| {
        for (local, visibility) in [(100, "public"), (101, "unlisted"), (102, "private")] {
            let path = format!("{PATH}?visibility={visibility}");
            let body = encounter(local, true).to_string();
            let (status, receipt) = answer(&post(&relay, &path, KEY, &[], body.as_bytes()).await);
            assert_eq!(status, 201, "{receipt}");
            let report = format!("/api/v1/reports/{}", receipt["reportId"].as_str().unwrap());
            let (seen, _) = relay.get(&report).await;
            assert_eq!(seen, if visibility == "private" { 404 } else { 200 });
            // The link that the uploader is given opens it for whoever has it.
            let link = receipt["reportUrl"].as_str().unwrap();
            assert_eq!(link.contains("?ticket="), visibility == "private", "{link}");
            let ticket = link.split_once('?').map_or(String::new(), |(_, ticket)| format!("?{ticket}"));
            assert_eq!(relay.get(&format!("{report}{ticket}")).await.0, 200);
        }
        let (_, listed) = relay.get("/api/v1/reports").await;
        assert_eq!(listed["pagination"]["total"], 1);
        // A key that may upload, and not read, is given no ticket: it would open what else stands in that raid.
        let (path, body) = (format!("{PATH}?visibility=private"), encounter(103, true).to_string());
        let (status, receipt) = answer(&post(&relay, &path, UPLOAD_KEY, &[], body.as_bytes()).await);
        let page = format!("{}/reports/{}", relay.url, receipt["reportId"].as_str().unwrap());
        assert_eq!((status, receipt["reportUrl"].as_str()), (201, Some(page.as_str())));
        relay.stop().await;
    })
    .await;
}

#[tokio::test]
async fn two_encounters_of_one_player_and_begin_have_a_report_each_and_without_a_player_their_numbers_do() {
    on_every_database(async |relay| {
        // Longer, and by other hits.
        let other = |local: Value| {
            let mut other = encounter(100, true);
            (other["localPlayerUid"], other["endedAtMs"]) = (local, json!(BEGAN + 25_000));
            for player in other["players"].as_array_mut().unwrap() {
                for entry in player["damageSkills"][0]["timeline"].as_array_mut().unwrap() {
                    entry["value"] = json!(entry["value"].as_u64().unwrap() + 777);
                }
                player["damageSkills"][0]["totalValue"] = json!(5_000);
                player["damageDealt"] = json!(5_000);
            }
            other
        };
        let (_, first) = send(&relay, &encounter(100, true)).await;
        let (status, second) = send(&relay, &other(json!(100))).await;
        assert_eq!(status, 201, "{second}");
        assert_ne!(second["reportId"], first["reportId"]);
        for (receipt, damage) in [(&first, 6_000), (&second, 10_000)] {
            let report = report_of(&relay, receipt).await;
            assert_eq!((report.revision, report.fight.totals.damage), (1, damage));
        }
        let (_, results) = send(&relay, &json!([other(json!(100)), encounter(100, true)])).await;
        let known: Vec<_> = results["results"].as_array().unwrap().iter().map(|told| &told["reportId"]).collect();
        assert_eq!(known, [&second["reportId"], &first["reportId"]]);
        // Nobody's are the same where their numbers are.
        let mut nobodys = encounter(100, true);
        nobodys["localPlayerUid"] = Value::Null;
        let (status, first) = send(&relay, &nobodys).await;
        assert_eq!(status, 201, "{first}");
        let (status, same) = send(&relay, &other(Value::Null)).await;
        assert_eq!((status, &same["reportId"]), (200, &first["reportId"]));
        relay.stop().await;
    })
    .await;
}

/// In whatever order, and by whatever way: one player's fight is one report, and its best reading stays.
#[tokio::test]
async fn a_fight_in_several_forms_is_one_report() {
    on_every_database(async |relay| {
        // Single hits with their targets tell more than those without.
        let (_, first) = send(&relay, &encounter(100, true)).await;
        let id = ids(&relay, KEY, &[as_its_meter_sends_it(100, true)]).await[0];
        let report = opened(&relay, id).await;
        assert_eq!(json!(report.report_id), first["reportId"]);
        // The other way round, the later one is known.
        let id = ids(&relay, KEY, &[as_its_meter_sends_it(101, true)]).await[0];
        let before = opened(&relay, id).await;
        let (status, known) = send(&relay, &encounter(101, true)).await;
        assert_eq!((status, &known["reportId"]), (200, &json!(before.report_id)));
        // Sums never take the place of hits.
        let (status, _) = send(&relay, &encounter(101, false)).await;
        assert_eq!(status, 200);
        let after = opened(&relay, id).await;
        assert_eq!((after.revision, after.fight.checksum), (before.revision, before.fight.checksum));
        // Another account's is another's.
        let body = encounter(101, true).to_string();
        let (status, others) = answer(&post(&relay, PATH, OTHER_KEY, &[], body.as_bytes()).await);
        assert_eq!(status, 201, "{others}");
        assert_ne!(others["reportId"], known["reportId"]);
        relay.stop().await;
    })
    .await;
}

/// Hits that are told as sums are not single ones, however many; nor do fewer single hits take the place of more.
#[tokio::test]
async fn a_reading_that_tells_less_never_takes_the_place_of_one_that_tells_more() {
    on_every_database(async |relay| {
        let whole = encounter(100, true);
        let (_, receipt) = send(&relay, &whole).await;
        let held = report_of(&relay, &receipt).await;
        let mut of_sums = encounter(100, false);
        let mut fewer = encounter(100, true);
        for skill in ["/players/0/damageSkills/0", "/players/1/damageSkills/0"] {
            of_sums.pointer_mut(skill).unwrap()["hits"] = json!(500);
            fewer.pointer_mut(skill).unwrap()["hits"] = json!(500);
        }
        fewer["players"][0]["damageSkills"][0]["timeline"].as_array_mut().unwrap().pop();
        let mut nothing = encounter(100, false);
        nothing["players"] = json!([]);
        nothing["bosses"] = json!([]);
        for less in [of_sums, fewer, nothing] {
            let (status, known) = send(&relay, &less).await;
            assert_eq!((status, &known["reportId"]), (200, &receipt["reportId"]), "{known}");
        }
        let after = report_of(&relay, &receipt).await;
        assert_eq!((after.revision, after.fight.checksum), (held.revision, held.fight.checksum));
        // Amounts without a count of hits are something, too.
        let mut amounts = encounter(200, false);
        for player in amounts["players"].as_array_mut().unwrap() {
            player.as_object_mut().unwrap().retain(|name, _| ["actorId", "damageDealt"].contains(&name.as_str()));
        }
        let mut nothing = encounter(200, false);
        nothing["players"] = json!([]);
        nothing["bosses"] = json!([]);
        let (_, receipt) = send(&relay, &amounts).await;
        assert_eq!(send(&relay, &nothing).await.0, 200);
        assert_eq!(report_of(&relay, &receipt).await.fight.totals.damage, 6_000);
        relay.stop().await;
    })
    .await;
}

/// Their sums are the same each time.
#[tokio::test]
async fn a_reading_that_tells_more_hits_one_by_one_takes_the_place_of_one_that_tells_fewer() {
    on_every_database(async |relay| {
        let mut partly = encounter(100, true);
        partly["players"][1]["damageSkills"][0].as_object_mut().unwrap().remove("timeline");
        for (revision, form) in
            [(1, encounter(100, false)), (2, partly.clone()), (3, encounter(100, true)), (3, partly)]
        {
            let (_, receipt) = send(&relay, &form).await;
            let report = report_of(&relay, &receipt).await;
            assert_eq!((report.revision, report.fight.totals.damage), (revision, 6_000));
        }
        relay.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_fight_of_which_a_part_has_times_says_what_its_timeline_lacks() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut partly = encounter(100, true);
    partly["players"][0]["damageDealt"] = json!(3_500);
    let (_, receipt) = send(&relay, &partly).await;
    let report = report_of(&relay, &receipt).await;
    let note = report.note.unwrap_or_default();
    assert!(note.contains("When 500 of damage and healing came is not known"), "{note}");
    assert!(report.fight.timed && !note.contains("no timeline"), "{note}");
    let (status, span) = relay.get(&format!("/api/v1/reports/{}?from=9000&to=9500", report.report_id)).await;
    assert_eq!((status, &span["timed"]), (200, &json!(true)), "a fact of the whole fight");
    relay.stop().await;
}

#[tokio::test]
async fn of_a_fight_that_is_streamed_the_report_is_not_complete() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect(&relay).await;
    let script = Script::new(20, 2);
    let begun = uploader.begin(&script).await;
    uploader.deltas(begun.h, &script.deltas[..10]).await;
    uploader.acked(10).await;
    // It ends when the script does.
    let mut same = encounter(1, true);
    same["endedAtMs"] = json!(BEGAN + 60_000);
    let (_, results) = send(&relay, &json!([same, encounter(2, true)])).await;
    let [streamed, other] = results["results"].as_array().unwrap().as_slice() else { panic!("{results}") };
    assert_eq!((&streamed["status"], &streamed["state"]), (&json!(200), &json!("processing")));
    assert_eq!((&other["status"], &other["state"]), (&json!(201), &json!("ready")), "not that fight's uplink");
    uploader.deltas(begun.h, &script.deltas[10..]).await;
    uploader.acked(20).await;
    uploader.end(begun.h, &script, Outcome::Kill).await;
    let (status, receipt) = send(&relay, &same).await;
    assert_eq!((status, receipt["reportId"].as_str()), (200, Some(begun.report.as_str())));
    assert_eq!(receipt["state"], "ready");
    relay.stop().await;
}

#[tokio::test]
async fn of_many_at_once_of_one_encounter_one_is_kept_and_all_are_told_the_same() {
    on_every_database(async |relay| {
        let body = encounter(100, true);
        let sent = futures::future::join_all((0..24).map(|_| send(&relay, &body))).await;
        let created = sent.iter().filter(|(status, _)| *status == 201).count();
        assert_eq!(created, 1, "{sent:?}");
        for (status, receipt) in &sent {
            assert!([200, 201].contains(status), "{receipt}");
            assert_eq!(receipt["reportId"], sent[0].1["reportId"]);
        }
        relay.stop().await;
    })
    .await;
}
