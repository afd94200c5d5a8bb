//! What packs for Windows on Linux.

use anyhow::{Result, bail};

use super::{Installer, find};

/// Programs, each with its package.
const PROGRAMS: [(&str, &str); 3] =
    [("x86_64-w64-mingw32-gcc", "gcc-mingw-w64-x86-64-win32"), ("makensis", "nsis"), ("zip", "zip")];

/// Installs what is missing.
///
/// # Errors
/// It cannot be installed here; the text names it.
pub(crate) fn windows() -> Result<()> {
    let missing: Vec<_> =
        PROGRAMS.iter().filter(|(program, _)| find(program).is_none()).map(|(_, package)| *package).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let Some(installer) = Installer::find() else { bail!("there is no apt-get for {}", missing.join(", ")) };
    installer.update()?;
    installer.packages(&missing)
}
