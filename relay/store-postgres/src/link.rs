//! Links that their owners made to raids and channels.
//!
//! What adds a link holds its account's lock, so that all that add one count what the others have added. What removes links
//! of anybody waits for none.

use raidcast_store::row::{LinkColumns, readable};
use raidcast_store::{AccountId, LINKS_MAX, LinkId, LinkRow, Linked, Links, NewLink, Note, StoreFuture};

use crate::PostgresStore;
use crate::audit::put_note;

/// Selects links; what follows is the rest of the statement and its arguments.
macro_rules! select_links {
    ($rest:tt $(, $argument:expr)*) => {
        sqlx::query_as!(
            LinkColumns,
            r#"SELECT l.row, l.account, r.code AS "raid_code?", l.digest, l.name, l.created_at_ms, l.ends_at_ms,
                      l.used_at_ms
               FROM links l LEFT JOIN raids r ON r.row = l.raid "# + $rest
            $(, $argument)*
        )
    };
}

impl Links for PostgresStore {
    fn add_link<'a>(&'a self, link: &'a NewLink) -> StoreFuture<'a, Linked> {
        Self::answer(async move {
            let mut transaction = self.begin().await?;
            let to = sqlx::query!(
                r#"SELECT a.row AS account, (SELECT r.row FROM raids r WHERE r.account = a.row AND r.code = $2) AS raid
                   FROM accounts a WHERE a.row = $1 FOR NO KEY UPDATE"#,
                link.account.0,
                link.raid_code,
            )
            .fetch_optional(&mut *transaction)
            .await?
            .filter(|to| to.raid.is_some() == link.raid_code.is_some());
            let Some(to) = to else { return Ok(Linked::NotThere) };
            let row = sqlx::query_scalar!(
                "INSERT INTO links (account, raid, digest, name, created_at_ms, ends_at_ms)
                 SELECT $1, $2, $3, $4, $5, $6
                 WHERE (SELECT COUNT(*) FROM links
                        WHERE account = $1 AND raid IS NOT DISTINCT FROM $2 AND (ends_at_ms IS NULL OR ends_at_ms > $5)) < $7
                 RETURNING row",
                to.account,
                to.raid,
                link.digest.as_slice(),
                link.name,
                link.now_ms,
                link.ends_at_ms,
                LINKS_MAX as i64,
            )
            .fetch_optional(&mut *transaction)
            .await?;
            let Some(row) = row else { return Ok(Linked::Full) };
            put_note(&mut transaction, &link.note).await?;
            transaction.commit().await?;
            Ok(Linked::Kept(link.kept(LinkId(row))))
        })
    }

    fn link<'a>(&'a self, digest: &'a [u8; 32]) -> StoreFuture<'a, Option<LinkRow>> {
        Self::answer(async move {
            let columns = select_links!("WHERE l.digest = $1", digest.as_slice()).fetch_optional(&self.pool).await?;
            Ok(columns.map(LinkRow::try_from).transpose()?)
        })
    }

    fn links<'a>(
        &'a self,
        account: AccountId,
        raid_code: Option<&'a str>,
        now_ms: i64,
    ) -> StoreFuture<'a, Vec<LinkRow>> {
        Self::answer(async move {
            let columns = select_links!(
                "WHERE l.account = $1 AND r.code IS NOT DISTINCT FROM $2
                   AND (l.ends_at_ms IS NULL OR l.ends_at_ms > $3) ORDER BY l.row",
                account.0,
                raid_code,
                now_ms
            )
            .fetch_all(&self.pool)
            .await?;
            Ok(readable(columns))
        })
    }

    fn revoke_link<'a>(
        &'a self,
        account: AccountId,
        raid_code: Option<&'a str>,
        link: LinkId,
        note: Note,
    ) -> StoreFuture<'a, Option<LinkRow>> {
        Self::answer(async move {
            let mut transaction = self.begin().await?;
            let columns = select_links!(
                "WHERE l.row = $1 AND l.account = $2 AND r.code IS NOT DISTINCT FROM $3",
                link.0,
                account.0,
                raid_code
            )
            .fetch_optional(&mut *transaction)
            .await?;
            let Some(columns) = columns else { return Ok(None) };
            let row = LinkRow::try_from(columns)?;
            let revoked = sqlx::query!("DELETE FROM links WHERE row = $1", link.0).execute(&mut *transaction).await?;
            // Somebody else may have been quicker.
            if revoked.rows_affected() == 0 {
                return Ok(None);
            }
            put_note(&mut transaction, &note).await?;
            transaction.commit().await?;
            Ok(Some(row))
        })
    }

    fn use_links<'a>(&'a self, used: &'a [(LinkId, i64)]) -> StoreFuture<'a, ()> {
        Self::answer(async move {
            let mut used = used.to_vec();
            used.sort_unstable();
            let mut transaction = self.begin().await?;
            for (link, used_at_ms) in used {
                sqlx::query!(
                    "UPDATE links SET used_at_ms = GREATEST(used_at_ms, $2) WHERE row = $1",
                    link.0,
                    used_at_ms,
                )
                .execute(&mut *transaction)
                .await?;
            }
            Ok(transaction.commit().await?)
        })
    }

    fn drop_links(&self, now_ms: i64) -> StoreFuture<'_, ()> {
        Self::answer(async move {
            // One that somebody changes just now is removed the next time.
            sqlx::query!(
                "DELETE FROM links WHERE row IN (
                     SELECT row FROM links WHERE ends_at_ms <= $1 FOR UPDATE SKIP LOCKED)",
                now_ms
            )
            .execute(&self.pool)
            .await?;
            Ok(())
        })
    }
}
