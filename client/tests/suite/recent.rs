//! What of a meter's fights is sent when its database is seen first.

use std::time::Duration;

use raidcast::uploader::{Change, Options};
use raidcast_meterkit::{Generation, MeterWriter, write_all};

use crate::place::{Client, NOW_MS, Place, party};
use crate::relay::Relay;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn how_long_ago_a_fight_may_have_ended_is_an_option() {
    let minutes = Duration::from_mins;
    for (recent, sent) in [(Duration::ZERO, 0), (minutes(5), 0), (minutes(15), 1), (Duration::MAX, 1)] {
        let (place, relay) = (Place::new(), Relay::start().await);
        let mut writer = MeterWriter::open(&place.db(), Generation::Aggregate).await.unwrap();
        // It ended some nine minutes ago.
        write_all(&mut writer, &party(1).starting_at(NOW_MS - 600_000)).await.unwrap();
        writer.close().await.unwrap();
        let client = Client::start(Options { recent, ..place.options(&relay) });
        let changes = client.changes.clone();
        let summary = client.done().await.unwrap();
        assert_eq!((summary.fights, summary.finalized), (sent, sent), "{recent:?}");
        let is_history = changes.lock().unwrap().contains(&Change::History { fights: 1 });
        assert_eq!(is_history, sent == 0, "{recent:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fight_that_goes_on_is_sent_though_no_earlier_one_is() {
    let (place, relay) = (Place::new(), Relay::start().await);
    let mut writer = MeterWriter::open(&place.db(), Generation::Aggregate).await.unwrap();
    write_all(&mut writer, &party(1).starting_at(NOW_MS - 600_000)).await.unwrap();
    writer.begin(&party(2).starting_at(NOW_MS - 30_000)).await.unwrap();
    writer.advance_to(30_000).await.unwrap();
    let client = Client::start(Options { recent: Duration::ZERO, until_idle: None, ..place.options(&relay) });
    relay.until(|memory| memory.deltas > 0).await;
    writer.end().await.unwrap();
    client.until(|change| matches!(change, Change::Finalized { .. })).await;
    let summary = client.end().await;
    assert_eq!((summary.fights, summary.finalized, summary.complete), (1, 1, true));
}
