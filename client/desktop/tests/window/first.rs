//! The first start, from an empty home to a live page, by the window alone.

use std::os::unix::fs::PermissionsExt as _;

use raidcast_meterkit::Generation;
use serde_json::json;

use crate::bus::Desktop;
use crate::driver::Driver;
use crate::meter::{Meter, read_at_once};
use crate::relay::{Person, Relay, checksum};
use crate::screen::Screen;
use crate::stage::{Stage, can_run};
use crate::wait::{becomes, until};

/// Names the relay in the window and pairs with it, as far as the window asks for it; gives the code that was typed.
pub(crate) async fn pair(driver: &Driver, by: &Person, relay: &str) -> String {
    let code = code_for(driver, relay).await;
    by.approves(&code).await;
    driver.sees("This computer is paired").await;
    code
}

/// Names the relay, and asks for a code, which the window shows.
async fn code_for(driver: &Driver, relay: &str) -> String {
    driver.fill("Address or invitation link", relay).await;
    driver.press("Use this relay").await;
    driver.press("Get a code").await;
    let code = until("the app has a code", async || {
        let step = driver.call("pairing", json!({})).await.unwrap();
        step["view"]["code"].as_str().map(str::to_owned)
    });
    let code = code.await;
    driver.sees(&code).await;
    code
}

/// Goes on in the window, says that no old fight is sent, and that all is set up.
pub(crate) async fn finish(driver: &Driver) {
    driver.press("Go on").await;
    driver.sees("Your meter has").await;
    driver.press("Go live").await;
    driver.sees("Waiting for a fight").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_start_leads_from_an_invitation_to_a_live_page_without_a_terminal() {
    if !can_run() {
        return;
    }
    let relay = Relay::start().await;
    let ana = relay.administrator("Ana").await;
    let invitation = ana.invites().await;
    let stage = Stage::set("first").await;
    let (desktop, screen) = (Desktop::with_tray(&stage).await, Screen::of(&stage));
    // Where a raider has it, of fights of last week.
    let mut meter = Meter::open(&stage.meter(), Generation::Aggregate).await;
    meter.had(2).await;

    let driver = Driver::start(&stage, &[]).await;
    driver.sees("Set up Raidcast").await;
    let first = driver.call("first", json!({})).await.unwrap();
    assert_eq!((&first["meter"]["meter"], &first["old"]["fights"]), (&"resonance-logs".into(), &2.into()), "{first}");
    assert_eq!(first["meter"]["path"], stage.meter().display().to_string());
    crate::shot::shoot(&stage, "first-relay");
    let code = code_for(&driver, &invitation).await;
    // The page for it is opened behind the invitation: first an account, then the code.
    driver.press("Open the page").await;
    let secret = invitation.split_once('#').unwrap().1;
    becomes("the relay's page is opened", async || stage.opened().iter().any(|url| url.ends_with(secret))).await;
    assert!(stage.opened()[0].starts_with(&format!("{}/", relay.url())), "{:?}", stage.opened());
    crate::shot::shoot(&stage, "first-pair");
    // What Bo does there.
    let bo = Person::join(&relay, "Bo", &invitation).await;
    bo.approves(&code).await;
    let said = driver.sees("This computer is paired").await;
    // No Secret Service is on this bus: a file, and that is said.
    let keys = stage.config().with_file_name("keys.json");
    assert!(said.contains(&format!("The key is in {}. Only your user can read that file.", keys.display())), "{said}");
    assert!(said.contains("Bo"), "whose it is: {said}");
    assert_eq!(std::fs::metadata(&keys).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(bo.keys().await.len(), 1);
    finish(&driver).await;
    crate::shot::shoot(&stage, "first-idle");

    let playing = meter.play(21).await;
    driver.sees("Live").await;
    desktop.icon().await.says("Raidcast: Live").await;
    driver.press("Copy: This raid").await;
    let link = screen.copies(&relay.url()).await;
    let raid = until("the fight is live on its page", async || {
        Some(relay.raid(&link).await).filter(|raid| raid["reports"][0]["state"] == "live")
    });
    assert_eq!(raid.await["connected"], true);
    crate::shot::shoot(&stage, "first-live");
    let _meter = playing.end().await;
    let raid = until("its report is final", async || {
        Some(relay.raid(&link).await).filter(|raid| raid["reports"][0]["state"] == "final")
    });
    let raid = raid.await;
    assert_eq!(raid["reports"].as_array().unwrap().len(), 1, "nothing of before was sent: {raid}");
    let report = relay.report(raid["reports"][0]["reportId"].as_str().unwrap()).await;
    assert_eq!(checksum(&report), read_at_once(&stage.meter())[2]);
    driver.sees("Waiting for a fight").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn started_hidden_before_it_is_set_up_it_shows_its_window_and_says_what_to_do() {
    if !can_run() {
        return;
    }
    let stage = Stage::set("first-hidden").await;
    let (desktop, screen) = (Desktop::with_tray(&stage).await, Screen::of(&stage));
    let _app = stage.app(&["--hidden"]);
    desktop.icon().await.says("Raidcast: Not set up yet").await;
    screen.window().await;
}
