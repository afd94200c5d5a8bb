//! From the fold to a kept report: deterministic, safe to run twice, tried again until the store takes it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use raidcast_shared::codec;
use raidcast_shared::columns::ColumnMap;
use raidcast_shared::fold::{CheckError, Checked, EncounterState, Gate};
use raidcast_shared::id::StreamId;
use raidcast_shared::log::Log;
use raidcast_shared::report::{Report, ReportSummary, Unverified};
use raidcast_shared::uplink::{Delta, Ending, Header, Outcome, ReportState};
use raidcast_shared::view::{self, Audience, Shown};
use raidcast_store::{EncounterRow, JournalEntry, JournalKind, KeptReport, ReportLine, StoreError};

use crate::access;
use crate::raid::Shared;

/// Compression of records: they are small.
const ZSTD_LEVEL: i32 = 9;
/// First and longest wait between two tries of a store that does not take a report.
const RETRY: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(10));

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
}

/// The report of a state, as an audience may see it.
pub fn report(
    audience: Audience,
    row: &EncounterRow,
    state: &EncounterState,
    ending: Option<&Ending>,
    at: ReportState,
    revision: u32,
) -> Report {
    let shown = Shown::to(audience, state);
    let fight = view::fight(shown, ending);
    let relay = state.checksum();
    let unverified = ending
        .filter(|ending| ending.checksum != relay)
        .map(|ending| Unverified { client: ending.checksum.to_string(), relay: relay.to_string() });
    let note = match (at, ending.map(|ending| ending.outcome)) {
        (ReportState::Provisional, _) => Some(
            "Nothing more of this fight came from its meter or upload, so this report is provisional. It goes on when more comes."
                .to_owned(),
        ),
        (ReportState::Final, Some(Outcome::Unfinished)) => {
            Some("The meter never ended this fight: the report holds what it recorded until then.".to_owned())
        }
        _ => None,
    };
    let damaged = (state.damaged() > 0)
        .then(|| format!("{} stored parts of this fight are damaged and left out.", state.damaged()));
    let notes: Vec<_> = [note, damaged, view::note(shown)].into_iter().flatten().collect();
    Report {
        report_id: row.report_id.clone(),
        raid: row.raid_code.clone(),
        state: at,
        revision,
        visibility: row.visibility,
        note: (!notes.is_empty()).then(|| notes.join(" ")),
        unverified,
        meter_differs: ending
            .and_then(|ending| ending.meter.as_ref())
            .and_then(|meter| view::meter_differs(shown, meter)),
        fight,
    }
}

/// What lists show of a report.
pub fn line(row: &EncounterRow, report: &Report) -> ReportLine {
    let fight = &report.fight;
    ReportLine {
        report_id: row.report_id.clone(),
        encounter: row.key.encounter,
        raid_code: row.raid_code.clone(),
        state: report.state,
        revision: report.revision,
        started_at_ms: fight.started_at_ms,
        ended_at_ms: fight.ended_at_ms,
        duration_ms: fight.duration_ms,
        damage_ms: fight.damage_time.map(|time| time.duration_ms),
        outcome: fight.outcome,
        place: fight.encounter.clone(),
        bosses: fight.bosses.iter().map(|boss| boss.name.clone()).collect(),
        players: fight.players.len() as u32,
        totals: fight.totals,
    }
}

/// A list's line, as an audience may see it.
pub fn summary(_: Audience, line: ReportLine) -> ReportSummary {
    ReportSummary {
        report_id: line.report_id,
        raid: line.raid_code,
        state: line.state,
        revision: line.revision,
        started_at_ms: line.started_at_ms,
        ended_at_ms: line.ended_at_ms,
        duration_ms: line.duration_ms,
        damage_ms: line.damage_ms,
        outcome: line.outcome,
        encounter: line.place,
        bosses: line.bosses,
        players: line.players,
        totals: line.totals,
    }
}

/// A record's bytes.
pub fn encode_record(report: &Report) -> Bytes {
    zstd::bulk::compress(&codec::encode(report), ZSTD_LEVEL).expect("zstd compresses any bytes").into()
}

/// What was kept of a fight: shown to nobody but an audience.
pub struct Kept(Report);

impl Kept {
    /// The report, as an audience may see it.
    pub fn shown_to(self, _: Audience) -> Report {
        self.0
    }
}

/// What a record holds.
pub fn decode_record(record: &[u8]) -> Result<Kept, StoreError> {
    let damaged = |why: String| StoreError::Damaged(format!("a report's record: {why}"));
    let bytes = zstd::stream::decode_all(record).map_err(|error| damaged(error.to_string()))?;
    codec::decode(&bytes, usize::MAX).map(Kept).map_err(|error| damaged(error.to_string()))
}

/// A stream's journal, folded.
pub struct Replayed {
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
pub fn replay(
    header: &[u8],
    entries: &[JournalEntry],
    mut each: impl FnMut(&JournalEntry, &Delta, Checked),
) -> Result<Replayed, StoreError> {
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
    Ok(Replayed { state, gate, ending })
}

/// The log of a journal, and what it folds to.
pub fn journal_log(header: &[u8], entries: &[JournalEntry]) -> Result<(Log, EncounterState), StoreError> {
    let damaged = |why: String| StoreError::Damaged(format!("a stream's header: {why}"));
    let read: Header = codec::decode(header, usize::MAX).map_err(|error| damaged(error.to_string()))?;
    let columns = ColumnMap::new(&read.cols).map_err(|error| damaged(error.to_string()))?;
    let mut log = Log::new(read);
    let Replayed { state, ending, .. } =
        replay(header, entries, |_, delta, checked| log.push(&columns, delta, checked))?;
    log.ending = ending;
    Ok((log, state))
}

/// Keeps a report, however long the store does not take it; gives the report that is kept.
///
/// The report is made of the journal, not of what the task has in memory, so that a report is the same whether the
/// relay was killed meanwhile or not.
pub async fn keep(shared: Arc<Shared>, keep: Keep) -> Result<Report, StoreError> {
    until_available("could not keep a report; trying again", || try_keep(&shared, &keep)).await
}

/// Does something again and again, however long the store is not available.
///
/// # Errors
/// What else the store says.
pub async fn until_available<T, F>(what: &'static str, mut attempt: impl FnMut() -> F) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>>,
{
    let mut wait = RETRY.0;
    loop {
        match attempt().await {
            Err(StoreError::Unavailable(why)) => {
                tracing::warn!(why, "{what}");
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(RETRY.1);
            }
            done => return done,
        }
    }
}

async fn try_keep(shared: &Shared, keep: &Keep) -> Result<Report, StoreError> {
    let store = &shared.store;
    let _journal = shared.heavy.journal().await;
    let gone = || StoreError::Damaged(format!("the journal of report {} is gone", keep.row.report_id));
    let open = store.open_encounter(keep.row.row).await?.ok_or_else(gone)?;
    if open.encounter.state == ReportState::Final && open.encounter.kept_stream == Some(keep.stream) {
        // Kept already, by a run that did not live to say so.
        let held = store.report(&keep.row.report_id).await?.and_then(|(_, record)| record).ok_or_else(gone)?;
        return Ok(decode_record(&held)?.shown_to(access::record()));
    }
    let (stream, entries) =
        open.streams.into_iter().find(|(stream, _)| stream.stream == keep.stream).ok_or_else(gone)?;
    let (row, revision, at) = (keep.row.clone(), keep.revision, keep.state);
    // Folding and compressing take milliseconds to tens of them: off the runtime's threads.
    let bytes = entries.iter().map(|entry| entry.data.len()).sum();
    let made = shared.heavy.run(bytes, move || {
        let (log, state) = journal_log(&stream.header, &entries)?;
        drop(entries);
        let report = report(access::record(), &row, &state, log.ending.as_ref(), at, revision);
        drop(state);
        let log = (at == ReportState::Final).then(|| Bytes::from(log.into_bytes()));
        Ok::<_, StoreError>((line(&row, &report), encode_record(&report), log, report))
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
        kept_at_ms: shared.clock.now_ms(),
    };
    store.keep_report(&kept).await?;
    Ok(report)
}
