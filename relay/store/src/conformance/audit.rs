//! Notes of changes.

use super::{Harness, NOW_MS};
use crate::transfer::{AuditCells, Row, Transfer};
use crate::{Accounts, Audited, Audits, KeyId, NOTES_LOOKED_AT, NOTES_MAX, NOTES_OF_ONE_MAX, Note, PersonId};

fn note(number: i64) -> Note {
    let by = (number % 2 == 0).then_some(PersonId(number));
    let key = by.is_none().then_some(KeyId(number));
    Note { by, key, what: Audited::KeyMade, about: by.map(|by| by.0 + 1), at_ms: NOW_MS + number }
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

/// Of which numbers they are says nothing of how many there are; and no account is given a number of which a note says
/// something.
pub async fn notes_with_large_numbers_drive_out_no_others_and_what_they_name_is_named_once(
    harness: &impl Harness<Store: Transfer>,
) {
    let store = harness.open().await;
    let mut import = store.import().await.expect("an empty store");
    for row in [1, 2, NOTES_MAX + NOTES_LOOKED_AT - 1] {
        let cells = AuditCells { row, at_ms: NOW_MS, who: None, what: 0, about: Some(700), key: None };
        import.put(&Row::Audit(cells)).await.expect("it is put in");
    }
    import.commit().await.expect("all of it is put in");
    store.note(note(5)).await.expect("it is noted");
    let rows = |kept: Vec<crate::AuditRow>| kept.into_iter().map(|row| row.row).collect::<Vec<_>>();
    assert_eq!(
        rows(store.audit(None, 9).await.expect("an answer")),
        [NOTES_MAX + NOTES_LOOKED_AT, NOTES_MAX + NOTES_LOOKED_AT - 1, 2, 1]
    );
    assert_eq!(store.account("ana", "-").await.expect("an account").id.0, 701);
}

/// Whichever of his keys he does it by. Of those who are nobody's each key is one.
pub async fn of_one_who_does_much_the_oldest_notes_go_and_no_others(harness: &impl Harness<Store: Transfer>) {
    let store = harness.open().await;
    let mut import = store.import().await.expect("an empty store");
    let last = NOTES_OF_ONE_MAX + NOTES_LOOKED_AT - 1;
    let (person, keys) = (Some(7), [Some(1), None, Some(2)]);
    for row in 1..=last {
        let (who, key) = match row {
            1 => (None, None),
            2 => (Some(3), None),
            3 | 5 => (None, Some(1)),
            _ => (person, keys[(row % 3) as usize]),
        };
        let cells = AuditCells { row, at_ms: NOW_MS, who, what: 0, about: None, key };
        import.put(&Row::Audit(cells)).await.expect("it is put in");
    }
    import.commit().await.expect("all of it is put in");
    let by = Some(PersonId(7));
    store
        .note(Note { by, key: None, what: Audited::RaidPinned, about: None, at_ms: NOW_MS })
        .await
        .expect("it is noted");
    let kept = store.audit(None, 2 * NOTES_OF_ONE_MAX as u32).await.expect("an answer");
    let (his, others): (Vec<_>, Vec<_>) = kept.into_iter().partition(|row| row.note.by == by);
    assert_eq!(others.into_iter().map(|row| row.row).collect::<Vec<_>>(), [5, 3, 2, 1]);
    let oldest = his.last().map(|row| row.row);
    assert_eq!((his.len() as i64, oldest), (NOTES_OF_ONE_MAX, Some(last + 2 - NOTES_OF_ONE_MAX)));
}
