//! Sums that a source tells as sums: a row's present ones, again and again as they grow.
//!
//! One invariant: what is kept depends on the set of tellings alone. A telling says that a row has come to at least
//! so much by then, so of several the greatest counts, figure by figure, and one told twice counts once. What was
//! added from one telling to the next has the time of the later one; but of an untimed one (`lump` in the protocol) it
//! is unknown when it came.

/// What a row has come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sums {
    pub(super) hits: u64,
    pub(super) amount: u64,
    pub(super) crit: u64,
    pub(super) lucky: u64,
    pub(super) shield: u64,
    pub(super) overheal: u64,
}

impl Sums {
    fn each(self, other: Self, of: impl Fn(u64, u64) -> u64) -> Self {
        Self {
            hits: of(self.hits, other.hits),
            amount: of(self.amount, other.amount),
            crit: of(self.crit, other.crit),
            lucky: of(self.lucky, other.lucky),
            shield: of(self.shield, other.shield),
            overheal: of(self.overheal, other.overheal),
        }
    }

    fn join(self, other: Self) -> Self {
        self.each(other, u64::max)
    }

    fn minus(self, other: Self) -> Self {
        self.each(other, u64::saturating_sub)
    }

    pub(super) fn plus(self, other: Self) -> Self {
        self.each(other, |a, b| a + b)
    }
}

/// What one telling added to a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Growth {
    pub(super) at_ms: u32,
    /// In the moment of the telling.
    pub(super) timed: Sums,
    /// At some time before it.
    pub(super) untimed: Sums,
}

/// All that was told at one time.
#[derive(Clone, Copy, Debug)]
struct Step {
    at_ms: u32,
    /// The greatest of those that are untimed.
    untimed: Sums,
    /// The greatest of all.
    reached: Sums,
    /// The greatest of all up to here.
    upto: Sums,
}

/// How a row's sums grew, by time.
#[derive(Clone, Debug, Default)]
pub(super) struct Steps(Vec<Step>);

/// That a row had come to so much at some time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Telling {
    pub(super) at_ms: u32,
    /// Whether what came since the one before came at no known time.
    pub(super) untimed: bool,
    pub(super) sums: Sums,
}

impl Steps {
    /// Whether nothing that was told is later.
    pub(super) fn end_before(&self, at_ms: u32) -> bool {
        self.0.last().is_none_or(|last| last.at_ms <= at_ms)
    }

    /// Takes tellings in; gives what counted until now and does not any more, and what counts now instead.
    ///
    /// Cost: one pass over what was told at and after the first of them: constant for one behind all others.
    pub(super) fn offer(&mut self, mut tellings: Vec<Telling>) -> (Vec<Growth>, Vec<Growth>) {
        tellings.sort_by_key(|telling| telling.at_ms);
        let Some(first_ms) = tellings.first().map(|first| first.at_ms) else { return Default::default() };
        let first = match self.end_before(first_ms) {
            true => self.0.len() - usize::from(self.0.last().is_some_and(|last| last.at_ms == first_ms)),
            false => self.0.partition_point(|step| step.at_ms < first_ms),
        };
        let mut before: Vec<_> = (first..self.0.len()).map(|at| self.growth(at)).collect();
        let mut later = self.0.split_off(first).into_iter().peekable();
        for Telling { at_ms, untimed, sums } in tellings {
            while let Some(step) = later.next_if(|step| step.at_ms <= at_ms) {
                self.0.push(step);
            }
            let untimed = if untimed { sums } else { Sums::default() };
            match self.0.last_mut().filter(|step| step.at_ms == at_ms) {
                Some(step) => (step.untimed, step.reached) = (step.untimed.join(untimed), step.reached.join(sums)),
                None => self.0.push(Step { at_ms, untimed, reached: sums, upto: sums }),
            }
        }
        self.0.extend(later);
        for at in first..self.0.len() {
            self.0[at].upto = self.before(at).join(self.0[at].reached);
        }
        let mut now: Vec<_> = (first..self.0.len()).map(|at| self.growth(at)).collect();
        drop_equal(&mut before, &mut now);
        (before, now)
    }

    fn before(&self, at: usize) -> Sums {
        at.checked_sub(1).map_or_else(Sums::default, |at| self.0[at].upto)
    }

    fn growth(&self, at: usize) -> Growth {
        let (before, step) = (self.before(at), &self.0[at]);
        let known = before.join(step.untimed);
        Growth { at_ms: step.at_ms, timed: step.upto.minus(known), untimed: known.minus(before) }
    }

    /// What each telling added, by time.
    pub(super) fn growths(&self) -> impl Iterator<Item = Growth> + '_ {
        (0..self.0.len()).map(|at| self.growth(at))
    }

    /// When the first and the last amount came of those whose time is known.
    ///
    /// Cost: next to nothing, for nearly every telling adds something.
    pub(super) fn active(&self) -> Option<(u32, u32)> {
        let timed = |at: &usize| self.growth(*at).timed.amount > 0;
        let (first, last) = ((0..self.0.len()).find(timed)?, (0..self.0.len()).rev().find(timed)?);
        Some((self.0[first].at_ms, self.0[last].at_ms))
    }
}

/// Leaves out what is the same in both; each stands in order of time.
fn drop_equal(before: &mut Vec<Growth>, now: &mut Vec<Growth>) {
    let same = |held: &[Growth], growth: &Growth| {
        held.binary_search_by_key(&growth.at_ms, |other| other.at_ms).is_ok_and(|at| held[at] == *growth)
    };
    let kept: Vec<_> = now.iter().filter(|growth| !same(before, growth)).copied().collect();
    before.retain(|growth| !same(now, growth));
    *now = kept;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn telling(at_ms: u32, amount: u64) -> Telling {
        Telling { at_ms, untimed: at_ms.is_multiple_of(7), sums: Sums { hits: amount / 3, amount, ..Sums::default() } }
    }

    /// What it comes to, and how many changes led there.
    fn all(told: &[Telling], at_once: usize) -> (Vec<Growth>, usize) {
        let (mut steps, mut counted, mut changes) = (Steps::default(), Vec::new(), 0);
        for tellings in told.chunks(at_once) {
            let (before, now) = steps.offer(tellings.to_vec());
            changes += before.len() + now.len();
            counted.retain(|growth| !before.contains(growth));
            counted.extend(now);
        }
        counted.sort_by_key(|growth| growth.at_ms);
        assert_eq!(counted, steps.growths().collect::<Vec<_>>());
        (counted, changes)
    }

    #[test]
    fn tellings_count_alike_whatever_their_order_and_however_many_come_at_once() {
        let told: Vec<_> = (0..200).map(|n| telling(n / 2 * 10, u64::from(n * n % 997) + u64::from(n))).collect();
        let (wanted, _) = all(&told, 1);
        let mut backwards = told.clone();
        backwards.reverse();
        let mut mixed = told;
        mixed.sort_by_key(|telling| telling.at_ms * 7_919 % 1_009);
        for told in [backwards, mixed] {
            for at_once in [1, 3, 200] {
                assert_eq!(all(&told, at_once).0, wanted, "{at_once} at once");
            }
        }
    }

    #[test]
    fn what_comes_backwards_costs_as_much_as_it_changes() {
        let forwards: Vec<_> = (0..1_000).map(|n| telling(n * 10, 10 + u64::from(n))).collect();
        assert_eq!(all(&forwards, 1).1, 1_000);
        let backwards: Vec<_> = forwards.into_iter().rev().collect();
        // Each adds one, and changes only the one behind it.
        assert_eq!(all(&backwards, 1).1, 3 * 1_000 - 2);
        assert_eq!(all(&backwards, 1_000).1, 1_000);
    }
}
