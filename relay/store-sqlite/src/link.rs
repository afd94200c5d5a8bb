//! Links that their owners made to raids and channels.

use raidcast_store::row::{LinkColumns, readable};
use raidcast_store::{AccountId, LINKS_MAX, LinkId, LinkRow, Linked, Links, NewLink, Note, StoreFuture};
use sqlx::sqlite::SqliteConnection;

use crate::SqliteStore;
use crate::audit::put_note;
use crate::error::Failure;
use crate::job::Change;
use crate::jobs::wipe_later;

/// Selects links; what follows is the rest of the statement and its arguments.
macro_rules! select_links {
    ($rest:tt $(, $argument:expr)*) => {
        sqlx::query_as!(
            LinkColumns,
            r#"SELECT l.row AS "row!", l.account, r.code AS "raid_code?", l.digest, l.name, l.created_at_ms,
                      l.ends_at_ms, l.used_at_ms
               FROM links l LEFT JOIN raids r ON r.row = l.raid "# + $rest
            $(, $argument)*
        )
    };
}

impl Links for SqliteStore {
    fn add_link<'a>(&'a self, link: &'a NewLink) -> StoreFuture<'a, Linked> {
        self.write(AddLink(link.clone()))
    }

    fn link<'a>(&'a self, digest: &'a [u8; 32]) -> StoreFuture<'a, Option<LinkRow>> {
        Self::read(async move {
            let digest = digest.as_slice();
            let columns = select_links!("WHERE l.digest = ?1", digest).fetch_optional(&self.readers).await?;
            Ok(columns.map(LinkRow::try_from).transpose()?)
        })
    }

    fn links<'a>(
        &'a self,
        account: AccountId,
        raid_code: Option<&'a str>,
        now_ms: i64,
    ) -> StoreFuture<'a, Vec<LinkRow>> {
        Self::read(async move {
            let columns = select_links!(
                "WHERE l.account = ?1 AND r.code IS ?2 AND (l.ends_at_ms IS NULL OR l.ends_at_ms > ?3) ORDER BY l.row",
                account.0,
                raid_code,
                now_ms
            )
            .fetch_all(&self.readers)
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
        self.write(RevokeLink { account, raid_code: raid_code.map(Into::into), link, note })
    }

    fn use_links<'a>(&'a self, used: &'a [(LinkId, i64)]) -> StoreFuture<'a, ()> {
        self.write(UseLinks(used.to_vec()))
    }

    fn drop_links(&self, now_ms: i64) -> StoreFuture<'_, ()> {
        self.write(DropLinks { now_ms })
    }
}

/// Keeps a link, if its raid or channel may have it.
struct AddLink(NewLink);

impl Change for AddLink {
    type Output = Linked;

    async fn run(&self, connection: &mut SqliteConnection) -> Result<Linked, Failure> {
        let Self(link) = self;
        let to = sqlx::query!(
            r#"SELECT a.row AS "account!", r.row AS "raid?" FROM accounts a
               LEFT JOIN raids r ON r.account = a.row AND r.code = ?2
               WHERE a.row = ?1 AND (?2 IS NULL OR r.row IS NOT NULL)"#,
            link.account.0,
            link.raid_code,
        )
        .fetch_optional(&mut *connection)
        .await?;
        let Some(to) = to else { return Ok(Linked::NotThere) };
        let count = sqlx::query_scalar!(
            r#"SELECT COUNT(*) AS "count!: i64" FROM links
               WHERE account = ?1 AND raid IS ?2 AND (ends_at_ms IS NULL OR ends_at_ms > ?3)"#,
            to.account,
            to.raid,
            link.now_ms,
        )
        .fetch_one(&mut *connection)
        .await?;
        if count >= LINKS_MAX as i64 {
            return Ok(Linked::Full);
        }
        let digest = link.digest.as_slice();
        let row = sqlx::query_scalar!(
            r#"INSERT INTO links (account, raid, digest, name, created_at_ms, ends_at_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
               RETURNING row AS "row!""#,
            to.account,
            to.raid,
            digest,
            link.name,
            link.now_ms,
            link.ends_at_ms,
        )
        .fetch_one(&mut *connection)
        .await?;
        put_note(connection, &link.note).await?;
        Ok(Linked::Kept(link.kept(LinkId(row))))
    }
}

/// Removes a link of a raid or a channel.
struct RevokeLink {
    account: AccountId,
    raid_code: Option<String>,
    link: LinkId,
    note: Note,
}

impl Change for RevokeLink {
    type Output = Option<LinkRow>;

    async fn run(&self, connection: &mut SqliteConnection) -> Result<Option<LinkRow>, Failure> {
        let columns = select_links!(
            "WHERE l.row = ?1 AND l.account = ?2 AND r.code IS ?3",
            self.link.0,
            self.account.0,
            self.raid_code
        )
        .fetch_optional(&mut *connection)
        .await?;
        let Some(columns) = columns else { return Ok(None) };
        let row = LinkRow::try_from(columns)?;
        sqlx::query!("DELETE FROM links WHERE row = ?1", self.link.0).execute(&mut *connection).await?;
        put_note(&mut *connection, &self.note).await?;
        wipe_later(connection).await?;
        Ok(Some(row))
    }
}

/// Notes when links were used.
struct UseLinks(Vec<(LinkId, i64)>);

impl Change for UseLinks {
    type Output = ();

    async fn run(&self, connection: &mut SqliteConnection) -> Result<(), Failure> {
        for (link, used_at_ms) in &self.0 {
            sqlx::query!(
                "UPDATE links SET used_at_ms = MAX(COALESCE(used_at_ms, ?2), ?2) WHERE row = ?1",
                link.0,
                used_at_ms,
            )
            .execute(&mut *connection)
            .await?;
        }
        Ok(())
    }
}

/// Removes links that are over.
struct DropLinks {
    now_ms: i64,
}

impl Change for DropLinks {
    type Output = ();

    async fn run(&self, connection: &mut SqliteConnection) -> Result<(), Failure> {
        let dropped = sqlx::query!("DELETE FROM links WHERE ends_at_ms <= ?1", self.now_ms);
        if dropped.execute(&mut *connection).await?.rows_affected() > 0 {
            wipe_later(connection).await?;
        }
        Ok(())
    }
}
