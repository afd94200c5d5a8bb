//! Taken away in mid-fight again and again: what is on the relay in the end is what one reading of the meter gives.

use std::time::Duration;

use raidcast_meterkit::Generation;

use crate::bus::Desktop;
use crate::meter::{Meter, read_at_once};
use crate::relay::{KEY, Relay};
use crate::stage::{Stage, can_run};

const KILLS: u64 = 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_many_moments_of_a_fight_it_loses_nothing_and_doubles_nothing() {
    if !can_run() {
        return;
    }
    let mut relay = Relay::start().await;
    let stage = Stage::ready("kills", &relay.url(), KEY).await;
    let desktop = Desktop::with_tray(&stage).await;
    let meter = Meter::open(&stage.meter(), Generation::Aggregate).await;
    let mut app = stage.app(&["--hidden"]);
    desktop.icon().await.says("Raidcast: Waiting for a fight").await;
    let playing = meter.play(51).await;
    for kill in 0..KILLS {
        if kill % 3 == 0 {
            let icon = desktop.icon().await;
            icon.says("Raidcast: Live").await;
            // It has made up its mind to send, and may not have sent it yet.
            playing.goes_on(Duration::from_millis(70 * kill)).await;
        } else {
            // Wherever its start is by then.
            playing.goes_on(Duration::from_millis(150 + 130 * kill)).await;
        }
        app.kill();
        if kill == 4 {
            relay.stop();
        }
        if kill == 5 {
            relay.again().await;
        }
        let known = desktop.icons();
        app = stage.app(&["--hidden"]);
        if (kill + 1) % 3 == 0 {
            desktop.icon_after(known).await;
        }
    }
    // It ends while nobody looks.
    app.kill();
    let _meter = playing.end().await;
    let known = desktop.icons();
    let _app = stage.app(&["--hidden"]);
    assert_eq!(relay.finals(1).await, read_at_once(&stage.meter()));
    desktop.icon_after(known).await.says("Raidcast: Waiting for a fight").await;
}
