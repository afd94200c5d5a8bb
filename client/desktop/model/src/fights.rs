//! The list of fights: what the meter has, and where each stands.
//!
//! One invariant: a fight is shown as on the relay only where the state folder says that the relay said so. What the
//! state folder knows of fights that the meter has no more is listed, too.
//! These are plain calls that wait for the disk, up to some seconds: not for a task that others wait for.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use raidcast::history::PlanError;
use raidcast::listing::{Listed, ListingReader};
use raidcast::source::detect::Places;
use raidcast::source::{NoDatabase, SourceError};
use raidcast::status::{Line, Overview, Stand, Why};
use raidcast::uploader::record::Record;
use raidcast::uploader::seen_by::SeenBy;

use crate::glances::Glances;
use crate::view::{FightAct, FightFilter, FightPage, FightRow, FightStand, Parts};
use crate::words::Words;
use crate::wrong::Wrong;

/// Fights of a page.
const PAGE: usize = 100;
/// So many are looked at for one page at most: a filter that fits few of them goes on with the next.
const LOOKED_MAX: usize = 1_000;
/// A database that another program holds is asked so often.
const LOCKED_TRIES: usize = 5;
/// What is waited before it is asked again.
const LOCKED_WAIT: std::time::Duration = std::time::Duration::from_millis(100);

/// Where fights are looked for.
#[derive(Clone)]
pub(crate) struct FightPlaces {
    pub(crate) db: Option<PathBuf>,
    pub(crate) places: Places,
    pub(crate) meter_data: Option<PathBuf>,
    pub(crate) state: PathBuf,
    pub(crate) unix_ms: i64,
}

/// What the state folder knows.
struct Known {
    lines: HashMap<String, Line>,
    seen_by: HashMap<String, SeenBy>,
}

impl Known {
    fn read(at: &FightPlaces) -> Self {
        // A folder that is not there knows nothing.
        let overview = Overview::read(&at.state, at.unix_ms).unwrap_or_default();
        let record = Record::load(&at.state);
        let seen_by = record.fights.into_iter().filter_map(|fight| Some((fight.encounter, fight.seen_by?)));
        Self {
            lines: overview.fights.into_iter().map(|line| (line.encounter.clone(), line)).collect(),
            seen_by: seen_by.collect(),
        }
    }
}

/// A page of the list; what cannot be read of the meter is said in it, and why.
pub(crate) fn page(
    at: &FightPlaces,
    filter: &FightFilter,
    glances: &Glances,
    words: &dyn Words,
) -> (FightPage, Option<Wrong>) {
    let known = Known::read(at);
    match listed(at, filter, glances, &known, words) {
        Ok(page) => (page, None),
        Err(wrong) => (alone(&known, filter, words), Some(wrong)),
    }
}

/// The page of a fight's report, if there is one.
pub(crate) fn url_of(at: &FightPlaces, encounter: &str) -> Option<String> {
    Known::read(at).lines.remove(encounter).and_then(|line| line.url)
}

fn listed(
    at: &FightPlaces,
    filter: &FightFilter,
    glances: &Glances,
    known: &Known,
    words: &dyn Words,
) -> Result<FightPage, Wrong> {
    let mut reader = opened(at)?;
    let db = reader.found().path.clone();
    let mut before_ms = [filter.before_ms, filter.until_ms].into_iter().flatten().min();
    let (mut page, mut looked, mut tries) = (FightPage::default(), 0, 0);
    loop {
        let listing = match reader.page(before_ms, PAGE, |fight| glances.get(&db, fight)) {
            Ok(listing) => listing,
            Err(SourceError::Locked { .. }) if tries < LOCKED_TRIES => {
                tries += 1;
                std::thread::sleep(LOCKED_WAIT);
                continue;
            }
            Err(error) => return Err(Wrong::Source(error)),
        };
        for one in &listing.fights {
            glances.note(&db, &one.fight, &one.glance);
        }
        page.total = listing.all as u64;
        looked += listing.fights.len();
        // What the meter has no more, of the same time.
        let from_ms = listing.before_ms.unwrap_or(i64::MIN);
        let listed: HashSet<_> = listing.fights.iter().map(|one| one.fight.encounter.to_string()).collect();
        let is_of_it = |line: &&Line| {
            let is_listed = listed.contains(&line.encounter);
            !is_listed && line.started_at_ms >= from_ms && before_ms.is_none_or(|to_ms| line.started_at_ms < to_ms)
        };
        let gone = known.lines.values().filter(is_of_it).map(|line| row_of(line, known, words));
        let mut rows: Vec<_> = listing.fights.iter().map(|one| row(one, known, words)).chain(gone).collect();
        rows.retain(|row| fits(row, filter));
        rows.sort_by_key(|row| Reverse(row.started_at_ms));
        page.fights.append(&mut rows);
        page.next_ms = listing.before_ms.filter(|next_ms| filter.since_ms.is_none_or(|since_ms| *next_ms > since_ms));
        before_ms = page.next_ms;
        if page.next_ms.is_none() || page.fights.len() >= PAGE || looked >= LOOKED_MAX {
            glances.save();
            return Ok(page);
        }
    }
}

/// A database that another program holds for a moment is waited for.
fn opened(at: &FightPlaces) -> Result<ListingReader, Wrong> {
    let mut tries = 0;
    loop {
        match ListingReader::open(at.db.as_deref(), &at.places, at.meter_data.as_deref(), &at.state) {
            Err(PlanError::Database(NoDatabase::Unread(SourceError::Locked { .. }))) if tries < LOCKED_TRIES => {
                tries += 1;
                std::thread::sleep(LOCKED_WAIT);
            }
            opened => return opened.map_err(Wrong::Plan),
        }
    }
}

/// What the state folder knows, where the meter cannot be read.
fn alone(known: &Known, filter: &FightFilter, words: &dyn Words) -> FightPage {
    let mut rows: Vec<_> = known.lines.values().map(|line| row_of(line, known, words)).collect();
    let total = rows.len() as u64;
    let is_before = |row: &FightRow| filter.before_ms.is_none_or(|before_ms| row.started_at_ms < before_ms);
    rows.retain(|row| fits(row, filter) && is_before(row));
    rows.sort_by_key(|row| Reverse(row.started_at_ms));
    let next_ms = rows.get(PAGE).and_then(|_| rows.get(PAGE - 1)).map(|last| last.started_at_ms);
    rows.truncate(PAGE);
    FightPage { fights: rows, next_ms, total, fault: None }
}

/// A fight that the meter has.
fn row(one: &Listed, known: &Known, words: &dyn Words) -> FightRow {
    let encounter = one.fight.encounter.to_string();
    let size =
        one.glance.hits.map(|hits| words.hits(hits)).or_else(|| one.glance.bytes.map(|bytes| words.bytes(bytes)));
    if let Some(line) = known.lines.get(&encounter) {
        let row = row_of(line, known, words);
        // What the meter says counts where nothing was read yet; so does its size.
        let title = one.title().or(line.title.as_deref()).unwrap_or_else(|| words.nameless()).to_owned();
        let outcome = one.outcome().or(row.outcome).filter(|_| !one.is_going_on);
        let duration_ms = one.duration_ms().or(row.duration_ms);
        return FightRow { title, outcome, duration_ms, size: size.or(row.size), ..row };
    }
    let stand = if one.is_going_on { FightStand::GoingOn } else { FightStand::Unsent };
    FightRow {
        encounter,
        title: one.title().unwrap_or_else(|| words.nameless()).to_owned(),
        started_at_ms: one.fight.started_at_ms,
        duration_ms: one.duration_ms(),
        size,
        outcome: one.outcome(),
        stand,
        arrived: None,
        why: None,
        remedy: None,
        url: None,
        seen_by: None,
        can: if one.is_going_on { Vec::new() } else { vec![FightAct::Upload] },
    }
}

/// A fight that the state folder knows.
fn row_of(line: &Line, known: &Known, words: &dyn Words) -> FightRow {
    let said = line.why.as_ref().map(|why| words.why(why));
    let arrived = match &line.why {
        Some(Why::Arrived { parts, of }) => Some(Parts { arrived: *parts, of: *of }),
        _ => None,
    };
    // Of what is not there who may see it is not told yet.
    let seen_by = known.seen_by.get(&line.encounter).filter(|_| line.state == Stand::OnRelay);
    FightRow {
        encounter: line.encounter.clone(),
        title: line.title.clone().unwrap_or_else(|| words.nameless().to_owned()),
        started_at_ms: line.started_at_ms,
        duration_ms: line.duration_ms,
        size: (line.events > 0).then(|| words.hits(line.events)),
        outcome: line.outcome,
        stand: stand_of(line.state),
        arrived,
        why: said.as_ref().map(|said| said.sentence.clone()),
        remedy: said.and_then(|said| said.remedy),
        url: line.url.clone(),
        seen_by: seen_by.map(|seen_by| words.seen_by(*seen_by)),
        can: can(line),
    }
}

fn stand_of(stand: Stand) -> FightStand {
    match stand {
        Stand::OnRelay => FightStand::OnRelay,
        Stand::Streaming => FightStand::Streaming,
        Stand::Waiting => FightStand::Waiting,
        Stand::Refused => FightStand::Refused,
        Stand::Unreadable => FightStand::Unreadable,
    }
}

fn can(line: &Line) -> Vec<FightAct> {
    let first = match (line.state, &line.why) {
        (Stand::Unreadable, _) => Some(FightAct::Again),
        (Stand::Refused, _) if line.has_log => Some(FightAct::Again),
        // Nothing sends it but another upload.
        (Stand::Refused, _) | (Stand::Waiting, Some(Why::NotRunning { history: true } | Why::NotPosted)) => {
            Some(FightAct::Upload)
        }
        (Stand::OnRelay | Stand::Streaming | Stand::Waiting, _) => None,
    };
    let with_link = line.url.is_some().then_some([FightAct::Copy, FightAct::Open]);
    first.into_iter().chain(with_link.into_iter().flatten()).collect()
}

/// Whether a fight is one of those that are wanted.
fn fits(row: &FightRow, filter: &FightFilter) -> bool {
    let text = filter.text.trim().to_lowercase();
    (text.is_empty() || row.title.to_lowercase().contains(&text))
        && filter.since_ms.is_none_or(|since_ms| row.started_at_ms >= since_ms)
        && filter.until_ms.is_none_or(|until_ms| row.started_at_ms < until_ms)
        && (filter.stands.is_empty() || filter.stands.contains(&row.stand))
}

/// Where fights are looked for, as the settings say.
pub(crate) fn places(
    db: Option<&Path>,
    places: &Places,
    meter_data: Option<&Path>,
    state: &Path,
    unix_ms: i64,
) -> FightPlaces {
    FightPlaces {
        db: db.map(Path::to_owned),
        places: places.clone(),
        meter_data: meter_data.map(Path::to_owned),
        state: state.to_owned(),
        unix_ms,
    }
}

#[cfg(test)]
mod tests {
    use raidcast::uploader::record::{Finished, How, NotSent};
    use raidcast_meterkit::{Generation, MeterWriter, Script, write_all};
    use raidcast_shared::uplink::{NamesPolicy, Outcome, Visibility};

    use super::*;
    use crate::language::Language;
    use crate::words::of;

    const BEGAN_MS: i64 = 1_790_001_000_000;

    /// So many fights, a state folder that knows some of them, and one that the meter has no more.
    async fn staged(dir: &Path, fights: u64, known: &[(usize, How)]) -> FightPlaces {
        let db = dir.join("meter.db");
        let mut writer = MeterWriter::open(&db, Generation::Aggregate).await.unwrap();
        for n in 0..fights {
            let fight = Script::party(n).fight().starting_at(BEGAN_MS + n as i64 * 100_000);
            write_all(&mut writer, &fight).await.unwrap();
        }
        writer.close().await.unwrap();
        let at = places(Some(&db), &Places::default(), None, &dir.join("state"), BEGAN_MS);
        let mut reader = opened(&at).unwrap();
        let all = reader.page(None, 200, |_| None).unwrap().fights;
        let finished = |name: String, started_at_ms: i64, result: How| Finished {
            encounter: name.clone(),
            title: Some("Noted".into()),
            started_at_ms,
            duration_ms: 1,
            events: 77,
            outcome: Outcome::Kill,
            report_id: None,
            url: Some(format!("https://r/reports/{name}")),
            result,
            why: (result == How::Refused).then_some(NotSent::Removed),
            relay: "https://r".into(),
            seen_by: Some(SeenBy { visibility: Some(Visibility::Private), names: Some(NamesPolicy::Full) }),
            raid: None,
        };
        let mut record = Record::default();
        for (index, how) in known {
            let fight = &all[*index].fight;
            record.note(finished(fight.encounter.to_string(), fight.started_at_ms, *how));
        }
        record.note(finished("gone".into(), BEGAN_MS + 50_000, How::New));
        std::fs::create_dir_all(&at.state).unwrap();
        std::fs::write(at.state.join("record.json"), serde_json::to_vec(&record).unwrap()).unwrap();
        at
    }

    fn ask(at: &FightPlaces, filter: &FightFilter) -> FightPage {
        let glances = Glances::in_folder(&at.state.with_file_name("cache"));
        let (page, wrong) = page(at, filter, &glances, of(Language::English));
        assert!(wrong.is_none(), "{wrong:?}");
        page
    }

    #[tokio::test]
    async fn each_fight_stands_where_the_relay_said_and_can_be_dealt_with() {
        use FightStand::{OnRelay, Refused, Unsent};
        let dir = tempfile::tempdir().unwrap();
        let at = staged(dir.path(), 4, &[(0, How::New), (1, How::Refused)]).await;
        let page = ask(&at, &FightFilter::default());
        assert_eq!((page.total, page.next_ms, page.fights.len()), (4, None, 5));
        let stands: Vec<_> = page.fights.iter().map(|row| row.stand).collect();
        // The one that the meter has no more began between the first two.
        assert_eq!(stands, [OnRelay, Refused, Unsent, OnRelay, Unsent]);
        assert_eq!(page.fights[3].encounter, "gone");
        let there = &page.fights[0];
        assert_eq!(there.seen_by.as_deref(), Some("You, and who has the link with its ticket."));
        assert_eq!(there.can, [FightAct::Copy, FightAct::Open]);
        assert!(there.size.as_ref().is_some_and(|size| size.ends_with("hits")), "{there:?}");
        assert_eq!(there.outcome, Some(Outcome::Kill));
        let refused = &page.fights[1];
        // Who follows the meter is done with it.
        assert_eq!((refused.can.first(), refused.seen_by.as_ref()), (Some(&FightAct::Upload), None));
        assert!(refused.why.as_ref().is_some_and(|why| why.contains("removed")), "{refused:?}");
        let unsent = &page.fights[2];
        assert_eq!((unsent.can.as_slice(), unsent.url.as_ref()), ([FightAct::Upload].as_slice(), None));
        assert!(unsent.duration_ms.is_some_and(|ms| ms > 30_000));
        assert_eq!(url_of(&at, "gone").as_deref(), Some("https://r/reports/gone"));
        assert_eq!(url_of(&at, "none"), None);
    }

    #[tokio::test]
    async fn a_list_is_filtered_and_goes_on_in_pages() {
        let dir = tempfile::tempdir().unwrap();
        let at = staged(dir.path(), 3, &[(0, How::New)]).await;
        let all = ask(&at, &FightFilter::default());
        let title = all.fights[0].title.to_uppercase();
        let by_title = ask(&at, &FightFilter { text: format!(" {title} "), ..FightFilter::default() });
        assert!(!by_title.fights.is_empty() && by_title.fights.iter().all(|row| row.title.to_uppercase() == title));
        let none = ask(&at, &FightFilter { text: "nobody".into(), ..FightFilter::default() });
        assert_eq!((none.fights.len(), none.total, none.next_ms), (0, 3, None));
        let since = FightFilter { since_ms: Some(BEGAN_MS + 100_000), ..FightFilter::default() };
        assert_eq!(ask(&at, &since).fights.len(), 2);
        let until = FightFilter { until_ms: Some(BEGAN_MS + 100_000), ..FightFilter::default() };
        assert_eq!(ask(&at, &until).fights.len(), 2, "the first, and the one that is there no more");
        let unsent = FightFilter { stands: vec![FightStand::Unsent], ..FightFilter::default() };
        assert_eq!(ask(&at, &unsent).fights.len(), 2);
        let before = FightFilter { before_ms: Some(BEGAN_MS), ..FightFilter::default() };
        assert!(ask(&at, &before).fights.is_empty());
    }

    #[tokio::test]
    async fn where_the_meter_cannot_be_read_what_was_sent_is_listed_and_why() {
        let dir = tempfile::tempdir().unwrap();
        let at = staged(dir.path(), 2, &[(0, How::New)]).await;
        std::fs::remove_file(dir.path().join("meter.db")).unwrap();
        let glances = Glances::in_folder(dir.path());
        let (page, wrong) = page(&at, &FightFilter::default(), &glances, of(Language::English));
        assert!(matches!(wrong, Some(Wrong::Plan(_))), "{wrong:?}");
        assert_eq!((page.fights.len(), page.total), (2, 2));
        assert_eq!(page.fights[0].title, "Noted");
    }
}
