//! Finding kept reports by what is in them.
//!
//! One invariant: found is what is final and public when it is asked, and nothing else; and no question looks at more than
//! [`ROWS_LOOKED_AT_MAX`] rows of the order that it walks (a tenth of it where each is asked for what stands elsewhere),
//! however many fights there are. What lies behind those is found by asking again from where it ended. Deliberately not here: names that are alike ([`crate::name`]), who asks.

mod marks;
mod statement;
mod walk;

use std::collections::BTreeMap;

use raidcast_shared::uplink::Outcome;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::name::{NameKind, NameParts, Typed, fold, parts_kept};
use crate::{Derived, DerivedPlayer, ReportLine, StoreError, StoreFuture};

pub use marks::Marks;
pub use statement::{Bind, Statement, names_sharing};
pub use walk::{Ask, Walked, walk};

/// Rows of an order that one question looks at.
pub const ROWS_LOOKED_AT_MAX: u32 = 2_000;
/// A row that is asked for what stands in other rows counts as so many: each of those is somewhere else.
pub const LOOKS_OF_A_ROW_ELSEWHERE: u32 = 10;
/// Names that a database proposes at the most, those first that share the most parts.
pub const NAMES_PROPOSED_MAX: u32 = 1_000;
/// Parts of names that are looked at for this: of a name of ten letters among a hundred thousand.
pub const PARTS_LOOKED_AT_MAX: u32 = 50_000;

/// Something that an encounter is found by exactly: a number that its text gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Term(pub i64);

impl Term {
    /// All encounters have it.
    pub const ALL: Self = Self(0);

    /// A player, by key.
    pub fn player(key: &str) -> Self {
        Self::of("player", key)
    }

    /// A folded name.
    pub fn name(kind: NameKind, folded: &str) -> Self {
        Self::of(if kind == NameKind::Player { "player name" } else { "boss" }, folded)
    }

    /// A scene, by its name however it is written.
    pub fn scene(name: &str) -> Self {
        Self::of("scene", &fold(name))
    }

    /// A scene, by the game's id.
    pub fn scene_id(id: i64) -> Self {
        Self::of("scene id", &id.to_string())
    }

    /// Eight bytes of a digest: nobody finds two texts that have the same, so databases hold numbers alone.
    fn of(kind: &str, text: &str) -> Self {
        let digest = Sha256::new().chain_update(kind).chain_update([0]).chain_update(text).finalize();
        let mut first = [0; 8];
        first.copy_from_slice(&digest[..8]);
        Self(i64::from_be_bytes(first))
    }
}

/// What lists are ordered by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SearchOrder {
    /// When the fight began.
    #[default]
    Started,
    /// When it came.
    Created,
    /// How long it took.
    Duration,
    /// Damage of all players a second.
    Dps,
}

impl SearchOrder {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Started, Self::Created, Self::Duration, Self::Dps];

    /// The column.
    pub(crate) fn column(self) -> &'static str {
        match self {
            Self::Started => "started_at_ms",
            Self::Created => "created_at_ms",
            Self::Duration => "duration_ms",
            Self::Dps => "dps",
        }
    }
}

/// From and to, both included.
pub type Between = (Option<i64>, Option<i64>);

/// What one player of a fight is to be: all of it is of the same player.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlayerWanted {
    /// The player's key.
    pub key: Option<String>,
    /// One of these names; no name is one that nobody has.
    pub names: Option<Vec<Term>>,
    /// The game's class.
    pub class_id: Option<i64>,
    /// The spec.
    pub class_spec: Option<i64>,
}

/// What a fight is to be; what is left out may be anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filters {
    /// One of its players.
    pub player: PlayerWanted,
    /// One of its bosses has one of these names; no name is one that none has.
    pub bosses: Option<Vec<Term>>,
    /// Its scene, by name.
    pub scene: Option<Term>,
    /// Its scene, by the game's id.
    pub scene_id: Option<i64>,
    /// The game's difficulty.
    pub difficulty: Option<i64>,
    /// How it went.
    pub outcome: Option<Outcome>,
    /// When it began, Unix ms.
    pub started_at_ms: Between,
    /// First to last combat event, ms.
    pub duration_ms: Between,
    /// How many players.
    pub players: Between,
}

/// A place in an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SearchKey {
    /// By what it is ordered.
    pub value: i64,
    /// The encounter's row, which tells those of the same value apart.
    pub encounter: i64,
}

/// A question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchRequest {
    /// What fights are to be.
    pub filters: Filters,
    /// In which order.
    pub order: SearchOrder,
    /// The greatest first.
    pub descending: bool,
    /// What comes after this place.
    pub after: Option<SearchKey>,
    /// So many of these are passed over.
    pub skip: u32,
    /// And so many are given at the most.
    pub take: u32,
    /// Whether they are counted, too.
    pub count: bool,
    /// Rows of the order that are looked at at the most: [`ROWS_LOOKED_AT_MAX`], but for tests.
    pub look: u32,
}

/// How many there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SearchTotal {
    /// So many.
    pub count: u64,
    /// Or more: not all rows were looked at.
    pub at_least: bool,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchFound {
    /// In the order that was asked for.
    pub lines: Vec<ReportLine>,
    /// From where to ask again; `None` where nothing more is there.
    pub next: Option<SearchKey>,
    /// Where they were to be counted.
    pub total: Option<SearchTotal>,
}

/// Finds kept reports.
pub trait Search: Send + Sync {
    /// Names of players or bosses in public reports that share enough parts, folded, each with its term: those that share
    /// the most, and the one that was typed if there is such a name. Names in other reports are in nobody's way.
    fn names_proposed<'a>(&'a self, parts: &'a NameParts) -> StoreFuture<'a, Vec<(Term, String)>>;

    /// A number that grows with whatever changes what [`Search::search`] and [`Search::names_proposed`] give, in the same
    /// transaction. Figures of a report that is kept anew change when that is derived.
    fn search_changes(&self) -> StoreFuture<'_, u64>;

    /// Final public reports.
    fn search<'a>(&'a self, request: &'a SearchRequest) -> StoreFuture<'a, SearchFound>;
}

/// The names in public reports that are most like what was typed.
///
/// # Errors
/// The store's.
pub async fn names_like(store: &(impl Search + ?Sized), typed: &Typed) -> Result<Vec<Term>, StoreError> {
    let proposed = store.names_proposed(&typed.parts()).await?;
    Ok(typed.best(proposed).into_iter().map(|(term, _)| term).collect())
}

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
fn term_rows(columns: &SearchColumns, derived: &Derived) -> Vec<TermRow> {
    let fight = Marks::of_fight(columns);
    let mut marks = BTreeMap::new();
    let mut all = fight;
    for player in &derived.players {
        let own = Marks::of_player(player);
        all = all.and(own);
        for term in [Some(Term::player(&player.actor_id)), name_term(player)].into_iter().flatten() {
            let held = marks.entry(term).or_insert(fight);
            *held = held.and(own);
        }
    }
    let bosses = derived.bosses.iter().map(|boss| fold(&boss.boss_name)).filter(|name| !name.is_empty());
    let of_all = [Term::ALL]
        .into_iter()
        .chain(bosses.map(|name| Term::name(NameKind::Boss, &name)))
        .chain(columns.scene.as_deref().map(Term::scene))
        .chain(columns.scene_id.map(Term::scene_id));
    marks.extend(of_all.map(|term| (term, all)));
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
            terms: term_rows(columns, derived),
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
