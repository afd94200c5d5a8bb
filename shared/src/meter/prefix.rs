//! Which number each kind of row has in source keys: the high half of a key, so that events of one millisecond have an
//! order that does not depend on who reads them. Spools hold these numbers, so they stay.

/// Rows of damage.
pub const DAMAGE: u8 = 1;
/// Rows of heals.
pub const HEAL: u8 = 2;
/// Deaths.
pub const DEATHS: u8 = 3;
/// An attempt.
pub const ATTEMPT: u8 = 4;
/// A segment of the dungeon.
pub const SEGMENT: u8 = 5;
/// A row of buffs.
pub const BUFFS: u8 = 6;
/// What is known of an actor.
pub const ACTOR: u8 = 7;
/// A boss whose defeat was told.
pub const DEFEATED: u8 = 9;
/// What contradicts the meter's counters; the number of the kind of row that it is about is added.
pub const MISSING: u8 = 10;
/// A row of damage whose sums were told.
pub const DAMAGE_SUMS: u8 = 33;
/// A row of heals, alike.
pub const HEAL_SUMS: u8 = 34;
/// What is told of whole actors alone, as sums.
pub const SUMS: u8 = 35;
