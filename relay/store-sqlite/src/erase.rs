//! What is removed for good. What is deleted is overwritten ([`crate::file`]); the WAL through which that went is emptied by
//! [`Erasing::give_back`] (`wipe.rs`), for which each change here leaves a job.

use raidcast_shared::id::EncounterId;
use raidcast_store::row::{Id, PersonColumns, RaidLineColumns, readable};
use raidcast_store::{
    AccountId, EncounterKey, Erasing, Erasure, GivenBack, Leaving, NewJob, Note, Person, PersonId, RaidLine, Role,
    StoreFuture, code,
};
use sqlx::sqlite::SqliteConnection;

use crate::SqliteStore;
use crate::audit::put_note;
use crate::error::Failure;
use crate::job::Change;
use crate::jobs::{put_job, wipe_later};
use crate::search_rows::{changed, forget};
use crate::webhook::{take_back, tell_beside};
use crate::writer::Request;

/// Selects raids as their owners list them; what follows is the rest of the statement and its arguments.
macro_rules! select_raid_lines {
    ($rest:tt $(, $argument:expr)*) => {
        sqlx::query_as!(
            RaidLineColumns,
            r#"SELECT r.row AS "row!", r.account, r.code, r.title, r.visibility, r.report_visibility, r.names,
                      r.delay_ms, r.created_at_ms, r.active_at_ms, r.pinned AS "pinned: bool", r.tickets,
                      (SELECT count(*) FROM encounters e WHERE e.raid = r.row) AS "fights!: i64"
               FROM raids r "# + $rest
            $(, $argument)*
        )
    };
}

impl Erasing for SqliteStore {
    fn begin_erasing<'a>(&'a self, job: &'a NewJob, note: Note, older_ms: Option<i64>) -> StoreFuture<'a, bool> {
        self.write(BeginErasing { job: job.clone(), note, older_ms })
    }

    fn erase_encounter(&self, key: EncounterKey, note: Option<Note>) -> StoreFuture<'_, bool> {
        self.write_bulk(EraseEncounter { key, note })
    }

    fn erase_raid<'a>(&'a self, code: &'a str) -> StoreFuture<'a, bool> {
        self.write_bulk(EraseRaid { code: code.into() })
    }

    fn begin_leaving<'a>(&'a self, person: PersonId, job: &'a NewJob, note: Note) -> StoreFuture<'a, Leaving> {
        self.write(BeginLeaving { person, job: job.clone(), note })
    }

    fn erase_person(&self, person: PersonId) -> StoreFuture<'_, bool> {
        self.write_bulk(ErasePerson { person })
    }

    fn raids_of(&self, account: AccountId, before: Option<i64>, limit: u32) -> StoreFuture<'_, Vec<RaidLine>> {
        Self::read(async move {
            let (mut before, mut found) = (before.unwrap_or(i64::MAX), Vec::new());
            loop {
                let lines = select_raid_lines!(
                    "WHERE r.account = ?1 AND r.row < ?2 ORDER BY r.row DESC LIMIT ?3",
                    account.0,
                    before,
                    limit
                )
                .fetch_all(&self.readers)
                .await?;
                let Some(last) = lines.last() else { break };
                before = last.row;
                // As many as are asked for, however many cannot be read.
                found.extend(readable(lines));
                if found.len() >= limit as usize {
                    found.truncate(limit as usize);
                    break;
                }
            }
            Ok(found)
        })
    }

    fn fight_of<'a>(&'a self, report_id: &'a str) -> StoreFuture<'a, Option<(EncounterKey, String)>> {
        Self::read(async move {
            let found = sqlx::query!(
                "SELECT e.account, e.encounter_id, r.code FROM encounters e JOIN raids r ON r.row = e.raid
                 WHERE e.report_id = ?1",
                report_id,
            )
            .fetch_optional(&self.readers)
            .await?;
            let Some(found) = found else { return Ok(None) };
            let encounter = EncounterId(Id::from(found.encounter_id).read()?);
            Ok(Some((EncounterKey { account: AccountId(found.account), encounter }, found.code)))
        })
    }

    fn owner_of<'a>(&'a self, code: &'a str) -> StoreFuture<'a, Option<AccountId>> {
        Self::read(async move {
            let account = sqlx::query_scalar!("SELECT account FROM raids WHERE code = ?1", code);
            Ok(account.fetch_optional(&self.readers).await?.map(AccountId))
        })
    }

    fn raids_left(&self, account: AccountId, limit: u32) -> StoreFuture<'_, Vec<String>> {
        Self::read(async move {
            let codes = sqlx::query_scalar!("SELECT code FROM raids WHERE account = ?1 LIMIT ?2", account.0, limit);
            Ok(codes.fetch_all(&self.readers).await?)
        })
    }

    fn raids_older(&self, before_ms: i64, limit: u32) -> StoreFuture<'_, Vec<(AccountId, String)>> {
        Self::read(async move {
            let raids = sqlx::query!(
                "SELECT account, code FROM raids r WHERE pinned = 0 AND active_at_ms < ?1
                   AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.kind = 2 AND j.data = CAST('raid:' || r.code AS BLOB))
                 ORDER BY active_at_ms, row LIMIT ?2",
                before_ms,
                limit,
            )
            .fetch_all(&self.readers)
            .await?;
            Ok(raids.into_iter().map(|raid| (AccountId(raid.account), raid.code)).collect())
        })
    }

    fn active_last(&self) -> StoreFuture<'_, Option<i64>> {
        Self::read(async move {
            let last = sqlx::query_scalar!(r#"SELECT max(active_at_ms) AS "last: i64" FROM raids"#);
            Ok(last.fetch_one(&self.readers).await?)
        })
    }

    fn pin_raid<'a>(&'a self, code: &'a str, pinned: bool, note: Note) -> StoreFuture<'a, bool> {
        self.write(PinRaid { code: code.into(), pinned, note })
    }

    fn people(&self, after: Option<PersonId>, limit: u32) -> StoreFuture<'_, Vec<Person>> {
        Self::read(async move {
            let after = after.map_or(i64::MIN, |person| person.0);
            let people = sqlx::query_as!(
                PersonColumns,
                r#"SELECT row AS "row!", name, role, created_at_ms FROM people WHERE row > ?1 ORDER BY row LIMIT ?2"#,
                after,
                limit,
            )
            .fetch_all(&self.readers)
            .await?;
            Ok(readable(people))
        })
    }

    fn give_back(&self) -> StoreFuture<'_, GivenBack> {
        Box::pin(self.queue.ask_bulk(0, Request::GiveBack))
    }
}

struct BeginErasing {
    job: NewJob,
    note: Note,
    older_ms: Option<i64>,
}

impl Change for BeginErasing {
    type Output = bool;

    async fn run(&self, connection: &mut SqliteConnection) -> Result<bool, Failure> {
        if let (Some(older_ms), Some(Erasure::Raid(code))) = (self.older_ms, Erasure::of(&self.job.data)) {
            let may_go = sqlx::query_scalar!(
                r#"SELECT EXISTS (SELECT 1 FROM raids WHERE code = ?1 AND pinned = 0 AND active_at_ms < ?2) AS "may_go!: bool""#,
                code,
                older_ms,
            );
            if !may_go.fetch_one(&mut *connection).await? {
                return Ok(false);
            }
        }
        let is_new = put_job(&mut *connection, &self.job).await?;
        if is_new {
            put_note(connection, &self.note).await?;
        }
        Ok(is_new)
    }
}

struct EraseEncounter {
    key: EncounterKey,
    note: Option<Note>,
}

impl Change for EraseEncounter {
    type Output = bool;

    async fn run(&self, connection: &mut SqliteConnection) -> Result<bool, Failure> {
        let id = self.key.encounter.0.as_bytes().as_slice();
        let row = sqlx::query_scalar!(
            r#"SELECT row AS "row!" FROM encounters WHERE account = ?1 AND encounter_id = ?2"#,
            self.key.account.0,
            id,
        )
        .fetch_optional(&mut *connection)
        .await?;
        let Some(row) = row else { return Ok(false) };
        erase(&mut *connection, row).await?;
        if let Some(note) = &self.note {
            put_note(&mut *connection, note).await?;
        }
        wipe_later(&mut *connection).await?;
        changed(connection).await?;
        Ok(true)
    }
}

/// Erases an encounter. Numbers of its players whom no other fight of its raid has go with it, if that is known of all of them:
/// of one that is not derived yet they go with the raid. Only its own players are looked at: a raid may have many thousands.
async fn erase(connection: &mut SqliteConnection, row: i64) -> Result<(), Failure> {
    sqlx::query!(
        "DELETE FROM raid_players WHERE raid = (SELECT raid FROM encounters WHERE row = ?1)
           AND (player IN (SELECT unhex(actor_id) FROM encounter_players WHERE encounter = ?1)
                OR NOT EXISTS (SELECT 1 FROM encounter_players WHERE encounter = ?1))
           AND NOT EXISTS (
               SELECT 1 FROM encounters o WHERE o.raid = raid_players.raid AND o.row <> ?1
                 AND NOT EXISTS (SELECT 1 FROM encounter_players p WHERE p.encounter = o.row))
           AND NOT EXISTS (
               SELECT 1 FROM encounters o JOIN encounter_players p ON p.encounter = o.row
               WHERE o.raid = raid_players.raid AND o.row <> ?1 AND p.actor_id = lower(hex(raid_players.player)))",
        row,
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "DELETE FROM jobs WHERE rowid IN (
             SELECT j.rowid FROM encounters e JOIN jobs j ON j.account = e.account
             WHERE e.row = ?1
               AND (j.encounter_id = e.encounter_id OR (j.kind = 1 AND j.data = CAST(e.report_id AS BLOB))))",
        row,
    )
    .execute(&mut *connection)
    .await?;
    forget(&mut *connection, row).await?;
    tell_beside(&mut *connection, row).await?;
    sqlx::query!("DELETE FROM encounters WHERE row = ?1", row).execute(connection).await?;
    Ok(())
}

struct EraseRaid {
    code: String,
}

impl Change for EraseRaid {
    type Output = bool;

    async fn run(&self, connection: &mut SqliteConnection) -> Result<bool, Failure> {
        let job = Erasure::Raid(self.code.clone()).to_text();
        sqlx::query!("DELETE FROM jobs WHERE kind = 2 AND data = CAST(?1 AS BLOB)", job)
            .execute(&mut *connection)
            .await?;
        let raid = sqlx::query_scalar!(r#"SELECT row AS "row!" FROM raids WHERE code = ?1"#, self.code)
            .fetch_optional(&mut *connection)
            .await?;
        if let Some(raid) = raid {
            let left = sqlx::query_scalar!(r#"SELECT row AS "row!" FROM encounters WHERE raid = ?1"#, raid)
                .fetch_all(&mut *connection)
                .await?;
            for row in left {
                erase(&mut *connection, row).await?;
            }
            take_back(&mut *connection, raid).await?;
            sqlx::query!("DELETE FROM raids WHERE row = ?1", raid).execute(&mut *connection).await?;
        }
        wipe_later(&mut *connection).await?;
        changed(connection).await?;
        Ok(raid.is_some())
    }
}

struct BeginLeaving {
    person: PersonId,
    job: NewJob,
    note: Note,
}

impl Change for BeginLeaving {
    type Output = Leaving;

    async fn run(&self, connection: &mut SqliteConnection) -> Result<Leaving, Failure> {
        let (person, administrator) = (self.person.0, i64::from(code::of_role(Role::Administrator)));
        let held = sqlx::query!(
            r#"SELECT role, EXISTS (SELECT 1 FROM people WHERE role = ?2 AND row <> ?1) AS "is_another!: bool"
               FROM people WHERE row = ?1"#,
            person,
            administrator,
        )
        .fetch_optional(&mut *connection)
        .await?;
        let Some(held) = held else { return Ok(Leaving::NotThere) };
        if held.role == administrator && !held.is_another {
            return Ok(Leaving::LastAdministrator);
        }
        // Who is to go counts no more among those who administrate.
        sqlx::query!("UPDATE people SET role = 0 WHERE row = ?1", person).execute(&mut *connection).await?;
        sqlx::query!("DELETE FROM sign_ins WHERE person = ?1", person).execute(&mut *connection).await?;
        sqlx::query!("DELETE FROM sessions WHERE person = ?1", person).execute(&mut *connection).await?;
        sqlx::query!("DELETE FROM invitations WHERE made_by = ?1", person).execute(&mut *connection).await?;
        // What he agreed to counts no more.
        sqlx::query!("UPDATE characters SET agrees = 0 WHERE person = ?1", person).execute(&mut *connection).await?;
        sqlx::query!("DELETE FROM claims WHERE person = ?1", person).execute(&mut *connection).await?;
        sqlx::query!(
            "DELETE FROM keys WHERE account IN (SELECT account FROM account_owners WHERE person = ?1)",
            person,
        )
        .execute(&mut *connection)
        .await?;
        sqlx::query!(
            "DELETE FROM webhooks WHERE account IN (SELECT account FROM account_owners WHERE person = ?1)",
            person,
        )
        .execute(&mut *connection)
        .await?;
        // Keys of the configuration name an account: from now on that is another one.
        sqlx::query!(
            "UPDATE accounts SET name = '@gone-' || row
             WHERE row IN (SELECT account FROM account_owners WHERE person = ?1)",
            person,
        )
        .execute(&mut *connection)
        .await?;
        if put_job(&mut *connection, &self.job).await? {
            put_note(connection, &self.note).await?;
        }
        Ok(Leaving::Begun)
    }
}

struct ErasePerson {
    person: PersonId,
}

impl Change for ErasePerson {
    type Output = bool;

    async fn run(&self, connection: &mut SqliteConnection) -> Result<bool, Failure> {
        let (person, job) = (self.person.0, Erasure::Person(self.person).to_text());
        sqlx::query!("DELETE FROM jobs WHERE kind = 2 AND data = CAST(?1 AS BLOB)", job)
            .execute(&mut *connection)
            .await?;
        let accounts = sqlx::query_scalar!(
            r#"SELECT account AS "account!" FROM account_owners WHERE person = ?1 ORDER BY account"#,
            person,
        )
        .fetch_all(&mut *connection)
        .await?;
        for account in accounts {
            let left = sqlx::query_scalar!(r#"SELECT row AS "row!" FROM encounters WHERE account = ?1"#, account)
                .fetch_all(&mut *connection)
                .await?;
            for row in left {
                erase(&mut *connection, row).await?;
            }
            sqlx::query!("DELETE FROM jobs WHERE account = ?1", account).execute(&mut *connection).await?;
            sqlx::query!("DELETE FROM quota WHERE account = ?1", account).execute(&mut *connection).await?;
            sqlx::query!("UPDATE account_numbers SET last = max(last, ?1)", account).execute(&mut *connection).await?;
            sqlx::query!("DELETE FROM accounts WHERE row = ?1", account).execute(&mut *connection).await?;
        }
        let erased = sqlx::query!("DELETE FROM people WHERE row = ?1", person).execute(&mut *connection).await?;
        wipe_later(&mut *connection).await?;
        changed(connection).await?;
        Ok(erased.rows_affected() > 0)
    }
}

struct PinRaid {
    code: String,
    pinned: bool,
    note: Note,
}

impl Change for PinRaid {
    type Output = bool;

    async fn run(&self, connection: &mut SqliteConnection) -> Result<bool, Failure> {
        let held = sqlx::query_scalar!(r#"SELECT pinned AS "pinned: bool" FROM raids WHERE code = ?1"#, self.code)
            .fetch_optional(&mut *connection)
            .await?;
        let Some(held) = held else { return Ok(false) };
        let erasure = Erasure::Raid(self.code.clone()).to_text();
        let is_going = sqlx::query_scalar!(
            r#"SELECT EXISTS (SELECT 1 FROM jobs WHERE kind = 2 AND data = CAST(?1 AS BLOB)) AS "is_going!: bool""#,
            erasure,
        );
        // Else he would be told that it stays.
        if is_going.fetch_one(&mut *connection).await? {
            return Ok(false);
        }
        if held == self.pinned {
            return Ok(true);
        }
        sqlx::query!("UPDATE raids SET pinned = ?2 WHERE code = ?1", self.code, self.pinned)
            .execute(&mut *connection)
            .await?;
        put_note(connection, &self.note).await?;
        Ok(true)
    }
}
