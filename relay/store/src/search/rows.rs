//! What is written of a fight so that it is found.
//!
//! One invariant: it follows from what is derived of the fight and what its encounter says, and from nothing else.
//! Deliberately not here: who writes it.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::hash::BuildHasher;

use serde::Serialize;

use super::Term;
use super::marks::Marks;
use crate::name::{NameKind, fold, parts_kept};
use crate::{Derived, DerivedPlayer};

/// What an encounter says of itself that search asks: columns of `encounters`, and of its
/// raid which names are seen.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "columns are described in the migrations")]
pub struct SearchColumns {
    pub visibility: i64,
    pub names: i64,
    pub state: i64,
    pub started_at_ms: i64,
    pub created_at_ms: i64,
    pub duration_ms: i64,
    pub damage_ms: Option<i64>,
    pub outcome: i64,
    pub scene: Option<String>,
    pub scene_id: Option<i64>,
    pub difficulty: Option<i64>,
    pub players: i64,
    pub damage: i64,
}

/// What of a fight may be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The fight, by what leads to no player.
    pub fight: bool,
    /// The fight by its players and their names, and these names.
    pub players: bool,
}

impl Listed {
    /// By an encounter's visibility and state, and the names that are seen, each by its [code](crate::code).
    pub const fn of(visibility: i64, names: i64, state: i64) -> Self {
        let fight = visibility == 0 && state == 2;
        Self { fight, players: fight && names == 0 }
    }
}

/// A name and its term; `listed`: in this fight it may be found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "columns are described in the migrations")]
pub struct NameRow {
    pub term: Term,
    pub name: String,
    pub listed: bool,
}

/// A part of a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "columns are described in the migrations")]
pub struct PartRow {
    pub part: i64,
    pub term: Term,
}

/// The parts of a folded name, of whichever kind it is.
pub fn parts_of(term: Term, name: &str) -> Vec<PartRow> {
    let of_kind = |kind: &NameKind| Term::name(*kind, name) == term;
    let kind = NameKind::ALL.into_iter().find(of_kind);
    kind.into_iter().flat_map(|kind| parts_kept(kind, name)).map(|part| PartRow { part, term }).collect()
}

/// A term, whether the fight is found by it, and what is told beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "columns are described in the migrations")]
pub struct TermRow {
    pub term: Term,
    pub listed: bool,
    pub marks: Marks,
}

/// What an encounter is found by. Beside a player, or a player's name, stand that player's class and spec alone.
fn term_rows(
    columns: &SearchColumns,
    derived: &Derived,
    hidden: &HashSet<String>,
    names: &[NameRow],
    listed: Listed,
) -> Vec<TermRow> {
    let fight = Marks::of_fight(columns.outcome, columns.difficulty, columns.players);
    let mut rows = BTreeMap::new();
    let mut all = fight;
    let is_shown = |player: &&DerivedPlayer| !hidden.contains(&player.actor_id);
    for player in &derived.players {
        all = all.and(Marks::of_player(player.class_id, player.class_spec));
    }
    for player in derived.players.iter().filter(is_shown) {
        for term in terms_of_player(&player.actor_id, name_term(player)) {
            let (_, held) = rows.entry(term).or_insert((listed.players, fight));
            *held = held.and(Marks::of_player(player.class_id, player.class_spec));
        }
    }
    // By a name that another has, too, the fight is found because of that one.
    for player in derived.players.iter().filter(|player| !is_shown(player)) {
        for term in terms_of_player(&player.actor_id, name_term(player)) {
            rows.entry(term).or_insert((false, fight.and(Marks::of_player(player.class_id, player.class_spec))));
        }
    }
    let scene = [columns.scene.as_deref().map(Term::scene), columns.scene_id.map(Term::scene_id)];
    // Names of players are there already: what is left are bosses'.
    for term in [Term::ALL].into_iter().chain(names.iter().map(|name| name.term)).chain(scene.into_iter().flatten()) {
        rows.entry(term).or_insert((listed.fight, all));
    }
    rows.into_iter().map(|(term, (listed, marks))| TermRow { term, listed, marks }).collect()
}

/// The terms by which a player is found: the player's own, and that of the name. No boss and no scene has one of them.
pub fn terms_of_player(actor_id: &str, name_term: Option<Term>) -> impl Iterator<Item = Term> {
    [Some(Term::player(actor_id)), name_term].into_iter().flatten()
}

/// A player of a fight, and whether he is hidden wherever he is.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "columns are described in the migrations")]
pub struct ShownColumns {
    pub encounter: i64,
    pub actor_id: String,
    pub name: Option<String>,
    pub class_id: Option<i64>,
    pub class_spec: Option<i64>,
    pub hidden: bool,
}

impl ShownColumns {
    fn terms(&self) -> impl Iterator<Item = (i64, Term)> {
        let name = term_of_name(self.name.as_deref());
        terms_of_player(&self.actor_id, name).map(|term| (self.encounter, term))
    }
}

/// A term of a fight, and what is told beside it of players.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "columns are described in the migrations")]
pub struct MarkedTerm {
    pub encounter: i64,
    pub term: Term,
    pub marks: Marks,
}

/// Of all players of fights: terms that those alone have who are hidden.
pub fn hidden_terms(players: &[ShownColumns]) -> Vec<MarkedTerm> {
    let of = |hidden: bool| players.iter().filter(move |player| player.hidden == hidden).flat_map(ShownColumns::terms);
    let shown: BTreeSet<_> = of(false).collect();
    let hidden: BTreeSet<_> = of(true).filter(|term| !shown.contains(term)).collect();
    hidden.into_iter().map(|(encounter, term)| MarkedTerm { encounter, term, marks: Marks::default() }).collect()
}

/// Of all players of fights: terms that several have, with what is told beside them of those who are shown.
pub fn shared_terms(players: &[ShownColumns]) -> Vec<MarkedTerm> {
    let mut all: BTreeMap<(i64, Term), (usize, Marks, Option<Marks>)> = BTreeMap::new();
    for player in players {
        let own = Marks::of_player(player.class_id, player.class_spec);
        for term in player.terms() {
            let (count, of_all, of_shown) = all.entry(term).or_default();
            *count += 1;
            *of_all = of_all.and(own);
            if !player.hidden {
                *of_shown = Some(of_shown.unwrap_or_default().and(own));
            }
        }
    }
    let shared = all.into_iter().filter(|(_, (count, ..))| *count > 1);
    shared
        .map(|((encounter, term), (_, of_all, of_shown))| MarkedTerm {
            encounter,
            term,
            marks: of_shown.unwrap_or(of_all),
        })
        .collect()
}

/// What is written of an encounter so that it is found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "columns are described in the migrations")]
pub struct SearchRows {
    pub dps: i64,
    /// Each term once, in order.
    pub terms: Vec<TermRow>,
    pub names: Vec<NameRow>,
    /// Of names that may be found alone.
    pub parts: Vec<PartRow>,
}

impl SearchRows {
    /// Of the rows that are derived of a report, and of what its encounter says; by players who are hidden it is not found.
    pub fn of(columns: &SearchColumns, derived: &Derived, hidden: &HashSet<String>) -> Self {
        let listed = Listed::of(columns.visibility, columns.names, columns.state);
        let players =
            derived.players.iter().filter_map(|player| Some((NameKind::Player, fold(player.name.as_deref()?))));
        let bosses = derived.bosses.iter().map(|boss| (NameKind::Boss, fold(&boss.boss_name)));
        let mut folded: Vec<_> = players.chain(bosses).filter(|(_, name)| !name.is_empty()).collect();
        folded.sort();
        folded.dedup();
        let shown = derived.players.iter().filter(|player| !hidden.contains(&player.actor_id));
        let shown: HashSet<_> = shown.filter_map(name_term).collect();
        let row = |(kind, name): &(NameKind, String)| {
            let term = Term::name(*kind, name);
            let listed = match kind {
                NameKind::Player => listed.players && shown.contains(&term),
                NameKind::Boss => listed.fight,
            };
            NameRow { term, name: name.clone(), listed }
        };
        let names: Vec<_> = folded.iter().map(row).collect();
        let found = folded.iter().zip(&names).filter(|(_, row)| row.listed);
        let parts = found.flat_map(|((kind, name), row)| {
            parts_kept(*kind, name).into_iter().map(|part| PartRow { part, term: row.term })
        });
        Self {
            dps: dps(columns),
            parts: parts.collect(),
            terms: term_rows(columns, derived, hidden, &names, listed),
            names,
        }
    }
}

/// Damage a second, as lists show it: over the time of damage where that is known, over at least a second.
fn dps(columns: &SearchColumns) -> i64 {
    let ms = columns.damage_ms.unwrap_or(columns.duration_ms).max(1_000);
    // Without a product that is too great.
    (columns.damage / ms).saturating_mul(1_000).saturating_add(columns.damage % ms * 1_000 / ms)
}

/// The term of a player's name, if that is told.
fn name_term(player: &DerivedPlayer) -> Option<Term> {
    term_of_name(player.name.as_deref())
}

/// The term of a player's name.
pub fn term_of_name(name: Option<&str>) -> Option<Term> {
    let folded = fold(name?);
    (!folded.is_empty()).then(|| Term::name(NameKind::Player, &folded))
}

/// A player's row with the term of the name.
#[derive(Clone, Debug, Serialize)]
pub struct PlayerRow<'a> {
    #[serde(flatten)]
    pub(crate) player: &'a DerivedPlayer,
    pub(crate) name_term: Option<Term>,
}

/// The rows of players as they are written: who is hidden has no name that anybody asks for.
pub fn player_rows<'a>(derived: &'a Derived, hidden: &HashSet<String, impl BuildHasher>) -> Vec<PlayerRow<'a>> {
    let row = |player: &'a DerivedPlayer| {
        let is_shown = !hidden.contains(&player.actor_id);
        PlayerRow { player, name_term: name_term(player).filter(|_| is_shown) }
    };
    derived.players.iter().map(row).collect()
}
