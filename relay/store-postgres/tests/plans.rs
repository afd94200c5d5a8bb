//! Which indexes answer which search, with 20,000 encounters; `plans/search.txt` shows it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![cfg(unix)]

mod migrated;

use raidcast_store::archive::{Archive, Explain, Planned, Table, plans, same_as_kept};
use raidcast_store::search::{Ask, Bind, Statement};
use raidcast_store_postgres::{PostgresStore, SEARCH_SETTINGS};
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::QueryAs;
use sqlx::{AssertSqlSafe, Connection as _, FromRow, PgConnection, Postgres};

const ENCOUNTERS: i64 = 20_000;
/// What is said of an index that is gone through from end to end.
const WHOLE: &str = ", all of it";
/// The server whose plans are in the repository: others may have other nodes.
const MAJOR: i32 = 15;

async fn fill(connection: &mut PgConnection, archive: &mut Archive) {
    // Rows come in an order that needs no check of their keys.
    sqlx::raw_sql("SET session_replication_role = replica").execute(&mut *connection).await.unwrap();
    put(connection, archive.head()).await;
    for first in (1..=archive.encounters()).step_by(1_000) {
        let part = archive.part(first..(first + 1_000).min(archive.encounters() + 1));
        put(connection, part).await;
    }
    put(connection, archive.tail()).await;
    sqlx::raw_sql("VACUUM ANALYZE").execute(connection).await.unwrap();
}

async fn put(connection: &mut PgConnection, tables: Vec<Table>) {
    for table in tables {
        let mut copy = connection.copy_in_raw(&table.copy()).await.unwrap();
        copy.send(table.copied().into_bytes()).await.unwrap();
        copy.finish().await.unwrap();
    }
}

struct Database(PgConnection);

fn bound<T: for<'r> FromRow<'r, PgRow>>(
    before: &str,
    statement: Statement,
) -> QueryAs<'static, Postgres, T, PgArguments> {
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
        let lines: Vec<(String,)> = bound("EXPLAIN (COSTS OFF) ", statement).fetch_all(&mut self.0).await.unwrap();
        // What has a colon says more of the node above it.
        let mut nodes: Vec<(String, bool)> = Vec::new();
        for (line,) in lines {
            if !line.contains(": ") {
                nodes.push((line, false));
            } else if line.trim_start().starts_with("Index Cond:")
                && let Some((_, has_condition)) = nodes.last_mut()
            {
                *has_condition = true;
            }
        }
        nodes.into_iter().fold(String::new(), |text, (node, has_condition)| {
            let is_whole = node.contains("Index") && !has_condition;
            text + "  " + &node + if is_whole { WHOLE } else { "" } + "\n"
        })
    }
}

/// Everything comes by an index. What is ordered comes from the order's own.
fn check(planned: &Planned) {
    let Planned { sql, plan, walks, may_sort } = planned;
    assert!(!plan.contains("Seq Scan") && !plan.contains(WHOLE), "{sql}\n{plan}");
    assert!(plan.contains(walks), "{walks} is not walked: {sql}\n{plan}");
    assert!(*may_sort || !plan.contains("Sort"), "{sql}\n{plan}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_search_goes_by_the_indexes_that_are_meant_for_it() {
    let Some(cluster) = raidcast_pgkit::shared() else { return };
    let url = migrated::database(cluster);
    let store = PostgresStore::open(&url).await.unwrap();
    let mut connection = PgConnection::connect(&url).await.unwrap();
    let mut archive = Archive::new(ENCOUNTERS);
    fill(&mut connection, &mut archive).await;
    // As the store's searches have it.
    sqlx::raw_sql("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").execute(&mut connection).await.unwrap();
    sqlx::raw_sql(SEARCH_SETTINGS).execute(&mut connection).await.unwrap();
    let mut database = Database(connection);
    let text = plans(&store, &mut database, &archive, check).await;
    let version = "SELECT current_setting('server_version_num')::INT";
    let version: i32 = sqlx::query_scalar(version).fetch_one(&mut database.0).await.unwrap();
    if version / 10_000 == MAJOR {
        same_as_kept(&text, concat!(env!("CARGO_MANIFEST_DIR"), "/plans/search.txt"));
    }
}
