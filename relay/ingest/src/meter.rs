//! A fight as meters send it: the rows of generation C in JSON, with single hits (0.15.0 and later) or without.
//!
//! One invariant: what a row tells is read by the rules that the client reads databases by (`raidcast_shared::meter`),
//! so that a fight that is uploaded comes to the figures, and the checksum, of the same fight streamed.

mod fight;
mod rows;

use std::collections::BTreeMap;

use raidcast_shared::event::{CritsKnown, Event, Knows, SourceEvent, SourceKey};
use raidcast_shared::game::{GAME, SpecNumbering};
use raidcast_shared::id::{ActorId, EncounterId};
use raidcast_shared::limits as l;
use raidcast_shared::meter::clock::FightClock;
use raidcast_shared::meter::course::{BuffRow, DEATHS_UNTOLD};
use raidcast_shared::meter::entry::{Judged, judge};
use raidcast_shared::meter::person::{self, People, Seen, is_kill};
use raidcast_shared::meter::prefix;
use raidcast_shared::meter::row::{RowPlace, missing, rare};
use raidcast_shared::uplink::{DamageBy, MeterTotals, Outcome};
use serde_json::value::RawValue;

use crate::builder::{Builder, Finish, Start};
use crate::limits::{AHEAD_MS_MAX, DATE_MS_MAX, HASH_CHARS_MAX, TEXT_BYTES_MAX};
use crate::uploaded::Uploaded;
use fight::{Fight, NotAFight};
use rows::{HitRows, SkillRow};

/// The form's name in the names of readings.
const FORM: &str = "meter";
/// What is told of a fight that began long after it came.
const AHEAD: &str = "days that the fight began after it came, as its meter tells it; it is kept as begun when it came";
/// A day, ms.
const DAY_MS: i64 = 86_400_000;

/// Reads a fight that came at a time, Unix ms; `key_actor` makes of the game's ids what is stored, and is asked once for
/// each.
///
/// One that began [later than clocks are wrong](AHEAD_MS_MAX) is kept as begun when it came, or it would stand before all
/// others for as long as that takes. It is [named](Uploaded::encounter) by what its meter says, so that it is known when it
/// comes again.
///
/// Nothing makes it fail. What cannot be read is left out and told as missing; where nothing can be taken, the fight is
/// [a stub](Uploaded::stub).
///
/// Cost: linear in the bytes. Of each hit it holds 72 bytes, and as much again while their times are looked at.
pub fn read(encounter: &RawValue, came_ms: i64, key_actor: &dyn Fn(ActorId) -> ActorId) -> Uploaded {
    let fight = match Fight::of(encounter) {
        Ok(fight) => fight,
        Err(why) => return refused(why.text(), begin_of(encounter.get()), key_actor),
    };
    let begin = Begin::of(&fight, came_ms);
    if is_date(fight.started_at_ms.0.0) {
        Reading::of(&fight, begin).into_uploaded(&fight, key_actor)
    } else {
        stub(NotAFight::NoDate.text(), &fight, begin, 0, key_actor)
    }
}

/// A fight that cannot be read at all: a stub that says `why`. `name`: what tells it from others of its kind.
pub fn refused(why: &'static str, name: &str, key_actor: &dyn Fn(ActorId) -> ActorId) -> Uploaded {
    let encounter = EncounterId::of_database(GAME, &format!("refused|{name}"), 0);
    stub_of(why, encounter, Start::default(), None, 0, key_actor)
}

/// What tells apart what nobody can read: its begin, where meters have a fight's start and hash.
fn begin_of(text: &str) -> &str {
    &text[..text.floor_char_boundary(TEXT_BYTES_MAX)]
}

fn is_date(unix_ms: Option<i64>) -> bool {
    unix_ms.is_some_and(|unix_ms| (0..=DATE_MS_MAX).contains(&unix_ms))
}

/// When a fight began, Unix ms.
#[derive(Clone, Copy, Debug)]
struct Begin {
    /// As its meter tells it; 0 where it does not.
    told_ms: i64,
    /// As it is kept: a date.
    kept_ms: i64,
}

impl Begin {
    fn of(fight: &Fight, came_ms: i64) -> Self {
        let told_ms = fight.started_at_ms.0.0.unwrap_or(0);
        let is_ahead = told_ms > came_ms.saturating_add(AHEAD_MS_MAX);
        let begin_ms = if is_ahead { came_ms } else { told_ms };
        Self { told_ms, kept_ms: begin_ms.clamp(0, DATE_MS_MAX) }
    }

    /// By so much its meter tells it, and every time of the fight, later than it is kept, ms: 0 of all that began before
    /// they came.
    fn ahead_ms(self) -> i64 {
        self.told_ms.saturating_sub(self.kept_ms).max(0)
    }
}

fn stub(why: &'static str, fight: &Fight, begin: Begin, rows: u64, key_actor: &dyn Fn(ActorId) -> ActorId) -> Uploaded {
    let start = start_of(fight, begin, Knows::default());
    stub_of(why, name_of(fight, begin), start, source_hash(fight), rows, key_actor)
}

fn stub_of(
    why: &'static str,
    encounter: EncounterId,
    start: Start,
    source_hash: Option<String>,
    rows: u64,
    key_actor: &dyn Fn(ActorId) -> ActorId,
) -> Uploaded {
    let started_at_ms = start.started_at_ms;
    let mut builder = Builder::new(start, key_actor);
    builder.put(missing(0, SourceKey::new(prefix::MISSING.into(), 0), why, rows.max(1), 0));
    let (log, state) = builder.finish(Finish::default());
    Uploaded { encounter, log, state, source_hash, started_at_ms, stub: Some(why), form: FORM }
}

fn source_hash(fight: &Fight) -> Option<String> {
    fight.source_hash.0.clone().filter(|hash| !hash.is_empty() && hash.chars().count() <= HASH_CHARS_MAX)
}

fn local_of(fight: &Fight) -> Option<u64> {
    fight.local_player_id.0.0.and_then(|local| u64::try_from(local).ok()).filter(|local| *local > 0)
}

fn start_of(fight: &Fight, begin: Begin, knows: Knows) -> Start {
    Start {
        started_at_ms: begin.kept_ms,
        scene_id: fight.scene_id.0.0.filter(|scene| *scene > 0),
        scene: fight.scene_name.0.as_deref().and_then(person::shown),
        local: local_of(fight),
        knows,
    }
}

/// Which fight it is: that of its player, else of those who fought it and whom they fought, else what its meter calls it.
/// Without a begin a player would name all such fights at once, so each is what it comes to.
fn name_of(fight: &Fight, Begin { told_ms: started_at_ms, .. }: Begin) -> EncounterId {
    let has_begin = started_at_ms != 0;
    if let Some(local) = local_of(fight).filter(|_| has_begin) {
        return EncounterId::of_player(GAME, local, started_at_ms);
    }
    let content = if has_begin { String::new() } else { content_of(fight) };
    let mut actors: Vec<i64> = Vec::new();
    fight.actor_encounter_stats.read(|_, stats: rows::StatsIn| actors.extend(stats.actor_id.0.0));
    if actors.is_empty() {
        let hash = source_hash(fight).unwrap_or_default();
        return EncounterId::of_database(GAME, &format!("hash|{hash}{content}"), started_at_ms);
    }
    actors.sort_unstable();
    actors.dedup();
    let mut bosses: Vec<String> = Vec::new();
    fight.encounter_bosses.read(|_, boss: rows::BossIn| bosses.extend(boss.monster_name.0));
    bosses.sort_unstable();
    let actors: Vec<String> = actors.iter().map(i64::to_string).collect();
    EncounterId::of_database(GAME, &format!("upload|{}|{}{content}", actors.join(","), bosses.join(",")), started_at_ms)
}

/// What tells apart fights without a begin, and is the same with single hits and without: whose it is, its end, its sums.
fn content_of(fight: &Fight) -> String {
    let told = [&fight.local_player_id, &fight.ended_at_ms, &fight.total_dmg, &fight.total_heal];
    told.map(|number| number.0.0.map_or("|-".to_owned(), |number| format!("|{number}"))).concat()
}

/// A list of the fight, to tell what of it could not be read.
struct Unread {
    what: &'static str,
    sent: u64,
    read: u64,
}

/// What the lists of a fight hold, as far as they have to be known before its first event.
struct Reading {
    begin: Begin,
    clock: FightClock,
    hits: HitRows,
    people: People,
    seen: BTreeMap<i64, Seen>,
    unread: Vec<Unread>,
}

impl Reading {
    fn of(fight: &Fight, begin: Begin) -> Self {
        let mut unread = Vec::new();
        let hits = HitRows::of(fight, begin.told_ms, &mut |what, sent, read| unread.push(Unread { what, sent, read }));
        let mut seen = BTreeMap::new();
        for row in &hits.rows {
            person::show(&row.row, &mut seen);
        }
        let mut people = People { local: local_of(fight), ..People::default() };
        let mut note = |what, sent, read| unread.push(Unread { what, sent, read });
        let read = fight.actor_encounter_stats.read(|_, row: rows::StatsIn| {
            people.stats.extend(row.actor_id.0.0.map(|id| (id, row.stats())));
        });
        note("rows of actors", fight.actor_encounter_stats.sent, read);
        let read = fight.entities.read(|_, row: rows::EntityIn| {
            // All whom the meter ever saw are sent: of those who were not there nothing is kept.
            let id = row.entity_id.0.0.filter(|id| seen.contains_key(id) || people.stats.contains_key(id));
            people.entities.extend(id.map(|id| (id, row.person())));
        });
        note("rows of players", fight.entities.sent, read);
        let read = fight.encounter_bosses.read(|_, row: rows::BossIn| {
            let boss = row.boss();
            people.bosses.extend(row.monster_name.0.map(|name| (name, boss)));
        });
        note("rows of bosses", fight.encounter_bosses.sent, read);
        let clock = FightClock::new(begin.told_ms, fight.ended_at_ms.0.0, Vec::new());
        Self { begin, clock, hits, people, seen, unread }
    }

    fn into_uploaded(mut self, fight: &Fight, key_actor: &dyn Fn(ActorId) -> ActorId) -> Uploaded {
        // The stamps of all rows at once: row by row the second one's first would look like a clock set back.
        self.hits.times = self.clock.learn(&std::mem::take(&mut self.hits.times));
        self.clock.learn_end();
        let knows = Knows {
            crits: CritsKnown::Local,
            hits: self.hits.rows.iter().any(|row| !row.entries.is_empty())
                || !self.hits.rows.iter().any(|row| row.hits > 0),
            ..Knows::default()
        };
        let builder = Builder::new(start_of(fight, self.begin, knows), key_actor);
        let mut telling = Telling { builder, told: 0, missing: 0 };
        if self.begin.ahead_ms() > 0 {
            let days = (self.begin.ahead_ms() / DAY_MS).cast_unsigned();
            let key = SourceKey::new(prefix::MISSING.into(), u32::MAX - 1);
            // It is no row that is missing.
            telling.builder.put(missing(0, key, AHEAD, days, 0));
        }
        self.tell_people(fight, &mut telling);
        self.tell_course(fight, &mut telling);
        // Names stand before the hits of their bearers.
        telling.builder.encode();
        let sent = self.hits.sent;
        self.tell_hits(&mut telling);
        self.tell_buffs(fight, &mut telling);
        for (index, list) in self.unread.iter().enumerate().filter(|(_, list)| list.read < list.sent) {
            let key = SourceKey::new(prefix::MISSING.into(), index as u32);
            telling.missing(self.clock.end_ms(), key, &format!("{} that can be read", list.what), list.sent, list.read);
        }
        for event in self.clock.steps() {
            telling.builder.put(event);
        }
        if sent > 0 && telling.told == 0 && telling.missing > 0 {
            return stub(NotAFight::NoRows.text(), fight, self.begin, sent, key_actor);
        }
        let (log, state) = telling.builder.finish(self.finish(fight));
        let (encounter, source_hash) = (name_of(fight, self.begin), source_hash(fight));
        Uploaded { encounter, log, state, source_hash, started_at_ms: self.begin.kept_ms, stub: None, form: FORM }
    }

    fn tell_people(&self, fight: &Fight, telling: &mut Telling) {
        let end_ms = fight.ended_at_ms.0.0.and_then(|ended_at_ms| self.clock.ms(ended_at_ms));
        let nothing = Seen::default();
        for id in self.people.ids(&self.seen) {
            let seen = self.seen.get(&id).unwrap_or(&nothing);
            telling.builder.put(person::told(self.people.facts(id, seen, SpecNumbering::Resonance), 0));
            if let Some(at_ms) = end_ms.filter(|_| self.people.is_defeated(seen)) {
                telling.builder.put(person::defeated(id, at_ms));
            }
        }
    }

    fn tell_course(&mut self, fight: &Fight, telling: &mut Telling) {
        let clock = &self.clock;
        let (mut count, mut untold) = (0, 0);
        let read = fight.death_events.read(|_, row: rows::DeathIn| {
            match row.row().event(clock, count) {
                Some(event) => telling.tell(event),
                None => untold += 1,
            }
            count += 1;
        });
        if untold > 0 {
            let key = SourceKey::new((prefix::MISSING + prefix::DEATHS).into(), 0);
            telling.missing(clock.end_ms(), key, DEATHS_UNTOLD, untold, 0);
        }
        self.unread.push(Unread { what: "deaths", sent: fight.death_events.sent, read });
        let read = fight.attempts.read(|_, row: rows::AttemptIn| {
            for event in row.row().into_iter().flat_map(|row| [row.begin(clock), row.end(clock)]).flatten() {
                telling.builder.put(event);
            }
        });
        self.unread.push(Unread { what: "attempts", sent: fight.attempts.sent, read });
        let mut segments = 0;
        let read = fight.dungeon_segments.read(|_, row: rows::SegmentIn| {
            telling.builder.extend(row.row().event(clock, segments));
            segments += 1;
        });
        self.unread.push(Unread { what: "segments", sent: fight.dungeon_segments.sent, read });
        let read = fight.phases.read(|_, row: rows::PhaseIn| {
            telling.builder.extend(row.row().event(clock, segments));
            segments += 1;
        });
        self.unread.push(Unread { what: "phases", sent: fight.phases.sent, read });
    }

    fn tell_hits(&mut self, telling: &mut Telling) {
        let HitRows { rows, times, .. } = std::mem::take(&mut self.hits);
        let end_ms = self.clock.end_ms();
        let (mut entries, mut late) = (0, 0);
        for (row, times) in rows.into_iter().zip(times) {
            let place = RowPlace { kind: row.kind, row: row.number, skill: row.row.skill };
            if row.entries.is_empty() {
                tell_sums(&row, place, end_ms, telling);
                continue;
            }
            let (mut read, mut sum, mut times) = (0, 0_u64, times.into_iter());
            for kept in &row.entries {
                let at_ms = if kept.has_time() { times.next() } else { None };
                let amount = match judge(row.kind, &row.row, &kept.entry(), at_ms) {
                    Judged::Hit(hit) => {
                        telling.tell(Event::Hit(hit));
                        hit.hit.amount
                    }
                    Judged::Late(amount) => {
                        late += 1;
                        amount
                    }
                    Judged::Absurd => continue,
                };
                (read, sum) = (read + 1, sum.saturating_add(amount));
            }
            entries += read;
            if let Some((what, told, read)) = place.shortfall([row.hits, read], [row.total, sum]) {
                telling.missing(end_ms, row.missing_key(), &what, told, read);
            }
        }
        if late > 0 {
            let key = SourceKey::new(prefix::MISSING.into(), u32::MAX);
            telling.missing(end_ms, key, "hits beyond 2 h of one fight", entries, entries - late);
        }
    }

    fn tell_buffs(&mut self, fight: &Fight, telling: &mut Telling) {
        let clock = &self.clock;
        let limit = fight.ended_at_ms.0.0.and_then(|ended_at_ms| clock.ms(ended_at_ms));
        let limit = limit.unwrap_or(l::ENCOUNTER_DURATION_MS_MAX);
        let (mut sent, mut read) = (fight.encounter_buffs.sent, 0);
        let mut spans = 0_u64;
        read += fight.encounter_buffs.read(|_, entity: rows::BuffedIn| {
            sent += entity.buffs.sent;
            read += entity.buffs.read(|_, held: rows::BuffIn| {
                sent += held.events.sent;
                let (Some(actor), Some(buff)) = (entity.entity_uid.0.0, held.buff_id.0.0) else { return };
                read += held.events.read(|index, span: rows::SpanIn| {
                    let (start, end, stacks) = (span.start_ms.0.0, span.end_ms.0.0, span.stack_count.0.0);
                    spans += 1;
                    // The encoder takes no more; to ask it for each of millions takes seconds.
                    if spans <= l::RARE_EVENTS_MAX as u64 {
                        telling.builder.extend(BuffRow { actor, buff, start, end, stacks }.event(clock, limit, index));
                    }
                });
            });
        });
        let beyond = spans.saturating_sub(l::RARE_EVENTS_MAX as u64);
        self.unread.push(Unread { what: "buffs and their spans", sent, read: read - beyond });
    }

    fn finish(&self, fight: &Fight) -> Finish {
        let mut wiped = false;
        fight.phases.read(|_, phase: rows::PhaseIn| wiped = phase.is_lost().unwrap_or(wiped));
        let outcome = match fight.ended_at_ms.0.0 {
            None => Outcome::Unfinished,
            Some(_) if is_kill(self.people.bosses.values().map(|boss| boss.defeated)) => Outcome::Kill,
            Some(_) if wiped && !self.people.bosses.values().any(|boss| boss.defeated) => Outcome::Wipe,
            Some(_) => Outcome::Unknown,
        };
        let sum = |told: Option<i64>| told.map(|sum| sum.max(0).cast_unsigned());
        let meter = sum(fight.total_dmg.0.0).map(|damage| MeterTotals {
            damage,
            healing: sum(fight.total_heal.0.0).unwrap_or(0),
            damage_by: DamageBy::Everyone,
        });
        let ended_at_ms = fight.ended_at_ms.0.0.map(|ended_at_ms| ended_at_ms.saturating_sub(self.begin.ahead_ms()));
        Finish { ended_at_ms, outcome, meter }
    }
}

/// A row without single hits: its sums, and what they contradict.
fn tell_sums(row: &SkillRow, place: RowPlace, end_ms: u32, telling: &mut Telling) {
    if row.hits == 0 && row.sums.is_some_and(|sums| sums.hits == 0) {
        return;
    }
    if let Some(sums) = row.sums.filter(|sums| sums.hits > 0) {
        telling.tell(rare(end_ms, row.sums_key(), sums.totals(row.kind, &row.row, true)));
    }
    if let Some((what, told, read)) = place.contradiction(Some(row.hits as i64), row.sums) {
        telling.missing(end_ms, row.missing_key(), &what, told, read);
    }
}

/// What is told of a fight.
struct Telling<'a> {
    builder: Builder<'a>,
    /// Hits, sums and deaths.
    told: u64,
    missing: u64,
}

impl Telling<'_> {
    fn tell(&mut self, event: SourceEvent) {
        self.told += 1;
        self.builder.put(event);
    }

    fn missing(&mut self, at_ms: u32, key: SourceKey, what: &str, told: u64, read: u64) {
        self.missing += 1;
        self.builder.put(missing(at_ms, key, what, told, read));
    }
}
