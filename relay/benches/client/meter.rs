//! The meter: a process that writes a database, moved through a fight by lines on its standard input.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clap::{Args, ValueEnum};
use raidcast_meterkit::{Fight, LIVE_TICK, MeterWriter, Script};
use raidcast_relay::clock::Clock;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::process::{Process, usage};

/// How the database keeps hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Generation {
    /// C: arrays that grow.
    Aggregate,
    /// E: sealed chunks.
    Chunks,
}

impl Generation {
    fn name(self) -> &'static str {
        match self {
            Self::Aggregate => "aggregate",
            Self::Chunks => "chunks",
        }
    }
}

/// Which fight is written, and where.
#[derive(Args, Clone)]
pub(crate) struct Options {
    #[arg(long)]
    db: PathBuf,
    #[arg(long, value_enum)]
    generation: Generation,
    #[arg(long)]
    players: usize,
    #[arg(long)]
    duration_ms: i64,
}

impl Options {
    fn fight(&self) -> Fight {
        let script = Script { players: self.players, duration_ms: self.duration_ms, ..Script::raid(1) };
        Script { started_at_ms: Clock::system().now_ms(), ..script }.fight()
    }
}

/// What the meter is to do next; it answers each with a line.
#[derive(Serialize, Deserialize)]
enum Order {
    /// Be at this moment of the fight, ms, at once.
    Skip(i64),
    /// Live through so many ms of it, so many times as fast as it was.
    Play(i64, f64),
    /// Write the rest and end it.
    End,
}

/// A commit that somebody watched.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Commit {
    /// All up to this moment of the fight is written, ms.
    pub(crate) until_ms: i64,
    /// When it was, Unix ms.
    pub(crate) unix_ms: i64,
    /// What writing and committing took by the wall's clock, seconds.
    pub(crate) took_s: f64,
}

/// What playing took.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Played {
    /// The meter's processor time, seconds.
    pub(crate) cpu_s: f64,
    pub(crate) commits: Vec<Commit>,
}

/// The process that writes.
pub(crate) async fn write(options: &Options) -> Result<()> {
    let mut writer = MeterWriter::open(
        &options.db,
        match options.generation {
            Generation::Aggregate => raidcast_meterkit::Generation::Aggregate,
            Generation::Chunks => raidcast_meterkit::Generation::Chunks,
        },
    )
    .await?;
    let fight = options.fight();
    writer.begin(&fight).await?;
    let mut now_ms = 0;
    println!("{}", serde_json::to_string(&Played::default())?);
    for line in std::io::stdin().lines() {
        let before = own_cpu_s();
        let mut played = Played::default();
        match serde_json::from_str(&line?)? {
            Order::Skip(ms) => {
                writer.skip_to(ms).await?;
                now_ms = ms;
            }
            Order::Play(ms, speed) => {
                played.commits = play(&mut writer, now_ms, ms, speed).await?;
                now_ms += ms;
            }
            Order::End => writer.end().await?,
        }
        played.cpu_s = own_cpu_s() - before;
        println!("{}", serde_json::to_string(&played)?);
    }
    Ok(())
}

fn own_cpu_s() -> f64 {
    usage("self").map_or(0.0, |usage| usage.cpu_s)
}

async fn play(writer: &mut MeterWriter, from_ms: i64, ms: i64, speed: f64) -> Result<Vec<Commit>> {
    let clock = Clock::system();
    let began = Instant::now();
    let mut ticks = interval(LIVE_TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut commits = Vec::new();
    loop {
        ticks.tick().await;
        let due = (began.elapsed().as_secs_f64() * speed * 1e3) as i64;
        let until_ms = from_ms + due.min(ms);
        let start = Instant::now();
        writer.advance_to(until_ms).await?;
        let took_s = start.elapsed().as_secs_f64();
        commits.push(Commit { until_ms, unix_ms: clock.now_ms(), took_s });
        if due >= ms {
            return Ok(commits);
        }
    }
}

/// A meter that runs beside this process.
pub(crate) struct Meter {
    pub(crate) process: Process,
    answers: BufReader<std::process::ChildStdout>,
    /// The fight that it writes.
    pub(crate) fight: Fight,
}

impl Meter {
    /// Starts it; the fight has begun when this returns.
    pub(crate) fn start(db: &Path, generation: Generation, players: usize, duration_ms: i64) -> Result<Self> {
        let options = Options { db: db.to_owned(), generation, players, duration_ms };
        let mut child = Command::new(std::env::current_exe()?)
            .args(["meter", "--generation", generation.name(), "--players", &players.to_string()])
            .args(["--duration-ms", &duration_ms.to_string(), "--db"])
            .arg(db)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let answers = BufReader::new(child.stdout.take().context("the meter has no output")?);
        let mut meter = Self { process: Process(child), answers, fight: options.fight() };
        meter.answer()?;
        Ok(meter)
    }

    fn answer(&mut self) -> Result<Played> {
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            bail!("the meter ended");
        }
        Ok(serde_json::from_str(&line)?)
    }

    async fn order(mut self, order: Order) -> Result<(Self, Played)> {
        // Answers come when it is done: minutes.
        tokio::task::spawn_blocking(move || {
            let stdin = self.process.0.stdin.as_mut().context("the meter has no input")?;
            writeln!(stdin, "{}", serde_json::to_string(&order)?)?;
            let played = self.answer()?;
            Ok((self, played))
        })
        .await?
    }

    /// Brings the fight to this moment at once.
    pub(crate) async fn skip(self, to: Duration) -> Result<Self> {
        Ok(self.order(Order::Skip(to.as_millis() as i64)).await?.0)
    }

    /// Lives through so much of the fight.
    pub(crate) async fn play(self, span: Duration, speed: f64) -> Result<(Self, Played)> {
        self.order(Order::Play(span.as_millis() as i64, speed)).await
    }

    /// Writes the rest and ends the fight.
    pub(crate) async fn end(self) -> Result<Self> {
        Ok(self.order(Order::End).await?.0)
    }

    /// Hits and heals of the fight between two moments, ms.
    pub(crate) fn hits(&self, from_ms: i64, until_ms: i64) -> usize {
        let before = |ms: i64| self.fight.hits.partition_point(|hit| hit.at_ms <= ms);
        before(until_ms) - before(from_ms)
    }
}

impl Played {
    /// How long a commit took, ms: the middle one.
    pub(crate) fn commit_ms(&self) -> f64 {
        crate::stage::share(self.commits.iter().map(|commit| commit.took_s * 1e3), 0.5)
    }

    /// By the wall's clock, seconds.
    pub(crate) fn wall_s(&self) -> f64 {
        let (first, last) = (self.commits.first(), self.commits.last());
        first.zip(last).map_or(0.0, |(first, last)| (last.unix_ms - first.unix_ms) as f64 / 1e3)
    }
}

pub(crate) fn duration(ms: i64) -> Duration {
    Duration::from_millis(ms.max(0) as u64)
}
