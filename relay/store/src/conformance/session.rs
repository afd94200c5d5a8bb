//! Sessions: known by a secret until they are over, or ended.

use std::sync::Arc;

use futures::future::join_all;

use super::person::{new_person, person};
use super::{Harness, NOW_MS};
use crate::{
    Joining, NewPerson, NewSession, People, Person, PersonId, Role, SESSIONS_MAX, Session, SessionEnds, SessionId,
    Sessions, StoreError, Subject,
};

/// Nothing is over.
const NEVER: SessionEnds = SessionEnds { used_before_ms: 0, created_before_ms: 0 };

fn digest(number: usize) -> [u8; 32] {
    let mut digest = [7; 32];
    digest[..8].copy_from_slice(&(number as u64).to_be_bytes());
    digest
}

/// A session that begins `number` ms after [`NOW_MS`].
fn new_session(person: &Person, number: usize) -> NewSession {
    NewSession {
        digest: digest(number),
        person: person.id,
        agent: format!("\"browser\" {number}"),
        now_ms: NOW_MS + number as i64,
    }
}

async fn begin(store: &Arc<impl Sessions>, person: &Person, number: usize) -> SessionId {
    store.begin_session(&new_session(person, number)).await.expect("a session")
}

async fn session(store: &Arc<impl Sessions>, number: usize, ends: SessionEnds) -> Option<Session> {
    store.session(&digest(number), ends).await.expect("an answer")
}

async fn ids(store: &Arc<impl Sessions>, person: &Person, ends: SessionEnds) -> Vec<SessionId> {
    let sessions = store.sessions(person.id, ends).await.expect("an answer");
    sessions.into_iter().map(|session| session.id).collect()
}

/// Whether it was not used for too long, or is too old.
pub async fn a_session_is_known_until_it_is_over(harness: &impl Harness<Store: People + Sessions>) {
    let store = harness.open().await;
    let (ana, bo) = (person(&store, "Ana").await, person(&store, "Bo").await);
    let nobody = NewSession { person: PersonId(9_999), ..new_session(&ana, 9) };
    let none = store.begin_session(&nobody).await;
    assert!(matches!(none, Err(StoreError::Damaged(_))), "{none:?}");
    let first = begin(&store, &ana, 1).await;
    let second = begin(&store, &ana, 2).await;
    let others = begin(&store, &bo, 3).await;
    let mut expected = Session {
        id: first,
        person: ana.id,
        role: Role::Member,
        agent: new_session(&ana, 1).agent,
        created_at_ms: NOW_MS + 1,
        used_at_ms: NOW_MS + 1,
    };
    assert_eq!(session(&store, 1, NEVER).await.as_ref(), Some(&expected));
    assert_eq!(session(&store, 9, NEVER).await, None);
    assert_eq!(ids(&store, &ana, NEVER).await, [second, first]);
    assert_eq!(ids(&store, &bo, NEVER).await, [others]);

    store.use_session(first, NOW_MS + 100).await.expect("it is noted");
    // Of two that are noted the later one counts; of one that is not there it is no error.
    store.use_session(first, NOW_MS + 50).await.expect("it is noted");
    store.use_session(SessionId(9_999), NOW_MS).await.expect("an answer");
    expected.used_at_ms = NOW_MS + 100;
    assert_eq!(store.sessions(ana.id, NEVER).await.expect("an answer")[0], expected);
    assert_eq!(ids(&store, &ana, NEVER).await, [first, second]);

    let idle = |used_before_ms| SessionEnds { used_before_ms, ..NEVER };
    let old = |created_before_ms| SessionEnds { created_before_ms, ..NEVER };
    assert_eq!(session(&store, 1, idle(NOW_MS + 100)).await, Some(expected));
    assert_eq!(session(&store, 1, idle(NOW_MS + 101)).await, None);
    assert_eq!(ids(&store, &ana, idle(NOW_MS + 3)).await, [first]);
    assert!(session(&store, 1, old(NOW_MS + 1)).await.is_some());
    assert_eq!(session(&store, 1, old(NOW_MS + 2)).await, None);
    assert_eq!(ids(&store, &ana, old(NOW_MS + 2)).await, [second]);

    store.drop_sessions(old(NOW_MS + 2)).await.expect("they are removed");
    assert_eq!(ids(&store, &ana, NEVER).await, [second]);
    store.drop_sessions(idle(NOW_MS + 3)).await.expect("they are removed");
    assert_eq!((ids(&store, &ana, NEVER).await, ids(&store, &bo, NEVER).await), (vec![], vec![others]));
}

/// Of their person alone; none gets the number of another that is gone.
pub async fn sessions_are_ended_by_their_person(harness: &impl Harness<Store: People + Sessions>) {
    let store = harness.open().await;
    let (ana, bo) = (person(&store, "Ana").await, person(&store, "Bo").await);
    let others = begin(&store, &bo, 0).await;
    let mut sessions = Vec::new();
    for number in 1..=4 {
        sessions.push(begin(&store, &ana, number).await);
    }
    assert!(!store.end_session(bo.id, sessions[0]).await.expect("an answer"));
    assert!(session(&store, 1, NEVER).await.is_some());
    assert!(store.end_session(ana.id, sessions[0]).await.expect("an answer"));
    assert!(!store.end_session(ana.id, sessions[0]).await.expect("an answer"));
    assert_eq!(session(&store, 1, NEVER).await, None);
    store.end_other_sessions(ana.id, sessions[2]).await.expect("they end");
    assert_eq!(ids(&store, &ana, NEVER).await, [sessions[2]]);
    assert!(store.end_session(ana.id, sessions[2]).await.expect("an answer"));
    assert_eq!((ids(&store, &ana, NEVER).await, ids(&store, &bo, NEVER).await), (vec![], vec![others]));
    let last = begin(&store, &ana, 5).await;
    assert!(last > sessions[3], "{last:?} {sessions:?}");
}

/// With one more, the one that was used least lately ends; also where many begin at once.
pub async fn of_a_person_so_many_sessions_are_kept(harness: &impl Harness<Store: People + Sessions>) {
    let store = harness.open().await;
    let (ana, bo) = (person(&store, "Ana").await, person(&store, "Bo").await);
    begin(&store, &bo, 0).await;
    let first = begin(&store, &ana, 1).await;
    for number in 2..=SESSIONS_MAX {
        begin(&store, &ana, number).await;
    }
    store.use_session(first, NOW_MS + 1_000).await.expect("it is noted");
    assert_eq!(ids(&store, &ana, NEVER).await.len(), SESSIONS_MAX);
    // Its clock may be behind that of all others.
    let behind = NewSession { now_ms: NOW_MS - 1_000, ..new_session(&ana, 100) };
    let behind = store.begin_session(&behind).await.expect("a session");
    let held = ids(&store, &ana, NEVER).await;
    assert_eq!((held.len(), held.first(), held.last()), (SESSIONS_MAX, Some(&first), Some(&behind)));
    assert_eq!(session(&store, 2, NEVER).await, None);
    let calls = (101..=108).map(|number| {
        let (store, ana) = (Arc::clone(&store), ana.clone());
        tokio::spawn(async move { begin(&store, &ana, number).await })
    });
    let new: Vec<_> = join_all(calls).await.into_iter().map(|ended| ended.expect("a task that ends")).collect();
    let held = ids(&store, &ana, NEVER).await;
    assert_eq!((held.len(), held[0]), (SESSIONS_MAX, first));
    assert!(new.iter().all(|new| held.contains(new)) && !held.contains(&behind), "{held:?}");
    assert_eq!(ids(&store, &bo, NEVER).await.len(), 1);
}

/// All but the one in which it was changed; who has no password gets none by it.
pub async fn a_new_secret_ends_sessions(harness: &impl Harness<Store: People + Sessions>) {
    let store = harness.open().await;
    let (ana, bo) = (person(&store, "Ana").await, person(&store, "Bo").await);
    let subject = Subject { provider: "discord".into(), subject: "7".into() };
    let cy = NewPerson { subject: subject.clone(), secret: None, ..new_person("Cy") };
    let Joining::Joined(cy) = store.join(&cy).await.expect("an answer") else { panic!("Cy") };
    let (others, theirs) = (begin(&store, &bo, 0).await, begin(&store, &cy, 1).await);
    let mut sessions = Vec::new();
    for number in 2..=4 {
        sessions.push(begin(&store, &ana, number).await);
    }
    assert!(store.change_secret(ana.id, "a second", Some(&digest(3))).await.expect("an answer"));
    assert_eq!(ids(&store, &ana, NEVER).await, [sessions[1]]);
    let signs_in = store.sign_in(&new_person("Ana").subject).await.expect("an answer").expect("she signs in");
    assert_eq!((signs_in.person, signs_in.secret.as_deref()), (ana.id, Some("a second")));
    assert!(store.change_secret(ana.id, "a third", None).await.expect("an answer"));
    assert_eq!(ids(&store, &ana, NEVER).await, []);
    assert!(!store.change_secret(cy.id, "a first", None).await.expect("an answer"));
    assert!(!store.change_secret(PersonId(9_999), "a first", None).await.expect("an answer"));
    let signs_in = store.sign_in(&subject).await.expect("an answer").expect("he signs in");
    assert_eq!(signs_in.secret, None);
    assert_eq!((ids(&store, &bo, NEVER).await, ids(&store, &cy, NEVER).await), (vec![others], vec![theirs]));
    let signs_in = store.sign_in(&new_person("Bo").subject).await.expect("an answer").expect("he signs in");
    assert_eq!(signs_in.secret, new_person("Bo").secret);
}

/// Without a word before.
pub async fn sessions_survive_a_crash(harness: &impl Harness<Store: People + Sessions>) {
    let store = harness.open().await;
    let ana = person(&store, "Ana").await;
    let (first, second) = (begin(&store, &ana, 1).await, begin(&store, &ana, 2).await);
    store.use_session(first, NOW_MS + 9).await.expect("it is noted");
    assert!(store.end_session(ana.id, second).await.expect("an answer"));
    let held = session(&store, 1, NEVER).await;
    drop(store);
    let store = harness.open().await;
    assert_eq!(session(&store, 1, NEVER).await, held);
    assert_eq!(held.map(|session| (session.id, session.used_at_ms)), Some((first, NOW_MS + 9)));
    assert_eq!(session(&store, 2, NEVER).await, None);
    assert!(begin(&store, &ana, 3).await > second);
}
