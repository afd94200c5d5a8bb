//! What was found: one line for each thing that was looked at.

use std::fmt;

/// How it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As it must be.
    Ok,
    /// It works, and yet somebody may not want it so.
    Note,
    /// The relay does not start so, or does not do what it is set to.
    Wrong,
}

/// One thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How it is.
    pub verdict: Verdict,
    /// What was looked at.
    pub what: String,
    /// What was found there, and where that is not well, what to do.
    pub text: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.verdict {
            Verdict::Ok => "ok",
            Verdict::Note => "note",
            Verdict::Wrong => "WRONG",
        };
        write!(f, "{verdict:<6} {:<14} {}", self.what, self.text)
    }
}

/// All that was found, in the order in which it was looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings(pub Vec<Finding>);

impl Findings {
    fn add(&mut self, verdict: Verdict, what: impl Into<String>, text: impl Into<String>) {
        self.0.push(Finding { verdict, what: what.into(), text: text.into() });
    }

    pub(super) fn ok(&mut self, what: impl Into<String>, text: impl Into<String>) {
        self.add(Verdict::Ok, what, text);
    }

    pub(super) fn note(&mut self, what: impl Into<String>, text: impl Into<String>) {
        self.add(Verdict::Note, what, text);
    }

    pub(super) fn wrong(&mut self, what: impl Into<String>, text: impl Into<String>) {
        self.add(Verdict::Wrong, what, text);
    }

    /// How many things must be set right first.
    pub fn wrong_count(&self) -> usize {
        self.0.iter().filter(|finding| finding.verdict == Verdict::Wrong).count()
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|finding| writeln!(f, "{finding}"))
    }
}
