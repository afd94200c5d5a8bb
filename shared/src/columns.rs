//! Hits to columns of a delta, and back.
//!
//! A delta's columns stand one behind the other, each behind its length in bytes, in the order of the list that
//! Begin gave; empty ones at the end are left out. Numbers are unsigned LEB128. A dense column of `m` values is
//! `m` numbers, or a single one if all are equal. The column of times leaves out the first hit, whose time is the
//! delta's base, and holds the difference to the hit before; a delta's hits are sorted by time. Sparse columns are
//! pairs of the difference to the index before and a value. Unknown columns are skipped by the fold and kept in
//! the stored log.

use crate::event::{ActorIx, Hit, HitFlags, HitKind, SkillIx, TimedHit};
use crate::limits::{AMOUNT_MAX, COLUMNS_MAX, DELTA_HITS_MAX, ENCOUNTER_DURATION_MS_MAX};

/// The columns of version 1, in the order that this code writes them.
pub const COLUMNS: [&str; 8] = ["at", "src", "tgt", "skill", "amount", "flags", "shield", "overheal"];
/// How many of [`COLUMNS`] a list must name.
const REQUIRED: usize = 6;

/// Why columns do not hold what their delta says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ColumnsError {
    /// The list lacks a column, names one twice or is too long.
    #[error("the column list is not usable: {why}")]
    List {
        /// What is wrong with it.
        why: String,
    },
    /// A column is cut off, has more or fewer values than hits, or there are more columns than names.
    #[error("column `{column}` does not hold {hits} values")]
    Count {
        /// Which.
        column: String,
        /// How many the delta says.
        hits: u32,
    },
    /// More hits than a delta may have.
    #[error("a delta has at most {DELTA_HITS_MAX} hits, this one says {hits}")]
    TooMany {
        /// How many the delta says.
        hits: u32,
    },
    /// A value is beyond what its column may hold.
    #[error("column `{column}` holds {value}, which is beyond its limit")]
    Value {
        /// Which.
        column: &'static str,
        /// What it holds.
        value: u64,
    },
}

/// Which of a delta's columns is which, from the list that Begin gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnMap {
    /// For each of the delta's columns the index in [`COLUMNS`], if known.
    known: Vec<Option<u8>>,
    names: Vec<String>,
}

impl ColumnMap {
    /// Reads a column list.
    ///
    /// # Errors
    /// `List` if it is too long, names a column twice or lacks one that the fold needs.
    pub fn new(names: &[String]) -> Result<Self, ColumnsError> {
        let list = |why: String| Err(ColumnsError::List { why });
        if names.len() > COLUMNS_MAX {
            return list(format!("{} columns, at most {COLUMNS_MAX}", names.len()));
        }
        if let Some(twice) = names.iter().enumerate().find(|(at, name)| names[..*at].contains(name)) {
            return list(format!("`{}` stands twice", twice.1));
        }
        if let Some(lacks) = COLUMNS[..REQUIRED].iter().find(|column| !names.iter().any(|name| name == *column)) {
            return list(format!("`{lacks}` is missing"));
        }
        let known =
            names.iter().map(|name| COLUMNS.iter().position(|column| column == name).map(|at| at as u8)).collect();
        Ok(Self { known, names: names.to_vec() })
    }

    /// The columns that this code writes.
    pub fn own() -> Self {
        Self { known: (0..COLUMNS.len() as u8).map(Some).collect(), names: own_columns() }
    }

    /// The names, in order.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The raw bytes of columns that this code does not know, by index in the list.
    pub fn unknown<'a>(&self, bytes: &'a [u8]) -> Vec<(usize, &'a [u8])> {
        let Ok(columns) = self.split(bytes, 0) else { return Vec::new() };
        let unknown =
            |(at, bytes): (usize, &'a [u8])| (self.known[at].is_none() && !bytes.is_empty()).then_some((at, bytes));
        columns.into_iter().enumerate().filter_map(unknown).collect()
    }

    fn split<'a>(&self, mut bytes: &'a [u8], hits: u32) -> Result<Vec<&'a [u8]>, ColumnsError> {
        let mut columns = Vec::with_capacity(self.known.len());
        for name in &self.names {
            if bytes.is_empty() {
                break;
            }
            let count = || ColumnsError::Count { column: name.clone(), hits };
            let length = usize::try_from(take(&mut bytes).ok_or_else(count)?).map_err(|_| count())?;
            let (column, rest) = bytes.split_at_checked(length).ok_or_else(count)?;
            columns.push(column);
            bytes = rest;
        }
        if bytes.is_empty() { Ok(columns) } else { Err(ColumnsError::Count { column: "(unnamed)".into(), hits }) }
    }

    /// The hits of a delta's columns. Indexes are not checked against dictionaries here.
    ///
    /// # Errors
    /// The first column that does not hold what the delta says.
    pub fn decode(&self, base_ms: u32, hits: u32, bytes: &[u8]) -> Result<Vec<TimedHit>, ColumnsError> {
        if hits as usize > DELTA_HITS_MAX {
            return Err(ColumnsError::TooMany { hits });
        }
        let mut columns: [&[u8]; COLUMNS.len()] = [&[]; COLUMNS.len()];
        for (at, column) in self.split(bytes, hits)?.into_iter().enumerate() {
            if let Some(known) = self.known[at] {
                columns[usize::from(known)] = column;
            }
        }
        let n = hits as usize;
        if n == 0 {
            return match columns.iter().position(|column| !column.is_empty()) {
                Some(at) => Err(ColumnsError::Count { column: COLUMNS[at].into(), hits }),
                None => Ok(Vec::new()),
            };
        }
        let [at, src, tgt, skill, amount, flags, shield, overheal] = columns;
        let mut at = Dense::new(0, at, n - 1)?;
        let mut src = Dense::new(1, src, n)?;
        let mut tgt = Dense::new(2, tgt, n)?;
        let mut skill = Dense::new(3, skill, n)?;
        let mut amount = Dense::new(4, amount, n)?;
        let mut flags = Dense::new(5, flags, n)?;
        let mut out = Vec::with_capacity(n);
        let mut at_ms = u64::from(base_ms);
        for i in 0..n {
            if i > 0 {
                at_ms = at_ms.saturating_add(at.next()?);
            }
            let bits = flags.up_to(31)? as u8;
            out.push(TimedHit {
                at_ms: limit("at", at_ms, u64::from(ENCOUNTER_DURATION_MS_MAX))? as u32,
                hit: Hit {
                    source: ActorIx(src.up_to(u64::from(u16::MAX))? as u16),
                    target: ActorIx(tgt.up_to(u64::from(u16::MAX))? as u16),
                    skill: SkillIx(skill.up_to(u64::from(u16::MAX))? as u16),
                    kind: if bits & HitFlags::HEAL == 0 { HitKind::Damage } else { HitKind::Heal },
                    amount: amount.up_to(AMOUNT_MAX)?,
                    flags: HitFlags(bits & !HitFlags::HEAL),
                    shield: 0,
                    overheal: 0,
                },
            });
        }
        for dense in [at, src, tgt, skill, amount, flags] {
            dense.finish()?;
        }
        sparse(6, shield, &mut out, |hit, value| hit.shield = value)?;
        sparse(7, overheal, &mut out, |hit, value| hit.overheal = value)?;
        Ok(out)
    }
}

/// [`COLUMNS`], as Begin carries them.
pub fn own_columns() -> Vec<String> {
    COLUMNS.iter().map(|&name| name.to_owned()).collect()
}

/// The columns of hits that are sorted by time, and the base they count from.
pub fn encode(hits: &[TimedHit]) -> (u32, Vec<u8>) {
    let columns: [Vec<u8>; COLUMNS.len()] = columns_of(hits);
    let used = columns.iter().rposition(|column| !column.is_empty()).map_or(0, |last| last + 1);
    let mut out = Vec::with_capacity(columns.iter().map(|column| column.len() + 2).sum());
    for column in &columns[..used] {
        put(&mut out, column.len() as u64);
        out.extend_from_slice(column);
    }
    (hits.first().map_or(0, |first| first.at_ms), out)
}

/// How long the columns of [`encode`] are, bytes.
pub(crate) fn encoded_len(hits: &[TimedHit]) -> usize {
    let columns: [Length; COLUMNS.len()] = columns_of(hits);
    let used = columns.iter().rposition(|Length(column)| *column > 0).map_or(0, |last| last + 1);
    columns[..used].iter().map(|Length(column)| column + number_len(*column as u64)).sum()
}

/// Where a column is put.
trait Column {
    /// An empty one, that is about so long, bytes.
    fn with_room(bytes: usize) -> Self;

    /// Appends a number as LEB128.
    fn number(&mut self, value: u64);
}

impl Column for Vec<u8> {
    fn with_room(bytes: usize) -> Self {
        Self::with_capacity(bytes)
    }

    fn number(&mut self, value: u64) {
        put(self, value);
    }
}

/// How long a column is, bytes.
struct Length(usize);

impl Column for Length {
    fn with_room(_: usize) -> Self {
        Self(0)
    }

    fn number(&mut self, value: u64) {
        self.0 += number_len(value);
    }
}

fn columns_of<C: Column>(hits: &[TimedHit]) -> [C; COLUMNS.len()] {
    debug_assert!(hits.is_sorted_by_key(|hit| hit.at_ms));
    let bits = |TimedHit { hit, .. }: &TimedHit| {
        u64::from(hit.flags.0 | if hit.kind == HitKind::Heal { HitFlags::HEAL } else { 0 })
    };
    [
        dense_column(hits.windows(2).map(|pair| u64::from(pair[1].at_ms - pair[0].at_ms))),
        dense_column(hits.iter().map(|hit| u64::from(hit.hit.source.0))),
        dense_column(hits.iter().map(|hit| u64::from(hit.hit.target.0))),
        dense_column(hits.iter().map(|hit| u64::from(hit.hit.skill.0))),
        dense_column(hits.iter().map(|hit| hit.hit.amount)),
        dense_column(hits.iter().map(bits)),
        sparse_column(hits.iter().map(|hit| hit.hit.shield)),
        sparse_column(hits.iter().map(|hit| hit.hit.overheal)),
    ]
}

fn dense_column<C: Column>(values: impl ExactSizeIterator<Item = u64> + Clone) -> C {
    let mut out = C::with_room(values.len() * 2);
    let mut again = values.clone();
    match again.next() {
        Some(first) if again.all(|value| value == first) => out.number(first),
        _ => values.for_each(|value| out.number(value)),
    }
    out
}

fn sparse_column<C: Column>(values: impl Iterator<Item = u64>) -> C {
    let mut out = C::with_room(0);
    let mut before = 0;
    for (at, value) in values.enumerate().filter(|(_, value)| *value != 0) {
        out.number((at - before) as u64);
        out.number(value);
        before = at;
    }
    out
}

/// Reads a dense column value by value.
struct Dense<'a> {
    column: usize,
    bytes: &'a [u8],
    count: usize,
    constant: Option<u64>,
}

impl<'a> Dense<'a> {
    fn new(column: usize, bytes: &'a [u8], count: usize) -> Result<Self, ColumnsError> {
        // A single number: either the only value, or the value of all.
        let mut rest = bytes;
        let constant = take(&mut rest).filter(|_| rest.is_empty());
        if bytes.is_empty() != (count == 0) {
            return Err(ColumnsError::Count { column: COLUMNS[column].into(), hits: count as u32 });
        }
        Ok(Self { column, bytes: if constant.is_some() { rest } else { bytes }, count, constant })
    }

    fn next(&mut self) -> Result<u64, ColumnsError> {
        match self.constant {
            Some(value) => Ok(value),
            None => take(&mut self.bytes)
                .ok_or_else(|| ColumnsError::Count { column: COLUMNS[self.column].into(), hits: self.count as u32 }),
        }
    }

    fn up_to(&mut self, max: u64) -> Result<u64, ColumnsError> {
        let column = COLUMNS[self.column];
        self.next().and_then(|value| limit(column, value, max))
    }

    fn finish(self) -> Result<(), ColumnsError> {
        if self.bytes.is_empty() {
            return Ok(());
        }
        Err(ColumnsError::Count { column: COLUMNS[self.column].into(), hits: self.count as u32 })
    }
}

fn sparse(
    column: usize,
    mut bytes: &[u8],
    hits: &mut [TimedHit],
    set: impl Fn(&mut Hit, u64),
) -> Result<(), ColumnsError> {
    let count = hits.len() as u32;
    let broken = || ColumnsError::Count { column: COLUMNS[column].into(), hits: count };
    let mut at = 0_usize;
    while !bytes.is_empty() {
        let step = usize::try_from(take(&mut bytes).ok_or_else(broken)?).map_err(|_| broken())?;
        let value = take(&mut bytes).ok_or_else(broken)?;
        at = at.checked_add(step).ok_or_else(broken)?;
        let hit = &mut hits.get_mut(at).ok_or_else(broken)?.hit;
        // A part of the amount, never more than all of it.
        set(hit, limit(COLUMNS[column], value, hit.amount)?);
    }
    Ok(())
}

fn limit(column: &'static str, value: u64, max: u64) -> Result<u64, ColumnsError> {
    if value <= max { Ok(value) } else { Err(ColumnsError::Value { column, value }) }
}

/// Appends a number as LEB128.
pub(crate) fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// How many bytes [`put`] appends.
fn number_len(value: u64) -> usize {
    (value.checked_ilog2().unwrap_or(0) / 7 + 1) as usize
}

/// Takes a LEB128 number off the front; `None` if it is cut off or does not fit 64 bits.
pub(crate) fn take(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for (at, byte) in bytes.iter().enumerate().take(10) {
        let part = u64::from(byte & 0x7f);
        if at == 9 && part > 1 {
            return None;
        }
        value |= part << (7 * at);
        if byte & 0x80 == 0 {
            *bytes = &bytes[at + 1..];
            return Some(value);
        }
    }
    None
}
