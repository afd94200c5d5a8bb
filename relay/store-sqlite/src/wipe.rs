//! What the files still hold of what was deleted, and how it goes.
//!
//! One invariant: after a step that says that it is done, no file holds anything of what was deleted before it: pages are
//! overwritten when they are deleted ([`crate::file`]), free ones are the disk's again, and the WAL is empty.

use std::time::Duration;

use raidcast_store::{GivenBack, JobKind, code};
use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Row as _};

use crate::limits::{BUSY_WAIT, GIVE_BACK_PAGES, GIVE_BACK_WAIT};

/// `PRAGMA auto_vacuum` of a file whose free pages can be given back step by step.
const INCREMENTAL: i64 = 2;

/// Takes a step. The one who writes calls it, so that nothing is deleted meanwhile; when it is done the job for it goes.
pub(crate) async fn give_back(connection: &mut SqliteConnection) -> Result<GivenBack, sqlx::Error> {
    let vacuum = format!("PRAGMA incremental_vacuum({GIVE_BACK_PAGES})");
    sqlx::raw_sql(AssertSqlSafe(vacuum)).execute(&mut *connection).await?;
    let mode: i64 = sqlx::query_scalar("PRAGMA auto_vacuum").fetch_one(&mut *connection).await?;
    let free: i64 = sqlx::query_scalar("PRAGMA freelist_count").fetch_one(&mut *connection).await?;
    // Who reads what the WAL holds is not waited for: nobody writes meanwhile.
    set_busy_wait(connection, GIVE_BACK_WAIT).await?;
    let emptied = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&mut *connection).await;
    set_busy_wait(connection, BUSY_WAIT).await?;
    let is_busy: i64 = emptied?.try_get(0)?;
    // A file that another program made may keep its free pages: they were overwritten, and are used again.
    let gives_back = mode == INCREMENTAL;
    let is_done = (free == 0 || !gives_back) && is_busy == 0;
    if is_done {
        let kind = i64::from(code::of_job(JobKind::Wipe));
        sqlx::query!("DELETE FROM jobs WHERE kind = ?1", kind).execute(connection).await?;
    }
    Ok(GivenBack { is_done })
}

async fn set_busy_wait(connection: &mut SqliteConnection, wait: Duration) -> Result<(), sqlx::Error> {
    let pragma = format!("PRAGMA busy_timeout = {}", wait.as_millis());
    sqlx::raw_sql(AssertSqlSafe(pragma)).execute(connection).await.map(drop)
}
