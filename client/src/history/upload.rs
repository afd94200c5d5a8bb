//! An upload that is under way: what has become of its fights, as the uploader's changes tell.
//!
//! One invariant: each fight of the plan is told of once, in a change of its own or at the end, unless the upload fails
//! as a whole.
//! Deliberately not here: how fights are sent (the uploader), and how all this is shown.

use super::{Plan, Tally};
use crate::source::Fight;
use crate::uploader::record::{Finished, How, NotSent};
use crate::uploader::{Change, Summary};

/// What has become of the fights of a plan so far.
#[derive(Clone, Debug)]
pub struct Upload {
    relay: String,
    fights: u64,
    tally: Tally,
    /// Fights that no change was told of, with their names.
    untold: Vec<(String, Fight)>,
}

/// How an upload ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadEnd {
    /// So many fights were agreed to.
    pub fights: u64,
    /// What became of them.
    pub tally: Tally,
    /// So many are not on the relay, and may be by another run.
    pub waiting: u64,
    /// All of them are on the relay.
    pub complete: bool,
    /// Fights that no change was told of: each waits.
    pub untold: Vec<Change>,
}

impl Upload {
    /// Nothing has become of them yet.
    pub fn of(plan: &Plan, relay: &str) -> Self {
        let untold = plan.fights.iter().map(|fight| (fight.encounter.to_string(), fight.clone()));
        Self {
            relay: relay.to_owned(),
            fights: plan.fights.len() as u64,
            tally: Tally::default(),
            untold: untold.collect(),
        }
    }

    /// Takes in one change. What is to be told of single fights before one that is about several is given.
    pub fn hear(&mut self, change: &Change) -> Vec<Change> {
        self.tally.count(change);
        match change {
            Change::Uploaded { fight } | Change::Failed { fight } | Change::Unsent { fight } => {
                self.take(|name| name == fight.encounter);
                Vec::new()
            }
            Change::Unreadable { encounter, .. } => {
                self.take(|name| name == encounter);
                Vec::new()
            }
            Change::Stopped { fights, why } => {
                let left = self.take(|name| fights.iter().any(|left| left == name));
                let told = left.into_iter().map(|fight| Finished { why: Some(why.clone()), ..fight });
                match why {
                    NotSent::Removed => {
                        told.map(|fight| Change::Failed { fight: Finished { result: How::Refused, ..fight } }).collect()
                    }
                    _ => told.map(|fight| Change::Unsent { fight }).collect(),
                }
            }
            _ => Vec::new(),
        }
    }

    /// What has become of the fights so far.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// The uploader has come to its end: fights that it told nothing of wait.
    pub fn end(mut self, summary: &Summary) -> UploadEnd {
        let untold = self.take(|_| true).into_iter().map(|fight| Change::Unsent { fight }).collect();
        let Self { fights, tally, .. } = self;
        UploadEnd {
            fights,
            waiting: fights.saturating_sub(tally.on_relay() + tally.failed),
            complete: summary.complete && tally.on_relay() >= fights,
            tally,
            untold,
        }
    }

    fn take(&mut self, is_it: impl Fn(&str) -> bool) -> Vec<Finished> {
        let taken = self.untold.extract_if(.., |(name, _)| is_it(name));
        taken.map(|(_, fight)| Finished::unread(&fight, &self.relay)).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::source::{Found, Generation, Unreadable};

    const RELAY: &str = "http://r";

    fn plan(fights: i64) -> Plan {
        Plan {
            found: Found { path: "m.db".into(), generation: Generation::Chunks, meter: "m".into() },
            fights: (1..=fights).map(Fight::bare).collect(),
            unfinished: 0,
            earlier: 0,
            as_agreed: BTreeSet::new(),
            going_on: None,
        }
    }

    fn name(row: i64) -> String {
        Fight::bare(row).encounter.to_string()
    }

    fn unread(row: i64) -> Finished {
        Finished::unread(&Fight::bare(row), RELAY)
    }

    fn sent(row: i64) -> Change {
        Change::Uploaded { fight: Finished { result: How::New, ..unread(row) } }
    }

    #[test]
    fn each_fight_is_told_of_once() {
        let mut upload = Upload::of(&plan(6), RELAY);
        assert!(upload.hear(&sent(1)).is_empty());
        let unreadable = Change::Unreadable { encounter: name(2), started_at_ms: 0, why: Unreadable::NoSummary };
        assert!(upload.hear(&unreadable).is_empty());
        let removed = Change::Stopped { fights: vec![name(3)], why: NotSent::Removed };
        let fight = Finished { result: How::Refused, why: Some(NotSent::Removed), ..unread(3) };
        assert_eq!(upload.hear(&removed), vec![Change::Failed { fight }]);
        let stopped = Change::Stopped { fights: vec![name(4), name(5)], why: NotSent::Nameless };
        let waits = |row| Change::Unsent { fight: Finished { why: Some(NotSent::Nameless), ..unread(row) } };
        assert_eq!(upload.hear(&stopped), vec![waits(4), waits(5)]);
        assert_eq!((upload.tally().new, upload.tally().done()), (1, 5));

        let end = upload.end(&Summary::default());
        assert_eq!(end.untold, vec![Change::Unsent { fight: unread(6) }]);
        // Two were stopped, and nothing was told of one.
        assert_eq!((end.fights, end.tally.failed, end.waiting, end.complete), (6, 2, 3, false));
    }

    #[test]
    fn an_upload_is_complete_when_each_fight_is_on_the_relay_and_the_uploader_says_so() {
        let ended = |fights: i64, complete: bool| {
            let mut upload = Upload::of(&plan(2), RELAY);
            for row in 1..=fights {
                upload.hear(&sent(row));
            }
            let end = upload.end(&Summary { complete, ..Summary::default() });
            (end.complete, end.waiting)
        };
        assert_eq!(ended(2, true), (true, 0));
        assert_eq!(ended(2, false), (false, 0));
        assert_eq!(ended(1, true), (false, 1));
    }
}
