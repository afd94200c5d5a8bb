//! From the database: what is new in it of the fights on their way, and their ends.

use raidcast_shared::id::EncounterId;
use raidcast_shared::limits as l;
use raidcast_shared::uplink::Outcome;

use super::discovery::{ALTERED_MS, as_dormant, is_made_anew};
use super::finish::{Finish, UNFINISHED};
use super::folder::{NO_ROW, Watched};
use super::meter::{Nowhere, Watching};
use super::record::{How, NotSent};
use super::stream::{Standing, Stream};
use super::{Change, Uploader};
use crate::source::{Fight, Source as _, SourceError};

impl<S: FnMut(Change) + Send> Uploader<S> {
    /// Asks the meter's database whether it was written, and reads what is new.
    pub(super) fn poll(&mut self, now_ms: u64) {
        let calm = self.streams.is_calm(now_ms);
        match self.meter.look(&mut self.options, calm, now_ms) {
            Ok(true) => self.streams.forget_queue(),
            Ok(false) => {}
            Err(Nowhere { why, looked }) => self.announcer.waiting(why, looked),
        }
        if self.meter.watching().is_none() {
            return;
        }
        match self.meter.is_to_be_read(now_ms) {
            Err(error) => return self.source_failed(&error, now_ms),
            Ok(true) if !self.disk.is_stalled() => {
                self.meter.begin_reading(now_ms);
                if let Err(error) = self.read(now_ms) {
                    self.meter.read_again();
                    return self.source_failed(&error, now_ms);
                }
                self.source_is_well();
            }
            Ok(_) => {}
        }
        self.begin_again(now_ms);
        self.begin_queued(now_ms);
        if self.activity.is_closing() {
            self.end_open_fights(now_ms);
        }
    }

    /// The database could not be read.
    pub(super) fn source_failed(&mut self, error: &SourceError, now_ms: u64) {
        if self.meter.failed(error, now_ms) {
            let looked = self.options.db.clone().into_iter().collect();
            self.announcer.waiting(error.clone().into(), looked);
        }
    }

    /// The database was read.
    fn source_is_well(&mut self) {
        self.meter.is_well();
        if let Some(Watching { found, others, .. }) = self.meter.watching() {
            self.announcer.watching(found, others);
        }
    }

    /// Finds new fights, and reads those that go on.
    fn read(&mut self, now_ms: u64) -> Result<(), SourceError> {
        let Some(mut watching) = self.meter.take() else { return Ok(()) };
        let read = self.read_from(&mut watching, now_ms);
        self.meter.put(watching);
        read
    }

    fn read_from(&mut self, watching: &mut Watching, now_ms: u64) -> Result<(), SourceError> {
        let altered = self.note_altered_begins(watching)?;
        if !watching.looked_through {
            if self.options.history.is_some() {
                self.look_for_history(watching)?;
            } else {
                self.look_through(watching)?;
            }
            watching.looked_through = true;
        }
        self.look_at_dormant(watching)?;
        self.read_lost_anew(&watching.db, now_ms);
        let mut fights = self.shown(watching)?;
        // An upload is of the fights that were agreed to: it looks for no others.
        if self.options.history.is_none() {
            if self.ledger.of(&watching.db).is_some_and(|watched| is_made_anew(watched, &fights)) {
                // What waits is in the folder's list.
                self.streams.forget_queue();
                self.look_through(watching)?;
                fights = self.shown(watching)?;
            }
            let watched = self.ledger.of(&watching.db).cloned().unwrap_or_default();
            for fight in fights.iter().filter(|fight| watched.is_new(fight.row)) {
                self.discover(&watching.db, fight.clone(), true);
            }
        }
        for fight in fights.iter_mut().filter(|fight| altered.contains(&fight.row)) {
            // It goes on as it was begun.
            let stream = self.streams.iter().find(|stream| stream.is_of(&watching.db) && stream.row() == fight.row);
            fight.started_at_ms = stream.map_or(fight.started_at_ms, Stream::started_at_ms);
        }
        let (mut compared, mut gone) = (true, Vec::new());
        for at in 0..self.streams.len() {
            let stream = &self.streams[at];
            if stream.is_ended() || !stream.is_spooled() {
                compared &= stream.is_ended();
                continue;
            }
            if stream.goes_on_in(&watching.db, watching.found.generation) {
                if !self.read_stream(at, watching, &fights, now_ms)? {
                    gone.push(self.streams[at].encounter());
                }
            } else {
                self.take_over(at, watching, &fights, now_ms)?;
            }
        }
        for encounter in gone {
            self.removed(encounter, now_ms);
        }
        watching.compared |= compared && !self.disk.is_stalled();
        self.lately.look(&watching.db, &mut watching.source, now_ms)?;
        Ok(())
    }

    /// What the database shows of fights that are new, of those on their way, and of the last one that was seen.
    fn shown(&self, watching: &mut Watching) -> Result<Vec<Fight>, SourceError> {
        let watched = self.ledger.of(&watching.db).filter(|_| self.options.history.is_none());
        // Where another generation took the database over, a fight's row may be known by its begin alone.
        let open = self.streams.iter().filter(|stream| !stream.is_ended() && stream.is_of(&watching.db));
        let open = open.flat_map(|stream| [stream.row(), stream.started_at_ms()]);
        let open: Vec<_> = open.chain(watched.map(|watched| watched.seen)).collect();
        let after = if self.options.history.is_some() { i64::MAX } else { watched.map_or(NO_ROW, Watched::floor) };
        Ok(self.as_told(watching.source.fights(after, &open)?))
    }

    /// Reads what is new of one fight; false: the meter has removed it before anything of it was read.
    fn read_stream(
        &mut self,
        at: usize,
        watching: &mut Watching,
        fights: &[Fight],
        now_ms: u64,
    ) -> Result<bool, SourceError> {
        let captured_ms = self.captured_ms(at);
        let nothing_of_it = self.has_nothing_of(at);
        let stream = &mut self.streams[at];
        let same = |fight: &&Fight| fight.row == stream.row() && fight.started_at_ms == stream.started_at_ms();
        let Some(fight) = fights.iter().find(same) else {
            // Its row is gone: the meter's housekeeping after a crash. Nothing can come any more.
            if !nothing_of_it {
                self.end_stream(at, &UNFINISHED, now_ms);
            }
            return Ok(!nothing_of_it);
        };
        // The name that it got first is kept.
        let fight = Fight { encounter: stream.encounter(), ..fight.clone() };
        stream.fight = Some(fight.clone());
        if !watching.compared && !watching.source.fits(&fight, stream.spool().cursor())? {
            self.read_over(at, &fight, watching, now_ms)?;
            return Ok(true);
        }
        let mut stands = true;
        if fight.end.is_some() || self.options.history.is_some() {
            stands = self.read_to_its_end(at, watching, &fight, now_ms)?;
        } else {
            let mut reading = watching.source.read(&fight, stream.spool().cursor(), now_ms)?;
            stream.tell_header(&fight, &mut reading);
            if reading.more {
                self.meter.read_again();
            }
            if stream.take(reading, captured_ms, now_ms) {
                self.fought(now_ms);
            }
            if self.streams.is_left_behind(at, l::GRACE_MS as u64, now_ms) {
                stands = self.read_to_its_end(at, watching, &fight, now_ms)?;
            }
        }
        self.flush(now_ms);
        Ok(stands)
    }

    /// Whether a fight on its way was over before it was begun, and nothing was read of it: the relay does not know of it.
    fn has_nothing_of(&self, at: usize) -> bool {
        let stream = &self.streams[at];
        let was_over = self.options.history.is_some() || stream.fight.as_ref().is_some_and(|fight| fight.end.is_some());
        was_over && stream.standing == Standing::Unbegun && stream.report.is_none() && stream.spool().seq() == 0
    }

    /// The meter has removed a fight before anything of it was read: there is nothing to send.
    fn removed(&mut self, encounter: EncounterId, now_ms: u64) {
        let Some(at) = self.streams.position(|stream| stream.encounter() == encounter) else { return };
        if self.options.history.is_some() {
            self.fail(at, NotSent::Removed, now_ms);
        } else {
            self.finish_off(at, How::Refused, Some(NotSent::Removed), now_ms);
        }
    }

    /// Reads all that is left of a fight that is over; false: as for [`Uploader::read_stream`].
    fn read_to_its_end(
        &mut self,
        at: usize,
        watching: &mut Watching,
        fight: &Fight,
        now_ms: u64,
    ) -> Result<bool, SourceError> {
        let captured_ms = self.captured_ms(at);
        let nothing_of_it = self.has_nothing_of(at);
        let stream = &mut self.streams[at];
        let mut reading = match watching.source.read_last(fight, stream.spool().cursor()) {
            Err(SourceError::Unreadable { .. }) if nothing_of_it && !watching.source.stands(fight, ALTERED_MS)? => {
                return Ok(false);
            }
            Err(SourceError::Unreadable { why, .. }) => {
                self.end_stream(at, &UNFINISHED, now_ms);
                self.leave_out(fight, why);
                return Ok(true);
            }
            reading => reading?,
        };
        if reading.altered {
            self.read_over(at, fight, watching, now_ms)?;
            return Ok(true);
        }
        stream.tell_header(fight, &mut reading);
        let finish = match &fight.end {
            Some(end) => {
                let meter = watching.source.totals(fight)?;
                Finish { ended_at_ms: Some(end.ended_at_ms), outcome: end.outcome, meter }
            }
            None => UNFINISHED,
        };
        // Asked last: what was read may be nothing, for the meter removed it meanwhile.
        if nothing_of_it && !watching.source.stands(fight, ALTERED_MS)? {
            return Ok(false);
        }
        if stream.take(reading, captured_ms, now_ms) {
            self.fought(now_ms);
        }
        self.end_stream(at, &finish, now_ms);
        // Of an upload all was read at once, and long after its end.
        if self.options.history.is_none() {
            self.lately.note(&watching.db, fight, finish.meter, &mut watching.source, now_ms)?;
        }
        Ok(true)
    }

    /// Begins fights again that went on after their end.
    fn begin_again(&mut self, now_ms: u64) {
        let Some(Watching { db, source, .. }) = self.meter.watching() else { return };
        let busy = |encounter| self.streams.has(encounter) || self.streams.is_queued(encounter);
        if !self.lately.waits(busy) {
            return;
        }
        self.activity.event(now_ms);
        for fight in self.lately.take_due(db, source.knows().lag_ms, now_ms, busy) {
            if self.ledger.is_left_alone(fight.encounter) {
                continue;
            }
            self.ledger.list(db, &fight);
            self.streams.enqueue(fight);
        }
    }

    /// The command is about to end: fights that still go on are ended as unfinished. If the meter goes on with one, so
    /// does whoever reads it next.
    fn end_open_fights(&mut self, now_ms: u64) {
        for at in 0..self.streams.len() {
            let captured_ms = self.captured_ms(at);
            let stream = &mut self.streams[at];
            if stream.is_ended() || !stream.is_spooled() {
                continue;
            }
            let goes_on = |watching: &&mut Watching| stream.goes_on_in(&watching.db, watching.found.generation);
            if let Some(watching) = self.meter.watching_mut().filter(goes_on)
                && let Some(fight) = &stream.fight
            {
                let rest = watching.source.read_last(fight, stream.spool().cursor());
                match rest.and_then(|rest| Ok((rest, as_dormant(watching, fight)?))) {
                    Ok((rest, dormant)) => {
                        stream.take(rest, captured_ms, now_ms);
                        // In the folder's list before the end is: it is not forgotten wherever this stops.
                        self.ledger.may_go_on(&watching.db, dormant);
                    }
                    Err(error) => return self.source_failed(&error, now_ms),
                }
            }
            self.end_stream(at, &UNFINISHED, now_ms);
        }
    }

    /// What is read now was captured then, ms since the fight began.
    pub(super) fn captured_ms(&self, at: usize) -> i64 {
        self.options.clock.unix_ms().saturating_sub(self.streams[at].started_at_ms())
    }

    /// Something happened in a fight.
    pub(super) fn fought(&mut self, now_ms: u64) {
        self.activity.event(now_ms);
        self.session.fought_at(self.options.clock.unix_ms());
    }

    /// Nothing more of a fight is to be read.
    pub(super) fn end_stream(&mut self, at: usize, finish: &Finish, now_ms: u64) {
        let captured_ms = self.captured_ms(at);
        self.streams[at].finish(finish, captured_ms);
        self.flush(now_ms);
        self.activity.progress(now_ms);
        let stream = &self.streams[at];
        let outcome = stream.spool().ending().map_or(Outcome::Unknown, |ending| ending.outcome);
        let (encounter, events) = (stream.encounter().to_string(), stream.events());
        let (title, elapsed_ms) = (stream.title(), stream.elapsed_ms());
        self.announcer.tell(Change::Ended { encounter, outcome, events, title, elapsed_ms });
        let _ = self.session.save_raid(self.disk.folder(), now_ms);
    }
}
