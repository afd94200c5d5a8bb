//! Whose characters are, and which players are shown otherwise than their raids show them.
//!
//! One invariant: a character is one person's at the most, and who is hidden is found by no search from the same
//! transaction on. A claim says nothing until it is proved. Deliberately not here: who proves what by which way.

use raidcast_shared::character::ProofWay;
use raidcast_shared::id::ActorId;

use crate::{AccountId, Note, PersonId, StoreFuture};

/// Claims that somebody may have open: more than a player has characters that he plays.
pub const CLAIMS_OF_PERSON_MAX: i64 = 5;
/// Claims of all that are open: at 200 bytes each under one megabyte.
pub const CLAIMS_MAX: i64 = 2_000;
/// Characters that somebody may have.
pub const CHARACTERS_OF_PERSON_MAX: i64 = 20;
/// Players who may be hidden: as sets of ids in memory some five megabytes.
pub const OPT_OUTS_MAX: i64 = 100_000;
/// Claims of a list.
pub const CLAIMS_LISTED_MAX: i64 = 100;

/// Somebody says that a character is his.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewClaim {
    /// Who.
    pub person: PersonId,
    /// The player's id in logs.
    pub player: ActorId,
    /// What he calls it.
    pub called: String,
    /// How he will prove it.
    pub way: ProofWay,
    /// What the character's name has to contain, where that proves it.
    pub code: Option<String>,
    /// Now, Unix ms.
    pub created_at_ms: i64,
    /// From when it is over, Unix ms.
    pub ends_at_ms: i64,
}

/// A claim that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Its row: one number for good.
    pub row: i64,
    /// What it says.
    pub of: NewClaim,
}

/// A claim, as those see it who may confirm it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenClaim {
    /// Its row.
    pub row: i64,
    /// The name of who says so.
    pub by: String,
    /// What he calls it.
    pub called: String,
    /// What the character is called in the newest of the fights that were asked about.
    pub name: Option<String>,
    /// When he said so, Unix ms.
    pub created_at_ms: i64,
    /// From when it is over, Unix ms.
    pub ends_at_ms: i64,
}

/// Who proves a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProvedBy {
    /// A fight that was uploaded under this account, where its name had the code.
    Fight(AccountId),
    /// Somebody who holds an account under which a fight of the character was uploaded.
    Officer(PersonId),
    /// An administrator: the character is taken from whoever had it.
    Administrator(PersonId),
}

/// A character that is somebody's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Character {
    /// Its row: one number for good.
    pub row: i64,
    /// The player's id in logs.
    pub player: ActorId,
    /// What he calls it.
    pub called: String,
    /// How it was proved.
    pub way: ProofWay,
    /// When, Unix ms.
    pub proved_at_ms: i64,
    /// Whether it is shown by name to nobody.
    pub hidden: bool,
    /// Whether it is shown by name where only those are who agreed.
    pub agrees: bool,
}

/// How a character is to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// By name to nobody, or no more so.
    Hidden(bool),
    /// By name where only those are who agreed, or no more so.
    Agrees(bool),
}

/// What became of a wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wished {
    /// It is so.
    Done,
    /// He has no such character.
    NotThere,
    /// As many are hidden as may be.
    Full,
}

/// Players who are shown otherwise, and of whom a code is looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wishes {
    /// Shown by name to nobody.
    pub hidden: Vec<ActorId>,
    /// Of all others: shown by name where only those are who agreed.
    pub agreed: Vec<ActorId>,
    /// Claimed by a code that may still come.
    pub claimed: Vec<ActorId>,
}

/// Keeps claims, characters, and who is hidden.
pub trait Characters: Send + Sync {
    /// Keeps a claim in place of the one that he has of the same player; `None` if he, or all, have as many open as may be.
    /// Claims that are over go.
    fn claim_character<'a>(&'a self, claim: &'a NewClaim) -> StoreFuture<'a, Option<Claim>>;

    /// Somebody's claims that are open, the oldest first.
    fn claims_of(&self, person: PersonId, now_ms: i64) -> StoreFuture<'_, Vec<Claim>>;

    /// Claims of all that are open and are proved by a code, the oldest first.
    fn claims_by_code(&self, now_ms: i64) -> StoreFuture<'_, Vec<Claim>>;

    /// Claims of others that somebody may confirm, the oldest first: those that want an officer's word, of characters of
    /// which a fight was uploaded under an account of his.
    fn claims_for_officer(&self, officer: PersonId, now_ms: i64) -> StoreFuture<'_, Vec<SeenClaim>>;

    /// Claims that want an administrator's word, the oldest first.
    fn claims_for_administrators(&self, now_ms: i64) -> StoreFuture<'_, Vec<SeenClaim>>;

    /// Takes somebody's claim back; `false` if he has no such one.
    fn drop_claim(&self, person: PersonId, row: i64) -> StoreFuture<'_, bool>;

    /// Removes a claim that wants an administrator's word, and notes that; `false` if there is none.
    fn refuse_claim(&self, row: i64, by: PersonId, now_ms: i64) -> StoreFuture<'_, bool>;

    /// Makes of a claim a character, and notes that. `false`, and nothing changed, if no such claim is open that is to be
    /// proved so, if who proves it may not, or if its person has as many characters as may be. Of a character that is
    /// somebody's or hidden an administrator alone decides: nobody is shown because a stranger said so.
    fn prove_claim(&self, row: i64, by: ProvedBy, now_ms: i64) -> StoreFuture<'_, bool>;

    /// Somebody's characters, the oldest first.
    fn characters_of(&self, person: PersonId) -> StoreFuture<'_, Vec<Character>>;

    /// Shows a character of somebody's so from now on, and notes that.
    fn wish(&self, person: PersonId, row: i64, wish: Wish, now_ms: i64) -> StoreFuture<'_, Wished>;

    /// Hides a player, whosever he is, or shows him again, with a note; `false` if as many are hidden as may be.
    fn hide_player(&self, player: ActorId, hidden: bool, note: Note) -> StoreFuture<'_, bool>;

    /// All that is wished.
    fn wishes(&self, now_ms: i64) -> StoreFuture<'_, Wishes>;
}
