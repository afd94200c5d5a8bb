//! Programs that somebody lets in.

use std::sync::Arc;

use raidcast_shared::account::{DeviceCode, DeviceForm, DeviceLine, DeviceToken};
use raidcast_shared::uplink::Visibility;
use raidcast_store::StoreError;

use super::{Members, SignedIn, good_note, invalid, too_often};
use crate::account::pairing::{self, Approval, Polled, Wish};
use crate::account::tries::Try;
use crate::account::{SCOPES, Scope, Scopes, scope_name};
use crate::edge::Address;
use crate::error::HttpError;

/// Why a program that is to be paired has no key, or none yet.
#[derive(Clone, Debug, thiserror::Error)]
pub enum DeviceFault {
    /// Nobody has decided.
    #[error("nobody has typed the code yet: ask again")]
    Pending,
    /// It asks too often.
    #[error("this is asked too often: wait five seconds longer each time")]
    SlowDown,
    /// Somebody said no.
    #[error("it was not allowed")]
    Denied,
    /// There is no such code, or its time is over.
    #[error("there is no such code, or its ten minutes are over: begin anew")]
    Expired,
    /// Something else.
    #[error(transparent)]
    Other(#[from] HttpError),
}

impl From<StoreError> for DeviceFault {
    fn from(error: StoreError) -> Self {
        Self::Other(error.into())
    }
}

impl Members {
    /// Begins to pair a program, which says what it is and what its key is to do.
    ///
    /// # Errors
    /// What is wrong with that, `TooMany`.
    pub fn begin_pairing(&self, name: &str, scope: Option<&str>, address: Address) -> Result<DeviceCode, HttpError> {
        let name = good_note(name, 1, "`client_id`")?;
        let words = scope.unwrap_or_default().split_ascii_whitespace();
        let scopes: Option<Vec<_>> = words.map(scope_of).collect();
        let scopes = scopes.ok_or_else(|| invalid("`scope` holds a word that is none of upload, read, manage"))?;
        let scopes: Scopes =
            if scopes.is_empty() { [Scope::Upload].into_iter().collect() } else { scopes.into_iter().collect() };
        let wish = Wish { name, scopes, address, asked_at_ms: self.now_ms() };
        let (device_code, code) = self.pairings.begin(wish).ok_or_else(|| HttpError::TooMany {
            text: "too many programs wait to be paired: wait some minutes, and try again".into(),
            retry_s: 60,
        })?;
        Ok(DeviceCode {
            device_code,
            user_code: pairing::shown(&code),
            verification_uri: format!("{}/pair", self.context.public_url),
            expires_in: (pairing::LASTS_MS / 1_000) as u32,
            interval: pairing::INTERVAL_S,
        })
    }

    /// The key of a program that was let in.
    ///
    /// # Errors
    /// Why it has none, or none yet.
    pub async fn finish_pairing(self: &Arc<Self>, device_code: &str) -> Result<DeviceToken, DeviceFault> {
        match self.pairings.poll(device_code, self.now_ms()) {
            Polled::Approved(..) => {}
            Polled::Pending => return Err(DeviceFault::Pending),
            Polled::SlowDown => return Err(DeviceFault::SlowDown),
            Polled::Denied => return Err(DeviceFault::Denied),
            Polled::Expired => return Err(DeviceFault::Expired),
        }
        let own = device_code.to_owned();
        self.whole(move |members| async move { Ok(members.paired(&own).await) }).await?
    }

    /// The key of a program that was let in; within `whole`, so that it is made once.
    pub(super) async fn paired(&self, device_code: &str) -> Result<DeviceToken, DeviceFault> {
        let now_ms = self.now_ms();
        let Polled::Approved(wish, approval) = self.pairings.poll(device_code, now_ms) else {
            return Err(DeviceFault::Expired);
        };
        let Approval { person, session, account } = approval;
        let store = &self.context.store;
        let holds = store.accounts_of(person).await?.iter().any(|held| held.id == account);
        // He may have signed out at the moment at which he let it in.
        let is_there = store.sessions(person, self.ends()).await?.iter().any(|there| there.id == session);
        let person = store.person(person).await?.filter(|_| holds && is_there).ok_or(DeviceFault::Denied)?;
        let (secret, digest) = self.new_key();
        let new = raidcast_store::NewKey {
            account,
            digest,
            name: wish.name,
            scopes: wish.scopes.bits(),
            visibility: Visibility::default(),
            uploads_per_day: None,
            ends_at_ms: None,
            by: Some(person.id),
            now_ms,
        };
        self.add_key(&new).await?;
        self.pairings.done(device_code);
        let scope: Vec<_> = wish.scopes.listed().into_iter().map(scope_name).collect();
        Ok(DeviceToken {
            access_token: secret,
            token_type: "api_key".into(),
            scope: scope.join(" "),
            name: person.name,
        })
    }

    /// A try of somebody to type a code: so often, or he guesses others'.
    pub(super) fn type_code(&self, who: &SignedIn) -> Result<(), HttpError> {
        self.tries.by_person(who.person(), Try::Code).map_err(too_often)
    }

    /// The program that waits with a code.
    ///
    /// # Errors
    /// `NotFound` if none does, `TooMany`.
    pub fn pairing(&self, who: &SignedIn, code: &str, address: Address) -> Result<DeviceLine, HttpError> {
        self.type_code(who)?;
        let wish = self.pairings.waiting(code, self.now_ms()).ok_or_else(no_code)?;
        Ok(DeviceLine {
            is_here: wish.address == address,
            address: wish.address.to_string(),
            name: wish.name,
            asked_at_ms: wish.asked_at_ms,
            scopes: wish.scopes.listed(),
        })
    }

    /// Lets the program that waits with a code in, or not.
    ///
    /// # Errors
    /// `NotFound` if none does, `SignInAgain`, `TooMany`.
    pub async fn decide_pairing(&self, who: &SignedIn, code: &str, form: DeviceForm) -> Result<(), HttpError> {
        self.type_code(who)?;
        let approved = if form.approve {
            self.fresh(who)?;
            let account = self.own_account(who, form.account).await?;
            Some(Approval { person: who.person(), session: who.session.id, account })
        } else {
            None
        };
        if self.pairings.decide(code, approved, self.now_ms()) { Ok(()) } else { Err(no_code()) }
    }
}

fn no_code() -> HttpError {
    let text =
        "no program waits with this code: it is mistyped, used, or over. Look again, or begin anew in the program";
    HttpError::Unknown(text.into())
}

fn scope_of(word: &str) -> Option<Scope> {
    SCOPES.into_iter().find(|scope| scope_name(*scope) == word)
}
