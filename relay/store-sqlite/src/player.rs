//! Numbers of players.

use raidcast_shared::id::ActorId;
use raidcast_store::row::{NumberColumns, json};
use raidcast_store::{NUMBERED_PLAYERS_MAX, Players, StoreFuture, numbers_to_give};
use sqlx::sqlite::SqliteConnection;
use sqlx::{Executor, Sqlite};

use crate::SqliteStore;
use crate::error::Failure;
use crate::job::Change;

impl Players for SqliteStore {
    fn raid_players<'a>(&'a self, code: &'a str) -> StoreFuture<'a, Vec<(ActorId, u32)>> {
        Self::read(numbered(&self.readers, code))
    }

    fn number_players<'a>(&'a self, code: &'a str, players: &'a [ActorId]) -> StoreFuture<'a, Vec<(ActorId, u32)>> {
        Box::pin(async move {
            // Most ask for players who have one: nothing is written for them.
            let held = self.raid_players(code).await?;
            if numbers_to_give(&held, players, NUMBERED_PLAYERS_MAX).is_empty() {
                return Ok(held);
            }
            self.write(NumberPlayers { code: code.into(), players: players.into() }).await
        })
    }
}

/// A raid's players, by number.
async fn numbered(executor: impl Executor<'_, Database = Sqlite>, code: &str) -> Result<Vec<(ActorId, u32)>, Failure> {
    let columns = sqlx::query_as!(
        NumberColumns,
        "SELECT p.player, p.number FROM raid_players p JOIN raids r ON r.row = p.raid
         WHERE r.code = ?1 ORDER BY p.number",
        code,
    )
    .fetch_all(executor)
    .await?;
    Ok(columns.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?)
}

/// Gives players their numbers.
struct NumberPlayers {
    code: String,
    players: Vec<ActorId>,
}

impl Change for NumberPlayers {
    type Output = Vec<(ActorId, u32)>;

    fn bytes(&self) -> usize {
        size_of_val(&*self.players)
    }

    async fn run(&self, connection: &mut SqliteConnection) -> Result<Vec<(ActorId, u32)>, Failure> {
        let mut held = numbered(&mut *connection, &self.code).await?;
        let new = numbers_to_give(&held, &self.players, NUMBERED_PLAYERS_MAX);
        let rows: Vec<_> = new.iter().map(|(player, number)| (player.to_hex(), number)).collect();
        let rows = json(&rows);
        let given = sqlx::query!(
            "INSERT INTO raid_players (raid, player, number)
             SELECT r.row, unhex(p.value ->> 0), p.value ->> 1 FROM raids r, json_each(?2) AS p WHERE r.code = ?1",
            self.code,
            rows,
        )
        .execute(connection)
        .await?;
        if given.rows_affected() > 0 {
            held.extend(new);
        }
        Ok(held)
    }
}
