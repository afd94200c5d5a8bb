//! From the store back to memory: an encounter as its journal, or its kept log, says.

use std::sync::Arc;

use raidcast_shared::uplink::ReportState;
use raidcast_store::{EncounterKey, EncounterRow, OpenEncounter, Store, StoreError};

use super::encounter::LiveEncounter;
use crate::context::Context;
use crate::record::decode_record;

/// Why a fight was not read.
pub(super) enum Unread {
    /// What the store says.
    Store(StoreError),
    /// What is stored of the fight is damaged: it is to be set aside.
    Damaged {
        /// Its report.
        report_id: String,
        /// What is wrong.
        why: String,
    },
}

impl Unread {
    /// Goes on without the fight, where it is damaged.
    ///
    /// # Errors
    /// What else the store says.
    pub(super) fn set_aside(self, context: &Context) -> Result<Option<LiveEncounter>, StoreError> {
        match self {
            Self::Store(error) => Err(error),
            Self::Damaged { report_id, why } => {
                context.set_aside.report(&report_id, &why);
                Ok(None)
            }
        }
    }
}

impl From<StoreError> for Unread {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// The row of an encounter, if there is one.
///
/// # Errors
/// It cannot be read.
pub(super) async fn find_row(store: &dyn Store, key: EncounterKey) -> Result<Option<EncounterRow>, Unread> {
    let why = match store.encounter(key.account, key.encounter).await {
        Err(StoreError::Damaged(why)) => why,
        found => return Ok(found?),
    };
    match store.report_of(key.account, key.encounter).await? {
        Some(report_id) => Err(Unread::Damaged { report_id, why }),
        None => Err(StoreError::Damaged(why).into()),
    }
}

/// The encounter of a row; `None` if it is gone.
///
/// # Errors
/// It cannot be read.
pub(super) async fn load_row(context: &Context, row: &EncounterRow) -> Result<Option<LiveEncounter>, Unread> {
    load_encounter(context, row.row).await.map_err(|error| match error {
        StoreError::Damaged(why) => Unread::Damaged { report_id: row.report_id.clone(), why },
        error @ StoreError::Unavailable(_) => Unread::Store(error),
    })
}

/// What is held of a fight that no task has: its row, and what can be read of it. A row that is damaged is set aside; where
/// the rest is, another reading may take its place.
///
/// # Errors
/// What the store says.
pub(crate) async fn held_fight(
    context: &Context,
    key: EncounterKey,
) -> Result<Option<(EncounterRow, Option<LiveEncounter>)>, StoreError> {
    let row = match find_row(context.store.as_ref(), key).await {
        Ok(row) => row,
        Err(Unread::Store(error)) => return Err(error),
        Err(Unread::Damaged { report_id, why }) => {
            context.set_aside.report(&report_id, &why);
            return Err(StoreError::Damaged(why));
        }
    };
    let Some(row) = row else { return Ok(None) };
    match load_row(context, &row).await {
        Ok(held) => Ok(held.map(|held| (held.row.clone(), Some(held)))),
        Err(Unread::Store(error)) => Err(error),
        Err(Unread::Damaged { .. }) => Ok(Some((row, None))),
    }
}

/// How often a fight is read that is another one each time.
const READS_MAX: usize = 5;

/// Reads an encounter from the store: its journal, or its log where the report is final. `None` if it is gone.
///
/// # Errors
/// `Unavailable`: try again. `Damaged`: what is stored cannot be folded, or folding it broke off.
pub(super) async fn load_encounter(context: &Context, row: i64) -> Result<Option<LiveEncounter>, StoreError> {
    let mut read = read_encounter(context, row).await?;
    for _ in 1..READS_MAX {
        let (open, error) = match read {
            Some((_, Ok(encounter))) => return Ok(Some(encounter)),
            Some((open, Err(error))) => (open, error),
            None => return Ok(None),
        };
        // It is not read at one time: what was thrown away or kept meanwhile looks damaged, and is not.
        match context.store.open_encounter(row).await? {
            Some(now) if now.encounter == open => return Err(error),
            Some(_) => read = read_encounter(context, row).await?,
            None => return Ok(None),
        }
    }
    let busy = || StoreError::Unavailable(format!("encounter {row} changes faster than it is read"));
    read.map(|(_, read)| read.map_err(|_| busy())).transpose()
}

/// What an encounter was like when its reading began, and what was read.
type Read = (EncounterRow, Result<LiveEncounter, StoreError>);

async fn read_encounter(context: &Context, row: i64) -> Result<Option<Read>, StoreError> {
    let (store, now_ms) = (&context.store, context.clock.now_ms());
    let mut journal = context.heavy.journal().await;
    let Some(open) = store.open_encounter(row).await? else { return Ok(None) };
    let began = open.encounter.clone();
    let report_id = open.encounter.report_id.clone();
    let is_final = open.encounter.state == ReportState::Final;
    if is_final && open.streams.is_empty() {
        // It has no journal: whoever needs one does not wait for its log.
        journal = None;
    }
    let log = if is_final { store.report_log(&report_id).await? } else { None };
    let kept = match open.encounter.state {
        ReportState::Live => None,
        ReportState::Provisional | ReportState::Final => store.report(&report_id).await?.and_then(|(_, record)| record),
    };
    let rebuilt = context.heavy.run(bytes_of(&open, log.as_deref()), move || {
        let mut encounter = LiveEncounter::rebuild(&open, log.as_deref(), now_ms)?;
        if let Some(record) = kept.filter(|_| encounter.revision == encounter.row.revision) {
            match decode_record(&record) {
                Ok(kept) => encounter.kept = Some(Arc::new(kept.whole())),
                // Its report is made of what was folded here.
                Err(error) => {
                    tracing::error!(report = encounter.row.report_id, %error, "a report's record is damaged; its log is whole");
                }
            }
        }
        Ok::<_, StoreError>(encounter)
    });
    let broke = |_| Err(StoreError::Damaged(format!("folding report {report_id} broke off")));
    let mut rebuilt = rebuilt.await.unwrap_or_else(broke);
    drop(journal);
    if let Ok(encounter) = &mut rebuilt {
        encounter.weigh_in(&context.memory);
    }
    Ok(Some((began, rebuilt)))
}

/// How much an encounter takes up in the store.
fn bytes_of(open: &OpenEncounter, log: Option<&[u8]>) -> usize {
    let entries = open.streams.iter().flat_map(|(_, entries)| entries);
    entries.map(|entry| entry.data.len()).sum::<usize>() + log.map_or(0, <[u8]>::len)
}
