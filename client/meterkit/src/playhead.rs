//! A fight as one line of happenings, and how far of it is written.

use std::collections::HashMap;

use crate::fight::{Attempt, Cast, Death, Fight, Hit, Monster, Player, Revive, Segment};

/// Events per transaction where nobody watches the fight being written. An aggregate of 30,000 hits takes 0.7 s with
/// it and 6 s with the meter's hundred, in a development build.
pub(crate) const BULK_EVENTS: usize = 5_000;

/// One thing that happens; owned so that a writer may change itself while it reads one.
#[derive(Clone, Debug)]
pub(crate) enum Happening {
    AttemptEnds(Attempt),
    AttemptBegins(Attempt),
    Casts(Cast),
    Hits(Hit),
    Dies(Death),
    Revives(Revive),
    SegmentCloses(Segment),
}

impl Happening {
    /// Within one millisecond: attempts turn before the hits, deaths follow them, segments close behind them.
    fn order(&self) -> u8 {
        match self {
            Self::AttemptEnds(_) => 0,
            Self::AttemptBegins(_) => 1,
            Self::Casts(_) => 2,
            Self::Hits(_) => 3,
            Self::Dies(_) => 4,
            Self::Revives(_) => 5,
            Self::SegmentCloses(_) => 6,
        }
    }
}

/// A fight and the point up to which it has been played.
#[derive(Debug)]
pub(crate) struct Playhead {
    pub(crate) fight: Fight,
    /// Ms since the start up to which, inclusive, everything was played.
    pub(crate) now_ms: i64,
    line: Vec<(i64, Happening)>,
    next: usize,
    players: HashMap<i64, usize>,
    monsters: HashMap<i64, usize>,
}

impl Playhead {
    pub(crate) fn new(fight: Fight) -> Self {
        let mut line = Vec::with_capacity(fight.hits.len() + fight.deaths.len() + fight.casts.len());
        for attempt in &fight.attempts {
            line.push((attempt.started_ms, Happening::AttemptBegins(attempt.clone())));
            line.extend(attempt.ended_ms.map(|ms| (ms, Happening::AttemptEnds(attempt.clone()))));
        }
        line.extend(fight.casts.iter().map(|c| (c.at_ms, Happening::Casts(c.clone()))));
        line.extend(fight.hits.iter().map(|h| (h.at_ms, Happening::Hits(h.clone()))));
        line.extend(fight.deaths.iter().map(|d| (d.at_ms, Happening::Dies(d.clone()))));
        line.extend(fight.revives.iter().map(|r| (r.at_ms, Happening::Revives(r.clone()))));
        line.extend(fight.segments.iter().map(|s| (s.ended_ms, Happening::SegmentCloses(s.clone()))));
        line.sort_by_key(|(ms, what)| (*ms, what.order()));
        let players = fight.players.iter().enumerate().map(|(i, p)| (p.uid, i)).collect();
        let monsters = fight.monsters.iter().enumerate().map(|(i, m)| (m.entity_id, i)).collect();
        Self { fight, now_ms: -1, line, next: 0, players, monsters }
    }

    /// The next up to `limit` happenings until `until_ms`, inclusive; empty once all of them were given.
    pub(crate) fn take(&mut self, until_ms: i64, limit: usize) -> Vec<(i64, Happening)> {
        let rest = &self.line[self.next..];
        let len = rest.iter().take(limit).take_while(|(ms, _)| *ms <= until_ms).count();
        let taken = rest[..len].to_vec();
        self.next += len;
        if len < limit {
            self.now_ms = self.now_ms.max(until_ms);
        }
        taken
    }

    pub(crate) fn player(&self, uid: i64) -> Option<&Player> {
        self.players.get(&uid).map(|&i| &self.fight.players[i])
    }

    pub(crate) fn monster(&self, entity_id: i64) -> Option<&Monster> {
        self.monsters.get(&entity_id).map(|&i| &self.fight.monsters[i])
    }
}
