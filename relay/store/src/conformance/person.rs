//! People: one name and one way to sign in each, by invitation where one is needed, with accounts that are one's own.

use std::sync::Arc;

use futures::future::join_all;

use super::{Harness, NOW_MS, account};
use crate::{
    Account, AccountId, Accounts, Adding, Invitation, Joining, NewPerson, People, Person, PersonId, Role, SignIn,
    StoreError, Subject,
};

const DAY_MS: i64 = 24 * 3_600_000;

fn password(name: &str) -> Subject {
    Subject { provider: String::new(), subject: name.to_lowercase() }
}

/// Somebody with a password, who needs no invitation.
pub(super) fn new_person(name: &str) -> NewPerson {
    NewPerson {
        name: name.into(),
        name_key: name.to_lowercase(),
        subject: password(name),
        secret: Some(format!("secret of {name}")),
        channel: format!("channel-of-somebody-{name}"),
        invitation: None,
        now_ms: NOW_MS,
    }
}

/// The same, who comes by an invitation.
fn invited(name: &str, by: &Invitation) -> NewPerson {
    NewPerson { invitation: Some(by.digest), ..new_person(name) }
}

fn joined(joining: Joining) -> Person {
    match joining {
        Joining::Joined(person) => person,
        other => panic!("{other:?}"),
    }
}

async fn join(store: &Arc<impl People>, new: &NewPerson) -> Joining {
    store.join(new).await.expect("an answer")
}

/// Somebody who has joined.
pub(super) async fn person(store: &Arc<impl People>, name: &str) -> Person {
    joined(join(store, &new_person(name)).await)
}

/// What became of each of these, all at once.
async fn join_at_once(store: &Arc<impl People + 'static>, all: Vec<NewPerson>) -> Vec<Joining> {
    let calls = all.into_iter().map(|new| {
        let store = Arc::clone(store);
        tokio::spawn(async move { store.join(&new).await })
    });
    join_all(calls).await.into_iter().map(|ended| ended.expect("a task that ends").expect("an answer")).collect()
}

/// An invitation of the relay's own; `number` tells it from others, and the later it is the greater it is.
fn new_invitation(number: u8, left: u32) -> Invitation {
    Invitation {
        digest: [number; 32],
        role: Role::Member,
        note: format!("for \"nr. {number}\""),
        made_by: None,
        created_at_ms: NOW_MS + i64::from(number),
        ends_at_ms: NOW_MS + DAY_MS,
        left,
    }
}

async fn invite(store: &Arc<impl People>, invitation: &Invitation) {
    store.invite(invitation).await.expect("it is kept");
}

async fn invitations(store: &Arc<impl People>, now_ms: i64) -> Vec<Invitation> {
    store.invitations(now_ms).await.expect("an answer")
}

async fn accounts_of(store: &Arc<impl People>, person: &Person) -> Vec<Account> {
    store.accounts_of(person.id).await.expect("an answer")
}

async fn sign_in(store: &Arc<impl People>, subject: &Subject) -> Option<SignIn> {
    store.sign_in(subject).await.expect("an answer")
}

async fn has_channel(store: &Arc<impl Accounts>, channel: &str) -> bool {
    store.account_by_channel(channel).await.expect("an answer").is_some()
}

async fn claim(store: &Arc<impl People>, account: AccountId, person: PersonId) -> bool {
    store.claim(account, person, NOW_MS).await.expect("an answer")
}

async fn unclaimed(store: &Arc<impl People>) -> Vec<String> {
    store.unclaimed().await.expect("an answer").into_iter().map(|account| account.name).collect()
}

/// And is found by row and by how he signs in, with an account of his own.
pub async fn a_person_joins_with_an_account_of_his_own(harness: &impl Harness<Store: Accounts + People>) {
    let store = harness.open().await;
    assert!(!store.has_role(Role::Member).await.expect("an answer"));
    let new = NewPerson { name: "Ána \"the\" 2nd".into(), ..new_person("Ana") };
    let ana = joined(join(&store, &new).await);
    let expected = Person { id: ana.id, name: new.name, role: Role::Member, created_at_ms: NOW_MS };
    assert_eq!(ana, expected);
    let subject = Subject { provider: "discord".into(), subject: "7".into() };
    let bo = NewPerson { subject, secret: None, ..new_person("Bo") };
    let theirs = joined(join(&store, &bo).await);
    assert_ne!(ana.id, theirs.id);
    for who in [&ana, &theirs] {
        assert_eq!(store.person(who.id).await.expect("an answer").as_ref(), Some(who));
    }
    assert_eq!(store.person(PersonId(9_999)).await.expect("an answer"), None);
    let signs_in = SignIn { person: ana.id, secret: new.secret };
    assert_eq!(sign_in(&store, &new.subject).await, Some(signs_in));
    assert_eq!(sign_in(&store, &bo.subject).await, Some(SignIn { person: theirs.id, secret: None }));
    for odd in ["", "7", "a\0", "%", "A"] {
        assert_eq!(sign_in(&store, &password(odd)).await, None, "{odd:?}");
    }
    assert_eq!(store.subjects(theirs.id).await.expect("an answer"), [bo.subject]);
    assert_eq!(store.subjects(PersonId(9_999)).await.expect("an answer"), []);
    let own = accounts_of(&store, &ana).await;
    assert_eq!(own.len(), 1);
    assert_eq!((&own[0].name, &own[0].channel), (&format!("@{}", ana.id.0), &new.channel));
    assert_eq!(store.account_by_channel(&new.channel).await.expect("an answer").as_ref(), Some(&own[0]));
    assert_eq!(unclaimed(&store).await, [""; 0]);
    let roles = [Role::Member, Role::Administrator].map(|role| store.has_role(role));
    let roles: Vec<_> = join_all(roles).await.into_iter().map(|has| has.expect("an answer")).collect();
    assert_eq!(roles, [true, false]);
}

/// Of many who ask for one name, or for one way to sign in, one gets it, and of the others nothing is kept.
pub async fn a_name_and_a_way_to_sign_in_are_one_persons(harness: &impl Harness<Store: Accounts + People>) {
    let store = harness.open().await;
    for by_name in [true, false] {
        let number = u8::from(by_name);
        let invitation = new_invitation(number, 8);
        invite(&store, &invitation).await;
        let all: Vec<_> = (0..8)
            .map(|at| {
                let new = invited(&format!("nr-{number}-{at}"), &invitation);
                match by_name {
                    true => NewPerson { name_key: "one".into(), ..new },
                    false => NewPerson { subject: password("one"), ..new },
                }
            })
            .collect();
        let became = join_at_once(&store, all.clone()).await;
        let has_joined: Vec<_> = became.iter().map(|joining| matches!(joining, Joining::Joined(_))).collect();
        assert_eq!(has_joined.iter().filter(|has_joined| **has_joined).count(), 1, "{became:?}");
        for (new, joining) in all.iter().zip(&became) {
            let Joining::Joined(person) = joining else {
                assert_eq!(*joining, Joining::Taken);
                assert!(!has_channel(&store, &new.channel).await);
                let is_found = sign_in(&store, &new.subject).await.is_some();
                assert_eq!(is_found, !by_name, "that of who has joined");
                continue;
            };
            assert_eq!(accounts_of(&store, person).await[0].channel, new.channel);
            let subjects = store.subjects(person.id).await.expect("an answer");
            assert_eq!(subjects, std::slice::from_ref(&new.subject));
        }
        let used = Invitation { left: 7, ..invitation };
        assert_eq!(invitations(&store, NOW_MS).await[0], used, "it was used once");
        assert_eq!(unclaimed(&store).await, [""; 0]);
        store.uninvite(&used.digest, PersonId(1), NOW_MS).await.expect("an answer");
    }
    // Another's channel is nobody else's, either.
    let invitation = new_invitation(3, 1);
    invite(&store, &invitation).await;
    let cy = invited("Cy", &invitation);
    let ana = account(&store, "ana").await;
    let taken = store.join(&NewPerson { channel: ana.channel.clone(), ..cy.clone() }).await;
    assert!(matches!(taken, Err(StoreError::Damaged(_))), "{taken:?}");
    assert_eq!(invitations(&store, NOW_MS).await, [invitation]);
    assert_eq!(sign_in(&store, &cy.subject).await, None);
    joined(join(&store, &cy).await);
}

/// One is one person's, however many add it at once; somebody always has one left.
pub async fn ways_to_sign_in_are_added_and_removed_but_for_the_last(harness: &impl Harness<Store: People>) {
    let store = harness.open().await;
    let (ana, bo) = (person(&store, "Ana").await, person(&store, "Bo").await);
    let at = |provider: &str, subject: &str| Subject { provider: provider.into(), subject: subject.into() };
    let (one, other) = (at("discord", "7"), at("guild-sso", "a \"b\"\u{e9}"));
    let calls = [ana.id, bo.id].repeat(4).into_iter().map(|person| {
        let (store, one) = (Arc::clone(&store), one.clone());
        tokio::spawn(async move { (person, store.add_sign_in(person, &one).await.expect("an answer")) })
    });
    let became: Vec<_> = join_all(calls).await.into_iter().map(|ended| ended.expect("a task that ends")).collect();
    let added: Vec<_> = became.iter().filter(|(_, adding)| *adding == Adding::Added).map(|(who, _)| *who).collect();
    assert_eq!(added.len(), 1, "{became:?}");
    let (his, others) = if added[0] == ana.id { (&ana, &bo) } else { (&bo, &ana) };
    for (who, adding) in became {
        assert!(adding != Adding::Taken || who == others.id, "{who:?}");
        assert!(adding != Adding::Held || who == his.id, "{who:?}");
    }
    assert_eq!(sign_in(&store, &one).await, Some(SignIn { person: his.id, secret: None }));
    assert_eq!(store.add_sign_in(PersonId(9_999), &other).await.expect("an answer"), Adding::Taken);
    assert_eq!(sign_in(&store, &other).await, None);
    assert_eq!(store.add_sign_in(his.id, &other).await.expect("an answer"), Adding::Added);
    let own = password(&his.name);
    let secret = sign_in(&store, &own).await;
    assert_eq!(store.subjects(his.id).await.expect("an answer"), [own.clone(), one.clone(), other.clone()]);
    let remove = async |who: PersonId, provider: &str| store.remove_sign_ins(who, provider).await.expect("an answer");
    assert!(!remove(others.id, "discord").await, "it is not his");
    assert!(!remove(others.id, "").await, "it is his last");
    assert!(!remove(his.id, "disc").await, "there is none");
    assert!(remove(his.id, "discord").await);
    assert!(!remove(his.id, "discord").await, "it is gone");
    assert_eq!(sign_in(&store, &one).await, None);
    assert_eq!((sign_in(&store, &own).await, sign_in(&store, &other).await.is_some()), (secret, true));
    // Of two that go at once one stays.
    let went = join_all(["", "guild-sso"].map(|provider| {
        let (store, who) = (Arc::clone(&store), his.id);
        tokio::spawn(async move { store.remove_sign_ins(who, provider).await.expect("an answer") })
    }));
    let went: Vec<_> = went.await.into_iter().map(|ended| ended.expect("a task that ends")).collect();
    assert_eq!(went.iter().filter(|went| **went).count(), 1, "{went:?}");
    assert_eq!(store.subjects(his.id).await.expect("an answer").len(), 1);
    // Who signs in otherwise now: another may come by it.
    assert_eq!(store.add_sign_in(others.id, &one).await.expect("an answer"), Adding::Added);
}

/// So many times, until it is over or removed; who comes by it has its role.
pub async fn an_invitation_is_good_for_so_many_and_so_long(harness: &impl Harness<Store: People>) {
    let store = harness.open().await;
    let unknown = new_invitation(1, 1);
    assert_eq!(join(&store, &invited("Ana", &unknown)).await, Joining::NotInvited);
    let first = Invitation { role: Role::Administrator, ..new_invitation(2, 1) };
    invite(&store, &first).await;
    let ana = joined(join(&store, &invited("Ana", &first)).await);
    assert_eq!(ana.role, Role::Administrator);
    assert_eq!(store.person(ana.id).await.expect("an answer").as_ref(), Some(&ana));
    assert!(store.has_role(Role::Administrator).await.expect("an answer"));
    assert_eq!(join(&store, &invited("Bo", &first)).await, Joining::NotInvited, "it is used up");
    // Who is not invited does not learn which names there are.
    assert_eq!(join(&store, &invited("Ana", &first)).await, Joining::NotInvited);
    assert!(invitations(&store, NOW_MS).await.is_empty());

    let mut second = Invitation { made_by: Some(ana.id), ..new_invitation(3, 2) };
    invite(&store, &second).await;
    let late = NewPerson { now_ms: second.ends_at_ms, ..invited("Bo", &second) };
    assert_eq!(join(&store, &late).await, Joining::NotInvited, "it is over");
    assert_eq!(join(&store, &invited("Ana", &second)).await, Joining::Taken);
    let last = NewPerson { now_ms: second.ends_at_ms - 1, ..invited("Bo", &second) };
    assert_eq!(joined(join(&store, &last).await).role, Role::Member);
    second.left = 1;
    assert_eq!(invitations(&store, NOW_MS).await, [second.clone()]);
    assert!(store.uninvite(&second.digest, PersonId(1), NOW_MS).await.expect("an answer"));
    assert!(!store.uninvite(&second.digest, PersonId(1), NOW_MS).await.expect("an answer"));
    assert_eq!(join(&store, &invited("Cy", &second)).await, Joining::NotInvited, "it is removed");
}

/// An invitation for so many is not for one more, however many come at once.
pub async fn one_use_of_an_invitation_is_one_persons(harness: &impl Harness<Store: Accounts + People>) {
    let store = harness.open().await;
    for left in [1, 3] {
        let invitation = new_invitation(left, left.into());
        invite(&store, &invitation).await;
        let all: Vec<_> = (0..8).map(|at| invited(&format!("nr-{left}-{at}"), &invitation)).collect();
        let became = join_at_once(&store, all.clone()).await;
        let mut joined = 0;
        for (new, joining) in all.iter().zip(&became) {
            let is_there = matches!(joining, Joining::Joined(_));
            assert!(is_there || *joining == Joining::NotInvited, "{joining:?}");
            assert_eq!(has_channel(&store, &new.channel).await, is_there);
            assert_eq!(sign_in(&store, &new.subject).await.is_some(), is_there);
            joined += u8::from(is_there);
        }
        assert_eq!(joined, left, "{became:?}");
        assert!(invitations(&store, NOW_MS).await.is_empty());
    }
}

/// The newest first, and as they were made.
pub async fn invitations_are_listed_while_they_are_good(harness: &impl Harness<Store: People>) {
    let store = harness.open().await;
    let ana = person(&store, "Ana").await;
    let theirs = |number, left| Invitation { made_by: Some(ana.id), ..new_invitation(number, left) };
    let over = Invitation { ends_at_ms: NOW_MS, ..theirs(1, 5) };
    let short = Invitation { ends_at_ms: NOW_MS + 1, ..theirs(2, 5) };
    let (relays, used_up, many) = (new_invitation(3, 5), theirs(4, 0), theirs(5, u32::MAX));
    for invitation in [&many, &over, &relays, &used_up, &short] {
        invite(&store, invitation).await;
    }
    assert_eq!(invitations(&store, NOW_MS).await, [many.clone(), relays.clone(), short.clone()]);
    assert_eq!(invitations(&store, NOW_MS + 1).await, [many.clone(), relays]);
    store.drop_invitations(NOW_MS).await.expect("they are removed");
    // Those that are over can be seen from before.
    assert_eq!(invitations(&store, 0).await, [many.clone(), short]);
    assert!(!store.uninvite(&used_up.digest, PersonId(1), NOW_MS).await.expect("an answer"));
    store.drop_invitations(NOW_MS + 1).await.expect("they are removed");
    assert_eq!(invitations(&store, 0).await, [many]);
}

/// By one alone, also where many ask; one's own is one's own already.
pub async fn an_account_of_nobody_is_claimed_once(harness: &impl Harness<Store: Accounts + People>) {
    let store = harness.open().await;
    let late = account(&store, "late").await;
    let early = account(&store, "early").await;
    let (ana, bo) = (person(&store, "Ana").await, person(&store, "Bo").await);
    assert_eq!(unclaimed(&store).await, ["early", "late"]);
    let own = accounts_of(&store, &ana).await.remove(0);
    for (account, person) in
        [(own.id, bo.id), (own.id, ana.id), (AccountId(9_999), ana.id), (early.id, PersonId(9_999))]
    {
        assert!(!claim(&store, account, person).await, "{account:?} {person:?}");
    }
    let calls = [ana.id, bo.id].repeat(4).into_iter().map(|person| {
        let (store, account) = (Arc::clone(&store), early.id);
        tokio::spawn(async move { (claim(&store, account, person).await, person) })
    });
    let claims: Vec<_> = join_all(calls).await.into_iter().map(|ended| ended.expect("a task that ends")).collect();
    let claimed: Vec<_> = claims.into_iter().filter(|(is_his, _)| *is_his).collect();
    assert_eq!(claimed.len(), 1, "{claimed:?}");
    assert_eq!(unclaimed(&store).await, ["late"]);
    let who = if claimed[0].1 == ana.id { &ana } else { &bo };
    let own = accounts_of(&store, who).await.remove(0);
    assert!(claim(&store, late.id, who.id).await);
    assert_eq!(accounts_of(&store, who).await, [own, late.clone(), early.clone()]);
    assert_eq!(unclaimed(&store).await, [""; 0]);
    for other in [&ana, &bo] {
        assert!(!claim(&store, late.id, other.id).await && !claim(&store, early.id, other.id).await);
    }
    assert_eq!(account(&store, "late").await, late, "keys of the configuration go on");
}

/// Without a word before.
pub async fn people_survive_a_crash(harness: &impl Harness<Store: Accounts + People>) {
    let store = harness.open().await;
    let invitation = Invitation { role: Role::Administrator, ..new_invitation(1, 2) };
    invite(&store, &invitation).await;
    let ana = joined(join(&store, &invited("Ana", &invitation)).await);
    let claimed = account(&store, "old").await;
    assert!(claim(&store, claimed.id, ana.id).await);
    let accounts = accounts_of(&store, &ana).await;
    assert!(store.change_secret(ana.id, "another", None).await.expect("an answer"));
    drop(store);
    let store = harness.open().await;
    assert_eq!(store.person(ana.id).await.expect("an answer").as_ref(), Some(&ana));
    assert_eq!(accounts_of(&store, &ana).await, accounts);
    let signs_in = SignIn { person: ana.id, secret: Some("another".into()) };
    assert_eq!(sign_in(&store, &password("Ana")).await, Some(signs_in));
    assert_eq!(invitations(&store, NOW_MS).await, [Invitation { left: 1, ..invitation }]);
    assert_eq!(join(&store, &new_person("Ana")).await, Joining::Taken);
}
