//! Enums as the numbers that stand in columns: the same in every store.

use raidcast_shared::character::ProofWay;
use raidcast_shared::uplink::{NamesPolicy, Outcome, ReportState, Visibility};

use crate::{Audited, JobKind, JournalKind, Role, StoreError, WebhookStop};

/// The code of a visibility.
pub fn of_visibility(visibility: Visibility) -> i16 {
    match visibility {
        Visibility::Public => 0,
        Visibility::Unlisted => 1,
        Visibility::Private => 2,
    }
}

/// The visibility behind a code.
///
/// # Errors
/// As all below, `Damaged` if there is none.
pub fn visibility(code: i64) -> Result<Visibility, StoreError> {
    match code {
        0 => Ok(Visibility::Public),
        1 => Ok(Visibility::Unlisted),
        2 => Ok(Visibility::Private),
        _ => Err(unknown("visibility", code)),
    }
}

/// The code of which names are seen.
pub fn of_names(names: NamesPolicy) -> i16 {
    match names {
        NamesPolicy::Full => 0,
        NamesPolicy::Class => 1,
        NamesPolicy::Hidden => 2,
    }
}

/// Which names are seen, by the code.
pub fn names(code: i64) -> Result<NamesPolicy, StoreError> {
    match code {
        0 => Ok(NamesPolicy::Full),
        1 => Ok(NamesPolicy::Class),
        2 => Ok(NamesPolicy::Hidden),
        _ => Err(unknown("names policy", code)),
    }
}

/// The code of a report's state.
pub fn of_state(state: ReportState) -> i16 {
    match state {
        ReportState::Live => 0,
        ReportState::Provisional => 1,
        ReportState::Final => 2,
    }
}

/// The state behind a code.
pub fn state(code: i64) -> Result<ReportState, StoreError> {
    match code {
        0 => Ok(ReportState::Live),
        1 => Ok(ReportState::Provisional),
        2 => Ok(ReportState::Final),
        _ => Err(unknown("state", code)),
    }
}

/// The code of an outcome.
pub fn of_outcome(outcome: Outcome) -> i16 {
    match outcome {
        Outcome::Kill => 0,
        Outcome::Wipe => 1,
        Outcome::Reset => 2,
        Outcome::Unfinished => 3,
        Outcome::Unknown => 4,
    }
}

/// The outcome behind a code.
pub fn outcome(code: i64) -> Result<Outcome, StoreError> {
    match code {
        0 => Ok(Outcome::Kill),
        1 => Ok(Outcome::Wipe),
        2 => Ok(Outcome::Reset),
        3 => Ok(Outcome::Unfinished),
        4 => Ok(Outcome::Unknown),
        _ => Err(unknown("outcome", code)),
    }
}

/// The code of a journal entry's kind.
pub fn of_kind(kind: JournalKind) -> i16 {
    match kind {
        JournalKind::Delta => 0,
        JournalKind::End => 1,
    }
}

/// The kind behind a code.
pub fn kind(code: i64) -> Result<JournalKind, StoreError> {
    match code {
        0 => Ok(JournalKind::Delta),
        1 => Ok(JournalKind::End),
        _ => Err(unknown("kind", code)),
    }
}

/// The code of what a job does.
pub fn of_job(kind: JobKind) -> i16 {
    match kind {
        JobKind::Reading => 0,
        JobKind::Derive => 1,
        JobKind::Erase => 2,
        JobKind::Wipe => 3,
        JobKind::Webhook => 4,
    }
}

/// What is noted, by its code: the place in this list. Codes stand in databases, so none ever means something else.
const AUDITED: [Audited; 28] = [
    Audited::FightDeleted,
    Audited::RaidDeleted,
    Audited::RaidExpired,
    Audited::RaidPinned,
    Audited::RaidUnpinned,
    Audited::PersonLeft,
    Audited::PersonRemoved,
    Audited::PersonExported,
    Audited::AccountClaimed,
    Audited::InvitationMade,
    Audited::InvitationTakenBack,
    Audited::KeyMade,
    Audited::KeyRevoked,
    Audited::RemovalClosed,
    Audited::LinkMade,
    Audited::LinkRevoked,
    Audited::RaidShown,
    Audited::CharacterProved,
    Audited::ClaimRefused,
    Audited::PlayerHidden,
    Audited::PlayerShown,
    Audited::PlayerAgreed,
    Audited::PlayerDisagreed,
    Audited::TitleCleared,
    Audited::PlayerExported,
    Audited::WebhookSet,
    Audited::WebhookRemoved,
    Audited::PlayerLookedAt,
];

/// The code of what is noted.
pub fn of_audited(what: Audited) -> i64 {
    let place = AUDITED.iter().position(|listed| *listed == what).expect("all of them are listed");
    place as i64
}

/// What is noted, by its code.
pub fn audited(code: i64) -> Result<Audited, StoreError> {
    let place = usize::try_from(code).ok();
    place.and_then(|place| AUDITED.get(place)).copied().ok_or_else(|| unknown("kind of note", code))
}

/// The code of why nothing is sent to a webhook.
pub fn of_stop(why: WebhookStop) -> i16 {
    match why {
        WebhookStop::Gone => 0,
        WebhookStop::Refused => 1,
        WebhookStop::NotTaken => 2,
        WebhookStop::Lost => 3,
    }
}

/// Why nothing is sent to a webhook, by its code.
pub fn stop(code: i64) -> Result<WebhookStop, StoreError> {
    match code {
        0 => Ok(WebhookStop::Gone),
        1 => Ok(WebhookStop::Refused),
        2 => Ok(WebhookStop::NotTaken),
        3 => Ok(WebhookStop::Lost),
        _ => Err(unknown("reason why a webhook has stopped", code)),
    }
}

/// The code of a way to prove a character.
pub fn of_way(way: ProofWay) -> i16 {
    match way {
        ProofWay::Code => 0,
        ProofWay::Officer => 1,
        ProofWay::Administrator => 2,
    }
}

/// The way behind a code.
pub fn way(code: i64) -> Result<ProofWay, StoreError> {
    match code {
        0 => Ok(ProofWay::Code),
        1 => Ok(ProofWay::Officer),
        2 => Ok(ProofWay::Administrator),
        _ => Err(unknown("way to prove a character", code)),
    }
}

/// The code of a role.
pub fn of_role(role: Role) -> i16 {
    match role {
        Role::Member => 0,
        Role::Administrator => 1,
    }
}

/// The role behind a code.
pub fn role(code: i64) -> Result<Role, StoreError> {
    match code {
        0 => Ok(Role::Member),
        1 => Ok(Role::Administrator),
        _ => Err(unknown("role", code)),
    }
}

/// How far a database's ids of encounters are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ids {
    /// As clients make them.
    AsMade,
    /// Keyed; the old ones may still stand in free space.
    Keyed,
    /// Keyed, and the old ones are wiped.
    Wiped,
}

/// The code of how far ids are.
pub fn of_ids(ids: Ids) -> i64 {
    match ids {
        Ids::AsMade => 0,
        Ids::Keyed => 1,
        Ids::Wiped => 2,
    }
}

/// How far ids are; as clients make them where nothing is noted.
pub fn ids(code: Option<i64>) -> Ids {
    match code {
        None | Some(0) => Ids::AsMade,
        Some(1) => Ids::Keyed,
        Some(_) => Ids::Wiped,
    }
}

/// The scopes of a key, which have to fit into 8 bits.
pub fn scopes(column: i64) -> Result<u8, StoreError> {
    u8::try_from(column).map_err(|_| unknown("scopes", column))
}

/// A number that has to fit into 32 bits.
pub fn small(column: i64) -> Result<u32, StoreError> {
    u32::try_from(column).map_err(|_| unknown("number", column))
}

fn unknown(what: &str, code: i64) -> StoreError {
    StoreError::Damaged(format!("the {what} {code}, which this relay does not know"))
}
