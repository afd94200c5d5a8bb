//! A part of a fight.

/// The half-open span of a fight that a state holds, ms since the encounter began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Span {
    /// From here, inclusive.
    pub from_ms: u32,
    /// To here, exclusive.
    pub to_ms: u32,
}

impl Span {
    /// The whole fight.
    pub const ALL: Self = Self { from_ms: 0, to_ms: u32::MAX };

    /// Whether a time lies in it.
    pub fn holds(self, at_ms: u32) -> bool {
        (self.from_ms..self.to_ms).contains(&at_ms)
    }
}
