//! Refusals of a fight in a row: until something of it is acknowledged.

use super::super::record::NotSent;

/// Refusals in a row.
#[derive(Default)]
pub(in crate::uploader) struct Refusals {
    in_a_row: u32,
    /// One was told, and nothing was acknowledged since.
    told: bool,
    /// Why the relay has not taken it.
    why: Option<NotSent>,
}

impl Refusals {
    /// How many there were.
    pub(in crate::uploader) fn in_a_row(&self) -> u32 {
        self.in_a_row
    }

    /// One more; whether it is to be told.
    pub(in crate::uploader) fn count(&mut self) -> bool {
        self.in_a_row = self.in_a_row.saturating_add(1);
        !std::mem::replace(&mut self.told, true)
    }

    /// Why it waits.
    pub(in crate::uploader) fn because(&mut self, why: NotSent) {
        self.why = Some(why);
    }

    /// Why it waits, if it does.
    pub(in crate::uploader) fn why(&self) -> Option<&NotSent> {
        self.why.as_ref()
    }

    /// Something was acknowledged.
    pub(super) fn is_over(&mut self) {
        *self = Self::default();
    }

    /// Another reading of the same fight is begun: how many there were is kept.
    pub(super) fn anew(&self) -> Self {
        Self { in_a_row: self.in_a_row, ..Self::default() }
    }
}
