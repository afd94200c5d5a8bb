//! What the tray shows: an icon, a tooltip, a menu.
//!
//! Pure: made of what the window shows, so that both say the same.

use crate::tooltip;
use crate::tray_item::ItemId;
use crate::view::{AppState, NowView};
use crate::words::Words;

/// The icon.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TrayIcon {
    /// Everything has arrived, and no fight goes on.
    #[default]
    Idle,
    /// A fight goes on, and the relay takes it.
    Live,
    /// Something is waited for: the relay, the meter, somebody who sets it up or ends a pause.
    Waiting,
    /// Something is to be put right.
    Trouble,
}

/// An entry of the menu.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrayItem {
    /// Which.
    pub id: ItemId,
    /// What it is called.
    pub label: String,
    /// It can be chosen.
    pub enabled: bool,
    /// It is on or off; `None` where it is neither.
    pub checked: Option<bool>,
}

/// What the tray shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrayLook {
    /// The icon.
    pub icon: TrayIcon,
    /// The tooltip.
    pub tooltip: String,
    /// The menu, from its top.
    pub menu: Vec<TrayItem>,
}

/// What the tray shows where the window would show this.
pub fn look(view: &NowView, words: &dyn Words) -> TrayLook {
    let item = |id: ItemId| {
        let label = words.item(id).to_owned();
        TrayItem { id, label, enabled: is_enabled(id, view), checked: checked(id, view) }
    };
    TrayLook { icon: icon(view.state), tooltip: tooltip(view), menu: ItemId::ALL.map(item).into() }
}

fn icon(state: AppState) -> TrayIcon {
    match state {
        AppState::Idle => TrayIcon::Idle,
        AppState::Live => TrayIcon::Live,
        AppState::Trouble => TrayIcon::Trouble,
        AppState::Setup | AppState::NoMeter | AppState::Waiting | AppState::Paused | AppState::Elsewhere => {
            TrayIcon::Waiting
        }
    }
}

fn tooltip(view: &NowView) -> String {
    let said = match (view.state, &view.fight) {
        (AppState::Live, Some(fight)) => &fight.title,
        _ => &view.sentence,
    };
    tooltip::short(&format!("Raidcast: {}\n{said}", view.headline))
}

fn is_enabled(id: ItemId, view: &NowView) -> bool {
    let is_ours = !matches!(view.state, AppState::Setup | AppState::Elsewhere);
    match id {
        ItemId::Open | ItemId::Quit => true,
        ItemId::CopyLink => view.link.is_some(),
        ItemId::OpenPage => view.link.as_ref().is_some_and(|link| link.opens),
        ItemId::Pause => is_ours,
        // What is shown to others is said to the run that goes on.
        ItemId::Private => is_ours && !view.paused && view.link.is_some(),
    }
}

fn checked(id: ItemId, view: &NowView) -> Option<bool> {
    match id {
        ItemId::Pause => Some(view.paused),
        // As somebody chose it: who looks at it while the relay is away is not to choose it once more.
        ItemId::Private => Some(view.link.as_ref().is_some_and(|link| link.asked_private.unwrap_or(link.is_private))),
        ItemId::Open | ItemId::CopyLink | ItemId::OpenPage | ItemId::Quit => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::Language;
    use crate::view::{FightNow, LinkView};
    use crate::words::of;

    fn view(state: AppState) -> NowView {
        let words = of(Language::English);
        NowView {
            state,
            headline: words.headline(state).to_owned(),
            sentence: "It is so.".into(),
            ..NowView::default()
        }
    }

    fn enabled(view: &NowView) -> Vec<ItemId> {
        let look = look(view, of(Language::English));
        look.menu.iter().filter(|item| item.enabled).map(|item| item.id).collect()
    }

    #[test]
    fn each_state_has_its_icon_and_says_what_it_is() {
        for (state, icon, tooltip) in [
            (AppState::Setup, TrayIcon::Waiting, "Raidcast: Not set up yet\nIt is so."),
            (AppState::NoMeter, TrayIcon::Waiting, "Raidcast: Waiting for the meter\nIt is so."),
            (AppState::Idle, TrayIcon::Idle, "Raidcast: Waiting for a fight\nIt is so."),
            (AppState::Live, TrayIcon::Live, "Raidcast: Live\nIt is so."),
            (AppState::Waiting, TrayIcon::Waiting, "Raidcast: Not all has arrived\nIt is so."),
            (AppState::Trouble, TrayIcon::Trouble, "Raidcast: Something is to be put right\nIt is so."),
            (AppState::Paused, TrayIcon::Waiting, "Raidcast: Paused\nIt is so."),
            (AppState::Elsewhere, TrayIcon::Waiting, "Raidcast: Another Raidcast is at work\nIt is so."),
        ] {
            let look = look(&view(state), of(Language::English));
            assert_eq!((look.icon, look.tooltip.as_str()), (icon, tooltip));
        }
        let fight = FightNow { title: "Boss".into(), ..FightNow::default() };
        let live = NowView { fight: Some(fight), ..view(AppState::Live) };
        assert_eq!(look(&live, of(Language::English)).tooltip, "Raidcast: Live\nBoss");
        let long = NowView { sentence: "It is so. ".repeat(50), ..view(AppState::Trouble) };
        let tooltip = look(&long, of(Language::English)).tooltip;
        assert!(tooltip.starts_with("Raidcast: Something is to be put right\nIt is so."), "{tooltip}");
        assert!(tooltip.chars().count() <= tooltip::UNITS_MAX && tooltip.ends_with('…'), "{tooltip}");
    }

    #[test]
    fn what_cannot_be_done_cannot_be_chosen() {
        use ItemId::{CopyLink, Open, OpenPage, Pause, Private, Quit};
        assert_eq!(enabled(&view(AppState::Setup)), [Open, Quit]);
        assert_eq!(enabled(&view(AppState::Elsewhere)), [Open, Quit]);
        assert_eq!(enabled(&view(AppState::NoMeter)), [Open, Pause, Quit]);
        let link = |opens, is_private| Some(LinkView { opens, is_private, ..LinkView::default() });
        let live = NowView { link: link(true, false), ..view(AppState::Live) };
        assert_eq!(enabled(&live), [Open, CopyLink, OpenPage, Pause, Private, Quit]);
        let elsewhere = NowView { link: link(false, true), ..view(AppState::Idle) };
        assert_eq!(enabled(&elsewhere), [Open, CopyLink, Pause, Private, Quit]);
        let paused = NowView { link: link(true, false), paused: true, ..view(AppState::Paused) };
        assert_eq!(enabled(&paused), [Open, CopyLink, OpenPage, Pause, Quit]);

        let checks =
            |view: &NowView| look(view, of(Language::Chinese)).menu.into_iter().filter_map(|item| item.checked);
        assert_eq!(checks(&live).collect::<Vec<_>>(), [false, false]);
        assert_eq!(checks(&elsewhere).collect::<Vec<_>>(), [false, true]);
        assert_eq!(checks(&paused).collect::<Vec<_>>(), [true, false]);
        // What was asked for is on, and what was taken back is off, before the relay has heard it.
        for (is_private, asked) in [(false, true), (true, false)] {
            let link = LinkView { is_private, asked_private: Some(asked), ..LinkView::default() };
            let asked_of = NowView { link: Some(link), ..view(AppState::Waiting) };
            assert_eq!(checks(&asked_of).collect::<Vec<_>>(), [false, asked]);
        }
    }
}
