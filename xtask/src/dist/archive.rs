//! Archives: programs with what is to be read about them.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use super::release::Release;
use crate::command::{root, run};

/// What every archive has.
const ALWAYS: [&str; 3] = ["CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT"];
/// What is read by who plays.
pub(super) const FOR_RAIDERS: [&str; 2] = ["docs/client.md", "docs/desktop.md"];
/// What is read by who runs a relay.
const FOR_OPERATORS: [&str; 4] =
    ["docs/api.md", "docs/operating.md", "docs/proxies/Caddyfile", "docs/proxies/nginx.conf"];

/// The relay's archive for Linux.
///
/// # Errors
/// The disk does not take it, or tar fails.
pub(super) fn relay(release: &Release, programs: &Path) -> Result<()> {
    let folder = release.staged(&release.name("raidcast-relay", "linux-x86_64"))?;
    put_program(&programs.join("raidcast-relay"), &folder.join("raidcast-relay"))?;
    documents(&folder, &FOR_OPERATORS)?;
    tar(release, &folder)
}

/// The client's and the app's archive for Linux.
///
/// # Errors
/// As [`relay`].
pub(super) fn client(release: &Release, programs: &Path) -> Result<()> {
    let folder = release.staged(&release.name("raidcast", "linux-x86_64"))?;
    for program in ["raidcast", "raidcast-desktop"] {
        put_program(&programs.join(program), &folder.join(program))?;
    }
    documents(&folder, &FOR_RAIDERS)?;
    tar(release, &folder)
}

/// Copies a program, which everybody may start.
///
/// # Errors
/// It is not there, or the disk does not take it.
pub(super) fn put_program(from: &Path, to: &Path) -> Result<()> {
    put(from, to)?;
    fs::set_permissions(to, fs::Permissions::from_mode(0o755))?;
    Ok(())
}

/// Copies a file, which everybody may read, and makes its folder.
///
/// # Errors
/// As [`put_program`].
pub(super) fn put(from: &Path, to: &Path) -> Result<()> {
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::copy(from, to).with_context(|| format!("could not copy {}", from.display()))?;
    fs::set_permissions(to, fs::Permissions::from_mode(0o644))?;
    Ok(())
}

/// Lays the documents into a folder, without folders of their own.
///
/// # Errors
/// One is not there.
pub(super) fn documents(folder: &Path, which: &[&str]) -> Result<()> {
    for document in ALWAYS.iter().chain(which) {
        let name = document.rsplit('/').next().unwrap_or(document);
        put(&root().join(document), &folder.join(name))?;
    }
    Ok(())
}

/// Lets everybody read what was laid out, whatever new folders are to whoever packs.
///
/// # Errors
/// chmod fails.
pub(super) fn open_to_all(folder: &Path) -> Result<()> {
    run(Command::new("chmod").args(["-R", "u=rwX,go=rX"]).arg(folder))
}

/// Packs a folder so that the same content gives the same bytes.
fn tar(release: &Release, folder: &Path) -> Result<()> {
    let (above, name) = (folder.parent().context("a folder")?, folder.file_name().context("a folder")?);
    open_to_all(folder)?;
    let archive = release.out.join(format!("{}.tar.gz", name.to_string_lossy()));
    let mut tar = Command::new("tar");
    tar.args(["--sort=name", "--owner=0", "--group=0", "--numeric-owner", "--format=gnu"]);
    tar.arg(format!("--mtime=@{}", release.epoch)).args(["-I", "gzip -n9", "-cf"]);
    run(tar.arg(archive).arg("-C").arg(above).arg(name))
}

/// Packs a folder for Windows.
///
/// # Errors
/// zip fails.
pub(super) fn zip(release: &Release, folder: &Path, name: &str) -> Result<()> {
    open_to_all(folder)?;
    // zip takes each file's time from the disk.
    let (above, inside) = (folder.parent().context("a folder")?, folder.file_name().context("a folder")?);
    let found = Command::new("find").arg(folder).output().context("could not start find")?;
    ensure!(found.status.success(), "find failed");
    let listed = String::from_utf8(found.stdout).context("a path is no text")?;
    let mut touch = Command::new("touch");
    touch.args(["-d", &format!("@{}", release.epoch)]).args(listed.lines()).stdout(Stdio::null());
    ensure!(touch.status().context("could not start touch")?.success(), "touch failed");
    let mut zip = Command::new("zip");
    // Its times are of a place on the earth.
    zip.env("TZ", "UTC").args(["-X", "-q", "-r"]).arg(release.out.join(name)).arg(inside);
    run(zip.current_dir(above))
}
