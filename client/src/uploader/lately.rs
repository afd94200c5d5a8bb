//! From the database: fights that ended lately, for a meter may go on with one after it told its end.
//!
//! One invariant: a fight is looked at for some seconds after its end was read. What has come since is sent as another
//! reading of it, begun when the one before is done with.

use raidcast_shared::uplink::MeterTotals;

use super::ended::{Ended, Stands};
use super::meter::Watching;
use super::{Change, Uploader};
use crate::source::{Fight, Source as _, SourceError};

/// How long a fight is looked at after its end was read, ms.
const LOOK_MS: u64 = 10_000;
/// Nothing more has come for so long, ms, and the meter's lag, of a fight that has ended again.
const QUIET_MS: u64 = 1_000;

impl<S: FnMut(Change) + Send> Uploader<S> {
    /// The end of a fight was read.
    pub(super) fn note_ended(
        &mut self,
        fight: &Fight,
        totals: Option<MeterTotals>,
        watching: &mut Watching,
        now_ms: u64,
    ) -> Result<(), SourceError> {
        if self.options.history.is_none() && fight.end.is_some() {
            let stands = Stands { totals, extent: watching.source.extent(fight)? };
            let (db, fight) = (watching.db.clone(), fight.clone());
            self.lately.0.retain(|ended| ended.fight.encounter != fight.encounter);
            self.lately.0.push(Ended { db, fight, stands, until_ms: now_ms + LOOK_MS, grew_ms: None });
        }
        Ok(())
    }

    /// Looks whether fights that ended lately go on.
    pub(super) fn look_at_ended(&mut self, watching: &mut Watching, now_ms: u64) -> Result<(), SourceError> {
        let Watching { db, source, .. } = watching;
        self.lately.0.retain(|ended| ended.db == *db && (ended.grew_ms.is_some() || now_ms < ended.until_ms));
        if self.lately.0.is_empty() {
            return Ok(());
        }
        let rows: Vec<_> = self.lately.0.iter().map(|ended| ended.fight.row).collect();
        let shown = source.fights(i64::MAX, &rows)?;
        for ended in &mut self.lately.0 {
            let is_same =
                |fight: &&Fight| fight.row == ended.fight.row && fight.started_at_ms == ended.fight.started_at_ms;
            let Some(fight) = shown.iter().find(is_same) else { continue };
            let stands = Stands { totals: source.totals(fight)?, extent: source.extent(fight)? };
            if fight.end.is_none() || stands != ended.stands {
                // The name that it got first is kept.
                ended.fight = Fight { encounter: ended.fight.encounter, ..fight.clone() };
                (ended.stands, ended.grew_ms) = (stands, Some(now_ms));
            }
        }
        Ok(())
    }

    /// Begins those again that went on.
    pub(super) fn begin_again(&mut self, now_ms: u64) {
        let Some((db, lag_ms)) = self.meter.watching().map(|on| (on.db.clone(), on.source.knows().lag_ms)) else {
            return;
        };
        for at in (0..self.lately.0.len()).rev() {
            let ended = &self.lately.0[at];
            let Some(grew_ms) = ended.grew_ms.filter(|_| ended.db == db) else { continue };
            let quiet = now_ms >= grew_ms + QUIET_MS + u64::from(lag_ms);
            let encounter = ended.fight.encounter;
            self.activity.event(now_ms);
            if (ended.fight.end.is_none() || quiet)
                && !self.streams.has(encounter)
                && !self.streams.is_queued(encounter)
            {
                let fight = self.lately.0.remove(at).fight;
                self.ledger.list(&db, &fight);
                self.streams.enqueue(fight);
            }
        }
    }
}
