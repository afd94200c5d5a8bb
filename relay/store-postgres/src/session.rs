//! Who is signed in.
//!
//! What changes several sessions of one person holds that person's lock; what removes sessions of anybody waits for
//! none. So no two wait for each other.

use raidcast_store::row::{SessionColumns, readable};
use raidcast_store::{
    NewSession, PersonId, SESSIONS_MAX, Session, SessionEnds, SessionId, Sessions, StoreError, StoreFuture,
};

use crate::PostgresStore;
use crate::person::lock;

/// Sessions beside one that is new.
const OTHERS_MAX: i64 = SESSIONS_MAX as i64 - 1;

/// Selects sessions; what follows is the rest of the statement and its arguments.
macro_rules! select_sessions {
    ($rest:tt $(, $argument:expr)*) => {
        sqlx::query_as!(
            SessionColumns,
            "SELECT s.row, s.person, p.role, s.agent, s.created_at_ms, s.used_at_ms
             FROM sessions s JOIN people p ON p.row = s.person " + $rest
            $(, $argument)*
        )
    };
}

impl Sessions for PostgresStore {
    fn begin_session<'a>(&'a self, session: &'a NewSession) -> StoreFuture<'a, SessionId> {
        Self::answer(async move {
            let NewSession { digest, person, agent, now_ms } = session;
            let mut transaction = self.begin().await?;
            if !lock(&mut transaction, *person).await? {
                return Err(StoreError::Damaged(format!("no person {}", person.0)).into());
            }
            // Before the new one is there: it is not the one to go, whatever its clock says.
            sqlx::query!(
                "DELETE FROM sessions WHERE row IN (
                     SELECT row FROM sessions WHERE person = $1 ORDER BY used_at_ms DESC, row DESC OFFSET $2)",
                person.0,
                OTHERS_MAX,
            )
            .execute(&mut *transaction)
            .await?;
            let row = sqlx::query_scalar!(
                "INSERT INTO sessions (digest, person, agent, created_at_ms, used_at_ms) VALUES ($1, $2, $3, $4, $4)
                 RETURNING row",
                digest.as_slice(),
                person.0,
                agent,
                now_ms,
            )
            .fetch_one(&mut *transaction)
            .await?;
            transaction.commit().await?;
            Ok(SessionId(row))
        })
    }

    fn session<'a>(&'a self, digest: &'a [u8; 32], ends: SessionEnds) -> StoreFuture<'a, Option<Session>> {
        Self::answer(async move {
            let columns = select_sessions!(
                "WHERE s.digest = $1 AND s.used_at_ms >= $2 AND s.created_at_ms >= $3",
                digest.as_slice(),
                ends.used_before_ms,
                ends.created_before_ms
            )
            .fetch_optional(&self.pool)
            .await?;
            Ok(columns.map(Session::try_from).transpose()?)
        })
    }

    fn use_session(&self, session: SessionId, now_ms: i64) -> StoreFuture<'_, ()> {
        Self::answer(async move {
            sqlx::query!("UPDATE sessions SET used_at_ms = GREATEST(used_at_ms, $2) WHERE row = $1", session.0, now_ms)
                .execute(&self.pool)
                .await?;
            Ok(())
        })
    }

    fn sessions(&self, person: PersonId, ends: SessionEnds) -> StoreFuture<'_, Vec<Session>> {
        Self::answer(async move {
            let columns = select_sessions!(
                "WHERE s.person = $1 AND s.used_at_ms >= $2 AND s.created_at_ms >= $3
                 ORDER BY s.used_at_ms DESC, s.row DESC",
                person.0,
                ends.used_before_ms,
                ends.created_before_ms
            )
            .fetch_all(&self.pool)
            .await?;
            Ok(readable(columns))
        })
    }

    fn end_session(&self, person: PersonId, session: SessionId) -> StoreFuture<'_, bool> {
        Self::answer(async move {
            let ended = sqlx::query!("DELETE FROM sessions WHERE row = $1 AND person = $2", session.0, person.0)
                .execute(&self.pool)
                .await?;
            Ok(ended.rows_affected() > 0)
        })
    }

    fn end_other_sessions(&self, person: PersonId, but: SessionId) -> StoreFuture<'_, ()> {
        Self::answer(async move {
            let mut transaction = self.begin().await?;
            lock(&mut transaction, person).await?;
            sqlx::query!("DELETE FROM sessions WHERE person = $1 AND row <> $2", person.0, but.0)
                .execute(&mut *transaction)
                .await?;
            Ok(transaction.commit().await?)
        })
    }

    fn drop_sessions(&self, ends: SessionEnds) -> StoreFuture<'_, ()> {
        Self::answer(async move {
            // One that somebody changes just now is removed the next time.
            sqlx::query!(
                "DELETE FROM sessions WHERE row IN (
                     SELECT row FROM sessions WHERE used_at_ms < $1 OR created_at_ms < $2 FOR UPDATE SKIP LOCKED)",
                ends.used_before_ms,
                ends.created_before_ms,
            )
            .execute(&self.pool)
            .await?;
            Ok(())
        })
    }
}
