//! What may take for ever, on a thread of its own: a folder on a disk that does not answer hangs whoever looks at it.
//!
//! One invariant: nobody waits for longer than he says. A thread that hangs is left behind, and the process ends without
//! it.

use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

/// Something that is done on a thread of its own.
#[derive(Debug)]
pub(crate) struct Aside<T>(Receiver<T>);

/// What came of it so far.
#[derive(Debug)]
pub(crate) enum Answer<T> {
    /// It is done.
    Here(T),
    /// It is not done yet.
    NotYet,
    /// It never will be: it fell, or there was no thread to be had.
    Fell,
}

impl<T: Send + 'static> Aside<T> {
    /// Begins it.
    pub(crate) fn start(what: impl FnOnce() -> T + Send + 'static) -> Self {
        let (answer, answered) = sync_channel(1);
        let started = std::thread::Builder::new().name("raidcast-aside".to_owned()).spawn(move || {
            // Nobody waits for it any more where it came too late.
            let _ = answer.send(what());
        });
        if let Err(error) = started {
            tracing::warn!(%error, "the system gives no thread");
        }
        Self(answered)
    }

    /// What came of it, waited for so long. It is given once.
    pub(crate) fn within(&self, patience: Duration) -> Answer<T> {
        match self.0.recv_timeout(patience) {
            Ok(done) => Answer::Here(done),
            Err(RecvTimeoutError::Timeout) => Answer::NotYet,
            Err(RecvTimeoutError::Disconnected) => Answer::Fell,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_waits_for_what_hangs_and_what_comes_late_is_given_all_the_same() {
        let (go, hangs) = sync_channel::<()>(0);
        let aside = Aside::start(move || hangs.recv().is_ok());
        assert!(matches!(aside.within(Duration::ZERO), Answer::NotYet));
        go.send(()).unwrap();
        assert!(matches!(aside.within(Duration::from_mins(1)), Answer::Here(true)));
        assert!(matches!(aside.within(Duration::from_mins(1)), Answer::Fell), "it was given");
    }
}
