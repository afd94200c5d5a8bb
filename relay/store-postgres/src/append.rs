//! One transaction of the journal: many entries of many encounters, each answered by itself.

use std::collections::{HashMap, HashSet};

use raidcast_shared::id::StreamId;
use raidcast_store::order::{after_failed, no_stream, not_next};
use raidcast_store::{JournalEntry, StoreError, StreamKey, code};
use sqlx::{Connection as _, PgConnection};

/// An entry to be stored, and whether one of its encounter before it has failed already.
pub(crate) struct Asked<'a> {
    pub(crate) entry: &'a JournalEntry,
    pub(crate) is_after_failed: bool,
}

/// What became of an entry.
pub(crate) type Outcome = Result<(), StoreError>;

/// How far a stream is.
struct Tip {
    row: i64,
    /// Of its last entry, 0 without one: streams have no gaps.
    seq: u64,
}

/// Kind and data of entries that are stored, by stream's row and seq.
type Stored = HashMap<(i64, u64), (i16, Vec<u8>)>;

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
    let stored = stored(&mut transaction, asked, &streams).await?;
    let (outcomes, new) = place(asked, &mut streams, &stored);
    insert(&mut transaction, &new).await?;
    if ping {
        sqlx::query!("UPDATE ping SET at = now()").execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    Ok(outcomes)
}

/// Locks the entries' streams against other writers and against their end.
async fn lock(connection: &mut PgConnection, asked: &[Asked<'_>]) -> Result<HashMap<StreamKey, Tip>, sqlx::Error> {
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
    let streams = rows.into_iter().map(|row| {
        let key = StreamKey { encounter: row.encounter, stream: StreamId(row.stream) };
        (key, Tip { row: row.row, seq: tips.get(&row.row).copied().unwrap_or_default() })
    });
    Ok(streams.collect())
}

/// What stands where entries are that may have been stored before.
async fn stored(
    connection: &mut PgConnection,
    asked: &[Asked<'_>],
    streams: &HashMap<StreamKey, Tip>,
) -> Result<Stored, sqlx::Error> {
    let places = asked.iter().filter_map(|asked| {
        let tip = streams.get(&asked.entry.stream)?;
        (asked.entry.seq <= tip.seq).then_some((tip.row, asked.entry.seq.cast_signed()))
    });
    let (rows, seqs): (Vec<_>, Vec<_>) = places.unzip();
    if rows.is_empty() {
        return Ok(Stored::new());
    }
    let found = sqlx::query!(
        "SELECT j.stream, j.seq, j.kind, j.data
         FROM UNNEST($1::BIGINT[], $2::BIGINT[]) AS asked (stream, seq)
              JOIN encounter_journal j ON j.stream = asked.stream AND j.seq = asked.seq",
        &rows,
        &seqs,
    )
    .fetch_all(connection)
    .await?;
    Ok(found.into_iter().map(|row| ((row.stream, row.seq.cast_unsigned()), (row.kind, row.data))).collect())
}

/// Decides on each entry, and gives those to be stored with the row of their stream.
fn place<'a>(
    asked: &[Asked<'a>],
    streams: &mut HashMap<StreamKey, Tip>,
    stored: &Stored,
) -> (Vec<Outcome>, Vec<(i64, &'a JournalEntry)>) {
    let mut failed = HashSet::new();
    let mut new = Vec::new();
    let mut new_at: HashMap<(i64, u64), &JournalEntry> = HashMap::new();
    let mut decide = |asked: &Asked<'a>| {
        let entry = asked.entry;
        if asked.is_after_failed || failed.contains(&entry.stream.encounter) {
            return Err(after_failed());
        }
        let outcome = match streams.get_mut(&entry.stream) {
            None => Err(no_stream(entry)),
            Some(tip) if entry.seq == tip.seq + 1 => {
                tip.seq = entry.seq;
                new.push((tip.row, entry));
                new_at.insert((tip.row, entry.seq), entry);
                Ok(())
            }
            Some(tip) => {
                let at = (tip.row, entry.seq);
                let of_new = |new: &&'a JournalEntry| (code::of_kind(new.kind), &new.data[..]);
                let of_stored = || stored.get(&at).map(|(kind, data)| (*kind, &data[..]));
                let stands = new_at.get(&at).map(of_new).or_else(of_stored);
                not_next(entry, stands.map(|(kind, data)| (kind.into(), data)))
            }
        };
        if outcome.is_err() {
            failed.insert(entry.stream.encounter);
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
