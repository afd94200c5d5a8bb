//! A disk that is full: the app says so, loses nothing, and goes on when there is room.

use std::fs;
use std::io::Write as _;
use std::time::Duration;

use raidcast_meterkit::Generation;

use crate::bus::Desktop;
use crate::meter::{Meter, read_at_once};
use crate::relay::{KEY, Relay};
use crate::stage::{Stage, can_run};

/// The disk with the state folder, KiB.
const DISK: u32 = 1_024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_told_and_the_fights_of_meanwhile_arrive_whole_when_there_is_room() {
    if !can_run() {
        return;
    }
    let relay = Relay::start().await;
    let stage = Stage::ready("full-disk", &relay.url(), KEY).await;
    let desktop = Desktop::with_tray(&stage).await;
    let meter = Meter::open(&stage.meter(), Generation::Aggregate).await;
    let Some((app, folder)) = stage.app_on_a_small_disk(DISK, &["--hidden"]) else {
        println!("SKIPPED: this user may not make a disk of its own (user namespaces), so none was full");
        return;
    };
    let icon = desktop.icon().await;
    icon.says("Raidcast: Waiting for a fight").await;
    let filler = folder.join("filler");
    let fill = || {
        let mut file = fs::File::create(&filler).unwrap();
        while file.write_all(&[7; 512]).is_ok() {}
    };

    // In mid-fight.
    let playing = meter.play(111).await;
    icon.says("Raidcast: Live").await;
    fill();
    let tip = icon.says("Raidcast: Something is to be put right").await;
    assert!(tip.contains("Nothing can be written to"), "{tip}");
    crate::shot::shoot(&stage, "disk-full");
    playing.goes_on(Duration::from_secs(3)).await;
    assert_ne!(relay.reports().await[0]["state"], "final");
    fs::remove_file(&filler).unwrap();
    icon.says("Raidcast: Live").await;
    playing.goes_on(Duration::from_secs(1)).await;
    let meter = playing.end().await;
    icon.says("Raidcast: Waiting for a fight").await;
    assert_eq!(relay.finals(1).await, read_at_once(&stage.meter()));

    // And one that begins and ends while there is no room.
    fill();
    let playing = meter.play(112).await;
    icon.says("Raidcast: Something is to be put right").await;
    playing.goes_on(Duration::from_secs(3)).await;
    let _meter = playing.end().await;
    fs::remove_file(&filler).unwrap();
    assert_eq!(relay.finals(2).await, read_at_once(&stage.meter()));
    icon.says("Raidcast: Waiting for a fight").await;
    drop(app);
}
