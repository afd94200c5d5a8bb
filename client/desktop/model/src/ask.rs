//! What the handle asks the model's task: one variant for each, with a place for the answer.

use std::path::PathBuf;

use tokio::sync::{mpsc, oneshot};

use crate::view::{
    AboutView, Fault, FightFilter, FightPage, FirstChoice, FirstView, KeptView, Link, MeterView, Notice, NowView,
    PairStep, PairView, RelayView, SettingsChange, SettingsView, UpdateRule, UploadChoice, UploadEnd, UploadPlan,
    UploadStep,
};
use crate::wrong::Wrong;

/// Where an answer goes.
pub(crate) type Answer<T> = oneshot::Sender<T>;
/// Where an answer goes, or why something was not done.
pub(crate) type Outcome<T> = Answer<Result<T, Fault>>;

/// What the handle asks the model's task.
pub(crate) enum Ask {
    /// What is now.
    Now(Answer<NowView>),
    /// There is an icon in the tray, or none.
    Trayed(bool),
    /// Nothing is sent from now on, or it goes on.
    Pause(bool, Outcome<NowView>),
    /// This raid is for those alone who have its link, or as the settings say.
    Private(bool, Outcome<NowView>),
    /// What is tried again after some time is tried now.
    TryNow(Outcome<NowView>),
    /// Fights that were not taken are tried again.
    Again(Vec<String>, Outcome<()>),
    /// The settings.
    Settings(Answer<SettingsView>),
    /// A change of the settings.
    Change(SettingsChange, Outcome<SettingsView>),
    /// A link, to be opened or to be copied.
    Link(Link, bool, Outcome<String>),
    /// What a channel file says; `None`: there is none.
    Update(Option<serde_json::Value>, Answer<UpdateRule>),
    /// Whether an update may be installed now.
    MayInstall(Answer<bool>),
    /// What is to be told of a version that is offered.
    UpdateNotice(String, Answer<Option<Notice>>),
    /// A version that is not wanted.
    Skip(String, Outcome<()>),
    /// What the app is.
    About(Answer<AboutView>),
    /// How the first start stands.
    First(Outcome<FirstView>),
    /// All meters that are found.
    FindMeters(Answer<Vec<MeterView>>),
    /// The meter to be read; `None`: the one that was written last, now or later.
    UseMeter(Option<String>, Outcome<FirstView>),
    /// The relay, by whatever was typed or pasted.
    Relay(String, Outcome<RelayView>),
    /// A code is to be had from the relay.
    Pair(Outcome<PairView>),
    /// How the pairing stands.
    Pairing(Answer<PairStep>),
    /// It is not wanted any more.
    StopPairing(Answer<()>),
    /// A key that was pasted.
    PasteKey(String, Outcome<KeptView>),
    /// The key is to be forgotten.
    ForgetKey(Outcome<bool>),
    /// The end of the first start.
    FinishFirst(FirstChoice, Outcome<NowView>),
    /// A page of the list of fights.
    Fights(FightFilter, Answer<FightPage>),
    /// What an upload would send.
    Plan(UploadChoice, Outcome<UploadPlan>),
    /// Somebody agrees to it, by its number; each step goes there.
    Upload(u64, mpsc::Sender<UploadStep>, Outcome<UploadEnd>),
    /// It is not wanted any more.
    StopUpload(Answer<()>),
    /// A text for whoever helps.
    Bundle(Outcome<PathBuf>),
    /// What went wrong where it is shown, in the words that are spoken.
    Fault(Wrong, Answer<Fault>),
    /// The end.
    Quit(Answer<()>),
}
