//! Prefixes of cursor keys and source keys of the tables that generations A to C share; the roster has 7 to 9.

/// Rows of hits: (the row's counter and entries yielded as two u32, bytes before the final `]`).
pub(super) const DAMAGE: u8 = 1;
/// Rows of heals, alike.
pub(super) const HEAL: u8 = 2;
/// All deaths: (last row, how many).
pub(super) const DEATHS: u8 = 3;
/// An attempt: bits 1 began, 2 ended.
pub(super) const ATTEMPT: u8 = 4;
/// A segment of the dungeon.
pub(super) const SEGMENT: u8 = 5;
/// A row of buffs.
pub(super) const BUFFS: u8 = 6;
/// What contradicts the meter's counters: prefix in the high byte of the id, (expected, read).
pub(super) const MISSING: u8 = 10;
/// What the entries of a row of hits came to that were yielded, of hits and of heals: (how many, their amounts).
pub(super) const SUMS: [u8; 2] = [14, 15];
/// An actor's own counters of hits and of heals, up to which its rows were read.
pub(super) const DEALT: u8 = 11;
