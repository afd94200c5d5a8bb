//! What is sent of a fight, given what the relay holds of it.

use raidcast_shared::checksum::Checksum;
use raidcast_shared::id::StreamId;
use raidcast_shared::uplink::{Held, ReportState};

/// What the client holds of a fight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ours {
    /// Its reading.
    pub stream: StreamId,
    /// One of ours before it, which was of rows that are there no more.
    pub replaces: Option<StreamId>,
    /// The last delta of it that the relay can hold and that is the one in the spool: what comes after it was never
    /// sent, or was sent and lost again.
    pub sure: u64,
    /// Events and checksum of our own deltas up to where the relay stands, where they are to be compared.
    pub at_held: Option<(u64, Checksum)>,
    /// Hits and deaths.
    pub events: u64,
    /// It knows sums alone, no single hits.
    pub sums: bool,
    /// The checksum of the whole fight; `None` while it goes on.
    pub ended: Option<Checksum>,
}

/// How to go on with a fight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resume {
    /// Send from this seq on.
    From(u64),
    /// The relay holds deltas of this reading that are not those of the spool (it lost its tail), or adds them up to
    /// something else: read the fight again from its begin, under a new stream id.
    Anew,
    /// The relay holds more of the reading whose place ours takes, and would keep it: have that thrown away, then begin.
    Discard,
    /// The relay has the same fight in its final report: send nothing.
    Known,
    /// Another client is streaming it: look again in a while.
    StandBy,
    /// The relay has more of it from elsewhere, or single hits where ours are sums: send nothing, its report stays as
    /// it is.
    Kept,
}

/// Decides from what both hold.
pub fn resume(held: Option<&Held>, ours: &Ours) -> Resume {
    let Some(held) = held else { return Resume::From(1) };
    if held.stream == ours.stream {
        let is_same = ours.at_held.is_none_or(|fold| fold == (held.events, held.checksum));
        return if held.seq <= ours.sure && is_same { Resume::From(held.seq + 1) } else { Resume::Anew };
    }
    // A report that is final stays: who has its address has it for good.
    if ours.replaces == Some(held.stream) && held.state != ReportState::Final && ours.events < held.events {
        return Resume::Discard;
    }
    match ours.ended {
        Some(checksum)
            if checksum == held.checksum && held.state == ReportState::Final && (ours.sums || !held.sums) =>
        {
            Resume::Known
        }
        Some(_) if ours.events < held.events || (ours.sums && !held.sums) => Resume::Kept,
        _ => Resume::From(1),
    }
}

#[cfg(test)]
mod tests {
    use ReportState::{Final, Live, Provisional};
    use uuid::Uuid;

    use super::*;

    #[test]
    fn what_both_hold_decides() {
        let id = |n| StreamId(Uuid::from_u128(n));
        let sum = |n: u8| format!("v1:{}", format!("{n:02x}").repeat(16)).parse::<Checksum>().unwrap();
        let held = |stream, seq, events, state, checksum| Held {
            stream: id(stream),
            seq,
            state,
            events,
            checksum: sum(checksum),
            sums: false,
        };
        let ours = |events, ended: Option<u8>| Ours {
            stream: id(1),
            replaces: None,
            sure: 10,
            at_held: None,
            events,
            sums: false,
            ended: ended.map(sum),
        };
        for (name, held, ours, expected) in [
            ("new to the relay", None, ours(50, None), Resume::From(1)),
            ("in the middle", Some(held(1, 4, 20, Live, 0)), ours(50, None), Resume::From(5)),
            ("all of it", Some(held(1, 10, 50, Live, 0)), ours(50, None), Resume::From(11)),
            ("all of it, and the end", Some(held(1, 10, 50, Final, 1)), ours(50, Some(1)), Resume::From(11)),
            ("ended by grace", Some(held(1, 10, 50, Provisional, 1)), ours(60, None), Resume::From(11)),
            ("more than the spool", Some(held(1, 11, 55, Live, 0)), ours(50, None), Resume::Anew),
            ("more than the spool, ended", Some(held(1, 11, 55, Live, 0)), ours(50, Some(1)), Resume::Anew),
            ("other reading, same fight", Some(held(2, 3, 50, Final, 1)), ours(50, Some(1)), Resume::Known),
            ("same sums, but not final", Some(held(2, 3, 50, Provisional, 1)), ours(50, Some(1)), Resume::From(1)),
            ("other reading, as much", Some(held(2, 3, 50, Final, 2)), ours(50, Some(1)), Resume::From(1)),
            ("other reading, we have more", Some(held(2, 3, 40, Final, 2)), ours(50, Some(1)), Resume::From(1)),
            ("other reading, we have less", Some(held(2, 3, 60, Final, 2)), ours(50, Some(1)), Resume::Kept),
            ("we have less, not final", Some(held(2, 3, 60, Live, 2)), ours(50, Some(1)), Resume::Kept),
            ("we have less, but are live", Some(held(2, 3, 60, Live, 2)), ours(50, None), Resume::From(1)),
            ("live, and final elsewhere", Some(held(2, 3, 60, Final, 2)), ours(50, None), Resume::From(1)),
        ] {
            assert_eq!(resume(held.as_ref(), &ours), expected, "{name}");
        }
        // Of our own reading the relay stands at 20 events and sums 3.
        let own = held(1, 4, 20, Live, 3);
        for (at_held, sure, expected) in [
            (Some((20, sum(3))), 10, Resume::From(5)),
            (Some((20, sum(3))), 4, Resume::From(5)),
            (Some((20, sum(3))), 3, Resume::Anew),
            (None, 3, Resume::Anew),
            (Some((21, sum(3))), 10, Resume::Anew),
            (Some((20, sum(4))), 10, Resume::Anew),
        ] {
            let ours = Ours { sure, at_held, ..ours(50, None) };
            assert_eq!(resume(Some(&own), &ours), expected, "{ours:?}");
        }
        for (replaces, held_events, state, expected) in [
            (2, 60, Live, Resume::Discard),
            (2, 60, Provisional, Resume::Discard),
            (2, 60, Final, Resume::Kept),
            (2, 50, Live, Resume::From(1)),
            (3, 60, Live, Resume::Kept),
        ] {
            let ours = Ours { replaces: Some(id(replaces)), ..ours(50, Some(1)) };
            let held = held(2, 3, held_events, state, 2);
            assert_eq!(resume(Some(&held), &ours), expected, "{held:?}, in place of {replaces}");
        }
        for (held_sums, our_sums, expected) in [
            (false, true, Resume::Kept),
            (true, true, Resume::From(1)),
            (true, false, Resume::From(1)),
            (false, false, Resume::From(1)),
        ] {
            let held = Held { sums: held_sums, ..held(2, 3, 50, Final, 2) };
            let ours = Ours { sums: our_sums, ..ours(60, Some(1)) };
            assert_eq!(resume(Some(&held), &ours), expected, "held of sums: {held_sums}, ours: {our_sums}");
        }
        // The same sums, of which only ours tell the hits.
        let held = Held { sums: true, ..held(2, 3, 50, Final, 1) };
        assert_eq!(resume(Some(&held), &ours(50, Some(1))), Resume::From(1));
        assert_eq!(resume(Some(&held), &Ours { sums: true, ..ours(50, Some(1)) }), Resume::Known);
    }
}
