//! A player's figures as the meter stores them.

use crate::fight::Player;

/// A figure of the game, or nothing: the meter stores no zeros.
pub(crate) fn known(value: i64) -> Option<i64> {
    (value != 0).then_some(value)
}

/// A canonical spec under this meter's own numbering, which is older than the Flame Berserker and has no place for it.
pub(crate) fn stored_spec(player: &Player) -> Option<i64> {
    match player.spec {
        spec @ 1..=4 => Some(spec),
        spec @ 7..=18 => Some(spec - 2),
        _ => None,
    }
}
