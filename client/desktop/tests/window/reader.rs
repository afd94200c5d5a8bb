//! What a screen reader is told of the window: over AT-SPI, on the bus that desktops have for it.

use std::path::Path;
use std::process::{Command, Stdio};

use raidcast_meterkit::Generation;
use zbus::zvariant::{DynamicType, OwnedObjectPath, OwnedValue};
use zbus::{Connection, Proxy, connection};

use crate::bus::Desktop;
use crate::driver::Driver;
use crate::meter::Meter;
use crate::process::Process;
use crate::relay::{KEY, Relay};
use crate::stage::{Stage, can_run};
use crate::wait::{becomes, until};

/// What starts that bus; a part of what the app's own libraries need.
const LAUNCHER: &str = "/usr/libexec/at-spi-bus-launcher";
const ACCESSIBLE: &str = "org.a11y.atspi.Accessible";
/// More than any page of the app has.
const ALL_MAX: usize = 2_000;

// Kinds, as AT-SPI numbers them.
const CHECK_BOX: u32 = 7;
const COMBO_BOX: u32 = 11;
const FRAME: u32 = 23;
const PAGE_TAB: u32 = 37;
const PASSWORD: u32 = 40;
const PROGRESS_BAR: u32 = 42;
const BUTTON: u32 = 43;
const RADIO_BUTTON: u32 = 44;
const TOGGLE_BUTTON: u32 = 62;
const ENTRY: u32 = 79;
const HEADING: u32 = 83;
const LINK: u32 = 88;
/// What somebody does something with, or waits for: it is nothing without a name.
const NAMED: [u32; 10] =
    [CHECK_BOX, COMBO_BOX, PAGE_TAB, PASSWORD, PROGRESS_BAR, BUTTON, RADIO_BUTTON, TOGGLE_BUTTON, ENTRY, LINK];

/// A thing in the window, as it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Told {
    kind: u32,
    name: String,
}

/// Who reads the screen of a stage.
struct Reader {
    _launcher: Process,
    bus: Connection,
}

impl Reader {
    /// Listens from now on.
    async fn of(stage: &Stage, desktop: &Desktop) -> Self {
        let mut command = Command::new(LAUNCHER);
        command.arg("--launch-immediately");
        let launcher = Process::start(stage.dress(&mut command).stdout(Stdio::null()).stderr(Stdio::null()));
        becomes("there is a bus for readers", async || desktop.has("org.a11y.Bus").await).await;
        let at = stage.bus_address();
        let session = connection::Builder::address(at.as_str()).unwrap().build().await.unwrap();
        let readers = Proxy::new(&session, "org.a11y.Bus", "/org/a11y/bus", "org.a11y.Bus").await.unwrap();
        let address: String = readers.call("GetAddress", &()).await.unwrap();
        let bus = connection::Builder::address(address.as_str()).unwrap().build().await.unwrap();
        Self { _launcher: launcher, bus }
    }

    /// Everything in the windows, from the top. What goes away meanwhile is left out.
    async fn all(&self) -> Vec<Told> {
        let mut told = Vec::new();
        let root = OwnedObjectPath::try_from("/org/a11y/atspi/accessible/root").unwrap();
        let mut open = vec![("org.a11y.atspi.Registry".to_owned(), root)];
        while let Some((who, at)) = open.pop() {
            let Some((one, mut inner)) = self.look(&who, &at).await else { continue };
            told.push(one);
            assert!(told.len() < ALL_MAX, "the window has no end");
            inner.reverse();
            open.extend(inner);
        }
        told
    }

    async fn look(&self, who: &str, at: &OwnedObjectPath) -> Option<(Told, Vec<(String, OwnedObjectPath)>)> {
        let kind = self.ask(who, at, ACCESSIBLE, "GetRole", &()).await?.body().deserialize().ok()?;
        let name = String::try_from(self.property(who, at, "Name").await?).ok()?;
        let count = i32::try_from(self.property(who, at, "ChildCount").await?).ok()?;
        let mut inner = Vec::new();
        // One by one: where the page's own process goes on, only so it is told.
        for index in 0..count {
            let child = self.ask(who, at, ACCESSIBLE, "GetChildAtIndex", &(index,)).await;
            inner.extend(child.and_then(|child| child.body().deserialize::<(String, OwnedObjectPath)>().ok()));
        }
        inner.retain(|(who, _)| !who.is_empty());
        Some((Told { kind, name }, inner))
    }

    async fn property(&self, who: &str, at: &OwnedObjectPath, name: &str) -> Option<OwnedValue> {
        let asked = self.ask(who, at, "org.freedesktop.DBus.Properties", "Get", &(ACCESSIBLE, name)).await?;
        asked.body().deserialize().ok()
    }

    async fn ask<B: serde::Serialize + DynamicType>(
        &self,
        who: &str,
        at: &OwnedObjectPath,
        interface: &str,
        method: &str,
        body: &B,
    ) -> Option<zbus::Message> {
        self.bus.call_method(Some(who), at, Some(interface), method, body).await.ok()
    }

    /// Waits until such a thing is told whose name begins so; gives everything that is told then.
    async fn hears(&self, kind: u32, name: &str) -> Vec<Told> {
        until(format!("a reader is told of {kind} `{name}`"), async || {
            let all = self.all().await;
            let is_there = all.iter().any(|one| one.kind == kind && one.name.trim().starts_with(name));
            is_there.then_some(all)
        })
        .await
    }
}

/// Whatever somebody uses has a name.
fn assert_named(page: &str, all: &[Told], at_least: usize) {
    let used: Vec<_> = all.iter().filter(|one| NAMED.contains(&one.kind)).collect();
    assert!(used.len() >= at_least, "{page}: {all:?}");
    let nameless = used.iter().filter(|one| one.name.trim().is_empty()).count();
    assert_eq!(nameless, 0, "{page}: {used:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_screen_reader_is_told_what_each_field_and_button_of_the_window_is_for() {
    if !can_run() || !has_launcher() {
        return;
    }
    // What is not set up yet.
    let stage = Stage::set("reader-first").await.read_aloud();
    let desktop = Desktop::with_tray(&stage).await;
    let reader = Reader::of(&stage, &desktop).await;
    let _meter = Meter::open(&stage.meter(), Generation::Aggregate).await;
    let driver = Driver::start(&stage, &[]).await;
    let all = reader.hears(ENTRY, "Address or invitation link").await;
    assert!(all.contains(&Told { kind: FRAME, name: "Raidcast".to_owned() }), "{all:?}");
    assert!(all.iter().any(|one| one.kind == HEADING && one.name == "Set up Raidcast"), "{all:?}");
    assert_named("the relay's step", &all, 3);
    driver.fill("Address or invitation link", "http://127.0.0.1:1").await;
    driver.press("Use this relay").await;
    assert_named("the key's step", &reader.hears(BUTTON, "Get a code").await, 2);
    drop(driver);

    // Every day.
    let relay = Relay::start().await;
    let stage = Stage::ready("reader", &relay.url(), KEY).await.read_aloud();
    let desktop = Desktop::with_tray(&stage).await;
    let reader = Reader::of(&stage, &desktop).await;
    let mut meter = Meter::open(&stage.meter(), Generation::Aggregate).await;
    meter.had(2).await;
    let driver = Driver::start(&stage, &[]).await;
    driver.sees("Waiting for a fight").await;
    let all = reader.hears(CHECK_BOX, "Private: only who has the link").await;
    for tab in ["Now", "Fights", "Settings", "About"] {
        assert!(all.contains(&Told { kind: PAGE_TAB, name: tab.to_owned() }), "{tab}: {all:?}");
    }
    for button in ["Copy: This raid", "Open: This raid", "Pause"] {
        assert!(all.iter().any(|one| one.kind == BUTTON && one.name == button), "{button}: {all:?}");
    }
    assert_named("now", &all, 8);
    for (tab, kind, name) in [
        ("Fights", CHECK_BOX, "Choose all shown that can be sent"),
        ("Settings", COMBO_BOX, "Who sees a raid"),
        ("About", BUTTON, "End Raidcast"),
    ] {
        driver.click(&format!("//*[@role='tab' and normalize-space(.)='{tab}']")).await;
        assert_named(tab, &reader.hears(kind, name).await, 6);
    }
}

/// Whether that bus can be had. Where it must be, that it cannot is a failure.
fn has_launcher() -> bool {
    if Path::new(LAUNCHER).is_file() {
        return true;
    }
    assert!(std::env::var_os("RAIDCAST_TEST_ALL").is_none(), "not here: {LAUNCHER}");
    println!("SKIPPED: not here: {LAUNCHER}");
    false
}
