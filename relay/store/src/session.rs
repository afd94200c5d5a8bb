//! Who is signed in.

use crate::{PersonId, Role, StoreFuture};

/// A session's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub i64);

/// A session. Its secret stands in a cookie and is not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its row.
    pub id: SessionId,
    /// Who is signed in.
    pub person: PersonId,
    /// What he may do now.
    pub role: Role,
    /// What he signed in with, as it says itself.
    pub agent: String,
    /// Since when, Unix ms.
    pub created_at_ms: i64,
    /// When it was used last, about, Unix ms.
    pub used_at_ms: i64,
}

/// A session that is new.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// SHA-256 of its secret.
    pub digest: [u8; 32],
    /// Who is signed in.
    pub person: PersonId,
    /// What he signed in with.
    pub agent: String,
    /// Now, Unix ms.
    pub now_ms: i64,
}

/// When a session is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionEnds {
    /// If it was not used since then, Unix ms.
    pub used_before_ms: i64,
    /// If it began before then, Unix ms.
    pub created_before_ms: i64,
}

/// Sessions that somebody may have at once: with another one, the one that was used least lately ends.
pub const SESSIONS_MAX: usize = 50;

/// Keeps sessions.
pub trait Sessions: Send + Sync {
    /// Keeps a session. Of one person [`SESSIONS_MAX`] are kept.
    ///
    /// # Errors
    /// `Damaged` if there is no such person.
    fn begin_session<'a>(&'a self, session: &'a NewSession) -> StoreFuture<'a, SessionId>;

    /// The session with a secret of this digest, if it is not over.
    fn session<'a>(&'a self, digest: &'a [u8; 32], ends: SessionEnds) -> StoreFuture<'a, Option<Session>>;

    /// It was used.
    fn use_session(&self, session: SessionId, now_ms: i64) -> StoreFuture<'_, ()>;

    /// Somebody's sessions that are not over, the one that was used last first.
    fn sessions(&self, person: PersonId, ends: SessionEnds) -> StoreFuture<'_, Vec<Session>>;

    /// Ends one of somebody's sessions; `false` if he has no such one.
    fn end_session(&self, person: PersonId, session: SessionId) -> StoreFuture<'_, bool>;

    /// Ends somebody's sessions but one.
    fn end_other_sessions(&self, person: PersonId, but: SessionId) -> StoreFuture<'_, ()>;

    /// Removes what is over.
    fn drop_sessions(&self, ends: SessionEnds) -> StoreFuture<'_, ()>;
}
