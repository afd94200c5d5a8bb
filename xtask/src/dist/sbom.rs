//! The lists of parts (SBOM), in the form of `CycloneDX`: of what each program is made, with versions and licences.

use std::fs;

use anyhow::{Context as _, Result};

use super::build::LINUX;
use super::release::Release;
use crate::command::{cargo, root, run};
use crate::machine;

/// What lists them, and its version.
const CYCLONEDX: [&str; 4] = ["install", "--locked", "--debug", "cargo-cyclonedx@0.5.9"];
/// What it writes beside each package; none of it stays there.
const FILE: &str = "raidcast-parts";
/// Packages whose programs are given away, each with its folder.
const PACKAGES: [(&str, &str); 3] =
    [("raidcast", "client"), ("raidcast-desktop", "client/desktop"), ("raidcast-relay", "relay")];

/// Writes the lists; or says why there are none.
///
/// # Errors
/// The disk does not take them.
pub(super) fn write(release: &Release) -> Result<Result<(), String>> {
    if !machine::is_cargos("cyclonedx")
        && let Err(error) = run(cargo().args(CYCLONEDX))
    {
        return Ok(Err(format!("{error:#}")));
    }
    let mut list = cargo();
    list.args([
        "cyclonedx",
        "--format",
        "json",
        "--spec-version",
        "1.5",
        "--target",
        LINUX,
        "--override-filename",
        FILE,
    ]);
    // The same tree gives the same lists: no time, and no number by chance.
    list.env("SOURCE_DATE_EPOCH", release.epoch.to_string());
    let listed = run(&mut list);
    for (package, folder) in PACKAGES {
        let written = root().join(folder).join(format!("{FILE}.json"));
        if listed.is_ok() {
            let name = release.name(package, "linux-x86_64.cdx.json");
            let text = fs::read_to_string(&written).with_context(|| format!("no list of {package} was written"))?;
            // Our own packages are named by where they lie.
            fs::write(release.out.join(name), text.replace(&root().display().to_string(), "/raidcast"))?;
        }
    }
    clear()?;
    Ok(listed.map_err(|error| format!("{error:#}")))
}

/// It writes one for each member of the workspace.
fn clear() -> Result<()> {
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let name = entry.file_name();
            if entry.file_type()?.is_dir() {
                if !["target", "node_modules", ".git"].iter().any(|skipped| name == *skipped) {
                    folders.push(entry.path());
                }
            } else if name.to_string_lossy().starts_with(FILE) {
                fs::remove_file(entry.path())?;
            }
        }
    }
    Ok(())
}
