//! A meter's SQLite file, open for reading: what all generations share.
//!
//! One invariant: nothing here ever writes, and no transaction outlives the call that began it. A reader that
//! lingers would keep the meter from checkpointing while it rewrites hundreds of kilobytes a second.
//! SQLite is called where the answer is wanted: to hand each question to another thread and wake up for the answer
//! costs more than most answers (docs/decisions/0021-the-client-calls-sqlite-itself.md).

mod row;

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash as _, Hasher as _};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use raidcast_shared::event::ActorFacts;
use raidcast_shared::id::ActorId;
use raidcast_shared::limits::ENCOUNTER_DURATION_MS_MAX;
use raidcast_shared::meter::person::shown;
use rusqlite::{Connection, OpenFlags};

use super::{SourceError, Unsupported};
pub(super) use row::DbRow;
use row::DbValue;

/// How long SQLite itself waits for a lock. The uploader asks again anyway, so not longer than a poll may take.
const BUSY: Duration = Duration::from_millis(250);

/// Statements kept prepared: more than any generation has.
const STATEMENTS: usize = 64;

/// SQLite's primary result codes that mean something here (sqlite.org/rescode.html).
mod code {
    pub(super) const BUSY: i32 = 5;
    pub(super) const LOCKED: i32 = 6;
    pub(super) const READONLY: i32 = 8;
    pub(super) const IOERR: i32 = 10;
    pub(super) const CORRUPT: i32 = 11;
    pub(super) const CANTOPEN: i32 = 14;
    pub(super) const SCHEMA: i32 = 17;
    pub(super) const NOTADB: i32 = 26;
}

/// An open meter database.
#[derive(Debug)]
pub(super) struct Database {
    pub(super) path: PathBuf,
    pub(super) conn: Connection,
    /// Columns by table, as they were when it was opened.
    tables: BTreeMap<String, BTreeSet<String>>,
    identity: Identity,
    /// The log beside it and the log's index, once they were there.
    beside: [Option<FileId>; 2],
    immutable: bool,
    schema_version: i64,
    data_version: Option<i64>,
}

/// Which file something is: device and inode, where there are such.
type FileId = (u64, u64);

/// Which file a path leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Identity {
    file: FileId,
    /// Length and time of the last write; looked at only where no commit can be noticed otherwise.
    written: (u64, Option<std::time::SystemTime>),
}

impl Identity {
    fn of(path: &Path) -> Result<Self, SourceError> {
        let found = std::fs::metadata(path).map_err(|_| SourceError::Gone { path: path.to_owned() })?;
        if let Some(why) = no_file(&found) {
            return Err(SourceError::Unsupported { path: path.to_owned(), why });
        }
        Ok(Self { file: file_id(&found), written: (found.len(), found.modified().ok()) })
    }
}

fn file_id(found: &std::fs::Metadata) -> FileId {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        (found.dev(), found.ino())
    }
    #[cfg(not(unix))]
    {
        let _ = found;
        (0, 0)
    }
}

/// The log beside a database and the log's index, where they are.
fn files_beside(path: &Path) -> [Option<FileId>; 2] {
    ["-wal", "-shm"].map(|end| std::fs::metadata(beside(path, end)).ok().map(|found| file_id(&found)))
}

impl Database {
    /// Opens the file for reading alone and looks at its tables.
    ///
    /// # Errors
    /// `Gone`: not there. `Locked`: try again. `Unsupported`: no SQLite database.
    pub(super) fn open(path: &Path) -> Result<Self, SourceError> {
        let identity = Identity::of(path)?;
        let unsupported = |why| SourceError::Unsupported { path: path.to_owned(), why };
        let is_wal = match is_wal(path) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                return Err(unsupported(Unsupported::Forbidden));
            }
            is_wal => is_wal.unwrap_or(false),
        };
        let (log, index) = (holds_something(&beside(path, "-wal")), beside(path, "-shm").exists());
        // SQLite makes the log and its index where they are missing. Made by another user than the meter's they would
        // keep the meter from writing.
        if is_wal && !index && is_of_another_user(path) {
            return if log {
                Err(unsupported(Unsupported::LogOfAnother))
            } else {
                Self::open_as(path, identity, true).map_err(|refusal| refusal.error)
            };
        }
        match Self::open_as(path, identity.clone(), false) {
            // What is there now would be taken back if it could be written to: a part of a change, at most.
            Err(Refusal { primary: code::CANTOPEN | code::READONLY, .. })
                if holds_something(&beside(path, "-journal")) =>
            {
                Err(unsupported(Unsupported::Interrupted))
            }
            // They could not be made: nobody can write there, so nobody does.
            Err(Refusal { primary: code::CANTOPEN | code::READONLY, .. }) if !log => {
                Self::open_as(path, identity, true).map_err(|refusal| refusal.error)
            }
            Err(Refusal { primary: code::CANTOPEN | code::READONLY, .. }) => {
                Err(unsupported(Unsupported::LogOfAnother))
            }
            opened => opened.map_err(|refusal| refusal.error),
        }
    }

    fn open_as(path: &Path, identity: Identity, immutable: bool) -> Result<Self, Refusal> {
        Self::try_open_as(path, identity, immutable).map_err(|error| refusal(path, &error))
    }

    fn try_open_as(path: &Path, identity: Identity, immutable: bool) -> Result<Self, rusqlite::Error> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let conn = if immutable {
            Connection::open_with_flags(immutable_uri(path), flags | OpenFlags::SQLITE_OPEN_URI)?
        } else {
            Connection::open_with_flags(path, flags)?
        };
        conn.busy_timeout(BUSY)?;
        conn.set_prepared_statement_cache_capacity(STATEMENTS);
        let (tables, schema_version) = look_at_tables(&conn, || ())?;
        let beside = files_beside(path);
        let path = path.to_owned();
        Ok(Self { path, conn, tables, identity, beside, immutable, schema_version, data_version: None })
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
    pub(super) fn changed(&mut self) -> Result<bool, SourceError> {
        let version = pragma(&self.conn, "PRAGMA data_version").map_err(|e| self.refused(&e))?;
        let is_idle = self.data_version == Some(version);
        if is_idle || self.data_version.is_none() {
            // What nobody writes to may have been taken away.
            self.is_there()?;
        }
        if is_idle {
            return Ok(false);
        }
        // Tables are changed by a commit, too.
        let schema = pragma(&self.conn, "PRAGMA schema_version").map_err(|e| self.refused(&e))?;
        if schema != self.schema_version {
            return Err(SourceError::Upgraded { path: self.path.clone() });
        }
        self.data_version = Some(version);
        Ok(true)
    }

    /// Whether the path still leads to the file that is open.
    fn is_there(&mut self) -> Result<(), SourceError> {
        let now = Identity::of(&self.path)?;
        if now.file != self.identity.file {
            return Err(SourceError::Gone { path: self.path.clone() });
        }
        if self.immutable && (now.written != self.identity.written || holds_something(&beside(&self.path, "-wal"))) {
            // SQLite was told that nobody writes: open it anew.
            return Err(SourceError::Upgraded { path: self.path.clone() });
        }
        for (held, now) in self.beside.iter_mut().zip(files_beside(&self.path)) {
            if held.is_some() && now.is_some() && *held != now {
                // They were taken away, and the meter made others: what it writes there, this connection never sees.
                return Err(SourceError::Upgraded { path: self.path.clone() });
            }
            *held = held.or(now);
        }
        Ok(())
    }

    /// What an error of SQLite means to the caller.
    pub(super) fn refused(&self, error: &rusqlite::Error) -> SourceError {
        let error = refusal(&self.path, error).error;
        // Statements are made of the columns that are there.
        let is_as_it_was = || pragma(&self.conn, "PRAGMA schema_version").is_ok_and(|now| now == self.schema_version);
        match error {
            SourceError::Upgraded { path } if is_as_it_was() => {
                SourceError::Unsupported { path, why: Unsupported::UnknownTables }
            }
            error => error,
        }
    }

    /// All rows of a statement with whole numbers as parameters, outside of any transaction.
    pub(super) fn rows(&self, sql: &str, numbers: &[i64]) -> Result<Vec<DbRow>, SourceError> {
        rows(&self.conn, sql, numbers).map_err(|error| self.refused(&error))
    }

    /// As [`Database::rows`], row by row: for what need not be in memory at once.
    pub(super) fn each_row(&self, sql: &str, numbers: &[i64], take: impl FnMut(DbRow)) -> Result<(), SourceError> {
        row::each(&self.conn, sql, numbers, None, take).map_err(|error| self.refused(&error))
    }

    /// A stable id of the database: when its first migration ran. Copies keep it, other databases have another.
    pub(super) fn stable_id(&self) -> Result<String, SourceError> {
        let sql = self.select("__diesel_schema_migrations", &["version", "run_on"], "ORDER BY version LIMIT 1");
        let first = self.rows(&sql, &[])?;
        let part = |column| first.first().and_then(|row| raw_text(row, column)).unwrap_or_default();
        Ok(format!("{} {}", part("version"), part("run_on")))
    }
}

/// All rows of a statement with whole numbers as parameters.
pub(super) fn rows(conn: &Connection, sql: &str, numbers: &[i64]) -> Result<Vec<DbRow>, rusqlite::Error> {
    row::read(conn, sql, numbers, None)
}

/// All rows of a statement whose last parameter is a list for `json_each`.
pub(super) fn rows_of_list(
    conn: &Connection,
    sql: &str,
    numbers: &[i64],
    list: &str,
) -> Result<Vec<DbRow>, rusqlite::Error> {
    row::read(conn, sql, numbers, Some(list))
}

/// A list of ids as one parameter for `json_each`.
pub(super) fn json_list(ids: impl IntoIterator<Item = i64>) -> String {
    let ids: Vec<_> = ids.into_iter().map(|id| id.to_string()).collect();
    format!("[{}]", ids.join(","))
}

/// The tables with their columns, and the version that they are of, at one moment: a meter that starts, or brings its
/// database up to date, makes them one commit after the other. `between` is called while they are looked at.
fn look_at_tables(
    conn: &Connection,
    mut between: impl FnMut(),
) -> Result<(BTreeMap<String, BTreeSet<String>>, i64), rusqlite::Error> {
    let moment = conn.unchecked_transaction()?;
    let mut tables = BTreeMap::new();
    for name in rows(&moment, "SELECT name FROM sqlite_master WHERE type = 'table'", &[])? {
        between();
        let Some(name) = raw_text(&name, "name") else { continue };
        let columns = row::read(&moment, "SELECT name FROM pragma_table_info(?)", &[], Some(&name))?;
        tables.insert(name, columns.iter().filter_map(|row| raw_text(row, "name")).collect());
    }
    let version = pragma(&moment, "PRAGMA schema_version")?;
    moment.finish()?;
    Ok((tables, version))
}

fn pragma(conn: &Connection, sql: &str) -> Result<i64, rusqlite::Error> {
    conn.prepare_cached(sql)?.query_row([], |row| row.get(0))
}

/// The name by which SQLite opens a file that it may take for one that nobody writes.
fn immutable_uri(path: &Path) -> String {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut uri = String::from("file:");
    for byte in bytes_of(path).iter().copied() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => uri.push(byte.into()),
            _ => uri.extend(['%', HEX[usize::from(byte >> 4)].into(), HEX[usize::from(byte & 15)].into()]),
        }
    }
    uri + "?immutable=1"
}

/// What a path leads to where that is no file.
pub(crate) fn no_file(found: &std::fs::Metadata) -> Option<Unsupported> {
    if found.is_file() {
        None
    } else if found.is_dir() {
        Some(Unsupported::Folder)
    } else {
        Some(Unsupported::Device)
    }
}

/// Whether the database keeps its last changes in a log beside it, as its head says (sqlite.org/fileformat.html).
fn is_wal(path: &Path) -> io::Result<bool> {
    let mut head = [0; 20];
    std::fs::File::open(path)?.read_exact(&mut head)?;
    Ok(head[18] == 2 || head[19] == 2)
}

fn holds_something(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|file| file.len() > 0)
}

/// Whether somebody else owns the file; root's files SQLite gives to the owner by itself.
#[cfg(target_os = "linux")]
fn is_of_another_user(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let owner = |path: &Path| std::fs::metadata(path).map(|found| found.uid()).ok();
    // Whose a process' entry is tells for whom it runs.
    let me = owner(Path::new("/proc/self"));
    me.is_some_and(|me| me != 0 && owner(path).is_some_and(|owner| owner != me))
}

#[cfg(not(target_os = "linux"))]
fn is_of_another_user(_: &Path) -> bool {
    false
}

/// A path as SQLite takes it: on Unix its bytes, which may be no text.
fn bytes_of(path: &Path) -> std::borrow::Cow<'_, [u8]> {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt as _;
        path.as_os_str().as_bytes().into()
    }
    #[cfg(not(unix))]
    {
        path.to_string_lossy().into_owned().into_bytes().into()
    }
}

struct Refusal {
    primary: i32,
    error: SourceError,
}

fn refusal(path: &Path, error: &rusqlite::Error) -> Refusal {
    let (code, text) = match error {
        rusqlite::Error::SqliteFailure(code, told) => {
            (code.extended_code, told.clone().unwrap_or_else(|| error.to_string()))
        }
        _ => (0, error.to_string()),
    };
    let primary = code & 0xff;
    let path = path.to_owned();
    let error = match primary {
        code::BUSY | code::LOCKED => SourceError::Locked { path },
        code::NOTADB => SourceError::Unsupported { path, why: Unsupported::NotSqlite },
        code::CORRUPT => SourceError::Damaged { path },
        code::CANTOPEN | code::IOERR if !path.exists() => SourceError::Gone { path },
        code::SCHEMA => SourceError::Upgraded { path },
        _ if text.starts_with("no such table") || text.starts_with("no such column") => SourceError::Upgraded { path },
        _ => SourceError::Database { path, code, text },
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
pub(super) fn int(row: &DbRow, column: &str) -> Option<i64> {
    match row.get(column) {
        DbValue::Int(value) => Some(*value),
        DbValue::Real(value) => Some(*value as i64),
        DbValue::Text(text) => String::from_utf8_lossy(text).trim().parse().ok(),
        DbValue::Null | DbValue::Blob(_) => None,
    }
}

/// A whole number above 0: meters write 0 for what they do not know.
pub(super) fn positive<T: TryFrom<i64>>(row: &DbRow, column: &str) -> Option<T> {
    int(row, column).filter(|value| *value > 0).and_then(|value| value.try_into().ok())
}

/// The bytes of a text or blob; `None` for NULL.
pub(super) fn bytes(row: &DbRow, column: &str) -> Option<Vec<u8>> {
    match row.get(column) {
        DbValue::Null => None,
        DbValue::Int(value) => Some(value.to_string().into_bytes()),
        DbValue::Real(value) => Some(value.to_string().into_bytes()),
        DbValue::Text(bytes) | DbValue::Blob(bytes) => Some(bytes.clone()),
    }
}

/// Text exactly as stored, but that what is no UTF-8 is replaced: to compare, never to show.
pub(super) fn raw_text(row: &DbRow, column: &str) -> Option<String> {
    bytes(row, column).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// A name, fit to be shown; `None` where nothing is left of it.
pub(super) fn name(row: &DbRow, column: &str) -> Option<String> {
    raw_text(row, column).and_then(|raw| shown(&raw))
}

/// When a fight began, Unix ms, as far as a date can say it (the end of the year 9999); what is no number counts as 0.
pub(super) fn began_ms(row: &DbRow) -> Option<i64> {
    if row.get("started_at_ms") == &DbValue::Null {
        return None;
    }
    Some(int(row, "started_at_ms").unwrap_or(0).clamp(0, 253_402_300_799_999))
}

/// Where a Unix time lies in a fight: before it counts as its start; `None` beyond the longest fight.
pub(super) fn fight_ms(unix_ms: i64, started_at_ms: i64) -> Option<u32> {
    let at = u32::try_from(unix_ms.saturating_sub(started_at_ms).max(0)).unwrap_or(u32::MAX);
    (at <= ENCOUNTER_DURATION_MS_MAX).then_some(at)
}

/// FNV-1a: a hash that is the same in every version of this program.
pub(super) fn lasting_hash_of(bytes: impl IntoIterator<Item = u8>) -> u64 {
    let bytes = bytes.into_iter();
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_that_is_made_while_tables_are_looked_at_is_there_or_seen_later() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("meter.db");
        let meter = Connection::open(&path).unwrap();
        meter.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE damage_events(a)").unwrap();
        let reader = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        let makes = || meter.execute_batch("CREATE TABLE IF NOT EXISTS heal_events(a)").unwrap();
        let (tables, version) = look_at_tables(&reader, makes).unwrap();
        let later = pragma(&reader, "PRAGMA schema_version").unwrap();
        assert!(tables.contains_key("heal_events") || later != version, "{version}");
        let (tables, version) = look_at_tables(&reader, || ()).unwrap();
        assert!(tables.contains_key("heal_events") && later == version);
    }
}
