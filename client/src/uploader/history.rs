//! The uploader where it sends old fights: which they are, what it gives up, and when it has come to its end.
//!
//! All else is as for a fight that goes on: the same spools, the same frames, the same answers.

use std::time::Duration;

use super::meter::Watching;
use super::record::{How, NotSent};
use super::{Change, Uploader, WatchError};
use crate::source::{Fight, Source as _, SourceError};

impl<S: FnMut(Change) + Send> Uploader<S> {
    /// Finds the fights that were agreed to in a database that was just opened.
    pub(super) fn look_for_history(&mut self, watching: &mut Watching) -> Result<(), SourceError> {
        let shown = watching.source.all_fights()?;
        let Some(history) = &self.options.history else { return Ok(()) };
        let mut wanted = history.fights.clone();
        wanted.retain(|encounter| !self.upload.is_done(*encounter));
        // The list is of this run alone: what another one left and nobody asks for any more is history.
        let names: Vec<_> = wanted.iter().map(ToString::to_string).collect();
        self.ledger.keep(&watching.db, |name| names.iter().any(|wanted| wanted == name));
        for fight in shown {
            let names = [Some(fight.encounter), fight.before_player];
            if let Some(encounter) = names.into_iter().flatten().find(|name| wanted.remove(name)) {
                self.discover(&watching.db, Fight { encounter, ..fight }, true);
            }
        }
        // What is left has no row any more; what a spool holds needs none.
        wanted.retain(|encounter| !self.streams.has(*encounter));
        if !wanted.is_empty() {
            let fights = wanted.iter().map(ToString::to_string).collect();
            self.upload.left(wanted.into_iter());
            self.announcer.tell(Change::Stopped { fights, why: NotSent::Removed });
        }
        self.upload.plan();
        Ok(())
    }

    /// The relay does not take a fight: it is noted, and the others go on.
    pub(super) fn fail(&mut self, at: usize, why: NotSent, now_ms: u64) {
        self.upload.failed();
        let fight = self.finish_off(at, How::Refused, Some(why), now_ms);
        self.announcer.tell(Change::Failed { fight });
    }

    /// Begins no further fight in this run.
    pub(super) fn stop(&mut self, why: NotSent) {
        let left = self.streams.take_queue();
        if left.is_empty() {
            return;
        }
        let fights = left.iter().map(|fight| fight.encounter.to_string()).collect();
        self.upload.left(left.iter().map(|fight| fight.encounter));
        self.announcer.tell(Change::Stopped { fights, why });
    }

    /// Whether all that can be done is done.
    pub(super) fn is_uploaded(&self, patience: Duration, now_ms: u64) -> Result<bool, WatchError> {
        let planned = self.upload.is_planned();
        if planned && self.streams.is_empty() && self.streams.queue().is_empty() {
            return Ok(true);
        }
        let passed = |since_ms: u64| now_ms.saturating_sub(since_ms) >= patience.as_millis() as u64;
        if let Some((since_ms, why)) = self.meter.trouble()
            && passed(since_ms)
            && (!planned || !self.streams.queue().is_empty())
        {
            return Err(WatchError::NoMeter { after: patience, why: why.clone() });
        }
        Ok(passed(self.activity.progress_ms()))
    }
}
