//! What set each value.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// What set a value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Source {
    /// Nobody.
    #[default]
    Default,
    /// The configuration file.
    File,
    /// A file that the configuration file names.
    NamedFile(PathBuf),
    /// This variable.
    Environment(String),
    /// This flag.
    Flag(String),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File => f.write_str("file"),
            Self::NamedFile(path) => write!(f, "file {}", path.display()),
            Self::Environment(name) => write!(f, "environment variable {name}"),
            Self::Flag(name) => write!(f, "flag {name}"),
        }
    }
}

/// What set each value, by the names of settings.
#[derive(Clone, Debug)]
pub struct Sources {
    /// The configuration file.
    pub file: PathBuf,
    /// Whether it is there.
    pub has_file: bool,
    set: BTreeMap<String, Source>,
}

impl Sources {
    pub(super) fn of_file(file: PathBuf) -> Self {
        Self { has_file: file.exists(), file, set: BTreeMap::new() }
    }

    /// What set this one.
    pub fn of(&self, name: &str) -> &Source {
        self.set.get(name).unwrap_or(&Source::Default)
    }

    pub(super) fn note(&mut self, name: impl Into<String>, source: Source) {
        self.set.insert(name.into(), source);
    }
}
