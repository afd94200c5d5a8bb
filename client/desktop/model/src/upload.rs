//! An upload of old fights beside the run: what it would send, and what becomes of it.
//!
//! One invariant: what is sent is what somebody agreed to, by the fights' names, to be seen by whom he agreed to; that
//! is kept until it has come to its end, so that it goes on when the app was killed.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use raidcast::history::{Before, Plan, PlanError, Tally, Upload, UploadEnd};
use raidcast::uploader::record::{Finished, How};
use raidcast::uploader::seen_by::SeenBy;
use raidcast::uploader::{Change, Options, Summary};
use raidcast_shared::uplink::{NamesPolicy, RefusedScope, Visibility};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use crate::hearing::Hearing;
use crate::view::{self, Parts, UploadHow, UploadStep, UploadView};
use crate::words::Words;

/// A relay that confirms nothing for so long is given up; until then it goes on by itself.
const PATIENCE: Duration = Duration::from_hours(24);
/// That parts of a fight have arrived is told at most so often, ms.
const PARTS_MS: u64 = 250;

/// Which fights are meant.
#[derive(Clone, Debug)]
pub(crate) enum Which {
    /// These, by name.
    These(HashSet<String>),
    /// Those that began since then, Unix ms.
    Since(i64),
}

/// What would be sent.
#[derive(Debug)]
pub(crate) struct Planned {
    /// To which relay.
    pub(crate) relay: String,
    /// The fights.
    pub(crate) plan: Plan,
    /// What is known of them.
    pub(crate) before: Before,
    /// Who may find and see them.
    pub(crate) visibility: Visibility,
    /// Which names those see who are no members.
    pub(crate) names: NamesPolicy,
}

/// Reads which fights would be sent. It may take seconds, and waits for a database that another program holds: not for
/// a task that others wait for. `runtime`: the one whose time passes meanwhile.
///
/// # Errors
/// The database or the state folder cannot be read.
pub(crate) fn plan(
    options: &Options,
    which: &Which,
    visibility: Visibility,
    names: NamesPolicy,
    runtime: &Handle,
) -> Result<Planned, PlanError> {
    let since_ms = match which {
        Which::These(_) => None,
        Which::Since(since_ms) => Some(*since_ms),
    };
    let making = Plan::make(options.db.as_deref(), &options.places, &options.state, since_ms);
    let mut plan = runtime.block_on(making)?;
    if let Which::These(chosen) = which {
        plan.fights.retain(|fight| chosen.contains(&fight.encounter.to_string()));
        plan.unfinished = plan.fights.iter().filter(|fight| fight.end.is_none()).count();
    }
    let seen_by = SeenBy { visibility: Some(visibility), names: Some(names) };
    let Options { state, relay, key, clock, .. } = options;
    let before = plan.before(state, relay, key, clock.unix_ms(), seen_by)?;
    Ok(Planned { relay: relay.clone(), plan, before, visibility, names })
}

impl Planned {
    /// What the library is to do.
    pub(crate) fn options(&self, options: &Options) -> Options {
        Options {
            db: Some(self.plan.found.path.clone()),
            history: Some(self.plan.history(PATIENCE)),
            visibility: Some(self.visibility),
            names: Some(self.names),
            ..options.clone()
        }
    }

    /// The fights, by name.
    pub(crate) fn names_of_fights(&self) -> Vec<String> {
        self.plan.fights.iter().map(|fight| fight.encounter.to_string()).collect()
    }

    /// As it is shown before somebody agrees; `number` names it.
    pub(crate) fn view(&self, number: u64, relay: &str, words: &dyn Words) -> view::UploadPlan {
        let fights = &self.plan.fights;
        view::UploadPlan {
            plan: number,
            fights: fights.len() as u64,
            there: self.before.there as u64,
            agreed: self.before.agreed as u64,
            first_ms: fights.first().map(|fight| fight.started_at_ms),
            last_ms: fights.last().map(|fight| fight.started_at_ms),
            relay: relay.to_owned(),
            sentence: words.plan_of(fights.len(), self.before, relay, self.visibility, self.names),
        }
    }
}

/// What is heard of an upload, by who sends it and who shows it. The lock is never kept across an await.
pub(crate) struct UploadHeard {
    held: Mutex<Held>,
    steps: Option<mpsc::Sender<UploadStep>>,
    hearing: Arc<Hearing>,
    words: &'static dyn Words,
    of: u64,
}

struct Held {
    upload: Upload,
    connected: bool,
    /// What waits for room where it is shown. Of each fight there is its end, and how far it is.
    waiting: VecDeque<UploadStep>,
    /// When parts of a fight were told last, ms.
    told_ms: HashMap<String, u64>,
}

impl UploadHeard {
    /// Nothing was heard; `steps`: who wants each.
    pub(crate) fn new(
        planned: &Planned,
        relay: &str,
        steps: Option<mpsc::Sender<UploadStep>>,
        hearing: Arc<Hearing>,
        words: &'static dyn Words,
    ) -> Self {
        let held = Held {
            upload: Upload::of(&planned.plan, relay),
            connected: true,
            waiting: VecDeque::new(),
            told_ms: HashMap::new(),
        };
        Self { held: Mutex::new(held), steps, hearing, words, of: planned.plan.fights.len() as u64 }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        // What a panic may leave is a tally that lacks a fight.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in a change; it waits for nobody.
    pub(crate) fn hear(&self, change: &Change, now_ms: u64) {
        let mut held = self.held();
        match change {
            Change::Connected { .. } => held.connected = true,
            Change::Disconnected { .. } => held.connected = false,
            _ => {}
        }
        let before = held.upload.hear(change);
        let told: Vec<_> = before.iter().chain([change]).filter_map(|change| step(change, self.words)).collect();
        let is_end = told.iter().any(|step| matches!(step, UploadStep::Done { .. }));
        for step in told {
            held.push(step, now_ms);
        }
        if let Some(steps) = &self.steps {
            while let Some(step) = held.waiting.pop_front() {
                if let Err(mpsc::error::TrySendError::Full(step)) = steps.try_send(step) {
                    held.waiting.push_front(step);
                    break;
                }
            }
        } else {
            held.waiting.clear();
        }
        drop(held);
        self.hearing.nudge(is_end);
    }

    /// How far it is.
    pub(crate) fn view(&self) -> UploadView {
        let held = self.held();
        let tally = held.upload.tally();
        let done = tally.done();
        UploadView { done, of: self.of, sentence: self.words.uploading(tally, self.of, held.connected) }
    }

    /// The run has come to its end: what was not told of single fights is told now.
    pub(crate) async fn end(&self, summary: &Summary) -> UploadEnd {
        let (end, waiting) = {
            let mut held = self.held();
            let waiting: Vec<_> = held.waiting.drain(..).collect();
            (held.upload.clone().end(summary), waiting)
        };
        let untold = end.untold.iter().filter_map(|change| step(change, self.words));
        let steps: Vec<_> = waiting.into_iter().chain(untold).collect();
        if let Some(told) = &self.steps {
            for step in steps {
                // Whoever looked on may have gone.
                if told.send(step).await.is_err() {
                    break;
                }
            }
        }
        end
    }
}

impl Held {
    fn push(&mut self, step: UploadStep, now_ms: u64) {
        if let UploadStep::Fight { encounter, parts } = &step {
            let last_ms = self.told_ms.get(encounter);
            let is_soon = last_ms.is_some_and(|last_ms| now_ms < last_ms + PARTS_MS);
            if is_soon && parts.arrived < parts.of {
                return;
            }
            self.told_ms.insert(encounter.clone(), now_ms);
            let same =
                |held: &UploadStep| matches!(held, UploadStep::Fight { encounter: held, .. } if held == encounter);
            self.waiting.retain(|held| !same(held));
        }
        self.waiting.push_back(step);
    }
}

/// How it ended, as it is shown.
pub(crate) fn end_of(end: &UploadEnd, words: &dyn Words) -> view::UploadEnd {
    let Tally { new, known, kept, failed, .. } = end.tally;
    let said = words.uploaded(&end.tally, end.waiting);
    view::UploadEnd {
        sent: new,
        known: known + kept,
        refused: failed,
        waiting: end.waiting,
        sentence: said.sentence,
        remedy: said.remedy,
    }
}

/// What a change says to whoever looks on.
fn step(change: &Change, words: &dyn Words) -> Option<UploadStep> {
    let note = |sentence: String| Some(UploadStep::Note { sentence });
    match change {
        Change::Acked { encounter, seq, of } => {
            Some(UploadStep::Fight { encounter: encounter.clone(), parts: Parts { arrived: *seq, of: *of } })
        }
        Change::Uploaded { fight } | Change::Failed { fight } | Change::Unsent { fight } => Some(done(fight, words)),
        Change::Unreadable { encounter, why, .. } => Some(UploadStep::Done {
            encounter: encounter.clone(),
            how: UploadHow::Refused,
            why: Some(words.unreadable(*why).text()),
            url: None,
        }),
        Change::Stopped { why, .. } => note(words.not_sent(why).text()),
        Change::Stalled { why } => note(words.stall(why).text()),
        Change::Waiting { why, .. } => note(words.no_database(why).text()),
        Change::Disconnected { why, was_connected, .. } => note(words.outage(why, *was_connected).text()),
        Change::Refused { code, text, scope: RefusedScope::Connection, .. } => note(words.refused(*code, text).text()),
        Change::ShownOtherwise { is_private } => note(words.shown_otherwise(*is_private).text()),
        Change::SetThere { names, delay_s } => note(words.set_there(*names, *delay_s).text()),
        Change::Watching { .. }
        | Change::History { .. }
        | Change::Connected { .. }
        | Change::Begun { .. }
        | Change::Idle { .. }
        | Change::Ended { .. }
        | Change::Finalized { .. }
        | Change::Kept { .. }
        | Change::Refused { .. }
        | Change::Resumed
        | Change::Reread { .. }
        | Change::Status(_) => None,
    }
}

fn done(fight: &Finished, words: &dyn Words) -> UploadStep {
    UploadStep::Done {
        encounter: fight.encounter.clone(),
        how: match fight.result {
            How::New => UploadHow::New,
            How::Known => UploadHow::Known,
            How::Kept => UploadHow::Kept,
            How::Refused => UploadHow::Refused,
            How::Waiting => UploadHow::Waiting,
        },
        why: fight.why.as_ref().map(|why| words.not_sent(why).text()),
        url: fight.url.clone(),
    }
}

#[cfg(test)]
mod tests {
    use raidcast::socket::Outage;
    use raidcast::source::{Found, Generation};
    use raidcast::uploader::record::NotSent;
    use raidcast_shared::uplink::Outcome;

    use super::*;
    use crate::language::Language;
    use crate::words::of;

    fn planned() -> Planned {
        let plan = Plan {
            found: Found { path: "/m.db".into(), generation: Generation::Aggregate, meter: "m".into() },
            fights: Vec::new(),
            unfinished: 0,
            earlier: 0,
            as_agreed: std::collections::BTreeSet::new(),
            going_on: None,
        };
        let relay = "https://raid.example".to_owned();
        Planned { relay, plan, before: Before::default(), visibility: Visibility::Private, names: NamesPolicy::Full }
    }

    fn acked(seq: u64) -> Change {
        Change::Acked { encounter: "one".into(), seq, of: 9 }
    }

    fn finished(result: How) -> Finished {
        Finished {
            encounter: "one".into(),
            title: None,
            started_at_ms: 0,
            duration_ms: 1,
            events: 1,
            outcome: Outcome::Kill,
            report_id: None,
            url: None,
            result,
            why: (result == How::Refused).then_some(NotSent::Removed),
            relay: "r".into(),
            seen_by: None,
            raid: None,
        }
    }

    #[tokio::test]
    async fn steps_are_told_in_their_order_and_parts_not_too_often() {
        let (told, mut steps) = mpsc::channel(2);
        let words = of(Language::English);
        let heard = UploadHeard::new(&planned(), "r", Some(told), Arc::default(), words);
        heard.hear(&acked(1), 0);
        for seq in 2..9 {
            heard.hear(&acked(seq), 100);
        }
        heard.hear(&acked(9), 200);
        // There is no room for these yet.
        heard.hear(&Change::Uploaded { fight: finished(How::New) }, 201);
        heard.hear(&Change::Failed { fight: finished(How::Refused) }, 202);
        let parts = |arrived| UploadStep::Fight { encounter: "one".into(), parts: Parts { arrived, of: 9 } };
        assert_eq!([steps.recv().await.unwrap(), steps.recv().await.unwrap()], [parts(1), parts(9)]);
        assert_eq!(heard.view().done, 2);
        heard.hear(&Change::Disconnected { why: Outage::Cut, retry_ms: 1, was_connected: true }, 300);
        assert!(heard.view().sentence.contains("goes on by itself"), "{}", heard.view().sentence);
        let ending = async {
            let end = heard.end(&Summary::default()).await;
            assert_eq!((end.tally.new, end.tally.failed), (1, 1));
            drop(heard);
        };
        let hearing = async {
            let mut rest = Vec::new();
            while let Some(step) = steps.recv().await {
                rest.push(step);
            }
            rest
        };
        let ((), rest) = tokio::join!(ending, hearing);
        let done = |how, why: Option<&str>| UploadStep::Done {
            encounter: "one".into(),
            how,
            why: why.map(str::to_owned),
            url: None,
        };
        let removed = "The meter has removed this fight from its database before it was read.";
        let cut = UploadStep::Note { sentence: "The connection was cut.".into() };
        assert_eq!(rest, [done(UploadHow::New, None), done(UploadHow::Refused, Some(removed)), cut]);
    }

    #[test]
    fn what_is_asked_of_the_library_is_what_was_agreed_to() {
        let planned = planned();
        let base = Options::new("https://raid.example", "key", "/state");
        let options = planned.options(&base);
        assert_eq!((options.visibility, options.names), (Some(Visibility::Private), Some(NamesPolicy::Full)));
        assert_eq!(options.db.as_deref(), Some(std::path::Path::new("/m.db")));
        assert!(options.history.is_some_and(|history| history.fights.is_empty()));
        let shown = planned.view(7, "https://raid.example", of(Language::English));
        assert_eq!((shown.plan, shown.fights, shown.first_ms), (7, 0, None));
    }
}
