//! A desk of the test's own: its folders, its meter's database, and what it shows, beside the scripted relay.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use raidcast::clock::Clock;
use raidcast::header::header_of;
use raidcast::keys::Keys;
use raidcast::secret::Entropy;
use raidcast::settings::Home;
use raidcast::source::detect::{self, Places};
use raidcast::source::names::Names;
use raidcast::source::{AnySource, Cursor, Source as _};
use raidcast_desktop_model::desk::Desk;
use raidcast_desktop_model::screen::Screen;
use raidcast_desktop_model::setup::Setup;
use raidcast_desktop_model::tray::TrayLook;
use raidcast_desktop_model::version::Version;
use raidcast_desktop_model::view::{Notice, NowView};
use raidcast_meterkit::{Fight, MeterWriter, Script};
use raidcast_shared::checksum::Checksum;
use raidcast_shared::encode::Encoder;
use tokio::sync::watch;

use crate::relay::{KEY, Relay};

/// When the tests are: the night of the scripts' fights.
pub(crate) const NOW_MS: i64 = 1_790_002_000_000;

/// What the desk shows.
pub(crate) struct Shown {
    now: watch::Sender<NowView>,
    tray: watch::Sender<TrayLook>,
    pub(crate) notices: Mutex<Vec<Notice>>,
    pub(crate) fights: AtomicUsize,
}

impl Screen for Shown {
    fn changed(&self, now: &NowView) {
        self.now.send_replace(now.clone());
    }

    fn tray(&self, look: &TrayLook) {
        self.tray.send_replace(look.clone());
    }

    fn notice(&self, notice: &Notice) {
        self.notices.lock().unwrap().push(notice.clone());
    }

    fn fights_changed(&self) {
        self.fights.fetch_add(1, Ordering::Relaxed);
    }
}

/// Waits until something is so, for a minute at most.
async fn until<T: Clone>(of: &watch::Sender<T>, so: impl Fn(&T) -> bool) -> T {
    let mut news = of.subscribe();
    let coming = async { news.wait_for(so).await.unwrap().clone() };
    tokio::time::timeout(Duration::from_mins(1), coming).await.expect("it comes to be")
}

impl Shown {
    /// Waits until the window would show such a thing; gives it.
    pub(crate) async fn until(&self, so: impl Fn(&NowView) -> bool) -> NowView {
        until(&self.now, so).await
    }

    /// Waits until the tray would show such a thing; gives it.
    pub(crate) async fn until_tray(&self, so: impl Fn(&TrayLook) -> bool) -> TrayLook {
        until(&self.tray, so).await
    }
}

/// Folders with a meter's database, settings and a state.
pub(crate) struct Stage {
    dir: tempfile::TempDir,
    now_ms: Arc<AtomicI64>,
}

impl Stage {
    /// Where nothing is set up.
    pub(crate) fn bare() -> Self {
        let stage = Self { dir: tempfile::tempdir().unwrap(), now_ms: Arc::new(AtomicI64::new(NOW_MS)) };
        std::fs::create_dir_all(stage.home().config.parent().unwrap()).unwrap();
        stage
    }

    /// Where the first start is over, and a relay is named with its key.
    pub(crate) fn ready(relay: &Relay) -> Self {
        let stage = Self::bare();
        stage.settings(&relay.url, KEY);
        stage.keep(r#"{"firstDone": true}"#);
        stage
    }

    /// This stands in the app's own file.
    pub(crate) fn keep(&self, own: &str) {
        std::fs::write(self.home().config.with_file_name("desktop.json"), own).unwrap();
    }

    pub(crate) fn settings(&self, relay: &str, key: &str) {
        let text = format!("relay = \"{relay}\"\nkey = \"{key}\"\ndb = '{}'\n", self.db().display());
        std::fs::write(self.home().config, text).unwrap();
    }

    pub(crate) fn home(&self) -> Home {
        let path = |name: &str| self.dir.path().join(name);
        Home { config: path("raidcast/config.toml"), keys: path("raidcast/keys.json"), state: path("state") }
    }

    pub(crate) fn own(&self) -> serde_json::Value {
        let path = self.home().config.with_file_name("desktop.json");
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
    }

    pub(crate) fn db(&self) -> PathBuf {
        self.dir.path().join("meter.db")
    }

    /// So much time passes.
    pub(crate) fn pass(&self, ms: i64) {
        self.now_ms.fetch_add(ms, Ordering::Relaxed);
    }

    pub(crate) fn start(&self) -> (Desk, Arc<Shown>) {
        let now_ms = Arc::clone(&self.now_ms);
        let setup = Setup {
            home: self.home(),
            places: Places::default(),
            clock: Clock::new(move || now_ms.load(Ordering::Relaxed)),
            entropy: Entropy::system(),
            keys: |file| Keys::with(file, None),
            language: Some("en-GB".to_owned()),
            version: Version::parse("1.2.3").unwrap(),
            log: self.dir.path().join("log"),
            log_to: None,
            cache: self.dir.path().join("cache"),
        };
        let shown = Arc::new(Shown {
            now: watch::Sender::default(),
            tray: watch::Sender::default(),
            notices: Mutex::default(),
            fights: AtomicUsize::default(),
        });
        (Desk::start(setup, shown.clone()).unwrap(), shown)
    }
}

/// Waits until something is so in files, for a minute at most.
pub(crate) async fn wait(so: impl Fn() -> bool) {
    for _ in 0..12_000 {
        if so() {
            return;
        }
        // No message tells that a file has changed.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("it never came to be");
}

pub(crate) fn party(seed: u64) -> Fight {
    Script::party(seed).fight()
}

/// Plays the first part of a fight in steps.
pub(crate) async fn play(writer: &mut MeterWriter, fight: &Fight, to_ms: i64) {
    writer.begin(fight).await.unwrap();
    go_on(writer, 0, to_ms).await;
}

/// Lets the fight go on.
pub(crate) async fn go_on(writer: &mut MeterWriter, from_ms: i64, to_ms: i64) {
    for ms in (from_ms..to_ms).step_by(1_000) {
        writer.advance_to(ms).await.unwrap();
        // The meter's pace: a client that reads while it is written to is what the tests are about.
        tokio::time::sleep(Duration::from_millis(15)).await;
    }
}

/// What one reading of the whole database gives, fight by fight.
pub(crate) fn read_at_once(db: &Path) -> Vec<(Checksum, u64)> {
    let found = detect::identify(db).unwrap();
    let mut source = AnySource::open(&found, Arc::new(Names::default())).unwrap();
    let mut sums = Vec::new();
    for fight in source.all_fights().unwrap() {
        let mut encoder = Encoder::new(header_of(&fight, source.knows()));
        let reading = source.read_last(&fight, &Cursor::default()).unwrap();
        encoder.encode(reading.events, 0);
        encoder.finish(0);
        sums.push((encoder.checksum(), encoder.state().events()));
    }
    sums
}

/// What the relay holds, fight by fight.
pub(crate) fn relayed(relay: &Relay) -> Vec<(Checksum, u64)> {
    let memory = relay.memory();
    let mut fights: Vec<_> = memory.fights.values().collect();
    fights.sort_by_key(|fight| fight.state.header().started_at_ms);
    fights.iter().map(|fight| (fight.state.checksum(), fight.state.events())).collect()
}
