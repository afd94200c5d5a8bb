//! Which spectators are overlays: for their streamer, who does not see whether one still runs.
//!
//! One invariant: of [`OVERLAYS_TOLD_MAX`] and no more is anything known, and nothing of one whose socket is gone. Others are
//! served like these.

use raidcast_shared::overlay::OverlayLine;
use tokio_util::sync::CancellationToken;

use crate::fanout::SpectatorId;
use crate::limits::OVERLAYS_TOLD_MAX;

struct Held {
    id: SpectatorId,
    line: OverlayLine,
    /// Cancelled when the room lets it go.
    left: CancellationToken,
}

/// See the module's page.
#[derive(Default)]
pub(super) struct Overlays(Vec<Held>);

impl Overlays {
    /// One has joined. Where all places are taken, one of a member gets that of the newest other.
    pub(super) fn join(&mut self, id: SpectatorId, left: CancellationToken, line: OverlayLine) {
        self.forget();
        if self.0.len() >= OVERLAYS_TOLD_MAX {
            let Some(at) = self.0.iter().rposition(|held| line.member && !held.line.member) else { return };
            self.0.remove(at);
        }
        self.0.push(Held { id, line, left });
    }

    /// Something came from a spectator, who need not be an overlay.
    pub(super) fn heard(&mut self, id: SpectatorId, now_ms: i64) {
        if let Some(held) = self.0.iter_mut().find(|held| held.id == id) {
            held.line.heard_at_ms = now_ms;
        }
    }

    /// Those that are connected.
    pub(super) fn told(&mut self) -> Vec<OverlayLine> {
        self.forget();
        self.0.iter().map(|held| held.line.clone()).collect()
    }

    /// How many of those are connected.
    pub(super) fn count(&mut self) -> usize {
        self.forget();
        self.0.len()
    }

    fn forget(&mut self) {
        self.0.retain(|held| !held.left.is_cancelled());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(member: bool) -> OverlayLine {
        OverlayLine { connected_at_ms: 1_000, heard_at_ms: 1_000, by_channel: false, member }
    }

    #[test]
    fn strangers_keep_no_members_overlay_out_and_who_is_gone_is_forgotten() {
        let mut overlays = Overlays::default();
        let strangers: Vec<_> = (0..OVERLAYS_TOLD_MAX + 5).map(|_| CancellationToken::new()).collect();
        for (n, left) in (0..).zip(&strangers) {
            overlays.join(SpectatorId::numbered(n), left.clone(), line(false));
        }
        assert_eq!(overlays.told().len(), OVERLAYS_TOLD_MAX);
        let (id, own) = (SpectatorId::numbered(9_999), CancellationToken::new());
        overlays.join(id, own.clone(), line(true));
        overlays.heard(id, 5_000);
        let told = overlays.told();
        assert_eq!((told.len(), told.iter().filter(|line| line.member).count()), (OVERLAYS_TOLD_MAX, 1));
        assert_eq!(told.last().map(|line| line.heard_at_ms), Some(5_000));
        strangers.iter().for_each(CancellationToken::cancel);
        assert_eq!((overlays.told().len(), overlays.count()), (1, 1));
        own.cancel();
        assert!(overlays.told().is_empty());
    }
}
