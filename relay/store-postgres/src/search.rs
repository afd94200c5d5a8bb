//! What is found.

use raidcast_store::name::NameParts;
use raidcast_store::row::readable;
use raidcast_store::search::{Ask, Bind, Statement, Walked, names_sharing, walk};
use raidcast_store::{Search, SearchFound, SearchRequest, StoreFuture, Term};
use sqlx::{AssertSqlSafe, PgConnection, Postgres, Transaction};

use crate::PostgresStore;
use crate::error::Failure;
use crate::report::lines_of;

/// What a search's transaction is told first: to go the way that its text goes, whatever is guessed of how many rows there
/// are, and to give up in time.
pub const SEARCH_SETTINGS: &str = "
    SET LOCAL statement_timeout = '3s';
    SET LOCAL jit = off;
    SET LOCAL enable_hashjoin = off;
    SET LOCAL enable_mergejoin = off;
    SET LOCAL enable_seqscan = off;
    SET LOCAL enable_bitmapscan = off;
    SET LOCAL enable_memoize = off;
    SET LOCAL max_parallel_workers_per_gather = 0;
";

impl Search for PostgresStore {
    fn names_proposed<'a>(&'a self, parts: &'a NameParts) -> StoreFuture<'a, Vec<(Term, String)>> {
        Self::answer(async move {
            let Statement { sql, binds } = names_sharing(parts);
            let mut transaction = self.searching().await?;
            let mut query = sqlx::query_as::<_, (i64, String)>(AssertSqlSafe(sql)).persistent(false);
            for bind in binds {
                query = match bind {
                    Bind::Number(number) => query.bind(number),
                    Bind::Text(text) => query.bind(text),
                };
            }
            let proposed = query.fetch_all(&mut *transaction).await?;
            transaction.commit().await?;
            Ok(proposed.into_iter().map(|(term, name)| (Term(term), name)).collect())
        })
    }

    fn search_changes(&self) -> StoreFuture<'_, u64> {
        Self::answer(async move {
            let changes = sqlx::query_scalar!("SELECT changes FROM search_state").fetch_one(&self.pool).await?;
            Ok(changes.cast_unsigned())
        })
    }

    fn search<'a>(&'a self, request: &'a SearchRequest) -> StoreFuture<'a, SearchFound> {
        Self::answer(async move {
            let mut transaction = self.searching().await?;
            let Walked { encounters, next, total } = walk(&mut Reader(&mut transaction), request).await?;
            let lines = lines_of(&mut transaction, &encounters).await?;
            transaction.commit().await?;
            Ok(SearchFound { lines: readable(lines), next, total })
        })
    }
}

impl PostgresStore {
    async fn searching(&self) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
        let mut transaction = self.snapshot().await?;
        sqlx::raw_sql(SEARCH_SETTINGS).execute(&mut *transaction).await?;
        Ok(transaction)
    }
}

struct Reader<'a>(&'a mut PgConnection);

impl Ask for Reader<'_> {
    type Error = Failure;

    async fn rows(&mut self, statement: Statement) -> Result<Vec<(i64, i64)>, Failure> {
        let Statement { sql, binds } = statement;
        let mut query = sqlx::query_as::<_, (i64, i64)>(AssertSqlSafe(sql)).persistent(false);
        for bind in binds {
            query = match bind {
                Bind::Number(number) => query.bind(number),
                Bind::Text(text) => query.bind(text),
            };
        }
        Ok(query.fetch_all(&mut *self.0).await?)
    }
}
