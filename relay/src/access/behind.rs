//! What those see who are some time behind: rows as they were shown by then.
//!
//! One invariant: nothing that came later than the delay lets be seen is in what comes out of here, and what cannot be told
//! as it was then is not there yet.

use raidcast_shared::report::{Place, Totals};
use raidcast_shared::uplink::{Outcome, ReportState};
use raidcast_store::{Delay, EncounterRow, ReportLine};

/// A report as it was until a time; `None`: its fight had not come.
pub(super) fn row_until(row: EncounterRow, until_ms: i64) -> Option<EncounterRow> {
    if row.created_at_ms > until_ms {
        return None;
    }
    // One that goes on again is known to the raid's task alone.
    if row.state != ReportState::Live && is_kept(row.kept_at_ms, until_ms) {
        return Some(row);
    }
    // Whether and how it ended is not told yet, nor when it was kept.
    Some(EncounterRow { state: ReportState::Live, kept_at_ms: None, kept_stream: None, verified: false, ..row })
}

/// The same of a line of a list. What it holds of a fight that was not kept then is that it goes on.
pub(super) fn line_until(line: ReportLine, until_ms: i64) -> Option<ReportLine> {
    if line.created_at_ms > until_ms {
        return None;
    }
    if line.state != ReportState::Live && is_kept(line.kept_at_ms, until_ms) {
        return Some(line);
    }
    Some(ReportLine {
        state: ReportState::Live,
        revision: 1,
        ended_at_ms: None,
        duration_ms: 0,
        damage_ms: None,
        outcome: Outcome::Unknown,
        place: Place::default(),
        bosses: Vec::new(),
        players: 0,
        totals: Totals { boss_damage: Some(0), damage_taken: Some(0), deaths: Some(0), ..Totals::default() },
        stub: false,
        verified: false,
        kept_at_ms: None,
        ..line
    })
}

fn is_kept(kept_at_ms: Option<i64>, until_ms: i64) -> bool {
    kept_at_ms.is_some_and(|kept_at_ms| kept_at_ms <= until_ms)
}

/// Seconds by which what is shown is behind.
pub(super) fn seconds(delay: Option<Delay>) -> u32 {
    delay.map_or(0, |delay| u32::try_from(delay.ms / 1_000).unwrap_or_default())
}
