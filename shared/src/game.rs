//! *Blue Protocol: Star Resonance*: classes, specs, roles and colours under one canonical numbering.
//!
//! Class ids are the game's own. Specs have no game id: meters number them by their own lists, which differ since
//! the class Flame Berserker came. Canonical is the newer list, 1 to 18; 0 stands for unknown and is never sent.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// The game's name in encounter ids.
pub const GAME: &str = "bpsr";

/// What a spec is in a raid for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Deals damage.
    Damage,
    /// Heals.
    Healer,
    /// Takes the hits.
    Tank,
}

/// One class of the game.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Class {
    /// The game's id.
    pub id: u16,
    /// In English.
    pub name: &'static str,
    /// As players know it, `#rrggbb`.
    pub color: &'static str,
    /// Canonical ids of its two specs.
    pub specs: [u16; 2],
}

/// One spec.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Spec {
    /// Canonical id, 1 to 18.
    pub id: u16,
    /// In English.
    pub name: &'static str,
    /// Its class.
    pub class_id: u16,
    /// What it is for.
    pub role: Role,
}

const fn class(id: u16, name: &'static str, color: &'static str, specs: [u16; 2]) -> Class {
    Class { id, name, color, specs }
}

const fn spec_row(id: u16, name: &'static str, class_id: u16, role: Role) -> Spec {
    Spec { id, name, class_id, role }
}

/// All classes, by id. The Flame Berserker's colour is ours: the site whose colours these are never had the class.
pub const CLASSES: [Class; 9] = [
    class(1, "Stormblade", "#674598", [1, 2]),
    class(2, "Frost Mage", "#4de3d1", [3, 4]),
    class(3, "Flame Berserker", "#e8622c", [5, 6]),
    class(4, "Wind Knight", "#0099c6", [7, 8]),
    class(5, "Verdant Oracle", "#66aa00", [9, 10]),
    class(9, "Heavy Guardian", "#b38915", [11, 12]),
    class(11, "Marksman", "#ffee00", [13, 14]),
    class(12, "Shield Knight", "#7b9aa2", [15, 16]),
    class(13, "Beat Performer", "#ee2e48", [17, 18]),
];

/// All specs; the spec with id `n` stands at `n - 1`.
pub const SPECS: [Spec; 18] = [
    spec_row(1, "Iaido", 1, Role::Damage),
    spec_row(2, "Moonstrike", 1, Role::Damage),
    spec_row(3, "Icicle", 2, Role::Damage),
    spec_row(4, "Frostbeam", 2, Role::Damage),
    spec_row(5, "Voidflame", 3, Role::Damage),
    spec_row(6, "Blazecrimson", 3, Role::Damage),
    spec_row(7, "Vanguard", 4, Role::Damage),
    spec_row(8, "Skyward", 4, Role::Damage),
    spec_row(9, "Smite", 5, Role::Healer),
    spec_row(10, "Lifebind", 5, Role::Healer),
    spec_row(11, "Earthfort", 9, Role::Tank),
    spec_row(12, "Block", 9, Role::Tank),
    spec_row(13, "Wildpack", 11, Role::Damage),
    spec_row(14, "Falconry", 11, Role::Damage),
    spec_row(15, "Recovery", 12, Role::Tank),
    spec_row(16, "Shield", 12, Role::Tank),
    spec_row(17, "Dissonance", 13, Role::Healer),
    spec_row(18, "Concerto", 13, Role::Healer),
];

/// By which list a meter numbers specs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpecNumbering {
    /// Resonance Logs and its website: 1 to 16, without the Flame Berserker.
    Resonance,
    /// Its forks since the Flame Berserker: 1 to 18, the canonical one.
    Cn,
}

/// The class with this id.
pub fn class_of(id: u16) -> Option<&'static Class> {
    CLASSES.iter().find(|class| class.id == id)
}

/// The spec with this canonical id.
pub fn spec(id: u16) -> Option<&'static Spec> {
    SPECS.get(usize::from(id).checked_sub(1)?)
}

/// The canonical id of a meter's spec.
///
/// A known class settles by which list the meter counts (the lists give no class the same numbers but the first
/// two, where they agree); without it `numbering` decides. `None` for unknown, and for what no list has.
pub fn spec_of(class_id: Option<u16>, raw: u16, numbering: SpecNumbering) -> Option<u16> {
    let resonance = match raw {
        1..=4 => Some(raw),
        5..=16 => Some(raw + 2),
        _ => None,
    };
    let cn = (1..=18).contains(&raw).then_some(raw);
    let (first, second) = match numbering {
        SpecNumbering::Resonance => (resonance, cn),
        SpecNumbering::Cn => (cn, resonance),
    };
    match class_id.and_then(class_of) {
        Some(class) => [first, second].into_iter().flatten().find(|id| class.specs.contains(id)),
        None => first,
    }
}

/// The spec that only a player of it uses this base skill in; `None` for skills that tell nothing.
pub fn spec_of_skill(base_skill: i64) -> Option<u16> {
    Some(match base_skill {
        1714 | 1734 => 1,
        1715 | 1733 | 1737 | 1742 => 2,
        120_901 | 120_902 => 3,
        1241 => 4,
        1605 => 5,
        1606 => 6,
        1405 | 1418 => 7,
        1419 => 8,
        1518 | 1541 | 21402 => 9,
        20301 => 10,
        1922 | 199_902 => 11,
        1930 | 1931 | 1934 | 1935 => 12,
        2292 | 1_700_820 | 1_700_825 | 1_700_827 => 13,
        220_112 | 2_203_622 => 14,
        2405 => 15,
        2406 => 16,
        2306 => 17,
        2307 | 2361 | 55302 => 18,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specs_and_classes_name_each_other() {
        for (at, s) in SPECS.iter().enumerate() {
            assert_eq!(usize::from(s.id), at + 1);
            assert!(class_of(s.class_id).is_some_and(|class| class.specs.contains(&s.id)), "{}", s.name);
        }
    }

    #[test]
    fn a_known_class_settles_the_numbering() {
        // Wind Knight: 5 and 6 in the older list, 7 and 8 in the newer.
        for (raw, canonical) in [(5, 7), (6, 8), (7, 7), (8, 8)] {
            for numbering in [SpecNumbering::Resonance, SpecNumbering::Cn] {
                assert_eq!(spec_of(Some(4), raw, numbering), Some(canonical), "{raw}");
            }
        }
        assert_eq!(spec_of(Some(12), 14, SpecNumbering::Resonance), Some(16));
        assert_eq!(spec_of(None, 14, SpecNumbering::Resonance), Some(16));
        assert_eq!(spec_of(None, 14, SpecNumbering::Cn), Some(14));
        assert_eq!(spec_of(Some(1), 0, SpecNumbering::Cn), None);
        assert_eq!(spec_of(None, 19, SpecNumbering::Cn), None);
    }
}
