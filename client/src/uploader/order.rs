//! What a run that goes on is told to do.
//!
//! One invariant: an order changes what is done from now on. What the relay has acknowledged stays, and so does what is
//! on its way.

use raidcast_shared::id::EncounterId;
use tokio::sync::mpsc;

use super::shown_to::ShownTo;

/// So many orders wait at most.
const ORDERS: usize = 16;

/// What a run is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Show the present raid to these people from now on, and what it has shown already; as before where nothing is said.
    /// What is said counts against what somebody set on the relay meanwhile; where the relay keeps that all the same, it is
    /// told ([`Change::ShownOtherwise`](super::Change::ShownOtherwise)). After hours without a fight that is the raid to come.
    /// The one after it begins as the options say.
    Show(ShownTo),
    /// Try at once what is tried again after some time: to reach the relay, and to find and read the meter's database.
    TryNow,
    /// Try these fights once more that the relay did not take, or that cannot be read, else the next start would. An upload
    /// does not heed it: its next run tries them.
    Again(Vec<EncounterId>),
    /// Send nothing of these fights, unless it has begun: what is on its way goes on whole. An upload does not heed it.
    LeaveAlone(Vec<EncounterId>),
}

/// Orders to one run, in the order in which they were given.
#[derive(Debug)]
pub struct Orders(mpsc::Receiver<Order>);

impl Orders {
    /// A run that is told nothing.
    pub fn none() -> Self {
        orders().1
    }

    /// The next order; `None` where nobody gives any more. Nothing is lost where it is not awaited to its end.
    pub(super) async fn next(&mut self) -> Option<Order> {
        self.0.recv().await
    }
}

/// What gives orders to a run, and what the run takes them from. Sixteen wait at most: a run takes them within a tenth of
/// a second, so where there is no room it stands still, and the sender says so.
pub fn orders() -> (mpsc::Sender<Order>, Orders) {
    let (give, take) = mpsc::channel(ORDERS);
    (give, Orders(take))
}
