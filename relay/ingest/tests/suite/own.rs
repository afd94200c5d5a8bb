//! Bodies that are made of scripted fights come to what the script says.

use raidcast_meterkit::upload::{BUFF, BUFF_MS, Upload as Scripted, Uploader};
use raidcast_meterkit::{Player, Script};
use raidcast_shared::event::{CritsKnown, RareBody};
use raidcast_shared::uplink::{DamageBy, MeterTotals, Outcome};

use crate::figures::{Figures, body, key, read, uid};

#[test]
fn every_uploader_tells_what_was_fought() {
    for (n, fight) in Script::night(5).into_iter().enumerate() {
        let scripted = Figures::scripted(&fight);
        for uploader in Uploader::EVERY {
            let [uploaded] = read(&body(uploader, std::slice::from_ref(&fight))).try_into().unwrap();
            let at = format!("fight {n}, {uploader:?}");
            assert_eq!(Figures::of(&uploaded.state), scripted, "{at}");
            assert_eq!((uploaded.stub, uploaded.state.missing()), (None, &[][..]), "{at}");
            let (header, ending) = (&uploaded.log.header, uploaded.log.ending.as_ref().unwrap());
            assert_eq!(header.local.map(uid), Some(fight.local_player_id), "{at}");
            assert_eq!((header.scene_id, header.scene.as_ref()), (fight.scene_id, fight.scene_name.as_ref()), "{at}");
            let knows = (header.knows.crits, header.knows.hits, header.knows.no_deaths);
            assert_eq!(knows, (CritsKnown::Local, uploader != Uploader::Sums, false), "{at}");
            let lost = if uploader == Uploader::Sums { Outcome::Wipe } else { Outcome::Unknown };
            let outcome = match n {
                0 | 2 => Outcome::Kill,
                1 => lost,
                _ => Outcome::Unfinished,
            };
            assert_eq!(ending.outcome, outcome, "{at}");
            let ended = fight.ended_at_ms.map(|_| fight.started_at_ms + fight.last_ms());
            assert_eq!(ending.ended_at_ms, ended, "{at}");
            let sum = |heals: bool| {
                let of = fight.hits.iter().filter(|hit| (hit.kind == raidcast_meterkit::HitKind::Heal) == heals);
                of.map(|hit| hit.aggregate_amount().cast_unsigned()).sum()
            };
            let meter = MeterTotals { damage: sum(false), healing: sum(true), damage_by: DamageBy::Everyone };
            assert_eq!(ending.meter, Some(meter), "{at}");
            for player in fight.players.iter().filter(|player| scripted.players.contains_key(&player.uid)) {
                let actor = uploaded.state.actors().iter().find(|actor| uid(actor.id) == player.uid).unwrap();
                assert_eq!(actor.name.get().map(String::as_str), Some(player.name.as_str()), "{at}");
                assert_eq!(actor.class_id.get().map(|id| i64::from(*id)), Some(player.class_id), "{at}");
                assert_eq!(actor.level.get().map(|level| i64::from(*level)), Some(player.level), "{at}");
            }
        }
    }
}

#[test]
fn the_same_fight_is_one_encounter_and_sums_and_hits_are_two_readings_of_it() {
    let fight = Script::party(1).fight();
    let told: Vec<_> =
        Uploader::EVERY.map(|uploader| read(&body(uploader, std::slice::from_ref(&fight))).remove(0)).into();
    assert!(told.iter().all(|uploaded| uploaded.encounter == told[0].encounter));
    assert!(told.iter().all(|uploaded| uploaded.state.checksum() == told[0].state.checksum()));
    let [sums, hits, buffs] = [0, 1, 2].map(|at| told[at].stream(told[at].encounter));
    assert_ne!(sums, hits);
    assert_eq!(hits, buffs, "buffs are no other reading");
    let again = read(&body(Uploader::Hits, std::slice::from_ref(&fight))).remove(0);
    assert_eq!(again.stream(again.encounter), hits);
    let later = read(&body(Uploader::Hits, &[fight.clone().starting_at(fight.started_at_ms + 1)])).remove(0);
    assert_ne!(later.encounter, told[1].encounter);
    assert_ne!(told[1].stream(later.encounter), hits, "a reading is one of its encounter");
}

#[test]
fn strangers_leave_no_trace_and_buffs_end_with_the_fight() {
    let fight = Script::party(2).fight();
    let stranger = Player { uid: 77_777, name: "Nobody".into(), ..fight.players[0].clone() };
    let strangers = [stranger];
    let upload = Scripted { uploader: Uploader::Buffs, key: "k", strangers: &strangers };
    let uploaded = read(&upload.body(std::slice::from_ref(&fight))).remove(0);
    assert_eq!(uploaded.source_hash, Some(upload.source_hash(&fight)));
    let bytes = format!("{:?}", uploaded.log);
    assert!(!bytes.contains("Nobody") && !uploaded.state.actors().iter().any(|actor| uid(actor.id) == 77_777));
    let end_ms = fight.last_ms() as u32;
    let mut buffs = Vec::new();
    for rare in &uploaded.log.content.rare {
        if let RareBody::Buff { buff, until, stacks, .. } = rare.body {
            buffs.push((buff, rare.at_ms, until, stacks));
        }
    }
    buffs.sort_unstable();
    buffs.dedup();
    assert_eq!(buffs, [(BUFF, 1_000, 1_000 + BUFF_MS as u32, 1), (BUFF, end_ms - 1_000, end_ms, 3)]);
}

#[test]
fn each_actor_is_keyed_once() {
    let fight = Script::party(3).fight();
    let text = raidcast_ingest::text(body(Uploader::Buffs, &[fight]));
    let upload = raidcast_ingest::Upload::parse(&text).unwrap();
    let asked = std::cell::RefCell::new(Vec::new());
    let uploaded = raidcast_ingest::meter::read(upload.encounters[0], i64::MAX, &|id| {
        asked.borrow_mut().push(id);
        key(id)
    });
    let mut asked = asked.into_inner();
    let all = asked.len();
    asked.sort_unstable();
    asked.dedup();
    assert_eq!((all, all), (asked.len(), uploaded.state.actors().len()));
}
