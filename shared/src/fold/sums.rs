//! Sums that a source tells as sums: a row's present ones, again and again as they grow.
//!
//! One invariant: what is kept depends on the set of tellings alone. A telling says that a row has come to at least
//! so much by then, so of several the greatest counts, figure by figure, and one told twice counts once. What was
//! added from one telling to the next has the time of the later one; but of a *lump* it is unknown when it came.

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
    /// The greatest lump.
    lump: Sums,
    /// The greatest of all.
    told: Sums,
    /// The greatest of all up to here.
    upto: Sums,
}

/// How a row's sums grew, by time.
#[derive(Clone, Debug, Default)]
pub(super) struct Steps(Vec<Step>);

impl Steps {
    /// Takes a telling in; gives what counted until now and does not any more, and what counts now.
    ///
    /// Cost: constant where tellings come in order of time.
    pub(super) fn offer(&mut self, at_ms: u32, lump: bool, sums: Sums) -> (Vec<Growth>, Vec<Growth>) {
        let at = match self.0.last() {
            Some(last) if last.at_ms >= at_ms => self.0.partition_point(|step| step.at_ms < at_ms),
            _ => self.0.len(),
        };
        let before = (at..self.0.len()).map(|at| self.growth(at)).collect();
        let lumped = if lump { sums } else { Sums::default() };
        match self.0.get_mut(at).filter(|step| step.at_ms == at_ms) {
            Some(step) => (step.lump, step.told) = (step.lump.join(lumped), step.told.join(sums)),
            None => self.0.insert(at, Step { at_ms, lump: lumped, told: sums, upto: sums }),
        }
        for at in at..self.0.len() {
            self.0[at].upto = self.before(at).join(self.0[at].told);
        }
        (before, (at..self.0.len()).map(|at| self.growth(at)).collect())
    }

    fn before(&self, at: usize) -> Sums {
        at.checked_sub(1).map_or_else(Sums::default, |at| self.0[at].upto)
    }

    fn growth(&self, at: usize) -> Growth {
        let (before, step) = (self.before(at), &self.0[at]);
        let known = before.join(step.lump);
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
