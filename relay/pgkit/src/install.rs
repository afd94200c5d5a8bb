//! Where the machine's PostgreSQL is, and whom its server runs as.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The oldest PostgreSQL that the store is for.
const MAJOR_MIN: u32 = 15;

/// Installs PostgreSQL where apt-get is.
pub const INSTALL: &str = "sudo apt-get install -y postgresql";

/// Set to anything, this variable makes a missing PostgreSQL a failure.
pub const REQUIRE: &str = "RAIDCAST_TEST_ALL";

/// A PostgreSQL installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Install {
    /// Folder of its programs.
    programs: PathBuf,
}

impl Install {
    /// The newest one of this machine; `None` if there is none that is new enough.
    pub fn find() -> Option<Self> {
        // Debian keeps servers out of the path, one folder a version.
        let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
        let mut folders: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
        folders.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
        let found = folders.into_iter().filter_map(|folder| Some((major(&folder)?, folder)));
        let (version, programs) = found.max_by_key(|(version, _)| *version)?;
        (version >= MAJOR_MIN).then_some(Self { programs })
    }

    /// As [`find`](Self::find); where there is none it says aloud that a test is left out.
    ///
    /// # Panics
    /// There is none, and [`REQUIRE`] is set.
    pub fn find_or_skip() -> Option<Self> {
        let found = Self::find();
        if found.is_none() {
            let missing = format!("no PostgreSQL {MAJOR_MIN} or newer on this machine: run\n    {INSTALL}");
            assert!(std::env::var_os(REQUIRE).is_none(), "{missing}");
            // Not by `eprintln!`, which is swallowed where a test succeeds.
            let _ = writeln!(std::io::stderr(), "LEFT OUT, {missing}");
        }
        found
    }

    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.programs.join(name)
    }
}

/// Version of the server in a folder.
fn major(folder: &Path) -> Option<u32> {
    // A folder in the path may have links to some of them.
    let complete = ["postgres", "initdb", "psql"].iter().all(|program| folder.join(program).is_file());
    let output = complete.then(|| Command::new(folder.join("postgres")).arg("--version").output().ok())??;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    // "postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)"
    let number = text.split(' ').find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    number.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// A user by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

impl User {
    /// Whom a server has to run as: `None` for whoever asks, `postgres` if that is root, whom PostgreSQL refuses.
    ///
    /// # Panics
    /// Root asks, and there is no `postgres`: the packages make it.
    pub(crate) fn of_server() -> Option<Self> {
        (id("-u", None) == Some(0)).then(|| {
            let user = id("-u", Some("postgres")).zip(id("-g", Some("postgres")));
            let (uid, gid) = user.expect("PostgreSQL's packages make the user postgres, and it refuses root");
            Self { uid, gid }
        })
    }
}

fn id(what: &str, user: Option<&str>) -> Option<u32> {
    let output = Command::new("id").arg(what).args(user).output().ok()?;
    String::from_utf8_lossy(&output.stdout).trim().parse().ok()
}
