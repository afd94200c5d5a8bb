//! The HTTP API, one file for each resource.

pub mod accounts;
pub mod administration;
pub mod characters;
pub mod description;
pub mod device;
pub mod encounters;
pub mod files;
pub mod health;
pub mod invitations;
pub mod links;
pub mod me;
pub mod metrics;
pub mod overlays;
pub mod own;
pub mod raids;
pub mod reports;
pub mod search;
pub mod session;
pub mod tickets;
pub mod uploads;
pub mod webhooks;
