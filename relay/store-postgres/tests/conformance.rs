//! The suite of the seam, on a real server.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![cfg(unix)]

use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use raidcast_store::Store;
use raidcast_store::conformance::Harness;
use raidcast_store_postgres::PostgresStore;

/// A database of its own on the cluster that the tests share.
struct Database {
    url: String,
}

impl Harness for Database {
    fn open(&self) -> BoxFuture<'_, Arc<dyn Store>> {
        async move { Arc::new(PostgresStore::open(&self.url).await.unwrap()) as Arc<dyn Store> }.boxed()
    }
}

raidcast_store::conformance!(match raidcast_pgkit::shared() {
    Some(cluster) => Database { url: cluster.new_database() },
    None => return,
});
