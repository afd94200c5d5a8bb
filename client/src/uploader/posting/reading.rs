//! From the database: a fight as a whole, in the form in which it is sent.

use std::sync::Arc;
use std::time::Duration;

use raidcast_shared::encode::LogEncoder;
use raidcast_shared::uplink::Ending;
use tokio::time::sleep;

use super::super::finish::{Finish, UNFINISHED};
use super::super::options::Options;
use super::super::outcome::WatchError;
use super::super::record::{Finished, How, NotSent};
use crate::clock::Clock;
use crate::form;
use crate::header::header_of;
use crate::source::detect;
use crate::source::names::Names;
use crate::source::{AnySource, Cursor, Fight, Found, Source as _, SourceError};

/// A database that another program holds is asked so often.
const LOCKED_TRIES: u32 = 20;
/// So long after each other.
const LOCKED: Duration = Duration::from_millis(250);

/// A meter's database, to be read fight by fight.
pub(super) struct Reader {
    found: Found,
    source: AnySource,
    clock: Clock,
}

/// What was read of a fight.
pub(super) enum Read {
    /// All of it.
    Whole {
        /// Which it is.
        fight: Finished,
        /// The request's body.
        json: Vec<u8>,
    },
    /// Nothing that could be sent, and why.
    Not(Finished),
}

impl Reader {
    /// Opens the database that the options name, or the one that is found.
    ///
    /// # Errors
    /// `NoMeter`: there is none that can be read.
    pub(super) async fn open(options: &Options) -> Result<Self, WatchError> {
        let again = |error| match error {
            // It was brought up to date between two looks.
            SourceError::Upgraded { .. } => Self::try_open(options),
            error => Err(error),
        };
        patiently(&options.clock, || Self::try_open(options).or_else(again)).await
    }

    fn try_open(options: &Options) -> Result<Self, SourceError> {
        let found = detect::detect(options.db.as_deref(), &options.places).found?;
        let names = Names::find(&found.path, options.meter_data.as_deref(), &options.places);
        let source = AnySource::open(&found, Arc::new(names))?;
        Ok(Self { found, source, clock: options.clock.clone() })
    }

    /// Which database it is.
    pub(super) fn found(&self) -> &Found {
        &self.found
    }

    /// All its fights, oldest first.
    ///
    /// # Errors
    /// `NoMeter`: it can be read no more.
    pub(super) async fn fights(&mut self) -> Result<Vec<Fight>, WatchError> {
        let mut fights = patiently(&self.clock, || self.source.all_fights()).await?;
        fights.sort_by_key(|fight| (fight.started_at_ms, fight.row));
        Ok(fights)
    }

    /// Reads all of a fight that is to be sent to `relay`.
    ///
    /// # Errors
    /// `NoMeter`: nothing can be read any more.
    pub(super) async fn read(&mut self, fight: &Fight, relay: &str) -> Result<Read, WatchError> {
        let bare = Finished::unread(fight, relay);
        let not = |why| Read::Not(Finished { result: How::Refused, why: Some(why), ..bare.clone() });
        if !form::names(fight) {
            return Ok(not(NotSent::Nameless));
        }
        let clock = self.clock.clone();
        patiently(&clock, || {
            let read = match self.try_read(fight, &bare) {
                Err(SourceError::Unreadable { why, .. }) => not(NotSent::Unreadable { why }),
                read => read?,
            };
            // Asked last: what was read may be nothing, for the meter removed it meanwhile.
            Ok(if self.source.stands(fight, 0)? { read } else { not(NotSent::Removed) })
        })
        .await
    }

    fn try_read(&mut self, fight: &Fight, bare: &Finished) -> Result<Read, SourceError> {
        let source = &mut self.source;
        source.check(fight)?;
        let mut reading = source.read_last(fight, &Cursor::default())?;
        let finish = match &fight.end {
            Some(end) => {
                let meter = source.totals(fight)?;
                Finish { ended_at_ms: Some(end.ended_at_ms), outcome: end.outcome, meter }
            }
            None => UNFINISHED,
        };
        let mut encoder = LogEncoder::new(header_of(fight, source.knows()));
        encoder.events(&mut std::mem::take(&mut reading.events));
        encoder.finish();
        let told = encoder.encoded();
        let last_ms = told.state().extent_ms().map_or(0, |(_, last)| last);
        let Finish { ended_at_ms, outcome, meter } = finish.fit(fight.started_at_ms, last_ms);
        let boss = told.boss();
        let ending = Ending { last_seq: told.seq(), ended_at_ms, outcome, checksum: told.checksum(), meter };
        let (log, state) = encoder.into_log(ending.clone());
        let json = form::body(fight, &self.found.meter, &log, &state, &ending);
        let fight = Finished {
            title: boss.or_else(|| bare.title.clone()),
            duration_ms: last_ms,
            events: state.events(),
            outcome,
            ..bare.clone()
        };
        Ok(Read::Whole { fight, json })
    }
}

/// Reads from a database that another program may hold for a moment.
async fn patiently<T>(clock: &Clock, mut read: impl FnMut() -> Result<T, SourceError>) -> Result<T, WatchError> {
    let began_ms = clock.elapsed_ms();
    let mut tries = 0;
    loop {
        match read() {
            Err(SourceError::Locked { .. }) if tries < LOCKED_TRIES => tries += 1,
            read => {
                let after = || Duration::from_millis(clock.elapsed_ms() - began_ms);
                return read.map_err(|error| WatchError::NoMeter { after: after(), why: error.into() });
            }
        }
        sleep(LOCKED).await;
    }
}
