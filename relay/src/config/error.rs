//! Why there is no configuration to run with, without the secrets that stand there.

use std::path::PathBuf;

use crate::database::DatabaseUrlError;

/// Why there is no configuration to run with.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file does not parse.
    #[error("could not read the configuration file {path}: {why}")]
    File {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// A value that this relay does not serve.
    #[error("{0}")]
    Value(String),
    /// A database that it cannot use.
    #[error(transparent)]
    Database(#[from] DatabaseUrlError),
}
