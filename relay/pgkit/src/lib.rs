//! Throw-away PostgreSQL clusters, for tests and for preparing queries.
//!
//! A [`Cluster`] is made by the machine's own PostgreSQL (15 or newer) in a temporary folder, listens on a Unix socket
//! in it and nowhere else, and syncs to disk as a real one does, unless it is shared: nobody kills that. One invariant: the
//! server never outlives the process that started it. A watchdog shell holds the other end of a pipe; when that closes,
//! because the value was dropped or the process ended in whatever way, it stops the server and removes the folder.
//! Deliberately not here: any driver.

#![cfg(unix)]

mod cluster;
mod install;
mod template;

pub use cluster::{Cluster, SHARED, shared};
pub use install::{INSTALL, Install, REQUIRE};
