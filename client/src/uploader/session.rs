//! The link to the relay: the present connection, and the raid that is spoken for on it.
//!
//! One invariant: a raid stands in its file before the relay hears of it, and a connection speaks for one raid alone.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use raidcast_shared::limits as l;
use raidcast_shared::text::label;
use raidcast_shared::uplink::{Agent, Hello, UplinkFrame, VERSIONS, Visibility, WireLimits};
use tokio::sync::{Notify, mpsc, oneshot};
use uuid::Uuid;

use super::folder::{Folder, FolderError};
use super::link::Link;
use super::options::Options;
use super::raid::Raid;
use super::record::NotSent;
use super::seen_by::SeenBy;
use super::shown_to::ShownTo;

/// How often the time of the raid's last event is saved, ms.
const RAID_SAVE_MS: u64 = 60_000;
/// A raid that is taken over again so soon, ms, is taken over for ever.
const RENEWED_MS: u64 = 60_000;

/// The link to the relay.
pub(super) struct Session {
    link: Option<Link>,
    raid: Raid,
    /// The raid's page, as the relay told it last.
    raid_url: Option<String>,
    saved_ms: u64,
    /// The disk did not take how the raid is now.
    unsaved: bool,
    /// Nor what was said of it, or of the one after it: the folder says so.
    doubted: bool,
    /// The raid began with this run, and is shown to others than the one before, or with more.
    shows_more: bool,
    /// The raid is over, and the disk does not take the one after it; to whom that is to be shown, as far as anything was
    /// said of it meanwhile.
    next: Option<ShownTo>,
    /// When the raid was last given up for another one.
    renewed_ms: Option<u64>,
    /// Says that there is something to connect for; taken once.
    connect: Option<oneshot::Sender<()>>,
    /// Wakes the socket where it waits before another attempt.
    retry: Arc<Notify>,
}

impl Session {
    /// Goes on with the folder's raid, or begins another. Old fights that others are to see go into another one.
    /// `given_up`: fights that the relay does not take, by name; they count for nothing.
    pub(super) fn open(
        options: &Options,
        folder: &Folder,
        given_up: &BTreeMap<String, NotSent>,
    ) -> Result<Self, FolderError> {
        let unix_ms = options.clock.unix_ms();
        let saved = folder.load_raid()?;
        let held = saved.as_ref().filter(|raid| raid.goes_on(&options.relay, &options.key, unix_ms));
        let goes_on = held.is_some();
        let doubted = folder.is_raid_doubted();
        let mut raid = match held {
            Some(held) if options.history.is_none() || held.is_for(options.seen_by()) => held.clone(),
            Some(held) => {
                let mut raid = new_raid(options);
                raid.be(held.shown_to());
                raid
            }
            None => {
                let mut raid = new_raid(options);
                if let Some(unused) = saved.as_ref().filter(|raid| raid.is_meant(&options.relay, &options.key)) {
                    // Whoever said otherwise of how raids are to begin since then has said it of this one.
                    let mut first = unused.clone();
                    first.be(options.first_shown_to());
                    raid.be(unused.shown_to());
                    raid.narrow(&first);
                    raid.call(unused.title());
                }
                if doubted {
                    // Somebody said who is to see it, and nobody knows what: it may have been nobody.
                    raid.be_private();
                }
                raid
            }
        };
        raid.be(options.shown_to());
        raid.call(options.title.as_deref());
        let waiting = folder.list_spooled()?;
        match &options.history {
            Some(history) => raid.leave(saved.as_ref(), &waiting, &history.fights),
            None if goes_on || waiting.iter().all(|name| given_up.contains_key(name)) => {}
            // The fights that wait were begun for those who see the raid before.
            None => match &saved {
                Some(before) => raid.narrow(before),
                None => raid.be_private(),
            },
        }
        let shows_more = !goes_on
            && match &saved {
                Some(before) => raid.shows_more_than(before),
                None => raid.visibility() != Visibility::Private,
            };
        if saved.as_ref() != Some(&raid) {
            let io = |error| FolderError::Io { path: folder.part().join("raid.json"), error };
            folder.save_raid(&raid).map_err(io)?;
        }
        if doubted {
            if let Some(raid) = folder.load_doubted() {
                folder.seat().doubt_who_sees(raid.id().0);
            }
            folder.settle_raid();
        }
        Ok(Self {
            link: None,
            raid,
            raid_url: None,
            saved_ms: options.clock.elapsed_ms(),
            unsaved: false,
            doubted: false,
            shows_more,
            next: None,
            renewed_ms: None,
            connect: None,
            retry: Arc::default(),
        })
    }

    /// Whom to tell that there is something to connect for.
    pub(super) fn connect_by(&mut self, connect: oneshot::Sender<()>) {
        self.connect = Some(connect);
    }

    /// There is something to connect for.
    pub(super) fn connect(&mut self) {
        if let Some(connect) = self.connect.take() {
            let _ = connect.send(());
        }
    }

    /// What wakes the socket where it waits before another attempt.
    pub(super) fn retry(&self) -> Arc<Notify> {
        Arc::clone(&self.retry)
    }

    /// The next attempt to connect is to be made at once; that is so already while a connection is open.
    pub(super) fn try_now(&self) {
        if !self.is_up() {
            self.retry.notify_one();
        }
    }

    /// A connection is open: Hello first.
    pub(super) fn up(&mut self, outbox: mpsc::Sender<Bytes>, options: &Options, meter: Option<&str>, now_ms: u64) {
        let link = Link::new(outbox, now_ms);
        link.send(&UplinkFrame::Hello(self.hello(options, meter)));
        self.link = Some(link);
    }

    fn hello(&self, options: &Options, meter: Option<&str>) -> Hello {
        Hello {
            v: VERSIONS,
            client: Agent { name: "raidcast".into(), version: env!("CARGO_PKG_VERSION").into() },
            meter: Agent { name: label(meter.unwrap_or("unknown"), l::AGENT_CHARS_MAX), version: String::new() },
            raid: self.raid.id(),
            secret: self.raid.secret(),
            title: self.raid.title().map(str::to_owned),
            visibility: self.raid.visibility(),
            report_visibility: self.raid.reports_in_words(),
            names: self.raid.names(),
            delay_s: self.raid.delay_s(),
            history: options.history.is_some(),
        }
    }

    /// There is no connection any more, or another is wanted.
    pub(super) fn down(&mut self) {
        self.link = None;
    }

    /// Whether a connection is open, if not welcome yet.
    pub(super) fn is_up(&self) -> bool {
        self.link.is_some()
    }

    /// The relay knows the raid.
    pub(super) fn welcome(&mut self, version: u16, limits: WireLimits, raid_url: &str, now_ms: u64) {
        if let Some(link) = &mut self.link {
            link.welcome(version, limits, now_ms);
        }
        self.raid_url = Some(raid_url.to_owned());
    }

    /// The connection, if fights may be sent on it.
    pub(super) fn link(&mut self) -> Option<&mut Link> {
        self.link.as_mut().filter(|link| link.welcomed)
    }

    /// Whether the relay knows the raid.
    pub(super) fn is_welcome(&self) -> bool {
        self.link.as_ref().is_some_and(|link| link.welcomed)
    }

    /// The raid's page, once told.
    pub(super) fn raid_url(&self) -> Option<&String> {
        self.raid_url.as_ref()
    }

    /// Something happened in a fight of the raid.
    pub(super) fn fought_at(&mut self, unix_ms: i64) {
        self.raid.fought_at(unix_ms);
    }

    /// To whom the raid is shown from now on; as before where nothing is said. Whether the relay is to be told: then it is to
    /// be saved, and said on another connection. Who may see it is told whenever it is said, for somebody may have set it
    /// otherwise on the relay.
    pub(super) fn show(&mut self, shown: ShownTo) -> bool {
        let before = self.raid.shown_to();
        self.raid.be(shown);
        let after = self.raid.shown_to();
        let who = |shown: ShownTo| (shown.visibility, shown.report_visibility);
        let is_said = shown.visibility.is_some() || shown.report_visibility.is_some();
        if is_said && who(after) == who(before) {
            self.raid.insist();
        }
        is_said || after != before
    }

    /// Whether the relay shows the raid otherwise than was asked for, as far as its link tells: `true`, it is private there
    /// and was not to be; `false`, it is not and was to be. `None`: as was asked for, or not known.
    pub(super) fn shown_otherwise(&self) -> Option<bool> {
        let is_private = has_ticket(self.raid_url.as_ref()?);
        (is_private != (self.raid.visibility() == Visibility::Private)).then_some(is_private)
    }

    /// To whom the raid is to be shown, and what of it.
    pub(super) fn shown_to(&self) -> ShownTo {
        self.raid.shown_to()
    }

    /// Whether the raid began with this run and is shown to others than the one before it, or with more: what was begun for
    /// those who see that one is not for it.
    pub(super) fn shows_more(&self) -> bool {
        self.shows_more
    }

    /// The raid, as the client names it, and who may see its reports.
    pub(super) fn raid_seen_by(&self) -> (Uuid, SeenBy) {
        (self.raid.id().0, self.raid.reports_seen_by())
    }

    /// To whom the raid after this one is shown, which is over; as said before where nothing is said now.
    pub(super) fn show_next(&mut self, shown: ShownTo) {
        self.next = Some(shown.or(self.next.unwrap_or_default()));
    }

    /// Whether another raid is to be begun that the disk did not take.
    pub(super) fn awaits_next(&self) -> bool {
        self.next.is_some()
    }

    /// Saves when the raid's last fight was, and to whom it is shown.
    ///
    /// # Errors
    /// As the disk says; it is tried again now and then.
    pub(super) fn save_raid(&mut self, folder: &Folder, now_ms: u64) -> io::Result<()> {
        self.saved_ms = now_ms;
        let saved = folder.save_raid(&self.raid);
        self.unsaved = saved.is_err();
        if saved.is_ok() && self.next.is_none() {
            self.settle(folder);
        }
        if let Err(error) = &saved {
            tracing::warn!(%error, "could not save to whom the raid is shown, and when its last fight was");
        }
        saved
    }

    /// The disk has not taken what was said of the raid, or of the one after it: whoever starts after a kill is to know.
    pub(super) fn doubt(&mut self, folder: &Folder) {
        self.doubted = true;
        folder.doubt_raid();
    }

    fn settle(&mut self, folder: &Folder) {
        if std::mem::take(&mut self.doubted) {
            folder.settle_raid();
        }
    }

    /// Saves what the disk did not take before.
    ///
    /// # Errors
    /// As the disk says.
    pub(super) fn save_unsaved(&mut self, folder: &Folder, now_ms: u64) -> io::Result<()> {
        if self.unsaved { self.save_raid(folder, now_ms) } else { Ok(()) }
    }

    /// The same now and then, where there was an event since; and what the disk did not take.
    pub(super) fn save_raid_now_and_then(&mut self, folder: &Folder, event_ms: u64, now_ms: u64) {
        let had_event = now_ms.saturating_sub(self.saved_ms) >= RAID_SAVE_MS && event_ms > self.saved_ms;
        if had_event || self.unsaved {
            let _ = self.save_raid(folder, now_ms);
        }
    }

    /// Whether a fight that begins now belongs to the raid: it closes after hours without one, and once another is to be
    /// begun it is over whatever comes of its fights.
    pub(super) fn goes_on(&self, options: &Options) -> bool {
        !self.awaits_next() && self.raid.goes_on(&options.relay, &options.key, options.clock.unix_ms())
    }

    /// Whether nothing was fought in the raid yet.
    pub(super) fn is_unused(&self) -> bool {
        self.raid.is_unused()
    }

    /// From now on fights go into another raid, on a connection of its own. `as_before`: shown to those who see the present
    /// one, but for what was said of the next. `unfinished`: there are fights that were begun for those who see the present
    /// one; the relay shows all of each to those who see the raid that it goes on in. Whether it is shown to others than the
    /// present one, or with more.
    ///
    /// # Errors
    /// As the disk says: the present raid stays.
    pub(super) fn begin_raid(
        &mut self,
        as_before: bool,
        unfinished: bool,
        options: &Options,
        folder: &Folder,
    ) -> io::Result<bool> {
        let mut raid = new_raid(options);
        raid.call(options.title.as_deref());
        if as_before {
            raid.be(self.raid.shown_to());
            raid.call(self.raid.title());
        } else {
            raid.be(options.shown_to());
        }
        raid.be(self.next.unwrap_or_default());
        if unfinished && options.history.is_none() {
            raid.narrow(&self.raid);
        }
        raid.leave_as(&self.raid);
        folder.save_raid(&raid).inspect_err(|error| tracing::warn!(%error, "could not begin a new raid"))?;
        let shows_more = raid.shows_more_than(&self.raid);
        (self.raid, self.unsaved, self.next) = (raid, false, None);
        self.settle(folder);
        self.down();
        Ok(shows_more)
    }

    /// Whether a fight whose spool is there is not to be sent: those who see the raid are not to see it.
    pub(super) fn leaves(&self, name: &str) -> bool {
        self.raid.leaves(name)
    }

    /// Somebody else has taken the raid over; whether another one is worth a try, for the last was not lost just now.
    pub(super) fn may_renew(&mut self, now_ms: u64) -> bool {
        let again = self.renewed_ms.is_some_and(|before| now_ms < before + RENEWED_MS);
        if !again {
            self.renewed_ms = Some(now_ms);
        }
        !again
    }
}

/// Whether a link lets in whoever has it: that of a private raid alone has to.
pub(crate) fn has_ticket(url: &str) -> bool {
    url.split_once('?').is_some_and(|(_, query)| query.split(['&', '#']).any(|part| part.starts_with("ticket=")))
}

fn new_raid(options: &Options) -> Raid {
    let mut raid = Raid::new(&options.relay, &options.key, options.clock.unix_ms(), &options.entropy);
    raid.be(options.first_shown_to());
    raid
}
