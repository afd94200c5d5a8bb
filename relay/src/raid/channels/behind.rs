//! Which raid a channel shows to those who are behind, as the store has it.
//!
//! One invariant: raids that nobody streamed a fight in are no reason why one with fights is not found.

use raidcast_shared::limits::RAID_IDLE_MS;
use raidcast_store::{AccountId, RaidLine, RaidRow, StoreError};

use super::Channels;

/// So many raids of an account with fights are looked at, the newest first.
const WITH_FIGHTS_MAX: usize = 8;
/// Raids are read so many at a time: in most accounts, once.
const READ_AT_ONCE: u32 = 64;
/// And so often at the most: past more raids without fights than a key begins in two hours.
const READS_MAX: usize = 8;

/// A raid, and what puts it before others: those of old fights come last, else the one that was active last.
struct Shown {
    order: (bool, i64),
    raid: RaidRow,
}

impl Channels {
    /// The raid that a channel shows to those who are no members, where they do not see its newest yet: of what each raid
    /// shows them by now, the one that was active last.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn raid_of_others(&self, account: AccountId, newest: RaidRow) -> Result<Option<RaidRow>, StoreError> {
        let mut shown = self.shown(newest, true).await?;
        let (mut before, mut with_fights) = (None, 0);
        for _ in 0..READS_MAX {
            let lines = self.context.store.raids_of(account, before, READ_AT_ONCE).await?;
            for line in &lines {
                let better = self.better(line, shown.as_ref()).await?;
                shown = better.or(shown);
                with_fights += usize::from(line.fights > 0);
                if with_fights == WITH_FIGHTS_MAX {
                    break;
                }
            }
            before = lines.last().map(|line| line.row);
            if before.is_none() || with_fights == WITH_FIGHTS_MAX {
                break;
            }
        }
        Ok(shown.map(|shown| shown.raid))
    }

    /// A raid, if it is shown before the best that was found; not read where it cannot be.
    async fn better(&self, line: &RaidLine, best: Option<&Shown>) -> Result<Option<Shown>, StoreError> {
        // A line does not tell whether its raid is one of old fights: what is less than the best of the others is less.
        let may_be = |best: &Shown| {
            best.raid.code != line.code && (!best.order.0 || counted(line.active_at_ms, line.fights > 0) > best.order.1)
        };
        if !best.is_none_or(may_be) {
            return Ok(None);
        }
        // One that cannot be read is not shown.
        let Ok(Some(raid)) = self.context.store.raid_by_code(&line.code).await else { return Ok(None) };
        let shown = self.shown(raid, line.fights > 0).await?;
        Ok(shown.filter(|shown| best.is_none_or(|best| shown.order > best.order)))
    }

    /// A raid as those know it who are no members; `None`: it has not begun for them. One whose fights they do not know of
    /// counts as older, as [`raidcast_store::Raids::newest_raid`] has it.
    async fn shown(&self, raid: RaidRow, has_fights: bool) -> Result<Option<Shown>, StoreError> {
        let order = |active_at_ms: i64, has_fights: bool| match raid.history {
            true => (false, active_at_ms),
            false => (true, counted(active_at_ms, has_fights)),
        };
        let until_ms = raid.delay.until_ms(self.context.clock.now_ms());
        let Some(until_ms) = until_ms.filter(|until_ms| raid.active_at_ms > *until_ms) else {
            return Ok(Some(Shown { order: order(raid.active_at_ms, has_fights), raid }));
        };
        if raid.created_at_ms > until_ms {
            return Ok(None);
        }
        let fights = self.context.store.raid_reports(&raid.code).await?;
        let came = fights.iter().map(|fight| fight.created_at_ms).filter(|at_ms| *at_ms <= until_ms).max();
        let active_at_ms = came.unwrap_or_default().max(raid.created_at_ms);
        Ok(Some(Shown { order: order(active_at_ms, came.is_some()), raid }))
    }
}

/// When a raid counts as active last: without fights, as much earlier as an evening may pause.
fn counted(active_at_ms: i64, has_fights: bool) -> i64 {
    if has_fights { active_at_ms } else { active_at_ms.saturating_sub(RAID_IDLE_MS) }
}
