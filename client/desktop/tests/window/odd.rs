//! A world that is not as it should be: the app says what is wrong and what to do, and loses nothing of it.

use std::fs;
use std::path::PathBuf;

use raidcast_meterkit::Generation;
use serde_json::{Value, json};

use crate::bus::Desktop;
use crate::driver::Driver;
use crate::meter::{Meter, read_at_once};
use crate::relay::{KEY, Relay};
use crate::stage::{Stage, can_run};
use crate::wait::until;
use crate::world::{Answers, Stranger};

/// A file that is of no use to this version.
struct Odd {
    file: PathBuf,
    text: &'static str,
    /// What is said of it: a part of the sentence, and a part of what to do.
    says: [&'static str; 2],
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_that_are_damaged_or_of_a_newer_version_are_told_and_left_as_they_are() {
    if !can_run() {
        return;
    }
    let relay = Relay::start().await;
    let stage = Stage::ready("odd-files", &relay.url(), KEY).await;
    let _desktop = Desktop::with_tray(&stage).await;
    let (config, own) = (stage.config(), stage.config().with_file_name("desktop.json"));
    let odds = [
        Odd { file: config.clone(), text: "relay = \n", says: ["config.toml", "Set "] },
        Odd { file: config.clone(), text: "relay = \"not an address\"\nkey = \"k\"\n", says: ["address", "."] },
        Odd { file: own.clone(), text: "{\"format\": 99, \"firstDone\": {\"a\": 1}}", says: ["newer", "update"] },
        Odd { file: own, text: "{\"firstDone\": tru", says: ["desktop.json", "Move"] },
        Odd { file: stage.state().join("version"), text: "99 raidcast 9.1\n", says: ["newer", "pdate"] },
    ];
    for odd in odds {
        let before = fs::read(&odd.file).ok();
        fs::create_dir_all(odd.file.parent().unwrap()).unwrap();
        fs::write(&odd.file, odd.text).unwrap();
        let driver = Driver::start(&stage, &[]).await;
        let mut last = Value::Null;
        let told = until(format!("it is said of {} `{}` what is wrong", odd.file.display(), odd.text), async || {
            let now = driver.call("now", json!({})).await.unwrap();
            if last != now {
                eprintln!("now: {} {:?} {:?}", now["state"], now["sentence"], now["remedy"]);
                last = now.clone();
            }
            now["sentence"].as_str().is_some_and(|sentence| sentence.contains(odd.says[0])).then_some(now)
        });
        let told = told.await;
        assert_eq!(told["state"], "trouble", "{told}");
        let remedy = told["remedy"].as_str().unwrap_or_else(|| panic!("nothing to do: {told}"));
        assert!(remedy.contains(odd.says[1]), "{told}");
        // In the window, too, and not for programs alone.
        driver.sees(told["sentence"].as_str().unwrap()).await;
        driver.sees(remedy).await;
        drop(driver);
        assert_eq!(fs::read_to_string(&odd.file).unwrap(), odd.text, "it is as it was");
        match before {
            Some(before) => fs::write(&odd.file, before).unwrap(),
            None => fs::remove_file(&odd.file).unwrap(),
        }
    }
    assert_eq!(relay.reports().await, Vec::<Value>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_relay_is_told_by_what_it_is() {
    if !can_run() {
        return;
    }
    let stage = Stage::set("odd-relays").await;
    let _desktop = Desktop::with_tray(&stage).await;
    let driver = Driver::start(&stage, &[]).await;
    for (answers, says) in [
        (Answers::Nonsense, "answers"),
        (Answers::Redirect, "elsewhere.example"),
        (Answers::OtherProduct, "knows no pairing"),
        (Answers::EmptyJson, "answers"),
    ] {
        let stranger = Stranger::who(answers).await;
        let named = driver.call("relay", json!({"text": stranger.url})).await.unwrap();
        assert_eq!((&named["relay"], &named["paired"]), (&stranger.url.clone().into(), &false.into()));
        let fault = driver.call("pair", json!({})).await.unwrap_err();
        let sentence = fault["sentence"].as_str().unwrap_or_else(|| panic!("{answers:?}: {fault}"));
        assert!(sentence.contains(says), "{answers:?}: {fault}");
        assert!(fault["remedy"].as_str().is_some_and(|remedy| remedy.ends_with('.')), "{answers:?}: {fault}");
    }
    // Nobody is there at all, and what is no address.
    let nobody = format!("http://127.0.0.1:{}", crate::http::free_port());
    driver.call("relay", json!({"text": nobody})).await.unwrap();
    let fault = driver.call("pair", json!({})).await.unwrap_err();
    assert!(fault["remedy"].is_string(), "{fault}");
    let fault = driver.call("relay", json!({"text": "not an address"})).await.unwrap_err();
    assert!(fault["remedy"].is_string(), "{fault}");
    assert!(!stage.config().exists(), "nothing is set before there is a key for it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_that_became_something_else_is_told_by_what_it_is_and_the_fight_waits_for_the_right_one() {
    if !can_run() {
        return;
    }
    let relay = Relay::start().await;
    let stage = Stage::ready("odd-day", &relay.url(), KEY).await;
    let _desktop = Desktop::with_tray(&stage).await;
    let settings = fs::read_to_string(stage.config()).unwrap();
    let meter = Meter::open(&stage.meter(), Generation::Aggregate).await;
    // Each start finds the fight that goes on, and keeps what it reads of it.
    let playing = meter.play(161).await;
    for (answers, says, then) in [
        (Answers::Nonsense, None, None),
        (
            Answers::Redirect,
            Some("sends everybody on to https://elsewhere.example/"),
            Some("https://elsewhere.example/"),
        ),
        (Answers::OtherProduct, Some("Raidcast relay"), Some("Check the relay's address")),
        (Answers::EmptyJson, Some("Raidcast relay"), Some("Check the relay's address")),
    ] {
        let stranger = Stranger::who(answers).await;
        stage.settings(&settings.replace(&relay.url(), &stranger.url));
        let driver = Driver::start(&stage, &[]).await;
        let told = until(format!("it is said what answers there: {answers:?}"), async || {
            let now = driver.call("now", json!({})).await.unwrap();
            let at = stranger.url.strip_prefix("http://").unwrap();
            now["sentence"].as_str().is_some_and(|sentence| sentence.contains(says.unwrap_or(at))).then_some(now)
        });
        let told = told.await;
        assert!(told["state"] == "waiting" || told["state"] == "trouble", "{told}");
        if let Some(then) = then {
            assert!(told["remedy"].as_str().is_some_and(|remedy| remedy.contains(then)), "{answers:?}: {told}");
        }
        assert!(!told["sentence"].as_str().unwrap().contains("router"), "a page of others is not shown: {told}");
        driver.sees(says.unwrap_or("127.0.0.1")).await;
        assert_eq!(relay.reports().await, Vec::<Value>::new());
    }
    stage.settings(&settings);
    let driver = Driver::start(&stage, &[]).await;
    driver.sees("Live").await;
    let _meter = playing.end().await;
    driver.sees("Waiting for a fight").await;
    assert_eq!(relay.finals(1).await, read_at_once(&stage.meter()));
}
