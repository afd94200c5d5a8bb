//! Uploads by what they come to: against the fights that bodies are made of, against the same fights streamed, against
//! recorded requests, and whatever strangers may send.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod begins;
mod encounters;
mod figures;
mod hostile;
mod own;
mod recorded;
mod requests;
mod streamed;
mod twins;
