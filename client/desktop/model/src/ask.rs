//! What the handle asks the model's task: one variant for each, with a place for the answer.

use tokio::sync::oneshot;

use crate::view::{AboutView, Fault, Link, NowView, SettingsChange, SettingsView, UpdateRule};

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
    /// A version that is not wanted.
    Skip(String, Outcome<()>),
    /// What the app is.
    About(Answer<AboutView>),
    /// The end.
    Quit(Answer<()>),
}
