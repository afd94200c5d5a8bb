//! A fight that is uploaded comes to what it comes to when the client streams its meter's database.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use raidcast::header::header_of;
use raidcast::source::detect::identify;
use raidcast::source::names::Names;
use raidcast::source::{AnySource, Cursor, Fight, Source};
use raidcast_meterkit::upload::Uploader;
use raidcast_meterkit::{Generation, MeterWriter, Script, write_all};
use raidcast_shared::encode::Encoder;
use raidcast_shared::fold::EncounterState;

use crate::figures::{body, key, read};

/// Each fight of a database as the client streams it.
pub(crate) fn streamed(path: &Path) -> Vec<(Fight, EncounterState)> {
    let mut source = AnySource::open(&identify(path).unwrap(), Arc::new(Names::default())).unwrap();
    let knows = source.knows();
    let fights = source.fights(0, &[]).unwrap();
    let fold = |fight: Fight| {
        let mut encoder = Encoder::new(header_of(&fight, knows.clone()));
        encoder.encode(source.read_last(&fight, &Cursor::default()).unwrap().events, 0);
        encoder.finish(0);
        let state = encoder.state().clone();
        (fight, state)
    };
    fights.into_iter().map(fold).collect()
}

/// What is told of somebody, a death, an attempt: everything that is no sum, in words.
fn told(state: &EncounterState, is_keyed: bool) -> BTreeMap<String, String> {
    let id = |actor: raidcast_shared::event::ActorIx| {
        let id = state.actor(actor).id;
        format!("{:?}", if is_keyed { id } else { key(id) })
    };
    let actors = state.actors().iter().map(|actor| {
        let facts = (actor.kind(), &actor.name, &actor.class_id, &actor.spec_id, &actor.ability_score, &actor.level);
        let boss = (actor.boss.get(), actor.max_hp.get(), actor.defeated.get());
        (format!("{:?}", if is_keyed { actor.id } else { key(actor.id) }), format!("{facts:?} {boss:?}"))
    });
    let deaths = state.deaths().iter().map(|death| {
        let skill = death.skill.map(|skill| state.skill(skill).id);
        (format!("death {:?} of {}", death.stamp, id(death.actor)), format!("{:?} {skill:?}", death.by.map(id)))
    });
    let attempts = state.attempts().iter().map(|(n, attempt)| (format!("attempt {n}"), format!("{attempt:?}")));
    let rows = state.rows().iter().map(|row| {
        let who = (id(row.key.source), id(row.key.target), state.skill(row.key.skill).id, row.key.kind);
        let sums = [row.hits, row.amount, row.crit, row.lucky, row.boss_hits, row.boss_amount, row.shield, row.max];
        (format!("row {who:?}"), format!("{sums:?}"))
    });
    let whole = [("extent".to_owned(), format!("{:?} {:?}", state.extent_ms(), state.missing()))];
    actors.chain(deaths).chain(attempts).chain(rows).chain(whole).collect()
}

#[tokio::test]
async fn an_upload_with_hits_is_the_fight_that_is_streamed() {
    let scripts = [Script { segments: true, ..Script::party(6) }, Script { wipe: true, ..Script::party(7) }];
    for fight in scripts.map(|script| script.fight()).into_iter().chain(Script::night(8)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("meter.db");
        let mut writer = MeterWriter::open(&path, Generation::Aggregate).await.unwrap();
        write_all(&mut writer, &fight).await.unwrap();
        writer.close().await.unwrap();
        let [(streamed, state)] = streamed(&path).try_into().unwrap();
        for uploader in [Uploader::Hits, Uploader::Buffs] {
            let uploaded = read(&body(uploader, std::slice::from_ref(&fight))).remove(0);
            assert_eq!(uploaded.encounter, streamed.encounter);
            assert_eq!(uploaded.state.checksum(), state.checksum());
            assert_eq!(told(&uploaded.state, true), told(&state, false));
        }
    }
}
