//! What both ends must agree on: laws of the wire as properties, its bytes frozen, its types in TypeScript.

mod fights;
mod fits;
mod frozen;
mod laws;
mod types;
