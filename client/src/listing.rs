//! All fights of a meter's database, the newest first and some at a time: when they were, against whom, and how much there
//! is of each.
//!
//! One invariant: a page costs what its own fights cost, and two numbers of each other one. It has a connection of its own,
//! which holds nothing of the database between pages, so an uploader is not in its way, nor it in the uploader's.
//! Deliberately not here: what became of a fight ([`crate::status`]), and what is to be sent ([`crate::history`]).
//! These are plain calls that wait for the disk and unpack hits, up to a tenth of a second for a fight: not for a task that
//! others wait for.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use raidcast_shared::uplink::Outcome;

use crate::history::{PlanError, find, is_going_on, name_as_told};
use crate::source::detect::Places;
use crate::source::names::Names;
use crate::source::{AnySource, Fight, Found, Glance, Source as _, SourceError};

/// Fights of one page at most.
pub const PAGE_MAX: usize = 200;
/// So many more that began in the same ms as its last one; of those beyond, which no meter writes, none is listed.
const SAME_MS_MAX: usize = 64;

/// A fight of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its row, under the name by which the state folder knows it.
    pub fight: Fight,
    /// Its boss and how much there is of it.
    pub glance: Glance,
    /// It is the newest of all, and the meter has not ended it.
    pub is_going_on: bool,
}

impl Listed {
    /// Its boss, else its scene; `None` where neither is known by name.
    pub fn title(&self) -> Option<&str> {
        self.glance.boss.as_deref().or(self.fight.scene.as_deref())
    }

    /// From its begin to its end, ms; `None` where the meter tells no end, or none that can be.
    pub fn duration_ms(&self) -> Option<u32> {
        let end = self.fight.end.as_ref()?;
        end.ended_at_ms.saturating_sub(self.fight.started_at_ms).try_into().ok()
    }

    /// How it went, as far as the meter knows; `None` where it tells no end.
    pub fn outcome(&self) -> Option<Outcome> {
        self.fight.end.as_ref().map(|end| end.outcome)
    }
}

/// Some of the fights.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// The newest first.
    pub fights: Vec<Listed>,
    /// Where the next page begins; `None` after the oldest.
    pub before_ms: Option<i64>,
    /// So many rows of fights there are in all.
    pub all: usize,
}

/// Reads a list page by page.
#[derive(Debug)]
pub struct ListingReader {
    found: Found,
    source: AnySource,
    state: PathBuf,
    /// When the database was written last.
    written: Option<SystemTime>,
}

impl ListingReader {
    /// Opens the database, as an uploader would find it; `state`: whose names for fights count.
    ///
    /// # Errors
    /// The database is not there or cannot be read now; of `Locked` try again soon.
    pub fn open(
        db: Option<&Path>,
        places: &Places,
        meter_data: Option<&Path>,
        state: &Path,
    ) -> Result<Self, PlanError> {
        let (found, written) = find(db, places)?;
        let names = Names::find(&found.path, meter_data, places);
        let source = AnySource::open(&found, Arc::new(names))?;
        Ok(Self { found, source, state: state.to_owned(), written })
    }

    /// The database that is read.
    pub fn found(&self) -> &Found {
        &self.found
    }

    /// Up to `count` fights, [`PAGE_MAX`] at most, that began before `before_ms` (Unix), or the newest. Those of one ms are
    /// on one page.
    ///
    /// `known`: what the caller has kept of a fight that is as it was, by its database, row, begin and end. Of such a one
    /// nothing is unpacked; of others a reader unpacks once what does not change.
    ///
    /// # Errors
    /// `Locked`: try again soon. Else open another reader: the database was taken away, or altered.
    pub fn page(
        &mut self,
        before_ms: Option<i64>,
        count: usize,
        known: impl Fn(&Fight) -> Option<Glance>,
    ) -> Result<Listing, SourceError> {
        // Another file may stand in its place, which this connection never sees.
        self.source.changed()?;
        let mut begins = self.source.begins()?;
        begins.sort_unstable_by_key(|begin| Reverse((begin.started_at_ms, begin.row)));
        let (all, newest) = (begins.len(), begins.first().map(|begin| begin.row));
        begins.retain(|begin| before_ms.is_none_or(|before_ms| begin.started_at_ms < before_ms));

        let count = count.clamp(1, PAGE_MAX);
        let mut end = count.min(begins.len());
        let is_of_one_ms = |end: usize| begins[end].started_at_ms == begins[end - 1].started_at_ms;
        while end < begins.len() && end < count + SAME_MS_MAX && is_of_one_ms(end) {
            end += 1;
        }
        let next_ms = (end < begins.len()).then(|| begins[end - 1].started_at_ms);
        let rows: Vec<_> = begins[..end].iter().map(|begin| begin.row).collect();

        let mut fights = self.source.listed(&rows)?;
        name_as_told(&mut fights, &self.state);
        fights.sort_by_key(|fight| (fight.started_at_ms, fight.row));
        let mut seen = HashSet::new();
        fights.retain(|fight| seen.insert(fight.encounter));
        let mut listed = Vec::with_capacity(fights.len());
        for mut fight in fights.into_iter().rev() {
            let glance = match known(&fight) {
                Some(glance) => glance,
                None => self.source.glance(&fight)?,
            };
            if let (Some(end), Some(outcome)) = (&mut fight.end, glance.outcome)
                && end.outcome == Outcome::Unknown
            {
                end.outcome = outcome;
            }
            let is_going_on = newest == Some(fight.row) && is_going_on(&fight, self.written);
            listed.push(Listed { fight, glance, is_going_on });
        }
        Ok(Listing { fights: listed, before_ms: next_ms, all })
    }
}
