//! What people read: the one place that makes sentences of the library's codes and facts.
//!
//! One invariant: a sentence is made of what it is given alone, so that the same reason is told in the same words
//! wherever it shows: in a line, in `--json`, in `raidcast status`.

mod change;
mod error;
mod folder;
mod keys;
mod meter;
mod overview;
mod paired;
mod relay;
mod settings;
mod standing;
#[cfg(test)]
mod tests;
mod text;

pub(super) use change::{line_of, links, reread, upload_line};
pub use error::watch_error;
pub(super) use error::{ended, given_up, no_plan};
pub(super) use folder::stall;
pub(super) use keys::keys_error;
pub(super) use meter::{no_database, unreadable};
pub(super) use overview::write_overview;
pub(super) use paired::no_relay;
pub(super) use relay::{address_error, not_sent, outage, pairing_error, refused};
pub(super) use settings::settings_fault;
pub(super) use standing::{status_line, summary_line, trouble, why};
pub(super) use text::{fit, left_out, percent, title, told};
