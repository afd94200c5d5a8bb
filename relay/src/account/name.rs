//! What people may be called.

use raidcast_shared::text::is_label;
use raidcast_store::name::fold;

/// Characters of a person's name.
pub(super) const NAME_CHARS: std::ops::RangeInclusive<usize> = 2..=32;

/// Whether somebody may be called so.
pub(super) fn is_good_name(name: &str) -> bool {
    let is_long_enough =
        NAME_CHARS.contains(&name.chars().count()) && fold(name).chars().count() >= *NAME_CHARS.start();
    is_long_enough && is_label(name, *NAME_CHARS.end())
}
