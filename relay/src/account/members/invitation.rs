//! Who may join: invitations, and the first administrator's.

use std::sync::Arc;

use raidcast_shared::account::{InvitationForm, InvitationLine, NewInvitation, Registration, Role};
use raidcast_shared::id::{from_hex, hex};
use raidcast_store::{Invitation, StoreError};

use super::{Members, SignedIn, good_note, invalid};
use crate::error::HttpError;
use crate::quota::DAY_MS;

/// The first administrator's invitation is good for so long, ms; each start makes another.
const FIRST_MS: i64 = 7 * DAY_MS;

/// People who are looked at at once.
const PAGE: u32 = 100;

/// A link by which an administrator joins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirstLink {
    /// The link.
    pub url: String,
    /// Nobody administrates the relay yet; else nobody does who can sign in.
    pub is_first: bool,
}

impl Members {
    /// The link by which an administrator joins where none is there who can sign in: good once, until the next start.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn first_link(&self) -> Result<Option<FirstLink>, StoreError> {
        let now_ms = self.now_ms();
        let store = &self.context.store;
        store.drop_invitations(now_ms).await?;
        let is_first = !store.has_role(Role::Administrator).await?;
        if !is_first && self.can_administrate().await? {
            return Ok(None);
        }
        let note = if is_first { "the first administrator" } else { "an administrator, for no other can sign in" };
        let (secret, digest) = self.secret();
        let (role, note) = (Role::Administrator, note.to_owned());
        let ends_at_ms = now_ms.saturating_add(FIRST_MS);
        let invitation = Invitation { digest, role, note, made_by: None, created_at_ms: now_ms, ends_at_ms, left: 1 };
        store.invite(&invitation).await?;
        if !is_first {
            tracing::warn!(
                "no administrator can sign in: each has ways by providers alone that are set no more. Set them again under \
                 the same names, or have a new administrator join by the link on the standard output"
            );
        }
        Ok(Some(FirstLink { url: self.invitation_url(&secret), is_first }))
    }

    /// Whether an administrator is there who has a password, or signs in by a provider that is set.
    async fn can_administrate(&self) -> Result<bool, StoreError> {
        let mut after = None;
        loop {
            let people = self.context.store.people(after, PAGE).await?;
            for person in people.iter().filter(|person| person.role == Role::Administrator) {
                let ways = self.context.store.subjects(person.id).await?;
                if ways.iter().any(|way| self.is_set(&way.provider)) {
                    return Ok(true);
                }
            }
            match people.last() {
                Some(last) if people.len() == PAGE as usize => after = Some(last.id),
                _ => return Ok(false),
            }
        }
    }

    /// Behind `#`, which browsers send to nobody: it stands in no log.
    pub(super) fn invitation_url(&self, secret: &str) -> String {
        format!("{}/sign-in#invitation={secret}", self.context.public_url)
    }

    /// Whether anybody may join, but for the first administrator.
    pub(super) async fn open_to_join(&self) -> Result<(), HttpError> {
        let is_closed = self.registration == Registration::Closed;
        if is_closed && self.context.store.has_role(Role::Administrator).await? {
            return Err(HttpError::JoiningClosed);
        }
        Ok(())
    }

    /// The invitations that are good.
    ///
    /// # Errors
    /// `NotAdministrator`.
    pub async fn invitations(&self, who: &SignedIn) -> Result<Vec<InvitationLine>, HttpError> {
        Self::administrates(who)?;
        let invitations = self.context.store.invitations(self.now_ms()).await?;
        Ok(invitations.into_iter().map(invitation_line).collect())
    }

    /// Makes an invitation.
    ///
    /// # Errors
    /// `NotAdministrator`, `SignInAgain`, what is wrong with what was asked for.
    pub async fn invite(self: &Arc<Self>, who: &SignedIn, form: InvitationForm) -> Result<NewInvitation, HttpError> {
        Self::administrates(who)?;
        self.open_to_join().await?;
        self.fresh(who)?;
        if !(1..=1_000).contains(&form.uses) {
            return Err(invalid("`uses` must be 1 to 1000"));
        }
        if !(1..=365).contains(&form.days) {
            return Err(invalid("`days` must be 1 to 365"));
        }
        if form.role == Role::Administrator && form.uses != 1 {
            return Err(invalid("an invitation that makes administrators is good once: `uses` must be 1"));
        }
        let (now_ms, (secret, digest)) = (self.now_ms(), self.secret());
        let invitation = Invitation {
            digest,
            role: form.role,
            note: good_note(&form.note, 0, "`note`")?,
            made_by: Some(who.person()),
            created_at_ms: now_ms,
            ends_at_ms: now_ms.saturating_add(i64::from(form.days) * DAY_MS),
            left: form.uses,
        };
        let (made, session) = (invitation.clone(), who.digest);
        self.whole(move |members| async move {
            // He may be leaving: then nobody joins by him.
            members.still(&session).await?;
            Ok(members.context.store.invite(&made).await?)
        })
        .await?;
        Ok(NewInvitation { url: self.invitation_url(&secret), invitation: invitation_line(invitation) })
    }

    /// Takes an invitation back.
    ///
    /// # Errors
    /// `NotAdministrator`, `NotFound`.
    pub async fn uninvite(&self, who: &SignedIn, id: &str) -> Result<(), HttpError> {
        Self::administrates(who)?;
        let digest: [u8; 32] = from_hex(id).and_then(|id| id.try_into().ok()).ok_or(HttpError::NotFound)?;
        if self.context.store.uninvite(&digest, who.person(), self.now_ms()).await? {
            Ok(())
        } else {
            Err(HttpError::NotFound)
        }
    }
}

fn invitation_line(invitation: Invitation) -> InvitationLine {
    let Invitation { digest, role, note, made_by: _, created_at_ms, ends_at_ms, left } = invitation;
    InvitationLine { id: hex(&digest), role, note, left, created_at_ms, ends_at_ms }
}
