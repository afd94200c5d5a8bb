//! Who owns an encounter for a moment without being a raid's task: what writes a fight that was uploaded whole.
//!
//! One invariant: while a guest owns an encounter no raid's task has it in memory, and whoever claims it later waits until
//! the guest is gone.

use std::sync::Arc;

use raidcast_store::EncounterKey;
use tokio::sync::mpsc;

use super::command::{RaidCommand, RaidHandle};
use super::directory::Directory;

/// Commands that wait for a guest: those of who wants the same encounter.
const INBOX: usize = 16;

/// See the module's page. Dropping it gives the encounter up.
#[derive(Debug)]
pub struct Guest {
    directory: Arc<Directory>,
    me: RaidHandle,
    key: EncounterKey,
    before: Option<RaidHandle>,
    /// Dropped, it ends the one that answers.
    _stay: mpsc::Sender<()>,
}

impl Guest {
    /// Claims an encounter, and waits until the raid that has it has let go of it.
    pub async fn claim(directory: &Arc<Directory>, key: EncounterKey) -> Self {
        let (sender, inbox) = mpsc::channel(INBOX);
        let (stay, gone) = mpsc::channel(1);
        let me = RaidHandle::of_guest(key.account, sender);
        tokio::spawn(answer(inbox, gone));
        let (claim, before) = directory.claim(key, &me);
        let guest = Self { directory: Arc::clone(directory), me, key, before, _stay: stay };
        if let Some(before) = &guest.before {
            let release = |reply| RaidCommand::Release { encounter: key.encounter, claim, moves: false, reply };
            // A task that has ended meanwhile has let go of it too.
            let _ = before.ask(release).await;
        }
        guest
    }

    /// Gives the encounter up: the raid that had it goes on with it, as the store has it now; and so does the raid of
    /// which it is, for that may have begun meanwhile, and left it out.
    pub async fn leave(mut self, raid: Option<&str>) {
        let (before, encounter) = (self.before.take(), self.key.encounter);
        let raid = raid.and_then(|code| self.directory.raid(code));
        drop(self);
        for raid in before.into_iter().chain(raid) {
            // One that has ended meanwhile reads it when it is loaded again.
            let _ = raid.send(RaidCommand::TakeBack { encounter }).await;
        }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.directory.disown(self.key, &self.me);
    }
}

/// Who asks for what the guest holds waits until it is gone; all else a guest has none of.
async fn answer(mut inbox: mpsc::Receiver<RaidCommand>, mut gone: mpsc::Receiver<()>) {
    let mut waiting = Vec::new();
    loop {
        tokio::select! {
            biased;
            _ = gone.recv() => break,
            Some(command) = inbox.recv() => if let RaidCommand::Release { reply, .. } = command {
                waiting.push(reply);
            },
            else => break,
        }
    }
    inbox.close();
    while let Ok(command) = inbox.try_recv() {
        if let RaidCommand::Release { reply, .. } = command {
            waiting.push(reply);
        }
    }
    for reply in waiting {
        let _ = reply.send(());
    }
}

#[cfg(test)]
mod tests {
    use raidcast_shared::id::EncounterId;
    use raidcast_store::AccountId;
    use tokio::sync::mpsc::Receiver;
    use uuid::Uuid;

    use super::*;
    use crate::raid::Claim;

    const KEY: EncounterKey = EncounterKey { account: AccountId(1), encounter: EncounterId(Uuid::nil()) };

    /// Somebody who may own encounters, and what he is told.
    fn somebody() -> (RaidHandle, Receiver<RaidCommand>) {
        let (sender, inbox) = mpsc::channel(INBOX);
        (RaidHandle::of_guest(KEY.account, sender), inbox)
    }

    fn release(claim: Claim, reply: tokio::sync::oneshot::Sender<()>) -> RaidCommand {
        RaidCommand::Release { encounter: KEY.encounter, claim, moves: false, reply }
    }

    #[tokio::test]
    async fn who_claims_it_later_waits_until_the_guest_is_gone() {
        let directory = Arc::new(Directory::default());
        let guest = Guest::claim(&directory, KEY).await;
        let (later, _inbox) = somebody();
        let (claim, before) = directory.claim(KEY, &later);
        let before = before.expect("the guest has it");
        let mut waiting = Box::pin(before.ask(|reply| release(claim, reply)));
        for _ in 0..10 {
            assert!(futures::poll!(&mut waiting).is_pending());
            tokio::task::yield_now().await;
        }
        assert_eq!(
            before.ask(|reply| RaidCommand::Connected { until_ms: None, reply }).await.ok(),
            None,
            "a guest is no raid"
        );
        drop(guest);
        assert_eq!(waiting.await, Ok(()));
        assert!(directory.owner(KEY).is_some_and(|owner| owner.is(&later)), "it is not taken from who has it now");
    }

    #[tokio::test]
    async fn who_has_it_lets_go_of_it_first_and_has_it_back() {
        let directory = Arc::new(Directory::default());
        let (raid, mut told) = somebody();
        directory.claim(KEY, &raid);
        let mut coming = Box::pin(Guest::claim(&directory, KEY));
        assert!(futures::poll!(&mut coming).is_pending());
        let Some(RaidCommand::Release { reply, moves: false, .. }) = told.recv().await else { panic!("not asked") };
        assert!(futures::poll!(&mut coming).is_pending(), "it is not let go of yet");
        reply.send(()).expect("somebody waits");
        coming.await.leave(None).await;
        assert!(matches!(told.recv().await, Some(RaidCommand::TakeBack { encounter }) if encounter == KEY.encounter));
        assert!(directory.owner(KEY).is_none());
    }
}
