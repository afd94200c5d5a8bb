//! Checksum v1: 128 bits over a frozen projection of the state. A new figure makes a v2 beside it.
//!
//! The projection has integers only, so that it is the same before and after player ids are hashed, for every
//! generation of meter and under every policy. A row's actors stand in it by what they did in all: the hits and
//! the amount of its source and of its target. Skills stand by their base id, the same in every meter.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;
use sha2::{Digest, Sha256};

use super::entity::Skill;
use super::rows::Row;
use crate::checksum::Checksum;
use crate::event::HitKind;

/// What of a state is in its checksum.
pub(super) struct Projected<'a> {
    pub(super) rows: &'a [Row],
    /// By [`crate::event::SkillIx`].
    pub(super) skills: &'a [Skill],
    /// Deaths of players.
    pub(super) deaths: u64,
    /// Hits and deaths.
    pub(super) events: u64,
}

pub(super) fn of(state: &Projected<'_>) -> Checksum {
    // Rows that differ in the variant of their skill alone are one row here.
    let mut rows: FxHashMap<(u16, u16, i64, HitKind), [u64; 4]> = FxHashMap::default();
    let mut sources: FxHashMap<u16, [u64; 2]> = FxHashMap::default();
    let mut targets: FxHashMap<u16, [u64; 2]> = FxHashMap::default();
    for row in state.rows {
        let (source, target) = (row.key.source.0, row.key.target.0);
        let sums =
            rows.entry((source, target, state.skills[usize::from(row.key.skill.0)].id.base, row.key.kind)).or_default();
        for (sum, add) in sums.iter_mut().zip([row.hits, row.amount, row.crit, row.lucky]) {
            *sum += add;
        }
        for sums in [sources.entry(source).or_default(), targets.entry(target).or_default()] {
            sums[0] += row.hits;
            sums[1] += row.amount;
        }
    }
    let mut projection: BTreeMap<[u64; 10], u64> = BTreeMap::new();
    for ((source, target, skill, kind), [hits, amount, crit, lucky]) in rows {
        let [by_hits, by_amount] = sources[&source];
        let [on_hits, on_amount] = targets[&target];
        let kind = u64::from(kind == HitKind::Heal);
        let line = [skill.cast_unsigned(), kind, by_hits, by_amount, on_hits, on_amount, hits, amount, crit, lucky];
        *projection.entry(line).or_default() += 1;
    }
    let mut hash = Sha256::new();
    hash.update(b"raidcast checksum v1");
    for (line, times) in projection {
        line.iter().chain([&times]).for_each(|value| hash.update(value.to_be_bytes()));
    }
    hash.update(state.deaths.to_be_bytes());
    hash.update(state.events.to_be_bytes());
    let digest = hash.finalize();
    let mut out = [0; 16];
    out.copy_from_slice(&digest[..16]);
    Checksum::new(out)
}
