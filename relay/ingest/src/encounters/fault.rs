//! What is wrong with a request, by the place where it stands.

use std::fmt;

use crate::limits::DETAILS_MAX;

/// Where something stands in an encounter, as the API's page names it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Path<'p> {
    Whole,
    Field(&'p Path<'p>, &'static str),
    Entry(&'p Path<'p>, usize),
}

impl Path<'_> {
    pub(super) fn field(&self, name: &'static str) -> Path<'_> {
        Path::Field(self, name)
    }

    pub(super) fn entry(&self, at: usize) -> Path<'_> {
        Path::Entry(self, at)
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => f.write_str("encounter"),
            Self::Field(Path::Whole, name) => f.write_str(name),
            Self::Field(of, name) => write!(f, "{of}.{name}"),
            Self::Entry(of, at) => write!(f, "{of}[{at}]"),
        }
    }
}

/// All that is wrong; of it the first [`DETAILS_MAX`] in words.
#[derive(Debug, Default)]
pub(super) struct Faults {
    pub(super) lines: Vec<String>,
    pub(super) count: usize,
}

impl Faults {
    pub(super) fn add(&mut self, path: &Path<'_>, what: impl fmt::Display) {
        self.count += 1;
        if self.lines.len() < DETAILS_MAX {
            self.lines.push(format!("{path}: {what}"));
        }
    }
}
