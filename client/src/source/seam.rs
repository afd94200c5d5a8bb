//! What is asked of a source.

use raidcast_shared::event::Knows;
use raidcast_shared::uplink::MeterTotals;

use super::cursor::Cursor;
use super::error::SourceError;
use super::reading::{Fight, Glance, Reading, RowBegin};

/// What the uploader asks of a source; one value per open database.
pub trait Source {
    /// What this kind of database can know of its fights.
    fn knows(&self) -> Knows;

    /// Whether anything was committed since the last call; the first call says yes. Cheap: no table is read.
    ///
    /// # Errors
    /// `Gone` and `Upgraded` when the file was taken away or altered under the connection.
    fn changed(&mut self) -> Result<bool, SourceError>;

    /// Encounter rows with an id above `after`, and those in `open`, oldest first. Rows that vanished are left out.
    fn fights(&mut self, after: i64, open: &[i64]) -> Result<Vec<Fight>, SourceError>;

    /// All encounter rows, whatever their ids are.
    ///
    /// # Errors
    /// As [`Source::fights`].
    fn all_fights(&mut self) -> Result<Vec<Fight>, SourceError> {
        self.fights(i64::MIN, &[i64::MIN])
    }

    /// All encounter rows, in no order: of each but these two numbers, so that a season's are read in a few ms. Rows
    /// without a begin are left out.
    ///
    /// # Errors
    /// As [`Source::fights`].
    fn begins(&mut self) -> Result<Vec<RowBegin>, SourceError>;

    /// Encounter rows for a list, in no order: as [`Source::fights`] tells them, but that how a fight went may be left out
    /// (`Unknown`) where [`Source::glance`] tells it.
    ///
    /// # Errors
    /// As [`Source::fights`].
    fn listed(&mut self, rows: &[i64]) -> Result<Vec<Fight>, SourceError> {
        self.fights(i64::MAX, rows)
    }

    /// What tells the encounter from others in a list. It costs no more than one encounter, but that may be much: some
    /// generations unpack all of its hits for it.
    ///
    /// # Errors
    /// As [`Source::fights`].
    fn glance(&mut self, _fight: &Fight) -> Result<Glance, SourceError> {
        Ok(Glance::default())
    }

    /// Whether the encounter can be read at all: asked once, before it is begun.
    ///
    /// # Errors
    /// `Unreadable`: leave it out, and say so.
    fn check(&mut self, _fight: &Fight) -> Result<(), SourceError> {
        Ok(())
    }

    /// Whether the encounter is there still, by its row and by when it began, but for `within_ms`. A meter removes fights,
    /// and numbers rows anew; of what it removed the tables show nothing, which looks like a fight in which nothing
    /// happened. So this is asked behind the last read of a fight: what is there now was there all the while. No
    /// transaction is held over all the reads for it: a long one keeps the meter from checkpointing, or from writing.
    ///
    /// # Errors
    /// As [`Source::fights`].
    fn stands(&mut self, fight: &Fight, within_ms: u64) -> Result<bool, SourceError> {
        let now = self.fights(i64::MAX, &[fight.row])?;
        let is_it = |now: &Fight| now.row == fight.row && now.started_at_ms.abs_diff(fight.started_at_ms) <= within_ms;
        Ok(now.iter().any(is_it))
    }

    /// Whether a cursor means here what it meant where it was read: asked once of each fight after a database is opened,
    /// for another one may stand in its place whose rows have other numbers. A last reading asks it, too.
    fn fits(&mut self, _fight: &Fight, _cursor: &Cursor) -> Result<bool, SourceError> {
        Ok(true)
    }

    /// Whether later fights have greater rows; else the uploader remembers which it has seen.
    fn rows_ascend(&self) -> bool {
        true
    }

    /// Everything that the encounter has beyond `cursor`, in one short read.
    ///
    /// `now_ms` is a monotonic clock in ms: large growing rows are read at most every 250 ms of it.
    fn read(&mut self, fight: &Fight, cursor: &Cursor, now_ms: u64) -> Result<Reading, SourceError>;

    /// The last reading of an encounter that ended: everything beyond `cursor`, then each row against the meter's own
    /// counters. What still contradicts them after a second, full read becomes a `Missing` event. It tells, too, whether
    /// what was yielded before is there no more.
    fn read_last(&mut self, fight: &Fight, cursor: &Cursor) -> Result<Reading, SourceError>;

    /// How much there is of the encounter, in a measure of the source's own: what grows with it though its sums do not.
    ///
    /// # Errors
    /// As [`Source::totals`].
    fn extent(&mut self, _fight: &Fight) -> Result<u64, SourceError> {
        Ok(0)
    }

    /// The meter's own sums of the encounter as they stand now.
    fn totals(&mut self, fight: &Fight) -> Result<Option<MeterTotals>, SourceError>;
}
