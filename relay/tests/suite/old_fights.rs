//! Old fights beside the night's: whose page shows them, and what a reading that tells less may change.

use raidcast_shared::event::Knows;
use raidcast_shared::feed::{FeedFrame, SUBPROTOCOL};
use raidcast_shared::id::RaidId;
use raidcast_shared::uplink::{Begin, Begun, Hello, Outcome, ReportState, UplinkFrame, UplinkReply};
use uuid::Uuid;

use crate::raw::becomes;
use crate::script::{KEY, Script, Spectator, TestRelay, Uploader, header, hello};

fn old_fights() -> Hello {
    Hello { raid: RaidId(Uuid::from_u128(2)), history: true, ..hello() }
}

async fn stream_whole(uploader: &mut Uploader, fight: &Script) -> Begun {
    let begun = uploader.begin(fight).await;
    uploader.deltas(begun.h, &fight.deltas).await;
    uploader.acked(fight.deltas.len() as u64).await;
    begun
}

/// Waits for an Ack; what was sent before a fight was fetched may come early for its reading.
async fn acked_despite_rewinds(uploader: &mut Uploader, seq: u64) {
    loop {
        match uploader.reply().await {
            UplinkReply::Ack { q, .. } if q >= seq => return,
            UplinkReply::Ack { .. } | UplinkReply::Rewind { .. } => {}
            other => panic!("instead of Ack {seq}: {other:?}"),
        }
    }
}

/// The raid that the channel shows.
async fn channel_raid(relay: &TestRelay, channel_url: &str) -> String {
    let channel = channel_url.rsplit('/').next().unwrap();
    let (status, raid) = relay.get(&format!("/api/v1/live/{channel}")).await;
    assert_eq!(status, 200, "{raid}");
    raid["code"].as_str().expect("a code").to_owned()
}

#[tokio::test]
async fn an_upload_leaves_channel_and_pages_as_they_are() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    // There is nothing else yet: the channel shows what there is.
    let uploading = Uploader::connect_as(&relay, KEY, old_fights()).await;
    let (channel, history) = (uploading.welcome.channel_url.clone(), uploading.welcome.raid.clone());
    assert_eq!(channel_raid(&relay, &channel).await, history);
    drop(uploading);

    let mut live = Uploader::connect(&relay).await;
    let raid = live.welcome.raid.clone();
    let first = Script::new(10, 2);
    let begun = stream_whole(&mut live, &first).await;
    live.end(begun.h, &first, Outcome::Kill).await;
    let feed = format!("{}/api/v1/live/{}/feed", relay.url, channel.rsplit('/').next().unwrap());
    let mut watching = Spectator::join_at(&feed, SUBPROTOCOL).await;
    let seen = watching.until("the kill", |seen| seen.state.as_deref() == Some("Final")).await;

    // An hour later an upload comes that knows this fight, one more of it, and one of its own.
    relay.pass_ms(3_600_000);
    let mut uploading = Uploader::connect_as(&relay, KEY, old_fights()).await;
    assert_eq!(uploading.welcome.raid, history);
    let known = uploading.begin(&Script::new(10, 3)).await;
    assert_eq!((known.report.clone(), known.url.clone()), (begun.report.clone(), begun.url.clone()));
    let held = known.held.expect("it is held");
    assert_eq!((held.state, held.checksum, held.stream), (ReportState::Final, first.checksum(), first.stream));
    let own = Script::new(5, 4).at(1_780_000_000_000);
    let own_begun = stream_whole(&mut uploading, &own).await;
    uploading.end(own_begun.h, &own, Outcome::Wipe).await;
    assert_eq!(relay.report(&own_begun.report).await.raid, history);
    assert_eq!(relay.report(&begun.report).await.raid, raid, "a report that is known was moved");
    assert_eq!(channel_raid(&relay, &channel).await, raid, "an upload took the channel");

    // What is sent of it is taken up where the report stands.
    let more = Script::new(15, 3);
    let again = uploading.begin(&more).await;
    // All at once, as a client does: what comes before it is fetched is asked for once.
    for delta in &more.deltas {
        uploading.deltas(again.h, std::slice::from_ref(delta)).await;
        // Some come before the fight is fetched, some while it is, some after.
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    let UplinkReply::Rewind { h, q } = uploading.reply().await else { panic!("it is fetched from the raid") };
    assert_eq!((h, q), (again.h, 1));
    uploading.deltas(h, &more.deltas).await;
    acked_despite_rewinds(&mut uploading, 15).await;
    let UplinkReply::Finalized { report, url, rev, .. } = uploading.end(h, &more, Outcome::Kill).await else {
        panic!("it is kept");
    };
    assert_eq!((report, url, rev), (begun.report.clone(), begun.url, 2));
    let kept = relay.report(&begun.report).await;
    assert_eq!((kept.raid, kept.fight.checksum), (raid.clone(), more.checksum().to_string()));
    let (_, page) = relay.get(&format!("/api/v1/raids/{raid}")).await;
    let lines = page["reports"].as_array().expect("its fights");
    assert_eq!(lines.len(), 1, "{page}");

    // Who watches saw nothing of it but the fight's new reading, if that, and was sent nowhere.
    watching.echoes().await;
    assert!(watching.bye.is_none());
    assert_eq!(seen.checksum, Some(first.checksum().to_string()));
    let mut newcomer = Spectator::join_at(&feed, SUBPROTOCOL).await;
    let Some(FeedFrame::Keyframe(keyframe)) = newcomer.hear().await else { panic!("no keyframe") };
    assert_eq!((&keyframe.raid.code, keyframe.raid.fights.len()), (&raid, 1));
    relay.stop().await;
}

#[tokio::test]
async fn a_report_moves_to_another_raid_of_the_night_only_with_what_is_sent_of_it() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut first = Uploader::connect(&relay).await;
    let fight = Script::new(10, 2);
    let begun = stream_whole(&mut first, &fight).await;
    first.end(begun.h, &fight, Outcome::Kill).await;
    let (raid, other) = (first.welcome.raid, Hello { raid: RaidId(Uuid::from_u128(3)), ..hello() });
    let mut second = Uploader::connect_as(&relay, KEY, other).await;
    let known = second.begin(&Script::new(10, 3)).await;
    assert_eq!(known.held.map(|held| held.checksum), Some(fight.checksum()));
    assert_eq!(relay.report(&begun.report).await.raid, raid);
    // Its End alone is as much as a delta: the reading is fetched, and asked for from its begin.
    let more = Script::new(12, 3);
    assert!(matches!(second.end(known.h, &more, Outcome::Kill).await, UplinkReply::Rewind { q: 1, .. }));
    second.deltas(known.h, &more.deltas).await;
    second.acked(12).await;
    assert!(matches!(second.end(known.h, &more, Outcome::Kill).await, UplinkReply::Finalized { rev: 2, .. }));
    assert_eq!(relay.report(&begun.report).await.raid, second.welcome.raid);
    relay.stop().await;
}

#[tokio::test]
async fn an_old_fight_that_stops_coming_is_soon_provisional_and_goes_on_if_it_comes() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploading = Uploader::connect_as(&relay, KEY, old_fights()).await;
    let fight = Script::new(10, 2);
    let begun = uploading.begin(&fight).await;
    uploading.deltas(begun.h, &fight.deltas[..6]).await;
    uploading.acked(6).await;
    assert_eq!(relay.report(&begun.report).await.state, ReportState::Live);
    relay.pass_ms(16_000);
    becomes("its end", async || relay.report(&begun.report).await.state == ReportState::Provisional).await;
    let note = relay.report(&begun.report).await.note.expect("why");
    assert!(note.contains("upload"), "{note}");
    assert!(matches!(uploading.reply().await, UplinkReply::Finalized { state: ReportState::Provisional, .. }));
    uploading.deltas(begun.h, &fight.deltas[6..]).await;
    uploading.acked(10).await;
    assert!(matches!(uploading.end(begun.h, &fight, Outcome::Kill).await, UplinkReply::Finalized { rev: 1, .. }));
    assert_eq!(relay.report(&begun.report).await.fight.checksum, fight.checksum().to_string());
    relay.stop().await;
}

#[tokio::test]
async fn sums_never_replace_single_hits() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect(&relay).await;
    let hits = Script::new(10, 2);
    let begun = stream_whole(&mut uploader, &hits).await;
    uploader.end(begun.h, &hits, Outcome::Kill).await;
    // More of it, but as sums.
    let sums = Script::new(12, 3).told_as_sums();
    let mut header = header();
    header.knows = Knows { hits: false, ..header.knows };
    uploader.send(&UplinkFrame::Begin(Begin { enc: sums.enc, stream: sums.stream, header })).await;
    let UplinkReply::Begun(again) = uploader.reply().await else { panic!("no Begun") };
    assert_eq!(again.held.map(|held| held.sums), Some(false), "who knows only sums can tell that it knows less");
    uploader.deltas(again.h, &sums.deltas).await;
    uploader.acked(12).await;
    assert!(matches!(uploader.end(again.h, &sums, Outcome::Kill).await, UplinkReply::Finalized { rev: 1, .. }));
    let kept = relay.report(&begun.report).await;
    assert_eq!((kept.revision, kept.fight.checksum), (1, hits.checksum().to_string()));
    // Nothing of the reading that gave way is left.
    let row = relay.store.report(&begun.report).await.unwrap().unwrap().0.row;
    let is_gone = async || relay.store.open_encounter(row).await.unwrap().unwrap().streams.is_empty();
    becomes("the end of the reading that gave way, in the journal", is_gone).await;
    relay.stop().await;
}
