//! The icon in the tray, as the model wants it to look.
//!
//! Where there is no tray, making the icon is an error and no end of anything: the panel may come up after the app when
//! somebody signs in, so it is tried again for some seconds; then the window is shown, which is not closed any more but
//! iconified. The same is done where the panel ends later, and is not there again soon; when it is, the icon is in it.
//! Everything here is done on the main thread, as systems want it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use raidcast_desktop_model::desk::Desk;
use raidcast_desktop_model::tray::{TrayIcon, TrayItem, TrayLook};
use raidcast_desktop_model::tray_item::ItemId;
use tauri::image::Image;
use tauri::menu::{CheckMenuItem, IsMenuItem, Menu, MenuItem};
use tauri::tray::{MouseButton, MouseButtonState, TrayIconBuilder, TrayIconEvent};
use tauri::{AppHandle, Manager as _, Runtime};

use crate::window;

/// What is waited before it is tried again.
const AGAIN: [Duration; 4] =
    [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4), Duration::from_secs(8)];

/// A panel that ends is started again by then, where desktops do that: no window comes up for it.
#[cfg(target_os = "linux")]
const PANEL: Duration = Duration::from_secs(5);

/// The icon, and how it is to look.
pub(crate) struct Tray<R: Runtime>(Mutex<Held<R>>);

struct Held<R: Runtime> {
    look: TrayLook,
    icon: Option<Icon<R>>,
    /// Somebody shows it, as far as is known.
    has_panel: bool,
    tries: usize,
}

/// The icon as it is shown.
struct Icon<R: Runtime> {
    tray: tauri::tray::TrayIcon<R>,
    items: Vec<Item<R>>,
    look: TrayLook,
}

enum Item<R: Runtime> {
    Plain(MenuItem<R>),
    Check(CheckMenuItem<R>),
}

impl<R: Runtime> Default for Tray<R> {
    fn default() -> Self {
        Self(Mutex::new(Held { look: TrayLook::default(), icon: None, has_panel: true, tries: 0 }))
    }
}

impl<R: Runtime> Tray<R> {
    fn held(&self) -> MutexGuard<'_, Held<R>> {
        // What a panic may leave is an icon that is not as it should be.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether there is an icon in the tray.
pub(crate) fn is_there<R: Runtime>(app: &AppHandle<R>) -> bool {
    app.try_state::<Tray<R>>().is_some_and(|tray| tray.held().is_shown())
}

/// Whether an entry of the menu is on, as the model sees it.
pub(crate) fn is_on<R: Runtime>(app: &AppHandle<R>, id: ItemId) -> bool {
    let checked =
        |tray: &Tray<R>| tray.held().look.menu.iter().find(|item| item.id == id).and_then(|item| item.checked);
    app.try_state::<Tray<R>>().and_then(|tray| checked(&tray)).unwrap_or_default()
}

/// Whether somebody clicked at the icon.
pub(crate) fn is_click(event: &TrayIconEvent) -> bool {
    let TrayIconEvent::Click { button, button_state, .. } = event else { return false };
    *button == MouseButton::Left && *button_state == MouseButtonState::Up
}

/// The entry of the menu that is called so.
pub(crate) fn item_of(name: &str) -> Option<ItemId> {
    ItemId::ALL.into_iter().find(|id| name_of(*id) == name)
}

/// Makes it look so; the first look makes the icon. Without a tray of this app's own, nothing is done.
pub(crate) fn show<R: Runtime>(app: &AppHandle<R>, look: TrayLook) {
    on_main(app, move |app| {
        let Some(tray) = app.try_state::<Tray<R>>() else { return };
        let mut held = tray.held();
        held.look = look;
        let is_first = held.tries == 0;
        held.turn(false);
        drop(held);
        if is_first {
            make(app);
        }
    });
}

/// There is a panel that shows icons, or there is none any more.
#[cfg(target_os = "linux")]
pub(crate) fn panel<R: Runtime>(app: &AppHandle<R>, there: bool) {
    on_main(app, move |app| {
        let tray = app.state::<Tray<R>>();
        let mut held = tray.held();
        let was_shown = held.is_shown();
        held.has_panel = there;
        let (is_shown, is_missing) = (held.is_shown(), held.icon.is_none() && held.tries > 0);
        drop(held);
        if was_shown != is_shown {
            tell(app, is_shown);
        }
        if there && is_missing {
            make(app);
        }
        if was_shown && !there {
            tracing::info!("the tray has gone");
            show_the_window_soon(app);
        }
    });
}

/// Shows the window where the icon is not shown again by then: nobody would find the app.
#[cfg(target_os = "linux")]
fn show_the_window_soon<R: Runtime>(app: &AppHandle<R>) {
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        tokio::time::sleep(PANEL).await;
        on_main(&app, |app| {
            if !is_there(app) && !window::is_there(app) {
                window::show_small(app);
            }
        });
    });
}

fn tell<R: Runtime>(app: &AppHandle<R>, is_shown: bool) {
    let app = app.clone();
    tauri::async_runtime::spawn(async move { app.state::<Desk>().trayed(is_shown).await });
}

/// Makes it look as the model wants it: a click at an entry that can be on or off has turned that already.
pub(crate) fn as_it_is<R: Runtime>(app: &AppHandle<R>) {
    on_main(app, |app| {
        if let Some(tray) = app.try_state::<Tray<R>>() {
            tray.held().turn(true);
        }
    });
}

fn make<R: Runtime>(app: &AppHandle<R>) {
    let tray = app.state::<Tray<R>>();
    let mut held = tray.held();
    if held.icon.is_some() {
        return;
    }
    let wait = AGAIN.get(held.tries).copied();
    held.tries += 1;
    let made = Icon::make(app, &held.look);
    match (made, wait) {
        (Ok(icon), _) => {
            held.icon = Some(icon);
            // It is in a panel, whether or not that was heard already.
            held.has_panel = true;
            tell(app, true);
        }
        (Err(error), Some(wait)) => {
            tracing::debug!(%error, "there is no tray yet");
            let app = app.clone();
            tauri::async_runtime::spawn(async move {
                tokio::time::sleep(wait).await;
                on_main(&app, make);
            });
        }
        (Err(error), None) => {
            tracing::warn!(%error, "there is no tray: the window is not closed, but iconified");
            if !window::is_there(app) {
                window::show_small(app);
            }
        }
    }
}

impl<R: Runtime> Held<R> {
    fn is_shown(&self) -> bool {
        self.has_panel && self.icon.is_some()
    }

    fn turn(&mut self, anew: bool) {
        let Some(icon) = &mut self.icon else { return };
        if let Err(error) = icon.turn(&self.look, anew) {
            tracing::warn!(%error, "the tray does not show what is so");
        }
    }
}

impl<R: Runtime> Icon<R> {
    fn make(app: &AppHandle<R>, look: &TrayLook) -> tauri::Result<Self> {
        let items = look.menu.iter().map(|item| Item::make(app, item)).collect::<tauri::Result<Vec<_>>>()?;
        let entries: Vec<&dyn IsMenuItem<R>> = items.iter().map(Item::entry).collect();
        let menu = Menu::with_items(app, &entries)?;
        let tray =
            TrayIconBuilder::with_id("raidcast").menu(&menu).icon(picture(look.icon)).tooltip(shown(&look.tooltip));
        // What screen readers call it; elsewhere it would stand beside the icon.
        let tray = if cfg!(target_os = "linux") { tray.title("Raidcast") } else { tray };
        let tray = tray.show_menu_on_left_click(false).build(app)?;
        Ok(Self { tray, items, look: look.clone() })
    }

    /// Changes what differs; `anew`: also what a click may have changed.
    fn turn(&mut self, look: &TrayLook, anew: bool) -> tauri::Result<()> {
        if self.look.icon != look.icon {
            self.tray.set_icon(Some(picture(look.icon)))?;
        }
        if self.look.tooltip != look.tooltip {
            self.tray.set_tooltip(Some(shown(&look.tooltip)))?;
        }
        // The same entries in the same order, always.
        for ((item, was), is) in self.items.iter().zip(&self.look.menu).zip(&look.menu) {
            if was != is || anew {
                item.turn(is)?;
            }
        }
        self.look = look.clone();
        Ok(())
    }
}

impl<R: Runtime> Item<R> {
    fn make(app: &AppHandle<R>, item: &TrayItem) -> tauri::Result<Self> {
        let TrayItem { id, label, enabled, checked } = item;
        let (name, key) = (name_of(*id), None::<&str>);
        Ok(match checked {
            Some(checked) => Self::Check(CheckMenuItem::with_id(app, name, label, *enabled, *checked, key)?),
            None => Self::Plain(MenuItem::with_id(app, name, label, *enabled, key)?),
        })
    }

    fn entry(&self) -> &dyn IsMenuItem<R> {
        match self {
            Self::Plain(item) => item,
            Self::Check(item) => item,
        }
    }

    fn turn(&self, to: &TrayItem) -> tauri::Result<()> {
        match self {
            Self::Plain(item) => {
                item.set_text(&to.label)?;
                item.set_enabled(to.enabled)
            }
            Self::Check(item) => {
                item.set_text(&to.label)?;
                item.set_enabled(to.enabled)?;
                item.set_checked(to.checked.unwrap_or_default())
            }
        }
    }
}

/// Trays take a tooltip for markup here; a boss's name and a relay's words are none.
#[cfg(target_os = "linux")]
fn shown(tooltip: &str) -> String {
    crate::notice::without_markup(tooltip)
}

#[cfg(not(target_os = "linux"))]
fn shown(tooltip: &str) -> &str {
    tooltip
}

fn name_of(id: ItemId) -> &'static str {
    match id {
        ItemId::Open => "open",
        ItemId::CopyLink => "copy-link",
        ItemId::OpenPage => "open-page",
        ItemId::Pause => "pause",
        ItemId::Private => "private",
        ItemId::Quit => "quit",
    }
}

/// Each differs from the others by its shape as well as by its colours.
fn picture(icon: TrayIcon) -> Image<'static> {
    match icon {
        TrayIcon::Idle => tauri::include_image!("icons/tray-idle.png"),
        TrayIcon::Live => tauri::include_image!("icons/tray-live.png"),
        TrayIcon::Waiting => tauri::include_image!("icons/tray-waiting.png"),
        TrayIcon::Trouble => tauri::include_image!("icons/tray-trouble.png"),
    }
}

fn on_main<R: Runtime>(app: &AppHandle<R>, what: impl FnOnce(&AppHandle<R>) + Send + 'static) {
    let there = app.clone();
    // Not where the app ends: nobody looks at it then.
    if app.run_on_main_thread(move || what(&there)).is_err() {
        tracing::debug!("the tray is not changed any more");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_entry_is_found_by_its_name_and_each_state_has_a_picture_of_its_own() {
        for id in ItemId::ALL {
            assert_eq!(item_of(name_of(id)), Some(id));
        }
        assert_eq!(item_of("no such entry"), None);
        let pictures = [TrayIcon::Idle, TrayIcon::Live, TrayIcon::Waiting, TrayIcon::Trouble].map(picture);
        for (at, one) in pictures.iter().enumerate() {
            assert_eq!((one.width(), one.height()), (64, 64));
            for other in &pictures[..at] {
                let differ = grey(one).zip(grey(other)).filter(|(one, other)| one.abs_diff(*other) > 50).count();
                assert!(differ > 64 * 64 / 20, "without colours they are alike: {differ}");
            }
        }
    }

    /// As somebody sees it who sees no colours, on a panel of middle grey.
    fn grey<'a>(picture: &'a Image<'_>) -> impl Iterator<Item = u32> + 'a {
        picture.rgba().chunks(4).map(|pixel| {
            let [red, green, blue, covers] = [0, 1, 2, 3].map(|at| u32::from(pixel[at]));
            let grey = (3 * red + 6 * green + blue) / 10;
            (grey * covers + 128 * (255 - covers)) / 255
        })
    }
}
