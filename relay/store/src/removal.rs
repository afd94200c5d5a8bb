//! Who asks to be removed from what others uploaded.
//!
//! One invariant: so many are kept and no more, whoever asks. One that is closed is gone.

use crate::{Note, StoreFuture};

/// Requests that are kept at once: at 4 KiB each four megabytes, and more than may be asked for in a day.
pub const REMOVALS_MAX: i64 = 1_000;

/// What somebody asks for, in his own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRemoval {
    /// What the player is called in the game.
    pub player: String,
    /// Where he was seen.
    pub links: String,
    /// How he is answered; may be empty.
    pub contact: String,
    /// What else he says; may be empty.
    pub message: String,
    /// When he asked, Unix ms.
    pub created_at_ms: i64,
}

/// A request that is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removal {
    /// Its row.
    pub row: i64,
    /// What is asked for.
    pub asked: NewRemoval,
}

/// Keeps requests.
pub trait Removals: Send + Sync {
    /// Keeps a request; `false` if [`REMOVALS_MAX`] are open.
    fn ask_removal<'a>(&'a self, asked: &'a NewRemoval) -> StoreFuture<'a, bool>;

    /// Those that are open, the oldest first.
    fn removals(&self) -> StoreFuture<'_, Vec<Removal>>;

    /// Removes those of before a time; gives how many.
    fn drop_removals(&self, before_ms: i64) -> StoreFuture<'_, u64>;

    /// Closes one; `false` if there is none.
    fn close_removal(&self, row: i64, note: Note) -> StoreFuture<'_, bool>;
}
