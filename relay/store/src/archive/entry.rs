//! What an encounter is before it is rows.

use crate::Derived;
use crate::search::SearchColumns;

/// An encounter.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) row: i64,
    pub(super) raid: i64,
    pub(super) columns: SearchColumns,
    pub(super) derived: Derived,
}
