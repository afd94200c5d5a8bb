//! What many ask for at once, made once for all of them.
//!
//! One invariant: what somebody gets began to be made after they asked for it, so it is not older than their question.
//! Of one key one is made at a time: who asks meanwhile shares the next. Nothing is kept.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};
use tracing::Instrument as _;

/// What all who share it wait for; `None` if making it broke off.
type Making<V> = Shared<BoxFuture<'static, Option<V>>>;

struct Flight<V> {
    under_way: Making<V>,
    /// Begins when that is done.
    next: Option<Making<V>>,
}

/// See the module's page.
pub(crate) struct Singleflight<K, V> {
    flights: Mutex<HashMap<K, Flight<V>>>,
}

impl<K, V> Default for Singleflight<K, V> {
    fn default() -> Self {
        Self { flights: Mutex::default() }
    }
}

impl<K, V> Singleflight<K, V> {
    /// No code that holds it can panic, but a poisoned map is still a map.
    fn flights(&self) -> MutexGuard<'_, HashMap<K, Flight<V>>> {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K, V> Singleflight<K, V>
where
    K: Eq + Hash + Clone + Send + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// Makes it, or shares in the next making; also whether it was made by this asker's `make`. It is made to its end
    /// also where nobody waits for it any more.
    pub(crate) async fn ask<F>(self: &Arc<Self>, key: K, make: impl FnOnce() -> F + Send + 'static) -> (Option<V>, bool)
    where
        F: Future<Output = V> + Send + 'static,
    {
        let (making, own) = {
            let mut flights = self.flights();
            match flights.get_mut(&key) {
                Some(Flight { next: Some(next), .. }) => (next.clone(), false),
                Some(flight) => {
                    let next = self.start(key, Some(flight.under_way.clone()), make);
                    flight.next = Some(next.clone());
                    (next, true)
                }
                None => {
                    let under_way = self.start(key.clone(), None, make);
                    flights.insert(key, Flight { under_way: under_way.clone(), next: None });
                    (under_way, true)
                }
            }
        };
        (making.await, own)
    }

    fn start<F>(
        self: &Arc<Self>,
        key: K,
        before: Option<Making<V>>,
        make: impl FnOnce() -> F + Send + 'static,
    ) -> Making<V>
    where
        F: Future<Output = V> + Send + 'static,
    {
        let landing = Landing { flights: Arc::clone(self), key };
        let making = async move {
            let landing = landing;
            if let Some(before) = before {
                before.await;
            }
            let value = make().await;
            drop(landing);
            value
        };
        // What it says in the log is said for who asked first.
        let making = tokio::spawn(making.in_current_span());
        async move { making.await.ok() }.boxed().shared()
    }
}

/// What is made of a key, until it is done or breaks off: then the next one is under way.
struct Landing<K: Eq + Hash, V> {
    flights: Arc<Singleflight<K, V>>,
    key: K,
}

impl<K: Eq + Hash, V> Drop for Landing<K, V> {
    fn drop(&mut self) {
        let mut flights = self.flights.flights();
        let Some(flight) = flights.get_mut(&self.key) else { return };
        match flight.next.take() {
            Some(next) => flight.under_way = next,
            None => {
                flights.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use futures::future::{join, join_all};
    use tokio::sync::Semaphore;

    use super::*;

    #[tokio::test]
    async fn who_asks_while_one_is_made_shares_the_next_and_nothing_is_left() {
        let (flights, begun, may_end) = (Arc::<Singleflight<&str, u32>>::default(), Arc::default(), Semaphore::new(0));
        let may_end = Arc::new(may_end);
        let ask = async |key| {
            let (begun, may_end) = (Arc::<AtomicU32>::clone(&begun), Arc::clone(&may_end));
            let make = async move || {
                let number = begun.fetch_add(1, Ordering::SeqCst);
                may_end.acquire().await.unwrap().forget();
                number
            };
            flights.ask(key, make).await
        };
        let asked = join_all((0..100).map(|_| ask("one")));
        let (made, ()) = join(asked, async {
            while begun.load(Ordering::SeqCst) == 0 {
                tokio::task::yield_now().await;
            }
            may_end.add_permits(2);
        })
        .await;
        assert_eq!(made[..2], [(Some(0), true), (Some(1), true)], "the second asked when the first was under way");
        assert!(made[2..].iter().all(|made| *made == (Some(1), false)));
        may_end.add_permits(2);
        assert_eq!(join(ask("one"), ask("two")).await, ((Some(2), true), (Some(3), true)));
        assert!(flights.flights().is_empty());
    }

    #[tokio::test]
    async fn what_breaks_off_is_made_again_for_who_asks_next() {
        let flights = Arc::<Singleflight<&str, u32>>::default();
        let broken = flights.ask("one", async || panic!("as it is meant"));
        let next = flights.ask("one", async || 7);
        assert_eq!(join(broken, next).await, ((None, true), (Some(7), true)));
        assert!(flights.flights().is_empty());
    }
}
