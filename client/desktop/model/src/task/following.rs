//! The life of the run: settings are read, it follows the meter, it ends, it is tried again.
//!
//! One invariant: what is said of it ([`crate::state`]) is what it is: both are changed here, side by side.

use std::sync::Arc;
use std::time::Duration;

use raidcast::settings::SettingsFault;
use raidcast::status::{Overview, Running, is_held};
use raidcast::uploader::{FolderError, Options, Seat, WatchError};
use tokio::task::spawn_blocking;
use tokio::time::Instant;

use super::life::{Life, Stage};
use super::{Known, Task};
use crate::run::{Run, RunEnd, is_gone, may_pass, wait_after};
use crate::settled::{Settled, settle};
use crate::state::State;

/// How often is looked what another client does that has the folder.
const LOOK: Duration = Duration::from_secs(1);
/// A run that went on for so long went well: what ended it is tried again soon.
const STEADY: Duration = Duration::from_mins(10);

impl Task {
    /// Begins as the settings say now, for somebody wants it. No run is there.
    pub(super) fn begin(&mut self) {
        self.locked.forget();
        self.begin_by_itself();
    }

    /// The same where nobody has done anything: a key store that is locked is not asked each time.
    fn begin_by_itself(&mut self) {
        let (setup, own, said) = (self.setup.clone(), self.own.own().clone(), self.locked.said(Instant::now()));
        self.life = Life::Settles(spawn_blocking(move || settle(&setup, &own, said)));
        self.is_news = true;
    }

    /// Ends the run, if there is one: everything that it read is on the disk then.
    pub(super) async fn end_run(&mut self) {
        if let Life::Runs(run) = std::mem::replace(&mut self.life, Life::Rests) {
            run.end().await;
            self.shown_anew = None;
        }
    }

    /// Ends the run and begins as the settings say now.
    pub(super) async fn begin_anew(&mut self) {
        self.end_run().await;
        self.hearing.with(State::begins);
        self.tries = 0;
        self.begin();
    }

    pub(super) async fn go_on(&mut self, stage: Stage) {
        self.is_news = true;
        match stage {
            Stage::Settled(Some(settled)) => self.settled(*settled),
            Stage::Settled(None) => self.wait(),
            Stage::Ended(RunEnd::Told(Err(error))) => self.ended(error),
            // It ends by itself only where it is told to, or falls.
            Stage::Ended(RunEnd::Told(Ok(_)) | RunEnd::Fell) => {
                tracing::error!("the run came to an end that nobody asked for");
                self.hearing.with(State::begins);
                self.wait();
            }
            Stage::Again => self.begin_by_itself(),
            Stage::Look => self.look_elsewhere().await,
        }
    }

    fn settled(&mut self, settled: Settled) {
        let Settled { relay, paired, file, options } = settled;
        if self.known.relay != relay {
            self.hearing.with(State::forget_link);
        }
        self.known = Known { relay, paired, file };
        self.locked.note(&options, Instant::now());
        self.uploads.base = options.as_ref().ok().cloned();
        if let (Some(log), Ok(options)) = (&self.setup.log_to, &options) {
            log.keep_out(&options.key);
        }
        let own = self.own.own();
        if !own.first_done {
            match self.own.fault().cloned() {
                Some(fault) => self.hearing.with(|state| state.unread(fault)),
                None => self.hearing.with(State::not_set_up),
            }
            self.life = Life::Rests;
        } else if own.paused_since_ms.is_some() {
            self.hearing.with(State::paused);
            self.life = Life::Rests;
        } else {
            match options {
                Ok(options) => self.follow(options),
                Err(fault) => self.unsettled(fault),
            }
        }
    }

    /// Somebody may set it right elsewhere: in the file, by the command line, in the key store.
    fn unsettled(&mut self, fault: SettingsFault) {
        self.hearing.with(|state| state.unsettled(fault));
        self.wait();
    }

    fn follow(&mut self, options: Options) {
        let seat = match self.seat.clone() {
            Some(seat) => Ok(seat),
            None => Seat::take(&options.state),
        };
        let seat = match seat {
            Ok(seat) => seat,
            Err(error) => return self.ended(WatchError::Folder(error)),
        };
        self.seat = Some(Arc::clone(&seat));
        // Kept until a run has lived with it: one that cannot begin has not said it.
        let anew = self.shown_anew.unwrap_or_default();
        let options = Options {
            visibility: anew.visibility,
            report_visibility: anew.report_visibility,
            names: anew.names,
            delay_s: anew.delay_s,
            ..options
        };
        self.hearing.with(State::runs);
        self.began = Instant::now();
        self.life = Life::Runs(Run::start(seat, options, Arc::clone(&self.hearing)));
        self.go_on_with_upload();
    }

    fn ended(&mut self, error: WatchError) {
        if let WatchError::Folder(FolderError::InUse { process, .. }) = &error
            && self.seat.is_none()
        {
            let process = *process;
            self.hearing.with(|state| state.elsewhere(process, None));
            self.life = Life::Elsewhere { until: Instant::now() };
            return;
        }
        if self.began.elapsed() > STEADY {
            self.tries = 0;
        }
        if is_gone(&error) {
            self.seat = None;
        }
        let again = may_pass(&error);
        self.hearing.with(|state| state.ended(error, again));
        if again {
            self.wait();
        } else {
            self.life = Life::Rests;
        }
    }

    fn wait(&mut self) {
        self.tries += 1;
        self.life = Life::Waits { until: Instant::now() + wait_after(self.tries) };
    }

    /// Looks what another client does that has the folder, or whether it has it no more.
    async fn look_elsewhere(&mut self) {
        let (state, unix_ms) = (self.setup.home.state.clone(), self.setup.clock.unix_ms());
        // It folds what is on its way there: some ms for each fight.
        let looked = spawn_blocking(move || {
            let running = Overview::read(&state, unix_ms).ok().and_then(following);
            (is_held(&state), running)
        });
        match looked.await {
            Ok((Some(false), _)) => self.begin_by_itself(),
            Ok((_, running)) => {
                let process = running.as_ref().map(|running| running.process);
                self.hearing.with(|state| state.elsewhere(process.or(state.elsewhere_process()), running));
                self.life = Life::Elsewhere { until: Instant::now() + LOOK };
            }
            Err(_) => self.life = Life::Elsewhere { until: Instant::now() + LOOK },
        }
    }
}

/// Who follows the meter, else who uploads.
fn following(overview: Overview) -> Option<Running> {
    overview.running.into_iter().next()
}
