//! GNOME's keyring on a stage's bus: a Secret Service that is unlocked, as it is when somebody has signed in.

use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::bus::Desktop;
use crate::process::Process;
use crate::stage::Stage;
use crate::wait::becomes;

/// Starts it; it ends when it is dropped.
pub(crate) async fn unlocked(stage: &Stage, desktop: &Desktop) -> Process {
    let mut command = Command::new("gnome-keyring-daemon");
    command.args(["--foreground", "--unlock", "--components=secrets"]);
    stage.dress(&mut command).stdin(Stdio::piped()).stdout(stage.said_to("keyring.said")).stderr(Stdio::null());
    let mut keyring = Process::start(&mut command);
    keyring.stdin().write_all(b"a password").unwrap();
    becomes("the keyring answers", async || desktop.has("org.freedesktop.secrets").await).await;
    keyring
}
