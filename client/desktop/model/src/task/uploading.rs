//! Uploads of old fights beside the run: planned, agreed to, under way, gone on with.
//!
//! One invariant: one upload at a time, and what somebody agreed to stands in `desktop.json` until it has come to its
//! end.

use std::sync::Arc;

use raidcast::uploader::{self, Change, FolderError, Orders, Seat, WatchError};
use raidcast_shared::uplink::{NamesPolicy, Visibility};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::Task;
use super::done::Done;
use super::life::Life;
use super::uploads::UnderWay;
use crate::ask::Outcome;
use crate::own::Agreed;
use crate::upload::{self, Planned, UploadHeard, Which, end_of};
use crate::view::{UploadChoice, UploadEnd, UploadPlan, UploadStep, UploadView};
use crate::wrong::Wrong;

/// An upload that is told to end has ended by then.
const END: std::time::Duration = std::time::Duration::from_secs(3);

impl Task {
    /// The settings were read, and fights may be sent: what was agreed to goes on.
    pub(super) fn go_on_with_upload(&mut self) {
        let wished = self.uploads.wished.clone().or_else(|| {
            let here = &self.uploads.base.as_ref()?.relay;
            let agreed = self.own.own().agreed.clone();
            // What was agreed to is for one relay, and for no other.
            let agreed = agreed.filter(|agreed| !self.uploads.looked && agreed.relay == *here)?;
            Some((Which::These(agreed.fights.into_iter().collect()), agreed.visibility, agreed.names))
        });
        self.uploads.looked = true;
        if let Some((which, visibility, names)) = wished
            && self.uploads.under_way.is_none()
        {
            self.plan_aside(which, visibility, names, Done::PlannedAgain);
        }
    }

    /// What would be sent; whoever asked is answered when it is known.
    pub(super) fn plan(&mut self, choice: UploadChoice, answer: Outcome<UploadPlan>) {
        if let Err(wrong) = self.may_upload() {
            let _ = answer.send(Err(self.fault(&wrong)));
            return;
        }
        let UploadChoice { fights, visibility, names } = choice;
        let which = Which::These(fights.into_iter().collect());
        self.plan_aside(which, visibility, names, move |planned| Done::Planned(planned, answer));
    }

    fn plan_aside(
        &self,
        which: Which,
        visibility: Visibility,
        names: NamesPolicy,
        done: impl FnOnce(Result<Planned, Wrong>) -> Done + Send + 'static,
    ) {
        let base = self.uploads.base.clone();
        self.aside(async move {
            let Some(options) = base else { return done(Err(Wrong::NotRunning)) };
            let runtime = Handle::current();
            let planning = spawn_blocking(move || upload::plan(&options, &which, visibility, names, &runtime));
            match planning.await {
                Ok(planned) => done(planned.map_err(Wrong::Plan)),
                Err(_) => Done::Fell,
            }
        });
    }

    fn may_upload(&self) -> Result<(), Wrong> {
        match self.life {
            Life::Elsewhere { .. } => Err(Wrong::Elsewhere),
            _ if self.uploads.base.is_none() => Err(Wrong::NotRunning),
            // Nothing is sent in a pause.
            _ if self.own.own().paused_since_ms.is_some() => Err(Wrong::NotRunning),
            _ if self.uploads.under_way.is_some() => Err(Wrong::Uploading),
            _ => Ok(()),
        }
    }

    /// Keeps what would be sent until somebody agrees to it.
    pub(super) fn planned(&mut self, planned: Result<Planned, Wrong>) -> Result<UploadPlan, Wrong> {
        let planned = planned?;
        if planned.plan.fights.is_empty() {
            return Err(Wrong::NoFights);
        }
        self.uploads.plans += 1;
        let view = planned.view(self.uploads.plans, &planned.relay, self.words());
        self.uploads.planned = Some(planned);
        Ok(view)
    }

    /// Somebody agrees; he is answered when it has come to its end.
    pub(super) fn upload(&mut self, number: u64, steps: mpsc::Sender<UploadStep>, answer: Outcome<UploadEnd>) {
        let planned = self.may_upload().and_then(|()| {
            let planned = self.uploads.planned.take_if(|_| number == self.uploads.plans);
            planned.ok_or(Wrong::PlanGone)
        });
        match planned {
            Ok(planned) => self.send(&planned, Some(steps), Some(answer)),
            Err(wrong) => {
                let _ = answer.send(Err(self.fault(&wrong)));
            }
        }
    }

    /// Goes on with what was agreed to before.
    pub(super) fn planned_again(&mut self, planned: Result<Planned, Wrong>) {
        match planned {
            Ok(planned) if planned.plan.fights.is_empty() => {
                self.uploads.wished = None;
                self.forget_agreed();
            }
            Ok(planned) if self.may_upload().is_ok() => {
                self.uploads.wished = None;
                self.send(&planned, None, None);
            }
            // It is looked at again by the next run.
            Ok(_) => self.uploads.looked = false,
            Err(wrong) => {
                self.uploads.looked = false;
                tracing::warn!(?wrong, "an upload that was agreed to cannot be planned");
            }
        }
    }

    fn send(&mut self, planned: &Planned, steps: Option<mpsc::Sender<UploadStep>>, answer: Option<Outcome<UploadEnd>>) {
        let Some(base) = self.uploads.base.clone() else { return };
        if planned.relay != base.relay {
            // Somebody has paired with another one meanwhile.
            if let Some(answer) = answer {
                let _ = answer.send(Err(self.fault(&Wrong::PlanGone)));
            }
            return;
        }
        let seat = match self.seat.clone().map_or_else(|| Seat::take(&base.state), Ok) {
            Ok(seat) => seat,
            Err(error) => {
                let wrong = match error {
                    FolderError::InUse { .. } => Wrong::Elsewhere,
                    error => Wrong::Upload(WatchError::Folder(error)),
                };
                if let Some(answer) = answer {
                    let _ = answer.send(Err(self.fault(&wrong)));
                }
                return;
            }
        };
        self.seat = Some(Arc::clone(&seat));
        let (fights, visibility, names) = (planned.names_of_fights(), planned.visibility, planned.names);
        let agreed = Agreed { relay: planned.relay.clone(), fights, visibility, names };
        // Before anything is sent: it goes on also where the app is killed now.
        if self.own.change(|own| own.agreed = Some(agreed)).is_err() {
            tracing::warn!("what was agreed to is not kept: an upload does not go on by itself with the next start");
        }
        let options = planned.options(&base);
        let heard = UploadHeard::new(planned, &base.relay, steps, Arc::clone(&self.hearing), self.words());
        let heard = Arc::new(heard);
        let shutdown = CancellationToken::new();
        let (until, hearer, clock) = (shutdown.clone(), Arc::clone(&heard), base.clock.clone());
        let task = self.aside(async move {
            let sink = |change: Change| hearer.hear(&change, clock.elapsed_ms());
            match uploader::run_on(seat, options, Orders::none(), until, sink).await {
                Ok(summary) => Done::Uploaded(Ok(hearer.end(&summary).await)),
                Err(error) => Done::Uploaded(Err(error)),
            }
        });
        self.uploads.under_way = Some(UnderWay { heard, shutdown, task, answer });
        self.is_news = true;
    }

    /// It has come to its end.
    pub(super) fn uploaded(&mut self, told: Result<raidcast::history::UploadEnd, WatchError>) {
        let Some(mut under_way) = self.uploads.under_way.take() else { return };
        let is_cut_short = under_way.shutdown.is_cancelled();
        let done = match told {
            Ok(end) => {
                // In a pause, and at the end of the app, it is cut short and goes on.
                if !is_cut_short {
                    self.forget_agreed();
                }
                Ok(end_of(&end, self.words()))
            }
            Err(error) => Err(Wrong::Upload(error)),
        };
        if let Some(answer) = under_way.answer.take() {
            let _ = answer.send(self.told(done));
        }
        self.is_fights = true;
    }

    /// It is not wanted any more. What is on the relay stays there.
    pub(super) fn stop_upload(&mut self) {
        if let Some(under_way) = &self.uploads.under_way {
            under_way.shutdown.cancel();
        }
        self.uploads.planned = None;
        self.forget_agreed();
    }

    /// It ends for now, and goes on when it may.
    pub(super) async fn end_upload(&mut self) {
        self.uploads.looked = false;
        let Some(under_way) = &mut self.uploads.under_way else { return };
        under_way.shutdown.cancel();
        if timeout(END, &mut under_way.task).await.is_err() {
            under_way.task.abort();
            // It says nothing of its end any more.
            self.uploads.under_way = None;
        }
    }

    fn forget_agreed(&mut self) {
        if self.own.own().agreed.is_some() && self.own.change(|own| own.agreed = None).is_err() {
            tracing::warn!("that an upload has come to its end is not kept");
        }
    }

    pub(super) fn upload_view(&self) -> Option<UploadView> {
        self.uploads.under_way.as_ref().map(|under_way| under_way.heard.view())
    }
}
