//! Raids.

use raidcast_shared::id::RaidId;
use raidcast_shared::limits::RAID_IDLE_MS;
use raidcast_shared::uplink::{ReportState, Visibility};
use raidcast_store::row::{RaidColumns, tickets};
use raidcast_store::search::Listed;
use raidcast_store::{AccountId, Note, RaidRow, Raids, StoreError, StoreFuture, Tickets, code, no_account};
use sqlx::PgConnection;

use crate::PostgresStore;
use crate::audit::put_note;
use crate::error::Failure;
use crate::search_rows::{list_raid, lock};
use crate::webhook::{tell_of_night, tell_of_raid_by_code};

/// Selects raids; what follows is the rest of the statement and its arguments.
macro_rules! select_raids {
    ($rest:tt $(, $argument:expr)*) => {
        sqlx::query_as!(
            RaidColumns,
            "SELECT r.id, r.account, r.code, r.secret_digest, r.title, r.visibility,
                    r.report_visibility, r.said_visibility, r.said_report_visibility, r.names, r.delay_ms,
                    r.shown_until_ms, r.created_at_ms, r.active_at_ms, r.closed, r.history, r.tickets, a.tickets AS channel_tickets
             FROM raids r JOIN accounts a ON a.row = r.account " + $rest
            $(, $argument)*
        )
    };
}

impl Raids for PostgresStore {
    fn insert_raid<'a>(&'a self, raid: &'a RaidRow) -> StoreFuture<'a, ()> {
        Self::answer(async move {
            let mut transaction = self.begin().await?;
            let inserted = sqlx::query!(
                "INSERT INTO raids
                     (id, account, code, secret_digest, title, visibility, created_at_ms, active_at_ms, closed, history,
                      names, delay_ms, shown_until_ms, report_visibility)
                 SELECT $1, row, $3, $4, $5, $6::SMALLINT, $7, $8, $9, $10, $11::SMALLINT, $12::BIGINT, $13, $14::BIGINT
                 FROM accounts WHERE row = $2 AND name NOT LIKE '@gone-%' FOR KEY SHARE",
                raid.id.0,
                raid.account.0,
                raid.code,
                &raid.secret_digest[..],
                raid.title,
                code::of_visibility(raid.visibility),
                raid.created_at_ms,
                raid.active_at_ms,
                raid.closed,
                raid.history,
                code::of_names(raid.names),
                raid.delay.ms,
                raid.delay.shown_until_ms,
                raid.report_visibility.map(code_of),
            )
            .execute(&mut *transaction)
            .await?;
            if inserted.rows_affected() == 0 {
                return Err(no_account(raid.account).into());
            }
            sqlx::query!(
                "UPDATE raids SET active_at_ms = $2::bigint - 1 WHERE account = $1 AND active_at_ms > $2::bigint",
                raid.account.0,
                raid.active_at_ms,
            )
            .execute(&mut *transaction)
            .await?;
            Ok(transaction.commit().await?)
        })
    }

    fn update_raid<'a>(&'a self, raid: &'a RaidRow, note: Option<Note>) -> StoreFuture<'a, ()> {
        Self::answer(async move {
            let mut transaction = self.begin().await?;
            if !update(&mut transaction, raid, false).await? {
                transaction.rollback().await?;
                transaction = self.begin().await?;
                lock(&mut transaction).await?;
                update(&mut transaction, raid, true).await?;
            }
            // Where it hides names from now on, others that name them are told without it.
            tell_of_night(&mut transaction, &raid.code).await?;
            if let Some(note) = note {
                put_note(&mut transaction, &note).await?;
            }
            Ok(transaction.commit().await?)
        })
    }

    fn clear_title<'a>(&'a self, code: &'a str, note: Note) -> StoreFuture<'a, bool> {
        Self::answer(async move {
            let mut transaction = self.begin().await?;
            let held = sqlx::query_scalar!("SELECT title_cleared FROM raids WHERE code = $1 FOR NO KEY UPDATE", code)
                .fetch_optional(&mut *transaction)
                .await?;
            let Some(held) = held else { return Ok(false) };
            if held {
                return Ok(true);
            }
            sqlx::query!("UPDATE raids SET title = NULL, title_cleared = TRUE WHERE code = $1", code)
                .execute(&mut *transaction)
                .await?;
            tell_of_raid_by_code(&mut transaction, code).await?;
            put_note(&mut transaction, &note).await?;
            transaction.commit().await?;
            Ok(true)
        })
    }

    fn touch_raid<'a>(&'a self, code: &'a str, active_at_ms: i64) -> StoreFuture<'a, ()> {
        Self::answer(async move {
            // Others that claim to have been active later were so before.
            let touched = sqlx::query!(
                "UPDATE raids SET active_at_ms = CASE WHEN code = $1 THEN $2::bigint ELSE $2::bigint - 1 END
                 WHERE account = (SELECT account FROM raids WHERE code = $1)
                   AND (code = $1 OR active_at_ms > $2::bigint)",
                code,
                active_at_ms,
            )
            .execute(&self.pool)
            .await?;
            match touched.rows_affected() {
                0 => Err(StoreError::Damaged(format!("no raid {code}")).into()),
                _ => Ok(()),
            }
        })
    }

    fn renew_tickets<'a>(&'a self, code: &'a str) -> StoreFuture<'a, Option<Tickets>> {
        Self::answer(async move {
            let mut transaction = self.begin().await?;
            let raid =
                sqlx::query!("UPDATE raids SET tickets = tickets + 1 WHERE code = $1 RETURNING tickets, account", code)
                    .fetch_optional(&mut *transaction)
                    .await?;
            let Some(raid) = raid else { return Ok(None) };
            let channel = sqlx::query_scalar!(
                "UPDATE accounts SET tickets = tickets + 1 WHERE row = $1 RETURNING tickets",
                raid.account
            )
            .fetch_one(&mut *transaction)
            .await?;
            transaction.commit().await?;
            Ok(Some(tickets(raid.tickets, channel)?))
        })
    }

    fn raid_by_id(&self, id: RaidId) -> StoreFuture<'_, Option<RaidRow>> {
        Self::answer(async move {
            let columns = select_raids!("WHERE r.id = $1", id.0).fetch_optional(&self.pool).await?;
            Ok(columns.map(RaidRow::try_from).transpose()?)
        })
    }

    fn raid_by_code<'a>(&'a self, code: &'a str) -> StoreFuture<'a, Option<RaidRow>> {
        Self::answer(async move {
            if !Self::is_storable(code) {
                return Ok(None);
            }
            let columns = select_raids!("WHERE r.code = $1", code).fetch_optional(&self.pool).await?;
            Ok(columns.map(RaidRow::try_from).transpose()?)
        })
    }

    fn newest_raid(&self, account: AccountId) -> StoreFuture<'_, Option<RaidRow>> {
        Self::answer(async move {
            let columns = select_raids!(
                "WHERE r.row = COALESCE(
                     (SELECT f.row FROM raids f
                      WHERE f.account = $1 AND f.history = FALSE
                        AND EXISTS (SELECT 1 FROM encounters e WHERE e.raid = f.row)
                        AND f.active_at_ms >= (SELECT max(n.active_at_ms) FROM raids n
                                               WHERE n.account = $1 AND n.history = FALSE) - $2::BIGINT
                      ORDER BY f.active_at_ms DESC, f.row DESC LIMIT 1),
                     (SELECT n.row FROM raids n WHERE n.account = $1
                      ORDER BY n.history, n.active_at_ms DESC, n.row DESC LIMIT 1))",
                account.0,
                RAID_IDLE_MS
            )
            .fetch_optional(&self.pool)
            .await?;
            Ok(columns.map(RaidRow::try_from).transpose()?)
        })
    }
}

/// Replaces what may change of a raid; `false`, and nothing is changed, where that takes the lock of names, which comes
/// before the raid's, and it is not held.
async fn update(connection: &mut PgConnection, raid: &RaidRow, has_names: bool) -> Result<bool, Failure> {
    let (visibility, names) = (code::of_visibility(raid.visibility), code::of_names(raid.names));
    let reports = code_of(raid.shown_to().reports());
    let held = sqlx::query!(
        r#"SELECT row, visibility, COALESCE(report_visibility, visibility) AS "reports!", names FROM raids WHERE id = $1
           FOR NO KEY UPDATE"#,
        raid.id.0
    )
    .fetch_optional(&mut *connection)
    .await?
    .ok_or_else(|| StoreError::Damaged(format!("no raid {}", raid.code)))?;
    // What is found tells of a raid as long as that is public.
    let is_listed_anew = (held.visibility, held.reports, held.names) != (visibility, reports, names);
    if is_listed_anew && !has_names {
        return Ok(false);
    }
    sqlx::query!(
        "UPDATE raids SET title = CASE WHEN title_cleared THEN NULL ELSE $2 END, visibility = $3, closed = $4, names = $5,
                          delay_ms = $6, shown_until_ms = $7,
                          report_visibility = $8, said_visibility = $9, said_report_visibility = $10
         WHERE row = $1",
        held.row,
        raid.title,
        visibility,
        raid.closed,
        names,
        raid.delay.ms,
        raid.delay.shown_until_ms,
        raid.report_visibility.map(code_of),
        raid.said.map(|said| code_of(said.live)),
        raid.said.and_then(|said| said.report).map(code_of),
    )
    .execute(&mut *connection)
    .await?;
    if is_listed_anew {
        sqlx::query!(
            "UPDATE encounters SET visibility = $2::bigint WHERE raid = $1 AND visibility <> $2::bigint",
            held.row,
            reports
        )
        .execute(&mut *connection)
        .await?;
        let listed = Listed::of(reports, names.into(), code::of_state(ReportState::Final).into());
        list_raid(connection, held.row, listed).await?;
    }
    Ok(true)
}

fn code_of(visibility: Visibility) -> i64 {
    code::of_visibility(visibility).into()
}
