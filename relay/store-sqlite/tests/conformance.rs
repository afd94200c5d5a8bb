//! The suite of the seam, on real files.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::PathBuf;
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use raidcast_store::conformance::Harness;
use raidcast_store_sqlite::SqliteStore;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection as _, SqliteConnection};

struct SqliteFile(tempfile::TempDir);

impl SqliteFile {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("folder/raidcast.db")
    }
}

impl Harness for SqliteFile {
    type Store = SqliteStore;

    fn open(&self) -> BoxFuture<'_, Arc<SqliteStore>> {
        async move { Arc::new(SqliteStore::open(&self.path()).await.unwrap()) }.boxed()
    }

    /// A file that may not grow, and has no page to spare.
    fn set_writable<'a>(&'a self, store: &'a SqliteStore, is_writable: bool) -> BoxFuture<'a, ()> {
        async move {
            if !is_writable {
                let options = SqliteConnectOptions::new().filename(self.path());
                let mut other = SqliteConnection::connect_with(&options).await.unwrap();
                sqlx::raw_sql("PRAGMA incremental_vacuum").execute(&mut other).await.unwrap();
                other.close().await.unwrap();
            }
            store.set_pages_max(if is_writable { 1_000_000 } else { 1 }).await.unwrap();
        }
        .boxed()
    }
}

raidcast_store::conformance!(SqliteFile::new());
