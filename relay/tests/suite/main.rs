//! The relay by named failure: real sockets, real SQLite, scripts for uploaders and spectators.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod alike;
mod apart;
mod bad_input;
mod channels;
mod chat;
mod checks;
mod contract;
mod crowd;
mod delay;
mod demo;
mod derived;
mod description;
mod discards;
mod discord;
mod downloads;
mod durability;
mod encounters;
mod errors;
mod examples;
mod export_player;
mod exposition;
mod falls;
mod fan_out;
mod files;
mod fresh;
mod gone;
mod gone_meanwhile;
mod heavy;
mod history;
mod hostile_uploads;
mod kills;
mod life;
mod links;
mod loads;
#[cfg(target_os = "linux")]
mod login;
mod logs;
#[cfg(target_os = "linux")]
mod memory;
#[cfg(all(unix, feature = "postgres"))]
#[path = "../../store-postgres/tests/migrated/mod.rs"]
mod migrated;
mod names;
mod network;
mod nights;
mod old_fights;
mod old_ids;
mod open_fights;
mod operators;
mod optout;
mod outcome;
mod overlays;
mod people;
mod posted;
#[cfg(all(unix, feature = "postgres"))]
mod postgres;
mod previews;
mod privacy;
mod process;
mod providers;
#[cfg(unix)]
mod proxies;
mod quotas;
mod raw;
mod recorder;
mod replay;
mod report;
mod same_fight;
mod script;
mod search;
mod secure;
mod set_aside;
mod shaky;
mod signatures;
mod span;
mod start;
mod strangers;
mod stream;
mod syscalls;
mod tls;
mod transfer;
mod trusted;
mod uploads;
mod views;
mod voucher;
