//! What is looked up beside the model's task, and answered from there: fights, their links, a text for whoever helps.

use std::sync::Arc;

use raidcast::history::PlanError;
use raidcast::os_error::OsError;
use raidcast::source::NoDatabase;
use tokio::task::spawn_blocking;

use super::Task;
use super::patience::{InTime, LIST, in_time};
use crate::ask::{Answer, Outcome};
use crate::bundle::Bundle;
use crate::fault::fault;
use crate::fights::{self, FightPlaces};
use crate::links::{LinkFault, may_open};
use crate::view::{FightFilter, FightPage};
use crate::wrong::Wrong;

impl Task {
    fn fight_places(&self) -> FightPlaces {
        let file = &self.known.file;
        let (state, unix_ms) = (&self.setup.home.state, self.setup.clock.unix_ms());
        fights::places(file.db.as_deref(), &self.setup.places, file.meter_data.as_deref(), state, unix_ms)
    }

    /// A page of the list of fights.
    pub(super) fn fights(&self, filter: FightFilter, answer: Answer<FightPage>) {
        let (at, glances, words) = (self.fight_places(), Arc::clone(&self.glances), self.words());
        let named = at.db.clone();
        tokio::spawn(async move {
            let listed = in_time(LIST, move || {
                let (page, wrong) = fights::page(&at, &filter, &glances, words);
                FightPage { fault: wrong.map(|wrong| fault(&wrong, words)), ..page }
            });
            let page = match listed.await {
                InTime::Done(page) => page,
                InTime::Silent => {
                    let wrong = Wrong::Plan(PlanError::Database(NoDatabase::silent(named.as_deref())));
                    FightPage { fault: Some(fault(&wrong, words)), ..FightPage::default() }
                }
                InTime::Fell => FightPage::default(),
            };
            // Whoever asked may have gone.
            let _ = answer.send(page);
        });
    }

    /// The link of a fight's report: one that is to be opened has to be the relay's.
    pub(super) fn fight_link(&self, encounter: String, to_open: bool, answer: Outcome<String>) {
        let (at, words, relay) = (self.fight_places(), self.words(), self.known.relay.clone());
        tokio::spawn(async move {
            let url = spawn_blocking(move || fights::url_of(&at, &encounter)).await.ok().flatten();
            let judged = match (url, relay) {
                (Some(url), Some(relay)) if to_open => may_open(&url, &relay).map_err(Wrong::Link),
                (Some(url), _) if !to_open => Ok(url),
                (Some(_), _) => Err(Wrong::NoRelay),
                (None, _) => Err(Wrong::Link(LinkFault::Missing)),
            };
            let _ = answer.send(judged.map_err(|wrong| fault(&wrong, words)));
        });
    }

    /// A text for whoever helps.
    pub(super) fn bundle(&mut self, answer: Outcome<std::path::PathBuf>) {
        let stands = self.show();
        let keys = [self.known.file.key.clone(), self.uploads.base.as_ref().map(|options| options.key.clone())];
        let codes = [self.drafts.code.clone()];
        let about = self.about();
        let bundle = Bundle {
            version: about.version,
            system: about.system,
            relay: self.known.relay.clone(),
            meter: stands.meter.as_ref().map(|meter| format!("{}, {}, {}", meter.meter, meter.generation, meter.path)),
            stands: format!("{}. {}", stands.headline, stands.sentence),
            file: self.known.file.clone(),
            state: self.setup.home.state.clone(),
            log: self.setup.log.clone(),
            secrets: keys.into_iter().chain(codes).flatten().collect(),
            unix_ms: self.setup.clock.unix_ms(),
        };
        let (words, folder) = (self.words(), self.setup.log.clone());
        tokio::spawn(async move {
            let written = spawn_blocking(move || bundle.write()).await;
            let written = written.unwrap_or_else(|_| Err(std::io::Error::other("it fell")));
            let wrong = |error: std::io::Error| Wrong::File { path: folder, error: OsError::from(&error) };
            let _ = answer.send(written.map_err(|error| fault(&wrong(error), words)));
        });
    }
}
