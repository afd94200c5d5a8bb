//! Begins of a meter's fights that say nothing, or lie ahead.

use raidcast_ingest::{AHEAD_MS_MAX, Upload, Uploaded, meter};
use raidcast_meterkit::Script;
use raidcast_meterkit::upload::Uploader;
use serde_json::{Value, json};

use crate::figures::{Figures, body, check_fold, key, only};

/// The only fight of a body that came at a time.
fn came(body: &[u8], came_ms: i64) -> Uploaded {
    let text = raidcast_ingest::text(body.to_vec());
    let upload = Upload::parse(&text).unwrap();
    let uploaded = meter::read(upload.encounters[0], came_ms, &key);
    check_fold(&uploaded, &uploaded.log);
    uploaded
}

#[test]
fn a_fight_that_began_long_after_it_came_is_kept_as_begun_when_it_came_and_is_the_same_fight() {
    let fight = Script::party(1).fight();
    let began_ms = fight.started_at_ms;
    let sent = body(Uploader::Hits, std::slice::from_ref(&fight));
    let usual = came(&sent, began_ms);
    let lasted = |uploaded: &Uploaded| {
        uploaded.log.ending.as_ref().unwrap().ended_at_ms.map(|ended_at_ms| ended_at_ms - uploaded.started_at_ms)
    };
    let later = began_ms - 90 * 86_400_000;
    for (came_ms, days) in [(began_ms - AHEAD_MS_MAX, 0), (began_ms - AHEAD_MS_MAX - 1, 7), (later, 90)] {
        let uploaded = came(&sent, came_ms);
        let kept_ms = if days == 0 { began_ms } else { came_ms };
        assert_eq!((uploaded.started_at_ms, uploaded.encounter), (kept_ms, usual.encounter), "{days}");
        assert_eq!(uploaded.stream(uploaded.encounter), usual.stream(usual.encounter), "it is known again");
        assert_eq!(Figures::of(&uploaded.state), Figures::of(&usual.state), "{days}");
        assert_eq!(uploaded.state.extent_ms(), usual.state.extent_ms(), "{days}");
        assert_eq!(lasted(&uploaded), lasted(&usual), "{days}");
        let missing: Vec<_> = uploaded.state.missing().iter().map(|missing| (missing.expected, missing.read)).collect();
        assert_eq!(missing, if days == 0 { vec![] } else { vec![(days, 0)] });
    }
    // Not even what is no date lies ahead.
    let beyond = json!({"encounters": [{"startedAtMs": 253_402_300_800_000_i64, "localPlayerId": 5}]}).to_string();
    let stub = came(beyond.as_bytes(), began_ms);
    assert_eq!((stub.stub.is_some(), stub.started_at_ms), (true, began_ms));
}

#[test]
fn fights_of_one_player_without_a_begin_are_told_apart_by_what_they_come_to() {
    let name = |begin: &Value, ended_at_ms: i64, damage: i64, hits: &str| {
        let row = json!({"attackerId": 5, "defenderId": 6, "skillId": 7, "hits": 1, "totalValue": damage, "hitDetails": hits});
        let fight = json!({"startedAtMs": begin, "endedAtMs": ended_at_ms, "localPlayerId": 5, "totalDmg": damage,
            "actorEncounterStats": [{"actorId": 5}], "damageSkillStats": [row]});
        only(&json!({"encounters": [fight]}).to_string()).encounter
    };
    let ended = 1_790_000_000_000;
    for begin in [json!(0), json!(null), json!("soon")] {
        let first = name(&begin, ended, 9, "[]");
        let with_hits = name(&begin, ended, 9, r#"[{"damage":9,"ms_from_start":5,"timestamp":1789999990000}]"#);
        assert_eq!(with_hits, first, "{begin}");
        for other in [name(&begin, ended + 60_000, 9, "[]"), name(&begin, ended, 8, "[]")] {
            assert_ne!(other, first, "{begin}");
        }
    }
    // Where there is a begin, that is enough.
    assert_eq!(name(&json!(5), 100, 9, "[]"), name(&json!(5), 200, 8, "[]"));
}
