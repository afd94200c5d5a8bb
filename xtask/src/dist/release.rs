//! Which version is packed, by what names, and of what time: the same tree gives the same names.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::command::{root, target};

/// A version that is given to others.
pub(crate) struct Release {
    /// The workspace's version.
    pub(crate) version: String,
    /// Time of all files in what is packed, Unix s.
    pub(crate) epoch: u64,
    /// Where everything goes.
    pub(crate) out: PathBuf,
    /// Where packages are laid out before they are packed.
    pub(crate) stage: PathBuf,
}

impl Release {
    /// The one of this tree: its time is that of the last commit, or what `SOURCE_DATE_EPOCH` says.
    ///
    /// # Errors
    /// The tree has no commit, and nothing else says a time.
    pub(crate) fn of_this_tree() -> Result<Self> {
        let epoch = if let Ok(said) = std::env::var("SOURCE_DATE_EPOCH") {
            said
        } else {
            let told = Command::new("git").args(["log", "-1", "--format=%ct"]).current_dir(root()).output();
            String::from_utf8_lossy(&told.context("could not start git")?.stdout).into_owned()
        };
        let epoch = epoch.trim().parse().context("no commit and no SOURCE_DATE_EPOCH says what time it is")?;
        let version = env!("CARGO_PKG_VERSION").to_owned();
        Ok(Self { version, epoch, out: target().join("dist"), stage: target().join("dist-stage") })
    }

    /// Name of a file: `raidcast_0.2.0_amd64.deb`.
    pub(crate) fn name(&self, what: &str, end: &str) -> String {
        format!("{what}_{}_{end}", self.version)
    }

    /// The version as Debian orders it: a try at a version comes before it.
    pub(crate) fn debian(&self) -> String {
        self.version.replacen('-', "~", 1)
    }

    /// The version as Windows' files have it: four numbers.
    pub(crate) fn windows(&self) -> String {
        let numbers = self.version.split(['-', '+']).next().unwrap_or_default();
        format!("{numbers}.0")
    }

    /// An empty folder to lay out a package in.
    ///
    /// # Errors
    /// The disk does not take it.
    pub(crate) fn staged(&self, name: &str) -> Result<PathBuf> {
        let folder = self.stage.join(name);
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
        std::fs::create_dir_all(&folder)?;
        Ok(folder)
    }
}

#[cfg(test)]
pub(super) fn of(version: &str) -> Release {
    Release { version: version.into(), epoch: 1_790_000_000, out: "out".into(), stage: "stage".into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_written_as_each_system_orders_it() {
        let (whole, attempt) = (of("1.2.3"), of("1.2.3-beta.1"));
        assert_eq!(whole.name("raidcast", "amd64.deb"), "raidcast_1.2.3_amd64.deb");
        assert_eq!((whole.debian(), attempt.debian()), ("1.2.3".to_owned(), "1.2.3~beta.1".to_owned()));
        assert_eq!((whole.windows(), attempt.windows()), ("1.2.3.0".to_owned(), "1.2.3.0".to_owned()));
    }
}
