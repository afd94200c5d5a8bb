//! `cargo xtask dist`: what is given to others, in target/dist. docs/releasing.md says how a release is made of it.
//!
//! What cannot be made here is told as SKIPPED, with what is missing. Nothing is uploaded, and no key is kept.

mod archive;
mod build;
mod channel;
mod deb;
mod release;
mod sbom;
mod sign;
mod windows;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};
use clap::Args;

use crate::command::{heading, run};
use build::{LINUX, Profile};
use channel::Rollout;
use release::Release;

/// How it is given out.
#[derive(Args)]
pub(crate) struct Options {
    /// Where the files will lie, like `https://raids.example/downloads`: the channel file names them there
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// A file of plain text: what is new; the app shows it before it installs
    #[arg(long, value_name = "FILE")]
    notes: Option<PathBuf>,
    /// Offer it to so many of a hundred computers
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u8).range(0..=100))]
    percent: u8,
    /// Offer it to nobody
    #[arg(long)]
    stopped: bool,
    /// Offer it to those of an older version than this, whatever --percent says
    #[arg(long, value_name = "VERSION")]
    least: Option<String>,
    /// Leave out what is for Windows
    #[arg(long)]
    skip_windows: bool,
    /// Build it fast and not small: to try this command, not to give away
    #[arg(long)]
    debug: bool,
}

/// Builds and packs all that can be had here.
///
/// # Errors
/// A build or a program that packs fails; what is only missing is none.
pub(crate) fn dist(options: &Options) -> Result<()> {
    let release = Release::of_this_tree()?;
    let profile = if options.debug { Profile::Debug } else { Profile::Release };
    let rollout = Rollout { percent: options.percent, stopped: options.stopped, least: options.least.clone() };
    rollout.check()?;
    let notes = options.notes.as_ref().map(fs::read_to_string).transpose().context("could not read the notes")?;
    if release.out.exists() {
        fs::remove_dir_all(&release.out).with_context(|| format!("could not empty {}", release.out.display()))?;
    }
    fs::create_dir_all(&release.out)?;

    sign::tell_what_is_believed();

    heading("Linux: programs");
    let linux = build::programs(LINUX, profile)?;
    heading("Linux: archives and package");
    archive::relay(&release, &linux)?;
    archive::client(&release, &linux)?;
    let mut updates = vec![deb::package(&release, &linux)?];

    heading("Windows");
    if options.skip_windows {
        println!("SKIPPED: nothing is made for Windows (--skip-windows)");
    } else {
        match windows::make(&release, profile)? {
            Ok(update) => updates.push(update),
            Err(missing) => println!("SKIPPED: nothing is made for Windows: {missing}"),
        }
    }

    heading("List of parts");
    if let Err(missing) = sbom::write(&release)? {
        println!("SKIPPED: no list of parts (SBOM): {missing}");
    }

    heading("Signatures and channel file");
    if sign::has_key() {
        for update in &mut updates {
            update.signature = Some(sign::sign(&release, &update.file)?);
        }
    } else {
        println!("SKIPPED: nothing is signed: set {} or {}", sign::KEY, sign::KEY_FILE);
    }
    match channel::text(&release, options.url.as_deref(), notes.as_deref(), &rollout, &updates) {
        Ok(text) => fs::write(release.out.join(channel::NAME), text)?,
        Err(missing) => println!("SKIPPED: {} is not written: {missing}", channel::NAME),
    }

    heading("Checksums");
    sums(&release)?;
    if profile == Profile::Debug {
        println!("\nThese are programs for debugging: do not give them away");
    }
    println!("\n{}", release.out.display());
    Ok(())
}

/// SHA256SUMS, as `sha256sum --check` reads it, of all that is there.
fn sums(release: &Release) -> Result<()> {
    let mut names = fs::read_dir(&release.out)?.map(|entry| Ok(entry?.file_name())).collect::<Result<Vec<_>>>()?;
    names.sort();
    let sums = Command::new("sha256sum").args(&names).current_dir(&release.out).output();
    let sums = sums.context("could not start sha256sum")?;
    anyhow::ensure!(sums.status.success(), "sha256sum failed");
    fs::write(release.out.join("SHA256SUMS"), &sums.stdout)?;
    run(Command::new("sha256sum").args(["--check", "SHA256SUMS"]).current_dir(&release.out))
}

/// A file that the app's updater takes, for one kind of system.
pub(crate) struct Update {
    /// The systems, as the updater calls them.
    pub(crate) platforms: &'static [&'static str],
    /// Its name in the folder.
    pub(crate) file: String,
    /// What says that it is ours and of this version.
    pub(crate) signature: Option<String>,
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use crate::command::root;

    #[test]
    fn installers_call_the_app_as_it_calls_itself() {
        let read = |path: &str| std::fs::read_to_string(root().join("client/desktop").join(path)).expect(path);
        let app: Value = serde_json::from_str(&read("tauri.conf.json")).expect("the app's configuration");
        let name = |key: &str| app[key].as_str().expect("a name").to_owned();
        let (identifier, program, product) = (name("identifier"), name("mainBinaryName"), name("productName"));
        // Notices on Windows have the name and the icon of the shortcut that has the same identifier.
        let installer = read("windows/raidcast.nsi");
        for line in [
            format!("!define APP_ID \"{identifier}\""),
            format!("!define APP \"{program}.exe\""),
            format!("DeleteRegValue HKCU \"${{RUN}}\" \"{product}\""),
        ] {
            assert!(installer.contains(&line), "the installer says nothing like {line}");
        }
        // The autostart entry and the notices of Linux name this icon and this entry.
        assert_eq!((program.as_str(), super::deb::ENTRY), ("raidcast-desktop", "raidcast-desktop"));
        let entry = read("linux/raidcast-desktop.desktop");
        for line in [format!("Name={product}"), format!("Exec={program}"), format!("Icon={program}")] {
            assert!(entry.lines().any(|has| has == line), "the entry of the menu says no {line}");
        }
    }
}
