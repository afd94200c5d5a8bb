//! Notes of changes.

use super::{Harness, NOW_MS};
use crate::{Audited, Audits, Note, PersonId};

fn note(number: i64) -> Note {
    let by = (number % 2 == 0).then_some(PersonId(number));
    Note { by, what: Audited::KeyMade, about: by.map(|by| by.0 + 1), at_ms: NOW_MS + number }
}

/// The newest first, page by page, until they are too old; numbers of rows are never given again.
pub async fn notes_are_read_newest_first_until_they_are_old(harness: &impl Harness<Store: Audits>) {
    let store = harness.open().await;
    for number in 0..5 {
        store.note(note(number)).await.expect("it is noted");
    }
    let first = store.audit(None, 2).await.expect("an answer");
    assert_eq!(first.iter().map(|row| row.note).collect::<Vec<_>>(), [note(4), note(3)]);
    let rest = store.audit(Some(first[1].row), 9).await.expect("an answer");
    assert_eq!(rest.iter().map(|row| row.note).collect::<Vec<_>>(), [note(2), note(1), note(0)]);
    store.drop_audit(NOW_MS + 3).await.expect("they go");
    drop(store);
    let store = harness.open().await;
    assert_eq!(store.audit(None, 9).await.expect("an answer"), first);
    store.drop_audit(NOW_MS + 9).await.expect("they go");
    store.note(note(7)).await.expect("it is noted");
    let only = store.audit(None, 9).await.expect("an answer");
    assert!(only.len() == 1 && only[0].row > first[0].row);
}
