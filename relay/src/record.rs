//! What is kept of a report: its record, and its line in lists.

use bytes::Bytes;
use raidcast_shared::codec;
use raidcast_shared::fold::EncounterState;
use raidcast_shared::id::ActorId;
use raidcast_shared::report::{Report, ReportSummary, Unverified};
use raidcast_shared::uplink::{Ending, Outcome, ReportState};
use raidcast_shared::view::{self, Audience, Shown};
use raidcast_store::{EncounterRow, ReportLine, StoreError};

/// Compression of records: they are small.
const ZSTD_LEVEL: i32 = 9;

/// The report of a state, as an audience may see it.
pub fn report(
    audience: &Audience,
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
        raid: if audience.knows_raid() { row.raid_code.clone() } else { String::new() },
        state: at,
        revision,
        visibility: row.seen_by(),
        names: row.names,
        // Only what is uploaded whole is signed: what the fight's stream tells meanwhile is not.
        verified: row.verified && at == ReportState::Final,
        note: (!notes.is_empty()).then(|| notes.join(" ")),
        unverified,
        meter_differs: ending
            .and_then(|ending| ending.meter.as_ref())
            .and_then(|meter| view::meter_differs(shown, meter)),
        fight,
    }
}

/// What the store keeps of a report for lists.
pub fn line(row: &EncounterRow, report: &Report, kept_at_ms: i64) -> ReportLine {
    let line = report.summary();
    ReportLine {
        report_id: line.report_id,
        encounter: row.key.encounter,
        raid_code: row.raid_code.clone(),
        live: row.visibility,
        state: line.state,
        revision: line.revision,
        started_at_ms: line.started_at_ms,
        ended_at_ms: line.ended_at_ms,
        duration_ms: line.duration_ms,
        damage_ms: line.damage_ms,
        outcome: line.outcome,
        place: line.encounter,
        bosses: line.bosses,
        players: line.players,
        totals: line.totals,
        stub: line.stub,
        verified: line.verified,
        created_at_ms: row.created_at_ms,
        kept_at_ms: Some(kept_at_ms),
        delay: row.delay,
    }
}

/// A list's line, as an audience may see it.
pub fn summary(audience: &Audience, line: ReportLine) -> ReportSummary {
    ReportSummary {
        report_id: line.report_id,
        raid: if audience.knows_raid() { line.raid_code } else { String::new() },
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
        stub: line.stub,
        verified: line.verified,
    }
}

/// A record's bytes.
pub fn encode_record(report: &Report) -> Bytes {
    zstd::bulk::compress(&codec::encode(report), ZSTD_LEVEL).expect("zstd compresses any bytes").into()
}

/// What was kept of a fight: shown to nobody but an audience.
pub struct Kept(Report);

impl Kept {
    /// All of it, for what is kept again and for what is derived.
    pub(crate) fn whole(self) -> Report {
        self.0
    }

    /// The report, for an audience from which nobody in it is hidden; `None` for any other: for it the log is folded.
    pub fn shown_to(self, audience: &Audience) -> Option<Report> {
        let is_whole = audience.sees_everything() || (audience.knows_players() && !self.may_name_hidden(audience));
        is_whole.then_some(self.0)
    }

    /// Whether somebody is named in it who is hidden from an audience, as far as the record tells.
    fn may_name_hidden(&self, audience: &Audience) -> bool {
        let fight = &self.0.fight;
        let players = fight.players.iter().map(|player| &player.player_key);
        let mut named = players.chain(fight.deaths.iter().map(|death| &death.player_key));
        let is_hidden = |key: &String| ActorId::from_hex(key).is_none_or(|player| audience.hides(player));
        // Who killed somebody is told by name alone: one who did nothing else stands in no list, and may be anybody.
        let is_listed = |name: &str| {
            fight.players.iter().any(|player| player.name.as_deref() == Some(name))
                || fight.bosses.iter().any(|boss| boss.name == name)
        };
        let mut killers = fight.deaths.iter().filter_map(|death| death.killer.as_deref());
        named.any(is_hidden) || killers.any(|killer| !is_listed(killer))
    }
}

/// What a record holds.
pub fn decode_record(record: &[u8]) -> Result<Kept, StoreError> {
    let damaged = |why: String| StoreError::Damaged(format!("a report's record: {why}"));
    let bytes = zstd::stream::decode_all(record).map_err(|error| damaged(error.to_string()))?;
    codec::decode(&bytes, usize::MAX).map(Kept).map_err(|error| damaged(error.to_string()))
}
