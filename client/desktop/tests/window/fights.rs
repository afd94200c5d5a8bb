//! Fights from before, sent by the window beside one that is live, with a relay that goes away meanwhile.

use raidcast::history::Plan;
use raidcast::source::detect::Places;
use raidcast_meterkit::Generation;
use raidcast_shared::uplink::RefusedCode;
use serde_json::json;

use crate::bus::Desktop;
use crate::driver::Driver;
use crate::meter::{Meter, read_at_once};
use crate::relay::{KEY, Relay};
use crate::screen::Screen;
use crate::scripted;
use crate::stage::{Stage, can_run};
use crate::wait::until;

/// More than are sent at once, by far.
const FIGHTS: u64 = 24;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn old_fights_are_sent_beside_a_live_one_and_go_on_when_the_relay_is_back() {
    if !can_run() {
        return;
    }
    let mut relay = Relay::start().await;
    let stage = Stage::ready("fights", &relay.url(), KEY).await;
    let (desktop, screen) = (Desktop::with_tray(&stage).await, Screen::of(&stage));
    let mut meter = Meter::open(&stage.meter(), Generation::Aggregate).await;
    meter.had(FIGHTS).await;
    let driver = Driver::start(&stage, &[]).await;
    let icon = desktop.icon().await;
    icon.says("Raidcast: Waiting for a fight").await;
    driver.click("//*[@role='tab' and normalize-space(.)='Fights']").await;
    driver.sees(&format!("{FIGHTS} shown, {FIGHTS} fights in all")).await;
    assert_eq!(relay.reports().await.len(), 0, "nothing is sent unasked");
    let playing = meter.play(81).await;
    icon.says("Raidcast: Live").await;

    driver.click("//input[@aria-label='Choose all shown that can be sent']").await;
    driver.sees(&format!("{FIGHTS} chosen")).await;
    driver.press("Upload …").await;
    let asked = driver.sees(&format!("{FIGHTS} fights would be sent to {}", relay.url())).await;
    assert!(asked.contains("everybody: the relay lists it"), "{asked}");
    crate::shot::shoot(&stage, "fights-ask");
    assert_eq!(relay.reports().await.len(), 1, "nobody has agreed yet");
    driver.press(&format!("Send {FIGHTS} fights")).await;

    // In its midst the relay goes away.
    let upload = until("some of them are on the relay", async || {
        let upload = driver.call("now", json!({})).await.unwrap()["upload"].clone();
        (upload["done"].as_u64() > Some(0)).then_some(upload)
    });
    let upload = upload.await;
    relay.stop();
    assert!(upload["done"].as_u64() < Some(FIGHTS), "it was over too soon: {upload}");
    driver.sees("The relay does not answer: it goes on by itself.").await;
    crate::shot::shoot(&stage, "fights-away");
    relay.again().await;
    driver.sees(&format!("{FIGHTS} fights uploaded.")).await;
    crate::shot::shoot(&stage, "fights-sent");
    icon.says("Raidcast: Live").await;

    let _meter = playing.end().await;
    assert_eq!(relay.finals(FIGHTS as usize + 1).await, read_at_once(&stage.meter()));
    // Each has its link.
    let page = driver.call("fights", json!({"filter": all()})).await.unwrap();
    assert!(page["fights"].as_array().unwrap().iter().all(|row| row["stand"] == "onRelay"), "{page}");
    driver.click("//button[starts-with(@aria-label, 'Copy link: ')]").await;
    let link = screen.copies(&relay.url()).await;
    assert!(page["fights"].as_array().unwrap().iter().any(|row| row["url"] == link.as_str()), "{link}");
    // Once more: they are there.
    let fights: Vec<_> = page["fights"].as_array().unwrap().iter().map(|row| row["encounter"].clone()).collect();
    let choice = json!({"fights": fights, "visibility": "public", "names": "full"});
    let plan = driver.call("plan", json!({"choice": choice})).await.unwrap();
    assert_eq!(plan["there"], plan["fights"], "{plan}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fight_that_the_relay_does_not_take_is_shown_with_the_reason_and_taken_when_it_is_tried_again() {
    if !can_run() {
        return;
    }
    let relay = scripted::Relay::start().await;
    let stage = Stage::ready("refused", &relay.url, scripted::KEY).await;
    let desktop = Desktop::with_tray(&stage).await;
    let mut meter = Meter::open(&stage.meter(), Generation::Aggregate).await;
    meter.had_lately(2).await;
    let plan = Plan::make(Some(&stage.meter()), &Places::default(), &stage.state(), None).await.unwrap();
    let refused = plan.fights[0].encounter;
    relay.memory().refused.insert(refused, RefusedCode::NotSupported);
    let driver = Driver::start(&stage, &[]).await;
    driver.click("//*[@role='tab' and normalize-space(.)='Fights']").await;
    let stands = async |stand: &str| {
        let script = "const row = document.querySelector(`[data-encounter='${arguments[0]}']`);
            return row === null ? null : { stand: row.dataset.stand, text: row.innerText };";
        until(format!("the fight's line says `{stand}`"), async || {
            let row = driver.run(script, json!([refused.to_string()])).await;
            (row["stand"] == stand).then(|| row["text"].as_str().unwrap_or_default().to_owned())
        })
        .await
    };
    let said = stands("refused").await;
    // In the relay's words, which are data.
    assert!(said.contains("Refused") && said.contains("not this one"), "{said}");
    assert!(said.contains("Update Raidcast, or ask the relay's operator."), "{said}");
    crate::shot::shoot(&stage, "fights-refused");
    // The other one has arrived, and nothing is waited for.
    desktop.icon().await.says("Raidcast: Waiting for a fight").await;
    assert_eq!(relay.memory().fights.len(), 1);

    let again = format!("//*[@data-encounter='{refused}']//button[starts-with(@aria-label, 'Try again: ')]");
    relay.memory().refused.clear();
    driver.click(&again).await;
    stands("onRelay").await;
    desktop.icon().await.says("Raidcast: Waiting for a fight").await;
    let memory = relay.memory();
    let mut held: Vec<_> = memory.fights.values().collect();
    held.sort_by_key(|fight| fight.state.header().started_at_ms);
    let held: Vec<_> = held.iter().map(|fight| fight.state.checksum().to_string()).collect();
    assert_eq!(held, read_at_once(&stage.meter()));
}

fn all() -> serde_json::Value {
    json!({"text": "", "sinceMs": null, "untilMs": null, "stands": [], "beforeMs": null})
}
