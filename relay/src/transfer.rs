//! `raidcast-relay move`: all that one database holds into another one, whole or not at all.
//!
//! One invariant: what was put in is read back and compared before it is kept. Both databases are owned meanwhile, so
//! no relay changes either. Deliberately not here: which columns there are (the stores' own).

use std::fmt;

use futures::TryStreamExt as _;
use raidcast_shared::codec;
use raidcast_store::StoreError;
use raidcast_store::transfer::{Row, RowStream, Table, Transfer};
use sha2::{Digest as _, Sha256};

use crate::database::Database;

/// Why nothing was moved.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// Both are one.
    #[error("--from and --to name the same database, {0}: give two")]
    Same(Database),
    /// There is nothing to move from.
    #[error("there is no database {0}: check --from")]
    Missing(Database),
    /// One of the two failed.
    #[error("{database}: {error} (nothing was moved)")]
    Store {
        /// Which.
        database: Database,
        /// How.
        error: StoreError,
    },
    /// What came back is not what was put in.
    #[error(
        "what {to} holds of {table} is not what was sent ({here} became {there}). Nothing was moved. \
         Check the disks of both machines"
    )]
    Differs {
        /// Where to.
        to: Database,
        /// What its rows are called.
        table: &'static str,
        /// What was read.
        here: Box<Sum>,
        /// What came back.
        there: Box<Sum>,
    },
}

/// How many rows a table has, and what they are.
#[derive(Clone, PartialEq, Eq)]
pub struct Sum {
    /// How many.
    pub rows: u64,
    /// SHA-256 of all of them, in order.
    pub digest: [u8; 32],
}

impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} rows of digest ", self.rows)?;
        self.digest[..8].iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Adds rows up to a [`Sum`].
#[derive(Default)]
struct Summing {
    rows: u64,
    digest: Sha256,
}

impl Summing {
    fn add(&mut self, row: &Row) {
        self.rows += 1;
        self.digest.update(codec::encode(row));
    }

    fn sum(self) -> Sum {
        Sum { rows: self.rows, digest: self.digest.finalize().into() }
    }
}

/// Moves everything and verifies it; `tell` hears of each table that has come over.
///
/// # Errors
/// Nothing was moved then: the target is as it was.
pub async fn transfer(
    from: &Database,
    to: &Database,
    mut tell: impl FnMut(Table, &Sum),
) -> Result<Vec<(Table, Sum)>, TransferError> {
    if from == to {
        return Err(TransferError::Same(from.clone()));
    }
    if from.is_missing() {
        return Err(TransferError::Missing(from.clone()));
    }
    let source = from.open_whole().await.map_err(failed(from))?;
    let target = to.open_whole().await.map_err(failed(to))?;
    to.warn_if_open("the folder of the new database");
    let moved = carry((from, &*source), (to, &*target), &mut tell).await;
    let closed = target.close().await.map_err(failed(to));
    source.close().await.map_err(failed(from))?;
    let moved = moved?;
    closed?;
    Ok(moved)
}

/// Says which of the two it was.
fn failed(database: &Database) -> impl Fn(StoreError) -> TransferError + '_ {
    move |error| TransferError::Store { database: database.clone(), error }
}

async fn carry(
    (from, source): (&Database, &dyn Transfer),
    (to, target): (&Database, &dyn Transfer),
    tell: &mut impl FnMut(Table, &Sum),
) -> Result<Vec<(Table, Sum)>, TransferError> {
    let mut export = source.export().await.map_err(failed(from))?;
    let mut import = target.import().await.map_err(failed(to))?;
    let mut sums = Vec::new();
    for table in Table::ALL {
        let mut summing = Summing::default();
        let mut rows = export.rows(table);
        while let Some(row) = rows.try_next().await.map_err(failed(from))? {
            summing.add(&row);
            import.put(&row).await.map_err(failed(to))?;
        }
        let sum = summing.sum();
        tell(table, &sum);
        sums.push((table, sum));
    }
    for (table, here) in &sums {
        let there = sum(import.rows(*table)).await.map_err(failed(to))?;
        if there != *here {
            let (here, there) = (Box::new(here.clone()), Box::new(there));
            return Err(TransferError::Differs { to: to.clone(), table: table.name(), here, there });
        }
    }
    // What is derived is made anew where it is used.
    import.derive_again().await.map_err(failed(to))?;
    import.commit().await.map_err(failed(to))?;
    Ok(sums)
}

async fn sum(mut rows: RowStream<'_>) -> Result<Sum, StoreError> {
    let mut summing = Summing::default();
    while let Some(row) = rows.try_next().await? {
        summing.add(&row);
    }
    Ok(summing.sum())
}
