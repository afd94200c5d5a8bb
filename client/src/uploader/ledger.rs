//! The books on fights: which of each database were seen, which of them are to reach the relay (`fights.json`), and
//! what became of the last ones (`record.json`, which is the seat's, for others note in it, too).
//!
//! One invariant: a fight leaves `fights.json` only when nothing more is to be done for it, and before its spool goes.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io;
use std::path::Path;
use std::sync::Arc;

use raidcast_shared::id::EncounterId;

use super::folder::{Dormant, Fights, Folder, FolderError, NO_ROW, Watched, fights_in};
use super::record::{Finished, NotSent, Record};
use super::seat::{HISTORY, Seat};
use crate::source::{Fight, Generation};
use crate::spool::Head;

/// The names by which a folder's fights were told, as far as its files can be read; read without the lock.
pub(crate) fn told(dir: &Path) -> HashSet<String> {
    let lists = [dir.to_owned(), dir.join(HISTORY)].map(|part| fights_in(&part).unwrap_or_default());
    let databases = lists.into_iter().flat_map(|fights| fights.databases.into_values());
    let open = databases.flat_map(|watched| watched.open.into_keys());
    open.chain(Record::load(dir).fights.into_iter().map(|fight| fight.encounter)).collect()
}

/// The books, and whether their files have all of them.
pub(super) struct Ledger {
    fights: Fights,
    fights_unsaved: bool,
    seat: Arc<Seat>,
    /// Fights that cannot be read, told once.
    unreadable: BTreeSet<EncounterId>,
    /// Fights of which nothing is to be sent, as this run was told.
    left_alone: BTreeSet<EncounterId>,
    finalized: u64,
}

impl Ledger {
    /// As the folder has them.
    pub(super) fn open(folder: &Folder) -> Result<Self, FolderError> {
        Ok(Self {
            fights: folder.load_fights()?,
            fights_unsaved: false,
            seat: Arc::clone(folder.seat()),
            unreadable: BTreeSet::new(),
            left_alone: BTreeSet::new(),
            finalized: 0,
        })
    }

    /// Writes what the files lack; what the disk said last if it does not take all.
    pub(super) fn save(&mut self, folder: &Folder) -> Option<io::Error> {
        let mut failed = None;
        if self.fights_unsaved {
            match folder.save_fights(&self.fights) {
                Ok(()) => self.fights_unsaved = false,
                Err(error) => failed = Some(error),
            }
        }
        self.seat.save().err().or(failed)
    }

    /// The folder was made anew: its list is to be written again. The seat does so with the record.
    pub(super) fn save_again(&mut self) {
        self.fights_unsaved = true;
    }

    /// What is known of a database; `None` if it was never seen.
    pub(super) fn of(&self, db: &str) -> Option<&Watched> {
        self.fights.databases.get(db)
    }

    fn edit(&mut self, db: &str) -> &mut Watched {
        self.fights_unsaved = true;
        self.fights.databases.entry(db.to_owned()).or_default()
    }

    /// A fight whose spool was there at the start. One that is not in the list is done with, but for its spool; or the
    /// list was lost. The relay tells which.
    pub(super) fn resume(&mut self, head: &Head) {
        let watched = self.fights.databases.entry(head.db.clone()).or_default();
        watched.open.insert(head.encounter.to_string(), head.row);
        watched.see(head.row, head.header.started_at_ms);
    }

    /// A row of a database was looked at.
    pub(super) fn see(&mut self, db: &str, fight: &Fight) {
        self.edit(db).see(fight.row, fight.started_at_ms);
    }

    /// The rows of a database name other fights now: those up to its newest one are looked at.
    pub(super) fn renumber(&mut self, db: &str, newest: Option<&Fight>) {
        let watched = self.edit(db);
        (watched.seen, watched.seen_started_ms) = newest.map_or((NO_ROW, 0), |fight| (fight.row, fight.started_at_ms));
    }

    /// How a database stores fights now.
    pub(super) fn stored_as(&mut self, db: &str, generation: Generation) {
        let watched = self.edit(db);
        watched.generation = Some(generation);
        watched.known = None;
    }

    /// Later fights of a database may have smaller rows: these of them were looked at.
    pub(super) fn know(&mut self, db: &str, rows: impl Iterator<Item = i64>) {
        let watched = self.edit(db);
        watched.known = Some(BTreeSet::new());
        let seen = (watched.seen, watched.seen_started_ms);
        rows.for_each(|row| watched.see(row, row));
        (watched.seen, watched.seen_started_ms) = seen;
    }

    /// A fight is to reach the relay.
    pub(super) fn list(&mut self, db: &str, fight: &Fight) {
        self.edit(db).open.insert(fight.encounter.to_string(), fight.row);
    }

    /// A fight is to reach the relay from where it stands now, and from nowhere else.
    pub(super) fn list_here(&mut self, db: &str, fight: &Fight) {
        let name = fight.encounter.to_string();
        for watched in self.fights.databases.values_mut() {
            watched.open.remove(&name);
        }
        self.list(db, fight);
    }

    /// Of all fights only these are to reach the relay still; written at once, where that is news.
    ///
    /// # Errors
    /// The disk does not take it.
    pub(super) fn keep_only(&mut self, folder: &Folder, is_kept: impl Fn(&str) -> bool) -> Result<(), FolderError> {
        for watched in self.fights.databases.values_mut() {
            let before = watched.open.len();
            watched.open.retain(|name, _| is_kept(name));
            self.fights_unsaved |= watched.open.len() < before;
        }
        if self.fights_unsaved {
            let path = folder.part().join("fights.json");
            folder.save_fights(&self.fights).map_err(|error| FolderError::Io { path, error })?;
            self.fights_unsaved = false;
        }
        Ok(())
    }

    /// Of a database's fights only these are to reach the relay still.
    pub(super) fn keep(&mut self, db: &str, is_kept: impl Fn(&str) -> bool) {
        if let Some(watched) = self.fights.databases.get_mut(db) {
            watched.open.retain(|name, _| is_kept(name));
            self.fights_unsaved = true;
        }
    }

    /// Nothing more is to be done for a fight.
    pub(super) fn close(&mut self, head: &Head) {
        let name = head.encounter.to_string();
        if let Some(watched) = self.fights.databases.get_mut(&head.db) {
            watched.open.remove(&name);
        }
        self.fights.given_up.remove(&name);
        self.fights_unsaved = true;
    }

    /// The relay does not take a fight, which keeps its spool.
    pub(super) fn give_up(&mut self, encounter: EncounterId, why: NotSent) {
        self.fights.given_up.insert(encounter.to_string(), why);
        self.fights_unsaved = true;
    }

    /// It takes the fight now.
    pub(super) fn taken_up(&mut self, encounter: EncounterId) {
        self.fights_unsaved |= self.fights.given_up.remove(&encounter.to_string()).is_some();
    }

    /// Fights that the relay did not take when they were tried last, by name, and why.
    pub(super) fn given_up(&self) -> &BTreeMap<String, NotSent> {
        &self.fights.given_up
    }

    /// The newest fight of a database that may go on after all.
    pub(super) fn set_dormant(&mut self, db: &str, dormant: Option<Dormant>) {
        self.edit(db).dormant = dormant;
    }

    /// A fight that was ended here, and not by the meter, may go on after all: the newest one of a database is minded.
    pub(super) fn may_go_on(&mut self, db: &str, dormant: Dormant) {
        if self.of(db).and_then(|watched| watched.dormant).is_none_or(|held| held.row <= dormant.row) {
            self.set_dormant(db, Some(dormant));
        }
    }

    /// Notes what became of a fight, and gives what stands of it now.
    pub(super) fn note(&self, fight: Finished) -> Finished {
        self.seat.note(fight)
    }

    /// A fight's report is on the relay.
    pub(super) fn finalized(&mut self) {
        self.finalized += 1;
    }

    /// How many are.
    pub(super) fn count_finalized(&self) -> u64 {
        self.finalized
    }

    /// Whether a fight was told by this name: it is to reach the relay, or is done with.
    pub(super) fn is_told(&self, encounter: EncounterId) -> bool {
        let name = encounter.to_string();
        self.fights.databases.values().any(|watched| watched.open.contains_key(&name)) || self.seat.has(&name)
    }

    /// Notes a fight that cannot be read; whether that is news.
    pub(super) fn leave_out(&mut self, encounter: EncounterId) -> bool {
        self.unreadable.insert(encounter)
    }

    /// Whether a fight cannot be read.
    pub(super) fn is_left_out(&self, encounter: EncounterId) -> bool {
        self.unreadable.contains(&encounter)
    }

    /// A fight that cannot be read is to be tried again; whether there is one of this name.
    pub(super) fn may_be_readable(&mut self, encounter: EncounterId) -> bool {
        self.unreadable.remove(&encounter)
    }

    /// Nothing of a fight is to be sent, whether it was seen by now or not; it is not listed any more.
    pub(super) fn leave_alone(&mut self, encounter: EncounterId) {
        self.left_alone.insert(encounter);
        let name = encounter.to_string();
        for watched in self.fights.databases.values_mut() {
            self.fights_unsaved |= watched.open.remove(&name).is_some();
        }
    }

    /// Whether nothing of a fight is to be sent.
    pub(super) fn is_left_alone(&self, encounter: EncounterId) -> bool {
        self.left_alone.contains(&encounter)
    }

    /// How many cannot be read.
    pub(super) fn count_left_out(&self) -> usize {
        self.unreadable.len()
    }
}
