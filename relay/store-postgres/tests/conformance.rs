//! The suite of the seam, on a real server.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![cfg(unix)]

mod migrated;

use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use raidcast_pgkit::Cluster;
use raidcast_store::conformance::Harness;
use raidcast_store_postgres::PostgresStore;

/// A database of its own on the cluster that the tests share.
struct Database {
    cluster: &'static Cluster,
    url: String,
}

impl Harness for Database {
    type Store = PostgresStore;

    fn open(&self) -> BoxFuture<'_, Arc<PostgresStore>> {
        async move { Arc::new(PostgresStore::open(&self.url).await.unwrap()) }.boxed()
    }

    /// A standby's setting, and new connections that hear of it.
    fn set_writable<'a>(&'a self, _: &'a PostgresStore, is_writable: bool) -> BoxFuture<'a, ()> {
        async move {
            let database = self.url.rsplit('/').next().unwrap().split('?').next().unwrap();
            let setting = if is_writable { "off" } else { "on" };
            let set = format!("ALTER DATABASE {database} SET default_transaction_read_only = {setting}");
            self.cluster.run("postgres", &set);
            let cut = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'");
            self.cluster.run("postgres", &cut);
        }
        .boxed()
    }
}

raidcast_store::conformance!(match raidcast_pgkit::shared() {
    Some(cluster) => Database { cluster, url: migrated::database(cluster) },
    None => return,
});
