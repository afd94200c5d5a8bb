//! Keys: in the system's own store where there is one, and from there at the next start.

use raidcast_meterkit::Generation;
use serde_json::json;

use crate::bus::Desktop;
use crate::driver::Driver;
use crate::first::{finish, pair};
use crate::keyring;
use crate::meter::Meter;
use crate::relay::Relay;
use crate::stage::{Stage, can_run, files};
use crate::wait::{becomes, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_kept_in_the_secret_service_and_found_there_by_the_next_start() {
    if !can_run() {
        return;
    }
    let relay = Relay::start().await;
    let ana = relay.administrator("Ana").await;
    let stage = Stage::set("keyring").await;
    let desktop = Desktop::with_tray(&stage).await;
    let _keyring = keyring::unlocked(&stage, &desktop).await;
    let _meter = Meter::open(&stage.meter(), Generation::Aggregate).await;
    let mut driver = Driver::start(&stage, &[]).await;
    pair(&driver, &ana, &relay.url()).await;
    let said = driver.sees("The key is in the system's keyring.").await;
    assert!(!said.contains("rc_"), "{said}");
    finish(&driver).await;
    desktop.icon().await.says("Raidcast: Waiting for a fight").await;
    assert_eq!(ana.keys().await.len(), 1);
    driver.kill();

    // As text it stands nowhere: not the key, nor a part of it that would be worth something.
    let keys = files(&stage.home()).into_iter().filter(|path| {
        // Files that are written meanwhile may be gone.
        std::fs::read(path).is_ok_and(|bytes| bytes.windows(3).any(|part| part == b"rc_"))
    });
    let keys: Vec<_> = keys.filter(|path| path.starts_with(stage.config().parent().unwrap())).collect();
    assert_eq!(keys, Vec::<std::path::PathBuf>::new());

    let known = desktop.icons();
    let _app = stage.app(&["--hidden"]);
    desktop.icon_after(known).await.says("Raidcast: Waiting for a fight").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_keyring_that_is_locked_is_told_and_its_key_is_used_when_it_is_unlocked() {
    if !can_run() {
        return;
    }
    let relay = Relay::start().await;
    let ana = relay.administrator("Ana").await;
    let stage = Stage::set("locked").await;
    let desktop = Desktop::with_tray(&stage).await;
    let keyring = keyring::unlocked(&stage, &desktop).await;
    let meter = Meter::open(&stage.meter(), Generation::Aggregate).await;
    let mut driver = Driver::start(&stage, &[]).await;
    pair(&driver, &ana, &relay.url()).await;
    driver.sees("The key is in the system's keyring.").await;
    finish(&driver).await;
    driver.kill();
    keyring::ends(keyring, &desktop).await;
    let keyring = keyring::locked(&stage, &desktop).await;

    let known = desktop.icons();
    let driver = Driver::start(&stage, &[]).await;
    let told = until("it is said that there is no key to be had", async || {
        let now = driver.call("now", json!({})).await.unwrap();
        (now["state"] == "trouble").then_some(now)
    });
    let told = told.await;
    let (sentence, remedy) = (told["sentence"].as_str().unwrap(), told["remedy"].as_str().unwrap_or_default());
    assert!(sentence.contains("the system's keyring") && remedy.ends_with("pair this computer again."), "{told}");
    driver.sees(sentence).await;
    driver.sees(remedy).await;
    crate::shot::shoot(&stage, "keyring-locked");
    // It is paired all the same: nothing is to be set up anew, and no other key was made.
    assert_eq!(driver.call("settings", json!({})).await.unwrap()["paired"], true);
    assert_eq!(driver.call("first", json!({})).await.unwrap()["step"], "done");
    let playing = meter.play(151).await;

    keyring::ends(keyring, &desktop).await;
    let _keyring = keyring::unlocked(&stage, &desktop).await;
    driver.press("Try now").await;
    let icon = desktop.icon_after(known).await;
    icon.says("Raidcast: Live").await;
    let _meter = playing.end().await;
    icon.says("Raidcast: Waiting for a fight").await;
    assert_eq!(ana.keys().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_was_forgotten_is_told_and_another_can_be_pasted() {
    if !can_run() {
        return;
    }
    let relay = Relay::start().await;
    let ana = relay.administrator("Ana").await;
    let stage = Stage::set("pasted").await;
    let desktop = Desktop::with_tray(&stage).await;
    let _meter = Meter::open(&stage.meter(), Generation::Aggregate).await;
    let driver = Driver::start(&stage, &[]).await;
    driver.call("relay", json!({"text": relay.url()})).await.unwrap();
    let fault = driver.call("paste_key", json!({"key": "rc_nonsense"})).await.unwrap_err();
    assert!(fault["sentence"].is_string() && fault["remedy"].is_string(), "{fault}");
    let (_, key) = ana.makes_key().await;
    let kept = driver.call("paste_key", json!({"key": key})).await.unwrap();
    assert_eq!(kept["inFile"], true, "there is no store here: {kept}");
    let shown = json!({"visibility": "public", "reportVisibility": "live", "names": "full", "delayS": 0});
    let choice = json!({"old": {"old": "none"}, "shown": shown});
    driver.call("finish_first", json!({"choice": choice})).await.unwrap();
    let icon = desktop.icon().await;
    icon.says("Raidcast: Waiting for a fight").await;
    assert_eq!(driver.call("forget_key", json!({})).await, Ok(true.into()));
    icon.says("Raidcast: Not set up yet").await;
    driver.call("paste_key", json!({"key": key})).await.unwrap();
    icon.says("Raidcast: Waiting for a fight").await;
    becomes("nothing is to be set up", async || driver.call("first", json!({})).await.unwrap()["step"] == "done").await;
}
