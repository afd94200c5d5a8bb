//! Prefixes of cursor keys of the tables that generations A to C share. Those that are in source keys, too, stand where
//! the events are made.

/// An actor: (hash of what was told of it, how often).
pub(super) use raidcast_shared::meter::prefix::ACTOR;
/// An attempt: bits 1 began, 2 ended.
pub(super) use raidcast_shared::meter::prefix::ATTEMPT;
/// A row of buffs.
pub(super) use raidcast_shared::meter::prefix::BUFFS;
/// All deaths: (last row, how many).
pub(super) use raidcast_shared::meter::prefix::DEATHS;
/// A boss whose defeat was told.
pub(super) use raidcast_shared::meter::prefix::DEFEATED;
/// What contradicts the meter's counters: prefix in the high byte of the id, (expected, read).
pub(super) use raidcast_shared::meter::prefix::MISSING;
/// A segment of the dungeon.
pub(super) use raidcast_shared::meter::prefix::SEGMENT;
/// Rows of hits: (the row's counter and entries yielded as two u32, bytes before the final `]`). Heals alike.
pub(super) use raidcast_shared::meter::prefix::{DAMAGE, HEAL};
/// A skill whose name was told.
pub(super) const SKILL: u8 = 8;
/// What the entries of a row of hits came to that were yielded, of hits and of heals: (how many, their amounts).
pub(super) const SUMS: [u8; 2] = [14, 15];
/// An actor's own counters of hits and of heals, up to which its rows were read.
pub(super) const DEALT: u8 = 11;
