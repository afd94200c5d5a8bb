//! Questions to an archive, by kind: for what is frequent, rare and not there at all.

use raidcast_shared::uplink::Outcome;

use super::made::{Archive, BOSSES, FIRST_MS, LAST_MS, RANKS, SCENES, boss_name, class_and_spec};
use super::numbers::Numbers;
use crate::name::{NameKind, Typed};
use crate::search::{Between, Filters, PlayerWanted, names_like};
use crate::{Search, StoreError, Term};

/// A question as it is typed: the names are still to be looked up.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// Of a player, or a part of it.
    pub player_name: Option<String>,
    /// Of a boss, or a part of it.
    pub boss_name: Option<String>,
    /// All else.
    pub filters: Filters,
}

impl Question {
    /// What is asked for when the names are looked up, as a relay does.
    ///
    /// # Errors
    /// The store's.
    pub async fn filters(self, store: &(impl Search + ?Sized)) -> Result<Filters, StoreError> {
        let Self { player_name, boss_name, filters } = self;
        let player = PlayerWanted { names: names(store, NameKind::Player, player_name).await?, ..filters.player };
        Ok(Filters { player, bosses: names(store, NameKind::Boss, boss_name).await?, ..filters })
    }
}

async fn names(
    store: &(impl Search + ?Sized),
    kind: NameKind,
    text: Option<String>,
) -> Result<Option<Vec<Term>>, StoreError> {
    match text.and_then(|text| Typed::new(kind, &text)) {
        Some(typed) => Ok(Some(names_like(store, &typed).await?)),
        None => Ok(None),
    }
}

/// Makes a question.
type Ask = fn(&Archive, &mut Numbers) -> Question;

/// All kinds of questions: each filter alone, and some together.
pub const KINDS: [(&str, Ask); 27] = [
    ("anything", |_, _| Question::default()),
    ("player", |archive, numbers| player(wanted_player(archive, numbers))),
    ("player's name", |archive, numbers| named(archive.somebody(numbers).1)),
    ("three characters of a player's name", |archive, numbers| named(piece(&archive.somebody(numbers).1, 3, numbers))),
    ("two characters of a player's name", |archive, numbers| named(piece(&archive.somebody(numbers).1, 2, numbers))),
    ("first character of a player's name", |archive, numbers| {
        named(archive.somebody(numbers).1.chars().take(1).collect())
    }),
    ("player's name with a wrong letter", |archive, numbers| named(misspelt(&archive.somebody(numbers).1, numbers))),
    ("player's name that nobody has", |_, numbers| named(format!("Zzyqx{}", numbers.below(1_000)))),
    ("boss", |_, numbers| boss(any_boss(numbers))),
    ("a word of a boss' name", |_, numbers| boss(numbers.of(&["ogre", "king", "elder", "void", "lizard"]).into())),
    ("boss with a wrong letter", |_, numbers| boss(misspelt(&any_boss(numbers), numbers))),
    ("scene", |_, numbers| of(Filters { scene: Some(any_scene(numbers)), ..Filters::default() })),
    ("scene's id", |_, numbers| of(Filters { scene_id: Some(any_scene_id(numbers)), ..Filters::default() })),
    ("difficulty", |_, numbers| of(Filters { difficulty: Some(any_difficulty(numbers)), ..Filters::default() })),
    ("outcome", |_, numbers| of(Filters { outcome: Some(any_outcome(numbers)), ..Filters::default() })),
    ("class", |_, numbers| player(PlayerWanted { class_id: Some(any_class(numbers)), ..PlayerWanted::default() })),
    ("class and spec", |_, numbers| player(any_class_and_spec(numbers))),
    ("date", |_, numbers| of(Filters { started_at_ms: any_date(numbers), ..Filters::default() })),
    ("duration", |_, numbers| of(Filters { duration_ms: any_duration(numbers), ..Filters::default() })),
    ("how many players", |_, numbers| of(Filters { players: any_players(numbers), ..Filters::default() })),
    ("player and class", |archive, numbers| {
        player(PlayerWanted { class_id: Some(any_class(numbers)), ..wanted_player(archive, numbers) })
    }),
    ("player's name and spec", |archive, numbers| {
        let named = named(archive.somebody(numbers).1);
        Question { filters: Filters { player: any_class_and_spec(numbers), ..Filters::default() }, ..named }
    }),
    ("player, boss and outcome", |archive, numbers| {
        let outcome = Some(any_outcome(numbers));
        let filters = Filters { player: wanted_player(archive, numbers), outcome, ..Filters::default() };
        Question { filters, ..boss(any_boss(numbers)) }
    }),
    ("boss, difficulty, outcome and date", |_, numbers| {
        let (difficulty, outcome) = (Some(any_difficulty(numbers)), Some(any_outcome(numbers)));
        let filters = Filters { difficulty, outcome, started_at_ms: any_date(numbers), ..Filters::default() };
        Question { filters, ..boss(any_boss(numbers)) }
    }),
    ("scene, boss and duration", |_, numbers| {
        let (scene, duration_ms) = (Some(any_scene(numbers)), any_duration(numbers));
        Question { filters: Filters { scene, duration_ms, ..Filters::default() }, ..boss(any_boss(numbers)) }
    }),
    ("parts of both names", |archive, numbers| {
        let boss_name = Some("ogre".into());
        Question { boss_name, ..named(piece(&archive.somebody(numbers).1, 3, numbers)) }
    }),
    ("every filter", |archive, numbers| {
        let (key, player_name) = archive.somebody(numbers);
        let (class_id, class_spec) = class_and_spec(numbers);
        Question {
            player_name: Some(player_name),
            boss_name: Some(any_boss(numbers)),
            filters: Filters {
                player: PlayerWanted {
                    key: Some(key),
                    names: None,
                    class_id: Some(class_id),
                    class_spec: Some(class_spec),
                },
                bosses: None,
                scene: Some(any_scene(numbers)),
                scene_id: Some(any_scene_id(numbers)),
                difficulty: Some(any_difficulty(numbers)),
                outcome: Some(any_outcome(numbers)),
                started_at_ms: (Some(FIRST_MS), Some(LAST_MS)),
                duration_ms: (Some(0), Some(900_000)),
                players: (Some(5), Some(20)),
            },
        }
    }),
];

impl Archive {
    /// Of the group that plays most, of one that plays least, or of any: key and name.
    fn somebody(&self, numbers: &mut Numbers) -> (String, String) {
        let person = match numbers.below(3) {
            0 => self.member(0, numbers.below(12)),
            1 => self.member(self.groups() - 1, numbers.below(12)),
            _ => numbers.below(self.persons.len()),
        };
        (self.persons[person].key.clone(), self.persons[person].name.clone())
    }
}

fn of(filters: Filters) -> Question {
    Question { filters, ..Question::default() }
}

fn player(player: PlayerWanted) -> Question {
    of(Filters { player, ..Filters::default() })
}

fn named(name: String) -> Question {
    Question { player_name: Some(name), ..Question::default() }
}

fn boss(name: String) -> Question {
    Question { boss_name: Some(name), ..Question::default() }
}

fn wanted_player(archive: &Archive, numbers: &mut Numbers) -> PlayerWanted {
    let key = if numbers.below(8) == 0 { "nobody".into() } else { archive.somebody(numbers).0 };
    PlayerWanted { key: Some(key), ..PlayerWanted::default() }
}

/// So many characters of a name that stand together.
fn piece(name: &str, chars: usize, numbers: &mut Numbers) -> String {
    let all: Vec<char> = name.chars().collect();
    let from = numbers.below((all.len() + 1).saturating_sub(chars));
    all[from..].iter().take(chars).collect()
}

fn misspelt(name: &str, numbers: &mut Numbers) -> String {
    let mut all: Vec<char> = name.chars().collect();
    let at = numbers.below(all.len());
    all[at] = 'w';
    all.into_iter().collect()
}

fn any_boss(numbers: &mut Numbers) -> String {
    match numbers.below(8) {
        0 => "Nobody's Foe".into(),
        1 => boss_name(BOSSES.len() * RANKS.len() - 1),
        _ => boss_name(numbers.below(BOSSES.len() * RANKS.len())),
    }
}

fn any_scene(numbers: &mut Numbers) -> Term {
    Term::scene(if numbers.below(8) == 0 { "Nowhere" } else { numbers.of(&SCENES) })
}

fn any_scene_id(numbers: &mut Numbers) -> i64 {
    6_000 + numbers.below(SCENES.len() + 2) as i64
}

fn any_difficulty(numbers: &mut Numbers) -> i64 {
    1 + numbers.below(22) as i64
}

fn any_outcome(numbers: &mut Numbers) -> Outcome {
    numbers.of(&[Outcome::Kill, Outcome::Wipe, Outcome::Reset, Outcome::Unfinished, Outcome::Unknown])
}

fn any_class(numbers: &mut Numbers) -> i64 {
    1 + numbers.below(14) as i64
}

fn any_class_and_spec(numbers: &mut Numbers) -> PlayerWanted {
    let (class_id, class_spec) = class_and_spec(numbers);
    // Hardly anybody has one class' spec as another.
    let class_id = if numbers.below(10) == 0 { any_class(numbers) } else { class_id };
    PlayerWanted { class_id: Some(class_id), class_spec: Some(class_spec), ..PlayerWanted::default() }
}

/// Of an hour, a day, a month or most of the time; or from before there was anything.
fn any_date(numbers: &mut Numbers) -> Between {
    let from = FIRST_MS + numbers.below((LAST_MS - FIRST_MS) as usize) as i64;
    match numbers.below(6) {
        0 => (Some(from), Some(from + 3_600_000)),
        1 => (Some(from), Some(from + 86_400_000)),
        2 => (Some(from), Some(from + 30 * 86_400_000)),
        3 => (Some(from), None),
        4 => (None, Some(from)),
        _ => (None, Some(FIRST_MS - 1)),
    }
}

fn any_duration(numbers: &mut Numbers) -> Between {
    let from = numbers.below(900_000) as i64;
    match numbers.below(4) {
        0 => (Some(from), Some(from + 1_000)),
        1 => (Some(from), Some(from + 60_000)),
        2 => (Some(from), None),
        _ => (Some(7_000_000), None),
    }
}

fn any_players(numbers: &mut Numbers) -> Between {
    numbers.of(&[(Some(20), Some(20)), (Some(5), Some(8)), (Some(18), None), (None, Some(5)), (Some(30), None)])
}
