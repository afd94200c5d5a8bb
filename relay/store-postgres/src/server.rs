//! The server: how connections to it are opened, and whether it is one to keep anything on.

use std::str::FromStr as _;

use raidcast_store::StoreError;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions as _, PgConnection, PgPool};

use crate::error::{migrate_error, silent, store_error};
use crate::limits::{CONNECT_WAIT, CONNECTIONS, POOL_WAIT, SERVER_VERSION_MIN};

/// What every connection is told first. A commit is on disk when it is answered, whatever the operator's default; a
/// stronger setting (a standby that has it too) stays. Nobody waits for a lock longer than clients are patient, and a
/// relay that vanished in mid-work does not hold any for long.
const SESSION: &str = "
    SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off';
    SET lock_timeout = '3s';
    SET idle_in_transaction_session_timeout = '30s';
";

/// Where a server is and as whom it is spoken to.
#[derive(Clone, Debug)]
pub(crate) struct Server(PgConnectOptions);

impl Server {
    /// Connects, checks that the server will do, and brings the schema up to date.
    pub(crate) async fn open(url: &str) -> Result<(Self, PgPool), StoreError> {
        let options = PgConnectOptions::from_str(url)
            .map_err(|error| StoreError::Unavailable(format!("its URL cannot be understood: {error}")))?;
        let server = Self(options.application_name("raidcast-relay").disable_statement_logging());
        // By itself first: a pool would not say why it cannot connect.
        let mut connection = server.connect().await?;
        check(&mut connection).await?;
        drop(connection);
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(POOL_WAIT)
            .after_connect(|connection, _| {
                Box::pin(async move { sqlx::raw_sql(SESSION).execute(connection).await.map(drop) })
            })
            .connect_lazy_with(server.0.clone());
        sqlx::migrate!("../../migrations/postgres").run(&pool).await.map_err(migrate_error)?;
        Ok((server, pool))
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
async fn check(connection: &mut PgConnection) -> Result<(), StoreError> {
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
