//! Who can appear: builds with the game's class, spec and base skill ids, names, monsters.
//!
//! The ids are the game's, because meters tell a spec by them. All names are made up: none is the game's.

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

/// The game's id of the scene, and its name.
pub(crate) const SCENE: (i64, &str) = (1033, "The Drowned Belfry - Master");

/// Type id and name.
pub(crate) const BOSSES: [(i64, &str); 3] =
    [(1110, "The Bellkeeper"), (1215, "Rustjaw Colossus"), (1012, "Ember Matriarch")];

/// Type id and name; one falls after the other.
pub(crate) const TRASH: [(i64, &str); 3] = [(901, "Hollow Scout"), (902, "Hollow Archer"), (903, "Hollow Brute")];

/// The base skill of a boss's blow on the one it looks at.
pub(super) const BOSS_BLOW: i64 = 111_003;

/// The base skill of a boss's blow on all.
pub(super) const BOSS_WAVE: i64 = 111_070;

/// The base skill of trash.
pub(super) const TRASH_BLOW: i64 = 900_101;

/// Base id and name of every skill that players and monsters use.
pub(crate) const SKILLS: [(i64, &str); 57] = [
    (1714, "Split Lightning"),
    (1734, "Rolling Thunder"),
    (1701, "Quick Cut"),
    (1719, "Static Step"),
    (1715, "Crescent Storm"),
    (1733, "Nightfall Edge"),
    (1742, "Forked Strike"),
    (120_902, "Icicle Rain"),
    (120_901, "Frozen Needle"),
    (1242, "Cold Snap"),
    (1248, "Winter's Grip"),
    (1241, "Snowdrift"),
    (1240, "Hailburst"),
    (1605, "Cinder Chop"),
    (1601, "Ember Swing"),
    (1606, "Furnace Heart"),
    (1405, "Gale Charge"),
    (1418, "Updraft"),
    (1410, "Whirling Spear"),
    (1401, "Breeze Jab"),
    (1419, "Diving Kite"),
    (1402, "Crosswind"),
    (1403, "Feather Dance"),
    (1518, "Bramble Lash"),
    (1541, "Seed Volley"),
    (21402, "Thorn Ring"),
    (1501, "Leaf Dart"),
    (20301, "Morning Dew"),
    (21404, "Sapling Shelter"),
    (21406, "Warm Rain"),
    (199_902, "Stone Fist"),
    (1922, "Landslide"),
    (1901, "Granite Slam"),
    (1930, "Bedrock Blow"),
    (1931, "Tremor Step"),
    (1934, "Boulder Toss"),
    (1935, "Cliff Guard"),
    (2292, "Hawk Arrow"),
    (1_700_820, "Wolf Bite"),
    (1_700_825, "Wolf Pounce"),
    (1_700_827, "Pack Hunt"),
    (220_112, "Bright Arrow"),
    (2_203_622, "Sunray Volley"),
    (220_104, "Long Shot"),
    (2405, "Oath Strike"),
    (2401, "Shield Knock"),
    (2410, "Tower Wall"),
    (2406, "Lantern Blade"),
    (2421, "Dawn Banner"),
    (2306, "Power Chord"),
    (2301, "Opening Note"),
    (2307, "Slow Waltz"),
    (2361, "Encore"),
    (55302, "Lullaby"),
    (111_003, "Bell Hammer"),
    (111_070, "Drowning Toll"),
    (900_101, "Rusty Claw"),
];

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
