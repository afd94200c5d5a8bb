//! What is asked at the first start, and where a relay or a key is changed later: the meter, the relay, the key for it.
//!
//! One invariant: the settings name another relay only when there is a key for it.

use raidcast::keys::named;
use raidcast::pairing::Invitation;
use raidcast::relay_link::relay_of;
use raidcast::settings::{self, Edit, SettingsEdit, SettingsFault};
use raidcast_shared::uplink::Visibility;
use tokio::task::JoinHandle;

use super::Task;
use super::done::Done;
use super::patience::{InTime, LOOK, in_time};
use crate::ask::{Answer, Outcome};
use crate::links;
use crate::meters::{self, Seen};
use crate::own::Old;
use crate::pairing::{Gotten, KeyPlace};
use crate::state::State;
use crate::upload::Which;
use crate::view::{
    FirstChoice, FirstStep, FirstView, KeptView, MeterView, NowView, OldChoice, PairStep, PairView, RelayView,
    SettingsChange,
};
use crate::wrong::Wrong;

impl Task {
    /// Does something beside this task; what comes of it comes back.
    pub(super) fn aside(&self, work: impl Future<Output = Done> + Send + 'static) -> JoinHandle<()> {
        let done = self.done.clone();
        tokio::spawn(async move {
            // Nobody waits for it where the task has ended.
            let _ = done.send(work.await).await;
        })
    }

    /// Looks for the meter, and answers how the first start stands.
    pub(super) fn first(&mut self, answer: Outcome<FirstView>) {
        let (chosen, mut places) = (self.known.file.db.clone(), self.setup.places.clone());
        let named = chosen.clone();
        self.aside(async move {
            let seen = in_time(LOOK, move || {
                places.rescan();
                meters::see(chosen.as_deref(), &places)
            });
            match seen.await {
                InTime::Done(seen) => Done::Seen(seen, answer),
                InTime::Silent => Done::Seen(Seen::silent(named.as_deref()), answer),
                InTime::Fell => Done::Fell,
            }
        });
    }

    pub(super) fn seen(&self, seen: Seen) -> FirstView {
        let words = self.words();
        let relay = self.relay_view();
        let no_meter = seen.found.as_ref().err().map(|why| words.no_database(why).text());
        let step = match &relay {
            _ if self.own.own().first_done => FirstStep::Done,
            _ if no_meter.is_some() && !self.drafts.without_meter => FirstStep::Meter,
            None => FirstStep::Relay,
            Some(relay) if !relay.paired => FirstStep::Pair,
            Some(_) => FirstStep::Fights,
        };
        let meter =
            seen.found.ok().map(|found| MeterView { newest: true, ..meters::view(&found.path, Ok(&found), words) });
        FirstView { step, meter, no_meter, relay, old: seen.old }
    }

    fn relay_view(&self) -> Option<RelayView> {
        let of = |relay: &str, invited, paired| RelayView {
            relay: relay.to_owned(),
            invited,
            plain: links::is_plain(relay),
            paired,
        };
        match (&self.drafts.draft, &self.known.relay) {
            (Some(draft), _) => Some(of(&draft.relay, draft.invitation.is_some(), false)),
            (None, Some(relay)) => Some(of(relay, false, self.known.paired)),
            (None, None) => None,
        }
    }

    pub(super) fn find_meters(&self, answer: Answer<Vec<MeterView>>) {
        let (chosen, places, words) = (self.known.file.db.clone(), self.setup.places.clone(), self.words());
        let named = chosen.clone();
        tokio::spawn(async move {
            let found = match in_time(LOOK, move || meters::all(chosen.as_deref(), &places, words)).await {
                InTime::Done(found) => found,
                InTime::Silent => meters::silent(named.as_deref(), words),
                InTime::Fell => Vec::new(),
            };
            let _ = answer.send(found);
        });
    }

    pub(super) async fn use_meter(&mut self, path: Option<String>, answer: Outcome<FirstView>) {
        self.drafts.without_meter = path.is_none();
        match self.change(SettingsChange::MeterPath { path }).await {
            Ok(_) => self.first(answer),
            Err(wrong) => {
                let _ = answer.send(Err(self.fault(&wrong)));
            }
        }
    }

    /// Nobody is asked: the relay is named in the settings when there is a key for it.
    pub(super) fn relay(&mut self, text: &str) -> Result<RelayView, Wrong> {
        let link = relay_of(text).map_err(Wrong::Address)?;
        let is_known = self.known.relay.as_deref().map(named).as_ref() == Some(&link.relay);
        self.stop_pairing();
        self.drafts.draft = Some(link).filter(|_| !(is_known && self.known.paired));
        self.relay_view().ok_or(Wrong::NoRelay)
    }

    /// Where a key is for, and where it is to be kept.
    fn key_place(&self) -> Result<KeyPlace, Wrong> {
        let relay = self.drafts.draft.as_ref().map(|draft| draft.relay.clone());
        let relay = relay.or_else(|| self.known.relay.clone()).ok_or(Wrong::NoRelay)?;
        Ok(KeyPlace {
            relay,
            trust: settings::trust(self.known.file.ca.as_deref())?,
            file: self.setup.home.keys.clone(),
            keys: self.setup.keys,
        })
    }

    /// Asks the relay for a code; whoever asked is answered when it is there.
    pub(super) fn pair(&mut self, answer: Outcome<PairView>) {
        self.stop_pairing();
        let place = match self.key_place() {
            Ok(place) => place,
            Err(wrong) => {
                let _ = answer.send(Err(self.fault(&wrong)));
                return;
            }
        };
        self.drafts.pairings += 1;
        self.drafts.answer = Some(answer);
        let (number, done) = (self.drafts.pairings, self.done.clone());
        self.drafts.pairing = Some(tokio::spawn(async move {
            let begun = place.begin().await;
            let (pairing, told) = match begun {
                Ok((pairing, invitation)) => (Some(pairing), Ok(invitation)),
                Err(wrong) => (None, Err(wrong)),
            };
            let _ = done.send(Done::Code(number, told)).await;
            if let Some(pairing) = pairing {
                let _ = done.send(Done::Paired(number, place.finish(pairing).await)).await;
            }
        }));
    }

    pub(super) fn code(&mut self, number: u64, told: Result<Invitation, Wrong>) {
        if number != self.drafts.pairings {
            return;
        }
        let view = told.and_then(|invitation| self.pair_view(&invitation));
        let view = self.told(view);
        match &view {
            Ok(view) => {
                self.drafts.code = Some(view.code.clone());
                self.drafts.step = PairStep::Waiting { view: view.clone() };
            }
            Err(fault) => self.drafts.step = PairStep::Failed { fault: fault.clone() },
        }
        if let Some(answer) = self.drafts.answer.take() {
            let _ = answer.send(view);
        }
    }

    fn pair_view(&self, invitation: &Invitation) -> Result<PairView, Wrong> {
        // The relay may know its own address otherwise: the page is the one of the address that was given.
        let page = links::pair_page(&self.key_place()?.relay)?;
        let lasts_ms = i64::try_from(invitation.minutes).unwrap_or(60).saturating_mul(60_000);
        let until_ms = self.setup.clock.unix_ms().saturating_add(lasts_ms);
        Ok(PairView { page, code: invitation.code.clone(), until_ms })
    }

    pub(super) async fn paired(&mut self, number: u64, told: Result<Gotten, Wrong>) {
        if number != self.drafts.pairings {
            return;
        }
        let kept = match told {
            Ok(gotten) => self.adopt(gotten).await,
            Err(wrong) => Err(wrong),
        };
        (self.drafts.code, self.drafts.pairing) = (None, None);
        self.drafts.step = match self.told(kept) {
            Ok(kept) => PairStep::Paired { kept },
            Err(fault) => PairStep::Failed { fault },
        };
    }

    pub(super) fn pairing(&self) -> PairStep {
        self.drafts.step.clone()
    }

    pub(super) fn stop_pairing(&mut self) {
        if let Some(pairing) = self.drafts.pairing.take() {
            pairing.abort();
        }
        // What is on its way of it is not wanted.
        self.drafts.pairings += 1;
        (self.drafts.answer, self.drafts.code) = (None, None);
        self.drafts.step = PairStep::None;
    }

    pub(super) fn paste_key(&mut self, key: String, answer: Outcome<KeptView>) {
        match self.key_place() {
            Ok(place) => {
                let clock = self.setup.clock.clone();
                self.aside(async move { Done::Pasted(place.paste(&key, &clock).await, answer) });
            }
            Err(wrong) => {
                let _ = answer.send(Err(self.fault(&wrong)));
            }
        }
    }

    pub(super) fn forget_key(&mut self, answer: Outcome<bool>) {
        match self.key_place() {
            Ok(place) => {
                self.aside(async move { Done::Forgot(place.forget().await, answer) });
            }
            Err(wrong) => {
                let _ = answer.send(Err(self.fault(&wrong)));
            }
        }
    }

    /// There is a key for a relay: that is the relay from now on.
    pub(super) async fn adopt(&mut self, gotten: Gotten) -> Result<KeptView, Wrong> {
        let Gotten { relay, account, kept, file } = gotten;
        let sentence = self.words().kept(&kept, &file);
        let in_file = matches!(kept, raidcast::keys::Kept::InFile { .. });
        self.drafts.draft = None;
        self.edit(SettingsEdit { relay: Edit::Set(relay.clone()), ..SettingsEdit::default() }).await?;
        if self.known.relay.as_deref().map(named).as_deref() != Some(relay.as_str()) {
            self.hearing.with(State::forget_link);
        }
        (self.known.relay, self.known.paired) = (Some(relay), true);
        Ok(KeptView { account, sentence, in_file })
    }

    /// The page where a code is confirmed, behind the invitation if there is one.
    pub(super) fn pair_link(&self) -> Option<String> {
        let (relay, code) = (self.key_place().ok()?.relay, self.drafts.code.as_ref()?);
        let invitation = self.drafts.draft.as_ref().and_then(|draft| draft.invitation.as_ref());
        let link = match invitation {
            Some(invitation) => links::join(&relay, invitation, code),
            None => links::pair(&relay, code),
        };
        link.ok()
    }

    /// The first start is over: from now on fights are live.
    pub(super) async fn finish_first(&mut self, choice: FirstChoice) -> Result<NowView, Wrong> {
        let FirstChoice { old, shown } = choice;
        if self.known.relay.is_none() {
            return Err(Wrong::NoRelay);
        }
        if !self.known.paired {
            return Err(Wrong::Settings(SettingsFault::NoKey));
        }
        settings::delay(i64::from(shown.delay_s))?;
        // What becomes of old fights was said: nothing more of them is sent unasked.
        let kept = self.own.change(|own| (own.first_done, own.old) = (true, Old::None));
        let changed = self.change(SettingsChange::Shown { shown }).await;
        let which = match old {
            OldChoice::None => None,
            OldChoice::Since { since_ms } => Some(Which::Since(since_ms)),
            OldChoice::These { fights } => Some(Which::These(fights.into_iter().collect())),
        };
        // It is planned when the settings have been read.
        // Old fights are reports alone: who sees those was asked, too.
        let seen_by = Option::<Visibility>::from(shown.report_visibility).unwrap_or(shown.visibility);
        self.uploads.wished = which.map(|which| (which, seen_by, shown.names));
        changed?;
        kept?;
        Ok(self.show())
    }
}
