use std::sync::OnceLock;

use proptest::prelude::*;
use raidcast_shared::event::{ActorFacts, ActorKind, RareBody};
use raidcast_shared::id::ActorId;
use raidcast_shared::uplink::Outcome;
use uuid::Uuid;

use super::*;
use crate::source::{Generation, Mark};
use raidcast_shared::testing::{any_event, header, hit, rare};

fn head() -> Head {
    Head {
        db: "/meter.db".into(),
        row: 3,
        encounter: EncounterId(Uuid::from_u128(5)),
        stream: StreamId(Uuid::from_u128(6)),
        generation: Some(Generation::Counters),
        header: header(),
    }
}

/// What an opened spool and its encoder are, to be compared.
#[derive(Clone, Debug, PartialEq)]
struct Seen {
    cursor: Cursor,
    frames: Vec<Delta>,
    lost: Lost,
    ending: Option<Ending>,
    checksum: String,
    next: Vec<Delta>,
}

fn seen(spool: &mut Spool, encoder: &mut Encoder) -> Seen {
    Seen {
        cursor: spool.cursor().clone(),
        frames: (1..=spool.seq()).map(|seq| spool.frame(seq).unwrap()).collect(),
        lost: encoder.lost().clone(),
        ending: spool.ending().cloned(),
        checksum: encoder.checksum().to_string(),
        // What it would make of one more reading.
        next: encoder.encode(vec![hit(77, 1, 900, 31, 5)], 80),
    }
}

fn open_bytes(bytes: &[u8]) -> Result<Seen, SpoolError> {
    // In memory where that is: thousands of files are made durable here.
    let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let path = dir.path().join("x.spool");
    fs::write(&path, bytes).unwrap();
    Spool::open(&path).map(|(mut spool, mut encoder)| {
        let length = spool.length;
        assert_eq!(fs::metadata(&path).unwrap().len(), length, "the damaged end is cut off");
        // It can be written on from there, and is found so.
        let (deltas, cursor) = (encoder.encode(vec![hit(50, 1, 2, 3, 4)], 60), vec![Mark(99).set(9, 9)]);
        let mut again = Spool::open(&path).unwrap();
        let seen = seen(&mut again.0, &mut again.1);
        if spool.ending().is_none() {
            spool.append(&deltas, &cursor, encoder.lost()).unwrap();
            let (reopened, _) = Spool::open(&path).unwrap();
            assert_eq!(reopened.seq(), spool.seq());
            assert_eq!(Mark(99).get(reopened.cursor()), Some((9, 9)));
        }
        seen
    })
}

type Sample = (Vec<u8>, Vec<(usize, Seen)>);

/// A small spool, and what it holds after each record with the file's length then.
fn sample() -> &'static Sample {
    static SAMPLE: OnceLock<Sample> = OnceLock::new();
    SAMPLE.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let mut spool = Spool::create(dir.path(), head()).unwrap();
        let path = spool.path.clone();
        let mut encoder = Encoder::new(header());
        let length = |spool: &Spool| spool.length as usize;
        let mut moments = Vec::new();
        let note = |spool: &Spool, moments: &mut Vec<_>| {
            let (mut again, mut encoder) = Spool::open(&path).unwrap();
            moments.push((length(spool), seen(&mut again, &mut encoder)));
        };
        note(&spool, &mut moments);
        for n in 0..6u64 {
            let facts = ActorFacts { kind: Some(ActorKind::Player), ..ActorFacts::of(ActorId::clear(n)) };
            let late = hit(9_000_000, 1, 1, 1, 1);
            let mut events = vec![hit(n as u32 * 10, n, n + 1, 4, n * 100), rare(0, n, RareBody::Actor(facts))];
            events.extend((n == 2).then_some(late));
            // A reading may move the cursor alone.
            let deltas = if n == 3 { Vec::new() } else { encoder.encode(events, n as i64) };
            let cursor = vec![Mark(10 + n as i64).set(n, 1), Mark(20).set(n, n)];
            spool.append(&deltas, &cursor, encoder.lost()).unwrap();
            note(&spool, &mut moments);
        }
        spool.append(&encoder.finish(9), &Vec::new(), encoder.lost()).unwrap();
        note(&spool, &mut moments);
        let checksum = encoder.checksum();
        spool
            .end(Ending { last_seq: spool.seq(), ended_at_ms: Some(5), outcome: Outcome::Kill, checksum, meter: None })
            .unwrap();
        note(&spool, &mut moments);
        (fs::read(&path).unwrap(), moments)
    })
}

/// What must be left of the first `good` bytes.
fn left_of(good: usize) -> Option<&'static Seen> {
    sample().1.iter().rev().find(|(length, _)| *length <= good).map(|(_, seen)| seen)
}

fn compare(damaged: &[u8], good: usize) {
    match (open_bytes(damaged), left_of(good)) {
        (Ok(seen), Some(expected)) => assert_eq!(&seen, expected),
        (Err(SpoolError::Damaged { .. }), None) => {}
        (opened, expected) => panic!("{opened:?}, not {expected:?}"),
    }
}

#[test]
fn cut_at_any_byte_it_is_the_log_of_an_earlier_moment() {
    let bytes = &sample().0;
    for cut in 0..=bytes.len() {
        compare(&bytes[..cut], cut);
    }
}

#[test]
fn with_any_byte_changed_it_is_the_log_of_the_moment_before() {
    let bytes = &sample().0;
    for at in 0..bytes.len() {
        for change in [1, 0x80, 0xff] {
            let mut damaged = bytes.clone();
            damaged[at] ^= change;
            compare(&damaged, at);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(40) })]

    #[test]
    fn whatever_was_appended_is_there_again(readings in proptest::collection::vec(proptest::collection::vec(any_event(), 0..30), 1..8)) {
        let dir = tempfile::tempdir().unwrap();
        let mut spool = Spool::create(dir.path(), head()).unwrap();
        let mut encoder = Encoder::new(header());
        for (n, events) in readings.into_iter().enumerate() {
            let deltas = encoder.encode(events, n as i64);
            spool.append(&deltas, &vec![Mark(10 + n as i64).set(1, 1)], encoder.lost()).unwrap();
        }
        let (mut again, mut replayed) = Spool::open(&spool.path.clone()).unwrap();
        prop_assert_eq!(again.head(), spool.head());
        prop_assert_eq!(seen(&mut again, &mut replayed), seen(&mut spool, &mut encoder));
    }
}

#[test]
fn a_look_at_a_spool_that_is_being_written_changes_nothing() {
    let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let path = dir.path().join("x.spool");
    let bytes = &sample().0;
    for cut in 0..=bytes.len() {
        fs::write(&path, &bytes[..cut]).unwrap();
        let peek = Spool::peek(&path);
        assert_eq!(fs::metadata(&path).unwrap().len(), cut as u64);
        // It sees what opening the file would find.
        let opened = Spool::open(&path);
        assert_eq!(peek.is_ok(), opened.is_ok());
        if let (Ok(peek), Ok((spool, encoder))) = (peek, opened) {
            assert_eq!((peek.seq, peek.ending), (spool.seq(), spool.ending().cloned()));
            assert_eq!((peek.head, peek.events), (spool.head().clone(), encoder.state().events()));
        }
    }
}

#[test]
fn a_full_disk_leaves_nothing_half_written() {
    // /dev/full takes nothing: the spool says so, and what it holds stays.
    if !Path::new("/dev/full").exists() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut spool = Spool::create(dir.path(), head()).unwrap();
    let mut encoder = Encoder::new(header());
    let deltas = encoder.encode(vec![hit(1, 2, 3, 4, 5)], 0);
    let cursor = vec![Mark(11).set(1, 1)];
    let good = std::mem::replace(&mut spool.file, OpenOptions::new().read(true).write(true).open("/dev/full").unwrap());
    let error = spool.append(&deltas, &cursor, encoder.lost()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    assert_eq!((spool.seq(), Mark(11).get(spool.cursor())), (0, None));
    spool.file = good;
    spool.append(&deltas, &cursor, encoder.lost()).unwrap();
    assert_eq!(Spool::open(&spool.path).unwrap().0.seq(), 1);
}

#[cfg(unix)]
#[test]
fn a_spool_that_was_deleted_is_written_again_and_one_that_was_cut_as_well_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let mut spool = Spool::create(dir.path(), head()).unwrap();
    let path = Spool::path_of(dir.path(), head().encounter);
    let bytes = fs::read(&path).unwrap();
    fs::remove_file(&path).unwrap();
    spool.restore().unwrap();
    assert_eq!(fs::read(&path).unwrap(), bytes);
    File::options().write(true).open(&path).unwrap().set_len(9).unwrap();
    fs::remove_file(&path).unwrap();
    let SpoolError::Lost { path: lost } = spool.restore().unwrap_err() else { panic!("not lost") };
    assert_eq!(lost, path);
}
