//! What the system says of this process, under the names that all programs have for it. On Linux alone.

use super::Page;

/// Nothing is known how to ask here.
#[cfg(not(target_os = "linux"))]
pub fn process(_: &mut Page) {}

/// Writes it, but what the system does not say. Reads files, and counts the open ones one by one.
#[cfg(target_os = "linux")]
pub fn process(page: &mut Page) {
    use procfs::process::{LimitValue, Process};

    let Ok(own) = Process::myself() else { return };
    let ticks = procfs::ticks_per_second() as f64;
    if let Ok(stat) = own.stat() {
        let seconds = (stat.utime + stat.stime) as f64 / ticks;
        page.counter("process_cpu_seconds_total", "Processor time, user and system.", seconds);
        page.gauge("process_resident_memory_bytes", "Memory in use.", stat.rss * procfs::page_size());
        page.gauge("process_virtual_memory_bytes", "Address space in use.", stat.vsize);
        page.gauge("process_threads", "Threads.", stat.num_threads.unsigned_abs());
        if let Ok(booted) = procfs::boot_time_secs() {
            let began = booted as f64 + stat.starttime as f64 / ticks;
            page.gauge("process_start_time_seconds", "When it began, in Unix time.", began);
        }
    }
    if let Ok(open) = own.fd_count() {
        page.gauge("process_open_fds", "Open files and sockets.", open);
    }
    if let Ok(limits) = own.limits()
        && let LimitValue::Value(most) = limits.max_open_files.soft_limit
    {
        page.gauge("process_max_fds", "Files and sockets that may be open.", most);
    }
}
