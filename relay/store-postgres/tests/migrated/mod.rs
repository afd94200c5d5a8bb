//! Databases that the store has brought up to date before, for tests that try no migrations. The relay's tests have them
//! of this file too.

use raidcast_pgkit::Cluster;
use raidcast_store::Upkeep as _;
use raidcast_store_postgres::PostgresStore;

/// Makes one and tells where it is.
pub(crate) fn database(cluster: &Cluster) -> String {
    cluster.new_migrated(|url| {
        let migrate = || {
            // Of its own: whoever asks may have one in which nobody waits for another.
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let store = PostgresStore::open(url).await.expect("an empty database is brought up to date");
                store.close().await.expect("a store that nothing was asked of closes");
            });
        };
        std::thread::scope(|scope| scope.spawn(migrate).join().expect("it tells what failed"));
    })
}
