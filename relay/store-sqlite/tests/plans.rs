//! Which indexes answer which search, with 20,000 encounters; `plans/search.txt` shows it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;
use std::fmt::Write as _;

use raidcast_store::archive::{Archive, Explain, Planned, Table, plans, same_as_kept};
use raidcast_store::search::{Ask, Bind, Statement};
use raidcast_store_sqlite::SqliteStore;
use sqlx::query::QueryAs;
use sqlx::sqlite::{SqliteArguments, SqliteConnectOptions, SqliteRow};
use sqlx::{AssertSqlSafe, Connection as _, FromRow, Sqlite, SqliteConnection};

const ENCOUNTERS: i64 = 20_000;
/// What may be gone through from end to end: what subqueries gave.
const MADE: [&str; 7] = ["SCAN w", "SCAN l", "SCAN c", "SCAN f", "SCAN g", "SCAN (", "SCAN CONSTANT"];

async fn fill(connection: &mut SqliteConnection, archive: &mut Archive) {
    let mut transaction = connection.begin().await.unwrap();
    put(&mut transaction, archive.head()).await;
    for first in (1..=archive.encounters()).step_by(1_000) {
        let part = archive.part(first..(first + 1_000).min(archive.encounters() + 1));
        put(&mut transaction, part).await;
    }
    put(&mut transaction, archive.tail()).await;
    transaction.commit().await.unwrap();
}

async fn put(connection: &mut SqliteConnection, tables: Vec<Table>) {
    for table in tables {
        let query = sqlx::query(AssertSqlSafe(table.insert())).bind(table.listed());
        query.execute(&mut *connection).await.unwrap();
    }
}

struct Database(SqliteConnection);

fn bound<T: for<'r> FromRow<'r, SqliteRow>>(
    before: &str,
    statement: Statement,
) -> QueryAs<'static, Sqlite, T, SqliteArguments> {
    let Statement { sql, binds } = statement;
    let query = sqlx::query_as(AssertSqlSafe(format!("{before}{sql}"))).persistent(false);
    binds.into_iter().fold(query, |query, bind| match bind {
        Bind::Number(number) => query.bind(number),
        Bind::Text(text) => query.bind(text),
    })
}

impl Ask for Database {
    type Error = sqlx::Error;

    async fn rows(&mut self, statement: Statement) -> Result<Vec<(i64, i64)>, sqlx::Error> {
        bound("", statement).fetch_all(&mut self.0).await
    }
}

impl Explain for Database {
    async fn explain(&mut self, statement: Statement) -> String {
        let steps: Vec<(i64, i64, i64, String)> =
            bound("EXPLAIN QUERY PLAN ", statement).fetch_all(&mut self.0).await.unwrap();
        let mut depths = BTreeMap::from([(0, 0)]);
        let mut text = String::new();
        for (step, of, _, what) in steps {
            let depth = depths.get(&of).copied().unwrap_or(0) + 1;
            depths.insert(step, depth);
            let _ = writeln!(text, "{:1$}{what}", "", 2 * depth);
        }
        text
    }
}

/// Everything comes by an index. What is ordered comes from the order's own.
fn check(planned: &Planned) {
    let Planned { sql, plan, walks, may_sort } = planned;
    for step in plan.lines().map(str::trim) {
        let is_made = MADE.iter().any(|made| step.starts_with(made)) || step.ends_with("-ROW VALUES CLAUSE");
        let is_scan = step.starts_with("SCAN") && !is_made;
        assert!(!is_scan, "{step}: {sql}\n{plan}");
    }
    assert!(plan.contains(walks), "{walks} is not walked: {sql}\n{plan}");
    assert!(*may_sort || !plan.contains("TEMP B-TREE"), "{sql}\n{plan}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_search_goes_by_the_indexes_that_are_meant_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("raidcast.db");
    let store = SqliteStore::open(&file).await.unwrap();
    // Rows come in an order that needs no check of their keys.
    let options = SqliteConnectOptions::new().filename(&file).foreign_keys(false).pragma("cache_size", "-200000");
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    let mut archive = Archive::new(ENCOUNTERS);
    fill(&mut connection, &mut archive).await;
    let text = plans(&store, &mut Database(connection), &archive, check).await;
    same_as_kept(&text, concat!(env!("CARGO_MANIFEST_DIR"), "/plans/search.txt"));
}
