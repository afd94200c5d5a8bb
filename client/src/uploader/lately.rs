//! Fights that ended lately, for a meter may go on with one after it told its end.
//!
//! One invariant: a fight is looked at for some seconds after its end was read. What has come since is sent as another
//! reading of it, begun when the one before is done with.

use raidcast_shared::id::EncounterId;
use raidcast_shared::uplink::MeterTotals;

use super::size::FightSize;
use crate::source::{AnySource, Fight, Source as _, SourceError};

/// How long a fight is looked at after its end was read, ms.
const LOOK_MS: u64 = 10_000;
/// Nothing more has come for so long, ms, and the meter's lag, of a fight that has ended again.
const QUIET_MS: u64 = 1_000;

/// Fights that ended lately.
#[derive(Default)]
pub(super) struct Lately(Vec<Ended>);

struct Ended {
    db: String,
    fight: Fight,
    size: FightSize,
    until_ms: u64,
    /// When it was found to go on last.
    grew_ms: Option<u64>,
}

impl Lately {
    /// The end of a fight was read.
    ///
    /// # Errors
    /// As [`crate::source::Source::extent`].
    pub(super) fn note(
        &mut self,
        db: &str,
        fight: &Fight,
        totals: Option<MeterTotals>,
        source: &mut AnySource,
        now_ms: u64,
    ) -> Result<(), SourceError> {
        if fight.end.is_some() {
            let size = FightSize::with(totals, source, fight)?;
            let (db, fight) = (db.to_owned(), fight.clone());
            self.0.retain(|ended| ended.fight.encounter != fight.encounter);
            self.0.push(Ended { db, fight, size, until_ms: now_ms + LOOK_MS, grew_ms: None });
        }
        Ok(())
    }

    /// Looks whether any goes on.
    ///
    /// # Errors
    /// As [`crate::source::Source::fights`].
    pub(super) fn look(&mut self, db: &str, source: &mut AnySource, now_ms: u64) -> Result<(), SourceError> {
        self.0.retain(|ended| ended.db == db && (ended.grew_ms.is_some() || now_ms < ended.until_ms));
        if self.0.is_empty() {
            return Ok(());
        }
        let rows: Vec<_> = self.0.iter().map(|ended| ended.fight.row).collect();
        let shown = source.fights(i64::MAX, &rows)?;
        for ended in &mut self.0 {
            let is_same =
                |fight: &&Fight| fight.row == ended.fight.row && fight.started_at_ms == ended.fight.started_at_ms;
            let Some(fight) = shown.iter().find(is_same) else { continue };
            let size = FightSize::of(source, fight)?;
            if fight.end.is_none() || size != ended.size {
                // The name that it got first is kept.
                ended.fight = Fight { encounter: ended.fight.encounter, ..fight.clone() };
                (ended.size, ended.grew_ms) = (size, Some(now_ms));
            }
        }
        Ok(())
    }

    /// Whether any went on and waits for nothing but more of it; `busy`: the reading before is not done with.
    pub(super) fn waits(&self, busy: impl Fn(EncounterId) -> bool) -> bool {
        self.0.iter().any(|ended| ended.grew_ms.is_some() && !busy(ended.fight.encounter))
    }

    /// Takes out those that are to be begun again; `busy` as there.
    pub(super) fn take_due(
        &mut self,
        db: &str,
        lag_ms: u32,
        now_ms: u64,
        busy: impl Fn(EncounterId) -> bool,
    ) -> Vec<Fight> {
        let is_due = |ended: &mut Ended| {
            let goes_on = ended.fight.end.is_none();
            let is_over = |grew_ms| goes_on || now_ms >= grew_ms + QUIET_MS + u64::from(lag_ms);
            ended.db == db && ended.grew_ms.is_some_and(is_over) && !busy(ended.fight.encounter)
        };
        self.0.extract_if(.., is_due).map(|ended| ended.fight).collect()
    }
}
