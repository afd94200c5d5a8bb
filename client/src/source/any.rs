//! A source of any generation.

use std::sync::Arc;

use raidcast_shared::event::Knows;
use raidcast_shared::uplink::MeterTotals;

use super::aggregate::Aggregate;
use super::chunks::Chunks;
use super::counters::Counters;
use super::cursor::Cursor;
use super::error::SourceError;
use super::events::Events;
use super::found::{Found, Generation};
use super::names::Names;
use super::reading::{Fight, Glance, Reading, RowBegin};
use super::seam::Source;
use super::summary::Summary;

/// A source of any generation.
#[derive(Debug)]
pub enum AnySource {
    /// Generation A.
    Events(Events),
    /// Generation B.
    Counters(Counters),
    /// Generation C.
    Aggregate(Box<Aggregate>),
    /// Generation D.
    Summary(Summary),
    /// Generation E.
    Chunks(Chunks),
}

/// The same call on whichever source it is.
macro_rules! each {
    ($any:expr, $source:ident => $call:expr) => {
        match $any {
            AnySource::Events($source) => $call,
            AnySource::Counters($source) => $call,
            AnySource::Aggregate($source) => $call,
            AnySource::Summary($source) => $call,
            AnySource::Chunks($source) => $call,
        }
    };
}

impl AnySource {
    /// Opens the database that detection found.
    ///
    /// # Errors
    /// As [`super::detect::identify`].
    pub fn open(found: &Found, names: Arc<Names>) -> Result<Self, SourceError> {
        Ok(match found.generation {
            Generation::Events => Self::Events(Events::open(found, names)?),
            Generation::Counters => Self::Counters(Counters::open(found, names)?),
            Generation::Aggregate => Self::Aggregate(Box::new(Aggregate::open(found, names)?)),
            Generation::Summary => Self::Summary(Summary::open(found, names)?),
            Generation::Chunks => Self::Chunks(Chunks::open(found, names)?),
        })
    }
}

impl Source for AnySource {
    fn knows(&self) -> Knows {
        each!(self, source => source.knows())
    }

    fn changed(&mut self) -> Result<bool, SourceError> {
        each!(self, source => source.changed())
    }

    fn fights(&mut self, after: i64, open: &[i64]) -> Result<Vec<Fight>, SourceError> {
        each!(self, source => source.fights(after, open))
    }

    fn begins(&mut self) -> Result<Vec<RowBegin>, SourceError> {
        each!(self, source => source.begins())
    }

    fn listed(&mut self, rows: &[i64]) -> Result<Vec<Fight>, SourceError> {
        each!(self, source => source.listed(rows))
    }

    fn glance(&mut self, fight: &Fight) -> Result<Glance, SourceError> {
        each!(self, source => source.glance(fight))
    }

    fn check(&mut self, fight: &Fight) -> Result<(), SourceError> {
        each!(self, source => source.check(fight))
    }

    fn fits(&mut self, fight: &Fight, cursor: &Cursor) -> Result<bool, SourceError> {
        each!(self, source => source.fits(fight, cursor))
    }

    fn rows_ascend(&self) -> bool {
        each!(self, source => source.rows_ascend())
    }

    fn read(&mut self, fight: &Fight, cursor: &Cursor, now_ms: u64) -> Result<Reading, SourceError> {
        each!(self, source => source.read(fight, cursor, now_ms))
    }

    fn read_last(&mut self, fight: &Fight, cursor: &Cursor) -> Result<Reading, SourceError> {
        each!(self, source => source.read_last(fight, cursor))
    }

    fn extent(&mut self, fight: &Fight) -> Result<u64, SourceError> {
        each!(self, source => source.extent(fight))
    }

    fn totals(&mut self, fight: &Fight) -> Result<Option<MeterTotals>, SourceError> {
        each!(self, source => source.totals(fight))
    }
}
