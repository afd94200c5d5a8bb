//! Many spectators: all end on the same state, whoever stalls, leaves or comes late.

use futures::future::join_all;
use raidcast_shared::feed::{SUBPROTOCOL, SUBPROTOCOL_JSON};
use raidcast_shared::uplink::{Outcome, UplinkReply};

use crate::script::{Script, Seen, Spectator, TestRelay, Uploader, soon};

fn is_final(seen: &Seen) -> bool {
    seen.state.as_deref() == Some("Final") && seen.checksum.is_some()
}

#[tokio::test]
async fn a_hundred_spectators_end_on_one_state_though_some_stall_and_some_leave() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect(&relay).await;
    let raid = uploader.welcome.raid.clone();
    let fight = Script::new(600, 2);
    let begun = uploader.begin(&fight).await;
    uploader.deltas(begun.h, &fight.deltas[..10]).await;
    uploader.acked(10).await;

    let protocol = |at: usize| if at.is_multiple_of(2) { SUBPROTOCOL } else { SUBPROTOCOL_JSON };
    let mut spectators = join_all((0..100).map(|at| Spectator::join(&relay, &raid, protocol(at)))).await;
    // Ten never read a byte until the end; twenty leave and come back; seventy listen.
    let stalled = spectators.split_off(90);
    let leaving = spectators.split_off(70);
    let listening: Vec<_> = spectators
        .into_iter()
        .map(|mut spectator| {
            tokio::spawn(async move {
                let seen = spectator.until("the end", is_final).await;
                (seen, spectator.keyframes, spectator.events)
            })
        })
        .collect();
    for part in fight.deltas[10..300].chunks(30) {
        uploader.deltas(begun.h, part).await;
        uploader.acked(part.last().unwrap().seq).await;
    }
    drop(leaving);
    for part in fight.deltas[300..].chunks(30) {
        uploader.deltas(begun.h, part).await;
        uploader.acked(part.last().unwrap().seq).await;
    }
    let back = join_all((0..20).map(|at| Spectator::join(&relay, &raid, protocol(at)))).await;
    assert!(matches!(uploader.end(begun.h, &fight, Outcome::Kill).await, UplinkReply::Finalized { .. }));

    let report = relay.report(&begun.report).await;
    let mut seen = Vec::new();
    for heard in listening {
        let (state, _, events) = soon("the end", heard).await.unwrap();
        assert!(events.windows(2).all(|pair| pair[1] == pair[0] + 1), "events are never skipped: {events:?}");
        seen.push(state);
    }
    for mut spectator in back.into_iter().chain(stalled) {
        seen.push(spectator.until("the end", is_final).await);
    }
    for state in &seen {
        assert_eq!(state.checksum.as_deref(), Some(report.fight.checksum.as_str()));
        assert_eq!(state.damage, report.fight.totals.damage);
        assert_eq!(state.rows, seen[0].rows);
    }
    for player in &report.fight.players {
        let row = &seen[0].rows[&player.player_key];
        let taken = player.damage_taken.unwrap() as i64;
        assert_eq!((row[0], row[2], row[3]), (player.damage as i64, player.healing as i64, taken));
    }
    relay.stop().await;
}

#[tokio::test]
async fn who_joins_before_the_first_fight_sees_it_begin() {
    let data = tempfile::tempdir().unwrap();
    let relay = TestRelay::start(data.path()).await;
    let mut uploader = Uploader::connect(&relay).await;
    let raid = uploader.welcome.raid.clone();
    let mut early = Spectator::join(&relay, &raid, SUBPROTOCOL).await;
    early.hear().await.expect("a keyframe without a fight");
    let mut checksums = Vec::new();
    for at in 0..2 {
        let fight = Script::new(20, 2).at(1_790_000_000_000 + at * 1_000_000);
        let begun = uploader.begin(&fight).await;
        uploader.deltas(begun.h, &fight.deltas).await;
        uploader.acked(20).await;
        let shown =
            early.until("the fight", |seen| seen.state.as_deref() == Some("Live") && seen.damage > 50_000).await;
        checksums.push(shown.epoch);
        assert!(matches!(uploader.end(begun.h, &fight, Outcome::Kill).await, UplinkReply::Finalized { .. }));
        early.until("its end", is_final).await;
    }
    assert_ne!(checksums[0], checksums[1], "another fight is another epoch");
    // A relay that stops says so, and when to come back.
    relay.stop().await;
    while early.hear().await.is_some() {}
    let bye = early.bye.expect("a reason");
    assert!(bye.reason.contains("restarts") && bye.retry_ms.is_some(), "{bye:?}");
}
