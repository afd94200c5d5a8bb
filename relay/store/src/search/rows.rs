//! What is written of a fight so that it is found.
//!
//! One invariant: it follows from what is derived of the fight and what its encounter says, and from nothing else.
//! Deliberately not here: who writes it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Term;
use super::marks::Marks;
use crate::name::{NameKind, fold, parts_kept};
use crate::{Derived, DerivedPlayer};

/// What an encounter says of itself that search asks: columns of `encounters`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "columns are described in the migrations")]
pub struct SearchColumns {
    pub visibility: i64,
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

/// A name and its term.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "columns are described in the migrations")]
pub struct NameRow {
    pub term: Term,
    pub name: String,
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

/// A term, and what is told beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "columns are described in the migrations")]
pub struct TermRow {
    pub term: Term,
    pub marks: Marks,
}

/// What an encounter is found by. Beside a player, or a player's name, stand that player's class and spec alone.
fn term_rows(columns: &SearchColumns, derived: &Derived, names: &[NameRow]) -> Vec<TermRow> {
    let fight = Marks::of_fight(columns.outcome, columns.difficulty, columns.players);
    let mut marks = BTreeMap::new();
    let mut all = fight;
    for player in &derived.players {
        let own = Marks::of_player(player.class_id, player.class_spec);
        all = all.and(own);
        for term in [Some(Term::player(&player.actor_id)), name_term(player)].into_iter().flatten() {
            let held = marks.entry(term).or_insert(fight);
            *held = held.and(own);
        }
    }
    let scene = [columns.scene.as_deref().map(Term::scene), columns.scene_id.map(Term::scene_id)];
    // Names of players are there already: what is left are bosses'.
    for term in [Term::ALL].into_iter().chain(names.iter().map(|name| name.term)).chain(scene.into_iter().flatten()) {
        marks.entry(term).or_insert(all);
    }
    marks.into_iter().map(|(term, marks)| TermRow { term, marks }).collect()
}

/// What is written of an encounter so that it is found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "columns are described in the migrations")]
pub struct SearchRows {
    pub listed: bool,
    pub dps: i64,
    /// Each term once, in order.
    pub terms: Vec<TermRow>,
    pub names: Vec<NameRow>,
    pub parts: Vec<PartRow>,
}

impl SearchRows {
    /// Of the rows that are derived of a report, and of what its encounter says.
    pub fn of(columns: &SearchColumns, derived: &Derived) -> Self {
        let players =
            derived.players.iter().filter_map(|player| Some((NameKind::Player, fold(player.name.as_deref()?))));
        let bosses = derived.bosses.iter().map(|boss| (NameKind::Boss, fold(&boss.boss_name)));
        let mut folded: Vec<_> = players.chain(bosses).filter(|(_, name)| !name.is_empty()).collect();
        folded.sort();
        folded.dedup();
        let names: Vec<_> =
            folded.iter().map(|(kind, name)| NameRow { term: Term::name(*kind, name), name: name.clone() }).collect();
        let parts = folded.iter().zip(&names).flat_map(|((kind, name), row)| {
            parts_kept(*kind, name).into_iter().map(|part| PartRow { part, term: row.term })
        });
        Self {
            listed: columns.visibility == 0 && columns.state == 2,
            dps: dps(columns),
            parts: parts.collect(),
            terms: term_rows(columns, derived, &names),
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
    let folded = fold(player.name.as_deref()?);
    (!folded.is_empty()).then(|| Term::name(NameKind::Player, &folded))
}

/// A player's row with the term of the name.
#[derive(Clone, Debug, Serialize)]
pub struct PlayerRow<'a> {
    #[serde(flatten)]
    pub(crate) player: &'a DerivedPlayer,
    pub(crate) name_term: Option<Term>,
}

/// The rows of players as they are written.
pub fn player_rows(derived: &Derived) -> Vec<PlayerRow<'_>> {
    let row = |player| PlayerRow { player, name_term: name_term(player) };
    derived.players.iter().map(row).collect()
}
