//! What is found.

use raidcast_store::name::NameParts;
use raidcast_store::row::readable;
use raidcast_store::search::{Ask, Bind, Statement, Walked, names_sharing, walk};
use raidcast_store::{Search, SearchFound, SearchRequest, StoreFuture, Term};
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::QueryAs;
use sqlx::{AssertSqlSafe, FromRow, PgConnection, Postgres};

use crate::PostgresStore;
use crate::error::{Failure, is_lost};
use crate::limits::SEARCH_CONNECTIONS;
use crate::report::lines_of;

impl Search for PostgresStore {
    fn names_proposed<'a>(&'a self, parts: &'a NameParts) -> StoreFuture<'a, Vec<(Term, String)>> {
        Self::answer(async move {
            for _ in 0..SEARCH_CONNECTIONS {
                match self.names(parts).await {
                    Err(error) if is_lost(&error) => {}
                    named => return Ok(named?),
                }
            }
            Ok(self.names(parts).await?)
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
            for _ in 0..SEARCH_CONNECTIONS {
                match self.found(request).await {
                    Err(Failure::Sql(error)) if is_lost(&error) => {}
                    found => return found,
                }
            }
            self.found(request).await
        })
    }
}

/// Each of these may be asked again where its connection turns out to be lost: one that was used a moment ago is not tried before.
impl PostgresStore {
    async fn names(&self, parts: &NameParts) -> Result<Vec<(Term, String)>, sqlx::Error> {
        let proposed: Vec<(i64, String)> = bound(names_sharing(parts)).fetch_all(&self.searches).await?;
        Ok(proposed.into_iter().map(|(term, name)| (Term(term), name)).collect())
    }

    async fn found(&self, request: &SearchRequest) -> Result<SearchFound, Failure> {
        let mut transaction = self.searching().await?;
        let Walked { encounters, next, total } = walk(&mut Reader(&mut transaction), request).await?;
        let lines = lines_of(&mut transaction, &encounters).await?;
        transaction.commit().await?;
        Ok(SearchFound { lines: readable(lines), next, total })
    }
}

/// A statement with what is bound to it.
fn bound<T: for<'r> FromRow<'r, PgRow>>(statement: Statement) -> QueryAs<'static, Postgres, T, PgArguments> {
    let Statement { sql, binds } = statement;
    binds.into_iter().fold(sqlx::query_as(AssertSqlSafe(sql)), |query, bind| match bind {
        Bind::Number(number) => query.bind(number),
        Bind::Text(text) => query.bind(text),
    })
}

struct Reader<'a>(&'a mut PgConnection);

impl Ask for Reader<'_> {
    type Error = Failure;

    async fn rows(&mut self, statement: Statement) -> Result<Vec<(i64, i64)>, Failure> {
        Ok(bound(statement).fetch_all(&mut *self.0).await?)
    }
}
