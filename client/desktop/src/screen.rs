//! What the model shows, brought to the window, the tray and the system.

use raidcast_desktop_model::screen::Screen;
use raidcast_desktop_model::tray::TrayLook;
use raidcast_desktop_model::view::{Notice, NowView};
use tauri::{AppHandle, Emitter as _, Manager as _, Runtime};

use crate::updates::Updates;
use crate::{notice, tray, window};

/// The window, the tray and the system's notices. Nothing is sent to a window that is not there: it asks when it comes.
pub(crate) struct Face<R: Runtime>(AppHandle<R>);

impl<R: Runtime> Face<R> {
    pub(crate) fn of(app: &AppHandle<R>) -> Self {
        Self(app.clone())
    }

    /// Not on the model's thread: it is not to wait for a window.
    pub(crate) fn emit<T: serde::Serialize + Clone + Send + 'static>(&self, event: &'static str, what: T) {
        if !window::is_there(&self.0) {
            return;
        }
        let app = self.0.clone();
        let sent = self.0.run_on_main_thread(move || {
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
        self.emit("now", now.clone());
        // What happens before there is one it asks for itself.
        if let Some(updates) = self.0.try_state::<Updates<R>>() {
            updates.heard(now);
        }
    }

    fn tray(&self, look: &TrayLook) {
        tray::show(&self.0, look.clone());
    }

    fn notice(&self, notice: &Notice) {
        notice::tell(notice.clone());
    }

    fn fights_changed(&self) {
        self.emit("fights", ());
    }
}
