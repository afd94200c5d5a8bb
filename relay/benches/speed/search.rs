//! Searches among many encounters, beside reading fifty of them by their primary key.

use anyhow::Result;
use clap::ValueEnum;
use raidcast_store::archive::{Archive, KINDS, Numbers, Question};
use raidcast_store::search::{Filters, ROWS_LOOKED_AT_MAX};
use raidcast_store::{Search, SearchOrder, SearchRequest};
use tokio::time::Instant;

use crate::filled::{Filled, OnPostgres, OnSqlite};

/// Entries of a page, and encounters that are read beside it.
const PAGE: u32 = 50;
/// The aim: p99 of a search in reads by primary key.
const AIM: f64 = 20.0;

/// What is asked, and of how much.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// So many encounters; 1,000,000 in PostgreSQL and 100,000 in SQLite without it
    #[arg(long)]
    encounters: Option<i64>,
    /// Where they are
    #[arg(long, value_enum, default_value_t = Database::Postgres)]
    database: Database,
    /// Questions of each kind
    #[arg(long, default_value_t = 300)]
    questions: usize,
    /// A database of PostgreSQL to fill, or one that was filled so before, in place of a server that is removed at the end
    #[arg(long)]
    url: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Database {
    Postgres,
    Sqlite,
}

pub(crate) async fn measure(options: &Options) -> Result<()> {
    let default = if options.database == Database::Postgres { 1_000_000 } else { 100_000 };
    let archive = Archive::new(options.encounters.unwrap_or(default));
    match options.database {
        Database::Postgres => asked(OnPostgres::new(archive, options.url.as_deref()).await?, options.questions).await,
        Database::Sqlite => asked(OnSqlite::new(archive).await?, options.questions).await,
    }
}

/// Where in the list.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum At {
    First,
    Deepest,
    Cursor,
}

/// How long each took, ms.
#[derive(Default)]
struct Times(Vec<f64>);

impl Times {
    fn at(&self, share: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.get(((sorted.len() as f64 * share) as usize).min(sorted.len().saturating_sub(1))).copied().unwrap_or(0.0)
    }
}

struct Asked {
    kind: &'static str,
    order: SearchOrder,
    at: At,
    ms: f64,
    what: String,
}

async fn asked(mut filled: impl Filled, questions: usize) -> Result<()> {
    println!("{} encounters in {}", filled.archive().encounters(), filled.told().await?);
    let store = filled.store().await?;
    let (mut all, mut reads) = (Vec::new(), Times::default());
    // Some systems take back memory that was not used for a while, however much is free.
    filled.warm().await?;
    // What is asked first has no pages of its own yet.
    for round in 0..2 {
        let questions = if round == 0 { questions.min(30) } else { questions };
        (all, reads) = ask_all(&mut filled, &*store, questions, round).await?;
    }
    store.close().await?;
    drop(store);
    let read = reads.at(0.5);
    println!("  reading {PAGE} encounters by primary key, warm: p50 {read:.2} ms, p99 {:.2} ms", reads.at(0.99));
    println!("  warm, ms: what is asked                      p50     p99   ratio of the p99");
    let mut worst = 0.0_f64;
    for (kind, _) in KINDS {
        let times = Times(all.iter().filter(|asked| asked.kind == kind).map(|asked| asked.ms).collect());
        let p99 = times.at(0.99);
        worst = worst.max(p99 / read);
        println!("  {kind:<38} {:9.2}  {p99:6.2}  {:6.1}", times.at(0.5), p99 / read);
    }
    for (name, at) in [("a first page", At::First), ("the deepest page", At::Deepest), ("by a cursor", At::Cursor)] {
        let times = Times(all.iter().filter(|asked| asked.at == at).map(|asked| asked.ms).collect());
        println!("  all of {name:<31} {:9.2}  {:6.2}  {:6.1}", times.at(0.5), times.at(0.99), times.at(0.99) / read);
    }
    for order in SearchOrder::ALL {
        let times = Times(all.iter().filter(|asked| asked.order == order).map(|asked| asked.ms).collect());
        let name = format!("{order:?}").to_lowercase();
        println!("  all by {name:<31} {:9.2}  {:6.2}  {:6.1}", times.at(0.5), times.at(0.99), times.at(0.99) / read);
    }
    let all_times = Times(all.iter().map(|asked| asked.ms).collect());
    let (p50, p99) = (all_times.at(0.5), all_times.at(0.99));
    println!("  all                                    {p50:9.2}  {p99:6.2}  {:6.1}", p99 / read);
    println!("  the worst kind's p99 is {worst:.1} reads; the aim is {AIM}");
    all.sort_by(|a, b| b.ms.total_cmp(&a.ms));
    for asked in all.iter().take(5) {
        println!("  slow: {:.2} ms, {}, {}", asked.ms, asked.kind, asked.what);
    }
    cold(&mut filled).await
}

/// Questions of each kind, and as many reads between them.
async fn ask_all(
    filled: &mut impl Filled,
    store: &dyn Search,
    questions: usize,
    seed: u64,
) -> Result<(Vec<Asked>, Times)> {
    let (mut all, mut reads) = (Vec::new(), Times::default());
    for number in 0..questions {
        for (at, (kind, ask)) in KINDS.iter().enumerate() {
            let mut numbers = Numbers::new(seed << 48 | (number as u64) << 16 | at as u64);
            let question = ask(filled.archive(), &mut numbers);
            let (request, at) = request(filled.archive(), &mut numbers);
            let what = format!("{:?} {question:?}", (request.order, request.descending, request.skip, request.after));
            let order = request.order;
            all.push(Asked { kind, order, at, ms: ask_one(store, request, question).await?, what });
            reads.0.push(read(filled, &mut numbers).await?);
        }
    }
    Ok((all, reads))
}

async fn read(filled: &mut impl Filled, numbers: &mut Numbers) -> Result<f64> {
    let count = filled.archive().encounters() as usize;
    let rows: Vec<i64> = (0..PAGE).map(|_| 1 + numbers.below(count) as i64).collect();
    let began = Instant::now();
    filled.read(&rows).await?;
    Ok(began.elapsed().as_secs_f64() * 1e3)
}

fn request(archive: &Archive, numbers: &mut Numbers) -> (SearchRequest, At) {
    let order = numbers.of(&SearchOrder::ALL);
    let at = numbers.of(&[At::First, At::Deepest, At::Cursor]);
    let request = SearchRequest {
        filters: Filters::default(),
        order,
        descending: numbers.below(2) == 0,
        after: (at == At::Cursor).then(|| archive.place(order, numbers)),
        skip: if at == At::Deepest { ROWS_LOOKED_AT_MAX - PAGE } else { 0 },
        take: PAGE,
        // As the relay asks.
        count: at != At::Cursor,
        look: ROWS_LOOKED_AT_MAX,
    };
    (request, at)
}

/// Asks as the relay does: names first.
async fn ask_one(store: &dyn Search, request: SearchRequest, question: Question) -> Result<f64> {
    let began = Instant::now();
    let filters = question.filters(store).await?;
    store.search(&SearchRequest { filters, ..request }).await?;
    Ok(began.elapsed().as_secs_f64() * 1e3)
}

/// The first question of each kind to a database that was just started, of which nothing is in memory.
async fn cold(filled: &mut impl Filled) -> Result<()> {
    if !filled.forget().await? {
        return Ok(());
    }
    let store = filled.store().await?;
    let (all, reads) = ask_all(filled, &*store, 1, 7).await?;
    let times = Times(all.iter().map(|asked| asked.ms).collect());
    println!(
        "  cold, the first question of each kind: p50 {:.1} ms, the slowest {:.1} ms",
        times.at(0.5),
        times.at(1.0)
    );
    println!("  a read between two of them: p50 {:.1} ms, the slowest {:.1} ms", reads.at(0.5), reads.at(1.0));
    Ok(store.close().await?)
}
