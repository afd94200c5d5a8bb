//! A computer that sleeps in a fight, as far as the app sees it: it stands still, and time has passed.

use std::time::Duration;

use raidcast_meterkit::Generation;

use crate::bus::Desktop;
use crate::meter::{Meter, read_at_once};
use crate::relay::{KEY, Relay};
use crate::stage::{Stage, can_run};
use crate::wait::becomes;

/// Longer than a machine is ever slow.
const SLEEP: Duration = Duration::from_secs(12);

/// Of the one fight, as far as the relay has it.
async fn damage(relay: &Relay) -> u64 {
    let report = relay.reports().await.pop().unwrap_or_default();
    report["totals"]["damage"].as_u64().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_sleep_in_a_fight_it_goes_on_by_itself_also_where_the_relay_was_started_again_meanwhile() {
    if !can_run() {
        return;
    }
    let mut relay = Relay::start().await;
    let stage = Stage::ready("sleep", &relay.url(), KEY).await;
    let desktop = Desktop::with_tray(&stage).await;
    let meter = Meter::open(&stage.meter(), Generation::Aggregate).await;
    let app = stage.app(&["--hidden"]);
    let icon = desktop.icon().await;
    icon.says("Raidcast: Waiting for a fight").await;
    let playing = meter.play(121).await;
    icon.says("Raidcast: Live").await;
    for relay_is_gone in [false, true] {
        becomes("something has arrived", async || damage(&relay).await > 0).await;
        let held = damage(&relay).await;
        app.stands_still();
        if relay_is_gone {
            relay.stop();
        }
        playing.goes_on(SLEEP).await;
        if relay_is_gone {
            // Its connections are not those of before: the app has heard of no end.
            relay.again().await;
        }
        app.goes_on();
        icon.says("Raidcast: Live").await;
        becomes("more has arrived than before", async || damage(&relay).await > held).await;
    }
    let _meter = playing.end().await;
    assert_eq!(relay.finals(1).await, read_at_once(&stage.meter()));
    icon.says("Raidcast: Waiting for a fight").await;
    assert_eq!(desktop.notices().len(), 1, "it is one raid");
    drop(app);
}
