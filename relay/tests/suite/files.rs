//! A fight as a file that is opened without a relay.

use raidcast_shared::uplink::{Hello, NamesPolicy, Outcome, UplinkReply, Visibility};
use serde_json::{Value, json};

use crate::names::{NAMES, keys};
use crate::raw::ask;
use crate::script::{KEY, READ_KEY, Script, TestRelay, Uploader, Whole, header, hello};

const OPENING: &str = "<script id=\"fight\" type=\"application/json\">";

/// A fight that has ended: its raid, and its report.
async fn ended(relay: &TestRelay, hello: Hello) -> (Uploader, String) {
    let mut uploader = Uploader::connect_as(relay, KEY, hello).await;
    let fight = Script::new(20, 2);
    let begun = uploader.begin(&fight).await;
    uploader.deltas(begun.h, &fight.deltas).await;
    uploader.acked(20).await;
    assert!(matches!(uploader.end(begun.h, &fight, Outcome::Kill).await, UplinkReply::Finalized { .. }));
    (uploader, begun.report)
}

async fn file(relay: &TestRelay, report: &str, key: Option<&str>) -> Whole {
    relay.whole("GET", &format!("/api/v1/reports/{report}/file"), key, None).await
}

/// The text of the block that holds the fight, as it stands in the page.
fn block(page: &str) -> &str {
    let (_, rest) = page.split_once(OPENING).expect("there is a block");
    rest.split_once("</script>").expect("it ends").0
}

#[tokio::test]
async fn a_file_holds_the_whole_fight_and_nothing_of_it_is_markup() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let (uploader, report) = ended(&relay, hello()).await;
    let answer = file(&relay, &report, None).await;
    assert_eq!(answer.status, 200, "{}", answer.head);
    let head = answer.head.to_ascii_lowercase();
    assert!(head.contains("content-type: text/html; charset=utf-8"), "{head}");
    assert!(head.contains(&format!("content-disposition: attachment; filename=\"raidcast-{report}.html\"")), "{head}");
    assert!(head.contains("x-robots-tag: noindex") && head.contains("cache-control: private, no-cache"), "{head}");
    // One of the players is called `<b>Böreas</b>`.
    let text = block(&answer.body);
    assert!(!text.contains('<') && text.contains("\\u003cb>Böreas\\u003c/b>"), "{text}");
    let saved: Value = serde_json::from_str(text).unwrap();
    let (_, told) = relay.get(&format!("/api/v1/reports/{report}")).await;
    for figure in ["totals", "durationMs", "bosses", "attempts", "damageTime", "outcome", "checksum"] {
        assert_eq!(saved["report"][figure], told[figure], "{figure}");
    }
    assert_eq!((&saved["version"], &saved["report"]["raid"]), (&json!(1), &json!("")));
    let of = |report: &Value, figure: &str| -> Vec<Value> {
        report["players"].as_array().unwrap().iter().map(|player| player[figure].clone()).collect()
    };
    assert_eq!(of(&saved["report"], "damage"), of(&told, "damage"));
    assert_eq!(of(&saved["report"], "name"), of(&told, "name"));
    // Players have keys of the file's own, in the order of the report.
    let own: Vec<_> = (1..=of(&told, "name").len()).map(|n| json!(format!("p{n}"))).collect();
    assert_eq!(of(&saved["report"], "playerKey"), own);
    let raid = &uploader.welcome.raid;
    assert!(keys().iter().chain([raid]).all(|key| !answer.body.contains(key.as_str())));
    let hits = told["totals"]["hits"].as_u64().unwrap() + told["totals"]["healHits"].as_u64().unwrap();
    assert!(saved["hits"]["count"].as_u64().unwrap() >= hits, "{saved}");
    // Who has it already is told so.
    let name = answer.head.lines().find_map(|line| line.strip_prefix("etag: ")).expect("it has a name");
    let asked = format!("GET /api/v1/reports/{report}/file");
    let again = ask(&relay, &asked, &[&format!("If-None-Match: {name}")]).await;
    assert_eq!(again.status, 304);
    relay.stop().await;
}

#[tokio::test]
async fn a_fight_that_goes_on_is_in_no_file_and_what_is_not_for_all_in_none_of_theirs() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let (mut uploader, report) = ended(&relay, Hello { visibility: Visibility::Private, ..hello() }).await;
    assert_eq!(file(&relay, &report, None).await.status, 404);
    assert_eq!(file(&relay, &report, Some(READ_KEY)).await.status, 200);
    let next = Script::new(4, 4).at(header().started_at_ms + 1_000_000);
    let begun = uploader.begin(&next).await;
    uploader.deltas(begun.h, &next.deltas).await;
    uploader.acked(4).await;
    let live = file(&relay, &begun.report, Some(READ_KEY)).await;
    assert!(live.status == 409 && live.body.contains("\"conflict\""), "{} {}", live.status, live.body);
    assert_eq!(file(&relay, "nowhere", None).await.status, 404);
    relay.stop().await;
}

#[tokio::test]
async fn a_file_hides_whom_its_asker_may_not_know_and_none_is_left_of_what_is_deleted() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let (_uploader, report) = ended(&relay, Hello { names: NamesPolicy::Class, ..hello() }).await;
    let for_all = file(&relay, &report, None).await;
    assert_eq!(for_all.status, 200);
    let is_told = |page: &str, text: &str| page.contains(text);
    assert!(!NAMES.iter().any(|name| is_told(&for_all.body, name)), "{}", block(&for_all.body));
    let saved: Value = serde_json::from_str(block(&for_all.body)).unwrap();
    for player in saved["report"]["players"].as_array().unwrap() {
        let said = (&player["isLocal"], &player["critHits"], &player["abilityScore"]);
        assert_eq!(said, (&json!(false), &Value::Null, &Value::Null), "{player}");
    }
    let for_member = file(&relay, &report, Some(READ_KEY)).await;
    assert!(NAMES.iter().all(|name| is_told(&for_member.body, name)));
    // What was made and kept for who asks next goes with the report.
    let deleted = relay.request("DELETE", &format!("/api/v1/reports/{report}"), Some(KEY)).await;
    assert_eq!(deleted.0, 200);
    for key in [None, Some(READ_KEY)] {
        assert_eq!(file(&relay, &report, key).await.status, 404);
    }
    relay.stop().await;
}
