//! Why there is no configuration to run with, without the secrets that stand there.

use std::path::{Path, PathBuf};

/// Why there is no configuration to run with.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read, or holds what it must not.
    #[error("could not read the configuration file {}: {why}", place(.path, *.line))]
    File {
        /// Which.
        path: PathBuf,
        /// The line, from 1, if it is in one.
        line: Option<usize>,
        /// What is wrong.
        why: String,
    },
    /// A value that this relay does not serve.
    #[error("{0}")]
    Value(String),
}

/// As compilers write it, and editors open it.
fn place(path: &Path, line: Option<usize>) -> String {
    let path = path.display();
    line.map_or_else(|| path.to_string(), |line| format!("{path}:{line}"))
}
