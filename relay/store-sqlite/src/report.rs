//! Reports, and the lists of them.

use bytes::Bytes;
use raidcast_shared::id::EncounterId;
use raidcast_shared::uplink::ReportState;
use raidcast_store::row::{LineColumns, Names, figure, part_of, readable};
use raidcast_store::{
    AccountId, EncounterRow, KeptReport, ListPart, PublicReports, ReportLine, ReportPlace, Reports, StoreError,
    StoreFuture, code, derive_job,
};
use sqlx::sqlite::SqliteConnection;

use crate::SqliteStore;
use crate::encounter::of_report;
use crate::error::Failure;
use crate::job::Change;
use crate::jobs::put_job;
use crate::journal::seal;

/// Selects what lists show of encounters; what follows is the rest of the statement and its arguments.
macro_rules! select_lines {
    ($rest:tt $(, $argument:expr)*) => {
        sqlx::query_as!(
            LineColumns,
            r#"SELECT e.row AS "row!", e.report_id, e.encounter_id, r.code AS raid_code, r.visibility AS live, e.state, e.revision, e.started_at_ms,
                    e.ended_at_ms, e.duration_ms, e.damage_ms, e.outcome, e.scene, e.scene_id, e.difficulty, e.bosses, e.players,
                    e.damage, e.boss_damage, e.healing, e.damage_taken, e.hits, e.heal_hits, e.deaths,
                    e.stub AS "stub: bool", e.verified AS "verified: bool",
                    e.created_at_ms, e.kept_at_ms, r.delay_ms, r.shown_until_ms
             FROM encounters e JOIN raids r ON r.row = e.raid "# + $rest
            $(, $argument)*
        )
    };
}

impl Reports for SqliteStore {
    fn keep_report<'a>(&'a self, report: &'a KeptReport) -> StoreFuture<'a, ()> {
        self.write(KeepReport(report.clone()))
    }

    fn reopen_report(&self, encounter: i64) -> StoreFuture<'_, ()> {
        self.write(ReopenReport { encounter })
    }

    fn report_row<'a>(&'a self, report_id: &'a str) -> StoreFuture<'a, Option<EncounterRow>> {
        Self::read(async move { of_report(&mut *self.readers.acquire().await?, report_id).await })
    }

    fn report<'a>(&'a self, report_id: &'a str) -> StoreFuture<'a, Option<(EncounterRow, Option<Bytes>)>> {
        Self::read(async move {
            let mut transaction = self.readers.begin().await?;
            let Some(encounter) = of_report(&mut transaction, report_id).await? else { return Ok(None) };
            let record = sqlx::query_scalar!("SELECT record FROM encounter_record WHERE encounter = ?1", encounter.row)
                .fetch_optional(&mut *transaction)
                .await?;
            transaction.commit().await?;
            Ok(Some((encounter, record.map(Bytes::from))))
        })
    }

    fn report_log<'a>(&'a self, report_id: &'a str) -> StoreFuture<'a, Option<Bytes>> {
        Self::read(async move {
            let log = sqlx::query_scalar!(
                "SELECT l.log FROM encounters e JOIN encounter_log l ON l.encounter = e.row WHERE e.report_id = ?1",
                report_id
            )
            .fetch_optional(&self.readers)
            .await?;
            Ok(log.map(Bytes::from))
        })
    }

    fn report_of(&self, account: AccountId, id: EncounterId) -> StoreFuture<'_, Option<String>> {
        Self::read(async move {
            let id = id.0.as_bytes().as_slice();
            Ok(sqlx::query_scalar!(
                "SELECT report_id FROM encounters WHERE account = ?1 AND encounter_id = ?2",
                account.0,
                id
            )
            .fetch_optional(&self.readers)
            .await?)
        })
    }

    fn public_reports(&self, part: ListPart, now_ms: i64) -> StoreFuture<'_, PublicReports> {
        Self::read(async move {
            let ReportPlace { started_at_ms, encounter } = part.after();
            let (take, offset) = (i64::from(part.limit()) + 1, part.offset());
            let mut transaction = self.readers.begin().await?;
            let lines = select_lines!(
                "WHERE e.visibility = 0 AND (e.started_at_ms, e.row) < (?4, ?5)
                   AND (r.visibility = 0 OR (e.state <> 0
                        AND (r.delay_ms = 0 OR e.kept_at_ms <= max(iif(r.shown_until_ms <= ?3, r.shown_until_ms, 0), ?3 - r.delay_ms))))
                   AND (r.delay_ms = 0 OR e.created_at_ms <= max(iif(r.shown_until_ms <= ?3, r.shown_until_ms, 0), ?3 - r.delay_ms))
                 ORDER BY e.started_at_ms DESC, e.row DESC LIMIT ?1 OFFSET ?2",
                take,
                offset,
                now_ms,
                started_at_ms,
                encounter
            )
            .fetch_all(&mut *transaction)
            .await?;
            let total = match part {
                ListPart::Page(_) => Some(count_public(&mut transaction, now_ms).await?),
                ListPart::After { .. } => None,
            };
            transaction.commit().await?;
            let (lines, next) = part_of(lines, part.limit());
            Ok(PublicReports { lines, total, next })
        })
    }

    fn raid_reports<'a>(&'a self, raid_code: &'a str) -> StoreFuture<'a, Vec<ReportLine>> {
        Self::read(async move {
            let lines = select_lines!("WHERE r.code = ?1 ORDER BY e.started_at_ms DESC, e.row DESC", raid_code)
                .fetch_all(&self.readers)
                .await?;
            Ok(readable(lines))
        })
    }
}

/// How many public reports are listed at a time.
async fn count_public(connection: &mut SqliteConnection, now_ms: i64) -> Result<u64, Failure> {
    let count = sqlx::query_scalar!(
        "SELECT (SELECT count(*) FROM encounters WHERE visibility = 0)
                      - (SELECT count(*) FROM encounters e JOIN raids r ON r.row = e.raid
                         WHERE e.state = 0 AND e.visibility = 0 AND r.visibility <> 0) AS \"count!: i64\""
    )
    .fetch_one(&mut *connection)
    .await?;
    // Those that the lines leave out are of raids that were active since then.
    let held_back = sqlx::query_scalar!(
        "SELECT count(*) FROM raids r JOIN encounters e ON e.raid = r.row
                 WHERE r.delay_ms > 0 AND r.active_at_ms > ?1 - 86400000
                   AND (r.visibility <> 0 OR r.active_at_ms > ?1 - 600000) AND e.visibility = 0
                   AND (e.state <> 0 OR r.visibility = 0)
                   AND (CASE WHEN r.visibility = 0 THEN e.created_at_ms ELSE COALESCE(e.kept_at_ms, ?1) END)
                       > max(iif(r.shown_until_ms <= ?1, r.shown_until_ms, 0), ?1 - r.delay_ms)",
        now_ms
    )
    .fetch_one(connection)
    .await?;
    Ok((count - held_back).cast_unsigned())
}

/// Lines of final public reports of these encounters, a JSON list, in its order.
pub(crate) async fn lines_of(
    connection: &mut SqliteConnection,
    encounters: &str,
) -> Result<Vec<LineColumns>, sqlx::Error> {
    select_lines!(
        "JOIN json_each(?1) o ON o.value = e.row WHERE e.visibility = 0 AND e.state = 2 ORDER BY o.key",
        encounters
    )
    .fetch_all(connection)
    .await
}

/// Keeps a report, and where it is final the log in place of the journal.
struct KeepReport(KeptReport);

impl Change for KeepReport {
    type Output = ();

    fn bytes(&self) -> usize {
        bytes(&self.0)
    }

    async fn run(&self, connection: &mut SqliteConnection) -> Result<(), Failure> {
        keep(connection, self.0.encounter, &self.0).await
    }
}

/// About how many bytes a report adds.
pub(crate) fn bytes(report: &KeptReport) -> usize {
    report.record.len() + report.log.as_ref().map_or(0, Bytes::len)
}

/// Keeps a report of an encounter, whatever the report says whose it is.
pub(crate) async fn keep(
    connection: &mut SqliteConnection,
    encounter: i64,
    report: &KeptReport,
) -> Result<(), Failure> {
    keep_line(connection, encounter, report).await?;
    let record = &report.record[..];
    sqlx::query!(
        "INSERT INTO encounter_record (encounter, record) VALUES (?1, ?2)
         ON CONFLICT (encounter) DO UPDATE SET record = excluded.record",
        encounter,
        record,
    )
    .execute(&mut *connection)
    .await?;
    match report.log.as_deref().filter(|_| report.state == ReportState::Final) {
        Some(log) => seal(connection, encounter, log).await,
        None => Ok(()),
    }
}

/// Keeps where the report stands and what lists show.
async fn keep_line(connection: &mut SqliteConnection, encounter: i64, report: &KeptReport) -> Result<(), Failure> {
    let line = &report.line;
    let state = code::of_state(report.state);
    let stream = report.stream.0.as_bytes().as_slice();
    let outcome = code::of_outcome(line.outcome);
    let bosses = Names::to_json(&line.bosses);
    let damage = line.totals.damage.cast_signed();
    let boss_damage = figure(line.totals.boss_damage);
    let healing = line.totals.healing.cast_signed();
    let damage_taken = figure(line.totals.damage_taken);
    let hits = line.totals.hits.cast_signed();
    let heal_hits = line.totals.heal_hits.cast_signed();
    let deaths = figure(line.totals.deaths);
    let kept = sqlx::query!(
        r#"UPDATE encounters SET
             state = ?2, revision = ?3, kept_stream = ?4, kept_at_ms = ?5,
             ended_at_ms = ?6, duration_ms = ?7, outcome = ?8, scene = ?9, scene_id = ?10, difficulty = ?11,
             bosses = ?12, players = ?13, damage = ?14, boss_damage = ?15, healing = ?16, damage_taken = ?17,
             hits = ?18, heal_hits = ?19, deaths = ?20, damage_ms = ?21, stub = ?22, verified = ?23
         WHERE row = ?1
         RETURNING account AS "account!: i64", report_id AS "report_id!: String""#,
        encounter,
        state,
        report.revision,
        stream,
        report.kept_at_ms,
        line.ended_at_ms,
        line.duration_ms,
        outcome,
        line.place.scene,
        line.place.scene_id,
        line.place.difficulty,
        bosses,
        line.players,
        damage,
        boss_damage,
        healing,
        damage_taken,
        hits,
        heal_hits,
        deaths,
        line.damage_ms,
        line.stub,
        line.verified,
    )
    .fetch_optional(&mut *connection)
    .await?;
    let kept = kept.ok_or_else(|| StoreError::Damaged(format!("no encounter {encounter}")))?;
    let (account, revision) = (AccountId(kept.account), report.revision.into());
    put_job(connection, &derive_job(account, encounter, revision, &kept.report_id, report.kept_at_ms)).await?;
    Ok(())
}

/// Makes a provisional report live again.
struct ReopenReport {
    encounter: i64,
}

impl Change for ReopenReport {
    type Output = ();

    async fn run(&self, connection: &mut SqliteConnection) -> Result<(), Failure> {
        // One that is live already stays so: the call may have been repeated.
        let reopened =
            sqlx::query!("UPDATE encounters SET state = 0 WHERE row = ?1 AND state IN (0, 1)", self.encounter)
                .execute(connection)
                .await?;
        match reopened.rows_affected() {
            0 => {
                Err(StoreError::Damaged(format!("no encounter {} whose report may be reopened", self.encounter)).into())
            }
            _ => Ok(()),
        }
    }
}
