//! Webhooks, and which message tells of which raid.
//!
//! A job that tells begins to count at a number by chance: one that is written after another of its name was removed is not
//! taken for that one by who has it still.

use raidcast_store::row::{WebhookColumns, WebhookMessageColumns};
use raidcast_store::{
    AccountId, JobKey, NIGHT_PAIRS_MAX, NewWebhook, NightPair, Note, StoreFuture, WebhookMessage, WebhookRow,
    WebhookStop, Webhooks, code,
};
use sqlx::sqlite::SqliteConnection;

use crate::SqliteStore;
use crate::audit::put_note;
use crate::error::Failure;
use crate::job::Change;
use crate::jobs::wipe_later;

impl Webhooks for SqliteStore {
    fn set_webhook<'a>(&'a self, new: &'a NewWebhook) -> StoreFuture<'a, bool> {
        self.write(SetWebhook(new.clone()))
    }

    fn webhook(&self, account: AccountId) -> StoreFuture<'_, Option<WebhookRow>> {
        Self::read(async move {
            let columns = sqlx::query_as!(
                WebhookColumns,
                r#"SELECT account AS "account!", digest, sealed, host, set_at_ms, sent_at_ms, stopped, stopped_at_ms
                   FROM webhooks WHERE account = ?1"#,
                account.0,
            )
            .fetch_optional(&self.readers)
            .await?;
            Ok(columns.map(WebhookRow::try_from).transpose()?)
        })
    }

    fn webhook_with<'a>(&'a self, digest: &'a [u8; 32]) -> StoreFuture<'a, Option<WebhookRow>> {
        Self::read(async move {
            let digest = digest.as_slice();
            let columns = sqlx::query_as!(
                WebhookColumns,
                r#"SELECT account AS "account!", digest AS "digest!", sealed AS "sealed!", host AS "host!",
                          set_at_ms AS "set_at_ms!", sent_at_ms, stopped, stopped_at_ms
                   FROM webhooks WHERE digest = ?1 AND stopped IS NULL ORDER BY account LIMIT 1"#,
                digest,
            )
            .fetch_optional(&self.readers)
            .await?;
            Ok(columns.map(WebhookRow::try_from).transpose()?)
        })
    }

    fn remove_webhook(&self, account: AccountId, note: Note) -> StoreFuture<'_, bool> {
        self.write(RemoveWebhook { account, note })
    }

    fn stop_webhook<'a>(&'a self, digest: &'a [u8; 32], why: WebhookStop, now_ms: i64) -> StoreFuture<'a, ()> {
        self.write(StopWebhook { digest: *digest, why, now_ms })
    }

    fn webhook_message<'a>(&'a self, raid_code: &'a str) -> StoreFuture<'a, Option<WebhookMessage>> {
        Self::read(async move {
            let columns = sqlx::query_as!(
                WebhookMessageColumns,
                r#"SELECT m.digest AS "digest!: Vec<u8>", m.message AS "message!: String",
                          m.shown AS "shown!: Vec<u8>", m.sent_at_ms AS "sent_at_ms!: i64"
                   FROM webhook_messages m JOIN raids r ON r.row = m.raid WHERE r.code = ?1"#,
                raid_code,
            )
            .fetch_optional(&self.readers)
            .await?;
            Ok(columns.map(WebhookMessage::try_from).transpose()?)
        })
    }

    fn keep_webhook_message<'a>(&'a self, raid_code: &'a str, message: &'a WebhookMessage) -> StoreFuture<'a, ()> {
        self.write(KeepMessage { raid_code: raid_code.into(), message: message.clone() })
    }

    fn drop_webhook_message<'a>(&'a self, raid_code: &'a str) -> StoreFuture<'a, ()> {
        self.write(DropMessage { raid_code: raid_code.into() })
    }

    fn same_night<'a>(&'a self, raid_code: &'a str, digest: &'a [u8; 32]) -> StoreFuture<'a, Vec<NightPair>> {
        Self::read(async move {
            let digest = digest.as_slice();
            let pairs = sqlx::query_as!(
                NightPair,
                r#"SELECT e.report_id AS "report_id!: String", q.code AS "other_raid!: String",
                          o.report_id AS "other_report!: String"
                   FROM raids r JOIN encounters e ON e.raid = r.row
                   JOIN same_fights s ON s.encounter = e.row JOIN encounters o ON o.row = s.other
                   JOIN raids q ON q.row = o.raid JOIN webhooks v ON v.account = q.account
                   WHERE r.code = ?1 AND r.names = 0 AND q.names = 0 AND v.digest = ?2 AND v.stopped IS NULL
                     AND q.row <> r.row
                   ORDER BY e.started_at_ms DESC, e.row DESC, o.row LIMIT ?3"#,
                raid_code,
                digest,
                NIGHT_PAIRS_MAX,
            )
            .fetch_all(&self.readers)
            .await?;
            Ok(pairs)
        })
    }

    fn finish_webhook_job(&self, key: JobKey, created_at_ms: i64) -> StoreFuture<'_, ()> {
        self.write_bulk(FinishJob { key, created_at_ms })
    }
}

/// A raid has something else to tell: where its account wants it told, that is to be done.
pub(crate) async fn tell_of_raid(connection: &mut SqliteConnection, raid: i64) -> Result<(), Failure> {
    sqlx::query!(
        "INSERT INTO jobs (kind, account, name, data, created_at_ms, due_at_ms)
         SELECT 4, r.account, r.id, CAST(r.code AS BLOB), abs(random() % 9007199254740991), 0
         FROM raids r JOIN webhooks w ON w.account = r.account
         WHERE r.row = ?1 AND w.stopped IS NULL
         ON CONFLICT (kind, account, name) DO UPDATE SET created_at_ms = jobs.created_at_ms + 1",
        raid,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The same of the raid that an encounter is in.
pub(crate) async fn tell_of_encounter(connection: &mut SqliteConnection, encounter: i64) -> Result<(), Failure> {
    let raid = sqlx::query_scalar!("SELECT raid FROM encounters WHERE row = ?1", encounter)
        .fetch_optional(&mut *connection)
        .await?;
    match raid {
        Some(raid) => tell_of_raid(connection, raid).await,
        None => Ok(()),
    }
}

/// The same of a raid, and of those that are told with it: what one message tells of all of them is to be less where this
/// one is to be no part of it any more.
pub(crate) async fn tell_of_night(connection: &mut SqliteConnection, raid: i64) -> Result<(), Failure> {
    tell_of_raid(&mut *connection, raid).await?;
    sqlx::query!(
        "INSERT INTO jobs (kind, account, name, data, created_at_ms, due_at_ms)
         SELECT 4, t.account, t.id, CAST(t.code AS BLOB), abs(random() % 9007199254740991), 0
         FROM (
             SELECT DISTINCT q.account, q.id, q.code
             FROM raids r JOIN webhooks w ON w.account = r.account JOIN encounters e ON e.raid = r.row
             JOIN same_fights s ON s.encounter = e.row JOIN encounters o ON o.row = s.other
             JOIN raids q ON q.row = o.raid JOIN webhooks v ON v.account = q.account
             WHERE r.row = ?1 AND q.row <> r.row AND v.digest = w.digest AND v.stopped IS NULL
         ) AS t WHERE TRUE
         ON CONFLICT (kind, account, name) DO UPDATE SET created_at_ms = jobs.created_at_ms + 1",
        raid,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// An encounter goes: its raid has something else to tell, and those that are known to be of its night by it alone. Also where
/// its account has no webhook, or another one, any more: theirs may tell of it still.
pub(crate) async fn tell_beside(connection: &mut SqliteConnection, encounter: i64) -> Result<(), Failure> {
    tell_of_encounter(&mut *connection, encounter).await?;
    sqlx::query!(
        "INSERT INTO jobs (kind, account, name, data, created_at_ms, due_at_ms)
         SELECT 4, t.account, t.id, CAST(t.code AS BLOB), abs(random() % 9007199254740991), 0
         FROM (
             SELECT DISTINCT q.account, q.id, q.code
             FROM same_fights s JOIN encounters o ON o.row = s.other
             JOIN raids q ON q.row = o.raid JOIN webhooks v ON v.account = q.account
             WHERE s.encounter = ?1 AND v.stopped IS NULL
         ) AS t WHERE TRUE
         ON CONFLICT (kind, account, name) DO UPDATE SET created_at_ms = jobs.created_at_ms + 1",
        encounter,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// A raid goes: nothing of it is to be told any more, and its message is to go from the chat, by whoever has its webhook.
pub(crate) async fn take_back(connection: &mut SqliteConnection, raid: i64) -> Result<(), Failure> {
    sqlx::query!(
        "DELETE FROM jobs WHERE kind = 4 AND (account, name) = (SELECT account, id FROM raids WHERE row = ?1)",
        raid
    )
    .execute(&mut *connection)
    .await?;
    // By a name that does not lead to the raid.
    sqlx::query!(
        "INSERT INTO jobs (kind, account, name, data, created_at_ms, due_at_ms)
         SELECT 4, w.account, substr(m.shown, 1, 16), CAST('gone:' || m.message AS BLOB), 0, 0
         FROM webhook_messages m JOIN raids r ON r.row = m.raid JOIN webhooks w ON w.digest = m.digest
         WHERE m.raid = ?1 AND w.stopped IS NULL ORDER BY w.account <> r.account, w.account LIMIT 1
         ON CONFLICT DO NOTHING",
        raid,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Sets an account's webhook.
struct SetWebhook(NewWebhook);

impl Change for SetWebhook {
    type Output = bool;

    async fn run(&self, connection: &mut SqliteConnection) -> Result<bool, Failure> {
        let NewWebhook { account, digest, sealed, host, note } = &self.0;
        let digest = digest.as_slice();
        let set = sqlx::query!(
            "INSERT INTO webhooks (account, digest, sealed, host, set_at_ms)
             SELECT row, ?2, ?3, ?4, ?5 FROM accounts WHERE row = ?1 AND name NOT LIKE '@gone-%'
             ON CONFLICT (account) DO UPDATE SET digest = excluded.digest, sealed = excluded.sealed,
                 host = excluded.host, set_at_ms = excluded.set_at_ms, sent_at_ms = NULL, stopped = NULL,
                 stopped_at_ms = NULL",
            account.0,
            digest,
            sealed,
            host,
            note.at_ms,
        )
        .execute(&mut *connection)
        .await?;
        if set.rows_affected() == 0 {
            return Ok(false);
        }
        // What waits for the one before waits no more.
        sqlx::query!("UPDATE jobs SET due_at_ms = 0, tries = 0 WHERE kind = 4 AND account = ?1", account.0)
            .execute(&mut *connection)
            .await?;
        put_note(&mut *connection, note).await?;
        // One that was there before is overwritten.
        wipe_later(connection).await?;
        Ok(true)
    }
}

/// Removes an account's webhook.
struct RemoveWebhook {
    account: AccountId,
    note: Note,
}

impl Change for RemoveWebhook {
    type Output = bool;

    async fn run(&self, connection: &mut SqliteConnection) -> Result<bool, Failure> {
        let removed = sqlx::query!("DELETE FROM webhooks WHERE account = ?1", self.account.0);
        if removed.execute(&mut *connection).await?.rows_affected() == 0 {
            return Ok(false);
        }
        sqlx::query!(
            "DELETE FROM webhook_messages WHERE raid IN (SELECT row FROM raids WHERE account = ?1)",
            self.account.0,
        )
        .execute(&mut *connection)
        .await?;
        sqlx::query!("DELETE FROM jobs WHERE kind = 4 AND account = ?1", self.account.0)
            .execute(&mut *connection)
            .await?;
        put_note(&mut *connection, &self.note).await?;
        wipe_later(connection).await?;
        Ok(true)
    }
}

/// Says that nothing is sent to a webhook any more.
struct StopWebhook {
    digest: [u8; 32],
    why: WebhookStop,
    now_ms: i64,
}

impl Change for StopWebhook {
    type Output = ();

    async fn run(&self, connection: &mut SqliteConnection) -> Result<(), Failure> {
        let (digest, why) = (self.digest.as_slice(), i64::from(code::of_stop(self.why)));
        sqlx::query!(
            "UPDATE webhooks SET stopped = ?2, stopped_at_ms = ?3 WHERE digest = ?1 AND stopped IS NULL",
            digest,
            why,
            self.now_ms,
        )
        .execute(connection)
        .await?;
        Ok(())
    }
}

/// Keeps which message tells of a raid.
struct KeepMessage {
    raid_code: String,
    message: WebhookMessage,
}

impl Change for KeepMessage {
    type Output = ();

    async fn run(&self, connection: &mut SqliteConnection) -> Result<(), Failure> {
        let WebhookMessage { digest, message, shown, sent_at_ms } = &self.message;
        let (digest, shown) = (digest.as_slice(), shown.as_slice());
        let kept = sqlx::query!(
            "INSERT INTO webhook_messages (raid, digest, message, shown, sent_at_ms)
             SELECT row, ?2, ?3, ?4, ?5 FROM raids WHERE code = ?1
             ON CONFLICT (raid) DO UPDATE SET digest = excluded.digest, message = excluded.message,
                 shown = excluded.shown, sent_at_ms = excluded.sent_at_ms",
            self.raid_code,
            digest,
            message,
            shown,
            sent_at_ms,
        )
        .execute(&mut *connection)
        .await?;
        if kept.rows_affected() == 0 {
            sqlx::query!(
                "INSERT INTO jobs (kind, account, name, data, created_at_ms, due_at_ms)
                 SELECT 4, account, substr(?2, 1, 16), CAST('gone:' || ?3 AS BLOB), 0, 0
                 FROM webhooks WHERE digest = ?1 AND stopped IS NULL ORDER BY account LIMIT 1
                 ON CONFLICT DO NOTHING",
                digest,
                shown,
                message,
            )
            .execute(&mut *connection)
            .await?;
        }
        sqlx::query!("UPDATE webhooks SET sent_at_ms = ?2 WHERE digest = ?1", digest, sent_at_ms)
            .execute(connection)
            .await?;
        Ok(())
    }
}

/// Forgets which message tells of a raid.
struct DropMessage {
    raid_code: String,
}

impl Change for DropMessage {
    type Output = ();

    async fn run(&self, connection: &mut SqliteConnection) -> Result<(), Failure> {
        sqlx::query!(
            "DELETE FROM webhook_messages WHERE raid = (SELECT row FROM raids WHERE code = ?1)",
            self.raid_code
        )
        .execute(connection)
        .await?;
        Ok(())
    }
}

/// Removes a job that was not written again meanwhile.
struct FinishJob {
    key: JobKey,
    created_at_ms: i64,
}

impl Change for FinishJob {
    type Output = ();

    async fn run(&self, connection: &mut SqliteConnection) -> Result<(), Failure> {
        let JobKey { kind, account, name } = &self.key;
        let (kind, name) = (i64::from(code::of_job(*kind)), name.as_slice());
        sqlx::query!(
            "DELETE FROM jobs WHERE kind = ?1 AND account = ?2 AND name = ?3 AND created_at_ms = ?4",
            kind,
            account.0,
            name,
            self.created_at_ms,
        )
        .execute(&mut *connection)
        .await?;
        sqlx::query!(
            "UPDATE jobs SET due_at_ms = 0, tries = 0 WHERE kind = ?1 AND account = ?2 AND name = ?3",
            kind,
            account.0,
            name,
        )
        .execute(connection)
        .await?;
        Ok(())
    }
}
