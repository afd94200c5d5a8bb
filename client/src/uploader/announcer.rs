//! What was announced, so that nothing is said twice.
//!
//! One invariant: every change reaches the sink through here, in the order in which it came to be.

use std::path::PathBuf;

use super::change::{Change, Status};
use super::shown_to::ShownTo;
use crate::socket::Outage;
use crate::source::{Found, NoDatabase};

/// How often the status is told, ms.
const STATUS_MS: u64 = 500;

/// What of a raid is otherwise on the relay than was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Otherwise {
    /// It is private there, and was not to be; or it is not, and was to be.
    pub(super) is_private: Option<bool>,
    /// Names or delay were set there.
    pub(super) set_there: bool,
}

/// Tells changes, each once.
pub(super) struct Announcer<S> {
    sink: S,
    /// The raid that the relay knows, its link, which changes with who may see it, to whom it is shown, and whether it is
    /// shown otherwise than was asked for, while it is connected.
    raid: Option<(String, String, ShownTo, Otherwise)>,
    /// Why there is no connection.
    outage: Option<Outage>,
    /// The relay has answered in this run.
    was_connected: bool,
    /// Why no database is read.
    trouble: Option<NoDatabase>,
    /// The database that is read.
    watching: Option<Found>,
    status: Status,
    next_status_ms: u64,
}

impl<S: FnMut(Change) + Send> Announcer<S> {
    /// Tells `sink`; nothing was told before.
    pub(super) fn new(sink: S) -> Self {
        Self {
            sink,
            raid: None,
            outage: None,
            was_connected: false,
            trouble: None,
            watching: None,
            status: Status::default(),
            next_status_ms: 0,
        }
    }

    /// Tells what is news by itself.
    pub(super) fn tell(&mut self, change: Change) {
        (self.sink)(change);
    }

    /// The relay knows the raid, which is `shown_to` these, and what of that was not asked for.
    pub(super) fn connected(
        &mut self,
        raid: String,
        url: String,
        channel_url: String,
        (shown_to, otherwise): (ShownTo, Otherwise),
    ) {
        (self.outage, self.was_connected) = (None, true);
        let told = Some((raid.clone(), url.clone(), shown_to, otherwise));
        if self.raid != told {
            self.raid = told;
            self.tell(Change::Connected { raid, url, channel_url, shown_to });
            if let Some(is_private) = otherwise.is_private {
                self.tell(Change::ShownOtherwise { is_private });
            }
            if let (true, Some(names), Some(delay_s)) = (otherwise.set_there, shown_to.names, shown_to.delay_s) {
                self.tell(Change::SetThere { names, delay_s });
            }
        }
    }

    /// The raid is told again with the next connection.
    pub(super) fn forget_raid(&mut self) {
        self.raid = None;
    }

    /// The relay has answered a request.
    pub(super) fn answered(&mut self) {
        (self.outage, self.was_connected) = (None, true);
    }

    /// There is no connection.
    pub(super) fn disconnected(&mut self, why: Outage, retry_ms: u64) {
        self.raid = None;
        if self.outage.as_ref() != Some(&why) {
            self.outage = Some(why.clone());
            self.tell(Change::Disconnected { why, retry_ms, was_connected: self.was_connected });
        }
    }

    /// Why there is no connection, as it was told last; whether there was one before.
    pub(super) fn outage(&self) -> Option<(&Outage, bool)> {
        self.outage.as_ref().map(|why| (why, self.was_connected))
    }

    /// No database is read.
    pub(super) fn waiting(&mut self, why: NoDatabase, looked: Vec<PathBuf>) {
        if self.trouble.as_ref() != Some(&why) {
            self.trouble = Some(why.clone());
            self.tell(Change::Waiting { why, looked });
        }
    }

    /// A database is read; told again behind trouble.
    pub(super) fn watching(&mut self, found: &Found, others: &[PathBuf]) {
        if self.trouble.take().is_none() && self.watching.as_ref() == Some(found) {
            return;
        }
        self.watching = Some(found.clone());
        self.tell(Change::Watching {
            path: found.path.clone(),
            meter: found.meter.clone(),
            generation: found.generation.name().to_owned(),
            others: others.to_vec(),
        });
    }

    /// How things stand, where that changed; asked for at most twice a second.
    pub(super) fn status(&mut self, now_ms: u64, status: impl FnOnce() -> Status) {
        if now_ms < self.next_status_ms {
            return;
        }
        self.next_status_ms = now_ms + STATUS_MS;
        let status = status();
        if status != self.status {
            self.status = status.clone();
            self.tell(Change::Status(status));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use raidcast_shared::uplink::NamesPolicy;

    use super::*;

    /// The link of a raid that others may see from now on is another one.
    #[test]
    fn a_raid_is_told_once_and_again_with_another_link_or_where_it_is_shown_otherwise() {
        let (sink, told) = mpsc::sync_channel(9);
        let mut announcer = Announcer::new(move |change| sink.send(change).expect("somebody hears"));
        for (link, otherwise) in [
            ("/r", None),
            ("/r", None),
            ("/r?ticket=t", None),
            ("/r?ticket=t", None),
            ("/r", Some(false)),
            ("/r", Some(false)),
            ("/r", None),
        ] {
            let otherwise = Otherwise { is_private: otherwise, set_there: false };
            announcer.connected("code".into(), link.into(), "/live/c".into(), (ShownTo::default(), otherwise));
        }
        announcer.forget_raid();
        let later = ShownTo { names: Some(NamesPolicy::Class), delay_s: Some(60), ..ShownTo::default() };
        for (shown_to, set_there) in [(ShownTo::default(), false), (later, false), (later, false), (later, true)] {
            let otherwise = Otherwise { is_private: None, set_there };
            announcer.connected("code".into(), "/r".into(), "/live/c".into(), (shown_to, otherwise));
        }
        let links = told.try_iter().map(|change| match change {
            Change::Connected { url, .. } => url,
            Change::ShownOtherwise { is_private: false } => "open".to_owned(),
            Change::SetThere { names: NamesPolicy::Class, delay_s: 60 } => "set there".to_owned(),
            other => panic!("{other:?}"),
        });
        assert_eq!(links.collect::<Vec<_>>(), ["/r", "/r?ticket=t", "/r", "open", "/r", "/r", "/r", "/r", "set there"]);
    }
}
