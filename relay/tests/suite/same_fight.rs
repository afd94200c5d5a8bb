//! Reports of one fight by several uploaders lead to each other, on both databases, and nobody learns of one that is
//! known by its link alone.

use std::collections::BTreeSet;

use raidcast_shared::feed::{FeedFrame, FeedHappening, SUBPROTOCOL};
use raidcast_shared::id::RaidId;
use raidcast_shared::report::PointsOfView;
use raidcast_shared::uplink::{Hello, Outcome, ReportState, UplinkReply, Visibility};
use raidcast_store::JobKind;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::encounters::{PATH, encounter};
use crate::raw::{ask, becomes};
use crate::script::{KEY, OTHER_KEY, Script, Spectator, TestRelay, Uploader, hello};
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

/// It is its account's own nearer report that hides its players; the other one hides nobody.
#[tokio::test]
async fn a_nearer_report_that_hides_its_players_hides_no_other_of_its_account() {
    on_every_database(async |relay| {
        let here = upload(&relay, KEY, "public", &encounter(100, true)).await;
        let nearer = upload(&relay, OTHER_KEY, "public&names=class", &as_the_other_saw_it()).await;
        let full = upload(&relay, OTHER_KEY, "public", &later(as_the_other_saw_it(), 200)).await;
        is_all_derived(&relay).await;
        for key in [None, Some(KEY)] {
            assert_eq!(reports(&views(&relay, &here, key).await), BTreeSet::from([full.as_str()]), "{key:?}");
        }
        // Who may see both is led to the one that is most like it, and to no second of the account.
        assert_eq!(reports(&views(&relay, &here, Some(OTHER_KEY)).await), BTreeSet::from([nearer.as_str()]));
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

/// The same some time later.
fn later(mut body: Value, by_ms: i64) -> Value {
    for at in ["startedAtMs", "endedAtMs"] {
        body[at] = json!(body[at].as_i64().unwrap() + by_ms);
    }
    for player in body["players"].as_array_mut().unwrap() {
        let timeline = player["damageSkills"][0].get_mut("timeline").and_then(Value::as_array_mut);
        for hit in timeline.into_iter().flatten() {
            hit["timestampMs"] = json!(hit["timestampMs"].as_i64().unwrap() + by_ms);
        }
    }
    body
}

/// The code of a report's raid.
async fn raid_of(relay: &TestRelay, report: &str, key: Option<&str>) -> String {
    let (status, body) = relay.get_with(&format!("/api/v1/reports/{report}"), key).await;
    assert_eq!(status, 200, "{body}");
    body["raid"].as_str().unwrap().to_owned()
}

/// Somebody who looks at a report, and has heard how its raid stands.
async fn looks_at(relay: &TestRelay, report: &str, key: Option<&str>) -> Spectator {
    let feed = format!("{}/api/v1/raids/{}/feed", relay.url, raid_of(relay, report, key).await);
    let mut spectator = Spectator::join_as(&feed, SUBPROTOCOL, key).await;
    spectator.hear().await.expect("a keyframe");
    spectator
}

/// Hears until it is told that a report leads to others now; gives the number of that event.
async fn hears(spectator: &mut Spectator, report: &str) -> u64 {
    loop {
        if let FeedFrame::Event(event) = spectator.hear().await.expect("the feed goes on")
            && event.what == FeedHappening::ViewsChanged
        {
            assert_eq!(event.report_id, report);
            return event.n;
        }
    }
}

#[tokio::test]
async fn who_looks_at_a_report_hears_when_another_of_its_fight_comes_and_misses_none() {
    on_every_database(async |relay| {
        let here = upload(&relay, KEY, "public", &encounter(100, true)).await;
        is_all_derived(&relay).await;
        let raid = raid_of(&relay, &here, None).await;
        let mut looking = looks_at(&relay, &here, None).await;
        let there = upload(&relay, OTHER_KEY, "public", &as_the_other_saw_it()).await;
        assert_eq!(hears(&mut looking, &here).await, 1);
        // What he asks for then is there.
        assert_eq!(reports(&views(&relay, &here, None).await), BTreeSet::from([there.as_str()]));
        // A moment later: not more often than once in two seconds.
        upload(&relay, OTHER_KEY, "public", &later(as_the_other_saw_it(), 100)).await;
        assert_eq!(hears(&mut looking, &here).await, 2);
        // Who was away is told what he missed, and perhaps what he heard already.
        let before = looking;
        upload(&relay, OTHER_KEY, "public", &later(as_the_other_saw_it(), 200)).await;
        is_all_derived(&relay).await;
        let mut back = before.come_back(&relay, &raid, SUBPROTOCOL).await;
        while hears(&mut back, &here).await < 3 {}
        assert!(!back.events_lost);
        relay.stop().await;
    })
    .await;
}

/// Or that something is told would say that there is one.
#[tokio::test]
async fn nobody_hears_of_a_report_to_which_nobody_is_led() {
    on_every_database(async |relay| {
        let here = upload(&relay, KEY, "public", &encounter(100, true)).await;
        is_all_derived(&relay).await;
        let mut looking = [looks_at(&relay, &here, None).await, looks_at(&relay, &here, Some(KEY)).await];
        for (number, dark) in (0..).zip(["unlisted", "private", "public&names=class"]) {
            upload(&relay, OTHER_KEY, dark, &later(as_the_other_saw_it(), 100 + 100 * number)).await;
            is_all_derived(&relay).await;
        }
        assert_eq!(views(&relay, &here, Some(OTHER_KEY)).await.views.len(), 1, "they are of one fight");
        // Of this account it is the most alike.
        let there = upload(&relay, OTHER_KEY, "public", &as_the_other_saw_it()).await;
        for spectator in &mut looking {
            assert_eq!(hears(spectator, &here).await, 1, "the first that he hears of");
        }
        assert_eq!(reports(&views(&relay, &here, None).await), BTreeSet::from([there.as_str()]));
        relay.stop().await;
    })
    .await;
}

/// It leads to no other, but for its members.
#[tokio::test]
async fn who_is_shown_a_report_that_hides_its_players_hears_of_no_other() {
    const HOUR_MS: i64 = 3_600_000;
    on_every_database(async |relay| {
        let veiled = upload(&relay, KEY, "public&names=class", &encounter(100, true)).await;
        is_all_derived(&relay).await;
        let mut stranger = looks_at(&relay, &veiled, None).await;
        let mut member = looks_at(&relay, &veiled, Some(KEY)).await;
        let there = upload(&relay, OTHER_KEY, "public", &as_the_other_saw_it()).await;
        assert_eq!(hears(&mut member, &veiled).await, 1);
        assert_eq!(reports(&views(&relay, &veiled, Some(KEY)).await), BTreeSet::from([there.as_str()]));
        // The next that he is sent tells of nothing that was before.
        let next = upload(&relay, KEY, "public&names=class", &later(encounter(100, true), HOUR_MS)).await;
        loop {
            let frame = stranger.hear().await.expect("a keyframe");
            if matches!(&frame, FeedFrame::Keyframe(now) if now.raid.fights.iter().any(|line| line.report_id == next)) {
                break;
            }
        }
        assert_eq!(stranger.views_changed, Vec::<u64>::new());
        relay.stop().await;
    })
    .await;
}

/// Nor before what he sees later leads anywhere.
#[tokio::test]
async fn who_is_behind_hears_of_other_reports_when_his_is_shown_to_him_and_nobody_before() {
    on_every_database(async |relay| {
        let (mut ends, mut uploaders) = (Vec::new(), Vec::new());
        for (number, key, delay_s, fight) in
            [(2, OTHER_KEY, 0, Script::new(40, 3).told_as_sums()), (1, KEY, 60, Script::new(40, 2))]
        {
            let wanted = Hello { raid: RaidId(Uuid::from_u128(number)), delay_s, ..hello() };
            let mut uploader = Uploader::connect_as(&relay, key, wanted).await;
            let begun = uploader.begin(&fight).await;
            uploader.deltas(begun.h, &fight.deltas).await;
            let ended = uploader.end(begun.h, &fight, Outcome::Kill).await;
            assert!(matches!(ended, UplinkReply::Finalized { state: ReportState::Final, .. }), "{ended:?}");
            if number == 2 {
                is_all_derived(&relay).await;
            }
            ends.push(begun.report);
            uploaders.push(uploader);
        }
        let (there, here) = (&ends[0], &ends[1]);
        let feed = format!("{}/api/v1/raids/{}/feed", relay.url, uploaders[1].welcome.raid);
        let mut stranger = Spectator::join_as(&feed, SUBPROTOCOL, None).await;
        let mut member = Spectator::join_as(&feed, SUBPROTOCOL, Some(KEY)).await;
        let mut at_the_other = looks_at(&relay, there, None).await;
        assert_eq!(relay.store.jobs(JobKind::Derive).await.unwrap().count, 1, "it is not shown yet");
        stranger.echoes().await;
        at_the_other.echoes().await;
        assert_eq!((&stranger.views_changed, &at_the_other.views_changed), (&Vec::new(), &Vec::new()));
        relay.pass_ms(62_000);
        becomes("all to be derived", async || {
            // The clock was set on; who sleeps until then looks again.
            relay.relay.as_ref().unwrap().registry().context.derive.came();
            relay.store.jobs(JobKind::Derive).await.unwrap().count == 0
        })
        .await;
        for (spectator, report) in [(&mut stranger, here), (&mut member, here), (&mut at_the_other, there)] {
            hears(spectator, report).await;
        }
        assert_eq!(reports(&views(&relay, here, None).await), BTreeSet::from([there.as_str()]));
        relay.stop().await;
    })
    .await;
}
