//! Servers that are no relay: what somebody may have typed by mistake.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// What answers there.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Answers {
    /// What no program of the web says.
    Nonsense,
    /// That it is elsewhere.
    Redirect,
    /// A page of something else, whatever is asked.
    OtherProduct,
    /// What looks like an answer of a relay, and says nothing.
    EmptyJson,
}

/// A server that is no relay; it ends when it is dropped.
pub(crate) struct Stranger {
    pub(crate) url: String,
    serving: JoinHandle<()>,
}

impl Stranger {
    pub(crate) async fn who(answers: Answers) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let page = |status: &str, kind: &str, head: &str, body: &str| {
            format!(
                "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\n{head}Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            )
        };
        let answer = match answers {
            Answers::Nonsense => "SSH-2.0-OpenSSH_9.2p1\r\n".to_owned(),
            Answers::Redirect => {
                page("301 Moved Permanently", "text/html", "Location: https://elsewhere.example/\r\n", "")
            }
            Answers::OtherProduct => {
                page("200 OK", "text/html", "", "<!doctype html><title>Router</title><h1>Sign in to your router</h1>")
            }
            Answers::EmptyJson => page("200 OK", "application/json", "", "{}"),
        };
        let serving = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let answer = answer.clone();
                tokio::spawn(async move {
                    let mut asked = [0; 4_096];
                    let _ = stream.read(&mut asked).await;
                    let _ = stream.write_all(answer.as_bytes()).await;
                    let _ = stream.shutdown().await;
                });
            }
        });
        Self { url, serving }
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
