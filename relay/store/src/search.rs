//! Finding kept reports by what is in them.
//!
//! One invariant: found is what is final and public when it is asked, and nothing else, and by a player or a player's name
//! only where the raid shows all names; and no question looks at more than
//! [`ROWS_LOOKED_AT_MAX`] rows of the order that it walks (a tenth of it where each is asked for what stands elsewhere),
//! however many fights there are. What lies behind those is found by asking again from where it ended. Deliberately not here: names that are alike ([`crate::name`]), who asks.

mod marks;
mod rows;
mod statement;
mod walk;

use raidcast_shared::uplink::Outcome;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::name::{NameKind, NameParts, Typed, fold};
use crate::{ReportLine, StoreError, StoreFuture};

pub use marks::{Marks, OF_FIGHT};
pub use rows::{
    Listed, MarkedTerm, NameRow, PartRow, PlayerRow, SearchColumns, SearchRows, ShownColumns, TermRow, hidden_terms,
    parts_of, player_rows, shared_terms, term_of_name, terms_of_player,
};
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
    /// Names of players or bosses in public reports, players' where the raid shows all names, that share enough parts, folded, each with its term: those that share
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
