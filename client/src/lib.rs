//! The Raidcast uploader: follows a meter's database and streams it to a relay.
//!
//! A hit's way: [`source`] reads it, [`raidcast_shared::encode`] makes it part of a delta, [`spool`] puts that on disk,
//! [`uploader`] decides when it goes out, [`socket`] carries it. [`settings`] says what a run is to do; [`status`] says
//! what has arrived; [`listing`] lists a meter's fights, [`history`] plans an upload of old ones. All of these tell codes
//! and facts; [`cli`] makes words of them.

mod aside;
pub mod cli;
pub mod clock;
pub mod form;
pub mod header;
pub mod history;
pub mod key_check;
pub mod keys;
pub mod listing;
pub mod os_error;
pub mod pairing;
mod path_text;
pub mod post;
pub mod relay_link;
pub mod secret;
pub mod settings;
pub mod socket;
pub mod source;
pub mod spool;
pub mod status;
pub mod trust;
pub mod uploader;
