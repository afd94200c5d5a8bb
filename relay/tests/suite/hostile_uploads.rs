//! Strangers at the calls that take fights: of each thing that is refused it is said what, and all else is as it was.

use std::io::Write as _;

use raidcast_relay::limits::{CHECK_BYTES_MAX, ENCOUNTERS_BYTES_MAX, PROFILES_BYTES_MAX, PROFILES_MAX};
use raidcast_shared::limits::WHOLE_BYTES_MAX;
use raidcast_store::JobKind;
use serde_json::{Value, json};

use crate::encounters::{PATH, encounter};
use crate::raw::{ask, becomes};
use crate::script::{KEY, OTHER_KEY, READ_KEY, TestRelay};
use crate::uploads::{BEGAN, ids, on_every_database, post, upload};

const UPLOAD: &str = "/api/v1/upload/";
const CHECK: &str = "/api/v1/upload/check";
const PROFILES: &str = "/api/v1/upload/player-data";

/// Text that is something else to whoever takes it for more than text.
const HOSTILE: &str = "'; DROP TABLE raids; -- \"<img src=x onerror=alert(1)>${7*7}%s\\";

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A call, its key, lines of its head and its body; status and code of the answer.
type Case<'a> = (&'a str, &'a str, &'a [&'a str], Vec<u8>, u16, &'a str);

async fn is_all_derived(relay: &TestRelay) {
    becomes("all to be derived", async || relay.store.jobs(JobKind::Derive).await.unwrap().count == 0).await;
}

/// All that anybody sees.
async fn shown(relay: &TestRelay, reports: &[String]) -> Vec<Value> {
    let mut all = vec![relay.get("/api/v1/reports").await.1, relay.get("/api/v1/encounters").await.1];
    for report in reports {
        for part in ["", "/timeline", "/views"] {
            all.push(relay.get_with(&format!("/api/v1/reports/{report}{part}"), Some(KEY)).await.1);
        }
    }
    all
}

/// Keeps a fight, and gives its report.
async fn kept(relay: &TestRelay, key: &str, visibility: &str, body: &Value) -> String {
    let path = format!("{PATH}?visibility={visibility}");
    let answer = post(relay, &path, key, &[], body.to_string().as_bytes()).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let receipt: Value = serde_json::from_str(&answer.body).unwrap_or_else(|_| panic!("{answer:?}"));
    receipt["reportId"].as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned()
}

/// A body of so many bytes that says the same.
fn padded(body: &Value, bytes: usize) -> Vec<u8> {
    let text = body.to_string();
    let spaces = " ".repeat(bytes - text.len());
    format!("{{{spaces}{}", &text[1..]).into_bytes()
}

#[tokio::test]
async fn what_is_refused_is_told_and_changes_nothing() {
    let bomb = gzip(&vec![b' '; 65 * 1024 * 1024]);
    assert!(bomb.len() * 100 < 65 * 1024 * 1024);
    let meters_bomb = gzip(&vec![b' '; 257 * 1024 * 1024]);
    on_every_database(async |relay| {
        let public = kept(&relay, KEY, "public", &encounter(100, true)).await;
        let mut hidden = encounter(100, true);
        for at in ["startedAtMs", "endedAtMs"] {
            hidden[at] = json!(hidden[at].as_i64().unwrap() + 60_000);
        }
        for player in hidden["players"].as_array_mut().unwrap() {
            player["damageSkills"][0].as_object_mut().unwrap().remove("timeline");
        }
        let hidden = kept(&relay, KEY, "private", &hidden).await;
        is_all_derived(&relay).await;
        let reports = [public.clone(), hidden.clone()];
        let before = shown(&relay, &reports).await;

        let whole = encounter(300, true).to_string();
        let twice = format!("{},\"players\":[]}}", &whole[..whole.len() - 1]);
        let deep_twice = whole.replace("\"skillId\"", "\"skillId\":1,\"skillId\"");
        let with = |place: &str, value: &str| whole.replacen(place, value, 1).into_bytes();
        let packed = ["content-encoding: gzip"];
        let cases: Vec<Case<'_>> = vec![
            (PATH, "", &[], whole.clone().into(), 401, "unauthorized"),
            (PATH, "a-key-for-test", &[], whole.clone().into(), 401, "unauthorized"),
            (PATH, "a-key-for-tests ' OR 1=1", &[], whole.clone().into(), 401, "unauthorized"),
            (PATH, READ_KEY, &[], whole.clone().into(), 403, "forbidden"),
            (UPLOAD, READ_KEY, &[], upload(&[]), 403, "forbidden"),
            (PATH, KEY, &[], twice.into(), 400, "bad_request"),
            (PATH, KEY, &[], deep_twice.into(), 400, "bad_request"),
            (PATH, KEY, &[], with("\"value\":1000", "\"value\":9007199254740993"), 400, "bad_request"),
            (PATH, KEY, &[], with("\"value\":1000", "\"value\":1e300"), 400, "bad_request"),
            (PATH, KEY, &[], with("\"value\":1000", "\"value\":-1"), 400, "bad_request"),
            (PATH, KEY, &[], with("\"value\":1000", "\"value\":0.5"), 400, "bad_request"),
            (PATH, KEY, &[], with("\"skillId\":1714", "\"skillId\":9223372036854775808"), 400, "bad_request"),
            // It would be the newest report for ever.
            (PATH, KEY, &[], whole.replace("1790000", "1890000").into(), 400, "bad_request"),
            (PATH, KEY, &packed, bomb.clone(), 413, "too_large"),
            (UPLOAD, KEY, &packed, meters_bomb.clone(), 413, "too_large"),
            (PATH, KEY, &[], padded(&encounter(300, true), WHOLE_BYTES_MAX + 1), 413, "too_large"),
            (PATH, KEY, &["content-encoding: gzip, gzip"], gzip(whole.as_bytes()), 415, "unsupported_media"),
        ];
        for (path, key, lines, body, status, code) in cases {
            let answer = post(&relay, path, key, lines, &body).await;
            let start = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
            assert_eq!(
                (answer.status, answer.code().as_str()),
                (status, code),
                "{path} {key} {lines:?} {start}: {answer:?}"
            );
            assert!(!answer.body.contains(HOSTILE) && answer.body.len() < 8_192, "{answer:?}");
            assert_eq!(shown(&relay, &reports).await, before, "{path} {key} {lines:?} {start}");
        }
        // Nobody learns of what is hidden by guessing, nor touches it with a key of his own.
        let nothing = ask(&relay, "GET /api/v1/reports/aaaaaaaaaaaa", &[]).await;
        for guess in [format!("reports/{hidden}"), format!("reports/{hidden}/views"), format!("encounters/{hidden}")] {
            for line in [&[][..], &["x-api-key: another-key-for-tests"]] {
                let answer = ask(&relay, &format!("GET /api/v1/{guess}"), line).await;
                assert_eq!(answer.plain().1, nothing.plain().1, "{guess}");
                assert_eq!(answer.status, 404, "{guess}");
            }
        }
        let own = ids(&relay, KEY, &[crate::uploads::fight(700, true)]).await[0];
        for guess in [own - 1, own + 1, 0, 1, -1, i64::MAX] {
            let answer = ask(&relay, &format!("GET /encounter/{guess}"), &[]).await;
            assert!(answer.status == 404 || guess == own, "{guess}: {answer:?}");
        }
        relay.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_body_at_its_limit_is_taken_and_another_byte_is_not() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    for (bytes, status) in [(WHOLE_BYTES_MAX + 1, 413), (WHOLE_BYTES_MAX, 201), (WHOLE_BYTES_MAX - 1, 200)] {
        for lines in [&[][..], &["content-encoding: gzip"]] {
            let body = padded(&encounter(100, true), bytes);
            let body = if lines.is_empty() { body } else { gzip(&body) };
            let answer = post(&relay, PATH, KEY, lines, &body).await;
            let known = if status == 201 && !lines.is_empty() { 200 } else { status };
            assert_eq!(answer.status, known, "{bytes} {lines:?}: {answer:?}");
        }
    }
    relay.stop().await;
}

/// Bodies of so many bytes.
type Body<'a> = &'a dyn Fn(usize) -> Vec<u8>;

/// What is sent is what it unfolds to, and packed: what is in excess is space.
#[tokio::test]
async fn each_call_takes_as_much_as_it_may_packed_or_not_and_not_one_byte_or_entry_more() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    // Beside the encounter: that alone may have less.
    let list = |bytes: usize| {
        let text = encounter(100, true).to_string();
        format!("[{}{text}]", " ".repeat(bytes - text.len() - 2)).into_bytes()
    };
    let check = |bytes: usize| padded(&json!({"hashes": ["0b"]}), bytes);
    let profiles = |bytes: usize| padded(&json!({"playerData": [{}, {}]}), bytes);
    let calls: [(&str, u64, Body<'_>); 3] = [
        (PATH, ENCOUNTERS_BYTES_MAX, &list),
        (CHECK, CHECK_BYTES_MAX, &check),
        (PROFILES, PROFILES_BYTES_MAX, &profiles),
    ];
    for (path, most, body) in calls {
        let most = most as usize;
        for (bytes, status) in [(most + 1, 413), (most, 200), (most - 1, 200)] {
            let body = body(bytes);
            assert_eq!(body.len(), bytes);
            let packed = zstd::encode_all(&body[..], 1).unwrap();
            for (lines, sent) in [(&[][..], &body), (&["content-encoding: zstd"][..], &packed)] {
                let answer = post(&relay, path, KEY, lines, sent).await;
                assert_eq!(answer.status, status, "{path} {bytes} {lines:?}: {answer:?}");
                assert!(status == 200 || answer.code() == "too_large", "{path} {bytes} {lines:?}: {answer:?}");
            }
        }
    }
    for (count, status) in [(PROFILES_MAX + 1, 400), (PROFILES_MAX, 200), (PROFILES_MAX - 1, 200)] {
        let body = json!({"playerData": vec![0; count]}).to_string();
        let answer = post(&relay, PROFILES, KEY, &[], body.as_bytes()).await;
        assert_eq!(answer.status, status, "{count}: {answer:?}");
        let told: Value = serde_json::from_str(&answer.body).unwrap();
        match status {
            200 => assert_eq!(told["synced"], count),
            _ => assert!(told["message"].as_str().unwrap().contains("10000 profiles"), "{told}"),
        }
    }
    // One encounter came of all this, and nothing else.
    is_all_derived(&relay).await;
    let (_, own) = relay.get_with("/api/v1/reports", Some(KEY)).await;
    assert_eq!(own["pagination"]["total"], 0, "nobody called it public: {own}");
    let again = post(&relay, PATH, KEY, &[], encounter(100, true).to_string().as_bytes()).await;
    assert_eq!(again.status, 200, "it is known: {again:?}");
    relay.stop().await;
}

/// Each text of a body.
fn each_text(value: &mut Value, change: &mut impl FnMut(&mut String)) {
    match value {
        Value::String(text) => change(text),
        Value::Array(all) => all.iter_mut().for_each(|value| each_text(value, change)),
        Value::Object(all) => all.values_mut().for_each(|value| each_text(value, change)),
        _ => {}
    }
}

#[tokio::test]
async fn sql_and_markup_are_text_in_every_text_of_both_forms() {
    on_every_database(async |relay| {
        let first = kept(&relay, KEY, "public", &encounter(100, true)).await;
        is_all_derived(&relay).await;
        let before = relay.get(&format!("/api/v1/reports/{first}")).await;

        let mut form = encounter(200, true);
        form["sceneName"] = json!("x");
        each_text(&mut form, &mut |text| HOSTILE.clone_into(text));
        form["startedAtMs"] = json!(BEGAN + 7_200_000);
        form["endedAtMs"] = json!(BEGAN + 7_210_000);
        for player in form["players"].as_array_mut().unwrap() {
            player["damageSkills"][0].as_object_mut().unwrap().remove("timeline");
        }
        let of_form = kept(&relay, OTHER_KEY, "public", &form).await;

        // Lists of a meter are JSON in a text: they stay lists, and the texts in them are as all others.
        let mut of_meter = crate::uploads::fight(300, true);
        each_text(&mut of_meter, &mut |text| {
            if let Ok(mut list @ Value::Array(_)) = serde_json::from_str(text) {
                each_text(&mut list, &mut |text| HOSTILE.clone_into(text));
                *text = list.to_string();
            } else {
                HOSTILE.clone_into(text);
            }
        });
        let id = ids(&relay, OTHER_KEY, &[of_meter]).await[0];
        let place = ask(&relay, &format!("GET /encounter/{id}"), &["x-api-key: another-key-for-tests"]).await;
        assert!((300..400).contains(&place.status), "{place:?}");
        is_all_derived(&relay).await;

        let report = relay.report(&of_form).await.fight;
        assert_eq!(report.encounter.scene.as_deref(), Some(HOSTILE));
        assert_eq!(report.bosses[0].name, HOSTILE);
        assert!(report.players.iter().all(|player| player.name.as_deref() == Some(HOSTILE)));
        for query in ["playerName", "bossName", "sceneName"] {
            let asked = HOSTILE.bytes().fold(String::new(), |asked, byte| asked + &format!("%{byte:02x}"));
            let (status, found) = relay.get(&format!("/api/v1/encounters?{query}={asked}")).await;
            assert_eq!((status, found["encounters"].as_array().map(Vec::len)), (200, Some(1)), "{query}: {found}");
        }
        assert_eq!(relay.get(&format!("/api/v1/reports/{first}")).await, before);
        // No page says it as markup: pages are the same for all, and read it from answers in JSON.
        for path in [format!("/reports/{of_form}"), "/".to_owned()] {
            let page = ask(&relay, &format!("GET {path}"), &[]).await;
            assert!(page.status == 200 && !page.body.contains("onerror"), "{page:?}");
        }
        relay.stop().await;
    })
    .await;
}
