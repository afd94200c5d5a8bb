//! Places at something narrow, given to addresses, or accounts, in turn.
//!
//! One invariant: each time that a place is free it goes to whoever has waited longest since his last turn, so who asks
//! for much waits for himself. Each has so many of them at once at the most, and what waits is bounded, for each and in all; where all is full, the newest of the
//! one who waits with most makes room. Deliberately not here: what the places are for.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// More wait than may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many wait already")]
pub struct Full;

#[derive(Debug)]
struct Line<W: Copy + Eq + Hash> {
    /// Places that nobody has. While there are any nobody waits but who has as many as he may.
    free: usize,
    /// How many places each has, who has any.
    held: HashMap<W, usize>,
    /// Who wait, the next one first.
    order: VecDeque<W>,
    /// What each of them waits with.
    waiting: HashMap<W, VecDeque<oneshot::Sender<Turn<W>>>>,
}

impl<W: Copy + Eq + Hash> Line<W> {
    fn len(&self) -> usize {
        self.waiting.values().map(VecDeque::len).sum()
    }

    fn len_of(&self, who: W) -> usize {
        self.waiting.get(&who).map_or(0, VecDeque::len)
    }

    fn held_by(&self, who: W) -> usize {
        self.held.get(&who).copied().unwrap_or_default()
    }

    fn take(&mut self, who: W) {
        self.free -= 1;
        *self.held.entry(who).or_default() += 1;
    }

    fn give_back(&mut self, who: W) {
        self.free += 1;
        if let Some(held) = self.held.get_mut(&who) {
            *held -= 1;
            if *held == 0 {
                self.held.remove(&who);
            }
        }
    }

    /// Forgets who has gone.
    fn sweep(&mut self) {
        self.waiting.retain(|_, of| {
            of.retain(|waiter| !waiter.is_closed());
            !of.is_empty()
        });
        let waiting = &self.waiting;
        self.order.retain(|who| waiting.contains_key(who));
    }

    /// The next in turn of those with less than `each` places, if one is free: it is his then, and he waits behind all
    /// others.
    fn next(&mut self, each: usize) -> Option<(W, oneshot::Sender<Turn<W>>)> {
        if self.free == 0 {
            return None;
        }
        let at = self.order.iter().position(|who| self.held_by(*who) < each)?;
        let who = self.order.remove(at)?;
        let of = self.waiting.get_mut(&who)?;
        let next = of.pop_front()?;
        if of.is_empty() {
            self.waiting.remove(&who);
        } else {
            self.order.push_back(who);
        }
        self.take(who);
        Some((who, next))
    }

    /// Takes the newest of whoever waits with most away, if that is more than `than`.
    fn push_out(&mut self, than: usize) -> bool {
        let Some((&who, of)) = self.waiting.iter_mut().max_by_key(|(_, of)| of.len()) else { return false };
        if of.len() <= than {
            return false;
        }
        // Dropped, it tells its end that there is no room.
        of.pop_back();
        if of.is_empty() {
            self.waiting.remove(&who);
            self.order.retain(|other| *other != who);
        }
        true
    }
}

/// See the module's page.
#[derive(Debug)]
pub struct Turns<W: Copy + Eq + Hash> {
    line: Mutex<Line<W>>,
    places_each: usize,
    waiting_max: usize,
    waiting_each: usize,
}

impl<W: Copy + Eq + Hash> Turns<W> {
    /// So many places, of which each has so many at the most, for which so many wait, and so many of each who waits.
    pub fn new(places: usize, places_each: usize, waiting_max: usize, waiting_each: usize) -> Self {
        let line = Line { free: places, held: HashMap::new(), order: VecDeque::new(), waiting: HashMap::new() };
        Self { line: Mutex::new(line), places_each, waiting_max, waiting_each }
    }

    /// No code that holds it can panic, but a poisoned line is still a line.
    fn line(&self) -> MutexGuard<'_, Line<W>> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a place, which is held until what this gives is dropped.
    ///
    /// # Errors
    /// `Full` if more wait than may: at once, or later if another needs the room more.
    pub async fn turn(self: &Arc<Self>, who: W) -> Result<Turn<W>, Full> {
        let coming = {
            let mut line = self.line();
            if line.free > 0 && line.held_by(who) < self.places_each {
                line.take(who);
                return Ok(Turn(Some((Arc::clone(self), who))));
            }
            self.enter(&mut line, who)?
        };
        coming.await.map_err(|_| Full)
    }

    fn enter(&self, line: &mut Line<W>, who: W) -> Result<oneshot::Receiver<Turn<W>>, Full> {
        if line.len() >= self.waiting_max || line.len_of(who) >= self.waiting_each {
            line.sweep();
        }
        let own = line.len_of(who);
        if own >= self.waiting_each || line.len() >= self.waiting_max && !line.push_out(own + 1) {
            return Err(Full);
        }
        let (waiter, coming) = oneshot::channel();
        if own == 0 {
            line.order.push_back(who);
        }
        line.waiting.entry(who).or_default().push_back(waiter);
        Ok(coming)
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        let mut line = self.line();
        line.sweep();
        line.len()
    }

    /// How many places nobody has.
    pub fn free(&self) -> usize {
        self.line().free
    }

    fn give_back(self: &Arc<Self>, who: W) {
        let mut line = self.line();
        line.give_back(who);
        while let Some((who, next)) = line.next(self.places_each) {
            drop(line);
            let sent = next.send(Turn(Some((Arc::clone(self), who))));
            line = self.line();
            if let Err(mut turn) = sent {
                // It has gone: the place is the next one's.
                turn.0 = None;
                line.give_back(who);
            }
        }
    }
}

/// A place; given on when it is dropped.
#[derive(Debug)]
pub struct Turn<W: Copy + Eq + Hash>(Option<(Arc<Turns<W>>, W)>);

impl<W: Copy + Eq + Hash> Drop for Turn<W> {
    fn drop(&mut self) {
        if let Some((turns, who)) = self.0.take() {
            turns.give_back(who);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;
    use futures::future::BoxFuture;

    use super::*;
    use crate::edge::Address;

    fn address(last: u8) -> Address {
        Address::of([192, 0, 2, last].into())
    }

    type Coming = BoxFuture<'static, Result<Turn<Address>, Full>>;

    /// One that waits already.
    fn wait(turns: &Arc<Turns<Address>>, who: u8) -> Coming {
        let turns = Arc::clone(turns);
        let mut waiting = async move { turns.turn(address(who)).await }.boxed();
        match (&mut waiting).now_or_never() {
            Some(done) => std::future::ready(done).boxed(),
            None => waiting,
        }
    }

    /// Serves all that wait, one after the other, and tells in which order.
    fn serve(held: Turn<Address>, mut waiting: Vec<(u8, Coming)>) -> Vec<u8> {
        let (mut held, mut order) = (Some(held), Vec::new());
        while !waiting.is_empty() {
            drop(held.take());
            let next = waiting.iter_mut().enumerate().find_map(|(at, (_, turn))| Some((at, turn.now_or_never()?)));
            let (at, turn) = next.expect("a place that is free is given to somebody");
            held = Some(turn.expect("all had room"));
            order.push(waiting.remove(at).0);
        }
        order
    }

    #[test]
    fn a_place_goes_to_addresses_in_turn_however_much_one_asks_for() {
        let turns = Arc::new(Turns::new(1, 1, 10, 10));
        let held = wait(&turns, 9).now_or_never().unwrap().unwrap();
        let waiting = [1, 1, 1, 1, 2, 2, 3].map(|who| (who, wait(&turns, who)));
        assert_eq!(turns.waiting(), 7);
        assert_eq!(serve(held, waiting.into()), [1, 2, 3, 1, 2, 1, 1]);
        assert!(wait(&turns, 1).now_or_never().unwrap().is_ok(), "the last place came back");
    }

    #[test]
    fn one_address_waits_with_so_many_and_makes_room_for_others_where_all_is_full() {
        let turns = Arc::new(Turns::new(1, 1, 4, 3));
        let held = wait(&turns, 9).now_or_never().unwrap().unwrap();
        let first: Vec<_> = (0..3).map(|_| (1, wait(&turns, 1))).collect();
        assert_eq!(wait(&turns, 1).now_or_never().unwrap().unwrap_err(), Full, "its share");
        let other = (2, wait(&turns, 2));
        // Full: the newest of the first one goes.
        let third = (3, wait(&turns, 3));
        let mut all: Vec<_> = first.into_iter().chain([other, third]).collect();
        let (_, pushed_out) = all.remove(2);
        assert_eq!(pushed_out.now_or_never().unwrap().unwrap_err(), Full);
        assert_eq!(wait(&turns, 2).now_or_never().unwrap().unwrap_err(), Full, "nobody has more than it would have");
        assert_eq!(serve(held, all), [1, 2, 3, 1]);
    }

    #[test]
    fn one_has_but_its_share_of_the_places_while_others_come() {
        let turns = Arc::new(Turns::new(4, 2, 10, 10));
        let now = |coming: Coming| coming.now_or_never().map(|turn| turn.unwrap());
        let mut held = vec![now(wait(&turns, 1)).unwrap(), now(wait(&turns, 1)).unwrap()];
        let (mut third, mut fourth) = (wait(&turns, 1), wait(&turns, 1));
        assert!((&mut third).now_or_never().is_none(), "two are its share, though two are free");
        assert_eq!((turns.free(), turns.waiting()), (2, 2));
        let others = now(wait(&turns, 2)).expect("a place is free for another");
        // What it gives back is its next one's; what another gives back is not.
        drop(others);
        assert!((&mut third).now_or_never().is_none());
        held.pop();
        let third = (&mut third).now_or_never().unwrap().unwrap();
        assert!((&mut fourth).now_or_never().is_none());
        drop((held, third, fourth));
        assert_eq!((turns.free(), turns.waiting()), (4, 0));
    }

    #[test]
    fn who_has_gone_takes_no_place_and_no_room() {
        let turns = Arc::new(Turns::new(1, 1, 2, 2));
        let held = wait(&turns, 9).now_or_never().unwrap().unwrap();
        for _ in 0..10 {
            drop([wait(&turns, 1), wait(&turns, 1)]);
        }
        let waiting = vec![(1, wait(&turns, 1)), (2, wait(&turns, 2))];
        assert_eq!(serve(held, waiting), [1, 2]);
        // Given to one that goes before it takes it.
        let held = wait(&turns, 9).now_or_never().unwrap().unwrap();
        let gone = wait(&turns, 1);
        drop(held);
        drop(gone);
        assert!(wait(&turns, 2).now_or_never().is_some_and(|turn| turn.is_ok()));
    }
}
