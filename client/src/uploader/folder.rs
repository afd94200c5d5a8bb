//! What the client remembers between starts, in a folder that it holds a lock on ([`super::seat`]).
//!
//! `lock`; `raid.json`: the raid and its secret, under the name `raid.doubted.json` where what was said of it is not kept;
//! `fights.json`: which fights of which database are streamed or done;
//! `spool/`: their logs. `history/` holds the same three of an upload of old fights, so that the night's raid and
//! history never mix. `record.json` and `now.json` are there to be shown ([`super::record`]).
//! One invariant: each JSON file is replaced as a whole, so it is what it was or what it is to be.

mod error;
mod file;
mod lock;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, TryLockError};
use std::io;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use raidcast_shared::uplink::Visibility;
use serde::{Deserialize, Serialize};

pub use error::{Damage, FolderError};
pub(super) use file::load;
pub(super) use lock::Lock;

use super::raid::Raid;
use super::record::NotSent;
use super::seat::{HISTORY, Place, Seat, Work};
use super::seen_by::SeenBy;
use crate::secret::{replace, sync_folder_of};
use crate::source::Generation;
use lock::make_folder;

/// Bytes that a raid's secret may have (PROTOCOL.md, Hello).
const SECRET_BYTES: RangeInclusive<usize> = 16..=64;

/// One kind of work's part of the state folder, which is this process's while this lives.
#[derive(Debug)]
pub(super) struct Folder {
    place: Place,
    /// The seat's folder itself, or `history` in it.
    part: PathBuf,
    /// Which of the folders that the seat has made, one after the other, its part was made in.
    made: u64,
}

impl Folder {
    /// Makes its part of the folder if need be; `history`: of an upload of old fights, else of who follows the meter.
    ///
    /// # Errors
    /// `InUse`: this process does that work there already. Else as the file system says.
    pub(super) fn open(seat: &Arc<Seat>, history: bool) -> Result<Self, FolderError> {
        let place = seat.begin(if history { Work::Upload } else { Work::Follow })?;
        let made = seat.keep()?;
        let folder = Self { part: place.part(), made, place };
        make_folder(&folder.spools())?;
        Ok(folder)
    }

    /// Who holds it.
    pub(super) fn seat(&self) -> &Arc<Seat> {
        self.place.seat()
    }

    /// Whether the folder was deleted: another one may stand in its place, and its part may not be there yet.
    pub(super) fn is_gone(&self) -> bool {
        self.seat().made() != Some(self.made)
    }

    /// Makes the folder anew if it was deleted; whether nothing of its part is there, for that was done by whoever.
    ///
    /// # Errors
    /// As [`Seat::keep`].
    pub(super) fn keep(&mut self) -> Result<bool, FolderError> {
        let made = self.seat().keep()?;
        let is_new = made != self.made;
        if is_new {
            make_folder(&self.spools())?;
            self.made = made;
        }
        Ok(is_new)
    }

    /// The folder that the user named.
    pub(super) fn dir(&self) -> &Path {
        self.seat().dir()
    }

    /// Its part of it.
    pub(super) fn part(&self) -> &Path {
        &self.part
    }

    /// Where spools are.
    pub(super) fn spools(&self) -> PathBuf {
        self.part.join("spool")
    }

    /// The spools that are there, and nothing else; halves of new ones are cleared away.
    pub(super) fn list_spools(&self) -> Result<Vec<PathBuf>, FolderError> {
        let dir = self.spools();
        let io = |error| FolderError::Io { path: dir.clone(), error };
        let mut found = Vec::new();
        for entry in fs::read_dir(&dir).map_err(io)? {
            let path = entry.map_err(io)?.path();
            match path.extension().and_then(|end| end.to_str()) {
                Some("spool") => found.push(path),
                Some("new") => drop(fs::remove_file(&path)),
                _ => {}
            }
        }
        found.sort();
        Ok(found)
    }

    /// Names of the fights whose spools are there.
    pub(super) fn list_spooled(&self) -> Result<Vec<String>, FolderError> {
        let name = |path: PathBuf| Some(path.file_stem()?.to_str()?.to_owned());
        Ok(self.list_spools()?.into_iter().filter_map(name).collect())
    }

    pub(super) fn load_raid(&self) -> Result<Option<Raid>, FolderError> {
        let raid: Option<Raid> = load(self.part.join("raid.json"))?;
        if raid.as_ref().is_some_and(|raid| !SECRET_BYTES.contains(&raid.secret().len())) {
            return Err(FolderError::Damaged { path: self.part.join("raid.json"), why: Damage::Secret });
        }
        Ok(raid)
    }

    pub(super) fn save_raid(&self, raid: &Raid) -> io::Result<()> {
        replace(&self.part.join("raid.json"), &json_of(raid))
    }

    /// What was said of the raid, or of the one after it, is not kept: whoever starts after a kill is to know that, and not to
    /// go on with it as it was. That needs no room on the disk: the raid's file gets another name.
    pub(super) fn doubt_raid(&self) {
        // Where the folder was deleted another client's may stand there.
        if self.is_gone() {
            return;
        }
        let path = self.part.join("raid.json");
        match fs::rename(&path, self.doubted()) {
            Ok(()) => sync_folder_of(&path),
            // It has that name already.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "could not say that what is known of the raid is doubted");
                let _ = fs::remove_file(&path);
            }
        }
    }

    /// Whether something that was said of a raid was not kept.
    pub(super) fn is_raid_doubted(&self) -> bool {
        self.doubted().exists()
    }

    /// The raid of which something that was said was not kept, as it was before.
    pub(super) fn load_doubted(&self) -> Option<Raid> {
        // It decides nothing but what is shown.
        load(self.doubted()).ok().flatten()
    }

    /// What is said of the raid, and of the one after it, is kept.
    pub(super) fn settle_raid(&self) {
        if self.is_gone() {
            return;
        }
        let path = self.doubted();
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(path = %path.display(), %error, "could not remove what was doubted of a raid");
            }
            _ => {}
        }
    }

    fn doubted(&self) -> PathBuf {
        self.part.join("raid.doubted.json")
    }

    pub(super) fn load_fights(&self) -> Result<Fights, FolderError> {
        fights_in(&self.part)
    }

    pub(super) fn save_fights(&self, fights: &Fights) -> io::Result<()> {
        replace(&self.part.join("fights.json"), &json_of(fights))
    }
}

fn json_of(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec_pretty(value).expect("maps with text as keys are JSON")
}

/// The list of fights of one kind of work.
pub(super) fn fights_in(part: &Path) -> Result<Fights, FolderError> {
    Ok(load(part.join("fights.json"))?.unwrap_or_default())
}

/// Whether a client holds the lock of a folder now; `None` where that cannot be told.
pub(crate) fn is_held(dir: &Path) -> Option<bool> {
    let lock = match File::open(dir.join("lock")) {
        Ok(lock) => lock,
        Err(error) => return (error.kind() == io::ErrorKind::NotFound).then_some(false),
    };
    match lock.try_lock_shared() {
        Ok(()) => Some(false),
        Err(TryLockError::WouldBlock) => Some(true),
        Err(TryLockError::Error(_)) => None,
    }
}

/// The fights of an upload to this relay, for this account, that did not come to its end, by name; read without the lock.
/// None where others would see them now than were to see them then: what is not `asked` for is as the raid has it that
/// goes on, else as a new one has it.
pub(crate) fn under_way(
    dir: &Path,
    relay: &str,
    key: &str,
    unix_ms: i64,
    asked: SeenBy,
) -> Result<Vec<String>, FolderError> {
    let raid: Option<Raid> = load(dir.join(HISTORY).join("raid.json"))?;
    if !raid.is_some_and(|raid| raid.is_seen_alike(relay, key, unix_ms, asked)) {
        return Ok(Vec::new());
    }
    let fights = fights_in(&dir.join(HISTORY))?;
    Ok(fights.databases.into_values().flat_map(|watched| watched.open.into_keys()).collect())
}

/// Who may see the raid of old fights that an upload now goes on with, or the one in the place of one that was never used;
/// `None`: it begins another. Read without the lock.
pub(crate) fn seen_by(dir: &Path, relay: &str, key: &str, unix_ms: i64) -> Option<Visibility> {
    let raid: Option<Raid> = load(dir.join(HISTORY).join("raid.json")).ok()?;
    raid.filter(|raid| raid.tells(relay, key, unix_ms)).and_then(|raid| raid.seen_by().visibility)
}

/// Which fights of which database are streamed or done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Fights {
    pub(super) databases: BTreeMap<String, Watched>,
    /// Fights on their way that the relay did not take when they were tried last, by name, and why.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) given_up: BTreeMap<String, NotSent>,
}

/// So many rows of a database are remembered where later fights may have smaller ones.
const KNOWN_MAX: usize = 500;

/// As [`Watched::seen`], where there was no row. Ids may be below 0, too.
pub(super) const NO_ROW: i64 = i64::MIN;

/// Fights of one database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Watched {
    /// Rows up to this one were looked at; those not in `open` are done, or history. [`NO_ROW`], or 0 of an earlier
    /// client, if there were none.
    pub(super) seen: i64,
    /// When the fight of row `seen` began: another time there tells that the database was made anew.
    pub(super) seen_started_ms: i64,
    /// How it stored fights then: another generation numbers its rows otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) generation: Option<Generation>,
    /// Fights that are streamed and not final yet, by name, and their rows.
    pub(super) open: BTreeMap<String, i64>,
    /// The rows that were looked at, the greatest [`KNOWN_MAX`] of them; only where later fights may have smaller ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) known: Option<BTreeSet<i64>>,
    /// The newest fight, if it was taken for history or ended here though the meter has not ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) dormant: Option<Dormant>,
}

impl Default for Watched {
    fn default() -> Self {
        Self { seen: NO_ROW, seen_started_ms: 0, generation: None, open: BTreeMap::new(), known: None, dormant: None }
    }
}

impl Watched {
    /// Rows up to this one were looked at, or are history.
    pub(super) fn floor(&self) -> i64 {
        match &self.known {
            Some(known) if known.len() < KNOWN_MAX => NO_ROW,
            Some(known) => known.first().copied().unwrap_or(NO_ROW),
            None => self.seen,
        }
    }

    /// Whether a row was not looked at before.
    pub(super) fn is_new(&self, row: i64) -> bool {
        row > self.floor() && self.known.as_ref().is_none_or(|known| !known.contains(&row))
    }

    /// A row was looked at.
    pub(super) fn see(&mut self, row: i64, started_at_ms: i64) {
        if row >= self.seen {
            self.seen = row;
            self.seen_started_ms = started_at_ms;
        }
        if let Some(known) = &mut self.known {
            known.insert(row);
            while known.len() > KNOWN_MAX {
                known.pop_first();
            }
        }
    }
}

/// A fight that the meter has not ended, and that is done with here, for it began long ago or the command ended: it is
/// streamed (once more) as soon as anything more comes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Dormant {
    pub(super) row: i64,
    pub(super) started_at_ms: i64,
    /// So many hits it had when it was looked at first.
    pub(super) hits: u64,
}

#[cfg(test)]
mod tests {
    use raidcast_shared::id::hex;
    use raidcast_shared::limits::RAID_IDLE_MS;
    use raidcast_shared::uplink::NamesPolicy;
    use uuid::Uuid;

    use super::super::shown_to::ShownTo;
    use super::*;
    use crate::secret::Entropy;

    fn open(dir: &Path, history: bool) -> Result<Folder, FolderError> {
        Folder::open(&Seat::take(dir)?, history)
    }

    #[test]
    fn a_folder_is_one_clients_alone() {
        let dir = tempfile::tempdir().unwrap();
        let first = open(dir.path(), false).unwrap();
        let second = open(dir.path(), false).unwrap_err();
        assert!(
            matches!(&second, FolderError::InUse { process, .. } if *process == Some(std::process::id())),
            "{second}"
        );
        assert_eq!(is_held(dir.path()), Some(true));
        drop(first);
        assert_eq!(is_held(dir.path()), Some(false));
        open(dir.path(), false).unwrap();
    }

    #[test]
    fn an_upload_and_who_follows_the_meter_have_a_part_each_and_nobody_has_one_twice() {
        let dir = tempfile::tempdir().unwrap();
        let seat = Seat::take(dir.path()).unwrap();
        let (watch, upload) = (Folder::open(&seat, false).unwrap(), Folder::open(&seat, true).unwrap());
        assert!(watch.spools().is_dir() && upload.spools().is_dir() && watch.spools() != upload.spools());
        let ours = Some(std::process::id());
        for history in [false, true] {
            let again = Folder::open(&seat, history).unwrap_err();
            assert!(matches!(&again, FolderError::InUse { process, .. } if *process == ours), "{again}");
        }
        drop(upload);
        let upload = Folder::open(&seat, true).unwrap();
        // Who has ended has given nothing back of what the other one holds.
        drop((watch, upload));
        assert_eq!(is_held(dir.path()), Some(true));
        drop(seat);
        assert_eq!(is_held(dir.path()), Some(false));
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_that_was_there_is_used_as_it_is_and_what_is_made_is_the_owners_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o1777)).unwrap();
        let folder = open(dir.path(), false).unwrap();
        assert_eq!((mode(dir.path()), mode(&folder.spools())), (0o1777, 0o700));
        let state = dir.path().join("state");
        open(&state, true).unwrap();
        assert_eq!((mode(&state), mode(&state.join(HISTORY))), (0o700, 0o700));
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_that_was_deleted_is_made_anew_unless_another_client_has_it() {
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path().join("state");
        let mut folder = open(&state, false).unwrap();
        assert!(!folder.is_gone() && !folder.keep().unwrap());
        fs::remove_dir_all(&state).unwrap();
        assert!(folder.is_gone());
        assert!(folder.keep().unwrap());
        assert!(!folder.is_gone() && folder.spools().is_dir());
        assert!(matches!(open(&state, false), Err(FolderError::InUse { .. })));
        fs::remove_dir_all(&state).unwrap();
        let other = open(&state, false).unwrap();
        assert!(folder.is_gone() && !other.is_gone());
        assert!(matches!(folder.keep(), Err(FolderError::Deleted { .. })));
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_that_was_deleted_is_made_anew_once_and_each_who_works_there_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path().join("state");
        let seat = Seat::take(&state).unwrap();
        let (mut watch, mut upload) = (Folder::open(&seat, false).unwrap(), Folder::open(&seat, true).unwrap());
        fs::remove_dir_all(&state).unwrap();
        assert!(watch.keep().unwrap());
        // The lock is held again, and nothing of the other's part is there yet.
        assert!(!watch.is_gone() && upload.is_gone() && !upload.spools().exists());
        assert!(upload.keep().unwrap());
        assert!(!upload.is_gone() && upload.spools().is_dir());
        assert!(!watch.keep().unwrap() && !upload.keep().unwrap());
    }

    #[test]
    fn an_upload_is_seen_by_those_who_see_its_raid_while_that_goes_on() {
        let dir = tempfile::tempdir().unwrap();
        let folder = open(dir.path(), true).unwrap();
        let seen_by = |key, unix_ms| seen_by(dir.path(), "http://a", key, unix_ms);
        assert_eq!(seen_by("key", 1_000), None);
        let mut raid = Raid::new("http://a", "key", 1_000, &Entropy::system());
        raid.be(ShownTo { visibility: Some(Visibility::Public), ..ShownTo::default() });
        folder.save_raid(&raid).unwrap();
        assert_eq!(seen_by("key", 1_000), Some(Visibility::Public));
        // Nothing was sent in it yet: what was said of it is of the one that begins instead.
        assert_eq!((seen_by("other", 1_000), seen_by("key", 1_000 + RAID_IDLE_MS)), (None, Some(Visibility::Public)));
        raid.fought_at(1_000);
        folder.save_raid(&raid).unwrap();
        assert_eq!((seen_by("key", 1_000), seen_by("key", 1_000 + RAID_IDLE_MS)), (Some(Visibility::Public), None));
    }

    #[test]
    fn what_was_agreed_to_counts_only_where_the_same_people_would_see_it() {
        let dir = tempfile::tempdir().unwrap();
        let folder = open(dir.path(), true).unwrap();
        let mut fights = Fights::default();
        fights.databases.entry("/m.db".into()).or_default().open.insert(Uuid::from_u128(1).to_string(), 7);
        folder.save_fights(&fights).unwrap();
        let asked = |visibility| SeenBy { visibility, names: None };
        let counts = |relay: &str, key: &str, unix_ms, visibility| {
            !under_way(dir.path(), relay, key, unix_ms, asked(visibility)).unwrap().is_empty()
        };
        let (soon, late) = (2_000, 2_000 + RAID_IDLE_MS);
        let agree = |visibility, names| {
            let mut raid = Raid::new("http://a", "key", 1_000, &Entropy::system());
            raid.be(ShownTo { visibility: Some(visibility), names, ..ShownTo::default() });
            raid.fought_at(2_000);
            folder.save_raid(&raid).unwrap();
        };
        assert!(!counts("http://a", "key", soon, None));
        agree(Visibility::Private, None);
        assert!(counts("http://a", "key", soon, None) && counts("http://a", "key", soon, Some(Visibility::Private)));
        // Another raid begins: unlisted where nothing is said.
        assert!(!counts("http://a", "key", late, None) && counts("http://a", "key", late, Some(Visibility::Private)));
        assert!(!counts("http://a", "key", soon, Some(Visibility::Public)));
        assert!(!counts("http://a", "other", soon, None) && !counts("http://b", "key", soon, None));
        agree(Visibility::Unlisted, None);
        assert!(counts("http://a", "key", soon, None) && counts("http://a", "key", late, None));
        agree(Visibility::Unlisted, Some(NamesPolicy::Hidden));
        assert!(counts("http://a", "key", soon, None) && !counts("http://a", "key", late, None));
    }

    #[test]
    fn a_folder_of_a_newer_client_is_left_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let version = dir.path().join("version");
        for (text, by) in [
            ("2 raidcast 9.1\n", Some("raidcast 9.1")),
            ("7", Some("")),
            ("none", Some("")),
            ("", Some("")),
            ("1", None),
            (" 1 raidcast 0.1\n", None),
        ] {
            fs::write(&version, text).unwrap();
            let opened = open(dir.path(), false);
            match by {
                None => drop(opened.unwrap()),
                Some(expected) => {
                    let FolderError::Newer { by, .. } = opened.unwrap_err() else { panic!("{text}") };
                    assert_eq!((by.as_str(), fs::read_to_string(&version).unwrap().as_str()), (expected, text));
                }
            }
        }
    }

    #[test]
    fn what_is_saved_is_loaded_and_what_is_damaged_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let folder = open(dir.path(), false).unwrap();
        assert_eq!(folder.load_raid().unwrap(), None);
        let raid = Raid::new("http://a", "key", 1_000, &Entropy::system());
        folder.save_raid(&raid).unwrap();
        assert_eq!(folder.load_raid().unwrap(), Some(raid.clone()));
        for secret in [String::new(), "zz".repeat(32), "ab".repeat(500), "ab".repeat(15)] {
            let damaged = String::from_utf8(json_of(&raid)).unwrap().replace(&hex(&raid.secret()), &secret);
            fs::write(dir.path().join("raid.json"), damaged).unwrap();
            let error = folder.load_raid().unwrap_err();
            assert!(matches!(&error, FolderError::Damaged { why: Damage::Secret, .. }), "{error}");
        }
        let mut fights = Fights::default();
        let watched = fights.databases.entry("/m.db".into()).or_default();
        watched.open.insert(Uuid::from_u128(1).to_string(), 7);
        folder.save_fights(&fights).unwrap();
        assert_eq!(folder.load_fights().unwrap(), fights);
        fs::write(dir.path().join("fights.json"), "{").unwrap();
        assert!(matches!(folder.load_fights(), Err(FolderError::Damaged { .. })));
    }
}
