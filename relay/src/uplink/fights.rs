//! A client's own ids of its fights, which stay on its connection: everything behind it knows keyed ids alone.
//!
//! A client makes the id of a fight of its player's id, which could be found by trying all of them. What stands for it
//! in the relay is keyed, and is turned back in replies here, the one place that knows both.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use raidcast_shared::id::EncounterId;
use raidcast_shared::limits::NAMED_FIGHTS_MAX;
use raidcast_shared::uplink::{Begun, Refused, UplinkReply};

use crate::account::RelaySecret;

/// The fights that a connection has begun, newest last. Shared by the halves of one conversation.
#[derive(Debug, Default)]
pub(super) struct Fights(Mutex<VecDeque<Fight>>);

#[derive(Clone, Copy, Debug)]
struct Fight {
    keyed: EncounterId,
    /// As the client says it.
    said: EncounterId,
}

impl Fights {
    /// No code that holds it can panic, but a poisoned list is still a list.
    fn held(&self) -> MutexGuard<'_, VecDeque<Fight>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What stands for a fight that the client begins.
    pub(super) fn begin(&self, secret: &RelaySecret, said: EncounterId) -> EncounterId {
        let keyed = secret.encounter(said);
        let mut held = self.held();
        held.retain(|fight| fight.keyed != keyed);
        if held.len() == NAMED_FIGHTS_MAX {
            held.pop_front();
        }
        held.push_back(Fight { keyed, said });
        keyed
    }

    fn said(&self, keyed: EncounterId) -> Option<EncounterId> {
        self.held().iter().rev().find(|fight| fight.keyed == keyed).map(|fight| fight.said)
    }

    /// A reply in the client's own words; `None` if it is about a fight that was not begun on this connection, of which
    /// its client knows nothing, or asks when it begins it.
    pub(super) fn in_its_words(&self, mut reply: UplinkReply) -> Option<UplinkReply> {
        match &mut reply {
            UplinkReply::Begun(Begun { enc, .. }) | UplinkReply::Finalized { enc, .. } => *enc = self.said(*enc)?,
            // What it is about stands in the handle, too.
            UplinkReply::Refused(Refused { enc, .. }) => *enc = enc.and_then(|keyed| self.said(keyed)),
            UplinkReply::Welcome(_)
            | UplinkReply::Ack { .. }
            | UplinkReply::Rewind { .. }
            | UplinkReply::Draining { .. }
            | UplinkReply::Echo { .. }
            | UplinkReply::Unknown => {}
        }
        Some(reply)
    }
}

#[cfg(test)]
mod tests {
    use raidcast_shared::uplink::ReportState;

    use super::*;

    fn finalized(enc: EncounterId) -> UplinkReply {
        UplinkReply::Finalized { enc, report: "r".into(), url: "u".into(), state: ReportState::Final, rev: 1 }
    }

    #[test]
    fn replies_name_the_newest_fights_as_their_client_does() {
        let (secret, fights) = (RelaySecret::new([3; 32]), Fights::default());
        let said = |player| EncounterId::of_player("bpsr", player, 5);
        let first = fights.begin(&secret, said(0));
        assert_ne!(first, said(0));
        for player in 1..NAMED_FIGHTS_MAX as u64 {
            fights.begin(&secret, said(player));
        }
        // Begun again it is one of the newest.
        assert_eq!(fights.begin(&secret, said(0)), first);
        let last = fights.begin(&secret, said(9_999));
        assert_eq!(fights.in_its_words(finalized(first)), Some(finalized(said(0))));
        assert_eq!(fights.in_its_words(finalized(last)), Some(finalized(said(9_999))));
        let forgotten = secret.encounter(said(1));
        assert_eq!(fights.in_its_words(finalized(forgotten)), None);
        assert_eq!(fights.held().len(), NAMED_FIGHTS_MAX);
    }
}
