//! Whether the app starts with the system: hidden, when its user signs in.
//!
//! What stands with the system is read each time, since people change it there, too. A program that lies where it was
//! built is not put there: it is another one tomorrow, or none.

use std::io;
use std::path::PathBuf;

use raidcast::os_error::OsError;
use raidcast_desktop_model::desk::Desk;
use raidcast_desktop_model::view::Fault;
use raidcast_desktop_model::wrong::Wrong;

/// The argument by which no window is shown at the start.
pub const HIDDEN: &str = "--hidden";

/// Whether it does; `None` where that cannot be chosen here.
pub(crate) fn is_on() -> Option<bool> {
    program()?;
    system::is_on().inspect_err(|error| tracing::warn!(%error, "what starts with the system cannot be read")).ok()
}

/// Lets it, or not; gives what is so then.
///
/// # Errors
/// The system does not take it.
pub(crate) async fn set(desk: &Desk, on: bool) -> Result<Option<bool>, Fault> {
    let program = program().ok_or_else(|| io::Error::other("the program is not installed"));
    match program.and_then(|program| system::set(&program, on)) {
        Ok(()) => Ok(is_on()),
        Err(error) => Err(desk.fault(Wrong::Startup(OsError::from(&error))).await),
    }
}

/// The program that is to be started; `None`: it is none that stays.
fn program() -> Option<PathBuf> {
    // The one file that somebody keeps, and not what it is unpacked to.
    if let Some(image) = std::env::var_os("APPIMAGE").filter(|path| !path.is_empty()) {
        return Some(image.into());
    }
    let program = std::env::current_exe().ok()?;
    let is_built_here = program.ancestors().skip(1).any(|folder| folder.join("CACHEDIR.TAG").exists());
    (!is_built_here).then_some(program)
}

#[cfg(target_os = "linux")]
mod system {
    use std::fs;
    use std::io;
    use std::path::{Path, PathBuf};

    use directories::BaseDirs;

    use super::HIDDEN;

    fn file() -> io::Result<PathBuf> {
        let dirs = BaseDirs::new().ok_or_else(|| io::Error::other("there is no home folder"))?;
        Ok(dirs.config_dir().join("autostart").join("raidcast-desktop.desktop"))
    }

    pub(super) fn is_on() -> io::Result<bool> {
        match fs::read_to_string(file()?) {
            Ok(entry) => Ok(is_meant(&entry)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    pub(super) fn set(program: &Path, on: bool) -> io::Result<()> {
        let file = file()?;
        if on {
            let entry = entry(program)?;
            fs::create_dir_all(file.parent().unwrap_or(&file))?;
            return fs::write(file, entry);
        }
        match fs::remove_file(file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Desktops turn an entry off by a line in it.
    fn is_meant(entry: &str) -> bool {
        let off = |line: &str| {
            let line: String = line.chars().filter(|sign| !sign.is_whitespace()).collect();
            line.eq_ignore_ascii_case("Hidden=true") || line.eq_ignore_ascii_case("X-GNOME-Autostart-enabled=false")
        };
        !entry.lines().any(off)
    }

    fn entry(program: &Path) -> io::Result<String> {
        let path = program.to_str().filter(|path| !path.contains(char::is_control));
        let path = path.ok_or_else(|| io::Error::other("the program's path has signs that cannot be written there"))?;
        Ok(format!(
            "[Desktop Entry]\nType=Application\nName=Raidcast\nIcon=raidcast-desktop\nExec={} {HIDDEN}\nTerminal=false\n",
            quoted(path)
        ))
    }

    /// As such files want a path that may have any signs in it: a backslash is read twice.
    fn quoted(path: &str) -> String {
        let mut quoted = String::from("\"");
        for sign in path.chars() {
            match sign {
                '"' | '`' | '$' => quoted.push_str("\\\\"),
                '\\' => quoted.push_str("\\\\\\"),
                '%' => quoted.push('%'),
                _ => {}
            }
            quoted.push(sign);
        }
        quoted.push('"');
        quoted
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn an_entry_starts_the_program_hidden_wherever_it_lies() {
            let line = |path: &str| {
                let entry = entry(Path::new(path)).expect("it can be written");
                entry.lines().find_map(|line| line.strip_prefix("Exec=")).expect("a command").to_owned()
            };
            assert_eq!(line("/usr/bin/raidcast-desktop"), r#""/usr/bin/raidcast-desktop" --hidden"#);
            assert_eq!(line("/a b/100%/r"), r#""/a b/100%%/r" --hidden"#);
            assert_eq!(line(r#"/a"$`\r"#), r#""/a\\"\\$\\`\\\\r" --hidden"#);
            assert!(entry(Path::new("/a\nExec=b")).is_err());
        }

        #[test]
        fn what_a_desktop_turned_off_is_off() {
            assert!(is_meant(&entry(Path::new("/r")).expect("it can be written")));
            assert!(!is_meant("[Desktop Entry]\nHidden = true\n") && !is_meant("X-GNOME-Autostart-enabled=false"));
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::io;
    use std::path::Path;

    use auto_launch::{AutoLaunch, AutoLaunchBuilder};

    use super::HIDDEN;

    fn entry(program: &Path) -> io::Result<AutoLaunch> {
        let mut builder = AutoLaunchBuilder::new();
        let path = program.display().to_string();
        // On Windows it is written as it stands, and a space would end it.
        let path = if cfg!(windows) { format!("\"{path}\"") } else { path };
        builder.set_app_name("Raidcast").set_app_path(&path).set_args(&[HIDDEN]);
        // Nobody starts it for other people of this computer.
        builder.set_windows_enable_mode(auto_launch::WindowsEnableMode::CurrentUser);
        builder.build().map_err(io::Error::other)
    }

    pub(super) fn is_on() -> io::Result<bool> {
        entry(&std::env::current_exe()?)?.is_enabled().map_err(io::Error::other)
    }

    pub(super) fn set(program: &Path, on: bool) -> io::Result<()> {
        let entry = entry(program)?;
        match on {
            true => entry.enable().map_err(io::Error::other),
            false if is_on()? => entry.disable().map_err(io::Error::other),
            false => Ok(()),
        }
    }
}
