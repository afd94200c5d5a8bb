//! A row of a result, taken out of SQLite.

use std::sync::Arc;

use rusqlite::Connection;
use rusqlite::types::ValueRef;

/// A row, its values by the names of their columns.
#[derive(Clone, Debug)]
pub(in crate::source) struct DbRow {
    names: Arc<[String]>,
    values: Box<[DbValue]>,
}

/// A value as SQLite stores it; text may be anything.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum DbValue {
    Null,
    Int(i64),
    Real(f64),
    Text(Vec<u8>),
    Blob(Vec<u8>),
}

impl DbRow {
    /// The value of a column; NULL where there is none of this name.
    pub(super) fn get(&self, column: &str) -> &DbValue {
        let at = self.names.iter().position(|name| name == column);
        at.map_or(&DbValue::Null, |at| &self.values[at])
    }
}

impl From<ValueRef<'_>> for DbValue {
    fn from(value: ValueRef<'_>) -> Self {
        match value {
            ValueRef::Null => Self::Null,
            ValueRef::Integer(value) => Self::Int(value),
            ValueRef::Real(value) => Self::Real(value),
            ValueRef::Text(text) => Self::Text(text.to_vec()),
            ValueRef::Blob(blob) => Self::Blob(blob.to_vec()),
        }
    }
}

/// All rows of a statement, which stays prepared. Whole numbers are its parameters, and behind them a text, if any; those
/// that it has no place for are left out.
pub(super) fn read(
    conn: &Connection,
    sql: &str,
    numbers: &[i64],
    text: Option<&str>,
) -> Result<Vec<DbRow>, rusqlite::Error> {
    let mut read = Vec::new();
    each(conn, sql, numbers, text, |row| read.push(row))?;
    Ok(read)
}

/// As [`read`], row by row.
pub(super) fn each(
    conn: &Connection,
    sql: &str,
    numbers: &[i64],
    text: Option<&str>,
    mut take: impl FnMut(DbRow),
) -> Result<(), rusqlite::Error> {
    let mut statement = conn.prepare_cached(sql)?;
    let places = statement.parameter_count();
    for (at, number) in numbers.iter().enumerate().take(places) {
        statement.raw_bind_parameter(at + 1, number)?;
    }
    if let Some(text) = text.filter(|_| numbers.len() < places) {
        statement.raw_bind_parameter(numbers.len() + 1, text)?;
    }
    let mut names: Option<Arc<[String]>> = None;
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next()? {
        let names = names.get_or_insert_with(|| row.as_ref().column_names().into_iter().map(str::to_owned).collect());
        let values = (0..names.len()).map(|at| row.get_ref(at).map(DbValue::from)).collect::<Result<_, _>>()?;
        take(DbRow { names: Arc::clone(names), values });
    }
    Ok(())
}
