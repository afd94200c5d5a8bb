//! A raid's task that panics begins anew from the journal: who watches stays, who uploads comes back, nothing is lost.

use raidcast_shared::feed::SUBPROTOCOL;
use raidcast_shared::uplink::{Outcome, UplinkReply};

use crate::script::{Script, Spectator, TestRelay, Uploader, reply};
use crate::shaky::Shaky;

/// Sends what makes the task fall, and waits until the connection is let go; gives what was acknowledged on the way.
async fn fall(trap: &Shaky, mut uploader: Uploader, h: u32, fight: &Script, at: usize) {
    trap.fall_once();
    uploader.deltas(h, &fight.deltas[at..=at]).await;
    while let Some(said) = reply(&mut uploader.socket).await {
        assert!(matches!(said, UplinkReply::Draining { .. } | UplinkReply::Ack { .. }), "{said:?}");
    }
}

#[tokio::test]
async fn a_raids_task_that_falls_begins_anew_and_nobody_who_watches_is_let_go() {
    let data = tempfile::tempdir().unwrap();
    let trap = Shaky::open(data.path()).await;
    let relay = TestRelay::start_on_store(data.path(), trap.clone()).await;
    let mut uploader = Uploader::connect(&relay).await;
    let raid = uploader.welcome.raid.clone();
    let fight = Script::new(60, 2);
    let begun = uploader.begin(&fight).await;
    uploader.deltas(begun.h, &fight.deltas[..20]).await;
    uploader.acked(20).await;
    let mut spectator = Spectator::join(&relay, &raid, SUBPROTOCOL).await;
    let before = spectator.until("the fight", |seen| !seen.rows.is_empty()).await;
    let keyframes = spectator.keyframes;

    fall(&trap, uploader, begun.h, &fight, 20).await;
    let after = spectator.until("another epoch", |seen| seen.epoch != before.epoch).await;
    assert!(spectator.keyframes > keyframes);
    assert_eq!((after.damage, &after.rows), (before.damage, &before.rows), "what was acknowledged is shown again");

    let mut uploader = Uploader::connect(&relay).await;
    assert_eq!(uploader.welcome.raid, raid);
    let again = uploader.begin(&fight).await;
    assert_eq!(again.report, begun.report);
    assert_eq!(again.held.as_ref().map(|held| held.seq), Some(20));
    uploader.deltas(again.h, &fight.deltas[20..]).await;
    uploader.acked(60).await;
    assert!(matches!(uploader.end(again.h, &fight, Outcome::Kill).await, UplinkReply::Finalized { rev: 1, .. }));
    let report = relay.report(&begun.report).await;
    assert_eq!((report.fight.checksum, report.unverified), (fight.checksum().to_string(), None));
    let seen = spectator.until("the end", |seen| seen.state.as_deref() == Some("Final")).await;
    assert_eq!(seen.damage, report.fight.totals.damage);
    relay.stop().await;
}

#[tokio::test]
async fn a_raids_task_that_falls_again_and_again_is_let_go_and_loaded_when_somebody_asks() {
    let data = tempfile::tempdir().unwrap();
    let trap = Shaky::open(data.path()).await;
    let relay = TestRelay::start_on_store(data.path(), trap.clone()).await;
    let fight = Script::new(60, 2);
    let mut uploader = Uploader::connect(&relay).await;
    let raid = uploader.welcome.raid.clone();
    let mut begun = uploader.begin(&fight).await;
    uploader.deltas(begun.h, &fight.deltas[..20]).await;
    uploader.acked(20).await;
    let mut spectator = Spectator::join(&relay, &raid, SUBPROTOCOL).await;
    spectator.until("the fight", |seen| !seen.rows.is_empty()).await;
    for _ in 0..3 {
        fall(&trap, uploader, begun.h, &fight, 20).await;
        uploader = Uploader::connect(&relay).await;
        begun = uploader.begin(&fight).await;
        assert_eq!(begun.held.as_ref().map(|held| held.seq), Some(20));
    }
    // Who watched is told to come back, or its socket ended; it does, and sees the fight.
    while spectator.hear().await.is_some() {}
    let mut spectator = Spectator::join(&relay, &raid, SUBPROTOCOL).await;
    uploader.deltas(begun.h, &fight.deltas[20..]).await;
    uploader.acked(60).await;
    assert!(matches!(uploader.end(begun.h, &fight, Outcome::Kill).await, UplinkReply::Finalized { rev: 1, .. }));
    let report = relay.report(&begun.report).await;
    assert_eq!(report.fight.checksum, fight.checksum().to_string());
    let seen = spectator.until("the end", |seen| seen.state.as_deref() == Some("Final")).await;
    assert_eq!(seen.damage, report.fight.totals.damage);
    relay.stop().await;
}
