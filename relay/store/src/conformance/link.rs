//! Links: of one raid or channel each, found by a digest until they are removed.

use std::sync::Arc;

use futures::future::join_all;
use raidcast_shared::uplink::Visibility;

use super::{Fights, Harness, NOW_MS, account, raid};
use crate::{
    AccountId, Audited, Audits, Erasing, LINKS_MAX, LinkId, LinkRow, Linked, Links, NewLink, Note, PersonId, RaidRow,
};

const HOUR_MS: i64 = 3_600_000;

/// A link without an end to a raid, or to its account's channel; `number` tells it from others.
fn new_link(raid: &RaidRow, to_channel: bool, number: u8) -> NewLink {
    NewLink {
        account: raid.account,
        raid_code: (!to_channel).then(|| raid.code.clone()),
        digest: [number; 32],
        name: format!("\"overlay\" {number}"),
        ends_at_ms: None,
        note: Note {
            by: Some(PersonId(7)),
            key: None,
            what: Audited::LinkMade,
            about: Some(raid.account.0),
            at_ms: NOW_MS,
        },
        now_ms: NOW_MS,
    }
}

async fn add(store: &Arc<impl Links>, link: &NewLink) -> LinkRow {
    match store.add_link(link).await.expect("an answer") {
        Linked::Kept(row) => row,
        refused => panic!("no link: {refused:?}"),
    }
}

async fn links(store: &Arc<impl Links>, of: &NewLink, now_ms: i64) -> Vec<LinkRow> {
    store.links(of.account, of.raid_code.as_deref(), now_ms).await.expect("an answer")
}

async fn revoke(store: &Arc<impl Links>, of: &NewLink, link: LinkId) -> Option<LinkRow> {
    let note = Note { by: None, key: None, what: Audited::LinkRevoked, about: Some(of.account.0), at_ms: NOW_MS };
    store.revoke_link(of.account, of.raid_code.as_deref(), link, note).await.expect("an answer")
}

/// Two raids of one account, and one of another.
async fn raids(store: &Arc<impl Fights>) -> [RaidRow; 3] {
    let (ana, bo) = (account(store, "ana").await, account(store, "bo").await);
    let private = Visibility::Private;
    [raid(store, &ana, 1, private).await, raid(store, &ana, 2, private).await, raid(store, &bo, 3, private).await]
}

/// As it was made. One that is over is found, and says so.
pub async fn a_link_is_found_by_its_digest_and_listed_until_it_is_over(
    harness: &impl Harness<Store: Fights + Links + Audits>,
) {
    let store = harness.open().await;
    let [one, two, others] = raids(&store).await;
    let nobodys = NewLink { account: AccountId(9_999), ..new_link(&one, true, 9) };
    let foreign = NewLink { account: others.account, ..new_link(&one, false, 9) };
    for refused in [nobodys, foreign] {
        assert_eq!(store.add_link(&refused).await.expect("an answer"), Linked::NotThere);
    }
    let short = NewLink { ends_at_ms: Some(NOW_MS + HOUR_MS), ..new_link(&one, false, 1) };
    let (long, other, channel) = (new_link(&one, false, 2), new_link(&two, false, 3), new_link(&one, true, 4));
    let held = [add(&store, &short).await, add(&store, &long).await];
    let (of_two, of_channel) = (add(&store, &other).await, add(&store, &channel).await);
    let expected = LinkRow {
        id: held[0].id,
        account: one.account,
        raid_code: Some(one.code.clone()),
        digest: [1; 32],
        name: short.name.clone(),
        created_at_ms: NOW_MS,
        ends_at_ms: Some(NOW_MS + HOUR_MS),
        used_at_ms: None,
    };
    assert_eq!(held[0], expected);
    assert_eq!(links(&store, &short, NOW_MS + HOUR_MS - 1).await, held);
    assert_eq!(links(&store, &short, NOW_MS + HOUR_MS).await, held[1..]);
    assert_eq!(links(&store, &other, NOW_MS).await, std::slice::from_ref(&of_two));
    assert_eq!(links(&store, &channel, NOW_MS).await, std::slice::from_ref(&of_channel));
    assert_eq!(links(&store, &new_link(&others, true, 0), NOW_MS).await, []);
    assert_eq!(links(&store, &foreign_to(&one, &others), NOW_MS).await, []);
    for link in [&held[0], &held[1], &of_two, &of_channel] {
        assert_eq!(store.link(&link.digest).await.expect("an answer").as_ref(), Some(link));
    }
    assert_eq!(store.link(&[9; 32]).await.expect("an answer"), None);
    store.drop_links(NOW_MS + HOUR_MS - 1).await.expect("none is removed");
    assert!(store.link(&[1; 32]).await.expect("an answer").is_some_and(|link| link.is_over(NOW_MS + HOUR_MS)));
    store.drop_links(NOW_MS + HOUR_MS).await.expect("one is removed");
    assert_eq!(store.link(&[1; 32]).await.expect("an answer"), None);
    assert_eq!(links(&store, &short, 0).await, held[1..]);
    let notes = store.audit(None, 10).await.expect("notes");
    assert_eq!(notes.len(), 4, "{notes:?}");
    let note =
        Note { by: Some(PersonId(7)), key: None, what: Audited::LinkMade, about: Some(one.account.0), at_ms: NOW_MS };
    assert!(notes.iter().all(|noted| noted.note == note), "{notes:?}");
}

fn foreign_to(raid: &RaidRow, others: &RaidRow) -> NewLink {
    NewLink { account: others.account, ..new_link(raid, false, 0) }
}

/// None gets the number of another that is gone.
pub async fn a_link_is_revoked_where_it_was_made(harness: &impl Harness<Store: Fights + Links + Audits>) {
    let store = harness.open().await;
    let [one, two, others] = raids(&store).await;
    let (to_raid, to_channel) = (new_link(&one, false, 1), new_link(&one, true, 2));
    let (of_raid, of_channel) = (add(&store, &to_raid).await, add(&store, &to_channel).await);
    for elsewhere in [&new_link(&two, false, 0), &to_channel, &foreign_to(&one, &others)] {
        assert_eq!(revoke(&store, elsewhere, of_raid.id).await, None, "{elsewhere:?}");
    }
    assert_eq!(revoke(&store, &to_raid, of_channel.id).await, None);
    assert_eq!(revoke(&store, &to_channel, of_channel.id).await, Some(of_channel.clone()));
    assert_eq!(revoke(&store, &to_channel, of_channel.id).await, None);
    assert_eq!(store.link(&[2; 32]).await.expect("an answer"), None);
    assert_eq!(links(&store, &to_raid, NOW_MS).await, std::slice::from_ref(&of_raid));
    let notes = store.audit(None, 10).await.expect("notes");
    assert_eq!(notes.iter().filter(|noted| noted.note.what == Audited::LinkRevoked).count(), 1, "{notes:?}");
    let again = add(&store, &to_channel).await;
    assert!(again.id > of_channel.id, "{again:?} {of_channel:?}");
}

/// Also where many are made at once. One that is over makes room.
pub async fn a_raid_and_a_channel_have_so_many_links_at_the_most(harness: &impl Harness<Store: Fights + Links>) {
    let store = harness.open().await;
    let [one, two, others] = raids(&store).await;
    for (to_channel, base) in [(false, 0), (true, 100)] {
        let first = NewLink { ends_at_ms: Some(NOW_MS + HOUR_MS), ..new_link(&one, to_channel, base) };
        add(&store, &first).await;
        let new: Vec<_> = (1..=LINKS_MAX as u8 + 3).map(|number| new_link(&one, to_channel, base + number)).collect();
        let made = join_all(new.iter().map(|link| store.add_link(link))).await;
        let made = made.into_iter().filter(|made| matches!(made, Ok(Linked::Kept(_)))).count();
        assert_eq!(made, LINKS_MAX - 1);
        let late = NewLink { now_ms: NOW_MS + HOUR_MS, ..new_link(&one, to_channel, base + 90) };
        let full = store.add_link(&NewLink { now_ms: NOW_MS, ..late.clone() }).await;
        assert_eq!(full.expect("an answer"), Linked::Full);
        add(&store, &late).await;
        assert_eq!(links(&store, &late, NOW_MS + HOUR_MS).await.len(), LINKS_MAX);
    }
    // Others have room of their own.
    add(&store, &new_link(&two, false, 250)).await;
    add(&store, &new_link(&others, true, 251)).await;
}

/// The last time counts, whichever came first.
pub async fn what_links_were_used_is_noted(harness: &impl Harness<Store: Fights + Links>) {
    let store = harness.open().await;
    let [one, ..] = raids(&store).await;
    let (first, second) = (new_link(&one, false, 1), new_link(&one, false, 2));
    let ids = [add(&store, &first).await.id, add(&store, &second).await.id];
    store.use_links(&[(ids[1], NOW_MS + 5), (ids[0], NOW_MS + 9), (LinkId(9_999), 1)]).await.expect("it is noted");
    store.use_links(&[(ids[0], NOW_MS + 3), (ids[1], NOW_MS + 7)]).await.expect("it is noted");
    store.use_links(&[]).await.expect("there is nothing to note");
    let used: Vec<_> = links(&store, &first, NOW_MS).await.into_iter().map(|link| link.used_at_ms).collect();
    assert_eq!(used, [Some(NOW_MS + 9), Some(NOW_MS + 7)]);
}

/// And no others do.
pub async fn links_go_with_their_raid(harness: &impl Harness<Store: Fights + Links + Erasing>) {
    let store = harness.open().await;
    let [one, two, _] = raids(&store).await;
    let (gone, stays, channel) = (new_link(&one, false, 1), new_link(&two, false, 2), new_link(&one, true, 3));
    for link in [&gone, &stays, &channel] {
        add(&store, link).await;
    }
    assert!(store.erase_raid(&one.code).await.expect("it is erased"));
    let digests = [1, 2, 3].map(|number| [number; 32]);
    let found = join_all(digests.iter().map(|digest| store.link(digest))).await;
    let found: Vec<_> = found.into_iter().map(|found| found.expect("an answer").is_some()).collect();
    assert_eq!(found, [false, true, true]);
    assert_eq!(links(&store, &gone, NOW_MS).await, []);
}

/// Made, used and revoked.
pub async fn links_survive_a_crash<S: Fights + Links + 'static>(harness: &impl Harness<Store = S>) {
    let store = harness.open().await;
    let [one, ..] = raids(&store).await;
    let (stays, goes) = (new_link(&one, false, 1), new_link(&one, false, 2));
    let mut held = add(&store, &stays).await;
    let revoked = add(&store, &goes).await;
    store.use_links(&[(held.id, NOW_MS + 1)]).await.expect("it is noted");
    revoke(&store, &goes, revoked.id).await.expect("it was there");
    held.used_at_ms = Some(NOW_MS + 1);
    drop(store);
    let store = harness.open().await;
    assert_eq!(links(&store, &stays, NOW_MS).await, [held]);
}
