//! A raid's task that panics begins anew from the journal: who watches stays, who uploads comes back, nothing is lost.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use raidcast_shared::feed::SUBPROTOCOL;
use raidcast_shared::id::{EncounterId, RaidId, StreamId};
use raidcast_shared::uplink::{Outcome, UplinkReply};
use raidcast_store::{
    Account, AccountId, EncounterRow, Journal, JournalEntry, KeptReport, NewEncounter, OpenEncounter, Page, RaidRow,
    ReportLine, Store, StoreError, StoreFuture, StoredStream,
};
use raidcast_store_sqlite::SqliteStore;

use crate::script::{Script, Spectator, TestRelay, Uploader, reply};

/// A real store whose caller panics where it appends, as often as that is asked for.
struct Trap {
    store: SqliteStore,
    armed: AtomicU32,
}

impl Trap {
    async fn open(data: &Path) -> Arc<Self> {
        let store = SqliteStore::open(&data.join("raidcast.db")).await.expect("the store opens");
        Arc::new(Self { store, armed: AtomicU32::new(0) })
    }

    fn arm(&self) {
        self.armed.store(1, Ordering::SeqCst);
    }
}

impl Journal for Trap {
    fn append(&self, entry: JournalEntry) -> StoreFuture<'static, ()> {
        assert!(self.armed.swap(0, Ordering::SeqCst) == 0, "as a defect would");
        self.store.append(entry)
    }
}

impl Store for Trap {
    fn account<'a>(&'a self, name: &'a str, channel_if_new: &'a str) -> StoreFuture<'a, Account> {
        self.store.account(name, channel_if_new)
    }
    fn account_by_channel<'a>(&'a self, channel: &'a str) -> StoreFuture<'a, Option<Account>> {
        self.store.account_by_channel(channel)
    }
    fn channel(&self, account: AccountId) -> StoreFuture<'_, Option<String>> {
        self.store.channel(account)
    }
    fn insert_raid<'a>(&'a self, raid: &'a RaidRow) -> StoreFuture<'a, ()> {
        self.store.insert_raid(raid)
    }
    fn update_raid<'a>(&'a self, raid: &'a RaidRow) -> StoreFuture<'a, ()> {
        self.store.update_raid(raid)
    }
    fn raid_by_id(&self, id: RaidId) -> StoreFuture<'_, Option<RaidRow>> {
        self.store.raid_by_id(id)
    }
    fn raid_by_code<'a>(&'a self, code: &'a str) -> StoreFuture<'a, Option<RaidRow>> {
        self.store.raid_by_code(code)
    }
    fn newest_raid(&self, account: AccountId) -> StoreFuture<'_, Option<RaidRow>> {
        self.store.newest_raid(account)
    }
    fn begin_encounter<'a>(&'a self, new: &'a NewEncounter) -> StoreFuture<'a, EncounterRow> {
        self.store.begin_encounter(new)
    }
    fn begin_stream<'a>(&'a self, encounter: i64, stream: &'a StoredStream) -> StoreFuture<'a, ()> {
        self.store.begin_stream(encounter, stream)
    }
    fn drop_stream(&self, encounter: i64, stream: StreamId) -> StoreFuture<'_, ()> {
        self.store.drop_stream(encounter, stream)
    }
    fn move_encounter<'a>(&'a self, encounter: i64, raid_code: &'a str) -> StoreFuture<'a, ()> {
        self.store.move_encounter(encounter, raid_code)
    }
    fn encounter(&self, account: AccountId, id: EncounterId) -> StoreFuture<'_, Option<EncounterRow>> {
        self.store.encounter(account, id)
    }
    fn live_encounters(&self) -> StoreFuture<'_, Vec<Result<EncounterRow, StoreError>>> {
        self.store.live_encounters()
    }
    fn open_encounter(&self, encounter: i64) -> StoreFuture<'_, Option<OpenEncounter>> {
        self.store.open_encounter(encounter)
    }
    fn keep_report<'a>(&'a self, report: &'a KeptReport) -> StoreFuture<'a, ()> {
        self.store.keep_report(report)
    }
    fn reopen_report(&self, encounter: i64) -> StoreFuture<'_, ()> {
        self.store.reopen_report(encounter)
    }
    fn report<'a>(&'a self, report_id: &'a str) -> StoreFuture<'a, Option<(EncounterRow, Option<Bytes>)>> {
        self.store.report(report_id)
    }
    fn report_log<'a>(&'a self, report_id: &'a str) -> StoreFuture<'a, Option<Bytes>> {
        self.store.report_log(report_id)
    }
    fn public_reports(&self, page: Page) -> StoreFuture<'_, (Vec<ReportLine>, u64)> {
        self.store.public_reports(page)
    }
    fn raid_reports<'a>(&'a self, raid_code: &'a str) -> StoreFuture<'a, Vec<ReportLine>> {
        self.store.raid_reports(raid_code)
    }
    fn discard(&self, account: AccountId, id: EncounterId) -> StoreFuture<'_, bool> {
        self.store.discard(account, id)
    }
    fn encounters_since(&self, account: AccountId, since_ms: i64) -> StoreFuture<'_, u64> {
        self.store.encounters_since(account, since_ms)
    }
    fn ping(&self) -> StoreFuture<'_, ()> {
        self.store.ping()
    }
    fn close(&self) -> StoreFuture<'_, ()> {
        self.store.close()
    }
}

/// Sends what makes the task fall, and waits until the connection is let go; gives what was acknowledged on the way.
async fn fall(trap: &Trap, mut uploader: Uploader, h: u32, fight: &Script, at: usize) {
    trap.arm();
    uploader.deltas(h, &fight.deltas[at..=at]).await;
    while let Some(said) = reply(&mut uploader.socket).await {
        assert!(matches!(said, UplinkReply::Draining { .. } | UplinkReply::Ack { .. }), "{said:?}");
    }
}

#[tokio::test]
async fn a_raids_task_that_falls_begins_anew_and_nobody_who_watches_is_let_go() {
    let data = tempfile::tempdir().unwrap();
    let trap = Trap::open(data.path()).await;
    let relay = TestRelay::start_on_store(data.path(), trap.clone()).await;
    let mut uploader = Uploader::connect(&relay).await;
    let raid = uploader.welcome.raid.clone();
    let fight = Script::new(60, 2);
    let begun = uploader.begin(&fight).await;
    uploader.deltas(begun.h, &fight.deltas[..20]).await;
    uploader.acked(20).await;
    let mut spectator = Spectator::join(&relay, &raid, SUBPROTOCOL).await;
    let before = spectator.until("the fight", |seen| !seen.rows.is_empty()).await;
    let keyframes = spectator.keyframes;

    fall(&trap, uploader, begun.h, &fight, 20).await;
    let after = spectator.until("another epoch", |seen| seen.epoch != before.epoch).await;
    assert!(spectator.keyframes > keyframes);
    assert_eq!((after.damage, &after.rows), (before.damage, &before.rows), "what was acknowledged is shown again");

    let mut uploader = Uploader::connect(&relay).await;
    assert_eq!(uploader.welcome.raid, raid);
    let again = uploader.begin(&fight).await;
    assert_eq!(again.report, begun.report);
    assert_eq!(again.held.as_ref().map(|held| held.seq), Some(20));
    uploader.deltas(again.h, &fight.deltas[20..]).await;
    uploader.acked(60).await;
    assert!(matches!(uploader.end(again.h, &fight, Outcome::Kill).await, UplinkReply::Finalized { rev: 1, .. }));
    let report = relay.report(&begun.report).await;
    assert_eq!((report.fight.checksum, report.unverified), (fight.checksum().to_string(), None));
    let seen = spectator.until("the end", |seen| seen.state.as_deref() == Some("Final")).await;
    assert_eq!(seen.damage, report.fight.totals.damage);
    relay.stop().await;
}

#[tokio::test]
async fn a_raids_task_that_falls_again_and_again_is_let_go_and_loaded_when_somebody_asks() {
    let data = tempfile::tempdir().unwrap();
    let trap = Trap::open(data.path()).await;
    let relay = TestRelay::start_on_store(data.path(), trap.clone()).await;
    let fight = Script::new(60, 2);
    let mut uploader = Uploader::connect(&relay).await;
    let raid = uploader.welcome.raid.clone();
    let mut begun = uploader.begin(&fight).await;
    uploader.deltas(begun.h, &fight.deltas[..20]).await;
    uploader.acked(20).await;
    let mut spectator = Spectator::join(&relay, &raid, SUBPROTOCOL).await;
    spectator.until("the fight", |seen| !seen.rows.is_empty()).await;
    for _ in 0..3 {
        fall(&trap, uploader, begun.h, &fight, 20).await;
        uploader = Uploader::connect(&relay).await;
        begun = uploader.begin(&fight).await;
        assert_eq!(begun.held.as_ref().map(|held| held.seq), Some(20));
    }
    // Who watched is told to come back, or its socket ended; it does, and sees the fight.
    while spectator.hear().await.is_some() {}
    let mut spectator = Spectator::join(&relay, &raid, SUBPROTOCOL).await;
    uploader.deltas(begun.h, &fight.deltas[20..]).await;
    uploader.acked(60).await;
    assert!(matches!(uploader.end(begun.h, &fight, Outcome::Kill).await, UplinkReply::Finalized { rev: 1, .. }));
    let report = relay.report(&begun.report).await;
    assert_eq!(report.fight.checksum, fight.checksum().to_string());
    let seen = spectator.until("the end", |seen| seen.state.as_deref() == Some("Final")).await;
    assert_eq!(seen.damage, report.fight.totals.damage);
    relay.stop().await;
}
