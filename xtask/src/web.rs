//! The pages, of the relay, of the desktop app and of saved fights: their packages, their build, and whether what is committed is what
//! their sources make.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use crate::aside::say;
use crate::command::{root, run};
use crate::machine::npm;

/// What is built, each with its folder in web/.
const BUILDS: [(&str, &str); 3] = [("build", "dist"), ("build:desktop", "dist-desktop"), ("build:file", "dist-file")];

/// Installs the pages' packages and builds them.
///
/// # Errors
/// npm or the build fails.
pub(crate) fn build() -> Result<()> {
    install()?;
    for (build, _) in BUILDS {
        run(npm().args(["run", build]))?;
    }
    Ok(())
}

/// Installs what package-lock.json names, unless that was done since it changed.
///
/// # Errors
/// npm fails.
pub(crate) fn install() -> Result<()> {
    let web = root().join("web");
    let written = |file: &str| fs::metadata(web.join(file)).and_then(|meta| meta.modified()).ok();
    // npm writes the second when it has installed the first.
    let (lock, installed) = (written("package-lock.json"), written("node_modules/.package-lock.json"));
    if installed.is_some() && installed >= lock {
        say("web/node_modules is in step with package-lock.json");
        return Ok(());
    }
    run(npm().args(["ci", "--no-audit", "--no-fund"]))
}

/// Builds the pages again and compares byte by byte with what is committed.
///
/// The build goes elsewhere: new files in web/dist would have cargo build the relay again.
///
/// # Errors
/// A build fails, or differs.
pub(crate) fn check_dist() -> Result<()> {
    for (build, folder) in BUILDS {
        let fresh = root().join("target").join(format!("web-{folder}"));
        run(npm().args(["run", build, "--", "--emptyOutDir", "--outDir"]).arg(&fresh))?;
        compare(folder, &fresh)?;
    }
    Ok(())
}

fn compare(folder: &str, fresh: &Path) -> Result<()> {
    let (held, made) = (files(&root().join("web").join(folder))?, files(fresh)?);
    let names: std::collections::BTreeSet<_> = held.keys().chain(made.keys()).collect();
    let differing: Vec<_> = names.into_iter().filter(|name| held.get(*name) != made.get(*name)).cloned().collect();
    if !differing.is_empty() {
        bail!("web/{folder} is not what web/src makes ({}): run `cargo xtask web` and commit it", differing.join(", "));
    }
    println!("web/{folder} is what web/src makes: {} files, byte by byte", held.len());
    Ok(())
}

/// Every file below a folder, by its path in it.
fn files(folder: &Path) -> Result<BTreeMap<String, Vec<u8>>> {
    fn walk(folder: &Path, prefix: &str, found: &mut BTreeMap<String, Vec<u8>>) -> std::io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            if entry.file_type()?.is_dir() {
                walk(&entry.path(), &format!("{name}/"), found)?;
            } else {
                found.insert(name, fs::read(entry.path())?);
            }
        }
        Ok(())
    }
    let mut found = BTreeMap::new();
    walk(folder, "", &mut found).with_context(|| format!("could not read {}", folder.display()))?;
    Ok(found)
}
