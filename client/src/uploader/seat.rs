//! The state folder as this process holds it, for two kinds of work at once: to follow the meter, and to upload old
//! fights beside it.
//!
//! One invariant: of each kind one is at work in the folder at a time, and both note into one record. So neither opens
//! the other's spools, and neither writes over what the other has noted.
//! What is held is behind a lock that is never kept across an await.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

use super::folder::{FolderError, Lock};
use super::record::{Finished, Now, Record};
use super::seen_by::SeenBy;
use crate::source::Fight;

/// Where an upload of old fights keeps its raid, its list and its spools.
pub(super) const HISTORY: &str = "history";

/// What is done in the folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Work {
    /// To follow the meter.
    Follow,
    /// To upload old fights, as streams or in requests.
    Upload,
}

/// Where an upload works in a state folder.
pub(crate) fn upload_part(dir: &Path) -> PathBuf {
    Work::Upload.part(dir)
}

impl Work {
    /// Both kinds.
    const ALL: [Self; 2] = [Self::Follow, Self::Upload];

    /// Its part of a folder.
    fn part(self, dir: &Path) -> PathBuf {
        match self {
            Self::Follow => dir.to_owned(),
            Self::Upload => dir.join(HISTORY),
        }
    }
}

/// A state folder that this process holds, and no other can, until the last of its clones is dropped.
///
/// On it, one run can follow the meter ([`run_on`](super::run_on)), and one can upload old fights beside it
/// ([`run_on`](super::run_on) or [`post_on`](super::post_on)); a run can begin when the one before it of its kind has
/// come to its end.
pub struct Seat {
    dir: PathBuf,
    held: Mutex<Held>,
}

struct Held {
    lock: Lock,
    /// How often the folder was made anew since it was taken.
    made: u64,
    record: Record,
    /// The file lacks something of it.
    record_unsaved: bool,
    works: Vec<Work>,
}

impl fmt::Debug for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the record: links in it may have tickets.
        f.debug_struct("Seat").field("dir", &self.dir).finish_non_exhaustive()
    }
}

impl Seat {
    /// Makes the folder if need be, and holds it from now on.
    ///
    /// # Errors
    /// `InUse`: another client holds it, in this process or another. Else what keeps the folder from being used.
    pub fn take(dir: &Path) -> Result<Arc<Self>, FolderError> {
        let lock = Lock::take(dir)?;
        for work in Work::ALL {
            // Whoever said that it runs was killed.
            Now::end(&work.part(dir));
        }
        let held = Held { lock, made: 0, record: Record::take(dir)?, record_unsaved: false, works: Vec::new() };
        Ok(Arc::new(Self { dir: dir.to_owned(), held: Mutex::new(held) }))
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        // What a panic may leave is a record that lacks a fight.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a kind of work, which ends when its place is dropped.
    ///
    /// # Errors
    /// `InUse`, by this process: it is being done already.
    pub(super) fn begin(self: &Arc<Self>, work: Work) -> Result<Place, FolderError> {
        let mut held = self.held();
        if held.works.contains(&work) {
            return Err(FolderError::InUse { dir: self.dir.clone(), process: Some(std::process::id()) });
        }
        held.works.push(work);
        Ok(Place { seat: Arc::clone(self), work })
    }

    /// Which folder is held: so many were made before it. `None` where it was deleted: another one may stand in its place.
    pub(super) fn made(&self) -> Option<u64> {
        let held = self.held();
        (!held.lock.is_gone()).then_some(held.made)
    }

    /// Makes the folder anew if it was deleted, and holds that one; which it is, as [`Seat::made`] tells.
    ///
    /// # Errors
    /// `Deleted`: another client has it now, and what this one has in memory is not to be written there. Else as
    /// [`Seat::take`].
    pub(super) fn keep(&self) -> Result<u64, FolderError> {
        let mut held = self.held();
        if held.lock.is_gone() {
            held.lock.take_again()?;
            held.made += 1;
            held.record_unsaved = true;
        }
        Ok(held.made)
    }

    /// Notes what became of a fight, in place of what was noted of it; to be written by [`Seat::save`].
    pub(super) fn note(&self, fight: Finished) -> Finished {
        let mut held = self.held();
        held.record_unsaved = true;
        held.record.note(fight)
    }

    /// A raid is seen by others from now on, and so are its fights; to be written by [`Seat::save`].
    pub(super) fn show(&self, raid: Uuid, seen_by: SeenBy) {
        let mut held = self.held();
        let news = held.record.show(raid, seen_by);
        held.record_unsaved |= news;
    }

    /// Nobody knows any more who sees a raid's fights; to be written by [`Seat::save`].
    pub(super) fn doubt_who_sees(&self, raid: Uuid) {
        let mut held = self.held();
        let news = held.record.doubt_who_sees(raid);
        held.record_unsaved |= news;
    }

    /// Writes what the record's file lacks, whoever noted it.
    ///
    /// # Errors
    /// As the disk says; or the folder was deleted. It is still to be written.
    pub(super) fn save(&self) -> io::Result<()> {
        let mut held = self.held();
        if !held.record_unsaved {
            return Ok(());
        }
        if held.lock.is_gone() {
            // What stands there may be another client's.
            return Err(io::ErrorKind::NotFound.into());
        }
        held.record.save(&self.dir)?;
        held.record_unsaved = false;
        Ok(())
    }

    /// Whether something was noted of a fight of this name.
    pub(super) fn has(&self, encounter: &str) -> bool {
        self.held().record.has(encounter)
    }

    /// What was noted of a fight of which a relay has all, as [`Record::is_there`] tells.
    pub(super) fn on_relay(&self, fight: &Fight, relay: &str) -> Option<Finished> {
        self.held().record.on_relay(fight, relay).cloned()
    }
}

/// One kind of work on a seat; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    seat: Arc<Seat>,
    work: Work,
}

impl Place {
    /// The seat.
    pub(super) fn seat(&self) -> &Arc<Seat> {
        &self.seat
    }

    /// Where in the folder it is done.
    pub(super) fn part(&self) -> PathBuf {
        self.work.part(self.seat.dir())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let work = self.work;
        let mut held = self.seat.held();
        held.works.retain(|other| *other != work);
        // A run that was cut off has not said that it ends. Where the folder was deleted another client's may stand there.
        if !held.lock.is_gone() {
            Now::end(&self.part());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::uploader::record::How;

    fn fight(row: i64) -> Finished {
        Finished { result: How::New, ..Finished::unread(&Fight::bare(row), "http://a") }
    }

    fn noted(dir: &Path) -> Vec<String> {
        let mut names: Vec<_> = Record::load(dir).fights.into_iter().map(|fight| fight.encounter).collect();
        names.sort();
        names
    }

    fn names(rows: &[i64]) -> Vec<String> {
        let mut names: Vec<_> = rows.iter().map(|row| fight(*row).encounter).collect();
        names.sort();
        names
    }

    #[test]
    fn two_who_note_into_one_record_lose_nothing_of_each_other() {
        let dir = tempfile::tempdir().unwrap();
        {
            let seat = Seat::take(dir.path()).unwrap();
            let (watch, upload) = (seat.begin(Work::Follow).unwrap(), seat.begin(Work::Upload).unwrap());
            watch.seat().note(fight(1));
            upload.seat().note(fight(2));
            // Whoever saves first saves both.
            upload.seat().save().unwrap();
            assert_eq!(noted(dir.path()), names(&[1, 2]));
            watch.seat().save().unwrap();
            watch.seat().note(fight(3));
            watch.seat().save().unwrap();
        }
        let seat = Seat::take(dir.path()).unwrap();
        assert!(seat.has(&fight(1).encounter) && !seat.has(&fight(4).encounter));
        assert_eq!(seat.on_relay(&Fight::bare(2), "http://a").map(|fight| fight.result), Some(How::New));
        assert_eq!(seat.on_relay(&Fight::bare(2), "http://b"), None);
        seat.note(fight(4));
        seat.save().unwrap();
        assert_eq!(noted(dir.path()), names(&[1, 2, 3, 4]));
    }

    #[test]
    fn what_the_disk_did_not_take_is_written_by_whoever_saves_next() {
        let dir = tempfile::tempdir().unwrap();
        let seat = Seat::take(dir.path()).unwrap();
        // Nothing can be written: a folder stands where the file is to be.
        std::fs::create_dir(dir.path().join("record.new")).unwrap();
        seat.note(fight(1));
        assert!(seat.save().is_err() && seat.save().is_err());
        std::fs::remove_dir(dir.path().join("record.new")).unwrap();
        seat.note(fight(2));
        seat.save().unwrap();
        assert_eq!(noted(dir.path()), names(&[1, 2]));
    }

    #[test]
    fn a_record_that_does_not_parse_is_put_aside_and_one_that_cannot_be_read_is_not_written_over() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("record.json");
        std::fs::write(&path, "{").unwrap();
        let seat = Seat::take(dir.path()).unwrap();
        seat.note(fight(1));
        seat.save().unwrap();
        assert_eq!(noted(dir.path()), names(&[1]));
        assert_eq!(std::fs::read_to_string(dir.path().join("record.damaged.json")).unwrap(), "{");
        drop(seat);
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        assert!(matches!(Seat::take(dir.path()), Err(FolderError::Io { .. })));
    }

    #[cfg(unix)]
    #[test]
    fn the_record_is_written_again_where_its_folder_was_deleted_and_never_into_another_clients() {
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path().join("state");
        let seat = Seat::take(&state).unwrap();
        seat.note(fight(1));
        seat.save().unwrap();
        std::fs::remove_dir_all(&state).unwrap();
        assert_eq!((seat.made(), seat.keep().unwrap()), (None, 1));
        seat.save().unwrap();
        assert_eq!(noted(&state), names(&[1]));
        std::fs::remove_dir_all(&state).unwrap();
        let other = Seat::take(&state).unwrap();
        seat.note(fight(2));
        assert!(seat.save().is_err());
        assert!(matches!(seat.keep(), Err(FolderError::Deleted { .. })));
        assert_eq!((noted(&state), other.made()), (Vec::new(), Some(0)));
    }

    #[test]
    fn a_run_that_is_cut_off_is_not_said_to_go_on_while_its_seat_is_held() {
        let dir = tempfile::tempdir().unwrap();
        let seat = Seat::take(dir.path()).unwrap();
        std::fs::create_dir_all(dir.path().join(HISTORY)).unwrap();
        let (watch, upload) = (seat.begin(Work::Follow).unwrap(), seat.begin(Work::Upload).unwrap());
        let parts = [watch.part(), upload.part()];
        for part in &parts {
            Now { running: true, ..Now::default() }.save(part).unwrap();
        }
        let running = || parts.each_ref().map(|part| Now::load(part).is_some_and(|now| now.running));
        drop(upload);
        assert_eq!(running(), [true, false]);
        drop(watch);
        assert_eq!(running(), [false, false]);
    }

    #[test]
    fn whoever_was_killed_is_not_said_to_run_when_another_has_the_folder() {
        let dir = tempfile::tempdir().unwrap();
        let parts = [dir.path().to_owned(), dir.path().join(HISTORY)];
        for part in &parts {
            std::fs::create_dir_all(part).unwrap();
            Now { running: true, process: 7, ..Now::default() }.save(part).unwrap();
        }
        let _seat = Seat::take(dir.path()).unwrap();
        for part in &parts {
            assert_eq!(Now::load(part), Some(Now { process: 7, ..Now::default() }));
        }
    }
}
