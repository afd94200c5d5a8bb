//! The statements of a generation C database.

use super::super::database::Database;
use super::super::hit_row::Table;

/// Statements beside the roster's, made once for the columns that this database has.
#[derive(Debug)]
pub(super) struct Statements {
    /// Each row's counter, as one JSON text: a poll asks for it again and again.
    pub(super) counters: [String; 2],
    /// The same of some actors' rows.
    pub(super) counters_of_actors: [String; 2],
    /// A row if its counter is another now, by (row, encounter, counter, first byte of the text that is wanted, counted
    /// from 1, or 0 for none).
    pub(super) grown: [String; 2],
    /// Rows by a list of (row, first byte of the text that is wanted, counted from 1).
    pub(super) texts: [String; 2],
    pub(super) segments: String,
    pub(super) buffs: String,
    /// Each actor's own counters.
    pub(super) dealt: String,
}

impl Statements {
    pub(super) fn of(db: &Database) -> Self {
        let tables = [("damage_skill_stats", "hit_details"), ("heal_skill_stats", "heal_details")];
        let actors = Table::BOTH.map(Table::actors);
        let each = |make: &dyn Fn(usize) -> String| [make(0), make(1)];
        let here = "WHERE encounter_id = ?1";
        let counters = |rows: &str| {
            format!(
                "SELECT json_group_array(json_array(rowid, coalesce(CAST(hits AS INTEGER), 0))) AS counters FROM ({rows})"
            )
        };
        Self {
            counters: each(&|n| counters(&db.select(tables[n].0, &["rowid", "hits"], here))),
            counters_of_actors: each(&|n| {
                let of_actors = format!("{here} AND {} IN (SELECT value FROM json_each(?2))", actors[n][0]);
                counters(&db.select(tables[n].0, &["rowid", "hits"], &of_actors))
            }),
            grown: each(&|n| {
                let (table, text) = tables[n];
                if !db.has(table) {
                    return db.select(table, &["rowid"], "");
                }
                format!(
                    "SELECT {}, CASE WHEN ?4 > 0 THEN substr(CAST({table}.{text} AS BLOB), ?4) END AS text FROM {table} \
                     WHERE rowid = ?1 AND encounter_id = ?2 AND coalesce(CAST(hits AS INTEGER), 0) <> ?3",
                    db.columns(table, &["rowid", "hits"])
                )
            }),
            texts: each(&|n| {
                let (table, text) = tables[n];
                let [source, target] = actors[n];
                if !db.has(table) {
                    return db.select(table, &["rowid"], "");
                }
                format!(
                    "SELECT {}, {table}.{source} AS {source}, {table}.{target} AS {target}, \
                     substr(CAST({table}.{text} AS BLOB), wanted.start) AS text \
                     FROM (SELECT value ->> 0 AS id, value ->> 1 AS start FROM json_each(?1)) AS wanted \
                     CROSS JOIN {table} ON {table}.rowid = wanted.id",
                    db.columns(table, &["rowid", "skill_id", "hits", "total_value", "monster_name"])
                )
            }),
            segments: db.select(
                "dungeon_segments",
                &["id", "segment_type", "boss_name", "started_at_ms", "ended_at_ms"],
                "WHERE encounter_id = ?1 ORDER BY id",
            ),
            buffs: db.select(
                "buffs",
                &["rowid", "entity_id", "buff_id", "events"],
                "WHERE encounter_id = ?1 ORDER BY rowid",
            ),
            dealt: db.select("actor_encounter_stats", &["actor_id", "hits_dealt", "hits_heal"], here),
        }
    }
}
