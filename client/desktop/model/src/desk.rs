//! What a window calls: the handle of the model's task.
//!
//! The task has a thread with a runtime of its own, as the command line has: a wake-up costs less there than on one
//! with many threads, and the app is mostly hidden. Handles are cheap to clone; each call waits for its answer alone.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use crate::ask::Ask;
use crate::fault::fault;
use crate::language::Language;
use crate::screen::Screen;
use crate::setup::Setup;
use crate::task::Task;
use crate::view::{
    AboutView, Fault, FightFilter, FightPage, FirstChoice, FirstView, KeptView, Link, MeterView, Notice, NowView,
    PairStep, PairView, RelayView, SettingsChange, SettingsView, UpdateRule, UploadChoice, UploadEnd, UploadPlan,
    UploadStep,
};
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
            // A task of its own: to wake up the future that a runtime blocks on costs a write and another turn of its
            // loop.
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

    /// What is to be told beside the window of a version that is offered: once of each, if anything is.
    pub async fn update_notice(&self, version: String) -> Option<Notice> {
        self.ask(|answer| Ask::UpdateNotice(version, answer)).await.flatten()
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

    /// How the first start stands: which meter there is, which relay, what is to be done next.
    ///
    /// # Errors
    /// The app is ending.
    pub async fn first(&self) -> Result<FirstView, Fault> {
        self.try_ask(Ask::First).await
    }

    /// All meters that are found, the one written last first.
    pub async fn find_meters(&self) -> Vec<MeterView> {
        self.ask(Ask::FindMeters).await.unwrap_or_default()
    }

    /// The meter to be read; `None`: the one that was written last, also if there is none yet.
    ///
    /// # Errors
    /// It is none, or the settings cannot be written.
    pub async fn use_meter(&self, path: Option<String>) -> Result<FirstView, Fault> {
        self.try_ask(|answer| Ask::UseMeter(path, answer)).await
    }

    /// The relay, by its address, a link to one of its pages, or an invitation; nobody is asked.
    ///
    /// # Errors
    /// No relay's address can be made of it.
    pub async fn relay(&self, text: String) -> Result<RelayView, Fault> {
        self.try_ask(|answer| Ask::Relay(text, answer)).await
    }

    /// Asks the relay for a code to be typed into its page; from then on [`Desk::pairing`] tells what comes of it.
    ///
    /// # Errors
    /// A key could not be kept, or the relay gives no code.
    pub async fn pair(&self) -> Result<PairView, Fault> {
        self.try_ask(Ask::Pair).await
    }

    /// How the pairing stands.
    pub async fn pairing(&self) -> PairStep {
        self.ask(Ask::Pairing).await.unwrap_or_default()
    }

    /// The pairing is not wanted any more.
    pub async fn stop_pairing(&self) {
        self.ask(Ask::StopPairing).await;
    }

    /// A key that was pasted: it is kept if the relay takes it.
    ///
    /// # Errors
    /// It can be none, the relay does not take it, or it cannot be kept.
    pub async fn paste_key(&self, key: String) -> Result<KeptView, Fault> {
        self.try_ask(|answer| Ask::PasteKey(key, answer)).await
    }

    /// Forgets the key; whether there was one.
    ///
    /// # Errors
    /// It may still be there.
    pub async fn forget_key(&self) -> Result<bool, Fault> {
        self.try_ask(Ask::ForgetKey).await
    }

    /// The first start is over: from now on fights are live, and old ones are sent as was chosen.
    ///
    /// # Errors
    /// There is no relay or no key yet; or it is not kept.
    pub async fn finish_first(&self, choice: FirstChoice) -> Result<NowView, Fault> {
        self.try_ask(|answer| Ask::FinishFirst(choice, answer)).await
    }

    /// A page of the list of fights. What cannot be read of the meter is said in it.
    pub async fn fights(&self, filter: FightFilter) -> FightPage {
        self.ask(|answer| Ask::Fights(filter, answer)).await.unwrap_or_default()
    }

    /// What an upload of fights would send, and who would see it. Nothing is sent until somebody agrees by
    /// [`Desk::upload`].
    ///
    /// # Errors
    /// Another upload is under way, the meter cannot be read, or none of the fights can be sent.
    pub async fn plan(&self, choice: UploadChoice) -> Result<UploadPlan, Fault> {
        self.try_ask(|answer| Ask::Plan(choice, answer)).await
    }

    /// Uploads what was planned last; `progress` is told each step, and this comes back at the end.
    ///
    /// # Errors
    /// It is not the last plan; or the upload ended before its time, and goes on with the next start.
    pub async fn upload(&self, plan: u64, progress: mpsc::Sender<UploadStep>) -> Result<UploadEnd, Fault> {
        self.try_ask(|answer| Ask::Upload(plan, progress, answer)).await
    }

    /// Ends the upload that is under way. What is on the relay stays there.
    pub async fn stop_upload(&self) {
        self.ask(Ask::StopUpload).await;
    }

    /// Writes a text without secrets for whoever helps; gives where.
    ///
    /// # Errors
    /// It cannot be written.
    pub async fn bundle(&self) -> Result<PathBuf, Fault> {
        self.try_ask(Ask::Bundle).await
    }

    /// What went wrong where the model is shown, in the words that are spoken.
    pub async fn fault(&self, wrong: Wrong) -> Fault {
        self.ask(|answer| Ask::Fault(wrong, answer)).await.unwrap_or_else(ending)
    }

    /// Ends everything: what was read is on the disk then, and goes on with the next start. It takes three seconds at
    /// most.
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
    fault(&Wrong::Ending, words::of(Language::default()))
}
