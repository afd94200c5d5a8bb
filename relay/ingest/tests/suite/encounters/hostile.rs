//! Whatever strangers send: taken to the last figure, or refused with the place; limits at, just under and over.

use raidcast_ingest::encounters::{Refused, Request, read};
use raidcast_shared::event::ActorKind;
use raidcast_shared::text::is_name;
use serde_json::{Value, json};

use super::{details, only, taken};
use crate::figures::{key, uid};

const START: i64 = 1_790_000_000_000;

fn player(id: usize) -> Value {
    json!({"actorId": id, "damageDealt": 1, "hitsDealt": 1})
}

fn encounter(players: Value) -> Value {
    let mut body = json!({"encounterId": 1, "startedAtMs": START, "localPlayerUid": 1});
    body["players"] = players;
    body
}

fn skills(skills: Value) -> Value {
    let mut player = json!({"actorId": 1});
    player["damageSkills"] = skills;
    encounter(json!([player]))
}

/// With all fields that hold text.
fn texts(text: &str) -> Value {
    json!({
        "encounterId": 1, "startedAtMs": START, "localPlayerUid": 1, "meterVersion": text, "sceneName": text,
        "bosses": [{"name": text, "totalDamage": 1}],
        "players": [{"actorId": 1, "name": text, "healSkills": [{"skillId": 1, "skillName": text, "hits": 1, "totalValue": 1}]}],
    })
}

/// The body with so many of something.
type Body<'a> = &'a dyn Fn(usize) -> Value;

#[test]
fn limits_hold_to_the_last_one() {
    let many = |n: usize, entry: &dyn Fn(usize) -> Value| Value::Array((1..=n).map(entry).collect());
    let entry = |_| json!({"timestampMs": 1, "value": 1});
    let timeline = |n| skills(json!([{"skillId": 1, "timeline": many(n, &entry)}]));
    let boss = |n| json!({"name": format!("B{n}"), "totalDamage": 1});
    let bosses = |n| {
        let mut body = encounter(json!([]));
        body["bosses"] = many(n, &boss);
        body
    };
    let skill = |n| json!({"skillId": n, "hits": 1, "totalValue": 1});
    let cases: [(Body<'_>, usize, &str); 4] = [
        (&|n| encounter(many(n, &player)), 50, "players: at most 50 entries, got 51"),
        (&timeline, 10_000, "players[0].damageSkills[0].timeline: at most 10000 entries, got 10001"),
        (&bosses, 100, "bosses: at most 100 entries, got 101"),
        (&|n| skills(many(n, &skill)), 4_096, "encounter: events of skills beyond the 4096 of one fight"),
    ];
    for (body, max, over) in cases {
        for n in [max - 1, max] {
            taken(&body(n));
        }
        assert_eq!(details(&body(max + 1).to_string()), [over]);
    }
    // The one whose meter it is counts as one.
    let mut body = encounter(many(50, &player));
    body["localPlayerUid"] = json!(51);
    assert_eq!(details(&body.to_string()), ["players: at most 50 with the one of localPlayerUid"]);
    let amount = |amount: u64| {
        skills(json!([{"skillId": 1, "hits": 0, "totalValue": amount}, {"skillId": 2, "hits": 0, "totalValue": 0}]))
    };
    taken(&amount((1 << 53) - 1));
    assert!(details(&amount(1 << 53).to_string())[0].starts_with("players[0].damageSkills[0].totalValue: must be"));
    let sum = |second: u64| {
        skills(
            json!([{"skillId": 1, "hits": 0, "totalValue": (1_u64 << 53) - 2}, {"skillId": 1, "hits": 0, "totalValue": second}]),
        )
    };
    taken(&sum(1));
    assert_eq!(details(&sum(2).to_string()), ["encounter: hits whose amounts add up to more than 9007199254740991"]);
}

#[test]
fn rows_of_all_players_have_one_limit() {
    let skill = r#"{"skillId":1,"hits":1,"totalValue":1}"#;
    let body = |n: usize| {
        let list = vec![skill; n / 16].join(",");
        let rest = vec![skill; n % 16].join(",");
        let players: Vec<_> = (1..=16).map(|id| format!(r#"{{"actorId":{id},"damageSkills":[{list}]}}"#)).collect();
        let healer = format!(r#"{{"actorId":17,"healSkills":[{rest}]}}"#);
        format!(r#"{{"encounterId":1,"startedAtMs":{START},"players":[{},{healer}]}}"#, players.join(","))
    };
    let figures = |n| crate::figures::Figures::of(&only(&body(n)).unwrap().uploaded.state);
    let all = |n| figures(n).players.values().map(|of| of[1] + of[5]).sum::<u64>();
    assert_eq!((all(65_535), all(65_536)), (65_535, 65_536));
    assert_eq!(details(&body(65_537)), ["players: at most 65536 skills of all players together, got 65537"]);
}

#[test]
fn an_encounter_has_ten_mebibytes() {
    let body = |bytes: usize| {
        let mut body = taken_text(&encounter(json!([player(1)])));
        let more = bytes - body.len() - r#","x":"""#.len();
        body.pop();
        body + &format!(r#","x":"{}"}}"#, "x".repeat(more))
    };
    for bytes in [10_485_759, 10_485_760] {
        let body = body(bytes);
        assert_eq!(body.len(), bytes);
        assert!(read(&body, &key).is_ok());
    }
    assert_eq!(read(&body(10_485_761), &key).unwrap_err(), Refused::TooLarge { bytes: 10_485_761 });
    // As many hits as they hold.
    let entry = r#"{"value":1,"timestampMs":1}"#;
    let list = vec![entry; 9_999].join(",");
    let skills: Vec<_> = (0..37).map(|id| format!(r#"{{"skillId":{id},"timeline":[{list}]}}"#)).collect();
    let body = format!(
        r#"{{"encounterId":1,"startedAtMs":{START},"players":[{{"actorId":1,"damageSkills":[{}]}}]}}"#,
        skills.join(",")
    );
    assert!(body.len() < 10_485_760);
    let state = read(&body, &key).unwrap().uploaded.state;
    assert_eq!(state.rows().iter().map(|row| row.hits).sum::<u64>(), 37 * 9_999);
}

fn taken_text(body: &Value) -> String {
    taken(body);
    body.to_string()
}

#[test]
fn twenty_things_that_are_wrong_are_told_and_all_are_counted() {
    let players = |n: usize| (0..n).map(|_| json!({"actorId": 0})).collect::<Vec<_>>();
    for (n, told) in [(20, 20), (21, 20), (50, 20)] {
        let Err(Refused::Invalid { count, details }) = only(&encounter(json!(players(n))).to_string()) else {
            panic!()
        };
        // Each is nobody, and all but the first are the first one again.
        assert_eq!((count, details.len()), (2 * n - 1, told));
        assert_eq!(details[..2], ["players[0].actorId: 0 is nobody", "players[1].actorId: 0 is nobody"]);
    }
}

#[test]
fn text_is_cleaned_and_never_a_reason_to_refuse() {
    let markup = "<script>alert('1')</script>";
    let sql = "'; DROP TABLE encounters; --";
    let long = "はるか".repeat(100);
    for text in [markup, sql, &long, "a\u{0}b\u{1b}[31m\u{202e}c\u{2028}", "🐉\u{feff}", "\\u0000", "${x}{{7*7}}%s"] {
        let received = taken(&texts(text));
        let state = &received.uploaded.state;
        let names = state.actors().iter().filter_map(|actor| actor.name.get());
        let skills = state.skills().iter().filter_map(|skill| skill.name.get());
        let header = received.uploaded.log.header.scene.iter();
        let all: Vec<_> = names.chain(skills).chain(header).chain(&received.meter_version).collect();
        assert_eq!(all.len(), 5, "{text:?}");
        let cleaned = raidcast_shared::text::clean(text, 64);
        assert!(all.iter().all(|name| **name == cleaned && is_name(name, 64)), "{all:?}");
    }
    // Halves of characters, in names and in the names of fields.
    let body = texts("@").to_string().replace("\"@\"", r#""x\ud800y""#);
    let received = only(&body.replacen('{', r#"{"\udfff":"\ud800","#, 1)).unwrap();
    let player = received.uploaded.state.actors().iter().find(|actor| actor.kind() == ActorKind::Player).unwrap();
    assert!(player.name.get().unwrap().starts_with('x'), "{:?}", player.name);
    // Bytes that are no text at all.
    let mut bytes = texts("@").to_string().into_bytes();
    bytes.iter_mut().filter(|byte| **byte == b'@').for_each(|byte| *byte = 0xff);
    assert!(only(&raidcast_ingest::text(bytes)).is_ok());
    for odd in [json!(7), json!([]), json!({}), json!(true)] {
        let mut body = texts("x");
        body["players"][0]["name"] = odd.clone();
        assert_eq!(details(&body.to_string()), [format!("players[0].name: must be text, got {odd}")]);
    }
}

/// Every field, one of each list.
fn whole() -> Value {
    let skill = r#"[{
        "skillId": 1, "skillName": "S", "totalValue": 5, "hits": 1,
        "critHits": 0, "luckyHits": 0, "critTotal": 0, "luckyTotal": 0,
        "timeline": [{"timestampMs": 1, "value": 5, "isCrit": false, "isLucky": false, "hpLoss": 5, "shieldLoss": 0}]
    }]"#;
    let text = r#"{
        "schemaVersion": 1, "encounterId": 1, "startedAtMs": 1790000000000, "endedAtMs": 1790000000005, "durationMs": 5,
        "totalDamage": 5, "totalHeal": 5, "bosses": [{"name": "B", "totalDamage": 5, "hits": 1}],
        "players": [{
            "actorId": 1, "name": "N", "classId": 1, "classSpec": 1, "abilityScore": 1, "level": 1, "damageDealt": 5,
            "healDealt": 5, "damageTaken": 5, "bossDamageDealt": 5, "hitsDealt": 1, "hitsHeal": 1, "critHitsDealt": 0,
            "luckyHitsDealt": 0, "dps": 1.5, "hps": 1.5, "critRate": 0.0, "luckyRate": 0.0,
            "damageSkills": @, "healSkills": @
        }],
        "meterVersion": "1", "localPlayerUid": 1, "checksum": null, "sceneId": 1, "sceneName": "A"
    }"#;
    serde_json::from_str(&text.replace('@', skill)).unwrap()
}

/// Each place as a JSON pointer, and as details name it.
fn places(value: &Value, pointer: &str, path: &str, found: &mut Vec<(String, String)>) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                let pointer = format!("{pointer}/{name}");
                places(field, &pointer, &path, found);
                found.push((pointer, path));
            }
        }
        Value::Array(entries) => {
            for (at, entry) in entries.iter().enumerate() {
                let (pointer, path) = (format!("{pointer}/{at}"), format!("{path}[{at}]"));
                places(entry, &pointer, &path, found);
                found.push((pointer, path));
            }
        }
        _ => {}
    }
}

#[test]
fn whatever_stands_in_a_place_is_taken_or_refused_with_that_place() {
    let mut found = Vec::new();
    places(&whole(), "", "", &mut found);
    assert!(found.len() > 60, "{}", found.len());
    taken(&whole());
    let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
    let deep_objects = format!("{}7{}", r#"{"a":"#.repeat(500), "}".repeat(500));
    let digits = "9".repeat(1_000);
    let odd = [
        "null",
        "true",
        "0",
        "-1",
        "1.5",
        "-0.0",
        "1e300",
        "1e999",
        "-1e999",
        "-9223372036854775808",
        "18446744073709551615",
        "9007199254740993",
        r#""text""#,
        r#""\ud800\u0000<b>""#,
        r#""1e5""#,
        "[]",
        "[null]",
        "[7,{}]",
        "{}",
        r#"{"a":1,"a":2}"#,
        &deep,
        &deep_objects,
        &digits,
    ];
    let (mut refused, mut read) = (0, 0);
    for (pointer, path) in &found {
        let mut changed = whole();
        *changed.pointer_mut(pointer).unwrap() = "@odd@".into();
        let text = changed.to_string();
        for odd in odd {
            let shown = &odd[..odd.len().min(40)];
            match only(&text.replacen("\"@odd@\"", odd, 1)) {
                Ok(_) => read += 1,
                Err(Refused::UnsupportedVersion { .. }) => assert_eq!(path, "schemaVersion"),
                Err(Refused::Invalid { details, .. }) => {
                    refused += 1;
                    // A list is to blame where one of its entries is.
                    let names = |line: &String| line.starts_with(path.as_str());
                    // Two times are wrong by each other, and so are a skill without its hits and its sums.
                    let is_of_two = ["startedAtMs", "endedAtMs"].contains(&path.as_str());
                    assert!(is_of_two || details.iter().any(names), "{path}, {shown}: {details:?}");
                    assert!(details.iter().all(|line| line.chars().count() < 250), "{path}, {shown}: {details:?}");
                }
                Err(other) => panic!("{path}, {shown}: {other:?}"),
            }
        }
    }
    assert!(refused > 600 && read > 200, "{refused} refused, {read} read");
}

#[test]
fn nests_are_as_deep_as_they_are_long() {
    // Who went down into them would need more than any stack holds.
    let lists = "[".repeat(250_000) + &"]".repeat(250_000);
    let objects = r#"{"a":"#.repeat(125_000) + "7" + &"}".repeat(125_000);
    for nest in [lists.as_str(), &objects] {
        assert!(only(&whole().to_string().replacen('{', &format!("{{\"later\":{nest},"), 1)).is_ok());
        for place in ["/players", "/players/0/name", "/players/0/damageSkills/0/timeline", "/totalDamage", "/checksum"]
        {
            let mut body = whole();
            *body.pointer_mut(place).unwrap() = "@".into();
            let name = place.rsplit('/').next().unwrap();
            let details = details(&body.to_string().replacen("\"@\"", nest, 1));
            assert!(details[0].contains(name), "{place}: {details:?}");
        }
    }
    let request = Request::parse(&lists).unwrap();
    let Err(Refused::Invalid { details: of_list, .. }) = read(request.encounters[0], &key) else { panic!() };
    assert_eq!(of_list, ["encounter: must be an object"]);
    assert_eq!(details(&objects), ["encounterId", "startedAtMs", "players"].map(|name| format!("{name}: is missing")));
}

#[test]
fn numbers_are_exact_or_refused() {
    let of = |number: &str| {
        let text = skills(json!([{"skillId": 1, "hits": 0, "totalValue": "@"}])).to_string().replace("\"@\"", number);
        only(&text).map(|received| received.uploaded.state.rows()[0].amount)
    };
    for (number, expected) in [
        ("5", 5),
        ("5.0", 5),
        ("5e0", 5),
        ("0.5e1", 5),
        ("50E-1", 5),
        ("9007199254740991", 9_007_199_254_740_991),
        ("9007199254740991.0", 9_007_199_254_740_991),
    ] {
        assert_eq!(of(number), Ok(expected), "{number}");
    }
    for odd in [
        "5.5",
        "-1",
        "1e16",
        "1e999",
        "\"5\"",
        "9007199254740992",
        "18446744073709551616",
        "5e-1",
        "9007199254740990.4",
    ] {
        let Err(Refused::Invalid { details, .. }) = of(odd) else { panic!("{odd}") };
        let expected = "players[0].damageSkills[0].totalValue: must be a whole number from 0 to 9007199254740991, got ";
        assert_eq!(details, [format!("{expected}{odd}")]);
    }
    // Ids are exact beyond what floats are.
    for id in [9_007_199_254_740_993, i64::MAX, -9_007_199_254_740_993] {
        let state = taken(&encounter(json!([player(1), {"actorId": id, "damageDealt": 1}]))).uploaded.state;
        assert!(state.actors().iter().any(|actor| actor.kind() == ActorKind::Player && uid(actor.id) == id));
    }
    let text = encounter(json!([{"actorId": "@"}])).to_string().replace("\"@\"", "9.007199254740992e15");
    assert!(only(&text).is_ok(), "a float that is a whole number");
    let text = encounter(json!([{"actorId": "@"}])).to_string().replace("\"@\"", "9.223372036854775e18");
    assert!(only(&text).is_err(), "nobody knows which");
}

#[test]
fn bosses_of_one_name_add_up_to_an_amount_or_are_refused() {
    let bosses = |amounts: &[u64]| {
        let mut body = whole();
        let names = ["Twin", "TWIN"];
        let boss = |(n, amount): (usize, &u64)| json!({"name": names[n % 2], "totalDamage": amount, "hits": 1});
        body["bosses"] = amounts.iter().enumerate().map(boss).collect();
        only(&body.to_string())
    };
    let (one, other) = (4_000_000_000_000_000, 5_000_000_000_000_000);
    bosses(&[one, other]).expect("it fits");
    let Err(Refused::Invalid { details, .. }) = bosses(&[one, other, one]) else { panic!("it was taken") };
    assert_eq!(details[0], "bosses[2].totalDamage: with those of the same name before it at most 9007199254740991");
}

#[test]
fn what_is_no_json_names_the_field() {
    let told = |text: &str| Request::parse(text).unwrap_err().to_string();
    let text = whole().to_string().replace("\"dps\":1.5", "\"dps\": NaN");
    assert!(told(&text).contains("in or behind the field dps"), "{}", told(&text));
    assert!(told(&format!("[{text}]")).contains("in or behind the field dps"));
    assert!(told(&format!("\n\n{text:}\n")).contains("in or behind the field dps"));
    let pretty = format!("{:#}", whole()).replace("\"critRate\": 0.0", "\"critRate\": Infinity");
    assert!(told(&pretty).contains("in or behind the field critRate"), "{}", told(&pretty));
    for odd in ["{'a':1}", "{\"a\"", "{\"はる\":x", "{:", "{\"a b\":x}", "\u{0}", "[1,]", "{}{}"] {
        assert!(told(odd).starts_with("The request cannot be read: "), "{odd}");
    }
}

#[test]
fn a_hundred_encounters_are_a_hundred_readings() {
    let one = |n: i64| {
        let mut body = whole();
        (body["encounterId"], body["startedAtMs"], body["endedAtMs"]) =
            (json!(n), json!(START + n), json!(START + n + 5));
        body
    };
    let body = json!({"encounters": (0..100).map(one).collect::<Vec<_>>()}).to_string();
    let request = Request::parse(&body).unwrap();
    let mut read: Vec<_> =
        request.encounters.iter().map(|encounter| read(encounter, &key).unwrap().uploaded.encounter).collect();
    read.sort_unstable();
    read.dedup();
    assert_eq!(read.len(), 100);
}

#[test]
fn each_actor_is_keyed_once() {
    let asked = std::cell::RefCell::new(Vec::new());
    let text = whole().to_string();
    let state = read(&text, &|id| {
        asked.borrow_mut().push(id);
        key(id)
    })
    .unwrap()
    .uploaded
    .state;
    let mut asked = asked.into_inner();
    let all = asked.len();
    asked.sort_unstable();
    asked.dedup();
    assert_eq!((all, all), (asked.len(), state.actors().len()));
    // The player, the boss and whom all hits reach.
    assert_eq!(all, 3);
}

#[test]
fn fields_count_in_whatever_order_they_come() {
    let entry = r#"{"shieldLoss":1,"hpLoss":4,"isCrit":true,"value":5,"timestampMs":1790000000003}"#;
    let skill = |id: u8| {
        format!(r#"{{"timeline":[{entry}],"hits":2,"later":[{{}}],"totalValue":9,"skillName":"S","skillId":{id}}}"#)
    };
    let player = format!(r#"{{"healSkills":[{}],"damageSkills":[{}],"name":"N","actorId":1}}"#, skill(2), skill(1));
    let reversed = format!(r#"{{"players":[{player}],"startedAtMs":{START},"localPlayerUid":1,"encounterId":1}}"#);
    // The same in the order of the API's page.
    let entry = json!({"timestampMs": START + 3, "value": 5, "isCrit": true, "hpLoss": 4, "shieldLoss": 1});
    let skill = |id: u8| json!([{"skillId": id, "skillName": "S", "totalValue": 9, "hits": 2, "timeline": [entry]}]);
    let player = json!({"actorId": 1, "name": "N", "damageSkills": skill(1), "healSkills": skill(2)});
    let (reversed, usual) = (only(&reversed).unwrap(), taken(&encounter(json!([player]))));
    assert_eq!(reversed.checksum, usual.checksum);
    assert_eq!(reversed.uploaded.log.into_bytes(), usual.uploaded.log.into_bytes());
}

#[test]
fn faults_are_told_in_one_order_however_fields_come() {
    let skill = |id: &str| {
        format!(r#"{{"timeline":[{{"timestampMs":1,"value":5}},{{"value":-1}},{{}},7,{{}}],"hits":-2,"skillId":{id}}}"#)
    };
    let player = format!(r#"{{"healSkills":[{}],"damageSkills":[{}],"level":-3}}"#, skill("2"), skill("-1.1"));
    let body = format!(
        r#"{{"sceneId":"x","players":[{player},{{"actorId":2}},8,{{}}],"bosses":[{{"hits":-4}}],"encounterId":1,"startedAtMs":5}}"#
    );
    let told = details(&body);
    let places: Vec<_> = told.iter().map(|line| line.split_once(": ").unwrap().0).collect();
    let of_skill = |list: &str, id: bool| {
        let names = [
            "hits",
            "timeline[1].timestampMs",
            "timeline[1].value",
            "timeline[2].timestampMs",
            "timeline[2].value",
            "timeline[3]",
        ];
        let names = id.then_some("skillId").into_iter().chain(names);
        names.map(|name| format!("players[0].{list}[0].{name}")).collect::<Vec<_>>()
    };
    let mut expected: Vec<_> =
        ["startedAtMs", "bosses[0].hits", "bosses[0].name", "players[0].actorId", "players[0].level"]
            .map(str::to_owned)
            .into();
    expected.extend(of_skill("damageSkills", true));
    expected.extend(of_skill("healSkills", false));
    expected.push("players[2]".into());
    assert_eq!(places, expected);
}

#[test]
fn of_a_list_that_stands_there_twice_the_second_one_is_looked_at() {
    let of = |lists: &str| details(&format!(r#"{{"encounterId":1,"startedAtMs":{START},{lists}}}"#));
    let twice = "players: stands there twice (camelCase and snake_case are one name)";
    assert_eq!(of(r#""players":[{"level":-1}],"players":[]"#), [twice]);
    assert_eq!(of(r#""players":[],"players":[{}]"#), [twice, "players[0].actorId: is missing"]);
    assert_eq!(of(r#""players":[{}],"players":null"#), [twice, "players: is missing"]);
    assert_eq!(of(r#""players":[{}],"players":7"#), [twice, "players: must be a list"]);
}

#[test]
fn lists_of_any_length_are_read_to_their_end() {
    // More skills than are kept until they are told.
    let figures = |n: usize| {
        let skill = |id| json!({"skillId": id, "timeline": [{"timestampMs": 1, "value": 1}]});
        let state = taken(&skills((1..=n).map(skill).collect())).uploaded.state;
        state.rows().iter().map(|row| row.hits).sum::<u64>()
    };
    assert_eq!([639, 640, 641, 2_000].map(figures), [639, 640, 641, 2_000]);
    let many = vec!["{}"; 1_000_000].join(",");
    let of = |body: String| match only(&body) {
        Err(Refused::Invalid { count, details }) => (count, details[0].clone()),
        other => panic!("{other:?}"),
    };
    let body = |players: &str| format!(r#"{{"encounterId":1,"startedAtMs":{START},"players":[{players}]}}"#);
    let player = |skills: &str| body(&format!(r#"{{"actorId":1,"damageSkills":[{skills}]}}"#));
    // Of each player one thing is missing, of each skill three, of each hit two; and that they are too many is one, too.
    assert_eq!(of(body(&many)), (51, "players[0].actorId: is missing".into()));
    let (count, first) = of(player(&many));
    assert_eq!((count, first.as_str()), (3 * 65_536 + 1, "players[0].damageSkills[0].skillId: is missing"));
    let (count, first) = of(player(&format!(r#"{{"skillId":1,"timeline":[{many}]}}"#)));
    assert_eq!(count, 2 * 10_000 + 1);
    assert_eq!(first, "players[0].damageSkills[0].timeline[0].timestampMs: is missing");
}
