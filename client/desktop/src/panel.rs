//! Whether there is a panel that shows icons: on Linux a program of the desktop's own, which may end, and come later.

use zbus::blocking::Connection;
use zbus::blocking::fdo::DBusProxy;
use zbus::names::BusName;

/// By this name icons find it on the session's bus.
const NAME: &str = "org.kde.StatusNotifierWatcher";

/// Tells whether there is one, at once and whenever that changes, for as long as the app runs. On a thread of its own,
/// which sleeps but for that. `tell` must not wait.
pub(crate) fn watch(tell: impl Fn(bool) + Send + 'static) {
    let listening = std::thread::Builder::new().name("panel".to_owned()).spawn(move || {
        if let Err(error) = listen(&tell) {
            tracing::debug!(%error, "there is no bus of the session");
        }
        // Where the bus has ended there is no icon on it.
        tell(false);
    });
    if let Err(error) = listening {
        tracing::warn!(%error, "nobody hears whether there is a tray");
    }
}

fn listen(tell: &impl Fn(bool)) -> zbus::Result<()> {
    let bus = Connection::session()?;
    let names = DBusProxy::new(&bus)?;
    // First what changes, then what is: nothing falls in between.
    let changes = names.receive_name_owner_changed_with_args(&[(0, NAME)])?;
    tell(names.name_has_owner(BusName::try_from(NAME)?)?);
    for change in changes {
        tell(change.args()?.new_owner().is_some());
    }
    Ok(())
}
