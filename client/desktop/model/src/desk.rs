//! What a window calls: the handle of the model's task.
//!
//! The task has a thread with a runtime of its own, as the command line has: a wake-up costs less there than on one with
//! many threads, and the app is mostly hidden. Handles are cheap to clone; each call waits for its answer alone.

use std::io;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use crate::ask::Ask;
use crate::screen::Screen;
use crate::setup::Setup;
use crate::task::Task;
use crate::view::{AboutView, Fault, Link, NowView, SettingsChange, SettingsView, UpdateRule};
use crate::words;
use crate::wrong::Wrong;

/// So many calls wait at most; whoever makes another waits until there is room.
const ASKS: usize = 64;

/// The handle of the model's task.
#[derive(Clone, Debug)]
pub struct Desk {
    asks: mpsc::Sender<Ask>,
}

impl Desk {
    /// Starts the model on a thread of its own; it ends by [`Desk::quit`], or when the last handle is dropped.
    ///
    /// # Errors
    /// The system gives no thread, or no runtime can be had on it.
    pub fn start(setup: Setup, screen: Arc<dyn Screen>) -> io::Result<Self> {
        let (asks, asked) = mpsc::channel(ASKS);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        std::thread::Builder::new().name("raidcast".to_owned()).spawn(move || {
            // A task of its own: to wake up the future that a runtime blocks on costs a write and another turn of its loop.
            let task = async move { tokio::spawn(Task::new(setup, screen).run(asked)).await };
            if runtime.block_on(task).is_err() {
                tracing::error!("the model fell");
            }
            // A key store that hangs is left behind.
            runtime.shutdown_background();
        })?;
        Ok(Self { asks })
    }

    /// What is now.
    pub async fn now(&self) -> NowView {
        self.ask(Ask::Now).await.unwrap_or_default()
    }

    /// There is an icon in the tray, or none.
    pub async fn trayed(&self, trayed: bool) {
        // Nobody shows it where the task has ended.
        let _ = self.asks.send(Ask::Trayed(trayed)).await;
    }

    /// Nothing is sent from now on, and what begins meanwhile is left alone; or it goes on.
    ///
    /// # Errors
    /// It holds only until the app ends; or another client does the work.
    pub async fn pause(&self, paused: bool) -> Result<NowView, Fault> {
        self.try_ask(|answer| Ask::Pause(paused, answer)).await
    }

    /// This raid is for those alone who have its link, or as the settings say. What is now shows it when the relay has
    /// heard it.
    ///
    /// # Errors
    /// Nothing follows the meter now.
    pub async fn private(&self, private: bool) -> Result<NowView, Fault> {
        self.try_ask(|answer| Ask::Private(private, answer)).await
    }

    /// What is tried again after some time is tried now.
    ///
    /// # Errors
    /// Nothing is tried: it is paused, or not set up.
    pub async fn try_now(&self) -> Result<NowView, Fault> {
        self.try_ask(Ask::TryNow).await
    }

    /// Fights that were not taken, or could not be read, are tried again.
    ///
    /// # Errors
    /// Nothing follows the meter now.
    pub async fn again(&self, fights: Vec<String>) -> Result<(), Fault> {
        self.try_ask(|answer| Ask::Again(fights, answer)).await
    }

    /// The settings.
    pub async fn settings(&self) -> SettingsView {
        self.ask(Ask::Settings).await.unwrap_or_default()
    }

    /// Changes the settings; those of a run begin another one.
    ///
    /// # Errors
    /// They are of no use, or are not kept.
    pub async fn change(&self, change: SettingsChange) -> Result<SettingsView, Fault> {
        self.try_ask(|answer| Ask::Change(change, answer)).await
    }

    /// A link to be copied.
    ///
    /// # Errors
    /// There is none now.
    pub async fn link(&self, link: Link) -> Result<String, Fault> {
        self.try_ask(|answer| Ask::Link(link, false, answer)).await
    }

    /// A link to be opened in the browser.
    ///
    /// # Errors
    /// There is none now, or it is not one of the relay's.
    pub async fn link_to_open(&self, link: Link) -> Result<String, Fault> {
        self.try_ask(|answer| Ask::Link(link, true, answer)).await
    }

    /// What a channel file says to this computer; `None`: nobody says where one is.
    pub async fn update_rule(&self, file: Option<serde_json::Value>) -> UpdateRule {
        self.ask(|answer| Ask::Update(file, answer)).await.unwrap_or(UpdateRule::None)
    }

    /// Whether an update may be installed now: no fight goes on.
    pub async fn may_install(&self) -> bool {
        self.ask(Ask::MayInstall).await.unwrap_or_default()
    }

    /// A version is not wanted.
    ///
    /// # Errors
    /// It holds only until the app ends.
    pub async fn skip_version(&self, version: String) -> Result<(), Fault> {
        self.try_ask(|answer| Ask::Skip(version, answer)).await
    }

    /// What the app is.
    pub async fn about(&self) -> AboutView {
        self.ask(Ask::About).await.unwrap_or_default()
    }

    /// Ends everything: what was read is on the disk then, and goes on with the next start. It takes three seconds at most.
    pub async fn quit(&self) {
        self.ask(Ask::Quit).await;
    }

    async fn ask<T>(&self, what: impl FnOnce(oneshot::Sender<T>) -> Ask) -> Option<T> {
        let (answer, answered) = oneshot::channel();
        self.asks.send(what(answer)).await.ok()?;
        answered.await.ok()
    }

    async fn try_ask<T>(&self, what: impl FnOnce(oneshot::Sender<Result<T, Fault>>) -> Ask) -> Result<T, Fault> {
        self.ask(what).await.unwrap_or_else(|| Err(ending()))
    }
}

/// Nobody answers any more.
fn ending() -> Fault {
    let said = words::of(crate::language::Language::default()).wrong(&Wrong::Ending);
    Fault { code: Wrong::Ending.code().to_owned(), sentence: said.sentence, remedy: said.remedy }
}
