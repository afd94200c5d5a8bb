//! What both ends must agree on: laws of the wire as properties, its bytes frozen, its types in TypeScript.

mod attempts;
mod details;
mod fights;
mod fits;
mod frozen;
mod frozen_feed;
mod known;
mod laws;
mod outcome;
mod rates;
mod saved;
mod types;
mod veil;
