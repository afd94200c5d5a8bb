//! Why there is no connection to the relay: facts, which whoever shows them puts into words.

use serde::{Deserialize, Serialize};

use crate::os_error::OsError;

/// Why there is no connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outage {
    /// The relay says why.
    Said {
        /// In the relay's words.
        text: String,
    },
    /// The relay is being started again.
    Restarting,
    /// The relay closed the connection, and did not say why.
    Closed {
        /// The WebSocket's close code, if it came with one.
        code: Option<u16>,
    },
    /// Nothing was heard on the connection for long.
    Silent {
        /// How long.
        seconds: u64,
    },
    /// The relay sent something that is no frame of the uplink.
    NotUnderstood {
        /// What is wrong with it.
        error: String,
    },
    /// The connection was cut.
    Cut,
    /// Something listens there, and gave no answer in time.
    NoAnswer {
        /// Where.
        at: Address,
        /// How long it was waited.
        seconds: u64,
    },
    /// Something listens there, and hung up without an answer.
    HungUp {
        /// Where.
        at: Address,
    },
    /// The relay knew the key in this run, and knows it no more.
    KeyForgotten,
    /// A proxy takes no more requests for now.
    Crowded {
        /// Where.
        at: Address,
    },
    /// A proxy lets nobody through who is not known to it.
    Proxy {
        /// Where.
        at: Address,
        /// What it answers, an HTTP status.
        status: u16,
    },
    /// A proxy answers, and the relay behind it does not.
    BehindProxy {
        /// Where.
        at: Address,
        /// What it answers, an HTTP status.
        status: u16,
    },
    /// An HTTP server is there, and no relay.
    NoRelay {
        /// Where.
        at: Address,
        /// What it answers, an HTTP status: the address of the uplink is none to it.
        status: u16,
    },
    /// An HTTP server answers as no relay does.
    Unexpected {
        /// Where.
        at: Address,
        /// What it answers, an HTTP status.
        status: u16,
    },
    /// Everybody is sent on to another address.
    Moved {
        /// From where.
        at: Address,
        /// To where, if it says so: a relay's address.
        to: Option<String>,
    },
    /// What answers is no WebSocket.
    NotWebSocket {
        /// Where.
        at: Address,
    },
    /// It was spoken to in http, and speaks https.
    SpeaksHttps,
    /// It was spoken to in https, and speaks http.
    SpeaksHttp,
    /// The computer is there, and nothing listens at this port.
    NotListening {
        /// Where.
        at: Address,
    },
    /// None of the computers of this name can be connected to.
    NothingThere {
        /// Where.
        at: Address,
    },
    /// The network leads nowhere, or not in time.
    Unreachable {
        /// Where to.
        at: Address,
    },
    /// No computer of this name is known.
    UnknownHost {
        /// Its name.
        host: String,
    },
    /// The certificate cannot be used.
    Certificate {
        /// Whose.
        at: Address,
        /// What is wrong with it.
        why: Certificate,
    },
    /// It does not speak TLS as this client needs it.
    NoCommonTls {
        /// Where.
        at: Address,
    },
    /// Anything else that keeps a connection from being secure.
    Insecure {
        /// Where to.
        at: Address,
    },
    /// Anything else that the operating system says.
    Os {
        /// Where to.
        at: Address,
        /// What it says.
        error: OsError,
    },
    /// Anything else.
    Failed {
        /// Where to.
        at: Address,
        /// In the library's words.
        text: String,
    },
}

/// A computer and a port of it, and how it is spoken to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// Its name or number.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Over TLS.
    pub tls: bool,
}

/// What is wrong with a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Certificate {
    /// It has expired, by this computer's date.
    Expired,
    /// It is not valid yet, by this computer's date.
    NotYetValid,
    /// It is for another name.
    OtherName,
    /// It was withdrawn.
    Revoked,
    /// It comes from an authority that is not known.
    UnknownAuthority,
    /// It is one of an authority, not one of a server.
    OfAnAuthority,
    /// Anything else.
    Unusable,
}
