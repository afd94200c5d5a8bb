//! Events of one encounter to its log, for who has all of them at once.
//!
//! One invariant: the log is the one that deltas of the same events come to, and is held to the same limits. Nobody asks
//! for these deltas, so they are not made: what they would be is counted.

use rustc_hash::FxHashMap;

use super::{Batch, Encoder, Lost};
use crate::columns::{self, own_columns};
use crate::event::{Event, Hit, HitFlags, HitKind, SourceEvent, TimedHit};
use crate::fold::{Checked, Content, EncounterState};
use crate::id::{ActorId, SkillId};
use crate::log::Log;
use crate::uplink::{Ending, Header};

/// Whose hits on whom, and by what.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// By whom.
    pub source: ActorId,
    /// On whom.
    pub target: ActorId,
    /// By what.
    pub skill: SkillId,
    /// Of what kind.
    pub kind: HitKind,
}

/// A hit of a [`Row`].
#[derive(Clone, Copy, Debug)]
pub struct RowHit {
    /// Ms since the encounter began.
    pub at_ms: u32,
    /// How much.
    pub amount: u64,
    /// Of what sort.
    pub flags: HitFlags,
    /// What of the amount a shield took.
    pub shield: u64,
}

/// Makes the log of one encounter.
#[derive(Debug)]
pub struct LogEncoder {
    encoder: Encoder,
    log: Log,
    /// What is admitted and does not stand in the log yet.
    open: Batch,
}

impl LogEncoder {
    /// The encoder of an encounter without events.
    pub fn new(header: Header) -> Self {
        let log = Log::new(Header { cols: own_columns(), ..header.clone() });
        Self { encoder: Encoder::new(header), log, open: Batch::default() }
    }

    /// Takes in what a source yielded, and leaves room for more.
    pub fn events(&mut self, events: &mut Vec<SourceEvent>) {
        let Self { encoder, log, open } = self;
        encoder.take_in(events, open, &mut |encoder, batch| close(encoder, batch, log));
        events.clear();
    }

    /// Takes in hits of one row, in any order.
    ///
    /// Cost: linear in the hits; of all but the first no name is looked up.
    pub fn hits(&mut self, row: Row, hits: impl IntoIterator<Item = RowHit>) {
        let Self { encoder, log, open } = self;
        let Row { source, target, skill, kind } = row;
        let mut known = None;
        for RowHit { at_ms, amount, flags, shield } in hits {
            if open.is_full() {
                close(encoder, open, log);
            }
            let shield = shield.min(amount);
            let added = if let Some((source, target, skill)) = known {
                let hit = Hit { source, target, skill, kind, amount, flags, shield, overheal: 0 };
                encoder.put_hit(open, TimedHit { at_ms, hit })
            } else {
                let hit = Hit { source, target, skill, kind, amount, flags, shield, overheal: 0 };
                let added = encoder.add(open, Event::Hit(TimedHit { at_ms, hit }), &FxHashMap::default());
                let (source, target) = (encoder.actors.get(&source).copied(), encoder.actors.get(&target).copied());
                let skill = encoder.skills.get(&skill).copied();
                known = source.zip(target).zip(skill).map(|((source, target), skill)| (source, target, skill));
                added
            };
            if let Err(limit) = added {
                encoder.leaves_out(limit);
            }
        }
    }

    /// That was all: what was left out, if anything, is told.
    pub fn finish(&mut self) {
        let Self { encoder, log, open } = self;
        close(encoder, open, log);
        encoder.tell_lost(open);
        close(encoder, open, log);
    }

    /// What was left out and is not told yet.
    pub fn lost(&self) -> &Lost {
        self.encoder.lost()
    }

    /// What it comes to. After [`Self::finish`].
    pub fn encoded(&self) -> &Encoder {
        &self.encoder
    }

    /// The log of what it was told, and its fold. After [`Self::finish`].
    pub fn into_log(mut self, ending: Ending) -> (Log, EncounterState) {
        self.log.ending = Some(ending);
        (self.log, self.encoder.state)
    }
}

/// Puts the batch into the log, if there is anything in it.
fn close(encoder: &mut Encoder, batch: &mut Batch, log: &mut Log) {
    let batch = std::mem::take(batch);
    if batch.is_empty() {
        return;
    }
    let Batch { actors, skills, mut hits, rare, rare_bytes, .. } = batch;
    // What was told row by row stands by row.
    hits.sort_by_key(|hit| hit.at_ms);
    let seq = encoder.gate.seq() + 1;
    let columns = columns::encoded_len(&hits);
    let content = Content { actors: actors.len(), skills: skills.len(), columns, rare: &rare_bytes };
    let sealed = encoder.gate.seal(seq, content);
    debug_assert!(sealed.is_ok(), "more was admitted than there was room for: {sealed:?}");
    let checked = Checked { seq, actors, skills, hits, rare };
    encoder.apply(&checked);
    log.push_known(checked, rare_bytes);
}
