//! A meter's SQLite file, open for reading: what all generations share.
//!
//! One invariant: nothing here ever writes, and no transaction outlives the call that began it. A reader that
//! lingers would keep the meter from checkpointing while it rewrites hundreds of kilobytes a second.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use raidcast_shared::event::{ActorFacts, Rare, RareBody, SourceEvent, SourceKey};
use raidcast_shared::game::GAME;
use raidcast_shared::id::{ActorId, EncounterId, SkillId};
use raidcast_shared::limits::{ENCOUNTER_DURATION_MS_MAX, MISSING_CHARS_MAX, NAME_CHARS_MAX};
use raidcast_shared::text;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Row as _, TypeInfo as _, ValueRef as _};

use super::SourceError;

/// How long SQLite itself waits for a lock. The uploader asks again anyway, so not longer than a poll may take.
const BUSY: Duration = Duration::from_millis(250);

/// SQLite's primary result codes that mean something here (sqlite.org/rescode.html).
mod code {
    pub(super) const BUSY: i32 = 5;
    pub(super) const LOCKED: i32 = 6;
    pub(super) const READONLY: i32 = 8;
    pub(super) const IOERR: i32 = 10;
    pub(super) const CANTOPEN: i32 = 14;
    pub(super) const SCHEMA: i32 = 17;
    pub(super) const NOTADB: i32 = 26;
}

/// An open meter database.
#[derive(Debug)]
pub(super) struct Database {
    pub(super) path: PathBuf,
    pub(super) conn: SqliteConnection,
    /// Columns by table, as they were when it was opened.
    tables: BTreeMap<String, BTreeSet<String>>,
    identity: Identity,
    immutable: bool,
    schema_version: i64,
    data_version: Option<i64>,
}

/// Which file a path leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Identity {
    /// Device and inode, where there are such.
    file: (u64, u64),
    /// Length and time of the last write; looked at only where no commit can be noticed otherwise.
    written: (u64, Option<std::time::SystemTime>),
}

impl Identity {
    fn of(path: &Path) -> Result<Self, SourceError> {
        let found = std::fs::metadata(path).map_err(|_| SourceError::Gone { path: path.to_owned() })?;
        #[cfg(unix)]
        let file = {
            use std::os::unix::fs::MetadataExt as _;
            (found.dev(), found.ino())
        };
        #[cfg(not(unix))]
        let file = (0, 0);
        Ok(Self { file, written: (found.len(), found.modified().ok()) })
    }
}

impl Database {
    /// Opens the file for reading alone and looks at its tables.
    ///
    /// # Errors
    /// `Gone`: not there. `Locked`: try again. `Unsupported`: no SQLite database.
    pub(super) async fn open(path: &Path) -> Result<Self, SourceError> {
        let identity = Identity::of(path)?;
        match Self::open_as(path, identity.clone(), false).await {
            // SQLite could not make the files beside a WAL database: nobody can write there, so nobody does.
            Err(Refusal { primary: code::CANTOPEN | code::READONLY, .. }) if !beside(path, "-wal").exists() => {
                Self::open_as(path, identity, true).await.map_err(|refusal| refusal.error)
            }
            opened => opened.map_err(|refusal| refusal.error),
        }
    }

    async fn open_as(path: &Path, identity: Identity, immutable: bool) -> Result<Self, Refusal> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .read_only(true)
            .immutable(immutable)
            .busy_timeout(BUSY)
            .disable_statement_logging();
        let mut conn = options.connect().await.map_err(|error| refusal(path, &error))?;
        let names = sqlx::query("SELECT name FROM sqlite_master WHERE type = 'table'")
            .fetch_all(&mut conn)
            .await
            .map_err(|error| refusal(path, &error))?;
        let mut tables = BTreeMap::new();
        for name in names.iter().filter_map(|row| raw_text(row, "name")) {
            let columns = sqlx::query("SELECT name FROM pragma_table_info(?)")
                .bind(&name)
                .fetch_all(&mut conn)
                .await
                .map_err(|error| refusal(path, &error))?;
            tables.insert(name, columns.iter().filter_map(|row| raw_text(row, "name")).collect());
        }
        let schema_version = pragma(&mut conn, "PRAGMA schema_version").await.map_err(|error| refusal(path, &error))?;
        Ok(Self { path: path.to_owned(), conn, tables, identity, immutable, schema_version, data_version: None })
    }

    /// Whether there are any tables at all.
    pub(super) fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }

    /// Whether the table exists.
    pub(super) fn has(&self, table: &str) -> bool {
        self.tables.contains_key(table)
    }

    /// `SELECT` of the columns that the table has; those that it lacks come as NULL, a table that is absent has no
    /// rows. Meters add and drop columns from version to version.
    pub(super) fn select(&self, table: &str, columns: &[&str], rest: &str) -> String {
        let columns = self.columns(table, columns);
        if self.has(table) {
            format!("SELECT {columns} FROM {table} {rest}")
        } else {
            format!("SELECT {columns} WHERE 0")
        }
    }

    /// The columns for a `SELECT`, those that the table lacks as NULL.
    pub(super) fn columns(&self, table: &str, columns: &[&str]) -> String {
        let has = |column: &str| self.tables.get(table).is_some_and(|has| column == "rowid" || has.contains(column));
        let columns = columns.iter().map(|column| {
            if has(column) { format!("{table}.{column} AS {column}") } else { format!("NULL AS {column}") }
        });
        columns.collect::<Vec<_>>().join(", ")
    }

    /// Whether anything was committed since the last call.
    pub(super) async fn changed(&mut self) -> Result<bool, SourceError> {
        let now = Identity::of(&self.path)?;
        if now.file != self.identity.file {
            return Err(SourceError::Gone { path: self.path.clone() });
        }
        if self.immutable && (now.written != self.identity.written || beside(&self.path, "-wal").exists()) {
            // SQLite was told that nobody writes: open it anew.
            return Err(SourceError::Upgraded { path: self.path.clone() });
        }
        let schema = pragma(&mut self.conn, "PRAGMA schema_version").await.map_err(|e| self.refused(&e))?;
        if schema != self.schema_version {
            return Err(SourceError::Upgraded { path: self.path.clone() });
        }
        let version = pragma(&mut self.conn, "PRAGMA data_version").await.map_err(|e| self.refused(&e))?;
        Ok(self.data_version.replace(version) != Some(version))
    }

    /// What an error of SQLite means to the caller.
    pub(super) fn refused(&self, error: &sqlx::Error) -> SourceError {
        refusal(&self.path, error).error
    }

    /// All rows of a statement with whole numbers as parameters, outside of any transaction.
    pub(super) async fn rows(&mut self, sql: &str, numbers: &[i64]) -> Result<Vec<SqliteRow>, SourceError> {
        rows(&mut self.conn, sql, numbers).await.map_err(|error| refusal(&self.path, &error).error)
    }

    /// A stable id of the database: when its first migration ran. Copies keep it, other databases have another.
    pub(super) async fn stable_id(&mut self) -> Result<String, SourceError> {
        let sql = self.select("__diesel_schema_migrations", &["version", "run_on"], "ORDER BY version LIMIT 1");
        let first = self.rows(&sql, &[]).await?;
        let part = |column| first.first().and_then(|row| raw_text(row, column)).unwrap_or_default();
        Ok(format!("{} {}", part("version"), part("run_on")))
    }
}

/// The encounter's name everywhere: by the local player, or the database where the meter does not tell who it is.
pub(super) fn encounter_id(local_player: Option<u64>, stable_id: &str, started_at_ms: i64) -> EncounterId {
    match local_player {
        Some(player) => EncounterId::of_player(GAME, player, started_at_ms),
        None => EncounterId::of_database(GAME, stable_id, started_at_ms),
    }
}

/// All rows of a statement with whole numbers as parameters.
pub(super) async fn rows(
    conn: &mut SqliteConnection,
    sql: &str,
    numbers: &[i64],
) -> Result<Vec<SqliteRow>, sqlx::Error> {
    // Safe: statements hold names of our own alone; what comes from outside is bound.
    let query = sqlx::query(AssertSqlSafe(sql.to_owned()));
    numbers.iter().fold(query, |query, number| query.bind(*number)).fetch_all(conn).await
}

/// All rows of a statement whose last parameter is a list for `json_each`.
pub(super) async fn rows_of_list(
    conn: &mut SqliteConnection,
    sql: &str,
    numbers: &[i64],
    list: &str,
) -> Result<Vec<SqliteRow>, sqlx::Error> {
    let query = sqlx::query(AssertSqlSafe(sql.to_owned()));
    numbers.iter().fold(query, |query, number| query.bind(*number)).bind(list).fetch_all(conn).await
}

/// A list of ids as one parameter for `json_each`.
pub(super) fn json_list(ids: impl IntoIterator<Item = i64>) -> String {
    let ids: Vec<_> = ids.into_iter().map(|id| id.to_string()).collect();
    format!("[{}]", ids.join(","))
}

async fn pragma(conn: &mut SqliteConnection, sql: &'static str) -> Result<i64, sqlx::Error> {
    sqlx::query(sql).fetch_one(conn).await?.try_get_unchecked(0)
}

struct Refusal {
    primary: i32,
    error: SourceError,
}

fn refusal(path: &Path, error: &sqlx::Error) -> Refusal {
    let told = error.as_database_error();
    let primary = told
        .and_then(sqlx::error::DatabaseError::code)
        .and_then(|code| code.parse::<i32>().ok())
        .map_or(0, |code| code & 0xff);
    let why = told.map_or_else(|| error.to_string(), |e| e.message().to_owned());
    let path = path.to_owned();
    let error = match primary {
        code::BUSY | code::LOCKED => SourceError::Locked { path },
        code::NOTADB => SourceError::Unsupported { path, why: "it is not an SQLite database".into() },
        code::CANTOPEN | code::IOERR if !path.exists() => SourceError::Gone { path },
        code::SCHEMA => SourceError::Upgraded { path },
        _ if why.starts_with("no such table") || why.starts_with("no such column") => SourceError::Upgraded { path },
        _ => SourceError::Database { path, why },
    };
    Refusal { primary, error }
}

/// `path` with `end` behind its name, as SQLite names the files beside a database.
pub(super) fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

/// A whole number, however SQLite stores it; `None` for NULL and what is no number.
pub(super) fn int(row: &SqliteRow, column: &str) -> Option<i64> {
    let raw = row.try_get_raw(column).ok()?;
    if raw.is_null() {
        return None;
    }
    match raw.type_info().name() {
        "TEXT" => raw_text(row, column)?.trim().parse().ok(),
        "BLOB" => None,
        _ => row.try_get_unchecked(column).ok(),
    }
}

/// A whole number above 0: meters write 0 for what they do not know.
pub(super) fn positive<T: TryFrom<i64>>(row: &SqliteRow, column: &str) -> Option<T> {
    int(row, column).filter(|value| *value > 0).and_then(|value| value.try_into().ok())
}

/// The bytes of a text or blob; `None` for NULL.
pub(super) fn bytes(row: &SqliteRow, column: &str) -> Option<Vec<u8>> {
    row.try_get_unchecked(column).ok().flatten()
}

/// Text exactly as stored, but that what is no UTF-8 is replaced: to compare, never to show.
pub(super) fn raw_text(row: &SqliteRow, column: &str) -> Option<String> {
    bytes(row, column).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// A name, fit to be shown; `None` where nothing is left of it.
pub(super) fn name(row: &SqliteRow, column: &str) -> Option<String> {
    raw_text(row, column).and_then(|raw| shown(&raw))
}

/// A name fit to be shown: without control and direction characters, at most 64 characters.
pub(super) fn shown(raw: &str) -> Option<String> {
    let text = text::clean(raw, NAME_CHARS_MAX);
    (!text.is_empty()).then_some(text)
}

/// Where a Unix time lies in a fight: before it counts as its start; `None` beyond the longest fight.
pub(super) fn fight_ms(unix_ms: i64, started_at_ms: i64) -> Option<u32> {
    let at = u32::try_from(unix_ms.saturating_sub(started_at_ms).max(0)).unwrap_or(u32::MAX);
    (at <= ENCOUNTER_DURATION_MS_MAX).then_some(at)
}

/// A rare event as a source yields it.
pub(super) fn rare(at_ms: u32, key: SourceKey, body: RareBody<ActorId, SkillId>) -> SourceEvent {
    SourceEvent::Rare(Rare { at_ms, key, body })
}

/// What the meter's database promises and does not hold.
pub(super) fn missing(at_ms: u32, key: SourceKey, what: &str, expected: u64, read: u64) -> SourceEvent {
    rare(at_ms, key, RareBody::Missing { what: text::clean(what, MISSING_CHARS_MAX), expected, read })
}

/// Tells tellings of an actor apart; after a change of the hash all are told again, which changes nothing.
pub(super) fn hash_of(facts: &ActorFacts<ActorId>) -> u64 {
    let ActorFacts {
        actor: _,
        kind,
        name,
        class_id,
        spec_id,
        ability_score,
        level,
        monster_id,
        boss,
        max_hp,
        defeated,
    } = facts;
    let mut hasher = DefaultHasher::new();
    (kind, name, class_id, spec_id, ability_score, level, monster_id, boss, max_hp, defeated).hash(&mut hasher);
    hasher.finish()
}
