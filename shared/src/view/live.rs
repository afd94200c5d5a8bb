//! The view of a running fight: keyframes, and ticks with what changed since the tick before.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::attempts::{attempts, begun};
use super::class::class_and_spec;
use super::course::RESIDUE_MS;
use super::facts::{bosses, deaths, place};
use super::figures::{Figures, PlayerFigures};
use super::known::Known;
use super::rates::Rates;
use super::shown::Shown;
use crate::event::{ActorIx, HitKind};
use crate::feed::{Bucket, FeedFight, FeedHappening, FeedPlayer, FightHead, ROW_COLUMNS, Tick};
use crate::fold::{EncounterState, Row};
use crate::limits::KEYFRAME_TIMELINE_S;
use crate::report::{ActiveTime, AttemptRow, Boss, DeathRow, Place, Totals};
use crate::uplink::{Outcome, ReportState};

type RowValues = [i64; ROW_COLUMNS.len()];

/// Of fewer seconds than these each is looked up in every pair.
const FEW_SECONDS: usize = 16;

/// The order is that of [`ROW_COLUMNS`].
fn values(of: &PlayerFigures<'_>, crits_known: bool) -> RowValues {
    let totals = &of.totals;
    let crits = |value: u64| unknown_or(crits_known.then_some(value));
    [
        totals.damage.cast_signed(),
        unknown_or(totals.boss_damage),
        totals.healing.cast_signed(),
        unknown_or(totals.damage_taken),
        totals.hits.cast_signed(),
        totals.heal_hits.cast_signed(),
        crits(of.crit_hits),
        crits(of.lucky_hits),
        unknown_or(totals.deaths),
    ]
}

/// A figure in a row: -1 where it is not known.
fn unknown_or(figure: Option<u64>) -> i64 {
    figure.map_or(-1, u64::cast_signed)
}

/// What the task that owns the fight knows beside its fold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiveFacts {
    /// Where the report stands.
    pub state: ReportState,
    /// How it went.
    pub outcome: Outcome,
    /// Whether its meter, or what read it, has ended it.
    pub ended: bool,
    /// Which reading it is.
    pub revision: u32,
    /// Whether the uploader said that nothing happens.
    pub idle: bool,
}

impl LiveFacts {
    /// Of a fight of which is known so far that it goes on.
    pub fn of_one_that_goes_on(revision: u32) -> Self {
        Self { state: ReportState::Live, outcome: Outcome::Unknown, ended: false, revision, idle: false }
    }
}

/// What spectators of a fight hold after the last tick: a tick is the difference of the state to it.
#[derive(Clone, Debug, Default)]
pub struct LiveView {
    /// Which actors were players at the last step.
    kinds: Vec<bool>,
    order: Vec<ActorIx>,
    places: HashMap<ActorIx, u32>,
    players: Vec<FeedPlayer>,
    rows: Vec<RowValues>,
    head: Option<FightHead>,
    place: Option<Place>,
    bosses: Vec<Boss>,
    attempts: Vec<AttemptRow>,
    attempts_of: Option<AttemptsOf>,
    deaths: Vec<DeathRow>,
    /// Rare events, and what skills were called after them.
    names: Option<(u64, u64)>,
    /// What tells whether any skill row of a player's has changed.
    marks: HashMap<ActorIx, u64>,
    /// Seconds whose sums changed since they were sent.
    pending: BTreeSet<u32>,
    /// Closed seconds, as sent; the last five minutes and whatever changed since.
    closed: BTreeMap<u32, Bucket>,
}

/// What attempts were last made of: they are made again where that has changed, or a second of one that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct AttemptsOf {
    ended: Option<Outcome>,
    rare: u64,
    /// Rows with hits on a boss, and how many of those have others too.
    boss_rows: (usize, usize),
}

/// What one step of the view gives.
#[derive(Clone, Debug, Default)]
pub struct LiveStep {
    /// The changes; position and times are the caller's.
    pub tick: Tick,
    /// Whether anything changed at all.
    pub changed: bool,
    /// Keys of the players whose skill rows may have changed.
    pub touched: Vec<String>,
    /// Somebody who was shown is no player: a tick cannot take a row away, so all who watch need a keyframe.
    pub begins_anew: bool,
}

/// What happened in a fight so far, as far as it was told: one for all views, so that each happening is told once.
#[derive(Clone, Debug, Default)]
pub struct Happenings {
    defeated: BTreeSet<String>,
    attempts: BTreeSet<u32>,
    deaths: Vec<DeathRow>,
}

impl Happenings {
    /// What happened since the last call, in order.
    ///
    /// Cost: one pass over the rows of the fold.
    pub fn step(&mut self, shown: Shown<'_>) -> Vec<FeedHappening> {
        let mut happened = Vec::new();
        for boss in bosses(shown).into_iter().filter(|boss| boss.defeated == Some(true)) {
            if self.defeated.insert(boss.name.clone()) {
                happened.push(FeedHappening::BossDefeated { name: boss.name });
            }
        }
        for attempt in begun(shown.state()) {
            if self.attempts.insert(attempt.index) {
                happened.push(FeedHappening::AttemptBegan(attempt));
            }
        }
        let deaths = deaths(shown);
        if deaths != self.deaths {
            happened.extend(fresh(&self.deaths, &deaths).into_iter().cloned().map(FeedHappening::Death));
            self.deaths = deaths;
        }
        happened
    }
}

impl LiveView {
    /// A view that is begun when a fight goes on already: it has seen nothing of it.
    pub fn of_all(state: &EncounterState) -> Self {
        let seconds = state.pairs().iter().flat_map(|pair| &pair.seconds).map(|held| held.second);
        Self { pending: seconds.collect(), ..Self::default() }
    }

    /// Notes seconds whose sums changed: every view of a fight is told of each
    /// ([`EncounterState::take_changed_seconds`]).
    pub fn note(&mut self, seconds: &BTreeSet<u32>) {
        self.pending.extend(seconds);
    }

    /// Brings the view to the present state. The caller owns the numbering, and has noted the changed seconds.
    ///
    /// Cost: one pass over the rows of the fold; what is sent is in proportion to what changed.
    pub fn step(&mut self, shown: Shown<'_>, facts: LiveFacts) -> LiveStep {
        let state = shown.state();
        let mut step = LiveStep::default();
        self.step_kinds(state);
        let figures = Figures::of(shown);
        if !self.order.iter().all(|actor| figures.players.contains_key(actor)) {
            *self = Self { kinds: std::mem::take(&mut self.kinds), ..Self::of_all(state) };
            step.begins_anew = true;
        }
        self.step_players(shown, &figures, &mut step);
        let head = head(state, facts, self.rows.iter());
        if self.head.as_ref() != Some(&head) {
            step.tick.head = Some(head.clone());
            self.head = Some(head);
        }
        let place = place(shown);
        if self.place.as_ref() != Some(&place) {
            step.tick.encounter = Some(place.clone());
            self.place = Some(place);
        }
        let bosses = bosses(shown);
        if bosses != self.bosses {
            step.tick.bosses = Some(bosses.clone());
            self.bosses = bosses;
        }
        self.step_attempts(shown, facts, &mut step);
        let deaths = deaths(shown);
        if deaths != self.deaths {
            step.tick.deaths = Some(deaths.clone());
            self.deaths = deaths;
        }
        self.step_buckets(state, facts, &mut step);
        let tick = &step.tick;
        step.changed = step.begins_anew
            || tick.head.is_some()
            || tick.encounter.is_some()
            || !tick.rows.is_empty()
            || !tick.players.is_empty()
            || tick.bosses.is_some()
            || tick.attempts.is_some()
            || tick.deaths.is_some()
            || !tick.buckets.is_empty();
        step
    }

    /// Keys of the players that it shows.
    pub fn player_keys(&self) -> impl Iterator<Item = &str> {
        self.players.iter().map(|player| player.player_key.as_str())
    }

    /// Whether skills are called something else than before.
    fn step_names(&mut self, state: &EncounterState) -> bool {
        let rare = state.rare_count();
        let before = self.names;
        if before.is_some_and(|(at, _)| at == rare) {
            return false;
        }
        let mut names = DefaultHasher::new();
        state.skills().iter().for_each(|skill| skill.name.get().hash(&mut names));
        let names = names.finish();
        self.names = Some((rare, names));
        before.is_none_or(|(_, before)| before != names)
    }

    /// What somebody did before it was known who is a player counts otherwise now, in the seconds in which it was done.
    fn step_kinds(&mut self, state: &EncounterState) {
        let is_player = |at: usize| state.is_player(ActorIx(at as u16));
        let changed: BTreeSet<_> = (0..self.kinds.len()).filter(|at| self.kinds[*at] != is_player(*at)).collect();
        if !changed.is_empty() {
            let touches = |actor: ActorIx| changed.contains(&usize::from(actor.0));
            let pairs = state.pairs().iter().filter(|pair| touches(pair.source) || touches(pair.target));
            self.pending.extend(pairs.flat_map(|pair| &pair.seconds).map(|held| held.second));
        }
        self.kinds = (0..state.actors().len()).map(is_player).collect();
    }

    fn step_players(&mut self, shown: Shown<'_>, figures: &Figures<'_>, step: &mut LiveStep) {
        let state = shown.state();
        let renamed = self.step_names(state);
        // New players stand in the order of the dictionary, which only grows: a place never changes.
        let mut actors: Vec<_> = figures.players.keys().copied().collect();
        actors.sort_unstable();
        if !shown.sees_everything() {
            // The dictionary's order is the meter's, and may be that of the game's ids: whoever knows these knows who is who.
            actors.sort_by_cached_key(|actor| match self.places.get(actor) {
                Some(place) => (*place, String::new()),
                None => (u32::MAX, shown.key(*actor)),
            });
        }
        let last_attempt = state.attempts().values().filter_map(|a| a.began.stamp()).max();
        for actor in actors {
            let of = &figures.players[&actor];
            let held = state.actor(actor);
            let (class_id, spec_id) = class_and_spec(state, actor, &of.rows);
            let fell = held.alive.stamp().filter(|_| held.alive.get() == Some(&false));
            let dead = fell.is_some_and(|fell| {
                let until_ms = fell.at_ms.saturating_add(RESIDUE_MS);
                held.acted_ms.is_none_or(|acted| acted <= until_ms) && last_attempt.is_none_or(|began| began < fell)
            });
            let player = FeedPlayer {
                player_key: shown.key(actor),
                name: shown.name(actor),
                class_id,
                spec_id,
                ability_score: shown.ability_score(actor),
                is_local: shown.is_local(actor),
                dead,
            };
            let row = values(of, shown.crits_known(actor));
            let mark = mark(&of.rows);
            let same = self.places.get(&actor).is_some_and(|place| self.rows[*place as usize] == row);
            if self.marks.insert(actor, mark) != Some(mark) || !same || renamed {
                step.touched.push(player.player_key.clone());
            }
            match self.places.get(&actor) {
                None => {
                    let place = self.order.len() as u32;
                    self.order.push(actor);
                    self.places.insert(actor, place);
                    step.tick.players.push((place, player.clone()));
                    push_row(&mut step.tick.rows, place, None, &row);
                    self.players.push(player);
                    self.rows.push(row);
                }
                Some(&place) => {
                    let at = place as usize;
                    if self.players[at] != player {
                        step.tick.players.push((place, player.clone()));
                        self.players[at] = player;
                    }
                    if self.rows[at] != row {
                        push_row(&mut step.tick.rows, place, Some(&self.rows[at]), &row);
                        self.rows[at] = row;
                    }
                }
            }
        }
    }

    fn step_attempts(&mut self, shown: Shown<'_>, facts: LiveFacts, step: &mut LiveStep) {
        let state = shown.state();
        let ended = facts.ended.then_some(facts.outcome);
        let is_boss = |row: &&Row| row.boss_hits > 0;
        let is_mixed = |row: &&Row| row.boss_hits > 0 && row.boss_amount + row.summed_amount < row.amount;
        let rows = || state.rows().iter();
        let boss_rows = (rows().filter(is_boss).count(), rows().filter(is_mixed).count());
        let of = AttemptsOf { ended, rare: state.rare_count(), boss_rows };
        // The attempt that goes on has no figures that change with each hit.
        let over_ms = self.attempts.iter().filter_map(|row| row.end_ms).max();
        let changed = over_ms.is_some_and(|over_ms| self.pending.range(..=over_ms / 1000).next().is_some())
            || (ended.is_some() && !self.pending.is_empty());
        if self.attempts_of == Some(of) && !changed {
            return;
        }
        self.attempts_of = Some(of);
        let attempts = attempts(shown, ended);
        if attempts != self.attempts {
            step.tick.attempts = Some(attempts.clone());
            self.attempts = attempts;
        }
    }

    fn step_buckets(&mut self, state: &EncounterState, facts: LiveFacts, step: &mut LiveStep) {
        let Some((_, last_ms)) = state.extent_ms() else { return };
        // A second is closed when a later one has begun, or the fight has ended.
        let open = if facts.state == ReportState::Live && !facts.idle { last_ms / 1000 } else { u32::MAX };
        let later = self.pending.split_off(&open);
        let changed = std::mem::replace(&mut self.pending, later);
        let mut buckets = self.buckets(state, &changed);
        for bucket in &buckets {
            self.closed.insert(bucket.s, bucket.clone());
        }
        let oldest = (last_ms / 1000).saturating_sub(KEYFRAME_TIMELINE_S);
        self.closed = self.closed.split_off(&oldest);
        step.tick.buckets.append(&mut buckets);
    }

    /// Cost: one pass over the pairs for few seconds, over all their seconds for many.
    fn buckets(&self, state: &EncounterState, seconds: &BTreeSet<u32>) -> Vec<Bucket> {
        let mut sums: BTreeMap<u32, BTreeMap<u32, [u64; 3]>> =
            seconds.iter().map(|second| (*second, BTreeMap::new())).collect();
        for pair in state.pairs() {
            let (source, target) = (self.places.get(&pair.source), self.places.get(&pair.target));
            let source_damage = pair.kind == HitKind::Damage && !state.is_player(pair.target);
            let mut add = |second: u32, amount: u64| {
                let Some(sums) = sums.get_mut(&second).filter(|_| amount > 0) else { return };
                let mut add = |place: Option<&u32>, column: usize| {
                    if let Some(place) = place {
                        sums.entry(*place).or_default()[column] += amount;
                    }
                };
                match pair.kind {
                    HitKind::Heal => add(source, 1),
                    HitKind::Damage => {
                        add(target, 2);
                        add(source.filter(|_| source_damage), 0);
                    }
                }
            };
            if seconds.len() < FEW_SECONDS {
                for second in seconds {
                    add(*second, pair.at(*second));
                }
            } else {
                for held in &pair.seconds {
                    add(held.second, held.amount);
                }
            }
        }
        let bucket = |(second, sums): (u32, BTreeMap<u32, [u64; 3]>)| {
            let column = |at: usize| {
                let entries = sums.iter().filter(|(_, sums)| sums[at] > 0);
                entries.flat_map(|(place, sums)| [u64::from(*place), sums[at]]).collect()
            };
            Bucket { s: second, d: column(0), h: column(1), x: column(2) }
        };
        sums.into_iter().map(bucket).collect()
    }

    /// The view's present content: what a spectator holds who got every tick.
    pub fn keyframe(&self, shown: Shown<'_>, report_id: String) -> Option<FeedFight> {
        Some(FeedFight {
            report_id,
            checksum: shown.state().checksum().to_string(),
            started_at_ms: shown.state().header().started_at_ms,
            encounter: self.place.clone()?,
            head: self.head.clone()?,
            bosses: self.bosses.clone(),
            attempts: self.attempts.clone(),
            deaths: self.deaths.clone(),
            players: self.players.clone(),
            columns: ROW_COLUMNS.iter().map(|&name| name.to_owned()).collect(),
            rows: self.rows.iter().map(|row| row.to_vec()).collect(),
            buckets: self.closed.values().cloned().collect(),
        })
    }
}

/// Deaths that are not among those known. A player may have several at one time; a known one may have other words by now.
fn fresh<'a>(known: &[DeathRow], now: &'a [DeathRow]) -> Vec<&'a DeathRow> {
    fn whose(death: &DeathRow) -> (u32, &str) {
        (death.at_ms, &death.player_key)
    }
    fn how(death: &DeathRow) -> (&Option<String>, Option<i64>) {
        (&death.killer, death.skill_id)
    }
    let mut left: BTreeMap<_, BTreeMap<_, usize>> = BTreeMap::new();
    for death in known {
        *left.entry(whose(death)).or_default().entry(how(death)).or_default() += 1;
    }
    let mut fresh: Vec<_> = now.iter().collect();
    fresh.retain(|death| !left.get_mut(&whose(death)).is_some_and(|left| take(left.get_mut(&how(death)))));
    let mut left: BTreeMap<_, usize> =
        left.into_iter().map(|(whose, left)| (whose, left.into_values().sum())).collect();
    fresh.retain(|death| !take(left.get_mut(&whose(death))));
    fresh
}

/// One of so many, if there are any.
fn take(left: Option<&mut usize>) -> bool {
    left.filter(|left| **left > 0).is_some_and(|left| {
        *left -= 1;
        true
    })
}

/// Tells rows of a player from what they were before: which they are, for one leaves where its target turns out to be a
/// player, and what each of them adds up.
fn mark(rows: &[&Row]) -> u64 {
    let mut mark = DefaultHasher::new();
    for row in rows {
        (row.key, row.amount, row.hits, row.crit, row.lucky, row.max).hash(&mut mark);
    }
    mark.finish()
}

fn push_row(out: &mut Vec<i64>, place: u32, before: Option<&RowValues>, now: &RowValues) {
    let differs = |at: usize| before.is_none_or(|before| before[at] != now[at]);
    let mask = (0..now.len()).filter(|at| differs(*at)).fold(0, |mask, at| mask | 1 << at);
    out.push(i64::from(place));
    out.push(mask);
    out.extend((0..now.len()).filter(|at| differs(*at)).map(|at| now[at]));
}

fn head<'a>(state: &EncounterState, facts: LiveFacts, rows: impl Iterator<Item = &'a RowValues>) -> FightHead {
    let (first_ms, last_ms) = state.extent_ms().unwrap_or_default();
    let rates = Rates::of(state);
    let bounds = |active: ActiveTime| (active.first_ms, active.last_ms);
    let of_row = |row: &RowValues| {
        let value = |at: usize| row[at].cast_unsigned();
        let known = |at: usize| u64::try_from(row[at]).ok();
        Totals {
            damage: value(0),
            boss_damage: known(1),
            healing: value(2),
            damage_taken: known(3),
            hits: value(4),
            heal_hits: value(5),
            deaths: known(8),
        }
    };
    let totals = rows.map(of_row).reduce(|sum, row| sum.and(&row)).unwrap_or_else(|| Known::of(state).nothing());
    FightHead {
        state: facts.state,
        outcome: facts.outcome,
        revision: facts.revision,
        first_ms,
        last_ms,
        damage_ms: rates.damage.map(bounds),
        healing_ms: rates.healing.map(bounds),
        idle: facts.idle,
        totals,
    }
}
