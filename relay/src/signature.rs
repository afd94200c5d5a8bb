//! Signatures of uploads: what proves that a body comes from whoever holds its key's signing secret.
//!
//! One invariant: a signature is good once, and for the bytes that it was made of. It is an HMAC-SHA256 over the time at
//! which it was made, a dot, and the body as it was sent; good ones are remembered until their time is over, and none is
//! good that may have been good before the relay was started. Deliberately not here: what a body means, and whose key it
//! is.

mod ahead;

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::HeaderMap;
use hmac::{Hmac, KeyInit, Mac};
use raidcast_shared::id::from_hex;
use raidcast_store::AccountId;
use sha2::Sha256;
use subtle::ConstantTimeEq;

use self::ahead::Ahead;
use crate::limits::{SIGNATURE_KEPT_S, SIGNATURE_WINDOW_S, SIGNATURES_MAX, SIGNATURES_PER_ACCOUNT};

/// Where a signature stands in a request's head.
const HEADER: &str = "x-raidcast-signature";
/// Digits of a time, Unix s: of the next thirty thousand years.
const TIME_DIGITS_MAX: usize = 12;
/// Characters of a signing secret at the least: 16 random bytes in hexadecimal.
pub const SECRET_CHARS_MIN: usize = 32;

/// What an uploader signs with.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningSecret(Arc<str>);

impl SigningSecret {
    /// Takes a secret from the configuration; `None` if it is shorter than [`SECRET_CHARS_MIN`].
    pub fn new(secret: &str) -> Option<Self> {
        (secret.chars().count() >= SECRET_CHARS_MIN).then(|| Self(secret.into()))
    }

    /// Whether it is this text.
    pub fn is(&self, text: &str) -> bool {
        self.0.as_bytes().ct_eq(text.as_bytes()).into()
    }

    fn mac(&self) -> Hmac<Sha256> {
        Hmac::new_from_slice(self.0.as_bytes()).expect("HMAC takes keys of any length")
    }
}

/// Without the secret.
impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSecret")
    }
}

/// Why a signature is not good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureFault {
    /// The header does not say what it must.
    #[error(
        "the header X-Raidcast-Signature cannot be read: send it once, as t=UNIX_SECONDS,v1=64 hexadecimal digits, with \
         one t and one to {SIGNATURES_MAX} of v1"
    )]
    Malformed,
    /// There is nothing to verify it with.
    #[error(
        "this key has no signing secret here, so its signatures cannot be verified: send the request without \
         X-Raidcast-Signature, or ask the relay's operator for a signing_secret"
    )]
    NoSecret,
    /// It was made long ago.
    #[error(
        "this signature was made {by_s} s ago by the relay's clock, and {SIGNATURE_WINDOW_S} s are allowed: set your \
         clock, and sign again"
    )]
    TooOld {
        /// How long.
        by_s: i64,
    },
    /// It will be made.
    #[error(
        "this signature is of a time {by_s} s from now by the relay's clock, and {SIGNATURE_WINDOW_S} s are allowed: set \
         your clock, and sign again"
    )]
    TooNew {
        /// How long.
        by_s: i64,
    },
    /// The relay cannot know whether it was good before.
    #[error(
        "this signature is of a time of which the relay does not remember all signatures, so it may have been used: sign \
         again after some seconds; if that does not help, the clock of this machine is behind the relay's"
    )]
    Forgotten,
    /// It is of another secret, time or body.
    #[error(
        "this signature is not that of the body as it was sent: sign the value of t, a dot, and the very bytes of the \
         body (of a packed one the packed bytes) with the key's signing secret"
    )]
    Wrong,
    /// It was good before.
    #[error("this signature was used before: sign each request anew, with the time of that moment in t")]
    Used,
}

impl SignatureFault {
    /// What programs read.
    pub fn code(self) -> &'static str {
        match self {
            Self::Malformed => "signature_malformed",
            Self::NoSecret => "signature_unknown",
            Self::TooOld { .. } => "signature_too_old",
            Self::TooNew { .. } => "signature_too_new",
            Self::Forgotten => "signature_forgotten",
            Self::Wrong => "signature_wrong",
            Self::Used => "signature_used",
        }
    }
}

/// Why a body is not taken as signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unproven {
    /// Its signature is not good.
    Fault(SignatureFault),
    /// As many are remembered for its account as may be: one has its time over in so many seconds.
    Full {
        /// From now, s.
        retry_s: u32,
    },
    /// It is of a time to come, and the disk does not take that it was good.
    Unkept,
}

impl From<SignatureFault> for Unproven {
    fn from(fault: SignatureFault) -> Self {
        Self::Fault(fault)
    }
}

/// What a request's head says of its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// When it was made, as it was sent: this text is signed.
    time: String,
    /// The same, Unix s.
    time_s: i64,
    /// One of them must be right.
    macs: Vec<[u8; 32]>,
}

impl Claim {
    /// What a head says; `None` without the header.
    ///
    /// # Errors
    /// `Malformed`.
    pub fn of(headers: &HeaderMap) -> Result<Option<Self>, SignatureFault> {
        let mut lines = headers.get_all(HEADER).iter();
        let Some(line) = lines.next() else { return Ok(None) };
        let text = line.to_str().ok().filter(|_| lines.next().is_none()).ok_or(SignatureFault::Malformed)?;
        Self::read(text).map(Some).ok_or(SignatureFault::Malformed)
    }

    fn read(text: &str) -> Option<Self> {
        let (mut time, mut macs) = (None, Vec::new());
        for field in text.split(',') {
            let (name, value) = field.trim().split_once('=')?;
            match name {
                "t" if time.is_some() => return None,
                "t" => time = Some(value),
                "v1" if macs.len() == SIGNATURES_MAX => return None,
                "v1" => macs.push(from_hex(value)?.try_into().ok()?),
                _ => {}
            }
        }
        let time = time.filter(|time| {
            (1..=TIME_DIGITS_MAX).contains(&time.len()) && time.bytes().all(|byte| byte.is_ascii_digit())
        })?;
        (!macs.is_empty()).then_some(())?;
        Some(Self { time: time.to_owned(), time_s: time.parse().ok()?, macs })
    }
}

/// The signatures of an account that were good.
#[derive(Debug, Default)]
struct Remembered {
    /// By when they were made, Unix s.
    good: BTreeSet<(i64, [u8; 32])>,
    /// What was made until then may be forgotten, Unix s.
    forgotten_s: i64,
}

/// Which signatures were good, and not for so long that their time is over.
#[derive(Debug)]
pub struct Signatures {
    /// Those of this moment may have been good in another run of the relay, Unix s.
    started_s: i64,
    /// Those of times after it may have been, too, where an account was ahead.
    ahead: Ahead,
    accounts: Mutex<HashMap<AccountId, Remembered>>,
}

impl Signatures {
    /// Remembers from this time on, Unix ms; nothing over a restart.
    pub fn new(started_ms: i64) -> Self {
        Self { started_s: started_ms.div_euclid(1_000), ahead: Ahead::default(), accounts: Mutex::default() }
    }

    /// The same, with a file that keeps how far ahead of the clock signatures were good.
    pub fn recall(started_ms: i64, file: PathBuf) -> Self {
        let started_s = started_ms.div_euclid(1_000);
        Self { ahead: Ahead::recall(file, started_s), ..Self::new(started_ms) }
    }

    /// Begins to verify what a head claims.
    ///
    /// # Errors
    /// It is of another time.
    pub fn verify(
        self: &Arc<Self>,
        account: AccountId,
        claim: Claim,
        secret: &SigningSecret,
        now_ms: i64,
    ) -> Result<Proof, SignatureFault> {
        let asked_s = now_ms.div_euclid(1_000);
        let by_s = asked_s - claim.time_s;
        if by_s > SIGNATURE_WINDOW_S {
            return Err(SignatureFault::TooOld { by_s });
        }
        if by_s < -SIGNATURE_WINDOW_S {
            return Err(SignatureFault::TooNew { by_s: -by_s });
        }
        if claim.time_s <= self.started_s.max(self.ahead.until_s(account)) {
            return Err(SignatureFault::Forgotten);
        }
        let mut mac = secret.mac();
        mac.update(claim.time.as_bytes());
        mac.update(b".");
        Ok(Proof { signatures: Arc::clone(self), account, claim, mac, asked_s })
    }

    /// Remembers a good signature, unless it is remembered already.
    fn remember(&self, account: AccountId, time_s: i64, mac: [u8; 32], now_s: i64) -> Result<(), Unproven> {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        let Remembered { good, forgotten_s } = accounts.entry(account).or_default();
        while let Some(&(oldest_s, _)) = good.first().filter(|(at_s, _)| at_s + SIGNATURE_KEPT_S < now_s) {
            good.pop_first();
            // A clock that is set back makes none of them good again.
            *forgotten_s = (*forgotten_s).max(oldest_s);
        }
        if good.contains(&(time_s, mac)) {
            return Err(SignatureFault::Used.into());
        }
        if time_s <= *forgotten_s {
            return Err(SignatureFault::Forgotten.into());
        }
        if good.len() >= SIGNATURES_PER_ACCOUNT {
            let over_s = good.first().map_or(0, |(at_s, _)| at_s + SIGNATURE_KEPT_S + 1 - now_s);
            return Err(Unproven::Full { retry_s: u32::try_from(over_s).unwrap_or(1).max(1) });
        }
        good.insert((time_s, mac));
        Ok(())
    }
}

/// A signature whose body is on its way.
pub struct Proof {
    signatures: Arc<Signatures>,
    account: AccountId,
    claim: Claim,
    mac: Hmac<Sha256>,
    /// When its head was there, Unix s.
    asked_s: i64,
}

impl Proof {
    /// The next bytes of the body, as they were sent.
    pub fn take(&mut self, bytes: &[u8]) {
        self.mac.update(bytes);
    }

    /// That was all of it. Waits for the disk where it is of a time to come.
    ///
    /// # Errors
    /// It is not what was signed, or was good before; or what must be kept of it cannot be.
    pub async fn finish(self) -> Result<(), Unproven> {
        let Self { signatures, account, claim, mac, asked_s } = self;
        let mac: [u8; 32] = mac.finalize().into_bytes().into();
        let is_right = claim.macs.iter().fold(subtle::Choice::from(0), |right, told| right | told.ct_eq(&mac));
        if !bool::from(is_right) {
            return Err(SignatureFault::Wrong.into());
        }
        signatures.remember(account, claim.time_s, mac, asked_s)?;
        signatures.ahead.note(account, claim.time_s, asked_s).await.map_err(|error| {
            tracing::error!(%error, "a signed upload is refused: could not note that its time is to come");
            Unproven::Unkept
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use futures::FutureExt as _;
    use raidcast_shared::id::hex;

    use super::*;
    use crate::limits::SIGNATURE_NOTED_S;

    const SECRET: &str = "a-signing-secret-of-32-characters";
    const NOW_S: i64 = 1_790_000_000;
    const ONE: AccountId = AccountId(1);

    fn signatures() -> Arc<Signatures> {
        Arc::new(Signatures::new((NOW_S - 1_000) * 1_000))
    }

    fn headers(line: &str) -> HeaderMap {
        HeaderMap::from_iter([(HEADER.parse().unwrap(), line.parse().unwrap())])
    }

    /// A header as an uploader makes it.
    fn signed(time_s: i64, body: &[u8]) -> String {
        let mut mac = SigningSecret::new(SECRET).unwrap().mac();
        mac.update(format!("{time_s}.").as_bytes());
        mac.update(body);
        format!("t={time_s},v1={}", hex(&mac.finalize().into_bytes()))
    }

    /// Where nothing is kept on a disk.
    fn verified(signatures: &Arc<Signatures>, line: &str, body: &[u8], now_s: i64) -> Result<(), Unproven> {
        let verified = verified_of(ONE, (signatures, now_s), line, body).now_or_never();
        verified.expect("it waits for nothing")
    }

    async fn verified_of(
        account: AccountId,
        (signatures, now_s): (&Arc<Signatures>, i64),
        line: &str,
        body: &[u8],
    ) -> Result<(), Unproven> {
        let claim = Claim::of(&headers(line))?.expect("it is there");
        let secret = SigningSecret::new(SECRET).unwrap();
        let mut proof = signatures.verify(account, claim, &secret, now_s * 1_000)?;
        body.chunks(3).for_each(|piece| proof.take(piece));
        proof.finish().await
    }

    /// The example of docs/api.md.
    #[test]
    fn a_signature_is_these_bytes() {
        let line = "t=1790000000,v1=92de361590a2ad90160baabd6787b6c0391e6cf4ca7600af282933cc88291dce";
        assert_eq!(signed(NOW_S, b"{\"encounters\":[]}"), line);
        assert_eq!(verified(&signatures(), line, b"{\"encounters\":[]}", NOW_S), Ok(()));
    }

    #[test]
    fn a_header_says_one_time_and_up_to_four_signatures() {
        let (good, other) = ("ab".repeat(32), "0C".repeat(32));
        let read =
            |line: &str| Claim::of(&headers(line)).map(|claim| claim.map(|claim| (claim.time_s, claim.macs.len())));
        for (line, macs) in [
            (format!("t=1790000000,v1={good}"), 1),
            (format!("v1={other} , t=1790000000 ,v0=old,v2="), 1),
            (format!("t=1790000000,v1={good},v1={other},v1={good},v1={good}"), 4),
        ] {
            assert_eq!(read(&line), Ok(Some((NOW_S, macs))), "{line}");
        }
        assert_eq!(Claim::of(&HeaderMap::new()), Ok(None));
        for line in [
            String::new(),
            "t".into(),
            "t=1790000000".into(),
            format!("v1={good}"),
            format!("t=,v1={good}"),
            format!("t=-1,v1={good}"),
            format!("t=+1790000000,v1={good}"),
            format!("t=1790000000.5,v1={good}"),
            format!("t=1234567890123,v1={good}"),
            format!("t=1790000000,t=1790000000,v1={good}"),
            format!("t=1790000000,v1={}", &good[1..]),
            format!("t=1790000000,v1={good}0"),
            format!("t=1790000000,v1={}", "0g".repeat(32)),
            format!("t=1790000000,v1={good},"),
            format!("t=1790000000;v1={good}"),
            format!("t=1790000000{}", format!(",v1={good}").repeat(SIGNATURES_MAX + 1)),
        ] {
            assert_eq!(read(&line), Err(SignatureFault::Malformed), "{line}");
        }
        let mut twice = headers(&format!("t=1790000000,v1={good}"));
        twice.append(HEADER, format!("t=1790000000,v1={good}").parse().unwrap());
        assert_eq!(Claim::of(&twice), Err(SignatureFault::Malformed));
    }

    #[test]
    fn a_signature_is_good_once_and_for_its_body_and_its_time() {
        let signatures = signatures();
        let line = signed(NOW_S, b"body");
        assert_eq!(verified(&signatures, &line, b"Body", NOW_S), Err(SignatureFault::Wrong.into()));
        let moved = line.replace("t=1790000000", "t=1790000001");
        assert_eq!(verified(&signatures, &moved, b"body", NOW_S), Err(SignatureFault::Wrong.into()));
        // What was wrong used nothing up.
        assert_eq!(verified(&signatures, &line, b"body", NOW_S), Ok(()));
        assert_eq!(verified(&signatures, &line, b"body", NOW_S + 1), Err(SignatureFault::Used.into()));
        // Written otherwise it is the same.
        let upper = format!("v1={},{}", "00".repeat(32), line.to_uppercase().replace("T=", "t=").replace("V1=", "v1="));
        assert_eq!(verified(&signatures, &upper, b"body", NOW_S), Err(SignatureFault::Used.into()));
        for (by_s, expected) in [
            (SIGNATURE_WINDOW_S, Ok(())),
            (-SIGNATURE_WINDOW_S, Ok(())),
            (SIGNATURE_WINDOW_S + 1, Err(SignatureFault::TooOld { by_s: SIGNATURE_WINDOW_S + 1 }.into())),
            (-SIGNATURE_WINDOW_S - 1, Err(SignatureFault::TooNew { by_s: SIGNATURE_WINDOW_S + 1 }.into())),
        ] {
            assert_eq!(verified(&signatures, &signed(NOW_S - by_s, b"another"), b"another", NOW_S), expected, "{by_s}");
        }
    }

    #[test]
    fn what_is_forgotten_is_not_good_again_whatever_the_clock_says() {
        let signatures = signatures();
        let old = signed(NOW_S, b"body");
        assert_eq!(verified(&signatures, &old, b"body", NOW_S), Ok(()));
        // The clock is far ahead for a moment: the signature is forgotten, and the clock is set right.
        let ahead_s = NOW_S + 10_000;
        assert_eq!(verified(&signatures, &signed(ahead_s, b"body"), b"body", ahead_s), Ok(()));
        assert_eq!(verified(&signatures, &old, b"body", NOW_S), Err(SignatureFault::Forgotten.into()));
        assert_eq!(verified(&signatures, &signed(NOW_S + 1, b"body"), b"body", NOW_S), Ok(()));
        // The relay is started again.
        let again = Arc::new(Signatures::new((NOW_S + 5) * 1_000));
        for (time_s, expected) in [(NOW_S + 1, Err(SignatureFault::Forgotten.into())), (NOW_S + 6, Ok(()))] {
            assert_eq!(verified(&again, &signed(time_s, b"body"), b"body", NOW_S + 6), expected);
        }
    }

    /// It may be killed: nothing is written when it ends.
    #[tokio::test]
    async fn of_a_time_to_come_a_signature_is_good_once_also_after_a_restart() {
        let data = tempfile::tempdir().unwrap();
        let started =
            |path: &Path, at_s: i64| Arc::new(Signatures::recall(at_s * 1_000, path.join("relay.signatures")));
        let (line, other) = (signed(NOW_S + 200, b"body"), AccountId(2));
        let first = started(data.path(), NOW_S - 1);
        assert_eq!(verified_of(ONE, (&first, NOW_S), &line, b"body").await, Ok(()));
        let second = started(data.path(), NOW_S + 1);
        let again = verified_of(ONE, (&second, NOW_S + 2), &line, b"body").await;
        assert_eq!(again, Err(SignatureFault::Forgotten.into()));
        // Whose clock is ahead signs on after a moment, and others at once.
        let later_s = NOW_S + 2 + SIGNATURE_NOTED_S;
        let next = signed(later_s + 200, b"body");
        assert_eq!(verified_of(ONE, (&second, later_s), &next, b"body").await, Ok(()));
        assert_eq!(verified_of(other, (&second, NOW_S + 2), &signed(NOW_S + 2, b"body"), b"body").await, Ok(()));
        // What an earlier run took counts after the next start, too.
        let third = started(data.path(), NOW_S + 3);
        let again = verified_of(ONE, (&third, NOW_S + 4), &line, b"body").await;
        assert_eq!(again, Err(SignatureFault::Forgotten.into()));
    }

    #[test]
    fn an_account_has_so_many_signatures_at_once_and_none_is_forgotten_for_another() {
        let signatures = signatures();
        for number in 0..SIGNATURES_PER_ACCOUNT {
            let body = number.to_string();
            assert_eq!(verified(&signatures, &signed(NOW_S, body.as_bytes()), body.as_bytes(), NOW_S), Ok(()));
        }
        let full = verified(&signatures, &signed(NOW_S, b"more"), b"more", NOW_S + 40);
        assert_eq!(full, Err(Unproven::Full { retry_s: u32::try_from(SIGNATURE_KEPT_S + 1 - 40).unwrap() }));
        assert_eq!(verified(&signatures, &signed(NOW_S, b"0"), b"0", NOW_S), Err(SignatureFault::Used.into()));
        let later_s = NOW_S + SIGNATURE_KEPT_S + 1;
        assert_eq!(verified(&signatures, &signed(later_s, b"more"), b"more", later_s), Ok(()));
    }

    #[test]
    fn a_secret_is_long_and_never_said() {
        assert!(SigningSecret::new(&"x".repeat(SECRET_CHARS_MIN - 1)).is_none());
        let secret = SigningSecret::new(SECRET).unwrap();
        assert!(secret.is(SECRET) && !secret.is("a-signing-secret"));
        assert_eq!(format!("{secret:?}"), "SigningSecret");
    }
}
