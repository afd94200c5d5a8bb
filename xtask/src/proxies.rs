//! Debian's nginx and Caddy for the tests that run the examples of docs/proxies, and promtool for the one that has it look at
//! the relay's metrics.
//!
//! Unpacked below target and not installed: an installed one is a server that starts by itself, on ports that somebody
//! may need.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};

use crate::command::{root, run};
use crate::machine::{Installer, find};

/// Programs, each with its package.
const PROGRAMS: [(&str, &str); 3] = [("nginx", "nginx"), ("caddy", "caddy"), ("promtool", "prometheus")];

/// Where the relay's tests look for them.
fn folder() -> PathBuf {
    root().join("target/proxies")
}

fn is_there(program: &str) -> bool {
    let places = [PathBuf::from("/usr/sbin"), folder().join("usr/sbin"), folder().join("usr/bin")];
    find(program).is_some() || places.iter().any(|place| place.join(program).is_file())
}

/// Brings what is missing.
///
/// # Errors
/// It cannot be brought here; the text says what is missing.
pub(crate) fn unpack() -> Result<()> {
    let programs: Vec<_> = PROGRAMS.into_iter().filter(|(program, _)| !is_there(program)).collect();
    let missing: Vec<_> = programs.iter().map(|(_, package)| *package).collect();
    if missing.is_empty() {
        return Ok(());
    }
    if find("apt-get").is_none() || find("dpkg-deb").is_none() {
        bail!("{} cannot be fetched without apt-get: install them to have their tests", missing.join(" and "));
    }
    let packages = folder().join("packages");
    fs::create_dir_all(&packages)?;
    let download = || run(Command::new("apt-get").args(["download", "-q"]).args(&missing).current_dir(&packages));
    if download().is_err() {
        // An apt that was never asked knows no packages.
        let Some(installer) = Installer::find() else { bail!("apt-get does not find {}", missing.join(" and ")) };
        installer.update()?;
        download()?;
    }
    for entry in fs::read_dir(&packages)? {
        let path = entry?.path();
        if path.extension().is_some_and(|end| end == "deb") {
            run(Command::new("dpkg-deb").arg("-x").arg(&path).arg(folder()))?;
        }
    }
    fs::remove_dir_all(&packages)?;
    let missing: Vec<_> =
        programs.into_iter().filter(|(program, _)| !is_there(program)).map(|(_, package)| package).collect();
    if !missing.is_empty() {
        bail!("the packages of {} hold no such program", missing.join(" and "));
    }
    Ok(())
}
