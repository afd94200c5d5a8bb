//! What the operating system said no with: its kind for programs, its words for people.

use std::io;

use serde::{Deserialize, Serialize};

/// An error of the operating system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OsError {
    /// What it is, as far as another remedy follows from it.
    pub kind: OsErrorKind,
    /// Its number, where it has one.
    pub code: Option<i32>,
    /// The system's own words, in the system's language, without the number.
    pub text: String,
}

/// The kinds that have a remedy of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OsErrorKind {
    /// This user may not write there.
    PermissionDenied,
    /// Nobody may.
    ReadOnly,
    /// The disk, or this user's part of it, is full.
    NoRoom,
    /// Anything else.
    #[serde(other)]
    Other,
}

impl From<&io::Error> for OsError {
    fn from(error: &io::Error) -> Self {
        let kind = match error.kind() {
            io::ErrorKind::PermissionDenied => OsErrorKind::PermissionDenied,
            io::ErrorKind::ReadOnlyFilesystem => OsErrorKind::ReadOnly,
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => OsErrorKind::NoRoom,
            _ => OsErrorKind::Other,
        };
        let (code, text) = (error.raw_os_error(), error.to_string());
        let number = code.map(|code| format!(" (os error {code})"));
        let text = number.and_then(|number| text.strip_suffix(&number).map(str::to_owned)).unwrap_or(text);
        Self { kind, code, text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_stands_apart_from_the_words() {
        let missing = OsError::from(&std::fs::read("/nowhere/at/all").unwrap_err());
        assert!(
            missing.code.is_some() && !missing.text.is_empty() && !missing.text.contains("os error"),
            "{missing:?}"
        );
        let other = OsError::from(&io::Error::other("it burns"));
        assert_eq!(other, OsError { kind: OsErrorKind::Other, code: None, text: "it burns".into() });
        let denied = OsError::from(&io::Error::from(io::ErrorKind::PermissionDenied));
        assert_eq!(denied.kind, OsErrorKind::PermissionDenied);
    }
}
