//! Rows of tables, and how the two databases take many at once.

use std::fmt::Write as _;

use serde_json::{Value, json};
use uuid::Uuid;

use super::entry::Entry;
use crate::DerivedBoss;
use crate::search::PlayerRow;

/// A value of a column.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the types of columns")]
pub enum Cell {
    Null,
    Number(i64),
    Bool(bool),
    Text(String),
    Bytes(Vec<u8>),
    Id(Uuid),
    Names(Vec<String>),
}

impl From<i64> for Cell {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<bool> for Cell {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl<T: Into<Self>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// Rows of one table.
#[derive(Clone, Debug)]
pub struct Table {
    name: &'static str,
    columns: &'static str,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    fn new(name: &'static str, columns: &'static str) -> Self {
        Self { name, columns, rows: Vec::new() }
    }

    pub(super) fn accounts() -> Self {
        Self::new("accounts", "row, name, channel")
    }

    pub(super) fn raids() -> Self {
        let columns = "row, id, account, code, secret_digest, visibility, created_at_ms, active_at_ms, closed";
        Self::new("raids", columns)
    }

    pub(super) fn encounters() -> Self {
        let columns = "row, account, encounter_id, report_id, raid, visibility, started_at_ms, created_at_ms, state,
            kept_at_ms, ended_at_ms, duration_ms, damage_ms, outcome, scene, scene_id, difficulty, bosses, players, damage,
            boss_damage, healing, damage_taken, hits, heal_hits, deaths";
        Self::new("encounters", columns)
    }

    pub(super) fn push_encounter(&mut self, entry: &Entry, account: i64) {
        let (of, row) = (&entry.columns, entry.row);
        let names: Vec<_> = entry.derived.bosses.iter().map(|boss| boss.boss_name.clone()).collect();
        self.push([
            row.into(),
            account.into(),
            Cell::Id(Uuid::from_u128(row as u128)),
            format!("r{row:011}").into(),
            entry.raid.into(),
            of.visibility.into(),
            of.started_at_ms.into(),
            of.created_at_ms.into(),
            of.state.into(),
            of.created_at_ms.into(),
            (of.started_at_ms + of.duration_ms).into(),
            of.duration_ms.into(),
            of.damage_ms.into(),
            of.outcome.into(),
            of.scene.clone().into(),
            of.scene_id.into(),
            of.difficulty.into(),
            Cell::Names(names),
            of.players.into(),
            of.damage.into(),
            (of.damage / 2).into(),
            (of.damage / 5).into(),
            (of.damage / 9).into(),
            (of.damage / 5_000).into(),
            (of.damage / 20_000).into(),
            of.players.into(),
        ]);
    }

    pub(super) fn bosses() -> Self {
        let columns = "encounter, number, boss_name, monster_id, total_damage, hits, max_hp, defeated";
        Self::new("encounter_bosses", columns)
    }

    pub(super) fn push_boss(&mut self, encounter: i64, boss: &DerivedBoss) {
        self.push([
            encounter.into(),
            boss.number.into(),
            boss.boss_name.clone().into(),
            boss.monster_id.into(),
            boss.total_damage.into(),
            boss.hits.into(),
            boss.max_hp.into(),
            boss.defeated.into(),
        ]);
    }

    pub(super) fn players() -> Self {
        let columns = "encounter, number, actor_id, name, class_id, class_spec, ability_score, level, is_local,
            damage_dealt, boss_damage_dealt, heal_dealt, damage_taken, hits_dealt, hits_heal, crit_hits_dealt,
            lucky_hits_dealt, deaths, name_term";
        Self::new("encounter_players", columns)
    }

    pub(super) fn push_player(&mut self, encounter: i64, row: &PlayerRow<'_>) {
        let player = row.player;
        self.push([
            encounter.into(),
            player.number.into(),
            player.actor_id.clone().into(),
            player.name.clone().into(),
            player.class_id.into(),
            player.class_spec.into(),
            player.ability_score.into(),
            player.level.into(),
            player.is_local.into(),
            player.damage_dealt.into(),
            player.boss_damage_dealt.into(),
            player.heal_dealt.into(),
            player.damage_taken.into(),
            player.hits_dealt.into(),
            player.hits_heal.into(),
            player.crit_hits_dealt.into(),
            player.lucky_hits_dealt.into(),
            player.deaths.into(),
            row.name_term.map(|term| term.0).into(),
        ]);
    }

    pub(super) fn search_terms() -> Self {
        Self::new("search_terms", "encounter, term, listed, started_at_ms, created_at_ms, duration_ms, dps, marks")
    }

    pub(super) fn names() -> Self {
        Self::new("search_names", "term, name, uses, listed")
    }

    pub(super) fn parts() -> Self {
        Self::new("search_parts", "part, term")
    }

    pub(super) fn push<const N: usize>(&mut self, row: [Cell; N]) {
        self.rows.push(row.into());
    }

    /// PostgreSQL: the statement that takes [`Table::copied`].
    pub fn copy(&self) -> String {
        format!("COPY {} ({}) FROM STDIN", self.name, self.columns)
    }

    /// The rows as `COPY` reads them.
    pub fn copied(&self) -> String {
        let mut text = String::new();
        for row in &self.rows {
            for (at, cell) in row.iter().enumerate() {
                text.push_str(if at == 0 { "" } else { "\t" });
                copy(cell, &mut text);
            }
            text.push('\n');
        }
        text
    }

    /// SQLite: the statement that takes [`Table::listed`] as its one argument.
    pub fn insert(&self) -> String {
        let mut sql = format!("INSERT INTO {} ({}) SELECT ", self.name, self.columns);
        for at in 0..self.columns.split(',').count() {
            let is_blob = matches!(self.rows.first().map(|row| &row[at]), Some(Cell::Bytes(_) | Cell::Id(_)));
            let (before, after) = if is_blob { ("unhex(", ")") } else { ("", "") };
            let comma = if at == 0 { "" } else { ", " };
            let _ = write!(sql, "{comma}{before}j.value ->> {at}{after}");
        }
        sql + " FROM json_each($1) AS j"
    }

    /// The rows as a list in JSON.
    pub fn listed(&self) -> String {
        let rows: Vec<Vec<Value>> = self.rows.iter().map(|row| row.iter().map(value).collect()).collect();
        Value::from(rows).to_string()
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn copy(cell: &Cell, text: &mut String) {
    let _ = match cell {
        Cell::Null => write!(text, "\\N"),
        Cell::Number(number) => write!(text, "{number}"),
        Cell::Bool(value) => write!(text, "{value}"),
        // No name that is made up here has a sign that means something to COPY or to a list.
        Cell::Text(plain) => write!(text, "{plain}"),
        Cell::Bytes(bytes) => write!(text, "\\\\x{}", hex(bytes)),
        Cell::Id(id) => write!(text, "{id}"),
        Cell::Names(names) if names.is_empty() => write!(text, "{{}}"),
        Cell::Names(names) => write!(text, "{{\"{}\"}}", names.join("\",\"")),
    };
}

fn value(cell: &Cell) -> Value {
    match cell {
        Cell::Null => Value::Null,
        Cell::Number(number) => json!(number),
        Cell::Bool(value) => json!(value),
        Cell::Text(text) => json!(text),
        Cell::Bytes(bytes) => json!(hex(bytes)),
        Cell::Id(id) => json!(hex(id.as_bytes())),
        Cell::Names(names) if names.is_empty() => Value::Null,
        Cell::Names(names) => json!(names),
    }
}
