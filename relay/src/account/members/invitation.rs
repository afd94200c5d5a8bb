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

impl Members {
    /// The link by which the first administrator joins, while there is none: good once, until the next start.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn first_link(&self) -> Result<Option<String>, StoreError> {
        let now_ms = self.now_ms();
        let store = &self.context.store;
        store.drop_invitations(now_ms).await?;
        if store.has_role(Role::Administrator).await? {
            return Ok(None);
        }
        let (secret, digest) = self.secret();
        let (role, note) = (Role::Administrator, "the first administrator".to_owned());
        let ends_at_ms = now_ms.saturating_add(FIRST_MS);
        let invitation = Invitation { digest, role, note, made_by: None, created_at_ms: now_ms, ends_at_ms, left: 1 };
        store.invite(&invitation).await?;
        Ok(Some(self.invitation_url(&secret)))
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
