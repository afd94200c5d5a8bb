//! New databases for relays of tests. All migrations take longer than most tests: they are run once for each build, and what
//! comes of it is copied.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use raidcast_store::Upkeep as _;
use raidcast_store_sqlite::SqliteStore;

/// Where files of tests are kept from run to run.
const KEPT: &str = env!("CARGO_TARGET_TMPDIR");

/// Opens the database of a file, which is a new one where there is no file.
pub(crate) async fn open(path: &Path) -> SqliteStore {
    // A folder that is not there is the store's to make.
    if !path.exists() && path.parent().is_some_and(Path::is_dir) {
        std::fs::copy(template(), path).expect("the template can be copied");
    }
    SqliteStore::open(path).await.expect("the store opens")
}

/// The file that is copied. Its name says when this program was built: what another build made is not used.
fn template() -> PathBuf {
    let program = std::env::current_exe().expect("a test has a path");
    let built = program.metadata().and_then(|program| program.modified()).expect("it was built at some time");
    let built = built.duration_since(SystemTime::UNIX_EPOCH).expect("that is long past").as_nanos();
    let of_this = format!("{}-", program.file_stem().expect("it has a name").to_string_lossy());
    let name = format!("{of_this}{built:x}.db");
    let file = Path::new(KEPT).join(&name);
    if !file.exists() {
        make(&file);
        for entry in std::fs::read_dir(KEPT).expect("the folder can be read").flatten() {
            let other = entry.file_name().to_string_lossy().into_owned();
            if other.starts_with(&of_this) && other != name {
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }
    file
}

/// Makes it beside its place, so that it is whole once it is there. Whoever makes it at the same time makes the same.
fn make(file: &Path) {
    std::fs::create_dir_all(KEPT).expect("the folder can be made");
    let folder = tempfile::tempdir_in(KEPT).expect("a folder");
    let made = folder.path().join("raidcast.db");
    let migrate = || {
        // Of its own: the clock of the test's may stand still.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let store = SqliteStore::open(&made).await.expect("the store opens");
            store.close().await.expect("the store closes");
        });
    };
    std::thread::scope(|scope| scope.spawn(migrate).join().expect("it tells what failed"));
    std::fs::rename(&made, file).expect("it can be moved");
}
