//! Who is signed in.

use raidcast_store::row::{SessionColumns, readable};
use raidcast_store::{
    NewSession, PersonId, SESSIONS_MAX, Session, SessionEnds, SessionId, Sessions, StoreError, StoreFuture,
};
use sqlx::sqlite::SqliteConnection;

use crate::SqliteStore;
use crate::error::Failure;
use crate::job::Change;

/// Sessions beside one that is new.
const OTHERS_MAX: i64 = SESSIONS_MAX as i64 - 1;

/// Selects sessions; what follows is the rest of the statement and its arguments.
macro_rules! select_sessions {
    ($rest:tt $(, $argument:expr)*) => {
        sqlx::query_as!(
            SessionColumns,
            r#"SELECT s.row AS "row!", s.person, p.role, s.agent, s.created_at_ms, s.used_at_ms
               FROM sessions s JOIN people p ON p.row = s.person "# + $rest
            $(, $argument)*
        )
    };
}

impl Sessions for SqliteStore {
    fn begin_session<'a>(&'a self, session: &'a NewSession) -> StoreFuture<'a, SessionId> {
        self.write(BeginSession(session.clone()))
    }

    fn session<'a>(&'a self, digest: &'a [u8; 32], ends: SessionEnds) -> StoreFuture<'a, Option<Session>> {
        Self::read(async move {
            let digest = digest.as_slice();
            let columns = select_sessions!(
                "WHERE s.digest = ?1 AND s.used_at_ms >= ?2 AND s.created_at_ms >= ?3",
                digest,
                ends.used_before_ms,
                ends.created_before_ms
            )
            .fetch_optional(&self.readers)
            .await?;
            Ok(columns.map(Session::try_from).transpose()?)
        })
    }

    fn use_session(&self, session: SessionId, now_ms: i64) -> StoreFuture<'_, ()> {
        self.write(UseSession { session, now_ms })
    }

    fn sessions(&self, person: PersonId, ends: SessionEnds) -> StoreFuture<'_, Vec<Session>> {
        Self::read(async move {
            let columns = select_sessions!(
                "WHERE s.person = ?1 AND s.used_at_ms >= ?2 AND s.created_at_ms >= ?3
                 ORDER BY s.used_at_ms DESC, s.row DESC",
                person.0,
                ends.used_before_ms,
                ends.created_before_ms
            )
            .fetch_all(&self.readers)
            .await?;
            Ok(readable(columns))
        })
    }

    fn end_session(&self, person: PersonId, session: SessionId) -> StoreFuture<'_, bool> {
        self.write(EndSession { person, session })
    }

    fn end_other_sessions(&self, person: PersonId, but: SessionId) -> StoreFuture<'_, ()> {
        self.write(EndOtherSessions { person, but })
    }

    fn drop_sessions(&self, ends: SessionEnds) -> StoreFuture<'_, ()> {
        self.write(DropSessions(ends))
    }
}

/// Keeps a session, in place of the one that was used least lately where there are too many.
struct BeginSession(NewSession);

impl Change for BeginSession {
    type Output = SessionId;

    async fn run(&self, connection: &mut SqliteConnection) -> Result<SessionId, Failure> {
        let NewSession { digest, person, agent, now_ms } = &self.0;
        // Before the new one is there: it is not the one to go, whatever its clock says.
        sqlx::query!(
            "DELETE FROM sessions WHERE row IN (
                 SELECT row FROM sessions WHERE person = ?1 ORDER BY used_at_ms DESC, row DESC LIMIT -1 OFFSET ?2)",
            person.0,
            OTHERS_MAX,
        )
        .execute(&mut *connection)
        .await?;
        let digest = digest.as_slice();
        let row = sqlx::query_scalar!(
            r#"INSERT INTO sessions (digest, person, agent, created_at_ms, used_at_ms)
               SELECT ?1, row, ?3, ?4, ?4 FROM people WHERE row = ?2 RETURNING row AS "row!""#,
            digest,
            person.0,
            agent,
            now_ms,
        )
        .fetch_optional(connection)
        .await?;
        // Who is not there has no sessions: nothing was changed.
        Ok(row.map(SessionId).ok_or_else(|| StoreError::Damaged(format!("no person {}", person.0)))?)
    }
}

/// Notes that a session was used.
struct UseSession {
    session: SessionId,
    now_ms: i64,
}

impl Change for UseSession {
    type Output = ();

    async fn run(&self, connection: &mut SqliteConnection) -> Result<(), Failure> {
        sqlx::query!(
            "UPDATE sessions SET used_at_ms = MAX(used_at_ms, ?2) WHERE row = ?1",
            self.session.0,
            self.now_ms,
        )
        .execute(connection)
        .await?;
        Ok(())
    }
}

/// Ends one of somebody's sessions.
struct EndSession {
    person: PersonId,
    session: SessionId,
}

impl Change for EndSession {
    type Output = bool;

    async fn run(&self, connection: &mut SqliteConnection) -> Result<bool, Failure> {
        let ended = sqlx::query!("DELETE FROM sessions WHERE row = ?1 AND person = ?2", self.session.0, self.person.0)
            .execute(connection)
            .await?;
        Ok(ended.rows_affected() > 0)
    }
}

/// Ends somebody's sessions but one.
struct EndOtherSessions {
    person: PersonId,
    but: SessionId,
}

impl Change for EndOtherSessions {
    type Output = ();

    async fn run(&self, connection: &mut SqliteConnection) -> Result<(), Failure> {
        sqlx::query!("DELETE FROM sessions WHERE person = ?1 AND row <> ?2", self.person.0, self.but.0)
            .execute(connection)
            .await?;
        Ok(())
    }
}

/// Removes sessions that are over.
struct DropSessions(SessionEnds);

impl Change for DropSessions {
    type Output = ();

    async fn run(&self, connection: &mut SqliteConnection) -> Result<(), Failure> {
        sqlx::query!(
            "DELETE FROM sessions WHERE used_at_ms < ?1 OR created_at_ms < ?2",
            self.0.used_before_ms,
            self.0.created_before_ms,
        )
        .execute(connection)
        .await?;
        Ok(())
    }
}
