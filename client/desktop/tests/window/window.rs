//! The window: closed and opened by the tray, once for all starts, and kept where there is no tray.

use std::time::Duration;

use crate::bus::Desktop;
use crate::relay::{KEY, Relay};
use crate::screen::Screen;
use crate::stage::{Stage, can_run};
use crate::wait::becomes;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_window_is_closed_and_opened_by_the_tray_and_by_a_second_start() {
    if !can_run() {
        return;
    }
    let relay = Relay::start().await;
    let stage = Stage::ready("window", &relay.url(), KEY).await;
    let (desktop, mut screen) = (Desktop::with_tray(&stage).await, Screen::of(&stage));
    let mut app = stage.app(&[]);
    let icon = desktop.icon().await;
    let first = screen.window().await;
    assert_eq!(screen.title(first), "Raidcast");

    // Closed it is gone, with the page that it showed; the app goes on.
    screen.close(first);
    becomes("the window is gone", async || screen.windows().is_empty()).await;
    becomes("its page has ended", async || !app.children().iter().any(|name| name.starts_with("WebKitWeb"))).await;
    assert_eq!(app.has_ended(), None);
    icon.says("Raidcast: ").await;

    icon.click().await;
    let second = screen.window().await;
    // Another click shows the same.
    icon.click().await;
    icon.choose("Open Raidcast").await;
    let mut other = stage.app(&[]);
    assert!(other.ended("a second app").await.success());
    assert_eq!(screen.windows(), [second]);
    assert_eq!((app.has_ended(), desktop.icons()), (None, 1), "the first one is the only one");

    screen.close(second);
    becomes("the window is gone", async || screen.windows().is_empty()).await;
    // Somebody who starts what runs in the tray wants to see it; the system's own start does not.
    let mut other = stage.app(&["--hidden"]);
    assert!(other.ended("a second app").await.success());
    let mut other = stage.app(&[]);
    assert!(other.ended("a third app").await.success());
    screen.window().await;
    icon.choose("Quit").await;
    assert!(app.ended("the app").await.success());
    assert_eq!(screen.shown(), 3, "no other window showed meanwhile");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_tray_the_window_stays_in_its_place() {
    if !can_run() {
        return;
    }
    let relay = Relay::start().await;
    let stage = Stage::ready("no-tray", &relay.url(), KEY).await;
    let (desktop, mut screen) = (Desktop::plain(&stage).await, Screen::of(&stage));
    // Also where it was to start hidden: it could not be reached.
    let mut app = stage.app(&["--hidden"]);
    let window = screen.window().await;
    let small = screen.made_small();
    screen.close(window);
    becomes("the window asks to be made small", async || screen.made_small() > small).await;
    assert_eq!((screen.windows(), app.has_ended()), (vec![window], None));
    // A second start shows it again.
    let mut other = stage.app(&[]);
    assert!(other.ended("a second app").await.success());
    assert_eq!((screen.windows(), app.has_ended()), (vec![window], None));

    // A tray that is switched on later has the icon, and the window may go.
    desktop.tray_comes().await;
    let icon = desktop.icon().await;
    icon.says("Raidcast: ").await;
    screen.close(window);
    becomes("the window is gone", async || screen.windows().is_empty()).await;
    assert_eq!(app.has_ended(), None);
    icon.click().await;
    screen.window().await;
    icon.choose("Quit").await;
    assert!(app.ended("the app").await.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tray_that_goes_away_later_leaves_the_window_and_one_that_comes_back_has_the_icon() {
    if !can_run() {
        return;
    }
    let relay = Relay::start().await;
    let stage = Stage::ready("tray-ends", &relay.url(), KEY).await;
    let (desktop, mut screen) = (Desktop::with_tray(&stage).await, Screen::of(&stage));
    let mut app = stage.app(&["--hidden"]);
    desktop.icon().await.says("Raidcast: ").await;

    // A panel that falls and is started again, as desktops do: the icon is in it, and no window comes up.
    let known = desktop.icons();
    desktop.tray_ends().await;
    desktop.tray_comes().await;
    desktop.icon_after(known).await.says("Raidcast: ").await;
    // Nothing tells that nothing happens: it is more than the app waits for.
    tokio::time::sleep(Duration::from_secs(8)).await;
    assert_eq!(screen.shown(), 0, "no window shows unasked");

    // One that is gone for good: now the window is the only way to the app.
    desktop.tray_ends().await;
    let window = screen.window().await;
    let small = screen.made_small();
    screen.close(window);
    becomes("the window asks to be made small", async || screen.made_small() > small).await;
    assert_eq!((screen.windows(), app.has_ended()), (vec![window], None));

    let known = desktop.icons();
    desktop.tray_comes().await;
    let icon = desktop.icon_after(known).await;
    icon.says("Raidcast: ").await;
    assert_eq!(icon.menu().await.len(), 6);
    // That the icon is seen again is told to the app beside it.
    becomes("the window can be closed again", async || !screen.closes(window) && screen.windows().is_empty()).await;
    assert_eq!(app.has_ended(), None);
    icon.click().await;
    screen.window().await;
    icon.choose("Quit").await;
    assert!(app.ended("the app").await.success());
}
