//! The meter's database: which is read, when it is looked for and asked again, and what keeps it from being read.
//!
//! One invariant: nothing of the database is held between polls, and an error of it is never the end: it is tried again.
//! Where a disk does not answer, the search for it ([`look`]) holds up nobody.

mod look;

use std::path::PathBuf;
use std::time::Duration;

use raidcast_shared::limits as l;

use super::options::Options;
use super::size::FightSize;
use crate::aside::{Answer, Aside};
use crate::source::{AnySource, Found, NoDatabase, Source as _, SourceError, detect};
use look::{Question, Seen};

/// How often a meter database is looked for, ms.
const LOOK_MS: u64 = 1_000;
/// How often another meter's database, written later, is looked for between fights, ms.
const LOOK_AGAIN_MS: u64 = 10_000;
/// A database that was locked is asked again after, ms.
const LOCKED_MS: u64 = 250;
/// Trouble that is over sooner is not told, ms.
const TROUBLE_MS: u64 = 1_000;
/// A look is waited for so long; mostly it takes some ms. What takes longer is asked for again with the next poll.
const AT_ONCE: Duration = Duration::from_millis(250);
/// A look that takes longer, ms, is told: a disk does not answer.
const SILENT_MS: u64 = 10_000;
/// A meter that is so far behind its fight anyway, ms, is asked less often.
const LAGGING_MS: u32 = 1_000;

/// A database that is open.
pub(super) struct Watching {
    pub(super) found: Found,
    /// Its path, as spools and the folder name it.
    pub(super) db: String,
    pub(super) source: AnySource,
    /// Others that were found, written less lately.
    pub(super) others: Vec<PathBuf>,
    /// The folder's memory of it was compared with it.
    pub(super) looked_through: bool,
    /// What was read of the fights on their way before was found to be of the same rows.
    pub(super) compared: bool,
    /// How much there was of the fight that may go on after all, when it was counted last.
    pub(super) dormant: Option<(i64, FightSize)>,
}

/// What keeps a database from being read.
struct Trouble {
    since_ms: u64,
    why: NoDatabase,
}

/// No database was found.
pub(super) struct Nowhere {
    /// Why.
    pub(super) why: NoDatabase,
    /// Every path that was looked at.
    pub(super) looked: Vec<PathBuf>,
}

/// A look that is under way.
struct Looking {
    aside: Aside<Seen>,
    since_ms: u64,
    /// It was told that it does not come to its end.
    is_told: bool,
}

/// Who follows the meter's database.
pub(super) struct Meter {
    watching: Option<Watching>,
    looking: Option<Looking>,
    next_look_ms: u64,
    /// When folders that meters may have are looked for again.
    next_scan_ms: u64,
    next_read_ms: u64,
    /// The database was written since it was read, or is to be read again.
    changed: bool,
    trouble: Option<Trouble>,
    ever_read: bool,
}

impl Meter {
    /// No database is open yet.
    pub(super) fn new() -> Self {
        Self {
            watching: None,
            looking: None,
            next_look_ms: 0,
            // They were looked for when the options were made.
            next_scan_ms: LOOK_AGAIN_MS,
            next_read_ms: 0,
            changed: true,
            trouble: None,
            ever_read: false,
        }
    }

    /// Looks for the database, or for one that another meter wrote later, where it is time; `calm`: nobody would miss
    /// the present one. Whether another is watched from now on.
    pub(super) fn look(&mut self, options: &mut Options, calm: bool, now_ms: u64) -> Result<bool, Nowhere> {
        self.look_by(options, calm, now_ms, |question| Aside::start(move || question.answer()))
    }

    fn look_by(
        &mut self,
        options: &mut Options,
        calm: bool,
        now_ms: u64,
        ask: impl FnOnce(Question) -> Aside<Seen>,
    ) -> Result<bool, Nowhere> {
        let mut patience = Duration::ZERO;
        if self.looking.is_none() {
            let Some(question) = self.question(options, calm, now_ms) else { return Ok(false) };
            self.looking = Some(Looking { aside: ask(question), since_ms: now_ms, is_told: false });
            patience = AT_ONCE;
        }
        let Some(looking) = &self.looking else { return Ok(false) };
        let Seen { places, looked, opened } = match looking.aside.within(patience) {
            Answer::Here(seen) => seen,
            Answer::NotYet => return self.is_silent(options, now_ms),
            Answer::Fell => {
                tracing::error!("a look for the meter's database fell");
                self.looking = None;
                return Ok(false);
            }
        };
        (self.looking, options.places) = (None, places);
        // It may have taken its time: a fight that began meanwhile is not to be missed.
        let Some(opened) = opened.filter(|_| calm || self.watching.is_none()) else { return Ok(false) };
        match opened {
            Ok((found, source)) => {
                let others = looked.into_iter().filter(|looked| looked.written.is_some());
                let others = others.map(|looked| looked.path).filter(|path| *path != found.path).collect();
                self.watch(found, source, others);
                Ok(true)
            }
            // It was brought up to date in between: it is looked at again, as what it is now.
            Err(SourceError::Upgraded { .. }) => {
                self.next_look_ms = now_ms + LOCKED_MS;
                Ok(false)
            }
            // The one that is open is still good.
            Err(_) if self.watching.is_some() => Ok(false),
            Err(error) => {
                let why = detect::no_database(error, options.db.as_deref(), &looked, &options.places);
                self.troubled(why.clone(), now_ms);
                let looked = looked.into_iter().map(|looked| looked.path).collect();
                Err(Nowhere { why, looked })
            }
        }
    }

    /// What is to be looked for, where it is time.
    fn question(&mut self, options: &Options, calm: bool, now_ms: u64) -> Option<Question> {
        if now_ms < self.next_look_ms {
            return None;
        }
        self.next_look_ms = now_ms + if self.watching.is_some() { LOOK_AGAIN_MS } else { LOOK_MS };
        if self.watching.is_some() && (options.db.is_some() || !calm) {
            return None;
        }
        let rescan = options.db.is_none() && now_ms >= self.next_scan_ms;
        if rescan {
            self.next_scan_ms = now_ms + LOOK_AGAIN_MS;
        }
        Some(Question {
            db: options.db.clone(),
            places: options.places.clone(),
            rescan,
            meter_data: options.meter_data.clone(),
            watched: self.watching.as_ref().map(|watching| watching.found.clone()),
        })
    }

    /// The look has not come to its end; after a while that is told, once, where nothing is read meanwhile.
    fn is_silent(&mut self, options: &Options, now_ms: u64) -> Result<bool, Nowhere> {
        let is_reading = self.watching.is_some();
        let Some(looking) = self.looking.as_mut().filter(|looking| !looking.is_told && !is_reading) else {
            return Ok(false);
        };
        if now_ms.saturating_sub(looking.since_ms) < SILENT_MS {
            return Ok(false);
        }
        looking.is_told = true;
        let why = NoDatabase::silent(options.db.as_deref());
        self.troubled(why.clone(), now_ms);
        Err(Nowhere { why, looked: options.db.clone().into_iter().collect() })
    }

    fn watch(&mut self, found: Found, source: AnySource, others: Vec<PathBuf>) {
        let db = std::fs::canonicalize(&found.path).unwrap_or_else(|_| found.path.clone());
        let db = db.to_string_lossy().into_owned();
        self.watching =
            Some(Watching { db, found, source, others, looked_through: false, compared: false, dormant: None });
        self.read_at_once();
    }

    /// Whether there is anything to be read now: the database was written since, or is to be read again.
    ///
    /// # Errors
    /// As [`crate::source::Source::changed`].
    pub(super) fn is_to_be_read(&mut self, now_ms: u64) -> Result<bool, SourceError> {
        // What cannot be read yet need not be asked for.
        if now_ms < self.next_read_ms {
            return Ok(false);
        }
        let Some(watching) = &mut self.watching else { return Ok(false) };
        self.changed |= watching.source.changed()?;
        Ok(self.changed)
    }

    /// It is read now: one reading is one record of the spool, and mostly one delta, so this gathers events, too.
    pub(super) fn begin_reading(&mut self, now_ms: u64) {
        self.next_read_ms = now_ms + l::GATHER_MS;
        self.changed = false;
    }

    /// It is to be read again although nothing was written.
    pub(super) fn read_again(&mut self) {
        self.changed = true;
    }

    /// The same, without waiting for more.
    pub(super) fn read_at_once(&mut self) {
        self.changed = true;
        self.next_read_ms = 0;
    }

    /// It is to be looked for and read at once, whatever was to be waited for.
    pub(super) fn look_at_once(&mut self) {
        self.next_look_ms = 0;
        self.read_at_once();
    }

    /// The database, taken out while it is read; to be given back with [`Meter::put`].
    pub(super) fn take(&mut self) -> Option<Watching> {
        self.watching.take()
    }

    /// Gives it back.
    pub(super) fn put(&mut self, watching: Watching) {
        self.watching = Some(watching);
    }

    /// The database that is open.
    pub(super) fn watching(&self) -> Option<&Watching> {
        self.watching.as_ref()
    }

    /// The same, to be read from.
    pub(super) fn watching_mut(&mut self) -> Option<&mut Watching> {
        self.watching.as_mut()
    }

    /// Which meter wrote it.
    pub(super) fn name(&self) -> Option<&str> {
        self.watching.as_ref().map(|watching| watching.found.meter.as_str())
    }

    /// Whether the meter is so far behind its fights that asking it often is of no use.
    pub(super) fn is_lagging(&self) -> bool {
        self.watching.as_ref().is_some_and(|watching| watching.source.knows().lag_ms >= LAGGING_MS)
    }

    /// How long it is not to be read, ms.
    pub(super) fn rests_ms(&self, now_ms: u64) -> u64 {
        self.next_read_ms.saturating_sub(now_ms)
    }

    /// It was read.
    pub(super) fn is_well(&mut self) {
        self.trouble = None;
        self.ever_read = true;
    }

    /// It could not be read; whether that is to be told.
    pub(super) fn failed(&mut self, error: &SourceError, now_ms: u64) -> bool {
        let since_ms = self.troubled(error.clone().into(), now_ms);
        match error {
            SourceError::Locked { .. } => self.next_read_ms = now_ms + LOCKED_MS,
            SourceError::Damaged { .. } | SourceError::Database { .. } | SourceError::Unreadable { .. } => {
                self.next_read_ms = now_ms + LOOK_MS;
                self.next_look_ms = now_ms + LOOK_MS;
                self.watching = None;
            }
            SourceError::Gone { .. }
            | SourceError::Upgraded { .. }
            | SourceError::Empty { .. }
            | SourceError::Unsupported { .. } => {
                self.watching = None;
                self.next_look_ms = now_ms + LOCKED_MS;
            }
        }
        now_ms.saturating_sub(since_ms) >= TROUBLE_MS || matches!(error, SourceError::Gone { .. })
    }

    /// Since when there is trouble.
    fn troubled(&mut self, why: NoDatabase, now_ms: u64) -> u64 {
        let since_ms = self.trouble.as_ref().map_or(now_ms, |trouble| trouble.since_ms);
        self.trouble = Some(Trouble { since_ms, why });
        since_ms
    }

    /// What keeps it from being read, and since when.
    pub(super) fn trouble(&self) -> Option<(u64, &NoDatabase)> {
        self.trouble.as_ref().map(|trouble| (trouble.since_ms, &trouble.why))
    }

    /// Whether any database was read since the start.
    pub(super) fn was_ever_read(&self) -> bool {
        self.ever_read
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use super::*;
    use crate::source::detect::Places;

    #[test]
    fn a_disk_that_does_not_answer_holds_up_nobody_and_is_told_until_it_does() {
        let dir = tempfile::tempdir().unwrap();
        let db = dir.path().join("meter.db");
        let mut options = Options::new("http://127.0.0.1:1", "key", dir.path());
        (options.db, options.places) = (Some(db.clone()), Places::default());
        let mut meter = Meter::new();
        let (go, hangs) = sync_channel::<()>(1);
        let hanging = |question: Question| {
            Aside::start(move || {
                let _ = hangs.recv();
                question.answer()
            })
        };
        let never = |_: Question| -> Aside<Seen> { panic!("one look at a time") };
        assert!(matches!(meter.look_by(&mut options, true, 0, hanging), Ok(false)));
        assert!(matches!(meter.look_by(&mut options, true, SILENT_MS - 1, never), Ok(false)));
        let Err(nowhere) = meter.look_by(&mut options, true, SILENT_MS, never) else { panic!("it is told") };
        assert_eq!((nowhere.why, nowhere.looked), (NoDatabase::silent(Some(&db)), vec![db.clone()]));
        assert!(matches!(meter.trouble(), Some((_, NoDatabase::Silent { .. }))));
        assert!(matches!(meter.look_by(&mut options, true, 2 * SILENT_MS, never), Ok(false)), "told once");
        // It answers: there is nothing.
        go.send(()).unwrap();
        let nowhere = loop {
            match meter.look_by(&mut options, true, 2 * SILENT_MS, never) {
                Ok(_) => std::thread::yield_now(),
                Err(nowhere) => break nowhere,
            }
        };
        assert_eq!(nowhere.why, NoDatabase::Unread(SourceError::Gone { path: db }));
        // Then it is looked for again.
        let again = |question: Question| Aside::start(move || question.answer());
        assert!(meter.look_by(&mut options, true, 3 * SILENT_MS, again).is_err());
    }
}
