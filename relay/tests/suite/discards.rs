//! A fight that is thrown away and begun again, whatever was under way: only the new one is left, everywhere.

use raidcast_relay::limits::DISCARD_MS;
use raidcast_shared::feed::{FeedFrame, SUBPROTOCOL};
use raidcast_shared::id::RaidId;
use raidcast_shared::uplink::{
    Begin, Begun, End, Ending, Hello, Outcome, RefusedCode, RefusedScope, ReportState, UplinkFrame, UplinkReply,
};
use uuid::Uuid;

use crate::raw::becomes;
use crate::script::{KEY, Script, Spectator, TestRelay, UPLOAD_KEY, Uploader, header, hello};

/// How far the fight is when it is thrown away.
#[derive(Clone, Copy, Debug, PartialEq)]
enum When {
    /// Its Begin is not answered.
    Opening,
    /// It is open, and nothing was sent of it.
    Empty,
    /// Deltas are on their way to the disk.
    InFlight,
    /// All that was sent is acknowledged.
    Acknowledged,
    /// Another reading of it is begun beside the first, and deltas of both are on their way.
    TwoReadings,
    /// Its End was sent, and its report is being made.
    Keeping,
    /// Its report is final.
    Final,
}

const ALL: [When; 7] =
    [When::Opening, When::Empty, When::InFlight, When::Acknowledged, When::TwoReadings, When::Keeping, When::Final];

async fn begin(uploader: &mut Uploader, fight: &Script) {
    let begin = Begin { enc: fight.enc, stream: fight.stream, header: header() };
    uploader.send(&UplinkFrame::Begin(begin)).await;
}

async fn end(uploader: &mut Uploader, h: u32, fight: &Script) {
    let (ended_at_ms, outcome, meter) = (None, Outcome::Kill, None);
    let ending =
        Ending { last_seq: fight.deltas.len() as u64, ended_at_ms, outcome, checksum: fight.checksum(), meter };
    uploader.send(&UplinkFrame::End(End { h, ending })).await;
}

/// Brings a fight as far as that; gives its report, where it is known.
async fn bring(uploader: &mut Uploader, fight: &Script, when: When) -> Option<String> {
    if when == When::Opening {
        begin(uploader, fight).await;
        return None;
    }
    let begun = uploader.begin(fight).await;
    match when {
        When::Opening | When::Empty => {}
        When::InFlight => uploader.deltas(begun.h, &fight.deltas).await,
        When::Acknowledged => {
            uploader.deltas(begun.h, &fight.deltas).await;
            uploader.acked(fight.deltas.len() as u64).await;
        }
        When::TwoReadings => {
            uploader.deltas(begun.h, &fight.deltas).await;
            uploader.acked(fight.deltas.len() as u64).await;
            let other = Script { enc: fight.enc, ..Script::new(fight.deltas.len() as u64, 77) };
            let again = uploader.begin(&other).await;
            uploader.deltas(begun.h, &Script::new(30, 2).deltas[fight.deltas.len()..]).await;
            uploader.deltas(again.h, &other.deltas).await;
        }
        When::Keeping => {
            uploader.deltas(begun.h, &fight.deltas).await;
            end(uploader, begun.h, fight).await;
        }
        When::Final => {
            uploader.deltas(begun.h, &fight.deltas).await;
            assert!(matches!(uploader.end(begun.h, fight, Outcome::Wipe).await, UplinkReply::Finalized { .. }));
        }
    }
    Some(begun.report)
}

/// Streams the reading whose Begin was sent last to its end, whatever is still said of the ones before it.
async fn to_its_report(uploader: &mut Uploader, fight: &Script) -> String {
    let mut last: Option<Begun> = None;
    loop {
        match uploader.reply().await {
            UplinkReply::Begun(begun) if begun.enc == fight.enc => {
                // If it is of one that was thrown away, nothing of this is taken.
                uploader.deltas(begun.h, &fight.deltas).await;
                end(uploader, begun.h, fight).await;
                last = Some(begun);
            }
            UplinkReply::Finalized { enc, report, state, .. } if enc == fight.enc => {
                if last.as_ref().is_some_and(|begun| begun.report == report) {
                    assert_eq!(state, ReportState::Final);
                    return report;
                }
            }
            UplinkReply::Refused(refused) => assert_eq!(refused.code, RefusedCode::UnknownHandle, "{refused:?}"),
            UplinkReply::Ack { .. } => {}
            other => panic!("{other:?}"),
        }
    }
}

async fn discard(uploader: &mut Uploader, fight: &Script) {
    uploader.send(&UplinkFrame::Discard { enc: fight.enc }).await;
}

/// Nothing but these reports is anywhere: on the raid's page, in the list, in what spectators see.
async fn only(relay: &TestRelay, raid: &str, reports: &[String]) {
    let sorted = |mut ids: Vec<String>| {
        ids.sort_unstable();
        ids
    };
    let wanted = sorted(reports.to_vec());
    let listed = |body: &serde_json::Value| {
        let ids = body["reports"].as_array().expect("a list").iter();
        sorted(ids.map(|line| line["reportId"].as_str().expect("an id").to_owned()).collect())
    };
    let (_, page) = relay.get(&format!("/api/v1/raids/{raid}")).await;
    assert_eq!(listed(&page), wanted);
    let mut spectator = Spectator::join(relay, raid, SUBPROTOCOL).await;
    loop {
        if let FeedFrame::Keyframe(keyframe) = spectator.hear().await.expect("a keyframe") {
            let fights = keyframe.raid.fights.into_iter().map(|fight| fight.report_id).collect();
            assert_eq!(sorted(fights), wanted);
            let shown = keyframe.fight.map(|fight| fight.report_id);
            assert!(shown.is_none_or(|shown| wanted.contains(&shown)), "a fight is shown that is gone");
            return;
        }
    }
}

#[tokio::test]
async fn a_fight_that_is_thrown_away_and_begun_again_leaves_nothing_of_the_one_before() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect(&relay).await;
    let mut reports = Vec::new();
    let mut at_ms = header().started_at_ms;
    for when in ALL {
        // More often than a raid may have fights open: what stayed open would be refused in the end.
        for turn in 0..10_u128 {
            at_ms += 1_000_000;
            let (first, times) = (Script::new(12, 2).at(at_ms), if turn % 3 == 2 { 2 } else { 1 });
            // The same reading again, or another.
            let again = Script::new(9, if turn % 2 == 0 { 2 } else { 1_000 + turn }).at(at_ms);
            let before = bring(&mut uploader, &first, when).await;
            for _ in 0..times {
                discard(&mut uploader, &first).await;
            }
            begin(&mut uploader, &again).await;
            let report = to_its_report(&mut uploader, &again).await;
            let kept = relay.report(&report).await;
            assert_eq!(kept.fight.checksum, again.checksum().to_string(), "{when:?}, turn {turn}");
            assert_eq!((kept.revision, kept.unverified), (1, None), "{when:?}, turn {turn}");
            if let Some(before) = before {
                assert_ne!(before, report);
                assert_eq!(relay.get(&format!("/api/v1/reports/{before}")).await.0, 404, "{when:?}, turn {turn}");
            }
            reports.push(report);
        }
    }
    let raid = uploader.welcome.raid.clone();
    only(&relay, &raid, &reports).await;
    drop(uploader);
    let relay = relay.restart().await;
    only(&relay, &raid, &reports).await;
    relay.stop().await;
}

#[tokio::test]
async fn a_fight_of_another_raid_is_thrown_away_there_and_begun_here() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut owner = Uploader::connect(&relay).await;
    let hello = Hello { raid: RaidId(Uuid::from_u128(9)), ..hello() };
    let mut other = Uploader::connect_as(&relay, KEY, hello).await;
    let (there, here) = (owner.welcome.raid.clone(), other.welcome.raid.clone());
    let mut reports = Vec::new();
    for (n, when) in ALL.into_iter().enumerate().filter(|(_, when)| *when != When::Opening) {
        let at_ms = header().started_at_ms + (1 + n as i64) * 1_000_000;
        let (first, again) = (Script::new(12, 2).at(at_ms), Script::new(9, 3).at(at_ms));
        let before = bring(&mut owner, &first, when).await.expect("it was begun");
        discard(&mut other, &first).await;
        begin(&mut other, &again).await;
        let report = to_its_report(&mut other, &again).await;
        assert_eq!(relay.report(&report).await.fight.checksum, again.checksum().to_string(), "{when:?}");
        assert_eq!(relay.get(&format!("/api/v1/reports/{before}")).await.0, 404, "{when:?}");
        reports.push(report);
        // Its owner goes on with other fights.
        owner = Uploader::connect(&relay).await;
    }
    only(&relay, &here, &reports).await;
    only(&relay, &there, &[]).await;
    relay.stop().await;
}

/// What it sends now is its own; a report is its account's.
#[tokio::test]
async fn a_key_that_does_not_manage_throws_away_what_it_sends_now_and_no_report() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect_as(&relay, UPLOAD_KEY, hello()).await;
    let at = |n: i64| Script::new(12, 2).at(header().started_at_ms + n * 1_000_000);
    let (gone, ended, left) = (at(1), at(2), at(3));
    let thrown_away = bring(&mut uploader, &gone, When::Acknowledged).await.expect("it was begun");
    discard(&mut uploader, &gone).await;
    let path = format!("/api/v1/reports/{thrown_away}");
    becomes("it to be gone", async || relay.get(&path).await.0 == 404).await;

    let stays = [
        bring(&mut uploader, &ended, When::Final).await.expect("it was begun"),
        bring(&mut uploader, &left, When::Acknowledged).await.expect("it was begun"),
    ];
    relay.pass_ms(DISCARD_MS);
    let path = format!("/api/v1/reports/{}", stays[1]);
    becomes("it to be provisional", async || relay.get(&path).await.1["state"] == "provisional").await;
    // Nor where it begins them once more.
    let mut uploader = Uploader::connect_as(&relay, UPLOAD_KEY, hello()).await;
    for fight in [&ended, &left] {
        assert!(uploader.begin(fight).await.held.is_some());
        discard(&mut uploader, fight).await;
        let refused = loop {
            match uploader.reply().await {
                UplinkReply::Refused(refused) => break refused,
                // Nothing came of it for so long.
                UplinkReply::Finalized { state: ReportState::Provisional, .. } => {}
                other => panic!("{other:?}"),
            }
        };
        let about = (refused.code, refused.scope, refused.enc);
        assert_eq!(about, (RefusedCode::NotSupported, RefusedScope::Encounter, Some(fight.enc)), "{refused:?}");
    }
    let raid = uploader.welcome.raid.clone();
    only(&relay, &raid, &stays).await;
    // Whose key manages throws away what is his.
    let mut owner = Uploader::connect(&relay).await;
    discard(&mut owner, &ended).await;
    let path = format!("/api/v1/reports/{}", stays[0]);
    becomes("it to be gone", async || relay.get(&path).await.0 == 404).await;
    relay.stop().await;
}

#[tokio::test]
async fn throwing_away_what_is_not_there_is_nothing() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect(&relay).await;
    for n in 0..20 {
        discard(&mut uploader, &Script::new(1, 2).at(header().started_at_ms + n)).await;
    }
    let fight = Script::new(9, 2);
    begin(&mut uploader, &fight).await;
    let report = to_its_report(&mut uploader, &fight).await;
    only(&relay, &uploader.welcome.raid.clone(), &[report]).await;
    relay.stop().await;
}
