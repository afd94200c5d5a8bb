//! What an operator sets wrong is refused at the start, with what to do; and what the log of a relay looks like.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::process::{KEY, RELAY, Run};

/// Starts a relay that must not start.
fn refused(data: &Path, arguments: &[&str], key: &str, file: &str) -> String {
    let config = data.join("raidcast.toml");
    std::fs::write(&config, file).expect("a configuration");
    let output: Output = Command::new(RELAY)
        .args(["--listen", "127.0.0.1:0", "--data"])
        .arg(data.join("data"))
        .arg("--config")
        .arg(&config)
        .args(arguments)
        .env("RAIDCAST_UPLOAD_KEY", key)
        .stdin(Stdio::null())
        .output()
        .expect("it runs");
    assert!(!output.status.success(), "{arguments:?} {file:?} was taken");
    assert!(!data.join("data").exists(), "nothing was made before");
    String::from_utf8(output.stderr).expect("text")
}

#[test]
fn what_cannot_be_is_refused_at_the_start_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let told = [
        (refused(folder.path(), &["--listen", "8787"], KEY, ""), "give address and port, like 127.0.0.1:8787"),
        (refused(folder.path(), &["--listen", "localhost"], KEY, ""), "give address and port, like 127.0.0.1:8787"),
        (refused(folder.path(), &["--public-url", "ftp://raids.example"], KEY, ""), "http:// or https://"),
        (refused(folder.path(), &[], KEY, "public_url = \"raids.example\""), "like https://raids.example"),
        (refused(folder.path(), &["--trusted-proxy", "nginx"], KEY, ""), "is no address of a proxy"),
        (refused(folder.path(), &[], KEY, "trusted_proxies = [\"10.0.0.0/99\"]"), "is no address of a proxy"),
        (refused(folder.path(), &["--connections-per-address", "0"], KEY, ""), "0"),
        (refused(folder.path(), &[], KEY, "connections_per_address = 0"), "at least 1"),
        (refused(folder.path(), &[], KEY, "memory_mib = 511"), "at least 512"),
        (refused(folder.path(), &["--memory-mib", "1"], KEY, ""), "512"),
        (refused(folder.path(), &["--metrics-listen", "9090"], KEY, ""), "like 127.0.0.1:8787"),
        (refused(folder.path(), &["--log-format", "xml"], KEY, ""), "xml"),
        (refused(folder.path(), &[], KEY, "log_format = \"xml\""), "\"text\" or \"json\""),
        (refused(folder.path(), &[], "a-key-with-\u{fc}mlauts", ""), "RAIDCAST_UPLOAD_KEY"),
        (refused(folder.path(), &[], " a-key-with-a-space", ""), "RAIDCAST_UPLOAD_KEY"),
        (refused(folder.path(), &[], "PASTE A KEY HERE", ""), "without spaces"),
        (refused(folder.path(), &[], KEY, "[upload_keys]\nguild = \"PASTE A KEY HERE\"\n"), "raidcast.toml:2: "),
        (refused(folder.path(), &[], KEY, "[upload_keys]\nguild = \"\"\n"), "raidcast.toml:2: the upload key is empty"),
        (refused(folder.path(), &[], KEY, &format!("[upload_keys]\nguild = \"{KEY}\"\n")), "the same upload key"),
    ];
    for (text, says) in told {
        assert!(text.contains(says), "{says}: {text}");
        assert!(!text.contains("mlauts") && !text.contains("a-key-with-a-space") && !text.contains(KEY), "{text}");
    }
}

#[test]
fn a_start_without_a_database_leaves_no_folder_behind() {
    let folder = tempfile::tempdir().unwrap();
    let songs = folder.path().join("songs.db");
    std::fs::write(&songs, "this is no database".repeat(100)).unwrap();
    // That nothing was made is asked for each.
    let text = refused(folder.path(), &["--database-url", &format!("sqlite:{}", songs.display())], KEY, "");
    assert!(text.contains("is not a database"), "{text}");
    #[cfg(feature = "postgres")]
    {
        let text = refused(folder.path(), &["--database-url", "postgres://ana@127.0.0.1:9/raids"], KEY, "");
        assert!(text.contains("could not open the database"), "{text}");
    }
    // One that was there is its owner's.
    let own = folder.path().join("own");
    std::fs::create_dir(&own).unwrap();
    let url = format!("sqlite:{}", songs.display());
    let arguments = ["--data", own.to_str().unwrap(), "--database-url", &url];
    let status = Command::new(RELAY)
        .current_dir(folder.path())
        .args(["--listen", "127.0.0.1:0"])
        .args(arguments)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(!status.success() && own.is_dir());
}

#[tokio::test]
async fn a_log_that_is_no_terminal_has_no_colours_and_a_wrong_key_is_told_without_itself() {
    let run = Run::new(Path::new(""));
    let log = run.path("relay.log");
    let _relay = run.relay_with_log(&log);
    run.ready().await;
    let wrong = "this-key-is-nobodys";
    for _ in 0..40 {
        let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", run.port)).await.unwrap();
        let request =
            format!("GET /api/v1/uplink HTTP/1.1\r\nHost: relay\r\nX-API-Key: {wrong}\r\nConnection: close\r\n\r\n");
        tokio::io::AsyncWriteExt::write_all(&mut stream, request.as_bytes()).await.unwrap();
        crate::raw::to_the_end(&mut stream).await;
    }
    let text = std::fs::read_to_string(&log).unwrap();
    let lines = text.matches("a key came that is none").count();
    assert!((1..=12).contains(&lines), "{lines} lines: {text}");
    // Whose address it was is for who looks closer.
    assert!(!text.contains("127.0.0.1") && !text.contains(wrong) && !text.contains('\u{1b}'), "{text}");
}
