//! An encounter's events in blocks that are added up once, so that a span of it costs its edges.
//!
//! One invariant: [`FoldIndex::fold`] gives the state that folding the span's events one by one gives. A block that
//! lies in the span is merged whole, one that lies outside only says when it was, and of one on an edge the hits are folded
//! singly. Sixteen blocks make a greater one, so a long span merges few. Rare events are folded singly always: what
//! they mean for a span differs by kind, and they are rare.

use std::sync::Arc;

use super::entity::{Actor, Skill};
use super::gate::Checked;
use super::latest::Latest;
use super::rows::{Row, RowTable, Second};
use super::span::Span;
use super::state::EncounterState;
use crate::columns::{ColumnMap, ColumnsError};
use crate::event::{ActorIx, Rare, RareBody, TimedHit};
use crate::log::Log;
use crate::uplink::Header;

/// Hits, or rare events, of a stored log's block: an edge folds at most two blocks of them.
const BLOCK_EVENTS: usize = 4_096;
/// Blocks that make a greater one.
const FAN: usize = 16;
/// Sums are kept only of what has so many hits a row at the least: else they would take more room than the hits, and
/// adding the hits up again costs as little.
const HITS_A_ROW: usize = 4;

/// Events added up: of deltas, or of [`FAN`] lesser blocks.
#[derive(Debug)]
struct Block {
    /// First and last hit.
    hits: Option<(u32, u32)>,
    /// First and last rare event.
    rare: Option<(u32, u32)>,
    /// When each source last hit or healed anyone.
    acted: Vec<(ActorIx, u32)>,
    /// How many hits it and its parts hold.
    count: usize,
    /// Their sums, where those are worth keeping.
    rows: Option<RowTable>,
    parts: Parts,
}

#[derive(Debug)]
enum Parts {
    Events(Checked),
    Blocks(Vec<Arc<Block>>),
}

fn widen(held: &mut Option<(u32, u32)>, more: Option<(u32, u32)>) {
    *held = match (*held, more) {
        (Some((first, last)), Some((from, to))) => Some((first.min(from), last.max(to))),
        (held, more) => held.or(more),
    };
}

fn reaches(extent: Option<(u32, u32)>, span: Span) -> bool {
    extent.is_some_and(|(first, last)| first < span.to_ms && last >= span.from_ms)
}

fn act(acted: &mut Vec<(ActorIx, u32)>, actor: ActorIx, at_ms: u32) {
    match acted.binary_search_by_key(&actor, |held| held.0) {
        Ok(at) => acted[at].1 = acted[at].1.max(at_ms),
        Err(at) => acted.insert(at, (actor, at_ms)),
    }
}

impl Block {
    fn of_events(events: Checked) -> Self {
        let mut block = Self { count: events.hits.len(), ..Self::of_parts(Parts::Blocks(Vec::new())) };
        for TimedHit { at_ms, hit } in &events.hits {
            widen(&mut block.hits, Some((*at_ms, *at_ms)));
            act(&mut block.acted, hit.source, *at_ms);
        }
        for rare in &events.rare {
            widen(&mut block.rare, Some((rare.at_ms, rare.at_ms)));
        }
        block.parts = Parts::Events(events);
        block.keep_sums()
    }

    fn of_blocks(blocks: &[Arc<Self>]) -> Self {
        let mut sum = Self::of_parts(Parts::Blocks(blocks.to_vec()));
        for block in blocks {
            widen(&mut sum.hits, block.hits);
            widen(&mut sum.rare, block.rare);
            for (actor, at_ms) in &block.acted {
                act(&mut sum.acted, *actor, *at_ms);
            }
            sum.count += block.count;
        }
        sum.keep_sums()
    }

    fn of_parts(parts: Parts) -> Self {
        Self { hits: None, rare: None, acted: Vec::new(), count: 0, rows: None, parts }
    }

    fn keep_sums(mut self) -> Self {
        let mut rows = RowTable::default();
        self.add_to(&mut rows);
        self.rows = (rows.rows().len() * HITS_A_ROW <= self.count).then_some(rows);
        self
    }

    /// Adds all its hits to a table.
    fn add_to(&self, table: &mut RowTable) {
        match (&self.rows, &self.parts) {
            (Some(rows), _) => table.merge(rows),
            (None, Parts::Events(events)) => events.hits.iter().for_each(|hit| table.add(hit.at_ms, &hit.hit)),
            (None, Parts::Blocks(blocks)) => blocks.iter().for_each(|block| block.add_to(table)),
        }
    }

    /// Notes of all its hits when they came, and adds none up.
    fn pass_to(&self, table: &mut RowTable) {
        match (&self.rows, &self.parts) {
            (Some(rows), _) => table.pass_all(rows),
            (None, Parts::Events(events)) => events.hits.iter().for_each(|hit| table.pass(hit.at_ms, &hit.hit)),
            (None, Parts::Blocks(blocks)) => blocks.iter().for_each(|block| block.pass_to(table)),
        }
    }

    fn events(&self) -> Option<&Checked> {
        match &self.parts {
            Parts::Events(events) => Some(events),
            Parts::Blocks(_) => None,
        }
    }

    /// About how many bytes it holds, without its parts' blocks.
    fn bytes(&self) -> usize {
        let events = self
            .events()
            .map_or(0, |events| events.hits.len() * size_of::<TimedHit>() + events.rare.len() * 2 * size_of::<Rare>());
        let sums = self.rows.as_ref().map_or(0, |rows| {
            let seconds: usize = rows.pairs().iter().map(|pair| 64 + pair.seconds.len() * size_of::<Second>()).sum();
            seconds + rows.rows().len() * (size_of::<Row>() + 24)
        });
        events + sums + self.acted.len() * 8 + 256
    }
}

/// A log, or what there is of one, ready to be folded in spans. Cheap to clone: blocks are shared.
#[derive(Clone, Debug)]
pub struct FoldIndex {
    header: Header,
    columns: ColumnMap,
    seq: u64,
    /// Blocks of events, then blocks of [`FAN`] blocks of the level before.
    levels: Vec<Vec<Arc<Block>>>,
    /// Events behind all blocks that no later one is to be put behind.
    tail: Option<Arc<Block>>,
}

impl FoldIndex {
    /// An encounter without events.
    ///
    /// # Errors
    /// `List` if the header's column list is not usable, which no stored header is.
    pub fn new(header: Header) -> Result<Self, ColumnsError> {
        let columns = ColumnMap::new(&header.cols)?;
        Ok(Self { header, columns, seq: 0, levels: vec![Vec::new()], tail: None })
    }

    /// A stored log.
    ///
    /// # Errors
    /// As [`FoldIndex::new`].
    pub fn of_log(log: Log) -> Result<Self, ColumnsError> {
        let mut index = Self::new(log.header)?;
        let Checked { seq, actors, skills, mut hits, mut rare } = log.content;
        let nothing = Checked { seq, actors: Vec::new(), skills: Vec::new(), hits: Vec::new(), rare: Vec::new() };
        index.push(Checked { actors, skills, ..nothing.clone() });
        rare.sort_by_key(|rare| rare.at_ms);
        for rare in rare.chunks(BLOCK_EVENTS) {
            index.push(Checked { rare: rare.to_vec(), ..nothing.clone() });
        }
        if !hits.is_sorted_by_key(|hit| hit.at_ms) {
            hits.sort_by_key(|hit| hit.at_ms);
        }
        for hits in hits.chunks(BLOCK_EVENTS) {
            index.push(Checked { hits: hits.to_vec(), ..nothing.clone() });
        }
        Ok(index)
    }

    /// Which column of its deltas is which.
    pub fn columns(&self) -> &ColumnMap {
        &self.columns
    }

    /// What was known before the first event.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Seq of the newest delta in it.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// How many blocks of events it holds, the tail not counted.
    pub fn blocks(&self) -> usize {
        self.levels[0].len()
    }

    /// Puts a block of events behind those it holds. They must have passed the encounter's gate.
    pub fn push(&mut self, events: Checked) {
        self.tail = None;
        self.seq = self.seq.max(events.seq);
        let mut block = Arc::new(Block::of_events(events));
        for level in 0.. {
            if level == self.levels.len() {
                self.levels.push(Vec::new());
            }
            let held = &mut self.levels[level];
            held.push(block);
            if !held.len().is_multiple_of(FAN) {
                break;
            }
            block = Arc::new(Block::of_blocks(&held[held.len() - FAN..]));
        }
    }

    /// The same with events behind all others, which the next [`FoldIndex::push`] takes off again: a live fight's
    /// newest, before they fill a block.
    pub fn with_tail(&self, events: Checked) -> Self {
        let seq = self.seq.max(events.seq);
        Self { seq, tail: Some(Arc::new(Block::of_events(events))), ..self.clone() }
    }

    /// About how many bytes it holds.
    pub fn bytes(&self) -> usize {
        self.levels.iter().flatten().chain(&self.tail).map(|block| block.bytes()).sum()
    }

    fn leaves(&self) -> impl Iterator<Item = &Block> {
        self.levels[0].iter().chain(&self.tail).map(AsRef::as_ref)
    }

    /// The greatest blocks that hold every event once, oldest first.
    fn roots(&self) -> impl Iterator<Item = &Block> {
        let of_level = |level: usize| {
            let covered = self.levels.get(level + 1).map_or(0, Vec::len) * FAN;
            &self.levels[level][covered..]
        };
        (0..self.levels.len()).rev().flat_map(of_level).chain(&self.tail).map(AsRef::as_ref)
    }

    /// The fold of a span's events.
    ///
    /// Cost: the hits of the blocks on the span's edges, the rows of the blocks between, and all rare events.
    pub fn fold(&self, span: Span) -> EncounterState {
        let mut state = self.unplayed(span);
        for rare in self.leaves().filter_map(Block::events).flat_map(|events| &events.rare) {
            state.apply_rare(rare);
        }
        state.rows.settle(span);
        for block in self.roots() {
            state.merge(block);
        }
        state.seq = self.seq;
        state
    }

    fn unplayed(&self, span: Span) -> EncounterState {
        let mut state = EncounterState::of_span(self.header.clone(), self.columns.clone(), span);
        for events in self.leaves().filter_map(Block::events) {
            state.actors.extend(events.actors.iter().map(Actor::new));
            state.skills.extend(events.skills.iter().map(|&id| Skill { id, name: Latest::default() }));
        }
        state
    }

    /// The state before the first event, with all that does not depend on time (who is who, what is called what), to
    /// be played on with [`FoldIndex::play`].
    pub fn start(&self) -> EncounterState {
        let mut state = self.unplayed(Span::ALL);
        for rare in self.leaves().filter_map(Block::events).flat_map(|events| &events.rare) {
            match &rare.body {
                // That a boss falls is told when it does.
                RareBody::Actor(facts) => {
                    let facts = crate::event::ActorFacts { defeated: None, ..facts.clone() };
                    state.apply_rare(&Rare { body: RareBody::Actor(facts), ..rare.clone() });
                }
                RareBody::Skill { .. } | RareBody::Header { .. } => state.apply_rare(rare),
                _ => {}
            }
        }
        state
    }

    /// Folds a span's events into a state that was made by [`FoldIndex::start`]; each span once.
    ///
    /// Cost: the events of the blocks that reach into the span.
    pub fn play(&self, state: &mut EncounterState, span: Span) {
        state.checksum.take();
        for block in self.leaves() {
            let Some(events) = block.events() else { continue };
            if reaches(block.hits, span) {
                events.hits.iter().filter(|hit| span.holds(hit.at_ms)).for_each(|hit| state.apply_hit(hit));
            }
            if reaches(block.rare, span) {
                let timeless = |rare: &&Rare| !matches!(rare.body, RareBody::Skill { .. } | RareBody::Header { .. });
                let inside = events.rare.iter().filter(|rare| span.holds(rare.at_ms));
                inside.filter(timeless).for_each(|rare| state.apply_rare(rare));
            }
        }
        state.rows.settle(state.span);
        state.seq = self.seq;
    }

    /// All its hits, in no order that tells anything.
    pub fn hits(&self) -> impl Iterator<Item = &TimedHit> {
        self.leaves().filter_map(Block::events).flat_map(|events| &events.hits)
    }

    /// All its rare events, in no order that tells anything.
    pub fn rare(&self) -> impl Iterator<Item = &Rare> {
        self.leaves().filter_map(Block::events).flat_map(|events| &events.rare)
    }

    /// How many events are looked at where a span is played.
    pub fn reached(&self, span: Span) -> usize {
        let of_block = |block: &Block| {
            let rare = block.events().map_or(0, |events| events.rare.len());
            usize::from(reaches(block.hits, span)) * block.count + usize::from(reaches(block.rare, span)) * rare
        };
        self.leaves().map(of_block).sum()
    }

    /// Whether any of its damage and healing came at a known time.
    pub fn is_timed(&self) -> bool {
        let is_sum = |rare: &&Rare| matches!(rare.body, RareBody::Totals { .. });
        let is_lump = |rare: &Rare| matches!(rare.body, RareBody::Totals { lump: true, .. });
        let rare = || self.leaves().filter_map(Block::events).flat_map(|events| &events.rare).filter(is_sum);
        self.leaves().any(|block| block.hits.is_some()) || rare().next().is_none() || rare().any(|rare| !is_lump(rare))
    }

    /// The time after its last event, ms since the encounter began.
    pub fn end_ms(&self) -> u32 {
        let last = |extent: Option<(u32, u32)>| extent.map_or(0, |(_, last)| last + 1);
        self.leaves().map(|block| last(block.hits).max(last(block.rare))).max().unwrap_or(0)
    }
}

impl EncounterState {
    /// Adds what of a block lies in the span.
    fn merge(&mut self, block: &Block) {
        self.checksum.take();
        let Some((first, last)) = block.hits else { return };
        widen(&mut self.whole, block.hits);
        if first >= self.span.to_ms {
            block.pass_to(&mut self.rows);
            return;
        }
        let inside = self.span.holds(first) && self.span.holds(last);
        if inside || last < self.span.from_ms {
            for (actor, at_ms) in &block.acted {
                let acted = &mut self.actor_mut(*actor).acted_ms;
                *acted = (*acted).max(Some(*at_ms));
            }
            if inside {
                widen(&mut self.extent, block.hits);
                block.add_to(&mut self.rows);
            } else {
                block.pass_to(&mut self.rows);
            }
            return;
        }
        match &block.parts {
            Parts::Events(events) => events.hits.iter().for_each(|hit| self.apply_hit(hit)),
            Parts::Blocks(blocks) => blocks.iter().for_each(|block| self.merge(block)),
        }
    }
}
