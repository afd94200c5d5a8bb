//! The icon in the tray: how it stands, what its menu does, and that no window shows by itself.

use std::collections::HashSet;

use raidcast_meterkit::Generation;

use crate::bus::Desktop;
use crate::meter::{Meter, read_at_once};
use crate::relay::{KEY, Relay};
use crate::screen::Screen;
use crate::stage::{Stage, can_run};
use crate::wait::{becomes, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn started_hidden_the_tray_says_how_it_stands_through_a_night_with_a_relay_that_goes_away() {
    if !can_run() {
        return;
    }
    let mut relay = Relay::start().await;
    let ana = relay.administrator("Ana").await;
    let (number, key) = ana.makes_key().await;
    let stage = Stage::ready("tray", &relay.url(), &key).await;
    let (desktop, mut screen) = (Desktop::with_tray(&stage).await, Screen::of(&stage));
    let meter = Meter::open(&stage.meter(), Generation::Aggregate).await;
    let mut app = stage.app(&["--hidden"]);
    let icon = desktop.icon().await;
    let mut pictures = Vec::new();

    let tip = icon.says("Raidcast: Waiting for a fight").await;
    assert!(tip.contains("Everything has arrived."), "{tip}");
    pictures.push(icon.picture().await);
    assert_eq!(desktop.notices(), [], "nothing has begun");

    let playing = meter.play(31).await;
    icon.says("Raidcast: Live").await;
    pictures.push(icon.picture().await);
    let notice = until("the begin is told", async || desktop.notices().first().cloned()).await;
    assert!(notice.title.starts_with("Live: ") && notice.body.starts_with(&relay.url()), "{notice:?}");
    icon.choose("Copy live link").await;
    let link = screen.copies(&relay.url()).await;
    assert_eq!(link, notice.body);
    let raid = until("the fight is live on its page", async || {
        Some(relay.raid(&link).await).filter(|raid| raid["reports"][0]["state"] == "live")
    });
    let raid = raid.await;
    assert_eq!(
        (&raid["connected"], &raid["open"], &raid["visibility"]),
        (&true.into(), &true.into(), &"public".into())
    );
    icon.choose("Open live page").await;
    becomes("the page is opened in the browser", async || stage.opened() == [link.clone()]).await;

    relay.stop();
    let tip = icon.says("Raidcast: Not all has arrived").await;
    assert!(tip.contains('\n') && !tip.contains("--"), "{tip}");
    pictures.push(icon.picture().await);
    relay.again().await;
    icon.says("Raidcast: Live").await;
    assert_eq!(icon.picture().await, pictures[1]);
    let _meter = playing.end().await;
    icon.says("Raidcast: Waiting for a fight").await;
    assert_eq!(icon.picture().await, pictures[0]);
    assert_eq!(relay.finals(1).await, read_at_once(&stage.meter()));

    // Whoever gave the key takes it back.
    ana.takes_back(number).await;
    let tip = icon.says("Raidcast: Something is to be put right").await;
    assert!(tip.contains("key"), "{tip}");
    pictures.push(icon.picture().await);
    let different: HashSet<_> = pictures.iter().map(|picture| format!("{picture:?}")).collect();
    assert_eq!(different.len(), 4, "each state has a picture of its own");

    assert_eq!(desktop.notices().len(), 1, "once a raid, and nothing at its end: {:?}", desktop.notices());
    assert!(!app.children().iter().any(|name| name.starts_with("WebKit")), "{:?}", app.children());
    icon.choose("Quit").await;
    assert!(app.ended("the app").await.success());
    assert_eq!(screen.shown(), 0, "no window shows unasked");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_menu_pauses_and_makes_a_raid_private_and_the_pause_outlives_the_app() {
    if !can_run() {
        return;
    }
    let relay = Relay::start().await;
    let stage = Stage::ready("menu", &relay.url(), KEY).await;
    let (desktop, mut screen) = (Desktop::with_tray(&stage).await, Screen::of(&stage));
    let meter = Meter::open(&stage.meter(), Generation::Chunks).await;
    let mut app = stage.app(&["--hidden"]);
    let icon = desktop.icon().await;
    icon.says("Raidcast: Waiting for a fight").await;
    let labels: Vec<_> = icon.menu().await.into_iter().map(|entry| entry.label).collect();
    let all = ["Open Raidcast", "Copy live link", "Open live page", "Pause", "Private for this raid", "Quit"];
    assert_eq!(labels, all);

    // What begins in a pause is left alone.
    icon.choose("Pause").await;
    icon.says("Raidcast: Paused").await;
    assert_eq!(icon.entry("Pause").await.checked, Some(true));
    assert!(!icon.entry("Private for this raid").await.enabled);
    app.kill();
    let known = desktop.icons();
    app = stage.app(&["--hidden"]);
    let icon = desktop.icon_after(known).await;
    icon.says("Raidcast: Paused").await;
    let playing = meter.play(41).await;
    icon.choose("Pause").await;
    icon.says("Raidcast: Waiting for a fight").await;
    let meter = playing.end().await;

    let playing = meter.play(42).await;
    icon.says("Raidcast: Live").await;
    icon.choose("Copy live link").await;
    let link = screen.copies(&relay.url()).await;
    assert_eq!(relay.raid(&link).await["visibility"], "public");
    icon.choose("Private for this raid").await;
    let secret = until("the link has a ticket", async || {
        icon.choose("Copy live link").await;
        screen.copied().await.filter(|link| link.contains("ticket="))
    });
    let secret = secret.await;
    let checked = async || icon.entry("Private for this raid").await.checked == Some(true);
    becomes("the menu says so", checked).await;
    assert_eq!(relay.raid(&secret).await["visibility"], "private");
    let path = link.strip_prefix(&relay.url()).unwrap();
    let code = path.rsplit('/').next().unwrap();
    assert_eq!(relay.get(&format!("/api/v1/raids/{code}")).await.status, 404, "others see it no more");
    let _meter = playing.end().await;
    icon.says("Raidcast: Waiting for a fight").await;
    let raid = until("its report is final", async || {
        Some(relay.raid(&secret).await).filter(|raid| raid["reports"][0]["state"] == "final")
    });
    assert_eq!(raid.await["reports"].as_array().unwrap().len(), 1, "the fight of the pause is not there");

    app.ask_to_end();
    app.ended("the app").await;
    assert_eq!(screen.shown(), 0, "no window shows unasked");
}
