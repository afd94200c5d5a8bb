//! A file of the state folder as it is read: it is there, or not, or of no use.

use std::fs;
use std::io;
use std::path::PathBuf;

use serde::Deserialize;

use super::error::{Damage, FolderError};

/// A JSON file; `None` if it is not there.
pub(in crate::uploader) fn load<T: for<'de> Deserialize<'de>>(path: PathBuf) -> Result<Option<T>, FolderError> {
    match fs::read(&path) {
        Ok(bytes) => {
            let parsed = serde_json::from_slice(&bytes);
            parsed.map(Some).map_err(|error| FolderError::Damaged { path, why: Damage::Json(error) })
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(FolderError::Io { path, error }),
    }
}
