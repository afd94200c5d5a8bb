//! Requests for removal.

use super::{Harness, NOW_MS};
use crate::{Audited, Audits, NewRemoval, Note, PersonId, REMOVALS_MAX, Removals};

fn asked(number: i64) -> NewRemoval {
    NewRemoval {
        player: format!("Ünïcødé 🐉 {number}"),
        links: "https://relay.example/reports/abc\nand another".into(),
        contact: String::new(),
        message: "'; DROP TABLE removals; --".into(),
        created_at_ms: NOW_MS + number,
    }
}

/// The oldest first; one that is closed is gone, and that is noted.
pub async fn so_many_requests_are_kept_until_they_are_closed(harness: &impl Harness<Store: Removals + Audits>) {
    let store = harness.open().await;
    for number in 0..REMOVALS_MAX {
        assert!(store.ask_removal(&asked(number)).await.expect("an answer"));
    }
    assert!(!store.ask_removal(&asked(REMOVALS_MAX)).await.expect("an answer"));
    drop(store);
    let store = harness.open().await;
    let open = store.removals().await.expect("an answer");
    let expected: Vec<_> = (0..REMOVALS_MAX).map(asked).collect();
    assert_eq!(open.iter().map(|open| open.asked.clone()).collect::<Vec<_>>(), expected);
    let note = Note { by: Some(PersonId(1)), key: None, what: Audited::RemovalClosed, about: None, at_ms: NOW_MS };
    assert!(store.close_removal(open[3].row, note).await.expect("an answer"));
    assert!(!store.close_removal(open[3].row, note).await.expect("an answer"));
    assert_eq!(store.audit(None, 9).await.expect("an answer").len(), 1);
    assert_eq!(store.removals().await.expect("an answer").len(), open.len() - 1);
    assert!(store.ask_removal(&asked(0)).await.expect("an answer"));
    // Those that nobody closes go in the end: 0, 1, 2 and 4, and the one that was asked for again.
    assert_eq!(store.drop_removals(NOW_MS + 5).await.expect("an answer"), 5);
    assert_eq!(store.removals().await.expect("an answer")[0].asked, asked(5));
}
