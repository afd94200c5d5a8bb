//! Events of a fight that is told whole to its log.
//!
//! One invariant: no id reaches the encoder that was not keyed, and at no time are more than a few thousand events in
//! memory as events. Deliberately not here: in which form the fight was told.

use std::collections::HashMap;
use std::convert::Infallible;

use raidcast_shared::columns::own_columns;
use raidcast_shared::encode::{LogEncoder, Lost, Row, RowHit};
use raidcast_shared::event::{Knows, SourceEvent};
use raidcast_shared::fold::EncounterState;
use raidcast_shared::id::ActorId;
use raidcast_shared::log::Log;
use raidcast_shared::uplink::{Ending, Header, MeterTotals, Outcome};

use crate::limits::{DATE_MS_MAX, EVENTS_AT_ONCE};

/// What is known of a fight before its first event; ids in the clear.
#[derive(Clone, Debug, Default)]
pub(crate) struct Start {
    /// Unix ms, as far as a date can say it.
    pub(crate) started_at_ms: i64,
    pub(crate) scene_id: Option<i64>,
    /// Fit to be shown.
    pub(crate) scene: Option<String>,
    pub(crate) local: Option<u64>,
    pub(crate) knows: Knows,
}

/// How a fight ended.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Finish {
    /// Unix ms.
    pub(crate) ended_at_ms: Option<i64>,
    pub(crate) outcome: Outcome,
    pub(crate) meter: Option<MeterTotals>,
}

pub(crate) struct Builder<'a> {
    started_at_ms: i64,
    encoder: LogEncoder,
    key_actor: &'a dyn Fn(ActorId) -> ActorId,
    keyed: Keyed,
    waiting: Vec<SourceEvent>,
}

impl<'a> Builder<'a> {
    pub(crate) fn new(start: Start, key_actor: &'a dyn Fn(ActorId) -> ActorId) -> Self {
        let mut keyed = Keyed::default();
        let header = Header {
            started_at_ms: start.started_at_ms,
            scene_id: start.scene_id,
            scene: start.scene,
            difficulty: None,
            local: start.local.map(|local| keyed.key(key_actor, ActorId::clear(local))),
            knows: start.knows,
            cols: own_columns(),
        };
        let (started_at_ms, encoder) = (start.started_at_ms, LogEncoder::new(header));
        Self { started_at_ms, encoder, key_actor, keyed, waiting: Vec::new() }
    }

    /// Takes an event in, its ids in the clear.
    pub(crate) fn put(&mut self, event: SourceEvent) {
        let Self { keyed, key_actor, .. } = self;
        let mapped: Result<SourceEvent, Infallible> = event.try_map(&mut |id| Ok(keyed.key(*key_actor, id)), &mut Ok);
        let Ok(event) = mapped;
        self.waiting.push(event);
        if self.waiting.len() >= EVENTS_AT_ONCE {
            self.encode();
        }
    }

    /// Takes events in.
    pub(crate) fn extend(&mut self, events: impl IntoIterator<Item = SourceEvent>) {
        events.into_iter().for_each(|event| self.put(event));
    }

    /// Takes hits of one row in, its ids in the clear: each is keyed once.
    pub(crate) fn hits(&mut self, row: Row, hits: impl IntoIterator<Item = RowHit>) {
        let [source, target] = [row.source, row.target].map(|id| self.keyed.key(self.key_actor, id));
        self.encoder.hits(Row { source, target, ..row }, hits);
    }

    /// Encodes what waits: what comes later stands behind it.
    pub(crate) fn encode(&mut self) {
        self.encoder.events(&mut self.waiting);
    }

    /// What of the events put in so far is beyond a limit, and so left out.
    pub(crate) fn lost(&mut self) -> &Lost {
        self.encode();
        self.encoder.lost()
    }

    pub(crate) fn finish(mut self, finish: Finish) -> (Log, EncounterState) {
        self.encode();
        self.encoder.finish();
        let told = self.encoder.encoded();
        let last_ms = told.state().extent_ms().map_or(0, |(_, last)| last);
        let last = self.started_at_ms.saturating_add(last_ms.into());
        let ending = Ending {
            last_seq: told.seq(),
            ended_at_ms: finish.ended_at_ms.map(|ended| ended.max(last).min(DATE_MS_MAX)),
            outcome: finish.outcome,
            checksum: told.checksum(),
            meter: finish.meter,
        };
        self.encoder.into_log(ending)
    }
}

/// The keys of actors; each is made once.
#[derive(Default)]
struct Keyed {
    all: HashMap<ActorId, ActorId>,
    /// The last two that were asked for: most hits are by whom the one before was, and reach the same.
    last: [Option<(ActorId, ActorId)>; 2],
}

impl Keyed {
    fn key(&mut self, key_actor: &dyn Fn(ActorId) -> ActorId, id: ActorId) -> ActorId {
        if let Some((_, key)) = self.last.iter().flatten().find(|(of, _)| *of == id) {
            return *key;
        }
        let key = *self.all.entry(id).or_insert_with(|| key_actor(id));
        self.last = [Some((id, key)), self.last[0]];
        key
    }
}
