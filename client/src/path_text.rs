//! Paths as JSON has them: what is no text in one is replaced.
//!
//! For `#[serde(serialize_with = …)]`: a path that is no text must not keep a file from being written.

use std::path::{Path, PathBuf};

use serde::Serializer;

/// One path.
pub(crate) fn path<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&path.to_string_lossy())
}

/// A list of them.
pub(crate) fn paths<S: Serializer>(paths: &[PathBuf], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(paths.iter().map(|path| path.to_string_lossy()))
}
