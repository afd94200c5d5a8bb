//! A look at a database on a server that changes nothing.

use raidcast_store::StoreError;
use raidcast_store::look::{ADMINISTRATORS, AppliedChange, Looked, by_administrator, not_ours, waiting};
use sqlx::Connection as _;

use crate::error::store_error;
use crate::server::{OWNER_LOCK, Server, check};

/// What is asked of the database itself: whether it remembers changes of its schema, whether it has other tables, whether
/// tables may be made, and whether a relay holds its lock.
const ABOUT: &str = "
    SELECT to_regclass('_sqlx_migrations') IS NOT NULL,
           EXISTS (SELECT FROM pg_class WHERE relnamespace = to_regnamespace(current_schema()) AND relkind = 'r'),
           coalesce(has_schema_privilege(current_schema(), 'CREATE'), false),
           EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1 AND granted
                   AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
                   AND classid::BIGINT = ($1 >> 32) AND objid::BIGINT = ($1 & 4294967295)),
           to_regclass('sign_ins') IS NOT NULL
";

/// Looks at the database of a URL as [`crate::PostgresStore::open`] has it.
///
/// # Errors
/// `Unavailable` if the server is not there, or does not let us in, or lets us make no tables where some are needed;
/// `Damaged` if the server will not do, or the database is not ours or of a later version.
pub async fn look(url: &str) -> Result<Looked, StoreError> {
    let mut connection = Server::at(url)?.connect().await?;
    check(&mut connection).await?;
    let looking = async {
        let about: (bool, bool, bool, bool, bool) =
            sqlx::query_as(ABOUT).bind(OWNER_LOCK).fetch_one(&mut connection).await?;
        let applied: Vec<(i64, Vec<u8>, bool)> = if about.0 {
            let changes = "SELECT version, checksum, success FROM _sqlx_migrations ORDER BY version";
            sqlx::query_as(changes).fetch_all(&mut connection).await?
        } else {
            Vec::new()
        };
        let people: Vec<(i64, String)> = match about.0 && about.4 {
            true => sqlx::query_as(ADMINISTRATORS).fetch_all(&mut connection).await?,
            false => Vec::new(),
        };
        connection.close().await?;
        Ok((about, applied, people))
    };
    let looked = looking.await.map_err(|error: sqlx::Error| store_error(&error))?;
    let ((has_changes, has_tables, may_make, in_use, _), applied, people) = looked;
    if has_tables && !has_changes {
        return Err(not_ours());
    }
    let applied = applied.into_iter().map(|(version, checksum, success)| AppliedChange { version, checksum, success });
    let applied: Vec<_> = applied.collect();
    let known = sqlx::migrate!("../../migrations/postgres");
    let waiting = waiting(known.iter().map(|change| (change.version, &*change.checksum)), &applied)?;
    if waiting > 0 && !may_make {
        return Err(StoreError::Unavailable(
            "its user may make no tables: make the database with `createdb -O USER`, or grant CREATE on its schema"
                .into(),
        ));
    }
    Ok(Looked { is_new: applied.is_empty(), waiting, in_use, administrators: by_administrator(&people) })
}
