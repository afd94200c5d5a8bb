//! t
use raidcast_meterkit::*;
#[tokio::main]
async fn main() {
    let f = Script::raid(1).fight();
    println!("{} hits", f.hits.len());
    for g in Generation::ALL {
        let p = std::path::PathBuf::from(format!("/tmp/mk-{g:?}.db"));
        for e in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{e}", p.display()));
        }
        let mut w = MeterWriter::open(&p, g).await.unwrap();
        let t = std::time::Instant::now();
        w.begin(&f).await.unwrap(); w.advance_to(400_000).await.unwrap(); println!("stepped {:?}", t.elapsed());
        println!("{g:?} {:?}", t.elapsed());
        w.close().await.unwrap();
    }
}
