//! From the database: which of its fights are to be streamed, by what the folder remembers of it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use raidcast_shared::event::{Event, Rare, RareBody};
use raidcast_shared::id::EncounterId;
use raidcast_shared::limits as l;
use uuid::Uuid;

use super::folder::{Dormant, NO_ROW, Watched};
use super::meter::Watching;
use super::record::{Finished, How, NotSent};
use super::size::FightSize;
use super::stream::Stream;
use super::{Change, Uploader};
use crate::source::{Cursor, Fight, Reading, Source as _, SourceError, Unreadable};

/// A meter sets the begin of a fight that goes on right by less than this, ms; further away another fight began.
pub(super) const ALTERED_MS: u64 = 600_000;

impl<S: FnMut(Change) + Send> Uploader<S> {
    /// Compares the folder's memory with a database that was just opened: finds fights that are to be streamed.
    pub(super) fn look_through(&mut self, watching: &mut Watching) -> Result<(), SourceError> {
        let db = watching.db.clone();
        let Some(watched) = self.ledger.of(&db).cloned() else {
            return self.look_through_first(watching);
        };
        // Those that were to be streamed and have no spool: never begun, or it was lost.
        let mut missing = watched.open.clone();
        missing.retain(|name, _| !self.streams.iter().any(|stream| stream.encounter().to_string() == *name));
        let rows: Vec<_> = missing.values().copied().collect();
        let mut shown = self.as_told(watching.source.fights(watched.seen.saturating_sub(1), &rows)?);
        let generation = watching.found.generation;
        // Another generation numbers its rows otherwise.
        let renumbered = watched.generation.is_some_and(|held| held != generation);
        if watched.generation != Some(generation) {
            self.ledger.stored_as(&db, generation);
        }
        let anew = renumbered || is_made_anew(&watched, &shown);
        if anew {
            // Row ids that were seen name other fights now, or none: the database was made anew, or thinned out.
            shown = self.as_told(watching.source.all_fights()?);
            self.ledger.renumber(&db, shown.iter().max_by_key(|fight| fight.row));
        }
        if !watching.source.rows_ascend() && (anew || watched.known.is_none()) {
            let all = if anew { shown.clone() } else { watching.source.all_fights()? };
            let rows = all.iter().map(|fight| fight.row);
            self.ledger.know(&db, rows.filter(|row| anew || *row <= watched.seen));
        }
        for fight in shown {
            if let Some(name) = take_missing(&mut missing, &fight, anew) {
                // The name that it got first is kept.
                let encounter = Uuid::parse_str(&name).map_or(fight.encounter, EncounterId);
                if !self.ledger.is_left_out(encounter) {
                    self.streams.enqueue(Fight { encounter, ..fight });
                }
            } else if anew
                && (fight.started_at_ms > watched.seen_started_ms
                    || !renumbered && watched.known.is_some() && watched.is_new(fight.row))
            {
                self.discover(&db, fight, true);
            }
            // Other new ones are found by the reading that follows.
        }
        // What is left has no row any more.
        if !missing.is_empty() {
            self.ledger.keep(&db, |name| !missing.contains_key(name));
        }
        Ok(())
    }

    /// The first look at a database: what ended before is history.
    fn look_through_first(&mut self, watching: &mut Watching) -> Result<(), SourceError> {
        let db = watching.db.clone();
        let shown = self.as_told(watching.source.all_fights()?);
        let unix_ms = self.options.clock.unix_ms();
        let newest = shown.iter().map(|fight| fight.row).max();
        let recent_ms = i64::try_from(self.options.recent.as_millis()).unwrap_or(i64::MAX);
        let is_streamed = |fight: &Fight| is_recent(fight, Some(fight.row) == newest, unix_ms, recent_ms);
        let mut dormant = None;
        if let Some(fight) = shown.iter().rfind(|fight| Some(fight.row) == newest)
            && fight.end.is_none()
            && !is_streamed(fight)
        {
            // It goes on after all if anything comes of it.
            dormant = Some(as_dormant(watching, fight)?);
        }
        self.ledger.stored_as(&db, watching.found.generation);
        if !watching.source.rows_ascend() {
            self.ledger.know(&db, std::iter::empty());
        }
        let mut history = 0;
        for fight in shown {
            let streamed = is_streamed(&fight);
            history += u64::from(!streamed);
            self.discover(&db, fight, streamed);
        }
        self.ledger.set_dormant(&db, dormant);
        if history > 0 {
            self.announcer.tell(Change::History { fights: history });
        }
        Ok(())
    }

    /// Looks whether the newest fight, which was never ended by the meter and is done with here, goes on after all. Then it
    /// is read from its begin, as another reading of it.
    pub(super) fn look_at_dormant(&mut self, watching: &mut Watching) -> Result<(), SourceError> {
        let watched = self.ledger.of(&watching.db);
        let Some(dormant) = watched.and_then(|watched| watched.dormant) else { return Ok(()) };
        let shown = self.as_told(watching.source.fights(dormant.row, &[dormant.row])?);
        let later = shown.iter().any(|fight| fight.row > dormant.row);
        let same = |fight: &Fight| fight.row == dormant.row && fight.started_at_ms == dormant.started_at_ms;
        if let Some(fight) = shown.into_iter().find(same) {
            if self.streams.has(fight.encounter) {
                // Its end is on its way.
                return Ok(());
            }
            let over = later || fight.end.is_some();
            // All of it is counted only where there is more than there was.
            let size = FightSize::of(&mut watching.source, &fight)?;
            if watching.dormant == Some((fight.row, size)) && !over {
                return Ok(());
            }
            let hits = as_dormant(watching, &fight)?.hits;
            watching.dormant = Some((fight.row, size));
            if hits > dormant.hits {
                self.discover(&watching.db, fight, true);
            } else if !over {
                return Ok(());
            }
        }
        self.ledger.set_dormant(&watching.db, None);
        Ok(())
    }

    /// Rows of fights on their way whose begin the meter has altered since; noted, so that they are not taken for others.
    pub(super) fn note_altered_begins(&mut self, watching: &mut Watching) -> Result<BTreeSet<i64>, SourceError> {
        let Watching { db, found, source, .. } = watching;
        let goes_on = |stream: &&Stream| !stream.is_ended() && stream.goes_on_in(db, found.generation);
        let rows: Vec<_> = self.streams.iter().filter(goes_on).map(Stream::row).collect();
        let shown = if rows.is_empty() { Vec::new() } else { source.fights(i64::MAX, &rows)? };
        let mut altered = BTreeSet::new();
        for fight in shown {
            let Some(stream) = self.streams.iter().filter(goes_on).find(|stream| stream.row() == fight.row) else {
                continue;
            };
            let by_ms = fight.started_at_ms.abs_diff(stream.started_at_ms());
            if (1..=ALTERED_MS).contains(&by_ms) && source.fits(&fight, stream.spool().cursor())? {
                altered.insert(fight.row);
                if self
                    .ledger
                    .of(db)
                    .is_some_and(|watched| watched.seen == fight.row && watched.seen_started_ms != fight.started_at_ms)
                {
                    self.ledger.see(db, &fight);
                }
            }
        }
        Ok(altered)
    }

    /// Fights under the names by which they were told first: a meter may tell later whose they are.
    pub(super) fn as_told(&self, fights: Vec<Fight>) -> Vec<Fight> {
        let is_told = |encounter| self.streams.has(encounter) || self.ledger.is_told(encounter);
        let as_told = |fight: Fight| match fight.before_player {
            Some(first) if !is_told(fight.encounter) && is_told(first) => Fight { encounter: first, ..fight },
            _ => fight,
        };
        fights.into_iter().map(as_told).collect()
    }

    /// Notes a fight that was not seen before; `streamed`: to be begun when its turn comes.
    pub(super) fn discover(&mut self, db: &str, fight: Fight, streamed: bool) {
        self.ledger.see(db, &fight);
        let encounter = fight.encounter;
        // The same fight may stand in another database: streamed once.
        let goes_on = self.streams.iter().find(|stream| stream.encounter() == encounter && !stream.is_ended());
        if goes_on.is_some_and(|stream| !stream.is_of(db)) {
            self.streams.note_moved(fight);
            return;
        }
        let known =
            self.ledger.is_left_out(encounter) || self.streams.has(encounter) || self.streams.is_queued(encounter);
        if streamed && !known && !self.is_left_alone(&fight) {
            self.ledger.list(db, &fight);
            self.streams.enqueue(fight);
        }
    }

    /// Whether who runs this wants nothing of a fight sent. An upload is of what was agreed to.
    fn is_left_alone(&self, fight: &Fight) -> bool {
        let began_in = |span: &RangeInclusive<i64>| span.contains(&fight.started_at_ms);
        let is_told = self.options.left_alone.iter().any(began_in) || self.ledger.is_left_alone(fight.encounter);
        self.options.history.is_none() && is_told
    }

    /// Notes a fight that cannot be read.
    pub(super) fn leave_out(&mut self, fight: &Fight, why: Unreadable) {
        if self.ledger.leave_out(fight.encounter) {
            let encounter = fight.encounter.to_string();
            let bare = Finished::unread(fight, &self.options.relay);
            self.ledger.note(Finished { result: How::Refused, why: Some(NotSent::Unreadable { why }), ..bare });
            self.announcer.tell(Change::Unreadable { encounter, started_at_ms: fight.started_at_ms, why });
        }
    }
}

/// Whether the rows of a database are others than those that were seen: `shown` are those from the last of them on.
pub(super) fn is_made_anew(watched: &Watched, shown: &[Fight]) -> bool {
    if [0, NO_ROW].contains(&watched.seen) {
        return false;
    }
    match shown.iter().find(|fight| fight.row == watched.seen) {
        Some(last) => last.started_at_ms != watched.seen_started_ms,
        None => !shown.iter().any(|fight| fight.row > watched.seen),
    }
}

/// Takes out the name under which a fight is missing; `anew`: its row is another than it was.
fn take_missing(missing: &mut BTreeMap<String, i64>, fight: &Fight, anew: bool) -> Option<String> {
    let name = fight.encounter.to_string();
    let same = |(held, row): &(&String, &i64)| **held == name || (!anew && **row == fight.row);
    let held = missing.iter().find(same).map(|(held, _)| held.clone())?;
    missing.remove(&held);
    Some(held)
}

/// Whether a fight that is seen first now is streamed; else, if it ended more than `recent_ms` ago, it is history.
fn is_recent(fight: &Fight, is_newest: bool, unix_ms: i64, recent_ms: i64) -> bool {
    let ago_ms = |at_ms: i64| unix_ms.saturating_sub(at_ms);
    // One that was never ended and began longer ago is over: two hours is the longest, and it would be recent.
    let over_ms = recent_ms.saturating_add(l::ENCOUNTER_DURATION_MS_MAX.into());
    // What a fight's own dates say counts, not those of the file: it may be a copy.
    match &fight.end {
        Some(end) => (-recent_ms..=recent_ms).contains(&ago_ms(end.ended_at_ms)),
        // An older one that was never ended is over: a later one began.
        None if is_newest => ago_ms(fight.started_at_ms) < over_ms,
        None => ago_ms(fight.started_at_ms) < recent_ms,
    }
}

/// A fight that may go on after all, as it stands now: all of it is counted, for a reading may stop half-way.
pub(super) fn as_dormant(watching: &mut Watching, fight: &Fight) -> Result<Dormant, SourceError> {
    let hits = hits(&watching.source.read_last(fight, &Cursor::default())?);
    Ok(Dormant { row: fight.row, started_at_ms: fight.started_at_ms, hits })
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
