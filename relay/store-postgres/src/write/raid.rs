use raidcast_store::{Account, RaidRow, Tickets, code};
use sqlx::PgPool;

use super::refused;
use crate::error::Failure;
use crate::read;
use crate::row::tickets;

/// Finds an account, or keeps it.
pub(crate) async fn account(pool: &PgPool, name: &str, channel_if_new: &str) -> Result<Account, Failure> {
    if let Some(account) = read::account_by_name(pool, name).await? {
        return Ok(account);
    }
    sqlx::query!(
        "INSERT INTO accounts (name, channel) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING",
        name,
        channel_if_new,
    )
    .execute(pool)
    .await?;
    // This one, or the one that somebody else has just kept.
    read::account_by_name(pool, name).await?.ok_or_else(|| refused(format!("no account {name}")))
}

/// Keeps a new raid. Others that claim to have been active later were so before.
pub(crate) async fn insert_raid(pool: &PgPool, raid: &RaidRow) -> Result<(), Failure> {
    let mut transaction = pool.begin().await?;
    sqlx::query!(
        "INSERT INTO raids
             (id, account, code, secret_digest, title, visibility, created_at_ms, active_at_ms, closed, history)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
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
    )
    .execute(&mut *transaction)
    .await?;
    sqlx::query!(
        "UPDATE raids SET active_at_ms = $2::bigint - 1 WHERE account = $1 AND active_at_ms > $2::bigint",
        raid.account.0,
        raid.active_at_ms,
    )
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(())
}

/// Replaces what may change of a raid.
pub(crate) async fn update_raid(pool: &PgPool, raid: &RaidRow) -> Result<(), Failure> {
    let visibility = code::of_visibility(raid.visibility);
    let mut transaction = pool.begin().await?;
    let held = sqlx::query_scalar!(
        "UPDATE raids SET title = $2, visibility = $3, closed = $4 WHERE id = $1 RETURNING row",
        raid.id.0,
        raid.title,
        visibility,
        raid.closed,
    )
    .fetch_optional(&mut *transaction)
    .await?
    .ok_or_else(|| refused(format!("no raid {}", raid.code)))?;
    sqlx::query!("UPDATE encounters SET visibility = $2 WHERE raid = $1 AND visibility <> $2", held, visibility)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(())
}

/// Says that a raid is active now. Others that claim to have been active later were so before.
pub(crate) async fn touch_raid(pool: &PgPool, code: &str, active_at_ms: i64) -> Result<(), Failure> {
    let touched = sqlx::query!(
        "UPDATE raids SET active_at_ms = CASE WHEN code = $1 THEN $2::bigint ELSE $2::bigint - 1 END
         WHERE account = (SELECT account FROM raids WHERE code = $1) AND (code = $1 OR active_at_ms > $2::bigint)",
        code,
        active_at_ms,
    )
    .execute(pool)
    .await?;
    match touched.rows_affected() {
        0 => Err(refused(format!("no raid {code}"))),
        _ => Ok(()),
    }
}

/// Counts the tickets of a raid and of its account's channel on.
pub(crate) async fn renew_tickets(pool: &PgPool, code: &str) -> Result<Option<Tickets>, Failure> {
    let mut transaction = pool.begin().await?;
    let raid = sqlx::query!("UPDATE raids SET tickets = tickets + 1 WHERE code = $1 RETURNING tickets, account", code)
        .fetch_optional(&mut *transaction)
        .await?;
    let Some(raid) = raid else { return Ok(None) };
    let channel =
        sqlx::query_scalar!("UPDATE accounts SET tickets = tickets + 1 WHERE row = $1 RETURNING tickets", raid.account)
            .fetch_one(&mut *transaction)
            .await?;
    transaction.commit().await?;
    Ok(Some(tickets(raid.tickets, channel)?))
}
