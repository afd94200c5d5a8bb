//! What a relay and a server of PostgreSQL used of the machine.

use std::ops::Sub;
use std::path::Path;

use anyhow::{Context as _, Result};
use procfs::process::{Process, all_processes};

/// Processor time so far, and the most memory.
#[derive(Clone, Copy, Default)]
pub(crate) struct Used {
    pub(crate) relay_s: f64,
    pub(crate) relay_peak_kib: u64,
    pub(crate) database_s: f64,
}

impl Sub for Used {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            relay_s: self.relay_s - before.relay_s,
            relay_peak_kib: self.relay_peak_kib,
            database_s: self.database_s - before.database_s,
        }
    }
}

/// Of a relay, and of the server whose data is in a folder: of all its processes, also those that have ended.
pub(crate) fn used(relay: Option<u32>, data: &Path) -> Result<Used> {
    let seconds_of_tick = 1.0 / procfs::ticks_per_second() as f64;
    let file = std::fs::read_to_string(data.join("postmaster.pid"))?;
    let first: i32 = file.lines().next().context("the server's process")?.parse()?;
    let mut used = Used::default();
    for process in all_processes()?.flatten() {
        let Ok(stat) = process.stat() else { continue };
        let mut ticks = stat.utime + stat.stime;
        if stat.pid == first {
            ticks += (stat.cutime + stat.cstime).unsigned_abs();
        }
        if stat.pid == first || stat.ppid == first {
            used.database_s += ticks as f64 * seconds_of_tick;
        }
    }
    if let Some(relay) = relay {
        let relay = Process::new(relay as i32)?;
        let stat = relay.stat()?;
        used.relay_s = (stat.utime + stat.stime) as f64 * seconds_of_tick;
        used.relay_peak_kib = relay.status()?.vmhwm.unwrap_or(0);
    }
    Ok(used)
}
