//! One view of a raid: where it stands, where it stood, and its frames in each format.
//!
//! Each step has a number, which only grows. What no tick can tell (another fight, a change of the raid) takes the view
//! on by a step without a batch, so nobody has the step before the next one, and everybody gets the keyframe.

use std::collections::VecDeque;

use bytes::Bytes;
use raidcast_shared::feed::FeedFrame;
use raidcast_shared::limits::STEP_HISTORY;

use super::events::Events;
use super::format::Format;
use super::frames::Frames;

/// Where a spectator was when it lost its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resume {
    /// The epoch's number, of this run of the relay.
    pub epoch: u32,
    /// The last tick that it got.
    pub position: u64,
}

/// Where a spectator begins.
pub(super) struct Start {
    /// The first event that it has not got.
    pub(super) next_event: u64,
    /// All that it missed, and the step that it has then; `None` if it is to get the keyframe.
    pub(super) missed: Option<(Bytes, u64)>,
}

/// One pace of the raid's feed.
pub(super) struct View {
    frames: [Frames; Format::ALL.len()],
    /// Number of its newest step.
    step: u64,
    /// Who has this step is taken to the newest by the batch.
    from: u64,
    /// The step that the last beat took everybody to.
    sent: u64,
    epoch: u32,
    position: u64,
    /// Number of the last event that it has sent.
    last_event: u64,
    /// (epoch, position, last event) of its last steps, oldest first.
    history: VecDeque<(u32, u64, u64)>,
}

impl View {
    pub(super) fn new() -> Self {
        Self {
            frames: Format::ALL.map(Frames::new),
            step: 0,
            from: 0,
            sent: 0,
            epoch: 0,
            position: 0,
            last_event: 0,
            history: VecDeque::from([(0, 0, 0)]),
        }
    }

    pub(super) fn step(&self) -> u64 {
        self.step
    }

    pub(super) fn from(&self) -> u64 {
        self.from
    }

    pub(super) fn last_event(&self) -> u64 {
        self.last_event
    }

    pub(super) fn frames(&mut self, format: Format) -> &mut Frames {
        &mut self.frames[format.index()]
    }

    pub(super) fn encodes(&self) -> u64 {
        self.frames.iter().map(Frames::encodes).sum()
    }

    /// Takes all events until now, and the tick if anything changed. `seen` says in which formats anybody sees it.
    pub(super) fn take(
        &mut self,
        position: u64,
        tick: Option<&FeedFrame>,
        events: &mut Events,
        seen: impl Fn(Format) -> bool,
    ) {
        let (fresh, before) = (self.last_event + 1..=events.newest(), self.position);
        (self.last_event, self.position) = (events.newest(), position);
        (self.from, self.step) = (self.step, self.step + 1);
        for format in Format::ALL {
            let frames = &mut self.frames[format.index()];
            // Nobody sees it: the events are kept for who comes back, the tick is not made.
            if !seen(format) {
                frames.begin_epoch();
                continue;
            }
            let ring = events.encoded(format);
            let events = ring.iter().filter(|(n, _)| fresh.contains(n)).map(|(_, bytes)| bytes);
            frames.step(before, events, tick);
        }
        self.remember();
    }

    /// Something changed that ticks do not carry.
    pub(super) fn refresh(&mut self) {
        self.frames.iter_mut().for_each(Frames::stale);
        self.leave_all_behind();
    }

    /// Positions begin anew.
    pub(super) fn begin_epoch(&mut self, epoch: u32) {
        (self.epoch, self.position) = (epoch, 0);
        self.frames.iter_mut().for_each(Frames::begin_epoch);
        self.leave_all_behind();
        self.remember();
    }

    fn leave_all_behind(&mut self) {
        self.step += 1;
        self.from = self.step;
    }

    fn remember(&mut self) {
        self.history.push_back((self.epoch, self.position, self.last_event));
        if self.history.len() > STEP_HISTORY {
            self.history.pop_front();
        }
    }

    /// The last event that was sent at a position.
    fn last_event_at(&self, Resume { epoch, position }: Resume) -> Option<u64> {
        let at = self.history.partition_point(|&(e, p, _)| (e, p) < (epoch, position));
        self.history.get(at).filter(|&&(e, p, _)| (e, p) == (epoch, position)).map(|&(.., last_event)| last_event)
    }

    /// Where a spectator begins, who may come back, and from where if that is known: what it missed goes out at once where
    /// that is less than the keyframe.
    pub(super) fn start(
        &mut self,
        format: Format,
        comes_back: bool,
        resume: Option<Resume>,
        keyframe: impl FnOnce() -> FeedFrame,
    ) -> Start {
        let last_event = self.last_event;
        let owed = match comes_back {
            false => last_event + 1,
            // It cannot be said what it missed: all that is kept, and that more was lost.
            true => resume.and_then(|at| self.last_event_at(at)).map_or(1, |last| last + 1),
        };
        let here = resume.filter(|at| at.epoch == self.epoch && at.position <= self.position);
        let frames = &mut self.frames[format.index()];
        let missed = here.and_then(|at| match at.position == self.position {
            true if owed > last_event => Some(Bytes::new()),
            _ => frames.since(at.position),
        });
        match missed.filter(|missed| missed.is_empty() || missed.len() < frames.keyframe(keyframe).len()) {
            Some(missed) => Start { next_event: last_event + 1, missed: Some((missed, self.step)) },
            None => Start { next_event: owed, missed: None },
        }
    }

    /// Whether it has anything to send that the last beat had not.
    pub(super) fn has_moved(&self) -> bool {
        self.step != self.sent
    }

    /// Whether there is a batch that takes anybody to the newest step.
    pub(super) fn has_batch(&self) -> bool {
        self.from != self.step
    }

    /// Whether the batch takes nobody on whom the last beat left up to date.
    pub(super) fn leaves_behind(&self) -> bool {
        self.from != self.sent
    }

    /// A beat has taken everybody to the newest step.
    pub(super) fn was_sent(&mut self) {
        (self.from, self.sent) = (self.step, self.step);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_takes_on_who_has_the_step_before_and_what_no_tick_tells_takes_on_nobody() {
        let (mut view, mut events) = (View::new(), Events::default());
        let stands = |view: &View| (view.has_moved(), view.has_batch(), view.leaves_behind());
        assert_eq!(stands(&view), (false, false, false));
        view.take(1, None, &mut events, |_| true);
        assert_eq!(stands(&view), (true, true, false));
        view.was_sent();
        assert_eq!(stands(&view), (false, false, false));
        // Of two steps between two beats the batch is of the second.
        view.take(2, None, &mut events, |_| true);
        view.take(3, None, &mut events, |_| true);
        assert_eq!(stands(&view), (true, true, true));
        view.was_sent();
        view.refresh();
        assert_eq!(stands(&view), (true, false, true));
        view.take(4, None, &mut events, |_| true);
        assert_eq!(stands(&view), (true, true, true));
        view.was_sent();
        view.begin_epoch(1);
        assert_eq!(stands(&view), (true, false, true));
    }
}
