//! Who is told how many watch a raid.
//!
//! One invariant: nobody hears of the present who is shown the past, and nobody hears of members where they alone watch.

use raidcast_shared::uplink::Visibility;
use raidcast_shared::view::Audience;
use raidcast_store::RaidRow;

/// Whether those of an audience are told how many watch a raid.
///
/// Who watches a private raid is one of a few, whom a ticket names: that another of them is there is not for him to know. To
/// who is behind a number of now would say that something happens now.
pub(crate) fn hears_how_many_watch(raid: &RaidRow, audience: &Audience) -> bool {
    raid.visibility != Visibility::Private && !audience.is_behind()
}
