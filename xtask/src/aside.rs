//! Work beside the parts of a run: in a thread of its own, with what it prints kept until somebody waits for it.
//!
//! One invariant: no program of such a thread outlives the run. What only builds is ended; what installs is waited for.

use std::cell::RefCell;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::command::root;

thread_local! {
    /// What the commands of this thread print to, if it works aside.
    static HERE: RefCell<Option<Here>> = const { RefCell::new(None) };
}

/// Where a thread that works aside stands.
struct Here {
    log: File,
    course: Arc<Mutex<Course>>,
}

/// What a thread is doing, for who wants it to end.
#[derive(Default)]
struct Course {
    /// Nothing new is to be started.
    ends: bool,
    /// The process that may be ended at any time.
    builds: Option<u32>,
}

/// A piece of work that goes on beside the others; it ends with this value.
pub(crate) struct Aside {
    name: &'static str,
    log: PathBuf,
    course: Arc<Mutex<Course>>,
    thread: Option<JoinHandle<(Duration, Result<()>)>>,
}

impl Aside {
    /// Begins it.
    ///
    /// # Errors
    /// What it prints cannot be kept.
    #[expect(clippy::disallowed_methods, reason = "how long a build takes is no one's parameter")]
    pub(crate) fn start(name: &'static str, work: impl FnOnce() -> Result<()> + Send + 'static) -> Result<Self> {
        let folder = root().join("target/aside");
        fs::create_dir_all(&folder).with_context(|| format!("could not make {}", folder.display()))?;
        let path = folder.join(format!("{name}.log"));
        let log = File::create(&path).with_context(|| format!("could not write {}", path.display()))?;
        let course = Arc::new(Mutex::new(Course::default()));
        let here = Here { log, course: Arc::clone(&course) };
        let thread = thread::spawn(move || {
            HERE.set(Some(here));
            let began = Instant::now();
            let done = work();
            (began.elapsed(), done)
        });
        Ok(Self { name, log: path, course, thread: Some(thread) })
    }

    /// Waits for its end, and tells what it printed.
    ///
    /// # Errors
    /// It failed.
    pub(crate) fn wait(mut self) -> Result<()> {
        let Some(thread) = self.thread.take() else { return Ok(()) };
        let Ok((took, done)) = thread.join() else { bail!("what was to bring the {} has fallen", self.name) };
        io::stdout().write_all(&fs::read(&self.log).unwrap_or_default())?;
        println!("({} s for the {}, beside the parts before)", took.as_secs(), self.name);
        done
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        let Some(thread) = self.thread.take() else { return };
        let builds = {
            let mut course = held(&self.course);
            course.ends = true;
            course.builds
        };
        if let Some(process) = builds {
            let _ = Command::new("kill").args(["-TERM", &process.to_string()]).status();
        }
        if !thread.is_finished() {
            eprintln!("Waiting until what brings the {} may be left", self.name);
        }
        let _ = thread.join();
    }
}

/// Says a line: where this thread's commands print to.
pub(crate) fn say(line: &str) {
    HERE.with_borrow(|here| match here {
        // What cannot be written is missed by nobody but who reads it.
        Some(here) => drop(writeln!(&here.log, "{line}")),
        None => println!("{line}"),
    });
}

/// Has a command print to where this thread's commands do.
///
/// # Errors
/// The thread is to end.
pub(crate) fn direct(command: &mut Command) -> Result<()> {
    HERE.with_borrow(|here| {
        let Some(here) = here else { return Ok(()) };
        if held(&here.course).ends {
            bail!("the run has come to its end");
        }
        command.stdout(Stdio::from(here.log.try_clone()?)).stderr(Stdio::from(here.log.try_clone()?));
        Ok(())
    })
}

/// Starts a process of this thread that may be ended at any time, until [`is_over`] is told.
///
/// # Errors
/// The thread is to end, or it could not be started.
pub(crate) fn spawn(command: &mut Command) -> Result<Child> {
    direct(command)?;
    command.stdin(Stdio::null());
    HERE.with_borrow(|here| {
        let Some(here) = here else { return Ok(command.spawn()?) };
        // Who wants the thread to end has either said so before, or sees the process.
        let mut course = held(&here.course);
        if course.ends {
            bail!("the run has come to its end");
        }
        let child = command.spawn()?;
        course.builds = Some(child.id());
        Ok(child)
    })
}

/// The process that this thread started has ended.
pub(crate) fn is_over() {
    HERE.with_borrow(|here| {
        if let Some(here) = here {
            held(&here.course).builds = None;
        }
    });
}

fn held(course: &Mutex<Course>) -> MutexGuard<'_, Course> {
    course.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::command::{run, run_idle};

    #[test]
    fn what_works_aside_prints_to_its_own_file_and_tells_how_it_ended() {
        let aside = Aside::start("test-well", || {
            say("begins");
            run(Command::new("echo").arg("prints"))
        });
        let aside = aside.expect("it starts");
        let log = aside.log.clone();
        aside.wait().expect("it succeeds");
        assert_eq!(fs::read_to_string(log).expect("a log"), "begins\n$ echo prints\nprints\n");
        let fails = Aside::start("test-fails", || run(&mut Command::new("false"))).expect("it starts");
        assert!(fails.wait().expect_err("it fails").to_string().contains("`false` failed"));
    }

    #[test]
    fn what_builds_is_ended_with_the_run_and_nothing_follows_it() {
        let (begun, begins) = mpsc::sync_channel(1);
        let (told, tells) = mpsc::sync_channel(2);
        let aside = Aside::start("test-ended", move || {
            begun.send(()).expect("somebody waits");
            told.send(run_idle(Command::new("sleep").arg("600")).is_err()).expect("somebody waits");
            told.send(run(&mut Command::new("true")).is_err()).expect("somebody waits");
            Ok(())
        });
        let aside = aside.expect("it starts");
        begins.recv().expect("it begins");
        // It returns when the thread has ended.
        drop(aside);
        assert_eq!((tells.recv(), tells.recv()), (Ok(true), Ok(true)), "neither ran to its end");
    }
}
