//! A relay with a certificate of its group's own authority, which no system knows.

use std::fs;

use raidcast_meterkit::Generation;
use serde_json::json;

use crate::bus::Desktop;
use crate::driver::Driver;
use crate::first::{finish, pair};
use crate::http::key_file;
use crate::meter::{Meter, read_at_once};
use crate::relay::Relay;
use crate::screen::Screen;
use crate::stage::{Stage, can_run};
use crate::wait::until;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_of_ones_own_authority_is_not_believed_until_its_file_is_named_and_then_it_is_used() {
    if !can_run() {
        return;
    }
    let relay = Relay::start_with_tls().await;
    let ana = relay.administrator("Ana").await;
    let stage = Stage::set("authority").await;
    let (desktop, screen) = (Desktop::with_tray(&stage).await, Screen::of(&stage));
    let meter = Meter::open(&stage.meter(), Generation::Aggregate).await;
    let mut driver = Driver::start(&stage, &[]).await;
    driver.fill("Address or invitation link", &relay.url()).await;
    driver.press("Use this relay").await;
    driver.press("Get a code").await;
    let said = driver.sees("comes from an authority that is not known.").await;
    assert!(said.contains("name the file with its certificate as the file of authorities"), "{said}");
    crate::shot::shoot(&stage, "first-authority");

    // What is no such file is refused with its reason, and what is one is enough.
    let nonsense = stage.path("nonsense.pem");
    fs::write(&nonsense, "-----BEGIN NOTHING-----").unwrap();
    for path in [stage.path("nowhere.pem"), nonsense, stage.home()] {
        let change = json!({"change": "ca", "path": path});
        let fault = driver.call("change", json!({"change": change})).await.unwrap_err();
        let sentence = fault["sentence"].as_str().unwrap_or_default();
        assert!(sentence.contains(path.to_str().unwrap()) && fault["remedy"].is_string(), "{fault}");
    }
    let file = stage.path("authority of the group.pem");
    fs::copy(key_file("tls-authority.pem"), &file).unwrap();
    driver.click("//summary[normalize-space(.)='The relay has a certificate of its own authority']").await;
    driver.fill("File of authorities", file.to_str().unwrap()).await;
    driver.press("Save").await;
    driver.press("Another relay").await;
    pair(&driver, &ana, &relay.url()).await;
    finish(&driver).await;

    let icon = desktop.icon().await;
    let playing = meter.play(141).await;
    icon.says("Raidcast: Live").await;
    icon.choose("Copy live link").await;
    let link = screen.copies(&relay.url()).await;
    assert_eq!(relay.raid(&link).await["connected"], true);
    // It is believed by the next start, too.
    driver.kill();
    let known = desktop.icons();
    let _app = stage.app(&["--hidden"]);
    let icon = desktop.icon_after(known).await;
    icon.says("Raidcast: Live").await;
    let _meter = playing.end().await;
    icon.says("Raidcast: Waiting for a fight").await;
    let raid = until("its report is final", async || {
        Some(relay.raid(&link).await).filter(|raid| raid["reports"][0]["state"] == "final")
    });
    let raid = raid.await;
    let report = relay.report(raid["reports"][0]["reportId"].as_str().unwrap()).await;
    assert_eq!(crate::relay::checksum(&report), read_at_once(&stage.meter())[0]);
}
