//! What the page may not do, and what stands in no log and in no text for whoever helps.

use std::fs;

use raidcast_meterkit::Generation;
use serde_json::json;

use crate::bus::Desktop;
use crate::driver::Driver;
use crate::first::{finish, pair};
use crate::meter::Meter;
use crate::relay::Relay;
use crate::screen::Screen;
use crate::stage::{Stage, can_run};
use crate::wait::{becomes, until};

/// What pages of other apps may call, and this one not.
const FORBIDDEN: [&str; 8] = [
    "plugin:event|emit",
    "plugin:window|create",
    "plugin:window|close",
    "plugin:webview|create_webview_window",
    "plugin:app|version",
    "plugin:path|resolve_directory",
    "plugin:opener|open_url",
    "plugin:autostart|enable",
];

/// Tries what a page that was taken over would; writes down what came of it.
const ATTACK: &str = r"
const url = arguments[0];
window.__came = [];
document.addEventListener('securitypolicyviolation', (event) => window.__came.push(event.effectiveDirective));
const script = document.createElement('script');
script.textContent = 'window.__ran = true';
document.head.append(script);
const remote = document.createElement('script');
remote.src = `${url}/theme.js`;
document.head.append(remote);
const image = document.createElement('img');
image.src = `${url}/favicon.ico`;
document.body.append(image);
const frame = document.createElement('iframe');
frame.src = `${url}/`;
document.body.append(frame);
document.body.insertAdjacentHTML('beforeend', '<button id=attack onclick=\'window.__ran = true\'>x</button>');
document.getElementById('attack').click();
fetch(`${url}/health`).then(() => window.__came.push('fetched'), () => window.__came.push('connect-src'));
try { window.__ran = eval('true'); } catch { window.__came.push('eval'); }
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_may_call_what_it_needs_and_nothing_else_and_no_foreign_code_runs_in_it() {
    if !can_run() {
        return;
    }
    let relay = Relay::start().await;
    let stage = Stage::ready("safe", &relay.url(), crate::relay::KEY).await;
    let _desktop = Desktop::with_tray(&stage).await;
    let driver = Driver::start(&stage, &[]).await;
    driver.sees("Waiting for").await;
    assert!(driver.call("now", json!({})).await.is_ok());
    for command in FORBIDDEN {
        let refused = driver.call(command, json!({"url": relay.url(), "event": "now", "payload": null})).await;
        let why = refused.expect_err(command).to_string();
        assert!(why.contains("not allowed") || why.contains("not found"), "{command}: {why}");
    }
    assert_eq!(driver.run("return typeof window.__TAURI__", json!([])).await, "undefined");

    driver.run(ATTACK, json!([relay.url()])).await;
    let came = until("all of it was turned away", async || {
        let came = driver.run("return window.__came", json!([])).await.to_string();
        let all = ["script-src", "img-src", "frame-src", "connect-src", "eval"];
        all.iter().all(|what| came.contains(what)).then_some(came)
    });
    let came = came.await;
    assert!(!came.contains("fetched"), "{came}");
    assert_eq!(driver.run("return window.__ran === undefined", json!([])).await, true);
    // The window leads nowhere else.
    let here = driver.run("return location.href", json!([])).await;
    driver
        .run(
            "setTimeout(() => { location.href = arguments[0] }, 0)"
                .replace("arguments[0]", &format!("'{}'", relay.url()))
                .as_str(),
            json!([]),
        )
        .await;
    driver.run("window.open(arguments[0])", json!([relay.url()])).await;
    becomes("the page is still the app's", async || driver.call("now", json!({})).await.is_ok()).await;
    assert_eq!(driver.run("return location.href", json!([])).await, here);
    assert_eq!(stage.opened(), Vec::<String>::new(), "nor is it opened in the browser");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_key_no_ticket_and_no_invitation_stands_in_the_log_or_in_the_text_for_whoever_helps() {
    if !can_run() {
        return;
    }
    let relay = Relay::start().await;
    let ana = relay.administrator("Ana").await;
    let invitation = ana.invites().await;
    let stage = Stage::set("secrets").await.loud();
    let (desktop, screen) = (Desktop::with_tray(&stage).await, Screen::of(&stage));
    let meter = Meter::open(&stage.meter(), Generation::Aggregate).await;
    let driver = Driver::start(&stage, &[]).await;
    let code = pair(&driver, &ana, &invitation).await;
    finish(&driver).await;
    let icon = desktop.icon().await;
    icon.says("Raidcast: Waiting for a fight").await;
    let playing = meter.play(91).await;
    icon.says("Raidcast: Live").await;
    icon.choose("Private for this raid").await;
    let link = until("the link has a ticket", async || {
        icon.choose("Copy live link").await;
        screen.copied().await.filter(|link| link.contains("ticket="))
    });
    let link = link.await;
    let _meter = playing.end().await;
    icon.says("Raidcast: Waiting for a fight").await;
    let bundle = driver.call("bundle", json!({})).await.unwrap();
    let bundle = fs::read_to_string(bundle.as_str().unwrap()).unwrap();
    assert!(bundle.contains("Raidcast 0.") && bundle.contains("resonance-logs"), "{bundle}");

    let keys = fs::read_to_string(stage.config().with_file_name("keys.json")).unwrap();
    let at = keys.find("rc_").unwrap_or_else(|| panic!("no key in {keys}"));
    let key = keys[at..].split('"').next().unwrap();
    let ticket = link.split_once("ticket=").unwrap().1;
    let secret = invitation.split_once("#invitation=").unwrap().1;
    let logs = stage.logs();
    let lines: usize = logs.iter().map(|path| fs::read_to_string(path).unwrap().lines().count()).sum();
    assert!(lines > 0, "a log that says nothing shows nothing: {logs:?}");
    let mut texts = vec![("the text for whoever helps".to_owned(), bundle)];
    texts.extend(logs.iter().map(|path| (path.display().to_string(), fs::read_to_string(path).unwrap())));
    texts.push(("what it prints".to_owned(), fs::read_to_string(stage.path("app.said")).unwrap()));
    for (name, text) in texts {
        for (what, held) in [("the key", key), ("the ticket", ticket), ("the invitation", secret), ("the code", &code)]
        {
            assert!(!text.contains(held), "{what} stands in {name}");
            // Nor a part that would be worth something.
            assert!(held.len() < 24 || !text.contains(&held[..16]), "a part of {what} stands in {name}");
        }
    }
}
