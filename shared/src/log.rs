//! A finished encounter's log as one blob of whole-encounter columns.
//!
//! A version byte, then MessagePack. Each column is cut into planes of bytes (all lowest bytes, all second ones, …),
//! and each plane is a zstd frame of its own, so that every entropy table fits what it codes. Hits stand in order of
//! time, ties by value, so that the blob does not depend on how the events were cut into deltas; where a log has
//! columns that this code does not know, hits keep the order they came in, and those columns are copied through.

use std::io::Read;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::codec;
use crate::columns::ColumnMap;
use crate::event::{ActorEntry, ActorIx, Hit, HitFlags, HitKind, SkillIx, TimedHit};
use crate::fold::{Checked, decode_rare};
use crate::id::SkillId;
use crate::limits::{ENCOUNTER_DURATION_MS_MAX, ENCOUNTER_HITS_MAX};
use crate::uplink::{Delta, Ending, Header};

/// The version that this code writes.
const VERSION: u8 = 1;
/// Compression of planes: above this, time grows and bytes hardly shrink.
const ZSTD_LEVEL: i32 = 9;
/// Of logs with many hits: what takes nine tenths of their bytes are amounts, which no effort makes smaller. Of 30,000 hits
/// the blob is as large as with 9, in two fifths of the time; of 3,000 it would be 4 % larger.
const ZSTD_LEVEL_LARGE: i32 = 1;
/// So many hits are many.
const LARGE_HITS: usize = 8_192;
/// Why a stored log cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// Written by a later version.
    #[error("the log has version {0}; this relay reads version {VERSION}")]
    Version(u8),
    /// Not what was written.
    #[error("the stored log is damaged: {0}")]
    Damaged(String),
    /// Of a relay that let more through than this one unfolds.
    #[error("the stored log holds {hits} hits; this relay unfolds at most {ENCOUNTER_HITS_MAX}")]
    TooLarge {
        /// How many it says.
        hits: u64,
    },
}

/// A log in memory: what deltas say, without their cuts.
#[derive(Clone, Debug)]
pub struct Log {
    /// What was known before the first event.
    pub header: Header,
    /// How it ended.
    pub ending: Option<Ending>,
    /// All its content, as one delta that fits.
    pub content: Checked,
    /// Rare events as they came, unknown ones too.
    rare: Vec<Bytes>,
    unknown: Vec<UnknownColumns>,
    seq: u64,
}

/// Columns of one delta that this code does not know.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct UnknownColumns {
    hits_before: u64,
    hits: u32,
    columns: Vec<(u8, Bytes)>,
}

#[derive(Serialize, Deserialize)]
struct Wire {
    header: Header,
    ending: Option<Ending>,
    seq: u64,
    actors: Vec<ActorEntry>,
    skills: Vec<SkillId>,
    hits: u64,
    planes: Vec<Vec<Bytes>>,
    rare: Bytes,
    unknown: Vec<UnknownColumns>,
}

impl Log {
    /// A log without deltas yet.
    pub fn new(header: Header) -> Self {
        let content = Checked { seq: 0, actors: Vec::new(), skills: Vec::new(), hits: Vec::new(), rare: Vec::new() };
        Self { header, ending: None, content, rare: Vec::new(), unknown: Vec::new(), seq: 0 }
    }

    /// Appends a delta and what a gate made of it.
    pub fn push(&mut self, columns: &ColumnMap, delta: &Delta, checked: Checked) {
        let unknown = columns.unknown(&delta.columns);
        if !unknown.is_empty() {
            self.unknown.push(UnknownColumns {
                hits_before: self.content.hits.len() as u64,
                hits: delta.hits,
                columns: unknown.into_iter().map(|(at, bytes)| (at as u8, Bytes::copy_from_slice(bytes))).collect(),
            });
        }
        self.push_known(checked, delta.rare.iter().cloned());
    }

    /// Appends what is all known to this code; `rare`: its events as they stand in a delta.
    pub(crate) fn push_known(&mut self, checked: Checked, rare: impl IntoIterator<Item = Bytes>) {
        self.seq = checked.seq;
        self.content.append(checked);
        self.rare.extend(rare);
    }

    /// The bytes to store.
    ///
    /// Cost: beside the log itself, one column of it at a time.
    pub fn into_bytes(self) -> Vec<u8> {
        let Self { header, ending, content, rare, unknown, seq } = self;
        let mut hits = content.hits;
        if unknown.is_empty() {
            // They come by time, as good as always: those of one moment alone are left to be sorted.
            if !hits.is_sorted_by_key(|hit| hit.at_ms) {
                hits.sort_by_key(|hit| hit.at_ms);
            }
            for at_once in hits.chunk_by_mut(|a, b| a.at_ms == b.at_ms).filter(|at_once| at_once.len() > 1) {
                at_once.sort_unstable_by_key(|TimedHit { hit, .. }| {
                    (hit.source, hit.target, hit.skill, hit.kind, hit.amount, hit.flags.0, hit.shield, hit.overheal)
                });
            }
        }
        let mut before = 0_i64;
        let steps = hits.iter().map(|hit| {
            let step = i64::from(hit.at_ms) - before;
            before = i64::from(hit.at_ms);
            zigzag(step)
        });
        let steps: Vec<u64> = steps.collect();
        let mut packer = Packer::of(hits.len());
        let times = planes(&mut packer, &steps, |step| *step);
        drop(steps);
        let bits = |hit: &TimedHit| {
            let HitFlags(flags) = hit.hit.flags;
            u64::from(flags | if hit.hit.kind == HitKind::Heal { HitFlags::HEAL } else { 0 })
        };
        let columns = vec![
            times,
            planes(&mut packer, &hits, |hit| u64::from(hit.hit.source.0)),
            planes(&mut packer, &hits, |hit| u64::from(hit.hit.target.0)),
            planes(&mut packer, &hits, |hit| u64::from(hit.hit.skill.0)),
            planes(&mut packer, &hits, |hit| hit.hit.amount),
            planes(&mut packer, &hits, bits),
            planes(&mut packer, &hits, |hit| hit.hit.shield),
            planes(&mut packer, &hits, |hit| hit.hit.overheal),
        ];
        let wire = Wire {
            header,
            ending,
            seq,
            actors: content.actors,
            skills: content.skills,
            hits: hits.len() as u64,
            planes: columns,
            rare: packer.pack(&codec::encode(&rare)),
            unknown,
        };
        let mut out = vec![VERSION];
        out.extend(codec::encode(&wire));
        out
    }

    /// The log of stored bytes.
    ///
    /// # Errors
    /// `Version` for a later one, `Damaged` for bytes that were never written so.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, LogError> {
        let damaged = |what: String| LogError::Damaged(what);
        let (version, body) = bytes.split_first().ok_or_else(|| damaged("it is empty".into()))?;
        if *version != VERSION {
            return Err(LogError::Version(*version));
        }
        let wire: Wire = codec::decode(body, usize::MAX).map_err(|error| damaged(error.to_string()))?;
        if wire.hits > ENCOUNTER_HITS_MAX {
            return Err(LogError::TooLarge { hits: wire.hits });
        }
        let hits = hits(&wire)?;
        let rare_bytes = decompress(&wire.rare, usize::MAX).ok_or_else(|| damaged("its rare events".into()))?;
        let raw: Vec<Bytes> = codec::decode(&rare_bytes, usize::MAX).map_err(|error| damaged(error.to_string()))?;
        let rare = raw.iter().map(|bytes| decode_rare(bytes)).collect::<Result<Vec<_>, _>>();
        let rare = rare.map_err(|error| damaged(error.to_string()))?.into_iter().flatten().collect();
        let content = Checked { seq: wire.seq, actors: wire.actors, skills: wire.skills, hits, rare };
        Ok(Self { header: wire.header, ending: wire.ending, content, rare: raw, unknown: wire.unknown, seq: wire.seq })
    }
}

/// The hits of a stored log, unfolded one column after the other: one column more than the hits is in memory.
fn hits(wire: &Wire) -> Result<Vec<TimedHit>, LogError> {
    let nothing = Hit {
        source: ActorIx(0),
        target: ActorIx(0),
        skill: SkillIx(0),
        kind: HitKind::Damage,
        amount: 0,
        flags: HitFlags(0),
        shield: 0,
        overheal: 0,
    };
    let mut hits = vec![TimedHit { at_ms: 0, hit: nothing }; wire.hits as usize];
    let mut each = |column: usize, set: &mut dyn FnMut(&mut TimedHit, u64) -> bool| {
        let damaged = |what: &str| LogError::Damaged(format!("column {column} {what}"));
        let planes = wire.planes.get(column).ok_or_else(|| damaged("is missing"))?;
        let values = values(planes, hits.len()).ok_or_else(|| damaged("does not unfold"))?;
        match hits.iter_mut().zip(values).all(|(hit, value)| set(hit, value)) {
            true => Ok(()),
            false => Err(damaged("holds what cannot be")),
        }
    };
    let (actors, skills) = (wire.actors.len() as u64, wire.skills.len() as u64);
    let mut before = 0_i64;
    each(0, &mut |hit, step| {
        before = before.wrapping_add(unzigzag(step));
        let at_ms = u32::try_from(before).ok().filter(|at| *at <= ENCOUNTER_DURATION_MS_MAX);
        hit.at_ms = at_ms.unwrap_or_default();
        at_ms.is_some()
    })?;
    each(1, &mut |hit, source| {
        hit.hit.source = ActorIx(source as u16);
        source < actors
    })?;
    each(2, &mut |hit, target| {
        hit.hit.target = ActorIx(target as u16);
        target < actors
    })?;
    each(3, &mut |hit, skill| {
        hit.hit.skill = SkillIx(skill as u16);
        skill < skills
    })?;
    each(4, &mut |hit, amount| {
        hit.hit.amount = amount;
        true
    })?;
    each(5, &mut |hit, bits| {
        let bits = bits as u8;
        hit.hit.kind = if bits & HitFlags::HEAL == 0 { HitKind::Damage } else { HitKind::Heal };
        hit.hit.flags = HitFlags(bits & !HitFlags::HEAL);
        true
    })?;
    each(6, &mut |hit, shield| {
        hit.hit.shield = shield;
        true
    })?;
    each(7, &mut |hit, overheal| {
        hit.hit.overheal = overheal;
        true
    })?;
    Ok(hits)
}

fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
}

/// A column cut into planes; planes of nothing but zeros are left out at the end.
fn planes<T>(packer: &mut Packer, of: &[T], get: impl Fn(&T) -> u64) -> Vec<Bytes> {
    let bits = of.iter().fold(0, |bits, value| bits | get(value));
    let used = bits.checked_ilog2().map_or(0, |highest| highest / 8 + 1);
    let plane = |at: u32| of.iter().map(|value| (get(value) >> (8 * at)) as u8).collect::<Vec<_>>();
    (0..used).map(|at| packer.pack(&plane(at))).collect()
}

fn values(planes: &[Bytes], count: usize) -> Option<Vec<u64>> {
    let mut values = vec![0_u64; count];
    if planes.len() > 8 {
        return None;
    }
    for (at, plane) in planes.iter().enumerate() {
        let plane = decompress(plane, count).filter(|plane| plane.len() == count)?;
        for (value, byte) in values.iter_mut().zip(plane) {
            *value |= u64::from(byte) << (8 * at);
        }
    }
    Some(values)
}

/// Compresses one plane after the other: its tables are made once.
struct Packer(zstd::bulk::Compressor<'static>);

impl Packer {
    /// For a log of so many hits.
    fn of(hits: usize) -> Self {
        let level = if hits > LARGE_HITS { ZSTD_LEVEL_LARGE } else { ZSTD_LEVEL };
        Self(zstd::bulk::Compressor::new(level).expect("a level that zstd has"))
    }

    fn pack(&mut self, bytes: &[u8]) -> Bytes {
        // Compressing from memory to memory fails only where memory does.
        self.0.compress(bytes).expect("zstd compresses any bytes").into()
    }
}

/// At most `max` bytes of a zstd frame, read as a stream so that a frame that lies about its length costs nothing.
fn decompress(bytes: &[u8], max: usize) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let limit = (max as u64).saturating_add(1);
    zstd::stream::read::Decoder::new(bytes).ok()?.take(limit).read_to_end(&mut out).ok()?;
    (out.len() <= max).then_some(out)
}
