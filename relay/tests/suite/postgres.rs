//! The same relay on PostgreSQL: nobody sees a difference, and a server that dies costs nothing acknowledged.

use raidcast_pgkit::{Cluster, Install};
use raidcast_relay::database::Database;
use raidcast_relay::limits::READY_MS;
use raidcast_shared::uplink::{Outcome, RefusedCode, ReportState, UplinkReply};

use crate::script::{Script, TestRelay, Uploader};

async fn start(data: &std::path::Path, url: String) -> TestRelay {
    TestRelay::start_on(data, Some(Database::Postgres(url))).await
}

/// A fight with a restart of the relay in its middle, to its report; read again after another restart. What the API
/// tells of it, without ids, which are random.
async fn story(relay: TestRelay) -> Vec<String> {
    let mut uploader = Uploader::connect(&relay).await;
    let fight = Script::new(60, 2);
    let begun = uploader.begin(&fight).await;
    uploader.deltas(begun.h, &fight.deltas[..25]).await;
    uploader.acked(25).await;
    drop(uploader);

    let relay = relay.restart().await;
    let mut uploader = Uploader::connect(&relay).await;
    let raid = uploader.welcome.raid.clone();
    let begun = uploader.begin(&fight).await;
    assert_eq!(begun.held.as_ref().map(|held| held.seq), Some(25));
    uploader.deltas(begun.h, &fight.deltas[25..]).await;
    uploader.acked(60).await;
    let live = relay.report(&begun.report).await;
    assert_eq!(live.state, ReportState::Live);
    let UplinkReply::Finalized { state, rev, .. } = uploader.end(begun.h, &fight, Outcome::Kill).await else {
        panic!("not finalized");
    };
    assert_eq!((state, rev), (ReportState::Final, 1));

    let relay = relay.restart().await;
    assert_eq!(relay.report(&begun.report).await.fight.checksum, fight.checksum().to_string());
    let report = format!("/api/v1/reports/{}", begun.report);
    let mut told = Vec::new();
    for path in [
        report.clone(),
        format!("{report}/timeline"),
        format!("{report}?from=500&to=2000"),
        "/api/v1/reports".into(),
        format!("/api/v1/raids/{raid}"),
    ] {
        let (status, body) = relay.get(&path).await;
        assert_eq!(status, 200, "{path}: {body}");
        told.extend(format!("{body:#}").lines().map(str::to_owned));
    }
    assert_eq!(relay.get("/api/v1/reports/none%00").await.0, 404);
    let url = relay.url.clone();
    let channel = uploader.welcome.channel_url.rsplit('/').next().unwrap().to_owned();
    relay.stop().await;
    let ids = [(&begun.report, "REPORT"), (&raid, "RAID"), (&channel, "CHANNEL"), (&url, "URL")];
    let without_ids = |line: &String| ids.iter().fold(line.clone(), |line, (id, name)| line.replace(*id, name));
    told.iter().map(without_ids).collect()
}

#[tokio::test]
async fn a_fight_makes_the_same_report_as_on_sqlite() {
    let Some(cluster) = raidcast_pgkit::shared() else { return };
    let data = tempfile::tempdir().unwrap();
    let here = story(start(&data.path().join("postgres"), crate::migrated::database(cluster)).await).await;
    let there = story(TestRelay::start(&data.path().join("sqlite")).await).await;
    let differing: Vec<_> = here.iter().zip(&there).filter(|(here, there)| here != there).collect();
    assert!(differing.is_empty(), "{differing:?}");
    assert_eq!(here.len(), there.len());
}

#[tokio::test]
async fn a_server_that_dies_stops_acknowledging_and_nothing_acknowledged_is_lost() {
    let Some(install) = Install::find_or_skip() else { return };
    let mut cluster = Cluster::start(install);
    let data = tempfile::tempdir().unwrap();
    let relay = start(data.path(), cluster.new_database()).await;
    let mut uploader = Uploader::connect(&relay).await;
    let fight = Script::new(200, 2);
    let begun = uploader.begin(&fight).await;
    uploader.deltas(begun.h, &fight.deltas[..100]).await;
    uploader.acked(100).await;
    cluster.kill();
    uploader.deltas(begun.h, &fight.deltas[100..120]).await;
    // Processes of a server whose first one is dead go on for a moment.
    let mut acked = 100;
    loop {
        match uploader.reply().await {
            UplinkReply::Ack { q, .. } => acked = q,
            UplinkReply::Refused(refused) => {
                assert_eq!((refused.code, refused.h), (RefusedCode::StoreUnavailable, Some(begun.h)));
                assert!(refused.retry_ms.is_some());
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    let (status, ready) = relay.get("/ready").await;
    assert!(status == 503 && ready["checks"]["store"].as_str().is_some_and(|why| why != "ok"), "{ready}");
    let (status, health) = relay.get("/health").await;
    assert_eq!((status, health["database"].as_str()), (503, Some("down")));
    cluster.restart();
    // As clients do: from what was acknowledged, and from where the relay says.
    uploader.deltas(begun.h, &fight.deltas[acked as usize..]).await;
    while acked < 200 {
        match uploader.reply().await {
            UplinkReply::Ack { q, .. } => acked = q,
            UplinkReply::Rewind { q, .. } => uploader.deltas(begun.h, &fight.deltas[q as usize..]).await,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(relay.get("/health").await.0, 200);
    relay.pass_ms(READY_MS);
    assert_eq!(relay.get("/ready").await.0, 200);
    drop(uploader);
    let relay = relay.restart().await;
    let mut uploader = Uploader::connect(&relay).await;
    let begun = uploader.begin(&fight).await;
    assert_eq!(begun.held.as_ref().map(|held| held.seq), Some(200));
    assert!(matches!(uploader.end(begun.h, &fight, Outcome::Kill).await, UplinkReply::Finalized { .. }));
    assert_eq!(relay.report(&begun.report).await.fight.checksum, fight.checksum().to_string());
    relay.stop().await;
}
