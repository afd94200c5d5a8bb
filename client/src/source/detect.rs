//! Where meters keep their databases, and which generation one is.
//!
//! The generation shows in the tables alone: meters set no version, and one migration name was used for two
//! layouts. Paths and tables: resonance-logs 0.13 to 0.19, resonance-logs-cn 0.0 to 0.2, resonance-logs-global.

use std::cmp::Reverse;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::database::{Database, beside, bytes};
use super::wine::{self, User};
use super::{Found, Generation, NoDatabase, SourceError, Unsupported};
use crate::aside::{Answer, Aside};

/// Meters by the name of their folder and file in the user's data folder.
pub const METERS: [&str; 3] = ["resonance-logs", "resonance-logs-cn", "resonance-logs-global"];

/// So long folders of Wine and Proton are waited for, where somebody waits for that.
const PATIENCE: Duration = Duration::from_secs(5);

/// The folders of this machine that programs keep their data in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// In no order; the database written last counts.
    pub data_dirs: Vec<PathBuf>,
    /// Wine's and Proton's folders were searched for more of them.
    pub wine: bool,
    /// They did not answer in time: there may be more.
    pub silent: bool,
}

impl Places {
    /// Those of the user who runs this, Wine and Proton prefixes included as far as their disks answer within some seconds.
    pub fn of_this_user() -> Self {
        let var = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let home = var("HOME");
        let (mut data_dirs, mut silent) = (Vec::new(), false);
        let wine = !cfg!(any(windows, target_os = "macos"));
        if cfg!(windows) {
            data_dirs.extend(var("LOCALAPPDATA"));
        } else if cfg!(target_os = "macos") {
            data_dirs.extend(home.map(|home| home.join("Library/Application Support")));
        } else {
            data_dirs.extend(var("XDG_DATA_HOME").or_else(|| home.map(|home| home.join(".local/share"))));
            match Aside::start(|| wine::data_dirs(&User::of_this_process())).within(PATIENCE) {
                Answer::Here(found) => data_dirs.extend(found),
                Answer::NotYet | Answer::Fell => silent = true,
            }
        }
        Self { data_dirs, wine, silent }
    }

    /// Looks again for folders of Wine and Proton, where those were searched: games are installed while this runs. What
    /// is known stays. It looks at some thousand entries of folders at the most, and waits for the disk that they are on:
    /// for ever, where that does not answer.
    pub fn rescan(&mut self) {
        if self.wine {
            self.add(wine::data_dirs(&User::of_this_process()));
            self.silent = false;
        }
    }

    fn add(&mut self, dirs: Vec<PathBuf>) {
        for dir in dirs {
            if !self.data_dirs.contains(&dir) {
                self.data_dirs.push(dir);
            }
        }
    }

    /// Every path that a meter may have put its database at.
    fn candidates(&self) -> impl Iterator<Item = PathBuf> {
        self.data_dirs
            .iter()
            .flat_map(|dir| METERS.iter().map(move |meter| dir.join(meter).join(format!("{meter}.db"))))
    }
}

/// A path that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Looked {
    /// Where.
    pub path: PathBuf,
    /// When the database or its write-ahead log was written last; `None` if there is none.
    pub written: Option<SystemTime>,
}

/// What a search showed: enough to tell the user why.
#[derive(Debug)]
pub struct Detection {
    /// Every path that was looked at.
    pub looked: Vec<Looked>,
    /// The database to read, or why there is none.
    pub found: Result<Found, SourceError>,
}

/// Looks for the meter's database: at `given`, else wherever meters put theirs, and takes the one written last.
pub fn detect(given: Option<&Path>, places: &Places) -> Detection {
    let paths = given.map_or_else(|| places.candidates().collect(), |path| vec![path.to_owned()]);
    let looked: Vec<_> = paths.into_iter().map(|path| Looked { written: written(&path), path }).collect();
    let newest = looked.iter().filter(|looked| looked.written.is_some()).max_by_key(|looked| looked.written);
    let found = match newest.or(looked.first()) {
        Some(newest) => identify(&newest.path),
        None => Err(SourceError::Gone { path: PathBuf::from(format!("{}.db", METERS[0])) }),
    };
    Detection { looked, found }
}

/// A database that a meter may have written.
#[derive(Debug)]
pub struct Candidate {
    /// Where.
    pub path: PathBuf,
    /// When it or its write-ahead log was written last.
    pub written: SystemTime,
    /// What it is, or why it cannot be read now.
    pub found: Result<Found, SourceError>,
}

/// All databases where meters put theirs, the one written last first: that is the one that [`detect`] takes.
pub fn all(places: &Places) -> Vec<Candidate> {
    let candidate = |path: PathBuf| Some(Candidate { written: written(&path)?, found: identify(&path), path });
    let mut all: Vec<_> = places.candidates().filter_map(candidate).collect();
    // Of those written at one moment the last counts there.
    all.reverse();
    all.sort_by_key(|candidate| Reverse(candidate.written));
    all
}

fn written(path: &Path) -> Option<SystemTime> {
    let file = |path: &Path| std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file);
    let db = file(path)?.modified().ok()?;
    // An empty one is made by whoever only reads.
    let wal = file(&beside(path, "-wal")).filter(|wal| wal.len() > 0).and_then(|wal| wal.modified().ok());
    Some(wal.map_or(db, |wal| wal.max(db)))
}

/// Which generation the database at `path` is of.
///
/// # Errors
/// `Gone` and `Empty`: wait for the meter. `Locked`: try again. `Unsupported`: says what the user can do.
pub fn identify(path: &Path) -> Result<Found, SourceError> {
    let db = Database::open(path)?;
    if db.is_empty() {
        return Err(SourceError::Empty { path: path.to_owned() });
    }
    let generation = generation(&db)?;
    Ok(Found { path: path.to_owned(), generation, meter: meter(path, generation) })
}

/// Opens a database that was identified.
///
/// # Errors
/// As [`identify`]; `Upgraded`: its tables are of another generation by now.
pub(super) fn open(found: &Found) -> Result<Database, SourceError> {
    let db = Database::open(&found.path)?;
    match generation(&db)? == found.generation {
        true => Ok(db),
        false => Err(SourceError::Upgraded { path: found.path.clone() }),
    }
}

/// Why there is no database, where none could be found or opened; `given`: where it was looked for.
pub(crate) fn no_database(error: SourceError, given: Option<&Path>, looked: &[Looked], places: &Places) -> NoDatabase {
    match (error, given) {
        (SourceError::Gone { .. }, None) if places.silent => NoDatabase::SilentFolders,
        (SourceError::Gone { .. }, None) => {
            let looked = looked.iter().map(|looked| looked.path.clone()).collect();
            NoDatabase::Nowhere { looked, wine: places.wine }
        }
        (error, _) => NoDatabase::Unread(error),
    }
}

/// Why the database at `path` is none of a meter and never becomes one; `None` where it is one, or may be yet.
pub(crate) fn foreign(path: &Path) -> Option<SourceError> {
    let opened = Database::open(path).and_then(|db| match generation(&db) {
        Err(error) if !db.is_empty() && !db.has("__diesel_schema_migrations") => Err(error),
        _ => Ok(()),
    });
    let never = |why: &Unsupported| matches!(why, Unsupported::NotSqlite | Unsupported::NoTables);
    opened.err().filter(|error| matches!(error, SourceError::Unsupported { why, .. } if never(why)))
}

fn generation(db: &Database) -> Result<Generation, SourceError> {
    if db.has("encounter_event_chunks") {
        Ok(Generation::Chunks)
    } else if db.has("encounter_data") {
        Ok(Generation::Summary)
    } else if db.has("damage_events") {
        Ok(Generation::Events)
    } else if db.has("damage_skill_stats") {
        // Later than any meter that keeps sums alone; forks of such a one lack the first.
        let keeps_hits = db.has("dungeon_segments") || db.has("buffs") || holds_hits(db)?;
        Ok(if keeps_hits { Generation::Aggregate } else { Generation::Counters })
    } else {
        Err(SourceError::Unsupported { path: db.path.clone(), why: Unsupported::NoTables })
    }
}

/// Whether the newest row of sums has its single hits beside it, in the keys of a meter that writes them live.
///
/// Short keys are those of fights that ended before a meter that keeps sums alone took the database over.
fn holds_hits(db: &Database) -> Result<bool, SourceError> {
    let sql = db.select("damage_skill_stats", &["hit_details"], "WHERE hits > 0 ORDER BY rowid DESC LIMIT 1");
    let newest = db.rows(&sql, &[])?;
    let text = newest.first().and_then(|row| bytes(row, "hit_details")).unwrap_or_default();
    let is_short = [b"[{\"c\"", b"[{\"t\"", b"[{\"v\""].iter().any(|start| text.starts_with(*start));
    Ok(text.len() > b"[]".len() && !is_short)
}

/// The meter's name: that of its file or folder, else of the meter that first used the tables.
fn meter(path: &Path, generation: Generation) -> String {
    let parts = [path.file_stem(), path.parent().and_then(Path::file_name)];
    let named = parts.into_iter().flatten().find_map(|part| METERS.iter().find(|meter| part == **meter));
    (*named.unwrap_or(match generation {
        Generation::Events | Generation::Counters | Generation::Aggregate => &METERS[0],
        Generation::Summary | Generation::Chunks => &METERS[1],
    }))
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn write(path: &Path, sql: &'static str) {
        use sqlx::ConnectOptions as _;
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path).create_if_missing(true);
        let mut conn = options.connect().await.unwrap();
        sqlx::raw_sql(sql).execute(&mut conn).await.unwrap();
        sqlx::Connection::close(conn).await.unwrap();
    }

    #[tokio::test]
    async fn generations_show_in_their_tables() {
        let dir = tempfile::tempdir().unwrap();
        for (n, (sql, expected)) in [
            ("CREATE TABLE encounter_event_chunks(a); CREATE TABLE encounters(a)", Ok(Generation::Chunks)),
            ("CREATE TABLE encounter_data(a)", Ok(Generation::Summary)),
            ("CREATE TABLE damage_events(a); CREATE TABLE damage_skill_stats(a)", Ok(Generation::Events)),
            ("CREATE TABLE damage_skill_stats(hits, hit_details)", Ok(Generation::Counters)),
            // Fights of an earlier build, ended.
            (
                "CREATE TABLE damage_skill_stats(hits, hit_details);
                 INSERT INTO damage_skill_stats VALUES (1, '[{\"c\":0,\"t\":5,\"v\":7}]')",
                Ok(Generation::Counters),
            ),
            (
                "CREATE TABLE damage_skill_stats(hits, hit_details);
                 INSERT INTO damage_skill_stats VALUES (1, '[{}]'), (1, '[]')",
                Ok(Generation::Counters),
            ),
            ("CREATE TABLE damage_skill_stats(a); CREATE TABLE buffs(a)", Ok(Generation::Aggregate)),
            (
                "CREATE TABLE damage_skill_stats(hits, hit_details); INSERT INTO damage_skill_stats VALUES (1, '[{}]')",
                Ok(Generation::Aggregate),
            ),
            ("CREATE TABLE damage_skill_stats(a); CREATE TABLE dungeon_segments(a)", Ok(Generation::Aggregate)),
            ("CREATE TABLE bookmarks(a)", Err(Unsupported::NoTables)),
        ]
        .into_iter()
        .enumerate()
        {
            let path = dir.path().join(format!("{n}.db"));
            write(&path, sql).await;
            match (identify(&path), expected) {
                (Ok(found), Ok(generation)) => assert_eq!(found.generation, generation, "{sql}"),
                (Err(SourceError::Unsupported { why, .. }), Err(expected)) => assert_eq!(why, expected, "{sql}"),
                (got, expected) => panic!("{sql}: {got:?}, not {expected:?}"),
            }
        }
    }

    #[tokio::test]
    async fn what_is_no_database_yet_is_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("m.db");
        assert!(matches!(identify(&path), Err(SourceError::Gone { .. })));
        std::fs::write(&path, b"").unwrap();
        assert!(matches!(identify(&path), Err(SourceError::Empty { .. })));
        std::fs::write(&path, [b'x'; 4096]).unwrap();
        assert!(matches!(identify(&path), Err(SourceError::Unsupported { .. })));
    }

    #[test]
    fn what_is_damaged_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cut.db");
        let tables: Vec<_> = (0..200).map(|n| format!("CREATE TABLE encounter_{n}(a)")).collect();
        rusqlite::Connection::open(&path).unwrap().execute_batch(&tables.join(";")).unwrap();
        std::fs::File::options().write(true).open(&path).unwrap().set_len(5_000).unwrap();
        assert_eq!(identify(&path), Err(SourceError::Damaged { path }));
    }

    #[tokio::test]
    async fn the_database_written_last_is_taken_and_all_that_were_looked_at_are_told() {
        let dir = tempfile::tempdir().unwrap();
        let places = Places { data_dirs: vec![dir.path().to_owned()], wine: false, silent: false };
        let nothing = detect(None, &places);
        assert_eq!(nothing.looked.len(), 3);
        assert!(matches!(nothing.found, Err(SourceError::Gone { .. })));

        let [older, newer] = [&METERS[0], &METERS[1]].map(|m| dir.path().join(m).join(format!("{m}.db")));
        write(&newer, "CREATE TABLE encounter_event_chunks(a)").await;
        write(&older, "CREATE TABLE damage_skill_stats(a); CREATE TABLE dungeon_segments(a)").await;
        let late = SystemTime::UNIX_EPOCH + std::time::Duration::from_hours(24 * 365 * 100);
        std::fs::File::options().write(true).open(&newer).unwrap().set_modified(late).unwrap();
        let found = detect(None, &places).found.unwrap();
        assert_eq!((found.path, found.meter.as_str()), (newer.clone(), "resonance-logs-cn"));

        // A write-ahead log that is newer than its database counts; not an empty one, which readers make.
        let wal = beside(&older, "-wal");
        let later = late + std::time::Duration::from_secs(1);
        for (bytes, expected) in [(&[][..], &newer), (&[0; 32], &older)] {
            std::fs::write(&wal, bytes).unwrap();
            std::fs::File::options().write(true).open(&wal).unwrap().set_modified(later).unwrap();
            assert_eq!(detect(None, &places).found.unwrap().path, *expected);
        }
        assert_eq!(detect(Some(&older), &places).looked.len(), 1);

        // All of them are told, also one that cannot be read.
        let third = dir.path().join(METERS[2]).join(format!("{}.db", METERS[2]));
        std::fs::create_dir_all(third.parent().unwrap()).unwrap();
        std::fs::write(&third, [b'x'; 4096]).unwrap();
        let told = all(&places);
        assert_eq!(told.iter().map(|one| one.path.clone()).collect::<Vec<_>>(), [older, newer, third]);
        let known = told.iter().map(|one| one.found.as_ref().ok().map(|found| found.generation));
        assert_eq!(known.collect::<Vec<_>>(), [Some(Generation::Aggregate), Some(Generation::Chunks), None]);
        assert!(all(&Places::default()).is_empty());
    }

    #[test]
    fn what_is_found_later_is_added_once() {
        let mut places = Places { data_dirs: vec!["/a".into()], wine: false, silent: true };
        let gone = || SourceError::Gone { path: "/m.db".into() };
        assert_eq!(no_database(gone(), None, &[], &places), NoDatabase::SilentFolders);
        let named = Path::new("/m.db");
        assert_eq!(no_database(gone(), Some(named), &[], &places), NoDatabase::Unread(gone()));
        places.rescan();
        assert_eq!(places.data_dirs, [PathBuf::from("/a")], "nobody searched for more");
        places.add(vec!["/b".into(), "/a".into(), "/b".into()]);
        assert_eq!(places.data_dirs, [PathBuf::from("/a"), PathBuf::from("/b")]);
    }
}
