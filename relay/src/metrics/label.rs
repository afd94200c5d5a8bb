//! What labels can say: closed lists, so that nobody who sends something makes another row.

use raidcast_shared::uplink::{RefusedCode, UplinkFrame};

/// What came by an uplink.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameKind {
    /// Who speaks, and for which raid.
    Hello,
    /// A fight begins or goes on.
    Begin,
    /// What happened in it.
    Delta,
    /// Nothing happens in it.
    Idle,
    /// It ended.
    End,
    /// It is thrown away.
    Discard,
    /// How far the relay is.
    Probe,
    /// A frame of a later version.
    Unknown,
    /// No frame.
    Malformed,
}

impl FrameKind {
    pub(super) const ALL: [Self; 9] = [
        Self::Hello,
        Self::Begin,
        Self::Delta,
        Self::Idle,
        Self::End,
        Self::Discard,
        Self::Probe,
        Self::Unknown,
        Self::Malformed,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Hello => "hello",
            Self::Begin => "begin",
            Self::Delta => "delta",
            Self::Idle => "idle",
            Self::End => "end",
            Self::Discard => "discard",
            Self::Probe => "probe",
            Self::Unknown => "unknown",
            Self::Malformed => "malformed",
        }
    }
}

impl From<&UplinkFrame> for FrameKind {
    fn from(frame: &UplinkFrame) -> Self {
        match frame {
            UplinkFrame::Hello(_) => Self::Hello,
            UplinkFrame::Begin(_) => Self::Begin,
            UplinkFrame::Delta(_) => Self::Delta,
            UplinkFrame::Idle { .. } => Self::Idle,
            UplinkFrame::End(_) => Self::End,
            UplinkFrame::Discard { .. } => Self::Discard,
            UplinkFrame::Probe { .. } => Self::Probe,
            UplinkFrame::Unknown => Self::Unknown,
        }
    }
}

/// How somebody says who he is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignInWay {
    /// By a password that is kept here.
    Password,
    /// By a provider of OpenID Connect.
    OpenId,
    /// By Discord.
    Discord,
}

impl SignInWay {
    pub(super) const ALL: [Self; 3] = [Self::Password, Self::OpenId, Self::Discord];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::OpenId => "openid",
            Self::Discord => "discord",
        }
    }
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignInOutcome {
    /// He is signed in.
    Entered,
    /// He has joined.
    Joined,
    /// He may sign in so from now on.
    Added,
    /// He may not.
    Refused,
    /// A provider did not say who he is.
    Failed,
}

impl SignInOutcome {
    pub(super) const ALL: [Self; 5] = [Self::Entered, Self::Joined, Self::Added, Self::Refused, Self::Failed];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Entered => "entered",
            Self::Joined => "joined",
            Self::Added => "added",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

/// All codes of the uplink, in their order.
pub(super) const REFUSED: [RefusedCode; 25] = [
    RefusedCode::Unauthorized,
    RefusedCode::ProtocolUnsupported,
    RefusedCode::NotSupported,
    RefusedCode::HelloExpected,
    RefusedCode::HelloTwice,
    RefusedCode::RaidForbidden,
    RefusedCode::Fenced,
    RefusedCode::Malformed,
    RefusedCode::FrameTooLong,
    RefusedCode::TooDeep,
    RefusedCode::TrailingBytes,
    RefusedCode::NotUtf8,
    RefusedCode::UnknownFrame,
    RefusedCode::UnknownHandle,
    RefusedCode::AfterEnd,
    RefusedCode::IndexOutOfRange,
    RefusedCode::BadColumns,
    RefusedCode::BadEvent,
    RefusedCode::NumberTooLarge,
    RefusedCode::BadText,
    RefusedCode::LimitReached,
    RefusedCode::ChecksumDiffers,
    RefusedCode::TooFast,
    RefusedCode::StoreUnavailable,
    RefusedCode::Other,
];

/// A code as it is on the wire.
pub(super) fn code(code: RefusedCode) -> String {
    let name = serde_json::to_value(code).ok();
    name.and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}

/// A step of a live hit's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lag {
    /// From a hit to its row's being read by the client: the meter's doing, and the client's look.
    Meter,
    /// From there to its coming: the client, the line, and how far the two clocks differ.
    Uplink,
    /// From there to the tick that shows it.
    Relay,
}

impl Lag {
    pub(super) const ALL: [Self; 3] = [Self::Meter, Self::Uplink, Self::Relay];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Meter => "meter",
            Self::Uplink => "uplink",
            Self::Relay => "relay",
        }
    }
}

/// How a body was packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// Not at all.
    Identity,
    /// By gzip.
    Gzip,
    /// By zstd.
    Zstd,
}

impl Coding {
    pub(super) const ALL: [Self; 3] = [Self::Identity, Self::Gzip, Self::Zstd];

    /// As `Content-Encoding` names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }
}

/// What became of a fight that was uploaded whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UploadOutcome {
    /// It is a new report.
    Created,
    /// It took the place of a report that told less.
    Replaced,
    /// It was here.
    Known,
    /// Nothing of it could be read: its report says so.
    Stub,
    /// Its request was: it, or its key, has to change.
    Refused,
    /// The relay could not now: the same comes again.
    Failed,
}

impl UploadOutcome {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Replaced => "replaced",
            Self::Known => "known",
            Self::Stub => "stub",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

/// What meters that upload say of themselves: 0.15.1 says 0.1.0, and those before it nothing.
const METER_VERSIONS: [&str; 18] = [
    "0.1.0",
    "0.15.2",
    "0.15.3",
    "0.16.0",
    "0.16.1",
    "0.17.0-beta",
    "0.17.1",
    "0.18.0",
    "0.18.1",
    "0.18.2",
    "0.18.3",
    "0.18.4",
    "0.19.0",
    "0.19.1",
    "0.19.2",
    "0.19.3",
    "0.19.4",
    "0.19.4-beta",
];

/// One of the meters' versions that are known here, `none`, or `other`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MeterVersion(&'static str);

impl MeterVersion {
    /// What was not said, or not read.
    pub const NONE: Self = Self("none");

    /// Of what a request says.
    pub fn of(said: Option<&str>) -> Self {
        let known = |said: &str| METER_VERSIONS.into_iter().find(|known| *known == said);
        said.map_or(Self::NONE, |said| Self(known(said).unwrap_or("other")))
    }

    pub(super) fn name(self) -> &'static str {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_label_stands_where_its_counter_is() {
        assert!(REFUSED.iter().enumerate().all(|(at, held)| *held as usize == at), "a code is not in the list");
        assert_eq!(
            (code(RefusedCode::HelloExpected), code(RefusedCode::NotUtf8)),
            ("hello_expected".into(), "not_utf8".into())
        );
        assert!(FrameKind::ALL.iter().enumerate().all(|(at, held)| *held as usize == at));
        assert!(Lag::ALL.iter().enumerate().all(|(at, held)| *held as usize == at));
        assert!(Coding::ALL.iter().enumerate().all(|(at, held)| *held as usize == at));
    }

    #[test]
    fn what_a_request_says_of_its_meter_is_one_of_a_closed_list() {
        for (said, is) in [
            (None, "none"),
            (Some("0.18.3"), "0.18.3"),
            (Some("0.19.4-beta"), "0.19.4-beta"),
            (Some(""), "other"),
            (Some("0.18.3 "), "other"),
            (Some("<script>"), "other"),
        ] {
            assert_eq!(MeterVersion::of(said).name(), is);
        }
    }
}
