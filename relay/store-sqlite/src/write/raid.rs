use raidcast_store::{Account, AccountId, RaidRow, Tickets, code};
use sqlx::sqlite::SqliteConnection;

use super::refused;
use crate::queue::{Failure, Write};
use crate::row::tickets;

/// Keeps an account, or finds the one that somebody else has just kept.
pub(crate) struct AddAccount {
    pub(crate) name: String,
    pub(crate) channel: String,
}

impl Write for AddAccount {
    type Output = Account;

    async fn run(&self, connection: &mut SqliteConnection) -> Result<Account, Failure> {
        sqlx::query!(
            "INSERT INTO accounts (name, channel) VALUES (?1, ?2) ON CONFLICT (name) DO NOTHING",
            self.name,
            self.channel,
        )
        .execute(&mut *connection)
        .await?;
        let held = sqlx::query!("SELECT row, name, channel FROM accounts WHERE name = ?1", self.name)
            .fetch_one(connection)
            .await?;
        Ok(Account { id: AccountId(held.row), name: held.name, channel: held.channel })
    }
}

/// Keeps a new raid. Others that claim to have been active later were so before.
pub(crate) struct InsertRaid(pub(crate) RaidRow);

impl Write for InsertRaid {
    type Output = ();

    async fn run(&self, connection: &mut SqliteConnection) -> Result<(), Failure> {
        let raid = &self.0;
        let id = raid.id.0.as_bytes().as_slice();
        let digest = raid.secret_digest.as_slice();
        let visibility = code::of_visibility(raid.visibility);
        sqlx::query!(
            "INSERT INTO raids
                 (id, account, code, secret_digest, title, visibility, created_at_ms, active_at_ms, closed, history)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            id,
            raid.account.0,
            raid.code,
            digest,
            raid.title,
            visibility,
            raid.created_at_ms,
            raid.active_at_ms,
            raid.closed,
            raid.history,
        )
        .execute(&mut *connection)
        .await?;
        sqlx::query!(
            "UPDATE raids SET active_at_ms = ?2 - 1 WHERE account = ?1 AND active_at_ms > ?2",
            raid.account.0,
            raid.active_at_ms,
        )
        .execute(connection)
        .await?;
        Ok(())
    }
}

/// Replaces what may change of a raid.
pub(crate) struct UpdateRaid(pub(crate) RaidRow);

impl Write for UpdateRaid {
    type Output = ();

    async fn run(&self, connection: &mut SqliteConnection) -> Result<(), Failure> {
        let raid = &self.0;
        let id = raid.id.0.as_bytes().as_slice();
        let visibility = code::of_visibility(raid.visibility);
        let held = sqlx::query!(
            r#"UPDATE raids SET title = ?2, visibility = ?3, closed = ?4 WHERE id = ?1 RETURNING row AS "row!""#,
            id,
            raid.title,
            visibility,
            raid.closed,
        )
        .fetch_optional(&mut *connection)
        .await?
        .ok_or_else(|| refused(format!("no raid {}", raid.code)))?;
        sqlx::query!(
            "UPDATE encounters SET visibility = ?2 WHERE raid = ?1 AND visibility <> ?2",
            held.row,
            visibility,
        )
        .execute(connection)
        .await?;
        Ok(())
    }
}

/// Says that a raid is active now. Others that claim to have been active later were so before.
pub(crate) struct TouchRaid {
    pub(crate) code: String,
    pub(crate) active_at_ms: i64,
}

impl Write for TouchRaid {
    type Output = ();

    async fn run(&self, connection: &mut SqliteConnection) -> Result<(), Failure> {
        let touched = sqlx::query!(
            "UPDATE raids SET active_at_ms = CASE WHEN code = ?1 THEN ?2 ELSE ?2 - 1 END
             WHERE account = (SELECT account FROM raids WHERE code = ?1) AND (code = ?1 OR active_at_ms > ?2)",
            self.code,
            self.active_at_ms,
        )
        .execute(connection)
        .await?;
        match touched.rows_affected() {
            0 => Err(refused(format!("no raid {}", self.code))),
            _ => Ok(()),
        }
    }
}

/// Counts the tickets of a raid and of its account's channel on.
pub(crate) struct RenewTickets {
    pub(crate) code: String,
}

impl Write for RenewTickets {
    type Output = Option<Tickets>;

    async fn run(&self, connection: &mut SqliteConnection) -> Result<Option<Tickets>, Failure> {
        let raid = sqlx::query!(
            "UPDATE raids SET tickets = tickets + 1 WHERE code = ?1 RETURNING tickets, account",
            self.code,
        )
        .fetch_optional(&mut *connection)
        .await?;
        let Some(raid) = raid else { return Ok(None) };
        let channel = sqlx::query_scalar!(
            "UPDATE accounts SET tickets = tickets + 1 WHERE row = ?1 RETURNING tickets",
            raid.account,
        )
        .fetch_one(connection)
        .await?;
        Ok(Some(tickets(raid.tickets, channel).map_err(Failure::Refused)?))
    }
}
