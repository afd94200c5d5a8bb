//! A fight's head, as Begin carries it, and what is told of it later.

use raidcast_shared::columns::own_columns;
use raidcast_shared::event::{Knows, RareBody};
use raidcast_shared::id::{ActorId, SkillId};
use raidcast_shared::limits::NAME_CHARS_MAX;
use raidcast_shared::text::clean;
use raidcast_shared::uplink::Header;

use crate::source::Fight;

/// What is known of a fight before its first event, as Begin carries it.
pub fn header_of(fight: &Fight, knows: Knows) -> Header {
    let text =
        |text: &Option<String>| text.as_ref().map(|text| clean(text, NAME_CHARS_MAX)).filter(|text| !text.is_empty());
    Header {
        started_at_ms: fight.started_at_ms,
        scene_id: fight.scene_id,
        scene: text(&fight.scene),
        difficulty: fight.difficulty,
        local: fight.local_player.map(ActorId::clear),
        knows,
        cols: own_columns(),
    }
}

/// What the meter tells of a fight now and its header does not say.
pub fn late_header(fight: &Fight, header: &Header) -> Option<RareBody<ActorId, SkillId>> {
    let now = header_of(fight, header.knows.clone());
    let (scene_id, scene) = (now.scene_id, now.scene);
    let local = now.local.filter(|local| header.local != Some(*local));
    let news = (scene_id.is_some() && scene_id != header.scene_id)
        || (scene.is_some() && scene != header.scene)
        || (now.difficulty.is_some() && now.difficulty != header.difficulty)
        || local.is_some();
    news.then_some(RareBody::Header { scene_id, scene, difficulty: now.difficulty, local })
}
