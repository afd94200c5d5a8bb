//! The one door out: nothing is shown of a fight but to an audience.
//!
//! One invariant: every figure, name and key that leaves the relay comes from a [`Shown`], and a [`Shown`] is made with
//! an [`Audience`] alone. So whoever shows something has said to whom, and what that audience may see is decided here.

use crate::event::ActorIx;
use crate::fold::EncounterState;

/// Who is shown something: those for whom the same is shown of a raid.
///
/// There is one so far: all who may see a raid see all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Audience(());

impl Audience {
    /// Those who may see a raid of which nothing is held back. Only who has found that somebody may see it says this.
    pub const fn of_everything() -> Self {
        Self(())
    }
}

/// A fold as an audience may see it.
///
/// ```
/// use raidcast_shared::{fold::EncounterState, view};
///
/// fn show(audience: view::Audience, state: &EncounterState) {
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
///     Audience(())
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    state: &'a EncounterState,
    _audience: Audience,
}

impl<'a> Shown<'a> {
    /// What an audience may see of a fold.
    pub fn to(audience: Audience, state: &'a EncounterState) -> Self {
        Self { state, _audience: audience }
    }

    /// What is added up.
    pub(super) fn state(self) -> &'a EncounterState {
        self.state
    }

    /// What an actor is called.
    pub(super) fn name(self, actor: ActorIx) -> Option<&'a String> {
        self.state.actor(actor).name.get()
    }

    /// What tells one player from another.
    pub(super) fn key(self, actor: ActorIx) -> String {
        self.state.actor(actor).id.to_hex()
    }
}
