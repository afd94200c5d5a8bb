//! What a program and all that it started use, by what the kernel says of them.

use std::collections::BTreeMap;
use std::fs;

use tokio::time::Instant;

use crate::process::Process;

/// What was used between two moments.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    /// By the wall's clock, seconds.
    pub(crate) wall_s: f64,
    /// Processor time of all threads, seconds.
    pub(crate) cpu_s: f64,
    /// How often a thread has waited for something, and so was woken up: voluntary context switches.
    pub(crate) wakes: u64,
    /// Memory at its most: that of each process alone, and of what it shares with others its part, MB.
    pub(crate) pss_mb: f64,
}

impl Usage {
    pub(crate) fn wakes_a_second(&self) -> f64 {
        self.wakes as f64 / self.wall_s
    }
}

/// What threads have used since they began.
#[derive(Clone, Copy, Debug, Default)]
struct Spent {
    cpu_ns: u64,
    wakes: u64,
}

/// Looks at a program from some moment on.
pub(crate) struct Gauge<'a> {
    program: &'a Process,
    began: Instant,
    /// By the numbers of process and thread, as they were seen last.
    threads: BTreeMap<(u32, u32), Spent>,
    sum: Spent,
    pss_mb: f64,
}

impl<'a> Gauge<'a> {
    /// From now on.
    pub(crate) fn of(program: &'a Process) -> Self {
        let began = Instant::now();
        let mut gauge = Self { program, began, threads: BTreeMap::new(), sum: Spent::default(), pss_mb: 0.0 };
        gauge.look();
        gauge.sum = Spent::default();
        gauge
    }

    /// Takes in what was used since the last look. Of a thread that has ended since, that little is not known.
    pub(crate) fn look(&mut self) {
        for (process, _) in self.program.tree() {
            let threads = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
            for thread in threads.filter_map(|entry| entry.file_name().to_str()?.parse().ok()) {
                let Some(spent) = spent(process, thread) else { continue };
                let before = self.threads.insert((process, thread), spent).unwrap_or_default();
                self.sum.cpu_ns += spent.cpu_ns.saturating_sub(before.cpu_ns);
                self.sum.wakes += spent.wakes.saturating_sub(before.wakes);
            }
        }
    }

    /// Takes in how much memory there is now: that costs the kernel some ms.
    pub(crate) fn weigh(&mut self) {
        let pss_kb: u64 = self.program.tree().into_iter().filter_map(|(process, _)| pss_kb(process)).sum();
        self.pss_mb = self.pss_mb.max(pss_kb as f64 / 1024.0);
    }

    /// What was used until now.
    pub(crate) fn end(mut self) -> Usage {
        self.look();
        self.weigh();
        Usage {
            wall_s: self.began.elapsed().as_secs_f64(),
            cpu_s: self.sum.cpu_ns as f64 / 1e9,
            wakes: self.sum.wakes,
            pss_mb: self.pss_mb,
        }
    }
}

/// `None`: it has ended.
fn spent(process: u32, thread: u32) -> Option<Spent> {
    let folder = format!("/proc/{process}/task/{thread}");
    let cpu_ns = fs::read_to_string(format!("{folder}/schedstat")).ok()?.split(' ').next()?.parse().ok()?;
    let wakes = number(&fs::read_to_string(format!("{folder}/status")).ok()?, "voluntary_ctxt_switches:")?;
    Some(Spent { cpu_ns, wakes })
}

fn pss_kb(process: u32) -> Option<u64> {
    number(&fs::read_to_string(format!("/proc/{process}/smaps_rollup")).ok()?, "Pss:")
}

/// The number of a line that begins so.
fn number(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name)?.split_whitespace().next()?.parse().ok())
}
