//! Who may speak for a raid, and what frames lose on their way in: clear ids.

use std::sync::Arc;

use raidcast_shared::limits as l;
use raidcast_shared::text::{is_label, is_name, is_title};
use raidcast_shared::uplink::{
    Agent, Hello, Refused, RefusedCode, RefusedScope, UplinkFrame, VERSIONS, Welcome, WireLimits,
};
use raidcast_store::{AccountId, Delay, RaidRow, StoreError, Tickets};

use super::fights::Fights;
use super::refusal::refusal;
use crate::account::{RelaySecret, digest, same_digest};
use crate::context::Context;
use crate::raid::RaidRegistry;

/// Bytes of a raid's secret.
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 16..=64;

/// The refusal for a relay that cannot now.
pub(super) fn try_again() -> Refused {
    let text = "the relay's database is not available now: try again in a moment";
    Refused { retry_ms: Some(1_000), ..refusal(RefusedCode::StoreUnavailable, text) }
}

/// A client whose raid is set aside asks again after this, ms: an operator may have mended it.
const SET_ASIDE_RETRY_MS: u32 = 600_000;

/// The refusal where the store does not give or keep a raid: now, or at all.
pub(super) fn unread(error: &StoreError) -> Refused {
    match error {
        StoreError::Unavailable(why) => {
            tracing::warn!(why, "could not look a raid up");
            try_again()
        }
        StoreError::Damaged(why) => {
            tracing::error!(why, "a client speaks for a raid that cannot be read");
            let text = "the relay cannot read what it holds of this raid and has set it aside: delete raid.json in the \
                        state folder to begin a new one, or ask the relay's operator";
            Refused { retry_ms: Some(SET_ASIDE_RETRY_MS), ..refusal(RefusedCode::StoreUnavailable, text) }
        }
    }
}

/// How far behind spectators are to be, ms.
pub(super) fn delay_ms(hello: &Hello) -> i64 {
    i64::from(hello.delay_s) * 1_000
}

fn check(hello: &Hello) -> Result<(), Refused> {
    let (oldest, newest) = VERSIONS;
    if hello.v.0 > newest || hello.v.1 < oldest || hello.v.0 > hello.v.1 {
        let text = format!("this relay speaks versions {oldest} to {newest}: update whichever is older");
        return Err(refusal(RefusedCode::ProtocolUnsupported, text));
    }
    let agent = |agent: &Agent| [&agent.name, &agent.version].iter().all(|text| is_label(text, l::AGENT_CHARS_MAX));
    if !agent(&hello.client) || !agent(&hello.meter) {
        let text = "names and versions of programs have at most 64 characters, none of them invisible";
        return Err(refusal(RefusedCode::BadText, text));
    }
    if hello.title.as_ref().is_some_and(|title| !is_title(title, l::TITLE_CHARS_MAX)) {
        let text = format!("a title is plain text of at most {} characters, without tags", l::TITLE_CHARS_MAX);
        return Err(refusal(RefusedCode::BadText, text));
    }
    if !SECRET_BYTES.contains(&hello.secret.len()) {
        return Err(refusal(RefusedCode::Malformed, "a raid's secret has 16 to 64 bytes"));
    }
    if hello.delay_s > l::DELAY_S_MAX {
        let text = format!("spectators can be {} seconds behind at the most: set a shorter delay", l::DELAY_S_MAX);
        return Err(refusal(RefusedCode::NotSupported, text));
    }
    Ok(())
}

/// Finds or makes the raid that a Hello speaks for: its code, and the account's channel.
pub(super) async fn admit(
    registry: &RaidRegistry,
    account: AccountId,
    hello: &Hello,
) -> Result<(String, String), Refused> {
    check(hello)?;
    let context = &registry.context;
    let unavailable = |error: StoreError| unread(&error);
    let secret_digest = digest(&hello.secret);
    let held = context.store.raid_by_id(hello.raid).await.map_err(unavailable)?;
    let own = |raid: RaidRow| {
        if raid.account != account || !same_digest(&raid.secret_digest, &secret_digest) {
            let text = "this raid belongs to another client: delete raid.json in the state folder to begin a new one";
            return Err(refusal(RefusedCode::RaidForbidden, text));
        }
        Ok(raid)
    };
    let raid = if let Some(raid) = held {
        own(raid)?
    } else {
        let now_ms = context.clock.now_ms();
        context.quota.raid(account, now_ms).map_err(|spent| {
            let text = format!("this key has begun as many raids as it may in an hour: {spent}");
            Refused { retry_ms: Some(spent.retry_ms), ..refusal(RefusedCode::LimitReached, text) }
        })?;
        let raid = RaidRow {
            id: hello.raid,
            account,
            code: context.entropy.code(10),
            secret_digest,
            title: hello.title.clone(),
            visibility: hello.visibility,
            report_visibility: hello.report_visibility,
            said: None,
            delay: Delay { ms: delay_ms(hello), shown_until_ms: 0 },
            names: hello.names,
            created_at_ms: now_ms,
            active_at_ms: now_ms,
            closed: false,
            history: hello.history,
            tickets: Tickets::default(),
        };
        let (store, new) = (Arc::clone(&context.store), raid.clone());
        let inserted = async move { store.insert_raid(&new).await };
        // Who watches the channel moves on to the new raid, if that is what it shows now.
        match registry.channels.write(account, inserted).await {
            Ok(()) => raid,
            // Another connection has begun it meanwhile.
            Err(StoreError::Damaged(why)) => match context.store.raid_by_id(hello.raid).await.map_err(unavailable)? {
                Some(raid) => own(raid)?,
                None => return Err(unavailable(StoreError::Damaged(why))),
            },
            Err(error) => return Err(unavailable(error)),
        }
    };
    let channel = context.store.channel(account).await.map_err(unavailable)?.unwrap_or_default();
    Ok((raid.code, channel))
}

/// What a client is told that speaks for a raid now, by a key that may read or not.
pub(super) fn welcome(context: &Context, hello: &Hello, raid: &RaidRow, (channel, reads): (&str, bool)) -> Welcome {
    Welcome {
        v: VERSIONS.1.min(hello.v.1),
        raid_url: context.raid_url(raid),
        channel_url: context.channel_url(channel, raid, reads),
        raid: raid.code.clone(),
        limits: WireLimits::default(),
        names: Some(raid.names),
        delay_s: u32::try_from(raid.delay.ms / 1_000).ok(),
    }
}

/// Checks what no encounter is needed for, and replaces ids of actors and encounters by keyed hashes.
pub(super) fn admit_frame(
    secret: &RelaySecret,
    fights: &Fights,
    mut frame: UplinkFrame,
) -> Result<UplinkFrame, Refused> {
    match &mut frame {
        UplinkFrame::Begin(begin) => {
            // Refusals name it so, too: the connection turns it back.
            begin.enc = fights.begin(secret, begin.enc);
            let header = &mut begin.header;
            let refuse = |code, text: &str| {
                Err(Refused { scope: RefusedScope::Encounter, enc: Some(begin.enc), ..refusal(code, text) })
            };
            if header.scene.as_ref().is_some_and(|scene| !is_name(scene, l::NAME_CHARS_MAX)) {
                return refuse(
                    RefusedCode::BadText,
                    "a scene's name has at most 64 characters and no control characters",
                );
            }
            if header.cols.iter().any(|name| !is_name(name, l::NAME_CHARS_MAX)) {
                return refuse(
                    RefusedCode::BadText,
                    "a column's name has at most 64 characters and no control characters",
                );
            }
            // Up to the year 9999: what every reader of dates can show.
            if !(0..=253_402_300_799_999).contains(&header.started_at_ms) {
                return refuse(RefusedCode::NumberTooLarge, "started_at_ms is Unix time in ms");
            }
            header.local = header.local.map(|id| secret.actor(id));
        }
        UplinkFrame::Delta(delta) => {
            for actor in &mut delta.delta.actors {
                actor.id = secret.actor(actor.id);
            }
            let far = i64::from(l::ENCOUNTER_DURATION_MS_MAX) * 100_000;
            delta.delta.captured_ms = delta.delta.captured_ms.clamp(-far, far);
        }
        UplinkFrame::End(end) => {
            // One absurd number of the meter's costs that number, not the fight its report.
            let ending = &mut end.ending;
            ending.ended_at_ms = ending.ended_at_ms.filter(|at| (0..=253_402_300_799_999).contains(at));
            if let Some(meter) = &mut ending.meter {
                meter.damage = meter.damage.min(l::AMOUNT_MAX);
                meter.healing = meter.healing.min(l::AMOUNT_MAX);
            }
        }
        UplinkFrame::Discard { enc } => *enc = secret.encounter(*enc),
        UplinkFrame::Hello(_) | UplinkFrame::Idle { .. } | UplinkFrame::Probe { .. } | UplinkFrame::Unknown => {}
    }
    Ok(frame)
}
