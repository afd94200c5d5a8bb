//! What the model shows, brought to the window, the tray and the system.

use std::sync::atomic::{AtomicBool, Ordering};

use raidcast_desktop_model::screen::Screen;
use raidcast_desktop_model::tray::TrayLook;
use raidcast_desktop_model::view::{AppState, Notice, NowView};
use tauri::{AppHandle, Emitter as _, Manager as _, Runtime};

use crate::updates::Updates;
use crate::{notice, tray, window};

/// The window, the tray and the system's notices. Nothing is sent to a window that is not there: it asks when it comes.
pub(crate) struct Face<R: Runtime> {
    app: AppHandle<R>,
    /// Somebody was asked to set it up since it started.
    asked: AtomicBool,
}

impl<R: Runtime> Face<R> {
    pub(crate) fn of(app: &AppHandle<R>) -> Self {
        Self { app: app.clone(), asked: AtomicBool::new(false) }
    }

    /// What is not set up does nothing, and somebody who was told to install it waits for it: the window comes by itself,
    /// also where it was started hidden. Once: whoever closes it knows.
    fn ask_to_set_up(&self, state: AppState) {
        // Without a tray of this app's own it is not the program that runs.
        let runs = self.app.try_state::<tray::Tray<R>>().is_some();
        if runs && state == AppState::Setup && !self.asked.swap(true, Ordering::Relaxed) {
            window::show(&self.app);
        }
    }

    /// Not on the model's thread: it is not to wait for a window.
    pub(crate) fn emit<T: serde::Serialize + Clone + Send + 'static>(&self, event: &'static str, what: T) {
        if !window::is_there(&self.app) {
            return;
        }
        let app = self.app.clone();
        let sent = self.app.run_on_main_thread(move || {
            if let Err(error) = app.emit_to(window::LABEL, event, what) {
                tracing::debug!(%error, event, "the window does not take it");
            }
        });
        if sent.is_err() {
            tracing::debug!(event, "there is no window any more");
        }
    }
}

impl<R: Runtime> Screen for Face<R> {
    fn changed(&self, now: &NowView) {
        self.ask_to_set_up(now.state);
        self.emit("now", now.clone());
        // What happens before there is one it asks for itself.
        if let Some(updates) = self.app.try_state::<Updates<R>>() {
            updates.heard(now);
        }
    }

    fn tray(&self, look: &TrayLook) {
        tray::show(&self.app, look.clone());
    }

    fn notice(&self, notice: &Notice) {
        notice::tell(notice.clone());
    }

    fn fights_changed(&self) {
        self.emit("fights", ());
    }
}
