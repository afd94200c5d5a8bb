//! Encounter ids as clients make them are replaced by keyed ones, and wiped.
//!
//! SQLite leaves what is deleted in its pages until something is written over it: while ids are replaced it wipes what
//! they stood in, and what was deleted long before goes when the file is written anew.

use raidcast_shared::id::EncounterId;
use raidcast_store::KeyEncounter;
use sqlx::sqlite::SqliteConnection;

use crate::limits::KEYED_AT_ONCE;
use crate::queue::{Failure, Write};
use crate::row::uuid;

/// How far the ids of a database are, once they are no longer as clients make them (0).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ids {
    /// Keyed; the old ones may still stand in free space.
    Keyed = 1,
    /// Keyed, and the old ones are wiped.
    Wiped = 2,
}

/// Replaces all ids, unless that was done. Gives how many there were, and how far the ids are now.
pub(crate) struct KeyEncounters(pub(crate) KeyEncounter);

impl Write for KeyEncounters {
    type Output = (u64, Ids);

    async fn run(&self, connection: &mut SqliteConnection) -> Result<(u64, Ids), Failure> {
        let state = sqlx::query_scalar!("SELECT state FROM upkeep WHERE name = 'encounter_ids'")
            .fetch_optional(&mut *connection)
            .await?;
        match state.unwrap_or_default() {
            0 => {}
            1 => return Ok((0, Ids::Keyed)),
            _ => return Ok((0, Ids::Wiped)),
        }
        sqlx::raw_sql("PRAGMA secure_delete = ON").execute(&mut *connection).await?;
        let replaced = self.replace(connection).await;
        sqlx::raw_sql("PRAGMA secure_delete = OFF").execute(&mut *connection).await?;
        let replaced = replaced?;
        // Where there never was a raid there never was a fight.
        let raids =
            sqlx::query_scalar!(r#"SELECT COUNT(*) AS "count!: i64" FROM raids"#).fetch_one(&mut *connection).await?;
        let ids = if raids == 0 { Ids::Wiped } else { Ids::Keyed };
        SetIds(ids).run(connection).await?;
        Ok((replaced, ids))
    }
}

impl KeyEncounters {
    async fn replace(&self, connection: &mut SqliteConnection) -> Result<u64, Failure> {
        let (mut replaced, mut last) = (0, i64::MIN);
        loop {
            let held = sqlx::query!(
                r#"SELECT row AS "row!", encounter_id FROM encounters WHERE row > ?1 ORDER BY row LIMIT ?2"#,
                last,
                KEYED_AT_ONCE,
            )
            .fetch_all(&mut *connection)
            .await?;
            let Some(newest) = held.last() else { return Ok(replaced) };
            last = newest.row;
            for encounter in held {
                let keyed = (self.0)(EncounterId(uuid(&encounter.encounter_id).map_err(Failure::Refused)?));
                let keyed = keyed.0.as_bytes().as_slice();
                sqlx::query!("UPDATE encounters SET encounter_id = ?2 WHERE row = ?1", encounter.row, keyed)
                    .execute(&mut *connection)
                    .await?;
                replaced += 1;
            }
        }
    }
}

/// Keeps how far the ids are.
pub(crate) struct SetIds(pub(crate) Ids);

impl Write for SetIds {
    type Output = ();

    async fn run(&self, connection: &mut SqliteConnection) -> Result<(), Failure> {
        let state = self.0 as i64;
        sqlx::query!(
            "INSERT INTO upkeep (name, state) VALUES ('encounter_ids', ?1)
             ON CONFLICT (name) DO UPDATE SET state = excluded.state",
            state,
        )
        .execute(connection)
        .await?;
        Ok(())
    }
}
