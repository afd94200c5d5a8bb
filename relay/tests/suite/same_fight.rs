//! Reports of one fight by several uploaders lead to each other, on both databases, and nobody learns of one that is
//! known by its link alone.

use std::collections::BTreeSet;

use raidcast_shared::id::RaidId;
use raidcast_shared::report::PointsOfView;
use raidcast_shared::uplink::{Hello, Outcome, ReportState, UplinkReply, Visibility};
use raidcast_store::JobKind;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::encounters::{PATH, encounter};
use crate::raw::{ask, becomes};
use crate::script::{KEY, OTHER_KEY, Script, TestRelay, Uploader, hello};
use crate::uploads::{on_every_database, post};

async fn is_all_derived(relay: &TestRelay) {
    becomes("all to be derived", async || relay.store.jobs(JobKind::Derive).await.unwrap().count == 0).await;
}

/// Other reports of its fight, as whoever has this key sees them.
pub(crate) async fn views(relay: &TestRelay, report: &str, key: Option<&str>) -> PointsOfView {
    let (status, answer) = relay.get_with(&format!("/api/v1/reports/{report}/views"), key).await;
    assert_eq!(status, 200, "{report}: {answer}");
    serde_json::from_value(answer).unwrap()
}

fn reports(views: &PointsOfView) -> BTreeSet<&str> {
    views.views.iter().map(|view| view.report.report_id.as_str()).collect()
}

pub(crate) async fn upload(relay: &TestRelay, key: &str, visibility: &str, body: &Value) -> String {
    let query = format!("{PATH}?visibility={visibility}");
    let answer = post(relay, &query, key, &[], body.to_string().as_bytes()).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let receipt: Value = serde_json::from_str(&answer.body).unwrap();
    receipt["reportId"].as_str().unwrap().to_owned()
}

/// The same fight as the other player's meter tells it: another clock, another language, a hit more, crits of their own.
pub(crate) fn as_the_other_saw_it() -> Value {
    let mut body = encounter(100, true);
    body["localPlayerUid"] = json!(2_000);
    body["bosses"][0]["name"] = json!("Kartgriff ");
    for at in ["startedAtMs", "endedAtMs"] {
        body[at] = json!(body[at].as_i64().unwrap() + 1_700);
    }
    for player in body["players"].as_array_mut().unwrap() {
        player["damageSkills"][0].as_object_mut().unwrap().remove("timeline");
    }
    let own = &mut body["players"][1];
    own["critHitsDealt"] = json!(1);
    own["damageSkills"][0]["critHits"] = json!(1);
    own["damageSkills"][0]["critTotal"] = json!(3_000);
    body
}

#[tokio::test]
async fn reports_of_one_fight_lead_to_each_other() {
    on_every_database(async |relay| {
        let here = upload(&relay, KEY, "public", &encounter(100, true)).await;
        is_all_derived(&relay).await;
        assert!(views(&relay, &here, None).await.views.is_empty());
        let there = upload(&relay, OTHER_KEY, "public", &as_the_other_saw_it()).await;
        is_all_derived(&relay).await;
        let seen = views(&relay, &here, None).await;
        assert_eq!((seen.report_id.as_str(), reports(&seen)), (here.as_str(), BTreeSet::from([there.as_str()])));
        assert_eq!(reports(&views(&relay, &there, None).await), BTreeSet::from([here.as_str()]));

        // What the other meter knows of its own player can be put to the same player here.
        let view = &seen.views[0];
        assert_eq!((view.own.len(), view.own[0].crit_hits, view.own[0].skills.len()), (1, Some(1), 1));
        let report = relay.report(&here).await;
        let same = report.fight.players.iter().find(|player| player.player_key == view.own[0].player_key).unwrap();
        assert!(!same.is_local);

        // Whoever knows who was there, but not what they did, hangs nothing onto it.
        let mut invented = encounter(100, true);
        for (at, player) in invented["players"].as_array_mut().unwrap().iter_mut().enumerate() {
            player["damageDealt"] = json!(30_000 * (at + 1));
            player["damageSkills"][0]["totalValue"] = json!(30_000 * (at + 1));
            player["damageSkills"][0].as_object_mut().unwrap().remove("timeline");
        }
        invented["totalDamage"] = json!(90_000);
        let invented = upload(&relay, OTHER_KEY, "public", &invented).await;
        is_all_derived(&relay).await;
        assert!(views(&relay, &invented, None).await.views.is_empty());
        assert_eq!(reports(&views(&relay, &here, None).await), BTreeSet::from([there.as_str()]));

        // An answer says whether it is still the same; what was made again of logs is.
        let path = format!("/api/v1/reports/{here}/views");
        let first = ask(&relay, &format!("GET {path}"), &[]).await;
        let name = format!("if-none-match: {}", first.header("etag").unwrap().trim_start_matches("w/"));
        assert_eq!(ask(&relay, &format!("GET {path}"), &[&name]).await.status, 304);
        assert_eq!(relay.store.derive_again().await.unwrap(), 3);
        let relay = relay.restart().await;
        is_all_derived(&relay).await;
        let again = ask(&relay, &format!("GET {path}"), &[]).await;
        assert_eq!(again.body, first.body);
        let (status, _) = relay.get("/api/v1/reports/nothing-here/views").await;
        assert_eq!(status, 404);
        relay.stop().await;
    })
    .await;
}

/// Or the figures of the one would say who stands behind the other's, and a report that somebody made up, whether he has
/// guessed it.
#[tokio::test]
async fn no_report_leads_to_one_that_hides_its_players_nor_from_it() {
    on_every_database(async |relay| {
        let named = upload(&relay, KEY, "public", &encounter(100, true)).await;
        let hidden = upload(&relay, OTHER_KEY, "public&names=class", &as_the_other_saw_it()).await;
        is_all_derived(&relay).await;
        for (report, key) in [(&named, None), (&named, Some(KEY)), (&hidden, None), (&hidden, Some(KEY))] {
            assert!(views(&relay, report, key).await.views.is_empty(), "{report} {key:?}");
        }
        // Who may see both is led from his own.
        assert_eq!(reports(&views(&relay, &hidden, Some(OTHER_KEY)).await), BTreeSet::from([named.as_str()]));
        assert!(
            relay.report(&hidden).await.fight.players.iter().all(|player| player
                .name
                .as_ref()
                .is_some_and(|name| name.ends_with(|last: char| last.is_ascii_digit())))
        );
        relay.stop().await;
    })
    .await;
}

#[tokio::test]
async fn nothing_leads_to_a_report_that_is_known_by_its_link_alone() {
    on_every_database(async |relay| {
        let mut shown = Vec::new();
        for visibility in ["unlisted", "private"] {
            let mut body = as_the_other_saw_it();
            // Other fights, so that they do not meet.
            let later = 3_600_000 * shown.len();
            for at in ["startedAtMs", "endedAtMs"] {
                body[at] = json!(body[at].as_i64().unwrap() + later as i64);
            }
            let hidden = upload(&relay, OTHER_KEY, visibility, &body).await;
            body["localPlayerUid"] = json!(100);
            let public = upload(&relay, KEY, "public", &body).await;
            shown.push((hidden, public));
        }
        is_all_derived(&relay).await;
        for (at, (hidden, public)) in shown.iter().enumerate() {
            assert!(views(&relay, public, None).await.views.is_empty(), "{at}");
            assert!(views(&relay, public, Some(KEY)).await.views.is_empty(), "{at}");
            // Who may see both sees both.
            let own = views(&relay, public, Some(OTHER_KEY)).await;
            assert_eq!(reports(&own), BTreeSet::from([hidden.as_str()]), "{at}");
            let from_there = views(&relay, hidden, Some(OTHER_KEY)).await;
            assert_eq!(reports(&from_there), BTreeSet::from([public.as_str()]), "{at}");
            let (status, _) = relay.get(&format!("/api/v1/reports/{hidden}/views")).await;
            assert_eq!(status, if at == 0 { 200 } else { 404 });
        }
        relay.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_streamed_fight_and_the_sums_of_another_meter_are_one_until_one_is_hidden() {
    on_every_database(async |relay| {
        let mut ends = Vec::new();
        for (number, key, fight) in [(1, KEY, Script::new(40, 2)), (2, OTHER_KEY, Script::new(40, 3).told_as_sums())] {
            let as_other = Hello { raid: RaidId(Uuid::from_u128(number)), ..hello() };
            let mut uploader = Uploader::connect_as(&relay, key, as_other).await;
            let begun = uploader.begin(&fight).await;
            uploader.deltas(begun.h, &fight.deltas).await;
            let ended = uploader.end(begun.h, &fight, Outcome::Kill).await;
            assert!(matches!(ended, UplinkReply::Finalized { state: ReportState::Final, .. }), "{ended:?}");
            ends.push(begun.report);
        }
        is_all_derived(&relay).await;
        assert_eq!(reports(&views(&relay, &ends[0], None).await), BTreeSet::from([ends[1].as_str()]));
        assert_eq!(reports(&views(&relay, &ends[1], None).await), BTreeSet::from([ends[0].as_str()]));
        let hidden = Hello { raid: RaidId(Uuid::from_u128(2)), visibility: Visibility::Unlisted, ..hello() };
        let uploader = Uploader::connect_as(&relay, OTHER_KEY, hidden).await;
        assert!(views(&relay, &ends[0], None).await.views.is_empty(), "with the next request");
        assert_eq!(reports(&views(&relay, &ends[1], None).await), BTreeSet::from([ends[0].as_str()]));
        drop(uploader);
        relay.stop().await;
    })
    .await;
}
