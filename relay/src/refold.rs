//! What a journal's entries add up to: the one way from stored deltas back to a fold.

use raidcast_shared::codec;
use raidcast_shared::columns::ColumnMap;
use raidcast_shared::fold::{CheckError, Checked, EncounterState, Gate};
use raidcast_shared::log::Log;
use raidcast_shared::uplink::{Delta, Ending, Header};
use raidcast_store::{JournalEntry, JournalKind, StoreError};

/// A stream's journal, folded.
pub struct Refolded {
    /// What its deltas add up to.
    pub state: EncounterState,
    /// The gate behind them: it asks of the next what one that ran along would ask.
    pub gate: Gate,
    /// How it ended, if it did.
    pub ending: Option<Ending>,
}

/// Folds a stream's journal in order. Deltas that are damaged are left out, and the state says so; `each` sees the rest.
///
/// # Errors
/// `Damaged` if its header cannot be read, or if an older relay let more through than this one can hold.
pub fn refold(
    header: &[u8],
    entries: &[JournalEntry],
    mut each: impl FnMut(&JournalEntry, &Delta, Checked),
) -> Result<Refolded, StoreError> {
    let damaged = |why: String| StoreError::Damaged(format!("a stream's header: {why}"));
    let header: Header = codec::decode(header, usize::MAX).map_err(|error| damaged(error.to_string()))?;
    let columns = ColumnMap::new(&header.cols).map_err(|error| damaged(error.to_string()))?;
    let mut gate = Gate::new(&header).map_err(|error| damaged(error.to_string()))?;
    let mut state = EncounterState::new(header, columns);
    let mut ending = None;
    for entry in entries {
        match entry.kind {
            JournalKind::Delta => {
                let delta: Option<Delta> = codec::decode(&entry.data, usize::MAX).ok();
                match delta.map(|delta| (gate.restore(&delta), delta)) {
                    Some((Ok(checked), delta)) => {
                        state.apply(&checked);
                        each(entry, &delta, checked);
                    }
                    Some((Err(CheckError::Refused { limit: Some(_), text, .. }), _)) => {
                        return Err(StoreError::Damaged(format!("more is stored than is unfolded: {text}")));
                    }
                    None | Some((Err(_), _)) => {
                        tracing::error!(seq = entry.seq, "a stored delta is damaged; its report will say so");
                        state.skip_damaged(entry.seq);
                        gate.skip(entry.seq);
                    }
                }
            }
            JournalKind::End => ending = codec::decode(&entry.data, usize::MAX).ok(),
        }
    }
    Ok(Refolded { state, gate, ending })
}

/// The log of a journal, and what it folds to.
pub fn journal_log(header: &[u8], entries: &[JournalEntry]) -> Result<(Log, EncounterState), StoreError> {
    let damaged = |why: String| StoreError::Damaged(format!("a stream's header: {why}"));
    let read: Header = codec::decode(header, usize::MAX).map_err(|error| damaged(error.to_string()))?;
    let columns = ColumnMap::new(&read.cols).map_err(|error| damaged(error.to_string()))?;
    let mut log = Log::new(read);
    let Refolded { state, ending, .. } =
        refold(header, entries, |_, delta, checked| log.push(&columns, delta, checked))?;
    log.ending = ending;
    Ok((log, state))
}
