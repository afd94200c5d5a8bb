//! The window: made when it is first shown, and gone when it is closed. A page that nobody sees would hold some 200 MB.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tauri::webview::NewWindowResponse;
use tauri::{AppHandle, Manager as _, Runtime, Url, WebviewUrl, WebviewWindow, WebviewWindowBuilder};

/// The window's name.
pub(crate) const LABEL: &str = "main";
/// A page that has not said by then that it is ready is shown as it is: rather an empty window than none.
const READY: Duration = Duration::from_secs(5);

/// Whether the window is being made: two clicks make one.
#[derive(Default)]
pub(crate) struct Making(AtomicBool);

/// Whether there is one, also one that is not shown yet.
pub(crate) fn is_there<R: Runtime>(app: &AppHandle<R>) -> bool {
    app.get_webview_window(LABEL).is_some()
}

/// Shows it, before the others. From any thread.
pub(crate) fn show<R: Runtime>(app: &AppHandle<R>) {
    appear(app, false);
}

/// Shows it in the list of windows alone, for whoever has no tray.
pub(crate) fn show_small<R: Runtime>(app: &AppHandle<R>) {
    appear(app, true);
}

/// The page has something to show.
pub(crate) fn ready<R: Runtime>(app: &AppHandle<R>) {
    if let Some(window) = app.get_webview_window(LABEL) {
        reveal(&window);
    }
}

/// Puts it into the list of windows.
pub(crate) fn iconify<R: Runtime>(app: &AppHandle<R>) {
    if let Some(window) = app.get_webview_window(LABEL) {
        told(window.minimize());
    }
}

fn appear<R: Runtime>(app: &AppHandle<R>, small: bool) {
    match app.get_webview_window(LABEL) {
        // One that is not ready comes by itself.
        Some(window) if !small && window.is_visible().unwrap_or(true) => {
            told(window.unminimize());
            told(window.show());
            told(window.set_focus());
        }
        Some(_) => {}
        None => {
            if app.state::<Making>().0.swap(true, Ordering::AcqRel) {
                return;
            }
            let app = app.clone();
            // Some systems wait for their own events in there: not on the thread that has them.
            tauri::async_runtime::spawn(async move {
                let made = make(&app, small);
                app.state::<Making>().0.store(false, Ordering::Release);
                match made {
                    Ok(window) => {
                        tokio::time::sleep(READY).await;
                        reveal(&window);
                    }
                    Err(error) => tracing::error!(%error, "the window cannot be made"),
                }
            });
        }
    }
}

fn make<R: Runtime>(app: &AppHandle<R>, small: bool) -> tauri::Result<WebviewWindow<R>> {
    let window = WebviewWindowBuilder::new(app, LABEL, WebviewUrl::App("desktop.html".into()))
        .title("Raidcast")
        .inner_size(980.0, 720.0)
        .min_inner_size(360.0, 420.0)
        .visible(false)
        // Whatever is not the page is opened by the model's rule, in the browser.
        .on_navigation(is_ours)
        .on_new_window(|_, _| NewWindowResponse::Deny)
        .build()?;
    if small {
        window.minimize()?;
    }
    Ok(window)
}

/// Whether it is the page that is built in, or that of the server it is developed with.
fn is_ours(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    match url.scheme() {
        "tauri" => host == "localhost",
        "http" | "https" => host == "tauri.localhost" || (tauri::is_dev() && host == "127.0.0.1"),
        _ => false,
    }
}

fn reveal<R: Runtime>(window: &WebviewWindow<R>) {
    if !window.is_visible().unwrap_or(false) {
        told(window.show());
    }
}

/// A window that is being closed meanwhile takes nothing, and need not.
fn told(done: tauri::Result<()>) {
    if let Err(error) = done {
        tracing::debug!(%error, "the window does not take it");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_page_is_shown_in_the_window() {
        for (url, ours) in [
            ("tauri://localhost/desktop.html", true),
            ("http://tauri.localhost/desktop.html", true),
            ("tauri://elsewhere/desktop.html", false),
            ("https://raid.example/desktop.html", false),
            ("http://localhost/desktop.html", false),
            ("file:///desktop.html", false),
            ("data:text/html,x", false),
            ("about:blank", false),
        ] {
            assert_eq!(is_ours(&url.parse().expect("an address")), ours, "{url}");
        }
    }
}
