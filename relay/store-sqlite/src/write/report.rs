use raidcast_shared::uplink::ReportState;
use raidcast_store::{KeptReport, code};
use sqlx::sqlite::SqliteConnection;

use super::refused;
use crate::queue::{Failure, Write};
use crate::row::names_to_column;

/// Keeps a report, and where it is final the log in place of the journal.
pub(crate) struct KeepReport(pub(crate) KeptReport);

impl Write for KeepReport {
    type Output = ();

    fn bytes(&self) -> usize {
        self.0.record.len() + self.0.log.as_ref().map_or(0, bytes::Bytes::len)
    }

    async fn run(&self, connection: &mut SqliteConnection) -> Result<(), Failure> {
        let report = &self.0;
        self.keep_line(connection).await?;
        let record = &report.record[..];
        sqlx::query!(
            "INSERT INTO encounter_record (encounter, record) VALUES (?1, ?2)
             ON CONFLICT (encounter) DO UPDATE SET record = excluded.record",
            report.encounter,
            record,
        )
        .execute(&mut *connection)
        .await?;
        if report.state != ReportState::Final {
            return Ok(());
        }
        let Some(log) = report.log.as_deref() else {
            return Ok(());
        };
        sqlx::query!(
            "INSERT INTO encounter_log (encounter, log) VALUES (?1, ?2)
             ON CONFLICT (encounter) DO UPDATE SET log = excluded.log",
            report.encounter,
            log,
        )
        .execute(&mut *connection)
        .await?;
        // Their entries go with them.
        sqlx::query!("DELETE FROM encounter_stream WHERE encounter = ?1", report.encounter).execute(connection).await?;
        Ok(())
    }
}

impl KeepReport {
    /// Keeps where the report stands and what lists show.
    async fn keep_line(&self, connection: &mut SqliteConnection) -> Result<(), Failure> {
        let report = &self.0;
        let line = &report.line;
        let state = code::of_state(report.state);
        let stream = report.stream.0.as_bytes().as_slice();
        let outcome = code::of_outcome(line.outcome);
        let bosses = names_to_column(&line.bosses);
        let damage = line.totals.damage.cast_signed();
        let boss_damage = line.totals.boss_damage.cast_signed();
        let healing = line.totals.healing.cast_signed();
        let damage_taken = line.totals.damage_taken.cast_signed();
        let hits = line.totals.hits.cast_signed();
        let heal_hits = line.totals.heal_hits.cast_signed();
        let deaths = line.totals.deaths.cast_signed();
        let kept = sqlx::query!(
            "UPDATE encounters SET
                 state = ?2, revision = ?3, kept_stream = ?4, kept_at_ms = ?5,
                 ended_at_ms = ?6, duration_ms = ?7, outcome = ?8, scene = ?9, scene_id = ?10, difficulty = ?11,
                 bosses = ?12, players = ?13, damage = ?14, boss_damage = ?15, healing = ?16, damage_taken = ?17,
                 hits = ?18, heal_hits = ?19, deaths = ?20, damage_ms = ?21
             WHERE row = ?1",
            report.encounter,
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
        )
        .execute(connection)
        .await?;
        match kept.rows_affected() {
            0 => Err(refused(format!("no encounter {}", report.encounter))),
            _ => Ok(()),
        }
    }
}

/// Makes a provisional report live again.
pub(crate) struct ReopenReport {
    pub(crate) encounter: i64,
}

impl Write for ReopenReport {
    type Output = ();

    async fn run(&self, connection: &mut SqliteConnection) -> Result<(), Failure> {
        // One that is live already stays so: the call may have been repeated.
        let reopened =
            sqlx::query!("UPDATE encounters SET state = 0 WHERE row = ?1 AND state IN (0, 1)", self.encounter)
                .execute(connection)
                .await?;
        match reopened.rows_affected() {
            0 => Err(refused(format!("no encounter {} whose report may be reopened", self.encounter))),
            _ => Ok(()),
        }
    }
}
