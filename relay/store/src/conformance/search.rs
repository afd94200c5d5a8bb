//! What is found: the same in every store, and the same as a plain search over all there is.

use std::collections::BTreeSet;
use std::sync::Arc;

use raidcast_shared::report::Place;
use raidcast_shared::uplink::{NamesPolicy, Outcome, ReportState, Visibility};

use super::{Harness, NOW_MS, account, kept, new_encounter, new_raid, raid};
use crate::name::{NameKind, Typed, fold};
use crate::search::{Between, Filters, PlayerWanted, ROWS_LOOKED_AT_MAX, names_like};
use crate::{
    Derived, DerivedBoss, DerivedPlayer, DerivedRows, EncounterRow, Encounters, HeldReport, JobKind, KeptReport,
    NewEncounter, RaidRow, Raids, Reports, Search, SearchKey, SearchOrder, SearchRequest, SearchTotal, Store, Term,
};

const PLAYERS: [&str; 14] = [
    "Anna",
    "anna",
    "Annabel",
    "Hannah",
    "Igor",
    "张三",
    "张三丰",
    "李四",
    "さくら",
    "Ünïcødé 🐉",
    "x'; DROP TABLE jobs; --",
    "100%",
    "a_b",
    "A",
];
const BOSSES: [&str; 5] = ["Tempest Ogre", "Frost Ogre", "Igoreus", "Golem \"the\" 2nd", "巨龙"];
const SCENES: [Option<&str>; 3] = [Some("Tower of Ruin"), Some("TOWER of ruin"), None];
const OUTCOMES: [Outcome; 3] = [Outcome::Kill, Outcome::Wipe, Outcome::Unknown];

/// Numbers that are the same in every run.
pub(super) struct Numbers(pub(super) u64);

impl Numbers {
    pub(super) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    fn maybe<T>(&mut self, one_in: usize, value: impl FnOnce(&mut Self) -> T) -> Option<T> {
        (self.below(one_in) == 0).then(|| value(self))
    }
}

/// A fight as a plain search has it.
#[derive(Clone, Debug)]
struct Fight {
    row: EncounterRow,
    created_at_ms: i64,
    report: KeptReport,
    derived: Derived,
    public: bool,
    named: bool,
}

pub(super) fn player(
    number: i64,
    name: Option<&str>,
    class_id: Option<i64>,
    class_spec: Option<i64>,
    key: &str,
) -> DerivedPlayer {
    DerivedPlayer {
        number,
        actor_id: key.to_owned(),
        name: name.map(str::to_owned),
        class_id,
        class_spec,
        ability_score: None,
        level: None,
        is_local: false,
        damage_dealt: 1,
        boss_damage_dealt: None,
        heal_dealt: 0,
        damage_taken: None,
        hits_dealt: 1,
        hits_heal: 0,
        crit_hits_dealt: None,
        lucky_hits_dealt: None,
        deaths: None,
    }
}

pub(super) fn boss(number: i64, name: &str) -> DerivedBoss {
    DerivedBoss {
        number,
        boss_name: name.to_owned(),
        monster_id: None,
        total_damage: 1,
        hits: 1,
        max_hp: None,
        defeated: None,
    }
}

/// Numbers that share marks are among them.
const CLASSES: [i64; 6] = [1, 65, 11, 2, 99, 11];
const SPECS: [i64; 6] = [0, 1, 4, 20, 21, 300];
const DIFFICULTIES: [i64; 5] = [0, 1, 2, -3, 1_000];

fn derived(numbers: &mut Numbers) -> Derived {
    let players = 1 + numbers.below(6);
    let player = |number| {
        let name = numbers.below(8);
        let name = (name > 0).then(|| numbers.of(&PLAYERS));
        let (class, spec) =
            (numbers.maybe(1, |numbers| numbers.of(&CLASSES)), numbers.maybe(2, |numbers| numbers.of(&SPECS)));
        player(number as i64, name, class, spec, &format!("key{}", numbers.below(9)))
    };
    let players = (0..players).map(player).collect();
    let bosses = 0..numbers.below(3);
    Derived {
        time: None,
        players,
        bosses: bosses.map(|number| boss(number as i64, numbers.of(&BOSSES))).collect(),
        skills: Vec::new(),
    }
}

/// Keeps a report with its rows.
pub(super) async fn keep(store: &Arc<impl Store>, row: &EncounterRow, report: &KeptReport, derived: &Derived) {
    store.keep_report(report).await.expect("a report");
    derive(store, row, derived).await;
}

/// Gives which others of its fight there are, or were until now.
pub(super) async fn derive(store: &Arc<impl Store>, row: &EncounterRow, derived: &Derived) -> Vec<i64> {
    let (now, _) = store.report(&row.report_id).await.expect("an answer").expect("a report");
    let job = store.lease_job(JobKind::Derive, NOW_MS, NOW_MS).await.expect("an answer").expect("a job");
    let others = store.keep_derived(HeldReport::from(&now), derived, job.key).await.expect("an answer");
    others.expect("it is as it was")
}

fn figures(numbers: &mut Numbers, row: &EncounterRow, report: KeptReport, derived: &Derived) -> KeptReport {
    let mut report = report;
    let line = &mut report.line;
    line.duration_ms = 1_000 * numbers.below(5) as u32;
    line.damage_ms = numbers.maybe(2, |numbers| numbers.below(4_000) as u32);
    line.outcome = numbers.of(&OUTCOMES);
    line.place = Place {
        scene: numbers.of(&SCENES).map(str::to_owned),
        scene_id: numbers.maybe(2, |numbers| numbers.below(3) as i64 - 1),
        difficulty: numbers.maybe(2, |numbers| numbers.of(&DIFFICULTIES)),
    };
    line.players = derived.players.len() as u32;
    line.totals.damage = if numbers.below(9) == 0 { (1 << 53) - 1 } else { numbers.below(5) as u64 * 1_000 };
    line.bosses = derived.bosses.iter().map(|boss| boss.boss_name.clone()).collect();
    line.started_at_ms = row.started_at_ms;
    report
}

/// Fights of a raid, of which several began at the same time.
async fn fights(store: &Arc<impl Store>, raid: &RaidRow, first: u8, count: u8, numbers: &mut Numbers) -> Vec<Fight> {
    let mut fights = Vec::new();
    for number in first..first + count {
        let new = new_encounter(raid, number);
        let new = NewEncounter {
            started_at_ms: NOW_MS + numbers.below(20) as i64 * 1_000,
            created_at_ms: NOW_MS + numbers.below(20) as i64 * 1_000,
            ..new
        };
        let row = store.begin_encounter(&new).await.expect("an encounter");
        let derived = derived(numbers);
        let report = figures(numbers, &row, kept(&row, ReportState::Final, 1, number), &derived);
        keep(store, &row, &report, &derived).await;
        fights.push(Fight {
            row,
            created_at_ms: new.created_at_ms,
            report,
            derived,
            public: raid.visibility == Visibility::Public,
            named: raid.names == NamesPolicy::Full,
        });
    }
    fights
}

fn is_between(value: i64, (from, to): Between) -> bool {
    from.is_none_or(|from| value >= from) && to.is_none_or(|to| value <= to)
}

fn value(fight: &Fight, order: SearchOrder) -> i64 {
    let line = &fight.report.line;
    match order {
        SearchOrder::Started => fight.row.started_at_ms,
        SearchOrder::Created => fight.created_at_ms,
        SearchOrder::Duration => line.duration_ms.into(),
        SearchOrder::Dps => {
            let ms = u128::from(line.damage_ms.unwrap_or(line.duration_ms).max(1_000));
            (u128::from(line.totals.damage) * 1_000 / ms) as i64
        }
    }
}

/// What a plain search says of a fight.
fn is_wanted(fight: &Fight, filters: &Filters) -> bool {
    let line = &fight.report.line;
    let has_name = |name: Option<&str>, kind, terms: &Vec<Term>| {
        name.is_some_and(|name| terms.contains(&Term::name(kind, &fold(name))))
    };
    let wanted = &filters.player;
    let is_player = |player: &DerivedPlayer| {
        wanted.key.as_ref().is_none_or(|key| player.actor_id == *key)
            && wanted.names.as_ref().is_none_or(|names| has_name(player.name.as_deref(), NameKind::Player, names))
            && wanted.class_id.is_none_or(|class| player.class_id == Some(class))
            && wanted.class_spec.is_none_or(|spec| player.class_spec == Some(spec))
    };
    let is_boss = |names: &Vec<Term>| {
        fight.derived.bosses.iter().any(|boss| has_name(Some(&boss.boss_name), NameKind::Boss, names))
    };
    let names_somebody = wanted.key.is_some() || wanted.names.is_some();
    fight.public
        && (fight.named || !names_somebody)
        && (*wanted == PlayerWanted::default() || fight.derived.players.iter().any(is_player))
        && filters.bosses.as_ref().is_none_or(is_boss)
        && filters.scene.is_none_or(|scene| line.place.scene.as_deref().map(Term::scene) == Some(scene))
        && filters.scene_id.is_none_or(|id| line.place.scene_id == Some(id))
        && filters.difficulty.is_none_or(|difficulty| line.place.difficulty == Some(difficulty))
        && filters.outcome.is_none_or(|outcome| line.outcome == outcome)
        && is_between(fight.row.started_at_ms, filters.started_at_ms)
        && is_between(line.duration_ms.into(), filters.duration_ms)
        && is_between(line.players.into(), filters.players)
}

/// Reports of all fights that are wanted, in the order that is asked for.
fn plain(fights: &[Fight], request: &SearchRequest) -> Vec<String> {
    let mut wanted: Vec<_> = fights.iter().filter(|fight| is_wanted(fight, &request.filters)).collect();
    wanted.sort_by_key(|fight| (value(fight, request.order), fight.row.row));
    if request.descending {
        wanted.reverse();
    }
    wanted.into_iter().map(|fight| fight.row.report_id.clone()).collect()
}

/// The names that are most like a text, of all names that are to be found.
fn plain_names(fights: &[Fight], typed: &Typed) -> Vec<Term> {
    let public = fights.iter().filter(|fight| fight.public && (fight.named || typed.kind() == NameKind::Boss));
    let names: BTreeSet<String> = public
        .flat_map(|fight| match typed.kind() {
            NameKind::Player => {
                fight.derived.players.iter().filter_map(|player| player.name.clone()).collect::<Vec<_>>()
            }
            NameKind::Boss => fight.derived.bosses.iter().map(|boss| boss.boss_name.clone()).collect(),
        })
        .map(|name| fold(&name))
        .collect();
    let proposed = names.into_iter().map(|name| (Term::name(typed.kind(), &name), name)).collect();
    typed.best(proposed).into_iter().map(|(term, _)| term).collect()
}

pub(super) fn request(filters: Filters) -> SearchRequest {
    SearchRequest {
        filters,
        order: SearchOrder::Started,
        descending: true,
        after: None,
        skip: 0,
        take: 100,
        count: true,
        look: ROWS_LOOKED_AT_MAX,
    }
}

fn some_between(numbers: &mut Numbers, from: i64, step: i64, end: usize) -> Between {
    let mut bound = |one_in| numbers.maybe(one_in, |numbers| from + step * numbers.below(end) as i64);
    (bound(6), bound(6))
}

async fn some_filters(store: &Arc<impl Store>, fights: &[Fight], numbers: &mut Numbers) -> Filters {
    let mut names = [None, None];
    for (kind, all) in [(NameKind::Player, &PLAYERS[..]), (NameKind::Boss, &BOSSES[..])] {
        if let Some(text) = numbers.maybe(4, |numbers| {
            let name: Vec<char> = numbers.of(all).chars().collect();
            let from = numbers.below(name.len());
            let to = from + 1 + numbers.below(name.len() - from);
            name[from..to].iter().collect::<String>()
        }) && let Some(typed) = Typed::new(kind, &text)
        {
            let like = names_like(&**store, &typed).await.expect("an answer");
            assert_eq!(like, plain_names(fights, &typed), "{text}");
            names[kind.code() as usize] = Some(like);
        }
    }
    let [players, bosses] = names;
    Filters {
        player: PlayerWanted {
            key: numbers.maybe(5, |numbers| format!("key{}", numbers.below(10))),
            names: players,
            class_id: numbers.maybe(5, |numbers| numbers.of(&CLASSES)),
            class_spec: numbers.maybe(6, |numbers| numbers.of(&SPECS)),
        },
        bosses,
        scene: numbers.maybe(6, |numbers| Term::scene(numbers.of(&["tower OF ruin", "nowhere"]))),
        scene_id: numbers.maybe(8, |numbers| numbers.below(3) as i64 - 1),
        difficulty: numbers.maybe(6, |numbers| numbers.of(&DIFFICULTIES)),
        outcome: numbers.maybe(6, |numbers| numbers.of(&OUTCOMES)),
        started_at_ms: some_between(numbers, NOW_MS, 1_000, 20),
        duration_ms: some_between(numbers, 0, 1_000, 5),
        players: some_between(numbers, 1, 1, 6),
    }
}

async fn filled<H: Harness<Store: Store>>(harness: &H) -> (Arc<H::Store>, Vec<Fight>, Numbers) {
    let store = harness.open().await;
    let mut numbers = Numbers(7);
    let account = account(&store, "ana").await;
    let mut all = Vec::new();
    for (number, visibility, names, count) in [
        (1, Visibility::Public, NamesPolicy::Full, 40),
        (2, Visibility::Unlisted, NamesPolicy::Full, 15),
        (3, Visibility::Private, NamesPolicy::Hidden, 15),
        (4, Visibility::Public, NamesPolicy::Full, 20),
        (5, Visibility::Public, NamesPolicy::Class, 10),
        (6, Visibility::Public, NamesPolicy::Hidden, 10),
    ] {
        let raid = RaidRow { names, ..new_raid(&account, number, visibility) };
        store.insert_raid(&raid).await.expect("a raid");
        all.extend(fights(&store, &raid, all.len() as u8, count, &mut numbers).await);
    }
    (store, all, numbers)
}

pub(super) async fn reports(
    store: &Arc<impl Store>,
    request: &SearchRequest,
) -> (Vec<String>, Option<SearchKey>, Option<SearchTotal>) {
    let found = store.search(request).await.expect("an answer");
    (found.lines.into_iter().map(|line| line.report_id).collect(), found.next, found.total)
}

/// Whatever is asked, in whichever order, on whichever page.
pub async fn what_is_found_is_what_a_plain_search_finds(harness: &impl Harness<Store: Store>) {
    let (store, fights, mut numbers) = filled(harness).await;
    let mut found = 0;
    for _ in 0..250 {
        let filters = some_filters(&store, &fights, &mut numbers).await;
        let request = SearchRequest {
            order: numbers.of(&SearchOrder::ALL),
            descending: numbers.below(2) == 0,
            skip: numbers.below(4) as u32,
            take: 1 + numbers.below(20) as u32,
            ..request(filters)
        };
        let all = plain(&fights, &request);
        let (got, next, total) = reports(&store, &request).await;
        let expected: Vec<_> = all.iter().skip(request.skip as usize).take(request.take as usize).cloned().collect();
        assert_eq!(got, expected, "{request:?}");
        assert_eq!(total, Some(SearchTotal { count: all.len() as u64, at_least: false }), "{request:?}");
        assert_eq!(next.is_some(), all.len() > (request.skip + request.take) as usize, "{request:?}");
        found += got.len();
    }
    assert!(found > 300, "{found} found");
}

/// However few rows are looked at, and however few are given.
pub async fn asking_on_leads_through_all_without_gaps_and_repeats(harness: &impl Harness<Store: Store>) {
    let (store, fights, mut numbers) = filled(harness).await;
    for at in 0..120 {
        let filters = if at % 3 == 0 { Filters::default() } else { some_filters(&store, &fights, &mut numbers).await };
        let mut request = SearchRequest {
            order: numbers.of(&SearchOrder::ALL),
            descending: numbers.below(2) == 0,
            take: 1 + numbers.below(9) as u32,
            look: 1 + numbers.below(12) as u32,
            ..request(filters)
        };
        let all = plain(&fights, &request);
        let mut got = Vec::new();
        for asked in 0.. {
            assert!(asked < 200, "it comes to no end: {request:?}");
            let (page, next, total) = reports(&store, &request).await;
            assert!(page.len() <= request.take as usize);
            got.extend(page);
            if let Some(total) = total {
                let all = all.len() as u64;
                assert!(if total.at_least { total.count <= all } else { total.count == all }, "{total:?} of {all}");
            }
            request = SearchRequest { after: next, count: false, ..request };
            if next.is_none() {
                break;
            }
        }
        assert_eq!(got, all, "{request:?}");
    }
}

/// Visibility, moves and what is kept count at once.
pub async fn only_final_public_reports_are_found_from_the_next_question_on(harness: &impl Harness<Store: Store>) {
    let store = harness.open().await;
    let account = account(&store, "ana").await;
    let mut raid_of = raid(&store, &account, 1, Visibility::Unlisted).await;
    let other = raid(&store, &account, 2, Visibility::Public).await;
    let row = store.begin_encounter(&new_encounter(&raid_of, 1)).await.expect("an encounter");
    let rows = Derived {
        time: None,
        players: vec![player(0, Some("Anna"), Some(1), None, "key1")],
        bosses: vec![boss(0, "Golem")],
        skills: Vec::new(),
    };
    let typed = Typed::new(NameKind::Player, "anna").expect("a name");
    let changes = std::cell::Cell::new(0);
    let is_found = async || {
        // Whatever was done before changed it.
        let now = store.search_changes().await.expect("an answer");
        assert!(changes.replace(now) < now || now == 0, "{now}");
        let names = names_like(&*store, &typed).await.expect("an answer");
        let by_name =
            Filters { player: PlayerWanted { names: Some(names), ..PlayerWanted::default() }, ..Filters::default() };
        let by_key = PlayerWanted { key: Some("key1".into()), ..PlayerWanted::default() };
        let by_key = Filters { player: by_key, ..Filters::default() };
        let mut found = BTreeSet::new();
        for filters in [Filters::default(), by_name, by_key] {
            found.insert(reports(&store, &request(filters)).await.0.len());
        }
        assert_eq!(found.len(), 1, "one is found, another is not: {found:?}");
        found.contains(&1)
    };
    raid_of.visibility = Visibility::Public;
    store.update_raid(&raid_of, None).await.expect("the raid");
    assert!(!is_found().await, "nothing is kept");
    keep(&store, &row, &kept(&row, ReportState::Provisional, 1, 1), &rows).await;
    assert!(!is_found().await, "it may go on");
    store.keep_report(&kept(&row, ReportState::Final, 1, 1)).await.expect("a report");
    derive(&store, &row, &rows).await;
    assert!(is_found().await);
    for visibility in [Visibility::Unlisted, Visibility::Public, Visibility::Private, Visibility::Public] {
        raid_of.visibility = visibility;
        store.update_raid(&raid_of, None).await.expect("the raid");
        assert_eq!(is_found().await, visibility == Visibility::Public, "{visibility:?}");
    }
    // What is found tells of its raid as long as that is public.
    raid_of.report_visibility = Some(Visibility::Public);
    store.update_raid(&raid_of, None).await.expect("the raid");
    let changes = store.search_changes().await.expect("an answer");
    raid_of.visibility = Visibility::Unlisted;
    store.update_raid(&raid_of, None).await.expect("the raid");
    assert_ne!(store.search_changes().await.expect("an answer"), changes);
    assert!(is_found().await);
    (raid_of.visibility, raid_of.report_visibility) = (Visibility::Private, None);
    store.update_raid(&raid_of, None).await.expect("the raid");
    store.move_encounter(row.row, &other.code).await.expect("a move");
    assert!(is_found().await);
    store.move_encounter(row.row, &raid_of.code).await.expect("a move");
    assert!(!is_found().await);
    // What is derived while its raid is private is found when that is public again.
    store.keep_report(&kept(&row, ReportState::Final, 2, 1)).await.expect("a report");
    derive(&store, &row, &rows).await;
    assert!(!is_found().await);
    store.move_encounter(row.row, &other.code).await.expect("a move");
    assert!(is_found().await);
    assert_eq!(store.derive_again().await.expect("an answer"), 1);
    assert!(!is_found().await, "it is found again when it is derived");
    derive(&store, &row, &rows).await;
    assert!(is_found().await);
    assert!(store.discard(row.key.account, row.key.encounter).await.expect("an answer"));
    assert!(!is_found().await);
}

/// By its bosses as before, and by its players again when all names are shown, wherever it moves; and a name that nobody may
/// see there is found where others may.
pub async fn a_raid_that_hides_names_is_found_by_no_player(harness: &impl Harness<Store: Store>) {
    let store = harness.open().await;
    let account = account(&store, "ana").await;
    let mut hiding = RaidRow { names: NamesPolicy::Hidden, ..new_raid(&account, 1, Visibility::Public) };
    store.insert_raid(&hiding).await.expect("a raid");
    let full = raid(&store, &account, 2, Visibility::Public).await;
    let row = store.begin_encounter(&new_encounter(&hiding, 1)).await.expect("an encounter");
    let other = store.begin_encounter(&new_encounter(&full, 2)).await.expect("an encounter");
    // A boss has a player's name.
    let rows = Derived {
        time: None,
        players: vec![player(0, Some("Anna"), Some(1), None, "key1"), player(1, None, None, None, "key2")],
        bosses: vec![boss(0, "Golem"), boss(1, "Anna")],
        skills: Vec::new(),
    };
    keep(&store, &row, &kept(&row, ReportState::Final, 1, 1), &rows).await;
    let terms = |kind, name: &str| Some(vec![Term::name(kind, &fold(name))]);
    let key = |key: &str| PlayerWanted { key: Some(key.into()), ..PlayerWanted::default() };
    let as_anna = || PlayerWanted { names: terms(NameKind::Player, "anna"), ..PlayerWanted::default() };
    let by_player = |player| Filters { player, ..Filters::default() };
    let by_boss = |name: &str| Filters { bosses: terms(NameKind::Boss, name), ..Filters::default() };
    let of_fight = [
        Filters::default(),
        by_boss("golem"),
        by_boss("anna"),
        by_player(PlayerWanted { class_id: Some(1), ..PlayerWanted::default() }),
        Filters { scene: Some(Term::scene("Tower of \"Ruin\"")), ..Filters::default() },
        Filters { scene_id: Some(-7), ..Filters::default() },
    ];
    let of_player = [
        by_player(key("key1")),
        by_player(key("key2")),
        by_player(as_anna()),
        by_player(PlayerWanted { class_id: Some(1), ..as_anna() }),
        by_player(PlayerWanted { names: as_anna().names, ..key("key1") }),
        Filters { player: key("key1"), ..by_boss("golem") },
        Filters { player: as_anna(), scene_id: Some(-7), ..by_boss("anna") },
    ];
    let names = async |kind| {
        let typed = Typed::new(kind, "anna").expect("a name");
        names_like(&*store, &typed).await.expect("an answer").len()
    };
    // What all of these find, if they find the same.
    let all = async |of: &[Filters]| {
        let mut found = BTreeSet::new();
        for filters in of {
            for order in SearchOrder::ALL {
                let mut reports = reports(&store, &SearchRequest { order, ..request(filters.clone()) }).await.0;
                reports.sort();
                found.insert(reports);
            }
        }
        assert_eq!(found.len(), 1, "one finds what another does not: {found:?}");
        found.pop_first().unwrap_or_default()
    };
    let changes = std::cell::Cell::new(0);
    let found = async || {
        let now = store.search_changes().await.expect("an answer");
        assert!(changes.replace(now) < now, "{now}");
        let (fights, of_players) = (all(&of_fight).await, all(&of_player).await);
        assert_eq!(names(NameKind::Boss).await, usize::from(!fights.is_empty()));
        assert_eq!(names(NameKind::Player).await, usize::from(!of_players.is_empty()));
        (fights, of_players)
    };
    let (none, one, both) = (vec![], vec![row.report_id.clone()], vec![row.report_id.clone(), other.report_id.clone()]);
    assert_eq!(found().await, (one.clone(), none.clone()), "as it was derived");
    for (visibility, names) in [
        (Visibility::Public, NamesPolicy::Full),
        (Visibility::Public, NamesPolicy::Class),
        (Visibility::Unlisted, NamesPolicy::Class),
        (Visibility::Public, NamesPolicy::Full),
        (Visibility::Public, NamesPolicy::Hidden),
        (Visibility::Public, NamesPolicy::Class),
        (Visibility::Private, NamesPolicy::Full),
        (Visibility::Public, NamesPolicy::Hidden),
        (Visibility::Unlisted, NamesPolicy::Full),
        (Visibility::Public, NamesPolicy::Full),
        (Visibility::Private, NamesPolicy::Hidden),
        (Visibility::Public, NamesPolicy::Hidden),
    ] {
        (hiding.visibility, hiding.names) = (visibility, names);
        store.update_raid(&hiding, None).await.expect("the raid");
        let is_public = visibility == Visibility::Public;
        let is_named = is_public && names == NamesPolicy::Full;
        let of = |is_found| if is_found { one.clone() } else { none.clone() };
        assert_eq!(found().await, (of(is_public), of(is_named)), "{visibility:?} {names:?}");
    }
    // Beside one that shows the same names.
    keep(&store, &other, &kept(&other, ReportState::Final, 1, 2), &rows).await;
    let alone = vec![other.report_id.clone()];
    assert_eq!(found().await, (both.clone(), alone.clone()));
    store.move_encounter(row.row, &full.code).await.expect("a move");
    assert_eq!(found().await, (both.clone(), both.clone()), "it shows all names there");
    store.move_encounter(row.row, &hiding.code).await.expect("a move");
    assert_eq!(found().await, (both.clone(), alone.clone()));
    keep(&store, &row, &kept(&row, ReportState::Final, 2, 1), &rows).await;
    assert_eq!(found().await, (both.clone(), alone.clone()), "as it was derived again");
    store.move_encounter(other.row, &hiding.code).await.expect("a move");
    assert_eq!(found().await, (both.clone(), none.clone()));
    store.move_encounter(other.row, &full.code).await.expect("a move");
    assert_eq!(found().await, (both, alone.clone()));
    assert!(store.discard(row.key.account, row.key.encounter).await.expect("an answer"));
    assert_eq!(found().await, (alone.clone(), alone));
    assert!(store.discard(other.key.account, other.key.encounter).await.expect("an answer"));
    assert_eq!(found().await, (none.clone(), none));
}

/// Also short ones, and those of two characters.
pub async fn names_are_found_as_people_type_them(harness: &impl Harness<Store: Store>) {
    let store = harness.open().await;
    let account = account(&store, "ana").await;
    let public = raid(&store, &account, 1, Visibility::Public).await;
    let hidden = raid(&store, &account, 2, Visibility::Unlisted).await;
    for (number, raid, name) in [(1, &public, "张三"), (2, &public, "Igoreus"), (3, &hidden, "张四"), (4, &public, "a")]
    {
        let row = store.begin_encounter(&new_encounter(raid, number)).await.expect("an encounter");
        let rows = Derived { players: vec![player(0, Some(name), None, None, "key")], ..Derived::default() };
        keep(&store, &row, &kept(&row, ReportState::Final, 1, number), &rows).await;
    }
    for (text, expected) in [
        ("张三", Some("张三")),
        ("张", Some("张三")),
        ("三", None),
        ("张四", None),
        ("IGOREUS", Some("igoreus")),
        ("igorius", Some("igoreus")),
        ("reus", Some("igoreus")),
        ("A", Some("a")),
        ("zz", None),
    ] {
        let typed = Typed::new(NameKind::Player, text).expect("a name");
        let like = names_like(&*store, &typed).await.expect("an answer");
        let expected: Vec<_> = expected.map(|name| Term::name(NameKind::Player, name)).into_iter().collect();
        assert_eq!(like, expected, "{text}");
    }
}

/// Signs that mean something to a database are letters like all others.
pub async fn nothing_that_is_typed_is_read_as_sql(harness: &impl Harness<Store: Store>) {
    let (store, fights, _) = filled(harness).await;
    for text in
        ["'", "''; DROP TABLE search_terms; --", "%", "_", "*", "\"", "NEAR(a b)", "a OR 1=1", "\\", "$1", "?1", "\0"]
    {
        for kind in NameKind::ALL {
            let Some(typed) = Typed::new(kind, text) else { continue };
            assert_eq!(names_like(&*store, &typed).await.expect("an answer"), plain_names(&fights, &typed), "{text}");
        }
        let player = PlayerWanted { key: Some(text.replace('\0', "")), class_id: Some(1), ..PlayerWanted::default() };
        let filters = Filters { player, scene: Some(Term::scene(text)), ..Filters::default() };
        assert_eq!(reports(&store, &request(filters)).await.0, Vec::<String>::new(), "{text}");
    }
    assert!(!reports(&store, &request(Filters::default())).await.0.is_empty());
}

/// A name that two fights have is found until the last of them is gone.
pub async fn rows_of_search_go_with_their_encounter(harness: &impl Harness<Store: Store>) {
    let store = harness.open().await;
    let account = account(&store, "ana").await;
    let raid = raid(&store, &account, 1, Visibility::Public).await;
    let typed = Typed::new(NameKind::Player, "anna").expect("a name");
    let mut rows = Vec::new();
    for number in [1, 2] {
        let row = store.begin_encounter(&new_encounter(&raid, number)).await.expect("an encounter");
        let derived = Derived { players: vec![player(0, Some("Anna"), None, None, "key")], ..Derived::default() };
        for revision in [1, 2] {
            keep(&store, &row, &kept(&row, ReportState::Final, revision, number), &derived).await;
        }
        rows.push(row);
    }
    for (at, row) in rows.iter().enumerate() {
        assert_eq!(names_like(&*store, &typed).await.expect("an answer").len(), 1);
        assert_eq!(reports(&store, &request(Filters::default())).await.0.len(), 2 - at);
        assert!(store.discard(row.key.account, row.key.encounter).await.expect("an answer"));
    }
    assert_eq!(names_like(&*store, &typed).await.expect("an answer"), []);
    assert_eq!(reports(&store, &request(Filters::default())).await.0, Vec::<String>::new());
}

/// Names in reports that nobody finds push no other aside, and nobody learns of them; of very many names the one that was
/// typed is found.
pub async fn names_that_nobody_may_see_are_in_nobodys_way(harness: &impl Harness<Store: Store>) {
    let store = harness.open().await;
    let account = account(&store, "ana").await;
    let public = raid(&store, &account, 1, Visibility::Public).await;
    let mut hidden = raid(&store, &account, 2, Visibility::Private).await;
    let names = |from: i64, to: i64| Derived {
        players: (from..to)
            .map(|number| {
                player(number - from, Some(&format!("Secretive{number}")), None, None, &format!("key{number}"))
            })
            .collect(),
        ..Derived::default()
    };
    let row = store.begin_encounter(&new_encounter(&public, 1)).await.expect("an encounter");
    let one = Derived { players: vec![player(0, Some("Secretive"), None, None, "key")], ..Derived::default() };
    keep(&store, &row, &kept(&row, ReportState::Final, 1, 1), &one).await;
    let row = store.begin_encounter(&new_encounter(&hidden, 2)).await.expect("an encounter");
    keep(&store, &row, &kept(&row, ReportState::Final, 1, 2), &names(0, 1_500)).await;
    let found = async |text: &str| {
        let typed = Typed::new(NameKind::Player, text).expect("a name");
        names_like(&*store, &typed).await.expect("an answer")
    };
    let term = |name: &str| Term::name(NameKind::Player, name);
    for listed in [false, true, false, true] {
        hidden.visibility = if listed { Visibility::Public } else { Visibility::Private };
        store.update_raid(&hidden, None).await.expect("a raid");
        let alike = found("secretive").await;
        assert_eq!((alike[0], alike.len() > 1), (term("secretive"), listed));
        let other = found("secretive77").await;
        assert_eq!(other.contains(&term("secretive77")), listed);
        assert_eq!(found("secreti").await.len() > 1, listed);
    }
    assert!(store.discard(row.key.account, row.key.encounter).await.expect("an answer"));
    assert_eq!(found("secretive").await, [term("secretive")]);
}
