//! Updates: looks for one, loads it, installs it, and tells how that stands.
//!
//! One invariant: nothing is loaded or installed but what the model offers at that moment, and only while the model says
//! that it may be: it is asked before anything is loaded, and again before it is installed. What has come meanwhile is
//! kept, and offered again when it may be. What it is that came is said by a signature over all of it and its version
//! (`package`), whoever sent it; all of it comes over HTTPS (`web`).

mod given;
mod package;
mod web;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use raidcast::settings;
use raidcast_desktop_model::desk::Desk;
use raidcast_desktop_model::said::Said;
use raidcast_desktop_model::update::{self, UpdateFault};
use raidcast_desktop_model::view::{AppState, Fault, NowView, UpdateBusy, UpdateRule, UpdateView};
use raidcast_desktop_model::wrong::Wrong;
use serde_json::Value;
use tauri::{AppHandle, Manager as _, Runtime};
use tokio::sync::Notify;

pub use given::Given;
use package::{Package, Way};
use web::Web;

/// The app has come to rest by then: what it starts with goes before.
const FIRST_LOOK: Duration = Duration::from_mins(5);
/// Then it is looked for so often.
const LOOK_AGAIN: Duration = Duration::from_hours(24);

/// The one who sees to updates.
pub struct Updates<R: Runtime>(Arc<Inner<R>>);

impl<R: Runtime> Clone for Updates<R> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

struct Inner<R: Runtime> {
    app: AppHandle<R>,
    desk: Desk,
    given: Given,
    held: Mutex<Held>,
    /// Whoever looks or installs has it: one at a time.
    turn: tokio::sync::Mutex<()>,
    /// Something has begun or ended that an update waits for.
    stirred: Notify,
}

#[derive(Default)]
struct Held {
    view: UpdateView,
    /// What the channel file said that was read last.
    file: Option<Value>,
    /// What is offered.
    package: Option<Package>,
    /// All of it, looked at.
    bytes: Option<Arc<Vec<u8>>>,
    /// What went on when it was looked at last: the state, a fight, an upload.
    goes_on: Option<(AppState, bool, bool)>,
}

/// What came of a look.
struct Looked {
    rule: UpdateRule,
    file: Option<Value>,
    package: Option<Package>,
}

impl<R: Runtime> Updates<R> {
    /// For an app that has the updater's plugin.
    pub fn new(app: &AppHandle<R>, desk: Desk, given: Given) -> Self {
        let view = UpdateView { asks_password: Way::asks_password(app, &given), ..UpdateView::default() };
        Self(Arc::new(Inner {
            app: app.clone(),
            desk,
            given,
            held: Mutex::new(Held { view, ..Held::default() }),
            turn: tokio::sync::Mutex::default(),
            stirred: Notify::new(),
        }))
    }

    /// The app's own.
    pub(crate) fn of(app: &AppHandle<R>) -> Self {
        app.state::<Self>().inner().clone()
    }

    /// How it stands.
    pub fn view(&self) -> UpdateView {
        self.held().view.clone()
    }

    /// Looks for one, unless something is being done already; gives how it stands then.
    pub async fn check(&self) -> UpdateView {
        if let Ok(_turn) = self.0.turn.try_lock() {
            self.look_and_tell().await;
        }
        self.view()
    }

    /// Loads what is offered, if it is not here yet, and installs it. It is looked at once more whether it is offered
    /// still: it may have been stopped meanwhile.
    ///
    /// # Errors
    /// Nothing is offered, it may not be installed now, it does not come, it is not what was signed, or the system does
    /// not install it. This version goes on.
    pub async fn install(&self) -> Result<UpdateView, Fault> {
        let done = match self.0.turn.try_lock() {
            Ok(_turn) => self.load_and_install().await,
            Err(_) => return Err(self.fault(UpdateFault::Busy).await),
        };
        let wrong = match done {
            Ok(()) => return Ok(self.view()),
            Err(wrong) => wrong,
        };
        let is_blocked = matches!(wrong, Wrong::Update(UpdateFault::InFight));
        let fault = self.0.desk.fault(wrong).await;
        self.change(|held| {
            (held.view.busy, held.view.percent) = (UpdateBusy::No, None);
            match is_blocked {
                true => held.view.blocked = Some(text_of(&fault)),
                false => held.view.fault = Some(fault.clone()),
            }
        });
        // What it waits for may have ended while that was said.
        self.0.stirred.notify_one();
        Err(fault)
    }

    /// The version that is offered is not wanted: the next one is offered again.
    ///
    /// # Errors
    /// Nothing is offered, or it holds only until the app ends.
    pub async fn skip(&self) -> Result<UpdateView, Fault> {
        let Ok(_turn) = self.0.turn.try_lock() else { return Err(self.fault(UpdateFault::Busy).await) };
        let offered = {
            let held = self.held();
            held.package.as_ref().map(|package| (package.version().to_owned(), held.file.clone()))
        };
        let Some((version, file)) = offered else { return Err(self.fault(UpdateFault::NotOffered).await) };
        let kept = self.0.desk.skip_version(version).await;
        let rule = self.0.desk.update_rule(file).await;
        self.change(|held| {
            held.view.rule = Some(rule);
            (held.package, held.bytes) = (None, None);
            (held.view.ready, held.view.blocked, held.view.fault) = (false, None, None);
        });
        kept.map(|()| self.view())
    }

    /// Hears what is now: whether anything has begun or ended for which an update waits. It waits for nothing.
    pub fn heard(&self, now: &NowView) {
        let goes_on = Some((now.state, now.fight.is_some(), now.upload.is_some()));
        let mut held = self.held();
        if held.goes_on != goes_on {
            held.goes_on = goes_on;
            drop(held);
            self.0.stirred.notify_one();
        }
    }

    /// Says whether what is offered can be installed, each time that this changes. It does not end.
    pub async fn keep_waiting(self) {
        loop {
            self.0.stirred.notified().await;
            if self.held().package.is_none() {
                continue;
            }
            let blocked = match self.0.desk.may_install().await {
                true => None,
                false => Some(text_of(&self.fault(UpdateFault::InFight).await)),
            };
            self.change(|held| held.view.blocked = blocked.filter(|_| held.package.is_some()));
        }
    }

    /// Looks for one as [`check`](Self::check) does, and tells of it beside the window: nobody may be looking at that.
    pub async fn look_unasked(&self) {
        if let Some(UpdateRule::Offer { version, .. }) = self.check().await.rule
            && let Some(notice) = self.0.desk.update_notice(version).await
        {
            (self.0.given.tell)(notice);
        }
    }

    /// Looks for one some time after the start, and once a day. It does not end.
    pub async fn keep_looking(self) {
        tokio::time::sleep(FIRST_LOOK).await;
        loop {
            self.look_unasked().await;
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// With the turn. What cannot be told is said in the view.
    async fn look_and_tell(&self) {
        self.change(|held| {
            held.view.busy = UpdateBusy::Looking;
            held.view.fault = None;
        });
        let looked = match self.look().await {
            Ok(looked) => looked,
            Err(wrong) => {
                let sentence = text_of(&self.0.desk.fault(wrong).await);
                Looked { rule: UpdateRule::Unknown { sentence }, file: None, package: None }
            }
        };
        let now_ms = self.0.given.clock.unix_ms();
        self.change(|held| {
            let Looked { mut rule, file, mut package } = looked;
            // It is used from the next start on: nobody need install it twice.
            let is_installed = |package: &Package| held.view.installed.as_deref() == Some(package.version());
            if package.as_ref().is_some_and(is_installed) {
                (rule, package) = (UpdateRule::None, None);
            }
            if held.package != package {
                held.bytes = None;
            }
            held.view.rule = Some(rule);
            (held.view.busy, held.view.looked_at_ms) = (UpdateBusy::No, Some(now_ms));
            held.view.ready = held.bytes.is_some();
            if package.is_none() {
                held.view.blocked = None;
            }
            (held.file, held.package) = (file, package);
        });
        self.0.stirred.notify_one();
    }

    async fn look(&self) -> Result<Looked, Wrong> {
        let Inner { app, desk, given, .. } = &*self.0;
        let key = given.key.as_deref().ok_or(Wrong::Update(UpdateFault::NoKey))?;
        let settings = desk.settings().await;
        let (chosen, relay) = (settings.channel.as_deref(), settings.relay.as_deref());
        let places = update::places(chosen, relay, given.project.as_deref()).map_err(Wrong::Update)?;
        let web = Web::trusting(&settings::trust(settings.ca.as_deref().map(AsRef::as_ref))?);
        let is_chosen = chosen.is_some_and(|chosen| !chosen.trim().is_empty());
        for place in places {
            let Some(file) = web.channel_file(&place, is_chosen).await.map_err(Wrong::Update)? else { continue };
            let rule = desk.update_rule(Some(file.clone())).await;
            let UpdateRule::Offer { version, .. } = &rule else {
                return Ok(Looked { rule, file: Some(file), package: None });
            };
            let package = match Package::of(app, desk, given, (key, &web), &place, &file) {
                Ok(package) => package,
                Err(package::NoPackage::Unreadable) => {
                    return Ok(Looked { rule: desk.update_rule(Some(Value::Null)).await, file: None, package: None });
                }
                Err(package::NoPackage::Fault(fault)) => return Err(Wrong::Update(fault)),
            };
            // Both read the same file.
            if *version != package.version() {
                return Err(Wrong::Update(UpdateFault::NotOffered));
            }
            return Ok(Looked { rule, file: Some(file), package: Some(package) });
        }
        Ok(Looked { rule: desk.update_rule(None).await, file: None, package: None })
    }

    /// With the turn.
    async fn load_and_install(&self) -> Result<(), Wrong> {
        let none = || Wrong::Update(UpdateFault::NotOffered);
        let wanted = self.held().package.as_ref().map(|package| package.version().to_owned()).ok_or_else(none)?;
        self.may_install().await?;
        self.look_and_tell().await;
        // Somebody said yes to one version, and to no other.
        let package = self.held().package.clone().filter(|package| package.version() == wanted);
        let package = package.ok_or_else(none)?;
        let held = self.held().bytes.clone();
        let bytes = if let Some(bytes) = held {
            bytes
        } else {
            self.may_install().await?;
            self.load(&package).await?
        };
        self.may_install().await?;
        self.change(|held| held.view.busy = UpdateBusy::Installing);
        let version = package.version().to_owned();
        if let Err(fault) = package.install(bytes).await {
            // On Windows all was put away before the installer was to start: nothing goes on without another start.
            if cfg!(windows) && matches!(fault, UpdateFault::NotInstalled { .. }) {
                tracing::error!(?fault, "the installer did not start: the app starts again");
                (self.0.given.restart)();
            }
            return Err(Wrong::Update(fault));
        }
        tracing::info!(version, "an update is installed");
        self.change(|held| {
            (held.package, held.bytes, held.file) = (None, None, None);
            held.view = UpdateView {
                rule: held.view.rule.take(),
                looked_at_ms: held.view.looked_at_ms,
                asks_password: held.view.asks_password,
                installed: Some(version),
                ..UpdateView::default()
            };
        });
        // To install it may have taken some time: who asks for a password waits for it.
        if self.0.desk.may_install().await {
            self.0.desk.quit().await;
            (self.0.given.restart)();
        }
        Ok(())
    }

    async fn load(&self, package: &Package) -> Result<Arc<Vec<u8>>, Wrong> {
        self.change(|held| {
            held.view.busy = UpdateBusy::Loading;
            held.view.percent = None;
        });
        let told = |percent: Option<u8>| self.change(|held| held.view.percent = percent);
        let loaded = package.load(told).await;
        let bytes = Arc::new(loaded.map_err(Wrong::Update)?);
        self.change(|held| {
            held.bytes = Some(Arc::clone(&bytes));
            (held.view.busy, held.view.percent, held.view.ready) = (UpdateBusy::No, None, true);
        });
        Ok(bytes)
    }

    async fn may_install(&self) -> Result<(), Wrong> {
        match self.0.desk.may_install().await {
            true => {
                self.change(|held| held.view.blocked = None);
                Ok(())
            }
            false => Err(Wrong::Update(UpdateFault::InFight)),
        }
    }

    async fn fault(&self, fault: UpdateFault) -> Fault {
        self.0.desk.fault(Wrong::Update(fault)).await
    }

    /// Changes what is held, and shows it where it differs.
    fn change(&self, change: impl FnOnce(&mut Held)) {
        let mut held = self.held();
        let before = held.view.clone();
        change(&mut held);
        if held.view != before {
            // With the lock: what is shown last is what is.
            (self.0.given.shown)(&held.view);
        }
    }

    /// No code that holds it can panic.
    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sees to updates as long as the app runs.
pub(crate) fn keep<R: Runtime>(app: &AppHandle<R>) {
    let updates = Updates::of(app);
    tauri::async_runtime::spawn(updates.clone().keep_waiting());
    tauri::async_runtime::spawn(updates.keep_looking());
}

/// As one text.
fn text_of(Fault { sentence, remedy, .. }: &Fault) -> String {
    Said { sentence: sentence.clone(), remedy: remedy.clone() }.text()
}
