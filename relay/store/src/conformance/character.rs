//! Whose characters are: what proves it, and who is found no more.

use std::sync::Arc;

use raidcast_shared::character::ProofWay;
use raidcast_shared::id::ActorId;
use raidcast_shared::uplink::{ReportState, Visibility};

use super::person::person;
use super::search::{boss, derive, keep, player, reports, request};
use super::{Harness, KEPT_MS, NOW_MS, encounter, kept, raid};
use crate::name::{NameKind, Typed, fold};
use crate::search::{Filters, PlayerWanted, names_like};
use crate::{
    Accounts, Audited, Audits, CHARACTERS_OF_PERSON_MAX, CLAIMS_OF_PERSON_MAX, Character, Characters, Claim, Derived,
    EncounterRow, Erasing, Erasure, HiddenPlayer, Leaving, NewClaim, Note, People, Person, PersonId, PlayerHeld,
    PlayerNames, Players, Proof, ProvedBy, RaidRow, Raids, Reports, Search, Seen, Store, Term, Wish, Wished,
};

const ENDS_MS: i64 = KEPT_MS + 1_000_000;

fn id(number: u8) -> ActorId {
    ActorId([number; 16])
}

fn new_claim(of: &Person, number: u8, way: ProofWay) -> NewClaim {
    NewClaim {
        person: of.id,
        player: id(number),
        called: format!("Ünïcødé 🐉 {number}"),
        way,
        code: (way != ProofWay::Administrator).then(|| format!("k7q2x{}", number % 10)),
        created_at_ms: KEPT_MS,
        ends_at_ms: ENDS_MS,
    }
}

async fn claimed(store: &Arc<impl Store>, of: &Person, number: u8, way: ProofWay) -> Claim {
    store.claim_character(&new_claim(of, number, way)).await.expect("an answer").expect("a claim")
}

async fn proves(store: &Arc<impl Store>, claim: &Claim, by: ProvedBy) -> bool {
    store.prove_claim(claim.row, by, KEPT_MS).await.expect("an answer") == Proof::Done
}

/// An administrator, who was told that nobody has it.
fn believed(by: &Person) -> ProvedBy {
    ProvedBy::Administrator { by: by.id, held: None, hidden: true }
}

async fn characters(store: &Arc<impl Store>, of: &Person) -> Vec<Character> {
    store.characters_of(of.id).await.expect("an answer")
}

/// A fight of somebody's own account, with these players.
async fn fight(store: &Arc<impl Store>, of: &Person, number: u8, players: &[(u8, &str)]) -> (RaidRow, EncounterRow) {
    let account = store.accounts_of(of.id).await.expect("an answer").remove(0);
    let raid = raid(store, &account, number, Visibility::Public).await;
    let row = encounter(store, &raid, number).await;
    let derived = derived(players);
    keep(store, &row, &kept(&row, ReportState::Final, 1, number), &derived).await;
    (raid, row)
}

fn derived(players: &[(u8, &str)]) -> Derived {
    let players = players
        .iter()
        .zip(0..)
        .map(|((of, name), at)| player(at, Some(name), Some(i64::from(*of)), None, &id(*of).to_hex()));
    Derived { time: None, players: players.collect(), bosses: vec![boss(0, "Golem")], skills: Vec::new() }
}

/// It is one's own, one of each character, and goes when it is taken back or over; so many of one person are open.
pub async fn a_claim_is_open_until_it_is_over(harness: &impl Harness<Store: Store>) {
    let store = harness.open().await;
    let (ana, bo) = (person(&store, "Ana").await, person(&store, "Bo").await);
    let first = claimed(&store, &ana, 1, ProofWay::Officer).await;
    let again = claimed(&store, &ana, 1, ProofWay::Code).await;
    let others = claimed(&store, &bo, 1, ProofWay::Code).await;
    assert!(first.row < again.row && again.row < others.row);
    let of = async |who: &Person, now_ms| store.claims_of(who.id, now_ms).await.expect("an answer");
    assert_eq!(of(&ana, NOW_MS).await, [first.clone(), again.clone()], "whether they are one player's nobody is told");
    assert!(store.drop_claim(ana.id, first.row).await.expect("an answer"));
    assert_eq!(of(&ana, ENDS_MS).await, []);
    assert_eq!(store.claims_by_code(NOW_MS).await.expect("an answer"), [again.clone(), others.clone()]);
    assert_eq!(store.wishes(NOW_MS).await.expect("an answer").claimed, [id(1)]);
    assert_eq!(store.wishes(ENDS_MS).await.expect("an answer").claimed, []);
    assert!(!store.drop_claim(ana.id, others.row).await.expect("an answer"), "another's");
    assert!(store.drop_claim(bo.id, others.row).await.expect("an answer"));
    assert!(!store.drop_claim(bo.id, others.row).await.expect("an answer"));
    for number in 1..CLAIMS_OF_PERSON_MAX {
        claimed(&store, &ana, 1 + number as u8, ProofWay::Administrator).await;
    }
    let more = NewClaim { created_at_ms: KEPT_MS + 1, ..new_claim(&ana, 99, ProofWay::Code) };
    assert_eq!(store.claim_character(&more).await.expect("an answer"), None);
    let later = NewClaim { created_at_ms: ENDS_MS, ends_at_ms: ENDS_MS + 1, ..more };
    assert!(store.claim_character(&later).await.expect("an answer").is_some(), "those that are over go");
    assert_eq!(of(&ana, KEPT_MS).await.len(), 1);
    let nobodys = NewClaim { person: PersonId(99), ..later };
    assert_eq!(store.claim_character(&nobodys).await.expect("an answer"), None);
    // An administrator refuses what asks for his word, and that is noted.
    let asked = claimed(&store, &bo, 3, ProofWay::Administrator).await;
    let by_code = claimed(&store, &bo, 4, ProofWay::Code).await;
    let seen = store.claims_for_administrators(NOW_MS).await.expect("an answer");
    let seen: Vec<_> = seen.iter().map(|seen| (seen.row, seen.by.as_str(), seen.player, seen.seen.clone())).collect();
    assert_eq!(seen, [(asked.row, "Bo", id(3), Seen::default())]);
    assert!(!store.refuse_claim(by_code.row, ana.id, NOW_MS).await.expect("an answer"));
    assert!(store.refuse_claim(asked.row, ana.id, NOW_MS).await.expect("an answer"));
    assert!(!store.refuse_claim(asked.row, ana.id, NOW_MS).await.expect("an answer"));
    let note = store.audit(None, 9).await.expect("an answer").remove(0).note;
    assert_eq!(
        note,
        Note { by: Some(ana.id), key: None, what: Audited::ClaimRefused, about: Some(bo.id.0), at_ms: NOW_MS }
    );
}

/// Each way by its own, never by who claims; what is somebody's, an administrator alone gives to another.
pub async fn a_character_is_proved_in_the_way_of_its_claim(harness: &impl Harness<Store: Store>) {
    let store = harness.open().await;
    let (ana, bo) = (person(&store, "Ana").await, person(&store, "Bo").await);
    let account = async |of: &Person| store.accounts_of(of.id).await.expect("an answer").remove(0).id;
    let (of_ana, of_bo) = (account(&ana).await, account(&bo).await);
    fight(&store, &bo, 1, &[(2, "Annabel")]).await;
    fight(&store, &ana, 2, &[(3, "Hannah"), (2, "Annabel")]).await;
    let by_code = claimed(&store, &ana, 1, ProofWay::Code).await;
    let by_officer = claimed(&store, &ana, 2, ProofWay::Officer).await;
    let unseen = claimed(&store, &ana, 3, ProofWay::Officer).await;
    let by_administrator = claimed(&store, &ana, 4, ProofWay::Administrator).await;
    let nobodys = store.account("guild", "guild-channel").await.expect("an account").id;
    for (claim, by) in [
        (&by_code, ProvedBy::Fight(of_ana)),
        (&by_code, ProvedBy::Fight(nobodys)),
        (&by_code, ProvedBy::Officer(bo.id)),
        (&by_code, believed(&bo)),
        (&by_officer, ProvedBy::Officer(ana.id)),
        (&by_officer, ProvedBy::Fight(of_bo)),
        (&unseen, ProvedBy::Officer(bo.id)),
        (&by_administrator, ProvedBy::Officer(bo.id)),
    ] {
        assert!(!proves(&store, claim, by).await, "{claim:?} {by:?}");
    }
    let over = store.prove_claim(by_code.row, ProvedBy::Fight(of_bo), ENDS_MS).await.expect("an answer");
    assert_eq!(over, Proof::NotThere, "it is over");
    assert_eq!(characters(&store, &ana).await, []);
    let seen = async |who: &Person, claim: &Claim| {
        let code = claim.of.code.as_deref().expect("a code");
        let seen = store.claim_for_officer(who.id, code, KEPT_MS).await.expect("an answer");
        seen.map(|seen| (seen.row, seen.name))
    };
    assert_eq!(seen(&bo, &by_officer).await, Some((by_officer.row, Some("Annabel".to_owned()))));
    for (who, claim) in [(&ana, &by_officer), (&bo, &unseen), (&bo, &by_code)] {
        assert_eq!(seen(who, claim).await, None, "{claim:?}");
    }
    // A fight that was kept after he claimed it may be made for it.
    let before = NewClaim { created_at_ms: KEPT_MS - 1, code: Some("before".into()), ..by_officer.of.clone() };
    let before = store.claim_character(&before).await.expect("an answer").expect("a claim");
    assert_eq!(seen(&bo, &before).await, None);
    assert!(!proves(&store, &before, ProvedBy::Officer(bo.id)).await);
    assert!(store.drop_claim(ana.id, before.row).await.expect("an answer"));
    assert!(proves(&store, &by_code, ProvedBy::Fight(of_bo)).await);
    assert!(proves(&store, &by_officer, ProvedBy::Officer(bo.id)).await);
    assert!(proves(&store, &by_administrator, believed(&ana)).await);
    assert!(!proves(&store, &by_administrator, believed(&ana)).await, "the claim is gone");
    let ways: Vec<_> = characters(&store, &ana).await.iter().map(|held| (held.player, held.way)).collect();
    assert_eq!(ways, [(id(1), ProofWay::Code), (id(2), ProofWay::Officer), (id(4), ProofWay::Administrator)]);
    assert_eq!(seen(&bo, &by_officer).await, None);
    // Whoever has one keeps it, and who is hidden stays so.
    let note = Note { by: None, key: None, what: Audited::PlayerHidden, about: None, at_ms: NOW_MS };
    assert!(store.hide_player(id(5), true, note).await.expect("an answer"));
    for number in [1, 5] {
        let taken = claimed(&store, &bo, number, ProofWay::Code).await;
        assert!(!proves(&store, &taken, ProvedBy::Fight(of_ana)).await);
        let taken = claimed(&store, &bo, number, ProofWay::Administrator).await;
        // Whose it is, who decides must know.
        let (wrong, right) = if number == 1 { (None, Some(ana.id)) } else { (Some(ana.id), None) };
        let by = |held| ProvedBy::Administrator { by: ana.id, held, hidden: true };
        assert_eq!(store.prove_claim(taken.row, by(wrong), KEPT_MS).await.expect("an answer"), Proof::Held);
        assert!(proves(&store, &taken, by(right)).await);
    }
    assert_eq!(characters(&store, &ana).await.len(), 2);
    let hidden: Vec<_> = characters(&store, &bo).await.iter().map(|held| (held.player, held.hidden)).collect();
    assert_eq!(hidden, [(id(1), false), (id(5), true)]);
    for number in 2..CHARACTERS_OF_PERSON_MAX {
        let claim = claimed(&store, &bo, 100 + number as u8, ProofWay::Code).await;
        assert!(proves(&store, &claim, ProvedBy::Fight(of_ana)).await);
    }
    let more = claimed(&store, &bo, 99, ProofWay::Code).await;
    assert!(!proves(&store, &more, ProvedBy::Fight(of_ana)).await);
}

/// Whether he was hidden before his fights were kept or after it: by no filter, and by his name as soon as he is shown again.
/// Somebody who has his name is found all the same.
pub async fn who_is_hidden_is_found_by_nothing(harness: &impl Harness<Store: Store>) {
    let store = harness.open().await;
    let (ana, bo) = (person(&store, "Ana").await, person(&store, "Bo").await);
    let (first_raid, first) = fight(&store, &bo, 1, &[(1, "Hannah"), (2, "Annabel")]).await;
    let (_, both) = fight(&store, &ana, 2, &[(2, "Annabel"), (3, "annabel")]).await;
    let claim = claimed(&store, &ana, 2, ProofWay::Administrator).await;
    assert!(proves(&store, &claim, believed(&bo)).await);
    let row = characters(&store, &ana).await[0].row;
    let wishes = async |wish| store.wish(ana.id, row, wish, NOW_MS).await.expect("an answer");
    let key = |number: u8| PlayerWanted { key: Some(id(number).to_hex()), ..PlayerWanted::default() };
    let name = |text: &str| vec![Term::name(NameKind::Player, &fold(text))];
    let called = |text| PlayerWanted { names: Some(name(text)), ..PlayerWanted::default() };
    let found = async |player| reports(&store, &request(Filters { player, ..Filters::default() })).await.0;
    let names = async |text| {
        let typed = Typed::new(NameKind::Player, text).expect("a name");
        names_like(&*store, &typed).await.expect("an answer").len()
    };
    let (one, other) = (first.report_id.clone(), both.report_id.clone());
    let is_shown = async |shows: bool| {
        let by_key = if shows { vec![other.clone(), one.clone()] } else { vec![] };
        let by_name = if shows { vec![other.clone(), one.clone()] } else { vec![other.clone()] };
        assert_eq!(found(key(2)).await, by_key);
        assert_eq!(found(called("annabel")).await, by_name, "another has the name");
        assert_eq!(found(PlayerWanted { names: Some(name("annabel")), ..key(2) }).await, by_key);
        assert_eq!(found(PlayerWanted { class_id: Some(2), ..called("annabel") }).await, by_key);
        let narrow = PlayerWanted { class_id: Some(2), class_spec: Some(7), ..called("annabel") };
        assert_eq!(found(narrow).await, Vec::<String>::new());
        assert_eq!(found(PlayerWanted { names: Some(name("annabel")), ..key(3) }).await, vec![other.clone()]);
        assert_eq!(found(key(1)).await, vec![one.clone()]);
        assert_eq!(found(called("hannah")).await, vec![one.clone()]);
        assert_eq!(found(PlayerWanted::default()).await.len(), 2, "the fights are there");
        assert_eq!(names("annabel").await, 1);
    };
    is_shown(true).await;
    let changes = store.search_changes().await.expect("an answer");
    assert_eq!(wishes(Wish::hidden(true)).await, Wished::Done);
    assert!(store.search_changes().await.expect("an answer") > changes);
    is_shown(false).await;
    assert_eq!(store.raid_players(&first_raid.code).await.expect("an answer"), [(id(2), 1)]);
    assert_eq!(store.wishes(NOW_MS).await.expect("an answer").hidden, [id(2)]);
    // Its raid changes, and the fight is kept and derived anew.
    for visibility in [Visibility::Private, Visibility::Public] {
        store.update_raid(&RaidRow { visibility, ..first_raid.clone() }, None).await.expect("the raid");
    }
    is_shown(false).await;
    store.keep_report(&kept(&first, ReportState::Final, 2, 1)).await.expect("a report");
    derive(&store, &first, &derived(&[(1, "Hannah"), (2, "Annabel")])).await;
    is_shown(false).await;
    assert_eq!(wishes(Wish::hidden(true)).await, Wished::Done, "as it was");
    assert_eq!(wishes(Wish::hidden(false)).await, Wished::Done);
    is_shown(true).await;
    // One who alone has a name is not proposed either.
    let note = Note { by: None, key: None, what: Audited::PlayerHidden, about: None, at_ms: NOW_MS };
    assert!(store.hide_player(id(1), true, note).await.expect("an answer"));
    assert_eq!((names("hannah").await, found(called("hannah")).await.len()), (0, 0));
    assert!(store.hide_player(id(1), false, note).await.expect("an answer"));
    assert_eq!((names("hannah").await, found(called("hannah")).await.len()), (1, 1));
}

/// It is noted, agreeing yields to hiding, and nobody wishes for another. Who leaves takes his characters along; what he hid
/// stays hidden.
pub async fn wishes_are_their_persons_alone(harness: &impl Harness<Store: Store>) {
    let store = harness.open().await;
    let (ana, bo) = (person(&store, "Ana").await, person(&store, "Bo").await);
    for number in [1, 2] {
        let claim = claimed(&store, &ana, number, ProofWay::Administrator).await;
        assert!(proves(&store, &claim, believed(&bo)).await);
    }
    let rows: Vec<_> = characters(&store, &ana).await.iter().map(|held| held.row).collect();
    let wishes = async |who: &Person, row, wish| store.wish(who.id, row, wish, NOW_MS).await.expect("an answer");
    assert_eq!(wishes(&bo, rows[0], Wish::agrees(true)).await, Wished::NotThere);
    assert_eq!(wishes(&bo, rows[0], Wish::hidden(true)).await, Wished::NotThere);
    for row in &rows {
        assert_eq!(wishes(&ana, *row, Wish::agrees(true)).await, Wished::Done);
        assert_eq!(wishes(&ana, *row, Wish::agrees(true)).await, Wished::Done);
    }
    assert_eq!(wishes(&ana, rows[1], Wish::hidden(true)).await, Wished::Done);
    let held: Vec<_> = characters(&store, &ana).await.iter().map(|held| (held.hidden, held.agrees)).collect();
    assert_eq!(held, [(false, true), (true, true)]);
    drop(store);
    let store = harness.open().await;
    let all = store.wishes(NOW_MS).await.expect("an answer");
    assert_eq!((all.hidden, all.agreed), (vec![id(2)], vec![id(1)]));
    let noted = store.audit(None, 3).await.expect("an answer");
    let noted: Vec<_> = noted.iter().map(|row| (row.note.by, row.note.what)).collect();
    let agreed = (Some(ana.id), Audited::PlayerAgreed);
    assert_eq!(noted, [(Some(ana.id), Audited::PlayerHidden), agreed, agreed]);
    let job = Erasure::Person(ana.id).job(crate::AccountId(0), NOW_MS, NOW_MS);
    let note = Note { by: Some(ana.id), key: None, what: Audited::PersonLeft, about: None, at_ms: NOW_MS };
    claimed(&store, &ana, 9, ProofWay::Code).await;
    assert_eq!(store.begin_leaving(ana.id, &job, note).await.expect("an answer"), Leaving::Begun);
    // From the first moment, however long it takes until he is gone.
    let left = store.wishes(NOW_MS).await.expect("an answer");
    assert_eq!((left.hidden, left.agreed, left.claimed), (vec![id(2)], vec![], vec![]));
    assert!(store.erase_person(ana.id).await.expect("an answer"));
    let left = store.wishes(NOW_MS).await.expect("an answer");
    assert_eq!((left.hidden, left.agreed, left.claimed), (vec![id(2)], vec![], vec![]));
}

/// What an administrator hid its holder does not show, until an administrator believes that it is his; and to be named where
/// others are not takes his word, too. Nothing of a wish is done of which something cannot be.
pub async fn an_administrators_word_stands(harness: &impl Harness<Store: Store>) {
    let store = harness.open().await;
    let (ana, bo) = (person(&store, "Ana").await, person(&store, "Bo").await);
    let of_ana = store.accounts_of(ana.id).await.expect("an answer").remove(0).id;
    let by_code = claimed(&store, &bo, 1, ProofWay::Code).await;
    assert!(proves(&store, &by_code, ProvedBy::Fight(of_ana)).await);
    let wishes = async |wish| {
        let row = characters(&store, &bo).await[0].row;
        store.wish(bo.id, row, wish, NOW_MS).await.expect("an answer")
    };
    let held = async || {
        let held = characters(&store, &bo).await.remove(0);
        (held.hidden, held.by_administrator, held.agrees)
    };
    let hides = async |hidden| {
        let note = Note { by: Some(ana.id), key: None, what: Audited::PlayerHidden, about: None, at_ms: NOW_MS };
        assert!(store.hide_player(id(1), hidden, note).await.expect("an answer"));
    };
    assert!(!store.knows_player(id(9)).await.expect("an answer"));
    assert!(store.knows_player(id(1)).await.expect("an answer"), "it is somebody's");
    assert_eq!(wishes(Wish::agrees(true)).await, Wished::Unproved);
    assert_eq!(wishes(Wish { hidden: Some(true), agrees: Some(true) }).await, Wished::Unproved);
    assert_eq!(held().await, (false, false, false));
    assert_eq!(wishes(Wish { hidden: Some(true), agrees: Some(false) }).await, Wished::Done);
    assert_eq!(held().await, (true, false, false));
    hides(true).await;
    assert_eq!(held().await, (true, true, false), "he had hidden it himself");
    assert_eq!(wishes(Wish::hidden(true)).await, Wished::Done);
    assert_eq!(wishes(Wish::hidden(false)).await, Wished::ByAdministrator);
    assert_eq!(held().await, (true, true, false));
    hides(false).await;
    assert_eq!(held().await, (false, false, false));
    hides(true).await;
    let again = claimed(&store, &bo, 1, ProofWay::Administrator).await;
    assert!(proves(&store, &again, ProvedBy::Administrator { by: ana.id, held: Some(bo.id), hidden: true }).await);
    assert_eq!(held().await, (true, false, false));
    assert_eq!(wishes(Wish { hidden: Some(false), agrees: Some(true) }).await, Wished::Done);
    let all = store.wishes(NOW_MS).await.expect("an answer");
    assert_eq!((all.hidden, all.agreed), (vec![], vec![id(1)]));
    // Whom administrators have hidden, page by page; not who did it himself.
    assert_eq!(wishes(Wish::hidden(true)).await, Wished::Done);
    for (number, at_ms) in [(2, 5), (4, 9), (3, 5)] {
        let note =
            Note { by: Some(ana.id), key: None, what: Audited::PlayerHidden, about: None, at_ms: NOW_MS + at_ms };
        assert!(store.hide_player(id(number), true, note).await.expect("an answer"));
    }
    let page = async |before| store.hidden_players(before, 2).await.expect("an answer");
    let of = |number, at_ms| HiddenPlayer { player: id(number), since_ms: NOW_MS + at_ms };
    assert_eq!(page(None).await, [of(4, 9), of(3, 5)]);
    assert_eq!(page(Some(of(3, 5))).await, [of(2, 5)]);
    assert_eq!(page(Some(of(2, 5))).await, []);
}

/// Everybody's first claim comes before anybody's second. Of each is told whose the character is, and what accounts saw that
/// are not his who claims it.
pub async fn who_decides_is_told_what_others_saw(harness: &impl Harness<Store: Store>) {
    let store = harness.open().await;
    let (ana, bo) = (person(&store, "Ana").await, person(&store, "Bo").await);
    let cy = person(&store, "Cy").await;
    let first = claimed(&store, &bo, 1, ProofWay::Administrator).await;
    let second = claimed(&store, &bo, 2, ProofWay::Administrator).await;
    let others = claimed(&store, &cy, 1, ProofWay::Administrator).await;
    let judged = async || store.claims_for_administrators(KEPT_MS).await.expect("an answer");
    let rows: Vec<_> = judged().await.iter().map(|claim| claim.row).collect();
    assert_eq!(rows, [first.row, others.row, second.row]);
    let called = first.of.called.as_str();
    fight(&store, &ana, 1, &[(1, &called.to_uppercase()), (2, "Hannah")]).await;
    // His own accounts say what he wants, and nobody was in a fight that is still to come.
    fight(&store, &bo, 2, &[(1, "Made up"), (2, "Made up")]).await;
    fight(&store, &cy, 3, &[(1, "Annabel")]).await;
    let seen: Vec<_> = judged().await.into_iter().map(|claim| claim.seen).collect();
    let names = |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), 1)).collect::<Vec<_>>();
    let upper = called.to_uppercase();
    assert_eq!(seen[0], Seen { others: 2, called_so: 1, names: names(&["Annabel", &upper]) });
    assert_eq!(seen[1], Seen { others: 2, called_so: 1, names: names(&["Made up", &upper]) });
    assert_eq!(seen[2], Seen { others: 1, called_so: 0, names: names(&["Hannah"]) });
    // Whoever uploaded it: of all that a player is called he is known to an administrator who is to hide him.
    let of_second = store.player_names(id(2)).await.expect("an answer");
    assert_eq!(of_second, PlayerNames { fights: 2, names: names(&["Hannah", "Made up"]) });
    assert_eq!(store.player_names(id(1)).await.expect("an answer").fights, 3);
    assert_eq!(store.player_names(id(9)).await.expect("an answer"), PlayerNames::default());
    let early = store.claims_for_administrators(NOW_MS + 2_000).await.expect("an answer");
    assert_eq!(early[0].seen.others, 1, "of fights that are still to come nothing is told");
    assert!(proves(&store, &others, believed(&ana)).await);
    let note = Note { by: Some(ana.id), key: None, what: Audited::PlayerHidden, about: None, at_ms: NOW_MS };
    assert!(store.hide_player(id(1), true, note).await.expect("an answer"));
    let claim = judged().await.remove(0);
    assert_eq!(claim.holder, Some((cy.id, "Cy".to_owned())));
    assert_eq!((claim.hidden, claim.by_administrator, claim.seen.others), (true, true, 2));
    assert_eq!(claim.seen.names, [], "he is named to nobody");
}

/// Whose he is, who says so, since when he is hidden, and his fights, page by page; of another nothing.
pub async fn what_is_held_of_a_player_is_his_alone(harness: &impl Harness<Store: Store>) {
    let store = harness.open().await;
    let (ana, bo) = (person(&store, "Ana").await, person(&store, "Bo").await);
    let held = async |number: u8| store.player_held(id(number)).await.expect("an answer");
    assert_eq!(held(1).await, PlayerHeld::default());
    let proved = claimed(&store, &ana, 1, ProofWay::Administrator).await;
    assert!(proves(&store, &proved, believed(&bo)).await);
    let open = claimed(&store, &bo, 1, ProofWay::Code).await;
    let others = claimed(&store, &bo, 2, ProofWay::Officer).await;
    let note = Note { by: None, key: None, what: Audited::PlayerHidden, about: None, at_ms: NOW_MS };
    assert!(store.hide_player(id(1), true, note).await.expect("an answer"));
    let mut fights = Vec::new();
    for number in 1..=3 {
        let (_, row) = fight(&store, &bo, number, &[(1, "Hannah"), (2, "Annabel")]).await;
        fights.insert(0, (row.row, row.report_id));
    }
    fight(&store, &bo, 4, &[(2, "Annabel")]).await;
    let character = characters(&store, &ana).await.remove(0);
    assert!(character.hidden && character.by_administrator);
    let all = PlayerHeld { character: Some((ana.id, character)), claims: vec![open], hidden: Some((NOW_MS, true)) };
    assert_eq!(held(1).await, all);
    assert_eq!(held(2).await, PlayerHeld { claims: vec![others], ..PlayerHeld::default() });
    let of = async |number: u8, before: Option<i64>, limit: u32| {
        store.fights_of_player(id(number), before, limit).await.expect("an answer")
    };
    assert_eq!(of(1, None, 9).await, fights);
    assert_eq!(of(1, None, 2).await, fights[..2]);
    assert_eq!(of(1, Some(fights[1].0), 2).await, fights[2..]);
    assert_eq!(of(1, Some(fights[2].0), 2).await, []);
    assert_eq!((of(2, None, 9).await.len(), of(3, None, 9).await.len()), (4, 0));
}
