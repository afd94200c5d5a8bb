//! Prints on a thread of its own: a console may stand still for as long as it likes (Ctrl-S, text that is selected).
//!
//! One invariant: whoever says something never waits for the console. What finds no room is left out, and how many lines
//! that were is told as soon as printing goes on.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// So much waits to be printed at most.
const WAITING_MAX: usize = 4_096;
/// What is no line, and out of date soon, is left out where so much waits before it.
const STALE: usize = 16;
/// At the end a console that has taken nothing for so long is not waited for.
const STANDS: Duration = Duration::from_millis(1_500);

/// Prints what it is told, in order.
#[derive(Debug)]
pub(super) struct Printer<T> {
    shared: Arc<Shared<T>>,
    /// What says how many lines were left out.
    left_out: fn(u64) -> T,
}

#[derive(Debug)]
struct Shared<T> {
    state: Mutex<State<T>>,
    news: Condvar,
}

#[derive(Debug)]
struct State<T> {
    waiting: VecDeque<T>,
    /// Lines that found no room since it was told last.
    left_out: u64,
    printed: u64,
    /// Nothing more comes.
    closed: bool,
    /// The thread has come to its end.
    ended: bool,
}

impl<T> Shared<T> {
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Send + 'static> Printer<T> {
    /// Prints with `print`; `left_out` makes what tells of so many lines that were not printed. `gone` hears of it when
    /// `print` fails: nobody reads along any more, and nothing is printed from then on.
    pub(super) fn start(
        mut print: impl FnMut(T) -> io::Result<()> + Send + 'static,
        left_out: fn(u64) -> T,
        gone: impl FnOnce() + Send + 'static,
    ) -> Self {
        let state = State { waiting: VecDeque::new(), left_out: 0, printed: 0, closed: false, ended: false };
        let shared = Arc::new(Shared { state: Mutex::new(state), news: Condvar::new() });
        let printing = shared.clone();
        thread::spawn(move || {
            while let Some(what) = printing.next(left_out) {
                if print(what).is_err() {
                    gone();
                    break;
                }
                printing.state().printed += 1;
                printing.news.notify_all();
            }
            printing.state().ended = true;
            printing.news.notify_all();
        });
        Self { shared, left_out }
    }

    /// Has this printed in its turn; `lines`: what is lost to the reader if there is no room for it. 0: the next one
    /// says the same better.
    pub(super) fn say(&self, what: T, lines: u64) {
        let mut state = self.shared.state();
        let room = if lines == 0 { STALE } else { WAITING_MAX };
        if state.waiting.len() >= room {
            state.left_out += lines;
            return;
        }
        self.push(&mut state, what);
    }

    fn push(&self, state: &mut State<T>, what: T) {
        let left_out = std::mem::take(&mut state.left_out);
        if left_out > 0 {
            state.waiting.push_back((self.left_out)(left_out));
        }
        state.waiting.push_back(what);
        self.shared.news.notify_all();
    }

    /// Prints what waits, and `last` if there is any, and waits until it stands there; not for a console that stands.
    pub(super) fn close(&self, last: Option<T>) {
        self.close_within(last, STANDS);
    }

    fn close_within(&self, last: Option<T>, stands: Duration) {
        let mut state = self.shared.state();
        if let Some(last) = last {
            self.push(&mut state, last);
        }
        state.closed = true;
        self.shared.news.notify_all();
        while !state.ended {
            let printed = state.printed;
            let (next, timeout) = self.shared.news.wait_timeout(state, stands).unwrap_or_else(PoisonError::into_inner);
            state = next;
            if timeout.timed_out() && state.printed == printed {
                return;
            }
        }
    }
}

impl<T> Shared<T> {
    /// What is printed next; waits for it. `None`: that was all.
    fn next(&self, left_out: fn(u64) -> T) -> Option<T> {
        let mut state = self.state();
        loop {
            if let Some(what) = state.waiting.pop_front() {
                return Some(what);
            }
            let lines = std::mem::take(&mut state.left_out);
            if lines > 0 {
                return Some(left_out(lines));
            }
            if state.closed {
                return None;
            }
            state = self.news.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// The log, on stderr: a line for each time that it is written to.
#[derive(Clone, Debug)]
pub struct Log(Arc<Printer<Vec<u8>>>);

impl Log {
    /// A log that is printed on stderr.
    pub fn start() -> Self {
        let left_out = |lines| format!("{}\n", super::words::left_out(lines)).into_bytes();
        Self(Arc::new(Printer::start(|bytes: Vec<u8>| io::stderr().lock().write_all(&bytes), left_out, || {})))
    }

    /// Waits until it stands there; not for a console that stands.
    pub fn close(&self) {
        self.0.close(None);
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.say(bytes.to_vec(), 1);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_console_that_stands_holds_nobody_and_is_told_what_it_missed() {
        let (goes, stands) = mpsc::sync_channel::<()>(0);
        let (shown, seen) = mpsc::sync_channel(2 * WAITING_MAX);
        let printer = Printer::start(
            move |line: String| {
                // Until the test lets it go on.
                let _ = stands.recv();
                shown.send(line).map_err(io::Error::other)
            },
            |lines| format!("{lines} left out"),
            || {},
        );
        let said = WAITING_MAX + 10;
        for n in 0..said {
            printer.say(n.to_string(), 1);
            printer.say("status".into(), 0);
        }
        // It does not keep the command from ending, either.
        printer.close_within(Some("the end".into()), Duration::ZERO);
        drop(goes);
        let seen: Vec<_> = seen.iter().collect();
        let lines: Vec<_> = seen.iter().filter(|line| *line != "status").collect();
        let left_out = said - (lines.len() - 2);
        assert_eq!(*lines[lines.len() - 2], format!("{left_out} left out"));
        assert_eq!(lines[lines.len() - 1], "the end");
        let first: Vec<_> = (0..lines.len() - 2).map(|n| n.to_string()).collect();
        assert!(lines[..lines.len() - 2].iter().zip(&first).all(|(line, n)| *line == n));
        assert!(left_out > 0 && seen.len() - lines.len() <= STALE + 1);
    }

    #[test]
    fn what_is_said_is_printed_before_the_end_and_who_reads_no_more_is_told_of() {
        let (shown, seen) = mpsc::sync_channel(2 * WAITING_MAX);
        let print = move |line: u64| shown.send(line).map_err(io::Error::other);
        let printer = Printer::start(print, |lines| lines, || {});
        for n in 0..100 {
            printer.say(n, 1);
        }
        printer.close(Some(100));
        assert_eq!(seen.try_iter().collect::<Vec<_>>(), (0..=100).collect::<Vec<_>>());
        let (gone, heard) = mpsc::sync_channel(1);
        let printer = Printer::start(
            |_: u64| Err(io::ErrorKind::BrokenPipe.into()),
            |lines| lines,
            move || gone.send(()).unwrap(),
        );
        printer.say(1, 1);
        assert_eq!(heard.recv(), Ok(()));
        printer.close(Some(2));
    }
}
