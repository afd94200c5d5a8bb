//! What both the page and the tray's menu do: open, copy, end.

use std::io;
use std::path::PathBuf;

use raidcast::os_error::OsError;
use raidcast_desktop_model::desk::Desk;
use raidcast_desktop_model::view::{Fault, Link};
use raidcast_desktop_model::wrong::Wrong;
use tauri::{AppHandle, Manager as _, Runtime};

use crate::clip::Clip;

/// Opens a link in the browser, if the model lets it.
///
/// # Errors
/// There is none, it is not the relay's, or no browser opens.
pub(crate) async fn open(desk: &Desk, link: Link) -> Result<(), Fault> {
    let link = desk.link_to_open(link).await?;
    match aside(move || open::that_detached(link)).await {
        Ok(()) => Ok(()),
        Err(error) => Err(desk.fault(Wrong::Browser(OsError::from(&error))).await),
    }
}

/// Copies a link.
///
/// # Errors
/// There is none, or nothing can be copied.
pub(crate) async fn copy<R: Runtime>(app: &AppHandle<R>, link: Link) -> Result<(), Fault> {
    let desk = app.state::<Desk>().inner().clone();
    let link = desk.link(link).await?;
    let there = app.clone();
    match aside(move || there.state::<Clip>().put(link).map_err(io::Error::other)).await {
        Ok(()) => Ok(()),
        Err(error) => Err(desk.fault(Wrong::Clipboard { text: error.to_string() }).await),
    }
}

/// Shows the log's folder.
///
/// # Errors
/// The system has nothing that shows it.
pub(crate) async fn open_log(desk: &Desk) -> Result<(), Fault> {
    let path = PathBuf::from(desk.about().await.log_folder);
    let folder = path.clone();
    // What shows folders does not say that there is none.
    let shown = move || std::fs::metadata(&folder).and_then(|_| open::that_detached(folder));
    match aside(shown).await {
        Ok(()) => Ok(()),
        Err(error) => Err(desk.fault(Wrong::Folder { path, error: OsError::from(&error) }).await),
    }
}

/// Ends the app when the model has put everything away.
pub(crate) fn leave<R: Runtime>(app: &AppHandle<R>) {
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        app.state::<Desk>().quit().await;
        app.exit(0);
    });
}

/// Ends it also when the system tells it to, as at the end of a session.
pub(crate) fn leave_when_told<R: Runtime>(app: &AppHandle<R>) {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};

        let app = app.clone();
        tauri::async_runtime::spawn(async move {
            let signals = [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()].map(signal);
            let [Ok(mut terminate), Ok(mut interrupt), Ok(mut hangup)] = signals else { return };
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
                _ = hangup.recv() => {}
            }
            leave(&app);
        });
    }
    #[cfg(not(unix))]
    let _ = app;
}

/// Does on a thread for it what may wait for another program.
async fn aside(what: impl FnOnce() -> io::Result<()> + Send + 'static) -> io::Result<()> {
    tauri::async_runtime::spawn_blocking(what).await.unwrap_or_else(|error| Err(io::Error::other(error)))
}
