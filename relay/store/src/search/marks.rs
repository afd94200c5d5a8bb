//! What is asked of a fight beside terms, in 64 bits that stand in each order: so most questions read no other row. In a
//! player's rows are that player's class and spec alone.
//!
//! One invariant: a fight that is as a question wants it has the marks that are asked for. Where others may have them, too,
//! [`Wanted`] says so, and the fight's own rows decide. Deliberately not here: how they are asked for.

use raidcast_shared::limits::PLAYERS_MAX;
use serde::Serialize;

use super::{Between, Filters};
use crate::code;

/// Outcome in 3 bits, difficulty in 6, number of players in 8, a bit for each class and each spec.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Marks(pub i64);

const OUTCOME: Field = Field { at: 0, bits: 3 };
const DIFFICULTY: Field = Field { at: 3, bits: 6 };
const PLAYERS: Field = Field { at: 9, bits: 8 };
const CLASSES: Field = Field { at: 17, bits: 24 };
const SPECS: Field = Field { at: 41, bits: 22 };

// The sign stays free.
const _: () = assert!(SPECS.at + SPECS.bits == 63 && (PLAYERS_MAX as i64) < PLAYERS.greatest());

/// The bits that are not of players' classes and specs.
pub const OF_FIGHT: i64 = (1 << CLASSES.at) - 1;

/// Some of the bits.
#[derive(Clone, Copy)]
struct Field {
    at: u32,
    bits: u32,
}

impl Field {
    const fn greatest(self) -> i64 {
        (1 << self.bits) - 1
    }

    fn all(self) -> i64 {
        self.greatest() << self.at
    }

    /// A number, or the greatest for all that have no room.
    fn number(self, number: i64) -> i64 {
        let has_room = (0..self.greatest()).contains(&number);
        (if has_room { number } else { self.greatest() }) << self.at
    }

    /// A bit of its own for each of the first numbers, and the last one for all others; with whether it is its own.
    fn bit(self, number: i64) -> (i64, bool) {
        let last = self.bits - 1;
        let own = u32::try_from(number).ok().filter(|number| *number < last);
        (1 << (self.at + own.unwrap_or(last)), own.is_some())
    }
}

/// 0 where it is not told.
fn difficulty(told: Option<i64>) -> i64 {
    let number = told.map_or(Some(0), |told| told.checked_add(1).filter(|number| *number > 0));
    DIFFICULTY.number(number.unwrap_or(i64::MAX))
}

impl Marks {
    /// Of an encounter, without its players' classes and specs.
    pub(super) fn of_fight(outcome: i64, told: Option<i64>, players: i64) -> Self {
        Self(OUTCOME.number(outcome) | difficulty(told) | PLAYERS.number(players))
    }

    /// Of a player, without the fight.
    pub(super) fn of_player(class: Option<i64>, spec: Option<i64>) -> Self {
        Self::of_class(class).and(Self::of_spec(spec))
    }

    fn of_class(class: Option<i64>) -> Self {
        Self(class.map_or(0, |class| CLASSES.bit(class).0))
    }

    fn of_spec(spec: Option<i64>) -> Self {
        Self(spec.map_or(0, |spec| SPECS.bit(spec).0))
    }

    /// Both.
    pub(super) fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// What a question wants of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    /// These bits are looked at,
    pub(super) mask: i64,
    /// and must be these.
    pub(super) bits: i64,
    /// How many players.
    pub(super) players: Between,
    /// Whether who has these marks has the difficulty that is asked for.
    pub(super) difficulty_is_exact: bool,
    /// And a player of the class, and one of the spec.
    pub(super) class_is_exact: bool,
    pub(super) spec_is_exact: bool,
}

impl Wanted {
    pub(super) fn of(filters: &Filters) -> Self {
        let mut wanted = Self {
            mask: 0,
            bits: 0,
            players: filters.players,
            difficulty_is_exact: true,
            class_is_exact: true,
            spec_is_exact: true,
        };
        if let Some(outcome) = filters.outcome {
            wanted.need(OUTCOME.all(), OUTCOME.number(code::of_outcome(outcome).into()));
        }
        if let Some(told) = filters.difficulty {
            let bits = difficulty(Some(told));
            wanted.difficulty_is_exact = bits != DIFFICULTY.all();
            wanted.need(DIFFICULTY.all(), bits);
        }
        if let Some(class) = filters.player.class_id {
            let (bit, is_own) = CLASSES.bit(class);
            wanted.class_is_exact = is_own;
            wanted.need(bit, bit);
        }
        if let Some(spec) = filters.player.class_spec {
            let (bit, is_own) = SPECS.bit(spec);
            wanted.spec_is_exact = is_own;
            wanted.need(bit, bit);
        }
        wanted
    }

    fn need(&mut self, mask: i64, bits: i64) {
        self.mask |= mask;
        self.bits |= bits;
    }

    /// The number of players in a row's marks, in the words of both databases.
    pub(super) fn players_of(column: &str) -> String {
        format!("(({column} >> {}) & {})", PLAYERS.at, PLAYERS.greatest())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::PlayerWanted;

    fn marks(difficulty: Option<i64>, class: Option<i64>, spec: Option<i64>) -> i64 {
        Marks::of_fight(4, difficulty, 50).and(Marks::of_player(class, spec)).0
    }

    /// All numbers there are, as told and as asked for: who has what is wanted has the marks, and who has the marks of
    /// what is exact has what is wanted.
    #[test]
    fn who_has_what_is_wanted_has_its_marks() {
        let numbers =
            [i64::MIN, -64, -1, 0, 1, 13, 20, 21, 22, 23, 24, 61, 62, 63, 64, 85, 300, i64::MAX - 1, i64::MAX];
        for told in numbers {
            for asked in numbers {
                let filters = |difficulty, class_id, class_spec| Filters {
                    difficulty,
                    player: PlayerWanted { class_id, class_spec, ..PlayerWanted::default() },
                    ..Filters::default()
                };
                let has = |wanted: Wanted, marks: i64| marks & wanted.mask == wanted.bits;
                let each = [
                    (Wanted::of(&filters(Some(asked), None, None)), marks(Some(told), None, None)),
                    (Wanted::of(&filters(None, Some(asked), None)), marks(None, Some(told), None)),
                    (Wanted::of(&filters(None, None, Some(asked))), marks(None, None, Some(told))),
                ];
                for (wanted, marks) in each {
                    let is_exact = wanted.difficulty_is_exact && wanted.class_is_exact && wanted.spec_is_exact;
                    assert!(has(wanted, marks) || told != asked, "{told} {asked} {wanted:?}");
                    assert!(!has(wanted, marks) || told == asked || !is_exact, "{told} {asked} {wanted:?}");
                }
                assert!(!has(Wanted::of(&filters(Some(asked), None, None)), marks(None, None, None)));
            }
        }
        assert!(marks(None, None, None) >= 0 && marks(Some(-1), Some(99), Some(99)) >= 0);
    }
}
