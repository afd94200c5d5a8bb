//! Behind a veil nothing tells who a player is, nor whose meter it was.

use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use raidcast_shared::event::Event;
use raidcast_shared::fold::{EncounterState, Span};
use raidcast_shared::id::ActorId;
use raidcast_shared::uplink::{Header, Outcome, ReportState};
use raidcast_shared::view::{self, Audience, LiveFacts, LiveView, Shown, Veil};

use crate::fights::{actors, events, fold_as, header};

/// Turns keys around, and numbers nobody.
#[derive(Debug)]
struct Turned;

impl Veil for Turned {
    fn hides(&self, _: ActorId) -> bool {
        true
    }

    fn key(&self, player: ActorId) -> ActorId {
        ActorId(player.0.map(|byte| !byte))
    }

    fn number(&self, _: ActorId) -> Option<u32> {
        None
    }

    fn mark(&self) -> &'static str {
        "turned"
    }
}

#[expect(clippy::disallowed_methods, reason = "who may see it is no question here")]
fn veiled() -> Audience {
    Audience::behind(Arc::new(Turned))
}

/// All that is shown of a fight, as text.
fn told(state: &EncounterState, deltas: &[Vec<Event>], audience: &Audience) -> String {
    let shown = Shown::to(audience, state);
    let facts =
        LiveFacts { state: ReportState::Live, outcome: Outcome::Unknown, ended: false, revision: 1, idle: false };
    let mut live = LiveView::of_all(state);
    live.step(shown, facts);
    let keyframe = live.keyframe(shown, "r".into());
    let keys: Vec<_> = live.player_keys().map(str::to_owned).collect();
    let skills = view::skills_of(shown, &keys.iter().map(String::as_str).collect::<Vec<_>>());
    let hits = || {
        deltas.iter().flatten().filter_map(|event| match event {
            Event::Hit(hit) => Some(hit),
            Event::Rare(_) => None,
        })
    };
    let by_skill: BTreeSet<_> =
        view::timelines(shown, hits()).by_skill.into_iter().map(|timeline| format!("{timeline:?}")).collect();
    let timeline = view::timeline(shown, "r".into(), 1);
    let fight = view::fight(shown, None);
    let details = view::details(shown, "r".into(), 1);
    let recaps = view::recaps(shown, hits(), Span::ALL, "r".into(), 1);
    format!("{keyframe:?}\n{skills:?}\n{by_skill:?}\n{timeline:?}\n{fight:?}\n{details:?}\n{recaps:?}")
}

proptest! {
    #[test]
    fn whose_meter_it_was_changes_nothing_that_is_shown(deltas in vec(events(), 1..4)) {
        let audience = veiled();
        // Players: all that the dictionary calls so.
        let told: BTreeSet<_> = [100, 103, 106]
            .map(|local| {
                let state = fold_as(Header { local: Some(ActorId::clear(local)), ..header() }, &deltas);
                told(&state, &deltas, &audience)
            })
            .into();
        prop_assert_eq!(told.len(), 1, "{:#?}", told);
    }

    #[test]
    fn no_players_key_is_shown(deltas in vec(events(), 1..4)) {
        let told = told(&fold_as(header(), &deltas), &deltas, &veiled());
        for actor in actors() {
            prop_assert!(!told.contains(&actor.id.to_hex()), "{}", told);
        }
    }
}
