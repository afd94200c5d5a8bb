//! In words: why the state folder cannot be used, and what to do.

use super::text::{told, told_before};
use crate::os_error::{OsError, OsErrorKind};
use crate::spool::SpoolError;
use crate::uploader::trouble::Stall;
use crate::uploader::{Damage, FolderError};

/// Why the state folder cannot be used.
pub(super) fn folder_error(error: &FolderError) -> String {
    match error {
        FolderError::InUse { dir, process } => {
            let who = process.map(|id| format!(" (process {id})")).unwrap_or_default();
            format!(
                "Another raidcast{who} uses the folder {}. End that one, or name another folder with --state. No fight is sent twice, whichever folder it comes from.",
                dir.display()
            )
        }
        FolderError::Deleted { dir } => {
            format!("The state folder {} was deleted. Start raidcast again.", dir.display())
        }
        FolderError::Io { path, error } if OsError::from(error).kind == OsErrorKind::NoRoom => {
            format!("{} cannot be written ({}). Make room there.", path.display(), told(error))
        }
        FolderError::Io { path, error } => format!(
            "{} cannot be used ({}). Name a folder that you may write to with --state.",
            path.display(),
            told(error)
        ),
        FolderError::Newer { dir, by } => {
            let by = if by.is_empty() { "A newer raidcast".to_owned() } else { format!("A newer raidcast ({by})") };
            format!(
                "{by} has used the folder {}. Use that one, or name another folder with --state. Nothing in it was changed.",
                dir.display()
            )
        }
        FolderError::Damaged { path, why } => {
            let why = match why {
                Damage::Json(error) => error.to_string(),
                Damage::Secret => "its secret is not what raidcast wrote".to_owned(),
            };
            let lost = match path.file_name().and_then(|name| name.to_str()) {
                // Nothing else says which fights wait to be sent whole, and who is to see them.
                Some("waiting.json") => {
                    "Then it is not known any more which fights wait, and who may see them: send them with a --since \
                     that takes them in, and with their --visibility."
                }
                _ => "Fights that were not sent yet are read again.",
            };
            format!("{} is damaged ({why}). Remove it to start anew. {lost}", path.display())
        }
    }
}

/// Why a fight's log in it cannot be opened.
pub(super) fn spool_error(error: &SpoolError) -> String {
    match error {
        SpoolError::Io { path, error } => format!(
            "{} cannot be used ({}). If it stays so, remove it: its fight is read again from the meter.",
            path.display(),
            told(error)
        ),
        SpoolError::Lost { path } => format!("{} was deleted and cannot be read any more", path.display()),
        SpoolError::Damaged { path } => format!("{} is damaged from its first record on", path.display()),
    }
}

/// Why nothing can be written to it.
pub(in crate::cli) fn stall(why: &Stall) -> String {
    match why {
        Stall::Deleted { dir } => format!("The state folder {} was deleted. Start raidcast again.", dir.display()),
        Stall::Unwritable { dir, error } => {
            let remedy = match error.kind {
                OsErrorKind::PermissionDenied | OsErrorKind::ReadOnly => "Let this user write there.",
                OsErrorKind::NoRoom | OsErrorKind::Other => "Make room there.",
            };
            let (dir, told) = (dir.display(), told_before(error));
            format!("Nothing can be written to {dir} ({told}). {remedy} Nothing is lost: the meter keeps its fights.")
        }
        Stall::SpoolLost { path } => format!(
            "{} was deleted and cannot be read any more. Start raidcast again: its fight is read again from the meter.",
            path.display()
        ),
    }
}
