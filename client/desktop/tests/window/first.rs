//! The first start, from an empty home to a live page, by the window alone.

use std::os::unix::fs::PermissionsExt as _;

use raidcast_meterkit::Generation;
use serde_json::json;

use crate::bus::Desktop;
use crate::driver::Driver;
use crate::meter::{Meter, read_at_once};
use crate::relay::{Person, Relay, checksum};
use crate::screen::Screen;
use crate::stage::{Stage, can_run};
use crate::wait::until;

/// Names the relay in the window and pairs with it; gives the code that was typed.
pub(crate) async fn pair(driver: &Driver, by: &Person, relay: &str) -> String {
    todo!("{relay}")
}

/// Says in the window that no old fight is sent, and that all is set up.
pub(crate) async fn finish(driver: &Driver) {
    todo!()
}
