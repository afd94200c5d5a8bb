//! What the API's description says of the bodies that are read here, as JSON Schema. They are read by hand, so that no
//! derive could tell it.
//!
//! One invariant: what these allow is taken, but for what no schema can say: that a fight ends after it began, that times
//! lie in it, and that each player is there once.

use raidcast_shared::limits as l;
use serde_json::{Map, Value, json};

use crate::limits as own;

/// Of each body and its parts, by the names in the description. `profiles_max`: of one request.
pub fn all(profiles_max: usize) -> [(&'static str, Value); 9] {
    [
        ("EncounterUpload", encounter_upload()),
        ("UploadedEncounter", encounter()),
        ("UploadedBoss", boss()),
        ("UploadedPlayer", player()),
        ("UploadedSkill", skill()),
        ("UploadedHit", hit()),
        ("MeterUpload", meter_upload()),
        ("UploadCheck", upload_check()),
        ("PlayerData", player_data(profiles_max)),
    ]
}

fn named(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// A field, and what it is; one that may be absent may be null, too, which is the same.
struct Field(&'static str, Value, bool);

fn must(name: &'static str, text: &str, schema: Value) -> Field {
    Field(name, described(schema, text), true)
}

fn may(name: &'static str, text: &str, mut schema: Value) -> Field {
    match schema.get_mut("type") {
        Some(kind) => *kind = json!([kind, "null"]),
        None => schema["oneOf"].as_array_mut().into_iter().for_each(|all| all.push(json!({ "type": "null" }))),
    }
    Field(name, described(schema, text), false)
}

fn described(mut schema: Value, text: &str) -> Value {
    if !text.is_empty() {
        schema["description"] = text.into();
    }
    schema
}

fn object(text: &str, fields: impl IntoIterator<Item = Field>) -> Value {
    let (mut properties, mut required) = (Map::new(), Vec::new());
    for Field(name, schema, is_required) in fields {
        properties.insert(name.to_owned(), schema);
        required.extend(is_required.then_some(name));
    }
    json!({ "type": "object", "description": text, "properties": properties, "required": required })
}

fn whole(low: i64, high: i64) -> Value {
    json!({ "type": "integer", "format": "int64", "minimum": low, "maximum": high })
}

/// Hit points, or a count.
fn amount() -> Value {
    whole(0, l::AMOUNT_MAX.cast_signed())
}

/// 64 bits, also as text. One of text has no more digits here than are sure to fit.
fn id() -> Value {
    json!({ "oneOf": [whole(i64::MIN, i64::MAX), { "type": "string", "pattern": "^-?[0-9]{1,18}$" }] })
}

fn text() -> Value {
    json!({ "type": "string" })
}

fn number(low: Option<f64>, high: Option<f64>) -> Value {
    let mut schema = json!({ "type": "number" });
    for (name, bound) in [("minimum", low), ("maximum", high)] {
        if let Some(bound) = bound {
            schema[name] = bound.into();
        }
    }
    schema
}

/// 1 and 0 stand for true and false.
fn truth() -> Value {
    json!({ "oneOf": [{ "type": "boolean" }, { "type": "integer", "minimum": 0, "maximum": 1 }] })
}

fn list(of: &str, least: usize, most: Option<usize>) -> Value {
    let mut schema = json!({ "type": "array", "items": named(of) });
    if least > 0 {
        schema["minItems"] = least.into();
    }
    if let Some(most) = most {
        schema["maxItems"] = most.into();
    }
    schema
}

fn encounter_upload() -> Value {
    let several = list("UploadedEncounter", 1, Some(own::BATCH_MAX));
    let named_list =
        object("Several encounters.", [must("encounters", "Each is read for itself, in this order.", several.clone())]);
    json!({
        "description": "An encounter, or several. One that is wrong costs no other in its request.",
        "anyOf": [named("UploadedEncounter"), named_list, several],
    })
}

fn encounter() -> Value {
    let date = || whole(own::UNIX_MS_MIN, own::DATE_MS_MAX);
    let checksum = json!({ "type": "string", "pattern": "^[0-9A-Fa-f]{64}$" });
    let fields = [
        may("schemaVersion", "The version of this form: 1.", whole(1, own::SCHEMA_VERSION)),
        must("encounterId", "The uploader's number of the fight. It is answered as it was sent.", id()),
        must("startedAtMs", "Unix ms.", date()),
        may("endedAtMs", "Unix ms, not before `startedAtMs`. Without it the fight is unfinished.", date()),
        may("durationMs", "", whole(1, l::ENCOUNTER_DURATION_MS_MAX.into())),
        may("totalDamage", "Hit points, as the meter sums them up.", amount()),
        may("totalHeal", "Likewise.", amount()),
        may("bosses", "", list("UploadedBoss", 0, Some(own::BOSSES_MAX))),
        must("players", "Each once.", list("UploadedPlayer", 0, Some(l::PLAYERS_MAX))),
        may("meterVersion", "Counted in the relay's metrics, and not kept.", text()),
        may("localPlayerUid", "The game's id of the player whose meter it is; 0 means unknown.", id()),
        may("checksum", "Of the uploader's making: compared and given back, never refused, and not kept.", checksum),
        may("sceneId", "The game's id of the scene.", whole(i64::MIN, i64::MAX)),
        may("sceneName", "", text()),
    ];
    object(
        "A fight that has ended. Names may also be in snake_case. What is absent or `null` is not known. At most 10 MiB of \
         JSON, and 65,536 skills of all players.",
        fields,
    )
}

fn boss() -> Value {
    let fields = [
        must("name", "", text()),
        may("totalDamage", "What it took, hit points.", amount()),
        may("hits", "In how many hits.", amount()),
    ];
    object("A boss.", fields)
}

fn player() -> Value {
    let mut actor_id = id();
    actor_id["not"] = json!({ "enum": [0, "0"] });
    let short = || whole(0, u16::MAX.into());
    let long = || whole(0, u32::MAX.into());
    let fields = [
        must("actorId", "The game's id of the player, not 0, and no other player's.", actor_id),
        may("name", "", text()),
        may("classId", "The game's; 0 means unknown, here and in the three below.", short()),
        may("classSpec", "Of Resonance Logs.", short()),
        may("abilityScore", "The game's.", long()),
        may("level", "", long()),
        may("damageDealt", "Hit points.", amount()),
        may("healDealt", "Hit points.", amount()),
        may("damageTaken", "Hit points.", amount()),
        may("bossDamageDealt", "Hit points.", amount()),
        may("hitsDealt", "", amount()),
        may("hitsHeal", "", amount()),
        may("critHitsDealt", "", amount()),
        may("luckyHitsDealt", "", amount()),
        may("dps", "Nothing is made of it: the relay computes its own.", number(None, None)),
        may("hps", "Likewise.", number(None, None)),
        may("critRate", "0 to 1, or up to 100 as a percentage.", number(Some(0.0), Some(100.0))),
        may("luckyRate", "Likewise.", number(Some(0.0), Some(100.0))),
        may("damageSkills", "", list("UploadedSkill", 0, None)),
        may("healSkills", "", list("UploadedSkill", 0, None)),
    ];
    object("A player.", fields)
}

fn skill() -> Value {
    let fields = [
        must("skillId", "", id()),
        may("skillName", "", text()),
        may("totalValue", "Hit points; there where no `timeline` is.", amount()),
        may("hits", "In how many hits; likewise.", amount()),
        may("critHits", "", amount()),
        may("luckyHits", "", amount()),
        may("critTotal", "Nothing is made of it.", amount()),
        may("luckyTotal", "Likewise.", amount()),
        may("timeline", "Its hits, where their times are known.", list("UploadedHit", 0, Some(own::TIMELINE_MAX))),
    ];
    let mut skill = object("A skill of a player. Several entries of one skill add up.", fields);
    let there = |kind: &str| json!({ "type": kind });
    skill["anyOf"] = json!([
        { "required": ["timeline"], "properties": { "timeline": there("array") } },
        { "required": ["totalValue", "hits"],
          "properties": { "totalValue": there("integer"), "hits": there("integer") } },
    ]);
    skill
}

fn hit() -> Value {
    let time = json!({ "anyOf": [
        whole(-own::EARLY_MS_MAX, l::ENCOUNTER_DURATION_MS_MAX.into()),
        whole(own::UNIX_MS_MIN, own::DATE_MS_MAX),
    ] });
    let fields = [
        must("timestampMs", "Ms since `startedAtMs`, or Unix ms: 600,000 ms before it to 7,200,000 ms after.", time),
        must("value", "Hit points.", amount()),
        may("isCrit", "", truth()),
        may("isLucky", "", truth()),
        may("hpLoss", "Hit points.", amount()),
        may("shieldLoss", "Hit points.", amount()),
    ];
    object("A hit.", fields)
}

fn meter_upload() -> Value {
    let mut upload = object("Fights as meters tell them.", []);
    upload["required"] = json!(["encounters"]);
    upload["properties"] = json!({
        "encounters": {
            "type": "array", "minItems": 1, "maxItems": own::ENCOUNTERS_MAX, "items": {},
            "description": "One that cannot be read is kept as a report that says so.",
        },
        "clientVersion": { "description": "What the meter says of itself." },
    });
    upload
}

fn upload_check() -> Value {
    let hashes = json!({
        "type": "array", "minItems": 1, "maxItems": own::HASHES_MAX,
        "items": { "type": "string", "maxLength": own::HASH_CHARS_MAX },
    });
    object("Which fights are known?", [must("hashes", "As the meter calls them.", hashes)])
}

fn player_data(profiles_max: usize) -> Value {
    let profiles = json!({ "type": "array", "maxItems": profiles_max, "items": {} });
    object("Characters' profiles.", [may("playerData", "Whatever they are.", profiles)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encounters::FIELDS;

    #[test]
    fn each_field_that_is_read_is_described_and_no_other() {
        let described = ["UploadedEncounter", "UploadedBoss", "UploadedPlayer", "UploadedSkill", "UploadedHit"];
        let all = all(1);
        for (object, read) in described.into_iter().zip(FIELDS) {
            let (_, schema) = all.iter().find(|(name, _)| *name == object).expect("a schema");
            let mut names: Vec<_> = read.to_vec();
            names.sort_unstable();
            let properties = schema["properties"].as_object().expect("an object");
            assert_eq!(properties.keys().map(String::as_str).collect::<Vec<_>>(), names, "{object}");
        }
    }
}
