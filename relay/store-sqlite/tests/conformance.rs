//! The suite of the seam, on real files.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use raidcast_store::Store;
use raidcast_store::conformance::Harness;
use raidcast_store_sqlite::SqliteStore;

struct SqliteFile(tempfile::TempDir);

impl SqliteFile {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }
}

impl Harness for SqliteFile {
    fn open(&self) -> BoxFuture<'_, Arc<dyn Store>> {
        async move {
            let store = SqliteStore::open(&self.0.path().join("folder/raidcast.db")).await.unwrap();
            Arc::new(store) as Arc<dyn Store>
        }
        .boxed()
    }
}

raidcast_store::conformance!(SqliteFile::new());
