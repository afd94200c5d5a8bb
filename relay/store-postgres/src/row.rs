//! Columns to values.

use raidcast_shared::id::{EncounterId, RaidId, StreamId};
use raidcast_shared::report::{Place, Totals};
use raidcast_store::{AccountId, EncounterKey, EncounterRow, RaidRow, ReportLine, StoreError, Tickets, code};
use uuid::Uuid;

/// An encounter as it is selected.
pub(crate) struct EncounterColumns {
    pub(crate) row: i64,
    pub(crate) account: i64,
    pub(crate) encounter_id: Uuid,
    pub(crate) report_id: String,
    pub(crate) raid_code: String,
    pub(crate) visibility: i16,
    pub(crate) started_at_ms: i64,
    pub(crate) state: i16,
    pub(crate) revision: i64,
    pub(crate) kept_stream: Option<Uuid>,
    pub(crate) tickets: i64,
    pub(crate) channel_tickets: i64,
}

impl TryFrom<EncounterColumns> for EncounterRow {
    type Error = StoreError;

    fn try_from(columns: EncounterColumns) -> Result<Self, StoreError> {
        Ok(Self {
            row: columns.row,
            key: EncounterKey { account: AccountId(columns.account), encounter: EncounterId(columns.encounter_id) },
            report_id: columns.report_id,
            raid_code: columns.raid_code,
            visibility: code::visibility(columns.visibility.into())?,
            tickets: tickets(columns.tickets, columns.channel_tickets)?,
            started_at_ms: columns.started_at_ms,
            state: code::state(columns.state.into())?,
            revision: code::small(columns.revision)?,
            kept_stream: columns.kept_stream.map(StreamId),
        })
    }
}

/// A raid as it is selected.
pub(crate) struct RaidColumns {
    pub(crate) id: Uuid,
    pub(crate) account: i64,
    pub(crate) code: String,
    pub(crate) secret_digest: Vec<u8>,
    pub(crate) title: Option<String>,
    pub(crate) visibility: i16,
    pub(crate) created_at_ms: i64,
    pub(crate) active_at_ms: i64,
    pub(crate) closed: bool,
    pub(crate) history: bool,
    pub(crate) tickets: i64,
    pub(crate) channel_tickets: i64,
}

impl TryFrom<RaidColumns> for RaidRow {
    type Error = StoreError;

    fn try_from(columns: RaidColumns) -> Result<Self, StoreError> {
        Ok(Self {
            id: RaidId(columns.id),
            account: AccountId(columns.account),
            code: columns.code,
            secret_digest: columns
                .secret_digest
                .try_into()
                .map_err(|_| StoreError::Damaged("a digest that is not 32 bytes long".into()))?,
            title: columns.title,
            visibility: code::visibility(columns.visibility.into())?,
            created_at_ms: columns.created_at_ms,
            active_at_ms: columns.active_at_ms,
            closed: columns.closed,
            history: columns.history,
            tickets: tickets(columns.tickets, columns.channel_tickets)?,
        })
    }
}

/// The numbers of good tickets.
pub(crate) fn tickets(raid: i64, channel: i64) -> Result<Tickets, StoreError> {
    Ok(Tickets { raid: code::small(raid)?, channel: code::small(channel)? })
}

/// What lists show, as it is selected.
pub(crate) struct LineColumns {
    pub(crate) report_id: String,
    pub(crate) encounter_id: Uuid,
    pub(crate) raid_code: String,
    pub(crate) state: i16,
    pub(crate) revision: i64,
    pub(crate) started_at_ms: i64,
    pub(crate) ended_at_ms: Option<i64>,
    pub(crate) duration_ms: i64,
    pub(crate) damage_ms: Option<i64>,
    pub(crate) outcome: i16,
    pub(crate) scene: Option<String>,
    pub(crate) scene_id: Option<i64>,
    pub(crate) difficulty: Option<i64>,
    pub(crate) bosses: Vec<String>,
    pub(crate) players: i64,
    pub(crate) damage: i64,
    pub(crate) boss_damage: i64,
    pub(crate) healing: i64,
    pub(crate) damage_taken: i64,
    pub(crate) hits: i64,
    pub(crate) heal_hits: i64,
    pub(crate) deaths: i64,
}

impl TryFrom<LineColumns> for ReportLine {
    type Error = StoreError;

    fn try_from(columns: LineColumns) -> Result<Self, StoreError> {
        Ok(Self {
            report_id: columns.report_id,
            encounter: EncounterId(columns.encounter_id),
            raid_code: columns.raid_code,
            state: code::state(columns.state.into())?,
            revision: code::small(columns.revision)?,
            started_at_ms: columns.started_at_ms,
            ended_at_ms: columns.ended_at_ms,
            duration_ms: code::small(columns.duration_ms)?,
            damage_ms: columns.damage_ms.map(code::small).transpose()?,
            outcome: code::outcome(columns.outcome.into())?,
            place: Place { scene: columns.scene, scene_id: columns.scene_id, difficulty: columns.difficulty },
            bosses: columns.bosses,
            players: code::small(columns.players)?,
            totals: Totals {
                damage: columns.damage.cast_unsigned(),
                boss_damage: columns.boss_damage.cast_unsigned(),
                healing: columns.healing.cast_unsigned(),
                damage_taken: columns.damage_taken.cast_unsigned(),
                hits: columns.hits.cast_unsigned(),
                heal_hits: columns.heal_hits.cast_unsigned(),
                deaths: columns.deaths.cast_unsigned(),
            },
        })
    }
}
