//! The uploader's side towards the meter: finds its database, its fights, and what is new in them.
//!
//! Nothing of the database is held between polls, and an error of it is never the end: it is told and tried again.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;

use raidcast_shared::event::{Event, Rare, RareBody};
use raidcast_shared::id::{EncounterId, StreamId};
use raidcast_shared::limits as l;
use raidcast_shared::uplink::Outcome;
use uuid::Uuid;

use super::folder::{Dormant, NO_ROW, Raid};
use super::stream::{Finish, Standing, Stream};
use super::{Change, Uploader, Watching};
use crate::encoder::{Encoder, header_of};
use crate::source::names::Names;
use crate::source::{AnySource, Cursor, Fight, Found, Reading, Source as _, SourceError, detect};
use crate::spool::{Head, Spool};

/// How often a meter database is looked for, ms.
const LOOK_MS: u64 = 1_000;
/// How often another meter's database, written later, is looked for between fights, ms.
const LOOK_AGAIN_MS: u64 = 10_000;
/// A database that was locked is asked again after, ms.
const LOCKED_MS: u64 = 250;
/// Trouble that is over sooner is not told, ms.
const TROUBLE_MS: u64 = 1_000;
/// Fights that ended this long before the client was first started are history, ms.
const RECENT_MS: i64 = 3_600_000;
/// One that was never ended and began so long ago, ms, is over: two hours is the longest, and it would be recent.
const OVER_MS: i64 = l::ENCOUNTER_DURATION_MS_MAX as i64 + RECENT_MS;
/// Finished fights on their way at once: those that wait stay in the meter's database.
const BACKLOG: usize = 4;
/// How a fight is ended that the meter did not end.
const UNFINISHED: Finish = Finish { ended_at_ms: None, outcome: Outcome::Unfinished, meter: None };

impl<S: FnMut(Change) + Send> Uploader<S> {
    /// Asks the meter's database whether it was written, and reads what is new.
    pub(super) fn poll(&mut self, now_ms: u64) {
        if now_ms >= self.next_look_ms {
            self.look(now_ms);
        }
        let Some(watching) = &mut self.watching else { return };
        // What cannot be read yet need not be asked for.
        if now_ms >= self.next_read_ms {
            match watching.source.changed() {
                Ok(changed) => self.changed |= changed,
                Err(error) => return self.source_failed(&error, now_ms),
            }
            if self.changed && !self.stalled {
                // One reading is one record of the spool, and mostly one delta: so this gathers events, too.
                self.next_read_ms = now_ms + l::GATHER_MS;
                self.changed = false;
                if let Err(error) = self.read(now_ms) {
                    self.changed = true;
                    return self.source_failed(&error, now_ms);
                }
                self.source_is_well();
            }
        }
        self.begin_queued(now_ms);
        if self.closing {
            self.end_open_fights(now_ms);
        }
    }

    /// Looks for the meter's database, or for one that another meter wrote later.
    pub(super) fn look(&mut self, now_ms: u64) {
        self.next_look_ms = now_ms + if self.watching.is_some() { LOOK_AGAIN_MS } else { LOOK_MS };
        if self.watching.is_some() && (self.options.db.is_some() || !self.is_calm(now_ms)) {
            return;
        }
        let detection = detect::detect(self.options.db.as_deref(), &self.options.places);
        let looked: Vec<_> = detection.looked.iter().map(|looked| looked.path.clone()).collect();
        let opened = match detection.found {
            Ok(found) if self.watching.as_ref().is_some_and(|watching| watching.found == found) => return,
            Ok(found) => {
                let names = Names::find(&found.path, self.options.meter_data.as_deref(), &self.options.places);
                AnySource::open(&found, Arc::new(names)).map(|source| (found, source))
            }
            Err(error) => Err(error),
        };
        match opened {
            Ok((found, source)) => {
                let others = detection.looked.into_iter().filter(|looked| looked.written.is_some());
                let others: Vec<_> = others.map(|looked| looked.path).filter(|path| *path != found.path).collect();
                self.watch(found, source, others);
            }
            // The one that is open is still good.
            Err(_) if self.watching.is_some() => {}
            Err(error) => {
                let why = match (&error, &self.options.db) {
                    (SourceError::Gone { .. }, None) => detect::nowhere(&looked, &self.options.places),
                    _ => error.to_string(),
                };
                self.trouble_since_ms.get_or_insert(now_ms);
                self.tell_trouble(why, looked);
            }
        }
    }

    pub(super) fn watch(&mut self, found: Found, source: AnySource, others: Vec<PathBuf>) {
        let db = std::fs::canonicalize(&found.path).unwrap_or_else(|_| found.path.clone());
        let db = db.to_string_lossy().into_owned();
        self.watching = Some(Watching { db, found, source, others, looked_through: false });
        // Those that wait are of the database before; the folder's list has them.
        self.found -= self.queue.len() as u64;
        self.queue.clear();
        self.changed = true;
        self.next_read_ms = 0;
    }

    pub(super) fn source_failed(&mut self, error: &SourceError, now_ms: u64) {
        let since_ms = *self.trouble_since_ms.get_or_insert(now_ms);
        match error {
            SourceError::Locked { .. } => self.next_read_ms = now_ms + LOCKED_MS,
            SourceError::Database { .. } | SourceError::Unreadable { .. } => {
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
        if now_ms.saturating_sub(since_ms) >= TROUBLE_MS || matches!(error, SourceError::Gone { .. }) {
            let looked = self.options.db.clone().into_iter().collect();
            self.tell_trouble(error.to_string(), looked);
        } else {
            self.trouble = error.to_string();
        }
    }

    pub(super) fn tell_trouble(&mut self, why: String, looked: Vec<PathBuf>) {
        self.trouble.clone_from(&why);
        if self.told_trouble.as_ref() != Some(&why) {
            self.told_trouble = Some(why.clone());
            self.tell(Change::Waiting { why, looked });
        }
    }

    /// The database was read.
    pub(super) fn source_is_well(&mut self) {
        self.trouble_since_ms = None;
        self.ever_watched = true;
        let Some(Watching { found, others, .. }) = &self.watching else { return };
        let told = self.told_trouble.take().is_none() && self.told_watching.as_ref() == Some(found);
        if !told {
            self.told_watching = Some(found.clone());
            let change = Change::Watching {
                path: found.path.clone(),
                meter: found.meter.clone(),
                generation: format!("{:?}", found.generation).to_lowercase(),
                others: others.clone(),
            };
            self.tell(change);
        }
    }

    /// Finds new fights, and reads those that go on.
    pub(super) fn read(&mut self, now_ms: u64) -> Result<(), SourceError> {
        let Some(mut watching) = self.watching.take() else { return Ok(()) };
        let read = self.read_from(&mut watching, now_ms);
        self.watching = Some(watching);
        read
    }

    /// The command is about to end: fights that still go on are ended as unfinished.
    pub(super) fn end_open_fights(&mut self, now_ms: u64) {
        for at in 0..self.streams.len() {
            let stream = &mut self.streams[at];
            if stream.is_ended() || !stream.is_spooled() {
                continue;
            }
            let captured_ms = self.options.clock.unix_ms().saturating_sub(stream.started_at_ms());
            let cursor = stream.spool().cursor().clone();
            let fight = stream.fight.clone();
            if let Some(watching) =
                self.watching.as_mut().filter(|watching| stream.goes_on_in(&watching.db, watching.found.generation))
                && let Some(fight) = fight
            {
                match watching.source.read_last(&fight, &cursor) {
                    Ok(reading) => drop(stream.take(reading, captured_ms, now_ms)),
                    Err(error) => return self.source_failed(&error, now_ms),
                }
            }
            stream.finish(&UNFINISHED, captured_ms);
            self.ended(at, now_ms);
        }
    }

    pub(super) fn read_from(&mut self, watching: &mut Watching, now_ms: u64) -> Result<(), SourceError> {
        if !watching.looked_through {
            if self.options.history.is_some() {
                self.look_for_history(watching)?;
            } else {
                self.look_through(watching)?;
            }
            watching.looked_through = true;
        }
        self.look_at_dormant(watching, now_ms)?;
        self.read_lost_anew(&watching.db, now_ms);
        // An upload is of the fights that were agreed to: it looks for no others.
        let all = self.options.history.is_some().then_some(i64::MAX);
        let seen = self.fights.databases.get(&watching.db).map_or(NO_ROW, |watched| watched.seen);
        let seen = all.unwrap_or(seen);
        // Where another generation took the database over, a fight's row may be known by its begin alone.
        let open: Vec<_> = self
            .streams
            .iter()
            .filter(|stream| !stream.is_ended() && stream.is_of(&watching.db))
            .flat_map(|stream| [stream.row(), stream.started_at_ms()])
            .collect();
        let fights = watching.source.fights(seen, &open)?;
        for fight in &fights {
            if fight.row > seen {
                self.discover(&watching.db, fight.clone(), true);
            }
        }
        for at in 0..self.streams.len() {
            let stream = &mut self.streams[at];
            if stream.is_ended() || !stream.is_spooled() {
                continue;
            }
            if !stream.goes_on_in(&watching.db, watching.found.generation) {
                self.take_over(at, watching, &fights, now_ms)?;
                continue;
            }
            let shown =
                fights.iter().find(|fight| fight.row == stream.row() && fight.started_at_ms == stream.started_at_ms());
            let unix_ms = self.options.clock.unix_ms();
            let captured_ms = unix_ms.saturating_sub(stream.started_at_ms());
            let Some(fight) = shown else {
                // Its row is gone: the meter's housekeeping after a crash. Nothing can come any more.
                stream.finish(&UNFINISHED, captured_ms);
                self.ended(at, now_ms);
                continue;
            };
            let over = fight.end.is_some() || self.options.history.is_some();
            // The name that it got first is kept.
            let fight = Fight { encounter: stream.encounter(), ..fight.clone() };
            stream.fight = Some(fight.clone());
            if over {
                let mut reading = match watching.source.read_last(&fight, stream.spool().cursor()) {
                    Err(SourceError::Unreadable { why, .. }) => {
                        self.streams[at].finish(&UNFINISHED, captured_ms);
                        self.ended(at, now_ms);
                        self.leave_out(&fight, why);
                        continue;
                    }
                    reading => reading?,
                };
                self.streams[at].tell_header(&fight, &mut reading);
                let finish = match &fight.end {
                    Some(end) => {
                        let meter = watching.source.totals(&fight)?;
                        Finish { ended_at_ms: Some(end.ended_at_ms), outcome: end.outcome, meter }
                    }
                    None => UNFINISHED,
                };
                let stream = &mut self.streams[at];
                let fresh = stream.take(reading, captured_ms, now_ms);
                stream.finish(&finish, captured_ms);
                if fresh {
                    self.fought(now_ms);
                }
                self.ended(at, now_ms);
            } else {
                let mut reading = watching.source.read(&fight, stream.spool().cursor(), now_ms)?;
                stream.tell_header(&fight, &mut reading);
                self.changed |= reading.more;
                if self.streams[at].take(reading, captured_ms, now_ms) {
                    self.fought(now_ms);
                }
                if self.is_left_behind(at, now_ms) {
                    self.streams[at].finish(&UNFINISHED, captured_ms);
                    self.ended(at, now_ms);
                }
            }
            self.flush(now_ms);
        }
        Ok(())
    }

    /// Goes on with a fight whose database another version of the meter has taken over, or which stands in another
    /// database now: all of it is read anew, if it is still all there; else what was streamed is what there is.
    fn take_over(
        &mut self,
        at: usize,
        watching: &mut Watching,
        fights: &[Fight],
        now_ms: u64,
    ) -> Result<(), SourceError> {
        let stream = &self.streams[at];
        let captured_ms = self.options.clock.unix_ms().saturating_sub(stream.started_at_ms());
        let encounter = stream.encounter();
        let here = stream.is_of(&watching.db);
        let moved = self.moved.iter().position(|fight| fight.encounter == encounter).map(|at| self.moved.remove(at));
        let same = |fight: &&Fight| fight.encounter == encounter;
        let fight = moved.or_else(|| fights.iter().find(same).filter(|_| here).cloned());
        let Some(fight) = fight else {
            // Another meter is watched, and this one may be started again; or its row is gone, and nothing can come.
            if here || now_ms.saturating_sub(stream.last_event_ms) > l::GRACE_MS as u64 {
                self.streams[at].finish(&UNFINISHED, captured_ms);
                self.ended(at, now_ms);
            }
            return Ok(());
        };
        let reading = match (watching.source.check(&fight), &fight.end) {
            (Ok(()), Some(_)) => watching.source.read_last(&fight, &Cursor::default())?,
            (Ok(()), None) => watching.source.read(&fight, &Cursor::default(), now_ms)?,
            (Err(SourceError::Unreadable { .. }), _) => Reading::default(),
            (Err(error), _) => return Err(error),
        };
        let head = Head {
            db: watching.db.clone(),
            row: fight.row,
            encounter,
            stream: StreamId(self.options.entropy.uuid()),
            generation: Some(watching.found.generation),
            header: header_of(&fight, watching.source.knows()),
        };
        let mut all = Encoder::new(head.header.clone());
        all.encode(reading.events.clone(), captured_ms);
        if all.state().events() < self.streams[at].events() {
            let end = fight.end.as_ref();
            let finish = Finish {
                ended_at_ms: end.map(|end| end.ended_at_ms),
                outcome: end.map_or(Outcome::Unfinished, |end| end.outcome),
                meter: None,
            };
            self.streams[at].finish(&finish, captured_ms);
            self.ended(at, now_ms);
            return Ok(());
        }
        if !self.begin_anew(at, head, "another version of the meter keeps it now", now_ms) {
            self.moved.push(fight);
            return Ok(());
        }
        let name = encounter.to_string();
        for watched in self.fights.databases.values_mut() {
            watched.open.remove(&name);
        }
        self.fights.databases.entry(watching.db.clone()).or_default().open.insert(name, fight.row);
        self.fights_unsaved = true;
        self.streams[at].fight = Some(fight);
        self.streams[at].take(reading, captured_ms, now_ms);
        self.changed = true;
        self.flush(now_ms);
        Ok(())
    }

    /// Notes a fight that cannot be read.
    fn leave_out(&mut self, fight: &Fight, why: String) {
        if self.unreadable.insert(fight.encounter) {
            let encounter = fight.encounter.to_string();
            self.tell(Change::Unreadable { encounter, started_at_ms: fight.started_at_ms, why });
        }
    }

    /// Whether a fight that the meter never ended is over: a later one goes on, and it has been silent for long.
    pub(super) fn is_left_behind(&self, at: usize, now_ms: u64) -> bool {
        let stream = &self.streams[at];
        let later = |other: &Stream| other.started_at_ms() > stream.started_at_ms() && !other.is_ended();
        now_ms.saturating_sub(stream.last_event_ms) > l::GRACE_MS as u64 && self.streams.iter().any(later)
    }

    /// Compares the folder's memory with a database that was just opened: finds fights that are to be streamed.
    pub(super) fn look_through(&mut self, watching: &mut Watching) -> Result<(), SourceError> {
        let Some(watched) = self.fights.databases.get(&watching.db).cloned() else {
            return self.look_through_first(watching);
        };
        // Those that were to be streamed and have no spool: never begun, or it was lost.
        let mut missing = watched.open;
        missing.retain(|name, _| !self.streams.iter().any(|stream| stream.encounter().to_string() == *name));
        let rows: Vec<_> = missing.values().copied().collect();
        let mut shown = watching.source.fights(watched.seen.saturating_sub(1), &rows)?;
        let last = shown.iter().find(|fight| fight.row == watched.seen);
        let anew = ![0, NO_ROW].contains(&watched.seen)
            && last.is_none_or(|fight| fight.started_at_ms != watched.seen_started_ms);
        let anew = anew && (last.is_some() || !shown.iter().any(|fight| fight.row > watched.seen));
        let generation = Some(watching.found.generation);
        // Another generation numbers its rows otherwise.
        let anew = anew || (watched.generation.is_some() && watched.generation != generation);
        if watched.generation != generation {
            self.fights.databases.entry(watching.db.clone()).or_default().generation = generation;
            self.fights_unsaved = true;
        }
        if anew {
            // Row ids that were seen name other fights now, or none: the database was made anew, or thinned out.
            shown = watching.source.all_fights()?;
            let newest = shown.iter().max_by_key(|fight| fight.row);
            let (seen, seen_started_ms) = newest.map_or((NO_ROW, 0), |fight| (fight.row, fight.started_at_ms));
            let held = self.fights.databases.entry(watching.db.clone()).or_default();
            (held.seen, held.seen_started_ms) = (seen, seen_started_ms);
            self.fights_unsaved = true;
        }
        for fight in shown {
            let name = fight.encounter.to_string();
            let same = |(held, row): &(&String, &i64)| **held == name || (!anew && **row == fight.row);
            let held = missing.iter().find(same).map(|(held, _)| held.clone());
            if let Some(held) = held {
                missing.remove(&held);
                // The name that it got first is kept.
                let encounter = Uuid::parse_str(&held).map_or(fight.encounter, EncounterId);
                if self.unreadable.contains(&encounter) {
                    continue;
                }
                self.queue.push_back(Fight { encounter, ..fight });
                self.found += 1;
            } else if anew && fight.started_at_ms > watched.seen_started_ms {
                self.discover(&watching.db, fight, true);
            }
            // Others above `seen` are found by the reading that follows.
        }
        // What is left has no row any more.
        if let Some(held) = self.fights.databases.get_mut(&watching.db).filter(|_| !missing.is_empty()) {
            held.open.retain(|name, _| !missing.contains_key(name));
            self.fights_unsaved = true;
        }
        Ok(())
    }

    /// The first look at a database: what ended before is history.
    pub(super) fn look_through_first(&mut self, watching: &mut Watching) -> Result<(), SourceError> {
        let shown = watching.source.all_fights()?;
        let unix_ms = self.options.clock.unix_ms();
        let newest = shown.iter().map(|fight| fight.row).max();
        let mut history = 0;
        let mut dormant = None;
        self.fights.databases.entry(watching.db.clone()).or_default().generation = Some(watching.found.generation);
        for fight in shown {
            let ago_ms = |at_ms: i64| unix_ms.saturating_sub(at_ms);
            let is_newest = Some(fight.row) == newest;
            // What a fight's own dates say counts, not those of the file: it may be a copy.
            let streamed = match &fight.end {
                Some(end) => (-RECENT_MS..=RECENT_MS).contains(&ago_ms(end.ended_at_ms)),
                // An older one that was never ended is over: a later one began.
                None if is_newest => ago_ms(fight.started_at_ms) < OVER_MS,
                None => ago_ms(fight.started_at_ms) < RECENT_MS,
            };
            history += u64::from(!streamed);
            if !streamed && is_newest && fight.end.is_none() {
                // It goes on after all if anything comes of it.
                let reading = watching.source.read(&fight, &Cursor::default(), 0)?;
                let (row, started_at_ms) = (fight.row, fight.started_at_ms);
                dormant = Some(Dormant { row, started_at_ms, hits: hits(&reading) });
            }
            self.discover(&watching.db, fight, streamed);
        }
        self.fights.databases.entry(watching.db.clone()).or_default().dormant = dormant;
        self.fights_unsaved = true;
        if history > 0 {
            self.tell(Change::History { fights: history });
        }
        Ok(())
    }

    /// Looks whether the newest fight, which began long ago and was never ended, goes on after all.
    fn look_at_dormant(&mut self, watching: &mut Watching, now_ms: u64) -> Result<(), SourceError> {
        let watched = self.fights.databases.get(&watching.db);
        let Some(dormant) = watched.and_then(|watched| watched.dormant) else { return Ok(()) };
        let shown = watching.source.fights(dormant.row, &[dormant.row])?;
        let later = shown.iter().any(|fight| fight.row > dormant.row);
        let same = |fight: &Fight| fight.row == dormant.row && fight.started_at_ms == dormant.started_at_ms;
        if let Some(fight) = shown.into_iter().find(same) {
            let over = later || fight.end.is_some();
            if hits(&watching.source.read(&fight, &Cursor::default(), now_ms)?) > dormant.hits {
                self.discover(&watching.db, fight, true);
            } else if !over {
                return Ok(());
            }
        }
        if let Some(watched) = self.fights.databases.get_mut(&watching.db) {
            watched.dormant = None;
            self.fights_unsaved = true;
        }
        Ok(())
    }

    /// Notes a fight that was not seen before; `streamed`: to be begun when its turn comes.
    pub(super) fn discover(&mut self, db: &str, fight: Fight, streamed: bool) {
        let watched = self.fights.databases.entry(db.to_owned()).or_default();
        if fight.row >= watched.seen {
            watched.seen = fight.row;
            watched.seen_started_ms = fight.started_at_ms;
        }
        self.fights_unsaved = true;
        // The same fight may stand in another database: streamed once.
        if self
            .streams
            .iter()
            .any(|stream| stream.encounter() == fight.encounter && !stream.is_ended() && !stream.is_of(db))
        {
            self.moved.push(fight);
            return;
        }
        let known = self.unreadable.contains(&fight.encounter)
            || self.streams.iter().any(|stream| stream.encounter() == fight.encounter)
            || self.queue.iter().any(|queued| queued.encounter == fight.encounter);
        if streamed && !known {
            watched.open.insert(fight.encounter.to_string(), fight.row);
            self.queue.push_back(fight);
            self.found += 1;
        }
    }

    /// Begins fights of the queue: those that go on at once, of the others a few at a time.
    pub(super) fn begin_queued(&mut self, now_ms: u64) {
        if self.stalled || self.queue.is_empty() {
            return;
        }
        let Some(mut watching) = self.watching.take() else { return };
        let mut failed = None;
        let mut waiting = VecDeque::new();
        while let Some(fight) = self.queue.pop_front() {
            let over = fight.end.is_some() || self.options.history.is_some();
            if over && self.streams.len() >= BACKLOG {
                waiting.push_back(fight);
                continue;
            }
            match watching.source.check(&fight) {
                Ok(()) => {}
                Err(SourceError::Unreadable { why, .. }) => {
                    self.leave_out(&fight, why);
                    continue;
                }
                Err(error) => {
                    waiting.push_back(fight);
                    waiting.append(&mut self.queue);
                    failed = Some(error);
                    break;
                }
            }
            let head = Head {
                db: watching.db.clone(),
                row: fight.row,
                encounter: fight.encounter,
                stream: StreamId(self.options.entropy.uuid()),
                generation: Some(watching.found.generation),
                header: header_of(&fight, watching.source.knows()),
            };
            match Spool::create(&self.folder.spools(), head.clone()) {
                Ok(spool) => {
                    self.renew_raid();
                    self.streams.push(Stream::new(spool, Encoder::new(head.header), Some(fight), now_ms));
                    self.fought(now_ms);
                    self.changed = true;
                    self.next_read_ms = 0;
                }
                Err(error) => {
                    waiting.push_back(fight);
                    waiting.append(&mut self.queue);
                    self.disk_failed(&error.to_string(), now_ms);
                }
            }
        }
        self.queue = waiting;
        self.watching = Some(watching);
        if let Some(error) = failed {
            self.source_failed(&error, now_ms);
        }
    }

    /// A raid closes after hours without a fight: the fight that begins now is the first of a new one.
    pub(super) fn renew_raid(&mut self) {
        let unix_ms = self.options.clock.unix_ms();
        if self.raid.goes_on(&self.options.relay, &self.options.key, unix_ms) {
            return;
        }
        self.begin_raid();
    }

    /// From now on fights go into another raid.
    pub(super) fn begin_raid(&mut self) {
        let unix_ms = self.options.clock.unix_ms();
        let mut raid = Raid::new(&self.options.relay, &self.options.key, unix_ms, &self.options.entropy);
        raid.be(self.options.visibility);
        match self.folder.save_raid(&raid) {
            Ok(()) => {
                self.raid = raid;
                // Its Hello needs a connection of its own.
                self.unlink();
            }
            Err(error) => tracing::warn!(%error, "could not begin a new raid; going on with the old one"),
        }
    }

    /// Something happened in a fight.
    pub(super) fn fought(&mut self, now_ms: u64) {
        self.last_event_ms = now_ms;
        self.raid.fought_at(self.options.clock.unix_ms());
    }

    pub(super) fn ended(&mut self, at: usize, now_ms: u64) {
        self.flush(now_ms);
        self.last_progress_ms = now_ms;
        let stream = &self.streams[at];
        let outcome = stream.spool().ending().map_or(Outcome::Unknown, |ending| ending.outcome);
        let told = Change::Ended { encounter: stream.encounter().to_string(), outcome, events: stream.events() };
        self.tell(told);
        self.save_raid(now_ms);
    }

    /// Fights whose spool lost what the relay holds are read again from their begin.
    pub(super) fn read_lost_anew(&mut self, db: &str, now_ms: u64) {
        for at in 0..self.streams.len() {
            let stream = &self.streams[at];
            if stream.standing != Standing::Lost || !stream.is_of(db) || now_ms < stream.pause_until_ms {
                continue;
            }
            let head = Head { stream: StreamId(self.options.entropy.uuid()), ..stream.spool().head().clone() };
            self.begin_anew(at, head, "the relay holds something else of it than this computer", now_ms);
        }
    }

    /// Begins a fight that is on its way once more, as another reading of it.
    ///
    /// Whether there was room for it; else it stays as it is.
    fn begin_anew(&mut self, at: usize, head: Head, why: &str, now_ms: u64) -> bool {
        let encoder = Encoder::new(head.header.clone());
        match Spool::create(&self.folder.spools(), head) {
            Ok(spool) => {
                let old = &self.streams[at];
                let (fight, report) = (old.fight.clone(), old.report.clone());
                let mut stream = Stream::new(spool, encoder, fight, now_ms);
                (stream.refusals, stream.gave_way, stream.doubted) = (old.refusals, old.gave_way, old.doubted);
                stream.report = report;
                let encounter = stream.encounter().to_string();
                self.streams[at] = stream;
                self.tell(Change::Reread { encounter, why: why.to_owned() });
                true
            }
            Err(error) => {
                self.disk_failed(&error.to_string(), now_ms);
                false
            }
        }
    }
}

/// Hits of a reading, and what rows of sums have come to.
fn hits(reading: &Reading) -> u64 {
    let hits = reading.events.iter().map(|event| match event {
        Event::Hit(_) => 1,
        Event::Rare(Rare { body: RareBody::Totals { hits, .. }, .. }) => *hits,
        Event::Rare(_) => 0,
    });
    hits.fold(0, u64::saturating_add)
}
