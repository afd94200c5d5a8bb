//! The fold beside a hash-map increment a hit.

use std::collections::HashMap;
use std::hint::black_box;

use anyhow::Result;
use raidcast_meterkit::Script;
use raidcast_shared::columns::ColumnMap;
use raidcast_shared::event::HitKind;
use raidcast_shared::fold::{Checked, EncounterState, Gate};
use tokio::time::Instant;

use crate::fight::streamed;
use crate::spread;

const RUNS: usize = 21;

pub(crate) async fn measure() -> Result<()> {
    let fight = streamed(&Script::raid(1).fight()).await?;
    let columns = || ColumnMap::new(&fight.header.cols).expect("the client's own columns");
    let (mut folds, mut checks, mut increments) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let mut state = EncounterState::new(fight.header.clone(), columns());
        let mut gate = Gate::new(state.header()).expect("our own columns are usable");
        let began = Instant::now();
        let checked: Vec<Checked> = fight.deltas.iter().map(|delta| gate.check(delta).expect("it fits")).collect();
        checks.push(fight.hits as f64 / began.elapsed().as_secs_f64());

        let began = Instant::now();
        for delta in &checked {
            state.apply(delta);
        }
        folds.push(fight.hits as f64 / began.elapsed().as_secs_f64());
        black_box(&state);

        let hits: Vec<_> = checked.iter().flat_map(|delta| &delta.hits).collect();
        let began = Instant::now();
        let mut sums: HashMap<(u16, u16, u16, HitKind), u64> = HashMap::new();
        for timed in &hits {
            let hit = &timed.hit;
            *sums.entry((hit.source.0, hit.target.0, hit.skill.0, hit.kind)).or_default() += hit.amount;
        }
        increments.push(fight.hits as f64 / began.elapsed().as_secs_f64());
        black_box(&sums);
    }
    println!("{} hits of 20 players in {} deltas, {RUNS} runs", fight.hits, fight.deltas.len());
    println!("  million hits a second      median      (least to most)");
    let show = |what: &str, runs: Vec<f64>| {
        let (median, least, most) = spread(runs);
        println!("  {what:<26} {:6.1}      ({:.1} to {:.1})", median / 1e6, least / 1e6, most / 1e6);
        median
    };
    let fold = show("fold", folds);
    show("decode and check before it", checks);
    let increment = show("a hash-map increment", increments);
    println!("  fold is {:.2} times the increment's rate", fold / increment);
    Ok(())
}
