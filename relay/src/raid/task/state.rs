//! What a raid's task holds; what is done with it is in the files beside this one.
//!
//! One invariant: an encounter's id is in one place at any time (open, opening, thrown away).

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::{FuturesOrdered, FuturesUnordered};
use raidcast_shared::checksum::Checksum;
use raidcast_shared::fold::Checked;
use raidcast_shared::id::{ActorId, EncounterId, StreamId};
use raidcast_shared::report::Report;
use raidcast_shared::uplink::{Begin, Ending, Held, NamesPolicy, ReportState, UplinkReply};
use raidcast_store::{EncounterKey, EncounterRow, RaidRow, ReportLine, StoreError};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::handles::Handles;
use super::overlays::Overlays;
use super::past::{Connections, Earlier};
use super::stage::{Of, Stages};
use crate::access::Numbers;
use crate::context::Context;
use crate::quota::Spent;
use crate::raid::channels::Channels;
use crate::raid::command::{Attach, Claim, Join, RaidCommand, RaidHandle, Show};
use crate::raid::directory::Directory;
use crate::raid::encounter::LiveEncounter;
use crate::raid::restore::Unread;

/// A client whose append failed tries again after this, ms.
pub(super) const STORE_RETRY_MS: u32 = 1_000;

/// What a raid's task has around it: nothing of it loads raids.
#[derive(Clone)]
pub(in crate::raid) struct Around {
    /// What the relay is made of.
    pub(in crate::raid) context: Arc<Context>,
    /// Who owns what.
    pub(in crate::raid) directory: Arc<Directory>,
    /// What the channels show.
    pub(in crate::raid) channels: Arc<Channels>,
}

/// The uplink connection that speaks for the raid.
pub(super) struct Uplink {
    pub(super) connection: u64,
    pub(super) replies: mpsc::Sender<UplinkReply>,
    /// Whether its key may see what its account keeps from others.
    pub(super) reads: bool,
    /// Whether its key may delete what is its account's.
    pub(super) manages: bool,
    pub(super) handles: Handles<(EncounterId, StreamId)>,
    /// Begun, known from another raid, and left there until something of it is sent.
    pub(super) elsewhere: HashMap<EncounterId, Elsewhere>,
}

/// An append that was answered.
pub(super) struct Appended {
    pub(super) encounter: EncounterId,
    pub(super) stream: StreamId,
    pub(super) what: What,
    /// What it took up meanwhile.
    pub(super) bytes: u64,
    pub(super) received_ms: i64,
    pub(super) result: Result<(), StoreError>,
}

pub(super) enum What {
    Delta { checked: Box<Checked>, delta: Bytes, captured_ms: i64, checksum: Option<Checksum> },
    End(Box<Ending>),
}

/// Work beside the pipeline that was done.
pub(super) enum Chore {
    Opened(Box<Opened>),
    Kept {
        encounter: EncounterId,
        stream: StreamId,
        result: Box<Result<Report, StoreError>>,
        state: ReportState,
    },
    StreamBegun {
        beginning: Box<Beginning>,
        result: Result<(), StoreError>,
    },
    StreamDropped {
        encounter: EncounterId,
        stream: StreamId,
        result: Result<(), StoreError>,
    },
    Reopened {
        encounter: EncounterId,
        result: Result<(), StoreError>,
    },
    Reloaded {
        encounter: EncounterId,
        result: Box<Result<Option<LiveEncounter>, StoreError>>,
    },
    /// A fight was read that the task is to hold from its beginning on.
    Loaded {
        encounter: EncounterId,
        result: Box<Result<Option<LiveEncounter>, StoreError>>,
    },
    Discarded {
        encounter: EncounterId,
        report_id: Option<String>,
        result: Result<(), StoreError>,
    },
    /// What the first that waits to attach wants of the raid is kept, or cannot be.
    Attached {
        kept: Box<RaidRow>,
        result: Result<(), StoreError>,
    },
    /// Players of a stage of a raid that shows these names have numbers, or cannot get them.
    Numbered {
        of: Of,
        names: NamesPolicy,
        players: Vec<ActorId>,
        result: Result<Arc<Numbers>, StoreError>,
    },
    RowSaved(Result<(), StoreError>),
}

/// The claim of who wants an encounter, once it was made: its number, 0 until then.
#[derive(Clone, Debug, Default)]
pub(super) struct Claiming(Arc<AtomicU64>);

impl Claiming {
    /// Claims an encounter; gives what its owner before, if there is one, is to be asked.
    pub(super) fn claim(
        &self,
        directory: &Directory,
        key: EncounterKey,
        me: &RaidHandle,
    ) -> (Claim, Option<RaidHandle>) {
        let (claim, before) = directory.claim(key, me);
        self.0.store(claim.number(), Ordering::Release);
        (claim, before)
    }

    /// Claims an encounter that no other raid has; gives the task that the same raid had before, if that has not let go
    /// of it. `None` if another raid has it.
    pub(super) fn claim_free(
        &self,
        directory: &Directory,
        key: EncounterKey,
        me: &RaidHandle,
    ) -> Option<(Claim, Option<RaidHandle>)> {
        let (claim, before) = directory.claim_free(key, me)?;
        self.0.store(claim.number(), Ordering::Release);
        Some((claim, before))
    }

    /// Whether it was made before another one: then that one waits for it, and never the other way round.
    pub(super) fn is_before(&self, other: Claim) -> bool {
        let own = self.0.load(Ordering::Acquire);
        own != 0 && own < other.number()
    }
}

/// An encounter that is looked for, fetched from another raid, or made.
#[derive(Debug)]
pub(super) struct Opening {
    /// For whom.
    pub(super) connection: u64,
    pub(super) claiming: Claiming,
    /// It was thrown away meanwhile.
    pub(super) discard: bool,
}

/// An encounter that is thrown away: its rows go when nothing of it is under way.
pub(super) struct Discarding {
    /// As it was held, until all that is under way is answered.
    pub(super) held: Option<Box<LiveEncounter>>,
    /// Where it was not held here: it is claimed first.
    pub(super) claiming: Option<Claiming>,
    pub(super) started: bool,
}

/// An encounter that another raid goes on with.
pub(super) struct Releasing {
    pub(super) encounter: EncounterId,
    pub(super) claim: Claim,
    pub(super) moves: bool,
    pub(super) reply: oneshot::Sender<()>,
}

/// A Begin that is being dealt with.
#[derive(Clone)]
pub(super) struct Beginning {
    pub(super) connection: u64,
    pub(super) begin: Begin,
    /// The handle that it was given while its fight was left in another raid: it is not answered a second time.
    pub(super) given: Option<u32>,
}

/// A fight that was left in another raid.
pub(super) struct Elsewhere {
    pub(super) begin: Begin,
    /// It is on its way here: what is sent meanwhile is asked for again.
    pub(super) fetching: bool,
}

/// What opening an encounter gave.
pub(super) struct Opened {
    pub(super) beginning: Beginning,
    pub(super) result: Result<Found, OpenError>,
}

/// Where an encounter is that a client begins.
pub(super) enum Found {
    Here(Box<LiveEncounter>),
    /// Another raid has it, and goes on having it while nothing of it is sent.
    Elsewhere(Box<EncounterRow>, Held),
}

pub(super) enum OpenError {
    Unread(Unread),
    /// What is held of the reading has other columns.
    OtherColumns,
    /// The raid shows it to more people than the one that it is in.
    ShownToMore,
    TooMany(Spent),
}

impl From<Unread> for OpenError {
    fn from(unread: Unread) -> Self {
        Self::Unread(unread)
    }
}

impl From<StoreError> for OpenError {
    fn from(error: StoreError) -> Self {
        Self::Unread(error.into())
    }
}

/// Reports of which it is to be told that they lead to others now.
#[derive(Default)]
pub(super) struct ViewsToTell {
    /// Each once, in the order in which they came: no more than the raid has reports.
    pub(super) waiting: VecDeque<String>,
    /// Not before this.
    pub(super) next: Option<Instant>,
}

/// What a raid is to be from now on.
pub(super) enum Wanted {
    /// As a connection says that wants to speak for it.
    ToSpeak(Attach),
    /// Shown as somebody says who manages it.
    ToShow(Show),
}

/// What a client says of a raid beside who may see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Beside {
    pub(super) names: NamesPolicy,
    pub(super) delay_ms: i64,
}

/// Owns a raid.
#[expect(clippy::struct_excessive_bools, reason = "each is a thing of its own that is still to be done")]
pub(in crate::raid) struct RaidTask {
    pub(super) around: Around,
    pub(super) me: RaidHandle,
    pub(super) inbox: mpsc::Receiver<RaidCommand>,
    pub(super) row: RaidRow,
    /// Kept fights of the raid that the task does not hold, oldest first.
    pub(super) earlier: Vec<Earlier>,
    pub(super) encounters: BTreeMap<EncounterId, LiveEncounter>,
    /// Which encounter spectators see.
    pub(super) current: Option<EncounterId>,
    pub(super) uplink: Option<Uplink>,
    /// When uploaders came and went.
    pub(super) connections: Connections,
    /// What the raid is to be from now on, one after the other.
    pub(super) wanted: VecDeque<Wanted>,
    pub(super) appends: FuturesOrdered<BoxFuture<'static, Appended>>,
    pub(super) chores: FuturesUnordered<BoxFuture<'static, Chore>>,
    /// Encounters that are looked for, fetched or made.
    pub(super) opening: HashMap<EncounterId, Opening>,
    /// Those of them that the task reads for itself.
    pub(super) loading: HashSet<EncounterId>,
    /// Its fights are not read yet.
    pub(super) unread: bool,
    /// The channel shows another raid, and some who came by it are to move on when it does so for them.
    pub(super) others_move_on: bool,
    /// Spectators that wait for the first fight that there is to see.
    pub(super) joining: Vec<Join>,
    /// Encounters that are thrown away.
    pub(super) discarding: HashMap<EncounterId, Discarding>,
    /// The Begin of each encounter that waits until something of it is done.
    pub(super) waiting: HashMap<EncounterId, Beginning>,
    /// Encounters that other raids go on with.
    pub(super) releasing: Vec<Releasing>,
    /// Reports that lead to others now.
    pub(super) views: ViewsToTell,
    /// Fights that were erased while the task ran: they are not taken again.
    pub(super) erased: VecDeque<EncounterId>,
    /// The raid is being erased: the task ends.
    pub(super) closing: bool,
    pub(super) stages: Stages,
    pub(super) overlays: Overlays,
    /// How many watched when that was counted last, and when that was, Unix ms.
    pub(super) watched: Option<(u32, i64)>,
    /// The version of players' wishes that stages were looked at by.
    pub(super) heeded: Option<u64>,
    /// Its title was cleared since this task began: it gets no other.
    pub(super) title_cleared: bool,
    /// What was said last of names and delay by a client, as far as that is known since this task began.
    pub(super) said_beside: Option<Beside>,
    pub(super) needed_at: Instant,
}

impl RaidTask {
    pub(in crate::raid) fn new(
        around: Around,
        stages: Stages,
        me: RaidHandle,
        inbox: mpsc::Receiver<RaidCommand>,
        row: RaidRow,
        encounters: Option<Vec<LiveEncounter>>,
    ) -> Self {
        let unread = encounters.is_none();
        // Stages are made of what was wished by then, or before it: what came between is heeded with the first step.
        let heeded = None;
        let encounters = encounters.unwrap_or_default();
        let encounters: BTreeMap<_, _> = encounters.into_iter().map(|held| (held.row.key.encounter, held)).collect();
        let mut task = Self {
            around,
            current: None,
            me,
            inbox,
            row,
            earlier: Vec::new(),
            encounters,
            uplink: None,
            connections: Connections::default(),
            wanted: VecDeque::new(),
            appends: FuturesOrdered::new(),
            chores: FuturesUnordered::new(),
            opening: HashMap::new(),
            loading: HashSet::new(),
            unread,
            others_move_on: false,
            joining: Vec::new(),
            discarding: HashMap::new(),
            waiting: HashMap::new(),
            releasing: Vec::new(),
            views: ViewsToTell::default(),
            erased: VecDeque::new(),
            closing: false,
            stages,
            overlays: Overlays::default(),
            watched: None,
            heeded,
            title_cleared: false,
            said_beside: None,
            needed_at: Instant::now(),
        };
        task.set_stages();
        task.current = task.newest();
        task
    }

    pub(super) fn key(&self, encounter: EncounterId) -> EncounterKey {
        EncounterKey { account: self.row.account, encounter }
    }

    /// All encounters that the task may own.
    pub(super) fn known(&self) -> Vec<EncounterId> {
        self.encounters.keys().chain(self.opening.keys()).chain(self.discarding.keys()).copied().collect()
    }

    /// What spectators see when nothing else says so: of the raid's own fights the live one that began last, else the
    /// last one.
    pub(super) fn newest(&self) -> Option<EncounterId> {
        let own = self.encounters.iter().filter(|(_, held)| held.row.raid_code == self.row.code);
        let newest = own.max_by_key(|(_, held)| (held.state == ReportState::Live, held.row.started_at_ms));
        newest.map(|(id, _)| *id)
    }

    /// Keeps the line of a fight that is let go of, if it is one of the raid's.
    pub(super) fn list(&mut self, held: &LiveEncounter) {
        if held.row.raid_code == self.row.code {
            self.list_line(Earlier::of(held));
        }
    }

    fn list_line(&mut self, fight: Earlier) {
        self.earlier.push(fight);
        self.earlier.sort_by_key(|held| held.line.started_at_ms);
    }

    /// A report of the raid was made without its task, or made anew. One that is held here is read again by itself.
    pub(super) fn came(&mut self, line: ReportLine) {
        if self.known().contains(&line.encounter) {
            return;
        }
        self.earlier.retain(|held| held.line.report_id != line.report_id);
        self.list_line(line.into());
        self.raid_changed();
        self.refresh_behind();
    }

    /// Whether the uploader that is connected has begun this fight, and it goes on.
    pub(super) fn is_streamed(&self, id: EncounterId) -> bool {
        let Some((uplink, live)) = self.uplink.as_ref().zip(self.encounters.get(&id)) else { return false };
        let readings = [Some(&live.main), live.candidate.as_ref()].into_iter().flatten();
        let mut streams = readings.map(|reading| (id, reading.stream));
        live.state == ReportState::Live && streams.any(|reading| uplink.handles.of(reading).is_some())
    }

    /// An encounter that is open, or thrown away and not yet let go of.
    pub(super) fn held_anywhere(&mut self, id: EncounterId) -> Option<&mut LiveEncounter> {
        let thrown_away = self.discarding.get_mut(&id).and_then(|discarding| discarding.held.as_deref_mut());
        thrown_away.or_else(|| self.encounters.get_mut(&id))
    }
}
