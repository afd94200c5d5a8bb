//! The uploader where it sends old fights: which they are, what it gives up, and when it has come to its end.
//!
//! All else is as for a fight that goes on: the same spools, the same frames, the same answers.

use std::time::Duration;

use super::record::How;
use super::{Change, Uploader, WatchError, Watching};
use crate::source::{Fight, Source as _, SourceError};

impl<S: FnMut(Change) + Send> Uploader<S> {
    /// Finds the fights that were agreed to in a database that was just opened.
    pub(super) fn look_for_history(&mut self, watching: &mut Watching) -> Result<(), SourceError> {
        let shown = watching.source.all_fights()?;
        let Some(history) = self.options.history.clone() else { return Ok(()) };
        let mut wanted = history.fights;
        wanted.retain(|encounter| !self.done.contains(encounter));
        // The list is of this run alone: what another one left and nobody asks for any more is history.
        let names: Vec<_> = wanted.iter().map(ToString::to_string).collect();
        if let Some(watched) = self.fights.databases.get_mut(&watching.db) {
            watched.open.retain(|name, _| names.contains(name));
            self.fights_unsaved = true;
        }
        for fight in shown {
            if wanted.remove(&fight.encounter) {
                self.discover(&watching.db, fight, true);
            }
        }
        // What is left has no row any more; what a spool holds needs none.
        let spooled = |uploader: &Self, name| uploader.streams.iter().any(|stream| stream.encounter() == name);
        let gone: Vec<_> = wanted.into_iter().filter(|name| !spooled(self, *name)).collect();
        if !gone.is_empty() {
            self.failed += gone.len() as u64;
            self.done.extend(&gone);
            let why = "the meter has removed them from its database since the upload began".to_owned();
            self.tell(Change::Stopped { fights: gone.len() as u64, why });
        }
        self.planned = true;
        Ok(())
    }

    /// The relay does not take a fight: it is noted, and the others go on.
    pub(super) fn fail(&mut self, at: usize, why: String, now_ms: u64) {
        let stream = self.streams.remove(at);
        self.failed += 1;
        let fight = self.note(&stream, How::Refused, Some(why));
        self.let_go(stream, now_ms);
        self.tell(Change::Failed { fight });
    }

    /// Begins no further fight in this run.
    pub(super) fn stop(&mut self, why: String) {
        let left: Vec<Fight> = self.queue.drain(..).collect();
        if left.is_empty() {
            return;
        }
        self.failed += left.len() as u64;
        self.done.extend(left.iter().map(|fight| fight.encounter));
        self.tell(Change::Stopped { fights: left.len() as u64, why });
    }

    /// Whether all that can be done is done.
    pub(super) fn is_uploaded(&self, patience: Duration, now_ms: u64) -> Result<bool, WatchError> {
        if self.planned && self.queue.is_empty() && self.streams.is_empty() {
            return Ok(true);
        }
        let passed = |since_ms: u64| now_ms.saturating_sub(since_ms) >= patience.as_millis() as u64;
        if self.trouble_since_ms.is_some_and(passed) && (!self.planned || !self.queue.is_empty()) {
            return Err(WatchError::NoMeter { after: patience, why: self.trouble.clone() });
        }
        Ok(passed(self.last_progress_ms))
    }
}
