//! The package for Debian and its like: client and app, with an entry in the menu and icons.
//!
//! `dpkg-deb` packs it; what stands in it is laid out here. Tauri's own packer makes the same of the app alone, needs its
//! command line for it, and cannot add the client.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::Update;
use super::archive::{FOR_RAIDERS, documents, open_to_all, put, put_program};
use super::release::Release;
use crate::command::{root, run};

/// What the app is called among the programs of a desktop: as its window says it.
pub(super) const ENTRY: &str = "raidcast-desktop";
/// Sizes of its icon.
const ICONS: [u32; 3] = [32, 128, 256];
/// What the app's updater reads in its own program, to know how it was installed: first as it is built, then as a
/// package has it.
const MARKS: (&[u8], &[u8]) = (b"__TAURI_BUNDLE_TYPE_VAR_UNK", b"__TAURI_BUNDLE_TYPE_VAR_DEB");

/// Packs it.
///
/// # Errors
/// Something is missing, or dpkg-deb fails.
pub(super) fn package(release: &Release, programs: &Path) -> Result<Update> {
    let folder = release.staged("deb")?;
    let (bin, share) = (folder.join("usr/bin"), folder.join("usr/share"));
    put_program(&programs.join("raidcast"), &bin.join("raidcast"))?;
    let app = fs::read(programs.join(ENTRY)).context("could not read the app")?;
    let (app, needs) = (marked(app)?, glibc(&fs::read(programs.join("raidcast"))?));
    let needs = needs.max(glibc(&app));
    fs::write(bin.join(ENTRY), app)?;
    fs::set_permissions(bin.join(ENTRY), fs::Permissions::from_mode(0o755))?;
    let desktop = root().join("client/desktop");
    let entry = format!("{ENTRY}.desktop");
    put(&desktop.join("linux").join(&entry), &share.join("applications").join(&entry))?;
    for size in ICONS {
        let icon = share.join(format!("icons/hicolor/{size}x{size}/apps/{ENTRY}.png"));
        put(&desktop.join(format!("icons/{size}.png")), &icon)?;
    }
    let about = share.join("doc/raidcast");
    documents(&about, &FOR_RAIDERS)?;
    put(&desktop.join("linux/copyright"), &about.join("copyright"))?;
    let control = folder.join("DEBIAN/control");
    fs::create_dir_all(folder.join("DEBIAN"))?;
    fs::write(&control, text(release, needs, kib(&folder)?))?;
    open_to_all(&folder)?;

    let file = release.name("raidcast", "amd64.deb");
    let mut pack = Command::new("dpkg-deb");
    pack.env("SOURCE_DATE_EPOCH", release.epoch.to_string());
    run(pack.args(["--root-owner-group", "-Zxz", "--build"]).arg(&folder).arg(release.out.join(&file)))?;
    run(Command::new("dpkg-deb").arg("--info").arg(release.out.join(&file)))?;
    Ok(Update { platforms: &["linux-x86_64-deb"], file, signature: None })
}

/// The app, which knows that it is in this package: its updater asks the system to install the next one.
fn marked(mut app: Vec<u8>) -> Result<Vec<u8>> {
    let (built, packed) = MARKS;
    let found: Vec<_> = (0..app.len().saturating_sub(built.len())).filter(|at| app[*at..].starts_with(built)).collect();
    let [at] = found[..] else {
        bail!("the app says {} times how it was installed, and not once: has Tauri changed that?", found.len());
    };
    app[at..at + packed.len()].copy_from_slice(packed);
    Ok(app)
}

/// The newest version of the C library that a program asks for, as (2, 36).
fn glibc(program: &[u8]) -> (u32, u32) {
    let mark = b"GLIBC_";
    let mut newest = (2, 0);
    for at in 0..program.len().saturating_sub(mark.len()) {
        let Some(rest) = program[at..].strip_prefix(mark) else { continue };
        let text: String = rest
            .iter()
            .map(|byte| char::from(*byte))
            .take_while(|sign| sign.is_ascii_digit() || *sign == '.')
            .collect();
        let mut numbers = text.split('.').map(str::parse);
        if let (Some(Ok(major)), Some(Ok(minor))) = (numbers.next(), numbers.next()) {
            newest = newest.max((major, minor));
        }
    }
    newest
}

fn text(release: &Release, glibc: (u32, u32), kib: u64) -> String {
    let version = release.debian();
    let (major, minor) = glibc;
    format!(
        "Package: raidcast\n\
         Version: {version}\n\
         Architecture: amd64\n\
         Maintainer: The Raidcast authors\n\
         Installed-Size: {kib}\n\
         Depends: libc6 (>= {major}.{minor}), libgtk-3-0, libwebkit2gtk-4.1-0\n\
         Recommends: xdg-utils\n\
         Section: games\n\
         Priority: optional\n\
         Description: shows a raid's fights live\n \
         A tray app and a command line that follow a combat meter of\n \
         Blue Protocol: Star Resonance and send what is new to a Raidcast relay,\n \
         which shows the fight on a page while it happens.\n"
    )
}

/// What a folder takes on the disk, KiB.
fn kib(folder: &Path) -> Result<u64> {
    let mut kib = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        kib += match entry.file_type()?.is_dir() {
            true => self::kib(&entry.path())?,
            false => entry.metadata()?.len().div_ceil(1024),
        };
    }
    Ok(kib)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dist::release::of;

    #[test]
    fn the_app_is_marked_where_it_says_once_how_it_was_installed() {
        let app = |times: usize| {
            [b"before ".to_vec(), MARKS.0.repeat(times), b" __TAURI_BUNDLE_TYPE_VAR_RPM".to_vec()].concat()
        };
        let marked_once = marked(app(1)).expect("one mark");
        assert_eq!(marked_once, [&b"before "[..], MARKS.1, b" __TAURI_BUNDLE_TYPE_VAR_RPM"].concat());
        assert!(marked(app(0)).is_err() && marked(app(2)).is_err(), "it is not guessed which one is read");
    }

    #[test]
    fn the_package_asks_for_the_newest_c_library_that_a_program_does() {
        assert_eq!(glibc(b"x\0GLIBC_2.4\0GLIBC_2.34\0GLIBC_PRIVATE\0GLIBC_2.9\0GLIBC_2.3.4\0GLIBC_"), (2, 34));
        assert_eq!(glibc(b"a program that asks for none"), (2, 0));
        let text = text(&of("0.2.0-beta.1"), (2, 36), 41_000);
        assert!(text.contains("\nVersion: 0.2.0~beta.1\n") && text.contains("\nDepends: libc6 (>= 2.36), "), "{text}");
        // A line that begins with a space goes on with the field before it.
        assert!(text.lines().all(|line| line.starts_with(' ') || line.contains(": ")), "{text}");
        assert!(text.ends_with("happens.\n"));
    }
}
