//! A hit that is spelt as most programs spell it, read at one go.
//!
//! One invariant: what is read here is what the closer look would read; at all that may be anything else it is to look.

use raidcast_shared::limits::AMOUNT_MAX;

use super::cursor::Cursor;
use crate::limits::DATE_MS_MAX;

/// Values as they were sent; nothing and null are the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct PlainHit {
    pub(super) time: Option<i64>,
    pub(super) amount: Option<i64>,
    pub(super) crit: Option<bool>,
    pub(super) lucky: Option<bool>,
    pub(super) hp: Option<i64>,
    pub(super) shield: Option<i64>,
}

impl PlainHit {
    /// Passes a hit whose fields stand in their order, each called in camelCase, with at most one space at a place;
    /// `None` where it may be anything else, and the cursor stays.
    pub(super) fn pass(cursor: &mut Cursor<'_>) -> Option<Self> {
        cursor.peek()?;
        let all = cursor.rest();
        let mut rest = Rest(all);
        if !rest.take(b"{") {
            return None;
        }
        let (mut hit, mut ends) = (Self::default(), false);
        rest.field(b"\"timestampMs\":", &mut ends, &mut hit.time, |rest| rest.number(DATE_MS_MAX))?;
        rest.field(b"\"value\":", &mut ends, &mut hit.amount, |rest| rest.number(AMOUNT_MAX.cast_signed()))?;
        rest.field(b"\"isCrit\":", &mut ends, &mut hit.crit, Rest::truth)?;
        rest.field(b"\"isLucky\":", &mut ends, &mut hit.lucky, Rest::truth)?;
        rest.field(b"\"hpLoss\":", &mut ends, &mut hit.hp, |rest| rest.number(AMOUNT_MAX.cast_signed()))?;
        rest.field(b"\"shieldLoss\":", &mut ends, &mut hit.shield, |rest| rest.number(AMOUNT_MAX.cast_signed()))?;
        if !ends {
            return None;
        }
        cursor.pass(all.len() - rest.0.len());
        Some(hit)
    }
}

/// What is still to be read.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn take(&mut self, text: &[u8]) -> bool {
        self.0.strip_prefix(text).map(|rest| self.0 = rest).is_some()
    }

    /// A field, if it stands here; `name`: with its quotation marks and its colon. `None` if it is not as it must be.
    fn field<const N: usize, T>(
        &mut self,
        name: &[u8; N],
        ends: &mut bool,
        of: &mut Option<T>,
        read: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Option<()> {
        if !*ends && self.take(name) {
            self.take(b" ");
            *of = if self.take(b"null") { None } else { Some(read(self)?) };
            *ends = self.ends()?;
        }
        Some(())
    }

    /// Whether the object ends here; `None` if neither its end nor another field follows.
    fn ends(&mut self) -> Option<bool> {
        if self.take(b",") {
            self.take(b" ");
            return Some(false);
        }
        self.take(b"}").then_some(true)
    }

    fn number(&mut self, max: i64) -> Option<i64> {
        let (mut value, mut digits) = (0_i64, 0);
        while let Some(digit) = self.0.get(digits).map(|byte| byte.wrapping_sub(b'0')).filter(|digit| *digit < 10) {
            // More than any of these may be, and less than what does not fit.
            if digits == 18 {
                return None;
            }
            value = value * 10 + i64::from(digit);
            digits += 1;
        }
        if digits == 0 || (self.0[0] == b'0' && digits > 1) || value > max {
            return None;
        }
        self.0 = &self.0[digits..];
        Some(value)
    }

    fn truth(&mut self) -> Option<bool> {
        let truth = self.take(b"true");
        (truth || self.take(b"false")).then_some(truth)
    }
}
