//! What the window shows of what is known: one thing after the other, in words.

use raidcast::source::Generation;

use super::beside::Beside;
use super::{Meter, Phase, State};
use crate::links;
use crate::view::{DelayView, ElsewhereView, FightNow, LinkView, MeterView, NowView};
use crate::words::Words;

impl State {
    /// What the window shows.
    pub fn view(&self, beside: &Beside, words: &dyn Words) -> NowView {
        let standing = self.standing();
        let (state, mut said) = (standing.state(), words.standing(&standing));
        if let Some(is_private) = self.otherwise.filter(|_| self.connected) {
            said = said.beside(words.shown_otherwise(is_private));
        }
        if let Some((names, delay_s)) = self.set_there.filter(|_| self.connected) {
            said = said.beside(words.set_there(names, delay_s));
        }
        if let Some(private) = self.pending() {
            said = said.beside(words.pending(private));
        }
        let opens = |url: &str| beside.relay.as_deref().is_some_and(|relay| links::opens(url, relay));
        NowView {
            state,
            headline: words.headline(state).to_owned(),
            sentence: said.sentence,
            remedy: said.remedy,
            meter: self.meter.as_ref().map(|meter| meter.view(words)),
            relay: beside.relay.clone(),
            fight: self.fight(words),
            delay: self.delay(self.shown_s.unwrap_or(beside.shown_s)),
            link: self.link.as_ref().map(|link| LinkView {
                raid: link.raid.clone(),
                channel: link.channel.clone(),
                opens: opens(&link.raid),
                is_private: links::has_ticket(&link.raid),
                asked_private: self.pending(),
            }),
            paused: matches!(self.phase, Phase::Paused),
            elsewhere: match &self.phase {
                Phase::Elsewhere { process, .. } => Some(ElsewhereView { process: *process }),
                _ => None,
            },
            upload: beside.upload.clone(),
            trayed: beside.trayed,
        }
    }

    fn fight(&self, words: &dyn Words) -> Option<FightNow> {
        let fight = self.status.live.as_ref()?;
        let unacknowledged = self.status.unacknowledged;
        Some(FightNow {
            title: fight.title.clone().unwrap_or_else(|| words.nameless().to_owned()),
            elapsed_ms: fight.elapsed_ms,
            events: fight.events,
            unacknowledged,
            arrived: words.arrived(unacknowledged, self.connected),
        })
    }

    fn delay(&self, shown_s: u32) -> Option<DelayView> {
        let delay = self.status.delay?;
        Some(DelayView {
            meter_ms: delay.meter_ms,
            relay_ms: delay.relay_ms,
            waiting_since_ms: delay.waiting_since_ms,
            shown_s,
        })
    }
}

impl Meter {
    fn view(&self, words: &dyn Words) -> MeterView {
        MeterView {
            path: self.path.clone(),
            meter: self.program.clone(),
            generation: self.generation.clone(),
            what: generation(&self.generation)
                .map(|generation| words.generation(generation).to_owned())
                .unwrap_or_default(),
            newest: true,
            fault: None,
        }
    }
}

/// The generation of this name.
fn generation(name: &str) -> Option<Generation> {
    const ALL: [Generation; 5] =
        [Generation::Events, Generation::Counters, Generation::Aggregate, Generation::Summary, Generation::Chunks];
    ALL.into_iter().find(|generation| generation.name() == name)
}
