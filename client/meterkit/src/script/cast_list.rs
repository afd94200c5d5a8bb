//! Who can appear: builds with the game's class, spec and base skill ids, names, monsters.

/// What a build does in a fight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BuildRole {
    Damage,
    Tank,
    Healer,
}

/// One way to play a spec. The first damage skill is one by which meters tell the spec.
#[derive(Debug)]
pub(super) struct SpecBuild {
    pub(super) class_id: i64,
    /// Canonical.
    pub(super) spec: i64,
    pub(super) role: BuildRole,
    /// Percent of a common hit.
    pub(super) weight: i64,
    /// Base ids, the commonest first.
    pub(super) damage: &'static [i64],
    /// Base ids; empty unless the build heals.
    pub(super) heal: &'static [i64],
}

const fn damage(class_id: i64, spec: i64, damage: &'static [i64]) -> SpecBuild {
    SpecBuild { class_id, spec, role: BuildRole::Damage, weight: 100, damage, heal: &[] }
}

const fn tank(class_id: i64, spec: i64, damage: &'static [i64]) -> SpecBuild {
    SpecBuild { class_id, spec, role: BuildRole::Tank, weight: 60, damage, heal: &[] }
}

const fn healer(class_id: i64, spec: i64, damage: &'static [i64], heal: &'static [i64]) -> SpecBuild {
    SpecBuild { class_id, spec, role: BuildRole::Healer, weight: 70, damage, heal }
}

/// All eighteen specs.
pub(super) const BUILDS: [SpecBuild; 18] = [
    damage(1, 1, &[1714, 1734, 1701, 1719]),
    damage(1, 2, &[1715, 1733, 1742, 1701]),
    damage(2, 3, &[120_902, 120_901, 1242, 1248]),
    damage(2, 4, &[1241, 1240, 1242]),
    damage(3, 5, &[1605, 1601]),
    damage(3, 6, &[1606, 1601]),
    damage(4, 7, &[1405, 1418, 1410, 1401]),
    damage(4, 8, &[1419, 1410, 1402, 1403]),
    damage(5, 9, &[1518, 1541, 21402, 1501]),
    healer(5, 10, &[20301, 1501], &[20301, 21404, 21406]),
    tank(9, 11, &[199_902, 1922, 1901]),
    tank(9, 12, &[1930, 1931, 1934, 1935]),
    damage(11, 13, &[2292, 1_700_820, 1_700_825, 1_700_827]),
    damage(11, 14, &[220_112, 2_203_622, 220_104]),
    tank(12, 15, &[2405, 2401, 2410]),
    tank(12, 16, &[2406, 2401, 2410, 2421]),
    damage(13, 17, &[2306, 2301]),
    healer(13, 18, &[2307, 2301], &[2307, 2361, 55302]),
];

/// Type id and name.
pub(super) const BOSSES: [(i64, &str); 3] = [(1110, "Kartgriff"), (1215, "Super Battle Mech 99"), (1012, "Flame Orc")];

/// Type id and name; one falls after the other.
pub(super) const TRASH: [(i64, &str); 3] = [(901, "Hollow Scout"), (902, "Hollow Archer"), (903, "Hollow Brute")];

pub(super) const PLAIN_NAMES: [&str; 24] = [
    "Alder", "Brisa", "Corvin", "Delphine", "Edda", "Farro", "Gwen", "Halvard", "Isolde", "Jonas", "Kestrel", "Linnea",
    "Marlow", "Nerys", "Odalys", "Perrin", "Quill", "Rosalind", "Stellan", "Thessaly", "Ulric", "Verity", "Wystan",
    "Yara",
];

pub(super) const AWKWARD_NAMES: [&str; 14] = [
    "O'Hara",
    "\"Quoted\"",
    "Heart<3",
    "<b>Bold</b>",
    "<script>alert(1)</script>",
    "&amp;",
    "한글이름",
    "さくら",
    "カタカナ",
    "勇者",
    "🐉🔥",
    "Zo\u{eb} \u{fc}ber",
    "back\\slash",
    "'; DROP TABLE entities; --",
];
