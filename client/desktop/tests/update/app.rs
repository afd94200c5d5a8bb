//! An app without a window over the model, with a program of its own that updates replace.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use raidcast::clock::Clock;
use raidcast_desktop::updates::{Given, Updates};
use raidcast_desktop_model::desk::Desk;
use raidcast_desktop_model::view::{Notice, UpdateRule, UpdateView};
use serde_json::{Value, json};
use tauri::test::{MockRuntime, mock_builder, mock_context, noop_assets};
use tokio::sync::watch;

use crate::relay::{KEY, Relay};
use crate::signer::Signer;
use crate::site::{Reply, Site, key_file};
use crate::stage::{NOW_MS, Shown, Stage};

/// The version of the stage's model.
pub(crate) const OURS: &str = "1.2.3";
pub(crate) const NEWER: &str = "1.3.0";
pub(crate) const CHANNEL: &str = "/channel.json";
pub(crate) const PACKAGE: &str = "/Raidcast.AppImage";
/// What is there before.
pub(crate) const BEFORE: &[u8] = b"the program that runs";
/// What the channel file says of a package's kind.
pub(crate) const TARGET: &str = "linux-x86_64";

/// What begins as a program does.
pub(crate) fn package() -> Vec<u8> {
    let mut bytes = b"\x7fELF\x02\x01\x01".to_vec();
    bytes.resize(100_000, 7);
    bytes
}

/// A channel file with a package for this computer.
pub(crate) fn file_of(version: &str, signature: &str, url: &str) -> Value {
    let mut file = json!({ "version": version, "notes": "New.\r\n<b>\u{1b}a</b>", "platforms": {} });
    file["platforms"][TARGET] = json!({ "url": url, "signature": signature });
    file
}

/// A site with a newer version, an app that looks there, and all that it needs.
pub(crate) struct Scene {
    pub(crate) site: Site,
    pub(crate) signer: Signer,
    pub(crate) relay: Relay,
    pub(crate) stage: Stage,
    dir: tempfile::TempDir,
}

/// An app that runs.
pub(crate) struct Run {
    pub(crate) updates: Updates<MockRuntime>,
    pub(crate) desk: Desk,
    pub(crate) shown: Arc<Shown>,
    pub(crate) told: Arc<watch::Sender<UpdateView>>,
    pub(crate) views: Arc<Mutex<Vec<UpdateView>>>,
    restarts: Arc<AtomicUsize>,
    pub(crate) notices: Arc<Mutex<Vec<Notice>>>,
    _app: tauri::App<MockRuntime>,
}

impl Scene {
    pub(crate) async fn new() -> Self {
        let relay = Relay::start().await;
        let stage = Stage::ready(&relay);
        let scene =
            Self { site: Site::start().await, signer: Signer::new(), stage, relay, dir: tempfile::tempdir().unwrap() };
        scene.set(&scene.relay.url, true);
        scene.keep(&scene.site.at(CHANNEL));
        scene.offer(NEWER);
        scene.site.give(PACKAGE, Reply::of(package()));
        std::fs::write(scene.program(), BEFORE).unwrap();
        std::fs::set_permissions(scene.program(), std::fs::Permissions::from_mode(0o751)).unwrap();
        scene
    }

    /// The settings: this relay, and whether the tests' authority is believed.
    pub(crate) fn set(&self, relay: &str, trusting: bool) {
        self.stage.settings(relay, KEY);
        if trusting {
            let path = self.stage.home().config;
            let text = std::fs::read_to_string(&path).unwrap();
            let authority = key_file("tls-authority.pem");
            std::fs::write(path, format!("{text}ca = '{}'\n", authority.display())).unwrap();
        }
    }

    /// The app's own settings: updates are looked for there.
    pub(crate) fn keep(&self, channel: &str) {
        self.stage.keep(&json!({ "firstDone": true, "channel": channel, "lot": 7 }).to_string());
    }

    pub(crate) fn program(&self) -> PathBuf {
        self.dir.path().join("Raidcast.AppImage")
    }

    /// What the program is now, and its mode.
    pub(crate) fn installed(&self) -> (Vec<u8>, u32) {
        let mode = std::fs::metadata(self.program()).unwrap().permissions().mode() & 0o777;
        (std::fs::read(self.program()).unwrap(), mode)
    }

    pub(crate) fn assert_untouched(&self) {
        assert_eq!(self.installed(), (BEFORE.to_vec(), 0o751));
        assert_eq!(std::fs::read_dir(self.dir.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    /// A channel file with the package, signed as what it is.
    pub(crate) fn file(&self, version: &str) -> Value {
        file_of(version, &self.signer.sign(&package(), Some(version)), &self.site.at(PACKAGE))
    }

    pub(crate) fn give_file(&self, file: &Value) {
        self.site.give(CHANNEL, Reply::of(file.to_string()));
    }

    /// From now on the channel offers a version.
    pub(crate) fn offer(&self, version: &str) {
        self.give_file(&self.file(version));
    }

    /// The channel offers what is newer with these rules.
    pub(crate) fn offer_with(&self, rules: &Value) {
        let mut file = self.file(NEWER);
        file["raidcast"] = rules.clone();
        self.give_file(&file);
    }

    pub(crate) async fn start(&self) -> Run {
        self.start_with(|_| {}).await
    }

    pub(crate) async fn start_with(&self, set: impl FnOnce(&mut Given)) -> Run {
        let mut context = mock_context(noop_assets());
        context.package_info_mut().version = OURS.parse().unwrap();
        let plugin = json!({ "pubkey": "", "endpoints": [] });
        context.config_mut().plugins.0.insert("updater".to_owned(), plugin);
        let app = mock_builder().plugin(tauri_plugin_updater::Builder::new().build()).build(context).unwrap();
        let (desk, shown) = self.stage.start();
        // What the settings say is known from then on.
        shown.until(|now| now.relay.is_some()).await;
        let told = Arc::new(watch::Sender::<UpdateView>::default());
        let views = Arc::new(Mutex::new(Vec::new()));
        let restarts = Arc::new(AtomicUsize::default());
        let notices = Arc::new(Mutex::new(Vec::new()));
        let note = Arc::clone(&notices);
        let (tell, keep, count) = (Arc::clone(&told), Arc::clone(&views), Arc::clone(&restarts));
        let mut given = Given {
            key: Some(self.signer.key()),
            project: None,
            program: Some(self.program()),
            clock: Clock::new(|| NOW_MS),
            shown: Arc::new(move |view| {
                keep.lock().unwrap().push(view.clone());
                tell.send_replace(view.clone());
            }),
            tell: Arc::new(move |notice| note.lock().unwrap().push(notice)),
            restart: Arc::new(move || {
                count.fetch_add(1, Ordering::Relaxed);
            }),
        };
        set(&mut given);
        let updates = Updates::new(app.handle(), desk.clone(), given);
        tokio::spawn(updates.clone().keep_waiting());
        Run { updates, desk, shown, told, views, restarts, notices, _app: app }
    }
}

impl Run {
    /// What a look comes to.
    pub(crate) async fn rule(&self) -> UpdateRule {
        self.updates.check().await.rule.unwrap()
    }

    /// What it says where nothing is offered.
    pub(crate) async fn sentence(&self) -> String {
        match self.rule().await {
            UpdateRule::Held { sentence } | UpdateRule::Unknown { sentence } => sentence,
            rule => panic!("{rule:?}"),
        }
    }

    pub(crate) async fn is_offered(&self) -> bool {
        matches!(self.rule().await, UpdateRule::Offer { version, .. } if version == NEWER)
    }

    /// Why it is not installed, in words.
    pub(crate) async fn refused(&self) -> String {
        let fault = self.updates.install().await.unwrap_err();
        assert_eq!(fault.code, "update");
        fault.sentence
    }

    pub(crate) fn restarts(&self) -> usize {
        self.restarts.load(Ordering::Relaxed)
    }

    /// Waits until the page would show such a thing.
    pub(crate) async fn until(&self, so: impl Fn(&UpdateView) -> bool) -> UpdateView {
        let mut news = self.told.subscribe();
        let coming = async { news.wait_for(so).await.unwrap().clone() };
        tokio::time::timeout(Duration::from_mins(1), coming).await.expect("it comes to be")
    }
}
