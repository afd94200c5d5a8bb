//! Processes that end with the test, by their number, and with them all that they started.

use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::wait::until;

/// A process with a group of its own.
pub(crate) struct Process {
    child: Child,
    gone: bool,
}

impl Process {
    /// Starts it.
    pub(crate) fn start(command: &mut Command) -> Self {
        let child = command.process_group(0).spawn();
        let child = child.unwrap_or_else(|error| panic!("{}: {error}", command.get_program().display()));
        Self { child, gone: false }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it reads.
    pub(crate) fn stdin(&mut self) -> std::process::ChildStdin {
        self.child.stdin.take().unwrap()
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Takes it away with all that it started: nothing is saved.
    pub(crate) fn kill(&mut self) {
        if self.gone {
            return;
        }
        self.end_group();
        let _ = self.child.wait();
        self.gone = true;
    }

    /// Asks it to end, as a system does that shuts down.
    pub(crate) fn ask_to_end(&self) {
        kill_process(self.pid(), Signal::TERM).unwrap();
    }

    /// Nothing of it runs from now on, as in a computer that sleeps.
    pub(crate) fn stands_still(&self) {
        kill_process_group(self.pid(), Signal::STOP).unwrap();
    }

    /// It runs again.
    pub(crate) fn goes_on(&self) {
        kill_process_group(self.pid(), Signal::CONT).unwrap();
    }

    /// What it started may outlive it for a moment.
    fn end_group(&self) {
        let _ = kill_process_group(self.pid(), Signal::KILL);
    }

    /// How it ended, if it has.
    pub(crate) fn has_ended(&mut self) -> Option<ExitStatus> {
        let status = self.child.try_wait().unwrap()?;
        if !self.gone {
            self.end_group();
            self.gone = true;
        }
        Some(status)
    }

    /// Waits until it has ended.
    pub(crate) async fn ended(&mut self, what: &str) -> ExitStatus {
        until(format!("{what} ends"), async || self.has_ended()).await
    }

    /// Processes that it started and that are there still, by their program's name.
    pub(crate) fn children(&self) -> Vec<String> {
        let children = self.tree().into_iter().filter(|(pid, _)| *pid != self.id());
        children.map(|(_, program)| program).collect()
    }

    /// It and what it started, as far as they are there still: number and program's name.
    pub(crate) fn tree(&self) -> Vec<(u32, String)> {
        let group = self.id().to_string();
        let mut found = Vec::new();
        for entry in std::fs::read_dir("/proc").unwrap().flatten() {
            // `pid (program) state parent group …`; a process may be gone by now.
            let Ok(stat) = std::fs::read_to_string(entry.path().join("stat")) else { continue };
            let (head, tail) = stat.rsplit_once(") ").unwrap();
            let (pid, program) = head.split_once(" (").unwrap();
            let mut facts = tail.split(' ');
            if facts.next() != Some("Z") && facts.nth(1) == Some(&group) {
                found.push((pid.parse().unwrap(), program.to_owned()));
            }
        }
        found
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
