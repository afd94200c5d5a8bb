//! What every store does, as tests: one suite an entity, each law with the traits that it is about.
//!
//! A store's test binary says `raidcast_store::conformance!(harness)`, where `harness` is an expression that makes a
//! new, empty [`Harness`] for each test. The names of the tests are the law; they hold for any store, and say nothing
//! about how it fails (a full disk, a lock): that is the store's own to test.

pub mod account;
pub mod audit;
pub mod character;
pub mod derived;
pub mod encounter;
pub mod erase;
pub mod jobs;
pub mod journal;
pub mod key;
pub mod link;
pub mod person;
pub mod player;
pub mod raid;
pub mod removal;
pub mod report;
pub mod same_fight;
pub mod search;
pub mod session;
pub mod upkeep;
pub mod upload;
pub mod usage;
pub mod webhook;

use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use raidcast_shared::id::{EncounterId, RaidId, StreamId};
use raidcast_shared::report::{Place, Totals};
use raidcast_shared::uplink::{NamesPolicy, Outcome, ReportState, Visibility};
use uuid::Uuid;

use crate::{
    Account, Accounts, Delay, EncounterKey, EncounterRow, Encounters, Journal, JournalEntry, JournalKind, KeptReport,
    NewEncounter, OpenEncounter, RaidRow, Raids, ReportLine, StoredStream, StreamKey, Tickets,
};

/// A database that lasts as long as the harness, and is empty at first.
pub trait Harness: Send + Sync {
    /// What keeps it: of the entities whose suites are run.
    type Store: Send + Sync + 'static;

    /// Opens it: also for the second time, after the store that was opened before was closed or dropped.
    fn open(&self) -> BoxFuture<'_, Arc<Self::Store>>;

    /// From now on the database takes no write that needs any room, as on a full disk, and is read all the same; or it
    /// takes them again.
    fn set_writable<'a>(&'a self, store: &'a Self::Store, is_writable: bool) -> BoxFuture<'a, ()>;
}

/// What it takes for a fight to begin.
pub trait Fights: Accounts + Raids + Encounters {}

impl<T: Accounts + Raids + Encounters> Fights for T {}

/// Makes one test of each law.
#[macro_export]
macro_rules! conformance {
    ($harness:expr) => {
        $crate::conformance! { $harness;
            account: an_account_is_made_once, a_channel_belongs_to_one_account;
            person: a_person_joins_with_an_account_of_his_own, a_name_and_a_way_to_sign_in_are_one_persons,
                    ways_to_sign_in_are_added_and_removed_but_for_the_last,
                an_invitation_is_good_for_so_many_and_so_long, one_use_of_an_invitation_is_one_persons,
                invitations_are_listed_while_they_are_good, an_account_of_nobody_is_claimed_once,
                people_survive_a_crash;
            session: a_session_is_known_until_it_is_over, sessions_are_ended_by_their_person,
                of_a_person_so_many_sessions_are_kept, a_new_secret_ends_sessions, sessions_survive_a_crash;
            key: a_key_is_listed_until_it_is_over, a_key_is_revoked_by_its_account_alone,
                a_replaced_key_is_good_no_longer_than_it_was, an_account_has_so_many_keys_at_the_most,
                what_keys_were_used_is_noted, keys_survive_a_crash;
            link: a_link_is_found_by_its_digest_and_listed_until_it_is_over, a_link_is_revoked_where_it_was_made,
                a_raid_and_a_channel_have_so_many_links_at_the_most, what_links_were_used_is_noted,
                links_go_with_their_raid, links_survive_a_crash;
            raid: a_raid_is_found_by_id_and_by_code, ids_and_codes_of_raids_are_not_given_twice,
                an_update_replaces_only_what_may_change, the_newest_raid_is_the_one_that_was_active_last,
                history_is_the_newest_raid_only_where_there_is_no_other, a_raid_without_fights_waits_for_its_first,
                a_clock_that_was_ahead_pins_no_raid,
                being_active_changes_nothing_else,
                who_changes_a_raid_is_noted_with_the_change, a_title_that_was_cleared_does_not_come_back,
                tickets_are_renewed_for_good, fights_show_the_names_that_their_raid_shows;
            player: a_player_of_a_raid_has_one_number_that_stays, without_a_raid_nobody_gets_a_number,
                whoever_asks_at_once_numbers_have_no_gap, numbers_of_players_survive_a_crash,
                numbers_of_players_go_with_their_raid, of_a_raid_so_many_players_get_numbers;
            encounter: an_encounter_begins_live, an_encounter_that_exists_is_answered_unchanged,
                accounts_do_not_meet, an_encounter_needs_a_raid_of_its_account, an_encounter_moves_within_its_account,
                discarding_removes_everything, fights_are_counted_by_when_they_came, only_live_reports_are_taken_up,
                what_ended_and_was_not_kept_is_found;
            journal: streams_keep_the_order_they_began_in, entries_are_written_in_the_order_of_the_calls,
                many_raids_append_at_once, a_dropped_future_does_not_take_its_entry_back,
                entries_come_back_byte_for_byte, a_repeated_entry_is_held_once,
                another_entry_in_its_place_is_refused_with_all_after_it,
                an_entry_without_the_one_before_it_is_refused_with_all_after_it,
                no_entry_has_seq_0,
                a_failure_concerns_its_encounter_alone, an_entry_needs_its_stream, streams_do_not_share_seqs,
                what_was_answered_survives_a_crash, what_is_read_is_what_was_appended,
                a_sealed_journal_takes_no_entry_and_reads_as_its_log,
                entries_that_are_under_way_while_it_is_sealed_leave_nothing, sealing_again_changes_nothing,
                a_sealed_journal_can_go_on_and_is_sealed_anew, a_reading_that_is_dropped_leaves_nothing,
                removing_leaves_nothing_and_concerns_one_encounter_alone, what_was_removed_can_begin_again;
            report: a_live_report_has_no_record, a_provisional_report_keeps_its_journal,
                a_provisional_report_goes_on, a_final_report_replaces_its_journal, keeping_again_changes_nothing,
                a_new_reading_replaces_all, a_final_report_stands_while_a_new_reading_comes,
                a_report_needs_its_encounter, a_final_report_is_not_reopened, reports_survive_a_crash,
                a_report_is_named_by_its_encounter, only_public_reports_are_listed, fights_of_a_delayed_raid_are_listed_when_it_shows_them,
                a_fight_of_a_delayed_raid_that_is_not_public_is_listed_when_its_end_is_shown,
                pages_have_no_gaps_and_no_repeats,
                lists_show_what_was_kept, live_reports_are_listed_without_figures, a_raid_lists_all_of_its_reports,
                a_change_of_visibility_is_seen_at_once, reports_and_what_is_live_are_shown_apart,
                a_fight_that_begins_while_its_raid_changes_is_as_its_raid, odd_text_finds_nothing;
            upkeep: ids_of_encounters_are_keyed_once, an_empty_database_is_keyed_from_the_start,
                a_small_write_reaches_the_disk, closing_writes_what_is_under_way;
            jobs: jobs_are_given_when_they_are_due_the_oldest_first, a_job_comes_again_until_it_is_done,
                a_job_of_one_name_is_there_once, a_job_is_written_with_what_caused_it_or_not_at_all,
                jobs_survive_a_crash, an_account_has_so_many_jobs_at_the_most;
            derived: a_report_that_is_kept_is_to_be_derived, derived_rows_are_those_of_the_last_reading,
                rows_of_a_reading_that_was_replaced_are_not_kept, rows_go_with_their_encounter,
                all_can_be_derived_again;
            search: what_is_found_is_what_a_plain_search_finds, asking_on_leads_through_all_without_gaps_and_repeats,
                only_final_public_reports_are_found_from_the_next_question_on,
                a_raid_that_hides_names_is_found_by_no_player, names_are_found_as_people_type_them,
                nothing_that_is_typed_is_read_as_sql, rows_of_search_go_with_their_encounter,
                names_that_nobody_may_see_are_in_nobodys_way;
            same_fight: reports_of_one_fight_are_those_of_a_plain_comparison,
                what_is_not_public_is_told_to_its_account_alone, one_account_takes_no_others_place,
                who_is_derived_is_told_which_others_lead_to_it_or_did, a_viewpoint_says_who_may_be_led_to_a_report;
            erase: an_erased_encounter_leaves_all_others_as_they_were, what_waited_brings_nothing_back,
                an_erased_raid_leaves_all_others_as_they_were,
                somebody_who_leaves_takes_all_that_is_his, the_last_administrator_stays, numbers_of_accounts_are_not_given_again,
                raids_are_listed_for_their_owner_and_by_age;
            audit: notes_are_read_newest_first_until_they_are_old,
                notes_with_large_numbers_drive_out_no_others_and_what_they_name_is_named_once,
                of_one_who_does_much_the_oldest_notes_go_and_no_others;
            character: a_claim_is_open_until_it_is_over, a_character_is_proved_in_the_way_of_its_claim,
                who_is_hidden_is_found_by_nothing, wishes_are_their_persons_alone,
                an_administrators_word_stands, who_decides_is_told_what_others_saw,
                what_is_held_of_a_player_is_his_alone;
            removal: so_many_requests_are_kept_until_they_are_closed;
            usage: what_was_used_takes_the_place_of_what_was_before, what_was_used_survives_a_crash;
            webhook: an_account_has_one_webhook_which_is_as_it_was_set_last, what_changes_of_a_raid_is_to_be_told_once,
                raids_of_one_night_are_told_in_one_webhook;
            upload: a_new_upload_is_kept_whole, an_upload_needs_a_raid_of_its_account,
                only_a_final_report_with_its_log_is_an_upload,
                an_upload_that_expected_no_encounter_conflicts_with_one, an_upload_replaces_what_its_caller_saw,
                an_upload_conflicts_where_the_encounter_moved_on, a_repeated_upload_is_kept_once,
                of_two_uploads_at_once_one_is_kept, an_upload_and_a_stream_may_begin_one_fight_at_once,
                uploads_and_all_else_come_to_an_end, hashes_are_known_to_their_account_alone,
                of_an_encounter_a_few_hashes_are_remembered,
                an_encounter_that_is_not_held_is_not_known, a_hash_of_several_encounters_is_the_last_ones,
                ids_are_given_once_and_stay, a_remote_id_is_given_once_at_once, uploads_survive_a_crash,
                an_upload_that_found_no_room_is_kept_later, many_uploads_delay_no_append_and_lose_nothing;
        }
    };
    ($harness:expr; $($module:ident: $($law:ident),+;)+) => {
        $(mod $module {
            #[allow(unused_imports)]
            use super::*;
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $law() {
                    let harness = $harness;
                    $crate::conformance::$module::$law(&harness).await;
                }
            )+
        })+
    };
}

/// The time at which all fixtures happen, Unix ms.
const NOW_MS: i64 = 1_790_000_000_000;
/// When reports are kept.
const KEPT_MS: i64 = NOW_MS + 700_000;

/// An id that tests can name: the same number gives the same id.
fn id(number: u128) -> Uuid {
    Uuid::from_u128(number << 64 | 0x0dd0_beef)
}

async fn account(store: &Arc<impl Accounts>, name: &str) -> Account {
    store.account(name, &format!("channel-of-{name}")).await.expect("an account")
}

/// A raid that is not kept yet; `number` tells it from others.
fn new_raid(account: &Account, number: u8, visibility: Visibility) -> RaidRow {
    RaidRow {
        id: RaidId(id(number.into())),
        account: account.id,
        code: format!("raid-{number}"),
        secret_digest: [number; 32],
        title: None,
        visibility,
        report_visibility: None,
        said: None,
        names: NamesPolicy::Full,
        delay: Delay::default(),
        created_at_ms: NOW_MS,
        active_at_ms: NOW_MS,
        closed: false,
        history: false,
        tickets: Tickets::default(),
    }
}

async fn raid(store: &Arc<impl Raids>, account: &Account, number: u8, visibility: Visibility) -> RaidRow {
    let raid = new_raid(account, number, visibility);
    store.insert_raid(&raid).await.expect("a raid");
    raid
}

fn stream(number: u8) -> StoredStream {
    StoredStream {
        stream: StreamId(id(0x5000 + u128::from(number))),
        header: Bytes::from(vec![number; 40]),
        after_revision: number.into(),
    }
}

/// An encounter that has not begun; it starts `number` seconds after [`NOW_MS`], and its stream has its number.
fn new_encounter(raid: &RaidRow, number: u8) -> NewEncounter {
    NewEncounter {
        key: EncounterKey { account: raid.account, encounter: EncounterId(id(0xe000 + u128::from(number))) },
        report_id: format!("report-{}-{number}", raid.account.0),
        raid_code: raid.code.clone(),
        started_at_ms: NOW_MS + i64::from(number) * 1_000,
        created_at_ms: NOW_MS + i64::from(number) * 1_000 + 500,
        stream: stream(number),
    }
}

async fn encounter(store: &Arc<impl Encounters>, raid: &RaidRow, number: u8) -> EncounterRow {
    store.begin_encounter(&new_encounter(raid, number)).await.expect("an encounter")
}

/// A store with one account, one unlisted raid and one encounter, number 1.
async fn one_fight<H: Harness<Store: Fights>>(harness: &H) -> (Arc<H::Store>, RaidRow, EncounterRow) {
    let store = harness.open().await;
    let account = account(&store, "ana").await;
    let raid = raid(&store, &account, 1, Visibility::Unlisted).await;
    let row = encounter(&store, &raid, 1).await;
    (store, raid, row)
}

/// A delta of the encounter's stream with that number.
fn entry(row: &EncounterRow, stream_number: u8, seq: u64) -> JournalEntry {
    JournalEntry {
        stream: StreamKey { encounter: row.row, stream: stream(stream_number).stream },
        seq,
        kind: JournalKind::Delta,
        received_at_ms: NOW_MS + seq as i64,
        data: Bytes::from(format!("entry {seq} of stream {stream_number} of {}", row.report_id)),
    }
}

/// The first deltas of that stream.
fn entries(row: &EncounterRow, stream_number: u8, count: u64) -> Vec<JournalEntry> {
    (1..=count).map(|seq| entry(row, stream_number, seq)).collect()
}

async fn append_all(store: &Arc<impl Journal>, row: &EncounterRow, stream_number: u8, seqs: impl Iterator<Item = u64>) {
    let under_way: Vec<_> = seqs.map(|seq| store.append(entry(row, stream_number, seq))).collect();
    for appended in futures::future::join_all(under_way).await {
        appended.expect("an entry");
    }
}

async fn opened(store: &Arc<impl Encounters>, row: &EncounterRow) -> OpenEncounter {
    store.open_encounter(row.row).await.expect("an answer").expect("the encounter")
}

/// Seqs of the entries of the encounter's first stream.
async fn seqs(store: &Arc<impl Journal>, row: &EncounterRow) -> Vec<u64> {
    let journal = store.read_journal(row.row).await.expect("an answer");
    journal.streams[0].1.iter().map(|entry| entry.seq).collect()
}

/// A report of the encounter's stream with that number, with figures that nobody would take for defaults.
fn kept(row: &EncounterRow, state: ReportState, revision: u32, stream_number: u8) -> KeptReport {
    let text = format!("{state:?} {revision} of {}", row.report_id);
    KeptReport {
        encounter: row.row,
        state,
        revision,
        stream: stream(stream_number).stream,
        line: line(row, state, revision),
        record: Bytes::from(format!("record {text}")),
        log: (state == ReportState::Final).then(|| Bytes::from(format!("log {text}"))),
        kept_at_ms: KEPT_MS,
    }
}

fn line(row: &EncounterRow, state: ReportState, revision: u32) -> ReportLine {
    ReportLine {
        report_id: row.report_id.clone(),
        encounter: row.key.encounter,
        raid_code: row.raid_code.clone(),
        live: row.visibility,
        state,
        revision,
        started_at_ms: row.started_at_ms,
        ended_at_ms: Some(row.started_at_ms + 600_000),
        duration_ms: 599_000 + revision,
        damage_ms: Some(598_000),
        outcome: Outcome::Wipe,
        place: Place { scene: Some("Tower of \"Ruin\"".into()), scene_id: Some(-7), difficulty: Some(3) },
        bosses: vec!["Frost Ögre".into(), "Golem, \"the\" 2nd".into()],
        players: 20,
        totals: Totals {
            damage: (1 << 53) - 1,
            // Of every other reading the source tells less.
            boss_damage: revision.is_multiple_of(2).then_some(22),
            healing: 33,
            damage_taken: Some(44),
            hits: 55,
            heal_hits: 66,
            deaths: revision.is_multiple_of(2).then_some(77),
        },
        stub: revision.is_multiple_of(2),
        verified: !revision.is_multiple_of(2),
        created_at_ms: row.created_at_ms,
        kept_at_ms: Some(KEPT_MS),
        delay: row.delay,
    }
}
