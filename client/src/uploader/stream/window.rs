//! What of a spool was sent on the present connection, and what the relay has confirmed.

use std::collections::VecDeque;

/// How far a fight has got on the present connection.
pub(super) struct Window {
    next_seq: u64,
    acked: u64,
    /// Seq and bytes of what was sent on this connection and is not acknowledged, and when, ms.
    in_flight: VecDeque<(u64, u32, u64)>,
    end_sent: bool,
    /// Nothing is sent before.
    pause_until_ms: u64,
    last_sent_ms: u64,
}

impl Window {
    pub(super) fn new(now_ms: u64) -> Self {
        Self {
            next_seq: 1,
            acked: 0,
            in_flight: VecDeque::new(),
            end_sent: false,
            pause_until_ms: 0,
            last_sent_ms: now_ms,
        }
    }

    /// The connection ended: what it had got to counts no more.
    pub(super) fn disconnect(&mut self) {
        self.in_flight.clear();
        self.pause_until_ms = 0;
    }

    /// The relay holds all before `seq`: goes on from there.
    pub(super) fn resume_from(&mut self, seq: u64) {
        self.go_on_from(seq);
        self.acked = seq - 1;
    }

    /// Sends again from `seq` on.
    pub(super) fn go_on_from(&mut self, seq: u64) {
        self.next_seq = seq;
        self.in_flight.clear();
        self.end_sent = false;
    }

    /// Sends again what is not acknowledged, after a while.
    pub(super) fn pause(&mut self, until_ms: u64) {
        self.pause_until_ms = until_ms;
        self.go_on_from(self.acked + 1);
    }

    /// Whether nothing is to be sent yet.
    pub(super) fn is_paused(&self, now_ms: u64) -> bool {
        now_ms < self.pause_until_ms
    }

    /// All up to `seq` is on the relay's stable storage. Whether that is news, and when the newest of it was sent on this
    /// connection, ms.
    pub(super) fn ack(&mut self, seq: u64) -> (bool, Option<u64>) {
        let mut sent_ms = None;
        while let Some((sent, _, at_ms)) = self.in_flight.front().copied()
            && sent <= seq
        {
            sent_ms = Some(at_ms);
            self.in_flight.pop_front();
        }
        let news = seq > self.acked;
        self.acked = self.acked.max(seq);
        self.next_seq = self.next_seq.max(self.acked + 1);
        (news, sent_ms)
    }

    pub(super) fn acked(&self) -> u64 {
        self.acked
    }

    /// Frames and bytes sent and not acknowledged.
    pub(super) fn in_flight(&self) -> (usize, usize) {
        (self.in_flight.len(), self.in_flight.iter().map(|(_, bytes, _)| *bytes as usize).sum())
    }

    /// Seq of the next delta to be sent.
    pub(super) fn next_seq(&self) -> u64 {
        self.next_seq
    }

    /// The next delta went out; its seq.
    pub(super) fn sent(&mut self, bytes: u32, now_ms: u64) -> u64 {
        let seq = self.next_seq;
        self.in_flight.push_back((seq, bytes, now_ms));
        self.next_seq += 1;
        self.last_sent_ms = now_ms;
        seq
    }

    /// Something else of the fight went out.
    pub(super) fn touch(&mut self, now_ms: u64) {
        self.last_sent_ms = now_ms;
    }

    /// The end went out.
    pub(super) fn end_sent(&mut self, now_ms: u64) {
        self.last_sent_ms = now_ms;
        self.end_sent = true;
    }

    pub(super) fn is_end_sent(&self) -> bool {
        self.end_sent
    }

    /// Whether the relay owes an answer to deltas or the end.
    pub(super) fn is_owed(&self) -> bool {
        !self.in_flight.is_empty() || self.end_sent
    }

    /// How long nothing was sent, ms.
    pub(super) fn quiet_ms(&self, now_ms: u64) -> u64 {
        now_ms.saturating_sub(self.last_sent_ms)
    }

    /// How long an answer is owed at most, ms: a pause does not count.
    pub(super) fn owed_ms(&self, now_ms: u64) -> u64 {
        now_ms.saturating_sub(self.last_sent_ms.max(self.pause_until_ms))
    }
}
