//! In words: why a meter's database, or a fight in it, cannot be read, and what to do.

use std::path::{Path, PathBuf};

use super::text::sentence;
use crate::source::{NoDatabase, SourceError, Unreadable, Unsupported};

/// Why no database is read, for who waits for one.
pub(in crate::cli) fn no_database(why: &NoDatabase) -> String {
    match why {
        NoDatabase::Nowhere { looked, wine } => nowhere(looked, *wine),
        NoDatabase::Silent { path } => format!(
            "{} could not be looked at: its disk does not answer. It is read as soon as that does.",
            path.display()
        ),
        NoDatabase::SilentFolders => {
            "Not all folders in which meters keep their databases could be looked at: a disk does \
             not answer. See whether a network drive is away, or name the database with --db."
                .to_owned()
        }
        NoDatabase::Unread(error) => source_error(error),
    }
}

/// The same for a command that waits for none, or not any longer.
pub(super) fn given_up_database(why: &NoDatabase) -> String {
    let error = match why {
        NoDatabase::Unread(error) => error,
        NoDatabase::Silent { path } => {
            return format!(
                "{} could not be looked at: its disk does not answer. Run the same command again when it does.",
                path.display()
            );
        }
        NoDatabase::Nowhere { .. } | NoDatabase::SilentFolders => return no_database(why),
    };
    match error {
        SourceError::Gone { path } => format!(
            "{} is not there. Give the path of the meter's database with --db, or leave --db out: then raidcast looks \
             for it.",
            path.display()
        ),
        SourceError::Empty { path } => {
            format!("{} has no tables yet. Start the meter, and run the same command again.", path.display())
        }
        SourceError::Locked { path } => format!(
            "{} is locked by another program. Close that program, and run the same command again.",
            path.display()
        ),
        SourceError::Upgraded { path } => {
            format!("{} was changed by another version of the meter. Run the same command again.", path.display())
        }
        error => source_error(error),
    }
}

fn nowhere(looked: &[PathBuf], wine: bool) -> String {
    let wine = if wine { " Wine and Proton folders were searched, too." } else { "" };
    let places: Vec<_> = looked.iter().map(|path| path.display().to_string()).collect();
    let places = if places.is_empty() { "no folder".to_owned() } else { places.join(", ") };
    format!(
        "No meter database was found. Start the meter once, or name its database with --db. (Looked for: {places}.{wine})"
    )
}

/// Why a database cannot be read now.
pub(super) fn source_error(error: &SourceError) -> String {
    let cannot = |path: &Path, why: &str| format!("{} cannot be read: {}", path.display(), sentence(why));
    match error {
        SourceError::Gone { path } => {
            format!("{} is not there. It is read as soon as the meter writes it.", path.display())
        }
        SourceError::Empty { path } => {
            format!("{} has no tables yet. It is read as soon as the meter has made them.", path.display())
        }
        SourceError::Locked { path } => format!("{} is locked by another program. Trying again.", path.display()),
        SourceError::Unsupported { path, why } => cannot(path, &unsupported(*why)),
        SourceError::Upgraded { path } => {
            format!("{} was changed by another version of the meter. It is read anew.", path.display())
        }
        SourceError::Unreadable { started_at_ms, why } => {
            format!("the fight that began at {started_at_ms} (Unix ms) cannot be read: {}", sentence(&unreadable(*why)))
        }
        SourceError::Damaged { path } => cannot(
            path,
            "the database is damaged. Start the meter: it may mend it. If it does not, name an older copy with --db.",
        ),
        SourceError::Database { path, text, .. } => cannot(path, text),
    }
}

fn unsupported(why: Unsupported) -> String {
    const NAME_IT: &str = "Name the meter's database with --db, a file like resonance-logs.db.";
    match why {
        Unsupported::Folder => "it is a folder. Name the database in it, a file like resonance-logs.db".to_owned(),
        Unsupported::Device => {
            "it is a pipe or a device. Name the meter's database, a file like resonance-logs.db".to_owned()
        }
        Unsupported::Forbidden => {
            "this user may not read it. Run raidcast as the user who runs the meter, or let this user read the file"
                .to_owned()
        }
        Unsupported::LogOfAnother => {
            "the meter's last changes stand in the file -wal beside it, and this user may not use that. Run raidcast as \
             the user who runs the meter, or copy both files to a folder of your own and name the copy with --db"
                .to_owned()
        }
        Unsupported::Interrupted => {
            "the meter was ended while it wrote, and left a change half made. Start the meter once: it takes that back"
                .to_owned()
        }
        Unsupported::UnknownTables => {
            "this version of the meter keeps its fights in a way that this version of raidcast does not know. Update \
             raidcast"
                .to_owned()
        }
        Unsupported::NotSqlite => format!("it is not an SQLite database. {NAME_IT}"),
        Unsupported::NoTables => format!("it has none of the tables of a known meter. {NAME_IT}"),
    }
}

/// Why a fight cannot be read.
pub(in crate::cli) fn unreadable(why: Unreadable) -> String {
    match why {
        Unreadable::NoSummary => "it has no summary".to_owned(),
        Unreadable::TooLarge { bytes, at_most } => {
            format!("its summary has {bytes} bytes; at most {at_most} are read")
        }
        Unreadable::NotPacked => "its summary is no zstd frame".to_owned(),
        Unreadable::TooLong { at_most } => format!("its summary is longer than {at_most} bytes"),
        Unreadable::UnknownLayout => {
            "its summary has a layout that is not known (another version of the meter); a newer raidcast may read it"
                .to_owned()
        }
    }
}
