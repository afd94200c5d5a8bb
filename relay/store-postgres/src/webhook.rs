//! Webhooks, and which message tells of which raid.
//!
//! A job that tells begins to count at a number by chance: one that is written after another of its name was removed is not
//! taken for that one by who has it still.

use raidcast_store::row::{WebhookColumns, WebhookMessageColumns};
use raidcast_store::{
    AccountId, JobKey, NIGHT_PAIRS_MAX, NewWebhook, NightPair, Note, StoreFuture, WebhookMessage, WebhookRow,
    WebhookStop, Webhooks, code,
};
use sqlx::PgConnection;

use crate::PostgresStore;
use crate::audit::put_note;
use crate::error::Failure;

impl Webhooks for PostgresStore {
    fn set_webhook<'a>(&'a self, new: &'a NewWebhook) -> StoreFuture<'a, bool> {
        Self::answer(async move {
            let NewWebhook { account, digest, sealed, host, note } = new;
            let mut transaction = self.begin().await?;
            // What waits for the one before waits no more. Jobs first, in the order of all who change several.
            sqlx::query!(
                "WITH held AS MATERIALIZED (
                     SELECT name FROM jobs WHERE kind = 4 AND account = $1 ORDER BY name FOR NO KEY UPDATE)
                 UPDATE jobs j SET due_at_ms = 0, tries = 0 FROM held h
                 WHERE j.kind = 4 AND j.account = $1 AND j.name = h.name",
                account.0,
            )
            .execute(&mut *transaction)
            .await?;
            let set = sqlx::query!(
                "INSERT INTO webhooks (account, digest, sealed, host, set_at_ms)
                 SELECT row, $2, $3, $4, $5 FROM accounts WHERE row = $1 AND name NOT LIKE '@gone-%' FOR KEY SHARE
                 ON CONFLICT (account) DO UPDATE SET digest = excluded.digest, sealed = excluded.sealed,
                     host = excluded.host, set_at_ms = excluded.set_at_ms, sent_at_ms = NULL, stopped = NULL,
                     stopped_at_ms = NULL",
                account.0,
                digest.as_slice(),
                sealed,
                host,
                note.at_ms,
            )
            .execute(&mut *transaction)
            .await?;
            if set.rows_affected() == 0 {
                return Ok(false);
            }
            put_note(&mut transaction, note).await?;
            transaction.commit().await?;
            Ok(true)
        })
    }

    fn webhook(&self, account: AccountId) -> StoreFuture<'_, Option<WebhookRow>> {
        Self::answer(async move {
            let columns = sqlx::query_as!(
                WebhookColumns,
                "SELECT account, digest, sealed, host, set_at_ms, sent_at_ms, stopped, stopped_at_ms
                 FROM webhooks WHERE account = $1",
                account.0,
            )
            .fetch_optional(&self.pool)
            .await?;
            Ok(columns.map(WebhookRow::try_from).transpose()?)
        })
    }

    fn webhook_with<'a>(&'a self, digest: &'a [u8; 32]) -> StoreFuture<'a, Option<WebhookRow>> {
        Self::answer(async move {
            let columns = sqlx::query_as!(
                WebhookColumns,
                "SELECT account, digest, sealed, host, set_at_ms, sent_at_ms, stopped, stopped_at_ms
                 FROM webhooks WHERE digest = $1 AND stopped IS NULL ORDER BY account LIMIT 1",
                digest.as_slice(),
            )
            .fetch_optional(&self.pool)
            .await?;
            Ok(columns.map(WebhookRow::try_from).transpose()?)
        })
    }

    fn remove_webhook(&self, account: AccountId, note: Note) -> StoreFuture<'_, bool> {
        Self::answer(async move {
            let mut transaction = self.begin().await?;
            // In the order of those who delete a raid, and who keep a message.
            sqlx::query!("DELETE FROM jobs WHERE kind = 4 AND account = $1", account.0)
                .execute(&mut *transaction)
                .await?;
            sqlx::query!(
                "DELETE FROM webhook_messages WHERE raid IN (SELECT row FROM raids WHERE account = $1)",
                account.0,
            )
            .execute(&mut *transaction)
            .await?;
            let removed = sqlx::query!("DELETE FROM webhooks WHERE account = $1", account.0);
            if removed.execute(&mut *transaction).await?.rows_affected() == 0 {
                return Ok(false);
            }
            put_note(&mut transaction, &note).await?;
            transaction.commit().await?;
            Ok(true)
        })
    }

    fn stop_webhook<'a>(&'a self, digest: &'a [u8; 32], why: WebhookStop, now_ms: i64) -> StoreFuture<'a, ()> {
        Self::answer(async move {
            sqlx::query!(
                "UPDATE webhooks SET stopped = $2, stopped_at_ms = $3 WHERE digest = $1 AND stopped IS NULL",
                digest.as_slice(),
                i64::from(code::of_stop(why)),
                now_ms,
            )
            .execute(&self.pool)
            .await?;
            Ok(())
        })
    }

    fn webhook_message<'a>(&'a self, raid_code: &'a str) -> StoreFuture<'a, Option<WebhookMessage>> {
        Self::answer(async move {
            let columns = sqlx::query_as!(
                WebhookMessageColumns,
                "SELECT m.digest, m.message, m.shown, m.sent_at_ms
                 FROM webhook_messages m JOIN raids r ON r.row = m.raid WHERE r.code = $1",
                raid_code,
            )
            .fetch_optional(&self.pool)
            .await?;
            Ok(columns.map(WebhookMessage::try_from).transpose()?)
        })
    }

    fn keep_webhook_message<'a>(&'a self, raid_code: &'a str, message: &'a WebhookMessage) -> StoreFuture<'a, ()> {
        Self::answer(async move {
            let WebhookMessage { digest, message, shown, sent_at_ms } = message;
            let mut transaction = self.begin().await?;
            let kept = sqlx::query!(
                "INSERT INTO webhook_messages (raid, digest, message, shown, sent_at_ms)
                 SELECT row, $2, $3, $4, $5 FROM raids WHERE code = $1 FOR KEY SHARE
                 ON CONFLICT (raid) DO UPDATE SET digest = excluded.digest, message = excluded.message,
                     shown = excluded.shown, sent_at_ms = excluded.sent_at_ms",
                raid_code,
                digest.as_slice(),
                message,
                shown.as_slice(),
                sent_at_ms,
            )
            .execute(&mut *transaction)
            .await?;
            if kept.rows_affected() == 0 {
                sqlx::query!(
                    "INSERT INTO jobs (kind, account, name, data, created_at_ms, due_at_ms)
                     SELECT 4, account, substring($2::BYTEA FROM 1 FOR 16), convert_to('gone:' || $3::TEXT, 'UTF8'), 0, 0
                     FROM webhooks WHERE digest = $1 AND stopped IS NULL ORDER BY account LIMIT 1
                     ON CONFLICT DO NOTHING",
                    digest.as_slice(),
                    shown.as_slice(),
                    message,
                )
                .execute(&mut *transaction)
                .await?;
            }
            sqlx::query!("UPDATE webhooks SET sent_at_ms = $2 WHERE digest = $1", digest.as_slice(), sent_at_ms)
                .execute(&mut *transaction)
                .await?;
            Ok(transaction.commit().await?)
        })
    }

    fn drop_webhook_message<'a>(&'a self, raid_code: &'a str) -> StoreFuture<'a, ()> {
        Self::answer(async move {
            sqlx::query!(
                "DELETE FROM webhook_messages WHERE raid = (SELECT row FROM raids WHERE code = $1)",
                raid_code
            )
            .execute(&self.pool)
            .await?;
            Ok(())
        })
    }

    fn same_night<'a>(&'a self, raid_code: &'a str, digest: &'a [u8; 32]) -> StoreFuture<'a, Vec<NightPair>> {
        Self::answer(async move {
            let pairs = sqlx::query_as!(
                NightPair,
                "SELECT e.report_id, q.code AS other_raid, o.report_id AS other_report
                 FROM raids r JOIN encounters e ON e.raid = r.row
                 JOIN same_fights s ON s.encounter = e.row JOIN encounters o ON o.row = s.other
                 JOIN raids q ON q.row = o.raid JOIN webhooks v ON v.account = q.account
                 WHERE r.code = $1 AND r.names = 0 AND q.names = 0 AND v.digest = $2 AND v.stopped IS NULL
                   AND q.row <> r.row
                 ORDER BY e.started_at_ms DESC, e.row DESC, o.row LIMIT $3",
                raid_code,
                digest.as_slice(),
                i64::from(NIGHT_PAIRS_MAX),
            )
            .fetch_all(&self.pool)
            .await?;
            Ok(pairs)
        })
    }

    fn finish_webhook_job(&self, key: JobKey, created_at_ms: i64) -> StoreFuture<'_, ()> {
        Self::answer(async move {
            let JobKey { kind, account, name } = key;
            let kind = i64::from(code::of_job(kind));
            let _turn = self.uploads.acquire().await;
            let mut transaction = self.begin().await?;
            sqlx::query!(
                "DELETE FROM jobs WHERE kind = $1 AND account = $2 AND name = $3 AND created_at_ms = $4",
                kind,
                account.0,
                name.as_slice(),
                created_at_ms,
            )
            .execute(&mut *transaction)
            .await?;
            sqlx::query!(
                "UPDATE jobs SET due_at_ms = 0, tries = 0 WHERE kind = $1 AND account = $2 AND name = $3",
                kind,
                account.0,
                name.as_slice(),
            )
            .execute(&mut *transaction)
            .await?;
            Ok(transaction.commit().await?)
        })
    }
}

/// A raid has something else to tell: where its account wants it told, that is to be done.
pub(crate) async fn tell_of_raid_by_code(connection: &mut PgConnection, code: &str) -> Result<(), Failure> {
    sqlx::query!(
        "INSERT INTO jobs (kind, account, name, data, created_at_ms, due_at_ms)
         SELECT 4, r.account, uuid_send(r.id), convert_to(r.code, 'UTF8'), (random() * 9007199254740991)::BIGINT, 0
         FROM raids r JOIN webhooks w ON w.account = r.account WHERE r.code = $1 AND w.stopped IS NULL
         ON CONFLICT (kind, account, name) DO UPDATE SET created_at_ms = jobs.created_at_ms + 1",
        code,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The same of the raid that an encounter is in.
pub(crate) async fn tell_of_encounter(connection: &mut PgConnection, encounter: i64) -> Result<(), Failure> {
    sqlx::query!(
        "INSERT INTO jobs (kind, account, name, data, created_at_ms, due_at_ms)
         SELECT 4, r.account, uuid_send(r.id), convert_to(r.code, 'UTF8'), (random() * 9007199254740991)::BIGINT, 0
         FROM encounters e JOIN raids r ON r.row = e.raid JOIN webhooks w ON w.account = r.account
         WHERE e.row = $1 AND w.stopped IS NULL
         ON CONFLICT (kind, account, name) DO UPDATE SET created_at_ms = jobs.created_at_ms + 1",
        encounter,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The same of two raids of an account: in the order of all who tell of several, so that two who do it do not wait for each
/// other.
pub(crate) async fn tell_of_raids(connection: &mut PgConnection, raids: [i64; 2]) -> Result<(), Failure> {
    sqlx::query!(
        "INSERT INTO jobs (kind, account, name, data, created_at_ms, due_at_ms)
         SELECT 4, t.account, uuid_send(t.id), convert_to(t.code, 'UTF8'), (random() * 9007199254740991)::BIGINT, 0
         FROM (
             SELECT r.account, r.id, r.code FROM raids r JOIN webhooks w ON w.account = r.account
             WHERE r.row = ANY ($1) AND w.stopped IS NULL
         ) AS t ORDER BY t.account, t.id
         ON CONFLICT (kind, account, name) DO UPDATE SET created_at_ms = jobs.created_at_ms + 1",
        &raids[..],
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The same of a raid, and of those that are told with it: what one message tells of all of them is to be less where this
/// one is to be no part of it any more. All at once and in one order, so that two who do it do not wait for each other.
pub(crate) async fn tell_of_night(connection: &mut PgConnection, code: &str) -> Result<(), Failure> {
    sqlx::query!(
        "INSERT INTO jobs (kind, account, name, data, created_at_ms, due_at_ms)
         SELECT 4, t.account, uuid_send(t.id), convert_to(t.code, 'UTF8'), (random() * 9007199254740991)::BIGINT, 0
         FROM (
             SELECT r.account, r.id, r.code FROM raids r JOIN webhooks w ON w.account = r.account
             WHERE r.code = $1 AND w.stopped IS NULL
             UNION
             SELECT q.account, q.id, q.code
             FROM raids r JOIN webhooks w ON w.account = r.account JOIN encounters e ON e.raid = r.row
             JOIN same_fights s ON s.encounter = e.row JOIN encounters o ON o.row = s.other
             JOIN raids q ON q.row = o.raid JOIN webhooks v ON v.account = q.account
             WHERE r.code = $1 AND v.digest = w.digest AND v.stopped IS NULL
         ) AS t ORDER BY t.account, t.id
         ON CONFLICT (kind, account, name) DO UPDATE SET created_at_ms = jobs.created_at_ms + 1",
        code,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// An encounter goes: its raid has something else to tell, and those that are known to be of its night by it alone. Also where
/// its account has no webhook, or another one, any more: theirs may tell of it still.
pub(crate) async fn tell_beside(connection: &mut PgConnection, encounter: i64) -> Result<(), Failure> {
    sqlx::query!(
        "INSERT INTO jobs (kind, account, name, data, created_at_ms, due_at_ms)
         SELECT 4, t.account, uuid_send(t.id), convert_to(t.code, 'UTF8'), (random() * 9007199254740991)::BIGINT, 0
         FROM (
             SELECT r.account, r.id, r.code
             FROM encounters e JOIN raids r ON r.row = e.raid JOIN webhooks w ON w.account = r.account
             WHERE e.row = $1 AND w.stopped IS NULL
             UNION
             SELECT q.account, q.id, q.code
             FROM same_fights s JOIN encounters o ON o.row = s.other
             JOIN raids q ON q.row = o.raid JOIN webhooks v ON v.account = q.account
             WHERE s.encounter = $1 AND v.stopped IS NULL
         ) AS t ORDER BY t.account, t.id
         ON CONFLICT (kind, account, name) DO UPDATE SET created_at_ms = jobs.created_at_ms + 1",
        encounter,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// A raid goes: nothing of it is to be told any more, and its message is to go from the chat, by whoever has its webhook.
pub(crate) async fn take_back(connection: &mut PgConnection, raid: i64) -> Result<(), Failure> {
    sqlx::query!(
        "DELETE FROM jobs j USING raids r
         WHERE r.row = $1 AND j.kind = 4 AND j.account = r.account AND j.name = uuid_send(r.id)",
        raid,
    )
    .execute(&mut *connection)
    .await?;
    // By a name that does not lead to the raid.
    sqlx::query!(
        "INSERT INTO jobs (kind, account, name, data, created_at_ms, due_at_ms)
         SELECT 4, w.account, substring(m.shown FROM 1 FOR 16), convert_to('gone:' || m.message, 'UTF8'), 0, 0
         FROM webhook_messages m JOIN raids r ON r.row = m.raid JOIN webhooks w ON w.digest = m.digest
         WHERE m.raid = $1 AND w.stopped IS NULL ORDER BY w.account <> r.account, w.account LIMIT 1
         ON CONFLICT DO NOTHING",
        raid,
    )
    .execute(connection)
    .await?;
    Ok(())
}
