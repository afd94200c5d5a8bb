//! What each language says beside what goes wrong: how things stand, labels of the tray, notices, sizes.

use std::path::Path;

use raidcast::history::{Before, Tally};
use raidcast::keys::Kept;
use raidcast::source::Generation;
use raidcast::uploader::seen_by::SeenBy;
use raidcast_shared::uplink::{NamesPolicy, Outcome, Visibility};

use super::faults::Faults;
use crate::channel::Rule;
use crate::said::Said;
use crate::standing::Standing;
use crate::tray_item::ItemId;
use crate::view::AppState;
use crate::wrong::Wrong;

/// What a language says.
pub trait Words: Faults + Send + Sync {
    /// How the whole stands, in some words without a full stop.
    fn headline(&self, state: AppState) -> &'static str;

    /// How the whole stands, and what to do.
    fn standing(&self, standing: &Standing<'_>) -> Said;

    /// What of all fights has arrived: `parts` of them have not.
    fn arrived(&self, parts: u64, connected: bool) -> String;

    /// That the relay shows the raid otherwise than was asked for, for somebody has set it so there.
    fn shown_otherwise(&self, is_private: bool) -> Said;

    /// That others see these names of the raid, so many seconds late, for somebody has set that on the relay.
    fn set_there(&self, names: NamesPolicy, delay_s: u32) -> Said;

    /// That the raid was asked to be private, or not to be, and that the relay has not said yet that it is so.
    fn pending(&self, private: bool) -> Said;

    /// What a fight is called of which neither boss nor scene is known by name.
    fn nameless(&self) -> &'static str;

    /// What a meter of this kind can tell.
    fn generation(&self, generation: Generation) -> &'static str;

    /// An entry of the tray's menu.
    fn item(&self, item: ItemId) -> &'static str;

    /// That a raid is live: a title and a body. `link`: of a raid that others may see, too.
    fn began(&self, fight: &str, link: Option<&str>) -> (String, String);

    /// That a fight has ended: a title and a body.
    fn ended(&self, fight: &str, outcome: Outcome) -> (String, String);

    /// So many hits.
    fn hits(&self, hits: u64) -> String;

    /// So many bytes.
    fn bytes(&self, bytes: u64) -> String;

    /// Who may see a fight.
    fn seen_by(&self, seen_by: SeenBy) -> String;

    /// What an upload would send: so many fights to a relay.
    fn plan_of(&self, fights: usize, before: Before, relay: &str, visibility: Visibility, names: NamesPolicy)
    -> String;

    /// How far an upload has come.
    fn uploading(&self, tally: &Tally, of: u64, connected: bool) -> String;

    /// How an upload has ended; `waiting`: so many are not on the relay, and can be.
    fn uploaded(&self, tally: &Tally, waiting: u64) -> Said;

    /// Where a key was put; `file`: where keys are that no system's store takes.
    fn kept(&self, kept: &Kept, file: &Path) -> String;

    /// That a version is offered: a title and a body.
    fn offered(&self, version: &str) -> (String, String);

    /// What becomes of an update.
    fn rule(&self, rule: &Rule) -> Said;

    /// Why something was not done.
    fn wrong(&self, wrong: &Wrong) -> Said;
}
