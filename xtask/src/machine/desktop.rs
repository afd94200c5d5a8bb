//! What the desktop app is built of, and the desktop that its tests bring along.

use std::path::Path;
use std::process::{Command, Stdio};

use super::find;

/// Libraries by the names that pkg-config knows, each with its package.
const LIBRARIES: [(&str, &str); 2] = [("webkit2gtk-4.1", "libwebkit2gtk-4.1-dev"), ("librsvg-2.0", "librsvg2-dev")];
/// Programs that its tests start, each with its package: a desktop without a screen, and who looks at it.
const PROGRAMS: [(&str, &str); 7] = [
    ("pkg-config", "pkg-config"),
    ("WebKitWebDriver", "webkit2gtk-driver"),
    ("Xvfb", "xvfb"),
    ("import", "imagemagick"),
    ("gnome-keyring-daemon", "gnome-keyring"),
    ("dbus-daemon", "dbus-daemon"),
    ("python3", "python3"),
];

/// What is started by its own path, each with its package: the bus on which a screen reader hears of windows.
const APART: [(&str, &str); 1] = [("/usr/libexec/at-spi-bus-launcher", "at-spi2-core")];

/// The packages that are missing.
pub(super) fn missing() -> Vec<&'static str> {
    let libraries = LIBRARIES.iter().filter(|(library, _)| !has_library(library));
    let programs = PROGRAMS.iter().filter(|(program, _)| find(program).is_none());
    let apart = APART.iter().filter(|(path, _)| !Path::new(path).is_file());
    libraries.chain(programs).chain(apart).map(|(_, package)| *package).collect()
}

fn has_library(library: &str) -> bool {
    let mut asked = Command::new("pkg-config");
    asked.args(["--exists", library]).stdout(Stdio::null()).stderr(Stdio::null());
    asked.status().is_ok_and(|status| status.success())
}
