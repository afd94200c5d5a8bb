//! From the journal to a kept report: deterministic, safe to run twice, tried again until the store takes it.

use std::sync::Arc;

use bytes::Bytes;
use raidcast_shared::id::StreamId;
use raidcast_shared::report::Report;
use raidcast_shared::uplink::ReportState;
use raidcast_store::{EncounterRow, KeptReport, StoreError};

use crate::access;
use crate::context::Context;
use crate::record::{decode_record, encode_record, line, report};
use crate::refold::journal_log;
use crate::retry::until_available;

/// What is to be kept.
#[derive(Clone, Debug)]
pub struct Keep {
    /// The encounter.
    pub row: EncounterRow,
    /// The reading.
    pub stream: StreamId,
    /// Which one it is.
    pub revision: u32,
    /// `Provisional` or `Final`.
    pub state: ReportState,
    /// From when on it counts as kept, Unix ms; `None`: from now on.
    pub kept_at_ms: Option<i64>,
}

/// Keeps a report, however long the store does not take it; gives the report that is kept.
///
/// The report is made of the journal, not of what the task has in memory, so that a report is the same whether the
/// relay was killed meanwhile or not.
pub async fn keep(context: Arc<Context>, keep: Keep) -> Result<Report, StoreError> {
    until_available("could not keep a report; trying again", || try_keep(&context, &keep)).await
}

async fn try_keep(context: &Context, keep: &Keep) -> Result<Report, StoreError> {
    let store = &context.store;
    let _journal = context.heavy.journal().await;
    let gone = || StoreError::Damaged(format!("the journal of report {} is gone", keep.row.report_id));
    let open = store.open_encounter(keep.row.row).await?.ok_or_else(gone)?;
    if open.encounter.state == ReportState::Final && open.encounter.kept_stream == Some(keep.stream) {
        // Kept already, by a run that did not live to say so.
        let held = store.report(&keep.row.report_id).await?.and_then(|(_, record)| record).ok_or_else(gone)?;
        return Ok(decode_record(&held)?.whole());
    }
    let (stream, entries) =
        open.streams.into_iter().find(|(stream, _)| stream.stream == keep.stream).ok_or_else(gone)?;
    // What was streamed came with no signature, whatever was held before.
    let row = EncounterRow { verified: false, ..keep.row.clone() };
    let now_ms = keep.kept_at_ms.unwrap_or_else(|| context.clock.now_ms());
    let (revision, at) = (keep.revision, keep.state);
    // Folding and compressing take milliseconds to tens of them: off the runtime's threads.
    let bytes = entries.iter().map(|entry| entry.data.len()).sum();
    let made = context.heavy.run(bytes, move || {
        let (log, state) = journal_log(&stream.header, &entries)?;
        drop(entries);
        let report = report(access::record(), &row, &state, log.ending.as_ref(), at, revision);
        drop(state);
        let log = (at == ReportState::Final).then(|| Bytes::from(log.into_bytes()));
        Ok::<_, StoreError>((line(&row, &report, now_ms), encode_record(&report), log, report))
    });
    let (line, record, log, report) =
        made.await.map_err(|error| StoreError::Damaged(format!("making the report failed: {error}")))??;
    let kept = KeptReport {
        encounter: keep.row.row,
        state: keep.state,
        revision: keep.revision,
        stream: keep.stream,
        line,
        record,
        log,
        kept_at_ms: now_ms,
    };
    store.keep_report(&kept).await?;
    context.derive.came();
    Ok(report)
}
