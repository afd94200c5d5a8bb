//! Every way in which meters ever stored fights: found where meters put their databases, and exact.

use std::time::Duration;

use raidcast_meterkit::Generation;

use crate::bus::Desktop;
use crate::meter::{Meter, read_at_once};
use crate::relay::{KEY, Relay};
use crate::stage::{Stage, can_run};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_any_meter_writes_is_on_the_relay_as_one_reading_of_it_gives_it() {
    if !can_run() {
        return;
    }
    for generation in Generation::EVERY {
        let relay = Relay::start().await;
        let stage = Stage::ready("generations", &relay.url(), KEY).await;
        let desktop = Desktop::with_tray(&stage).await;
        let meter = Meter::open(&stage.meter(), generation).await;
        let _app = stage.app(&["--hidden"]);
        let icon = desktop.icon().await;
        icon.says("Raidcast: Waiting for a fight").await;
        let playing = meter.play(11).await;
        // That one tells of a fight when it is over.
        if generation != Generation::Summary {
            icon.says("Raidcast: Live").await;
        }
        playing.goes_on(Duration::from_secs(1)).await;
        let _meter = playing.end().await;
        assert_eq!(relay.finals(1).await, read_at_once(&stage.meter()), "{generation:?}");
        icon.says("Raidcast: Waiting for a fight").await;
    }
}
