use raidcast_shared::uplink::ReportState;
use raidcast_store::{KeptReport, code};
use sqlx::{PgConnection, PgPool};

use super::refused;
use crate::error::Failure;

/// Keeps a report, and where it is final the log in place of the journal.
pub(crate) async fn keep_report(pool: &PgPool, report: &KeptReport) -> Result<(), Failure> {
    let mut transaction = pool.begin().await?;
    keep_line(&mut transaction, report).await?;
    sqlx::query!(
        "INSERT INTO encounter_record (encounter, record) VALUES ($1, $2)
         ON CONFLICT (encounter) DO UPDATE SET record = excluded.record",
        report.encounter,
        &report.record[..],
    )
    .execute(&mut *transaction)
    .await?;
    if let Some(log) = report.log.as_deref().filter(|_| report.state == ReportState::Final) {
        sqlx::query!(
            "INSERT INTO encounter_log (encounter, log) VALUES ($1, $2)
             ON CONFLICT (encounter) DO UPDATE SET log = excluded.log",
            report.encounter,
            log,
        )
        .execute(&mut *transaction)
        .await?;
        // Their entries go with them. In the order in which the journal's writer locks them.
        sqlx::query!(
            "DELETE FROM encounter_stream
             WHERE row IN (SELECT row FROM encounter_stream WHERE encounter = $1 ORDER BY row FOR UPDATE)",
            report.encounter
        )
        .execute(&mut *transaction)
        .await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// Keeps where the report stands and what lists show.
async fn keep_line(connection: &mut PgConnection, report: &KeptReport) -> Result<(), Failure> {
    let line = &report.line;
    let kept = sqlx::query!(
        "UPDATE encounters SET
             state = $2, revision = $3, kept_stream = $4, kept_at_ms = $5,
             ended_at_ms = $6, duration_ms = $7, outcome = $8, scene = $9, scene_id = $10, difficulty = $11,
             bosses = $12, players = $13, damage = $14, boss_damage = $15, healing = $16, damage_taken = $17,
             hits = $18, heal_hits = $19, deaths = $20, damage_ms = $21
         WHERE row = $1",
        report.encounter,
        code::of_state(report.state),
        i64::from(report.revision),
        report.stream.0,
        report.kept_at_ms,
        line.ended_at_ms,
        i64::from(line.duration_ms),
        code::of_outcome(line.outcome),
        line.place.scene,
        line.place.scene_id,
        line.place.difficulty,
        &line.bosses[..],
        i64::from(line.players),
        line.totals.damage.cast_signed(),
        line.totals.boss_damage.cast_signed(),
        line.totals.healing.cast_signed(),
        line.totals.damage_taken.cast_signed(),
        line.totals.hits.cast_signed(),
        line.totals.heal_hits.cast_signed(),
        line.totals.deaths.cast_signed(),
        line.damage_ms.map(i64::from),
    )
    .execute(connection)
    .await?;
    match kept.rows_affected() {
        0 => Err(refused(format!("no encounter {}", report.encounter))),
        _ => Ok(()),
    }
}

/// Makes a provisional report live again.
pub(crate) async fn reopen_report(pool: &PgPool, encounter: i64) -> Result<(), Failure> {
    // One that is live already stays so: the call may have been repeated.
    let reopened = sqlx::query!("UPDATE encounters SET state = 0 WHERE row = $1 AND state IN (0, 1)", encounter)
        .execute(pool)
        .await?;
    match reopened.rows_affected() {
        0 => Err(refused(format!("no encounter {encounter} whose report may be reopened"))),
        _ => Ok(()),
    }
}
