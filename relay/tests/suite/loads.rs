//! A raid that is taken up again: while its last fight is read, nobody waits but who asked for that fight.

use std::path::Path;
use std::sync::Arc;

use raidcast_shared::feed::{FeedFrame, SUBPROTOCOL};
use raidcast_shared::id::RaidId;
use raidcast_shared::uplink::{Begin, Hello, Outcome, UplinkFrame, UplinkReply, Visibility};
use uuid::Uuid;

use crate::script::{KEY, Script, Spectator, TestRelay, Uploader, header, hello, soon};
use crate::shaky::Shaky;

fn of(raid: u128, visibility: Visibility) -> Hello {
    Hello { raid: RaidId(Uuid::from_u128(raid)), visibility, ..hello() }
}

async fn stream(uploader: &mut Uploader, fight: &Script) -> String {
    let begun = uploader.begin(fight).await;
    uploader.deltas(begun.h, &fight.deltas).await;
    uploader.acked(fight.deltas.len() as u64).await;
    assert!(matches!(uploader.end(begun.h, fight, Outcome::Kill).await, UplinkReply::Finalized { .. }));
    begun.report
}

/// A relay that has just started on what another one left: some raids with a finished fight each, which nobody has
/// asked for yet. Gives the raids' codes and reports too.
async fn started_on(data: &Path, raids: &[Hello]) -> (Arc<Shaky>, TestRelay, Vec<(String, String)>) {
    let relay = TestRelay::start(data).await;
    let mut left = Vec::new();
    for (number, hello) in raids.iter().enumerate() {
        relay.pass_ms(1_000);
        let mut uploader = Uploader::connect_as(&relay, KEY, hello.clone()).await;
        let report = stream(&mut uploader, &fight(number)).await;
        left.push((uploader.welcome.raid.clone(), report));
    }
    relay.stop().await;
    let trap = Shaky::open(data).await;
    let relay = TestRelay::start_on_store(data, trap.clone()).await;
    relay.pass_ms(60_000);
    (trap, relay, left)
}

fn fight(number: usize) -> Script {
    Script::new(40, 2).at(header().started_at_ms + number as i64 * 1_000_000)
}

#[tokio::test]
async fn while_the_last_fights_of_some_raids_are_read_all_others_are_served() {
    let data = tempfile::tempdir().unwrap();
    let raids: Vec<_> = (1..=3).map(|raid| of(raid, Visibility::Unlisted)).collect();
    let (trap, relay, left) = started_on(data.path(), &raids).await;
    let held = trap.faults.logs.write().await;
    let mut waiting = Vec::new();
    for (raid, _) in &left {
        waiting.push(Spectator::join(&relay, raid, SUBPROTOCOL).await);
        soon("the read", trap.faults.logs_asked.notified()).await;
    }

    // Another raid, from its Hello to its report.
    let mut other = Uploader::connect_as(&relay, KEY, of(9, Visibility::Unlisted)).await;
    let report = stream(&mut other, &fight(9)).await;
    assert_eq!(relay.report(&report).await.fight.checksum, fight(9).checksum().to_string());
    // One of those that are read: who speaks for it, who may see it, its pages, and a new fight.
    let (raid, old) = &left[0];
    let mut own = Uploader::connect_as(&relay, KEY, of(1, Visibility::Public)).await;
    assert_eq!(&own.welcome.raid, raid);
    assert_eq!(relay.request("POST", &format!("/api/v1/raids/{raid}/ticket"), Some(KEY)).await.0, 200);
    let (status, page) = relay.get(&format!("/api/v1/raids/{raid}")).await;
    assert_eq!((status, page["connected"].as_bool(), page["visibility"].as_str()), (200, Some(true), Some("public")));
    assert_eq!(page["reports"][0]["reportId"], old.as_str());
    assert_eq!(relay.get(&format!("/api/v1/reports/{old}")).await.0, 200);
    let new = stream(&mut own, &fight(4)).await;
    assert_ne!(&new, old);
    // Who watches sees the new fight; and who begins the old one is answered when it is there.
    let whole = fight(4).deltas.iter().map(|delta| 3_000 + delta.seq).sum::<u64>();
    waiting[0].until("the new fight", |seen| seen.damage == whole).await;
    let known = fight(0);
    own.send(&UplinkFrame::Begin(Begin { enc: known.enc, stream: known.stream, header: header() })).await;

    drop(held);
    let UplinkReply::Begun(begun) = own.reply().await else { panic!("it is known") };
    assert_eq!((&begun.report, begun.held.map(|held| held.seq)), (old, Some(40)));
    for spectator in &mut waiting[1..] {
        let Some(FeedFrame::Keyframe(first)) = spectator.hear().await else { panic!("a keyframe comes first") };
        let shown = first.fight.expect("with the fight");
        assert_eq!(shown.checksum, fight(0).checksum().to_string(), "all fights here have the same hits");
        assert_eq!((first.raid.fights.len(), spectator.keyframes), (1, 1));
    }
    relay.stop().await;
}

#[tokio::test]
async fn who_waits_for_a_raid_to_be_read_is_asked_again_whether_it_is_for_him() {
    let data = tempfile::tempdir().unwrap();
    let (trap, relay, left) = started_on(data.path(), &[of(1, Visibility::Private)]).await;
    let own = Uploader::connect_as(&relay, KEY, of(1, Visibility::Private)).await;
    let url = own.welcome.channel_url.clone();
    let (page, ticket) = url.split_once("?ticket=").unwrap();
    let channel = page.rsplit('/').next().unwrap();
    drop(own);
    // Its task knows the fight by now: a relay that does not is needed.
    relay.stop().await;
    drop(trap);
    let trap = Shaky::open(data.path()).await;
    let relay = TestRelay::start_on_store(data.path(), trap.clone()).await;
    relay.pass_ms(120_000);
    let held = trap.faults.logs.write().await;
    let (raid, _) = &left[0];
    let mut waiting = Vec::new();
    for path in [format!("live/{channel}"), format!("raids/{raid}")] {
        let url = format!("{}/api/v1/{path}/feed?ticket={ticket}", relay.url);
        waiting.push(Spectator::join_at(&url, SUBPROTOCOL).await);
    }
    soon("the read", trap.faults.logs_asked.notified()).await;
    // The channel moves on meanwhile.
    let mut next = Uploader::connect_as(&relay, KEY, of(2, Visibility::Private)).await;
    next.begin(&fight(9)).await;
    drop(held);
    for spectator in &mut waiting {
        while let Some(frame) = spectator.hear().await {
            assert!(matches!(frame, FeedFrame::Bye(_)), "{frame:?}");
        }
        assert!(spectator.bye.as_ref().is_some_and(|bye| bye.retry_ms.is_some()), "{:?}", spectator.bye);
    }
    relay.stop().await;
}
