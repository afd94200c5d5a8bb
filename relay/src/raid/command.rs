//! What a raid's task is asked, and the handle that asks.

use std::sync::Arc;

use raidcast_shared::administration::RaidForm;
use raidcast_shared::id::EncounterId;
use raidcast_shared::overlay::OverlayLine;
use raidcast_shared::uplink::{Begin, Held, NamesPolicy, UplinkFrame, UplinkReply};
use raidcast_store::{AccountId, EncounterRow, LinkId, Note, RaidRow, ReportLine, ShownTo, StoreError};
use serde_json::Number;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::access::{Admitted, Until};
use crate::fanout::{Format, Pace, Socket, SpectatorId};

use super::log::Standing;
use super::reading::OtherColumns;

/// A command to a raid's task.
pub enum RaidCommand {
    /// An uplink connection speaks for the raid from now on; the one before it is fenced.
    Attach(Attach),
    /// The connection is gone.
    Detach {
        /// Which.
        connection: u64,
    },
    /// A frame of the uplink: Begin, Delta, Idle, End or Discard, with actors' ids hashed.
    Uplink {
        /// From which connection.
        connection: u64,
        /// What.
        frame: Box<UplinkFrame>,
        /// When it came, Unix ms.
        received_ms: i64,
    },
    /// A spectator's socket joins.
    Join(Join),
    /// Something came from a spectator.
    Spectator {
        /// From whom.
        id: SpectatorId,
        /// How its frames are written.
        format: Format,
        /// How often they come.
        pace: Pace,
        /// What.
        what: FromSpectator,
    },
    /// Where one of its fights stands.
    Standing {
        /// Which.
        report_id: String,
        /// As who is behind sees it, to whom what came until then is shown.
        until_ms: Option<i64>,
        /// `None` if the raid does not hold it, or nobody knows how it stood then.
        reply: oneshot::Sender<Option<Box<Standing>>>,
    },
    /// Another raid of the account goes on with an encounter, or throws it away: answered when it is let go of.
    Release {
        /// Which.
        encounter: EncounterId,
        /// The asker's claim: who claims it later waits for the asker, who claimed it before is waited for.
        claim: Claim,
        /// Whether its report goes with it.
        moves: bool,
        /// Answered when nothing of it is under way any more.
        reply: oneshot::Sender<()>,
    },
    /// An encounter that was released is nobody's: the raid that asked for it could not take it.
    TakeBack {
        /// Which.
        encounter: EncounterId,
    },
    /// What is held of an encounter.
    Held {
        /// The reading of it that its asker has.
        begin: Box<Begin>,
        /// `None` if the raid does not hold it.
        reply: oneshot::Sender<Option<(EncounterRow, Result<Held, OtherColumns>)>>,
    },
    /// Whether the uploader that is connected streams a fight now.
    Streamed {
        /// Which.
        encounter: EncounterId,
        /// The answer.
        reply: oneshot::Sender<bool>,
    },
    /// A report of the raid was made, or made anew, without its task.
    Came {
        /// What lists show of it.
        line: Box<ReportLine>,
    },
    /// A report of the raid is gone, or stands in another raid.
    Gone {
        /// Which.
        report_id: String,
    },
    /// A report of the raid leads to other reports of its fight now, or these tell something else. Of such alone to which
    /// anybody is led, and of no report in which somebody is hidden everywhere.
    ViewsChanged {
        /// Which.
        report_id: String,
    },
    /// The account's channel shows another raid from now on: who came by it is sent on, and that is answered.
    Superseded {
        /// Answered when it is so.
        reply: oneshot::Sender<()>,
    },
    /// Other tickets are good from now on: who came by one of those before is let go, and that is answered.
    TicketsRenewed {
        /// Which is good for the raid, if that has changed.
        raid: Option<u32>,
        /// Which is good for the account's channel.
        channel: u32,
        /// Answered when it is so.
        reply: oneshot::Sender<()>,
    },
    /// Somebody who manages the raid says who may see it from now on.
    Show(Show),
    /// A link lets nobody in any more: who came by it is let go, and that is answered.
    LinkEnded {
        /// Which.
        link: LinkId,
        /// Answered when it is so.
        reply: oneshot::Sender<()>,
    },
    /// The raid's title was cleared for good.
    TitleCleared {
        /// Answered when it is so.
        reply: oneshot::Sender<()>,
    },
    /// Players wish to be shown otherwise: nothing else is sent once this is answered.
    Heed {
        /// Answered when it is so.
        reply: oneshot::Sender<()>,
    },
    /// A fight is about to be erased: from now on it is not taken again, whoever sends it.
    Erasing {
        /// Which.
        encounter: EncounterId,
        /// Answered when it is so.
        reply: oneshot::Sender<()>,
    },
    /// The raid is about to be erased: the task says goodbye to all and ends.
    Close {
        /// Answered when all were told; the task has ended when [`RaidHandle::ended`] says so.
        reply: oneshot::Sender<()>,
    },
    /// Which of its spectators are overlays.
    Overlays {
        /// The answer.
        reply: oneshot::Sender<Vec<OverlayLine>>,
    },
    /// Whether an uploader is connected.
    Connected {
        /// As who is behind sees it, to whom what came until then is shown.
        until_ms: Option<i64>,
        /// The answer.
        reply: oneshot::Sender<bool>,
    },
}

/// Who may see a raid from now on.
#[derive(Debug)]
pub struct Show {
    /// What of it changes.
    pub form: RaidForm,
    /// What is noted where anything does.
    pub note: Note,
    /// The raid as it is kept from now on, once who may no longer see it is let go; or as for [`Attach`].
    pub reply: oneshot::Sender<Result<RaidRow, StoreError>>,
}

/// A connection that wants to speak for the raid.
pub struct Attach {
    /// Names the connection.
    pub connection: u64,
    /// Where replies go; a connection that lets it fill up is dropped.
    pub replies: mpsc::Sender<UplinkReply>,
    /// Whether its key may see what its account keeps from others.
    pub reads: bool,
    /// Whether its key may delete what is its account's.
    pub manages: bool,
    /// As Hello says.
    pub title: Option<String>,
    /// As Hello says.
    pub shown_to: ShownTo,
    /// As Hello says.
    pub names: NamesPolicy,
    /// As Hello says, ms.
    pub delay_ms: i64,
    /// The raid as it is kept from now on, once who may no longer see it is let go; the store's error where that cannot
    /// be kept, and nothing has changed.
    pub reply: oneshot::Sender<Result<RaidRow, StoreError>>,
}

/// A spectator that wants to watch the raid.
pub struct Join {
    /// After the upgrade.
    pub socket: Arc<Socket>,
    /// As its subprotocol and its address say.
    pub wish: JoinWish,
    /// By what it may see the raid.
    pub admitted: Admitted,
    /// Until when the link is good that lets it in, if one does.
    pub link: Option<Until>,
    /// `None` if the room is full, or it may not see the raid any more.
    pub reply: oneshot::Sender<Option<Joined>>,
}

/// How a spectator wants to be served.
#[derive(Clone, Debug)]
pub struct JoinWish {
    /// As its subprotocol says.
    pub format: Format,
    /// Where it was: the epoch that a keyframe named, and the last position that it got.
    pub resume: Option<(String, u64)>,
    /// It came by the channel's address: it moves on when the channel shows another raid.
    pub channel: bool,
    /// It says that it is an overlay, and is listed as one.
    pub overlay: bool,
}

/// A spectator that has joined.
pub struct Joined {
    /// Its name in the room.
    pub id: SpectatorId,
    /// Ticks a second, until it asks for another pace.
    pub pace: Pace,
    /// Cancelled when the room lets it go.
    pub left: CancellationToken,
}

/// What came from a spectator.
pub enum FromSpectator {
    /// The socket is gone.
    Gone,
    /// To be answered.
    Ping(Vec<u8>),
    /// To be answered with Echo.
    Probe(f64),
    /// It wants the pace that the command tells.
    Pace,
    /// It wants to be told where the fight stands, whatever it has got.
    Anew,
    /// It waits for an answer to its call with this number.
    Call(Number),
    /// It wants skill rows of these players.
    Watch(Vec<String>),
    /// It breaks the rules: say why, and close.
    Dismiss(String),
}

/// When an encounter was claimed: claims are numbered from 1 as they are made, so waiting for an earlier one ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Claim(pub(super) u64);

/// What others hold of a raid: its name and its inbox.
#[derive(Clone, Debug)]
pub struct RaidHandle {
    /// Names it in URLs.
    pub code: Arc<str>,
    /// Whose it is.
    pub account: AccountId,
    inbox: mpsc::Sender<RaidCommand>,
}

/// The raid's task has ended: look the raid up again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the raid is no longer loaded")]
pub struct RaidGone;

impl Claim {
    /// Later claims have higher ones.
    pub(super) fn number(self) -> u64 {
        self.0
    }
}

impl RaidHandle {
    pub(super) fn new(raid: &RaidRow, inbox: mpsc::Sender<RaidCommand>) -> Self {
        Self { code: raid.code.as_str().into(), account: raid.account, inbox }
    }

    /// Of a guest, who is no raid: its name is no raid's code.
    pub(super) fn of_guest(account: AccountId, inbox: mpsc::Sender<RaidCommand>) -> Self {
        Self { code: "#guest".into(), account, inbox }
    }

    /// Sends a command; waits while the inbox is full, which slows down whoever fills it.
    ///
    /// # Errors
    /// The task has ended: look the raid up again.
    pub async fn send(&self, command: RaidCommand) -> Result<(), RaidGone> {
        self.inbox.send(command).await.map_err(|_| RaidGone)
    }

    /// Sends a command if the inbox has room: for what may be lost.
    pub fn offer(&self, command: RaidCommand) {
        let _ = self.inbox.try_send(command);
    }

    /// Sends a command and waits for its answer.
    ///
    /// # Errors
    /// The task has ended: look the raid up again.
    pub async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> RaidCommand) -> Result<T, RaidGone> {
        let (reply, answer) = oneshot::channel();
        self.send(command(reply)).await?;
        answer.await.map_err(|_| RaidGone)
    }

    /// Waits until the task has ended, and has let go of all that it had.
    pub async fn ended(&self) {
        self.inbox.closed().await;
    }

    /// Whether two handles are of one task.
    pub fn is(&self, other: &Self) -> bool {
        self.inbox.same_channel(&other.inbox)
    }
}
