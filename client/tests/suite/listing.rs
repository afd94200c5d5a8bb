//! A meter's fights in pages, of every generation.

use std::cell::Cell;
use std::sync::Arc;

use raidcast::listing::{Listed, ListingReader};
use raidcast::source::detect::{Places, identify};
use raidcast::source::names::Names;
use raidcast::source::{AnySource, Glance, Source as _, SourceError};
use raidcast_meterkit::{Fight, Generation, MeterWriter, write_all, write_name_files};
use raidcast_shared::uplink::Outcome;

use crate::place::{Place, party};

const BEGAN_MS: i64 = 1_790_001_000_000;

/// So many fights, and the files of names beside them.
async fn written(generation: Generation, fights: u64) -> (Place, Vec<Fight>, MeterWriter) {
    let place = Place::new();
    write_name_files(&place.dir.path().join("meter-data")).unwrap();
    let mut writer = MeterWriter::open(&place.db(), generation).await.unwrap();
    let fights: Vec<_> = (0..fights).map(|n| party(n).starting_at(BEGAN_MS + n as i64 * 100_000)).collect();
    for fight in &fights {
        write_all(&mut writer, fight).await.unwrap();
    }
    (place, fights, writer)
}

fn reader(place: &Place) -> ListingReader {
    ListingReader::open(Some(&place.db()), &Places::default(), None, &place.dir.path().join("state")).unwrap()
}

fn boss(fight: &Fight) -> Option<&str> {
    fight.monsters.iter().rfind(|monster| monster.is_boss).map(|monster| monster.name.as_str())
}

#[tokio::test]
async fn fights_of_every_generation_are_listed_in_pages_with_boss_and_size() {
    for generation in Generation::EVERY {
        let (place, fights, writer) = written(generation, 5).await;
        writer.close().await.unwrap();
        let mut reader = reader(&place);
        let (mut listed, mut sizes, mut before_ms) = (Vec::<Listed>::new(), Vec::new(), None);
        loop {
            let page = reader.page(before_ms, 2, |_| None).unwrap();
            assert_eq!(page.all, 5, "{generation:?}");
            sizes.push(page.fights.len());
            listed.extend(page.fights);
            before_ms = page.before_ms;
            if before_ms.is_none() {
                break;
            }
        }
        assert_eq!(sizes, [2, 2, 1], "{generation:?}");

        // As an upload would see them.
        let names = Names::find(&place.db(), None, &Places::default());
        let mut source = AnySource::open(&identify(&place.db()).unwrap(), Arc::new(names)).unwrap();
        let mut all = source.all_fights().unwrap();
        all.reverse();
        assert_eq!(listed.iter().map(|one| one.fight.clone()).collect::<Vec<_>>(), all, "{generation:?}");
        for (one, fight) in listed.iter().zip(fights.iter().rev()) {
            assert_eq!(one.title(), boss(fight), "{generation:?}");
            assert!(one.title().is_some() && one.duration_ms().is_some_and(|ms| ms > 30_000), "{one:?}");
            assert!(one.glance.hits.or(one.glance.bytes).is_some_and(|size| size > 100), "{one:?}");
            // A summary alone does not tell whether the boss died.
            let outcome = if generation == Generation::Summary { Outcome::Unknown } else { Outcome::Kill };
            assert_eq!(one.outcome(), Some(outcome), "{generation:?}");
            assert!(!one.is_going_on);
        }
        // The hits are counted alike, wherever they stand.
        if generation != Generation::Summary {
            assert!(listed.iter().all(|one| one.glance.hits.is_some()), "{generation:?}");
        }
    }
}

#[tokio::test]
async fn the_newest_fight_goes_on_until_the_meter_has_ended_it() {
    for generation in Generation::ALL {
        let (place, _, mut writer) = written(generation, 1).await;
        let later = party(7).starting_at(BEGAN_MS + 500_000);
        writer.begin(&later).await.unwrap();
        writer.advance_to(30_000).await.unwrap();
        let mut reader = reader(&place);
        let page = reader.page(None, 9, |_| None).unwrap();
        let going_on: Vec<_> = page.fights.iter().map(|one| one.is_going_on).collect();
        assert_eq!(going_on, [true, false], "{generation:?}");
        assert_eq!((page.fights[0].outcome(), page.before_ms), (None, None));
        let hits = page.fights[0].glance.hits;
        // Another one begins, and this one was never ended.
        writer.advance_to(50_000).await.unwrap();
        writer.begin(&party(8).starting_at(BEGAN_MS + 900_000)).await.unwrap();
        let page = reader.page(None, 9, |_| None).unwrap();
        let going_on: Vec<_> = page.fights.iter().map(|one| one.is_going_on).collect();
        assert_eq!(going_on, [true, false, false], "{generation:?}");
        assert!(page.fights[1].glance.hits > hits, "{generation:?}: it grew");
    }
}

#[tokio::test]
async fn of_what_the_caller_knows_nothing_is_unpacked() {
    for generation in Generation::EVERY {
        let (place, _, writer) = written(generation, 3).await;
        writer.close().await.unwrap();
        let mut reader = reader(&place);
        let held = Glance { boss: Some("Held".to_owned()), outcome: Some(Outcome::Wipe), ..Glance::default() };
        let asked = Cell::new(0);
        let known = |fight: &raidcast::source::Fight| {
            asked.set(asked.get() + 1);
            (fight.started_at_ms == BEGAN_MS).then(|| held.clone())
        };
        let page = reader.page(Some(BEGAN_MS + 200_000), 9, known).unwrap();
        assert_eq!((asked.get(), page.fights.len(), page.all), (2, 2, 3));
        assert_ne!(page.fights[0].title(), Some("Held"));
        assert_eq!((page.fights[1].title(), &page.fights[1].glance), (Some("Held"), &held));
        // What the row itself tells counts.
        let by_row = matches!(generation, Generation::Events | Generation::Counters | Generation::Aggregate);
        let outcome = if by_row { Outcome::Kill } else { Outcome::Wipe };
        assert_eq!(page.fights[1].outcome(), Some(outcome), "{generation:?}");
    }
}

#[tokio::test]
async fn a_database_that_was_taken_away_is_opened_anew() {
    let (place, _, writer) = written(Generation::Chunks, 1).await;
    writer.close().await.unwrap();
    let mut reader = reader(&place);
    assert_eq!(reader.page(None, 9, |_| None).unwrap().fights.len(), 1);
    std::fs::remove_file(place.db()).unwrap();
    assert!(matches!(reader.page(None, 9, |_| None), Err(SourceError::Gone { .. })));
    let none = ListingReader::open(Some(&place.db()), &Places::default(), None, place.dir.path());
    assert!(none.is_err());
}
