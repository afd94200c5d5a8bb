//! One transaction of the journal: many entries of many encounters, each answered by itself.

use std::collections::{HashMap, HashSet};

use raidcast_store::lanes::after_failed;
use raidcast_store::{JournalEntry, StoreError, StreamKey, code};
use sqlx::{Connection as _, PgConnection};

/// An entry to be stored, and whether one before it in its lane has failed already.
pub(crate) struct Asked<'a> {
    pub(crate) entry: &'a JournalEntry,
    pub(crate) is_after_failed: bool,
}

/// What became of an entry.
pub(crate) type Outcome = Result<(), StoreError>;

/// What is held of a stream.
struct Held {
    row: i64,
    /// Seq of its last entry, 0 without one: streams have no gaps.
    tip: u64,
}

/// Kind and data of entries by stream's row and seq.
type Entries = HashMap<(i64, u64), (i16, Vec<u8>)>;

/// Stores what may be stored of the entries, in one transaction, and gives each one's outcome, in their order; with
/// `ping` it writes also where there is nothing to store.
///
/// Streams are locked first, so that what is seen of them stays true until the commit, whoever else writes. What is
/// stored goes in one statement, whatever the number of entries.
pub(crate) async fn append(
    connection: &mut PgConnection,
    asked: &[Asked<'_>],
    ping: bool,
) -> Result<Vec<Outcome>, sqlx::Error> {
    let mut transaction = connection.begin().await?;
    let mut streams = lock(&mut transaction, asked).await?;
    let repeated = repeated(&mut transaction, asked, &streams).await?;
    let (outcomes, new) = place(asked, &mut streams, &repeated);
    insert(&mut transaction, &new).await?;
    if ping {
        sqlx::query!("UPDATE ping SET at = now()").execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    Ok(outcomes)
}

/// Locks the entries' streams against other writers and against their end.
async fn lock(connection: &mut PgConnection, asked: &[Asked<'_>]) -> Result<HashMap<StreamKey, Held>, sqlx::Error> {
    let keys: HashSet<StreamKey> = asked.iter().map(|asked| asked.entry.stream).collect();
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let (encounters, streams): (Vec<_>, Vec<_>) = keys.iter().map(|key| (key.encounter, key.stream.0)).unzip();
    let rows = sqlx::query!(
        "SELECT s.row, s.encounter, s.stream
         FROM UNNEST($1::BIGINT[], $2::UUID[]) AS asked (encounter, stream)
              JOIN encounter_stream s ON s.encounter = asked.encounter AND s.stream = asked.stream
         ORDER BY s.row FOR NO KEY UPDATE OF s",
        &encounters,
        &streams,
    )
    .fetch_all(&mut *connection)
    .await?;
    // A statement of its own, since it must see what was committed while the first one waited for locks.
    let stream_rows: Vec<_> = rows.iter().map(|row| row.row).collect();
    let tips = sqlx::query!(
        r#"SELECT s.stream AS "stream!", (SELECT max(j.seq) FROM encounter_journal j WHERE j.stream = s.stream) AS tip
           FROM UNNEST($1::BIGINT[]) AS s (stream)"#,
        &stream_rows
    )
    .fetch_all(connection)
    .await?;
    let tips: HashMap<i64, u64> =
        tips.into_iter().map(|row| (row.stream, row.tip.unwrap_or_default().cast_unsigned())).collect();
    let held = rows.into_iter().map(|row| {
        let key = StreamKey { encounter: row.encounter, stream: raidcast_shared::id::StreamId(row.stream) };
        (key, Held { row: row.row, tip: tips.get(&row.row).copied().unwrap_or_default() })
    });
    Ok(held.collect())
}

/// What stands where entries are that may have been stored before.
async fn repeated(
    connection: &mut PgConnection,
    asked: &[Asked<'_>],
    streams: &HashMap<StreamKey, Held>,
) -> Result<Entries, sqlx::Error> {
    let places = asked.iter().filter_map(|asked| {
        let stream = streams.get(&asked.entry.stream)?;
        (asked.entry.seq <= stream.tip).then_some((stream.row, asked.entry.seq.cast_signed()))
    });
    let (rows, seqs): (Vec<_>, Vec<_>) = places.unzip();
    if rows.is_empty() {
        return Ok(Entries::new());
    }
    let held = sqlx::query!(
        "SELECT j.stream, j.seq, j.kind, j.data
         FROM UNNEST($1::BIGINT[], $2::BIGINT[]) AS asked (stream, seq)
              JOIN encounter_journal j ON j.stream = asked.stream AND j.seq = asked.seq",
        &rows,
        &seqs,
    )
    .fetch_all(connection)
    .await?;
    Ok(held.into_iter().map(|row| ((row.stream, row.seq.cast_unsigned()), (row.kind, row.data))).collect())
}

/// Decides on each entry, and gives those to be stored with the row of their stream.
fn place<'a>(
    asked: &[Asked<'a>],
    streams: &mut HashMap<StreamKey, Held>,
    repeated: &Entries,
) -> (Vec<Outcome>, Vec<(i64, &'a JournalEntry)>) {
    let mut failed = HashSet::new();
    let mut new = Vec::new();
    let mut new_at: HashMap<(i64, u64), &JournalEntry> = HashMap::new();
    let mut decide = |asked: &Asked<'a>| {
        let entry = asked.entry;
        let StreamKey { encounter, stream } = entry.stream;
        if asked.is_after_failed || failed.contains(&encounter) {
            return Err(after_failed());
        }
        let outcome = match streams.get_mut(&entry.stream) {
            None => Err(StoreError::Damaged(format!("no stream {} of encounter {encounter}", stream.0))),
            Some(held) if entry.seq == held.tip + 1 => {
                held.tip = entry.seq;
                new.push((held.row, entry));
                new_at.insert((held.row, entry.seq), entry);
                Ok(())
            }
            Some(held) if entry.seq > held.tip => {
                Err(StoreError::Unavailable(format!("entry {} is not held", entry.seq - 1)))
            }
            // Sent again: when it came the second time does not matter.
            Some(held) => {
                let at = (held.row, entry.seq);
                let is_same = new_at.get(&at).is_some_and(|new| new.kind == entry.kind && new.data == entry.data)
                    || repeated
                        .get(&at)
                        .is_some_and(|(kind, data)| *kind == code::of_kind(entry.kind) && *data == entry.data);
                is_same
                    .then_some(())
                    .ok_or_else(|| StoreError::Damaged(format!("another entry {} of encounter {encounter}", entry.seq)))
            }
        };
        if outcome.is_err() {
            failed.insert(encounter);
        }
        outcome
    };
    let outcomes = asked.iter().map(&mut decide).collect();
    (outcomes, new)
}

async fn insert(connection: &mut PgConnection, new: &[(i64, &JournalEntry)]) -> Result<(), sqlx::Error> {
    if new.is_empty() {
        return Ok(());
    }
    let streams: Vec<_> = new.iter().map(|(stream, _)| *stream).collect();
    let seqs: Vec<_> = new.iter().map(|(_, entry)| entry.seq.cast_signed()).collect();
    let kinds: Vec<_> = new.iter().map(|(_, entry)| code::of_kind(entry.kind)).collect();
    let times: Vec<_> = new.iter().map(|(_, entry)| entry.received_at_ms).collect();
    let data: Vec<&[u8]> = new.iter().map(|(_, entry)| &entry.data[..]).collect();
    sqlx::query!(
        "INSERT INTO encounter_journal (stream, seq, kind, received_at_ms, data)
         SELECT * FROM UNNEST($1::BIGINT[], $2::BIGINT[], $3::SMALLINT[], $4::BIGINT[], $5::BYTEA[])",
        &streams,
        &seqs,
        &kinds,
        &times,
        &data as &[&[u8]],
    )
    .execute(connection)
    .await?;
    Ok(())
}
