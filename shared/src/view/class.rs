//! Which class and spec a player has.

use std::collections::HashMap;

use crate::event::{ActorIx, HitKind};
use crate::fold::{EncounterState, Row};
use crate::game;

/// A player's class and spec: as told, else as their skills tell.
pub(super) fn class_and_spec(state: &EncounterState, actor: ActorIx, rows: &[&Row]) -> (Option<u16>, Option<u16>) {
    let held = state.actor(actor);
    let told_class = held.class_id.get().copied();
    let fits = |spec: &u16| told_class.is_none_or(|class| game::spec(*spec).is_some_and(|spec| spec.class_id == class));
    let spec = held.spec_id.get().copied().or_else(|| {
        let mut hits: HashMap<u16, u64> = HashMap::new();
        for row in rows {
            if let Some(spec) = game::spec_of_skill(state.skill(row.key.skill).id.base).filter(&fits) {
                *hits.entry(spec).or_default() += row.hits;
            }
        }
        hits.into_iter().max_by_key(|(spec, hits)| (*hits, std::cmp::Reverse(*spec))).map(|(spec, _)| spec)
    });
    (told_class.or_else(|| spec.and_then(game::spec).map(|spec| spec.class_id)), spec)
}

/// A player's class, where his figures are not at hand: as [`class_and_spec`] has it.
///
/// Cost: one pass over the rows where neither class nor spec is told.
pub(super) fn class_of(state: &EncounterState, actor: ActorIx) -> Option<u16> {
    let held = state.actor(actor);
    let told = held.class_id.get().is_some() || held.spec_id.get().is_some();
    let is_his = |row: &&Row| row.key.source == actor && !told;
    let counts = |row: &&Row| row.key.kind == HitKind::Heal || !state.is_player(row.key.target);
    let rows: Vec<_> = state.rows().iter().filter(is_his).filter(counts).collect();
    class_and_spec(state, actor, &rows).0
}
