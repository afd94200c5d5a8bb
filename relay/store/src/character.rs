//! Whose characters are, and which players are shown otherwise than their raids show them.
//!
//! One invariant: a character is one person's at the most, and who is hidden is found by no search from the same
//! transaction on. A claim says nothing until it is proved. Deliberately not here: who proves what by which way.

use std::collections::{HashMap, HashSet};

use raidcast_shared::character::ProofWay;
use raidcast_shared::id::ActorId;

use crate::name::fold;
use crate::{AccountId, Note, PersonId, StoreFuture, code};

/// Claims that somebody may have open: more than a player has characters that he plays.
pub const CLAIMS_OF_PERSON_MAX: i64 = 5;
/// Claims of all that are open: at 200 bytes each under one megabyte.
pub const CLAIMS_MAX: i64 = 2_000;
/// Characters that somebody may have.
pub const CHARACTERS_OF_PERSON_MAX: i64 = 20;
/// Players who may be hidden: as sets of ids in memory some five megabytes.
pub const OPT_OUTS_MAX: i64 = 100_000;
/// So many of a player's fights are looked at, the newest ones.
pub const FIGHTS_LOOKED_AT: u32 = 1_000;
/// Claims of a list.
pub const CLAIMS_LISTED_MAX: i64 = 100;
/// Names of a player that who decides is told.
pub const NAMES_JUDGED: usize = 5;
/// Of each account, the names that it has oftenest: one that makes up many keeps no other from being heard.
pub const NAMES_OF_ACCOUNT_MAX: i64 = 5;
/// So many accounts and names of a player are looked at for him, every account's first name before any second.
pub const SEEN_MAX: i64 = 2_000;

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
    /// What the character's name has to contain, or what names the claim to an officer, where one of these proves it.
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

/// A claim, as an officer sees it who may confirm it.
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

/// A claim, and what speaks for and against it: for who decides on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JudgedClaim {
    /// Its row.
    pub row: i64,
    /// The name of who says so.
    pub by: String,
    /// The player's id in logs.
    pub player: ActorId,
    /// What he calls it.
    pub called: String,
    /// Whose the character is now, and his name.
    pub holder: Option<(PersonId, String)>,
    /// Whether it is shown by name to nobody.
    pub hidden: bool,
    /// Whether an administrator said so.
    pub by_administrator: bool,
    /// What others saw.
    pub seen: Seen,
    /// When he said so, Unix ms.
    pub created_at_ms: i64,
    /// From when it is over, Unix ms.
    pub ends_at_ms: i64,
}

/// What accounts saw of a player, those left out that are his who claims him, and fights that are still to come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// How many accounts saw him.
    pub others: u32,
    /// How many of these call him as he is claimed.
    pub called_so: u32,
    /// What most of them call him, with how many do: [`NAMES_JUDGED`] at the most.
    pub names: Vec<(String, u32)>,
}

impl Seen {
    /// Of accounts and what they call him, once each.
    pub fn of(called: &str, rows: &[(i64, Option<String>)]) -> Self {
        let called = fold(called);
        let all: HashSet<i64> = rows.iter().map(|(account, _)| *account).collect();
        let so = |name: &str| fold(name) == called;
        let those = rows.iter().filter(|(_, name)| name.as_deref().is_some_and(so));
        let called_so: HashSet<i64> = those.map(|(account, _)| *account).collect();
        let mut names: HashMap<&str, HashSet<i64>> = HashMap::new();
        for (account, name) in rows {
            names.entry(name.as_deref().unwrap_or_default()).or_default().insert(*account);
        }
        names.remove("");
        let count = |accounts: &HashSet<i64>| u32::try_from(accounts.len()).unwrap_or(u32::MAX);
        let mut names: Vec<_> = names.iter().map(|(name, accounts)| ((*name).to_owned(), count(accounts))).collect();
        names.sort_unstable_by(|(name, accounts), (other, more)| more.cmp(accounts).then_with(|| name.cmp(other)));
        names.truncate(NAMES_JUDGED);
        Self { others: count(&all), called_so: count(&called_so), names }
    }
}

/// Who proves a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProvedBy {
    /// A fight that was uploaded under this account, where its name had the code.
    Fight(AccountId),
    /// Somebody who holds an account under which a fight of the character was uploaded.
    Officer(PersonId),
    /// An administrator: the character is taken from whoever had it, if that is who he thought.
    Administrator {
        /// Who.
        by: PersonId,
        /// Whose he was told that it is.
        held: Option<PersonId>,
        /// Whether he was told that an administrator has hidden it: whose it is from now on may show it then.
        hidden: bool,
    },
}

/// What became of a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// The character is his.
    Done,
    /// No such claim is open that is proved so.
    NotThere,
    /// It is another's now than the administrator was told.
    Held,
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
    /// Whether an administrator said so.
    pub by_administrator: bool,
    /// Whether it is shown by name where only those are who agreed.
    pub agrees: bool,
}

/// What is held of a player beside his fights.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlayerHeld {
    /// Whose character he is, and how that was proved.
    pub character: Option<(PersonId, Character)>,
    /// Who says that the character is his, the oldest first: also claims that are over, until they are removed.
    pub claims: Vec<Claim>,
    /// Where he is shown by name to nobody: since when, Unix ms, and whether an administrator said so.
    pub hidden: Option<(i64, bool)>,
}

/// A player whom an administrator has hidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HiddenPlayer {
    /// The player's id in logs.
    pub player: ActorId,
    /// Since when, Unix ms.
    pub since_ms: i64,
}

/// In which fights a player is, and what he is called there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlayerNames {
    /// In how many: of his newest [`FIGHTS_LOOKED_AT`].
    pub fights: u32,
    /// His names, with in how many of these he has each, that of most first.
    pub names: Vec<(String, u32)>,
}

impl PlayerNames {
    /// Of names and how many fights have each; of some no name is known.
    pub fn of(rows: impl IntoIterator<Item = (Option<String>, i64)>) -> Self {
        let mut all = Self::default();
        for (name, fights) in rows {
            let fights = u32::try_from(fights).unwrap_or_default();
            all.fights += fights;
            all.names.extend(name.map(|name| (name, fights)));
        }
        all.names.sort_by(|(one, of_one), (other, of_other)| of_other.cmp(of_one).then_with(|| one.cmp(other)));
        all
    }
}

/// How a character is to be shown; what is left out stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    /// By name to nobody, or no more so.
    pub hidden: Option<bool>,
    /// By name where only those are who agreed, or no more so.
    pub agrees: Option<bool>,
}

impl Wish {
    /// Only whether it is hidden.
    pub fn hidden(hidden: bool) -> Self {
        Self { hidden: Some(hidden), agrees: None }
    }

    /// Only whether it agrees.
    pub fn agrees(agrees: bool) -> Self {
        Self { hidden: None, agrees: Some(agrees) }
    }

    /// Why not, if anything of it cannot be: of a character that an administrator has hidden, or that was proved in this
    /// way.
    pub fn refused(self, by_administrator: bool, way: i64) -> Option<Wished> {
        if self.hidden == Some(false) && by_administrator {
            return Some(Wished::ByAdministrator);
        }
        (self.agrees == Some(true) && way != i64::from(code::of_way(ProofWay::Administrator)))
            .then_some(Wished::Unproved)
    }
}

/// What became of a wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wished {
    /// It is so.
    Done,
    /// He has no such character.
    NotThere,
    /// An administrator has hidden it, and nobody else shows it.
    ByAdministrator,
    /// To be named where others are not takes an administrator's word.
    Unproved,
    /// As many are hidden as may be.
    Full,
}

/// Players who are shown otherwise, and of whom a code is looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wishes {
    /// Shown by name to nobody.
    pub hidden: Vec<ActorId>,
    /// Of all others: shown by name where only those are who agreed, and whose characters an administrator has seen to.
    pub agreed: Vec<ActorId>,
    /// Claimed by a code that may still come.
    pub claimed: Vec<ActorId>,
}

/// Keeps claims, characters, and who is hidden.
pub trait Characters: Send + Sync {
    /// Keeps a claim; `None` if he, or all, have as many open as may be. Claims that are over go. Whether he has claimed the
    /// same player before makes no difference: it would tell him which numbers and keys are one player's.
    fn claim_character<'a>(&'a self, claim: &'a NewClaim) -> StoreFuture<'a, Option<Claim>>;

    /// Somebody's claims that are open, the oldest first.
    fn claims_of(&self, person: PersonId, now_ms: i64) -> StoreFuture<'_, Vec<Claim>>;

    /// Claims of all that are open and are proved by a code, the oldest first.
    fn claims_by_code(&self, now_ms: i64) -> StoreFuture<'_, Vec<Claim>>;

    /// The claim with this code that somebody may confirm: of another, who wants an officer's word, of a character of which
    /// a fight was kept under an account of his before it was claimed. What is kept later may be made for it.
    fn claim_for_officer<'a>(
        &'a self,
        officer: PersonId,
        code: &'a str,
        now_ms: i64,
    ) -> StoreFuture<'a, Option<SeenClaim>>;

    /// Claims that want an administrator's word, with what speaks for and against each: everybody's first one before
    /// anybody's second, so that nobody fills the list.
    fn claims_for_administrators(&self, now_ms: i64) -> StoreFuture<'_, Vec<JudgedClaim>>;

    /// Takes somebody's claim back; `false` if he has no such one.
    fn drop_claim(&self, person: PersonId, row: i64) -> StoreFuture<'_, bool>;

    /// Removes a claim that wants an administrator's word, and notes that; `false` if there is none.
    fn refuse_claim(&self, row: i64, by: PersonId, now_ms: i64) -> StoreFuture<'_, bool>;

    /// Makes of a claim a character, and notes that; his other claims of it go. Nothing changes if no such claim is open that
    /// is to be proved so, if who proves it may not, or if its person has as many characters as may be. Of a character that
    /// is somebody's or hidden an administrator alone decides: nobody is shown because a stranger said so. Whom an
    /// administrator had hidden, the one whom he believes may show.
    fn prove_claim(&self, row: i64, by: ProvedBy, now_ms: i64) -> StoreFuture<'_, Proof>;

    /// Somebody's characters, the oldest first.
    fn characters_of(&self, person: PersonId) -> StoreFuture<'_, Vec<Character>>;

    /// Shows a character of somebody's so from now on, and notes that: all of it, or nothing.
    fn wish(&self, person: PersonId, row: i64, wish: Wish, now_ms: i64) -> StoreFuture<'_, Wished>;

    /// Hides a player by an administrator's word, whosever he is, or shows him again, with a note; `false` if as many are
    /// hidden as may be.
    fn hide_player(&self, player: ActorId, hidden: bool, note: Note) -> StoreFuture<'_, bool>;

    /// Players whom administrators have hidden, those who were hidden last first: from the last one, or before one.
    fn hidden_players(&self, before: Option<HiddenPlayer>, limit: u32) -> StoreFuture<'_, Vec<HiddenPlayer>>;

    /// What a player is called in his newest fights.
    fn player_names(&self, player: ActorId) -> StoreFuture<'_, PlayerNames>;

    /// Whether anything is held of a player: a fight, whose he is, or that he is hidden.
    fn knows_player(&self, player: ActorId) -> StoreFuture<'_, bool>;

    /// What is held of a player beside his fights, as it was at one time.
    fn player_held(&self, player: ActorId) -> StoreFuture<'_, PlayerHeld>;

    /// Fights in whose derived rows a player stands, each once, those that came last first: the row of each encounter and
    /// its report, from the last one, or before a row.
    fn fights_of_player(&self, player: ActorId, before: Option<i64>, limit: u32)
    -> StoreFuture<'_, Vec<(i64, String)>>;

    /// All that is wished.
    fn wishes(&self, now_ms: i64) -> StoreFuture<'_, Wishes>;
}
