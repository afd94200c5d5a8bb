//! The Raidcast relay: keeps raids in memory for their spectators, and their reports on disk.
//!
//! A hit's way through it: [`uplink`] decodes a frame and hands it to the raid's task ([`raid`]), which checks it,
//! appends it to the journal, folds it when that is durable and acknowledges it; [`fanout`] writes what changed to
//! all who watch ([`feed`]); [`finalize`] makes the fold a kept report; [`api`] reads. Whoever comes passes the
//! [`edge`] first.

pub mod access;
pub mod account;
pub mod answers;
pub mod api;
pub mod assets;
pub mod background;
pub mod body;
pub mod check;
pub mod clock;
mod clock_watch;
pub mod config;
pub mod context;
pub mod cors;
pub mod database;
pub mod derive;
pub mod desk;
pub mod discord;
pub mod disk;
pub mod downloads;
pub mod edge;
pub mod erase;
pub mod error;
mod etag;
pub mod export;
pub mod extract;
pub mod fanout;
pub mod feed;
pub mod file;
pub mod finalize;
pub mod heavy;
pub mod hours;
pub mod ingest;
pub mod jobs;
pub mod limits;
pub mod lists;
pub mod memory;
pub mod metrics;
pub mod openapi;
pub mod pages;
mod pictures;
pub mod preview;
pub mod private;
pub mod quota;
pub mod raid;
pub mod readiness;
pub mod record;
pub mod refold;
pub mod replay;
pub mod request;
pub mod retry;
pub mod router;
pub mod search;
pub mod serve;
pub mod set_aside;
pub mod signature;
mod singleflight;
pub mod span;
pub mod telemetry;
pub mod tls;
pub mod transfer;
pub mod turns;
pub mod uplink;
pub mod usage;
pub mod wishing;
