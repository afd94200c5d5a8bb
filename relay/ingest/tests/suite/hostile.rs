//! Whatever strangers send, each oddity costs its own place alone.

use std::collections::BTreeSet;

use raidcast_ingest::{Uploaded, meter};
use raidcast_meterkit::upload::Uploader;
use raidcast_meterkit::{Fight, Hit, HitKind, Player, Script};
use raidcast_shared::limits::PLAYERS_MAX;
use serde_json::{Value, json};

use crate::figures::{Figures, body, key, only, read};

/// Stands for what is put into a place.
const ODD: &str = "\"@odd@\"";

fn script() -> Fight {
    Script { duration_ms: 10_000, segments: true, wipe: true, ..Script::party(9) }.fight()
}

fn value(fight: &Fight) -> Value {
    serde_json::from_slice(&body(Uploader::Buffs, std::slice::from_ref(fight))).unwrap()
}

/// Every field of an encounter; of a list those of its first entry.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                let at = format!("{at}/{name}");
                places(field, &at, found);
                found.push(at);
            }
        }
        Value::Array(entries) => {
            if let Some(first) = entries.first() {
                let at = format!("{at}/0");
                places(first, &at, found);
                found.push(at);
            }
        }
        _ => {}
    }
}

/// Hits and heals, without deaths.
fn hits(uploaded: &Uploaded) -> u64 {
    uploaded.state.rows().iter().map(|row| row.hits).sum()
}

#[test]
fn whatever_stands_in_a_place_costs_that_place_alone() {
    let mut whole = value(&script());
    // Of each list two are enough: one that is changed, and one that is not to suffer for it.
    for list in whole["encounters"][0].as_object_mut().unwrap().values_mut().filter_map(Value::as_array_mut) {
        list.truncate(2);
    }
    let all = hits(&only(&whole.to_string()));
    let row = |list: &str| whole["encounters"][0][list][0]["hits"].as_u64().unwrap();
    let mut found = Vec::new();
    places(&whole["encounters"][0], "/encounters/0", &mut found);
    assert!(found.len() > 120, "{found:?}");
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    let odd = [
        "null",
        "true",
        "0",
        "-1",
        "1.5",
        "1e300",
        "1e999",
        "-9223372036854775808",
        "18446744073709551615",
        r#""text""#,
        r#""\ud800\u0000<b>""#,
        "[]",
        "[null,7,{}]",
        "{}",
        &deep,
    ];
    for place in &found {
        let mut changed = whole.clone();
        *changed.pointer_mut(place).unwrap() = "@odd@".into();
        let text = changed.to_string();
        let name = place.rsplit('/').next().unwrap();
        let without =
            if name == "0" { None } else { Some(text.replacen(&format!("\"{name}\":{ODD}"), "\"unknown\":7", 1)) };
        let texts = odd.iter().map(|odd| text.replacen(ODD, odd, 1)).chain(without);
        for (n, text) in texts.enumerate() {
            let uploaded = only(&text);
            let at = format!("{place}, {:?}", odd.get(n));
            let (hits, lost) = (
                hits(&uploaded),
                match place.trim_start_matches("/encounters/0/") {
                    // No date: nobody knows which fight it is.
                    "startedAtMs" if uploaded.stub.is_some() => all,
                    // All of a list.
                    "damageSkillStats" | "healSkillStats" => all,
                    rest if rest.starts_with("damageSkillStats/0") => row("damageSkillStats"),
                    rest if rest.starts_with("healSkillStats/0") => row("healSkillStats"),
                    _ => 0,
                },
            );
            assert!(hits >= all - lost, "{at}: {hits} of {all}");
            // Sums that a row claims are taken as they are where it has no hits, as long as hits can have them.
            assert!(hits <= all || lost > 0, "{at}: {hits} of {all}");
            assert!(uploaded.stub.is_none() || lost == all, "{at}");
            if lost > 0
                && hits < all
                && uploaded.stub.is_none()
                && !["null", "[]"].contains(odd.get(n).unwrap_or(&"null"))
            {
                assert_ne!(uploaded.state.missing(), [], "{at}: {} hits are gone and nobody says so", all - hits);
            }
        }
    }
}

#[test]
fn what_is_told_twice_is_not_guessed_at() {
    let fight = script();
    let text = String::from_utf8(body(Uploader::Hits, std::slice::from_ref(&fight))).unwrap();
    let mut told = BTreeSet::new();
    for field in ["startedAtMs", "sceneName", "damageSkillStats", "entities"] {
        let uploaded = only(&text.replacen(&format!("\"{field}\":"), &format!("\"{field}\":null,\"{field}\":"), 1));
        assert_eq!(uploaded.stub, Some("This fight could not be taken: a part of it is told twice"), "{field}");
        told.insert(uploaded.encounter);
    }
    assert_eq!(told.len(), 3, "where its begin is another, it is another fight");
    let uploaded = only(&text.replacen("\"attackerId\":", "\"attackerId\":1,\"attackerId\":", 1));
    let rows = value(&fight)["encounters"][0]["damageSkillStats"].as_array().unwrap().clone();
    assert_eq!(hits(&uploaded), fight.hits.len() as u64 - rows[0]["hits"].as_u64().unwrap());
    let missing = &uploaded.state.missing()[0];
    let told = (missing.what.as_str(), missing.expected, missing.read);
    assert_eq!(told, ("rows of damage that can be read", rows.len() as u64, rows.len() as u64 - 1));
}

#[test]
fn nests_and_unknown_fields_mean_nothing() {
    let fight = script();
    let text = String::from_utf8(body(Uploader::Hits, std::slice::from_ref(&fight))).unwrap();
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    let nested = text.replace("\"startedAtMs\":", &format!("\"later\":{deep},\"startedAtMs\":"));
    assert_eq!(Figures::of(&only(&nested).state), Figures::scripted(&fight));
}

#[test]
fn rows_that_nobody_can_read_make_a_stub_and_no_rows_at_all_an_empty_report() {
    let start = json!({"startedAtMs": 1_790_000_000_000_i64, "localPlayerId": 5, "sceneName": "Arena"});
    let with = |rows: Value| {
        let mut fight = start.clone();
        fight["damageSkillStats"] = rows;
        only(&json!({"encounters": [fight]}).to_string())
    };
    let unreadable = "This fight could not be taken: none of its rows of damage and healing can be read";
    let absurd = json!({"attackerId": 5, "hits": 1, "totalValue": -4, "hitDetails": "[]"});
    let late = r#"[{"timestamp":1790000000000,"damage":9007199254740992}]"#;
    let late = json!({"attackerId": 5, "hits": 1, "totalValue": 5, "hitDetails": late});
    for rows in [json!([7, "x"]), json!("x"), json!([absurd]), json!([late]), json!([{}])] {
        let stub = with(rows.clone());
        assert_eq!(stub.stub, Some(unreadable), "{rows}");
        assert_eq!((stub.log.header.scene.as_deref(), stub.started_at_ms), (Some("Arena"), 1_790_000_000_000));
        assert_eq!(stub.encounter, with(json!([])).encounter, "the same fight is read better another time");
    }
    for rows in [json!([]), json!(null), json!([{"hits": 0, "totalValue": 0}])] {
        let empty = with(rows.clone());
        assert_eq!((empty.stub, empty.state.events()), (None, 0), "{rows}");
        assert_eq!(empty.state.missing(), [], "{rows}");
    }
}

#[test]
fn a_fight_without_a_player_is_named_by_what_else_is_known() {
    let names = [
        json!({"startedAtMs": 5}),
        json!({"startedAtMs": 6}),
        json!({"startedAtMs": 5, "sourceHash": "aa"}),
        json!({"startedAtMs": 5, "sourceHash": "aa", "actorEncounterStats": [{"actorId": 2}, {"actorId": 1}]}),
        json!({"startedAtMs": 5, "actorEncounterStats": [{"actorId": 12}]}),
        json!({"startedAtMs": 5, "actorEncounterStats": [{"actorId": 1}, {"actorId": 2}], "encounterBosses": [{"monsterName": "B"}]}),
        json!({"startedAtMs": 5, "localPlayerId": 1}),
    ];
    let encounters: Vec<_> =
        read(json!({"encounters": names}).to_string().as_bytes()).iter().map(|read| read.encounter).collect();
    let mut told = encounters.clone();
    told.sort_unstable();
    told.dedup();
    assert_eq!(told.len(), names.len());
    let again = json!({"startedAtMs": 5, "sourceHash": "bb", "actorEncounterStats": [{"actorId": 1}, {"actorId": 2}]});
    let again = only(&json!({"encounters": [again]}).to_string());
    assert_eq!(again.encounter, encounters[3], "neither order nor hash matters where actors are told");
    let refused = |name| meter::refused("This request was too long", name, &key);
    assert_ne!(refused("a").encounter, refused("b").encounter);
    assert_eq!(refused("a").stub, Some("This request was too long"));
}

#[test]
fn players_beyond_the_limit_keep_their_hits() {
    let player =
        |n: i64| Player { uid: 1_000 + n, name: format!("P{n}"), class_id: 1, spec: 1, ability_score: 1, level: 60 };
    let hit = |n: i64| Hit {
        at_ms: n,
        source: 1_000 + n,
        target: 1 << 40,
        base_skill_id: 7,
        kind: HitKind::Damage,
        amount: 10,
        crit: false,
        lucky: false,
        hp_loss: 10,
        shield_loss: 0,
        overheal: 0,
        attempt: None,
    };
    let fight = Fight {
        started_at_ms: 1_790_000_000_000,
        local_player_id: 1_000,
        players: (0..60).map(player).collect(),
        hits: (0..60).map(hit).collect(),
        ended_at_ms: Some(100),
        ..Fight::default()
    };
    let uploaded = read(&body(Uploader::Hits, &[fight])).remove(0);
    assert_eq!((uploaded.stub, hits(&uploaded)), (None, 60));
    assert_eq!(Figures::of(&uploaded.state).players.len(), PLAYERS_MAX);
    assert_eq!(uploaded.state.missing()[0].what, format!("players beyond the {PLAYERS_MAX} of one fight"));
}

#[test]
fn hits_beyond_two_hours_and_a_clock_that_is_set_are_told() {
    let minute = 60_000_i64;
    let entry = |at: i64| {
        format!(r#"{{"damage":5,"ms_from_start":{},"timestamp":{}}}"#, at * minute, 1_790_000_000_000 + at * minute)
    };
    let row = |minutes: &[i64]| {
        let details: Vec<_> = minutes.iter().map(|at| entry(*at)).collect();
        json!({"attackerId": 5, "defenderId": 6, "skillId": 7, "hits": minutes.len(), "totalValue": 5 * minutes.len(),
            "hitDetails": format!("[{}]", details.join(","))})
    };
    let read = |minutes: &[i64]| {
        let fight = json!({"startedAtMs": 1_790_000_000_000_i64, "localPlayerId": 5, "damageSkillStats": [row(minutes), row(&[1])]});
        only(&json!({"encounters": [fight]}).to_string())
    };
    let told = |uploaded: &Uploaded| {
        uploaded
            .state
            .missing()
            .iter()
            .map(|missing| (missing.what.clone(), missing.expected, missing.read))
            .collect::<Vec<_>>()
    };
    let late = read(&[0, 25, 50, 75, 100, 125]);
    assert_eq!((hits(&late), told(&late)), (6, vec![("hits beyond 2 h of one fight".to_owned(), 7, 6)]));
    let back = read(&[0, 10, 20, 5, 6]);
    assert_eq!((hits(&back), told(&back).len()), (6, 1));
    assert!(told(&back)[0].0.contains("set back by at 20:00"), "{:?}", told(&back));
}

#[test]
fn hits_that_differ_from_their_sums_count_and_the_difference_is_told() {
    let short =
        r#"[{"t":1790000000005,"v":7,"c":1,"l":0,"h":7,"s":2},{"t":1790000000006,"v":8,"c":0,"l":1,"h":8,"s":0}]"#;
    let row = |hits: u64, total: u64| {
        let row = json!({"attackerId": 5, "defenderId": 6, "skillId": 7, "hits": hits, "totalValue": total, "hitDetails": short});
        let fight = json!({"startedAtMs": 1_790_000_000_000_i64, "localPlayerId": 5, "damageSkillStats": [row]});
        let uploaded = only(&json!({"encounters": [fight]}).to_string());
        let row = &uploaded.state.rows()[0];
        assert_eq!((row.hits, row.amount, row.crit, row.lucky, row.shield), (2, 15, 1, 1, 2));
        uploaded
            .state
            .missing()
            .iter()
            .map(|missing| (missing.what.clone(), missing.expected, missing.read))
            .collect::<Vec<_>>()
    };
    assert_eq!(row(2, 15), []);
    assert_eq!(row(3, 15), [("hits of damage row 1, skill 7".to_owned(), 3, 2)]);
    assert_eq!(row(2, 16), [("amount of damage row 1, skill 7".to_owned(), 16, 15)]);
}
