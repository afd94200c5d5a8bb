//! The server: how connections to it are opened, and whether it is one to keep anything on.

use std::str::FromStr as _;

use raidcast_store::StoreError;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _, PgConnection, PgPool};

use crate::error::{migrate_error, silent, store_error};
use crate::limits::{CONNECT_WAIT, CONNECTIONS, POOL_WAIT, SEARCH_CONNECTIONS, SERVER_VERSION_MIN, TRUSTED};

/// What every connection is told first. A commit is on disk when it is answered, whatever the operator's default; a
/// stronger setting (a standby that has it too) stays. Nobody waits for a lock longer than clients are patient, and a
/// relay that vanished in mid-work does not hold any for long.
const SESSION: &str = "
    SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off';
    SET lock_timeout = '3s';
    SET idle_in_transaction_session_timeout = '30s';
";

/// What a connection for searches is told beside what every other is: to go the way that a search's text goes, whatever is
/// guessed of how many rows there are, and to give up in time. A text is planned anew for what is bound to it.
pub const SEARCH_SETTINGS: &str = "
    SET statement_timeout = '3s';
    SET plan_cache_mode = force_custom_plan;
    SET jit = off;
    SET enable_hashjoin = off;
    SET enable_mergejoin = off;
    SET enable_seqscan = off;
    SET enable_bitmapscan = off;
    SET enable_memoize = off;
    SET max_parallel_workers_per_gather = 0;
";

/// What the owner's connection is told as well: where its relay's machine vanished, the server gives the lock free
/// after half a minute instead of two hours.
const OWNER_SESSION: &str =
    "SET tcp_keepalives_idle = 15; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3";
/// Names the lock that the owner of a database holds.
pub(crate) const OWNER_LOCK: i64 = i64::from_be_bytes(*b"raidcast");
/// PostgreSQL's code for a wait for a lock that took too long.
const LOCK_NOT_AVAILABLE: &str = "55P03";

/// Where a server is and as whom it is spoken to.
#[derive(Clone, Debug)]
pub(crate) struct Server(PgConnectOptions);

impl Server {
    /// The server of a URL, which is not asked yet.
    pub(crate) fn at(url: &str) -> Result<Self, StoreError> {
        let options = PgConnectOptions::from_str(url)
            .map_err(|error| StoreError::Unavailable(format!("its URL cannot be understood: {error}")))?;
        // Notices tell an operator nothing: migrations that look for their table, say.
        let options = options.application_name("raidcast-relay").options([("client_min_messages", "warning")]);
        Ok(Self(options.disable_statement_logging()))
    }

    /// Connects, checks that the server will do, and brings the schema up to date; gives the owner's connection too.
    pub(crate) async fn open(url: &str) -> Result<(Self, PgConnection, PgPool), StoreError> {
        let server = Self::at(url)?;
        // By itself first: a pool would not say why it cannot connect.
        let mut connection = server.connect_owner().await?;
        check(&mut connection).await?;
        let pool = server.pool(CONNECTIONS, &[SESSION]);
        sqlx::migrate!("../../migrations/postgres").run(&pool).await.map_err(migrate_error)?;
        Ok((server, connection, pool))
    }

    /// So many connections, opened when they are needed, each told this first.
    fn pool(&self, connections: u32, told: &'static [&'static str]) -> PgPool {
        Self::pool_options(connections, told).connect_lazy_with(self.0.clone())
    }

    /// Those of searches. One that was used a moment ago is not tried again before it is: who searches asks again. One that
    /// was not may be cut without a word, and whoever took it would wait for as long as the system does.
    pub(crate) fn searches(&self) -> PgPool {
        let pool = Self::pool_options(SEARCH_CONNECTIONS, &[SESSION, SEARCH_SETTINGS]).test_before_acquire(false);
        let pool = pool.before_acquire(|connection, known| {
            Box::pin(async move {
                if known.idle_for > TRUSTED {
                    connection.ping().await?;
                }
                Ok(true)
            })
        });
        pool.connect_lazy_with(self.0.clone())
    }

    fn pool_options(connections: u32, told: &'static [&'static str]) -> PgPoolOptions {
        PgPoolOptions::new().max_connections(connections).acquire_timeout(POOL_WAIT).after_connect(
            move |connection, _| {
                Box::pin(async move {
                    for settings in told {
                        sqlx::raw_sql(*settings).execute(&mut *connection).await?;
                    }
                    Ok(())
                })
            },
        )
    }

    /// Opens the connection of the one that owns the database: two relays that fold the same fights would spoil both.
    /// The lock lasts as long as the connection.
    ///
    /// # Errors
    /// `Unavailable`: another one has it, and still does after the wait for locks.
    pub(crate) async fn connect_owner(&self) -> Result<PgConnection, StoreError> {
        let mut connection = self.connect().await?;
        let owning = async {
            sqlx::raw_sql(OWNER_SESSION).execute(&mut connection).await?;
            sqlx::query!("SELECT pg_advisory_lock($1)", OWNER_LOCK).execute(&mut connection).await
        };
        match owning.await {
            Ok(_) => Ok(connection),
            Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(LOCK_NOT_AVAILABLE) => {
                Err(StoreError::Unavailable(
                    "Another relay uses this database. Stop it, or give this one another --database-url.".into(),
                ))
            }
            Err(error) => Err(store_error(&error)),
        }
    }

    /// Opens a connection of its own.
    pub(crate) async fn connect(&self) -> Result<PgConnection, StoreError> {
        let connecting = async {
            let mut connection = self.0.connect().await?;
            sqlx::raw_sql(SESSION).execute(&mut connection).await?;
            Ok(connection)
        };
        let connected = tokio::time::timeout(CONNECT_WAIT, connecting).await.map_err(|_| silent())?;
        connected.map_err(|error: sqlx::Error| store_error(&error))
    }
}

/// # Errors
/// `Damaged`: the server is too old, or the database's encoding cannot hold all text.
pub(crate) async fn check(connection: &mut PgConnection) -> Result<(), StoreError> {
    let about = sqlx::query!(
        r#"SELECT current_setting('server_version_num')::INT AS "version!",
                  current_setting('server_version') AS "version_text!",
                  current_setting('server_encoding') AS "encoding!""#
    )
    .fetch_one(connection)
    .await
    .map_err(|error| store_error(&error))?;
    if about.version < SERVER_VERSION_MIN {
        return Err(StoreError::Damaged(format!(
            "the server is PostgreSQL {}: {} or newer is needed",
            about.version_text,
            SERVER_VERSION_MIN / 10_000
        )));
    }
    if about.encoding != "UTF8" {
        return Err(StoreError::Damaged(format!(
            "its encoding is {}: make one with UTF8 (createdb --encoding=UTF8 --template=template0)",
            about.encoding
        )));
    }
    Ok(())
}
