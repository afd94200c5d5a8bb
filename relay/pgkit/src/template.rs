//! A database whose schema is up to date: made once a cluster, and copied for each test that tries no migrations itself.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};

use crate::cluster::Cluster;

/// How long the server may take to end a connection, ms.
const ENDED_MS: u32 = 60_000;

impl Cluster {
    /// Makes a database whose schema is up to date, and tells where it is.
    ///
    /// It is a copy of a template. `migrate` makes that of an empty database, whose place it is given, and has ended its
    /// connections when it returns. It is called once a cluster, whichever threads and processes ask at once: the others
    /// wait. The template has its name of the text of all migrations, so that none is used for others.
    ///
    /// # Panics
    /// The server refuses it, or `migrate` panics; then the next that asks tries it anew.
    pub fn new_migrated(&self, migrate: impl FnOnce(&str)) -> String {
        self.copy_of(&self.template(migrate))
    }

    fn template(&self, migrate: impl FnOnce(&str)) -> String {
        let name = format!("migrated_{:016x}", migrations());
        // Stands there when all of it is done.
        let done = self.folder().join(&name);
        if done.exists() {
            return name;
        }
        // Let go with the file, also where its process is killed.
        let lock = File::create(self.folder().join("migrating")).expect("the cluster's folder can be written");
        lock.lock().expect("files of the temporary folder can be locked");
        if !done.exists() {
            // What one left that was killed at it.
            self.run("postgres", &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
            self.create(&name, "template0");
            migrate(&self.url(&name));
            self.run("postgres", &format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false"));
            // The server notices a connection's end a moment later, and copies nothing that somebody is connected to.
            let end = format!("SELECT pg_terminate_backend(pid, {ENDED_MS}) FROM pg_stat_activity");
            self.run("postgres", &format!("{end} WHERE datname = '{name}'"));
            fs::write(&done, "").expect("the cluster's folder can be written");
        }
        name
    }
}

/// A number of the migrations' names and texts.
fn migrations() -> u64 {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations/postgres");
    let entries = fs::read_dir(folder).expect("the migrations are in the workspace");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("a migration").path()).collect();
    files.sort();
    let mut hasher = DefaultHasher::new();
    for file in files {
        file.file_name().hash(&mut hasher);
        fs::read(&file).expect("a migration can be read").hash(&mut hasher);
    }
    hasher.finish()
}
