//! Whether something is told beside the window, and in which words.
//!
//! Pure. Once a raid, by its code, also where the app was started again meanwhile; the end of a fight only where
//! somebody asked for it. A link with a ticket stands in no notice: those are kept by systems, and seen on streams.

use crate::news::{Began, Ended};
use crate::own::Own;
use crate::view::Notice;
use crate::words::Words;

/// Of a raid that is live. Whoever shows it notes the raid in [`Own::noticed_raid`].
pub fn of_begin(own: &Own, began: &Began, words: &dyn Words) -> Option<Notice> {
    if !own.notices || own.noticed_raid.as_ref() == Some(&began.raid) {
        return None;
    }
    let (title, body) = words.began(name(began.fight.as_deref(), words), began.link.as_deref());
    Some(Notice { title, body })
}

/// Of a fight that is over.
pub fn of_end(own: &Own, ended: &Ended, words: &dyn Words) -> Option<Notice> {
    if !own.notice_at_end {
        return None;
    }
    let (title, body) = words.ended(name(ended.fight.as_deref(), words), ended.outcome);
    Some(Notice { title, body })
}

/// Of a version that is offered. Whoever shows it notes it in [`Own::noticed_version`].
pub fn of_update(own: &Own, version: &str, words: &dyn Words) -> Option<Notice> {
    if !own.notices || own.noticed_version.as_deref() == Some(version) {
        return None;
    }
    let (title, body) = words.offered(version);
    Some(Notice { title, body })
}

fn name<'a>(fight: Option<&'a str>, words: &dyn Words) -> &'a str {
    fight.unwrap_or_else(|| words.nameless())
}

#[cfg(test)]
mod tests {
    use raidcast_shared::uplink::Outcome;

    use super::*;
    use crate::language::Language;
    use crate::words::of;

    #[test]
    fn a_raid_is_told_once_and_an_end_where_it_is_asked_for() {
        let words = of(Language::English);
        let began = Began { raid: "code".into(), fight: None, link: Some("https://r/a".into()) };
        let mut own = Own::default();
        let notice = Notice { title: "Live: Fight".into(), body: "https://r/a".into() };
        assert_eq!(of_begin(&own, &began, words), Some(notice));
        let secret = of_begin(&own, &Began { link: None, ..began.clone() }, words).unwrap();
        assert!(secret.body.contains("private"), "{secret:?}");
        own.noticed_raid = Some("code".into());
        assert_eq!(of_begin(&own, &began, words), None);
        assert!(of_begin(&own, &Began { raid: "next".into(), ..began.clone() }, words).is_some());
        own.notices = false;
        assert_eq!(of_begin(&own, &Began { raid: "next".into(), ..began }, words), None);

        let ended = Ended { fight: Some("Boss".into()), outcome: Outcome::Kill };
        assert_eq!(of_end(&own, &ended, words), None);
        own.notice_at_end = true;
        let notice = Notice { title: "Fight over: Boss".into(), body: "It was a kill.".into() };
        assert_eq!(of_end(&own, &ended, words), Some(notice));
    }
}
