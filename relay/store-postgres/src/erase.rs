//! What is removed for good. Rows are gone with the transaction; what the server keeps of them until it has vacuumed, and in
//! its write-ahead log, is the server's to remove.

use raidcast_shared::id::EncounterId;
use raidcast_store::row::{PersonColumns, RaidLineColumns, readable};
use raidcast_store::{
    AccountId, EncounterKey, Erasing, Erasure, GivenBack, Leaving, NewJob, Note, Person, PersonId, RaidLine, Role,
    StoreFuture, code,
};
use sqlx::PgConnection;

use crate::PostgresStore;
use crate::audit::put_note;
use crate::character;
use crate::error::Failure;
use crate::jobs::put_job;
use crate::search_rows::{changed, forget, lock};
use crate::webhook::{take_back, tell_beside, tell_of_night};

/// Selects raids as their owners list them; what follows is the rest of the statement and its arguments.
macro_rules! select_raid_lines {
    ($rest:tt $(, $argument:expr)*) => {
        sqlx::query_as!(
            RaidLineColumns,
            r#"SELECT r.row, r.account, r.code, r.title, r.visibility, r.report_visibility, r.names, r.delay_ms,
                      r.created_at_ms, r.active_at_ms, r.pinned, r.tickets,
                      (SELECT count(*) FROM encounters e WHERE e.raid = r.row) AS "fights!"
               FROM raids r "# + $rest
            $(, $argument)*
        )
    };
}

impl Erasing for PostgresStore {
    fn begin_erasing<'a>(&'a self, job: &'a NewJob, note: Note, older_ms: Option<i64>) -> StoreFuture<'a, bool> {
        Self::answer(async move {
            let mut transaction = self.begin().await?;
            if let Some(Erasure::Raid(code)) = Erasure::of(&job.data) {
                // Nobody pins it meanwhile.
                let held =
                    sqlx::query!("SELECT pinned, active_at_ms FROM raids WHERE code = $1 FOR NO KEY UPDATE", code)
                        .fetch_optional(&mut *transaction)
                        .await?;
                let is_older = |ms| held.is_some_and(|held| !held.pinned && held.active_at_ms < ms);
                if older_ms.is_some_and(|ms| !is_older(ms)) {
                    return Ok(false);
                }
            }
            let is_new = put_job(&mut transaction, job).await?;
            if is_new {
                put_note(&mut transaction, &note).await?;
            }
            transaction.commit().await?;
            Ok(is_new)
        })
    }

    fn erase_encounter(&self, key: EncounterKey, note: Option<Note>) -> StoreFuture<'_, bool> {
        Self::answer(async move {
            let mut transaction = self.begin().await?;
            lock(&mut transaction).await?;
            let row = sqlx::query_scalar!(
                "SELECT row FROM encounters WHERE account = $1 AND encounter_id = $2",
                key.account.0,
                key.encounter.0
            )
            .fetch_optional(&mut *transaction)
            .await?;
            let Some(row) = row else { return Ok(false) };
            erase(&mut transaction, row).await?;
            if let Some(note) = &note {
                put_note(&mut transaction, note).await?;
            }
            changed(&mut transaction).await?;
            transaction.commit().await?;
            Ok(true)
        })
    }

    fn erase_raid<'a>(&'a self, code: &'a str) -> StoreFuture<'a, bool> {
        Self::answer(async move {
            let mut transaction = self.begin().await?;
            lock(&mut transaction).await?;
            drop_job(&mut transaction, &Erasure::Raid(code.into())).await?;
            let raid = sqlx::query_scalar!("SELECT row FROM raids WHERE code = $1 FOR UPDATE", code)
                .fetch_optional(&mut *transaction)
                .await?;
            if let Some(raid) = raid {
                // Before its fights, so that all who are told with it are told in one order.
                tell_of_night(&mut transaction, code).await?;
                let left = sqlx::query_scalar!("SELECT row FROM encounters WHERE raid = $1 ORDER BY row", raid)
                    .fetch_all(&mut *transaction)
                    .await?;
                for row in left {
                    erase(&mut transaction, row).await?;
                }
                take_back(&mut transaction, raid).await?;
                sqlx::query!("DELETE FROM raids WHERE row = $1", raid).execute(&mut *transaction).await?;
            }
            changed(&mut transaction).await?;
            transaction.commit().await?;
            Ok(raid.is_some())
        })
    }

    fn begin_leaving<'a>(&'a self, person: PersonId, job: &'a NewJob, note: Note) -> StoreFuture<'a, Leaving> {
        Self::answer(async move {
            let administrator = code::of_role(Role::Administrator);
            let mut transaction = self.begin().await?;
            character::lock(&mut transaction).await?;
            // Invitations come before people, and of people all who administrate are held: of two that go at one moment one
            // is the last.
            sqlx::query!("SELECT digest FROM invitations WHERE made_by = $1 ORDER BY digest FOR UPDATE", person.0)
                .fetch_all(&mut *transaction)
                .await?;
            let held = sqlx::query!(
                "SELECT row, role FROM people WHERE row = $1 OR role = $2 ORDER BY row FOR UPDATE",
                person.0,
                administrator,
            )
            .fetch_all(&mut *transaction)
            .await?;
            let Some(own) = held.iter().find(|held| held.row == person.0) else { return Ok(Leaving::NotThere) };
            let is_another = held.iter().any(|held| held.row != person.0 && held.role == administrator);
            if own.role == administrator && !is_another {
                return Ok(Leaving::LastAdministrator);
            }
            // Who is to go counts no more among those who administrate.
            sqlx::query!("UPDATE people SET role = 0 WHERE row = $1", person.0).execute(&mut *transaction).await?;
            sqlx::query!("DELETE FROM sign_ins WHERE person = $1", person.0).execute(&mut *transaction).await?;
            sqlx::query!("DELETE FROM sessions WHERE person = $1", person.0).execute(&mut *transaction).await?;
            sqlx::query!("DELETE FROM invitations WHERE made_by = $1", person.0).execute(&mut *transaction).await?;
            // What he agreed to counts no more.
            sqlx::query!("UPDATE characters SET agrees = FALSE WHERE person = $1", person.0)
                .execute(&mut *transaction)
                .await?;
            sqlx::query!("DELETE FROM claims WHERE person = $1", person.0).execute(&mut *transaction).await?;
            sqlx::query!(
                "DELETE FROM keys WHERE account IN (SELECT account FROM account_owners WHERE person = $1)",
                person.0,
            )
            .execute(&mut *transaction)
            .await?;
            // Keys of the configuration name an account: from now on that is another one.
            sqlx::query!(
                "UPDATE accounts SET name = '@gone-' || row
                 WHERE row IN (SELECT account FROM account_owners WHERE person = $1)",
                person.0,
            )
            .execute(&mut *transaction)
            .await?;
            // Behind the accounts: whoever sets one at this moment has set it, or finds that its account is gone.
            sqlx::query!(
                "DELETE FROM webhooks WHERE account IN (SELECT account FROM account_owners WHERE person = $1)",
                person.0,
            )
            .execute(&mut *transaction)
            .await?;
            if put_job(&mut transaction, job).await? {
                put_note(&mut transaction, &note).await?;
            }
            transaction.commit().await?;
            Ok(Leaving::Begun)
        })
    }

    fn erase_person(&self, person: PersonId) -> StoreFuture<'_, bool> {
        Self::answer(async move {
            let mut transaction = self.begin().await?;
            lock(&mut transaction).await?;
            // His characters go with him: it comes before his row, as where he begins to leave.
            character::lock(&mut transaction).await?;
            drop_job(&mut transaction, &Erasure::Person(person)).await?;
            let accounts =
                sqlx::query_scalar!("SELECT account FROM account_owners WHERE person = $1 ORDER BY account", person.0,)
                    .fetch_all(&mut *transaction)
                    .await?;
            for account in accounts {
                sqlx::query!("SELECT row FROM raids WHERE account = $1 ORDER BY row FOR UPDATE", account)
                    .fetch_all(&mut *transaction)
                    .await?;
                let left = sqlx::query_scalar!("SELECT row FROM encounters WHERE account = $1 ORDER BY row", account)
                    .fetch_all(&mut *transaction)
                    .await?;
                for row in left {
                    erase(&mut transaction, row).await?;
                }
                sqlx::query!("DELETE FROM jobs WHERE account = $1", account).execute(&mut *transaction).await?;
                sqlx::query!("DELETE FROM quota WHERE account = $1", account).execute(&mut *transaction).await?;
                sqlx::query!("DELETE FROM accounts WHERE row = $1", account).execute(&mut *transaction).await?;
            }
            let erased = sqlx::query!("DELETE FROM people WHERE row = $1", person.0).execute(&mut *transaction).await?;
            changed(&mut transaction).await?;
            transaction.commit().await?;
            Ok(erased.rows_affected() > 0)
        })
    }

    fn raids_of(&self, account: AccountId, before: Option<i64>, limit: u32) -> StoreFuture<'_, Vec<RaidLine>> {
        Self::answer(async move {
            let (mut before, mut found) = (before.unwrap_or(i64::MAX), Vec::new());
            loop {
                let lines = select_raid_lines!(
                    "WHERE r.account = $1 AND r.row < $2 ORDER BY r.row DESC LIMIT $3",
                    account.0,
                    before,
                    i64::from(limit)
                )
                .fetch_all(&self.pool)
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
        Self::answer(async move {
            if !Self::is_storable(report_id) {
                return Ok(None);
            }
            let found = sqlx::query!(
                "SELECT e.account, e.encounter_id, r.code FROM encounters e JOIN raids r ON r.row = e.raid
                 WHERE e.report_id = $1",
                report_id,
            )
            .fetch_optional(&self.pool)
            .await?;
            Ok(found.map(|found| {
                let encounter = EncounterId(found.encounter_id);
                (EncounterKey { account: AccountId(found.account), encounter }, found.code)
            }))
        })
    }

    fn owner_of<'a>(&'a self, code: &'a str) -> StoreFuture<'a, Option<AccountId>> {
        Self::answer(async move {
            if !Self::is_storable(code) {
                return Ok(None);
            }
            let account = sqlx::query_scalar!("SELECT account FROM raids WHERE code = $1", code);
            Ok(account.fetch_optional(&self.pool).await?.map(AccountId))
        })
    }

    fn raids_left(&self, account: AccountId, limit: u32) -> StoreFuture<'_, Vec<String>> {
        Self::answer(async move {
            let codes =
                sqlx::query_scalar!("SELECT code FROM raids WHERE account = $1 LIMIT $2", account.0, i64::from(limit),);
            Ok(codes.fetch_all(&self.pool).await?)
        })
    }

    fn raids_older(&self, before_ms: i64, limit: u32) -> StoreFuture<'_, Vec<(AccountId, String)>> {
        Self::answer(async move {
            let raids = sqlx::query!(
                "SELECT account, code FROM raids r WHERE NOT pinned AND active_at_ms < $1
                   AND NOT EXISTS (
                       SELECT 1 FROM jobs j WHERE j.kind = 2 AND j.data = convert_to('raid:' || r.code, 'UTF8'))
                 ORDER BY active_at_ms, row LIMIT $2",
                before_ms,
                i64::from(limit),
            )
            .fetch_all(&self.pool)
            .await?;
            Ok(raids.into_iter().map(|raid| (AccountId(raid.account), raid.code)).collect())
        })
    }

    fn active_last(&self) -> StoreFuture<'_, Option<i64>> {
        Self::answer(async move {
            Ok(sqlx::query_scalar!("SELECT max(active_at_ms) FROM raids").fetch_one(&self.pool).await?)
        })
    }

    fn pin_raid<'a>(&'a self, code: &'a str, pinned: bool, note: Note) -> StoreFuture<'a, bool> {
        Self::answer(async move {
            let mut transaction = self.begin().await?;
            let held = sqlx::query_scalar!("SELECT pinned FROM raids WHERE code = $1 FOR NO KEY UPDATE", code)
                .fetch_optional(&mut *transaction)
                .await?;
            let Some(held) = held else { return Ok(false) };
            let erasure = Erasure::Raid(code.into()).to_text();
            let is_going =
                sqlx::query!("SELECT kind FROM jobs WHERE kind = 2 AND data = $1 LIMIT 1", erasure.as_bytes())
                    .fetch_optional(&mut *transaction)
                    .await?;
            // Else he would be told that it stays.
            if is_going.is_some() {
                return Ok(false);
            }
            if held == pinned {
                return Ok(true);
            }
            sqlx::query!("UPDATE raids SET pinned = $2 WHERE code = $1", code, pinned)
                .execute(&mut *transaction)
                .await?;
            put_note(&mut transaction, &note).await?;
            transaction.commit().await?;
            Ok(true)
        })
    }

    fn people(&self, after: Option<PersonId>, limit: u32) -> StoreFuture<'_, Vec<Person>> {
        Self::answer(async move {
            let people = sqlx::query_as!(
                PersonColumns,
                "SELECT row, name, role, created_at_ms FROM people WHERE row > $1 ORDER BY row LIMIT $2",
                after.map_or(i64::MIN, |person| person.0),
                i64::from(limit),
            )
            .fetch_all(&self.pool)
            .await?;
            Ok(readable(people))
        })
    }

    fn give_back(&self) -> StoreFuture<'_, GivenBack> {
        Self::answer(async { Ok(GivenBack { is_done: true }) })
    }
}

/// What was to be done is done.
async fn drop_job(connection: &mut PgConnection, erasure: &Erasure) -> Result<(), Failure> {
    let data = erasure.to_text();
    sqlx::query!("DELETE FROM jobs WHERE kind = 2 AND data = $1", data.as_bytes()).execute(connection).await?;
    Ok(())
}

/// Erases an encounter, while names are locked. Numbers of players whom no other fight of its raid has go with it, if that
/// is known of all of them.
async fn erase(connection: &mut PgConnection, row: i64) -> Result<(), Failure> {
    // The raid first: its lock guards the numbers.
    sqlx::query!(
        "SELECT row FROM raids WHERE row = (SELECT raid FROM encounters WHERE row = $1) FOR NO KEY UPDATE",
        row
    )
    .fetch_optional(&mut *connection)
    .await?;
    sqlx::query!("SELECT row FROM encounters WHERE row = $1 FOR UPDATE", row).fetch_optional(&mut *connection).await?;
    sqlx::query!(
        "DELETE FROM raid_players n WHERE n.raid = (SELECT raid FROM encounters WHERE row = $1)
           AND (n.player IN (SELECT decode(p.actor_id, 'hex') FROM encounter_players p WHERE p.encounter = $1)
                OR NOT EXISTS (SELECT 1 FROM encounter_players p WHERE p.encounter = $1))
           AND NOT EXISTS (
               SELECT 1 FROM encounters o WHERE o.raid = n.raid AND o.row <> $1
                 AND NOT EXISTS (SELECT 1 FROM encounter_players p WHERE p.encounter = o.row))
           AND NOT EXISTS (
               SELECT 1 FROM encounters o JOIN encounter_players p ON p.encounter = o.row
               WHERE o.raid = n.raid AND o.row <> $1 AND p.actor_id = encode(n.player, 'hex'))",
        row,
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "DELETE FROM jobs j USING encounters e
         WHERE e.row = $1 AND j.account = e.account
           AND (j.encounter_id = uuid_send(e.encounter_id)
                OR (j.kind = 1 AND j.data = convert_to(e.report_id, 'UTF8')))",
        row,
    )
    .execute(&mut *connection)
    .await?;
    forget(&mut *connection, row).await?;
    tell_beside(&mut *connection, row).await?;
    sqlx::query!("DELETE FROM encounters WHERE row = $1", row).execute(connection).await?;
    Ok(())
}
