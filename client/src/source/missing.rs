//! What the meter counted and nobody could read.

use raidcast_shared::event::SourceKey;
use raidcast_shared::meter::row::missing;

use super::cursor::{Cursor, CursorKey, CursorValue};
use super::prefix;
use super::reading::Reading;

/// Tells what is missing, unless the same was told before.
pub(super) fn tell_missing(
    cursor: &Cursor,
    reading: &mut Reading,
    at_ms: u32,
    id: i64,
    what: &str,
    expected: u64,
    read: u64,
) {
    let key = CursorKey(prefix::MISSING, id);
    let figures = CursorValue(expected, read);
    if cursor.get(key) != Some(figures) {
        let stamp = SourceKey::new(u32::from(prefix::MISSING) + (id >> 56) as u32, id as u32);
        reading.events.push(missing(at_ms, stamp, what, expected, read));
        reading.cursor.push((key, figures));
    }
}
