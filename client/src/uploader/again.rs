//! From the database: a fight on its way is read once more from its begin, as another reading of it.

use raidcast_shared::event::{Event, Rare, RareBody};
use raidcast_shared::id::StreamId;
use raidcast_shared::limits as l;
use raidcast_shared::uplink::Outcome;

use super::finish::{Finish, UNFINISHED};
use super::meter::Watching;
use super::stream::Standing;
use super::{Change, Rereading, Uploader};
use crate::header::header_of;
use crate::source::{Cursor, Fight, Reading, Source as _, SourceError};
use crate::spool::{Head, Spool};
use raidcast_shared::encode::Encoder;

impl<S: FnMut(Change) + Send> Uploader<S> {
    /// Goes on with a fight whose database another version of the meter has taken over, or which stands in another
    /// database now: all of it is read anew, if it is still all there; else what was streamed is what there is.
    pub(super) fn take_over(
        &mut self,
        at: usize,
        watching: &mut Watching,
        fights: &[Fight],
        now_ms: u64,
    ) -> Result<(), SourceError> {
        let stream = &self.streams[at];
        let encounter = stream.encounter();
        let here = stream.is_of(&watching.db);
        let silent = stream.silent_ms(now_ms) > l::GRACE_MS as u64;
        let shown = || fights.iter().find(|fight| here && fight.encounter == encounter).cloned();
        let Some(fight) = self.streams.take_moved(encounter).or_else(shown) else {
            // Another meter is watched, and this one may be started again; or its row is gone, and nothing can come.
            if here || silent {
                self.end_stream(at, &UNFINISHED, now_ms);
            }
            return Ok(());
        };
        let (reading, events) = self.read_whole(at, &fight, watching, now_ms)?;
        if events < self.streams[at].events() {
            self.end_as_it_stands(at, &fight, now_ms);
            return Ok(());
        }
        if !self.take_whole(at, &fight, reading, Rereading::OtherMeter, watching, now_ms) {
            self.streams.note_moved(fight);
        }
        Ok(())
    }

    /// Goes on with a fight whose rows are others now than were read: they were numbered anew, or another file stands
    /// where its database was.
    pub(super) fn read_over(
        &mut self,
        at: usize,
        fight: &Fight,
        watching: &mut Watching,
        now_ms: u64,
    ) -> Result<(), SourceError> {
        let (mut reading, events) = self.read_whole(at, fight, watching, now_ms)?;
        // Of what is there in part alone, what was streamed is the most that there is.
        if fight.end.is_some() && events < self.streams[at].events() && !is_whole(&reading) {
            self.end_as_it_stands(at, fight, now_ms);
            return Ok(());
        }
        reading.cursor.extend(self.streams[at].replaced());
        // Where there is no room for it, the next reading compares again.
        self.take_whole(at, fight, reading, Rereading::OtherDatabase, watching, now_ms);
        Ok(())
    }

    /// All that the database has of a fight, and how many events that are.
    fn read_whole(
        &self,
        at: usize,
        fight: &Fight,
        watching: &mut Watching,
        now_ms: u64,
    ) -> Result<(Reading, u64), SourceError> {
        let reading = match (watching.source.check(fight), &fight.end) {
            (Ok(()), Some(_)) => watching.source.read_last(fight, &Cursor::default())?,
            (Ok(()), None) => watching.source.read(fight, &Cursor::default(), now_ms)?,
            (Err(SourceError::Unreadable { .. }), _) => Reading::default(),
            (Err(error), _) => return Err(error),
        };
        let mut all = Encoder::new(header_of(fight, watching.source.knows()));
        all.encode(reading.events.clone(), self.captured_ms(at));
        Ok((reading, all.state().events()))
    }

    /// Ends a fight of which the database has less now than was streamed.
    fn end_as_it_stands(&mut self, at: usize, fight: &Fight, now_ms: u64) {
        let end = fight.end.as_ref();
        let finish = Finish {
            ended_at_ms: end.map(|end| end.ended_at_ms),
            outcome: end.map_or(Outcome::Unfinished, |end| end.outcome),
            meter: None,
        };
        self.end_stream(at, &finish, now_ms);
    }

    /// Begins a fight anew with all that was read of it. Whether there was room for it; else it stays as it is.
    fn take_whole(
        &mut self,
        at: usize,
        fight: &Fight,
        reading: Reading,
        why: Rereading,
        watching: &Watching,
        now_ms: u64,
    ) -> bool {
        let captured_ms = self.captured_ms(at);
        if !self.begin_anew(at, self.head_of(fight, watching), why, now_ms) {
            return false;
        }
        self.ledger.list_here(&watching.db, fight);
        let stream = &mut self.streams[at];
        stream.fight = Some(fight.clone());
        stream.take(reading, captured_ms, now_ms);
        self.meter.read_again();
        self.flush(now_ms);
        true
    }

    /// Fights whose spool lost what the relay holds are read again from their begin.
    pub(super) fn read_lost_anew(&mut self, db: &str, now_ms: u64) {
        for at in 0..self.streams.len() {
            let stream = &self.streams[at];
            if stream.standing != Standing::Lost || !stream.is_of(db) || stream.is_paused(now_ms) {
                continue;
            }
            let head = Head { stream: StreamId(self.options.entropy.uuid()), ..stream.spool().head().clone() };
            self.begin_anew(at, head, Rereading::RelayDiffers, now_ms);
        }
    }

    /// Begins a fight that is on its way once more. Whether there was room for it; else it stays as it is.
    fn begin_anew(&mut self, at: usize, head: Head, why: Rereading, now_ms: u64) -> bool {
        let encoder = Encoder::new(head.header.clone());
        match Spool::create(&self.disk.folder().spools(), head) {
            Ok(spool) => {
                self.streams[at] = self.streams[at].anew(spool, encoder, now_ms);
                let encounter = self.streams[at].encounter().to_string();
                self.announcer.tell(Change::Reread { encounter, why });
                true
            }
            Err(error) => {
                self.disk_failed(&error.into(), now_ms);
                false
            }
        }
    }
}

/// Whether a reading is of a fight whose rows contradict nothing.
fn is_whole(reading: &Reading) -> bool {
    let lacks = |event: &_| matches!(event, Event::Rare(Rare { body: RareBody::Missing { .. }, .. }));
    !reading.events.is_empty() && !reading.events.iter().any(lacks)
}
