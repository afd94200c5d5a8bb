//! Raids.

use raidcast_shared::id::RaidId;
use raidcast_shared::limits::RAID_IDLE_MS;
use raidcast_shared::uplink::ReportState;
use raidcast_store::row::{RaidColumns, tickets};
use raidcast_store::search::Listed;
use raidcast_store::{AccountId, Note, RaidRow, Raids, StoreError, StoreFuture, Tickets, code, no_account};
use sqlx::sqlite::SqliteConnection;

use crate::SqliteStore;
use crate::audit::put_note;
use crate::error::Failure;
use crate::job::Change;
use crate::jobs::wipe_later;
use crate::search_rows::list_raid;
use crate::webhook::{tell_of_night, tell_of_raid};

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

impl Raids for SqliteStore {
    fn insert_raid<'a>(&'a self, raid: &'a RaidRow) -> StoreFuture<'a, ()> {
        self.write(InsertRaid(raid.clone()))
    }

    fn update_raid<'a>(&'a self, raid: &'a RaidRow, note: Option<Note>) -> StoreFuture<'a, ()> {
        self.write(UpdateRaid { raid: raid.clone(), note })
    }

    fn clear_title<'a>(&'a self, code: &'a str, note: Note) -> StoreFuture<'a, bool> {
        self.write(ClearTitle { code: code.into(), note })
    }

    fn touch_raid<'a>(&'a self, code: &'a str, active_at_ms: i64) -> StoreFuture<'a, ()> {
        self.write(TouchRaid { code: code.into(), active_at_ms })
    }

    fn renew_tickets<'a>(&'a self, code: &'a str) -> StoreFuture<'a, Option<Tickets>> {
        self.write(RenewTickets { code: code.into() })
    }

    fn raid_by_id(&self, id: RaidId) -> StoreFuture<'_, Option<RaidRow>> {
        Self::read(async move {
            let id = id.0.as_bytes().as_slice();
            let columns = select_raids!("WHERE r.id = ?1", id).fetch_optional(&self.readers).await?;
            Ok(columns.map(RaidRow::try_from).transpose()?)
        })
    }

    fn raid_by_code<'a>(&'a self, code: &'a str) -> StoreFuture<'a, Option<RaidRow>> {
        Self::read(async move {
            let columns = select_raids!("WHERE r.code = ?1", code).fetch_optional(&self.readers).await?;
            Ok(columns.map(RaidRow::try_from).transpose()?)
        })
    }

    fn newest_raid(&self, account: AccountId) -> StoreFuture<'_, Option<RaidRow>> {
        Self::read(async move {
            let columns = select_raids!(
                "WHERE r.row = COALESCE(
                     (SELECT f.row FROM raids f
                      WHERE f.account = ?1 AND f.history = FALSE
                        AND EXISTS (SELECT 1 FROM encounters e WHERE e.raid = f.row)
                        AND f.active_at_ms >= (SELECT max(n.active_at_ms) FROM raids n
                                               WHERE n.account = ?1 AND n.history = FALSE) - ?2
                      ORDER BY f.active_at_ms DESC, f.row DESC LIMIT 1),
                     (SELECT n.row FROM raids n WHERE n.account = ?1
                      ORDER BY n.history, n.active_at_ms DESC, n.row DESC LIMIT 1))",
                account.0,
                RAID_IDLE_MS
            )
            .fetch_optional(&self.readers)
            .await?;
            Ok(columns.map(RaidRow::try_from).transpose()?)
        })
    }
}

/// Keeps a new raid. Others that claim to have been active later were so before.
struct InsertRaid(RaidRow);

impl Change for InsertRaid {
    type Output = ();

    async fn run(&self, connection: &mut SqliteConnection) -> Result<(), Failure> {
        let raid = &self.0;
        let id = raid.id.0.as_bytes().as_slice();
        let digest = raid.secret_digest.as_slice();
        let (visibility, names) = (code::of_visibility(raid.visibility), code::of_names(raid.names));
        let report_visibility = raid.report_visibility.map(code::of_visibility);
        let inserted = sqlx::query!(
            "INSERT INTO raids
                 (id, account, code, secret_digest, title, visibility, created_at_ms, active_at_ms, closed, history,
                  names, delay_ms, shown_until_ms, report_visibility)
             SELECT ?1, row, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14
             FROM accounts WHERE row = ?2 AND name NOT LIKE '@gone-%'",
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
            names,
            raid.delay.ms,
            raid.delay.shown_until_ms,
            report_visibility,
        )
        .execute(&mut *connection)
        .await?;
        if inserted.rows_affected() == 0 {
            return Err(no_account(raid.account).into());
        }
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
struct UpdateRaid {
    raid: RaidRow,
    note: Option<Note>,
}

impl Change for UpdateRaid {
    type Output = ();

    async fn run(&self, connection: &mut SqliteConnection) -> Result<(), Failure> {
        let Self { raid, note } = self;
        let id = raid.id.0.as_bytes().as_slice();
        let (visibility, names) = (code::of_visibility(raid.visibility), code::of_names(raid.names));
        let report_visibility = raid.report_visibility.map(code::of_visibility);
        let reports = code::of_visibility(raid.shown_to().reports());
        let said = raid.said.map(|said| code::of_visibility(said.live));
        let said_report = raid.said.and_then(|said| said.report).map(code::of_visibility);
        let held = sqlx::query!(r#"SELECT row AS "row!", visibility, names FROM raids WHERE id = ?1"#, id)
            .fetch_optional(&mut *connection)
            .await?
            .ok_or_else(|| StoreError::Damaged(format!("no raid {}", raid.code)))?;
        sqlx::query!(
            "UPDATE raids SET title = iif(title_cleared, NULL, ?2), visibility = ?3, closed = ?4, names = ?5,
                              delay_ms = ?6, shown_until_ms = ?7,
                              report_visibility = ?8, said_visibility = ?9, said_report_visibility = ?10
             WHERE row = ?1",
            held.row,
            raid.title,
            visibility,
            raid.closed,
            names,
            raid.delay.ms,
            raid.delay.shown_until_ms,
            report_visibility,
            said,
            said_report,
        )
        .execute(&mut *connection)
        .await?;
        let changed = sqlx::query!(
            "UPDATE encounters SET visibility = ?2 WHERE raid = ?1 AND visibility <> ?2",
            held.row,
            reports,
        )
        .execute(&mut *connection)
        .await?;
        // What is found tells of a raid as long as that is public.
        let is_found_alike = (held.visibility, held.names) == (visibility.into(), names.into());
        if changed.rows_affected() > 0 || !is_found_alike {
            let listed = Listed::of(reports.into(), names.into(), code::of_state(ReportState::Final).into());
            list_raid(&mut *connection, held.row, listed).await?;
        }
        // Where it hides names from now on, others that name them are told without it.
        tell_of_night(&mut *connection, held.row).await?;
        if let Some(note) = note {
            put_note(connection, note).await?;
        }
        Ok(())
    }
}

/// Clears a raid's title for good.
struct ClearTitle {
    code: String,
    note: Note,
}

impl Change for ClearTitle {
    type Output = bool;

    async fn run(&self, connection: &mut SqliteConnection) -> Result<bool, Failure> {
        let held = sqlx::query!(
            r#"SELECT row AS "row!", title_cleared AS "title_cleared: bool" FROM raids WHERE code = ?1"#,
            self.code
        )
        .fetch_optional(&mut *connection)
        .await?;
        let Some(held) = held else { return Ok(false) };
        if held.title_cleared {
            return Ok(true);
        }
        sqlx::query!("UPDATE raids SET title = NULL, title_cleared = 1 WHERE code = ?1", self.code)
            .execute(&mut *connection)
            .await?;
        tell_of_raid(&mut *connection, held.row).await?;
        put_note(&mut *connection, &self.note).await?;
        wipe_later(connection).await?;
        Ok(true)
    }
}

/// Says that a raid is active now. Others that claim to have been active later were so before.
struct TouchRaid {
    code: String,
    active_at_ms: i64,
}

impl Change for TouchRaid {
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
            0 => Err(StoreError::Damaged(format!("no raid {}", self.code)).into()),
            _ => Ok(()),
        }
    }
}

/// Counts the tickets of a raid and of its account's channel on.
struct RenewTickets {
    code: String,
}

impl Change for RenewTickets {
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
        Ok(Some(tickets(raid.tickets, channel)?))
    }
}
