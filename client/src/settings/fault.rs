//! What is missing in settings, or wrong with them: codes and facts, which each face puts into words.
//!
//! One invariant: no key stands in one.

use std::path::PathBuf;

use raidcast_shared::text::KeyFault;

use super::entry::Entry;
use crate::keys::KeysError;
use crate::os_error::OsError;
use crate::socket::AddressError;
use crate::source::SourceError;
use crate::trust::TrustError;

/// Why there are no settings to run with.
#[derive(Debug, thiserror::Error)]
#[error("{self:?}")]
pub enum SettingsFault {
    /// The settings file cannot be read.
    File {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        why: FileFault,
    },
    /// The settings file cannot be written.
    Unwritten {
        /// Which.
        path: PathBuf,
        /// Why.
        error: OsError,
    },
    /// A path that a settings file cannot hold: it is no text, or has a sign that no path has.
    PathSigns {
        /// Which.
        path: PathBuf,
    },
    /// No relay is named, and there is a key for none or for several.
    NoRelay,
    /// There is no key for the relay.
    NoKey,
    /// No folder is named for what is remembered, on a machine without a home.
    NoState,
    /// A title that the relay does not take.
    Title(TitleFault),
    /// Something that can be no key.
    Key(KeyTrouble),
    /// A delay that is shorter than none or longer than relays take.
    Delay,
    /// A database that is none of a meter, and never becomes one.
    Database(SourceError),
    /// A file of authorities that is of no use.
    Trust(TrustError),
    /// Keys that relays gave cannot be read.
    Keys {
        /// The file that names them.
        file: PathBuf,
        /// Why.
        error: KeysError,
    },
    /// The relay's address or the key cannot be used.
    Address(AddressError),
}

/// What is wrong with a settings file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileFault {
    /// It is a folder.
    Folder,
    /// It is not there.
    NotThere,
    /// It is not there, but a file of its name with `.txt` behind is.
    TextFile {
        /// The settings file's name.
        name: String,
    },
    /// The system does not give it.
    Io(OsError),
    /// It is no UTF-8.
    NotUtf8,
    /// A line with an entry is not as such a line is.
    Line {
        /// Which, counted from 1.
        line: usize,
        /// The entry that was meant.
        entry: Entry,
    },
    /// A backslash of a path is taken for the begin of a sign that cannot be typed.
    WindowsPath,
    /// An entry that is one of some words is none of them.
    Choice {
        /// Which entry.
        entry: Entry,
        /// The words.
        of: &'static [&'static str],
    },
    /// The key is no text.
    KeyNotText,
    /// Anything else that does not parse.
    Toml {
        /// In the parser's words, without the lines that it shows of the file.
        text: String,
    },
}

/// Why something can be no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyTrouble {
    /// It has quotes around it.
    Quoted,
    /// It is a relay's key that is not whole, or has changed.
    Damaged,
    /// No request could carry it.
    Signs(KeyFault),
}

/// Why something can be no title.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TitleFault {
    /// It is too long.
    TooLong,
    /// It has a tag like `<b>`, or a sign that cannot be shown.
    Signs,
}
