//! Where Wine, Proton and the launchers over them keep what Windows programs take for the user's data folder.
//!
//! One invariant: one search looks at so many entries of folders and no more, whatever lies there, and opens nothing but
//! Steam's lists of its libraries. Those that are named or usual come first, so a huge folder costs only what comes behind.
//! A *prefix* is a folder with Windows' `drive_c` in it; Proton has it as `pfx` beside files of its own.
//! Layouts: Wine (`WINEPREFIX`, `~/.wine`), Steam with its Flatpak, its snap and other disks, Bottles, Lutris and umu
//! (`~/Games`), Heroic.

use std::collections::HashSet;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// Entries of folders that one search looks at: ten times what somebody with hundreds of games has, and some 10 ms.
const ENTRIES_MAX: usize = 5_000;
/// Of one folder.
const ENTRIES_OF_ONE_MAX: usize = 1_000;
/// So much of a list of libraries is read, bytes: each of them has its games behind it.
const LIST_BYTES_MAX: u64 = 512 * 1024;
/// Libraries of one list.
const LIBRARIES_MAX: usize = 32;

/// Where Steam keeps itself, below the user's home; several of these lead to the same folder.
const STEAM: [&str; 5] = [
    ".local/share/Steam",
    ".steam/steam",
    ".steam/root",
    ".var/app/com.valvesoftware.Steam/.local/share/Steam",
    "snap/steam/common/.local/share/Steam",
];
/// Steam's lists of its libraries, below that.
const LISTS: [&str; 2] = ["steamapps/libraryfolders.vdf", "config/libraryfolders.vdf"];
/// Folders of prefixes, below the user's home. The last one holds other things, too.
const PREFIXES: [&str; 6] = [
    ".local/share/bottles/bottles",
    ".var/app/com.usebottles.bottles/data/bottles/bottles",
    "Games/Heroic/Prefixes",
    "Games/Heroic/Prefixes/default",
    "Games/umu",
    "Games",
];

/// What a user's environment says of where things are.
#[derive(Clone, Debug, Default)]
pub(super) struct User {
    pub(super) home: Option<PathBuf>,
    /// Where programs keep their data, if that is not the usual place.
    pub(super) data: Option<PathBuf>,
    /// The prefix that Wine is to use.
    pub(super) prefix: Option<PathBuf>,
}

impl User {
    /// Who runs this.
    pub(super) fn of_this_process() -> Self {
        let var = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        Self { home: var("HOME"), data: var("XDG_DATA_HOME"), prefix: var("WINEPREFIX") }
    }
}

/// The data folders of all Windows users in all prefixes that are found, each once.
pub(super) fn data_dirs(user: &User) -> Vec<PathBuf> {
    let mut search = Search { left: ENTRIES_MAX, seen: HashSet::new(), found: Vec::new() };
    if let Some(prefix) = &user.prefix {
        search.prefix(prefix);
    }
    if let Some(home) = &user.home {
        search.prefix(&home.join(".wine"));
    }
    for library in steam_libraries(user) {
        search.prefixes_in(&library.join("steamapps/compatdata"));
    }
    for folder in user.home.iter().flat_map(|home| PREFIXES.map(|folder| home.join(folder))) {
        search.prefixes_in(&folder);
    }
    search.found
}

struct Search {
    /// Entries that may still be looked at.
    left: usize,
    /// What was found, whatever way leads to it.
    seen: HashSet<PathBuf>,
    found: Vec<PathBuf>,
}

impl Search {
    /// Looks at the Windows users of a prefix, if it is one.
    fn prefix(&mut self, prefix: &Path) {
        for users in ["drive_c/users", "pfx/drive_c/users"] {
            for user in self.folders(&prefix.join(users)) {
                let dir = user.join("AppData/Local");
                if let Ok(real) = std::fs::canonicalize(&dir)
                    && real.is_dir()
                    && self.seen.insert(real)
                {
                    self.found.push(dir);
                }
            }
        }
    }

    /// The same of each folder in this one.
    fn prefixes_in(&mut self, folder: &Path) {
        for prefix in self.folders(folder) {
            self.prefix(&prefix);
        }
    }

    /// The folders in a folder, in order.
    fn folders(&mut self, dir: &Path) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(dir).into_iter().flatten().take(self.left.min(ENTRIES_OF_ONE_MAX));
        let mut found = Vec::new();
        for entry in entries {
            self.left -= 1;
            found.extend(entry.ok().map(|entry| entry.path()).filter(|path| path.is_dir()));
        }
        found.sort();
        found
    }
}

/// Steam's folders of games, each once.
fn steam_libraries(user: &User) -> Vec<PathBuf> {
    let own = user.data.iter().map(|data| data.join("Steam"));
    let usual = user.home.iter().flat_map(|home| STEAM.map(|steam| home.join(steam)));
    let (mut seen, mut found) = (HashSet::new(), Vec::new());
    for steam in own.chain(usual) {
        let listed = LISTS.map(|list| libraries(&steam.join(list)));
        for library in std::iter::once(steam).chain(listed.into_iter().flatten()) {
            if std::fs::canonicalize(&library).is_ok_and(|real| seen.insert(real)) {
                found.push(library);
            }
        }
    }
    found
}

/// The libraries of a list of Steam's.
fn libraries(list: &Path) -> Vec<PathBuf> {
    // A pipe would be waited for.
    if !list.is_file() {
        return Vec::new();
    }
    let mut text = Vec::new();
    if File::open(list).and_then(|file| file.take(LIST_BYTES_MAX).read_to_end(&mut text)).is_err() {
        return Vec::new();
    }
    String::from_utf8_lossy(&text).lines().filter_map(library).take(LIBRARIES_MAX).collect()
}

/// The library that a line of a list names: `"path" "/games"`, in older lists a number and the path.
fn library(line: &str) -> Option<PathBuf> {
    let (key, rest) = quoted(line)?;
    let (value, _) = quoted(rest)?;
    let is_number = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_digit());
    let path = PathBuf::from(value);
    ((key == "path" || is_number) && path.is_absolute()).then_some(path)
}

/// The first text in quotes, without what keeps its characters from meaning anything, and what stands behind it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let (_, text) = text.split_once('"')?;
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => value.extend(chars.next().map(|(_, c)| c)),
            c => value.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(folder: &Path) -> PathBuf {
        std::fs::create_dir_all(folder).unwrap();
        folder.to_owned()
    }

    /// A prefix with a user's data folder.
    fn prefix(folder: &Path) -> PathBuf {
        made(&folder.join("drive_c/users/me/AppData/Local"))
    }

    #[test]
    fn prefixes_of_wine_and_of_every_launcher_are_found() {
        let dir = tempfile::tempdir().unwrap();
        let (home, disk) = (dir.path().join("home"), dir.path().join("disk \"2\""));
        let mut expected = vec![
            prefix(&dir.path().join("named")),
            prefix(&home.join(".wine")),
            prefix(&home.join(".local/share/Steam/steamapps/compatdata/12/pfx")),
            prefix(&home.join(".var/app/com.valvesoftware.Steam/.local/share/Steam/steamapps/compatdata/7/pfx")),
            prefix(&disk.join("SteamLibrary/steamapps/compatdata/12/pfx")),
            prefix(&dir.path().join("old/steamapps/compatdata/3/pfx")),
            prefix(&dir.path().join("data/Steam/steamapps/compatdata/5/pfx")),
            prefix(&home.join(".local/share/bottles/bottles/Game")),
            prefix(&home.join(".var/app/com.usebottles.bottles/data/bottles/bottles/Game")),
            prefix(&home.join("Games/star")),
            prefix(&home.join("Games/umu/umu-default")),
            prefix(&home.join("Games/Heroic/Prefixes/star")),
            prefix(&home.join("Games/Heroic/Prefixes/default/star/pfx")),
        ];
        made(&home.join(".local/share/Steam/steamapps/compatdata/13"));
        made(&home.join("Games/pictures"));
        std::fs::write(home.join("Games/readme.txt"), "").unwrap();
        let list = format!(
            "\"libraryfolders\"\n{{\n\t\"0\"\n\t{{\n\t\t\"path\"\t\t\"{}\"\n\t\t\"label\"\t\t\"/label\"\n\t\t\"apps\"\n\t\t{{\n\
             \t\t\t\"228980\"\t\t\"490137281\"\n\t\t}}\n\t}}\n\t\"1\"\t\t\"{}\"\n\t\"2\"\t\t\"elsewhere\"\n\t\"path",
            disk.join("SteamLibrary").display().to_string().replace('"', "\\\""),
            dir.path().join("old").display(),
        );
        std::fs::write(home.join(".local/share/Steam/steamapps/libraryfolders.vdf"), list).unwrap();
        #[cfg(unix)]
        {
            made(&home.join(".steam"));
            std::os::unix::fs::symlink(home.join(".local/share/Steam"), home.join(".steam/steam")).unwrap();
            // A bottle that two launchers show.
            std::os::unix::fs::symlink(home.join("Games/star"), home.join(".local/share/bottles/bottles/Star"))
                .unwrap();
        }
        let user =
            User { home: Some(home), data: Some(dir.path().join("data")), prefix: Some(dir.path().join("named")) };
        let mut found: Vec<_> = data_dirs(&user).iter().map(|dir| std::fs::canonicalize(dir).unwrap()).collect();
        found.sort();
        expected = expected.iter().map(|dir| std::fs::canonicalize(dir).unwrap()).collect();
        expected.sort();
        assert_eq!(found, expected);
        assert!(data_dirs(&User::default()).is_empty());
    }

    #[test]
    fn a_huge_folder_costs_only_what_comes_behind_it() {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().to_owned();
        let wine = prefix(&home.join(".wine"));
        let games = made(&home.join("Games"));
        for n in 0..ENTRIES_OF_ONE_MAX + 500 {
            std::fs::write(games.join(n.to_string()), "").unwrap();
        }
        let mut search = Search { left: ENTRIES_MAX, seen: HashSet::new(), found: Vec::new() };
        assert!(search.folders(&games).is_empty());
        assert_eq!(search.left, ENTRIES_MAX - ENTRIES_OF_ONE_MAX);
        search.left = 3;
        search.prefixes_in(&games);
        search.prefix(&home.join(".wine"));
        assert_eq!((search.left, search.found.len()), (0, 0));
        assert_eq!(data_dirs(&User { home: Some(home), ..User::default() }), [wine]);
    }

    #[test]
    fn lists_that_are_none_name_no_library() {
        let dir = tempfile::tempdir().unwrap();
        let list = dir.path().join("libraryfolders.vdf");
        assert!(libraries(&list).is_empty() && libraries(dir.path()).is_empty());
        for text in [
            "",
            "\"path\"",
            "\"path\" \"/games",
            "\"path\" \"games\"",
            "path /games",
            "\"label\" \"/games\"",
            "\"\" \"/\"",
        ] {
            std::fs::write(&list, text).unwrap();
            assert!(libraries(&list).is_empty(), "{text}");
        }
        std::fs::write(&list, [b"\"path\" \"/a\xff\"\r\n".as_slice(), b"\"1\"\t\"/b\\\\c\"\n"].concat()).unwrap();
        assert_eq!(libraries(&list), [PathBuf::from("/a\u{fffd}"), PathBuf::from("/b\\c")]);
        let many: Vec<_> = (0..100).map(|n| format!("\"path\" \"/{n}\"\n")).collect();
        std::fs::write(&list, many.concat()).unwrap();
        assert_eq!(libraries(&list).len(), LIBRARIES_MAX);
    }
}
