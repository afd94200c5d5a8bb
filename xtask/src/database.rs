//! `cargo xtask db-prepare`: checks the stores' queries against real databases and writes what building needs of them.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use raidcast_pgkit::{Cluster, Install};

use crate::command::{cargo, heading, root, run};
use crate::machine::{self, Need};

/// Prepares the queries of both stores.
pub(crate) fn prepare() -> Result<()> {
    machine::prepare(&[Need::Servers, Need::SqliteShell])?;
    let folder = root().join("target/db-prepare");
    fs::create_dir_all(&folder)?;

    heading("SQLite");
    let file = folder.join("prepare.db");
    if file.exists() {
        fs::remove_file(&file)?;
    }
    for migration in migrations("sqlite")? {
        run(Command::new("sqlite3").arg("-bail").arg(&file).arg(format!(".read '{}'", migration.display())))?;
    }
    check(
        "raidcast-store-sqlite",
        "store-sqlite",
        "RAIDCAST_SQLITE_DATABASE_URL",
        &format!("sqlite://{}", file.display()),
    )?;

    heading("PostgreSQL");
    let install = Install::find().context("PostgreSQL was not found after it was installed")?;
    let cluster = Cluster::start(install);
    for migration in migrations("postgres")? {
        cluster.run("postgres", &fs::read_to_string(migration)?);
    }
    check("raidcast-store-postgres", "store-postgres", "RAIDCAST_POSTGRES_DATABASE_URL", &cluster.url("postgres"))
}

/// Migrations of a store, in their order.
fn migrations(kind: &str) -> Result<Vec<PathBuf>> {
    let mut files = fs::read_dir(root().join("migrations").join(kind))?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<_>>>()?;
    files.sort();
    Ok(files)
}

/// Builds a store with its queries checked against the database, which writes them to its `.sqlx/`.
fn check(package: &str, folder: &str, variable: &str, url: &str) -> Result<()> {
    let folder = root().join("relay").join(folder);
    let (prepared, before) = (folder.join(".sqlx"), folder.join(".sqlx.before"));
    if before.exists() {
        fs::remove_dir_all(&before)?;
    }
    if prepared.exists() {
        fs::rename(&prepared, &before)?;
    }
    fs::create_dir_all(&prepared)?;
    // What is up to date would not be checked again.
    let library = folder.join("src/lib.rs");
    fs::write(&library, fs::read(&library)?)?;
    let checked = run(cargo().args(["check", "-p", package]).env(variable, url).env("SQLX_OFFLINE_DIR", &prepared));
    let count = fs::read_dir(&prepared)?.count();
    if checked.is_err() || count == 0 {
        fs::remove_dir_all(&prepared)?;
        if before.exists() {
            fs::rename(&before, &prepared)?;
        }
        checked?;
        bail!("{package} has no queries: has sqlx changed where it writes them?");
    }
    if before.exists() {
        fs::remove_dir_all(&before)?;
    }
    println!("{count} queries in {}", prepared.display());
    Ok(())
}
