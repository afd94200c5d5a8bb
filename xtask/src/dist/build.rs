//! The programs that are given to others.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::command::{cargo, root, run, target};

/// Linux, as cargo calls it.
pub(crate) const LINUX: &str = "x86_64-unknown-linux-gnu";
/// Windows, as cargo calls it where it is built on Linux.
pub(crate) const WINDOWS: &str = "x86_64-pc-windows-gnu";

/// How it is built.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    /// To be given away.
    Release,
    /// To try how it is packed.
    Debug,
}

/// Builds the programs for a system; where they lie. For Windows there is no relay.
///
/// # Errors
/// A build fails.
pub(crate) fn programs(system: &str, profile: Profile) -> Result<PathBuf> {
    // Client and app share a key store, so the command line has to know it, too.
    let client = ["--package", "raidcast", "--package", "raidcast-desktop", "--features", "raidcast/secret-service"];
    build(system, profile, &client)?;
    if system == LINUX {
        // Apart: what the app asks of shared parts is not the relay's.
        build(system, profile, &["--package", "raidcast-relay"])?;
    }
    let profile = if profile == Profile::Release { "release" } else { "debug" };
    Ok(folder().join(system).join(profile))
}

/// A folder of its own: these programs do not say where they were built, and so are built of other flags.
fn folder() -> PathBuf {
    target().join("dist-build")
}

fn build(system: &str, profile: Profile, packages: &[&str]) -> Result<()> {
    let mut command = cargo();
    command.args(["build", "--locked", "--bins", "--target", system]).args(packages);
    if profile == Profile::Release {
        command.arg("--release");
    }
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")));
    command.env("CARGO_ENCODED_RUSTFLAGS", remapped(&root(), home.as_deref()));
    command.env("CARGO_TARGET_DIR", folder());
    run(&mut command)
}

/// Flags by which nothing of this machine's folders stands in the programs, as cargo takes several.
fn remapped(root: &Path, home: Option<&Path>) -> String {
    let mut flags = vec![format!("--remap-path-prefix={}=raidcast", root.display())];
    flags.extend(home.map(|home| format!("--remap-path-prefix={}=cargo", home.display())));
    flags.join("\u{1f}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_with_spaces_are_one_flag_each() {
        let flags = remapped(Path::new("/my work/raidcast"), Some(Path::new("/home/a b/.cargo")));
        let flags: Vec<_> = flags.split('\u{1f}').collect();
        assert_eq!(
            flags,
            ["--remap-path-prefix=/my work/raidcast=raidcast", "--remap-path-prefix=/home/a b/.cargo=cargo"]
        );
    }
}
