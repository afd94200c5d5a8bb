//! A `raidcast watch` has the state folder: the app says so, and takes over when it has ended.

use std::time::Duration;

use raidcast_meterkit::Generation;

use crate::bus::Desktop;
use crate::meter::{Meter, read_at_once};
use crate::relay::{KEY, Relay};
use crate::stage::{Stage, can_run};
use crate::wait::until;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_command_line_is_at_work_the_app_says_so_and_then_takes_over() {
    if !can_run() {
        return;
    }
    let relay = Relay::start().await;
    let stage = Stage::ready("elsewhere", &relay.url(), KEY).await;
    let desktop = Desktop::with_tray(&stage).await;
    let meter = Meter::open(&stage.meter(), Generation::Aggregate).await;
    let mut watch = stage.raidcast(&["watch", "--json"]);
    let playing = meter.play(61).await;
    until("the command line sends it", async || relay.reports().await.pop()).await;

    let app = stage.app(&["--hidden"]);
    let icon = desktop.icon().await;
    let tip = icon.says("Raidcast: Another Raidcast is at work").await;
    assert!(tip.contains(&format!("(process {})", watch.id())), "{tip}");
    // Systems show so much of it.
    icon.says("It is connected").await;
    assert!(!icon.entry("Pause").await.enabled, "nothing of it is this one's");

    watch.ask_to_end();
    watch.ended("the command line").await;
    icon.says("Raidcast: Live").await;
    playing.goes_on(Duration::from_secs(1)).await;
    let _meter = playing.end().await;
    assert_eq!(relay.finals(1).await, read_at_once(&stage.meter()));
    icon.says("Raidcast: Waiting for a fight").await;
    drop(app);
}
