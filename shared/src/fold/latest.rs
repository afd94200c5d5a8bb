//! The latest of what was told of something, whatever the order it came in.

use crate::event::SourceKey;

/// When something was so and where the source found it: of two facts the later stamp wins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp {
    /// Milliseconds since the encounter began.
    pub at_ms: u32,
    /// Settles ties.
    pub key: SourceKey,
}

/// The latest value of something, or none yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Latest<T>(Option<(Stamp, T)>);

impl<T> Default for Latest<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T: Ord> Latest<T> {
    /// Takes `value` if it is later than what is held; of two with one stamp the greater, so that order is all one.
    pub fn offer(&mut self, stamp: Stamp, value: T) {
        let newer = self.0.as_ref().is_none_or(|held| (held.0, &held.1) < (stamp, &value));
        if newer {
            self.0 = Some((stamp, value));
        }
    }
}

impl<T> Latest<T> {
    /// The value, if any.
    pub fn get(&self) -> Option<&T> {
        self.0.as_ref().map(|held| &held.1)
    }

    /// When it was so.
    pub fn stamp(&self) -> Option<Stamp> {
        self.0.as_ref().map(|held| held.0)
    }
}
