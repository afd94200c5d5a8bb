//! Names of players and bosses as people type them: what is the same name, and which names are alike.
//!
//! One invariant: what is alike is decided here and nowhere else. A database only proposes names that share enough parts
//! with what was typed ([`NameParts`]), so every database gives the same. No locale and no version of a database changes
//! what a part is.

use std::collections::BTreeSet;

use unicode_normalization::UnicodeNormalization as _;

/// Characters of a name that count: meters' names are cut to as many.
pub const NAME_CHARS_MAX: usize = 64;
/// So many names alike are looked for at the most, those that are most alike.
pub const NAMES_MAX: usize = 20;

/// A code point that no text has: before a name's first character.
const BEFORE: u64 = 0x1f_fffe;
/// Another one: where a part has fewer than three characters.
const NOTHING: u64 = 0x1f_ffff;

/// Whose names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NameKind {
    /// Players'.
    Player,
    /// Bosses'.
    Boss,
}

impl NameKind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Player, Self::Boss];

    /// The code in a database.
    pub fn code(self) -> i64 {
        match self {
            Self::Player => 0,
            Self::Boss => 1,
        }
    }
}

/// A name as it is compared: small letters, single spaces, and one spelling of what Unicode can spell in several ways (NFKC):
/// full and half width, composed and decomposed letters.
pub fn fold(name: &str) -> String {
    // A small letter may be spelt in several ways again.
    let small: String = name.nfkc().flat_map(char::to_lowercase).nfkc().collect();
    let words: Vec<_> = small.split_whitespace().collect();
    words.join(" ").chars().take(NAME_CHARS_MAX).collect::<String>().trim_end().to_owned()
}

/// How much alike a name is to what was typed: the greater, the more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Likeness {
    /// Half of their parts are the same, or more: thousandths.
    Similar(u32),
    /// It has what was typed in it.
    Contains,
    /// It begins with it.
    Begins,
    /// It is the same.
    Same,
}

/// What a database is asked for: names that have so many of these parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameParts {
    /// Whose name.
    pub kind: NameKind,
    /// The name that was typed, folded: it is found whatever else is like it.
    pub text: String,
    /// Each once, in order.
    pub parts: Vec<i64>,
    /// So many at the least. A name that is alike never has fewer.
    pub at_least: u32,
}

/// What was typed, to be compared with names.
#[derive(Clone, Debug)]
pub struct Typed {
    kind: NameKind,
    text: String,
    parts: BTreeSet<i64>,
}

impl Typed {
    /// `None` of what is only space.
    pub fn new(kind: NameKind, text: &str) -> Option<Self> {
        let text = fold(text);
        let parts = parts_typed(kind, &text);
        (!text.is_empty()).then_some(Self { kind, text, parts })
    }

    /// Whose name.
    pub fn kind(&self) -> NameKind {
        self.kind
    }

    /// As it is compared.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Which names a database is to propose.
    ///
    /// A name that contains the text lacks at most the part for its beginning. One of which half of the parts are the
    /// same shares `s` of the text's `a` and its own `b` parts with 2s >= (a + b) / 2 and b >= s, so 3s >= a.
    pub fn parts(&self) -> NameParts {
        NameParts {
            kind: self.kind,
            text: self.text.clone(),
            parts: self.parts.iter().copied().collect(),
            at_least: self.parts.len().div_ceil(3).max(1) as u32,
        }
    }

    /// How much a folded name is alike.
    pub fn likeness(&self, name: &str) -> Option<Likeness> {
        let literal = || match self.text.chars().count() {
            1 => None,
            2 if !is_dense(&self.text) => None,
            _ => name.contains(&self.text).then_some(Likeness::Contains),
        };
        if name == self.text {
            return Some(Likeness::Same);
        }
        if name.starts_with(&self.text) {
            return Some(Likeness::Begins);
        }
        literal().or_else(|| self.similar(name))
    }

    fn similar(&self, name: &str) -> Option<Likeness> {
        let other = parts_typed(self.kind, name);
        let same = self.parts.intersection(&other).count();
        let thousandths = 2_000 * same / (self.parts.len() + other.len()).max(1);
        (thousandths >= 500).then_some(Likeness::Similar(thousandths as u32))
    }

    /// Of proposed names those that count, the most alike first: all that contain the text, or where none does those that
    /// are similar; [`NAMES_MAX`] at the most.
    pub fn best<T>(&self, proposed: Vec<(T, String)>) -> Vec<(T, String)> {
        let like = |(of, name): (T, String)| self.likeness(&name).map(|likeness| (likeness, of, name));
        let mut alike: Vec<_> = proposed.into_iter().filter_map(like).collect();
        let has_literal = alike.iter().any(|(likeness, ..)| *likeness >= Likeness::Contains);
        alike.retain(|(likeness, ..)| !has_literal || *likeness >= Likeness::Contains);
        alike.sort_by(|(a, _, one), (b, _, other)| b.cmp(a).then_with(|| one.cmp(other)));
        alike.truncate(NAMES_MAX);
        alike.into_iter().map(|(_, of, name)| (of, name)).collect()
    }
}

/// Whether two characters say as much as three letters: those of East Asian names.
fn is_dense(text: &str) -> bool {
    text.chars().all(|c| !c.is_ascii())
}

/// The parts under which a folded name is found.
pub fn parts_kept(kind: NameKind, name: &str) -> BTreeSet<i64> {
    let mut parts = parts_typed(kind, name);
    if let Some(first) = name.chars().next() {
        // For whoever types one character.
        parts.insert(part(kind, [BEFORE, first as u64, NOTHING]));
    }
    parts
}

/// The parts of what is typed: all of what is kept but the first character alone, unless there is no other.
fn parts_typed(kind: NameKind, name: &str) -> BTreeSet<i64> {
    let all: Vec<u64> = name.chars().map(|c| c as u64).collect();
    let beginning = match all[..] {
        [] => return BTreeSet::new(),
        [only] => [BEFORE, only, NOTHING],
        [first, second, ..] => [BEFORE, first, second],
    };
    let threes = all.windows(3).map(|three| [three[0], three[1], three[2]]);
    let twos = all.windows(2).filter(|two| two.iter().all(|c| *c > 0x7f)).map(|two| [two[0], two[1], NOTHING]);
    [beginning].into_iter().chain(threes).chain(twos).map(|three| part(kind, three)).collect()
}

/// Three code points of 21 bits; those of bosses are negative.
fn part(kind: NameKind, [one, two, three]: [u64; 3]) -> i64 {
    let bits = (one << 42 | two << 21 | three).cast_signed();
    match kind {
        NameKind::Player => bits,
        NameKind::Boss => !bits,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 26] = [
        "Anna",
        "Annabel",
        "Hannah",
        "Anne",
        "Igoreus",
        "Igorius",
        "Igorues",
        "Tempest Ogre",
        "Frost Ogre",
        "张三",
        "张三丰",
        "老张三",
        "李四",
        "李逍遥",
        "さくら",
        "さくらんぼ",
        "Ünïcødé 🐉",
        "a",
        "Ab",
        "ＡＢＣ",
        "ｶﾀｶﾅ",
        "한글",
        "x'; DROP TABLE raids; --",
        "100%",
        "under_score",
        "\"quoted\" * NEAR",
    ];

    fn found(text: &str) -> Vec<String> {
        let typed = Typed::new(NameKind::Player, text).expect("a name");
        typed.best(NAMES.iter().map(|name| ((), fold(name))).collect()).into_iter().map(|((), name)| name).collect()
    }

    #[test]
    fn names_are_found_as_people_type_them() {
        for (text, expected) in [
            ("ANNA", &["anna", "annabel", "hannah"][..]),
            ("ann", &["anna", "annabel", "anne", "hannah"]),
            ("igoreos", &["igoreus", "igorius", "igorues"]),
            ("ogre", &["frost ogre", "tempest ogre"]),
            ("  Frost   OGRE ", &["frost ogre"]),
            ("张三", &["张三", "张三丰", "老张三"]),
            ("三丰", &["张三丰"]),
            ("李", &["李四", "李逍遥"]),
            ("さくら", &["さくら", "さくらんぼ"]),
            ("abc", &["abc"]),
            ("ｶﾀｶﾅ", &["カタカナ"]),
            ("カタカナ", &["カタカナ"]),
            ("\u{1112}\u{1161}\u{11ab}", &["한글"]),
            ("u\u{308}n", &["ünïcødé 🐉"]),
            ("a", &["a", "ab", "abc", "anna", "annabel", "anne"]),
            ("an", &["anna", "annabel", "anne"]),
            ("x'; drop", &["x'; drop table raids; --"]),
            ("%", &[]),
            ("00%", &["100%"]),
            ("r_s", &["under_score"]),
            ("\"quoted\" *", &["\"quoted\" * near"]),
            ("🐉", &[]),
            ("zzz", &[]),
        ] {
            assert_eq!(found(text), expected, "{text}");
        }
        assert!(Typed::new(NameKind::Player, " \u{3000} ").is_none());
    }

    #[test]
    fn a_name_that_is_alike_always_has_enough_parts() {
        let mut texts: Vec<String> = NAMES.iter().map(|name| fold(name)).collect();
        for (at, name) in NAMES.iter().enumerate() {
            let all: Vec<char> = name.chars().collect();
            for from in 0..all.len() {
                let part = &all[from..all.len().min(from + 1 + (at + from) % 5)];
                texts.push(part.iter().collect());
                texts.push(part.iter().rev().chain(&all[..from]).collect());
            }
            texts.push(name.repeat(3));
        }
        texts.extend(["aaa", "aaaa", "ababab", "三三三", "三三"].map(str::to_owned));
        for text in &texts {
            let Some(typed) = Typed::new(NameKind::Boss, text) else { continue };
            let asked = typed.parts();
            for name in &texts {
                let name = fold(name);
                if typed.likeness(&name).is_some() {
                    let kept = parts_kept(NameKind::Boss, &name);
                    let shared = asked.parts.iter().filter(|part| kept.contains(part)).count();
                    assert!(shared >= asked.at_least as usize, "{text:?} in {name:?}: {shared} of {asked:?}");
                }
            }
        }
    }

    #[test]
    fn parts_of_players_and_bosses_do_not_meet() {
        let [players, bosses] = NameKind::ALL.map(|kind| parts_kept(kind, "张三 golem"));
        assert!(players.iter().all(|part| *part >= 0) && bosses.iter().all(|part| *part < 0));
        assert_eq!(players.len(), bosses.len());
    }
}
