//! GNOME's keyring on a stage's bus: a Secret Service, unlocked as it is when somebody has signed in, or locked.

use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::bus::Desktop;
use crate::process::Process;
use crate::stage::Stage;
use crate::wait::becomes;

/// Its name on the bus.
const SECRETS: &str = "org.freedesktop.secrets";

/// Starts it with what it has kept, if anything; it ends when it is dropped.
pub(crate) async fn unlocked(stage: &Stage, desktop: &Desktop) -> Process {
    let mut keyring = start(stage, &["--unlock"]);
    keyring.stdin().write_all(b"a password").unwrap();
    becomes("the keyring answers", async || desktop.has(SECRETS).await).await;
    keyring
}

/// The same before somebody has said the password, and with nobody there who could be asked for it.
pub(crate) async fn locked(stage: &Stage, desktop: &Desktop) -> Process {
    let keyring = start(stage, &[]);
    becomes("the keyring answers", async || desktop.has(SECRETS).await).await;
    keyring
}

/// Ends it, and waits until nobody answers in its place.
pub(crate) async fn ends(keyring: Process, desktop: &Desktop) {
    drop(keyring);
    becomes("the keyring answers no more", async || !desktop.has(SECRETS).await).await;
}

fn start(stage: &Stage, arguments: &[&str]) -> Process {
    let mut command = Command::new("gnome-keyring-daemon");
    command.args(["--foreground", "--components=secrets"]).args(arguments);
    stage.dress(&mut command).stdin(Stdio::piped()).stdout(stage.said_to("keyring.said")).stderr(Stdio::null());
    Process::start(&mut command)
}
