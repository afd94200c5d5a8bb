//! A raid's task and who may see the raid: nobody speaks for it before what his Hello says is kept, and whoever may no
//! longer see it is let go at that moment.

use std::collections::HashMap;
use std::sync::Arc;

use futures::FutureExt;
use raidcast_shared::uplink::{NamesPolicy, Refused, RefusedCode, RefusedScope, UplinkReply, Visibility};
use raidcast_store::{LinkId, RaidRow, ShownTo, StoreError, Tickets, stricter_names};

use super::handles::Handles;
use super::names::{SHOWN_OTHERWISE, SHOWN_OTHERWISE_RETRY_MS, is_shown_alike};
use super::stage::Of;
use super::state::{Beside, Chore, RaidTask, Uplink, Wanted};
use crate::fanout::Whom;
use crate::raid::command::{Attach, Show};

impl RaidTask {
    /// Takes a connection that wants to speak for the raid, or what somebody says who manages it; those before come first.
    pub(super) fn wants(&mut self, wanted: Wanted) {
        self.wanted.push_back(wanted);
        if self.wanted.len() == 1 {
            self.keep_next();
        }
    }

    /// As the raid is to be, but for when its delay changed; and how long that is to be, ms.
    fn as_wanted(&self, wanted: &Wanted) -> (RaidRow, i64) {
        let row = self.row.clone();
        match wanted {
            // A client that says again what it said before takes nothing back.
            Wanted::ToSpeak(Attach { title, shown_to: says, names, delay_ms, .. }) => {
                let says_beside = Beside { names: *names, delay_ms: *delay_ms };
                let (shown_to, beside) = match self.row.said {
                    Some(said) if said == *says => (self.row.shown_to(), self.beside_though_said(says_beside)),
                    _ => (*says, says_beside),
                };
                let said = Some(*says).filter(|says| (*says, says_beside) != (shown_to, beside));
                let (title, names) = (title.clone(), beside.names);
                (RaidRow { title, names, closed: false, said, ..row.seen_by(shown_to) }, beside.delay_ms)
            }
            Wanted::ToShow(Show { form, .. }) => {
                let before = self.row.shown_to();
                let shown_to = ShownTo {
                    live: form.visibility.unwrap_or(before.live),
                    report: form.report_visibility.map_or(before.report, Into::into),
                };
                let delay_ms = form.delay_s.map_or(self.row.delay.ms, |delay_s| i64::from(delay_s) * 1_000);
                let beside = Beside { names: form.names.unwrap_or(self.row.names), delay_ms };
                let said = self.row.said.unwrap_or(before);
                let is_as_said = said == shown_to && self.client_said() == Some(beside);
                let said = Some(said).filter(|_| !is_as_said);
                (RaidRow { said, names: beside.names, ..row.seen_by(shown_to) }, delay_ms)
            }
        }
    }

    /// What the raid's client said last of names and delay; `None` where that is not known any more.
    fn client_said(&self) -> Option<Beside> {
        let RaidRow { said, names, delay, .. } = &self.row;
        self.said_beside.or_else(|| said.is_none().then_some(Beside { names: *names, delay_ms: delay.ms }))
    }

    /// Names and delay of a raid that somebody showed otherwise than its client says, which says this of them now.
    fn beside_though_said(&self, says: Beside) -> Beside {
        let (names, delay_ms) = (self.row.names, self.row.delay.ms);
        match self.client_said() {
            Some(before) => Beside {
                names: if says.names == before.names { names } else { says.names },
                delay_ms: if says.delay_ms == before.delay_ms { delay_ms } else { says.delay_ms },
            },
            // It may say again what it said before, or something else: nobody sees more by it.
            None => Beside { names: stricter_names(names, says.names), delay_ms: delay_ms.max(says.delay_ms) },
        }
    }

    /// Keeps what the first of those wants of the raid.
    fn keep_next(&mut self) {
        while let Some(next) = self.wanted.front() {
            let (mut kept, delay_ms) = self.as_wanted(next);
            let (says_title, note) = match next {
                Wanted::ToSpeak(_) => (kept.title.is_some(), None),
                Wanted::ToShow(next) => (false, Some(next.note)),
            };
            if kept == self.row && delay_ms == self.row.delay.ms {
                self.keep_first(&kept);
                continue;
            }
            let hides = kept.names != NamesPolicy::Full && self.row.names == NamesPolicy::Full;
            let delay = self.row.delay;
            let context = Arc::clone(&self.around.context);
            let keeping = async move {
                // Those of fights that were kept while it hid nobody: before the store says that it does, for from then on
                // nothing may show them, and this takes a while.
                let numbered = if hides { context.veils.number_reports(&kept).await } else { Ok(()) };
                // All was shown until now.
                kept.delay = delay.changed_to(delay_ms, context.clock.now_ms());
                let keeping = async {
                    numbered?;
                    context.store.update_raid(&kept, note).await?;
                    if says_title {
                        // Where that was cleared for good there is none.
                        let held = context.store.raid_by_code(&kept.code).await?;
                        kept.title = held.and_then(|held| held.title);
                    }
                    Ok(())
                };
                let result = keeping.await;
                Chore::Attached { kept: Box::new(kept), result }
            };
            self.chores.push(keeping.boxed());
            return;
        }
    }

    pub(super) fn attached(&mut self, kept: &RaidRow, result: Result<(), StoreError>) {
        match result {
            Ok(()) => {
                // What may be told of it has changed, whoever said so.
                self.around.context.webhooks.came();
                self.keep_first(kept);
            }
            Err(error) => {
                tracing::warn!(raid = self.row.code, %error, "could not keep what a raid is from now on");
                if let Some(Wanted::ToSpeak(Attach { reply, .. }) | Wanted::ToShow(Show { reply, .. })) =
                    self.wanted.pop_front()
                {
                    let _ = reply.send(Err(error));
                }
            }
        }
        self.keep_next();
    }

    /// The raid is kept as the first that waits wants it; if that is a connection, it speaks for the raid from now on.
    fn keep_first(&mut self, kept: &RaidRow) {
        let Some(first) = self.wanted.pop_front() else { return };
        self.said_beside = match &first {
            Wanted::ToSpeak(Attach { names, delay_ms, .. }) => Some(Beside { names: *names, delay_ms: *delay_ms }),
            Wanted::ToShow(..) => self.client_said(),
        };
        let title = match &first {
            // Read before it was cleared, it may be told after that.
            Wanted::ToSpeak(_) => kept.title.clone().filter(|_| !self.title_cleared),
            // It may have been cleared meanwhile.
            Wanted::ToShow(..) => self.row.title.clone(),
        };
        let tickets = self.row.tickets;
        let RaidRow { said, names, delay, closed, .. } = *kept;
        let row = self.row.clone().seen_by(kept.shown_to());
        self.be(RaidRow { title, said, names, delay, closed, tickets, ..row });
        let Attach { connection, replies, reads, manages, reply, .. } = match first {
            Wanted::ToSpeak(attach) => attach,
            Wanted::ToShow(Show { reply, .. }) => {
                let _ = reply.send(Ok(self.row.clone()));
                self.raid_changed();
                return;
            }
        };
        // Its socket may have gone while it waited: the one before it stays then.
        if reply.send(Ok(self.row.clone())).is_err() {
            return;
        }
        if let Some(before) = self.uplink.take() {
            let text = "another connection speaks for this raid now: close this client, or the other one".to_owned();
            let _ = before.replies.try_send(UplinkReply::Refused(Refused {
                code: RefusedCode::Fenced,
                text,
                scope: RefusedScope::Connection,
                retry_ms: None,
                h: None,
                enc: None,
            }));
        }
        // Begins of the connection before are nobody's.
        self.waiting.clear();
        self.connections.note(self.around.context.clock.now_ms(), true);
        let (handles, elsewhere) = (Handles::new(), HashMap::new());
        self.uplink = Some(Uplink { connection, replies, reads, manages, handles, elsewhere });
        self.raid_changed();
    }

    /// The raid is so from now on: whoever may see less of it than before is let go at this moment.
    pub(super) fn be(&mut self, row: RaidRow) {
        let before = std::mem::replace(&mut self.row, row);
        // First: who may see nothing of it any more is not told to come back for something else.
        let (visibility, tickets) = (self.row.visibility, self.row.tickets);
        self.stages.dismiss_all(Whom::NoLonger { visibility, tickets }, NOT_FOR_YOU, None);
        if (self.row.names, is_shown_alike(&self.row)) != (before.names, is_shown_alike(&before))
            || (self.row.delay.ms > 0) != (before.delay.ms > 0)
        {
            self.set_stages();
        } else if self.row.delay != before.delay
            && let Some(others) = self.stages.others_mut()
        {
            others.new_epoch();
        }
        if self.row.delay.ms != before.delay.ms {
            self.around.channels.delayed(self.row.account, self.row.delay.ms);
        }
        if self.row.title != before.title {
            self.stages.refresh_all();
        }
        if self.row.policy() != before.policy() {
            self.let_go();
        }
    }

    /// The account's channel shows another raid: who came by it moves on, and others when that has come for them.
    pub(super) fn superseded(&mut self) {
        let (account, tickets) = (self.row.account, self.row.tickets);
        // It may have come back meanwhile.
        if !self.around.channels.shows(account, &self.row.code) {
            let whom = Whom::MembersByChannel { tickets };
            self.stages.dismiss_all(whom, MOVED_ON, Some(MOVED_ON_RETRY_MS));
            self.others_move_on = true;
        }
        self.let_others_move_on();
    }

    /// Whoever came by the channel moves on, once it shows others another raid, too.
    pub(super) fn let_others_move_on(&mut self) {
        if self.others_move_on && !self.around.channels.shows_others(self.row.account, &self.row.code) {
            self.others_move_on = false;
            if !self.around.channels.shows(self.row.account, &self.row.code) {
                self.stages.dismiss_all(Whom::ByChannel, MOVED_ON, Some(MOVED_ON_RETRY_MS));
            }
        }
    }

    /// The raid has no title from now on, whoever says one.
    pub(super) fn title_cleared(&mut self) {
        self.title_cleared = true;
        self.be(RaidRow { title: None, ..self.row.clone() });
    }

    /// Other tickets are good from now on.
    pub(super) fn tickets_renewed(&mut self, raid: Option<u32>, channel: u32) {
        let tickets = Tickets { raid: raid.unwrap_or(self.row.tickets.raid), channel };
        self.be(RaidRow { tickets, ..self.row.clone() });
    }

    /// A link is good no more: who came by it goes, and comes back as anybody where that may see the raid.
    pub(super) fn link_ended(&mut self, link: LinkId) {
        let (reason, retry_ms) = self.without_link();
        self.stages.dismiss_all(Whom::ByLink(link), reason, retry_ms);
    }

    /// What somebody is told whose link is good no more.
    pub(super) fn without_link(&self) -> (&'static str, Option<u32>) {
        match self.row.visibility {
            Visibility::Private => (NOT_FOR_YOU, None),
            Visibility::Public | Visibility::Unlisted => (LINK_OVER, Some(SHOWN_OTHERWISE_RETRY_MS)),
        }
    }

    /// Says goodbye to all who may no longer see the raid.
    fn let_go(&mut self) {
        let policy = self.row.policy();
        let tickets = policy.tickets;
        for held in self.encounters.values_mut().filter(|held| held.row.raid_code == self.row.code) {
            held.row.set_policy(policy);
            held.changes += 1;
        }
        if !is_shown_alike(&self.row) {
            // Whose ticket is good no more sees the raid as anybody does, if he still sees it.
            let (whom, retry_ms) = (Whom::NoMembers { tickets }, Some(SHOWN_OTHERWISE_RETRY_MS));
            self.stages.get_mut(Of::Members).room.dismiss_all(whom, SHOWN_OTHERWISE, retry_ms);
        }
        self.around.context.access.tell(&self.row.code);
    }
}

/// What somebody is told whose channel shows another raid now.
pub(super) const MOVED_ON: &str = "the channel shows another raid now; come back for it";
/// He comes back after this, ms: to the channel's address, where the other raid is.
pub(super) const MOVED_ON_RETRY_MS: u32 = 100;
/// The same for who comes by a channel that is elsewhere: the store may lead him here once more until it is.
pub(super) const MOVES_ON_RETRY_MS: u32 = 2_000;
/// What somebody is told whose link is good no more, where the raid is not private.
const LINK_OVER: &str = "this link is good no more; come back without it";
/// What somebody is told who may no longer see a raid.
pub(crate) const NOT_FOR_YOU: &str = "this raid is not for you any more: ask its uploader for a link";
