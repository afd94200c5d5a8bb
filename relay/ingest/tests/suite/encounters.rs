//! The form of `POST /api/v1/encounters`: against the fights that bodies are made of, and against the same fights as
//! meters upload them.

mod hostile;
mod readings;
mod recorded;

use std::collections::BTreeMap;

use raidcast_ingest::Uploaded;
use raidcast_ingest::encounters::{Received, Refused, Request, read, read_alone};
use raidcast_meterkit::encounters::{Encounters, Habit};
use raidcast_meterkit::upload::Uploader;
use raidcast_meterkit::{Fight, Script};
use raidcast_shared::event::{ActorKind, CritsKnown, HitFlags, HitKind, TimedHit};
use raidcast_shared::fold::EncounterState;
use raidcast_shared::log::Log;
use raidcast_shared::uplink::{DamageBy, MeterTotals, Outcome};
use serde_json::Value;

use crate::figures::{Figures, body, check_fold, key, uid};

/// The only encounter of a body.
fn only(body: &str) -> Result<Received, Refused> {
    let request = Request::parse(body).unwrap();
    assert_eq!((request.encounters.len(), request.is_batch), (1, false));
    let read = read(request.encounters[0], &key);
    same_alone(body, read.as_ref().ok());
    let received = read?;
    let uploaded = &received.uploaded;
    check_fold(uploaded, &uploaded.log);
    assert_eq!((uploaded.stub, &uploaded.source_hash), (None, &None));
    for actor in uploaded.state.actors().iter().filter(|actor| actor.kind() == ActorKind::Player) {
        uid(actor.id);
    }
    Ok(received)
}

/// The shorter way to the same reading: it is the same, or it is not gone.
fn same_alone(body: &str, read: Option<&Received>) {
    let told = |read: &Received| {
        let Received { uploaded, client_id, meter_version, local_player_uid, checksum } = read;
        let log = uploaded.log.clone().into_bytes();
        (uploaded.encounter, log, format!("{client_id:?} {meter_version:?} {local_player_uid:?} {checksum:?}"))
    };
    let alone = read_alone(body, &key);
    if alone.is_some() || !(body.contains("encounters") || body.contains("\\u00")) {
        assert!(alone.as_ref().map(told) == read.map(told), "{}", &body[..body.len().min(500)]);
    }
}

fn taken(body: &Value) -> Received {
    only(&body.to_string()).unwrap_or_else(|refused| panic!("{refused:?}: {body}"))
}

/// What is wrong with a body.
fn details(body: &str) -> Vec<String> {
    match only(body) {
        Err(Refused::Invalid { count, details }) => {
            assert_eq!(details.len(), count.min(20));
            details
        }
        other => panic!("{other:?}: {}", &body[..body.len().min(500)]),
    }
}

fn told(fight: &Fight, how: Encounters<'_>) -> Received {
    let received = only(&how.body(fight)).unwrap();
    let stored = Log::from_bytes(&received.uploaded.log.clone().into_bytes()).unwrap();
    check_fold(&received.uploaded, &stored);
    received
}

fn missing(state: &EncounterState) -> Vec<(&str, u64, u64)> {
    state.missing().iter().map(|missing| (missing.what.as_str(), missing.expected, missing.read)).collect()
}

/// By player, skill and kind: amount, hits, critical and lucky ones.
fn skills(state: &EncounterState) -> BTreeMap<(i64, i64, HitKind), [u64; 4]> {
    let mut skills = BTreeMap::<_, [u64; 4]>::new();
    for row in state.rows().iter().filter(|row| state.is_player(row.key.source)) {
        let of = (uid(state.actor(row.key.source).id), state.skill(row.key.skill).id.base, row.key.kind);
        for (held, more) in skills.entry(of).or_default().iter_mut().zip([row.amount, row.hits, row.crit, row.lucky]) {
            *held += more;
        }
    }
    skills
}

/// The hits of players: when, whose, what kind, how much, what of it a shield took, and how it was.
fn hits(uploaded: &Uploaded) -> Vec<(u32, i64, HitKind, u64, u64, bool, bool)> {
    let state = &uploaded.state;
    let hits = uploaded.log.content.hits.iter().filter(|timed| state.is_player(timed.hit.source));
    let mut hits: Vec<_> = hits
        .map(|TimedHit { at_ms, hit }| {
            let is = |bit| hit.flags.has(bit);
            let source = uid(state.actor(hit.source).id);
            (*at_ms, source, hit.kind, hit.amount, hit.shield, is(HitFlags::CRIT), is(HitFlags::LUCKY))
        })
        .collect();
    hits.sort_unstable();
    hits
}

/// Programs that tell all single hits.
const WHOLE: [Encounters<'_>; 6] = [
    Encounters(&[]),
    Encounters(&[Habit::SnakeCase]),
    Encounters(&[Habit::Offsets]),
    Encounters(&[Habit::Percent, Habit::NoCounts]),
    Encounters(&[Habit::IdsAsText]),
    Encounters(&[Habit::SnakeCase, Habit::Offsets, Habit::NoCounts, Habit::IdsAsText]),
];

#[test]
fn every_program_tells_what_was_fought() {
    let sums = [Encounters(&[Habit::NoTimelines]), Encounters(&[Habit::NoSkills])];
    for (n, fight) in Script::night(5).into_iter().enumerate() {
        let scripted = Figures::scripted(&fight).without_course();
        for how in WHOLE.into_iter().chain(sums) {
            let Received { uploaded, meter_version, local_player_uid, .. } = told(&fight, how);
            let at = format!("fight {n}, {how:?}");
            assert_eq!(Figures::of(&uploaded.state), scripted, "{at}");
            assert_eq!(missing(&uploaded.state), [], "{at}");
            assert_eq!(meter_version.as_deref(), Some("0.19.4-beta"), "{at}");
            assert_eq!(local_player_uid.map(u64::cast_signed), Some(fight.local_player_id), "{at}");
            let (header, ending) = (&uploaded.log.header, uploaded.log.ending.as_ref().unwrap());
            assert_eq!(header.local.map(uid), Some(fight.local_player_id), "{at}");
            let knows = &header.knows;
            let has_hits = WHOLE.contains(&how);
            assert_eq!((knows.crits, knows.hits), (CritsKnown::Local, has_hits), "{at}");
            assert_eq!((knows.no_deaths, knows.no_targets), (true, true), "{at}");
            let outcome = if fight.ended_at_ms.is_some() { Outcome::Unknown } else { Outcome::Unfinished };
            assert_eq!(ending.outcome, outcome, "{at}");
            let ended = match (fight.ended_at_ms, has_hits) {
                // The last hit.
                (None, true) => uploaded.state.extent_ms().unwrap().1.into(),
                // As long as it lasted.
                _ => fight.last_ms(),
            };
            assert_eq!(ending.ended_at_ms, Some(fight.started_at_ms + ended), "{at}");
            let sum = |heals: bool| {
                let of = fight.hits.iter().filter(|hit| (hit.kind == raidcast_meterkit::HitKind::Heal) == heals);
                of.map(|hit| hit.aggregate_amount().cast_unsigned()).sum()
            };
            let meter = MeterTotals { damage: sum(false), healing: sum(true), damage_by: DamageBy::Everyone };
            assert_eq!(ending.meter, Some(meter), "{at}");
        }
    }
}

#[test]
fn what_both_forms_carry_is_the_same_in_both() {
    for fight in [Script::party(6).fight(), Script { wipe: true, ..Script::party(7) }.fight()] {
        let meter = crate::figures::read(&body(Uploader::Hits, std::slice::from_ref(&fight))).remove(0);
        for how in WHOLE {
            let uploaded = told(&fight, how).uploaded;
            assert_eq!(uploaded.encounter, meter.encounter, "{how:?}");
            assert_ne!(uploaded.stream(uploaded.encounter), meter.stream(meter.encounter), "{how:?}");
            assert_eq!(skills(&uploaded.state), skills(&meter.state), "{how:?}");
            assert_eq!(Figures::of(&uploaded.state), Figures::of(&meter.state).without_course(), "{how:?}");
            for player in meter.state.actors().iter().filter(|actor| actor.kind() == ActorKind::Player) {
                let same = uploaded.state.actors().iter().find(|actor| actor.id == player.id).unwrap();
                assert_eq!(
                    (&same.name, &same.class_id, &same.spec_id),
                    (&player.name, &player.class_id, &player.spec_id)
                );
                assert_eq!((&same.ability_score, &same.level), (&player.ability_score, &player.level));
            }
            assert_eq!(hits(&uploaded), hits(&meter), "{how:?}");
        }
    }
}
