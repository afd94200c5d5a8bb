//! What updates are given: whom they trust, where they look, and what they replace.

use std::path::PathBuf;
use std::sync::Arc;

use raidcast::clock::Clock;
use raidcast_desktop_model::view::{Notice, UpdateView};
use tauri::{AppHandle, Runtime};

use crate::notice;

/// The key of releases that this build trusts, as `tauri signer` writes it.
const KEY: Option<&str> = option_env!("RAIDCAST_UPDATE_KEY");
/// Where the project has its channel file.
const PROJECT: Option<&str> = option_env!("RAIDCAST_CHANNEL_URL");

/// What updates are given.
pub struct Given {
    /// The key of releases; `None`: nobody is trusted, and nothing is looked for.
    pub key: Option<String>,
    /// Where the project has its channel file, if anywhere.
    pub project: Option<String>,
    /// The program that is replaced; `None`: this one, in the way in which it was installed.
    pub program: Option<PathBuf>,
    /// What time it is.
    pub clock: Clock,
    /// Shows how it stands. It must not wait, nor ask how it stands.
    pub shown: Arc<dyn Fn(&UpdateView) + Send + Sync>,
    /// Tells something beside the window. It must not wait.
    pub tell: Arc<dyn Fn(Notice) + Send + Sync>,
    /// Starts the app again, when the model has put everything away.
    pub restart: Arc<dyn Fn() + Send + Sync>,
}

impl Given {
    /// What was built in.
    pub fn of_this_build<R: Runtime>(app: &AppHandle<R>, shown: impl Fn(&UpdateView) + Send + Sync + 'static) -> Self {
        let app = app.clone();
        let set = |text: Option<&str>| text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
        Self {
            key: set(KEY),
            project: set(PROJECT),
            program: None,
            clock: Clock::system(),
            shown: Arc::new(shown),
            tell: Arc::new(notice::tell),
            restart: Arc::new(move || app.request_restart()),
        }
    }
}
