//! Which meters there are, and what the one that is read has already.
//!
//! These are plain calls that wait for the disk: not for a task that others wait for.

use std::path::Path;
use std::sync::Arc;

use raidcast::source::detect::{self, Places};
use raidcast::source::names::Names;
use raidcast::source::{AnySource, Found, NoDatabase, Source as _, SourceError};

use crate::view::{MeterView, OldFights};
use crate::words::Words;

/// The meter that would be read now.
pub(crate) struct Seen {
    /// Which, or why there is none.
    pub(crate) found: Result<Found, NoDatabase>,
    /// What it has already; `None` where that cannot be counted now.
    pub(crate) old: Option<OldFights>,
}

impl Seen {
    /// It could not be looked at.
    pub(crate) fn silent(chosen: Option<&Path>) -> Self {
        Self { found: Err(NoDatabase::silent(chosen)), old: None }
    }
}

/// Looks for the meter that would be read now; `chosen`: the one that the settings name.
pub(crate) fn see(chosen: Option<&Path>, places: &Places) -> Seen {
    let detection = detect::detect(chosen, places);
    let looked = || detection.looked.iter().map(|looked| looked.path.clone()).collect::<Vec<_>>();
    match &detection.found {
        Ok(found) => Seen { old: count(found).ok(), found: Ok(found.clone()) },
        Err(SourceError::Gone { .. }) if chosen.is_none() && places.silent => Seen::silent(None),
        Err(SourceError::Gone { .. }) if chosen.is_none() => {
            Seen { found: Err(NoDatabase::Nowhere { looked: looked(), wine: places.wine }), old: None }
        }
        Err(error) => Seen { found: Err(error.clone().into()), old: None },
    }
}

/// How many fights there are, and since when: two numbers of each, whatever the generation.
fn count(found: &Found) -> Result<OldFights, SourceError> {
    let begins = AnySource::open(found, Arc::new(Names::default()))?.begins()?;
    let first_ms = begins.iter().map(|begin| begin.started_at_ms).min();
    Ok(OldFights { fights: begins.len() as u64, first_ms })
}

/// All meters that are found, the one written last first, and the one that the settings name.
pub(crate) fn all(chosen: Option<&Path>, places: &Places, words: &dyn Words) -> Vec<MeterView> {
    let mut places = places.clone();
    places.rescan();
    let found = detect::all(&places);
    let mut all: Vec<_> = found.iter().map(|one| view(&one.path, one.found.as_ref(), words)).collect();
    if let Some(first) = all.first_mut() {
        first.newest = true;
    }
    if let Some(chosen) = chosen.filter(|chosen| found.iter().all(|one| one.path != *chosen)) {
        all.push(view(chosen, detect::identify(chosen).as_ref(), words));
    }
    all
}

/// What is shown where they could not be looked at.
pub(crate) fn silent(chosen: Option<&Path>, words: &dyn Words) -> Vec<MeterView> {
    let path = chosen.map(|path| path.display().to_string()).unwrap_or_default();
    let fault = Some(words.no_database(&NoDatabase::silent(chosen)).text());
    vec![MeterView { path, fault, ..MeterView::default() }]
}

/// A meter as it is shown.
pub(crate) fn view(path: &Path, found: Result<&Found, &SourceError>, words: &dyn Words) -> MeterView {
    let path = path.display().to_string();
    match found {
        Ok(found) => MeterView {
            path,
            meter: found.meter.clone(),
            generation: found.generation.name().to_owned(),
            what: words.generation(found.generation).to_owned(),
            newest: false,
            fault: None,
        },
        Err(error) => MeterView { path, fault: Some(words.source(error).text()), ..MeterView::default() },
    }
}

#[cfg(test)]
mod tests {
    use raidcast_meterkit::{Generation, MeterWriter, Script, write_all};

    use super::*;
    use crate::language::Language;
    use crate::words::of;

    #[tokio::test]
    async fn meters_are_found_with_what_they_have_and_one_that_cannot_be_read_says_why() {
        let dir = tempfile::tempdir().unwrap();
        let places = Places { data_dirs: vec![dir.path().to_owned()], ..Places::default() };
        let words = of(Language::English);
        assert!(matches!(see(None, &places).found, Err(NoDatabase::Nowhere { looked, .. }) if looked.len() == 3));
        assert!(all(None, &places, words).is_empty());

        let folder = dir.path().join("resonance-logs");
        std::fs::create_dir_all(&folder).unwrap();
        let db = folder.join("resonance-logs.db");
        let mut writer = MeterWriter::open(&db, Generation::Aggregate).await.unwrap();
        for n in 0..3 {
            write_all(&mut writer, &Script::party(n).fight().starting_at(1_000_000 - n as i64 * 100_000))
                .await
                .unwrap();
        }
        writer.close().await.unwrap();
        let seen = see(None, &places);
        assert_eq!(seen.found.unwrap().path, db);
        assert_eq!(seen.old, Some(OldFights { fights: 3, first_ms: Some(800_000) }));

        let other = dir.path().join("other.db");
        std::fs::write(&other, [b'x'; 4096]).unwrap();
        let told = all(Some(&other), &places, words);
        assert_eq!(told.iter().map(|one| one.newest).collect::<Vec<_>>(), [true, false]);
        assert_eq!((told[0].generation.as_str(), told[0].fault.as_deref()), ("aggregate", None));
        assert!(told[1].fault.as_ref().is_some_and(|fault| fault.contains("is no database")), "{:?}", told[1]);
        assert!(matches!(see(Some(&other), &places).found, Err(NoDatabase::Unread(SourceError::Unsupported { .. }))));
        let missing = dir.path().join("missing.db");
        assert!(matches!(see(Some(&missing), &places).found, Err(NoDatabase::Unread(SourceError::Gone { .. }))));
    }
}
