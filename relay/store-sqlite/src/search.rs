//! What is found.

use raidcast_store::name::NameParts;
use raidcast_store::row::{json, readable};
use raidcast_store::search::{Ask, Bind, Statement, Walked, names_sharing, walk};
use raidcast_store::{Search, SearchFound, SearchRequest, StoreError, StoreFuture, Term};
use sqlx::AssertSqlSafe;
use sqlx::sqlite::SqliteConnection;

use crate::SqliteStore;
use crate::error::Failure;
use crate::limits::SEARCH_WAIT;
use crate::report::lines_of;

impl Search for SqliteStore {
    fn names_proposed<'a>(&'a self, parts: &'a NameParts) -> StoreFuture<'a, Vec<(Term, String)>> {
        in_time(async move {
            let Statement { sql, binds } = names_sharing(parts);
            let mut query = sqlx::query_as::<_, (i64, String)>(AssertSqlSafe(sql)).persistent(false);
            for bind in binds {
                query = match bind {
                    Bind::Number(number) => query.bind(number),
                    Bind::Text(text) => query.bind(text),
                };
            }
            let proposed = query.fetch_all(&self.readers).await?;
            Ok(proposed.into_iter().map(|(term, name)| (Term(term), name)).collect())
        })
    }

    fn search_changes(&self) -> StoreFuture<'_, u64> {
        Self::read(async move {
            let changes = sqlx::query_scalar!("SELECT changes FROM search_state").fetch_one(&self.readers).await?;
            Ok(changes.cast_unsigned())
        })
    }

    fn search<'a>(&'a self, request: &'a SearchRequest) -> StoreFuture<'a, SearchFound> {
        in_time(async move {
            let mut transaction = self.readers.begin().await?;
            let Walked { encounters, next, total } = walk(&mut Reader(&mut transaction), request).await?;
            let lines = lines_of(&mut transaction, &json(&encounters)).await?;
            transaction.commit().await?;
            Ok(SearchFound { lines: readable(lines), next, total })
        })
    }
}

/// Whoever asks is told so where it takes too long.
fn in_time<'a, T: 'a>(question: impl Future<Output = Result<T, Failure>> + Send + 'a) -> StoreFuture<'a, T> {
    Box::pin(async move {
        match tokio::time::timeout(SEARCH_WAIT, question).await {
            Ok(answered) => Ok(answered?),
            Err(_) => Err(StoreError::Unavailable(format!("a search took longer than {} s", SEARCH_WAIT.as_secs()))),
        }
    })
}

struct Reader<'a>(&'a mut SqliteConnection);

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
