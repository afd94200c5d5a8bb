//! What is given to people with Windows: an installer and an archive. Built on Linux; nothing of it is started there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use super::Update;
use super::archive::{FOR_RAIDERS, documents, put, zip};
use super::build::{Profile, WINDOWS, programs};
use super::release::Release;
use crate::command::{root, run};
use crate::machine;

/// What the app's window is shown by: Microsoft's, linked at its start.
const LOADER: &str = "WebView2Loader.dll";

/// Makes both; or says what is missing here.
///
/// # Errors
/// A build, or a program that packs, fails.
pub(super) fn make(release: &Release, profile: Profile) -> Result<Result<Update, String>> {
    if let Err(error) = machine::windows() {
        return Ok(Err(format!("{error:#}")));
    }
    if !has_target() {
        // Where it cannot be had, the look after it says so.
        let _ = run(Command::new("rustup").args(["target", "add", WINDOWS]));
    }
    if !has_target() {
        return Ok(Err(format!("Rust has no libraries for it; `rustup target add {WINDOWS}` brings them")));
    }
    let built = programs(WINDOWS, profile)?;
    let folder = release.staged(&release.name("raidcast", "x64"))?;
    for program in ["raidcast.exe", "raidcast-desktop.exe"] {
        put(&built.join(program), &folder.join(program))?;
    }
    put(&loader(&built)?, &folder.join(LOADER))?;
    documents(&folder, &FOR_RAIDERS)?;
    zip(release, &folder, &release.name("raidcast", "x64.zip"))?;

    let file = release.name("raidcast", "x64-setup.exe");
    let desktop = root().join("client/desktop");
    let mut installer = Command::new("makensis");
    installer.env("SOURCE_DATE_EPOCH", release.epoch.to_string()).args(["-V2", "-WX"]);
    installer.arg(format!("-DVERSION={}", release.version)).arg(format!("-DVERSION4={}", release.windows()));
    installer.arg(format!("-DFROM={}", folder.display())).arg(format!("-DOUT={}", release.out.join(&file).display()));
    installer.arg(format!("-DICON={}", desktop.join("icons/icon.ico").display()));
    run(installer.arg(desktop.join("windows/raidcast.nsi")))?;
    println!("Nothing of this was started on Windows: docs/releasing.md says what to try there");
    Ok(Ok(Update { platforms: &["windows-x86_64"], file, signature: None }))
}

/// Whether Rust has its libraries.
fn has_target() -> bool {
    let told = Command::new("rustc").args(["--print", "target-libdir", "--target", WINDOWS]).output();
    told.is_ok_and(|told| Path::new(String::from_utf8_lossy(&told.stdout).trim()).is_dir())
}

/// The loader: beside the programs, or where the crate that has it left it.
fn loader(built: &Path) -> Result<PathBuf> {
    let beside = built.join(LOADER);
    if beside.is_file() {
        return Ok(beside);
    }
    for entry in fs::read_dir(built.join("build"))? {
        let path = entry?.path().join("out/x64").join(LOADER);
        if path.is_file() {
            return Ok(path);
        }
    }
    None.with_context(|| format!("the build left no {LOADER}: has webview2-com-sys changed where it puts it?"))
}
