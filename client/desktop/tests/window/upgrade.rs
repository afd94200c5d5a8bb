//! A meter that is updated in mid-fight, and keeps its fights in another way from then on.

use std::time::Duration;

use raidcast_meterkit::Generation;
use serde_json::json;

use crate::bus::Desktop;
use crate::driver::Driver;
use crate::meter::{Meter, read_at_once};
use crate::relay::{KEY, Relay};
use crate::stage::{Stage, can_run};
use crate::wait::becomes;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_meter_that_is_updated_in_mid_fight_is_followed_and_no_fight_is_lost_or_doubled() {
    if !can_run() {
        return;
    }
    let relay = Relay::start().await;
    let stage = Stage::ready("upgrade", &relay.url(), KEY).await;
    let desktop = Desktop::with_tray(&stage).await;
    let meter = Meter::open(&stage.meter(), Generation::Counters).await;
    let driver = Driver::start(&stage, &[]).await;
    let reads = async || driver.call("now", json!({})).await.unwrap()["meter"]["generation"].clone();
    let icon = desktop.icon().await;
    icon.says("Raidcast: Waiting for a fight").await;
    becomes("the meter of before is read", async || reads().await == "counters").await;
    let playing = meter.play(131).await;
    icon.says("Raidcast: Live").await;
    playing.goes_on(Duration::from_secs(2)).await;

    // The new one ends at its start what was left open.
    let meter = playing.upgraded(Generation::Aggregate).await;
    becomes("the meter of now is read", async || reads().await == "aggregate").await;
    icon.says("Raidcast: Waiting for a fight").await;
    assert_eq!(relay.finals(1).await, read_at_once(&stage.meter()));
    let playing = meter.play(132).await;
    icon.says("Raidcast: Live").await;
    driver.sees("Live").await;
    playing.goes_on(Duration::from_secs(1)).await;
    let _meter = playing.end().await;
    icon.says("Raidcast: Waiting for a fight").await;
    assert_eq!(relay.finals(2).await, read_at_once(&stage.meter()));
    // Both are in the list, with their reports.
    let filter = json!({"text": "", "sinceMs": null, "untilMs": null, "stands": [], "beforeMs": null});
    let page = driver.call("fights", json!({"filter": filter})).await.unwrap();
    let stands: Vec<_> = page["fights"].as_array().unwrap().iter().map(|row| row["stand"].clone()).collect();
    assert_eq!((stands, &page["total"], &page["fault"]), (vec![json!("onRelay"); 2], &json!(2), &json!(null)));
}
