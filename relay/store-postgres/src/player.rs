//! Numbers of players. Their raid is locked while they are given, and nothing else.

use raidcast_shared::id::ActorId;
use raidcast_store::row::NumberColumns;
use raidcast_store::{NUMBERED_PLAYERS_MAX, Players, StoreFuture, numbers_to_give};
use sqlx::{Executor, Postgres};

use crate::PostgresStore;
use crate::error::Failure;

impl Players for PostgresStore {
    fn raid_players<'a>(&'a self, code: &'a str) -> StoreFuture<'a, Vec<(ActorId, u32)>> {
        Self::answer(async move {
            if !Self::is_storable(code) {
                return Ok(Vec::new());
            }
            numbered(&self.pool, code).await
        })
    }

    fn number_players<'a>(&'a self, code: &'a str, players: &'a [ActorId]) -> StoreFuture<'a, Vec<(ActorId, u32)>> {
        Self::answer(async move {
            // Most ask for players who have one: nothing is locked for them.
            let held = self.raid_players(code).await?;
            if numbers_to_give(&held, players, NUMBERED_PLAYERS_MAX).is_empty() || !Self::is_storable(code) {
                return Ok(held);
            }
            let mut transaction = self.begin().await?;
            let raid = sqlx::query_scalar!("SELECT row FROM raids WHERE code = $1 FOR NO KEY UPDATE", code)
                .fetch_optional(&mut *transaction)
                .await?;
            let Some(raid) = raid else { return Ok(Vec::new()) };
            // A statement of its own, since it must see what was committed while the first one waited.
            let mut held = numbered(&mut *transaction, code).await?;
            let new = numbers_to_give(&held, players, NUMBERED_PLAYERS_MAX);
            let ids: Vec<&[u8]> = new.iter().map(|(player, _)| player.0.as_slice()).collect();
            let numbers: Vec<i64> = new.iter().map(|(_, number)| i64::from(*number)).collect();
            sqlx::query!(
                "INSERT INTO raid_players (raid, player, number)
                 SELECT $1, p.player, p.number FROM UNNEST($2::BYTEA[], $3::BIGINT[]) AS p (player, number)",
                raid,
                &ids as &[&[u8]],
                &numbers,
            )
            .execute(&mut *transaction)
            .await?;
            transaction.commit().await?;
            held.extend(new);
            Ok(held)
        })
    }
}

/// A raid's players, by number.
async fn numbered(
    executor: impl Executor<'_, Database = Postgres>,
    code: &str,
) -> Result<Vec<(ActorId, u32)>, Failure> {
    let columns = sqlx::query_as!(
        NumberColumns,
        "SELECT p.player, p.number FROM raid_players p JOIN raids r ON r.row = p.raid
         WHERE r.code = $1 ORDER BY p.number",
        code,
    )
    .fetch_all(executor)
    .await?;
    Ok(columns.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?)
}
