//! The summary generation: nothing while the fight goes on, one packed summary when it is over.
//!
//! A summary is zstd of positional `MessagePack`, whose layout changed from version to version without a mark.

mod pack;

use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection, Row, raw_sql};

pub use pack::Layout;

use crate::error::MeterkitError;
use crate::fight::Fight;
use crate::playhead::{Happening, Playhead};

/// Fights that the meter keeps when it starts.
const KEPT: i64 = 200;

#[derive(Debug)]
pub(crate) struct SummaryWriter {
    connection: SqliteConnection,
    layout: Layout,
    open: Option<Playhead>,
}

impl SummaryWriter {
    pub(crate) async fn new(mut connection: SqliteConnection, layout: Layout) -> Result<Self, MeterkitError> {
        raw_sql(include_str!("summary/schema.sql")).execute(&mut connection).await?;
        Ok(Self { connection, layout, open: None })
    }

    /// Nothing is written; gives the id that the fight's row will have.
    pub(crate) async fn begin(&mut self, fight: &Fight) -> Result<i64, MeterkitError> {
        let last = sqlx::query("SELECT coalesce(max(id), 0) FROM encounters").fetch_one(&mut self.connection).await?;
        self.open = Some(Playhead::new(fight.clone()));
        Ok(last.try_get::<i64, _>(0)? + 1)
    }

    pub(crate) fn advance_to(&mut self, ms: i64) -> Result<(), MeterkitError> {
        let playhead = self.open.as_mut().ok_or(MeterkitError::NoFight)?;
        playhead.now_ms = playhead.now_ms.max(ms);
        Ok(())
    }

    pub(crate) async fn end(&mut self) -> Result<(), MeterkitError> {
        let fight = &self.open.as_ref().ok_or(MeterkitError::NoFight)?.fight;
        let (last_ms, manual) = (fight.last_ms(), fight.manually_reset);
        self.finish(last_ms, manual).await
    }

    pub(crate) async fn reset(&mut self) -> Result<(), MeterkitError> {
        let now_ms = self.open.as_ref().ok_or(MeterkitError::NoFight)?.now_ms.max(0);
        self.finish(now_ms, true).await
    }

    async fn finish(&mut self, ended_ms: i64, manual: bool) -> Result<(), MeterkitError> {
        let mut playhead = self.open.take().ok_or(MeterkitError::NoFight)?;
        let happened = playhead.take(ended_ms, usize::MAX);
        let hits: Vec<_> = happened
            .into_iter()
            .filter_map(|(_, what)| if let Happening::Hits(hit) = what { Some(hit) } else { None })
            .collect();
        let summary = pack::summary(self.layout, &playhead, &hits);
        let fight = &playhead.fight;
        let bosses: Vec<_> = fight.monsters.iter().filter(|monster| monster.is_boss).collect();
        let names: Vec<_> = bosses.iter().map(|boss| boss.name.as_str()).collect();
        let kinds: Vec<_> = bosses.iter().filter_map(|boss| boss.type_id).collect();
        let mut transaction = self.connection.begin().await?;
        let row = sqlx::query(
            "INSERT INTO encounters (started_at_ms, ended_at_ms, local_player_id, total_dmg, total_heal, scene_id,
                 scene_name, duration, is_manually_reset, boss_names, boss_monster_ids, player_names, dungeon_difficulty)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '[]', ?)",
        )
        .bind(fight.started_at_ms)
        .bind(fight.started_at_ms + ended_ms)
        .bind(self.layout.id_of(fight.local_player_id, true))
        .bind(summary.damage_total)
        .bind(summary.heal_total)
        .bind(fight.scene_id)
        .bind(fight.scene_name.as_deref())
        .bind(ended_ms as f64 / 1_000.0)
        .bind(manual)
        .bind(serde_json::to_string(&names)?)
        .bind(serde_json::to_string(&kinds)?)
        .bind(fight.difficulty)
        .execute(&mut *transaction)
        .await?;
        sqlx::query("INSERT INTO encounter_data (encounter_id, data) VALUES (?, ?)")
            .bind(row.last_insert_rowid())
            .bind(summary.pack()?)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// What the fork of this generation does when it starts: keeps the newest fights and numbers them anew.
    pub(crate) async fn restart(&mut self) -> Result<(), MeterkitError> {
        self.open = None;
        let mut transaction = self.connection.begin().await?;
        raw_sql("PRAGMA defer_foreign_keys = ON").execute(&mut *transaction).await?;
        let kept: Vec<i64> = sqlx::query_scalar("SELECT id FROM encounters ORDER BY started_at_ms DESC LIMIT ?")
            .bind(KEPT)
            .fetch_all(&mut *transaction)
            .await?;
        let oldest = kept.last().copied().unwrap_or(0);
        for table in ["encounter_data WHERE encounter_id", "encounters WHERE id"] {
            let delete = format!("DELETE FROM {table} < ?");
            sqlx::query(sqlx::AssertSqlSafe(delete)).bind(oldest).execute(&mut *transaction).await?;
        }
        for (new, old) in (1_i64..).zip(kept.iter().rev()) {
            for table in ["encounter_data SET encounter_id = ? WHERE encounter_id", "encounters SET id = ? WHERE id"] {
                let renumber = format!("UPDATE {table} = ?");
                sqlx::query(sqlx::AssertSqlSafe(renumber)).bind(new).bind(*old).execute(&mut *transaction).await?;
            }
        }
        sqlx::query("UPDATE sqlite_sequence SET seq = ? WHERE name = 'encounters'")
            .bind(kept.len() as i64)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(())
    }

    pub(crate) async fn close(self) -> Result<(), MeterkitError> {
        Ok(self.connection.close().await?)
    }
}
