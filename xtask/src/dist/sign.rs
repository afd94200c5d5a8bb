//! Signatures, by which the app takes a file for its project's and of that version.
//!
//! The key comes by the environment and goes to Tauri's own command line; nothing of it is printed or kept.

use std::fs;

use anyhow::{Context as _, Result};

use super::release::Release;
use crate::command::run;
use crate::machine::{self, Need};

/// The variable with the key itself; beside it TAURI_SIGNING_PRIVATE_KEY_PASSWORD.
pub(super) const KEY: &str = "TAURI_SIGNING_PRIVATE_KEY";
/// The variable with the path of the key's file.
pub(super) const KEY_FILE: &str = "TAURI_SIGNING_PRIVATE_KEY_PATH";
/// What signs: of the version whose signatures the app's updater reads.
const SIGNER: &str = "--package=@tauri-apps/cli@2.12.5";

/// Whether somebody gave a key.
pub(super) fn has_key() -> bool {
    [KEY, KEY_FILE].iter().any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

/// Signs a file for this version, and leaves the signature beside it.
///
/// # Errors
/// npm or the signer fails.
pub(super) fn sign(release: &Release, file: &str) -> Result<String> {
    machine::prepare(&[Need::Web])?;
    let path = release.out.join(file);
    let mut npm = machine::npm();
    npm.args(["exec", "--yes", SIGNER, "--", "tauri", "signer", "sign", "--app-version", &release.version]);
    // A terminal would be asked for the password.
    run(npm.arg(&path).env("CI", "true"))?;
    let signature = release.out.join(format!("{file}.sig"));
    let text = fs::read_to_string(&signature).with_context(|| format!("the signer left no {}", signature.display()))?;
    Ok(text.trim().to_owned())
}
