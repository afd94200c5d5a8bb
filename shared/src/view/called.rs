//! What actors are called beside the figures: each is asked for once, for behind a veil a name may cost a look at all
//! rows.

use std::collections::HashMap;

use super::shown::Shown;
use crate::event::ActorIx;

/// Who did something, or to whom it was done. Monsters of one name are one, as meters count them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Who {
    /// Of a player.
    pub(super) key: Option<String>,
    /// As told; of a monster whose type alone is known "Monster 1110".
    pub(super) name: Option<String>,
}

/// See the module.
pub(super) struct Called<'a> {
    shown: Shown<'a>,
    held: HashMap<ActorIx, Who>,
}

impl<'a> Called<'a> {
    pub(super) fn of(shown: Shown<'a>) -> Self {
        Self { shown, held: HashMap::new() }
    }

    pub(super) fn who(&mut self, actor: ActorIx) -> Who {
        let shown = self.shown;
        let ask = || {
            let state = shown.state();
            if state.is_player(actor) {
                return Who { key: Some(shown.key(actor)), name: shown.name(actor) };
            }
            let of_type = || state.actor(actor).monster_id.get().map(|id| format!("Monster {id}"));
            Who { key: None, name: shown.name(actor).or_else(of_type) }
        };
        self.held.entry(actor).or_insert_with(ask).clone()
    }
}
