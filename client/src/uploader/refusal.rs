//! What follows when the relay does not take a fight, or the raid: the one table of it.
//!
//! One law: a fight is never given up while it can still be sent. What is given up keeps its spool, and is tried again
//! at the next start. When a raid begins that is shown to others than those it was begun for, it is done with: an upload
//! can send it.

use raidcast_shared::uplink::{Refused, RefusedCode, RefusedScope};

use super::record::NotSent;
use super::stream::{Standing, Stream};
use super::{Change, Uploader, WatchError};

/// The first wait before a fight is tried again of which the relay does not say when, ms; each one doubles.
const AGAIN_MS: u64 = 1_000;
/// The longest, ms.
const AGAIN_MS_MAX: u64 = 60_000;
/// A refusal that only a mistake of a program explains is given so many tries: what is begun again may fit.
const TRIES: u32 = 5;
/// An upload waits so long, ms, for a relay that has had all of a day; beyond it the next run goes on.
const UPLOAD_WAIT_MS_MAX: u64 = 300_000;

/// What follows from the refusal of one fight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// The same frames once more after so many ms.
    Again(u64),
    /// Begin after so many ms, on this connection: what is held is compared anew.
    Begin(u64),
    /// Read the fight again from its begin, as a new reading, and begin that after so many ms.
    Read(u64),
    /// Nothing before the next start.
    NextStart,
}

/// The table. `asked`: it is Begin that was refused. `times`: refusals in a row before this one.
///
/// | codes | what it means | what heals it |
/// |---|---|---|
/// | any, with a time | the relay knows when | that time; an upload leaves what a `limit_reached` would keep for minutes to its next run |
/// | `too_fast`, `store_unavailable` | not now | the same again |
/// | `unknown_handle`, `hello_expected`, `hello_twice`, `fenced` | the connection does not know the fight, or another reading took its place | Begin |
/// | `after_end` | what is held is not what was sent | a new reading |
/// | `limit_reached` of Begin | too many fights are open, or were begun today | Begin, later |
/// | `limit_reached` of a frame | the relay's limits are below ours | a relay or client of another version |
/// | all others | the frame is not understood | Begin, a few times; then another version |
pub(super) fn then(code: RefusedCode, asked: bool, retry_ms: Option<u64>, times: u32) -> Then {
    use RefusedCode as Code;
    let wait_ms = AGAIN_MS.saturating_mul(1 << times.min(16)).min(AGAIN_MS_MAX);
    if let Some(retry_ms) = retry_ms {
        return Then::Again(retry_ms);
    }
    match code {
        Code::TooFast | Code::StoreUnavailable => Then::Again(wait_ms),
        // Soon the first time: another client has only looked, mostly.
        Code::UnknownHandle | Code::HelloExpected | Code::HelloTwice | Code::Fenced => Then::Begin(wait_ms / 4),
        Code::AfterEnd if times < TRIES => Then::Read(wait_ms),
        Code::LimitReached if asked => Then::Begin(AGAIN_MS_MAX),
        Code::BadEvent
        | Code::BadColumns
        | Code::BadText
        | Code::IndexOutOfRange
        | Code::NumberTooLarge
        | Code::Malformed
        | Code::FrameTooLong
        | Code::TooDeep
        | Code::TrailingBytes
        | Code::NotUtf8
        | Code::UnknownFrame
        | Code::Other
            if times < TRIES =>
        {
            Then::Begin(wait_ms)
        }
        _ => Then::NextStart,
    }
}

impl<S: FnMut(Change) + Send> Uploader<S> {
    /// The relay has not taken something; its words are cleaned.
    pub(super) fn refused(&mut self, refused: Refused, now_ms: u64) -> Result<(), WatchError> {
        let Refused { code, text, scope, retry_ms, h, enc } = refused;
        if code == RefusedCode::ChecksumDiffers {
            // Nothing was refused. What another reading does not heal the report says at its end.
            tracing::warn!(text, "the relay's sums of a fight are not those of this client");
            let stream = h.and_then(|h| self.streams.by_handle(h));
            if let Some(stream) = stream
                && stream.doubt()
            {
                stream.standing = Standing::Lost;
                self.meter.read_again();
            }
            return Ok(());
        }
        if scope == RefusedScope::Connection {
            return self.turned_away(code, text, retry_ms.map(u64::from), now_ms);
        }
        let about = |stream: &Stream| match h {
            Some(h) => stream.standing == Standing::Open { h },
            None => enc == Some(stream.encounter()),
        };
        let Some(at) = self.streams.position(about) else {
            // Of a fight that was begun again since, or is done with: answered already.
            if h.is_none() && enc.is_none() {
                self.announcer.tell(Change::Refused {
                    code,
                    text,
                    scope,
                    encounter: None,
                    retry_ms: retry_ms.map(u64::from),
                });
            }
            return Ok(());
        };
        let stream = &mut self.streams[at];
        let asked = stream.standing == Standing::Asked;
        let mut then = then(code, asked, retry_ms.map(u64::from), stream.refusals().in_a_row());
        let whole = self.options.history.is_some();
        // An upload is not there to wait: what may not heal at once is told, and the others go on.
        if whole
            && matches!(then, Then::Begin(_))
            && (code != RefusedCode::UnknownHandle || stream.refusals().in_a_row() >= TRIES)
        {
            then = Then::NextStart;
        }
        let spent = whole && code == RefusedCode::LimitReached;
        let late = spent && matches!(then, Then::Again(ms) if ms > UPLOAD_WAIT_MS_MAX);
        if late {
            then = Then::NextStart;
        }
        let news = stream.refusals_mut().count();
        let retry_ms = match then {
            Then::Again(ms) | Then::Begin(ms) | Then::Read(ms) => Some(ms),
            Then::NextStart => None,
        };
        let encounter = Some(stream.encounter().to_string());
        if news {
            self.announcer.tell(Change::Refused { code, text: text.clone(), scope, encounter, retry_ms });
        }
        if whole && retry_ms.is_none() {
            // The relay takes no further fight now: what is not begun would only be refused like it.
            let why = NotSent::Refused { code, text };
            self.fail(at, why.clone(), now_ms);
            if spent && (asked || late) {
                self.stop(why);
            }
            return Ok(());
        }
        if let Some(retry_ms) = retry_ms.filter(|_| news) {
            // It comes again: that is waited for.
            self.activity.progress_awaited(now_ms + retry_ms);
        }
        let stream = &mut self.streams[at];
        let why = NotSent::Refused { code, text };
        if then == Then::NextStart {
            self.ledger.give_up(stream.encounter(), why.clone());
        }
        stream.refusals_mut().because(why);
        match then {
            Then::Again(ms) if scope == RefusedScope::Frame && matches!(stream.standing, Standing::Open { .. }) => {
                stream.pause(now_ms + ms);
            }
            // Nothing more of it is taken under this handle, or it was not even begun.
            Then::Again(ms) | Then::Begin(ms) => {
                if code == RefusedCode::UnknownHandle {
                    stream.give_way();
                }
                stream.standing = Standing::Unbegun;
                stream.pause(now_ms + ms);
            }
            Then::Read(ms) => {
                stream.standing = Standing::Lost;
                stream.pause(now_ms + ms);
                self.meter.read_again();
            }
            Then::NextStart => stream.standing = Standing::GivenUp,
        }
        Ok(())
    }

    /// Fights that the relay does not take are done with: those who see the raid now are not to see them if it takes them
    /// after all.
    pub(super) fn drop_given_up(&mut self, now_ms: u64) {
        while let Some(at) = self.streams.position(|stream| stream.standing == Standing::GivenUp) {
            let why = self.streams[at].refusals().why().cloned();
            let unsaid = || NotSent::Refused { code: RefusedCode::Other, text: "it did not say why".into() };
            self.fail(at, why.unwrap_or_else(unsaid), now_ms);
        }
    }

    /// The relay ends the connection.
    fn turned_away(
        &mut self,
        code: RefusedCode,
        text: String,
        retry_ms: Option<u64>,
        now_ms: u64,
    ) -> Result<(), WatchError> {
        match code {
            RefusedCode::Unauthorized => {
                self.tell_turned_away(code, text.clone(), retry_ms);
                Err(WatchError::Unauthorized { text })
            }
            RefusedCode::Fenced | RefusedCode::RaidForbidden => {
                let renewed = self.session.may_renew(now_ms);
                self.tell_turned_away(code, text.clone(), renewed.then_some(0));
                if !renewed {
                    return Err(WatchError::Refused { code, text });
                }
                // It is the same evening: what was private stays so.
                self.begin_raid(true, now_ms);
                // Whoever speaks for the raid may have these readings, too: they are not to be mixed.
                for stream in self.streams.iter_mut() {
                    stream.give_way();
                    stream.standing = Standing::Lost;
                }
                self.meter.read_again();
                Ok(())
            }
            RefusedCode::ProtocolUnsupported | RefusedCode::NotSupported => {
                self.tell_turned_away(code, text.clone(), retry_ms);
                Err(WatchError::Refused { code, text })
            }
            // The socket comes again, and says why it was turned away.
            _ => Ok(()),
        }
    }

    fn tell_turned_away(&mut self, code: RefusedCode, text: String, retry_ms: Option<u64>) {
        let scope = RefusedScope::Connection;
        self.announcer.tell(Change::Refused { code, text, scope, encounter: None, retry_ms });
    }
}

#[cfg(test)]
mod tests {
    use RefusedCode as Code;

    use super::*;

    #[test]
    fn what_can_heal_is_never_given_up_and_what_cannot_is_in_the_end() {
        for code in [Code::UnknownHandle, Code::TooFast, Code::StoreUnavailable, Code::Fenced] {
            for times in [0, 1, 100, u32::MAX] {
                assert_ne!(then(code, false, None, times), Then::NextStart, "{code:?}");
                assert_ne!(then(code, true, None, times), Then::NextStart, "{code:?}");
            }
        }
        assert_eq!(then(Code::LimitReached, true, None, 9), Then::Begin(AGAIN_MS_MAX));
        assert_eq!(then(Code::LimitReached, false, None, 0), Then::NextStart);
        for code in [Code::BadEvent, Code::NumberTooLarge, Code::Malformed, Code::Other] {
            assert_eq!(then(code, false, None, 0), Then::Begin(AGAIN_MS), "{code:?}");
            assert_eq!(then(code, false, None, TRIES), Then::NextStart, "{code:?}");
        }
        assert_eq!(then(Code::AfterEnd, false, None, 1), Then::Read(2 * AGAIN_MS));
        assert_eq!(then(Code::BadEvent, false, Some(7), 99), Then::Again(7));
    }

    #[test]
    fn two_clients_that_take_a_fight_from_each_other_do_so_ever_slower() {
        let waits: Vec<_> = (0..20).map(|times| then(Code::UnknownHandle, false, None, times)).collect();
        assert_eq!(waits[0], Then::Begin(AGAIN_MS / 4));
        assert!(waits.is_sorted_by_key(|then| if let Then::Begin(ms) = then { *ms } else { 0 }));
        assert_eq!(waits[19], Then::Begin(AGAIN_MS_MAX / 4));
    }
}
