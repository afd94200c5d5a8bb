//! The HTTP API, one file for each resource.

pub mod description;
pub mod encounters;
pub mod health;
pub mod metrics;
pub mod raids;
pub mod reports;
pub mod search;
pub mod tickets;
pub mod uploads;
