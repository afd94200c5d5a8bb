//! `cargo demo`: a whole raid night in two minutes, on this machine alone.
//!
//! A relay on an embedded database, a meter that writes a scripted fight as it would during play, and the real client
//! between them. Everything lies in a temporary folder that goes when this ends.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clap::{Parser, ValueEnum};
use raidcast::cli::words::watch_error;
use raidcast::uploader::{self, Change};
use raidcast_meterkit::{Fight, Generation, HitKind, MeterWriter, Script, write_live, write_name_files};
use raidcast_relay::clock::{Clock, Entropy};
use raidcast_relay::config::{Config, KeySetting, listen_addr};
use raidcast_relay::limits::EdgeLimits;
use raidcast_relay::serve::Relay;
use raidcast_relay::telemetry::LogFormat;
use raidcast_shared::limits;
use raidcast_shared::report::{Report, Totals};
use raidcast_shared::uplink::{Outcome, ReportState, Visibility};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

/// The first port tried, and how many after it.
const PORTS: std::ops::Range<u16> = 8787..8887;
/// Of the fight: wiped after three quarters of a minute, begun again, killed at one minute and thirty-five.
const FIGHT_MS: i64 = 96_000;
/// Any will do; this one makes a close wipe.
const SEED: u64 = 4;
/// Nothing that is waited for here takes this long.
const PATIENCE: Duration = Duration::from_mins(1);
/// Between two lines of figures.
const FIGURES_EVERY: Duration = Duration::from_secs(10);
/// What the client may tell before anybody listens; more is left out.
const CHANGES: usize = 1_024;

/// A raid that begins, wipes, begins again, is killed and kept: two minutes, on this machine alone.
#[derive(Parser)]
#[command(name = "cargo demo")]
struct Cli {
    /// Address to listen on [default: 127.0.0.1:8787, or the next port that is free]
    #[arg(long, value_name = "ADDR", value_parser = listen_addr)]
    listen: Option<SocketAddr>,
    /// How many times as fast as a real fight
    #[arg(long, value_name = "X", default_value_t = 1.0)]
    speed: f64,
    /// Which kind of meter is simulated
    #[arg(long, value_enum, default_value_t = Meter::Aggregate)]
    generation: Meter,
    /// End when the fight is kept; with status 0 only if its report is final, its sums are the script's, and every
    /// skill and boss has a name
    #[arg(long)]
    exit: bool,
    /// Folder for everything, which is kept [default: a temporary one, removed at the end]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Meter {
    /// As Resonance Logs 0.15 to 0.19: each hit is read when it happens
    Aggregate,
    /// As its Chinese fork since August 2026: up to two seconds late
    Journal,
}

#[tokio::main]
async fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match demo(Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\n{error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn demo(cli: Cli) -> Result<()> {
    if !(cli.speed > 0.0 && cli.speed <= 1_000.0) {
        bail!("--speed must be a number above 0, at most 1000");
    }
    let temporary = tempfile::tempdir()?;
    let data = cli.data.as_deref().unwrap_or(temporary.path());
    std::fs::create_dir_all(data).with_context(|| format!("could not make {}", data.display()))?;
    let key = Entropy::system().code(32);
    let relay = Relay::start(&Config {
        listen: vec![address(cli.listen)?],
        data: data.join("relay"),
        database_url: None,
        public_url: None,
        keys: vec![KeySetting::of("demo", &*key)],
        grace_ms: limits::GRACE_MS,
        trusted_proxies: Vec::new(),
        cors_origins: raidcast_relay::cors::Origins::default(),
        metrics_listen: None,
        tls: None,
        downloads: None,
        picture_fonts: Vec::new(),
        webhook_hosts: Vec::new(),
        log_format: LogFormat::Text,
        registration: raidcast_relay::account::Registration::default(),
        keep_days: None,
        character_proof: vec![raidcast_shared::character::ProofWay::Administrator],
        providers: Vec::new(),
        limits: EdgeLimits::default(),
    })
    .await?;
    let url = format!("http://{}", relay.addrs()[0]);
    let played = tokio::select! {
        played = play(&cli, data, &url, key) => played,
        interrupted = interrupted() => interrupted.map_err(Into::into),
    };
    relay.stop().await;
    played
}

/// The address asked for, or the first free one.
fn address(asked: Option<SocketAddr>) -> Result<SocketAddr> {
    if let Some(asked) = asked {
        return Ok(asked);
    }
    let mut all = PORTS.map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    let free = all.find(|addr| TcpListener::bind(addr).is_ok());
    free.with_context(|| {
        format!("no port from {} to {} is free: choose another address with --listen", PORTS.start, PORTS.end - 1)
    })
}

/// Client and meter, from the first address to the kept report; then until Ctrl-C.
async fn play(cli: &Cli, data: &Path, url: &str, key: String) -> Result<()> {
    let generation = match cli.generation {
        Meter::Aggregate => Generation::Aggregate,
        Meter::Journal => Generation::Chunks,
    };
    let db = data.join(match cli.generation {
        Meter::Aggregate => "meter-aggregate.db",
        Meter::Journal => "meter-journal.db",
    });
    // Where the client looks for what a meter calls skills and monsters.
    write_name_files(&data.join("meter-data"))?;
    let mut meter = MeterWriter::open(&db, generation).await?;

    let mut options = uploader::Options::new(url, key, data.join("client"));
    options.db = Some(db);
    options.visibility = Some(Visibility::Public);
    options.title = Some("Demo raid".into());
    let (told, mut changes) = mpsc::channel(CHANGES);
    let end = CancellationToken::new();
    // Ends with this function, however that ends.
    let _ends = end.clone().drop_guard();
    let mut client = tokio::spawn(uploader::run(options, end.clone(), move |change| drop(told.try_send(change))));

    println!("This runs a relay, a simulated meter with a fight of 20 players, and the real client between them.\n");
    println!("  all raids   {url}/");
    loop {
        match next(&mut client, &mut changes).await? {
            Change::Connected { url, channel_url, .. } => {
                println!("  this raid   {url}");
                println!("  channel     {channel_url}");
                break;
            }
            Change::Refused { text, .. } => bail!("the relay refuses: {text}"),
            _ => {}
        }
    }

    let script = Script { duration_ms: FIGHT_MS, started_at_ms: Clock::system().now_ms(), ..Script::raid(SEED) };
    let fight = script.fight();
    let story = tell(&fight);
    let began = Instant::now();
    let (written, speed) = (fight.clone(), cli.speed);
    let mut meter = tokio::spawn(async move {
        write_live(&mut meter, &written, speed).await?;
        meter.close().await
    });

    let report_id = loop {
        if let Change::Begun { report_id, url, .. } = next(&mut client, &mut changes).await? {
            println!("  report      {url}   <- watch it here\n");
            break report_id;
        }
    };

    let at = |ms: i64| began + Duration::from_millis(ms.unsigned_abs()).div_f64(speed);
    let mut figures = interval(FIGURES_EVERY);
    figures.set_missed_tick_behavior(MissedTickBehavior::Skip);
    figures.reset();
    let mut story = story.into_iter().peekable();
    let mut ended = false;
    let kept = timeout(Duration::from_millis(FIGHT_MS as u64).div_f64(speed) + PATIENCE, async {
        loop {
            let next_line = story.peek().map(|(ms, _)| at(*ms));
            tokio::select! {
                biased;
                // The script, when its time comes.
                () = sleep_until(next_line.unwrap_or_else(Instant::now)), if next_line.is_some() => {
                    if let Some((ms, line)) = story.next() {
                        say(ms, &line);
                    }
                }
                // What became of it.
                change = next(&mut client, &mut changes) => {
                    if let Change::Finalized { state: ReportState::Final, url, .. } = change? {
                        for (ms, line) in story.by_ref() {
                            say(ms, &line);
                        }
                        return Ok::<_, anyhow::Error>(url);
                    }
                }
                // A meter that cannot write ends everything.
                written = &mut meter, if !ended => {
                    written??;
                    ended = true;
                }
                // What a spectator sees meanwhile.
                _ = figures.tick() => {
                    let live = report(url, &report_id).await?.fight;
                    let ms = (began.elapsed().as_secs_f64() * speed * 1_000.0) as i64;
                    let (million, hits) = (live.totals.damage as f64 / 1e6, live.totals.hits);
                    say(ms, &format!("{million:.1} million damage by {} players in {hits} hits", live.players.len()));
                }
            }
        }
    })
    .await
    .context("the report was not kept in time")??;

    let report = report(url, &report_id).await?;
    let kept_as_written = check(&report, &fight);
    println!("\nThe report is kept: {kept}");
    match &kept_as_written {
        Ok(()) => println!("It is final, and its sums are those of the script: {}", words(&report.fight.totals)),
        Err(error) => println!("But {error:#}"),
    }
    if cli.exit {
        return kept_as_written;
    }
    println!("\nThe relay goes on showing it. Press Ctrl-C to end it.");
    client.await?.map(drop).map_err(|error| in_words(&error))
}

type Client = tokio::task::JoinHandle<Result<uploader::Summary, uploader::WatchError>>;

fn in_words(error: &uploader::WatchError) -> anyhow::Error {
    anyhow::anyhow!(watch_error(error))
}

/// What the client tells next.
async fn next(client: &mut Client, changes: &mut mpsc::Receiver<Change>) -> Result<Change> {
    match timeout(PATIENCE * 4, changes.recv()).await {
        Ok(Some(change)) => Ok(change),
        Ok(None) => {
            client.await?.map_err(|error| in_words(&error))?;
            bail!("the client ended before the fight did")
        }
        Err(_) => bail!("the client has not said anything for {} s", (PATIENCE * 4).as_secs()),
    }
}

/// The fight's turning points, by ms since it began.
fn tell(fight: &Fight) -> Vec<(i64, String)> {
    let scene = fight.scene_name.as_deref().unwrap_or("the dungeon");
    let mut story = vec![(0, format!("{} players enter {scene}", fight.players.len()))];
    let Some(boss) = fight.monsters.iter().find(|monster| monster.is_boss) else { return story };
    let name = &boss.name;
    if let Some(first) = fight.hits.iter().find(|hit| hit.target == boss.entity_id) {
        story.push((first.at_ms, format!("{name} is pulled")));
    }
    for attempt in fight.attempts.iter().filter(|attempt| attempt.ended_ms.is_some()) {
        let fell = fight.deaths.iter().rfind(|death| death.attempt == Some(attempt.index));
        let left = attempt.boss_hp_end.zip(boss.max_hp).map_or(0, |(hp, max_hp)| hp * 100 / max_hp.max(1));
        story.extend(fell.map(|death| (death.at_ms, format!("everybody is down: {name} has {left} % left"))));
    }
    for attempt in fight.attempts.iter().skip(1) {
        story.push((attempt.started_ms, format!("attempt {}", attempt.index)));
    }
    if let Some(death) = fight.deaths.iter().find(|death| death.actor == boss.entity_id) {
        story.push((death.at_ms, format!("{name} is dead")));
    }
    story.extend(fight.ended_at_ms.map(|ms| (ms, "the meter ends the fight".to_owned())));
    story
}

fn say(ms: i64, line: &str) {
    println!("  {}:{:02}  {line}", ms / 60_000, ms / 1_000 % 60);
}

fn words(totals: &Totals) -> String {
    let Totals { damage, healing, hits, heal_hits, deaths, .. } = totals;
    let deaths = deaths.unwrap_or_default();
    format!("{damage} damage in {hits} hits, {healing} healing in {heal_hits}, {deaths} deaths")
}

/// The report as any spectator gets it.
async fn report(url: &str, report_id: &str) -> Result<Report> {
    let host = url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(host).await?;
    let path = format!("/api/v1/reports/{report_id}");
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let (head, body) = answer.split_once("\r\n\r\n").context("no answer over HTTP")?;
    if !head.starts_with("HTTP/1.1 200") {
        bail!("the relay answers {}", head.lines().next().unwrap_or_default());
    }
    serde_json::from_str(body).context("the report does not parse")
}

/// Whether a report is final, says what the script says, and has a name for everything in it.
fn check(report: &Report, fight: &Fight) -> Result<()> {
    if report.state != ReportState::Final {
        bail!("the report is not final: {:?}", report.state);
    }
    if let Some(unverified) = &report.unverified {
        bail!("client and relay disagree: {} and {}", unverified.client, unverified.relay);
    }
    let (kept, script) = (report.fight.totals, sums(fight));
    if kept != script {
        bail!("the report's sums are not the script's:\n  report  {kept:?}\n  script  {script:?}");
    }
    let bosses: Vec<_> = fight.monsters.iter().filter(|monster| monster.is_boss).map(|boss| &boss.name).collect();
    if report.fight.bosses.iter().map(|boss| &boss.name).ne(bosses.iter().copied()) {
        bail!("the bosses are not called {bosses:?}");
    }
    let skills = report.fight.players.iter().flat_map(|player| &player.skills);
    let skills = skills.map(|skill| (Some(skill.skill_id), &skill.name));
    let deaths = report.fight.deaths.iter().map(|death| (death.skill_id, &death.skill));
    if let Some((Some(skill), _)) = skills.chain(deaths).find(|(id, name)| id.is_some() && name.is_none()) {
        bail!("skill {skill} has no name");
    }
    let went: Vec<_> = report.fight.attempts.iter().map(|attempt| attempt.outcome).collect();
    if !went.is_empty() && went != [Outcome::Wipe, Outcome::Kill] {
        bail!("the attempts were a wipe and a kill, and the report says {went:?}");
    }
    if report.fight.encounter.scene != fight.scene_name {
        bail!("the scene is not called {:?}", fight.scene_name);
    }
    Ok(())
}

/// What a correct report of the fight adds up to.
fn sums(fight: &Fight) -> Totals {
    let player = |uid: i64| fight.player(uid).is_some();
    let boss = |uid: i64| fight.monster(uid).is_some_and(|monster| monster.is_boss);
    let (mut totals, mut boss_damage, mut damage_taken) = (Totals::default(), 0, 0);
    for hit in &fight.hits {
        let amount = hit.aggregate_amount().unsigned_abs();
        match (hit.kind, player(hit.source), player(hit.target)) {
            (HitKind::Heal, true, _) => {
                totals.healing += amount;
                totals.heal_hits += 1;
            }
            (HitKind::Damage, true, false) => {
                totals.damage += amount;
                totals.hits += 1;
                boss_damage += if boss(hit.target) { amount } else { 0 };
            }
            (HitKind::Damage, _, true) => damage_taken += amount,
            _ => {}
        }
    }
    let deaths = fight.deaths.iter().filter(|death| player(death.actor)).count() as u64;
    Totals { boss_damage: Some(boss_damage), damage_taken: Some(damage_taken), deaths: Some(deaths), ..totals }
}

/// Resolves on Ctrl-C or SIGTERM.
async fn interrupted() -> std::io::Result<()> {
    #[cfg(unix)]
    {
        let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        tokio::select! {
            _ = terminate.recv() => Ok(()),
            interrupted = tokio::signal::ctrl_c() => interrupted,
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}
