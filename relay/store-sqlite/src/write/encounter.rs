use raidcast_shared::id::{EncounterId, StreamId};
use raidcast_store::{AccountId, EncounterRow, NewEncounter, StoredStream};
use sqlx::sqlite::SqliteConnection;

use super::refused;
use crate::queue::{Failure, Write};
use crate::read;

/// Keeps a new encounter with its first stream.
pub(crate) struct BeginEncounter(pub(crate) NewEncounter);

impl Write for BeginEncounter {
    type Output = EncounterRow;

    fn bytes(&self) -> usize {
        self.0.stream.header.len()
    }

    async fn run(&self, connection: &mut SqliteConnection) -> Result<EncounterRow, Failure> {
        let new = &self.0;
        let encounter = new.key.encounter.0.as_bytes().as_slice();
        let inserted = sqlx::query!(
            "INSERT INTO encounters (account, encounter_id, report_id, raid, visibility, started_at_ms, created_at_ms)
             SELECT ?1, ?2, ?3, r.row, r.visibility, ?5, ?6 FROM raids r WHERE r.code = ?4 AND r.account = ?1
             ON CONFLICT (account, encounter_id) DO NOTHING",
            new.key.account.0,
            encounter,
            new.report_id,
            new.raid_code,
            new.started_at_ms,
            new.created_at_ms,
        )
        .execute(&mut *connection)
        .await?;
        let held = read::encounter(&mut *connection, new.key.account, new.key.encounter)
            .await?
            .ok_or_else(|| refused(format!("no raid {} of the account", new.raid_code)))?;
        if inserted.rows_affected() == 1 {
            add_stream(connection, held.row, &new.stream).await?;
        }
        Ok(held)
    }
}

/// Keeps another stream.
pub(crate) struct BeginStream {
    pub(crate) encounter: i64,
    pub(crate) stream: StoredStream,
}

impl Write for BeginStream {
    type Output = ();

    fn bytes(&self) -> usize {
        self.stream.header.len()
    }

    async fn run(&self, connection: &mut SqliteConnection) -> Result<(), Failure> {
        let held = sqlx::query!("SELECT row FROM encounters WHERE row = ?1", self.encounter)
            .fetch_optional(&mut *connection)
            .await?;
        if held.is_none() {
            return Err(refused(format!("no encounter {}", self.encounter)));
        }
        add_stream(connection, self.encounter, &self.stream).await
    }
}

/// Removes a reading that is given up.
pub(crate) struct DropStream {
    pub(crate) encounter: i64,
    pub(crate) stream: StreamId,
}

impl Write for DropStream {
    type Output = ();

    async fn run(&self, connection: &mut SqliteConnection) -> Result<(), Failure> {
        let stream = self.stream.0.as_bytes().as_slice();
        // Its entries go with it.
        sqlx::query!("DELETE FROM encounter_stream WHERE encounter = ?1 AND stream = ?2", self.encounter, stream)
            .execute(connection)
            .await?;
        Ok(())
    }
}

async fn add_stream(connection: &mut SqliteConnection, encounter: i64, stream: &StoredStream) -> Result<(), Failure> {
    let id = stream.stream.0.as_bytes().as_slice();
    let header = &stream.header[..];
    sqlx::query!(
        "INSERT INTO encounter_stream (encounter, stream, header) VALUES (?1, ?2, ?3)
         ON CONFLICT (encounter, stream) DO NOTHING",
        encounter,
        id,
        header,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Moves an encounter to another raid of its account.
pub(crate) struct MoveEncounter {
    pub(crate) encounter: i64,
    pub(crate) raid_code: String,
}

impl Write for MoveEncounter {
    type Output = ();

    async fn run(&self, connection: &mut SqliteConnection) -> Result<(), Failure> {
        let moved = sqlx::query!(
            "UPDATE encounters SET raid = r.row, visibility = r.visibility FROM raids r
             WHERE encounters.row = ?1 AND r.code = ?2 AND r.account = encounters.account",
            self.encounter,
            self.raid_code,
        )
        .execute(connection)
        .await?;
        match moved.rows_affected() {
            0 => Err(refused(format!("no encounter {} and raid {} of one account", self.encounter, self.raid_code))),
            _ => Ok(()),
        }
    }
}

/// Removes an encounter with all that hangs on it.
pub(crate) struct Discard {
    pub(crate) account: AccountId,
    pub(crate) id: EncounterId,
}

impl Write for Discard {
    type Output = bool;

    async fn run(&self, connection: &mut SqliteConnection) -> Result<bool, Failure> {
        let id = self.id.0.as_bytes().as_slice();
        let gone = sqlx::query!("DELETE FROM encounters WHERE account = ?1 AND encounter_id = ?2", self.account.0, id)
            .execute(connection)
            .await?;
        Ok(gone.rows_affected() > 0)
    }
}
