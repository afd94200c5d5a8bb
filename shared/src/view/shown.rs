//! The one door out: nothing is shown of a fight but to an audience.
//!
//! One invariant: every figure, name and key that leaves the relay comes from a [`Shown`], and a [`Shown`] is made with
//! an [`Audience`] alone. So whoever shows something has said to whom, and what that audience may see is decided here.

use std::fmt::Debug;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::class::class_of;
use crate::event::{ActorIx, ActorKind, CritsKnown};
use crate::fold::EncounterState;
use crate::game;
use crate::id::ActorId;

/// What keeps an audience from knowing who players are.
pub trait Veil: Debug + Send + Sync {
    /// Whether it hides who a player is.
    fn hides(&self, player: ActorId) -> bool;

    /// Whether it hides some players wherever they are, and is there for nobody else: all others are shown as without it.
    fn is_of_some(&self) -> bool {
        false
    }

    /// What tells a player that it hides from others, and leads nowhere else.
    fn key(&self, player: ActorId) -> ActorId;

    /// What tells a player that it hides from others of his class; `None` while he has none.
    fn number(&self, player: ActorId) -> Option<u32>;

    /// Behind two veils of one mark the same is seen.
    fn mark(&self) -> &str;
}

/// Who is shown something: those for whom the same is shown of a raid.
#[derive(Clone, Debug)]
pub struct Audience {
    veil: Option<Arc<dyn Veil>>,
    behind: bool,
    outside: bool,
}

impl Audience {
    /// Those who may see a raid of which nothing is held back. Only who has found that somebody may see it says this.
    pub fn of_everything() -> &'static Self {
        static EVERYTHING: Audience = Audience { veil: None, behind: false, outside: false };
        &EVERYTHING
    }

    /// Those who see players as a veil shows them.
    pub fn behind(veil: Arc<dyn Veil>) -> Self {
        Self { veil: Some(veil), behind: false, outside: false }
    }

    /// The same, some time behind: nothing that was made for others is theirs.
    #[must_use]
    pub fn some_time_behind(self) -> Self {
        Self { behind: true, ..self }
    }

    /// Whether it sees what came only after some time.
    pub fn is_behind(&self) -> bool {
        self.behind
    }

    /// Whether a player is hidden from it.
    pub fn hides(&self, player: ActorId) -> bool {
        self.veil.as_ref().is_some_and(|veil| veil.hides(player))
    }

    /// Whether it is shown who players are, but for some who are shown to nobody.
    pub fn knows_players(&self) -> bool {
        self.veil.as_ref().is_none_or(|veil| veil.is_of_some())
    }

    /// The same, outside of the raid: a report leads them to no raid that they may not see.
    #[must_use]
    pub fn outside_its_raid(self) -> Self {
        Self { outside: true, ..self }
    }

    /// Whether it is told which raid a report is of.
    pub fn knows_raid(&self) -> bool {
        !self.outside
    }

    /// Whether it is shown all there is of what it is shown.
    pub fn sees_everything(&self) -> bool {
        self.veil.is_none()
    }

    fn mark(&self) -> Option<&str> {
        self.veil.as_ref().map(|veil| veil.mark())
    }
}

impl PartialEq for Audience {
    fn eq(&self, other: &Self) -> bool {
        (self.mark(), self.behind, self.outside) == (other.mark(), other.behind, other.outside)
    }
}

impl Eq for Audience {}

impl Hash for Audience {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.mark(), self.behind, self.outside).hash(state);
    }
}

/// A fold as an audience may see it.
///
/// ```
/// use raidcast_shared::{fold::EncounterState, view};
///
/// fn show(audience: &view::Audience, state: &EncounterState) {
///     view::fight(view::Shown::to(audience, state), None);
/// }
/// ```
///
/// Without an audience nothing is shown:
///
/// ```compile_fail
/// use raidcast_shared::{fold::EncounterState, view};
///
/// fn show(state: &EncounterState) {
///     view::fight(state, None);
/// }
/// ```
///
/// Nor can one be made up:
///
/// ```compile_fail
/// use raidcast_shared::view::{Audience, Shown};
///
/// fn anybody() -> Audience {
///     Audience { veil: None, behind: false, outside: false }
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    state: &'a EncounterState,
    audience: &'a Audience,
    /// Whether nobody in it is hidden from the audience: it is as if there were no veil.
    whole: bool,
}

impl<'a> Shown<'a> {
    /// What an audience may see of a fold.
    ///
    /// Cost: none but where the audience has a veil of some: a look at each actor.
    pub fn to(audience: &'a Audience, state: &'a EncounterState) -> Self {
        let whole = match audience.veil.as_deref() {
            None => true,
            // Whoever may turn out to be one of them is hidden as they are.
            Some(veil) if veil.is_of_some() => !state.actors().iter().any(|actor| veil.hides(actor.id)),
            Some(_) => false,
        };
        Self { state, audience, whole }
    }

    /// What is added up.
    pub(super) fn state(self) -> &'a EncounterState {
        self.state
    }

    /// The veil, where it hides a player.
    fn hidden(self, actor: ActorIx) -> Option<&'a dyn Veil> {
        let veil = self.audience.veil.as_deref().filter(|_| !self.whole)?;
        let may_be_hidden = self.state.is_player(actor) || veil.is_of_some();
        (may_be_hidden && veil.hides(self.state.actor(actor).id)).then_some(veil)
    }

    /// Whether nothing of it is held back.
    pub(super) fn sees_everything(self) -> bool {
        self.whole
    }

    /// Whether who an actor is may be known.
    pub(super) fn is_known(self, actor: ActorIx) -> bool {
        // Of whom it is not told yet what he is may turn out to be a player.
        let is_told = self.state.is_player(actor) || self.state.actor(actor).kind() == ActorKind::Monster;
        self.hidden(actor).is_none() && (is_told || self.audience.knows_players())
    }

    /// What an actor is called.
    pub(super) fn name(self, actor: ActorIx) -> Option<String> {
        let held = self.state.actor(actor);
        let Some(veil) = self.hidden(actor) else {
            return held.name.get().filter(|_| self.is_known(actor)).cloned();
        };
        let class = class_of(self.state, actor).and_then(game::class_of).map_or("Player", |class| class.name);
        Some(veil.number(held.id).map_or_else(|| class.to_owned(), |number| format!("{class} {number}")))
    }

    /// What tells one actor from another.
    pub(super) fn key(self, actor: ActorIx) -> String {
        let id = self.state.actor(actor).id;
        self.hidden(actor).map_or(id, |veil| veil.key(id)).to_hex()
    }

    /// Whose meter it is, where that may be known: not where anybody is hidden, for it would be told of all but of him.
    pub(super) fn is_local(self, actor: ActorIx) -> bool {
        self.whole && self.state.is_local(actor)
    }

    /// The game's score of a player, which few have alike.
    pub(super) fn ability_score(self, actor: ActorIx) -> Option<u32> {
        self.state.actor(actor).ability_score.get().copied().filter(|_| self.is_known(actor))
    }

    /// A player's level.
    pub(super) fn level(self, actor: ActorIx) -> Option<u32> {
        self.state.actor(actor).level.get().copied().filter(|_| self.is_known(actor))
    }

    /// Whether the source can tell a player's critical and lucky hits. Of which player alone it can also tells whose it is.
    pub(super) fn crits_known(self, actor: ActorIx) -> bool {
        match self.state.header().knows.crits {
            CritsKnown::All => true,
            CritsKnown::Local => self.is_local(actor),
            CritsKnown::None => false,
        }
    }
}
