//! Notices of the system. Where it has none, nothing is told: the tray and the window say the same.

use raidcast_desktop_model::view::Notice;

/// Tells it, from a thread for it: whoever shows it may take its time.
pub(crate) fn tell(notice: Notice) {
    tauri::async_runtime::spawn_blocking(move || {
        if let Err(error) = send(&notice) {
            tracing::info!(%error, "a notice is not shown");
        }
    });
}

#[cfg(target_os = "linux")]
fn send(notice: &Notice) -> zbus::Result<()> {
    use std::collections::HashMap;

    use zbus::zvariant::Value;

    const NAME: &str = "org.freedesktop.Notifications";
    const PATH: &str = "/org/freedesktop/Notifications";

    let bus = zbus::blocking::Connection::session()?;
    let can: Vec<String> =
        bus.call_method(Some(NAME), PATH, Some(NAME), "GetCapabilities", &())?.body().deserialize()?;
    let body = match can.iter().any(|can| can == "body-markup") {
        true => without_markup(&notice.body),
        false => notice.body.clone(),
    };
    let hints = HashMap::from([("desktop-entry", Value::from("raidcast-desktop"))]);
    let (none, actions): (_, &[&str]) = (0_u32, &[]);
    let told = ("Raidcast", none, "raidcast-desktop", &notice.title, body, actions, hints, -1_i32);
    bus.call_method(Some(NAME), PATH, Some(NAME), "Notify", &told)?;
    Ok(())
}

/// A boss's name is a name, whatever signs stand in it.
#[cfg(target_os = "linux")]
pub(crate) fn without_markup(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(not(target_os = "linux"))]
fn send(notice: &Notice) -> notify_rust::error::Result<()> {
    let mut told = notify_rust::Notification::new();
    told.summary(&notice.title).body(&notice.body);
    #[cfg(windows)]
    told.app_id("app.raidcast.desktop");
    told.show().map(|_| ())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn names_are_no_markup() {
        assert_eq!(without_markup("<b>A & B</b>"), "&lt;b&gt;A &amp; B&lt;/b&gt;");
    }
}
