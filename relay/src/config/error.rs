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
    /// Several of these, a line each.
    #[error("{}", lines(.0))]
    Several(Vec<ConfigError>),
}

impl ConfigError {
    /// All that is wrong, of one or several.
    pub fn each(&self) -> &[Self] {
        match self {
            Self::Several(all) => all,
            one => std::slice::from_ref(one),
        }
    }

    /// All of it; `None` where nothing is wrong. What stands in the file comes first, in its order.
    pub(super) fn of_all(mut all: Vec<Self>) -> Option<Self> {
        all.sort_by_key(|error| match error {
            Self::File { line, .. } => (false, *line),
            Self::Value(_) | Self::Several(_) => (true, None),
        });
        if all.len() > 1 { Some(Self::Several(all)) } else { all.pop() }
    }
}

fn lines(all: &[ConfigError]) -> String {
    all.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// As compilers write it, and editors open it.
fn place(path: &Path, line: Option<usize>) -> String {
    let path = path.display();
    line.map_or_else(|| path.to_string(), |line| format!("{path}:{line}"))
}
