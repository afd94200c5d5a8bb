//! The log of one encounter's stream on disk: what is sent comes from here, and a new start goes on from here.
//!
//! A file is eight bytes of magic, then records: length and CRC-32 of what follows (little-endian u32 each), one
//! byte for the kind, a MessagePack map behind its length, then the bytes of the map's frames. The first record is
//! the [`Head`].
//! One invariant: a reading's deltas and the source's cursor after it are one record, written at once, so a file cut
//! or damaged anywhere is the log of an earlier moment, from which reading goes on without loss or repeat.
//! The whole file stays until the relay has made the fight's report final.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use raidcast_shared::codec;
use raidcast_shared::columns::ColumnMap;
use raidcast_shared::fold::{Checked, EncounterState};
use raidcast_shared::id::{EncounterId, StreamId};
use raidcast_shared::limits::UPLINK_FRAME_BYTES_MAX;
use raidcast_shared::uplink::{Delta, Ending, Header};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::secret::{create_private, sync_folder_of};
use crate::source::{Cursor, CursorDelta, Generation};
use raidcast_shared::encode::{Encoder, Lost};

const MAGIC: &[u8; 8] = b"RCSPOOL1";
/// Length and CRC of a record.
const FRAMING: u64 = 8;
/// No record is longer: a whole two-hour fight read at once is a tenth of it.
const RECORD_BYTES_MAX: u32 = 256 * 1024 * 1024;

mod kind {
    pub(super) const HEAD: u8 = 1;
    pub(super) const READING: u8 = 2;
    pub(super) const ENDED: u8 = 3;
}

/// What a spool is the log of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The meter's database, as a path.
    pub db: String,
    /// The fight's row in it.
    pub row: i64,
    /// The fight's name everywhere.
    pub encounter: EncounterId,
    /// Names this reading of it.
    pub stream: StreamId,
    /// How the database stored it when it was begun: cursors of one generation mean nothing to another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<Generation>,
    /// As Begin carries it.
    pub header: Header,
}

/// One reading: the frames made of it follow the map.
#[derive(Debug, Serialize, Deserialize)]
struct ReadingRecord {
    /// Seq of the first frame; 0 if there is none.
    first: u64,
    /// Bytes of each frame.
    lengths: Vec<u32>,
    cursor: CursorDelta,
    /// What is left out so far, where that changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lost: Option<Lost>,
}

/// Where a frame stands in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FrameSpan {
    at: u64,
    length: u32,
}

/// Why a spool cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("{self:?}")]
pub enum SpoolError {
    /// The file system says no: try again.
    Io {
        /// Which file.
        path: PathBuf,
        /// In the system's words.
        error: io::Error,
    },
    /// It was deleted, and what was open of it cannot be read any more.
    Lost {
        /// Which file.
        path: PathBuf,
    },
    /// Its begin is damaged, so nothing of it can be used: read the fight again.
    Damaged {
        /// Which file.
        path: PathBuf,
    },
}

impl From<SpoolError> for io::Error {
    fn from(error: SpoolError) -> Self {
        match error {
            SpoolError::Io { error, .. } => error,
            other => Self::other(other),
        }
    }
}

/// An open spool.
#[derive(Debug)]
pub struct Spool {
    path: PathBuf,
    file: File,
    head: Head,
    /// By seq, from 1.
    frames: Vec<FrameSpan>,
    cursor: Cursor,
    lost: Lost,
    ending: Option<Ending>,
    /// Up to here every record is good.
    length: u64,
    unsynced: bool,
}

/// What a spool holds, for who only looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peek {
    /// What it is the log of.
    pub head: Head,
    /// Seq of its last frame; 0 if it has none.
    pub seq: u64,
    /// The last boss that was met, if any.
    pub boss: Option<String>,
    /// Hits and deaths.
    pub events: u64,
    /// From the fight's begin to its last event, ms.
    pub elapsed_ms: u32,
    /// How the fight ended, if it has.
    pub ending: Option<Ending>,
}

impl Spool {
    /// Where the spool of an encounter is.
    pub fn path_of(folder: &Path, encounter: EncounterId) -> PathBuf {
        folder.join(format!("{encounter}.spool"))
    }

    /// Makes a spool, in place of one that may be there.
    pub fn create(folder: &Path, head: Head) -> Result<Self, SpoolError> {
        let path = Self::path_of(folder, head.encounter);
        let io = |error| SpoolError::Io { path: path.clone(), error };
        let temporary = path.with_extension("new");
        let mut file = create_private(&temporary).map_err(io)?;
        let mut bytes = MAGIC.to_vec();
        bytes.extend(record(kind::HEAD, &head, &[]));
        file.write_all(&bytes).and_then(|()| file.sync_all()).map_err(io)?;
        // Windows renames no open file.
        drop(file);
        fs::rename(&temporary, &path).map_err(io)?;
        sync_folder_of(&path);
        let file = OpenOptions::new().read(true).write(true).open(&path).map_err(io)?;
        Ok(Self {
            file,
            head,
            frames: Vec::new(),
            cursor: Cursor::default(),
            lost: Lost::default(),
            ending: None,
            length: bytes.len() as u64,
            unsynced: false,
            path,
        })
    }

    /// Opens a spool, cuts off what a crash left half written, and makes the encoder that wrote it.
    ///
    /// # Errors
    /// `Damaged` if not even its head can be read: the fight is to be read again under a new stream id.
    pub fn open(path: &Path) -> Result<(Self, Encoder), SpoolError> {
        let io = |error| SpoolError::Io { path: path.to_owned(), error };
        let file = OpenOptions::new().read(true).write(true).open(path).map_err(io)?;
        let (spool, encoder, whole) = Self::read(path, &file)?;
        if spool.length < whole {
            tracing::warn!(path = %path.display(), kept = spool.length, cut = whole - spool.length, "a spool's end was damaged");
            spool.file.set_len(spool.length).and_then(|()| spool.file.sync_data()).map_err(io)?;
        }
        Ok((spool, encoder))
    }

    /// Looks at a spool that another client may be writing to, and changes nothing: a record that is half written is
    /// not seen.
    ///
    /// # Errors
    /// As [`Spool::open`].
    pub fn peek(path: &Path) -> Result<Peek, SpoolError> {
        let file = File::open(path).map_err(|error| SpoolError::Io { path: path.to_owned(), error })?;
        let (spool, encoder, _) = Self::read(path, &file)?;
        Ok(Peek {
            seq: spool.seq(),
            boss: encoder.boss(),
            events: encoder.state().events(),
            elapsed_ms: encoder.state().extent_ms().map_or(0, |(_, last)| last),
            head: spool.head,
            ending: spool.ending,
        })
    }

    /// Reads all good records, and says how long the file is.
    fn read(path: &Path, file: &File) -> Result<(Self, Encoder, u64), SpoolError> {
        let io = |error| SpoolError::Io { path: path.to_owned(), error };
        let damaged = || SpoolError::Damaged { path: path.to_owned() };
        let whole = file.metadata().map_err(io)?.len();
        let mut reader = BufReader::new(file);
        let mut magic = [0; MAGIC.len()];
        let magic_is_there = read_or_end(&mut reader, &mut magic).map_err(io)?;
        if !magic_is_there || magic != *MAGIC {
            return Err(damaged());
        }
        let mut length = MAGIC.len() as u64;
        let head: Head = match next_record(&mut reader, whole - length).map_err(io)? {
            Some(bytes) => {
                length += FRAMING + bytes.len() as u64;
                split(&bytes)
                    .filter(|(kind, ..)| *kind == kind::HEAD)
                    .and_then(|(_, map, _)| parse(map))
                    .ok_or_else(damaged)?
            }
            None => return Err(damaged()),
        };
        let mut encoder = Encoder::new(head.header.clone());
        let mut spool = Self {
            path: path.to_owned(),
            file: file.try_clone().map_err(io)?,
            head,
            frames: Vec::new(),
            cursor: Cursor::default(),
            lost: Lost::default(),
            ending: None,
            length,
            unsynced: false,
        };
        while let Some(bytes) = next_record(&mut reader, whole - spool.length).map_err(io)? {
            if spool.take_in(&bytes, &mut encoder).is_none() {
                break;
            }
        }
        encoder.replay_lost(spool.lost.clone());
        Ok((spool, encoder, whole))
    }

    /// Takes in one record; `None`, and nothing is changed, if it does not follow what is there.
    fn take_in(&mut self, bytes: &[u8], encoder: &mut Encoder) -> Option<()> {
        let (kind, map, mut rest) = split(bytes)?;
        match kind {
            kind::READING => {
                let reading: ReadingRecord = parse(map)?;
                if self.ending.is_some() && !reading.lengths.is_empty() {
                    return None;
                }
                if !reading.lengths.is_empty() && reading.first != self.seq() + 1 {
                    return None;
                }
                let mut at = self.length + FRAMING + (bytes.len() - rest.len()) as u64;
                let mut spans = Vec::with_capacity(reading.lengths.len());
                let mut deltas = Vec::with_capacity(reading.lengths.len());
                for length in reading.lengths {
                    let (frame, after) = rest.split_at_checked(length as usize)?;
                    let delta: Delta = codec::decode(frame, UPLINK_FRAME_BYTES_MAX).ok()?;
                    deltas.push(delta);
                    spans.push(FrameSpan { at, length });
                    at += u64::from(length);
                    rest = after;
                }
                // Behind a CRC that fits only a mistake of ours can fail here; then nothing after it is used.
                for delta in &deltas {
                    if let Err(error) = encoder.replay(delta) {
                        tracing::error!(%error, path = %self.path.display(), "a spool contradicts itself");
                        return None;
                    }
                }
                self.frames.extend(spans);
                self.cursor.advance(&reading.cursor);
                self.lost = reading.lost.unwrap_or_else(|| self.lost.clone());
            }
            kind::ENDED if self.ending.is_none() => self.ending = Some(parse(map)?),
            _ => return None,
        }
        self.length += FRAMING + bytes.len() as u64;
        Some(())
    }

    /// Appends one reading.
    ///
    /// # Errors
    /// Nothing of it is kept: the same reading is to be appended again before any other.
    pub fn append(&mut self, deltas: &[Delta], cursor: &CursorDelta, lost: &Lost) -> io::Result<()> {
        let frames: Vec<_> = deltas.iter().map(codec::encode).collect();
        let reading = ReadingRecord {
            first: deltas.first().map_or(0, |delta| delta.seq),
            lengths: frames.iter().map(|frame| frame.len() as u32).collect(),
            cursor: cursor.clone(),
            lost: (*lost != self.lost).then(|| lost.clone()),
        };
        debug_assert!(deltas.is_empty() || reading.first == self.seq() + 1);
        let bytes = record(kind::READING, &reading, &frames);
        let frame_bytes: u64 = frames.iter().map(|frame| frame.len() as u64).sum();
        let mut at = self.length + bytes.len() as u64 - frame_bytes;
        self.write(&bytes)?;
        for length in reading.lengths {
            self.frames.push(FrameSpan { at, length });
            at += u64::from(length);
        }
        self.cursor.advance(cursor);
        self.lost = lost.clone();
        Ok(())
    }

    /// Moves the cursor alone; the only record that may stand behind the fight's end.
    ///
    /// # Errors
    /// As [`Spool::append`].
    pub fn note(&mut self, cursor: &CursorDelta) -> io::Result<()> {
        let lost = self.lost.clone();
        self.append(&[], cursor, &lost)
    }

    /// The fold of the frames up to a seq.
    ///
    /// # Errors
    /// They cannot be read, or are not there.
    pub fn fold_to(&mut self, seq: u64) -> io::Result<EncounterState> {
        let mut state = EncounterState::new(self.head.header.clone(), ColumnMap::own());
        for seq in 1..=seq {
            let delta = self.frame(seq)?;
            state.apply(&Checked::decode(state.columns(), &delta).map_err(io::Error::other)?);
        }
        Ok(state)
    }

    /// Notes that the fight has ended, and makes all of it durable.
    ///
    /// # Errors
    /// As [`Spool::append`].
    pub fn end(&mut self, ending: Ending) -> io::Result<()> {
        self.write(&record(kind::ENDED, &ending, &[]))?;
        self.ending = Some(ending);
        if let Err(error) = self.sync() {
            // It is written; the next sync tries again.
            tracing::warn!(path = %self.path.display(), %error, "could not sync a spool");
            self.unsynced = true;
        }
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let written = self.file.seek(SeekFrom::Start(self.length)).and_then(|_| self.file.write_all(bytes));
        if let Err(error) = written {
            // A full disk takes a part: what it took must not stand before the next record.
            let _ = self.file.set_len(self.length);
            return Err(error);
        }
        self.length += bytes.len() as u64;
        self.unsynced = true;
        Ok(())
    }

    /// The frame of a seq that was appended.
    pub fn frame(&mut self, seq: u64) -> io::Result<Delta> {
        let span = usize::try_from(seq).ok().and_then(|seq| self.frames.get(seq.checked_sub(1)?));
        let FrameSpan { at, length } = *span.ok_or_else(|| io::Error::other("no such frame"))?;
        let mut bytes = vec![0; length as usize];
        self.file.seek(SeekFrom::Start(at))?;
        self.file.read_exact(&mut bytes)?;
        codec::decode(&bytes, UPLINK_FRAME_BYTES_MAX).map_err(io::Error::other)
    }

    /// Bytes of the frame of a seq that was appended; 0 for another.
    pub fn frame_bytes(&self, seq: u64) -> u32 {
        usize::try_from(seq).ok().and_then(|seq| self.frames.get(seq.checked_sub(1)?)).map_or(0, |span| span.length)
    }

    /// A handle to make the file durable with, elsewhere than on this thread; `None` if it is.
    pub fn take_unsynced(&mut self) -> Option<File> {
        if !std::mem::take(&mut self.unsynced) {
            return None;
        }
        self.file.try_clone().ok()
    }

    /// Makes the file durable.
    pub fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()?;
        self.unsynced = false;
        Ok(())
    }

    /// Writes the file once more, if it was deleted: what is open can still be read.
    ///
    /// # Errors
    /// There is no room for it; or `Lost`: what is open cannot be read any more.
    pub fn restore(&mut self) -> Result<(), SpoolError> {
        if self.path.try_exists().unwrap_or(true) {
            return Ok(());
        }
        match self.write_copy() {
            Ok(true) => Ok(()),
            Ok(false) => Err(SpoolError::Lost { path: self.path.clone() }),
            Err(error) => Err(SpoolError::Io { path: self.path.clone(), error }),
        }
    }

    /// Writes all of the open file to where it stood; false if not all of it can be read.
    fn write_copy(&mut self) -> io::Result<bool> {
        let temporary = self.path.with_extension("new");
        let mut copy = create_private(&temporary)?;
        self.file.seek(SeekFrom::Start(0))?;
        if io::copy(&mut (&self.file).take(self.length), &mut copy)? < self.length {
            return Ok(false);
        }
        copy.sync_all()?;
        // Windows renames no open file.
        drop(copy);
        fs::rename(&temporary, &self.path)?;
        sync_folder_of(&self.path);
        self.file = OpenOptions::new().read(true).write(true).open(&self.path)?;
        Ok(true)
    }

    /// Removes the file: the relay has it all.
    pub fn remove(self) {
        drop(self.file);
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!(path = %self.path.display(), %error, "could not remove a spool that is no longer needed");
        }
    }

    /// What it is the log of.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// How far the source was read.
    pub fn cursor(&self) -> &Cursor {
        &self.cursor
    }

    /// Seq of its last frame; 0 if it has none.
    pub fn seq(&self) -> u64 {
        self.frames.len() as u64
    }

    /// How the fight ended, if it has.
    pub fn ending(&self) -> Option<&Ending> {
        self.ending.as_ref()
    }
}

/// The bytes of a record.
fn record(kind: u8, map: &impl Serialize, frames: &[Vec<u8>]) -> Vec<u8> {
    let map = codec::encode(map);
    let mut out = vec![0; FRAMING as usize];
    out.push(kind);
    out.extend((map.len() as u32).to_le_bytes());
    out.extend(map);
    for frame in frames {
        out.extend_from_slice(frame);
    }
    let body = &out[FRAMING as usize..];
    let (length, crc) = (body.len() as u32, crc32fast::hash(body));
    out[..4].copy_from_slice(&length.to_le_bytes());
    out[4..8].copy_from_slice(&crc.to_le_bytes());
    out
}

/// The next record's body; `None` at the end of the good ones.
fn next_record(reader: &mut impl Read, left: u64) -> io::Result<Option<Vec<u8>>> {
    let mut framing = [0; FRAMING as usize];
    if !read_or_end(reader, &mut framing)? {
        return Ok(None);
    }
    let [l0, l1, l2, l3, c0, c1, c2, c3] = framing;
    let length = u32::from_le_bytes([l0, l1, l2, l3]);
    if length > RECORD_BYTES_MAX || u64::from(length) + FRAMING > left {
        return Ok(None);
    }
    let mut body = vec![0; length as usize];
    if !read_or_end(reader, &mut body)? || crc32fast::hash(&body) != u32::from_le_bytes([c0, c1, c2, c3]) {
        return Ok(None);
    }
    Ok(Some(body))
}

/// Fills `bytes`; false if the file ends before.
fn read_or_end(reader: &mut impl Read, bytes: &mut [u8]) -> io::Result<bool> {
    match reader.read_exact(bytes) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

/// Kind, map and frames of a record's body.
fn split(body: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (kind, rest) = body.split_first()?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let (map, frames) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    Some((*kind, map, frames))
}

fn parse<T: DeserializeOwned>(map: &[u8]) -> Option<T> {
    rmp_serde::from_slice(map).ok()
}

#[cfg(test)]
mod tests;
