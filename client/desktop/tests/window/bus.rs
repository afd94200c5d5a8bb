//! The desktop's side of the session bus: a tray that shows icons, a service that shows notices.

#![allow(
    clippy::needless_pass_by_value,
    clippy::too_many_arguments,
    clippy::unused_self,
    clippy::used_underscore_binding,
    reason = "the interfaces of desktops are as they are"
)]

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use zbus::message::Header;
use zbus::zvariant::{OwnedValue, Structure, Value};
use zbus::{Connection, Proxy, connection, fdo, interface};

use crate::stage::Stage;
use crate::wait::until;

/// By this name icons find the panel.
const TRAY: &str = "org.kde.StatusNotifierWatcher";

/// Who keeps the list of icons.
struct Watcher(Arc<Mutex<Vec<String>>>);

#[interface(name = "org.kde.StatusNotifierWatcher")]
impl Watcher {
    fn register_status_notifier_item(&self, service: &str, #[zbus(header)] header: Header<'_>) {
        // A path stands for whoever says it.
        let by = header.sender().map(ToString::to_string).unwrap_or_default();
        let name = if service.starts_with('/') { by } else { service.to_owned() };
        self.0.lock().unwrap().push(name);
    }

    fn register_status_notifier_host(&self, service: &str) {
        // Whoever shows icons: here, this test.
        let _ = service;
    }

    #[zbus(property)]
    fn registered_status_notifier_items(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    #[zbus(property)]
    fn is_status_notifier_host_registered(&self) -> bool {
        true
    }

    #[zbus(property)]
    fn protocol_version(&self) -> i32 {
        0
    }
}

/// A notice, as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Noticed {
    pub(crate) title: String,
    pub(crate) body: String,
}

/// Who shows notices.
struct Notifier(Arc<Mutex<Vec<Noticed>>>);

#[interface(name = "org.freedesktop.Notifications")]
impl Notifier {
    fn notify(
        &self,
        app: &str,
        replaces: u32,
        icon: &str,
        summary: &str,
        body: &str,
        actions: Vec<String>,
        hints: HashMap<String, OwnedValue>,
        timeout: i32,
    ) -> u32 {
        let _ = (app, replaces, icon, actions, hints, timeout);
        let mut notices = self.0.lock().unwrap();
        notices.push(Noticed { title: summary.to_owned(), body: body.to_owned() });
        notices.len() as u32
    }

    fn close_notification(&self, _id: u32) {}

    fn get_capabilities(&self) -> Vec<String> {
        vec!["body".to_owned()]
    }

    fn get_server_information(&self) -> (String, String, String, String) {
        ("a test".to_owned(), "Raidcast".to_owned(), "1".to_owned(), "1.2".to_owned())
    }
}

/// The desktop of a stage.
pub(crate) struct Desktop {
    connection: Connection,
    icons: Arc<Mutex<Vec<String>>>,
    notices: Arc<Mutex<Vec<Noticed>>>,
}

impl Desktop {
    /// One with a tray.
    pub(crate) async fn with_tray(stage: &Stage) -> Self {
        Self::come(stage, true).await
    }

    /// One without, as GNOME is.
    pub(crate) async fn plain(stage: &Stage) -> Self {
        Self::come(stage, false).await
    }

    async fn come(stage: &Stage, tray: bool) -> Self {
        let (icons, notices) = (Arc::default(), Arc::default());
        let address = stage.bus_address();
        let builder = connection::Builder::address(address.as_str())
            .unwrap()
            .serve_at("/org/freedesktop/Notifications", Notifier(Arc::clone(&notices)))
            .unwrap()
            .name("org.freedesktop.Notifications")
            .unwrap()
            .serve_at("/StatusNotifierWatcher", Watcher(Arc::clone(&icons)))
            .unwrap();
        let desktop = Self { connection: builder.build().await.unwrap(), icons, notices };
        if tray {
            desktop.tray_comes().await;
        }
        desktop
    }

    /// The panel comes up.
    pub(crate) async fn tray_comes(&self) {
        self.connection.request_name(TRAY).await.unwrap();
    }

    /// The panel ends: it has forgotten what it showed.
    pub(crate) async fn tray_ends(&self) {
        assert!(self.connection.release_name(TRAY).await.unwrap());
    }

    /// What was noticed so far.
    pub(crate) fn notices(&self) -> Vec<Noticed> {
        self.notices.lock().unwrap().clone()
    }

    /// How many icons were shown so far.
    pub(crate) fn icons(&self) -> usize {
        self.icons.lock().unwrap().len()
    }

    /// Whether somebody has this name on the bus.
    pub(crate) async fn has(&self, name: &'static str) -> bool {
        let bus = fdo::DBusProxy::new(&self.connection).await.unwrap();
        bus.name_has_owner(name.try_into().unwrap()).await.unwrap()
    }

    /// Waits for the app's icon: the newest, where an app before it has ended.
    pub(crate) async fn icon(&self) -> Icon {
        self.icon_after(0).await
    }

    /// Waits for an icon that comes after so many.
    pub(crate) async fn icon_after(&self, known: usize) -> Icon {
        let service = until("the app puts an icon into the tray", async || {
            let icons = self.icons.lock().unwrap();
            icons.get(known..).and_then(<[String]>::last).cloned()
        });
        let service = service.await;
        let proxy = |path: String, interface| {
            let (connection, service) = (self.connection.clone(), service.clone());
            async move {
                zbus::proxy::Builder::new(&connection)
                    .destination(service)
                    .unwrap()
                    .path(path)
                    .unwrap()
                    .interface(interface)
                    .unwrap()
                    // What is now counts, and not what was told of it.
                    .cache_properties(zbus::proxy::CacheProperties::No)
                    .build()
                    .await
                    .unwrap()
            }
        };
        let item: Proxy<'static> = proxy("/StatusNotifierItem".to_owned(), "org.kde.StatusNotifierItem").await;
        let menu: zbus::zvariant::OwnedObjectPath = item.get_property("Menu").await.unwrap();
        let menu = proxy(menu.to_string(), "com.canonical.dbusmenu").await;
        Icon { item, menu }
    }
}

/// The app's icon in the tray.
pub(crate) struct Icon {
    item: Proxy<'static>,
    menu: Proxy<'static>,
}

/// An entry of the menu, as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    id: i32,
    pub(crate) label: String,
    pub(crate) enabled: bool,
    pub(crate) checked: Option<bool>,
}

type Node = (i32, HashMap<String, OwnedValue>, Vec<OwnedValue>);
type Pixels = Vec<(i32, i32, Vec<u8>)>;

impl Icon {
    /// The text that shows over the icon; `None`: nobody answers any more.
    pub(crate) async fn tooltip(&self) -> Option<String> {
        let tip: (String, Pixels, String, String) = self.item.get_property("ToolTip").await.ok()?;
        Some(tip.3)
    }

    /// Waits until the tooltip holds a text; gives it whole.
    pub(crate) async fn says(&self, text: &str) -> String {
        let mut last = None;
        let saying = until(format!("the tray says `{text}`"), async || {
            let tip = self.tooltip().await;
            if tip != last {
                // In the order in which they came: what a failure is read from.
                eprintln!("the tray says: {tip:?}");
                last.clone_from(&tip);
            }
            tip.filter(|tip| tip.contains(text))
        });
        saying.await
    }

    /// The picture.
    pub(crate) async fn picture(&self) -> Pixels {
        self.item.get_property("IconPixmap").await.unwrap()
    }

    /// A click on the icon.
    pub(crate) async fn click(&self) {
        let _: () = self.item.call("Activate", &(0, 0)).await.unwrap();
    }

    /// The menu, from its top.
    pub(crate) async fn menu(&self) -> Vec<Entry> {
        let none: &[&str] = &[];
        let (_, root): (u32, Node) = self.menu.call("GetLayout", &(0, -1, none)).await.unwrap();
        root.2.into_iter().filter_map(entry).collect()
    }

    /// The entry of this name.
    pub(crate) async fn entry(&self, label: &str) -> Entry {
        let menu = self.menu().await;
        let found = menu.iter().find(|entry| entry.label == label).cloned();
        found.unwrap_or_else(|| panic!("no `{label}` in {menu:?}"))
    }

    /// Waits until an entry can be chosen, and chooses it.
    pub(crate) async fn choose(&self, label: &str) {
        let chosen = until(format!("`{label}` can be chosen"), async || {
            Some(self.entry(label).await).filter(|entry| entry.enabled)
        });
        let chosen = chosen.await;
        let _: () = self.menu.call("Event", &(chosen.id, "clicked", Value::I32(0), 0_u32)).await.unwrap();
    }
}

/// An entry of what the menu says; lines between entries are none.
fn entry(node: OwnedValue) -> Option<Entry> {
    let node = Structure::try_from(Value::from(node)).ok()?;
    let [id, facts, _] = node.fields() else { return None };
    let facts: HashMap<String, OwnedValue> = facts.try_clone().ok()?.try_into().ok()?;
    let text = |name: &str| facts.get(name).and_then(|value| String::try_from(value.try_clone().ok()?).ok());
    let flag = |name: &str| facts.get(name).and_then(|value| bool::try_from(value.try_clone().ok()?).ok());
    let number = |name: &str| facts.get(name).and_then(|value| i32::try_from(value.try_clone().ok()?).ok());
    if text("type").as_deref() == Some("separator") {
        return None;
    }
    Some(Entry {
        id: i32::try_from(id.try_clone().ok()?).ok()?,
        // A letter to be pressed stands behind a stroke.
        label: text("label")?.replace("__", "\0").replace('_', "").replace('\0', "_"),
        // What is not said is as usual.
        enabled: flag("enabled").unwrap_or(true),
        checked: text("toggle-type").filter(|kind| !kind.is_empty()).map(|_| number("toggle-state") == Some(1)),
    })
}
