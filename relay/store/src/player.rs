//! Numbers of players, by which a raid that hides names shows them.
//!
//! One invariant: a number that was given is that player's as long as the raid is there. Deliberately not here: whose names
//! are hidden, and from whom.

use std::collections::HashSet;

use raidcast_shared::id::ActorId;

use crate::StoreFuture;

/// Players of a raid that get numbers: those of 1,310 fights with 50 players each, of whom nobody was there before. At some
/// hundred bytes each, indexes included, they take 7 MB.
pub const NUMBERED_PLAYERS_MAX: usize = 65_536;

/// Keeps the numbers of players.
pub trait Players: Send + Sync {
    /// The players of a raid that have numbers, by number; none where there is no such raid.
    fn raid_players<'a>(&'a self, code: &'a str) -> StoreFuture<'a, Vec<(ActorId, u32)>>;

    /// Gives those of these players that have none the raid's next numbers, in the order in which they are named, and tells
    /// who has which as [`Players::raid_players`] does. The first number is 1 and none is left out, whoever asks at the same
    /// time. Of a raid [`NUMBERED_PLAYERS_MAX`] players get one; where there is no such raid nobody does.
    fn number_players<'a>(&'a self, code: &'a str, players: &'a [ActorId]) -> StoreFuture<'a, Vec<(ActorId, u32)>>;
}

/// The players that are still to get numbers, each with its own: of a raid whose players have these, and of which so many
/// may.
pub fn numbers_to_give(held: &[(ActorId, u32)], players: &[ActorId], players_max: usize) -> Vec<(ActorId, u32)> {
    let mut known: HashSet<ActorId> = held.iter().map(|(player, _)| *player).collect();
    let new = players.iter().copied().filter(|player| known.insert(*player));
    let first = held.last().map_or(1, |(_, number)| number.saturating_add(1));
    new.zip(first..).take(players_max.saturating_sub(held.len())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn players(ids: &[u64]) -> Vec<ActorId> {
        ids.iter().map(|id| ActorId::clear(*id)).collect()
    }

    fn numbered(ids: &[(u64, u32)]) -> Vec<(ActorId, u32)> {
        ids.iter().map(|(id, number)| (ActorId::clear(*id), *number)).collect()
    }

    #[test]
    fn who_has_no_number_gets_the_next_one_once() {
        assert_eq!(numbers_to_give(&[], &players(&[9, 4, 9, 7, 4]), 9), numbered(&[(9, 1), (4, 2), (7, 3)]));
        let held = numbered(&[(9, 1), (4, 2)]);
        assert_eq!(numbers_to_give(&held, &players(&[4, 8, 9, 8, 1]), 9), numbered(&[(8, 3), (1, 4)]));
        assert_eq!(numbers_to_give(&held, &players(&[4, 9]), 9), []);
        assert_eq!(numbers_to_give(&held, &[], 9), []);
    }

    #[test]
    fn behind_the_last_number_there_is_none() {
        let held = numbered(&[(9, 1), (4, 2)]);
        assert_eq!(numbers_to_give(&held, &players(&[1, 2, 3]), 4), numbered(&[(1, 3), (2, 4)]));
        assert_eq!(numbers_to_give(&held, &players(&[1, 2, 3]), 2), []);
        assert_eq!(numbers_to_give(&held, &players(&[1, 2, 3]), 1), []);
    }
}
