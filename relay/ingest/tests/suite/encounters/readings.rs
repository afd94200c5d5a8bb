//! What the original design leaves open, and how it is read: each of the readings that the API's page lists.

use std::collections::BTreeMap;

use raidcast_ingest::NotAnUpload;
use raidcast_ingest::encounters::{Checksums, ClientId, Refused, Request, read, read_alone};
use raidcast_shared::event::{ActorKind, HitKind, PartSum};
use raidcast_shared::fold::EncounterState;
use raidcast_shared::id::EncounterId;
use raidcast_shared::uplink::{Ending, Outcome};
use raidcast_shared::view::{Audience, Shown, meter_differs};
use serde_json::{Value, json};

use super::{details, missing, only, skills, taken};
use crate::figures::{Figures, key, uid};

const START: i64 = 1_790_000_000_000;

/// A small encounter with all fields.
fn small() -> Value {
    let text = r#"{
        "schemaVersion": 1, "encounterId": 7, "startedAtMs": 1790000000000, "endedAtMs": 1790000060000,
        "durationMs": 60000, "totalDamage": 40, "totalHeal": 7,
        "bosses": [{"name": "Igoreus", "totalDamage": 25, "hits": 2}],
        "players": [{
            "actorId": 5, "name": "Mika<3", "classId": 4, "classSpec": 5, "abilityScore": 100, "level": 60,
            "damageDealt": 30, "healDealt": 7, "damageTaken": 3, "bossDamageDealt": 25,
            "hitsDealt": 2, "hitsHeal": 1, "critHitsDealt": 1, "luckyHitsDealt": 1,
            "dps": 0.5, "hps": 0.1, "critRate": 0.5, "luckyRate": 0.5,
            "damageSkills": [{
                "skillId": 1405, "skillName": "Gale Thrust", "totalValue": 30, "hits": 2,
                "critHits": 1, "luckyHits": 1, "critTotal": 10, "luckyTotal": 20,
                "timeline": [
                    {"timestampMs": 1790000001000, "value": 10, "isCrit": true, "isLucky": false, "hpLoss": 10, "shieldLoss": 0},
                    {"timestampMs": 1790000002000, "value": 20, "isCrit": false, "isLucky": true, "hpLoss": 15, "shieldLoss": 5}
                ]
            }],
            "healSkills": [{
                "skillId": 1518, "skillName": "Bloom", "totalValue": 7, "hits": 1,
                "critHits": 0, "luckyHits": 0, "critTotal": 0, "luckyTotal": 0,
                "timeline": [{"timestampMs": 1790000003000, "value": 7, "isCrit": false, "isLucky": false}]
            }]
        }],
        "meterVersion": "0.19.4", "localPlayerUid": 5, "checksum": null
    }"#;
    serde_json::from_str(text).unwrap()
}

/// The same with one place changed: the place as a JSON pointer.
fn with(place: &str, value: Value) -> Value {
    let mut body = small();
    *body.pointer_mut(place).unwrap_or_else(|| panic!("{place}")) = value;
    body
}

fn without(place: &str) -> Value {
    let mut body = small();
    let (of, name) = place.rsplit_once('/').unwrap();
    body.pointer_mut(of).unwrap().as_object_mut().unwrap().remove(name).unwrap();
    body
}

/// The same with only these skills of damage, and no sums of the player.
fn with_skills(skills: Value) -> Value {
    let mut body = with("/players/0/damageSkills", skills);
    for name in ["damageDealt", "hitsDealt", "critHitsDealt", "luckyHitsDealt", "critRate", "luckyRate"] {
        body["players"][0].as_object_mut().unwrap().remove(name);
    }
    body
}

fn damage(state: &EncounterState) -> BTreeMap<i64, [u64; 4]> {
    skills(state).into_iter().filter(|(of, _)| of.2 == HitKind::Damage).map(|(of, sums)| (of.1, sums)).collect()
}

const SKILL: &str = "/players/0/damageSkills/0";
const HIT: &str = "/players/0/damageSkills/0/timeline/0";

#[test]
fn a_checksum_is_compared_and_never_a_reason_to_refuse() {
    let vectors: Vec<Value> = serde_json::from_str(include_str!("checksums.json")).unwrap();
    assert_eq!(vectors.len(), 4);
    for vector in &vectors {
        let ours = vector["checksum"].as_str().unwrap();
        let mut body = vector["encounter"].clone();
        let told = |body: &Value| taken(body).checksum;
        assert_eq!(told(&body), Checksums { client: None, relay: ours.to_owned() }, "{}", vector["what"]);
        assert_eq!(told(&body).matches(), None);
        body["checksum"] = ours.to_uppercase().into();
        assert_eq!(told(&body), Checksums { client: Some(ours.to_owned()), relay: ours.to_owned() });
        assert_eq!(told(&body).matches(), Some(true));
        body["checksum"] = "0".repeat(64).into();
        assert_eq!(told(&body).matches(), Some(false));
    }
    // However the same is spelt.
    let mut body = vectors[0]["encounter"].clone();
    let ours = taken(&body).checksum.relay;
    body["other"] = json!([1]);
    body["encounter_id"] = body["encounterId"].take();
    body.as_object_mut().unwrap().remove("encounterId");
    body["total_damage"] = body["totalDamage"].take();
    body.as_object_mut().unwrap().remove("totalDamage");
    let spelt = format!("\n{body:#}").replace("30", "3.0e1");
    assert_eq!(only(&spelt).unwrap().checksum.relay, ours);
    let longer = "0".repeat(65);
    for odd in ["", "0", &longer, &format!("{}g", &longer[..63]), &format!("{} ", &longer[..63])] {
        let details = details(&with("/checksum", odd.into()).to_string());
        assert!(details[0].starts_with("checksum: must be the 64 hexadecimal digits of a SHA-256"), "{details:?}");
    }
    assert!(details(&with("/checksum", json!(7)).to_string())[0].contains("checksum: must be"));
}

#[test]
fn the_page_of_the_api_says_what_the_vectors_say() {
    let page = include_str!("../../../../../docs/api.md");
    let vectors: Vec<Value> = serde_json::from_str(include_str!("checksums.json")).unwrap();
    assert!(page.contains(&format!("This encounter's is `{}`", vectors[0]["checksum"].as_str().unwrap())));
    let (_, example) = page.split_once("This encounter's is").unwrap();
    let example = example.split("```").nth(1).unwrap().strip_prefix("json").unwrap();
    assert_eq!(serde_json::from_str::<Value>(example).unwrap(), vectors[0]["encounter"]);
}

#[test]
fn each_field_has_two_spellings_and_stands_there_once() {
    let snake = |name: &str| {
        name.chars().fold(String::new(), |name, c| match c.is_ascii_uppercase() {
            true => format!("{name}_{}", c.to_ascii_lowercase()),
            false => format!("{name}{c}"),
        })
    };
    let usual = taken(&small());
    let text = small().to_string();
    let places = [
        ("", "encounterId"),
        ("", "startedAtMs"),
        ("", "localPlayerUid"),
        ("bosses[0].", "name"),
        ("players[0].", "bossDamageDealt"),
        ("players[0].damageSkills[0].", "skillName"),
        ("players[0].damageSkills[0].timeline[0].", "shieldLoss"),
    ];
    for (of, name) in places {
        let field = format!("\"{name}\":");
        let mixed = only(&text.replace(&field, &format!("\"{}\":", snake(name)))).unwrap();
        assert_eq!(mixed.uploaded.state.checksum(), usual.uploaded.state.checksum());
        assert_eq!(mixed.checksum, usual.checksum, "{name}");
        for again in [name.to_owned(), snake(name)] {
            let twice = details(&text.replacen(&field, &format!("\"{again}\":null,{field}"), 1));
            assert_eq!(twice.len(), 1, "{twice:?}");
            assert!(twice[0].starts_with(&format!("{of}{name}: stands there twice")), "{twice:?}");
        }
        // Escaped it is the same name.
        let escaped = format!("\"\\u{:04x}{}\":null,{field}", u32::from(name.as_bytes()[0]), &name[1..]);
        assert_eq!(details(&text.replacen(&field, &escaped, 1)).len(), 1, "{name}");
        // And this is another.
        let other = name.to_uppercase();
        assert!(only(&text.replacen(&field, &format!("\"{other}\":null,{field}"), 1)).is_ok(), "{name}");
    }
}

#[test]
fn the_uploaders_number_is_given_back_and_names_no_fight() {
    for (sent, expected) in [
        (json!(7), ClientId::Number(7)),
        (json!(0), ClientId::Number(0)),
        (json!(-3), ClientId::Number(-3)),
        (json!(i64::MAX), ClientId::Number(i64::MAX)),
        (json!("9007199254740993"), ClientId::Digits("9007199254740993".into())),
        (json!("007"), ClientId::Digits("007".into())),
    ] {
        let received = taken(&with("/encounterId", sent.clone()));
        assert_eq!(received.client_id, expected);
        let number = expected == ClientId::Number(7);
        assert_eq!(serde_json::to_value(&received.client_id).unwrap() == json!(7), number);
        assert_eq!(serde_json::to_value(received.client_id).unwrap(), sent);
        assert_eq!(received.uploaded.encounter, EncounterId::of_player("bpsr", 5, START));
    }
    for odd in [json!(""), json!("+7"), json!("7a"), json!("1.0"), json!(u64::MAX), json!(1.5), json!(true)] {
        let details = details(&with("/encounterId", odd).to_string());
        assert!(details[0].starts_with("encounterId: must be a whole number of 64 bits"), "{details:?}");
    }
    // Without a player of its own it is told from others by all that is known.
    let nobody = |mut body: Value, local: Value| {
        body["localPlayerUid"] = local;
        taken(&body).uploaded.encounter
    };
    let name = nobody(small(), json!(null));
    assert_eq!((nobody(small(), json!(0)), nobody(small(), json!(-5))), (name, name));
    assert_eq!(nobody(with("/encounterId", json!("7")), json!(null)), name);
    assert_eq!(nobody(with("/totalDamage", json!(99)), json!(null)), name);
    let others = [
        with("/encounterId", json!(8)),
        with("/startedAtMs", json!(START + 1)),
        with("/players/0/actorId", json!(6)),
        with("/bosses/0/name", json!("Igoreas")),
        with("/bosses", json!([])),
    ];
    for other in others {
        assert_ne!(nobody(other.clone(), json!(null)), name, "{other}");
    }
}

#[test]
fn skills_have_ids_of_64_bits_and_names_only_where_they_are_told() {
    for id in [json!(-1), json!(3_000_000_000_i64), json!(i64::MIN), json!(i64::MAX), json!(0), json!("3000000001")] {
        let state = taken(&with("/players/0/damageSkills/0/skillId", id.clone())).uploaded.state;
        let number: i64 = id.to_string().trim_matches('"').parse().unwrap();
        assert!(damage(&state).contains_key(&number), "{id}");
        let skill = state.skills().iter().find(|skill| skill.id.base == number).unwrap();
        assert_eq!(skill.name.get().map(String::as_str), Some("Gale Thrust"));
    }
    for name in [json!(""), json!(null), json!("\u{202e}\n")] {
        let state = taken(&with("/players/0/damageSkills/0/skillName", name)).uploaded.state;
        let skill = state.skills().iter().find(|skill| skill.id.base == 1405).unwrap();
        assert_eq!(skill.name.get(), None);
    }
}

#[test]
fn entries_of_one_skill_and_bosses_of_one_name_add_up() {
    let timeline = |value: i64| json!([{"timestampMs": 5, "value": value}]);
    let state = taken(&with_skills(json!([
        {"skillId": 1, "totalValue": 10, "hits": 2, "critHits": 1},
        {"skillId": 1, "totalValue": 20, "hits": 3, "luckyHits": 3},
        {"skillId": 1, "totalValue": 5, "hits": 1, "timeline": timeline(5)},
        {"skillId": 2, "timeline": timeline(9)},
        {"skillId": 2, "timeline": timeline(1)},
    ])))
    .uploaded
    .state;
    assert_eq!(damage(&state), BTreeMap::from([(1, [35, 6, 1, 3]), (2, [10, 2, 0, 0])]));
    assert_eq!(missing(&state), []);
    let bosses = json!([
        {"name": "A", "totalDamage": 5, "hits": 1}, {"name": "a", "totalDamage": 7, "hits": 2}, {"name": "B", "totalDamage": 1},
        {"name": "C", "hits": 4}, {"name": "D", "totalDamage": 3, "hits": null}, {"name": "D", "totalDamage": 3, "hits": 2},
    ]);
    let state = taken(&with("/bosses", bosses)).uploaded.state;
    let mut told: Vec<_> = state
        .actors()
        .iter()
        .filter(|actor| actor.boss.get() == Some(&true))
        .map(|boss| (boss.name.get().unwrap().to_lowercase(), boss.kind(), boss.told_taken))
        .collect();
    told.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    let of = |name: &str, sum: Option<(u64, Option<u64>)>| {
        (name.to_owned(), ActorKind::Monster, sum.map(|(amount, hits)| PartSum { amount, hits }))
    };
    let expected = [of("a", Some((12, Some(3)))), of("b", Some((1, None))), of("c", None), of("d", Some((6, None)))];
    assert_eq!(told, expected);
}

#[test]
fn absent_is_null_and_null_is_unknown_but_0_is_0() {
    let optional = [
        "/schemaVersion",
        "/endedAtMs",
        "/durationMs",
        "/totalDamage",
        "/totalHeal",
        "/bosses",
        "/meterVersion",
        "/localPlayerUid",
        "/checksum",
        "/bosses/0/totalDamage",
        "/bosses/0/hits",
        "/players/0/name",
        "/players/0/classId",
        "/players/0/classSpec",
        "/players/0/abilityScore",
        "/players/0/level",
        "/players/0/damageDealt",
        "/players/0/healDealt",
        "/players/0/damageTaken",
        "/players/0/bossDamageDealt",
        "/players/0/hitsDealt",
        "/players/0/hitsHeal",
        "/players/0/critHitsDealt",
        "/players/0/luckyHitsDealt",
        "/players/0/dps",
        "/players/0/hps",
        "/players/0/critRate",
        "/players/0/luckyRate",
        "/players/0/damageSkills",
        "/players/0/healSkills",
        "/players/0/damageSkills/0/skillName",
        "/players/0/damageSkills/0/totalValue",
        "/players/0/damageSkills/0/hits",
        "/players/0/damageSkills/0/critHits",
        "/players/0/damageSkills/0/luckyHits",
        "/players/0/damageSkills/0/critTotal",
        "/players/0/damageSkills/0/luckyTotal",
        "/players/0/damageSkills/0/timeline",
        "/players/0/damageSkills/0/timeline/0/isCrit",
        "/players/0/damageSkills/0/timeline/0/isLucky",
        "/players/0/damageSkills/0/timeline/0/hpLoss",
        "/players/0/damageSkills/0/timeline/0/shieldLoss",
    ];
    for place in optional {
        let (absent, null) = (taken(&without(place)), taken(&with(place, json!(null))));
        assert_eq!(absent.checksum, null.checksum, "{place}");
        assert_eq!(absent.uploaded.log.into_bytes(), null.uploaded.log.clone().into_bytes(), "{place}");
        assert_eq!(missing(&absent.uploaded.state), missing(&null.uploaded.state), "{place}");
    }
    let needed = [
        ("encounterId", "encounterId"),
        ("startedAtMs", "startedAtMs"),
        ("players", "players"),
        ("bosses/0/name", "bosses[0].name"),
        ("players/0/actorId", "players[0].actorId"),
        ("players/0/damageSkills/0/skillId", "players[0].damageSkills[0].skillId"),
        ("players/0/healSkills/0/timeline/0/timestampMs", "players[0].healSkills[0].timeline[0].timestampMs"),
        ("players/0/healSkills/0/timeline/0/value", "players[0].healSkills[0].timeline[0].value"),
    ];
    for (place, named) in needed {
        let place = format!("/{place}");
        let expected = [format!("{named}: is missing")];
        assert_eq!(details(&without(&place).to_string()), expected);
        assert_eq!(details(&with(&place, json!(null)).to_string()), expected);
    }
    // Without single hits the sums are all there is.
    let bare = details(&with_skills(json!([{"skillId": 1}])).to_string());
    let of = |name| format!("players[0].damageSkills[0].{name}: is missing");
    assert_eq!(bare, [of("totalValue"), of("hits")]);
    assert_eq!(damage(&taken(&with_skills(json!([{"skillId": 1, "timeline": []}]))).uploaded.state), BTreeMap::new());

    let player = |state: &EncounterState| {
        let actor = state.actors().iter().find(|actor| actor.kind() == ActorKind::Player).unwrap();
        (actor.told_taken, actor.told_to_bosses, actor.level.get().copied(), actor.class_id.get().copied())
    };
    let sum = |amount| Some(PartSum { amount, hits: None });
    let of = |place: &str, value: Value| player(&taken(&with(place, value)).uploaded.state);
    assert_eq!(player(&taken(&small()).uploaded.state), (sum(3), sum(25), Some(60), Some(4)));
    assert_eq!(of("/players/0/damageTaken", json!(0)), (sum(0), sum(25), Some(60), Some(4)));
    assert_eq!(of("/players/0/damageTaken", json!(null)), (None, sum(25), Some(60), Some(4)));
    assert_eq!(of("/players/0/bossDamageDealt", json!(null)), (sum(3), None, Some(60), Some(4)));
    assert_eq!(of("/players/0/level", json!(0)), (sum(3), sum(25), None, Some(4)));
    assert_eq!(of("/players/0/classId", json!(0)), (sum(3), sum(25), Some(60), None));
}

#[test]
fn times_are_unix_ms_or_offsets() {
    let at = |time: i64| only(&with("/players/0/damageSkills/0/timeline/0/timestampMs", json!(time)).to_string());
    let told = |time: i64| at(time).unwrap().uploaded.log.content.hits.iter().map(|hit| hit.at_ms).collect::<Vec<_>>();
    assert_eq!(told(START + 1_000), [1_000, 2_000, 3_000]);
    assert_eq!(told(1_000), [1_000, 2_000, 3_000]);
    assert_eq!((told(0)[0], told(START)[0]), (0, 0));
    assert_eq!((told(7_200_000)[2], told(START + 7_200_000)[2]), (7_200_000, 7_200_000));
    // Meters see a boss a moment after the first hits, however that is told.
    for before in [1, 50, 600_000] {
        assert_eq!((told(START - before)[0], told(-before)[0]), (0, 0), "{before}");
    }
    let odd = [7_200_001, 1_790_000_000, 99_999_999_999, 100_000_000_000, START - 600_001, START + 7_200_001];
    for time in odd {
        let expected = format!(
            "players[0].damageSkills[0].timeline[0].timestampMs: must be within 7200000 ms of startedAtMs, in Unix \
             milliseconds or as an offset from it, got {time}"
        );
        assert_eq!(
            details(&with("/players/0/damageSkills/0/timeline/0/timestampMs", json!(time)).to_string()),
            [expected]
        );
    }
    for time in [-600_001, i64::MIN] {
        let expected = format!(
            "players[0].damageSkills[0].timeline[0].timestampMs: must be a whole number from -600000 to 253402300799999, \
             got {time}"
        );
        assert_eq!(
            details(&with("/players/0/damageSkills/0/timeline/0/timestampMs", json!(time)).to_string()),
            [expected]
        );
    }
    // As it was sent, in the checksum too.
    assert_ne!(at(-50).unwrap().checksum, at(START - 50).unwrap().checksum);
}

#[test]
fn truth_is_spelt_in_two_ways() {
    let crit = |value: Value| damage(&taken(&with(&format!("{HIT}/isCrit"), value)).uploaded.state)[&1405][2];
    assert_eq!((crit(json!(true)), crit(json!(1))), (1, 1));
    // That it was not contradicts the number of critical hits, which is told; it counts.
    assert_eq!((crit(json!(false)), crit(json!(0)), crit(json!(null))), (0, 0, 0));
    for odd in [json!("true"), json!(2), json!(0.5), json!([]), json!("")] {
        let details = details(&with(&format!("{HIT}/isCrit"), odd).to_string());
        assert!(details[0].contains("timeline[0].isCrit: must be true or false, got "), "{details:?}");
    }
}

#[test]
fn rates_are_fractions_or_percentages_and_tell_what_no_count_tells() {
    let rate = |rate: Value| {
        let mut body = with("/players/0/critRate", rate);
        let player = body["players"][0].as_object_mut().unwrap();
        player.insert("damageSkills".into(), json!([]));
        player.insert("hitsDealt".into(), json!(200));
        player.insert("critHitsDealt".into(), json!(null));
        only(&body.to_string())
    };
    let crits = |value: Value| damage(&rate(value).unwrap().uploaded.state)[&-1][2];
    for (told, expected) in
        [(0.25, 50), (25.0, 50), (1.0, 200), (100.0, 200), (0.0, 0), (0.333, 67), (33.33, 67), (1.5, 3)]
    {
        assert_eq!(crits(json!(told)), expected, "{told}");
    }
    assert_eq!(crits(json!(1)), 200);
    for odd in [json!(100.1), json!(-0.1), json!("0.5")] {
        assert!(matches!(rate(odd), Err(Refused::Invalid { .. })));
    }
    // Where hits say it, a rate says nothing.
    let state = taken(&with("/players/0/critRate", json!(1.0))).uploaded.state;
    assert_eq!((damage(&state)[&1405][2], missing(&state)), (1, vec![]));
    // Of skills' sums without counts nobody knows which were critical: that is told.
    let mut body = with_skills(json!([{"skillId": 1, "totalValue": 20, "hits": 10}]));
    body["players"][0]["critRate"] = json!(50);
    let state = taken(&body).uploaded.state;
    assert_eq!(damage(&state), BTreeMap::from([(1, [20, 10, 0, 0])]));
    assert_eq!(missing(&state), [("critical hits of damage of player 1", 5, 0)]);
}

#[test]
fn what_follows_from_the_rest_is_looked_at_and_not_kept() {
    let usual = taken(&small()).uploaded.log.into_bytes();
    for (place, value) in [
        ("/players/0/dps", json!(1e300)),
        ("/players/0/hps", json!(-5)),
        ("/durationMs", json!(1)),
        ("/durationMs", json!(7_200_000)),
        ("/players/0/damageSkills/0/critTotal", json!(0)),
    ] {
        assert_eq!(taken(&with(place, value)).uploaded.log.into_bytes(), usual, "{place}");
    }
    for odd in ["1e999", "-1e999", "\"1\"", "[]"] {
        let text = with("/players/0/dps", json!("@")).to_string().replace("\"@\"", odd);
        assert_eq!(details(&text), [format!("players[0].dps: must be a number, got {odd}")]);
    }
    for odd in [0, 7_200_001] {
        let expected = format!("durationMs: must be a whole number from 1 to 7200000, got {odd}");
        assert_eq!(details(&with("/durationMs", json!(odd)).to_string()), [expected]);
    }
}

fn ending(body: &Value) -> Ending {
    taken(body).uploaded.log.ending.unwrap()
}

#[expect(clippy::disallowed_methods, reason = "a test is shown everything")]
fn everybody() -> &'static Audience {
    Audience::of_everything()
}

#[test]
fn the_meters_sums_may_be_those_of_players_or_of_everyone_or_anything() {
    let differs = |damage: i64, healing: i64| {
        let mut body = with("/totalDamage", json!(damage));
        body["totalHeal"] = json!(healing);
        let uploaded = taken(&body).uploaded;
        let meter = uploaded.log.ending.unwrap().meter.unwrap();
        assert_eq!([meter.damage, meter.healing], [damage, healing].map(i64::cast_unsigned));
        meter_differs(Shown::to(everybody(), &uploaded.state), &meter).is_some()
    };
    // Players dealt 30 and took 3.
    assert_eq!([30, 33].map(|damage| differs(damage, 7)), [false, false]);
    assert_eq!([0, 29, 31, 40, 9_007_199_254_740_991].map(|damage| differs(damage, 7)), [true; 5]);
    assert!(differs(30, 8));
    // Half of it says nothing.
    for half in ["/totalDamage", "/totalHeal"] {
        assert_eq!(ending(&without(half)).meter, None);
    }
}

#[test]
fn players_are_somebody_and_each_stands_there_once() {
    let player = |id: Value| json!({"actorId": id, "damageDealt": 1, "hitsDealt": 1});
    let players = |ids: &[Value]| with("/players", ids.iter().cloned().map(player).collect());
    let state = taken(&players(&[json!(5), json!("6"), json!(i64::MAX), json!(-2)])).uploaded.state;
    let mut ids: Vec<_> =
        state.actors().iter().filter(|actor| actor.kind() == ActorKind::Player).map(|actor| uid(actor.id)).collect();
    ids.sort_unstable();
    assert_eq!(ids, [-2, 5, 6, i64::MAX]);
    assert_eq!(details(&players(&[json!(0)]).to_string()), ["players[0].actorId: 0 is nobody"]);
    let twice = details(&players(&[json!(5), json!(6), json!("5")]).to_string());
    assert_eq!(twice, ["players[2].actorId: another player has the same"]);
    assert_eq!(Figures::of(&taken(&players(&[])).uploaded.state).players, BTreeMap::new());
}

#[test]
fn whom_hits_reach_and_bosses_have_ids_that_stay() {
    let ids = |boss: &str| {
        let state = taken(&with("/bosses/0/name", boss.into())).uploaded.state;
        let monsters = state.actors().iter().filter(|actor| actor.kind() == ActorKind::Monster);
        let ids = monsters.map(|monster| (monster.name.get().cloned(), key(monster.id).to_hex()));
        ids.collect::<BTreeMap<_, _>>()
    };
    // SHA-256 of "raidcast target" and of "raidcast boss|igoreus".
    let expected = |name: &str| {
        let boss = (Some(name.to_owned()), "ade5de58ec5a26c3d966434d1043e575".to_owned());
        BTreeMap::from([(None, "6696440d1ff465a76e9af934166eec2f".to_owned()), boss])
    };
    for name in ["Igoreus", "IGOREUS"] {
        assert_eq!(ids(name), expected(name));
    }
}

#[test]
fn no_bosses_mean_that_none_are_known() {
    for body in [with("/bosses", json!([])), without("/bosses")] {
        let state = taken(&body).uploaded.state;
        assert_eq!(Figures::of(&state).bosses, BTreeMap::new());
        assert_eq!(Figures::of(&state).players[&5][..2], [30, 2]);
    }
    // Of a name that says nothing the boss is left.
    for odd in [json!(""), json!("\u{202e}"), json!(" ")] {
        taken(&with("/bosses/0/name", odd));
    }
}

#[test]
fn of_sums_and_hits_that_differ_the_greater_count_and_the_difference_is_told() {
    let timeline = json!([{"timestampMs": 5, "value": 10, "isCrit": true}, {"timestampMs": 9, "value": 20}]);
    let skill = |hits: u64, total: u64, crit: u64| {
        let skill = json!({"skillId": 1, "totalValue": total, "hits": hits, "critHits": crit, "timeline": timeline});
        let state = taken(&with_skills(json!([skill]))).uploaded.state;
        let told: Vec<_> =
            missing(&state).into_iter().map(|(what, told, read)| (what.to_owned(), told, read)).collect();
        let summed = state.summed();
        assert_eq!(summed.amount, summed.untimed_amount);
        (damage(&state)[&1], summed.amount, told)
    };
    let of = |what: &str| format!("{what} of damage row 1, skill 1");
    assert_eq!(skill(2, 30, 1), ([30, 2, 1, 0], 0, vec![]));
    assert_eq!(skill(5, 100, 3), ([100, 5, 3, 0], 70, vec![]));
    assert_eq!(skill(1, 30, 1), ([30, 2, 1, 0], 0, vec![(of("hits"), 1, 2)]));
    assert_eq!(skill(2, 25, 1), ([30, 2, 1, 0], 0, vec![(of("amount"), 25, 30)]));
    assert_eq!(skill(3, 25, 1), ([30, 3, 1, 0], 0, vec![(of("amount"), 25, 30)]));
    assert_eq!(skill(2, 30, 0), ([30, 2, 1, 0], 0, vec![(of("critical hits"), 0, 1)]));
    assert_eq!(skill(3, 40, 9), ([40, 3, 2, 0], 10, vec![(of("critical hits"), 8, 1)]));
    // And the same of a player and the skills.
    let player = |damage_dealt: u64, hits: u64| {
        let mut body = with("/players/0/damageDealt", json!(damage_dealt));
        body["players"][0]["hitsDealt"] = json!(hits);
        let state = taken(&body).uploaded.state;
        let told: Vec<_> =
            missing(&state).into_iter().map(|(what, told, read)| (what.to_owned(), told, read)).collect();
        (damage(&state), told)
    };
    let skill = (1405, [30, 2, 1, 1]);
    assert_eq!(player(30, 2), (BTreeMap::from([skill]), vec![]));
    assert_eq!(player(90, 5), (BTreeMap::from([skill, (-1, [60, 3, 0, 0])]), vec![]));
    assert_eq!(player(31, 2), (BTreeMap::from([skill, (-1, [1, 0, 0, 0])]), vec![]));
    assert_eq!(player(29, 2), (BTreeMap::from([skill]), vec![("amount of damage of player 1".to_owned(), 29, 30)]));
}

#[test]
fn a_fight_without_an_end_is_unfinished_and_ends_with_what_happened_last() {
    let open = ending(&without("/endedAtMs"));
    assert_eq!((open.outcome, open.ended_at_ms), (Outcome::Unfinished, Some(START + 3_000)));
    let whole = ending(&small());
    assert_eq!((whole.outcome, whole.ended_at_ms), (Outcome::Unknown, Some(START + 60_000)));
    // What has no time is at the end, as far as one is known.
    let sums = |body: Value, ended: Value| {
        let mut body = body;
        body["endedAtMs"] = ended;
        body["players"] = json!([{"actorId": 5, "damageDealt": 1}]);
        taken(&body).uploaded.state.extent_ms()
    };
    assert_eq!(sums(small(), json!(START + 50)), Some((0, 50)));
    assert_eq!(sums(small(), json!(null)), Some((0, 60_000)));
    assert_eq!(sums(without("/durationMs"), json!(null)), Some((0, 0)));
    assert_eq!(sums(small(), json!(START + 8_000_000)), Some((0, 7_200_000)));
    assert_eq!(
        details(&with("/endedAtMs", json!(START - 1)).to_string()),
        ["endedAtMs: must not be before startedAtMs"]
    );
}

#[test]
fn what_the_form_has_no_fields_for_is_unknown() {
    let uploaded = taken(&small()).uploaded;
    let knows = &uploaded.log.header.knows;
    assert_eq!((knows.no_deaths, knows.no_targets, knows.overheal, knows.hits), (true, true, false, true));
    assert_eq!((uploaded.state.deaths().len(), uploaded.state.attempts().len()), (0, 0));
    assert_eq!((uploaded.log.header.scene_id, uploaded.log.header.scene.as_deref()), (None, None));
    let mut body = small();
    (body["sceneId"], body["sceneName"]) = (json!(1223), json!("Arena\n"));
    let header = taken(&body).uploaded.log.header;
    assert_eq!((header.scene_id, header.scene.as_deref()), (Some(1223), Some("Arena")));
    // Sums alone know no hits.
    let sums = taken(&without(&format!("{SKILL}/timeline"))).uploaded.log.header.knows;
    assert!(sums.hits, "the heal is told by itself");
    let sums = taken(&with("/players", json!([{"actorId": 5, "damageDealt": 1, "hitsDealt": 1}]))).uploaded;
    assert!(!sums.log.header.knows.hits);
}

#[test]
fn versions_that_are_newer_are_an_error_of_their_own() {
    for version in [json!(1), json!(null), json!(1.0)] {
        taken(&with("/schemaVersion", version));
    }
    // Whatever else is in it.
    for version in [2, i64::MAX] {
        let body = json!({"schemaVersion": version, "players": 7}).to_string();
        assert_eq!(only(&body).unwrap_err(), Refused::UnsupportedVersion { version });
    }
    for odd in [json!(0), json!(-1), json!("1"), json!(1.5)] {
        let details = details(&with("/schemaVersion", odd).to_string());
        assert!(details[0].starts_with("schemaVersion: must be a whole number"), "{details:?}");
    }
}

#[test]
fn several_encounters_are_read_each_for_itself() {
    let (good, odd) = (small().to_string(), r#"{"encounterId":1}"#);
    for body in [
        format!("[{good},{odd},{good}]"),
        format!(r#" {{"x":[{{}}],"encounters":[{good},{odd},{good}],"schemaVersion":1}}"#),
    ] {
        let request = Request::parse(&body).unwrap();
        assert!(request.is_batch && read_alone(&body, &key).is_none());
        let read: Vec<_> = request.encounters.iter().map(|encounter| read(encounter, &key).is_ok()).collect();
        assert_eq!(read, [true, false, true]);
    }
    let one = format!("[{good}]");
    let request = Request::parse(&one).unwrap();
    assert_eq!((request.is_batch, request.encounters), (true, vec![good.as_str()]));
    // Not by the shorter way: what may be a list however it is spelt, and what is no JSON as a whole.
    let inner = &good[1..good.len() - 1];
    assert!(read_alone(&good, &key).is_some());
    for other in [
        format!(r#"{{{inner},"encounters":[]}}"#),
        format!(r#"{{{inner},"\u0065ncounters":[]}}"#),
        format!("{good} x"),
        format!("{good}{good}"),
        one.clone(),
        odd.to_owned(),
        good[..good.len() - 1].to_owned(),
    ] {
        assert!(read_alone(&other, &key).is_none(), "{other}");
    }
    let many = |n: usize| format!(r#"{{"encounters":[{}]}}"#, vec!["7"; n].join(","));
    assert_eq!(Request::parse(&many(100)).unwrap().encounters.len(), 100);
    assert!(matches!(Request::parse(&many(101)), Err(NotAnUpload::TooMany { max: 100, .. })));
    // Behind the first that is one too many nothing is read, whatever it is.
    let not_to_the_end = many(101).replace("]}", ",no JSON");
    for body in [not_to_the_end.as_str(), not_to_the_end.trim_start_matches("{\"encounters\":")] {
        assert!(matches!(Request::parse(body), Err(NotAnUpload::TooMany { max: 100, .. })), "{body}");
    }
    for empty in ["[]", "null", r#"{"encounters":[]}"#, r#"{"encounters":null}"#] {
        assert!(matches!(Request::parse(empty), Err(NotAnUpload::Empty("encounters"))), "{empty}");
    }
    for odd in ["", "7", "\"x\"", "{", "[{}", "{} x", r#"{"encounters":7}"#, r#"{"encounters":[],"encounters":[]}"#] {
        assert!(matches!(Request::parse(odd), Err(NotAnUpload::Unreadable(_))), "{odd}");
    }
}
