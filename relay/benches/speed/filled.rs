//! Databases that an archive fills in bulk.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use raidcast_pgkit::{Cluster, Install};
use raidcast_store::archive::{Archive, Table};
use raidcast_store::{Search, Upkeep};
use raidcast_store_postgres::PostgresStore;
use raidcast_store_sqlite::SqliteStore;
use sqlx::postgres::PgConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, Connection as _};
use tokio::time::Instant;

/// Encounters whose rows are made at once.
const PART: usize = 2_000;
/// A server of an operator with 4 GB; the rest is as pgkit has it. What fills it quickly is set, too.
const SETTINGS: [&str; 6] = [
    "shared_buffers = '1GB'",
    "max_wal_size = '8GB'",
    "min_wal_size = '80MB'",
    "checkpoint_timeout = '30min'",
    "maintenance_work_mem = '512MB'",
    "autovacuum = off",
];

/// What a search needs of a store here.
pub(crate) trait Asks: Search + Upkeep {}

impl<T: Search + Upkeep> Asks for T {}

/// See [`Asks`].
pub(crate) type Store = Arc<dyn Asks>;

/// A database with an archive in it.
pub(crate) trait Filled {
    fn archive(&self) -> &Archive;
    /// What it is, for who reads the figures.
    async fn told(&mut self) -> Result<String>;
    async fn store(&mut self) -> Result<Store>;
    /// Reads encounters by their primary key, all columns.
    async fn read(&mut self, rows: &[i64]) -> Result<()>;
    /// Has all of its files read once.
    async fn warm(&mut self) -> Result<()>;
    /// Starts it anew with nothing in memory; `false` where that is not ours to do.
    async fn forget(&mut self) -> Result<bool>;
}

/// Makes a cluster with some settings, and a database in it.
pub(crate) fn cluster(settings: &[&str]) -> Result<(Cluster, String)> {
    let install = Install::find().context("no PostgreSQL 15 or newer on this machine")?;
    let mut cluster = Cluster::start(install);
    for setting in settings {
        cluster.run("postgres", &format!("ALTER SYSTEM SET {setting}"));
    }
    cluster.stop();
    cluster.restart();
    let url = cluster.new_database();
    Ok((cluster, url))
}

/// In PostgreSQL.
pub(crate) struct OnPostgres {
    archive: Archive,
    cluster: Option<Cluster>,
    url: String,
    connection: PgConnection,
}

impl OnPostgres {
    pub(crate) async fn new(mut archive: Archive, url: Option<&str>) -> Result<Self> {
        let (cluster, url) = if let Some(url) = url {
            (None, url.to_owned())
        } else {
            let (cluster, url) = cluster(&SETTINGS)?;
            (Some(cluster), url)
        };
        Upkeep::close(&PostgresStore::open(&url).await?).await?;
        let mut connection = PgConnection::connect(&url).await?;
        let held: i64 = sqlx::query_scalar("SELECT count(*) FROM encounters").fetch_one(&mut connection).await?;
        anyhow::ensure!(held == 0 || held == archive.encounters(), "the database has {held} encounters already");
        if held == 0 {
            fill_postgres(&mut connection, &mut archive).await?;
        }
        Ok(Self { archive, cluster, url, connection })
    }
}

async fn fill_postgres(connection: &mut PgConnection, archive: &mut Archive) -> Result<()> {
    let began = Instant::now();
    // Rows come in an order that needs no check of their keys.
    sqlx::raw_sql("SET session_replication_role = replica").execute(&mut *connection).await?;
    let indexes: Vec<(String, String)> =
        sqlx::query_as("SELECT indexname, indexdef FROM pg_indexes WHERE indexname LIKE 'search\\_by\\_%'")
            .fetch_all(&mut *connection)
            .await?;
    for (name, _) in &indexes {
        sqlx::raw_sql(AssertSqlSafe(format!("DROP INDEX {name}"))).execute(&mut *connection).await?;
    }
    put_postgres(connection, archive.head()).await?;
    for first in (1..=archive.encounters()).step_by(PART) {
        let part = archive.part(first..(first + PART as i64).min(archive.encounters() + 1));
        put_postgres(connection, part).await?;
        if first % 100_000 == 1 {
            eprintln!("{first} encounters after {:.0} s", began.elapsed().as_secs_f64());
        }
    }
    put_postgres(connection, archive.tail()).await?;
    for (_, definition) in indexes {
        sqlx::raw_sql(AssertSqlSafe(definition)).execute(&mut *connection).await?;
    }
    sqlx::raw_sql("VACUUM ANALYZE").execute(&mut *connection).await?;
    sqlx::raw_sql("CHECKPOINT").execute(connection).await?;
    eprintln!("filled in {:.0} s", began.elapsed().as_secs_f64());
    Ok(())
}

async fn put_postgres(connection: &mut PgConnection, tables: Vec<Table>) -> Result<()> {
    for table in tables {
        let mut copy = connection.copy_in_raw(&table.copy()).await?;
        copy.send(table.copied().into_bytes()).await?;
        copy.finish().await?;
    }
    Ok(())
}

impl Filled for OnPostgres {
    fn archive(&self) -> &Archive {
        &self.archive
    }

    async fn told(&mut self) -> Result<String> {
        let told = "SELECT 'PostgreSQL ' || current_setting('server_version') || ', ' ||
            pg_size_pretty(pg_database_size(current_database())) || ', shared_buffers ' ||
            current_setting('shared_buffers')";
        Ok(sqlx::query_scalar(told).fetch_one(&mut self.connection).await?)
    }

    async fn store(&mut self) -> Result<Store> {
        Ok(Arc::new(PostgresStore::open(&self.url).await?))
    }

    async fn read(&mut self, rows: &[i64]) -> Result<()> {
        let read = sqlx::query("SELECT * FROM encounters WHERE row = ANY($1)").bind(rows);
        read.fetch_all(&mut self.connection).await?;
        Ok(())
    }

    async fn warm(&mut self) -> Result<()> {
        let folder: String = sqlx::query_scalar("SHOW data_directory").fetch_one(&mut self.connection).await?;
        each_file(folder.as_ref(), &read_through)
    }

    async fn forget(&mut self) -> Result<bool> {
        let Some(cluster) = &mut self.cluster else { return Ok(false) };
        let folder: String = sqlx::query_scalar("SHOW data_directory").fetch_one(&mut self.connection).await?;
        cluster.stop();
        each_file(folder.as_ref(), &forget)?;
        cluster.restart();
        self.connection = PgConnection::connect(&self.url).await?;
        Ok(true)
    }
}

/// In a file of SQLite.
pub(crate) struct OnSqlite {
    archive: Archive,
    folder: tempfile::TempDir,
    connection: SqliteConnection,
}

impl OnSqlite {
    pub(crate) async fn new(mut archive: Archive) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("raidcast.db");
        Upkeep::close(&SqliteStore::open(&file).await?).await?;
        let options = SqliteConnectOptions::new().filename(&file).foreign_keys(false).pragma("cache_size", "-500000");
        let options = options.synchronous(SqliteSynchronous::Off).journal_mode(SqliteJournalMode::Wal);
        let mut connection = SqliteConnection::connect_with(&options).await?;
        fill_sqlite(&mut connection, &mut archive).await?;
        connection.close().await?;
        let connection = reader(&folder).await?;
        Ok(Self { archive, folder, connection })
    }
}

/// As the store's readers are.
async fn reader(folder: &tempfile::TempDir) -> Result<SqliteConnection> {
    let file = folder.path().join("raidcast.db");
    Ok(SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(file).read_only(true)).await?)
}

async fn fill_sqlite(connection: &mut SqliteConnection, archive: &mut Archive) -> Result<()> {
    let began = Instant::now();
    let indexes =
        "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND name LIKE 'search\\_by\\_%' ESCAPE '\\'";
    let indexes: Vec<(String, String)> = sqlx::query_as(indexes).fetch_all(&mut *connection).await?;
    for (name, _) in &indexes {
        sqlx::raw_sql(AssertSqlSafe(format!("DROP INDEX {name}"))).execute(&mut *connection).await?;
    }
    put_sqlite(connection, archive.head()).await?;
    for first in (1..=archive.encounters()).step_by(PART) {
        let part = archive.part(first..(first + PART as i64).min(archive.encounters() + 1));
        put_sqlite(connection, part).await?;
    }
    put_sqlite(connection, archive.tail()).await?;
    for (_, definition) in indexes {
        sqlx::raw_sql(AssertSqlSafe(definition)).execute(&mut *connection).await?;
    }
    // No ANALYZE: no store ever does one.
    sqlx::raw_sql("PRAGMA wal_checkpoint(TRUNCATE)").execute(connection).await?;
    eprintln!("filled in {:.0} s", began.elapsed().as_secs_f64());
    Ok(())
}

async fn put_sqlite(connection: &mut SqliteConnection, tables: Vec<Table>) -> Result<()> {
    let mut transaction = connection.begin().await?;
    for table in tables {
        sqlx::query(AssertSqlSafe(table.insert())).bind(table.listed()).execute(&mut *transaction).await?;
    }
    Ok(transaction.commit().await?)
}

impl Filled for OnSqlite {
    fn archive(&self) -> &Archive {
        &self.archive
    }

    async fn told(&mut self) -> Result<String> {
        let bytes = std::fs::metadata(self.folder.path().join("raidcast.db"))?.len();
        Ok(format!("SQLite, {} MB", bytes / 1_000_000))
    }

    async fn store(&mut self) -> Result<Store> {
        Ok(Arc::new(SqliteStore::open(&self.folder.path().join("raidcast.db")).await?))
    }

    async fn read(&mut self, rows: &[i64]) -> Result<()> {
        let rows = raidcast_store::row::json(rows);
        let read = sqlx::query("SELECT * FROM encounters WHERE row IN (SELECT value FROM json_each($1))").bind(rows);
        read.fetch_all(&mut self.connection).await?;
        Ok(())
    }

    async fn warm(&mut self) -> Result<()> {
        each_file(self.folder.path(), &read_through)
    }

    async fn forget(&mut self) -> Result<bool> {
        let folder = self.folder.path().to_owned();
        std::mem::replace(&mut self.connection, SqliteConnection::connect("sqlite::memory:").await?).close().await?;
        each_file(&folder, &forget)?;
        self.connection = reader(&self.folder).await?;
        Ok(true)
    }
}

/// Does something with each file of a folder and those below it.
fn each_file(folder: &Path, with: &dyn Fn(&mut File) -> Result<()>) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            each_file(&path, with)?;
        } else if path.is_file() {
            let told = || path.display().to_string();
            with(&mut File::open(&path).with_context(told)?).with_context(told)?;
        }
    }
    Ok(())
}

fn read_through(file: &mut File) -> Result<()> {
    std::io::copy(file, &mut std::io::sink())?;
    Ok(())
}

/// Drops what the system has of a file in memory.
fn forget(file: &mut File) -> Result<()> {
    #[cfg(target_os = "linux")]
    rustix::fs::fadvise(&*file, 0, None, rustix::fs::Advice::DontNeed)?;
    let _ = file;
    Ok(())
}
